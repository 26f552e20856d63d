"""Which layer can follow which: by the kinds of tensors that each was seen to take and to give.

A kind is an element type's family and a number of axes. Every layer is given inputs of every kind with random
arguments, and netspec's own rule says what comes out. A pair of layers is possible where the second takes a kind that
the first gives. Nothing is listed by hand.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from random import Random
from typing import NamedTuple

from covering import Coverage, Pair, all_pairs
from drawing import Drawer, layer_of
from writing import Arguments

from netspec.diagnostics import Problem
from netspec.ir.types import TensorType
from netspec.ops import find_layer, layer_names
from netspec.ops.base import output_types

Kind = tuple[str, int]
TRIES, KEPT, RANKS = 24, 8, 4
SIZES = (4, 6, 3, 8, 2, 5, 9, 1, 12, 7)


class Use(NamedTuple):
    """Arguments and inputs that a layer takes, and what it gives."""

    arguments: Arguments
    inputs: tuple[TensorType, ...]
    output: TensorType


class Known(NamedTuple):
    """What one layer takes first, what it takes beside that, and uses that give each kind."""

    first: frozenset[Kind]
    beside: frozenset[Kind]
    gives: dict[Kind, list[Use]]


def kind_of(x: TensorType) -> Kind:
    return ("bool" if x.dtype == "bool" else "int" if "int" in x.dtype else "float"), x.rank


def _inputs(draw: Random) -> list[TensorType]:
    return [
        TensorType(tuple(draw.choice(SIZES) for _ in range(rank)), dtype)
        for dtype in ("float32", "int64", "bool")
        for rank in range(RANKS + 1)
    ]


@cache
def known_of(name: str) -> Known:
    draw = Random(f"kinds {name}")
    drawer = Drawer(draw, Coverage())
    found = find_layer(name)
    assert found is not None
    least, most = found.inputs
    first: set[Kind] = set()
    beside: set[Kind] = set()
    gives: dict[Kind, list[Use]] = defaultdict(list)
    for number in range(TRIES):
        for x in _inputs(draw):
            try:
                arguments = drawer.arguments(name, x)
                layer = layer_of(name, arguments)
            except ValueError:
                continue
            inputs = (x,) if least else ()
            more = least and most != 1 and (least > 1 or number % 2)
            count = draw.randint(max(least, 2), most or 3) if more else least
            if count == 2 and draw.random() < 0.3:
                inputs = (x, draw.choice(_inputs(draw)))
            else:
                for place in range(1, count):
                    shape = drawer.other_shape(name, dict(arguments), x, place)
                    inputs = (*inputs, TensorType(shape, draw.choice([x.dtype, x.dtype, "float32", "bool", "int64"])))
            try:
                outputs = output_types(layer, inputs)
            except (Problem, ArithmeticError, LookupError, TypeError):
                continue
            if inputs:
                first.add(kind_of(inputs[0]))
            beside.update(map(kind_of, inputs[1:]))
            if len(gives[kind_of(outputs[0])]) < KEPT:
                gives[kind_of(outputs[0])].append(Use(arguments, inputs, outputs[0]))
    return Known(frozenset(first), frozenset(beside), dict(gives))


@cache
def possible_pairs() -> frozenset[Pair]:
    """The pairs of which the second takes, at one of its places, a kind that the first gives."""
    known = {name: known_of(name) for name in layer_names()}
    return frozenset((a, b) for a, b in all_pairs() if known[a].gives.keys() & (known[b].first | known[b].beside))


@cache
def takers(kind: Kind) -> tuple[str, ...]:
    """The layers that take a kind as what flows in."""
    return tuple(name for name in layer_names() if kind in known_of(name).first)
