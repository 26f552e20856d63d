"""Warnings: what is sound and yet probably not meant. Computed only when someone asks.

A net with errors is told about its layers alone: that a name or a value is unused may come of the mistake.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from netspec.analysis.lints_layers import LayerLints
from netspec.analysis.lints_names import NameLints
from netspec.analysis.shapes import Types
from netspec.analysis.totals import NodeTotals
from netspec.diagnostics import Diagnostic, Diagnostics
from netspec.elaborate.elaborator import Elaborator
from netspec.elaborate.files import Definitions, parsed
from netspec.ir.network import Network
from netspec.source import SourceFile

if TYPE_CHECKING:
    from netspec.analysis.allowed import Allowed


def warnings(
    elaborator: Elaborator, definitions: Definitions, network: Network, types: Types, totals: NodeTotals, sound: bool
) -> list[Diagnostic]:
    """The warnings about an elaborated net and the file that it stands in, without those that a comment allows."""
    found = Diagnostics()
    for warning in LayerLints(network, types, totals, elaborator.spans).run(sound):
        found.add(warning)
    if sound:
        names = _name_lints(definitions)
        for warning in (*names.found, *names.constant_conditions(elaborator.outcomes)):
            found.add(warning)
    allowed = _allowed(definitions.source)
    for warning in allowed.mistakes if allowed else ():
        found.add(warning)
    return [warning for warning in found if not _is_allowed(warning)]


def _is_allowed(warning: Diagnostic) -> bool:
    span = warning.span
    allowed = _allowed(span.source) if span else None
    return span is not None and allowed is not None and allowed.holds(warning.code, span.start)


@lru_cache(maxsize=64)
def _allowed(source: SourceFile) -> Allowed | None:
    """What the comments of a file allow, if it has such comments."""
    if "allow:" not in source.text:
        return None
    from netspec.analysis.allowed import Allowed

    return Allowed(source, parsed(source)[0])


@lru_cache(maxsize=64)
def _name_lints(definitions: Definitions) -> NameLints:
    """Those of a file, which its nets share."""
    file = parsed(definitions.source)[0]
    return NameLints(definitions, file.items if file else ())
