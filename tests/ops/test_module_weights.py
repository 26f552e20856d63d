"""The weights of whole modules: their dotted names, and whether two modules have the same."""

from __future__ import annotations

import pytest

from netspec.driver import Compilation
from netspec.ops.weights import held_by, layer_weights, module_weights, same_weights
from netspec.source import SourceFile

TEXT = """
block pair(width) { first: dense width -> dense width bias=false }
block three(width) { repeat 3 { dense width -> relu } }
block differing(width) { repeat 3 as i { dense (width if i == 0 else 2 * width) bias=false } }
net N {
  input x: [4]
  a: pair 4
  b: pair 4
  c: pair 8
  dense 4
  d: three 4
  e: differing 4
  dense 4
  norms: { relu -> layernorm }
  param f: [4]
  add with f
  param X: [4]
  add with X
}
"""


def made() -> Compilation:
    compiled = Compilation(SourceFile("n.net", TEXT))
    assert compiled.sound, [str(told) for told in compiled.diagnostics]
    return compiled


def module_of(compiled: Compilation, label: str) -> str:
    (node,) = [node for node in compiled.network.root.nodes if node.name == label]
    return str(node.module)


def named(label: str) -> list[str]:
    compiled = made()
    found = module_weights(module_of(compiled, label), compiled.network.module_table(), compiled.types, f"{label}.")
    return [f"{name} {list(weight.shape)} {weight.kind}" for name, weight in found]


@pytest.mark.parametrize(
    ("label", "weights"),
    [
        ("a", ["a.first.weight [4, 4] trainable", "a.first.bias [4] trainable", "a.dense1.weight [4, 4] trainable"]),
        # iterations that are alike are told once
        ("d", ["d.repeat1.0.dense1.weight [4, 4] trainable", "d.repeat1.0.dense1.bias [4] trainable"]),
        ("e", ["e.repeat1.0.weight [4, 4] trainable",
               "e.repeat1.1.weight [8, 4] trainable", "e.repeat1.2.weight [8, 8] trainable"]),
    ],
)  # fmt: skip
def test_names(label: str, weights: list[str]) -> None:
    assert named(label) == weights


def test_names_of_a_net() -> None:
    compiled = made()
    table = compiled.network.module_table()
    names = [name for name, _ in module_weights(compiled.network.root.name, table, compiled.types)]
    assert [name for name in names if name.count(".") < 2] == [
        "dense1.weight", "dense1.bias", "dense2.weight", "dense2.bias", "f", "X",
    ]  # fmt: skip
    assert [name for name in names if name.startswith(("b.", "norms."))] == [
        "b.first.weight", "b.first.bias", "b.dense1.weight", "norms.layernorm1.weight", "norms.layernorm1.bias",
    ]  # fmt: skip


def test_same_weights() -> None:
    compiled = made()
    table, types = compiled.network.module_table(), compiled.types
    a, b, c, d, e = (module_of(compiled, label) for label in "abcde")
    assert same_weights(a, b, table, types)
    assert same_weights(d, d, table, types)
    for one, other in ((a, c), (a, d), (d, e), (c, e)):
        assert not same_weights(one, other, table, types)


def test_weights_of_a_layer() -> None:
    compiled = made()
    root = compiled.network.root
    (node,) = [node for node in root.nodes if node.name == "dense2"]
    weights = layer_weights(node, compiled.types[root.name])
    assert [(name, str(type), kind) for name, type, kind in held_by(weights)] == [
        ("weight", "[4, 8]", "trainable"), ("bias", "[4]", "trainable"),
    ]  # fmt: skip
