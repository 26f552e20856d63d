"""Colour and width of text on a terminal."""

from __future__ import annotations

import os
import unicodedata
from typing import IO

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36"}


def paint(text: str, style: str, color: bool) -> str:
    """The text in a style such as "bold red", if colour is wanted."""
    if not color or not text:
        return text
    codes = ";".join(_CODES[word] for word in style.split())
    return f"\x1b[{codes}m{text}\x1b[0m"


def wants_color(choice: str, stream: IO[str]) -> bool:
    """Whether to colour: `choice` is always, never or auto, which asks NO_COLOR, FORCE_COLOR and the terminal."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return os.environ.get("TERM") != "dumb" and stream.isatty()


def terminal_width(stream: IO[str]) -> int | None:
    """Columns of the terminal, or None where the stream is none: then nothing is shortened."""
    if not stream.isatty():
        return None
    try:
        return max(os.get_terminal_size(stream.fileno()).columns, 40)
    except (OSError, ValueError):
        return None


def width(text: str) -> int:
    """How many cells a text takes: wide characters two, combining ones none."""
    if text.isascii():
        return len(text)
    total = 0
    for character in text:
        if unicodedata.combining(character) or unicodedata.category(character) in ("Cf", "Mn", "Me"):
            continue
        total += 2 if unicodedata.east_asian_width(character) in "WF" else 1
    return total


def printable(text: str) -> str:
    """The text without control characters, which could command a terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\t" else "\N{REPLACEMENT CHARACTER}" for c in text)


def size_text(size: object) -> str:
    """Bytes for people: 234.4 KiB."""
    if not isinstance(size, int):
        text = str(size)  # a formula; the peak of a symbolic net is the maximum of many
        return "?" if size is None else f"{text} bytes" if len(text) <= 100 else "a long formula (see --format json)"
    if size < 1024:
        return f"{size} bytes"
    units = ("KiB", "MiB", "GiB", "TiB", "PiB")
    power = min((size.bit_length() - 1) // 10, len(units))
    return f"{size / 1024**power:,.1f} {units[power - 1]}"


def number(value: object) -> str:
    """A figure with thousands separated; `?` for an unknown one; a formula as it is."""
    if value is None:
        return "?"
    return f"{value:,}" if isinstance(value, int) else str(value)


def plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
