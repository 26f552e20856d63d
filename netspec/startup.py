"""What the command line does before anything else, because a check is over in a sixth of a second."""

from __future__ import annotations

import atexit
import gc
import sys
from types import ModuleType

_OBJECTS_BETWEEN_COLLECTIONS = 200_000


def lighten() -> None:
    """Make this process start fast. For programs of our own only: it changes the whole process.

    Building its first model, pydantic loads its plugins, and for that importlib.metadata, email and socket:
    13 ms of 150. The command line uses no pydantic plugins, so it gives pydantic a loader that has none. Garbage is
    collected less often, as a check ends before cycles matter, and not at all on the way out, where it is 25 ms.
    """
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS, 50, 50)
    atexit.register(gc.freeze)
    loader = ModuleType("pydantic.plugin._loader")
    loader.get_plugins = tuple  # type: ignore[attr-defined]
    sys.modules.setdefault(loader.__name__, loader)
