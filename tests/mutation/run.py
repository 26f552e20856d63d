"""Mutation testing of netspec/ops and of the sizes: mutmut changes one thing at a time, and the tests must fail.

    python tests/mutation/run.py ops --percent 5 --seed 1

takes that share of each file's mutants, chosen by the seed, and counts by file how many the tests noticed. What they
did not is written to build/mutation/<part>/left.diff; `--again` tries that once more.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build" / "mutation"
NEEDED = ("netspec", "tests", "grammar", "specs", "docs", "examples", "README.md")
PARTS = {  # the files that are changed, and the tests that have to notice
    "ops": (
        ("netspec/ops/*.py",),
        ("tests/ops", "tests/onnx/test_operators.py", "tests/onnx/test_layer_rules.py",
         "tests/onnx/test_recurrent_onnx.py", "tests/onnx/test_experts_onnx.py", "tests/onnx/test_symbolic_sizes.py",
         "tests/analysis/test_receptive.py", "tests/analysis/test_memory.py", "tests/analysis/test_cache.py",
         "tests/errors/test_error_texts.py"),
    ),
    "sizes": (
        ("netspec/ir/dims.py",),
        ("tests/ir/test_dims_by_hand.py", "tests/ir/test_dims.py", "tests/ir/test_decide.py",
         "tests/ir/test_dim_text.py"),
    ),
}  # fmt: skip
TOO_SLOW = (  # random ones, beside those of values stated by hand
    "tests/analysis/test_receptive.py::test_random_nets", "tests/analysis/test_memory.py::test_random_nets",
    "tests/analysis/test_memory.py::test_random_vectors", "tests/ops/test_torch_rules.py::test_compiled_and_exported",
)  # fmt: skip
# what mutmut writes down: the exit code of pytest, or the signal that ended it
NOTICED = {1: "killed", 3: "killed", -6: "killed", -11: "killed", -24: "timeout", 24: "timeout", 36: "timeout"}
UNNOTICED = {0: "survived", 5: "no test", 33: "no test"}


def prepare(folder: Path, part: str) -> None:
    """A folder for mutmut to work in, which changes a copy of what it finds there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in NEEDED:
        if not (folder / name).exists():
            (folder / name).symlink_to(ROOT / name)
    files, tests = PARTS[part]
    settings = {
        "source_paths": ["netspec"],
        "only_mutate": list(files),
        "also_copy": [name for name in NEEDED if name not in ("netspec", "tests")],
        "pytest_add_cli_args": [
            *("-p", "cheap_first", "--hypothesis-profile=mutation", "-p", "no:cacheprovider"),
            *(f"--deselect={test}" for test in TOO_SLOW),
        ],
        "pytest_add_cli_args_test_selection": list(tests),
        "timeout_constant": 8.0,  # seconds, of which it takes fifteen times as many: the machine may be busy
        "process_isolation": "forkserver",  # no mutant sees what an earlier test left in memory
    }
    text = "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items())
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (folder / "pyproject.toml").write_text(f"{project}\n[tool.mutmut]\n{text}", encoding="utf-8")


def mutmut(folder: Path, *arguments: str, fails: bool = False) -> str:
    paths = [str(ROOT / "tests" / "mutation"), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "mutmut", *arguments]
    done = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
    )
    if bool(done.returncode) != fails:
        sys.exit(done.stdout[-4000:])
    return done.stdout


def results(folder: Path) -> dict[str, dict[str, int | None]]:
    """By file, the exit code of the tests for each mutant; None for those that were not tried."""
    found = sorted((folder / "mutants" / "netspec").rglob("*.meta"))
    read = {path: json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"] for path in found}
    return {str(path.relative_to(folder / "mutants")).removesuffix(".meta"): codes for path, codes in read.items()}


def sample(folder: Path, percent: float, seed: int) -> list[str]:
    chosen = []
    for file, codes in results(folder).items():
        names = sorted(codes)
        chosen += random.Random(f"{seed} {file}").sample(names, math.ceil(len(names) * percent / 100))
    return chosen


def report(folder: Path, tried: list[str]) -> None:
    every = results(folder)
    width = max(map(len, every))
    print(f"{'':{width}}  mutants  tried  killed  timeout  survived  no test")
    total: Counter[str] = Counter()
    left = []
    for file, codes in every.items():
        count = Counter({"mutants": len(codes)})
        for name in set(tried) & set(codes):
            code = codes[name]
            word = NOTICED.get(code, UNNOTICED.get(code, f"exit {code}")) if code is not None else "not tried"
            count.update(["tried", word])
            if word not in ("killed", "timeout"):
                left.append(name)
        total += count
        print(line(file, width, count))
    print(line("total", width, total))
    print(f"noticed: {(total['killed'] + total['timeout']) / max(total['tried'], 1):.1%}")
    diffs = [mutmut(folder, "show", name) for name in sorted(left)]
    (folder / "left.diff").write_text("\n".join(diffs), encoding="utf-8")
    (folder / "left.txt").write_text("\n".join(sorted(left)), encoding="utf-8")


def line(file: str, width: int, count: Counter[str]) -> str:
    known = {"mutants": 7, "tried": 5, "killed": 6, "timeout": 7, "survived": 8, "no test": 7}
    more = [f"{word}: {number}" for word, number in count.items() if word not in known]
    return "  ".join([f"{file:{width}}", *(f"{count[word]:{wide}}" for word, wide in known.items()), *more])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--percent", type=float, default=100, help="of each file's mutants")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--again", action="store_true", help="only what the last run left")
    options = parser.parse_args()
    folder = BUILD / options.part
    if not options.again:
        shutil.rmtree(folder, ignore_errors=True)
    prepare(folder, options.part)
    if options.again:
        chosen = (folder / "left.txt").read_text(encoding="utf-8").split()
    else:
        # mutmut names the mutants when it makes them, and that it does even where none is of the name it is told
        mutmut(folder, "run", "--max-children", str(options.processes), "none", fails=True)
        chosen = sample(folder, options.percent, options.seed)
    if not chosen:  # mutmut would try all
        sys.exit("no mutant is left" if options.again else "mutmut made no mutants")
    mutmut(folder, "run", "--max-children", str(options.processes), *chosen)
    report(folder, chosen)


if __name__ == "__main__":
    main()
