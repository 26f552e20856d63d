"""The numbers that a net gets from a file: by name, of any floating point type, and the spec's own where the file has
none."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click
import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from weight_files import joined, safetensors

from netspec import api
from netspec.diagnostics import SpecError
from netspec.driver import Compilation, compile_one
from netspec.elaborate.files import source_from_bytes
from netspec.emit.unrolling import tensors_of
from netspec.emit.weights.initial import Initial
from netspec.emit.weights.matching import Matched, match_file, weights_for

NET = """
net Small {
  input image: [1, 8, 8]
  edge: conv 1 k=2 weight=[[1, -1], [1, -1]] bias=false
  conv1: conv 4 k=3
  batchnorm
  head: repeat 2 { conv 4 k=1 -> relu }
  flatten
  fc: dense 10
}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def made(text: str = NET) -> Compilation:
    return compile_one(source_from_bytes(text.encode(), "a.net", None), None, {})


def state(text: str = NET) -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    return api.loads(text).to_torch().state_dict()


def numbers(tensors: Initial | Matched, names: Iterable[str]) -> dict[str, np.ndarray]:
    return {name: joined(tensors.chunks(name)) for name in names}


@pytest.mark.parametrize("path", ["w.pt", "w.npz", "w.safetensors"])
def test_every_format(path: str) -> None:
    held = state()
    if path == "w.pt":
        torch.save(held, path)
    elif path == "w.npz":
        np.savez(path, **{name: value.numpy() for name, value in held.items()})
    else:
        save_file(held, path)
    net = made()
    tensors = weights_for(net, path)
    for name, array in numbers(tensors, tensors_of(net)).items():
        np.testing.assert_array_equal(array, held[name].numpy().reshape(-1), err_msg=name)


def test_the_order_does_not_count() -> None:
    held = state()
    torch.save(dict(reversed(held.items())), "w.pt")
    tensors = match_file(made(), "w.pt")
    np.testing.assert_array_equal(joined(tensors.chunks("fc.bias")), held["fc.bias"].numpy())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_floating_point_types(dtype: torch.dtype) -> None:
    held = {name: value.to(dtype) if value.is_floating_point() else value for name, value in state().items()}
    torch.save(held, "w.pt")
    found = joined(match_file(made(), "w.pt").chunks("conv1.weight"))
    np.testing.assert_array_equal(found.astype("f4"), held["conv1.weight"].float().numpy().reshape(-1))


def test_what_the_spec_has_may_be_missing() -> None:
    held = state()
    del held["edge.weight"], held["batchnorm1.num_batches_tracked"]
    torch.save(held, "w.pt")
    tensors = match_file(made(), "w.pt")
    assert joined(tensors.chunks("edge.weight")).tolist() == [1, -1, 1, -1]
    assert joined(tensors.chunks("batchnorm1.num_batches_tracked")).tolist() == [0]


def test_the_file_is_more_than_the_spec() -> None:
    held = state()
    held["edge.weight"] = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    torch.save(held, "w.pt")
    assert joined(match_file(made(), "w.pt").chunks("edge.weight")).tolist() == [1, 2, 3, 4]
    torch.save({**held, "edge.weight": torch.zeros(2, 2)}, "w.pt")
    with pytest.raises(SpecError, match=r"`edge\.weight` is \[2, 2\] in w\.pt, not \[1, 1, 2, 2\]"):
        match_file(made(), "w.pt")


def test_renamed_tensors() -> None:
    held = state()
    torch.save({f"net.{name}": value for name, value in held.items()} | {"net.extra": torch.zeros(3)}, "w.pt")
    tensors = weights_for(made(), "w.pt", ["^net\\.=", "^extra$="])
    np.testing.assert_array_equal(joined(tensors.chunks("fc.weight")), held["fc.weight"].numpy().reshape(-1))


def test_shared_layers_have_one_tensor() -> None:
    text = "net A {\n  input x: [5]\n  a: dense 5 -> reuse a -> dense 5 bias=false tie=a\n}\n"
    safetensors({"a.weight": [5, 5], "a.bias": [5]})
    assert set(match_file(made(text), "w.safetensors").names) == {"a.weight", "a.bias"}


def test_without_a_file_they_are_drawn() -> None:
    one, again, other = (weights_for(made(), None, (), seed) for seed in (1, 1, 2))
    assert isinstance(one, Initial)
    first = joined(one.chunks("fc.weight"))
    np.testing.assert_array_equal(first, joined(again.chunks("fc.weight")))
    assert not np.array_equal(first, joined(other.chunks("fc.weight")))


def test_a_rename_needs_a_file() -> None:
    with pytest.raises(click.UsageError):
        weights_for(made(), None, ["a=b"])


def test_a_net_with_mistakes() -> None:
    safetensors({})
    with pytest.raises(SpecError, match="dense"):
        weights_for(made(NET.replace("fc: dense 10", "fc: dens 10")), "w.safetensors")


def test_layers_without_end_are_not_written_out() -> None:
    safetensors({})
    with pytest.raises(SpecError, match="too many layers to write out"):
        match_file(made("net A {\n  input x: [5]\n  repeat 1_000_000 { dense 5 }\n}\n"), "w.safetensors")


def test_a_hostile_file_of_many_names_takes_bounded_time() -> None:
    """A hundred thousand tensors that are all alike, and none of them is meant."""
    text = "net A {\n  input x: [5]\n  repeat 1_000 { dense 5 }\n}\n"
    safetensors({f"layer{number}.x.weight": [5, 5] for number in range(100_000)})
    with pytest.raises(SpecError) as raised:
        match_file(made(text), "w.safetensors")
    assert len(raised.value.diagnostics) <= 3
    assert all(len(diagnostic.notes) <= 21 for diagnostic in raised.value.diagnostics)
