"""What a spec and its name put into what netspec writes: as text, and never as code or as a command."""

from __future__ import annotations

import ast
import csv
import io
import json
import os
from pathlib import Path

import pytest
from limited import Outcome, netspec, sound

SPEC = 'net S(kind = "{}") {{\n  input x: [4]\n  if kind == "{}" {{ dense 2 }} else {{ dense 3 }}\n}}\n'
FILES = {
    "quotes": 'x""";import os;os.system("touch gone");""".net',
    "single quotes": "x''';import os;os.system('touch gone');'''.net",
    "a backslash": "x\\.net",
    "a line end": "x\nimport os\n.net",
    "an escape": "\x1b[31m\x9b.net",
    "bytes": os.fsdecode(b"\xff\xfe.net"),
    "directions": "\u202e\u2066.net",
    "braces": "{0}{x}%s.net",
}
TEXTS = ["\\", "\\x", "\\N", "\\'''", "'''", "'); import os; ('", "%s", "$(touch gone)", "</table><script>"]


def run(folder: Path, *arguments: str) -> Outcome:
    outcome = netspec(*arguments, folder=folder)
    assert sound(outcome), outcome
    assert outcome.code == 0, outcome
    assert not set(outcome.out + outcome.err) & set("\x1b\x9b\u202e\u2066"), outcome
    assert not (folder / "gone").exists()
    return outcome


def is_harmless(source: str) -> None:
    """A module that only imports torch, and has no statement of another's."""
    tree = ast.parse(source)
    assert isinstance(tree.body[0], ast.Expr)
    assert [type(node) for node in tree.body] == [ast.Expr, ast.ImportFrom, ast.ClassDef], source
    assert isinstance(tree.body[1], ast.ImportFrom)
    assert tree.body[1].module == "torch"


@pytest.mark.parametrize("name", FILES)
def test_the_name_of_a_file(name: str, tmp_path: Path) -> None:
    file = FILES[name]
    (tmp_path / file).write_text(SPEC.format("a", "a"))
    is_harmless(run(tmp_path, "codegen", file).out)
    run(tmp_path, "codegen", file, "-o", "made.py")
    is_harmless((tmp_path / "made.py").read_text())
    run(tmp_path, "check", file)
    json.loads(run(tmp_path, "check", file, "--format", "json").out)
    json.loads(run(tmp_path, "check", file, "--diagnostics", "sarif").out)
    json.loads(run(tmp_path, "ir", file).out)
    run(tmp_path, "export", file, "-o", "made.onnx")
    run(tmp_path, "init", file, "-o", "made.npz")
    run(tmp_path, "fmt", "--diff", "--check", file)


@pytest.mark.parametrize("text", TEXTS)
def test_a_text(text: str, tmp_path: Path) -> None:
    (tmp_path / "s.net").write_text(SPEC.format(text, text))
    is_harmless(run(tmp_path, "codegen", "s.net").out)
    run(tmp_path, "export", "s.net", "-o", "made.onnx")


def ir(name: str) -> str:
    node = {"kind": "layer", "name": name, "layer": {"layer": "relu"}, "inputs": ["x"]}
    module = {"name": name, "title": name, "inputs": ["x"], "nodes": [node], "outputs": {"": name}}
    inputs = [{"name": "x", "type": {"shape": [8], "dtype": "float32"}}]
    return json.dumps({"format": "netspec-ir-1", "name": name, "inputs": inputs, "modules": [module]})


def test_names_of_ir_in_every_form(tmp_path: Path) -> None:
    """IR may have names that no spec has."""
    name = "=a|b <b>\"'`"
    (tmp_path / "n.json").write_text(ir(name))
    run(tmp_path, "check", "n.json")
    table = run(tmp_path, "check", "n.json", "--format", "markdown").out
    assert len({line.replace("\\|", "").count("|") for line in table.splitlines()}) == 1  # as many cells in each row
    assert json.loads(run(tmp_path, "check", "n.json", "--format", "json").out)["net"] == name
    rows = list(csv.reader(io.StringIO(run(tmp_path, "check", "n.json", "--format", "csv").out)))
    assert {len(row) for row in rows} == {len(rows[0])}
    assert json.loads(run(tmp_path, "ir", "n.json").out)["name"] == name
    run(tmp_path, "export", "n.json", "-o", "made.onnx")
    run(tmp_path, "run", "n.json")


@pytest.mark.parametrize("odd", ["\x1b[31m", "\n", "\u202e", "\x9b", "\u2028", "\0"])
def test_names_of_ir_that_are_not_shown(odd: str, tmp_path: Path) -> None:
    (tmp_path / "n.json").write_text(ir(f"a{odd}"))
    outcome = netspec("check", "n.json", folder=tmp_path)
    assert sound(outcome), outcome
    assert outcome.code == 1
    said = f"n.json is not valid netspec IR: the name {'a' + odd!a} has characters that are not shown"
    assert outcome.err.splitlines()[1] == f"error[NS002]: {said}"
