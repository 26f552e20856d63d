"""Comparisons of sizes that hold at some values of the symbols and not at others: which, and how to declare it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netspec.diagnostics import Diagnostic
from netspec.elaborate.values import Undecided
from netspec.ir.dims import Dim, Expr, doubt, substitute, value
from netspec.syntax import ast

if TYPE_CHECKING:
    from netspec.elaborate.elaborator import Elaborator
    from netspec.ir.decide import Condition


_EXPLAINED = 50  # mistakes, after which nobody looks for conditions any more
_LARGE = 10**9  # steps from the least value of a symbol


def explained(elaborator: Elaborator, diagnostic: Diagnostic, comparison: tuple[Any, str, Any]) -> Diagnostic:
    """What a comparison that was needed and not known to hold makes of a message: where it holds at some sizes, that,
    and what to declare."""
    left, operator, right = comparison
    if not may_hold(left, operator, right):
        return diagnostic
    where, remedy = deciding(elaborator, left, operator, right)
    if where == f"where {_short(left)} {operator} {_short(right)}":
        where = f"at some values of {_names(left - right)} only"
    note = f"{_short(left)} {_VERBS[operator]} {_short(right)} {where}"
    otherwise = f"\nfor every size: {diagnostic.help}" if diagnostic.help else ""
    return diagnostic._replace(notes=(*diagnostic.notes, note), help=remedy + otherwise)


_VERBS = {"==": "is", "!=": "is not", "<=": "is at most", ">=": "is at least", "<": "is less than", ">": "is more than"}


def written(size: Dim) -> str:
    """A size, as a remainder where it is one: H - 2*(H // 2) is H % 2."""
    if isinstance(size, int):
        return str(size)
    for monomial, factor in size.terms.items():
        if factor < 0 and len(monomial) == 1 and monomial[0][1] == 1:
            left = size - Expr({monomial: factor})
            rest = left % -factor
            if isinstance(left, Expr) and isinstance(rest, Expr) and rest.terms == size.terms:
                return f"{left} % {-factor}" if left.name else f"({left}) % {-factor}"
    return str(size)


def may_hold(left: Dim, operator: str, right: Dim) -> bool:
    """Whether a comparison that is not known to hold at all values of the symbols may at some."""
    if not (isinstance(left, Expr) and isinstance(right, (int, Expr))) and not (
        isinstance(left, int) and isinstance(right, Expr)
    ):
        return False
    if operator == "==":
        from netspec.ir.decide import never_zero

        return not never_zero(left - right)
    if operator == "!=":
        return bool(left != right)
    return not {"<=": left > right, ">=": left < right, "<": left >= right, ">": left <= right}[operator]


def deciding(elaborator: Elaborator, left: Dim, operator: str, right: Dim) -> tuple[str, str]:
    """Where a comparison holds, in words, and how to declare that."""
    from netspec.ir.decide import condition, ordering

    difference = left - right
    names = sorted(difference.symbols) if isinstance(difference, Expr) else []
    values = "give " + " and ".join(names) + (" a value" if len(names) == 1 else " values") + " with `--set`"
    found: Condition | None = None
    if len(elaborator.diagnostics) >= _EXPLAINED:
        pass
    elif operator in ("==", "!="):
        found = condition(difference)
    else:
        gap = {"<=": -difference, ">=": difference, "<": -difference - 1, ">": difference - 1}[operator]
        found = ordering(gap)
    if found is None:
        one, other = (side.name if isinstance(side, Expr) else None for side in (left, right))
        if operator == "==" and one and other:
            return "only where the two are equal", f"one name for both makes them equal, or {values}"
        return "at some sizes only", values
    where = f"except where {found}" if operator == "!=" else f"where {found}"
    return where, _remedy(elaborator, found, operator, values)


def either(undecided: list[Undecided]) -> bool | Undecided:
    """Whether one of some truth values is true, as far as is known: `macs == 100 or (H, W) != (8, 8)` is, where the
    figure is 100 at 8 x 8."""
    single = [c for one in undecided if not one.all or len(one.comparisons) == 1 for c in one.comparisons]
    others = [one.comparisons for one in undecided if one.all and len(one.comparisons) > 1]
    values = {left.name: right for left, sign, right in single if sign == "!=" and isinstance(left, Expr) and left.name}
    values = {name: size for name, size in values.items() if isinstance(size, int)}
    for comparisons in (*([c] for c in single), *others) if values else ():
        if all(_holds(substitute(a, values), sign, substitute(b, values)) for a, sign, b in comparisons):
            return True
    return Undecided(tuple(single), all=False) if single else undecided[0]


def _holds(left: Dim, sign: str, right: Dim) -> bool:
    """Whether a comparison is known to hold at all values of the symbols."""
    if sign in ("==", "!="):
        return left == right if sign == "==" else not may_hold(left, "==", right) and left != right
    return {"<=": left <= right, ">=": left >= right, "<": left < right, ">": left > right}[sign]


def supposed(undecided: Undecided) -> bool | None:
    """While doubts are noted, the truth value at large sizes, with a doubt for each comparison where its answer is
    another; None where only few sizes have that answer."""
    answers = [_holds(_at_large(left), sign, _at_large(right)) for left, sign, right in undecided.comparisons]
    if any(
        sign in ("==", "!=") and answer == (sign == "==")
        for answer, (_, sign, _) in zip(answers, undecided.comparisons, strict=True)
    ):
        return None
    for answer, (left, sign, right) in zip(answers, undecided.comparisons, strict=True):
        if sign in ("==", "!="):
            doubt("!=", left, right)
            continue
        small, large = (right, left) if sign in (">", ">=") else (left, right)
        small = small + (sign in ("<", ">"))  # small <= large now
        if answer:
            small, large = large + 1, small
        doubt(">", small, large)
    return all(answers) if undecided.all else any(answers)


def _at_large(size: Dim) -> Dim:
    """A size at the largest values of its symbols, or at large ones."""
    if isinstance(size, int):
        return size
    return value(size, {s.name: s.low + s.divisor * _LARGE if s.high is None else s.high for s in size.variables})


def told(elaborator: Elaborator, undecided: Undecided) -> tuple[str, str]:
    """What the first undecided comparison is at which sizes, and how to declare that."""
    left, operator, right = undecided.comparisons[0]
    where, remedy = deciding(elaborator, left, operator, right)
    shown = f"{_short(left)} {operator} {_short(right)}"
    if where == f"where {shown}" or where == f"except where {shown.replace('!=', '==')}":
        return f"true at some values of {_names(left - right)} only", remedy
    return f"{shown} {where}", remedy


def _short(size: Dim) -> str:
    text = written(size)
    return text if len(text) <= 64 else text[:30] + "..." + text[-30:]


def _remedy(elaborator: Elaborator, found: Condition, operator: str, values: str) -> str:
    if operator == "!=" or found.divisor == 0:
        return values
    if found.name in elaborator.open_parameters:
        wanted = found._replace(remainders=found.remainders[:1])
        return f'say that it is so, `--symbolic "{wanted}"`, or {values}'
    statement = elaborator.declared.get(found.name)
    if statement is None:
        return values
    usual = next((size.usual for size in statement.shape or () if _declares(size, found.name)), None)
    wanted = found
    if found.remainders:
        remainder = min(found.remainders)
        if isinstance(usual, ast.Number) and usual.value % found.divisor in found.remainders:
            remainder = int(usual.value % found.divisor)
        wanted = found._replace(remainders=(remainder,))
    written = " ".join(statement.span.text.split())
    return f"declare it, `{written}{',' if statement.conditions else ' where'} {wanted}`, or {values}"


def _declares(size: ast.Size, name: str) -> bool:
    return isinstance(size.value, ast.Name) and size.value.id == name


def _names(size: Dim) -> str:
    return ", ".join(sorted(size.symbols)) if isinstance(size, Expr) else ""
