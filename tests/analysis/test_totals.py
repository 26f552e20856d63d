"""Totals of random nets against torch, and against the net written out."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from flat import compiled, flat_of
from random_nets import random_net
from torch.utils.flop_counter import FlopCounterMode
from torch_net import run

from netspec.analysis.rows import rows
from netspec.analysis.totals import Totals
from netspec.driver import Compilation
from netspec.ir.dims import substitute
from netspec.ir.types import DTYPE_BYTES

FIGURES = [*Totals._fields, "trainable_params", "flops"]


@pytest.mark.parametrize("seed", range(100, 160))
def test_macs_and_parameters_are_torchs(seed: int):
    made = compiled(random_net(seed))
    net = flat_of(made)
    owned: dict[str, torch.Tensor] = {}  # by the path of a weight's owner, so that a shared one is one tensor

    def weight(path: str, shape: Any) -> torch.Tensor:
        if path not in owned:
            owned[path] = torch.empty(shape, device="meta")
        assert owned[path].shape == torch.Size(shape)
        return owned[path]

    inputs = [torch.empty(net.types[v].shape, device="meta") for v in net.inputs]
    with FlopCounterMode(display=False) as counter:
        run(net, inputs, weight)
    pools = sum(  # written as convolutions here
        int(step.layer.cost(step.inputs, step.outputs[0]).connections)
        for step in net.steps
        if step.layer.layer_name() in ("avgpool", "maxpool")
    )
    assert made.totals is not None
    assert made.totals.macs == counter.get_total_flops() // 2 - pools
    trainable = {path for step in net.steps for path, spec in step.weights.values() if spec.kind == "trainable"}
    assert made.totals.params == sum(owned[path].numel() for path in trainable)


@pytest.mark.parametrize("seed", range(160, 220))
def test_totals_are_sums_over_the_layers_written_out(seed: int):
    made = compiled(random_net(seed))
    net = flat_of(made)
    costs = [step.layer.cost(step.inputs, step.outputs[0]) for step in net.steps]
    caches = [step.layer.cache(step.inputs)[:2] for step in net.steps]
    weights = {path: spec for step in net.steps for path, spec in step.weights.values()}
    assert made.totals == Totals(
        sum(int(w.type.elements) for w in weights.values() if w.kind == "trainable"),
        *(sum(int(value) for value in column) for column in zip(*costs, strict=True)),
        sum(int(w.type.elements) * DTYPE_BYTES[w.dtype] for w in weights.values()),
        sum(int(t.bytes) for step in net.steps if not step.layer.view for t in step.outputs),
        *(4 * sum(int(figure) for figure in column) for column in zip(*caches, strict=True)),
    )


@pytest.mark.parametrize("seed", range(220, 240))
def test_bytes_of_numbers_held_in_16_bit(seed: int):
    one = compiled(random_net(seed))
    half = Compilation(one.source, dtype="float16")
    net = flat_of(one)
    weights = {path: spec for step in net.steps for path, spec in step.weights.values()}
    size = {**DTYPE_BYTES, "float32": 2}
    assert half.totals is not None
    assert half.totals.weight_bytes == sum(int(w.type.elements) * size[w.dtype] for w in weights.values())
    assert half.totals.activation_bytes == sum(
        int(t.elements) * size[t.dtype] for step in net.steps if not step.layer.view for t in step.outputs
    )
    assert half.peak_activation_bytes == one.peak_activation_bytes // 2
    assert half.diagnostics == one.diagnostics
    assert by_rows(half) == {name: getattr(half.totals, name) for name in FIGURES}


def by_rows(made: Compilation) -> dict[str, Any]:
    assert made.network is not None
    listed = list(rows(made.network, made.types, made.node_totals, made.module_totals))
    layers = [row for row in listed if row.kind == "layer"]
    return {name: sum(getattr(row.totals, name) * row.repeat for row in layers) for name in FIGURES}


@pytest.mark.parametrize("seed", range(220, 300))
def test_rows_add_up_to_the_totals(seed: int):
    made = compiled(random_net(seed))
    assert by_rows(made) == {name: getattr(made.totals, name) for name in FIGURES}


@pytest.mark.parametrize(
    ("text", "params", "weight_bytes"),
    [
        ("a: dense 10\nreuse a", 110, 440),
        ("a: dense 10\nrepeat 5 { reuse a }", 110, 440),
        ("a: dense 10\nrepeat 5 { repeat 2 { relu -> reuse a } }", 110, 440),
        ("repeat 5 { a: dense 10\n reuse a }", 550, 2200),
        ("a: twice\nreuse a", 110 + 10, 480),
        ("repeat 3 { b: twice\n g: { reuse b } }", 3 * 120, 3 * 480),
        ("a: dense 10\ndense 10 tie=a", 120, 480),
        ("a: dense 10 bias=false\ndense 10 bias=false tie=a\ndense 10 bias=false tie=a", 100, 400),
        ("a: dense 10\ng: { dense 10 tie=a\n h: { dense 10 tie=a } }", 130, 520),
        ("rbf 4", 0, 160),
        ("batchnorm", 20, 40 + 40 + 80 + 8),
        ("constant c: [1, 2]\nparam p: [3] dtype=float16", 3, 14),
    ],
)
def test_shared_weights_count_once(text: str, params: int, weight_bytes: int):
    made = compiled("block twice { d: dense 10\n scale\n reuse d }\nnet N { input x: [10]\n" + text + "\n}")
    assert made.totals is not None
    assert (made.totals.params, made.totals.weight_bytes) == (params, weight_bytes)
    assert by_rows(made)["params"] == params
    assert by_rows(made)["weight_bytes"] == weight_bytes


@pytest.mark.parametrize(("height", "width"), [(32, 32), (33, 47), (224, 193)])
def test_symbols_give_what_numbers_give(height: int, width: int):
    text = """
net N { input image: [3, H, W]
  conv 8 k=7 stride=2 pad=3 bias=false -> batchnorm -> relu -> maxpool 3 stride=2 pad=1
  repeat 3 { add { | identity | conv 8 k=3 pad=1 -> batchnorm } -> relu }
  concat { | maxpool 2 | conv 4 k=2 stride=2 } -> globalavgpool -> flatten -> dense 10 }
"""
    numbers = compiled(text, H=height, W=width)
    symbols = compiled(text)
    assert symbols.totals is not None
    assert Totals(*(substitute(v, {"H": height, "W": width}) for v in symbols.totals)) == numbers.totals
    peak = symbols.peak_activation_bytes
    assert peak is not None
    assert substitute(peak, {"H": height, "W": width}) == numbers.peak_activation_bytes


def test_a_batch_scales_computation_and_activations():
    text = "net N { input x: [3, 8, 8]\n conv 4 k=3 -> flatten -> dense 10 }"
    one = compiled(text)
    ten = Compilation(one.source, None, batch=10)
    assert one.totals is not None
    assert ten.totals is not None
    for name in FIGURES:
        times = 1 if name in ("params", "trainable_params", "weight_bytes") else 10
        assert getattr(ten.totals, name) == times * getattr(one.totals, name)
    assert ten.peak_activation_bytes == 10 * (one.peak_activation_bytes or 0)
