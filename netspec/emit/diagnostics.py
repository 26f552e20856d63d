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
    """Labels by file, that of the primary one first; each place once."""
    groups: dict[str, tuple[SourceFile, list[Label]]] = {}
    seen: set[tuple[str, int, int]] = set()
    for label in sorted(labels, key=lambda label: not label.primary):
        place = (label.span.source.name, label.span.start, label.span.end)
        if place not in seen:
            seen.add(place)
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
        begin, end, text = _window(text, [source.position(label.span.start)[1] - 1 for label in group])
        bar = paint("|", "blue", color)
        shown = printable(text).replace("\t", _TAB)
        lines.append(f"{paint(str(number).rjust(gutter), 'blue', color)} {bar} {shown}".rstrip())
        for label in sorted(group, key=lambda label: (label.primary, label.span.start)):
            start = source.position(label.span.start)[1] - 1 - begin
            stop = min(start + max(label.span.end - label.span.start, 1), max(len(text), start + 1))
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


def _window(text: str, columns: list[int]) -> tuple[int, int, str]:
    """A line, or the part of a very long one around its marks: where it begins and ends."""
    if len(text) <= _LONGEST:
        return 0, len(text), text
    begin = max(min(columns) - 40, 0)
    end = min(begin + _LONGEST, len(text))
    return begin, end, text[begin:end]


def _edge(gutter: int, color: bool) -> str:
    return f"{' ' * gutter} {paint('|', 'blue', color)}"
