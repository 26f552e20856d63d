"""A net written out is the flat net: the same layers in the same order, values, types and weights."""

from __future__ import annotations

from typing import Any

import pytest
from flat import compiled, flat_of
from random_nets import random_net

from netspec import limits, resources
from netspec.analysis.unrolled import TooManyLayers, Unrolled, unroll
from netspec.driver import Compilation, compile_source, find_source, missing_values, net_names


def unrolled(made: Compilation) -> Unrolled:
    assert made.network is not None
    return unroll(made.network, made.types)


def path(name: str) -> str:
    """A path as `unroll` writes it: `flat` has an empty part for a repeat without a label."""
    while ".." in name:
        name = name.replace("..", ".")
    return name.strip(".")


def agree(made: Compilation) -> None:
    ours, flat = unrolled(made), flat_of(made)
    # values are numbered in the order in which they are made, by both
    assert (list(ours.inputs), list(ours.outputs)) == (flat.inputs, flat.outputs)
    assert [(step.layer, list(step.takes), list(step.makes)) for step in ours.steps] == [
        (step.layer, step.takes, step.makes) for step in flat.steps
    ]
    assert [(list(step.inputs), list(step.outputs)) for step in ours.steps] == [
        (step.inputs, step.outputs) for step in flat.steps
    ]
    assert [step.path for step in ours.steps] == [path(step.path) for step in flat.steps]
    assert [step.weights for step in ours.steps] == [
        {name: (path(tensor), weight) for name, (tensor, weight) in step.weights.items()} for step in flat.steps
    ]


@pytest.mark.parametrize("seed", range(100))
def test_random_nets(seed: int):
    agree(compiled(random_net(seed)))


def bundled() -> list[Any]:
    found = []
    for spec in resources.spec_names():
        definitions = compile_source(find_source(spec))[0].definitions
        found += [(spec, net) for net in net_names(definitions) if not missing_values(definitions, net)]
    return found


@pytest.mark.parametrize(("spec", "net"), bundled())
def test_bundled_specs(spec: str, net: str):
    agree(Compilation(find_source(spec), net, {}))


# -- by hand --------------------------------------------------------------------------------------------

SHARED = """
block unit(n) {
  conv n k=1
  relu
}
net Shared {
  input x: [4, 3]
  e: conv 4 k=1
  stem: unit 4
  repeat 2 {
    body: unit 4
    reuse stem
  }
  deep: repeat 3 as i {
    "part{i + 1}": conv 4 k=1 bias=false tie=e
  }
  s: split 2
  concat { | from s | from s.1 }
}
"""


def test_paths_values_and_weights():
    made = unrolled(compiled(SHARED))
    rows = [
        (step.path, step.takes, step.makes, {name: tensor for name, (tensor, _) in step.weights.items()})
        for step in made.steps
    ]
    stem = {"weight": "stem.conv1.weight", "bias": "stem.conv1.bias"}
    assert rows == [
        ("e", (0,), (1,), {"weight": "e.weight", "bias": "e.bias"}),
        ("stem.conv1", (1,), (2,), stem),
        ("stem.relu1", (2,), (3,), {}),
        *(
            row
            for i, x in ((0, 3), (1, 7))
            for row in [
                (
                    f"repeat1.{i}.body.conv1",
                    (x,),
                    (x + 1,),
                    {name: f"repeat1.{i}.body.conv1.{name}" for name in ("weight", "bias")},
                ),
                (f"repeat1.{i}.body.relu1", (x + 1,), (x + 2,), {}),
                (f"repeat1.{i}.stem_1.conv1", (x + 2,), (x + 3,), stem),  # reused: another path, the same weights
                (f"repeat1.{i}.stem_1.relu1", (x + 3,), (x + 4,), {}),
            ]
        ),
        *((f"deep.part{i + 1}", (11 + i,), (12 + i,), {"weight": "e.weight"}) for i in range(3)),
        ("s", (14,), (15, 16), {}),
        ("concat1", (15, 16), (17,), {}),
    ]


def test_too_many_layers():
    text = "net Deep {{\n  input x: [4, 3]\n  repeat {times} {{ conv 4 k=1 -> relu }}\n}}\n"
    made = compiled(text.format(times=1000))
    assert len(unrolled(made).steps) == 2000
    made = compiled(text.format(times=limits.LAYERS))
    with pytest.raises(TooManyLayers) as caught:
        unrolled(made)
    assert caught.value.layers >= 2 * limits.LAYERS
    assert f"at most {limits.LAYERS:,} can be written out" in str(caught.value)
