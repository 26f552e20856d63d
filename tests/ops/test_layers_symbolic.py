"""A rule gives the same with symbols, put in later, as with numbers from the start."""

from __future__ import annotations

import random
from typing import Any

import pytest
from layer_calls import Shape, layer, types

from netspec.diagnostics import Problem
from netspec.ir.dims import Expr, substitute, symbol
from netspec.ops import layer_names
from netspec.ops.base import output_types

H, W, T = symbol("H"), symbol("W"), symbol("T")

ACTIVATIONS = [
    *(
        "relu",
        "sigmoid",
        "tanh",
        "silu",
        "gelu",
        "softmax",
        "relu6",
        "leakyrelu",
        "prelu",
        "rrelu",
        "hardtanh",
    ),
    *("hardsigmoid", "hardswish", "softshrink", "hardshrink", "elu", "selu", "celu", "mish", "softplus"),
    *("softsign", "logsigmoid", "tanhshrink", "logsoftmax", "softmin", "glu"),
]

# The symbols are 12 or more below, so that every window fits.
CASES: list[tuple[str, dict[str, Any], list[Shape]]] = [
    ("conv", {"out": 4, "k": 3}, [(3, H, W)]),
    ("conv", {"out": 4, "k": 5, "stride": 3, "pad": 2, "dilation": 2, "bias": False}, [(3, H, W)]),
    ("conv", {"out": 4, "k": 4, "stride": 3, "pad": ((0, 1), 2)}, [(3, H, W)]),
    ("conv", {"out": 4, "k": 3, "stride": 2, "pad": "same"}, [(3, H, W)]),
    ("conv", {"out": 6, "k": 3, "groups": 3}, [(3, T)]),
    ("conv", {"out": 2, "k": 3, "pad": 3, "pad_mode": "reflect"}, [(3, H, W)]),
    ("conv", {"out": 2, "k": 3, "connect": ((0, 1), (2,))}, [(3, H, W)]),
    ("upconv", {"out": 4, "k": 3, "stride": 2, "pad": 1, "output_pad": 1}, [(3, H, W)]),
    ("dense", {"out": 5}, [(T, 8)]),
    ("dense", {"out": 5, "bias": False}, [(H * W,)]),
    ("maxpool", {"k": 3, "stride": 2, "pad": 1}, [(3, H, W)]),
    ("maxpool", {"k": 3, "stride": 2, "ceil": True}, [(3, H, W)]),
    ("maxpool", {"k": 2, "stride": 2, "pad": 1, "ceil": True}, [(3, H, W)]),
    ("maxpool", {"k": 2, "stride": 5, "ceil": True}, [(3, H, W)]),
    ("maxpool", {"k": 2, "dilation": 3, "pad": 1}, [(3, H, W)]),
    ("maxpool", {"k": 3, "pad": "same"}, [(3, H, W)]),
    ("avgpool", {"k": (3, 2), "stride": (1, 3)}, [(3, H, W)]),
    ("avgpool", {"k": 2, "stride": 3, "pad": 1, "ceil": True}, [(3, T)]),
    ("globalavgpool", {}, [(3, H, W)]),
    ("globalmaxpool", {}, [(3, H, W)]),
    ("adaptiveavgpool", {"size": 6}, [(3, H, W)]),
    ("adaptiveavgpool", {"size": (7, 1)}, [(3, 7 * H, W)]),
    ("adaptivemaxpool", {"size": 30}, [(3, H, W)]),
    ("flatten", {}, [(3, H, W)]),
    ("flatten", {"start": 1}, [(3, H, W)]),
    ("reshape", {"shape": (3, -1)}, [(3, H, W)]),
    ("reshape", {"shape": (2, -1, 4)}, [(T, 8)]),
    ("permute", {"axes": (2, 0, 1)}, [(3, H, W)]),
    ("identity", {}, [(3, H, W)]),
    ("slice", {"axis": 1, "start": 2, "stop": 9, "step": 3}, [(3, H, W)]),
    ("slice", {"axis": 1, "start": -5, "stop": -1}, [(3, H, W)]),
    ("slice", {"axis": -1, "start": 1, "step": 2}, [(3, H, W)]),
    ("split", {"parts": 3}, [(3, H, W)]),
    ("split", {"parts": 2, "axis": 1}, [(3, 2 * H, W)]),
    ("pad", {"sides": ((1, 2), 3)}, [(3, H, W)]),
    ("pad", {"sides": 4, "mode": "circular"}, [(3, H, W)]),
    ("crop", {"size": 8}, [(3, H, W)]),
    ("crop", {"border": 2}, [(3, H, W)]),
    ("upsample", {}, [(3, H, W)]),
    ("upsample", {"scale": (1.5, 0.25), "mode": "bilinear"}, [(3, H, W)]),
    ("upsample", {"size": 40}, [(3, H, W)]),
    ("pixelshuffle", {"r": 2}, [(12, H, W)]),
    ("pixelunshuffle", {"r": 2}, [(3, 2 * H, 4 * W)]),
    ("channelshuffle", {"groups": 2}, [(4, H, W)]),
    ("batchnorm", {}, [(3, H, W)]),
    ("layernorm", {}, [(T, 8)]),
    ("layernorm", {"axes": 2}, [(T, 8)]),
    ("rmsnorm", {}, [(T, 8)]),
    ("groupnorm", {"groups": 3}, [(3, H, W)]),
    ("instancenorm", {"affine": True}, [(3, H, W)]),
    ("lrn", {"size": 5}, [(3, H, W)]),
    ("dropout", {"per": "channel"}, [(3, H, W)]),
    *((name, {}, [(4, H, W)]) for name in ACTIVATIONS),
    ("gelu", {"approx": "tanh"}, [(T, 8)]),
    ("logsoftmax", {"axis": 0}, [(T, 8)]),
    ("threshold", {"threshold": 0.5, "value": 0.0}, [(T, 8)]),
    ("add", {}, [(3, H, W), (3, H, W), (3, H, W)]),
    ("mul", {}, [(3, H, W), (3, 1, 1)]),
    ("mul", {}, [(3, 1, W), (H, 1)]),
    ("sub", {}, [(3, H, W), (W,)]),
    ("div", {}, [(T, 8), (T, 1)]),
    ("mean", {}, [(T, 8), (T, 8)]),
    ("max", {}, [(T, 8), (8,)]),
    ("min", {}, [(T, 8), ()]),
    ("concat", {}, [(3, H, W), (5, H, W)]),
    ("concat", {"axis": 1}, [(3, H, W), (3, 1, W)]),
    ("stack", {"axis": 1}, [(T, 8), (T, 8)]),
    ("matmul", {}, [(H, 8), (8, W)]),
    ("matmul", {"transpose": True}, [(4, T, 16), (4, T, 16)]),
    ("reduce", {"op": "mean", "axes": (1, 2)}, [(3, H, W)]),
    ("reduce", {"op": "max", "axes": 0, "keep": True}, [(T, 8)]),
    ("scale", {"bias": True}, [(T, 8)]),
    ("scale", {"by": 0.5}, [(3, H, W)]),
    ("embedding", {"vocab": 100, "dim": 8}, [(T,)]),
    ("attention", {"heads": 4, "kv_heads": 2, "causal": True, "window": 5, "rope": 1e4, "qk_norm": True}, [(T, 16)]),
    ("attention", {"heads": 4, "bias": False}, [(T, 16), (H, 12)]),
    ("attention", {"heads": 4, "packed": True}, [(T, 4 * W)]),
    ("attention", {"heads": 4, "mask": True, "scale": 1.0, "causal": True}, [(T, 16), (T, T)]),
    ("attention", {"heads": 4, "mask": True}, [(T, 16), (H, 12), (4, 1, H)]),
    ("relativebias", {"heads": 4}, [(T, 16)]),
    ("relativebias", {"heads": 4, "bidirectional": False}, [(T, 16), (H, W)]),
    ("position", {"max_length": 60}, [(T, 8)]),
    ("position", {"kind": "sinusoidal"}, [(T, 2 * W)]),
    ("swiglu", {"hidden": 24}, [(T, W)]),
    ("geglu", {"hidden": 24, "bias": True}, [(H, W, 16)]),
    ("experts", {"experts": 6, "hidden": 24, "top": 2}, [(T, W)]),
    ("experts", {"experts": 6, "hidden": 24, "top": 6, "bias": True, "normalised": False}, [(H, W, 16)]),
    ("subsample", {"k": 2}, [(3, H, W)]),
    ("rbf", {"out": 10}, [(T, 8)]),
    ("rnn", {"hidden": 5, "steps": "last"}, [(T, 8)]),
    ("gru", {"hidden": 5, "layers": 2, "bias": "one"}, [(T, W), (2, 5)]),
    ("lstm", {"hidden": 5, "proj": 3, "bidirectional": True}, [(T, 8), (2, 3), (2, 5)]),
    ("param", {"shape": (3, 4)}, []),
    ("constant", {"value": (1.0, 2.0)}, []),
]  # fmt: skip


def put(value: Any, sizes: dict[str, int]) -> Any:
    """A rule's result with sizes for its symbols."""
    if isinstance(value, Expr):
        return substitute(value, sizes)
    if isinstance(value, tuple):
        return tuple(put(item, sizes) for item in value)
    return value


def rules(name: str, arguments: dict[str, Any], shapes: list[Shape]) -> tuple[Any, ...]:
    made = layer(name, **arguments)
    inputs = types(*shapes, dtype="int64" if name == "embedding" else "float32")
    outputs = output_types(made, inputs)
    weights = tuple((n, tuple(w)) for n, w in made.weights(inputs).items())
    reach = tuple(tuple(part) for part in made.reach(inputs))
    return tuple(o.shape for o in outputs), weights, tuple(made.cost(inputs, outputs[0])), reach


@pytest.mark.parametrize(("name", "arguments", "shapes"), CASES, ids=[f"{c[0]} {c[1]} {c[2]}" for c in CASES])
def test_symbols_give_what_numbers_give(name: str, arguments: dict[str, Any], shapes: list[Shape]):
    symbolic = rules(name, arguments, shapes)
    draw = random.Random(name)
    for _ in range(40):
        sizes = {s: draw.randint(12, 60) for s in "HWT"}
        concrete = rules(name, arguments, [put(shape, sizes) for shape in shapes])
        # a reach over a size that divides nothing may be narrower once the size is known
        compared = slice(3) if name.startswith("adaptive") or "size" in arguments else slice(4)
        assert put(symbolic, sizes)[compared] == concrete[compared]


def test_every_layer_has_a_symbolic_case():
    assert {case[0] for case in CASES} == set(layer_names())


# A symbol stands for any size, so a rule refuses what no size can satisfy, and what it cannot prove equal.
@pytest.mark.parametrize(
    ("name", "arguments", "shapes", "refused"),
    [
        ("conv", {"out": 4, "k": 300}, [(3, H, W)], False),
        ("crop", {"size": 300}, [(3, H, W)], False),
        ("slice", {"axis": 1, "stop": 300}, [(3, H, W)], False),
        ("slice", {"axis": 1, "start": 3, "stop": 3}, [(3, H, W)], True),
        ("add", {}, [(3, H, W), (3, W, H)], True),
        ("add", {}, [(3, H), (3, 5)], True),
        ("add", {}, [(3, (H // 2) // 2), (3, H // 4)], False),
        ("split", {"parts": 2, "axis": 1}, [(3, H, W)], True),
        ("pixelunshuffle", {"r": 2}, [(3, H, W)], True),
        ("reshape", {"shape": (2, -1)}, [(3, H, W)], True),
        ("upsample", {"scale": 0.7}, [(3, H, W)], True),
        ("instancenorm", {}, [(3, H, W)], False),
    ],
)
def test_what_is_refused_of_symbols(name: str, arguments: dict[str, Any], shapes: list[Shape], refused: bool):
    if refused:
        with pytest.raises(Problem):
            rules(name, arguments, shapes)
    else:
        rules(name, arguments, shapes)
