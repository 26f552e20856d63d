"""ONNX files that anyone may have written: what can be run of them, and which files they would read."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from netspec.emit.running.refusal import Refused, size_of
from netspec.emit.style import size_text

if TYPE_CHECKING:
    from onnx import ModelProto, TensorProto

LARGEST = 2**31 - 1  # bytes of a file of protobuf


def read_model(path: str) -> tuple[bytes, ModelProto, list[str]]:
    """The bytes of a model, the model, and the files that its tensors are in. Raises Refused."""
    size = size_of(path)
    if size > LARGEST:
        raise Refused(f"{path} is too large: {size_text(size)}, besides external data a model has at most 2 GiB")
    with open(path, "rb") as file:
        data = file.read(size)  # room for as much is made before
    model = _parsed(data, path)
    tensors = list(_tensors(model, path))
    return data, model, sorted({_external(tensor, path) for tensor in tensors if _is_external(tensor)})


def _parsed(data: bytes, path: str) -> ModelProto:
    from onnx import load_model_from_string

    if not data:
        raise Refused(f"{path} is no ONNX model: it is empty")
    try:
        model = load_model_from_string(data)
    except Exception:  # protobuf's own kind, which is not typed
        raise _damaged(path) from None
    if not model.HasField("graph") or not model.ir_version:
        raise Refused(f"{path} is no ONNX model: it has no graph")
    return model


def _damaged(path: str) -> Refused:
    return Refused(f"{path} is no ONNX model, or is damaged: it is not protobuf as ONNX has it")


# -- external data --------------------------------------------------------------------------------------


def _tensors(message: Any, path: str) -> Iterator[TensorProto]:
    """All tensors of a model, wherever they are: weights, attributes, inner graphs, functions.

    Raises Refused where a text is none: protobuf gives it as bytes then.
    """
    from onnx import TensorProto

    waiting = [message]
    while waiting:
        message = waiting.pop()
        if isinstance(message, TensorProto):
            if not isinstance(message.name, str):
                raise _damaged(path)
            yield message
            waiting += message.external_data
            continue
        for field, value in message.ListFields():
            several = not isinstance(value, (str, bytes)) and hasattr(value, "__len__")
            if field.type == field.TYPE_MESSAGE:
                waiting += value if several else [value]
            elif field.type == field.TYPE_STRING and not all(
                isinstance(s, str) for s in (value if several else [value])
            ):
                raise _damaged(path)


def _is_external(tensor: TensorProto) -> bool:
    return tensor.data_location == tensor.EXTERNAL or bool(tensor.external_data)


def _external(tensor: TensorProto, path: str) -> str:
    """The file that a tensor is in. Raises Refused where it is not one that lies beside the model."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location = entries.get("location", "")
    who = f"{path} is refused: its tensor `{tensor.name[:100]}` is in {location[:200] or 'no file'}"
    parts = location.replace("\\", "/").split("/")
    if not location or "\0" in location:
        raise Refused(f"{who}, which is no path")
    if os.path.isabs(location) or location.startswith(("/", "\\")) or location[1:2] == ":":
        raise Refused(f"{who}, an absolute path: external data lies in the folder of its model")
    if ".." in parts:
        raise Refused(f"{who}, outside of the folder of the model")
    at = os.path.dirname(path)
    for part in location.split("/"):
        at = os.path.join(at, part)
        if os.path.islink(at):
            raise Refused(f"{who}, behind a symbolic link: it may lead anywhere")
    try:
        status = os.lstat(at)
    except OSError:
        raise Refused(f"{who}, which is not there") from None
    if not stat.S_ISREG(status.st_mode):
        raise Refused(f"{who}, which is not a file")
    if status.st_nlink > 1:
        raise Refused(f"{who}, a file of several names (hard links), of which others may be elsewhere")
    _check_extent(entries, status.st_size, who)
    return at


def _check_extent(entries: dict[str, str], size: int, who: str) -> None:
    """Whether a tensor's bytes are within the file."""
    numbers = []
    for key in ("offset", "length"):
        text = entries.get(key, "0")
        if not (text.isascii() and text.isdigit() and len(text) < 20):
            raise Refused(f"{who}, at an {key} that is no number" if key == "offset" else f"{who}, of no known {key}")
        numbers.append(int(text))
    if sum(numbers) > size:
        raise Refused(f"{who}, which is cut short: {size:,} bytes, and the tensor ends at {sum(numbers):,}")
