"""`netspec init`: the weights of a net as they begin, in a file."""

from __future__ import annotations

import os
from collections.abc import Sequence

import click

from netspec.driver import Compilation
from netspec.emit.extras import require
from netspec.emit.report import with_net
from netspec.emit.style import plural, printable
from netspec.emit.unrolling import tensors_of
from netspec.emit.weights.elements import Entry
from netspec.emit.weights.initial import initial
from netspec.emit.weights.matching import sizes
from netspec.emit.weights.stored import WRITERS
from netspec.emit.writing import check_room, reason_of, replacing, same_file


def init(target: str, settings: Sequence[str], output: str, seed: int, color: str) -> int:
    """Write the first weights of a net. Returns the exit code."""
    ending = os.path.splitext(output)[1].lower()
    if ending not in WRITERS:
        raise click.UsageError(f"{printable(output)}: weights are written to .safetensors and .npz files")
    require("onnx", "numpy")
    try:
        written, code = with_net(target, settings, color, lambda made: _write(made, output, ending, seed))
    except OSError as error:
        raise click.ClickException(f"cannot write {printable(output)}: {reason_of(error)}") from None
    if written is not None:
        click.echo(written, err=True)
    return code


def _write(made: Compilation, output: str, ending: str, seed: int) -> str:
    """Write the file, and say so."""
    if made.source.path is not None and same_file(output, made.source.path):
        raise click.UsageError(f"{printable(output)} is the spec: choose another name")
    tensors = initial(made, seed)
    entries = {name: Entry(sizes(weight), weight.dtype) for name, (weight, _) in tensors_of(made).items()}
    check_room(output, sum(entry.bytes for entry in entries.values()))
    with replacing(output) as file:
        WRITERS[ending](entries, tensors, file)
    params = made.totals.params if made.totals is not None else 0
    return f"wrote {printable(output)}: {plural(len(entries), 'tensor')}, {params:,} parameters (seed {seed})"
