"""Formulas of random nets: with numbers for their symbols they are what the net at these sizes has, and torch makes.

`NETSPEC_CASES=10000 pytest tests/analysis/test_formulas.py` compares so many nets and sizes.
"""

from __future__ import annotations

import os
import random
from typing import Any

import pytest
import torch
from symbolic_nets import symbolic_net
from torch.utils.flop_counter import FlopCounterMode

import netspec
from netspec.analysis.totals import Totals
from netspec.driver import Compilation
from netspec.ir.dims import Dim, substitute
from netspec.source import SourceFile

CASES = int(os.environ.get("NETSPEC_CASES", "240"))
SIZES = 4  # of each net
NETS = CASES // SIZES


def made_of(text: str, **settings: int) -> Compilation:
    return Compilation(SourceFile("test.net", text, None), None, settings)


def at(size: Dim | None, sizes: dict[str, int]) -> Any:
    return None if size is None else substitute(size, dict(sizes))


def sizes_of(made: Compilation, seed: int) -> list[dict[str, int]]:
    """Sizes at which the net is sound: small ones, where windows hardly fit, and large ones."""
    assert made.network is not None
    draw, found = random.Random(seed), []
    names = ["T"] if made.network.inputs[0].name == "text" else ["H", "W"]
    for attempt in range(40):
        most = 12 if attempt < 10 else 40 if attempt < 20 else 200
        sizes = {name: draw.randint(1, most) for name in names}
        if made_of(made.source.text, **sizes).sound:
            found.append(sizes)
        if len(found) == SIZES:
            break
    return found


@pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning")
@pytest.mark.parametrize("seed", range(NETS))
def test_formulas(seed: int):
    text = symbolic_net(seed)
    made = made_of(text)
    assert made.network is not None
    cases = sizes_of(made, seed)
    if not made.sound:  # what is refused with symbols is refused at every size: a window larger than a crop
        assert not cases, (text, [str(d) for d in made.diagnostics])
        return
    assert made.totals is not None
    assert cases, f"no sizes found for\n{text}"
    for sizes in cases:
        concrete = made_of(text, **sizes)
        assert concrete.totals is not None
        assert {name: {ref: tuple(at(n, sizes) for n in type.shape) for ref, type in known.items()}
                for name, known in made.types.items()} == {
            name: {ref: type.shape for ref, type in known.items()} for name, known in concrete.types.items()
        }, text  # fmt: skip
        figures = {name: at(getattr(made.totals, name), sizes) for name in Totals._fields}
        assert figures == concrete.totals._asdict(), (text, sizes)
        assert at(made.peak_activation_bytes, sizes) == concrete.peak_activation_bytes, (text, sizes)
        in_torch(concrete)


def in_torch(made: Compilation) -> None:
    """torch's module on meta tensors: its output's shape, its parameters, and what FlopCounterMode counts."""
    assert made.network is not None
    assert made.totals is not None
    (given,) = made.network.inputs
    module = netspec.loads(made.source.text, **made.settings).to_torch().to("meta").eval()
    assert sum(p.numel() for p in module.parameters()) == made.totals.params
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        output = module(torch.empty(1, *given.type.shape, device="meta"))
    (ref,) = made.network.root.outputs.values()
    assert tuple(output.shape) == (1, *made.types[made.network.root.name][ref].shape)
    assert counter.get_total_flops() == 2 * made.totals.macs
