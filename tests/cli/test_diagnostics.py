"""How `netspec check` tells errors and warnings: as text, in a line each, as JSON, for GitHub, as SARIF."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from click.testing import CliRunner, Result

from netspec import __version__, limits
from netspec.cli import cli
from netspec.diagnostics import Diagnostic, Label, SpecError
from netspec.driver import Compilation
from netspec.emit.annotations import concise, github, sarif
from netspec.emit.diagnostics import brief, counts, render
from netspec.problems.files import CannotRead
from netspec.source import SourceFile

WRONG = """
net Wrong {
  input image: [1, 14, 14]
  conv 3 k=15
  relux
}
"""
SOUND = "net Sound { input x: [8]\n relu }\n"
FORMS = ["text", "concise", "json", "github", "sarif"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    Path("wrong.net").write_text(WRONG, encoding="utf-8")
    Path("sound.net").write_text(SOUND, encoding="utf-8")
    return tmp_path


@pytest.fixture
def warned(monkeypatch: pytest.MonkeyPatch) -> None:
    """A warning at the name of every net."""

    def warnings(made: Compilation) -> tuple[Diagnostic, ...]:
        at = made.source.text.index("net ") + 4
        name = Label(made.source.span(at, made.source.text.index(" ", at)), "a plain name", primary=True)
        return (Diagnostic("NS401", "warning", "the name says little", (name,), (), "a longer one"),)

    monkeypatch.setattr(Compilation, "warnings", property(warnings))


def check(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(cli, ["check", *arguments])
    assert result.exit_code == code, result.output
    return result


def text(expected: str) -> str:
    return dedent(expected).lstrip("\n")


def diagnostic(source: str, start: int, end: int, **others: Any) -> Diagnostic:
    label = Label(SourceFile("a.net", source).span(start, end), others.pop("label", "here"), primary=True)
    return Diagnostic("NS303", "error", others.pop("title", "wrong"), (label,), **others)


# -- lines --------------------------------------------------------------------------------------------


def test_concise() -> None:
    result = check("wrong.net", "none.net", "--diagnostics", "concise", code=1)
    assert result.stderr == text(
        """
        none.net: error[NS001]: cannot read none.net: no such file or directory; help: `netspec specs` lists the bundled specs
        wrong.net:4:12: error[NS303]: the window is larger than its padded input: 15 over 14 along the height: (14 - 15) // 1 + 1 = 0; help: a window of at most 14, or padding of 1 more in all along the height
        wrong.net:5:3: error[NS201]: there is no layer `relux`: not a layer, block or net; help: did you mean `relu`?
        3 errors in 2 files
        """  # noqa: E501
    )
    assert result.stdout == check("wrong.net", "none.net", code=1).stdout


def test_concise_is_one_line_whatever_the_texts() -> None:
    found = diagnostic("relu", 0, 4, title="a\nb\x1b", label="c\r\td", help="e\u2028f")
    shown = "a.net:1:1: error[NS303]: a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}: "
    assert concise(found) == shown + "c\N{REPLACEMENT CHARACTER}\td; help: e\N{REPLACEMENT CHARACTER}f"
    assert concise(Diagnostic("NS303", "warning", "wrong")) == "netspec: warning[NS303]: wrong"


@pytest.mark.usefixtures("warned")
def test_warnings_stand_among_the_errors_of_their_file() -> None:
    result = check("wrong.net", "sound.net", "--diagnostics", "concise", code=1)
    places = [line.split(": ")[:2] for line in result.stderr.splitlines()[:-1]]
    assert places == [
        ["wrong.net:2:5", "warning[NS401]"], ["wrong.net:4:12", "error[NS303]"],
        ["wrong.net:5:3", "error[NS201]"], ["sound.net:1:5", "warning[NS401]"],
    ]  # fmt: skip
    assert result.stderr.endswith("\n2 errors, 2 warnings in 2 files\n")


@pytest.mark.usefixtures("warned")
def test_warnings_fail_only_where_they_are_to() -> None:
    shown = check("sound.net")
    assert shown.stderr == "\n" + text(
        """
        warning[NS401]: the name says little
         --> sound.net:1:5
          |
        1 | net Sound { input x: [8]
          |     ^^^^^ a plain name
          |
          = help: a longer one

        1 warning
        """
    )
    strict = check("sound.net", "--strict", code=1)
    assert strict.stderr == shown.stderr.replace("1 warning\n", "1 warning; --strict counts warnings as errors\n")
    assert strict.stdout == shown.stdout
    assert check("sound.net", "--strict", "--diagnostics", "sarif", code=1).stdout
    (found,) = json.loads(check("sound.net", "--strict", "--format", "json", code=1).stdout)["diagnostics"]
    assert (found["severity"], found["line"]) == ("warning", 1)


@pytest.mark.usefixtures("warned")
def test_other_commands_tell_no_warnings() -> None:
    result = CliRunner().invoke(cli, ["ir", "sound.net"])
    assert (result.exit_code, result.stderr) == (0, "")
    assert CliRunner().invoke(cli, ["specs"]).stderr == ""


@pytest.mark.parametrize("form", FORMS)
def test_strict_without_a_warning(form: str) -> None:
    assert check("sound.net", "--strict", "--diagnostics", form).stderr == ""


def test_counts() -> None:
    one, other = diagnostic("relu", 0, 4), Diagnostic("NS001", "warning", "wrong", origin="b.net")
    assert counts([one]) == "1 error"
    assert counts([one, one, other]) == "2 errors, 1 warning in 2 files"
    assert counts([other], strict=True) == "1 warning; --strict counts warnings as errors"
    assert counts([one], strict=True) == "1 error"


@pytest.mark.parametrize("form", FORMS)
def test_a_mass_of_diagnostics_is_counted(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("netspec.emit.report", "netspec.emit.listing"):
        monkeypatch.setattr(f"{module}.DIAGNOSTICS", 3)
    Path("many.net").write_text("net M { input x: [8]\n" + "relux\n" * 10 + "}", encoding="utf-8")
    result = check("many.net", "--diagnostics", form, code=1)
    assert (result.stdout + result.stderr).count("NS201") == {"text": 3, "sarif": 3 + 2}.get(form, 3)
    assert result.stderr.endswith("... and 7 more\n" + "10 errors\n" * (form in ("text", "concise")))
    assert len(json.loads(check("many.net", "--format", "json", code=1).stdout)["diagnostics"]) == 3


def test_an_exception_tells_as_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "DIAGNOSTICS", 1)
    assert str(SpecError((diagnostic("relu", 0, 4),) * 3)).endswith("^^^^ here\n... and 2 more")


# -- documents ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["json", "github", "sarif"])
@pytest.mark.parametrize("format", ["json", "markdown", "csv"])
def test_a_document_leaves_no_room_for_another(form: str, format: str) -> None:
    result = check("sound.net", "--diagnostics", form, "--format", format, code=2)
    assert f"--diagnostics {form} prints no nets: leave out --format {format}" in result.stderr
    assert result.stdout == ""
    check("sound.net", "--diagnostics", form, "--format", "table")


@pytest.mark.parametrize("format", ["json", "markdown", "csv"])
def test_lines_stand_beside_any_format(format: str) -> None:
    result = check("sound.net", "--diagnostics", "concise", "--format", format)
    assert result.output == check("sound.net", "--format", format).output


def test_json() -> None:
    found = json.loads(check("wrong.net", "none.net", "--diagnostics", "json", code=1).stdout)
    place = {"file": "wrong.net", "line": 4, "column": 12, "end_line": 4, "end_column": 14}
    nowhere = {"file": "none.net", "line": None, "column": None, "end_line": None, "end_column": None}
    image = {"file": "wrong.net", "line": 3, "column": 3, "end_line": 3, "end_column": 27}
    assert found[0] == {
        "code": "NS001", "severity": "error", "message": "cannot read none.net: no such file or directory", **nowhere,
        "label": "", "notes": [], "help": "`netspec specs` lists the bundled specs", "related": [],
    }  # fmt: skip
    assert found[1] == {
        "code": "NS303", "severity": "error", "message": "the window is larger than its padded input", **place,
        "label": "15 over 14 along the height: (14 - 15) // 1 + 1 = 0", "notes": [],
        "help": "a window of at most 14, or padding of 1 more in all along the height",
        "related": [{**image, "label": "gives [1, 14, 14]"}],
    }  # fmt: skip
    assert len(found) == 3


def test_github() -> None:
    assert check("wrong.net", "none.net", "--diagnostics", "github", code=1).stdout == text(
        """
        ::error file=none.net,title=NS001%3A cannot read none.net%3A no such file or directory::help: `netspec specs` lists the bundled specs
        ::error file=wrong.net,line=4,endLine=4,col=12,endColumn=14,title=NS303%3A the window is larger than its padded input::15 over 14 along the height: (14 - 15) // 1 + 1 = 0%0Ahelp: a window of at most 14, or padding of 1 more in all along the height
        ::error file=wrong.net,line=5,endLine=5,col=3,endColumn=8,title=NS201%3A there is no layer `relux`::not a layer, block or net%0Ahelp: did you mean `relu`?
        """  # noqa: E501
    )


def test_github_escapes() -> None:
    found = diagnostic("a\nb", 0, 3, title="100%\r\n,:", label="100%,:\n::error::", notes=("x\ny",))
    assert github([found]) == (
        "::error file=a.net,line=1,endLine=2,title=NS303%3A 100%25%0D%0A%2C%3A"
        "::100%25,:%0A::error::%0Anote: x%0Ay"
    )  # fmt: skip
    assert github([Diagnostic("NS303", "warning", "wrong")]) == "::warning title=NS303%3A wrong::wrong"


def sarif_run(*arguments: str, code: int = 1) -> Any:
    log = json.loads(check(*arguments, "--diagnostics", "sarif", code=code).stdout)
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("/sarif-schema-2.1.0.json")
    (run,) = log["runs"]
    return run


def test_sarif() -> None:
    run = sarif_run("wrong.net", "none.net")
    driver = run["tool"]["driver"]
    assert (driver["name"], driver["version"]) == ("netspec", __version__)
    assert [rule["id"] for rule in driver["rules"]] == ["NS001", "NS201", "NS303"]
    for rule in driver["rules"]:
        assert all(rule[part]["text"] for part in ("shortDescription", "fullDescription", "help"))
        assert rule["defaultConfiguration"] == {"level": "error"}
    assert run["columnKind"] == "unicodeCodePoints"
    assert [driver["rules"][result["ruleIndex"]]["id"] for result in run["results"]] == ["NS001", "NS303", "NS201"]
    assert run["results"][0] == {
        "ruleId": "NS001", "ruleIndex": 0, "level": "error",
        "message": {
            "text": "cannot read none.net: no such file or directory\nhelp: `netspec specs` lists the bundled specs"
        },
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": "none.net"}}}],
    }  # fmt: skip
    assert run["results"][1] == {
        "ruleId": "NS303", "ruleIndex": 2, "level": "error",
        "message": {
            "text": "the window is larger than its padded input\n"
            "15 over 14 along the height: (14 - 15) // 1 + 1 = 0\n"
            "help: a window of at most 14, or padding of 1 more in all along the height"
        },
        "locations": [{"physicalLocation": {
            "artifactLocation": {"uri": "wrong.net"},
            "region": {"startLine": 4, "startColumn": 12, "endLine": 4, "endColumn": 14},
        }}],
        "relatedLocations": [{"id": 1, "message": {"text": "gives [1, 14, 14]"}, "physicalLocation": {
            "artifactLocation": {"uri": "wrong.net"},
            "region": {"startLine": 3, "startColumn": 3, "endLine": 3, "endColumn": 27},
        }}],
    }  # fmt: skip


def test_sarif_of_other_files(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("out side") / "a.net"
    Path("b c").mkdir()
    for path in (outside, Path("b c/\xe9#%.net")):
        path.write_text(WRONG, encoding="utf-8")
    run = sarif_run("b c", str(folder / "wrong.net"), str(outside))
    uris = [r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in run["results"]]
    assert list(dict.fromkeys(uris)) == ["b%20c/%C3%A9%23%25.net", "wrong.net", outside.as_uri()]


def test_sarif_without_a_file() -> None:
    (run,) = json.loads(sarif([CannotRead(file="x", reason="y", remedy="z").nowhere("")]))["runs"]
    assert "locations" not in run["results"][0]


@pytest.mark.usefixtures("warned")
def test_levels_of_warnings() -> None:
    assert sarif_run("sound.net", code=0)["results"][0]["level"] == "warning"
    assert check("sound.net", "--diagnostics", "github").stdout.startswith("::warning file=sound.net,line=1,")


@pytest.mark.parametrize(("form", "expected"), [("json", "[]\n"), ("github", "")])
def test_nothing_to_tell(form: str, expected: str) -> None:
    assert check("sound.net", "--diagnostics", form).output == expected


def test_nothing_to_tell_in_sarif() -> None:
    run = sarif_run("sound.net", code=0)
    assert (run["results"], run["tool"]["driver"]["rules"]) == ([], [])


# -- text ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "mark", "expected"),
    [
        ("\trelu\t-> tanh", "tanh", "    relu    -> tanh\n  |                ^^^^ here"),
        ("# \u5377\u79ef relu", "relu", "# \u5377\u79ef relu\n  |        ^^^^ here"),
        ("\u5377\u79ef", "\u79ef", "\u5377\u79ef\n  |   ^^ here"),
        ("e\u0301e\u0301 relu", "relu", "e\u0301e\u0301 relu\n  |    ^^^^ here"),
        ("a\u200db relu", "relu", "a\N{REPLACEMENT CHARACTER}b relu\n  |     ^^^^ here"),
        ("\x1b[31m relu", "relu", "\N{REPLACEMENT CHARACTER}[31m relu\n  |       ^^^^ here"),
        ("relu\nrelu", "relu\nrelu", "relu\n  | ^^^^ here"),
        ("relu\r\n", "relu", "relu\n  | ^^^^ here"),
    ],
)
def test_marks_stand_under_what_they_mark(source: str, mark: str, expected: str) -> None:
    at = source.rindex(mark)
    shown = render(diagnostic(source, at, at + len(mark)))
    assert shown == f"error[NS303]: wrong\n --> a.net:1:{at + 1}\n  |\n1 | {expected}"


def test_a_long_line_is_shown_around_its_mark() -> None:
    source = "a" * 5_000 + " wrong " + "b" * 5_000
    lines = render(diagnostic(source, 5_001, 5_006)).splitlines()
    assert lines[1] == " --> a.net:1:5002"
    assert lines[3] == "1 | ..." + "a" * 36 + " wrong " + "b" * 111 + "..."
    assert lines[4] == "  | " + " " * 40 + "^^^^^ here"


def test_long_texts_are_shortened_in_the_middle() -> None:
    long = "x" * 250 + "y" * 10_000 + "z" * 250
    short = "x" * 250 + "..." + "z" * 250
    assert brief(long) == short
    assert brief("\n".join(map(str, range(1_000)))).split("\n")[28:33] == ["28", "29", "...", "970", "971"]
    found = diagnostic("relu", 0, 4, title=long, label=long, notes=(long,), help=long)
    assert render(found) == text(
        f"""
        error[NS303]: {short}
         --> a.net:1:1
          |
        1 | relu
          | ^^^^ {short}
          |
          = note: {short}
          = help: {short}
        """
    ).rstrip("\n")
    for told in (concise(found), github([found])):
        assert "yy" not in told


@pytest.mark.parametrize(
    ("options", "environment", "colored"),
    [
        ([], {}, False),
        ([], {"FORCE_COLOR": "1"}, True),
        ([], {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ([], {"FORCE_COLOR": "1", "TERM": "dumb"}, True),
        (["--color", "always"], {"NO_COLOR": "1", "TERM": "dumb"}, True),
        (["--color", "never"], {"FORCE_COLOR": "1"}, False),
    ],
)
def test_colour(
    options: list[str], environment: dict[str, str], colored: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    result = check("wrong.net", *options, code=1)
    assert ("\x1b[" in result.stdout, "\x1b[" in result.stderr) == (colored, colored)
    for form in FORMS[1:]:
        result = check("wrong.net", "--diagnostics", form, *options, code=1)
        assert "\x1b[" not in (result.stderr if form == "concise" else result.output)
