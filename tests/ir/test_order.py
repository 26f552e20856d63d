"""The largest of many sizes from least values of their symbols on."""

from __future__ import annotations

import random

import pytest

from netspec.ir.dims import Dim, maximum, symbol, total, value
from netspec.ir.order import largest

H, W = symbol("H"), symbol("W")


def halved(size: Dim, times: int, lost: int) -> Dim:
    for _ in range(times):
        size = (size - lost) // 2
    return size


def test_a_stage_outweighs_those_after_it_from_some_size_on() -> None:
    first = 64 * halved(H, 1, 3) * halved(W, 1, 3)
    second = 128 * halved(H, 2, 3) * halved(W, 2, 3)
    third = 192 * halved(H, 3, 1) * halved(W, 3, 1)
    assert set(map(str, largest([first, second, third, 5], {}))) == {str(s) for s in (first, second, third, 5)}
    assert largest([first, second, third, 5], {"H": 40, "W": 40}) == [first]


def test_what_is_smaller_by_a_constant_alone_is_left_out() -> None:
    a = (H // 4 - 2) * (W // 4 - 2)
    assert largest([1024 * a, 1024 * a + 7, 512 * a], {"H": 12, "W": 12}) == [1024 * a + 7]


def test_what_cannot_be_told_apart_stays() -> None:
    sizes = [H * 3, W * 2]
    assert set(map(str, largest(sizes, {"H": 100, "W": 100}))) == {"3*H", "2*W"}
    assert set(map(str, largest([H % 7 * 10, 5 * W], {}))) == {str(H % 7 * 10), "5*W"}


@pytest.mark.parametrize("seed", range(40))
def test_one_of_those_that_are_kept_is_the_largest_everywhere(seed: int) -> None:
    draw = random.Random(seed)
    least = {"H": draw.randint(1, 40), "W": draw.randint(1, 40)}
    sizes: list[Dim] = [draw.randint(0, 5000)]
    for _ in range(draw.randint(2, 8)):
        sides = [halved(side, draw.randint(0, 4), draw.randint(-3, 3)) + draw.randint(-2, 2) for side in (H, W)]
        sizes.append(draw.randint(1, 50) * sides[0] * sides[1] + draw.randint(-50, 50) * sides[draw.randint(0, 1)])
    kept = largest(sizes, least)
    for _ in range(60):
        at = {name: low + draw.choice([0, 1, 2, 5, 30, 1000]) + draw.randint(0, 9) for name, low in least.items()}
        assert max(value(size, at) for size in kept) == max(value(size, at) for size in sizes)
    assert str(maximum(*kept)) == str(maximum(*reversed(kept)))


def test_a_sum_of_sizes() -> None:
    assert total([H, 3, W // 2, 4, -H]) == W // 2 + 7
    assert total([]) == 0
    assert total([1, 2]) == 3
    assert total([H, -H]) == 0
