"""`netspec export`: what is in the file, and that it is written whole or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from click.testing import CliRunner, Result

from netspec.cli import cli
from netspec.driver import Compilation
from netspec.emit.onnx import export as exporting
from netspec.emit.onnx.export import graph_of, model_bytes, write_model
from netspec.emit.weights.initial import initial
from netspec.source import SourceFile

SMALL = """
net Small {
  input image: [3, 8, 8]
  stem: conv 4 k=3 pad=1 bias=false -> norm: batchnorm -> relu
  dropout 0.5
  body: repeat 2 { add { | identity | conv 4 k=3 pad=1 } }
  flatten -> fc: dense 5
}
"""

SYMBOLIC = """
net Symbolic {
  input image: [3, H, W]
  conv 8 k=3 stride=2 pad=1
  flatten
}
"""


def compiled(text: str) -> Compilation:
    return Compilation(SourceFile("test.net", text, None))


def model_of(text: str, **options: Any) -> onnx.ModelProto:
    made = compiled(text)
    return onnx.load_from_string(model_bytes(graph_of(made, **options), initial(made), made=made))


def shape_of(value: onnx.ValueInfoProto) -> list[int | str]:
    return [axis.dim_value or axis.dim_param for axis in value.type.tensor_type.shape.dim]


def outputs_of(model: bytes | str, **inputs: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return list(session.run(None, inputs))


def command(*words: str) -> Result:
    result = CliRunner().invoke(cli, ["export", *words], prog_name="netspec")
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "small.net"
    path.write_text(SMALL)
    return path


# What is in the model


def test_the_header_says_the_versions_that_onnxruntime_takes():
    model = model_of(SMALL)
    assert model.ir_version == 10
    assert [(each.domain, each.version) for each in model.opset_import] == [("", 23)]
    assert model.producer_name == "netspec"
    assert model.producer_version == "0.1.0"
    assert model.graph.name == "Small"
    assert {each.key: each.value for each in model.metadata_props} == {
        "netspec.spec": "test.net",
        "netspec.net": "Small",
    }


def test_the_batch_is_a_named_axis_and_sizes_keep_their_symbols():
    graph = model_of(SYMBOLIC).graph
    assert shape_of(graph.input[0]) == ["batch", 3, "H", "W"]
    values = {value.name: shape_of(value) for value in (*graph.value_info, *graph.output)}
    assert values["conv1"] == ["batch", 8, "(H + 1) // 2", "(W + 1) // 2"]


def test_weights_and_nodes_have_the_paths_of_the_spec():
    graph = model_of(SMALL, fold=False).graph
    assert [each.name for each in graph.initializer if "const" not in each.name] == [
        "stem.weight", "norm.weight", "norm.bias", "norm.running_mean", "norm.running_var",
        "body.0.conv1.weight", "body.0.conv1.bias", "body.1.conv1.weight", "body.1.conv1.bias",
        "fc.weight", "fc.bias",
    ]  # fmt: skip
    assert [(each.op_type, each.name) for each in graph.node] == [
        ("Conv", "stem"),
        ("BatchNormalization", "norm"),
        ("Relu", "relu1"),
        ("Conv", "body.0.conv1"),
        ("Add", "body.0"),
        ("Conv", "body.1.conv1"),
        ("Add", "body.1"),
        ("Reshape", "flatten1"),
        ("Gemm", "fc"),
    ]


def test_groups_are_told_as_viewers_read_them():
    (node,) = [each for each in model_of(SMALL).graph.node if each.name == "body.1.conv1"]
    assert {each.key: each.value for each in node.metadata_props} == {
        "namespace": ": Small/body: repeat/body.1: body/body.1.conv1: conv/Conv: Conv",
        "pkg.torch.onnx.class_hierarchy": "['Small', 'repeat', 'body', 'conv', 'Conv']",
        "pkg.torch.onnx.name_scopes": "['', 'body', 'body.1', 'body.1.conv1', 'Conv']",
    }


def test_every_value_has_its_type():
    graph = model_of(SMALL).graph
    known = {value.name for value in (*graph.value_info, *graph.output)}
    assert known == {name for node in graph.node for name in node.output}


def test_the_same_bytes_every_time_and_others_from_another_seed():
    made = compiled(SMALL)
    first, again, other = (model_bytes(graph_of(made), initial(made, seed)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


# Batch normalisations folded into convolutions

IMAGE = np.linspace(-1, 1, 2 * 3 * 8 * 8, dtype=np.float32).reshape(2, 3, 8, 8)


class Drawn:
    """Normal numbers for all weights, as absolute values: no batch normalisation is the identity."""

    def __init__(self, made: Compilation) -> None:
        self.shapes = initial(made).weights

    def chunks(self, name: str) -> Iterator[np.ndarray[Any, Any]]:
        shape = tuple(map(int, map(str, self.shapes[name].shape)))
        yield np.abs(np.random.default_rng(len(name)).standard_normal(shape, np.float32)).reshape(-1)


@pytest.mark.parametrize("bias", ["true", "false"])
@pytest.mark.parametrize("groups", [1, 2])
def test_a_folded_normalisation_gives_the_same_numbers(bias: str, groups: int):
    conv = f"conv 6 k=3 groups={groups} bias={bias}"
    made = compiled(f"net Folds {{\n  input x: [4, 5, 5]\n  {conv} -> batchnorm eps=0.1\n  relu\n}}\n")
    x = IMAGE.reshape(-1)[: 3 * 4 * 5 * 5].reshape(3, 4, 5, 5)
    results = []
    for fold in (True, False):
        data = graph_of(made, fold=fold)
        assert [node.op for node in data.nodes] == ["Conv", "Relu"] if fold else ["Conv", "BatchNormalization", "Relu"]
        results += outputs_of(model_bytes(data, Drawn(made)), x=x)
    np.testing.assert_allclose(*results, rtol=2e-5, atol=1e-5)


@pytest.mark.parametrize(
    "body",
    [
        "c: conv 4 k=3 pad=1 -> batchnorm -> add with c",  # its output is used twice
        "c: conv 3 k=3 pad=1 -> batchnorm -> reuse c",  # its weights are
        "batchnorm -> conv 4 k=3",  # it comes first
        "conv 4 k=3 -> relu -> batchnorm",
        "conv 4 k=3 -> batchnorm track=false",  # the batch decides
    ],
)
def test_what_cannot_be_folded_stays(body: str):
    made = compiled(f"net Stays {{\n  input x: [3, 6, 6]\n  {body}\n}}\n")
    folded, whole = (graph_of(made, fold=fold) for fold in (True, False))
    assert [node.op for node in folded.nodes] == [node.op for node in whole.nodes]


# Files


def test_export(spec: Path):
    result = command("small.net", "-o", "small.onnx", "--seed", "7")
    assert result.exit_code == 0
    assert result.stderr == "wrote small.onnx: 8 nodes of opset 23, 1,697 parameters (random, from seed 7)\n"
    onnx.checker.check_model("small.onnx", full_check=True)
    (y,) = outputs_of("small.onnx", image=IMAGE)
    assert y.shape == (2, 5)
    assert sorted(os.listdir()) == ["small.net", "small.onnx"]


def test_export_from_ir(spec: Path):
    ir = CliRunner().invoke(cli, ["ir", "small.net"]).stdout
    Path("small.json").write_text(ir)
    assert command("small.json", "-o", "a.onnx").exit_code == 0
    assert command("small.net", "-o", "b.onnx").exit_code == 0
    a, b = onnx.load("a.onnx"), onnx.load("b.onnx")
    assert a.graph == b.graph


@pytest.mark.parametrize("opset", [17, 20, 26])
def test_opset(spec: Path, opset: int):
    assert command("small.net", "-o", "small.onnx", "--opset", str(opset)).exit_code == 0
    assert onnx.load("small.onnx").opset_import[0].version == opset
    assert outputs_of("small.onnx", image=IMAGE)[0].shape == (2, 5)


def test_float16(spec: Path):
    assert command("small.net", "-o", "half.onnx", "--dtype", "float16").exit_code == 0
    assert command("small.net", "-o", "full.onnx").exit_code == 0
    (half,) = outputs_of("half.onnx", image=IMAGE.astype(np.float16))
    (full,) = outputs_of("full.onnx", image=IMAGE)
    assert half.dtype == np.float16
    np.testing.assert_allclose(half, full, atol=1e-2 * np.abs(full).max())
    assert 0.4 < os.path.getsize("half.onnx") / os.path.getsize("full.onnx") < 0.8


def test_bfloat16(spec: Path):
    assert command("small.net", "-o", "brain.onnx", "--dtype", "bfloat16").exit_code == 0
    onnx.checker.check_model("brain.onnx", full_check=True)
    model = onnx.load("brain.onnx")
    assert {each.data_type for each in model.graph.initializer if "const" not in each.name} == {
        onnx.TensorProto.BFLOAT16
    }


def test_external_data(spec: Path):
    assert command("small.net", "-o", "inside.onnx").exit_code == 0
    result = command("small.net", "-o", "beside.onnx", "--external-data")
    assert result.stderr.startswith("wrote beside.onnx and beside.onnx.data: 8 nodes")
    onnx.checker.check_model("beside.onnx", full_check=True)
    model = onnx.load("beside.onnx", load_external_data=False)
    outside = [each for each in model.graph.initializer if each.data_location == onnx.TensorProto.EXTERNAL]
    assert [each.name for each in outside] == ["fc.weight"]  # the only one above 1 kB
    entries = {each.key: each.value for each in outside[0].external_data}
    assert entries == {"location": "beside.onnx.data", "offset": "0", "length": str(5 * 256 * 4)}
    np.testing.assert_array_equal(*(outputs_of(name, image=IMAGE)[0] for name in ("inside.onnx", "beside.onnx")))
    before = Path("beside.onnx.data").read_bytes()
    assert command("small.net", "-o", "beside.onnx", "--external-data").exit_code == 0
    assert Path("beside.onnx.data").read_bytes() == before  # not appended to


def test_a_model_beyond_2_gb_has_its_weights_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(exporting, "LARGEST", exporting._ROOM + 6_000)
    made = compiled(SMALL)
    path = tmp_path / "small.onnx"
    assert write_model(str(path), graph_of(made), initial(made)) == str(path) + ".data"
    assert outputs_of(str(path), image=IMAGE)[0].shape == (2, 5)


class Broken:
    """Weights that end with an exception."""

    def __init__(self, made: Compilation, error: BaseException) -> None:
        self.tensors = initial(made)
        self.error = error

    def chunks(self, name: str) -> Iterator[np.ndarray[Any, Any]]:
        if name == "fc.bias":
            raise self.error
        return self.tensors.chunks(name)


@pytest.mark.parametrize("external", [True, False])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), MemoryError()])
def test_what_goes_wrong_leaves_everything_as_it_was(tmp_path: Path, external: bool, error: BaseException):
    made = compiled(SMALL)
    path = tmp_path / "small.onnx"
    path.write_bytes(b"before")
    with pytest.raises(type(error)):
        write_model(str(path), graph_of(made), Broken(made, error), external=external)
    assert os.listdir(tmp_path) == ["small.onnx"]
    assert path.read_bytes() == b"before"


SLOW = """
import time

from netspec.cli import main
from netspec.emit.weights.initial import Initial

Initial.chunks = lambda self, name: print("begun", flush=True) or time.sleep(60)
main()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_nothing_behind(spec: Path, number: int):
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, "export", "small.net", "-o", "small.onnx"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == b"begun\n"
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143}[number]
    assert os.listdir() == ["small.net"]


def test_torch_is_not_imported(spec: Path):
    code = "import sys; from netspec.cli import cli; cli(standalone_mode=False)"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; assert 'torch' not in sys.modules", "export", "small.net", "-o", "s.onnx"],
        check=False,
    )
    assert done.returncode == 0


# What is refused


def refused(*words: str) -> str:
    result = command(*words)
    assert result.exit_code in (1, 2)
    assert not any(name.endswith((".onnx", ".data", ".tmp")) for name in os.listdir())
    return result.stderr


def test_the_spec_is_never_overwritten(spec: Path):
    spec.rename("small.onnx.data")
    assert command("small.onnx.data", "-o", "small.onnx.data").exit_code == 2
    result = command("small.onnx.data", "-o", "small.onnx", "--external-data")
    assert result.stderr.endswith("Error: small.onnx.data would be overwritten: choose another name for the output\n")
    assert Path("small.onnx.data").read_text() == SMALL


def test_names_of_outputs(spec: Path):
    assert "Error: a.net would be a spec: choose another name, such as model.onnx\n" in refused(
        "small.net", "-o", "a.net"
    )
    assert refused("small.net", "-o", "no/a.onnx") == "Error: cannot write no/a.onnx: no such file or directory\n"
    os.mkdir("folder")
    assert refused("small.net", "-o", "folder") == "Error: cannot write folder: it is not a file\n"


def test_a_wrong_spec_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    Path("wrong.net").write_text("net Wrong {\n  input x: [3, 8, 8]\n  conv 4 k=9\n}\n")
    told = refused("wrong.net", "-o", "wrong.onnx")
    assert told.startswith("\nerror[NS303]: ")
    assert command("wrong.net", "-o", "wrong.onnx").exit_code == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "net Wide {\n  input x: [N]\n  dense 10\n}\n",
            """
            error[NS702]: the weight `dense1.weight` has the shape [10, N]
             --> spec.net:3:3
              |
            3 |   dense 10
              |   ^^^^^^^^ depends on `N`
              |
              = help: give the symbols values, such as `--set N=64`

            1 error
            """,
        ),
        (
            "net Resized {\n  input image: [3, H, 8]\n  upsample 1.5\n}\n",
            """
            error[NS701]: `upsample` of [3, H, 8] needs sizes that are numbers in ONNX
             --> spec.net:3:3
              |
            3 |   upsample 1.5
              |   ^^^^^^^^^^^^ not with a symbol
              |
              = help: give the symbols values, such as `--set H=224`

            1 error
            """,
        ),
        (
            "net Resized {\n  input signal: [1, 100_000]\n  upsample 1.5\n}\n",
            """
            error[NS704]: `upsample` of [1, 100000] needs a constant of 15,000,000,000 numbers in ONNX
             --> spec.net:3:3
              |
            3 |   upsample 1.5
              |   ^^^^^^^^^^^^ at most 4,000,000
              |
              = help: give the layer a smaller input, or write it otherwise

            1 error
            """,
        ),
        (
            "net Deep {\n  input x: [8]\n  repeat 1_000_000 { dense 8 }\n}\n",
            """
            error[NS703]: `Deep` has too many layers to write out: 1,000,000
              = help: at most 50,000 layers are written, repeated ones each time

            1 error
            """,
        ),
    ],
)
def test_what_onnx_cannot_say(text: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    Path("spec.net").write_text(text)
    assert refused("spec.net", "-o", "model.onnx") == dedent(expected)


def test_a_missing_package_is_named(spec: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert refused("small.net", "-o", "a.onnx") == (
        "Error: this needs onnx, which is not installed: pip install 'netspec[onnx]'\n"
    )


def test_a_disk_that_is_too_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    Path("huge.net").write_text("net Huge {\n  input x: [100_000_000]\n  dense 100_000_000\n}\n")
    told = refused("huge.net", "-o", "huge.onnx")
    assert told.startswith("Error: cannot write huge.onnx: it takes 35.5 PiB, and ")


def test_bfloat16_needs_a_newer_opset(spec: Path):
    assert refused("small.net", "-o", "a.onnx", "--dtype", "bfloat16", "--opset", "21").endswith(
        "Error: operators take bfloat16 from opset 22 on: leave out --opset 21\n"
    )


def test_weights_that_float16_cannot_hold(spec: Path):
    spec.write_text("net Large {\n  input x: [2]\n  fc: dense 1 bias=false weight=[1, 70_000]\n}\n")
    assert refused("small.net", "-o", "a.onnx", "--dtype", "float16") == (
        "Error: cannot write a.onnx: `fc.weight` has the number 70,000, and float16 has none above 65,504\n"
    )


def test_bounds_that_float16_cannot_hold_are_none(spec: Path):
    spec.write_text("net Bounded {\n  input x: [2]\n  hardtanh low=0 high=1e6\n}\n")
    assert command("small.net", "-o", "a.onnx", "--dtype", "float16").exit_code == 0
    (y,) = outputs_of("a.onnx", x=np.array([[-1, 60_000]], np.float16))
    assert y.tolist() == [[0, 60_000]]
