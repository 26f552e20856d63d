"""Weights as they begin: drawn as the torch module of each layer draws them, from a seed.

Each tensor has a stream of random numbers of its own, of the seed and its name, so that it does not depend on the
others. The numbers are not torch's: their distribution is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256
from math import prod, sqrt
from typing import TYPE_CHECKING, Any

from netspec.driver import Compilation
from netspec.emit.unrolling import tensors_of
from netspec.ir.types import DTYPE_BYTES
from netspec.ops.base import Weight

if TYPE_CHECKING:
    import numpy as np

_CHUNK = 1 << 22  # elements drawn at once


class Initial:
    """The first values of weights. `weights`: by name, with known shapes."""

    def __init__(self, weights: Mapping[str, Weight], seed: int) -> None:
        self.weights = weights
        self.seed = seed

    def close(self) -> None:
        """Nothing is open."""

    def chunks(self, name: str) -> Iterator[np.ndarray[Any, Any]]:
        """The elements in order, as flat arrays of float32 (of a wider type where the weight has one, or int64)."""
        import numpy as np

        weight = self.weights[name]
        shape = tuple(int(str(size)) for size in weight.shape)
        dtype = np.dtype(weight.dtype if weight.dtype in ("float64", "int64") else "float32")
        count, kind, numbers = prod(shape), *_distribution(weight.init, shape)
        if kind == "literal":
            yield np.array(numbers, dtype).reshape(-1)
            return
        generator = np.random.default_rng([self.seed, _stream(name)])
        wide = np.float64 if DTYPE_BYTES[dtype.name] == 8 else np.float32
        for at in range(0, count, _CHUNK):
            size = min(_CHUNK, count - at)
            if kind == "constant":
                yield np.full(size, numbers[0], dtype)
            elif kind == "signs":
                yield generator.integers(0, 2, size).astype(dtype) * 2 - 1
            elif kind == "normal":
                chunk = generator.standard_normal(size, wide)
                chunk *= numbers[0]
                yield chunk
            else:
                chunk = generator.random(size, wide)
                low, high = numbers
                chunk *= np.asarray(high - low, wide) if kind == "uniform" else _per_row(high - low, shape, at, size)
                chunk += np.asarray(low, wide) if kind == "uniform" else _per_row(low, shape, at, size)
                yield chunk


def _stream(name: str) -> int:
    """A number for a name, another for each."""
    return int.from_bytes(sha256(name.encode()).digest()[:16], "little")


def _per_row(values: Any, shape: tuple[int, ...], at: int, size: int) -> Any:
    """One value for each element from `at` on, of one for each element of the first axis."""
    import numpy as np

    return values[np.arange(at, at + size) // prod(shape[1:])]


def _distribution(init: Any, shape: tuple[int, ...]) -> tuple[str, Any]:
    """What a weight is drawn from, and the numbers of that: see `ops.base.Weight`."""
    import numpy as np

    word, *numbers = init if isinstance(init, tuple) else (init,)
    fan_in, fan_out = prod(shape[1:]), shape[0] * prod(shape[2:]) if shape else 1
    if not isinstance(word, str):
        return "constant", [float(word)]
    if word == "literal":
        return "literal", numbers[0]
    if word == "fan":
        fans = numbers[0] if numbers else fan_in
        if isinstance(fans, tuple):
            bounds = 1 / np.sqrt(np.array(fans, np.float32))
            return "rows", [-bounds, bounds]
        return "uniform", [-1 / sqrt(fans), 1 / sqrt(fans)]
    if word == "xavier":
        bound = sqrt(6 / (fan_in + fan_out))
        return "uniform", [-bound, bound]
    if word == "kaiming":
        return "normal", [sqrt(2 / fan_in)]
    constants = {"zeros": [0.0], "ones": [1.0]}
    if word in constants:
        return "constant", constants[word]
    return word, numbers or {"normal": [1.0], "uniform": [0.0, 1.0], "signs": []}[word]


def initial(made: Compilation, seed: int = 0) -> Initial:
    """The weights of a net as they begin. Raises SpecError."""
    return Initial({name: weight for name, (weight, _) in tensors_of(made).items()}, seed)
