"""Where netspec's own files are: the grammar, the bundled specs, the standard library, the cache.

A wheel carries `grammar/` and `specs/` in `netspec/_data/`. A checkout and an editable install have them
beside the package. Every start of netspec imports this module, so it needs nothing but `os` and `sys`,
which Python has loaded before.
"""

from __future__ import annotations

import os
import sys

_PACKAGE = os.path.dirname(os.path.abspath(__file__))
_NAME = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_")


def grammar_file() -> str:
    """The path of netspec.lark."""
    return os.path.join(_data_dir("grammar"), "netspec.lark")


def spec_path(name: str) -> str | None:
    """The path of a bundled spec by its bare name, `resnet`, or None if there is no such spec.

    A name is of a-z, 0-9 and _, so that none leads out of the folder.
    """
    if not name or not _NAME.issuperset(name):
        return None
    path = os.path.join(_data_dir("specs"), name + ".net")
    return path if os.path.isfile(path) else None


def spec_names() -> list[str]:
    """The names of all bundled specs, sorted."""
    names = (file[:-4] for file in os.listdir(_data_dir("specs")) if file.endswith(".net"))
    return sorted(name for name in names if spec_path(name))


def std_dir() -> str:
    """The folder of the standard library's .net files."""
    return os.path.join(_PACKAGE, "std")


def cache_dir() -> str | None:
    """The user's cache folder for netspec, made if need be; None if there cannot be one.

    A folder that others own or may write to is None too: what is cached is trusted when read back.
    """
    base = _cache_base()
    if base is None:
        return None
    path = os.path.join(base, "netspec")
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
        if sys.platform != "win32":
            status = os.stat(path)
            if status.st_uid != os.geteuid() or status.st_mode & 0o022:
                return None
    except OSError:
        return None
    return path if os.access(path, os.W_OK | os.X_OK) else None


def _data_dir(name: str) -> str:
    bundled = os.path.join(_PACKAGE, "_data", name)
    if os.path.isdir(bundled):
        return bundled
    return os.path.join(os.path.dirname(_PACKAGE), name)


def _cache_base() -> str | None:
    """The folder in which programs keep their caches, by the custom of the system."""
    if sys.platform == "win32":
        return os.environ.get("LOCALAPPDATA")
    if sys.platform != "darwin":
        chosen = os.environ.get("XDG_CACHE_HOME", "")
        if os.path.isabs(chosen):  # the standard says to ignore any other
            return chosen
    home = os.path.expanduser("~")
    if not os.path.isabs(home) or not os.path.isdir(home):  # never make somebody a home
        return None
    return os.path.join(home, *(("Library", "Caches") if sys.platform == "darwin" else (".cache",)))
