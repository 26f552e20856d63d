"""The canonical layout: texts before and after, and what printing must never change.

`python tests/fmt/test_layout.py` writes the .out.net files anew; the diff is read as a user would.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from mangling import comments, mangled, same, tree

from netspec import limits
from netspec.source import SourceFile
from netspec.syntax import printer
from netspec.syntax.parser import parse_file
from netspec.syntax.printer import WIDTH, NotFaithful, printed

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
CASES = sorted(HERE.glob("cases/*.in.net"))
CANONICAL = sorted([*ROOT.glob("specs/*.net"), *ROOT.glob("netspec/std/*.net"), *ROOT.glob("examples/**/*.net")])


def read(path: Path) -> str:
    """A text as `netspec check` reads it."""
    return path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")


def sound_files() -> list[Path]:
    """Every .net file of the repository that has no syntax errors."""
    folders = ("specs", "netspec", "examples", "tests", "benchmarks")
    files = sorted(file for folder in folders for file in (ROOT / folder).rglob("*.net"))
    return [file for file in files if is_sound(file)]


def is_sound(file: Path) -> bool:
    try:
        return not parse_file(SourceFile(file.name, read(file)))[1]
    except UnicodeDecodeError:
        return False


def pages() -> list[str]:
    """The specs of the documentation."""
    texts = [(ROOT / "README.md").read_text(encoding="utf-8")]
    texts += [page.read_text(encoding="utf-8") for page in sorted((ROOT / "docs").glob("*.md"))]
    specs = [spec for text in texts for spec in re.findall(r"^```netspec\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)]
    return [spec for spec in specs if not parse_file(SourceFile("page", spec))[1]]


def check(text: str) -> str:
    """The canonical layout of a text, which must mean the same and be its own canonical layout."""
    out = printed(text)
    assert same(tree(out), tree(text))
    assert comments(out) == comments(text)
    assert printed(out) == out
    assert not re.search(r"[ \t\r]\n|\n\n\n|\A\n|[^\n]\Z", out)
    return out


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.removesuffix(".in.net"))
def test_case(case: Path) -> None:
    assert check(read(case)) == read(case.with_name(case.name.replace(".in.", ".out.")))


def test_no_result_is_left_over() -> None:
    results = {path.name.replace(".out.", ".in.") for path in HERE.glob("cases/*.out.net")}
    assert results == {case.name for case in CASES}


def test_all_sound_files_and_pages() -> None:
    files = sound_files()
    assert len(files) > 100
    for file in files:
        check(read(file))
    for page in pages():
        check(page)


@pytest.mark.parametrize("file", CANONICAL, ids=lambda file: file.stem)
def test_our_own_files_are_canonical(file: Path) -> None:
    assert printed(read(file)) == read(file)


@pytest.mark.parametrize("part", range(8))
def test_mangled(part: int) -> None:
    texts = [*map(read, CANONICAL), *pages()]
    changed = 0
    for seed in range(part, 480, 8):
        text = texts[seed % len(texts)]
        wild = mangled(text, seed)
        assert same(tree(wild), tree(text))
        out = check(wild)
        changed += out != wild
        if "#" not in wild:
            widest = max(map(len, text.splitlines()))  # of what has no place to break
            assert all(len(line) <= max(WIDTH, widest) for line in out.splitlines())
    assert changed > 50


def test_blanks_do_not_matter() -> None:
    text = "net N {\n  input x: [3, H=2]\n  c: conv 6 k=(1, 2) -> relu   -> [6, _]\n  assert c.params == -1\n}\n"
    tokens = re.findall(r"\n|\w+|->|==|.", text)
    spread = "".join(t if t in "\n([" else f"{t}\t " for t in tokens if t != " ").replace("k\t =\t (", "k = (")
    assert printed(spread) == printed(text) == text


# -- what the printer looks after itself --------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        "net N {\n  conv 2\n}\n",  # a token
        "net N {\n  conv 1\n}\n",  # a comment less
        "net N {\n  conv 1 # two\n}\n",  # another comment
        "net N {\n  conv\n  1: # one\n  x\n}\n",  # a statement more
        "net N {\n  # one\n  conv 1\n}\n",  # a comment elsewhere
        "net N {\n  conv 1# one\n",  # no spec
    ],
)
def test_a_printer_that_changes_more_is_found_out(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printer._Printer, "file", lambda *_: wrong)
    with pytest.raises(NotFaithful):
        printed("net N {\n conv 1 # one\n}\n")


# -- size ---------------------------------------------------------------------------------------------

N = limits.NESTING - 1


@pytest.mark.parametrize(
    "text",
    [
        "net N " + "{" * N + "a" + "}" * N,
        "net N " + "{\n" * N + "a" + "}" * N,
        "net N " + "{ add { | " * (N // 2) + "a" + "}}" * (N // 2),
        "net N " + "{ if a " * N + "{ a }" + "}" * N,
        "let a = " + "(" * N + "1" + ")" * N,
        "let a = " + "(\n" * N + "1" + ")" * N,
        "let a = " + "(1,\n" * N + "1" + ")" * N,
        "let a = " + "[[1, 2], " * N + "1" + "]" * N,
        "let a = " + "f(x)[" * (N // 2) + "1" + "]" * (N // 2),
    ],
    ids=lambda text: text[8:20].replace("\n", "_"),
)
def test_deep(text: str) -> None:
    check(text)


@pytest.mark.parametrize(
    "text",
    [
        "let a = 1\n" * 10_000,
        "let a = (" + "1, " * 20_000 + ")",
        "let a = b" + "[0]" * 10_000,
        "let a = " + "-" * 10_000 + "1",
        "let a = " + "1 if b else " * 10_000 + "1",
        "net N { assert a" + " and b" * 20_000 + "}",
        "net N { a" + " -> b" * 20_000 + "}",
        "net N { a" + " (1)" * 20_000 + "}",
        "net N { a" + " (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14)" * 2_000 + "}",
        "net N { if a { b }" + " else if a { b }" * 5_000 + "}",
        "net N = M" + "  1" * 20_000 + "\nnet N = M" + " 1" * 20_000,
        "net N {\n" + "a -> [1] # b\n" * 10_000 + "}",
        "#\n" * 50_000,
        "#" * 100_000,
        "\n" * 100_000,
    ],
    ids=lambda text: text[:24].strip().replace("\n", "_"),
)
def test_large(text: str) -> None:
    out = printed(text)
    assert printed(out) == out


if __name__ == "__main__":
    for case in CASES:
        case.with_name(case.name.replace(".in.", ".out.")).write_text(printed(read(case)), encoding="utf-8")
