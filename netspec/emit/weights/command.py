"""`netspec init`: the weights of a net as they begin, in a file."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from netspec.diagnostics import Diagnostic, SpecError
from netspec.driver import Compilation, compile_one, told
from netspec.emit.extras import require
from netspec.emit.report import exit_code, parse_settings, print_diagnostics, source_of
from netspec.emit.style import plural, printable, wants_color
from netspec.emit.unrolling import tensors_of
from netspec.emit.weights.elements import Entry
from netspec.emit.weights.initial import initial
from netspec.emit.weights.matching import sizes
from netspec.emit.weights.stored import WRITERS
from netspec.emit.writing import reason_of, replacing, same_file


def init(target: str, settings: Sequence[str], output: str, seed: int, color: str) -> int:
    """Write the first weights of a net. Returns the exit code."""
    ending = os.path.splitext(output)[1].lower()
    if ending not in WRITERS:
        raise click.UsageError(f"{printable(output)}: weights are written to .safetensors and .npz files")
    require("onnx", "numpy")
    found: Sequence[Diagnostic] = ()
    written: str | None = None
    try:
        source, net = source_of(target)
        made = compile_one(source, net, parse_settings(settings))
        found = told([made])
        if made.sound and made.network is not None:
            if source.path is not None and same_file(output, source.path):
                raise click.UsageError(f"{printable(output)} is the spec: choose another name")
            written = _write(made, output, ending, seed)
    except SpecError as error:
        found = (*found, *error.diagnostics)
    except OSError as error:
        raise click.ClickException(f"cannot write {printable(output)}: {reason_of(error)}") from None
    print_diagnostics(found, wants_color(color, sys.stderr))
    if written is None:
        return exit_code(found)
    click.echo(written, err=True)
    return 0


def _write(made: Compilation, output: str, ending: str, seed: int) -> str:
    """Write the file, and say so."""
    tensors = initial(made, seed)
    entries = {name: Entry(sizes(weight), weight.dtype) for name, (weight, _) in tensors_of(made).items()}
    with replacing(output) as file:
        WRITERS[ending](entries, tensors, file)
    params = made.totals.params if made.totals is not None else 0
    return f"wrote {printable(output)}: {plural(len(entries), 'tensor')}, {params:,} parameters (seed {seed})"
