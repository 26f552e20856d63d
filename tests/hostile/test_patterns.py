"""Regular expressions: each of the package takes time in proportion to its text, whatever that is."""

from __future__ import annotations

import ast
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from time import process_time
from typing import Any

import pytest

import netspec
from netspec.syntax.parser import _parser

PACKAGE = Path(netspec.__file__).parent
FUNCTIONS = {"compile", "match", "fullmatch", "search", "sub", "split", "findall", "finditer"}
LENGTH = 20_000
SECONDS = 1.0  # for one text; linear ones take a hundredth


def of_the_code() -> Iterator[tuple[str, str, int]]:
    """Where a regular expression is written, its text, and its flags. Names in it stand for `n`."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
                continue
            if node.func.attr in FUNCTIONS and isinstance(node.func.value, ast.Name) and node.func.value.id == "re":
                text = written(node.args[0])
                if text is not None:
                    flags = re.MULTILINE if "MULTILINE" in ast.dump(node) else 0
                    yield f"{path.relative_to(PACKAGE)}:{node.lineno}", text, flags


def written(node: ast.expr) -> str | None:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "n" for part in node.values)  # type: ignore[misc]
    return None  # a variable: what a user gives, see test_weights.py


def of_the_grammar() -> Iterator[tuple[str, str, int]]:
    for terminal in _parser().lark.terminals:
        yield f"grammar:{terminal.name}", terminal.pattern.to_regexp(), 0


PATTERNS = [*of_the_code(), *of_the_grammar()]


def texts(pattern: str) -> Iterator[str]:
    """Long texts of what a pattern is about: each of its characters, and each two, over and over, with an end that
    fits nothing."""
    said = {c for c in re.sub(r"\\.|\(\?[:=!<P]*", "", pattern) if c.isprintable()}
    kinds = sorted(said | set('a0 _.\t\n#"|-x(:'))
    for one in kinds:
        yield one * LENGTH + "\0"
    for one in kinds:
        for other in kinds[:: max(1, len(kinds) // 12)]:
            yield (one + other) * (LENGTH // 2) + "\0"


class TooLong(Exception):
    pass


def end(number: int, frame: Any) -> None:
    raise TooLong


def slowest(pattern: re.Pattern[str]) -> float:
    """Seconds that the slowest text takes to be gone through. Raises TooLong where it is more than allowed."""
    most = 0.0
    before = signal.signal(signal.SIGVTALRM, end)
    try:
        for text in texts(pattern.pattern):
            signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
            start = process_time()
            pattern.match(text)
            pattern.fullmatch(text)
            most = max(most, process_time() - start)
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    return most


def test_there_are_as_many_as_are_thought() -> None:
    assert len(PATTERNS) > 60


@pytest.mark.parametrize(("place", "pattern", "flags"), PATTERNS, ids=[place for place, _, _ in PATTERNS])
def test_a_regular_expression_takes_bounded_time(place: str, pattern: str, flags: int) -> None:
    assert slowest(re.compile(pattern, flags)) < SECONDS


@pytest.mark.parametrize("pattern", ["(a+)+b", "(?:a|a)*b", "(_*_*)*x", r"(\w*\s?)*:$"])
def test_one_that_goes_back_too_often_is_noticed(pattern: str) -> None:
    with pytest.raises(TooLong):
        slowest(re.compile(pattern))
