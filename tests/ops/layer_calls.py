"""Calling a layer by its name in the language, without a spec around it."""

from __future__ import annotations

from typing import Any

from netspec.diagnostics import Problem
from netspec.ir.types import TensorType
from netspec.ops import find_layer
from netspec.ops.base import Cost, Layer, output_types

Shape = tuple[Any, ...]


def layer(name: str, **arguments: Any) -> Layer:
    found = find_layer(name)
    assert found is not None, name
    return found(**arguments)


def types(*shapes: Shape, dtype: str = "float32") -> list[TensorType]:
    return [TensorType(shape, dtype) for shape in shapes]


def shapes_of(name: str, *shapes: Shape, dtype: str = "float32", **arguments: Any) -> tuple[Shape, ...]:
    """Shapes of a layer's outputs."""
    return tuple(t.shape for t in output_types(layer(name, **arguments), types(*shapes, dtype=dtype)))


def shape_of(name: str, *shapes: Shape, dtype: str = "float32", **arguments: Any) -> Shape:
    (shape,) = shapes_of(name, *shapes, dtype=dtype, **arguments)
    return shape


def shape_or_refusal(name: str, *shapes: Shape, **arguments: Any) -> Shape | str:
    """Shape of the output, or the class of the problem that refuses it."""
    try:
        return shape_of(name, *shapes, **arguments)
    except Problem as problem:
        return type(problem).__name__


def cost_of(name: str, *shapes: Shape, dtype: str = "float32", **arguments: Any) -> Cost:
    made, inputs = layer(name, **arguments), types(*shapes, dtype=dtype)
    return made.cost(inputs, output_types(made, inputs)[0])


def refusal(name: str, *inputs: TensorType, **arguments: Any) -> Problem:
    """The problem that a layer raises for these inputs."""
    try:
        output_types(layer(name, **arguments), inputs)
    except Problem as problem:
        return problem
    raise AssertionError(f"{name} takes {inputs} with {arguments}")
