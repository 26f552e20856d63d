"""The examples that run nets in onnxruntime do so, and print what they promise."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

EXAMPLES = Path(__file__).parents[2] / "examples"
ALONE = """
import runpy, sys
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
assert "torch" not in sys.modules
"""


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Examples are importable, and torch runs on one thread: tests run beside each other."""
    monkeypatch.syspath_prepend(EXAMPLES)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def is_png(path: Path) -> bool:
    return path.read_bytes().startswith(b"\x89PNG") and path.stat().st_size > 5_000


def test_edges_onnxruntime(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figure = tmp_path / "edges.png"
    main = importlib.import_module("edges_onnxruntime").main
    for edges in main(["--out", str(figure)]):
        assert np.array_equal(edges, np.broadcast_to(np.array([0, 1, 0, 0, 0, -1, 0]), (1, 1, 6, 7)))
    assert is_png(figure)
    rows = 6 * ["  0 1 0 0 0 -1 0"]
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["the kernel in the spec:", *rows, "the kernel as weights:", *rows, f"figure: {figure}"]


def test_edges_onnxruntime_needs_no_torch() -> None:
    command = [sys.executable, "-c", ALONE, str(EXAMPLES / "edges_onnxruntime.py")]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("0 1 0 0 0 -1 0\n") == 12


def test_deploy_onnx(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figure, folder = tmp_path / "differences.png", tmp_path / "deployed"
    main = importlib.import_module("deploy_onnx").main
    largest = main(["--epochs", "4", "--folder", str(folder), "--out", str(figure)])
    assert 0 < largest < 1e-4
    assert is_png(figure)
    lines = capsys.readouterr().out.splitlines()
    trained, deployed = (re.search(r"([\d.]+%)", line)[1] for line in lines[:2])  # type: ignore[index]
    assert trained == deployed
    assert float(trained.rstrip("%")) > 90
    assert lines[0] == f"torch:       {trained} of 450 held-out digits"
    assert lines[1] == f"onnxruntime: {deployed}, the same prediction for 450 of 450"
    assert lines[2] == f"largest difference of an output: {largest:.1e}"
    assert lines[3] == f"weights and model: {folder / 'lenet_digits.npz'}, {folder / 'lenet_digits.onnx'}"
    assert lines[4:] == [f"figure: {figure}"]
    assert sorted(path.name for path in folder.iterdir()) == ["lenet_digits.npz", "lenet_digits.onnx"]
