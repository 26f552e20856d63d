"""Every bundled spec as ONNX: what onnx's checker and its shape inference say of it, and that onnxruntime loads it."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from netspec import resources
from netspec.analysis.unrolled import unroll
from netspec.driver import Compilation, compile_source, find_source
from netspec.emit.onnx.export import graph_of
from netspec.emit.onnx.proto import Layout, write_external
from netspec.ir.dims import Dim

# of language models less, so that onnxruntime can load them: nets in the same words
SMALL = {
    spec: {"layers": 2, "dim": 64, "heads": 4, "vocab": 100, **more}
    for spec, more in {
        "bert": {}, "gpt2": {}, "llama": {"kv_heads": 2, "hidden": 96}, "mistral": {"kv_heads": 2, "hidden": 96},
        "mixtral": {"kv_heads": 2, "hidden": 96}, "transformer": {"hidden": 96},
    }.items()
}  # fmt: skip
NETS = [(spec, made.name or "") for spec in resources.spec_names() for made in compile_source(find_source(spec))]


class Zeros:
    """Weights of zeros: shapes and loading do not depend on the numbers."""

    def __init__(self, made: Compilation) -> None:
        assert made.network is not None
        self.weights = unroll(made.network, made.types).tensors()

    def chunks(self, name: str) -> Iterator[np.ndarray[Any, Any]]:
        yield np.zeros(prod(self.weights[name][0].shape), np.float32)


class Sparse:
    """A file of zeros, which takes no space."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("wb")
        self.size = 0

    def write(self, piece: Any) -> None:
        self.size += len(piece)

    def writelines(self, pieces: Any) -> None:
        for piece in pieces:
            self.write(piece)

    def __enter__(self) -> Sparse:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.truncate(self.size)
        self.file.close()


def sizes(value: onnx.ValueInfoProto) -> list[int | str]:
    """The shape of a value, an unknown size as an empty text."""
    return [axis.dim_value or axis.dim_param for axis in value.type.tensor_type.shape.dim]


def named(size: Dim) -> int | str:
    """A size as onnxruntime tells it."""
    return size if isinstance(size, int) else str(size)


def inferred(model: onnx.ModelProto) -> dict[str, onnx.ValueInfoProto]:
    """What onnx says of a model's values, without what the model says."""
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    del bare.graph.value_info[:]
    found = onnx.shape_inference.infer_shapes(bare, strict_mode=True, data_prop=True)
    return {value.name: value for value in found.graph.value_info}


@pytest.mark.parametrize(("spec", "net"), NETS, ids=[net for _, net in NETS])
@pytest.mark.parametrize("fold", [True, False], ids=["fold", "no-fold"])
def test_spec(spec: str, net: str, fold: bool, tmp_path: Path) -> None:
    made = Compilation(find_source(spec), net, SMALL.get(spec, {}))
    path = tmp_path / "model.onnx"
    with path.open("wb") as file, Sparse(tmp_path / "weights") as data:
        write_external(Layout(graph_of(made, fold=fold)), Zeros(made), file, data, "weights", {})  # type: ignore[arg-type]
    onnx.checker.check_model(str(path), full_check=True)
    model = onnx.load(path, load_external_data=False)
    theirs = inferred(model)
    ours = {value.name: value for value in model.graph.value_info}
    assert theirs.keys() == ours.keys()
    for name, value in ours.items():
        for theirs_, ours_ in zip(sizes(theirs[name]), sizes(value), strict=True):  # ONNX may not know a symbol
            assert theirs_ == ours_ or (isinstance(ours_, str) and str(theirs_).startswith("unk__")), name
        assert theirs[name].type.tensor_type.elem_type == value.type.tensor_type.elem_type, name
    if fold:
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])
        assert [each.shape for each in session.get_inputs()] == [
            ["batch", *map(named, item.type.shape)]
            for item in made.network.inputs  # type: ignore[union-attr]
        ]
        types = made.types[net]
        root = made.network.root  # type: ignore[union-attr]
        assert [(each.name, each.shape) for each in session.get_outputs()] == [
            (member or ref, ["batch", *map(named, types[ref].shape)]) for member, ref in root.outputs.items()
        ]
