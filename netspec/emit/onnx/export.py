"""A net as an ONNX model: in memory, or as a file that is written whole or not at all."""

from __future__ import annotations

import os
from io import BytesIO

from netspec.diagnostics import SpecError
from netspec.driver import Compilation
from netspec.emit.onnx.folding import fold as fold_norms
from netspec.emit.onnx.graph import GraphData, LayerMistake, UnboundSymbol, build
from netspec.emit.onnx.proto import LARGEST, Layout, write, write_external
from netspec.emit.style import printable
from netspec.emit.unrolling import mistake_of, unrolled
from netspec.emit.weights.elements import Tensors
from netspec.emit.writing import check_room, replacing, replacing_all
from netspec.problems.files import BadIr

OPSET = 23
DATA = ".data"  # what the name of a file of weights has more than its model's
_ROOM = 2**26  # bytes of a model besides its weights


def graph_of(made: Compilation, opset: int = OPSET, fold: bool = True, layers: bool = False) -> GraphData:
    """The graph of a checked net. Raises SpecError where there is something that ONNX cannot say.

    fold: batch normalisations into the convolutions before them. layers: every layer's outputs are outputs of the
    graph too, by their names.
    """
    network = made.network
    flat = unrolled(made)
    assert network is not None
    try:
        data = build(network, flat, opset)
    except LayerMistake as mistake:
        raise SpecError((mistake_of(made, mistake.problem, mistake.step),)) from None
    except UnboundSymbol as error:
        raise SpecError((BadIr(file=made.source.name, reason=str(error)).nowhere(made.source.name),)) from None
    if fold:
        fold_norms(data)
    if layers:
        known = {id(value) for value in data.outputs} | {id(value) for value in data.inputs}
        for values in data.layers.values():
            for value in values:
                if id(value) not in known and value not in data.tensors:
                    known.add(id(value))
                    data.outputs.append(value)
    return data


def model_bytes(data: GraphData, tensors: Tensors, dtype: str = "float32", made: Compilation | None = None) -> bytes:
    """A model in memory, of less than 2 GB."""
    file = BytesIO()
    write(Layout(data, dtype), tensors, file, metadata(made))
    return file.getvalue()


def metadata(made: Compilation | None) -> dict[str, str]:
    """What a model says of where it comes from."""
    if made is None:
        return {}
    return {"netspec.spec": printable(os.path.basename(made.source.name)), "netspec.net": made.name or ""}


def write_model(
    path: str,
    data: GraphData,
    tensors: Tensors,
    dtype: str = "float32",
    made: Compilation | None = None,
    external: bool = False,
) -> str | None:
    """Write a model, as a whole or not at all; the file that its weights are in, if that is another.

    external: put the weights into `path`.data, which is always done where one file cannot hold them. Raises OSError.
    """
    layout = Layout(data, dtype)
    check_room(path, layout.total)
    if not external and layout.total <= LARGEST - _ROOM:
        with replacing(path) as file:
            write(layout, tensors, file, metadata(made))
        return None
    weights = path + DATA
    with replacing_all([weights, path]) as (beside, file):
        write_external(layout, tensors, file, beside, os.path.basename(weights), metadata(made))
    return weights
