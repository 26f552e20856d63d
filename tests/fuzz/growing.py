"""Random sound nets, grown statement by statement.

A statement is a layer with random arguments, or a group, repeat, loop, choice, merge, block or reuse of such. The
generator knows no type rule: netspec's own rule of a layer says whether it takes the value so far and what it makes of
it. Of statements that hold others netspec is asked as a whole, and of the net that they make in the end.

It draws from anything with the methods of `random.Random`: a seed gives volume, hypothesis small failures.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from random import Random
from typing import Any, NamedTuple

from covering import Coverage, Pair
from drawing import Drawer, divisors, known, layer_of, plain, product
from expressing import Expressing, tested
from kinds import kind_of, known_of, possible_pairs, takers
from writing import (
    Arguments,
    Block,
    Body,
    Call,
    Declared,
    Entry,
    For,
    Group,
    If,
    Net,
    Repeat,
    Statement,
    Written,
    calls,
    text_of,
    value_text,
)  # fmt: skip

from netspec.diagnostics import Problem
from netspec.driver import Compilation
from netspec.elaborate.files import standard, standard_names
from netspec.ir.types import TensorType
from netspec.ops import find_layer
from netspec.ops.base import Layer, output_types
from netspec.source import SourceFile
from netspec.syntax import ast

ELEMENTS, PARAMETERS, MACS = 4_000, 30_000, 2_000_000  # the most of a value, of a net, of a net
TRIES = 6
WISHES = 5  # how often a pair is tried before others come first
SOURCES = ("param", "constant")
MERGES = ("add", "mul", "concat", "sub", "div", "mean", "max", "min", "stack")
LENGTHS = (1, 2, 2, 3, 3, 3, 4, 4, 5, 6, 8, 12)  # statements of a net


class Refused(NamedTuple):
    """A layer that netspec does not take, with the inputs that it had."""

    name: str
    arguments: Arguments
    inputs: tuple[TensorType, ...]
    code: str


class Value(NamedTuple):
    """What a name stands for; the layer that made it."""

    type: TensorType
    maker: str = ""


class Owner(NamedTuple):
    """A labelled layer, whose weights can be used again."""

    call: Call
    layer: Layer
    inputs: tuple[TensorType, ...]


class Flow:
    """Where a body stands: what flows, what names hold, and whether netspec has seen it as a whole."""

    def __init__(self, x: TensorType, maker: str = "", values: dict[str, Value] | None = None) -> None:
        self.x = x
        self.maker = maker
        self.values = dict(values or {})
        self.owners: dict[str, Owner] = {}
        self.certain = True
        self.params: Any = 0
        self.macs: Any = 0

    def copy(self) -> Flow:
        made = Flow(self.x, self.maker, self.values)
        made.owners = dict(self.owners)
        made.certain, made.params, made.macs = self.certain, self.params, self.macs
        return made

    def after(self, inner: Flow, times: int = 1) -> Flow:
        """What flows after a body that began here: its value, its costs, none of its names."""
        made = self.copy()
        made.x, made.maker, made.certain = inner.x, inner.maker, False
        made.params = self.params + (inner.params - self.params) * times
        made.macs = self.macs + (inner.macs - self.macs) * times
        return made

    @property
    def is_small(self) -> bool:
        return known(self.params, 0) <= PARAMETERS and known(self.macs, 0) <= MACS and _fits(self.x)


def _fits(x: TensorType) -> bool:
    return known(x.elements) <= ELEMENTS and x.rank <= 5


def compiled(net: Net | str) -> Compilation:
    return Compilation(SourceFile("random.net", net if isinstance(net, str) else text_of(net)))


def output_of(made: Compilation) -> TensorType | None:
    """The type of the first output of a sound net."""
    if made.network is None or not made.sound:
        return None
    root = made.network.root
    return made.types[root.name][next(iter(root.outputs.values()))]


class Grower(Drawer):
    """Grows one net. `seen` counts all that was tried, `done` what the nets before this one have."""

    def __init__(self, draw: Random, seen: Coverage | None = None, done: Coverage | None = None) -> None:
        super().__init__(draw, done or Coverage())
        self.seen = seen or Coverage()
        self.refused: list[Refused] = []
        self.crashed: dict[str, str] = {}  # by the place of the fault, the text that brings it about
        self.surprises: list[tuple[str, str]] = []  # texts that ought to be sound, and what is said of them
        self.names = 0
        self.blocks: list[Block] = []
        self.inputs: tuple[Entry, ...] = ()

    def fresh(self, kind: str) -> str:
        self.names += 1
        return f"{kind}{self.names}"

    def chance(self, chance: float) -> bool:
        return self.draw.random() < chance

    def compiled(self, net: Net) -> tuple[Compilation, TensorType | None]:
        """A net and its output. One at which netspec fails is remembered."""
        made = compiled(net)
        try:
            return made, output_of(made)
        except Exception as error:
            self.crash(error, text_of(net))
            return made, None

    def crash(self, error: Exception, text: str) -> None:
        last = traceback.extract_tb(error.__traceback__)[-1]
        self.crashed.setdefault(f"{type(error).__name__} in {last.name}: {last.line}", text)

    # -- nets -------------------------------------------------------------------------------------------

    def net(self, statements: int | None = None) -> Net:
        count = statements or self.draw.choice(LENGTHS)
        begun = self.wished() if self.chance(0.75) else None
        if begun is None:
            self.inputs = self.entries()
            values = self.values_of(self.inputs)
            begun = (), Flow(values[self.inputs[0].name].type, "", values)
        body, flow = begun
        body = self.top(body, flow, max(count - sum(isinstance(s, Call) for s in body), 0))
        return self.finished(Net(self.inputs, body, (), tuple(self.blocks)))

    def net_of(self, name: str, more: int = 0) -> Net:
        """A net that begins with a layer, in a form that has been seen the least of some."""
        best: tuple[int, tuple[Entry, ...], Body, Flow] | None = None
        for _ in range(4 * TRIES):
            entries = self.entries()
            values = self.values_of(entries)
            flow = Flow(values[entries[0].name].type, "", values)
            for _ in range(TRIES):
                made = self.layer(name, flow)
                if made is not None and made[1].is_small:
                    body, after = made
                    call = body[-1]
                    news = self.done.news(name, dict(call.arguments)) if isinstance(call, Call) else 0
                    if best is None or news > best[0]:
                        best = (news, entries, body, after)
                    if best[0] >= min(3, self.done.lacking(name)):
                        break
            if best is not None and best[0] >= min(3, self.done.lacking(name)):
                break
        if best is None:
            return self.net(1)
        _, self.inputs, body, flow = best
        body = self.top(body, flow, more)
        net = Net(self.inputs, body, (), tuple(self.blocks))
        return net if self.compiled(net)[1] is not None else Net(self.inputs, best[2])

    def values_of(self, entries: tuple[Entry, ...]) -> dict[str, Value]:
        if all(isinstance(size, int) for entry in entries for size in entry.sizes):
            return {e.name: Value(TensorType(tuple(map(known, e.sizes)), e.dtype)) for e in entries}
        made, _ = self.compiled(Net(entries, ()))
        assert made.network is not None, text_of(Net(entries, ()))
        return {one.name: Value(one.type) for one in made.network.inputs}

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
            return (
                self.conditioned(Entry("x", (self.symbol("T", size()),), draw.choice(["int64", "int64", "int32"]))),
            )
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
            return (self.conditioned(Entry("x", sizes)), Entry("y", draw.choice([sizes, other])))
        return (self.conditioned(Entry("x", sizes)),)

    def symbol(self, name: str, size: int) -> int | str:
        """A size, now and then a symbol, with a usual value or without."""
        at = self.draw.random()
        return size if at < 0.85 else f"{name}={size}" if at < 0.95 else name

    def conditioned(self, entry: Entry) -> Entry:
        """An input with conditions on some of its symbols, which their usual values meet."""
        draw, found = self.draw, []
        for size in entry.sizes:
            if isinstance(size, str) and self.chance(0.5):
                name, _, usual = size.partition("=")
                value = int(usual) if usual else draw.choice([4, 6, 12])
                by = draw.choice([n for n in divisors(value) if n > 1] or [1])
                left = draw.choice([2, 3, 4])
                ways = [
                    f"{name} % {by} == 0",
                    f"{name} >= {max(value - 1, 1)}",
                    f"{name} > 0",
                    f"{name} <= {4 * value}",
                ]
                ways += [f"{max(value // 2, 1)} <= {name} < {value + 60}", f"{name} % {left} == {value % left}"]
                found.append(draw.choice(ways))
        return replace(entry, conditions=tuple(found))

    # -- pairs ------------------------------------------------------------------------------------------

    def wished(self) -> tuple[Body, Flow] | None:
        """A layer and one after it that no net had yet, and the inputs that they take."""
        done, tried, draw = self.done.pairs, self.seen.tried, self.draw
        pairs = [p for p in pairs_in_order() if p not in done and not self.seen.pairs[p] and tried[p] < WISHES]
        pairs = pairs or [p for p in pairs_in_order() if p not in done]
        for _ in range(3 if pairs else 0):
            pair = first, second = draw.choice(pairs)
            self.seen.tried[pair] += 1
            gives, takes = known_of(first).gives, known_of(second)
            kinds = [kind for kind in gives if kind in takes.first and any(_fits(use.output) for use in gives[kind])]
            for _ in range(4 if kinds else 0):
                use = draw.choice(gives[draw.choice(kinds)])
                names = ("x", "y", "z", "w")[: len(use.inputs)]
                entries = tuple(
                    Entry(name, tuple(map(known, x.shape)), x.dtype) for name, x in zip(names, use.inputs, strict=False)
                )
                if len(use.inputs) > len(names) or not all(map(_fits, (use.output, *use.inputs))):
                    continue
                if not entries:
                    body, flow = self.source(use.arguments, use.output, first)
                    entries = (Entry("x", (draw.choice([1, 2, 3, 4]),)),)
                else:
                    flow = Flow(use.inputs[0], "", {n: Value(x) for n, x in zip(names, use.inputs, strict=True)})
                    made = self.applied(Call(first, use.arguments, "", names[1:]), flow)
                    if made is None:
                        continue
                    body, flow = ((made[0],), made[1])
                for _ in range(12):
                    made_next = self.layer(second, flow)
                    if made_next is not None and made_next[1].is_small:
                        more, after = made_next
                        if not use.inputs:  # the tensor begins the chain
                            more = (*more[:-1], replace(more[-1], source=body[-1].name))  # type: ignore[type-var, union-attr]
                        self.inputs = entries
                        return (*body, *more), after
        return None

    def source(self, arguments: Arguments, output: TensorType, word: str) -> tuple[Body, Flow]:
        """A tensor of its own, from which a chain begins."""
        name, given = self.fresh("p"), dict(arguments)
        value = given.pop("shape" if word == "param" else "value")
        flow = Flow(output, word, {name: Value(output, word)})
        return (Declared(word, name, value, tuple(given.items())),), flow

    # -- bodies -----------------------------------------------------------------------------------------

    def top(self, before: Body, flow: Flow, count: int) -> Body:
        """The statements of a net. What netspec has to see as a whole it sees after each."""
        body = before
        for _ in range(count):
            for statements, after in self.candidates(flow, 2, body):
                if not after.is_small:
                    continue
                if not after.certain:
                    made, y = self.compiled(Net(self.inputs, (*body, *statements), (), tuple(self.blocks)))
                    if y is None or not self.is_small(made, y):
                        continue
                    after.x, after.certain = y, True
                    label = getattr(statements[-1], "label", "")
                    if label in after.values:
                        after.values[label] = after.values[label]._replace(type=y)
                body, flow = (*body, *statements), after
                break
        self.blocks = called(body, self.blocks)
        if self.compiled(Net(self.inputs, body, (), tuple(self.blocks)))[1] is None:
            self.surprise(Net(self.inputs, body, (), tuple(self.blocks)))
        while body and self.compiled(Net(self.inputs, body, (), tuple(self.blocks)))[1] is None:
            body = body[:-1]
            self.blocks = called(body, self.blocks)
        return body

    def inner(self, flow: Flow, count: int, depth: int) -> tuple[Body, Flow]:
        """Statements inside others. What they make is a guess until netspec has seen it."""
        flow = flow.copy()
        body: Body = ()
        for _ in range(count):
            for statements, after in self.candidates(flow, depth, body):
                if after.is_small:
                    body, flow = (*body, *statements), after
                    break
        return body, flow

    def surprise(self, net: Net) -> None:
        """What ought to be sound is not: a mistake of the generator, or of netspec."""
        self.surprises.append((text_of(net), "\n".join(d.title for d in compiled(net).diagnostics)))

    def is_small(self, made: Compilation, output: TensorType) -> bool:
        totals = made.totals
        if totals is None or not _fits(output):
            return False
        return known(totals.params) <= PARAMETERS and known(totals.macs) <= MACS

    # -- statements -------------------------------------------------------------------------------------

    def candidates(self, flow: Flow, depth: int, before: Body) -> Iterator[tuple[Body, Flow]]:
        """What may come next; the first that netspec takes is taken."""
        kind = self.draw.choice(KINDS)
        if depth > 0 or kind in ("reuse", "tie", "from", "standard"):
            make: Callable[[Flow, int, Body], Iterator[tuple[Body, Flow]]] | None = getattr(self, f"a_{kind}", None)
            if make is not None:
                yield from make(flow, depth, before)
        names = takers(kind_of(flow.x))
        for _ in range(TRIES if names else 0):
            name = self.seen.wanted(self.draw, flow.maker, names, self.done)
            for _ in range(3):
                made = self.layer(name, flow)
                if made is not None:
                    yield made

    def a_group(self, flow: Flow, depth: int, before: Body) -> Iterator[tuple[Body, Flow]]:
        body, inner = self.inner(flow, self.draw.randint(1, 3), depth - 1)
        yield self.labelled(Group("", body), flow.after(inner), "g")

    def a_repeat(self, flow: Flow, depth: int, before: Body) -> Iterator[tuple[Body, Flow]]:
        body, inner = self.inner(flow, self.draw.randint(1, 2), depth - 1)
        for count in (self.draw.choice([2, 3, 4]), 1):
            yield self.labelled(Repeat("", count, body), flow.after(inner, count), "r")

    def a_counted(self, flow: Flow, depth: int, before: Body) -> Iterator[tuple[Body, Flow]]:
        """A repeat that uses its index."""
        draw = self.draw
        made = self.numbered(flow)
        index, count = self.fresh("i"), draw.choice([1, 2, 3])
        if made is None or draw.random() < 0.3:
            body, inner = self.inner(flow, 1, depth - 1)
            test = draw.choice([f"{index} == 0", f"{index} < 2", f"{index} % 2 == 1", f"not {index} > 0"])
            call: Statement = If("", test, body)
        else:
            body, inner, key, value = made
            texts = [
                f"({value} + {index})",
                f"({value + 1} if {index} == 1 else {value})",
                f"({value} * ({index} + 1))",
            ]
            call = with_argument(body[-1], key, Written(draw.choice(texts), value))
            if len(body) == 1 and isinstance(call, Call) and draw.random() < 0.4:
                call = replace(call, label=f'"part{{{index}}}"')
            body = body[:-1]
        if any(isinstance(s, Declared) for s in body) and not isinstance(call, If):
            return
        after = flow.after(inner, count)
        yield self.labelled(Repeat("", count, (call,), index), after, "r")

    def a_loop(self, flow: Flow, depth: int, before: Body) -> Iterator[tuple[Body, Flow]]:
        draw = self.draw
        made = self.numbered(flow)
        if made is None or len(made[0]) > 1:
            return
        (call,), inner, key, value = made
        name = self.fresh("n")
        values = [value, *(draw.choice([value, value + 1, 2 * value, 1, 2]) for _ in range(draw.randint(0, 2)))]
        changed = replace(with_argument(call, key, Written(name, value)), label="")
        more = "i" + name
        text = f"({', '.join(map(str, values))}{',' if len(values) == 1 else ''})"
        ways = [(name, text), (name, f"[{', '.join(map(str, values))}]"), (name, f"(0, {text[1:]}[1:]")]
        ways += [(f"({more}, {name})", f"enumerate({text})"), (f"({name}, {more})", f"zip({text}, {text})")]
        ways += [
            (name, f"range({value}, {value + 2})"),
            (f"({name}, {more})", f"({', '.join(f'({v}, 1)' for v in values)},)"),
        ]
        target, listed = draw.choice(ways)
        yield self.labelled(For("", target, listed, (changed,)), flow.after(inner, len(values)), "f")

    def numbered(self, flow: Flow) -> tuple[Body, Flow, str, int] | None:
        """A layer with an argument that is a number."""
        names = takers(kind_of(flow.x))
        for _ in range(2 * TRIES if names else 0):
            made = self.layer(self.draw.choice(names), flow)
            if made is not None and made[1].is_small:
                call = made[0][-1]
                assert isinstance(call, Call)
                keys = [k for k, v in call.arguments if isinstance(v, int) and not isinstance(v, bool) and v > 0]
                if keys:
                    key = self.draw.choice(keys)
                    return (*made[0][:-1], replace(call, label="")), made[1], key, dict(call.arguments)[key]
        return None

    def a_choice(self, flow: Flow, depth: int, before: Body) -> Iterator[tuple[Body, Flow]]:
        draw = self.draw
        body, inner = self.inner(flow, draw.randint(1, 2), depth - 1)
        truth = draw.random() < 0.7
        test = tested(draw, flow.x, truth)
        names = takers(kind_of(flow.x))
        left: Body = ()
        if names:  # what is not chosen need not fit
            name = draw.choice(names)
            left = (Call(name, self.arguments(name, flow.x)),)
        if truth:
            otherwise = draw.choice([None, left, (If("", tested(draw, flow.x, False), left),)])
            made = If("", test, body, otherwise)
        elif draw.random() < 0.3:
            made = If("", test, left, (If("", tested(draw, flow.x, True), body, draw.choice([None, left])),))
        else:
            made = If("", test, left, body)
        yield self.labelled(made, flow.after(inner), "q")

    def a_block(self, flow: Flow, depth: int, before: Body) -> Iterator[tuple[Body, Flow]]:
        """A new block, or one that is there."""
        draw = self.draw
        if self.blocks and draw.random() < 0.4:
            block = draw.choice(self.blocks)
            if not block.inputs:
                given = [(n, d) for n, d in block.parameters if d is None or draw.random() < 0.3]
                arguments = tuple((n, Written(d or draw.choice(["4", "2", "3"]), None)) for n, d in given)
                yield from self.alone(Call(block.name, arguments), flow)
            return
        start = Flow(flow.x, flow.maker)
        start.params, start.macs = flow.params, flow.macs
        others: tuple[str, ...] = ()
        inputs: tuple[str, ...] = ()
        if flow.values and draw.random() < 0.35:
            other = draw.choice(list(flow.values))
            name = self.fresh("by")
            start.values[name] = flow.values[other]
            shape = flow.values[other].type.shape
            sizes = [str(s) if isinstance(s, int) and draw.random() < 0.5 else f"S{a}" for a, s in enumerate(shape)]
            inputs = (name if draw.random() < 0.5 else f"{name}: [{', '.join(sizes)}]",)
            others = (other,)
        body, inner = self.inner(start, draw.randint(1, 3), depth - 1)
        labels = [s.label for s in body if isinstance(s, Call) and s.label and '"' not in s.label]
        returns: tuple[str, ...] = ()
        if labels and draw.random() < 0.4:
            body = (*body, Call("identity", label="main"))
            other = draw.choice(labels)
            returns = ("main", draw.choice([other, f"{other} as beside"]))
        body, parameters, given = self.lifted(body)
        name = self.fresh("block")
        kept = list(self.blocks)
        self.blocks.append(Block(name, body, parameters, inputs, returns))
        statements, after = self.labelled(Call(name, given, "", others), flow.after(inner), "b")
        yield statements, after
        self.blocks = kept  # it was not taken

    def lifted(self, body: Body) -> tuple[Body, tuple[tuple[str, str | None], ...], Arguments]:
        """A body with some of its arguments, or names of layers, as parameters of a block."""
        draw = self.draw
        parameters: list[tuple[str, str | None]] = []
        given: list[tuple[str, Any]] = []
        for place, statement in enumerate(body):
            if not isinstance(statement, Call) or statement.again or find_layer(statement.name) is None:
                continue
            if not statement.arguments and not statement.tie and draw.random() < 0.2:
                name, text = self.fresh("act"), statement.name
                changed: Statement = replace(statement, name=name)
            elif statement.arguments and draw.random() < 0.4:
                key, value = draw.choice(statement.arguments)
                if isinstance(value, Written) or key == "init":
                    continue
                name = self.fresh("n")
                text = f'"{value}"' if isinstance(value, str) else value_text(value)
                changed = with_argument(statement, key, Written(name, plain(value)))
            else:
                continue
            body = (*body[:place], changed, *body[place + 1 :])
            default = text if draw.random() < 0.4 else None
            if default is None and any(d is not None for _, d in parameters):
                default = text
            parameters.append((name, default))
            if default is None or draw.random() < 0.3:
                given.append((name, Written(text, None)))
        return body, tuple(parameters), tuple(given)

    def alone(self, call: Call, flow: Flow) -> Iterator[tuple[Body, Flow]]:
        """A call of a block that is there: netspec says by itself what it makes."""
        if not all(isinstance(size, int) for size in flow.x.shape):
            return
        entries = (Entry("x", tuple(map(known, flow.x.shape)), flow.x.dtype),)
        made, y = self.compiled(Net(entries, (call,), (), tuple(self.blocks)))
        if y is None or not self.is_small(made, y):
            return
        after = flow.copy()
        totals = made.totals
        after.x, after.maker = y, ""
        if totals is not None:
            after.params, after.macs = after.params + totals.params, after.macs + totals.macs
        statements, after = self.labelled(call, after, "b")
        yield statements, after

    def a_standard(self, flow: Flow, depth: int, before: Body) -> Iterator[tuple[Body, Flow]]:
        """A block of the standard library."""
        draw = self.draw
        for _ in range(3):
            name = draw.choice([n for n in standard_names() if not _needs_more(n)])
            arguments = tuple(
                (parameter.name.id, self.for_parameter(parameter.name.id, parameter.default, flow.x))
                for parameter in _parameters(name)
                if parameter.default is None or draw.random() < 0.25
            )
            yield from self.alone(Call(name, arguments), flow)

    def for_parameter(self, name: str, default: Any, x: TensorType) -> Any:
        draw = self.draw
        if name in ("activation", "gate", "norm"):
            return Written(draw.choice(["relu", "tanh", "sigmoid", "identity", "silu"]), None)
        if isinstance(default, ast.Boolean):
            return draw.random() < 0.5
        if name in ("dropout", "eps"):
            return draw.choice([0.1, 0.01, 0.5])
        if name in ("c3", "c5", "widths"):
            return (draw.choice([1, 2, 3]), draw.choice([2, 4]))
        if name in ("heads", "kv_heads", "groups") and x.shape:
            return draw.choice(divisors(known(x.shape[-1])))
        if name in ("stride", "pad", "patch", "k", "window"):
            return draw.choice([1, 2, 3])
        return draw.choice([2, 4, 3, 6, 8, 1])

    def a_merge(self, flow: Flow, depth: int, before: Body) -> Iterator[tuple[Body, Flow]]:
        draw = self.draw
        paths: list[tuple[Body, Flow]] = [((), flow.copy())]
        paths += [self.inner(flow, draw.randint(1, 3), depth - 1) for _ in range(3)]
        for _ in range(TRIES):
            name = draw.choice(MERGES)
            count = 2 if name in ("sub", "div") else draw.choice([2, 2, 3])
            chosen = draw.sample([*paths, paths[0]], count)
            arguments = (
                (("axis", draw.choice([0, 1, -1, 2])),) if name in ("concat", "stack") and draw.random() < 0.4 else ()
            )
            others: tuple[str, ...] = ()
            types = [inner.x for _, inner in chosen]
            if flow.values and draw.random() < 0.15:
                others = (draw.choice(list(flow.values)),)
                types.append(flow.values[others[0]].type)
                if name in ("sub", "div"):
                    del types[1], chosen[1]
            made = self.typed(name, arguments, types)
            if made is None:
                continue
            after = flow.copy()
            after.x, after.maker = made[1][0], name
            after.certain = all(inner.certain for _, inner in chosen) and after.certain
            after.params += sum(inner.params - flow.params for _, inner in chosen)
            after.macs += sum(inner.macs - flow.macs for _, inner in chosen)
            yield self.labelled(Call(name, arguments, "", others, tuple(body for body, _ in chosen)), after, "m")

    def a_reuse(self, flow: Flow, depth: int, before: Body) -> Iterator[tuple[Body, Flow]]:
        """A labelled layer or block again, with its weights."""
        again = [s for s in before if isinstance(s, Call) and s.label in flow.values and not s.again and not s.paths]
        if not again:
            return
        call = self.draw.choice(again)
        made = Call(call.label, label=self.fresh("v"), others=call.others, again=True)
        after = flow.copy()
        after.certain = False
        if call.label in flow.owners:
            owner = flow.owners[call.label]
            typed = self.typed(call.name, call.arguments, [flow.x, *owner.inputs[1:]])
            if typed is None:
                return
            after.x, after.maker = typed[1][0], call.name
        after.values[made.label] = Value(after.x, after.maker)
        yield (made,), after

    def a_tie(self, flow: Flow, depth: int, before: Body) -> Iterator[tuple[Body, Flow]]:
        """A layer whose weight is that of another."""
        draw = self.draw
        owners = [(label, o) for label, o in flow.owners.items() if "weight" in o.layer.weights(o.inputs)]
        for label, owner in draw.sample(owners, min(len(owners), 3)):
            shape = owner.layer.weights(owner.inputs)["weight"].shape
            name, arguments = owner.call.name, owner.call.arguments
            if len(shape) == 2 and draw.random() < 0.6:
                name = draw.choice(["dense", "embedding"])
                first, second = ("out", "bias") if name == "dense" else ("vocab", "dim")
                arguments = ((first, shape[0]), (second, False if name == "dense" else shape[1]))
            made = self.applied(Call(name, arguments, self.fresh("v"), tie=label), flow)
            if made is not None:
                after = made[1]
                after.certain = False
                yield (made[0],), after

    def a_from(self, flow: Flow, depth: int, before: Body) -> Iterator[tuple[Body, Flow]]:
        if flow.values:
            name = self.draw.choice(list(flow.values))
            value = flow.values[name]
            after = flow.copy()
            after.x, after.maker = value.type, value.maker
            label = self.fresh("v") if self.chance(0.3) else ""
            if label:
                after.values[label] = Value(value.type, "identity")
                after.maker = "identity"
            yield (Call("identity", source=name, label=label),), after

    def labelled(self, statement: Any, after: Flow, kind: str) -> tuple[Body, Flow]:
        """A statement, perhaps with a label, which holds what it makes."""
        if self.chance(0.5):
            statement = replace(statement, label=self.fresh(kind))
            after.values[statement.label] = Value(after.x, after.maker)
        return (statement,), after

    # -- layers -----------------------------------------------------------------------------------------

    def typed(
        self, name: str, arguments: Arguments, inputs: list[TensorType]
    ) -> tuple[Layer, tuple[TensorType, ...]] | None:
        """A layer and what it makes of inputs; None where it refuses them, which is remembered."""
        try:
            layer = layer_of(name, arguments)
        except ValueError:
            return None
        least, most = layer.inputs
        if len(inputs) < least or (most is not None and len(inputs) > most):
            return None
        try:
            return layer, output_types(layer, inputs)
        except Problem as problem:
            if inputs:
                self.refused.append(Refused(name, arguments, tuple(inputs), problem.code))
        except Exception as error:
            entries = tuple(
                Entry(name, tuple(s if isinstance(s, int) else "T" for s in x.shape), x.dtype)
                for name, x in zip("xyzwv", inputs, strict=False)
            )
            others = tuple(entry.name for entry in entries[1:])
            self.crash(error, text_of(Net(entries, (Call(name, arguments, others=others),))))
        return None

    def applied(self, call: Call, flow: Flow) -> tuple[Call, Flow] | None:
        """A call and where it leads; None where netspec refuses it."""
        inputs = [flow.x, *(flow.values[other].type for other in call.others)]
        made = self.typed(call.name, call.arguments, inputs)
        if made is None or not all(map(_fits, made[1])):
            return None
        layer, outputs = made
        after = flow.copy()
        after.x, after.maker = outputs[0], call.name
        if layer.transparent and not call.label:
            after.maker = flow.maker
        if not call.tie:
            weights = layer.weights(inputs).values()
            after.params += sum(product(w.shape) for w in weights if w.kind == "trainable")
        after.macs += layer.cost(inputs, outputs[0]).macs
        if call.label:
            after.values[call.label] = Value(outputs[0], call.name)
            after.owners[call.label] = Owner(call, layer, tuple(inputs))
            members = layer.members or tuple(map(str, range(1, len(outputs))))
            for member, type in zip(members, outputs[1:], strict=False):
                after.values[f"{call.label}.{member}"] = Value(type, call.name)
        return call, after

    def layer(self, name: str, flow: Flow) -> tuple[Body, Flow] | None:
        """A call of a layer, with what it needs declared before it."""
        draw, x = self.draw, flow.x
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
        flow = flow.copy()
        for place in range(1, count):
            choices = list(flow.values)
            if choices and draw.random() < 0.4:
                others.append(draw.choice(choices))
            else:
                param = self.fresh("p")
                shape = self.other_shape(name, dict(arguments), x, place)
                if draw.random() < 0.8 or len(shape) > 2 or not shape or max(shape) > 5:
                    init: Arguments = ()
                    if draw.random() < 0.3:
                        init = (("init", self.init()),)
                    made = Declared("param", param, shape, init)
                    word: Arguments = (("shape", shape), *init)
                else:
                    made = Declared("constant", param, self.numbers(shape))
                    word = (("value", made.value),)
                if self.typed(made.word, word, []) is None:
                    return None
                declared.append(made)
                flow.params += product(shape) if made.word == "param" else 0
                flow.values[param] = Value(TensorType(shape), made.word)
                others.append(param)
        label = self.fresh("v") if draw.random() < 0.4 else ""
        call = Call(name, arguments, label, tuple(others))
        done = self.applied(call, flow)
        if done is None:
            return None
        self.seen.pairs[flow.maker, name] += 1
        self.seen.count(name, dict(arguments))
        return (*declared, done[0]), done[1]

    # -- what is said of a net --------------------------------------------------------------------------

    def finished(self, net: Net) -> Net:
        """A net with other ways of writing it, and with claims, which hold."""
        made, y = self.compiled(net)
        if y is None:
            return net
        draw = self.draw
        told = Expressing(draw, self.fresh)
        changed = told.returned(net) if draw.random() < 0.3 else net
        if changed is not net:
            other, y = self.compiled(changed)
            if y is None:
                self.surprise(changed)
                changed = net
            else:
                made = other
        rich = told.dressed(changed) if draw.random() < 0.5 else changed
        if draw.random() < 0.5:
            rich = told.claimed(rich, made, None if changed.returns else y)
        rich = replace(rich, style=draw.randint(1, 1_000_000) if draw.random() < 0.5 else 0)
        if rich != changed and self.compiled(rich)[1] is None:
            self.surprise(rich)
            return changed
        return rich


KINDS = (
    *["layer"] * 16, "merge", "merge", "group", "repeat", "counted", "loop", "choice", "reuse", "tie", "from", "block",
    "block", "standard",
)  # fmt: skip


@cache
def pairs_in_order() -> list[Pair]:
    return sorted(possible_pairs())


def called(body: Body, blocks: list[Block]) -> list[Block]:
    """Those of some blocks that a body calls, by itself or through others."""
    kept: list[Block] = []
    bodies = [body]
    for block in reversed(blocks):
        if any(call.name == block.name for body in bodies for call in calls(body)):
            kept.insert(0, block)
            bodies.append(block.body)
    return kept


def with_argument(call: Any, key: str, value: Any) -> Any:
    """A call with another value of one argument."""
    return replace(call, arguments=tuple((k, value if k == key else v) for k, v in call.arguments))


def _parameters(name: str) -> tuple[ast.Parameter, ...]:
    found = standard(name)
    assert found is not None
    block = found.items[name]
    assert isinstance(block, ast.Block)
    return block.parameters


def _needs_more(name: str) -> bool:
    """Whether a block of the library takes more than what flows."""
    found = standard(name)
    assert found is not None
    block = found.items[name]
    assert isinstance(block, ast.Block)
    return any(isinstance(statement, ast.Input) for statement in block.body.statements)


def random_net(seed: int | str, seen: Coverage | None = None, done: Coverage | None = None) -> tuple[Net, Grower]:
    grower = Grower(Random(seed), seen, done)
    return grower.net(), grower
