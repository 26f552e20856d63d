"""The pages of the documentation and what stands in them: blocks that are run and compared.

A page is README.md or a file of docs/. Its fenced blocks share a folder and a Python namespace, and are run
in order:

    ```netspec   A spec. Where its first line is a comment with nothing but a file's name, `# lenet.net`, it
                 is written to that file. It must check without an error or a warning, unless it is named and
                 the next block is a `console` one, which then says what comes of it. A block without a net
                 is parsed only.
    ```console   Commands, `$ netspec check lenet.net`, each followed by all that it prints, errors too. A
                 line `...` stands for any lines. `netspec` runs in this process, everything else in a shell.
                 `make demo` stands for the command that the Makefile gives it.
    ```python    With `>>>` a doctest, else code that must run.

Anything else (`sh`, `json`, no language) is only shown.
"""

from __future__ import annotations

import doctest
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from click.testing import CliRunner

from netspec.cli import cli

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = ("README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md"))))

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(r"# ([\w/]+\.net)\n")


class Block(NamedTuple):
    language: str
    text: str
    line: int  # of its first line in the page
    start: int  # offsets of its text in the page
    end: int

    @property
    def file(self) -> str | None:
        """The file that a netspec block is written to."""
        named = _NAMED.match(self.text) if self.language == "netspec" else None
        return named[1] if named else None


class Command(NamedTuple):
    text: str
    expected: str


class Mismatch(Exception):
    """A block that does not do what the page says."""


def blocks(page: str) -> list[Block]:
    return [Block(m[1], m[2], page.count("\n", 0, m.start(2)) + 1, m.start(2), m.end(2)) for m in _FENCE.finditer(page)]


def commands(block: Block) -> Iterator[Command]:
    """The commands of a console block, each with what the page says that it prints."""
    head, *rest = re.split(r"^\$ (.*)\n", block.text, flags=re.MULTILINE)
    if head or not rest:
        raise Mismatch(f"a console block begins with `$ command`, not with {head[:40]!r}")
    for text, expected in zip(rest[::2], rest[1::2], strict=True):
        yield Command(text, expected)


def agree(expected: str, actual: str) -> bool:
    """Whether the texts are equal, where a line `...` of the expected one stands for any lines, and a tiny number such
    as 3.6e-07 for any other: rounding differs between machines."""
    pattern = "".join(
        "(?:.*\n)*?" if line == "...\n" else re.escape(line) for line in expected.splitlines(keepends=True)
    )
    pattern = re.sub(r"\d\\\.\de\\-0\d", lambda _: r"\d\.\de-\d\d", pattern)
    return re.fullmatch(pattern, actual) is not None


class Session:
    """Runs the blocks of one page in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names: dict[str, object] = {}
        self.exit_code = 0

    def run(self, block: Block, following: Block | None = None) -> None:
        """Run a block. Raises Mismatch."""
        if block.language == "netspec":
            self._spec(block, following)
        elif block.language == "console":
            for command in commands(block):
                actual = self.output(command.text)
                if not agree(command.expected, actual):
                    raise Mismatch(f"$ {command.text}\n--- the page says\n{command.expected}--- it prints\n{actual}")
        elif block.language == "python":
            self._python(block)

    def rewritten(self, block: Block) -> str:
        """The text of a console block with what its commands print now, except what `...` leaves out."""
        parts = []
        for command in commands(block):
            actual = self.output(command.text)
            parts.append(f"$ {command.text}\n" + (command.expected if agree(command.expected, actual) else actual))
        return "".join(parts)

    def output(self, command: str) -> str:
        """What a command prints."""
        if command == "make demo":
            command = made_by_demo()
        if command == "echo $?":
            return f"{self.exit_code}\n"
        first, *others = [part.strip() for part in re.split(r" \| (?=netspec|python|head|grep)", command)]
        text = self._one(first, "")
        for other in others:
            text = self._one(other, text)
        return text

    def _one(self, command: str, given: str) -> str:
        words = shlex.split(command)
        if words[0] != "netspec" or ">" in words:
            return self._shell(command, given)
        with Here(self.folder):
            result = CliRunner().invoke(cli, words[1:], input=given, prog_name="netspec", terminal_width=80)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        self.exit_code = result.exit_code
        return result.output

    def _shell(self, command: str, given: str) -> str:
        """A command of the system, where `python` and `netspec` are those that run the tests."""
        python = shlex.quote(sys.executable)
        script = f'python() {{ {python} "$@"; }}\nnetspec() {{ {python} -m netspec "$@"; }}\n{command}'
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            ["sh", "-c", script], cwd=self.folder, input=given, env=environment, encoding="utf-8",
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60,
        )  # fmt: skip
        self.exit_code = done.returncode
        return done.stdout

    def _spec(self, block: Block, following: Block | None) -> None:
        target = self.folder / (block.file or "unnamed.net")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(block.text, encoding="utf-8")
        if block.file is not None and following is not None and following.language == "console":
            return  # which shows what comes of it
        if not re.search(r"^net\b", block.text, re.MULTILINE):
            self._parse(block)
            return
        output = self.output(f"netspec check {target.name}" if block.file is None else f"netspec check {block.file}")
        if self.exit_code != 0 or re.search(r"^(error|warning)\[", output, re.MULTILINE):
            raise Mismatch(output)

    def _parse(self, block: Block) -> None:
        from netspec.emit.diagnostics import render
        from netspec.source import SourceFile
        from netspec.syntax.parser import parse_file

        _, mistakes = parse_file(SourceFile("block", block.text))
        if mistakes:
            raise Mismatch("\n".join(map(render, mistakes)))

    def _python(self, block: Block) -> None:
        with Here(self.folder):
            if ">>>" not in block.text:
                exec(compile(block.text, "<page>", "exec"), self.names)
                return
            test = doctest.DocTestParser().get_doctest(block.text, self.names, "page", None, block.line)
            told: list[str] = []
            runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
            runner.run(test, out=told.append, clear_globs=False)
            self.names.update(test.globs)
            if told:
                raise Mismatch("".join(told))


class Here:
    """The working folder, for a while."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> None:
        self.before = os.getcwd()
        os.chdir(self.folder)

    def __exit__(self, *_: object) -> None:
        os.chdir(self.before)


def made_by_demo() -> str:
    """The command that `make demo` runs once its environment is there."""
    recipe = re.search(
        r"^demo:.*\n\t@\$\(DEMO\)/bin/(netspec .*)\n(?!\t)", (ROOT / "Makefile").read_text(), re.MULTILINE
    )
    if recipe is None:
        raise Mismatch("the Makefile's `demo` is not one netspec command")
    return recipe[1]


def run_page(page: str, folder: Path) -> int:
    """Run a page's blocks; how many there were. Raises Mismatch with the line of the first that is wrong."""
    session, found = Session(folder), blocks(page)
    for block, following in zip(found, [*found[1:], None], strict=True):
        try:
            session.run(block, following)
        except Mismatch as mismatch:
            raise Mismatch(f"line {block.line}, {block.language} block:\n{mismatch}") from None
    return len(found)


def rewrite_page(page: str, folder: Path) -> str:
    """The page with the outputs of its console blocks as they are now."""
    session = Session(folder)
    parts, at = [], 0
    found = blocks(page)
    for block, following in zip(found, [*found[1:], None], strict=True):
        if block.language == "console":
            parts += [page[at : block.start], session.rewritten(block)]
            at = block.end
        else:
            session.run(block, following)
    return "".join([*parts, page[at:]])
