"""A size that is written reads back as itself."""

from __future__ import annotations

import pytest

from netspec.ir.dims import Dim, maximum, symbol
from netspec.ir.dimtext import parse

H, W = symbol("H"), symbol("W")


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (-H, "-H"),
        (-(H // 2), "-(H // 2)"),  # -H // 2 is floor(-H / 2)
        (-2 * (H // 2), "-2*(H // 2)"),
        (H - (H + 1) // 2, "H - (H + 1) // 2"),
        (-(H // 2) * (W // 2), "-(H // 2)*(W // 2)"),
        (-maximum(H, W), "-max(H, W)"),
        (5 - H // 2, "-(H // 2) + 5"),
    ],
)
def test_reads_back(size: Dim, text: str) -> None:
    assert str(size) == text
    assert parse(text) == size
