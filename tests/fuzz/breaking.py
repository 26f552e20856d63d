"""`python tests/fuzz/breaking.py SEED COUNT`: broken texts, each checked and told; what goes wrong, as JSON.

It is a process of its own, so that the memory that it needs at most is netspec's: torch is not imported.
"""

from __future__ import annotations

import json
import random
import sys
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from growing import random_net
from mutating import broken
from writing import text_of

from netspec.diagnostics import SpecError
from netspec.driver import compile_source
from netspec.elaborate.files import source_from_bytes

SECONDS = 2.0


def checked(data: bytes) -> str:
    """What goes wrong with a text beside what is told of it."""
    begun = time.process_time()
    try:
        nets = compile_source(source_from_bytes(data, "broken.net", None))
        for net in nets:
            for diagnostic in (*net.diagnostics, *net.warnings):
                str(SpecError((diagnostic,)))
            _ = net.totals, net.peak_activation_bytes, net.receptive_fields
    except SpecError as error:
        str(error)
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__}: {error} ({Path(last.filename).name}:{last.lineno})"
    took = time.process_time() - begun
    return f"it took {took:.1f} s" if took > SECONDS else ""


def main(seed: int, count: int) -> None:
    found = []
    draw = random.Random(seed)
    texts = [text_of(random_net(f"breaking {seed}.{n}")[0]) for n in range(12)]
    texts += [path.read_text() for path in sorted((Path(__file__).parents[2] / "specs").glob("*.net"))]
    texts = [text for text in texts if len(text) < 6_000]
    for _ in range(count):
        data = broken(draw.choice(texts), draw)
        told = checked(data)
        if told:
            found.append([told, data.decode("utf-8", "replace")])
    status = Path("/proc/self/status")
    most = 0
    if status.exists():
        most = next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    print(json.dumps({"found": found, "kilobytes": most}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
