"""Decides what normal forms leave open: sizes that are equal, or ordered, at every value of their symbols, or at some.

A size made of sums, products and floor divisions by numbers is a polynomial on each class of remainders: with
H = 4*h + r, (H + 1) // 2 is 2*h + (r + 1) // 2. So it is split by the remainders of its symbols, by the least common
multiple of what divides them, and each piece is a polynomial in normal form. What has too many classes, quotients by
symbols, or minima and maxima that remain, stays undecided.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from math import gcd, inf, lcm, prod
from typing import Any, NamedTuple

from netspec.ir.dims import Atom, Dim, Expr, Monomial, Op, Symbol, bounds, substitute, symbol, value

CLASSES = 1024  # of remainders that are looked at
_LENGTH = 400  # of an expression that is looked at
_MORE = (0, 1, 31, 99_991)  # how far above its least value a symbol is tried
_WORK = 20_000  # classes times the length of an expression
_FARTHEST = 1 << 40  # steps from the least size at which an order is looked for


class Undecided(Exception):
    """There are too many cases, or a quotient by a symbol."""


def vanishes(size: Dim) -> bool:
    """Whether a size is known to be 0 at all values of its symbols."""
    if isinstance(size, Expr) and size.length > _LENGTH:
        return False
    try:
        return all(isinstance(piece, int) and piece == 0 for piece in _pieces(size))
    except Undecided:
        return False


def never_zero(size: Dim) -> bool:
    """Whether a size is known to be 0 at no values of its symbols."""
    if isinstance(size, int):
        return size != 0
    if size.length > _LENGTH:
        return False
    if size >= 1 or size <= -1:
        return True
    try:
        return all(_misses_zero(piece) for piece in _pieces(size))
    except Undecided:
        return False


def _misses_zero(piece: Dim) -> bool:
    """Whether a polynomial is known to be 0 nowhere: by its bounds, or by what divides all terms but the constant."""
    if isinstance(piece, int):
        return piece != 0
    shared = gcd(*(factor for monomial, factor in piece.terms.items() if monomial))
    return piece.terms.get((), 0) % shared != 0 or piece >= 1 or piece <= -1


def never_negative(difference: Expr) -> bool:
    """Whether a difference whose terms have different signs is known to be 0 or more at all values of its symbols."""
    if difference.length > _LENGTH:
        return False
    variables = difference.variables
    if len(variables) == 1 and is_linear(difference):
        return _least(difference, *variables) >= 0
    return _outweighed(difference)


def is_linear(size: Dim) -> bool:
    """Whether it is a sum of symbols and their quotients by numbers, each times a number."""
    return isinstance(size, int) or all(
        sum(power for _, power in monomial) <= 1
        and all(
            isinstance(atom, Symbol) or (atom.kind == "//" and isinstance(atom.right, int) and is_linear(atom.left))
            for atom, _ in monomial
        )
        for monomial in size.terms
    )


def _least(size: Expr, one: Symbol) -> float:
    """The least value of a linear size; minus infinity where it has none, or it is not known.

    By each period it grows by the same number, wherever that begins."""
    try:
        period = period_of(size, one)
    except Undecided:
        return -inf
    if period > min(CLASSES, _WORK // size.length):
        return -inf
    first, last = one.low, one.low + period
    grows = value(size, {one.name: last}) - value(size, {one.name: first})
    if grows < 0 and one.high is None:
        return -inf
    if grows < 0:
        assert one.high is not None
        first, last = max(first, one.high - period + 1), one.high + 1
    elif one.high is not None:
        last = min(last, one.high + 1)
    first += (one.remainder - first) % one.divisor
    return min(value(size, {one.name: n}) for n in range(first, last, one.divisor))


def _outweighed(difference: Expr) -> bool:
    """Whether each negative term is at most what positive ones have left: 6*A*B - 3*C*D where A >= C and B >= D."""
    positive = {m: f for m, f in difference.terms.items() if f > 0}
    if any(_at_least(monomial) is None for monomial in positive):
        return False
    for monomial, factor in difference.terms.items():
        owed = -factor
        for other, left in positive.items() if factor < 0 else ():
            if owed > 0 and left > 0:
                share = _ratio(other, monomial)
                used = min(left, -(-owed // share)) if share else 0
                positive[other] -= used
                owed -= used * share
        if owed > 0:
            return False
    return True


def _ratio(large: Monomial, small: Monomial) -> int:
    """A number of times that a product of sizes from 0 on is at least another; 0 where none is known."""
    if not small:
        return _at_least(large) or 0
    ours, others = ([atom for atom, power in m for _ in range(power)] for m in (large, small))
    if len(ours) < len(others) or _at_least(small) is None:
        return 0
    total = 1
    for atom in others:
        best, place = 0, -1
        for index, one in enumerate(ours):
            times = _times(one, atom)
            if times > best:
                best, place = times, index
        if not best:
            return 0
        total *= best
        ours.pop(place)
    for atom in ours:
        total *= _at_least(((atom, 1),)) or 0
    return total


def _at_least(monomial: Monomial) -> int | None:
    """The least value of a product of which each factor is 0 or more; None for another."""
    if len(monomial) > 1:
        lows = [_at_least((factor,)) for factor in monomial]
        return None if any(low is None for low in lows) else prod(low for low in lows if low is not None)
    low = bounds(Expr({monomial: 1}))[0] if monomial else 1
    return None if low is None or low < 0 else low


@lru_cache(maxsize=10_000)
def _times(large: Atom, small: Atom) -> int:
    """A power of 2 so often that `large` is at least `small`, at all sizes; 0 where it is not known to be."""
    if large == small:
        return 1
    a, b = Expr({((large, 1),): 1}), Expr({((small, 1),): 1})
    variables = a.variables
    if variables != b.variables or len(variables) != 1 or not (is_linear(a) and is_linear(b)):
        return 0
    found = 0
    for times in (1, 2, 4, 8, 16, 32):
        difference = a - times * b
        low = bounds(difference)[0] if isinstance(difference, int) else _least(difference, *variables)
        if low is None or low < 0:
            break
        found = times
    return found


def largest(sizes: Iterable[Dim], least: Mapping[str, int]) -> list[Dim]:
    """The sizes without those that another is at least as large as where each symbol has at least a least value."""
    distinct = list({size if isinstance(size, int) else frozenset(size.terms.items()): size for size in sizes}.values())
    variables = {s.name: s for size in distinct for s in _variables(size)}
    least = {name: max(s.low, least.get(name, s.low)) for name, s in variables.items()}
    places = [{name: low + more for name, low in least.items()} for more in _MORE]
    atoms: dict[Atom, list[int]] = {}
    tried = {id(size): _tried(size, places, atoms) for size in distinct}
    lows = {atom: values[0] for atom, values in atoms.items()}
    kept: list[Dim] = []
    for size in sorted(distinct, key=lambda size: tried[id(size)][::-1], reverse=True):
        ours = tried[id(size)]
        if not any(
            all(a >= b for a, b in zip(tried[id(other)], ours, strict=True)) and _stays_above(other - size, least, lows)
            for other in kept
        ):
            kept.append(size)
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


class Condition(NamedTuple):
    """`name % divisor` is one of `remainders`; with a divisor of 0 `name` is one of `remainders`; without remainders
    it is at least `low`, at most `high`."""

    name: str
    divisor: int
    remainders: tuple[int, ...]
    low: int | None = None
    high: int | None = None

    def __str__(self) -> str:
        if not self.remainders:
            return f"{self.name} >= {self.low}" if self.high is None else f"{self.name} <= {self.high}"
        left = f"{self.name} % {self.divisor}" if self.divisor else self.name
        if len(self.remainders) == 1:
            return f"{left} == {self.remainders[0]}"
        return f"{left} in ({', '.join(map(str, self.remainders))})"


def condition(difference: Dim) -> Condition | None:
    """What makes a difference 0, in terms of one symbol: at what remainders, or else at what value."""
    if isinstance(difference, int) or difference.length > _LENGTH:
        return None
    for one in sorted(difference.variables, key=lambda s: s.name):
        try:
            period = period_of(difference, one)
            if period > min(CLASSES, _WORK // difference.length):
                continue
            kept = [r for r in remainders_of(one, period) if vanishes(at_remainder(difference, one, period, r))]
        except Undecided:
            continue
        if kept:
            return shortest(one.name, period, kept)
        values = _roots(difference, one, period)
        if values:
            return Condition(one.name, 0, tuple(values))
    return None


def ordering(difference: Dim) -> Condition | None:
    """From which size on, or up to which, a difference in one symbol is 0 or more."""
    if isinstance(difference, int) or difference.length > _LENGTH or len(difference.variables) != 1:
        return None
    (one,) = difference.variables

    def holds(step: int) -> bool:
        return value(difference, {one.name: one.low + step * one.divisor}) >= 0

    most = _FARTHEST if one.high is None else (one.high - one.low) // one.divisor
    first = holds(0)
    same, other = 0, 1  # steps: one that holds as the first does, and one that may not
    while other < most and holds(other) == first:
        same, other = other, 2 * other
    other = min(other, most)
    if holds(other) == first:
        return None
    while other - same > 1:
        middle = (same + other) // 2
        same, other = (middle, other) if holds(middle) == first else (same, middle)
    low, high = (one.low, one.low + same * one.divisor) if first else (one.low + other * one.divisor, one.high)
    kept = symbol(one.name, low, high, one.divisor, one.remainder)
    if not substitute(difference, {one.name: kept}) >= 0:
        return None
    return Condition(one.name, 1, (), None, high) if first else Condition(one.name, 1, (), low)


def _roots(difference: Expr, one: Symbol, period: int) -> list[int]:
    """The values of the only symbol at which each class, linear in it, is 0."""
    found = []
    for remainder in remainders_of(one, period):
        piece = at_remainder(difference, one, period, remainder)
        if isinstance(piece, int):
            continue
        constant = piece.terms.get((), 0)
        slopes = [(m, f) for m, f in piece.terms.items() if m]
        if len(slopes) != 1 or len(slopes[0][0]) != 1 or slopes[0][0][0][1] != 1 or constant % slopes[0][1]:
            continue
        value = -constant // slopes[0][1] * period + remainder
        if value >= one.low and (one.high is None or value <= one.high):
            found.append(value)
    return sorted(found) if len(found) <= 8 else []


def shortest(name: str, period: int, kept: list[int]) -> Condition:
    """The condition with the smallest divisor that says the same."""
    for divisor in range(1, period + 1):
        if period % divisor == 0:
            classes = {r % divisor for r in kept}
            if len(classes) * (period // divisor) == len(kept):
                return Condition(name, divisor, tuple(sorted(classes)))
    return Condition(name, period, tuple(kept))


def _pieces(size: Dim, most: int = CLASSES) -> Iterator[Dim]:
    """The polynomials that a size is on each class of remainders of its symbols. Raises Undecided."""
    if isinstance(size, int):
        yield size
        return
    for one in size.variables:
        period = period_of(size, one)
        if period > 1:
            if period > min(most, _WORK // size.length):
                raise Undecided
            for remainder in remainders_of(one, period):
                yield from _pieces(at_remainder(size, one, period, remainder), most // period)
            return
    if any(isinstance(atom, Op) for monomial in size.terms for atom, _ in monomial):
        raise Undecided
    yield size


def remainders_of(one: Symbol, period: int) -> Iterator[int]:
    return (r for r in range(period) if r % one.divisor == one.remainder)


def at_remainder(size: Expr, one: Symbol, period: int, remainder: int) -> Dim:
    """The size with the symbol as period * its quotient + remainder."""
    low = max(-((remainder - one.low) // period), 0)
    high = None if one.high is None else max((one.high - remainder) // period, low)
    return substitute(size, {one.name: symbol(f"{one.name}'", low, high) * period + remainder})


def period_of(size: Dim, one: Symbol) -> int:
    """By how much a symbol grows until all remainders of its quotients are the same again. Raises Undecided."""
    if isinstance(size, int):
        return 1
    period = one.divisor
    for monomial in size.terms:
        for atom, _ in monomial:
            if isinstance(atom, Op) and one in atom.left.variables | _variables(atom.right):
                if atom.kind not in ("//", "%") or not isinstance(atom.right, int):
                    raise Undecided
                period = lcm(period, atom.right * period_of(atom.left, one))
    return period


def _variables(size: Dim) -> set[Symbol]:
    return size.variables if isinstance(size, Expr) else set()
