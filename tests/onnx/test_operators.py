"""Which of ONNX's operators layers become, and with which attributes."""

# ruff: noqa: E501  # the table has one case a line

from __future__ import annotations

from typing import Any

import pytest
from onnx_nets import one_layer

from netspec import limits
from netspec.diagnostics import SpecError
from netspec.emit.onnx.export import graph_of
from netspec.emit.onnx.graph import Node
from netspec.ir.types import TensorType
from netspec.ops import find_layer

Shape = tuple[int, ...]
C1, C2, C3 = (6, 9), (6, 9, 8), (4, 5, 7, 6)
TABLE = ((0, 1, 2), (3, 4, 5), (0, 5), (1, 2, 3, 4))

# layer, arguments, inputs; the operators in their order
OPERATORS: list[tuple[str, dict[str, Any], tuple[Shape, ...], str]] = [
    ("conv", {"out": 8, "k": 3}, (C2,), "Conv(dilations=(1, 1), group=1, kernel_shape=(3, 3), pads=(0, 0, 0, 0), strides=(1, 1))"),
    ("conv", {"out": 8, "k": (3, 2), "stride": 2, "pad": (1, 0), "dilation": (1, 2), "groups": 2, "bias": False}, (C2,), "Conv(dilations=(1, 2), group=2, kernel_shape=(3, 2), pads=(1, 0, 1, 0), strides=(2, 2))"),
    ("conv", {"out": 8, "k": 3, "pad": 1, "pad_mode": "circular"}, (C1,), "Slice Slice Concat(axis=2) Conv(dilations=(1,), group=1, kernel_shape=(3,), pads=(0, 0), strides=(1,))"),
    ("conv", {"out": 8, "k": 3, "pad": "same"}, (C3,), "Conv(dilations=(1, 1, 1), group=1, kernel_shape=(3, 3, 3), pads=(1, 1, 1, 1, 1, 1), strides=(1, 1, 1))"),
    ("conv", {"out": 8, "k": 3, "pad": "same", "stride": 2}, (C1,), "Conv(dilations=(1,), group=1, kernel_shape=(3,), pads=(1, 1), strides=(2,))"),
    ("conv", {"out": 8, "k": 3, "pad": ((0, 1), 2), "pad_mode": "reflect", "groups": 2, "bias": False, "stride": 2, "dilation": 2}, (C2,), "Pad(mode=reflect) Conv(dilations=(2, 2), group=2, kernel_shape=(3, 3), pads=(0, 0, 0, 0), strides=(2, 2))"),
    ("conv", {"out": 8, "k": 3, "flip": True}, (C1,), "Slice Conv(dilations=(1,), group=1, kernel_shape=(3,), pads=(0, 0), strides=(1,))"),
    ("conv", {"out": 4, "k": 3, "connect": TABLE, "bias": False, "stride": 2, "pad": 1, "dilation": 2, "flip": True}, (C2,), "Slice Expand ScatterND Conv(dilations=(2, 2), group=1, kernel_shape=(3, 3), pads=(1, 1, 1, 1), strides=(2, 2))"),
    ("conv", {"out": 4, "k": 3, "connect": TABLE}, (C1,), "Expand ScatterND Conv(dilations=(1,), group=1, kernel_shape=(3,), pads=(0, 0), strides=(1,))"),
    ("conv", {"out": 1, "k": 2, "bias": False, "weight": (1, -1)}, ((1, 6),), "Conv(dilations=(1,), group=1, kernel_shape=(2,), pads=(0, 0), strides=(1,))"),
    ("upconv", {"out": 8, "k": 3}, (C1,), "ConvTranspose(dilations=(1,), group=1, kernel_shape=(3,), output_padding=(0,), pads=(0, 0), strides=(1,))"),
    ("upconv", {"out": 8, "k": 3, "stride": 2, "pad": 1, "output_pad": 1, "dilation": 2, "groups": 2, "bias": False}, (C2,), "ConvTranspose(dilations=(2, 2), group=2, kernel_shape=(3, 3), output_padding=(0, 0), pads=(1, 1, 0, 0), strides=(2, 2))"),
    ("dense", {"out": 8}, (C1,), "Transpose(perm=(1, 0)) MatMul Add"),
    ("dense", {"out": 8, "bias": False}, ((9,),), "Gemm(transB=1)"),
    ("dense", {"out": 1, "weight": (1, -1)}, ((3, 2),), "Transpose(perm=(1, 0)) MatMul Add"),
    ("maxpool", {"k": 3}, (C2,), "MaxPool(dilations=(1, 1), kernel_shape=(3, 3), pads=(0, 0, 0, 0), strides=(3, 3))"),
    ("maxpool", {"k": 2, "stride": (1, 2), "pad": 1, "ceil": True, "dilation": 2}, (C2,), "Pad(mode=constant) MaxPool(dilations=(2, 2), kernel_shape=(2, 2), pads=(0, 0, 0, 0), strides=(1, 2))"),
    ("maxpool", {"k": 3, "stride": 1, "pad": "same"}, (C1,), "MaxPool(dilations=(1,), kernel_shape=(3,), pads=(1, 1), strides=(1,))"),
    ("maxpool", {"k": 2, "stride": 2, "pad": "same", "ceil": True}, (C1,), "MaxPool(dilations=(1,), kernel_shape=(2,), pads=(0, 1), strides=(2,))"),
    ("maxpool", {"k": 3, "pad": ((0, 1), 1)}, (C2,), "MaxPool(dilations=(1, 1), kernel_shape=(3, 3), pads=(0, 1, 1, 1), strides=(3, 3))"),
    ("avgpool", {"k": 3}, (C2,), "AveragePool(count_include_pad=1, kernel_shape=(3, 3), pads=(0, 0, 0, 0), strides=(3, 3))"),
    ("avgpool", {"k": 2, "stride": 2, "pad": 1, "ceil": True, "count_pad": False}, (C1,), "AveragePool(count_include_pad=0, kernel_shape=(2,), pads=(1, 0), strides=(2,))"),
    ("avgpool", {"k": 3, "pad": ((0, 1), 1), "stride": 2, "count_pad": False}, (C2,), "AveragePool(count_include_pad=0, kernel_shape=(3, 3), pads=(0, 1, 1, 1), strides=(2, 2))"),
    ("globalavgpool", {}, (C2,), "GlobalAveragePool"),
    ("globalmaxpool", {}, (C1,), "GlobalMaxPool"),
    ("globalavgpool", {}, (C3,), "GlobalAveragePool"),
    ("globalmaxpool", {}, (C3,), "GlobalMaxPool"),
    ("flatten", {}, (C2,), "Reshape"),
    ("flatten", {"start": 1}, (C2,), "Reshape"),
    ("reshape", {"shape": (2, 27)}, (C1,), "Reshape"),
    ("permute", {"axes": (1, 0)}, (C1,), "Transpose(perm=(0, 2, 1))"),
    ("identity", {}, (C1,), "Identity"),
    ("slice", {"axis": 0, "start": 1, "stop": 4, "step": 2}, (C1,), "Slice"),
    ("slice", {"axis": -1, "start": 1}, (C1,), "Slice"),
    ("slice", {"axis": 1, "stop": 4}, (C1,), "Slice"),
    ("split", {"parts": 2}, (C1,), "Split(axis=1)"),
    ("split", {"parts": (1, 2, 3), "axis": 0}, (C1,), "Split(axis=1)"),
    ("split", {"parts": 3, "axis": -1}, (C1,), "Split(axis=2)"),
    ("pad", {"sides": 1}, (C2,), "Pad(mode=constant)"),
    ("pad", {"sides": ((0, 1), 2), "value": -1.5}, (C2,), "Pad(mode=constant)"),
    ("pad", {"sides": 1, "mode": "reflect"}, (C1,), "Pad(mode=reflect)"),
    ("pad", {"sides": ((0, 1), 2), "mode": "circular"}, (C2,), "Slice Concat(axis=2) Slice Slice Concat(axis=3)"),
    ("crop", {"size": 4}, (C1,), "Slice"),
    ("crop", {"border": (1, 2)}, (C2,), "Slice"),
    ("crop", {"size": (4, 3)}, (C2,), "Slice"),
    ("upsample", {}, (C2,), "Resize(axes=(2, 3), coordinate_transformation_mode=asymmetric, mode=nearest, nearest_mode=floor)"),
    ("upsample", {"scale": 3}, (C2,), "Resize(axes=(2, 3), coordinate_transformation_mode=asymmetric, mode=nearest, nearest_mode=floor)"),
    ("upsample", {"size": (18, 20), "mode": "bilinear", "align_corners": True}, (C2,), "Resize(axes=(2, 3), coordinate_transformation_mode=align_corners, mode=linear)"),
    ("upsample", {"scale": 2, "mode": "bicubic"}, (C2,), "Resize(axes=(2, 3), coordinate_transformation_mode=half_pixel, cubic_coeff_a=-0.75, mode=cubic)"),
    ("upsample", {"scale": 2, "mode": "linear"}, (C1,), "Resize(axes=(2,), coordinate_transformation_mode=half_pixel, mode=linear)"),
    ("pixelshuffle", {"r": 2}, ((4, 3, 3),), "DepthToSpace(blocksize=2, mode=CRD)"),
    ("pixelunshuffle", {"r": 2}, ((4, 4, 4),), "Reshape Transpose(perm=(0, 1, 3, 5, 2, 4)) Reshape"),
    ("channelshuffle", {"groups": 3}, (C2,), "Gather(axis=1)"),
    ("batchnorm", {}, (C2,), "BatchNormalization(epsilon=1e-05)"),
    ("batchnorm", {"eps": 0.001, "momentum": 0.2, "affine": False, "track": False}, (C1,), "ReduceMean(keepdims=1) Sub Mul ReduceMean(keepdims=1) Add Sqrt Div"),
    ("batchnorm", {}, ((7,),), "BatchNormalization(epsilon=1e-05)"),
    ("batchnorm", {}, (C3,), "BatchNormalization(epsilon=1e-05)"),
    ("layernorm", {}, (C1,), "LayerNormalization(axis=-1, epsilon=1e-05)"),
    ("layernorm", {"axes": 2, "eps": 1e-06, "affine": False}, (C2,), "Expand LayerNormalization(axis=-2, epsilon=1e-06)"),
    ("layernorm", {"bias": False}, (C1,), "LayerNormalization(axis=-1, epsilon=1e-05)"),
    ("rmsnorm", {}, (C1,), "RMSNormalization(axis=-1, epsilon=1e-06)"),
    ("rmsnorm", {"axes": 2, "eps": 1e-05, "affine": False}, (C2,), "Expand RMSNormalization(axis=-2, epsilon=1e-05)"),
    ("groupnorm", {"groups": 3}, (C1,), "Reshape Expand Expand InstanceNormalization(epsilon=1e-05) Reshape Mul Add"),
    ("groupnorm", {"groups": 3, "eps": 0.001, "affine": False}, (C1,), "Reshape Expand Expand InstanceNormalization(epsilon=0.001) Reshape"),
    ("instancenorm", {}, (C1,), "Expand Expand InstanceNormalization(epsilon=1e-05)"),
    ("instancenorm", {"eps": 0.001, "affine": True}, (C2,), "InstanceNormalization(epsilon=0.001)"),
    ("instancenorm", {}, (C3,), "Expand Expand InstanceNormalization(epsilon=1e-05)"),
    ("lrn", {"size": 5}, (C2,), "LRN(alpha=0.0001, beta=0.75, bias=1.0, size=5)"),
    ("lrn", {"size": 3, "alpha": 0.001, "beta": 0.5, "k": 2.0}, (C1,), "Mul Reshape AveragePool(count_include_pad=1, kernel_shape=(3, 1), pads=(1, 0, 1, 0), strides=(1, 1)) Reshape Mul Add Pow Div"),
    ("dropout", {}, (C1,), "Identity"),
    ("dropout", {"p": 0.25}, (C1,), "Identity"),
    ("dropout", {"p": 0.25, "per": "channel"}, (C2,), "Identity"),
    ("dropout", {"per": "channel"}, (C1,), "Identity"),
    ("dropout", {"p": 0.25, "mode": "downscale_in_infer"}, (C1,), "Mul"),
    ("dropout", {"mode": "downscale_in_infer", "per": "channel"}, (C2,), "Mul"),
    ("relu", {}, (C1,), "Relu"),
    ("sigmoid", {}, (C1,), "Sigmoid"),
    ("tanh", {}, (C1,), "Tanh"),
    ("silu", {}, (C1,), "Sigmoid Mul"),
    ("gelu", {}, (C1,), "Gelu(approximate=none)"),
    ("softmax", {}, (C1,), "Softmax(axis=2)"),
    ("relu6", {}, (C1,), "Clip"),
    ("leakyrelu", {}, (C1,), "LeakyRelu(alpha=0.01)"),
    ("prelu", {}, (C1,), "PRelu"),
    ("rrelu", {}, (C1,), "LeakyRelu(alpha=0.22916666666666666)"),
    ("hardtanh", {}, (C1,), "Clip"),
    ("hardsigmoid", {}, (C1,), "HardSigmoid(alpha=0.16666666666666666, beta=0.5)"),
    ("hardswish", {}, (C1,), "HardSwish"),
    ("softshrink", {}, (C1,), "Clip Sub"),
    ("hardshrink", {}, (C1,), "Abs LessOrEqual Where"),
    ("elu", {}, (C1,), "Elu(alpha=1.0)"),
    ("selu", {}, (C1,), "Selu"),
    ("celu", {}, (C1,), "Div Exp Sub Mul LessOrEqual Where"),
    ("mish", {}, (C1,), "Softplus Tanh Mul"),
    ("softplus", {}, (C1,), "Softplus"),
    ("softsign", {}, (C1,), "Softsign"),
    ("logsigmoid", {}, (C1,), "Neg Softplus Neg"),
    ("tanhshrink", {}, (C1,), "Tanh Sub"),
    ("logsoftmax", {}, (C1,), "LogSoftmax(axis=2)"),
    ("softmin", {}, (C1,), "Neg Softmax(axis=2)"),
    ("glu", {}, (C1,), "Split(axis=1) Sigmoid Mul"),
    ("gelu", {"approx": "tanh"}, (C1,), "Gelu(approximate=tanh)"),
    ("softmax", {"axis": 0}, (C1,), "Softmax(axis=1)"),
    ("leakyrelu", {"slope": 0.2}, (C1,), "LeakyRelu(alpha=0.2)"),
    ("prelu", {"shared": False}, (C1,), "PRelu"),
    ("rrelu", {"low": 0.1, "high": 0.2}, (C1,), "LeakyRelu(alpha=0.15000000000000002)"),
    ("hardtanh", {"low": -2.0, "high": 3.0}, (C1,), "Clip"),
    ("softshrink", {"bound": 0.25}, (C1,), "Clip Sub"),
    ("hardshrink", {"bound": 0.25}, (C1,), "Abs LessOrEqual Where"),
    ("threshold", {"threshold": 0.1, "value": 2.0}, (C1,), "LessOrEqual Where"),
    ("elu", {"alpha": 0.5}, (C1,), "Elu(alpha=0.5)"),
    ("celu", {"alpha": 0.5}, (C1,), "Div Exp Sub Mul LessOrEqual Where"),
    ("softplus", {"beta": 2.0, "threshold": 10.0}, (C1,), "Mul Softplus Div LessOrEqual Where"),
    ("logsoftmax", {"axis": 0}, (C1,), "LogSoftmax(axis=1)"),
    ("softmin", {"axis": 0}, (C1,), "Neg Softmax(axis=1)"),
    ("glu", {"axis": 1}, ((6, 8),), "Split(axis=2) Sigmoid Mul"),
    ("add", {}, (C1, C1, C1), "Add Add"),
    ("mul", {}, (C1, C1), "Mul"),
    ("concat", {}, (C1, C1), "Concat(axis=1)"),
    ("concat", {"axis": 1}, (C1, C1), "Concat(axis=2)"),
    ("concat", {"axis": -1}, (C1, C1), "Concat(axis=2)"),
    ("sub", {}, (C1, C1), "Sub"),
    ("div", {}, (C1, C1), "Div"),
    ("mean", {}, (C1, C1, C1), "Add Add Div"),
    ("max", {}, (C1, C1, C1), "Max"),
    ("min", {}, (C1, C1), "Min"),
    ("stack", {}, (C1, C1), "Unsqueeze Unsqueeze Concat(axis=1)"),
    ("stack", {"axis": -1}, (C1, C1), "Unsqueeze Unsqueeze Concat(axis=3)"),
    ("matmul", {}, ((2, 3), (3, 4)), "MatMul"),
    ("matmul", {"transpose": True}, ((2, 3), (4, 3)), "Transpose(perm=(0, 2, 1)) MatMul"),
    ("reduce", {"op": "sum", "axes": 0}, (C1,), "ReduceSum(keepdims=0)"),
    ("reduce", {"op": "mean", "axes": (0, -1), "keep": True}, (C1,), "ReduceMean(keepdims=1)"),
    ("reduce", {"op": "max", "axes": 1}, (C1,), "ReduceMax(keepdims=0)"),
    ("reduce", {"op": "prod", "axes": (0, 1)}, (C1,), "ReduceProd(keepdims=0)"),
    ("reduce", {"op": "min", "axes": 0, "keep": True}, (C1,), "ReduceMin(keepdims=1)"),
    ("reduce", {"op": "prod", "axes": 1, "keep": True}, (C1,), "ReduceProd(keepdims=1)"),
    ("scale", {}, (C2,), "Mul"),
    ("scale", {"init": 0.5, "bias": True}, (C1,), "Mul Add"),
    ("scale", {"by": 0.125}, (C1,), "Mul"),
    ("embedding", {"vocab": 100, "dim": 8}, ((3, 5),), "Gather(axis=0)"),
    ("position", {"max_length": 10}, ((5, 8),), "Slice Add"),
    ("rnn", {"hidden": 7}, ((4, 5),), "Transpose(perm=(1, 0, 2)) Concat(axis=1) RNN(hidden_size=7) Squeeze Transpose(perm=(1, 0, 2)) Squeeze"),
    ("rnn", {"hidden": 7, "bias": "one", "steps": "last"}, ((4, 5), (7,)), "Transpose(perm=(1, 0, 2)) Unsqueeze Expand Concat(axis=1) RNN(hidden_size=7) Squeeze Gather(axis=0) Squeeze"),
    ("param", {"shape": (2, 3)}, (), "Identity"),
    ("param", {"shape": (2,), "dtype": "float16", "init": 1.0}, (), "Identity"),
    ("constant", {"value": (1, 2)}, (), "Identity"),
    ("subsample", {"k": 2}, (C1,), "AveragePool(kernel_shape=(2,), strides=(2,)) Mul Mul Add"),
    ("subsample", {"k": (2, 3)}, (C2,), "AveragePool(kernel_shape=(2, 3), strides=(2, 3)) Mul Mul Add"),
    ("rbf", {"out": 3}, ((5, 7),), "Unsqueeze Sub Mul ReduceSum(keepdims=0)"),
    ("lrn", {"size": 4}, (C2,), "Mul Reshape AveragePool(count_include_pad=1, kernel_shape=(4, 1), pads=(2, 0, 1, 0), strides=(1, 1)) Reshape Mul Add Pow Div"),
    ("lrn", {"size": 3, "beta": 0.0}, (C2,), "Mul Reshape AveragePool(count_include_pad=1, kernel_shape=(3, 1), pads=(1, 0, 1, 0), strides=(1, 1)) Reshape Mul Add Pow Div"),
    ("lrn", {"size": 3, "alpha": 0.0}, (C2,), "Mul Reshape AveragePool(count_include_pad=1, kernel_shape=(3, 1), pads=(1, 0, 1, 0), strides=(1, 1)) Reshape Mul Add Pow Div"),
    ("upsample", {"scale": 1.5}, (C2,), "MatMul Transpose(perm=(1, 0)) MatMul"),
    ("position", {"max_length": 5}, ((5, 8),), "Add"),
    ("conv", {"out": 8, "k": 3, "pad": ((0, 1), 2)}, (C2,), "Conv(dilations=(1, 1), group=1, kernel_shape=(3, 3), pads=(0, 2, 1, 2), strides=(1, 1))"),
    ("maxpool", {"k": 2, "pad": ((0, 1), 1)}, (C2,), "MaxPool(dilations=(1, 1), kernel_shape=(2, 2), pads=(0, 1, 1, 1), strides=(2, 2))"),
    ("avgpool", {"k": 3, "pad": 1, "ceil": True, "stride": 2}, (C1,), "AveragePool(count_include_pad=1, kernel_shape=(3,), pads=(1, 1), strides=(2,))"),
    ("dense", {"out": 3, "bias": True}, ((4,),), "Gemm(transB=1)"),
    ("slice", {"axis": 0, "start": -3}, (C1,), "Slice"),
    ("elu", {"alpha": 1.0}, ((3,),), "Elu(alpha=1.0)"),
    ("softplus", {"beta": 2.0}, ((3,),), "Mul Softplus Div"),
    ("upconv", {"out": 8, "k": 3, "stride": 2, "pad": (1,), "output_pad": 1}, (C1,), "ConvTranspose(dilations=(1,), group=1, kernel_shape=(3,), output_padding=(0,), pads=(1, 0), strides=(2,))"),
]  # fmt: skip


def text(node: Node) -> str:
    attributes = ", ".join(f"{name}={value}" for name, value in sorted(node.attributes.items()))
    return f"{node.op}({attributes})" if attributes else node.op


@pytest.mark.parametrize(
    ("name", "arguments", "shapes", "operators"), OPERATORS, ids=[f"{row[0]} {row[1]} {row[2]}" for row in OPERATORS]
)
def test_operators(name: str, arguments: dict[str, Any], shapes: tuple[Shape, ...], operators: str) -> None:
    layer = find_layer(name)
    assert layer is not None
    inputs = [TensorType(shape, "int64" if name == "embedding" else "float32") for shape in shapes]
    assert " ".join(map(text, graph_of(one_layer(layer(**arguments), inputs), 23, True).nodes)) == operators


@pytest.mark.parametrize(
    ("name", "arguments", "shape", "told"),
    [
        ("adaptivemaxpool", {"size": 3}, (2, 8), "`adaptivemaxpool` of [2, 8] needs a constant of 8 numbers"),
        (
            "relativebias",
            {"heads": 1, "max_distance": 20},
            (5, 8),
            "`relativebias` of [5, 8] needs a constant of 37 numbers",
        ),
        ("upsample", {"scale": 1.5, "mode": "linear"}, (1, 8), "`upsample` of [1, 8] needs a constant of 96 numbers"),
    ],
)
def test_large_constants_are_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, arguments: dict[str, Any], shape: Shape, told: str
) -> None:
    monkeypatch.setattr(limits, "CONSTANT", 3)
    layer = find_layer(name)
    assert layer is not None
    with pytest.raises(SpecError) as caught:
        graph_of(one_layer(layer(**arguments), [TensorType(shape)]), 23, True)
    assert f"error[NS704]: {told} in ONNX" in str(caught.value)
