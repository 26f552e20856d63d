"""`netspec codegen`: the torch source of a net, to standard output or a file."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from netspec.diagnostics import Diagnostic, SpecError
from netspec.driver import Compilation, compile_one, is_json, told
from netspec.emit.report import exit_code, parse_settings, print_diagnostics, source_of
from netspec.emit.style import printable, wants_color
from netspec.emit.torch.source import generate
from netspec.emit.writing import replace


def codegen(target: str, settings: Sequence[str], output: str | None, color: str) -> int:
    """Write the source of a net. Returns the exit code."""
    found: Sequence[Diagnostic] = ()
    text = None
    try:
        made = chosen(target, settings)
        found = told([made])
        text = generate(made) if made.network is not None and made.sound else None
    except SpecError as error:
        found = (*found, *error.diagnostics)
    print_diagnostics(found, wants_color(color, sys.stderr))
    if text is None:
        return exit_code(found)
    if output is None:
        click.echo(text, nl=False)
        return 0
    if output.endswith(".net"):
        raise click.UsageError(f"{printable(output)} would be a spec: choose another name, such as model.py")
    refused = replace(output, text.encode())
    if refused:
        raise click.ClickException(f"cannot write {printable(output)}: {refused}")
    click.echo(f"wrote {printable(output)}", err=True)
    return 0


def chosen(target: str, settings: Sequence[str]) -> Compilation:
    """The net of a target; the only one, where none is named. Raises SpecError."""
    source, net = source_of(target)
    if is_json(source):
        raise click.UsageError(f"{printable(os.path.basename(target))} is IR: code is written from a .net file")
    return compile_one(source, net, parse_settings(settings))
