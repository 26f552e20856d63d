"""Brackets that do not match: which one is missing or too many, told by the indentation of lines.

Only a text whose brackets do not match comes here. A body is indented deeper than the line that opens it, so a line
that is not ends it, and a `}` stands as deep as the line that it closes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile
from typing import NamedTuple

from lark import Token

from netspec.diagnostics import Diagnostic, Label
from netspec.problems.syntax import BraceMissing, NotClosed, NothingToClose, WrongBracket
from netspec.source import SourceFile, Span

CLOSED_BY = {"LBRACE": "RBRACE", "LSQB": "RSQB", "INDEX": "RSQB", "LPAR": "RPAR", "CALL": "RPAR"}
OPENED_BY = {"RBRACE": "LBRACE", "RSQB": "LSQB", "RPAR": "LPAR"}
_TEXT = {"LBRACE": "{", "RBRACE": "}", "LSQB": "[", "RSQB": "]", "LPAR": "(", "RPAR": ")"}
_HEADS = {"BLOCK": "a block", "NET": "a net", "REPEAT": "a repeat", "FOR": "a loop", "IF": "a choice"}
_ITEMS = ("USE", "BLOCK", "NET")
_BAR = re.compile(r"(?:\s|#[^\n]*+)*+\|")  # in one way only: a comment may be a row of `#`
_STARTS = {"NAME", "RBRACE", "INPUT", "LET", "ASSERT", "RETURN", "REPEAT", "FOR", "IF", "FROM", "REUSE", *_ITEMS}


class _Open(NamedTuple):
    token: Token
    line: int
    indent: int  # of its line


def match(tokens: list[Token], source: SourceFile, most: int) -> tuple[list[Token], list[Diagnostic]]:
    """The tokens with matching brackets, and what was wrong with them. Each item of the file is matched by itself.

    most: the number of mistakes after which the tokens are left as they are.
    """
    out: list[Token] = []
    mistakes: list[Diagnostic] = []
    for item in _items(_joined(tokens, source, mistakes), source):
        surplus = _surplus(item)
        if surplus is None or len(mistakes) >= most:
            out += item
        else:
            matcher = _Matcher(item, source, surplus, most)
            out += matcher.out
            mistakes += matcher.mistakes
    return out, mistakes


def _joined(tokens: list[Token], source: SourceFile, mistakes: list[Diagnostic]) -> list[Token]:
    """The tokens without a line end between a head or merge and its brace."""
    out: list[Token] = []
    head: Token | None = None
    inside = 0  # of parentheses, where `if` is an expression
    for index, token in enumerate(tokens):
        kind = token.type
        inside = max(0, inside + (kind in ("LPAR", "CALL")) - (kind == "RPAR"))
        if kind == "_NL":
            paths = tokens[index + 1].type == "LBRACE" and tokens[index + 2].type == "PIPE"
            if out and tokens[index + 1].type == "LBRACE" and (head is not None or paths):
                at = out[-1].end_pos or 0
                what = _HEADS[head.type] if head is not None else "a merge"
                problem = BraceMissing(what=what, remedy="move the `{` of the next line to the end of this one")
                mistakes.append(problem.at(Span(at, at, source)))
                continue
            head = None
        elif kind in _HEADS and not inside:
            head = token
        elif kind == "LBRACE":
            head = None
        out.append(token)
    return out


def _items(tokens: list[Token], source: SourceFile) -> Iterator[list[Token]]:
    """The parts of a file that begin with `use`, `block` or `net` at the start of a line."""
    begin = 0
    for index, token in enumerate(tokens):
        start = token.start_pos or 0
        if token.type in _ITEMS and index > begin and source.text[start - 1] == "\n":
            yield tokens[begin:index]
            begin = index
    yield tokens[begin:]


def _surplus(tokens: list[Token]) -> int | None:
    """How many more braces are closed than opened; None where all brackets match."""
    stack: list[str] = []
    matching = True
    surplus = 0
    for token in tokens:
        kind = token.type
        surplus += (kind == "RBRACE") - (kind == "LBRACE")
        if kind in CLOSED_BY:
            stack.append(kind)
        elif kind in OPENED_BY and (not stack or stack.pop() != OPENED_BY[kind]):
            matching = False
    return None if matching and not stack else surplus


class _Matcher:
    def __init__(self, tokens: list[Token], source: SourceFile, surplus: int, most: int) -> None:
        self.source = source
        self.surplus = surplus  # closing braces that are too many, or opening ones that are missing
        self.out: list[Token] = []
        self.mistakes: list[Diagnostic] = []
        self.stack: list[_Open] = []
        self.head: Token | None = None  # the word that begins a body, on this line, until its `{`
        self.head_indent = 0  # of the line where it stands
        self.following = tokens[0]  # the token after this one
        line = indent = 0
        for index, token in enumerate(tokens):
            if len(self.mistakes) >= most:
                self.out += tokens[index:]
                return
            if token.type in ("_NL", "$END"):
                if token.type == "_NL" and self.surplus > 0:
                    self._missing_brace(tokens, index)
                self.out.append(token)
                continue
            now, column = source.position(token.start_pos or 0)
            first = now != line
            if first:
                line, indent = now, self._indent(tokens, index, column)
                self._end_bodies(token, line, indent)
                if token.type != "PIPE" and not (self.stack and self.stack[-1].token.type != "LBRACE"):
                    self.head = None  # what stands in brackets goes on
            if token.type in _HEADS and self._begins(first):
                self.head, self.head_indent = token, indent
            self.following = tokens[min(index + 1, len(tokens) - 1)]
            self._add(token, line, indent)
        while self.stack:
            self._not_closed(self.stack.pop())

    # -- lines --------------------------------------------------------------------------------------

    def _indent(self, tokens: list[Token], index: int, column: int) -> int:
        """The indentation of a line; that of a path is where its layers begin."""
        if tokens[index].type == "PIPE" and index + 1 < len(tokens):
            return self.source.position(tokens[index + 1].start_pos or 0)[1]
        return column

    def _begins(self, first: bool) -> bool:
        """Whether the next token begins a unit: on its line, or after a label or a bar."""
        return first or (bool(self.out) and self.out[-1].type in ("COLON", "PIPE", "ARROW", "LBRACE"))

    def _end_bodies(self, token: Token, line: int, indent: int) -> None:
        """Close what was opened on earlier lines and cannot go on at this line."""
        while self.stack and self.stack[-1].line < line:
            top = self.stack[-1]
            kind = token.type
            if kind in OPENED_BY and CLOSED_BY[top.token.type] == kind:
                ended = indent < top.indent and self.surplus < 0
            elif top.token.type == "LBRACE":
                ended = indent <= top.indent and self.surplus < 0
            else:
                ended = indent <= top.indent and kind in _STARTS
            if not ended:
                return
            self._not_closed(self.stack.pop())

    # -- brackets -----------------------------------------------------------------------------------

    def _add(self, token: Token, line: int, indent: int) -> None:
        kind = token.type
        if kind == "PIPE" and self.surplus > 0:
            self._missing_brace_of_paths(token, line, indent)
        if kind == "LBRACE" and self.surplus < 0 and self.out and self.out[-1].type == "LBRACE":
            before = self.stack[-1]
            if before.line == line and before.token is self.out[-1]:
                self.surplus += 1
                problem = NotClosed(
                    bracket="{", closing="}", remedy="one `{` is enough, or it is a group: then close it too"
                )
                self.mistakes.append(problem.at(Span(token.start_pos or 0, token.end_pos or 0, self.source)))
                return
        if kind in CLOSED_BY:
            if kind == "LBRACE" and self.head is not None:
                indent, self.head = min(indent, self.head_indent), None
            self.stack.append(_Open(token, line, indent))
        elif kind in OPENED_BY and not self._close(token, line, indent):
            return
        self.out.append(token)

    def _close(self, token: Token, line: int, indent: int) -> bool:
        """Whether a closing bracket stands for something that is open."""
        wanted = OPENED_BY[token.type]
        top = self.stack[-1] if self.stack else None
        if top is not None and top.token.type == wanted:
            if token.type == "RBRACE" and self.surplus > 0 and top.line < line and top.indent < indent:
                self._too_many(token)
                return False
            self.stack.pop()
            return True
        if any(opened.token.type == wanted for opened in self.stack) and token.type == "RBRACE":
            while self.stack[-1].token.type != wanted:
                self._not_closed(self.stack.pop())
            self.stack.pop()
            return True
        if top is not None and "RBRACE" not in (token.type, CLOSED_BY[top.token.type]):
            if len(self.stack) > 1 and self.stack[-2].token.type == wanted:
                self._not_closed(self.stack.pop())
                self.stack.pop()
                return True
            if self.following.type != CLOSED_BY[top.token.type]:
                self.stack.pop()
                self._wrong(token, top.token)
                return True
        self._too_many(token)
        return False

    def _wrong(self, token: Token, opened: Token) -> None:
        """Take a closing bracket for that of another kind."""
        kind = CLOSED_BY[opened.type]
        problem = WrongBracket(bracket=_TEXT[opened.type], given=_TEXT[token.type], closing=_TEXT[kind])
        place = Span(opened.start_pos or 0, opened.end_pos or 0, self.source)
        here = Span(token.start_pos or 0, token.end_pos or 0, self.source)
        self.mistakes.append(problem.at(here, Label(place, "opened here")))
        token.type = kind

    def _too_many(self, token: Token) -> None:
        if token.type == "RBRACE":
            self.surplus -= 1
        text, opening = _TEXT[token.type], _TEXT[OPENED_BY[token.type]]
        problem = NothingToClose(bracket=text, opening=opening)
        self.mistakes.append(problem.at(Span(token.start_pos or 0, token.end_pos or 0, self.source)))

    def _not_closed(self, opened: _Open) -> None:
        """Close a bracket before the line end that comes before here."""
        token = opened.token
        kind = CLOSED_BY[token.type]
        if kind == "RBRACE":
            self.surplus += 1
        ends = []
        while self.out and self.out[-1].type in ("_NL", "$END"):
            ends.append(self.out.pop())
        at = self.out[-1].end_pos or 0
        closing = _TEXT[kind]
        if kind == "RBRACE":
            remedy = "the lines after it are not indented deeper than the line that opens the body"
            more = any(token.type != "$END" for token in ends)
            remedy = (
                f"write `{closing}` where the body ends: {remedy}" if more else f"write `{closing}` where the body ends"
            )
        else:
            remedy = f"write `{closing}` after its last value"
        problem = NotClosed(bracket=_TEXT[token.type], closing=closing, remedy=remedy)
        place = Span(token.start_pos or 0, token.end_pos or 0, self.source)
        if kind == "RBRACE":
            self.mistakes.append(problem.at(self._after(at), Label(place, "opened here")))
        else:
            self.mistakes.append(problem.at(place))
        self.out.append(Token(kind, _TEXT[kind], start_pos=at, end_pos=at))
        self.out += reversed(ends)

    def _after(self, at: int) -> Span:
        """Where a `}` is missing after an offset: on the next line if that is empty, else at the end of this one."""
        text = self.source.text
        line_end = text.find("\n", at)
        if line_end >= 0:
            next_end = text.find("\n", line_end + 1)
            following = text[line_end + 1 : len(text) if next_end < 0 else next_end]
            if not following.strip() and next_end >= 0:
                return Span(line_end + 1 + len(following), line_end + 1 + len(following), self.source)
        return Span(at, at, self.source)

    # -- opening braces that are missing ------------------------------------------------------------

    def _missing_brace(self, tokens: list[Token], index: int) -> None:
        """Open a body whose head stands on the line that ends here, if the next line is deeper."""
        last = self.out[-1] if self.out else None
        if last is None or index + 1 >= len(tokens) or (self.stack and self.stack[-1].token.type != "LBRACE"):
            return
        following = tokens[index + 1]
        line, _ = self.source.position(last.end_pos or 0)
        indent = _first_column(self.source.line(line))
        if self.head is not None:
            indent = min(indent, self.head_indent)
        if self.source.position(following.start_pos or 0)[1] <= indent:
            return
        if self.head is not None and not (self.head.type == "NET" and self._is_instance()):
            self._open(last, _HEADS[self.head.type], line, indent)
        elif last.type == "COLON":
            self._open(last, "a group", line, indent)

    def _is_instance(self) -> bool:
        """Whether the line is `net A = B`."""
        line = [token.type for token in reversed(list(takewhile(lambda t: t is not self.head, reversed(self.out))))]
        return line[1:2] == ["EQUAL"]

    def _missing_brace_of_paths(self, token: Token, line: int, indent: int) -> None:
        """Open the paths of a merge at its first `|`."""
        last = self.out[-1] if self.out else None
        if last is None or last.type in ("LBRACE", "_NL"):
            return
        if self.stack and self.stack[-1].token.type == "LBRACE" and self._has_paths(self.stack[-1].token):
            return
        number, _ = self.source.position(last.end_pos or 0)
        self._open(last, "a merge", number, _first_column(self.source.line(number)))

    def _has_paths(self, opened: Token) -> bool:
        return _BAR.match(self.source.text, opened.end_pos or 0) is not None

    def _open(self, last: Token, what: str, line: int, indent: int) -> None:
        at = last.end_pos or 0
        self.surplus -= 1
        problem = BraceMissing(what=what, remedy="write `{` at the end of this line")
        self.mistakes.append(problem.at(Span(at, at, self.source)))
        brace = Token("LBRACE", "{", start_pos=at, end_pos=at)
        self.stack.append(_Open(brace, line, indent))
        self.out.append(brace)
        self.head = None


def _first_column(line: str) -> int:
    return len(line) - len(line.lstrip()) + 1
