"""Multi-head attention."""

from collections.abc import Sequence
from typing import Any, ClassVar, TypeVar

from netspec.ir.dims import Dim, minimum
from netspec.ir.types import TensorType
from netspec.ops.arguments import Count, NotNegative, PositiveFloat, Rate, RopeScaling, Width, wrong_rank
from netspec.ops.base import NO_CACHE, Cache, Cost, Kind, Layer, Reach, Types, Weight, whole
from netspec.ops.channels import divisors
from netspec.ops.merge import one_dtype
from netspec.ops.norm import rms_normalised
from netspec.ops.onnxrule import Graph, Value, cut, number, reduce, reshape, transpose, unsqueeze
from netspec.ops.position import positions, rotary_rates, waves
from netspec.ops.projection import mapped, project, projection
from netspec.ops.torchrule import Arg, Size, Torch, aligned, features_in, given
from netspec.problems.shapes import (
    HeadsDoNotDivide,
    MaskMismatch,
    NotEven,
    OptionMissing,
    OptionsConflict,
    PackedMemory,
    RankMismatch,
)

Input = TypeVar("Input", TensorType, Value)

_ATTENTION = 23  # the first opset that has it
_EPS = 1e-6


class Attention(Layer):
    """Multi-head attention (Vaswani et al. 2017, arXiv:1706.03762): [T, dim] -> [T, dim]; with [S, m] too: [T, dim].

    softmax(scale Q K^T) V in each head, with Q of the first input, and K and V of the same, or of the second:
    `attention 8 with memory`. `heads`: how many. `kv_heads`: how many K and V have (Ainslie et al. 2023,
    arXiv:2305.13245), which groups of heads share; as many as heads unless given. `head_dim`: width of a head, dim //
    heads unless given. `causal`: a position sees those up to itself. `bias`: of the four projections. `dropout`: of
    the softmax, in training. `rope`: base of the angles by which Q and K are turned (Su et al. 2021,
    arXiv:2104.09864), element i with element i + head_dim / 2; 0 is not at all. `rope_scaling`, for texts longer than
    those of the training: positions divided by a factor (Chen et al. 2023, arXiv:2306.15595), or, as in Llama 3.1,
    `(llama3, factor, low, high, length)`: a pair that turns fewer than `low` times in `length` positions is slowed by
    the factor, one that turns more than `high` times is not, one between in part; 1 is none. `qk_norm`: an `rmsnorm`
    with weight of each head of Q and K. `window`: a position sees itself and window - 1 before it (Jiang et al. 2023,
    arXiv:2310.06825); 0 is all. Weights are called as Llama's: q_proj [heads * head_dim, dim], k_proj, v_proj, o_proj.
    `packed`: as those of torch's nn.MultiheadAttention, in_proj_weight [3 * dim, dim] and out_proj. `scale`:
    of the scores, 1 / sqrt(head_dim) unless given. `mask`: the last input is a mask, which is broadcast to the scores
    [heads, T, S]: [S], [T, S] or [heads, T, S]. In a bool one true is what may be seen, as in ONNX and in torch's
    scaled_dot_product_attention (in nn.MultiheadAttention it is what may not); one of numbers is added to the scores.
    `causal` and `window` hide more beside it. Where a position sees nothing, the sum of V is 0.

    Cache: a key and a value of each position, 2 * kv_heads * head_dim elements, where it is causal, of the last
    `window` positions at most; with a memory those of its positions, which do not become more.

    Cost: the four projections as of `dense`; heads * T * S * head_dim MACs for Q K^T and as many for the sum of V, in
    full, also where causal, a window or a mask hides a part; per score 1 multiplication (scale, unless it is 1), 2
    additions and 3 others (softmax), and 1 addition more for a mask of numbers; rope has 2 multiplications and 1
    addition per element of Q and K, qk_norm is as `rmsnorm`.
    """

    positional: ClassVar[int] = 1
    inputs: ClassVar[tuple[int, int | None]] = (1, 3)
    example: ClassVar[str] = "attention 32 kv_heads=8 causal=true rope=500_000 bias=false"

    heads: Width
    kv_heads: Width | None = None
    head_dim: Width | None = None
    causal: bool = False
    bias: bool = True
    dropout: Rate = 0.0
    rope: Count | NotNegative = 0
    rope_scaling: RopeScaling = 1
    qk_norm: bool = False
    window: Count = 0
    packed: bool = False
    scale: PositiveFloat | None = None
    mask: bool = False

    def takes(self, index: int, count: int) -> Kind:
        return "mask" if self.mask and index == count - 1 > 0 else self.dtypes

    def parted(self, inputs: Sequence[Input]) -> tuple[Input, Input, Input | None]:
        """The sequence that looks, the one that is seen, which may be the same, and the mask."""
        sequences = inputs[:-1] if self.mask else inputs
        return sequences[0], sequences[-1], inputs[-1] if self.mask else None

    def crosses(self, inputs: Sequence[Any]) -> bool:
        """Whether one sequence looks at another."""
        return len(inputs) - self.mask > 1

    def output(self, inputs: Types) -> TensorType:
        self._check_masked(inputs)
        x, memory, mask = self.parted(inputs)
        one_dtype(self, [y for y in inputs if y.dtype != "bool"])
        if x.rank != 2:
            raise wrong_rank(x, "[T, dim]")
        if memory.rank == 1:
            remedy = "a memory is a sequence of vectors; a mask comes with `mask=true`"
            raise RankMismatch("input 1", shape=memory, expected="[S, dim]", remedy=remedy)
        if memory.rank != 2:
            raise wrong_rank(memory, "[S, dim]", "input 1")
        dim = x.shape[1]
        if self.head_dim is None and dim % self.heads != 0:
            raise HeadsDoNotDivide(
                "heads", size=dim, what="features", parts=self.heads, argument="heads", divisors=divisors(dim, 0),
                compared=(dim % self.heads, "==", 0),
            )  # fmt: skip
        if self.heads % self.groups != 0:
            raise HeadsDoNotDivide(
                "kv_heads", size=self.heads, what="heads", parts=self.groups, argument="kv_heads",
                divisors=divisors(self.heads, 0), compared=(self.heads % self.groups, "==", 0),
            )  # fmt: skip
        if self.rope and self.width(x) % 2 != 0:
            raise NotEven(
                "rope", what="rope", size=self.width(x), of="elements of a head", remedy="another number of heads",
                compared=(self.width(x) % 2, "==", 0),
            )  # fmt: skip
        if self.rope_scaling != 1 and not self.rope:
            why = "it is about the angles of rotary positions"
            raise OptionMissing("rope_scaling", given="rope_scaling", missing="rope", why=why, example="rope=10_000")
        if self.window and not self.causal:
            why = "the window ends at the position itself"
            raise OptionMissing("window", given="window", missing="causal=true", why=why, example="causal=true")
        for name in ("causal", "rope") if self.crosses(inputs) else ():
            if getattr(self, name):
                why = "positions of two sequences are not compared"
                raise OptionsConflict(name, first=name, second="with", why=why)
        for name in ("kv_heads", "head_dim", "rope", "qk_norm", "window", "scale") if self.packed else ():
            if getattr(self, name):
                raise OptionsConflict(name, first=name, second="packed", why="nn.MultiheadAttention has no such thing")
        if self.packed and memory.shape[1] != dim:
            compared = (memory.shape[1], "==", dim)
            raise PackedMemory("input 1", compared=compared, memory=memory, width=memory.shape[1], dim=dim)
        if mask is not None:
            self._check_mask(f"input {len(inputs) - 1}", mask, (self.heads, x.shape[0], memory.shape[0]))
        return x

    def _check_mask(self, blame: str, mask: TensorType, scores: tuple[Dim, Dim, Dim]) -> None:
        """Whether a mask is broadcast to the scores, the last axis being there."""
        heads, length, seen = scores
        wanted = scores[-mask.rank :]
        fits = 1 <= mask.rank <= 3 and mask.shape[-1] == seen
        if not fits or any(size not in (1, full) for size, full in zip(mask.shape, wanted, strict=True)):
            raise MaskMismatch(blame, mask=mask, scores=TensorType(scores), heads=heads, length=length, seen=seen)

    def _check_masked(self, inputs: Types) -> None:
        """Whether a mask is there if and only if there is to be one."""
        if self.mask and len(inputs) == 1:
            why, example = "the mask is the last input", f"attention {self.heads} mask=true with seen"
            raise OptionMissing("mask", given="mask=true", missing="with", why=why, example=example)
        if not self.mask and len(inputs) == 3:
            why, example = "the third input is a mask", f"attention {self.heads} mask=true with memory seen"
            raise OptionMissing("input 2", given="with", missing="mask=true", why=why, example=example)

    @property
    def groups(self) -> Dim:
        """How many heads K and V have."""
        return self.heads if self.kv_heads is None else self.kv_heads

    def width(self, x: TensorType) -> Dim:
        """Width of a head."""
        return x.shape[1] // self.heads if self.head_dim is None else self.head_dim

    def weights(self, inputs: Types) -> dict[str, Weight]:
        x, memory, _ = self.parted(inputs)
        dim, other, head = x.shape[1], memory.shape[1], self.width(x)
        if self.packed:
            packed = {"in_proj_weight": Weight((3 * dim, dim), init="xavier")}
            if self.bias:
                packed["in_proj_bias"] = Weight((3 * dim,), init=0.0)
            packed["out_proj.weight"] = Weight((dim, dim))
            if self.bias:
                packed["out_proj.bias"] = Weight((dim,), init=0.0)
            return packed
        norms = {f"{name}_norm.weight": Weight((head,), init=1.0) for name in "qk"} if self.qk_norm else {}
        return {
            **projection("q_proj", dim, self.heads * head, self.bias),
            **projection("k_proj", other, self.groups * head, self.bias),
            **projection("v_proj", other, self.groups * head, self.bias),
            **projection("o_proj", self.heads * head, dim, self.bias),
            **norms,
        }

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        x, memory, mask = self.parted(inputs)
        (length, dim), (seen, other), head = x.shape, memory.shape, self.width(x)
        wide, narrow = self.heads * head, self.groups * head
        projections = 2 * length * dim * wide + 2 * seen * other * narrow
        made = length * wide + 2 * seen * narrow + length * dim  # elements that the projections make
        scores = self.heads * length * seen
        macs = projections + 2 * scores * head
        scaled, added = self.scale != 1, mask is not None and mask.dtype != "bool"
        mults, adds = macs + scaled * scores, macs - scores - length * wide + (2 + added) * scores
        others = 3 * scores
        turned = length * wide + seen * narrow
        if self.rope:
            mults, adds = mults + 2 * turned, adds + turned
        if self.qk_norm:
            mults, adds = mults + 3 * turned, adds + turned
            others = others + 2 * (self.heads * length + self.groups * seen)
        biases = made if self.bias else 0
        return Cost(macs, mults, adds - made + biases, others, projections + biases)

    def cache(self, inputs: Types) -> Cache:
        x, memory, _ = self.parted(inputs)
        seen = memory.shape[0]
        position = 2 * self.groups * self.width(x)  # a key and a value in each of their heads
        if self.crosses(inputs):  # the memory is whole from the start
            return Cache(0, position * seen, memory.dtype)
        if not self.causal:
            return NO_CACHE
        return Cache(position, position * (minimum(seen, self.window) if self.window else seen), x.dtype)

    def reach(self, inputs: Types) -> Reach:
        return whole(inputs[0])

    def torch(self, inputs: Types) -> Torch:
        _, memory, mask = self.parted(inputs)
        cross = self.crosses(inputs)
        common = (
            given("causal", self.causal, "causal", False),
            given("bias", self.bias, "bias", True),
            given("dropout", self.dropout, "dropout", 0.0),
        )
        start = (features_in(inputs[0]), given("heads", self.heads))
        masked: dict[str, Any] = {}
        if mask is not None:
            spread = aligned("{0}", mask.rank, 3)  # over the heads
            masked = {
                "call": "{module}({0}, {1}, {2})" if cross else "{module}({0}, mask={1})",
                "given": ("{0}", *(["{0}"] if cross else []), spread),
            }
        if self.packed:
            return Torch("PackedAttention", args=(*start, *common), **masked)
        optional = [
            given(name, value, name)
            for name, value in (("kv_heads", self.kv_heads), ("head_dim", self.head_dim))
            if value is not None
        ]
        memory_dim = [Arg(memory.shape[1], "memory_dim", source=Size(1, 1))] if cross else []
        rest = (
            given("rope", self.rope, "rope", 0),
            given("rope_scaling", self.rope_scaling, "rope_scaling", 1),
            given("qk_norm", self.qk_norm, "qk_norm", False),
            given("window", self.window, "window", 0),
            given("scale", self.scale, "scale", None),
        )
        return Torch("Attention", args=(*start, *optional, *memory_dim, *common, *rest), **masked)

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        x, memory, mask = self.parted(inputs)
        head = self.width(x.type)
        wide = self.heads * head
        q, k, v = (
            transpose(graph, reshape(graph, y, y.shape[0], heads, head), (1, 0, 2))
            for y, heads in zip(self._projected(graph, x, memory), (self.heads, self.groups, self.groups), strict=True)
        )
        if self.qk_norm:
            q, k = (rms_normalised(graph, y, f"{name}_norm.weight", 1, _EPS) for name, y in (("q", q), ("k", k)))
        if self.rope:
            half = int(str(head)) // 2
            turns = waves(graph, x.shape[0], rotary_rates(half, self.rope, self.rope_scaling), x)
            q, k = _turned(graph, q, *turns), _turned(graph, k, *turns)
        if mask is not None:
            mask = unsqueeze(graph, mask, 0, 3 - mask.rank)
        if graph.opset >= _ATTENTION and not self.window:
            if mask is not None and mask.shape[1] != x.shape[0]:  # onnxruntime does not broadcast this axis
                sizes = (mask.shape[0], x.shape[0], memory.shape[0])
                mask = graph.node("Expand", mask, graph.batch_and(*sizes), shape=sizes)
            scale: dict[str, Any] = {} if self.scale is None else {"scale": self.scale}
            y = graph.node("Attention", q, k, v, mask, shape=q.shape, is_causal=int(self.causal), **scale)
        else:
            y = self._attended(graph, q, k, v, mask)
        y = reshape(graph, transpose(graph, y, (1, 0, 2)), x.shape[0], wide)
        return project(graph, y, "out_proj" if self.packed else "o_proj", x.shape[1], self.bias)

    def _projected(self, graph: Graph, x: Value, memory: Value) -> list[Value]:
        """Q, K and V: [T, heads * head_dim], [S, kv_heads * head_dim] twice."""
        head = self.width(x.type)
        if not self.packed:
            wide, narrow = self.heads * head, self.groups * head
            given = (("q_proj", x, wide), ("k_proj", memory, narrow), ("v_proj", memory, narrow))
            return [project(graph, y, name, out, self.bias) for name, y, out in given]
        dim = x.shape[1]
        weight, bias = graph.weight("in_proj_weight"), graph.weight("in_proj_bias") if self.bias else None
        return [
            mapped(
                graph, y, cut(graph, weight, [(0, place * dim, dim)]),
                None if bias is None else cut(graph, bias, [(0, place * dim, dim)]), dim,
            )
            for place, y in enumerate((x, memory, memory))
        ]  # fmt: skip

    def _attended(self, graph: Graph, q: Value, k: Value, v: Value, mask: Value | None) -> Value:
        """softmax(scale * q k^T) v, in plain operators: [heads, T, head_dim]. The mask has three axes."""
        (heads, length, head), (_, seen, _) = q.shape, k.shape
        shared = self.groups != self.heads
        if shared:  # the heads of a group side by side, where k and v have one
            q = reshape(graph, q, self.groups, self.heads // self.groups, length, head)
            k, v = unsqueeze(graph, k, 1), unsqueeze(graph, v, 1)
            if mask is not None and mask.shape[0] == 1:
                mask = unsqueeze(graph, mask, 1)
            elif mask is not None:
                mask = reshape(graph, mask, self.groups, self.heads // self.groups, *mask.shape[1:])
        if self.scale != 1:
            q = graph.node("Mul", q, number(graph, self.scale or int(str(head)) ** -0.5, q))
        order = (*range(k.rank - 2), k.rank - 1, k.rank - 2)
        scores = graph.node("MatMul", q, transpose(graph, k, order), shape=(*q.shape[:-1], seen))
        visible, hidden = None, number(graph, float("-inf"), scores)
        if self.causal:
            rows, columns = positions(graph, length), positions(graph, seen)
            age = graph.node("Sub", reshape(graph, rows, length, 1), columns, shape=(length, seen))
            visible = graph.node("GreaterOrEqual", age, graph.numbers(0, "int64"), dtype="bool")
            if self.window:
                near = graph.node("Less", age, graph.numbers(self.window, "int64"), dtype="bool")
                visible = graph.node("And", visible, near)
        if mask is not None and mask.dtype != "bool":
            scores = graph.node("Add", scores, mask)
        elif mask is not None:
            visible = mask if visible is None else graph.node("And", mask, visible)
        if visible is not None:
            scores = graph.node("Where", visible, scores, hidden, shape=scores.shape, dtype=scores.dtype)
        shares = graph.node("Softmax", scores, axis=-1)
        if mask is not None:  # where nothing is seen the softmax is no number
            none = graph.node(
                "Equal", reduce(graph, "ReduceMax", scores, [scores.rank - 1], True), hidden, dtype="bool"
            )
            shares = graph.node(
                "Where", none, number(graph, 0.0, scores), shares, shape=scores.shape, dtype=scores.dtype
            )
        y = graph.node("MatMul", shares, v, shape=q.shape)
        return reshape(graph, y, heads, length, head) if shared else y


def _turned(graph: Graph, x: Value, sines: Value, cosines: Value) -> Value:
    """Each head turned by the angles of its positions, the first half of its elements with the second."""
    half = sines.shape[1]
    a, b = cut(graph, x, [(2, 0, half)]), cut(graph, x, [(2, half, half)])
    turned = (
        graph.node("Sub", graph.node("Mul", a, cosines), graph.node("Mul", b, sines)),
        graph.node("Add", graph.node("Mul", b, cosines), graph.node("Mul", a, sines)),
    )
    return graph.node("Concat", *turned, shape=x.shape, axis=-1)
