"""Random sound nets, grown statement by statement.

A statement is a layer with random arguments, or a group, repeat, merge, block or reuse of such. netspec itself says
what the value is so far and whether it takes the next statement: the generator knows no type rule. It knows which
sizes make a rule interesting: 1, one less and one more than a size that is there, divisors, multiples, primes.

It draws from anything with the methods of `random.Random`: a seed gives volume, hypothesis small failures.
"""

from __future__ import annotations

import traceback
import types
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from random import Random
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin

from covering import Coverage
from writing import Body, Call, Declared, Entry, Group, Net, Repeat, Statement, text_of

from netspec.driver import Compilation
from netspec.ir.types import TensorType
from netspec.ops import find_layer, layer_names
from netspec.ops.base import Layer
from netspec.source import SourceFile

ELEMENTS, PARAMETERS, MACS = 4_000, 30_000, 2_000_000  # the most of a value, of a net, of a net
TRIES = 6
SOURCES = ("param", "constant")
MERGES = ("add", "mul", "concat", "sub", "div", "mean", "max", "min", "stack")
PRIMES = (2, 3, 5, 7, 11, 13)

Arguments = tuple[tuple[str, Any], ...]


class Refused(NamedTuple):
    """A layer that netspec does not take, with the inputs that it had."""

    name: str
    arguments: Arguments
    inputs: tuple[TensorType, ...]
    code: str


def compiled(net: Net | str) -> Compilation:
    return Compilation(SourceFile("random.net", net if isinstance(net, str) else text_of(net)))


def output_of(made: Compilation) -> TensorType | None:
    """The type of the first output of a sound net."""
    if made.network is None or not made.sound:
        return None
    root = made.network.root
    return made.types[root.name][next(iter(root.outputs.values()))]


def known(size: Any, otherwise: int = 6) -> int:
    return size if isinstance(size, int) else otherwise


@cache
def fields(name: str) -> dict[str, Any]:
    layer = find_layer(name)
    assert layer is not None
    return {key: (field.annotation, field.is_required(), field.metadata) for key, field in layer.model_fields.items()}


class Grower:
    def __init__(self, draw: Random, seen: Coverage | None = None, done: Coverage | None = None) -> None:
        self.draw = draw
        self.seen = seen or Coverage()  # by everything that was tried
        self.done = done or Coverage()  # by the nets before this one
        self.refused: list[Refused] = []
        self.crashed: dict[str, str] = {}  # by the place of the fault, the text that brings it about
        self.names = 0
        self.blocks: list[tuple[str, Body]] = []

    def fresh(self, kind: str) -> str:
        self.names += 1
        return f"{kind}{self.names}"

    def compiled(self, net: Net) -> tuple[Compilation, TensorType | None]:
        """A net and its output. One at which netspec fails is remembered."""
        made = compiled(net)
        try:
            return made, output_of(made)
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            self.crashed.setdefault(f"{type(error).__name__} in {last.name}: {last.line}", text_of(net))
            return made, None

    # -- nets -------------------------------------------------------------------------------------------

    def net(self, statements: int | None = None) -> Net:
        inputs = self.entries()
        values = {entry.name: output_of(compiled(Net((entry,), ()))) for entry in inputs}

        def make(body: Body) -> Net:
            return Net(inputs, body, (), tuple(self.blocks))

        count = statements or self.draw.randint(2, 12)
        body = self.body((), {k: v for k, v in values.items() if v is not None}, count, 2, make)
        net = make(body)
        labels = [s.label for s in body if isinstance(s, Call) and s.label]
        if labels and self.draw.random() < 0.3:
            returned = Net(
                inputs, (*body, Call("identity", label="last")), ("last", self.draw.choice(labels)), net.blocks
            )
            if compiled(returned).sound:
                return returned
        return net

    def net_of(self, name: str, more: int = 0) -> Net:
        """A net that begins with a layer, in a form that has been seen the least of some."""
        best: tuple[int, tuple[Entry, ...], Body] | None = None
        for _ in range(4 * TRIES):
            inputs = self.entries()
            values = {entry.name: output_of(compiled(Net((entry,), ()))) for entry in inputs}
            x = values[inputs[0].name]
            assert x is not None
            for _ in range(TRIES):
                body = self.layer(name, x, {key: v for key, v in values.items() if v is not None})
                made, y = self.compiled(Net(inputs, body))
                if y is None:
                    self.note(body, x, {key: v for key, v in values.items() if v is not None}, made)
                elif self.is_small(made, y):
                    news = self.done.news(name, dict(body[-1].arguments)) if isinstance(body[-1], Call) else 0
                    if best is None or news > best[0]:
                        best = (news, inputs, body)
                    if best[0] >= min(3, self.done.lacking(name)):
                        break
            if best is not None and best[0] >= min(3, self.done.lacking(name)):
                break
        if best is None:
            return self.net(1)
        _, inputs, body = best
        rest = self.body(body, {}, more, 1, lambda body: Net(inputs, body, (), tuple(self.blocks))) if more else ()
        net = Net(inputs, (*body, *rest), (), tuple(self.blocks))
        return net

    def entries(self) -> tuple[Entry, ...]:
        draw = self.draw
        kind = draw.choice(
            ["image", "sequence", "series", "vector", "volume", "tokens", "image", "sequence", "masked", "two", "two"]
            + ["number"] * (self.draw.random() < 0.3)
        )
        size = lambda: draw.choice([8, 6, 4, 9, 12, 5, 7, 3, 2, 1, 11])  # noqa: E731
        channels = lambda: draw.choice([4, 8, 6, 3, 12, 1, 9, 2, 16, 7])  # noqa: E731
        if kind == "number":
            return (Entry("x", ()),)
        if kind == "tokens":
            return (Entry("x", (self.symbol("T", size()),), "int64"),)
        if kind == "masked":
            length = size()
            return (Entry("x", (length, channels())), Entry("mask", (length, length), "bool"))
        ranks = {"image": 2, "sequence": 1, "series": 1, "vector": 0, "volume": 3, "two": draw.choice([1, 2])}
        sizes: tuple[int | str, ...]
        if kind == "sequence":
            sizes = (self.symbol("T", size()), channels())
        elif kind == "volume":
            sizes = (channels(), *(draw.choice([4, 3, 5, 2, 1, 6]) for _ in range(3)))
        else:
            sizes = (channels(), *(self.symbol("HWD"[axis], size()) for axis in range(ranks[kind])))
        if kind == "two":
            other = (channels(), *sizes[1:]) if draw.random() < 0.5 else (*sizes[:-1], channels())
            sizes = tuple(s.split("=")[0] if isinstance(s, str) else s for s in sizes)
            other = tuple(s.split("=")[0] if isinstance(s, str) else s for s in other)
            return (Entry("x", sizes), Entry("y", draw.choice([sizes, other])))
        return (Entry("x", sizes),)

    def symbol(self, name: str, size: int) -> int | str:
        """A size, now and then a symbol, with a usual value or without."""
        at = self.draw.random()
        return size if at < 0.85 else f"{name}={size}" if at < 0.95 else name

    # -- bodies -----------------------------------------------------------------------------------------

    def body(
        self, before: Body, values: dict[str, TensorType], count: int, depth: int, make: Callable[[Body], Net]
    ) -> Body:
        """Statements to follow others. `values`: what labels hold. `make`: the net of a body."""
        values = dict(values)
        added: Body = ()
        made, x = self.compiled(make(before))
        for _ in range(count):
            if x is None:
                break
            for statements in self.candidates(x, made, values, depth, (*before, *added), make):
                after, y = self.compiled(make((*before, *added, *statements)))
                if y is not None and self.is_small(after, y):
                    added = (*added, *statements)
                    last = statements[-1]
                    label = getattr(last, "label", "")
                    if label:
                        values[label] = y
                    if label and isinstance(last, Call) and last.name in ("lstm", "gru", "rnn", "split"):
                        for member in ("state", "cell", "1"):
                            _, part = self.compiled(make((*before, *added, Call("relu", source=f"{label}.{member}"))))
                            if part is not None:
                                values[f"{label}.{member}"] = part
                    x, made = y, after
                    self.seen.used(after)
                    break
                if y is None and "network" in vars(after) and isinstance(statements[-1], Call):
                    self.note(statements, x, values, after)
        return added

    def is_small(self, made: Compilation, output: TensorType) -> bool:
        totals = made.totals
        if totals is None or known(output.elements) > ELEMENTS or output.rank > 5:
            return False
        return known(totals.params) <= PARAMETERS and known(totals.macs) <= MACS

    def note(self, statements: Body, x: TensorType, values: dict[str, TensorType], made: Compilation) -> None:
        """Remember what was refused, so that torch can be asked."""
        call = statements[-1]
        assert isinstance(call, Call)
        if call.paths or call.again or call.source or find_layer(call.name) is None:
            return
        known_types = dict(values)
        for statement in statements[:-1]:
            if not isinstance(statement, Declared):
                return
            if statement.word == "param":
                known_types[statement.name] = TensorType(statement.value)
        errors = [d for d in made.diagnostics if d.severity == "error"]
        if len(errors) == 1 and all(other in known_types for other in call.others):
            inputs = (x, *(known_types[other] for other in call.others))
            self.refused.append(Refused(call.name, call.arguments, inputs, errors[0].code))

    # -- statements -------------------------------------------------------------------------------------

    def candidates(
        self, x: TensorType, made: Compilation, values: dict[str, TensorType], depth: int, before: Body,
        make: Callable[[Body], Net],
    ) -> Iterator[Body]:  # fmt: skip
        """What may come next; the first that netspec takes is taken."""
        draw = self.draw
        kind = draw.choice(["layer"] * 12 + ["merge", "merge", "group", "repeat", "reuse", "from", "block"])
        if depth <= 0 and kind in ("merge", "group", "repeat", "block"):
            kind = "layer"
        if kind == "group":
            inner = self.body(before, values, draw.randint(1, 3), depth - 1, make)
            yield (Group(self.fresh("g") if draw.random() < 0.7 else "", inner),)
        elif kind == "repeat":
            inner = self.body(before, values, draw.randint(1, 2), depth - 1, make)
            for count in (draw.choice([2, 3, 4]), 1):
                yield (Repeat(self.fresh("r") if draw.random() < 0.7 else "", count, inner),)
        elif kind == "block":
            inner = self.body(before, {}, draw.randint(1, 3), depth - 1, make)
            name = self.fresh("block")
            self.blocks.append((name, inner))
            yield (Call(name, label=self.fresh("b") if draw.random() < 0.5 else ""),)
        elif kind == "merge":
            yield from self.merges(before, values, depth, make)
        elif kind == "reuse":
            again = [s for s in before if isinstance(s, Call) and s.label in values and not s.again and not s.paths]
            if again:
                call = draw.choice(again)
                yield (Call(call.label, label=self.fresh("v"), others=call.others, again=True),)
        elif kind == "from" and values:
            yield (Call("identity", source=draw.choice(list(values)), label=self.fresh("v")),)
        last = self.last_of(made)
        for _ in range(TRIES):
            name = self.seen.wanted(draw, last, [n for n in layer_names() if n not in SOURCES])
            for _ in range(3):
                yield self.layer(name, x, values)

    def last_of(self, made: Compilation) -> str:
        """The layer that made the current value."""
        return self.seen.last(made)

    def merges(
        self, before: Body, values: dict[str, TensorType], depth: int, make: Callable[[Body], Net]
    ) -> Iterator[Body]:
        draw = self.draw
        paths: list[Body] = [()]
        paths += [self.body(before, values, draw.randint(1, 3), depth - 1, make) for _ in range(4)]
        for _ in range(TRIES):
            name = draw.choice(MERGES)
            count = 2 if name in ("sub", "div") else draw.choice([2, 2, 3])
            chosen = [draw.choice(paths) for _ in range(count)]
            arguments = (
                (("axis", draw.choice([0, 1, -1, 2])),) if name in ("concat", "stack") and draw.random() < 0.4 else ()
            )
            chosen = [self.relabelled(path) for path in chosen]
            yield (Call(name, arguments, self.fresh("m") if draw.random() < 0.4 else "", (), tuple(chosen)),)

    def relabelled(self, body: Body) -> Body:
        """A path that is used twice has labels of its own each time: those of paths without labels share a scope."""
        if any(getattr(s, "again", False) or getattr(s, "source", "") or getattr(s, "others", ()) for s in body):
            return body
        return tuple(_labelled(s, self.fresh("v")) if getattr(s, "label", "") else s for s in body)

    def layer(self, name: str, x: TensorType, values: dict[str, TensorType]) -> Body:
        """A call of a layer, with what it needs declared before it."""
        draw = self.draw
        arguments = self.arguments(name, x)
        layer = find_layer(name)
        assert layer is not None
        least, most = layer.inputs
        count = max(least, 1)
        if most is None:
            count = draw.choice([2, 2, 3])
        elif most > count and draw.random() < 0.5:
            count = draw.randint(count + 1, most)
        if dict(arguments).get("mask"):
            count = max(count, 2)
        others: list[str] = []
        declared: list[Statement] = []
        for place in range(1, count):
            choices = list(values)
            if choices and draw.random() < 0.4:
                others.append(draw.choice(choices))
            else:
                param = self.fresh("p")
                shape = self.other_shape(name, dict(arguments), x, place)
                if draw.random() < 0.8 or len(shape) > 2 or not shape or max(shape) > 5:
                    init: Arguments = ()
                    if draw.random() < 0.3:
                        init = (("init", self.init()),)
                    declared.append(Declared("param", param, shape, init))
                else:
                    declared.append(Declared("constant", param, self.numbers(shape)))
                others.append(param)
        label = self.fresh("v") if draw.random() < 0.4 else ""
        return (*declared, Call(name, arguments, label, tuple(others)))

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
            return self.numbers(shape) if _product(shape) <= 200 else None
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


def _labelled(statement: Any, label: str) -> Any:
    from dataclasses import replace

    return replace(statement, label=label)


def _product(sizes: Sequence[int]) -> int:
    total = 1
    for size in sizes:
        total *= size
    return total


def divisors(size: int) -> list[int]:
    return [n for n in range(1, min(size, 64) + 1) if size % n == 0] or [1]


def random_net(seed: int | str, seen: Coverage | None = None, done: Coverage | None = None) -> tuple[Net, Grower]:
    grower = Grower(Random(seed), seen, done)
    return grower.net(), grower


def layer_of(name: str, arguments: Arguments) -> Layer:
    found = find_layer(name)
    assert found is not None
    return found(**dict(arguments))
