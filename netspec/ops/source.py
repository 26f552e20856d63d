"""Layers without inputs: a trainable tensor and a constant one."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from netspec.ir.types import TensorType
from netspec.ops.arguments import Init, Numbers, Width, init_kind
from netspec.ops.arguments import shape as numbers_shape
from netspec.ops.base import FREE, POINT, Cost, Layer, Reach, Types, Weight
from netspec.ops.onnxrule import Graph, Value
from netspec.ops.torchrule import Arg, Of, Torch, literal
from netspec.problems.shapes import OptionsConflict


class _Source(Layer):
    """What layers without inputs share. Their tensor's path is the layer's own: its name is empty."""

    inputs: ClassVar[tuple[int, int | None]] = (0, 0)
    view: ClassVar[bool] = True

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        return FREE

    def reach(self, inputs: Types) -> Reach:
        return POINT

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        return graph.weight("")


class Param(_Source):
    """A trainable tensor of its own: -> shape. Every sample sees the same one.

    `shape`: its sizes. `dtype`: its element type. `init`: how it begins, see `dense`; as a normal distribution of
    deviation 0.02 unless given. The tensor is called as the layer is: `pos`,
    not `pos.weight`.

    Cost: none.
    """

    positional: ClassVar[int] = 1
    drawn: ClassVar[bool] = True
    example: ClassVar[str] = "param pos: [197, 768]"

    shape: tuple[Width, ...]
    dtype: Literal["float32", "float16", "bfloat16", "float64"] = "float32"
    init: Init | None = None

    def output(self, inputs: Types) -> TensorType:
        if init_kind(self.init) in ("xavier", "kaiming") and len(self.shape) < 2:
            why = "they look at the inputs and outputs of a matrix"
            raise OptionsConflict("init", first="init", second="shape", why=why)
        return TensorType(self.shape, self.dtype)

    def weights(self, inputs: Types) -> dict[str, Weight]:
        return {"": Weight(self.shape, "trainable", self.dtype, ("normal", 0.02) if self.init is None else self.init)}

    def torch(self, inputs: Types) -> Torch:
        dtype = "" if self.dtype == "float32" else f", dtype=torch.{self.dtype}"
        sizes = tuple(Arg(size, source=Of("shape", place)) for place, size in enumerate(self.shape))
        return Torch(f"nn.Parameter(0.02 * torch.randn({{args}}{dtype}))", args=sizes or (Arg(()),))


class Constant(_Source):
    """A tensor of literal numbers: -> [*], not trained. Every sample sees the same one.

    `value`: a number, or nested lists of them.

    Cost: none.
    """

    positional: ClassVar[int] = 1
    example: ClassVar[str] = "constant mean: [0.485, 0.456, 0.406]"

    value: Numbers

    def output(self, inputs: Types) -> TensorType:
        return TensorType(numbers_shape(self.value))

    def weights(self, inputs: Types) -> dict[str, Weight]:
        return {"": Weight(numbers_shape(self.value), "fixed", init=("literal", self.value))}

    def torch(self, inputs: Types) -> Torch:
        return Torch("nn.Parameter(torch.tensor({literal}), requires_grad=False)", literal=literal(self.value))
