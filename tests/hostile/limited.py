"""Runs netspec in a process of its own, with bounds on its time and memory, and says how it went.

As a program it is the process between: a child that is started from a large one counts the memory of that as its own.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

CPU_SECONDS = 2  # for what is a spec
MEMORY = 500 * 1024 * 1024
_MOST_SECONDS = 20  # of processor time, after which it is killed
_WALL_SECONDS = 60


class Outcome(NamedTuple):
    """How a process ended. `code` is negative where a signal ended it."""

    code: int
    out: str
    err: str
    cpu: float  # seconds
    memory: int  # bytes, at most


def netspec(
    *arguments: str | bytes,
    folder: Path,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    stdout: str | None = None,
) -> Outcome:
    """Run `netspec` in a folder until it ends or breaks a bound. `stdout`: a path to write to instead."""
    with tempfile.TemporaryDirectory() as outside:
        report, given, out, err = (Path(outside) / name for name in ("report", "stdin", "stdout", "stderr"))
        given.write_bytes(stdin)
        with given.open("rb") as standard_in, open(stdout or out, "wb") as standard_out, err.open("wb") as standard_err:
            subprocess.run(
                [sys.executable, "-I", "-S", __file__, report, *arguments],
                cwd=folder,
                stdin=standard_in,
                stdout=standard_out,
                stderr=standard_err,
                env={**os.environ, **(env or {})},
                check=True,
            )
        code, cpu, memory = json.loads(report.read_text())
        texts = [path.read_bytes().decode("utf-8", "replace") if path.exists() else "" for path in (out, err)]
        return Outcome(code, texts[0], texts[1], cpu, memory)


def sound(outcome: Outcome, seconds: float = CPU_SECONDS) -> bool:
    """Whether a process kept to its bounds and told what is wrong, if anything is."""
    return (
        outcome.code in (0, 1, 2)
        and outcome.cpu < seconds
        and outcome.memory < MEMORY
        and "Traceback" not in outcome.out + outcome.err
        and "\x1b" not in outcome.out + outcome.err
        and (outcome.code == 0 or outcome.err + outcome.out != "")
        and len(outcome.err) < 1_000_000
    )


def _main(report: str, *arguments: str) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (_MOST_SECONDS, _MOST_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (4 * MEMORY, 4 * MEMORY))
    child = subprocess.Popen([sys.executable, "-m", "netspec", *arguments])
    timer = threading.Timer(_WALL_SECONDS, child.kill)
    timer.start()
    _, status, usage = os.wait4(child.pid, 0)
    timer.cancel()
    found = (os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)
    Path(report).write_text(json.dumps(found))


if __name__ == "__main__":
    _main(*sys.argv[1:])
