"""The network as a listing: one row for each layer, group and repeat, in order, with dotted paths.

Iterations that are alike are one row. Figures of a layer's row are those of one occurrence; those of a
group's or repeat's row are sums over what is in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from netspec import limits
from netspec.analysis.shapes import Types
from netspec.analysis.totals import NOTHING, Maybe, ModuleTotals, NodeTotals, times
from netspec.ir.network import CallNode, LayerNode, Module, Network, Node, RepeatNode, iterations
from netspec.ir.types import TensorType
from netspec.ops.base import Layer
from netspec.problems.files import TooBig

_TERM = 12  # characters of a term of a formula, about


class Call(NamedTuple):
    """A call, or one iteration of a repeat, by the module in which it stands."""

    module: str
    node: str
    iteration: int = 0


class Row(NamedTuple):
    kind: Literal["layer", "group", "repeat"]
    path: str
    name: str  # the last part of the path, with the range of iterations: `1..2`
    depth: int
    text: str  # the layer or block as it would be written: `conv 64 k=7 stride=2 pad=3`
    repeat: int  # how often the row occurs in the net
    times: int  # how often within the row above
    output: TensorType
    totals: Maybe
    module: str  # where its node stands
    node: Node
    calls: tuple[Call, ...]  # around it, outermost first
    shared: bool  # whether its weights are those of a layer before
    iteration: int | None = None  # the first iteration of the repeat, its node, for which it stands


def layer_text(layer: Layer) -> str:
    """A layer as it would be written, defaults left out."""
    words = [layer.layer_name()]
    for position, (name, field) in enumerate(type(layer).model_fields.items()):
        value = getattr(layer, name)
        if value == field.default and position >= layer.positional:
            continue
        if value is None:
            continue
        text = _value_text(value)
        words.append(text if position < layer.positional else f"{name}={text}")
    return " ".join(words)


def _value_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (tuple, list)):
        if len(value) in (2, 3) and all(isinstance(v, int) and not isinstance(v, bool) for v in value):
            return "x".join(map(str, value))
        text = ", ".join(map(_value_text, value))
        return f"({text})" if len(text) <= 24 else f"({len(value)} rows)"
    return str(value)


def count_rows(network: Network) -> int:
    """How many rows a full listing has."""
    rows: dict[str, int] = {}
    for module in network.modules:
        total = 0
        for node in module.nodes:
            total += 1
            if isinstance(node, CallNode):
                total += rows[node.module]
            elif isinstance(node, RepeatNode):
                total += sum(rows[run.module] + 1 for run in node.runs)
        rows[module.name] = total
    return rows[network.root.name]


def rows(
    network: Network, types: Types, nodes: NodeTotals, modules: ModuleTotals, depth: int | None = None
) -> Iterator[Row]:
    """The rows of a network, down to a depth (0: only the net's own nodes). Raises TooBig where they are too long."""
    spent = 0
    for row in _Walk(network, types, nodes, modules, depth).module(network.root, "", 0, 1, ()):
        spent += len(row.path) + len(row.text) + len(str(row.output))
        spent += sum(_TERM * len(figure.terms) for figure in row.totals or () if not isinstance(figure, int))
        if spent > limits.LISTING:
            most = f"{limits.LISTING:,} characters of paths and sizes"
            raise TooBig(net=network.name, rows=f"more than {most}", depth=0)
        yield row


def exceeds(network: Network) -> bool:
    """Whether a full listing is longer than allowed."""
    return count_rows(network) > limits.ROWS


class _Walk:
    def __init__(
        self, network: Network, types: Types, nodes: NodeTotals, modules: ModuleTotals, depth: int | None
    ) -> None:
        self.table = network.module_table()
        self.types = types
        self.nodes = nodes
        self.totals = modules
        self.depth = depth
        self.shared = 0  # calls around that use the weights of others

    def owned(self, totals: Maybe) -> Maybe:
        """Totals without the weights that are another's."""
        return totals if totals is None or not self.shared else totals.with_weights_of(NOTHING)

    def module(self, module: Module, prefix: str, depth: int, repeat: int, calls: tuple[Call, ...]) -> Iterator[Row]:
        if self.depth is not None and depth > self.depth:
            return
        for node in module.nodes:
            path = f"{prefix}.{node.name}" if prefix and node.name else prefix or node.name
            yield from self.node(module, node, path, node.name, depth, repeat, 1, calls)

    def node(
        self, module: Module, node: Node, path: str, name: str, depth: int, repeat: int, count: int,
        calls: tuple[Call, ...],
    ) -> Iterator[Row]:  # fmt: skip
        """The row of a node and the rows inside it; `count` iterations that are alike stand in it."""
        here = (*calls, Call(module.name, node.name))
        output, totals = self.types[module.name][node.name], self.owned(self.nodes[module.name][node.name])
        shared = bool(self.shared) or getattr(node, "shares", None) is not None
        if isinstance(node, LayerNode):
            text = layer_text(node.layer) + (" (shared)" if node.shares is not None else "")
            yield Row("layer", path, name, depth, text, repeat, count, output, totals, module.name, node, calls, shared)
            return
        if isinstance(node, CallNode):
            target = self.table[node.module]
            text = target.title + (" (shared)" if node.shares is not None else "")
            totals = times(totals, count)
            yield Row("group", path, name, depth, text, repeat, count, output, totals, module.name, node, calls, shared)
            self.shared += node.shares is not None
            yield from self.module(target, path, depth + 1, repeat, here)
            self.shared -= node.shares is not None
            return
        whole = sum(run.times for run in node.runs)
        single = len(node.runs) == 1 and node.runs[0].name is None
        if single:
            run = node.runs[0]
            target = self.table[run.module]
            inner = self._nameless(target)
            text = layer_text(inner.layer) if isinstance(inner, LayerNode) else target.title
            yield Row(
                "repeat", path, name, depth, text, repeat, whole, output, totals, module.name, node, calls, shared
            )
            yield from self._iteration(target, f"{path}.0", depth + 1, repeat * whole, here)
            return
        yield Row("repeat", path, name, depth, "", repeat, whole, output, totals, module.name, node, calls, shared)
        if self.depth is not None and depth + 1 > self.depth:
            return
        for run, first in iterations(node):
            target = self.table[run.module]
            last = first + run.times - 1
            number = run.name or (str(first) if run.times == 1 else f"{first}..{last}")
            inner_path = f"{path}.{run.name or first}"
            here = (*calls, Call(module.name, node.name, first))
            inner = self._nameless(target)
            if inner is not None:
                yield from self.node(target, inner, inner_path, number, depth + 1, repeat * run.times, run.times, here)
                continue
            out = self.types[target.name][next(iter(target.outputs.values()))]
            totals = self.owned(times(self.totals[target.name], run.times))
            often, text = repeat * run.times, target.title
            yield Row(
                "group", inner_path, number, depth + 1, text, often, run.times, out, totals, module.name, node, calls,
                shared, first,
            )  # fmt: skip
            yield from self.module(target, inner_path, depth + 2, repeat * run.times, here)

    def _iteration(self, target: Module, path: str, depth: int, repeat: int, calls: tuple[Call, ...]) -> Iterator[Row]:
        if self.depth is not None and depth > self.depth:
            return
        inner = self._nameless(target)
        if inner is not None:
            yield from self.node(target, inner, path, "0..", depth, repeat, 1, calls)
        else:
            yield from self.module(target, path, depth, repeat, calls)

    def _nameless(self, module: Module) -> Node | None:
        """The node that is all of an iteration."""
        return module.nodes[0] if len(module.nodes) == 1 and module.nodes[0].name == "" else None
