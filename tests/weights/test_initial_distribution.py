"""Weights begin as those of the generated torch module do: every tensor of every layer is drawn alike.

The numbers are not the same, so distributions are compared: constants exactly, others by their support, mean, deviation
and the largest distance of the two distribution functions (Kolmogorov, Smirnov), over tensors of thousands of elements.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
import pytest
import torch

from netspec import api
from netspec.driver import compile_one
from netspec.elaborate.files import source_from_bytes
from netspec.emit.unrolling import tensors_of
from netspec.emit.weights.initial import Initial, initial

TABLE = "[[0, 1, 2], [1, 2, 3, 4], [0], [0, 1, 2, 3, 4, 5]]"

LAYERS = {
    "conv1d": ("[16, 40]", "conv 64 k=5"),
    "conv2d": ("[16, 9, 9]", "conv 64 k=3"),
    "conv3d": ("[8, 5, 5, 5]", "conv 32 k=2"),
    "conv in groups": ("[32, 9, 9]", "conv 64 k=3 groups=8"),
    "conv of each channel": ("[512, 9, 9]", "conv 512 k=3 groups=512"),
    "conv with a pad of its own": ("[16, 9, 9]", "conv 64 k=3 pad=same stride=2"),
    "conv by a table": ("[6, 40, 40]", f"conv 4 k=25 connect={TABLE}"),
    "conv by a table, drawn otherwise": ("[6, 40, 40]", f"conv 4 k=25 connect={TABLE} init=normal"),
    "upconv1d": ("[16, 40]", "upconv 64 k=5"),
    "upconv2d": ("[32, 9, 9]", "upconv 16 k=3 stride=2"),
    "upconv3d": ("[8, 5, 5, 5]", "upconv 32 k=2"),
    "upconv in groups": ("[32, 9, 9]", "upconv 64 k=3 groups=4"),
    "dense": ("[300]", "dense 2000"),
    "embedding": ("int64 [7]", "embedding 500 64"),
    "batchnorm": ("[64, 4, 4]", "batchnorm"),
    "groupnorm": ("[64, 4, 4]", "groupnorm 8"),
    "layernorm": ("[3, 64]", "layernorm"),
    "rmsnorm": ("[3, 64]", "rmsnorm"),
    "instancenorm": ("[64, 4, 4]", "instancenorm affine=true"),
    "prelu": ("[64, 4, 4]", "prelu shared=false"),
    "scale": ("[64, 4, 4]", "scale init=0.01"),
    "rbf": ("[84]", "rbf 100"),
    "subsample": ("[512, 8, 8]", "subsample 2"),
    "literal": ("[2]", "dense 3 weight=[[1, 2], [3, 4], [5, 6]]"),
    **{
        f"dense init={init}": ("[300]", f"dense 200 init={init}")
        for init in (
            "normal", "uniform", "xavier", "kaiming", "zeros", "ones", "0.5", "(normal, 0.02)", "(uniform, -0.1, 0.3)"
        )
    },
    **{f"conv init={init}": ("[16, 9, 9]", f"conv 64 k=3 init={init}") for init in ("xavier", "kaiming", "normal")},
    **{f"upconv init={init}": ("[32, 9, 9]", f"upconv 64 k=3 init={init}") for init in ("xavier", "kaiming")},
    "embedding init=xavier": ("int64 [7]", "embedding 500 64 init=xavier"),
}  # fmt: skip

PARAMETERS = {
    "param": "[50, 100]",
    "param of halves": "[50, 100] dtype=float16",
    "param of doubles": "[50, 100] dtype=float64",
    **{
        f"param init={init}": f"[50, 100] init={init}"
        for init in ("xavier", "kaiming", "uniform", "0.5", "(normal, 3)")
    },
}


def spec_of(name: str) -> str:
    if name in PARAMETERS:
        return f"net A {{\n  input x: [3]\n  relu\n  param p: {PARAMETERS[name]}\n}}\n"
    shape, layer = LAYERS[name]
    typed = f"{shape.split()[0]} " if shape.startswith("int") else ""
    return f"net A {{\n  input x: {typed}{shape.removeprefix(typed)}\n  a: {layer}\n}}\n"


def drawn(text: str, seed: int = 0) -> dict[str, np.ndarray]:
    made = compile_one(source_from_bytes(text.encode(), "a.net", None), None, {})
    start = initial(made, seed)
    return {name: np.concatenate([*start.chunks(name)]) for name in tensors_of(made)}


@pytest.mark.parametrize("name", [*LAYERS, *PARAMETERS])
def test_each_tensor_is_drawn_as_torch_draws_it(name: str) -> None:
    text = spec_of(name)
    torch.manual_seed(0)
    state = api.loads(text).to_torch().state_dict()
    ours = drawn(text)
    assert set(ours) == set(state)
    for tensor, value in state.items():
        compare(ours[tensor], value.double().reshape(-1).numpy(), rows_of(name, tensor, value))


def rows_of(name: str, tensor: str, value: torch.Tensor) -> int:
    """Into how many rows of distributions of their own a tensor falls."""
    return len(value) if name == "conv by a table" else 1


def compare(ours: np.ndarray, theirs: np.ndarray, rows: int) -> None:
    assert ours.shape == theirs.shape
    for mine, other in zip(ours.astype(np.float64).reshape(rows, -1), theirs.reshape(rows, -1), strict=True):
        if len(set(other)) <= 2:  # constants, signs, and rows of one element
            if len(other) > 1:
                assert set(mine) == set(other)
            continue
        size = len(mine)
        deviation = other.std()
        assert abs(mine.mean() - other.mean()) < 7 * deviation / sqrt(size / 2)
        assert abs(mine.std() / deviation - 1) < 7 / sqrt(size)
        assert kolmogorov(mine, other) < 2.5 * sqrt(2 / size)  # by chance once in half a million
        if is_uniform(other):
            assert abs(mine.min() - other.min()) < 20 * np.ptp(other) / size
            assert abs(mine.max() - other.max()) < 20 * np.ptp(other) / size


def is_uniform(numbers: np.ndarray) -> bool:
    return bool(np.ptp(numbers) < 4 * numbers.std())


def kolmogorov(one: np.ndarray, other: np.ndarray) -> float:
    """The largest distance of two distribution functions."""
    both = np.sort(np.concatenate([one, other]))
    shares = [np.searchsorted(np.sort(numbers), both, side="right") / len(numbers) for numbers in (one, other)]
    return float(np.abs(shares[0] - shares[1]).max())


def test_the_comparison_can_fail() -> None:
    generator = np.random.default_rng(0)
    uniform, normal = generator.random(5000), generator.normal(0.5, sqrt(1 / 12), 5000)
    compare(uniform, generator.random(5000), 1)
    for wrong in (normal, uniform * 1.2, uniform + 0.1):
        with pytest.raises(AssertionError):
            compare(wrong, uniform, 1)


@pytest.mark.parametrize("name", ["bias", "weight"])
def test_rows_of_a_table_follow_their_own_counts(name: str) -> None:
    """conv by a table: a map that sees three others begins within 1 / sqrt(3 * 25 * 25)."""
    values = np.concatenate([np.abs(drawn(spec_of("conv by a table"), seed)[f"a.{name}"])[None] for seed in range(200)])
    seen = [3, 4, 1, 6]
    sizes = seen if name == "bias" else [count for count in seen for _ in range(count)]
    widest = values.reshape(200, len(sizes), -1).max(axis=(0, 2))
    bounds = np.array([1 / sqrt(count * 625) for count in sizes])
    assert np.all(widest <= bounds * (1 + 1e-6))
    assert np.all(widest > 0.95 * bounds)


# -- seeds ---------------------------------------------------------------------------------------------

TWO = "net A {{\n  input x: [50]\n  {first}: dense 50\n  {second}: dense 50\n}}\n"


def test_the_same_seed_gives_the_same_numbers_and_another_gives_others() -> None:
    one, again, other = (drawn(TWO.format(first="a", second="b"), seed) for seed in (1, 1, 2))
    for name, array in one.items():
        np.testing.assert_array_equal(array, again[name])
        assert not np.any(array == other[name])


def test_tensors_do_not_depend_on_each_other() -> None:
    one, turned = (drawn(TWO.format(first=first, second=second), 3) for first, second in ("ab", "ba"))
    for name, array in one.items():
        np.testing.assert_array_equal(array, turned[name])
    assert abs(np.corrcoef(one["a.weight"], one["b.weight"])[0, 1]) < 0.1


def test_pieces_do_not_change_the_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = drawn(spec_of("conv by a table"))
    monkeypatch.setattr("netspec.emit.weights.initial._CHUNK", 1024)
    for name, array in drawn(spec_of("conv by a table")).items():
        np.testing.assert_array_equal(array, whole[name])


@pytest.mark.parametrize(("dtype", "given"), [("float16", "float32"), ("bfloat16", "float32"), ("float64", "float64")])
def test_types(dtype: str, given: str) -> None:
    text = f"net A {{\n  input x: [3]\n  batchnorm\n  param p: [4] dtype={dtype}\n}}\n"
    found: dict[str, Any] = drawn(text)
    assert found["p"].dtype == given
    assert found["batchnorm1.num_batches_tracked"].dtype == "int64"


def test_the_largest_seed() -> None:
    assert Initial({}, 2**63 - 1).seed == 2**63 - 1
    assert len(drawn(TWO.format(first="a", second="b"), 2**63 - 1)["a.weight"]) == 2500
