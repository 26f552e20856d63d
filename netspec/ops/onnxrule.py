"""How a layer is said in ONNX: its rule `onnx` adds nodes to a graph, which it knows as a small protocol.

A value has the type of one sample, and ONNX has the batch in front of it: axis 0 of a sample is axis 1 there.
Weights, constants and what is made of them alone have no batch. A layer's inputs have it, but for a layer that
`broadcasts`, whose inputs are `aligned` and of which one at least has it.

A size may be an expression in symbols. `Graph.sizes` makes sizes into a tensor: a constant one where all are numbers,
else one that nodes compute from the net's inputs. What can be an attribute of a node only, such as a window, is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from netspec import limits
from netspec.diagnostics import Problem
from netspec.ir.dims import Dim, symbol
from netspec.ir.types import TensorType

BATCH = symbol("@batch")  # the number of samples as the size of an axis, of a value that has it elsewhere than in front
COUNTED = symbol("@counted")  # the size of an axis that follows from numbers, and is known only once they are there
AXES_INPUT = 18  # the first opset in which all reductions take their axes as an input


class Value:
    """A value of the graph. `type`: of one sample where it is batched, else all of it."""

    __slots__ = ("batched", "name", "type")

    def __init__(self, name: str, type: TensorType, batched: bool = True) -> None:
        self.name = name
        self.type = type
        self.batched = batched

    @property
    def shape(self) -> tuple[Dim, ...]:
        return self.type.shape

    @property
    def rank(self) -> int:
        """The number of axes, without the batch."""
        return len(self.type.shape)

    @property
    def dtype(self) -> str:
        return self.type.dtype


class Graph(Protocol):
    """What a layer's rule may ask for. `opset` is the version of ONNX's operators."""

    opset: int

    def node(
        self,
        op: str,
        *inputs: Value | None,
        shape: Sequence[Dim] | None = None,
        dtype: str = "",
        batched: bool | None = None,
        **attributes: Any,
    ) -> Value:
        """Apply an operator; its output.

        shape: of the output, without the batch; that to which the inputs broadcast unless given. dtype: its element
        type, the first input's unless given. batched: as one of the inputs is, unless given. An input None is left
        out.
        """
        ...

    def nodes(
        self,
        op: str,
        *inputs: Value | None,
        shapes: Sequence[Sequence[Dim]],
        dtypes: Sequence[str] = (),
        **attributes: Any,
    ) -> list[Value]:
        """Apply an operator with several outputs, of these shapes. dtypes: theirs, the first input's where empty."""
        ...

    def weight(self, name: str, shape: Sequence[Dim] | None = None) -> Value:
        """A weight of the layer; in another shape of as many elements, if one is given."""
        ...

    def numbers(self, numbers: Any, dtype: str) -> Value:
        """A constant: a number, or nested tuples of them."""
        ...

    def sizes(self, *sizes: Dim) -> Value:
        """Sizes as a tensor: int64 [their number]."""
        ...

    def batch_and(self, *sizes: Dim) -> Value:
        """The same behind the number of samples."""
        ...

    def cast(self, x: Value, dtype: str) -> Value:
        """A value as another element type."""
        ...


def dim(axis: int) -> int:
    """An axis of a sample, as ONNX counts it behind the batch."""
    return axis + 1 if axis >= 0 else axis


def number(graph: Graph, value: float, x: Value) -> Value:
    """A constant number of an input's element type."""
    return graph.numbers(float(value), x.dtype)


def channelwise(graph: Graph, name: str, x: Value, axis: int = 0) -> Value:
    """A weight with a number for each element of an axis of x, so that it broadcasts to x."""
    return graph.weight(name, (x.shape[axis], *(1,) * (x.rank - axis - 1)))


def aligned(graph: Graph, inputs: Sequence[Value]) -> list[Value]:
    """Inputs whose missing leading axes stand behind the batch, so that they broadcast."""
    most = max(x.rank for x in inputs)
    return [x if not x.batched else unsqueeze(graph, x, 0, most - x.rank) for x in inputs]


def unsqueeze(graph: Graph, x: Value, axis: int, count: int = 1) -> Value:
    """More axes of size 1 before an axis of the sample, counted from 0."""
    if not count:
        return x
    first = axis + x.batched
    shape = (*x.shape[:axis], *(1,) * count, *x.shape[axis:])
    return graph.node("Unsqueeze", x, graph.numbers(tuple(range(first, first + count)), "int64"), shape=shape)


def reshape(graph: Graph, x: Value, *sizes: Dim) -> Value:
    """The same elements in another shape."""
    if x.shape == sizes:
        return x
    known: list[Dim] = list(sizes)
    symbolic = [place for place, size in enumerate(sizes) if not isinstance(size, int)]
    if len(symbolic) == 1:  # what is left
        known[symbolic[0]] = -1
    head = (0,) if x.batched else ()  # in Reshape 0 stands for the size that the input has there
    return graph.node("Reshape", x, graph.sizes(*head, *known), shape=sizes)


def transpose(graph: Graph, x: Value, order: Sequence[int]) -> Value:
    """The axes of the sample, or of what has no batch, in another order."""
    if list(order) == list(range(x.rank)):
        return x
    perm = (0, *(axis + 1 for axis in order)) if x.batched else tuple(order)
    return graph.node("Transpose", x, shape=[x.shape[axis] for axis in order], perm=perm)


def cut(graph: Graph, x: Value, cuts: Sequence[tuple[int, Dim, Dim]], step: int = 1) -> Value:
    """Positions of axes of the sample, each (axis, start, size), where the step goes from one to the next."""
    if not cuts:
        return x
    shape = list(x.shape)
    for axis, _, size in cuts:
        shape[axis] = size
    starts = graph.sizes(*(start for _, start, _ in cuts))
    ends = graph.sizes(*(start + (size - 1) * step + (1 if step > 0 else -1) for _, start, size in cuts))
    axes = graph.numbers(tuple(axis + x.batched for axis, _, _ in cuts), "int64")
    more = (graph.numbers((step,) * len(cuts), "int64"),) if step != 1 else ()
    return graph.node("Slice", x, starts, ends, axes, *more, shape=shape)


def pad(graph: Graph, x: Value, sides: Sequence[tuple[Dim, Dim]], mode: str = "constant", value: float = 0.0) -> Value:
    """More positions (before, after) along the last axes. `mode`: constant, reflect, replicate or circular."""
    first = x.rank - len(sides)
    if all(side == 0 for pair in sides for side in pair):
        return x
    if mode == "circular":
        for axis, (before, after) in enumerate(sides, start=first):
            size = x.shape[axis]
            parts = [cut(graph, x, [(axis, size - before, before)])] if before != 0 else []
            parts += [x, *([cut(graph, x, [(axis, 0, after)])] if after != 0 else [])]
            if len(parts) > 1:
                shape = (*x.shape[:axis], size + before + after, *x.shape[axis + 1 :])
                x = graph.node("Concat", *parts, shape=shape, axis=axis + 1)
        return x
    given: tuple[Value, ...] = ()
    none = (0,) * (first + x.batched)
    if mode == "constant":  # onnxruntime takes padding with 0, not with -0, for that of a pool which follows
        given = (graph.numbers(value or -0.0 if "float" in x.dtype else int(value), x.dtype),)
    # ONNX has the begins of all axes, then the ends
    pads = graph.sizes(*none, *(before for before, _ in sides), *none, *(after for _, after in sides))
    shape = (*x.shape[:first], *(n + a + b for n, (a, b) in zip(x.shape[first:], sides, strict=True)))
    return graph.node("Pad", x, pads, *given, shape=shape, mode={"replicate": "edge"}.get(mode, mode))


def window_pads(
    graph: Graph, x: Value, sides: Sequence[tuple[Dim, Dim]], most: Sequence[int] = (), value: float = 0.0
) -> tuple[Value, tuple[int, ...]]:
    """The input of a window and its attribute `pads`. What cannot be an attribute, a symbol or more than so many along
    an axis, is padded before."""
    ends = [*(before for before, _ in sides), *(after for _, after in sides)]
    pads = tuple(n for n in ends if isinstance(n, int))
    if pads == tuple(ends) and all(n <= limit for n, limit in zip(pads, (*most, *most), strict=bool(most))):
        return x, pads
    return pad(graph, x, sides, value=value), (0,) * len(ends)


def reduce(graph: Graph, op: str, x: Value, axes: Sequence[int], keep: bool = False) -> Value:
    """A reduction over axes of the sample, counted from 0, such as "ReduceMean"; -1 is the batch, which goes or, kept,
    is an axis of size 1 then."""
    if not axes:
        return x
    batched = x.batched and -1 not in axes
    shape = [1 if keep and i in axes else n for i, n in enumerate(x.shape) if keep or i not in axes]
    if keep and x.batched and not batched:
        shape = [1, *shape]
    places = tuple(sorted(axis + x.batched for axis in axes))
    if graph.opset >= AXES_INPUT or op == "ReduceSum":
        given = graph.numbers(places, "int64")
        return graph.node(op, x, given, shape=shape, batched=batched, keepdims=int(keep))
    return graph.node(op, x, shape=shape, batched=batched, axes=places, keepdims=int(keep))


def along(graph: Graph, x: Value, axis: int, shares: Value) -> Value:
    """An axis of the sample contracted with a matrix [out, n] that has no batch."""
    size = shares.shape[0]
    if axis == x.rank - 1:
        return graph.node("MatMul", x, transpose(graph, shares, (1, 0)), shape=(*x.shape[:-1], size))
    if axis == x.rank - 2:
        return graph.node("MatMul", shares, x, shape=(*x.shape[:-2], size, x.shape[-1]))
    swapped = [*range(axis), x.rank - 1, *range(axis + 1, x.rank - 1), axis]
    return transpose(graph, along(graph, transpose(graph, x, swapped), x.rank - 1, shares), swapped)


def deviated(graph: Graph, x: Value, axes: Sequence[int], eps: float) -> Value:
    """x / sqrt(mean of x^2 over axes + eps); axes as of `reduce`."""
    mean = reduce(graph, "ReduceMean", graph.node("Mul", x, x), axes, keep=True)
    return graph.node("Div", x, graph.node("Sqrt", graph.node("Add", mean, number(graph, eps, x))))


def standardised(graph: Graph, x: Value, axes: Sequence[int], eps: float) -> Value:
    """(x - mean) / sqrt(variance + eps), of axes as of `reduce`."""
    mean = reduce(graph, "ReduceMean", x, axes, keep=True)
    return deviated(graph, graph.node("Sub", x, mean), axes, eps)


def filled(graph: Graph, value: float, shape: Sequence[Dim], x: Value) -> Value:
    """A tensor of one number, of the element type of x."""
    return graph.node("Expand", number(graph, value, x), graph.sizes(*shape), shape=shape)


def needs_size(argument: str, layer: str, x: Value) -> Problem:
    """The problem of what ONNX can say for sizes that are numbers only."""
    from netspec.problems.onnx import NeedsSize

    return NeedsSize(argument, layer=layer, shape=x.type)


def clip(graph: Graph, x: Value, low: float, high: float) -> Value:
    """Elements between two bounds."""
    return graph.node("Clip", x, number(graph, low, x), number(graph, high, x))


def where_greater(graph: Graph, x: Value, compared: Value, bound: float, other: Value) -> Value:
    """x where `compared` is greater than a bound or NaN, as in torch, else `other`."""
    below = graph.node("LessOrEqual", compared, number(graph, bound, compared), dtype="bool")
    return graph.node("Where", below, other, x, dtype=x.dtype)


def constant_of(count: int, argument: str, layer: str, x: Value) -> None:
    """Raises a Problem where a rule would make a constant of too many numbers."""
    if count > limits.CONSTANT:
        from netspec.problems.onnx import LargeConstant

        raise LargeConstant(
            argument, layer=layer, shape=x.type, count=f"{count:,}", most=f"{limits.CONSTANT:,}"
        )  # fmt: skip


def affine(graph: Graph, y: Value, weight: Value | None, bias: Value | None) -> Value:
    """y * weight + bias, of those that there are."""
    if weight is not None:
        y = graph.node("Mul", y, weight)
    return y if bias is None else graph.node("Add", y, bias)
