"""Positions of one sequence as another sees them."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import ClassVar

from netspec.ir.types import TensorType
from netspec.ops.arguments import Buckets, Init, PositiveInt, Width, wrong_rank
from netspec.ops.base import FREE, Cost, Layer, Reach, Types, Weight, whole
from netspec.ops.merge import one_dtype
from netspec.ops.onnxrule import Graph, Value, constant_of, reshape, transpose
from netspec.ops.position import positions
from netspec.ops.torchrule import Torch, given
from netspec.problems.shapes import BucketsDoNotFit


class RelativeBias(Layer):
    """What attention adds to its scores for how far apart two positions are: [T, features] -> [heads, T, S].

    T5's relative_attention_bias (Raffel et al. 2020, arXiv:1910.10683, section 2.1), of the sequence that looks and the
    one that it sees: the same, or a second input [S, features], `relativebias 8 with memory`. What they hold does not
    matter. Distances fall into buckets, and the weight [buckets, heads] has a row for each. `heads`: of the attention
    that takes it, `attention 8 mask=true with bias`. `buckets`: how many; with `bidirectional` one half is for what is
    behind the position that looks, the other for what is ahead, without it all are for what is behind, and what is
    ahead counts as distance 0. Of the n buckets of a direction the first e = n // 2 hold one distance each, 0, 1, 2,
    ...; bucket b of the others begins at the least distance d for which (d / e)^(n - e) >= (max_distance / e)^(b - e),
    and the last has no end. `max_distance`: where bucket n would begin. `init`: how the weight begins, see `dense`.

    Cost: none, it looks up.
    """

    positional: ClassVar[int] = 1
    inputs: ClassVar[tuple[int, int | None]] = (1, 2)
    drawn: ClassVar[bool] = True
    example: ClassVar[str] = "relativebias 8"

    heads: Width
    buckets: Buckets = 32
    max_distance: PositiveInt = 128
    bidirectional: bool = True
    init: Init | None = None

    def output(self, inputs: Types) -> TensorType:
        one_dtype(self, inputs)
        for index, x in enumerate(inputs):
            if x.rank != 2:
                raise wrong_rank(x, "[S, features]" if index else "[T, features]", f"input {index}")
        least = 4 if self.bidirectional else 2
        if self.buckets < least or (self.bidirectional and self.buckets % 2):
            rule = "each direction has half of them" if self.bidirectional else "half of them are for one distance each"
            needed = f"{least} or more, an even number" if self.bidirectional else f"{least} or more"
            raise BucketsDoNotFit(
                "buckets", name="buckets", value=self.buckets, rule=rule, needed=needed, example="buckets=32"
            )
        exact = self.each // 2
        if self.max_distance <= exact:
            rule = f"{self.buckets} buckets hold the distances below {exact} one by one"
            needed, example = f"{exact + 1} or more", f"max_distance={8 * exact}"
            raise BucketsDoNotFit(
                "max_distance", name="max_distance", value=self.max_distance, rule=rule, needed=needed, example=example
            )
        return TensorType((self.heads, inputs[0].shape[0], inputs[-1].shape[0]), inputs[0].dtype)

    @property
    def each(self) -> int:
        """Buckets of one direction."""
        return self.buckets // 2 if self.bidirectional else self.buckets

    def starts(self) -> list[int]:
        """The least distance of each bucket of one direction, in whole numbers: no logarithm is rounded."""
        exact, found = self.each // 2, list(range(self.each // 2))
        for bucket in range(exact, self.each):
            least = self.max_distance ** (bucket - exact) * exact ** (
                self.each - bucket
            )  # d ** (each - exact) at least
            low, high = exact - 1, self.max_distance  # too little, enough
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (low, middle) if middle ** (self.each - exact) >= least else (middle, high)
            found.append(high)
        return found

    def rows(self) -> list[int]:
        """The bucket of each offset from -far to far, beyond which there is no other."""
        starts = self.starts()
        behind = [bisect_right(starts, distance) - 1 for distance in range(starts[-1] + 1)]
        ahead = [self.each + bucket for bucket in behind[1:]] if self.bidirectional else [0] * starts[-1]
        return [*reversed(behind), *ahead]

    def weights(self, inputs: Types) -> dict[str, Weight]:
        return {"weight": Weight((self.buckets, self.heads), init="normal" if self.init is None else self.init)}

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        return FREE

    def reach(self, inputs: Types) -> Reach:
        return whole(inputs[0])

    def torch(self, inputs: Types) -> Torch:
        return Torch(
            "RelativeBias",
            args=(
                given("heads", self.heads),
                given("buckets", self.buckets, "buckets", 32),
                given("max_distance", self.max_distance, "max_distance", 128),
                given("bidirectional", self.bidirectional, "bidirectional", True),
            ),
        )

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        length, seen = inputs[0].shape[0], inputs[-1].shape[0]
        far = self.starts()[-1]
        constant_of(2 * far + 1, "max_distance", "relativebias", inputs[0])
        weight = graph.weight("weight")
        rows = graph.node("Gather", weight, graph.numbers(tuple(self.rows()), "int64"), shape=(2 * far + 1, self.heads))
        looking = reshape(graph, positions(graph, length), length, 1)
        offset = graph.node("Sub", positions(graph, seen), looking, shape=(length, seen))
        place = graph.node("Clip", offset, *(graph.numbers(bound, "int64") for bound in (-far, far)))
        place = graph.node("Add", place, graph.numbers(far, "int64"))
        sizes = (self.heads, length, seen)
        bias = graph.node("Gather", transpose(graph, rows, (1, 0)), place, shape=sizes, dtype=rows.dtype, axis=1)
        return graph.node("Expand", bias, graph.batch_and(*sizes), shape=sizes, batched=True)
