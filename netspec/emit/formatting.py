"""`netspec fmt`: reads files, prints them anew with `syntax.printer`, and replaces those that change."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

import click

from netspec import resources
from netspec.diagnostics import Diagnostic, SpecError
from netspec.elaborate.files import parsed, source_from_bytes
from netspec.emit.report import exit_code, expand, print_diagnostics
from netspec.emit.style import plural, printable, wants_color
from netspec.emit.writing import reason_of, replace
from netspec.limits import SOURCE_BYTES
from netspec.problems.files import CannotRead
from netspec.syntax.printer import printed

_STDIN = "-"
_CONTEXT = 3  # lines of a diff around what differs
_CHANGED, _WOULD_CHANGE, _SAME, _LOST = _OUTCOMES = (
    "reformatted",
    "would be reformatted",
    "unchanged",
    "not formatted",
)


def fmt(targets: Sequence[str], check: bool, diff: bool) -> int:
    """Format files in place, standard input to standard output; or say what would change. Returns the exit code."""
    found: list[Diagnostic] = []
    outcomes: Counter[str] = Counter()
    paths = _distinct(expand(targets))
    told_apart = diff or _STDIN in paths  # standard output has a text
    unwritten: list[str] = []
    for path in paths:
        try:
            name, data, text = _formatted(path)
        except SpecError as error:
            found += error.diagnostics
            outcomes[_LOST] += path != _STDIN
            continue
        outcome = _SAME if data == text else _WOULD_CHANGE if check or diff else _CHANGED
        if diff:
            _print_diff(name, data, text)
        elif path == _STDIN and not check:
            click.echo(text, nl=False)
            continue
        elif outcome == _WOULD_CHANGE:
            click.echo(f"would reformat {printable(name)}", err=told_apart)
        elif outcome == _CHANGED:
            refused = replace(path, text)
            if refused:
                outcome = _LOST
                unwritten.append(f"Error: cannot write {printable(path)}: {refused}")
            else:
                click.echo(f"reformatted {printable(name)}", err=told_apart)
        outcomes[outcome] += 1
    print_diagnostics(found, wants_color("auto", sys.stderr))
    for line in unwritten:
        click.echo(line, err=True)
    _print_summary(outcomes, told_apart)
    return 1 if outcomes[_WOULD_CHANGE] else exit_code(found) or (2 if unwritten else 0)


def _distinct(paths: Sequence[str]) -> list[str]:
    """Each file once."""
    return list({path if path == _STDIN else os.path.realpath(path): path for path in reversed(paths)}.values())[::-1]


def _print_summary(outcomes: Counter[str], told_apart: bool) -> None:
    """`1 file reformatted, 3 unchanged`"""
    counts = [(outcomes[outcome], outcome) for outcome in _OUTCOMES if outcomes[outcome]]
    if not counts:
        return
    (count, outcome), *others = counts
    sys.stdout.flush()
    text = ", ".join([f"{plural(count, 'file')} {outcome}", *(f"{count:,} {outcome}" for count, outcome in others)])
    click.echo(text, err=told_apart)


def _formatted(path: str) -> tuple[str, bytes, bytes]:
    """The name to show for a file, what is in it, and its canonical text. Raises SpecError."""
    name = "<stdin>" if path == _STDIN else path
    data = sys.stdin.buffer.read(SOURCE_BYTES + 1) if path == _STDIN else _read(path)
    source = source_from_bytes(data, name, None)
    _, mistakes = parsed(source)
    if mistakes:
        raise SpecError(tuple(mistakes))
    return name, data, printed(source.text).encode()


def _read(path: str) -> bytes:
    try:
        if os.path.exists(path) and not os.path.isfile(path):  # a pipe or device cannot be replaced
            raise OSError(0, "it is not a file")
        with open(path, "rb") as file:
            return file.read(SOURCE_BYTES + 1)
    except OSError as error:
        remedy = "check the path"
        if resources.spec_path(path):
            remedy = "bundled specs are in this form already: give the path of a file"
        raise SpecError((CannotRead(file=path, reason=reason_of(error), remedy=remedy).nowhere(path),)) from None


def _print_diff(name: str, data: bytes, text: bytes) -> None:
    """A unified diff; on a terminal without the control characters that a comment may hold."""
    show = printable if sys.stdout.isatty() else str
    rows = _rows(_lines(data.decode()), _lines(text.decode()))
    hunks = list(_hunks(rows))
    for line in (f"--- {name}", f"+++ {name}") if hunks else ():
        click.echo(show(line))
    for hunk in hunks:
        minus, plus = ([row for row in hunk if row.sign in (" ", sign)] for sign in "-+")
        click.echo(f"@@ -{_range(hunk[0].before, len(minus))} +{_range(hunk[0].after, len(plus))} @@")
        for row in hunk:
            click.echo(show(row.sign + row.line.removesuffix("\n")))
            if not row.line.endswith("\n"):
                click.echo("\\ No newline at end of file")


class _Row(NamedTuple):
    sign: str
    line: str
    before: int  # so many lines stand before it in the old text
    after: int


def _rows(before: Sequence[str], after: Sequence[str]) -> list[_Row]:
    """The lines of both texts, in linear time: only blanks differ, so what else a line has tells its place."""
    rows: list[_Row] = []
    minus: list[_Row] = []
    plus: list[_Row] = []
    places, new_places = _places(before), _places(after)
    at = new_at = 0
    while at < len(before) or new_at < len(after):
        place, new_place = places[at], new_places[new_at]
        if place == new_place and at < len(before) and new_at < len(after) and before[at] == after[new_at]:
            rows += (*minus, *plus, _Row(" ", before[at], at, new_at))
            minus, plus = [], []
            at, new_at = at + 1, new_at + 1
        elif new_at == len(after) or (at < len(before) and place <= new_place):
            minus.append(_Row("-", before[at], at, new_at))
            at += 1
        else:
            plus.append(_Row("+", after[new_at], at, new_at))
            new_at += 1
    return [*rows, *minus, *plus]


def _places(lines: Sequence[str]) -> list[int]:
    """How many characters that are no blanks stand before each line, and in all."""
    return list(accumulate((sum(map(len, line.lstrip("\ufeff").split())) for line in lines), initial=0))


def _hunks(rows: Sequence[_Row]) -> Iterator[Sequence[_Row]]:
    """What differs, with up to three equal lines around it."""
    begin = end = 0
    for index, row in enumerate(rows):
        if row.sign == " ":
            continue
        if index - _CONTEXT > end:
            if end:
                yield rows[begin:end]
            begin = index - _CONTEXT
        end = min(index + _CONTEXT + 1, len(rows))
    if end:
        yield rows[begin:end]


def _range(start: int, count: int) -> str:
    """Lines as a diff counts them."""
    return f"{start + 1}" if count == 1 else f"{start + bool(count)},{count}"


def _lines(text: str) -> list[str]:
    lines = [line + "\n" for line in text.split("\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]
