"""Text to AST, with Lark. The grammar's tables come from Lark's cache (1 ms instead of 40)."""

from __future__ import annotations

import os
from functools import lru_cache
from threading import RLock
from typing import Any

from lark import Lark, UnexpectedInput

from netspec import resources
from netspec.diagnostics import Diagnostic
from netspec.problems.syntax import SyntaxProblem
from netspec.source import SourceFile, Span
from netspec.syntax import ast
from netspec.syntax.build import Builder
from netspec.syntax.layout import Layout

_lock = RLock()  # one parser, whose builder knows the source being parsed


def parse_file(source: SourceFile) -> tuple[ast.File | None, list[Diagnostic]]:
    """The AST of a whole file, or None and what is wrong with it."""
    return _parse(source, "file", source.text, 0)


def parse_expression(source: SourceFile) -> tuple[ast.Expr | None, list[Diagnostic]]:
    """The AST of a single expression, such as the value of `--set`."""
    return _parse(source, "expr", source.text, 0)


def _parse(source: SourceFile, start: str, text: str, offset: int) -> tuple[Any, list[Diagnostic]]:
    with _lock:
        parser, builder = _parser()
        builder.source = source
        try:
            return parser.parse(text, start=start), []
        except UnexpectedInput as error:
            from netspec.syntax.mistakes import explain  # only on the way to an error

            return None, [explain(error, source, parser)]
        except SyntaxProblem as error:
            return None, [error.problem.at(Span(error.start, error.end, source))]


def _parse_part(begin: int, end: int) -> ast.Expr:
    """The expression in braces inside a string of the source being parsed."""
    parser, builder = _parser()
    # blanks before it keep the offsets those of the file
    text = " " * begin + builder.source.text[begin:end]
    try:
        return parser.parse(text, start="expr")  # type: ignore[return-value]
    except UnexpectedInput as error:
        from netspec.problems.syntax import BadString

        raise SyntaxProblem(BadString(reason="this is no expression"), begin, end) from error


@lru_cache(maxsize=1)
def _parser() -> tuple[Lark, Builder]:
    builder = Builder(_parse_part)
    folder = resources.cache_dir()
    with open(resources.grammar_file(), encoding="utf-8") as file:
        grammar = file.read()
    parser = Lark(
        grammar,
        start=["file", "expr"],
        parser="lalr",
        lexer="basic",
        postlex=Layout(),
        transformer=builder,
        cache=os.path.join(folder, "grammar.lark-cache") if folder else False,
    )
    return parser, builder
