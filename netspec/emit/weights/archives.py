"""Zip archives that are not trusted: their tables bounded, their members plain ones of known size."""

from __future__ import annotations

import struct
import zipfile
from typing import IO, Any, BinaryIO, cast

from netspec.emit.weights.elements import READ_BYTES
from netspec.emit.weights.files import Damaged

_TABLE_BYTES = READ_BYTES  # of the table of an archive; members are read in pieces of at most so many bytes
_BROKEN = (zipfile.BadZipFile, RuntimeError, OverflowError, ValueError, OSError, struct.error)  # what zipfile raises
_KNOWN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class _Bounded:
    """A file of which only so much is read at once, whatever an archive says of its table."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        for name in ("seek", "tell", "seekable", "close"):
            setattr(self, name, getattr(file, name))

    def read(self, count: int = -1) -> bytes:
        data = self.file.read(_TABLE_BYTES + 1 if count < 0 else min(count, _TABLE_BYTES + 1))
        if len(data) > _TABLE_BYTES:
            raise Damaged(f"its table of contents is larger than {_TABLE_BYTES >> 20} MiB")
        return data


class Archive:
    """A zip archive. `members`: by name."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        size = file.seek(0, 2)
        try:
            self._zip = zipfile.ZipFile(cast(IO[bytes], _Bounded(file)))
        except _BROKEN as error:
            text = "its table of contents is missing or damaged"
            raise Damaged(text if size else "it is empty") from error
        self.members: dict[str, zipfile.ZipInfo] = {}
        for info in self._zip.infolist():
            if info.filename in self.members:
                raise Damaged(f"its member `{info.filename}` occurs twice")
            if info.compress_type not in _KNOWN or info.flag_bits & 1:
                raise Damaged(f"its member `{info.filename}` is encrypted, or compressed in a way that is not read")
            self.members[info.filename] = info

    def open(self, name: str) -> IO[bytes]:
        """A member, to be read from its beginning. Raises Damaged."""
        try:
            return self._zip.open(self.members[name])
        except _BROKEN as error:
            raise Damaged(f"its member `{name}` is damaged") from error

    def place(self, name: str) -> int:
        """Where in the file a member that is not compressed begins. Raises Damaged."""
        self.open(name).close()  # which compares the two places that tell its name
        info = self.members[name]
        self._file.seek(info.header_offset)
        head = self._file.read(30)
        return info.header_offset + 30 + int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")


def read_exactly(stream: IO[bytes], count: int) -> bytearray:
    """So many bytes of a member. Raises Damaged where it has fewer."""
    data = bytearray()
    while len(data) < count:
        more = stream.read(min(count - len(data), READ_BYTES))
        if not more:
            raise Damaged("it ends before its numbers do")
        data += more
    return data


def whole(archive: Archive, name: str, most: int) -> bytes:
    """All of a small member. Raises Damaged."""
    size: Any = archive.members[name].file_size
    if size > most:
        raise Damaged(f"its member `{name}` has {size:,} bytes, at most {most:,} are read")
    with archive.open(name) as stream:
        return bytes(read_exactly(stream, size))
