"""`netspec verify`: chooses nets, verifies them one after the other, and says by an exit code how it went."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import click

from netspec.diagnostics import Diagnostic, SpecError
from netspec.driver import Compilation, compile_source, is_json
from netspec.emit.extras import require
from netspec.emit.report import exit_code, expand, parse_settings, print_diagnostics, source_of
from netspec.emit.style import printable, wants_color
from netspec.emit.verify.findings import Findings, Options


def verify(
    targets: Sequence[str],
    settings: Sequence[str],
    symbolic: Sequence[str],
    seed: int,
    opset: int,
    layers: bool,
    tolerance: float,
    form: str,
    color: str,
) -> int:
    """Verify the nets of targets and print what was found. Returns the exit code."""
    from netspec.emit.verify.show import document, table

    nets, lost = _nets(targets, settings, symbolic)
    options = Options(seed, opset, layers, tolerance)
    found: list[Findings] = []
    if nets:
        require("torch", "torch")
        require("onnx", "numpy", "onnx", "onnxruntime")
        found = _verify_all(nets, options)
    if form == "json":
        import json

        click.echo(json.dumps(document(found, options), indent=2))
    elif found:
        colored = wants_color(color, sys.stdout)
        click.echo(table(found, options, colored), color=colored)
    told = (*lost, *dict.fromkeys(d for each in found for d in each.diagnostics))
    print_diagnostics(told, wants_color(color, sys.stderr))
    if any(not each.agree and each.status != "unsound" for each in found):
        return 1
    return exit_code(told)


def _nets(
    targets: Sequence[str], settings: Sequence[str], symbolic: Sequence[str]
) -> tuple[list[Compilation], list[Diagnostic]]:
    """The nets of targets, and what was wrong with finding them."""
    values = parse_settings(settings)
    nets: list[Compilation] = []
    lost: list[Diagnostic] = []
    for target in expand(targets):
        try:
            source, net = source_of(target)
            if is_json(source):
                raise click.UsageError(f"{printable(target)} is IR: torch source is written from a .net file")
            nets += compile_source(source, net, values, symbolic=symbolic)
        except SpecError as error:
            lost += error.diagnostics
    return nets, lost


def _verify_all(nets: list[Compilation], options: Options) -> list[Findings]:
    """Each net, which is forgotten then. It may be large."""
    from netspec.emit.verify.proof import verify_net

    found = []
    with _progress(len(nets)) as begin:
        for index in range(len(nets)):
            found.append(verify_net(nets[index], options, begin(nets[index].name or "?")))
            nets[index] = Compilation(nets[index].source, nets[index].name)
            gc.collect()
    return found


@contextmanager
def _progress(count: int) -> Iterator[Callable[[str], Callable[[str], None]]]:
    """A bar on standard error, where that is a terminal. Gives, for each net that begins, what tells its stages."""
    if not sys.stderr.isatty():
        yield lambda name: lambda stage: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from netspec.emit.verify.proof import STAGES

    columns = TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=count * len(STAGES))
        done = 0

        def begin(name: str) -> Callable[[str], None]:
            nonlocal done
            start, done = done, done + len(STAGES)

            def tick(stage: str) -> None:
                text = f"{printable(name)}: {stage}"
                bar.update(task, description=text, completed=start + STAGES.index(stage))

            return tick

        yield begin
