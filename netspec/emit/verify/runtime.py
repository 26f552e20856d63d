"""A graph in onnxruntime."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from netspec.emit.onnx.export import model_bytes
from netspec.emit.onnx.graph import GraphData
from netspec.emit.weights.elements import Tensors
from netspec.ops.onnxrule import Value

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_FATAL = 4  # onnxruntime logs what it raises, too


class RuntimeFailed(Exception):
    """What onnxruntime refuses, in its own words."""

    def __init__(self, error: Exception) -> None:
        super().__init__(" ".join(str(error).split()))

    def layer(self, paths: Sequence[str]) -> str:
        """The path of the layer that the message names, if it names one."""
        names = re.split(r"[\s'\"():,]+", str(self))
        return next((path for name in names for path in [name.split("/")[0]] if path and path in set(paths)), "")


class Session:
    """A model, loaded. Raises RuntimeFailed."""

    def __init__(self, data: GraphData, tensors: Tensors) -> None:
        import onnxruntime

        self.data = data
        options = onnxruntime.SessionOptions()
        options.log_severity_level = _FATAL
        try:
            self.session = onnxruntime.InferenceSession(
                model_bytes(data, tensors), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise RuntimeFailed(error) from error

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        """The outputs, in the order of the graph's. Raises RuntimeFailed."""
        given = {value.name: x for value, x in zip(self.data.inputs, inputs, strict=True)}
        taken = {item.name for item in self.session.get_inputs()}  # one that nothing uses may be gone
        try:
            made: list[Array] = self.session.run(None, {name: x for name, x in given.items() if name in taken})
        except Exception as error:
            raise RuntimeFailed(error) from error
        return made

    def all_values(self, inputs: Sequence[Array]) -> dict[int, Array]:
        """Every input and output of the graph, by the identity of its value."""
        found = {id(value): x for value, x in zip(self.data.inputs, inputs, strict=True)}
        found.update((id(value), x) for value, x in zip(self.data.outputs, self.run(inputs), strict=True))
        return found


def array_of(value: Value, found: dict[int, Array], data: GraphData, arrays: dict[str, Array]) -> Array | None:
    """A value of a layer: one that was computed, an input, or a weight."""
    if id(value) in found:
        return found[id(value)]
    name = getattr(data.tensors.get(value), "name", None)
    return None if name is None else arrays[name].reshape([int(str(size)) for size in value.shape])
