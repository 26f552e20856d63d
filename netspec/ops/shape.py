"""Layers that give the same numbers another shape: no weights, no arithmetic."""

from collections.abc import Sequence
from typing import ClassVar

from netspec.ir.dims import Dim
from netspec.ir.types import TensorType
from netspec.ops.arguments import Sizes, axis_index
from netspec.ops.base import FREE, POINT, Cost, Kind, Layer, Reach, Types, Weight, product, whole
from netspec.ops.onnxrule import Graph, Value, reshape, transpose
from netspec.ops.torchrule import Arg, Of, Torch, dim, given
from netspec.problems.shapes import PermuteMismatch, ReshapeEntries, ReshapeMismatch


class _Rearrange(Layer):
    """What layers without weights and arithmetic share. They take any element type."""

    dtypes: ClassVar[Kind] = "any"

    def weights(self, inputs: Types) -> dict[str, Weight]:
        return {}

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        return FREE

    def reach(self, inputs: Types) -> Reach:
        return whole(inputs[0])


class Flatten(_Rearrange):
    """All axes from `start` on as one: [C, H, W] -> [C * H * W], channels outermost.

    `start`: the first axis that is joined, of the sample: the batch always stays.

    Cost: none.
    """

    view: ClassVar[bool] = True
    example: ClassVar[str] = "flatten"

    start: int = 0

    def output(self, inputs: Types) -> TensorType:
        (x,) = inputs
        start = axis_index(self.start, x, "start")
        return x.with_shape(*x.shape[:start], product(x.shape[start:]))

    def torch(self, inputs: Types) -> Torch:
        return Torch("nn.Flatten", "{0}.flatten({start_dim})", (Arg(dim(self.start), "start_dim", 1),))

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        (x,) = inputs
        start = axis_index(self.start, x.type, "start")
        if start == x.rank - 1:
            return x
        shape = self.output([x.type]).shape
        return graph.node("Reshape", x, graph.sizes(*(0,) * (start + 1), -1), shape=shape)


class Reshape(_Rearrange):
    """The same elements in row-major order under another shape: [*] -> shape, without the batch.

    `shape`: the sizes; one of them may be -1, which stands for what is left.

    Cost: none.
    """

    positional: ClassVar[int] = 1
    view: ClassVar[bool] = True
    example: ClassVar[str] = "reshape (16, -1)"

    shape: Sizes

    def output(self, inputs: Types) -> TensorType:
        (x,) = inputs
        target = self.shape if isinstance(self.shape, tuple) else (self.shape,)
        written = "[" + ", ".join(map(str, target)) + "]"
        if any(size < 1 and size != -1 for size in target) or target.count(-1) > 1:
            what = "more than one -1" if target.count(-1) > 1 else "a size below 1"
            raise ReshapeEntries("shape", target=written, what=what)
        elements = x.elements
        known = product([size for size in target if size != -1])
        if -1 not in target:
            if known != elements:
                raise ReshapeMismatch(
                    "shape", shape=x, target=written, given=known, elements=elements,
                    remedy=_fitting(target, elements), compared=(elements, "==", known),
                )  # fmt: skip
            return x.with_shape(*target)
        if elements % known != 0:
            raise ReshapeMismatch(
                "shape", shape=x, target=written, given=f"a multiple of {known}", elements=elements,
                remedy=f"sizes whose product divides {elements}", compared=(elements % known, "==", 0),
            )  # fmt: skip
        rest = elements // known
        return x.with_shape(*(rest if size == -1 else size for size in target))

    def torch(self, inputs: Types) -> Torch:
        if not isinstance(self.shape, tuple):
            sizes: tuple[Arg, ...] = (given("shape", self.shape),)
        else:
            sizes = tuple(Arg(size, source=Of("shape", place)) for place, size in enumerate(self.shape))
        return Torch(function="{0}.reshape({0}.shape[0], {args})", args=sizes)

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        return reshape(graph, inputs[0], *self.output([inputs[0].type]).shape)


def _fitting(target: tuple[Dim, ...], elements: Dim) -> str:
    """What to write in place of a target that has another number of elements."""
    for index in reversed(range(len(target))):
        others = target[:index] + target[index + 1 :]
        if elements % product(others) == 0:
            entries = [*map(str, target[:index]), "-1", *map(str, target[index + 1 :])]
            return f"`reshape ({', '.join(entries)})` fits: -1 stands for {elements // product(others)}"
    return f"sizes whose product is {elements}"


class Permute(_Rearrange):
    """The axes of the sample in another order: [T, C] -> [C, T] for `permute (1, 0)`.

    `axes`: for each axis of the output, which axis of the input it is, as torch.permute without the batch.

    Cost: none.
    """

    positional: ClassVar[int] = 1
    example: ClassVar[str] = "permute (1, 0)"

    axes: tuple[int, ...]

    def output(self, inputs: Types) -> TensorType:
        (x,) = inputs
        order = self.order(x)
        if len(set(order)) != x.rank or len(order) != x.rank:
            raise PermuteMismatch("axes", given=self.axes, shape=x, count=len(set(order)), rank=x.rank, last=x.rank - 1)
        return x.with_shape(*(x.shape[axis] for axis in order))

    def order(self, x: TensorType) -> tuple[int, ...]:
        """The axes, counted from 0."""
        return tuple(axis_index(axis, x, "axes") for axis in self.axes)

    def torch(self, inputs: Types) -> Torch:
        return Torch(function="{0}.permute(0, {args})", args=tuple(Arg(dim(axis)) for axis in self.axes))

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        return transpose(graph, inputs[0], self.order(inputs[0].type))


class Identity(_Rearrange):
    """The input as it is: [*] -> [*]. It names a value, or keeps a path of a merge as it was.

    Cost: none.
    """

    transparent: ClassVar[bool] = True
    view: ClassVar[bool] = True
    example: ClassVar[str] = "identity"

    def output(self, inputs: Types) -> TensorType:
        return inputs[0]

    def reach(self, inputs: Types) -> Reach:
        return POINT

    def torch(self, inputs: Types) -> Torch:
        return Torch("nn.Identity", "{0}")

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        return inputs[0]
