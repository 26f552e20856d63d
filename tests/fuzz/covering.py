"""What random nets have used: layers, arguments, values of arguments that are choices, pairs of layers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any, Literal, get_args, get_origin

from netspec.driver import Compilation
from netspec.ir.network import LayerNode
from netspec.ops import find_layer, layer_names

Pair = tuple[str, str]


def choices(annotation: Any) -> Iterator[Any]:
    """The values of an argument that is a choice of a few."""
    if annotation is bool:
        yield from (True, False)
    elif get_origin(annotation) is Literal:
        yield from get_args(annotation)
    else:
        for part in get_args(annotation):
            if get_origin(part) is Literal:
                yield from get_args(part)


def all_arguments() -> set[tuple[str, str]]:
    return {(name, key) for name in layer_names() for key in find_layer(name).model_fields}  # type: ignore[union-attr]


def all_values() -> set[tuple[str, str, Any]]:
    return {
        (name, key, value)
        for name in layer_names()
        for key, field in find_layer(name).model_fields.items()  # type: ignore[union-attr]
        for value in choices(field.annotation)
        if key != "init"
    }


def all_pairs() -> set[Pair]:
    """Every layer after every other: those that take no input aside, which follow nothing."""
    names = layer_names()
    return {(a, b) for a in names for b in names if find_layer(b).inputs[1] != 0}  # type: ignore[union-attr]


ARGUMENTS, VALUES = sorted(all_arguments()), sorted(all_values(), key=str)


class Coverage:
    """Counts; those of nets that were judged apart from those that were only grown."""

    def __init__(self) -> None:
        self.layers: Counter[str] = Counter()
        self.arguments: Counter[tuple[str, str]] = Counter()
        self.values: Counter[tuple[str, str, Any]] = Counter()
        self.pairs: Counter[Pair] = Counter()
        self.tried: Counter[Pair] = Counter()

    def used(self, made: Compilation) -> None:
        """Count a net."""
        network = made.network
        assert network is not None
        modules = network.module_table()
        for module in network.modules:
            makers = {node.name: node for node in module.nodes}
            for node in module.nodes:
                if not isinstance(node, LayerNode):
                    continue
                layer = node.layer
                name = layer.layer_name()
                self.layers[name] += 1
                for key in layer.model_fields_set:
                    self.arguments[name, key] += 1
                    value = getattr(layer, key)
                    if isinstance(value, (bool, str)):
                        self.values[name, key, value] += 1
                for ref in node.inputs:
                    maker = makers.get(ref.partition(".")[0])
                    while maker is not None and hasattr(maker, "module") and not isinstance(maker, LayerNode):
                        inner = modules[maker.module]
                        ref = next(iter(inner.outputs.values()))
                        maker = {n.name: n for n in inner.nodes}.get(ref.partition(".")[0])
                    if isinstance(maker, LayerNode):
                        self.pairs[maker.layer.layer_name(), name] += 1

    def last(self, made: Compilation) -> str:
        """The layer that makes a net's output, where it stands in the net itself."""
        assert made.network is not None
        root = made.network.root
        ref = next(iter(root.outputs.values())).partition(".")[0]
        node = next((node for node in root.nodes if node.name == ref), None)
        return node.layer.layer_name() if isinstance(node, LayerNode) else ""

    def chance(self, name: str, key: str) -> float:
        """How often an argument is to be given that need not be: one that was seldom taken so far more often."""
        taken = self.arguments[name, key]
        return 0.7 if not taken else 0.5 if taken < 1 + self.layers[name] // 8 else 0.3

    def news(self, name: str, arguments: dict[str, Any]) -> int:
        """How many arguments, and values of those that are choices, would be new."""
        values = [(name, key, value) for key, value in arguments.items() if isinstance(value, (bool, str))]
        return sum((name, key) not in self.arguments for key in arguments) + sum(v not in self.values for v in values)

    def lacking(self, name: str) -> int:
        """How many arguments and values of a layer have not been used."""
        return sum(each[0] == name and each not in self.arguments for each in ARGUMENTS) + sum(
            each[0] == name and each not in self.values for each in VALUES
        )

    def wanted(self, draw: Random, last: str, names: list[str]) -> str:
        """A layer to try next: one of a few that has been used and tried least after the last."""
        some = [draw.choice(names) for _ in range(4)]
        best = min(some, key=lambda name: (self.pairs[last, name] + 0.3 * self.tried[last, name], self.layers[name]))
        self.tried[last, best] += 1
        return best

    def add(self, other: Coverage) -> None:
        for mine, theirs in zip(self.counters(), other.counters(), strict=True):
            mine.update(theirs)

    def copy(self) -> Coverage:
        made = Coverage()
        made.add(self)
        return made

    def counters(self) -> list[Counter[Any]]:
        return [self.layers, self.arguments, self.values, self.pairs, self.tried]

    def missing(self) -> dict[str, list[Any]]:
        return {
            "layers": sorted(set(layer_names()) - set(self.layers)),
            "arguments": sorted(all_arguments() - set(self.arguments)),
            "values": sorted(all_values() - set(self.values), key=str),
            "pairs": sorted(all_pairs() - set(self.pairs)),
        }

    def summary(self) -> list[str]:
        of = {
            "layers": len(layer_names()),
            "arguments": len(all_arguments()),
            "values": len(all_values()),
            "pairs": len(all_pairs()),
        }
        missing = self.missing()
        lines = [f"{what:9} {of[what] - len(missing[what]):6,} of {of[what]:,}" for what in of]
        for what in ("layers", "arguments", "values"):
            if missing[what]:
                told = [" ".join(map(str, each)) if isinstance(each, tuple) else each for each in missing[what]]
                lines.append(f"no {what}: {', '.join(told)}")
        return lines
