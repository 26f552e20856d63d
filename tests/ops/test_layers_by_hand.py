"""Costs, reach and weights of every layer for inputs so small that a person can check them by docs/counting.md."""

# ruff: noqa: E501  # the tables have one case a line

from __future__ import annotations

from typing import Any

import pytest
from layer_calls import Shape, cost_of, layer, types

from netspec.ops import layer_names
from netspec.ops.base import POINT, Cache, Cost, Reach, Types, Weight, output_types

C1, C2, C3 = (6, 9), (6, 9, 8), (4, 5, 7, 6)
TABLE = ((0, 1, 2), (3, 4, 5), (0, 5), (1, 2, 3, 4))

# layer, arguments, inputs, Cost(macs, mults, adds, other, connections); what is not here costs nothing
COSTS: list[tuple[str, dict[str, Any], tuple[Shape, ...], Cost]] = [
    ("conv", {"out": 8, "k": 3}, (C2,), Cost(18144, 18144, 18144, 0, 18480)),
    ("conv", {"out": 8, "k": (3, 2), "stride": 2, "pad": (1, 0), "dilation": (1, 2), "groups": 2, "bias": False}, (C2,), Cost(2160, 2160, 2040, 0, 2160)),
    ("conv", {"out": 8, "k": 3, "pad": 1, "pad_mode": "circular"}, (C1,), Cost(1296, 1296, 1296, 0, 1368)),
    ("conv", {"out": 8, "k": 3, "pad": "same"}, (C3,), Cost(181440, 181440, 181440, 0, 183120)),
    ("conv", {"out": 8, "k": 3, "pad": "same", "stride": 2}, (C1,), Cost(720, 720, 720, 0, 760)),
    ("conv", {"out": 8, "k": 3, "pad": ((0, 1), 2), "pad_mode": "reflect", "groups": 2, "bias": False, "stride": 2, "dilation": 2}, (C2,), Cost(2592, 2592, 2496, 0, 2592)),
    ("conv", {"out": 8, "k": 3, "flip": True}, (C1,), Cost(1008, 1008, 1008, 0, 1064)),
    ("conv", {"out": 4, "k": 3, "connect": TABLE, "bias": False, "stride": 2, "pad": 1, "dilation": 2, "flip": True}, (C2,), Cost(1296, 1296, 1248, 0, 1296)),
    ("conv", {"out": 4, "k": 3, "connect": TABLE}, (C1,), Cost(252, 252, 252, 0, 280)),
    ("conv", {"out": 1, "k": 2, "bias": False, "weight": (1, -1)}, ((1, 6),), Cost(10, 10, 5, 0, 10)),
    ("upconv", {"out": 8, "k": 3}, (C1,), Cost(1296, 1296, 1296, 0, 1384)),
    ("upconv", {"out": 8, "k": 3, "stride": 2, "pad": 1, "output_pad": 1, "dilation": 2, "groups": 2, "bias": False}, (C2,), Cost(15552, 15552, 12672, 0, 15552)),
    ("dense", {"out": 8}, (C1,), Cost(432, 432, 432, 0, 480)),
    ("dense", {"out": 8, "bias": False}, ((9,),), Cost(72, 72, 64, 0, 72)),
    ("dense", {"out": 1, "weight": (1, -1)}, ((3, 2),), Cost(6, 6, 6, 0, 9)),
    ("maxpool", {"k": 3}, (C2,), Cost(0, 0, 0, 288, 324)),
    ("maxpool", {"k": 2, "stride": (1, 2), "pad": 1, "ceil": True, "dilation": 2}, (C2,), Cost(0, 0, 0, 810, 1080)),
    ("maxpool", {"k": 3, "stride": 1, "pad": "same"}, (C1,), Cost(0, 0, 0, 108, 162)),
    ("maxpool", {"k": 2, "stride": 2, "pad": "same", "ceil": True}, (C1,), Cost(0, 0, 0, 30, 60)),
    ("maxpool", {"k": 3, "pad": ((0, 1), 1)}, (C2,), Cost(0, 0, 0, 432, 486)),
    ("avgpool", {"k": 3}, (C2,), Cost(0, 36, 288, 0, 324)),
    ("avgpool", {"k": 2, "stride": 2, "pad": 1, "ceil": True, "count_pad": False}, (C1,), Cost(0, 30, 30, 0, 60)),
    ("avgpool", {"k": 3, "pad": ((0, 1), 1), "stride": 2, "count_pad": False}, (C2,), Cost(0, 96, 768, 0, 864)),
    ("globalavgpool", {}, (C2,), Cost(0, 6, 426, 0, 432)),
    ("globalmaxpool", {}, (C1,), Cost(0, 0, 0, 48, 54)),
    ("globalavgpool", {}, (C3,), Cost(0, 4, 836, 0, 840)),
    ("globalmaxpool", {}, (C3,), Cost(0, 0, 0, 836, 840)),
    ("adaptiveavgpool", {"size": 3}, (C2,), Cost(0, 54, 486, 0, 540)),
    ("adaptivemaxpool", {"size": (2, 3)}, (C2,), Cost(0, 0, 0, 564, 600)),
    ("upsample", {"size": (18, 20), "mode": "bilinear", "align_corners": True}, (C2,), Cost(0, 8640, 6480, 0, 0)),
    ("upsample", {"scale": 2, "mode": "bicubic"}, (C2,), Cost(0, 27648, 25920, 0, 0)),
    ("upsample", {"scale": 2, "mode": "linear"}, (C1,), Cost(0, 216, 108, 0, 0)),
    ("batchnorm", {}, (C2,), Cost(0, 432, 432, 0, 0)),
    ("batchnorm", {"eps": 0.001, "momentum": 0.2, "affine": False, "track": False}, (C1,), Cost(0, 54, 54, 0, 0)),
    ("batchnorm", {}, ((7,),), Cost(0, 7, 7, 0, 0)),
    ("batchnorm", {}, (C3,), Cost(0, 840, 840, 0, 0)),
    ("layernorm", {}, (C1,), Cost(0, 162, 216, 18, 0)),
    ("layernorm", {"axes": 2, "eps": 1e-06, "affine": False}, (C2,), Cost(0, 864, 1296, 18, 0)),
    ("layernorm", {"bias": False}, (C1,), Cost(0, 162, 162, 18, 0)),
    ("rmsnorm", {}, (C1,), Cost(0, 162, 54, 12, 0)),
    ("rmsnorm", {"axes": 2, "eps": 1e-05, "affine": False}, (C2,), Cost(0, 864, 432, 12, 0)),
    ("groupnorm", {"groups": 3}, (C1,), Cost(0, 162, 216, 9, 0)),
    ("groupnorm", {"groups": 3, "eps": 0.001, "affine": False}, (C1,), Cost(0, 108, 162, 9, 0)),
    ("instancenorm", {}, (C1,), Cost(0, 108, 162, 18, 0)),
    ("instancenorm", {"eps": 0.001, "affine": True}, (C2,), Cost(0, 1296, 1728, 18, 0)),
    ("instancenorm", {}, (C3,), Cost(0, 1680, 2520, 12, 0)),
    ("lrn", {"size": 5}, (C2,), Cost(0, 864, 2160, 864, 0)),
    ("lrn", {"size": 3, "alpha": 0.001, "beta": 0.5, "k": 2.0}, (C1,), Cost(0, 108, 162, 108, 0)),
    ("relu", {}, (C1,), Cost(0, 0, 0, 54, 0)),
    ("sigmoid", {}, (C1,), Cost(0, 0, 0, 216, 0)),
    ("tanh", {}, (C1,), Cost(0, 0, 0, 270, 0)),
    ("silu", {}, (C1,), Cost(0, 0, 0, 270, 0)),
    ("gelu", {}, (C1,), Cost(0, 0, 0, 270, 0)),
    ("softmax", {}, (C1,), Cost(0, 0, 108, 162, 0)),
    ("relu6", {}, (C1,), Cost(0, 0, 0, 108, 0)),
    ("leakyrelu", {}, (C1,), Cost(0, 0, 0, 108, 0)),
    ("prelu", {}, (C1,), Cost(0, 0, 0, 108, 0)),
    ("rrelu", {}, (C1,), Cost(0, 0, 0, 108, 0)),
    ("hardtanh", {}, (C1,), Cost(0, 0, 0, 108, 0)),
    ("hardsigmoid", {}, (C1,), Cost(0, 0, 0, 216, 0)),
    ("hardswish", {}, (C1,), Cost(0, 0, 0, 270, 0)),
    ("softshrink", {}, (C1,), Cost(0, 0, 0, 162, 0)),
    ("hardshrink", {}, (C1,), Cost(0, 0, 0, 108, 0)),
    ("elu", {}, (C1,), Cost(0, 0, 0, 216, 0)),
    ("selu", {}, (C1,), Cost(0, 0, 0, 270, 0)),
    ("celu", {}, (C1,), Cost(0, 0, 0, 270, 0)),
    ("mish", {}, (C1,), Cost(0, 0, 0, 486, 0)),
    ("softplus", {}, (C1,), Cost(0, 0, 0, 162, 0)),
    ("softsign", {}, (C1,), Cost(0, 0, 0, 162, 0)),
    ("logsigmoid", {}, (C1,), Cost(0, 0, 0, 270, 0)),
    ("tanhshrink", {}, (C1,), Cost(0, 0, 0, 324, 0)),
    ("logsoftmax", {}, (C1,), Cost(0, 0, 162, 114, 0)),
    ("softmin", {}, (C1,), Cost(0, 0, 108, 216, 0)),
    ("glu", {}, (C1,), Cost(0, 0, 0, 135, 0)),
    ("gelu", {"approx": "tanh"}, (C1,), Cost(0, 0, 0, 702, 0)),
    ("softmax", {"axis": 0}, (C1,), Cost(0, 0, 108, 162, 0)),
    ("leakyrelu", {"slope": 0.2}, (C1,), Cost(0, 0, 0, 108, 0)),
    ("prelu", {"shared": False}, (C1,), Cost(0, 0, 0, 108, 0)),
    ("rrelu", {"low": 0.1, "high": 0.2}, (C1,), Cost(0, 0, 0, 108, 0)),
    ("hardtanh", {"low": -2.0, "high": 3.0}, (C1,), Cost(0, 0, 0, 108, 0)),
    ("softshrink", {"bound": 0.25}, (C1,), Cost(0, 0, 0, 162, 0)),
    ("hardshrink", {"bound": 0.25}, (C1,), Cost(0, 0, 0, 108, 0)),
    ("threshold", {"threshold": 0.1, "value": 2.0}, (C1,), Cost(0, 0, 0, 54, 0)),
    ("elu", {"alpha": 0.5}, (C1,), Cost(0, 0, 0, 216, 0)),
    ("celu", {"alpha": 0.5}, (C1,), Cost(0, 0, 0, 270, 0)),
    ("softplus", {"beta": 2.0, "threshold": 10.0}, (C1,), Cost(0, 0, 0, 270, 0)),
    ("logsoftmax", {"axis": 0}, (C1,), Cost(0, 0, 162, 117, 0)),
    ("softmin", {"axis": 0}, (C1,), Cost(0, 0, 108, 216, 0)),
    ("glu", {"axis": 1}, ((6, 8),), Cost(0, 0, 0, 120, 0)),
    ("add", {}, (C1, C1, C1), Cost(0, 0, 108, 0, 0)),
    ("mul", {}, (C1, C1), Cost(0, 54, 0, 0, 0)),
    ("sub", {}, (C1, C1), Cost(0, 0, 54, 0, 0)),
    ("div", {}, (C1, C1), Cost(0, 0, 0, 54, 0)),
    ("mean", {}, (C1, C1, C1), Cost(0, 54, 108, 0, 0)),
    ("max", {}, (C1, C1, C1), Cost(0, 0, 0, 108, 0)),
    ("min", {}, (C1, C1), Cost(0, 0, 0, 54, 0)),
    ("matmul", {}, ((2, 3), (3, 4)), Cost(24, 24, 16, 0, 0)),
    ("matmul", {"transpose": True}, ((2, 3), (4, 3)), Cost(24, 24, 16, 0, 0)),
    ("reduce", {"op": "sum", "axes": 0}, (C1,), Cost(0, 0, 45, 0, 0)),
    ("reduce", {"op": "mean", "axes": (0, -1), "keep": True}, (C1,), Cost(0, 1, 53, 0, 0)),
    ("reduce", {"op": "max", "axes": 1}, (C1,), Cost(0, 0, 0, 48, 0)),
    ("reduce", {"op": "prod", "axes": (0, 1)}, (C1,), Cost(0, 53, 0, 0, 0)),
    ("reduce", {"op": "min", "axes": 0, "keep": True}, (C1,), Cost(0, 0, 0, 45, 0)),
    ("reduce", {"op": "prod", "axes": 1, "keep": True}, (C1,), Cost(0, 48, 0, 0, 0)),
    ("scale", {}, (C2,), Cost(0, 432, 0, 0, 0)),
    ("scale", {"init": 0.5, "bias": True}, (C1,), Cost(0, 54, 54, 0, 0)),
    ("scale", {"by": 0.125}, (C1,), Cost(0, 54, 0, 0, 0)),
    ("attention", {"heads": 2}, ((5, 8),), Cost(1680, 1730, 1690, 150, 1440)),
    ("attention", {"heads": 4, "kv_heads": 2, "head_dim": 6, "causal": True, "bias": False, "dropout": 0.1, "rope": 10000, "rope_scaling": 2, "qk_norm": True, "window": 3, "scale": 0.5}, ((5, 8),), Cost(4080, 5080, 4140, 360, 2880)),
    ("attention", {"heads": 2, "packed": True}, ((5, 8),), Cost(1680, 1730, 1690, 150, 1440)),
    ("attention", {"heads": 2, "mask": True}, ((5, 8), (5, 5)), Cost(1680, 1730, 1740, 150, 1440)),
    ("attention", {"heads": 2, "head_dim": 3}, ((5, 8), (6, 10)), Cost(1560, 1620, 1590, 180, 1342)),
    ("position", {"max_length": 10}, ((5, 8),), Cost(0, 0, 40, 0, 0)),
    ("position", {"kind": "sinusoidal"}, ((5, 8),), Cost(0, 0, 40, 0, 0)),
    ("swiglu", {"hidden": 12}, (C1,), Cost(1944, 2016, 1746, 360, 1944)),
    ("geglu", {"hidden": 12, "bias": True}, (C1,), Cost(1944, 2016, 1944, 936, 2142)),
    ("experts", {"experts": 4, "hidden": 7, "top": 2}, (C1,), Cost(2484, 2676, 2262, 492, 2484)),
    ("experts", {"experts": 4, "hidden": 7, "top": 1, "normalised": False, "activation": "gelu", "bias": True}, (C1,), Cost(1350, 1446, 1374, 636, 1488)),
    ("rnn", {"hidden": 7}, ((4, 5),), Cost(336, 336, 364, 140, 392)),
    ("rnn", {"hidden": 7, "layers": 2, "bidirectional": True, "dropout": 0.5, "bias": False, "activation": "relu"}, ((4, 5), (4, 7)), Cost(1848, 1848, 1736, 112, 1848)),
    ("rnn", {"hidden": 7, "bias": "one", "steps": "last"}, ((4, 5), (7,)), Cost(336, 336, 336, 140, 364)),
    ("gru", {"hidden": 7}, ((4, 5),), Cost(1008, 1092, 1148, 364, 1176)),
    ("gru", {"hidden": 7, "reset": "before", "layers": 2, "dropout": 0.5, "bias": "one", "bidirectional": True}, ((4, 5), (4, 7)), Cost(5544, 5880, 5768, 1456, 5880)),
    ("gru", {"hidden": 7, "steps": "last"}, ((4, 5), (7,)), Cost(1008, 1092, 1148, 364, 1176)),
    ("lstm", {"hidden": 7}, ((4, 5),), Cost(1344, 1428, 1484, 616, 1568)),
    ("lstm", {"hidden": 7, "proj": 3, "layers": 2, "bidirectional": True, "dropout": 0.5, "bias": False}, ((4, 5), (4, 3), (4, 7)), Cost(4144, 4480, 3760, 2464, 4144)),
    ("lstm", {"hidden": 7, "steps": "last"}, ((4, 5), (7,), (7,)), Cost(1344, 1428, 1484, 616, 1568)),
    ("subsample", {"k": 2}, (C1,), Cost(0, 24, 48, 0, 72)),
    ("subsample", {"k": (2, 3)}, (C2,), Cost(0, 48, 288, 0, 336)),
    ("rbf", {"out": 3}, ((5, 7),), Cost(0, 105, 195, 0, 105)),
    ("attention", {"heads": 2, "mask": True}, ((5, 8), (5, 5)), Cost(1680, 1730, 1740, 150, 1440)),
    ("attention", {"heads": 2, "causal": True}, ((5, 8),), Cost(1680, 1730, 1690, 150, 1440)),
    ("attention", {"heads": 2, "causal": True, "window": 3}, ((5, 8),), Cost(1680, 1730, 1690, 150, 1440)),
    ("attention", {"heads": 2, "kv_heads": 1, "causal": True, "rope": 10000}, ((5, 8),), Cost(1360, 1530, 1430, 150, 1080)),
    ("attention", {"heads": 2, "qk_norm": True}, ((5, 8),), Cost(1680, 1970, 1770, 190, 1440)),
    ("attention", {"heads": 2, "bias": False}, ((5, 8), (6, 10)), Cost(2080, 2140, 1924, 180, 1600)),
]  # fmt: skip
FREE = {
    "channelshuffle", "concat", "constant", "crop", "dropout", "embedding", "flatten", "identity", "pad", "param", "permute",
    "pixelshuffle", "pixelunshuffle", "relativebias", "reshape", "slice", "split", "stack",
}  # fmt: skip

# layer, arguments, inputs, Reach(size, stride, start) along the axes behind the first
REACHES: list[tuple[str, dict[str, Any], tuple[Shape, ...], Reach]] = [
    ("conv", {"out": 8, "k": 3}, (C2,), Reach((3, 3), (1, 1), (0, 0))),
    ("conv", {"out": 8, "k": (3, 2), "stride": 2, "pad": (1, 0), "dilation": (1, 2), "groups": 2, "bias": False}, (C2,), Reach((3, 3), (2, 2), (-1, 0))),
    ("conv", {"out": 8, "k": 3, "pad": 1, "pad_mode": "circular"}, (C1,), Reach((3,), (1,), (-1,))),
    ("conv", {"out": 8, "k": 3, "pad": "same"}, (C3,), Reach((3, 3, 3), (1, 1, 1), (-1, -1, -1))),
    ("conv", {"out": 8, "k": 3, "pad": "same", "stride": 2}, (C1,), Reach((3,), (2,), (-1,))),
    ("conv", {"out": 8, "k": 3, "pad": ((0, 1), 2), "pad_mode": "reflect", "groups": 2, "bias": False, "stride": 2, "dilation": 2}, (C2,), Reach((5, 5), (2, 2), (0, -2))),
    ("conv", {"out": 8, "k": 3, "flip": True}, (C1,), Reach((3,), (1,), (0,))),
    ("conv", {"out": 4, "k": 3, "connect": TABLE, "bias": False, "stride": 2, "pad": 1, "dilation": 2, "flip": True}, (C2,), Reach((5, 5), (2, 2), (-1, -1))),
    ("conv", {"out": 4, "k": 3, "connect": TABLE}, (C1,), Reach((3,), (1,), (0,))),
    ("conv", {"out": 1, "k": 2, "bias": False, "weight": (1, -1)}, ((1, 6),), Reach((2,), (1,), (0,))),
    ("upconv", {"out": 8, "k": 3}, (C1,), Reach((3,), ((1, 1),), (-2,))),
    ("upconv", {"out": 8, "k": 3, "stride": 2, "pad": 1, "output_pad": 1, "dilation": 2, "groups": 2, "bias": False}, (C2,), Reach((4, 4), ((1, 2), (1, 2)), (-2, -2))),
    ("dense", {"out": 8}, (C1,), Reach((9,), (0,), (0,))),
    ("dense", {"out": 8, "bias": False}, ((9,),), POINT),
    ("dense", {"out": 1, "weight": (1, -1)}, ((3, 2),), Reach((2,), (0,), (0,))),
    ("maxpool", {"k": 3}, (C2,), Reach((3, 3), (3, 3), (0, 0))),
    ("maxpool", {"k": 2, "stride": (1, 2), "pad": 1, "ceil": True, "dilation": 2}, (C2,), Reach((3, 3), (1, 2), (-1, -1))),
    ("maxpool", {"k": 3, "stride": 1, "pad": "same"}, (C1,), Reach((3,), (1,), (-1,))),
    ("maxpool", {"k": 2, "stride": 2, "pad": "same", "ceil": True}, (C1,), Reach((2,), (2,), (0,))),
    ("maxpool", {"k": 3, "pad": ((0, 1), 1)}, (C2,), Reach((3, 3), (3, 3), (0, -1))),
    ("avgpool", {"k": 3}, (C2,), Reach((3, 3), (3, 3), (0, 0))),
    ("avgpool", {"k": 2, "stride": 2, "pad": 1, "ceil": True, "count_pad": False}, (C1,), Reach((2,), (2,), (-1,))),
    ("avgpool", {"k": 3, "pad": ((0, 1), 1), "stride": 2, "count_pad": False}, (C2,), Reach((3, 3), (2, 2), (0, -1))),
    ("globalavgpool", {}, (C2,), Reach((9, 8), (0, 0), (0, 0))),
    ("globalmaxpool", {}, (C1,), Reach((9,), (0,), (0,))),
    ("globalavgpool", {}, (C3,), Reach((5, 7, 6), (0, 0, 0), (0, 0, 0))),
    ("globalmaxpool", {}, (C3,), Reach((5, 7, 6), (0, 0, 0), (0, 0, 0))),
    ("adaptiveavgpool", {"size": 3}, (C2,), Reach((3, 8), (3, (8, 3)), (0, 0))),
    ("adaptivemaxpool", {"size": (2, 3)}, (C2,), Reach((9, 8), ((9, 2), (8, 3)), (0, 0))),
    ("flatten", {}, (C2,), Reach((9, 8), (0, 0), (0, 0))),
    ("flatten", {"start": 1}, (C2,), Reach((9, 8), (0, 0), (0, 0))),
    ("reshape", {"shape": (2, 27)}, (C1,), Reach((9,), (0,), (0,))),
    ("permute", {"axes": (1, 0)}, (C1,), Reach((9,), (0,), (0,))),
    ("identity", {}, (C1,), POINT),
    ("slice", {"axis": 0, "start": 1, "stop": 4, "step": 2}, (C1,), POINT),
    ("slice", {"axis": -1, "start": 1}, (C1,), Reach((1,), (1,), (1,))),
    ("slice", {"axis": 1, "stop": 4}, (C1,), Reach((1,), (1,), (0,))),
    ("split", {"parts": 2}, (C1,), POINT),
    ("split", {"parts": (1, 2, 3), "axis": 0}, (C1,), POINT),
    ("split", {"parts": 3, "axis": -1}, (C1,), Reach((9,), (0,), (0,))),
    ("pad", {"sides": 1}, (C2,), Reach((1, 1), (1, 1), (-1, -1))),
    ("pad", {"sides": ((0, 1), 2), "value": -1.5}, (C2,), Reach((1, 1), (1, 1), (0, -2))),
    ("pad", {"sides": 1, "mode": "reflect"}, (C1,), Reach((1,), (1,), (-1,))),
    ("pad", {"sides": ((0, 1), 2), "mode": "circular"}, (C2,), Reach((1, 1), (1, 1), (0, -2))),
    ("crop", {"size": 4}, (C1,), Reach((1,), (1,), (2,))),
    ("crop", {"border": (1, 2)}, (C2,), Reach((1, 1), (1, 1), (1, 2))),
    ("crop", {"size": (4, 3)}, (C2,), Reach((1, 1), (1, 1), (2, 2))),
    ("upsample", {}, (C2,), Reach((1, 1), ((1, 2), (1, 2)), (0, 0))),
    ("upsample", {"scale": 3}, (C2,), Reach((1, 1), ((1, 3), (1, 3)), (0, 0))),
    ("upsample", {"size": (18, 20), "mode": "bilinear", "align_corners": True}, (C2,), Reach((9, 8), (0, 0), (0, 0))),
    ("upsample", {"scale": 2, "mode": "bicubic"}, (C2,), Reach((13, 13), ((2, 4), (2, 4)), (-5, -5))),
    ("upsample", {"scale": 2, "mode": "linear"}, (C1,), Reach((4,), ((2, 4),), (-1,))),
    # 6 outputs of 4 inputs: the first is at -1/6, between -1 and 0; the last at 3 1/6
    ("upsample", {"size": 6}, ((3, 4),), Reach((1,), ((2, 3),), (0,))),
    ("upsample", {"size": 6, "mode": "linear"}, ((3, 4),), Reach((6,), ((4, 6),), (-1,))),
    ("upsample", {"size": 6, "mode": "bicubic"}, ((3, 4, 4),), Reach((19, 19), ((4, 6), (4, 6)), (-7, -7))),
    ("upsample", {"scale": 2, "mode": "linear", "align_corners": True}, ((3, 4),), Reach((5,), ((1, 2),), (-2,))),
    ("upsample", {"scale": 2, "mode": "bicubic", "align_corners": True}, ((3, 4, 4),), Reach((9, 9), ((1, 2), (1, 2)), (-4, -4))),
    ("pixelshuffle", {"r": 2}, ((4, 3, 3),), Reach((1, 1), ((1, 2), (1, 2)), (0, 0))),
    ("pixelunshuffle", {"r": 2}, ((4, 4, 4),), Reach((2, 2), (2, 2), (0, 0))),
    ("channelshuffle", {"groups": 3}, (C2,), POINT),
    ("batchnorm", {}, (C2,), POINT),
    ("batchnorm", {"eps": 0.001, "momentum": 0.2, "affine": False, "track": False}, (C1,), POINT),
    ("batchnorm", {}, ((7,),), POINT),
    ("batchnorm", {}, (C3,), POINT),
    ("layernorm", {}, (C1,), Reach((9,), (0,), (0,))),
    ("layernorm", {"axes": 2, "eps": 1e-06, "affine": False}, (C2,), Reach((9, 8), (0, 0), (0, 0))),
    ("layernorm", {"bias": False}, (C1,), Reach((9,), (0,), (0,))),
    ("rmsnorm", {}, (C1,), Reach((9,), (0,), (0,))),
    ("rmsnorm", {"axes": 2, "eps": 1e-05, "affine": False}, (C2,), Reach((9, 8), (0, 0), (0, 0))),
    ("groupnorm", {"groups": 3}, (C1,), Reach((9,), (0,), (0,))),
    ("groupnorm", {"groups": 3, "eps": 0.001, "affine": False}, (C1,), Reach((9,), (0,), (0,))),
    ("instancenorm", {}, (C1,), Reach((9,), (0,), (0,))),
    ("instancenorm", {"eps": 0.001, "affine": True}, (C2,), Reach((9, 8), (0, 0), (0, 0))),
    ("instancenorm", {}, (C3,), Reach((5, 7, 6), (0, 0, 0), (0, 0, 0))),
    ("lrn", {"size": 5}, (C2,), POINT),
    ("lrn", {"size": 3, "alpha": 0.001, "beta": 0.5, "k": 2.0}, (C1,), POINT),
    ("dropout", {}, (C1,), POINT),
    ("dropout", {"p": 0.25}, (C1,), POINT),
    ("dropout", {"p": 0.25, "per": "channel"}, (C2,), POINT),
    ("dropout", {"per": "channel"}, (C1,), POINT),
    ("dropout", {"p": 0.25, "mode": "downscale_in_infer"}, (C1,), POINT),
    ("dropout", {"mode": "downscale_in_infer", "per": "channel"}, (C2,), POINT),
    ("relu", {}, (C1,), POINT),
    ("sigmoid", {}, (C1,), POINT),
    ("tanh", {}, (C1,), POINT),
    ("silu", {}, (C1,), POINT),
    ("gelu", {}, (C1,), POINT),
    ("softmax", {}, (C1,), Reach((9,), (0,), (0,))),
    ("relu6", {}, (C1,), POINT),
    ("leakyrelu", {}, (C1,), POINT),
    ("prelu", {}, (C1,), POINT),
    ("rrelu", {}, (C1,), POINT),
    ("hardtanh", {}, (C1,), POINT),
    ("hardsigmoid", {}, (C1,), POINT),
    ("hardswish", {}, (C1,), POINT),
    ("softshrink", {}, (C1,), POINT),
    ("hardshrink", {}, (C1,), POINT),
    ("elu", {}, (C1,), POINT),
    ("selu", {}, (C1,), POINT),
    ("celu", {}, (C1,), POINT),
    ("mish", {}, (C1,), POINT),
    ("softplus", {}, (C1,), POINT),
    ("softsign", {}, (C1,), POINT),
    ("logsigmoid", {}, (C1,), POINT),
    ("tanhshrink", {}, (C1,), POINT),
    ("logsoftmax", {}, (C1,), Reach((9,), (0,), (0,))),
    ("softmin", {}, (C1,), Reach((9,), (0,), (0,))),
    ("glu", {}, (C1,), POINT),
    ("gelu", {"approx": "tanh"}, (C1,), POINT),
    ("softmax", {"axis": 0}, (C1,), Reach((1,), (1,), (0,))),
    ("leakyrelu", {"slope": 0.2}, (C1,), POINT),
    ("prelu", {"shared": False}, (C1,), POINT),
    ("rrelu", {"low": 0.1, "high": 0.2}, (C1,), POINT),
    ("hardtanh", {"low": -2.0, "high": 3.0}, (C1,), POINT),
    ("softshrink", {"bound": 0.25}, (C1,), POINT),
    ("hardshrink", {"bound": 0.25}, (C1,), POINT),
    ("threshold", {"threshold": 0.1, "value": 2.0}, (C1,), POINT),
    ("elu", {"alpha": 0.5}, (C1,), POINT),
    ("celu", {"alpha": 0.5}, (C1,), POINT),
    ("softplus", {"beta": 2.0, "threshold": 10.0}, (C1,), POINT),
    ("logsoftmax", {"axis": 0}, (C1,), Reach((1,), (1,), (0,))),
    ("softmin", {"axis": 0}, (C1,), Reach((1,), (1,), (0,))),
    ("glu", {"axis": 1}, ((6, 8),), Reach((8,), (0,), (0,))),
    ("add", {}, (C1, C1, C1), POINT),
    ("mul", {}, (C1, C1), POINT),
    ("concat", {}, (C1, C1), POINT),
    ("concat", {"axis": 1}, (C1, C1), POINT),
    ("concat", {"axis": -1}, (C1, C1), POINT),
    ("sub", {}, (C1, C1), POINT),
    ("div", {}, (C1, C1), POINT),
    ("mean", {}, (C1, C1, C1), POINT),
    ("max", {}, (C1, C1, C1), POINT),
    ("min", {}, (C1, C1), POINT),
    ("stack", {}, (C1, C1), POINT),
    ("stack", {"axis": -1}, (C1, C1), POINT),
    ("matmul", {}, ((2, 3), (3, 4)), Reach((3,), (0,), (0,))),
    ("matmul", {"transpose": True}, ((2, 3), (4, 3)), Reach((3,), (0,), (0,))),
    ("reduce", {"op": "sum", "axes": 0}, (C1,), Reach((9,), (0,), (0,))),
    ("reduce", {"op": "mean", "axes": (0, -1), "keep": True}, (C1,), Reach((9,), (0,), (0,))),
    ("reduce", {"op": "max", "axes": 1}, (C1,), Reach((9,), (0,), (0,))),
    ("reduce", {"op": "prod", "axes": (0, 1)}, (C1,), Reach((9,), (0,), (0,))),
    ("reduce", {"op": "min", "axes": 0, "keep": True}, (C1,), Reach((9,), (0,), (0,))),
    ("reduce", {"op": "prod", "axes": 1, "keep": True}, (C1,), Reach((9,), (0,), (0,))),
    ("scale", {}, (C2,), POINT),
    ("scale", {"init": 0.5, "bias": True}, (C1,), POINT),
    ("scale", {"by": 0.125}, (C1,), POINT),
    ("embedding", {"vocab": 100, "dim": 8}, ((3, 5),), POINT),
    ("attention", {"heads": 2}, ((5, 8),), Reach((8,), (0,), (0,))),
    ("attention", {"heads": 4, "kv_heads": 2, "head_dim": 6, "causal": True, "bias": False, "dropout": 0.1, "rope": 10000, "rope_scaling": 2, "qk_norm": True, "window": 3, "scale": 0.5}, ((5, 8),), Reach((8,), (0,), (0,))),
    ("attention", {"heads": 2, "packed": True}, ((5, 8),), Reach((8,), (0,), (0,))),
    ("attention", {"heads": 2, "mask": True}, ((5, 8), (5, 5)), Reach((8,), (0,), (0,))),
    ("attention", {"heads": 2, "head_dim": 3}, ((5, 8), (6, 10)), Reach((8,), (0,), (0,))),
    ("position", {"max_length": 10}, ((5, 8),), POINT),
    ("position", {"kind": "sinusoidal"}, ((5, 8),), POINT),
    ("relativebias", {"heads": 2}, ((5, 8),), Reach((8,), (0,), (0,))),
    ("relativebias", {"heads": 2, "buckets": 8, "max_distance": 20, "bidirectional": False}, ((5, 8),), Reach((8,), (0,), (0,))),
    ("swiglu", {"hidden": 12}, (C1,), Reach((9,), (0,), (0,))),
    ("geglu", {"hidden": 12, "bias": True}, (C1,), Reach((9,), (0,), (0,))),
    ("experts", {"experts": 4, "hidden": 7, "top": 2}, (C1,), Reach((9,), (0,), (0,))),
    ("experts", {"experts": 4, "hidden": 7, "top": 1, "normalised": False, "activation": "gelu", "bias": True}, (C1,), Reach((9,), (0,), (0,))),
    ("rnn", {"hidden": 7}, ((4, 5),), Reach((5,), (0,), (0,))),
    ("rnn", {"hidden": 7, "layers": 2, "bidirectional": True, "dropout": 0.5, "bias": False, "activation": "relu"}, ((4, 5), (4, 7)), Reach((5,), (0,), (0,))),
    ("rnn", {"hidden": 7, "bias": "one", "steps": "last"}, ((4, 5), (7,)), Reach((5,), (0,), (0,))),
    ("gru", {"hidden": 7}, ((4, 5),), Reach((5,), (0,), (0,))),
    ("gru", {"hidden": 7, "reset": "before", "layers": 2, "dropout": 0.5, "bias": "one", "bidirectional": True}, ((4, 5), (4, 7)), Reach((5,), (0,), (0,))),
    ("gru", {"hidden": 7, "steps": "last"}, ((4, 5), (7,)), Reach((5,), (0,), (0,))),
    ("lstm", {"hidden": 7}, ((4, 5),), Reach((5,), (0,), (0,))),
    ("lstm", {"hidden": 7, "proj": 3, "layers": 2, "bidirectional": True, "dropout": 0.5, "bias": False}, ((4, 5), (4, 3), (4, 7)), Reach((5,), (0,), (0,))),
    ("lstm", {"hidden": 7, "steps": "last"}, ((4, 5), (7,), (7,)), Reach((5,), (0,), (0,))),
    ("param", {"shape": (2, 3)}, (), POINT),
    ("param", {"shape": (2,), "dtype": "float16", "init": 1.0}, (), POINT),
    ("constant", {"value": (1, 2)}, (), POINT),
    ("subsample", {"k": 2}, (C1,), Reach((2,), (2,), (0,))),
    ("subsample", {"k": (2, 3)}, (C2,), Reach((2, 3), (2, 3), (0, 0))),
    ("rbf", {"out": 3}, ((5, 7),), Reach((7,), (0,), (0,))),
]  # fmt: skip

# layer, arguments, inputs, each weight: name, shape, kind and element type where they are not the usual ones, how it begins
WEIGHTS: list[tuple[str, dict[str, Any], tuple[Shape, ...], list[str]]] = [
    ("conv", {"out": 8, "k": 3}, (C2,), ["weight [8, 6, 3, 3] fan", "bias [8] ('fan', 54)"]),
    ("conv", {"out": 8, "k": (3, 2), "groups": 2, "bias": False, "init": ("normal", 0.5)}, (C2,), ["weight [8, 3, 3, 2] ('normal', 0.5)"]),
    ("conv", {"out": 4, "k": 3, "connect": TABLE}, (C1,), ["weight [12, 3] ('fan', (9, 9, 9, 9, 9, 9, 6, 6, 12, 12, 12, 12))", "bias [4] ('fan', (9, 9, 6, 12))"]),
    ("conv", {"out": 4, "k": 3, "init": 0.5}, (C1,), ["weight [4, 6, 3] 0.5", "bias [4] ('fan', 18)"]),
    ("upconv", {"out": 8, "k": 3}, (C1,), ["weight [6, 8, 3] fan", "bias [8] ('fan', 24)"]),
    ("upconv", {"out": 8, "k": (3, 2), "groups": 2, "bias": False, "init": ("normal", 0.1)}, (C2,), ["weight [6, 4, 3, 2] ('normal', 0.1)"]),
    ("dense", {"out": 8, "init": ("normal", 0.1)}, (C1,), ["weight [8, 9] ('normal', 0.1)", "bias [8] ('fan', 9)"]),
    ("dense", {"out": 8, "bias": False}, ((9,),), ["weight [8, 9] fan"]),
    ("layernorm", {}, (C1,), ["weight [9] 1.0", "bias [9] 0.0"]),
    ("layernorm", {"axes": 2, "bias": False}, (C2,), ["weight [9, 8] 1.0"]),
    ("layernorm", {"affine": False}, (C2,), []),
    ("rmsnorm", {}, (C1,), ["weight [9] 1.0"]),
    ("rmsnorm", {"axes": 2}, (C2,), ["weight [9, 8] 1.0"]),
    ("rmsnorm", {"affine": False}, (C1,), []),
    ("groupnorm", {"groups": 3}, (C1,), ["weight [6] 1.0", "bias [6] 0.0"]),
    ("groupnorm", {"groups": 3, "affine": False}, (C1,), []),
    ("instancenorm", {}, (C1,), []),
    ("instancenorm", {"affine": True}, (C2,), ["weight [6] 1.0", "bias [6] 0.0"]),
    ("batchnorm", {"affine": False}, (C1,), ["running_mean [6] buffer 0.0", "running_var [6] buffer 1.0", "num_batches_tracked [] buffer int64 0.0"]),
    ("batchnorm", {"track": False}, (C1,), ["weight [6] 1.0", "bias [6] 0.0"]),
    ("prelu", {}, (C1,), ["weight [1] 0.25"]),
    ("prelu", {"shared": False}, (C1,), ["weight [6] 0.25"]),
    ("scale", {"init": 0.5}, (C1,), ["weight [9] 0.5"]),
    ("embedding", {"vocab": 100, "dim": 8}, ((3, 5),), ["weight [100, 8] normal"]),
    ("embedding", {"vocab": 100, "dim": 8, "init": ("normal", 0.1)}, ((3, 5),), ["weight [100, 8] ('normal', 0.1)"]),
    ("attention", {"heads": 2}, ((5, 8),), ["q_proj.weight [8, 8] fan", "q_proj.bias [8] ('fan', 8)", "k_proj.weight [8, 8] fan", "k_proj.bias [8] ('fan', 8)", "v_proj.weight [8, 8] fan", "v_proj.bias [8] ('fan', 8)", "o_proj.weight [8, 8] fan", "o_proj.bias [8] ('fan', 8)"]),
    ("attention", {"heads": 4, "kv_heads": 2, "head_dim": 6, "bias": False, "qk_norm": True}, ((5, 8),), ["q_proj.weight [24, 8] fan", "k_proj.weight [12, 8] fan", "v_proj.weight [12, 8] fan", "o_proj.weight [8, 24] fan", "q_norm.weight [6] 1.0", "k_norm.weight [6] 1.0"]),
    ("attention", {"heads": 2, "packed": True}, ((5, 8),), ["in_proj_weight [24, 8] xavier", "in_proj_bias [24] 0.0", "out_proj.weight [8, 8] fan", "out_proj.bias [8] 0.0"]),
    ("attention", {"heads": 2, "packed": True, "bias": False}, ((5, 8),), ["in_proj_weight [24, 8] xavier", "out_proj.weight [8, 8] fan"]),
    ("attention", {"heads": 2, "head_dim": 3}, ((5, 8), (6, 10)), ["q_proj.weight [6, 8] fan", "q_proj.bias [6] ('fan', 8)", "k_proj.weight [6, 10] fan", "k_proj.bias [6] ('fan', 10)", "v_proj.weight [6, 10] fan", "v_proj.bias [6] ('fan', 10)", "o_proj.weight [8, 6] fan", "o_proj.bias [8] ('fan', 6)"]),
    ("position", {"max_length": 10}, ((5, 8),), ["weight [10, 8] ('normal', 0.02)"]),
    ("position", {"kind": "sinusoidal"}, ((5, 8),), []),
    ("relativebias", {"heads": 2, "buckets": 8}, ((5, 8),), ["weight [8, 2] normal"]),
    ("relativebias", {"heads": 2, "init": ("normal", 0.1)}, ((5, 8),), ["weight [32, 2] ('normal', 0.1)"]),
    ("swiglu", {"hidden": 12}, (C1,), ["gate_proj.weight [12, 9] fan", "up_proj.weight [12, 9] fan", "down_proj.weight [9, 12] fan"]),
    ("geglu", {"hidden": 12, "bias": True}, (C1,), ["gate_proj.weight [12, 9] fan", "gate_proj.bias [12] ('fan', 9)", "up_proj.weight [12, 9] fan", "up_proj.bias [12] ('fan', 9)", "down_proj.weight [9, 12] fan", "down_proj.bias [9] ('fan', 12)"]),
    ("rnn", {"hidden": 7}, ((4, 5),), ["weight_ih_l0 [7, 5] ('fan', 7)", "weight_hh_l0 [7, 7] ('fan', 7)", "bias_ih_l0 [7] ('fan', 7)", "bias_hh_l0 [7] ('fan', 7)"]),
    ("rnn", {"hidden": 7, "layers": 2, "bidirectional": True, "bias": False}, ((4, 5),), ["weight_ih_l0 [7, 5] ('fan', 7)", "weight_hh_l0 [7, 7] ('fan', 7)", "weight_ih_l0_reverse [7, 5] ('fan', 7)", "weight_hh_l0_reverse [7, 7] ('fan', 7)", "weight_ih_l1 [7, 14] ('fan', 7)", "weight_hh_l1 [7, 7] ('fan', 7)", "weight_ih_l1_reverse [7, 14] ('fan', 7)", "weight_hh_l1_reverse [7, 7] ('fan', 7)"]),
    ("rnn", {"hidden": 7, "bias": "one"}, ((4, 5),), ["weight_ih_l0 [7, 5] ('fan', 7)", "weight_hh_l0 [7, 7] ('fan', 7)", "bias_ih_l0 [7] ('fan', 7)"]),
    ("gru", {"hidden": 7}, ((4, 5),), ["weight_ih_l0 [21, 5] ('fan', 7)", "weight_hh_l0 [21, 7] ('fan', 7)", "bias_ih_l0 [21] ('fan', 7)", "bias_hh_l0 [21] ('fan', 7)"]),
    ("gru", {"hidden": 7, "bias": "one", "reset": "before", "layers": 2}, ((4, 5),), ["weight_ih_l0 [21, 5] ('fan', 7)", "weight_hh_l0 [21, 7] ('fan', 7)", "bias_ih_l0 [21] ('fan', 7)", "weight_ih_l1 [21, 7] ('fan', 7)", "weight_hh_l1 [21, 7] ('fan', 7)", "bias_ih_l1 [21] ('fan', 7)"]),
    ("lstm", {"hidden": 7}, ((4, 5),), ["weight_ih_l0 [28, 5] ('fan', 7)", "weight_hh_l0 [28, 7] ('fan', 7)", "bias_ih_l0 [28] ('fan', 7)", "bias_hh_l0 [28] ('fan', 7)"]),
    ("lstm", {"hidden": 7, "proj": 3, "bidirectional": True, "layers": 2, "bias": False}, ((4, 5),), ["weight_ih_l0 [28, 5] ('fan', 7)", "weight_hh_l0 [28, 3] ('fan', 7)", "weight_hr_l0 [3, 7] ('fan', 7)", "weight_ih_l0_reverse [28, 5] ('fan', 7)", "weight_hh_l0_reverse [28, 3] ('fan', 7)", "weight_hr_l0_reverse [3, 7] ('fan', 7)", "weight_ih_l1 [28, 6] ('fan', 7)", "weight_hh_l1 [28, 3] ('fan', 7)", "weight_hr_l1 [3, 7] ('fan', 7)", "weight_ih_l1_reverse [28, 6] ('fan', 7)", "weight_hh_l1_reverse [28, 3] ('fan', 7)", "weight_hr_l1_reverse [3, 7] ('fan', 7)"]),
    ("subsample", {"k": (2, 3)}, (C2,), ["weight [6] ('fan', 6)", "bias [6] 0.0"]),
    ("rbf", {"out": 3}, ((5, 7),), ["centers [3, 7] fixed signs"]),
    ("param", {"shape": (2, 3), "init": ("normal", 0.5)}, (), ["[2, 3] ('normal', 0.5)"]),
    ("param", {"shape": (2,), "init": 1.0, "dtype": "float16"}, (), ["[2] float16 1.0"]),
]  # fmt: skip


def called(name: str, shapes: tuple[Shape, ...]) -> Types:
    return types(*shapes, dtype="int64" if name == "embedding" else "float32")


def idents(rows: list[Any]) -> list[str]:
    return [f"{row[0]} {row[1]} {row[2]}" for row in rows]


@pytest.mark.parametrize(("name", "arguments", "shapes", "cost"), COSTS, ids=idents(COSTS))
def test_cost(name: str, arguments: dict[str, Any], shapes: tuple[Shape, ...], cost: Cost) -> None:
    assert cost_of(name, *shapes, **arguments) == cost


@pytest.mark.parametrize(("name", "arguments", "shapes", "reach"), REACHES, ids=idents(REACHES))
def test_reach(name: str, arguments: dict[str, Any], shapes: tuple[Shape, ...], reach: Reach) -> None:
    made, inputs = layer(name, **arguments), called(name, shapes)
    outputs = output_types(made, inputs)
    assert made.reach(inputs) == reach
    assert {type(size) for output in outputs for size in output.shape} <= {int}
    assert {type(number) for number in made.cost(inputs, outputs[0])} == {int}
    if name in FREE:
        assert made.cost(inputs, outputs[0]) == Cost()


def test_every_layer_has_a_case() -> None:
    assert {row[0] for row in COSTS} | FREE == {row[0] for row in REACHES} == set(layer_names())


def written(name: str, weight: Weight) -> str:
    kind = "" if weight.kind == "trainable" else weight.kind
    dtype = "" if weight.dtype == "float32" else weight.dtype
    return " ".join(filter(None, [name, str(list(weight.shape)), kind, dtype, str(weight.init)]))


@pytest.mark.parametrize(("name", "arguments", "shapes", "weights"), WEIGHTS, ids=idents(WEIGHTS))
def test_weights(name: str, arguments: dict[str, Any], shapes: tuple[Shape, ...], weights: list[str]) -> None:
    made = layer(name, **arguments)
    assert [written(*item) for item in made.weights(called(name, shapes)).items()] == weights
    assert made.inactive(called(name, shapes)) == 0


@pytest.mark.parametrize(
    "name", ["relu", "softmax", "globalavgpool", "identity", "lrn", "glu", "tanh", "dropout", "flatten"]
)
def test_most_have_no_weights(name: str) -> None:
    arguments = {"lrn": {"size": 3}}.get(name, {})
    assert layer(name, **arguments).weights(types(C1)) == {}


@pytest.mark.parametrize(
    ("arguments", "shapes", "cache"),
    [
        # keys and values of 2 heads of 4 for each of 5 positions; of the last 3; of a single head of 4
        ({"heads": 2, "causal": True}, ((5, 8),), Cache(16, 80)),
        ({"heads": 2, "causal": True, "window": 3}, ((5, 8),), Cache(16, 48)),
        ({"heads": 2, "causal": True, "kv_heads": 1}, ((5, 8),), Cache(8, 40)),
        ({"heads": 2, "causal": True, "head_dim": 3}, ((5, 8),), Cache(12, 60)),
        # those of a memory are kept once; without order nothing is kept
        ({"heads": 2, "head_dim": 3}, ((5, 8), (6, 10)), Cache(0, 72)),
        ({"heads": 2}, ((5, 8),), Cache()),
    ],
)
def test_cache(arguments: dict[str, Any], shapes: tuple[Shape, ...], cache: Cache) -> None:
    assert layer("attention", **arguments).cache(types(*shapes)) == cache


def test_experts() -> None:
    made = layer("experts", experts=4, hidden=7, top=1, activation="gelu", bias=True)
    found = [written(*item) for item in made.weights(types(C1)).items()]
    assert found[0] == "gate.weight [4, 9] fan"
    assert found[1:] == [
        f"experts.{place}.{text}"
        for place in range(4)
        for text in (
            "w1.weight [7, 9] fan", "w1.bias [7] ('fan', 9)", "w2.weight [9, 7] fan", "w2.bias [9] ('fan', 7)",
            "w3.weight [7, 9] fan", "w3.bias [7] ('fan', 9)",
        )
    ]  # fmt: skip
    assert made.inactive(types(C1)) == 3 * (3 * 63 + 7 + 9 + 7)
    assert layer("experts", experts=4, hidden=7, top=2).inactive(types(C1)) == 2 * 3 * 63
    assert list(layer("experts", experts=2, hidden=7, top=2).weights(types(C1))) == [
        "gate.weight", *(f"experts.{place}.w{which}.weight" for place in range(2) for which in (1, 2, 3)),
    ]  # fmt: skip
