"""Files are replaced whole or not at all."""

from __future__ import annotations

import os
import stat
import tempfile


def reason_of(error: OSError) -> str:
    return (error.strerror or "input or output failed").lower()


def replace(path: str, data: bytes) -> str | None:
    """Write a file, as a whole or not at all; why it could not be done, if so."""
    path = os.path.realpath(path)
    exists = os.path.lexists(path)
    if exists and not os.path.isfile(path):
        return "it is not a file"
    if exists and not os.access(path, os.W_OK):
        return "permission denied"
    try:
        descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".netspec-", suffix=".tmp")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            if exists:
                _make_alike(temporary, path)
            else:
                mask = os.umask(0)
                os.umask(mask)
                os.chmod(temporary, 0o666 & ~mask)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        return reason_of(error)
    return None


def _make_alike(path: str, other: str) -> None:
    """Give a file the owner and the permissions of another."""
    status, wanted = os.stat(path), os.stat(other)
    if (status.st_uid, status.st_gid) != (wanted.st_uid, wanted.st_gid):
        os.chown(path, wanted.st_uid, wanted.st_gid)
    os.chmod(path, stat.S_IMODE(wanted.st_mode))
