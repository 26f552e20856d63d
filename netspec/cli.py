"""The command line: arguments and exit codes, nothing else.

Exit codes: 0 sound, 1 a spec is wrong, 2 the command was used wrongly, 3 netspec is wrong.
"""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper
from typing import Any

import click

from netspec import __version__, limits
from netspec.startup import lighten

_FLOATS = ("float32", "float16", "bfloat16")
_color = click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True)
_weights = click.option("--weights", metavar="FILE", help="Weights: .safetensors, .npz, .pt or .pth, matched by name.")
_rename = click.option(
    "--rename", "renames", multiple=True, metavar="REGEX=TEXT",
    help="Replace what REGEX finds in the names of FILE's tensors; repeatable, in order.",
)  # fmt: skip
_seed = click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True, help="Of the random weights."
)
_symbolic = click.option(
    "--symbolic", multiple=True, is_flag=False, flag_value="*", metavar="[NAME]",
    help="Leave the size NAME of an input symbolic; all sizes such as H=224 without NAME; repeatable.",
)  # fmt: skip
_opset = click.option(
    "--opset", type=click.IntRange(17, 26), default=23, show_default=True, help="Version of ONNX's operators."
)
_settings = click.option(
    "--set", "settings", multiple=True, metavar="NAME=VALUE", help="Value of a parameter or symbol; repeatable."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def cli() -> None:
    """Shapes, parameters and costs of neural networks, from .net files, without building them."""


@cli.command()
@click.argument("targets", nargs=-1, metavar="FILE[:NET]...")
@_settings
@click.option(
    "--batch",
    type=click.IntRange(1, limits.BATCH),
    default=1,
    show_default=True,
    help="Samples to count computation, activations and the KV cache for.",
)
@click.option(
    "--dtype", type=click.Choice(_FLOATS), default="float32", show_default=True,
    help="Element type to count bytes for: of weights, activations and the KV cache.",
)  # fmt: skip
@click.option(
    "--format", "form", type=click.Choice(["table", "json", "markdown", "csv"]), default="table", show_default=True
)
@click.option("--columns", metavar="NAME,...", help="Columns to show, or all; `--columns help` lists them.")
@click.option("--depth", type=click.IntRange(0, 1000), help="Show so many levels of groups.")
@click.option(
    "--symbolic", multiple=True, is_flag=False, flag_value="*", metavar="[NAME]",
    help="Leave the parameter or size NAME symbolic, so that shapes and costs are formulas in it; all sizes such as "
    "H=224 without NAME; repeatable.",
)  # fmt: skip
@click.option(
    "--diagnostics",
    type=click.Choice(["text", "concise", "json", "github", "sarif"]),
    default="text",
    show_default=True,
    help="How errors and warnings are told; the last three print them alone.",
)
@click.option("--strict", is_flag=True, help="Let warnings count as errors.")
@_weights
@_rename
@_color
def check(
    targets: tuple[str, ...],
    settings: tuple[str, ...],
    batch: int,
    dtype: str,
    form: str,
    columns: str | None,
    depth: int | None,
    symbolic: tuple[str, ...],
    diagnostics: str,
    strict: bool,
    weights: str | None,
    renames: tuple[str, ...],
    color: str,
) -> None:
    """Check nets and show their layers.

    FILE is a .net file, IR in JSON, a folder, the name of a bundled spec (`netspec specs`), or - for standard
    input. NET is one of its nets; without it all are checked. With --weights the names and shapes of a file's
    tensors are compared with the net's, without reading their numbers.
    """
    from netspec.emit import report

    chosen = report.choose_columns(columns)
    targets, symbolic = _without_files(targets, symbolic)
    if not targets:
        raise click.UsageError("give a FILE, or `netspec specs` for the bundled ones")
    sys.exit(
        report.check(
            targets, settings, batch, form, chosen, depth, symbolic, color, diagnostics, strict, weights, renames, dtype
        )
    )


@cli.command()
@_color
def specs(color: str) -> None:
    """List the bundled specs with their figures."""
    from netspec.emit import report

    sys.exit(report.specs(color))


@cli.command()
@click.argument("target", required=False, metavar="FILE[:NET]")
@_settings
@click.option("--schema", is_flag=True, help="Print the JSON Schema of the IR instead.")
def ir(target: str | None, settings: tuple[str, ...], schema: bool) -> None:
    """Print a net's intermediate representation as JSON. `netspec check` reads it back."""
    from netspec.emit import report

    if schema == (target is not None):
        raise click.UsageError("give a FILE, or --schema")
    sys.exit(report.ir_schema() if target is None else report.ir(target, settings))


@cli.command()
@click.argument("name", required=False)
@click.option("--markdown", is_flag=True, help="Print all layers as one Markdown document.")
def layers(name: str | None, markdown: bool) -> None:
    """List the layers and blocks, or explain one."""
    from netspec.emit import catalogue

    sys.exit(catalogue.show(name, markdown))


@cli.command()
@click.argument("code", required=False)
@click.option("--markdown", is_flag=True, help="Print Markdown, of all codes where none is given.")
@_color
def explain(code: str | None, markdown: bool, color: str) -> None:
    """List the codes of errors and warnings, or explain one, such as NS303."""
    from netspec.emit import explain as explanations

    sys.exit(explanations.show(code, markdown, color, cli))


@cli.command()
@click.argument("targets", nargs=-1, metavar="FILE...")
@click.option("--check", is_flag=True, help="Write nothing; name the files that would change, and exit with 1 if any.")
@click.option("--diff", is_flag=True, help="Write nothing; print what would change, and exit with 1 if anything.")
def fmt(targets: tuple[str, ...], check: bool, diff: bool) -> None:
    """Format files in place.

    FILE is a .net file, a folder, or - to read standard input and write standard output.
    """
    from netspec.emit import formatting

    if not targets:
        raise click.UsageError("give a FILE, a folder, or - for standard input")
    sys.exit(formatting.fmt(targets, check, diff))


@cli.command()
@click.argument("target", metavar="FILE[:NET]")
@_settings
@click.option("-o", "--output", metavar="FILE", help="Write to a file, as a whole or not at all.")
@_color
def codegen(target: str, settings: tuple[str, ...], output: str | None, color: str) -> None:
    """Write a net as a torch module: readable source that needs nothing of netspec."""
    from netspec.emit import codegen as generation

    sys.exit(generation.codegen(target, settings, output, color))


@cli.command()
@click.argument("target", required=False, metavar="FILE[:NET]")
@_settings
@_symbolic
@click.option("-o", "--output", metavar="MODEL.onnx", required=True, help="The file, written whole or not at all.")
@_weights
@_rename
@_seed
@_opset
@click.option(
    "--dtype", type=click.Choice(_FLOATS), default="float32", show_default=True,
    help="Element type of weights and values.",
)  # fmt: skip
@click.option("--external-data", is_flag=True, help="Put the weights into MODEL.onnx.data; always done beyond 2 GB.")
@click.option("--fold/--no-fold", default=True, help="Fold batchnorm into the convolution before it.  [default: fold]")
@_color
def export(
    target: str | None,
    settings: tuple[str, ...],
    symbolic: tuple[str, ...],
    output: str,
    weights: str | None,
    renames: tuple[str, ...],
    seed: int,
    opset: int,
    dtype: str,
    external_data: bool,
    fold: bool,
    color: str,
) -> None:
    """Write a net as an ONNX model, straight from the spec: no tracing, no torch.

    Without --weights they are random, as the torch module's would be, from the seed.
    """
    from netspec.emit.onnx import command

    files, symbolic = _without_files((target,) if target else (), symbolic)
    if len(files) != 1:
        raise click.UsageError("give a FILE" if not files else f"give one FILE, not {' and '.join(files)}")
    sys.exit(
        command.export(
            files[0], settings, symbolic, output, weights, renames, seed, opset, dtype, external_data, fold, color
        )
    )


@cli.command()
@click.argument("target", metavar="FILE[:NET]")
@_settings
@click.option("-o", "--output", metavar="FILE", required=True, help="A .safetensors or .npz file.")
@_seed
@_color
def init(target: str, settings: tuple[str, ...], output: str, seed: int, color: str) -> None:
    """Write random weights, as the torch module's would be, so that torch and ONNX can start from the same."""
    from netspec.emit.weights import command

    sys.exit(command.init(target, settings, output, seed, color))


@cli.command()
@click.argument("target", metavar="FILE[:NET]|MODEL.onnx")
@_settings
@_weights
@_rename
@_seed
@click.option(
    "--input", "inputs", multiple=True, metavar="NAME=VALUE",
    help="Value of an input: a .npy file, FILE.npz:MEMBER, a PNG or JPEG image, or random; repeatable. A sole input "
    "needs no NAME=.",
)  # fmt: skip
@click.option("--batch", type=click.IntRange(1, 65_536), default=1, show_default=True, help="Samples of random inputs.")
@click.option("-o", "--output", metavar="OUT.npz", help="Write the outputs to a file.")
@click.option("--top", type=click.IntRange(1, 10_000), help="Show the largest so many entries of each sample's output.")
@click.option("--provider", metavar="NAME", help="Execution provider of onnxruntime.")
@click.option("--threads", type=click.IntRange(1, 1024), help="Threads that an operator may use.")
@click.option("--repeat", type=click.IntRange(1, 1_000_000), help="Run so often, and print the latency.")
@_color
def run(
    target: str,
    settings: tuple[str, ...],
    weights: str | None,
    renames: tuple[str, ...],
    seed: int,
    inputs: tuple[str, ...],
    batch: int,
    output: str | None,
    top: int | None,
    provider: str | None,
    threads: int | None,
    repeat: int | None,
    color: str,
) -> None:
    """Run a net or an ONNX model in onnxruntime."""
    from netspec.emit.running import command

    sys.exit(
        command.run(
            target, settings, weights, renames, seed, inputs, batch, output, top, provider, threads, repeat, color
        )
    )


@cli.command()
@click.argument("targets", nargs=-1, metavar="FILE[:NET]...")
@_settings
@_symbolic
@_seed
@_opset
@click.option("--layers", is_flag=True, help="Compare the numbers of every layer, not of the outputs alone.")
@click.option(
    "--tolerance", type=click.FloatRange(0, 1, min_open=True), default=1e-4, show_default=True,
    help="Largest difference, as a share of the largest output.",
)  # fmt: skip
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@_color
def verify(
    targets: tuple[str, ...],
    settings: tuple[str, ...],
    symbolic: tuple[str, ...],
    seed: int,
    opset: int,
    layers: bool,
    tolerance: float,
    form: str,
    color: str,
) -> None:
    """Show that the static facts, torch and onnxruntime agree: shapes, parameters, MACs and numbers."""
    from netspec.emit.verify import command

    targets, symbolic = _without_files(targets, symbolic)
    if not targets:
        raise click.UsageError("give a FILE, or `netspec specs` for the bundled ones")
    sys.exit(command.verify(targets, settings, symbolic, seed, opset, layers, tolerance, form, color))


@cli.command()
@click.argument("target", metavar="FILE[:NET]")
@click.argument("claim", metavar="CLAIM")
@click.option(
    "--over", multiple=True, metavar="NAME",
    help="The size of an input, or the parameter, whose values are looked for; NAME,NAME for several of one value.",
)  # fmt: skip
@_settings
@click.option("--from", "low", type=click.IntRange(0, 10**18), metavar="N", help="Look from N on.  [default: 1]")
@click.option("--to", "high", type=click.IntRange(1, 10**18), metavar="N", help="Look up to N.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@_color
def solve(
    target: str,
    claim: str,
    over: tuple[str, ...],
    settings: tuple[str, ...],
    low: int | None,
    high: int | None,
    form: str,
    color: str,
) -> None:
    """Find the sizes at which a claim holds, such as "macs <= 600e6": anything that an `assert` may claim.

    Exit code 1: there are none.
    """
    from netspec.emit.solving import command

    sys.exit(command.solve(target, claim, over, settings, low, high, form, color))


def _without_files(targets: tuple[str, ...], symbolic: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The targets and the names of `--symbolic`, which takes the next word: what is no name is a file, and so is the
    last name where there is no other file."""
    files = [word for word in symbolic if not (word == "*" or word.isidentifier() or set(word) & set("<>=%"))]
    if not targets and not files and symbolic and symbolic[-1] != "*":
        files = [symbolic[-1]]
    if not files:
        return targets, symbolic
    return (*files, *targets), tuple("*" if word in files else word for word in symbolic)


def main() -> Any:
    """The console script."""
    lighten()
    _prepare_streams()
    try:
        sys.exit(cli(standalone_mode=False))
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(130)  # as shells say it of a program that SIGINT ended
    except BrokenPipeError:
        _forget_output()  # the reader has closed the pipe: nobody is left to tell
        sys.exit(1)
    except OSError as error:
        _forget_output()
        click.echo(f"netspec cannot go on: {(error.strerror or str(error)).lower()}", err=True)
        sys.exit(2)
    except MemoryError:
        click.echo("netspec cannot go on: this does not fit in memory", err=True)
        sys.exit(2)
    except Exception:
        import traceback

        traceback.print_exc()
        click.echo("netspec is wrong, not your spec: please report this with the file that you checked", err=True)
        sys.exit(3)


def _prepare_streams() -> None:
    """Let every standard stream be there, and take any text."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller
            setattr(sys, name, open(os.devnull, "r+", encoding="utf-8"))  # noqa: SIM115
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as standard error does: a file's name may be any bytes


def _forget_output() -> None:
    """Write nothing more to standard output, not even at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
