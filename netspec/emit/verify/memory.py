"""Nets that are too large to run."""

from __future__ import annotations

import os

from netspec.driver import Compilation
from netspec.emit.onnx.proto import LARGEST
from netspec.emit.style import size_text
from netspec.emit.verify.findings import Stop, Trouble

_COPIES = 5  # of the weights: those drawn, torch's module, the model, onnxruntime's own, one that is written
_VALUES = 8  # of all values of one sample: of three samples in onnxruntime, some in torch, windows written out


def refuse_too_large(made: Compilation) -> None:
    """Raises Stop for a net that does not fit in memory, or in one model."""
    totals = made.totals
    assert totals is not None
    weights, values = int(str(totals.weight_bytes)), int(str(totals.activation_bytes))
    if weights > LARGEST:
        text = f"its weights are {size_text(weights)}, and onnxruntime loads at most 2 GiB from memory"
        raise Stop(Trouble("refused", text, details=(remedy(made),)))
    needed, there = _COPIES * weights + _VALUES * values, available()
    if there is not None and needed > there:
        text = f"it needs about {size_text(needed)} of memory, of which {size_text(there)} are free"
        raise Stop(Trouble("refused", text, details=(remedy(made),)))


def available() -> int | None:
    """Bytes of memory that are free, where the system says so."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            for line in file:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return None


def remedy(made: Compilation) -> str:
    """What to set to make a net smaller."""
    definition = made.choose(made.definitions)
    names = [parameter.name.id for parameter in definition.parameters] if definition is not None else []
    network = Compilation(made.source, made.name, made.settings, symbolic=True).network
    if network is not None:
        from netspec.emit.verify.sizes import symbols_of

        names += symbols_of(Compilation(made.source, made.name, made.settings, symbolic=True))
    names = list(dict.fromkeys(names))
    if not names:
        return "verify a smaller net of the same layers"
    return f"verify it smaller: {' or '.join(f'--set {name}=...' for name in names[:4])}"
