"""Normalisations that most nets use: `batchnorm`, `layernorm`, `rmsnorm`."""

from collections.abc import Sequence
from typing import ClassVar

from netspec.ir.dims import Dim
from netspec.ir.types import TensorType
from netspec.ops.arguments import Fraction01, PositiveFloat, PositiveInt, wrong_rank
from netspec.ops.base import POINT, Cost, Layer, Reach, Types, Weight, last_axes, product
from netspec.ops.onnxrule import Graph, Value, affine, channelwise, deviated, filled, standardised
from netspec.ops.torchrule import Arg, Size, Torch, channels, given

_RMS_NORMALIZATION = 23  # the first opset that has it


def normalising(elements: Dim, groups: Dim, *, scaled: bool, shifted: bool) -> Cost:
    """Subtract the mean of each group and divide by its deviation: per element 3 additions (mean,
    difference, variance) and 2 multiplications (square, scaling), 1 more of each with weight and bias; per
    group 3 others (two divisions, an inverse root)."""
    return Cost(0, elements * (2 + scaled), elements * (3 + shifted), groups * 3)


def trailing(x: TensorType, axes: int) -> tuple[Dim, ...]:
    """Sizes of the last `axes` axes. Raises RankMismatch where there are fewer."""
    if axes > x.rank:
        raise wrong_rank(x, f"at least {axes} axes", "axes")
    return x.shape[x.rank - axes :]


def last_sizes(x: TensorType, axes: int) -> Arg:
    """The sizes of the last axes, which torch's norms take by position."""
    sizes = trailing(x, axes)
    return Arg(sizes[0], source=Size(0, x.rank - 1)) if axes == 1 else Arg(sizes)


def rms_normalised(graph: Graph, x: Value, weight: str | None, axes: int, eps: float) -> Value:
    """The last axes divided by their root mean square, times a weight of that name."""
    if graph.opset >= _RMS_NORMALIZATION:
        scale = filled(graph, 1.0, trailing(x.type, axes), x) if weight is None else graph.weight(weight)
        return graph.node("RMSNormalization", x, scale, shape=x.shape, axis=-axes, epsilon=eps)
    y = deviated(graph, x, range(x.rank - axes, x.rank), eps)
    return affine(graph, y, None if weight is None else graph.weight(weight), None)


class BatchNorm(Layer):
    """Each channel to mean 0 and variance 1, then scaled and shifted: [C, *S] -> [C, *S], also [C].

    y = weight * (x - mean) / sqrt(var + eps) + bias (Ioffe & Szegedy 2015, arXiv:1502.03167). In training
    mean and variance are those of the batch, later the running ones. `eps`: keeps the root from 0.
    `momentum`: share of the new value in
    the running ones (as torch; ONNX and Paddle write 1 - momentum). `affine`: train weight [C] and bias
    [C].
    `track`: keep running_mean and running_var [C]; without them the batch's are used always.

    Cost: one multiplication and one addition per element, the statistics being folded into them as at
    inference.
    """

    example: ClassVar[str] = "batchnorm"

    eps: PositiveFloat = 1e-5
    momentum: Fraction01 = 0.1
    affine: bool = True
    track: bool = True

    def output(self, inputs: Types) -> TensorType:
        (x,) = inputs
        if not 1 <= x.rank <= 4:
            raise wrong_rank(x, "[C] or [C, *S] with up to 3 spatial axes")
        return x

    def weights(self, inputs: Types) -> dict[str, Weight]:
        shape = inputs[0].shape[:1]
        weights: dict[str, Weight] = {}
        if self.affine:
            weights["weight"], weights["bias"] = Weight(shape, init=1.0), Weight(shape, init=0.0)
        if self.track:
            weights["running_mean"] = Weight(shape, "buffer", init=0.0)
            weights["running_var"] = Weight(shape, "buffer", init=1.0)
            weights["num_batches_tracked"] = Weight((), "buffer", "int64", init=0.0)
        return weights

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        elements = output.elements
        return Cost(0, elements, elements)

    def reach(self, inputs: Types) -> Reach:
        return POINT

    def torch(self, inputs: Types) -> Torch:
        (x,) = inputs
        args = (
            channels(x),
            given("eps", self.eps, "eps", 1e-5),
            given("momentum", self.momentum, "momentum", 0.1),
            given("affine", self.affine, "affine", True),
            given("track", self.track, "track_running_stats", True),
        )
        return Torch(f"nn.BatchNorm{max(x.rank - 1, 1)}d", args=args)

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        (x,) = inputs
        if self.track:
            channels = x.shape[:1]
            scale = graph.weight("weight") if self.affine else filled(graph, 1.0, channels, x)
            bias = graph.weight("bias") if self.affine else filled(graph, 0.0, channels, x)
            statistics = graph.weight("running_mean"), graph.weight("running_var")
            return graph.node("BatchNormalization", x, scale, bias, *statistics, shape=x.shape, epsilon=self.eps)
        axes = (-1, *range(1, x.rank))  # the batch's own statistics
        y = standardised(graph, x, axes, self.eps)
        if not self.affine:
            return y
        return affine(graph, y, channelwise(graph, "weight", x), channelwise(graph, "bias", x))


class LayerNorm(Layer):
    """The last `axes` axes together to mean 0 and variance 1, then scaled and shifted: [*, D] -> [*, D].

    y = weight * (x - mean) / sqrt(var + eps) + bias (Ba, Kiros, Hinton 2016, arXiv:1607.06450). `axes`: how
    many trailing axes; weight and bias have their shape. On channels-first maps [C, H, W] the last axis is
    the width: `permute` first, or `groupnorm 1`. `eps`: keeps the root from 0. `affine`: train
    weight. `bias`: and bias.

    Cost: per element 3 additions and 2 multiplications, one more of each for bias and weight; 3 others per
    normalised group.
    """

    example: ClassVar[str] = "layernorm"

    axes: PositiveInt = 1
    eps: PositiveFloat = 1e-5
    affine: bool = True
    bias: bool = True

    def output(self, inputs: Types) -> TensorType:
        (x,) = inputs
        trailing(x, self.axes)
        return x

    def weights(self, inputs: Types) -> dict[str, Weight]:
        if not self.affine:
            return {}
        shape = trailing(inputs[0], self.axes)
        weight = Weight(shape, init=1.0)
        return {"weight": weight, "bias": Weight(shape, init=0.0)} if self.bias else {"weight": weight}

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        groups = product(output.shape[: output.rank - self.axes])
        return normalising(output.elements, groups, scaled=self.affine, shifted=self.affine and self.bias)

    def reach(self, inputs: Types) -> Reach:
        return last_axes(inputs[0], self.axes)

    def torch(self, inputs: Types) -> Torch:
        eps = given("eps", self.eps, "eps", 1e-5)
        if not self.affine:
            return Torch(function=f"F.layer_norm({{0}}, {{0}}.shape[-{self.axes}:], {{args}})", args=(eps,))
        return Torch(
            "nn.LayerNorm", args=(last_sizes(inputs[0], self.axes), eps, given("bias", self.bias, "bias", True))
        )

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        (x,) = inputs
        weight = graph.weight("weight") if self.affine else filled(graph, 1.0, trailing(x.type, self.axes), x)
        bias = graph.weight("bias") if self.affine and self.bias else None
        return graph.node("LayerNormalization", x, weight, bias, shape=x.shape, axis=-self.axes, epsilon=self.eps)


class RmsNorm(Layer):
    """The last `axes` axes together divided by their root mean square: [*, D] -> [*, D].

    y = weight * x / sqrt(mean(x^2) + eps) (Zhang & Sennrich 2019, arXiv:1910.07467). `axes`: how many
    trailing axes; the weight has their shape. `eps`: 1e-6, as language models have it. `affine`: train the
    weight.

    Cost: per element 1 addition and 2 multiplications, one more for the weight; 2 others per normalised
    group.
    """

    example: ClassVar[str] = "rmsnorm"

    axes: PositiveInt = 1
    eps: PositiveFloat = 1e-6
    affine: bool = True

    def output(self, inputs: Types) -> TensorType:
        (x,) = inputs
        trailing(x, self.axes)
        return x

    def weights(self, inputs: Types) -> dict[str, Weight]:
        return {"weight": Weight(trailing(inputs[0], self.axes), init=1.0)} if self.affine else {}

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        elements = output.elements
        groups = product(output.shape[: output.rank - self.axes])
        return Cost(0, elements * (2 + self.affine), elements, groups * 2)

    def reach(self, inputs: Types) -> Reach:
        return last_axes(inputs[0], self.axes)

    def torch(self, inputs: Types) -> Torch:
        eps = given("eps", self.eps, "eps")
        if not self.affine:
            return Torch(function=f"F.rms_norm({{0}}, {{0}}.shape[-{self.axes}:], {{args}})", args=(eps,))
        return Torch("nn.RMSNorm", args=(last_sizes(inputs[0], self.axes), eps))

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        return rms_normalised(graph, inputs[0], "weight" if self.affine else None, self.axes, self.eps)
