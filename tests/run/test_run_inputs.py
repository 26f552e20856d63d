"""Inputs of `netspec run`: arrays, images and random numbers, and what is said of those that do not fit."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from run_files import outputs, refusal, run

from netspec.emit.running.feeds import feeds
from netspec.emit.running.ports import Port
from netspec.ir.dims import symbol

PIXELS = "image is [3, 2, 2] of each sample"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("pixels.net --input two.npy", "image: two.npy [2, 3, 2, 2]"),
        ("pixels.net --input image=columns.npy", "image: columns.npy [2, 3, 2, 2]"),
        ("pixels.net --input foreign.npy", "image: foreign.npy [1, 3, 2, 2]"),
        (
            "pixels.net --input one.npy",
            "image: one.npy [1, 3, 2, 2], one sample: an axis for the batch is added, float64 as float32",
        ),
        ("pixels.net --input levels.npy", "image: levels.npy [1, 3, 2, 2], uint8 as float32"),
        ("pixels.net --input alone.npz", "image: alone.npz:any_name [2, 3, 2, 2]"),
        ("pixels.net --input both.npz:right", "image: both.npz:right [2, 3, 2, 2]"),
        ("pair.net --input left=both.npz", "left: both.npz:left [2, 3, 2, 2]\nright: random [2, 3, 2, 2], {normal}"),
        ("half.net --input many.npy", "x: many.npy [3, 2], float32 as float16"),
        ("any.onnx --input wide.npy", "x: wide.npy [1, 3, 5, 6]"),
        (
            "fixed.onnx --input one.npy",
            "x: one.npy [1, 3, 2, 2], one sample: an axis for the batch is added, float64 as float32",
        ),
        ("pixels.net", "image: random [1, 3, 2, 2], {normal}"),
        ("pixels.net --batch 4 --input random", "image: random [4, 3, 2, 2], {normal}"),
        ("words.net --set T=7", "{weights}ids: random [1, 7], integers below 10, from seed 0"),
        ("table.onnx", "x: random [1, 5], integers below 4, from seed 0"),
        ("flags.onnx --batch 2", "x: random [2, 3], truth values, from seed 0"),
        ("free.onnx --set H=4", "x: random [1, 3, 4, 2], {normal}"),
        ("doubled.net --input left=many.npy", "left: many.npy [3, 2]\nright: random [3, 4], {normal}"),
    ],
)
def test_what_is_said_of_inputs(command: str, said: str) -> None:
    result = run(command)
    texts = {"normal": "standard normal, from seed 0", "weights": "weights: random, from seed 0\n"}
    assert result.exit_code == 0, result.output
    assert result.stderr == said.format_map(texts) + "\n"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        # shapes
        ("pixels.net --input last.npy", f"{PIXELS}; last.npy has [1, 2, 2, 3]: axes look channels-last, transpose it"),
        (
            "pixels.net --input wide.npy",
            f"{PIXELS}; wide.npy has [1, 3, 5, 6]: axis 2 is 5, not 2 and axis 3 is 6, not 2",
        ),
        ("pixels.net --input flat.npy", f"{PIXELS}; flat.npy has [2, 12]: it takes 4 axes, or 3 without the batch"),
        (
            "usual.net --input wide.npy",
            "image is [3, 4, 4] of each sample; wide.npy has [1, 3, 5, 6]: axis 2 is 5, not 4 and axis 3 is 6, not 4; "
            "to take it: --set H=5 --set W=6",
        ),
        ("fixed.onnx --input two.npy", "x is [1, 3, 2, 2]; two.npy has [2, 3, 2, 2]: axis 0 is 2, not 1"),
        (
            "free.onnx --input two.npy",
            "x is [3, H, H // 2] of each sample; two.npy has [2, 3, 2, 2]: axis 3 is 2, not H // 2 = 1",
        ),
        (
            "pair.net --input left=wide.npy --input right=foreign.npy",
            "`H` is 5 in wide.npy and 2 in foreign.npy: it is one size",
        ),
        (
            "pair.net --input left=two.npy --input right=one.npy",
            "two.npy has 2 samples and one.npy 1: give as many of each",
        ),
        ("pixels.net --input two.npy --batch 3", "--batch 3 is for random inputs; image is given with 2"),
        ("fixed.onnx --batch 3", "x is [1, 3, 2, 2]: it takes 1 at once, not 3"),
        # element types
        ("pixels.net --input complex.npy", "image is float32; complex.npy is complex128, which is not converted"),
        ("pixels.net --input long.npy", "image is float32; long.npy is int64 with numbers that float32 does not have"),
        (
            "pixels.net --input huge.npy",
            "image is float32; huge.npy is float64 with numbers that float32 does not have",
        ),
        (
            "words.net --input floats.npy",
            'ids is int64; floats.npy is float64, which may have fractions: convert it first, as x.astype("int64")',
        ),
        ("flags.onnx --input ids.npy", "x is bool; ids.npy is int32, which is not converted"),
        ("brain.net", "x is bfloat16, of which no input can be given"),
        ("words.net --input rows.npy", "rows.npy has 10; the embedding that ids feeds has the rows 0 to 9"),
        ("words.net --input minus.npy", "minus.npy has -1; the embedding that ids feeds has the rows 0 to 9"),
        # names
        (
            "pixels.net --input imag=two.npy",
            "there is no input `imag`: did you mean `image`? The input is `image` [3, 2, 2]",
        ),
        (
            "pair.net --input middle=two.npy",
            "there is no input `middle`: the inputs are `left` [3, H, W], `right` [3, H, W]",
        ),
        (
            "pair.net --input two.npy",
            "which input is two.npy for? The inputs are `left` [3, H, W], `right` [3, H, W]; write left=two.npy",
        ),
        ("pixels.net --input image=", "--input image= has no value: give a .npy file, an image, or random"),
        ("pixels.net --input two.npy --input one.npy", "--input image is given twice: only images make a batch"),
        ("grey.net --input grey.png --input random", "--input image is given twice: random stands alone"),
        # sizes that nothing tells
        (
            "pair.net",
            "left is [3, H, W] of each sample: give H a value, --set H=64, or the input, --input left=x.npy",
        ),
        ("any.onnx", "x is of any shape: give its value, --input x=x.npy"),
        (
            "pair.net --set H=100_000 --set W=100_000",
            "left [1, 3, 100000, 100000] is too large: at most 4.0 GiB can be given",
        ),
        # files
        ("pixels.net --input none.npy", "cannot read none.npy: no such file or directory"),
        ("pixels.net --input .", "cannot read .: it is not a file"),
        ("pixels.net --input /dev/zero", "cannot read /dev/zero: it is not a file"),
        ("pixels.net --input notes.txt", "notes.txt is no input: give a .npy, .npz, PNG or JPEG file, or random"),
        ("pixels.net --input two.npy:left", "two.npy has no members: only .npz files have"),
        ("pixels.net --input objects.npy", "objects.npy has Python objects, not numbers"),
        ("pixels.net --input texts.npy", "texts.npy has texts, not numbers"),
        ("pixels.net --input cut.npy", "cut.npy is cut short: it has 56 bytes of numbers, and its header says 96"),
        ("pixels.net --input head.npy", "head.npy is damaged, or no array of numpy"),
        ("pixels.net --input code.npy", "code.npy is damaged, or no array of numpy"),
        ("pixels.net --input claims.npy", "claims.npy is too large: 44.7 GiB, at most 4.0 GiB can be given"),
        ("pixels.net --input cut.npz", "cut.npz is no .npz file: its table of contents is missing or damaged"),
        ("pixels.net --input flipped.npz", "flipped.npz:any_name is damaged, or no array of numpy"),
        (
            "pixels.net --input both.npz",
            "both.npz has no array called image; its arrays: left, right; choose one, as both.npz:left",
        ),
        ("pixels.net --input both.npz:rigth", "both.npz has no array called rigth; did you mean right?"),
    ],
)
def test_what_does_not_fit(command: str, message: str) -> None:
    assert refusal(command) == message


# -- numbers --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["two", "one", "levels", "columns", "foreign"])
def test_arrays_arrive_as_they_are(name: str) -> None:
    array = np.load(f"{name}.npy")
    (given,) = outputs(f"pixels.net --input {name}.npy").values()
    assert given.dtype == np.float32
    assert np.array_equal(given, array.astype(np.float32).reshape(-1, 12))


def test_random_numbers_follow_from_the_seed_and_the_name() -> None:
    first, again, other = (outputs(f"pixels.net --batch 500 --seed {seed}")["flatten1"] for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert abs(np.corrcoef(first.ravel(), other.ravel())[0, 1]) < 0.05
    assert first.mean() == pytest.approx(0, abs=0.05)
    assert first.std() == pytest.approx(1, abs=0.05)
    ports = [Port(name, "float32", (symbol("batch"), 3), batched=True) for name in ("left", "right")]
    left, right = feeds(ports, (), batch=2000, seed=1).arrays.values()
    assert abs(np.corrcoef(left.ravel(), right.ravel())[0, 1]) < 0.05


def test_random_masks_hide_no_whole_row() -> None:
    port = Port("seen", "bool", (symbol("batch"), 8, 9, 10), True)
    mask = feeds([port], [], 4, 0).arrays["seen"]
    assert mask.dtype == bool
    assert mask.shape == (4, 8, 9, 10)
    assert mask[..., 0].all()
    assert 0.4 < mask[..., 1:].mean() < 0.6


def test_random_integers_are_rows_of_the_embedding() -> None:
    rows = outputs("table.onnx --batch 50")["y"]
    assert rows.shape == (50, 5, 3)


# -- images ---------------------------------------------------------------------------------------------

GREY = np.array([0, 51, 102, 255], np.float32)


@pytest.mark.parametrize(
    ("command", "said", "expected"),
    [
        ("grey.net --input grey.png", "grey.png 2x2 grey, divided by 255", GREY / 255),
        ("plane.net --input grey.png", "grey.png 2x2 grey, divided by 255", GREY / 255),
        ("pixels.net --input grey.png", "grey.png 2x2 grey -> RGB, divided by 255", np.tile(GREY, 3) / 255),
        (
            "clear.net --input grey.png",
            "grey.png 2x2 grey -> RGBA, divided by 255",
            np.r_[np.tile(GREY, 3), 4 * [255]] / 255,
        ),
        (
            "pixels.net --input rgb.png",
            "rgb.png 2x2 RGB, divided by 255",
            np.r_[GREY, GREY // 3, 255 - GREY] / 255,
        ),
        (
            "grey.net --input rgb.png",
            "rgb.png 2x2 RGB -> grey, divided by 255",
            [29 / 255, 48 / 255, 68 / 255, 126 / 255],  # 0.299 R + 0.587 G + 0.114 B
        ),
        ("pixels.net --input opaque.png", "opaque.png 2x2 RGBA -> RGB, divided by 255", 4 * [1] + 8 * [0]),
        ("clear.net --input opaque.png", "opaque.png 2x2 RGBA, divided by 255", 4 * [1] + 8 * [0] + 4 * [1]),
        ("grey.net --input clear.png", "clear.png 2x2 RGBA on white -> grey, divided by 255", 4 * [1]),
        ("grey.net --input bits.png", "bits.png 2x2 black and white -> grey, divided by 255", 4 * [1]),
        ("pixels.net --input palette.png", "palette.png 2x2 palette -> RGB, divided by 255", 4 * [1] + 8 * [0]),
        (
            "grey.net --input deep.png",
            "deep.png 2x2 16-bit grey, divided by 65535",
            [0, 1, 257 / 65535, 0.2],
        ),
        (
            "pixels.net --input deep.png",
            "deep.png 2x2 16-bit grey -> RGB, divided by 65535",
            3 * [0, 1, 257 / 65535, 0.2],
        ),
        (
            "grey.net --input turned.jpg",
            "turned.jpg 2x4 grey, turned as its EXIF says, resized to 2x2, divided by 255",
            4 * [128 / 255],
        ),
        ("quantised.onnx --input grey.png", "grey.png 2x2 grey", GREY),
        ("quantised.onnx --input deep.png", "deep.png 2x2 16-bit grey, divided by 257", [0, 255, 1, 51]),
        (
            "bytes.net --input turned.jpg",
            "turned.jpg 2x4 grey, turned as its EXIF says, divided by 255",
            8 * [128 / 255],
        ),
    ],
)
def test_images_become_numbers(command: str, said: str, expected: list[float]) -> None:
    result = run(command)
    name = "x" if "onnx" in command else "image"
    assert result.stderr == f"{name}: {said}\n"
    (numbers,) = outputs(command).values()
    assert numbers.reshape(-1) == pytest.approx(np.array(expected), abs=1e-6)


def test_images_are_resized_without_aliasing() -> None:
    """Each pixel of the large image stands 4 x 3 times: every new one is a mean of what it covers, as Pillow has it."""
    (numbers,) = outputs("grey.net --input large.png").values()
    expected = np.asarray(Image.open("large.png").resize((2, 2), Image.Resampling.BILINEAR)) / 255
    assert numbers.reshape(2, 2) == pytest.approx(expected, abs=1e-6)
    stripes = np.zeros((64, 64), np.uint8)
    stripes[:, ::2] = 255
    Image.fromarray(stripes).save("stripes.png")
    (numbers,) = outputs("grey.net --input stripes.png").values()
    assert numbers == pytest.approx(np.full((1, 4), 0.5), abs=0.01)


def test_several_images_are_a_batch() -> None:
    command = "grey.net --input grey.png --input image=bits.png --input clear.png"
    assert run(command).stderr.splitlines() == [
        "image: grey.png 2x2 grey, divided by 255",
        "image: bits.png 2x2 black and white -> grey, divided by 255",
        "image: clear.png 2x2 RGBA on white -> grey, divided by 255",
    ]
    (numbers,) = outputs(command).values()
    assert numbers == pytest.approx(np.array([GREY / 255, 4 * [1], 4 * [1]]))


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("grey.net --input image.gif", "image.gif is no input: give a .npy, .npz, PNG or JPEG file, or random"),
        ("grey.net --input fake.png", "fake.png is damaged: it cannot be read as PNG or JPEG"),
        ("grey.net --input cut_large.png", "cut_large.png is damaged: image file is truncated"),
        ("grey.net --input cut_turned.jpg", "cut_turned.jpg is damaged: Truncated File Read"),
        ("grey.net --input bomb.png", "bomb.png is too large: 10,000 x 10,000, at most 33,554,432 pixels"),
        ("grey.net --input bigger_bomb.png", "bigger_bomb.png is too large: at most 33,554,432 pixels can be read"),
        (
            "usual.net --set H=9_000 --set W=9_000 --input grey.png",
            "grey.png cannot be resized to 9,000 x 9,000: at most 33,554,432 pixels",
        ),
        ("words.net --input grey.png", "ids is int64: an image can be given to inputs of floats or uint8"),
        (
            "small.net --input grey.png",
            "x is [2] of each sample, which is no image: [C, H, W] with 1, 3 or 4 channels, or [H, W]",
        ),
        ("bytes.net --input grey.png --input large.png", "large.png is 8x6, and grey.png 2x2: a batch has one size"),
        (
            "fixed.onnx --input grey.png --input rgb.png",
            "x is [1, 3, 2, 2]; the batch of images has [2, 3, 2, 2]: axis 0 is 2, not 1",
        ),
        (
            "pair.net --input left=grey.png --input right=wide.npy",
            "`H` is 2 in grey.png and 5 in wide.npy: it is one size",
        ),
    ],
)
def test_images_that_cannot_be_read(command: str, message: str) -> None:
    assert refusal(command) == message
