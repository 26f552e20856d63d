"""Mixtures of experts against one written out in NumPy, position by position, and figures that a person can check."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from layer_calls import cost_of, layer, types
from mixtures import SHAPES, mixture
from test_layers_torch import macs_of
from test_torch_rules import Case, build, ident, inputs_of
from torch import Tensor, nn

import netspec
from netspec.ops.base import Cost, output_types

GRID: list[Case] = [
    ("experts", {"experts": experts, "hidden": 5, "top": top, **more}, (shape,))
    for shape in SHAPES
    for experts, top in ((1, 1), (4, 1), (4, 2), (4, 4), (9, 3))
    for more in ({}, {"normalised": False, "activation": "gelu", "bias": True})
]


def made(case: Case) -> Any:
    """The module of a mixture, with weights of which each shows."""
    torch.manual_seed(0)
    module = build(case).double()
    for tensor in module.parameters():
        nn.init.normal_(tensor, std=0.5)
    return module


def reference(case: Case, module: nn.Module, x: Tensor) -> Any:
    state = {name: tensor.numpy() for name, tensor in module.state_dict().items()}
    arguments = {key: value for key, value in case[1].items() if key not in ("experts", "hidden", "bias")}
    return mixture(state, x.numpy(), **arguments)


# -- numbers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", GRID, ids=ident)
def test_values(case: Case):
    module, (x,) = made(case), inputs_of(case)
    x = x.double()
    np.testing.assert_allclose(module(x).detach().numpy(), reference(case, module, x), rtol=1e-9, atol=1e-12)


def test_values_by_hand():
    """Three experts of width 1, which of x = (1, 2) make 3 silu(1), 5 silu(2) and 7 silu(3), each times (1, 0)."""
    case: Case = ("experts", {"experts": 3, "hidden": 1, "top": 2}, ((2,),))
    module = build(case)
    with torch.no_grad():
        module.gate.weight.copy_(torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.5]]))  # scores 0, 2, 2 - ln 3
        module.gate.weight[2, 0] = 1 - np.log(3)
        for number, expert in enumerate(module.experts):
            expert.w1.weight.copy_(torch.tensor([[number + 1.0, 0.0]]))
            expert.w3.weight.copy_(torch.tensor([[1.0, number + 1.0]]))
            expert.w2.weight.copy_(torch.tensor([[1.0], [0.0]]))
    silu = [z / (1 + np.exp(-z)) for z in (1, 2, 3)]
    expected = 0.75 * 5 * silu[1] + 0.25 * 7 * silu[2]  # shares 3 / 4 and 1 / 4; the first expert is not chosen
    torch.testing.assert_close(module(torch.tensor([[1.0, 2.0]])), torch.tensor([[expected, 0.0]], dtype=torch.float32))


@pytest.mark.parametrize("top", [1, 2, 4])
@pytest.mark.parametrize("normalised", [True, False])
def test_gradients(top: int, normalised: bool):
    """Of the weights and the input, by finite differences; the form of compiled graphs has the same."""
    case: Case = ("experts", {"experts": 4, "hidden": 3, "top": top, "normalised": normalised}, ((3, 2),))
    module, (x,) = made(case), inputs_of(case, batch=2)
    x = x.double().requires_grad_()
    weights = dict(module.named_parameters())

    def call(x: Tensor, *values: Tensor) -> Any:
        return torch.func.functional_call(module, dict(zip(weights, values, strict=True)), (x,))

    assert torch.autograd.gradcheck(call, (x, *weights.values()))
    own = torch.autograd.grad(module(x).square().sum(), [x, *weights.values()])
    compiled = torch.compile(module, backend="eager", fullgraph=True)
    others = torch.autograd.grad(compiled(x).square().sum(), [x, *weights.values()])
    torch.testing.assert_close(own, others)
    gate = own[1 + list(weights).index("gate.weight")]
    assert bool(gate.abs().max() < 1e-12) == (normalised and top == 1)  # a share that is always 1 teaches nothing


def test_each_expert_computes_what_chose_it():
    case: Case = ("experts", {"experts": 6, "hidden": 5, "top": 2}, ((50, 4),))
    module, (x,) = made(case), inputs_of(case, batch=3)
    given: list[Tensor] = []
    for expert in module.experts:
        expert.register_forward_hook(lambda _, inputs, __: given.append(inputs[0]))
    module(x.double())
    chosen = module.gate(x.double()).topk(2).indices
    assert [len(rows) for rows in given] == [int((chosen == number).sum()) for number in range(6)]
    for number, rows in enumerate(given):
        torch.testing.assert_close(rows, x.double()[(chosen == number).any(-1)])


def test_half_precision_and_autocast():
    case: Case = ("experts", {"experts": 4, "hidden": 8, "top": 2}, ((5, 6),))
    module, (x,) = made(case).float(), inputs_of(case)
    expected = module(x)
    with torch.autocast("cpu", torch.bfloat16):
        for y in (module(x), torch.compile(module, backend="eager", fullgraph=True)(x)):
            torch.testing.assert_close(y.float(), expected, rtol=0.05, atol=0.05)
    assert module.bfloat16()(x.bfloat16()).dtype == torch.bfloat16


# -- figures ---------------------------------------------------------------------------------------------


def test_cost_by_hand():
    """3 positions of 4 features, 5 experts of width 6, of which 2: the router 3 * 4 * 5 MACs, the rest as swiglu."""
    router, inside = Cost(60, 60, 45, 0, 60), cost_of("swiglu", (6, 4), hidden=6)
    assert inside.macs == 3 * 2 * 3 * 4 * 6
    assert cost_of("experts", (3, 4), experts=5, hidden=6, top=2) == Cost(
        60 + inside.macs,
        60 + inside.mults + 3 * 2 * 4,
        45 + inside.adds + 3 * 1 * 4 + 2 * 3 * 2,
        inside.other + 3 * 2 * 4 + 3 * 3 * 2,
        60 + inside.connections,
    )
    assert router.adds == 60 - 15


@pytest.mark.parametrize("spread", ["random", "one expert", "meta"])
def test_macs_are_those_of_torch_whatever_is_chosen(spread: str):
    """FlopCounterMode counts the products as they are computed: those of each expert with the positions that chose it.
    Their number is positions * top however they spread over the experts, so that the MACs are the same on the meta
    device, where there are no numbers and the module spreads the positions evenly."""
    case: Case = ("experts", {"experts": 8, "hidden": 11, "top": 3}, ((7, 6),))
    device = "meta" if spread == "meta" else "cpu"
    with torch.device(device):
        module = build(case)
    (x,) = inputs_of(case, batch=5, device=device)
    if spread == "one expert":  # the first three, for every position
        nn.init.zeros_(module.gate.weight)
        with torch.no_grad():
            module.gate.weight[:, 0] = torch.arange(8, 0, -1)
        x = x.abs()
    _, macs = macs_of(lambda: module(x))
    assert macs == 5 * cost_of("experts", (7, 6), experts=8, hidden=11, top=3).macs == 5 * 7 * (6 * 8 + 3 * 3 * 6 * 11)


def test_compiled_graphs_compute_all_experts():
    case: Case = ("experts", {"experts": 8, "hidden": 11, "top": 3}, ((7, 6),))
    module, (x,) = build(case), inputs_of(case, batch=5)
    exported = torch.export.export(module, (x,)).module()
    assert macs_of(lambda: exported(x))[1] == 5 * 7 * (6 * 8 + 8 * 3 * 6 * 11)


@pytest.mark.parametrize(("experts", "top", "bias"), [(2, 1, False), (4, 1, True), (6, 2, False), (6, 6, True)])
def test_active_parameters_are_those_that_one_token_reaches(experts: int, top: int, bias: bool):
    case: Case = (
        "experts",
        {"experts": experts, "hidden": 5, "top": top, "bias": bias, "normalised": False},
        ((1, 4),),
    )
    module, (x,) = made(case), inputs_of(case, batch=1)
    module(x.double()).sum().backward()
    reached = sum(p.numel() for p in module.parameters() if p.grad is not None and bool(p.grad.any()))
    total = sum(p.numel() for p in module.parameters())
    inactive = layer("experts", **case[1]).inactive(types((1, 4)))
    assert total - inactive == reached == experts * 4 + top * (3 * 4 * 5 + bias * (5 + 4 + 5))


def test_names_of_weights():
    names = list(layer("experts", experts=2, hidden=5, top=1).weights(types((4,))))
    assert names == ["gate.weight", *(f"experts.{n}.{w}.weight" for n in (0, 1) for w in ("w1", "w2", "w3"))]


def test_all_of_them_may_be_chosen():
    assert output_types(layer("experts", experts=4, hidden=5, top=4), types((4,)))[0].shape == (4,)


# -- the fact -----------------------------------------------------------------------------------------------

SPARSE = """
net Sparse {{
  input text: [T=7, 16]
  dense 16
  mix: experts 8 hidden=10 top=2      # gate 128, of each expert 480
  body: repeat 3 {{ experts 4 hidden=10 top=1 normalised=false }}
  {more}
}}
"""
PARAMS = 272 + (128 + 8 * 480) + 3 * (64 + 4 * 480)
ACTIVE = 272 + (128 + 2 * 480) + 3 * (64 + 480)


def test_active_parameters_of_a_net():
    net = netspec.loads(SPARSE.format(more=f"assert active_params == {ACTIVE} and mix.active_params == 1088"))
    assert (net.params, net.active_params) == (PARAMS, ACTIVE)
    assert net["mix"].active_params == 1088
    assert net["body"].active_params == 3 * 544
    assert net.to_dict()["active_params"] == ACTIVE
    assert sum(found["active_params"] * found["repeat"] for found in net.to_dict()["layers"]) == ACTIVE
    assert f"{PARAMS:,}, of which {ACTIVE:,} active for one token" in net.summary()


def test_active_parameters_do_not_grow_with_the_batch():
    text = SPARSE.format(more="")
    assert netspec.loads(text, batch=9).active_params == netspec.loads(text, symbolic=True).active_params == ACTIVE


def test_a_mixture_used_again_counts_once():
    net = netspec.loads(SPARSE.format(more="reuse mix -> unit -> reuse mix\n}\nblock unit() { dense 16 bias=false"))
    assert (net.params, net.active_params) == (PARAMS + 256, ACTIVE + 256)


def test_a_net_without_experts_uses_all_of_its_parameters():
    net = netspec.load("llama:Llama3_8B")
    assert net.active_params == net.params
    assert "active" not in net.summary()
