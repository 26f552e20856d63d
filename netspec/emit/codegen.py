"""`netspec codegen`: the torch source of a net, to standard output or a file."""

from __future__ import annotations

import os
from collections.abc import Sequence

import click

from netspec.driver import Compilation, is_json
from netspec.emit.report import with_net
from netspec.emit.style import printable
from netspec.emit.torch.source import generate
from netspec.emit.writing import replace, same_file


def codegen(target: str, settings: Sequence[str], output: str | None, color: str) -> int:
    """Write the source of a net. Returns the exit code."""
    text, code = with_net(target, settings, color, lambda made: _source(made, output))
    if text is None:
        return code
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


def _source(made: Compilation, output: str | None) -> str:
    """The source of a sound net. Raises SpecError, and UsageError where the output is the spec itself."""
    if output is not None and made.source.path is not None and same_file(output, made.source.path):
        raise click.UsageError(f"{printable(output)} is the spec: choose another name, such as model.py")
    if is_json(made.source):
        name = printable(os.path.basename(made.source.name))
        raise click.UsageError(f"{name} is IR: code is written from a .net file")
    return generate(made)
