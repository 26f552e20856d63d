"""Files of weights as they are written: tensor by tensor, the same bytes for the same numbers."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from netspec.emit.weights.elements import BITS, Entry, Tensors
from netspec.emit.weights.safetensors import DTYPES

_CODES = {dtype: code for code, dtype in DTYPES.items()}
_NUMPY = {"float32": "<f4", "float16": "<f2", "float64": "<f8", "int64": "<i8", "int32": "<i4"}
_OLDEST = (1980, 1, 1, 0, 0, 0)  # of a member of a zip archive
_ZIP64 = 2**31  # bytes of a member, from which its sizes are written in a longer form


def write_safetensors(entries: Mapping[str, Entry], tensors: Tensors, file: BinaryIO) -> None:
    """Write a file in the format of safetensors. Larger elements come first, so that each lies where it can be used."""
    placed = sorted(entries.items(), key=lambda item: -BITS[item[1].dtype])
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, entry in placed:
        start, end = end, end + entry.bytes
        header[name] = {"dtype": _CODES[entry.dtype], "shape": entry.shape, "data_offsets": [start, end]}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    file.write(len(text).to_bytes(8, "little") + text)
    for name, entry in placed:
        file.writelines(_bytes(chunk, entry.dtype) for chunk in tensors.chunks(name))


def write_npz(entries: Mapping[str, Entry], tensors: Tensors, file: BinaryIO) -> None:
    """Write a file of numpy arrays. numpy has no bfloat16: float32 has its numbers."""
    with zipfile.ZipFile(file, "w", allowZip64=True) as archive:
        for name, entry in entries.items():
            info = zipfile.ZipInfo(f"{name}.npy", _OLDEST)
            info.create_system = 3  # the same everywhere
            dtype = "float32" if entry.dtype == "bfloat16" else entry.dtype
            with archive.open(info, "w", force_zip64=entry.bytes * 2 > _ZIP64) as member:
                member.write(_npy_head(entry.shape, _NUMPY[dtype]))
                for chunk in tensors.chunks(name):
                    rounded = chunk if dtype == entry.dtype else _rounded(chunk)
                    member.write(_bytes(rounded, dtype))


WRITERS: dict[str, Callable[[Mapping[str, Entry], Tensors, BinaryIO], None]] = {
    ".safetensors": write_safetensors,
    ".npz": write_npz,
}


def _npy_head(shape: tuple[int, ...], descr: str) -> bytes:
    """The head of an array, of version 1.0: the numbers begin at a multiple of 64 bytes."""
    text = repr({"descr": descr, "fortran_order": False, "shape": shape})
    text += " " * (-(len(text) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode("latin-1")


def _bytes(chunk: Any, dtype: str) -> memoryview:
    """Numbers as little-endian bytes of a type."""
    import numpy as np

    if dtype == "bfloat16":
        return np.ascontiguousarray(_halves(chunk), "<u2").data.cast("B")
    return np.ascontiguousarray(chunk, np.dtype(dtype).newbyteorder("<")).data.cast("B")


def _halves(chunk: Any) -> Any:
    """The upper halves of numbers as float32, rounded to the nearest, to the even one between two."""
    import numpy as np

    whole = np.ascontiguousarray(chunk, np.float32).view(np.uint32)
    rounded = (whole + (0x7FFF + ((whole >> 16) & 1))) >> 16
    return np.where(np.isnan(chunk), 0x7FC0, rounded).astype(np.uint16)


def _rounded(chunk: Any) -> Any:
    """Numbers as float32, of which bfloat16 has each."""
    import numpy as np

    return (_halves(chunk).astype(np.uint32) << 16).view(np.float32)
