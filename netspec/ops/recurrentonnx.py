"""ONNX's operators RNN, GRU and LSTM: one node for each layer.

They have the sequence in front and the batch behind it: [T, N, features]. The rows of their weights are in another
order than torch's, and both directions of a layer are one tensor.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from netspec.ir.dims import Dim
from netspec.ops.onnxrule import BATCH, Graph, Value, cut, filled, reshape


class Recurrence(NamedTuple):
    """Layers of one operator. `order`: where ONNX's blocks of rows are in torch's weights. `states`: how many a step
    hands to the next. `last`: only the last step is wanted."""

    op: str
    hidden: Dim
    layers: int
    directions: int
    biases: int
    states: int
    order: tuple[int, ...]
    attributes: dict[str, Any]
    last: bool


def recurrence(graph: Graph, inputs: Sequence[Value], form: Recurrence) -> tuple[Value, ...]:
    """The nodes of recurrent layers: the sequence, and the states that it ends with."""
    x, *begin = inputs
    steps, rows = x.shape[0], form.layers * form.directions
    x = graph.node("Transpose", x, perm=(1, 0, 2), shape=(steps, BATCH, x.shape[1]), batched=False)
    begin = [_in_front(graph, state, rows, form.hidden) for state in begin]
    ends: list[list[Value]] = [[] for _ in range(form.states)]
    shapes = [(steps, form.directions, BATCH, form.hidden), *[(form.directions, BATCH, form.hidden)] * form.states]
    for number in range(form.layers):
        first = number * form.directions
        given = [cut(graph, state, [(0, first, form.directions)]) if rows > 1 else state for state in begin]
        weights = _weights(graph, form, number, x.shape[-1], x)
        direction = {"direction": "bidirectional"} if form.directions == 2 else {}
        y, *states = graph.nodes(
            form.op, x, *weights, None, *given,
            shapes=shapes, hidden_size=form.hidden, **direction, **form.attributes,
        )  # fmt: skip
        for end, state in zip(ends, states, strict=True):
            end.append(state)
        if number + 1 < form.layers:
            x = _joined(graph, y, form, steps)
    return (_sequence(graph, y, form, steps), *(_of_samples(graph, end, rows, form.hidden) for end in ends))


def _weights(graph: Graph, form: Recurrence, number: int, inputs: Dim, x: Value) -> list[Value | None]:
    """W [directions, rows, inputs], R [directions, rows, hidden] and B [directions, 2 * rows] of a layer."""
    rows = len(form.order) * form.hidden
    names = [f"l{number}{suffix}" for suffix in ("", "_reverse")[: form.directions]]

    def joined(kind: str, *shape: Dim) -> Value:
        return _both(graph, [_reordered(graph, f"{kind}_{name}", form, *shape) for name in names])

    weight, recurrent = joined("weight_ih", inputs), joined("weight_hh", form.hidden)
    if not form.biases:
        return [weight, recurrent, None]
    bias = joined("bias_ih")
    other = joined("bias_hh") if form.biases == 2 else filled(graph, 0.0, (form.directions, rows), x)
    both = graph.node("Concat", bias, other, shape=(form.directions, 2 * rows), axis=1)
    return [weight, recurrent, both]


def _reordered(graph: Graph, name: str, form: Recurrence, *shape: Dim) -> Value:
    """A weight of one direction with its blocks of rows in ONNX's order: [1, rows, ...]."""
    gates = len(form.order)
    value = graph.weight(name, (gates, form.hidden, *shape))
    if gates > 1:
        value = graph.node("Gather", value, graph.numbers(form.order, "int64"), shape=value.shape, axis=0)
    return reshape(graph, value, 1, gates * form.hidden, *shape)


def _both(graph: Graph, values: Sequence[Value]) -> Value:
    """One tensor of those of the directions, or layers, along axis 0."""
    if len(values) == 1:
        return values[0]
    size: Dim = 0
    for value in values:
        size = size + value.shape[0]
    return graph.node("Concat", *values, shape=(size, *values[0].shape[1:]), axis=0)


def _joined(graph: Graph, y: Value, form: Recurrence, steps: Dim) -> Value:
    """[T, directions, N, hidden] as [T, N, directions * hidden]."""
    if form.directions == 1:
        return graph.node("Squeeze", y, graph.numbers((1,), "int64"), shape=(steps, BATCH, form.hidden))
    y = graph.node("Transpose", y, perm=(0, 2, 1, 3), shape=(steps, BATCH, form.directions, form.hidden))
    features = form.directions * form.hidden
    return graph.node("Reshape", y, graph.sizes(0, 0, features), shape=(steps, BATCH, features))


def _sequence(graph: Graph, y: Value, form: Recurrence, steps: Dim) -> Value:
    """[T, directions, N, hidden] as that of each sample, [T, directions * hidden], or the last step of it."""
    y = _joined(graph, y, form, steps)
    features = form.directions * form.hidden
    if form.last:
        return graph.node("Gather", y, graph.numbers(-1, "int64"), shape=(features,), batched=True, axis=0)
    return graph.node("Transpose", y, perm=(1, 0, 2), shape=(steps, features), batched=True)


def _in_front(graph: Graph, state: Value, rows: int, hidden: Dim) -> Value:
    """The states of samples, [hidden] or [rows, hidden], as [rows, N, hidden]."""
    shape = (rows, BATCH, hidden)
    if rows == 1:
        return graph.node("Unsqueeze", state, graph.numbers((0,), "int64"), shape=shape, batched=False)
    return graph.node("Transpose", state, perm=(1, 0, 2), shape=shape, batched=False)


def _of_samples(graph: Graph, ends: Sequence[Value], rows: int, hidden: Dim) -> Value:
    """The states of layers, each [directions, N, hidden], as those of samples."""
    state = _both(graph, ends)
    if rows == 1:
        return graph.node("Squeeze", state, graph.numbers((0,), "int64"), shape=(hidden,), batched=True)
    return graph.node("Transpose", state, perm=(1, 0, 2), shape=(rows, hidden), batched=True)
