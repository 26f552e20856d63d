"""The two layers of LeNet-5 that later nets dropped (LeCun et al. 1998)."""

from collections.abc import Sequence
from math import prod
from typing import ClassVar

from netspec.ir.dims import Dim
from netspec.ir.types import TensorType
from netspec.ops import windows
from netspec.ops.arguments import Width, Window, per_axis, spatial_axes
from netspec.ops.base import Cost, Layer, Reach, Types, Weight, last_axes, product
from netspec.ops.linear import features
from netspec.ops.onnxrule import Graph, Value, affine, channelwise, number, reduce, unsqueeze
from netspec.ops.torchrule import Torch, channels, features_in, given


class Subsample(Layer):
    """Sum of each window, times a coefficient, plus a bias, both trained: [C, *S] -> [C, *(S // k)].

    LeNet-5's S2 and S4 (LeCun, Bottou, Bengio, Haffner 1998, section II.B). `k`: the window and its
    stride. The weights are one coefficient and one bias per map, [C] each; the sigmoid that follows is a
    layer of its own.

    Cost: per output one multiplication and as many additions as the window has elements, the bias's included.
    """

    positional: ClassVar[int] = 1
    example: ClassVar[str] = "subsample 2"

    k: Window

    def output(self, inputs: Types) -> TensorType:
        (x,) = inputs
        axes = spatial_axes(x)
        places = [
            windows.slide(n, k, k, (0, 0), 1, axis=name)
            for n, k, name in zip(x.shape[1:], per_axis(self.k, axes, "k"), windows.AXIS_NAMES[axes], strict=True)
        ]
        return x.with_shape(x.shape[0], *places)

    def weights(self, inputs: Types) -> dict[str, Weight]:
        (x,) = inputs
        window = product(per_axis(self.k, x.rank - 1, "k"))
        return {"weight": Weight(x.shape[:1], init=("fan", window)), "bias": Weight(x.shape[:1], init=0.0)}

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        window: Dim = product(per_axis(self.k, inputs[0].rank - 1, "k"))
        outputs = output.elements
        return Cost(0, outputs, outputs * window, 0, outputs * (window + 1))

    def reach(self, inputs: Types) -> Reach:
        kernel = per_axis(self.k, inputs[0].rank - 1, "k")
        return Reach(kernel, kernel, (0,) * len(kernel))

    def torch(self, inputs: Types) -> Torch:
        (x,) = inputs
        return Torch(f"Subsample{x.rank - 1}d", args=(channels(x), given("k", self.k)))

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        (x,) = inputs
        kernel = per_axis(self.k, x.rank - 1, "k")
        y = graph.node("AveragePool", x, shape=self.output([x.type]).shape, kernel_shape=kernel, strides=kernel)
        sums = graph.node("Mul", y, number(graph, prod(kernel), x))
        return affine(graph, sums, channelwise(graph, "weight", y), channelwise(graph, "bias", y))


class Rbf(Layer):
    """Squared distance to each of `out` fixed centres: [*, in] -> [*, out], y_i = sum_j (x_j - w_ij)^2.

    LeNet-5's output (LeCun, Bottou, Bengio, Haffner 1998, equation 7). The centers [out, in] are not trained:
    in the paper they are bitmaps of the characters.

    Cost: per output in multiplications and 2 * in - 1 additions, differences included.
    """

    positional: ClassVar[int] = 1
    example: ClassVar[str] = "rbf 10"

    out: Width

    def output(self, inputs: Types) -> TensorType:
        x = features(inputs[0])
        return x.with_shape(*x.shape[:-1], self.out)

    def weights(self, inputs: Types) -> dict[str, Weight]:
        return {"centers": Weight((self.out, inputs[0].shape[-1]), "fixed", init="signs")}

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        outputs = output.elements
        pairs = outputs * inputs[0].shape[-1]
        return Cost(0, pairs, 2 * pairs - outputs, 0, pairs)

    def reach(self, inputs: Types) -> Reach:
        return last_axes(inputs[0], 1)

    def torch(self, inputs: Types) -> Torch:
        return Torch("Rbf", args=(features_in(inputs[0]), given("out", self.out)))

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        (x,) = inputs
        differences = graph.node("Sub", unsqueeze(graph, x, x.rank - 1), graph.weight("centers"))
        return reduce(graph, "ReduceSum", graph.node("Mul", differences, differences), (x.rank,))
