"""Activations that most nets use. The others are in `activation_hard` and `activation_smooth`."""

from collections.abc import Sequence
from math import pi
from typing import Any, ClassVar, Literal

from netspec.ir.types import TensorType
from netspec.ops.arguments import axis_index
from netspec.ops.base import POINT, Cost, Layer, Reach, Types, Weight
from netspec.ops.onnxrule import Graph, Value, number
from netspec.ops.torchrule import Arg, Of, Torch, dim

_GELU = 20  # the first opset that has it


class _Pointwise(Layer):
    """An activation that takes each element by itself, at `operations` of other arithmetic."""

    operations: ClassVar[int]
    torch_names: ClassVar[tuple[str, str]]  # torch's module and function
    onnx_name: ClassVar[str]

    def output(self, inputs: Types) -> TensorType:
        return inputs[0]

    def weights(self, inputs: Types) -> dict[str, Weight]:
        return {}

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        return Cost(other=output.elements * self.operations)

    def reach(self, inputs: Types) -> Reach:
        return POINT

    def torch(self, inputs: Types) -> Torch:
        return Torch(*self.torch_names, self.torch_args(inputs))

    def torch_args(self, inputs: Types) -> tuple[Arg, ...]:
        """The arguments that torch's module and function take."""
        return ()

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        """The operator of the name `onnx_name`, with the attributes of `onnx_attributes`."""
        (x,) = inputs
        return graph.node(self.onnx_name, x, **self.onnx_attributes())

    def onnx_attributes(self) -> dict[str, Any]:
        """The attributes that ONNX's operator takes."""
        return {}


class Relu(_Pointwise):
    """y = max(x, 0): [*] -> [*] (Nair & Hinton 2010).

    Cost: 1 other per element (a comparison).
    """

    example: ClassVar[str] = "relu"
    operations: ClassVar[int] = 1
    torch_names: ClassVar[tuple[str, str]] = ("nn.ReLU", "F.relu")
    onnx_name: ClassVar[str] = "Relu"


class Sigmoid(_Pointwise):
    """y = 1 / (1 + exp(-x)): [*] -> [*].

    Cost: 4 others per element (sign, exponential, sum, division).
    """

    example: ClassVar[str] = "sigmoid"
    operations: ClassVar[int] = 4
    torch_names: ClassVar[tuple[str, str]] = ("nn.Sigmoid", "torch.sigmoid")
    onnx_name: ClassVar[str] = "Sigmoid"


class Tanh(_Pointwise):
    """y = 1 - 2 / (exp(2 x) + 1), the hyperbolic tangent: [*] -> [*].

    Cost: 5 others per element (product, exponential, sum, division, difference).
    """

    example: ClassVar[str] = "tanh"
    operations: ClassVar[int] = 5
    torch_names: ClassVar[tuple[str, str]] = ("nn.Tanh", "torch.tanh")
    onnx_name: ClassVar[str] = "Tanh"


class Silu(_Pointwise):
    """y = x * sigmoid(x), also called swish: [*] -> [*] (Elfwing et al. 2017, arXiv:1702.03118).

    Cost: 5 others per element (a sigmoid and a product).
    """

    example: ClassVar[str] = "silu"
    operations: ClassVar[int] = 5
    torch_names: ClassVar[tuple[str, str]] = ("nn.SiLU", "F.silu")

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        (x,) = inputs
        return graph.node("Mul", x, graph.node("Sigmoid", x))


class Gelu(_Pointwise):
    """y = x * Phi(x), Phi the normal distribution: [*] -> [*] (Hendrycks & Gimpel 2016, arXiv:1606.08415).

    `approx=none`: Phi(x) = (1 + erf(x / sqrt(2))) / 2. `approx=tanh`, as GPT-2 has it:
    Phi(x) = (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))) / 2. They differ by up to 4.7e-4.

    Cost: 5 others per element; 13 with approx=tanh.
    """

    example: ClassVar[str] = "gelu approx=tanh"
    operations: ClassVar[int] = 5
    torch_names: ClassVar[tuple[str, str]] = ("nn.GELU", "F.gelu")

    approx: Literal["none", "tanh"] = "none"

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        return Cost(other=output.elements * (5 if self.approx == "none" else 13))

    def torch_args(self, inputs: Types) -> tuple[Arg, ...]:
        return (Arg(self.approx, "approximate", "none", Of("approx")),)

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        (x,) = inputs
        if graph.opset >= _GELU:
            return graph.node("Gelu", x, approximate=self.approx)
        if self.approx == "none":
            phi = graph.node("Erf", graph.node("Mul", x, number(graph, 0.5**0.5, x)))
        else:
            cubes = graph.node("Mul", graph.node("Mul", x, graph.node("Mul", x, x)), number(graph, 0.044715, x))
            phi = graph.node("Tanh", graph.node("Mul", graph.node("Add", x, cubes), number(graph, (2 / pi) ** 0.5, x)))
        share = graph.node("Mul", graph.node("Add", phi, number(graph, 1.0, x)), number(graph, 0.5, x))
        return graph.node("Mul", x, share)


class _AlongAxis(Layer):
    """An activation that mixes the elements along one axis and keeps the shape."""

    torch_names: ClassVar[tuple[str, str]]  # torch's module and function
    onnx_name: ClassVar[str]

    axis: int = -1

    def output(self, inputs: Types) -> TensorType:
        axis_index(self.axis, inputs[0])
        return inputs[0]

    def weights(self, inputs: Types) -> dict[str, Weight]:
        return {}

    def reach(self, inputs: Types) -> Reach:
        (x,) = inputs
        mixed = axis_index(self.axis, x) - 1
        axes = x.shape[1:]
        return Reach(
            tuple(n if i == mixed else 1 for i, n in enumerate(axes)),
            tuple(0 if i == mixed else 1 for i in range(len(axes))),
            (0,) * len(axes),
        )

    def torch(self, inputs: Types) -> Torch:
        return Torch(*self.torch_names, (Arg(dim(self.axis), "dim"),))

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        (x,) = inputs
        return graph.node(self.onnx_name, x, axis=dim(axis_index(self.axis, x.type)))


class Softmax(_AlongAxis):
    """y_i = exp(x_i) / sum_j exp(x_j) along one axis: [*] -> [*].

    `axis`: of the sample, the last unless given; `axis=0` for the channels of a map [C, H, W].

    Cost: per element 2 additions (difference to the maximum, sum) and 3 others (maximum, exponential,
    division).
    """

    example: ClassVar[str] = "softmax"
    torch_names: ClassVar[tuple[str, str]] = ("nn.Softmax", "F.softmax")
    onnx_name: ClassVar[str] = "Softmax"

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        elements = output.elements
        return Cost(0, 0, elements * 2, elements * 3)
