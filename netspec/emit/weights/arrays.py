"""Weights that a program has as arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from netspec.emit.weights.elements import Entry

if TYPE_CHECKING:
    import numpy as np


class Arrays:
    """Arrays by the names of the weights that they are; anything that numpy makes an array of."""

    path = "the state_dict"

    def __init__(self, arrays: Mapping[str, Any]) -> None:
        import numpy as np

        self._arrays = {name: np.asarray(array) for name, array in arrays.items()}
        self.entries = {name: Entry(array.shape, array.dtype.name) for name, array in self._arrays.items()}

    def chunks(self, name: str) -> Iterator[np.ndarray[Any, Any]]:
        """All elements of an array, flat."""
        yield self._arrays[name].reshape(-1)

    def close(self) -> None:
        """Nothing is open."""
