"""A net as a session of onnxruntime: exported in memory, or through a folder where it is too large for that."""

from __future__ import annotations

import os
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from netspec.driver import Compilation
from netspec.emit.extras import require
from netspec.emit.onnx.export import graph_of, model_bytes, write_model
from netspec.emit.onnx.graph import GraphData
from netspec.emit.onnx.proto import LARGEST, Layout
from netspec.emit.running.feeds import from_arrays
from netspec.emit.running.ports import ports_of_graph
from netspec.emit.running.sessions import Session, provider_of
from netspec.emit.weights.elements import Tensors

if TYPE_CHECKING:
    import numpy as np

_ROOM = 2**26  # bytes of a model besides its weights


def load_net(made: Compilation, data: GraphData, tensors: Tensors, provider: str, threads: int = 0) -> Session:
    """A net that can be run. Raises Refused, and OSError where a folder cannot be written."""
    name = made.name or "the net"
    if Layout(data).total <= LARGEST - _ROOM:
        return Session(model_bytes(data, tensors, made=made), name, provider=provider, threads=threads)
    with TemporaryDirectory(prefix="netspec-") as folder:
        path = os.path.join(folder, "model.onnx")
        write_model(path, data, tensors, made=made)
        return Session(path, name, provider=provider, threads=threads)


def outputs_of(made: Compilation, inputs: Any, tensors: Tensors) -> dict[str, np.ndarray[Any, Any]]:
    """The outputs of a checked net, by name. `inputs`: arrays by name, or the array of a sole input; an array without
    an axis for the batch is one sample. Raises SpecError, ValueError, and ImportError without onnxruntime."""
    require("onnx", "numpy", "onnx", "onnxruntime")
    data = graph_of(made)
    arrays = from_arrays(ports_of_graph(data), inputs)
    return load_net(made, data, tensors, provider_of(None)).run(arrays)
