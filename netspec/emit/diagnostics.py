"""Diagnostics as text, in the manner of rustc: the place, the line, the marks under it, the remedy."""

from __future__ import annotations

from netspec.diagnostics import Diagnostic, Label
from netspec.emit.style import paint, printable, width
from netspec.source import SourceFile

_TAB = "    "
_LONGEST = 160  # a longer line is shown around its mark


def render(diagnostic: Diagnostic, color: bool = False) -> str:
    """The whole message, without a line end after it."""
    tone = "bold red" if diagnostic.severity == "error" else "bold yellow"
    head = paint(f"{diagnostic.severity}[{diagnostic.code}]", tone, color)
    lines = [f"{head}{paint(': ' + printable(diagnostic.title), 'bold', color)}"]
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
            lines.append(lead + f"\n{rest}".join(printable(part) for part in text.split("\n")))
    return "\n".join(lines)


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
        text = source.line(number)
        columns = [
            source.position(label.span.start)[1] - 1 for label in sorted(group, key=lambda label: not label.primary)
        ]
        begin, text = _window(text, columns)
        bar = paint("|", "blue", color)
        shown = printable(text).replace("\t", _TAB)
        lines.append(f"{paint(str(number).rjust(gutter), 'blue', color)} {bar} {shown}".rstrip())
        for label in sorted(group, key=lambda label: (label.primary, label.span.start)):
            start = source.position(label.span.start)[1] - 1 - begin
            stop = start + max(label.span.end - label.span.start, 1)
            start = min(max(start, 0), max(len(text) - 1, 0) if begin else start)  # at the edge if it is outside
            stop = max(min(stop, len(text)), start + 1)
            indent = width(printable(text[:start]).replace("\t", _TAB))
            length = max(width(printable(text[start:stop]).replace("\t", _TAB)), 1)
            mark = ("^" if label.primary else "-") * length
            words = printable(label.text)
            style = tone if label.primary else "blue"
            lines.append(f"{' ' * gutter} {bar} {' ' * indent}{paint(f'{mark} {words}'.rstrip(), style, color)}")
        last = number
    return lines


def _by_line(placed: list[tuple[tuple[int, int], Label]]) -> list[tuple[tuple[int, int], list[Label]]]:
    lines: dict[int, list[Label]] = {}
    for (number, _), label in placed:
        lines.setdefault(number, []).append(label)
    return [((number, 0), labels) for number, labels in lines.items()]


def _window(text: str, columns: list[int]) -> tuple[int, str]:
    """A line, or the part of a very long one around its marks: where it begins, and what is shown of it.

    columns: where the marks begin. The first is in the part, the others if there is room.
    """
    if len(text) <= _LONGEST:
        return 0, text
    begin = max(min(columns) - 40, 0)
    if columns[0] > begin + _LONGEST - 40:
        begin = columns[0] - _LONGEST // 2
    begin = min(begin, len(text) - _LONGEST)
    shown = text[begin : begin + _LONGEST]
    return begin, ("..." if begin else shown[:3]) + shown[3:-3] + (
        "..." if begin + _LONGEST < len(text) else shown[-3:]
    )


def _edge(gutter: int, color: bool) -> str:
    return f"{' ' * gutter} {paint('|', 'blue', color)}"
