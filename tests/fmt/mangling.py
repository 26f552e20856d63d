"""Texts that mean the same in a layout that nobody would choose, and what a layout must not change."""

from __future__ import annotations

import random
from typing import Any

from netspec.source import SourceFile
from netspec.syntax import ast
from netspec.syntax.layout import CONTINUES
from netspec.syntax.parser import parse_file
from netspec.syntax.printer import _Leaf, _leaves, _nested

_WORDS = frozenset('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"')
_BEFORE = frozenset({"ARROW", "PIPE", "RBRACE", "RPAR", "RSQB", "ELSE", "AND", "OR"})


def tree(text: str) -> ast.File:
    """The AST of a text without mistakes."""
    file, mistakes = parse_file(SourceFile("text", text))
    assert file is not None
    assert not mistakes, mistakes
    return file


def same(one: Any, other: Any) -> bool:
    """Whether two trees are equal but for their places."""
    pairs = [(one, other)]
    while pairs:
        a, b = pairs.pop()
        if type(a) is not type(b):
            return False
        if isinstance(a, ast.Node):
            pairs += [(getattr(a, f), getattr(b, f)) for f in type(a).fields if not f.endswith("span")]
        elif isinstance(a, tuple):
            if len(a) != len(b):
                return False
            pairs += zip(a, b, strict=True)
        elif a != b:
            return False
    return True


def comments(text: str) -> list[str]:
    """The comments of a text in order, found without the lexer, without what may change in them."""
    found = []
    for line in text.replace("\r\n", "\n").split("\n"):
        quoted = False
        for at, character in enumerate(line):
            quoted ^= character == '"'
            if character == "#" and not quoted:
                found.append(line[at + 1 :].strip())
                break
    return found


def mangled(text: str, seed: int) -> str:
    """A text that means the same, laid out at random, with comments where a line may end."""
    rng = random.Random(seed)
    breaks, notes, blanks = rng.choice((0, 0.03, 0.2)), rng.choice((0, 0, 0.3)), rng.choice((0, 0.2))
    leaves = _leaves(text)
    _nested(leaves)  # sets the gaps
    out: list[str] = []
    last = _Leaf("LBRACE", "")
    open_brackets: list[str] = []
    for number, leaf in enumerate(leaves):
        within = bool(open_brackets) and open_brackets[-1] != "LBRACE"
        attached = leaf.kind in ("CALL", "INDEX")
        may = within or leaf.kind in _BEFORE or last.kind in CONTINUES
        if leaf.starts or not leaf.kind:
            out.append(_line_ends(rng, notes, number, rng.choice((1, 1, 1, 2, 3))))
        elif not attached and may and (rng.random() < breaks):
            out.append(_line_ends(rng, notes, number, rng.choice((1, 1, 2))))
        elif not attached:
            tight = not leaf.gap or (not _touches(last, leaf) and rng.random() < 0.5)
            out.append(" " * (rng.choice((0, 0, 0, 2, 5)) if rng.random() < blanks else 0) if tight else " ")
            if leaf.text == "." or last.text == "." or leaf.text in ("(", "[") or (not leaf.gap and not tight):
                out[-1] = " " if leaf.gap else ""
        out.append(leaf.text)
        if leaf.kind in ("LPAR", "CALL", "LSQB", "INDEX", "LBRACE"):
            open_brackets.append(leaf.kind)
        elif leaf.kind in ("RPAR", "RSQB", "RBRACE"):
            open_brackets.pop()
        last = leaf
    return "".join(out)


def _touches(last: _Leaf, leaf: _Leaf) -> bool:
    """Whether two tokens would be one without a blank between them."""
    return not last.text or not leaf.text or (last.text[-1] in _WORDS and leaf.text[0] in _WORDS)


def _line_ends(rng: random.Random, notes: float, number: int, count: int) -> str:
    lines = []
    for index in range(count):
        note = f"{rng.choice(('#', '# ', '#  '))}note {number}.{index}" if rng.random() < notes else ""
        lines.append(" " * rng.randrange(6) + note)
    return "\n".join(lines) + "\n" + " " * rng.randrange(9)
