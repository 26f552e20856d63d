"""Every layer's ONNX rule, run in onnxruntime, is what its torch rule does.

Each case is a model of one layer with random weights. ONNX's checker takes it, ONNX's own inference finds every type
that the model states, every value has that shape when it runs, and what comes out is torch's, at batch 1 and 3.
"""

# ruff: noqa: E501  # the tables have one case a line

from __future__ import annotations

import os
import random
from collections.abc import Callable, Sequence
from typing import Any
from zlib import crc32

import numpy as np
import pytest
import torch
from generated import module_of
from layer_calls import layer
from onnx_nets import (
    OPSET,
    TOLERANCE,
    Given,
    check,
    check_values,
    close,
    compiled,
    model_of,
    one_layer,
    randomise,
    run,
    session,
)
from test_layers_torch import C1, C2, C3
from test_torch_rules import CASES as OF_TORCH
from test_torch_rules import PROJECTED, Case, forms, ident, inputs_of, outputs_of, several, torch_types
from torch import Tensor, nn

from netspec.ir.types import TensorType
from netspec.ops import FAMILIES, layer_names
from netspec.ops.resample import _MODE_AXES

Change = Callable[[Tensor], Tensor]
PYRAMID = tuple(tuple(range(first, first + 3)) for first in range(4))

CASES: list[Case] = [
    *(case for case in OF_TORCH if case not in PROJECTED),  # which ONNX has not
    # windows
    ("conv", {"out": 4, "k": 2, "pad": 5}, (C1,)),
    ("conv", {"out": 4, "k": 2, "stride": 5, "pad": ((0, 3), 1)}, (C2,)),
    ("conv", {"out": 4, "k": (4, 2), "stride": (3, 2), "pad": "same"}, (C2,)),
    ("conv", {"out": 4, "k": (2, 4, 3), "stride": (1, 2, 3), "pad": "same"}, (C3,)),
    ("conv", {"out": 4, "k": 2, "stride": 4, "pad": "same"}, ((6, 8),)),
    ("conv", {"out": 4, "k": 1, "stride": 3, "pad": "same"}, (C2,)),
    ("conv", {"out": 12, "k": 3, "groups": 6, "pad": "same", "dilation": 3}, (C2,)),
    ("conv", {"out": 4, "k": 3, "pad": 9, "pad_mode": "circular"}, (C1,)),
    ("conv", {"out": 4, "k": 3, "pad": ((0, 4), (3, 0), (2, 2)), "pad_mode": "circular"}, (C3,)),
    ("conv", {"out": 4, "k": 3, "pad": ((0, 8), (7, 0)), "pad_mode": "reflect"}, (C2,)),
    ("conv", {"out": 4, "k": 3, "pad": ((12, 8), (0, 11)), "pad_mode": "replicate"}, (C2,)),
    ("conv", {"out": 4, "k": 3, "pad": "same", "pad_mode": "circular", "stride": 2, "dilation": 2}, (C2,)),
    ("conv", {"out": 4, "k": (2, 3, 1), "flip": True, "groups": 2}, (C3,)),
    ("conv", {"out": 4, "k": 3, "connect": PYRAMID, "pad": "same", "stride": 2, "pad_mode": "replicate"}, (C2,)),
    ("conv", {"out": 4, "k": 3, "connect": PYRAMID, "flip": True}, ((6, 3, 4, 5),)),
    ("conv", {"out": 1, "k": 1, "weight": 2}, ((1, 5),)),
    ("conv", {"out": 1, "k": (2, 2), "weight": ((1, 2), (3, 4)), "flip": True, "pad": "same"}, ((1, 5, 6),)),
    ("upconv", {"out": 4, "k": 3, "pad": 1, "output_pad": 1, "dilation": 2}, (C1,)),
    ("upconv", {"out": 4, "k": 3, "output_pad": 1, "dilation": 2}, (C1,)),
    ("upconv", {"out": 4, "k": 3, "output_pad": 2, "dilation": 3, "stride": (1, 2), "bias": False}, (C2,)),
    ("upconv", {"out": 4, "k": 2, "output_pad": (2, 1, 0), "dilation": 3, "stride": (2, 1, 1), "pad": (1, 0, 0)}, (C3,)),
    ("upconv", {"out": 4, "k": 2, "stride": 4, "output_pad": 3}, (C2,)),
    ("upconv", {"out": 4, "k": 2, "stride": 3, "pad": 4}, (C1,)),
    ("upconv", {"out": 4, "k": 1, "stride": 3, "pad": (2, 0), "output_pad": (1, 2), "groups": 2}, (C2,)),
    # pools
    ("maxpool", {"k": 3, "stride": 2, "pad": 1, "ceil": True, "dilation": 2}, (C2,)),
    ("maxpool", {"k": 2, "stride": 5, "ceil": True}, ((6, 6, 7),)),
    ("maxpool", {"k": 5, "stride": 4, "ceil": True}, ((6, 3),)),
    ("maxpool", {"k": 7, "stride": 7, "pad": 3, "ceil": True}, ((6, 3, 2),)),
    ("maxpool", {"k": 4, "stride": 3, "pad": "same"}, (C3,)),
    ("maxpool", {"k": 1, "stride": 3}, (C2,)),
    ("avgpool", {"k": 3, "stride": 2, "pad": 1, "ceil": True}, ((6, 6, 7),)),
    ("avgpool", {"k": 3, "stride": 2, "pad": 1, "ceil": True, "count_pad": False}, ((6, 6, 7),)),
    ("avgpool", {"k": 3, "stride": 2, "ceil": True}, (C1,)),
    ("avgpool", {"k": 2, "stride": 3, "pad": 1, "ceil": True}, (C3,)),
    ("avgpool", {"k": 5, "stride": 4, "ceil": True}, ((6, 3),)),
    ("avgpool", {"k": 4, "stride": 3, "pad": "same"}, (C2,)),
    ("avgpool", {"k": 4, "stride": 3, "pad": "same", "count_pad": False}, (C3,)),
    ("avgpool", {"k": 3, "pad": ((0, 1), (1, 0))}, (C2,)),
    ("adaptiveavgpool", {"size": 7}, (C1,)),
    ("adaptiveavgpool", {"size": (5, 3)}, (C2,)),
    ("adaptiveavgpool", {"size": (9, 3)}, (C2,)),
    ("adaptiveavgpool", {"size": (3, 4)}, (C2,)),
    ("adaptiveavgpool", {"size": (1, 8)}, (C2,)),
    ("adaptiveavgpool", {"size": (4, 3, 5)}, (C3,)),
    ("adaptiveavgpool", {"size": (10, 7, 1)}, (C3,)),
    ("adaptiveavgpool", {"size": 6}, ((4, 1),)),
    ("adaptivemaxpool", {"size": 7}, (C1,)),
    ("adaptivemaxpool", {"size": (5, 3)}, (C2,)),
    ("adaptivemaxpool", {"size": (1, 8)}, (C2,)),
    ("adaptivemaxpool", {"size": (4, 3, 5)}, (C3,)),
    ("adaptivemaxpool", {"size": (10, 14, 1)}, (C3,)),
    # other shapes
    ("upsample", {"size": 4}, (C1,)),
    ("upsample", {"size": 9}, (C1,)),
    ("upsample", {"size": 20, "mode": "linear"}, (C1,)),
    ("upsample", {"size": 4, "mode": "linear"}, (C1,)),
    ("upsample", {"size": 1, "mode": "linear", "align_corners": True}, (C1,)),
    ("upsample", {"size": (4, 3)}, (C2,)),
    ("upsample", {"size": (20, 3), "mode": "bilinear"}, (C2,)),
    ("upsample", {"size": (4, 1), "mode": "bilinear", "align_corners": True}, (C2,)),
    ("upsample", {"size": (4, 3), "mode": "bicubic"}, (C2,)),
    ("upsample", {"size": (13, 5), "mode": "bicubic", "align_corners": True}, (C2,)),
    ("upsample", {"scale": (2, 3), "mode": "bicubic"}, (C2,)),
    ("upsample", {"size": (11, 3, 6), "mode": "trilinear"}, (C3,)),
    ("upsample", {"size": (2, 9, 1), "mode": "trilinear", "align_corners": True}, (C3,)),
    ("upsample", {"scale": (1, 2, 3), "mode": "trilinear", "align_corners": True}, (C3,)),
    ("upsample", {"scale": 0.7}, ((6, 10),)),
    ("upsample", {"scale": 0.7, "mode": "linear"}, ((6, 10),)),
    ("upsample", {"scale": 1.3, "mode": "linear", "align_corners": True}, ((6, 10),)),
    ("upsample", {"scale": (0.3, 2.6)}, (C2,)),
    ("upsample", {"scale": (0.5, 1.25), "mode": "bilinear"}, (C2,)),
    ("upsample", {"scale": (2, 0.7), "mode": "bilinear"}, (C2,)),
    ("upsample", {"scale": (1.7, 0.4), "mode": "bicubic"}, (C2,)),
    ("upsample", {"scale": 2.3, "mode": "bicubic", "align_corners": True}, (C2,)),
    ("upsample", {"scale": (1.5, 0.6, 2.2), "mode": "trilinear"}, (C3,)),
    ("upsample", {"scale": (1.5, 0.6, 2.2)}, (C3,)),
    ("upsample", {"scale": 0.29}, ((2, 37),)),
    ("upsample", {"scale": 2.0, "mode": "bilinear"}, (C2,)),
    # which torch does as if by 1 and by 2, but not along one axis or three
    ("upsample", {"scale": (1.3, 2.2)}, ((2, 3, 2),)),
    ("upsample", {"scale": 2.2}, ((2, 2),)),
    ("upsample", {"scale": (1.3, 2.2, 2)}, ((2, 3, 2, 2),)),
    ("upsample", {"scale": (1.3, 1.1), "mode": "bilinear"}, ((2, 3, 4),)),
    ("upsample", {"scale": (1.3, 1.1), "mode": "bicubic"}, ((2, 3, 4),)),
    ("pixelshuffle", {"r": 1}, (C2,)),
    ("pixelshuffle", {"r": 3}, ((18, 2, 3),)),
    ("pixelunshuffle", {"r": 2}, ((3, 6, 4),)),
    ("pixelunshuffle", {"r": 1}, (C2,)),
    ("channelshuffle", {"groups": 6}, ((6, 2, 3, 4),)),
    ("channelshuffle", {"groups": 1}, (C2,)),
    ("pad", {"sides": ((0, 3),)}, (C1,)),
    ("pad", {"sides": (1, 2, 3), "value": 2.5}, (C3,)),
    ("pad", {"sides": ((8, 0), (0, 7)), "mode": "reflect"}, (C2,)),
    ("pad", {"sides": ((1, 2), (3, 4), (0, 1)), "mode": "reflect"}, (C3,)),
    ("pad", {"sides": ((12, 0), (0, 20)), "mode": "replicate"}, (C2,)),
    ("pad", {"sides": ((9, 1), (0, 8)), "mode": "circular"}, (C2,)),
    ("pad", {"sides": 2, "mode": "circular"}, (C3,)),
    ("pad", {"sides": 0}, (C2,)),
    ("crop", {"size": (9, 3)}, (C2,)),
    ("crop", {"border": (1, 2)}, (C2,)),
    ("slice", {"axis": 2, "start": -3, "stop": -1}, (C3,)),
    ("slice", {"axis": -3, "start": 5}, (C2,)),
    ("slice", {"axis": 0}, ((5,),)),
    ("slice", {"axis": 1, "start": 2, "stop": 9, "step": 5}, (C2,)),
    ("split", {"parts": (1, 2, 3)}, (C2,)),
    ("split", {"parts": 1}, (C2,)),
    ("split", {"parts": 4, "axis": 2}, (C2,)),
    ("flatten", {"start": -1}, (C2,)),
    ("flatten", {"start": 1}, (C3,)),
    ("reshape", {"shape": (1, 6, 1, 9)}, (C1,)),
    ("reshape", {"shape": (6, 9)}, (C1,)),
    ("permute", {"axes": (0, 2, 1)}, (C2,)),
    ("permute", {"axes": (3, 1, 0, 2)}, (C3,)),
    # norms
    ("batchnorm", {"affine": False}, ((6,),)),
    ("batchnorm", {"affine": False, "track": False}, (C2,)),
    ("batchnorm", {"track": False}, (C1,)),
    ("batchnorm", {"track": False, "eps": 0.1}, (C3,)),
    ("batchnorm", {"affine": False, "eps": 0.1}, (C2,)),
    ("layernorm", {"axes": 2}, (C2,)),
    ("layernorm", {"axes": 4}, (C3,)),
    ("layernorm", {"axes": 3, "affine": False, "eps": 0.1}, (C3,)),
    ("layernorm", {"bias": False}, ((7,),)),
    ("rmsnorm", {"axes": 3}, (C2,)),
    ("rmsnorm", {"eps": 0.1}, ((7,),)),
    ("rmsnorm", {"affine": False}, (C3,)),
    ("groupnorm", {"groups": 1}, (C3,)),
    ("groupnorm", {"groups": 2}, ((12,),)),
    ("groupnorm", {"groups": 6}, (C2,)),
    ("groupnorm", {"groups": 2, "affine": False, "eps": 0.1}, (C1,)),
    ("instancenorm", {"affine": True, "eps": 0.1}, (C1,)),
    ("instancenorm", {"affine": True}, (C3,)),
    *(("lrn", {"size": size, "alpha": 0.5, "beta": 0.75, "k": 2.0}, (shape,)) for size in (1, 2, 3, 4, 5, 9) for shape in (C1, C2, C3)),
    ("lrn", {"size": 3, "alpha": -0.1, "k": 2.0}, (C2,)),
    ("lrn", {"size": 3, "alpha": 0.5, "beta": -1.0}, (C2,)),
    ("lrn", {"size": 3, "alpha": 0.0, "beta": 0.0, "k": 2.0}, (C2,)),
    # elements
    ("relu", {}, ((),)),
    ("gelu", {}, ((),)),
    ("leakyrelu", {"slope": -0.5}, (C2,)),
    ("leakyrelu", {"slope": 2.0}, ((5,),)),
    ("rrelu", {"low": -0.5, "high": -0.25}, (C2,)),
    ("prelu", {}, ((),)),
    ("prelu", {}, ((5,),)),
    ("prelu", {"shared": False}, (C1,)),
    ("prelu", {"shared": False}, (C3,)),
    ("hardtanh", {"low": 0.5, "high": 2.0}, (C2,)),
    ("hardtanh", {"low": -2.0, "high": -1.0}, (C2,)),
    ("softshrink", {"bound": 0.0}, (C2,)),
    ("hardshrink", {"bound": 0.0}, (C2,)),
    ("hardshrink", {"bound": -0.5}, (C2,)),
    ("threshold", {"threshold": -0.5, "value": -3.0}, (C2,)),
    ("threshold", {"threshold": 0.0, "value": 0.0}, ((),)),
    ("elu", {"alpha": -1.5}, (C2,)),
    ("elu", {"alpha": 0.0}, (C2,)),
    ("celu", {"alpha": -1.0}, (C2,)),
    ("celu", {"alpha": 2.0}, ((),)),
    ("softplus", {"threshold": 20.5}, (C2,)),
    ("softplus", {"threshold": 0.0}, (C2,)),
    ("softplus", {"threshold": -1.0}, (C2,)),
    ("softplus", {"beta": 0.1, "threshold": 0.05}, (C2,)),
    ("softplus", {"beta": 30.0}, (C2,)),
    ("softmax", {"axis": 1}, (C3,)),
    ("softmax", {"axis": -2}, (C3,)),
    ("logsoftmax", {"axis": 1}, (C3,)),
    ("softmin", {"axis": 0}, (C2,)),
    ("glu", {"axis": 1}, ((3, 4),)),
    ("glu", {"axis": -1}, ((4,),)),
    ("dropout", {"p": 0.0, "mode": "downscale_in_infer"}, (C2,)),
    ("scale", {"by": -2.5}, ((),)),
    ("scale", {"bias": True}, (C1,)),
    # merges, algebra
    ("add", {}, ((), C2)),
    ("add", {}, ((8,), (9, 1), (6, 1, 1))),
    ("mul", {}, ((3, 1, 5), (1, 4, 1))),
    ("sub", {}, ((), ())),
    ("sub", {}, ((6, 1, 1), (8,))),
    ("div", {}, (C2, (6, 1, 1))),
    ("mean", {}, ((8,), C2)),
    ("max", {}, ((), C2, (9, 1))),
    ("min", {}, ((5,), (5,))),
    ("concat", {"axis": -2}, ((3, 4), (1, 4), (2, 4))),
    ("concat", {"axis": 1}, ((3, 4), (3, 1))),
    ("stack", {}, ((), (), ())),
    ("stack", {"axis": 1}, ((5,), (5,))),
    ("stack", {"axis": -2}, (C2, C2)),
    ("matmul", {}, ((3, 4), (2, 7, 4, 5))),
    ("matmul", {}, ((2, 1, 3, 4), (7, 4, 5))),
    ("matmul", {"transpose": True}, ((2, 1, 3, 4), (7, 5, 4))),
    ("matmul", {"transpose": True}, ((5, 3, 4), (2, 4))),
    *(
        ("reduce", {"op": op, "axes": axes, "keep": keep}, (shape,))
        for op in ("sum", "mean", "max", "min", "prod")
        for axes, shape in ((0, (4,)), (-1, (2, 3)), ((0, 2), (2, 4, 3)), ((1, 0), (2, 3)), ((), (2, 3)), ((0, 1, -1), (2, 1, 4)))
        for keep in (False, True)
    ),
    ("dense", {"out": 3, "bias": False}, ((7,),)),
    ("dense", {"out": 3}, ((2, 3, 7),)),
    ("dense", {"out": 1, "weight": (1, -1), "bias": True}, ((2,),)),
    ("embedding", {"vocab": 7, "dim": 3}, ((),)),
    ("embedding", {"vocab": 7, "dim": 1}, ((2, 3, 4),)),
    ("subsample", {"k": (3, 1)}, (C2,)),
    ("rbf", {"out": 3}, ((2, 3, 4),)),
]  # fmt: skip


def changes(name: str) -> list[Change]:
    """What is done to the inputs of a layer, which are drawn from a normal distribution: each is a test."""
    if family(name) in ("pool", "globalpool"):
        return [drawn, lambda x: -x.abs() - 0.5]  # padding must not be the maximum
    if is_norm(name):
        return [drawn, lambda x: x + 10, lambda x: x + 100]
    if family(name).startswith("activation"):
        return [drawn, lambda x: 30 * x]
    return [drawn]


def family(name: str) -> str:
    return next(family for family, names in FAMILIES.items() if name in names)


def is_norm(name: str) -> bool:
    """Whether torch itself is inexact where the mean is far from 0, so that float64 is compared with."""
    return family(name).startswith("norm")


def drawn(x: Tensor) -> Tensor:
    return x


def prove(case: Case, opset: int = OPSET, dtype: str = "float32") -> None:
    """The model of a layer is sound, and gives what torch gives."""
    name, arguments, shapes = case
    torch.manual_seed(0)
    apply, state, exact = forms(case)[0], {}, Tensor.double if is_norm(name) else drawn
    if isinstance(apply, nn.Module):
        state = {key: tensor.clone() for key, tensor in rounded(randomise(apply), dtype).state_dict().items()}
        if is_norm(name):
            apply.double()
    made = one_layer(layer(name, **arguments), torch_types(name, *shapes))
    model = model_of(made, Given(state, "layer."), opset=opset, dtype=dtype)
    check(model)
    loaded = session(model)
    for batch in (1, 3):
        given = [rounded(x, dtype) for x in inputs_of(case, batch=batch)]
        if arguments.get("op") == "prod":  # of many numbers, neither 0 nor too large
            given = [x.sign() * (0.75 + 0.5 * x.abs().fmod(1)) for x in given]
        for change in changes(name) if dtype == "float32" else [drawn]:
            inputs = [change(x) for x in given]
            with torch.no_grad():
                expected = several(apply(*(exact(x) for x in inputs)))
            if change is drawn or all(y.isfinite().all() for y in expected):
                close(run(loaded, *inputs), expected, TOLERANCE[dtype], scale=change is drawn)
        check_values(model, {"batch": batch}, *given)


def rounded(x: Any, dtype: str) -> Any:
    """Numbers that an element type can hold, as float32. Integers stay."""
    if dtype == "float32" or (isinstance(x, Tensor) and not x.is_floating_point()):
        return x
    return x.to(getattr(torch, dtype)).float()


def parameters(cases: Sequence[Case]) -> Any:
    return pytest.mark.parametrize("case", cases, ids=map(ident, cases))


def third(cases: Sequence[Case], salt: Any) -> Any:
    """A third of the cases; all of them where NETSPEC_ALL_CASES is set."""
    everything = "NETSPEC_ALL_CASES" in os.environ
    return parameters([case for case in cases if everything or crc32(f"{salt} {ident(case)}".encode()) % 3 == 0])


@parameters(CASES)
def test_rule(case: Case):
    prove(case)


@third(CASES, 17)
def test_opset_17(case: Case):
    prove(case, 17)


@third(CASES, 18)
def test_opset_18(case: Case):
    prove(case, 18)


@third(CASES, 20)
def test_opset_20(case: Case):
    prove(case, 20)


@third(CASES, 26)
def test_opset_26(case: Case):
    prove(case, 26)


@third(CASES, "float16")
def test_float16(case: Case):
    prove(case, dtype="float16")


@third(CASES, "bfloat16")
def test_bfloat16(case: Case):
    """Which onnxruntime runs for hardly any operator. ONNX takes it for all that are written, from opset 22 on."""
    name, arguments, shapes = case
    made = one_layer(layer(name, **arguments), torch_types(name, *shapes))
    check(model_of(made, dtype="bfloat16"))


def test_every_layer_has_a_case():
    assert {case[0] for case in CASES} | {"param", "constant"} == set(layer_names())


# -- windows of all kinds ------------------------------------------------------------------------------


def window(name: str, axes: int, draw: random.Random) -> Case:
    """A case of a layer with windows, that may be refused."""

    def each(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw.randint(low, high) for _ in range(axes))

    k, sizes = each(1, 4), each(1, 7)
    if name == "upconv":
        shape = (4, *each(1, 5))
        return (
            name,
            {
                "out": 2 * draw.randint(1, 2), "k": k, "stride": each(1, 3), "pad": each(0, 3), "output_pad": each(0, 2),
                "dilation": each(1, 3), "groups": draw.choice((1, 2)),
            },
            (shape,),
        )  # fmt: skip
    if name.startswith("adaptive"):
        return name, {"size": each(1, 9)}, ((2, *sizes),)
    if name == "upsample":
        modes = ["nearest", *(mode for mode, count in _MODE_AXES.items() if count == axes)]
        mode = draw.choice(modes)
        arguments: dict[str, Any] = {"mode": mode, "align_corners": mode != "nearest" and draw.random() < 0.5}
        if draw.random() < 0.5:
            return name, {**arguments, "size": each(1, 11)}, ((2, *sizes),)
        scale = tuple(draw.choice((2, 3, 0.5, 1.5, 0.7, 1.3, 2.6, 0.29)) for _ in sizes)
        return name, {**arguments, "scale": scale}, ((2, *sizes),)
    if name == "pad":
        sides = tuple((draw.randint(0, 4), draw.randint(0, 4)) for _ in sizes)
        return (
            name,
            {"sides": sides, "mode": draw.choice(["constant", "reflect", "replicate", "circular"])},
            ((2, *sizes),),
        )
    most = k if name == "conv" else tuple(n // 2 for n in k)
    pad: Any = tuple((draw.randint(0, n), draw.randint(0, n)) for n in most)
    arguments = {"k": k, "stride": each(1, 4), "pad": draw.choice(["same", pad, pad])}
    if name == "avgpool":
        return name, {**arguments, "ceil": draw.random() < 0.6, "count_pad": draw.random() < 0.5}, ((2, *sizes),)
    arguments["dilation"] = each(1, 2)
    if name == "maxpool":
        return name, {**arguments, "ceil": draw.random() < 0.6}, ((2, *sizes),)
    arguments |= {"out": 4, "groups": draw.choice((1, 2)), "flip": draw.random() < 0.2}
    arguments["pad_mode"] = draw.choice(["zeros", "zeros", "reflect", "replicate", "circular"])
    return name, arguments, ((2, *sizes),)


def windows(name: str, axes: int, count: int) -> list[Case]:
    draw, found = random.Random(f"{name} {axes}"), dict[str, Case]()
    while len(found) < count:
        case = window(name, axes, draw)
        if outputs_of(case) is not None:
            found[ident(case)] = case
    return list(found.values())


GRID = {
    "conv": 30,
    "upconv": 60,
    "maxpool": 40,
    "avgpool": 40,
    "adaptiveavgpool": 20,
    "adaptivemaxpool": 20,
    "upsample": 40,
    "pad": 20,
}


@parameters([case for name, count in GRID.items() for axes in (1, 2, 3) for case in windows(name, axes, count)])
def test_windows(case: Case):
    """At an opset that the case chooses."""
    prove(case, (17, 18, 20, OPSET, 26)[crc32(ident(case).encode()) % 5])


# -- integers ------------------------------------------------------------------------------------------

INTEGERS: list[Case] = [
    ("identity", {}, (C2,)),
    ("flatten", {}, (C2,)),
    ("reshape", {"shape": (3, -1)}, (C2,)),
    ("permute", {"axes": (2, 0, 1)}, (C2,)),
    ("slice", {"axis": -1, "start": 1, "stop": -1, "step": 2}, (C2,)),
    ("split", {"parts": (1, 5)}, (C2,)),
    ("split", {"parts": 2, "axis": 2}, (C2,)),
    ("pad", {"sides": 1}, (C2,)),
    ("pad", {"sides": 1, "value": -2.0}, (C2,)),
    ("pad", {"sides": ((1, 2), (0, 1)), "mode": "reflect"}, (C2,)),
    ("pad", {"sides": ((1, 2), (0, 1)), "mode": "replicate"}, (C2,)),
    ("pad", {"sides": ((1, 2), (0, 1)), "mode": "circular"}, (C2,)),
    ("crop", {"size": 4}, (C2,)),
    ("pixelshuffle", {"r": 2}, ((8, 3, 5),)),
    ("pixelunshuffle", {"r": 2}, ((3, 6, 4),)),
    ("channelshuffle", {"groups": 3}, (C2,)),
    ("concat", {"axis": 1}, (C2, (6, 2, 8))),
    ("stack", {"axis": -1}, (C2, C2)),
]  # fmt: skip


@pytest.mark.parametrize("opset", [17, OPSET])
@parameters(INTEGERS)
def test_integers(case: Case, opset: int):
    name, arguments, shapes = case
    made = one_layer(layer(name, **arguments), [TensorType(shape, "int64") for shape in shapes])
    model = model_of(made, opset=opset)
    check(model)
    torch.manual_seed(0)
    for batch in (1, 3):
        inputs = [torch.randint(-(2**20), 2**20, (batch, *shape)) for shape in shapes]
        expected = [y.long() for y in several(forms(case)[0](*(x.float() for x in inputs)))]
        close(run(model, *inputs), expected)
        check_values(model, {"batch": batch}, *inputs)


# -- masks of truth values -------------------------------------------------------------------------------

MASKS: list[Case] = [
    ("attention", {"heads": 4, "mask": True}, ((5, 16), (5,))),
    ("attention", {"heads": 4, "mask": True, "causal": True, "scale": 0.5}, ((5, 16), (5, 5))),
    ("attention", {"heads": 4, "kv_heads": 2, "mask": True, "causal": True, "window": 2}, ((5, 16), (4, 5, 5))),
    ("attention", {"heads": 4, "kv_heads": 2, "mask": True, "causal": True, "window": 2}, ((5, 16), (5,))),
    ("attention", {"heads": 4, "kv_heads": 1, "mask": True}, ((5, 16), (7, 12), (4, 1, 7))),
    ("attention", {"heads": 4, "packed": True, "mask": True}, ((5, 16), (7, 16), (1, 5, 7))),
]  # fmt: skip


@pytest.mark.parametrize("opset", [17, 18, OPSET, 26])
@pytest.mark.parametrize("dtype", ["bool", "float32"])
@parameters(MASKS)
def test_masks(case: Case, dtype: str, opset: int):
    """Which hide at random and, in the first sample, everything from some positions."""
    name, arguments, shapes = case
    torch.manual_seed(0)
    module = randomise(forms(case)[0])
    state = {key: tensor.clone() for key, tensor in module.state_dict().items()}
    made = one_layer(
        layer(name, **arguments), [*(TensorType(shape) for shape in shapes[:-1]), TensorType(shapes[-1], dtype)]
    )
    model = model_of(made, Given(state, "layer."), opset=opset)
    check(model)
    for batch in (1, 3):
        *inputs, mask = inputs_of(case, batch=batch)
        mask = mask > 0
        mask[(0, ..., 0, slice(None)) if mask.dim() > 2 else 0] = False
        if dtype == "float32":
            mask = torch.zeros(mask.shape).masked_fill(~mask, -torch.inf)
        with torch.no_grad():
            expected = module(*inputs, mask)
        assert expected.isfinite().all()
        close(run(model, *inputs, mask), [expected])
        check_values(model, {"batch": batch}, *inputs, mask)


# -- values without a batch ------------------------------------------------------------------------------

UNBATCHED = {
    "add": "input x: [3, 4]; param p: [3, 4]; from x -> add with p",
    "add, fewer axes": "input x: [3, 4]; param p: [4]; from x -> add with p",
    "add, more axes": "input x: [4]; param p: [3, 4]; from p -> add with x",
    "mul, twice": "input x: [3, 4]; param p: [3, 4]; constant q: [1, 2, 3, 4]; from p -> s: mul with q; from x -> add with s",
    "sub": "input x: [3, 4]; constant q: [1, 2, 3, 4]; from q -> sub with x",
    "max": "input x: [3, 4]; param p: [2, 3, 4]; constant q: 0.5; max { | from x | from p | from q }",
    "mean": "input x: [3, 4]; param p: [2, 3, 4]; constant q: 0.5; mean { | from x | from p | from q }",
    "concat": "input x: [3, 4]; param p: [1, 4]; concat { | from p | from x }",
    "stack": "input x: [3, 4]; param p: [3, 4]; stack { | from p | from x }",
    "matmul": "input x: [3, 4]; param p: [4, 5]; from x -> matmul with p",
    "matmul, first": "input x: [4, 5]; param p: [3, 4]; from p -> matmul with x",
    "matmul, more axes": "input x: [4, 5]; param p: [2, 3, 4]; from p -> matmul with x",
    "matmul, transposed": "input x: [2, 4, 5]; param p: [3, 5]; from x -> matmul transpose=true with p",
    "matmul, both": "input x: [4, 5]; param p: [3, 4]; param q: [4, 5]; from p -> s: matmul with q; from x -> matmul transpose=true with s",
    "dense": "input x: [3, 4]; param p: [4]; from p -> d: dense 4; from x -> add with d",
    "dense, two axes": "input x: [3, 4]; param p: [3, 4]; from p -> d: dense 4; from x -> add with d",
    "conv": "input x: [3, 4, 4]; param p: [2, 4, 4]; from p -> d: conv 3 k=3 pad=1; from x -> mul with d",
    "batchnorm": "input x: [3, 4, 4]; param p: [3, 4, 4]; from p -> d: batchnorm; from x -> mul with d",
    "batchnorm of the batch": "input x: [3, 4, 4]; param p: [3, 4, 4]; from p -> d: batchnorm track=false; from x -> mul with d",
    "reshape": "input x: [3, 4]; param p: [12]; from p -> reshape (3, 4) -> d: relu; from x -> mul with d",
    "flatten": "input x: [12]; param p: [3, 4]; from p -> d: flatten; from x -> mul with d",
    "permute": "input x: [4, 3]; param p: [3, 4]; from p -> d: permute (1, 0); from x -> mul with d",
    "split": "input x: [2, 3]; param p: [4, 3]; from p -> s: split 2; from x -> add with s -> mul with s.1",
    "upsample": "input x: [1, 8]; param p: [1, 4]; from p -> d: upsample 2; from x -> add with d",
    "an output": "input x: [3, 4]; param p: [2, 2]; from x -> y: relu; return y, p",
    "of it an output": "input x: [3, 4]; param p: [2, 2]; from x -> y: relu; from p -> q: sigmoid; return y, q",
    "a sum an output": "input x: [3, 4]; param p: [2, 2]; param r: [2, 1]; from x -> y: relu; from p -> q: add with r; return y, q",
    "an input as output": "input x: [3, 4]; y: relu; return x, y",
    "an input alone": "input x: [3, 4]; identity",
    "tied": "input x: [4]; e: dense 4 bias=false; w: dense 4 tie=e; relu -> dense 4 tie=w",
    "shared": "input x: [4]; e: dense 4 -> relu; reuse e",
}  # fmt: skip


@pytest.mark.parametrize("opset", [17, OPSET])
@pytest.mark.parametrize("text", UNBATCHED.values(), ids=UNBATCHED)
def test_without_a_batch(text: str, opset: int):
    """`param` and `constant` as inputs of layers, and as outputs of the net, which have the batch."""
    made = compiled("net N {\n" + text.replace("; ", "\n") + "\n}")
    module = randomise(module_of(made).eval())
    model = model_of(made, Given(module.state_dict()), opset=opset)
    check(model)
    assert made.network is not None
    for batch in (1, 3):
        inputs = [torch.randn(batch, *item.type.shape) for item in made.network.inputs]
        with torch.no_grad():
            expected = several(module(*inputs))
        close(run(model, *inputs), expected)
        check_values(model, {"batch": batch}, *inputs)


def test_without_inputs():
    """A net of `param` alone is of one sample."""
    made = compiled("net N {\nparam p: [3, 4]\nfrom p -> sigmoid -> dense 5\n}")
    module = randomise(module_of(made).eval())
    model = model_of(made, Given(module.state_dict()))
    check(model)
    close([run(model)[0][0]], [module()])


def test_embedding_of_parts():
    made = compiled(
        "net N {\ninput x: int64 [4, 3]\ns: split 2\nfrom s.1 -> permute (1, 0) -> slice 0 1 -> embedding 7 5\n}"
    )
    module = randomise(module_of(made).eval())
    model = model_of(made, Given(module.state_dict()))
    check(model)
    x = torch.randint(0, 7, (3, 4, 3))
    close(run(model, x), [module(x)])
    assert run(model, x)[0].shape == (3, 2, 2, 5)


def test_batchnorm_of_a_batch_of_features():
    """Which torch does for more than one sample."""
    made = compiled("net N {\ninput x: [6]\nbatchnorm track=false affine=false\n}")
    x = torch.randn(4, 6)
    (y,) = run(model_of(made), x)
    close([y], [torch.nn.functional.batch_norm(x, None, None, training=True)])
    np.testing.assert_allclose(y.mean(0), 0, atol=1e-6)
