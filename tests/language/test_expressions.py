"""What expressions stand for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading import value

VALUES: list[tuple[str, Any]] = [
    # numbers
    ("1_000", 1000),
    ("600e6", 600e6),
    ("6.5e-1", 0.65),
    ("1_000.5", 1000.5),
    ("007", 7),
    ("3x5", (3, 5)),
    ("3x5x7", (3, 5, 7)),
    ('"a text # no comment"', "a text # no comment"),
    ('"layer{1 + 1}.{3}"', "layer2.3"),
    ("true", True),
    ("false", False),
    # lists
    ("()", ()),
    ("(1,)", (1,)),
    ("(1)", 1),
    ("(1, 2,)", (1, 2)),
    ("[1, [2, 3]]", (1, (2, 3))),
    ("[]", ()),
    ("(8, 16, 32)[1]", 16),
    ("(8, 16, 32)[-1]", 32),
    ("(8, 16, 32)[1:]", (16, 32)),
    ("(8, 16, 32)[:1]", (8,)),
    ("(8, 16, 32)[:]", (8, 16, 32)),
    ("((1, 2), (3, 4))[1][0]", 3),
    # arithmetic and precedence, as in Python
    ("1 + 2 * 3", 7),
    ("(1 + 2) * 3", 9),
    ("10 - 3 - 2", 5),
    ("2 * 7 // 4", 3),
    ("7 // 2 * 2", 6),
    ("7 % 4 + 1", 4),
    ("7 / 2", 3.5),
    ("-7 // 2", -4),
    ("-7 % 3", 2),
    ("2 ** 3 ** 2", 512),
    ("-2 ** 2", -4),
    ("2 ** -1", 0.5),
    ("-(3)", -3),
    ("1 - -1", 2),
    ("2 + 3 == 5", True),
    ("1 < 2 < 3", True),
    ("1 < 3 < 2", False),
    ("1 == 1.0", True),
    ("(1, 2) == [1, 2]", True),
    ("2 in (1, 2)", True),
    ("3 in (1, 2)", False),
    ('"a" == "a"', True),
    ("not 1 == 2", True),
    ("not true or true", True),
    ("not (true or true)", False),
    ("true or 1 // 0 == 1", True),
    ("false and 1 // 0 == 1", False),
    ("true or false and false", True),
    ("1 if 2 > 1 else 0", 1),
    ("1 if 2 < 1 else 2 if 3 < 2 else 3", 3),
    ("1 + 1 if false else 5", 5),
    ("(1 if true else 0) + 1", 2),
    # functions
    ("min(3, 1, 2)", 1),
    ("max((3, 1, 2))", 3),
    ("min(2, 1.5)", 1.5),
    ("sum((1, 2, 3))", 6),
    ("sum(())", 0),
    ("len((1, 2))", 2),
    ("range(3)", (0, 1, 2)),
    ("range(1, 4)", (1, 2, 3)),
    ("range(6, 0, -2)", (6, 4, 2)),
    ("range(2, 2)", ()),
    ("zip((1, 2), (3, 4))", ((1, 3), (2, 4))),
    ("enumerate((8, 9))", ((0, 8), (1, 9))),
    ("int(3.9)", 3),
    ("int(-3.9)", -3),
    ("ceil(3.1)", 4),
    ("round(3.5)", 4),
    ("round(2.5)", 2),
    ("abs(-3)", 3),
    ("max(range(1, 5))", 4),
    ("sum(range(5)) // len(range(5))", 2),
]


@pytest.mark.parametrize(("expression", "expected"), VALUES)
def test_value(expression: str, expected: Any) -> None:
    found = value(expression)
    assert found == expected
    assert type(found) is type(expected)


@st.composite
def _arithmetic(draw: st.DrawFn, depth: int = 3) -> str:
    if depth == 0:
        return str(draw(st.integers(0, 20)))
    left, right = draw(_arithmetic(depth - 1)), draw(_arithmetic(depth - 1))
    operator = draw(st.sampled_from(["+", "-", "*", "//", "%"]))
    text = f"{left} {operator} {right}"
    shape = draw(st.sampled_from(["{}", "({})", "-({})", "({} if {} < 3 else 2)"]))
    return shape.format(text, left)


@given(_arithmetic())
def test_arithmetic_is_that_of_python(expression: str) -> None:
    try:
        expected = eval(expression)
    except ZeroDivisionError:
        return
    assert value(expression) == expected


@given(
    a=st.integers(-3, 3), b=st.integers(-3, 3), c=st.integers(-3, 3),
    first=st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
    second=st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
    joined=st.sampled_from(["and", "or"]), negated=st.booleans(),
)  # fmt: skip
def test_logic_is_that_of_python(a: int, b: int, c: int, first: str, second: str, joined: str, negated: bool) -> None:
    expression = f"{'not ' if negated else ''}{a} {first} {b} {second} {c} {joined} {b} {first} {c}"
    assert value(expression) is eval(expression)
