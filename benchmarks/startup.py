"""CPU time and memory of `netspec check` as a process, against one that only imports its three large dependencies.

The two run in turns, so that a change in the machine's speed meets both. The first turn is not counted:
it fills the caches of the system, of Python and of netspec.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
TARGET = 1.5
MORE_MS = 20  # than LeNet-5, for any network
MEMORY = 80e6  # bytes, for any network
TURNS = 25

PEER = [sys.executable, "-c", "import lark, click; from pydantic import BaseModel"]
COLUMNS = ["--columns", "params,macs,kv_cache_per_token,kv_cache_bytes", "--batch", "8"]
CHECK = [sys.executable, "-c", "from netspec.cli import main; main()", "check"]

# With it set, Python would compile a checkout's modules on every start, and never those of the peer.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def spent(command: list[str]) -> tuple[float, int]:
    """User and system time of one run of a command, which must succeed, and the most bytes of memory that it had."""
    process = subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)  # already waited for
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)} gave exit code {process.returncode}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def compare(spec: str) -> None:
    command = [*CHECK, spec]
    turns = [(spent(command)[0], spent(PEER)[0]) for _ in range(TURNS + 1)][1:]
    check, peer = (median(times) for times in zip(*turns, strict=True))
    verdict = "met" if check / peer <= TARGET else "MISSED"
    print(
        f"{spec:28} {check * 1e3:7.0f} ms   imports alone {peer * 1e3:5.0f} ms   "
        f"ratio {check / peer:.2f}   target {TARGET}: {verdict}"
    )


def large(spec: str, small: str, *options: str) -> None:
    """A check costs by the lines of a spec, and not by the size of its network."""
    turns = [(spent([*CHECK, spec, *options]), spent([*CHECK, small, *options])) for _ in range(TURNS + 1)][1:]
    more = median(one[0] - other[0] for one, other in turns) * 1e3
    ratio = median(one[0] / other[0] for one, other in turns)
    memory = max(one[1] for one, _ in turns)
    verdict = "met" if more <= MORE_MS and memory <= MEMORY else "MISSED"
    print(
        f"{' '.join([spec, *options])}\n"
        f"{'':28} {more:+7.0f} ms   than {small}, {ratio:.2f} times   {memory / 1e6:.0f} MB   "
        f"target {MORE_MS} ms, {MEMORY / 1e6:.0f} MB: {verdict}"
    )


if __name__ == "__main__":
    print(f"CPU time of a process, median of {TURNS}")
    compare("specs/lenet5.net")
    compare("specs/resnet.net:ResNet152")
    large("specs/llama.net:Llama405B", "specs/lenet5.net")
    large("specs/llama.net:Llama405B", "specs/lenet5.net", *COLUMNS)
