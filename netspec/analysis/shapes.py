"""The type of every value of a network, by module: what elaboration infers on its way, for IR that was read."""

from __future__ import annotations

from typing import TypeAlias

from netspec import limits
from netspec.diagnostics import Problem
from netspec.ir.network import CallNode, LayerNode, Module, Network, Node, RepeatNode, used_modules
from netspec.ir.types import TensorType
from netspec.ops.base import Weight, output_types
from netspec.ops.weights import held_by, layer_weights, same_weights

Types: TypeAlias = dict[str, dict[str, TensorType]]  # module -> value -> type


def values_of(node: Node, modules: dict[str, Module], known: dict[str, TensorType]) -> list[str]:
    """The values that a node makes, the one that flows on first. `known`: the types of its module."""
    if isinstance(node, CallNode):
        members = list(modules[node.module].outputs)[1:]
        return [node.name, *(f"{node.name}.{member}" for member in members)]
    refs = [node.name]
    if isinstance(node, LayerNode):
        while (ref := f"{node.name}.{len(refs)}") in known:
            refs.append(ref)
    return refs


class IrError(Exception):
    """IR that does not hold together: says where."""


def infer(network: Network) -> Types:
    """Types of all values. Raises IrError where names or types do not fit."""
    if not network.modules:
        raise IrError("there are no modules")
    modules: dict[str, Module] = {}
    for module in network.modules:
        if module.name in modules:
            raise IrError(f"module `{module.name}` stands twice")
        modules[module.name] = module
        _check_names(module, modules)
    count = sum(len(module.nodes) for module in network.modules)
    if count > limits.NODES:
        raise IrError(f"it has {count:,} nodes, at most {limits.NODES:,}")
    _check_shown(network)
    types: Types = {}
    root = network.root
    if len(root.inputs) != len(network.inputs):
        raise IrError(f"the net has {len(network.inputs)} inputs, its module `{root.name}` {len(root.inputs)}")
    for item in network.inputs:
        if item.type.excess:
            raise IrError(f"input `{item.name}`: {item.type.excess}")
    _module(root, [i.type for i in network.inputs], modules, types)
    _check_shared(modules, types)
    return types


def _check_shown(network: Network) -> None:
    """No name commands a terminal, or looks like another by what is not shown of it."""
    names = [network.name, *(item.name for item in network.inputs)]
    for module in network.modules:
        names += [module.name, module.title, *module.inputs, *module.outputs]
        names += [node.name for node in module.nodes]
        names += [run.name for node in module.nodes if isinstance(node, RepeatNode) for run in node.runs if run.name]
    odd = next((name for name in names if not name.isprintable()), None)
    if odd is not None:
        raise IrError(f"the name {odd[:40]!a} has characters that are not shown")


def _check_names(module: Module, modules: dict[str, Module]) -> None:
    """Values are made before they are used, modules stand before their users."""
    known = set(module.inputs)
    names: set[str] = set()
    for node in module.nodes:
        at = f"module `{module.name}`, node `{node.name}`"
        for ref in node.inputs:
            if ref not in known and ref.rpartition(".")[0] not in names:
                raise IrError(f"{at}: there is no value `{ref}` before it")
        if node.name in known or node.name in names:
            raise IrError(f"{at}: the name stands twice")
        if "." in node.name:
            raise IrError(f"{at}: a name has no dots")
        for used in used_modules(node):
            if used not in modules or used == module.name:
                raise IrError(f"{at}: there is no module `{used}` before this one")
        names.add(node.name)
        known.add(node.name)
    for ref in module.outputs.values():
        if ref not in known and ref.rpartition(".")[0] not in names:
            raise IrError(f"module `{module.name}`: there is no value `{ref}` for its output")
    if not module.outputs:
        raise IrError(f"module `{module.name}` has no output")


def _check_shared(modules: dict[str, Module], types: Types) -> None:
    """A node that uses weights of another needs those weights, in those shapes."""
    users = users_of(modules)
    for module in modules.values():
        if module.name not in types:
            raise IrError(f"module `{module.name}` is not used")
    for module in modules.values():
        for node in module.nodes:
            if isinstance(node, RepeatNode):
                continue
            at = f"module `{module.name}`, node `{node.name}`"
            if node.shares is not None:
                for home, other in owners(at, node.shares, module, node, users):
                    if not _same_weights((module, node), (home, other), modules, types):
                        raise IrError(f"{at}: its weights are not those of `{node.shares}`")
            for name, ref in node.ties.items() if isinstance(node, LayerNode) else ():
                weight = _weights(module, node, types).get(name)
                path, _, other_name = ref.rpartition(".")
                for home, other in owners(at, path, module, node, users):
                    theirs = _weights(home, other, types).get(other_name)
                    if weight is None or theirs is None or weight.shape != theirs.shape:
                        raise IrError(f"{at}: its weight `{name}` is not like `{ref}`")


def users_of(modules: dict[str, Module]) -> dict[str, list[Module]]:
    """The modules that use each module, once for each use."""
    users: dict[str, list[Module]] = {}
    for module in modules.values():
        for node in module.nodes:
            for used in used_modules(node):
                users.setdefault(used, []).append(module)
    return users


def owners(
    at: str, path: str, module: Module, node: Node, users: dict[str, list[Module]]
) -> list[tuple[Module, LayerNode | CallNode]]:
    """The nodes that `path` leads to from a node, `../` from each module that uses its own."""
    homes, name = [module], path
    while name.startswith("../"):
        homes, name = [user for home in homes for user in users.get(home.name, ())], name[3:]
    found: list[tuple[Module, LayerNode | CallNode]] = []
    for home in homes:
        for other in home.nodes:
            if other is node:
                break
            if other.name == name and not isinstance(other, RepeatNode):
                found.append((home, other))
    if not found or len(found) < len(homes):
        raise IrError(f"{at}: there is no node `{path}` before it whose weights it could use")
    return found


def _same_weights(
    one: tuple[Module, Node], other: tuple[Module, Node], modules: dict[str, Module], types: Types
) -> bool:
    nodes = one[1], other[1]
    if isinstance(nodes[0], CallNode) and isinstance(nodes[1], CallNode):
        return same_weights(nodes[0].module, nodes[1].module, modules, types)
    both = isinstance(nodes[0], LayerNode) and isinstance(nodes[1], LayerNode)
    return both and held_by(_weights(*one, types)) == held_by(_weights(*other, types))


def _weights(module: Module, node: Node, types: Types) -> dict[str, Weight]:
    """The weights of a layer; none of other nodes."""
    if not isinstance(node, LayerNode):
        return {}
    return layer_weights(node, types[module.name])


def _module(module: Module, inputs: list[TensorType], modules: dict[str, Module], types: Types) -> list[TensorType]:
    """Infer a module at these input types; it must have been inferred at no others."""
    if len(inputs) != len(module.inputs):
        raise IrError(f"module `{module.name}` takes {len(module.inputs)} inputs, gets {len(inputs)}")
    known = types.get(module.name)
    if known is None:
        known = types[module.name] = dict(zip(module.inputs, inputs, strict=True))
        for node in module.nodes:
            _node(module, node, known, modules, types)
    elif [known[name] for name in module.inputs] != inputs:
        before = ", ".join(str(known[name]) for name in module.inputs)
        now = ", ".join(map(str, inputs))
        raise IrError(f"module `{module.name}` is used at {before} and at {now}: it needs a copy for each")
    for member, ref in module.outputs.items():
        if ref not in known:
            raise IrError(f"module `{module.name}`: there is no value `{ref}` for its output `{member}`")
    return [known[ref] for ref in module.outputs.values()]


def _node(module: Module, node: Node, known: dict[str, TensorType], modules: dict[str, Module], types: Types) -> None:
    at = f"module `{module.name}`, node `{node.name}`"
    for ref in node.inputs:
        if ref not in known:
            raise IrError(f"{at}: there is no value `{ref}`")
    inputs = [known[ref] for ref in node.inputs]
    if isinstance(node, LayerNode):
        least, most = node.layer.inputs
        if len(inputs) < least or (most is not None and len(inputs) > most):
            raise IrError(f"{at}: `{node.layer.layer_name()}` cannot take {len(inputs)} inputs")
        try:
            outputs = list(output_types(node.layer, inputs))
        except Problem as problem:
            detail = problem.fill(problem.label)
            raise IrError(f"{at}: {problem} ({problem.code}: {detail})") from None
        excess = next((type.excess for type in outputs if type.excess), "")
        if excess:
            raise IrError(f"{at}: {excess}")
        members = [str(i) for i in range(len(outputs))]
    elif isinstance(node, CallNode):
        outputs = _module(modules[node.module], inputs, modules, types)
        members = list(modules[node.module].outputs)
    else:
        if not inputs or not node.runs:
            raise IrError(f"{at}: a repeat needs an input and a run")
        current, others = inputs[0], inputs[1:]
        for run in node.runs:
            result = _module(modules[run.module], [current, *others], modules, types)[0]
            if run.times > 1 and result != current:
                raise IrError(f"{at}: `{run.module}` cannot follow itself: it takes {current} and gives {result}")
            current = result
        outputs, members = [current], [""]
    for index, (member, type) in enumerate(zip(members, outputs, strict=True)):
        known[node.name if index == 0 else f"{node.name}.{member}"] = type
