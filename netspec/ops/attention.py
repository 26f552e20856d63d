"""Multi-head attention."""

from collections.abc import Sequence
from typing import ClassVar

from netspec.ir.dims import Dim, minimum
from netspec.ir.types import TensorType
from netspec.ops.arguments import Count, NotNegative, PositiveInt, Rate, RopeScaling, wrong_rank
from netspec.ops.base import NO_CACHE, Cache, Cost, Layer, Reach, Types, Weight, whole
from netspec.ops.channels import divisors
from netspec.ops.merge import one_dtype
from netspec.ops.norm import rms_normalised
from netspec.ops.onnxrule import Graph, Value, cut, number, reshape, transpose, unsqueeze
from netspec.ops.position import positions, rotary_rates, waves
from netspec.ops.projection import mapped, project, projection
from netspec.ops.torchrule import Arg, Size, Torch, features_in, given
from netspec.problems.shapes import HeadsDoNotDivide, NotEven, OptionMissing, OptionsConflict, PackedMemory

_ATTENTION = 23  # the first opset that has it
_EPS = 1e-6


class Attention(Layer):
    """Multi-head attention (Vaswani et al. 2017, arXiv:1706.03762): [T, dim] -> [T, dim]; with [S, m] too: [T, dim].

    softmax(Q K^T / sqrt(head_dim)) V in each head, with Q of the first input, and K and V of the same, or of the
    second: `attention 8 with memory`. `heads`: how many. `kv_heads`: how many K and V have (Ainslie et al. 2023,
    arXiv:2305.13245), which groups of heads share; as many as heads unless given. `head_dim`: width of a head, dim //
    heads unless given. `causal`: a position sees those up to itself. `bias`: of the four projections. `dropout`: of
    the softmax, in training. `rope`: base of the angles by which Q and K are turned (Su et al. 2021,
    arXiv:2104.09864), element i with element i + head_dim / 2; 0 is not at all. `rope_scaling`, for texts longer than
    those of the training: positions divided by a factor (Chen et al. 2023, arXiv:2306.15595), or, as in Llama 3.1,
    `(llama3, factor, low, high, length)`: a pair that turns fewer than `low` times in `length` positions is slowed by
    the factor, one that turns more than `high` times is not, one between in part; 1 is none. `qk_norm`: an `rmsnorm`
    with weight of each head of Q and K. `window`: a position sees itself and window - 1 before it (Jiang et al. 2023,
    arXiv:2310.06825); 0 is all. Weights are called as Llama's: q_proj [heads * head_dim, dim], k_proj, v_proj, o_proj.
    `packed`: as those of torch's nn.MultiheadAttention, in_proj_weight [3 * dim, dim] and out_proj.

    Cache: a key and a value of each position, 2 * kv_heads * head_dim elements, where it is causal, of the last
    `window` positions at most; with a memory those of its positions, which do not become more.

    Cost: the four projections as of `dense`; heads * T * S * head_dim MACs for Q K^T and as many for the sum of V, in
    full, also where causal or a window hides a part; per score 1 multiplication (scale), 2 additions and 3 others
    (softmax); rope has 2 multiplications and 1 addition per element of Q and K, qk_norm is as `rmsnorm`.
    """

    positional: ClassVar[int] = 1
    inputs: ClassVar[tuple[int, int | None]] = (1, 2)
    example: ClassVar[str] = "attention 32 kv_heads=8 causal=true rope=500_000 bias=false"

    heads: PositiveInt
    kv_heads: PositiveInt | None = None
    head_dim: PositiveInt | None = None
    causal: bool = False
    bias: bool = True
    dropout: Rate = 0.0
    rope: Count | NotNegative = 0
    rope_scaling: RopeScaling = 1
    qk_norm: bool = False
    window: Count = 0
    packed: bool = False

    def output(self, inputs: Types) -> TensorType:
        one_dtype(self, inputs)
        for index, x in enumerate(inputs):
            if x.rank != 2:
                raise wrong_rank(x, "[S, dim]" if index else "[T, dim]", f"input {index}")
        x, memory = inputs[0], inputs[-1]
        dim = x.shape[1]
        if self.head_dim is None and dim % self.heads != 0:
            raise HeadsDoNotDivide(
                "heads", size=dim, what="features", parts=self.heads, argument="heads", divisors=divisors(dim, 0)
            )
        if self.heads % self.groups != 0:
            raise HeadsDoNotDivide(
                "kv_heads", size=self.heads, what="heads", parts=self.groups, argument="kv_heads",
                divisors=divisors(self.heads, 0),
            )  # fmt: skip
        if self.rope and self.width(x) % 2 != 0:
            raise NotEven(
                "rope", what="rope", size=self.width(x), of="elements of a head", remedy="another number of heads"
            )
        if self.rope_scaling != 1 and not self.rope:
            why = "it is about the angles of rotary positions"
            raise OptionMissing("rope_scaling", given="rope_scaling", missing="rope", why=why, example="rope=10_000")
        if self.window and not self.causal:
            why = "the window ends at the position itself"
            raise OptionMissing("window", given="window", missing="causal=true", why=why, example="causal=true")
        for name in ("causal", "rope") if len(inputs) > 1 else ():
            if getattr(self, name):
                why = "positions of two sequences are not compared"
                raise OptionsConflict(name, first=name, second="with", why=why)
        for name in ("kv_heads", "head_dim", "rope", "qk_norm", "window") if self.packed else ():
            if getattr(self, name):
                raise OptionsConflict(name, first=name, second="packed", why="nn.MultiheadAttention has no such thing")
        if self.packed and memory.shape[1] != dim:
            raise PackedMemory("input 1", memory=memory, width=memory.shape[1], dim=dim)
        return x

    @property
    def groups(self) -> int:
        """How many heads K and V have."""
        return self.heads if self.kv_heads is None else self.kv_heads

    def width(self, x: TensorType) -> Dim:
        """Width of a head."""
        return x.shape[1] // self.heads if self.head_dim is None else self.head_dim

    def weights(self, inputs: Types) -> dict[str, Weight]:
        dim, other, head = inputs[0].shape[1], inputs[-1].shape[1], self.width(inputs[0])
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
        (length, dim), (seen, other), head = inputs[0].shape, inputs[-1].shape, self.width(inputs[0])
        wide, narrow = self.heads * head, self.groups * head
        projections = 2 * length * dim * wide + 2 * seen * other * narrow
        made = length * wide + 2 * seen * narrow + length * dim  # elements that the projections make
        scores = self.heads * length * seen
        macs = projections + 2 * scores * head
        mults, adds, others = macs + scores, macs - scores - length * wide + 2 * scores, 3 * scores
        turned = length * wide + seen * narrow
        if self.rope:
            mults, adds = mults + 2 * turned, adds + turned
        if self.qk_norm:
            mults, adds = mults + 3 * turned, adds + turned
            others = others + 2 * (self.heads * length + self.groups * seen)
        biases = made if self.bias else 0
        return Cost(macs, mults, adds - made + biases, others, projections + biases)

    def cache(self, inputs: Types) -> Cache:
        seen = inputs[-1].shape[0]
        position = 2 * self.groups * self.width(inputs[0])  # a key and a value in each of their heads
        if len(inputs) > 1:  # the memory is whole from the start
            return Cache(0, position * seen, inputs[-1].dtype)
        if not self.causal:
            return NO_CACHE
        return Cache(position, position * (minimum(seen, self.window) if self.window else seen), inputs[0].dtype)

    def reach(self, inputs: Types) -> Reach:
        return whole(inputs[0])

    def torch(self, inputs: Types) -> Torch:
        cross = len(inputs) > 1
        common = (
            given("causal", self.causal, "causal", False),
            given("bias", self.bias, "bias", True),
            given("dropout", self.dropout, "dropout", 0.0),
        )
        start = (features_in(inputs[0]), given("heads", self.heads))
        if self.packed:
            return Torch("PackedAttention", args=(*start, *common))
        optional = [
            given(name, value, name)
            for name, value in (("kv_heads", self.kv_heads), ("head_dim", self.head_dim))
            if value is not None
        ]
        memory = [Arg(inputs[1].shape[1], "memory_dim", source=Size(1, 1))] if cross else []
        rest = (
            given("rope", self.rope, "rope", 0),
            given("rope_scaling", self.rope_scaling, "rope_scaling", 1),
            given("qk_norm", self.qk_norm, "qk_norm", False),
            given("window", self.window, "window", 0),
        )
        return Torch("Attention", args=(*start, *optional, *memory, *common, *rest))

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        x, memory = inputs[0], inputs[-1]
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
        if graph.opset >= _ATTENTION and not self.window:
            y = graph.node("Attention", q, k, v, shape=q.shape, is_causal=int(self.causal))
        else:
            y = self._attended(graph, q, k, v)
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

    def _attended(self, graph: Graph, q: Value, k: Value, v: Value) -> Value:
        """softmax(q k^T / sqrt(head_dim)) v, in plain operators: [heads, T, head_dim]."""
        (heads, length, head), (_, seen, _) = q.shape, k.shape
        shared = self.groups != self.heads
        if shared:  # the heads of a group side by side, where k and v have one
            q = reshape(graph, q, self.groups, self.heads // self.groups, length, head)
            k, v = unsqueeze(graph, k, 1), unsqueeze(graph, v, 1)
        q = graph.node("Mul", q, number(graph, int(str(head)) ** -0.5, q))
        order = (*range(k.rank - 2), k.rank - 1, k.rank - 2)
        scores = graph.node("MatMul", q, transpose(graph, k, order), shape=(*q.shape[:-1], seen))
        if self.causal:
            rows, columns = positions(graph, length), positions(graph, seen)
            age = graph.node("Sub", reshape(graph, rows, length, 1), columns, shape=(length, seen))
            visible = graph.node("GreaterOrEqual", age, graph.numbers(0, "int64"), dtype="bool")
            if self.window:
                near = graph.node("Less", age, graph.numbers(self.window, "int64"), dtype="bool")
                visible = graph.node("And", visible, near)
            hidden = number(graph, float("-inf"), scores)
            scores = graph.node("Where", visible, scores, hidden, shape=scores.shape, dtype=scores.dtype)
        y = graph.node("MatMul", graph.node("Softmax", scores, axis=-1), v, shape=q.shape)
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
