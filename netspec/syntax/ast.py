"""The abstract syntax tree: what the author wrote, with the place of everything.

Nodes are NamedTuples: immutable, and 35 of them cost 2 ms to define where frozen dataclasses cost 14.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias, Union

from netspec.source import Span

# -- expressions --------------------------------------------------------------------------------------


class Name(NamedTuple):
    id: str
    span: Span


class Number(NamedTuple):
    value: int | float
    span: Span


class Boolean(NamedTuple):
    value: bool
    span: Span


class String(NamedTuple):
    """Text with values in braces: "denselayer{i + 1}"."""

    parts: tuple[str | Expr, ...]
    span: Span


class Sequence(NamedTuple):
    """(a, b), [a, b] or 3x5."""

    items: tuple[Expr, ...]
    span: Span


class Member(NamedTuple):
    value: Expr
    name: str
    span: Span
    name_span: Span


class Index(NamedTuple):
    value: Expr
    index: Expr
    span: Span


class Slice(NamedTuple):
    value: Expr
    start: Expr | None
    stop: Expr | None
    span: Span


class Function(NamedTuple):
    """min(a, b)"""

    name: Name
    arguments: tuple[Expr, ...]
    span: Span


class Minus(NamedTuple):
    value: Expr
    span: Span


class Arithmetic(NamedTuple):
    """a + b - c, from left to right: operators[i] stands before operands[i + 1]."""

    operands: tuple[Expr, ...]
    operators: tuple[str, ...]
    span: Span


class Comparison(NamedTuple):
    """a <= b < c"""

    operands: tuple[Expr, ...]
    operators: tuple[str, ...]
    span: Span


class Negation(NamedTuple):
    value: Expr
    span: Span


class Logic(NamedTuple):
    """All operands joined by `and`, or all by `or`."""

    operator: str
    operands: tuple[Expr, ...]
    span: Span


class Conditional(NamedTuple):
    """then if test else otherwise"""

    test: Expr
    then: Expr
    otherwise: Expr
    span: Span


Expr: TypeAlias = Union[
    Name, Number, Boolean, String, Sequence, Member, Index, Slice, Function, Minus, Arithmetic, Comparison,
    Negation, Logic, Conditional,
]  # fmt: skip

# -- units: what a chain is made of -------------------------------------------------------------------


class Argument(NamedTuple):
    name: Name | None
    value: Expr

    @property
    def span(self) -> Span:
        return self.name.span.to(self.value.span) if self.name else self.value.span


class Call(NamedTuple):
    """A layer, a block or a net with arguments; values from elsewhere; paths to merge."""

    name: Name
    arguments: tuple[Argument, ...]
    others: tuple[Expr, ...]
    paths: tuple[Chain, ...]
    span: Span  # of the name and arguments, without the paths


class Group(NamedTuple):
    body: Body
    span: Span


class Repeat(NamedTuple):
    count: Expr
    index: Name | None
    body: Body
    span: Span  # of the head


class For(NamedTuple):
    targets: tuple[Name, ...]
    unpack: bool
    values: Expr
    body: Body
    span: Span  # of the head


class If(NamedTuple):
    test: Expr
    then: Body
    otherwise: Body | If | None
    span: Span  # of the head


class Reuse(NamedTuple):
    label: Expr
    span: Span


class Claim(NamedTuple):
    """-> [6, 28, _]"""

    sizes: tuple[Expr, ...]
    span: Span


Unit: TypeAlias = Union[Call, Group, Repeat, For, If, Reuse, Claim]


class Step(NamedTuple):
    label: Name | String | None
    unit: Unit


# -- statements ---------------------------------------------------------------------------------------


class Chain(NamedTuple):
    start: Expr | None
    steps: tuple[Step, ...]
    span: Span


class Size(NamedTuple):
    """A size of an input: an expression, or a symbol with its usual value (`H=224`)."""

    value: Expr
    usual: Expr | None


class Input(NamedTuple):
    name: Name
    dtype: Name | None
    shape: tuple[Size, ...] | None
    span: Span


class Let(NamedTuple):
    name: Name
    value: Expr
    span: Span


class Assert(NamedTuple):
    test: Expr
    span: Span


class Source(NamedTuple):
    """param pos: [197, 768]"""

    name: Name
    call: Call
    span: Span


class Return(NamedTuple):
    values: tuple[Expr, ...]
    span: Span


Statement: TypeAlias = Union[Chain, Input, Let, Assert, Source, Return]


class Body(NamedTuple):
    statements: tuple[Statement, ...]
    span: Span


# -- files --------------------------------------------------------------------------------------------


class Parameter(NamedTuple):
    name: Name
    default: Expr | None


class Block(NamedTuple):
    name: Name
    parameters: tuple[Parameter, ...]
    body: Body


class Net(NamedTuple):
    name: Name
    parameters: tuple[Parameter, ...]
    body: Body


class Instance(NamedTuple):
    """net ResNet50 = ResNet unit=bottleneck { assert params == 25_557_032 }"""

    name: Name
    call: Call
    claims: Body | None


class Use(NamedTuple):
    path: String
    span: Span


Item: TypeAlias = Union[Use, Let, Block, Net, Instance]


class File(NamedTuple):
    items: tuple[Item, ...]
