"""Nets from text, verified."""

from __future__ import annotations

from typing import Any

from netspec.driver import Compilation, find_source, split_target
from netspec.emit.verify.findings import Findings, Options
from netspec.emit.verify.proof import verify_net
from netspec.source import SourceFile


def verified(text: str, symbolic: bool = False, settings: dict[str, Any] | None = None, **options: Any) -> Findings:
    """What is found out about the net of a text, whose file is called test.net."""
    made = Compilation(SourceFile("test.net", text), None, settings or {}, symbolic=symbolic)
    return verify_net(made, Options(**options))


def bundled(target: str, symbolic: bool = False, **settings: Any) -> Findings:
    spec, net = split_target(target)
    return verify_net(Compilation(find_source(spec), net, settings, symbolic=symbolic), Options())


def told(found: Findings) -> str:
    """Everything that is said of a net."""
    lines = [line for t in found.troubles for line in (t.text, t.place, *t.details)]
    return "\n".join([*lines, *found.notes])


def agrees(found: Findings) -> Findings:
    assert found.status == "OK", told(found)
    assert found.agree
    return found
