"""Files of torch, as `torch.save` has written them since version 1.6: a zip archive with a pickle, which says what
there is, and the memory of each storage in a member of its own, not compressed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

from netspec.emit.weights import pickled
from netspec.emit.weights.archives import Archive, whole
from netspec.emit.weights.elements import BITS, READ_BYTES, Entry, native, numbers
from netspec.emit.weights.files import Damaged, WeightFile
from netspec.emit.weights.pickled import Tensor

if TYPE_CHECKING:
    import numpy as np

WRAPPERS = ("state_dict", "model_state_dict", "model")  # keys of checkpoints that have more than weights
_PICKLE_BYTES = 1 << 26
_LEGACY = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # how torch's files began before they were archives
_AGAIN = "load it in torch and save it again: `torch.save(torch.load(path, weights_only=True), path)`"
_STATE = "save `module.state_dict()`"


class TorchFile(WeightFile):
    kind: ClassVar[str] = "torch"

    def __init__(self, path: str, file: BinaryIO) -> None:
        super().__init__(path, file)
        begin = file.read(len(_LEGACY))
        if begin == _LEGACY:
            raise Damaged("it is in the format that torch wrote before version 1.6", _AGAIN)
        if begin[:1] == b"\x80":
            raise Damaged("it is a pickle, and not one of torch", _STATE)
        if begin and begin[:2] != b"PK":
            raise Damaged("it is no zip archive, as files of torch have been since version 1.6", _AGAIN)
        self._archive = Archive(file)
        self._folder = self._find()
        self._big_endian = self._is_big_endian()
        self._tensors: dict[str, Tensor] = {}
        held = whole(self._archive, f"{self._folder}/data.pkl", _PICKLE_BYTES)
        for name, tensor in _state_dict(pickled.load(held)).items():
            if not isinstance(tensor, Tensor):
                continue  # what modules keep besides tensors
            if not isinstance(name, str):
                raise Damaged(f"a tensor's name is {name!r}, which is no text", _STATE)
            self._check(name, tensor)
            self._add(name, Entry(tensor.shape, tensor.dtype))
            self._tensors[name] = tensor

    def _find(self) -> str:
        """The folder of the archive that has everything. Raises Damaged."""
        found = [name for name in self._archive.members if name.endswith("/data.pkl") and name.count("/") == 1]
        if len(found) != 1:
            raise Damaged("it is a zip archive without torch's `data.pkl`", "an archive of arrays ends in .npz")
        return found[0].removesuffix("/data.pkl")

    def _is_big_endian(self) -> bool:
        name = f"{self._folder}/byteorder"
        order = whole(self._archive, name, 100) if name in self._archive.members else b"little"
        if order not in (b"little", b"big"):
            raise Damaged("its order of bytes is neither little nor big")
        return order == b"big"

    def _check(self, name: str, tensor: Tensor) -> None:
        """A tensor lies in its storage, and that is as large as it says. Raises Damaged."""
        storage = tensor.storage
        info = self._archive.members.get(self._member(tensor))
        if info is None:
            raise Damaged(f"the numbers of `{name}` are missing")
        if info.compress_type or info.file_size != storage.elements * BITS[storage.dtype] // 8:
            raise Damaged(f"the numbers of `{name}` are compressed, or not as many as their storage has", _AGAIN)
        if (tensor.offset + _extent(tensor)) * BITS[tensor.dtype] // 8 > info.file_size:
            raise Damaged(f"`{name}` is larger than its storage")

    def _member(self, tensor: Tensor) -> str:
        return f"{self._folder}/data/{tensor.storage.key}"

    def _chunks(self, name: str) -> Iterator[np.ndarray[Any, Any]]:
        tensor = self._tensors[name]
        size = BITS[tensor.dtype] // 8
        start = self._archive.place(self._member(tensor)) + tensor.offset * size
        if _is_plain(tensor):
            for data in self._read(start, self.entries[name].bytes):
                yield numbers(data, tensor.dtype, self._big_endian)
        else:
            yield from self._strided(tensor, start)

    def _strided(self, tensor: Tensor, start: int) -> Iterator[np.ndarray[Any, Any]]:
        """The elements of a tensor that are not in order in the file, which is mapped into memory for it."""
        import numpy as np

        raw = np.dtype("uint16" if tensor.dtype == "bfloat16" else tensor.dtype)
        raw = raw.newbyteorder(">" if self._big_endian else "<")
        if start + _extent(tensor) * raw.itemsize > self._size:
            raise Damaged("it ends before its numbers do")
        held = np.memmap(self._file, raw, "r", start, (_extent(tensor),))
        strides = tuple(stride * raw.itemsize for stride in tensor.strides)
        view = np.lib.stride_tricks.as_strided(np.asarray(held), tensor.shape, strides, writeable=False)
        rows = max(1, READ_BYTES // max(1, view[:1].nbytes))
        for at in range(0, tensor.shape[0], rows):
            yield native(np.ascontiguousarray(view[at : at + rows]).reshape(-1), tensor.dtype)


def _state_dict(held: Any) -> dict[Any, Any]:
    """The dictionary of tensors, which may be part of another. Raises Damaged."""
    if isinstance(held, dict):
        for inside in (*(held.get(key) for key in WRAPPERS), held):
            if isinstance(inside, dict) and any(isinstance(value, Tensor) for value in inside.values()):
                return inside
    raise Damaged("it has no tensors by name", _STATE)


def _extent(tensor: Tensor) -> int:
    """How many elements of the storage it reaches over."""
    if 0 in tensor.shape:
        return 0
    return 1 + sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.strides, strict=True))


def _is_plain(tensor: Tensor) -> bool:
    """Whether its elements are in order, without gaps."""
    distance = 1
    for size, stride in zip(reversed(tensor.shape), reversed(tensor.strides), strict=True):
        if size != 1 and stride != distance:
            return 0 in tensor.shape
        distance *= size
    return True
