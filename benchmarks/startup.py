"""CPU time of `netspec check` as a process, against one that only imports its three large dependencies.

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
TURNS = 25

PEER = [sys.executable, "-c", "import lark, click; from pydantic import BaseModel"]
CHECK = [sys.executable, "-c", "from netspec.cli import main; main()", "check"]

# With it set, Python would compile a checkout's modules on every start, and never those of the peer.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def cpu_seconds(command: list[str]) -> float:
    """User and system time of one run of a command, which must succeed."""
    process = subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)  # already waited for
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)} gave exit code {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def compare(spec: str) -> None:
    command = [*CHECK, spec]
    turns = [(cpu_seconds(command), cpu_seconds(PEER)) for _ in range(TURNS + 1)][1:]
    check, peer = (median(times) for times in zip(*turns, strict=True))
    verdict = "met" if check / peer <= TARGET else "MISSED"
    print(
        f"{spec:28} {check * 1e3:7.0f} ms   imports alone {peer * 1e3:5.0f} ms   "
        f"ratio {check / peer:.2f}   target {TARGET}: {verdict}"
    )


def large(spec: str, small: str) -> None:
    """A check costs by the lines of a spec, and not by the size of its network."""
    turns = [(cpu_seconds([*CHECK, spec]), cpu_seconds([*CHECK, small])) for _ in range(TURNS + 1)][1:]
    more = median(one - other for one, other in turns) * 1e3
    verdict = "met" if more <= MORE_MS else "MISSED"
    print(f"{spec:28} {more:+7.0f} ms   than {small}   target {MORE_MS}: {verdict}")


if __name__ == "__main__":
    print(f"CPU time of a process, median of {TURNS}")
    compare("specs/lenet5.net")
    compare("specs/resnet.net:ResNet152")
    large("specs/llama.net:Llama405B", "specs/lenet5.net")
