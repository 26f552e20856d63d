"""What is not a spec's text: files, streams, arguments, JSON, signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from limited import Outcome, netspec, sound

SMALL = "net Small(n = 3) {\n  input x: [8]\n  dense n\n}\n"
WRONG = SMALL.replace("dense n", "dens n")


def run(folder: Path, *arguments: str | bytes, code: int = 0, **options: Any) -> Outcome:
    outcome = netspec("check", *arguments, folder=folder, **options)
    assert sound(outcome), outcome
    assert outcome.code == code, outcome
    return outcome


# -- files --------------------------------------------------------------------------------------------


def test_a_folder_with_the_name_of_a_spec(tmp_path: Path) -> None:
    (tmp_path / "x.net").mkdir()
    assert "there is no .net file in x.net" in run(tmp_path, "x.net", code=2).err


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "x.net").symlink_to("x.net")
    assert "cannot read x.net" in run(tmp_path, "x.net", code=2).err


def test_a_file_without_end(tmp_path: Path) -> None:
    assert "it is too large" in run(tmp_path, "/dev/zero", code=1).err


def test_pipes_in_a_folder_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.net")
    (tmp_path / "b.net").write_text(SMALL)
    (tmp_path / "c.net").write_text('use "a.net"\n' + SMALL)
    assert "it is not a file" in run(tmp_path, ".", code=1).err


@pytest.mark.parametrize("form", ["text", "concise", "json", "github", "sarif"])
def test_a_name_that_commands_a_terminal(form: str, tmp_path: Path) -> None:
    name = b"a\n\x1b[31m\xc2\x9b\xff:,%.net"
    (tmp_path / os.fsdecode(name)).write_text(WRONG)
    outcome = run(tmp_path, name, "--diagnostics", form, code=1)
    assert not {c for c in outcome.out + outcome.err if ord(c) < 32 or 127 <= ord(c) < 160} - {"\n"}


def test_many_files(tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / f"f{number}.net").write_text(WRONG if number % 3 else SMALL)
    assert run(tmp_path, ".", code=1).err.endswith("\n200 errors in 200 files\n")


# -- arguments ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    ["(" * 20_000, "-" * 20_000 + "1", "9" * 10_000, "1 / 0", "2 ** 10 ** 10", '"{1}"', "\x1b", b"\xff", "n",
     "(" + "1," * 20_000 + ")"],
    ids=range(10),
)  # fmt: skip
def test_hostile_settings(value: str | bytes, tmp_path: Path) -> None:
    (tmp_path / "x.net").write_text(SMALL)
    outcome = netspec("check", "x.net", "--set", b"n=" + os.fsencode(value), folder=tmp_path)
    assert sound(outcome), outcome
    assert outcome.code in (1, 2)


def test_extreme_numbers(tmp_path: Path) -> None:
    (tmp_path / "x.net").write_text(SMALL)
    run(tmp_path, "x.net", "--batch", "1000000000", "--depth", "1000")
    run(tmp_path, "x.net", "--batch", "1000000001", code=2)
    run(tmp_path, "x.net", "--depth", "9" * 4000, code=2)


@pytest.mark.parametrize(
    "env",
    [{"TERM": ""}, {"TERM": "\x1b", "COLUMNS": "-5"}, {"COLUMNS": "9" * 100}, {"COLUMNS": "x", "LINES": "0"},
     {"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "LANG": "C"}, {"HOME": "/dev/null", "XDG_CACHE_HOME": "/dev/null"}],
    ids=str,
)  # fmt: skip
def test_odd_surroundings(env: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "\xe9.net").write_text(SMALL)
    run(tmp_path, "\xe9.net", env=env)


# -- streams and signals ------------------------------------------------------------------------------


def test_a_full_device(tmp_path: Path) -> None:
    (tmp_path / "x.net").write_text(SMALL)
    assert run(tmp_path, "x.net", stdout="/dev/full", code=2).err == "netspec cannot go on: no space left on device\n"


def test_an_interrupted_check(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.net")
    process = subprocess.Popen(
        [sys.executable, "-m", "netspec", "check", "x.net"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    with (tmp_path / "x.net").open("wb"):  # which waits until the check has opened it too
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (128 + signal.SIGINT, b"", b"\ninterrupted\n")


def test_standard_input_without_end(tmp_path: Path) -> None:
    (tmp_path / "x.net").write_bytes(b"")
    assert "too long" in run(tmp_path, "-", stdin=b"# a\n" * 1_000_000, code=1).err


# -- IR -----------------------------------------------------------------------------------------------


def ir(**changes: Any) -> dict[str, Any]:
    node = {"kind": "layer", "name": "a", "layer": {"layer": "relu"}, "inputs": ["x"]}
    module = {"name": "N", "title": "", "inputs": ["x"], "nodes": [node], "outputs": {"": "a"}}
    inputs = [{"name": "x", "type": {"shape": [8], "dtype": "float32"}}]
    return {"format": "netspec-ir-1", "name": "N", "inputs": inputs, "modules": [module], **changes}


def module(name: str, *nodes: dict[str, Any], inputs: list[str] | None = None) -> dict[str, Any]:
    last = nodes[-1]["name"] if nodes else "x"
    return {"name": name, "title": "", "inputs": inputs or ["x"], "nodes": list(nodes), "outputs": {"": last}}


def call(name: str, of: str, given: str = "x") -> dict[str, Any]:
    return {"kind": "call", "name": name, "module": of, "inputs": [given]}


def repeat(name: str, of: str, times: int) -> dict[str, Any]:
    return {"kind": "repeat", "name": name, "runs": [{"module": of, "times": times}], "inputs": ["x"]}


RELU = {"kind": "layer", "name": "a", "layer": {"layer": "relu"}, "inputs": ["x"]}
IR: dict[str, Any] = {
    "deep lists": '{"format": ' + "[" * 100_000 + "]" * 100_000 + "}",
    "deep objects": '{"a": ' * 100_000 + "1" + "}" * 100_000,
    "an argument nested deeply": json.dumps(ir()).replace('"relu"', '"reshape", "shape": ' + "[" * 900 + "]" * 900),
    "large numbers": json.dumps(ir()).replace("[8]", f"[{'9' * 5000}]"),
    "a large exponent": json.dumps(ir()).replace("[8]", "[1e999]"),
    "no number": json.dumps(ir()).replace("[8]", "[NaN]"),
    "repeated keys": json.dumps(ir()).replace('"name": "N"', '"name": "N", "name": "M"', 1),
    "a list as the net": json.dumps(ir(modules={})),
    "a number as a name": json.dumps(ir(name=3)),
    "no modules": json.dumps(ir(modules=[])),
    "names with line ends": json.dumps(ir(name="N\n\x1b[31m")),
    "modules with line ends": json.dumps(ir(modules=[module("a\n\x1b[2J", {**RELU, "name": "b\n\x1b[2J"})])),
    "a module that uses itself": json.dumps(ir(modules=[module("N", call("a", "N"))])),
    "modules that use each other": json.dumps(ir(modules=[module("A", call("a", "N")), module("N", call("a", "A"))])),
    "modules of one name": json.dumps(ir(modules=[module("N", RELU), module("N", call("a", "N"))])),
    "nodes of one name": json.dumps(ir(modules=[module("N", RELU, RELU)])),
    "doubling modules": json.dumps(
        ir(modules=[
            module("m0", RELU), *(module(f"m{i + 1}", call("a", f"m{i}"), call("b", f"m{i}", "a")) for i in range(200))
        ])
    ),
    "long repeats": json.dumps(
        ir(modules=[module("m0", RELU), *(module(f"m{i + 1}", repeat("a", f"m{i}", 10**18)) for i in range(2000))])
    ),
    "a chain of modules": json.dumps(
        ir(modules=[module("m0", RELU), *(module(f"m{i + 1}", call("a", f"m{i}")) for i in range(5000))])
    ),
    "a size nested deeply": json.dumps(ir()).replace("[8]", json.dumps(["(" * 5000 + "H" + ")" * 5000])),
    "a long size": json.dumps(ir()).replace("[8]", json.dumps(["*".join(f"(A{i} + 1)" for i in range(40))])),
    "weights that lead up": json.dumps(ir(modules=[module("N", {**RELU, "shares": "../" * 100_000 + "a"})])),
    "many layers": json.dumps(
        ir(modules=[module("N", *({**RELU, "name": f"a{i}"} for i in range(50_000)))])
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", IR)
def test_hostile_ir(name: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(IR[name])
    outcome = netspec("check", "x.json", "--depth", "1", folder=tmp_path)
    assert sound(outcome), (outcome._replace(out=outcome.out[:500]), outcome.err[-2000:])
