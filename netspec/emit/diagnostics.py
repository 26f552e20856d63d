"""Diagnostics as text, in the manner of rustc: the place, the line, the marks under it, the remedy."""

from __future__ import annotations

from collections.abc import Sequence

from netspec.diagnostics import Diagnostic, Label
from netspec.emit.style import paint, plural, printable, width
from netspec.source import SourceFile

_TAB = "    "
_LONGEST = 160  # a longer line is shown around its mark
_TEXT = 500  # characters of one line of a title, label, note or help
_LINES = 60  # of one note or help


def render(diagnostic: Diagnostic, color: bool = False) -> str:
    """The whole message, without a line end after it."""
    tone = "bold red" if diagnostic.severity == "error" else "bold yellow"
    head = paint(f"{diagnostic.severity}[{diagnostic.code}]", tone, color)
    lines = [f"{head}{paint(': ' + printable(brief(diagnostic.title)), 'bold', color)}"]
    numbers = [label.span.source.position(label.span.start)[0] for label in diagnostic.labels]
    gutter = len(str(max(numbers, default=1)))
    for index, (source, labels) in enumerate(_by_file(diagnostic.labels)):
        first = next((label for label in labels if label.primary), labels[0])
        line, column = source.position(first.span.start)
        arrow = "-->" if index == 0 else ":::"
        lines.append(f"{' ' * gutter}{paint(arrow, 'blue', color)} {printable(source.name)}:{line}:{column}")
        lines.append(_edge(gutter, color))
        lines += _file(source, labels, gutter, tone, color)
    if diagnostic.labels and (diagnostic.notes or diagnostic.help):
        lines.append(_edge(gutter, color))
    for kind, text in (*(("note", note) for note in diagnostic.notes), ("help", diagnostic.help)):
        if text:
            lead = f"{' ' * gutter} {paint('=', 'blue', color)} {paint(kind + ':', 'bold', color)} "
            rest = " " * (gutter + 3 + len(kind) + 2)
            lines.append(lead + f"\n{rest}".join(map(printable, brief(text).split("\n"))))
    return "\n".join(lines)


def brief(text: str) -> str:
    """The text, with `...` in the middle where it is very long: names and values may be of any length."""
    lines = text.split("\n")
    if len(lines) > _LINES:
        lines[_LINES // 2 : -_LINES // 2] = ["..."]
    half = _TEXT // 2
    return "\n".join(line if len(line) <= _TEXT else f"{line[:half]}...{line[-half:]}" for line in lines)


def counts(found: Sequence[Diagnostic], strict: bool = False) -> str:
    """The last line: `2 errors, 1 warning in 3 files`."""
    errors = sum(diagnostic.severity == "error" for diagnostic in found)
    warnings = len(found) - errors
    shown = [plural(errors, "error")] * bool(errors) + [plural(warnings, "warning")] * bool(warnings)
    files = len({diagnostic.file for diagnostic in found})
    where = f" in {plural(files, 'file')}" if files > 1 else ""
    rule = "; --strict counts warnings as errors" if strict and warnings else ""
    return ", ".join(shown) + where + rule


def _by_file(labels: tuple[Label, ...]) -> list[tuple[SourceFile, list[Label]]]:
    """Labels by file, that of the primary one first; those of one place as one."""
    places: dict[tuple[str, int, int], Label] = {}
    for label in sorted(labels, key=lambda label: not label.primary):
        place = (label.span.source.name, label.span.start, label.span.end)
        first = places.setdefault(place, label)
        if label.text not in first.text and not first.primary:
            places[place] = first._replace(text=f"{first.text}; {label.text}")
    groups: dict[str, tuple[SourceFile, list[Label]]] = {}
    for label in places.values():
        groups.setdefault(label.span.source.name, (label.span.source, []))[1].append(label)
    return list(groups.values())


def _file(source: SourceFile, labels: list[Label], gutter: int, tone: str, color: bool) -> list[str]:
    lines: list[str] = []
    last = 0
    placed = sorted((source.position(label.span.start), label) for label in labels)
    for (number, _), group in _by_line(placed):
        if last and number > last + 1:
            lines.append(paint("...", "blue", color))
        first, end = _bounds(source, number)
        columns = [label.span.start - first for label in sorted(group, key=lambda label: not label.primary)]
        begin, text = _window(source.text, first, end, columns)
        bar = paint("|", "blue", color)
        shown = printable(text).replace("\t", _TAB)
        lines.append(f"{paint(str(number).rjust(gutter), 'blue', color)} {bar} {shown}".rstrip())
        for label in sorted(group, key=lambda label: (label.primary, label.span.start)):
            start = label.span.start - first - begin
            stop = start + max(label.span.end - label.span.start, 1)
            start = min(max(start, 0), max(len(text) - 1, 0) if begin else start)  # at the edge if it is outside
            stop = max(min(stop, len(text)), start + 1)
            indent = width(printable(text[:start]).replace("\t", _TAB))
            length = max(width(printable(text[start:stop]).replace("\t", _TAB)), 1)
            mark = ("^" if label.primary else "-") * length
            words = printable(brief(label.text))
            style = tone if label.primary else "blue"
            lines.append(f"{' ' * gutter} {bar} {' ' * indent}{paint(f'{mark} {words}'.rstrip(), style, color)}")
        last = number
    return lines


def _by_line(placed: list[tuple[tuple[int, int], Label]]) -> list[tuple[tuple[int, int], list[Label]]]:
    lines: dict[int, list[Label]] = {}
    for (number, _), label in placed:
        lines.setdefault(number, []).append(label)
    return [((number, 0), labels) for number, labels in lines.items()]


def _bounds(source: SourceFile, number: int) -> tuple[int, int]:
    """Where a line begins and ends, without its line end. A line may be the whole of a large file: it is not copied."""
    starts, text = source.line_starts, source.text
    end = starts[number] if number < len(starts) else len(text)
    for line_end in "\n\r":
        end -= text.endswith(line_end, starts[number - 1], end)
    return starts[number - 1], end


def _window(text: str, first: int, end: int, columns: list[int]) -> tuple[int, str]:
    """A line, or the part of a very long one around its marks: where it begins, and what is shown of it.

    columns: where the marks begin. The first is in the part, the others if there is room.
    """
    size = end - first
    if size <= _LONGEST:
        return 0, text[first:end]
    begin = max(min(columns) - 40, 0)
    if columns[0] > begin + _LONGEST - 40:
        begin = columns[0] - _LONGEST // 2
    begin = min(begin, size - _LONGEST)
    shown = text[first + begin : first + begin + _LONGEST]
    head = "..." if begin else shown[:3]
    tail = "..." if begin + _LONGEST < size else shown[-3:]
    return begin, head + shown[3:-3] + tail


def _edge(gutter: int, color: bool) -> str:
    return f"{' ' * gutter} {paint('|', 'blue', color)}"
