"""Receptive fields: which positions of a net's inputs a unit of a layer depends on, along each axis.

Axes are those of the input after its first. Along one, the field of a unit is the range from the first to the
last position that it depends on, holes of a dilation included, as if the input went on where a layer pads it:
a start below 0 reaches into the padding. Where branches meet it is the hull of theirs.

After an upsampling, units that lie side by side may see fields of different sizes, again and again in the same
order. An `Axis` therefore holds the fields of as many units as it takes until they repeat, and is exact for
all units. It is a bound, the hull of what all units see, with stride 0, where there is no such order: where
branches of different strides meet, where axes are mixed or exchanged (flatten, permute, global pools), where
sizes are symbols below an upsampling, and beyond limits that no published net comes near.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import gcd, lcm
from typing import NamedTuple, TypeAlias

from netspec import limits
from netspec.analysis.rows import Call, Row
from netspec.analysis.shapes import Types, values_of
from netspec.ir.dims import Dim, maximum, minimum
from netspec.ir.network import CallNode, LayerNode, Module, Network, RepeatNode, iterations
from netspec.ir.types import TensorType
from netspec.ops.base import Layer

MAX_PERIOD = 256  # units that see different fields, one after the other
MAX_ADVANCE: int = 10**limits.INTEGER_DIGITS


class Axis(NamedTuple):
    """Of so many units, unit `len(spans) * q + r` depends on positions `advance * q + first` to
    `advance * q + last`, where `(first, last) = spans[r]`. Neither falls from one unit to the next."""

    units: Dim
    advance: Dim
    spans: tuple[tuple[Dim, Dim], ...]

    @property
    def size(self) -> Dim:
        """How many positions the largest field has."""
        size: Dim = 0
        for first, last in self.spans:
            size = maximum(size, last - first + 1)
        return size

    @property
    def stride(self) -> Dim | Fraction:
        """How far the fields of neighbouring units lie apart, on average."""
        if len(self.spans) == 1 or not isinstance(self.advance, int):
            return self.advance
        stride = Fraction(self.advance, len(self.spans))
        return int(stride) if stride.denominator == 1 else stride

    @property
    def start(self) -> Dim:
        """The first position of the field of unit 0."""
        return self.spans[0][0]

    def span(self, unit: int) -> tuple[Dim, Dim]:
        """The first and last position that a unit depends on."""
        round, place = divmod(unit, len(self.spans))
        first, last = self.spans[place]
        return first + self.advance * round, last + self.advance * round


class Field(NamedTuple):
    """What a value depends on, of one input: along each axis of it after the first."""

    axes: tuple[Axis, ...]

    @property
    def is_whole(self) -> bool:
        """Whether all units see the same."""
        return all(axis.advance == 0 for axis in self.axes)


Fields: TypeAlias = dict[str, Field]  # by input


class ReceptiveFields:
    """The fields of all values. A module's are worked out once, on its own inputs; those on the net's inputs
    follow from the calls around it."""

    def __init__(self, network: Network, types: Types) -> None:
        self.modules = network.module_table()
        self.types = types
        self.inner: dict[str, dict[str, Fields]] = {}  # module -> value -> its fields
        self.given: dict[tuple[str, str, int], list[Fields]] = {}  # what a call, or a run of a repeat, is given
        self.around: dict[tuple[Call, ...], list[Fields]] = {}
        for module in network.modules:
            self._module(module)
        root = network.root
        self.around[()] = [self.inner[root.name][name] for name in root.inputs]

    def of(self, row: Row) -> Fields:
        """The fields of a row's output on the net's inputs; in a repeat, of the first iteration that the row
        stands for. There are none where a mistake left types unknown."""
        fields = self.inner[row.module].get(row.node.name, {})
        if isinstance(row.node, RepeatNode) and row.iteration is not None:
            run = next(run for run, first in iterations(row.node) if first == row.iteration)
            target = self.modules[run.module]
            fields = _through(self._body(target), target.inputs, self.given[row.module, row.node.name, row.iteration])
        return self._seen_through(row.module, fields, row.calls)

    def _seen_through(self, module: str, fields: Fields, calls: tuple[Call, ...]) -> Fields:
        """Fields on a module's inputs as fields on the net's."""
        return _through(fields, self.modules[module].inputs, self._given(calls))

    def _given(self, calls: tuple[Call, ...]) -> list[Fields]:
        """The fields of the inputs of the module that the last of the calls enters."""
        if calls not in self.around:
            last = calls[-1]
            self.around[calls] = [self._seen_through(last.module, fields, calls[:-1]) for fields in self.given[last]]
        return self.around[calls]

    def _module(self, module: Module) -> None:
        known = self.types[module.name]
        values: dict[str, Fields] = {name: _itself(name, known[name]) for name in module.inputs}
        self.inner[module.name] = values
        for node in module.nodes:
            inputs = [values.get(ref, {}) for ref in node.inputs]
            refs = values_of(node, self.modules, known)
            if isinstance(node, LayerNode):
                operands = [known[ref] for ref in node.inputs]
                if all(t.known for t in operands) and known[node.name].known:
                    made = _layer(node.layer, operands, inputs, known[node.name])
                    values.update((ref, made) for ref in refs)
            elif isinstance(node, CallNode):
                self.given[module.name, node.name, 0] = inputs
                target = self.modules[node.module]
                for ref, inner in zip(refs, target.outputs.values(), strict=True):
                    values[ref] = _through(self.inner[target.name].get(inner, {}), target.inputs, inputs)
            else:
                values[node.name] = self._repeat(module, node, inputs)

    def _repeat(self, module: Module, node: RepeatNode, inputs: list[Fields]) -> Fields:
        """One iteration after the other."""
        current, others = inputs[0], inputs[1:]
        for run, first in iterations(node):
            self.given[module.name, node.name, first] = [current, *others]
            target = self.modules[run.module]
            current = _through(self._power(target, run.times), target.inputs, [current, *others])
        return current

    def _body(self, module: Module) -> Fields:
        """The fields of one iteration's output on its inputs."""
        return self.inner[module.name].get(next(iter(module.outputs.values())), {})

    def _power(self, module: Module, times: int) -> Fields:
        """The fields of so many iterations on the first one's inputs, by repeated squaring."""
        known, body = self.types[module.name], self._body(module)
        others = [_itself(name, known[name]) for name in module.inputs[1:]]
        result: Fields | None = None
        while True:
            if times % 2:
                result = body if result is None else _through(body, module.inputs, [result, *others])
            times //= 2
            if not times:
                return body if result is None else result
            body = _through(body, module.inputs, [body, *others])


def _itself(name: str, type: TensorType) -> Fields:
    """The fields of an input."""
    return {name: Field(tuple(Axis(n, 1, ((0, 0),)) for n in type.shape[1:]))} if type.known else {}


def _layer(layer: Layer, operands: list[TensorType], inputs: list[Fields], output: TensorType) -> Fields:
    """The fields of a layer's output, from those of its inputs."""
    merged: Fields = {}
    for operand, fields in zip(operands, inputs, strict=True):
        if fields:
            _add(merged, _window(layer, operand, output, merges=len(operands) > 1), fields)
    return merged


def _through(inner: Fields, names: Iterable[str], outer: list[Fields]) -> Fields:
    """Fields on a module's inputs, of these names, as fields on what the values given to it depend on."""
    merged: Fields = {}
    for name, fields in zip(names, outer, strict=True):
        if name in inner:
            _add(merged, inner[name], fields)
    return merged


def _add(merged: Fields, inner: Field, outer: Fields) -> None:
    """Add what is seen through one value: `inner` on that value, `outer` its own fields."""
    for name, before in outer.items():
        axes = tuple(map(_compose, before.axes, inner.axes)) + before.axes[len(inner.axes) :]
        if name in merged:
            axes = tuple(map(_hull, merged[name].axes, axes))
        merged[name] = Field(axes)


def _window(layer: Layer, operand: TensorType, output: TensorType, merges: bool) -> Field:
    """The field of a layer's output on one of its operands."""
    reach = layer.reach([operand])
    results = (*output.shape[1:], *operand.shape[output.rank :])
    axes: list[Axis] = []
    if not reach.size:  # each position depends on the same position of the operand
        moved = merges and operand.rank != output.rank
        for size, units in zip(operand.shape[1:], results, strict=False):
            if size == units and not moved:
                axes.append(Axis(units, 1, ((0, 0),)))
            else:  # repeated along the axis, or joined to others
                axes.append(Axis(units, 0, ((0, size - 1),)))
        return Field(tuple(axes))
    for units, size, stride, start in zip(results, reach.size, reach.stride, reach.start, strict=False):
        if not isinstance(stride, tuple):
            axes.append(Axis(units, stride, ((start, start + size - 1),)))
            continue
        step, parts = stride[0] // gcd(*stride), stride[1] // gcd(*stride)
        shifts = [stride[0] * r for r in range(min(parts, MAX_PERIOD))]
        spans = tuple(((start + s) // stride[1], (start + s + size - 1) // stride[1]) for s in shifts)
        if parts <= MAX_PERIOD:
            axes.append(Axis(units, step, spans))
        else:
            last = (start + stride[0] * (units - 1) + size - 1) // stride[1]
            axes.append(Axis(units, 0, ((spans[0][0], last),)))
    return Field(tuple(axes))


def _compose(outer: Axis, inner: Axis) -> Axis:
    """What units see through a value: `inner` is the field on the value, `outer` that of the value."""
    period = len(outer.spans)
    if not isinstance(outer.advance, int):
        outer, inner = _all(outer) if period > 1 else outer, _all(inner) if len(inner.spans) > 1 else inner
        period = 1
    if period == 1:
        ((first, last),) = outer.spans
        moved = tuple((outer.advance * a + first, outer.advance * b + last) for a, b in inner.spans)
        return _bounded(Axis(inner.units, outer.advance * inner.advance, moved))
    advance = inner.advance
    spans = tuple((a, b) for a, b in inner.spans if isinstance(a, int) and isinstance(b, int))
    if not isinstance(advance, int) or len(spans) < len(inner.spans):
        return _compose(_all(outer), inner)
    steps = period // gcd(period, advance)
    if steps * len(spans) > MAX_PERIOD:
        return _compose(outer, _all(inner))
    composed = tuple(
        (outer.span(a + advance * step)[0], outer.span(b + advance * step)[1])
        for step in range(steps)
        for a, b in spans
    )
    return _bounded(Axis(inner.units, outer.advance * (advance * steps // period), composed))


def _hull(a: Axis, b: Axis) -> Axis:
    """From the first of two fields' starts to the last of their ends, for each unit."""
    period = lcm(len(a.spans), len(b.spans))
    if a.advance * len(b.spans) != b.advance * len(a.spans) or period > MAX_PERIOD:
        a, b, period = _all(a), _all(b), 1
    pairs = [(a.span(unit), b.span(unit)) for unit in range(period)]
    spans = tuple((minimum(x[0], y[0]), maximum(x[1], y[1])) for x, y in pairs)
    return Axis(a.units, a.advance * (period // len(a.spans)), spans)


def _all(axis: Axis) -> Axis:
    """The hull of what all units see."""
    rounds, place = axis.units - 1, 0
    if len(axis.spans) > 1:
        rounds, place = (axis.units - 1) // len(axis.spans), -1
        if isinstance(axis.units, int):
            place = (axis.units - 1) % len(axis.spans)
    return Axis(axis.units, 0, ((axis.start, axis.spans[place][1] + axis.advance * rounds),))


def _bounded(axis: Axis) -> Axis:
    """The axis, as a bound where strides that grow and grow have left all input behind."""
    far = isinstance(axis.advance, int) and abs(axis.advance) > MAX_ADVANCE
    return _all(axis) if far or (axis.advance == 0 and len(axis.spans) > 1) else axis
