"""What `netspec run` reads: arrays, images and models that claim much, hold much, or lead elsewhere."""

from __future__ import annotations

import json
import os
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from limited import MEMORY, Outcome, netspec, sound

from netspec.emit.running.images import PIXELS

SPEC = "net S {\n  input x: [4]\n  dense 2\n}\n"
IMAGE = "net I {\n  input image: [3, 8, 8]\n  conv 2 k=3\n}\n"
GIB = 2**30


def run(folder: Path, *arguments: str, memory: int = MEMORY) -> Outcome:
    (folder / "s.net").write_text(SPEC)
    (folder / "i.net").write_text(IMAGE)
    outcome = netspec("run", *arguments, folder=folder)
    assert sound(outcome._replace(memory=outcome.memory - memory + MEMORY)), outcome
    return outcome


def head(text: str | bytes, version: int = 1, length: int | None = None) -> bytes:
    """The beginning of a .npy file."""
    data = text if isinstance(text, bytes) else text.encode()
    told = (len(data) if length is None else length).to_bytes(2 if version == 1 else 4, "little")
    return b"\x93NUMPY" + bytes([version, 0]) + told + data


def about(shape: str = "(1, 4)", descr: str = "'<f4'") -> str:
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}"


def sparse(path: Path, begin: bytes, size: int, end: bytes = b"") -> None:
    """A file that is large and takes no room."""
    with path.open("wb") as file:
        file.write(begin)
        file.truncate(size)
        file.seek(0, os.SEEK_END)
        file.write(end)


CALL = b"cos\nsystem\n(S'touch gone'\ntR."
ARRAYS: dict[str, tuple[bytes, str]] = {
    "an enormous shape": (
        head(about(f"({2**60}, 4)")),
        "a.npy is too large: 16,384.0 PiB, at most 4.0 GiB can be given",
    ),
    "a negative shape": (
        head(about(f"({-(2**60)}, -4)")),
        "a.npy is no .npy file: an axis has the size -1152921504606846976",
    ),
    "an empty one of a large shape": (
        head(about(f"({2**62}, 0, 4)")),
        "x is [4] of each sample; a.npy has [4611686018427387904, 0, 4]: it takes 2 axes, or 1 without the batch",
    ),
    "objects": (head(about(descr="'|O'")) + CALL, "a.npy has Python objects, not numbers"),
    "too many digits": (head(about("(" + "9" * 5000 + ", 4)")), "a.npy is damaged, or no array of numpy"),
    "nesting": (head("(" * 5000), "a.npy is damaged, or no array of numpy"),
    "code": (head("__import__('os').system('touch gone')"), "a.npy is damaged, or no array of numpy"),
    "elements of any size": (head(about(descr="'(1000000, 1000000)f4'")), "a.npy is damaged, or no array of numpy"),
}  # fmt: skip


@pytest.mark.parametrize("name", ARRAYS)
def test_hostile_arrays(name: str, tmp_path: Path) -> None:
    data, said = ARRAYS[name]
    (tmp_path / "a.npy").write_bytes(data)
    outcome = run(tmp_path, "s.net", "--input", "a.npy")
    assert (outcome.code, outcome.err) == (2, f"Error: {said}\n")
    assert not (tmp_path / "gone").exists()


def test_a_head_that_claims_to_be_large_is_not_read(tmp_path: Path) -> None:
    sparse(tmp_path / "a.npy", head(b"", 2, 3 * GIB - 100), 3 * GIB)
    outcome = run(tmp_path, "s.net", "--input", "a.npy")
    assert outcome.err == "Error: a.npy is damaged: its header has 3,221,225,372 bytes, at most 10,000 are read\n"


def test_a_head_in_an_archive_that_unpacks_to_much_is_not_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", head(b"", 2, GIB) + bytes(2**26))
    outcome = run(tmp_path, "s.net", "--input", "a.npz")
    assert outcome.err == "Error: a.npz:a is damaged: its header has 1,073,741,824 bytes, at most 10,000 are read\n"


def test_an_array_of_another_shape_is_not_unpacked(tmp_path: Path) -> None:
    numbers = bytes(2**28)
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", head(about(f"({2**24}, 2, 2)")) + numbers)
    outcome = run(tmp_path, "s.net", "--input", "a.npz")
    assert "a.npz:a has [16777216, 2, 2]" in outcome.err


def test_a_table_of_contents_is_bounded(tmp_path: Path) -> None:
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, 3 * GIB - 8, 8, 0)
    sparse(tmp_path / "a.npz", b"PK\x03\x04", 3 * GIB, end)
    outcome = run(tmp_path, "s.net", "--input", "a.npz")
    assert outcome.err == "Error: a.npz is no .npz file: its table of contents is larger than 16 MiB\n"


def test_names_in_an_archive_are_no_paths(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("../../\x1b[31mgone.npy", b"nothing")
    outcome = run(tmp_path, "s.net", "--input", "a.npz")
    assert outcome.err == "Error: a.npz:../../\N{REPLACEMENT CHARACTER}[31mgone is damaged, or no array of numpy\n"
    assert sorted(os.listdir(tmp_path)) == ["a.npz", "i.net", "s.net"]


# -- images -------------------------------------------------------------------------------------------


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, pixels: bytes, kind: int = 2, more: bytes = b"") -> bytes:
    sizes = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + sizes + more + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def black(width: int, height: int, channels: int) -> bytes:
    packer = zlib.compressobj(9)
    row = bytes(1 + width * channels)
    return b"".join(packer.compress(row) for _ in range(height)) + packer.flush()


SMALL = black(8, 8, 3)
IMAGES: dict[str, tuple[Callable[[], bytes], str]] = {
    "many pixels": (lambda: png(100_000, 100_000, SMALL), "a.png is too large: at most 33,554,432 pixels can be read"),
    "more pixels": (
        lambda: png(5793, 5793, SMALL),
        "a.png is too large: 5,793 x 5,793, at most 33,554,432 pixels",
    ),
    "most pixels": (
        lambda: png(2**31 - 1, 2**31 - 1, SMALL),
        "a.png is too large: at most 33,554,432 pixels can be read",
    ),
    "packed texts": (
        lambda: png(8, 8, SMALL, more=chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(2**20 - 1))) * 3000),
        "a.png is damaged: Too much memory used in text chunks: 68157375>MAX_TEXT_MEMORY",
    ),
    "a packed profile": (
        lambda: png(8, 8, SMALL, more=chunk(b"iCCP", b"k\0\0" + zlib.compress(bytes(2**28), 9))),
        "a.png is damaged: Decompressed data too large for PngImagePlugin.MAX_TEXT_CHUNK",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", IMAGES)
def test_hostile_images(name: str, tmp_path: Path) -> None:
    data, said = IMAGES[name]
    (tmp_path / "a.png").write_bytes(data())
    outcome = run(tmp_path, "i.net", "--input", "a.png")
    assert (outcome.code, outcome.err) == (2, f"Error: {said}\n")


def test_the_largest_image_takes_bounded_memory(tmp_path: Path) -> None:
    side = int(PIXELS**0.5)
    data = png(side, side, black(side, side, 4), 6)
    assert len(data) < 200_000
    (tmp_path / "a.png").write_bytes(data)
    outcome = run(tmp_path, "i.net", "--input", "a.png", memory=2 * MEMORY)
    assert outcome.code == 0


def test_the_file_of_an_image_is_bounded(tmp_path: Path) -> None:
    begin = png(8, 8, SMALL)[:33] + struct.pack(">I", 2**31 - 1) + b"tEXt"
    sparse(tmp_path / "a.png", begin, 3 * GIB)
    outcome = run(tmp_path, "i.net", "--input", "a.png")
    assert outcome.err == "Error: a.png is too large: an image's file has at most 256.0 MiB\n"


# -- models -------------------------------------------------------------------------------------------


def varint(number: int) -> bytes:
    return bytes([number & 0x7F | 0x80]) + varint(number >> 7) if number > 0x7F else bytes([number])


def field(number: int, data: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(data)) + data


def model(location: str) -> bytes:
    """A model with a tensor of external data."""
    entry = field(1, b"location") + field(2, location.encode())
    tensor = b"\x08\x04\x10\x01" + field(8, b"w") + field(13, entry) + b"\x70\x01"
    return b"\x08\x08" + field(7, field(2, b"g") + field(5, tensor)) + field(8, field(1, b"") + b"\x10\x11")


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("/etc/passwd", "an absolute path: external data lies in the folder of its model"),
        ("../secret", "outside of the folder of the model"),
        ("a/../../secret", "outside of the folder of the model"),
        ("..\\secret", "outside of the folder of the model"),
        ("link", "behind a symbolic link: it may lead anywhere"),
        ("out/secret", "behind a symbolic link: it may lead anywhere"),
        ("pipe", "which is not a file"),
        (".", "which is not a file"),
        ("many", "a file of several names (hard links), of which others may be elsewhere"),
        ("none\x1b[31m", "which is not there"),
    ],
    ids=range(10),
)
def test_external_data_elsewhere(location: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link").symlink_to("../secret")
    (folder / "out").symlink_to("..")
    os.mkfifo(folder / "pipe")
    os.link(tmp_path / "secret", folder / "many")
    (folder / "m.onnx").write_bytes(model(location))
    outcome = run(folder, "m.onnx")
    shown = location.replace("\x1b", "\N{REPLACEMENT CHARACTER}")
    assert (outcome.code, outcome.err) == (2, f"Error: m.onnx is refused: its tensor `w` is in {shown}, {said}\n")


@pytest.mark.parametrize("path", ["pipe", "zero", "folder"])
@pytest.mark.parametrize("ending", [".onnx", ".npy", ".npz", ".png"])
def test_what_is_no_file_is_not_waited_for(path: str, ending: str, tmp_path: Path) -> None:
    name = path + ending
    if path == "pipe":
        os.mkfifo(tmp_path / name)
    elif path == "zero":
        (tmp_path / name).symlink_to("/dev/zero")
    else:
        (tmp_path / name).mkdir()
    outcome = run(tmp_path, *([name] if ending == ".onnx" else ["s.net", "--input", name]))
    assert (outcome.code, outcome.err) == (2, f"Error: cannot read {name}: it is not a file\n")


def test_a_model_that_claims_to_be_large(tmp_path: Path) -> None:
    sparse(tmp_path / "m.onnx", b"\x08\x08", 3 * GIB)
    outcome = run(tmp_path, "m.onnx")
    assert outcome.err == "Error: m.onnx is too large: 3.0 GiB, besides external data a model has at most 2 GiB\n"


@pytest.mark.parametrize(
    "name", ["a\n\x1b[31m\x9b.net", os.fsdecode(b"\xff\xfe.net"), 'a""";1+1;""".net'], ids=range(3)
)
def test_the_name_of_a_file_goes_into_a_model_as_text(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(SPEC)
    outcome = netspec("export", name, "-o", "m.onnx", folder=tmp_path)
    assert sound(outcome), outcome
    assert outcome.code == 0
    outcome = netspec("run", name, folder=tmp_path)
    assert sound(outcome), outcome
    assert outcome.code == 0
    assert json.dumps(name)  # it is a text of Python
