"""Positions of a sequence: `position`, and what attention needs of them."""

from collections.abc import Sequence
from math import tau
from typing import ClassVar, Literal

from netspec.ir.dims import Dim
from netspec.ir.types import TensorType
from netspec.ops.arguments import Width, wrong_rank
from netspec.ops.base import POINT, Cost, Layer, Reach, Types, Weight
from netspec.ops.onnxrule import Graph, Value, cut, reshape, unsqueeze
from netspec.ops.torchrule import Torch, features_in, given
from netspec.problems.shapes import NotEven, OptionMissing, OptionsConflict, TooManyPositions

_WAVES = 10_000.0


class Position(Layer):
    """A vector added for each position: [T, dim] -> [T, dim].

    `kind=learned`: rows 0 to T - 1 of a trained weight [max_length, dim]; `max_length`: how many there are. They begin
    normal, with deviation 0.02. `kind=sinusoidal`: sin(t / 10000^(2 i / dim)) at place 2 i and the cosine of the same
    at 2 i + 1, without weights (Vaswani et al. 2017, arXiv:1706.03762, section 3.5).

    Cost: one addition per element.
    """

    positional: ClassVar[int] = 1
    example: ClassVar[str] = "position 1024"

    max_length: Width | None = None
    kind: Literal["learned", "sinusoidal"] = "learned"

    def output(self, inputs: Types) -> TensorType:
        (x,) = inputs
        if x.rank != 2:
            raise wrong_rank(x, "[T, dim]")
        length, width = x.shape
        if self.kind == "sinusoidal":
            if self.max_length is not None:
                why = "sines go on for any length"
                raise OptionsConflict("max_length", first="max_length", second="kind=sinusoidal", why=why)
            if width % 2 != 0:
                compared = (width % 2, "==", 0)
                raise NotEven(
                    None, compared=compared, what="kind=sinusoidal", size=width, of="features", remedy="an even width"
                )
            return x
        if self.max_length is None:
            why = "a row is trained for each position"
            raise OptionMissing(None, given="kind=learned", missing="max_length", why=why, example="position 512")
        if length > self.max_length:
            raise TooManyPositions("max_length", shape=x, length=length, most=self.max_length)
        return x

    def weights(self, inputs: Types) -> dict[str, Weight]:
        if self.max_length is None:
            return {}
        return {"weight": Weight((self.max_length, inputs[0].shape[1]), init=("normal", 0.02))}

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        return Cost(adds=output.elements)

    def reach(self, inputs: Types) -> Reach:
        return POINT

    def torch(self, inputs: Types) -> Torch:
        if self.kind == "sinusoidal":
            return Torch("SinusoidalPosition")
        return Torch("Position", args=(given("max_length", self.max_length), features_in(inputs[0])))

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        (x,) = inputs
        length, width = x.shape
        if self.kind == "sinusoidal":
            half = int(str(width)) // 2
            sines, cosines = waves(graph, length, [_WAVES ** (-i / half) for i in range(half)], x)
            both = unsqueeze(graph, sines, 2), unsqueeze(graph, cosines, 2)
            pairs = graph.node("Concat", *both, shape=(length, half, 2), axis=2)
            return graph.node("Add", x, reshape(graph, pairs, length, width))
        weight = graph.weight("weight")
        return graph.node("Add", x, weight if length == self.max_length else cut(graph, weight, [(0, 0, length)]))


def rotary_rates(half: int, base: float, scaling: float | tuple[str, float, float, float, int]) -> list[float]:
    """By what angle each position turns the pairs of a head, of which there are `half`; `scaling` as of `attention`."""
    rates = [base ** (-i / half) for i in range(half)]
    if not isinstance(scaling, tuple):
        return [rate / scaling for rate in rates]
    _, factor, low, high, length = scaling
    kept = [min(max((length * rate / tau - low) / (high - low), 0.0), 1.0) for rate in rates]
    return [rate * (part + (1 - part) / factor) for rate, part in zip(rates, kept, strict=True)]


def positions(graph: Graph, length: Dim) -> Value:
    """0, 1, 2, ... below a length, which may be a formula: int64 [length]."""
    first, step = graph.numbers(0, "int64"), graph.numbers(1, "int64")
    end = _scalar(graph, length)
    return graph.node("Range", first, end, step, shape=(length,))


def _scalar(graph: Graph, size: Dim) -> Value:
    """A size as a tensor without axes."""
    if isinstance(size, int):
        return graph.numbers(size, "int64")
    return graph.node("Squeeze", graph.sizes(size), graph.numbers((0,), "int64"), shape=())


def waves(graph: Graph, length: Dim, frequencies: Sequence[float], x: Value) -> tuple[Value, Value]:
    """Sine and cosine of each position times each frequency, [length, frequencies] both, of the element type of x.

    They are computed in float64, for float16 cannot count."""
    column = reshape(graph, positions(graph, length), length, 1)
    rates = graph.numbers(tuple(frequencies), "float64")
    angles = graph.node("Mul", graph.cast(column, "float64"), rates, shape=(length, len(frequencies)))
    sines, cosines = (graph.cast(graph.node(op, angles), x.dtype) for op in ("Sin", "Cos"))
    return sines, cosines
