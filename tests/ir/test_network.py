"""The IR as JSON: what comes back is what was written, for every bundled spec and for random nets."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from netspec import resources
from netspec.analysis.shapes import infer
from netspec.driver import Compilation, compile_source
from netspec.ir.network import Network
from netspec.source import SourceFile

sys.path.append(str(Path(__file__).parent.parent / "analysis"))

from random_nets import random_net

SPECS = [Path(str(resources.spec_path(name))) for name in resources.spec_names()]


def networks() -> list[Any]:
    found = []
    for path in SPECS:
        source = SourceFile(path.name, path.read_text(), str(path))
        for symbolic in (False, True):
            for made in compile_source(source, None, None, 1, symbolic):
                kind = "symbolic" if symbolic else "numbers"
                found.append(pytest.param(made, id=f"{path.stem}:{made.name} {kind}"))
    for seed in range(400, 440):
        found.append(pytest.param(Compilation(SourceFile("r.net", random_net(seed), None)), id=str(seed)))
    return found


@pytest.mark.parametrize("made", networks())
def test_round_trip(made: Compilation):
    network = made.network
    assert network is not None
    text = network.model_dump_json()
    again = Compilation(SourceFile("ir.json", text, None))
    assert again.network is not None
    assert again.network.model_dump_json() == text
    assert again.network == network
    assert again.diagnostics == ()
    # types are inferred anew
    assert infer(network) == {name: types for name, types in made.types.items() if types}
    assert again.types == made.types
    assert again.totals == made.totals
    assert again.node_totals == made.node_totals
    assert again.peak_activation_bytes == made.peak_activation_bytes


# -- the JSON Schema ------------------------------------------------------------------------------------


def fits(value: Any, schema: dict[str, Any], whole: dict[str, Any]) -> bool:
    """Whether a value is what a schema describes: the part of JSON Schema that pydantic writes."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return fits(value, whole["$defs"][name], whole)
    for key, some in (("anyOf", any), ("oneOf", any), ("allOf", all)):
        if key in schema and not some(fits(value, part, whole) for part in schema[key]):
            return False
    if "const" in schema and value != schema["const"]:
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    kinds: dict[str, Any] = {
        "object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool,
        "null": type(None),
    }  # fmt: skip
    kind = schema.get("type")
    if kind is not None:
        if not isinstance(value, kinds[kind]) or (isinstance(value, bool) and kind in ("integer", "number")):
            return False
        if kind in ("integer", "number"):
            if value < schema.get("minimum", value) or value > schema.get("maximum", value):
                return False
            if "exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"]:
                return False
    if kind == "array":
        first = schema.get("prefixItems", [])
        rest = schema.get("items", {})
        if len(value) < schema.get("minItems", 0) or len(value) > schema.get("maxItems", len(value)):
            return False
        parts = [*first, *[rest] * (len(value) - len(first))]
        return all(fits(v, s, whole) for v, s in zip(value, parts, strict=False) if s is not True)
    if kind == "object":
        known = schema.get("properties", {})
        more = schema.get("additionalProperties", {})
        if any(name not in value for name in schema.get("required", [])):
            return False
        if more is False and any(name not in known for name in value):
            return False
        other = more if isinstance(more, dict) else {}
        return all(fits(v, known.get(name, other), whole) for name, v in value.items())
    return True


SCHEMA = Network.model_json_schema()


@pytest.mark.parametrize("made", networks()[::3])
def test_schema_describes_the_output(made: Compilation):
    assert made.network is not None
    assert fits(json.loads(made.network.model_dump_json()), SCHEMA, SCHEMA)


SMALL: dict[str, Any] = {
    "format": "netspec-ir-1",
    "name": "N",
    "inputs": [{"name": "x", "type": {"shape": [1, 8, 8]}}],
    "modules": [
        {
            "name": "N",
            "inputs": ["x"],
            "nodes": [{"kind": "layer", "name": "c", "layer": {"layer": "conv", "out": 4, "k": 3}, "inputs": ["x"]}],
            "outputs": {"": "c"},
        }
    ],
}


def changed(path: str, value: Any) -> dict[str, Any]:
    """SMALL with the value at a path, of keys and numbers, another; None takes it away."""
    made = json.loads(json.dumps(SMALL))
    *way, last = [int(part) if part.isdigit() else part for part in path.split("/")]
    at: Any = made
    for part in way:
        at = at[part]
    if value is None:
        del at[last]
    else:
        at[last] = value
    return made


def test_small_fits():
    assert fits(SMALL, SCHEMA, SCHEMA)
    assert Compilation(SourceFile("ir.json", json.dumps(SMALL), None)).sound


@pytest.mark.parametrize(
    ("path", "value", "schema_too"),
    [
        ("format", "netspec-ir-2", True),
        ("name", None, True),
        ("extra", 1, True),
        ("inputs/0/type/shape", [0, 8, 8], True),
        ("inputs/0/type/shape", [1.5], True),
        ("inputs/0/type/dtype", "int3", True),
        ("inputs/0/type/shape", ["H //"], False),
        ("inputs/0/type/shape", ["H // 0"], False),
        ("modules", [], False),
        ("modules/0/nodes/0/layer/k", 0, True),
        ("modules/0/nodes/0/layer/k", True, False),
        ("modules/0/nodes/0/layer/layer", "convolution", True),
        ("modules/0/nodes/0/layer/kk", 3, True),
        ("modules/0/nodes/0/kind", "node", True),
        ("modules/0/nodes/0/inputs", [], False),
        ("modules/0/nodes/0/inputs", ["y"], False),
        ("modules/0/nodes/0/name", "x", False),
        ("modules/0/nodes/0/name", "a.b", False),
        ("modules/0/nodes/0/shares", "d", False),
        ("modules/0/nodes/0/ties", {"weight": "d.weight"}, False),
        ("modules/0/outputs", {}, False),
        ("modules/0/outputs", {"": "d"}, False),
    ],
)
def test_refused(path: str, value: Any, schema_too: bool):
    wrong = changed(path, value)
    made = Compilation(SourceFile("ir.json", json.dumps(wrong), None))
    assert [d.code for d in made.diagnostics if d.severity == "error"] == ["NS002"] or not made.network
    assert made.network is None
    if schema_too:
        assert not fits(wrong, SCHEMA, SCHEMA)
