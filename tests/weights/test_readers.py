"""Files of weights give the tensors that were written to them, by whatever library, and stay out of memory."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from weight_files import framed, npy, npz, read, saved, state, tensor, torch_file

from netspec.emit.weights.elements import Entry
from netspec.emit.weights.files import open_weights

DTYPES = [
    torch.float64, torch.float32, torch.float16, torch.bfloat16,
    torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool, torch.complex64,
]  # fmt: skip


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def random(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    generator = torch.Generator().manual_seed(sum(shape))
    return (100 * torch.randn(shape, generator=generator)).to(dtype)


TENSORS = {
    "matrix": random(3, 4),
    "scalar": random(),
    "empty": random(0, 3),
    "kernel": random(4, 3, 5, 5),
    "layer.0.num_batches_tracked": torch.tensor(7),
    "größe/../x": random(2),
    **{str(dtype): random(2, 5, dtype=dtype) for dtype in DTYPES},
}

LAYOUTS = {
    "transposed": random(4, 5).T,
    "channels_last": random(2, 3, 4, 5).to(memory_format=torch.channels_last),
    "part": random(10)[3:6],
    "steps": random(6)[::2],
    "bfloat16 steps": random(6).bfloat16()[::2],
    "expanded": random(3).expand(4, 3),
    "sizes of 1": random(1, 5).T.reshape(5, 1),
    "empty": random(0, 3).T,
    "parameter": torch.nn.Parameter(random(3)),
    "uint16": torch.arange(4).to(torch.uint16),
    "float8 scale": torch.tensor(1.0),
}


def assert_same(found: dict[str, np.ndarray], wanted: dict[str, torch.Tensor]) -> None:
    assert list(found) == list(wanted) or set(found) == set(wanted)
    for name, value in wanted.items():
        plain = value.detach()
        plain = plain.float() if plain.dtype == torch.bfloat16 else plain
        expected = plain.contiguous().numpy()
        assert found[name].shape == expected.shape, name
        assert found[name].dtype == expected.dtype or not expected.size, name
        np.testing.assert_array_equal(found[name], expected, err_msg=name)


# -- each format ---------------------------------------------------------------------------------------


def test_safetensors() -> None:
    save_file(TENSORS, "w.safetensors", metadata={"format": "pt"})
    assert_same(read("w.safetensors"), TENSORS)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz(save: Callable[..., None]) -> None:
    arrays = {name: value for name, value in TENSORS.items() if value.dtype != torch.bfloat16}
    save("w.npz", **{name: value.numpy() for name, value in arrays.items()})
    assert_same(read("w.npz"), arrays)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz_of_other_orders(save: Callable[..., None]) -> None:
    array = random(3, 4, 5).numpy()
    save(
        "w.npz", fortran=np.asfortranarray(array), big=array.astype(">f4"), both=np.asfortranarray(array.astype(">f8"))
    )
    for found in read("w.npz").values():
        assert found.dtype.isnative
        np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize("version", [(2, 0), (3, 0)])
def test_npz_of_other_versions(version: tuple[int, int]) -> None:
    with open("a.npy", "wb") as file:
        np.lib.format.write_array(file, np.arange(3.0), version)
    npz({"a.npy": Path("a.npy").read_bytes()})
    assert read("w.npz")["a"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("ending", ["pt", "pth", "bin", "ckpt"])
def test_torch(protocol: int, ending: str) -> None:
    torch.save(OrderedDict(TENSORS), f"w.{ending}", pickle_protocol=protocol)
    assert_same(read(f"w.{ending}"), TENSORS)


def test_torch_tensors_of_any_layout() -> None:
    torch.save(LAYOUTS, "w.pt")
    assert_same(read("w.pt"), LAYOUTS)


def test_torch_tensors_that_share_a_storage() -> None:
    whole = random(6, 4)
    tensors = {"a": whole, "b": whole, "c": whole[2:4], "d": whole.T}
    torch.save(tensors, "w.pt")
    assert_same(read("w.pt"), tensors)


def test_a_module_and_its_parameters() -> None:
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    torch.save(module.state_dict(), "w.pt")
    assert_same(read("w.pt"), module.state_dict())
    torch.save(dict(module.named_parameters()), "w.pt")
    assert_same(read("w.pt"), dict(module.named_parameters()))
    module[0].weight.note = "a parameter with an attribute"
    torch.save(dict(module.named_parameters()), "w.pt")
    assert_same(read("w.pt"), dict(module.named_parameters()))


@pytest.mark.parametrize("key", ["state_dict", "model_state_dict", "model"])
def test_checkpoints_have_more_than_weights(key: str) -> None:
    tensors = {"a": random(3)}
    optimizer = torch.optim.Adam([torch.nn.Parameter(random(3))])
    torch.save({key: tensors, "optimizer": optimizer.state_dict(), "epoch": 3, "best": torch.tensor(0.5)}, "w.pt")
    assert_same(read("w.pt"), tensors)


def test_big_endian_torch() -> None:
    numbers = np.arange(6)
    storages = {"0": numbers.astype(">f4").tobytes(), "1": bytes([0x3F, 0x80, 0xC0, 0x00])}
    half = tensor((2,), (1,), kind="BFloat16Storage", key="1", elements=2)
    torch_file(state(a=tensor((2, 3), (3, 1)), b=tensor((3, 2), (1, 3)), c=half), storages, order="big")
    found = read("w.pt")
    assert found["a"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert found["b"].tolist() == [[0, 3], [1, 4], [2, 5]]
    assert found["c"].tolist() == [1, -2]


def test_a_storage_named_like_a_path_is_a_member() -> None:
    torch_file(
        state(a=tensor((6,), (1,), key="../../etc/passwd")), {"../../etc/passwd": np.arange(6, dtype="f4").tobytes()}
    )
    assert read("w.pt")["a"].tolist() == [0, 1, 2, 3, 4, 5]


def test_an_empty_file_of_each_format() -> None:
    save_file({}, "w.safetensors")
    np.savez("w.npz")
    assert read("w.safetensors") == read("w.npz") == {}


# -- what is said of them ------------------------------------------------------------------------------


def test_entries_come_from_the_header_alone() -> None:
    """Nothing heavy is imported to know what is in a file."""
    framed(b'{"a": {"dtype": "BF16", "shape": [2, 3], "data_offsets": [0, 12]}}', 12)
    np.savez("w.npz", a=np.zeros((2, 3)))
    torch.save({"a": torch.zeros(2, 3)}, "w.pt")
    program = """
import sys
from netspec.emit.weights.files import open_weights
for name in ("w.safetensors", "w.npz", "w.pt"):
    with open_weights(name) as file:
        print(file.entries)
print([name for name in ("numpy", "torch", "onnx", "ml_dtypes", "pickle") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    entries = [{"a": Entry((2, 3), dtype)} for dtype in ("bfloat16", "float64", "float32")]
    *said, heavy = done.stdout.splitlines()
    assert said == [str(entry) for entry in entries]
    assert heavy in ("[]", "['pickle']")  # of pickletools, which calls nothing of it


def test_an_entry_as_text() -> None:
    assert [str(Entry((2, 3), "float32")), str(Entry((), "int64"))] == ["[2, 3]", "int64 []"]


# -- memory --------------------------------------------------------------------------------------------

LARGE = 200 * 2**20  # bytes


def test_large_tensors_are_read_in_pieces() -> None:
    path = framed(b'{"a": {"dtype": "F32", "shape": [%d], "data_offsets": [0, %d]}}' % (LARGE // 4, LARGE), 0)
    with open(path, "r+b") as file:
        file.seek(0, 2)
        file.truncate(file.tell() + LARGE)  # a hole, which takes no room on the disk
    assert_streams(path, LARGE // 4)


def test_large_compressed_tensors_are_read_in_pieces() -> None:
    count = LARGE // 16
    npz(
        {"a.npy": npy(repr({"descr": "<f4", "fortran_order": False, "shape": (count,)}), bytes(4 * count))},
        compressed=True,
    )
    assert_streams("w.npz", count)


def test_large_tensors_in_another_order_are_mapped() -> None:
    torch.save({"a": torch.zeros(LARGE // 64, 4).T}, "w.pt")
    assert_streams("w.pt", LARGE // 16)


def assert_streams(path: str, count: int) -> None:
    tracemalloc.start()
    try:
        with open_weights(path) as file:
            assert sum(len(chunk) for chunk in file.chunks("a")) == count
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3 * 2**24 + 2**22


def test_two_tensors_are_read_side_by_side() -> None:
    np.savez("w.npz", a=np.arange(3), b=np.arange(4))
    torch.save({"a": torch.arange(3), "b": torch.arange(4)}, "w.pt")
    for path in ("w.npz", "w.pt"):
        with open_weights(path) as file:
            assert [a.tolist() + b.tolist() for a, b in zip(file.chunks("a"), file.chunks("b"), strict=True)] == [
                [0, 1, 2, 0, 1, 2, 3]
            ]


def test_a_file_that_nobody_closes_is_closed() -> None:
    save_file({"a": random(3)}, "w.safetensors")
    file = open_weights("w.safetensors")
    inner = file._file
    assert [len(chunk) for chunk in file.chunks("a")] == [3]
    del file
    assert inner.closed  # and no ResourceWarning, which would fail the test


def test_arrays_saved_by_hand_are_what_numpy_saves() -> None:
    npz(
        {
            "a.npy": saved(np.arange(3.0)),
            "b.npy": npy("{'descr': '<i8', 'fortran_order': False, 'shape': (1,)}", bytes(8)),
        }
    )
    assert {name: array.tolist() for name, array in read("w.npz").items()} == {"a": [0, 1, 2], "b": [0]}
