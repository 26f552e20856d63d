"""Parameters and computation: of every node, every module and the net, for one sample."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from netspec import limits
from netspec.analysis.shapes import Types, values_of
from netspec.ir.dims import Dim
from netspec.ir.dims import total as sum_of
from netspec.ir.network import CallNode, LayerNode, Network, RepeatNode
from netspec.ir.types import DTYPE_BYTES, TensorType
from netspec.ops.base import Layer, Weight
from netspec.ops.weights import layer_weights


class Totals(NamedTuple):
    """Sums over layers. Weights count once, computation counts at every use."""

    params: Dim = 0  # elements of trainable weights
    macs: Dim = 0
    mults: Dim = 0
    adds: Dim = 0
    other: Dim = 0
    connections: Dim = 0
    weight_bytes: Dim = 0  # fixed weights and buffers too
    activation_bytes: Dim = 0  # of all layers' outputs
    kv_cache_per_token: Dim = 0  # bytes that each further position adds
    kv_cache_bytes: Dim = 0  # of the sequence at its length
    inactive_params: Dim = 0  # those of the parameters that one token does not use

    @property
    def trainable_params(self) -> Dim:
        return self.params

    @property
    def active_params(self) -> Dim:
        return self.params - self.inactive_params

    @property
    def flops(self) -> Dim:
        return self.mults + self.adds + self.other

    def with_weights_of(self, other: Totals) -> Totals:
        """This computation, and what the other has of weights."""
        return self._replace(
            params=other.params, weight_bytes=other.weight_bytes, inactive_params=other.inactive_params
        )


NOTHING = Totals()
_MOST_BITS = limits.FIGURE_DIGITS * 3  # Python writes numbers of up to 4,300 digits
Maybe: TypeAlias = Totals | None  # None: unknown because of a mistake

NodeTotals: TypeAlias = dict[str, dict[str, Maybe]]  # module -> node -> totals
ModuleTotals: TypeAlias = dict[str, Maybe]

_layers: dict[tuple[Layer, tuple[TensorType, ...], TensorType, str], Totals] = {}


def total(parts: Iterable[Maybe]) -> Maybe:
    """The sum of totals, unknown where one of them is."""
    known = [NOTHING]
    for part in parts:
        if part is None:
            return None
        known.append(part)
    return Totals(*map(sum_of, zip(*known, strict=True)))


def times(a: Maybe, count: int) -> Maybe:
    return a if a is None or count == 1 else Totals(*[x * count for x in a])


def weights_of(node: LayerNode, types: dict[str, TensorType]) -> dict[str, Weight]:
    """The weights of a layer node: none where it uses another's."""
    return layer_weights(node, types) if node.shares is None else {}


def layer_totals(node: LayerNode, types: dict[str, TensorType], dtype: str = "float32") -> Maybe:
    """What one layer has and does for one sample; None where its types are unknown. `dtype` as of `count`."""
    inputs = tuple([types[ref] for ref in node.inputs])
    output = types[node.name]
    if not output.known or not all(t.known for t in inputs):
        return None
    key = (node.layer, inputs, output, dtype)
    totals = _layers.get(key)
    if totals is None:
        totals = _measure(node.layer, inputs, output, dtype)
        if len(_layers) > 50_000:
            _layers.clear()
        _layers[key] = totals
    if f"{node.name}.1" in types and not node.layer.view:
        members = values_of(node, {}, types)[1:]
        total = sum_of((totals.activation_bytes, *(types[ref].bytes for ref in members)))
        totals = totals._replace(activation_bytes=total)
    if node.shares is not None:
        return totals.with_weights_of(NOTHING)
    if node.ties:
        weights = layer_weights(node, types)
        tied = [weights[name] for name in node.ties]
        return totals._replace(
            params=totals.params - sum_of(w.type.elements for w in tied if w.kind == "trainable"),
            weight_bytes=totals.weight_bytes - sum_of(w.type.held_as(dtype).bytes for w in tied),
        )
    return totals


def _measure(layer: Layer, inputs: tuple[TensorType, ...], output: TensorType, dtype: str) -> Totals:
    weights = layer.weights(inputs).values()
    params = sum_of(w.type.elements for w in weights if w.kind == "trainable")
    weight_bytes = sum_of(w.type.held_as(dtype).bytes for w in weights)
    cost, cache = layer.cost(inputs, output), layer.cache(inputs)
    size = DTYPE_BYTES[cache.dtype]
    activation_bytes = 0 if layer.view else output.bytes
    cached = cache.per_token * size, cache.whole * size
    return Totals(params, *cost, weight_bytes, activation_bytes, *cached, layer.inactive(inputs))


def is_countable(network: Network) -> bool:
    """Whether the number can be written down of how often the layer occurs that repeats in repeats make most of."""
    most: dict[str, int] = {}
    for module in network.modules:
        counts = [1]
        for node in module.nodes:
            if isinstance(node, CallNode):
                counts.append(most[node.module])
            elif isinstance(node, RepeatNode):
                counts += [run.times * most[run.module] for run in node.runs]
        most[module.name] = max(counts)
    return most[network.root.name].bit_length() <= _MOST_BITS


def unknown(network: Network) -> tuple[NodeTotals, ModuleTotals]:
    """The tables of `count` where nothing could be counted."""
    nodes: NodeTotals = {m.name: {node.name: None for node in m.nodes} for m in network.modules}
    return nodes, dict.fromkeys(nodes)


def count(network: Network, types: Types, dtype: str = "float32") -> tuple[NodeTotals, ModuleTotals]:
    """Totals of every node and every module. `dtype`: that of weights which are float32; that of values is in `types`.
    Raises OverflowError where Python could not write them down."""
    nodes: NodeTotals = {}
    modules: ModuleTotals = {}
    for module in network.modules:
        known = types[module.name]
        here: dict[str, Maybe] = {}
        for node in module.nodes:
            if isinstance(node, LayerNode):
                here[node.name] = layer_totals(node, known, dtype)
            elif isinstance(node, CallNode):
                inside = modules[node.module]
                if inside is not None and node.shares is not None:
                    inside = inside.with_weights_of(NOTHING)
                here[node.name] = inside
            else:
                here[node.name] = total(times(modules[run.module], run.times) for run in node.runs)
        nodes[module.name] = here
        # where a type is unknown, a layer is missing here, or one of its sizes
        whole = total(here.values()) if all(type.known for type in known.values()) else None
        if whole is not None and any(isinstance(x, int) and x.bit_length() > _MOST_BITS for x in whole):
            raise OverflowError("repeats in repeats: the figures have thousands of digits")
        modules[module.name] = whole
    return nodes, modules
