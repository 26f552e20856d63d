"""Pools with a sliding window: `maxpool` and `avgpool`."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from netspec.ir.dims import Dim, maximum
from netspec.ir.types import TensorType
from netspec.ops import windows
from netspec.ops.arguments import Padding, Window, pad_sides, per_axis, spatial_axes
from netspec.ops.base import Cost, Layer, Reach, Types, Weight, product
from netspec.ops.onnxrule import Graph, Value, needs_size, pad, window_pads
from netspec.ops.torchrule import Arg, Torch, given
from netspec.problems.shapes import OnlyPadding, PadOverHalf, WindowBeyondInput

_MOST_STARTS = 65_536  # windows looked at one by one; a dilation beyond such an input is no real layer


class _Pool(Layer):
    """What pools with a sliding window share."""

    positional: ClassVar[int] = 1
    torch_kind: ClassVar[str]  # torch's word for it

    k: Window
    stride: Window | None = None
    pad: Padding = 0
    ceil: bool = False

    def output(self, inputs: Types) -> TensorType:
        (x,) = inputs
        axes = spatial_axes(x)
        kernel, strides, dilation = self.settings(axes)
        names = windows.AXIS_NAMES[axes]
        sizes = x.shape[1:]
        if self.pad == "same":
            return x.with_shape(x.shape[0], *map(windows.ceil_div, sizes, strides))
        sides = pad_sides(self.pad, axes)
        places: list[Dim] = []
        for n, k, s, d, pads, name in zip(sizes, kernel, strides, dilation, sides, names, strict=True):
            if 2 * max(pads) > k:
                raise PadOverHalf("pad", pad=max(pads), window=k, axis=name, most=k // 2)
            places.append(windows.slide(n, k, s, pads, d, axis=name, ceil=self.ceil))
        return x.with_shape(x.shape[0], *places)

    def settings(self, axes: int) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        """Window, stride and dilation along each axis."""
        kernel = per_axis(self.k, axes, "k")
        return kernel, kernel if self.stride is None else per_axis(self.stride, axes, "stride"), (1,) * axes

    def sides(self, x: TensorType) -> tuple[tuple[Dim, Dim], ...]:
        """Padding (before, after) along each axis of input x."""
        axes = x.rank - 1
        if self.pad != "same":
            return pad_sides(self.pad, axes)
        return tuple(map(windows.same_sides, x.shape[1:], *self.settings(axes)))

    def weights(self, inputs: Types) -> dict[str, Weight]:
        return {}

    def window(self, x: TensorType) -> Dim:
        """How many elements a window has."""
        return product(per_axis(self.k, x.rank - 1, "k"))

    def reach(self, inputs: Types) -> Reach:
        kernel, strides, dilation = self.settings(inputs[0].rank - 1)
        extents = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))
        return Reach(extents, strides, tuple(-before for before, _ in self.sides(inputs[0])))

    def torch(self, inputs: Types) -> Torch:
        axes = inputs[0].rank - 1
        pad, lacking = self.pad, self.lacking(axes)
        if pad == "same" and not lacking:
            pad = tuple(k // 2 for k in per_axis(self.k, axes, "k"))
        padding = (windows.part_padding if lacking else windows.torch_padding)(pad, axes)
        args = (
            given("k", self.k),
            given(*("k", self.k) if self.stride is None else ("stride", self.stride), "stride", self.k),
            padding if pad is self.pad else padding._replace(source=None),
            *self.torch_args(),
            Arg(self.ceil and self.pad != "same", "ceil_mode", False),
        )
        kind = f"{self.torch_kind}Pool{axes}d"
        if lacking:
            return Torch(f"Padded{kind}", args=args)
        return Torch(f"nn.{kind}", f"F.{self.torch_kind.lower()}_pool{axes}d", args)

    def lacking(self, axes: int) -> bool:
        """Whether torch's own pool has no such padding."""
        if self.pad == "same":  # the same for all sizes where it is half of an odd window
            return not all(k % 2 == s == d == 1 for k, s, d in zip(*self.settings(axes), strict=True))
        return windows.uneven(self.pad, axes)

    @abstractmethod
    def torch_args(self) -> tuple[Arg, ...]:
        """The arguments of one kind of pool."""

    def reached(self, x: TensorType) -> tuple[tuple[Dim, Dim], ...]:
        """Padding (before, after) along each axis, of which the part after is what the windows reach, `ceil` or not."""
        sides = self.sides(x)
        if not self.ceil or self.pad == "same":
            return sides
        places = self.output([x]).shape[1:]
        kernel, strides, dilation = self.settings(x.rank - 1)
        return tuple(
            (before, maximum((o - 1) * s + d * (k - 1) + 1 - n - before, 0))
            for n, o, k, s, d, (before, _) in zip(x.shape[1:], places, kernel, strides, dilation, sides, strict=True)
        )


class MaxPool(_Pool):
    """Largest element of each window: [C, *S] -> [C, *S'].

    S' = (S + pad_before + pad_after - dilation * (k - 1) - 1) // stride + 1, the division rounded up with
    `ceil=true`, or ceil(S / stride) with `pad=same`. `k`: the window. `stride`: its step, k unless given.
    `pad`: at most half the window; padding is never the maximum. `dilation`: distance between the
    window's elements.

    Cost: one comparison fewer than the window has elements, per output.
    """

    example: ClassVar[str] = "maxpool 3 stride=2 pad=1"
    torch_kind: ClassVar[str] = "Max"

    dilation: Window = 1

    def output(self, inputs: Types) -> TensorType:
        output = super().output(inputs)
        if self.dilation != 1 and self.pad != 0:
            self._check_taps(inputs[0], output)
        return output

    def settings(self, axes: int) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        kernel, strides, _ = super().settings(axes)
        return kernel, strides, per_axis(self.dilation, axes, "dilation")

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        outputs, window = output.elements, self.window(inputs[0])
        return Cost(other=outputs * (window - 1), connections=outputs * window)

    def _check_taps(self, x: TensorType, output: TensorType) -> None:
        axes = x.rank - 1
        _, strides, dilation = self.settings(axes)
        for n, places, s, d, (before, _), name in zip(
            x.shape[1:],
            output.shape[1:],
            strides,
            dilation,
            self.sides(x),
            windows.AXIS_NAMES[axes],
            strict=True,
        ):
            # a window that begins at -b has its first tap inside the input at -b mod d, if that is below n
            if n < d and isinstance(before, int) and isinstance(places, int):
                starts = range(-before, min(0, s * places - before), s)[:_MOST_STARTS]
                if any(start % d >= n for start in starts):
                    raise OnlyPadding("dilation", axis=name, dilation=d, size=n)

    def torch_args(self) -> tuple[Arg, ...]:
        return (given("dilation", self.dilation, "dilation", 1),)

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        (x,) = inputs
        kernel, strides, dilations = self.settings(x.rank - 1)
        sides = self.reached(x.type)  # more padding after in place of `ceil`: it is never the maximum
        x, pads = window_pads(graph, x, sides, [k - 1 for k in kernel], value=float("-inf"))
        return graph.node(
            "MaxPool", x, shape=self.output([inputs[0].type]).shape,
            kernel_shape=kernel, strides=strides, pads=pads, dilations=dilations,
        )  # fmt: skip


class AvgPool(_Pool):
    """Mean of each window: [C, *S] -> [C, *S'].

    S' = (S + pad_before + pad_after - k) // stride + 1, the division rounded up with `ceil=true`, or
    ceil(S / stride) with `pad=same`. `k`: the window. `stride`: its step, k unless given. `pad`: zeros, at
    most half the window. `count_pad`: whether these zeros count in the mean (torch: yes; ONNX, Keras: no).

    Cost: one addition fewer than the window has elements and one multiplication, per output.
    """

    example: ClassVar[str] = "avgpool 2"
    torch_kind: ClassVar[str] = "Avg"

    count_pad: bool = True

    def output(self, inputs: Types) -> TensorType:
        output = super().output(inputs)
        x = inputs[0]
        if x.rank == 4:  # torch's avg_pool3d only
            kernel, names = per_axis(self.k, 3, "k"), windows.AXIS_NAMES[3]
            before = self.lacking(3)  # the padding is made before the pool
            for n, k, sides, name in zip(x.shape[1:], kernel, self.sides(x), names, strict=True):
                if (n + sum(sides) if before else n) < k:
                    raise WindowBeyondInput("k", window=k, size=n, axis=name)
        return output

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        outputs, window = output.elements, self.window(inputs[0])
        return Cost(0, outputs, outputs * (window - 1), 0, outputs * window)

    def torch_args(self) -> tuple[Arg, ...]:
        return (given("count_pad", self.count_pad, "count_include_pad", True),)

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        (x,) = inputs
        kernel, strides, _ = self.settings(x.rank - 1)
        sides, reached = self.sides(x.type), self.reached(x.type)
        count = self.count_pad
        if self.ceil and count and reached != sides:  # zeros count, what windows have beyond them does not
            x = pad(graph, x, sides)
            reached = tuple((0, maximum(b - a, 0)) for (_, a), (_, b) in zip(sides, reached, strict=True))
            count = False
        if not all(isinstance(n, int) for pair in reached for n in pair):
            if not count:
                raise needs_size("ceil" if self.ceil else "count_pad", "avgpool", x)
            x, reached = pad(graph, x, reached), ((0, 0),) * len(reached)
        return graph.node(
            "AveragePool", x, shape=self.output([inputs[0].type]).shape, kernel_shape=kernel, strides=strides,
            pads=tuple(pair[0] for pair in reached) + tuple(pair[1] for pair in reached), count_include_pad=int(count),
        )  # fmt: skip
