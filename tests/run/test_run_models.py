"""ONNX files that anyone may have written, in `netspec run`: run as they are, or refused in one line."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from run_files import outputs, refusal, run

LOAD = "onnxruntime cannot load"
NO_MODEL = "is no ONNX model, or is damaged: it is not protobuf as ONNX has it"


def held(name: str, place: str) -> str:
    return f"{name}.onnx is refused: its tensor `w` is in {place}"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("none.onnx", "cannot read none.onnx: no such file or directory"),
        ("empty.onnx", "empty.onnx is no ONNX model: it is empty"),
        ("text.onnx", f"text.onnx {NO_MODEL}"),
        ("cut.onnx", f"cut.onnx {NO_MODEL}"),
        ("latin.onnx", f"latin.onnx {NO_MODEL}"),
        ("no_graph.onnx", "no_graph.onnx is no ONNX model: it has no graph"),
        ("large.onnx", "large.onnx is too large: 3.0 GiB, besides external data a model has at most 2 GiB"),
        ("opset.onnx", f"{LOAD} opset.onnx: it has opset 99, and this onnxruntime knows opsets up to NN"),
        ("version.onnx", f"{LOAD} version.onnx: Unsupported model IR version: 99, max supported IR version: NN"),
        (
            "loose.onnx",
            f"{LOAD} loose.onnx: Invalid model. Node input 'z' is not a graph input, initializer, or output of a "
            "previous node",
        ),
        (
            "unknown.onnx",
            f'{LOAD} unknown.onnx: This is an invalid model. In Node, ("", Foo, "", -1) : ("x": tensor(float),) -> '
            '("y": tensor(float),) , Error No Op registered for Foo with domain_version of 17',
        ),
        ("takes_list.onnx", "the input `x` of the model is a sequence: only tensors can be given"),
        ("texts.onnx", "x is string, of which no input can be given"),
        ("float8.onnx", "x is float8e4m3fn, of which no input can be given"),
        # external data
        (
            "absolute.onnx",
            f"{held('absolute', '/etc/passwd')}, an absolute path: external data lies in the folder of its model",
        ),
        (
            "drive.onnx",
            f"{held('drive', 'C:')}\\w.bin, an absolute path: external data lies in the folder of its model",
        ),
        ("up.onnx", f"{held('up', '../w.bin')}, outside of the folder of the model"),
        ("up_windows.onnx", f"{held('up_windows', '..')}\\w.bin, outside of the folder of the model"),
        ("symlink.onnx", f"{held('symlink', 'link.bin')}, behind a symbolic link: it may lead anywhere"),
        ("symlinked.onnx", f"{held('symlinked', 'link/w.bin')}, behind a symbolic link: it may lead anywhere"),
        (
            "hardlink.onnx",
            f"{held('hardlink', 'linked.bin')}, a file of several names (hard links), of which others may be elsewhere",
        ),
        ("missing.onnx", f"{held('missing', 'none.bin')}, which is not there"),
        ("memory.onnx", f"{held('memory', '*/_ORT_MEM_ADDR_/*')}, which is not there"),
        ("folder.onnx", f"{held('folder', '.')}, which is not a file"),
        ("nowhere.onnx", f"{held('nowhere', 'no file')}, which is no path"),
        ("beyond.onnx", f"{held('beyond', 'w.bin')}, which is cut short: 48 bytes, and the tensor ends at 56"),
        ("negative.onnx", f"{held('negative', 'w.bin')}, at an offset that is no number"),
        (
            "nested.onnx",
            "nested.onnx is refused: its tensor `` is in /etc/passwd, an absolute path: external data lies in the "
            "folder of its model",
        ),
        # options that are for specs
        ("free.onnx --set H=8 --set H=9", "--set H is given twice"),
    ],
)
def test_what_cannot_be_run(command: str, message: str) -> None:
    if "twice" in message:
        assert run(command).stderr.endswith(f"Error: {message}\n")
        return
    newest = refusal(command)
    for words in ("opsets up to ", "max supported IR version: "):  # which onnxruntime says
        head, found, number = newest.partition(words)
        newest = f"{head}{words}NN" if found and number.isdigit() else newest
    assert newest == message.replace("``", "`w`")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("toy.onnx --weights two.npy", "--weights is for a spec: toy.onnx has its own"),
        ("free.onnx --set H=", "--set takes NAME=SIZE for a model, not 'H='"),
        ("free.onnx --set H=-3", "--set takes NAME=SIZE for a model, not 'H=-3'"),
        ("small.net --rename a=b", "--rename renames the tensors of a file: give --weights FILE"),
        ("small.net -o out.txt", "out.txt is no name for the outputs: they are written as .npz"),
    ],
)
def test_options_that_do_not_fit(command: str, message: str) -> None:
    result = run(command)
    assert result.exit_code == 2
    assert result.stderr.splitlines()[0].startswith("Usage: ")
    assert result.stderr.splitlines()[-1] == f"Error: {message}"


def test_what_fails_while_it_runs() -> None:
    result = run("reshape.onnx --input many.npy")
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        "x: many.npy [3, 2]",
        "Error: onnxruntime cannot run reshape.onnx: Reshape: size != 0 && (input_shape_size % size) == 0 was false. "
        "The input tensor cannot be reshaped to the requested shape. Input shape:{3,2}, requested shape:{7,-1}",
    ]


def test_external_data_beside_the_model_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: Path) -> None:
    expected = outputs("toy.onnx --batch 3")["y"]
    assert np.array_equal(outputs("beside.onnx --batch 3")["y"], expected)
    monkeypatch.chdir(tmp_path)  # the location is relative to the model
    assert np.array_equal(outputs(f"{here}/beside.onnx --batch 3")["y"], expected)


def test_external_data_is_not_overwritten(here: Path) -> None:
    (here / "w.npz").write_bytes((here / "w.bin").read_bytes())
    model = (here / "beside.onnx").read_bytes()
    (here / "named.onnx").write_bytes(model.replace(b"w.bin", b"w.npz"))
    result = run("named.onnx -o w.npz")
    assert result.stderr.splitlines()[-1] == "Error: w.npz would be overwritten: choose another name for the output"
    assert (here / "w.npz").read_bytes() == (here / "w.bin").read_bytes()


@pytest.mark.parametrize("name", ["toy", "nested", "table", "free"])
def test_damaged_models_are_refused_or_run(name: str, here: Path) -> None:
    """Bytes that are changed, left out or cut off end in one line, or in a run."""
    sound = (here / f"{name}.onnx").read_bytes()
    chance = random.Random(name)
    for attempt in range(60):
        data = bytearray(sound)
        for _ in range(chance.choice([1, 1, 3, 10])):
            data[chance.randrange(len(data))] = chance.randrange(256)
        if attempt % 3 == 0:
            del data[chance.randrange(len(data)) :]
        (here / "damaged.onnx").write_bytes(data)
        result = run("damaged.onnx")
        assert result.exit_code in (0, 2)
        assert result.exit_code == 0 or result.stderr.splitlines()[-1].startswith("Error: ")
