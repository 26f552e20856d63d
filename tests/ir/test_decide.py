"""What is said of sizes that are equal, or ordered, at some values of their symbols, against all of many values."""

from __future__ import annotations

import random
from typing import Any

import pytest

from netspec.ir.decide import condition, never_zero, ordering
from netspec.ir.dims import Dim, Expr, symbol, value

RANGES: list[dict[str, Any]] = [
    {}, {"low": 5}, {"divisor": 2}, {"divisor": 16, "remainder": 12}, {"low": 3, "high": 40}, {"high": 9},
    {"divisor": 3, "remainder": 2, "low": 10, "high": 100},
]  # fmt: skip


def values_of(low: int = 1, high: int | None = None, divisor: int = 1, remainder: int = 0) -> list[int]:
    return [n for n in range(low, (high or 400) + 1) if n % divisor == remainder]


def drawn(h: Expr, draw: random.Random) -> Dim:
    """A sum of quotients, and at times a product of two."""
    size: Dim = draw.randint(-20, 20)
    for _ in range(draw.randint(1, 3)):
        size = size + draw.choice((-3, -2, -1, 1, 2, 4)) * ((h + draw.randint(-3, 3)) // draw.choice((1, 1, 2, 3, 4)))
    return size * ((h + 1) // 2) if draw.random() < 0.2 else size


@pytest.mark.parametrize("known", RANGES, ids=str)
def test_what_is_never_zero_is_zero_nowhere(known: dict[str, Any]):
    draw, h, found = random.Random(str(known)), symbol("H", **known), 0
    for _ in range(200):
        size = drawn(h, draw)
        zeros = [n for n in values_of(**known) if value(size, {"H": n}) == 0]
        if never_zero(size):
            found += 1
            assert not zeros, size
    assert found > 20


@pytest.mark.parametrize("known", RANGES, ids=str)
def test_an_order_holds_from_a_size_on_or_up_to_one(known: dict[str, Any]):
    draw, h, found = random.Random(str(known)), symbol("H", **known), 0
    for _ in range(200):
        size = drawn(h, draw)
        condition = ordering(size)
        if condition is None:
            continue
        found += 1
        holds = {n for n in values_of(**known) if value(size, {"H": n}) >= 0}
        low, high = condition.low or 0, condition.high or 10**9
        meant = {n for n in values_of(**known) if low <= n <= high}
        assert meant <= holds, (size, condition)
        edge = (low if condition.low else high) - (1 if condition.low else -1) * h_step(known)
        if edge in values_of(**known):
            assert edge not in holds, (size, condition)
    assert found > 5


def h_step(known: dict[str, Any]) -> int:
    return int(known.get("divisor", 1))


@pytest.mark.parametrize(
    ("size", "never"),
    [
        (2 * symbol("H") - 2 * symbol("W") + 1, True), (symbol("H") - symbol("W"), False), (symbol("H"), True),
        (symbol("H") // 2, False), (symbol("H", divisor=4) - 6, True), (symbol("H", divisor=4) - 8, False),
        (symbol("H") * symbol("W") + 1, True), (symbol("H", 3) * symbol("W", 2) - 6, False),
        (symbol("H") - 2 * (symbol("H") // 2) - 3, True), (0, False), (3, True),
        (symbol("H") // 2 - symbol("H", 3) // 2 + 1, False),  # two symbols of one name: 1 // 2 - 3 // 2 + 1 is 0
    ],
)  # fmt: skip
def test_never_zero(size: Dim, never: bool):
    assert never_zero(size) == never


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (symbol("H") // 2 - 64, "H >= 128"), (600_000 - 13_824 * symbol("H"), "H <= 43"),
        (symbol("H", divisor=32) - 100, "H >= 128"), (100 - symbol("H", divisor=32), "H <= 96"),
        (symbol("H") * symbol("W") - 9, None), (symbol("H"), None),
    ],
)  # fmt: skip
def test_ordering(size: Dim, text: str | None):
    condition = ordering(size)
    assert (None if condition is None else str(condition)) == text


def test_symbols_of_one_name_are_not_one():
    one, other = symbol("H"), symbol("H", 3)
    assert one // 2 != other // 2
    assert str(condition(one - 2 * (one // 2))) == "H % 2 == 0"
    assert condition(one - 2 * (other // 2)) is None
