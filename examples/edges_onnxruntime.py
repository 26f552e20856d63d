"""Find the edges of an image in onnxruntime: the spec has the kernel, and torch is not needed.

    python examples/edges_onnxruntime.py --out edges.png

The image is 6 x 8: ones, and zeros in its four middle columns. `specs/edges.net` has the kernel [1, -1] written out;
`edge_kernel.net` has the same convolution, and is given these two numbers as its weights.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnxruntime
from tqdm import tqdm

import netspec

SPEC = Path(__file__).with_name("edge_kernel.net")
KERNEL = {"kernel.weight": np.array([1, -1], "float32").reshape(1, 1, 1, 2)}


def edge_image() -> np.ndarray[Any, Any]:
    """A batch of one image with one channel."""
    image = np.ones((1, 1, 6, 8), "float32")
    image[..., 2:6] = 0
    return image


def edges(net: netspec.Network, image: np.ndarray[Any, Any], weights: Any = None) -> np.ndarray[Any, Any]:
    """The output of a net, which goes through an ONNX file."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "edges.onnx"
        net.to_onnx(path, weights=weights)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        (output,) = session.run(None, {"image": image})
    return output


def save_figure(image: np.ndarray[Any, Any], found: np.ndarray[Any, Any], path: str) -> None:
    """The image beside its edges."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 2.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.imshow(image[0, 0], cmap="gray", vmin=0, vmax=1)
    left.set_title("image")
    figure.colorbar(right.imshow(found[0, 0], cmap="coolwarm", vmin=-1, vmax=1))
    right.set_title("edges")
    figure.savefig(path)


def main(arguments: list[str] | None = None) -> list[np.ndarray[Any, Any]]:
    """Run both nets, print and save. Returns their edges."""
    parser = argparse.ArgumentParser(description="Find the edges of an image in onnxruntime.")
    parser.add_argument("--out", metavar="FILE", help="save a figure, such as edges.png")
    options = parser.parse_args(arguments)

    image = edge_image()
    ways = {
        "the kernel in the spec": (netspec.load("edges"), None),
        "the kernel as weights": (netspec.load(SPEC), KERNEL),
    }
    found = {way: edges(net, image, weights) for way, (net, weights) in tqdm(ways.items(), desc="running", unit="net")}
    for way, output in found.items():
        print(f"{way}:")
        for row in output[0, 0]:
            print(" ", *(f"{value + 0:g}" for value in row))
    if options.out:
        save_figure(image, output, options.out)
        print(f"figure: {options.out}")
    return list(found.values())


if __name__ == "__main__":
    main()
