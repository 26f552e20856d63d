"""Random arguments of a layer, mostly legal ones, by the types of its fields and what flows in.

It draws from anything with the methods of `random.Random`. It knows which sizes make a rule interesting: 1, one less
and one more than a size that is there, divisors, multiples, primes.
"""

from __future__ import annotations

import types
from collections.abc import Sequence
from functools import cache
from random import Random
from typing import Any, Literal, Union, get_args, get_origin

from covering import Coverage
from writing import Arguments, Written

from netspec.ir.types import TensorType
from netspec.ops import find_layer
from netspec.ops.base import Layer

PRIMES = (2, 3, 5, 7, 11, 13)


def known(size: Any, otherwise: int = 6) -> int:
    return size if isinstance(size, int) else otherwise


def divisors(size: int) -> list[int]:
    return [n for n in range(1, min(size, 64) + 1) if size % n == 0] or [1]


def product(sizes: Sequence[Any]) -> Any:
    total = 1
    for size in sizes:
        total = total * size
    return total


@cache
def fields(name: str) -> dict[str, Any]:
    layer = find_layer(name)
    assert layer is not None
    return {key: (field.annotation, field.is_required(), field.metadata) for key, field in layer.model_fields.items()}


def plain(value: Any) -> Any:
    """A value without how it is written."""
    if isinstance(value, Written):
        return value.value
    return tuple(map(plain, value)) if isinstance(value, tuple) else value


def layer_of(name: str, arguments: Arguments) -> Layer:
    found = find_layer(name)
    assert found is not None
    return found(**{key: plain(value) for key, value in arguments})


class Drawer:
    def __init__(self, draw: Random, done: Coverage) -> None:
        self.draw = draw
        self.done = done

    def other_shape(self, name: str, arguments: dict[str, Any], x: TensorType, place: int) -> tuple[int, ...]:
        """A shape for another input of a layer: one that may fit."""
        draw = self.draw
        sizes = tuple(known(size) for size in x.shape)
        if name in ("rnn", "gru", "lstm"):
            rows = arguments.get("layers", 1) * (2 if arguments.get("bidirectional") else 1)
            width = arguments.get("proj", arguments["hidden"]) if place == 1 else arguments["hidden"]
            return (width,) if rows == 1 else (rows, width)
        if name == "matmul" and sizes:
            other = draw.choice([1, 2, 3, 5])
            last = (other, sizes[-1]) if arguments.get("transpose") else (sizes[-1], other)
            return (*sizes[:-2], *last) if draw.random() < 0.3 else last
        if name == "attention" and sizes:
            if arguments.get("mask") and (place == 2 or draw.random() < 0.7):
                return draw.choice([(sizes[0], sizes[0]), (sizes[0],), (1, sizes[0], sizes[0])])
            return (draw.choice([sizes[0], 3]), draw.choice([sizes[-1], 5]))
        if name == "relativebias" and sizes:
            return (draw.choice([1, 3, 5]), 4)
        at = draw.random()
        if not sizes or at < 0.4:
            return sizes
        axis = draw.randrange(len(sizes))
        if at < 0.6:
            return (*sizes[:axis], 1, *sizes[axis + 1 :])
        if at < 0.75:
            return sizes[1:]
        return (*sizes[:axis], sizes[axis] + draw.choice([1, -1, 2]) or 1, *sizes[axis + 1 :])

    # -- arguments --------------------------------------------------------------------------------------

    def arguments(self, name: str, x: TensorType) -> Arguments:
        found: dict[str, Any] = {}
        for key, (annotation, required, metadata) in fields(name).items():
            if not required and self.draw.random() > self.done.chance(name, key):
                continue
            value = self.special(name, key, x, found)
            if value is None:
                value = self.value(annotation, x, metadata)
            if value is not None:
                found[key] = value
        if name == "attention" and self.draw.random() < 0.25:  # most of the others do not go with it
            kept = ("heads", "causal", "bias", "dropout", "mask")
            found = {**{key: value for key, value in found.items() if key in kept}, "packed": True}
        return tuple(found.items())

    def special(self, name: str, key: str, x: TensorType, found: dict[str, Any]) -> Any:
        """Arguments that random ones would seldom fit."""
        draw, sizes = self.draw, tuple(known(size) for size in x.shape)
        rank = len(sizes)
        axes = max(rank - 1, 1)
        if key == "init":
            return self.init() if name != "scale" else draw.choice([0.5, 1.0, 1e-6])
        if (name, key) == ("param", "shape"):
            return sizes
        if (name, key) == ("param", "dtype"):
            return "float32"  # layers with weights of their own take no other yet
        if (name, key) == ("constant", "value"):
            return self.numbers(sizes) if product(sizes) <= 60 else None
        if (name, key) == ("reshape", "shape"):
            return self.factors(x)
        if (name, key) == ("permute", "axes"):
            return tuple(draw.sample(range(rank), rank))
        if (name, key) == ("split", "parts"):
            first = sizes[0] if sizes else 1
            if draw.random() < 0.5 and first > 1:
                part = draw.randint(1, first - 1)
                return (part, first - part)
            return draw.choice(divisors(first))
        if (name, key) == ("slice", "axis"):
            return draw.choice([*range(rank), -1]) if rank else 0
        if name == "slice" and key in ("start", "stop"):
            size = sizes[found["axis"]] if rank else 1
            return draw.choice(
                [0, 1, size // 2, size - 1, -1, -size, size] if key == "start" else [size, size - 1, 1, -1]
            )
        if key == "axes" and name == "reduce":
            return draw.choice([0, -1, tuple(sorted(draw.sample(range(rank), draw.randint(1, rank))))]) if rank else 0
        if key in ("axis", "start") and name != "slice":
            return draw.choice([-1, *range(rank + 1)])
        if key in ("groups", "heads", "kv_heads") and draw.random() < 0.2:  # which mostly divides nothing
            return draw.choice(PRIMES)
        if key == "groups":
            return draw.choice(divisors(sizes[0])) if sizes else 1
        if key == "heads" or (name, key) == ("attention", "kv_heads"):
            width = max(sizes[-1] if key == "heads" and sizes else found.get("heads", 1), 1)
            return draw.choice(divisors(width))
        if name == "conv" and key == "connect" and sizes:
            return tuple(
                tuple(sorted(draw.sample(range(sizes[0]), draw.randint(1, sizes[0])))) for _ in range(found["out"])
            )
        if key == "weight" and sizes:
            if name == "dense":
                shape: tuple[int, ...] = (found["out"], sizes[-1])
            else:
                k = found["k"] if isinstance(found["k"], tuple) else (found["k"],) * axes
                inner = (found["out"], max(sizes[0] // max(found.get("groups", 1), 1), 1))
                shape = (*inner, *k) if draw.random() < 0.7 else k
            return self.numbers(shape) if product(shape) <= 200 else None
        if key == "pad" and name != "upconv":
            if draw.random() < 0.25:
                return "same"
            if draw.random() < 0.4:  # of two numbers, before and after
                return tuple((draw.choice([0, 1, 1, 2]), draw.choice([0, 1, 2])) for _ in range(axes))
        if (
            key in ("k", "stride", "dilation", "scale", "size")
            and draw.random() < 0.6
            and name not in ("upsample", "attention", "lrn")
        ):
            at = draw.choice(sizes[1:] or (3,))
            return draw.choice([2, 3, 1, at, max(at - 1, 1), at + 1] if key != "dilation" else [2, 1, 3])
        if key in ("out", "hidden", "dim", "proj"):
            first = sizes[0] if sizes else 4
            return draw.choice([4, 8, 6, 3, 12, 1, 9, first, 2 * first])
        if key in ("dropout", "p", "eps", "momentum", "alpha", "beta", "slope", "value", "threshold", "bound"):
            return draw.choice([0.1, 0.5, 0.01, 0.25, 0.75] + ([1.0, 2.0] if key in ("alpha", "beta", "value") else []))
        if (name, key) == ("position", "max_length"):
            return draw.choice([sizes[0], sizes[0] + 1, 16, max(sizes[0] - 1, 1)]) if sizes else 3
        if (name, key) == ("attention", "rope_scaling"):
            return draw.choice([2, 1.5, ("llama3", 8, 1.0, 4.0, 16), ("llama3", 2, 0.5, 2.0, 8)])
        if (name, key) == ("attention", "rope"):
            return draw.choice([10_000, 500_000, 100.0, 0])
        if key == "vocab":
            return draw.choice([10, 5, 3, 1, 17])
        if (name, key) in (("hardtanh", "low"), ("rrelu", "low")):
            return draw.choice([0.1, 0.0, 0.2])
        if key == "high":
            return draw.choice([0.3, 1.0, 6.0])
        if (name, key) == ("crop", "size"):
            return draw.choice([1, 2, 3, *(tuple(max(s - draw.choice([0, 1, 2]), 1) for s in sizes[1:]),) * 3])
        return None

    def value(self, annotation: Any, x: TensorType, metadata: Sequence[Any] = ()) -> Any:
        """A value of a type, not always a legal one."""
        draw = self.draw
        origin, inside = get_origin(annotation), get_args(annotation)
        if annotation is bool:
            return draw.random() < 0.7
        if annotation is int:
            return self.integer(x)
        if annotation is float:
            return draw.choice([0.5, 1.0, 0.1, 2.0, 1.5, 0.7, 0.01, 3.0])
        if origin is Literal:
            return draw.choice(list(inside))
        if origin in (Union, types.UnionType):
            return self.value(draw.choice([part for part in inside if part is not type(None)]), x)
        if origin is tuple and inside[1:] == (...,):
            count = max(x.rank - 1, 1) if draw.random() < 0.9 else draw.randint(1, 3)
            return tuple(self.value(inside[0], x) for _ in range(count))
        if origin is tuple:
            return tuple(self.value(part, x) for part in inside)
        if hasattr(annotation, "__metadata__"):
            return self.value(inside[0], x)
        return None

    def integer(self, x: TensorType) -> int:
        draw = self.draw
        at = draw.random()
        if at < 0.65:
            return draw.choice([1, 2, 3, 2, 1, 4, 0])
        if at < 0.8:
            return draw.choice(PRIMES)
        size = known(draw.choice(x.shape)) if x.shape else 3
        return draw.choice([size, size - 1, size + 1, 2 * size, draw.choice(divisors(size))])

    def init(self) -> Any:
        return self.draw.choice(
            ["zeros", "ones", "normal", ("normal", 0.02), ("uniform", -0.1, 0.1), "xavier", "kaiming", 0.5]
        )

    def numbers(self, shape: Sequence[int]) -> Any:
        if not shape:
            return self.draw.choice([1, 2, -1, 0.5, 3])
        return tuple(self.numbers(shape[1:]) for _ in range(shape[0]))

    def factors(self, x: TensorType) -> tuple[int, ...]:
        draw, left = self.draw, known(x.elements, 0)
        if not left:
            return (draw.choice([1, 2, 4]), -1)
        found = []
        for _ in range(draw.randint(0, 3)):
            found.append(draw.choice(divisors(left)))
            left //= found[-1]
        found.append(left)
        draw.shuffle(found)
        if draw.random() < 0.3:
            found[draw.randrange(len(found))] = -1
        return tuple(found)
