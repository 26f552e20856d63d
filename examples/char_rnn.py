"""Train a GRU on a real text, the source of Python modules, and let it write in torch and in onnxruntime.

    python examples/char_rnn.py --steps 400

The net is `char_rnn.net`. Its state goes in and comes out: one model learns from pieces of text and writes character by
character.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import trange

import netspec

SPEC = Path(__file__).with_name("char_rnn.net")
Step = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def text_to_learn() -> str:
    """A text that every Python has: the source of some of its modules."""
    import decimal
    import doctest
    import pathlib
    import random

    modules = (argparse, decimal, doctest, pathlib, random)
    return "\n".join(Path(module.__file__ or "").read_text(encoding="utf-8") for module in modules)


def train(model: nn.Module, text: Tensor, units: int, steps: int) -> float:
    """Pieces of 64 characters, 32 at once; the loss of the last steps, in bits for each character."""
    optimizer = torch.optim.Adam(model.parameters(), lr=0.004)
    losses: list[float] = []
    bar = trange(steps, desc="training", unit="step")
    for _ in bar:
        begins = torch.randint(0, len(text) - 65, (32,))
        pieces = torch.stack([text[begin : begin + 65] for begin in begins.tolist()])
        scores, _ = model(pieces[:, :-1], torch.zeros(32, units))
        loss = F.cross_entropy(scores.flatten(0, 1), pieces[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item() / np.log(2))
        bar.set_postfix(bits=f"{losses[-1]:.2f}")
    return float(np.mean(losses[-20:]))


def write(step: Step, letters: str, begin: str, units: int, count: int, seed: int) -> str:
    """Text that goes on from its beginning, each character drawn from what the model says of it."""
    draw = np.random.default_rng(seed)
    written, state = begin, np.zeros((1, units), np.float32)
    given = begin
    for _ in trange(count, desc="writing", unit="character"):
        numbers = np.array([[letters.index(letter) for letter in given]])
        scores, state = step(numbers, state)
        shares = np.exp((scores[0, -1] - scores[0, -1].max()) / 0.7)
        given = letters[draw.choice(len(letters), p=shares.astype(np.float64) / shares.sum(dtype=np.float64))]
        written += given
    return written


def main(arguments: list[str] | None = None) -> tuple[float, str, str]:
    """Train, write in torch and in onnxruntime. Returns the bits for each character, and both texts."""
    parser = argparse.ArgumentParser(description="Train a GRU on the source of Python modules and let it write.")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--units", type=int, default=128)
    parser.add_argument("--length", type=int, default=200, help="characters to write")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)

    torch.manual_seed(options.seed)
    text = text_to_learn()
    letters = "".join(sorted(set(text)))
    net = netspec.load(SPEC, vocab=len(letters), units=options.units)
    print(f"{net.name}: {net.params:,} parameters; {len(text):,} characters, {len(letters)} different ones")
    model = net.to_torch()
    bits = train(model, torch.tensor([letters.index(letter) for letter in text]), options.units, options.steps)
    print(f"{bits:.2f} bits for each character; at random {np.log2(len(letters)):.2f}")

    model.eval()

    def in_torch(characters: np.ndarray, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        with torch.no_grad():
            scores, state = model(torch.from_numpy(characters), torch.from_numpy(state))
        return scores.numpy(), state.numpy()

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "char_rnn.onnx"
        weights = {name: tensor.detach().numpy() for name, tensor in model.state_dict().items()}
        net.to_onnx(str(path), weights=weights)
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])

    def in_onnxruntime(characters: np.ndarray, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        scores, state = session.run(None, {"characters": characters, "h": state})
        return scores, state

    steps: tuple[Step, Step] = (in_torch, in_onnxruntime)
    one, other = (write(step, letters, "def ", options.units, options.length, options.seed) for step in steps)
    print(one)
    print("onnxruntime writes the same" if one == other else f"onnxruntime writes\n{other}")
    return bits, one, other


if __name__ == "__main__":
    main()
