"""What a run cannot do, told in one sentence."""

from __future__ import annotations

import os
import stat

import click

from netspec.emit.style import printable
from netspec.emit.writing import reason_of


class Refused(click.ClickException, ValueError):
    """The command, or what it was given, is wrong. On the command line it ends with exit code 2."""

    exit_code = 2

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


def size_of(path: str) -> int:
    """Bytes of a file. Raises Refused where there is none that can be read."""
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            raise Refused(f"cannot read {path}: it is not a file")
        with open(path, "rb"):
            return status.st_size
    except (OSError, ValueError) as error:
        if isinstance(error, Refused):
            raise
        reason = reason_of(error) if isinstance(error, OSError) else "it is no path"  # it has a zero byte
        raise Refused(f"cannot read {path}: {reason}") from None
