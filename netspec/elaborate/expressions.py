"""Values of expressions: numbers, sizes, tuples, texts, truth values, blocks, tensors by their labels."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any, NoReturn

from netspec import limits
from netspec.diagnostics import Label, Problem
from netspec.elaborate.files import standard_names
from netspec.elaborate.synonyms import WORD_SYNONYMS
from netspec.elaborate.values import (
    ANY,
    POISON,
    Failed,
    Labelled,
    LoopIndex,
    NodeRef,
    Static,
    Undecided,
    Value,
    describe,
    listed,
    not_a,
    show,
)
from netspec.ir.dims import Dim, Expr, listening, maximum, minimum, unheard
from netspec.ops import layer_names
from netspec.ops.base import product
from netspec.problems.claims import NotDecided
from netspec.problems.names import (
    BadOperation,
    FactsOnlyInAssert,
    OutOfRange,
    UnknownFunction,
    UnknownMember,
    UnknownName,
)
from netspec.source import Span
from netspec.syntax import ast

if TYPE_CHECKING:
    from netspec.elaborate.frame import Frame

FACTS = (
    "params", "trainable_params", "active_params", "macs", "mults", "adds", "flops", "connections", "weight_bytes",
    "activation_bytes", "peak_activation_bytes", "kv_cache_per_token", "kv_cache_bytes",
)  # fmt: skip
SHAPE_FACTS = ("shape", "rank", "channels", "elements", "dtype")
LARGEST = 10**limits.INTEGER_DIGITS

FactLookup = Callable[[NodeRef | None, str], Any]  # None asks for the enclosing net or block


class Evaluator:
    """Evaluates expressions in a frame. `facts` is there in claims only, once everything is known."""

    def __init__(self, frame: Frame, facts: FactLookup | None = None) -> None:
        self.frame = frame
        self.facts = facts

    def __call__(self, expr: ast.Expr) -> Static:
        """The value of an expression. Raises Failed where it has none."""
        return _RULES[type(expr)](self, expr)

    def fail(self, problem: Problem, span: Span, *labels: Label) -> NoReturn:
        self.frame.report(problem, span, *labels)
        raise Failed

    def option(self, expr: ast.Expr, words: Collection[str]) -> Static:
        """The value of an argument that may be one of some bare words, or a list with such."""
        if words and isinstance(expr, ast.Sequence):
            return self._counted(tuple(self.option(item, words) for item in expr.items), expr.span)
        if not (words and isinstance(expr, ast.Name)):
            return self(expr)
        return expr.id if expr.id in words else self._name(expr, words)

    def number(self, expr: ast.Expr, needed: str = "a number") -> Any:
        """An int, float or size."""
        value = self(expr)
        if isinstance(value, (int, float, Expr)) and not isinstance(value, bool):
            return value
        self.fail(not_a("number", value, needed), expr.span)

    def integer(self, expr: ast.Expr, needed: str = "a whole number") -> int:
        value = self(expr)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        self.fail(not_a("number", value, needed), expr.span)

    def truth(self, expr: ast.Expr) -> bool:
        value = self._verdict(expr)
        if isinstance(value, bool):
            return value
        from netspec.elaborate.undecided import supposed, told  # only on the way to an error

        answer = supposed(value) if listening() else None
        if answer is not None:
            return answer
        sides, remedy = told(self.frame.elaborator, value)
        self.fail(NotDecided(test=" ".join(expr.span.text.split()), sides=sides, remedy=remedy), expr.span)

    def _verdict(self, expr: ast.Expr) -> bool | Undecided:
        """A truth value, which may be undecided."""
        value = self(expr)
        if isinstance(value, (bool, Undecided)):
            return value
        self.fail(not_a("truth", value), expr.span)

    def tensor(self, expr: ast.Expr) -> Value:
        """The tensor that a label, `it` or a member stands for."""
        if isinstance(expr, ast.Name):
            label = self.frame.label(expr.id)
            if label is not None:
                return label[0].value
        value = self(expr)
        if isinstance(value, Labelled):
            return value.value
        if isinstance(value, Value):
            return value
        self.fail(not_a("tensor", value), expr.span)

    # -- one method for each kind of expression -----------------------------------------------------

    def _name(self, expr: ast.Name, words: Collection[str] = ()) -> Static:
        value = self._lookup(expr, words)
        return value.pin() if isinstance(value, LoopIndex) else value

    def _lookup(self, expr: ast.Name, words: Collection[str] = ()) -> Static:
        name, frame = expr.id, self.frame
        if name in frame.env:
            value = frame.env[name]
        elif name == "it":
            if frame.it is None:
                self.fail(UnknownName(name="it", remedy="`it` is the value that reaches a layer"), expr.span)
            value = frame.it
        else:
            label = frame.label(name)
            value = label[0] if label else self._global(expr, words)
        if value is POISON:
            raise Failed
        return value

    def _global(self, expr: ast.Name, words: Collection[str]) -> Static:
        name, frame = expr.id, self.frame
        found, value = frame.constant(name)
        if found:
            return value
        definition = frame.callable(name)
        if definition is not None:
            return definition
        if self.facts and name in FACTS:
            return self.facts(None, name)
        if name in FACTS:
            self.fail(FactsOnlyInAssert(name=name), expr.span)
        plugin = frame.plugin(expr)
        if plugin is not None:
            return plugin
        here = [] if frame.elaborator.diagnostics.full else frame.names()
        nearest = frame.elaborator.diagnostics.nearest
        close = WORD_SYNONYMS.get(name) or nearest(name, [*words, *(FACTS if self.facts else ()), *here])
        close = close or nearest(name, [*layer_names(), *standard_names()])
        if close is None and frame.definitions.lacking:
            raise Failed  # it may stand in the file that could not be used
        if close is not None:
            remedy = f"did you mean `{close}`?"
        elif name in ("None", "none", "null", "nil"):
            remedy = "an argument that has no value is left out"
        elif words:
            remedy = f"one of: {', '.join(sorted(words))}"
        else:
            remedy = f"names here: {listed(here)}" if here else "`let` defines a name: `let width = 64`"
        self.fail(UnknownName(name=name, remedy=remedy), expr.span)

    def _constant(self, expr: ast.Number | ast.Boolean) -> Static:
        return expr.value

    def _string(self, expr: ast.String) -> str:
        text = "".join(p if isinstance(p, str) else self._text(p) for p in expr.parts)
        if len(text) > limits.TEXT:
            reason = f"the text has {len(text):,} characters, at most {limits.TEXT:,}"
            self.fail(BadOperation(reason=reason, remedy="no label or option is so long"), expr.span)
        return text

    def _text(self, expr: ast.Expr) -> str:
        value = self(expr)
        if isinstance(value, (int, str)) and not isinstance(value, bool):
            return str(value)
        self.fail(not_a("number", value, "a number or a text"), expr.span)

    def _sequence(self, expr: ast.Sequence) -> tuple[Static, ...]:
        return self._counted(tuple(map(self, expr.items)), expr.span)

    def _counted(self, values: tuple[Static, ...], span: Span) -> tuple[Static, ...]:
        """A list that was made, which counts towards the limit."""
        self.frame.elaborator.count_items(self.frame, values, span)
        return values

    def _member(self, expr: ast.Member) -> Static:
        owner: Any = None
        if isinstance(expr.value, ast.Name):
            label = self.frame.label(expr.value.id)  # a label shadows a parameter of its name here
            owner = label[0] if label else None
        owner = self(expr.value) if owner is None else owner
        if isinstance(owner, Labelled) and expr.name in owner.members:
            return owner.members[expr.name]
        if isinstance(owner, (Labelled, Value, NodeRef)):
            if expr.name in SHAPE_FACTS:
                return self._shape_fact(owner, expr.name, expr)
            if isinstance(owner, (Labelled, NodeRef)):
                return self._fact(owner, expr)
        self.fail(
            UnknownMember(owner=expr.value.span.text, name=expr.name, remedy=f"{describe(owner)} has no members"),
            expr.name_span,
        )

    def _shape_fact(self, owner: Labelled | Value | NodeRef, name: str, expr: ast.Member) -> Static:
        if isinstance(owner, NodeRef):
            type = self.frame.elaborator.types[owner.module][owner.node]
        else:
            type = owner.value.type if isinstance(owner, Labelled) else owner.type
        if not type.known:
            raise Failed
        if name == "shape":
            return type.shape
        if name == "rank":
            return type.rank
        if name == "elements":
            return type.elements
        if name == "dtype":
            return type.dtype
        if not type.shape:
            self.fail(
                UnknownMember(owner=expr.value.span.text, name="channels", remedy="a scalar has no axes"),
                expr.name_span,
            )
        return type.shape[0]

    def _fact(self, owner: Labelled | NodeRef, expr: ast.Member) -> Static:
        name, node = expr.name, owner
        if self.facts is None:
            if name in FACTS:
                self.fail(FactsOnlyInAssert(name=name), expr.name_span)
            if isinstance(owner, Labelled) and not owner.value.type.known:
                raise Failed  # it labels a mistake
            members = [*SHAPE_FACTS, *getattr(owner, "members", ())]
            close = self.frame.elaborator.diagnostics.nearest(name, members)
            remedy = f"did you mean `{close}`?" if close else f"there are: {', '.join(members)}"
            self.fail(UnknownMember(owner=expr.value.span.text, name=name, remedy=remedy), expr.name_span)
        if isinstance(owner, Labelled):
            if not owner.value.type.known and owner.node is None:
                raise Failed  # it labels a mistake
            if owner.node is None:
                if name in FACTS:
                    return 0  # it passes its input on
                if name == "output":
                    return self._shape_fact(node, "shape", expr)
                self.fail(
                    UnknownMember(owner=owner.name, name=name, remedy="it passes its input on"),
                    expr.name_span,
                )
            owner = NodeRef(owner.value.home.name, owner.node)
        if name in FACTS:
            return self.facts(owner, name)
        inner = self.frame.elaborator.inside(owner, name)
        if isinstance(inner, NodeRef):
            return inner
        if name == "output":  # where nothing inside has that name: the shape, as in the table
            return self._shape_fact(node, "shape", expr)
        close = self.frame.elaborator.diagnostics.nearest(name, [*FACTS, *SHAPE_FACTS, *inner])
        remedy = f"did you mean `{close}`?" if close else f"facts: {', '.join(FACTS)}"
        self.fail(UnknownMember(owner=expr.value.span.text, name=name, remedy=remedy), expr.name_span)

    def _items(self, expr: ast.Expr) -> tuple[Static, ...]:
        value = self(expr)
        if isinstance(value, tuple):
            return value
        self.fail(not_a("list", value), expr.span)

    def _index(self, expr: ast.Index) -> Static:
        items, index = self._items(expr.value), self.integer(expr.index)
        if not -len(items) <= index < len(items):
            count = "1 value" if len(items) == 1 else f"{len(items)} values"
            rule = f"indexes go from 0 to {len(items) - 1}" if items else "an empty list has none"
            self.fail(OutOfRange(index=index, count=count, rule=rule), expr.index.span)
        return items[index]

    def _slice(self, expr: ast.Slice) -> tuple[Static, ...]:
        start = self.integer(expr.start) if expr.start else None
        stop = self.integer(expr.stop) if expr.stop else None
        return self._counted(self._items(expr.value)[start:stop], expr.span)

    def _minus(self, expr: ast.Minus) -> Static:
        return -self.number(expr.value)

    def _arithmetic(self, expr: ast.Arithmetic) -> Static:
        total = self.number(expr.operands[0])
        for operator, operand in zip(expr.operators, expr.operands[1:], strict=True):
            other = self.number(operand)
            try:
                total = _compute(operator, total, other)
            except (ArithmeticError, ValueError, TypeError) as error:
                reason = "division by zero" if isinstance(error, ZeroDivisionError) else str(error)
                remedy = f"{show(total)} {operator} {show(other)} has no value"
                self.fail(BadOperation(reason=reason, remedy=remedy), operand.span)
        return total

    def _comparison(self, expr: ast.Comparison) -> bool | Undecided:
        return _all(self._comparisons(expr))

    def _comparisons(self, expr: ast.Comparison) -> Iterator[bool | Undecided]:
        left = self.side(expr.operands[0])
        for operator, operand in zip(expr.operators, expr.operands[1:], strict=True):
            right = self.side(operand)
            yield self._compare(operator, left, right, operand.span)
            left = right

    def side(self, expr: ast.Expr) -> Static:
        """One side of a comparison: a loop's index stays one, so that it can narrow its range, and a `_` in a list
        stands for any size."""
        if isinstance(expr, ast.Sequence):
            return self._counted(tuple([ANY if self._is_any(item) else self(item) for item in expr.items]), expr.span)
        return self._lookup(expr) if isinstance(expr, ast.Name) else self(expr)

    def _is_any(self, expr: ast.Expr) -> bool:
        """Whether it is a `_` that no loop has as its index."""
        return isinstance(expr, ast.Name) and expr.id == "_" and "_" not in self.frame.env

    def _compare(self, operator: str, left: Static, right: Static, span: Span) -> bool | Undecided:
        if isinstance(left, LoopIndex) and operator != "in" and isinstance(right, (int, float)):
            return left.compare(operator, right)
        if isinstance(right, LoopIndex) and operator != "in" and isinstance(left, (int, float)):
            return right.compare(_MIRRORED[operator], left)
        left = left.pin() if isinstance(left, LoopIndex) else left
        right = right.pin() if isinstance(right, LoopIndex) else right
        if operator == "==":
            return equal(left, right)
        if operator == "!=":
            return _negated(equal(left, right))
        if operator == "in":
            if isinstance(right, tuple):
                return _any(equal(left, value) for value in right)
            self.fail(not_a("list", right), span)
        for value in (left, right):
            if isinstance(value, bool) or not isinstance(value, (int, float, Expr)):
                self.fail(not_a("number", value, "numbers to compare"), span)
        if isinstance(left, Expr) or isinstance(right, Expr):
            return _ordered(operator, left, right)
        return bool(_ORDER[operator](left, right))

    def _negation(self, expr: ast.Negation) -> bool | Undecided:
        return _negated(self._verdict(expr.value))

    def _logic(self, expr: ast.Logic) -> bool | Undecided:
        return (_any if expr.operator == "or" else _all)(map(self._verdict, expr.operands))

    def _conditional(self, expr: ast.Conditional) -> Static:
        return self(expr.then if self.truth(expr.test) else expr.otherwise)

    def _function(self, expr: ast.Function) -> Static:
        function = FUNCTIONS.get(expr.name.id)
        if function is None:
            self.fail(UnknownFunction(name=expr.name.id, known=", ".join(FUNCTIONS)), expr.name.span)
        arguments = [self(a) for a in expr.arguments]
        try:
            value = function(*arguments)
        except (TypeError, ValueError, ArithmeticError) as error:
            usage = (function.__doc__ or "").split(":")[0]
            reason = str(error) if _takes(function, arguments) else f"`{expr.name.id}` takes other arguments"
            self.fail(BadOperation(reason=reason, remedy=f"usage: `{usage}`"), expr.span)
        return self._counted(value, expr.span) if isinstance(value, tuple) else value


def _any(verdicts: Iterable[bool | Undecided]) -> bool | Undecided:
    """Whether one is true, as far as is known."""
    undecided: list[Undecided] = []
    for verdict in verdicts:
        if verdict is True:
            return True
        if verdict is not False:
            undecided.append(verdict)
    if not undecided:
        return False
    from netspec.elaborate.undecided import either  # few sizes are compared before they have values

    return either(undecided)


def _all(verdicts: Iterable[bool | Undecided]) -> bool | Undecided:
    """Whether all are true, as far as is known."""
    return _negated(_any(map(_negated, verdicts)))


def _negated(verdict: bool | Undecided) -> bool | Undecided:
    return verdict.negated() if isinstance(verdict, Undecided) else not verdict


def equal(left: Static, right: Static) -> bool | Undecided:
    """Whether two values are equal, at all sizes, at none, or at some; a `_` in a list equals any."""
    if left is ANY or right is ANY:
        return True
    if isinstance(left, tuple) and isinstance(right, tuple):
        return len(left) == len(right) and _all([equal(a, b) for a, b in zip(left, right, strict=True)])
    if not isinstance(left, Expr) and not isinstance(right, Expr):
        return bool(left == right)
    left, right = (int(v) if isinstance(v, float) and v.is_integer() else v for v in (left, right))
    if any(isinstance(v, bool) or not isinstance(v, (int, Expr)) for v in (left, right)):
        return False
    return unheard(lambda: _at_sizes(left, "==", right))


def _ordered(operator: str, left: Any, right: Any) -> bool | Undecided:
    """Whether an order holds at all sizes, at none, or at some."""
    if isinstance(right, float):
        right = math.ceil(right) if operator in ("<", ">=") else math.floor(right)
    if isinstance(left, float):
        left = math.floor(left) if operator in ("<", ">=") else math.ceil(left)
    return unheard(lambda: _at_sizes(left, operator, right))


def _at_sizes(left: Dim, operator: str, right: Dim) -> bool | Undecided:
    """Whether a comparison of which one side is open holds."""
    if left == right if operator == "==" else _ORDER[operator](left, right):
        return True
    from netspec.elaborate.undecided import may_hold

    return Undecided(((left, operator, right),)) if may_hold(left, operator, right) else False


def _takes(function: Callable[..., Any], arguments: list[Any]) -> bool:
    """Whether a function takes so many arguments."""
    from inspect import signature  # only on the way to an error

    try:
        signature(function).bind(*arguments)
    except TypeError:
        return False
    return True


def _compute(operator: str, a: Any, b: Any) -> Any:
    if isinstance(a, Expr) or isinstance(b, Expr):
        return _of_sizes(operator, a, b)
    if operator == "+":
        result = a + b
    elif operator == "-":
        result = a - b
    elif operator == "*":
        result = a * b
    elif operator == "/":
        result = a / b
    elif operator == "//":
        result = a // b
    elif operator == "%":
        result = a % b
    else:
        if abs(b) > 256 or (
            isinstance(a, int) and isinstance(b, int) and abs(a) > 1 and b * math.log10(abs(a)) > limits.INTEGER_DIGITS
        ):
            raise ValueError("the power is too large")
        result = a**b
        if isinstance(result, complex):
            raise ValueError("a root of a negative number")
    return _bounded(result)


def _of_sizes(operator: str, a: Any, b: Any) -> Dim:
    """The same where one of them is symbolic."""
    if operator == "/":
        raise ValueError("sizes are whole numbers: use // to divide them")
    a, b = _whole(a), _whole(b)
    if operator == "**":
        if not isinstance(b, int) or not 0 <= b <= 16:
            raise ValueError("powers of symbolic sizes are whole numbers from 0 to 16")
        return product([a] * b)
    result: Dim = _OF_SIZES[operator](a, b)
    return result


def _whole(value: Any) -> Dim:
    """A number that is computed with together with a symbolic size."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, float):
        raise ValueError(f"sizes are whole numbers, and {value} is none")
    return value  # type: ignore[no-any-return]


def _bounded(value: Any) -> Any:
    if isinstance(value, int) and abs(value) >= LARGEST:
        raise ValueError(f"the number has more than {limits.INTEGER_DIGITS} digits")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("the number is too large")
    return value


def _numbers(values: tuple[Any, ...]) -> tuple[Any, ...]:
    flat = values[0] if len(values) == 1 and isinstance(values[0], tuple) else values
    for value in flat:
        if isinstance(value, bool) or not isinstance(value, (int, float, Expr)):
            raise TypeError(f"{describe(value)} is not a number")
    if not flat:
        raise ValueError("there are no values")
    return tuple(flat)


def _min(*values: Any) -> Any:
    """min(a, b, ...): the least; of a list too"""
    return _fold(minimum, min, _numbers(values))


def _max(*values: Any) -> Any:
    """max(a, b, ...): the greatest; of a list too"""
    return _fold(maximum, max, _numbers(values))


def _fold(symbolic: Callable[[Dim, Dim], Dim], plain: Callable[[Any], Any], values: tuple[Any, ...]) -> Any:
    if not any(isinstance(v, Expr) for v in values):
        return plain(values)
    total = _whole(values[0])
    for value in values[1:]:
        total = symbolic(total, _whole(value))
    return total


def _sum(values: Any) -> Any:
    """sum(list): the sum of its numbers, 0 of none"""
    if not isinstance(values, tuple):
        raise TypeError(f"{describe(values)} is not a list")
    total: Any = 0
    for value in _numbers((values,)) if values else ():
        total = _compute("+", total, value)
    return total


def _len(values: Any) -> int:
    """len(list): how many values it has"""
    if not isinstance(values, tuple):
        raise TypeError(f"{describe(values)} is not a list")
    return len(values)


def _range(first: int, stop: int | None = None, step: int = 1, /) -> tuple[int, ...]:
    """range(stop) or range(start, stop, step): whole numbers"""
    start, stop = (0, first) if stop is None else (first, stop)
    for value in (start, stop, step):
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"{describe(value)} is not a whole number")
    if step == 0:
        raise ValueError("the step is 0")
    numbers = range(start, stop, step)
    if abs(numbers.stop - numbers.start) // abs(numbers.step) > limits.ITEMS:
        raise ValueError(f"more than {limits.ITEMS:,} values")
    return tuple(numbers)


def _zip(*lists: Any) -> tuple[Any, ...]:
    """zip(a, b, ...): first values together, second values together, ..."""
    for values in lists:
        if not isinstance(values, tuple):
            raise TypeError(f"{describe(values)} is not a list")
    if len({len(v) for v in lists}) > 1:
        raise ValueError(f"the lists have {', '.join(str(len(v)) for v in lists)} values")
    return tuple(zip(*lists, strict=True))


def _enumerate(values: Any) -> tuple[Any, ...]:
    """enumerate(list): (0, first), (1, second), ..."""
    if not isinstance(values, tuple):
        raise TypeError(f"{describe(values)} is not a list")
    return tuple(enumerate(values))


def _int(value: Any) -> Any:
    """int(x): x without its fraction"""
    return value if isinstance(value, Expr) else _bounded(int(_numbers((value,))[0]))


def _ceil(value: Any) -> Any:
    """ceil(x): the least whole number that is not below x"""
    return value if isinstance(value, Expr) else _bounded(math.ceil(_numbers((value,))[0]))


def _abs(value: Any) -> Any:
    """abs(x): x without its sign"""
    if isinstance(value, Expr):
        raise TypeError("a symbolic size has no known sign")
    return abs(_numbers((value,))[0])


def _round(value: Any) -> Any:
    """round(x): the nearest whole number, of two the even one"""
    return value if isinstance(value, Expr) else _bounded(round(_numbers((value,))[0]))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "min": _min, "max": _max, "sum": _sum, "len": _len, "range": _range, "zip": _zip, "enumerate": _enumerate,
    "int": _int, "ceil": _ceil, "round": _round, "abs": _abs,
}  # fmt: skip

_MIRRORED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_OF_SIZES: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
}  # fmt: skip
_ORDER: dict[str, Callable[[Any, Any], Any]] = {
    "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
}  # fmt: skip
_RULES: dict[type, Callable[[Evaluator, Any], Static]] = {
    ast.Name: Evaluator._name, ast.Number: Evaluator._constant, ast.Boolean: Evaluator._constant,
    ast.String: Evaluator._string, ast.Sequence: Evaluator._sequence, ast.Member: Evaluator._member,
    ast.Index: Evaluator._index, ast.Slice: Evaluator._slice, ast.Function: Evaluator._function,
    ast.Minus: Evaluator._minus, ast.Arithmetic: Evaluator._arithmetic, ast.Comparison: Evaluator._comparison,
    ast.Negation: Evaluator._negation, ast.Logic: Evaluator._logic, ast.Conditional: Evaluator._conditional,
}  # fmt: skip
