"""Files of numpy: a zip archive with an array in each member (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html).

The head of an array is a Python literal, which is read as such and never run; arrays of objects, which are pickles, are
refused.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any, BinaryIO, ClassVar, NamedTuple

from netspec.emit.weights.archives import Archive, read_exactly
from netspec.emit.weights.elements import MOST_AXES, READ_BYTES, Entry, numbers
from netspec.emit.weights.files import Damaged, WeightFile

if TYPE_CHECKING:
    import numpy as np

_MAGIC = b"\x93NUMPY"
LONGEST_HEAD = 10_000  # bytes, of numpy
_DTYPES = {
    "f8": "float64", "f4": "float32", "f2": "float16", "c8": "complex64", "c16": "complex128", "b1": "bool",
    "i8": "int64", "i4": "int32", "i2": "int16", "i1": "int8",
    "u8": "uint64", "u4": "uint32", "u2": "uint16", "u1": "uint8",
}  # fmt: skip


class _Head(NamedTuple):
    entry: Entry
    big_endian: bool
    fortran: bool  # the first axis is the fastest
    length: int  # bytes before the numbers


class NpzFile(WeightFile):
    kind: ClassVar[str] = "npz"

    def __init__(self, path: str, file: BinaryIO) -> None:
        super().__init__(path, file)
        self._archive = Archive(file)
        self._heads: dict[str, _Head] = {}
        for member, info in self._archive.members.items():
            name = member.removesuffix(".npy")
            if name == member:
                raise Damaged(f"its member `{member}` is not an array", "an .npz file has .npy members alone")
            with self._archive.open(member) as stream:
                head = _head(stream, name)
            needed = head.length + head.entry.bytes
            if info.file_size != needed:
                raise Damaged(f"`{name}` has {info.file_size:,} bytes, its shape and type need {needed:,}")
            self._add(name, head.entry)
            self._heads[name] = head

    def _chunks(self, name: str) -> Iterator[np.ndarray[Any, Any]]:
        head = self._heads[name]
        with self._archive.open(f"{name}.npy") as stream:
            read_exactly(stream, head.length)
            if head.fortran and len(head.entry.shape) > 1:
                array = numbers(read_exactly(stream, head.entry.bytes), head.entry.dtype, head.big_endian)
                yield array.reshape(head.entry.shape[::-1]).T.reshape(-1)
                return
            left = head.entry.bytes
            while left:
                data = read_exactly(stream, min(left, READ_BYTES))
                yield numbers(data, head.entry.dtype, head.big_endian)
                left -= len(data)
            stream.read(1)  # at the end the sum of the whole is compared


def _head(stream: IO[bytes], name: str) -> _Head:
    """The head of an array. Raises Damaged."""
    start = read_exactly(stream, 8)
    version = start[6]
    if start[:6] != _MAGIC or version not in (1, 2, 3):
        raise Damaged(f"`{name}` does not begin as an array")
    digits = 2 if version == 1 else 4
    length = int.from_bytes(read_exactly(stream, digits), "little")
    if length > LONGEST_HEAD:
        raise Damaged(f"the head of `{name}` has {length:,} bytes, at most {LONGEST_HEAD:,} are read")
    text = read_exactly(stream, length)
    try:
        about = ast.literal_eval(text.decode("utf-8" if version == 3 else "latin-1").strip())
        descr, fortran, shape = about["descr"], about["fortran_order"], about["shape"]
    except (ValueError, SyntaxError, TypeError, KeyError, IndexError, MemoryError, RecursionError):
        raise Damaged(f"the head of `{name}` is not that of an array") from None
    if not _is_shape(shape) or not isinstance(fortran, bool):
        raise Damaged(f"the head of `{name}` is not that of an array")
    return _Head(Entry(shape, _dtype(descr, name)), descr[:1] == ">", fortran, 8 + digits + length)


def _is_shape(shape: Any) -> bool:
    return (
        isinstance(shape, tuple)
        and len(shape) <= MOST_AXES
        and all(type(size) is int and 0 <= size < 2**63 for size in shape)
    )


def _dtype(descr: Any, name: str) -> str:
    """numpy's text for an element type as its name. Raises Damaged."""
    if isinstance(descr, str) and descr[:1] in "<>|=" and descr[1:] in _DTYPES:
        return _DTYPES[descr[1:]]
    if isinstance(descr, str) and descr[1:] in ("O", "O8"):
        raise Damaged(f"`{name}` holds Python objects, which are not read", "save arrays of numbers")
    if descr in ("<V2", "|V2"):
        raise Damaged(
            f"`{name}` has elements of 2 bytes without a type, as numpy writes bfloat16",
            "save it as float32, or as .safetensors, which has bfloat16",
        )
    raise Damaged(f"`{name}` has elements that are not numbers of a known type", "save arrays of numbers")
