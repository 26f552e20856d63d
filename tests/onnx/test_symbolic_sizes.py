"""Nets whose sizes are symbols are exported once, and run at any size.

ONNX computes from the inputs whatever is not a number, and names the sizes as the author does.
"""

from __future__ import annotations

import random
import re
from io import BytesIO

import onnx
import pytest
import torch
from generated import module_of
from layer_calls import layer
from onnx_nets import (
    OPSET,
    Given,
    check,
    check_values,
    close,
    compiled,
    model_of,
    one_layer,
    randomise,
    run,
    session,
    shape_of,
)
from torch import Tensor, nn

from netspec.analysis.unrolled import Unrolled
from netspec.diagnostics import SpecError
from netspec.driver import Compilation
from netspec.emit.onnx.graph import _Writer
from netspec.emit.onnx.proto import Layout, write
from netspec.ir.dims import Dim, maximum, minimum, substitute, symbol
from netspec.ir.types import TensorType

H, W = symbol("H"), symbol("W")

MAP = "input image: [3, H, W]; "
TEXT = "input text: [T, 16]; "
SIZES = [
    {"H": 8, "W": 11, "T": 8, "N": 5},
    {"H": 9, "W": 8, "T": 9, "N": 9},
    {"H": 13, "W": 7, "T": 13, "N": 1},
    {"H": 20, "W": 23, "T": 20, "N": 12},
]

# What follows the input, and the output's sizes.
CASES: dict[str, str] = {
    MAP + "conv 4 k=3 stride=2 pad=same": "[4, (H + 1) // 2, (W + 1) // 2]",
    MAP + "conv 4 k=4 stride=3 pad=same dilation=2": "[4, (H + 2) // 3, (W + 2) // 3]",
    MAP + "conv 4 k=3 stride=2 pad=same pad_mode=replicate": "[4, (H + 1) // 2, (W + 1) // 2]",
    MAP + "conv 4 k=3 pad=2 pad_mode=circular": "[4, H + 2, W + 2]",
    MAP + "conv 4 k=3 pad=((0, 2), (1, 0)) pad_mode=reflect": "[4, H, W - 1]",
    MAP + "conv 4 k=5 stride=3": "[4, (H + 1) // 3 - 1, (W + 1) // 3 - 1]",
    MAP + "upconv 4 k=3 stride=2 pad=1 output_pad=1": "[4, 2*H, 2*W]",
    MAP + "upconv 4 k=2 output_pad=1 dilation=3": "[4, H + 4, W + 4]",
    MAP + "maxpool 3 stride=2 ceil=true": "[3, H // 2, W // 2]",
    MAP + "maxpool 3 stride=2 pad=1 ceil=true": "[3, H // 2 + 1, W // 2 + 1]",
    MAP + "maxpool 2 stride=3 pad=1 ceil=true": "[3, H // 3 + 1, W // 3 + 1]",
    MAP + "maxpool 2 stride=2 pad=same": "[3, (H + 1) // 2, (W + 1) // 2]",
    MAP + "avgpool 3 stride=2 pad=same": "[3, (H + 1) // 2, (W + 1) // 2]",
    MAP + "avgpool 3 stride=2 pad=1": "[3, (H + 1) // 2, (W + 1) // 2]",
    MAP + "avgpool 3 stride=2 pad=1 count_pad=false": "[3, (H + 1) // 2, (W + 1) // 2]",
    MAP + "globalavgpool -> flatten -> dense 5": "[5]",
    MAP + "adaptiveavgpool 6": "[3, 6, 6]",
    MAP + "adaptiveavgpool (7, 1)": "[3, 7, 1]",
    MAP + "adaptivemaxpool 7": "[3, 7, 7]",
    MAP + "adaptivemaxpool (30, 6)": "[3, 30, 6]",
    MAP + "subsample 2": "[3, H // 2, W // 2]",
    MAP + "flatten start=1": "[3, H*W]",
    MAP + "flatten": "[3*H*W]",
    MAP + "reshape (3, -1) -> permute (1, 0) -> dense 5": "[H*W, 5]",
    MAP + "upsample 2 -> reshape (12, -1)": "[12, H*W]",
    MAP + "crop 4": "[3, 4, 4]",
    MAP + "crop border=2": "[3, H - 4, W - 4]",
    MAP + "crop (5, 6)": "[3, 5, 6]",
    MAP + "slice 1 -5 -1": "[3, 4, W]",
    MAP + "slice 2 -5": "[3, H, 5]",
    MAP + "slice 1 2 -1 step=3": "[3, (H + 2) // 3 - 1, W]",
    MAP + "slice -1 1 7 step=2": "[3, H, 3]",
    MAP + "pad ((0, 1), (2, 1))": "[3, H + 1, W + 3]",
    MAP + "pad 3 mode=circular": "[3, H + 6, W + 6]",
    MAP + "pad ((1, 2), 3) mode=reflect": "[3, H + 3, W + 6]",
    MAP + "upsample 2": "[3, 2*H, 2*W]",
    MAP + "upsample (2, 3) mode=bilinear": "[3, 2*H, 3*W]",
    MAP + "upsample 3 mode=bicubic align_corners=true": "[3, 3*H, 3*W]",
    MAP + "upsample size=(9, 5) mode=bilinear": "[3, 9, 5]",
    MAP + "conv 8 k=1 -> pixelshuffle 2": "[2, 2*H, 2*W]",
    MAP + "upsample 2 -> pixelunshuffle 2": "[12, H, W]",
    MAP + "conv 8 k=1 -> channelshuffle 4": "[8, H, W]",
    MAP + "conv 8 k=1 -> groupnorm 2": "[8, H, W]",
    MAP + "instancenorm affine=true": "[3, H, W]",
    MAP + "layernorm affine=false": "[3, H, W]",
    MAP + "layernorm axes=2 affine=false": "[3, H, W]",
    MAP + "rmsnorm axes=3 affine=false": "[3, H, W]",
    MAP + "lrn 3 alpha=0.5": "[3, H, W]",
    MAP + "lrn 2 alpha=0.5": "[3, H, W]",
    MAP + "batchnorm track=false": "[3, H, W]",
    MAP + "conv 4 k=1 -> glu": "[2, H, W]",
    MAP + "upsample 2 -> glu axis=1": "[3, H, 2*W]",
    MAP + "upsample 2 -> s: split 2 axis=2; add with s.1": "[3, 2*H, W]",
    MAP + "concat axis=2 { | identity | upsample (1, 3) | pad ((0, 0), (1, 0)) }": "[3, H, 5*W + 1]",
    MAP + "concat { | maxpool 2 stride=2 ceil=true | conv 4 k=3 stride=2 pad=same }": "[7, (H + 1) // 2, (W + 1) // 2]",
    MAP + "add { | identity | conv 3 k=3 pad=same }": "[3, H, W]",
    MAP + "mul { | identity | globalavgpool -> conv 3 k=1 -> sigmoid }": "[3, H, W]",
    MAP + "flatten start=1 -> p: permute (1, 0); matmul { | from p | from p -> permute (1, 0) }": "[H*W, H*W]",
    MAP + "reduce mean (1, 2)": "[3]",
    MAP + "reduce max 0 keep=true": "[1, H, W]",
    MAP + "stack axis=1 { | identity | relu }": "[3, 2, H, W]",
    TEXT + "dense 5": "[T, 5]",
    TEXT + "layernorm -> dense 8 -> gelu": "[T, 8]",
    TEXT + "k: dense 8; from text -> dense 8 -> matmul transpose=true with k -> softmax": "[T, T]",
    TEXT + "param first: [1, 16]; from text -> concat { | from first | identity }": "[T + 1, 16]",
    TEXT + "constant one: [[1]]; from text -> slice 1 0 1 -> add with one": "[T, 1]",
    TEXT + "permute (1, 0) -> conv 4 k=3 pad=same -> maxpool 2 ceil=true": "[4, (T + 1) // 2]",
    TEXT + "glu axis=1 -> flatten": "[8*T]",
    TEXT + "slice 0 -3 -> flatten -> dense 2": "[2]",
    TEXT + "attention 4": "[T, 16]",
    TEXT + "attention 4 kv_heads=2 causal=true rope=10_000 bias=false": "[T, 16]",
    TEXT + "attention 4 kv_heads=1 causal=true window=3 qk_norm=true rope=500_000": "[T, 16]",
    TEXT + "attention 2 rope=10_000 rope_scaling=(llama3, 8, 1, 4, 64)": "[T, 16]",
    TEXT + "attention 2 packed=true causal=true": "[T, 16]",
    TEXT + "bias: relativebias 4 buckets=8 max_distance=20; from text -> attention 4 mask=true with bias": "[T, 16]",
    "input text: [T, 8]; input image: [N, 6]; from text -> attention 4 kv_heads=2 with image": "[T, 8]",
    "input text: [T, 8]; input image: [N, 8]; from text -> attention 4 packed=true with image": "[T, 8]",
    TEXT + "position 25": "[T, 16]",
    TEXT + "position kind=sinusoidal -> swiglu 20 -> geglu 12 bias=true": "[T, 16]",
    TEXT + "experts 5 hidden=12 top=2 -> experts 3 hidden=8 top=1 normalised=false bias=true": "[T, 16]",
    "input text: int64 [T]; embedding 10 6 -> permute (1, 0) -> avgpool 3 stride=2": "[6, (T + 1) // 2 - 1]",
    "input a: [4, T]; input b: [4, N]; concat axis=1 { | from a | from b }": "[4, N + T]",
    "input a: [T, 4]; input b: [T, 4]; from a -> add with b": "[T, 4]",
    "input a: [T, 4]; input b: [N, 4]; from a -> matmul transpose=true with b": "[T, N]",
}  # fmt: skip


def net(text: str) -> str:
    return "net Sized {\n" + text.replace("; ", "\n") + "\n}"


def at(text: str, sizes: dict[str, int]) -> tuple[Compilation, nn.Module]:
    """The net at sizes that are numbers, and torch's module of it."""
    made = compiled(net(text), **{name: size for name, size in sizes.items() if re.search(rf"\b{name}\b", text)})
    return made, randomise(module_of(made).eval())


def inputs_of(made: Compilation, batch: int) -> list[Tensor]:
    assert made.network is not None
    return [
        torch.randint(0, 10, (batch, *item.type.shape))
        if item.type.dtype == "int64"
        else torch.randn(batch, *item.type.shape)
        for item in made.network.inputs
    ]


@pytest.mark.parametrize(("text", "shape"), CASES.items(), ids=CASES)
def test_any_size(text: str, shape: str):
    made, first = compiled(net(text)), at(text, SIZES[0])[1]
    models = [model_of(made, Given(first.state_dict()), opset=opset) for opset in (17, OPSET)]
    for model in models:
        check(model)
        assert f"[{', '.join(map(str, shape_of(model.graph.output[0])[1:]))}]" == shape
    loaded = [session(model) for model in models]
    for batch, sizes in enumerate(SIZES, start=1):
        sized, module = at(text, sizes)
        module.load_state_dict(first.state_dict())
        inputs = inputs_of(sized, batch)
        with torch.no_grad():
            expected = module(*inputs)
        for model, run_it in zip(models, loaded, strict=True):
            close(run(run_it, *inputs), [expected])
            check_values(model, {"batch": batch, **sizes}, *inputs)


# -- names ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "batch"),
    [
        ((3, H, W), "batch"),
        ((3, symbol("batch")), "batch_2"),
        ((3, 2 * symbol("batch"), symbol("batch")), "batch_2"),
        ((symbol("batch"), symbol("batch_2"), H), "batch_3"),
    ],
    ids=str,
)
def test_the_batch_has_a_name_of_its_own(shape: tuple[Dim, ...], batch: str):
    """IR may name a symbol anything; in a spec it begins with a capital."""
    model = model_of(one_layer(layer("relu"), [TensorType(shape)]))
    for info in (*model.graph.input, *model.graph.output):
        assert list(map(str, shape_of(info))) == [batch, *map(str, shape)]


def test_a_symbol_is_an_axis():
    """Of an input of 2 * n positions ONNX cannot know n. What needs no sizes can be written."""
    made = one_layer(layer("relu"), [TensorType((4, 2 * symbol("n")))])
    assert shape_of(model_of(made).graph.output[0]) == ["batch", 4, "2*n"]
    with pytest.raises(SpecError, match="the symbol `n` is no axis of an input"):
        model_of(one_layer(layer("pad", sides=1, mode="circular"), [TensorType((4, 2 * symbol("n")))]))


@pytest.mark.parametrize(
    "text",
    [
        MAP + "avgpool 2 ceil=true",
        MAP + "avgpool 3 stride=2 pad=same count_pad=false",
        MAP + "upsample 1.5",
        "input x: [C, 4, 4]; permute (0, 2, 1) -> channelshuffle 1",
    ],
)
def test_what_needs_numbers(text: str):
    with pytest.raises(SpecError, match="needs sizes that are numbers in ONNX"):
        model_of(compiled(net(text)))
    made = compiled(net(text), **({"C": 4} if "C" in text else {"H": 7, "W": 8}))
    check(model_of(made))


# -- sizes that ONNX computes -------------------------------------------------------------------------------

BELOW_0 = [
    (H - 9) // 4,
    (2 * H - 30) // 7 + (W - 30) // W,
    (H - W) // 3,
    (H - W) % 5,
    (H - 40) % W,
    maximum(H - W, 0) // 2,
    minimum((H - 9) // 4, -1),
    (5 - H * W) // (W + 1),
]


def drawn(draw: random.Random, depth: int) -> Dim:
    """A random size, of which parts may be negative."""
    if not depth:
        return draw.choice([H, W, draw.randint(1, 9), symbol("H") * draw.randint(1, 3)])
    a, b = drawn(draw, depth - 1), drawn(draw, draw.randrange(depth))
    return draw.choice(
        [
            lambda: a + b, lambda: a - b, lambda: a * draw.randint(-3, 3), lambda: a // draw.randint(2, 5),
            lambda: a % draw.randint(2, 5), lambda: maximum(a, b), lambda: minimum(a, b), lambda: a // W, lambda: a % H,
        ]
    )()  # fmt: skip


def test_sizes_are_computed_as_in_the_language():
    draw = random.Random(0)
    sizes = [*BELOW_0, *(drawn(draw, 3) for _ in range(150))]
    writer = _Writer("Sizes", OPSET, Unrolled((0,), (), ()))
    writer.add_input("x", TensorType((H, W)), 0)
    writer.data.outputs.append(writer.sizes(*sizes, H * W))
    file = BytesIO()
    write(Layout(writer.data), Given({}), file, {})
    model = onnx.load_from_string(file.getvalue())
    onnx.checker.check_model(model, full_check=True)
    for height, width in [(1, 1), (8, 11), (9, 2), (13, 7), (40, 23)]:
        (computed,) = run(model, torch.zeros(2, height, width))
        expected = [substitute(size, {"H": height, "W": width}) for size in sizes]
        assert computed.tolist() == [*expected, height * width]
    assert min(map(int, expected)) < 0
