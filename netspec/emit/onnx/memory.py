"""Weights as arrays, and models with such weights: what the Python API offers."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

from netspec.driver import Compilation
from netspec.emit.extras import require
from netspec.emit.onnx.export import graph_of, write_model
from netspec.emit.weights.arrays import Arrays
from netspec.emit.weights.elements import Tensors
from netspec.emit.weights.initial import initial
from netspec.emit.weights.matching import match, sizes, weights_for

if TYPE_CHECKING:
    import numpy as np

Weights: TypeAlias = "str | os.PathLike[str] | Mapping[str, Any] | None"


def arrays_of(made: Compilation, seed: int) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    """All weights of a net as they begin, by name. Raises SpecError, MissingExtra."""
    require("onnx", "numpy")
    import numpy as np

    tensors = initial(made, seed)
    for name, weight in tensors.weights.items():
        yield name, np.concatenate(list(tensors.chunks(name))).reshape(sizes(weight))


def save(
    made: Compilation,
    path: str,
    weights: Weights,
    seed: int,
    opset: int,
    dtype: str,
    fold: bool,
    external: bool,
) -> None:
    """Write the model of a net. Raises SpecError, OSError, MissingExtra."""
    require("onnx", "onnx", "numpy")
    data = graph_of(made, opset, fold)
    with tensors_of_any(made, weights, seed) as tensors:
        write_model(path, data, tensors, dtype, made, external)


@contextmanager
def tensors_of_any(made: Compilation, weights: Weights, seed: int) -> Iterator[Tensors]:
    """The numbers of a net's weights, of a file, of arrays, or drawn from a seed. Raises SpecError."""
    if isinstance(weights, Mapping):
        yield match(made, Arrays(weights))
        return
    path = None if weights is None else os.fspath(weights)
    with closing(weights_for(made, path, (), seed)) as tensors:
        yield tensors
