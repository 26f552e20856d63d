"""`python tests/fuzz/mistakes.py --count 5000 --seed 1`: nets with one mistake, each told at its place.

It prints how many there were of each kind, and of each code that was told first. The exit code is 1 where one is told
at another place, with the text.
"""

from __future__ import annotations

import multiprocessing
import random
import sys
import time
from collections import Counter
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).parent))

from growing import random_net
from mutating import Mutation, almost_valid, misplaced

EACH = 12  # mistakes of one net


def checked(seed: int, number: int, count: int) -> tuple[Counter[str], Counter[str], list[tuple[Mutation, str]]]:
    """So many mistakes of one worker: their kinds, the codes that were told, what was told at another place."""
    kinds: Counter[str] = Counter()
    codes: Counter[str] = Counter()
    wrong: list[tuple[Mutation, str]] = []
    nets = 0
    while sum(kinds.values()) < count:
        net, _ = random_net(f"mistakes {seed}.{number}.{nets}")
        draw = random.Random(f"mistakes {seed}.{number}.{nets}")
        nets += 1
        for _ in range(EACH):
            mutation = almost_valid(net, draw)
            if mutation is None or sum(kinds.values()) == count:
                continue
            kinds[mutation.kind] += 1
            try:
                code, told = misplaced(mutation)
            except Exception as error:
                code, told = "", f"{type(error).__name__}: {error}"
            codes[code or "none"] += 1
            if told:
                wrong.append((mutation, told))
    return kinds, codes, wrong


@click.command()
@click.option("--count", type=click.IntRange(1), default=5000, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--workers", type=click.IntRange(1, 64), default=2, show_default=True)
def main(count: int, seed: int, workers: int) -> None:
    """Nets with one mistake."""
    begun = time.time()
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        parts = [
            (seed, number, count * (number + 1) // workers - count * number // workers) for number in range(workers)
        ]
        results = pool.starmap(checked, parts)
    kinds: Counter[str] = Counter()
    codes: Counter[str] = Counter()
    wrong: list[tuple[Mutation, str]] = []
    for some_kinds, some_codes, some_wrong in results:
        kinds += some_kinds
        codes += some_codes
        wrong += some_wrong
    print(f"{sum(kinds.values()):,} mistakes with seed {seed} in {time.time() - begun:.0f} s")
    print("kinds: " + ", ".join(f"{kind} {number:,}" for kind, number in kinds.most_common()))
    print("first errors: " + ", ".join(f"{code} {number:,}" for code, number in codes.most_common()))
    shown = sorted(wrong, key=lambda pair: len(pair[0].text))
    print(f"{len(wrong):,} told at another place")
    for kind, number in Counter(mutation.kind for mutation, _ in wrong).most_common():
        print(f"  {kind}: {number:,}")
    for mutation, told in shown[:10]:
        print(f"\n{mutation.kind}, line {', '.join(map(str, sorted(mutation.lines)))}: {told}\n{mutation.text}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
