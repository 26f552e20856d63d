"""Cutting and padding: `slice`, `split`, `pad`, `crop`."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from netspec.ir.dims import Dim, total
from netspec.ir.types import TensorType
from netspec.ops import windows
from netspec.ops.arguments import (
    Extent,
    Parts,
    PositiveInt,
    Sides,
    axis_index,
    pad_sides,
    per_axis,
    spatial_axes,
)
from netspec.ops.base import POINT, Reach, Types
from netspec.ops.onnxrule import Graph, Value, cut, pad
from netspec.ops.shape import _Rearrange
from netspec.ops.torchrule import Arg, Of, Torch, alike, dim, given
from netspec.problems.shapes import (
    CropTooLarge,
    DtypeMismatch,
    OptionMissing,
    OptionsConflict,
    SliceOutside,
    SplitMismatch,
)

_PADS = {"reflect": "Reflection", "replicate": "Replication", "circular": "Circular"}


class Slice(_Rearrange):
    """Positions from `start` to before `stop` of one axis, each `step`-th: [n, *] -> [n', *].

    n' = ceil((stop - start) / step). `axis`: of the sample. `start`, `stop`: negative ones count from the
    end; no `stop` is the end. What lies outside is refused, not cut off as in Python.

    Cost: none.
    """

    positional: ClassVar[int] = 3
    example: ClassVar[str] = "slice 0 0 8"

    axis: int
    start: int = 0
    stop: int | None = None
    step: PositiveInt = 1

    def output(self, inputs: Types) -> TensorType:
        (x,) = inputs
        axis, start, stop = self.range(x)
        size = x.shape[axis]
        if start < 0 or stop > size or stop <= start:
            outside = start < 0 or start >= size or stop > size
            raise SliceOutside(
                "start" if start < 0 or start >= size or self.stop is None else "stop",
                axis=axis, shape=x, start=start, stop=stop, size=size,
                remedy=f"positions are 0 to {size - 1}; `stop` is at most {size}"
                if outside
                else f"`stop` must be after `start`: {start} to {stop} keeps nothing",
            )  # fmt: skip
        return x.with_shape(*x.shape[:axis], windows.ceil_div(stop - start, self.step), *x.shape[axis + 1 :])

    def range(self, x: TensorType) -> tuple[int, Dim, Dim]:
        """Axis, start and stop for input x, none of them negative."""
        axis = axis_index(self.axis, x)
        size = x.shape[axis]
        start: Dim = self.start + size if self.start < 0 else self.start
        stop: Dim = size if self.stop is None else self.stop + size if self.stop < 0 else self.stop
        return axis, start, stop

    def reach(self, inputs: Types) -> Reach:
        (x,) = inputs
        axis, start, _ = self.range(x)
        if axis == 0:
            return POINT
        axes = range(1, x.rank)
        return Reach(
            (1,) * len(axes),
            tuple(self.step if i == axis else 1 for i in axes),
            tuple(start if i == axis else 0 for i in axes),
        )

    def torch(self, inputs: Types) -> Torch:
        kept = f"{'{start}' if self.start else ''}:{'{stop}' if self.stop is not None else ''}"
        if self.step != 1:
            kept += ":{step}"
        index = ":, " * (self.axis + 1) + kept if self.axis >= 0 else "..., " + kept + ", :" * (-self.axis - 1)
        args = tuple(given(name, getattr(self, name), name) for name in ("start", "stop", "step"))
        return Torch(function=f"{{0}}[{index}]", args=args)

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        (x,) = inputs
        axis, start, _ = self.range(x.type)
        return cut(graph, x, [(axis, start, self.output([x.type]).shape[axis])], self.step)


class Split(_Rearrange):
    """An axis cut into parts, which are the layer's outputs: [n, *] -> [n / parts, *], ...

    `parts`: a number of equal parts, or a tuple of sizes that fill the axis. `axis`: of the sample.

    Cost: none.
    """

    positional: ClassVar[int] = 1
    example: ClassVar[str] = "split 2"

    parts: Parts
    axis: int = 0

    def output(self, inputs: Types) -> tuple[TensorType, ...]:
        (x,) = inputs
        axis = axis_index(self.axis, x)
        before, after = x.shape[:axis], x.shape[axis + 1 :]
        return tuple(x.with_shape(*before, size, *after) for size in self.sizes(x.shape[axis]))

    def sizes(self, size: Dim) -> tuple[Dim, ...]:
        """Sizes of the parts of an axis. Raises SplitMismatch."""
        if isinstance(self.parts, int):
            if size % self.parts != 0:
                raise SplitMismatch(
                    "parts", size=size, parts=f"{self.parts} equal parts", why=f"does not divide {size}",
                    remedy=f"a number that divides {size}, or a tuple with the size of each part",
                    compared=(size % self.parts, "==", 0),
                )  # fmt: skip
            return (size // self.parts,) * self.parts
        together = total(self.parts)
        if together != size:
            raise SplitMismatch(
                "parts", size=size, parts=f"parts of {', '.join(map(str, self.parts))}",
                why=f"these sum to {together}", remedy=f"sizes that sum to {size}",
                compared=(size, "==", together),
            )  # fmt: skip
        return self.parts

    def reach(self, inputs: Types) -> Reach:
        return POINT if axis_index(self.axis, inputs[0]) == 0 else super().reach(inputs)

    def torch(self, inputs: Types) -> Torch:
        if len(self.output(inputs)) == 1:
            return Torch(function="{0}")
        function = "chunk" if isinstance(self.parts, int) else "split"
        args = Arg(self.parts, source=Of("parts")), Arg(dim(self.axis), "dim", 0)
        return Torch(function=f"{{0}}.{function}({{args}})", args=args)

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> tuple[Value, ...]:
        (x,) = inputs
        axis = axis_index(self.axis, x.type)
        shapes = [output.shape for output in self.output([x.type])]
        if len(shapes) == 1:
            return (x,)
        sizes = graph.sizes(*(shape[axis] for shape in shapes))
        return tuple(graph.nodes("Split", x, sizes, shapes=shapes, axis=axis + 1))


class Pad(_Rearrange):
    """More positions around the spatial axes: [C, *S] -> [C, *(S + before + after)].

    `sides`: a number for every side, one per axis, or (before, after) per axis. `mode`: what the new
    positions hold: `constant` is `value`, `reflect` mirrors at the edge element, `replicate` repeats it,
    `circular` goes on at the other end. `reflect` and `replicate` take no
    truth values, as in torch.

    Cost: none.
    """

    positional: ClassVar[int] = 1
    example: ClassVar[str] = "pad ((0, 1), (0, 1))"

    sides: Sides
    mode: Literal["constant", "reflect", "replicate", "circular"] = "constant"
    value: float = 0.0

    def output(self, inputs: Types) -> TensorType:
        (x,) = inputs
        axes = spatial_axes(x)
        sides = pad_sides(self.sides, axes, "sides")
        if self.value and self.mode != "constant":
            raise OptionsConflict(
                "value", first="value", second="mode", why=f"mode={self.mode} takes its values from the input"
            )
        if not x.dtype.startswith(("float", "bfloat")):
            self._check_whole(x)
        if self.mode in ("reflect", "circular"):
            windows.check_mirror("sides", self.mode, x.shape[1:], sides)
        return x.with_shape(x.shape[0], *(n + a + b for n, (a, b) in zip(x.shape[1:], sides, strict=True)))

    def _check_whole(self, x: TensorType) -> None:
        """Raises DtypeMismatch where integers or truth values are padded with other than these."""
        if x.dtype == "bool" and self.mode in ("reflect", "replicate"):
            blamed, said = "mode", f"mode={self.mode}"
            remedy = "`mode=constant` and `mode=circular` take truth values"
        elif self.value not in (0, 1) if x.dtype == "bool" else not self.value.is_integer() or abs(self.value) >= 2**31:
            blamed, said = "value", f"value={self.value:g}"
            remedy = "`value=0` or `value=1`, false or true" if x.dtype == "bool" else "a whole number below 2**31"
        else:
            return
        raise DtypeMismatch(
            blamed,
            layer=f"pad {said}",
            needed="numbers" if blamed == "mode" else "floating point numbers",
            dtype=x.dtype,
            shape=x,
            remedy=remedy,
        )

    def reach(self, inputs: Types) -> Reach:
        axes = inputs[0].rank - 1
        return Reach((1,) * axes, (1,) * axes, tuple(-a for a, _ in pad_sides(self.sides, axes, "sides")))

    def torch(self, inputs: Types) -> Torch:
        axes = inputs[0].rank - 1
        pairs = reversed(pad_sides(self.sides, axes, "sides"))  # torch begins with the last axis
        padding = alike(tuple(side for pair in pairs for side in pair))
        alone = isinstance(padding, int)
        args = [Arg(padding, "padding", source=Of("sides") if padding == self.sides else None)]
        sides = f"({', '.join(['{padding}'] * (2 * axes))})" if alone else "{padding}"
        if self.mode != "constant":
            module, more = f"nn.{_PADS[self.mode]}Pad{axes}d({{padding}})", f', mode="{self.mode}"'
        elif self.value:
            args.append(given("value", self.value, "value"))
            module, more = f"nn.ConstantPad{axes}d({{padding}}, {{value}})", ", value={value}"
        else:
            module, more = f"nn.ZeroPad{axes}d({{padding}})", ""
        return Torch(module, f"F.pad({{0}}, {sides}{more})", tuple(args))

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        (x,) = inputs
        return pad(graph, x, pad_sides(self.sides, x.rank - 1, "sides"), self.mode, self.value)


class Crop(_Rearrange):
    """The middle of the spatial axes: [C, *S] -> [C, *size], or without a border: [C, *S] -> [C, *(S - 2 * border)].

    `size`: what stays, a number or one per axis. It begins at (S - size) // 2, so that the odd position is
    dropped at the end. `border`: what is dropped at both ends in place of it, a number or one per axis.

    Cost: none.
    """

    positional: ClassVar[int] = 1
    example: ClassVar[str] = "crop 56"

    size: Extent | None = None
    border: Extent | None = None

    def output(self, inputs: Types) -> TensorType:
        (x,) = inputs
        axes = spatial_axes(x)
        if self.size is None and self.border is None:
            why = "either of them says what stays"
            raise OptionMissing(None, given="crop", missing="size", why=why, example="crop 56` or `crop border=4")
        if self.size is not None and self.border is not None:
            why = "either of them says what stays"
            raise OptionsConflict("border", first="size", second="border", why=why)
        sizes = tuple(size for _, size in self.kept(x))
        for n, size, name in zip(x.shape[1:], sizes, windows.AXIS_NAMES[axes], strict=True):
            if n < size or size < 1:
                blame, wanted = ("size", size) if self.border is None else ("border", n - size + 1)
                raise CropTooLarge(blame, shape=x, target=TensorType(sizes), axis=name, size=n, wanted=wanted)
        return x.with_shape(x.shape[0], *sizes)

    def kept(self, x: TensorType) -> tuple[tuple[Dim, Dim], ...]:
        """Where the crop begins along each axis, and how much of it stays."""
        axes = x.rank - 1
        if self.border is not None:
            borders = per_axis(self.border, axes, "border")
            return tuple((border, n - 2 * border) for n, border in zip(x.shape[1:], borders, strict=True))
        sizes = per_axis(1 if self.size is None else self.size, axes, "size")
        return tuple(((n - size) // 2, size) for n, size in zip(x.shape[1:], sizes, strict=True))

    def reach(self, inputs: Types) -> Reach:
        ones = (1,) * (inputs[0].rank - 1)
        return Reach(ones, ones, tuple(start for start, _ in self.kept(inputs[0])))

    def torch(self, inputs: Types) -> Torch:
        if self.border is not None:
            return Torch("CropBorder", args=(given("border", self.border),))
        return Torch("CenterCrop", args=(given("size", self.size),))

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        (x,) = inputs
        kept = enumerate(self.kept(x.type), start=1)
        return cut(graph, x, [(axis, start, size) for axis, (start, size) in kept if x.shape[axis] != size])
