"""Receptive fields: how much of each input a unit of a layer depends on, and which units lie how far apart.

Along each axis of an input after the first: unit o of a layer depends on positions `start + stride * o` to
`start + stride * o + size - 1`; a negative start reaches into the padding. Where branches meet it is the
union. A layer that mixes all positions (flatten, a global pool) sees everything: its stride is 0. A stride
below 1 (after an upsampling) is a fraction; the field's size is then the largest of all units.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple, TypeAlias

from netspec.analysis.shapes import Types
from netspec.ir.dims import Dim, maximum, minimum
from netspec.ir.network import CallNode, LayerNode, Network, RepeatNode
from netspec.ir.types import TensorType
from netspec.ops.base import Reach, whole

Step: TypeAlias = "Dim | Fraction"


class Axis(NamedTuple):
    size: Dim
    stride: Step
    start: Step


class Field(NamedTuple):
    """What a value depends on, of one input: per axis after the first."""

    axes: tuple[Axis, ...]

    @property
    def is_whole(self) -> bool:
        return all(axis.stride == 0 for axis in self.axes)


Fields: TypeAlias = dict[str, Field]  # input -> field
FIELD_POINT = Axis(1, 1, 0)


def receptive_fields(network: Network, types: Types) -> dict[str, dict[str, Fields]]:
    """For every value of every module, its fields on that module's own inputs."""
    modules = network.module_table()
    table: dict[str, dict[str, Fields]] = {}
    for module in network.modules:
        known = types[module.name]
        fields: dict[str, Fields] = {
            name: {name: Field((FIELD_POINT,) * max(known[name].rank - 1, 0))} for name in module.inputs
        }
        for node in module.nodes:
            inputs = [fields.get(ref, {}) for ref in node.inputs]
            if isinstance(node, LayerNode):
                operands = [known[ref] for ref in node.inputs]
                if not all(t.known for t in operands) or not known[node.name].known:
                    made = [{}]
                else:
                    made = [_layer(node, inputs, operands)]
            elif isinstance(node, CallNode):
                target = modules[node.module]
                made = [_through(table[target.name].get(out, {}), target.inputs, inputs, types[target.name]) for out in target.outputs.values()]
            else:
                made = [_repeat(node, inputs, table, modules, types)]
            refs = [ref for ref in known if ref == node.name or ref.startswith(node.name + ".")]
            for i, ref in enumerate(refs):
                fields[ref] = made[min(i, len(made) - 1)]
        table[module.name] = fields
    return table


def in_terms_of(inner: Fields, names: tuple[str, ...], outer: list[Fields], types: dict[str, TensorType]) -> Fields:
    """Fields on a module's inputs, as fields on what its caller's values depend on."""
    return _through(inner, names, outer, types)


def _layer(node: LayerNode, inputs: list[Fields], operands: list[TensorType]) -> Fields:
    reach: Reach = node.layer.reach(operands)
    merged: Fields = {}
    for fields, type in zip(inputs, operands, strict=True):
        for name, field in fields.items():
            _unite(merged, name, _extend(field, reach, type))
    return merged


def _extend(field: Field, reach: Reach, type: TensorType) -> Field:
    """The field of a layer's output, from that of its input (of this type)."""
    if field.is_whole or not reach.size:
        return field
    if len(reach.size) != len(field.axes):
        reach = whole(type)
        if len(reach.size) != len(field.axes):
            return field
    axes = []
    for axis, size, stride, start in zip(field.axes, reach.size, reach.stride, reach.start, strict=True):
        step = Fraction(*stride) if isinstance(stride, tuple) else stride
        axes.append(
            Axis(
                _tidy(axis.size + (size - 1) * axis.stride, up=True),  # type: ignore[operator]
                _tidy(axis.stride * step),  # type: ignore[operator]
                _tidy(axis.start + start * axis.stride),  # type: ignore[operator]
            )
        )
    return Field(tuple(axes))


def _through(inner: Fields, names: tuple[str, ...], outer: list[Fields], types: dict[str, TensorType]) -> Fields:
    merged: Fields = {}
    for name, fields in zip(names, outer, strict=True):
        field = inner.get(name)
        if field is None:
            continue
        reach = Reach(
            tuple(a.size for a in field.axes), tuple(a.stride for a in field.axes), tuple(a.start for a in field.axes)  # type: ignore[misc]
        )
        for origin, before in fields.items():
            _unite(merged, origin, _compose(before, reach, types[name]))
    return merged


def _compose(before: Field, reach: Reach, type: TensorType) -> Field:
    if before.is_whole:
        return before
    if len(reach.size) != len(before.axes):
        return _extend(before, whole(type), type)
    axes = []
    for axis, size, stride, start in zip(before.axes, reach.size, reach.stride, reach.start, strict=True):
        axes.append(
            Axis(
                _tidy(axis.size + (size - 1) * axis.stride, up=True),  # type: ignore[operator]
                _tidy(axis.stride * stride),  # type: ignore[operator]
                _tidy(axis.start + start * axis.stride),  # type: ignore[operator]
            )
        )
    return Field(tuple(axes))


def _repeat(
    node: RepeatNode, inputs: list[Fields], table: dict[str, dict[str, Fields]], modules: dict[str, object], types: Types
) -> Fields:
    """One iteration after the other; a run of many by repeated squaring of its first input's field."""
    current, others = inputs[0], inputs[1:]
    for run in node.runs:
        module = modules[run.module]
        inner = table[run.module].get(next(iter(module.outputs.values())), {})  # type: ignore[attr-defined]
        names: tuple[str, ...] = module.inputs  # type: ignore[attr-defined]
        left = run.times
        while left and not _settled(current):
            after = _through(inner, names, [current, *others], types[run.module])
            left -= 1
            if _is_linear(inner, names) and left > 1:
                current = _linear(current, after, left + 1)
                left = 0
            else:
                current = after
            if run.times - left > 64:
                break  # strides that double each time: the field has long left every input
    return current


def _settled(fields: Fields) -> bool:
    return all(field.is_whole for field in fields.values())


def _is_linear(inner: Fields, names: tuple[str, ...]) -> bool:
    """Whether an iteration adds the same to size and start each time: stride 1, one input."""
    return set(inner) <= {names[0]} and all(a.stride == 1 for f in inner.values() for a in f.axes)


def _linear(before: Fields, after: Fields, count: int) -> Fields:
    grown: Fields = {}
    for name, field in after.items():
        first = before[name]
        axes = tuple(
            Axis(
                _tidy(a.size + (b.size - a.size) * count, up=True),
                b.stride,
                _tidy(a.start + (b.start - a.start) * count),  # type: ignore[operator]
            )
            for a, b in zip(first.axes, field.axes, strict=True)
        )
        grown[name] = Field(axes)
    return grown


def _unite(merged: Fields, name: str, field: Field) -> None:
    """The union of two fields: from the first start to the last end."""
    other = merged.get(name)
    if other is None or len(other.axes) != len(field.axes):
        merged[name] = field if other is None or field.is_whole else other
        return
    axes = []
    for a, b in zip(other.axes, field.axes, strict=True):
        start = _least(a.start, b.start)
        end = _most(a.start + a.size, b.start + b.size)  # type: ignore[operator]
        axes.append(Axis(_tidy(end - start, up=True), _most(a.stride, b.stride), start))  # type: ignore[operator]
    merged[name] = Field(tuple(axes))


def _least(a: Step, b: Step) -> Step:
    return min(a, b) if isinstance(a, Fraction) or isinstance(b, Fraction) else minimum(a, b)  # type: ignore[type-var]


def _most(a: Step, b: Step) -> Step:
    return max(a, b) if isinstance(a, Fraction) or isinstance(b, Fraction) else maximum(a, b)  # type: ignore[type-var]


def _tidy(value: Step, up: bool = False) -> Dim:
    """Whole fractions as ints; sizes rounded up to whole positions."""
    if isinstance(value, Fraction):
        if value.denominator == 1:
            return int(value)
        if up:
            return -((-value.numerator) // value.denominator)
    return value  # type: ignore[return-value]


__all__ = ["Axis", "CallNode", "Field", "Fields", "in_terms_of", "receptive_fields"]
