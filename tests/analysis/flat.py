"""A net written out layer by layer, every repeat and call unrolled: what the analyses must agree with.

It is made from the IR and the types alone, by the plainest means, so that it shares nothing with the analyses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from netspec.analysis.shapes import Types
from netspec.driver import Compilation
from netspec.ir.network import CallNode, LayerNode, Network, RepeatNode
from netspec.ir.types import TensorType
from netspec.ops.base import Layer, Weight
from netspec.source import SourceFile


@dataclass
class Step:
    """One use of one layer. Values are numbers."""

    path: str
    layer: Layer
    takes: list[int]
    makes: list[int]
    inputs: list[TensorType]
    outputs: list[TensorType]
    weights: dict[str, tuple[str, Weight]]  # name -> the tensor that it is, by its owner's path


@dataclass
class Flat:
    inputs: list[int]
    outputs: list[int]
    steps: list[Step]
    types: list[TensorType]


def compiled(text: str, **settings: Any) -> Compilation:
    """The checked net of a text; its mistakes fail the test."""
    made = Compilation(SourceFile("test.net", text, None), None, settings)
    assert made.network is not None
    assert [d for d in made.diagnostics if d.severity == "error"] == [], [str(d) for d in made.diagnostics]
    return made


def flat(network: Network, types: Types) -> Flat:
    modules = network.module_table()
    out = Flat([], [], [], [])
    weights: dict[str, dict[str, tuple[str, Weight]]] = {}  # path -> its weights

    def new(type: TensorType) -> int:
        out.types.append(type)
        return len(out.types) - 1

    def run(name: str, path: tuple[str, ...], inputs: list[int], shared: tuple[str, ...]) -> list[int]:
        """`shared`: the path whose weights this call uses, which is its own unless it is shared."""
        module, known = modules[name], types[name]
        values = dict(zip(module.inputs, inputs, strict=True))
        for node in module.nodes:
            given = [values[ref] for ref in node.inputs]
            here, owner = (*path, node.name), (*shared, node.name)
            target = getattr(node, "shares", None)
            if target is not None:
                owner = resolve(shared, target)
            if isinstance(node, LayerNode):
                refs = [node.name] + [f"{node.name}.{i}" for i in range(1, 2000) if f"{node.name}.{i}" in known]
                made = [new(known[ref]) for ref in refs]
                operands = [known[ref] for ref in node.inputs]
                own = {n: (".".join((*owner, n)), w) for n, w in node.layer.weights(operands).items()}
                for weight, tied in node.ties.items():
                    layer, _, theirs = tied.rpartition(".")
                    own[weight] = weights[".".join(resolve(shared, layer))][theirs]
                weights[".".join(here)] = own
                step = Step(".".join(here), node.layer, given, made, operands, [known[r] for r in refs], own)
                out.steps.append(step)
            elif isinstance(node, CallNode):
                made = run(node.module, here, given, owner)
                refs = [node.name] + [f"{node.name}.{m}" for m in list(modules[node.module].outputs)[1:]]
            else:
                assert isinstance(node, RepeatNode)
                number = 0
                for part in node.runs:
                    for _ in range(part.times):
                        step_name = part.name or str(number)
                        given = [run(part.module, (*here, step_name), given, (*owner, step_name))[0], *given[1:]]
                        number += 1
                refs, made = [node.name], given[:1]
            values.update(zip(refs, made, strict=True))
        return [values[ref] for ref in module.outputs.values()]

    out.inputs = [new(item.type) for item in network.inputs]
    out.outputs = run(network.root.name, (), out.inputs, ())
    return out


def resolve(path: tuple[str, ...], target: str) -> tuple[str, ...]:
    """The path of a node that another in the module at `path` names. `../` leads to the module around."""
    ups = target.count("../")
    # a repeat's iteration is two parts of a path, its number and the repeat's name, and one module
    while ups:
        path = path[:-1]
        if path and path[-1] in REPEATS:
            path = path[:-1]
        ups -= 1
    return (*path, target.replace("../", ""))


REPEATS: set[str] = set()  # labels that random nets give to repeats


def flat_of(made: Compilation) -> Flat:
    assert made.network is not None
    REPEATS.clear()
    REPEATS.update(n.name for m in made.network.modules for n in m.nodes if isinstance(n, RepeatNode))
    return flat(made.network, made.types)
