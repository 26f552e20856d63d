"""The parts of generated torch code: classes for what `torch.nn` lacks, one to a file, read as text.

netspec imports none of them, because they import torch. A file is named as its class, `PaddedConv2d` in
padded_conv2d.py. A name that ends in 2d stands for 1d and 3d too: the text is the same but for that.
"""

from __future__ import annotations

import os
import re

from netspec.ops.plugins import part_folders

_FOLDER = os.path.dirname(os.path.abspath(__file__))


def part_names(code: str) -> list[str]:
    """The parts that code calls or has as a base class, and before each those that it uses itself."""
    names: list[str] = []
    for name in re.findall(
        r"(?<![\w.])(?<!class )(?<!def )[A-Za-z_]\w*(?=\()|(?<=\()[A-Z]\w*(?=\):\n)",
        code,
    ):
        if name not in names and _file(name):
            names += [inner for inner in part_names(_text(name)) if inner not in names]
            names.append(name)
    return names


def part(name: str) -> str:
    """The text of a part, without the imports: `import torch`, `import torch.nn.functional as F` and
    `from torch import Tensor, nn` are to stand before it."""
    text = _text(name)
    axes = re.search(r"[13]d$", name)
    if axes is None:
        return text
    sizes = ", ".join(["int"] * int(axes[0][0]))
    return text.replace("2d", axes[0]).replace("| tuple[int, int]", f"| tuple[{sizes}]")


def _text(name: str) -> str:
    """What a file defines, as it stands there."""
    path = _file(name)
    if path is None:
        raise LookupError(f"there is no part {name}")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    return text.split("\n\n\n", 1)[1].rstrip()  # imports stand above


def _file(name: str) -> str | None:
    """The file of a part, or None if there is none."""
    stem = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", re.sub(r"[13]d$", "2d", name)).lower()
    paths = (
        os.path.join(folder, stem + ".py") for folder in (_FOLDER, *part_folders())
    )
    return None if stem.startswith("__") else next(filter(os.path.isfile, paths), None)
