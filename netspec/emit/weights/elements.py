"""Element types of tensors in files: how large they are, and their bytes as numbers."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    import numpy as np

BITS = {
    "float64": 64, "float32": 32, "float16": 16, "bfloat16": 16,
    "int64": 64, "int32": 32, "int16": 16, "int8": 8, "uint64": 64, "uint32": 32, "uint16": 16, "uint8": 8, "bool": 8,
    "complex128": 128, "complex64": 64, "complex32": 32,
    "float8_e5m2": 8, "float8_e4m3fn": 8, "float8_e5m2fnuz": 8, "float8_e4m3fnuz": 8, "float8_e8m0fnu": 8,
    "float6_e2m3": 6, "float6_e3m2": 6, "float4_e2m1": 4,
    "qint8": 8, "quint8": 8, "qint32": 32,
}  # fmt: skip
FLOATS = ("float32", "float16", "bfloat16", "float64")
INTEGERS = ("int64", "int32", "int16", "int8", "uint64", "uint32", "uint16", "uint8")
MOST_AXES = 64  # of a tensor, as numpy has it
READ_BYTES = 1 << 24  # at once; a multiple of every element's size


class Tensors(Protocol):
    """The numbers of weights."""

    def chunks(self, name: str) -> Iterator[np.ndarray[Any, Any]]:
        """The elements of a weight in order, as flat arrays of some float type, or of int64."""
        ...


class Entry(NamedTuple):
    """What a file says of a tensor."""

    shape: tuple[int, ...]
    dtype: str

    @property
    def elements(self) -> int:
        return prod(self.shape)

    @property
    def bytes(self) -> int:
        return -(-self.elements * BITS[self.dtype] // 8)

    def __str__(self) -> str:
        shape = f"[{', '.join(map(str, self.shape))}]"
        return shape if self.dtype == "float32" else f"{self.dtype} {shape}"


def numbers(data: bytes | bytearray | memoryview, dtype: str, big_endian: bool = False) -> np.ndarray[Any, Any]:
    """Bytes as a flat array in this machine's order; bfloat16 as float32, which has all of its numbers."""
    import numpy as np

    stored = np.dtype("uint16" if dtype == "bfloat16" else dtype).newbyteorder(">" if big_endian else "<")
    return native(np.frombuffer(data, stored), dtype)


def native(array: np.ndarray[Any, Any], dtype: str) -> np.ndarray[Any, Any]:
    """An array in this machine's order. bfloat16, given as integers, becomes float32: they are its upper halves."""
    import numpy as np

    if dtype != "bfloat16":
        return array.astype(array.dtype.newbyteorder("="), copy=False)
    whole = array.astype(np.uint32)
    whole <<= 16
    return whole.view(np.float32)
