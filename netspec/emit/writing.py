"""Files are replaced whole or not at all."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from secrets import token_hex
from typing import Any, BinaryIO

from netspec.emit.style import size_text

_OPEN = "/proc/self/fd"  # where open files are found by their numbers
_PREFIX, _SUFFIX = ".netspec-", ".tmp"  # of the names of files that are being written
_ENDING = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


def reason_of(error: OSError) -> str:
    text = error.strerror or "input or output failed"
    return text[:1].lower() + text[1:]


def replace(path: str, data: bytes) -> str | None:
    """Write a file, as a whole or not at all; why it could not be done, if so."""
    try:
        with replacing(path) as file:
            file.write(data)
    except OSError as error:
        return reason_of(error)
    return None


@contextmanager
def replacing(path: str) -> Iterator[BinaryIO]:
    """A file that takes the place of another when the block ends. An exception leaves everything as it was.

    Raises OSError where the file cannot be written.
    """
    with replacing_all([path]) as (file,):
        yield file


@contextmanager
def replacing_all(paths: Sequence[str]) -> Iterator[list[BinaryIO]]:
    """The same for several files, which take their places together, the last path's last."""
    targets = [os.path.realpath(path) for path in paths]
    for target in targets:
        _check(target)
    with _handling(_ENDING, _end), _temporaries(targets) as files:
        yield files


@contextmanager
def _temporaries(targets: Sequence[str]) -> Iterator[list[BinaryIO]]:
    """New files beside the targets, which they become when the block ends."""
    files: list[BinaryIO] = []
    names: list[str | None] = []
    temporary: list[str] = []  # names that are to go again
    try:
        for target in targets:
            file, name = _new_file(os.path.dirname(target))
            files.append(file)
            names.append(name)
            temporary += [name] if name is not None else []
        yield files
        for file in files:
            file.flush()
            os.fsync(file.fileno())
        with _uninterrupted():
            for index, (file, target) in enumerate(zip(files, targets, strict=True)):
                name = names[index]
                if name is None:
                    name = names[index] = _link(file, os.path.dirname(target))
                    temporary.append(name)
                file.close()
                if os.path.lexists(target):
                    _make_alike(name, target)
                else:
                    mask = os.umask(0)
                    os.umask(mask)
                    os.chmod(name, 0o666 & ~mask)
            for name, target in zip(filter(None, names), targets, strict=True):
                os.replace(name, target)
                temporary.remove(name)
    finally:
        for name in temporary:
            os.unlink(name)
        for file in files:
            try:
                file.close()
            except OSError:  # what could not be written is gone already
                pass


def _new_file(folder: str) -> tuple[BinaryIO, str | None]:
    """A new file in a folder, and its name. Where the system can do that it has none, so that nothing is left of it
    even if the program is killed."""
    if hasattr(os, "O_TMPFILE") and os.path.isdir(_OPEN):
        try:
            return os.fdopen(os.open(folder, os.O_TMPFILE | os.O_WRONLY, 0o600), "wb"), None
        except OSError:  # not all file systems have them; what else is wrong comes up again
            pass
    descriptor, name = tempfile.mkstemp(dir=folder, prefix=_PREFIX, suffix=_SUFFIX)
    return os.fdopen(descriptor, "wb"), name


def _link(file: BinaryIO, folder: str) -> str:
    """Give a file that has no name one in a folder."""
    name = os.path.join(folder, f"{_PREFIX}{token_hex(8)}{_SUFFIX}")
    number = file.fileno()
    os.link(f"{_OPEN}/{number}", name, src_dir_fd=number)  # with a folder given, links are followed
    return name


def _check(path: str) -> None:
    """Raises OSError where a path cannot be a file that is written."""
    if not os.path.lexists(path):
        return
    if not os.path.isfile(path):
        raise OSError(0, "it is not a file")
    if not os.access(path, os.W_OK):
        raise PermissionError(0, "permission denied")


def check_room(path: str, count: int) -> None:
    """Raises OSError where so many bytes are not free on the disk."""
    try:
        free = shutil.disk_usage(os.path.dirname(os.path.realpath(path))).free
    except OSError:  # the folder does not exist, which is told where the file is made
        return
    if count > free:
        raise OSError(0, f"it takes {size_text(count)}, and {size_text(free)} are free")


def _make_alike(path: str, other: str) -> None:
    """Give a file the owner and the permissions of another."""
    status, wanted = os.stat(path), os.stat(other)
    if (status.st_uid, status.st_gid) != (wanted.st_uid, wanted.st_gid):
        os.chown(path, wanted.st_uid, wanted.st_gid)
    os.chmod(path, stat.S_IMODE(wanted.st_mode))


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let signals that would end the program wait."""
    waiting: list[int] = []
    with _handling((signal.SIGINT, *_ENDING), lambda number, frame: waiting.append(number)):
        yield
    for number in waiting:
        signal.raise_signal(number)


@contextmanager
def _handling(numbers: Sequence[int], handler: Callable[[int, Any], Any]) -> Iterator[None]:
    """Handle signals so for a while, where this is possible."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard = [number for number in numbers if signal.getsignal(number) != signal.SIG_IGN]  # as under nohup
    before = {number: signal.signal(number, handler) for number in heard}
    try:
        yield
    finally:
        for number, known in before.items():
            signal.signal(number, known if known is not None else signal.SIG_DFL)


def _end(number: int, frame: Any) -> None:
    """Leave as a program that a signal ended, but in order, so that no file stays behind."""
    raise SystemExit(128 + number)


def same_file(path: str, other: str) -> bool:
    """Whether two paths are one file."""
    try:
        return os.path.samefile(path, other)
    except OSError:  # one of them does not exist
        return os.path.realpath(path) == os.path.realpath(other)
