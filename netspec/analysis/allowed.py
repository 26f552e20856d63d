"""Comments that allow warnings: `# allow: W204, W205 the paper does so`.

After code it holds for its line; on a line of its own for the statement or item that follows, with all in its braces.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator

from netspec.diagnostics import Diagnostic, Problem, nearest
from netspec.problems import warnings
from netspec.source import SourceFile
from netspec.syntax import ast

_COMMENT = re.compile(r'"[^"\n]*"|(#[^\n]*)')  # outside strings
_ALLOW = re.compile(r"#\s*allow:\s*")
_CODE = re.compile(r"([A-Za-z]+[0-9]+)(\s*,\s*)?")
_ERROR = re.compile(r"NS[0-9]+")


class Allowed:
    """What the comments of one file allow. `mistakes`: codes in them that are no warning's."""

    def __init__(self, source: SourceFile, file: ast.File | None) -> None:
        self.source = source
        self.mistakes: list[Diagnostic] = []
        # by code, where allowances begin, and the last offset that they and those before reach to
        self._places: dict[str, tuple[list[int], list[int]]] = {}
        self._ends: dict[int, int] = {}  # by line, where the longest statement or item ends that begins on it
        for start, end in _extents(file.items if file else ()):
            line = source.position(start)[0]
            self._ends[line] = max(end, self._ends.get(line, 0))
        comments = [match for match in _COMMENT.finditer(source.text) if match[1]]
        alone = {source.position(match.start())[0] for match in comments if self._is_alone(match.start())}
        written = [n for n in range(1, len(source.line_starts) + 1) if n not in alone and source.line(n).strip()]
        for comment in comments:
            for code in self._codes(comment):
                start, end = self._place(comment.start(), alone, written)
                starts, ends = self._places.setdefault(code, ([], []))
                starts.append(start)
                ends.append(max(end, ends[-1] if ends else 0))

    def holds(self, code: str, offset: int) -> bool:
        """Whether a warning of this code is allowed at an offset."""
        starts, ends = self._places.get(code, ([], []))
        before = bisect_right(starts, offset)
        return before > 0 and offset <= ends[before - 1]

    def _is_alone(self, offset: int) -> bool:
        line, column = self.source.position(offset)
        return not self.source.line(line)[: column - 1].strip()

    def _place(self, offset: int, alone: set[int], written: list[int]) -> tuple[int, int]:
        """From and to where a comment holds. `alone`: the lines with nothing but a comment; `written`: those with
        more."""
        line = self.source.position(offset)[0]
        if line not in alone:
            start = self.source.line_starts[line - 1]
            return start, start + len(self.source.line(line))
        after = bisect_right(written, line)
        if after == len(written):
            return offset, offset
        start = self.source.line_starts[written[after] - 1]
        return start, max(start + len(self.source.line(written[after])), self._ends.get(written[after], 0))

    def _codes(self, comment: re.Match[str]) -> list[str]:
        """The codes of a comment that allows something; what is no warning's is a mistake."""
        head = _ALLOW.match(comment[1])
        if head is None:
            return []
        at, end = comment.start() + head.end(), comment.end()
        first = code = _CODE.match(self.source.text, at, end)
        if first is None:
            self._refuse(comment.start(), at, _no_code())
        codes = []
        while code is not None:
            if code[1] in known_codes():
                codes.append(code[1])
            else:
                self._refuse(*code.span(1), _not_a_warning(code[1]))
            code = _CODE.match(self.source.text, code.end(), end) if code[2] else None
        return codes

    def _refuse(self, start: int, end: int, problem: Problem) -> None:
        self.mistakes.append(problem.at(self.source.span(start, end)))


def _no_code() -> Problem:
    return warnings.BadAllow(
        what="this allows nothing",
        why="a warning's code is missing",
        remedy="`# allow: W204`, and a reason after it if you like",
    )


def _not_a_warning(code: str) -> Problem:
    if _ERROR.fullmatch(code):
        return warnings.BadAllow(
            what="an error cannot be allowed",
            why=f"{code} is the code of an error",
            remedy="mend it: only warnings can be allowed",
        )
    close = nearest(code, known_codes())
    return warnings.BadAllow(
        what=f"there is no warning {code}",
        why="not the code of a warning",
        remedy=f"did you mean {close}?" if close else "a warning's message begins with its code",
    )


def known_codes() -> tuple[str, ...]:
    """The codes of all warnings."""
    found = vars(warnings).values()
    return tuple(p.code for p in found if isinstance(p, type) and issubclass(p, Problem) and p is not Problem)


def _extents(items: Iterable[ast.Item]) -> Iterator[tuple[int, int]]:
    """Where each item, statement and step begins and ends, braces included."""
    for item in items:
        if isinstance(item, (ast.Block, ast.Net)):
            yield item.name.span.start, item.body.span.end
            yield from _body(item.body)
        elif isinstance(item, ast.Instance):
            yield item.name.span.start, (item.claims or item.call).span.end
            if item.claims:
                yield from _body(item.claims)
        else:
            yield item.span[:2]


def _body(body: ast.Body) -> Iterator[tuple[int, int]]:
    for statement in body.statements:
        if isinstance(statement, ast.Chain):
            yield from _chain(statement)
        else:
            yield statement.span[:2]


def _chain(chain: ast.Chain) -> Iterator[tuple[int, int]]:
    start, end = chain.span[:2]
    for step in chain.steps:
        begin = (step.label or step.unit).span.start
        start = min(start, begin)
        end = _end(step.unit)
        yield begin, end
        for body in _bodies(step.unit):
            yield from _body(body)
        for path in step.unit.paths if isinstance(step.unit, ast.Call) else ():
            yield from _chain(path)
    yield start, end


def _bodies(unit: ast.Unit) -> list[ast.Body]:
    if isinstance(unit, (ast.Group, ast.Repeat, ast.For)):
        return [unit.body]
    bodies = []
    while isinstance(unit, ast.If):
        bodies.append(unit.then)
        if isinstance(unit.otherwise, ast.Body):
            bodies.append(unit.otherwise)
            break
        if unit.otherwise is None:
            break
        unit = unit.otherwise
    return bodies


def _end(unit: ast.Unit) -> int:
    """Where a unit ends, what it holds in braces included."""
    end = unit.span.end
    while isinstance(unit, ast.Call) and unit.paths:
        unit = unit.paths[-1].steps[-1].unit
        end = unit.span.end
    return max([end, *(body.span.end for body in _bodies(unit))])
