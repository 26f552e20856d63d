"""Random nets can be imported here; and what rules say is not remembered from test to test."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from netspec.analysis import totals
from netspec.ops import base

sys.path.append(str(Path(__file__).parent.parent / "analysis"))

torch.set_num_threads(1)  # the nets are small, and pytest -n takes the cores


@pytest.fixture
def forgetful() -> Iterator[None]:
    """Rules are asked anew, because one of them is changed."""
    base._outputs.clear()
    totals._layers.clear()
    yield
    base._outputs.clear()
    totals._layers.clear()
