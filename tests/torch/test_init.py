"""`init=`: how the weights of the generated module begin."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

import netspec


def built(layers: str) -> nn.Module:
    torch.manual_seed(0)
    return netspec.loads(f"net N {{\n  input x: [64, 9, 9]\n  {layers}\n}}").to_torch()


@pytest.mark.parametrize(
    ("init", "mean", "deviation"),
    [
        ("normal", 0.0, 1.0),
        ("(normal, 0.02)", 0.0, 0.02),
        ("uniform", 0.5, math.sqrt(1 / 12)),
        ("(uniform, -0.1, 0.1)", 0.0, math.sqrt(0.04 / 12)),
        ("xavier", 0.0, math.sqrt(2 / (64 * 9 + 128 * 9))),  # Glorot and Bengio 2010, equation 16
        ("kaiming", 0.0, math.sqrt(2 / (64 * 9))),  # He et al. 2015, equation 10
    ],
)
def test_drawn(init: str, mean: float, deviation: float) -> None:
    weight = built(f"c: conv 128 k=3 init={init}").get_parameter("c.weight").detach()
    assert weight.mean().item() == pytest.approx(mean, abs=5 * deviation / math.sqrt(weight.numel()))
    assert weight.std().item() == pytest.approx(deviation, rel=0.02)


def test_uniform_ones_are_within_their_bounds() -> None:
    weight = built("c: conv 128 k=3 init=xavier").get_parameter("c.weight").detach()
    assert weight.abs().max().item() <= math.sqrt(6 / (64 * 9 + 128 * 9))


@pytest.mark.parametrize(("init", "value"), [("zeros", 0.0), ("ones", 1.0), ("0.25", 0.25), ("-3", -3.0)])
@pytest.mark.parametrize(
    ("layer", "name"),
    [
        ("c: conv 8 k=3 init=INIT", "c.weight"),
        ("c: conv 2 k=3 init=INIT connect=((0, 1), (5,))", "c.weight"),
        ("u: upconv 8 k=2 init=INIT", "u.weight"),
        ("d: dense 8 init=INIT", "d.weight"),
        ("param p: [64, 9, 9] init=INIT\n  add with p", "p"),
        ("head: { 0: conv 8 k=3 init=INIT -> 1: relu }", "head.0.weight"),
    ],
)
def test_constant(layer: str, name: str, init: str, value: float) -> None:
    module = built(layer.replace("INIT", init))
    assert module.get_parameter(name).eq(value).all()
    assert all(p.requires_grad for p in module.parameters())


def test_the_bias_is_torchs() -> None:
    torch.manual_seed(0)
    plain = nn.Linear(9, 8).bias
    assert torch.equal(built("d: dense 8 init=zeros").get_parameter("d.bias"), plain)


def test_an_embedding() -> None:
    module = netspec.loads("net N { input t: int64 [5]\n e: embedding 7 3 init=ones }").to_torch()
    assert module.get_parameter("e.weight").eq(1).all()
