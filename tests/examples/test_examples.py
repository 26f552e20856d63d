"""The examples run, and print what they promise."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_sweep_widths(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLES / "sweep_widths.py"), run_name="__main__")
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "61 of 256 variants have at most 300,000 parameters and 40,000,000 MACs; the largest:",
        "  width 11  depth 6    267,497 parameters    39,458,232 MACs",
        "  width 12  depth 5    263,302 parameters    38,965,728 MACs",
        "  width 10  depth 7    259,380 parameters    38,164,880 MACs",
        "  width 28  depth 1    236,694 parameters    37,704,800 MACs",
        "  width 19  depth 2    246,649 parameters    37,492,472 MACs",
    ]
