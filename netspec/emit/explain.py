"""`netspec explain`: every code of a diagnostic with its rule, an example that is checked, and the example mended.

An example is the text of a spec, `example.net`, and is shown by what `netspec check example.net` says about it.
Four kinds of lines say more:

    $ netspec check example.net --set H=8     as the first line: the command to use instead
    # file: parts.net                         what follows is another file
    # file: w.safetensors                     what follows is the header of a file of weights; its numbers are 0
    # 64 times: block b<i> { b<i + 1> }       stands for so many lines; `<i>` counts from 0

The text of a `.pt` file is the name of the Python function to which its pickle refers.

A lone surrogate stands for a byte that is not UTF-8, as in Python's `surrogateescape`.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from functools import cache
from importlib import import_module
from inspect import cleandoc
from io import BytesIO, StringIO
from itertools import zip_longest
from pathlib import Path
from pkgutil import iter_modules
from tempfile import TemporaryDirectory
from textwrap import fill, indent
from typing import NamedTuple
from zipfile import ZipFile

import click

from netspec import problems
from netspec.diagnostics import Problem
from netspec.emit.style import paint, printable, wants_color

_WIDTH = 100
_COMMAND = "netspec check example.net"
_FILE = re.compile(r"^# file: (\S+)\n", re.MULTILINE)
_TIMES = re.compile(r"^( *)# (\d+) times: (.*)$", re.MULTILINE)


class Example(NamedTuple):
    """A command, and the files that it finds."""

    command: str
    files: dict[str, str]

    @property
    def shown(self) -> str:
        """The files as they are shown: their text, each but the first under its name."""
        parts = [(f"# file: {name}\n" if index else "") + text for index, (name, text) in enumerate(self.files.items())]
        return printable_lines("\n".join(parts))


def read(text: str) -> Example:
    """An example as it is written in a problem's class."""
    text = cleandoc(text) + "\n"
    command = _COMMAND
    if text.startswith("$ "):
        first, _, text = text.partition("\n")
        command = first.removeprefix("$ ")
    own, *others = _FILE.split(text)
    files = {"example.net": own, **dict(zip(others[::2], others[1::2], strict=True))}
    return Example(command, {name: content.strip("\n") + "\n" for name, content in files.items() if content.strip()})


def expanded(text: str) -> str:
    """A file's text with its `# n times:` lines written out."""

    def lines(match: re.Match[str]) -> str:
        return "\n".join(
            match[1] + match[3].replace("<i>", str(i)).replace("<i + 1>", str(i + 1)) for i in range(int(match[2]))
        )

    return _TIMES.sub(lines, text)


def answer(example: Example, command: click.Command, colored: bool = False) -> str:
    """What the command says about the example: its diagnostics, or where there are none what it prints."""
    out, err = StringIO(), StringIO()
    with TemporaryDirectory() as folder, chdir(folder), redirect_stdout(out), redirect_stderr(err):
        for name, text in example.files.items():
            Path(name).write_bytes(content(name, text))
        words = shlex.split(example.command.removeprefix("netspec "))
        words += ["--color", "always" if colored else "never"]
        try:
            command.main(words, "netspec", standalone_mode=False)
        except SystemExit:
            pass  # the exit code; what is wrong has been said
    return (err.getvalue() or out.getvalue()).strip("\n")


def content(name: str, text: str) -> bytes:
    """The bytes of a file whose text an example has."""
    if name.endswith(".safetensors"):
        header = text.encode()
        numbers = max(int(end) for end in re.findall(r"(\d+)\]\}", text))
        return len(header).to_bytes(8, "little") + header + bytes(numbers)
    if name.endswith(".pt"):
        module, _, function = text.strip().rpartition(".")
        archive = BytesIO()
        with ZipFile(archive, "w") as file:
            file.writestr("archive/data.pkl", b"\x80\x02c" + f"{module}\n{function}\n.".encode())
        return archive.getvalue()
    return expanded(text).encode("utf-8", "surrogateescape")


# -- the command ----------------------------------------------------------------------------------------


def show(code: str | None, markdown: bool, color: str, command: click.Command) -> int:
    """Print what `netspec explain` was asked for; the exit code. Raises UsageError for an unknown code.

    command: `netspec` itself, which says what is wrong with the examples.
    """
    colored = wants_color(color, sys.stdout)
    if code is None:
        click.echo(document(command) if markdown else listing(colored), nl=not markdown, color=colored)
        return 0
    problem = every_problem().get(code.upper())
    if problem is None:
        close = similar(code)
        remedy = f"did you mean {close}?" if close else "`netspec explain` lists them all"
        raise click.UsageError(f"there is no code {printable(code)}; {remedy}")
    click.echo(section(problem, command) if markdown else explanation(problem, command, colored), color=colored)
    return 0


def similar(code: str) -> str | None:
    """The code that is probably meant, with at most two characters that are missing or others."""

    def distance(known: str) -> int:
        return sum(a != b for a, b in zip_longest(reversed(code.upper()), reversed(known)))

    close = min(every_problem(), key=distance)
    return close if distance(close) <= 2 else None


@cache
def every_problem() -> dict[str, type[Problem]]:
    """All problems by their codes, in the order of the codes."""
    found = (problem for listed in families().values() for problem in listed)
    return {problem.code: problem for problem in sorted(found, key=lambda problem: problem.code)}


@cache
def families() -> dict[str, list[type[Problem]]]:
    """The problems by what they are about, which the docstring of their module says."""
    found: dict[str, list[type[Problem]]] = {}
    for info in iter_modules(problems.__path__):
        module = import_module(f"{problems.__name__}.{info.name}")
        codes, _, title = (module.__doc__ or "").split("\n")[0].partition(": ")
        listed = [value for value in vars(module).values() if is_problem(value) and value.__module__ == module.__name__]
        title = title[:1].upper() + title[1:].split(".")[0]
        found[f"{title} ({codes})"] = sorted(listed, key=lambda problem: problem.code)
    return dict(sorted(found.items(), key=lambda family: family[1][0].code))


def is_problem(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, Problem)


def listing(colored: bool = False) -> str:
    """All codes with their titles, a line for each."""
    lines: list[str] = []
    for title, listed in families().items():
        lines += ["", paint(title, "bold", colored)]
        lines += [f"  {problem.code}  {problem.about}" for problem in listed]
    return "\n".join([*lines[1:], "", "`netspec explain CODE` explains one."])


def explanation(problem: type[Problem], command: click.Command, colored: bool = False) -> str:
    """Everything about a code, as plain text."""

    def block(text: str) -> str:
        return indent(text.rstrip("\n"), "  ")

    wrong, mended = read(problem.wrong), read(problem.mended)
    said = answer(wrong, command, colored)
    lines = [paint(f"{problem.code}  {problem.about}", "bold", colored)]
    for paragraph in paragraphs(problem):
        lines += ["", paragraph]
    lines += ["", paint("Wrong", "bold", colored)]
    lines += [f"\n{block(part)}" for part in (wrong.shown, f"$ {wrong.command}\n{said}") if part]
    lines += ["", paint("Mended", "bold", colored)]
    lines += [f"\n{block(part)}" for part in changed(wrong, mended)]
    return "\n".join(lines)


def changed(wrong: Example, mended: Example) -> Iterator[str]:
    """What has to be shown of the mended example: the files and the command, where they differ."""
    if mended.files != wrong.files:
        yield mended.shown
    if mended.command != wrong.command:
        yield f"$ {mended.command}"


def section(problem: type[Problem], command: click.Command) -> str:
    """The same as a section of docs/diagnostics.md."""
    wrong, mended = read(problem.wrong), read(problem.mended)
    parts = [f"### {problem.code}", f"**{problem.about}.**", *map(escape, paragraphs(problem))]
    parts += [fenced(part) for part in (wrong.shown, f"$ {wrong.command}\n{answer(wrong, command)}") if part]
    parts += ["Mended:", *(fenced(part) for part in changed(wrong, mended))]
    return "\n\n".join(parts)


def document(command: click.Command) -> str:
    """docs/diagnostics.md."""
    lines = [
        "# Diagnostics",
        "",
        "<!-- Written by `netspec explain --markdown` from netspec/problems. Change that, then run `make docs`. -->",
        "",
        "Everything that netspec can say about a spec, by its code: the rule, an example that breaks it with what",
        "`netspec check` says about that, and the example mended. `netspec explain NS303` prints the same for one",
        "code. A second file of an example follows a line `# file: name`: a file of weights by its header, a file of",
        "torch by the name that it refers to. A line `# 64 times: ...` stands for so many lines, in which `<i>`",
        "counts from 0.",
    ]
    for title, listed in families().items():
        lines += ["", f"**{title}**", ""]
        lines += [f"- [{problem.code}](#{problem.code.lower()}) {escape(problem.about)}" for problem in listed]
    for title, listed in families().items():
        lines += ["", f"## {title}"]
        for problem in listed:
            lines += ["", section(problem, command)]
    return "\n".join(lines) + "\n"


# -- texts ----------------------------------------------------------------------------------------------


def paragraphs(problem: type[Problem]) -> list[str]:
    """The explanation, filled to the width of a line."""
    text = cleandoc(problem.__doc__ or "")
    return [fill(" ".join(part.split()), _WIDTH, break_on_hyphens=False) for part in text.split("\n\n")]


def printable_lines(text: str) -> str:
    return "\n".join(map(printable, text.split("\n")))


def fenced(text: str) -> str:
    return f"```\n{text.rstrip()}\n```"


def escape(text: str) -> str:
    """Prose for Markdown: `*`, `<` and `[` outside backquotes are themselves."""
    parts = text.split("`")
    parts[::2] = [re.sub(r"([*<\[\\_])", r"\\\1", part) for part in parts[::2]]
    return "`".join(parts)
