"""What random nets have used: layers, arguments, values of arguments that are choices, pairs of layers, and what the
language has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any, Literal, get_args, get_origin

from netspec.driver import Compilation
from netspec.elaborate.expressions import FACTS, FUNCTIONS, SHAPE_FACTS
from netspec.elaborate.files import standard_names
from netspec.ir.network import LayerNode
from netspec.ir.types import DTYPE_BYTES
from netspec.ops import find_layer, layer_names
from netspec.syntax import ast

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


def all_features() -> set[str]:
    """What the language has: kinds of nodes of its syntax, operators, functions, facts, element types."""
    nodes = {kind.__name__ for kind in vars(ast).values() if isinstance(kind, type) and issubclass(kind, ast.Node)}
    operators = ["+", "-", "*", "/", "//", "%", "**", "==", "!=", "<", "<=", ">", ">=", "in", "and", "or"]
    return (
        nodes - {"Node", "Broken"}
        | {f"operator {operator}" for operator in operators}
        | {f"function {name}" for name in FUNCTIONS}
        | {f".{name}" for name in (*SHAPE_FACTS, "output")}
        | {f"claim {name}" for name in FACTS}
        | {f"input {name}" for name in DTYPE_BYTES}
        | {"else if", "label of text", "tie", "with", "where", "usual size", "open size", "default", "library block"}
        | {"block of a block", "block with inputs", "several outputs", "return as", "comment"}
    )


def features_of(made: Compilation) -> set[str]:
    """What of the language a net's text uses."""
    found: set[str] = {"comment"} if "#" in made.source.text else set()
    blocks = {name for name, item in made.definitions.items.items() if isinstance(item, ast.Block)}
    library = set(standard_names()) - blocks

    def see(node: Any, block: str = "") -> None:
        found.add(type(node).__name__)
        match node:
            case ast.Arithmetic() | ast.Comparison():
                found.update(f"operator {operator}" for operator in node.operators)
            case ast.Logic():
                found.add(f"operator {node.operator}")
            case ast.Function():
                found.add(f"function {node.name.id}")
            case ast.Member():
                found.add(f".{node.name}")
                found.add(f"claim {node.name}")
            case ast.Name():
                found.add(f"claim {node.id}")
            case ast.If() if isinstance(node.otherwise, ast.If):
                found.add("else if")
            case ast.Step() if isinstance(node.label, ast.String):
                found.add("label of text")
            case ast.Call():
                found.update({"with"} if node.others else ())
                found.update({"tie"} if any(a.name and a.name.id == "tie" for a in node.arguments) else ())
                found.update({"library block"} if node.name.id in library else ())
                found.update({"block of a block"} if block and node.name.id in blocks | library else ())
            case ast.Input():
                found.add(f"input {node.dtype.id if node.dtype else 'float32'}")
                found.update({"where"} if node.conditions else ())
                found.update({"block with inputs"} if block else ())
            case ast.Size():
                found.add("usual size" if node.usual else "open size" if isinstance(node.value, ast.Name) else "Size")
            case ast.Return():
                found.update({"several outputs"} if len(node.values) > 1 else ())
                found.update({"return as"} if any(value.name for value in node.values) else ())
            case ast.Parameter() if node.default is not None:
                found.add("default")
        own = node.name.id if isinstance(node, ast.Block) else block
        for field in type(node).fields:
            value = getattr(node, field)
            for each in value if isinstance(value, tuple) else (value,):
                if isinstance(each, ast.Node):
                    see(each, own)

    for item in made.definitions.items.values():
        see(item)
    return (found & all_features()) | {"File"}


ARGUMENTS, VALUES = sorted(all_arguments()), sorted(all_values(), key=str)


class Coverage:
    """Counts; those of nets that were judged apart from those that were only grown."""

    def __init__(self) -> None:
        self.layers: Counter[str] = Counter()
        self.arguments: Counter[tuple[str, str]] = Counter()
        self.values: Counter[tuple[str, str, Any]] = Counter()
        self.pairs: Counter[Pair] = Counter()
        self.tried: Counter[Pair] = Counter()
        self.features: Counter[str] = Counter()

    def used(self, made: Compilation) -> None:
        """Count a net."""
        network = made.network
        assert network is not None
        self.features.update(features_of(made))
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

    def count(self, name: str, arguments: dict[str, Any]) -> None:
        """Count a layer by itself."""
        self.layers[name] += 1
        for key, value in arguments.items():
            self.arguments[name, key] += 1
            if isinstance(value, (bool, str)):
                self.values[name, key, value] += 1

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

    def wanted(self, draw: Random, last: str, names: Sequence[str], done: Coverage) -> str:
        """A layer to try next: one that came after the last in no net, or the one of a few that came the least."""
        new = [n for n in names if not (done.pairs[last, n] or self.pairs[last, n]) and self.tried[last, n] < 20]
        if last and new and draw.random() < 0.8:
            best = draw.choice(new)
        else:
            some = [draw.choice(names) for _ in range(4)]
            best = min(some, key=lambda n: (self.pairs[last, n] + 0.3 * self.tried[last, n], self.layers[n]))
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
        return [self.layers, self.arguments, self.values, self.pairs, self.tried, self.features]

    def missing(self) -> dict[str, list[Any]]:
        return {
            "layers": sorted(set(layer_names()) - set(self.layers)),
            "arguments": sorted(all_arguments() - set(self.arguments)),
            "values": sorted(all_values() - set(self.values), key=str),
            "pairs": sorted(all_pairs() - set(self.pairs)),
            "features": sorted(all_features() - set(self.features)),
        }

    def summary(self) -> list[str]:
        from kinds import possible_pairs  # which needs this module

        of = {
            "layers": len(layer_names()),
            "arguments": len(all_arguments()),
            "values": len(all_values()),
            "features": len(all_features()),
        }
        missing = self.missing()
        lines = [f"{what:9} {of[what] - len(missing[what]):6,} of {of[what]:,}" for what in of]
        possible = possible_pairs()
        had = len(possible & set(self.pairs))
        lines.append(f"pairs     {had:6,} of {len(possible):,} that are possible; {len(all_pairs()):,} in all")
        for what in ("layers", "arguments", "values", "features"):
            if missing[what]:
                told = [" ".join(map(str, each)) if isinstance(each, tuple) else each for each in missing[what]]
                lines.append(f"no {what}: {', '.join(told)}")
        return lines
