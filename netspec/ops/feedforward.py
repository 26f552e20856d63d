"""Gated feed-forward layers of transformers: `swiglu`, `geglu`."""

from collections.abc import Sequence
from typing import ClassVar

from netspec.ir.types import TensorType
from netspec.ops.activation import Gelu, Silu
from netspec.ops.arguments import Width
from netspec.ops.base import Cost, Layer, Reach, Types, Weight, last_axes, product
from netspec.ops.linear import Dense, features
from netspec.ops.onnxrule import Graph, Value
from netspec.ops.projection import project, projection
from netspec.ops.torchrule import Torch, features_in, given


class _Gated(Layer):
    """What gated layers share: y = down(activation(gate(x)) * up(x))."""

    positional: ClassVar[int] = 1
    activation: ClassVar[Silu | Gelu]
    part: ClassVar[str]

    hidden: Width
    bias: bool = False

    def output(self, inputs: Types) -> TensorType:
        return features(inputs[0])

    def weights(self, inputs: Types) -> dict[str, Weight]:
        width = inputs[0].shape[-1]
        return {
            **projection("gate_proj", width, self.hidden, self.bias),
            **projection("up_proj", width, self.hidden, self.bias),
            **projection("down_proj", self.hidden, width, self.bias),
        }

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        (x,) = inputs
        inner = x.with_shape(*x.shape[:-1], self.hidden)
        wide = Dense(out=self.hidden, bias=self.bias).cost(inputs, inner)
        positions = product(x.shape[:-1])
        macs = positions * self.hidden * x.shape[-1]
        biases = output.elements if self.bias else 0
        gate = self.activation.cost([inner], inner)
        return Cost(
            3 * macs,
            3 * macs + inner.elements,
            2 * wide.adds + macs - (0 if self.bias else output.elements),
            gate.other,
            2 * wide.connections + macs + biases,
        )

    def reach(self, inputs: Types) -> Reach:
        return last_axes(inputs[0], 1)

    def torch(self, inputs: Types) -> Torch:
        args = (features_in(inputs[0]), given("hidden", self.hidden), given("bias", self.bias, "bias", False))
        return Torch(self.part, args=args)

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        (x,) = inputs
        gate = self.activation.onnx(graph, [project(graph, x, "gate_proj", self.hidden, self.bias)])
        inner = graph.node("Mul", gate, project(graph, x, "up_proj", self.hidden, self.bias))
        return project(graph, inner, "down_proj", x.shape[-1], self.bias)


class SwiGlu(_Gated):
    """Gated feed-forward layer with silu, of the last axis: [*, dim] -> [*, dim] (Shazeer 2020, arXiv:2002.05202).

    y = W_down (silu(W_gate x) * W_up x), as in Llama, with the names of its weights: gate_proj, up_proj [hidden, dim]
    and down_proj [dim, hidden]. `hidden`: the width inside. `bias`: add trainable vectors.

    Cost: three matrix products as of `dense`; 5 others (silu) and 1 multiplication per element inside.
    """

    example: ClassVar[str] = "swiglu 14_336"
    activation: ClassVar[Silu | Gelu] = Silu()
    part: ClassVar[str] = "SwiGlu"


class GeGlu(_Gated):
    """Gated feed-forward layer with gelu, of the last axis: [*, dim] -> [*, dim] (Shazeer 2020, arXiv:2002.05202).

    y = W_down (gelu(W_gate x) * W_up x), gelu in its tanh form, as in T5 1.1 and Gemma. Its weights are called as those
    of `swiglu`: gate_proj, up_proj [hidden, dim] and down_proj [dim, hidden]. `hidden`: the width inside. `bias`: add
    trainable vectors.

    Cost: three matrix products as of `dense`; 13 others (gelu) and 1 multiplication per element inside.
    """

    example: ClassVar[str] = "geglu 2048"
    activation: ClassVar[Silu | Gelu] = Gelu(approx="tanh")
    part: ClassVar[str] = "GeGlu"
