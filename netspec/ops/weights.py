"""The weights of a node, and of a whole module by the dotted names that they have from there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from netspec.ir.network import CallNode, LayerNode, Module, iterations
from netspec.ir.types import TensorType
from netspec.ops.base import Weight


def layer_weights(node: LayerNode, known: Mapping[str, TensorType]) -> dict[str, Weight]:
    """The weights that a layer needs, its own or another's. `known`: the types of its module's values."""
    weights: dict[str, Weight] = node.layer.weights([known[ref] for ref in node.inputs])
    return weights


def held_by(weights: Mapping[str, Weight]) -> tuple[tuple[str, TensorType, str], ...]:
    """What weights are, however they begin: names, types and kinds."""
    return tuple((name, weight.type, weight.kind) for name, weight in weights.items())


def module_weights(
    name: str, modules: Mapping[str, Module], types: Mapping[str, Mapping[str, TensorType]], prefix: str = ""
) -> Iterator[tuple[str, Weight]]:
    """Names and shapes; of iterations that are alike those of the first. `types`: of all values, by module."""
    known = types[name]
    for node in modules[name].nodes:
        path = f"{prefix}{node.name}." if node.name else prefix
        if isinstance(node, LayerNode):
            for weight_name, weight in layer_weights(node, known).items():
                yield (path + weight_name).rstrip("."), weight
        elif isinstance(node, CallNode):
            yield from module_weights(node.module, modules, types, path)
        else:
            for run, first in iterations(node):
                yield from module_weights(run.module, modules, types, f"{path}{run.name or first}.")


def same_weights(
    one: str, other: str, modules: Mapping[str, Module], types: Mapping[str, Mapping[str, TensorType]]
) -> bool:
    """Whether two modules have weights of the same names and shapes. Each module is looked at once, however
    often it is used."""
    numbers: dict[object, int] = {(): 0}  # what a module holds, as a number: 0 for no weights
    known: dict[str, int] = {}

    def number(name: str) -> int:
        if name not in known:
            parts: list[object] = []
            for node in modules[name].nodes:
                if isinstance(node, LayerNode):
                    held: object = held_by(layer_weights(node, types[name]))
                elif isinstance(node, CallNode):
                    held = number(node.module)
                else:
                    runs = [(run.name or first, run.times, number(run.module)) for run, first in iterations(node)]
                    held = tuple(runs) if any(inside for _, _, inside in runs) else ()
                if held:
                    parts.append((node.name, held))
            known[name] = numbers.setdefault(tuple(parts), len(numbers))
        return known[name]

    return number(one) == number(other)
