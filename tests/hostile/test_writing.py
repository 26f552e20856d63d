"""Files that are written: whole or not at all, whatever ends the program, with their permissions and links."""

from __future__ import annotations

import os
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from netspec.emit.writing import replacing, replacing_all

NET = "net N {\n  input x: [64]\n  dense 4000\n  dense 64\n}\n"
UGLY = NET.replace("  dense", " dense  ")
BEFORE = b"what was there before"

# Each command that writes, and the files that it writes.
COMMANDS = {
    "fmt": (["fmt", "x.net"], ["x.net"]),
    "codegen": (["codegen", "n.net", "-o", "n.py"], ["n.py"]),
    "export": (["export", "n.net", "-o", "n.onnx"], ["n.onnx"]),
    "export in two files": (["export", "n.net", "-o", "n.onnx", "--external-data"], ["n.onnx", "n.onnx.data"]),
    "init safetensors": (["init", "n.net", "-o", "n.safetensors"], ["n.safetensors"]),
    "init npz": (["init", "n.net", "-o", "n.npz"], ["n.npz"]),
    "run": (["run", "n.net", "-o", "out.npz"], ["out.npz"]),
}
EVERY = pytest.mark.parametrize("name", COMMANDS)

# Runs a command with its file a while in the making: it says so and waits, or ends as a full disk would.
HELD = """
import os, sys, time
from netspec.emit import writing

fsync, action = os.fsync, sys.argv.pop(1)

def held(number):
    fsync(number)
    print("begun", flush=True)
    time.sleep(60)

if action == "wait":
    os.fsync = held
from netspec.cli import main
main()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "n.net").write_text(NET)
    (tmp_path / "x.net").write_text(UGLY)
    return tmp_path


def prepared(folder: Path, written: list[str]) -> dict[str, bytes]:
    """What is in the folder once all that a command writes is there from before."""
    for file in written:
        if not file.endswith(".net"):
            (folder / file).write_bytes(BEFORE)
    return contents(folder)


def contents(folder: Path) -> dict[str, bytes]:
    return {entry.name: entry.read_bytes() for entry in folder.iterdir()}


def start(folder: Path, action: str, arguments: list[str], **options: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", HELD, action, *arguments],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options,
    )  # fmt: skip


def usual_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@EVERY
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_program_that_is_ended_leaves_what_was_there(name: str, number: int, folder: Path) -> None:
    arguments, written = COMMANDS[name]
    before = prepared(folder, written)
    process = start(folder, "wait", arguments, preexec_fn=usual_interrupts)
    assert process.stdout is not None
    assert any(line == b"begun\n" for line in process.stdout)
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == (-number if number == signal.SIGKILL else 128 + number)
    if number != signal.SIGKILL or hasattr(os, "O_TMPFILE"):
        assert contents(folder) == before


@EVERY
def test_a_full_disk_leaves_what_was_there(name: str, folder: Path) -> None:
    arguments, written = COMMANDS[name]
    before = prepared(folder, written)
    bound: Callable[[], None] = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))  # noqa: E731
    process = start(folder, "go", arguments, preexec_fn=bound)
    err = process.communicate(timeout=60)[1].decode()
    assert process.returncode in (1, 2), err
    assert err.splitlines()[-1].startswith("Error: cannot write ")
    assert "file too large" in err
    assert "Traceback" not in err
    assert contents(folder) == before


@EVERY
def test_permissions_and_links_stay(name: str, folder: Path) -> None:
    arguments, written = COMMANDS[name]
    prepared(folder, written)
    (folder / "elsewhere").mkdir()
    for file in written:
        os.chmod(folder / file, 0o640)
        os.replace(folder / file, folder / "elsewhere" / file)
        (folder / file).symlink_to(Path("elsewhere") / file)
    process = start(folder, "go", arguments)
    err = process.communicate(timeout=60)[1]
    assert process.returncode == 0, err
    for file in written:
        assert os.readlink(folder / file) == f"elsewhere/{file}"
        target = folder / "elsewhere" / file
        assert stat.S_IMODE(target.stat().st_mode) == 0o640
        assert target.read_bytes() != BEFORE
    assert sorted(os.listdir(folder / "elsewhere")) == sorted(written)


@EVERY
def test_a_new_file_has_the_usual_permissions(name: str, folder: Path) -> None:
    arguments, written = COMMANDS[name]
    process = start(folder, "go", arguments, preexec_fn=lambda: os.umask(0o027))
    process.communicate(timeout=60)
    assert process.returncode == 0
    if name != "fmt":
        assert {stat.S_IMODE((folder / file).stat().st_mode) for file in written} == {0o640}


@pytest.mark.parametrize("arguments", [args for args, _ in COMMANDS.values() if args[0] != "fmt"], ids=" ".join)
def test_what_is_read_is_not_written_over(arguments: list[str], folder: Path) -> None:
    """The name to write to leads to the spec."""
    (folder / arguments[arguments.index("-o") + 1]).symlink_to("n.net")
    process = start(folder, "go", arguments)
    err = process.communicate(timeout=60)[1].decode()
    assert process.returncode == 2
    assert "choose another name" in err
    assert (folder / "n.net").read_text() == NET


@pytest.mark.parametrize("file", ["/dev/full", "folder", "pipe"])
def test_what_is_no_file_is_not_replaced(file: str, folder: Path) -> None:
    (folder / "folder").mkdir()
    os.mkfifo(folder / "pipe")
    with pytest.raises(OSError, match="it is not a file"), replacing(str(folder / file)):
        pass
    assert os.path.exists("/dev/full")


@pytest.mark.parametrize("named", [False, True])
def test_several_files_change_together(named: bool, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also on systems on which a file has a name from the beginning."""
    if named:
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    paths = [str(folder / name) for name in ("one", "two")]
    with pytest.raises(ZeroDivisionError), replacing_all(paths) as files:
        files[0].write(b"1" * (1 // 0))
    assert sorted(os.listdir(folder)) == ["n.net", "x.net"]
    with replacing_all(paths) as (one, two):
        one.write(b"1")
        two.write(b"2")
        temporary = [name for name in os.listdir(folder) if name.startswith(".netspec-")]
        assert len(temporary) == (2 if named or not hasattr(os, "O_TMPFILE") else 0)
    assert [Path(path).read_bytes() for path in paths] == [b"1", b"2"]
    assert sorted(os.listdir(folder)) == ["n.net", "one", "two", "x.net"]


def test_signals_that_are_ignored_stay_ignored(folder: Path) -> None:
    """As under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with replacing(str(folder / "one")) as file:
            os.kill(os.getpid(), signal.SIGHUP)
            file.write(b"1")
    finally:
        signal.signal(signal.SIGHUP, before)
    assert (folder / "one").read_bytes() == b"1"
