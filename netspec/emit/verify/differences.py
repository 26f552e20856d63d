"""How far tensors are apart, and whether a comparison of them proves anything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from netspec.emit.verify.findings import Difference

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_NOTHING = 1e-6  # an output that is nowhere larger has no scale


NO_DIFFERENCE = Difference(0.0, 0.0, 0.0, 0.0)


def difference(one: Array, other: Array) -> Difference:
    """How far two arrays of one shape are apart. NaN is equal to NaN and infinity to infinity."""
    import numpy as np

    a, b = np.asarray(one, np.float64), np.asarray(other, np.float64)
    if not a.size:
        return NO_DIFFERENCE
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.abs(a - b))
    apart = np.where(np.isnan(apart), np.inf, apart)  # a number and no number
    at = np.unravel_index(int(np.argmax(apart)), apart.shape)
    largest, scale = float(apart[at]), largest_of(a)
    relative = largest / scale if scale > 0 else 0.0 if largest == 0 else float("inf")
    return Difference(largest, relative, scale, largest_of(b), tuple(int(i) for i in at))


def largest_of(x: Array) -> float:
    """The largest absolute value of those that are finite."""
    import numpy as np

    finite = np.abs(x[np.isfinite(x)])
    return float(finite.max()) if finite.size else 0.0


def emptiness(outputs: Sequence[Array], depends: bool, tolerance: float) -> str:
    """Why numeric outputs [batch, ...] of several runs prove nothing, if they do not. `depends`: on the inputs."""
    import numpy as np

    arrays = [np.atleast_1d(np.asarray(x, np.float64)) for x in outputs]
    scale = max(map(largest_of, arrays))
    if scale < _NOTHING:
        return f"its largest element is {scale:.1e}"
    if all(x.size == 1 for x in arrays) and not depends:
        return ""
    rows = np.concatenate(arrays)
    rows = np.where(np.isfinite(rows), rows, 0.0)
    spread = np.ptp(rows, axis=0).max() if depends else np.ptp(rows)
    if spread <= tolerance * scale:
        what = "the inputs" if depends else "the elements"
        return f"it is nearly the same for all of {what}: {_number(rows.flat[0])}"
    return ""


def is_numeric(x: Array) -> bool:
    """Whether an output has a finite number and no NaN."""
    import numpy as np

    return bool(np.isfinite(x).any() and not np.isnan(x).any())


def _number(value: float) -> str:
    return f"{value:.4g}"
