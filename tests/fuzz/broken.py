"""`python tests/fuzz/broken.py --count 100000 --seed 1 --workers 2`: texts with bytes, characters, tokens or lines
lost, doubled, moved or replaced. None may bring a traceback, take more than 2 seconds of a processor, or 500 MB.

It prints how many there were of each kind, how many in a second, and the slowest. What goes wrong is written to a
folder, and the exit code is 1.
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections import Counter
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).parent))

from breaking import KILOBYTES, Result, run

PART = 1_000  # texts of one process, so that memory is that of not too many


def part(given: tuple[int, int, int]) -> Result:
    seed, number, count = given
    return run(1_000_003 * seed + number, count)


@click.command()
@click.option("--count", type=click.IntRange(1), default=100_000, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--workers", type=click.IntRange(1, 64), default=2, show_default=True)
@click.option("--folder", type=click.Path(path_type=Path), default=Path("build/broken"), show_default=True)
def main(count: int, seed: int, workers: int, folder: Path) -> None:
    """Broken texts."""
    begun = time.time()
    parts = [(seed, number, min(PART, count - number * PART)) for number in range(-(-count // PART))]
    kinds: Counter[str] = Counter()
    found: list[tuple[str, bytes]] = []
    slowest = (0.0, b"")
    most = 0
    folder.mkdir(parents=True, exist_ok=True)
    with multiprocessing.get_context("spawn").Pool(workers, maxtasksperchild=1) as pool:
        for done, result in enumerate(pool.imap_unordered(part, parts), start=1):
            click.echo(f"\r{done} of {len(parts)} parts, {len(found)} went wrong", err=True, nl=False)
            kinds += result.kinds
            for told, data in result.found:
                (folder / f"{len(found)}.net").write_bytes(data)
                found.append((told, data))
            slowest = max(slowest, result.slowest)
            most = max(most, result.kilobytes)
    click.echo(err=True)
    took = time.time() - begun
    print(
        f"{sum(kinds.values()):,} texts with seed {seed} in {took:.0f} s, {sum(kinds.values()) / took:.0f} in a second"
    )
    print("kinds: " + ", ".join(f"{kind.replace('_', ' ')} {number:,}" for kind, number in kinds.most_common()))
    print(f"the slowest took {slowest[0]:.2f} s, the largest process had {most:,} kB of {KILOBYTES:,}")
    (folder / "slowest.net").write_bytes(slowest[1])
    for number, (told, _) in enumerate(found):
        print(f"  {told}: {folder / f'{number}.net'}")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
