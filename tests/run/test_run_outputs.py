"""What `netspec run` shows and writes, and what it runs with."""

from __future__ import annotations

import os
import re
import sys
import zipfile
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from run_files import outputs, refusal, run

from netspec.driver import compile_one, find_source
from netspec.emit.running import loading
from netspec.emit.running.loading import outputs_of
from netspec.emit.weights.matching import weights_for

SHOWN = """\
x: steps.npy [2, 4]
Several  several.net  2 samples, CPU

output  shape   dtype         min    mean     max
first   [2, 4]  float32         0  0.8750   2.000
second  [2, 4]  float32  0.004462  0.2500  0.6623

first: the 2 largest of 4
sample  entry  value  softmax
     0      2  2.000    61.0%
     0      1  1.000    22.5%
     1      0  1.000    25.0%
     1      1  1.000    25.0%

second: the 2 largest of 4
sample  entry   value
     0      2  0.6623
     0      1  0.2436
     1      0  0.2500
     1      1  0.2500
"""


def test_the_outputs_are_shown() -> None:
    np.save("steps.npy", np.array([[0, 1, 2, -3], [1, 1, 1, 1]], np.float32))
    result = run("several.net --input steps.npy --top 2")
    assert (result.exit_code, result.stderr + result.stdout) == (0, SHOWN)


def test_the_largest_entries_are_those_of_the_outputs() -> None:
    found = outputs("small.net --input many.npy")["out"]
    lines = run("small.net --input many.npy --top 3").stdout.splitlines()[7:]
    rows = [re.split(" +", line.strip()) for line in lines]
    order = np.argsort(-found, axis=1)
    assert [(int(row[0]), int(row[1])) for row in rows] == [(i, j) for i in range(3) for j in order[i]]
    shares = np.exp(found) / np.exp(found).sum(1, keepdims=True)
    for sample, entry, value, share in rows:
        assert float(value) == pytest.approx(found[int(sample), int(entry)], rel=1e-3)
        assert float(share.rstrip("%")) == pytest.approx(100 * shares[int(sample), int(entry)], abs=0.051)


def test_several_outputs_maps_and_what_has_no_numbers() -> None:
    text = run("several.net --top 1").stdout
    first, second = re.findall(r"^(.*): the 1 largest of 4\n(.*)\n", text, flags=re.MULTILINE)
    assert [name for name, _ in (first, second)] == ["first", "second"]
    assert first[1].endswith("softmax")
    assert not second[1].endswith("softmax")  # it is one
    assert "     0  [2, 1, 1]  0.9000" in run("fixed.onnx --input nine.npy --top 1").stdout
    result = run("lists.onnx -o lists.npz")
    assert "s       -       no tensor" in result.stdout
    assert result.stderr.splitlines()[-1] == "wrote lists.npz: 1 output, without 1 output of no numbers"


def test_entries_of_many_samples_are_shown_for_the_first() -> None:
    lines = run("small.net --batch 12 --top 1").stdout.splitlines()
    assert lines[-2].split()[0] == "9"
    assert lines[-1] == "... and 2 more samples"


@pytest.fixture(autouse=True, scope="module")
def nine(run_folder: Path) -> None:
    array = np.full((1, 3, 2, 2), 0.1, np.float32)
    array[0, 2, 1, 1] = 0.9
    np.save(run_folder / "nine.npy", array)


# -- files ----------------------------------------------------------------------------------------------


def test_outputs_are_written_under_names_that_are_safe() -> None:
    result = run("names.onnx --input many.npy -o names.npz")
    assert result.stderr.splitlines()[-1] == (
        "wrote names.npz: 5 outputs, ../a as _a, /a as _a_2, a:a as a_a, A:A as A_A_2, b.npy as b.npy_"
    )
    with zipfile.ZipFile("names.npz") as file:
        assert file.namelist() == ["_a.npy", "_a_2.npy", "a_a.npy", "A_A_2.npy", "b.npy_.npy"]
    with np.load("names.npz") as file:
        assert all(np.array_equal(file[name], np.load("many.npy")) for name in file.files)


def test_the_same_run_writes_the_same_bytes(here: Path) -> None:
    files = []
    for _ in range(2):
        run("several.net --batch 3 -o same.npz")
        files.append((here / "same.npz").read_bytes())
    assert files[0] == files[1]


@pytest.mark.parametrize(
    ("command", "kept"),
    [
        ("pixels.net --input alone.npz -o alone.npz", "alone.npz"),
        ("pixels.net --input two.npy -o linked.npz", "two.npy"),
        ("spec.npz -o spec.npz", "spec.npz"),
        ("small.net --weights weights.npz -o ./weights.npz", "weights.npz"),
    ],
)
def test_what_is_read_is_not_overwritten(command: str, kept: str, here: Path) -> None:
    if not os.path.lexists("linked.npz"):
        os.symlink("two.npy", "linked.npz")
    (here / "spec.npz").write_text("net Spec {\n  input x: [2]\n  relu\n}\n")
    np.savez("weights.npz", **{"out.weight": np.ones((3, 2), np.float32)})
    before = (here / kept).read_bytes()
    result = run(command)
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == f"Error: {kept} would be overwritten: choose another name for the output"
    assert (here / kept).read_bytes() == before


def test_a_file_that_cannot_be_written() -> None:
    assert refusal("pixels.net -o none/out.npz") == "cannot write none/out.npz: there is no folder none"
    os.makedirs("folder.npz", exist_ok=True)
    result = run("pixels.net -o folder.npz")
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (2, "Error: cannot write folder.npz: it is not a file")


# -- weights, providers, threads, times -----------------------------------------------------------------


def test_weights_of_a_file_are_used() -> None:
    np.savez("given.npz", weight=np.arange(6, dtype=np.float32).reshape(3, 2))
    result = run("small.net --input many.npy --weights given.npz --rename ^=out.")
    assert (result.exit_code, result.stderr) == (0, "x: many.npy [3, 2]\n")  # which are not random
    found = outputs("small.net --input many.npy --weights given.npz --rename ^=out.")["out"]
    assert found == pytest.approx(np.load("many.npy") @ np.arange(6, dtype=np.float32).reshape(3, 2).T)


def test_weights_that_do_not_fit_are_told_as_of_a_spec() -> None:
    np.savez("other.npz", **{"out.weight": np.zeros((3, 3), np.float32)})
    result = run("small.net --weights other.npz")
    assert result.exit_code == 1
    assert "`out.weight`" in result.stderr
    assert result.stderr.startswith("\nerror[NS8")


def test_a_spec_with_a_mistake_is_told() -> None:
    Path("wrong.net").write_text("net Wrong {\n  input x: [2]\n  dens 3\n}\n")
    result = run("wrong.net")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("\nerror[NS201]: ")


@pytest.mark.parametrize("name", ["cpu", "CPU", "CPUExecutionProvider"])
def test_providers_have_short_names(name: str) -> None:
    assert run(f"pixels.net --provider {name} --threads 1").stdout.startswith("Pixels  pixels.net  1 sample, CPU\n")


def test_a_provider_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: names)
    assert refusal("pixels.net --provider OpenVINO") == "onnxruntime has no provider OpenVINO here: there are CUDA, CPU"
    assert refusal("pixels.net --provider cudda") == (
        "onnxruntime has no provider cudda here: did you mean CUDA? There are CUDA, CPU"
    )


def test_the_latency_is_measured() -> None:
    line = run("pixels.net --input two.npy --repeat 5").stdout.splitlines()[-1]
    found = re.fullmatch(r"5 runs: median ([\d.]+) ms, p95 ([\d.]+) ms, ([\d,]+) samples/s", line)
    assert found is not None, line
    median, p95, rate = (float(text.replace(",", "")) for text in found.groups())
    assert 0 < median <= p95
    assert rate == pytest.approx(2 / median * 1000, rel=0.01)


@pytest.mark.parametrize("module", ["onnxruntime", "onnx", "numpy", "PIL"])
def test_a_package_that_is_missing(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    assert refusal("grey.net --input grey.png") == (
        f"this needs {module}, which is not installed: pip install 'netspec[onnx]'"
    )


def test_a_net_too_large_for_memory_goes_through_a_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    expected = outputs("words.net --set T=3")["out"]
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr(loading, "LARGEST", 0)
    assert np.array_equal(outputs("words.net --set T=3")["out"], expected)
    assert list(tmp_path.iterdir()) == []


# -- from Python ----------------------------------------------------------------------------------------


def test_arrays_are_given_in_python() -> None:
    made = compile_one(find_source("small.net"))
    tensors = weights_for(made, None)
    many = np.load("many.npy")
    found = outputs_of(made, many, tensors)["out"]
    assert np.array_equal(found, outputs_of(made, {"x": many}, tensors)["out"])
    assert np.array_equal(found, outputs("small.net --input many.npy")["out"])
    assert outputs_of(made, many[0].tolist(), tensors)["out"] == pytest.approx(found[:1])


@pytest.mark.parametrize(
    ("spec", "inputs", "message"),
    [
        ("small", [1.0, 2.0, 3.0], "x is [2] of each sample; the array has [3]: axis 0 is 3, not 2"),
        ("small", [[1.0], [2.0, 3.0]], "the array is no array: its rows differ in length"),
        ("small", {"y": [1.0, 2.0]}, "there is no input `y`: the input is `x` [2]"),
        ("small", {}, "the input x is not given"),
        ("pair", [1.0], "there are 2 inputs: give them by name, the inputs are `left` [3, H, W], `right` [3, H, W]"),
        ("words", [0.5], "ids is int64; the array is float64, which may have fractions: convert it first, as "
         'x.astype("int64")'),
    ],
)  # fmt: skip
def test_arrays_that_do_not_fit(spec: str, inputs: object, message: str) -> None:
    made = compile_one(find_source(f"{spec}.net"))
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        outputs_of(made, inputs, weights_for(made, None))
