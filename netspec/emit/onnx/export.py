"""A net as an ONNX model: in memory, or as a file that is written whole or not at all."""

from __future__ import annotations

from io import BytesIO

from netspec.analysis.unrolled import Step, TooManyLayers, Unrolled, unroll
from netspec.diagnostics import Problem, SpecError
from netspec.driver import Compilation
from netspec.emit.onnx.folding import fold as fold_norms
from netspec.emit.onnx.graph import GraphData, LayerMistake, UnboundSymbol, build
from netspec.emit.onnx.proto import Layout, Tensors, write
from netspec.emit.weights.initial import Initial
from netspec.limits import ROWS
from netspec.problems.files import BadIr
from netspec.problems.onnx import TooManyLayersToWrite

OPSET = 23
OPSETS = (17, 26)  # the oldest that has all operators, the newest that onnxruntime 1.31 takes


def unrolled(made: Compilation) -> Unrolled:
    """A checked net written out. Raises SpecError."""
    network = made.network
    if network is None or not made.sound:
        raise SpecError(made.diagnostics)
    try:
        return unroll(network, made.types)
    except TooManyLayers as error:
        problem = TooManyLayersToWrite(net=network.name, layers=f"{error.layers:,}", most=f"{ROWS:,}")
        raise SpecError((problem.nowhere(made.source.name),)) from None


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
        raise mistake_at(made, mistake.problem, mistake.step) from None
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


def mistake_at(made: Compilation, problem: Problem, step: Step) -> SpecError:
    """A mistake at the place of a layer."""
    span = made.span(step.module, step.node.name)
    return SpecError((problem.at(span) if span else problem.nowhere(made.source.name),))


def model_bytes(data: GraphData, tensors: Tensors, dtype: str = "float32", made: Compilation | None = None) -> bytes:
    """A model in memory, of less than 2 GB."""
    file = BytesIO()
    write(Layout(data, dtype), tensors, file, metadata(made))
    return file.getvalue()


def initial(made: Compilation, seed: int = 0) -> Initial:
    """The weights of a net as they begin. Raises SpecError."""
    return Initial({name: weight for name, (weight, _) in unrolled(made).tensors().items()}, seed)


def metadata(made: Compilation | None) -> dict[str, str]:
    """What a model says of where it comes from."""
    import os

    if made is None:
        return {}
    return {"netspec.spec": os.path.basename(made.source.name), "netspec.net": made.name or ""}
