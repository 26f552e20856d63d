"""Algebra beside the dense layer: `matmul`, `reduce`, `scale`, `embedding`."""

from collections.abc import Sequence
from typing import ClassVar, Literal, cast

from netspec.ir.types import TensorType
from netspec.ops.arguments import Axes, Init, Width, axis_index, wrong_rank
from netspec.ops.base import FREE, POINT, Cost, Kind, Layer, Reach, Types, Weight, whole
from netspec.ops.linear import features
from netspec.ops.merge import broadcast, one_dtype, show_shapes
from netspec.ops.onnxrule import Graph, Value, affine, aligned, channelwise, number, reduce, transpose
from netspec.ops.torchrule import Arg, Size, Torch, alike, dim, given
from netspec.problems.shapes import AxisTwice, InnerMismatch, OptionsConflict, ShapesDiffer


class MatMul(Layer):
    """Matrix product of two inputs over their last two axes: [*, n, k], [*, k, m] -> [*, n, m].

    The leading axes are repeated to fit, as in numpy. `transpose`: the second is [*, m, k].

    Cost: k multiplications and k - 1 additions per output; each multiplication is a MAC.
    """

    inputs: ClassVar[tuple[int, int | None]] = (2, 2)
    broadcasts: ClassVar[bool] = True
    example: ClassVar[str] = "matmul transpose=true with keys"

    transpose: bool = False

    def output(self, inputs: Types) -> TensorType:
        one_dtype(self, inputs)
        for index, x in enumerate(inputs):
            if x.rank < 2:
                raise wrong_rank(x, "[*, rows, columns]", f"input {index}")
        a, b = inputs
        columns = a.shape[-1]
        out, rows = b.shape[-2:] if self.transpose else (b.shape[-1], b.shape[-2])
        if columns != rows:
            remedy = f"the second factor needs {columns} rows"
            if columns == out:
                remedy = f"`transpose={str(not self.transpose).lower()}` makes them fit"
            raise InnerMismatch(
                "input 1", notes=(show_shapes(inputs, 1, b.rank - (1 if self.transpose else 2)),),
                first=a, second=b, rows=rows, columns=columns, remedy=remedy, compared=(rows, "==", columns),
            )  # fmt: skip
        leading = a.with_shape(*a.shape[:-2]), b.with_shape(*b.shape[:-2])
        try:
            return a.with_shape(*broadcast(self, leading).shape, a.shape[-2], out)
        except ShapesDiffer as problem:
            problem.values.update(first=a, second=b, remedy="the leading axes of both are equal, or 1")
            problem.notes = (show_shapes(inputs, 1, cast(int, problem.values["axis"])),)
            raise

    def weights(self, inputs: Types) -> dict[str, Weight]:
        return {}

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        outputs = output.elements
        macs = outputs * inputs[0].shape[-1]
        return Cost(macs, macs, macs - outputs)

    def reach(self, inputs: Types) -> Reach:
        return whole(inputs[0])

    def torch(self, inputs: Types) -> Torch:
        return Torch(function="{0} @ {1}.mT" if self.transpose else "{0} @ {1}")

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        a, b = aligned(graph, inputs)
        if self.transpose:
            b = transpose(graph, b, (*range(b.rank - 2), b.rank - 1, b.rank - 2))
        return graph.node("MatMul", a, b, shape=self.output([x.type for x in inputs]).shape)


class Reduce(Layer):
    """Sum, mean, maximum, minimum or product along axes, which go: [C, H, W] -> [C] for `axes=(1, 2)`.

    `op`: which. `axes`: of the sample, one or more. `keep`: they stay, with size 1.

    Cost: one addition (sum, mean), multiplication (prod) or comparison (max, min) fewer than there are
    elements, per output; mean has one multiplication more.
    """

    positional: ClassVar[int] = 2
    example: ClassVar[str] = "reduce mean (1, 2)"

    op: Literal["sum", "mean", "max", "min", "prod"]
    axes: Axes
    keep: bool = False

    def output(self, inputs: Types) -> TensorType:
        (x,) = inputs
        gone = self.reduced(x)
        if self.keep:
            return x.with_shape(*(1 if axis in gone else size for axis, size in enumerate(x.shape)))
        return x.with_shape(*(size for axis, size in enumerate(x.shape) if axis not in gone))

    def reduced(self, x: TensorType) -> tuple[int, ...]:
        """The axes, counted from 0."""
        given = (self.axes,) if isinstance(self.axes, int) else self.axes
        axes = tuple(axis_index(axis, x, "axes") for axis in given)
        for place, axis in enumerate(axes):
            if axis in axes[:place]:
                raise AxisTwice("axes", axis=axis, given=given, shape=x, last=x.rank - 1)
        return axes

    def weights(self, inputs: Types) -> dict[str, Weight]:
        return {}

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        outputs = output.elements
        steps = inputs[0].elements - outputs
        if self.op in ("max", "min"):
            return Cost(other=steps)
        if self.op == "prod":
            return Cost(mults=steps)
        return Cost(0, outputs if self.op == "mean" else 0, steps)

    def reach(self, inputs: Types) -> Reach:
        return whole(inputs[0])

    def torch(self, inputs: Types) -> Torch:
        keep = given("keep", self.keep, "keepdim", False)
        gone = sorted(axis + 1 for axis in self.reduced(inputs[0]))
        # torch's prod takes one axis at a time, from the last, so that the others keep their numbers; of no axes
        # the others would take all
        if self.op == "prod" or not gone:
            steps = (f".prod(dim={axis}{', keepdim=True' if self.keep else ''})" for axis in reversed(gone))
            return Torch(function="{0}" + "".join(steps))
        function = {"max": "amax", "min": "amin"}.get(self.op, self.op)
        axes = dim(self.axes) if isinstance(self.axes, int) else alike(tuple(map(dim, self.axes)))
        return Torch(function=f"{{0}}.{function}({{args}})", args=(Arg(axes, "dim"), keep))

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        (x,) = inputs
        return reduce(graph, f"Reduce{self.op.capitalize()}", x, self.reduced(x.type), self.keep)


class Scale(Layer):
    """Multiplication by a number, or by a trained factor per channel: [*] -> [*].

    `by`: the number; without it the layer has a weight [C], and with `bias` a bias [C]. C is axis 0 of a
    map with two or more spatial axes ([C, H, W]), else the last axis ([T, C], [C]). `init`: what the
    weight begins as, 1e-6 for the layer scale of ConvNeXt (arXiv:2201.03545).

    Cost: one multiplication per element, and one addition with bias.
    """

    positional: ClassVar[int] = 1
    example: ClassVar[str] = "scale init=1e-6"

    by: float | None = None
    init: float = 1.0
    bias: bool = False

    def output(self, inputs: Types) -> TensorType:
        (x,) = inputs
        if self.by is not None:
            if self.bias:
                raise OptionsConflict("bias", first="by", second="bias", why="multiplying by a number trains nothing")
            return x
        return features(x)

    def axis(self, x: TensorType) -> int:
        """The axis that has a factor for each of its elements."""
        return 0 if x.rank >= 3 else x.rank - 1

    def weights(self, inputs: Types) -> dict[str, Weight]:
        if self.by is not None:
            return {}
        shape = (inputs[0].shape[self.axis(inputs[0])],)
        weight = Weight(shape, init=self.init)
        return {"weight": weight, "bias": Weight(shape, init=0.0)} if self.bias else {"weight": weight}

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        elements = output.elements
        return Cost(0, elements, elements if self.bias else 0)

    def reach(self, inputs: Types) -> Reach:
        return POINT

    def torch(self, inputs: Types) -> Torch:
        (x,) = inputs
        if self.by is not None:
            return Torch(function="{0} * {args}", args=(given("by", self.by),))
        axis = self.axis(x)
        size = Arg(x.shape[axis], source=Size(0, axis))
        return Torch(
            "ChannelScale",
            args=(size, given("init", self.init, "init", 1.0), given("bias", self.bias, "bias", False)),
        )

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        (x,) = inputs
        if self.by is not None:
            return graph.node("Mul", x, number(graph, self.by, x))
        axis = self.axis(x.type)
        bias = channelwise(graph, "bias", x, axis) if self.bias else None
        return affine(graph, x, channelwise(graph, "weight", x, axis), bias)


class Embedding(Layer):
    """A vector for each integer: int64 [*] -> [*, dim], row x of the weight [vocab, dim].

    `vocab`: how many rows. `dim`: length of a vector. `init`: how the weight begins, see `dense`.

    Cost: none, it looks up.
    """

    positional: ClassVar[int] = 2
    dtypes: ClassVar[Kind] = "int"
    drawn: ClassVar[bool] = True
    example: ClassVar[str] = "embedding 10_000 300"

    vocab: Width
    dim: Width
    init: Init | None = None

    def output(self, inputs: Types) -> TensorType:
        return TensorType((*inputs[0].shape, self.dim))

    def weights(self, inputs: Types) -> dict[str, Weight]:
        return {"weight": Weight((self.vocab, self.dim), init="normal" if self.init is None else self.init)}

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        return FREE

    def reach(self, inputs: Types) -> Reach:
        return POINT

    def torch(self, inputs: Types) -> Torch:
        return Torch("nn.Embedding", args=(given("vocab", self.vocab), given("dim", self.dim)))

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        (x,) = inputs
        weight = graph.weight("weight")
        return graph.node("Gather", weight, x, shape=(*x.shape, self.dim), axis=0)
