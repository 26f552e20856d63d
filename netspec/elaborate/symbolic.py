"""`--symbolic`: parameters of the net and sizes of its inputs that stay symbols, though they have usual values."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from netspec.elaborate.expressions import equal
from netspec.elaborate.frame import Frame
from netspec.elaborate.values import Definition, Failed, Static, Undecided, describe
from netspec.ir.dims import Dim, Expr, symbol
from netspec.problems.names import NotSymbolic, UnknownSymbolic
from netspec.syntax import ast

if TYPE_CHECKING:
    from netspec.elaborate.conditions import Condition
    from netspec.elaborate.elaborator import Elaborator

ON_COMMAND = "--symbolic"  # as the source of conditions
ALL_SIZES = "*"  # in place of a name: all sizes of the inputs
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def texts_of(symbolic: bool | str | Collection[str]) -> tuple[str, ...]:
    """What is left symbolic, as texts: names, conditions such as `width % 8 == 0`, ALL_SIZES, for which True stands."""
    if isinstance(symbolic, bool):
        return (ALL_SIZES,) if symbolic else ()
    return (symbolic,) if isinstance(symbolic, str) else tuple(dict.fromkeys(symbolic))


def names_of(texts: Collection[str]) -> set[str]:
    """The names in such texts."""
    return {found[0] for text in texts if (found := _NAME.search(text))}


def read(texts: Collection[str], frame: Frame) -> dict[str, list[Condition]]:
    """What such texts say of each name. Raises Failed where one is no condition, which is told."""
    said: dict[str, list[Condition]] = {}
    for text in texts:
        if text == ALL_SIZES or text.isidentifier():
            said.setdefault(text, [])
            continue
        from netspec.elaborate.conditions import of_command  # few names have any

        for condition in of_command(text, frame):
            said.setdefault(condition.name, []).append(condition)
    return said


def is_left_open(elaborator: Elaborator, size: str) -> bool:
    """Whether a size of an input is left symbolic."""
    return ALL_SIZES in elaborator.leave_open or size in elaborator.leave_open


def left_open(elaborator: Elaborator, name: ast.Name, usual: Static, frame: Frame) -> Dim:
    """The symbol of a parameter: of its usual value's kind, which must be a whole number. Raises Failed."""
    if isinstance(usual, bool) or not isinstance(usual, (int, Expr)) or usual < 0:
        parameters = frame.calls[-1][0].parameters
        others = [f"`{p.name.id}`" for p in parameters if type(getattr(p.default, "value", None)) is int]
        remedy = f"whole numbers can be: {', '.join(others)}" if others else "whole numbers can be"
        frame.report(NotSymbolic(name=name.id, what=f"is {describe(usual)}", remedy=remedy), name.span)
        raise Failed
    elaborator.open_parameters.append(name.id)
    low, said = 0 if usual == 0 else 1, elaborator.leave_open[name.id]
    if not said:
        return symbol(name.id, low)
    from netspec.elaborate.conditions import declared

    known = declared(name.id, said, frame, low)
    if known is None:
        raise Failed
    return symbol(*known)


def leaves_open(elaborator: Elaborator, claimed: Sequence[Any], shape: Sequence[Dim]) -> bool:
    """Whether a claimed shape, in which None claims nothing, is one that parameters left symbolic may give."""
    if len(claimed) != len(shape):
        return False
    pairs = [(size, actual) for size, actual in zip(claimed, shape, strict=True) if size is not None]
    verdict = equal(tuple(size for size, _ in pairs), tuple(actual for _, actual in pairs))
    return isinstance(verdict, Undecided) and verdict.symbols <= set(elaborator.open_parameters)


def check_names(elaborator: Elaborator, definition: Definition) -> None:
    """Report names that are to be left symbolic and that the net does not have, or that `--set` gives a value."""
    parameters = [p.name.id for p in definition.parameters]
    known = [*parameters, *elaborator.declared]
    for name in sorted(set(elaborator.leave_open) - {ALL_SIZES}):
        if name not in known:
            close = elaborator.diagnostics.nearest(name, known)
            remedy = f"did you mean `{close}`?" if close else f"there are: {', '.join(known) or 'none'}"
            unknown = UnknownSymbolic(net=definition.name, name=name, remedy=remedy)
            elaborator.diagnostics.add(unknown.nowhere(ON_COMMAND))
        elif name in elaborator.settings:
            remedy = f"leave out `--set {name}=...` or `--symbolic {name}`"
            problem = NotSymbolic(name=name, what="has a value from `--set`", remedy=remedy)
            elaborator.diagnostics.add(problem.nowhere(ON_COMMAND))
