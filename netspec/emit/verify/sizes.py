"""Values of the symbols of a net: at which sizes a symbolic net is compared."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

from netspec.analysis.unrolled import Unrolled
from netspec.driver import Compilation
from netspec.emit.unrolling import unrolled
from netspec.emit.verify.findings import Stop, Trouble, at_layer, sizes_text
from netspec.ir.dims import Dim, Expr, TooManyTerms, substitute
from netspec.ir.types import TensorType

_CANDIDATES = (32, 33, 47, 64, 65, 97, 128, 224, 225, 16, 10, 7, 5, 3, 2, 1, 320, 572)
_ENOUGH = 5
_DRAWN = 20  # sizes that are tried


class Case(NamedTuple):
    """A net at sizes that are numbers. `net`: written out."""

    sizes: dict[str, int]
    made: Compilation
    net: Unrolled


def symbols_of(made: Compilation) -> list[str]:
    """The symbols of a net's inputs."""
    found: dict[str, None] = {}
    for item in made.network.inputs if made.network is not None else ():
        for size in item.type.shape:
            if isinstance(size, Expr):
                found.update(dict.fromkeys(sorted(size.symbols)))
    return list(found)


def usual(made: Compilation, symbols: list[str]) -> dict[str, int]:
    """The values that the spec gives to symbols, if to all of them."""
    concrete = Compilation(made.source, made.name, made.settings)
    if made.network is None or concrete.network is None or not concrete.sound:
        return {}
    found = {}
    for item, other in zip(made.network.inputs, concrete.network.inputs, strict=True):
        for size, value in zip(item.type.shape, other.type.shape, strict=True):
            if isinstance(size, Expr) and size.name is not None and isinstance(value, int):
                found[size.name] = value
    return {name: found[name] for name in symbols} if set(found) >= set(symbols) else {}


def cases(made: Compilation, net: Unrolled, seed: int) -> list[Case]:
    """The net at the sizes at which it is compared: as it is, or at values of its symbols. Raises Stop."""
    symbols = symbols_of(made)
    if not symbols:
        return [Case({}, made, net)]
    found: list[Case] = []
    for sizes in _assignments(made, symbols, seed):
        other = Compilation(made.source, made.name, {**made.settings, **sizes})
        if other.sound and other.network is not None:
            found.append(Case(sizes, other, unrolled(other)))
            if len(found) == _ENOUGH:
                break
    if not found:
        names = " ".join(f"--set {name}=..." for name in symbols)
        raise Stop(Trouble("refused", f"no sizes were found at which it is sound: give some, {names}"))
    return found


def _assignments(made: Compilation, symbols: list[str], seed: int) -> Iterator[dict[str, int]]:
    """The usual sizes, the smallest, and random ones; then some that are likely to fit where these do not."""
    given = usual(made, symbols)
    count = len(_CANDIDATES)
    different = [{s: _CANDIDATES[(k + j) % count] for j, s in enumerate(symbols)} for k in range(count)]
    equal = [dict.fromkeys(symbols, size) for size in _CANDIDATES]
    tried: list[dict[str, int]] = []
    for sizes in [*([given] if given else []), *_random(made, symbols, given, seed), *different, *equal]:
        if sizes not in tried:
            tried.append(sizes)
            yield sizes


def _random(made: Compilation, symbols: list[str], given: dict[str, int], seed: int) -> Iterator[dict[str, int]]:
    """The smallest sizes at which all layers fit, and random ones from there to a few dozen more, or the usual ones."""
    ranges = made.ranges
    if ranges is None or any(name not in ranges.symbols for name in symbols):
        return
    draw = random.Random(seed)
    fitting: dict[str, list[int]] = {}
    for name in symbols:
        found = ranges.symbols[name]
        most = max(found.least + 48, given.get(name, 0))
        most = most if found.most is None else min(most, found.most)
        fitting[name] = [n for n in range(found.least, most + 1) if found.fits.met(n)]
    if all(fitting.values()):
        yield {name: sizes[0] for name, sizes in fitting.items()}
        for _ in range(_DRAWN):
            yield {name: draw.choice(sizes) for name, sizes in fitting.items()}


def check_formulas(made: Compilation, net: Unrolled, case: Case) -> list[Trouble]:
    """Where the formulas of a symbolic net give other figures than the net at these sizes."""
    if not case.sizes:
        return []
    where = sizes_text(case.sizes)
    paths, others = [step.path for step in net.steps], [step.path for step in case.net.steps]
    if paths != others:
        return [Trouble("shapes", f"the symbolic net has other layers than the net{where}")]
    for step, concrete in zip(net.steps, case.net.steps, strict=True):
        for formula, type in zip(step.outputs, concrete.outputs, strict=True):
            shape = tuple(_value(size, case.sizes) for size in formula.shape)
            if TensorType(shape, formula.dtype) != type:
                text = f"the formula {formula} of `{step.path}` gives {list(shape)}{where}, where the net has {type}"
                return [at_layer(made, step, "shapes", text)]
    return _totals(made, case, where)


def _totals(made: Compilation, case: Case, where: str) -> list[Trouble]:
    symbolic, concrete = made.totals, case.made.totals
    if symbolic is None or concrete is None:
        return []
    found = []
    for kind, one, other in (("params", symbolic.params, concrete.params), ("MACs", symbolic.macs, concrete.macs)):
        value = _value(one, case.sizes)
        if value != other:
            text = f"the formula of the {kind} gives {value:,}{where}, where the net has {other:,}"
            found.append(Trouble("params" if kind == "params" else "MACs", text))
    return found


def _value(size: Dim, sizes: dict[str, int]) -> Dim:
    try:
        return substitute(size, dict(sizes))
    except TooManyTerms:
        return size
