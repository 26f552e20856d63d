"""Sizes: random expressions against Python's integers, and the laws of their normal form."""

from __future__ import annotations

import itertools
import math
import operator
import random
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from netspec import limits
from netspec.ir.decide import condition
from netspec.ir.dims import (
    Dim,
    Expr,
    TooManyTerms,
    bounds,
    common_remainder,
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
    assert H > 0.5
    assert H >= 0.5
    assert not H > 1.5
    assert -H < -0.5
    assert not -H < -1.5
    assert -H <= -1.0


# Sizes as layers make them: quotients by small numbers, nested, added and subtracted, in symbols of which something
# may be known.
KNOWN = {
    "H": H,
    "K": symbol("K", divisor=12),
    "R": symbol("R", low=20, divisor=16, remainder=12),
    "L": symbol("L", low=7, high=40),
}
quotients = st.recursive(
    st.sampled_from(list(KNOWN)),
    lambda t: st.tuples(st.just("//"), st.tuples(st.just("+"), t, st.integers(-7, 7)), st.integers(2, 4)),
    max_leaves=3,
)
made_sizes = st.recursive(quotients, lambda t: st.tuples(st.sampled_from("+-"), t, t), max_leaves=4)


def known_values(name: str) -> list[int]:
    one = next(iter(KNOWN[name].variables))
    return [n for n in range(one.low, (one.high or one.low + 330) + 1) if n % one.divisor == one.remainder]


def as_known(tree: Any) -> Dim:
    if isinstance(tree, tuple):
        return OPERATIONS[tree[0]][0](as_known(tree[1]), as_known(tree[2]))
    return KNOWN[tree] if isinstance(tree, str) else tree


def names_of(tree: Any) -> set[str]:
    if isinstance(tree, tuple):
        return names_of(tree[1]) | names_of(tree[2])
    return {tree} if isinstance(tree, str) else set()


def sampled(names: set[str]) -> list[dict[str, int]]:
    """All values of one symbol; of several, random ones."""
    ordered = sorted(names)
    if len(ordered) == 1:
        return [{ordered[0]: n} for n in known_values(ordered[0])]
    draw = random.Random(0)
    pools = {name: known_values(name) for name in ordered}
    return [{name: draw.choice(pool) for name, pool in pools.items()} for _ in range(400)]


@settings(max_examples=600, deadline=None)
@given(made_sizes, made_sizes)
def test_equality_is_decided(left: Any, right: Any):
    """Of what layers make, two sizes are equal where their values are, at all values of the symbols."""
    a, b = as_known(left), as_known(right)
    cases = sampled(names_of(left) | names_of(right))
    same = all(as_int(left, at) == as_int(right, at) for at in cases)
    assert (a == b) == same
    assert (a - b == 0) == same
    if same:
        assert hash(a) == hash(b)
    difference = [as_int(left, at) - as_int(right, at) for at in cases]
    low, high = bounds(a - b)
    assert low is None or low <= min(difference)
    assert high is None or max(difference) <= high
    for compare in (operator.lt, operator.le, operator.gt, operator.ge):
        if compare(a, b):
            assert all(compare(as_int(left, at), as_int(right, at)) for at in cases)


@settings(max_examples=400, deadline=None)
@given(made_sizes)
def test_sizes_of_declared_symbols_are_written_and_read(tree: Any):
    size = as_known(tree)
    for at in sampled(names_of(tree))[:40]:
        assert substitute(size, at) == as_int(tree, at)
    again = parse_dim(str(size), KNOWN)
    assert again == size
    assert str(again) == str(size)


@settings(max_examples=400, deadline=None)
@given(made_sizes, made_sizes)
def test_a_condition_is_what_makes_them_equal(left: Any, right: Any):
    names = names_of(left) | names_of(right)
    assume(len(names) == 1)
    (name,) = names
    difference = as_known(left) - as_known(right)
    assume(isinstance(difference, Expr))
    found = condition(difference)
    equal = {n for n in known_values(name) if as_int(left, {name: n}) == as_int(right, {name: n})}
    if found is None:
        assert len(equal) < 200  # at some values at most
        return
    assert found.name == name
    meant = {n for n in known_values(name) if (n % found.divisor if found.divisor else n) in found.remainders}
    assert meant
    assert meant <= equal
    if not found.divisor:
        assert meant == equal


@pytest.mark.parametrize(
    ("difference", "text"),
    [
        (H // 2 * 2 - H, "H % 2 == 0"), (H // 4 * 4 + 1 - H, "H % 4 == 1"), (H - 5, "H == 5"),
        (H // 2 - 7, "H in (14, 15)"), ((H + 1) // 2 * 2 - (H + 3) // 4 * 4, "H % 4 in (0, 3)"),
        (H + 1, None), (H - W, None),
        (H // 2 * W - (H + 1) // 2 * W, "H % 2 == 0"), (maximum(H, 8) // W, None),
    ],
)  # fmt: skip
def test_conditions(difference: Dim, text: str | None):
    found = condition(difference)
    assert (None if found is None else str(found)) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (symbol("H", divisor=32) // 2, "H // 2"),
        (512 * (symbol("H", divisor=32) // 32) * (symbol("W", divisor=32) // 32), "512*(H // 32)*(W // 32)"),
        (symbol("H", divisor=16, remainder=12) - 184, "H - 184"),
        (symbol("H", divisor=2) * symbol("W", divisor=4), "H*W"),
        ((symbol("H", divisor=2) // 2 - 3) * (W // 2 - 3), "(H // 2 - 3)*(W // 2 - 3)"),
        (4 * 3 * 15 * (H - 2) * 4, "720*(H - 2)"), (9 * (H - 2) * (W - 4) + 7, "9*(H - 2)*(W - 4) + 7"),
        (3 * (H // 8) + 2 * (H // 2) + H * W + 5, "H*W + 2*(H // 2) + 3*(H // 8) + 5"),
        (2948 * (H // 8) * (W // 8) - 5800 * (H // 8) - 5800 * (W // 8) + 11_600,
         "2900*(H // 8 - 2)*(W // 8 - 2) + 48*(H // 8)*(W // 8)"),
        (6144 * H * W + 12 * H - 18 * W, "6144*H*W - 18*W + 12*H"),
    ],
)  # fmt: skip
def test_written_readably(size: Dim, text: str):
    assert str(size) == text


def test_symbols_of_one_name_are_not_one_where_other_things_are_known():
    """A check that begins after another, of a net without conditions, must not get what was kept of that."""
    for name in ("H", "W", "T", "A", "B", "C", "D", "E"):
        plain, known = symbol(name), symbol(name, divisor=32)
        for step in (2, 4, 8, 16, 32):
            assert (plain + step - 1) // step != known // step


def test_values_of_a_symbol():
    assert bounds(symbol("H", 60, None, 16, 12)) == (60, None)
    assert bounds(symbol("H", 61, 100, 16, 12)) == (76, 92)
    assert bounds(symbol("H", 61, 100, 16, 12) // 16) == (4, 5)
    with pytest.raises(ValueError, match="H has no values"):
        symbol("H", 61, 75, 16, 12)


def test_numbers_with_two_remainders():
    for divisor, other in itertools.product(range(1, 13), repeat=2):
        for a, b in itertools.product(range(divisor), range(other)):
            period = math.lcm(divisor, other)
            both = [n for n in range(period) if n % divisor == a and n % other == b]
            if both:
                assert common_remainder((divisor, a), (other, b)) == (period, *both)
            else:
                with pytest.raises(ValueError, match=f"remainders {a} by {divisor} and {b} by {other}"):
                    common_remainder((divisor, a), (other, b))
    assert common_remainder((10**9 + 7, 5), (10, 3)) == (10**10 + 70, 4_000_000_033)  # 4*(10**9 + 7) + 5


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


def test_sizes_are_compared_with_a_claims_number() -> None:
    assert H >= 1.0
    assert H > 0.5
    assert not H > 1.0
    assert -H <= -0.5
    assert not -H <= -1.5
    assert 2 - H < 1.5
