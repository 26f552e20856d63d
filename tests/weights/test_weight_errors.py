"""What is said of files of weights: the whole text."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent

import pytest
import torch
from click.testing import CliRunner
from weight_files import Global, framed, npz, pickled, safetensors, torch_file

from netspec import api
from netspec.cli import cli

NET = """
block unit(n) { conv n k=3 bias=false -> batchnorm -> relu }

net Small {
  input image: [3, 8, 8]
  stem: unit 4
  body: repeat 2 { unit 4 }
  flatten
  fc: dense 10
}
"""

ALL = {
    **{
        f"{unit}.{name}": shape
        for unit, inside in (("stem", 3), ("body.0", 4), ("body.1", 4))
        for name, shape in {
            "conv1.weight": [4, inside, 3, 3],
            **{f"batchnorm1.{name}": [4] for name in ("weight", "bias", "running_mean", "running_var")},
        }.items()
    },
    "fc.weight": [10, 16],
    "fc.bias": [10],
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("small.net").write_text(NET, encoding="utf-8")


def test_the_names_are_those_of_torch() -> None:
    state = api.load("small.net").to_torch().state_dict()
    assert {name: list(value.shape) for name, value in state.items() if not name.endswith("tracked")} == ALL


def check(*options: str, weights: str = "w.safetensors", code: int = 1, spec: str = "small.net") -> str:
    result = CliRunner().invoke(cli, ["check", spec, "--weights", weights, *options], prog_name="netspec")
    assert result.exit_code == code, result.output
    return result.stderr


def text(expected: str) -> str:
    return "\n" + dedent(expected).strip("\n") + "\n"


def without(*names: str) -> dict[str, list[int]]:
    return {name: shape for name, shape in ALL.items() if name not in names}


def test_all_fit() -> None:
    safetensors(ALL)
    assert check(code=0) == ""


def test_missing_weights_of_one_layer() -> None:
    safetensors(without("fc.weight", "fc.bias", "body.0.batchnorm1.bias", "body.1.batchnorm1.bias"))
    assert check() == text(
        """
        error[NS805]: w.safetensors has no tensor `body.0.batchnorm1.bias`
         --> small.net:2:42
          |
        2 | block unit(n) { conv n k=3 bias=false -> batchnorm -> relu }
          |                                          ^^^^^^^^^ needs [4]
          |
          = note: nor `body.1.batchnorm1.bias` [4]

        error[NS805]: w.safetensors has no tensor `fc.weight`
         --> small.net:9:7
          |
        9 |   fc: dense 10
          |       ^^^^^^^^ needs [10, 16]
          |
          = note: nor `fc.bias` [10]

        2 errors
        """
    )


def test_a_layer_that_has_another_name() -> None:
    """It is told once: as the weights that are missing, not as tensors that are too many."""
    safetensors({**without("fc.weight", "fc.bias"), "classifier.3.weight": [10, 16], "classifier.3.bias": [10]})
    assert r"`classifier.3.weight`? `--rename '^classifier\.3\.=fc.'`" in check()  # the only one that fits
    safetensors({**without("fc.weight", "fc.bias"), "fc2.weight": [10, 16], "fc2.bias": [10]})
    assert check() == text(
        r"""
        error[NS805]: w.safetensors has no tensor `fc.weight`
         --> small.net:9:7
          |
        9 |   fc: dense 10
          |       ^^^^^^^^ needs [10, 16]
          |
          = note: nor `fc.bias` [10]
          = help: did you mean `fc2.weight`? `--rename '^fc2\.=fc.'`

        1 error
        """
    )
    assert check("--rename", r"^fc2\.=fc.", code=0) == ""


def test_a_tensor_that_has_another_name() -> None:
    safetensors({**without("fc.bias"), "fc.biases": [10]})
    assert check() == text(
        r"""
        error[NS805]: w.safetensors has no tensor `fc.bias`
         --> small.net:9:7
          |
        9 |   fc: dense 10
          |       ^^^^^^^^ needs [10]
          |
          = help: did you mean `fc.biases`? `--rename '^fc\.biases$=fc.bias'`

        1 error
        """
    )
    assert check("--rename", r"^fc\.biases$=fc.bias", code=0) == ""


def test_names_with_a_part_more() -> None:
    """The other mistakes are those that are left once this one is mended."""
    safetensors({f"module.{name}": shape for name, shape in {**ALL, "fc.weight": [16, 10]}.items()})
    assert check() == text(
        r"""
        error[NS804]: the names in w.safetensors begin with `module.`, which those of the weights of `Small` do not
          = help: `--rename '^module\.='`

        error[NS807]: `fc.weight` is [16, 10] in w.safetensors, not [10, 16]
         --> small.net:9:7
          |
        9 |   fc: dense 10
          |       ^^^^^^^^ needs [10, 16]
          |
          = help: it is the transposed matrix: transpose it in the file

        2 errors in 2 files
        """
    )
    safetensors({f"module.{name}": shape for name, shape in ALL.items()})
    assert check("--rename", r"^module\.=", code=0) == ""


def test_names_with_a_part_less() -> None:
    Path("outer.net").write_text(NET.replace("stem: ", "").replace("{\n  input", "{\n  input").replace(
        "  unit 4\n  body: repeat 2 { unit 4 }\n  flatten\n  fc: dense 10\n",
        "  all: {\n    stem: unit 4\n    body: repeat 2 { unit 4 }\n    flatten\n    fc: dense 10\n  }\n",
    ), encoding="utf-8")  # fmt: skip
    safetensors(ALL)
    assert check(spec="outer.net") == text(
        """
        error[NS804]: the names in w.safetensors lack the `all.` with which those of the weights of `Small` begin
          = help: `--rename '^=all.'`

        1 error
        """
    )
    assert check("--rename", "^=all.", code=0, spec="outer.net") == ""


def test_tensors_that_are_too_many() -> None:
    safetensors({**ALL, "aux.fc.weight": [3, 3], "aux.fc.bias": [3], "aux.scale": []})
    assert check() == text(
        r"""
        error[NS806]: w.safetensors has 3 tensors that `Small` does not have
          = note: `aux.fc.weight` [3, 3]
          = note: `aux.fc.bias` [3]
          = note: `aux.scale` []
          = help: leave out what is not wanted: `--rename '^aux\..*='`

        1 error
        """
    )
    assert check("--rename", r"^aux\..*=", code=0) == ""


def test_a_name_that_a_shell_would_take_for_a_command() -> None:
    safetensors({**ALL, "it's $(touch gone) \x1b[31m": [3]})
    assert check() == text(
        r"""
        error[NS806]: w.safetensors has a tensor `it's $(touch gone) �[31m` [3] that `Small` does not have
          = help: leave out what is not wanted: `--rename '^it'"'"'s\ \$\(touch\ gone\)\ �\[31m$='`

        1 error
        """
    )


def test_many_tensors_are_listed_in_part() -> None:
    safetensors({**ALL, **{f"x.{number}": [number] for number in range(30)}})
    told = check()
    assert told.count("note: ") == 21
    assert "  = note: and 10 more\n  = help: leave out what is not wanted: `--rename '^x\\..*='`" in told


def test_shapes() -> None:
    safetensors(
        {
            **ALL,
            "stem.conv1.weight": [3, 3, 3, 4],
            "body.0.conv1.weight": [4, 4, 5, 5],
            "body.1.conv1.weight": [4, 4, 3],
            "fc.bias": [10, 1],
        }
    )
    assert check() == text(
        """
        error[NS807]: `stem.conv1.weight` is [3, 3, 3, 4] in w.safetensors, not [4, 3, 3, 3]
         --> small.net:2:17
          |
        2 | block unit(n) { conv n k=3 bias=false -> batchnorm -> relu }
          |                 ^^^^^^^^^^^^^^^^^^^^^ needs [4, 3, 3, 3]
          |
          = note: `body.0.conv1.weight` is [4, 4, 5, 5], not [4, 4, 3, 3]
          = note: `body.1.conv1.weight` is [4, 4, 3], not [4, 4, 3, 3]
          = help: its axes are in TensorFlow's order: `transpose(3, 2, 0, 1)` in the file

        error[NS807]: `fc.bias` is [10, 1] in w.safetensors, not [10]
         --> small.net:9:7
          |
        9 |   fc: dense 10
          |       ^^^^^^^^ needs [10]
          |
          = help: it differs in axes of size 1: reshape it in the file

        2 errors
        """
    )


def test_element_types() -> None:
    about = {
        "fc.weight": {"dtype": "I8", "shape": [10, 16], "data_offsets": [0, 160]},
        "fc.bias": {"dtype": "BOOL", "shape": [10], "data_offsets": [160, 170]},
    }
    framed(json.dumps(about).encode(), 170)
    Path("dense.net").write_text("net Dense {\n  input x: [16]\n  fc: dense 10\n}\n", encoding="utf-8")
    assert check(spec="dense.net") == text(
        """
        error[NS808]: `fc.weight` is int8 in w.safetensors
         --> dense.net:3:7
          |
        3 |   fc: dense 10
          |       ^^^^^^^^ needs floating point numbers
          |
          = note: `fc.bias` is bool
          = help: scale and convert it to float32 in the file

        1 error
        """
    )


@pytest.mark.parametrize("dtype", ["F16", "BF16", "F32", "F64"])
def test_floating_point_types_fit(dtype: str) -> None:
    safetensors(ALL, dtype)
    assert check(code=0) == ""


def test_counters_may_be_missing_and_must_fit() -> None:
    state = {name: torch.zeros(shape) for name, shape in ALL.items()}
    torch.save({**state, "stem.batchnorm1.num_batches_tracked": torch.tensor(5)}, "w.pt")
    assert check(weights="w.pt", code=0) == ""
    torch.save({**state, "stem.batchnorm1.num_batches_tracked": torch.tensor(5.0)}, "w.pt")
    assert check(weights="w.pt") == text(
        """
        error[NS808]: `stem.batchnorm1.num_batches_tracked` is float32 in w.pt
         --> small.net:2:42
          |
        2 | block unit(n) { conv n k=3 bias=false -> batchnorm -> relu }
          |                                          ^^^^^^^^^ needs integers
          |

        1 error
        """
    ).replace("needs integers\n  |\n", "needs integers\n")


def test_two_names_that_become_one() -> None:
    safetensors({**ALL, "a.fc.bias": [10]})
    assert check("--rename", r"^a\.=") == text(
        """
        error[NS809]: `fc.bias` and `a.fc.bias` of w.safetensors are both renamed to `fc.bias`
          = help: a name that becomes empty is left out: `^` and `$` stand for the ends of a name

        1 error
        """
    )


def test_weights_of_ir_have_no_place() -> None:
    ir = CliRunner().invoke(cli, ["ir", "small.net"], prog_name="netspec").stdout
    Path("small.json").write_text(ir, encoding="utf-8")
    safetensors({**without("fc.bias"), "fc.weight": [16, 10]})
    assert check(spec="small.json") == text(
        """
        error[NS807]: `fc.weight` is [16, 10] in w.safetensors, not [10, 16]
          = note: needs [10, 16]
          = help: it is the transposed matrix: transpose it in the file

        error[NS805]: w.safetensors has no tensor `fc.bias`
          = note: needs [10]

        2 errors
        """
    )


def test_weights_whose_size_is_a_symbol() -> None:
    Path("wide.net").write_text("net Wide {\n  input x: [N]\n  fc: dense 10\n  dense 5\n}\n", encoding="utf-8")
    safetensors({"fc.weight": [10, 3]})
    assert check(spec="wide.net") == text(
        """
        error[NS702]: the weight `fc.weight` has the shape [10, N]
         --> wide.net:3:7
          |
        3 |   fc: dense 10
          |       ^^^^^^^^ depends on `N`
          |
          = help: give the symbols values, such as `--set N=64`

        1 error
        """
    )
    safetensors({"fc.weight": [10, 3], "fc.bias": [10], "dense1.weight": [5, 10], "dense1.bias": [5]})
    assert check("--set", "N=3", spec="wide.net", code=0) == ""


# -- files that are not read: exit code 2, as for a spec that is not there ------------------------------


def test_a_file_that_is_not_there() -> None:
    assert check(code=2) == text(
        """
        error[NS801]: cannot read w.safetensors: no such file or directory
          = help: check the path

        1 error
        """
    )


def test_a_file_of_another_kind() -> None:
    assert check(weights="model.onnx", code=2) == text(
        """
        error[NS801]: cannot read model.onnx: no format of weights goes by the ending '.onnx'
          = help: weights are in .safetensors, .npz, .pt, .pth, .bin or .ckpt files

        1 error
        """
    )


def test_a_damaged_file() -> None:
    npz({"a.npy": b"hello"})
    assert check(weights="w.npz", code=2) == text(
        """
        error[NS802]: w.npz is not a sound npz file: it ends before its numbers do
          = help: it may have been cut short or damaged on its way: fetch or save it again

        1 error
        """
    )


def test_a_file_with_more_than_tensors() -> None:
    torch_file(b"\x80\x02" + pickled(Global("os.system")) + b".")
    assert check(weights="w.pt", code=2) == text(
        """
        error[NS803]: w.pt was not read: it refers to `os.system`, which is not part of a tensor
          = help: save the tensors alone: `torch.save(module.state_dict(), path)`

        1 error
        """
    )
