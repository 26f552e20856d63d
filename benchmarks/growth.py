"""How the time of a check grows: with the lines of the text, and not with the count of a repeat."""

from __future__ import annotations

import gc
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

import netspec

LINES = (1_000, 3_000, 10_000, 30_000, 100_000)
COUNTS = (1, 10, 1_000, 1_000_000)


def long_spec(lines: int) -> str:
    """A net of so many lines, one layer in each."""
    layers = ["  conv 8 k=3 pad=1", "  relu"] * (lines // 2)
    return "\n".join(["net Long {", "  input x: [8, 32, 32]", *layers, "}", ""])


def deep_spec(count: int) -> str:
    """A net of six lines with so many copies of a convolution."""
    return f"net Deep {{\n  input x: [8, 32, 32]\n  repeat {count} {{\n    conv 8 k=3 pad=1 -> relu\n  }}\n}}\n"


def seconds(text: str, params: int, tries: int) -> float:
    """The least CPU time of some checks of a text, which must find this many parameters."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "generated.net")
        path.write_text(text, encoding="utf-8")
        times = []
        for _ in range(tries):
            gc.collect()
            start = process_time()
            network = netspec.load(str(path))
            found, _ = network.params, network.macs
            times.append(process_time() - start)
            if found != params:
                raise SystemExit(f"{found} parameters instead of {params}")
    return min(times)


if __name__ == "__main__":
    conv = 8 * 8 * 3 * 3 + 8
    seconds(long_spec(10), 5 * conv, tries=1)  # imports, and the cache of the grammar

    print("   lines         ms   microseconds per line   against the first")
    first = 0.0
    for lines in LINES:
        took = seconds(long_spec(lines), lines // 2 * conv, tries=3)
        per_line = took / lines * 1e6
        first = first or per_line
        print(f"{lines:8,} {took * 1e3:10.1f} {per_line:23.1f} {per_line / first:19.2f}")

    print("\n  repeat         ms   against the first")
    first = 0.0
    for count in COUNTS:
        took = seconds(deep_spec(count), count * conv, tries=7)
        first = first or took
        print(f"{count:8,} {took * 1e3:11.2f} {took / first:18.2f}")
