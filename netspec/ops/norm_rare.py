"""Normalisations of channels-first maps beside batch normalisation: groups, instances, neighbours."""

from collections.abc import Sequence
from typing import ClassVar

from netspec.ir.types import TensorType
from netspec.ops.arguments import PositiveFloat, PositiveInt, Width, spatial_axes, wrong_rank
from netspec.ops.base import POINT, Cost, Layer, Reach, Types, Weight, product, whole
from netspec.ops.channels import split_channels
from netspec.ops.norm import normalising
from netspec.ops.onnxrule import Graph, Value, affine, channelwise, filled, number, reshape
from netspec.ops.torchrule import Torch, channels, given
from netspec.problems.shapes import OneElement


class GroupNorm(Layer):
    """Groups of channels to mean 0 and variance 1, then scaled and shifted per channel: [C, *S] -> [C, *S].

    Wu & He 2018, arXiv:1803.08494. `groups`: how many groups of channels, each normalised together with all
    its positions; 1 is layer normalisation of a map. `eps`: keeps the root from 0. `affine`: train weight
    [C] and bias [C].

    Cost: per element 3 additions and 2 multiplications, one more of each with affine; 3 others per group.
    """

    positional: ClassVar[int] = 1
    example: ClassVar[str] = "groupnorm 32"

    groups: Width
    eps: PositiveFloat = 1e-5
    affine: bool = True

    def output(self, inputs: Types) -> TensorType:
        (x,) = inputs
        if not x.shape:
            raise wrong_rank(x, "[C] or [C, *S]")
        split_channels(x.shape[0], self.groups)
        if x.elements == self.groups:
            raise OneElement("input 0", layer="groupnorm", shape=x, part="group", count=1, element="element")
        return x

    def weights(self, inputs: Types) -> dict[str, Weight]:
        shape = inputs[0].shape[:1]
        return {"weight": Weight(shape, init=1.0), "bias": Weight(shape, init=0.0)} if self.affine else {}

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        return normalising(output.elements, self.groups, scaled=self.affine, shifted=self.affine)

    def reach(self, inputs: Types) -> Reach:
        return whole(inputs[0])

    def torch(self, inputs: Types) -> Torch:
        (x,) = inputs
        groups, eps = given("groups", self.groups), given("eps", self.eps, "eps", 1e-5)
        if not isinstance(x.shape[0], int):  # without weights, which no module has of a size that is not known
            return Torch(function="F.group_norm({0}, {args})", args=(groups, eps))
        return Torch("nn.GroupNorm", args=(groups, channels(x), eps, given("affine", self.affine, "affine", True)))

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        (x,) = inputs
        # onnxruntime's GroupNormalization is inexact where the mean is far from 0
        groups = graph.node(
            "Reshape", x, graph.sizes(0, self.groups, -1), shape=(self.groups, x.type.elements // self.groups)
        )
        scale, bias = filled(graph, 1.0, (self.groups,), x), filled(graph, 0.0, (self.groups,), x)
        y = graph.node("InstanceNormalization", groups, scale, bias, shape=groups.shape, epsilon=self.eps)
        y = reshape(graph, y, *x.shape)
        if not self.affine:
            return y
        return affine(graph, y, channelwise(graph, "weight", x), channelwise(graph, "bias", x))


class InstanceNorm(Layer):
    """Each map of each sample to mean 0 and variance 1: [C, *S] -> [C, *S].

    Ulyanov, Vedaldi, Lempitsky 2016, arXiv:1607.08022. `eps`: keeps the root from 0.
    `affine`: train weight [C] and bias [C]; off, as in torch.

    Cost: per element 3 additions and 2 multiplications, one more of each with affine; 3 others per channel.
    """

    example: ClassVar[str] = "instancenorm"

    eps: PositiveFloat = 1e-5
    affine: bool = False

    def output(self, inputs: Types) -> TensorType:
        (x,) = inputs
        spatial_axes(x)
        if all(size == 1 for size in x.shape[1:]):
            raise OneElement("input 0", layer="instancenorm", shape=x, part="channel", count=1, element="position")
        return x

    def weights(self, inputs: Types) -> dict[str, Weight]:
        shape = inputs[0].shape[:1]
        return {"weight": Weight(shape, init=1.0), "bias": Weight(shape, init=0.0)} if self.affine else {}

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        return normalising(output.elements, output.shape[0], scaled=self.affine, shifted=self.affine)

    def reach(self, inputs: Types) -> Reach:
        return whole(inputs[0])

    def torch(self, inputs: Types) -> Torch:
        (x,) = inputs
        eps = given("eps", self.eps, "eps", 1e-5)
        if not isinstance(x.shape[0], int):  # without weights, which no module has of a size that is not known
            return Torch(function="F.instance_norm({0}, {args})", args=(eps,))
        settings = eps, given("affine", self.affine, "affine", False)
        return Torch(f"nn.InstanceNorm{x.rank - 1}d", args=(channels(x), *settings))

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        (x,) = inputs
        scale = graph.weight("weight") if self.affine else filled(graph, 1.0, x.shape[:1], x)
        bias = graph.weight("bias") if self.affine else filled(graph, 0.0, x.shape[:1], x)
        return graph.node("InstanceNormalization", x, scale, bias, shape=x.shape, epsilon=self.eps)


class Lrn(Layer):
    """Each element divided by the activity of its neighbours along the channels: [C, *S] -> [C, *S].

    y = x / (k + alpha / size * sum of x^2 over `size` channels)^beta (Krizhevsky et al. 2012, which has alpha
    where torch and ONNX have alpha / size). `size`: how many channels are neighbours, itself included.
    `alpha`, `beta`, `k`: as in the formula.

    Cost: per element 2 multiplications, `size` additions and 2 others (power, division).
    """

    positional: ClassVar[int] = 1
    example: ClassVar[str] = "lrn 5 alpha=1e-4 beta=0.75 k=2"

    size: PositiveInt
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 1.0

    def output(self, inputs: Types) -> TensorType:
        spatial_axes(inputs[0])
        return inputs[0]

    def weights(self, inputs: Types) -> dict[str, Weight]:
        return {}

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        elements = output.elements
        return Cost(0, elements * 2, elements * self.size, elements * 2)

    def reach(self, inputs: Types) -> Reach:
        return POINT

    def torch(self, inputs: Types) -> Torch:
        args = (
            given("size", self.size),
            given("alpha", self.alpha, "alpha", 1e-4),
            given("beta", self.beta, "beta", 0.75),
            given("k", self.k, "k", 1.0),
        )
        if inputs[0].rank < 4:
            return Torch("nn.LocalResponseNorm", "F.local_response_norm", args)
        function = "F.local_response_norm({0}.contiguous(), {args})"  # torch views volumes as images
        return Torch("nn.LocalResponseNorm", function, args, call="{module}({0})", given=("{0}.contiguous()",))

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        (x,) = inputs
        # onnxruntime's LRN takes nothing else
        if x.rank == 3 and self.size % 2 and self.alpha > 0 and self.beta > 0:
            return graph.node(
                "LRN", x, shape=x.shape, size=self.size, alpha=self.alpha, beta=self.beta, bias=self.k
            )  # fmt: skip
        channels = (1, x.shape[0], product(x.shape[1:]))
        squares = graph.node("Reshape", graph.node("Mul", x, x), graph.sizes(0, 1, x.shape[0], -1), shape=channels)
        means = graph.node(
            "AveragePool", squares, shape=channels, kernel_shape=(self.size, 1), strides=(1, 1),
            pads=(self.size // 2, 0, (self.size - 1) // 2, 0), count_include_pad=1,
        )  # fmt: skip
        scaled = graph.node("Mul", reshape(graph, means, *x.shape), number(graph, self.alpha, x))
        powers = graph.node("Pow", graph.node("Add", scaled, number(graph, self.k, x)), number(graph, self.beta, x))
        return graph.node("Div", x, powers)
