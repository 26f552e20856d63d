"""What netspec says to a wrong spec: the whole text, compared with the .err file beside the .net file.

`pytest tests/errors --rewrite-errors` writes the .err files anew. Files that a case uses are in `parts/`.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from netspec import problems
from netspec.cli import cli
from netspec.diagnostics import Problem

HERE = Path(__file__).parent
CASES = sorted(HERE.glob("*/*.net"))

# Problems that no .net file has: the module that tests their text instead.
ELSEWHERE = {
    "NS001": "test_error_texts_direct: the file cannot be read",
    "NS002": "test_error_texts_direct: IR in JSON",
    "NS003": "test_error_texts_direct: a listing of a million layers",
    "NS004": "test_error_texts_direct: nesting made by a program",
    "NS005": "test_error_texts_direct: bytes that are not text",
    "NS513": "test_error_texts_direct: formulas longer than any layer of the catalogue makes",
    "NS217": "test_error_texts_direct: a value on the command line",
    "NS220": "tests/symbolic/test_parameters.py: a name on the command line",
    "NS221": "tests/symbolic/test_parameters.py: likewise",
    "NS603": "tests/explain and tests/symbolic: only codegen tells it",
    "NS601": "tests/explain and tests/torch: only codegen tells it",
    "NS602": "tests/explain and tests/torch: only codegen tells it",
    "NS604": "tests/explain and tests/torch: only codegen tells it",
    "NS801": "tests/weights/test_weight_errors: a file of weights",
    "NS802": "tests/weights/test_weight_errors: a file of weights",
    "NS803": "tests/weights/test_weight_errors: a file of weights",
    "NS804": "tests/weights/test_weight_errors: a file of weights",
    "NS805": "tests/weights/test_weight_errors: a file of weights",
    "NS806": "tests/weights/test_weight_errors: a file of weights",
    "NS807": "tests/weights/test_weight_errors: a file of weights",
    "NS808": "tests/weights/test_weight_errors: a file of weights",
    "NS809": "tests/weights/test_weight_errors: a file of weights",
    "NS701": "tests/onnx/test_export.py: only export tells it",
    "NS702": "tests/onnx/test_export.py: only what writes weights tells it",
    "NS703": "tests/onnx/test_export.py: likewise",
    "NS704": "tests/onnx/test_export.py: only export tells it",
    "NS706": "tests/symbolic/test_parameters.py: only what makes a net tells it",
    "NS705": "tests/onnx/test_recurrent_onnx.py: only export tells it",
    "NS509": "test_error_texts_direct: a net chosen on the command line",
}


def name_of(case: Path) -> str:
    return str(case.relative_to(HERE).with_suffix(""))


def every_problem() -> dict[str, type[Problem]]:
    found = {}
    for module in pkgutil.iter_modules(problems.__path__):
        for value in vars(importlib.import_module(f"netspec.problems.{module.name}")).values():
            if isinstance(value, type) and issubclass(value, Problem) and value is not Problem:
                assert found.setdefault(value.code, value) is value, f"{value.code} stands for two problems"
    return found


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_text(case: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.chdir(case.parent)
    result = CliRunner().invoke(cli, ["check", case.name])
    expected = case.with_suffix(".err")
    if request.config.getoption("--rewrite-errors"):
        expected.write_text(result.stderr, encoding="utf-8")
    assert result.stderr == expected.read_text(encoding="utf-8")
    assert (result.exit_code in (1, 2)) == ("error[" in result.stderr), result.output
    assert re.search(r"^(error|warning)\[", result.stderr, re.MULTILINE)


def test_every_problem_has_a_case() -> None:
    told = set()
    for expected in HERE.glob("*/*.err"):
        told |= set(
            re.findall(r"^(?:error|warning)\[((?:NS|W)\d+)\]", expected.read_text(encoding="utf-8"), re.MULTILINE)
        )
    assert told | set(ELSEWHERE) == set(every_problem())
    assert not told & set(ELSEWHERE)


def test_no_text_is_left_over() -> None:
    assert {e.with_suffix(".net") for e in HERE.glob("*/*.err")} == set(CASES)
