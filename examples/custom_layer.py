"""A layer of your own: checked, generated and trained like any other.

    python examples/custom_layer.py --out weight.png

`bilinear` multiplies two vectors: out_o = sum_ij x_i W_oij y_j + b_o. One class says all that netspec needs to know
of it. The net below learns from examples what the inner product of two vectors is: W becomes the identity.

Here `register` makes the layer known to this program. An entry point in a package's pyproject.toml makes it known
to all, `netspec check` too:

    [project.entry-points."netspec.layers"]
    bilinear = "my_package.layers:Bilinear"
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn
from tqdm import trange

import netspec
from netspec.ir.types import TensorType
from netspec.ops.arguments import PositiveInt, wrong_rank
from netspec.ops.base import Cost, Layer, Reach, Types, Weight, whole
from netspec.ops.onnxrule import Graph, Value, reshape, unsqueeze
from netspec.ops.plugins import register
from netspec.ops.torchrule import Arg, Size, Torch, given

SPEC = """
net InnerProduct(n = 4) {
  input x: [n]
  input y: [n]
  from x -> product: bilinear 1 with y   -> [1]
  assert product.params == n * n + 1
}
"""


@register
class Bilinear(Layer):
    """Bilinear form of two vectors: [n], [m] -> [out].

    `out`: features that come out. The weights are [out, n, m] and a bias [out].

    Cost: n * m + m multiplications per output and as many additions; each is a MAC.
    """

    inputs: ClassVar[tuple[int, int | None]] = (2, 2)
    positional: ClassVar[int] = 1  # `bilinear 8` is short for `bilinear out=8`
    example: ClassVar[str] = "bilinear 8 with y"

    out: PositiveInt

    def output(self, inputs: Types) -> TensorType:
        for index, vector in enumerate(inputs):
            if vector.rank != 1:
                raise wrong_rank(vector, "[features]", f"input {index}")
        return inputs[0].with_shape(self.out)

    def weights(self, inputs: Types) -> dict[str, Weight]:
        n, m = (vector.shape[0] for vector in inputs)
        begin = ("fan", n)  # as torch's: uniform within 1 / sqrt(n)
        return {"weight": Weight((self.out, n, m), init=begin), "bias": Weight((self.out,), init=begin)}

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        n, m = (vector.shape[0] for vector in inputs)
        macs = self.out * (n * m + m)
        return Cost(macs, mults=macs, adds=macs, connections=macs + self.out)

    def reach(self, inputs: Types) -> Reach:
        return whole(inputs[0])

    def torch(self, inputs: Types) -> Torch:
        n, m = (Arg(vector.shape[0], source=Size(i, 0)) for i, vector in enumerate(inputs))
        return Torch("nn.Bilinear", args=(n, m, given("out", self.out)))

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        x, y = inputs
        products = graph.node("Mul", unsqueeze(graph, x, 1), unsqueeze(graph, y, 0))
        pairs = x.type.elements * y.type.elements
        weight = graph.weight("weight", (self.out, pairs))
        flat = reshape(graph, products, pairs)
        return graph.node("Gemm", flat, weight, graph.weight("bias"), shape=(self.out,), transB=1)


def train(model: nn.Module, steps: int) -> None:
    """Steps of Adam, each on 64 random pairs of vectors."""
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    bar = trange(steps, desc="training", unit="step")
    for _ in bar:
        x, y = torch.randn(2, 64, 4)
        loss = (model(x, y) - (x * y).sum(1, keepdim=True)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        bar.set_postfix(loss=f"{loss.item():.2e}", refresh=False)


def save_figure(weight: Tensor, path: str) -> None:
    """The matrix as an image."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.5, 3), layout="constrained")
    axes = figure.subplots()
    figure.colorbar(axes.imshow(weight.numpy(), cmap="coolwarm", vmin=-1, vmax=1))
    axes.set(title="W", xlabel="j", ylabel="i")
    figure.savefig(path)


def main(arguments: list[str] | None = None) -> Tensor:
    """Check, generate, train, print and save. Returns the matrix."""
    parser = argparse.ArgumentParser(description="Train a layer that netspec does not have.")
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", metavar="FILE", help="save the matrix as a figure, such as weight.png")
    options = parser.parse_args(arguments)

    net = netspec.loads(SPEC)
    print(f"{net.summary()}\n\n{net.torch_source()}")
    torch.manual_seed(options.seed)
    model = net.to_torch()
    train(model, options.steps)
    weight = model.state_dict()["product.weight"][0]
    print("the matrix of an inner product:")
    for row in weight.tolist():
        print(" ", *(f"{round(value, 3) + 0.0:7.3f}" for value in row))
    if options.out:
        save_figure(weight, options.out)
        print(f"figure: {options.out}")
    return weight


if __name__ == "__main__":
    main()
