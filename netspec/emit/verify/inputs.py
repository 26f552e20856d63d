"""Inputs to compare with: samples of a normal distribution of mean 0, 10 and 100, whole numbers that fit, and masks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

from netspec.analysis.unrolled import Unrolled
from netspec.emit.running.feeds import truth_values
from netspec.ir.network import Network

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

MEANS = (0, 10, 100)
BATCHES = (1, 3)
_SMALL = 4  # integers are below it where nothing says what they are


class Trial(NamedTuple):
    """What a net is run with. `mean`: of the inputs, or None where all are integers."""

    mean: int | None
    batch: int

    def __str__(self) -> str:
        of_mean = "random integers" if self.mean is None else f"inputs of mean {self.mean}"
        return f"{of_mean}, batch {self.batch}"


def trials(network: Network) -> list[Trial]:
    """Everything that a net is run with: first the mean of 0."""
    means: tuple[int | None, ...] = MEANS if any("float" in item.type.dtype for item in network.inputs) else (None,)
    return [Trial(mean, batch) for mean in means for batch in reversed(BATCHES)]


def make(network: Network, net: Unrolled, trial: Trial, seed: int) -> list[Array]:
    """Inputs for a net whose sizes are numbers, as arrays [batch, ...]."""
    import numpy as np

    found = []
    for item, number in zip(network.inputs, net.inputs, strict=True):
        shape = (trial.batch, *(int(str(size)) for size in item.type.shape))
        stream = np.random.default_rng([seed, trial.mean or 0, trial.batch, crc32(item.name.encode())])
        dtype = item.type.dtype
        if "float" in dtype:
            x = stream.standard_normal(shape, np.float32) + np.float32(trial.mean or 0)
            found.append(x.astype(dtype))
        elif dtype == "bool":
            found.append(truth_values(stream, shape))
        else:
            found.append(stream.integers(0, vocabulary(net, number), shape).astype(dtype))
    return found


def vocabulary(net: Unrolled, number: int) -> int:
    """The least vocabulary of the embeddings that an input of integers feeds."""
    fed, least = {number}, 0
    for step in net.steps:
        if not fed & set(step.takes):
            continue
        words = getattr(step.layer, "vocab", None)
        if isinstance(words, int):
            least = min(least or words, words)
        else:
            fed |= {made for made, type in zip(step.makes, step.outputs, strict=True) if "int" in type.dtype}
    return least or _SMALL
