"""The IR as JSON: what is written is read back as it was, and what cannot be right is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from reading import net

import netspec
from netspec import resources
from netspec.driver import Compilation, compile_source, find_source
from netspec.ir.network import Network
from netspec.source import SourceFile

BODIES = [
    "conv 4 k=3 -> relu -> flatten -> dense 10",
    'conv 4 k=3x3 pad=((1, 2), (0, 1)) stride=(2, 1) pad_mode="reflect"',
    "conv 1 k=2 weight=[[[0, 1], [2, 3]], [[0, 1], [2, 3]], [[0, 1], [2, 3]]] bias=false",
    "add { | conv 3 k=1 | identity }",
    "l: repeat 5 as i { conv (4 if i == 3 else 3) k=1 -> conv 3 k=1 }",
    'l: repeat 3 as i { "c{i}": conv 3 k=1 }',
    "c: conv 3 k=1 -> reuse c",
    "input x: [T, 3]\nc: lstm 3 -> d: reuse c with c.state c.cell -> reuse d\nreturn it as y, c.state, d.state as z",
    "input x: [T, 3]\nc: lstm 3\ng: { lstm 3 with c.state c.cell }\nreturn it as y",
    "param p: [3, 1, 1]\nadd with p",
    "constant p: [[[0.5]], [[1]], [[2]]]\nadd with p",
    "input tokens: int64 [T]\nemb: embedding 100 16\ndense 100 tie=emb bias=false",
    "input image: [3, H, W=8]\nconv 4 k=3 stride=2 -> maxpool 2 ceil=true",
    "input a: [3]\ninput b: [3]\nfrom a -> add with b",
    "p: parts\nconcat with p.a",
]
BLOCK = "block parts { a: conv 4 k=1\n b: conv 5 k=1\n return b, a }"


def read(text: str) -> Compilation:
    return Compilation(SourceFile("net.json", text))


@pytest.mark.parametrize("body", BODIES)
def test_to_json_and_back(body: str) -> None:
    found = net(body, BLOCK)
    text = found.ir.model_dump_json(indent=2)
    assert Network.model_validate_json(text).model_dump_json(indent=2) == text
    again = netspec.loads(text)
    assert facts(again) == facts(found)


@pytest.mark.parametrize("name", resources.spec_names())
def test_bundled_specs_to_json_and_back(name: str) -> None:
    for made in compile_source(find_source(name)):
        assert made.network is not None
        again = read(made.network.model_dump_json())
        assert (again.totals, again.name) == (made.totals, made.name)
        assert again.types[again.network.root.name] == made.types[made.network.root.name]  # type: ignore[union-attr]
        assert again.peak_activation_bytes == made.peak_activation_bytes


def facts(found: netspec.Network) -> dict[str, Any]:
    """All that is known of a net, apart from where it was written."""
    result = found.to_dict()
    del result["file"], result["diagnostics"]  # warnings are about the text
    for layer in result["layers"]:
        del layer["line"]
    return result


def test_json_has_the_arguments_that_are_not_the_usual_ones() -> None:
    module = net("conv 4 k=3 stride=1 pad=2").ir.model_dump(mode="json")["modules"][0]
    assert module["nodes"][0]["layer"] == {"layer": "conv", "out": 4, "k": 3, "pad": 2}


def layer(name: str = "a", layer: str = "relu", inputs: list[str] | None = None, **more: Any) -> dict[str, Any]:
    node = {"kind": "layer", "name": name, "inputs": ["x"] if inputs is None else inputs}
    arguments = {k: more.pop(k) for k in list(more) if k not in ("shares", "ties")}
    return {**node, "layer": {"layer": layer, **arguments}, **more}


def module(
    *nodes: dict[str, Any], name: str = "N", outputs: dict[str, str] | None = None, **more: Any
) -> dict[str, Any]:
    return {
        "name": name,
        "inputs": ["x"],
        "nodes": list(nodes),
        "outputs": outputs or {"": nodes[-1]["name"]},
        **more,
    }


def network(*modules: dict[str, Any], **more: Any) -> dict[str, Any]:
    x = {"name": "x", "type": {"shape": [3, 8, 8], "dtype": "float32"}}
    return {"format": "netspec-ir-1", "name": "N", "inputs": [x], "modules": list(modules), **more}


def call(name: str, module: str, inputs: list[str]) -> dict[str, Any]:
    return {"kind": "call", "name": name, "module": module, "inputs": inputs}


def repeat(name: str, inputs: list[str], *runs: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "repeat", "name": name, "inputs": inputs, "runs": list(runs)}


INNER = module(layer("r"), name="inner")

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a value that does not exist": (network(module(layer(inputs=["y"]))), "there is no value `y` before it"),
    "a value that comes later": (
        network(module(layer("a", inputs=["b"]), layer("b", inputs=["a"]))),
        "there is no value `b` before it",
    ),
    "a layer of itself": (network(module(layer("a", inputs=["a"]))), "there is no value `a` before it"),
    "a name twice": (network(module(layer("a"), layer("a"))), "the name stands twice"),
    "the name of an input": (network(module(layer("x"))), "the name stands twice"),
    "a module twice": (network(INNER, INNER, module(layer())), "module `inner` stands twice"),
    "a module that does not exist": (network(module(call("c", "none", ["x"]))), "there is no module `none`"),
    "a module in itself": (network(module(call("c", "N", ["x"]))), "there is no module `N` before this one"),
    "modules in each other": (
        network(module(call("c", "N", ["x"]), name="inner"), module(call("c", "inner", ["x"]))),
        "there is no module `N` before this one",
    ),
    "a module at two types": (
        network(INNER, module(call("a", "inner", ["x"]), layer("f", "flatten", ["a"]), call("b", "inner", ["f"]))),
        "module `inner` is used at [3, 8, 8] and at [192]",
    ),
    "too few inputs of a module": (network(INNER, module(call("a", "inner", []))), "takes 1 inputs, gets 0"),
    "too few inputs of a layer": (network(module(layer("a", "add", ["x"]))), "`add` cannot take 1 inputs"),
    "too many inputs of a layer": (
        network(module(layer("a", "relu", ["x", "x"]))),
        "`relu` cannot take 2 inputs",
    ),
    "an output that does not exist": (network(module(layer(), outputs={"": "y"})), "there is no value `y`"),
    "a member that does not exist": (
        network(module(layer(), outputs={"": "a.1"})),
        "there is no value `a.1`",
    ),
    "no output": (network({**module(layer()), "outputs": {}}), "has no output"),
    "a layer that does not exist": (network(module(layer("a", "convv"))), "there is no layer 'convv'"),
    "an argument that does not exist": (network(module(layer("a", "relu", n=1))), "`relu`: argument `n`"),
    "an argument of another type": (
        network(module(layer("a", "conv", out="4", k=3))),
        "`conv`: argument `out`",
    ),
    "true for 1": (network(module(layer("a", "conv", out=True, k=3))), "`conv`: argument `out`"),
    "an argument that is missing": (network(module(layer("a", "conv", out=4))), "`conv`: argument `k`"),
    "a layer that does not fit": (network(module(layer("a", "conv", out=4, k=9))), "(8 - 9) // 1 + 1 = 0"),
    "a repeat without runs": (network(module(repeat("r", ["x"]))), "needs an input and a run"),
    "a repeat of no input": (
        network(INNER, module(repeat("r", [], {"module": "inner", "times": 2}))),
        "needs an input",
    ),
    "a repeat of 0 times": (
        network(INNER, module(repeat("r", ["x"], {"module": "inner", "times": 0}))),
        "greater than",
    ),
    "a repeat that changes the type": (
        network(
            module(layer("r", "flatten"), name="inner"),
            module(repeat("r", ["x"], {"module": "inner", "times": 2})),
        ),
        "`inner` cannot follow itself: it takes [3, 8, 8] and gives [192]",
    ),
    "an input too many": (
        network({**module(layer()), "inputs": ["x", "y"]}),
        "the net has 1 inputs, its module `N` 2",
    ),
    "a size of 0": (
        network(module(layer()), inputs=[{"name": "x", "type": {"shape": [0]}}]),
        "greater than 0",
    ),
    "a module that nothing uses": (network(INNER, module(layer())), "module `inner` is not used"),
    "a size that is a text": (
        network(module(layer()), inputs=[{"name": "x", "type": {"shape": ["3 +"]}}]),
        "'3 +'",
    ),
    "a size divided by nothing": (
        network(module(layer()), inputs=[{"name": "x", "type": {"shape": ["3 // 0"]}}]),
        "zero",
    ),
    "a size below 1": (network(module(layer()), inputs=[{"name": "x", "type": {"shape": ["0 - 3"]}}]), "-3"),
    "an unknown element type": (
        network(module(layer()), inputs=[{"name": "x", "type": {"shape": [3], "dtype": "int4"}}]),
        "dtype",
    ),
    "weights of no node": (network(module(layer("a", shares="b"))), "`b`"),
    "weights of another shape": (
        network(module(layer("a", "dense", out=4), layer("b", "dense", ["a"], out=4, shares="a"))),
        "`a`",
    ),
    "a tie to no weight": (
        network(module(layer("a", "dense", out=4, ties={"weight": "b.weight"}))),
        "no node `b`",
    ),
    "a tie of no weight": (
        network(module(layer("a", "dense", out=8), layer("b", "relu", ["a"], ties={"weight": "a.weight"}))),
        "weight",
    ),
    "a field too many": (network(module(layer()), more=1), "more"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str) -> None:
    ir, reason = REFUSED[case]
    made = read(json.dumps(ir))
    assert made.network is None
    (found,) = made.diagnostics
    assert found.code == "NS002"
    assert reason in found.title


def test_what_the_cases_begin_from_is_right() -> None:
    assert read(json.dumps(network(INNER, module(call("c", "inner", ["x"]))))).sound


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[: len(text) // 2],
        lambda text: text.replace('"kind"', '"sort"'),
        lambda text: text.replace("[", "{").replace("]", "}"),
        lambda text: '{"a": ' + "[" * 100_000,
        lambda text: '{"a":' * 5_000,
        lambda text: text.replace('"netspec-ir-1"', "7"),
        lambda text: text.replace('"modules"', '"modules": null, "m"'),
        lambda text: text.replace("3", "3e400"),
        lambda text: text.replace("3", "9" * 5000),
    ],
)
def test_damaged_json_is_refused(change: Callable[[str], str]) -> None:
    made = read(change(net("conv 4 k=3").ir.model_dump_json()))
    assert made.network is None
    assert [d.code for d in made.diagnostics] == ["NS002"]


def test_ir_has_nothing_to_set(tmp_path: Path) -> None:
    text = net("conv 4 k=3").ir.model_dump_json()
    made = Compilation(SourceFile("net.json", text), settings={"H": 3})
    assert made.network is None
    assert [d.title for d in made.diagnostics] == ["net.json is not valid netspec IR: IR has no parameters to set"]


def test_every_net_follows_the_schema() -> None:
    schema = Network.model_json_schema()
    assert schema["properties"]["format"]["const"] == "netspec-ir-1"
    (layers,) = [s for s in find(schema, "oneOf") if len(s) > 40]
    assert {"conv", "dense", "relu"} <= {choice["properties"]["layer"]["const"] for choice in layers}


def find(value: Any, name: str) -> list[Any]:
    if isinstance(value, dict):
        return [v for k, v in value.items() if k == name] + [f for v in value.values() for f in find(v, name)]
    return [f for v in value for f in find(v, name)] if isinstance(value, list) else []
