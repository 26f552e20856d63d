"""Splitting channels into groups, shared by convolutions, group normalisation and channel shuffling."""

from __future__ import annotations

from math import gcd

from netspec.ir.dims import Dim
from netspec.problems.shapes import GroupsDoNotDivide


def split_channels(channels: Dim, groups: Dim, which: str = "channels", also: Dim = 0) -> Dim:
    """Channels per group. Raises GroupsDoNotDivide.

    also: what the groups must divide besides, for the numbers that a message proposes.
    """
    if channels % groups != 0:
        raise GroupsDoNotDivide(
            "groups", channels=channels, groups=groups, which=which, divisors=divisors(channels, also),
            compared=(channels % groups, "==", 0),
        )  # fmt: skip
    return channels // groups


def divisors(a: Dim, b: Dim) -> str:
    """The numbers that divide both sizes, in words; of many, the first few and the last."""
    common = gcd(a, b) if isinstance(a, int) and isinstance(b, int) else 1
    found = [str(d) for d in range(1, min(common, 4096) + 1) if common % d == 0]
    if len(found) > 8:
        return ", ".join([*found[:7], "...", str(common)])
    return " or ".join(filter(None, [", ".join(found[:-1]), found[-1]]))
