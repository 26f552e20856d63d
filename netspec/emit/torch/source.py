"""A net as a file of torch source."""

from __future__ import annotations

import os
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import Any

from netspec.analysis.shapes import owners, users_of
from netspec.analysis.totals import weights_of
from netspec.diagnostics import Diagnostic, Diagnostics, Problem, SpecError
from netspec.driver import Compilation
from netspec.elaborate.trace import Tracer
from netspec.elaborate.values import show
from netspec.emit.style import printable
from netspec.emit.torch.classes import Classes
from netspec.emit.torch.drafts import Unlike
from netspec.emit.torch.expressions import is_attribute, literal, safe_name
from netspec.emit.torch.layout import Call, Code, flat, lines
from netspec.emit.torch.places import ClassDef
from netspec.emit.torch_parts import part, part_names
from netspec.emit.unrolling import mistake_at, numbers_given, symbolic_weight
from netspec.ir.dims import Expr
from netspec.ir.network import LayerNode, Module, Node, RepeatNode, iterations, used_modules
from netspec.ops.base import Layer
from netspec.ops.torchrule import NOTHING
from netspec.problems.files import TooNested
from netspec.problems.torch import OtherModule, SymbolicArgument


def generate(made: Compilation) -> str:
    """The source of a sound net's torch module. Raises SpecError where there is none."""
    numbers_given(made)
    _check_sizes(made)
    _check_reuse(made)
    try:
        classes, root = _classes(made)
    except RecursionError:
        name = made.source.name
        raise SpecError((TooNested(file=name).nowhere(name),)) from None
    body = "\n\n\n".join(_class(each, each is root, made) for each in classes.made)
    code = "\n\n\n".join([*map(part, part_names(body)), body])
    return f"{_head(made, code)}\n\n\n{code}\n"


def _check_sizes(made: Compilation) -> None:
    """Raises SpecError where a weight's shape or an argument is a formula, which a torch module has numbers for."""
    found: list[Diagnostic] = []
    for module in made.network.modules if made.network is not None else ():
        for node in module.nodes:
            if not isinstance(node, LayerNode):
                continue
            problems: list[Problem | None] = [
                symbolic_weight(f"{node.name}.{name}" if name else node.name, weight)
                for name, weight in weights_of(node, made.types[module.name]).items()
            ]
            problem = next(filter(None, problems), None) or _formula_of(node.layer)
            if problem is not None:
                found.append(mistake_at(made, problem, module.name, node.name))
    if found:
        raise SpecError(tuple(found))


def _check_reuse(made: Compilation) -> None:
    """Raises SpecError where a module would be applied to other axes than it is made for."""
    found: list[Diagnostic] = []
    modules = made.network.module_table() if made.network is not None else {}
    users = users_of(modules)
    for module in modules.values():
        for node in module.nodes:
            if isinstance(node, RepeatNode) or node.shares is None:
                continue
            for home, owner in owners(node.name, node.shares, module, node, users):
                problem = _other_module((home, owner), (module, node), made, modules, set())
                if problem is not None:
                    found.append(mistake_at(made, problem, module.name, node.name))
                    break
    if found:
        raise SpecError(tuple(found))


def _other_module(
    one: tuple[Module, Node],
    other: tuple[Module, Node],
    made: Compilation,
    modules: dict[str, Module],
    seen: set[tuple[str, str]],
) -> OtherModule | None:
    """The problem of the first layer in two alike nodes that torch says otherwise in the second. `seen`: pairs of
    modules that have been compared."""
    nodes = one[1], other[1]
    if isinstance(nodes[0], LayerNode) and isinstance(nodes[1], LayerNode):
        before, now = ([made.types[module.name][ref] for ref in node.inputs] for module, node in (one, other))
        if [x.rank for x in before] == [x.rank for x in now]:
            return None
        rules = nodes[0].layer.torch(before), nodes[1].layer.torch(now)
        if (rules[0].module, rules[0].function) == (rules[1].module, rules[1].function):
            return None
        layer = nodes[0].layer.layer_name()
        return OtherModule("input 0", layer=layer, shape=now[0], before=before[0])
    for pair in _alongside(*nodes):
        if pair in seen:
            continue
        seen.add(pair)
        first, second = (modules[name] for name in pair)
        for inner in zip(first.nodes, second.nodes, strict=True):
            found = _other_module((first, inner[0]), (second, inner[1]), made, modules, seen)
            if found is not None:
                return found
    return None


def _alongside(one: Node, other: Node) -> Iterator[tuple[str, str]]:
    """The modules that two alike nodes use, side by side. Iterations of a repeat may be one module in one only."""
    if not isinstance(one, RepeatNode) or not isinstance(other, RepeatNode):
        yield from zip(used_modules(one), used_modules(other), strict=True)
        return
    ends, others = ([first + run.times for run, first in iterations(node)] for node in (one, other))
    for end in sorted({*ends, *others}):
        yield one.runs[bisect_left(ends, end)].module, other.runs[bisect_left(others, end)].module


def _formula_of(layer: Layer) -> SymbolicArgument | None:
    """The problem of an argument that is a formula, if there is one."""
    for name, value in layer:
        for size in value if isinstance(value, tuple) else (value,):
            if isinstance(size, Expr):
                symbols = sorted(size.symbols)
                return SymbolicArgument(name, layer=layer.layer_name(), name=name, value=size, symbol=symbols[0])
    return None


def _classes(made: Compilation) -> tuple[Classes, ClassDef]:
    """The classes of the net. A parameter that another value gives the same classes is one of the class's."""
    definition = made.choose(made.definitions)
    assert definition is not None
    settings = made.values(made.definitions)
    constants = dict(made.definitions.lets)

    def elaborate(values: dict[str, Any]) -> Tracer | None:
        found = Diagnostics()
        tracer = Tracer(found, values)
        network = tracer.net(definition)
        if network is None or len(found):
            return None
        tracer.definitions[network.name] = definition
        return tracer

    first = elaborate(settings)
    assert first is not None
    root = definition.name
    others: dict[str, Tracer] = {}
    for parameter in definition.parameters:
        name = parameter.name.id
        changed = (elaborate({**settings, name: other}) for other in _others(first.envs[root].get(name)))
        found = next((tracer for tracer in changed if tracer is not None), None)
        if found is not None:
            others[name] = found

    def build(names: list[str]) -> tuple[Classes, ClassDef]:
        tracers = [first, *(others[name] for name in names)]
        classes = Classes(tracers, root, constants, frozenset(names))
        return classes, classes.build()

    try:
        return build(list(others))
    except Unlike:
        return build([name for name in others if _fits(build, name)])


def _fits(build: Callable[[list[str]], Any], name: str) -> bool:
    """Whether a net's class can take a parameter."""
    try:
        build([name])
    except Unlike:
        return False
    return True


def _others(value: Any) -> list[Any]:
    """Other values that a parameter may have."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, value * 2]
    if isinstance(value, float):
        return [value / 2, value * 2]
    if isinstance(value, tuple) and all(isinstance(item, int) for item in value):
        return [tuple(item + 1 for item in value)]
    return []


def _head(made: Compilation, code: str) -> str:
    out = [f'"""{made.name}: generated by netspec from {_quoted(os.path.basename(made.source.name))}."""', ""]
    standard = []
    if re.search(r"\bmath\.", code):
        standard.append("import math")
    if re.search(r"\bOrderedDict\(", code):
        standard.append("from collections import OrderedDict")
    if standard:
        out += [*standard, ""]
    if re.search(r"\btorch\.", code):
        out.append("import torch")
    if re.search(r"\bF\.", code):
        out.append("import torch.nn.functional as F")
    names = [name for name in ("Tensor", "nn") if re.search(rf"\b{name}\b", code)]
    out.append(f"from torch import {', '.join(names)}")
    return "\n".join(out)


def _quoted(text: str) -> str:
    """Text of any kind as it may stand in a docstring: it neither ends it nor escapes anything."""
    return printable(text).replace("\\", "\\\\").replace('"', '\\"')


def _class(made: ClassDef, root: bool, compilation: Compilation) -> str:
    inherited, drawn = made.base, []
    if inherited is not None and inherited.name == "initialised":  # a layer whose weights begin as it says
        (_, layer), *drawn = inherited.args
        inherited = layer if isinstance(layer, Call) else inherited
    base = inherited.name if inherited else "nn.Module" if made.items is None else "nn.Sequential"
    out = [f"class {made.name}({base}):"]
    doc = made.doc
    fixed = ""
    if root and compilation.totals is not None:
        doc = f"{doc}, {compilation.totals.params:,} parameters"
        fixed = ", ".join(f"{name} {_quoted(show(value))}" for name, value in _fixed(made))
    if fixed:
        out += [f'    """{doc}.', "", f"    Written for {fixed}.", '    """', ""]
    else:
        out += [f'    """{doc}."""', ""]
    given = [
        f"{g.name}: {g.type}" + (f" = {literal(g.default)}" if g.default is not NOTHING else "") for g in made.given
    ]
    head = Call("def __init__", [("", part) for part in ["self", *given]])
    out += lines("", head, " -> None:", 4)
    if made.items is None and made.base is None:
        out.append("        super().__init__()")
    for name, text in made.locals:
        out.append(f"        {name} = {text}")
    if made.items is not None:
        return "\n".join([*out, *_items(made.items)])
    if inherited is not None:
        out += lines("", Call("super().__init__", inherited.args), "", 8)
    if drawn:
        out += lines("", Call("initialised", [("", "self"), *drawn]), "", 8)
    for entry in made.entries:
        name = entry.name
        if name.startswith("self."):
            out += lines(f"{name} = ", entry.code, "", 8)
        elif is_attribute(name):
            out += lines(f"self.{name} = ", entry.code, "", 8)
        else:
            add = "register_parameter" if flat(entry.code).startswith(("nn.Parameter(", "drawn(")) else "add_module"
            out += lines("", Call(f"self.{add}", [("", literal(name)), ("", entry.code)]), "", 8)
    other = "  # type: ignore[override]" if made.base is not None else ""  # it takes more
    types = "Tensor" if made.outputs == 1 else f"tuple[{', '.join(['Tensor'] * made.outputs)}]"
    out += [
        "",
        *lines(
            "",
            Call("def forward", [("", "self"), *(("", declared) for declared in made.inputs)]),
            f" -> {types}:{other}",
            4,
        ),
    ]
    out += [f"        {line}" for line in made.forward]
    return "\n".join(out)


def _fixed(made: ClassDef) -> list[tuple[str, Any]]:
    """The parameters of a net that its class does not take, with their values."""
    place = made.places[0]
    env = place.tracer.envs[place.module.name]
    taken = {given.name for given in made.given}
    names = [parameter.name.id for parameter in place.tracer.definitions[place.module.name].parameters]
    return [(name, env[name]) for name in names if name in env and safe_name(name) not in taken]


def _items(items: list[tuple[str, Code]]) -> list[str]:
    """The statements that give an nn.Sequential its modules."""
    if not any(test for test, _ in items):
        return lines("", Call("super().__init__", [("", code) for _, code in items]), "", 8)
    out = ["        layers: list[nn.Module] = []"]
    for test, code in items:
        append = Call("layers.append", [("", code)])
        out += [f"        if {test}:", *lines("", append, "", 12)] if test else lines("", append, "", 8)
    return [*out, "        super().__init__(*layers)"]
