"""Normalisations of channels-first maps beside batch normalisation: groups, instances, neighbours."""

from typing import ClassVar

from netspec.ir.types import TensorType
from netspec.ops.arguments import PositiveFloat, PositiveInt, spatial_axes, wrong_rank
from netspec.ops.base import POINT, Cost, Layer, Reach, Types, Weight, whole
from netspec.ops.channels import split_channels
from netspec.ops.norm import normalising
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

    groups: PositiveInt
    eps: PositiveFloat = 1e-5
    affine: bool = True

    def output(self, inputs: Types) -> TensorType:
        (x,) = inputs
        if not x.shape:
            raise wrong_rank(x, "[C] or [C, *S]")
        split_channels(x.shape[0], self.groups)
        return x

    def weights(self, inputs: Types) -> dict[str, Weight]:
        each = Weight(inputs[0].shape[:1])
        return {"weight": each, "bias": each} if self.affine else {}

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        return normalising(output.elements, self.groups, scaled=self.affine, shifted=self.affine)

    def reach(self, inputs: Types) -> Reach:
        return whole(inputs[0])

    def torch(self, inputs: Types) -> Torch:
        settings = given("eps", self.eps, "eps", 1e-5), given("affine", self.affine, "affine", True)
        return Torch("nn.GroupNorm", args=(given("groups", self.groups), channels(inputs[0]), *settings))


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
            raise OneElement("input 0", layer="instancenorm", shape=x, count=1)
        return x

    def weights(self, inputs: Types) -> dict[str, Weight]:
        each = Weight(inputs[0].shape[:1])
        return {"weight": each, "bias": each} if self.affine else {}

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        return normalising(output.elements, output.shape[0], scaled=self.affine, shifted=self.affine)

    def reach(self, inputs: Types) -> Reach:
        return whole(inputs[0])

    def torch(self, inputs: Types) -> Torch:
        (x,) = inputs
        settings = given("eps", self.eps, "eps", 1e-5), given("affine", self.affine, "affine", False)
        return Torch(f"nn.InstanceNorm{x.rank - 1}d", args=(channels(x), *settings))


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
        return Torch("nn.LocalResponseNorm", "F.local_response_norm", args)
