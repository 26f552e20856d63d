"""Layers that trade resolution: `upsample` and the shuffles."""

from collections.abc import Sequence
from fractions import Fraction
from math import floor
from struct import pack, unpack
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from netspec.ir.dims import Dim
from netspec.ir.types import TensorType
from netspec.ops import windows
from netspec.ops.arguments import PositiveFloat, PositiveInt, Width, Window, per_axis, spatial_axes
from netspec.ops.base import FREE, POINT, Cost, Layer, Reach, Types, Weight, whole
from netspec.ops.channels import split_channels
from netspec.ops.onnxrule import Graph, Value, along, constant_of, needs_size, reshape, transpose
from netspec.ops.shape import _Rearrange
from netspec.ops.torchrule import Arg, Torch, given
from netspec.problems.shapes import (
    AlignNeedsInterpolation,
    BlockDoesNotDivide,
    ModeNeedsAxes,
    NothingLeft,
    OptionsConflict,
    ScaleInexact,
)

Factor: TypeAlias = PositiveInt | PositiveFloat
Factors: TypeAlias = Factor | Annotated[tuple[Factor, ...], "one per axis"]
_MODE_AXES = {"linear": 1, "bilinear": 2, "trilinear": 3, "bicubic": 2}
_MODE_TAPS = {"nearest": 1, "linear": 2, "bilinear": 4, "trilinear": 8, "bicubic": 16}
_EXPECTED = {1: "[C, L]", 2: "[C, H, W]", 3: "[C, D, H, W]"}
_RESIZE_AXES = 18  # the first opset in which Resize may be told the axes
_LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}


class Upsample(Layer):
    """Resizing of the spatial axes: [C, *S] -> [C, *floor(S * scale)], or [C, *size].

    `scale`: a number for every axis or one per axis, 2 where no size is given. `size`: the new size in its
    place. `mode`: nearest, or an interpolation for 1 axis (linear), 2 (bilinear, bicubic) or 3 (trilinear).
    `align_corners`: the corner elements keep their place and value.

    Cost: none for nearest; else per output 2, 4, 8 or (bicubic) 16 multiplications and one addition fewer.
    """

    positional: ClassVar[int] = 1
    example: ClassVar[str] = "upsample 2 mode=bilinear"

    scale: Factors | None = None
    size: Window | None = None
    mode: Literal["nearest", "linear", "bilinear", "trilinear", "bicubic"] = "nearest"
    align_corners: bool = False

    def output(self, inputs: Types) -> TensorType:
        (x,) = inputs
        axes = spatial_axes(x)
        if self.mode != "nearest" and _MODE_AXES[self.mode] != axes:
            raise ModeNeedsAxes(
                "mode", mode=self.mode, shape=x, expected=_EXPECTED[_MODE_AXES[self.mode]],
                remedy=f"mode={_LINEAR[axes]} fits, and nearest always does",
            )  # fmt: skip
        if self.align_corners and self.mode == "nearest":
            raise AlignNeedsInterpolation("align_corners")
        if self.size is not None:
            if self.scale is not None:
                raise OptionsConflict("size", first="scale", second="size", why="each says how large the output is")
            return x.with_shape(x.shape[0], *per_axis(self.size, axes, "size"))
        names = windows.AXIS_NAMES[axes]
        sizes = [_scaled(n, scale, axis) for n, scale, axis in zip(x.shape[1:], self.factors(axes), names, strict=True)]
        return x.with_shape(x.shape[0], *sizes)

    def factors(self, axes: int) -> tuple[int | float, ...]:
        """The scale along each axis."""
        scale = 2 if self.scale is None else self.scale
        return (scale,) * axes if isinstance(scale, float) else per_axis(scale, axes, "scale")

    def weights(self, inputs: Types) -> dict[str, Weight]:
        return {}

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        if self.mode == "nearest":
            return FREE
        outputs, taps = output.elements, _MODE_TAPS[self.mode]
        return Cost(0, outputs * taps, outputs * (taps - 1))

    def reach(self, inputs: Types) -> Reach:
        (x,) = inputs
        axes = x.rank - 1
        ratios: list[tuple[Dim, int | float]] = [(1, f) for f in self.factors(axes)]
        if self.size is not None:
            ratios = list(zip(x.shape[1:], per_axis(self.size, axes, "size"), strict=True))
        taps: list[tuple[int, tuple[int, int], int]] = []
        for before, after in ratios:
            if not isinstance(before, int) or after != int(after):
                return whole(x)
            n, out = Fraction(before, int(after)).as_integer_ratio()
            if self.mode == "nearest":
                taps.append((1, (n, out), 0))
            elif self.align_corners and n != 1:
                return whole(x)
            elif self.align_corners:  # o * (S - 1) / (S * out - 1) is less than a position before o / out
                wide = 2 if self.mode == "bicubic" else 1
                taps.append((2 * wide * out + 1, (1, out), -wide * out))
            elif self.mode == "bicubic":  # output o lies at ((2 * o + 1) * n - out) / (2 * out)
                taps.append((6 * out + 1, (2 * n, 2 * out), n - 3 * out))
            else:
                taps.append((2 * out, (2 * n, 2 * out), n - out))
        size, stride, start = zip(*taps, strict=True)
        return Reach(size, stride, start)

    def torch(self, inputs: Types) -> Torch:
        if self.size is not None:
            target = given("size", self.size, "size")
        else:
            target = Arg(2, "scale_factor") if self.scale is None else given("scale", self.scale, "scale_factor")
        aligns = self.align_corners or self.mode != "nearest"  # which torch lets nobody choose
        args = (
            target,
            given("mode", self.mode, "mode", "nearest"),
            *([given("align_corners", self.align_corners, "align_corners", False)] if aligns else ()),
        )
        return Torch("nn.Upsample", "F.interpolate", args)

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        (x,) = inputs
        axes = x.rank - 1
        shape = self.output([x.type]).shape
        if self.size is None and any(factor != int(factor) for factor in self.factors(axes)):
            return self._by_factors(graph, x)
        # sizes and no scales, which are float32: 10 * 0.7 would be 6
        if graph.opset >= _RESIZE_AXES:
            spatial, sizes = tuple(range(2, axes + 2)), graph.sizes(*shape[1:])
            return graph.node("Resize", x, None, None, sizes, shape=shape, axes=spatial, **self._resize())
        return graph.node("Resize", x, None, None, graph.batch_and(*shape), shape=shape, **self._resize())

    def _resize(self) -> dict[str, Any]:
        """The attributes with which Resize does what torch does."""
        if self.mode == "nearest":
            return {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        place = "align_corners" if self.align_corners else "half_pixel"
        if self.mode == "bicubic":
            return {"mode": "cubic", "coordinate_transformation_mode": place, "cubic_coeff_a": -0.75}
        return {"mode": "linear", "coordinate_transformation_mode": place}

    def _by_factors(self, graph: Graph, x: Value) -> Value:
        """Where S * scale may be broken, torch steps by 1 / scale and ONNX by S / S': so each axis is a matrix."""
        sizes = self.output([x.type]).shape[1:]
        for axis, (factor, size) in enumerate(zip(self.factors(x.rank - 1), sizes, strict=True)):
            n = x.shape[axis + 1]
            if not isinstance(n, int) or not isinstance(size, int):
                raise needs_size("scale", "upsample", x)
            if size in self._exact(n, x.rank - 1):
                factor = size // n
            if factor != 1:
                constant_of(n * size, "scale", "upsample", x)
                shares = graph.numbers(_shares(n, size, factor, self.mode, self.align_corners), x.dtype)
                x = along(graph, x, axis + 1, shares)
        return x

    def _exact(self, n: int, axes: int) -> tuple[int, ...]:
        """The sizes for which torch takes size / n along an axis in place of the scale that is given."""
        if self.mode == "nearest":
            return (n, 2 * n) if axes == 2 else ()
        return () if self.mode == "bicubic" else (n,)


def _scaled(size: Dim, scale: int | float, axis: str) -> Dim:
    """floor(size * scale), where the product is rounded to a float first as torch does."""
    if scale == int(scale):
        return size * int(scale)
    if isinstance(size, int) and size < 2**53:
        result: Dim = floor(size * scale)
    else:
        exact = Fraction(scale)
        if exact.denominator > 4096:
            raise ScaleInexact("scale", size=size, scale=scale)
        result = size * exact.numerator // exact.denominator
    if result < 1:
        raise NothingLeft(
            "scale", axis=axis, formula=f"floor({size} * {scale})", result=result, remedy="a larger scale"
        )
    return result


def _shares(n: int, size: int, factor: int | float, mode: str, align_corners: bool) -> tuple[tuple[float, ...], ...]:
    """What each input position gives to each output position along an axis, as torch interpolates: [size, n]."""
    rows = []
    for place in range(size):
        row = [0.0] * n
        if align_corners:
            at = place * (n - 1) / (size - 1) if size > 1 else 0.0
        elif mode == "nearest":
            at = _float32(place * _float32(1 / factor))
        else:
            at = (place + 0.5) / factor - 0.5
        if mode == "bicubic":
            first = floor(at)
            for tap, share in enumerate(_cubic(at - first), start=first - 1):
                row[min(max(tap, 0), n - 1)] += share
        else:
            at = min(max(at, 0.0), n - 1.0)
            first = floor(at)
            part = 0.0 if mode == "nearest" else at - first
            row[first] += 1.0 - part
            row[min(first + 1, n - 1)] += part
        rows.append(tuple(row))
    return tuple(rows)


def _float32(value: float) -> float:
    """The nearest number that torch can hold."""
    return float(unpack("f", pack("f", value))[0])


def _cubic(t: float) -> tuple[float, ...]:
    """Shares of the 4 positions around a place, t behind the second (Keys 1981, a = -0.75)."""
    a = -0.75

    def near(d: float) -> float:
        return ((a + 2) * d - (a + 3)) * d * d + 1

    def far(d: float) -> float:
        return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a

    return far(t + 1), near(t), near(1 - t), far(2 - t)


class PixelShuffle(_Rearrange):
    """Channels into blocks of r x r pixels: [C * r^2, H, W] -> [C, H * r, W * r].

    Shi et al. 2016, arXiv:1609.05158. `r`: the block's side; r^2 divides the channels.

    Cost: none.
    """

    positional: ClassVar[int] = 1
    example: ClassVar[str] = "pixelshuffle 2"

    r: PositiveInt

    def output(self, inputs: Types) -> TensorType:
        (x,) = inputs
        spatial_axes(x, least=2, most=2)
        channels, height, width = x.shape
        block = self.r * self.r
        if channels % block != 0:
            raise BlockDoesNotDivide(
                "r", what="the number of channels", size=channels, factor=block,
                remedy=f"a multiple of r^2 = {block} channels before it", compared=(channels % block, "==", 0),
            )  # fmt: skip
        return x.with_shape(channels // block, height * self.r, width * self.r)

    def reach(self, inputs: Types) -> Reach:
        return POINT if self.r == 1 else Reach((1, 1), ((1, self.r), (1, self.r)), (0, 0))

    def torch(self, inputs: Types) -> Torch:
        return Torch("nn.PixelShuffle", "F.pixel_shuffle", (given("r", self.r),))

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        (x,) = inputs
        shape = self.output([x.type]).shape
        if "float" in x.dtype:  # onnxruntime's operator takes nothing else
            return graph.node("DepthToSpace", x, shape=shape, blocksize=self.r, mode="CRD")
        blocks = reshape(graph, x, shape[0], self.r, self.r, *x.shape[1:])
        return reshape(graph, transpose(graph, blocks, (0, 3, 1, 4, 2)), *shape)


class PixelUnshuffle(_Rearrange):
    """Blocks of r x r pixels into channels: [C, H, W] -> [C * r^2, H / r, W / r].

    The inverse of `pixelshuffle`. `r`: the block's side, which divides height and width.

    Cost: none.
    """

    positional: ClassVar[int] = 1
    example: ClassVar[str] = "pixelunshuffle 2"

    r: PositiveInt

    def output(self, inputs: Types) -> TensorType:
        (x,) = inputs
        spatial_axes(x, least=2, most=2)
        for size, axis in zip(x.shape[1:], windows.AXIS_NAMES[2], strict=True):
            if size % self.r != 0:
                raise BlockDoesNotDivide(
                    "r", what=f"the {axis}", size=size, factor=self.r,
                    remedy=f"an r that divides {size}, or `crop` or `pad` to a multiple of {self.r}",
                    compared=(size % self.r, "==", 0),
                )  # fmt: skip
        channels, height, width = x.shape
        return x.with_shape(channels * self.r * self.r, height // self.r, width // self.r)

    def reach(self, inputs: Types) -> Reach:
        return Reach((self.r, self.r), (self.r, self.r), (0, 0))

    def torch(self, inputs: Types) -> Torch:
        return Torch("nn.PixelUnshuffle", "F.pixel_unshuffle", (given("r", self.r),))

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        (x,) = inputs
        channels, height, width = x.shape
        # ONNX's SpaceToDepth has the places in a block outermost, torch the channels
        blocks = reshape(graph, x, channels, height // self.r, self.r, width // self.r, self.r)
        return reshape(graph, transpose(graph, blocks, (0, 2, 4, 1, 3)), *self.output([x.type]).shape)


class ChannelShuffle(_Rearrange):
    """Channels dealt out among the groups: [g * n, *S] -> [n * g, *S], channel i*n + j to j*g + i.

    Zhang et al. 2017, arXiv:1707.01083. `groups`: g, which divides the channels.

    Cost: none.
    """

    positional: ClassVar[int] = 1
    example: ClassVar[str] = "channelshuffle 2"

    groups: Width

    def output(self, inputs: Types) -> TensorType:
        (x,) = inputs
        spatial_axes(x)
        split_channels(x.shape[0], self.groups)
        return x

    def reach(self, inputs: Types) -> Reach:
        return POINT

    def torch(self, inputs: Types) -> Torch:
        return Torch("nn.ChannelShuffle", "F.channel_shuffle", (given("groups", self.groups),))

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        (x,) = inputs
        channels, groups = x.shape[0], self.groups
        if not isinstance(channels, int) or not isinstance(groups, int):
            raise needs_size("groups", "channelshuffle", x)
        order = tuple(
            group * (channels // groups) + place for place in range(channels // groups) for group in range(groups)
        )
        return graph.node("Gather", x, graph.numbers(order, "int64"), shape=x.shape, axis=1)
