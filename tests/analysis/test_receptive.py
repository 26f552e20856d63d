"""Receptive fields against gradients: an input position belongs to a unit's field if the unit's gradient on it is
not 0, with positive weights, in float64."""

from __future__ import annotations

import random
from typing import Any

import pytest
import torch
from flat import compiled, flat_of
from torch_net import run

from netspec.analysis.receptive import Field, ReceptiveFields
from netspec.analysis.rows import Row, rows
from netspec.driver import Compilation
from netspec.ir.dims import substitute

# -- random nets ----------------------------------------------------------------------------------------


class Writer:
    """Writes a net over maps of one or two axes. `exact`: fields are those of all units that do not see padding."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.axes = self.draw.choice([1, 1, 2])
        self.exact = True
        self.labels = 0

    def some(self, low: int, high: int) -> str:
        """A number for all axes, or one per axis."""
        numbers = [self.draw.randint(low, high) for _ in range(self.axes)]
        return (
            str(numbers[0])
            if self.draw.random() < 0.7
            else "x".join(map(str, numbers))
            if len(numbers) > 1
            else str(numbers[0])
        )

    def step(self) -> str:
        draw = self.draw
        kind = draw.choice(["conv"] * 4 + ["pool"] * 3 + ["up"] * 3 + ["keep"] * 6 + ["rare"])
        if kind == "conv":
            pad = draw.choice(
                ["pad=same", f"pad={self.some(0, 2)}", f"pad={self.some(0, 2)} dilation={self.some(1, 2)}"]
            )
            return f"conv 2 k={self.some(1, 4)} stride={self.some(1, 3)} {pad}"
        if kind == "pool":
            k = draw.randint(2, 3)
            ceil = draw.choice(["", " ceil=true"])
            return draw.choice(
                [
                    f"maxpool {k} stride={self.some(1, 3)} pad={draw.randint(0, k // 2)}{ceil}",
                    f"avgpool {k}{ceil}",
                    "subsample 2",
                    f"adaptiveavgpool {draw.randint(3, 9)}",
                    "maxpool 2 stride=1 dilation=2",
                ]
            )
        if kind == "up":
            linear = "linear" if self.axes == 1 else draw.choice(["bilinear", "bicubic"])
            aligned = draw.choice(["", " align_corners=true"])
            self.exact = self.exact and not aligned and linear != "bicubic"
            choices = [
                f"upconv 2 k={self.some(2, 4)} stride=2",
                "upconv 2 k=5 stride=3",
                "upsample 2",
                f"upsample 3 mode={linear}{aligned}",
                f"upsample 2 mode={linear}",
                "upsample size=17",
            ]
            if self.axes == 2:
                choices += ["conv 8 k=1 -> pixelshuffle 2"]
            return draw.choice(choices)
        if kind == "keep":
            return self.keep(2)
        if self.axes == 2 and draw.random() < 0.3:
            self.exact = False
            return "dense 9"
        self.exact = False
        return draw.choice(
            [
                "crop 6",
                "crop border=2",
                "slice 1 2",
                "slice 1 1 9 2",
                "upconv 2 k=3 stride=2 pad=1 output_pad=1",
                "upconv 2 k=1 stride=2",
                "upconv 2 k=4 stride=3 dilation=2",
                "mul { | identity | globalavgpool -> conv 2 k=1 }",
                "groupnorm 1",
                "concat axis=1 { | identity | conv 2 k=3 }",
                "softmax",
                "concat { | globalavgpool | adaptiveavgpool 1 }",
                "mul { | identity | conv 2 k=1 -> split 2 axis=0 }",
            ]
        )

    def keep(self, depth: int) -> str:
        """What leaves the shape as it is."""
        draw = self.draw
        k = draw.choice([1, 3, 5])
        simple = [
            f"conv 2 k={k} pad={k // 2}",
            f"conv 2 k={k} pad={k - 1} dilation=2",
            "maxpool 3 stride=1 pad=1",
            "relu",
            "conv 2 k=2 pad=same",
            "batchnorm",
        ]
        if depth == 0 or draw.random() < 0.4:
            return draw.choice(simple)
        one, two = self.keep(depth - 1), self.keep(depth - 1)
        self.labels += 1
        some = draw.choice(["== 1", "< 2", "> 1"])
        return draw.choice(
            [
                f"add {{ | {one} | {two} }}",
                f"concat {{ | {one} | {two} | identity }} -> conv 2 k=1",
                f"repeat {draw.choice([2, 3, 5])} {{\n{one}\n}}",
                f"repeat {draw.choice([2, 4, 5])} as i {{\nif i {some} {{ {one} }}\n{two}\n}}",
                f"g{self.labels}: {{\n{one}\nv: relu\n{two}\nadd with v\n}}",
                "b with g0" if depth == 2 else two,
                f"repeat 3 {{\n{one}\nadd with g0\n}}" if depth == 2 and draw.random() < 0.3 else one,
            ]
        )

    def net(self) -> str:
        shape = [2, *(self.draw.randint(18, 40 if self.axes == 1 else 20) for _ in range(self.axes))]
        block = f"block b {{ input other\n{self.keep(0)}\n add with other\n {self.keep(0)} }}\n"
        lines = ["g0: relu", *(self.step() for _ in range(self.draw.randint(1, 5)))]
        if self.draw.random() < 0.2:
            lines = ["input y: " + str(shape), "from x -> add with y", *lines]
        return block + f"net N {{\ninput x: {shape}\n" + "\n".join(lines) + "\n}\n"


def nets(seeds: range) -> list[Any]:
    """Those random nets that are sound: of a stride that drops the last pixel, say, the shapes need not fit."""
    found = []
    for seed in seeds:
        writer = Writer(seed)
        text = writer.net()
        try:
            made = compiled(text)
        except AssertionError:
            continue
        if max(t.elements for t in made.types["N"].values()) > 1500:
            continue
        found.append(pytest.param(text, writer.exact, id=str(seed)))
    return found


# -- what gradients say -----------------------------------------------------------------------------------


def gradients(made: Compilation) -> dict[str, dict[str, torch.Tensor]]:
    """By path and input: which input positions (trailing axes) each unit (leading axes) depends on."""
    net = flat_of(made)
    assert made.network is not None
    draw = torch.Generator().manual_seed(0)
    inputs = [torch.rand(net.types[v].shape, dtype=torch.float64, requires_grad=True) for v in net.inputs]
    values = run(net, inputs, lambda path, shape: torch.rand(shape, generator=draw, dtype=torch.float64) + 0.5)
    found: dict[str, dict[str, torch.Tensor]] = {}
    wanted = {row.path for row in layer_rows(made)}
    for step in net.steps:
        for number in step.makes[:1] if step.path in wanted else ():
            units = values[number].sum(0) if values[number].dim() else values[number]
            if units.numel() > 500:
                continue
            every = torch.eye(units.numel(), dtype=torch.float64).reshape(units.numel(), *units.shape)
            grads = torch.autograd.grad(
                units, inputs, every, is_grads_batched=True, retain_graph=True, allow_unused=True
            )
            found[step.path] = {
                item.name: (grad != 0).any(1).reshape(*units.shape, *grad.shape[2:])
                for item, grad in zip(made.network.inputs, grads, strict=True)
                if grad is not None
            }
    return found


def layer_rows(made: Compilation) -> list[Row]:
    assert made.network is not None
    listed = rows(made.network, made.types, made.node_totals, made.module_totals)
    return [row for row in listed if row.kind == "layer"]


def compare(made: Compilation, exact: bool) -> int:
    """Check the fields of every row; how many units had their fields proven to the position."""
    assert made.network is not None
    analysis = ReceptiveFields(made.network, made.types)
    truth = gradients(made)
    proven = 0
    for row in layer_rows(made):
        claimed, seen = analysis.of(row), truth.get(row.path, {})
        assert set(seen) <= set(claimed), row.path
        for name, depends in seen.items():
            proven += compare_field(row.path, claimed[name], depends, row.output.rank - 1, exact)
    return proven


def compare_field(path: str, field: Field, depends: torch.Tensor, axes: int, exact: bool) -> int:
    proven = 0
    for axis, claim in enumerate(field.axes):
        sizes = [claim.span(unit)[1] - claim.span(unit)[0] + 1 for unit in range(len(claim.spans))]
        assert claim.size == max(sizes)
        kept = {axis, axes + axis} if axis < axes else {axes + axis}
        lost = [n for n in range(depends.dim()) if n not in kept]
        table = depends.any(tuple(lost)) if lost else depends  # [unit, position]
        table = table if axis < axes else table[None]
        for unit, row in enumerate(table):
            first, last = claim.span(unit)
            positions = row.nonzero().flatten().tolist()
            assert all(first <= p <= last for p in positions), (path, axis, unit, first, last, positions)
            if exact and claim.advance != 0 and first >= 0 and last < len(row):
                assert positions == [] if last < first else (positions[0], positions[-1]) == (first, last), (path, unit)
                proven += 1
    return proven


@pytest.mark.parametrize(("text", "exact"), nets(range(120)))
def test_random_nets(text: str, exact: bool):
    compare(compiled(text), exact)


# -- by hand ------------------------------------------------------------------------------------------------


def field(text: str, path: str, **settings: Any) -> list[tuple[Any, Any, Any]]:
    """Size, stride and start of a row, by axis of the only input that it depends on."""
    made = compiled("net N {\n" + text + "\n}", **settings)
    assert made.network is not None
    listed = rows(made.network, made.types, made.node_totals, made.module_totals)
    row = next(row for row in listed if row.path == path)
    (found,) = ReceptiveFields(made.network, made.types).of(row).values()
    return [(axis.size, axis.stride, axis.start) for axis in found.axes]


REPEATED = """input x: [1, 64]
r: repeat 6 as i { if i == 2 { conv 1 k=5 pad=2 } -> c: conv 1 k=3 pad=1 }"""


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ("input x: [1, 9]\nconv 1 k=3", "conv1", (3, 1, 0)),
        ("input x: [1, 9]\nconv 1 k=3 stride=2 pad=1 -> conv 1 k=3", "conv2", (7, 2, -1)),
        ("input x: [1, 9]\nconv 1 k=3 dilation=2 pad=2", "conv1", (5, 1, -2)),
        # of windows over windows the padding counts as input
        ("input x: [1, 9]\nconv 1 k=3 pad=1 -> globalavgpool", "globalavgpool1", (11, 0, -1)),
        # a unit alone keeps its stride
        ("input x: [1, 9]\nconv 1 k=3 stride=3 -> conv 1 k=3", "conv2", (9, 3, 0)),
        # after nearest upsampling two units see the same; of two that touch, the field may be wider
        ("input x: [1, 8]\nconv 1 k=2 stride=2 -> upsample 2", "upsample1", (2, 1, 0)),
        ("input x: [1, 8]\nconv 1 k=2 stride=2 -> upsample 2 -> conv 1 k=2", "conv2", (4, 1, 0)),
        ("input x: [1, 8]\nupsample 2 -> conv 1 k=3 pad=1", "conv1", (2, 0.5, -1)),
        ("input x: [1, 8]\nupconv 1 k=4 stride=2 pad=1", "upconv1", (2, 0.5, -1)),
        # windows of 3, 3 and 3 positions over 7
        ("input x: [1, 7]\nadaptiveavgpool 3", "adaptiveavgpool1", (3, 7 / 3, 0)),
        # paths of different strides: no one stride is right for all units
        ("input x: [1, 9]\nconcat { | conv 1 k=1 stride=2 | conv 1 k=5 }", "concat1", (9, 0, 0)),
        # rows of later iterations count those before
        (REPEATED, "r", (17, 1, -8)),
        (REPEATED, "r.0", (3, 1, -1)),
        (REPEATED, "r.0.c", (3, 1, -1)),
        (REPEATED, "r.2.conv1", (9, 1, -4)),
        (REPEATED, "r.2.c", (11, 1, -5)),
        (REPEATED, "r.3.c", (13, 1, -6)),
    ],
)
def test_by_hand(text: str, path: str, expected: tuple[Any, Any, Any]):
    assert field(text, path) == [pytest.approx(expected)]


def test_unet():
    """Two levels of the U-Net: 32 at the bottom, and of an even and an odd unit above it not the same."""
    text = """input x: [1, 64]
    d1: { conv 1 k=3 pad=1 -> conv 1 k=3 pad=1 }
    d2: { maxpool 2 -> conv 1 k=3 pad=1 -> conv 1 k=3 pad=1 }
    d3: { maxpool 2 -> conv 1 k=3 pad=1 -> conv 1 k=3 pad=1 }
    upconv 1 k=2 stride=2 -> concat with d2 -> conv 1 k=3 pad=1 -> last: conv 1 k=3 pad=1"""
    assert field(text, "d3") == [(32, 4, -14)]
    assert field(text, "last") == [(40, 2, -18)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("repeat 1_000_000_000 { conv 1 k=3 pad=1 }", (2 * 10**9 + 1, 1, -(10**9))),
        ("repeat 1_000_000_000 { add { | identity | conv 1 k=3 pad=1 } }", (2 * 10**9 + 1, 1, -(10**9))),
        ("repeat 1_000_000_000 { maxpool 2 -> upsample 2 }", (2, 1, 0)),
        # strides that double, or halve, each time: a bound, with no more digits than it needs
        ("repeat 1_000_000_000 { conv 1 k=2 stride=2 -> pad 16 }", None),
        ("repeat 1_000_000_000 { crop 32 -> upsample 2 }", None),
    ],
)
def test_hostile_counts(text: str, expected: tuple[Any, Any, Any] | None):
    (found,) = field(f"input x: [1, 64]\nr: {text}", "r")
    assert expected in (None, found)
    assert len(str(found)) < 1000


def test_large_upsampling_is_a_bound():
    (found,) = field("input x: [1, 64]\nconv 1 k=3 pad=1 -> u: upsample 100_000", "u")
    assert found == (66, 0, -1)


def test_inputs_apart():
    made = compiled("""net N { input a: [1, 8]
      input b: [1, 8]
      from a -> conv 1 k=3 pad=1 -> x: add with b }""")
    assert made.network is not None
    analysis = ReceptiveFields(made.network, made.types)
    fields = analysis.of(layer_rows(made)[-1])
    assert {name: (f.axes[0].size, f.axes[0].start) for name, f in fields.items()} == {"a": (3, -1), "b": (1, 0)}


def test_symbols_give_what_numbers_give():
    text = """input x: [1, H, W]
    conv 4 k=7 stride=2 pad=same -> maxpool 3 stride=2 pad=1
    repeat 5 { add { | identity | conv 4 k=3 pad=1 } }
    crop 3x5 -> adaptiveavgpool 1 -> {path}"""
    for path in ("relu", "upsample 2 -> conv 1 k=3 pad=1"):
        sizes = {"H": 41, "W": 64}
        last = "relu1" if path == "relu" else "conv2"
        symbols = field(text.replace("{path}", path), last)
        numbers = field(text.replace("{path}", path), last, **sizes)
        for claim, found in zip(symbols, numbers, strict=True):
            assert tuple(substitute(v, sizes) for v in claim) == found
