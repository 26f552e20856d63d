"""How layers are said in torch: the text of each rule, run, is what the other rules say and what torch does."""

# ruff: noqa: E501  # the tables have one case a line

from __future__ import annotations

import ast
import itertools
import math
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from layer_calls import layer, types
from test_layers_torch import BATCH, FUNCTIONS, MODULES, macs_of
from torch import Tensor, nn

from netspec.diagnostics import Problem
from netspec.emit import torch_parts
from netspec.emit.torch_parts import part, part_names
from netspec.ops import layer_names
from netspec.ops.arguments import pad_sides, per_axis
from netspec.ops.base import Types, output_types
from netspec.ops.torchrule import Of, Size, Torch, aligned, fill

FOLDER = Path(torch_parts.__file__).parent
C1, C2, C3 = (6, 9), (6, 9, 8), (4, 5, 7, 6)
TABLE = ((0, 1, 2), (3, 4, 5), (0, 5), (1, 2, 3, 4))
Case = tuple[str, dict[str, Any], tuple[tuple[int, ...], ...]]

SEQUENCE = (4, 5)
RECURRENT: list[Case] = [
    ("rnn", {"hidden": 7}, (SEQUENCE,)),
    ("rnn", {"hidden": 7, "activation": "relu", "bidirectional": True, "layers": 2, "dropout": 0.5}, (SEQUENCE, (4, 7))),
    ("rnn", {"hidden": 7, "bias": "one", "activation": "relu", "steps": "last"}, (SEQUENCE, (7,))),
    ("rnn", {"hidden": 7, "bias": "one", "bidirectional": True}, (SEQUENCE,)),
    ("gru", {"hidden": 7}, (SEQUENCE, (7,))),
    ("gru", {"hidden": 7, "bidirectional": True, "layers": 2, "bias": False}, (SEQUENCE,)),
    ("gru", {"hidden": 7, "layers": 3, "steps": "last"}, (SEQUENCE, (3, 7))),
    ("gru", {"hidden": 7, "bias": "one"}, (SEQUENCE,)),
    ("gru", {"hidden": 7, "reset": "before"}, (SEQUENCE,)),
    ("gru", {"hidden": 7, "reset": "before", "bias": False, "bidirectional": True}, (SEQUENCE, (2, 7))),
    ("gru", {"hidden": 7, "reset": "before", "bias": "one", "layers": 2, "dropout": 0.5}, (SEQUENCE, (2, 7))),
    ("lstm", {"hidden": 7}, (SEQUENCE,)),
    ("lstm", {"hidden": 7, "steps": "last", "bias": False}, (SEQUENCE, (7,), (7,))),
    ("lstm", {"hidden": 7, "layers": 2, "bidirectional": True, "dropout": 0.5, "steps": "last"}, (SEQUENCE, (4, 7), (4, 7))),
    ("lstm", {"hidden": 7, "bias": "one", "layers": 2, "bidirectional": True}, (SEQUENCE, (4, 7), (4, 7))),
    ("lstm", {"hidden": 7}, ((1, 5), (7,), (7,))),
]  # fmt: skip
PROJECTED: list[Case] = [
    ("lstm", {"hidden": 7, "proj": 3}, (SEQUENCE,)),
    ("lstm", {"hidden": 7, "proj": 3, "layers": 2, "bidirectional": True}, (SEQUENCE, (4, 3), (4, 7))),
    ("lstm", {"hidden": 7, "proj": 3, "bias": "one", "layers": 2, "bidirectional": True}, (SEQUENCE, (4, 3), (4, 7))),
]  # fmt: skip

MORE: list[Case] = [
    # what torch.nn has not, or not so
    ("conv", {"out": 4, "k": 3, "stride": 2, "pad": "same"}, (C1,)),
    ("conv", {"out": 4, "k": 3, "stride": 2, "pad": "same"}, (C2,)),
    ("conv", {"out": 4, "k": (3, 4), "stride": (2, 3), "dilation": 2, "pad": "same", "groups": 2, "bias": False}, (C2,)),
    ("conv", {"out": 4, "k": 2, "stride": 2, "pad": "same", "pad_mode": "replicate"}, (C3,)),
    ("conv", {"out": 4, "k": 3, "pad": "same", "pad_mode": "reflect", "stride": 2}, (C2,)),
    ("conv", {"out": 4, "k": 3, "pad": ((0, 1), (2, 0))}, (C2,)),
    ("conv", {"out": 4, "k": 3, "pad": ((1, 2),), "pad_mode": "circular"}, (C1,)),
    ("conv", {"out": 4, "k": 3, "pad": ((1, 0), 2, 0)}, (C3,)),
    ("conv", {"out": 4, "k": (3, 2), "flip": True}, (C2,)),
    ("conv", {"out": 4, "k": 3, "pad": "same", "flip": True}, (C1,)),
    ("conv", {"out": 4, "k": 3, "pad": 1, "pad_mode": "circular", "flip": True}, (C3,)),
    ("conv", {"out": 4, "k": 3, "connect": TABLE}, (C2,)),
    ("conv", {"out": 4, "k": 3, "connect": TABLE, "bias": False, "stride": 2, "pad": "same", "flip": True}, (C2,)),
    ("conv", {"out": 4, "k": (3, 1), "connect": TABLE, "pad": ((1, 0), 1), "pad_mode": "reflect", "dilation": (2, 1)}, (C2,)),
    ("conv", {"out": 4, "k": 3, "connect": TABLE, "pad": 1}, (C1,)),
    ("conv", {"out": 4, "k": 2, "connect": TABLE}, ((6, 3, 4, 5),)),
    ("conv", {"out": 1, "k": (1, 2), "bias": False, "weight": (1, -1)}, ((1, 6, 8),)),
    ("conv", {"out": 1, "k": (1, 2), "weight": (1, -1), "flip": True}, ((1, 6, 8),)),
    ("conv", {"out": 2, "k": 2, "connect": ((0,), (0, 1)), "weight": ((1, 2), (3, 4), (5, 6))}, ((2, 6),)),
    ("dense", {"out": 2, "weight": ((1, -1), (0, 1))}, ((2,),)),
    ("dense", {"out": 1, "bias": False, "weight": (1, -1)}, ((3, 2),)),
    *RECURRENT,
    *PROJECTED,
    ("maxpool", {"k": 2, "stride": 2, "pad": "same"}, (C1,)),
    ("maxpool", {"k": 3, "stride": 2, "pad": "same", "dilation": 2}, (C2,)),
    ("maxpool", {"k": 2, "stride": 1, "pad": "same", "ceil": True}, (C3,)),
    ("maxpool", {"k": 3, "stride": 2, "pad": ((0, 1), (1, 0)), "ceil": True}, (C2,)),
    ("maxpool", {"k": (2, 4), "stride": (3, 2), "pad": ((0, 1), (1, 2)), "ceil": True}, (C2,)),
    ("maxpool", {"k": 2, "pad": ((0, 1), 0)}, (C2,)),
    ("avgpool", {"k": 2, "stride": 2, "pad": "same"}, (C1,)),
    ("avgpool", {"k": 3, "stride": 2, "pad": "same", "count_pad": False}, (C2,)),
    ("avgpool", {"k": 2, "stride": 2, "pad": ((0, 1), 1, (1, 0)), "ceil": True}, (C3,)),
    ("avgpool", {"k": (2, 4), "stride": (3, 2), "pad": ((0, 1), (1, 2)), "ceil": True, "count_pad": False}, (C2,)),
    ("subsample", {"k": 2}, (C1,)),
    ("subsample", {"k": (2, 3)}, (C2,)),
    ("subsample", {"k": 2}, (C3,)),
    ("rbf", {"out": 10}, ((84,),)),
    ("rbf", {"out": 3}, ((5, 7),)),
    ("scale", {}, (C2,)),
    ("scale", {"init": 1e-6, "bias": True}, ((7, 5),)),
    ("scale", {"bias": True}, (C3,)),
    ("scale", {}, ((5,),)),
    ("dropout", {"p": 0.25, "mode": "downscale_in_infer"}, ((5,),)),
    ("dropout", {"p": 0.25, "mode": "downscale_in_infer", "per": "channel"}, (C2,)),
    ("crop", {"size": 4}, (C2,)),
    ("crop", {"size": (4, 5, 1)}, (C3,)),
    ("crop", {"size": 9}, (C1,)),
    ("crop", {"border": 2}, (C2,)),
    ("crop", {"border": (1, 2, 1)}, (C3,)),
    ("pad", {"sides": 1}, (C2,)),
    ("pad", {"sides": ((0, 1), (2, 1))}, (C2,)),
    ("pad", {"sides": (1, 2), "value": -1.5}, (C2,)),
    ("pad", {"sides": 2, "mode": "reflect"}, (C1,)),
    ("pad", {"sides": ((1, 0), 1, (0, 2)), "mode": "replicate"}, (C3,)),
    ("pad", {"sides": ((1, 0), 3), "mode": "circular"}, (C2,)),
    ("embedding", {"vocab": 100, "dim": 8}, ((3, 5),)),
    ("attention", {"heads": 4}, ((5, 16),)),
    ("attention", {"heads": 1, "bias": False, "causal": True}, ((5, 6),)),
    ("attention", {"heads": 4, "kv_heads": 2, "causal": True, "rope": 500_000.0, "bias": False}, ((5, 16),)),
    ("attention", {"heads": 4, "kv_heads": 1, "head_dim": 6, "rope": 1e4, "qk_norm": True}, ((7, 10),)),
    ("attention", {"heads": 2, "rope": 1e4, "rope_scaling": 4}, ((7, 8),)),
    ("attention", {"heads": 2, "rope": 100, "rope_scaling": ("llama3", 8, 1.0, 4.0, 60)}, ((7, 32),)),
    ("attention", {"heads": 2, "causal": True, "window": 3, "dropout": 0.1}, ((7, 8),)),
    ("attention", {"heads": 4, "kv_heads": 2, "causal": True, "window": 2, "rope": 1e4, "qk_norm": True}, ((6, 16),)),
    ("attention", {"heads": 4}, ((5, 16), (7, 12))),
    ("attention", {"heads": 4, "kv_heads": 2, "qk_norm": True, "bias": False}, ((5, 16), (3, 16))),
    ("attention", {"heads": 4, "packed": True}, ((5, 16),)),
    ("attention", {"heads": 2, "packed": True, "causal": True, "bias": False, "dropout": 0.1}, ((5, 6),)),
    ("attention", {"heads": 4, "packed": True}, ((5, 16), (7, 16))),
    ("attention", {"heads": 4, "scale": 1.0}, ((5, 16),)),
    ("attention", {"heads": 4, "mask": True}, ((5, 16), (5,))),
    ("attention", {"heads": 4, "mask": True, "causal": True, "scale": 0.5}, ((5, 16), (5, 5))),
    ("attention", {"heads": 4, "kv_heads": 2, "mask": True, "causal": True, "window": 2}, ((5, 16), (4, 5, 5))),
    ("attention", {"heads": 4, "mask": True}, ((5, 16), (7, 12), (1, 5, 7))),
    ("attention", {"heads": 4, "kv_heads": 1, "mask": True}, ((5, 16), (7, 12), (4, 1, 7))),
    ("attention", {"heads": 4, "packed": True, "mask": True, "causal": True}, ((5, 16), (1, 5))),
    ("attention", {"heads": 4, "packed": True, "mask": True}, ((5, 16), (7, 16), (7,))),
    ("relativebias", {"heads": 4}, ((150, 6),)),
    ("relativebias", {"heads": 3, "buckets": 8, "max_distance": 20, "bidirectional": False}, ((40, 6), (30, 5))),
    ("relativebias", {"heads": 2, "buckets": 12, "max_distance": 7}, ((3, 6), (30, 6))),
    ("relativebias", {"heads": 2, "buckets": 3, "max_distance": 7, "bidirectional": False}, ((12, 6),)),
    ("position", {"max_length": 40}, ((7, 6),)),
    ("position", {"max_length": 7}, ((7, 6),)),
    ("position", {"kind": "sinusoidal"}, ((7, 6),)),
    ("swiglu", {"hidden": 11}, ((7, 6),)),
    ("swiglu", {"hidden": 11, "bias": True}, ((6,),)),
    ("geglu", {"hidden": 11}, ((3, 7, 6),)),
    ("geglu", {"hidden": 11, "bias": True}, ((7, 6),)),
    ("experts", {"experts": 4, "hidden": 11, "top": 2}, ((7, 6),)),
    ("experts", {"experts": 5, "hidden": 11, "top": 1}, ((6,),)),
    ("experts", {"experts": 3, "hidden": 11, "top": 3, "bias": True}, ((3, 7, 6),)),
    ("experts", {"experts": 3, "hidden": 11, "top": 1, "normalised": False}, ((7, 6),)),
    ("experts", {"experts": 6, "hidden": 11, "top": 4, "normalised": False, "activation": "gelu"}, ((2, 3, 4, 6),)),
    ("experts", {"experts": 1, "hidden": 11, "top": 1, "activation": "gelu", "bias": True}, ((7, 6),)),
    ("experts", {"experts": 40, "hidden": 5, "top": 3}, ((2, 6),)),
]  # fmt: skip

MORE_MODULES: list[tuple[str, dict[str, Any], tuple[int, ...], Callable[[], nn.Module]]] = [
    ("batchnorm", {"eps": 1e-3, "momentum": 0.01}, C2, lambda: nn.BatchNorm2d(6, 1e-3)),
    ("groupnorm", {"groups": 2, "eps": 1e-3}, C1, lambda: nn.GroupNorm(2, 6, 1e-3)),
    ("instancenorm", {"eps": 1e-3}, C1, lambda: nn.InstanceNorm1d(6, 1e-3)),
    ("layernorm", {"eps": 1e-2}, (5, 7), lambda: nn.LayerNorm(7, 1e-2)),
    ("layernorm", {"axes": 2, "eps": 1e-2, "affine": False}, C2, lambda: nn.LayerNorm((9, 8), 1e-2, False)),
    ("rmsnorm", {"axes": 2, "eps": 1e-2, "affine": False}, C2, lambda: nn.RMSNorm((9, 8), 1e-2, False)),
    ("lrn", {"size": 5, "alpha": 0.1, "beta": 0.5, "k": 2.0}, C2, lambda: nn.LocalResponseNorm(5, 0.1, 0.5, 2.0)),
    ("leakyrelu", {}, C2, nn.LeakyReLU),
    ("rrelu", {"low": 0.1, "high": 0.3}, C2, lambda: nn.RReLU(0.1, 0.3)),
    ("hardtanh", {"low": 0.0, "high": 0.5}, C2, lambda: nn.Hardtanh(0.0, 0.5)),
    ("softplus", {"beta": 2.0, "threshold": 1.0}, C2, lambda: nn.Softplus(2.0, 1.0)),
    ("elu", {"alpha": 0.5}, C2, lambda: nn.ELU(0.5)),
    ("celu", {"alpha": 0.5}, C2, lambda: nn.CELU(0.5)),
    ("softshrink", {"bound": 0.25}, C2, lambda: nn.Softshrink(0.25)),
    ("hardshrink", {"bound": 0.25}, C2, lambda: nn.Hardshrink(0.25)),
    ("logsoftmax", {"axis": 0}, C2, lambda: nn.LogSoftmax(1)),
    ("softmin", {"axis": 1}, C2, lambda: nn.Softmin(2)),
    ("maxpool", {"k": 3, "stride": 1, "pad": "same"}, C2, lambda: nn.MaxPool2d(3, 1, 1)),
    ("maxpool", {"k": (3, 1, 5), "stride": 1, "pad": "same"}, C3, lambda: nn.MaxPool3d((3, 1, 5), 1, (1, 0, 2))),
    ("avgpool", {"k": 3, "stride": 1, "pad": "same", "count_pad": False}, C2, lambda: nn.AvgPool2d(3, 1, 1, count_include_pad=False)),
    ("conv", {"out": 4, "k": 3, "pad": ((1, 1), (2, 2))}, C2, lambda: nn.Conv2d(6, 4, 3, padding=(1, 2))),
    ("upconv", {"out": 4, "k": (3, 2), "stride": (2, 1), "pad": (1, 0)}, C2, lambda: nn.ConvTranspose2d(6, 4, (3, 2), (2, 1), (1, 0))),
]  # fmt: skip

MORE_FUNCTIONS: list[tuple[str, dict[str, Any], tuple[tuple[int, ...], ...], Callable[..., Any]]] = [
    ("slice", {"axis": -2, "start": 1, "stop": -1}, (C2,), lambda x: x[:, 1:-1]),
    ("slice", {"axis": 2, "start": 0, "stop": 5, "step": 2}, (C3,), lambda x: x[:, :, 0:5:2]),
    ("reduce", {"op": "prod", "axes": (0, -1), "keep": True}, (C2,), lambda x: x.prod(0, True).prod(2, True)),
    ("reduce", {"op": "prod", "axes": (0, 1)}, (C2,), lambda x: x.prod(0).prod(0)),
    ("reduce", {"op": "sum", "axes": (1,)}, (C2,), lambda x: x.sum(1)),
    ("reduce", {"op": "mean", "axes": ()}, (C2,), lambda x: x),
    ("reduce", {"op": "prod", "axes": ()}, (C2,), lambda x: x),
    ("reshape", {"shape": ()}, ((1, 1),), lambda x: x.reshape(())),
    ("permute", {"axes": ()}, ((),), lambda x: x),
    ("sub", {}, ((8,), C2), lambda a, b: a - b),
    ("mean", {}, (C2, (6, 1, 1), (8,)), lambda a, b, c: (a + b + c) / 3),
    ("max", {}, (C2, (8,), C2), lambda a, b, c: torch.maximum(torch.maximum(a, b), c)),
    ("min", {}, ((), C2, (6, 1, 1), C2), lambda a, b, c, d: torch.minimum(torch.minimum(torch.minimum(a, b), c), d)),
    ("matmul", {"transpose": True}, ((3, 4), (7, 5, 4)), lambda a, b: a @ b.mT),
    ("scale", {"by": -0.125}, (C1,), lambda x: x * -0.125),
    ("scale", {"by": 2.0}, ((),), lambda x: x * 2),
]  # fmt: skip


def torch_types(name: str, *shapes: tuple[int, ...]) -> Types:
    return types(*shapes, dtype="int64" if name == "embedding" else "float32")


def outputs_of(case: Case) -> list[tuple[Any, ...]] | None:
    """The shapes of a layer's outputs, or None where it refuses the inputs."""
    name, arguments, shapes = case
    try:
        return [output.shape for output in output_types(layer(name, **arguments), torch_types(name, *shapes))]
    except Problem:
        return None


ALL: list[Case] = [
    *((name, arguments, (shape,)) for name, arguments, shape, _ in [*MODULES, *MORE_MODULES]),
    *((name, arguments, shapes) for name, arguments, shapes, _ in [*FUNCTIONS, *MORE_FUNCTIONS]),
    *MORE,
]
CASES = [case for case in ALL if outputs_of(case) is not None]


def rule_of(case: Case) -> Torch:
    name, arguments, shapes = case
    return layer(name, **arguments).torch(torch_types(name, *shapes))


def as_list(value: Any) -> Any:
    return list(map(as_list, value)) if isinstance(value, tuple) else value


def text(rule: Torch, form: str, inputs: tuple[str, ...] = ()) -> str:
    args = [(arg, repr(arg.value)) for arg in rule.args]
    return fill(form, inputs, args, repr(as_list(rule.literal)))


def scope(source: str) -> dict[str, Any]:
    """The names that generated code may use: torch's, and the parts that it calls."""
    names: dict[str, Any] = {"torch": torch, "Tensor": Tensor, "nn": nn, "F": F}
    for name in part_names(source):
        exec(part(name), names)
    return names


def build(case: Case) -> nn.Module:
    rule = rule_of(case)
    source = text(rule, rule.module)
    made = eval(source, scope(source))
    assert isinstance(made, nn.Module)
    return giving_outputs(rule, made, len(case[2])) if rule.call else made


def giving_outputs(rule: Torch, module: nn.Module, inputs: int) -> nn.Module:
    """The module as one that takes the layer's inputs and gives its outputs."""
    names = [f"x{place}" for place in range(inputs)]
    body = "".join(f"\n        {line}" for line in rule.statements("super().forward", names))
    found: dict[str, Any] = {"Base": type(module)}
    exec(f"class Whole(Base):\n    def forward(self, {', '.join(names)}):{body}", found)
    module.__class__ = found["Whole"]
    return module


def call_of(case: Case) -> Callable[..., Any]:
    """The function that applies the layer."""
    rule = rule_of(case)
    ranks = [len(shape) for shape in case[2]]
    names = tuple(f"x{index}" for index in range(len(ranks)))
    inputs = (
        tuple(map(aligned, names, ranks, [max(ranks)] * len(ranks))) if layer(case[0], **case[1]).broadcasts else names
    )
    return eval(f"lambda {', '.join(names)}: {text(rule, rule.function, inputs)}", scope(""))


def forms(case: Case) -> list[Callable[..., Any]]:
    """The layer as a module and as a function, where it has them."""
    rule = rule_of(case)
    return [*([build(case).eval()] if rule.module else []), *([call_of(case)] if rule.function else [])]


def inputs_of(case: Case, *, batch: int = BATCH, device: str = "cpu") -> list[Tensor]:
    name, arguments, shapes = case
    if name == "embedding":
        return [torch.randint(0, arguments["vocab"], (batch, *shape), device=device) for shape in shapes]
    return [torch.randn(batch, *shape, device=device) for shape in shapes]


def several(outputs: Any) -> list[Tensor]:
    return list(outputs) if isinstance(outputs, (tuple, list)) else [outputs]


def ident(case: Case) -> str:
    name, arguments, shapes = case
    return " ".join([name, *(f"{k}={v}" for k, v in arguments.items()), *map(str, map(list, shapes))])


def equal(ours: Any, theirs: Any) -> None:
    torch.testing.assert_close(several(ours), several(theirs), rtol=1e-5, atol=1e-5)


# -- what the other rules say ---------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=ident)
def test_shapes_and_macs(case: Case):
    name, arguments, shapes = case
    made, inputs = layer(name, **arguments), torch_types(name, *shapes)
    static = made.cost(inputs, output_types(made, inputs)[0]).macs
    with torch.device("meta"):
        applications = forms(case)
    assert applications
    for apply in applications:
        for batch in (2, 3):
            given = inputs_of(case, batch=batch, device="meta")
            outputs, macs = macs_of(lambda: apply(*given))  # noqa: B023
            assert [tuple(output.shape) for output in several(outputs)] == [(batch, *s) for s in outputs_of(case) or []]
            assert macs == batch * static


@pytest.mark.parametrize("case", [case for case in CASES if rule_of(case).module], ids=ident)
def test_weights(case: Case):
    name, arguments, shapes = case
    for device in ("meta", "cpu"):
        with torch.device(device):
            module = build(case)
        parameters = dict(module.named_parameters())

        def kind(key: str) -> str:
            if key not in parameters:  # noqa: B023
                return "buffer"
            return "trainable" if parameters[key].requires_grad else "fixed"  # noqa: B023

        weights = layer(name, **arguments).weights(torch_types(name, *shapes))
        assert [
            (n, tuple(t.shape), str(t.dtype).removeprefix("torch."), kind(n)) for n, t in module.state_dict().items()
        ] == [(n, w.shape, w.dtype, w.kind) for n, w in weights.items()]


@pytest.mark.parametrize("case", CASES, ids=ident)
def test_sources(case: Case):
    """What an argument is said to be, it is; and no default is written."""
    name, arguments, shapes = case
    made = layer(name, **arguments)
    for arg in rule_of(case).args:
        if isinstance(arg.source, Of):
            value = getattr(made, arg.source.argument)
            value = value if arg.source.entry is None else value[arg.source.entry]
            assert value == arg.value
        elif isinstance(arg.source, Size):
            assert arg.value == shapes[arg.source.input][arg.source.axis]


def larger(case: Case) -> Case:
    """The case with other sizes on the spatial axes."""
    name, arguments, shapes = case
    return name, arguments, tuple((*s[:1], *(n if n == 1 else 2 * n + 6 for n in s[1:])) for s in shapes)


SIZED = [
    case
    for case in CASES
    if any(len(shape) > 1 for shape in case[2])
    and outputs_of(larger(case))
    and layer(case[0], **case[1]).weights(types(*case[2])) == layer(case[0], **case[1]).weights(types(*larger(case)[2]))
]


@pytest.mark.parametrize("case", SIZED, ids=ident)
def test_other_sizes(case: Case):
    """A rule's text holds for maps of any size."""
    assert rule_of(case) == rule_of(larger(case))
    for apply in forms(case):
        outputs = several(apply(*inputs_of(larger(case))))
        assert [tuple(output.shape[1:]) for output in outputs] == outputs_of(larger(case))


# -- what torch does ------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", [*MODULES, *MORE_MODULES], ids=lambda row: ident((row[0], row[1], (row[2],))))
def test_equals_torch_module(row: Any):
    name, arguments, shape, mirror = row
    torch.manual_seed(0)
    theirs = mirror().eval()
    x = torch.randn(BATCH, *shape)
    expected = theirs(x)
    for apply in forms((name, arguments, (shape,))):
        if isinstance(apply, nn.Module):
            apply.load_state_dict(theirs.state_dict())
        equal(apply(x), expected)


ACCEPTED = [row for row in [*FUNCTIONS, *MORE_FUNCTIONS] if outputs_of(row[:3]) is not None]


@pytest.mark.parametrize("row", ACCEPTED, ids=lambda row: ident(row[:3]))
def test_equals_torch_function(row: Any):
    call = row[3]
    inputs = inputs_of(row[:3])
    for apply in forms(row[:3]):
        outputs = several(apply(*inputs))
        for sample in range(BATCH):
            equal([output[sample] for output in outputs], call(*(x[sample] for x in inputs)))


@pytest.mark.parametrize("case", [c for c in CASES if rule_of(c).module and rule_of(c).function], ids=ident)
def test_forms_are_equal(case: Case):
    inputs = inputs_of(case)
    module, function = forms(case)
    equal(module(*inputs), function(*inputs))


# -- what torch has not: against sums done another way ----------------------------------------------------


def randomised(case: Case) -> nn.Module:
    """The layer's module with all weights random, also those that begin as 0 or 1."""
    module = build(case).eval()
    for weight in module.parameters():
        if weight.requires_grad:
            nn.init.normal_(weight)
    return module


def flat(sides: Any) -> list[int]:
    return [side for pair in reversed(sides) for side in pair]


@pytest.mark.parametrize("case", [case for case in MORE if case[0] == "conv"], ids=ident)
def test_convolutions(case: Case):
    _, arguments, (shape,) = case
    made: Any = layer("conv", **arguments)
    module, (x,) = randomised(case), inputs_of(case)
    state = module.state_dict()
    weight = state["weight"]
    if made.weight is not None:
        literal = torch.tensor(made.weight, dtype=torch.float32)
        equal(weight, literal.reshape(weight.shape))
    if made.connect is not None:  # a kernel of zeros for each map that is not seen
        kernels = iter(weight)
        weight = torch.zeros(made.out, shape[0], *weight.shape[1:])
        for out, row in enumerate(made.connect):
            for seen in row:
                weight[out, seen] = next(kernels)
    axes = len(shape) - 1
    if made.flip:
        weight = weight.flip(tuple(range(2, axes + 2)))
    mode = "constant" if made.pad_mode == "zeros" else made.pad_mode
    padded = F.pad(x, flat(made.sides(types(shape)[0])), mode)
    conv = (F.conv1d, F.conv2d, F.conv3d)[axes - 1]
    equal(module(x), conv(padded, weight, state.get("bias"), made.stride, 0, made.dilation, made.groups))


def slow_pool(made: Any, x: Tensor) -> Tensor:
    """A pool of [*S], window by window."""
    (shape,) = output_types(made, types((1, *x.shape)))
    sides = made.sides(types((1, *x.shape))[0])
    kernel, strides, dilation = made.settings(x.dim())
    result = torch.empty(shape.shape[1:])
    for place in itertools.product(*map(range, result.shape)):
        taps = [
            [o * s - before + d * i for i in range(k)]
            for o, s, (before, _), d, k in zip(place, strides, sides, dilation, kernel, strict=True)
        ]
        inside = [[i for i in row if 0 <= i < n] for row, n in zip(taps, x.shape, strict=True)]
        values = torch.stack([x[position] for position in itertools.product(*inside)])
        if made.layer_name() == "maxpool":
            result[place] = values.max()
        else:
            padded = [sum(i < n + b for i in row) for row, n, (_, b) in zip(taps, x.shape, sides, strict=True)]
            result[place] = values.sum() / (math.prod(padded) if made.count_pad else len(values))
    return result


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("name", ["maxpool", "avgpool"])
def test_pools(name: str, axes: int):
    draw = random.Random(f"{name} {axes}")
    done = 0
    while done < 60:
        k = tuple(draw.randint(1, 4) for _ in range(axes))
        sides = tuple((draw.randint(0, n // 2), draw.randint(0, n // 2)) for n in k)
        arguments = {
            "k": k,
            "stride": tuple(draw.randint(1, 4) for _ in k),
            "pad": "same" if draw.random() < 0.3 else sides,
            "ceil": draw.random() < 0.5,
        }
        if name == "avgpool":
            arguments["count_pad"] = draw.random() < 0.5
        else:
            arguments["dilation"] = tuple(draw.randint(1, 2) for _ in k)
        case = (name, arguments, ((1, *(draw.randint(1, 7) for _ in k)),))
        if outputs_of(case) is None:
            continue
        done += 1
        (x,) = inputs_of(case, batch=1)
        for apply in forms(case):
            equal(apply(x)[0, 0], slow_pool(layer(name, **arguments), x[0, 0]))


@pytest.mark.parametrize("case", [case for case in MORE if case[0] == "pad"], ids=ident)
def test_padding_is_on_its_sides(case: Case):
    """The middle is the input, and a constant is around it."""
    _, arguments, (shape,) = case
    made: Any = layer("pad", **arguments)
    (x,) = inputs_of(case)
    sides = pad_sides(made.sides, len(shape) - 1)
    middle = (..., *(slice(before, before + n) for n, (before, _) in zip(shape[1:], sides, strict=True)))
    for apply in forms(case):
        padded = apply(x)
        equal(padded[middle], x)
        if made.mode == "constant":
            rest = torch.ones_like(padded, dtype=torch.bool)
            rest[middle] = False
            assert (padded[rest] == made.value).all()


@pytest.mark.parametrize("case", [case for case in MORE if case[0] in ("subsample", "rbf", "scale", "crop")], ids=ident)
def test_small_parts(case: Case):
    name, arguments, (shape,) = case
    made: Any = layer(name, **arguments)
    module, (x,) = randomised(case), inputs_of(case)
    state = module.state_dict()
    if name == "subsample":
        sums = x
        for axis, k in enumerate(per_axis(made.k, len(shape) - 1, "k"), start=2):
            sums = sums.unfold(axis, k, k)
        sums = sums.flatten(len(shape) + 1).sum(-1)
        expected = (sums.movedim(1, -1) * state["weight"] + state["bias"]).movedim(-1, 1)
    elif name == "rbf":
        assert set(state["centers"].unique().tolist()) == {-1.0, 1.0}
        expected = torch.cdist(x, state["centers"]).square()
    elif name == "scale":
        axis = made.axis(types(shape)[0]) + 1
        expected = (x.movedim(axis, -1) * state["weight"] + state.get("bias", 0)).movedim(-1, axis)
    else:
        expected = x[(..., *(slice(start, start + size) for start, size in made.kept(types(shape)[0])))]  # type: ignore[index]
    torch.testing.assert_close(module(x), expected, rtol=1e-4, atol=1e-4)


def test_scale_begins_as_said():
    assert (build(("scale", {"init": 1e-6}, (C2,))).weight == 1e-6).all()
    assert (build(("scale", {"bias": True}, (C2,))).bias == 0).all()


@pytest.mark.parametrize("per", ["element", "channel"])
def test_downscale_dropout(per: str):
    module = build(("dropout", {"p": 0.25, "mode": "downscale_in_infer", "per": per}, ((100, 10, 10),)))
    torch.manual_seed(0)
    x = torch.ones(4, 100, 10, 10)
    y = module(x)
    assert set(y.unique().tolist()) == {0.0, 1.0}
    assert y.mean().item() == pytest.approx(0.75, abs=0.05)
    maps = y.mean((2, 3))
    assert bool(((maps == 0) | (maps == 1)).all()) == (per == "channel")
    equal(module.eval()(x), 0.75 * x)


def test_weights_begin_as_those_of_torch():
    """A map that sees fewer others begins with larger weights, and all within torch's bounds."""
    torch.manual_seed(0)
    table = ((0,), tuple(range(16)))
    state = build(("conv", {"out": 2, "k": 5, "connect": table}, ((16, 9, 9),))).state_dict()
    for weights, inputs in ((state["weight"][:1], 25), (state["weight"][1:], 400)):
        assert 0.8 * inputs**-0.5 < weights.abs().max() <= inputs**-0.5
    assert state["bias"].abs().max() <= 0.2


# -- tensors of their own --------------------------------------------------------------------------------


def tensor_of(name: str, **arguments: Any) -> nn.Parameter:
    rule = layer(name, **arguments).torch([])
    assert not rule.function
    return eval(text(rule, rule.module), scope(""))


def test_sources_are_parameters():
    param = tensor_of("param", shape=(197, 768))
    assert (tuple(param.shape), param.dtype, param.requires_grad) == ((197, 768), torch.float32, True)
    assert param.std().item() == pytest.approx(0.02, rel=0.05)
    assert tensor_of("param", shape=(2,), dtype="bfloat16").dtype == torch.bfloat16
    assert tensor_of("param", shape=()).shape == ()
    constant = tensor_of("constant", value=((1, 2, 3), (4, 5, 6)))
    assert not constant.requires_grad
    equal(constant, torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))
    equal(tensor_of("constant", value=2), torch.tensor(2.0))


def test_a_tensor_without_batch_fits_beside_one_with_it():
    rule = layer("mul").torch(types((3, 4), (5, 3, 4)))
    x, scale = torch.zeros(BATCH, 5, 3, 4), torch.zeros(3, 4)
    source = fill(rule.function, (aligned("scale", 2, 3, batched=False), "x"), [])
    assert source == "scale * x"
    assert aligned("x", 2, 3) == "x[:, None]"
    assert (scale * x).shape == x.shape


# -- compiled and exported ---------------------------------------------------------------------------------


class Applied(nn.Module):
    """One layer, in the form that generated code has it."""

    def __init__(self, apply: Callable[..., Any]) -> None:
        super().__init__()
        self.apply_it = apply

    def forward(self, *inputs: Tensor) -> Any:
        return self.apply_it(*inputs)


def one_of_each() -> list[Case]:
    """A case of each layer, and each that has a part."""
    first = {case[0]: case for case in reversed(CASES)}
    return [case for case in CASES if first[case[0]] is case or part_names(rule_of(case).module + "(")]


@pytest.mark.filterwarnings("ignore:The tensor attributes .*_flat_weights")  # torch's, of nn.LSTM and the like
@pytest.mark.parametrize("case", one_of_each(), ids=ident)
def test_compiled_and_exported(case: Case):
    torch.manual_seed(0)
    inputs = inputs_of(case, batch=3)
    dynamic = tuple({0: torch.export.Dim.DYNAMIC} for _ in inputs)
    for apply in forms(case):
        module = Applied(apply).eval()
        expected = module(*inputs)
        torch.compiler.reset()  # else it counts how often `Applied` is compiled anew
        with torch._dynamo.config.patch(allow_rnn=True):  # nn.LSTM and the like: else they are left out of the graph
            equal(torch.compile(module, fullgraph=True, backend="eager")(*inputs), expected)
        exported = torch.export.export(module, tuple(inputs_of(case, batch=5)), dynamic_shapes=(dynamic,))
        equal(exported.module()(*inputs), expected)


# -- completeness ----------------------------------------------------------------------------------------


def test_every_layer_has_a_case():
    covered = {case[0] for case in CASES} | {"param", "constant"}
    assert covered == set(layer_names())


def test_every_part_is_used():
    used = {name for case in CASES for name in part_names(text(rule_of(case), rule_of(case).module or "()"))}
    files = {path.stem for path in FOLDER.glob("[!_]*.py")} - {"drawn", "initialised"}  # which `init=` needs
    assert {
        re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower() for name in used if not name.endswith(("1d", "3d"))
    } == files
    for axes in (1, 3):
        assert {name for name in used if name.endswith(f"{axes}d")} == {
            name.replace("2d", f"{axes}d") for name in used if name.endswith("2d")
        }


@pytest.mark.parametrize("path", sorted(FOLDER.glob("[!_]*.py")), ids=lambda path: path.stem)
def test_a_part_is_one_definition(path: Path):
    """A file is imports and one definition, which says what it does and needs torch and other parts alone."""
    *imports, definition = ast.parse(path.read_text(encoding="utf-8")).body
    assert isinstance(definition, (ast.ClassDef, ast.FunctionDef))
    assert ast.get_docstring(definition)
    assert part(definition.name) == path.read_text(encoding="utf-8").split("\n\n\n")[1].rstrip()
    known = {
        "import torch",
        "import torch.nn.functional as F",
        "from torch import nn",
        "from torch import Tensor",
        "from torch import Tensor, nn",
    }
    inner = set(part_names(part(definition.name)))
    for statement in map(ast.unparse, imports):
        module, _, names = statement.removeprefix("from ").partition(" import ")
        file = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", names).lower()
        assert statement in known or (module == f"netspec.emit.torch_parts.{file}" and names in inner)


def test_parts_of_another_rank():
    assert "tuple[int, int, int]" in part("PaddedConv3d")
    assert "nn.Conv1d" in part("PaddedConv1d")
    assert "2d" not in part("TableConv1d")
    assert part_names("nn.Sequential(PaddedMaxPool3d(2), nn.Conv2d(1, 1, 1), unknown(3))") == [
        "window_pads",
        "window_starts",
        "PaddedMaxPool3d",
    ]
    with pytest.raises(LookupError):
        part("Unknown")


def test_no_module_imports_a_part():
    folder = FOLDER.parents[1]
    imports = re.compile(r"^\s*(from|import) netspec\.emit\.torch_parts\.", re.MULTILINE)
    for path in folder.rglob("*.py"):
        if path.parent != FOLDER:
            assert not imports.search(path.read_text(encoding="utf-8")), path
