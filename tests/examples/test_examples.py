"""The examples run, and print what they promise."""

from __future__ import annotations

import importlib
import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner

from netspec.cli import cli

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_sweep_widths(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLES / "sweep_widths.py"), run_name="__main__")
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "61 of 256 variants have at most 300,000 parameters and 40,000,000 MACs; the largest:",
        "  width 11  depth 6    267,497 parameters    39,458,232 MACs",
        "  width 12  depth 5    263,302 parameters    38,965,728 MACs",
        "  width 10  depth 7    259,380 parameters    38,164,880 MACs",
        "  width 28  depth 1    236,694 parameters    37,704,800 MACs",
        "  width 19  depth 2    246,649 parameters    37,492,472 MACs",
    ]


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Examples are importable, and run on one thread: tests run beside each other."""
    monkeypatch.syspath_prepend(EXAMPLES)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def run(example: str, *arguments: str) -> Any:
    """What an example's `main` gives for the arguments of its command line."""
    return importlib.import_module(example).main(list(arguments))


def is_png(path: Path) -> bool:
    return path.read_bytes().startswith(b"\x89PNG") and path.stat().st_size > 5_000


def test_learn_edge_kernel(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figure = tmp_path / "kernel.png"
    kernel = run("learn_edge_kernel", "--out", str(figure))
    assert torch.allclose(kernel, torch.tensor([1.0, -1.0]), atol=0.01)
    assert is_png(figure)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "a row of the edges: 0 1 0 0 0 -1 0"
    assert [line[:8] for line in lines[1:6]] == ["step   0", "step   5", "step  10", "step  15", "step  20"]
    assert lines[6:] == [f"figure: {figure}"]


def test_learn_edge_kernel_slowly() -> None:
    kernel = run("learn_edge_kernel", "--steps", "60", "--rate", "0.01", "--seed", "7")
    assert torch.allclose(kernel, torch.tensor([1.0, -1.0]), atol=0.01)


def test_train_lenet_digits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figure = tmp_path / "confusion.png"
    accuracy = run("train_lenet_digits", "--out", str(figure))
    assert accuracy >= 0.97
    assert is_png(figure)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "LeNetDigits: 61,728 parameters, 416,520 MACs; 1,347 digits to train with"
    assert lines[1] == f"accuracy on 450 held-out digits: {accuracy:.1%}"
    shares = [float(re.match(rf"  {digit} +([\d.]+)%", line)[1]) for digit, line in enumerate(lines[3:13])]  # type: ignore[index]
    assert sum(shares) == pytest.approx(100, abs=0.01)


def test_custom_layer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figure = tmp_path / "weight.png"
    weight = run("custom_layer", "--out", str(figure))
    assert torch.allclose(weight, torch.eye(4), atol=0.01)
    assert is_png(figure)
    out = capsys.readouterr().out
    assert "product  bilinear 1  [1]         17    20" in out
    assert "self.product = nn.Bilinear(n, n, 1)" in out


@pytest.mark.parametrize("name", ["learn_edge_kernel", "custom_layer"])
def test_an_example_comes_out_the_same_again(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    texts = []
    for seed in ("5", "5", "6"):
        run(name, "--steps", "10", "--seed", seed)
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1] != texts[2]


def test_their_specs_are_sound_and_formatted() -> None:
    assert CliRunner().invoke(cli, ["check", "--strict", str(EXAMPLES)]).exit_code == 0
    assert CliRunner().invoke(cli, ["fmt", "--check", str(EXAMPLES)]).exit_code == 0


def test_char_rnn(capsys: pytest.CaptureFixture[str]) -> None:
    bits, one, other = run("char_rnn", "--steps", "30", "--units", "16", "--length", "10")
    assert bits < 6  # 6.6 at random
    assert one == other
    assert len(one) == len("def ") + 10
    assert capsys.readouterr().out.splitlines()[-1] == "onnxruntime writes the same"
