"""The whole text of the errors that no .net file has by itself: files, JSON, the command line, limits."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from click.testing import CliRunner, Result

import netspec
from netspec import limits
from netspec.cli import cli

NET = """
net Small(classes = 10) {
  input image: [3, H=32, W=32]
  conv 8 k=3
  flatten
  dense classes
}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("small.net").write_text(NET, encoding="utf-8")
    return tmp_path


def check(*arguments: str, stdin: str | None = None) -> Result:
    result = CliRunner().invoke(cli, ["check", *arguments], input=stdin)
    assert result.exit_code in (1, 2), result.output
    return result


def text(expected: str) -> str:
    return "\n" + dedent(expected).strip("\n") + "\n"


def test_a_file_that_does_not_exist() -> None:
    assert check("smal.net").stderr == text(
        """
        error[NS001]: cannot read smal.net: no such file or directory
          = help: `netspec specs` lists the bundled specs

        1 error
        """
    )


def test_a_file_that_is_not_text() -> None:
    Path("image.net").write_bytes(b"net A\xff\xfe")
    assert check("image.net").stderr == text(
        """
        error[NS005]: image.net is not a spec: byte 5 is not UTF-8
          = help: save it as UTF-8 text

        1 error
        """
    )


def test_a_file_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SOURCE_BYTES", 1 << 20)
    Path("large.net").write_text("#" * ((1 << 20) + 1), encoding="utf-8")
    assert check("large.net").stderr == text(
        """
        error[NS005]: large.net is not a spec: it is too large
          = help: a spec has at most 1 MiB

        1 error
        """
    )


@pytest.mark.parametrize(
    ("ir", "reason"),
    [
        ("{", "Invalid JSON: EOF while parsing an object at line 1 column 1"),
        ('{"format": "netspec-ir-1"}', "name: Field required"),
        ('{"format": "netspec-ir-2", "name": "A", "inputs": [], "modules": []}',
         "format: Input should be 'netspec-ir-1'"),
        ('{"format": "netspec-ir-1", "name": "A", "inputs": [], "modules": []}', "there are no modules"),
    ],
)  # fmt: skip
def test_ir_that_is_not_ir(ir: str, reason: str) -> None:
    Path("net.json").write_text(ir, encoding="utf-8")
    assert check("net.json").stderr == text(
        f"""
        error[NS002]: net.json is not valid netspec IR: {reason}
          = help: `netspec ir FILE` writes it, `netspec ir --schema` describes it

        1 error
        """
    )


def test_a_listing_that_is_too_long() -> None:
    doubled = "".join(f"block b{n + 1} {{ b{n} -> b{n} }}\n" for n in range(18))
    Path("long.net").write_text("block b0 { relu }\n" + doubled + "net Long { input x: [8]\n b18 }", encoding="utf-8")
    (found,) = json.loads(check("long.net", "--format", "json").stdout)["diagnostics"]
    assert found["code"] == "NS003"
    assert found["message"] == "`Long` has too many layers to list: 786,431"
    assert found["help"] == "list groups instead, in a table or as CSV, with `--depth 2`"


def test_an_expression_that_is_nested_too_deeply() -> None:
    Path("deep.net").write_text(
        f"let n = {'- ' * (5 * sys.getrecursionlimit())}1\n{NET.replace('10', 'n')}", encoding="utf-8"
    )
    assert check("deep.net").stderr == text(
        """
        error[NS004]: deep.net is nested too deeply
          = help: break long expressions and deep bodies into `let`s and `block`s

        1 error
        """
    )


def test_a_setting_that_does_not_exist() -> None:
    assert check("small.net", "--set", "clases=5").stderr == text(
        """
        error[NS217]: `Small` has no parameter or symbol `clases`
          = help: did you mean `classes`?

        1 error
        """
    )


def test_a_setting_that_is_no_size() -> None:
    assert check("small.net", "--set", "H=0").stderr == text(
        """
        error[NS210]: this needs a size, a whole number above 0
         --> small.net:3:20
          |
        3 |   input image: [3, H=32, W=32]
          |                    ^ this is the number 0
          |
          = help: shapes have no batch: an RGB image is `[3, 224, 224]`

        1 error
        """
    )


def test_a_setting_that_cannot_be_computed() -> None:
    assert check("small.net", "--set", "classes=1 // 0").stderr == text(
        """
        error[NS212]: this cannot be computed
         --> --set classes:1:6
          |
        1 | 1 // 0
          |      ^ division by zero
          |
          = help: 1 // 0 has no value

        1 error
        """
    )


def test_a_net_that_does_not_exist() -> None:
    assert check("small.net:Smal").stderr == text(
        """
        error[NS509]: small.net has no net `Smal`
          = help: did you mean `Small`?

        1 error
        """
    )


def test_several_nets_to_choose_from() -> None:
    with pytest.raises(netspec.SpecError) as caught:
        netspec.loads(NET + "net Other { input x: [3]\n relu }")
    assert str(caught.value) == text(
        """
        error[NS508]: <text> has no net to check
          = help: choose one of: Small, Other
        """
    ).rstrip("\n")


def test_a_file_beside_standard_input() -> None:
    assert check("-", stdin='use "small.net"\n').stderr.startswith(
        '\nerror[NS507]: cannot use "small.net"\n --> <stdin>:1:5\n'
    )


def test_a_size_that_is_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("long.net").write_text("net Long { input x: [H, W]\n flatten\n reshape (1, -1) }", encoding="utf-8")
    monkeypatch.setattr(limits, "TERMS", 2)
    assert check("long.net").stderr == text("""
        error[NS513]: a size has too many terms
         --> long.net:2:2
          |
        2 |  flatten
          |  ^^^^^^^ more than 5,000 terms when written out, or 200 in a quotient
          |
          = help: give symbols values with `--set`, or `H=224` in the input

        1 error
    """)


def test_more_nets_than_are_checked_at_once() -> None:
    nets = "".join(f"net N{n} {{ input x: [3]\n relu }}\n" for n in range(limits.NETS + 1))
    Path("many.net").write_text(nets, encoding="utf-8")
    assert check("many.net").stderr == text(
        """
        error[NS005]: many.net is not a spec: it has 201 nets, of which 200 can be checked at once
          = help: choose one: `many.net:N0`

        1 error
        """
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["codegen", "small.json"], "small.json is IR: code is written from a .net file"),
        (["codegen", "small.net", "-o", "new.net"], "new.net would be a spec: choose another name, such as model.py"),
        (["codegen", "small.net", "-o", "none/a.py"], "cannot write none/a.py: no such file or directory"),
    ],
)
def test_what_no_code_is_written_for(arguments: list[str], told: str) -> None:
    Path("small.json").write_text(netspec.load("small.net").ir.model_dump_json(), encoding="utf-8")
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code in (1, 2)
    assert result.stderr.endswith(f"Error: {told}\n")
    assert not Path("new.net").exists()


def test_another_net_than_that_of_ir() -> None:
    Path("small.json").write_text(netspec.load("small.net").ir.model_dump_json(), encoding="utf-8")
    assert check("small.json:Large").stderr == text(
        """
        error[NS509]: small.json has no net `Large`
          = help: nets: Small

        1 error
        """
    )
