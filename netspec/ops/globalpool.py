"""Pools over whole axes: global pools, and adaptive pools to a given size."""

from math import gcd, isqrt
from typing import ClassVar

from netspec.ir.dims import Dim
from netspec.ir.types import TensorType
from netspec.ops.arguments import Grid, per_axis, spatial_axes
from netspec.ops.base import Cost, Layer, Reach, Types, Weight, product, whole
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
        return x.with_shape(x.shape[0], *(1,) * spatial_axes(x))

    def weights(self, inputs: Types) -> dict[str, Weight]:
        return {}

    def reach(self, inputs: Types) -> Reach:
        return whole(inputs[0])

    def torch(self, inputs: Types) -> Torch:
        return adaptive(self.torch_kind, inputs[0], Arg(1))


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
        return x.with_shape(x.shape[0], *per_axis(self.size, spatial_axes(x), "size"))

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
