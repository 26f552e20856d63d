"""The bias of relative positions: its buckets against the published formula, and figures that a person can check."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from layer_calls import cost_of, layer, shape_of
from test_torch_rules import Case, build, inputs_of
from torch import Tensor

from netspec.ir.dims import symbol
from netspec.ops.base import FREE

T, S = symbol("T"), symbol("S")
SETTINGS = [  # buckets, max_distance, bidirectional
    (32, 128, True), (32, 128, False), (64, 128, True), (16, 64, True), (32, 256, False), (8, 20, True), (8, 20, False),
    (12, 100, True), (30, 1000, True), (32, 9, True), (32, 10, True), (7, 50, False), (2, 5, False), (4, 7, True),
    (64, 4096, True), (128, 1000, False),
]  # fmt: skip
FAR = 5000


def published(offset: Tensor, buckets: int, max_distance: int, bidirectional: bool) -> Tensor:
    """Raffel et al. 2020 in floating point: half of a direction's buckets for one distance each, the others in
    logarithmic steps up to max_distance. An offset is the place that is seen less the place that looks."""
    each = buckets // 2 if bidirectional else buckets
    distance = offset.abs() if bidirectional else (-offset).clamp(min=0)
    exact = each // 2
    steps = torch.log(distance.float() / exact) / math.log(max_distance / exact) * (each - exact)
    large = (exact + steps.clamp(min=0).long()).clamp(max=each - 1)
    bucket = torch.where(distance < exact, distance, large)
    return bucket + each * (offset > 0) if bidirectional else bucket


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_buckets_are_the_published_ones(setting: tuple[int, int, bool]):
    """At all distances up to 5,000: in the rule, which ONNX gets, and in torch's part, which finds them by itself."""
    buckets, far, bidirectional = setting
    arguments = {"heads": 1, "buckets": buckets, "max_distance": far, "bidirectional": bidirectional}
    expected = published(torch.arange(-FAR, FAR + 1), *setting)
    made: Any = layer("relativebias", **arguments)
    rows = made.rows()
    reach = len(rows) // 2
    assert [rows[max(-reach, min(reach, offset)) + reach] for offset in range(-FAR, FAR + 1)] == expected.tolist()
    module = build(("relativebias", arguments, ((1, 3),)))
    module.load_state_dict({"weight": torch.arange(float(buckets))[:, None]})
    ahead = module(torch.zeros(1, 1, 3), torch.zeros(1, FAR + 1, 3))  # of place 0
    behind = module(torch.zeros(1, FAR + 1, 3), torch.zeros(1, 1, 3))
    assert ahead.flatten().tolist() == expected[FAR:].tolist()
    assert behind.flatten().tolist() == expected[: FAR + 1].flip(0).tolist()


def test_starts_by_hand():
    """T5's 16 buckets of a direction: 8 exact ones, and 8 times 16^(j / 8), the least whole numbers from there."""
    made: Any = layer("relativebias", heads=8)
    assert made.starts() == [*range(8), *(math.ceil(8 * 16 ** (j / 8) - 1e-9) for j in range(8))]
    assert made.starts()[8:] == [8, 12, 16, 23, 32, 46, 64, 91]
    assert [made.rows()[91 + offset] for offset in (-91, -90, -8, 0, 1, 7, 8, 91)] == [15, 14, 8, 0, 17, 23, 24, 31]


def test_values():
    case: Case = ("relativebias", {"heads": 2, "buckets": 4, "max_distance": 3, "bidirectional": False}, ((4, 3),))
    module = build(case)
    module.load_state_dict({"weight": torch.tensor([[0.0, 10.0], [1.0, 11.0], [2.0, 12.0], [3.0, 13.0]])})
    bias = module(*inputs_of(case))
    assert bias.shape == (2, 2, 4, 4)
    by_place = [[0, 0, 0, 0], [1, 0, 0, 0], [2, 1, 0, 0], [3, 2, 1, 0]]  # 2 * 1.5^(1/2) is 2.4: 3 is the last bucket
    assert bias[0, 0].tolist() == by_place
    assert bias[1, 1].tolist() == [[x + 10 for x in row] for row in by_place]


def test_shapes():
    assert shape_of("relativebias", (T, 512), heads=8) == (8, T, T)
    assert shape_of("relativebias", (T, 512), (S, 7), heads=8) == (8, T, S)
    assert cost_of("relativebias", (T, 512), heads=8) == FREE
