"""Train LeNet on real handwritten digits, the 1,797 that come with scikit-learn.

    python examples/train_lenet_digits.py --out confusion.png

A quarter of the digits is held out; the net is `lenet_digits.net`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn
from tqdm import trange

import netspec

SPEC = Path(__file__).with_name("lenet_digits.net")


def digits(seed: int) -> list[Tensor]:
    """Images to train with and to test with, and their labels."""
    data = load_digits()
    images = data.images[:, None].astype("float32") / 16  # grey levels from 0 to 16
    parts = train_test_split(images, data.target, test_size=0.25, random_state=seed, stratify=data.target)
    return [torch.from_numpy(part) for part in parts]


def train(model: nn.Module, images: Tensor, labels: Tensor, epochs: int) -> None:
    """Adam with a rate that falls to zero."""
    batches = len(images) // 64
    optimizer = torch.optim.Adam(model.parameters(), lr=0.004)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.004, total_steps=epochs * batches)
    model.train()
    bar = trange(epochs, desc="training", unit="epoch")
    for _ in bar:
        order = torch.randperm(len(images))
        for chosen in order[: batches * 64].view(batches, 64):
            loss = F.cross_entropy(model(images[chosen]), labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        bar.set_postfix(loss=f"{loss.item():.4f}")


def save_figure(labels: Tensor, guesses: Tensor, path: str) -> None:
    """The confusion matrix."""
    from matplotlib.figure import Figure
    from sklearn.metrics import ConfusionMatrixDisplay, confusion_matrix

    figure = Figure(figsize=(5, 4.5), layout="constrained")
    axes = figure.subplots()
    ConfusionMatrixDisplay(confusion_matrix(labels, guesses)).plot(ax=axes, cmap="Blues", colorbar=False)
    axes.set_title("held-out digits")
    figure.savefig(path)


def main(arguments: list[str] | None = None) -> float:
    """Train, print and save. Returns the share of held-out digits that are recognised."""
    parser = argparse.ArgumentParser(description="Train LeNet on scikit-learn's digits.")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", metavar="FILE", help="save the confusion matrix, such as confusion.png")
    options = parser.parse_args(arguments)

    torch.manual_seed(options.seed)
    train_images, test_images, train_labels, test_labels = digits(options.seed)
    net = netspec.load(SPEC)
    print(f"{net.name}: {net.params:,} parameters, {net.macs:,} MACs; {len(train_images):,} digits to train with")
    model = net.to_torch()
    train(model, train_images, train_labels, options.epochs)

    model.eval()
    with torch.no_grad():
        probabilities = F.softmax(model(test_images), dim=1)
    guesses = probabilities.argmax(1)
    accuracy = (guesses == test_labels).double().mean().item()
    print(f"accuracy on {len(test_images)} held-out digits: {accuracy:.1%}")
    print(f"the first of them is a {test_labels[0]}; the ten probabilities:")
    for digit, probability in enumerate(probabilities[0].tolist()):
        print(f"  {digit}  {probability:8.4%}  {'#' * round(40 * probability)}".rstrip())
    if options.out:
        save_figure(test_labels, guesses, options.out)
        print(f"figure: {options.out}")
    return accuracy


if __name__ == "__main__":
    main()
