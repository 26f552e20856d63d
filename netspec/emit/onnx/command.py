"""`netspec export`: a net as an ONNX model in a file."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

import click

from netspec.driver import Compilation
from netspec.emit.extras import require
from netspec.emit.onnx.export import DATA, graph_of, write_model
from netspec.emit.onnx.proto import OutOfRange
from netspec.emit.report import with_net
from netspec.emit.style import plural, printable
from netspec.emit.weights.matching import weights_for
from netspec.emit.writing import reason_of, same_file

BFLOAT16_OPSET = 22  # the first whose operators all take bfloat16


def export(
    target: str,
    settings: Sequence[str],
    symbolic: Sequence[str],
    output: str,
    weights: str | None,
    renames: Sequence[str],
    seed: int,
    opset: int,
    dtype: str,
    external: bool,
    fold: bool,
    color: str,
) -> int:
    """Write the model of a net. Returns the exit code."""
    if output.endswith(".net"):
        raise click.UsageError(f"{printable(output)} would be a spec: choose another name, such as model.onnx")
    if renames and weights is None:
        raise click.UsageError("--rename renames the tensors of a file: give --weights FILE")
    if dtype == "bfloat16" and opset < BFLOAT16_OPSET:
        raise click.UsageError(f"operators take bfloat16 from opset {BFLOAT16_OPSET} on: leave out --opset {opset}")
    require("onnx", "onnx", "numpy")

    def write(made: Compilation) -> str:
        _keep(output, *filter(None, (made.source.path, weights)))
        data = graph_of(made, opset, fold)
        with closing(weights_for(made, weights, renames, seed)) as tensors:
            beside = write_model(output, data, tensors, dtype, made, external)
        return _said(made, output, beside, len(data.nodes), opset, weights, seed)

    try:
        written, code = with_net(target, settings, color, write, symbolic)
    except OutOfRange as error:
        raise click.ClickException(f"cannot write {printable(output)}: {error}") from None
    except OSError as error:
        raise click.ClickException(f"cannot write {printable(output)}: {reason_of(error)}") from None
    if written is not None:
        click.echo(written, err=True)
    return code


def _keep(output: str, *others: str) -> None:
    """Raises UsageError where the output is a file that is read."""
    for other in others:
        if same_file(output, other) or same_file(output + DATA, other):
            raise click.UsageError(f"{printable(other)} would be overwritten: choose another name for the output")


def _said(
    made: Compilation, output: str, beside: str | None, nodes: int, opset: int, weights: str | None, seed: int
) -> str:
    params = made.totals.params if made.totals is not None else 0
    files = printable(output) + (f" and {printable(beside)}" if beside else "")
    origin = f"from {printable(weights)}" if weights else f"random, from seed {seed}"
    return f"wrote {files}: {plural(nodes, 'node')} of opset {opset}, {params:,} parameters ({origin})"
