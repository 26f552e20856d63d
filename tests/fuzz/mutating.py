"""Sound nets with one mistake, and texts that are broken anyhow.

`almost_valid` changes one statement of a random net. What kind of change it is says where the first error has to be: at
the statement, or not before it. `broken` changes bytes or tokens of a text.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from writing import Body, Call, Net, text_of

from netspec.ops import find_layer
from netspec.syntax.parser import tokens

MARK = "mutated_here"


class Mutation(NamedTuple):
    kind: str
    text: str
    line: int  # of the change, from 1
    certain: bool  # whether the change is a mistake by itself, at its own line


def _calls(body: Body) -> Iterator[tuple[tuple[int, ...], Call]]:
    for place, statement in enumerate(body):
        if isinstance(statement, Call):
            if not statement.paths:
                yield (place,), statement
        elif hasattr(statement, "body"):
            for inner, call in _calls(statement.body):
                yield (place, *inner), call


def _with(body: Body, place: tuple[int, ...], call: Call) -> Body:
    first, *rest = place
    statement = body[first]
    changed = replace(statement, body=_with(statement.body, tuple(rest), call)) if rest else call  # type: ignore[call-arg, union-attr]
    return (*body[:first], changed, *body[first + 1 :])


def almost_valid(net: Net, draw: random.Random) -> Mutation | None:
    """A net with one change; None where it has no statement to change."""
    calls = [(place, call) for place, call in _calls(net.body) if find_layer(call.name) and not call.again]
    if not calls:
        return None
    place, call = draw.choice(calls)
    line = _line(net, place, call)
    arguments = dict(call.arguments)
    numbers = [key for key, value in arguments.items() if isinstance(value, int) and not isinstance(value, bool)]
    kind = draw.choice(
        ["name", "argument", "missing", "label", "kind", "negative", "number", "number", "drop", "twice"]
    )
    changed, certain = call, True
    if kind == "name":
        changed = replace(call, name=call.name + "qx")
    elif kind == "argument":
        changed = replace(call, arguments=(*call.arguments, ("zzq", 3)))
    elif kind == "missing":
        layer = find_layer(call.name)
        needed = [key for key, field in layer.model_fields.items() if field.is_required()] if layer else []
        if not needed:
            return None
        gone = draw.choice(needed)
        changed = replace(call, arguments=tuple(pair for pair in call.arguments if pair[0] != gone))
    elif kind == "label":
        changed = replace(call, others=(*call.others, "nobody"))
    elif kind == "kind":
        if not arguments:
            return None
        key = draw.choice(list(arguments))
        changed = replace(call, arguments=tuple((k, "nothing" if k == key else v) for k, v in call.arguments))
    elif kind == "negative":
        positive = [key for key in numbers if key in ("out", "k", "hidden", "stride", "dim", "vocab", "heads")]
        if not positive:
            return None
        key = draw.choice(positive)
        changed = replace(call, arguments=tuple((k, -v if k == key else v) for k, v in call.arguments))
    elif kind == "number":
        if not numbers:
            return None
        key, certain = draw.choice(numbers), False
        by = draw.choice([1, -1, 3, 7])
        changed = replace(call, arguments=tuple((k, v + by if k == key else v) for k, v in call.arguments))
    elif kind == "drop":
        if not arguments:
            return None
        key, certain = draw.choice(list(arguments)), False
        changed = replace(call, arguments=tuple(pair for pair in call.arguments if pair[0] != key))
    else:
        key = draw.choice(list(arguments)) if arguments else ""
        if not key:
            return None
        changed = replace(call, arguments=(*call.arguments, (key, arguments[key])))
        text = text_of(replace(net, body=_with(net.body, place, call))).split("\n")
        text[line - 1] += f" {key}=1"
        return Mutation(kind, "\n".join(text), line, True)
    return Mutation(kind, text_of(replace(net, body=_with(net.body, place, changed))), line, certain)


def _line(net: Net, place: tuple[int, ...], call: Call) -> int:
    marked = text_of(replace(net, body=_with(net.body, place, replace(call, label=MARK)))).split("\n")
    return next(number for number, line in enumerate(marked, start=1) if f"{MARK}:" in line)


# -- bytes and tokens -----------------------------------------------------------------------------------

CHARACTERS = '{}[]()|:=->,."#\n\t 0123456789xaenr_\0\x1b\u2192\u00e9\u202e\U0001f600'


def broken(text: str, draw: random.Random) -> bytes:
    """A text with some bytes or tokens lost, doubled, moved or replaced."""
    kind = draw.choice(["bytes", "tokens", "tokens", "characters", "cut", "lines", "deep"])
    data = text.encode()
    if kind == "bytes":
        found = bytearray(data)
        for _ in range(draw.randint(1, 4)):
            found[draw.randrange(len(found))] = draw.randrange(256)
        return bytes(found)
    if kind == "cut":
        first, last = sorted(draw.randrange(len(data) + 1) for _ in range(2))
        return draw.choice([data[:first], data[first:last], data[:first] + data[last:], data + data[first:last]])
    if kind == "characters":
        at = draw.randrange(len(text) + 1)
        return (text[:at] + "".join(draw.choices(CHARACTERS, k=draw.randint(1, 3))) + text[at:]).encode()
    if kind == "lines":
        lines = text.split("\n")
        draw.shuffle(lines)
        return "\n".join(lines).encode()
    if kind == "deep":
        at = draw.randrange(len(text))
        return (text[:at] + draw.choice("{([-") * draw.choice([3, 50, 400]) + text[at:]).encode()
    places = [(token.start_pos or 0, token.end_pos or 0) for token in tokens(text)]
    for _ in range(draw.randint(1, 3)):
        (start, end), (other, stop) = draw.choice(places), draw.choice(places)
        if max(end, stop) <= len(text):
            text = draw.choice(
                [
                    text[:start] + text[end:],
                    text[:end] + " " + text[start:],
                    text[:start] + text[other:stop] + text[end:],
                ]
            )
    return text.encode()
