"""Exporting ResNet-50 to ONNX, against torch.onnx.export of the same network; the latency of the graphs in
onnxruntime; and the memory that a model of 3 GB takes.

The network in torch is that of tests/specs/torchvision_mirrors.py, written by hand. Processes run in turns, and so do
the graphs, so that a change in the machine's speed meets all.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
TURNS = 5
RUNS = 150  # of each graph
TARGETS = {"dynamo": 12, "older": 6}  # times our CPU
LATENCY = 1.02
BIG_LARGEST = 16384 * 16384 * 4  # bytes of the largest tensor
BIG_TARGET = 1.5 * BIG_LARGEST + 500e6

BIG = """
net Big {
  input features: [16384]
  repeat 3 { dense 16384 }
}
"""

MODULE = """
import sys
sys.path.insert(0, {mirrors!r})
import torch
import torchvision_mirrors as mirrors
module = mirrors.ResNet(mirrors.Bottleneck, (3, 4, 6, 3)).eval()
"""

THEIRS = {
    "dynamo": """
module.load_state_dict(torch.load("weights.pt", weights_only=True))
shapes = ({0: torch.export.Dim("batch")},)
torch.onnx.export(module, (torch.randn(2, 3, 224, 224),), "dynamo.onnx", dynamo=True, dynamic_shapes=shapes)
""",
    "older": """
module.load_state_dict(torch.load("weights.pt", weights_only=True))
names = {"input_names": ["image"], "output_names": ["fc"], "dynamic_axes": {"image": {0: "batch"}, "fc": {0: "batch"}}}
torch.onnx.export(module, (torch.randn(2, 3, 224, 224),), "older.onnx", dynamo=False, **names)
""",
}

# With it set, Python would compile a checkout's modules on every start.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


class Spent(NamedTuple):
    """What a process took."""

    cpu: float  # seconds
    memory: float  # bytes, at most


def spend(folder: str, *words: str) -> Spent:
    """Run Python with these arguments."""
    environment = {**ENVIRONMENT, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, *words], cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{words} failed")
    return Spent(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def export(folder: str) -> None:
    """The cost of whole processes."""
    module = MODULE.format(mirrors=str(ROOT / "tests" / "specs"))
    spend(folder, "-c", module + 'torch.save(module.state_dict(), "weights.pt")')
    ways = {
        "netspec": ["-m", "netspec", "export", "resnet:ResNet50", "-o", "netspec.onnx"],
        "netspec --weights": [
            *("-m", "netspec", "export", "resnet:ResNet50", "-o", "netspec.onnx", "--weights", "weights.pt"),
        ],
        **{way: ["-c", module + code] for way, code in THEIRS.items()},
    }
    spend(folder, *ways["netspec"])  # fills caches
    spent: dict[str, list[Spent]] = {way: [] for way in ways}
    for _ in range(TURNS):
        for way, words in ways.items():
            spent[way].append(spend(folder, *words))
    ours = median(each.cpu for each in spent["netspec"])
    for way, each in spent.items():
        cpu, memory = median(one.cpu for one in each), max(one.memory for one in each)
        ratio = ""
        if way in TARGETS:
            ratio = f"{cpu / ours:5.1f} times   target {TARGETS[way]}: {verdict(cpu / ours >= TARGETS[way])}"
        print(f"export  {way:18} {cpu:6.2f} s CPU   {memory / 1e6:6.0f} MB   {ratio}", flush=True)


def verdict(met: bool) -> str:
    return "met" if met else "MISSED"


def graphs(folder: str) -> None:
    """Nodes and latency."""
    import numpy as np
    import onnx
    import onnxruntime

    nodes = {
        way: len(onnx.load(f"{folder}/{way}.onnx", load_external_data=False).graph.node) for way in ("netspec", *THEIRS)
    }
    print(f"nodes   {nodes}   target at most theirs: {verdict(nodes['netspec'] <= min(nodes.values()))}")
    image = np.random.default_rng(0).standard_normal((1, 3, 224, 224), np.float32)
    for threads in (1, 2):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        runs: dict[str, Callable[[], Any]] = {}
        for way in ("netspec", *THEIRS):
            session = onnxruntime.InferenceSession(f"{folder}/{way}.onnx", options, ["CPUExecutionProvider"])
            feed = {session.get_inputs()[0].name: image}
            runs[way] = lambda session=session, feed=feed: session.run(None, feed)  # type: ignore[misc]
        results = [run()[0] for run in runs.values()]
        if any(np.abs(result - results[0]).max() > 1e-4 * np.abs(results[0]).max() for result in results):
            raise SystemExit("the graphs give different numbers")
        times: dict[str, list[float]] = {way: [] for way in runs}
        for turn in range(RUNS):
            for way in list(runs) if turn % 2 else list(runs)[::-1]:
                start = perf_counter()
                runs[way]()
                times[way].append(perf_counter() - start)
        for way in THEIRS:
            ratio = median(ours / theirs for ours, theirs in zip(times["netspec"], times[way], strict=True))
            print(
                f"latency {threads} threads   netspec {median(times['netspec']) * 1e3:6.1f} ms   "
                f"{way} {median(times[way]) * 1e3:6.1f} ms   ratio {ratio:.3f}   "
                f"target {LATENCY}: {verdict(ratio <= LATENCY)}",
                flush=True,
            )


def big(folder: str) -> None:
    """The memory of a large export."""
    Path(folder, "big.net").write_text(BIG)
    spent = spend(folder, "-m", "netspec", "export", "big.net", "-o", "big.onnx")
    size = os.path.getsize(f"{folder}/big.onnx.data")
    print(
        f"3 GB    {size / 1e9:.1f} GB written with {spent.memory / 1e6:.0f} MB of memory   "
        f"target {BIG_TARGET / 1e6:.0f} MB: {verdict(spent.memory < BIG_TARGET)}"
    )


def main() -> None:
    # not imported: what this process holds would count for those that it starts
    missing = [name for name in ("onnx", "onnxruntime", "onnxscript", "torch") if find_spec(name) is None]
    if missing:
        print(f"left out: {missing[0]} is not installed")
        return
    print(f"Medians of {TURNS} processes in turns, and of {RUNS} runs in turns")
    with TemporaryDirectory() as folder:
        export(folder)
        big(folder)
        graphs(folder)


if __name__ == "__main__":
    main()
