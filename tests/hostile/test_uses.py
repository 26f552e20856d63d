"""Files that a spec uses, and folders that are gone through: nothing outside of the folder, and not too much in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from limited import Outcome, netspec, sound

from netspec import limits

NET = "net N {\n  input x: [8]\n  relu\n}\n"
SECRET = "let password = 123456\n"


def run(folder: Path, *arguments: str, code: int = 1) -> Outcome:
    outcome = netspec(*arguments, folder=folder)
    assert sound(outcome), outcome
    assert outcome.code == code, outcome
    assert "123456" not in outcome.out + outcome.err
    return outcome


def refusal(outcome: Outcome) -> str:
    """What stands under the mark, and the remedy."""
    assert outcome.err.startswith("\nerror[NS507]: cannot use ")
    label = next(line for line in outcome.err.splitlines() if "^^^" in line).partition("^ ")[2]
    return f"{label}: {outcome.err.partition('= help: ')[2].splitlines()[0]}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder beside what it must not show."""
    (tmp_path / "secret.net").write_text(SECRET)
    made = tmp_path / "folder"
    made.mkdir()
    (made / "link.net").symlink_to("../secret.net")
    (made / "out").symlink_to("..")
    (made / "zero.net").symlink_to("/dev/zero")
    os.mkfifo(made / "pipe.net")
    (made / "inside.net").mkdir()
    (made / "again.net").symlink_to("x.net")
    return made


OUTSIDE = "it is outside the folder of the first file: copy it into that folder"
CYCLE = "this file is used by that one, directly or through others: move what both need into a third file"
NO_PATH = 'not the path of a .net file: write a path such as "blocks.net"'


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("../secret.net", OUTSIDE),
        ("a/../../secret.net", OUTSIDE),
        ("./../folder/../secret.net", OUTSIDE),
        ("link.net", OUTSIDE),
        ("out/secret.net", OUTSIDE),
        ("/dev/zero.net", OUTSIDE),
        ("zero.net", OUTSIDE),
        ("pipe.net", "it is not a file: check the path, which starts from this file's folder"),
        ("inside.net", "it is not a file: check the path, which starts from this file's folder"),
        ("/etc/passwd", NO_PATH),
        ("..\\secret.net", NO_PATH),
        ("{1 + 1}.net", NO_PATH),
        ("a/" * 600 + "b.net", "the path has 1,205 characters, at most 1,000: use a shorter path"),
        ("again.net", CYCLE),
    ],
    ids=range(14),
)  # fmt: skip
def test_paths_that_lead_elsewhere(path: str, said: str, folder: Path) -> None:
    (folder / "x.net").write_text(f'use "{path}"\n{NET}')
    assert refusal(run(folder, "check", "x.net")) == said


def test_a_chain_of_files_is_bounded(folder: Path) -> None:
    for number in range(limits.FILES + 5):
        (folder / f"f{number}.net").write_text(f'use "f{number + 1}.net"\n')
    (folder / "x.net").write_text(f'use "f0.net"\n{NET}')
    said = refusal(run(folder, "check", "x.net"))
    assert said == f"more than {limits.FILES} files: put what belongs together into one file"


def test_the_text_of_all_files_is_bounded(folder: Path) -> None:
    for number in range(10):
        block = f"block b{number}" + "() { relu -> dense 8 -> dense 8 -> relu -> dense 8 }\n"
        (folder / f"f{number}.net").write_text("#" * 60_000 + "\n" + block)
    (folder / "x.net").write_text("".join(f'use "f{number}.net"\n' for number in range(10)) + NET)
    said = refusal(run(folder, "check", "x.net"))
    assert said == "with it the files have 240,410 characters, at most 200,000: use files of what is needed alone"


@pytest.mark.parametrize(
    "command", [["check"], ["fmt"], ["fmt", "--diff"], ["check", "--format", "json"]], ids=" ".join
)
def test_a_link_out_of_a_folder_is_not_followed(command: list[str], tmp_path: Path) -> None:
    (tmp_path / "secret.net").write_text("let   password = 123456\n")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.net").symlink_to("../secret.net")
    outcome = run(tmp_path, command[0], "folder", *command[1:], code=2)
    assert outcome.err.endswith("Error: folder/a.net is a link out of folder: name it, if it is meant\n")
    assert (tmp_path / "secret.net").read_text() == "let   password = 123456\n"


def test_links_within_a_folder_are_followed(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.net").write_text(NET)
    (tmp_path / "folder" / "b.net").symlink_to("a.net")
    (tmp_path / "folder" / "round").symlink_to(".")  # which is not gone into
    assert "N    folder/b.net" in run(tmp_path, "check", "folder", code=0).out
