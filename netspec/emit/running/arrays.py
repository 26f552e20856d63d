"""Arrays from .npy and .npz files. What a file says of itself is checked before memory is taken for it."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from math import prod
from typing import TYPE_CHECKING, Any, BinaryIO

from netspec.diagnostics import nearest
from netspec.emit.running.refusal import Refused, size_of
from netspec.emit.style import size_text
from netspec.emit.weights.archives import Archive
from netspec.emit.weights.files import Damaged
from netspec.emit.weights.npz import LONGEST_HEAD

if TYPE_CHECKING:
    import numpy as np

LARGEST = 2**32  # bytes of one input
_KINDS = "biufc"  # of numpy's element types: truth values and numbers
_SHOWN = 8  # members of a file that are named


@dataclass(frozen=True)
class Given:
    """An array that can be read. `source`: what it is called in messages."""

    source: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    read: Callable[[], np.ndarray[Any, Any]]


def given(array: Any, source: str) -> Given:
    """An array that is there already. Raises Refused where it is none."""
    import numpy as np

    try:
        made = np.asarray(array)
    except ValueError:
        raise Refused(f"{source} is no array: its rows differ in length") from None
    _check_kind(made.dtype, source)
    return Given(source, made.shape, made.dtype, lambda: made)


def npy(path: str) -> Given:
    """The array of a .npy file. Raises Refused."""
    return _array(lambda: open(path, "rb"), size_of(path), path)


def npz(path: str, member: str | None, usual: str) -> Given:
    """A member of a .npz file: the one that is named, the only one, or that with the input's name. Raises Refused."""
    size_of(path)
    try:
        with open(path, "rb") as file:
            members = Archive(file).members
    except (OSError, Damaged) as damage:
        reason = damage.reason if isinstance(damage, Damaged) else "it cannot be read"
        raise Refused(f"{path} is no .npz file: {reason}") from None
    infos = {name.removesuffix(".npy"): info for name, info in members.items()}
    info = infos[_chosen(path, member, usual, list(infos))]

    def opened() -> Any:
        return zipfile.ZipFile(path).open(info)

    return _array(opened, info.file_size, f"{path}:{info.filename.removesuffix('.npy')}")


def _chosen(path: str, member: str | None, usual: str, names: list[str]) -> str:
    if member is None:
        if len(names) == 1:
            return names[0]
        if usual in names:
            return usual
        choice = f"{path}:{names[0]}" if names else ""
        told = f"{_listed(names)}; choose one, as {choice}" if names else "none"
        raise Refused(f"{path} has no array called {usual}; its arrays: {told}")
    if member in names:
        return member
    close = nearest(member, names)
    told = f"did you mean {close}?" if close else f"its arrays: {_listed(names) or 'none'}"
    raise Refused(f"{path} has no array called {member}; {told}")


def _listed(names: list[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more:,} more" if more > 0 else "")


def _array(opened: Callable[[], BinaryIO], size: int, source: str) -> Given:
    """The array of a file, of which the header is read."""
    import numpy as np

    with _failures(source), opened() as file:
        shape, columns, dtype, start = _header(file, source)
    need = prod(shape) * dtype.itemsize
    if need > LARGEST:
        raise Refused(f"{source} is too large: {size_text(need)}, at most {size_text(LARGEST)} can be given")
    if need > size - start:
        raise Refused(f"{source} is cut short: it has {size - start:,} bytes of numbers, and its header says {need:,}")

    def read() -> np.ndarray[Any, Any]:
        with _failures(source), opened() as file:
            file.read(start)
            data = file.read(need)
        if len(data) != need:
            raise Refused(f"{source} is cut short")
        return np.frombuffer(data, dtype).reshape(shape, order="F" if columns else "C")

    return Given(source, shape, dtype, read)


def _header(file: BinaryIO, source: str) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    import warnings

    from numpy.lib import format as npy_format

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of headers that Python 2 wrote
        version = npy_format.read_magic(file)
        if version not in ((1, 0), (2, 0)):
            raise Refused(f"{source} is of version {version[0]}.{version[1]} of .npy, which only tables have")
        reader = npy_format.read_array_header_1_0 if version == (1, 0) else npy_format.read_array_header_2_0
        told = file.read(2 if version == (1, 0) else 4)
        length = int.from_bytes(told, "little")
        if length > LONGEST_HEAD:  # which numpy tells only once it has read it all
            raise Refused(f"{source} is damaged: its header has {length:,} bytes, at most {LONGEST_HEAD:,} are read")
        shape, columns, dtype = reader(BytesIO(told + file.read(length)))
        start = file.tell()
    _check_kind(dtype, source)
    if any(size < 0 for size in shape):
        raise Refused(f"{source} is no .npy file: an axis has the size {min(shape)}")
    return shape, columns, dtype, start


def _check_kind(dtype: np.dtype[Any], source: str) -> None:
    if dtype.kind not in _KINDS:
        what = {"O": "Python objects", "U": "texts", "S": "texts", "M": "dates", "m": "times"}.get(
            dtype.kind, "records"
        )
        raise Refused(f"{source} has {what}, not numbers")


class _failures:
    """Tells what a damaged file does to its reader."""

    def __init__(self, source: str) -> None:
        self.source = source

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if error is None or isinstance(error, Refused) or not isinstance(error, Exception):
            return
        if isinstance(error, MemoryError):
            raise Refused(f"{self.source} does not fit in memory") from None
        # zipfile and numpy raise many kinds: BadZipFile, EOFError, ValueError, RuntimeError, zlib.error, SyntaxError
        raise Refused(f"{self.source} is damaged, or no array of numpy") from None
