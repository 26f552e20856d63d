"""Layers of other packages, by the entry point group `netspec.layers`, and those that a program registers.

A package names its layers in its pyproject.toml, by the names that they have in the language:

    [project.entry-points."netspec.layers"]
    bilinear = "my_package.layers:Bilinear"

They are looked for last, where a name is no layer, block or net, so that a check that needs none pays for none.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from netspec import resources
from netspec.ops import layer_names
from netspec.ops.base import Layer

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "netspec.layers"

_known: dict[str, type[Layer]] = {}  # registered, or loaded
_Kind = TypeVar("_Kind", bound=type[Layer])


class PluginError(ValueError):
    """A layer that is not netspec's own cannot be used; the text says which and why."""


def register(layer: _Kind) -> _Kind:
    """Let specs of this process use a layer class, as its package's entry point would. May stand above the class.

    Raises PluginError where it is not whole, or has a name of netspec's own.
    """
    try:
        name = _sound(layer).layer_name()
    except ValueError as error:
        raise PluginError(f"the class `{layer.__name__}` cannot be a layer: {error}") from None
    _known[name] = layer
    return layer


def find_plugin(name: str) -> type[Layer] | None:
    """The class of a registered or installed layer, or None if there is none. Raises PluginError."""
    if name not in _known:
        found = [entry for entry in _entry_points() if entry.name == name]
        if not found:
            return None
        _known[name] = _loaded(name, *found)
    return _known[name]


def part_folders() -> list[str]:
    """The folders `torch_parts`, beside the modules of these layers, where torch code of theirs may be."""
    files = [getattr(sys.modules.get(layer.__module__), "__file__", None) for layer in _known.values()]
    return [os.path.join(os.path.dirname(file), "torch_parts") for file in dict.fromkeys(files) if file]


@cache
def _entry_points() -> tuple[EntryPoint, ...]:
    from importlib.metadata import entry_points  # takes long to import

    return tuple(entry_points(group=GROUP))


def _loaded(name: str, entry: EntryPoint, *others: EntryPoint) -> type[Layer]:
    """The class that an entry point names. Raises PluginError."""
    if others:
        packages = " and ".join(sorted(_package(one) for one in (entry, *others)))
        raise PluginError(f"the packages {packages} both have a layer `{name}`")
    try:
        for other in _entry_points():
            if _package(other) == _package(entry):
                _not_own(other.name)
        layer = _sound(entry.load())
        if layer.layer_name() != name:
            raise ValueError(f"its class `{layer.__name__}` is the layer `{layer.layer_name()}`")
        return layer
    except Exception as error:  # whatever a package does when it is imported
        reason = str(error) if type(error) is ValueError else f"{type(error).__name__}: {error}"
        raise PluginError(
            f"the layer `{name}` of the package {_package(entry)} ({entry.value}) cannot be used: {reason}"
        ) from None


def _sound(layer: Any) -> type[Layer]:
    """A layer class, once it is known to be one with all of its rules. Raises ValueError."""
    if not (isinstance(layer, type) and issubclass(layer, Layer)):
        raise ValueError("it is no subclass of netspec.ops.base.Layer")
    _not_own(layer.layer_name())
    missing = sorted(layer.__abstractmethods__) + ([] if hasattr(layer, "example") else ["example"])
    if missing:
        raise ValueError(f"its class lacks {', '.join(f'`{rule}`' for rule in missing)}")
    layer.model_rebuild()  # its arguments must be of kinds that pydantic knows
    return layer


def _not_own(name: str) -> None:
    """Raises ValueError for the name of a built-in layer or a block of the library."""
    if name in layer_names() or os.path.exists(os.path.join(resources.std_dir(), f"{name}.net")):
        raise ValueError(f"`{name}` is netspec's own, which cannot be replaced")


def _package(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.module
