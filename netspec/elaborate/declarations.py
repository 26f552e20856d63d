"""`input` statements: the inputs of the net being checked, and those that a block or net takes from its caller."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from netspec.diagnostics import Label
from netspec.elaborate.frame import Frame
from netspec.elaborate.symbolic import is_left_open
from netspec.elaborate.values import POISON, Failed, Labelled, describe
from netspec.ir.dims import Dim, Expr, Symbol, symbol
from netspec.ir.network import Input
from netspec.ir.types import DTYPE_BYTES, UNKNOWN, TensorType
from netspec.problems.claims import ShapeClaimFails
from netspec.problems.names import NotAValue, UnknownDtype
from netspec.problems.structure import NotHere, NoValue, WrongInputs
from netspec.source import Span
from netspec.syntax import ast

if TYPE_CHECKING:
    from netspec.elaborate.conditions import Condition
    from netspec.elaborate.elaborator import Elaborator


def declare_input(elaborator: Elaborator, statement: ast.Input, frame: Frame) -> None:
    """`input name: shape`: the net's own, or the next value that the caller of a block or net gives."""
    owner = frame.calls[-1][0]
    span = statement.span
    if not frame.outermost or frame.module.nodes:
        what = "`input`"
        frame.report(
            NotHere(what=what, reason="inputs come first in a net or block", remedy="move it to the top"),
            span,
        )
        raise Failed
    name = elaborator.label(statement.name, frame, span)
    outermost = len(frame.calls) == 1
    if outermost and owner.is_net:
        if statement.shape is None:
            problem = NoValue(reason="the shape is missing", remedy=f"`input {name}: [3, 224, 224]`, without the batch")
            frame.report(problem, span)
            type: TensorType = UNKNOWN
        else:
            type = _declared_type(elaborator, statement, frame)
        elaborator.inputs.append(Input.trusted(name=name, type=type))
    elif not frame.waiting:
        lacking = WrongInputs(
            layer=owner.name,
            needed=f"a value for its input `{name}`",
            given="none",
            remedy=f"give it after the arguments: `{owner.name} ... with x`",
        )
        at = frame.calls[-1][1] or span
        elaborator.diagnostics.add(lacking.at(at, Label(span, "this input")))
        type = UNKNOWN
    else:
        type = frame.waiting.pop(0).type
        if statement.shape is not None and type.known:
            type = _match_input(statement, type, frame)
    value = frame.module.add_input(name, type, span)
    frame.module.labels[name] = Labelled(name, value, {}, None, span, None)
    if len(frame.module.inputs) == 1:
        frame.it = value
    elif owner.is_net:
        frame.it = None  # which of several inputs flows on is for the net to say


def _declared_type(elaborator: Elaborator, statement: ast.Input, frame: Frame) -> TensorType:
    """The type of a net's input. Capitalised names that are not defined become symbols."""
    dtype = statement.dtype.id if statement.dtype else "float32"
    if dtype not in DTYPE_BYTES:
        close = elaborator.diagnostics.nearest(dtype, list(DTYPE_BYTES))
        remedy = f"did you mean `{close}`?" if close else f"types: {', '.join(DTYPE_BYTES)}"
        assert statement.dtype is not None
        frame.report(UnknownDtype(name=dtype, remedy=remedy), statement.dtype.span)
        return UNKNOWN
    sizes: list[Dim] = []
    conditions = _conditions(statement, frame)
    sound = conditions is not None
    for size in statement.shape or ():
        if isinstance(size.value, ast.Name) and _is_symbol(size.value.id, frame):
            elaborator.declared[size.value.id] = statement
            value = _symbol(elaborator, size.value, size.usual, conditions, frame)
            sound = sound and value is not POISON
        else:
            value = frame.evaluate.number(size.value)
            _check_size(value, size.value.span, frame)
        sizes.append(value)
    return elaborator.bounded((TensorType(tuple(sizes), dtype),), frame, statement.span)[0] if sound else UNKNOWN


def _check_size(value: Any, span: Span, frame: Frame) -> None:
    """Refuse what cannot be the size of an axis. A symbolic size can be where it is above 0 at some size."""
    if isinstance(value, (bool, str, float)) or not isinstance(value, (int, Expr)) or value < 1:
        frame.evaluate.fail(
            NotAValue(
                needed="a size, a whole number above 0",
                what=describe(value),
                remedy="shapes have no batch: an RGB image is `[3, 224, 224]`",
            ),
            span,
        )


def _is_symbol(name: str, frame: Frame) -> bool:
    return name[0].isupper() and name not in frame.env and frame.definitions.owner(name) is None


def _conditions(statement: ast.Input, frame: Frame) -> list[Condition] | None:
    """What is said after `where` of the symbols that an input declares; None where that is no condition."""
    if not statement.conditions:
        return []
    from netspec.elaborate import conditions  # few inputs have any

    sizes = [size.value.id for size in statement.shape or () if isinstance(size.value, ast.Name)]
    return conditions.read(statement, frame, [name for name in dict.fromkeys(sizes) if _is_symbol(name, frame)])


def _symbol(
    elaborator: Elaborator, name: ast.Name, usual: ast.Expr | None, conditions: list[Condition] | None, frame: Frame
) -> Any:
    """The size that a symbol stands for, which its body knows it by; POISON where that, or a condition, is wrong."""
    own = [condition for condition in conditions or () if condition.name == name.id]
    said = elaborator.leave_open.get(name.id, [])  # with `--symbolic`
    left_open = is_left_open(elaborator, name.id)
    known: Symbol | None = None
    value: Any = symbol(name.id)
    if own or said:
        from netspec.elaborate.conditions import check, declared

        known = declared(name.id, [*own, *said], frame)
        value = symbol(*known) if known else POISON
    if usual is not None and (known or not (left_open or name.id in elaborator.settings)):
        given = frame.evaluate(usual)
        _check_size(given, usual.span, frame)
        given = given if known is None or check(given, known, own, frame, usual.span) else POISON
        value = value if left_open and given is not POISON else given
    if name.id in elaborator.settings:
        elaborator.used_settings.add(name.id)
        given = elaborator.settings[name.id]
        _check_size(given, name.span, frame)
        sound = value is not POISON and (known is None or check(given, known, own, frame, None))
        value = given if sound else POISON
    if conditions is None:
        value = POISON
    frame.env[name.id] = value
    return value


def _match_input(statement: ast.Input, type: TensorType, frame: Frame) -> TensorType:
    """Check a value from outside against the shape that a net or block declares, and bind its symbols."""
    shape = statement.shape or ()
    sound = len(shape) == type.rank
    wanted: list[Any] = []
    compared: tuple[Any, str, Any] | None = None
    conditions = _conditions(statement, frame)
    if conditions is None:
        return _unknown(statement, (), frame)
    bound: dict[str, Dim] = {}
    for size, actual in zip(shape, type.shape, strict=False):
        if isinstance(size.value, ast.Name) and _is_symbol(size.value.id, frame):
            frame.env[size.value.id] = bound[size.value.id] = actual
            wanted.append(actual)
        else:
            wanted.append(frame.evaluate.number(size.value))
            if wanted[-1] != actual:
                compared = compared or (actual, "==", wanted[-1])
                sound = False
    if sound and conditions:
        from netspec.elaborate.conditions import check, declared

        at = frame.calls[-1][1] or statement.span
        for name, actual in bound.items():
            own = [condition for condition in conditions if condition.name == name]
            known = declared(name, own, frame)
            if known is None or not check(actual, known, own, frame, at, outside=True):
                return _unknown(statement, bound, frame)
    if not sound:
        wanted += ["_"] * (len(shape) - len(wanted))
        claimed = "[" + ", ".join(map(str, wanted)) + "]"
        difference = f"`{frame.calls[-1][0].name}` takes {claimed}, gets {type}"
        problem = ShapeClaimFails(
            actual=type,
            claimed=claimed,
            difference=difference,
            remedy="change what comes in, or the input's shape",
            compared=compared,
        )
        at = frame.calls[-1][1] or statement.span
        frame.report(problem, at, Label(statement.span, "declared here"), outside=True)
    return type


def _unknown(statement: ast.Input, bound: Collection[str], frame: Frame) -> TensorType:
    """The type of an input that is wrong. Its symbols are unknown too."""
    for size in statement.shape or ():
        if isinstance(size.value, ast.Name) and (size.value.id in bound or _is_symbol(size.value.id, frame)):
            frame.env[size.value.id] = POISON
    return UNKNOWN
