"""The sizes at which a net's formulas hold, and the formulas, for people and in JSON."""

from __future__ import annotations

from typing import Any

from netspec.analysis.ranges import Limit, Ranges, SizeRange
from netspec.emit.style import number, size_text
from netspec.ir.decide import Condition
from netspec.ir.dims import Dim, Expr, operands
from netspec.ir.dimwriting import summands

_WIDE = 88  # cells of a formula in one line
_CELL = 40  # of a formula in a table
_LONG = 14  # lines
_NAMED = 3  # layers that are listed
_REMAINDERS = 8


def short(size: Expr) -> str:
    """A formula for a table: the whole, or its leading term and `+ ...`."""
    text = str(size)
    if len(text) <= _CELL:
        return text
    parts = _operands(size)
    if len(parts) > 1:
        return f"max({short(parts[0]) if isinstance(parts[0], Expr) else parts[0]}, ...)"
    terms = summands(size)
    return text if len(terms) == 1 else f"{terms[0]} + ..."


def lines(size: Dim) -> list[str]:
    """A formula in lines: as one, or with a term, or what a maximum is of, in each."""
    text = str(size)
    if len(text) <= _WIDE or isinstance(size, int):
        return [text]
    parts = _operands(size)
    if len(parts) == 1:
        return summands(size)
    inner = [lines(part) for part in parts]
    for part in inner[:-1]:
        part[-1] += ","
    return ["max(", *(f"  {line}" for part in inner for line in part), ")"]


def told(name: str, size: Dim | None, after: str = "") -> list[str]:
    """A figure of a net's summary."""
    if isinstance(size, int):  # as where all are numbers
        text = size_text(size) + after.removeprefix(" bytes") if after.startswith(" bytes") else number(size) + after
        return [f"{name:11}  {text}"]
    found = ["a long formula"] if size is None else lines(size)
    if len(found) > _LONG:
        found = [*found[: _LONG - 2], f"... and {len(found) - _LONG + 2} more lines (see --format json)"]
    return [f"{name if i == 0 else '':11}  {line}{after * (i == len(found) - 1)}" for i, line in enumerate(found)]


def _operands(size: Expr) -> list[Dim]:
    """What a maximum is of."""
    return operands("max", [size])


def ranges_lines(ranges: Ranges) -> list[str]:
    """`H >= 63 (conv5 would see 2 rows of 3), W >= 63`, and where nothing is dropped."""
    symbols = ranges.symbols.values()
    free = [r.name for r in symbols if r.least == 1 and r.most is None and _is_free(r.fits)]
    known: set[str] = set()
    parts = [f"any {_joined(free)}"] if free else []
    parts += [_range_text(r, known) for r in symbols if r.name not in free]
    parts += [f"{joint.condition} ({joint.place.path})" for joint in ranges.joint]
    found = [", ".join(parts)]
    if ranges.slides:
        found += _dropped_lines(ranges)
    return found


def _is_free(condition: Condition | None) -> bool:
    return condition is not None and condition.divisor == 1 and bool(condition.remainders)


def _range_text(r: SizeRange, known: set[str]) -> str:
    low, high = r.least if r.least > 1 or r.least_by else None, r.most
    if low is not None and low == high:
        text = f"only {r.name} == {low}"
    elif low is not None:
        text = f"{low} <= {r.name} <= {high}" if high is not None else f"{r.name} >= {low}"
    else:
        text = r.name if high is None else f"{r.name} <= {high}"
    if not _is_free(r.fits):
        text = f"{r.fits}" if text == r.name else f"{text}, {r.fits}"
    why = []
    for bound, limit in ((low, r.least_by), (high, r.most_by)):
        if bound is None or (limit is not None and limit.place.path in known):
            continue
        why.append("declared" if limit is None else str(limit))
        if limit is not None:
            known.add(limit.place.path)
    return f"{text} ({'; '.join(dict.fromkeys(why))})" if why else text


def _dropped_lines(ranges: Ranges) -> list[str]:
    if not ranges.drops:
        return ["nothing is dropped at any size"]
    wholes = [r.whole for r in ranges.symbols.values() if not _is_free(r.whole)]
    if wholes and all(whole is not None and len(whole.remainders) <= _REMAINDERS for whole in wholes):
        by = list(dict.fromkeys(drop.place.path for drop in ranges.drops))
        otherwise = f"else {_listed(by)} {'drops' if len(by) == 1 else 'drop'} some"
        return [f"nothing is dropped where {' and '.join(map(str, wholes))};", otherwise]
    told = []
    for drop in ranges.drops[:_NAMED]:
        where = "at most sizes" if drop.unless is None else f"unless {drop.unless}"
        told.append(f"{drop.place.path} drops some of the {drop.axis} {where}")
    return [*told, *(["..."] if len(ranges.drops) > _NAMED else [])]


def _joined(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _listed(names: list[str]) -> str:
    return (
        _joined(names) if len(names) <= _NAMED + 1 else f"{', '.join(names[:_NAMED])} and {len(names) - _NAMED} others"
    )


def ranges_json(ranges: Ranges) -> dict[str, Any]:
    """The same as a JSON object."""
    return {
        "symbols": {
            name: {
                "least": r.least,
                "most": r.most,
                "least_by": _limit_json(r.least_by),
                "most_by": _limit_json(r.most_by),
                "fits": _condition_json(r.fits),
                "nothing_dropped": _condition_json(r.whole),
            }
            for name, r in ranges.symbols.items()
        },
        "conditions": [{"layer": joint.place.path, "condition": joint.condition} for joint in ranges.joint],
        "drops": [{"layer": drop.place.path, "axis": drop.axis, "unless": drop.unless} for drop in ranges.drops],
    }


def _limit_json(limit: Limit | None) -> dict[str, str] | None:
    return None if limit is None else {"layer": limit.place.path, "reason": limit.reason}


def _condition_json(condition: Condition | None) -> bool | str:
    """The condition; true where it holds at all sizes, false where at none, or too many to say."""
    return condition is not None and (_is_free(condition) or str(condition))
