"""`where` of an input: what its symbols may be. `H % 32 == 0`, `H >= 64`, `64 <= H <= 1024`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from math import gcd
from typing import Any, NamedTuple

from netspec.diagnostics import Label
from netspec.elaborate.frame import Frame
from netspec.elaborate.symbolic import ON_COMMAND
from netspec.elaborate.undecided import may_hold, written
from netspec.elaborate.values import Failed
from netspec.ir.dims import Dim, Symbol, common_remainder, ranged
from netspec.problems.claims import ConditionFails
from netspec.problems.structure import BadCondition, NoSizes
from netspec.source import SourceFile, Span
from netspec.syntax import ast
from netspec.syntax.parser import parse_expression

_MIRRORED = {"==": "==", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


class Condition(NamedTuple):
    """`name % divisor == number`, or `name >= number`, or `name <= number`."""

    name: str
    kind: str  # %, >= or <=
    number: int
    divisor: int
    span: Span

    @property
    def text(self) -> str:
        return " ".join(self.span.text.split())

    def left(self, size: Dim) -> Dim:
        """What is compared, of a size."""
        return size % self.divisor if self.kind == "%" else size

    def comparison(self, size: Dim) -> tuple[Dim, str, int]:
        """The comparison that must hold of a size."""
        return self.left(size), "==" if self.kind == "%" else self.kind, self.number

    def holds(self, size: Dim) -> bool:
        """Whether a size is known to meet it."""
        left = self.left(size)
        if self.kind == "%":
            return left == self.number
        return left >= self.number if self.kind == ">=" else left <= self.number


def read(statement: ast.Input, frame: Frame, symbols: Collection[str]) -> list[Condition] | None:
    """The conditions of an input on some of its symbols; None where one is none, which is told."""
    found: list[Condition] = []
    sound = True
    for expr in statement.conditions:
        reader = _Reader(frame, symbols, expr)
        try:
            found += reader.conditions()
        except Failed:
            sound = False
        sound = sound and reader.sound
    return found if sound else None


def of_command(text: str, frame: Frame) -> list[Condition]:
    """The conditions of `--symbolic "width % 8 == 0 and width >= 16"`. Raises Failed where one is none, which is
    told."""
    expr, mistakes = parse_expression(SourceFile(ON_COMMAND, text))
    for mistake in mistakes:
        frame.elaborator.diagnostics.add(mistake)
    if expr is None:
        raise Failed
    parts = expr.operands if isinstance(expr, ast.Logic) and expr.operator == "and" else (expr,)
    names = [name for name in dict.fromkeys(_names(expr)) if _is_open(name, frame)]
    found: list[Condition] = []
    for part in parts:
        reader = _CommandReader(frame, names, part)
        found += reader.conditions()
        if not reader.sound:
            raise Failed
    return found


def _is_open(name: str, frame: Frame) -> bool:
    """Whether a name on the command line is that of a parameter, or may be that of a size."""
    parameters = [parameter.name.id for parameter in frame.calls[-1][0].parameters]
    return name in parameters or frame.definitions.owner(name) is None


class _Reader:
    """One of the expressions after `where`."""

    forms = "conditions are written `H % 32 == 0`, `H >= 64` or `64 <= H <= 1024`, separated by commas"
    joint = "separate conditions by commas"
    same = "one name for both makes two sizes equal: `[3, H, H]`"
    fixed = "write {number} into the shape in place of {name}"

    def __init__(self, frame: Frame, symbols: Collection[str], expr: ast.Expr) -> None:
        self.frame = frame
        self.symbols = symbols
        self.expr = expr
        self.sound = True

    def conditions(self) -> Iterator[Condition]:
        expr = self.expr
        if isinstance(expr, ast.Logic) and expr.operator == "and":
            self._refuse("this is more than one condition", self.joint)
        elif not isinstance(expr, ast.Comparison):
            self._refuse("this compares no symbol with a number", self.forms)
        else:
            pairs = zip(expr.operands, expr.operators, expr.operands[1:], strict=False)
            for left, operator, right in pairs:
                yield from self._pair(left, operator, right)

    def _refuse(self, reason: str, remedy: str) -> None:
        self.sound = False
        self.frame.report(BadCondition(reason=reason, remedy=remedy), self.expr.span)

    def _pair(self, left: ast.Expr, operator: str, right: ast.Expr) -> Iterator[Condition]:
        """The condition that two neighbours of a comparison are."""
        used = [name for name in self.symbols if name in set(_names(left)) | set(_names(right))]
        if not used:
            return self._refuse(*self._without_symbol([*_names(left), *_names(right)]))
        if len(used) > 1:
            remedy = self.same if operator == "==" else self.forms
            return self._refuse(f"this is about two symbols, {used[0]} and {used[1]}", remedy)
        if used[0] in _names(right):
            left, operator, right = right, _MIRRORED.get(operator, operator), left
        divisor = _divided(left)
        if used[0] in _names(right) or not (isinstance(left, ast.Name) or divisor is not None):
            return self._refuse(f"{used[0]} does not stand alone", self.forms)
        yield from self._condition(used[0], divisor, operator, right)

    def _without_symbol(self, others: list[str]) -> tuple[str, str]:
        """What is wrong with a comparison of other names only, and the remedy."""
        known = ", ".join(f"`{name}`" for name in self.symbols)
        remedy = f"symbols of this shape: {known}" if known else "a symbol is a capitalised name: `[3, H, W]`"
        if others and others[0] in self.frame.elaborator.declared:
            remedy = f"`{others[0]}` is declared by another input: its conditions stand there"
        elif others:
            remedy += f"; of `{others[0]}`, `assert` makes a claim"
        return "this is about no symbol that this shape declares", remedy

    def _condition(self, name: str, divisor: ast.Expr | None, operator: str, right: ast.Expr) -> Iterator[Condition]:
        number = self.frame.evaluate.integer(right)
        if divisor is None:
            kind = {"<": "<=", ">": ">="}.get(operator, operator)
            if kind not in ("<=", ">="):
                remedy = self.fixed.format(name=name, number=number) if operator == "==" else self.forms
                return self._refuse(f"`{operator}` makes no range", remedy)
            number += {"<": -1, ">": 1}.get(operator, 0)
            yield Condition(name, kind, number, 1, self.expr.span)
            return
        by = self.frame.evaluate.integer(divisor)
        if by < 1:
            return self._refuse(f"nothing is divided by {by}", "a divisor is a whole number above 0")
        if operator != "==":
            return self._refuse(f"`{operator}` names no remainder", f"a remainder is one number: `{name} % {by} == 0`")
        if not 0 <= number < by:
            rule = f"remainders by {by} are 0 to {by - 1}" if by > 1 else "the remainder by 1 is 0"
            return self._refuse(f"no remainder by {by} is {number}", rule)
        yield Condition(name, "%", number, by, self.expr.span)


class _CommandReader(_Reader):
    """One of the conditions of `--symbolic`."""

    forms = "conditions are written `width % 8 == 0`, `width >= 16` or `16 <= width <= 512`, joined by `and`"
    joint = same = forms
    fixed = "`--set {name}={number}` gives it a value"

    def _without_symbol(self, others: list[str]) -> tuple[str, str]:
        return "this is about no parameter and no size of an input", self.forms


def _divided(expr: ast.Expr) -> ast.Expr | None:
    """x of `H % x`."""
    if isinstance(expr, ast.Arithmetic) and expr.operators == ("%",) and isinstance(expr.operands[0], ast.Name):
        return expr.operands[1]
    return None


def _names(node: Any) -> list[str]:
    """The names in an expression."""
    found: list[str] = []
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, ast.Name):
            found.append(one.id)
        elif isinstance(one, tuple):
            waiting += reversed(one)
        elif isinstance(one, ast.Node):
            waiting += [getattr(one, field) for field in reversed(type(one).fields)]
    return found


def declared(name: str, conditions: Sequence[Condition], frame: Frame, low: int = 1) -> Symbol | None:
    """A symbol from `low` on with the conditions on it; None where one cannot be met with those before it, which is
    told."""
    known = Symbol(name, low)
    for place, condition in enumerate(conditions):
        narrowed = _narrowed(known, condition)
        if narrowed is None:
            before = [other for other in conditions[:place] if other.span != condition.span]
            problem = NoSizes(name=name, condition=condition.text, remedy=_what_fits(known, condition))
            frame.report(problem, condition.span, *(Label(other.span, "with this one") for other in before))
            return None
        known = narrowed
    return known


def _narrowed(known: Symbol, condition: Condition) -> Symbol | None:
    """The symbol with one condition more; None where it has no values left."""
    name, low, high, divisor, remainder = known
    try:
        if condition.kind == ">=":
            low = max(low, condition.number)
        elif condition.kind == "<=":
            high = condition.number if high is None else min(high, condition.number)
        else:
            divisor, remainder = common_remainder((divisor, remainder), (condition.divisor, condition.number))
        return ranged(name, low, high, divisor, remainder)
    except ValueError:
        return None


def _what_fits(known: Symbol, condition: Condition) -> str:
    """What to write in place of a condition that no size of a symbol meets."""
    if condition.kind == "%":
        shared = gcd(known.divisor, condition.divisor)
        if shared > 1 and (condition.number - known.remainder) % shared:
            return f"by those before it, {known.name} % {shared} is {known.remainder % shared}"
        return f"take one of them away, or make the range of {known.name} wider"
    if condition.kind == "<=":
        return f"the least size that meets the others is {known.low}"
    return f"the greatest size that meets the others is {known.high}"


def check(
    size: Dim, known: Symbol, conditions: Sequence[Condition], frame: Frame, at: Span | None, outside: bool = False
) -> bool:
    """Whether a size is known to meet each of the conditions on a symbol; if not, that is told.

    at: what gives it, the call that led here where it comes from `outside`; None for `--set`."""
    for condition in conditions:
        if condition.holds(size):
            continue
        left, operator, number = condition.comparison(size)
        remainder = condition.kind == "%" and isinstance(size, int)
        shown = f"{size} % {condition.divisor}" if remainder else written(left)
        problem = ConditionFails(
            compared=(left, operator, number),
            name=f"the {known.name} of `{frame.calls[-1][0].name}`" if outside else known.name,
            size=size,
            condition=condition.text,
            shown=f"{shown} {_broken(left, operator, number)}",
            remedy=_nearest(size, known),
        )
        if at is None:
            frame.report(problem, condition.span)
        else:
            frame.report(problem, at, Label(condition.span, "declared here"), outside=outside)
        return False
    return True


def _broken(left: Dim, operator: str, number: int) -> str:
    """What is said of the left side of a comparison that is not known to hold."""
    if operator == "==":
        return f"is {left}, not {number}" if isinstance(left, int) else f"is not {number} at every size"
    verb = "may be" if may_hold(left, operator, number) else "is"
    return f"{verb} {'less' if operator == '>=' else 'more'} than {number}"


def _nearest(size: Dim, known: Symbol) -> str:
    """The sizes next to one that a symbol may be."""
    if not isinstance(size, int):
        return "change what comes in, or the condition"
    below = size - (size - known.remainder) % known.divisor
    if known.high is not None:
        below = min(below, known.high)
    above = max(size + (known.remainder - size) % known.divisor, known.low)
    near = [below] if below >= known.low else []
    near += [above] if known.high is None or above <= known.high else []
    return f"the nearest {'sizes are' if len(near) > 1 else 'size is'} {' and '.join(map(str, near))}"
