"""What formulas cost: each bundled spec with symbolic sizes, checked at its usual ones and for all of them.

In process a check is the elaboration and the totals, as for a sweep; what `netspec check` prints besides, the sizes at
which the formulas hold and the peak's formula, is told beside it. The two run in turns, so that a change in the
machine's speed meets both.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import process_time

from netspec import resources
from netspec.analysis import totals
from netspec.driver import Compilation, compile_source, find_source
from netspec.emit.table import summary, table
from netspec.ir.dims import Expr
from netspec.ops import base
from netspec.source import SourceFile

ROOT = Path(__file__).resolve().parent.parent
TARGET = 3.0  # times the check at numbers
MORE_MS = 60  # of a process, for ResNet-152
TURNS = 25

# With it set, Python would compile a checkout's modules on every start.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def nets() -> Iterator[tuple[SourceFile, str]]:
    """The bundled nets that have symbols."""
    for name in resources.spec_names():
        source = find_source(str(ROOT / "specs" / f"{name}.net"))
        for made in compile_source(source, symbolic=True):
            network = made.network
            if network and any(isinstance(d, Expr) for item in network.inputs for d in item.type.shape):
                yield source, network.name


def seconds(source: SourceFile, net: str, symbolic: bool) -> tuple[float, float]:
    """CPU time of a check that remembers nothing of those before, and of it with all that the command prints."""
    base._outputs.clear()
    totals._layers.clear()
    start = process_time()
    made = Compilation(source, net, symbolic=symbolic)
    if not made.sound or made.totals is None:
        raise SystemExit(f"{net} is not sound")
    checked = process_time()
    table(made)
    summary(made)
    return checked - start, process_time() - start


def in_process() -> None:
    print(f"CPU milliseconds in process, median of {TURNS}\n")
    print(f"{'net':16} {'numbers':>8} {'symbols':>8} {'ratio':>6}   {'printed':>8} {'symbols':>8} {'ratio':>6}")
    ratios = []
    for source, net in nets():
        turns = [(*seconds(source, net, False), *seconds(source, net, True)) for _ in range(TURNS + 1)][1:]
        check, printed, open_check, open_printed = (median(times) * 1e3 for times in zip(*turns, strict=True))
        ratios.append(open_check / check)
        print(
            f"{net:16} {check:8.2f} {open_check:8.2f} {ratios[-1]:6.2f}   "
            f"{printed:8.2f} {open_printed:8.2f} {open_printed / printed:6.2f}"
        )
    verdict = "met" if max(ratios) <= TARGET else "MISSED"
    print(f"\nlargest ratio of checks {max(ratios):.2f}, median {median(ratios):.2f}   target {TARGET:.0f}: {verdict}")


def cpu_seconds(*arguments: str) -> float:
    """User and system time of one run of `netspec check`, which must succeed."""
    command = [sys.executable, "-c", "from netspec.cli import main; main()", "check", *arguments]
    process = subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)  # already waited for
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)} gave exit code {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def as_process(spec: str) -> None:
    turns = [(cpu_seconds(spec, "--symbolic"), cpu_seconds(spec)) for _ in range(TURNS + 1)][1:]
    more = median(one - other for one, other in turns) * 1e3
    verdict = "met" if more <= MORE_MS else "MISSED"
    print(f"{spec} --symbolic as a process: {more:+.0f} ms   target {MORE_MS}: {verdict}")


if __name__ == "__main__":
    in_process()
    as_process("specs/resnet.net:ResNet152")
