"""At which values of one open symbol a claim holds. The claim is evaluated as an `assert` is, but where a comparison
depends on the symbol it is neither true nor false: it is the set of values at which it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from netspec.analysis.solving import at_least_zero, zero
from netspec.analysis.values import Values
from netspec.elaborate.expressions import Evaluator, FactLookup
from netspec.elaborate.frame import Frame
from netspec.elaborate.values import ANY, LoopIndex, Static, not_a
from netspec.ir.decide import Undecided
from netspec.ir.dims import Dim, Expr, Symbol
from netspec.source import Span
from netspec.syntax import ast

Truth: TypeAlias = bool | Values


class Share:
    """A size divided by a number above 0."""

    __slots__ = ("size", "whole")

    def __init__(self, size: Dim, whole: int) -> None:
        self.size = size
        self.whole = whole


class Conditions(Evaluator):
    """Evaluates claims to truth values, or to the values of `one` at which they are true. Raises Undecided where these
    cannot be told."""

    def __init__(self, frame: Frame, facts: FactLookup | None, one: Symbol) -> None:
        super().__init__(frame, facts)
        self.one = one

    def __call__(self, expr: ast.Expr) -> Static:
        rule = _RULES.get(type(expr))
        return rule(self, expr) if rule is not None else super().__call__(expr)

    def values(self, expr: ast.Expr) -> Values:
        """The values of the symbol at which a claim holds. Raises Failed, which has been reported, and Undecided."""
        return self._set(self._truth(expr, "a claim that is true or false"))

    def _truth(self, expr: ast.Expr, needed: str = "") -> Truth:
        value = self(expr)
        if isinstance(value, (bool, Values)):
            return value
        self.fail(not_a("truth", value, needed), expr.span)

    def _set(self, truth: Truth) -> Values:
        if isinstance(truth, bool):
            return Values.all(self.one) if truth else Values.none(self.one)
        return truth

    def _not(self, truth: Truth) -> Truth:
        return not truth if isinstance(truth, bool) else ~truth

    def _all(self, truths: Iterable[Truth]) -> Truth:
        """Where all of them hold; none is asked for after one that holds nowhere."""
        found: Truth = True
        for value in truths:
            found = self._set(found) & self._set(value) if isinstance(value, Values) or value is False else found
            if not found:
                return False
        return found

    # -- rules --------------------------------------------------------------------------------------

    def _negation(self, expr: ast.Negation) -> Static:
        return self._not(self._truth(expr.value))

    def _logic(self, expr: ast.Logic) -> Static:
        if expr.operator == "and":
            return self._all(self._truth(operand) for operand in expr.operands)
        return self._not(self._all(self._not(self._truth(operand)) for operand in expr.operands))

    def _conditional(self, expr: ast.Conditional) -> Static:
        test = self._truth(expr.test)
        if isinstance(test, bool):
            return self(expr.then if test else expr.otherwise)
        then, otherwise = self(expr.then), self(expr.otherwise)
        if not isinstance(then, (bool, Values)) or not isinstance(otherwise, (bool, Values)):
            raise Undecided
        return test & self._set(then) | ~test & self._set(otherwise)

    def _arithmetic(self, expr: ast.Arithmetic) -> Static:
        """Sizes times and divided by any numbers too, which have a place in claims: `macs / 1e9 <= 0.6`."""
        values = [self(operand) for operand in expr.operands]
        symbolic = any(isinstance(value, (Expr, Share)) for value in values) and all(map(is_number, values))
        fractions = "/" in expr.operators or any(isinstance(value, (float, Share)) for value in values)
        if not symbolic or not fractions:
            return super()._arithmetic(expr)
        size, whole = _parts(values[0])
        for operator, value in zip(expr.operators, values[1:], strict=True):
            other, parts = _parts(value)
            if operator == "/" and isinstance(other, int) and other:
                size, whole = size * parts * (1 if other > 0 else -1), whole * abs(other)
            elif operator == "*":
                size, whole = size * other, whole * parts
            elif operator in ("+", "-"):
                other = other * whole if operator == "+" else -other * whole
                size, whole = size * parts + other, whole * parts
            else:
                raise Undecided(f"`{operator}` of a fraction cannot be solved")
        return Share(size, whole)

    def _minus(self, expr: ast.Minus) -> Static:
        value = self(expr.value)
        return Share(-value.size, value.whole) if isinstance(value, Share) else super()._minus(expr)

    def _comparison(self, expr: ast.Comparison) -> Any:
        pairs = []
        left = self._value(expr.operands[0])
        for operator, operand in zip(expr.operators, expr.operands[1:], strict=True):
            right = self._value(operand)
            pairs.append((operator, left, right, operand.span))
            left = right
        return self._all(self._compared(*pair) for pair in pairs)

    def _value(self, expr: ast.Expr) -> Static:
        value = self.side(expr)
        return value.pin() if isinstance(value, LoopIndex) else value

    def _compared(self, operator: str, left: Static, right: Static, span: Span) -> Truth:
        if operator == "==":
            return self._equal(left, right)
        if operator == "!=":
            return self._not(self._equal(left, right))
        if operator == "in" and isinstance(right, tuple):
            return self._not(self._all(self._not(self._equal(left, item)) for item in right))
        if operator == "in" or not any(isinstance(side, (Expr, Share)) for side in (left, right)):
            return self._of_numbers(operator, left, right, span)
        if not is_number(left) or not is_number(right):
            return self._of_numbers(operator, left, right, span)  # which tells the mistake
        if operator in (">", ">="):
            left, right, operator = right, left, "<" if operator == ">" else "<="
        return at_least_zero(gap(left, right, strictly=operator == "<"), self.one)

    def _of_numbers(self, operator: str, left: Static, right: Static, span: Span) -> bool:
        """A comparison that does not depend on sizes."""
        found = self._compare(operator, left, right, span)
        if not isinstance(found, bool):
            raise Undecided
        return found

    def _equal(self, left: Static, right: Static) -> Truth:
        if left is ANY or right is ANY:
            return True
        if isinstance(left, tuple) and isinstance(right, tuple):
            if len(left) != len(right):
                return False
            return self._all(self._equal(a, b) for a, b in zip(left, right, strict=True))
        if isinstance(left, Values) or isinstance(right, Values):
            raise Undecided
        if not any(isinstance(side, (Expr, Share)) for side in (left, right)):
            return bool(left == right)
        if not is_number(left) or not is_number(right):
            return False
        return zero(gap(left, right), self.one)


def gap(small: Any, large: Any, strictly: bool = False) -> Dim:
    """What is 0 or more just where `small` is at most, or strictly below, `large`."""
    (a, p), (b, q) = _parts(small), _parts(large)
    difference: Dim = b * p - a * q
    return difference - 1 if strictly else difference


def is_number(value: Static) -> bool:
    """Whether it is a number or a size."""
    return isinstance(value, (int, float, Expr, Share)) and not isinstance(value, bool)


def _parts(value: Any) -> tuple[Any, int]:
    """A number or size as a whole one and what divides it."""
    if isinstance(value, float):
        return value.as_integer_ratio()
    return (value.size, value.whole) if isinstance(value, Share) else (value, 1)


_RULES: dict[type, Callable[[Conditions, Any], Static]] = {
    ast.Comparison: Conditions._comparison, ast.Negation: Conditions._negation, ast.Logic: Conditions._logic,
    ast.Conditional: Conditions._conditional, ast.Arithmetic: Conditions._arithmetic, ast.Minus: Conditions._minus,
}  # fmt: skip
