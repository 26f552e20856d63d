"""`netspec explain`: the example of every code is what it says it is, and so is docs/diagnostics.md."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

import pytest
from click.testing import CliRunner, Result

from netspec.cli import cli
from netspec.emit import explain

PAGE = Path(__file__).parents[2] / "docs" / "diagnostics.md"
CODES = list(explain.every_problem())


def told(text: str) -> list[str]:
    """The codes that `netspec check` tells about an example, as text or as JSON."""
    said = explain.answer(explain.read(text), cli)
    assert said
    return re.findall(r'(?:^(?:error|warning)\[|"code": ")(\w+)', said, re.MULTILINE)


def command(*words: str) -> Result:
    result = CliRunner().invoke(cli, ["explain", *words], prog_name="netspec")
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def text(expected: str) -> str:
    return dedent(expected).strip("\n") + "\n"


@pytest.mark.parametrize("code", CODES)
def test_the_wrong_example_has_this_mistake_alone(code: str) -> None:
    assert told(explain.every_problem()[code].wrong) == [code]


@pytest.mark.parametrize("code", CODES)
def test_the_mended_example_has_none(code: str) -> None:
    assert told(explain.every_problem()[code].mended) == []


@pytest.mark.parametrize("code", CODES)
def test_every_problem_is_explained(code: str) -> None:
    problem = explain.every_problem()[code]
    assert vars(problem)["__doc__"].rstrip().endswith(".")
    assert re.fullmatch(r"[A-Z`][^{}]*[^.]", vars(problem)["about"])
    own = [*explain.paragraphs(problem), *problem.wrong.split("\n"), *problem.mended.split("\n")]
    assert max(map(len, "\n".join(own).split("\n"))) <= 120


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == explain.document(cli), "run `make docs`"


def test_one_code() -> None:
    result = command("ns304")
    assert result.exit_code == 0
    assert result.stdout == text(
        """
        NS304  Channels that do not split into groups

        Groups have equally many channels. Those of a convolution divide the channels that come in and those
        that go out, since each group is a convolution of its own; those of a group normalisation or a
        channel shuffle divide the channels that come in.

        Wrong

          net Normed {
            input image: [48, 28, 28]
            groupnorm 32 -> relu
          }

          $ netspec check example.net
          error[NS304]: 48 channels do not split into 32 groups
           --> example.net:3:13
            |
          2 |   input image: [48, 28, 28]
            |   ------------------------- gives [48, 28, 28]
          3 |   groupnorm 32 -> relu
            |             ^^ does not divide 48
            |
            = help: groups: 1, 2, 3, 4, 6, 8, 12, ..., 48

          1 error

        Mended

          net Normed {
            input image: [48, 28, 28]
            groupnorm 16 -> relu
          }
        """
    )


def test_a_code_whose_mistake_is_in_the_command() -> None:
    assert command("NS217").stdout == text(
        """
        NS217  A setting that the net does not have

        `--set` gives values to the parameters of a net and to the symbols of its inputs. A name that the
        net does not have would change nothing, and the figures would be taken for those of another net.

        Wrong

          net Head(classes = 10) {
            input features: [512]
            dense classes
          }

          $ netspec check example.net --set clases=100
          error[NS217]: `Head` has no parameter or symbol `clases`
            = help: did you mean `classes`?

          1 error

        Mended

          $ netspec check example.net --set classes=100
        """
    )


def test_one_code_in_markdown_is_its_section_of_the_page() -> None:
    section = command("NS304", "--markdown").stdout
    assert section.startswith("### NS304\n\n**Channels that do not split into groups.**\n\n")
    assert f"\n{section}" in PAGE.read_text(encoding="utf-8")


def test_further_files_are_shown_under_their_names() -> None:
    assert "  # file: blocks.net\n  block unit(out)" in command("NS507").stdout


def test_the_list_has_every_code_in_order() -> None:
    listing = command().stdout
    assert listing == explain.listing() + "\n"
    assert re.findall(r"^  (\w+)  \S", listing, re.MULTILINE) == CODES
    assert listing.startswith("Files and limits (NS0xx)\n  NS001  A file that cannot be read\n")
    assert max(map(len, listing.split("\n"))) <= 100


@pytest.mark.parametrize(
    ("given", "remedy"),
    [
        ("NS3O4", "did you mean NS304?"),
        ("304", "did you mean NS304?"),
        ("conv", "`netspec explain` lists them all"),
    ],
)
def test_an_unknown_code(given: str, remedy: str) -> None:
    result = command(given)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == text(
        f"""
        Usage: netspec explain [OPTIONS] [CODE]
        Try 'netspec explain --help' for help.

        Error: there is no code {given}; {remedy}
        """
    )


def test_color() -> None:
    assert "\x1b[1;31merror[NS304]" in command("NS304", "--color", "always").stdout
    assert "\x1b" not in command("NS304").stdout


# How examples are written


def test_an_example_of_two_files_and_a_command() -> None:
    example = explain.read(
        """
        $ netspec check example.net:B
        use "a.net"
        # file: a.net
        block a { relu }
        """
    )
    assert example.command == "netspec check example.net:B"
    assert example.files == {"example.net": 'use "a.net"\n', "a.net": "block a { relu }\n"}
    assert example.shown == 'use "a.net"\n\n# file: a.net\nblock a { relu }\n'


def test_an_example_is_the_text_of_a_file() -> None:
    example = explain.read("\n    net A {\n      relu\n    }\n    ")
    assert example == ("netspec check example.net", {"example.net": "net A {\n  relu\n}\n"})


def test_lines_that_stand_for_many() -> None:
    text = "let a0 = 1\n  # 2 times: let a<i + 1> = a<i>\nend\n"
    assert explain.expanded(text) == "let a0 = 1\n  let a1 = a0\n  let a2 = a1\nend\n"


def test_a_lone_surrogate_is_a_byte_that_is_not_text() -> None:
    example = explain.read("net caf\udce9 {")
    assert "byte 7 is not UTF-8" in explain.answer(example, cli)
    assert example.shown == "net caf\N{REPLACEMENT CHARACTER} {\n"
