"""Splitting channels into groups, shared by convolutions, group normalisation and channel shuffling."""

from __future__ import annotations

from netspec.ir.dims import Dim
from netspec.problems.shapes import GroupsDoNotDivide


def split_channels(channels: Dim, groups: int, which: str) -> Dim:
    """Channels per group. Raises GroupsDoNotDivide."""
    if channels % groups != 0:
        most = min(channels, 4096) if isinstance(channels, int) else 1
        fitting = [str(d) for d in range(1, most + 1) if channels % d == 0]
        if len(fitting) > 8:
            fitting = [*fitting[:7], "...", fitting[-1]]
        raise GroupsDoNotDivide(
            "groups", channels=channels, groups=groups, which=which, divisors=", ".join(fitting)
        )
    return channels // groups
