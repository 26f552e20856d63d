"""Parsing a text with mistakes: each is told, the least that holds it is given up, and the rest is parsed.

Panic mode: at a token that the grammar does not take, the parser's stack goes back to where a step, statement or
item could begin, a BROKEN token takes its place, and the tokens up to its end are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lark import Token, UnexpectedToken

from netspec import limits
from netspec.diagnostics import Diagnostic, Problem
from netspec.problems.syntax import BraceMissing, NestedTooDeep, NotClosed, NothingToClose, SyntaxProblem, WrongBracket
from netspec.source import SourceFile, Span
from netspec.syntax import ast, brackets
from netspec.syntax.build import Lost
from netspec.syntax.layout import CONTINUES, ODD, Layout
from netspec.syntax.lexing import Lexing
from netspec.syntax.mistakes import explain
from netspec.syntax.words import STATEMENTS

if TYPE_CHECKING:
    from netspec.syntax.parser import Parser

_BRACKETS = (NotClosed.code, NothingToClose.code, BraceMissing.code, WrongBracket.code)
_SKIPPED = 1 << 30  # the height of the stack before a token that was left out: never gone back to
_DANGLING = CONTINUES - {"LBRACE", "COMMA"}
_NO_LINE_BEFORE = (*brackets.OPENED_BY, "PIPE", "ARROW", "$END")  # as the lexer has it
_DEFINES = ("LET", "INPUT", "PARAM", "CONSTANT", "BLOCK", "NET")
_ITEMS = ("USE", "LET", "BLOCK", "NET")


class Recovery:
    """One text with mistakes."""

    def __init__(self, parser: Parser, source: SourceFile) -> None:
        self.parser = parser
        self.source = source
        self.mistakes: list[Diagnostic] = []
        self.tokens: list[Token] = []

    def parse(self, start: str) -> tuple[ast.File | None, list[Diagnostic]]:
        """The AST, or None where nothing can be made of the text, and the mistakes in the order of the file."""
        lexing = Lexing(self.parser, self.source, limits.SYNTAX_MISTAKES)
        self.mistakes += lexing.mistakes
        result = None
        deep = _too_deep(lexing.tokens)
        if deep is not None:
            self.tell(NestedTooDeep(limit=limits.NESTING), deep.start_pos or 0, deep.end_pos or 0)
        elif len(self.mistakes) < limits.SYNTAX_MISTAKES:
            tokens, mistakes = brackets.match(lexing.tokens, self.source, limits.SYNTAX_MISTAKES)
            self.mistakes += mistakes
            self.tokens = list(_Tolerant(self).process(iter(tokens)))
            result = self._parse(start)
        return result, sorted(self.mistakes, key=_place)

    def tell(self, problem: Problem, start: int, end: int) -> None:
        """Collect a mistake between two offsets."""
        self.mistakes.append(problem.at(Span(start, end, self.source)))

    def _parse(self, start: str) -> Any:
        interactive: Any = self.parser.lark.parse_interactive(start=start)
        stack = interactive.parser_state.state_stack
        heights: list[int] = []  # of the stack, before each token
        at, stuck, height = 0, -1, 0  # where a mistake was last, and the stack when it had been given up
        while len(self.mistakes) < limits.SYNTAX_MISTAKES:
            token = self.tokens[at]
            heights[at:] = [len(stack)]
            try:
                result = interactive.feed_token(token)
                if token.type == "$END":
                    return result
                at += 1
            except (UnexpectedToken, SyntaxProblem) as error:
                accepted = interactive.accepts() - {"BROKEN"} if isinstance(error, UnexpectedToken) else set()
                begin = self._give_up(interactive.parser_state, heights, at, height if at == stuck else len(stack) + 1)
                height = len(stack)
                at = self._line_end(begin, at)
                self._explain(error, begin, at, accepted)
                if self.tokens[at].type == "_NL" and self.tokens[at + 1].type in _NO_LINE_BEFORE:
                    del self.tokens[at]
                if not stack:
                    return None  # not even the start could be given up: an expression
                stuck = at = self._feed_broken(interactive, begin, at)
                heights += [_SKIPPED] * (at - len(heights))
        return None

    def _give_up(self, state: Any, heights: list[int], at: int, below: int) -> int:
        """Go back to where something could begin; the token that it began with. An empty stack: there was no such.
        `below`: of the same token less was given up before, and it was of no use."""
        states, stack = state.parse_conf.states, state.state_stack
        begin, depth = at, 0
        while stack:
            while begin > 0 and heights[begin] > len(stack):
                begin -= 1
                depth += _deeper(self.tokens[begin])
            if (
                len(stack) < below and depth >= 0 and "BROKEN" in states[stack[-1]]
            ):  # below 0: inside of a body that has been closed
                break
            stack.pop()
            if state.value_stack:
                state.value_stack.pop()
        return begin

    def _line_end(self, begin: int, at: int) -> int:
        """The token at which to tell a mistake: where a line ends in an operator or arrow and what follows is no
        value or layer, the end of that line."""
        for index in (at, at - 1):
            if index < max(begin, 1) or self.tokens[index].type == "_NL":
                break
            last, token = self.tokens[index - 1], self.tokens[index]
            if last.type in _DANGLING and "\n" in self.source.text[last.end_pos : token.start_pos]:
                end = last.end_pos or 0
                self.tokens.insert(index, Token("_NL", "\n", start_pos=end, end_pos=end + 1))
                return index
        return at

    def _explain(self, error: Exception, begin: int, at: int, accepted: set[str]) -> None:
        """Tell the mistake at a token, unless one before it in the same step or statement has been told."""
        first, token = self.tokens[begin].start_pos or 0, self.tokens[at]
        told = [span.start for m in self.mistakes if (span := m.span) is not None]
        if token.type == ODD or any(first <= place <= (token.start_pos or 0) for place in told):
            return
        if isinstance(error, SyntaxProblem):
            self.tell(error.problem, error.start, error.end)
        else:
            self.mistakes.append(explain(self.tokens, begin, at, accepted, self.source))

    def _feed_broken(self, interactive: Any, begin: int, at: int) -> int:
        """Put a BROKEN token in place of what was given up; the token to go on with."""
        state = interactive.parser_state
        in_file = "USE" in state.parse_conf.states[state.position]
        start = self.tokens[begin].start_pos or 0
        told = self.tokens[at].start_pos or 0
        self.parser.builder.lost[start] = self._lost(begin, at)
        broken = Token("BROKEN", "", start_pos=start, end_pos=start)
        interactive.feed_token(broken)
        accepted = interactive.accepts()
        depth = 0
        for token in self.tokens[begin:at]:
            depth += _deeper(token)
        while self.tokens[at].type != "$END":
            kind = self.tokens[at].type
            more = in_file and kind == "_NL" and self.tokens[at + 1].type not in _ITEMS  # no item begins here
            if depth == 0 and kind in accepted and not more:
                break
            depth += _deeper(self.tokens[at])
            at += 1
        broken.end_pos = max(self.tokens[at - 1].end_pos or 0, start + 1)
        # what is left out is told once: a bracket that is missing or too many in it comes from the same mistake
        line_end = self.source.text.find("\n", told)
        end = max(self.tokens[at].start_pos or 0, len(self.source.text) if line_end < 0 else line_end)
        self.mistakes = [m for m in self.mistakes if m.code not in _BRACKETS or not told < _place(m) <= end]
        return at

    def _lost(self, begin: int, at: int) -> Lost:
        """What is defined and mentioned by what begins at a token, as far as its head goes."""
        words: list[str] = []
        defined: list[str] = []
        before = "ARROW"
        for index in range(begin, len(self.tokens)):
            token = self.tokens[index]
            if token.type in ("_NL", "LBRACE", "$END") and index >= at:
                break
            if token.type == "NAME":
                words.append(str(token))
                label = before == "ARROW" and self.tokens[index + 1].type == "COLON"
                if label or before in _DEFINES:
                    defined.append(str(token))
            before = token.type
        first = self.tokens[begin]
        return Lost(str(first) if first.type in STATEMENTS else "", tuple(defined), tuple(words))


def _too_deep(tokens: list[Token]) -> Token | None:
    """The first bracket that is open inside of too many others."""
    depth = 0
    for token in tokens:
        depth = max(depth + _deeper(token), 0)
        if depth > limits.NESTING:
            return token
    return None


class _Tolerant(Layout):
    """Lays out tokens and collects the mistakes among them."""

    def __init__(self, recovery: Recovery) -> None:
        self._recovery = recovery

    def refuse(self, problem: Problem, start: int, end: int) -> None:
        self._recovery.tell(problem, start, end)


def _deeper(token: Token) -> int:
    return (token.type in brackets.CLOSED_BY) - (token.type in brackets.OPENED_BY)


def _place(mistake: Diagnostic) -> int:
    return mistake.span.start if mistake.span else 0
