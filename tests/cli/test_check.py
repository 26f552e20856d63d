"""`netspec check`: what it prints, and how it ends."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import netspec.emit.report
from netspec import cli as command
from netspec.emit.table import COLUMNS

SMALL = (Path(__file__).parent / "small.net").read_text(encoding="utf-8")
BATCH = "net C {\n  input image: [3, 224, 224]\n  c: conv 64 k=3 pad=1\n}\n"
SHARED = """
net Shared {
  input image: [8, 16, 16]
  c: conv 8 k=3 pad=1 -> reuse c
  l: repeat 3 { reuse c -> conv 8 k=1 -> relu }
  u: unit 8 -> reuse u -> unit 8
  flatten -> a: dense 2048 bias=false -> dense 2048 tie=a -> dropout 0.5
}
block unit(n) { conv n k=1 -> repeat 2 { batchnorm -> conv n k=1 } }
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, text in {"small": SMALL, "batch": BATCH, "shared": SHARED}.items():
        Path(f"{name}.net").write_text(text, encoding="utf-8")
    Path("wrong.net").write_text(SMALL.replace("k=3", "k=33"), encoding="utf-8")
    Path("sub/deeper").mkdir(parents=True)
    Path("sub/b.net").write_text(BATCH, encoding="utf-8")
    Path("sub/deeper/a.net").write_text(SMALL, encoding="utf-8")
    Path("empty").mkdir()
    return tmp_path


def check(*arguments: str, code: int = 0, stdin: str | bytes | None = None) -> Result:
    result = CliRunner().invoke(command.cli, ["check", *arguments], input=stdin)
    assert result.exit_code == code, result.output
    return result


def as_json(*arguments: str, code: int = 0) -> Any:
    return json.loads(check(*arguments, "--format", "json", code=code).stdout)


def process(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **options.pop("env", {})}
    return subprocess.run(
        [sys.executable, "-m", "netspec", *arguments],
        capture_output=True,
        text=True,
        env=environment,
        **options,
    )


# -- exit codes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["small.net"], 0),
        (["small.net:Small"], 0),
        (["small.net", "batch.net"], 0),
        (["sub"], 0),
        (["lenet5"], 0),
        (["resnet:ResNet50"], 0),
        (["small.net", "--set", "classes=3", "--set", "H=64"], 0),
        (["wrong.net"], 1),
        (["small.net", "wrong.net"], 1),
        (["."], 1),
        (["wrong.net", "none.net"], 1),
        (["small.net", "--set", "classes=0"], 1),
        (["none.net"], 2),
        (["small.net", "none.net"], 2),
        (["small.net:None"], 2),
        (["lenet55"], 2),
        (["small.net", "--set", "clases=3"], 2),
        ([], 2),
        (["empty"], 2),
        (["small.net", "--set", "classes"], 2),
        (["small.net", "--set", "=3"], 2),
        (["small.net", "--set", "1a=3"], 2),
        (["small.net", "--set", "classes="], 2),
        (["small.net", "--set", "classes=3", "--set", "classes=4"], 2),
        (["small.net", "--set", "classes=3 +"], 2),
        (["small.net", "--batch", "0"], 2),
        (["small.net", "--batch", "x"], 2),
        (["small.net", "--depth", "-1"], 2),
        (["small.net", "--columns", "none"], 2),
        (["small.net", "--format", "xml"], 2),
        (["small.net", "--none"], 2),
    ],
)
def test_exit_code(arguments: list[str], code: int) -> None:
    check(*arguments, code=code)


def test_3_is_for_mistakes_of_netspec(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def crash(*arguments: object) -> int:
        raise KeyError("an invariant")

    monkeypatch.setattr(netspec.emit.report, "check", crash)
    monkeypatch.setattr(sys, "argv", ["netspec", "check", "small.net"])
    with pytest.raises(SystemExit) as end:
        command.main()
    assert end.value.code == 3
    assert "netspec is wrong, not your spec" in capsys.readouterr().err


@pytest.mark.parametrize(("arguments", "code"), [(["small.net"], 0), (["wrong.net"], 1), (["--none"], 2)])
def test_exit_code_of_the_process(arguments: list[str], code: int) -> None:
    assert process("check", *arguments).returncode == code


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["export", "-o", "a.onnx"], "give a FILE"),
        (["export", "a.net", "--symbolic", "b.net", "-o", "a.onnx"], "give one FILE, not b.net and a.net"),
        (["verify"], "give a FILE, or `netspec specs` for the bundled ones"),
        (["fmt"], "give a FILE, a folder, or - for standard input"),
    ],
)
def test_a_file_is_missing(arguments: list[str], told: str) -> None:
    result = CliRunner().invoke(command.cli, arguments)
    assert result.exit_code == 2
    assert result.stderr.endswith(f"Error: {told}\n")


def test_version_and_help() -> None:
    assert process("--version").stdout.strip().endswith(netspec.__version__)
    assert "FILE[:NET]" in process("check", "-h").stdout


# -- the table ----------------------------------------------------------------------------------------


def test_table() -> None:
    assert check("small.net").stdout == (Path(__file__).parent / "small.txt").read_text(encoding="utf-8")


def test_depth_hides_what_is_deeper() -> None:
    shown = [line.split()[0] for line in check("small.net", "--depth", "0").stdout.split("\n\n")[1].splitlines()]
    assert shown == ["layer", shown[1], "image", "stem", "body", "down", "head", shown[1], "total"]
    assert len(check("small.net", "--depth", "1").stdout) < len(check("small.net").stdout)
    assert check("small.net", "--depth", "9").stdout == check("small.net").stdout


def test_columns() -> None:
    (head,) = [
        s for s in check("small.net", "--columns", "adds, Path ,params").stdout.splitlines() if s.startswith("layer")
    ]
    assert head.split() == ["layer", "adds", "path", "params"]
    (head,) = [s for s in check("small.net", "--columns", "all").stdout.splitlines() if s.startswith("layer")]
    assert [column.title in head for column in COLUMNS.values()] == [True] * len(COLUMNS)
    assert [line.split()[0] for line in check("--columns", "help", "small.net").stdout.splitlines()] == list(COLUMNS)


def test_a_wrong_column_is_named_with_the_right_ones() -> None:
    assert "no column 'mac'; columns are output, params" in check("small.net", "--columns", "mac", code=2).stderr


def test_symbolic_sizes_give_formulas() -> None:
    shown = check("small.net", "--symbolic").stdout
    assert "[16, H, W]" in shown
    assert "432*H*W" in shown


def test_mistakes_go_to_the_other_stream_and_unknown_figures_are_marked() -> None:
    result = check("wrong.net", code=1)
    assert "error[NS401]" not in result.stdout
    assert "error[NS401]" in result.stderr
    assert result.stderr.rstrip().endswith("errors") or result.stderr.rstrip().endswith("1 error")
    assert "hold" not in result.stdout


# -- several files ------------------------------------------------------------------------------------


def test_several_files_have_a_line_each() -> None:
    lines = check("small.net", "batch.net", "sub").stdout.splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [
        ["Small", "small.net"], ["C", "batch.net"], ["C", os.path.join("sub", "b.net")],
        ["Small", os.path.join("sub", "deeper", "a.net")],
    ]  # fmt: skip
    assert all(line.endswith("  ok") for line in lines[1:])


def test_a_wrong_file_among_others_is_told_with_its_place() -> None:
    result = check("small.net", "wrong.net", "none.net", code=1)
    assert result.stdout.splitlines()[1].endswith("  ok")
    assert "--> wrong.net:" in result.stderr
    assert "cannot read none.net" in result.stderr


def test_all_nets_of_a_file() -> None:
    Path("two.net").write_text(
        SMALL + "net Tiny = Small classes=2\nnet Needs(n) { input x: [n]\n relu }\n", encoding="utf-8"
    )
    assert [line.split()[0] for line in check("two.net").stdout.splitlines()[1:]] == ["Small", "Tiny"]
    assert check("two.net:Tiny").stdout.startswith("Tiny  two.net\n")
    assert check("two.net:Needs", "--set", "n=3").stdout.startswith("Needs  two.net\n")
    assert "`Needs` needs a value for `n`" in check("two.net:Needs", code=2).stderr


def test_standard_input() -> None:
    assert check("-", stdin=SMALL).stdout == check("small.net").stdout.replace("small.net", "<stdin>")
    assert check("--", "-:Small", stdin="\ufeff" + SMALL.replace("\n", "\r\n")).stdout == check("-", stdin=SMALL).stdout


def test_a_bundled_spec_from_any_folder(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    assert check("lenet5").stdout.startswith("LeNet5  ")
    Path("lenet5").mkdir()  # a folder of that name comes first
    check("lenet5", code=2)
    monkeypatch.chdir(folder / "empty")
    assert check("resnet:ResNet18").stdout.startswith("ResNet18  ")


def test_ir_is_checked_as_its_text_is() -> None:
    printed = CliRunner().invoke(command.cli, ["ir", "small.net"])
    assert printed.exit_code == 0
    Path("small.json").write_text(printed.stdout, encoding="utf-8")
    from_ir, from_text = as_json("small.json"), as_json("small.net")
    for found in (from_ir, from_text):
        del found["file"]
        for layer in found["layers"]:
            del layer["line"]
    assert from_ir == from_text
    table = check("small.json").stdout
    assert table.splitlines()[2:31] == check("small.net").stdout.splitlines()[2:31]


def test_ir_of_a_wrong_spec() -> None:
    result = CliRunner().invoke(command.cli, ["ir", "wrong.net"])
    assert (result.exit_code, result.stdout) == (1, "")
    assert "error[NS401]" in result.stderr
    assert CliRunner().invoke(command.cli, ["ir"]).exit_code == 2
    schema = json.loads(CliRunner().invoke(command.cli, ["ir", "--schema"]).stdout)
    assert schema["title"] == "Network"


# -- for programs -------------------------------------------------------------------------------------

FIGURES = ["params", "active_params", "macs", "mults", "adds", "flops", "connections"]
NET_KEYS = [
    "net", "file", "batch", "dtype", "inputs", "outputs", "params", "trainable_params", "active_params",
    "macs", "mults", "adds", "flops", "connections", "weight_bytes", "activation_bytes", "kv_cache_per_token",
    "kv_cache_bytes", "peak_activation_bytes", "sizes", "layers", "diagnostics",
]  # fmt: skip
LAYER_KEYS = [
    "path",
    "layer",
    "repeat",
    "line",
    "output",
    *FIGURES,
    "receptive_field",
    "weights",
    "not_trained",
]
PLACE_KEYS = ["file", "line", "column", "end_line", "end_column"]
DIAGNOSTIC_KEYS = ["code", "severity", "message", *PLACE_KEYS, "label", "notes", "help", "related"]


def test_json_keys() -> None:
    found = as_json("small.net")
    assert list(found) == NET_KEYS
    assert {tuple(layer) for layer in found["layers"]} == {tuple(LAYER_KEYS)}
    assert found["inputs"] == [{"name": "image", "dtype": "float32", "shape": [3, 32, 32]}]
    assert found["outputs"] == [{"name": "head", "dtype": "float32", "shape": [10]}]


def test_json_of_a_layer() -> None:
    (found,) = [layer for layer in as_json("small.net")["layers"] if layer["path"] == "body.0.conv1"]
    assert found == {
        "path": "body.0.conv1", "layer": "conv", "repeat": 4, "line": 1, "output": [16, 32, 32],
        "params": 2304, "active_params": 2304, "macs": 2359296, "mults": 2359296, "adds": 2342912, "flops": 4702208,
        "connections": 2359296,
        "receptive_field": {"image": {"size": [5, 5], "stride": [1, 1], "start": [-2, -2]}},
        "weights": {"weight": [16, 16, 3, 3]}, "not_trained": [],
    }  # fmt: skip


@pytest.mark.parametrize("batch", [1, 7])
@pytest.mark.parametrize(
    "target", ["small.net", "shared.net", "batch.net", "lenet5", "resnet:ResNet50", "googlenet:GoogLeNet"]
)
def test_sums_over_layers_are_the_totals(target: str, batch: int) -> None:
    found = as_json(target, "--batch", str(batch))
    for figure in FIGURES:
        assert sum(layer[figure] * layer["repeat"] for layer in found["layers"]) == found[figure], figure


def test_json_of_a_wrong_spec() -> None:
    found = as_json("wrong.net", code=1)
    assert list(found) == NET_KEYS
    assert found["params"] is None
    assert found["layers"][0]["output"] == [16, 2, 2]
    first = found["diagnostics"][0]
    assert list(first) == DIAGNOSTIC_KEYS
    assert (first["code"], first["severity"], first["line"], first["column"]) == ("NS401", "error", 5, 38)


def test_json_of_a_file_that_cannot_be_read() -> None:
    found = as_json("none.net", code=2)
    assert (found["net"], found["file"]) == (None, "none.net")
    assert [d["code"] for d in found["diagnostics"]] == ["NS001"]


def test_json_of_several_nets_is_a_list() -> None:
    assert [found["net"] for found in as_json("small.net", "batch.net")] == ["Small", "C"]


def test_json_of_a_symbolic_size_is_a_text() -> None:
    Path("symbolic.net").write_text("net S { input x: [3, H, W]\n c: conv 4 k=3 stride=2 }", encoding="utf-8")
    found = as_json("symbolic.net")
    assert found["inputs"][0]["shape"] == [3, "H", "W"]
    assert found["layers"][0]["output"] == [4, "(H + 1) // 2 - 1", "(W + 1) // 2 - 1"]
    assert isinstance(found["macs"], str)
    assert as_json("symbolic.net", "--set", "H=5", "--set", "W=7")["layers"][0]["output"] == [4, 2, 3]


def test_csv() -> None:
    rows = list(
        csv.DictReader(io.StringIO(check("small.net", "--format", "csv", "--columns", "params,macs,output").stdout))
    )
    by_path = {row["path"]: row for row in rows}
    assert by_path["body.0.conv1"] == {
        "path": "body.0.conv1", "kind": "layer", "layer": "conv 16 k=3 pad=1 bias=false", "repeat": "4",
        "params": "2304", "macs": "2359296", "output": "[16, 32, 32]",
    }  # fmt: skip
    assert (by_path["total"]["params"], by_path["total"]["macs"]) == ("33674", "19317376")


def test_markdown() -> None:
    lines = check("small.net", "--format", "markdown", "--depth", "0").stdout.splitlines()
    assert lines[:3] == [
        "| path | layer | repeat | output | params | MACs |",
        "| --- | --- | ---: | --- | ---: | ---: |",
        "| stem | conv 16 k=3 pad=1 | 1 | [16, 32, 32] | 448 | 442,368 |",
    ]
    assert lines[-1] == "| total | Small | 1 |  | 33,674 | 19,317,376 |"


def test_the_exercise_of_ten_images() -> None:
    found = as_json("batch.net", "--batch", "10")
    assert (found["mults"], found["adds"]) == (867_041_280, 867_041_280)
    assert check("batch.net", "--batch", "10", "--columns", "mults,adds").stdout.count("867,041,280") >= 4
    one = as_json("batch.net")
    assert (found["params"], found["weight_bytes"]) == (one["params"], one["weight_bytes"])
    assert found["activation_bytes"] == 10 * one["activation_bytes"]


def test_every_form_counts_the_batch() -> None:
    """Llama 3.1 405B keeps 1,032,192 bytes of each token, 8 samples 8 times as many; weights stay."""
    chosen = ("llama:Llama405B", "--batch", "8", "--columns", "params,kv_cache_per_token,kv_cache_bytes")
    params, each, all_of_it = 405_853_388_800, 8 * 1_032_192, 8 * 1_032_192 * 2048
    shown = check(*chosen).stdout.splitlines()
    assert shown[2].split("  ")[-3:] == ["params", "KV cache per token", "KV cache bytes"]
    assert next(line for line in shown if line.startswith("total")).split() == [
        "total", f"{params:,}", f"{each:,}", f"{all_of_it:,}"
    ]  # fmt: skip
    assert "KV cache     15.8 GiB of keys and values at this length; each token takes 7.9 MiB" in shown
    assert any(line.startswith("Counted for a batch of 8 samples. ") for line in shown)
    markdown = check(*chosen, "--format", "markdown").stdout.splitlines()[-1]
    assert markdown == f"| total | Llama405B | 1 | {params:,} | {each:,} | {all_of_it:,} |"
    csv = check(*chosen, "--format", "csv").stdout.splitlines()
    assert csv[0] == "path,kind,layer,repeat,params,kv_cache_per_token,kv_cache_bytes"
    assert csv[-1] == f"total,net,Llama405B,1,{params},{each},{all_of_it}"
    found = as_json("llama:Llama405B", "--batch", "8")
    assert (found["batch"], found["params"], found["kv_cache_per_token"], found["kv_cache_bytes"]) == (
        8, params, each, all_of_it
    )  # fmt: skip


@pytest.mark.parametrize("batch", ["0", "-1", "1000000001", "2.5"])
def test_a_batch_has_a_sample_at_least(batch: str) -> None:
    result = check("small.net", "--batch", batch, code=2)
    assert result.stdout == ""
    assert "Invalid value for '--batch'" in result.stderr
    assert batch in result.stderr


BYTES = ("weight_bytes", "activation_bytes", "peak_activation_bytes", "kv_cache_per_token", "kv_cache_bytes")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_bytes_of_another_element_type(dtype: str) -> None:
    """Whatever is alive at the peak of Llama 3.2 1B is float32: the tokens, of int64, end with the embedding."""
    chosen = ("llama:Llama3_2_1B", "--batch", "3")
    one, half = as_json(*chosen), as_json(*chosen, "--dtype", dtype)
    assert (one["dtype"], half["dtype"]) == ("float32", dtype)
    assert {name: 2 * half[name] for name in BYTES} == {name: one[name] for name in BYTES}
    assert half["kv_cache_per_token"] == 3 * 16 * 2 * 8 * 64 * 2
    assert [half[name] for name in FIGURES] == [one[name] for name in FIGURES]
    assert half["layers"] == one["layers"]
    shown = check("llama:Llama3_2_1B", "--dtype", dtype).stdout.splitlines()
    assert "parameters   1,235,814,400, all weights 2.3 GiB" in shown
    assert f"Bytes are of {dtype} where the net has float32." in shown
    assert shown[-1].endswith(" claims hold.")  # of float32
    assert "Bytes are of" not in check("llama:Llama3_2_1B", "--dtype", "float32").stdout


def test_what_is_not_float32_keeps_its_bytes() -> None:
    """Weights [8, 3, 1, 1] and 4 of 8, a counter of int64; inputs of 12 float64 and 7 float16."""
    Path("mixed.net").write_text(
        "net M {\n  input a: float64 [12]\n  input b: float16 [7]\n  input c: [3, 2, 2]\n"
        "  from a -> relu\n  from b -> relu\n  from c -> conv 8 k=1 bias=false -> batchnorm\n"
        "  assert weight_bytes == (24 + 32) * 4 + 8 and activation_bytes == 12 * 8 + 7 * 2 + 64 * 4\n}\n",
        encoding="utf-8",
    )
    found = as_json("mixed.net", "--dtype", "bfloat16")
    assert found["weight_bytes"] == (24 + 32) * 2 + 8
    assert found["activation_bytes"] == 12 * 8 + 7 * 2 + 64 * 2
    result = check("small.net", "--dtype", "int8", code=2)
    assert "'int8' is not one of 'float32', 'float16', 'bfloat16'" in result.stderr


# -- settings -----------------------------------------------------------------------------------------


def test_settings_are_expressions_with_the_names_of_the_file() -> None:
    Path("named.net").write_text("let wide = 7\n" + SMALL, encoding="utf-8")
    assert as_json("named.net", "--set", "classes=2 * wide + 1")["outputs"][0]["shape"] == [15]
    found = as_json("small.net", "--set", "H=64", "--set", "W=48")
    assert found["inputs"][0]["shape"] == [3, 64, 48]


def test_a_setting_for_several_nets() -> None:
    lines = check("small.net", "sub/deeper/a.net", "--set", "classes=3").stdout.splitlines()
    assert ["[3]" in line for line in lines[1:]] == [True, True]


# -- terminals ----------------------------------------------------------------------------------------


def test_colour() -> None:
    assert "\x1b[" not in check("wrong.net", code=1).output
    assert "\x1b[1;31merror[NS401]\x1b[0m" in check("wrong.net", "--color", "always", code=1).stderr
    assert "\x1b[" in check("small.net", "--color", "always").stdout
    assert "\x1b[" not in check("small.net", "--color", "never").stdout


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
@pytest.mark.parametrize(("settings", "colored"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_colour_on_a_terminal(settings: dict[str, str], colored: bool) -> None:
    import pty

    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", **settings}
    done = subprocess.Popen(
        [sys.executable, "-m", "netspec", "check", "batch.net"], stdout=theirs, stderr=theirs, env=environment
    )
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 4096):
            shown += piece
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    assert done.wait() == 0
    assert (b"\x1b[" in shown) is colored


@pytest.mark.skipif(sys.platform == "win32", reason="no such pipes")
def test_a_closed_pipe_is_no_crash() -> None:
    Path("long.net").write_text("net L { input x: [8]\n" + "dense 8\n" * 20_000 + "}", encoding="utf-8")
    program = f"{sys.executable} -m netspec check long.net --format csv | head -n 1"
    done = subprocess.run(["bash", "-c", program], capture_output=True, text=True)
    assert done.stdout == "path,kind,layer,repeat,output,params,macs\n"
    assert done.stderr == ""


def test_hostile_text_commands_no_terminal() -> None:
    Path("hostile.net").write_text('net H { input x: [8]\n relu # \x1b[31m\n "\x1b[2J": relu }', encoding="utf-8")
    assert "\x1b" not in check("hostile.net", code=1).output


def test_specs() -> None:
    result = CliRunner().invoke(command.cli, ["specs"])
    assert result.exit_code == 0
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("LeNet5 ")]
    assert "60,000" in line
