"""The outputs of a run: a table, the largest entries, a file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from netspec.emit.running.ports import shape_text
from netspec.emit.style import paint, printable, width

if TYPE_CHECKING:
    import numpy as np

_SAMPLES = 10  # of which the largest entries are shown
_NAME = 100  # characters of a member's name


def is_numbers(value: Any) -> bool:
    """Whether an output is an array of numbers, and no sequence, map or texts."""
    import numpy as np

    return isinstance(value, np.ndarray) and value.dtype.kind in "biuf"


def table(outputs: Mapping[str, Any], color: bool = False) -> str:
    """A line for each output: name, shape, element type, least, mean and largest element."""
    rows = [["output", "shape", "dtype", "min", "mean", "max"]]
    rows += [[printable(name), *_described(value)] for name, value in outputs.items()]
    return "\n".join(_laid_out(rows, "lllrrr", color))


def _described(value: Any) -> list[str]:
    import numpy as np

    if not isinstance(value, np.ndarray):
        return ["-", "no tensor", "-", "-", "-"]
    shape, dtype = shape_text(value.shape), value.dtype.name
    if not is_numbers(value) or not value.size:
        return [shape, dtype if is_numbers(value) else "text", "-", "-", "-"]
    with np.errstate(all="ignore"):
        mean = value.mean(dtype=np.float64)
    return [shape, dtype, *(figure(number) for number in (value.min(), mean, value.max()))]


def figure(number: Any) -> str:
    """A number with four digits, and an integer with all of its own."""
    import numpy as np

    if isinstance(number, (np.integer, np.bool_)):
        return str(int(number))
    return f"{float(number):#.4g}" if number else "0"


def _laid_out(rows: Sequence[Sequence[str]], sides: str, color: bool) -> Iterator[str]:
    """Lines of columns, each on its left or right side; the first is a head."""
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    for index, row in enumerate(rows):
        cells = []
        for cell, cells_wide, side in zip(row, widths, sides, strict=True):
            gap = " " * (cells_wide - width(cell))
            cells.append(gap + cell if side == "r" else cell + gap)
        line = "  ".join(cells).rstrip()
        yield paint(line, "dim", color) if index == 0 else line


# -- the largest entries --------------------------------------------------------------------------------


def largest(name: str, value: np.ndarray[Any, Any], top: int, samples: int, color: bool = False) -> str:
    """The largest entries of each sample of an output, with their shares by softmax where it is a vector."""
    per_sample = value if value.ndim and value.shape[0] == samples else value[None]
    count = per_sample[0].size
    shares = value.dtype.kind == "f" and per_sample.ndim == 2 and not _is_distribution(per_sample)
    rows = [["sample", "entry", "value", *(["softmax"] if shares else [])]]
    for number, sample in enumerate(per_sample[:_SAMPLES]):
        rows += [[str(number), *cells] for cells in _entries(sample, top, shares)]
    title = f"{printable(name)}: the {min(top, count):,} largest of {count:,}" if count > 1 else f"{printable(name)}:"
    lines = [title, *_laid_out(rows, "r" * len(rows[0]), color)]
    if len(per_sample) > _SAMPLES:
        lines.append(f"... and {len(per_sample) - _SAMPLES:,} more samples")
    return "\n".join(lines)


def _entries(sample: np.ndarray[Any, Any], top: int, shares: bool) -> Iterator[list[str]]:
    import numpy as np

    flat = sample.reshape(-1)
    values = flat.astype(np.float64)
    order = np.argsort(-np.where(np.isnan(values), -np.inf, values), kind="stable")[:top]
    with np.errstate(all="ignore"):
        powers = np.exp(values - values.max()) if shares else values
        share = powers / powers.sum() if shares else values
    for at in order:
        place = [int(i) for i in np.unravel_index(at, sample.shape)]
        entry = str(place[0]) if len(place) == 1 else str(place)
        yield [entry, figure(flat[at]), *([f"{share[at]:.1%}"] if shares else [])]


def _is_distribution(value: np.ndarray[Any, Any]) -> bool:
    """Whether every sample is one already, so that its softmax would mislead."""
    import numpy as np

    sums = value.sum(1, dtype=np.float64)
    return bool((value >= 0).all() and (abs(sums - 1) < 1e-3).all())


# -- a file ---------------------------------------------------------------------------------------------


def member_names(names: Sequence[str]) -> dict[str, str]:
    """A name in a .npz file for each output: no path, no control character, and no two alike where case is not told."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        safe = re.sub(r"[^\w.-]+", "_", name)[:_NAME].lstrip(".") or "output"
        safe = f"{safe}_" if safe.endswith(".npy") else safe
        number, member = 1, safe
        while member.lower() in taken:
            number += 1
            member = f"{safe}_{number}"
        taken.add(member.lower())
        found[name] = member
    return found


def write_npz(file: BinaryIO, outputs: Mapping[str, np.ndarray[Any, Any]]) -> dict[str, str]:
    """Write arrays as the members of a .npz file, the same bytes each time. Returns their names."""
    from numpy.lib import format as npy_format

    names = member_names(list(outputs))
    with ZipFile(file, "w", ZIP_STORED, allowZip64=True) as archive:
        for name, array in outputs.items():
            with archive.open(ZipInfo(f"{names[name]}.npy"), "w", force_zip64=True) as member:
                npy_format.write_array(member, array, allow_pickle=False)
    return names
