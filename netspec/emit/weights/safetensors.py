"""Files in the format of safetensors: a length, a header in JSON, numbers (https://huggingface.co/docs/safetensors).

A reader of this format must not trust the header: every number in it is checked, and the tensors cover the rest of the
file without gap or overlap.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

from netspec.emit.weights.elements import BITS, MOST_AXES, Entry, numbers
from netspec.emit.weights.files import Damaged, WeightFile

if TYPE_CHECKING:
    import numpy as np

DTYPES = {
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "C64": "complex64",
    "I64": "int64", "I32": "int32", "I16": "int16", "I8": "int8",
    "U64": "uint64", "U32": "uint32", "U16": "uint16", "U8": "uint8", "BOOL": "bool",
    "F8_E5M2": "float8_e5m2", "F8_E4M3": "float8_e4m3fn", "F8_E8M0": "float8_e8m0fnu",
    "F8_E5M2FNUZ": "float8_e5m2fnuz", "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F6_E2M3": "float6_e2m3", "F6_E3M2": "float6_e3m2", "F4": "float4_e2m1",
}  # fmt: skip
LONGEST_HEADER = 2**24  # bytes; as JSON in memory it may be thirty times as large
_LARGEST = 2**63  # of any number


class SafetensorsFile(WeightFile):
    kind: ClassVar[str] = "safetensors"

    def __init__(self, path: str, file: BinaryIO) -> None:
        super().__init__(path, file)
        header, self._start = _header(file, self._size)
        self._places: dict[str, tuple[int, int]] = {}
        for name, about in header.items():
            if name == "__metadata__":
                _check_metadata(about)
                continue
            entry, place = _tensor(name, about)
            self._add(name, entry)
            self._places[name] = place
        self._check_places()

    def _check_places(self) -> None:
        """The tensors cover the file. Raises Damaged."""
        end = 0
        for (start, stop), name in sorted((place, name) for name, place in self._places.items()):
            if start != end:
                raise Damaged(f"`{name}` begins at byte {start:,} of the numbers, the one before it ends at {end:,}")
            end = stop
        held = self._size - self._start
        if end != held:
            raise Damaged(f"its tensors have {end:,} bytes, the file has {held:,} for them")

    def _chunks(self, name: str) -> Iterator[np.ndarray[Any, Any]]:
        start, stop = self._places[name]
        for data in self._read(self._start + start, stop - start):
            yield numbers(data, self.entries[name].dtype)


def _header(file: BinaryIO, size: int) -> tuple[dict[str, Any], int]:
    """The header, and where the numbers begin. Raises Damaged."""
    length = int.from_bytes(file.read(8), "little")
    if size < 8:
        raise Damaged(f"it has {size:,} bytes, and no header")
    if length > LONGEST_HEADER:
        raise Damaged(f"its header would have {length:,} bytes, at most {LONGEST_HEADER:,} are allowed", _OTHER)
    if length > size - 8:
        raise Damaged(f"its header has {length:,} bytes, the file {size - 8:,} after the length")
    data = file.read(length)
    if not data.startswith(b"{"):
        raise Damaged("its header is not JSON", _OTHER)
    try:
        header = json.loads(data.decode(), object_pairs_hook=_object)
    except RecursionError:
        raise Damaged("its header is nested too deeply") from None
    except ValueError as error:
        raise Damaged(f"its header is not JSON: {_brief(error)}") from None
    return header, 8 + length


_OTHER = "it may be another kind of file under this name"


def _brief(error: ValueError) -> str:
    text = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
    return text[:1].lower() + text[1:]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of the header. Raises Damaged where it has a key twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise Damaged(f"its header has `{twice}` twice")
    return found


def _check_metadata(about: Any) -> None:
    if not isinstance(about, dict) or not all(isinstance(value, str) for value in about.values()):
        raise Damaged("the metadata of its header are not texts")


def _tensor(name: str, about: Any) -> tuple[Entry, tuple[int, int]]:
    """A tensor of the header, and where its numbers are. Raises Damaged."""
    if not isinstance(about, dict) or set(about) != {"dtype", "shape", "data_offsets"}:
        raise Damaged(f"`{name}` needs a dtype, a shape, data_offsets and nothing else")
    dtype, shape, offsets = about["dtype"], about["shape"], about["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPES:
        shown = dtype if isinstance(dtype, str) else "that is no text"
        raise Damaged(f"`{name}` has the dtype {shown}, which is not known", "the file may be of a newer format")
    if not _are_sizes(shape) or len(shape) > MOST_AXES:
        raise Damaged(f"the shape of `{name}` is not a list of at most {MOST_AXES} whole numbers")
    if not _are_sizes(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise Damaged(f"the data_offsets of `{name}` are not where bytes begin and end")
    entry = Entry(tuple(shape), DTYPES[dtype])
    if (entry.elements * BITS[entry.dtype]) % 8:
        raise Damaged(f"`{name}` does not fill whole bytes")
    count = offsets[1] - offsets[0]
    if entry.bytes != count:
        raise Damaged(f"`{name}` of {dtype} {shape} needs {entry.bytes:,} bytes, its data_offsets have {count:,}")
    return entry, (offsets[0], offsets[1])


def _are_sizes(value: Any) -> bool:
    return isinstance(value, list) and all(type(size) is int and 0 <= size < _LARGEST for size in value)
