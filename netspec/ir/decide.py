"""Decides what normal forms leave open: sizes that are equal, or ordered, at every value of their symbols, or at some.

A size made of sums, products and floor divisions by numbers is a polynomial on each class of remainders: with
H = 4*h + r, (H + 1) // 2 is 2*h + (r + 1) // 2. So it is split by the remainders of its symbols, by the least common
multiple of what divides them, and each piece is a polynomial in normal form. What has too many classes, quotients by
symbols, or minima and maxima that remain, stays undecided.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import lru_cache
from math import gcd, inf, lcm, prod
from typing import NamedTuple

from netspec.ir.dims import Atom, Dim, Expr, Monomial, Op, Symbol, bounds, substitute, symbol, value, variables_of

_CLASSES = 1024  # of remainders that are looked at
_LENGTH = 400  # of an expression that is looked at
_WORK = 20_000  # classes times the length of an expression
WIDEST = 4096  # remainders that a condition is worked out of
FAR = 1 << 40  # steps from the least size within which a place is looked for: no symbol is larger


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
    if len(variables) == 1 and _is_linear(difference):
        return _least(difference, *variables) >= 0
    return _outweighed(difference)


def _is_linear(size: Dim) -> bool:
    """Whether it is a sum of symbols and their quotients by numbers, each times a number."""
    return isinstance(size, int) or all(
        sum(power for _, power in monomial) <= 1
        and all(
            isinstance(atom, Symbol) or (atom.kind == "//" and isinstance(atom.right, int) and _is_linear(atom.left))
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
    if period > min(_CLASSES, _WORK // size.length):
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
    if variables != b.variables or len(variables) != 1 or not (_is_linear(a) and _is_linear(b)):
        return 0
    found = 0
    for times in (1, 2, 4, 8, 16, 32):
        difference = a - times * b
        low = bounds(difference)[0] if isinstance(difference, int) else _least(difference, *variables)
        if low is None or low < 0:
            break
        found = times
    return found


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

    def met(self, size: int) -> bool:
        """Whether a value of the symbol meets it."""
        if self.remainders:
            return (size % self.divisor if self.divisor else size) in self.remainders
        return (self.low is None or size >= self.low) and (self.high is None or size <= self.high)


def condition(difference: Dim) -> Condition | None:
    """What makes a difference 0, in terms of one symbol: at what remainders, or else at what value."""
    if isinstance(difference, int) or difference.length > _LENGTH:
        return None
    for one in sorted(difference.variables, key=lambda s: s.name):
        try:
            period = period_of(difference, one)
            if period > min(_CLASSES, _WORK // difference.length):
                continue
            kept = [r for r in _remainders(one, period) if vanishes(_at(difference, one, period, r))]
        except Undecided:
            continue
        if kept:
            return Condition(one.name, *shortest(period, kept))
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

    at_first = holds(0)
    step = earliest(lambda step: holds(step) != at_first, 0, _steps(one))
    if step is None:
        return None
    edge = one.low + step * one.divisor
    low, high = (one.low, edge - one.divisor) if at_first else (edge, one.high)
    kept = symbol(one.name, low, high, one.divisor, one.remainder)
    if not substitute(difference, {one.name: kept}) >= 0:
        return None
    return Condition(one.name, 1, (), None, high) if at_first else Condition(one.name, 1, (), low)


def _roots(difference: Expr, one: Symbol, period: int) -> list[int]:
    """The values of the only symbol at which each class, linear in it, is 0."""
    found = []
    for remainder in _remainders(one, period):
        piece = _at(difference, one, period, remainder)
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


def shortest(period: int, kept: Collection[int]) -> tuple[int, tuple[int, ...]]:
    """Remainders by a period as those by the smallest divisor of it that say the same."""
    for divisor in range(1, period):
        if period % divisor == 0:
            classes = {r % divisor for r in kept}
            if len(classes) * (period // divisor) == len(kept):
                return divisor, tuple(sorted(classes))
    return period, tuple(sorted(kept))


def _pieces(size: Dim, most: int = _CLASSES) -> Iterator[Dim]:
    """The polynomials that a size is on each class of remainders of its symbols. Raises Undecided."""
    if isinstance(size, int):
        yield size
        return
    for one in size.variables:
        period = period_of(size, one)
        if period > 1:
            if period > min(most, _WORK // size.length):
                raise Undecided
            for remainder in _remainders(one, period):
                yield from _pieces(_at(size, one, period, remainder), most // period)
            return
    if any(isinstance(atom, Op) for monomial in size.terms for atom, _ in monomial):
        raise Undecided
    yield size


def _remainders(one: Symbol, period: int) -> Iterator[int]:
    return (r for r in range(period) if r % one.divisor == one.remainder)


def _at(size: Expr, one: Symbol, period: int, remainder: int) -> Dim:
    """The size with the symbol as period * its quotient + remainder. Raises Undecided where another symbol, of which
    other things are known, has its name: they are not one."""
    if len(size.symbols) < len(size.variables):
        raise Undecided
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
            if isinstance(atom, Op) and one in atom.left.variables | variables_of(atom.right):
                if atom.kind not in ("//", "%") or not isinstance(atom.right, int):
                    raise Undecided
                period = lcm(period, atom.right * period_of(atom.left, one))
    return period


# -- the sizes at which a condition holds ---------------------------------------------------------------------

Span = tuple[int, int | None, int]  # first, last (None: without end), step


def refused(difference: Expr, kind: str, one: Symbol) -> list[Span] | None:
    """The sizes at which a difference is below 0, or is 0; None where that is not decided."""
    negative = -difference
    if _grows(difference):
        start = _reaching(difference, one, 0)
        if kind == ">":
            return _spans(one, one.low, start)
        return _spans(one, start, _reaching(difference, one, 1)) if start is not None else []
    if kind == ">" and isinstance(negative, Expr) and _grows(negative):
        # it is at least 0 up to where its negative, which grows, is 1
        start = _reaching(negative, one, 1)
        return [] if start is None else _spans(one, start, None)
    try:
        period = period_of(difference, one)
        if period > _CLASSES:
            return None
        found: list[Span] = []
        for remainder in _remainders(one, period):
            piece = _at(difference, one, period, remainder)
            spans = _refused_quotients(piece, kind)
            if spans is None:
                return None
            found += [
                (first * period + remainder, None if last is None else last * period + remainder, period)
                for first, last in spans
            ]
    except Undecided:
        return None
    return _joined(found, one, period)


def _refused_quotients(piece: Dim, kind: str) -> list[tuple[int, int | None]] | None:
    """The same of one class: the quotients at which it is below 0, or is 0."""
    if isinstance(piece, int):
        wrong = piece < 0 if kind == ">" else piece == 0
        return [(0, None)] if wrong else []
    if len(piece.variables) != 1 or not (_grows(piece) or (kind == ">" and _grows(-piece))):
        return None
    spans = refused(piece, kind, *piece.variables)
    return None if spans is None else [(first, last) for first, last, _ in spans]


def _joined(spans: list[Span], one: Symbol, period: int) -> list[Span]:
    """Spans of classes; where all classes are refused without end, as one from the first on."""
    endless = [span for span in spans if span[1] is None]
    if endless and len(endless) == len(list(_remainders(one, period))):
        rest = [span for span in spans if span[1] is not None]
        return [*rest, (min(first for first, _, _ in endless), None, one.divisor)]
    return spans


def _spans(one: Symbol, first: int, stop: int | None) -> list[Span]:
    """The sizes from one to before another."""
    if stop is not None and stop <= first:
        return []
    return [(first, None if stop is None else stop - one.divisor, one.divisor)]


def _reaching(size: Expr, one: Symbol, bound: int) -> int | None:
    """The least value of a symbol at which a size that grows with it is at least so large; None where there is none."""

    def reaches(step: int) -> bool:
        return value(size, {one.name: one.low + step * one.divisor}) >= bound

    step = earliest(reaches, 0, _steps(one))
    return None if step is None else one.low + step * one.divisor


def _steps(one: Symbol) -> int:
    """How many values of a symbol are looked at, after its least."""
    return FAR if one.high is None else (one.high - one.low) // one.divisor


def earliest(holds: Callable[[int], bool], low: int, high: int | None = None) -> int | None:
    """The first number from `low` to `high` from which on something holds; without `high` it must hold at some."""
    below, at, step = low - 1, low, 1
    while not holds(at):
        if at == high:
            return None
        below, at = at, low + step if high is None else min(low + step, high)
        step *= 2
    while at - below > 1:
        middle = (below + at) // 2
        below, at = (below, middle) if holds(middle) else (middle, at)
    return at


def _grows(size: Dim) -> bool:
    """Whether a size is known never to fall where its symbols grow."""
    if isinstance(size, int):
        return True
    for monomial, factor in size.terms.items():
        if monomial and factor < 0:
            return False
        for atom, _ in monomial:
            if isinstance(atom, Op) and not _atom_grows(atom):
                return False
            if len(monomial) > 1 or monomial[0][1] > 1:
                low = bounds(Expr({((atom, 1),): 1}))[0]
                if low is None or low < 0:
                    return False
    return True


def _atom_grows(atom: Op) -> bool:
    if atom.kind in ("min", "max"):
        return _grows(atom.left) and _grows(atom.right)
    return atom.kind == "//" and isinstance(atom.right, int) and _grows(atom.left)


def both(a: Condition, b: Condition) -> Condition | None:
    """Where two conditions on a symbol hold; None where they exclude each other, or that is too long to say."""
    period = lcm(a.divisor, b.divisor)
    if period > WIDEST:
        return None
    ours, theirs = set(a.remainders), set(b.remainders)
    kept = [r for r in range(period) if r % a.divisor in ours and r % b.divisor in theirs]
    return Condition(a.name, *shortest(period, kept)) if kept else None


def where(size: Expr, stride: int, kept: list[int]) -> tuple[int, list[int], list[int]] | None:
    """Where a size has one of these remainders by a stride: a divisor of its symbol, the remainders by it at which it
    has, and those at which it has not. None where that is not known."""
    variables = size.variables
    if len(variables) != 1 or not _is_linear(size):
        return None
    (one,) = variables
    try:
        period = period_of(size, one) * stride  # by it the size grows by a multiple of the stride
    except Undecided:
        return None
    if period > WIDEST:
        return None
    base = -(-one.low // period) * period
    found: dict[bool, list[int]] = {True: [], False: []}
    for remainder in _remainders(one, period):
        found[value(size, {one.name: base + remainder}) % stride in kept].append(remainder)
    return period, found[True], found[False]
