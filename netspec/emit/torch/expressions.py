"""Expressions of a spec as expressions of Python, trees of its `ast` module: to write, and to compute for a check."""

from __future__ import annotations

import ast as py
import builtins
import keyword
import math
import operator as op
import re
from collections.abc import Callable, Mapping
from typing import Any

from netspec.syntax import ast

Sizes = Callable[[ast.Member], py.expr | None]
Names = Callable[[str], py.expr | None]

_ARITHMETIC = {"+": py.Add, "-": py.Sub, "*": py.Mult, "/": py.Div, "//": py.FloorDiv, "%": py.Mod, "**": py.Pow}
_COMPARE = {"==": py.Eq, "!=": py.NotEq, "<": py.Lt, "<=": py.LtE, ">": py.Gt, ">=": py.GtE, "in": py.In}
_COMPUTE: dict[Any, Callable[[Any, Any], Any]] = {
    py.Add: op.add, py.Sub: op.sub, py.Mult: op.mul, py.Div: op.truediv, py.FloorDiv: op.floordiv, py.Mod: op.mod,
    py.Pow: op.pow, py.Eq: op.eq, py.NotEq: op.ne, py.Lt: op.lt, py.LtE: op.le, py.Gt: op.gt, py.GtE: op.ge,
}  # fmt: skip
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "min": min, "max": max, "abs": abs, "len": len, "sum": sum, "int": int, "round": round,
}  # fmt: skip
# names that mean something else in the generated file
_TAKEN = frozenset({"self", "torch", "nn", "F", "math", "Tensor", "OrderedDict", "x", *dir(builtins)})


def is_attribute(name: str) -> bool:
    """Whether `self.name` can be written."""
    return name.isidentifier() and not keyword.iskeyword(name)


def attribute(name: str, kind: str = "submodule") -> str:
    """An attribute of a module, also where its name cannot be written as one."""
    return f"self.{name}" if is_attribute(name) else f'self.get_{kind}("{name}")'


def safe_name(name: str) -> str:
    """A name of a spec as one of Python's that means nothing else."""
    if name.startswith("__"):
        return f"name{name.rstrip('_')}"
    return f"{name}_" if keyword.iskeyword(name) or keyword.issoftkeyword(name) or name in _TAKEN else name


def class_name(name: str) -> str:
    """conv_bn -> ConvBn"""
    words = [word for word in name.split("_") if word]
    camel = "".join(word[0].upper() + word[1:] for word in words)
    if not camel or camel[0].isdigit():
        camel = f"Block{camel}"
    return f"{camel}Block" if keyword.iskeyword(camel) or camel in _TAKEN else camel


def net_class(name: str) -> str:
    """The name of a net's class: the net's own, if that means nothing else."""
    if keyword.iskeyword(name) or name in _TAKEN or name.startswith("__"):
        return f"{name.strip('_')}Net"
    return name


def constant(value: Any) -> py.expr:
    """A value as an expression."""
    if isinstance(value, tuple):
        return py.Tuple([constant(item) for item in value], py.Load())
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value < 0:
        return py.UnaryOp(py.USub(), py.Constant(-value))
    return py.Constant(value)


def translate(expr: ast.Expr, names: Names, sizes: Sizes) -> py.expr | None:
    """The expression in Python, or None where it has something that Python does not know here."""

    def all_of(parts: tuple[ast.Expr, ...]) -> list[py.expr] | None:
        made = [translate(part, names, sizes) for part in parts]
        return None if None in made else made  # type: ignore[return-value]

    if isinstance(expr, (ast.Number, ast.Boolean)):
        return constant(expr.value)
    if isinstance(expr, ast.Name):
        return names(expr.id)
    if isinstance(expr, ast.Member):
        return sizes(expr)
    if isinstance(expr, ast.Sequence):
        items = all_of(expr.items)
        return None if items is None else py.Tuple(items, py.Load())
    if isinstance(expr, ast.Arithmetic):
        operands = all_of(expr.operands)
        if operands is None:
            return None
        result = operands[0]
        for operator, operand in zip(expr.operators, operands[1:], strict=True):
            result = py.BinOp(result, _ARITHMETIC[operator](), operand)
        return result
    if isinstance(expr, ast.Minus):
        value = translate(expr.value, names, sizes)
        return None if value is None else py.UnaryOp(py.USub(), value)
    if isinstance(expr, ast.Negation):
        value = translate(expr.value, names, sizes)
        return None if value is None else py.UnaryOp(py.Not(), value)
    if isinstance(expr, ast.Comparison):
        operands = all_of(expr.operands)
        if operands is None:
            return None
        return py.Compare(operands[0], [_COMPARE[o]() for o in expr.operators], operands[1:])
    if isinstance(expr, ast.Logic):
        operands = all_of(expr.operands)
        return None if operands is None else py.BoolOp(py.And() if expr.operator == "and" else py.Or(), operands)
    if isinstance(expr, ast.Conditional):
        parts = all_of((expr.test, expr.then, expr.otherwise))
        return None if parts is None else py.IfExp(*parts)
    if isinstance(expr, ast.Index):
        parts = all_of((expr.value, expr.index))
        return None if parts is None else py.Subscript(parts[0], parts[1], py.Load())
    if isinstance(expr, ast.Function) and expr.name.id in (*_FUNCTIONS, "ceil"):
        parts = all_of(expr.arguments)
        if parts is None:
            return None
        name = py.Name(expr.name.id, py.Load())
        function: py.expr = (
            py.Attribute(py.Name("math", py.Load()), "ceil", py.Load()) if expr.name.id == "ceil" else name
        )
        return py.Call(function, parts, [])
    return None


class Unknown(Exception):
    """A name in an expression has no value."""


def value_of(expr: py.expr, names: Mapping[str, Any]) -> Any:
    """The value of a translated expression. Raises Unknown, and what arithmetic raises."""
    if isinstance(expr, py.Constant):
        return expr.value
    if isinstance(expr, py.Name):
        if expr.id not in names:
            raise Unknown(expr.id)
        return names[expr.id]
    if isinstance(expr, py.Tuple):
        return tuple(value_of(item, names) for item in expr.elts)
    if isinstance(expr, py.UnaryOp):
        value = value_of(expr.operand, names)
        return not value if isinstance(expr.op, py.Not) else -value
    if isinstance(expr, py.BinOp):
        return _arithmetic(expr.op, value_of(expr.left, names), value_of(expr.right, names))
    if isinstance(expr, py.BoolOp):
        test = all if isinstance(expr.op, py.And) else any
        return test(value_of(value, names) for value in expr.values)
    if isinstance(expr, py.Compare):
        left = value_of(expr.left, names)
        for operator, operand in zip(expr.ops, expr.comparators, strict=True):
            right = value_of(operand, names)
            if not _compare(operator, left, right):
                return False
            left = right
        return True
    if isinstance(expr, py.IfExp):
        return value_of(expr.body if value_of(expr.test, names) else expr.orelse, names)
    if isinstance(expr, py.Subscript):
        return value_of(expr.value, names)[value_of(expr.slice, names)]
    if isinstance(expr, py.Call):
        arguments = [value_of(argument, names) for argument in expr.args]
        return math.ceil(*arguments) if isinstance(expr.func, py.Attribute) else _FUNCTIONS[expr.func.id](*arguments)  # type: ignore[attr-defined]
    raise TypeError(py.dump(expr))


def _arithmetic(operator: py.operator, a: Any, b: Any) -> Any:
    return _COMPUTE[type(operator)](a, b)


def _compare(operator: py.cmpop, a: Any, b: Any) -> bool:
    return bool(b.__contains__(a) if isinstance(operator, py.In) else _COMPUTE[type(operator)](a, b))


def names_in(expr: py.expr) -> list[str]:
    """The names that an expression needs, functions apart."""
    functions = {id(node.func) for node in py.walk(expr) if isinstance(node, py.Call)}
    found = [n.id for n in py.walk(expr) if isinstance(n, py.Name) and id(n) not in functions and n.id != "math"]
    return list(dict.fromkeys(found))


def substitute(expr: py.expr, values: Mapping[str, py.expr]) -> py.expr:
    """The expression with names replaced by expressions."""

    class Replace(py.NodeTransformer):
        def visit_Name(self, node: py.Name) -> py.expr:
            return values.get(node.id, node)

    copied: py.expr = py.parse(py.unparse(expr), mode="eval").body
    replaced: py.expr = Replace().visit(copied)
    return replaced


def text_of(expr: py.expr) -> str:
    """As formatters write it."""
    text = py.unparse(py.fix_missing_locations(expr))
    return re.sub(r"(?<![\w.)\]])(-?\w+) \*\* (\w+)(?![\w.(\[])", r"\1**\2", text)


def literal(value: Any) -> str:
    """A value as Python code."""
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, tuple):
        inside = ", ".join(map(literal, value))
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    return repr(value)


def nested(value: Any) -> str:
    """Numbers in tuples as Python code with lists."""
    return f"[{', '.join(map(nested, value))}]" if isinstance(value, tuple) else repr(value)
