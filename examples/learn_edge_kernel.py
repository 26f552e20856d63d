"""Learn the kernel of an edge detector from one image and its edges.

    python examples/learn_edge_kernel.py --out kernel.png

The image is 6 x 8: ones, and zeros in its four middle columns. `specs/edges.net` has the detector with its kernel
[1, -1] written out, which gives the edges; `edge_kernel.net` has the same convolution with a kernel to learn.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm import trange

import netspec

SPEC = Path(__file__).with_name("edge_kernel.net")


def edge_image() -> Tensor:
    """A batch of one image with one channel."""
    image = torch.ones(1, 1, 6, 8)
    image[..., 2:6] = 0
    return image


def learn(model: nn.Module, image: Tensor, edges: Tensor, steps: int, rate: float) -> list[tuple[float, Tensor]]:
    """Gradient descent on the summed squared difference; loss and kernel before each step and after the last."""
    (kernel,) = model.parameters()
    history = []
    for step in trange(steps + 1, desc="learning", unit="step"):
        loss = (model(image) - edges).square().sum()
        history.append((loss.item(), kernel.detach().flatten().clone()))
        if step < steps:
            model.zero_grad()
            loss.backward()
            with torch.no_grad():
                kernel -= rate * kernel.grad
    return history


def save_figure(history: list[tuple[float, Tensor]], path: str) -> None:
    """The two numbers of the kernel, and the loss, over the steps."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot([kernel.tolist() for _, kernel in history], marker=".", label=["left weight", "right weight"])
    for target in (1, -1):
        left.axhline(target, color="gray", linestyle=":")
    left.set(title="kernel", xlabel="step")
    left.legend()
    right.semilogy([loss for loss, _ in history], marker=".")
    right.set(title="summed squared difference", xlabel="step")
    figure.savefig(path)


def main(arguments: list[str] | None = None) -> Tensor:
    """Learn, print and save. Returns the kernel."""
    parser = argparse.ArgumentParser(description="Learn the kernel of an edge detector.")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--rate", type=float, default=0.02)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", metavar="FILE", help="save a figure, such as kernel.png")
    options = parser.parse_args(arguments)

    torch.manual_seed(options.seed)
    image = edge_image()
    edges = netspec.load("edges").to_torch()(image)  # the kernel [1, -1], given as literal numbers
    print("a row of the edges:", *(f"{value:g}" for value in edges[0, 0, 0]))

    model = netspec.load(SPEC).to_torch()
    history = learn(model, image, edges, options.steps, options.rate)
    for step, (loss, kernel) in enumerate(history):
        if step % 5 == 0 or step == options.steps:
            print(f"step {step:3}  loss {loss:10.6f}  kernel [{kernel[0]:7.4f}, {kernel[1]:7.4f}]")
    if options.out:
        save_figure(history, options.out)
        print(f"figure: {options.out}")
    return history[-1][1]


if __name__ == "__main__":
    main()
