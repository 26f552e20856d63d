"""`netspec init`: files that torch and numpy load, the same bytes for the same seed, whole or not at all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from safetensors.torch import load_file
from weight_files import read

from netspec import api
from netspec.cli import cli

ENDINGS = ["safetensors", "npz"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def init(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(cli, ["init", *arguments], prog_name="netspec")
    assert result.exit_code == code, result.output
    return result


def loaded(path: str) -> dict[str, torch.Tensor]:
    if path.endswith(".npz"):
        return {name: torch.from_numpy(array) for name, array in np.load(path).items()}
    return load_file(path)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("lenet", "10 tensors, 61,706 parameters (seed 0)"),
        ("lenet5", "13 tensors, 60,000 parameters (seed 0)"),
        ("densenet:DenseNet121", "727 tensors, 7,978,856 parameters (seed 0)"),
    ],
)
def test_torch_loads_it(spec: str, said: str, ending: str) -> None:
    path = f"w.{ending}"
    assert init(spec, "-o", path).stderr == f"wrote {path}: {said}\n"
    module = api.load(spec).to_torch()
    held = loaded(path)
    module.load_state_dict(held, strict=True)
    for name, value in module.state_dict().items():
        assert value.dtype == held[name].dtype
    result = CliRunner().invoke(cli, ["check", spec, "--weights", path])
    assert result.stdout.endswith(f"All {len(held)} tensors of {path} fit.\n")


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_same_seed_gives_the_same_bytes(ending: str) -> None:
    for name, seed in (("a", "7"), ("b", "7"), ("c", "8")):
        init("lenet", "-o", f"{name}.{ending}", "--seed", seed)
    a, b, c = (Path(f"{name}.{ending}").read_bytes() for name in "abc")
    assert a == b != c
    assert len(a) == len(c)


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_element_type(ending: str) -> None:
    dtypes = ("float32", "float16", "bfloat16", "float64")
    body = "  batchnorm\n" + "".join(f"  param p{dtype}: [3, 5] dtype={dtype}\n" for dtype in dtypes)
    Path("a.net").write_text(f"net A {{\n  input x: [3, 5]\n  {body}}}\n", encoding="utf-8")
    result = CliRunner().invoke(cli, ["check", "a.net", "--format", "json"])
    assert result.exit_code == 0, result.output
    init("a.net", "-o", f"a.{ending}")
    held = loaded(f"a.{ending}")
    api.load("a.net").to_torch().load_state_dict(held, strict=True)
    assert held["batchnorm1.num_batches_tracked"].dtype == torch.int64
    halves = held["pbfloat16"]
    assert halves.dtype == (torch.bfloat16 if ending == "safetensors" else torch.float32)  # which numpy lacks
    assert torch.equal(halves.bfloat16().float(), halves.float())
    assert 0 < halves.float().std() < 0.1
    assert {held[f"p{dtype}"].dtype for dtype in ("float16", "float64")} == {torch.float16, torch.float64}


def test_both_formats_hold_the_same() -> None:
    init("lenet5", "-o", "a.safetensors")
    init("lenet5", "-o", "a.npz")
    one, other = read("a.safetensors"), read("a.npz")
    assert set(one) == set(other)
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name])


def test_a_safetensors_file_is_laid_out_as_the_format_advises() -> None:
    init("resnet:ResNet18", "-o", "w.safetensors")
    data = Path("w.safetensors").read_bytes()
    length = int.from_bytes(data[:8], "little")
    header: dict[str, Any] = json.loads(data[8 : 8 + length])
    assert length % 8 == 0
    assert header.pop("__metadata__") == {"format": "pt"}
    sizes = {"F32": 4, "I64": 8}
    assert all(entry["data_offsets"][0] % sizes[entry["dtype"]] == 0 for entry in header.values())


def test_a_net_without_weights() -> None:
    Path("a.net").write_text("net A {\n  input x: [3]\n  relu\n}\n", encoding="utf-8")
    assert init("a.net", "-o", "w.npz").stderr == "wrote w.npz: 0 tensors, 0 parameters (seed 0)\n"
    init("a.net", "-o", "w.safetensors")
    assert loaded("w.npz") == loaded("w.safetensors") == {}


def test_settings_and_symbols() -> None:
    Path("a.net").write_text("net A(out = 3) {\n  input x: [N]\n  fc: dense out\n}\n", encoding="utf-8")
    init("a.net", "--set", "N=4", "--set", "out=2", "-o", "w.npz")
    assert read("w.npz")["fc.weight"].shape == (2, 4)
    assert "error[NS702]: the weight `fc.weight` has the shape [3, N]" in init("a.net", "-o", "v.npz", code=1).stderr
    assert not Path("v.npz").exists()


# -- what it refuses -----------------------------------------------------------------------------------


@pytest.mark.parametrize("output", ["w.pt", "w", "w.net", "w.bin"])
def test_other_endings(output: str) -> None:
    result = init("lenet", "-o", output, code=2)
    assert f"Error: {output}: weights are written to .safetensors and .npz files" in result.stderr
    assert not Path(output).exists()


def test_a_spec_is_never_overwritten() -> None:
    text = "net A {\n  input x: [3]\n  dense 2\n}\n"
    Path("spec.npz").write_text(text, encoding="utf-8")
    os.symlink("spec.npz", "link.npz")
    for output in ("spec.npz", "./spec.npz", "link.npz"):
        assert f"{output} is the spec: choose another name" in init("spec.npz", "-o", output, code=2).stderr
    assert Path("spec.npz").read_text(encoding="utf-8") == text


def test_a_wrong_spec_writes_nothing() -> None:
    Path("a.net").write_text("net A {\n  input x: [3]\n  dense 0\n}\n", encoding="utf-8")
    assert "error[" in init("a.net", "-o", "w.npz", code=1).stderr
    assert not Path("w.npz").exists()


def test_several_nets() -> None:
    assert "choose one of: ResNet, " in init("resnet", "-o", "w.npz", code=1).stderr


def test_where_nothing_can_be_written() -> None:
    assert init("lenet", "-o", "gone/w.npz", code=1).stderr == (
        "Error: cannot write gone/w.npz: no such file or directory\n"
    )


def test_what_was_there_stays_where_writing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    from netspec.emit.weights import initial

    Path("w.npz").write_bytes(b"before")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(initial, "_distribution", fail)
    assert init("lenet", "-o", "w.npz", code=1).stderr == "Error: cannot write w.npz: no space left on device\n"
    assert Path("w.npz").read_bytes() == b"before"
    assert os.listdir() == ["w.npz"]


def test_without_numpy() -> None:
    program = "import sys; sys.modules['numpy'] = None\nfrom netspec.cli import main\nmain()"
    done = subprocess.run(
        [sys.executable, "-c", program, "init", "lenet", "-o", "w.npz"], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (
        2,
        "Error: this needs numpy, which is not installed: pip install 'netspec[onnx]'\n",
    )


def test_large_nets_are_written_in_pieces() -> None:
    """200 MB of weights, in less memory than that: the largest tensor is drawn in pieces."""
    Path("wide.net").write_text("net Wide {\n  input x: [10_000]\n  dense 5_000 bias=false\n}\n", encoding="utf-8")
    for ending in ENDINGS:
        tracemalloc.start()
        try:
            init("wide.net", "-o", f"w.{ending}")
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert Path(f"w.{ending}").stat().st_size > 200e6
        assert peak < 100e6
