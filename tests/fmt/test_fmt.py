"""`netspec fmt`: what it prints and writes, how it ends, and that it never leaves half a file."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from netspec import cli as command
from netspec.emit import formatting
from netspec.syntax.printer import NotFaithful

UGLY = "net N{\n input x:[3]\n\n\n\n dense 10->[10]\n}\n"
GOOD = "net N {\n  input x: [3]\n\n  dense 10   -> [10]\n}\n"
WRONG = "net N {\n input x: [3, 8, 8]\n  conv 1 k=1 -> -> relu\n}\n"
NO_SUCH_FILE = """
error[NS001]: cannot read none.net: no such file or directory
  = help: check the path

1 error
"""
DIFF = """\
--- ugly.net
+++ ugly.net
@@ -1,7 +1,5 @@
-net N{
- input x:[3]
+net N {
+  input x: [3]
~
-
-
- dense 10->[10]
+  dense 10   -> [10]
 }
""".replace("~", " ")  # an empty line that stays


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in {"ugly": UGLY, "good": GOOD, "wrong": WRONG, "sub/a": UGLY, "sub/deeper/b": GOOD}.items():
        path = Path(f"{name}.net")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    Path("sub/notes.txt").write_text(UGLY, encoding="utf-8")
    Path("empty").mkdir()
    return tmp_path


def fmt(*arguments: str, code: int = 0, stdin: str | bytes | None = None) -> Result:
    result = CliRunner().invoke(command.cli, ["fmt", *arguments], input=stdin)
    assert result.exit_code == code, result.output
    return result


def text_of(path: str) -> str:
    return Path(path).read_bytes().decode("utf-8")


def everything() -> list[str]:
    """The files that are there, hidden ones too."""
    return sorted(str(path) for path in Path().rglob("*") if path.is_file())


# -- files in place -----------------------------------------------------------------------------------


def test_a_file_is_replaced() -> None:
    before = everything()
    result = fmt("ugly.net")
    assert result.stdout == "reformatted ugly.net\n1 file reformatted\n"
    assert result.stderr == ""
    assert text_of("ugly.net") == GOOD
    assert everything() == before


def test_a_file_that_is_canonical_is_not_written() -> None:
    os.utime("good.net", (1, 1))
    inode = os.stat("good.net").st_ino
    assert fmt("good.net").stdout == "1 file unchanged\n"
    assert (os.stat("good.net").st_mtime, os.stat("good.net").st_ino) == (1, inode)


def test_folders_and_files() -> None:
    result = fmt("sub", "ugly.net", "good.net")
    assert result.stdout == "reformatted sub/a.net\nreformatted ugly.net\n2 files reformatted, 2 unchanged\n"
    assert text_of("sub/a.net") == GOOD
    assert text_of("sub/notes.txt") == UGLY


def test_a_file_that_is_given_twice_counts_once() -> None:
    Path("link.net").symlink_to("ugly.net")
    result = fmt("ugly.net", ".//ugly.net", "link.net", "sub", "sub/a.net")
    assert result.stdout == "reformatted ugly.net\nreformatted sub/a.net\n2 files reformatted, 1 unchanged\n"


def test_line_ends_and_byte_order_mark() -> None:
    Path("dos.net").write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert fmt("dos.net").stdout == "reformatted dos.net\n1 file reformatted\n"
    assert Path("dos.net").read_bytes() == GOOD.encode()


def test_permissions_stay() -> None:
    for mode in (0o600, 0o644, 0o754):
        Path("ugly.net").write_text(UGLY, encoding="utf-8")
        os.chmod("ugly.net", mode)
        fmt("ugly.net")
        assert stat.S_IMODE(os.stat("ugly.net").st_mode) == mode


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")
def test_the_owner_stays() -> None:
    os.chown("ugly.net", 12345, 54321)
    fmt("ugly.net")
    assert (os.stat("ugly.net").st_uid, os.stat("ugly.net").st_gid) == (12345, 54321)
    assert text_of("ugly.net") == GOOD


def test_a_link_stays_a_link() -> None:
    Path("elsewhere").mkdir()
    os.rename("ugly.net", "elsewhere/target.net")
    Path("ugly.net").symlink_to("elsewhere/target.net")
    assert fmt("ugly.net").stdout == "reformatted ugly.net\n1 file reformatted\n"
    assert os.readlink("ugly.net") == "elsewhere/target.net"
    assert text_of("elsewhere/target.net") == GOOD
    assert os.listdir("elsewhere") == ["target.net"]


# -- what would change --------------------------------------------------------------------------------


def test_check() -> None:
    before = {name: text_of(name) for name in everything()}
    result = fmt("--check", "ugly.net", "sub", code=1)
    assert result.stdout == (
        "would reformat ugly.net\nwould reformat sub/a.net\n2 files would be reformatted, 1 unchanged\n"
    )
    assert fmt("--check", "good.net", "sub/deeper").stdout == "2 files unchanged\n"
    assert {name: text_of(name) for name in everything()} == before


def test_diff() -> None:
    result = fmt("--diff", "ugly.net", "good.net", code=1)
    assert result.stdout == DIFF
    assert result.stderr == "1 file would be reformatted, 1 unchanged\n"
    assert fmt("--check", "--diff", "ugly.net", "good.net", code=1).output == result.output
    assert text_of("ugly.net") == UGLY
    result = fmt("--diff", "good.net")
    assert (result.stdout, result.stderr) == ("", "1 file unchanged\n")


def test_diff_of_distant_places_and_the_last_line() -> None:
    layers = [f"  dense {n}" for n in range(20)]
    Path("long.net").write_text("net N {\n" + "\n".join([*layers[:3], "dense 3", *layers[4:], "}"]), encoding="utf-8")
    assert (
        fmt("--diff", "long.net", code=1).stdout
        == """\
--- long.net
+++ long.net
@@ -2,7 +2,7 @@
   dense 0
   dense 1
   dense 2
-dense 3
+  dense 3
   dense 4
   dense 5
   dense 6
@@ -19,4 +19,4 @@
   dense 17
   dense 18
   dense 19
-}
\\ No newline at end of file
+}
"""
    )


def test_diff_of_an_empty_and_of_a_blank_file() -> None:
    Path("blank.net").write_text("\n\n", encoding="utf-8")
    assert fmt("--diff", "blank.net", code=1).stdout == "--- blank.net\n+++ blank.net\n@@ -1,2 +0,0 @@\n-\n-\n"
    Path("blank.net").write_text("", encoding="utf-8")
    assert fmt("--diff", "blank.net").stdout == ""


def test_a_long_diff_takes_linear_time() -> None:
    Path("long.net").write_text("net N {\n" + "dense 1\n\n\n  dense 1\n" * 5000 + "}\n", encoding="utf-8")
    assert fmt("--diff", "long.net", code=1).stdout.count("\n+  dense 1\n") == 5000


# -- standard input -----------------------------------------------------------------------------------


def test_standard_input() -> None:
    result = fmt("-", stdin=UGLY)
    assert (result.stdout, result.stderr) == (GOOD, "")
    assert fmt("-", stdin=GOOD).stdout == GOOD
    assert fmt("-", stdin=b"\xef\xbb\xbf# \xc3\xa9\r\n").stdout_bytes == b"# \xc3\xa9\n"
    assert fmt("-", stdin="").stdout == ""


def test_standard_input_that_would_change() -> None:
    result = fmt("--check", "-", stdin=UGLY, code=1)
    assert (result.stdout, result.stderr) == ("", "would reformat <stdin>\n1 file would be reformatted\n")
    assert fmt("--check", "-", stdin=GOOD).stdout == ""
    assert fmt("--diff", "-", stdin=UGLY, code=1).stdout == DIFF.replace("ugly.net", "<stdin>")


def test_standard_input_with_a_mistake() -> None:
    result = fmt("-", stdin=WRONG, code=1)
    assert result.stdout == ""
    assert result.stderr.startswith("\nerror[NS102]: ")


def test_standard_input_and_a_file() -> None:
    result = fmt("-", "ugly.net", stdin=UGLY)
    assert (result.stdout, result.stderr) == (GOOD, "reformatted ugly.net\n1 file reformatted\n")


def test_text_is_utf_8_whatever_the_terminal_has() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "netspec", "fmt", "-"],
        input="#größe".encode(),
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C"},
        check=True,
    )
    assert done.stdout == "# größe\n".encode()


# -- what cannot be formatted -------------------------------------------------------------------------


def test_a_mistake_stops_its_own_file_only() -> None:
    checked = CliRunner().invoke(command.cli, ["check", "wrong.net"])
    result = fmt("wrong.net", "ugly.net", code=1)
    assert result.stdout == "reformatted ugly.net\n1 file reformatted, 1 not formatted\n"
    assert result.stderr == checked.stderr
    assert text_of("wrong.net") == WRONG
    assert text_of("ugly.net") == GOOD


def test_only_syntax_matters() -> None:
    Path("unsound.net").write_text("net N {\n  conv 1\n  nothing x   -> [7]\n}\n", encoding="utf-8")
    assert fmt("unsound.net").stdout == "1 file unchanged\n"


def test_a_file_that_is_not_there() -> None:
    result = fmt("none.net", "ugly.net", code=2)
    assert result.stdout == "reformatted ugly.net\n1 file reformatted, 1 not formatted\n"
    assert result.stderr == NO_SUCH_FILE
    fmt("none.net", "wrong.net", code=1)
    fmt("--check", "none.net", "good.net", code=2)
    fmt("--check", "none.net", "sub/a.net", code=1)


def test_bundled_specs_are_not_formatted() -> None:
    assert fmt("lenet5", code=2).stderr == (
        "\nerror[NS001]: cannot read lenet5: no such file or directory\n"
        "  = help: bundled specs are in this form already: give the path of a file\n\n1 error\n"
    )


def test_what_is_no_file() -> None:
    os.mkfifo("pipe.net")
    assert fmt("pipe.net", code=2).stderr == (
        "\nerror[NS001]: cannot read pipe.net: it is not a file\n  = help: check the path\n\n1 error\n"
    )
    assert "not UTF-8" in fmt("-", stdin=b"\xff", code=1).stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "Error: give a FILE, a folder, or - for standard input\n"),
        (["empty"], "Error: there is no .net file in empty\n"),
    ],
)
def test_wrong_commands(arguments: list[str], told: str) -> None:
    assert fmt(*arguments, code=2).stderr.endswith(told)


# -- writing that fails -------------------------------------------------------------------------------


def untouched(before: list[str]) -> bool:
    return text_of("ugly.net") == UGLY and everything() == before


@pytest.mark.parametrize(
    ("module", "function", "error", "reason"),
    [
        (tempfile, "mkstemp", PermissionError(13, "Permission denied"), "permission denied"),
        (tempfile, "mkstemp", OSError(30, "Read-only file system"), "read-only file system"),
        (os, "fsync", OSError(28, "No space left on device"), "no space left on device"),
        (os, "chmod", PermissionError(1, "Operation not permitted"), "operation not permitted"),
        (os, "replace", OSError(16, "Device or resource busy"), "device or resource busy"),
        (os, "replace", OSError(), "input or output failed"),
    ],
)
def test_a_file_that_cannot_be_written(
    module: object, function: str, error: OSError, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    before = everything()
    if function == "mkstemp":  # which is for systems without files that have no names
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    monkeypatch.setattr(module, function, refuse)
    result = fmt("ugly.net", "good.net", code=2)
    assert result.stdout == "1 file unchanged, 1 not formatted\n"
    assert result.stderr == f"Error: cannot write ugly.net: {reason}\n"
    assert untouched(before)


def test_an_interruption_leaves_the_old_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = everything()
    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        formatting.fmt(["ugly.net"], check=False, diff=False)
    assert untouched(before)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
@pytest.mark.parametrize("what", ["ugly.net", "."])
def test_what_is_read_only(what: str) -> None:
    before = everything()
    mode = stat.S_IMODE(os.stat(what).st_mode)
    os.chmod(what, mode & ~0o222)
    try:
        assert fmt("ugly.net", code=2).stderr == "Error: cannot write ugly.net: permission denied\n"
    finally:
        os.chmod(what, mode)
    assert untouched(before)


def test_a_read_only_file(monkeypatch: pytest.MonkeyPatch) -> None:
    before = everything()
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert fmt("ugly.net", code=2).stderr == "Error: cannot write ugly.net: permission denied\n"
    assert untouched(before)


def test_a_mistake_of_the_printer_writes_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def printed(text: str) -> str:
        raise NotFaithful("the formatted text would not mean the same")

    before = everything()
    monkeypatch.setattr(formatting, "printed", printed)
    monkeypatch.setattr(sys, "argv", ["netspec", "fmt", "ugly.net"])
    with pytest.raises(SystemExit) as end:
        command.main()
    assert end.value.code == 3
    assert "netspec is wrong, not your spec" in capsys.readouterr().err
    assert untouched(before)


def test_names_are_printed_without_control_characters() -> None:
    Path("a\x1b[31m.net").write_text(UGLY, encoding="utf-8")
    assert fmt("a\x1b[31m.net").stdout.startswith("reformatted a�[31m.net\n")
