"""Every layer against torch: shapes, weights, MACs, and what is refused.

Shapes are of one sample; torch gets a batch of 2 in front, so that its MACs are halved twice (a
multiply-add counts as two there). MACs are counted on the meta device; refusals are asked of the CPU,
because meta tensors accept errors.
"""

# ruff: noqa: E501  # the tables have one case a line

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from layer_calls import cost_of, layer, shape_of, shape_or_refusal, shapes_of, types
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from netspec.ops.base import output_types

BATCH = 2


def meta(*shape: int) -> torch.Tensor:
    return torch.empty((BATCH, *shape), device="meta")


def macs_of(call: Callable[[], Any]) -> tuple[Any, int]:
    """What a call returns, and its MACs."""
    with FlopCounterMode(display=False) as counter:
        result = call()
    return result, counter.get_total_flops() // 2


# -- layers that torch has as modules: shape, state_dict, MACs ------------------------------------------

C1, C2, C3 = (6, 9), (6, 9, 8), (4, 5, 7, 6)  # one, two and three spatial axes

MODULES: list[tuple[str, dict[str, Any], tuple[int, ...], Callable[[], nn.Module]]] = [
    ("conv", {"out": 4, "k": 3}, C1, lambda: nn.Conv1d(6, 4, 3)),
    ("conv", {"out": 4, "k": 3, "bias": False}, C2, lambda: nn.Conv2d(6, 4, 3, bias=False)),
    ("conv", {"out": 4, "k": 3, "pad": 1}, C3, lambda: nn.Conv3d(4, 4, 3, padding=1)),
    ("conv", {"out": 4, "k": (3, 1), "pad": (1, 0)}, C2, lambda: nn.Conv2d(6, 4, (3, 1), padding=(1, 0))),
    ("conv", {"out": 6, "k": 3, "groups": 6}, C2, lambda: nn.Conv2d(6, 6, 3, groups=6)),
    ("conv", {"out": 9, "k": 3, "groups": 3}, C1, lambda: nn.Conv1d(6, 9, 3, groups=3)),
    ("conv", {"out": 4, "k": 3, "dilation": 2, "stride": 2}, C2, lambda: nn.Conv2d(6, 4, 3, 2, dilation=2)),
    ("conv", {"out": 4, "k": 3, "pad": "same"}, C2, lambda: nn.Conv2d(6, 4, 3, padding="same")),
    ("conv", {"out": 4, "k": 3, "pad": "same", "dilation": 2}, C1, lambda: nn.Conv1d(6, 4, 3, padding="same", dilation=2)),
    ("conv", {"out": 4, "k": 3, "pad": 2, "pad_mode": "reflect"}, C2, lambda: nn.Conv2d(6, 4, 3, padding=2, padding_mode="reflect")),
    ("conv", {"out": 4, "k": 3, "pad": 8, "pad_mode": "circular"}, C2, lambda: nn.Conv2d(6, 4, 3, padding=8, padding_mode="circular")),
    ("conv", {"out": 64, "k": 7, "stride": 2, "pad": 3, "bias": False}, (3, 224, 224), lambda: nn.Conv2d(3, 64, 7, 2, 3, bias=False)),
    ("upconv", {"out": 4, "k": 2, "stride": 2}, C1, lambda: nn.ConvTranspose1d(6, 4, 2, 2)),
    ("upconv", {"out": 4, "k": 3, "stride": 2, "pad": 1, "output_pad": 1}, C2, lambda: nn.ConvTranspose2d(6, 4, 3, 2, 1, 1)),
    ("upconv", {"out": 4, "k": 3, "groups": 2, "bias": False}, C2, lambda: nn.ConvTranspose2d(6, 4, 3, groups=2, bias=False)),
    ("upconv", {"out": 4, "k": 3, "dilation": 2}, C3, lambda: nn.ConvTranspose3d(4, 4, 3, dilation=2)),
    ("dense", {"out": 5}, (7,), lambda: nn.Linear(7, 5)),
    ("dense", {"out": 5}, (3, 7), lambda: nn.Linear(7, 5)),
    ("dense", {"out": 5, "bias": False}, (3, 4, 7), lambda: nn.Linear(7, 5, bias=False)),
    ("maxpool", {"k": 2}, C1, lambda: nn.MaxPool1d(2)),
    ("maxpool", {"k": (3, 2), "stride": 2, "pad": (1, 0)}, C2, lambda: nn.MaxPool2d((3, 2), 2, (1, 0))),
    ("maxpool", {"k": 3, "stride": 2, "ceil": True}, C3, lambda: nn.MaxPool3d(3, 2, ceil_mode=True)),
    ("maxpool", {"k": 2, "dilation": 3}, C2, lambda: nn.MaxPool2d(2, dilation=3)),
    ("avgpool", {"k": 2}, C1, lambda: nn.AvgPool1d(2)),
    ("avgpool", {"k": 3, "pad": 1, "count_pad": False}, C2, lambda: nn.AvgPool2d(3, padding=1, count_include_pad=False)),
    ("avgpool", {"k": (2, 3, 1), "stride": 1}, C3, lambda: nn.AvgPool3d((2, 3, 1), 1)),
    ("globalavgpool", {}, C1, lambda: nn.AdaptiveAvgPool1d(1)),
    ("globalavgpool", {}, C2, lambda: nn.AdaptiveAvgPool2d(1)),
    ("globalavgpool", {}, C3, lambda: nn.AdaptiveAvgPool3d(1)),
    ("globalmaxpool", {}, C1, lambda: nn.AdaptiveMaxPool1d(1)),
    ("globalmaxpool", {}, C2, lambda: nn.AdaptiveMaxPool2d(1)),
    ("globalmaxpool", {}, C3, lambda: nn.AdaptiveMaxPool3d(1)),
    ("adaptiveavgpool", {"size": 4}, C1, lambda: nn.AdaptiveAvgPool1d(4)),
    ("adaptiveavgpool", {"size": (4, 20)}, C2, lambda: nn.AdaptiveAvgPool2d((4, 20))),
    ("adaptiveavgpool", {"size": 3}, C3, lambda: nn.AdaptiveAvgPool3d(3)),
    ("adaptivemaxpool", {"size": 12}, C1, lambda: nn.AdaptiveMaxPool1d(12)),
    ("adaptivemaxpool", {"size": (4, 2)}, C2, lambda: nn.AdaptiveMaxPool2d((4, 2))),
    ("adaptivemaxpool", {"size": 3}, C3, lambda: nn.AdaptiveMaxPool3d(3)),
    ("flatten", {}, C2, lambda: nn.Flatten()),
    ("flatten", {}, (5,), lambda: nn.Flatten()),
    ("flatten", {"start": 1}, C2, lambda: nn.Flatten(2)),
    ("flatten", {"start": -2}, C3, lambda: nn.Flatten(-2)),
    ("identity", {}, C2, lambda: nn.Identity()),
    ("upsample", {}, C1, lambda: nn.Upsample(scale_factor=2)),
    ("upsample", {"scale": 3, "mode": "linear"}, C1, lambda: nn.Upsample(scale_factor=3, mode="linear")),
    ("upsample", {"mode": "bilinear", "align_corners": True}, C2, lambda: nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)),
    ("upsample", {"size": (5, 30), "mode": "bicubic"}, C2, lambda: nn.Upsample((5, 30), mode="bicubic")),
    ("upsample", {"mode": "trilinear"}, C3, lambda: nn.Upsample(scale_factor=2, mode="trilinear")),
    ("upsample", {"size": 11}, C3, lambda: nn.Upsample(11)),
    ("upsample", {"scale": (1.5, 0.7)}, C2, lambda: nn.Upsample(scale_factor=(1.5, 0.7))),
    ("pixelshuffle", {"r": 2}, (8, 3, 5), lambda: nn.PixelShuffle(2)),
    ("pixelunshuffle", {"r": 3}, (2, 6, 9), lambda: nn.PixelUnshuffle(3)),
    ("channelshuffle", {"groups": 3}, C2, lambda: nn.ChannelShuffle(3)),
    ("channelshuffle", {"groups": 2}, C1, lambda: nn.ChannelShuffle(2)),
    ("batchnorm", {}, (6,), lambda: nn.BatchNorm1d(6)),
    ("batchnorm", {}, C1, lambda: nn.BatchNorm1d(6)),
    ("batchnorm", {}, C2, lambda: nn.BatchNorm2d(6)),
    ("batchnorm", {"affine": False}, C3, lambda: nn.BatchNorm3d(4, affine=False)),
    ("batchnorm", {"track": False}, C2, lambda: nn.BatchNorm2d(6, track_running_stats=False)),
    ("layernorm", {}, (5, 7), lambda: nn.LayerNorm(7)),
    ("layernorm", {"axes": 3}, C2, lambda: nn.LayerNorm(C2)),
    ("layernorm", {"axes": 2, "bias": False}, C2, lambda: nn.LayerNorm((9, 8), bias=False)),
    ("layernorm", {"affine": False}, (7,), lambda: nn.LayerNorm(7, elementwise_affine=False)),
    ("groupnorm", {"groups": 3}, C2, lambda: nn.GroupNorm(3, 6)),
    ("groupnorm", {"groups": 2, "affine": False}, (6,), lambda: nn.GroupNorm(2, 6, affine=False)),
    ("instancenorm", {}, C1, lambda: nn.InstanceNorm1d(6)),
    ("instancenorm", {"affine": True}, C2, lambda: nn.InstanceNorm2d(6, affine=True)),
    ("instancenorm", {}, C3, lambda: nn.InstanceNorm3d(4)),
    ("rmsnorm", {}, (5, 7), lambda: nn.RMSNorm(7)),
    ("rmsnorm", {"axes": 2, "affine": False}, (5, 7), lambda: nn.RMSNorm((5, 7), elementwise_affine=False)),
    ("lrn", {"size": 5}, C1, lambda: nn.LocalResponseNorm(5)),
    ("lrn", {"size": 2}, C2, lambda: nn.LocalResponseNorm(2)),
    ("lrn", {"size": 5}, C3, lambda: nn.LocalResponseNorm(5)),
    ("dropout", {}, (5,), lambda: nn.Dropout()),
    ("dropout", {"p": 0.1, "per": "channel"}, C1, lambda: nn.Dropout1d(0.1)),
    ("dropout", {"p": 0.1, "per": "channel"}, C2, lambda: nn.Dropout2d(0.1)),
    ("dropout", {"p": 0.1, "per": "channel"}, C3, lambda: nn.Dropout3d(0.1)),
    ("relu", {}, C2, lambda: nn.ReLU()),
    ("relu6", {}, C2, lambda: nn.ReLU6()),
    ("leakyrelu", {"slope": 0.2}, C2, lambda: nn.LeakyReLU(0.2)),
    ("prelu", {}, C2, lambda: nn.PReLU()),
    ("prelu", {"shared": False}, C2, lambda: nn.PReLU(6)),
    ("prelu", {"shared": False}, (6,), lambda: nn.PReLU(6)),
    ("rrelu", {}, C2, lambda: nn.RReLU()),
    ("elu", {}, C2, lambda: nn.ELU()),
    ("selu", {}, C2, lambda: nn.SELU()),
    ("celu", {}, C2, lambda: nn.CELU()),
    ("gelu", {}, C2, lambda: nn.GELU()),
    ("gelu", {"approx": "tanh"}, C2, lambda: nn.GELU("tanh")),
    ("silu", {}, C2, lambda: nn.SiLU()),
    ("mish", {}, C2, lambda: nn.Mish()),
    ("sigmoid", {}, C2, lambda: nn.Sigmoid()),
    ("tanh", {}, C2, lambda: nn.Tanh()),
    ("softplus", {}, C2, lambda: nn.Softplus()),
    ("softsign", {}, C2, lambda: nn.Softsign()),
    ("softshrink", {}, C2, lambda: nn.Softshrink()),
    ("hardshrink", {}, C2, lambda: nn.Hardshrink()),
    ("hardtanh", {}, C2, lambda: nn.Hardtanh()),
    ("hardsigmoid", {}, C2, lambda: nn.Hardsigmoid()),
    ("hardswish", {}, C2, lambda: nn.Hardswish()),
    ("logsigmoid", {}, C2, lambda: nn.LogSigmoid()),
    ("tanhshrink", {}, C2, lambda: nn.Tanhshrink()),
    ("threshold", {"threshold": 0.1, "value": 2.0}, C2, lambda: nn.Threshold(0.1, 2.0)),
    ("glu", {}, C2, lambda: nn.GLU(1)),
    ("glu", {"axis": -1}, C2, lambda: nn.GLU(-1)),
    ("softmax", {}, C2, lambda: nn.Softmax(-1)),
    ("softmax", {"axis": 0}, C2, lambda: nn.Softmax(1)),
    ("logsoftmax", {}, (5,), lambda: nn.LogSoftmax(-1)),
    ("softmin", {}, (5,), lambda: nn.Softmin(-1)),
]  # fmt: skip


def case(row: tuple[Any, ...]) -> str:
    name, arguments, shape = row[:3]
    return " ".join([name, *(f"{k}={v}" for k, v in arguments.items()), str(list(shape))])


@pytest.mark.parametrize(("name", "arguments", "shape", "build"), MODULES, ids=map(case, MODULES))
def test_module(name: str, arguments: dict[str, Any], shape: tuple[int, ...], build: Callable[[], nn.Module]):
    with torch.device("meta"):
        module = build()
    output, macs = macs_of(lambda: module(meta(*shape)))

    made, inputs = layer(name, **arguments), types(shape)
    assert shape_of(name, shape, **arguments) == tuple(output.shape[1:])
    assert cost_of(name, shape, **arguments).macs == macs // BATCH
    trainable = dict(module.named_parameters())
    assert [(n, w.shape, w.dtype, w.kind) for n, w in made.weights(inputs).items()] == [
        (n, tuple(t.shape), str(t.dtype).removeprefix("torch."), "trainable" if n in trainable else "buffer")
        for n, t in module.state_dict().items()
    ]


def test_embedding():
    with torch.device("meta"):
        module = nn.Embedding(100, 8)
    output = module(torch.zeros(BATCH, 3, 5, dtype=torch.int64, device="meta"))
    made = layer("embedding", vocab=100, dim=8)
    (result,) = output_types(made, types((3, 5), dtype="int64"))
    assert (result.shape, result.dtype) == (tuple(output.shape[1:]), "float32")
    assert [(n, w.shape) for n, w in made.weights(types((3, 5), dtype="int64")).items()] == [
        (n, tuple(t.shape)) for n, t in module.state_dict().items()
    ]


# -- layers that torch has as functions: of samples, without a batch ------------------------------------

FUNCTIONS: list[tuple[str, dict[str, Any], tuple[tuple[int, ...], ...], Callable[..., Any]]] = [
    ("reshape", {"shape": (3, -1)}, (C2,), lambda x: x.reshape(3, -1)),
    ("reshape", {"shape": 432}, (C2,), lambda x: x.reshape(432)),
    ("reshape", {"shape": (2, 3, 1, 72)}, (C2,), lambda x: x.reshape(2, 3, 1, 72)),
    ("reshape", {"shape": -1}, ((),), lambda x: x.reshape(-1)),
    ("reshape", {"shape": (4, 9)}, (C2,), lambda x: x.reshape(4, 9)),
    ("reshape", {"shape": (5, -1)}, (C2,), lambda x: x.reshape(5, -1)),
    ("reshape", {"shape": (-1, -1)}, (C2,), lambda x: x.reshape(-1, -1)),
    ("reshape", {"shape": (-2, 3)}, (C2,), lambda x: x.reshape(-2, 3)),
    ("permute", {"axes": (2, 0, 1)}, (C2,), lambda x: x.permute(2, 0, 1)),
    ("permute", {"axes": (-1, 0, 1)}, (C2,), lambda x: x.permute(-1, 0, 1)),
    ("permute", {"axes": (0, 1)}, (C2,), lambda x: x.permute(0, 1)),
    ("permute", {"axes": (0, 1, 1)}, (C2,), lambda x: x.permute(0, 1, 1)),
    ("permute", {"axes": (0, 1, 3)}, (C2,), lambda x: x.permute(0, 1, 3)),
    ("slice", {"axis": 0, "start": 1, "stop": 4}, (C2,), lambda x: x[1:4]),
    ("slice", {"axis": 1, "start": -4, "step": 3}, (C2,), lambda x: x[:, -4::3]),
    ("slice", {"axis": -1, "stop": -1, "step": 2}, (C2,), lambda x: x[..., :-1:2]),
    ("slice", {"axis": 3}, (C2,), lambda x: x[:, :, :, 1:]),
    ("split", {"parts": 3}, (C2,), lambda x: x.tensor_split(3)),
    ("split", {"parts": (1, 5)}, (C2,), lambda x: x.split((1, 5))),
    ("split", {"parts": (4, 4), "axis": -1}, (C2,), lambda x: x.split((4, 4), -1)),
    ("split", {"parts": (4, 3), "axis": 1}, (C2,), lambda x: x.split((4, 3), 1)),
    ("add", {}, (C2, C2), lambda a, b: a + b),
    ("add", {}, (C2, C2, C2), lambda a, b, c: a + b + c),
    ("mul", {}, (C2, (6, 1, 1)), lambda a, b: a * b),
    ("mul", {}, ((1, 8), C2, (6, 1, 1)), lambda a, b, c: a * b * c),
    ("mul", {}, (C2, ()), lambda a, b: a * b),
    ("mul", {}, (C2, (6,)), lambda a, b: a * b),
    ("add", {}, (C2, (6, 9, 7)), lambda a, b: a + b),
    ("add", {}, (C1, C2), lambda a, b: a + b),
    ("sub", {}, (C2, (8,)), lambda a, b: a - b),
    ("div", {}, ((1,), C2), lambda a, b: a / b),
    ("mean", {}, (C2, C2), lambda a, b: torch.stack([a, b]).mean(0)),
    ("max", {}, (C2, (8,)), torch.maximum),
    ("min", {}, (C2, (8,)), torch.minimum),
    ("concat", {}, (C2, (2, 9, 8), (1, 9, 8)), lambda *xs: torch.cat(xs)),
    ("concat", {"axis": -1}, (C2, (6, 9, 1)), lambda *xs: torch.cat(xs, -1)),
    ("concat", {}, (C2, (6, 9)), lambda *xs: torch.cat(xs)),
    ("concat", {}, (C2, (6, 9, 7)), lambda *xs: torch.cat(xs)),
    ("concat", {"axis": 3}, (C2, C2), lambda *xs: torch.cat(xs, 3)),
    ("stack", {}, (C2, C2, C2), lambda *xs: torch.stack(xs)),
    ("stack", {"axis": 3}, (C2, C2), lambda *xs: torch.stack(xs, 3)),
    ("stack", {"axis": -1}, (C2, C2), lambda *xs: torch.stack(xs, -1)),
    ("stack", {"axis": 4}, (C2, C2), lambda *xs: torch.stack(xs, 4)),
    ("stack", {}, (C2, (6, 9, 7)), lambda *xs: torch.stack(xs)),
    ("matmul", {}, ((3, 4), (4, 5)), lambda a, b: a @ b),
    ("matmul", {"transpose": True}, ((3, 4), (5, 4)), lambda a, b: a @ b.mT),
    ("matmul", {}, ((2, 3, 4), (2, 4, 5)), lambda a, b: a @ b),
    ("matmul", {}, ((2, 3, 4), (4, 5)), lambda a, b: a @ b),
    ("matmul", {}, ((3, 4), (7, 4, 5)), lambda a, b: a @ b),
    ("matmul", {}, ((6, 1, 3, 4), (2, 4, 5)), lambda a, b: a @ b),
    ("matmul", {"transpose": True}, ((8, 7, 16), (8, 9, 16)), lambda a, b: a @ b.mT),
    ("matmul", {}, ((3, 4), (3, 4)), lambda a, b: a @ b),
    ("matmul", {}, ((2, 3, 4), (3, 4, 5)), lambda a, b: a @ b),
    ("reduce", {"op": "sum", "axes": 0}, (C2,), lambda x: x.sum(0)),
    ("reduce", {"op": "mean", "axes": (1, 2)}, (C2,), lambda x: x.mean((1, 2))),
    ("reduce", {"op": "max", "axes": -1, "keep": True}, (C2,), lambda x: x.amax(-1, keepdim=True)),
    ("reduce", {"op": "min", "axes": (0, 1, 2)}, (C2,), lambda x: x.amin((0, 1, 2))),
    ("reduce", {"op": "prod", "axes": 1}, (C2,), lambda x: x.prod(1)),
    ("reduce", {"op": "mean", "axes": (1, -2)}, (C2,), lambda x: x.mean((1, -2))),
    ("reduce", {"op": "mean", "axes": 3}, (C2,), lambda x: x.mean(3)),
    ("flatten", {"start": 3}, (C2,), lambda x: x.flatten(3)),
    ("softmax", {"axis": 3}, (C2,), lambda x: x.softmax(3)),
    ("glu", {"axis": 1}, (C2,), lambda x: F.glu(x, 1)),
    ("glu", {"axis": 3}, (C2,), lambda x: F.glu(x, 3)),
    ("prelu", {"shared": False}, ((),), lambda x: F.prelu(x, torch.ones(2))),
    ("rrelu", {"low": 0.5, "high": 0.25}, (C2,), lambda x: F.rrelu(x, 0.5, 0.25, training=True)),
    ("hardtanh", {"low": 2.0, "high": 1.0}, (C2,), lambda x: F.hardtanh(x, 2.0, 1.0)),
    ("celu", {"alpha": 0.0}, (C2,), lambda x: F.celu(x, 0.0)),
]  # fmt: skip


def function_case(row: tuple[Any, ...]) -> str:
    name, arguments, shapes = row[:3]
    return " ".join([name, *(f"{k}={v}" for k, v in arguments.items()), *map(str, map(list, shapes))])


@pytest.mark.parametrize(("name", "arguments", "shapes", "call"), FUNCTIONS, ids=map(function_case, FUNCTIONS))
def test_function(name: str, arguments: dict[str, Any], shapes: tuple[tuple[int, ...], ...], call: Callable[..., Any]):
    try:
        outputs = call(*(torch.ones(shape) for shape in shapes))
    except (RuntimeError, IndexError, ValueError):
        assert isinstance(shape_or_refusal(name, *shapes, **arguments), str)
        return
    several = outputs if isinstance(outputs, (tuple, list)) else (outputs,)
    assert shapes_of(name, *shapes, **arguments) == tuple(tuple(o.shape) for o in several)
    _, macs = macs_of(lambda: call(*(torch.empty(shape, device="meta") for shape in shapes)))
    assert cost_of(name, *shapes, **arguments).macs == macs


# -- grids: every combination near the edges, with what torch's CPU refuses -----------------------------


def torch_shape(call: Callable[[], torch.Tensor]) -> tuple[int, ...] | None:
    """Shape of one sample, or None where torch refuses, or the result is empty or minus infinity."""
    try:
        result = call()
    except (RuntimeError, ValueError):
        return None
    return None if not result.numel() or result.isinf().any() else tuple(result.shape[1:])


def disagreements(
    rows: Iterator[tuple[Any, tuple[int, ...] | str, tuple[int, ...] | None]],
) -> tuple[int, int, list[Any]]:
    """How many both accept, how many both refuse, and where they disagree."""
    accepted = refused = 0
    wrong = []
    for what, ours, theirs in rows:
        if isinstance(ours, str) and theirs is None:
            refused += 1
        elif ours == theirs:
            accepted += 1
        else:
            wrong.append((what, ours, theirs))
    return accepted, refused, wrong


POOLS = {
    "maxpool": (F.max_pool1d, F.max_pool2d, F.max_pool3d),
    "avgpool": (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d),
}


def pool_case(name: str, sizes: Any, k: Any, s: Any, p: Any, d: Any, ceil: bool) -> Any:
    arguments = {"k": k, "stride": s, "pad": p, "ceil": ceil} | ({"dilation": d} if name == "maxpool" else {})
    theirs = {"kernel_size": k, "stride": s, "padding": p, "ceil_mode": ceil}
    if name == "maxpool":
        theirs["dilation"] = d
    pool = POOLS[name][len(sizes) - 1]
    x = torch.zeros(1, 1, *sizes)
    return (
        (name, sizes, arguments),
        shape_or_refusal(name, (1, *sizes), **arguments),
        torch_shape(lambda: pool(x, **theirs)),
    )


@pytest.mark.parametrize("name", POOLS)
def test_pools_of_one_axis(name: str):
    grid = itertools.product(
        range(1, 9),
        range(1, 5),
        range(1, 6),
        range(4),
        range(1, 4 if name == "maxpool" else 2),
        (False, True),
    )
    accepted, refused, wrong = disagreements(
        pool_case(name, (n,), (k,), (s,), (p,), (d,), ceil) for n, k, s, p, d, ceil in grid
    )
    assert wrong == []
    assert accepted > 500
    assert refused > 200


@pytest.mark.parametrize("axes", [2, 3])
@pytest.mark.parametrize("name", POOLS)
def test_pools_of_more_axes(name: str, axes: int):
    draw = random.Random(f"{name} {axes}")

    def cases() -> Iterator[Any]:
        for _ in range(1500):
            k = tuple(draw.randint(1, 4) for _ in range(axes))
            yield pool_case(
                name,
                tuple(draw.randint(1, 7) for _ in range(axes)),
                k,
                tuple(draw.randint(1, 4) for _ in range(axes)),
                tuple(draw.randint(0, n // 2 + (draw.random() < 0.1)) for n in k),
                tuple(draw.choice((1, 1, 2, 3)) for _ in range(axes)),
                draw.random() < 0.5,
            )

    accepted, refused, wrong = disagreements(cases())
    assert wrong == []
    assert accepted > 300
    assert refused > 100


CONVS = (F.conv1d, F.conv2d, F.conv3d)
UPCONVS = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)


def conv_case(sizes: Any, channels: int, out: int, k: Any, s: Any, p: Any, d: Any, groups: int) -> Any:
    arguments = {"out": out, "k": k, "stride": s, "pad": p, "dilation": d, "groups": groups}
    weight = torch.zeros(out, max(channels // groups, 1), *k)
    x = torch.zeros(1, channels, *sizes)
    conv = CONVS[len(sizes) - 1]
    return (
        (sizes, channels, arguments),
        shape_or_refusal("conv", (channels, *sizes), **arguments),
        torch_shape(lambda: conv(x, weight, None, s, p, d, groups)),
    )


def upconv_case(sizes: Any, channels: int, out: int, k: Any, s: Any, p: Any, extra: Any, d: Any, groups: int) -> Any:
    arguments = {
        "out": out,
        "k": k,
        "stride": s,
        "pad": p,
        "output_pad": extra,
        "dilation": d,
        "groups": groups,
    }
    weight = torch.zeros(channels, max(out // groups, 1), *k)
    x = torch.zeros(1, channels, *sizes)
    conv = UPCONVS[len(sizes) - 1]

    def call() -> torch.Tensor:
        if out % groups:
            raise ValueError("nn.ConvTranspose refuses it when it is made")
        return conv(x, weight, None, s, p, extra, groups, d)

    return (
        (sizes, channels, arguments),
        shape_or_refusal("upconv", (channels, *sizes), **arguments),
        torch_shape(call),
    )


def test_convolutions_of_one_axis():
    grid = itertools.product(range(1, 9), range(1, 5), range(1, 5), range(4), range(1, 4))
    accepted, refused, wrong = disagreements(conv_case((n,), 2, 2, (k,), (s,), (p,), (d,), 1) for n, k, s, p, d in grid)
    assert wrong == []
    assert accepted > 1000
    assert refused > 100


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_convolutions(axes: int):
    draw = random.Random(axes)

    def several(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw.randint(low, high) for _ in range(axes))

    accepted, refused, wrong = disagreements(
        conv_case(
            several(1, 7), draw.randint(1, 6), draw.randint(1, 6), several(1, 3), several(1, 3), several(0, 2),
            several(1, 2), draw.choice((1, 1, 2, 3)),
        )
        for _ in range(800)
    )  # fmt: skip
    assert wrong == []
    assert accepted > 150
    assert refused > 100


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_transposed_convolutions(axes: int):
    draw = random.Random(axes)

    def several(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw.randint(low, high) for _ in range(axes))

    accepted, refused, wrong = disagreements(
        upconv_case(
            several(1, 5), draw.randint(1, 6), draw.randint(1, 6), several(1, 4), several(1, 3), several(0, 2),
            several(0, 2) if draw.random() < 0.3 else several(0, 0), several(1, 2), draw.choice((1, 1, 2, 3)),
        )
        for _ in range(800)
    )  # fmt: skip
    assert wrong == []
    assert accepted > 100
    assert refused > 100


def test_macs_of_convolutions_over_a_grid():
    for axes, (groups, k, s, p, bias) in itertools.product(
        (1, 2, 3), itertools.product((1, 2), (1, 3), (1, 2), (0, 1), (False, True))
    ):
        shape = (4, 5, 6, 7)[: axes + 1]
        arguments = {"out": 6, "k": k, "stride": s, "pad": p, "groups": groups, "bias": bias}
        with torch.device("meta"):
            weight, offset = torch.empty(6, 4 // groups, *(k,) * axes), torch.empty(6) if bias else None
            upweight = torch.empty(4, 6 // groups, *(k,) * axes)
        _, macs = macs_of(lambda: CONVS[axes - 1](meta(*shape), weight, offset, s, p, 1, groups))  # noqa: B023
        assert cost_of("conv", shape, **arguments).macs == macs // BATCH
        _, macs = macs_of(lambda: UPCONVS[axes - 1](meta(*shape), upweight, offset, s, p, 0, groups))  # noqa: B023
        assert cost_of("upconv", shape, **arguments).macs == macs // BATCH


PAD_MODES = ["constant", "reflect", "replicate", "circular"]


@pytest.mark.parametrize("mode", PAD_MODES)
def test_padding(mode: str):
    def cases() -> Iterator[Any]:
        for n, before, after in itertools.product(range(1, 5), range(5), range(5)):
            x = torch.zeros(1, 2, n)
            yield (
                (mode, n, before, after),
                shape_or_refusal("pad", (2, n), sides=((before, after),), mode=mode),
                torch_shape(lambda: F.pad(x, (before, after), mode)),  # noqa: B023
            )
        for sides in itertools.product(range(3), repeat=4):
            x = torch.zeros(1, 2, 3, 4)
            pairs = ((sides[0], sides[1]), (sides[2], sides[3]))
            yield (
                (mode, sides),
                shape_or_refusal("pad", (2, 3, 4), sides=pairs, mode=mode),
                torch_shape(lambda: F.pad(x, (*pairs[1], *pairs[0]), mode)),  # noqa: B023
            )

    assert disagreements(cases())[2] == []


def test_scales():
    for n, scale in itertools.product(range(1, 40), (0.1, 0.29, 0.5, 0.7, 1.0, 1.1, 1.5, 2, 2.3, 3)):
        x = torch.zeros(1, 1, n)
        expected = torch_shape(lambda: F.interpolate(x, scale_factor=scale))  # noqa: B023
        ours = shape_or_refusal("upsample", (1, n), scale=scale)
        assert ours == expected or (isinstance(ours, str) and expected is None), (n, scale)


@pytest.mark.parametrize("kind", ["adaptiveavgpool", "adaptivemaxpool"])
def test_adaptive_windows_have_as_many_elements_as_counted(kind: str):
    for n, size in itertools.product(range(1, 25), range(1, 25)):
        windows = sum(-(-(i + 1) * n // size) - i * n // size for i in range(size))
        assert cost_of(kind, (1, n), size=size).connections == windows
        # output i of the rows of an identity matrix shows which elements its window has
        rows = F.adaptive_avg_pool1d(torch.eye(n).reshape(1, n, n), size)
        assert int((rows > 0).sum()) == windows


# -- what both refuse, beside the grids -------------------------------------------------------------------

REFUSED_BY_BOTH: list[tuple[str, dict[str, Any], tuple[int, ...], Callable[[], nn.Module]]] = [
    ("conv", {"out": 4, "k": 3, "groups": 4}, C2, lambda: nn.Conv2d(6, 4, 3, groups=4)),
    ("conv", {"out": 4, "k": 3, "pad": 9, "pad_mode": "reflect"}, C2, lambda: nn.Conv2d(6, 4, 3, padding=9, padding_mode="reflect")),
    ("conv", {"out": 4, "k": 3, "pad": 10, "pad_mode": "circular"}, C2, lambda: nn.Conv2d(6, 4, 3, padding=10, padding_mode="circular")),
    ("layernorm", {"axes": 4}, C2, lambda: nn.LayerNorm((1, *C2))),
    ("groupnorm", {"groups": 4}, C2, lambda: nn.GroupNorm(4, 6)),
    ("instancenorm", {}, (6, 1, 1), lambda: nn.InstanceNorm2d(6)),
    ("lrn", {"size": 3}, (6,), lambda: nn.LocalResponseNorm(3)),
    ("pixelshuffle", {"r": 2}, C2, lambda: nn.PixelShuffle(2)),
    ("pixelunshuffle", {"r": 2}, C2, lambda: nn.PixelUnshuffle(2)),
    ("channelshuffle", {"groups": 4}, C2, lambda: nn.ChannelShuffle(4)),
    ("upsample", {"mode": "linear"}, C2, lambda: nn.Upsample(scale_factor=2, mode="linear")),
    ("upsample", {"mode": "bicubic"}, C3, lambda: nn.Upsample(scale_factor=2, mode="bicubic")),
    ("upsample", {"align_corners": True}, C2, lambda: nn.Upsample(scale_factor=2, align_corners=True)),
    ("upsample", {"scale": 2, "size": 4}, C2, lambda: nn.Upsample(4, 2)),
    ("upsample", {"scale": 0.1}, C2, lambda: nn.Upsample(scale_factor=0.1)),
    ("upsample", {"scale": (2, 2, 2)}, C2, lambda: nn.Upsample(scale_factor=(2, 2, 2))),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments", "shape", "build"), REFUSED_BY_BOTH, ids=map(case, REFUSED_BY_BOTH))
def test_refused_by_both(name: str, arguments: dict[str, Any], shape: tuple[int, ...], build: Callable[[], nn.Module]):
    with pytest.raises((RuntimeError, ValueError, AssertionError, IndexError)):
        build()(torch.zeros(BATCH, *shape))
    assert isinstance(shape_or_refusal(name, shape, **arguments), str)


# Where netspec is stricter than torch, and why.
STRICTER: list[tuple[str, dict[str, Any], tuple[tuple[int, ...], ...], Callable[..., Any], str]] = [
    ("slice", {"axis": 0, "stop": 7}, (C2,), lambda x: x[:7], "Python cuts a slice off silently"),
    ("slice", {"axis": 0, "start": 4, "stop": 4}, (C2,), lambda x: x[4:4], "an empty tensor is nobody's intention"),
    ("split", {"parts": 4}, (C2,), lambda x: x.chunk(4), "torch.chunk(6, 4) gives 3 parts"),
    ("crop", {"size": 10}, (C2,), lambda x: F.pad(x, (1, 1, 0, 1)), "torchvision's CenterCrop pads"),
    ("scale", {"by": 2.0, "bias": True}, (C2,), lambda x: x * 2 + 1, "the bias would be trained beside a fixed factor"),
    ("maxpool", {"k": 2, "pad": 1, "dilation": 3}, ((1, 2),), lambda x: F.max_pool1d(x, 2, 2, 1, 3), "minus infinity"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "arguments", "shapes", "call", "why"), STRICTER, ids=[f"{row[0]}: {row[4]}" for row in STRICTER]
)
def test_stricter_than_torch(name: str, arguments: Any, shapes: Any, call: Callable[..., Any], why: str):
    call(*(torch.zeros(shape) for shape in shapes))
    assert isinstance(shape_or_refusal(name, *shapes, **arguments), str)
