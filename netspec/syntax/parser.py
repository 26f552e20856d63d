"""Text to AST, with Lark. The grammar's tables come from Lark's cache (1 ms instead of 40)."""

from __future__ import annotations

import os
from functools import lru_cache
from threading import RLock
from typing import Any, NamedTuple

from lark import Lark, Token, UnexpectedInput

from netspec import resources
from netspec.diagnostics import Diagnostic
from netspec.problems.syntax import BadString, SyntaxProblem
from netspec.source import SourceFile
from netspec.syntax import ast
from netspec.syntax.build import Builder
from netspec.syntax.layout import Layout

_lock = RLock()  # one parser, whose builder knows the source being parsed


class Parser(NamedTuple):
    """Lark's parser with the two parts of it that are ours."""

    lark: Lark
    builder: Builder
    layout: Layout


def parse_file(source: SourceFile) -> tuple[ast.File | None, list[Diagnostic]]:
    """The AST of a whole file and what is wrong with it: `ast.Broken` stands for what could not be parsed."""
    return _parse(source, "file")


def parse_expression(source: SourceFile) -> tuple[ast.Expr | None, list[Diagnostic]]:
    """The AST of a single expression, such as the value of `--set`; None with what is wrong with it."""
    value, mistakes = _parse(source, "expr")
    return (None if mistakes else value), mistakes


def tokens(text: str) -> list[Token]:
    """The tokens of a text that parses."""
    with _lock:
        return list(_parser().lark.lex(text))


def _parse(source: SourceFile, start: str) -> tuple[Any, list[Diagnostic]]:
    with _lock:
        parser = _parser()
        parser.builder.source = source
        try:
            return parser.lark.parse(source.text, start=start), []
        except (UnexpectedInput, SyntaxProblem):
            pass
        from netspec.syntax.recovery import Recovery  # only on the way to an error

        return Recovery(parser, source).parse(start)


def _parse_part(begin: int, end: int) -> ast.Expr:
    """The expression in braces inside a string of the source being parsed."""
    parser = _parser()
    interactive: Any = parser.lark.parse_interactive(parser.builder.source.text[begin:end], start="expr")
    try:
        for token in interactive.lexer_thread.lex(interactive.parser_state):
            token.start_pos += begin
            token.end_pos += begin
            interactive.feed_token(token)
        return interactive.feed_eof()  # type: ignore[no-any-return]
    except UnexpectedInput as error:
        raise SyntaxProblem(BadString(reason="this is no expression"), begin, end) from error


@lru_cache(maxsize=1)
def _parser() -> Parser:
    builder, layout = Builder(_parse_part), Layout()
    folder = resources.cache_dir()
    with open(resources.grammar_file(), encoding="utf-8") as file:
        grammar = file.read()
    lark = Lark(
        grammar,
        start=["file", "expr"],
        parser="lalr",
        lexer="basic",
        postlex=layout,
        transformer=builder,
        cache=os.path.join(folder, "grammar.lark-cache") if folder else False,
    )
    return Parser(lark, builder, layout)
