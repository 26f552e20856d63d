"""Diagnostics for programs: lines for editors and grep, JSON, GitHub's workflow commands, SARIF."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any

from netspec.diagnostics import Diagnostic
from netspec.emit.diagnostics import brief
from netspec.emit.listing import diagnostics_json
from netspec.emit.style import printable
from netspec.source import Span

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def concise(diagnostic: Diagnostic) -> str:
    """One line: `lenet.net:6:17: error[NS303]: title: label; help: remedy`."""
    span = diagnostic.span
    place = [diagnostic.file or "netspec"]
    if span is not None:
        place += map(str, span.source.position(span.start))
    said = [f"{diagnostic.severity}[{diagnostic.code}]", diagnostic.title, diagnostic.label]
    remedy = f"; help: {brief(diagnostic.help)}" if diagnostic.help else ""
    return printable(": ".join([":".join(place), *(brief(text) for text in said if text)]) + remedy)


def as_json(found: Sequence[Diagnostic]) -> str:
    """An array with an object for each diagnostic."""
    return json.dumps(diagnostics_json(tuple(found)), indent=2)


# -- GitHub ---------------------------------------------------------------------------------------------


def github(found: Sequence[Diagnostic]) -> str:
    """A workflow command for each diagnostic, which GitHub shows beside the line."""
    return "\n".join(map(_command, found))


def _command(diagnostic: Diagnostic) -> str:
    span = diagnostic.span
    properties: dict[str, object] = {}
    if diagnostic.file:
        properties["file"] = diagnostic.file.replace(os.sep, "/")
    if span is not None:
        (line, column), (end_line, end_column) = _positions(span)
        properties |= {"line": line, "endLine": end_line}
        if line == end_line:  # GitHub takes columns of a single line only
            properties |= {"col": column, "endColumn": end_column}
    properties["title"] = f"{diagnostic.code}: {brief(diagnostic.title)}"
    written = ",".join(f"{name}={_escape(str(value), ':,')}" for name, value in properties.items())
    return f"::{diagnostic.severity} {written}::{_escape(_remarks(diagnostic) or brief(diagnostic.title))}"


def _escape(text: str, also: str = "") -> str:
    """Text in a workflow command: `%` and line ends, and in a property what separates those, as `%` and digits."""
    shown = "".join(c if c in "\r\n" else printable(c) for c in text)
    for character in "%\r\n" + also:
        shown = shown.replace(character, f"%{ord(character):02X}")
    return shown


def _remarks(diagnostic: Diagnostic) -> str:
    """All but the title, a line for each part."""
    remedy = f"help: {diagnostic.help}" if diagnostic.help else ""
    lines = [diagnostic.label, *(f"note: {note}" for note in diagnostic.notes), remedy]
    return "\n".join(brief(line) for line in lines if line)


# -- SARIF ----------------------------------------------------------------------------------------------


def sarif(found: Sequence[Diagnostic]) -> str:
    """A log of one run in SARIF 2.1.0."""
    from importlib import import_module

    codes = sorted({diagnostic.code for diagnostic in found})
    driver = {
        "name": "netspec",
        "version": import_module("netspec").__version__,
        "rules": [_rule(code) for code in codes],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(diagnostic, codes.index(diagnostic.code)) for diagnostic in found],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _rule(code: str) -> dict[str, Any]:
    from netspec.emit.explain import every_problem, paragraphs

    problem = every_problem()[code]
    return {
        "id": code,
        "name": problem.__name__,
        "shortDescription": {"text": f"{problem.about}."},
        "fullDescription": {"text": "\n\n".join(" ".join(part.split()) for part in paragraphs(problem))},
        "help": {"text": f"`netspec explain {code}` shows an example and how to mend it."},
        "defaultConfiguration": {"level": problem.severity},
    }


def _result(diagnostic: Diagnostic, rule: int) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": rule,
        "level": diagnostic.severity,
        "message": {"text": "\n".join(filter(None, (brief(diagnostic.title), _remarks(diagnostic))))},
    }
    if diagnostic.file:
        result["locations"] = [{"physicalLocation": _location(diagnostic.file, diagnostic.span)}]
    others = [label for label in diagnostic.labels if not label.primary]
    if others:
        result["relatedLocations"] = [
            {
                "id": number,
                "physicalLocation": _location(label.span.source.name, label.span),
                "message": {"text": brief(label.text)},
            }
            for number, label in enumerate(others, start=1)
        ]
    return result


def _location(file: str, span: Span | None) -> dict[str, Any]:
    location: dict[str, Any] = {"artifactLocation": {"uri": _uri(file)}}
    if span is not None:
        (line, column), (end_line, end_column) = _positions(span)
        location["region"] = {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column}
    return location


def _uri(file: str) -> str:
    """A file as a URI: relative to the working folder where it is in it."""
    from pathlib import Path
    from urllib.parse import quote

    path = Path(file)
    if path.is_absolute():
        if not path.is_relative_to(Path.cwd()):
            return path.as_uri()
        path = path.relative_to(Path.cwd())
    return quote(os.fsencode(path.as_posix()))


def _positions(span: Span) -> tuple[tuple[int, int], tuple[int, int]]:
    """Line and column of the start and, exclusive, of the end."""
    return span.source.position(span.start), span.source.position(span.end)


DOCUMENTS = {"json": as_json, "github": github, "sarif": sarif}  # what stands in place of the table
