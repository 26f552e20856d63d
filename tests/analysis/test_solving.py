"""Inequalities of sizes: the sets that solve them against every value, one by one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netspec.analysis.solving import at_least_zero, zero
from netspec.analysis.values import Stretch, Values
from netspec.ir.decide import Undecided
from netspec.ir.dims import Dim, Symbol, TooManyTerms, maximum, minimum, symbol, value

H = symbol("H")
(ONE,) = H.variables

symbols = st.builds(
    lambda low, span, divisor, remainder: symbol(
        "H", low, None if span is None else low + span + divisor, divisor, remainder
    ),
    st.integers(0, 40), st.none() | st.integers(0, 200), st.sampled_from([1, 1, 1, 2, 4, 6]), st.integers(0, 5),
)  # fmt: skip


def sizes(extremes: bool) -> st.SearchStrategy[Any]:
    """Formulas of one symbol of degree 3 and less, to be applied to it."""
    leaf = st.just(lambda x: x) | st.integers(-30, 30).map(lambda c: lambda x: c)

    def grown(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        kinds = [
            st.builds(lambda a, b: lambda x: a(x) + b(x), inner, inner),
            st.builds(lambda a, b: lambda x: a(x) - b(x), inner, inner),
            st.builds(lambda a, c: lambda x: c * a(x), inner, st.integers(-5, 5)),
            st.builds(lambda a, c: lambda x: a(x) // c, inner, st.integers(1, 6)),
            st.builds(lambda a, c: lambda x: a(x) % c, inner, st.integers(1, 4)),
            st.builds(lambda a, b: lambda x: a(x) * b(x), inner, inner),
        ]
        if extremes:
            kinds += [
                st.builds(lambda a, b: lambda x: maximum(a(x), b(x)), inner, inner),
                st.builds(lambda a, b: lambda x: minimum(a(x), b(x)), inner, inner),
            ]
        return st.one_of(kinds)

    return st.recursive(leaf, grown, max_leaves=6)


def solved(make: Any, x: Any) -> tuple[Dim, Values]:
    (one,) = x.variables
    try:
        size = make(x)
        return size, at_least_zero(size, one)
    except (Undecided, TooManyTerms):
        return 0, Values.all(one)


def first_values(one: Symbol, most: int) -> range:
    stop = one.low + most if one.high is None else min(one.low + most, one.high + 1)
    return range(one.low, stop, one.divisor)


@settings(max_examples=300, deadline=None)
@given(symbols, sizes(extremes=False) | sizes(extremes=True))
def test_a_set_has_exactly_the_values_that_solve_the_inequality(x: Any, make: Any) -> None:
    size, found = solved(make, x)
    for n in first_values(found.symbol, 3_000):
        assert (n in found) == (value(size, {"H": n}) >= 0), n


@settings(max_examples=200, deadline=None)
@given(symbols, sizes(extremes=True), st.integers(10**6, 10**12))
def test_sets_without_end_hold_at_large_values_too(x: Any, make: Any, large: int) -> None:
    size, found = solved(make, x)
    one = found.symbol
    if one.high is None:
        n = large - (large - one.remainder) % one.divisor
        assert (n in found) == (value(size, {"H": n}) >= 0)


@settings(max_examples=200, deadline=None)
@given(symbols, sizes(extremes=True), sizes(extremes=True))
def test_sets_combine_as_sets_do(x: Any, make: Any, other: Any) -> None:
    a, b = solved(make, x)[1], solved(other, x)[1]
    for n in first_values(a.symbol, 500):
        assert (n in (a & b)) == (n in a and n in b)
        assert (n in (a | b)) == (n in a or n in b)
        assert (n in ~a) == (n not in a)


@settings(max_examples=300, deadline=None)
@given(symbols, sizes(extremes=True))
def test_stretches_are_the_set(x: Any, make: Any) -> None:
    found = solved(make, x)[1]
    stretches = found.stretches()
    assert (sum(s.size or 0 for s in stretches) if found.size is not None else None) == found.size
    assert [s.last is None for s in stretches] == [False] * (len(stretches) - 1) + [found.size is None] * bool(
        stretches
    )
    for n in first_values(found.symbol, 1_500):
        inside = [
            s for s in stretches if s.first <= n and (s.last is None or n <= s.last) and n % s.divisor in s.remainders
        ]
        assert len(inside) == (n in found)
    if found:
        assert found.first == stretches[0].first
        assert found.last == stretches[-1].last
        assert next(found.upward()) == found.first


@pytest.mark.parametrize(
    ("size", "stretches"),
    [
        (1043 - H, [Stretch(1, 1043, 1, (0,))]),
        (H - 33, [Stretch(33, None, 1, (0,))]),
        (5 - (H // 32 - 7) * (H // 32 - 7) * 6, [Stretch(224, 255, 1, (0,))]),
        (-(H % 32), [Stretch(32, None, 32, (0,))]),
        (minimum(-(H % 2), 9 - H), [Stretch(2, 8, 2, (0,))]),
        ((H - 3) * (H - 5) * (H - 90), [Stretch(3, 5, 1, (0,)), Stretch(90, None, 1, (0,))]),
        (-((H - 3) * (H - 5) * (H - 3) * (H - 5)), [Stretch(3, 3, 1, (0,)), Stretch(5, 5, 1, (0,))]),
        (H, [Stretch(1, None, 1, (0,))]),
        (-H, []),
        (600_000_000 - 100 * (H // 2) * (H // 2) - 7 * H, [Stretch(1, 4899, 1, (0,))]),
        (10**40 - H * H * H, [Stretch(1, 21544346900318, 1, (0,))]),
    ],
)  # fmt: skip
def test_sets_by_hand(size: Dim, stretches: list[Stretch]) -> None:
    assert at_least_zero(size, ONE).stretches() == stretches


def test_equality() -> None:
    assert zero(H * H - 49, ONE).stretches() == [Stretch(7, 7, 1, (0,))]
    assert not zero(H * H - 50, ONE)
    assert zero(H // 32 * 32 - H, ONE).stretches() == [Stretch(32, None, 32, (0,))]
    assert zero(H // 32 - 7, ONE).stretches() == [Stretch(224, 255, 1, (0,))]


def test_counts() -> None:
    assert at_least_zero(99 - H, ONE).size == 99
    assert zero(H % 32, ONE).size is None
    assert (zero(H % 32, ONE) & at_least_zero(100 - H, ONE)).size == 3
    assert at_least_zero(100 - H, ONE).last == 100
    assert at_least_zero(H - 100, ONE).last is None


def test_quotients_by_the_symbol_are_left_to_others() -> None:
    with pytest.raises(Undecided):
        at_least_zero(1000 // H - 7, ONE)
    with pytest.raises(Undecided):
        at_least_zero(symbol("W") - H, ONE)
    with pytest.raises(Undecided):
        zero(H % 5003, ONE)


def test_many_operands_take_no_long_time() -> None:
    """A peak of memory is the greatest of many sums."""
    peak = maximum(*(a * (H // 2) * (H // 2) + (40 - a) * (1000 + a) * H for a in range(1, 40)))
    found = at_least_zero(10**9 - peak, ONE)
    (stretch,) = found.stretches()
    assert stretch.first == 1
    assert stretch.last is not None
    assert value(peak, {"H": stretch.last}) <= 10**9 < value(peak, {"H": stretch.last + 1})
