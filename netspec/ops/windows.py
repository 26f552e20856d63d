"""Arithmetic of sliding windows, for convolutions and pools (Dumoulin & Visin 2016, arXiv:1603.07285)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from netspec.ir.dims import Dim, maximum, minimum
from netspec.ops.arguments import pad_sides
from netspec.ops.torchrule import Arg, Of, alike
from netspec.problems.shapes import ReflectTooFar, WindowTooLarge

AXIS_NAMES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
_UNITS = {"length": "positions", "depth": "slices", "height": "rows", "width": "columns"}


def ceil_div(a: Dim, b: int) -> Dim:
    return (a + b - 1) // b  # as `(H + 1) // 2`: -(-H // 2) has another normal form, H - H // 2


def same_sides(size: Dim, kernel: int, stride: int, dilation: int) -> tuple[Dim, Dim]:
    """Padding (before, after) that gives ceil(size / stride); the odd one goes after."""
    total = maximum((ceil_div(size, stride) - 1) * stride + dilation * (kernel - 1) + 1 - size, 0)
    return total // 2, total - total // 2


def slide(
    size: Dim,
    kernel: int,
    stride: int,
    sides: tuple[Dim, Dim],
    dilation: int,
    *,
    axis: str,
    ceil: bool = False,
) -> Dim:
    """How many places a window takes along one axis: (size + pads - dilation*(kernel-1) - 1) // stride + 1.

    ceil: round the division up, but let no window begin beyond the input and its left padding (as torch).
    Raises WindowTooLarge where no place is left.
    """
    before, after = sides
    room = size + before + after - dilation * (kernel - 1) - 1
    if ceil:
        # ceil(room / stride) + 1, but no window begins at size + before: at most ceil of that / stride do
        beyond = after - dilation * (kernel - 1) - 1 + stride
        places = ceil_div(size + before + minimum(beyond, 0), stride)
    else:
        places = room // stride + 1
    if places < 1:
        raise _too_large(size, kernel, stride, sides, dilation, axis, ceil, places)
    return places


def _too_large(
    size: Dim,
    kernel: int,
    stride: int,
    sides: tuple[Dim, Dim],
    dilation: int,
    axis: str,
    ceil: bool,
    places: Dim,
) -> WindowTooLarge:
    before, after = sides
    padded, extent = size + before + after, dilation * (kernel - 1) + 1
    written = f"{size} + 2*{before}" if before == after else f"{size} + {before} + {after}"
    room = f"{written if before != 0 or after != 0 else size} - {extent}"
    reach = padded + (stride - 1 if ceil else 0)  # the largest extent that has a place
    smaller = (reach - 1) // dilation + 1
    remedy = f"padding of {extent - reach} more in all along the {axis}"
    return WindowTooLarge(
        "k",
        window=kernel if dilation == 1 else f"{kernel} (dilated to {extent})",
        padded=padded,
        unit=_UNITS[axis][: -1 if padded == 1 else None],
        axis=axis,
        formula=f"ceil(({room}) / {stride}) + 1" if ceil else f"({room}) // {stride} + 1",
        result=places,
        remedy=f"a window of at most {smaller}, or {remedy}" if smaller >= 1 else remedy,
    )


def torch_padding(pad: Any, axes: int) -> Arg:
    """A `Padding` as torch's layers have it: "same", a number, or one per axis."""
    value = pad if pad == "same" else alike(tuple(before for before, _ in pad_sides(pad, axes)))
    return Arg(value, "padding", 0, Of("pad") if value == pad else None)


def part_padding(pad: Any, axes: int) -> Arg:
    """A `Padding` as the parts have it: "same", or (before, after) per axis."""
    value = pad if pad == "same" else pad_sides(pad, axes)
    return Arg(value, "padding", ((0, 0),) * axes, Of("pad") if value == pad else None)


def uneven(pad: Any, axes: int) -> bool:
    """Whether a `Padding` has another number before than after, which torch's layers lack."""
    return pad != "same" and any(before != after for before, after in pad_sides(pad, axes))


def check_mirror(argument: str, mode: str, sizes: Sequence[Dim], sides: Sequence[tuple[Dim, Dim]]) -> None:
    """Padding that takes its values from the input reaches at most size - 1 (reflect) or size (circular).

    Raises ReflectTooFar.
    """
    for size, pads, axis in zip(sizes, sides, AXIS_NAMES[len(sizes)], strict=True):
        most = size - 1 if mode == "reflect" else size
        for pad in pads:
            if pad > most:
                conv = argument == "pad"
                raise ReflectTooFar(
                    argument, argument="pad_mode" if conv else "mode", none="zeros" if conv else "constant",
                    mode=mode, pad=pad, size=size, axis=axis, most=most,
                )  # fmt: skip
