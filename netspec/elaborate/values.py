"""What names and expressions stand for while a spec is elaborated."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from netspec.ir.dims import Dim, Expr
from netspec.ir.types import TensorType
from netspec.ops.base import Layer
from netspec.problems.names import NotAValue
from netspec.source import Span
from netspec.syntax import ast

if TYPE_CHECKING:
    from netspec.elaborate.builder import ModuleBuilder
    from netspec.elaborate.files import Definitions

Static: TypeAlias = Any  # int, float, bool, str, tuple, Expr, Definition or layer class: known before any data


class Definition:
    """A block or net, or an instance of one with arguments bound."""

    __slots__ = ("bound", "claims", "definitions", "is_net", "node")

    def __init__(
        self,
        node: ast.Block | ast.Net,
        definitions: Definitions,
        bound: tuple[tuple[str, Static], ...] = (),
        claims: ast.Body | None = None,
    ) -> None:
        self.node = node
        self.definitions = definitions
        self.bound = bound
        self.claims = claims  # of an instance, about the net with just these arguments
        self.is_net = isinstance(node, ast.Net)

    @property
    def name(self) -> str:
        return self.node.name.id

    @property
    def parameters(self) -> tuple[ast.Parameter, ...]:
        return self.node.parameters


@dataclass(slots=True, eq=False, repr=False)
class Value:
    """A tensor: the name by which its module knows it, its type, and where it was made."""

    ref: str
    type: TensorType
    home: ModuleBuilder
    span: Span


@dataclass(slots=True, eq=False, repr=False)
class Labelled:
    """What a label stands for: the output of a node, with its further outputs as members."""

    name: str
    value: Value
    members: dict[str, Value]
    node: str | None  # None where the label passes its input on
    span: Span
    again: Any  # how to apply it once more, for `reuse`: a layer, or a block instance's arguments


@dataclass(slots=True, eq=False, repr=False)
class NodeRef:
    """A node inside a labelled scope, for claims: `layer1.0.conv1`."""

    module: str
    node: str
    iteration: int | None = None


Outputs: TypeAlias = dict[str, TensorType]  # member -> type, as a module's outputs


@dataclass(slots=True, eq=False)
class Instance:
    """A block, elaborated at certain arguments and input types."""

    module: str
    outputs: Outputs


@dataclass(slots=True, eq=False)
class BlockCall:
    """How to apply a labelled block again: the same block with the same arguments."""

    block: Definition
    arguments: dict[str, Static]


class LoopIndex:
    """The index of a repeat, which remembers for which values the body would come out the same.

    A comparison with a number narrows the range [low, high) to the values that compare alike. Any other
    use pins it to the current value. So a repeat of a million whose body asks only `i == 0` is
    elaborated twice.
    """

    __slots__ = ("high", "low", "value")

    def __init__(self, value: int, high: int) -> None:
        self.value = value
        self.low = value
        self.high = high

    def pin(self) -> int:
        """The current value, for any use."""
        self.high = self.value + 1
        return self.value

    def compare(self, operator: str, other: int | float) -> bool:
        """The comparison's result, which holds for all values in the narrowed range."""
        value = self.value
        results = {
            "==": value == other, "!=": value != other, "<": value < other,
            "<=": value <= other, ">": value > other, ">=": value >= other,
        }  # fmt: skip
        first_not_below, first_above = math.ceil(other), math.floor(other) + 1
        edges = {"<": (first_not_below,), ">=": (first_not_below,), "<=": (first_above,), ">": (first_above,)}
        for edge in edges.get(operator, (first_not_below, first_above)):  # results change only there
            if value < edge:
                self.high = min(self.high, edge)
                break
        return results[operator]


Comparison: TypeAlias = tuple[Dim, str, Dim]  # of sizes: H // 2, "==", 8


class Undecided:
    """A truth value that is true at some sizes and not at others: of comparisons, all of which must hold, or one."""

    __slots__ = ("all", "comparisons")

    def __init__(self, comparisons: tuple[Comparison, ...], all: bool = True) -> None:
        self.comparisons = comparisons
        self.all = all

    @property
    def symbols(self) -> set[str]:
        """The names of the symbols that are compared."""
        return {
            name for a, _, b in self.comparisons for side in (a, b) if isinstance(side, Expr) for name in side.symbols
        }

    def negated(self) -> Undecided:
        opposite = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
        return Undecided(tuple((left, opposite[sign], right) for left, sign, right in self.comparisons), not self.all)


class Poison:
    """The value of a name whose definition was wrong. Using it fails without a second message."""


POISON = Poison()


class AnySize:
    """`_` in a list that is compared: it equals whatever stands in its place."""


ANY = AnySize()


class Failed(Exception):
    """What was being elaborated is wrong; the diagnostic has been collected."""


class Work:
    """What the nets of one source have taken so far, of what is bounded."""

    __slots__ = ("items", "nodes", "text")

    def __init__(self) -> None:
        self.nodes = 0  # layers, calls and iterations
        self.items = 0  # values of lists
        self.text = 0  # characters of bodies


class Exhausted(Exception):
    """The net is larger than allowed, which has been reported: nothing more is elaborated."""


def describe(value: Static) -> str:
    """A value in a message: what it is."""
    if isinstance(value, (bool, Undecided)):
        return "a truth value"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    if isinstance(value, str):
        return f'the text "{value}"'
    if isinstance(value, tuple):
        return f"a list of {len(value)} values"
    if isinstance(value, Expr):
        return f"the size {value}"
    if isinstance(value, Definition):
        return f"the {'net' if value.is_net else 'block'} `{value.name}`"
    if isinstance(value, type) and issubclass(value, Layer):
        return f"the layer `{value.layer_name()}`"
    if isinstance(value, Labelled):
        return f"the output of `{value.name}`"
    if isinstance(value, LoopIndex):
        return "a loop's index"
    return "a tensor"


def not_a(kind: Literal["number", "list", "truth", "tensor"], value: Static, needed: str = "") -> NotAValue:
    """The problem of a value of another kind than its place needs."""
    usual, remedy = {
        "number": ("a number", "a layer or block is called in a chain, or given to a block as an argument"),
        "list": ("a list of values", "a list is written `(64, 128)`, or `range(4)`"),
        "truth": ("true or false", "a comparison is true or false: `it.channels > 3`"),
        "tensor": (
            "a label, which stands for a layer's output",
            "label a layer, as in `a: relu`, and name it here",
        ),
    }[kind]
    if isinstance(value, (Labelled, Value, NodeRef)) and kind in ("number", "list"):
        remedy = "`x.shape` lists the sizes of x, `x.channels` is the first"
    elif kind == "number" and isinstance(value, Expr):
        remedy = f"give its symbols values with `--set`: {', '.join(sorted(value.symbols))}"
    elif kind == "number" and isinstance(value, float):
        remedy = "`a // b` divides whole numbers, `int(x)` leaves the fraction out"
    elif kind == "number" and isinstance(value, str):
        remedy = "a number is written without quotes"
    elif kind == "number" and isinstance(value, tuple):
        remedy = "`x[0]` is the first value of a list x"
    elif kind == "number" and isinstance(value, bool):
        remedy = "`2 if x else 1` makes a number of it"
    return NotAValue(needed=needed or usual, what=describe(value), remedy=remedy)


def listed(names: list[str], most: int = 12) -> str:
    """Names in a message: the first ones of many."""
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")


def show(value: Static) -> str:
    """A value as the language writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (Value, Labelled, NodeRef)):
        return describe(value)
    if isinstance(value, tuple):
        text = ", ".join(show(v) for v in value[:12]) + (", ..." if len(value) > 12 else "")
        return f"({text},)" if len(value) == 1 else f"({text})"
    if isinstance(value, Definition):
        return value.name
    if isinstance(value, type) and issubclass(value, Layer):
        return value.layer_name()
    if isinstance(value, str):
        return f'"{value}"'
    text = str(value)
    return text if len(text) <= 64 else text[:30] + "..." + text[-30:]


def counted(number: int, noun: str) -> str:
    """A number of things in words: `1 axis`, `2 axes`."""
    plural = {"axis": "axes"}.get(noun, noun + "s")
    return f"{number} {noun if number == 1 else plural}"
