"""Fuzzing at length: `python tests/fuzz/run.py --minutes 10 --seed 1`.

Worker processes grow and judge nets until the time is up, or `--nets` are judged, the same ones each time. What
disagrees is reduced and written to a folder as a small `.net` file, the first line of which says what is wrong. The
summary says what was covered.
"""

from __future__ import annotations

import gc
import math
import multiprocessing
import os
import queue
import sys
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import click

sys.path.insert(0, str(Path(__file__).parent))
warnings.simplefilter("ignore")  # torch's, of layers that are asked for what they do not take

from covering import Coverage  # noqa: E402
from growing import compiled, random_net  # noqa: E402
from reducing import reduced  # noqa: E402
from writing import text_of  # noqa: E402

CHANGES = 2  # of those that change nothing, to each net


class Found(NamedTuple):
    """A net that was judged. `text` is empty where all agree."""

    status: str
    detail: str
    text: str
    seed: str


def work(number: int, seed: int, until: float, most: float, found: Any) -> None:
    """Grow and judge so many nets, or until a time."""
    from judging import Refusals, judge, settled
    from metamorphic import disagreements

    settled()
    seen, done, refusals = Coverage(), Coverage(), Refusals()
    count = 0
    while count < most and time.time() < until:
        own = f"{seed}.{number}.{count}"
        count += 1
        if count % 100 == 0:
            gc.collect()
        net, grower = random_net(own, seen, done)
        for place, text in grower.crashed.items():
            found.put(Found("crash", place, text, own))
        for text, titles in grower.surprises:
            found.put(Found("refused wrongly", titles, text, own))
        refusals.ask(grower.refused)
        text = text_of(net)
        verdict = judge(text)
        if not verdict.agrees:
            less = reduced(net, lambda text, status=verdict.status: judge(text).status == status, until)
            found.put(Found(verdict.status, judge(text_of(less)).text or verdict.text, text_of(less), own))
        else:
            for told, changed in disagreements(net, own, CHANGES):
                found.put(Found("metamorphic", told, f"{text}\n# changed:\n{changed}", own))
            found.put(Found(verdict.status, "", "", own))
        done.used(compiled(text))
    found.put((done, refusals))  # the last


@click.command()
@click.option("--minutes", type=float, default=10.0, show_default=True)
@click.option("--nets", type=click.IntRange(1), help="So many nets, however long it takes.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--workers", type=click.IntRange(1, 64), default=2, show_default=True)
@click.option("--folder", type=click.Path(path_type=Path), default=Path("build/fuzz"), show_default=True)
def main(minutes: float, nets: int | None, seed: int, workers: int, folder: Path) -> None:
    """Random nets, four judges."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    os.environ["OMP_NUM_THREADS"] = "1"
    begun = time.time()
    until = begun + 60 * minutes if nets is None else math.inf
    share = math.inf if nets is None else math.ceil(nets / workers)
    context = multiprocessing.get_context("spawn")
    found: Any = context.Queue()
    processes = [context.Process(target=work, args=(n, seed, until, share, found)) for n in range(workers)]
    for process in processes:
        process.start()
    statuses: Counter[str] = Counter()
    wrong: list[Found] = []
    results: list[Any] = []
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("fuzzing", total=60 * minutes if nets is None else nets)
        while len(results) < workers and (any(p.is_alive() for p in processes) or time.time() < until):
            try:
                each = found.get(timeout=0.5)
                if not isinstance(each, Found):
                    results.append(each)
                    continue
                statuses[each.status] += 1
                if each.text:
                    wrong.append(each)
                    folder.mkdir(parents=True, exist_ok=True)
                    told = " ".join(each.detail.split())[:300]
                    (folder / f"{each.status.replace(' ', '-')}-{each.seed}.net").write_text(f"# {told}\n{each.text}")
                    console.print(f"{each.status}: {told}\n{each.text}", markup=False, highlight=False)
            except queue.Empty:
                pass
            told = f"{sum(statuses.values()):,} nets, {len(wrong)} disagree"
            completed = min(time.time() - begun, 60 * minutes) if nets is None else sum(statuses.values())
            progress.update(bar, completed=completed, description=told)
    died = [process.exitcode for process in processes if process.exitcode not in (0, None)]
    coverage = Coverage()
    for done, _ in results:
        coverage.add(done)
    told = ", ".join(f"{status} {count:,}" for status, count in statuses.most_common())
    print(f"{sum(statuses.values()):,} nets with seed {seed} in {(time.time() - begun) / 60:.0f} minutes: {told}")
    print("\n".join(coverage.summary()))
    taken = {key: text for _, refusals in results for key, text in refusals.unexplained().items()}
    asked = sum(sum(refusals.asked.values()) for _, refusals in results)
    print(f"{asked:,} refusals were asked of torch; {len(taken)} it would take that are not explained")
    for (name, code), text in taken.items():
        print(f"  {name} {code}: {text}")
    for code in died:
        print(f"a worker died with {code}")
    sys.exit(1 if wrong or taken or died else 0)


if __name__ == "__main__":
    main()
