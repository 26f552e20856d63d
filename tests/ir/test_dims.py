"""Sizes: random expressions against Python's integers, and the laws of their normal form."""

from __future__ import annotations

import operator
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from netspec import limits
from netspec.ir.dims import (
    Dim,
    Expr,
    TooManyTerms,
    bounds,
    maximum,
    minimum,
    parse_dim,
    substitute,
    symbol,
)

H, W = symbol("H"), symbol("W")

OPERATIONS: dict[str, tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]] = {
    "+": (operator.add, operator.add),
    "-": (operator.sub, operator.sub),
    "*": (operator.mul, operator.mul),
    "//": (operator.floordiv, operator.floordiv),
    "%": (operator.mod, operator.mod),
    "min": (minimum, min),
    "max": (maximum, max),
}

# An expression is a number, a symbol, or (operation, left, right).
leaves = st.one_of(st.integers(-9, 9), st.sampled_from(["H", "W"]))
trees = st.recursive(leaves, lambda t: st.tuples(st.sampled_from(list(OPERATIONS)), t, t), max_leaves=8)
values = st.fixed_dictionaries({"H": st.integers(1, 50), "W": st.integers(1, 50)})


def as_dim(tree: Any) -> Dim:
    if isinstance(tree, tuple):
        return OPERATIONS[tree[0]][0](as_dim(tree[1]), as_dim(tree[2]))
    return symbol(tree) if isinstance(tree, str) else tree


def as_int(tree: Any, at: dict[str, int]) -> int:
    if isinstance(tree, tuple):
        return OPERATIONS[tree[0]][1](as_int(tree[1], at), as_int(tree[2], at))
    return at[tree] if isinstance(tree, str) else tree


def known(tree: Any) -> Dim:
    try:
        return as_dim(tree)
    except ZeroDivisionError:
        assume(False)
        raise


def at_values(tree: Any, at: dict[str, int]) -> int:
    """The value where no part divides by zero."""
    try:
        return as_int(tree, at)
    except ZeroDivisionError:
        assume(False)
        raise


@settings(max_examples=1500, deadline=None)
@given(trees, values)
def test_arithmetic_is_pythons(tree: Any, at: dict[str, int]):
    size, expected = known(tree), at_values(tree, at)
    assert substitute(size, at) == expected
    assert substitute(substitute(size, {"H": at["H"]}), {"W": at["W"]}) == expected


@settings(max_examples=800, deadline=None)
@given(trees)
def test_written_and_read(tree: Any):
    size = known(tree)
    again = parse_dim(str(size))
    assert again == size
    assert hash(again) == hash(size)
    assert str(again) == str(size)


@settings(max_examples=1500, deadline=None)
@given(trees, values)
def test_bounds_hold(tree: Any, at: dict[str, int]):
    size, value = known(tree), at_values(tree, at)
    low, high = bounds(size)
    assert low is None or low <= value
    assert high is None or value <= high


@settings(max_examples=1500, deadline=None)
@given(trees, trees, values)
def test_comparisons_claim_nothing_false(left: Any, right: Any, at: dict[str, int]):
    a, b = known(left), known(right)
    x, y = at_values(left, at), at_values(right, at)
    for compare in (operator.lt, operator.le, operator.gt, operator.ge, operator.eq):
        if compare(a, b):
            assert compare(x, y)


@settings(max_examples=300, deadline=None)
@given(trees, trees, trees)
def test_laws(left: Any, middle: Any, right: Any):
    a, b, c = known(left), known(middle), known(right)
    assert a + b == b + a
    assert (a + b) + c == a + (b + c)
    assert a * b == b * a
    assert (a * b) * c == a * (b * c)
    assert a * (b + c) == a * b + a * c
    assert a - a == 0
    assert a + 0 == a * 1 == a
    assert maximum(a, b) == maximum(b, a)
    assert minimum(a, a) == a
    for x, y in ((a + b, b + a), (a * c, c * a), (maximum(a, b), maximum(b, a))):
        assert hash(x) == hash(y)
        assert len({x, y}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((H // 2) // 2, H // 4),
        ((H + 6 - 7) // 2 + 1, (H - 1) // 2 + 1),
        ((H - 1) // 2 + 1, (H + 1) // 2),
        ((2 * H + 4) // 2, H + 2),
        ((4 * H + 2) // 4, H),
        ((6 * H + 3) // 4, (6 * H + 2) // 4),
        ((H // 3 + 1) // 2, (H + 3) // 6),
        (H * W - W * H, 0),
        ((H + W) * (H - W), H * H - W * W),
        (H % 2 + 2 * (H // 2), H),
        (H // 1, H),
        (1 // (H + 1), 0),
        (H // H, 1),
        (H % H, 0),
        (maximum(H, 1), H),
        (minimum(H + 1, H), H),
        (maximum(H - 5, H), H),
        ((H - 2 * W) // 2, H // 2 - W),
    ],
)
def test_normal_forms(one: Dim, other: Dim):
    assert one == other
    assert str(one) == str(other)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (7, (7, 7)), (H, (1, None)), (-H, (None, -1)), (H * W, (1, None)), (H // 2, (0, None)),
        (maximum(H - 5, 2), (2, None)), (minimum(H, 3), (1, 3)), (3 // H, (0, 3)), (H - W, (None, None)),
        ((H + 1) // 2, (1, None)),
    ],
)  # fmt: skip
def test_bounds(size: Dim, expected: tuple[int | None, int | None]):
    assert bounds(size) == expected


def test_comparison_is_for_all_values():
    assert H >= 1
    assert H > 0
    assert not H > 1
    assert not H <= 1
    assert H + 1 > H
    assert H + 5 > 5
    assert not H < W
    assert not H >= W
    assert H != 1
    assert symbol("H") == H


def squared() -> Dim:
    """A polynomial of thirty terms, squared again and again."""
    size: Dim = 0
    for power in range(30):
        size = size + symbol(f"S{power}")
    for _ in range(60):
        size = size * size
    return size


def doubled() -> Dim:
    """Each contains the one before twice."""
    size: Dim = H
    for _ in range(60):
        size = minimum(size // W, size % W)
    return size


def summed() -> Dim:
    size: Dim = 0
    for number in range(10_000):
        size = size + H // (number + 2)
    return size


@pytest.mark.parametrize("build", [squared, doubled, summed])
def test_long_expressions_are_refused(build: Callable[[], Dim]):
    begin = time.process_time()
    with pytest.raises(TooManyTerms, match=r"the size has too many terms"):
        build()
    assert time.process_time() - begin < 10


def test_length_is_that_of_the_text():
    size = (H + 1) // 2 * W + 3
    assert isinstance(size, Expr)
    assert size.length <= limits.TERMS
    # two terms, of which one has the quotient (of a sum of two terms with a symbol, by a number) and W
    assert size.length == 2 + (1 + 3 + 1) + 1


@pytest.mark.parametrize(
    "text", ["", "H +", "(H", "H)", "1H", "H // 0", "H % 0", "H ** 2", "min(H)", "H, W", "*H", "9" * 61, "H" * 10_001,
             "(" * 200 + "H" + ")" * 200, "-" * 5_000 + "H", "H\n;", "½", "\uff48\uff11"],
)  # fmt: skip
def test_no_size(text: str):
    with pytest.raises(ValueError, match=r"size|number|divide|unexpected|nested"):
        parse_dim(text)
