"""The dense layer."""

from collections.abc import Sequence
from typing import ClassVar

from netspec.ir.types import TensorType
from netspec.ops.arguments import Init, Numbers, Width, literal_shape, no_init, wrong_rank
from netspec.ops.base import Cost, Layer, Reach, Types, Weight, last_axes, product, trained_or_fixed
from netspec.ops.onnxrule import Graph, Value, affine, transpose
from netspec.ops.torchrule import Torch, features_in, given, with_literal


def features(input: TensorType) -> TensorType:
    """The input of a layer that acts on the last axis. Raises RankMismatch for a scalar."""
    if not input.shape:
        raise wrong_rank(input, "[*, features]")
    return input


class Dense(Layer):
    """Linear map of the last axis: [*, in] -> [*, out], y = x W^T + b.

    `out`: features that come out. `bias`: add a trainable vector [out]. `weight`: literal numbers
    [out, in] in place of a trained matrix. `init`: how the weight begins: `normal` (deviation 1),
    `uniform` (0 to 1), `xavier` (Glorot & Bengio 2010, uniform), `kaiming` (He et al. 2015, normal),
    `zeros`, `ones`, a number, or with numbers `(normal, 0.02)`, `(uniform, -0.1, 0.1)`; as torch does
    unless given. Every position of the other axes is mapped by the same weight [out, in].

    Cost: in multiplications per output and as many additions (one fewer without bias); each is a MAC.
    """

    positional: ClassVar[int] = 1
    drawn: ClassVar[bool] = True
    example: ClassVar[str] = "dense 84"

    out: Width
    bias: bool = True
    weight: Numbers | None = None
    init: Init | None = None

    def output(self, inputs: Types) -> TensorType:
        x = features(inputs[0])
        if self.weight is not None:
            literal_shape(self.weight, (self.out, x.shape[-1]), "weight")
            no_init(self.init)
        return x.with_shape(*x.shape[:-1], self.out)

    def weights(self, inputs: Types) -> dict[str, Weight]:
        shape = (self.out, inputs[0].shape[-1])
        matrix = trained_or_fixed(shape, self.weight, self.init)
        return (
            {"weight": matrix, "bias": Weight((self.out,), init=("fan", shape[1]))} if self.bias else {"weight": matrix}
        )

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        shape = inputs[0].shape
        outputs = product(shape[:-1]) * self.out
        macs = outputs * shape[-1]
        if self.bias:
            return Cost(macs, macs, macs, 0, macs + outputs)
        return Cost(macs, macs, macs - outputs, 0, macs)

    def reach(self, inputs: Types) -> Reach:
        return last_axes(inputs[0], 1)

    def torch(self, inputs: Types) -> Torch:
        args = (features_in(inputs[0]), given("out", self.out), given("bias", self.bias, "bias", True))
        return with_literal(Torch("nn.Linear", args=args), self.weight, 2)

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        (x,) = inputs
        weight = graph.weight("weight")
        shape = (*x.shape[:-1], self.out)
        if x.rank == 1:
            bias = (graph.weight("bias"),) if self.bias else ()
            return graph.node("Gemm", x, weight, *bias, shape=shape, transB=1)
        y = graph.node("MatMul", x, transpose(graph, weight, (1, 0)), shape=shape)
        return affine(graph, y, None, graph.weight("bias") if self.bias else None)
