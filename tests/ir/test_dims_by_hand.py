"""Sizes: results that a person can check, computed while a test runs and not before."""

# ruff: noqa: E501  # tables

from __future__ import annotations

from typing import Any

import pytest

from netspec import limits
from netspec.ir import dims
from netspec.ir.dims import (
    Dim,
    Doubt,
    Op,
    Symbol,
    TooManyTerms,
    bare,
    bounds,
    combined,
    doubt,
    doubts,
    listening,
    maximum,
    minimum,
    operands,
    parse_dim,
    substitute,
    symbol,
    total,
    unheard,
    value,
)


def names() -> dict[str, Any]:
    """What the texts of this file may say."""
    return {
        "H": symbol("H"), "W": symbol("W"), "L": symbol("L", 7, 40),
        "K": symbol("K", divisor=12), "R": symbol("R", 20, divisor=16, remainder=12),
        "max": maximum, "min": minimum, "total": total, "substitute": substitute, "symbol": symbol,
    }  # fmt: skip


def made(text: str) -> Any:
    return eval(text, names())


WRITTEN = [
    # sums and products are collected
    ("W*H + H*W", "2*H*W"), ("H*H*H", "H*H*H"), ("(H + 1) * (H + 1)", "H*H + 2*H + 1"), ("5 - H - H + 2", "-2*H + 7"),
    ("H - W - (H - W)", "0"), ("H - (W - 3)", "H - W + 3"), ("3 + H", "H + 3"), ("-H", "-H"), ("4 - (H + 4)", "-H"),
    ("(H + W) * (H - W)", "H*H - W*W"), ("2 * H * 3", "6*H"), ("H * 0", "0"), ("H*W + 2*H*W - 3*W*H", "0"),
    ("total([])", "0"), ("total([2, 3])", "5"), ("total([3, H])", "H + 3"), ("total([H, 2, H, -2])", "2*H"),
    ("total([H, W*H, 4, H, 5])", "H*W + 2*H + 9"), ("total([H, -H])", "0"), ("total([H, -H, 4])", "4"),
    # constants leave floor divisions
    ("(2*H + 4) // 2", "H + 2"), ("(H + 5) // 3", "(H + 2) // 3 + 1"), ("(H - 1) // 2", "(H + 1) // 2 - 1"),
    ("(4*H + 6*W + 7) // 2", "3*W + 2*H + 3"), ("(2*H + 3) // 4", "(H + 1) // 2"), ("(3*H) // 6", "H // 2"),
    ("(3*H) // 2", "H + H // 2"), ("(5*H) // 6", "H - (H + 5) // 6"), ("(6*H + 3) // 4", "H + (H + 1) // 2"),
    ("(H - 2*W) // 2", "-W + H // 2"), ("(W - H) // 2", "(H + W) // 2 - H"), ("(-H) // 2", "-H + H // 2"),
    ("(H + 2*W + 7) // 2", "W + (H + 1) // 2 + 3"), ("H // 1", "H"), ("H // -2", "-H + H // 2"),
    ("(-3*H) // -3", "H"), ("(7*H + 7) // 7", "H + 1"), ("(H + 4) // 4", "H // 4 + 1"), ("(H - 4) // 4", "H // 4 - 1"),
    # nested ones join
    ("H // 2 // 2", "H // 4"), ("(H // 3 + 1) // 2", "(H + 3) // 6"), ("(H + 6 - 7) // 2 + 1", "(H + 1) // 2"),
    ("((H + 1) // 2 + 3) // 4", "(H + 7) // 8"), ("H // W // 2", "(H // W) // 2"), ("(2*(H // 2)) // 4", "H // 4"),
    ("(H // 2 + W // 2) // 2", "(H // 2 + W // 2) // 2"), ("(H // 2 * (H // 2)) // 2", "((H // 2)*(H // 2)) // 2"),
    # what is within one multiple of the divisor is a number
    ("L // 50", "0"), ("(L + 3) // 100", "0"), ("symbol('Q', 10, 14) // 5", "2"), ("symbol('Q', 10, 15) // 5", "Q // 5"),
    ("symbol('Q', 9, 14) // 5", "Q // 5"), ("1 // (H + 1)", "0"), ("(L + 100) // (H + 140)", "0"),
    ("(L + 100) // (H + 139)", "(L + 100) // (H + 139)"),
    ("(symbol('A', 1, 2) - symbol('B', 10, 20) + 3) // 100", "-1"), ("(symbol('A', 1, 2) - symbol('B', 10, 200)) // 100", "(A - B) // 100"),
    # quotients by sizes, where nothing remains
    ("(4*H*W + 8*W) // (2*W)", "2*(H + 2)"), ("(H*H - W*W) // (H + W)", "H - W"), ("(2*H) // (-H)", "-2"),
    ("(6*H*W + 4*W) // (2*W)", "3*H + 2"), ("(H*H*W) // (H*W)", "H"), ("(100*L) // L", "100"), ("H // H", "1"),
    ("(H + W) // (H + W)", "1"), ("(H*W) % W", "0"), ("(H*H + 2*H*W + W*W) // (H + W)", "H + W"), ("W // (W*1)", "1"),
    ("(2*W) // W", "2"), ("(H*H*H - W*W*W) // (H*H + H*W + W*W)", "H - W"), ("(H*W + 2*H) // (-H)", "-W - 2"),
    # and where something does, or the divisor may be 0
    ("(H*W + 1) // W", "(H*W + 1) // W"), ("(3*H) // (2*H)", "(3*H) // (2*H)"), ("(H*H - H) // (H - 1)", "(H*H - H) // (H - 1)"),
    ("(H*W + 1) % W", "(H*W + 1) % W"), ("(H*W + H) // W", "(H*W + H) // W"), ("(H - 1) // (H - 1)", "(H - 1) // (H - 1)"),
    ("W // (H*W)", "W // (H*W)"), ("(H*H + 1) // (H*H + 2)", "(H*H + 1) // (H*H + 2)"),
    # numbers by sizes
    ("0 // H", "0"), ("5 // H", "5 // H"), ("0 % H", "0"), ("7 % H", "7 % H"),
    # remainders by numbers
    ("H % 4", "H - 4*(H // 4)"), ("(H // 2) % 3", "H // 2 - 3*(H // 6)"), ("(4*H + 1) % 2", "1"), ("(H*6) % 3", "0"),
    # of a declared multiple the quotient counts
    ("K // 12", "K // 12"), ("K % 12", "0"), ("(K + 1) % 12", "1"), ("K // 4 - 3*(K // 12)", "0"), ("K // 24 - (K // 12) // 2", "0"),
    ("R % 16", "12"), ("R // 2 - 8*(R // 16)", "6"), ("R - 1", "R - 1"), ("R // 16", "R // 16"),
    # the largest and the smallest
    ("max(3, H, W)", "max(H, W, 3)"), ("max(max(H, W), 3)", "max(H, W, 3)"), ("max(H, max(W, 3))", "max(H, W, 3)"),
    ("max(min(H, 3), W)", "max(W, min(H, 3))"), ("max(H + 1, H, W)", "max(H + 1, W)"), ("min(H + 1, H, W)", "min(H, W)"),
    ("min(H, W, H)", "min(H, W)"), ("max(H, 1)", "H"), ("max(H, 2)", "max(H, 2)"), ("min(L, 40)", "L"), ("min(L, 39)", "min(L, 39)"),
    ("max(L, 7)", "L"), ("max(L, 41)", "41"), ("max(2, 7, 3)", "7"), ("min(2, 7, 3)", "2"), ("min(5, H, 3)", "min(H, 3)"),
    ("max(H - 5, H)", "H"), ("2*max(H, 3) + 1", "2*max(H, 3) + 1"), ("max(2*max(H, 3), W)", "max(2*max(H, 3), W)"),
    # values in place of symbols
    ("substitute(H*H + W, {'H': W + 1})", "W*W + 3*W + 1"), ("substitute(H*H*H, {'H': 3})", "27"), ("substitute(7, {'H': 3})", "7"),
    ("substitute(max(H, 3) - W, {'H': 2})", "-W + 3"), ("substitute((H // W) % 3, {'H': 17, 'W': 2})", "2"),
    ("substitute(H // 2 + W, {'H': 2*W})", "2*W"), ("substitute(min(H, W), {'W': 1})", "1"), ("substitute(5 // H, {'H': 2})", "2"),
    ("substitute(7 % H, {'H': 4})", "3"), ("substitute(2*H - 3, {'W': 4})", "2*H - 3"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "written"), WRITTEN)
def test_normal_form(text: str, written: str) -> None:
    assert str(made(text)) == written


@pytest.mark.parametrize(
    "text", ["7", "H - H", "total([2, 3])", "total([H, -H, 4])", "H // H", "H*0", "K % 12", "L // 50"]
)
def test_numbers_are_ints(text: str) -> None:
    assert type(made(text)) is int


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7", (7, 7)), ("H", (1, None)), ("-H", (None, -1)), ("L", (7, 40)), ("-2*L", (-80, -14)), ("3*L - 5", (16, 115)),
        ("L*L", (49, 1600)), ("L*L*L", (343, 64_000)), ("L*H", (7, None)), ("H*W - 3", (-2, None)), ("H - W", (None, None)),
        ("L - H", (None, 39)), ("H - L", (-39, None)), ("L // 3", (2, 13)), ("(L - 50) // 2", (-22, -5)), ("K", (12, None)),
        ("R", (28, None)), ("symbol('R', 20, 70, 16, 12)", (28, 60)), ("symbol('Q', 3, 3)", (3, 3)),
        # quotients by sizes
        ("H // L", (0, None)), ("(L + 100) // L", (2, 20)), ("7 // H", (0, 7)), ("(L + 10) // (H + 4)", (0, 10)),
        ("(H + 50) // L", (1, None)), ("(L - 50) // H", (None, None)), ("H // (W - 5)", (None, None)), ("7 // (H - 1)", (None, None)),
        ("H // (W + 1)", (0, None)), ("(L - 7) // (H + 1)", (0, 16)),
        # remainders by sizes
        ("H % L", (0, 39)), ("L % H", (0, None)), ("(H - 5) % W", (0, None)), ("H % (W - 1)", (None, None)), ("2 * (H % L)", (0, 78)),
        # the largest and smallest
        ("max(L, H)", (7, None)), ("min(L, H)", (1, 40)), ("max(L, 10)", (10, 40)), ("min(L, 10)", (7, 10)),
        ("max(H - W, 2)", (2, None)), ("max(L, H - W)", (7, None)), ("max(H - W, W - H)", (None, None)),
        ("3 * max(L, 10) - 1", (29, 119)), ("L * min(L, 10)", (49, 400)),
    ],
)  # fmt: skip
def test_bounds(text: str, expected: tuple[int | None, int | None]) -> None:
    assert bounds(made(text)) == expected


@pytest.mark.parametrize(
    ("text", "at", "expected"),
    [
        ("7", {}, 7), ("H*H*W + 2", {"H": 3, "W": 5}, 47), ("H // W", {"H": 17, "W": 5}, 3), ("H % W", {"H": 17, "W": 5}, 2),
        ("(H // W) * (H // W)", {"H": 17, "W": 5}, 9), ("(H % W) * (H % W) * 10", {"H": 18, "W": 5}, 90),
        ("max(H, W)", {"H": 2, "W": 5}, 5), ("min(H, W)", {"H": 2, "W": 5}, 2), ("max(H, 3) * max(H, 3)", {"H": 2}, 9),
        ("min(H, W) * min(H, W) - 1", {"H": 2, "W": 5}, 3), ("5 // (H - 1)", {"H": 1}, 0), ("5 % (H - 1) + 2", {"H": 1}, 2),
        ("5 // (H - 1)", {"H": 3}, 2), ("W * (5 % (H - 1))", {"H": 4, "W": 7}, 14), ("K // 4", {"K": 24}, 6), ("R", {"R": 44}, 44),
    ],
)  # fmt: skip
def test_value(text: str, at: dict[str, int], expected: int) -> None:
    assert value(made(text), at) == expected


@pytest.mark.parametrize(
    "text",
    [
        "H >= 1", "H > 0", "H + 1 > H", "2*H >= H + 1", "H*W >= W", "H*H >= H", "L <= 40", "L < 41", "L >= 7", "L > 6", "1 <= H", "8 > 7 - H",
        "H - L >= -39", "H // 2 <= H", "(H + 1) // 2 >= 1", "H % W >= 0", "H // W >= 0",
        "H >= 0.5", "H > 0.5", "L < 40.5", "L <= 40.0", "-H < -0.5", "-H <= -1.0", "H == H + 0", "(H + 1) // 2 + H // 2 == H",
        "H != W", "H != 1", "H != 'H'", "H != 1.5", "H != None", "(H + 1) // 2 + H // 2 - H == 0", "L != 41", "symbol('H') == H",
    ],
)  # fmt: skip
def test_holds_at_all_sizes(text: str) -> None:
    assert made(text) is True


@pytest.mark.parametrize(
    "text",
    [
        "H > 1", "H >= 2", "H <= 1", "H < W", "H >= W", "L < 40", "L <= 39", "L > 7", "L >= 8", "H - L >= -38", "H*W > W", "H > 1.0", "H > 0.99 + 1",
        "L < 39.5", "-H < -1.0", "-H <= -1.5", "H == 1", "H == W", "H == 'H'", "H == 1.0", "(H + 1) // 2 == H // 2", "2*H >= H + 2",
        "H // 2 >= 1", "symbol('H', 2) == H", "symbol('Q', 3, 3) == 4",
    ],
)  # fmt: skip
def test_does_not_hold_at_all_sizes(text: str) -> None:
    assert made(text) is False


@pytest.mark.parametrize(("one", "other"), [
    ("H + H", "2*H"), ("(H + 1) // 2 + H // 2", "H"), ("(H + 1) // 2 + H // 2 - H", "0"), ("H // 4", "H // 2 // 2"), ("max(H, W)", "max(W, H)"),
])  # fmt: skip
def test_equal_sizes_are_one_key(one: str, other: str) -> None:
    assert len({made(one): 1, made(other): 2}) == 1


def test_probes_are_sizes_that_there_are() -> None:
    for name, low, high in (("L", 7, 40), ("Q", 3, 3), ("S", 1, 2)):
        assert all(low <= number <= high for number in symbol(name, low, high).probes())
    for known in (symbol("K", divisor=12), symbol("R", 20, divisor=16, remainder=12)):
        assert {number % 4 for number in known.probes()} == {0}
        assert min(known.probes()) >= 12
    assert len(set(symbol("H").probes())) == 4  # different ones, some of them large
    assert max(symbol("H").probes()) > 1000


def test_a_symbol_begins_and_ends_where_it_can() -> None:
    def only(size: Dim) -> Symbol:
        (found,) = size.variables  # type: ignore[union-attr]
        return found

    assert only(symbol("H")) == ("H", 1, None, 1, 0)
    assert only(symbol("H", 20, None, 16, 12)) == ("H", 28, None, 16, 12)
    assert only(symbol("H", 28, 59, 16, 12)) == ("H", 28, 44, 16, 12)
    assert only(symbol("H", 5, 20, 4, 6)) == ("H", 6, 18, 4, 2)
    assert symbol("H", 28, 28, 16, 12).probes() == (28,) * 4
    for low, high in ((5, 4), (29, 43)):
        with pytest.raises(ValueError, match=r"^H has no values$"):
            symbol("H", low, high, 16 if low > 5 else 1, 12 if low > 5 else 0)
    assert str(bare(Symbol("H", 1, None, 12))) == "H"
    assert bare(Symbol("H", 1, None, 12)) != symbol("H", divisor=12)


def test_names() -> None:
    every = names()
    assert [every[name].name for name in "HKLR"] == ["H", "K", "L", "R"]
    for text in ("H + 1", "2*H", "H*W", "H*H", "K // 12", "max(H, 3)", "H // W", "R - 12"):
        assert made(text).name is None, text
    assert made("H // W + max(K, 3)*L").symbols == {"H", "W", "K", "L"}
    assert made("max(H, 3)").variables == {Symbol("H")}
    assert made("5 // H").symbols == {"H"}


def test_lengths_are_those_of_the_text() -> None:
    # terms, and atoms as often as they stand there; an operation counts 1, its left side and its right
    for text, length in (
        ("H", 2), ("H + 1", 3), ("H*H", 3), ("H*H*W + H + 1", 7), ("H // 2", 5), ("H // W", 6), ("max(H, 3)", 5),
        ("(H // 2)*(H // 2)", 9), ("3*(H // 2) + W", 7),
    ):  # fmt: skip
        assert made(text).length == length, text


def test_long_ones_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "TERMS", 6)
    size = made("H*H + W")
    assert size.length == 5
    with pytest.raises(TooManyTerms) as caught:
        size * 2 + symbol("L")
    said = "the size has too many terms: more than 6, or 200 in a quotient, when written out"
    assert str(caught.value) == said
    assert made("H // W").length == 6  # as many as there may be
    with pytest.raises(TooManyTerms):
        size * made("H + W + L")
    with pytest.raises(TooManyTerms):
        size * (symbol("H") + symbol("W") + symbol("L"))


def test_division_by_zero() -> None:
    for text in ("H // 0", "H % 0", "(H + W) // 0"):
        with pytest.raises(ZeroDivisionError, match=r"^a size divided by zero$"):
            made(text)


def test_what_is_compared_with_no_as_the_answer_is_noted() -> None:
    every = names()
    h, w = every["H"], every["W"]
    assert not listening()
    with doubts() as heard:
        assert listening()
        assert h > 0  # holds at all sizes
        assert h != w
        assert not h > 3
        assert not h <= 3
        assert h != 3
        with doubts() as inner:
            assert not h < w
        assert not unheard(lambda: h >= 9)
        doubt(">", w, 2)
        doubt("!=", w, 5)
    assert not listening()
    doubt(">", w, 2)
    assert not h > 4
    assert heard == [
        Doubt("!=", h, w), Doubt(">", 4, h), Doubt(">", h, 3), Doubt("!=", h, 3), Doubt(">", w, 2), Doubt("!=", w, 5),
    ]  # fmt: skip
    assert inner == [Doubt(">", h, w - 1)]
    assert unheard(lambda: "found") == "found"


def test_listening_ends_with_an_error() -> None:
    with pytest.raises(KeyError), doubts():
        raise KeyError
    assert not listening()
    with doubts():
        with pytest.raises(ZeroDivisionError):
            unheard(lambda: symbol("H") // 0)
        assert listening()


def test_operands() -> None:
    every = names()
    h, w, k = every["H"], every["W"], every["K"]
    assert operands("max", [maximum(h, maximum(w, 3)), 5]) == [h, w, 3, 5]
    assert operands("min", [maximum(h, 3), 5]) == [maximum(h, 3), 5]
    assert operands("max", [2 * maximum(h, 3)]) == [2 * maximum(h, 3)]
    assert operands("max", [maximum(h, 3) + 1]) == [maximum(h, 3) + 1]
    assert operands("max", [maximum(h, 3) * maximum(h, 3), h * maximum(h, 3)]) == [
        maximum(h, 3) * maximum(h, 3),
        h * maximum(h, 3),
    ]
    assert operands("//", [h]) == [h]
    assert [str(combined(kind, k + 1, 5)) for kind in ("//", "%", "max", "min")] == [
        str((k + 1) // 5), str((k + 1) % 5), "K + 1", "5",
    ]  # fmt: skip


def test_operations() -> None:
    h, w = symbol("H"), symbol("W")
    one = Op("//", h, 2)
    assert (one.kind, one.left, one.right, one.length) == ("//", h, 2, 4)
    assert Op("//", h, w + 1).length == 1 + 2 + 3
    assert one == Op("//", symbol("H"), 2)
    assert hash(one) == hash(Op("//", symbol("H"), 2))
    for other in (Op("%", h, 2), Op("//", w, 2), Op("//", h, 3), Op("//", h, w), "H // 2", None):
        assert one != other
    assert str(one) == repr(one) == "H // 2"
    assert repr(h + 1) == "H + 1"


def test_format() -> None:
    h = symbol("H")
    assert f"{h:,}|{1000 * h:>8,}|{h:<3}|{h}" == "H|  1000*H|H  |H"


def test_reading() -> None:
    k = symbol("K", divisor=12)
    assert parse_dim("K // 4 + 1", {"K": k}) == 3 * (k // 12) + 1
    assert str(parse_dim("K // 4 + 1")) == "K // 4 + 1"
    assert parse_dim("7") == 7


def test_many_operations_are_kept_and_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dims, "_known", {})
    monkeypatch.setattr(dims, "_MOST_KNOWN", 3)
    h = symbol("H")
    for number in range(2, 9):
        assert h // number == h // number
        assert len(dims._known) <= 3
    assert str(h // 2 + h // 8) == "H // 2 + H // 8"
