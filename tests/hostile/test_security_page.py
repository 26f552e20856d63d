"""docs/security.md: the tests that it names are there, and its bounds are those of the code."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from limited import CPU_SECONDS, MEMORY

from netspec import limits
from netspec.emit.running.arrays import LARGEST
from netspec.emit.running.images import FILE_BYTES, PIXELS
from netspec.emit.weights import renames
from netspec.emit.weights.elements import READ_BYTES
from netspec.emit.weights.npz import LONGEST_HEAD
from netspec.emit.weights.safetensors import LONGEST_HEADER

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and "::" in line]
NAMED = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)
MIB, GIB = 2**20, 2**30


@pytest.mark.parametrize(("path", "name"), NAMED, ids=[name for _, name in NAMED])
def test_what_proves_a_promise_is_there(path: str, name: str) -> None:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_promise_is_proven() -> None:
    assert len(ROWS) > 20
    for row in ROWS:
        *_, proof, _ = row.split(" |")
        assert re.fullmatch(r"( `tests/[\w/]+\.py::\w+`)+", proof), row
    assert PAGE.count("::") == len(NAMED)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("less than {} s of processor time", CPU_SECONDS),
        ("and {} MB, for texts", MEMORY // MIB),
        ("at most {} characters, with the files", limits.SPEC_TEXT),
        ("and {} of them are told", limits.DIAGNOSTICS),
        ("at most {}, all in the folder", limits.FILES),
        ("at most {} MiB and", limits.SOURCE_BYTES // MIB),
        ("MiB and {} nodes", limits.NODES),
        ("A header has at most {} MiB", LONGEST_HEADER // MIB),
        ("table of contents {} MiB", READ_BYTES // MIB),
        ("in pieces of {} MiB", READ_BYTES // MIB),
        ("rules together take at most {} s", renames.SECONDS),
        ("a head of at most {} bytes", LONGEST_HEAD),
        ("numbers of at most {} GiB", LARGEST // GIB),
        ("at most {} pixels", PIXELS),
        ("a file of at most {} MiB", FILE_BYTES // MIB),
        ("at most {} rows", limits.ROWS),
        ("listings | at most {} characters", limits.LISTING),
    ],
)
def test_bounds_are_those_of_the_code(text: str, value: int) -> None:
    assert text.format(f"{value:,}").lower() in PAGE.lower()
