"""Other ways of writing a net that grew, and claims about it, which hold: expressions for numbers, names for values,
parameters of the net, shapes and figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

from writing import Assert, Body, Call, Claim, Let, Net, Written, bodies_of, value_text, with_bodies

from netspec.driver import Compilation
from netspec.elaborate.expressions import FACTS
from netspec.ir.dims import Expr
from netspec.ir.types import TensorType
from netspec.ops import find_layer

LONGEST = 150  # characters of a formula in a claim


def number_text(draw: Random, value: int) -> str:
    """An expression of which the value is a whole number, that can stand as an argument."""
    by, more = draw.choice([2, 3, 5]), draw.choice([1, 2, 7])
    texts = [
        f"({value + more} - {more})", f"({value * by} // {by})", f"({value} * 1)", f"(0 + {value})",
        f"({value * by + 1} // {by})", f"min({value}, {value + more})", f"max({value}, {value - more})",
        f"({value} if {more} > 0 else {value + more})", f"({value + more} if false else {value})",
        f"ceil({value} - 0.5)", f"({value}, {more})[0]", f"[{more}, {value}][-1]", f"sum(({value - more}, {more}))",
        f"({more}, {value}, {by})[1:][0]", f"zip(({value},), ({more},))[0][0]", f"enumerate(({value}, 1))[0][1]",
        f"max(({value}, {value - more}))", f"({value} if not {more} in (0, -1) else 0)", f"int({value * by} / {by})",
    ]  # fmt: skip
    if value >= 0:
        texts += [f"int({value}.5)", f"round({value}.0)", f"abs(-{value})", f"(-(-{value}))", f"({value} ** 1)"]
        texts += [f"(({value} + {by * 1000}) % {by * 1000})"] if value < 1000 else [f"{value:_}"]
        texts += [f"len(range({value}))"] if value < 50 else []
    if value > 0:
        power = value.bit_length() - 1
        texts.append(f"(2 ** {power} + {value - 2**power})")
    return draw.choice(texts)


def value_written(draw: Random, value: Any) -> Written | None:
    """Another way to write a value; None where there is none."""
    if isinstance(value, bool):
        yes = ["(1 < 2)", "(2 == 2.0 and true)", "(not false)", "(3 in (1, 3))", "(false or 1 != 2)", '("a" == "a")']
        no = ["(1 > 2)", "(not true)", "(3 in ())", "(2 <= 1 or false)", "(1 <= 3 < 2)"]
        return Written(draw.choice(yes if value else no), value)
    if isinstance(value, int):
        return Written(number_text(draw, value), value)
    if isinstance(value, tuple) and value and all(isinstance(v, int) and not isinstance(v, bool) for v in value):
        texts = [f"[{', '.join(map(str, value))}]", f"({', '.join(number_text(draw, v) for v in value)},)"]
        if len(value) > 1 and all(v >= 0 for v in value):
            texts += ["x".join(map(str, value))] * 2
        texts.append(f"(0, {', '.join(map(str, value))})[1:]")
        texts.append(f"({', '.join(map(str, value))}, 1)[:-1]")
        return Written(draw.choice(texts), value)
    return None


def tested(draw: Random, x: TensorType, truth: bool) -> str:
    """A test of what flows that comes out so."""
    texts = [f"it.rank == {x.rank}", f'it.dtype == "{x.dtype}"', "true", "1 + 1 == 2", f"it.rank in (7, {x.rank})"]
    if x.shape and isinstance(x.shape[0], int):
        first = x.shape[0]
        texts += [f"it.channels == {first}", f"{first} <= it.channels < {first + 2}", f"it.shape[0] % {first} == 0"]
        texts += [f"it.channels > {first - 1} and it.rank != 9", f"it.channels > {first} or it.rank == {x.rank}"]
    if isinstance(x.elements, int):
        texts.append(f"it.elements >= {x.elements}")
    text = draw.choice(texts)
    return text if truth else f"not ({text})"


class Expressing:
    def __init__(self, draw: Random, fresh: Callable[[str], str]) -> None:
        self.draw = draw
        self.fresh = fresh

    # -- outputs ----------------------------------------------------------------------------------------

    def returned(self, net: Net) -> Net:
        """A net with several outputs."""
        draw = self.draw
        labels = [s.label for s in net.body if isinstance(s, Call) and s.label]
        if not labels:
            return net
        chosen = draw.sample(labels, draw.randint(1, min(2, len(labels))))
        returns = [label if draw.random() < 0.6 else f"{label} as {self.fresh('out')}" for label in chosen]
        if draw.random() < 0.7:
            return replace(net, body=(*net.body, Call("identity", label="ending")), returns=("ending", *returns))
        return replace(net, returns=tuple(returns))

    # -- expressions ------------------------------------------------------------------------------------

    def dressed(self, net: Net) -> Net:
        """A net in which some numbers are expressions, names of `let`s or parameters of the net."""
        draw = self.draw
        body, lets = net.body, list(net.lets)
        parameters = list(net.parameters)
        for _ in range(draw.choice([0, 1, 1, 2])):
            places = [
                (place, key, value)
                for place, statement in enumerate(body)
                if isinstance(statement, Call)
                for key, value in statement.arguments
                if not isinstance(value, (Written, str))
                and key not in ("init", "weight")
                and find_layer(statement.name)
            ]
            if not places:
                break
            place, key, value = draw.choice(places)
            name = self.fresh("n")
            text = value_text(value)
            if isinstance(value, int) and not isinstance(value, bool) and draw.random() < 0.5:
                text = number_text(draw, value)
            call: Any = body[place]
            used = Written(name, value)
            if isinstance(value, int) and not isinstance(value, bool) and draw.random() < 0.3:
                used = Written(draw.choice([f"({name} + 0)", f"(2 * {name} // 2)", f"min({name}, {name})"]), value)
            changed = replace(call, arguments=tuple((k, used if k == key else v) for k, v in call.arguments))
            before: Body = ()
            way = draw.choice(["let", "file", "parameter"])
            if way == "let":
                before = (Let(name, text),)
            elif way == "file":
                lets.append(Let(name, text))
            else:
                parameters.append((name, text))
            body = (*body[:place], *before, changed, *body[place + 1 :])
        body = self.body(body)
        return replace(net, body=body, lets=tuple(lets), parameters=tuple(parameters))

    def body(self, body: Body) -> Body:
        return tuple(self.statement(statement) for statement in body)

    def statement(self, statement: Any) -> Any:
        draw = self.draw
        if isinstance(statement, Call) and statement.arguments and not statement.again and find_layer(statement.name):
            arguments = []
            for key, value in statement.arguments:
                other = None
                if draw.random() < 0.3 and key not in ("init", "weight", "connect"):
                    other = value_written(draw, value)
                arguments.append((key, other or value))
            statement = replace(statement, arguments=tuple(arguments))
        return with_bodies(statement, tuple(map(self.body, bodies_of(statement))))

    # -- claims -----------------------------------------------------------------------------------------

    def claimed(self, net: Net, made: Compilation, y: TensorType | None) -> Net:
        """A net with claims about its last value, its labels and its figures."""
        draw = self.draw
        network, totals = made.network, made.totals
        assert network is not None
        types = made.types[network.root.name]
        body = net.body
        if y is not None and draw.random() < 0.7:
            body = (*body, Claim(self.shape(y)))
        # of labels at the top, what is in the table
        for place in range(len(net.body) - 1, -1, -1):
            statement = net.body[place]
            label = getattr(statement, "label", "")
            if label in types and draw.random() < 0.3:
                body = (*body[: place + 1], Claim(self.shape(types[label])), *body[place + 1 :])
        facts = []
        peak = (
            None
            if any(isinstance(size, Expr) for t in types.values() for size in t.shape)
            else made.peak_activation_bytes
        )
        for field in FACTS:
            value = peak if field == "peak_activation_bytes" else getattr(totals, field, None)
            if value is not None and draw.random() < 0.3 and len(str(value)) < LONGEST:
                facts.append(self.equal(field, value))
        nodes = {node.name for node in network.root.nodes}
        for label, type in types.items():
            if label in nodes and draw.random() < 0.2 and label[-1:].isdigit() and _is_label(net.body, label):
                facts.append(
                    draw.choice(
                        [f"{label}.output == {self.shape(type)}", f"{label}.rank == {type.rank}"]
                        + [f'{label}.dtype == "{type.dtype}"']
                        + [f"{label}.shape == ({''.join(f'{s}, ' for s in type.shape)})"] * bool(type.shape)
                    )
                )
                params = made.node_totals[network.root.name].get(label)
                if params is not None:
                    facts.append(self.equal(f"{label}.params", params.params))
        if facts:
            joined = draw.random() < 0.3
            claims = [Assert("\n      and ".join(facts))] if joined else [Assert(fact) for fact in facts]
            body = (*body, *claims)
        return replace(net, body=body)

    def equal(self, name: str, value: Any) -> str:
        if isinstance(value, Expr):
            return f"{name} == {value}"
        text = f"{value:_}"
        ways = [f"{name} == {text}", f"{text} == {name}", f"{name} >= {value} and {name} < {value + 1}"]
        ways += [f"{name} in ({text}, -1)", f"not {name} != {text}"]
        return self.draw.choice(ways)

    def shape(self, x: TensorType) -> str:
        sizes = []
        for size in x.shape:
            at = self.draw.random()
            plain = str(size)
            sizes.append(
                "_" if at < 0.15 else number_text(self.draw, size) if at < 0.3 and isinstance(size, int) else plain
            )
        return f"[{', '.join(sizes)}]"


def _is_label(body: Body, label: str) -> bool:
    return any(getattr(statement, "label", "") == label for statement in body)
