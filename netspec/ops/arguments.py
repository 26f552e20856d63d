"""The kinds of arguments that layers take, as pydantic types: one definition of what is allowed.

Windows, strides and pads are written as one number for every axis or one per axis; `per_axis` spreads
them over the input's spatial axes, whose number comes from the input's rank.
"""

from math import isfinite
from typing import Annotated, Any, Literal, TypeAlias

from annotated_types import Ge, Gt, Le, Lt
from pydantic import AfterValidator
from pydantic_core import core_schema

from netspec.ir.dims import Dim, Expr, parse_dim
from netspec.ir.types import TensorType
from netspec.problems.shapes import AxesMismatch, AxisOutOfRange, LiteralMismatch, OptionsConflict, RankMismatch


def _for_json(value: Any) -> Any:
    """Sizes, with formulas as strings. Of a union this writes lists too."""
    return str(value) if isinstance(value, Expr) else list(map(_for_json, value)) if isinstance(value, tuple) else value


class _OrFormula:
    """Lets a whole number, from `low` on, also be a formula in parameters that are left symbolic. In JSON that is a
    string."""

    def __init__(self, low: int | None) -> None:
        self.low = low

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        number = core_schema.int_schema(gt=None if self.low is None else self.low - 1, strict=True)
        formula = core_schema.with_info_plain_validator_function(self._formula)
        written = core_schema.with_info_after_validator_function(self._formula, core_schema.str_schema())
        return core_schema.json_or_python_schema(
            core_schema.union_schema([number, written]),
            core_schema.union_schema([number, formula]),
            serialization=core_schema.plain_serializer_function_ser_schema(_for_json),
        )

    def _formula(self, value: Any, info: Any) -> Expr:
        """A formula that is large enough at some values of its symbols."""
        size = parse_dim(value) if isinstance(value, str) and FROM_JSON in (info.mode, info.context) else value
        if not isinstance(size, Expr) or (self.low is not None and size < self.low):
            raise ValueError("a whole number")
        return size


FROM_JSON = "json"  # the context of validation in which strings are formulas
PositiveInt: TypeAlias = Annotated[int, Gt(0)]
Width: TypeAlias = Annotated[Dim, _OrFormula(1)]  # channels, features: what a parameter may leave symbolic
_Entry: TypeAlias = Annotated[Dim, _OrFormula(None)]
Count: TypeAlias = Annotated[int, Ge(0)]
PositiveFloat: TypeAlias = Annotated[float, Gt(0.0)]
NotNegative: TypeAlias = Annotated[float, Ge(0.0)]
Rate: TypeAlias = Annotated[float, Ge(0.0), Lt(1.0)]
Fraction01: TypeAlias = Annotated[float, Ge(0.0), Le(1.0)]
Window: TypeAlias = PositiveInt | Annotated[tuple[PositiveInt, ...], "one per axis"]
Extent: TypeAlias = Width | Annotated[tuple[Width, ...], "one per axis"]
Grid: TypeAlias = Annotated[int, Gt(0), Le(65_536)] | tuple[Annotated[int, Gt(0), Le(65_536)], ...]
Parts: TypeAlias = Annotated[int, Gt(0), Le(1024)] | Annotated[tuple[Width, ...], "their sizes"]
Stacked: TypeAlias = Annotated[int, Gt(0), Le(1024)]  # layers of one kind, each with weights of its own
Buckets: TypeAlias = Annotated[int, Gt(0), Le(1024)]
Offsets: TypeAlias = Count | Annotated[tuple[Count, ...], "one per axis"]
Padding: TypeAlias = (
    Count
    | Annotated[tuple[Count | tuple[Count, Count], ...], "per axis, or (before, after) per axis"]
    | Literal["same"]
)
Sides: TypeAlias = Count | Annotated[tuple[Count | tuple[Count, Count], ...], "per axis, or (before, after) per axis"]
Axes: TypeAlias = int | tuple[int, ...]
Sizes: TypeAlias = _Entry | Annotated[tuple[_Entry, ...], "one of them may be -1"]
Connections: TypeAlias = tuple[tuple[Count, ...], ...]


def _rectangular(value: Any) -> Any:
    """Nested tuples of numbers must be a tensor: equal lengths at every depth."""
    shape(value)
    return value


Numbers: TypeAlias = Annotated[Any, AfterValidator(_rectangular)]  # nested tuples of numbers


def _initialisation(value: Any) -> Any:
    """A way to draw first values, with its numbers."""
    word, numbers = (value[0], len(value) - 1) if isinstance(value, tuple) else (value, 0)
    allowed = {"normal": (0, 1), "uniform": (0, 2)}.get(word, (0,))
    if numbers not in allowed:
        raise ValueError(_INIT_NUMBERS.get(word, f"`{word}` takes no number"))
    return value


_INIT_NUMBERS = {
    "normal": "write `normal`, or with its deviation `(normal, 0.02)`",
    "uniform": "write `uniform`, from 0 to 1, or with its bounds `(uniform, -0.1, 0.1)`",
}
Drawn: TypeAlias = Literal["normal", "uniform", "xavier", "kaiming", "zeros", "ones"]
Init: TypeAlias = Annotated[
    Drawn | float | tuple[Drawn] | tuple[Drawn, float] | tuple[Drawn, float, float], AfterValidator(_initialisation)
]


def _rising(value: Any) -> Any:
    """The bounds of a `rope_scaling`, between which it is in part."""
    if isinstance(value, tuple) and value[2] >= value[3]:
        raise ValueError(f"`low` is below `high`: {value[2]:g} is not below {value[3]:g}")
    return value


Slowing: TypeAlias = Annotated[int, Ge(1)] | Annotated[float, Ge(1.0)]
RopeScaling: TypeAlias = Annotated[
    Slowing | tuple[Literal["llama3"], Slowing, PositiveFloat, PositiveFloat, PositiveInt], AfterValidator(_rising)
]


def init_kind(init: Any) -> str | None:
    """The word of an `init`, if it has one."""
    word = init[0] if isinstance(init, tuple) else init
    return word if isinstance(word, str) else None


def no_init(init: Any) -> None:
    """Literal numbers begin as they are. Raises OptionsConflict."""
    if init is not None:
        raise OptionsConflict("init", first="init", second="weight", why="these numbers are the weight")


def shape(value: Any) -> tuple[int, ...]:
    """Shape of nested tuples of numbers. Raises ValueError where they are ragged or empty."""
    if isinstance(value, bool) or not isinstance(value, (int, float, tuple, list)):
        raise ValueError(f"{value!r} is not a number")
    if isinstance(value, (int, float)):
        if isinstance(value, float) and not isfinite(value):
            raise ValueError(f"{value!r} is not a finite number")
        return ()
    if not value:
        raise ValueError("a list of numbers is empty")
    shapes = {shape(item) for item in value}
    if len(shapes) > 1:
        raise ValueError("rows differ in length")
    return (len(value), *shapes.pop())


_MAPS = {1: "[C, L]", 2: "[C, H, W]", 3: "[C, D, H, W]"}


def wrong_rank(input: TensorType, expected: str, blame: str = "input 0") -> RankMismatch:
    """The problem of an input with another number of axes than expected."""
    image = ": an RGB image is [3, H, W]" if "C" in expected else ""
    remedy = f"shapes have no batch{image}; `reshape` makes axes, `flatten` joins them"
    return RankMismatch(blame, shape=input, expected=expected, remedy=remedy)


def spatial_axes(input: TensorType, *, least: int = 1, most: int = 3) -> int:
    """Number of spatial axes of a [C, *S] input. Raises RankMismatch outside `least`..`most`."""
    axes = input.rank - 1
    if not least <= axes <= most:
        raise wrong_rank(input, " or ".join(_MAPS[n] for n in range(least, most + 1)))
    return axes


def axis_index(axis: int, input: TensorType, name: str = "axis", *, extra: int = 0) -> int:
    """The axis of a sample counted from 0; -1 is the last. Raises AxisOutOfRange.

    extra: how many axes there are beyond the input's, for a layer that inserts one.
    """
    rank = input.rank + extra
    if not -rank <= axis < rank:
        raise AxisOutOfRange(name, name=name, axis=axis, shape=input, axes=_axes_text(rank))
    return axis + rank if axis < 0 else axis


def _axes_text(rank: int) -> str:
    if rank == 0:
        return "it has no axes"
    return "the only axis is 0" if rank == 1 else f"axes are 0 to {rank - 1}, or -1 for the last"


def per_axis(value: Dim | tuple[Any, ...], axes: int, name: str) -> tuple[Any, ...]:
    """One value for each axis. Raises AxesMismatch where the count is neither one nor `axes`."""
    if not isinstance(value, tuple):
        return (value,) * axes
    if len(value) != axes:
        raise AxesMismatch(name, name=name, given=len(value), axes=axes)
    return value


def pad_sides(pad: Any, axes: int, name: str = "pad") -> tuple[tuple[int, int], ...]:
    """(before, after) for each axis, of a `Padding` that is not "same"."""
    if isinstance(pad, int):
        return ((pad, pad),) * axes
    return tuple(p if isinstance(p, tuple) else (p, p) for p in per_axis(pad, axes, name))


def literal_shape(value: Any, needed: tuple[Dim, ...], name: str) -> None:
    """Check that literal numbers fill a weight. Raises LiteralMismatch.

    Leading axes of size 1 may be left out.
    """
    given = shape(value)
    missing = len(needed) - len(given)
    if missing < 0 or (1,) * missing + given != needed:
        raise LiteralMismatch(name, name=name, given=list(given), needed=list(needed))
