"""The sizes at which a net's formulas hold, and those at which no layer leaves rows of its input out.

A rule for types is asked about symbols once, and what it compares without knowing is written down (`dims.doubts`): a
window compares its places with 1, a table of positions its rows with the length. Where the answers stay what they were,
the rule does what it did, so that the formulas hold there. So no rule says twice what it needs. Each such condition is
solved exactly, by bisection where it grows with the symbol, else for each remainder. Whether sizes beyond are in fact
refused is asked of the rule again, with numbers, which gives the reason too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from netspec.analysis.lints_layers import SLIDING, left_out
from netspec.analysis.shapes import Types
from netspec.diagnostics import Problem
from netspec.ir import decide
from netspec.ir.decide import Condition
from netspec.ir.dims import Doubt, Expr, Symbol, bounds, doubts, value, variables_of
from netspec.ir.network import CallNode, LayerNode, Module, Network, iterations
from netspec.ir.types import TensorType
from netspec.ops.base import Layer, Reach
from netspec.ops.windows import AXIS_NAMES

_TRIED = 1000  # sizes that are tried one by one where a rule takes what it compared
_MOST_TRIED = 10_000  # sizes of inputs of windows in all; then they are taken to drop some


class Place(NamedTuple):
    """A layer: its dotted path, and as it stands in the IR."""

    path: str
    layer: Layer


class Limit(NamedTuple):
    """The layer that keeps a symbol from being smaller or larger, and what it would see then."""

    place: Place
    reason: str

    def __str__(self) -> str:
        return f"{self.place.path} {self.reason}"


class SizeRange(NamedTuple):
    """The sizes that a symbol may have: at all from `least` to `most` that meet `fits` all layers fit.

    By whom: None where it is as declared, or 1. whole: where no layer leaves rows out; None where that is nowhere, or
    too long to say."""

    name: str
    least: int
    most: int | None
    least_by: Limit | None
    most_by: Limit | None
    fits: Condition
    whole: Condition | None


class Joint(NamedTuple):
    """A condition on several symbols, and the layer that needs it."""

    condition: str
    place: Place


class Drop(NamedTuple):
    """A layer whose windows reach to the end of an axis only where a condition holds; None: at no size, or at too many
    kinds of them to say."""

    place: Place
    axis: str
    unless: str | None


class Ranges(NamedTuple):
    symbols: dict[str, SizeRange]
    joint: tuple[Joint, ...]
    drops: tuple[Drop, ...]
    slides: bool  # whether any layer's windows step over symbolic sizes by more than 1


class _Need(NamedTuple):
    """A condition that a layer's rule has left open, of one symbol: sizes from `first` to `last` (None: without end)
    in steps may be refused."""

    order: int
    place: Place
    inputs: tuple[TensorType, ...]
    first: int
    last: int | None
    step: int


def ranges(network: Network, types: Types) -> Ranges:
    """The sizes of the symbols of a sound network's inputs."""
    symbols = {s.name: s for item in network.inputs for d in item.type.shape for s in variables_of(d)}
    return _Ranges(symbols, network, types).table()


class _Ranges:
    def __init__(self, symbols: dict[str, Symbol], network: Network, types: Types) -> None:
        self.symbols = symbols
        self.needs: dict[str, list[_Need]] = {}
        self.joint: list[Joint] = []
        self.drops: list[Drop] = []
        self.slides = False
        self.tried = 0  # sizes of inputs of windows
        self.whole: dict[str, Condition | None] = {}
        for symbol in symbols.values():
            self._meet(symbol)
        seen: set[object] = set()
        self._compared: set[object] = set()
        for order, (place, inputs, output) in enumerate(layers(network, types)):
            key = (place.layer, inputs)
            if key in seen or not any(isinstance(d, Expr) for x in inputs for d in x.shape):
                continue
            seen.add(key)
            for symbol in {s for x in inputs for d in x.shape for s in variables_of(d)}:
                self._meet(symbol)
            with doubts() as found:
                place.layer.output(inputs)
            for doubt in found:
                self._compare(order, place, inputs, doubt)
            if place.layer.layer_name() in SLIDING and getattr(place.layer, "stride", None) != 1:
                self._slide(place, inputs[0], output)

    def _meet(self, symbol: Symbol) -> None:
        """Note a symbol: of an input, or a parameter."""
        if symbol.name not in self.needs:
            self.symbols[symbol.name] = symbol
            self.needs[symbol.name] = []
            self.whole[symbol.name] = Condition(symbol.name, 1, (0,))

    def table(self) -> Ranges:
        least = {name: self._beyond(name) for name in self.symbols}
        found = {}
        for name in self.symbols:
            low, low_by = self._least(name, least)
            least[name] = low
            found[name] = (low, low_by, *self._most(name, least))
        return Ranges(
            {
                name: SizeRange(name, low, high, low_by, high_by, self._fits(name, least), self.whole[name])
                for name, (low, low_by, high, high_by) in found.items()
            },
            tuple(self.joint),
            tuple(self.drops),
            self.slides,
        )

    # -- what layers need -------------------------------------------------------------------------------

    def _compare(self, order: int, place: Place, inputs: tuple[TensorType, ...], doubt: Doubt) -> None:
        difference = doubt.left - doubt.right
        if doubt.kind == ">":
            difference = difference - 1
        if isinstance(difference, int):
            return
        low, high = bounds(difference)
        if low is not None and low >= (doubt.kind == "!="):
            return
        if doubt.kind == "!=" and high is not None and high < 0:
            return
        key = (type(place.layer), doubt.kind, frozenset(difference.terms.items()))
        if key in self._compared:
            return
        self._compared.add(key)
        variables = difference.variables
        spans = decide.refused(difference, doubt.kind, *variables) if len(variables) == 1 else None
        if spans is None:
            sign = ">=" if doubt.kind == ">" else "!="
            self.joint.append(Joint(_written(difference, sign), place))
            return
        (one,) = variables
        self._meet(one)
        self.needs[one.name] += [_Need(order, place, inputs, *span) for span in spans]

    def _beyond(self, name: str) -> int:
        """A size from which on no condition with an end is open."""
        one = self.symbols[name]
        return max([one.low, *(n.last + one.divisor for n in self.needs[name] if n.last is not None)])

    def _least(self, name: str, others: dict[str, int]) -> tuple[int, Limit | None]:
        one = self.symbols[name]
        open_needs = [need for need in self.needs[name] if need.last is not None]
        for _ in range(_TRIED):
            if not open_needs:
                return one.low, None
            need = max(open_needs, key=lambda n: (n.last or 0, -n.order))
            open_needs.remove(need)
            assert need.last is not None
            reason = self._refusal(need, {**others, name: need.last})
            if reason is not None:
                return need.last + one.divisor, Limit(need.place, reason)
            if need.last - need.step >= need.first:
                open_needs.append(need._replace(last=need.last - need.step))
        return self._beyond(name), None

    def _most(self, name: str, least: dict[str, int]) -> tuple[int | None, Limit | None]:
        one = self.symbols[name]
        found: tuple[int | None, Limit | None] = (one.high, None)
        endless = [n for n in self.needs[name] if n.last is None and n.step == one.divisor]
        for need in sorted(endless, key=lambda n: (n.first, n.order)):
            first = need.first
            while first < decide.FAR:
                reason = self._refusal(need, {**least, name: first})
                if reason is not None:
                    break
                first += max(first // one.divisor, 1) * one.divisor
            else:
                continue
            if found[0] is None or first <= found[0]:
                found = (first - one.divisor, Limit(need.place, reason or ""))
        return found

    def _fits(self, name: str, least: dict[str, int]) -> Condition:
        one = self.symbols[name]
        kept = Condition(name, one.divisor, (one.remainder,))
        for need in self.needs[name]:
            if need.last is None and need.step != one.divisor:
                at = need.first + -(-max(least[name] - need.first, 0) // need.step) * need.step
                if self._refusal(need, {**least, name: at}) is not None:
                    others = tuple(r for r in range(need.step) if r != need.first % need.step)
                    both = decide.both(kept, Condition(name, need.step, others))
                    kept = both or kept
        return kept

    def _refusal(self, need: _Need, sizes: dict[str, int]) -> str | None:
        """Why a layer refuses sizes; None where it takes them."""
        inputs = [TensorType(tuple(value(d, sizes) for d in x.shape), x.dtype) for x in need.inputs]
        try:
            need.place.layer.output(inputs)
        except Problem as problem:
            return problem.fill(problem.sight or f"would not fit: {problem.label}")
        return None

    # -- what windows leave out -------------------------------------------------------------------------

    def _slide(self, place: Place, x: TensorType, output: TensorType) -> None:
        layer = place.layer
        reach = layer.reach([x])
        strides = reach.stride
        if not all(isinstance(s, int) and s <= decide.WIDEST for s in strides) or all(s == 1 for s in strides):
            return
        self.slides = True
        self.tried += max(int(str(s)) for s in strides)
        if self.tried > _MOST_TRIED:
            for axis_name, size in zip(AXIS_NAMES[x.rank - 1], x.shape[1:], strict=True):
                self.drops.append(Drop(place, axis_name, None))
                self.whole |= dict.fromkeys((s.name for s in variables_of(size)), None)
            return
        dropped = _dropped(layer, x, reach)
        for axis, remainders in dropped.items():
            size, stride = x.shape[1 + axis[0]], strides[axis[0]]
            assert isinstance(stride, int)
            if isinstance(size, int) or not remainders:
                continue
            kept = [r for r in range(stride) if r not in remainders]
            self._drop(place, axis[1], size, stride, kept)

    def _drop(self, place: Place, axis: str, size: Expr, stride: int, kept: list[int]) -> None:
        """Windows reach to the end of an axis where its size has one of these remainders by the stride."""
        found = decide.where(size, stride, kept)
        if found is None:
            text = str(Condition("", stride, tuple(kept)))
            self.drops.append(Drop(place, axis, f"({size}){text}"))
            return
        if not found[2]:  # at the sizes that are declared
            return
        (one,) = size.variables
        condition = decide.both(Condition(one.name, 1, (0,)), Condition(one.name, found[0], tuple(found[1])))
        before = self.whole[one.name]
        self.whole[one.name] = decide.both(before, condition) if before is not None and condition is not None else None
        self.drops.append(Drop(place, axis, None if condition is None else str(condition)))


def layers(network: Network, types: Types) -> Iterator[tuple[Place, tuple[TensorType, ...], TensorType]]:
    """The layers in the order in which they compute, those of a module once, at the first place that uses it."""
    table = network.module_table()
    done: set[str] = set()

    def inside(module: Module, prefix: str) -> Iterator[tuple[Place, tuple[TensorType, ...], TensorType]]:
        if module.name in done:
            return
        done.add(module.name)
        known = types[module.name]
        for node in module.nodes:
            path = f"{prefix}.{node.name}" if prefix and node.name else prefix or node.name
            if isinstance(node, LayerNode):
                yield Place(path, node.layer), tuple(known[ref] for ref in node.inputs), known[node.name]
            elif isinstance(node, CallNode):
                yield from inside(table[node.module], path)
            else:
                for run, first in iterations(node):
                    yield from inside(table[run.module], f"{path}.{run.name or first}")

    return inside(network.root, "")


def _dropped(layer: Layer, x: TensorType, reach: Reach) -> dict[tuple[int, str], set[int]]:
    """By axis: the remainders by its stride of the sizes of which windows leave something out.

    Windows that fit leave as much out of a size as of the size that is a stride larger."""
    found: dict[tuple[int, str], set[int]] = {}
    strides = [int(str(s)) for s in reach.stride]
    extents = [n if isinstance(n, int) else 0 for n in reach.size]
    channels = x.shape[0] if isinstance(x.shape[0], int) else getattr(layer, "groups", 1)
    names = AXIS_NAMES[x.rank - 1]
    bases = [stride * (extent + 2) for stride, extent in zip(strides, extents, strict=True)]
    for more in range(max(strides)):
        sizes = [base + more % stride for base, stride in zip(bases, strides, strict=True)]
        sample = x.with_shape(channels, *sizes)
        output = layer.output([sample])
        assert isinstance(output, TensorType)
        for name in left_out(layer, sample, output):
            place = names.index(name)
            found.setdefault((place, name), set()).add(sizes[place] % strides[place])
    return found


def _written(difference: Expr, sign: str) -> str:
    """A condition on a difference: the constant stands to the right."""
    constant = difference.terms.get((), 0)
    left = difference - constant
    if isinstance(left, Expr) and all(factor < 0 for factor in left.terms.values()) and sign == ">=":
        return f"{-left} <= {constant}"
    return f"{left} {sign} {-constant}"
