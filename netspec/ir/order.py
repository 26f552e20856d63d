"""The largest of many sizes, such as what is alive at each step of a net, where symbols have least values.

Compared are not the forms but lines around them: (H + 1) // 2 lies between H / 2 and (H + 1) / 2. From a least value of
each symbol on that tells sizes of unlike quotients apart, which `decide` cannot.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from math import lcm
from typing import Any, NamedTuple

from netspec.ir.dims import Atom, Dim, Expr, Monomial, Symbol, TooManyTerms, value, variables_of

_LENGTH = 400  # of an expression that is looked at
_MOST_KEPT = 32  # sizes of which none is known to be the largest; a maximum of more tells nothing
_MOST_COMPARED = 5_000  # pairs of sizes
_MORE = (0, 1, 31, 99_991)  # how far above its least value a symbol is tried


def largest(sizes: Iterable[Dim], least: Mapping[str, int]) -> list[Dim]:
    """The sizes without those that another is at least as large as where each symbol has at least a least value.

    Raises TooManyTerms where there are too many to compare."""
    distinct = list({size if isinstance(size, int) else frozenset(size.terms.items()): size for size in sizes}.values())
    variables = {s.name: s for size in distinct for s in variables_of(size)}
    least = {name: max(s.low, least.get(name, s.low)) for name, s in variables.items()}
    places = [{name: low + more for name, low in least.items()} for more in _MORE]
    atoms: dict[Atom, list[int]] = {}
    tried = {id(size): _tried(size, places, atoms) for size in distinct}
    lows = {atom: values[0] for atom, values in atoms.items()}
    kept: list[Dim] = []
    compared = 0
    for size in sorted(distinct, key=lambda size: tried[id(size)][::-1], reverse=True):
        ours = tried[id(size)]
        above = [other for other in kept if all(a >= b for a, b in zip(tried[id(other)], ours, strict=True))]
        for other in above:
            compared += 1
            if _stays_above(other - size, least, lows):
                break
        else:
            kept.append(size)
        if len(kept) > _MOST_KEPT or compared > _MOST_COMPARED:
            raise TooManyTerms
    return kept


def _tried(size: Dim, places: list[dict[str, int]], atoms: dict[Atom, list[int]]) -> list[int]:
    """The values of a size at some places. `atoms`: theirs, as far as they have been asked for."""
    if isinstance(size, int):
        return [size] * len(places)
    totals = [0] * len(places)
    for monomial, factor in size.terms.items():
        values = [factor] * len(places)
        for atom, power in monomial:
            known = atoms.get(atom)
            if known is None:
                known = atoms[atom] = [value(Expr({((atom, 1),): 1}), place) for place in places]
            values = [a * b**power for a, b in zip(values, known, strict=True)]
        totals = [a + b for a, b in zip(totals, values, strict=True)]
    return totals


def _stays_above(difference: Dim, least: Mapping[str, int], lows: Mapping[Atom, int]) -> bool:
    """Whether a difference is known never to be negative from a least value of each symbol, and each atom, on."""
    if isinstance(difference, int):
        return difference >= 0
    if difference.length > _LENGTH:
        return False
    return _rises(_shifted(difference, lows)) or _rises(_sloped(difference, least, lows))


def _rises(terms: Mapping[Any, int] | None) -> bool:
    """Whether no term of what is 0 or more is subtracted."""
    return terms is not None and all(factor >= 0 for factor in terms.values())


def _shifted(size: Expr, lows: Mapping[Atom, int]) -> dict[Monomial, int] | None:
    """A size in terms of how much its atoms, which grow, are above their least values."""
    total: dict[Monomial, int] = {}
    for monomial, factor in size.terms.items():
        parts: dict[Monomial, int] = {(): factor}
        for atom, power in monomial:
            if _line(atom) is None:
                return None
            low = lows[atom]
            for _ in range(power):
                grown: dict[Monomial, int] = {}
                for key, count in parts.items():
                    grown[key] = grown.get(key, 0) + count * low
                    more = tuple(sorted((*key, (atom, 1)), key=lambda factor: hash(factor[0])))
                    grown[more] = grown.get(more, 0) + count
                parts = grown
        for key, count in parts.items():
            total[key] = total.get(key, 0) + count
    return total


class _Line(NamedTuple):
    """An atom lies between two lines: (slope * symbol + low) / whole and (slope * symbol + high) / whole."""

    name: str
    whole: int
    slope: int
    low: int
    high: int


@lru_cache(maxsize=10_000)
def _line(atom: Atom) -> _Line | None:
    """The lines of a symbol, or of quotients by numbers of sums of them that grow with it; None for another atom."""
    if isinstance(atom, Symbol):
        return _Line(atom.name, 1, 1, 0, 0)
    if atom.kind != "//" or not isinstance(atom.right, int):
        return None
    name, whole, slope, low, high = "", 1, 0, 0, 0
    for monomial, factor in atom.left.terms.items():
        if not monomial:
            low, high = low + factor * whole, high + factor * whole
            continue
        inner = _line(monomial[0][0]) if len(monomial) == 1 and monomial[0][1] == 1 and factor > 0 else None
        if inner is None or name not in ("", inner.name):
            return None
        common = lcm(whole, inner.whole)
        ours, theirs = common // whole, common // inner.whole * factor
        name, whole = inner.name, common
        slope = slope * ours + inner.slope * theirs
        low, high = low * ours + inner.low * theirs, high * ours + inner.high * theirs
    return _Line(name, whole * atom.right, slope, low - (atom.right - 1) * whole, high) if name else None


def _sloped(size: Expr, least: Mapping[str, int], lows: Mapping[Atom, int]) -> dict[tuple[str, ...], int] | None:
    """A polynomial that a size is at least, times a positive number, in how much its symbols are above their least
    values. None where none is known."""
    bound = 1
    for monomial in size.terms:
        whole = 1
        for atom, power in monomial:
            line = _line(atom)
            if line is None:
                return None
            whole *= line.whole**power
        bound = lcm(bound, whole)
    total: dict[tuple[str, ...], int] = {}
    for monomial, factor in size.terms.items():
        parts: dict[tuple[str, ...], int] = {(): factor * bound}
        for atom, power in monomial:
            line = _line(atom)
            assert line is not None
            if lows[atom] < 0:
                return None
            start = line.slope * least[line.name] + (line.low if factor > 0 else line.high)
            if start < 0:
                parts = {}  # at least nothing is added
                break
            for _ in range(power):
                grown: dict[tuple[str, ...], int] = {}
                for key, count in parts.items():
                    count //= line.whole
                    grown[key] = grown.get(key, 0) + count * start
                    more = tuple(sorted((*key, line.name)))
                    grown[more] = grown.get(more, 0) + count * line.slope
                parts = grown
        for key, count in parts.items():
            total[key] = total.get(key, 0) + count
    return total
