"""netspec: a small declarative language for neural networks, its compiler and its shape checker.

import netspec

net = netspec.load("resnet:ResNet50", classes=10)
net.params, net.macs, net["layer1.0.conv1"].output
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netspec.api import Network, load, loads
    from netspec.diagnostics import SpecError

__version__ = "0.1.0"
__all__ = ["Network", "SpecError", "__version__", "load", "loads"]


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> object:
    """The API, loaded when first used: the command line does not need it."""
    if name == "SpecError":
        from netspec.diagnostics import SpecError

        return SpecError
    if name in __all__:
        from netspec import api

        return getattr(api, name)
    raise AttributeError(f"module 'netspec' has no attribute {name!r}")
