"""Weights as arrays, and models with such weights: what the Python API offers."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from netspec.driver import Compilation
from netspec.emit.extras import require
from netspec.emit.onnx.export import graph_of, write_model
from netspec.emit.unrolling import tensors_of
from netspec.emit.weights.arrays import Arrays
from netspec.emit.weights.initial import Initial
from netspec.emit.weights.matching import match, match_file, sizes

if TYPE_CHECKING:
    import numpy as np


def arrays_of(made: Compilation, seed: int) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    """All weights of a net as they begin, by name. Raises SpecError, MissingExtra."""
    require("onnx", "numpy")
    import numpy as np

    weights = {name: weight for name, (weight, _) in tensors_of(made).items()}
    initial = Initial(weights, seed)
    for name, weight in weights.items():
        yield name, np.concatenate(list(initial.chunks(name))).reshape(sizes(weight))


def save(
    made: Compilation,
    path: str,
    weights: str | os.PathLike[str] | Mapping[str, Any] | None,
    seed: int,
    opset: int,
    dtype: str,
    fold: bool,
    external: bool,
) -> None:
    """Write the model of a net. Raises SpecError, OSError, MissingExtra."""
    require("onnx", "onnx", "numpy")
    data = graph_of(made, opset, fold)
    if weights is None:
        tensors: Any = Initial({name: weight for name, (weight, _) in tensors_of(made).items()}, seed)
    elif isinstance(weights, Mapping):
        tensors = match(made, Arrays(weights))
    else:
        tensors = match_file(made, os.fspath(weights))
    write_model(path, data, tensors, dtype, made, external)
