"""Pools over whole axes: global pools, and adaptive pools to a given size."""

from abc import abstractmethod
from collections.abc import Sequence
from math import gcd, isqrt
from typing import ClassVar

from netspec.ir.dims import Dim
from netspec.ir.types import TensorType
from netspec.ops.arguments import Grid, per_axis, spatial_axes
from netspec.ops.base import Cost, Layer, Reach, Types, Weight, product, whole
from netspec.ops.onnxrule import Graph, Value, along, constant_of, reduce
from netspec.ops.torchrule import Arg, Torch, given


def adaptive(kind: str, x: TensorType, size: Arg) -> Torch:
    """Torch's adaptive pool, "Avg" or "Max"."""
    axes = x.rank - 1
    return Torch(f"nn.Adaptive{kind}Pool{axes}d", f"F.adaptive_{kind.lower()}_pool{axes}d", (size,))


class _GlobalPool(Layer):
    """What global pools share."""

    torch_kind: ClassVar[str]  # torch's word for it

    def output(self, inputs: Types) -> TensorType:
        (x,) = inputs
        axes = spatial_axes(x)
        return x.with_shape(x.shape[0], *(1,) * axes)

    def weights(self, inputs: Types) -> dict[str, Weight]:
        return {}

    def reach(self, inputs: Types) -> Reach:
        return whole(inputs[0])

    def torch(self, inputs: Types) -> Torch:
        return adaptive(self.torch_kind, inputs[0], Arg(1))

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        (x,) = inputs
        op = {"Avg": "GlobalAveragePool", "Max": "GlobalMaxPool"}[self.torch_kind]
        return graph.node(op, x, shape=self.output([x.type]).shape)


class GlobalAvgPool(_GlobalPool):
    """Mean of each map: [C, *S] -> [C, 1, ...] (Lin et al. 2013, arXiv:1312.4400).

    Cost: one addition fewer than the map has elements and one multiplication, per map.
    """

    example: ClassVar[str] = "globalavgpool"
    torch_kind: ClassVar[str] = "Avg"

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        elements, maps = inputs[0].elements, inputs[0].shape[0]
        return Cost(0, maps, elements - maps, 0, elements)


class GlobalMaxPool(_GlobalPool):
    """Largest element of each map: [C, *S] -> [C, 1, ...].

    Cost: one comparison fewer than the map has elements, per map.
    """

    example: ClassVar[str] = "globalmaxpool"
    torch_kind: ClassVar[str] = "Max"

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        elements = inputs[0].elements
        return Cost(other=elements - inputs[0].shape[0], connections=elements)


class _AdaptivePool(Layer):
    """What adaptive pools share."""

    torch_kind: ClassVar[str]  # torch's word for it
    positional: ClassVar[int] = 1

    size: Grid

    def output(self, inputs: Types) -> TensorType:
        (x,) = inputs
        axes = spatial_axes(x)
        return x.with_shape(x.shape[0], *per_axis(self.size, axes, "size"))

    def weights(self, inputs: Types) -> dict[str, Weight]:
        return {}

    def reach(self, inputs: Types) -> Reach:
        x = inputs[0]
        sizes = per_axis(self.size, x.rank - 1, "size")
        steps: list[Dim | tuple[int, int]] = []
        for n, size in zip(x.shape[1:], sizes, strict=True):
            if n % size == 0:
                steps.append(n // size)
            elif isinstance(n, int):
                steps.append((n, size))
            else:
                return whole(x)
        windows = tuple(step[0] if isinstance(step, tuple) else step for step in steps)
        return Reach(windows, tuple(steps), (0,) * len(steps))

    def window_elements(self, x: TensorType) -> Dim:
        """Elements of all windows together: along an axis, n + size - gcd(n, size)."""
        sizes = per_axis(self.size, x.rank - 1, "size")
        return x.shape[0] * product(
            [n + size - common_divisor(n, size) for n, size in zip(x.shape[1:], sizes, strict=True)]
        )

    def torch(self, inputs: Types) -> Torch:
        return adaptive(self.torch_kind, inputs[0], given("size", self.size))

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        (x,) = inputs
        axes = x.rank - 1
        sizes = per_axis(self.size, axes, "size")
        output = self.output([x.type]).shape
        op = {"Avg": "Average", "Max": "Max"}[self.torch_kind]
        if all(size == 1 for size in sizes):
            return graph.node(f"Global{op}Pool", x, shape=output)
        windows = tuple(n // size for n, size in zip(x.shape[1:], sizes, strict=True))
        if all(isinstance(n, int) and n % size == 0 for n, size in zip(x.shape[1:], sizes, strict=True)):
            return graph.node(f"{op}Pool", x, shape=output, kernel_shape=windows, strides=windows)
        for axis, size in enumerate(sizes, start=1):
            n = x.shape[axis]
            if n != size:
                constant_of(n if isinstance(n, int) else size, "size", self.layer_name(), x)
                x = self.along(graph, x, axis, *_windows(graph, n, size))
        return x

    @abstractmethod
    def along(self, graph: Graph, x: Value, axis: int, starts: Value, ends: Value) -> Value:
        """Pool one axis, window i from starts[i] to before ends[i], both int64 [size, 1]."""


def common_divisor(n: Dim, constant: int) -> Dim:
    """The greatest common divisor of a size and a number, also of a symbolic size: the sum of phi(d) over
    the divisors d of the number that divide the size, where n // d - (n - 1) // d says whether d does."""
    if isinstance(n, int):
        return gcd(n, constant)
    if n % constant == 0:
        return constant
    small = [d for d in range(1, isqrt(constant) + 1) if constant % d == 0]
    divisors = sorted({*small, *(constant // d for d in small)})
    phi: dict[int, int] = {}
    total: Dim = 0
    for d in divisors:
        phi[d] = d - sum(phi[e] for e in phi if d % e == 0)
        total = total + phi[d] * (n // d - (n - 1) // d)
    return total


def _range(graph: Graph, n: Dim) -> Value:
    """The numbers from 0 to before a size, int64 [n]."""
    if isinstance(n, int):
        return graph.numbers(tuple(range(n)), "int64")
    end = graph.node("Squeeze", graph.sizes(n), shape=())
    return graph.node("Range", graph.numbers(0, "int64"), end, graph.numbers(1, "int64"), shape=(n,))


def _windows(graph: Graph, n: Dim, size: int) -> tuple[Value, Value]:
    """Where the windows along an axis begin, floor(i * n / size), and end, ceil((i + 1) * n / size)."""
    if isinstance(n, int):
        first = tuple((i * n // size,) for i in range(size))
        last = tuple((((i + 1) * n + size - 1) // size,) for i in range(size))
        return graph.numbers(first, "int64"), graph.numbers(last, "int64")
    index = graph.node("Unsqueeze", _range(graph, size), graph.numbers((1,), "int64"), shape=(size, 1))
    whole, parts = graph.sizes(n), graph.sizes(size)
    starts = graph.node("Div", graph.node("Mul", index, whole), parts)
    beyond = graph.node("Add", graph.node("Mul", index, whole), graph.sizes(n + size - 1))
    return starts, graph.node("Div", beyond, parts)


class AdaptiveAvgPool(_AdaptivePool):
    """Mean of each of `size` windows per axis: [C, *S] -> [C, *size].

    Window i of an axis of n goes from floor(i * n / size) to ceil((i + 1) * n / size), so that windows
    overlap where size does not divide n. `size`: a number, or one per axis.

    Cost: one addition fewer than each window has elements and one multiplication per output; the windows
    along an axis of n have n + size - gcd(n, size) elements in all.
    """

    example: ClassVar[str] = "adaptiveavgpool 6"
    torch_kind: ClassVar[str] = "Avg"

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        seen, outputs = self.window_elements(inputs[0]), output.elements
        return Cost(0, outputs, seen - outputs, 0, seen)

    def along(self, graph: Graph, x: Value, axis: int, starts: Value, ends: Value) -> Value:
        # a matrix product with the share that each position has in each window, [size, n]
        n, size = x.shape[axis], starts.shape[0]
        positions = _range(graph, n)
        inside = graph.node(
            "And",
            graph.node("GreaterOrEqual", positions, starts, shape=(size, n), dtype="bool"),
            graph.node("Less", positions, ends, shape=(size, n), dtype="bool"),
        )
        length = graph.cast(graph.node("Sub", ends, starts), x.dtype)
        return along(graph, x, axis, graph.node("Div", graph.cast(inside, x.dtype), length))


class AdaptiveMaxPool(_AdaptivePool):
    """Largest element of each of `size` windows per axis: [C, *S] -> [C, *size].

    Window i of an axis of n goes from floor(i * n / size) to ceil((i + 1) * n / size), so that windows
    overlap where size does not divide n. `size`: a number, or one per axis.

    Cost: one comparison fewer than each window has elements; the windows along an axis of n have
    n + size - gcd(n, size) elements in all.
    """

    example: ClassVar[str] = "adaptivemaxpool 6"
    torch_kind: ClassVar[str] = "Max"

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        seen = self.window_elements(inputs[0])
        return Cost(other=seen - output.elements, connections=seen)

    def along(self, graph: Graph, x: Value, axis: int, starts: Value, ends: Value) -> Value:
        # the positions of each window, its last again and again where it is shorter than the longest
        n, size = x.shape[axis], starts.shape[0]
        longest = _range(graph, (n + size - 1) // size + 1)
        last = graph.node("Sub", ends, graph.numbers(1, "int64"))
        positions = graph.node("Min", graph.node("Add", starts, longest), last)
        before, after = x.shape[:axis], x.shape[axis + 1 :]
        taken = graph.node("Gather", x, positions, shape=(*before, *positions.shape, *after), axis=axis + 1)
        return reduce(graph, "ReduceMax", taken, (axis + 1,))
