"""What an argument must be, in words: for messages and for the documentation of layers."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from annotated_types import Ge, Gt, Le, Lt

from netspec.ir.dims import Expr
from netspec.ops import arguments
from netspec.ops.base import Layer
from netspec.ops.resample import Factors

_WORDS: list[tuple[Any, str]] = [
    (arguments.Padding, "a number from 0, one per axis, a pair (before, after) per axis, or `same`"),
    (arguments.Window, "a whole number above 0, or one per axis such as 3x5"),
    (arguments.Offsets, "a whole number from 0, or one per axis"),
    (arguments.PositiveInt, "a whole number above 0"),
    (arguments.Width, "a whole number above 0"),
    (arguments.Count, "a whole number from 0"),
    (arguments.Rate, "a number from 0 to below 1"),
    (arguments.Fraction01, "a number from 0 to 1"),
    (arguments.NotNegative, "a number from 0"),
    (arguments.PositiveFloat, "a number above 0"),
    (arguments.Sides, "a number from 0, one per axis, or a pair (before, after) per axis"),
    (arguments.Extent, "a whole number above 0, or one per axis such as 3x5"),
    (arguments.Grid, "a whole number above 0, or one per axis"),
    (arguments.Parts, "a number of equal parts, or the size of each"),
    (arguments.Numbers, "numbers, in lists of equal lengths"),
    (arguments.Axes, "the number of an axis, or several"),
    (arguments.Sizes, "a size, or several; one of them may be -1"),
    (arguments.Init, "`normal`, `uniform`, `xavier`, `kaiming`, `zeros`, `ones`, a number, or as `(normal, 0.02)`"),
    (arguments.RopeScaling, "a factor from 1, or as `(llama3, 8, 1, 4, 8192)`"),
    (arguments.Connections, "a list for each output map of the input maps that it sees"),
    (Factors, "a number above 0, or one per axis"),
    (tuple[int, ...], "a list of whole numbers"),
    (tuple[arguments.PositiveInt, ...], "a list of whole numbers above 0"),
    (tuple[arguments.Width, ...], "a list of whole numbers above 0"),
    (bool, "true or false"),
    (int, "a whole number"),
    (float, "a number"),
]


def meaning(annotation: Any) -> str:
    """What a field's annotation allows, in words."""
    for known, words in _WORDS:
        if annotation == known:
            return words
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return _either([f"`{str(word).lower() if isinstance(word, bool) else word}`" for word in parts])
    if origin is tuple:
        if len(parts) == 2 and parts[1] is Ellipsis:
            return f"a list, each {meaning(parts[0])}"
        return "a list of " + ", ".join(meaning(p) for p in parts)
    if origin is Annotated:
        return meaning(parts[0]) + "".join(map(_bound, parts[1:]))
    if origin is Union or type(annotation).__name__ == "UnionType":
        if type(None) in parts:  # an argument that may be left out, whose kind may have words of its own
            return meaning(Union[tuple(part for part in parts if part is not type(None))])  # noqa: UP007
        return _either([meaning(part) for part in parts])
    return str(getattr(annotation, "__name__", annotation))


def _bound(limit: Any) -> str:
    for kind, word in ((Gt, "above"), (Ge, "from"), (Lt, "below"), (Le, "to")):
        if isinstance(limit, kind):
            return f" {word} {getattr(limit, kind.__name__.lower()):,}"
    return ""


def _either(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " or " + words[-1]


def _takes_formulas(annotation: Any) -> bool:
    """Whether sizes that are symbolic are taken."""
    return annotation == arguments.Width or any(map(_takes_formulas, get_args(annotation)))


def field_annotations(layer: type[Layer]) -> dict[str, Any]:
    """The annotations of a layer's fields, as written."""
    hints = get_type_hints(layer, include_extras=True)
    return {name: hints[name] for name in layer.model_fields}


def needed(layer: type[Layer], name: str, value: Any, mistake: Any) -> tuple[str, str]:
    """What an argument must be, and what to do about this value."""
    annotation = field_annotations(layer)[name]
    text = meaning(annotation)
    symbolic = [v for v in (value if isinstance(value, tuple) else (value,)) if isinstance(v, Expr)]
    if symbolic and _takes_formulas(annotation):
        return text, f"{symbolic[0]} is too small at every size"
    if symbolic:
        symbols = sorted({symbol for v in symbolic for symbol in v.symbols})
        told = " and ".join(f"`{symbol}`" for symbol in symbols)
        return text, f"`{name}` needs a number: give {told} a value with `--set`, such as `--set {symbols[0]}=64`"
    if mistake["type"] == "value_error":
        return text, str(mistake["msg"]).removeprefix("Value error, ")
    if isinstance(value, bool) and "true or false" not in text and "`false`" not in text:
        return text, f"`{name}=1` or another number instead of `{'true' if value else 'false'}`"
    if value is True and "`false`" in text:
        return text, f"leave `{name}` out, or say which"
    if isinstance(value, int) and text == "true or false":
        return text, f"`{name}={'true' if value else 'false'}`"
    if isinstance(value, float) and value.is_integer() and "whole number" in text and value > 0:
        return text, f"write `{int(value)}` without a fraction"
    return text, f"for example: `{layer.example}`"
