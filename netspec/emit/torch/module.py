"""A net as a torch module: its generated source, executed."""

from __future__ import annotations

import linecache
from typing import TYPE_CHECKING, Any

from netspec.emit.extras import require

if TYPE_CHECKING:
    from torch import nn


def build(name: str, source: str) -> nn.Module:
    """The module of a net's source. Raises MissingExtra where torch is not installed."""
    require("torch", "torch")
    file = f"<torch source of {name}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)  # for tracebacks
    namespace: dict[str, Any] = {"__name__": f"netspec.generated.{name}"}
    exec(compile(source, file, "exec"), namespace)
    module: nn.Module = namespace[class_of(source)]()
    return module


def class_of(source: str) -> str:
    """The name of the net's class: the last of the source."""
    return source.rsplit("\nclass ", 1)[1].split("(", 1)[0]
