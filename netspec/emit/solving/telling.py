"""Solutions in words, and as JSON."""

from __future__ import annotations

from typing import Any

from netspec.analysis.claims import figure
from netspec.analysis.values import Stretch, Values
from netspec.emit.solving.search import Point, Solution
from netspec.emit.style import plural
from netspec.ir.dims import Expr
from netspec.ir.typejson import dim_to_json

_STRETCHES = 8  # that are told
_ENDS = 8  # and values at their ends


def text(found: Solution) -> str:
    """All that there is to say, in lines."""
    lines = [headline(found)]
    lines += [f"  {part}: {_values(values, found)}" for part, values in found.parts.items()]
    ends = [point for point in found.points if point.value > found.looked[0] and (found.depends or point.reason)]
    if ends:
        lines += ["", *(f"at {point.value}: {_told(point, found)}" for point in ends[:_ENDS])]
    if found.tried and not (found.nearest and found.nearest.reason):
        first, last = found.looked
        lines += ["", f"Each value from {first} to {last} was checked by itself:", f"  {found.tried}"]
    return "\n".join(lines)


def headline(found: Solution) -> str:
    """The answer in a line."""
    name = " = ".join(found.names)
    if found:
        size = f" ({plural(found.count, 'value')})" if found.count is not None and found.count > 1 else ""
        constant = "" if found.depends else ": the claim does not depend on it"
        return _values(found._values, found) + size + constant
    near = found.nearest
    none = f"no {name}{_looked(found)} meets it"
    if near is None:
        return none
    if near.reason:
        return f"no {name}{_looked(found)} makes a sound net: at {near.value} {near.reason}"
    if not found.depends:
        return f"{none}: {_told(near, found)} at every {name}"
    told = near.told
    if len(told) != 1:
        return f"{none}: nearest to it {_told(near, found)}, at {name} = {near.value}"
    ((side, size),) = told.items()
    first = near.sides[0][0] == side
    word = {"<": "at least", "<=": "at least", ">": "at most", ">=": "at most"}.get(found.relation)
    if word is None:
        return f"{none}: {side} is {_figure(size)} at {name} = {near.value}, which is nearest to it"
    if not first:
        word = {"at least": "at most", "at most": "at least"}.get(word, word)
    return f"{none}: {side} is {word} {_figure(size)}, at {name} = {near.value}"


def _looked(found: Solution) -> str:
    first, last = found.looked
    if last is not None:
        return f" from {first} to {last}"
    return f" from {first} on" if first > 1 else ""


def _told(point: Point, found: Solution) -> str:
    """What the net is like at a value."""
    if point.reason:
        return point.reason
    told = [f"{text} is {_figure(value)}" for text, value in point.told.items() if text not in found.names]
    return ", ".join(told) or ("the claim holds" if point.meets else "the claim does not hold")


def _figure(value: Any) -> str:
    return f"{value:,.6g}" if isinstance(value, float) else figure(value)


def _values(values: Values, found: Solution) -> str:
    """A set in words."""
    name = " = ".join(found.names)
    stretches = values.stretches()
    if not stretches:
        return f"no {name}"
    singles: list[Stretch] = []
    parts: list[str] = []
    for stretch in stretches[:_STRETCHES]:
        if stretch.first == stretch.last:
            singles.append(stretch)
            continue
        if singles:
            parts.append(_listed(name, singles))
            singles = []
        parts.append(_stretch(name, stretch, found))
    if singles:
        parts.append(_listed(name, singles))
    more = len(stretches) - _STRETCHES
    if more > 0:
        parts.append(f"{more:,} more ranges" if more > 1 else "1 more range")
    return _and(parts)


def _listed(name: str, singles: list[Stretch]) -> str:
    return f"{name} = {_and([str(single.first) for single in singles])}"


def _stretch(name: str, stretch: Stretch, found: Solution) -> str:
    if stretch.last is not None:
        words = f"{name} from {stretch.first} to {stretch.last}"
    elif stretch.first == 1:
        words = f"every {name}"
    else:
        words = f"{name} from {stretch.first} on"
    if stretch.divisor == 1:
        return words
    remainders = ", ".join(map(str, stretch.remainders))
    one = len(stretch.remainders) == 1
    test = f"== {remainders}" if one else f"in ({remainders})"
    return f"{words} where {found.names[0]} % {stretch.divisor} {test}"


def _and(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def to_json(found: Solution) -> dict[str, Any]:
    """The same for programs: see docs/output.md."""
    return {
        "net": found.net,
        "file": found.file,
        "claim": found.claim,
        "over": list(found.names),
        "from": found.looked[0],
        "to": found.looked[1],
        "method": "each value" if found.tried else "formulas",
        "why": found.tried or None,
        "count": found.count,
        "smallest": found.smallest,
        "largest": found.largest,
        "values": [stretch._asdict() | {"remainders": list(stretch.remainders)} for stretch in found.stretches],
        "ends": [_point_json(point) for point in found.points],
        "nearest": None if found.nearest is None else _point_json(found.nearest),
        "diagnostics": [],
    }


def _point_json(point: Point) -> dict[str, Any]:
    return {
        "value": point.value,
        "meets": point.meets,
        "sides": {text: _json(value) for text, value in point.told.items()},
        "reason": point.reason or None,
    }


def _json(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_json(item) for item in value]
    return (
        dim_to_json(value) if isinstance(value, Expr) else value if isinstance(value, (int, float, str)) else str(value)
    )
