"""Files of weights that are damaged, of another kind or hostile: told in a sentence, in bounded time and memory."""

from __future__ import annotations

import json
import os
import pickle
import random
import struct
import tracemalloc
import zipfile
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from weight_files import (
    Call,
    Global,
    Storage,
    framed,
    header,
    npy,
    npz,
    pickled,
    read,
    safetensors,
    saved,
    state,
    tensor,
    torch_file,
)

from netspec.diagnostics import SpecError
from netspec.emit.weights.files import open_weights

NUMBERS = {"0": bytes(24)}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def mistake(path: str) -> str:
    """What is said of a file: at its opening, or when its numbers are read."""
    with pytest.raises(SpecError) as raised:
        read(path)
    (diagnostic,) = raised.value.diagnostics
    assert diagnostic.origin == path
    title = diagnostic.title
    if diagnostic.code == "NS802":
        assert title.startswith(f"{path} is not a sound ")
        title = title.partition(" file: ")[2]
    else:
        assert diagnostic.code in ("NS801", "NS803")
    return title


# -- safetensors ---------------------------------------------------------------------------------------

ENTRY = {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"dtype": "F33"}, "`a` has the dtype F33, which is not known"),
        ({"dtype": 5}, "`a` has the dtype that is no text, which is not known"),
        ({"shape": [2, 4]}, "`a` of F32 [2, 4] needs 32 bytes, its data_offsets have 24"),
        ({"shape": [2, -3]}, "the shape of `a` is not a list of at most 64 whole numbers"),
        ({"shape": [2, 3.0]}, "the shape of `a` is not a list of at most 64 whole numbers"),
        ({"shape": [True, 6]}, "the shape of `a` is not a list of at most 64 whole numbers"),
        ({"shape": 6}, "the shape of `a` is not a list of at most 64 whole numbers"),
        ({"shape": [1] * 65}, "the shape of `a` is not a list of at most 64 whole numbers"),
        ({"shape": [2**63, 0]}, "the shape of `a` is not a list of at most 64 whole numbers"),
        ({"data_offsets": [0]}, "the data_offsets of `a` are not where bytes begin and end"),
        ({"data_offsets": [24, 0]}, "the data_offsets of `a` are not where bytes begin and end"),
        ({"data_offsets": [-24, 0]}, "the data_offsets of `a` are not where bytes begin and end"),
        ({"data_offsets": [4, 28]}, "`a` begins at byte 4 of the numbers, the one before it ends at 0"),
        ({"dtype": "F4", "shape": [3], "data_offsets": [0, 2]}, "`a` does not fill whole bytes"),
        ({"more": 1}, "`a` needs a dtype, a shape, data_offsets and nothing else"),
    ],
)
def test_a_wrong_entry(changed: dict[str, Any], said: str) -> None:
    assert mistake(framed(json.dumps({"a": ENTRY | changed}).encode(), 24)) == said


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (b'{"a": 3}', "`a` needs a dtype, a shape, data_offsets and nothing else"),
        (b'{"__metadata__": {"a": 3}}', "the metadata of its header are not texts"),
        (b"[]", "its header is not JSON"),
        (b"", "its header is not JSON"),
        (b'{"a": ', "its header is not JSON: expecting value: line 1 column 7 (char 6)"),
        (b'{"a\xff": 1}', "its header is not JSON: it is not UTF-8"),
        (b'{"a":' * 100_000, "its header is nested too deeply"),
        (
            b'{"a": ' + b"9" * 10_000 + b"}",
            "its header is not JSON: exceeds the limit",
        ),
        (json.dumps({"n" * 1001: ENTRY}).encode(), "a tensor's name has 1,001 characters, at most 1,000 can be used"),
        (b'{"a": {"dtype": "U8", "dtype": "F32"}}', "its header has `dtype` twice"),
        (
            b'{"a": {"dtype": "F32", "shape": [6], "data_offsets": [0, 24]}, '
            b'"a": {"dtype": "F32", "shape": [6], "data_offsets": [0, 24]}}',
            "its header has `a` twice",
        ),
    ],
)
def test_a_wrong_header(head: bytes, said: str) -> None:
    assert mistake(framed(head, 24)).startswith(said)


def test_tensors_that_overlap_or_leave_gaps() -> None:
    about = header({"a": ([3], "F32"), "b": ([3], "F32")})
    about["b"]["data_offsets"] = [8, 20]
    assert mistake(framed(json.dumps(about).encode(), 20)) == (
        "`b` begins at byte 8 of the numbers, the one before it ends at 12"
    )
    about["b"]["data_offsets"] = [16, 28]
    assert "begins at byte 16" in mistake(framed(json.dumps(about).encode(), 28))


@pytest.mark.parametrize(
    ("held", "said"), [(20, "its tensors have 24 bytes, the file has 20 for them"), (25, "has 25")]
)
def test_numbers_that_are_missing_or_too_many(held: int, said: str) -> None:
    assert said in mistake(framed(json.dumps({"a": ENTRY}).encode(), held))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "it has 0 bytes, and no header"),
        (b"abc", "it has 3 bytes, and no header"),
        (struct.pack("<Q", 100) + b"{}", "its header has 100 bytes, the file 2 after the length"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "its header would have 727,905,341,920,923,785 bytes"),
        (struct.pack("<Q", 2**24 + 1), "its header would have 16,777,217 bytes, at most 16,777,216 are allowed"),
    ],
)
def test_what_is_no_safetensors_file(data: bytes, said: str) -> None:
    Path("w.safetensors").write_bytes(data)
    assert mistake("w.safetensors").startswith(said)


# -- npz -----------------------------------------------------------------------------------------------

HEAD = {"descr": "<f4", "fortran_order": False, "shape": (2, 3)}


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (repr(HEAD | {"shape": (2, 4)}), "`a` has 92 bytes, its shape and type need 100"),
        (repr(HEAD | {"shape": (2**62, 2**62)}), "its shape and type need"),
        (repr(HEAD | {"shape": (-2, -3)}), "the head of `a` is not that of an array"),
        (repr(HEAD | {"shape": [2, 3]}), "the head of `a` is not that of an array"),
        (repr(HEAD | {"fortran_order": 1}), "the head of `a` is not that of an array"),
        (repr(HEAD | {"descr": "|O"}), "`a` holds Python objects, which are not read"),
        (repr(HEAD | {"descr": "<V2"}), "`a` has elements of 2 bytes without a type, as numpy writes bfloat16"),
        (repr(HEAD | {"descr": "<U3"}), "`a` has elements that are not numbers of a known type"),
        (repr(HEAD | {"descr": ""}), "`a` has elements that are not numbers of a known type"),
        (repr(HEAD | {"descr": [("x", "<f4")]}), "`a` has elements that are not numbers of a known type"),
        ("{'descr': '<f4'}", "the head of `a` is not that of an array"),
        ("__import__('os').system('touch gone')", "the head of `a` is not that of an array"),
        ("(" * 5_000, "the head of `a` is not that of an array"),
        ("[]", "the head of `a` is not that of an array"),
        ("x" * 10_000, "the head of `a` has 10,001 bytes, at most 10,000 are read"),
    ],
)
def test_a_wrong_head(head: str, said: str) -> None:
    assert said in mistake(npz({"a.npy": npy(head, bytes(24))}))
    assert not Path("gone").exists()


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"a.npy": b"hello"}, "it ends before its numbers do"),
        ({"a.npy": b"hello, dear reader"}, "`a` does not begin as an array"),
        ({"a.npy": b"\x93NUMPY\x09\x00\x00\x00"}, "`a` does not begin as an array"),
        ({"a.npy": saved(np.arange(3.0))[:-1]}, "`a` has 151 bytes, its shape and type need 152"),
        ({"a.npy": saved(np.arange(3.0)) + b"x"}, "`a` has 153 bytes, its shape and type need 152"),
        ({"readme.txt": b"hello"}, "its member `readme.txt` is not an array"),
    ],
)
def test_wrong_members(members: dict[str, bytes], said: str) -> None:
    assert mistake(npz(members)) == said


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_occurs_twice() -> None:
    with zipfile.ZipFile("w.npz", "w") as archive:
        archive.writestr("a.npy", saved(np.zeros(2)))
        archive.writestr("a.npy", saved(np.ones(2)))
    assert mistake("w.npz") == "its member `a.npy` occurs twice"


def test_a_member_compressed_in_a_way_that_may_need_much_memory() -> None:
    with zipfile.ZipFile("w.npz", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a.npy", saved(np.zeros(2)))
    assert mistake("w.npz") == "its member `a.npy` is encrypted, or compressed in a way that is not read"


def test_numbers_that_have_changed_are_noticed() -> None:
    np.savez("w.npz", a=np.arange(10_000.0))
    data = bytearray(Path("w.npz").read_bytes())
    data[4000] ^= 1
    Path("w.npz").write_bytes(data)
    assert mistake("w.npz") == "`a` cannot be read: bad CRC-32 for file 'a.npy'"


@pytest.mark.parametrize("path", ["w.npz", "w.pt"])
@pytest.mark.parametrize(
    ("data", "said"), [(b"", "it is empty"), (b"PK\x03\x04" + bytes(50), "its table of contents is missing or damaged")]
)
def test_what_is_no_archive(path: str, data: bytes, said: str) -> None:
    Path(path).write_bytes(data)
    assert mistake(path) == said


def test_a_table_of_contents_is_bounded() -> None:
    table = b"PK\x01\x02" + bytes(20 << 20)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(table), 0, 0)
    Path("w.npz").write_bytes(table + end)
    assert mistake("w.npz") == "its table of contents is larger than 16 MiB"


def test_a_zip_bomb_is_not_unpacked() -> None:
    npz({"a.npy": npy(repr(HEAD), bytes(24)) + bytes(100 << 20)}, compressed=True)
    tracemalloc.start()
    try:
        assert mistake("w.npz") == "`a` has 104,857,692 bytes, its shape and type need 92"
        assert tracemalloc.get_traced_memory()[1] < 32 << 20
    finally:
        tracemalloc.stop()


# -- torch ---------------------------------------------------------------------------------------------


def pickle_of(value: Any) -> bytes:
    return b"\x80\x02" + pickled(value) + b"."


@pytest.mark.parametrize(
    "name",
    [
        "os.system", "builtins.eval", "builtins.getattr", "posix.system", "torch.load", "torch.hub.load",
        "torch.nn.modules.linear.Linear", "torch._utils.os", "argparse.Namespace", "numpy.core.multiarray.scalar",
        "torch.storage.os", "collections.OrderedDict.fromkeys", "torch._utils._rebuild_qtensor",
        "__torch__.Net", "torch.cuda.os",
    ],
)  # fmt: skip
@pytest.mark.parametrize("way", ["named", "called", "in a tensor", "in a stack"])
def test_a_name_that_tensors_do_not_need(name: str, way: str) -> None:
    module, _, attribute = name.rpartition(".")
    stacked = (
        b"\x80\x04\x8c"
        + bytes([len(module)])
        + module.encode()
        + b"\x8c"
        + bytes([len(attribute)])
        + attribute.encode()
    )
    call = Call(name, "touch gone")
    data = {
        "named": pickle_of(Global(name)),
        "called": pickle_of(call),
        "in a tensor": state(
            a=Call("torch._utils._rebuild_tensor_v2", Call(name, "touch gone"), 0, (6,), (1,), False, None)
        ),
        "in a stack": b"\x80\x04" + stacked + b"\x93.",
    }[way]
    assert mistake(torch_file(data, NUMBERS)) == (
        f"w.pt was not read: it refers to `{name}`, which is not part of a tensor"
    )
    assert not Path("gone").exists()


def test_nothing_of_a_pickle_is_called() -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return os.system, ("touch gone",)

    torch_file(pickle.dumps({"a": Evil()}), NUMBERS)
    assert "`posix.system`" in mistake("w.pt") or "`nt.system`" in mistake("w.pt")
    assert not Path("gone").exists()


@pytest.mark.filterwarnings("ignore")
def test_a_whole_module() -> None:
    torch.save(torch.nn.Linear(2, 3), "w.pt")
    assert "`torch.nn.modules.linear.Linear`" in mistake("w.pt")
    torch.jit.script(torch.nn.Linear(2, 3)).save("w.pt")
    assert "`__torch__.torch.nn.modules.linear.Linear`" in mistake("w.pt")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (tensor((7,), (1,)), "`a` is larger than its storage"),
        (tensor((6,), (1,), 1), "`a` is larger than its storage"),
        (tensor((2, 3), (4, 1)), "`a` is larger than its storage"),
        (tensor((2**40, 2**40), (2**40, 1)), "`a` is larger than its storage"),
        (tensor((6,), (1,), elements=7), "the numbers of `a` are compressed, or not as many as their storage has"),
        (tensor((6,), (1,), kind="DoubleStorage"), "the numbers of `a` are compressed, or not as many as"),
        (tensor((6,), (1,), key="1"), "the numbers of `a` are missing"),
        (tensor((6,), (1,), key=1), "its pickle is damaged"),
        (tensor((6,), (-1,), 5), "its pickle is damaged"),
        (tensor((6,), (1,), -1), "its pickle is damaged"),
        (tensor((6,), (1, 1)), "its pickle is damaged"),
        (tensor((6.0,), (1,)), "its pickle is damaged"),
        (tensor((True,), (1,)), "its pickle is damaged"),
        (tensor([6], [1]), "its pickle is damaged"),
        (tensor((2**70,), (0,)), "its pickle is damaged"),
        (tensor((1,) * 65, (1,) * 65), "its pickle is damaged"),
        (tensor((6,), (1,), kind="Size"), "its pickle is damaged"),
        (Call("torch.FloatStorage", 6), "its pickle is damaged"),
        (Call("torch._utils._rebuild_tensor_v2", 6), "its pickle is damaged"),
        (Call("torch._utils._rebuild_parameter", 6, True, None), "its pickle is damaged"),
        (Storage("module", "a"), "its pickle is damaged"),
        (5, "it has no tensors by name"),
        (None, "it has no tensors by name"),
    ],
)
def test_a_wrong_tensor(wrong: Any, said: str) -> None:
    assert mistake(torch_file(state(a=wrong), NUMBERS)).startswith(said)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "its pickle is damaged"),
        (b"\x80\x02", "its pickle is damaged"),
        (b"\x80\x02.", "its pickle is damaged"),
        (b"\x80\x02(.", "its pickle is damaged"),
        (b"\x80\x02K\x01K\x02s.", "its pickle is damaged"),
        (b"\x80\x02]}a}K\x01s.", "its pickle is damaged"),
        (b"\x80\x02}(K\x01u.", "its pickle is damaged"),
        (b"\x80\x02}]K\x01s.", "its pickle is damaged"),
        (b"\x80\x02}\x8a\x20" + b"\x7f" * 32 + b"K\x01s.", "its pickle is damaged"),
        (b"\x80\x02h\x05.", "its pickle is damaged"),
        (b"\x80\x02u.", "its pickle is damaged"),
        (b"\x80\x02R.", "its pickle is damaged"),
        (b"\x80\x02B\xff\xff\xff\x7f.", "its pickle is damaged"),
        (b"\x80\x04\x8e" + b"\xff" * 7 + b"\x7f.", "its pickle is damaged"),
        (b"\x80\x02\x82\x01.", "its pickle has the instruction EXT1, which tensors do not need"),
        (b"\x80\x02(K\x01ios\nsystem\n.", "its pickle has the instruction INST, which tensors do not need"),
        (pickle_of([1, 2]), "it has no tensors by name"),
        (pickle_of({"state_dict": 5}), "it has no tensors by name"),
        (pickle_of({3: tensor((6,), (1,))}), "a tensor's name is 3, which is no text"),
        (pickle_of({"a" * 1001: tensor((6,), (1,))}), "a tensor's name has 1,001 characters"),
    ],
)
def test_a_wrong_pickle(data: bytes, said: str) -> None:
    assert mistake(torch_file(data, NUMBERS)).startswith(said)


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x02Nr\xff\xff\xff\x7f.",  # a place in the memo, up to which Python's unpickler would make room
        b"\x80\x02)" + b"q\x00h\x00\x86" * 5_000 + b".",  # tuples of tuples, which would take for ever to compare
        b"\x80\x02}(" + b"(" * 100_000 + b"t" * 100_000 + b".",  # nesting
        b"\x80\x02" + b"N" * 4_100_000 + b".",  # more than tensors take
        b"\x80\x02}q\x00" + b"h\x00h\x00s" * 200_000 + b".",
    ],
)
def test_pickles_take_bounded_time_and_memory(data: bytes) -> None:
    torch_file(data, NUMBERS)
    start = process_time()
    mistake("w.pt")
    assert process_time() - start < 20  # seconds; they take one or two


def test_the_old_format() -> None:
    torch.save({"a": torch.zeros(2)}, "w.pt", _use_new_zipfile_serialization=False)
    with pytest.raises(SpecError) as raised:
        open_weights("w.pt")
    assert raised.value.diagnostics[0].title == (
        "w.pt is not a sound torch file: it is in the format that torch wrote before version 1.6"
    )
    assert raised.value.diagnostics[0].help == (
        "load it in torch and save it again: `torch.save(torch.load(path, weights_only=True), path)`"
    )


def test_other_files_under_the_name_of_a_torch_file() -> None:
    Path("w.pt").write_bytes(pickle.dumps({"a": 1}))
    assert mistake("w.pt") == "it is a pickle, and not one of torch"
    Path("w.pt").write_bytes(b"\x08\x07\x12\x07pytorch")
    assert mistake("w.pt") == "it is no zip archive, as files of torch have been since version 1.6"
    npz({"a.npy": saved(np.zeros(2))}, "w.pt")
    assert mistake("w.pt") == "it is a zip archive without torch's `data.pkl`"


def test_an_unknown_order_of_bytes() -> None:
    torch_file(state(a=tensor((6,), (1,))), NUMBERS, order="middle")
    assert mistake("w.pt") == "its order of bytes is neither little nor big"


def test_compressed_numbers_are_refused() -> None:
    torch.save({"a": torch.zeros(200)}, "a.pt")
    with zipfile.ZipFile("a.pt") as source, zipfile.ZipFile("w.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in source.namelist():
            archive.writestr(name, source.read(name))
    assert mistake("w.pt").startswith("the numbers of `a` are compressed")


# -- files ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("w.safetensors", "cannot read w.safetensors: no such file or directory"),
        ("folder.npz", "cannot read folder.npz: it is not a file"),
        ("pipe.pt", "cannot read pipe.pt: it is not a file"),
        ("w.onnx", "cannot read w.onnx: no format of weights goes by the ending '.onnx'"),
        ("weights", "cannot read weights: its name has no ending"),
        ("w\0.npz", "cannot read w\0.npz: embedded null byte"),
    ],
)
def test_what_cannot_be_read(path: str, said: str) -> None:
    Path("folder.npz").mkdir()
    os.mkfifo("pipe.pt")
    assert mistake(path) == said


def test_a_file_that_shrinks_while_it_is_read() -> None:
    safetensors({"a": [100_000]})
    with open_weights("w.safetensors") as file:
        os.truncate("w.safetensors", 2000)
        with pytest.raises(SpecError, match="it ends before its numbers do"):
            list(file.chunks("a"))


@pytest.mark.parametrize("path", ["w.safetensors", "w.npz", "z.npz", "w.pt"])
def test_damage_anywhere_is_told(path: str) -> None:
    """Bytes that are changed, lost or added: no other exception, and tensors that are as large as they say."""
    tensors = {"a.w": torch.arange(12.0).reshape(3, 4), "b": torch.arange(20.0).reshape(4, 5).T, "c": torch.arange(5)}
    arrays = {name: value.numpy() for name, value in tensors.items()}
    save_file({name: value.contiguous() for name, value in tensors.items()}, "w.safetensors")
    np.savez("w.npz", **arrays)
    np.savez_compressed("z.npz", **arrays)
    torch.save(tensors, "w.pt")
    data = Path(path).read_bytes()
    choose, told = random.Random(5), []
    for _ in range(250):
        Path(path).write_bytes(damaged(data, choose))
        try:
            with open_weights(path) as file:
                for name, entry in file.entries.items():
                    if entry.elements < 1000 and entry.dtype in ("float32", "int64"):
                        assert sum(len(chunk) for chunk in file.chunks(name)) == entry.elements
        except SpecError as error:
            told.append(str(error))
    assert len(told) > 100


def damaged(data: bytes, choose: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(choose.randint(1, 4)):
        at, kind = choose.randrange(len(out)), choose.random()
        if kind < 0.6:
            out[at] = choose.randrange(256)
        elif kind < 0.75:
            del out[at : at + choose.randint(1, 50)]
        elif kind < 0.9:
            out[at:at] = choose.randbytes(choose.randint(1, 20))
        else:
            del out[max(at, 1) :]
    return bytes(out)
