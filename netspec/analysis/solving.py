"""At which values of its symbol a size is 0 or more: exactly, with whole numbers only.

A size of one symbol that is made of sums, products and floor divisions by numbers is a polynomial on each class of
remainders by a period (`decide`). Its values at the first numbers of a class give its forward differences, and these
its value at any. Where its first differences, a polynomial of a lower degree, are 0 or more it does not fall, elsewhere
it falls. So its monotone pieces come from solving the same for the differences, and within a piece the place where the
sign changes is found by bisection. Minima and maxima are taken apart: max(a, b) <= c where a <= c and b <= c.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from netspec.analysis.values import PERIOD, Range, Values, remainders, trimmed
from netspec.ir.decide import Undecided, earliest, period_of
from netspec.ir.dims import Atom, Dim, Expr, Op, Symbol, combined, rebuilt, value

_WORK = 4_000_000  # values of an expression, times its length
_CASES = 64  # of minima and maxima in products and quotients


def at_least_zero(size: Dim, one: Symbol) -> Values:
    """The values of a symbol at which a size, of this symbol alone, is 0 or more. Raises Undecided where the size has a
    quotient by the symbol, or too long a period."""
    return _at_least_zero(size, one, [_CASES])


def zero(size: Dim, one: Symbol) -> Values:
    """The values of a symbol at which a size of it is 0. Raises Undecided."""
    return at_least_zero(size, one) & at_least_zero(-size, one)


def _at_least_zero(size: Dim, one: Symbol, cases: list[int]) -> Values:
    if isinstance(size, int):
        return Values.all(one) if size >= 0 else Values.none(one)
    if size.variables != {one} or not all(isinstance(factor, int) for factor in size.terms.values()):
        raise Undecided
    op = _extreme(size)
    if op is None:
        return _of_classes(size, one)
    rest = {m: f for m, f in size.terms.items() if m != ((op, 1),)}
    factor = size.terms.get(((op, 1),), 0)
    if factor and not any(_mentions(atom, op) for monomial in rest for atom, _ in monomial):
        whole: Dim = Expr(rest) if rest else 0
        left, right = (_at_least_zero(whole + factor * side, one, cases) for side in (op.left, op.right))
        return left | right if (factor > 0) == (op.kind == "max") else left & right
    if not cases[0]:
        raise Undecided
    cases[0] -= 1
    larger = _at_least_zero(op.left - op.right, one, cases)
    first, second = (_at_least_zero(_replaced(size, op, side), one, cases) for side in (op.left, op.right))
    if op.kind == "min":
        first, second = second, first
    return larger & first | ~larger & second


def _of_classes(size: Expr, one: Symbol) -> Values:
    """The same for a size without minima and maxima."""
    period, degree = period_of(size, one), _degree(size)
    if period > PERIOD or period * (degree + 1) * size.length > _WORK:
        raise Undecided
    ranges = {}
    for remainder in remainders(one, period):
        first = one.low + (remainder - one.low) % period
        last = None if one.high is None else (one.high - first) // period
        if last is not None and last < 0:
            continue
        known = degree + 1 if last is None else min(degree, last) + 1
        samples = [value(size, {one.name: first + period * step}) for step in range(known)]
        found = _not_below(_differences(samples), last)
        places: list[Range] = [(first + period * a, None if b is None else first + period * b) for a, b in found]
        ranges[remainder] = trimmed(places, one, period, remainder)
    return Values(one, period, ranges)


def _differences(samples: list[int]) -> list[int]:
    """Forward differences at 0 of what has these values at 0, 1, 2, ..."""
    found = []
    while samples:
        found.append(samples[0])
        samples = [b - a for a, b in pairwise(samples)]
    return found


def _not_below(differences: list[int], last: int | None) -> list[Range]:
    """Where from 0 to `last` a polynomial is 0 or more, by its forward differences at 0."""
    while differences and not differences[-1]:
        differences = differences[:-1]
    if all(number >= 0 for number in differences):
        return [(0, last)]
    if len(differences) == 1:
        return []
    found: list[Range] = []
    rises = _not_below(differences[1:], None if last is None else last - 1) if last != 0 else []
    for first, end, rising in _monotone(rises, last):
        if rising:
            edge = earliest(lambda step: _at(differences, step) >= 0, first, end)
            if edge is not None:
                found.append((edge, end))
        else:
            edge = earliest(lambda step: _at(differences, step) < 0, first, end)
            if edge is None:
                found.append((first, end))
            elif edge > first:
                found.append((first, edge - 1))
    return found


def _monotone(rises: list[Range], last: int | None) -> Iterator[tuple[int, int | None, bool]]:
    """The pieces from 0 to `last` on which a polynomial does not fall, or falls, by where its differences are 0 or
    more. A piece begins where the one before it ends."""
    at = 0
    for first, end in rises:
        if at < first:
            yield at, first, False
        yield first, None if end is None else end + 1, True
        if end is None:
            return
        at = end + 1
    if at == 0 or last is None or at < last:
        yield at, last, False


def _at(differences: list[int], step: int) -> int:
    """The value of a polynomial: the sum of its differences times binomial coefficients."""
    total, ways = 0, 1
    for place, difference in enumerate(differences):
        total += difference * ways
        ways = ways * (step - place) // (place + 1)
    return total


def _extreme(size: Expr) -> Op | None:
    """A minimum or maximum in a size."""
    for monomial in size.terms:
        for atom, _ in monomial:
            if isinstance(atom, Op):
                found = atom if atom.kind in ("min", "max") else _extreme(atom.left)
                if found is not None:
                    return found
    return None


def _mentions(atom: Atom, op: Op) -> bool:
    if not isinstance(atom, Op):
        return False
    return atom == op or any(
        _mentions(inner, op)
        for side in (atom.left, atom.right)
        if isinstance(side, Expr)
        for monomial in side.terms
        for inner, _ in monomial
    )


def _replaced(size: Dim, op: Op, by: Dim) -> Dim:
    """The size with one value for a minimum or maximum in it."""

    def replaced(atom: Atom) -> Dim:
        if atom == op:
            return by
        if isinstance(atom, Op) and _mentions(atom, op):
            return combined(atom.kind, _replaced(atom.left, op, by), _replaced(atom.right, op, by))
        return Expr({((atom, 1),): 1})

    return rebuilt(size, replaced)


def _degree(size: Dim) -> int:
    """The degree that a size has at most on a class of remainders."""
    if isinstance(size, int):
        return 0
    return max(sum(power * _atom_degree(atom) for atom, power in monomial) for monomial in size.terms)


def _atom_degree(atom: Atom) -> int:
    return _degree(atom.left) if isinstance(atom, Op) else 1
