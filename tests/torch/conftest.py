"""What other folders of tests know of nets can be imported here: flat nets, random nets, mirrors of torchvision."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

TESTS = Path(__file__).parent.parent
sys.path += [str(TESTS / "analysis"), str(TESTS / "specs")]

torch.set_num_threads(1)  # the nets are small, and pytest -n takes the cores
