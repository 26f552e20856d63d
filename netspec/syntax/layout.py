"""Between lexer and parser: which line ends count, which brackets belong to the name before them, and which `where`
is a word of the language."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import ClassVar

from lark import Token

from netspec import limits
from netspec.diagnostics import Problem
from netspec.problems.syntax import NestedTooDeep, NumberTouchesName, SyntaxProblem

_OPEN = frozenset({"LPAR", "LSQB", "LBRACE"})
_CLOSE = frozenset({"RPAR", "RSQB", "RBRACE"})
CONTINUES = frozenset(
    {"LBRACE", "ARROW", "PIPE", "COMMA", "COLON", "OR", "AND", "NOT", "PLUS", "MINUS", "TIMES", "POWER"}
    | {"COMPARE", "WITH", "FROM", "ELSE", "IN", "AS", "WHERE"}
)
ODD = "ODD"  # a token that fits nowhere, whose mistake has been told
_NUMBERS = frozenset({"INT", "FLOAT", "WINDOW"})
_WORDS = frozenset({"NAME", "STRING"})
_CALLABLE = frozenset({"NAME"})
_INDEXABLE = frozenset({"NAME", "RSQB", "RPAR"})


class Layout:
    """Lark's postlex: drops line ends inside ( ) and [ ] and after a token that cannot end a statement."""

    always_accept: ClassVar[tuple[str, ...]] = ()
    raw = False  # whether tokens pass as the lexer made them

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        return stream if self.raw else self._lay_out(stream)

    def refuse(self, problem: Problem, start: int, end: int) -> None:
        """Tell a mistake between two offsets. Raises SyntaxProblem."""
        raise SyntaxProblem(problem, start, end)

    def _lay_out(self, stream: Iterator[Token]) -> Iterator[Token]:
        brackets: list[str] = []  # the open ones
        last = "LBRACE"
        last_end = -1
        last_text = ""
        for token in _conditions(stream):
            kind = token.type
            if kind == "_NL":
                if last in CONTINUES or (brackets and brackets[-1] != "LBRACE"):
                    continue
            elif kind in _OPEN:
                if len(brackets) >= limits.NESTING:
                    self.refuse(NestedTooDeep(limit=limits.NESTING), token.start_pos or 0, token.end_pos or 0)
                brackets.append(kind)
                if last_end == token.start_pos:
                    if kind == "LPAR" and last in _CALLABLE:
                        token.type = "CALL"
                    elif kind == "LSQB" and last in _INDEXABLE:
                        token.type = "INDEX"
            elif kind in _CLOSE and brackets:
                brackets.pop()
            elif kind in _WORDS and last in _NUMBERS and last_end == token.start_pos:
                self._refuse_touching(token, last_text)
            last, last_end, last_text = kind, token.end_pos or 0, token.value
            yield token

    def _refuse_touching(self, token: Token, number: str) -> None:
        problem = NumberTouchesName(
            text=f"{number}{token}", remedy=f"with a blank between they are two: `{number} {token}`"
        )
        self.refuse(problem, token.start_pos - len(number), token.end_pos)  # type: ignore[operator, arg-type]
        token.type = ODD


def _conditions(stream: Iterator[Token]) -> Iterator[Token]:
    """The tokens, in which a `where` after an input's shape is no name. It may begin the next line, unless it is a
    label there."""
    for token in stream:
        yield token
        while token.type == "INPUT":
            yield from _up_to_shape(stream)
            read = list(islice(stream, 1))
            if read and read[0].type == "_NL":
                read += islice(stream, 1)
            if not read:
                return
            word = read[-1]
            if word.type == "NAME" and word.value == "where":
                read += islice(stream, 1)
                if read[0] is word or read[-1].type != "COLON":
                    word.type = "WHERE"
                    read = read[read.index(word) :]
            yield from read
            token = read[-1]  # which may be the next input


def _up_to_shape(stream: Iterator[Token]) -> Iterator[Token]:
    """The tokens of an input up to the bracket that closes its shape, or to where its line ends."""
    depth, last = 0, ""
    for token in stream:
        yield token
        depth += (token.type in _OPEN) - (token.type in _CLOSE)
        if depth <= 0 and (token.type in _CLOSE or (token.type == "_NL" and last not in CONTINUES)):
            break
        last = token.type
