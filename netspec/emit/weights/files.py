"""Files of weights: one interface to three formats. What is in a file is read when it is opened, its numbers when they
are asked for, in pieces. Nothing of a file is run, and no name in it becomes a path.
"""

from __future__ import annotations

import os
import weakref
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, Self

from netspec.diagnostics import Problem, SpecError
from netspec.emit.weights.elements import READ_BYTES, Entry
from netspec.problems.weights import BadWeights, CannotReadWeights, MoreThanTensors

if TYPE_CHECKING:
    import numpy as np

LONGEST_NAME = 1000  # characters of a tensor's name
_LOST = "it may have been cut short or damaged on its way: fetch or save it again"


class Damaged(Exception):
    """A file is not as its format says: why, and what may be done."""

    def __init__(self, reason: str, remedy: str = _LOST) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


class Refused(Exception):
    """A pickle names something that tensors do not need."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class WeightFile(ABC):
    """An open file of weights. `entries`: its tensors by name, in the file's order."""

    kind: ClassVar[str]
    _damaged = (Damaged, OSError, EOFError, zipfile.BadZipFile, zlib.error)

    def __init__(self, path: str, file: BinaryIO) -> None:
        self.path = path
        self._file = file
        self._size = os.fstat(file.fileno()).st_size
        self._finalizer = weakref.finalize(self, file.close)
        self.entries: dict[str, Entry] = {}

    def chunks(self, name: str) -> Iterator[np.ndarray[Any, Any]]:
        """The elements of a tensor in order, as flat arrays. Raises SpecError where the file cannot be read on."""
        try:
            yield from self._chunks(name)
        except self._damaged as error:
            reason = error.reason if isinstance(error, Damaged) else f"`{name}` cannot be read: {reason_of(error)}"
            raise error_of(BadWeights(file=self.path, kind=self.kind, reason=reason, remedy=_LOST), self.path) from None

    @abstractmethod
    def _chunks(self, name: str) -> Iterator[np.ndarray[Any, Any]]: ...

    def _read(self, start: int, count: int) -> Iterator[bytes]:
        """A part of the file, in pieces."""
        while count:
            self._file.seek(start)
            data = self._file.read(min(count, READ_BYTES))
            if len(data) < min(count, READ_BYTES):
                raise Damaged("it ends before its numbers do")
            yield data
            start += len(data)
            count -= len(data)

    def _add(self, name: str, entry: Entry) -> None:
        """Note a tensor. Raises Damaged."""
        if len(name) > LONGEST_NAME:
            raise Damaged(f"a tensor's name has {len(name):,} characters, at most {LONGEST_NAME:,} can be used", "")
        if name in self.entries:
            raise Damaged(f"the tensor `{name}` occurs twice")
        self.entries[name] = entry

    def close(self) -> None:
        self._finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_weights(path: str) -> WeightFile:
    """Open a file of weights by the ending of its name. Raises SpecError where it cannot be read or is not sound."""
    reader = _reader(path)
    try:
        if not os.path.isfile(path) and os.path.exists(path):
            raise OSError(0, "it is not a file")
        file = open(path, "rb")  # noqa: SIM115
    except (OSError, ValueError) as error:
        problem = CannotReadWeights(file=path, reason=reason_of(error), remedy="check the path")
        raise error_of(problem, path) from None
    try:
        return reader(path, file)
    except Refused as refused:
        file.close()
        raise error_of(MoreThanTensors(file=path, name=refused.name), path) from None
    except (Damaged, OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        file.close()
        damage = error if isinstance(error, Damaged) else Damaged(reason_of(error))
        bad = BadWeights(file=path, kind=reader.kind, reason=damage.reason, remedy=damage.remedy)
        raise error_of(bad, path) from None


def _reader(path: str) -> type[WeightFile]:
    """The class that reads a file. Raises SpecError for an unknown ending."""
    ending = os.path.splitext(path)[1].lower()
    if ending == ".safetensors":
        from netspec.emit.weights.safetensors import SafetensorsFile

        return SafetensorsFile
    if ending == ".npz":
        from netspec.emit.weights.npz import NpzFile

        return NpzFile
    if ending in (".pt", ".pth", ".bin", ".ckpt"):
        from netspec.emit.weights.checkpoint import TorchFile

        return TorchFile
    reason = f"no format of weights goes by the ending {ending!r}" if ending else "its name has no ending"
    remedy = "weights are in .safetensors, .npz, .pt, .pth, .bin or .ckpt files"
    raise error_of(CannotReadWeights(file=path, reason=reason, remedy=remedy), path)


def error_of(problem: Problem, path: str) -> SpecError:
    return SpecError((problem.nowhere(path),))


def reason_of(error: Exception) -> str:
    text = (error.strerror if isinstance(error, OSError) else None) or str(error) or "input failed"
    return text[:1].lower() + text[1:]
