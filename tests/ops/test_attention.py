"""Attention and positions against plain matrix products, torch's own modules, and figures that a person can check."""

from __future__ import annotations

import itertools
from math import sqrt
from typing import Any

import numpy as np
import pytest
import torch
from layer_calls import cost_of, layer, shape_of, types
from test_layers_torch import macs_of
from test_torch_rules import Case, build, equal, ident, inputs_of, outputs_of
from torch import Tensor, nn

from netspec.ir.dims import symbol
from netspec.ops.base import Cost
from netspec.ops.position import rotary_rates as ops_rates

T, S = symbol("T"), symbol("S")


def numbers(module: nn.Module) -> nn.Module:
    """Weights of which each shows."""
    for tensor in module.parameters():
        nn.init.normal_(tensor, std=0.5)
    return module


def turned(row: Tensor, angle: Tensor) -> Tensor:
    """Pairs (i, i + half) of one vector as complex numbers, turned."""
    half = len(row) // 2
    pairs = torch.complex(row[:half], row[half:]) * torch.polar(torch.ones_like(angle), angle)
    return torch.cat([pairs.real, pairs.imag])


def rotary_rates(base: float, width: int, scaling: Any) -> Any:
    """As Meta and Chen et al. say it, case by case: by the wavelength of each pair."""
    rates = base ** (-np.arange(0, width, 2) / width)
    if not isinstance(scaling, tuple):
        return rates / scaling
    _, factor, low, high, length = scaling
    for i, rate in enumerate(rates):
        wavelength = 2 * np.pi / rate
        if wavelength > length / low:
            rates[i] = rate / factor
        elif wavelength >= length / high:
            part = (length / wavelength - low) / (high - low)
            rates[i] = (1 - part) * rate / factor + part * rate
    return rates


def reference(made: Any, state: dict[str, Tensor], x: Tensor, memory: Tensor, mask: Tensor | None = None) -> Tensor:
    """One sample, a head and a position at a time. A mask is [heads, T, S]."""

    def dense(name: str, y: Tensor) -> Tensor:
        if made.packed and name != "out_proj":
            place = ["q_proj", "k_proj", "v_proj"].index(name)
            weight, bias = state["in_proj_weight"].chunk(3)[place], state.get("in_proj_bias")
            return y @ weight.T + (0 if bias is None else bias.chunk(3)[place])
        return y @ state[f"{name}.weight"].T + state.get(f"{name}.bias", torch.zeros(()))

    def normed(name: str, y: Tensor) -> Tensor:
        return y / (y.square().mean() + 1e-6).sqrt() * state[f"{name}.weight"] if made.qk_norm else y

    groups = made.kv_heads or made.heads
    q, k, v = dense("q_proj", x), dense("k_proj", memory), dense("v_proj", memory)
    width = q.shape[1] // made.heads
    rates = torch.from_numpy(rotary_rates(made.rope or 1.0, width, made.rope_scaling)).float()
    result = torch.zeros_like(q)
    for h, t in itertools.product(range(made.heads), range(len(x))):
        own = slice(h * width, (h + 1) * width)
        shared = slice(h // (made.heads // groups) * width, (h // (made.heads // groups) + 1) * width)
        seen = [s for s in range(len(memory)) if not made.causal or s <= t]
        seen = [s for s in seen if not made.window or t - s < made.window]
        added = torch.zeros(len(memory))
        if mask is not None and mask.dtype == torch.bool:
            seen = [s for s in seen if mask[h, t, s]]
        elif mask is not None:
            added = mask[h, t]
        query = normed("q_norm", q[t, own])
        keys = [normed("k_norm", k[s, shared]) for s in seen]
        if made.rope:
            query = turned(query, t * rates)
            keys = [turned(key, s * rates) for s, key in zip(seen, keys, strict=True)]
        if not seen:
            continue
        scale = made.scale or 1 / sqrt(width)
        shares = torch.stack([scale * query @ key + added[s] for s, key in zip(seen, keys, strict=True)]).softmax(0)
        result[t, own] = sum(share * v[s, shared] for share, s in zip(shares, seen, strict=True))  # type: ignore[assignment]
    return dense("out_proj" if made.packed else "o_proj", result)


def combinations() -> list[Case]:
    found: list[Case] = []
    for kv_heads, head_dim, causal, rope, qk_norm, bias in itertools.product(
        (None, 2, 1), (None, 6), (False, True), (0.0, 100.0), (False, True), (False, True)
    ):
        for window in (0, 1, 3) if causal else (0,):
            arguments: dict[str, Any] = {"heads": 4, "kv_heads": kv_heads, "head_dim": head_dim, "causal": causal}
            arguments |= {"rope": rope, "qk_norm": qk_norm, "bias": bias, "window": window}
            found.append(("attention", arguments, ((7, 16),)))
            if not causal and not rope:
                found.append(("attention", arguments, ((7, 16), (5, 10))))
    for scaling in (4, 2.5, ("llama3", 8, 1.0, 4.0, 20), ("llama3", 2.5, 1.5, 3.0, 60)):
        arguments = {"heads": 2, "causal": True, "rope": 100, "rope_scaling": scaling}
        found.append(("attention", arguments, ((7, 32),)))
    for causal, bias in itertools.product((False, True), repeat=2):
        arguments = {"heads": 4, "causal": causal, "bias": bias, "packed": True}
        found.append(("attention", arguments, ((7, 16),)))
        if not causal:
            found.append(("attention", arguments, ((7, 16), (5, 16))))
    return found


def test_equals_matrix_products():
    cases = combinations()
    assert len(cases) > 150
    torch.manual_seed(0)
    for case in cases:
        made = layer(case[0], **case[1])
        module, inputs = numbers(build(case)).eval(), inputs_of(case)
        output = module(*inputs)
        for sample in range(2):
            x, memory = inputs[0][sample], inputs[-1][sample]
            torch.testing.assert_close(
                output[sample], reference(made, module.state_dict(), x, memory), rtol=1e-4, atol=1e-4, msg=ident(case)
            )


def test_rates_of_llama():
    """Llama 3.1: heads of 128, base 500,000, trained on 8192 positions. A pair turns 8192 * rate / 2 pi times in them:
    the 29 quickest more than 4 times, the 29 slowest less than once."""
    plain = ops_rates(64, 500_000, 1)
    scaled = ops_rates(64, 500_000, ("llama3", 8, 1.0, 4.0, 8192))
    np.testing.assert_allclose(scaled, rotary_rates(500_000, 128, ("llama3", 8, 1, 4, 8192)), rtol=1e-12)
    slowed = np.array(plain) / np.array(scaled)
    np.testing.assert_allclose(slowed[:29], 1)
    np.testing.assert_allclose(slowed[-29:], 8)
    assert all(1 < factor < 8 for factor in slowed[29:-29])
    assert ops_rates(2, 100.0, 4) == [0.25, 0.025]
    assert ops_rates(2, 100.0, 1) == [1.0, 0.1]


def masked() -> list[Case]:
    found: list[Case] = []
    for shape, causal, kv_heads in itertools.product(
        ((7,), (1, 7), (7, 7), (1, 7, 7), (4, 7, 7), (4, 1, 7)), (False, True), (None, 2)
    ):
        arguments: dict[str, Any] = {"heads": 4, "mask": True, "causal": causal}
        for window in (0, 2) if causal else (0,):
            more = {"kv_heads": kv_heads, "window": window, "scale": 0.3 if window else None}
            found.append(("attention", arguments | more, ((7, 16), shape)))
        if kv_heads is None:
            found.append(("attention", {**arguments, "packed": True}, ((7, 16), shape)))
        elif not causal:
            found.append(("attention", {**arguments, "kv_heads": 2}, ((3, 16), (7, 12), shape)))
    return [case for case in found if outputs_of(case) is not None]


@pytest.mark.parametrize("kind", ["bool", "float"])
def test_masks_equal_matrix_products(kind: str):
    """A bool mask that hides at random, whole rows too; and numbers that are added."""
    cases = masked()
    assert len(cases) == 36 + 12 + 3  # of one sequence, packed, of two
    torch.manual_seed(0)
    for case in cases:
        made = layer(case[0], **case[1])
        module, (*sequences, mask) = numbers(build(case)).eval(), inputs_of(case)
        mask = mask > 0 if kind == "bool" else mask
        output = module(*sequences, mask)
        for sample in range(2):
            x, memory = sequences[0][sample], sequences[-1][sample]
            full = mask[sample].expand(4, len(x), len(memory))
            torch.testing.assert_close(
                output[sample], reference(made, module.state_dict(), x, memory, full), rtol=1e-4, atol=1e-4,
                msg=ident(case),
            )  # fmt: skip


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("packed", [False, True])
def test_a_position_that_sees_nothing_has_the_bias_alone(packed: bool, causal: bool):
    case: Case = ("attention", {"heads": 4, "packed": packed, "mask": True, "causal": causal}, ((5, 16), (5, 5)))
    module = numbers(build(case)).eval()
    state, (x, _) = module.state_dict(), inputs_of(case)
    seen = torch.ones(2, 5, 5, dtype=torch.bool)
    seen[0, 2] = False
    for mask in (seen, torch.zeros(2, 5, 5).masked_fill(~seen, -torch.inf)):
        output = module(x, mask)
        equal(output[0, 2], state["out_proj.bias" if packed else "o_proj.bias"])
        assert output.isfinite().all()


def test_torchs_own_masks_the_opposite():
    """What is true is hidden in nn.MultiheadAttention, and seen here."""
    case: Case = ("attention", {"heads": 4, "packed": True, "mask": True}, ((7, 16), (7,)))
    theirs = nn.MultiheadAttention(16, 4, batch_first=True).eval()
    numbers(theirs)
    ours = build(case).eval()
    ours.load_state_dict(theirs.state_dict())
    (x, _), padding = inputs_of(case), torch.arange(7) >= torch.tensor([[5], [3]])
    expected, _ = theirs(x, x, x, key_padding_mask=padding, need_weights=False)
    equal(ours(x, ~padding), expected)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("causal", [False, True])
def test_packed_is_torchs_own(bias: bool, causal: bool):
    case: Case = ("attention", {"heads": 4, "packed": True, "bias": bias, "causal": causal}, ((7, 16),))
    theirs = nn.MultiheadAttention(16, 4, bias=bias, batch_first=True).eval()
    numbers(theirs)
    ours = build(case).eval()
    ours.load_state_dict(theirs.state_dict())
    (x,) = inputs_of(case)
    mask = nn.Transformer.generate_square_subsequent_mask(7) if causal else None
    expected, _ = theirs(x, x, x, need_weights=False, attn_mask=mask, is_causal=causal)
    equal(ours(x), expected)
    assert list(layer(case[0], **case[1]).weights(types((7, 16)))) == list(theirs.state_dict())


def test_packed_begins_as_torchs_own():
    torch.manual_seed(0)
    ours = build(("attention", {"heads": 4, "packed": True}, ((7, 64),))).state_dict()
    theirs = nn.MultiheadAttention(64, 4).state_dict()
    for name, tensor in ours.items():
        assert tensor.std().item() == pytest.approx(theirs[name].std().item(), rel=0.05), name


def test_dropout_is_for_training():
    module = build(("attention", {"heads": 2, "dropout": 0.5}, ((7, 8),)))
    x = torch.randn(2, 7, 8)
    assert not torch.equal(module(x), module(x))
    module.eval()
    assert torch.equal(module(x), module(x))


def test_macs_are_those_of_torch():
    """Causal attention, too, in full."""
    for case in [*combinations(), *masked()]:
        with torch.device("meta"):
            module = build(case)
        given = inputs_of(case, device="meta")
        assert macs_of(lambda: module(*given))[1] == 2 * cost_of(case[0], *case[2], **case[1]).macs  # noqa: B023


def test_symbolic_length():
    cost = cost_of("attention", (T, 512), heads=8, causal=True)
    assert cost.macs == 4 * T * 512 * 512 + 2 * T * T * 512
    assert str(cost.macs) == "1024*T*T + 1048576*T"
    assert shape_of("attention", (T, 512), (S, 768), heads=8) == (T, 512)
    memory = cost_of("attention", (T, 512), (S, 768), heads=8)
    assert memory.macs == 2 * T * 512 * 512 + 2 * S * 768 * 512 + 2 * T * S * 512


def test_a_symbolic_width_divides_where_it_must():
    width = 8 * symbol("D")
    made, inputs = layer("attention", heads=4, bias=False), types((T, width))
    assert {name: w.shape for name, w in made.weights(inputs).items()}["k_proj.weight"] == (width, width)


def test_cost_by_hand():
    """Two positions of width 4, 2 heads: projections 4 * (2 * 4 * 4), scores 2 * 2 * 2, each of 2 products, twice."""
    cost = cost_of("attention", (2, 4), heads=2)
    scores = 2 * 2 * 2
    macs = 4 * 32 + 2 * scores * 2
    # with bias as many additions as products in the projections; one fewer per score and per element of the sum
    adds = 4 * 32 + scores * (2 - 1) + 2 * 4 * (2 - 1) + 2 * scores
    assert cost == Cost(macs, macs + scores, adds, 3 * scores, 4 * 32 + 4 * 8)
    turned = 2 * 2 * 4
    more = cost_of("attention", (2, 4), heads=2, rope=10.0, qk_norm=True)
    assert more == Cost(macs, cost.mults + 5 * turned, adds + 2 * turned, 3 * scores + 2 * 2 * 2 * 2, cost.connections)
    assert cost_of("attention", (2, 4), heads=2, bias=False).adds == adds - 4 * 8
    assert cost_of("attention", (2, 4), heads=2, scale=0.5) == cost
    assert cost_of("attention", (2, 4), heads=2, scale=1.0) == cost._replace(mults=cost.mults - scores)
    assert cost_of("attention", (2, 4), (2, 2), heads=2, mask=True) == cost._replace(adds=adds + scores)
    hiding = layer("attention", heads=2, mask=True)
    x, mask = types((2, 4))[0], types((2,), dtype="bool")[0]
    assert hiding.cost([x, mask], x) == cost


def test_gated_cost_by_hand():
    assert cost_of("swiglu", (3, 4), hidden=5) == Cost(180, 180 + 15, 180 - 30 - 12, 75, 180)
    assert cost_of("geglu", (4,), hidden=5, bias=True) == Cost(60, 65, 60, 65, 60 + 14)


def test_gated_values():
    torch.manual_seed(0)
    for name, activation in (("swiglu", nn.SiLU()), ("geglu", nn.GELU("tanh"))):
        module = numbers(build((name, {"hidden": 5, "bias": True}, ((3, 4),))))
        state, x = module.state_dict(), torch.randn(2, 3, 4)

        def dense(part: str, y: Tensor) -> Tensor:
            return y @ state[f"{part}.weight"].T + state[f"{part}.bias"]  # noqa: B023

        equal(module(x), dense("down_proj", activation(dense("gate_proj", x)) * dense("up_proj", x)))


def test_positions():
    x = torch.zeros(1, 5, 6)
    learned = build(("position", {"max_length": 9}, ((5, 6),)))
    equal(learned(x)[0], learned.state_dict()["weight"][:5])
    sines = build(("position", {"kind": "sinusoidal"}, ((5, 6),)))(x)[0]
    for t, i in itertools.product(range(5), range(3)):
        angle = torch.tensor(t / 10_000 ** (2 * i / 6))
        equal(sines[t, 2 * i : 2 * i + 2], torch.stack([angle.sin(), angle.cos()]))
