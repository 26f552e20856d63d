"""Figures that a person can check: published ones, exercises, and sums done by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from layer_calls import Shape, cost_of, layer, shape_of, types

from netspec.ops.base import POINT, Cost, Reach, Weight, output_types

LENET_TABLE = (
    (0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (4, 5, 0), (5, 0, 1),
    (0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (3, 4, 5, 0), (4, 5, 0, 1), (5, 0, 1, 2),
    (0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5), (0, 1, 2, 3, 4, 5),
)  # fmt: skip

# LeCun, Bottou, Bengio, Haffner 1998, section II.B: output, trainable parameters, connections
LENET5: list[tuple[str, str, dict[str, Any], Shape, Shape, int, int]] = [
    ("C1", "conv", {"out": 6, "k": 5}, (1, 32, 32), (6, 28, 28), 156, 122_304),
    ("S2", "subsample", {"k": 2}, (6, 28, 28), (6, 14, 14), 12, 5_880),
    ("C3", "conv", {"out": 16, "k": 5, "connect": LENET_TABLE}, (6, 14, 14), (16, 10, 10), 1_516, 151_600),
    ("S4", "subsample", {"k": 2}, (16, 10, 10), (16, 5, 5), 32, 2_000),
    ("C5", "conv", {"out": 120, "k": 5}, (16, 5, 5), (120, 1, 1), 48_120, 48_120),
    ("F6", "dense", {"out": 84}, (120,), (84,), 10_164, 10_164),
    ("out", "rbf", {"out": 10}, (84,), (10,), 0, 840),
]


def elements(weights: dict[str, Weight], kind: str) -> Any:
    return sum(w.type.elements for w in weights.values() if w.kind == kind)


@pytest.mark.parametrize(
    ("name", "arguments", "shape", "output", "params", "connections"),
    [row[1:] for row in LENET5],
    ids=[row[0] for row in LENET5],
)
def test_lenet5(name: str, arguments: dict[str, Any], shape: Shape, output: Shape, params: int, connections: int):
    made, inputs = layer(name, **arguments), types(shape)
    assert output_types(made, inputs)[0].shape == output
    assert elements(made.weights(inputs), "trainable") == params
    assert cost_of(name, shape, **arguments).connections == connections


def test_lenet5_totals():
    made = [(layer(name, **arguments), types(shape)) for _, name, arguments, shape, *_ in LENET5]
    assert sum(elements(one.weights(x), "trainable") for one, x in made) == 60_000
    assert sum(elements(one.weights(x), "fixed") for one, x in made) == 840
    costs = [cost_of(name, shape, **arguments) for _, name, arguments, shape, *_ in LENET5]
    assert sum(cost.connections for cost in costs) == 340_908
    assert sum(cost.macs for cost in costs[:-1]) == 325_680


# A textbook's exercise: a batch of 10, 64 kernels of 3x3
@pytest.mark.parametrize(("bias", "additions"), [(True, 867_041_280), (False, 834_928_640)])
def test_textbook_convolution(bias: bool, additions: int):
    cost = cost_of("conv", (3, 224, 224), out=64, k=3, pad=1, bias=bias)
    assert (10 * cost.mults, 10 * cost.adds) == (867_041_280, additions)


COSTS: list[tuple[str, dict[str, Any], tuple[Shape, ...], Cost]] = [
    # name, arguments, inputs, Cost(macs, mults, adds, other, connections)
    ("conv", {"out": 2, "k": 3}, ((1, 5, 5),), Cost(162, 162, 162, 0, 180)),
    ("conv", {"out": 2, "k": 3, "bias": False}, ((1, 5, 5),), Cost(162, 162, 144, 0, 162)),
    ("upconv", {"out": 3, "k": 2, "stride": 2}, ((5, 4),), Cost(120, 120, 120, 0, 144)),
    ("upconv", {"out": 1, "k": 2, "stride": 2, "bias": False}, ((3, 4),), Cost(24, 24, 16, 0, 24)),
    # a window smaller than the stride: 4 of 10 outputs get a product
    ("upconv", {"out": 1, "k": 1, "stride": 3, "bias": False}, ((1, 4),), Cost(4, 4, 0, 0, 4)),
    ("dense", {"out": 3}, ((4,),), Cost(12, 12, 12, 0, 15)),
    ("dense", {"out": 3, "bias": False}, ((5, 4),), Cost(60, 60, 45, 0, 60)),
    ("matmul", {}, ((2, 3), (3, 4)), Cost(24, 24, 16)),
    ("maxpool", {"k": 2}, ((1, 4, 4),), Cost(other=12, connections=16)),
    ("avgpool", {"k": 2}, ((1, 4, 4),), Cost(0, 4, 12, 0, 16)),
    ("globalavgpool", {}, ((3, 4, 5),), Cost(0, 3, 57, 0, 60)),
    ("globalmaxpool", {}, ((3, 4, 5),), Cost(other=57, connections=60)),
    ("adaptiveavgpool", {"size": 2}, ((3, 4, 4),), Cost(0, 12, 36, 0, 48)),
    ("adaptiveavgpool", {"size": 2}, ((1, 5),), Cost(0, 2, 4, 0, 6)),  # windows 0-2 and 2-4
    ("adaptivemaxpool", {"size": 2}, ((1, 5),), Cost(other=4, connections=6)),
    ("subsample", {"k": 2}, ((1, 4, 4),), Cost(0, 4, 16, 0, 20)),
    ("rbf", {"out": 10}, ((84,),), Cost(0, 840, 1670, 0, 840)),
    ("batchnorm", {}, ((3, 4, 5),), Cost(0, 60, 60)),
    ("layernorm", {}, ((5, 8),), Cost(0, 120, 160, 15)),
    ("layernorm", {"affine": False}, ((8,),), Cost(0, 16, 24, 3)),
    ("layernorm", {"bias": False}, ((8,),), Cost(0, 24, 24, 3)),
    ("rmsnorm", {}, ((5, 8),), Cost(0, 120, 40, 10)),
    ("groupnorm", {"groups": 2}, ((4, 3),), Cost(0, 36, 48, 6)),
    ("instancenorm", {}, ((4, 3),), Cost(0, 24, 36, 12)),
    ("lrn", {"size": 5}, ((4, 3),), Cost(0, 24, 60, 24)),
    ("relu", {}, ((3, 4),), Cost(other=12)),
    ("sigmoid", {}, ((3, 4),), Cost(other=48)),
    ("gelu", {"approx": "tanh"}, ((10,),), Cost(other=130)),
    ("softplus", {"beta": 2.0}, ((10,),), Cost(other=50)),
    ("glu", {}, ((10,),), Cost(other=25)),
    ("softmax", {}, ((3, 10),), Cost(0, 0, 60, 90)),
    ("softmin", {}, ((3, 10),), Cost(0, 0, 60, 120)),
    ("logsoftmax", {}, ((3, 10),), Cost(0, 0, 90, 63)),
    ("add", {}, ((3, 4), (3, 4), (3, 4)), Cost(adds=24)),
    ("mul", {}, ((3, 4, 4), (3, 1, 1)), Cost(mults=48)),
    ("mean", {}, ((3, 4), (3, 4)), Cost(mults=12, adds=12)),
    ("max", {}, ((3, 4), (3, 4)), Cost(other=12)),
    ("sub", {}, ((3, 4), (3, 4)), Cost(adds=12)),
    ("div", {}, ((3, 4), (3, 4)), Cost(other=12)),
    ("concat", {}, ((3, 4), (3, 4)), Cost()),
    ("reduce", {"op": "sum", "axes": 1}, ((3, 4),), Cost(adds=9)),
    ("reduce", {"op": "mean", "axes": 1}, ((3, 4),), Cost(mults=3, adds=9)),
    ("reduce", {"op": "prod", "axes": 0}, ((3, 4),), Cost(mults=8)),
    ("reduce", {"op": "max", "axes": (0, 1)}, ((3, 4),), Cost(other=11)),
    ("scale", {}, ((3, 4),), Cost(mults=12)),
    ("scale", {"bias": True}, ((3, 4),), Cost(mults=12, adds=12)),
    ("upsample", {}, ((3, 4),), Cost()),
    ("upsample", {"mode": "bilinear"}, ((1, 4, 4),), Cost(mults=256, adds=192)),
    ("flatten", {}, ((3, 4),), Cost()),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments", "shapes", "cost"), COSTS, ids=[f"{c[0]} {c[1]} {c[2]}" for c in COSTS])
def test_cost(name: str, arguments: dict[str, Any], shapes: tuple[Shape, ...], cost: Cost):
    assert cost_of(name, *shapes, **arguments) == cost


WEIGHTS: list[tuple[str, dict[str, Any], Shape, dict[str, Weight]]] = [
    # what torch has no module for
    ("dense", {"out": 2, "weight": ((1, -1), (0, 1))}, (2,), {
        "weight": Weight((2, 2), "fixed", init=("literal", ((1, -1), (0, 1)))), "bias": Weight((2,), init=("fan", 2)),
    }),
    ("dense", {"out": 1, "bias": False, "weight": (1, -1)}, (2,), {
        "weight": Weight((1, 2), "fixed", init=("literal", (1, -1))),
    }),
    ("conv", {"out": 1, "k": (1, 2), "bias": False, "weight": (1, -1)}, (1, 6, 8), {
        "weight": Weight((1, 1, 1, 2), "fixed", init=("literal", (1, -1))),
    }),
    ("subsample", {"k": 2}, (6, 28, 28), {
        "weight": Weight((6,), init=("fan", 4)), "bias": Weight((6,), init=0.0),
    }),
    ("rbf", {"out": 10}, (84,), {"centers": Weight((10, 84), "fixed", init="signs")}),
    ("scale", {}, (3, 4, 5), {"weight": Weight((3,), init=1.0)}),
    ("scale", {"bias": True}, (7, 5), {"weight": Weight((5,), init=1.0), "bias": Weight((5,), init=0.0)}),
    ("scale", {"by": 0.125}, (7, 5), {}),
    ("batchnorm", {}, (3, 4), {
        "weight": Weight((3,), init=1.0), "bias": Weight((3,), init=0.0),
        "running_mean": Weight((3,), "buffer", init=0.0),
        "running_var": Weight((3,), "buffer", init=1.0),
        "num_batches_tracked": Weight((), "buffer", "int64", init=0.0),
    }),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments", "shape", "weights"), WEIGHTS, ids=[f"{c[0]} {c[1]}" for c in WEIGHTS])
def test_weights(name: str, arguments: dict[str, Any], shape: Shape, weights: dict[str, Weight]):
    made = layer(name, **arguments)
    output_types(made, types(shape))
    found = made.weights(types(shape))
    assert found == weights
    assert list(found) == list(weights)


def test_sources():
    param = layer("param", shape=(197, 768))
    assert output_types(param, [])[0].shape == (197, 768)
    assert param.weights([]) == {"": Weight((197, 768), init=("normal", 0.02))}
    half = layer("param", shape=(2,), dtype="float16")
    assert str(output_types(half, [])[0]) == "float16 [2]"
    constant = layer("constant", value=((1, 2, 3), (4, 5, 6)))
    assert output_types(constant, [])[0].shape == (2, 3)
    assert constant.weights([]) == {"": Weight((2, 3), "fixed", init=("literal", ((1, 2, 3), (4, 5, 6))))}
    assert output_types(layer("constant", value=2.5), [])[0].shape == ()


REACHES: list[tuple[str, dict[str, Any], Shape, Reach]] = [
    ("maxpool", {"k": 3, "stride": 2, "pad": 1}, (3, 8, 8), Reach((3, 3), (2, 2), (-1, -1))),
    ("maxpool", {"k": 2, "dilation": 3}, (3, 8), Reach((4,), (2,), (0,))),
    ("avgpool", {"k": (1, 2)}, (3, 8, 8), Reach((1, 2), (1, 2), (0, 0))),
    ("subsample", {"k": 2}, (3, 8, 8), Reach((2, 2), (2, 2), (0, 0))),
    ("globalavgpool", {}, (3, 8, 9), Reach((8, 9), (0, 0), (0, 0))),
    ("adaptiveavgpool", {"size": 2}, (3, 8, 8), Reach((4, 4), (4, 4), (0, 0))),
    ("adaptiveavgpool", {"size": 3}, (3, 8, 8), Reach((8, 8), ((8, 3), (8, 3)), (0, 0))),
    ("relu", {}, (3, 8, 8), POINT),
    ("dense", {"out": 3}, (8,), Reach((), (), ())),
    ("dense", {"out": 3}, (3, 5, 8), Reach((1, 8), (1, 0), (0, 0))),
    ("layernorm", {}, (3, 8), Reach((8,), (0,), (0,))),
    ("layernorm", {"axes": 3}, (3, 5, 8), Reach((5, 8), (0, 0), (0, 0))),
    ("softmax", {"axis": 0}, (3, 5, 8), Reach((1, 1), (1, 1), (0, 0))),
    ("softmax", {"axis": 1}, (3, 5, 8), Reach((5, 1), (0, 1), (0, 0))),
    ("crop", {"size": 4}, (3, 9, 8), Reach((1, 1), (1, 1), (2, 2))),
    ("crop", {"border": (1, 3)}, (3, 9, 8), Reach((1, 1), (1, 1), (1, 3))),
    ("pad", {"sides": ((1, 0), 2)}, (3, 9, 8), Reach((1, 1), (1, 1), (-1, -2))),
    ("slice", {"axis": 2, "start": 3, "step": 2}, (3, 9, 8), Reach((1, 1), (1, 2), (0, 3))),
    ("upsample", {}, (3, 8, 8), Reach((1, 1), ((1, 2), (1, 2)), (0, 0))),
    ("upsample", {"mode": "bilinear"}, (3, 8, 8), Reach((4, 4), ((2, 4), (2, 4)), (-1, -1))),
    ("pixelunshuffle", {"r": 2}, (3, 8, 8), Reach((2, 2), (2, 2), (0, 0))),
    ("pixelshuffle", {"r": 2}, (4, 8, 8), Reach((1, 1), ((1, 2), (1, 2)), (0, 0))),
    ("flatten", {}, (3, 8, 8), Reach((8, 8), (0, 0), (0, 0))),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arguments", "shape", "reach"), REACHES, ids=[f"{c[0]} {c[1]}" for c in REACHES])
def test_reach(name: str, arguments: dict[str, Any], shape: Shape, reach: Reach):
    assert layer(name, **arguments).reach(types(shape)) == reach


# `pad=same`: the shape is ceil(n / stride), and these sides really give it
@pytest.mark.parametrize("stride", [1, 2, 3, 5])
@pytest.mark.parametrize("k", [1, 2, 3, 4, 7])
def test_same_padding(k: int, stride: int):
    for n in range(1, 20):
        expected = (1, -(-n // stride))
        for name, arguments in (("conv", {"out": 1}), ("maxpool", {}), ("avgpool", {})):
            made: Any = layer(name, k=k, stride=stride, pad="same", **arguments)
            assert output_types(made, types((1, n)))[0].shape == expected
            ((before, after),) = made.sides(types((1, n))[0])
            assert 0 <= after - before <= 1
            padded = F.pad(torch.zeros(1, 1, n), (before, after))
            assert F.max_pool1d(padded, k, stride).shape == (1, *expected)


# Keras' MNIST CNN, and the flattening of a 13 x 13 map of 32 channels
def test_mnist_sizes():
    size = 28
    sizes = [size]
    for name, k in (("conv", 3), ("maxpool", 2), ("conv", 3), ("maxpool", 2), ("conv", 3), ("maxpool", 3)):
        size = shape_of(name, (8, size, size), k=k, **({"out": 8} if name == "conv" else {}))[1]
        sizes.append(size)
    assert sizes == [28, 26, 13, 11, 5, 3, 1]
    assert shape_of("flatten", (32, 13, 13)) == (5408,)
