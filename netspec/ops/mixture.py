"""Mixtures of which each position uses a part: `experts`."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from netspec.ir.dims import Dim
from netspec.ir.types import TensorType
from netspec.ops.activation import Gelu, Silu, Softmax
from netspec.ops.arguments import PositiveInt, Stacked, Width
from netspec.ops.base import Cost, Layer, Reach, Types, Weight, last_axes, product
from netspec.ops.feedforward import GeGlu, SwiGlu
from netspec.ops.linear import Dense, features
from netspec.ops.onnxrule import COUNTED, Graph, Value, cut, reduce, transpose, unsqueeze
from netspec.ops.projection import project, projection
from netspec.ops.torchrule import Torch, features_in, given
from netspec.problems.shapes import TooFewExperts

_GATED: dict[str, tuple[type[SwiGlu | GeGlu], Silu | Gelu]] = {
    "silu": (SwiGlu, SwiGlu.activation),
    "gelu": (GeGlu, GeGlu.activation),
}


class Experts(Layer):
    """Mixture of gated feed-forward layers: [*, dim] -> [*, dim] (Shazeer et al. 2017, arXiv:1701.06538).

    A router scores the experts, gate x, and each position uses the `top` ones that score highest, as in Mixtral (Jiang
    et al. 2024, arXiv:2401.04088): y = sum over these of share_i W2_i (silu(W1_i x) * W3_i x), by the names of its
    weights gate [experts, dim], experts.0.w1 and w3 [hidden, dim] and experts.0.w2 [dim, hidden]. `experts`: how many
    there are. `hidden`: the width inside of one. `normalised`: the shares are the softmax of the chosen scores, so that
    they sum to 1, and one alone is always 1; if false, that of all scores, as in the Switch Transformer (Fedus et al.
    2021, arXiv:2101.03961), whose router learns with `top=1` too. `activation`: silu, or gelu in its tanh form. `bias`:
    add trainable vectors inside of the experts.

    Cost: the router as `dense`; top * (experts - 1) others to choose; the softmax; then top times what a `swiglu`, or a
    `geglu`, computes, and top * dim multiplications and (top - 1) * dim additions for the sum. Each is per position.
    """

    positional: ClassVar[int] = 1
    example: ClassVar[str] = "experts 8 top=2 hidden=14_336"

    experts: Stacked
    hidden: Width
    top: PositiveInt
    normalised: bool = True
    activation: Literal["silu", "gelu"] = "silu"
    bias: bool = False

    def output(self, inputs: Types) -> TensorType:
        if self.top > self.experts:
            raise TooFewExperts("top", top=self.top, experts=self.experts)
        return features(inputs[0])

    def weights(self, inputs: Types) -> dict[str, Weight]:
        width = inputs[0].shape[-1]
        expert = self._expert(width)
        return {
            **projection("gate", width, self.experts, False),
            **{f"experts.{number}.{name}": w for number in range(self.experts) for name, w in expert.items()},
        }

    def _expert(self, width: Dim) -> dict[str, Weight]:
        """The weights of one expert."""
        return {
            **projection("w1", width, self.hidden, self.bias),
            **projection("w2", self.hidden, width, self.bias),
            **projection("w3", width, self.hidden, self.bias),
        }

    def inactive(self, inputs: Types) -> Dim:
        own: Dim = 0
        for weight in self._expert(inputs[0].shape[-1]).values():
            own = own + weight.type.elements
        return own * (self.experts - self.top)

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        (x,) = inputs
        *axes, dim = x.shape
        positions = product(axes)
        scores, chosen, spread = (
            x.with_shape(*axes, *more) for more in ((self.experts,), (self.top,), (self.top, dim))
        )
        shares = chosen if self.normalised else scores
        gated, _ = _GATED[self.activation]
        router = Dense(out=self.experts, bias=False).cost(inputs, scores)
        softmax = Softmax().cost([shares], shares)
        inside = gated(hidden=self.hidden, bias=self.bias).cost([spread], spread)
        rest = Cost(
            mults=positions * (self.top * dim),
            adds=positions * ((self.top - 1) * dim),
            other=positions * (self.top * (self.experts - 1)),
        )
        return Cost(*(a + b + c + d for a, b, c, d in zip(router, softmax, inside, rest, strict=True)))

    def reach(self, inputs: Types) -> Reach:
        return last_axes(inputs[0], 1)

    def torch(self, inputs: Types) -> Torch:
        args = (
            features_in(inputs[0]),
            given("experts", self.experts, "experts"),
            given("hidden", self.hidden, "hidden"),
            given("top", self.top, "top"),
            given("normalised", self.normalised, "normalised", True),
            given("activation", self.activation, "activation", "silu"),
            given("bias", self.bias, "bias", False),
        )
        return Torch("Experts", args=args)

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        (x,) = inputs
        axes, dim = x.shape[:-1], x.shape[-1]
        shares, chosen = self._routed(graph, x)
        places, made = [], []
        for number in range(self.experts):  # each gets the positions that chose it, however many they are
            here = graph.node("Equal", chosen, graph.numbers(number, "int64"), dtype="bool")
            found = graph.node("NonZero", here, shape=(x.rank + 1, COUNTED), dtype="int64", batched=False)
            place = transpose(graph, found, (1, 0))  # of each: the sample, the position, which of its experts it is
            position = cut(graph, place, [(1, 0, x.rank)])
            part = graph.node("GatherND", x, position, shape=(COUNTED, dim), batched=False)
            places.append(place)
            made.append(self._applied(graph, part, f"experts.{number}", dim))
        empty = graph.node(
            "Expand", graph.numbers(0.0, x.dtype), graph.batch_and(*axes, self.top, dim),
            shape=(*axes, self.top, dim), batched=True,
        )  # fmt: skip
        y = graph.node("ScatterND", empty, _joined(graph, places), _joined(graph, made), shape=empty.shape)
        return reduce(graph, "ReduceSum", graph.node("Mul", y, unsqueeze(graph, shares, x.rank)), [x.rank - 1])

    def _routed(self, graph: Graph, x: Value) -> tuple[Value, Value]:
        """Of each position the shares of its experts, and which they are: [*, top] twice."""
        scores = project(graph, x, "gate", self.experts, False)
        if not self.normalised:
            scores = graph.node("Softmax", scores, axis=-1)
        shape = (*x.shape[:-1], self.top)
        exact = graph.cast(scores, "float64")  # in which TopK takes every score
        _, chosen = graph.nodes(
            "TopK", exact, graph.numbers((self.top,), "int64"), shapes=(shape, shape), dtypes=("", "int64"), axis=-1
        )
        shares = graph.node("GatherElements", scores, chosen, shape=shape, axis=-1)
        return graph.node("Softmax", shares, axis=-1) if self.normalised else shares, chosen

    def _applied(self, graph: Graph, x: Value, name: str, dim: Dim) -> Value:
        """One expert's map of positions: [count, dim] -> [count, dim]."""

        def dense(y: Value, part: str, out: Dim) -> Value:
            bias = (graph.weight(f"{name}.{part}.bias"),) if self.bias else ()
            return graph.node("Gemm", y, graph.weight(f"{name}.{part}.weight"), *bias, shape=(COUNTED, out), transB=1)

        _, activation = _GATED[self.activation]
        gate = activation.onnx(graph, [dense(x, "w1", self.hidden)])
        return dense(graph.node("Mul", gate, dense(x, "w3", self.hidden)), "w2", dim)


def _joined(graph: Graph, parts: Sequence[Value]) -> Value:
    """What the experts make, one after the other."""
    return graph.node("Concat", *parts, shape=(COUNTED, parts[0].shape[-1]), axis=0)
