"""The share of the fuzzing that every test run does: nets of fixed seeds, and layers that netspec refuses."""

from __future__ import annotations

from functools import cache
from random import Random
from typing import NamedTuple

from covering import Coverage
from growing import SOURCES, Grower, Refused, compiled
from writing import Call, Entry, Net, text_of

from netspec.ops import layer_names

SHARES = 6
SMALL, LARGE = 52, 5  # nets of each share: of one layer and perhaps another, and of up to 12 statements
# Layers in the order in which nets begin with them; those whose rules have most cases come more often.
OFTEN = ("maxpool", "conv", "avgpool") * 4 + ("upconv", "pad", "rmsnorm") * 2
MANY = ("attention", "attention", "lstm", "gru", "rnn", "upsample", "position", "relativebias", "conv") * 2
TURNS = (*OFTEN, *MANY, *(name for name in layer_names() if name not in SOURCES), *OFTEN)

# Corners that random nets come to too seldom for so few of them.
CORNERS = (
    "net N {\n  input x: [4, 5]\n  maxpool 1 stride=3 ceil=true\n}\n",  # a window that would begin beyond the input
    "net N {\n  input x: [4, 6, 9]\n  avgpool 3 stride=2 pad=1 ceil=true count_pad=false\n}\n",
    "net N {\n  input x: [2, 4, 6]\n  pixelunshuffle 2\n}\n",
    "net N {\n  input x: [6, 4]\n  rmsnorm axes=2\n}\n",
    "net N {\n  input x: [5]\n  dense 3\n}\n",  # of a vector, ONNX has another operator
    "net N {\n  input x: [3, 5, 6]\n  conv 4 k=2 pad=same stride=2 dilation=3\n  maxpool 2 stride=1 dilation=2\n}\n",
    "net N {\n  input x: [5]\n  dense 3\n}\n",  # a product of a single row
)


class Share(NamedTuple):
    nets: tuple[Net, ...]
    refused: tuple[Refused, ...]
    crashed: tuple[str, ...]
    coverage: Coverage
    seen: Coverage  # by this share and those before it, so that the next one goes elsewhere


@cache
def share(number: int) -> Share:
    seen = share(number - 1).seen.copy() if number else Coverage()
    done = Coverage()
    for before in range(number):
        done.add(share(before).coverage)
    used = Coverage()
    nets, refused, crashed = [], [], []
    for place in range(SMALL + LARGE):
        grower = Grower(Random(f"share {number}.{place}"), seen, done)
        if place < SMALL:
            nets.append(grower.net_of(TURNS[(number * SMALL + place) % len(TURNS)], place % 2))
        else:
            nets.append(grower.net())
        refused += grower.refused
        crashed += [f"{at}\n{text}" for at, text in grower.crashed.items()]
        for coverage in (used, done):
            coverage.used(compiled(nets[-1]))
    return Share(tuple(nets), tuple(refused), tuple(crashed), used, seen)


def refusal_text(refused: Refused) -> str:
    """A net of a layer that was refused, with the inputs that it had."""
    names = [f"y{place}" for place in range(len(refused.inputs) - 1)]
    inputs = tuple(
        Entry(name, tuple(size if isinstance(size, int) else "T" for size in x.shape), x.dtype)
        for name, x in zip(["x", *names], refused.inputs, strict=True)
    )
    return text_of(Net(inputs, (Call(refused.name, refused.arguments, others=tuple(names)),)))
