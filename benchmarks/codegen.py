"""CPU time of writing ResNet-152 as torch source: a whole process, which imports no torch, and once more in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
TARGET_MS = 300
TURNS = 15

GENERATE = """
import json, sys
from time import process_time

import netspec

source = netspec.load("specs/resnet.net:ResNet152").torch_source()
whole = process_time()  # since the process began
netspec.load("specs/resnet.net:ResNet152").torch_source()
print(json.dumps([whole, process_time() - whole, len(source.splitlines()), "torch" in sys.modules]))
"""

# With it set, Python would compile a checkout's modules on every start.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def run() -> tuple[float, float, int]:
    """CPU seconds of a process, and of the second time in it; the lines of the source."""
    done = subprocess.run(
        [sys.executable, "-c", GENERATE], cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE, check=True
    )
    whole, again, lines, torch = json.loads(done.stdout)
    if torch:
        raise SystemExit("torch was imported")
    return whole, again, lines


if __name__ == "__main__":
    turns = [run() for _ in range(TURNS + 1)][1:]  # the first fills caches
    whole, again, lines = (median(column) for column in zip(*turns, strict=True))
    verdict = "met" if whole * 1e3 < TARGET_MS else "MISSED"
    print(f"ResNet-152, {lines:.0f} lines, median CPU time of {TURNS} processes that import no torch")
    print(f"the whole process               {whole * 1e3:6.0f} ms   target {TARGET_MS}: {verdict}")
    print(f"once more in the same process   {again * 1e3:6.0f} ms")
