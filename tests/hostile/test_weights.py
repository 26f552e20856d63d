"""Files of weights that claim or hold too much, and rules of renaming that take too long."""

from __future__ import annotations

import json
import struct
import zipfile
from pathlib import Path

import click
import pytest
from limited import Outcome, netspec, sound

from netspec.emit.weights import renames
from netspec.emit.weights.safetensors import LONGEST_HEADER

SPEC = "net S {\n  input x: [4]\n  dense 2\n}\n"


def check(folder: Path, *options: str, file: str = "w.safetensors") -> Outcome:
    (folder / "s.net").write_text(SPEC)
    outcome = netspec("check", "s.net", "--columns", "params", "--weights", file, *options, folder=folder)
    assert sound(outcome, seconds=10), outcome._replace(out=outcome.out[-500:], err=outcome.err[-2000:])
    return outcome


def safetensors(folder: Path, header: bytes, numbers: int = 0, length: int | None = None) -> None:
    told = len(header) if length is None else length
    (folder / "w.safetensors").write_bytes(struct.pack("<Q", told) + header + bytes(numbers))


EMPTY = b'"%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'
ROOM = LONGEST_HEADER - 100
HEADERS: dict[str, tuple[bytes, str]] = {
    "tensors": (
        b"{" + b",".join(EMPTY % number for number in range(ROOM // 64)) + b"}",
        "w.safetensors has no tensor `dense1.weight`",
    ),
    "lists": (b'{"a":[' + b"[]," * (ROOM // 3) + b"[]]}", "`a` needs a dtype, a shape, data_offsets and nothing else"),
    "texts": (
        b'{"__metadata__":{' + b",".join(b'"%d":""' % number for number in range(ROOM // 14)) + b"}}",
        "w.safetensors has no tensor `dense1.weight`",
    ),
    "nesting": (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "its header is nested too deeply"),
    "digits": (b'{"a":' + b"9" * 100_000 + b"}", "its header is not JSON: exceeds the limit"),
    "commands": (
        json.dumps({"a\x1b[31m\n": {"dtype": "F32", "shape": [2], "data_offsets": [0, 0]}}).encode(),
        "`a\N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER}` of F32 [2] needs 8 bytes, its data_offsets have 0",
    ),
}


@pytest.mark.parametrize("name", HEADERS)
def test_hostile_headers(name: str, tmp_path: Path) -> None:
    header, said = HEADERS[name]
    safetensors(tmp_path, header)
    assert said in check(tmp_path).err


@pytest.mark.parametrize("length", [2**60, 2**64 - 1, LONGEST_HEADER + 1])
def test_a_header_that_claims_to_be_large(length: int, tmp_path: Path) -> None:
    safetensors(tmp_path, b"{}", length=length)
    said = f"its header would have {length:,} bytes, at most 16,777,216 are allowed"
    assert said in check(tmp_path).err


PICKLES: dict[str, tuple[bytes, str]] = {
    "dictionaries": (b"}" * 3_900_000 + b".", "it has no tensors by name"),
    "lists that are kept": (b"]\x94" * 1_900_000 + b".", "it has no tensors by name"),
    "tuples of tuples": (b"K\x01" + b"2\x86" * 1_900_000 + b".", "it has no tensors by name"),
    "digits": (b"L" + b"9" * 60_000_000 + b"L\n.", "its pickle is damaged"),
    "a large number": (b"\x8b" + struct.pack("<i", 60_000_000) + b"\x7f" * 60_000_000 + b".", "no tensors by name"),
    "more than is read": (bytes(99_999_998), "has 100,000,000 bytes, at most 67,108,864 are read"),
    "a command": (b"cposix\nsystem\n(S'touch gone'\ntR.", "it refers to `posix.system`, which is not part of a tensor"),
}


@pytest.mark.parametrize("name", PICKLES)
def test_hostile_pickles(name: str, tmp_path: Path) -> None:
    data, said = PICKLES[name]
    with zipfile.ZipFile(tmp_path / "w.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("w/data.pkl", b"\x80\x02" + data)
    assert said in check(tmp_path, file="w.pt").err
    assert not (tmp_path / "gone").exists()


# -- renaming -----------------------------------------------------------------------------------------

SLOW = [("a?" * 30 + "a" * 30, "a" * 30), (".*.*.*.*.*.*.*x", "a" * 400), (r"(.*)\.(.*)\.(.*)\.z", "." * 900)]


@pytest.mark.parametrize(("regex", "name"), SLOW, ids=range(3))
def test_rules_that_take_too_long_are_ended(regex: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renames, "SECONDS", 0.2)
    rules = renames.parse([f"{regex}=x"])
    with pytest.raises(click.UsageError, match=r"--rename takes more than 0\.2 seconds"), renames.timed():
        renames.renamed(name, rules)


def test_a_rule_that_takes_too_long_is_told(tmp_path: Path) -> None:
    regex, name = SLOW[1]
    safetensors(tmp_path, json.dumps({name: {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode(), 8)
    (tmp_path / "s.net").write_text(SPEC)
    outcome = netspec("check", "s.net", "--weights", "w.safetensors", "--rename", f"{regex}=x", folder=tmp_path)
    assert sound(outcome, seconds=renames.SECONDS + 2), outcome
    assert outcome.err.endswith(
        "Error: --rename takes more than 10 seconds: write a regular expression with fewer repeats\n"
    )
