"""A network written out: every layer as often as it occurs, each with the tensors that are its weights.

Everything else analyses a block once, however often it is used. This is for what truly needs each layer: ONNX graphs,
files of weights, and comparisons layer by layer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from netspec import limits
from netspec.analysis.shapes import Types, values_of
from netspec.ir.network import CallNode, LayerNode, Module, Network, RepeatNode, iterations
from netspec.ir.types import TensorType
from netspec.ops.base import Layer, Weight
from netspec.ops.weights import layer_weights


class TooManyLayers(ValueError):
    """A network that is too large to write out."""

    def __init__(self, layers: int) -> None:
        super().__init__(f"{layers:,} layers, at most {limits.LAYERS:,} can be written out")
        self.layers = layers


class Scope(NamedTuple):
    """A group around a layer: its dotted path, and the block or group that it is."""

    path: str
    title: str


class Step(NamedTuple):
    """One use of one layer. Values are numbered."""

    path: str
    layer: Layer
    takes: tuple[int, ...]
    makes: tuple[int, ...]
    inputs: tuple[TensorType, ...]
    outputs: tuple[TensorType, ...]
    weights: dict[str, tuple[str, Weight]]  # by the layer's name for it: the tensor that it is, by its own name
    scopes: tuple[Scope, ...]
    module: str  # where its node stands
    node: LayerNode


class Unrolled(NamedTuple):
    """A network written out. Values are numbered, the net's inputs first."""

    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    steps: tuple[Step, ...]

    def tensors(self) -> dict[str, tuple[Weight, Step]]:
        """All weights by the names that they have in a state_dict, each with the first layer that uses it."""
        found: dict[str, tuple[Weight, Step]] = {}
        for step in self.steps:
            for name, weight in step.weights.values():
                found.setdefault(name, (weight, step))
        return found


class _Owner(NamedTuple):
    """Where the weights of a module's instance are: their prefix, and those of the module around it."""

    prefix: str
    around: _Owner | None = None

    def inside(self, *names: str) -> _Owner:
        return _Owner(self.path(*names), self)

    def path(self, *names: str) -> str:
        return ".".join(part for part in (self.prefix, *names) if part)

    def find(self, target: str) -> tuple[_Owner, str]:
        """The instance in which the target of a share or tie stands, and the target's name there."""
        home = self
        while target.startswith("../"):
            assert home.around is not None  # which `infer` has checked
            home, target = home.around, target[3:]
        return home, target


def count_layers(network: Network) -> int:
    """How many layers a network has, each as often as it occurs."""
    counts: dict[str, int] = {}
    for module in network.modules:
        total = 0
        for node in module.nodes:
            if isinstance(node, LayerNode):
                total += 1
            elif isinstance(node, CallNode):
                total += counts[node.module]
            else:
                total += sum(run.times * counts[run.module] for run in node.runs)
        counts[module.name] = total
    return counts[network.root.name]


def unroll(network: Network, types: Types) -> Unrolled:
    """Write a sound network out. Raises TooManyLayers."""
    layers = count_layers(network)
    if layers > limits.LAYERS:
        raise TooManyLayers(layers)
    return _Walk(network, types).all()


class _Walk:
    def __init__(self, network: Network, types: Types) -> None:
        self.network = network
        self.types = types
        self.modules = network.module_table()
        self.steps: list[Step] = []
        self.held: dict[str, dict[str, tuple[str, Weight]]] = {}  # weights by the path of the layer that owns them
        self.values = 0

    def all(self) -> Unrolled:
        inputs = self._new(len(self.network.inputs))
        root = self.network.root
        outputs = self._module(root, inputs, "", _Owner(""), ())
        return Unrolled(tuple(inputs), tuple(outputs), tuple(self.steps))

    def _new(self, count: int) -> list[int]:
        self.values += count
        return list(range(self.values - count, self.values))

    def _module(
        self, module: Module, inputs: Sequence[int], path: str, owner: _Owner, scopes: tuple[Scope, ...]
    ) -> list[int]:
        known = self.types[module.name]
        values = dict(zip(module.inputs, inputs, strict=True))
        scopes = (*scopes, Scope(path, module.title or module.name))
        for node in module.nodes:
            takes = [values[ref] for ref in node.inputs]
            here = f"{path}.{node.name}" if path and node.name else path or node.name
            if isinstance(node, LayerNode):
                makes = self._layer(module, node, takes, here, owner, scopes)
            elif isinstance(node, CallNode):
                home = owner.inside(node.name)
                if node.shares is not None:
                    around, name = owner.find(node.shares)
                    home = around.inside(name)
                makes = self._module(self.modules[node.module], takes, here, home, scopes)
            else:
                makes = self._repeat(node, takes, here, owner, scopes)
            values.update(zip(values_of(node, self.modules, known), makes, strict=True))
        return [values[ref] for ref in module.outputs.values()]

    def _repeat(
        self, node: RepeatNode, takes: list[int], path: str, owner: _Owner, scopes: tuple[Scope, ...]
    ) -> list[int]:
        scopes = (*scopes, Scope(path, "repeat"))
        for name, module in _iterations(node):
            inside = self.modules[module]
            made = self._module(inside, takes, f"{path}.{name}", owner.inside(node.name, name), scopes)
            takes = [made[0], *takes[1:]]
        return takes[:1]

    def _layer(
        self, module: Module, node: LayerNode, takes: list[int], path: str, owner: _Owner, scopes: tuple[Scope, ...]
    ) -> list[int]:
        known = self.types[module.name]
        home, name = owner.find(node.shares) if node.shares is not None else (owner, node.name)
        weights = {
            weight_name: (home.path(name, weight_name), weight)
            for weight_name, weight in layer_weights(node, known).items()
        }
        if node.shares is not None:
            weights |= self.held[home.path(name)]  # which may be tied
        for weight_name, tied in node.ties.items():
            target, _, other = tied.rpartition(".")
            around, target = owner.find(target)
            weights[weight_name] = self.held[around.path(target)][other]
        self.held.setdefault(owner.path(node.name), weights)
        outputs = [known[ref] for ref in values_of(node, self.modules, known)]
        makes = self._new(len(outputs))
        inputs = tuple(known[ref] for ref in node.inputs)
        self.steps.append(
            Step(
                path, node.layer, tuple(takes), tuple(makes), inputs, tuple(outputs), weights, scopes, module.name, node
            )
        )
        return makes


def _iterations(node: RepeatNode) -> Iterator[tuple[str, str]]:
    """The name and the module of each iteration."""
    for run, first in iterations(node):
        for number in range(first, first + run.times):
            yield run.name or str(number), run.module
