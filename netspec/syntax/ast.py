"""The abstract syntax tree: what the author wrote, with the place of everything. Nodes are immutable."""

from __future__ import annotations

from typing import Any, Self, TypeAlias, dataclass_transform

from netspec.source import Span


@dataclass_transform(frozen_default=True, eq_default=False)
class _NodeType(type):
    """Makes slots of a node's annotations: a frozen dataclass in a tenth of the time, and there are 35 of them."""

    fields: tuple[str, ...]

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> _NodeType:
        namespace["__slots__"] = fields = tuple(namespace.get("__annotations__", ()))
        made = super().__new__(cls, name, bases, namespace)
        made.fields = fields
        return made


class Node(metaclass=_NodeType):
    """Base of all nodes: takes its fields in order."""

    def __init__(self, *values: Any) -> None:
        for name, value in zip(type(self).fields, values, strict=True):
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed."""
        return type(self)(*(changes.get(name, getattr(self, name)) for name in type(self).fields))

    def __repr__(self) -> str:
        fields = ", ".join(f"{n}={getattr(self, n)!r}" for n in type(self).fields if not n.endswith("span"))
        return f"{type(self).__name__}({fields})"


# -- expressions --------------------------------------------------------------------------------------


class Name(Node):
    id: str
    span: Span


class Number(Node):
    value: int | float
    span: Span


class Boolean(Node):
    value: bool
    span: Span


class String(Node):
    """Text with values in braces: "denselayer{i + 1}"."""

    parts: tuple[str | Expr, ...]
    span: Span


class Sequence(Node):
    """(a, b), [a, b] or 3x5."""

    items: tuple[Expr, ...]
    span: Span


class Member(Node):
    value: Expr
    name: str
    span: Span
    name_span: Span


class Index(Node):
    value: Expr
    index: Expr
    span: Span


class Slice(Node):
    value: Expr
    start: Expr | None
    stop: Expr | None
    span: Span


class Function(Node):
    """min(a, b)"""

    name: Name
    arguments: tuple[Expr, ...]
    span: Span


class Minus(Node):
    value: Expr
    span: Span


class Arithmetic(Node):
    """a + b - c, from left to right: operators[i] stands before operands[i + 1]."""

    operands: tuple[Expr, ...]
    operators: tuple[str, ...]
    span: Span


class Comparison(Node):
    """a <= b < c"""

    operands: tuple[Expr, ...]
    operators: tuple[str, ...]
    span: Span


class Negation(Node):
    value: Expr
    span: Span


class Logic(Node):
    """All operands joined by `and`, or all by `or`."""

    operator: str
    operands: tuple[Expr, ...]
    span: Span


class Conditional(Node):
    """then if test else otherwise"""

    test: Expr
    then: Expr
    otherwise: Expr
    span: Span


Expr: TypeAlias = (
    Name
    | Number
    | Boolean
    | String
    | Sequence
    | Member
    | Index
    | Slice
    | Function
    | Minus
    | Arithmetic
    | Comparison
    | Negation
    | Logic
    | Conditional
)

# -- units: what a chain is made of -------------------------------------------------------------------


class Argument(Node):
    name: Name | None
    value: Expr

    @property
    def span(self) -> Span:
        return self.name.span.to(self.value.span) if self.name else self.value.span


class Call(Node):
    """A layer, a block or a net with arguments; values from elsewhere; paths to merge."""

    name: Name
    arguments: tuple[Argument, ...]
    others: tuple[Expr, ...]
    paths: tuple[Chain, ...]
    span: Span  # of the name and arguments, without the paths


class Group(Node):
    body: Body
    span: Span


class Repeat(Node):
    count: Expr
    index: Name | None
    body: Body
    span: Span  # of the head


class For(Node):
    targets: tuple[Name, ...]
    unpack: bool
    values: Expr
    body: Body
    span: Span  # of the head


class If(Node):
    test: Expr
    then: Body
    otherwise: Body | If | None
    span: Span  # of the head


class Reuse(Node):
    label: Expr
    others: tuple[Expr, ...]
    span: Span


class Claim(Node):
    """-> [6, 28, _]"""

    sizes: tuple[Expr, ...]
    span: Span


class Broken(Node):
    """Text with a mistake, which has been reported: what it would have defined is unknown.

    keyword: the word that it begins with, such as `let`, or nothing. names: what it defines. mentioned: all names in
    its head, such as the index of a repeat. inside: what it holds in braces.
    """

    keyword: str
    names: tuple[str, ...]
    mentioned: tuple[str, ...]
    inside: Body | tuple[Chain, ...] | None
    span: Span

    @property
    def flows(self) -> bool:
        """Whether it stands in the flow, as a layer does, or beside it, as a `let`."""
        return self.keyword not in ("let", "assert", "param", "constant")


Unit: TypeAlias = Call | Group | Repeat | For | If | Reuse | Claim | Broken


class Step(Node):
    label: Name | String | None
    unit: Unit


# -- statements ---------------------------------------------------------------------------------------


class Chain(Node):
    start: Expr | None
    steps: tuple[Step, ...]
    span: Span


class Size(Node):
    """A size of an input: an expression, or a symbol with its usual value (`H=224`)."""

    value: Expr
    usual: Expr | None


class Input(Node):
    name: Name
    dtype: Name | None
    shape: tuple[Size, ...] | None
    conditions: tuple[Expr, ...]  # on the symbols of its shape
    span: Span


class Let(Node):
    name: Name
    value: Expr
    span: Span


class Assert(Node):
    test: Expr
    span: Span


class Source(Node):
    """param pos: [197, 768]"""

    name: Name
    call: Call
    span: Span


class Returned(Node):
    value: Expr
    name: Name | None  # after `as`


class Return(Node):
    values: tuple[Returned, ...]
    span: Span


Statement: TypeAlias = Chain | Input | Let | Assert | Source | Return | Broken


class Body(Node):
    statements: tuple[Statement, ...]
    span: Span


# -- files --------------------------------------------------------------------------------------------


class Parameter(Node):
    name: Name
    default: Expr | None


class Block(Node):
    name: Name
    parameters: tuple[Parameter, ...]
    body: Body


class Net(Node):
    name: Name
    parameters: tuple[Parameter, ...]
    body: Body


class Instance(Node):
    """net ResNet50 = ResNet unit=bottleneck { assert params == 25_557_032 }"""

    name: Name
    call: Call
    claims: Body | None


class Use(Node):
    path: String
    span: Span


Item: TypeAlias = Use | Let | Block | Net | Instance | Broken


class File(Node):
    items: tuple[Item, ...]
