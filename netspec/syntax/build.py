"""Callbacks of the parser: one for each rule of the grammar, from its children to an AST node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from lark import Token

from netspec import limits
from netspec.problems.syntax import BadString, NameTooLong, NumberTooLong, SyntaxProblem
from netspec.source import SourceFile, Span
from netspec.syntax import ast

Children = list[Any]


class Lost(NamedTuple):
    """What is known of text with a mistake: see `ast.Broken`."""

    keyword: str
    names: tuple[str, ...]
    mentioned: tuple[str, ...]


class Builder:
    """Makes AST nodes for one source. Methods are named as the rules and aliases of the grammar."""

    source: SourceFile  # set for each parse

    def __init__(self, parse_expr: Callable[[int, int], ast.Expr]) -> None:
        self._parse_expr = parse_expr  # of the source's text between two offsets
        self.lost: dict[int, Lost] = {}  # what a parse has given up, by where it begins

    # -- places -------------------------------------------------------------------------------------

    def _span(self, token: Token) -> Span:
        return Span(token.start_pos, token.end_pos, self.source)  # type: ignore[arg-type]

    def _name(self, token: Token) -> ast.Name:
        if len(token) > limits.NAME:
            problem = NameTooLong(length=len(token), limit=limits.NAME)
            raise SyntaxProblem(problem, token.start_pos or 0, token.end_pos or 0)
        return ast.Name(token.value, self._span(token))

    # -- files --------------------------------------------------------------------------------------

    def file(self, c: Children) -> ast.File:
        return ast.File(tuple(item for item in c if item is not None))

    def use(self, c: Children) -> ast.Use:
        return ast.Use(self.string(c[1:]), self._span(c[0]).to(self._span(c[1])))

    def let(self, c: Children) -> ast.Let:
        return ast.Let(self._name(c[1]), c[3], self._span(c[0]).to(c[3].span))

    def block(self, c: Children) -> ast.Block:
        return ast.Block(self._name(c[1]), c[2] or (), c[3])

    def net(self, c: Children) -> ast.Net:
        return ast.Net(self._name(c[1]), c[2] or (), c[3])

    def instance(self, c: Children) -> ast.Instance:
        name, arguments, claims = self._name(c[3]), tuple(c[4:-1]), c[-1]
        span = name.span.to(arguments[-1].span if arguments else name.span)
        return ast.Instance(self._name(c[1]), ast.Call(name, arguments, (), (), span), claims)

    def params(self, c: Children) -> tuple[ast.Parameter, ...]:
        return tuple(p for p in c if isinstance(p, ast.Parameter))

    def param(self, c: Children) -> ast.Parameter:
        return ast.Parameter(self._name(c[0]), c[2])

    def body(self, c: Children) -> ast.Body:
        return ast.Body(tuple(s for s in c[1:-1] if s is not None), self._span(c[0]).to(self._span(c[-1])))

    # -- statements ---------------------------------------------------------------------------------

    def input(self, c: Children) -> ast.Input:
        dtype, shape, end = c[3] if c[3] is not None else (None, None, self._span(c[1]))
        conditions = c[4] or ()
        end = conditions[-1].span if conditions else end
        return ast.Input(self._name(c[1]), dtype, shape, conditions, self._span(c[0]).to(end))

    def conditions(self, c: Children) -> tuple[ast.Expr, ...]:
        return _items(c)

    def tensor(self, c: Children) -> tuple[ast.Name | None, tuple[ast.Size, ...], Span]:
        return (self._name(c[0]) if c[0] is not None else None, *c[1])

    def shape(self, c: Children) -> tuple[tuple[ast.Size, ...], Span]:
        return tuple(s for s in c if isinstance(s, ast.Size)), self._span(c[-1])

    def dim(self, c: Children) -> ast.Size:
        return ast.Size(c[0], c[2])

    def assertion(self, c: Children) -> ast.Assert:
        return ast.Assert(c[1], self._span(c[0]).to(c[1].span))

    def declared(self, c: Children) -> ast.Source:
        arguments = tuple(c[3:])
        span = self._span(c[0]).to(arguments[-1].span)
        call = ast.Call(self._name(c[0]), arguments, (), (), span)
        return ast.Source(self._name(c[1]), call, span)

    def returns(self, c: Children) -> ast.Return:
        values = tuple(v for v in c[1:] if isinstance(v, ast.Returned))
        last = values[-1]
        return ast.Return(values, self._span(c[0]).to(last.name.span if last.name else last.value.span))

    def returned(self, c: Children) -> ast.Returned:
        return ast.Returned(c[0], self._name(c[2]) if c[2] is not None else None)

    def chain(self, c: Children) -> ast.Chain | ast.Broken:
        steps = tuple(c[::2])
        first = steps[0].unit
        if len(steps) == 1 and isinstance(first, ast.Broken) and not first.flows:
            return first
        return ast.Chain(None, steps, steps[0].unit.span.to(steps[-1].unit.span))

    def chain_from(self, c: Children) -> ast.Chain:
        steps = tuple(c[3::2])
        end = steps[-1].unit.span if steps else c[1].span
        return ast.Chain(c[1], steps, self._span(c[0]).to(end))

    def step(self, c: Children) -> ast.Step:
        return ast.Step(c[0], c[2])

    def label(self, c: Children) -> ast.Name | ast.String:
        token = c[0]
        return self.string(c) if token.type == "STRING" else self._name(token)

    def call(self, c: Children) -> ast.Call:
        name = self._name(c[0])
        arguments = tuple(c[1:-2])
        others, paths = c[-2] or (), c[-1] or ()
        last = others[-1].span if others else arguments[-1].span if arguments else name.span
        return ast.Call(name, arguments, others, paths, name.span.to(last))

    def named_by_word(self, c: Children) -> ast.Argument:
        return ast.Argument(self._name(c[0]), self._name(c[2]))

    def named(self, c: Children) -> ast.Argument:
        return ast.Argument(self._name(c[0]), c[2])

    def positional(self, c: Children) -> ast.Argument:
        return ast.Argument(None, c[0])

    def others(self, c: Children) -> tuple[ast.Expr, ...]:
        return tuple(c[1:])

    def paths(self, c: Children) -> tuple[ast.Chain, ...]:
        return tuple(c[1:-1])

    def path(self, c: Children) -> ast.Chain:
        chain: ast.Chain | ast.Broken = c[1]
        return chain if isinstance(chain, ast.Chain) else ast.Chain(None, (ast.Step(None, chain),), chain.span)

    def group(self, c: Children) -> ast.Group:
        return ast.Group(c[0], c[0].span)

    def repeat(self, c: Children) -> ast.Repeat:
        index = self._name(c[3]) if c[3] is not None else None
        return ast.Repeat(c[1], index, c[4], self._span(c[0]).to(index.span if index else c[1].span))

    def loop(self, c: Children) -> ast.For:
        targets, unpack = c[1]
        return ast.For(targets, unpack, c[3], c[4], self._span(c[0]).to(c[3].span))

    def target(self, c: Children) -> tuple[tuple[ast.Name, ...], bool]:
        return tuple(self._name(t) for t in c if t is not None and t.type == "NAME"), len(c) > 1

    def branch(self, c: Children) -> ast.If:
        return ast.If(c[1], c[2], c[4], self._span(c[0]).to(c[1].span))

    def reuse(self, c: Children) -> ast.Reuse:
        others = c[2] or ()
        return ast.Reuse(c[1], others, self._span(c[0]).to(others[-1].span if others else c[1].span))

    def claim(self, c: Children) -> ast.Claim:
        return ast.Claim(_items(c[1:-1]), self._span(c[0]).to(self._span(c[-1])))

    def broken(self, c: Children) -> ast.Broken:
        lost = self.lost[c[0].start_pos]
        return ast.Broken(lost.keyword, lost.names, lost.mentioned, c[1], self._span(c[0]))

    # -- expressions --------------------------------------------------------------------------------

    def conditional(self, c: Children) -> ast.Conditional:
        return ast.Conditional(c[2], c[0], c[4], c[0].span.to(c[4].span))

    def _logic(self, c: Children) -> ast.Logic:
        return ast.Logic(c[1].value, tuple(c[::2]), c[0].span.to(c[-1].span))

    disjunction = conjunction = _logic

    def negation(self, c: Children) -> ast.Negation:
        return ast.Negation(c[1], self._span(c[0]).to(c[1].span))

    def comparison(self, c: Children) -> ast.Comparison:
        return ast.Comparison(tuple(c[::2]), tuple(t.value for t in c[1::2]), c[0].span.to(c[-1].span))

    def _arithmetic(self, c: Children) -> ast.Arithmetic:
        return ast.Arithmetic(tuple(c[::2]), tuple(t.value for t in c[1::2]), c[0].span.to(c[-1].span))

    sum = product = _arithmetic

    def power(self, c: Children) -> ast.Expr:
        base: ast.Expr = c[0]
        return base if c[1] is None else ast.Arithmetic((base, c[2]), ("**",), base.span.to(c[2].span))

    def minus(self, c: Children) -> ast.Minus:
        return ast.Minus(c[1], self._span(c[0]).to(c[1].span))

    def minus_number(self, c: Children) -> ast.Number:
        return ast.Number(-self._number(c[1]), self._span(c[0]).to(self._span(c[1])))

    def member(self, c: Children) -> ast.Member:
        at = self._span(c[2])
        return ast.Member(c[0], c[2].value, c[0].span.to(at), at)

    def index(self, c: Children) -> ast.Index:
        return ast.Index(c[0], c[2], c[0].span.to(self._span(c[3])))

    def slice(self, c: Children) -> ast.Slice:
        return ast.Slice(c[0], c[2], c[4], c[0].span.to(self._span(c[5])))

    def function(self, c: Children) -> ast.Function:
        return ast.Function(self._name(c[0]), _items(c[2:-1]), self._span(c[0]).to(self._span(c[-1])))

    def name(self, c: Children) -> ast.Name:
        return self._name(c[0])

    def integer(self, c: Children) -> ast.Number:
        return ast.Number(self._number(c[0]), self._span(c[0]))

    real = integer

    def window(self, c: Children) -> ast.Sequence:
        token = c[0]
        span = self._span(token)
        sizes = token.value.split("x")
        self._check_length(token, max(map(len, sizes)))
        return ast.Sequence(tuple(ast.Number(int(n), span) for n in sizes), span)

    def boolean(self, c: Children) -> ast.Boolean:
        return ast.Boolean(c[0].type == "TRUE", self._span(c[0]))

    def parenthesised(self, c: Children) -> ast.Expr:
        inner: ast.Expr = c[1]
        return inner.replace(span=self._span(c[0]).to(self._span(c[2])))

    def sequence(self, c: Children) -> ast.Sequence:
        return ast.Sequence(_items(c[1:-1]), self._span(c[0]).to(self._span(c[-1])))

    def string(self, c: Children) -> ast.String:
        token = c[0]
        text, begin = token.value[1:-1], token.start_pos + 1
        if "{" not in text and "}" not in text:
            return ast.String((text,), self._span(token))
        parts: list[str | ast.Expr] = []
        at = 0
        while at < len(text):
            brace = text.find("{", at)
            if "}" in text[at : brace if brace >= 0 else None]:
                raise SyntaxProblem(BadString(reason="a `}` without its `{`"), token.start_pos, token.end_pos)
            if brace < 0:
                parts.append(text[at:])
                break
            close = text.find("}", brace)
            if close < 0:
                raise SyntaxProblem(BadString(reason="a `{` without its `}`"), token.start_pos, token.end_pos)
            if brace > at:
                parts.append(text[at:brace])
            parts.append(self._parse_expr(begin + brace + 1, begin + close))
            at = close + 1
        return ast.String(tuple(parts), self._span(token))

    def _number(self, token: Token) -> int | float:
        self._check_length(token, len(token.value))
        text = token.value.replace("_", "")
        if token.type == "INT":
            return int(text)
        value = float(text)
        if value == float("inf"):
            problem = NumberTooLong(digits=len(text), limit=limits.INTEGER_DIGITS)
            raise SyntaxProblem(problem, token.start_pos, token.end_pos)  # type: ignore[arg-type]
        return value

    def _check_length(self, token: Token, digits: int) -> None:
        if digits > limits.INTEGER_DIGITS:
            problem = NumberTooLong(digits=digits, limit=limits.INTEGER_DIGITS)
            raise SyntaxProblem(problem, token.start_pos, token.end_pos)  # type: ignore[arg-type]


def _items(children: Children) -> tuple[ast.Expr, ...]:
    return tuple(child for child in children if child is not None and not isinstance(child, Token))
