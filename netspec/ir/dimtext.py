"""Reads a size as `str(Dim)` writes it. The grammar, also that of expressions in JSON output:

size    = term (("+" | "-") term)*
term    = unary (("*" | "//" | "%") unary)*
unary   = ["-"] (number | symbol | ("min" | "max") "(" size ("," size)+ ")" | "(" size ")")
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from netspec import limits
from netspec.ir.dims import Dim, Expr, maximum, minimum, symbol

_TOKEN = re.compile(r"\s*(?:(?P<number>[0-9]+)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<sign>//|[-+*%(),]))")


def parse(text: str, symbols: Mapping[str, Expr] | None = None) -> Dim:
    """The size that a text stands for. Raises ValueError where it is not one."""
    tokens = _tokens(text)
    reader = _Reader(tokens, text, symbols or {})
    size = reader.size(0)
    reader.expect("")
    return size


def _tokens(text: str) -> list[str]:
    if len(text) > 10_000:
        raise ValueError("a size is written in at most 10,000 characters")
    tokens: list[str] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if not match:
            raise ValueError(f"{text!r} is not a size: unexpected {text[at:].lstrip()[:1]!r}")
        tokens.append(match.group(match.lastgroup or 0))
        at = match.end()
    return tokens


class _Reader:
    def __init__(self, tokens: list[str], text: str, symbols: Mapping[str, Expr]) -> None:
        self.symbols = symbols
        self.tokens = [*tokens, ""]
        self.at = 0
        self.text = text

    def take(self) -> str:
        token = self.tokens[self.at]
        self.at += 1
        return token

    def expect(self, token: str) -> None:
        if self.take() != token:
            raise ValueError(f"{self.text!r} is not a size: expected {token or 'its end'!r}")

    def size(self, depth: int) -> Dim:
        if depth > limits.NESTING:
            raise ValueError("the size is nested too deeply")
        total = self.term(depth)
        while (sign := self.tokens[self.at]) in ("+", "-"):
            self.at += 1
            term = self.term(depth)
            total = total + term if sign == "+" else total - term
        return total

    def term(self, depth: int) -> Dim:
        value = self.unary(depth)
        while (sign := self.tokens[self.at]) in ("*", "//", "%"):
            self.at += 1
            other = self.unary(depth)
            if sign == "*":
                value = value * other
            elif other == 0:
                raise ValueError(f"{self.text!r} divides by zero")
            else:
                value = value // other if sign == "//" else value % other
        return value

    def unary(self, depth: int) -> Dim:
        token = self.take()
        if token == "-":
            return -self.unary(depth + 1) if depth < limits.NESTING else self.size(depth + limits.NESTING)
        if token == "(":
            value = self.size(depth + 1)
            self.expect(")")
            return value
        if token.isdigit():
            if len(token) > limits.INTEGER_DIGITS:
                raise ValueError("the number is too long")
            return int(token)
        if token in ("min", "max") and self.tokens[self.at] == "(":
            self.at += 1
            sizes = [self.size(depth + 1)]
            while len(sizes) < 2 or self.tokens[self.at] == ",":
                self.expect(",")
                sizes.append(self.size(depth + 1))
            self.expect(")")
            return minimum(*sizes) if token == "min" else maximum(*sizes)
        if token.isidentifier():
            return self.symbols.get(token) or symbol(token)
        raise ValueError(f"{self.text!r} is not a size")
