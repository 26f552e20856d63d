"""Files of weights for the tests, made by hand where a library would not write them."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from netspec.emit.weights.files import open_weights

SIZES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I8": 1, "U8": 1, "BOOL": 1}


def header(tensors: dict[str, tuple[list[int], str]]) -> dict[str, Any]:
    """The header of a safetensors file, its tensors one after another."""
    out: dict[str, Any] = {}
    end = 0
    for name, (shape, dtype) in tensors.items():
        start, end = end, end + int(np.prod(shape, dtype=np.int64)) * SIZES[dtype]
        out[name] = {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}
    return out


def safetensors(tensors: dict[str, list[int]], dtype: str = "F32", path: str = "w.safetensors") -> str:
    """A file of zeros."""
    about = header({name: (shape, dtype) for name, shape in tensors.items()})
    return framed(
        json.dumps(about).encode(), sum(e["data_offsets"][1] - e["data_offsets"][0] for e in about.values()), path
    )


def framed(head: bytes, numbers: int, path: str = "w.safetensors") -> str:
    Path(path).write_bytes(len(head).to_bytes(8, "little") + head + bytes(numbers))
    return path


def npz(members: dict[str, bytes], path: str = "w.npz", compressed: bool = False) -> str:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def npy(head: str, numbers: bytes = b"") -> bytes:
    text = head.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + numbers


def torch_file(data: bytes, storages: dict[str, bytes] | None = None, path: str = "w.pt", order: str = "") -> str:
    """A file of torch with this pickle."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", data)
        if order:
            archive.writestr("archive/byteorder", order)
        for key, numbers in (storages or {}).items():
            archive.writestr(f"archive/data/{key}", numbers)
    return path


class Global:
    """A name in a pickle; `call` lets it be called."""

    def __init__(self, name: str) -> None:
        self.name = name


class Call:
    def __init__(self, name: str, *arguments: Any) -> None:
        self.name, self.arguments = name, arguments


class Storage:
    def __init__(self, *identity: Any) -> None:
        self.identity = identity


def pickled(value: Any) -> bytes:
    """Protocol 2, written by hand: a pickle of names that need not exist."""
    if isinstance(value, Global):
        module, _, name = value.name.rpartition(".")
        body = f"c{module}\n{name}\n".encode()
    elif isinstance(value, Call):
        body = pickled(Global(value.name)) + pickled(value.arguments) + b"R"
    elif isinstance(value, Storage):
        body = pickled(value.identity) + b"Q"
    elif isinstance(value, tuple):
        body = b"(" + b"".join(map(pickled, value)) + b"t"
    elif isinstance(value, dict):
        body = b"}(" + b"".join(pickled(part) for item in value.items() for part in item) + b"u"
    else:
        body = pickle.dumps(value, 2).removeprefix(b"\x80\x02").removesuffix(b".")
    return body


def tensor(
    shape: Any, strides: Any, offset: Any = 0, kind: str = "FloatStorage", key: Any = "0", elements: Any = 6
) -> Call:
    storage = Storage("storage", Global(f"torch.{kind}"), key, "cpu", elements)
    return Call(
        "torch._utils._rebuild_tensor_v2", storage, offset, shape, strides, False, Call("collections.OrderedDict")
    )


def state(**tensors: Any) -> bytes:
    return b"\x80\x02" + pickled(dict(tensors)) + b"."


def read(path: str) -> dict[str, np.ndarray]:
    """All tensors of a file, in their shapes."""
    with open_weights(path) as file:
        return {name: joined(file.chunks(name)).reshape(entry.shape) for name, entry in file.entries.items()}


def joined(chunks: Iterator[np.ndarray]) -> np.ndarray:
    held = list(chunks)
    return np.concatenate(held) if held else np.zeros(0)


def saved(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()
