"""A net made small while something about it stays so."""

from __future__ import annotations

import time
from collections.abc import Callable

from growing import compiled
from writing import Net, smaller, text_of


def reduced(net: Net, still: Callable[[str], bool], until: float = float("inf"), seconds: float = 60) -> Net:
    """The smallest sound net found of which `still` holds, by taking away what can be."""
    until = min(until, time.time() + seconds)
    progress = True
    while progress and time.time() < until:
        progress = False
        for less in smaller(net):
            text = text_of(less)
            if time.time() > until:
                break
            try:
                holds = len(text) < len(text_of(net)) + 4 and compiled(text).sound and still(text)
            except Exception:  # netspec itself fails: another mistake
                continue
            if holds:
                net, progress = less, True
                break
    return net
