"""Activations that are made of straight pieces, and those with a slope."""

from collections.abc import Sequence
from typing import Any, ClassVar

from netspec.ir.types import TensorType
from netspec.ops.activation import _Pointwise
from netspec.ops.arguments import NotNegative, wrong_rank
from netspec.ops.base import Types, Weight
from netspec.ops.onnxrule import Graph, Value, channelwise, clip, number, where_greater
from netspec.ops.torchrule import Arg, Of, channels
from netspec.problems.shapes import BoundsCrossed


class Relu6(_Pointwise):
    """y = min(max(x, 0), 6): [*] -> [*] (Krizhevsky 2010; MobileNetV2, arXiv:1801.04381).

    Cost: 2 others per element (comparisons).
    """

    example: ClassVar[str] = "relu6"
    operations: ClassVar[int] = 2
    torch_names: ClassVar[tuple[str, str]] = ("nn.ReLU6", "F.relu6")

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        return clip(graph, inputs[0], 0.0, 6.0)


class LeakyRelu(_Pointwise):
    """y = x where x > 0, else slope * x: [*] -> [*] (Maas, Hannun, Ng 2013).

    `slope`: of the negative side.

    Cost: 2 others per element (comparison, product).
    """

    positional: ClassVar[int] = 1
    example: ClassVar[str] = "leakyrelu 0.2"
    operations: ClassVar[int] = 2
    torch_names: ClassVar[tuple[str, str]] = ("nn.LeakyReLU", "F.leaky_relu")
    onnx_name: ClassVar[str] = "LeakyRelu"

    slope: float = 0.01

    def torch_args(self, inputs: Types) -> tuple[Arg, ...]:
        return (Arg(self.slope, default=0.01, source=Of("slope")),)

    def onnx_attributes(self) -> dict[str, Any]:
        return {"alpha": self.slope}


class PRelu(_Pointwise):
    """y = x where x > 0, else weight * x, the slope trained: [C, *S] -> [C, *S].

    He et al. 2015, arXiv:1502.01852.

    `shared`: one slope, weight [1]; `shared=false`: one per channel (axis 0), weight [C].

    Cost: 2 others per element (comparison, product).
    """

    example: ClassVar[str] = "prelu shared=false"
    operations: ClassVar[int] = 2
    torch_names: ClassVar[tuple[str, str]] = ("nn.PReLU", "")

    shared: bool = True

    def output(self, inputs: Types) -> TensorType:
        (x,) = inputs
        if not self.shared and not x.shape:
            raise wrong_rank(x, "[C] or [C, *S]")
        return x

    def weights(self, inputs: Types) -> dict[str, Weight]:
        return {"weight": Weight((1,) if self.shared else inputs[0].shape[:1], init=0.25)}

    def torch_args(self, inputs: Types) -> tuple[Arg, ...]:
        return () if self.shared else (channels(inputs[0]),)

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        (x,) = inputs
        return graph.node("PRelu", x, graph.weight("weight") if self.shared else channelwise(graph, "weight", x))


class RRelu(_Pointwise):
    """y = x where x > 0, else slope * x, the slope random in training: [*] -> [*].

    Xu et al. 2015, arXiv:1505.00853. `low`, `high`: the slope's range in training; later it is their mean.

    Cost: 2 others per element (comparison, product).
    """

    example: ClassVar[str] = "rrelu low=0.1 high=0.3"
    operations: ClassVar[int] = 2
    torch_names: ClassVar[tuple[str, str]] = ("nn.RReLU", "")
    onnx_name: ClassVar[str] = "LeakyRelu"

    low: float = 1 / 8
    high: float = 1 / 3

    def output(self, inputs: Types) -> TensorType:
        if self.low > self.high:
            raise BoundsCrossed("low", low=self.low, high=self.high)
        return inputs[0]

    def torch_args(self, inputs: Types) -> tuple[Arg, ...]:
        return Arg(self.low, "lower", 1 / 8, Of("low")), Arg(self.high, "upper", 1 / 3, Of("high"))

    def onnx_attributes(self) -> dict[str, Any]:
        return {"alpha": (self.low + self.high) / 2}


class HardTanh(_Pointwise):
    """y = min(max(x, low), high): [*] -> [*].

    `low`, `high`: the bounds.

    Cost: 2 others per element (comparisons).
    """

    example: ClassVar[str] = "hardtanh low=0 high=20"
    operations: ClassVar[int] = 2
    torch_names: ClassVar[tuple[str, str]] = ("nn.Hardtanh", "F.hardtanh")

    low: float = -1.0
    high: float = 1.0

    def output(self, inputs: Types) -> TensorType:
        if self.low > self.high:
            raise BoundsCrossed("low", low=self.low, high=self.high)
        return inputs[0]

    def torch_args(self, inputs: Types) -> tuple[Arg, ...]:
        return Arg(self.low, "min_val", -1.0, Of("low")), Arg(self.high, "max_val", 1.0, Of("high"))

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        return clip(graph, inputs[0], self.low, self.high)


class HardSigmoid(_Pointwise):
    """y = min(max(x / 6 + 1 / 2, 0), 1), as torch (ONNX's default is x / 5 + 1 / 2): [*] -> [*].

    Cost: 4 others per element (product, sum, comparisons).
    """

    example: ClassVar[str] = "hardsigmoid"
    operations: ClassVar[int] = 4
    torch_names: ClassVar[tuple[str, str]] = ("nn.Hardsigmoid", "F.hardsigmoid")
    onnx_name: ClassVar[str] = "HardSigmoid"

    def onnx_attributes(self) -> dict[str, Any]:
        return {"alpha": 1 / 6, "beta": 0.5}


class HardSwish(_Pointwise):
    """y = x * min(max(x / 6 + 1 / 2, 0), 1): [*] -> [*] (MobileNetV3, Howard et al. 2019, arXiv:1905.02244).

    Cost: 5 others per element (a hard sigmoid and a product).
    """

    example: ClassVar[str] = "hardswish"
    operations: ClassVar[int] = 5
    torch_names: ClassVar[tuple[str, str]] = ("nn.Hardswish", "F.hardswish")
    onnx_name: ClassVar[str] = "HardSwish"


class SoftShrink(_Pointwise):
    """y = x - bound where x > bound, x + bound where x < -bound, else 0: [*] -> [*].

    `bound`: torch's lambd.

    Cost: 3 others per element (comparisons, difference).
    """

    example: ClassVar[str] = "softshrink 0.5"
    positional: ClassVar[int] = 1
    operations: ClassVar[int] = 3
    torch_names: ClassVar[tuple[str, str]] = ("nn.Softshrink", "F.softshrink")

    bound: NotNegative = 0.5

    def torch_args(self, inputs: Types) -> tuple[Arg, ...]:
        return (Arg(self.bound, default=0.5, source=Of("bound")),)

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        (x,) = inputs
        return graph.node("Sub", x, clip(graph, x, -self.bound, self.bound))  # ONNX's Shrink takes no bfloat16


class HardShrink(_Pointwise):
    """y = x where |x| > bound, else 0: [*] -> [*].

    `bound`: torch's lambd.

    Cost: 2 others per element (comparisons).
    """

    example: ClassVar[str] = "hardshrink 0.5"
    positional: ClassVar[int] = 1
    operations: ClassVar[int] = 2
    torch_names: ClassVar[tuple[str, str]] = ("nn.Hardshrink", "F.hardshrink")

    bound: float = 0.5

    def torch_args(self, inputs: Types) -> tuple[Arg, ...]:
        return (Arg(self.bound, default=0.5, source=Of("bound")),)

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        (x,) = inputs
        return where_greater(graph, x, graph.node("Abs", x), self.bound, number(graph, 0.0, x))


class Threshold(_Pointwise):
    """y = x where x > threshold, else value: [*] -> [*].

    `threshold`: what x must exceed. `value`: what takes its place.

    Cost: 1 other per element (a comparison).
    """

    positional: ClassVar[int] = 2
    example: ClassVar[str] = "threshold 0.1 0"
    operations: ClassVar[int] = 1
    torch_names: ClassVar[tuple[str, str]] = ("nn.Threshold", "F.threshold")

    threshold: float
    value: float

    def torch_args(self, inputs: Types) -> tuple[Arg, ...]:
        return Arg(self.threshold, source=Of("threshold")), Arg(self.value, source=Of("value"))

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        (x,) = inputs
        return where_greater(graph, x, x, self.threshold, number(graph, self.value, x))
