"""Train in torch, run in onnxruntime: the same net from the same spec, and the same predictions.

    python examples/deploy_onnx.py --folder deployed --out differences.png

The net is `lenet_digits.net`, trained as in `train_lenet_digits.py`. Its weights are saved as a .npz file, which is all
that the export needs of torch: the model is written from the spec.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn
from tqdm import trange
from train_lenet_digits import SPEC, digits, train

import netspec


def save_weights(model: nn.Module, path: Path) -> None:
    """The state_dict as a .npz file."""
    np.savez(path, **{name: tensor.numpy() for name, tensor in model.state_dict().items()})


def run(path: Path, images: np.ndarray[Any, Any], batch: int = 50) -> np.ndarray[Any, Any]:
    """The outputs of a model for all images."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    starts = trange(0, len(images), batch, desc="running", unit="batch")
    return np.concatenate([session.run(None, {"image": images[at : at + batch]})[0] for at in starts])


def save_figure(differences: np.ndarray[Any, Any], path: str) -> None:
    """How often outputs differ by how much."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 3.2), layout="constrained")
    axes = figure.subplots()
    axes.hist(np.log10(np.maximum(differences, 1e-9)).ravel(), bins=40)
    axes.set(title="torch and onnxruntime", xlabel="difference of an output, log10 (0 as -9)", ylabel="outputs")
    figure.savefig(path)


def compare(expected: Tensor, found: np.ndarray[Any, Any], labels: Tensor) -> np.ndarray[Any, Any]:
    """Print how alike the outputs are. Returns their differences."""
    guesses = found.argmax(1)
    same = int((guesses == expected.argmax(1).numpy()).sum())
    differences = np.abs(found - expected.numpy())
    print(f"torch:       {(expected.argmax(1) == labels).double().mean().item():.1%} of {len(labels)} held-out digits")
    print(f"onnxruntime: {(guesses == labels.numpy()).mean():.1%}, the same prediction for {same} of {len(labels)}")
    print(f"largest difference of an output: {differences.max():.1e}")
    return differences


def main(arguments: list[str] | None = None) -> float:
    """Train, export, run, compare and save. Returns the largest difference."""
    parser = argparse.ArgumentParser(description="Train LeNet in torch and run it in onnxruntime.")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", metavar="FOLDER", help="keep the weights and the model there")
    parser.add_argument("--out", metavar="FILE", help="save a figure of the differences, such as differences.png")
    options = parser.parse_args(arguments)

    torch.manual_seed(options.seed)
    train_images, test_images, train_labels, test_labels = digits(options.seed)
    net = netspec.load(SPEC)
    model = net.to_torch()
    train(model, train_images, train_labels, options.epochs)
    model.eval()
    with torch.no_grad():
        expected = model(test_images)

    with TemporaryDirectory() as temporary:
        folder = Path(options.folder or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        save_weights(model, folder / "lenet_digits.npz")
        net.to_onnx(folder / "lenet_digits.onnx", weights=folder / "lenet_digits.npz")
        found = run(folder / "lenet_digits.onnx", test_images.numpy())
    differences = compare(expected, found, test_labels)
    if options.folder:
        print(f"weights and model: {folder / 'lenet_digits.npz'}, {folder / 'lenet_digits.onnx'}")
    if options.out:
        save_figure(differences, options.out)
        print(f"figure: {options.out}")
    return float(differences.max())


if __name__ == "__main__":
    main()
