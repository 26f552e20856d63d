"""Peak activation memory by liveness: a value lives from the step that makes it to the last step that takes it.

Bytes of one sample. Every layer is a step, in the order of the spec, with its inputs and outputs alive together;
nothing is computed in place. Views (flatten, reshape, identity) are their input's memory; `param` and `constant`
are weights, and take none. The net's inputs live from the start, its outputs to the end; what no step takes
lives only while it is made.

The result is that of writing all blocks and repeats out, without doing so. What happens inside a module depends
on its caller in two ways only: which of its inputs are one memory, and which of its inputs and outputs live on
after the call. So a module is measured once for each such case. Of a run of like iterations three are
measured, since all between the first and the last are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from netspec.analysis.shapes import Types, values_of
from netspec.ir.dims import Dim, maximum
from netspec.ir.network import CallNode, LayerNode, Module, Network, RepeatNode

WEIGHT = -1  # the storage of what takes no activation memory
MAX_STEPS = 2_000_000  # measured in all; then calls are taken to keep all they are given and make: an upper bound


class _Step(NamedTuple):
    """A layer, or the call of a module. Storages are numbered, a module's inputs first."""

    takes: tuple[int, ...]
    makes: tuple[int, ...]
    module: str | None = None
    inner: tuple[int, ...] = ()  # for each storage that it makes, which it is in the called module


class _Plan:
    """A module as steps on storages."""

    def __init__(self) -> None:
        self.inputs = 0
        self.sizes: list[Dim] = []  # bytes of each storage
        self.steps: list[_Step] = []
        self.last: list[int] = []  # by storage: the last step that takes it, or else makes it; -1: none does
        self.outputs: list[int] = []

    def add(self, size: Dim, step: int) -> int:
        self.sizes.append(size)
        self.last.append(step)
        return len(self.sizes) - 1

    def total(self, storages: Iterable[int]) -> Dim:
        """Bytes of some storages."""
        total: Dim = 0
        for storage in storages:
            total = total + self.sizes[storage]
        return total


def peak_activation_bytes(network: Network, types: Types, least: Mapping[str, int] | None = None) -> Dim | None:
    """The most bytes that are alive at once; None where a mistake leaves types unknown.

    least: of symbols the sizes from which on it is asked, which make some values larger than others."""
    if any(not t.known for module in network.modules for t in types[module.name].values()):
        return None
    return peak_of_module(network, types, network.root.name, least)


def peak_of_module(network: Network, types: Types, name: str, least: Mapping[str, int] | None = None) -> Dim:
    """The same for one module, as if it were the net, of which all types are known."""
    memory = _Memory(network, types, least or {})
    plan = memory.plans[name]
    lives = frozenset(plan.outputs)
    kept = plan.total(storage for storage in lives if 0 <= storage < plan.inputs)
    return kept + maximum(*memory.peaks_of(name, tuple(range(plan.inputs)), lives))


class _Memory:
    def __init__(self, network: Network, types: Types, least: Mapping[str, int]) -> None:
        self.least = least
        self.modules = network.module_table()
        self.types = types
        self.plans: dict[str, _Plan] = {}
        self.peaks: dict[tuple[str, tuple[int, ...], frozenset[int]], list[Dim]] = {}
        self.measured = 0
        for module in network.modules:
            self.plans[module.name] = self._plan(module)

    def _plan(self, module: Module) -> _Plan:
        types, plan = self.types[module.name], _Plan()
        storage = {ref: plan.add(types[ref].bytes, -1) for ref in module.inputs}
        plan.inputs = len(storage)
        for node in module.nodes:
            takes = [storage[ref] for ref in node.inputs]
            refs = values_of(node, self.modules, types)
            if isinstance(node, LayerNode):
                if node.layer.view:
                    made = [takes[0] if takes else WEIGHT] * len(refs)
                    self._step(plan, _Step(tuple(takes), ()))
                else:
                    made = [plan.add(types[ref].bytes, len(plan.steps)) for ref in refs]
                    self._step(plan, _Step(tuple(takes), tuple(made)))
            elif isinstance(node, CallNode):
                made = self._call(plan, node.module, takes)
            else:
                made = self._repeat(plan, node, takes)
            storage.update(zip(refs, made, strict=True))
        plan.outputs = [storage[ref] for ref in module.outputs.values()]
        return plan

    def _step(self, plan: _Plan, step: _Step) -> None:
        """Add a step, which takes what the called module takes."""
        inner = self.plans[step.module] if step.module is not None else None
        for position, storage in enumerate(step.takes):
            if storage != WEIGHT and (inner is None or inner.last[position] >= 0):
                plan.last[storage] = len(plan.steps)
        plan.steps.append(step)

    def _call(self, plan: _Plan, name: str, takes: list[int]) -> list[int]:
        """Add a call; the storages of its outputs."""
        inner = self.plans[name]
        known = dict(enumerate(takes)) | {WEIGHT: WEIGHT}  # storages of the called module as ours
        made: dict[int, int] = {}
        for storage in inner.outputs:
            if storage not in known:
                known[storage] = made[storage] = plan.add(inner.sizes[storage], len(plan.steps))
        self._step(plan, _Step(tuple(takes), tuple(made.values()), name, tuple(made)))
        return [known[storage] for storage in inner.outputs]

    def _repeat(self, plan: _Plan, node: RepeatNode, takes: list[int]) -> list[int]:
        for run in node.runs:
            for _ in range(min(run.times, 3)):
                takes = [self._call(plan, run.module, takes)[0], *takes[1:]]
        return takes[:1]

    def peaks_of(self, name: str, same: tuple[int, ...], lives: frozenset[int]) -> list[Dim]:
        """The most bytes alive at once in a module, without inputs that live on, which its caller counts: the largest
        of these, where sizes are symbolic.

        same: for each input the first that is the same memory, or WEIGHT. lives: the storages alive after it.
        """
        known = self.peaks.get((name, same, lives))
        if known is not None:
            return known
        plan = self.plans[name]
        self.measured += len(plan.steps)
        ends = _ends(plan, same, lives)
        alive = plan.total(s for s in range(plan.inputs) if same[s] == s and s not in lives)
        peaks = [alive]
        alive = alive - plan.total(ends[-1])
        for step, ending in zip(plan.steps, ends, strict=False):
            if step.module is None:
                peaks.append(alive + plan.total(step.makes))
            else:
                takes = [same[s] if 0 <= s < plan.inputs else s for s in step.takes]
                freed = set(ending) if self.measured < MAX_STEPS else set()
                inner_same = tuple(WEIGHT if s == WEIGHT else takes.index(s) for s in takes)
                inner_lives = {i for i, s in enumerate(takes) if s not in freed and inner_same[i] == i}
                inner_lives |= {i for i, s in zip(step.inner, step.makes, strict=True) if s not in freed}
                held = alive - plan.total(freed.intersection(takes))
                inner = self.peaks_of(step.module, inner_same, frozenset(inner_lives))
                peaks += [held + size for size in inner]
            alive = alive + plan.total(step.makes) - plan.total(ending)
        peaks = self._largest(peaks)
        self.peaks[name, same, lives] = peaks
        return peaks

    def _largest(self, sizes: list[Dim]) -> list[Dim]:
        """Those of some sizes that may be the largest."""
        numbers = [size for size in sizes if isinstance(size, int)]
        if len(numbers) == len(sizes):
            return [max(numbers)]
        from netspec.ir.order import largest  # only where sizes are symbolic

        return largest(sizes, self.least)


def _ends(plan: _Plan, same: tuple[int, ...], lives: frozenset[int]) -> list[list[int]]:
    """By step, the storages that end with it; last, at -1, those that nothing takes."""
    last = plan.last.copy()
    for storage, first in enumerate(same):
        if first != WEIGHT:
            last[first] = max(last[first], last[storage])
    ends: list[list[int]] = [[] for _ in range(len(plan.steps) + 1)]
    for storage, step in enumerate(last):
        if storage not in lives and (storage >= plan.inputs or same[storage] == storage):
            ends[step].append(storage)
    return ends
