"""What other folders of tests know of layers and nets can be imported here."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

TESTS = Path(__file__).parent.parent
sys.path += [str(TESTS / folder) for folder in ("analysis", "ops", "specs", "torch")]

torch.set_num_threads(1)  # the nets are small, and pytest -n takes the cores
