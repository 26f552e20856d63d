"""`netspec solve`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from netspec.diagnostics import SpecError
from netspec.emit.report import exit_code, parse_settings, print_diagnostics, source_of
from netspec.emit.solving.search import CLAIM, OVER, Solution, WrongUse
from netspec.emit.solving.search import solve as search
from netspec.emit.style import paint, printable, wants_color


def solve(
    target: str,
    claim: str,
    over: Sequence[str],
    settings: Sequence[str],
    low: int | None,
    high: int | None,
    form: str,
    color: str,
) -> int:
    """Print the values that meet a claim. Returns the exit code: 1 where there are none."""
    names = [name.strip() for names in over for name in names.split(",")]
    if not names:
        raise click.UsageError("give --over NAME: a size of an input such as H, or a parameter of the net")
    for name in names:
        if not name.isidentifier():
            raise click.UsageError(f"--over takes NAME, or NAME,NAME for names of the same value, not {name!r}")
    values = parse_settings(settings)
    both = sorted(set(names) & set(values))
    if both:
        raise click.UsageError(f"--set gives {both[0]} a value, and --over looks for one: leave one of them out")
    found: Solution | None = None
    try:
        source, net = source_of(target)
        found = search(source, net, values, claim, names, low, high)
    except WrongUse as error:
        raise click.UsageError(str(error)) from None
    except SpecError as error:
        told = error.diagnostics
        if form == "json":
            _print_json({"net": None, "file": target, "claim": claim, "over": names}, told)
        print_diagnostics(told, wants_color(color, sys.stderr))
        used = all(diagnostic.file in (CLAIM, OVER) for diagnostic in told)
        return 2 if used else exit_code(told)
    if form == "json":
        _print_json(found.to_dict(), ())
    else:
        colored = wants_color(color, sys.stdout)
        head, _, rest = str(found).partition("\n")
        click.echo(
            f"{paint(found.net, 'bold', colored)}  {printable(found.file)}  {printable(found.claim)}\n", color=colored
        )
        click.echo(paint(printable(head), "green" if found else "red", colored), color=colored)
        for line in rest.splitlines():
            click.echo(printable(line))
    return 0 if found else 1


def _print_json(answer: dict[str, object], told: Sequence[object]) -> None:
    import json

    from netspec.emit.listing import diagnostics_json

    if told:
        answer["diagnostics"] = diagnostics_json(told)  # type: ignore[arg-type]
    click.echo(json.dumps(answer, indent=2))
