"""How a layer looks in JSON: {"layer": "conv", "out": 64, "k": 7}, arguments at their default left out."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError
from pydantic_core import core_schema as cs

from netspec.ops import find_layer, layer_names
from netspec.ops.arguments import FROM_JSON
from netspec.ops.base import Layer


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, (list, tuple)) else value


def _read(value: Any) -> Layer:
    if isinstance(value, Layer):
        return value
    if not isinstance(value, dict) or not isinstance(value.get("layer"), str):
        raise ValueError('a layer is {"layer": "conv", "out": 64, "k": 7}')
    arguments = {name: _tuples(v) for name, v in value.items() if name != "layer"}
    kind = find_layer(value["layer"])
    if kind is None:
        from netspec.ops.plugins import find_plugin  # which raises a ValueError of its own

        kind = find_plugin(value["layer"])
    if kind is None:
        raise ValueError(f"there is no layer {value['layer']!r}")
    try:
        return kind.model_validate(arguments, context=FROM_JSON)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        at = ".".join(str(part) for part in first["loc"][:1])
        raise ValueError(f"`{value['layer']}`: argument `{at}`: {first['msg']}") from None


def _write(layer: Layer) -> dict[str, Any]:
    return {"layer": layer.layer_name(), **layer.model_dump(mode="json", exclude_defaults=True)}


def core_schema() -> Any:
    return cs.no_info_plain_validator_function(_read, serialization=cs.plain_serializer_function_ser_schema(_write))


def json_schema() -> dict[str, Any]:
    """One alternative for each layer of the catalogue."""
    choices = []
    for name in layer_names():
        kind = find_layer(name)
        if kind is None:
            raise LookupError(f"the catalogue lacks `{name}`")
        described = kind.model_json_schema()
        described["properties"] = {"layer": {"const": name}, **described.get("properties", {})}
        described["required"] = ["layer", *described.get("required", [])]
        choices.append(described)
    return {"oneOf": choices}
