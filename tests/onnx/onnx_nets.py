"""Nets as ONNX models: built from one layer or a text, checked against ONNX's own inference, and run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import ModelProto, TensorProto, ValueInfoProto, helper, shape_inference
from torch import Tensor, nn

from netspec.driver import Compilation
from netspec.emit.onnx import export
from netspec.emit.weights.initial import initial
from netspec.ir.network import Input, LayerNode, Module, Network
from netspec.ir.types import TensorType
from netspec.ops.base import Layer, output_types
from netspec.source import SourceFile

OPSET = export.OPSET
INPUTS = {
    "tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(int64)": np.int64, "tensor(bool)": np.bool_,
}  # fmt: skip
TOLERANCE = {"float32": 1e-4, "float16": 2e-2}  # of the largest element


class Given:
    """The numbers of weights, from a state_dict."""

    def __init__(self, state: Mapping[str, Tensor], prefix: str = "") -> None:
        self.state = {prefix + name: tensor for name, tensor in state.items()}

    def chunks(self, name: str) -> Iterator[Any]:
        yield self.state[name].detach().numpy().reshape(-1)


# -- building -------------------------------------------------------------------------------------------


def one_layer(layer: Layer, inputs: Sequence[TensorType]) -> Compilation:
    """A net of one layer, which is called `layer`. It comes as IR."""
    names = tuple(f"x{place}" for place in range(len(inputs)))
    outputs = output_types(layer, inputs)
    members = {(f"y{place}" if place else ""): f"layer.{place}" if place else "layer" for place in range(len(outputs))}
    node = LayerNode(name="layer", layer=layer, inputs=names)
    module = Module(name="Net", inputs=names, nodes=(node,), outputs=members)
    given = tuple(Input(name=name, type=type) for name, type in zip(names, inputs, strict=True))
    network = Network(name="Net", inputs=given, modules=(module,))
    return sound(Compilation(SourceFile("net.json", network.model_dump_json(exclude_defaults=False), None)))


def compiled(text: str, **settings: Any) -> Compilation:
    return sound(Compilation(SourceFile("test.net", text, None), None, settings))


def sound(made: Compilation) -> Compilation:
    assert made.sound, [str(d) for d in made.diagnostics]
    return made


def model_of(
    made: Compilation, tensors: Any = None, *, opset: int = OPSET, dtype: str = "float32", fold: bool = True
) -> ModelProto:
    """The model of a net, with its initial weights unless others are given."""
    data = export.graph_of(made, opset, fold)
    written = export.model_bytes(data, tensors or initial(made), dtype, made)
    return onnx.load_from_string(written)


def naive(
    nodes: Sequence[Any], inputs: Mapping[str, Sequence[Any]], outputs: Sequence[str], **tensors: Any
) -> ModelProto:
    """A model as one would write it by hand: float32 inputs of these shapes, and tensors by name."""
    graph = helper.make_graph(
        list(nodes),
        "naive",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape)) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [onnx.numpy_helper.from_array(np.asarray(array), name) for name, array in tensors.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)


# -- checking -------------------------------------------------------------------------------------------


def shape_of(info: ValueInfoProto) -> list[int | str]:
    """The sizes of a value: numbers, names, "" where nothing is known."""
    return [d.dim_value if d.HasField("dim_value") else d.dim_param for d in info.type.tensor_type.shape.dim]


def all_values(model: ModelProto) -> dict[str, ValueInfoProto]:
    """What a model says of its values, inputs aside."""
    return {info.name: info for info in [*model.graph.value_info, *model.graph.output]}


def inferred(model: ModelProto) -> ModelProto:
    """The model with what ONNX itself finds of its values, of the inputs and the weights alone."""
    bare = ModelProto()
    bare.CopyFrom(model)
    del bare.graph.value_info[:]
    for output in bare.graph.output:
        output.type.tensor_type.ClearField("shape")
    return shape_inference.infer_shapes(bare, check_type=True, strict_mode=True, data_prop=True)


def check(model: ModelProto, known: Mapping[str, int] | None = None, unknown: Sequence[str] = ()) -> None:
    """The model is sound, and ONNX finds the types that it states.

    known: the numbers that symbols stand for here. unknown: operators that ONNX infers no shape of.
    """
    onnx.checker.check_model(model, full_check=True)
    for node in model.graph.node:  # pads and sizes are written out
        assert not {"auto_pad", "ceil_mode"} & {a.name for a in node.attribute}, node
    names = [node.name for node in model.graph.node]
    assert len(set(names)) == len(names)
    assert all(names)
    makers = {name: node.op_type for node in model.graph.node for name in node.output}
    stated, found = all_values(model), all_values(inferred(model))
    assert stated.keys() == makers.keys() | {output.name for output in model.graph.output}
    for name, info in stated.items():
        if makers.get(name) in unknown:
            continue
        assert name in found, f"no inference of {name}, {makers.get(name)}"
        ours, theirs = shape_of(info), shape_of(found[name])
        assert info.type.tensor_type.elem_type == found[name].type.tensor_type.elem_type, name
        assert found[name].type.tensor_type.HasField("shape"), f"no inference of {name}, {makers.get(name)}"
        assert len(ours) == len(theirs), (name, makers.get(name), ours, theirs)
        for own, other in zip(ours, theirs, strict=True):
            assert own == other or not isinstance(other, int), (name, makers.get(name), ours, theirs)
            # a name that ONNX keeps is ours
            assert not other or str(other).startswith("unk__") or own == other, (name, makers.get(name), ours, theirs)


# -- running --------------------------------------------------------------------------------------------


def session(model: ModelProto, *, optimised: bool = True) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def run(model: ModelProto | onnxruntime.InferenceSession, *inputs: Any) -> list[np.ndarray]:
    """The outputs of a model for inputs in order, each a tensor or an array."""
    made = session(model) if isinstance(model, ModelProto) else model
    feeds = {}
    for info, x in zip(made.get_inputs(), inputs, strict=True):
        feeds[info.name] = np.asarray(x.detach().numpy() if isinstance(x, Tensor) else x, INPUTS[info.type])
    return list(made.run(None, feeds))


def run_all(model: ModelProto, *inputs: Any) -> dict[str, np.ndarray]:
    """Every value of a model by its name, nothing optimised away."""
    whole = ModelProto()
    whole.CopyFrom(model)
    outputs = {output.name for output in whole.graph.output}
    whole.graph.output.extend(info for info in model.graph.value_info if info.name not in outputs)
    made = session(whole, optimised=False)
    return dict(zip((output.name for output in made.get_outputs()), run(made, *inputs), strict=True))


def check_values(model: ModelProto, sizes: Mapping[str, int], *inputs: Any) -> None:
    """Every value has the shape and the type that the model states. `sizes`: what its names stand for, for Python."""
    stated = all_values(model)
    for name, array in run_all(model, *inputs).items():
        shape = [eval(size, {"min": min, "max": max}, dict(sizes)) if isinstance(size, str) and size else size
                 for size in shape_of(stated[name])]  # fmt: skip
        shape = [own if size == "" else size for size, own in zip(shape, array.shape, strict=True)]  # it may be any
        assert list(array.shape) == shape, (name, list(array.shape), shape_of(stated[name]))
        assert helper.np_dtype_to_tensor_dtype(array.dtype) == stated[name].type.tensor_type.elem_type, name


def close(ours: Sequence[Any], theirs: Sequence[Any], tolerance: float = 1e-4, scale: bool = True) -> None:
    """Outputs equal to torch's, relative to the largest element, which is not 0."""
    assert len(ours) == len(theirs)
    for own, other in zip(ours, theirs, strict=True):
        expected = other.detach().numpy() if isinstance(other, Tensor) else np.asarray(other)
        assert own.shape == expected.shape, (own.shape, expected.shape)
        if expected.dtype == np.int64:
            assert (own == expected).all()
            continue
        most = np.abs(expected).max()
        assert np.isfinite(expected).all()
        assert not scale or most > 1e-3, f"nothing to see: the largest element is {most}"
        off = np.abs(own.astype(np.float64) - expected).max()
        assert off <= tolerance * most, f"off by {off / most:.2e} of {most:.2e}"


def randomise(module: nn.Module) -> nn.Module:
    """Weights and statistics of which each shows in the output."""
    for name, tensor in [*module.named_parameters(), *module.named_buffers()]:
        last = name.rpartition(".")[2]
        if not tensor.is_floating_point() or (isinstance(tensor, nn.Parameter) and not tensor.requires_grad):
            continue
        with torch.no_grad():
            if last == "running_var" or (tensor.dim() == 1 and last == "weight"):
                tensor.uniform_(0.5, 1.5)
            else:
                fan = max(tensor[0].numel(), 1) if tensor.dim() > 1 else 1
                tensor.normal_(0.0, (2 / fan) ** 0.5)
    return module
