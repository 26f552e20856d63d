"""Recurrent layers against recurrences written out in NumPy, as the papers have them, in torch and onnxruntime."""

# ruff: noqa: E501  # the tables have one case a line

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from layer_calls import cost_of, layer, types
from test_torch_rules import PROJECTED, RECURRENT, Case, build, ident, inputs_of, randomised
from torch import nn

from netspec.ir.dims import symbol
from netspec.ops.base import Cost, output_types

Array = Any


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def step(
    name: str, arguments: dict[str, Any], x: Array, h: Array, c: Array, w: dict[str, Array]
) -> tuple[Array, Array]:
    """The next state and cell of one sample."""
    size = len(w["weight_hh"]) // {"rnn": 1, "gru": 3, "lstm": 4}[name]

    def gate(number: int, h: Array = h) -> tuple[Array, Array]:
        """What a gate has of the input and of the state, each with its bias."""
        rows = slice(number * size, (number + 1) * size)
        return w["weight_ih"][rows] @ x + w["bias_ih"][rows], w["weight_hh"][rows] @ h + w["bias_hh"][rows]

    if name == "rnn":
        total = sum(gate(0))
        return np.maximum(total, 0) if arguments.get("activation") == "relu" else np.tanh(total), c
    if name == "gru":
        r, z = sigmoid(sum(gate(0))), sigmoid(sum(gate(1)))
        if arguments.get("reset") == "before":
            n = np.tanh(sum(gate(2, r * h)))
        else:
            own, recurrent = gate(2)
            n = np.tanh(own + r * recurrent)
        return (1 - z) * n + z * h, c
    i, f, g, o = (sum(gate(number)) for number in range(4))
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    h = sigmoid(o) * np.tanh(c)
    return w["weight_hr"] @ h if "weight_hr" in w else h, c


def recurrence(case: Case, weights: dict[str, Array], inputs: list[Array]) -> list[Array]:
    """A layer's outputs for one sample."""
    name, arguments, _ = case
    x, *begin = inputs
    hidden, layers = arguments["hidden"], arguments.get("layers", 1)
    suffixes = ("", "_reverse")[: 2 if arguments.get("bidirectional") else 1]
    sizes = [arguments.get("proj", hidden), hidden]
    states = [np.zeros((layers * len(suffixes), size)) for size in sizes]
    for place, given in enumerate(begin):
        states[place] = given.reshape(states[place].shape)
    ends: list[tuple[Array, Array]] = []
    for number in range(layers):
        sides = []
        for suffix in suffixes:
            end = f"_l{number}{suffix}"
            own = {key.removesuffix(end): value for key, value in weights.items() if key.endswith(end)}
            for bias in ("bias_ih", "bias_hh"):
                own.setdefault(bias, np.zeros(len(own["weight_hh"])))
            h, c = (state[len(ends)] for state in states)
            outputs: list[Array] = []
            for row in x[::-1] if suffix else x:
                h, c = step(name, arguments, row, h, c, own)
                outputs.append(h)
            sides.append(np.stack(outputs[::-1] if suffix else outputs))
            ends.append((h, c))
        x = np.concatenate(sides, axis=1)
    finals = [np.stack(each) for each in zip(*ends, strict=True)][: 2 if name == "lstm" else 1]
    first = x[-1] if arguments.get("steps") == "last" else x
    return [first, *(final[0] if len(ends) == 1 else final for final in finals)]


@pytest.mark.parametrize("case", [*RECURRENT, *PROJECTED], ids=ident)
def test_torch_is_the_recurrence(case: Case):
    torch.manual_seed(0)
    module = randomised(case).double().eval()
    weights = {name: tensor.numpy() for name, tensor in module.state_dict().items()}
    inputs = [x.double() for x in inputs_of(case, batch=3)]
    with torch.no_grad():
        outputs = module(*inputs)
    for sample in range(3):
        expected = recurrence(case, weights, [x[sample].numpy() for x in inputs])
        assert len(expected) == len(outputs)
        for ours, theirs in zip(outputs, expected, strict=True):
            np.testing.assert_allclose(ours[sample].numpy(), theirs, rtol=1e-9, atol=1e-9)
            assert np.abs(theirs).max() > 0.01


@pytest.mark.parametrize("kind", [nn.RNN, nn.GRU, nn.LSTM])
def test_a_part_is_torch_where_torch_has_it(kind: type[nn.Module]):
    """With one bias it is what torch gives where the other one is 0."""
    name = kind.__name__.lower()
    torch.manual_seed(0)
    arguments = {"hidden": 7, "layers": 2, "bidirectional": True, "bias": "one"}
    case: Case = (name, arguments, ((4, 5),))
    module = build(case)
    assert type(module).__mro__[1].__name__ == "Recurrence"
    theirs = kind(5, 7, num_layers=2, bidirectional=True, batch_first=True)
    state = module.state_dict()
    theirs.load_state_dict({key: state.get(key, torch.zeros_like(t)) for key, t in theirs.state_dict().items()})
    (x,) = inputs_of(case, batch=3)
    y, states = theirs(x)
    states = states if isinstance(states, tuple) else (states,)
    for own, other in zip(module(x), (y, *(each.transpose(0, 1) for each in states)), strict=True):
        torch.testing.assert_close(own, other)


def apart(one: Array, other: Array) -> float:
    """The largest difference, as a share of the largest element."""
    return float(((one - other).abs().max() / one.abs().max()).detach())


def test_the_two_resets_are_not_one():
    torch.manual_seed(0)
    shapes = ((8, 5),)
    after, before = (randomised(("gru", {"hidden": 7, "reset": reset}, shapes)) for reset in ("after", "before"))
    before.load_state_dict(after.state_dict())
    (x,) = inputs_of(("gru", {}, shapes))
    assert apart(after(x)[0], before(x)[0]) > 0.05


@pytest.mark.parametrize(
    ("name", "reset", "same"),
    [("rnn", None, True), ("lstm", None, True), ("gru", "before", True), ("gru", "after", False)],
)
def test_where_two_biases_are_one(name: str, reset: str | None, same: bool):
    """Their sum in place of both is the same function, but for a gru whose reset gate acts after the product."""
    torch.manual_seed(0)
    more = {"reset": reset} if reset else {}
    two, one = (randomised((name, {"hidden": 7, "bias": bias, **more}, ((8, 5),))) for bias in ("two", "one"))
    state = two.state_dict()
    state["bias_ih_l0"] = state["bias_ih_l0"] + state.pop("bias_hh_l0")
    one.load_state_dict(state)
    (x,) = inputs_of((name, {}, ((8, 5),)))
    difference = apart(two(x)[0], one(x)[0])
    assert difference < 1e-5 if same else difference > 0.05


# -- figures --------------------------------------------------------------------------------------------


def count(name: str, shape: tuple[Any, ...] = (3, 5), **arguments: Any) -> int:
    return sum(w.type.elements for w in layer(name, **arguments).weights(types(shape)).values())  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "two", "one", "none"), [("rnn", 98, 91, 84), ("gru", 294, 273, 252), ("lstm", 392, 364, 336)]
)
def test_parameters(name: str, two: int, one: int, none: int):
    """5 inputs, 7 units: as torch counts them, as textbooks do, and without biases."""
    assert count(name, hidden=7) == two
    assert count(name, hidden=7, bias="one") == one
    assert count(name, hidden=7, bias=False) == none
    assert count(name, hidden=7, bidirectional=True) == 2 * two


def test_parameters_of_a_projection():
    assert count("lstm", hidden=7, proj=3) == 4 * 7 * 5 + 4 * 7 * 3 + 8 * 7 + 3 * 7


def test_names():
    assert list(layer("lstm", hidden=7, bidirectional=True, proj=3).weights(types((3, 5)))) == [
        "weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0", "weight_hr_l0",
        "weight_ih_l0_reverse", "weight_hh_l0_reverse", "bias_ih_l0_reverse", "bias_hh_l0_reverse", "weight_hr_l0_reverse",
    ]  # fmt: skip
    assert list(layer("gru", hidden=7, layers=2, bias="one").weights(types((3, 5)))) == [
        "weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "weight_ih_l1", "weight_hh_l1", "bias_ih_l1",
    ]  # fmt: skip


def test_weights_begin_within_the_share_of_the_units():
    for name in ("rnn", "gru", "lstm"):
        weights = layer(name, hidden=16).weights(types((3, 5)))
        assert {weight.init for weight in weights.values()} == {("fan", 16)}
        for part in (build((name, {"hidden": 16}, ((3, 5),))), build((name, {"hidden": 16, "bias": "one"}, ((3, 5),)))):
            for tensor in part.parameters():
                assert 0.15 < tensor.abs().max() <= 0.25


@pytest.mark.parametrize(
    ("name", "arguments", "cost"),
    [
        # 7 units, each 5 + 7 products; their sum has one addition less, and each bias is one more
        ("rnn", {}, Cost(84, 84, 77 + 14, 35, 98)),
        ("rnn", {"bias": "one", "activation": "relu"}, Cost(84, 84, 77 + 7, 7, 91)),
        ("gru", {}, Cost(252, 252 + 21, 231 + 42 + 14, 91, 294)),
        ("gru", {"bias": False}, Cost(252, 252 + 21, 231 + 14, 91, 252)),
        ("lstm", {}, Cost(336, 336 + 21, 308 + 56 + 7, 154, 392)),
        # 4 * 7 * (5 + 3) products of gates and 3 * 7 of the projection
        ("lstm", {"proj": 3}, Cost(245, 245 + 21, 224 - 28 + 56 + 7 + 18, 154, 301)),
    ],
)
def test_cost_of_one_step(name: str, arguments: dict[str, Any], cost: Cost):
    assert cost_of(name, (1, 5), hidden=7, **arguments) == cost
    T = symbol("T")
    assert cost_of(name, (T, 5), hidden=7, **arguments) == Cost(*(each * T for each in cost))


def test_published_example():
    """lstm 16 -> 32 over 7 steps: 43,008 MACs."""
    assert cost_of("lstm", (7, 16), hidden=32).macs == 43_008


@pytest.mark.parametrize(
    ("name", "arguments", "shapes"),
    [
        ("rnn", {}, [("T", 7), (7,)]),
        ("gru", {"layers": 2}, [("T", 7), (2, 7)]),
        ("gru", {"bidirectional": True, "steps": "last"}, [(14,), (2, 7)]),
        ("lstm", {"layers": 3, "bidirectional": True}, [("T", 14), (6, 7), (6, 7)]),
        ("lstm", {"proj": 3}, [("T", 3), (3,), (7,)]),
        ("lstm", {"proj": 3, "layers": 2, "steps": "last"}, [(3,), (2, 3), (2, 7)]),
    ],
)
def test_shapes(name: str, arguments: dict[str, Any], shapes: list[tuple[Any, ...]]):
    T = symbol("T")
    outputs = output_types(layer(name, hidden=7, **arguments), types((T, 5)))
    assert [out.shape for out in outputs] == [tuple(T if n == "T" else n for n in shape) for shape in shapes]
