"""Merges beside the common ones: `sub`, `div`, `mean`, `max`, `min`, `stack`."""

from collections.abc import Sequence
from typing import ClassVar

from netspec.ir.types import TensorType
from netspec.ops.arguments import axis_index
from netspec.ops.base import FREE, Cost, Kind, Types
from netspec.ops.merge import _Merge, between, joined, one_dtype, show_shapes
from netspec.ops.onnxrule import Graph, Value, aligned, number, unsqueeze
from netspec.ops.torchrule import Arg, Torch, dim
from netspec.problems.shapes import ConcatMismatch


def nested(function: str, count: int) -> str:
    """A template with a function of two applied to all of `count` inputs."""
    text = "{0}"
    for place in range(1, count):
        text = f"{function}({text}, {{{place}}})"
    return text


class Sub(_Merge):
    """Difference of two inputs, element by element: [*], [*] -> [*], first minus second.

    Sizes of 1 and missing leading axes are repeated, as in numpy.

    Cost: one addition per element.
    """

    inputs: ClassVar[tuple[int, int | None]] = (2, 2)
    example: ClassVar[str] = "sub { | identity | dense 8 }"

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        return Cost(adds=output.elements)

    def torch(self, inputs: Types) -> Torch:
        return Torch(function=between("-", 2))

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        return joined(graph, "Sub", inputs)


class Div(_Merge):
    """Quotient of two inputs, element by element: [*], [*] -> [*], first by second.

    Sizes of 1 and missing leading axes are repeated, as in numpy.

    Cost: one other per element (a division).
    """

    inputs: ClassVar[tuple[int, int | None]] = (2, 2)
    example: ClassVar[str] = "div { | identity | dense 8 }"

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        return Cost(other=output.elements)

    def torch(self, inputs: Types) -> Torch:
        return Torch(function=between("/", 2))

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        return joined(graph, "Div", inputs)


class Mean(_Merge):
    """Mean of two or more inputs, element by element: [*], [*], ... -> [*].

    Sizes of 1 and missing leading axes are repeated, as in numpy. `reduce mean` is the mean along an axis.

    Cost: per element one addition fewer than there are inputs, and one multiplication.
    """

    example: ClassVar[str] = "mean { | identity | dense 8 }"

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        elements = output.elements
        return Cost(0, elements, elements * (len(inputs) - 1))

    def torch(self, inputs: Types) -> Torch:
        count = len(inputs)
        return Torch(function=f"({between('+', count)}) / {count}")

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        total = joined(graph, "Add", inputs)
        return graph.node("Div", total, number(graph, len(inputs), total))


class Max(_Merge):
    """Largest of two or more inputs, element by element: [*], [*], ... -> [*].

    Sizes of 1 and missing leading axes are repeated, as in numpy. `reduce max` is the maximum along an axis.

    Cost: one other fewer than there are inputs (comparisons), per element.
    """

    example: ClassVar[str] = "max { | identity | dense 8 }"

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        return Cost(other=output.elements * (len(inputs) - 1))

    def torch(self, inputs: Types) -> Torch:
        return Torch(function=nested("torch.maximum", len(inputs)))

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        return graph.node("Max", *aligned(graph, inputs))


class Min(_Merge):
    """Smallest of two or more inputs, element by element: [*], [*], ... -> [*].

    Sizes of 1 and missing leading axes are repeated, as in numpy. `reduce min` is the minimum along an axis.

    Cost: one other fewer than there are inputs (comparisons), per element.
    """

    example: ClassVar[str] = "min { | identity | dense 8 }"

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        return Cost(other=output.elements * (len(inputs) - 1))

    def torch(self, inputs: Types) -> Torch:
        return Torch(function=nested("torch.minimum", len(inputs)))

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        return graph.node("Min", *aligned(graph, inputs))


class Stack(_Merge):
    """Inputs of equal shape along a new axis: n of [*] -> [n, *].

    `axis`: where the new axis stands in the output, the first unless given.

    Cost: none.
    """

    dtypes: ClassVar[Kind] = "any"
    broadcasts: ClassVar[bool] = False
    example: ClassVar[str] = "stack { | dense 8 | dense 8 }"

    axis: int = 0

    def output(self, inputs: Types) -> TensorType:
        one_dtype(self, inputs)
        first = inputs[0]
        at = axis_index(self.axis, first, extra=1)
        for index, x in enumerate(inputs):
            if x.shape == first.shape:
                continue
            axis = None
            what = f"{x.rank} axes, input 0 has {first.rank}"
            if x.rank == first.rank:
                axis = next(i for i, (a, b) in enumerate(zip(first.shape, x.shape, strict=True)) if a != b)
                what = f"axis {axis}: {x.shape[axis]} is not {first.shape[axis]}"
            raise ConcatMismatch(
                f"input {index}", notes=(show_shapes(inputs, index, axis),), layer="stack",
                first=TensorType(first.shape), second=TensorType(x.shape), what=what,
                remedy="stacked inputs have equal shapes; `concat` joins along an axis that they have",
                compared=None if axis is None else (x.shape[axis], "==", first.shape[axis]),
            )  # fmt: skip
        return first.with_shape(*first.shape[:at], len(inputs), *first.shape[at:])

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        return FREE

    def torch(self, inputs: Types) -> Torch:
        return Torch(function="torch.stack([{inputs}], {args})", args=(Arg(dim(self.axis), "dim", 0),))

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        axis = axis_index(self.axis, inputs[0].type, extra=1)
        parts = [unsqueeze(graph, x, axis) for x in inputs]
        return graph.node("Concat", *parts, shape=self.output([x.type for x in inputs]).shape, axis=axis + 1)
