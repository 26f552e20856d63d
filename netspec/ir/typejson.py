"""How a `TensorType` looks in JSON: {"shape": [6, "H // 2"], "dtype": "float32"}."""

from __future__ import annotations

from typing import Any

from pydantic_core import core_schema as cs

from netspec.ir.dims import Dim, parse_dim
from netspec.ir.types import DTYPE_BYTES, TensorType


def dim_to_json(dim: Dim) -> int | str:
    return dim if isinstance(dim, int) else str(dim)


def _read(value: Any) -> TensorType:
    if isinstance(value, TensorType):
        return value
    if not isinstance(value, dict) or set(value) - {"shape", "dtype"} or "shape" not in value:
        raise ValueError('a type is {"shape": [...], "dtype": "float32"}')
    dtype = value.get("dtype", "float32")
    if dtype not in DTYPE_BYTES:
        raise ValueError(f"no element type {dtype!r}: one of {', '.join(DTYPE_BYTES)}")
    if not isinstance(value["shape"], (list, tuple)):
        raise ValueError("a shape is a list")
    return TensorType(tuple(map(_read_dim, value["shape"])), dtype)


def _read_dim(value: Any) -> Dim:
    if isinstance(value, str):
        try:
            size = parse_dim(value)
        except ZeroDivisionError as error:
            raise ValueError(str(error)) from None
        if not isinstance(size, int) and not size < 1:
            return size
        value = size
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{value!r} is not a size: a whole number above 0, or an expression")
    return value


def _write(type: TensorType) -> dict[str, Any]:
    return {"shape": [dim_to_json(d) for d in type.shape], "dtype": type.dtype}


def core_schema() -> Any:
    size = cs.union_schema([cs.int_schema(gt=0), cs.str_schema()])
    described = cs.typed_dict_schema(
        {
            "shape": cs.typed_dict_field(cs.list_schema(size)),
            "dtype": cs.typed_dict_field(cs.literal_schema(list(DTYPE_BYTES)), required=False),
        }
    )
    return cs.json_or_python_schema(
        python_schema=cs.no_info_plain_validator_function(_read),
        json_schema=cs.no_info_after_validator_function(_read, described),
        serialization=cs.plain_serializer_function_ser_schema(_write),
    )
