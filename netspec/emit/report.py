"""What the commands print: chooses nets, collects their reports, and says by an exit code how it went."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

import click

from netspec.analysis.rows import exceeds
from netspec.diagnostics import Diagnostic, SpecError
from netspec.driver import Compilation, Symbolic, compile_one, compile_source, find_source, split_target, told
from netspec.elaborate.files import source_from_bytes
from netspec.elaborate.symbolic import ON_COMMAND
from netspec.emit.diagnostics import counts, render
from netspec.emit.style import paint, plural, printable, terminal_width, wants_color
from netspec.emit.table import COLUMNS, DEFAULT, comma_separated, markdown, overview, summary, table
from netspec.limits import DIAGNOSTICS, SOURCE_BYTES
from netspec.problems.files import CannotRead
from netspec.problems.names import MissingParameter, NotSymbolic, UnknownSetting, UnknownSymbolic
from netspec.problems.structure import UnknownNet
from netspec.source import SourceFile
from netspec.syntax.parser import parse_expression

_USAGE = {  # wrong in the command
    CannotRead.code, UnknownNet.code, UnknownSetting.code, MissingParameter.code, UnknownSymbolic.code,
    NotSymbolic.code,
}  # fmt: skip
_MISTAKES = 5  # told of a value on the command line
Made = TypeVar("Made")
_LINES = ("text", "concise")  # forms of diagnostics that stand beside the nets


def choose_columns(text: str | None) -> tuple[str, ...]:
    """The columns of a comma-separated list, or `all`. Raises UsageError for one that does not exist."""
    if text is None:
        return DEFAULT
    if text == "help":
        width = max(map(len, COLUMNS))
        for name, column in COLUMNS.items():
            click.echo(f"{name.ljust(width)}  {column.about}")
        sys.exit(0)
    if text == "all":
        return tuple(COLUMNS)
    names = tuple(name.strip().lower() for name in text.split(","))
    for name in names:
        if name not in COLUMNS:
            raise click.UsageError(f"no column {name!r}; columns are {', '.join(COLUMNS)}")
    return names


def check(
    targets: Sequence[str],
    settings: Sequence[str],
    batch: int,
    form: str,
    columns: Sequence[str],
    depth: int | None,
    symbolic: Sequence[str],
    color: str,
    diagnostics: str = "text",
    strict: bool = False,
    weights: str | None = None,
    renames: Sequence[str] = (),
    dtype: str = "float32",
) -> int:
    """Check targets and print them. Returns the exit code."""
    if renames and weights is None:
        raise click.UsageError("--rename renames the tensors of a file: give --weights FILE")
    if diagnostics not in _LINES and form != "table":
        raise click.UsageError(f"--diagnostics {diagnostics} prints no nets: leave out --format {form}")
    values = parse_settings(settings)
    made: list[Compilation] = []
    lost: list[Diagnostic] = []
    for target in expand(targets):
        try:
            source, net = source_of(target)
            made += compile_source(source, net, values, batch, symbolic, dtype)
        except SpecError as error:
            lost += error.diagnostics
    fit = _Fit() if weights is None else _fit(made, weights, renames)
    colored = wants_color(color, sys.stdout)
    if form == "json":
        return _json(made, lost, strict, fit)
    if diagnostics not in _LINES:
        return _document((*lost, *told(made), *fit.mistakes), diagnostics, strict)
    show = {"markdown": markdown, "csv": comma_separated}.get(form)
    try:
        if show is not None:
            for index, net_made in enumerate(made):
                if len(made) > 1:
                    click.echo(
                        ("\n" if index else "")
                        + (f"## {net_made.name}\n" if form == "markdown" else f"# {net_made.name}")
                    )
                click.echo(show(net_made, columns, depth))
        elif len(made) == 1:
            _one(made[0], columns, depth, colored, fit)
        elif made:
            click.echo(overview(made, colored), color=colored)
    except SpecError as error:
        lost += error.diagnostics
    found = (*lost, *told(made), *fit.mistakes)
    print_diagnostics(found, wants_color(color, sys.stderr), diagnostics, strict)
    return exit_code(found, strict)


class _Fit(NamedTuple):
    """How a file of weights fits a net."""

    file: str = ""
    tensors: int | None = None  # where all of them fit
    mistakes: tuple[Diagnostic, ...] = ()

    @property
    def text(self) -> str:
        count = "The tensor" if self.tensors == 1 else f"All {self.tensors:,} tensors"
        return f"{count} of {printable(self.file)} {'fits' if self.tensors == 1 else 'fit'}."


def _fit(made: Sequence[Compilation], weights: str, renames: Sequence[str]) -> _Fit:
    """Compare a file's tensors with the weights of the only net. Raises UsageError where there are several."""
    from netspec.emit.weights.matching import match_file

    if len(made) > 1:
        names = ", ".join(f"{printable(net.source.name)}:{net.name}" for net in made[:_MISTAKES])
        raise click.UsageError(f"--weights takes one net: choose one of {names}{', ...' * (len(made) > _MISTAKES)}")
    if not made or made[0].network is None or not made[0].sound:
        return _Fit(weights)
    try:
        match = match_file(made[0], weights, renames)
    except SpecError as error:
        return _Fit(weights, None, error.diagnostics)
    match.close()
    return _Fit(weights, len(match.names))


def exit_code(found: Iterable[Diagnostic], strict: bool = False) -> int:
    """0 where nothing is wrong, 1 where a spec is, 2 where only the command is. Strictly, a warning is wrong too."""
    errors = [d for d in found if strict or d.severity == "error"]
    if not errors:
        return 0
    wrong = {d.code for d in errors if d.span is None or d.span.source.name != ON_COMMAND}
    from netspec.problems.weights import BadWeights, CannotReadWeights, MoreThanTensors  # only on the way to an error

    return 2 if wrong <= {*_USAGE, CannotReadWeights.code, BadWeights.code, MoreThanTensors.code} else 1


def _one(made: Compilation, columns: Sequence[str], depth: int | None, colored: bool, fit: _Fit) -> None:
    network = made.network
    if network is None:
        return
    if depth is None and exceeds(network):
        depth = 2
    click.echo(f"{paint(network.name, 'bold', colored)}  {printable(made.source.name)}\n", color=colored)
    click.echo(table(made, columns, depth, colored, terminal_width(sys.stdout)), color=colored)
    text = summary(made)
    if text:
        click.echo(f"\n{text}")
    if made.sound and made.claims:
        click.echo(paint(_of_claims(made.claims, made.undecided_claims), "green", colored), color=colored)
    if fit.tensors is not None:
        click.echo(paint(fit.text, "green", colored), color=colored)


def _of_claims(claims: int, undecided: int) -> str:
    if not undecided:
        return f"All {plural(claims, 'claim')} hold." if claims > 1 else "The claim holds."
    held = claims - undecided
    told = f"{plural(held, 'claim')} {'holds' if held == 1 else 'hold'} at every size; " if held else ""
    return f"{told}{plural(undecided, 'claim')} {'depends' if undecided == 1 else 'depend'} on what is left symbolic."


def _json(made: list[Compilation], lost: list[Diagnostic], strict: bool, fit: _Fit) -> int:
    import json

    from netspec.emit.listing import diagnostics_json, net_json

    objects: list[Any] = []
    for net in made:
        try:
            objects.append(net_json(net))
            objects[-1]["diagnostics"] += diagnostics_json(fit.mistakes[:DIAGNOSTICS])
            if fit.tensors is not None:
                objects[-1]["weights"] = {"file": fit.file, "tensors": fit.tensors}
        except SpecError as error:
            lost += error.diagnostics
    for diagnostic in lost:
        objects.append({"net": None, "file": diagnostic.origin, "diagnostics": diagnostics_json((diagnostic,))})
    click.echo(json.dumps(objects[0] if len(objects) == 1 else objects, indent=2))
    return exit_code((*lost, *told(made), *fit.mistakes), strict)


def _document(found: Sequence[Diagnostic], form: str, strict: bool) -> int:
    """Print the diagnostics alone, in a form for programs."""
    from netspec.emit.annotations import DOCUMENTS

    text = DOCUMENTS[form](found[:DIAGNOSTICS])
    if text:
        click.echo(text)
    _print_more(found)
    return exit_code(found, strict)


def print_diagnostics(found: Sequence[Diagnostic], colored: bool, form: str = "text", strict: bool = False) -> None:
    if not found:
        return
    sys.stdout.flush()
    if form == "concise":
        from netspec.emit.annotations import concise

        for diagnostic in found[:DIAGNOSTICS]:
            click.echo(concise(diagnostic), err=True)
    else:
        for diagnostic in found[:DIAGNOSTICS]:
            click.echo("\n" + render(diagnostic, colored), err=True, color=colored)
        click.echo(err=True)
    _print_more(found)
    click.echo(counts(found, strict), err=True)


def _print_more(found: Sequence[Diagnostic]) -> None:
    if len(found) > DIAGNOSTICS:
        click.echo(f"... and {len(found) - DIAGNOSTICS:,} more", err=True)


def expand(targets: Sequence[str]) -> list[str]:
    """Folders as the .net files in them."""
    out: list[str] = []
    for target in targets:
        if not os.path.isdir(target):
            out.append(target)
            continue
        files: list[str] = []
        within = os.path.join(os.path.realpath(target), "")
        for folder, folders, names in os.walk(target):
            folders.sort()  # the order in which they are walked
            found = (os.path.join(folder, name) for name in sorted(names) if name.endswith(".net"))
            files += [path for path in found if os.path.isfile(path) or not os.path.exists(path)]  # no device, no pipe
        if not files:
            raise click.UsageError(f"there is no .net file in {printable(target)}")
        for path in files:
            if os.path.islink(path) and not os.path.realpath(path).startswith(within):
                shown = printable(path)
                raise click.UsageError(f"{shown} is a link out of {printable(target)}: name it, if it is meant")
        out += files
    return out


def source_of(target: str) -> tuple[SourceFile, str | None]:
    """The source of a target, and the net that it names. Raises SpecError."""
    if target == "-" or target.startswith("-:"):
        data = sys.stdin.buffer.read(SOURCE_BYTES + 1)
        return source_from_bytes(data, "<stdin>", None), target[2:] or None
    if os.path.exists(target):
        return find_source(target), None
    path, net = split_target(target)
    return find_source(path), net


def with_net(
    target: str, settings: Sequence[str], color: str, act: Callable[[Compilation], Made], symbolic: Symbolic = False
) -> tuple[Made | None, int]:
    """What comes of a target's net, if it is sound, and the exit code. Errors and warnings are printed, those that
    `act` raises too."""
    found: Sequence[Diagnostic] = ()
    result: Made | None = None
    try:
        source, net = source_of(target)
        made = compile_one(source, net, parse_settings(settings), symbolic=symbolic)
        found = told([made])
        if made.sound and made.network is not None:
            result = act(made)
    except SpecError as error:
        found = (*found, *error.diagnostics)
    print_diagnostics(found, wants_color(color, sys.stderr))
    return result, exit_code(found)


def parse_settings(settings: Sequence[str]) -> dict[str, Any]:
    """`name=value` pairs as expressions. Raises UsageError."""
    values: dict[str, Any] = {}
    for setting in settings:
        name, equal, text = setting.partition("=")
        if not equal or not name.isidentifier() or not text.strip():
            raise click.UsageError(f"--set takes NAME=VALUE, not {setting!r}")
        if name in values:
            raise click.UsageError(f"--set {name} is given twice")
        value, mistakes = parse_expression(SourceFile(f"--set {name}", text))
        if value is None:
            raise click.UsageError(str(SpecError(tuple(mistakes[:_MISTAKES]))))
        values[name] = value
    return values


def specs(color: str) -> int:
    """List the bundled specs."""
    from netspec import resources

    made: list[Compilation] = []
    for name in resources.spec_names():
        source = find_source(resources.spec_path(name) or name)
        made += compile_source(SourceFile(name, source.text, source.path))
    colored = wants_color(color, sys.stdout)
    click.echo(overview(made, colored), color=colored)
    return 0


def ir(target: str, settings: Sequence[str]) -> int:
    """Print a net's IR."""
    try:
        source, net = source_of(target)
        made = Compilation(source, net, parse_settings(settings))
    except SpecError as error:
        print_diagnostics(error.diagnostics, False)
        return exit_code(error.diagnostics)
    print_diagnostics(made.diagnostics, wants_color("auto", sys.stderr))
    if made.network is None or not made.sound:
        return exit_code(made.diagnostics)
    click.echo(made.network.model_dump_json(indent=2))
    return 0


def ir_schema() -> int:
    """Print the JSON Schema of the IR."""
    import json

    from netspec.ir.network import Network

    click.echo(json.dumps(Network.model_json_schema(), indent=2))
    return 0
