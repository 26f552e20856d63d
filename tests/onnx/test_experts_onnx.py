"""Mixtures of experts in onnxruntime, against one written out in NumPy, and what they compute."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from layer_calls import layer
from mixtures import SHAPES, mixture
from onnx_nets import Given, check, check_values, compiled, model_of, one_layer, run, run_all, session
from torch import from_numpy

from netspec.ir.types import TensorType

OPSETS = range(17, 27)
FORMS: list[dict[str, Any]] = [{}, {"normalised": False, "activation": "gelu"}]


def drawn(layer: Any, inputs: list[TensorType]) -> dict[str, Any]:
    """Weights of which each shows."""
    draw = np.random.default_rng(0)
    return {name: draw.normal(0, 0.5, w.shape).astype(np.float32) for name, w in layer.weights(inputs).items()}


def model_and_weights(shape: tuple[int, ...], opset: int, **arguments: Any) -> tuple[Any, dict[str, Any]]:
    made, inputs = layer("experts", **arguments), [TensorType(shape)]
    weights = drawn(made, inputs)
    given = Given({name: from_numpy(array) for name, array in weights.items()}, "layer.")
    return model_of(one_layer(made, inputs), given, opset=opset), weights


def agree(ours: Any, expected: Any) -> None:
    assert ours.shape == expected.shape
    np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("form", FORMS, ids=["mixtral", "switch"])
@pytest.mark.parametrize(("experts", "top"), [(1, 1), (4, 1), (5, 3), (4, 4)])
def test_values(opset: int, form: dict[str, Any], experts: int, top: int):
    for shape in SHAPES:
        bias = len(shape) == 3
        model, weights = model_and_weights(shape, opset, experts=experts, hidden=5, top=top, bias=bias, **form)
        check(model)
        loaded = session(model)
        for batch in (1, 3):
            x = np.random.default_rng(batch).normal(size=(batch, *shape)).astype(np.float32)
            agree(run(loaded, x)[0], mixture(weights, x, top, **form))
            check_values(model, {"batch": batch}, x)


@pytest.mark.parametrize("length", [1, 2, 33])
def test_a_length_that_is_a_symbol(length: int):
    made = compiled("net Sparse {\n  input text: [T, 4]\n  mix: experts 40 hidden=5 top=2\n}\n")
    assert made.network is not None
    weights = drawn(made.network.root.nodes[0].layer, [TensorType((1, 4))])  # type: ignore[union-attr]
    model = model_of(made, Given({name: from_numpy(array) for name, array in weights.items()}, "mix."))
    check(model)
    x = np.random.default_rng(length).normal(size=(2, length, 4)).astype(np.float32)
    agree(run(model, x)[0], mixture(weights, x, 2))


@pytest.mark.parametrize("positions", [3, 50])
def test_an_expert_computes_the_positions_that_chose_it(positions: int):
    """Of 3 positions that choose 2 of 8 experts each, at least two experts get none."""
    model, weights = model_and_weights((positions, 4), 23, experts=8, hidden=5, top=2)
    x = np.random.default_rng(0).normal(size=(1, positions, 4)).astype(np.float32)
    values = run_all(model, x)
    given = [array for name, array in values.items() if name.startswith("layer/GatherND")]
    chosen = np.argsort(-(x[0] @ weights["gate.weight"].T), -1)[:, :2]
    assert [len(rows) for rows in given] == [int((chosen == number).sum()) for number in range(8)]
    for number, rows in enumerate(given):
        assert (rows == x[0][(chosen == number).any(-1)]).all()
    assert sum(map(len, given)) == 2 * positions
    assert (min(map(len, given)) == 0) == (positions == 3)
