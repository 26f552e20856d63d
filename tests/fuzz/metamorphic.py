"""Changes to a net that change nothing that is said of it, or everything in a known way.

Each gives another text, of which the same has to be said: the shapes of its outputs, all totals, and the layers with
their weights in order.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from drawing import plain
from growing import compiled
from writing import (
    Assert,
    Block,
    Body,
    Call,
    Claim,
    Declared,
    Entry,
    For,
    Group,
    Let,
    Net,
    Repeat,
    Statement,
    Written,
    blocks_text,
    bodies_of,
    lines_of,
    text_of,
    with_bodies,
)  # fmt: skip

from netspec.analysis.unrolled import unroll
from netspec.driver import Compilation
from netspec.ops import find_layer, layer_names
from netspec.source import SourceFile
from netspec.syntax.parser import tokens
from netspec.syntax.printer import printed


class Facts(NamedTuple):
    outputs: tuple[str, ...]
    totals: tuple[str, ...]
    layers: tuple[Any, ...]

    def difference(self, other: Facts) -> str:
        for field, mine, theirs in zip(self._fields, self, other, strict=True):
            if mine != theirs:
                return f"{field}: {str(mine)[:300]} became {str(theirs)[:300]}"
        return ""


def facts_of(made: Compilation) -> Facts:
    """Everything that is said of a sound net, without names."""
    network, totals = made.network, made.totals
    assert network is not None
    assert made.sound, [str(d) for d in made.diagnostics]
    root = network.root
    outputs = tuple(str(made.types[root.name][ref]) for ref in root.outputs.values())
    net = unroll(network, made.types)
    owners: dict[str, int] = {}
    layers = tuple(
        (
            step.layer,
            tuple(map(str, step.inputs)),
            tuple(map(str, step.outputs)),
            tuple(
                (key, owners.setdefault(name, len(owners)), str(w.type), w.kind)
                for key, (name, w) in step.weights.items()
            ),
        )
        for step in net.steps
    )  # fmt: skip
    return Facts(outputs, (*tuple(map(str, totals or ())), str(made.peak_activation_bytes)), layers)


# -- renaming -------------------------------------------------------------------------------------------


def renamed(net: Net, name: Callable[[str], str]) -> str:
    """The text with every label, input, block, parameter and value by another name."""
    own = set(_labels(net.body)) | {entry.name for entry in net.inputs}
    for one in (net, *net.blocks):
        own |= set(_labels(one.body)) | {parameter for parameter, _ in one.parameters}
        own |= {entry.split(":")[0] for entry in one.inputs if isinstance(entry, str)}
    own |= {block.name for block in net.blocks}
    own |= {let.name for let in net.lets}
    text, out, at = text_of(net), [], 0
    arguments = {key for name in layer_names() for key in find_layer(name).model_fields}  # type: ignore[union-attr]
    for token in tokens(text):
        if token.type == "NAME" and token.value in own - arguments:
            start = token.start_pos or 0
            out += [text[at:start], name(token.value)]
            at = start + len(token.value)
    return "".join([*out, text[at:]])


def _labels(body: Body) -> Iterator[str]:
    """The names that a body and those inside it give."""
    for statement in body:
        if isinstance(statement, (Declared, Let)):
            yield statement.name
        elif getattr(statement, "label", "").isidentifier():
            yield statement.label  # type: ignore[union-attr]
        if isinstance(statement, Repeat) and statement.index and not _texts(statement.body):
            yield statement.index
        for inside in bodies_of(statement):
            yield from _labels(inside)


def _texts(body: Body) -> bool:
    """Whether a label is a text, which names what it holds in it."""
    return any('"' in getattr(s, "label", "") or any(map(_texts, bodies_of(s))) for s in body)


# -- changes --------------------------------------------------------------------------------------------


def wild(text: str, draw: random.Random) -> str:
    """Other spaces, comments and line ends, which mean nothing."""
    lines = []
    for line in text.splitlines():
        end = "" if "#" in line else draw.choice(["", " ", "  # a comment", "\t"])
        lines.append(draw.choice(["", "  ", "\t"]) + line.strip() + end)
        lines += [""] * draw.choice([0, 0, 1, 2])
    return draw.choice(["\n", "\r\n"]).join(lines) + draw.choice(["\n", "", "\n\n"])


def in_a_block(net: Net, draw: random.Random) -> Net | None:
    """A net with some of its statements as a group. None where later ones need what is in it."""
    if len(net.body) < 2:
        return None
    first = draw.randrange(len(net.body) - 1)
    last = draw.randint(first + 1, len(net.body))
    inside, rest = net.body[first:last], net.body[last:]
    hidden = set(_labels(inside))
    if any(isinstance(statement, Assert) for statement in inside):
        return None  # its bare names are the facts of what is around it
    if hidden & _words(rest) or any(hidden & set(re.findall(r"\w+", name)) for name in net.returns):
        return None
    return replace(net, body=(*net.body[:first], Group(draw.choice(["", "wrapped"]), inside), *rest))


def as_a_block(net: Net) -> Net | None:
    """All of a net as a block of its own. None where it uses its inputs by name."""
    names = {entry.name for entry in net.inputs} | {name for name, _ in net.parameters}
    if len(net.inputs) > 1 or net.returns or names & _words(net.body):
        return None
    if any(isinstance(size, str) for entry in net.inputs for size in entry.sizes):
        return None
    return replace(net, body=(Call("whole"),), blocks=(*net.blocks, Block("whole", net.body)))


def _words(body: Body) -> set[str]:
    return {word for line in lines_of(body) for word in re.findall(r"\w+", line)}


def unrolled_repeats(net: Net) -> Net | None:
    """A net whose repeats, where they have no label and no index, are as many groups."""
    copies = 0

    def body_of(body: Body) -> Body:
        nonlocal copies
        out: list[Statement] = []
        for statement in body:
            inside = tuple(map(body_of, bodies_of(statement)))
            if isinstance(statement, Repeat) and not statement.label and not statement.index:
                for _ in range(statement.count):
                    copies += 1
                    out.append(Group(f"copy{copies}", inside[0]))  # a scope of its own: labels may be the same
            else:
                out.append(with_bodies(statement, inside))
        return tuple(out)

    made = replace(net, body=body_of(net.body))
    return made if copies else None


def without_words(net: Net) -> Net:
    """A net whose expressions are the numbers that they stand for, in a plain layout, without its claims. Those of
    blocks stay: they may have other values at each call."""

    def body_of(body: Body) -> Body:
        return tuple(one(s) for s in body if not isinstance(s, (Claim, Assert)))

    def one(statement: Any) -> Any:
        if isinstance(statement, (Repeat, For)) and getattr(statement, "index", "x"):
            return statement  # its expressions are others each time
        if isinstance(statement, Call) and not statement.again:
            arguments = tuple((k, v if _is_other(v) else plain(v)) for k, v in statement.arguments)
            statement = replace(statement, arguments=arguments)
        return with_bodies(statement, tuple(map(body_of, bodies_of(statement))))

    return replace(net, body=body_of(net.body), style=0)


def _is_other(value: Any) -> bool:
    return isinstance(value, Written) and value.value is None


def in_two_files(net: Net, folder: Path) -> Compilation | None:
    """A net whose blocks and values come from another file."""
    blocks = blocks_text(net)
    if not blocks:
        return None
    (folder / "blocks.net").write_text(blocks, encoding="utf-8")
    text = 'use "blocks.net"\n' + text_of(net).removeprefix(blocks)
    path = folder / "random.net"
    path.write_text(text, encoding="utf-8")
    return Compilation(SourceFile("random.net", text, str(path)))


# -- all of them ----------------------------------------------------------------------------------------


def changes(net: Net, draw: random.Random, folder: Path) -> Iterator[tuple[str, Callable[[], Compilation | None]]]:
    """All changes, each made when it is asked for."""
    text = text_of(net)

    def of(change: Callable[[], Net | str | None]) -> Callable[[], Compilation | None]:
        def made() -> Compilation | None:
            changed = change()
            return None if changed is None else compiled(changed)

        return made

    def named(more: str, name: str) -> Callable[[], Compilation | None]:
        return lambda: Compilation(SourceFile("random.net", text + more), name)

    yield "formatting", of(lambda: printed(text))
    yield "layout", of(lambda: wild(text, draw))
    yield "renaming", of(lambda: renamed(net, lambda name: f"{name}_"))
    yield "long names", of(lambda: renamed(net, lambda name: f"a_long_{name}_name"))
    yield "a group around statements", of(lambda: in_a_block(net, draw))
    yield "a block around all", of(lambda: as_a_block(net))
    yield "copies for a repeat", of(lambda: unrolled_repeats(net))
    yield "numbers for expressions", of(lambda: without_words(net))
    yield "blocks in another file", lambda: in_two_files(net, folder)
    given = "".join(f" {name}={default}" for name, default in net.parameters if default and _is_plain(default))
    yield "an instance", named(f"net Other = {net.name}{given}\n", "Other")
    names = [entry.name for entry in net.inputs]
    if not net.returns and not any(entry.conditions or _has_symbols(entry) for entry in net.inputs):
        entries = text_of(replace(net, name="Other", body=(Assert("true"),), returns=(), blocks=(), lets=(), style=0))
        around = entries.replace(
            "  assert true\n", f"  {net.name}{''.join(f' with {n}' for n in [' '.join(names[1:])] if n)}\n"
        )
        yield "a net as a layer", named(around, "Other")


def _is_plain(text: str) -> bool:
    """Whether an expression can stand as an argument."""
    return text.replace("_", "").replace(".", "").isalnum()


def _has_symbols(entry: Entry) -> bool:
    return any(isinstance(size, str) for size in entry.sizes)


def disagreements(net: Net, seed: object = 0, most: int | None = None) -> Iterator[tuple[str, str]]:
    """What each change does that it should not, with the changed text. `most`: so many changes, drawn of all."""
    draw = random.Random(f"metamorphic {seed}")
    text = text_of(net)
    made = compiled(text)
    try:
        facts = facts_of(made)
    except Exception as error:
        yield f"facts: {type(error).__name__}: {error}", text
        return
    with TemporaryDirectory() as folder:
        found = list(changes(net, draw, Path(folder)))
        if most is not None:
            found = draw.sample(found, min(most, len(found)))
        for name, change in found:
            other = None
            try:
                other = change()
                told = "" if other is None else facts.difference(facts_of(other))
            except Exception as error:
                told = f"{type(error).__name__}: {str(error)[:500]}"
            if told:
                yield f"{name}: {told}", other.source.text if other is not None else text
    if most is None or draw.random() < 0.2:
        for name, told in same_again(made, text):
            if told:
                yield f"{name}: {told}", text


def same_again(made: Compilation, text: str) -> Iterator[tuple[str, str]]:
    """IR to JSON and back, a batch, and the same text twice."""
    network = made.network
    assert network is not None
    written = network.model_dump_json()
    back = Compilation(SourceFile("random.json", written))
    if back.network is None or not back.sound:
        yield "JSON", f"it does not come back: {[str(d) for d in back.diagnostics]}"
    else:
        if back.network != network or back.network.model_dump_json() != written:
            yield "JSON", "another network comes back"
        yield "JSON", facts_of(made).difference(facts_of(back))
    twice = compiled(text)
    assert twice.network is not None
    if twice.network.model_dump_json() != written:
        yield "again", "the same text is another network"
    if [str(w) for w in twice.warnings] != [str(w) for w in made.warnings]:
        yield "again", "the same text has other warnings"
    many = Compilation(made.source, batch=3)
    one, three = made.totals, many.totals
    for field in ("macs", "mults", "adds", "other", "activation_bytes"):
        before, after = getattr(one, field, None), getattr(three, field, None)
        if before is not None and after != before * 3:
            yield "batch", f"{field}: {before} for one, {after} for three"
    if one is not None and three is not None and three.params != one.params:
        yield "batch", f"params: {one.params} for one, {three.params} for three"
