"""Dropout."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from netspec.ir.types import TensorType
from netspec.ops.arguments import Rate, spatial_axes
from netspec.ops.base import FREE, POINT, Cost, Layer, Reach, Types, Weight
from netspec.ops.onnxrule import Graph, Value, number
from netspec.ops.torchrule import Arg, Torch, given


class Dropout(Layer):
    """In training, elements are set to 0 at random, each with probability p: [*] -> [*].

    Srivastava et al. 2014; Hinton et al. 2012, arXiv:1207.0580. `mode=upscale_in_train` multiplies what
    stays by 1 / (1 - p) in training and does nothing later; `mode=downscale_in_infer` leaves it in training
    and multiplies by 1 - p later, as the paper. `per=channel` drops whole maps of [C, *S] (Tompson et al.
    2014, arXiv:1411.4280).

    Cost: none.
    """

    positional: ClassVar[int] = 1
    example: ClassVar[str] = "dropout 0.5"

    p: Rate = 0.5
    mode: Literal["upscale_in_train", "downscale_in_infer"] = "upscale_in_train"
    per: Literal["element", "channel"] = "element"

    def output(self, inputs: Types) -> TensorType:
        (x,) = inputs
        if self.per == "channel":
            spatial_axes(x)
        return x

    def weights(self, inputs: Types) -> dict[str, Weight]:
        return {}

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        return FREE

    def reach(self, inputs: Types) -> Reach:
        return POINT

    def torch(self, inputs: Types) -> Torch:
        p, channel = given("p", self.p), self.per == "channel"
        if self.mode == "downscale_in_infer":
            return Torch("DownscaleDropout", args=(p, Arg(channel, "per_channel", False)))
        return Torch(f"nn.Dropout{inputs[0].rank - 1}d" if channel else "nn.Dropout", args=(p,))

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        if self.mode == "upscale_in_train":
            return inputs[0]
        return graph.node("Mul", inputs[0], number(graph, 1 - self.p, inputs[0]))
