"""What arguments a layer takes: kinds and ranges, checked as strictly as the language writes them."""

from __future__ import annotations

from typing import Any

import pytest
from layer_calls import layer
from pydantic import ValidationError

ACCEPTED: list[tuple[str, dict[str, Any]]] = [
    ("conv", {"out": 4, "k": (3, 5), "pad": ((0, 1), 2)}),
    ("maxpool", {"k": 2, "pad": "same"}),
    ("dropout", {"p": 0}),  # an int where a float is meant
    ("scale", {"by": 2}),
    ("upsample", {"scale": 1.5}),
    ("upsample", {"scale": (2, 1.5)}),
    ("reshape", {"shape": -1}),
    ("split", {"parts": (1, 2, 3)}),
    ("pad", {"sides": ((1, 2), (3, 4)), "value": -1}),
    ("reduce", {"op": "max", "axes": (0, -1)}),
    ("constant", {"value": ((1, 2.5), (3, 4))}),
]

REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("conv", {"out": 0, "k": 3}),
    ("conv", {"out": True, "k": 3}),
    ("conv", {"out": 4.0, "k": 3}),
    ("conv", {"out": "4", "k": 3}),
    ("conv", {"out": 4}),
    ("conv", {"out": 4, "k": 3, "padding": 1}),
    ("conv", {"out": 4, "k": 3, "pad": -1}),
    ("conv", {"out": 4, "k": 3, "pad": "full"}),
    ("conv", {"out": 4, "k": 3, "bias": 1}),
    ("conv", {"out": 4, "k": 3, "weight": ((1, 2), (3,))}),
    ("maxpool", {"k": (3, 0)}),
    ("maxpool", {"k": 2, "stride": 0}),
    ("dropout", {"p": 1.0}),
    ("dropout", {"p": -0.1}),
    ("dropout", {"mode": "upscale"}),
    ("batchnorm", {"eps": 0.0}),
    ("batchnorm", {"momentum": 1.5}),
    ("leakyrelu", {"slope": float("inf")}),
    ("leakyrelu", {"slope": float("nan")}),
    ("softshrink", {"bound": -1.0}),
    ("gelu", {"approx": "erf"}),
    ("reduce", {"op": "mean"}),
    ("reduce", {"op": "median", "axes": 0}),
    ("split", {"parts": 1_000_000_000}),
    ("adaptiveavgpool", {"size": 1_000_000}),
    ("embedding", {"vocab": 100}),
    ("param", {"shape": (3, 0)}),
    ("param", {"shape": (3,), "dtype": "int64"}),
    ("constant", {"value": ()}),
    ("constant", {"value": "abc"}),
    ("constant", {"value": (1.0, float("inf"))}),
]


@pytest.mark.parametrize(("name", "arguments"), ACCEPTED, ids=[f"{n} {a}" for n, a in ACCEPTED])
def test_accepted(name: str, arguments: dict[str, Any]):
    layer(name, **arguments)


@pytest.mark.parametrize(("name", "arguments"), REFUSED, ids=[f"{n} {a}" for n, a in REFUSED])
def test_refused(name: str, arguments: dict[str, Any]):
    with pytest.raises(ValidationError):
        layer(name, **arguments)
