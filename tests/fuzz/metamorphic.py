"""Changes to a net that change nothing that is said of it, or everything in a known way.

Each gives another text, of which the same has to be said: the shapes of its outputs, all totals, and the layers with
their weights in order.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from growing import compiled
from writing import Body, Call, Declared, Group, Net, Repeat, Statement, text_of

from netspec.analysis.unrolled import unroll
from netspec.driver import Compilation
from netspec.source import SourceFile
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


def renamed(net: Net, name: Callable[[str], str]) -> Net:
    """Every label, input and block by another name."""
    labels = set(_labels(net.body)) | {entry.name for entry in net.inputs}
    for _, body in net.blocks:
        labels |= set(_labels(body))
    blocks = {block for block, _ in net.blocks}

    def of(label: str) -> str:
        first, dot, rest = label.partition(".")
        return name(first) + dot + rest if first in labels | blocks else label

    def body_of(body: Body) -> Body:
        return tuple(map(one, body))

    def one(statement: Statement) -> Statement:
        if isinstance(statement, Declared):
            return replace(statement, name=of(statement.name))
        if isinstance(statement, (Group, Repeat)):
            return replace(statement, label=of(statement.label), body=body_of(statement.body))
        called = of(statement.name) if statement.again or statement.name in blocks else statement.name
        return replace(
            statement, name=called, label=of(statement.label), others=tuple(map(of, statement.others)),
            source=of(statement.source), paths=tuple(map(body_of, statement.paths)),
        )  # fmt: skip

    return replace(
        net,
        inputs=tuple(replace(entry, name=of(entry.name)) for entry in net.inputs),
        body=body_of(net.body),
        returns=tuple(map(of, net.returns)),
        blocks=tuple((name(block), body_of(body)) for block, body in net.blocks),
    )


def _labels(body: Body) -> Iterator[str]:
    for statement in body:
        if isinstance(statement, Declared):
            yield statement.name
            continue
        if statement.label:
            yield statement.label
        if isinstance(statement, Call):
            for path in statement.paths:
                yield from _labels(path)
        else:
            yield from _labels(statement.body)


def uses_labels(body: Body) -> bool:
    """Whether statements use values by name, and so depend on where they stand."""
    for statement in body:
        if isinstance(statement, Call):
            if statement.again or statement.source or any(not o.startswith("p") for o in statement.others):
                return True
            if any(map(uses_labels, statement.paths)):
                return True
        elif isinstance(statement, (Group, Repeat)) and uses_labels(statement.body):
            return True
    return False


# -- changes --------------------------------------------------------------------------------------------


def wild(text: str, draw: random.Random) -> str:
    """Other spaces, comments and line ends, which mean nothing."""
    lines = []
    for line in text.splitlines():
        lines.append(draw.choice(["", "  ", "\t"]) + line.strip() + draw.choice(["", " ", "  # a comment", "\t"]))
        lines += [""] * draw.choice([0, 0, 1, 2])
    return "\n".join(lines) + draw.choice(["\n", "", "\n\n"])


def in_a_block(net: Net, draw: random.Random) -> Net | None:
    """A net with some of its statements as a group. None where later ones need what is in it."""
    if len(net.body) < 2:
        return None
    first = draw.randrange(len(net.body) - 1)
    last = draw.randint(first + 1, len(net.body))
    inside, rest = net.body[first:last], net.body[last:]
    hidden = set(_labels(inside))
    if hidden & set(net.returns) or any(f" {name}" in f" {line}" for name in hidden for line in _words(rest)):
        return None
    return replace(net, body=(*net.body[:first], Group(draw.choice(["", "wrapped"]), inside), *rest))


def as_a_block(net: Net) -> Net | None:
    """All of a net as a block of its own. None where it uses its inputs by name."""
    names = {entry.name for entry in net.inputs}
    if len(net.inputs) > 1 or net.returns or any(f" {n}" in f" {word}" for n in names for word in _words(net.body)):
        return None
    if any(isinstance(size, str) for entry in net.inputs for size in entry.sizes):
        return None
    return replace(net, body=(Call("whole"),), blocks=(*net.blocks, ("whole", net.body)))


def _words(body: Body) -> Iterator[str]:
    from writing import lines_of

    for line in lines_of(body):
        yield from line.replace(",", " ").replace("(", " ").replace(".", " ").split()


def unrolled_repeats(net: Net) -> Net | None:
    """A net whose repeats, where they have no label, are as many groups."""
    changed = False

    def body_of(body: Body) -> Body:
        nonlocal changed
        out: list[Statement] = []
        for statement in body:
            if isinstance(statement, Repeat) and not statement.label:
                out += [Group("", body_of(statement.body)) for _ in range(statement.count)]
                changed = True
            elif isinstance(statement, (Group, Repeat)):
                out.append(replace(statement, body=body_of(statement.body)))
            elif isinstance(statement, Call) and statement.paths:
                out.append(replace(statement, paths=tuple(map(body_of, statement.paths))))
            else:
                out.append(statement)
        return tuple(out)

    made = replace(net, body=body_of(net.body))
    if not changed:
        return None
    counter = [0]

    def labelled(body: Body) -> Body:
        """Each copy is a scope of its own: labels in it may be the same."""
        out: list[Statement] = []
        for statement in body:
            if isinstance(statement, Group):
                counter[0] += 1
                statement = replace(
                    statement, label=statement.label or f"copy{counter[0]}", body=labelled(statement.body)
                )
            elif isinstance(statement, Repeat):
                statement = replace(statement, body=labelled(statement.body))
            elif isinstance(statement, Call) and statement.paths:
                statement = replace(statement, paths=tuple(map(labelled, statement.paths)))
            out.append(statement)
        return tuple(out)

    return replace(made, body=labelled(made.body))


# -- all of them ----------------------------------------------------------------------------------------


def disagreements(net: Net, seed: object = 0) -> Iterator[tuple[str, str]]:
    """What each change does that it should not, with the changed text."""
    draw = random.Random(f"metamorphic {seed}")
    text = text_of(net)
    made = compiled(text)
    try:
        facts = facts_of(made)
    except Exception as error:
        yield f"facts: {type(error).__name__}: {error}", text
        return
    changes: list[tuple[str, str | None]] = [
        ("formatting", printed(text)),
        ("layout", wild(text, draw)),
        ("renaming", text_of(renamed(net, lambda name: f"{name}_" if name else name))),
        ("long names", text_of(renamed(net, lambda name: f"a_long_{name}_name" if name else name))),
    ]
    for name, changed in (
        ("a group around statements", in_a_block(net, draw)),
        ("a block around all", as_a_block(net)),
        ("copies for a repeat", unrolled_repeats(net)),
    ):
        changes.append((name, None if changed is None else text_of(changed)))
    for name, other in changes:
        if other is None:
            continue
        try:
            told = facts.difference(facts_of(compiled(other)))
        except Exception as error:
            told = f"{type(error).__name__}: {str(error)[:500]}"
        if told:
            yield f"{name}: {told}", other
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
