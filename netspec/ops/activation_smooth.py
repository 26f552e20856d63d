"""Activations with exponentials beside the common ones, and gated linear units."""

from collections.abc import Sequence
from typing import Any, ClassVar

from netspec.ir.types import TensorType
from netspec.ops.activation import _AlongAxis, _Pointwise
from netspec.ops.arguments import PositiveFloat, axis_index
from netspec.ops.base import POINT, Cost, Layer, Reach, Types, Weight, product, whole
from netspec.ops.onnxrule import Graph, Value, number, where_greater
from netspec.ops.torchrule import Arg, Of, Torch, dim
from netspec.problems.shapes import HalvesDiffer, ZeroAlpha

_LINEAR_FROM = 20.0  # from which on softplus is its argument, in float32


class Elu(_Pointwise):
    """y = x where x > 0, else alpha * (exp(x) - 1): [*] -> [*] (Clevert et al. 2015, arXiv:1511.07289).

    Cost: 4 others per element (comparison, exponential, difference, product).
    """

    example: ClassVar[str] = "elu"
    operations: ClassVar[int] = 4
    torch_names: ClassVar[tuple[str, str]] = ("nn.ELU", "F.elu")
    onnx_name: ClassVar[str] = "Elu"

    alpha: float = 1.0

    def torch_args(self, inputs: Types) -> tuple[Arg, ...]:
        return (Arg(self.alpha, "alpha", 1.0, Of("alpha")),)

    def onnx_attributes(self) -> dict[str, Any]:
        return {"alpha": self.alpha}


class Selu(_Pointwise):
    """y = 1.0507 * (x where x > 0, else 1.6733 * (exp(x) - 1)): [*] -> [*].

    Klambauer et al. 2017, arXiv:1706.02515.

    Cost: 5 others per element (an elu and a product).
    """

    example: ClassVar[str] = "selu"
    operations: ClassVar[int] = 5
    torch_names: ClassVar[tuple[str, str]] = ("nn.SELU", "F.selu")
    onnx_name: ClassVar[str] = "Selu"


class Celu(_Pointwise):
    """y = x where x > 0, else alpha * (exp(x / alpha) - 1): [*] -> [*] (Barron 2017, arXiv:1704.07483).

    Cost: 5 others per element (an elu and a division).
    """

    example: ClassVar[str] = "celu alpha=0.5"
    operations: ClassVar[int] = 5
    torch_names: ClassVar[tuple[str, str]] = ("nn.CELU", "F.celu")

    alpha: float = 1.0

    def output(self, inputs: Types) -> TensorType:
        if self.alpha == 0.0:
            raise ZeroAlpha("alpha")
        return inputs[0]

    def torch_args(self, inputs: Types) -> tuple[Arg, ...]:
        return (Arg(self.alpha, "alpha", 1.0, Of("alpha")),)

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        (x,) = inputs
        # ONNX's Celu takes float32 alone, and no negative alpha
        steps = graph.node("Exp", graph.node("Div", x, number(graph, self.alpha, x)))
        below = graph.node("Mul", graph.node("Sub", steps, number(graph, 1.0, x)), number(graph, self.alpha, x))
        return where_greater(graph, x, x, 0.0, below)


class Mish(_Pointwise):
    """y = x * tanh(ln(1 + exp(x))): [*] -> [*] (Misra 2019, arXiv:1908.08681).

    Cost: 9 others per element (softplus 3, tanh 5, product).
    """

    example: ClassVar[str] = "mish"
    operations: ClassVar[int] = 9
    torch_names: ClassVar[tuple[str, str]] = ("nn.Mish", "F.mish")

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        (x,) = inputs
        return graph.node("Mul", x, graph.node("Tanh", graph.node("Softplus", x)))


class Softplus(_Pointwise):
    """y = ln(1 + exp(beta * x)) / beta: [*] -> [*].

    `beta`: steepness. `threshold`: where beta * x is larger, y = x.

    Cost: 3 others per element (exponential, sum, logarithm), 2 more where beta is not 1.
    """

    example: ClassVar[str] = "softplus"
    operations: ClassVar[int] = 3
    torch_names: ClassVar[tuple[str, str]] = ("nn.Softplus", "F.softplus")

    beta: PositiveFloat = 1.0
    threshold: float = 20.0

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        return Cost(other=output.elements * (3 if self.beta == 1.0 else 5))

    def torch_args(self, inputs: Types) -> tuple[Arg, ...]:
        return Arg(self.beta, "beta", 1.0, Of("beta")), Arg(self.threshold, "threshold", 20.0, Of("threshold"))

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        (x,) = inputs
        beta = None if self.beta == 1.0 else number(graph, self.beta, x)
        steep = x if beta is None else graph.node("Mul", x, beta)
        y = graph.node("Softplus", steep)
        y = y if beta is None else graph.node("Div", y, beta)
        if self.threshold >= _LINEAR_FROM:
            return y
        return where_greater(graph, x, steep, self.threshold, y)


class Softsign(_Pointwise):
    """y = x / (1 + |x|): [*] -> [*] (Glorot & Bengio 2010).

    Cost: 3 others per element (absolute value, sum, division).
    """

    example: ClassVar[str] = "softsign"
    operations: ClassVar[int] = 3
    torch_names: ClassVar[tuple[str, str]] = ("nn.Softsign", "F.softsign")
    onnx_name: ClassVar[str] = "Softsign"


class LogSigmoid(_Pointwise):
    """y = -ln(1 + exp(-x)): [*] -> [*].

    Cost: 5 others per element (two signs, exponential, sum, logarithm).
    """

    example: ClassVar[str] = "logsigmoid"
    operations: ClassVar[int] = 5
    torch_names: ClassVar[tuple[str, str]] = ("nn.LogSigmoid", "F.logsigmoid")

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        return graph.node("Neg", graph.node("Softplus", graph.node("Neg", inputs[0])))


class TanhShrink(_Pointwise):
    """y = x - tanh(x): [*] -> [*].

    Cost: 6 others per element (a tanh and a difference).
    """

    example: ClassVar[str] = "tanhshrink"
    operations: ClassVar[int] = 6
    torch_names: ClassVar[tuple[str, str]] = ("nn.Tanhshrink", "F.tanhshrink")

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        return graph.node("Sub", inputs[0], graph.node("Tanh", inputs[0]))


class LogSoftmax(_AlongAxis):
    """y_i = x_i - ln(sum_j exp(x_j)) along one axis: [*] -> [*].

    `axis`: of the sample, the last unless given.

    Cost: per element 3 additions (two differences, sum) and 2 others (maximum, exponential); 1 other per
    normalised vector (logarithm).
    """

    example: ClassVar[str] = "logsoftmax"
    torch_names: ClassVar[tuple[str, str]] = ("nn.LogSoftmax", "F.log_softmax")
    onnx_name: ClassVar[str] = "LogSoftmax"

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        axis = axis_index(self.axis, output)
        elements = output.elements
        vectors = product(output.shape[:axis]) * product(output.shape[axis + 1 :])
        return Cost(0, 0, elements * 3, elements * 2 + vectors)


class Softmin(_AlongAxis):
    """y_i = exp(-x_i) / sum_j exp(-x_j) along one axis: [*] -> [*].

    `axis`: of the sample, the last unless given.

    Cost: per element 2 additions and 4 others (a softmax and a sign).
    """

    example: ClassVar[str] = "softmin"
    torch_names: ClassVar[tuple[str, str]] = ("nn.Softmin", "F.softmin")
    onnx_name: ClassVar[str] = "Softmax"

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        elements = output.elements
        return Cost(0, 0, elements * 2, elements * 4)

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        return super().onnx(graph, [graph.node("Neg", inputs[0])])


class Glu(Layer):
    """y = a * sigmoid(b), a and b the halves of an axis: [2 * n, *] -> [n, *].

    Dauphin et al. 2016, arXiv:1612.08083.

    `axis`: of the sample, the first unless given; -1 for the features of [T, features].

    Cost: 5 others per output (a sigmoid and a product).
    """

    example: ClassVar[str] = "glu"

    axis: int = 0

    def output(self, inputs: Types) -> TensorType:
        (x,) = inputs
        axis = axis_index(self.axis, x)
        size = x.shape[axis]
        if size % 2 != 0:
            why = f"{size} is odd" if isinstance(size, int) else f"{size} may be odd"
            raise HalvesDiffer("input 0", compared=(size % 2, "==", 0), axis=axis, shape=x, why=why)
        return x.with_shape(*x.shape[:axis], size // 2, *x.shape[axis + 1 :])

    def weights(self, inputs: Types) -> dict[str, Weight]:
        return {}

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        return Cost(other=output.elements * 5)

    def reach(self, inputs: Types) -> Reach:
        return POINT if axis_index(self.axis, inputs[0]) == 0 else whole(inputs[0])

    def torch(self, inputs: Types) -> Torch:
        return Torch("nn.GLU", "F.glu", (Arg(dim(self.axis), "dim", -1),))

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        (x,) = inputs
        axis = axis_index(self.axis, x.type)
        half = self.output([x.type]).shape
        a, b = graph.nodes("Split", x, graph.sizes(half[axis], half[axis]), shapes=(half, half), axis=axis + 1)
        return graph.node("Mul", a, graph.node("Sigmoid", b))
