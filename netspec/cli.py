"""The command line: arguments and exit codes, nothing else.

Exit codes: 0 sound, 1 a spec is wrong, 2 the command was used wrongly, 3 netspec is wrong.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from netspec import __version__
from netspec.startup import lighten

_COLOR = click.Choice(["auto", "always", "never"])


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def cli() -> None:
    """Shapes, parameters and costs of neural networks, from .net files, without building them."""


@cli.command()
@click.argument("targets", nargs=-1, metavar="FILE[:NET]...")
@click.option(
    "--set", "settings", multiple=True, metavar="NAME=VALUE", help="Value of a parameter or symbol; repeatable."
)
@click.option(
    "--batch",
    type=click.IntRange(1, 10**9),
    default=1,
    show_default=True,
    help="Samples to count computation and activations for.",
)
@click.option(
    "--format", "form", type=click.Choice(["table", "json", "markdown", "csv"]), default="table", show_default=True
)
@click.option("--columns", metavar="NAME,...", help="Columns to show, or all; `--columns help` lists them.")
@click.option("--depth", type=click.IntRange(0, 1000), help="Show so many levels of groups.")
@click.option("--symbolic", is_flag=True, help="Leave sizes such as H=224 symbolic: shapes and costs as formulas.")
@click.option("--color", type=_COLOR, default="auto", show_default=True)
def check(
    targets: tuple[str, ...],
    settings: tuple[str, ...],
    batch: int,
    form: str,
    columns: str | None,
    depth: int | None,
    symbolic: bool,
    color: str,
) -> None:
    """Check nets and show their layers.

    FILE is a .net file, IR in JSON, a folder, the name of a bundled spec (`netspec specs`), or - for standard
    input. NET is one of its nets; without it all are checked.
    """
    from netspec.emit import report

    chosen = report.choose_columns(columns)
    if not targets:
        raise click.UsageError("give a FILE, or `netspec specs` for the bundled ones")
    sys.exit(report.check(targets, settings, batch, form, chosen, depth, symbolic, color))


@cli.command()
@click.option("--color", type=_COLOR, default="auto", show_default=True)
def specs(color: str) -> None:
    """List the bundled specs with their figures."""
    from netspec.emit import report

    sys.exit(report.specs(color))


@cli.command()
@click.argument("target", required=False, metavar="FILE[:NET]")
@click.option(
    "--set", "settings", multiple=True, metavar="NAME=VALUE", help="Value of a parameter or symbol; repeatable."
)
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


def main() -> Any:
    """The console script."""
    lighten()
    try:
        cli(standalone_mode=True)
    except BrokenPipeError:
        # the reader has closed the pipe: nobody is left to tell, not even at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except (SystemExit, KeyboardInterrupt):
        raise
    except Exception:
        import traceback

        traceback.print_exc()
        click.echo("netspec is wrong, not your spec: please report this with the file that you checked", err=True)
        sys.exit(3)
