"""`netspec check` is quick because it imports no torch, onnx, onnxruntime or numpy."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from netspec import resources

CHECK = """
import sys
from netspec.cli import main
sys.argv = ["netspec", "check", {spec!r}]
main()
"""

REPORT = """
import json, sys
try:
    exec(sys.argv[1])
    code = 0
except SystemExit as end:
    code = end.code or 0
print()
print(json.dumps([code, [name for name in ("torch", "onnx", "onnxruntime", "numpy") if name in sys.modules]]))
"""


class Outcome(NamedTuple):
    exit_code: int
    heavy: list[str]
    output: str


def heavy_imports(program: str, folder: Path) -> Outcome:
    """Run a program in a Python of its own; its exit code, and which heavy libraries it has imported."""
    done = subprocess.run([sys.executable, "-c", REPORT, program], cwd=folder, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr
    *_, last = done.stdout.splitlines()
    return Outcome(*json.loads(last), output=done.stdout + done.stderr)


def test_the_well_known_specs_are_bundled() -> None:
    assert {"lenet5", "resnet"} <= set(resources.spec_names())


@pytest.mark.parametrize("name", resources.spec_names())
def test_check_imports_nothing_heavy(name: str, tmp_path: Path) -> None:
    outcome = heavy_imports(CHECK.format(spec=name), tmp_path)
    assert outcome.exit_code == 0, outcome.output
    assert outcome.heavy == [], outcome.output


def test_check_of_weights_imports_nothing_heavy(tmp_path: Path) -> None:
    (tmp_path / "a.net").write_text("net A {\n  input x: [4]\n  fc: dense 3\n}\n", encoding="utf-8")
    torch.save({"fc.weight": torch.zeros(3, 4), "fc.bias": torch.zeros(3)}, tmp_path / "w.pt")
    np.savez(tmp_path / "w.npz", **{"fc.weight": np.zeros((3, 4)), "fc.bias": np.zeros(3)})
    save_file({"fc.weight": torch.zeros(3, 4), "fc.bias": torch.zeros(3)}, tmp_path / "w.safetensors")
    for name in ("w.pt", "w.npz", "w.safetensors"):
        program = CHECK.replace("{spec!r}]", '"a.net", "--weights", {spec!r}]')
        outcome = heavy_imports(program.format(spec=name), tmp_path)
        assert outcome.exit_code == 0, outcome.output
        assert outcome.heavy == [], outcome.output
        assert f"All 2 tensors of {name} fit." in outcome.output


def test_a_heavy_import_is_noticed(tmp_path: Path) -> None:
    """The test above can fail: the same program with one import more is caught."""
    outcome = heavy_imports("import numpy\n" + CHECK.format(spec="lenet5"), tmp_path)
    assert outcome.exit_code == 0, outcome.output
    assert outcome.heavy == ["numpy"]


def test_solve_imports_nothing_heavy(tmp_path: Path) -> None:
    arguments = ["netspec", "solve", "resnet:ResNet50", "macs <= 1e9", "--over", "H,W"]
    outcome = heavy_imports(f"from netspec.cli import main\nsys.argv = {arguments!r}\nmain()", tmp_path)
    assert outcome.exit_code == 0, outcome.output
    assert outcome.heavy == [], outcome.output
    assert "H = W from 1 to " in outcome.output
