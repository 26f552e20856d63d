"""Sets of values of one symbol: what solves an inequality of a formula. Exact, also where they have no end.

A set is given by ranges for each remainder of a period: with the period 2 and a symbol from 1 on, `{0: ((2, None),)}`
are all even numbers, and `{0: ((2, 8),), 1: ((1, 8),)}` those from 1 to 8.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import lcm
from typing import NamedTuple, TypeAlias

from netspec.ir.decide import Undecided, shortest
from netspec.ir.dims import Symbol

Range: TypeAlias = tuple[int, int | None]  # the first and the last number; None where there is no last
Ranges: TypeAlias = tuple[Range, ...]  # in order, none next to another

PERIOD = 1024  # the longest period that is worked with


class Stretch(NamedTuple):
    """The values from `first` to `last` that are one of `remainders` more than a multiple of `divisor`."""

    first: int
    last: int | None
    divisor: int
    remainders: tuple[int, ...]

    def after(self, value: int) -> int:
        """The least number after a value that has one of the remainders."""
        return min(value + 1 + (r - value - 1) % self.divisor for r in self.remainders)

    def before(self, value: int) -> int:
        """The greatest number before a value that has one of the remainders."""
        return max(value - 1 - (value - 1 - r) % self.divisor for r in self.remainders)

    @property
    def size(self) -> int | None:
        """How many values it has; None where it has no end."""
        if self.last is None:
            return None
        return sum(
            max((self.last - r) // self.divisor - (self.first - 1 - r) // self.divisor, 0) for r in self.remainders
        )


class Values:
    """A set of values of a symbol. Immutable."""

    __slots__ = ("period", "ranges", "symbol")

    def __init__(self, symbol: Symbol, period: int, ranges: dict[int, Ranges]) -> None:
        self.symbol = symbol
        self.period = period  # a multiple of the symbol's divisor
        self.ranges = {remainder: found for remainder, found in ranges.items() if found}

    @classmethod
    def all(cls, symbol: Symbol) -> Values:
        """All that the symbol may be."""
        return cls.of(symbol, [(symbol.low, symbol.high)])

    @classmethod
    def none(cls, symbol: Symbol) -> Values:
        return cls.of(symbol, [])

    @classmethod
    def of(cls, symbol: Symbol, ranges: list[Range]) -> Values:
        """Those of the symbol's values that are in any of some ranges."""
        return cls(symbol, symbol.divisor, {symbol.remainder: trimmed(ranges, symbol, symbol.divisor)})

    # -- sets ---------------------------------------------------------------------------------------

    def __and__(self, other: Values) -> Values:
        return self._joined(other, _both)

    def __or__(self, other: Values) -> Values:
        return self._joined(other, lambda a, b: (*a, *b))

    def __invert__(self) -> Values:
        """All values of the symbol that are not in the set."""
        symbol, period = self.symbol, self.period
        return Values(
            symbol,
            period,
            {r: trimmed(_gaps(self.ranges.get(r, ()), symbol), symbol, period, r) for r in remainders(symbol, period)},
        )

    def _joined(self, other: Values, join: Callable[[Ranges, Ranges], Ranges]) -> Values:
        period = lcm(self.period, other.period)
        if period > PERIOD:
            raise Undecided
        ranges = {}
        for r in remainders(self.symbol, period):
            joined = join(self.ranges.get(r % self.period, ()), other.ranges.get(r % other.period, ()))
            ranges[r] = trimmed(joined, self.symbol, period, r)
        return Values(self.symbol, period, ranges)

    def __contains__(self, value: int) -> bool:
        ranges = self.ranges.get(value % self.period, ())
        return any(first <= value and (last is None or value <= last) for first, last in ranges)

    def __bool__(self) -> bool:
        return bool(self.ranges)

    # -- reading ------------------------------------------------------------------------------------

    @property
    def first(self) -> int:
        """The least value, of a set that has any."""
        return min(ranges[0][0] for ranges in self.ranges.values())

    @property
    def last(self) -> int | None:
        """The greatest value, of a set that has any; None where there is none."""
        lasts = [ranges[-1][1] for ranges in self.ranges.values()]
        return None if None in lasts else max(last for last in lasts if last is not None)

    @property
    def size(self) -> int | None:
        """How many values there are; None where there is no end."""
        total = 0
        for ranges in self.ranges.values():
            for first, last in ranges:
                if last is None:
                    return None
                total += (last - first) // self.period + 1
        return total

    def upward(self) -> Iterator[int]:
        """The values, least first."""
        for stretch in self.stretches():
            value = stretch.first
            while stretch.last is None or value <= stretch.last:
                yield value
                value = stretch.after(value)

    def stretches(self) -> list[Stretch]:
        """The set in as few parts as it takes: runs of neighbours, and patterns such as every second value."""
        found: list[Stretch] = []
        symbol = self.symbol
        for start, end, active in self._segments():
            if end is None or end - start + 1 >= self.period:
                divisor, kept = shortest(self.period, active)
                pattern = Stretch(start, end, divisor, kept)
                first = pattern.after(start - 1)
                last = None if end is None else pattern.before(end + 1)
                found = _extended(found, pattern._replace(first=first, last=last))
                continue
            for value in range(start, end + 1):
                if value % self.period in active:
                    found = _extended(found, Stretch(value, value, symbol.divisor, (symbol.remainder,)))
        return list(_progressions(found))

    def _segments(self) -> Iterator[tuple[int, int | None, set[int]]]:
        """From where to where the same remainders are in the set, and which."""
        events: dict[int, list[tuple[int, bool]]] = {}
        for remainder, ranges in self.ranges.items():
            for first, last in ranges:
                events.setdefault(first, []).append((remainder, True))
                if last is not None:
                    events.setdefault(last + 1, []).append((remainder, False))
        active: set[int] = set()
        places = sorted(events)
        for place, following in zip(places, [*places[1:], None], strict=False):
            for remainder, begins in events[place]:
                (active.add if begins else active.discard)(remainder)
            if active:
                yield place, None if following is None else following - 1, set(active)


def remainders(symbol: Symbol, period: int) -> Iterator[int]:
    """The remainders by a period that values of the symbol have."""
    return iter(range(symbol.remainder, period, symbol.divisor))


def trimmed(ranges: list[Range] | Ranges, symbol: Symbol, period: int, remainder: int | None = None) -> Ranges:
    """Ranges in order, from the first to the last number with a remainder, without those that have none."""
    at = symbol.remainder if remainder is None else remainder
    found: list[Range] = []
    for first, last in sorted(ranges, key=lambda pair: pair[0]):
        first = max(first, symbol.low)
        first += (at - first) % period
        if symbol.high is not None:
            last = symbol.high if last is None else min(last, symbol.high)
        if last is not None:
            last -= (last - at) % period
            if last < first:
                continue
        if found and (found[-1][1] is None or first <= found[-1][1] + period):
            before, end = found[-1]
            found[-1] = (before, None if end is None or last is None else max(end, last))
        else:
            found.append((first, last))
    return tuple(found)


def _both(a: Ranges, b: Ranges) -> Ranges:
    return tuple(
        (max(first, other), last if end is None else end if last is None else min(last, end))
        for first, last in a
        for other, end in b
    )


def _gaps(ranges: Ranges, symbol: Symbol) -> list[Range]:
    found: list[Range] = []
    at = symbol.low
    for first, last in ranges:
        found.append((at, first - 1))
        if last is None:
            return found
        at = last + 1
    return [*found, (at, symbol.high)]


def _progressions(stretches: list[Stretch]) -> Iterator[Stretch]:
    """Stretches with single values that are equally far apart joined to one, where there are four and more."""
    at = 0
    while at < len(stretches):
        first, end = stretches[at], at + 1
        while end < len(stretches) and first.first == first.last:
            gap = stretches[at + 1].first - first.first
            following = stretches[end]
            if following.first != following.last or following.first - stretches[end - 1].first != gap:
                break
            end += 1
        if end - at > 3:
            yield Stretch(first.first, stretches[end - 1].first, gap, (first.first % gap,))
            at = end
        else:
            yield first
            at += 1


def _extended(found: list[Stretch], more: Stretch) -> list[Stretch]:
    """Stretches with one more behind them, joined to the last where one pattern goes on."""
    while found:
        last = found[-1]
        assert last.last is not None  # or nothing would follow
        if more.first == more.last or (last.divisor, last.remainders) == (more.divisor, more.remainders):
            joins = last.after(last.last) == more.first
            pattern = last
        else:
            joins = last.first == last.last and more.before(more.first) == last.last
            pattern = more
        if not joins:
            break
        more = pattern._replace(first=last.first, last=more.last)
        found = found[:-1]
    return [*found, more]
