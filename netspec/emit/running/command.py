"""`netspec run`: a net or an ONNX model in onnxruntime."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import closing
from typing import Any, NamedTuple

import click

from netspec.driver import Compilation
from netspec.emit.extras import require
from netspec.emit.onnx.export import graph_of
from netspec.emit.report import with_net
from netspec.emit.running.feeds import Feeds, feeds
from netspec.emit.running.loading import load_net
from netspec.emit.running.models import read_model
from netspec.emit.running.ports import ports_of_graph, ports_of_model
from netspec.emit.running.refusal import Refused
from netspec.emit.running.results import is_numbers, largest, table, write_npz
from netspec.emit.running.sessions import Session, folder_of, latency_text, provider_of, short
from netspec.emit.style import paint, plural, printable, wants_color
from netspec.emit.weights.matching import weights_for
from netspec.emit.writing import reason_of, replacing, same_file


class Ready(NamedTuple):
    """A model that can be run with its inputs. `said`: what is to be told; `files`: those that were read."""

    name: str
    origin: str
    session: Session
    feeds: Feeds
    said: list[str]
    files: list[str]


def run(
    target: str,
    settings: Sequence[str],
    weights: str | None,
    renames: Sequence[str],
    seed: int,
    inputs: Sequence[str],
    batch: int,
    output: str | None,
    top: int | None,
    provider: str | None,
    threads: int | None,
    repeat: int | None,
    color: str,
) -> int:
    """Run a target and show its outputs. Returns the exit code."""
    if renames and weights is None:
        raise click.UsageError("--rename renames the tensors of a file: give --weights FILE")
    if output is not None and not output.endswith(".npz"):
        raise click.UsageError(f"{printable(output)} is no name for the outputs: they are written as .npz")
    require("onnx", "numpy", "onnx", "onnxruntime")
    chosen = provider_of(provider)
    is_model = target.lower().endswith(".onnx")
    if is_model:
        if weights is not None:
            raise click.UsageError(f"--weights is for a spec: {printable(target)} has its own")
        ready = _of_model(target, _sizes(settings), inputs, batch, seed, chosen, threads)
    else:
        made, code = with_net(
            target, settings, color,
            lambda net: _of_net(net, weights, renames, seed, inputs, batch, chosen, threads),
        )  # fmt: skip
        if made is None:
            return code
        ready = made
    return _run(ready, chosen, output, top, repeat, wants_color(color, sys.stdout))


def _of_net(
    made: Compilation,
    weights: str | None,
    renames: Sequence[str],
    seed: int,
    inputs: Sequence[str],
    batch: int,
    provider: str,
    threads: int | None,
) -> Ready:
    """A sound net. Raises SpecError, Refused."""
    data = graph_of(made)
    ports = ports_of_graph(data, made)
    given = feeds(ports, inputs, batch, seed)
    with closing(weights_for(made, weights, renames, seed)) as tensors:
        session = load_net(made, data, tensors, provider, threads or 0)
    random = weights is None and made.totals is not None and made.totals.params != 0
    said = [f"weights: random, from seed {seed}"] if random else []
    read = [path for path in (made.source.path, weights) if path is not None]
    return Ready(made.name or "", made.source.name, session, given, said, read)


def _of_model(
    path: str,
    sizes: dict[str, int],
    inputs: Sequence[str],
    batch: int,
    seed: int,
    provider: str,
    threads: int | None,
) -> Ready:
    """The model of a file. Raises Refused."""
    data, model, beside = read_model(path)
    ports = ports_of_model(model)
    name = model.graph.name
    del model  # it may be as large as the file
    given = feeds(ports, inputs, batch, seed, sizes)
    folder = folder_of(path) if beside else None
    session = Session(data, os.path.basename(path), folder, provider, threads or 0)
    return Ready(name or "the model", path, session, given, [], [path, *beside])


def _sizes(settings: Sequence[str]) -> dict[str, int]:
    """`--set` for a model: sizes of its symbolic axes. Raises UsageError."""
    sizes: dict[str, int] = {}
    for setting in settings:
        name, equal, text = setting.partition("=")
        digits = text.replace("_", "")
        if not equal or not name or not (digits.isascii() and digits.isdigit() and 0 < int(digits[:20]) < 2**31):
            raise click.UsageError(f"--set takes NAME=SIZE for a model, not {setting!r}")
        if name in sizes:
            raise click.UsageError(f"--set {name} is given twice")
        sizes[name] = int(digits)
    return sizes


def _run(ready: Ready, provider: str, output: str | None, top: int | None, repeat: int | None, color: bool) -> int:
    """Run what is ready, and show it."""
    if output is not None:
        _keep(output, [*ready.files, *ready.feeds.files])
    for text in (*ready.said, *ready.feeds.said):
        click.echo(printable(text), err=True)
    outputs = ready.session.run(ready.feeds.arrays)
    samples = ready.feeds.samples
    head = f"{paint(printable(ready.name), 'bold', color)}  {printable(ready.origin)}"
    click.echo(f"{head}  {plural(samples, 'sample')}, {short(provider)}\n", color=color)
    click.echo(table(outputs, color), color=color)
    numbers = {name: value for name, value in outputs.items() if is_numbers(value)}
    if top is not None:
        for name, value in numbers.items():
            if value.size:
                click.echo("\n" + largest(name, value, top, samples, color), color=color)
    if repeat is not None:
        seconds = ready.session.latencies(ready.feeds.arrays, repeat)
        click.echo("\n" + latency_text(seconds, samples))
    if output is not None:
        _write(output, numbers, len(outputs))
    return 0


def _keep(output: str, others: Sequence[str]) -> None:
    """Raises UsageError where the output is a file that is read, Refused where it has no folder."""
    for other in others:
        if same_file(output, other):
            raise click.UsageError(f"{printable(other)} would be overwritten: choose another name for the output")
    if not os.path.isdir(os.path.dirname(output) or "."):
        raise Refused(f"cannot write {output}: there is no folder {os.path.dirname(output)}")


def _write(output: str, numbers: dict[str, Any], count: int) -> None:
    """Write the outputs that are arrays of numbers. Raises Refused."""
    try:
        with replacing(output) as file:
            names = write_npz(file, numbers)
    except OSError as error:
        raise Refused(f"cannot write {output}: {reason_of(error)}") from None
    said = [f"wrote {output}: {plural(len(names), 'output')}"]
    said += [f"{name} as {member}" for name, member in names.items() if name != member]
    if count > len(names):
        said.append(f"without {plural(count - len(names), 'output')} of no numbers")
    click.echo(printable(", ".join(said)), err=True)
