"""Merges that most nets use: `add`, `mul`, `concat`. The others are in `merge_rare`."""

from collections.abc import Sequence
from typing import ClassVar

from netspec.ir.dims import Dim
from netspec.ir.types import TensorType
from netspec.ops.arguments import axis_index
from netspec.ops.base import FREE, POINT, Cost, Kind, Layer, Reach, Types, Weight
from netspec.ops.onnxrule import Graph, Value, aligned
from netspec.ops.torchrule import Arg, Torch, dim
from netspec.problems.shapes import ConcatMismatch, DtypesDiffer, ShapesDiffer


def show_shapes(inputs: Types, at: int, axis: int | None) -> str:
    """Each input's shape on a line of its own, with carets under one axis (or all) of input `at`."""
    lines = []
    for index, x in enumerate(inputs):
        head = f"input {index}: ["
        lines.append(head + ", ".join(map(str, x.shape)) + "]")
        if index == at:
            before = len(head) if axis is None else len(head + "".join(f"{n}, " for n in x.shape[:axis]))
            width = len(lines[-1]) - before - 1 if axis is None else len(str(x.shape[axis]))
            lines.append(" " * before + "^" * max(width, 1))
    return "\n".join(lines)


def one_dtype(layer: Layer, inputs: Types) -> None:
    """Raises DtypesDiffer where an input's element type is not the first one's."""
    first = inputs[0].dtype
    for index, x in enumerate(inputs):
        if x.dtype != first:
            raise DtypesDiffer(f"input {index}", layer=layer.layer_name(), first=first, second=x.dtype)


def broadcast(layer: Layer, inputs: Types) -> TensorType:
    """The shape that all inputs are repeated to. Raises ShapesDiffer, DtypesDiffer."""
    first = inputs[0]
    shape = first.shape
    for x in inputs:
        if x.shape != shape or x.dtype != first.dtype:
            break
    else:
        return first
    one_dtype(layer, inputs)
    for index, x in enumerate(inputs):
        shape = _broadcast_two(layer, inputs, shape, index, x)
    return first.with_shape(*shape)


def _broadcast_two(layer: Layer, inputs: Types, shape: tuple[Dim, ...], index: int, x: TensorType) -> tuple[Dim, ...]:
    rank = max(len(shape), x.rank)
    ours = (1,) * (rank - len(shape)) + shape
    theirs = (1,) * (rank - x.rank) + x.shape
    result: list[Dim] = []
    for axis, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        if a == b or b == 1:
            result.append(a)
        elif a == 1:
            result.append(b)
        else:
            own = axis - (rank - x.rank)
            raise ShapesDiffer(
                f"input {index}", notes=(show_shapes(inputs, index, own),),
                layer=layer.layer_name(), first=TensorType(shape), second=TensorType(x.shape),
                axis=own, size=b, expected=a, remedy=_remedy(shape, x.shape, axis, a), compared=(b, "==", a),
            )  # fmt: skip
    return tuple(result)


def _remedy(ours: tuple[Dim, ...], theirs: tuple[Dim, ...], axis: int, size: Dim) -> str:
    """How an input is brought to the size that the others have along an axis."""
    short, long = (ours, theirs) if len(ours) < len(theirs) else (theirs, ours)
    if len(short) < len(long):
        rule = "shapes are compared from the last axis"
        if short != long[: len(short)]:
            return f"{rule}; `reshape` adds axes of size 1"
        entries = ", ".join([*map(str, short), *["1"] * (len(long) - len(short))])
        return f"{rule}: `reshape ({entries})` lines {TensorType(short)} up with axis 0"
    if len(ours) == 1:
        return f"a `dense {size}` gives this path {size} features"
    if axis == 0:
        return f"a `conv {size} k=1` gives this path {size} channels"
    return "the same strides and pads on both paths, or `crop`, `pad` or `upsample` on one of them"


def between(operator: str, count: int) -> str:
    """A template with an operator between all of `count` inputs."""
    return f" {operator} ".join(f"{{{place}}}" for place in range(count))


def joined(graph: Graph, op: str, inputs: Sequence[Value]) -> Value:
    """An operator of two applied to all inputs, from the first on."""
    first, *others = aligned(graph, inputs)
    for other in others:
        first = graph.node(op, first, other)
    return first


class _Merge(Layer):
    """What layers of two or more inputs of fitting shapes share."""

    inputs: ClassVar[tuple[int, int | None]] = (2, None)
    broadcasts: ClassVar[bool] = True

    def output(self, inputs: Types) -> TensorType:
        return broadcast(self, inputs)

    def weights(self, inputs: Types) -> dict[str, Weight]:
        return {}

    def reach(self, inputs: Types) -> Reach:
        return POINT


class Add(_Merge):
    """Sum of two or more inputs, element by element: [*], [*], ... -> [*].

    Sizes of 1 and missing leading axes are repeated, as in numpy.

    Cost: one addition fewer than there are inputs, per element.
    """

    example: ClassVar[str] = "add { | identity | dense 8 }"

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        return Cost(adds=output.elements * (len(inputs) - 1))

    def torch(self, inputs: Types) -> Torch:
        return Torch(function=between("+", len(inputs)))

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        return joined(graph, "Add", inputs)


class Mul(_Merge):
    """Product of two or more inputs, element by element: [*], [*], ... -> [*].

    Sizes of 1 and missing leading axes are repeated, as in numpy: a gate [C, 1, 1] multiplies a map
    [C, H, W].

    Cost: one multiplication fewer than there are inputs, per element.
    """

    example: ClassVar[str] = "mul { | identity | dense 8 }"

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        return Cost(mults=output.elements * (len(inputs) - 1))

    def torch(self, inputs: Types) -> Torch:
        return Torch(function=between("*", len(inputs)))

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        return joined(graph, "Mul", inputs)


class Concat(_Merge):
    """The inputs one after another along an axis: [C1, *S], [C2, *S], ... -> [C1 + C2 + ..., *S].

    `axis`: of the sample, the first unless given: the channels of a map. All other sizes are equal.

    Cost: none.
    """

    dtypes: ClassVar[Kind] = "any"
    broadcasts: ClassVar[bool] = False
    example: ClassVar[str] = "concat { | dense 8 | dense 16 }"

    axis: int = 0

    def output(self, inputs: Types) -> TensorType:
        one_dtype(self, inputs)
        first = inputs[0]
        joined = axis_index(self.axis, first)
        rank = first.rank
        total: Dim = 0
        for index, x in enumerate(inputs):
            if x.rank != rank:
                self._refuse(inputs, index, None, f"{x.rank} axes, input 0 has {rank}", joined)
            for axis, (a, b) in enumerate(zip(first.shape, x.shape, strict=True)):
                if axis != joined and a != b:
                    self._refuse(inputs, index, axis, f"axis {axis}: {b} is not {a}", joined)
            total = total + x.shape[joined]
        return first.with_shape(*first.shape[:joined], total, *first.shape[joined + 1 :])

    def _refuse(self, inputs: Types, index: int, axis: int | None, what: str, joined: int) -> None:
        first, second = TensorType(inputs[0].shape), TensorType(inputs[index].shape)
        if axis is None:
            remedy = "`reshape` gives all inputs the same number of axes"
        elif axis > 0:
            remedy = f"only axis {joined} may differ; `crop`, `pad` or `upsample` makes the others equal"
        else:
            remedy = f"only axis {joined} may differ: join along another axis, or make the channels equal"
        raise ConcatMismatch(
            f"input {index}", notes=(show_shapes(inputs, index, axis),),
            layer=self.layer_name(), first=first, second=second, what=what, remedy=remedy,
            compared=None if axis is None else (second.shape[axis], "==", first.shape[axis]),
        )  # fmt: skip

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        return FREE

    def torch(self, inputs: Types) -> Torch:
        return Torch(function="torch.cat([{inputs}], {args})", args=(Arg(dim(self.axis), "dim", 0),))

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        axis = dim(axis_index(self.axis, inputs[0].type))
        return graph.node("Concat", *inputs, shape=self.output([x.type for x in inputs]).shape, axis=axis)
