"""A text with a mistake is parsed as far as it goes: the mistake is told once, and the rest is kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from netspec import limits
from netspec.source import SourceFile
from netspec.syntax import ast
from netspec.syntax.parser import parse_expression, parse_file, tokens

SPECS = sorted((Path(__file__).parents[2] / "specs").glob("*.net"))


def parsed(text: str) -> tuple[ast.File, list[str]]:
    file, mistakes = parse_file(SourceFile("spec", text))
    assert file is not None
    return file, [f"{m.span.line}: {m.title}" for m in mistakes if m.span]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.stem)
def test_a_token_too_few_or_too_many_is_told_once(spec: Path) -> None:
    text = spec.read_text(encoding="utf-8")
    whole, _ = parsed(text)
    told = []
    for token in tokens(text)[::7]:
        start, end = token.start_pos or 0, token.end_pos or 0
        if not text[start:end].strip():
            continue
        for mutated in (text[:start] + text[end:], f"{text[:end]} {text[start:]}"):
            file, mistakes = parsed(mutated)
            assert len(file.items) >= len(whole.items) - 1
            told.append(len(mistakes))
    assert max(told) <= 2
    assert told.count(2) <= len(told) / 50


def steps(text: str) -> list[str]:
    """The units of the statements of a net's body, by class."""
    body = text.replace("\n", "\n  ")
    file, mistakes = parsed(f"net A {{\n  input x: [3, 8, 8]\n  {body}\n}}")
    assert mistakes
    net = file.items[0]
    assert isinstance(net, ast.Net)
    units = []
    for statement in net.body.statements[1:]:
        found = [type(s.unit) for s in statement.steps] if isinstance(statement, ast.Chain) else [type(statement)]
        units.append("-".join(unit.__name__ for unit in found))
    return units


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("conv 4 k:3 -> relu\nrelu", ["Broken-Call", "Call"]),
        ("relu -> conv 4, 5 -> relu", ["Call-Broken-Call"]),
        ("repeat x y { relu }\nrelu", ["Broken", "Call"]),
        ("let a = = 5\nrelu", ["Broken", "Call"]),
        ("add { | conv 4, k=3 | relu }", ["Call"]),
        ("relu }", ["Call"]),
        ("{ relu\nrelu", ["Group", "Call"]),
        ("conv 4 k=(3\nrelu", ["Call", "Call"]),
        ("conv \uff14 k=3", ["Call"]),
        ("@ -> relu", ["Broken-Call"]),
        ("relu; relu", ["Call", "Call"]),
    ],
)
def test_the_rest_is_kept(text: str, kept: list[str]) -> None:
    assert steps(text) == kept


def test_an_expression_with_a_mistake_is_none() -> None:
    value, mistakes = parse_expression(SourceFile("--set x", "(1, 2"))
    assert value is None
    assert [m.title for m in mistakes] == ["`(` is not closed"]


def test_so_many_mistakes_are_told() -> None:
    text = "net A {\n" + "  conv 4, k=3\n" * 200 + "}\n"
    file, mistakes = parse_file(SourceFile("spec", text))
    assert file is None
    assert len(mistakes) == limits.SYNTAX_MISTAKES
