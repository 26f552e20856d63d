"""Warnings about layers, from IR and types: what each computes, on what, and for whom."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import TypeAlias

from netspec.analysis.shapes import Types
from netspec.analysis.totals import NodeTotals
from netspec.diagnostics import Diagnostic, Label, Problem
from netspec.elaborate.frame import located
from netspec.elaborate.values import counted
from netspec.ir.dims import Dim
from netspec.ir.network import CallNode, LayerNode, Module, Network, Node, RepeatNode, used_modules
from netspec.ir.types import TensorType
from netspec.ops.base import Layer, product
from netspec.ops.windows import AXIS_NAMES
from netspec.source import Span

ACTIVATIONS = frozenset((
    "relu", "relu6", "leakyrelu", "prelu", "rrelu", "elu", "selu", "celu", "silu", "gelu", "mish", "softplus",
    "softsign", "sigmoid", "hardsigmoid", "hardswish", "hardtanh", "tanh", "logsigmoid", "softmax", "logsoftmax",
    "softmin",
))  # fmt: skip
_NEVER_NEGATIVE = frozenset(("relu", "relu6", "sigmoid", "hardsigmoid", "softplus", "softmax", "softmin"))
_KEEP_POSITIVE = frozenset(("relu", "leakyrelu", "prelu", "rrelu", "elu", "celu"))
_MEANT = frozenset((("softplus", "tanh"),))  # mish, written out
_OF_ONE = {"softmax": "1", "softmin": "1", "logsoftmax": "0", "layernorm": "0 before its weight and bias"}

# Layers that take maps [C, *S], and those after which a map is still one.
_OF_MAPS = frozenset((
    "conv", "upconv", "maxpool", "avgpool", "globalavgpool", "globalmaxpool", "adaptiveavgpool", "adaptivemaxpool",
    "subsample", "upsample", "pixelshuffle", "pixelunshuffle", "channelshuffle", "batchnorm", "groupnorm",
    "instancenorm", "lrn", "pad", "crop",
))  # fmt: skip
SLIDING = ("conv", "maxpool", "avgpool", "subsample")  # windows over maps
_REPEATING = frozenset(("add", "sub", "mul", "div", "mean", "max", "min"))
_KEEP_MAPS = ACTIVATIONS | _REPEATING | {"dropout", "identity", "concat", "slice", "split", "scale"}
_MOST_COLOURS = 4  # an input with more channels may be anything


class _At:
    """A layer, where it stands."""

    __slots__ = ("module", "node")

    def __init__(self, module: Module, node: LayerNode) -> None:
        self.module = module
        self.node = node

    @property
    def name(self) -> str:
        return self.node.layer.layer_name()  # type: ignore[no-any-return]


class LayerLints:
    """The warnings about the layers of one network. `spans`: of nodes and of what made inputs, by module."""

    def __init__(
        self, network: Network, types: Types, totals: NodeTotals, spans: Mapping[str, Mapping[str, Span]]
    ) -> None:
        self.network = network
        self.types = types
        self.totals = totals
        self.spans = spans
        self.table = network.module_table()
        self.found: list[Diagnostic] = []
        self._uses: dict[str, int] = {}  # of the values of the module that is looked at
        self._nodes: dict[str, dict[str, Node]] = {}
        self._maps: dict[tuple[str, str], bool] = {}  # values of which it is known whether they are maps

    def run(self, sound: bool) -> list[Diagnostic]:
        """All warnings; that a value is lost only where the net is sound, for a mistake may have taken its user."""
        lost: list[tuple[Module, Node]] = []
        for module in self.network.modules:
            uses: dict[str, int] = {}
            for node in module.nodes:
                for ref in node.inputs:
                    uses[ref] = uses.get(ref, 0) + 1
            for ref in module.outputs.values():
                uses[ref] = uses.get(ref, 0) + 1
            self._uses = uses
            members = {ref.partition(".")[0] for ref in uses}
            for node in module.nodes:
                if node.name not in members:
                    lost.append((module, node))
                if isinstance(node, LayerNode):
                    rules = _RULES.get(node.layer.layer_name())
                    if rules is not None and self._is_known(module, node):
                        for rule in rules:
                            rule(self, _At(module, node))
        self._dropout_at_the_end()
        if sound and lost:
            self._lost(lost)
        return self.found

    def _is_known(self, module: Module, node: LayerNode) -> bool:
        types = self.types[module.name]
        return types[node.name].known and all(types[ref].known for ref in node.inputs)

    # -- where things are -------------------------------------------------------------------------------

    @cached_property
    def _callers(self) -> dict[str, tuple[Module, Node]]:
        """The first use of each module."""
        found: dict[str, tuple[Module, Node]] = {}
        for module in self.network.modules:
            for node in module.nodes:
                for used in used_modules(node):
                    found.setdefault(used, (module, node))
        return found

    def tell(self, problem: Problem, module: Module, span: Span | None, *labels: Label) -> None:
        """Add a warning at a place in a module, with the calls that led there."""
        if span is None:
            return  # of IR that comes from no text
        trail: list[Label] = []
        while module.name in self._callers:
            outer, node = self._callers[module.name]
            call = self.spans[outer.name].get(node.name)
            if module.title and call is not None:  # a block or net
                trail.insert(0, Label(call, f"in `{module.title.split()[0]}`, used here"))
            module = outer
        self.found.append(located(problem, span, tuple(trail), labels))

    def at(self, problem: Problem, at: _At, *labels: Label) -> None:
        self.tell(problem, at.module, self.span(at.module, at.node.name), *labels)

    def span(self, module: Module, node: str) -> Span | None:
        return self.spans[module.name].get(node)

    def origins(self, at: _At) -> list[Label]:
        """Where the inputs of a layer come from."""
        labels = []
        for ref in at.node.inputs:
            span = self.span(at.module, ref.partition(".")[0])
            if span is not None:
                labels.append(Label(span, f"gives {self.types[at.module.name][ref]}"))
        return labels

    def inputs(self, at: _At) -> list[TensorType]:
        return [self.types[at.module.name][ref] for ref in at.node.inputs]

    def node(self, module: Module, ref: str) -> Node | None:
        """The node that makes a value of a module; None for its inputs."""
        if module.name not in self._nodes:
            self._nodes[module.name] = {node.name: node for node in module.nodes}
        return self._nodes[module.name].get(ref.partition(".")[0])

    def maker(self, module: Module, ref: str) -> _At | None:
        """The layer that makes a value, inside calls too; None for what comes into a module."""
        node = self.node(module, ref)
        while node is not None and not isinstance(node, LayerNode):
            module, ref = self._inside(node, ref)
            node = self.node(module, ref)
        return _At(module, node) if node is not None else None

    def _inside(self, node: CallNode | RepeatNode, ref: str) -> tuple[Module, str]:
        """What a value of a call or repeat is in the module that makes it."""
        module = self.table[node.module if isinstance(node, CallNode) else node.runs[-1].module]
        member = ref.partition(".")[2]
        return module, module.outputs.get(member) or next(iter(module.outputs.values()))

    # -- rules ------------------------------------------------------------------------------------------

    def dense_on_image(self, at: _At) -> None:
        (x,) = self.inputs(at)
        if x.rank < 3 or not self.is_map(at.module, at.node.inputs[0]):
            return
        from netspec.problems.warnings import DenseOnImage

        problem = DenseOnImage(
            shape=x,
            features=x.shape[-1],
            rows=_figure(product(x.shape[:-1])),
            elements=_figure(x.elements),
            out=at.node.layer.out,
        )
        self.at(problem, at, *self.origins(at))

    def is_map(self, module: Module, ref: str) -> bool:
        """Whether a value is a map [C, *S]: a layer of maps made it or takes it, or it is an image that comes in."""
        seen: list[tuple[str, str]] = []
        todo = [(module, ref)]
        found = False
        while todo and not found:
            module, ref = todo.pop()
            key = (module.name, ref)
            known = self._maps.get(key)
            if known is not None:
                found = known
                continue
            self._maps[key] = False
            seen.append(key)
            node = self.node(module, ref)
            if isinstance(node, LayerNode):
                name = node.layer.layer_name()
                found = name in _OF_MAPS
                todo += [(module, r) for r in node.inputs] if name in _KEEP_MAPS else []
            elif node is not None:
                todo.append(self._inside(node, ref))
            elif ref not in module.inputs:
                continue  # the value of something with a mistake
            elif module.name in self._callers:
                outer, call = self._callers[module.name]
                todo.append((outer, call.inputs[module.inputs.index(ref)]))
            else:
                shape = self.types[module.name][ref].shape
                found = len(shape) >= 3 and isinstance(shape[0], int) and shape[0] <= _MOST_COLOURS
        if found:
            for key in seen:
                del self._maps[key]
            self._maps[seen[0] if seen else key] = True
        return found

    def input_left_out(self, at: _At) -> None:
        (x,), output = self.inputs(at), self.types[at.module.name][at.node.name]
        left = left_out(at.node.layer, x, output)
        if not left:
            return
        groups = list(_by_axes(left))
        told = [f"{size - read} of {size} along the {axes}" for (size, read, *_), axes in groups]
        ends = [
            f"{counted(places, 'window')} of {extent}"
            + (f", {stride} apart," if stride != extent else "")
            + f" end{'s' if places == 1 else ''} at {read}"
            for (_, read, places, extent, stride, _), _ in groups
        ]
        sizes = [
            " or ".join(str(n) for n in (size - rest, size + stride - rest) if n > 0) + f" along the {axes}"
            for (size, _, _, _, stride, rest), axes in groups
        ]
        from netspec.problems.warnings import InputLeftOut

        problem = InputLeftOut(
            layer=at.name,
            left=f"does not read {', '.join(told)}: {'; '.join(ends)}",
            remedy=", or ".join((*_mended(at.node.layer, x), f"an input of {', '.join(sizes)}")),
        )
        self.at(problem, at, *self.origins(at))

    def cancelled_bias(self, at: _At) -> None:
        before = self.node(at.module, at.node.inputs[0])
        if not isinstance(before, LayerNode) or not getattr(before.layer, "bias", False):
            return
        name = before.layer.layer_name()
        if name not in ("conv", "upconv", "dense") or self._uses[before.name] != 1:
            return
        (x,) = self.inputs(at)
        if (name == "dense" and x.rank != 1) or self._is_shared(before):  # a dense layer's bias is on the last axis
            return
        span = self.span(at.module, at.node.name)
        labels = [Label(span, "subtracts the mean of each channel")] if span else []
        from netspec.problems.warnings import CancelledBias

        self.at(CancelledBias(layer=name, count=x.shape[0]), _At(at.module, before), *labels)

    def _is_shared(self, node: Node) -> bool:
        return getattr(node, "shares", None) is not None or node.name in self._shared

    @cached_property
    def _shared(self) -> set[str]:
        """The names of the nodes whose weights others use, in whatever module."""
        found: set[str] = set()
        for module in self.network.modules:
            for node in module.nodes:
                if isinstance(node, LayerNode):
                    found.update(ref.rpartition(".")[0].rpartition("/")[2] for ref in node.ties.values())
                if not isinstance(node, RepeatNode) and node.shares is not None:
                    found.add(node.shares.rpartition("/")[2])
        return found

    def activation_twice(self, at: _At) -> None:
        before = self.maker(at.module, at.node.inputs[0])
        if before is None or before.name not in ACTIVATIONS or self._uses[at.node.inputs[0]] != 1:
            return
        first, second = before.name, at.name
        axes = getattr(before.node.layer, "axis", None), getattr(at.node.layer, "axis", None)
        if (first, second) in _MEANT or (None not in axes and axes[0] != axes[1]):
            return
        if first in _NEVER_NEGATIVE and second in _KEEP_POSITIVE:
            effect = f"changes nothing: `{first}` gives no negative numbers"
        else:
            effect = f"bends what `{first}` has bent, without weights between them"
        span = self.span(before.module, before.node.name)
        labels = [Label(span, "the first one")] if span else []
        from netspec.problems.warnings import ActivationTwice

        self.at(ActivationTwice(first=first, second=second, effect=effect), at, *labels)

    def no_effect(self, at: _At) -> None:
        (x,), layer, name = self.inputs(at), at.node.layer, at.name
        sizes = x.shape[x.rank - layer.axes :] if name == "layernorm" else (x.shape[layer.axis],)
        if any(size != 1 for size in sizes):
            return
        if name == "layernorm":
            remedy = "`groupnorm 1` normalises over the channels and all positions of a map"
        elif all(size == 1 for size in x.shape):
            remedy = "`sigmoid` makes a probability of a single number"
        else:
            remedy = "another `axis`: " + ", ".join(
                f"axis {i} has {size}" for i, size in enumerate(x.shape) if size != 1
            )
        from netspec.problems.warnings import NoEffect

        self.at(NoEffect(layer=name, value=_OF_ONE[name], shape=x, remedy=remedy), at, *self.origins(at))

    def untrained_router(self, at: _At) -> None:
        layer = at.node.layer
        if layer.top > 1 or not layer.normalised or layer.experts == 1:
            return
        from netspec.problems.warnings import UntrainedRouter

        self.at(UntrainedRouter(experts=layer.experts), at)

    def _dropout_at_the_end(self) -> None:
        root = self.network.root
        for ref in root.outputs.values():
            last = self.maker(root, ref)
            if last is not None and last.name == "dropout" and last.node.layer.p > 0:
                from netspec.problems.warnings import DropoutAtEnd

                self.at(DropoutAtEnd(net=self.network.name, p=last.node.layer.p), last)

    def repeated_inputs(self, at: _At) -> None:
        inputs, output = self.inputs(at), self.types[at.module.name][at.node.name]
        if all(x.shape == output.shape for x in inputs):
            return
        from netspec.problems.warnings import AllRepeated, AmbiguousAxis, RepeatedChannel

        if all(x.shape != output.shape for x in inputs):
            shapes = _joined([str(x) for x in inputs])
            problem: Problem = AllRepeated(layer=at.name, shapes=shapes, output=output)
            self.at(problem, at, *self.origins(at))
            return
        for x in inputs:
            if _fits_two_axes(x.shape, output.shape):
                size, ones = x.shape[0], ", ".join(["1"] * (output.rank - 1))
                problem = AmbiguousAxis(layer=at.name, vector=x, shape=output, size=size, ones=ones)
                self.at(problem, at, *self.origins(at))
            elif at.name == "add" and _has_one_channel(x.shape, output.shape) and self._are_maps(at):
                problem = RepeatedChannel(layer=at.name, channels=output.shape[0], small=x, output=output)
                self.at(problem, at, *self.origins(at))

    def _are_maps(self, at: _At) -> bool:
        return all(self.is_map(at.module, ref) for ref in at.node.inputs)

    def _lost(self, lost: list[tuple[Module, Node]]) -> None:
        """Tell of nodes whose values nothing takes, unless what is written there is of use in another place."""
        gone = {id(node) for _, node in lost}
        alive = {self.span(m, node.name) for m in self.network.modules for node in m.nodes if id(node) not in gone}
        for module, node in lost:
            span = self.span(module, node.name)
            if span in alive or self._is_shared(node):
                continue
            if isinstance(node, LayerNode) and node.layer.inputs == (0, 0):
                continue  # `param` and `constant`: told by their names
            totals = self.totals[module.name][node.name]
            params = totals.params if totals is not None else 0
            from netspec.problems.warnings import LostValue

            problem = LostValue(
                name=node.name,
                shape=self.types[module.name][node.name],
                params=f", and its {_figure(params)} parameters count all the same" if params != 0 else "",
            )
            self.tell(problem, module, span)


def _fits_two_axes(vector: tuple[Dim, ...], shape: tuple[Dim, ...]) -> bool:
    """Whether a vector is as long as the channels of a map and as its last axis, with which it is merged."""
    return len(vector) == 1 and len(shape) >= 3 and shape[0] == shape[-1] == vector[0] != 1


def _has_one_channel(small: tuple[Dim, ...], shape: tuple[Dim, ...]) -> bool:
    return len(small) == len(shape) > 1 and small[0] == 1 != shape[0] and small[1:] == shape[1:]


# size, positions that are read from the first on, windows, extent, stride, and what is left with the padding
_Left: TypeAlias = tuple[int, int, int, int, int, int]


def left_out(layer: Layer, x: TensorType, output: TensorType) -> dict[str, _Left]:
    """The axes whose end no window reaches, beyond the gap that a stride larger than its window leaves by design."""
    found: dict[str, _Left] = {}
    if getattr(layer, "stride", None) == 1:
        return found
    reach = layer.reach([x])
    axes = zip(AXIS_NAMES[x.rank - 1], x.shape[1:], output.shape[1:], *reach, strict=True)
    for name, size, places, extent, stride, start in axes:
        if not all(isinstance(n, int) for n in (size, places, extent, stride, start)):
            continue
        read = (places - 1) * stride + extent + start
        if size - read > max(0, stride - extent):
            found[name] = size, read, places, extent, stride, (size - start - extent) % stride
    return found


def _by_axes(left: dict[str, _Left]) -> Iterator[tuple[_Left, str]]:
    """The axes that are alike together, in words."""
    for one in dict.fromkeys(left.values()):
        yield one, " and the ".join(name for name, other in left.items() if other == one)


def _mended(layer: Layer, x: TensorType) -> Iterator[str]:
    """The option with which a window reads all of its input."""
    pad = getattr(layer, "pad", None)
    options: list[tuple[str, dict[str, object]]] = []
    if getattr(layer, "ceil", None) is False:
        options.append(("`ceil=true`", {"ceil": True}))
    elif isinstance(pad, int):
        options += [(f"`pad={more}`", {"pad": more}) for more in range(pad + 1, pad + 4)]
    for text, change in options:
        changed = layer.model_copy(update=change)
        output = changed.output([x])
        if isinstance(output, TensorType) and not left_out(changed, x, output):
            yield text
            return


def _figure(number: Dim) -> str:
    return f"{number:,}" if isinstance(number, int) else str(number)


def _joined(texts: Iterable[str]) -> str:
    *first, last = texts
    return f"{', '.join(first)} and {last}" if first else last


_Rule = Callable[[LayerLints, _At], None]
_RULES: dict[str, tuple[_Rule, ...]] = {
    **dict.fromkeys(ACTIVATIONS, (LayerLints.activation_twice,)),
    **dict.fromkeys(_REPEATING, (LayerLints.repeated_inputs,)),
    **dict.fromkeys(SLIDING, (LayerLints.input_left_out,)),
    **dict.fromkeys(("softmax", "softmin", "logsoftmax"), (LayerLints.activation_twice, LayerLints.no_effect)),
    "layernorm": (LayerLints.no_effect,),
    "batchnorm": (LayerLints.cancelled_bias,),
    "dense": (LayerLints.dense_on_image,),
    "experts": (LayerLints.untrained_router,),
}
