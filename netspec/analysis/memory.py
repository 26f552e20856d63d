"""Peak activation memory by liveness: a value lives from when it is made until its last use.

Bytes of one sample, the net's inputs included. Layers run in the order of the spec; nothing is computed in
place; views (flatten, reshape, identity) use the memory of their input. A module is measured once for each
set of inputs that die inside it, a repeat as its first, a middle and its last iteration.
"""

from __future__ import annotations

from netspec.analysis.shapes import Types
from netspec.ir.dims import Dim, maximum
from netspec.ir.network import CallNode, LayerNode, Module, Network, RepeatNode


class _Summary:
    """A module, seen from outside. The bytes of inputs that live on are the caller's; those of dying inputs count
    here while they live."""

    __slots__ = ("aliases", "peak")

    def __init__(self, peak: Dim, aliases: dict[str, int]) -> None:
        self.peak = peak
        self.aliases = aliases  # output value -> the input whose memory it is


def peak_activation_bytes(network: Network, types: Types) -> Dim | None:
    """The most bytes that are alive at once; None where a mistake leaves types unknown."""
    if any(not t.known for module in network.modules for t in types[module.name].values()):
        return None
    root = network.root
    return _Memory(network, types).summary(root.name, frozenset(range(len(root.inputs)))).peak


def peak_of_module(network: Network, types: Types, name: str) -> Dim | None:
    """The same for one module, with its inputs alive from the start until their last use in it."""
    if any(not t.known for t in types[name].values()):
        return None
    module = network.module_table()[name]
    return _Memory(network, types).summary(name, frozenset(range(len(module.inputs)))).peak


class _Memory:
    def __init__(self, network: Network, types: Types) -> None:
        self.modules = network.module_table()
        self.types = types
        self.known: dict[tuple[str, frozenset[int]], _Summary] = {}

    def summary(self, name: str, dying: frozenset[int]) -> _Summary:
        key = (name, dying)
        if key not in self.known:
            self.known[key] = self._module(self.modules[name], dying)
        return self.known[key]

    def _module(self, module: Module, dying: frozenset[int]) -> _Summary:
        types = self.types[module.name]
        storage: dict[str, str] = {ref: ref for ref in module.inputs}  # value -> the value whose memory it uses
        last: dict[str, int] = {}
        for step, node in enumerate(module.nodes):
            for ref in node.inputs:
                last[storage[ref]] = step
            for ref, of in self._outputs(module, node, storage).items():
                storage[ref] = of
                last[of] = max(last.get(of, 0), step)
        for ref in module.outputs.values():
            last[storage[ref]] = len(module.nodes)
        kept = {ref for i, ref in enumerate(module.inputs) if i not in dying}
        alive: dict[str, Dim] = {ref: types[ref].bytes for i, ref in enumerate(module.inputs) if i in dying}
        for ref in [r for r in alive if r not in last]:
            last[ref] = 0  # unused: dies after the first step
        peak = _total(alive)
        for step, node in enumerate(module.nodes):
            made = [ref for ref in storage if self._makes(node.name, ref) and storage[ref] == ref]
            if isinstance(node, LayerNode):
                inside: Dim = 0
                for ref in made:
                    inside = inside + types[ref].bytes
                peak = maximum(peak, _total(alive) + inside)
            else:
                inputs = [storage[ref] for ref in node.inputs]
                ends = frozenset(
                    i for i, ref in enumerate(inputs)
                    if last[ref] == step and ref not in kept and inputs.count(ref) == 1
                )  # fmt: skip
                held = _total({ref: size for ref, size in alive.items() if ref not in {inputs[i] for i in ends}})
                peak = maximum(peak, held + self._inside(node, ends))
            for ref in made:
                alive[ref] = types[ref].bytes
            for ref in [r for r in alive if last[r] == step]:
                del alive[ref]
        index = {ref: i for i, ref in enumerate(module.inputs)}
        aliases = {ref: index[storage[ref]] for ref in module.outputs.values() if storage[ref] in index}
        return _Summary(peak, aliases)

    def _makes(self, node: str, ref: str) -> bool:
        return ref == node or ref.startswith(node + ".")

    def _outputs(self, module: Module, node: LayerNode | CallNode | RepeatNode, storage: dict[str, str]) -> dict[str, str]:
        """The values that a node makes, each with the value whose memory it uses."""
        refs = [ref for ref in self.types[module.name] if self._makes(node.name, ref) and ref not in storage]
        if isinstance(node, LayerNode):
            return {ref: storage[node.inputs[0]] if node.layer.view and node.inputs else ref for ref in refs}
        inner = [node.module] if isinstance(node, CallNode) else [run.module for run in node.runs]
        aliased: dict[int, int] = {}
        summary = self.summary(inner[0], frozenset())
        if all(self.summary(name, frozenset()).aliases for name in inner):
            outputs = list(self.modules[inner[0]].outputs.values())
            aliased = {i: summary.aliases[out] for i, out in enumerate(outputs) if out in summary.aliases}
        return {ref: storage[node.inputs[aliased[i]]] if i in aliased else ref for i, ref in enumerate(refs)}

    def _inside(self, node: CallNode | RepeatNode, ends: frozenset[int]) -> Dim:
        """The most that a call holds, without inputs that live on."""
        if isinstance(node, CallNode):
            return self.summary(node.module, ends).peak
        flow, others = ends & {0}, ends - {0}
        peak: Dim = 0
        held: Dim = 0  # other inputs that die in the last iteration only
        first_types = self.types[node.runs[0].module]
        for position in others:
            held = held + first_types[self.modules[node.runs[0].module].inputs[position]].bytes
        count = sum(run.times for run in node.runs)
        number = 0
        for run in node.runs:
            for k in {0, 1, run.times - 1} & set(range(run.times)):
                at = number + k
                dies = flow if at == 0 else frozenset({0})
                is_last = at == count - 1
                part = self.summary(run.module, dies | (others if is_last else frozenset())).peak
                peak = maximum(peak, part if is_last else part + held)
            number += run.times
        return peak


def _total(alive: dict[str, Dim]) -> Dim:
    total: Dim = 0
    for size in alive.values():
        total = total + size
    return total
