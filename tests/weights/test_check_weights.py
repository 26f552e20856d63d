"""`netspec check --weights`: what it prints, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from weight_files import safetensors

from netspec.cli import cli

NET = "net Small {\n  input x: [16]\n  fc: dense 2\n}\n"
FITTING = {"fc.weight": [2, 16], "fc.bias": [2]}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("small.net").write_text(NET, encoding="utf-8")
    Path("two.net").write_text(NET + NET.replace("Small", "Other"), encoding="utf-8")


def check(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(cli, ["check", *arguments], prog_name="netspec")
    assert result.exit_code == code, result.output
    return result


def test_all_fit() -> None:
    safetensors(FITTING)
    lines = check("small.net", "--weights", "w.safetensors").stdout.splitlines()
    assert lines[0] == "Small  small.net"
    assert lines[-1] == "All 2 tensors of w.safetensors fit."


@pytest.mark.parametrize(
    ("body", "tensors", "said"),
    [
        ("dense 2 bias=false", {"dense1.weight": [2, 16]}, "The tensor of w.safetensors fits."),
        ("relu", {}, "All 0 tensors of w.safetensors fit."),
        ("batchnorm track=false", {"batchnorm1.weight": [16], "batchnorm1.bias": [16]}, "All 2 tensors of w"),
    ],
)  # fmt: skip
def test_how_many_fit(body: str, tensors: dict[str, list[int]], said: str) -> None:
    Path("a.net").write_text(f"net A {{\n  input x: [16]\n  {body}\n}}\n", encoding="utf-8")
    safetensors(tensors)
    assert check("a.net", "--weights", "w.safetensors").stdout.splitlines()[-1].startswith(said)


def test_the_table_is_printed_also_where_nothing_fits() -> None:
    safetensors({})
    result = check("small.net", "--weights", "w.safetensors", code=1)
    assert "dense 2" in result.stdout
    assert " fit" not in result.stdout
    assert result.stderr.count("error[") == 1


def test_a_wrong_spec_is_told_alone() -> None:
    Path("wrong.net").write_text(NET.replace("dense 2", "dense 0"), encoding="utf-8")
    result = check("wrong.net", "--weights", "missing.safetensors", code=1)
    assert result.stderr.count("error[") == 1


def test_one_net() -> None:
    safetensors(FITTING)
    for targets in (["two.net"], ["small.net", "two.net:Other"], ["."]):
        result = check(*targets, "--weights", "w.safetensors", code=2)
        assert "--weights takes one net: choose one of " in result.stderr
    assert "choose one of two.net:Small, two.net:Other" in check("two.net", "--weights", "w.safetensors", code=2).stderr
    assert "fit." in check("two.net:Other", "--weights", "w.safetensors").stdout


def test_a_rename_without_a_file() -> None:
    result = check("small.net", "--rename", "a=b", code=2)
    assert "--rename renames the tensors of a file: give --weights FILE" in result.stderr


def test_a_wrong_rename() -> None:
    safetensors(FITTING)
    result = check("small.net", "--weights", "w.safetensors", "--rename", "(a=b", code=2)
    assert result.stderr.endswith("Error: --rename: missing ), unterminated subpattern\n  (a=b\n  ^\n")


def test_json() -> None:
    safetensors(FITTING)
    fitting = json.loads(check("small.net", "--weights", "w.safetensors", "--format", "json").stdout)
    assert fitting["weights"] == {"file": "w.safetensors", "tensors": 2}
    assert fitting["diagnostics"] == []
    assert "weights" not in json.loads(check("small.net", "--format", "json").stdout)
    safetensors({"fc.weight": [2, 16]})
    wrong = json.loads(check("small.net", "--weights", "w.safetensors", "--format", "json", code=1).stdout)
    assert "weights" not in wrong
    (diagnostic,) = wrong["diagnostics"]
    assert (diagnostic["code"], diagnostic["file"], diagnostic["line"]) == ("NS805", "small.net", 3)


def test_sarif_and_github() -> None:
    safetensors({"fc.weight": [2, 16], "x": []})
    document = json.loads(check("small.net", "--weights", "w.safetensors", "--diagnostics", "sarif", code=1).stdout)
    assert [result["ruleId"] for result in document["runs"][0]["results"]] == ["NS805", "NS806"]
    said = check("small.net", "--weights", "w.safetensors", "--diagnostics", "github", code=1).stdout
    assert said.startswith("::error file=small.net,line=3,")


def test_markdown_stays_markdown() -> None:
    safetensors(FITTING)
    assert " fit" not in check("small.net", "--weights", "w.safetensors", "--format", "markdown").stdout
