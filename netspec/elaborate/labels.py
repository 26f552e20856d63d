"""The labels that a body gives in its own module, found before it is elaborated."""

from __future__ import annotations

from typing import Any

from netspec.syntax import ast


def collect_labels(body: ast.Body, found: set[str]) -> None:
    for statement in body.statements:
        if isinstance(statement, ast.Chain):
            _collect_chain(statement, found)
        elif isinstance(statement, (ast.Input, ast.Source)):
            found.add(statement.name.id)


def _collect_chain(chain: ast.Chain, found: set[str]) -> None:
    for step in chain.steps:
        if isinstance(step.label, ast.Name):
            found.add(step.label.id)
        elif isinstance(step.label, ast.String):  # the text of one with values in braces is not known before
            found.update(part for part in step.label.parts if len(step.label.parts) == 1 and isinstance(part, str))
        elif step.label is None:
            unit: Any = step.unit
            for path in getattr(unit, "paths", ()):
                _collect_chain(path, found)
            if isinstance(unit, (ast.Group, ast.For)):
                collect_labels(unit.body, found)
            while isinstance(unit, ast.If):
                collect_labels(unit.then, found)
                unit = unit.otherwise
            if isinstance(unit, ast.Body):
                collect_labels(unit, found)
