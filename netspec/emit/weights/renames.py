"""`--rename REGEX=TEXT`: other names for the tensors of a file."""

from __future__ import annotations

import re
import shlex
import signal
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import click

from netspec.emit.style import printable
from netspec.emit.weights.files import LONGEST_NAME

_LONGEST_REGEX = 1000
SECONDS = 10  # of processor time that all rules may take


class Rename(NamedTuple):
    """Put `text` where `pattern` is found, as `re.sub` does."""

    pattern: re.Pattern[str]
    text: str


def parse(rules: Sequence[str]) -> list[Rename]:
    """The rules of the command line. Raises UsageError."""
    return [_parse(rule) for rule in rules]


def _parse(rule: str) -> Rename:
    at = _equals(rule)
    if at is None:
        raise click.UsageError(f"--rename takes REGEX=TEXT, not {printable(rule)!r}")
    regex, text = rule[:at], rule[at + 1 :]
    if not regex:
        shown = printable(text)
        raise click.UsageError(
            f"--rename takes REGEX=TEXT: {'=' + shown!r} has no REGEX; '^={shown}' begins every name"
        )
    if len(regex) > _LONGEST_REGEX:
        raise click.UsageError(f"--rename has a regular expression of more than {_LONGEST_REGEX:,} characters")
    try:
        pattern = re.compile(regex)
    except re.error as error:
        raise _wrong(rule, error.pos or 0, error.msg) from None
    except (OverflowError, RecursionError):
        raise _wrong(rule, 0, "it is too large") from None
    nested = _nested_repeat(regex)
    if nested is not None:
        raise _wrong(rule, nested, "this repeats a group that has repeats or alternatives, which can take for ever")
    try:
        pattern.sub(text, "")
    except re.error as error:
        raise _wrong(rule, at + 1 + (error.pos or 0), error.msg) from None
    except IndexError as error:
        raise _wrong(rule, at + 1, str(error)) from None
    return Rename(pattern, text)


def _wrong(rule: str, at: int, reason: str) -> click.UsageError:
    """What is wrong with a rule, with a mark at the place."""
    shown = printable(rule)
    return click.UsageError(f"--rename: {reason}\n  {shown}\n  {' ' * at}^")


def _equals(rule: str) -> int | None:
    """Where the first `=` is that has no backslash before it and is not part of a group such as `(?=...)`."""
    escaped = False
    for at, character in enumerate(rule):
        if character == "=" and not escaped and not rule.endswith(("(?", "(?<", "(?P"), 0, at):
            return at
        escaped = character == "\\" and not escaped
    return None


def _nested_repeat(regex: str) -> int | None:
    """Where a group with a repeat or alternatives in it is repeated: trying all ways to split a name takes for ever."""
    open_groups: list[bool] = []  # of each group that is open: whether it has a repeat or alternatives
    closed = False  # whether the last thing was such a group
    at = 0
    while at < len(regex):
        character = regex[at]
        repeats = character in "*+{"
        if repeats and closed:
            return at
        closed = False
        if character == "\\":
            at += 1
        elif character == "[":
            at = _class_end(regex, at)
        elif character == "(":
            open_groups.append(False)
        elif character == ")" and open_groups:
            closed = open_groups.pop()
            if open_groups and closed:
                open_groups[-1] = True
        elif (repeats or character == "|") and open_groups:
            open_groups[-1] = True
        at += 1
    return None


def _class_end(regex: str, at: int) -> int:
    """Where a set of characters, which begins at `at`, ends. A `]` that is its first character is one of them."""
    at += 2 if regex[at + 1 : at + 2] == "^" else 1
    first = at
    while at < len(regex) and (regex[at] != "]" or at == first):
        at += 2 if regex[at] == "\\" else 1
    return at


@contextmanager
def timed() -> Iterator[None]:
    """Let rules be tried for so long and no longer: a regular expression may need more steps than anyone waits for.

    Raises UsageError. Only the main thread can be interrupted, and not on Windows.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    def end(number: int, frame: Any) -> None:
        raise click.UsageError(
            f"--rename takes more than {SECONDS} seconds: write a regular expression with fewer repeats"
        )

    before = signal.signal(signal.SIGVTALRM, end)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before if before is not None else signal.SIG_DFL)


def renamed(name: str, rules: Iterable[Rename]) -> str:
    """A name after all rules, one after another. Raises UsageError where it becomes too long."""
    for rule in rules:
        name = rule.pattern.sub(rule.text, name)
        if len(name) > LONGEST_NAME:
            raise click.UsageError(
                f"--rename {printable(rule.pattern.pattern)!r} makes a name of more than {LONGEST_NAME:,} characters"
            )
    return name


def rule(regex: str, text: str) -> str:
    """A rule as it is given to a shell. `regex`: with `escaped` names."""
    return f"--rename {shlex.quote(f'{regex}={text}')}"


def escaped(name: str) -> str:
    """A regular expression that finds a name."""
    return re.escape(name).replace("=", "\\=")
