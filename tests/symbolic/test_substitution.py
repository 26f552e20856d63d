"""Formulas in parameters with values in place of these are the figures of the net at these values."""

from __future__ import annotations

import os
import random

import pytest
from width_nets import width_net

import netspec
from netspec import Network, SpecError
from netspec.ir.dims import value

FIGURES = (
    "params", "macs", "mults", "adds", "flops", "connections", "weight_bytes", "activation_bytes",
    "peak_activation_bytes", "active_params", "kv_cache_per_token", "kv_cache_bytes",
)  # fmt: skip
NETS = int(os.environ.get("NETSPEC_RANDOM_NETS", "60"))

Ranges = dict[str, tuple[int, int, int]]  # what is left symbolic: the first value, the step and the most steps

ANY = (1, 1, 90)
SPECS: list[tuple[str, Ranges]] = [
    ("vgg:VGG11BN", {"width": ANY, "classes": ANY, "H >= 32": (32, 1, 300)}),
    ("resnet:ResNet18", {"width": ANY, "classes": ANY, "H": (1, 1, 300), "W": (1, 1, 300)}),
    ("resnet:ResNet50", {"width": ANY}),
    ("densenet:DenseNet121", {"growth": ANY}),
    ("nin:NiN", {"classes": ANY}),
    ("googlenet:GoogLeNet", {"classes": ANY}),
    ("gpt2:GPT2Small", {"dim % 12 == 0": (12, 12, 90), "vocab": ANY, "T <= 1024": (1, 1, 1023)}),
    ("bert:BERT", {"dim % 12 == 0": (12, 12, 90), "vocab": ANY}),
    ("llama:Llama", {"dim % 64 == 0 and dim >= 4096": (4096, 64, 90), "hidden": ANY, "vocab": ANY}),
    ("mixtral", {"hidden": ANY, "T": ANY}),
    ("t5:T5Small", {"heads": ANY, "hidden": ANY, "T": ANY}),
    ("transformer:Transformer", {"hidden": ANY, "vocab": ANY}),
    ("vit:ViT_B16", {"dim % 12 == 0": (12, 12, 90), "hidden": ANY, "classes": ANY, "size >= 16": (16, 1, 300)}),
    ("seq2seq:Seq2Seq", {"units": ANY, "vocab": ANY}),
    ("gru_lm:GRULM", {"vocab": ANY}),
    ("unet:UNet", {"channels": ANY, "classes": ANY}),
    ("unet:UNet", {"H % 16 == 12 and H >= 188": (188, 16, 20)}),
]


def values_of(ranges: Ranges, draw: random.Random) -> dict[str, int]:
    """Values of what is left symbolic, by name."""
    return {text.split()[0]: first + step * draw.randint(0, most) for text, (first, step, most) in ranges.items()}


def compare(formulas: Network, net: Network, values: dict[str, int]) -> None:
    for name in FIGURES:
        assert value(getattr(formulas, name), values) == getattr(net, name), name
    for one, other in zip(formulas.layers, net.layers, strict=True):
        assert one.path == other.path
        assert tuple(value(size, values) for size in one.output) == other.output, one.path
        assert value(one.params, values) == other.params, one.path
        assert value(one.macs, values) == other.macs, one.path
        shapes = {name: tuple(value(size, values) for size in shape) for name, shape in one.weights.items()}
        assert shapes == other.weights, one.path


@pytest.mark.parametrize(("net", "ranges"), SPECS, ids=[f"{net} {', '.join(ranges)}" for net, ranges in SPECS])
def test_specs(net: str, ranges: Ranges) -> None:
    draw = random.Random(net)
    formulas = netspec.load(net, symbolic=set(ranges))
    for _ in range(3):
        values = values_of(ranges, draw)
        compare(formulas, netspec.load(net, **values), values)


def formulas_of(text: str, *symbolic: str) -> Network | None:
    """A net with formulas; None where an `if` comes out otherwise at other values."""
    try:
        return netspec.loads(text, symbolic=symbolic)
    except SpecError as error:
        if {mistake.code for mistake in error.diagnostics} == {"NS405"}:
            return None
        raise


def test_random_nets() -> None:
    draw = random.Random(7)
    undecided = 0
    for seed in range(NETS):
        text = width_net(seed)
        formulas = formulas_of(text, "w", "v", "H", "classes")
        if formulas is None:
            undecided += 1
            continue
        for _ in range(3):
            values = values_of({"w": ANY, "v": ANY, "H": (8, 1, 40), "classes": ANY}, draw)
            compare(formulas, netspec.loads(text, **values), values)
    assert undecided < NETS // 5


@pytest.mark.parametrize("seed", range(100, 110))
def test_torch_has_as_many_parameters(seed: int) -> None:
    torch = pytest.importorskip("torch")
    text = width_net(seed)
    values = values_of({"w": (1, 1, 20), "v": (1, 1, 20)}, random.Random(seed))
    formulas = formulas_of(text, "w", "v")
    if formulas is None:
        return
    with torch.device("meta"):
        module = netspec.loads(text, **values).to_torch()
    assert value(formulas.params, values) == sum(p.numel() for p in module.parameters())
