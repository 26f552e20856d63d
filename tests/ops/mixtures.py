"""A mixture of experts written out in NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

SHAPES = [(4,), (7, 4), (3, 2, 4), (2, 3, 2, 4)]  # of inputs: no, one and several axes before the features


def mixture(
    weights: Mapping[str, Any], x: Any, top: int, normalised: bool = True, activation: str = "silu"
) -> np.ndarray[Any, Any]:
    """The mixture, one position at a time. `weights`: by the names that they have in the layer."""

    def dense(name: str, v: Any) -> Any:
        return weights[f"{name}.weight"] @ v + weights.get(f"{name}.bias", 0)

    def expert(number: int, v: Any) -> Any:
        gate, up = dense(f"experts.{number}.w1", v), dense(f"experts.{number}.w3", v)
        if activation == "silu":
            bent = gate / (1 + np.exp(-gate))
        else:
            bent = gate * (1 + np.tanh(np.sqrt(2 / np.pi) * (gate + 0.044715 * gate**3))) / 2
        return dense(f"experts.{number}.w2", bent * up)

    rows = x.reshape(-1, x.shape[-1])
    result = np.zeros_like(rows)
    for place, row in enumerate(rows):
        scores = weights["gate.weight"] @ row
        chosen = np.argsort(-scores)[:top]
        shares = np.exp(scores) / np.exp(scores[chosen] if normalised else scores).sum()
        for number in chosen:
            result[place] += shares[number] * expert(int(number), row)
    return result.reshape(x.shape)
