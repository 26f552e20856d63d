"""Layers of other packages: found by the entry point group `netspec.layers`, and told apart from netspec's own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from netspec.ops import find_layer
from netspec.ops.plugins import PluginError, register

ROOT = Path(__file__).parents[2]

LAYERS = '''
from typing import ClassVar

from netspec.ops.base import POINT, Cost, Layer, Weight
from netspec.ops.onnxrule import affine, channelwise
from netspec.ops.torchrule import Torch, channels


class Shift(Layer):
    """A trained number added to each channel: [C, *S] -> [C, *S].

    Cost: one addition per element.
    """

    example: ClassVar[str] = "shift"

    def output(self, inputs):
        return inputs[0]

    def weights(self, inputs):
        return {"bias": Weight(inputs[0].shape[:1])}

    def cost(self, inputs, output):
        return Cost(adds=output.elements)

    def reach(self, inputs):
        return POINT

    def torch(self, inputs):
        return Torch("Shift", args=(channels(inputs[0]),))

    def onnx(self, graph, inputs):
        return affine(graph, inputs[0], None, channelwise(graph, "bias", inputs[0]))
'''

PART = '''
import torch
from torch import Tensor, nn


class Shift(nn.Module):
    """A trained number added to each channel: [N, C, *S] -> [N, C, *S]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.bias.view(-1, *(1,) * (x.dim() - 2))
'''

NET = """
block twice(layer) { layer -> layer }
net Shifted {
  input image: [3, 8, 8]
  first: shift
  twice shift      -> [3, 8, 8]
  assert params == 9
}
"""


def package(folder: Path, layers: str = LAYERS, entries: str = "shift = tiny_layers:Shift", name: str = "tiny") -> None:
    """Install a package, as pip would: its module, and what a wheel says of it."""
    (folder / f"{name}_layers").mkdir()
    (folder / f"{name}_layers" / "__init__.py").write_text(layers, encoding="utf-8")
    (folder / f"{name}_layers" / "torch_parts").mkdir()
    (folder / f"{name}_layers" / "torch_parts" / "shift.py").write_text(PART.lstrip(), encoding="utf-8")
    (folder / f"{name}_layers-1.0.dist-info").mkdir()
    metadata = f"Metadata-Version: 2.1\nName: {name}-layers\nVersion: 1.0\n"
    (folder / f"{name}_layers-1.0.dist-info" / "METADATA").write_text(metadata, encoding="utf-8")
    (folder / f"{name}_layers-1.0.dist-info" / "entry_points.txt").write_text(
        f"[netspec.layers]\n{entries}\n", encoding="utf-8"
    )


def python(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}
    return subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )


def netspec(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    done = python(folder, "-m", "netspec", *words)
    assert done.returncode in (0, 1, 2), done.stderr
    assert "Traceback" not in done.stderr
    return done


def fault(folder: Path) -> str:
    """What is told of a net that uses `shift`."""
    (folder / "net.net").write_text("net Shifted {\n  input x: [4]\n  shift\n}\n", encoding="utf-8")
    done = netspec(folder, "check", "net.net")
    assert done.returncode == 1
    return done.stderr


def told(note: str) -> str:
    return dedent(
        f"""
        error[NS201]: there is no layer `shift`
         --> net.net:3:3
          |
        3 |   shift
          |   ^^^^^ not a layer, block or net
          |
          = note: {note}
          = help: mend the package, or uninstall it

        1 error
        """
    )


def test_an_installed_layer_is_checked_and_generated(tmp_path: Path) -> None:
    package(tmp_path)
    (tmp_path / "net.net").write_text(NET, encoding="utf-8")
    done = netspec(tmp_path, "check", "net.net", "--format", "json")
    facts = json.loads(done.stdout)
    assert (done.returncode, facts["params"], facts["adds"]) == (0, 9, 3 * 3 * 8 * 8)

    (tmp_path / "net.json").write_text(netspec(tmp_path, "ir", "net.net").stdout, encoding="utf-8")
    again = json.loads(netspec(tmp_path, "check", "net.json", "--format", "json").stdout)
    assert again["params"] == 9

    assert netspec(tmp_path, "codegen", "net.net", "-o", "model.py").returncode == 0
    run = "import model, torch; m = model.Shifted(); print(list(m.state_dict()), m(torch.ones(2, 3, 8, 8)).shape)"
    done = python(tmp_path, "-W", "error", "-c", run)
    assert done.stdout.startswith("['first.bias', "), done.stderr
    assert done.stdout.endswith("torch.Size([2, 3, 8, 8])\n")
    assert "tiny_layers" not in (tmp_path / "model.py").read_text(encoding="utf-8")
    assert netspec(tmp_path, "layers", "shift").stdout.startswith("shift: A trained number added to each channel")


def test_a_check_pays_only_for_a_name_that_is_unknown(tmp_path: Path) -> None:
    package(tmp_path)
    known = (
        "net A {\n  input x: [3, 8, 8]\n  basic 3 -> conv 4 k=3 pad=same\n  assert params >= 1 and it.rank == 3\n}\n"
    )
    (tmp_path / "known.net").write_text(known, encoding="utf-8")
    (tmp_path / "net.net").write_text(NET, encoding="utf-8")
    run = (
        "import sys; from netspec.startup import lighten; lighten(); from netspec.driver import *;"
        "made = Compilation(find_source(sys.argv[1])); assert made.sound and made.totals;"
        "print([name in sys.modules for name in ('importlib.metadata', 'tiny_layers', 'torch')])"
    )
    assert python(tmp_path, "-c", run, "known.net").stdout == "[False, False, False]\n"
    assert python(tmp_path, "-c", run, "net.net").stdout == "[True, True, False]\n"


def test_an_unknown_name_is_told_as_ever(tmp_path: Path) -> None:
    package(tmp_path, layers="raise SystemError")
    (tmp_path / "net.net").write_text("net A {\n  input x: [4]\n  shiff\n}\n", encoding="utf-8")
    assert "error[NS201]: there is no layer `shiff`" in netspec(tmp_path, "check", "net.net").stderr


HEAD = "the layer `shift` of the package tiny-layers 1.0 (tiny_layers:Shift) cannot be used: "


@pytest.mark.parametrize(
    ("layers", "reason"),
    [
        ("import nowhere", "ModuleNotFoundError: No module named 'nowhere'"),
        ("Shift = 3", "it is no subclass of netspec.ops.base.Layer"),
        (LAYERS.replace("class Shift", "class Move"), "AttributeError: module 'tiny_layers' has no attribute 'Shift'"),
        (LAYERS.replace("def reach", "def reech"), "its class lacks `reach`"),
        (
            LAYERS.split("    example")[0],
            "its class lacks `cost`, `onnx`, `output`, `reach`, `torch`, `weights`, `example`",
        ),
        (LAYERS.replace("class Shift", "class Move") + "\nShift = Move", "its class `Move` is the layer `move`"),
        (LAYERS.replace("Shift", "Conv") + "\nShift = Conv", "`conv` is netspec's own, which cannot be replaced"),
    ],
    ids=["import", "class", "name", "rule", "rules", "other", "own"],
)  # fmt: skip
def test_a_faulty_package_is_named(layers: str, reason: str, tmp_path: Path) -> None:
    package(tmp_path, layers)
    assert fault(tmp_path) == told(HEAD + reason)


@pytest.mark.parametrize("name", ["conv", "basic"])
def test_a_package_cannot_replace_what_netspec_has(name: str, tmp_path: Path) -> None:
    package(tmp_path, entries=f"shift = tiny_layers:Shift\n{name} = tiny_layers:Other")
    assert fault(tmp_path) == told(f"{HEAD}`{name}` is netspec's own, which cannot be replaced")
    (tmp_path / "net.net").write_text("net A {\n  input x: [3, 4, 4]\n  conv 3 k=1\n}\n", encoding="utf-8")
    assert netspec(tmp_path, "check", "net.net").returncode == 0


def test_two_packages_with_one_layer(tmp_path: Path) -> None:
    package(tmp_path)
    package(tmp_path, name="other", entries="shift = other_layers:Shift")
    assert fault(tmp_path) == told("the packages other-layers 1.0 and tiny-layers 1.0 both have a layer `shift`")
    done = netspec(tmp_path, "layers", "shift")
    assert (done.returncode, "both have a layer `shift`" in done.stderr) == (2, True)


def test_ir_of_a_layer_that_cannot_be_used(tmp_path: Path) -> None:
    package(tmp_path)
    (tmp_path / "net.net").write_text(NET, encoding="utf-8")
    (tmp_path / "net.json").write_text(netspec(tmp_path, "ir", "net.net").stdout, encoding="utf-8")
    (tmp_path / "tiny_layers" / "__init__.py").write_text("import nowhere", encoding="utf-8")
    done = netspec(tmp_path, "check", "net.json")
    assert done.returncode == 1
    assert "error[NS002]: net.json is not valid netspec IR: " in done.stderr
    assert "No module named 'nowhere'" in done.stderr


def test_a_class_that_cannot_be_registered() -> None:
    conv = find_layer("conv")
    assert conv is not None
    with pytest.raises(PluginError, match=r"^the class `Conv` cannot be a layer: `conv` is netspec's own, which"):
        register(conv)
