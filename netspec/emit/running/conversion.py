"""Element types: given numbers as the type that an input takes, where nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netspec.emit.running.arrays import LARGEST, Given
from netspec.emit.running.ports import Port
from netspec.emit.running.refusal import Refused
from netspec.emit.style import size_text

if TYPE_CHECKING:
    import numpy as np


def check_dtype(port: Port, given: Given) -> None:
    """Whether the element type can be converted at all. Raises Refused."""
    import numpy as np

    wanted, has = supported(port), given.dtype
    if has.kind == "c" or (wanted.kind == "b" and has.kind != "b"):
        raise Refused(f"{port.name} is {port.dtype}; {given.source} is {has.name}, which is not converted")
    if has.kind == "f" and wanted.kind in "iu":
        remedy = f'convert it first, as x.astype("{port.dtype}")'
        raise Refused(f"{port.name} is {port.dtype}; {given.source} is {has.name}, which may have fractions: {remedy}")
    bytes_of = np.prod([float(size) for size in given.shape]) * wanted.itemsize
    if bytes_of > LARGEST:
        raise Refused(f"{given.source} is too large as {port.dtype}: at most {size_text(LARGEST)} can be given")


def supported(port: Port) -> np.dtype[Any]:
    """The type that an input takes. Raises Refused where numpy has none for it."""
    import numpy as np

    try:
        dtype = np.dtype(port.dtype)
    except TypeError:
        dtype = np.dtype(object)
    if dtype.kind not in "biuf":
        raise Refused(f"{port.name} is {port.dtype}, of which no input can be given")
    return dtype


def converted(port: Port, given: Given) -> tuple[np.ndarray[Any, Any], str]:
    """The numbers as the input takes them, and what was done. Raises Refused where something would be lost."""
    import numpy as np

    wanted, array = supported(port), given.read()
    if array.dtype == wanted:
        _check_rows(port, given, array)
        return np.ascontiguousarray(array), ""
    with np.errstate(all="ignore"):
        made = np.ascontiguousarray(array, wanted)
    if array.dtype.kind == "f":
        lost = bool((np.isfinite(array) & ~np.isfinite(made)).any())
    else:
        lost = array.dtype.kind in "iu" and not _within(array, wanted)
    if lost:
        has = f"{given.source} is {array.dtype.name} with numbers that {port.dtype} does not have"
        raise Refused(f"{port.name} is {port.dtype}; {has}")
    _check_rows(port, given, made)
    return made, f"{array.dtype.name} as {port.dtype}" if array.dtype.name != port.dtype else ""


def _within(array: np.ndarray[Any, Any], wanted: np.dtype[Any]) -> bool:
    """Whether integers are in the range in which a type has all of them."""
    import numpy as np

    if not array.size:
        return True
    if wanted.kind == "f":
        most = 2 ** (np.finfo(wanted).nmant + 1)
        least = -most
    else:
        bounds = np.iinfo(wanted)
        least, most = int(bounds.min), int(bounds.max)
    return bool(least <= array.min() and array.max() <= most)


def _check_rows(port: Port, given: Given, array: np.ndarray[Any, Any]) -> None:
    """Whether integers are rows of the table that they choose from. Raises Refused."""
    if port.rows is None or not array.size:
        return
    least, most = int(array.min()), int(array.max())
    if least < 0 or most >= port.rows:
        wrong = least if least < 0 else most
        rows = f"0 to {port.rows - 1:,}"
        raise Refused(f"{given.source} has {wrong:,}; the embedding that {port.name} feeds has the rows {rows}")
