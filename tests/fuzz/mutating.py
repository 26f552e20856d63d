"""Sound nets with one mistake.

`almost_valid` changes one thing of a random net. The kind of change says where the first error has to be: at its line,
or, where the change may be none by itself, not before it. `misplaced` compares.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

from covering import Coverage
from drawing import Drawer, divisors, known
from growing import compiled, output_of
from kinds import RANKS, kind_of, takers
from writing import (
    Assert,
    Block,
    Body,
    Call,
    Claim,
    Entry,
    If,
    Net,
    Statement,
    Written,
    bodies_of,
    text_of,
    value_text,
    with_bodies,
)

from netspec.diagnostics import Diagnostic
from netspec.ops import find_layer, layer_names
from netspec.syntax.parser import tokens

MARK = "mutated_here"
SYMBOL = "Q"  # of an input that a change adds


class Mutation(NamedTuple):
    kind: str
    text: str
    lines: frozenset[int]  # where the error may be, from 1
    certain: bool = True  # whether the change is a mistake by itself
    code: str = ""  # the only one that is right, where there is one


Place = tuple[tuple[int, int], ...]  # in nested bodies: of the statement, and of the body inside it


def places(body: Body) -> Iterator[tuple[Place, Statement]]:
    """All statements but those in the branches of an `if`, which may not be chosen."""
    for at, statement in enumerate(body):
        yield ((at, 0),), statement
        if not isinstance(statement, If):
            for number, inside in enumerate(bodies_of(statement)):
                for place, inner in places(inside):
                    yield ((at, number), *place), inner


def changed_at(body: Body, place: Place, change: Callable[[Statement], Body]) -> Body:
    """A body with other statements in the place of one."""
    (at, number), *rest = place
    statement = body[at]
    if rest:
        bodies = bodies_of(statement)
        inner = changed_at(bodies[number], tuple(rest), change)
        made: Body = (with_bodies(statement, (*bodies[:number], inner, *bodies[number + 1 :])),)
    else:
        made = change(statement)
    return (*body[:at], *made, *body[at + 1 :])


class Whole(NamedTuple):
    """The body of a net, or of one of its blocks."""

    net: Net
    block: int | None

    @property
    def body(self) -> Body:
        return self.net.body if self.block is None else self.net.blocks[self.block].body

    def holding(self, body: Body) -> Net:
        if self.block is None:
            return replace(self.net, body=body)
        blocks = list(self.net.blocks)
        blocks[self.block] = replace(blocks[self.block], body=body)
        return replace(self.net, blocks=tuple(blocks))


class Mutator:
    """One change of a net. Each method is a kind, and gives nothing where the net has no place for it."""

    def __init__(self, net: Net, draw: random.Random) -> None:
        self.draw = draw
        self.net = net if draw.random() < 0.4 else replace(net, style=0)
        block = draw.randrange(len(net.blocks)) if net.blocks and draw.random() < 0.4 else None
        self.where = Whole(self.net, block)

    # -- of one call ------------------------------------------------------------------------------------

    def call(self) -> tuple[Place, Call] | None:
        found = [
            (place, statement)
            for place, statement in places(self.where.body)
            if isinstance(statement, Call) and find_layer(statement.name) and not statement.again
        ]
        return self.draw.choice(found) if found else None

    def with_call(self, kind: str, place: Place, call: Call, certain: bool = True, code: str = "") -> Mutation:
        marked = replace(call, label=MARK)
        lines = text_of(self.where.holding(changed_at(self.where.body, place, lambda _: (marked,)))).split("\n")
        line = next(number for number, line in enumerate(lines, start=1) if f"{MARK}:" in line)
        text = text_of(self.where.holding(changed_at(self.where.body, place, lambda _: (call,))))
        return Mutation(kind, text, frozenset({line}), certain, code)

    def an_unknown_layer(self) -> Mutation | None:
        found = self.call()
        return found and self.with_call(
            "unknown layer", found[0], replace(found[1], name=found[1].name + "qx"), code="NS201"
        )

    def an_unknown_argument(self) -> Mutation | None:
        found = self.call()
        if not found:
            return None
        call = replace(found[1], arguments=(*found[1].arguments, ("zzq", 3)))
        return self.with_call("unknown argument", found[0], call, code="NS203")

    def a_missing_argument(self) -> Mutation | None:
        found = self.call()
        layer = find_layer(found[1].name) if found else None
        needed = [key for key, field in layer.model_fields.items() if field.is_required()] if layer else []
        if not found or not needed:
            return None
        gone = self.draw.choice(needed)
        call = replace(found[1], arguments=tuple(pair for pair in found[1].arguments if pair[0] != gone))
        return self.with_call("missing argument", found[0], call)

    def an_unknown_label(self) -> Mutation | None:
        found = self.call()
        return found and self.with_call(
            "unknown label", found[0], replace(found[1], others=(*found[1].others, "nobody")), code="NS202"
        )

    def an_unknown_start(self) -> Mutation | None:
        found = self.call()
        if not found or (len(found[0]) > 1 and self.draw.random() < 0.5):
            return None
        return self.with_call("unknown start", found[0], replace(found[1], source="nobody"), code="NS202")

    def an_unknown_name(self) -> Mutation | None:
        found = self.argument()
        if not found:
            return None
        place, call, key = found
        text = self.draw.choice(["(nobody + 1)", "nobody", "nobody[0]", "(2 if nobody else 3)", "min(1, nobody)"])
        return self.with_call("unknown name", place, _with(call, key, Written(text, None)), code="NS202")

    def argument(self) -> tuple[Place, Call, str] | None:
        found = self.call()
        if not found or not found[1].arguments:
            return None
        return *found, self.draw.choice([key for key, _ in found[1].arguments])

    def another_kind(self) -> Mutation | None:
        found = self.argument()
        if not found:
            return None
        place, call, key = found
        text = self.draw.choice(["nothing", '"a text"', "((1, 2), 3, (4,))", "(1 / 0)", "relu"])
        if text != "nothing" and key in ("weight", "value", "init"):
            return None
        return self.with_call("another kind", place, _with(call, key, Written(text, None)))

    def a_negative(self) -> Mutation | None:
        found = self.argument()
        if not found or found[2] not in ("out", "k", "hidden", "stride", "dim", "vocab", "heads"):
            return None
        place, call, key = found
        value = dict(call.arguments)[key]
        value = value.value if isinstance(value, Written) else value
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            return None
        return self.with_call("negative", place, _with(call, key, -value))

    def another_number(self) -> Mutation | None:
        found = self.argument()
        if not found:
            return None
        place, call, key = found
        value = dict(call.arguments)[key]
        if not isinstance(value, int) or isinstance(value, bool):
            return None
        return self.with_call("another number", place, _with(call, key, value + self.draw.choice([1, -1, 3, 7])), False)

    def a_dropped_argument(self) -> Mutation | None:
        found = self.argument()
        if not found:
            return None
        place, call, key = found
        call = replace(call, arguments=tuple(pair for pair in call.arguments if pair[0] != key))
        return self.with_call("dropped argument", place, call, False)

    def an_argument_twice(self) -> Mutation | None:
        found = self.argument()
        if not found:
            return None
        place, call, key = found
        last, value = call.arguments[-1]
        twice = _with(call, last, Written(f"{value_text(value)} {key}=1", None))
        return self.with_call("argument twice", place, twice, code="NS204")

    def a_label_twice(self) -> Mutation | None:
        body = self.where.body
        labels = [(at, s.label) for at, s in enumerate(body) if getattr(s, "label", "").isidentifier()]  # type: ignore[union-attr]
        later = [at for at, s in enumerate(body) if isinstance(s, Call) and any(first < at for first, _ in labels)]
        if not later:
            return None
        at = self.draw.choice(later)
        label = self.draw.choice([label for first, label in labels if first < at])
        call = body[at]
        assert isinstance(call, Call)
        place = ((at, 0),)
        if label == call.label or any(label in getattr(s, "others", ()) for s in body[at:]):
            return None
        made = self.with_call("label twice", place, replace(call, label=label), code="NS208")
        return made

    # -- statements that are put in -----------------------------------------------------------------------

    def inserted(self, kind: str, at: int, statement: Statement, code: str = "") -> Mutation:
        """A statement before another, of the net itself."""
        body = self.net.body
        net = replace(self.net, body=(*body[:at], statement, *body[at:]))
        marked = replace(self.net, body=(*body[:at], Call("identity", label=MARK, source="x"), *body[at:]))
        marks = text_of(replace(marked, style=0)).split("\n")
        line = next(number for number, line in enumerate(marks, start=1) if f"{MARK}:" in line)
        return Mutation(kind, text_of(replace(net, style=0)), frozenset({line}), True, code)

    def a_wrong_claim(self) -> Mutation | None:
        at = self.draw.randrange(len(self.net.body) + 1)
        x = output_of(compiled(replace(self.net, body=self.net.body[:at], returns=())))
        if x is None or not x.shape:
            return None
        sizes = [str(size) for size in x.shape]
        axis = self.draw.randrange(len(sizes))
        way = self.draw.choice(["more", "rank", "less"])
        if way == "more":
            sizes[axis] = f"{known(x.shape[axis]) + 1}" if isinstance(x.shape[axis], int) else f"{sizes[axis]} + 1"
        elif way == "rank":
            sizes.insert(axis, "1")
        else:
            del sizes[axis]
        return self.inserted("wrong claim", at, Claim(f"[{', '.join(sizes)}]"), "NS401")

    def a_wrong_figure(self) -> Mutation | None:
        made = compiled(self.net)
        if made.totals is None or not isinstance(made.totals.macs, int) or not isinstance(made.totals.params, int):
            return None
        name, value = self.draw.choice([("params", made.totals.params), ("macs", made.totals.macs)])
        text = self.draw.choice(
            [f"{name} == {value + 1}", f"{name} < {value}", f"not {name} == {value}", f"{name} > 10**9"]
        )
        return self.inserted("wrong figure", len(self.net.body), Assert(text), "NS402")

    def a_layer_that_takes_no_such_value(self) -> Mutation | None:
        at = self.draw.randrange(len(self.net.body) + 1)
        x = output_of(compiled(replace(self.net, body=self.net.body[:at], returns=())))
        if x is None or x.rank > RANKS:
            return None
        fitting = takers(kind_of(x))
        others = [n for n in layer_names() if n not in fitting and find_layer(n).inputs == (1, 1)]  # type: ignore[union-attr]
        if not others:
            return None
        name = self.draw.choice(others)
        drawer = Drawer(self.draw, Coverage())
        arguments = ()
        for _ in range(20):
            arguments = drawer.arguments(name, x)
            try:
                find_layer(name)(**dict(arguments))  # type: ignore[misc]
                break
            except ValueError:
                continue
        return self.inserted("wrong kind of value", at, Call(name, arguments))

    def a_failing_condition(self) -> Mutation | None:
        size = self.draw.choice([3, 5, 8, 9])
        no = next(n for n in (2, 3, 4, 7) if n not in divisors(size))
        text = self.draw.choice([f"Q % {no} == 0", f"Q > {size}", f"Q <= {size - 1}", f"{size + 1} <= Q <= {size + 9}"])
        entry = Entry("spare", (f"{SYMBOL}={size}",), conditions=(text,))
        net = replace(self.net, inputs=(*self.net.inputs, entry), style=0)
        lines = text_of(net).split("\n")
        line = next(number for number, line in enumerate(lines, start=1) if "input spare:" in line)
        return Mutation("failing condition", "\n".join(lines), frozenset({line}), True, "NS404")

    def a_parameter_that_is_not_used(self) -> Mutation | None:
        """Sound, but for a warning."""
        body = (Call("identity"),)
        net = replace(self.net, blocks=(*self.net.blocks, Block("spare", body, (("unread", "3"),))), style=0)
        net = replace(net, body=(*net.body, Call("spare")))
        lines = text_of(net).split("\n")
        line = next(number for number, line in enumerate(lines, start=1) if "block spare(" in line)
        return Mutation("unused parameter", "\n".join(lines), frozenset({line}), True, "W102")

    def an_unknown_parameter(self) -> Mutation | None:
        return self.of_block("unknown parameter", (("other", 3),), "NS203")

    def a_missing_parameter(self) -> Mutation | None:
        return self.of_block("missing parameter", (), "NS205")

    def of_block(self, kind: str, more: tuple[tuple[str, int], ...], code: str) -> Mutation | None:
        block = Block("spare", (Call("relu"),), (("width", None),))
        net = replace(self.net, blocks=(*self.net.blocks, block))
        given = (("width", 3), *more) if more else ()
        at = self.draw.randrange(len(self.net.body) + 1)
        return self._over(net).inserted(kind, at, Call("spare", given), code)

    def _over(self, net: Net) -> Mutator:
        made = Mutator(net, self.draw)
        made.net = net
        return made

    def a_reused_layer_of_another_shape(self) -> Mutation | None:
        x = output_of(compiled(replace(self.net, body=self.net.body, returns=())))
        if x is None or not x.shape or x.dtype != "float32" or not isinstance(x.shape[-1], int):
            return None
        kept = tuple(s for s in self.net.body if not isinstance(s, Assert))  # which would not hold of more
        body: Body = (*kept, Call("dense", (("out", x.shape[-1] + 1),), "shared"))
        over = self._over(replace(self.net, body=body, returns=()))
        return over.inserted("reuse at another shape", len(body), Call("shared", again=True))

    # -- of the text ------------------------------------------------------------------------------------

    def without_branches(self) -> str | None:
        """The text of a net in which everything is read."""
        bodies = [self.net.body, *(block.body for block in self.net.blocks)]
        if any(_has_branch(body) for body in bodies):
            return None
        return text_of(replace(self.net, style=0))

    def a_lost_bracket(self) -> Mutation | None:
        text = text_of(self.net)
        found = [t for t in tokens(text) if str(t) in ("(", ")", "[", "]")]
        if not found:
            return None
        token = self.draw.choice(found)
        return _cut("lost bracket", text, token.start_pos or 0, 1, "")

    def a_lost_brace(self) -> Mutation | None:
        text = text_of(replace(self.net, style=0))
        opened: list[int] = []
        pairs: list[tuple[int, int]] = []
        for token in tokens(text):
            if str(token) == "{":
                opened.append(token.start_pos or 0)
            elif str(token) == "}":
                pairs.append((opened.pop(), token.start_pos or 0))
        first, last = self.draw.choice(pairs)
        at = self.draw.choice([first, last])
        one = _line_of(text, first), _line_of(text, last)
        # of a lost `{` the line after it may be told, or the `}` that is left
        lines = {one[0], one[0] + 1, one[1]} if at == first else {*one, one[1] - 1, one[1] + 1}
        return Mutation("lost brace", text[:at] + text[at + 1 :], frozenset(lines))

    def a_misspelt_keyword(self) -> Mutation | None:
        text = self.without_branches()
        if text is None:
            return None
        all_tokens = list(tokens(text))
        found = [
            token
            for before, token in zip([None, *all_tokens], all_tokens, strict=False)
            if token.type in KEYWORDS
            and not (before is not None and before.type in ("EQUAL", "NAME") and token.type == "CONSTANT")
        ]
        token = self.draw.choice(found)
        word = str(token)
        at = self.draw.randrange(len(word) - 1) if len(word) > 1 else 0
        other = self.draw.choice(
            [word[:at] + word[at + 1] + word[at] + word[at + 2 :], word[:at] + word[at + 1 :], word + "q"]
        )
        return None if other == word else _cut("misspelt keyword", text, token.start_pos or 0, len(word), other)

    def a_lost_token(self) -> Mutation | None:
        """A colon, bar, equals sign or arrow less."""
        text = self.without_branches()
        if text is None:
            return None
        found = [token for token in tokens(text) if str(token) in ("=", "|", ",") or token.type == "WITH"]
        if not found:
            return None
        token = self.draw.choice(found)
        made = _cut("lost sign", text, token.start_pos or 0, len(token), "")
        (line,) = made.lines
        return made._replace(certain=False, lines=frozenset({line - 1, line}))  # without its `|` a line may go on

    def an_odd_character(self) -> Mutation | None:
        text = text_of(replace(self.net, style=0))
        found = [token for token in tokens(text) if token.type != "_NL"]
        token = self.draw.choice(found)
        odd = self.draw.choice(["@", "$", "\u00e9", "'", "~", ";", "\\", "?", "\u202e", "&", "`"])
        return _cut("odd character", text, token.start_pos or 0, 0, odd)


KEYWORDS = (
    "LET", "BLOCK", "NET", "INPUT", "ASSERT", "PARAM", "CONSTANT", "RETURN", "FROM", "WITH", "REPEAT", "FOR", "IN",
    "REUSE", "AS",
)  # fmt: skip
MAKERS = tuple(name for name in vars(Mutator) if name.startswith(("a_", "an_", "another_")))


def _has_branch(body: Body) -> bool:
    return any(isinstance(s, If) or any(map(_has_branch, bodies_of(s))) for s in body)


def _cut(kind: str, text: str, at: int, length: int, other: str) -> Mutation:
    return Mutation(kind, text[:at] + other + text[at + length :], frozenset({_line_of(text, at)}))


def _line_of(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _with(call: Call, key: str, value: object) -> Call:
    return replace(call, arguments=tuple((k, value if k == key else v) for k, v in call.arguments))


def almost_valid(net: Net, draw: random.Random) -> Mutation | None:
    """A net with one change; None where it has no place for the kind that was drawn."""
    maker = draw.choice(MAKERS)
    for _ in range(4):
        made: Mutation | None = getattr(Mutator(net, draw), maker)()
        if made is not None:
            return made
    return None


def misplaced(mutation: Mutation) -> tuple[str, str]:
    """The code of the first error, and what is wrong with what is said of a net with a mistake."""
    made = compiled(mutation.text)
    if mutation.code.startswith("W"):
        found = [d for d in made.warnings if d.code == mutation.code and _lines(d) & mutation.lines]
        if not made.sound:
            return "", f"it is refused: {made.diagnostics[0].title}"
        return mutation.code, "" if found else f"no warning {mutation.code} there"
    errors = [d for d in made.diagnostics if d.severity == "error"]
    if not errors:
        return "", "it is taken" if mutation.certain else ""
    first = min(errors, key=lambda d: d.span.start if d.span else 0)
    line = first.span.line if first.span else 0
    told = f"line {line}: {first.code} {first.title}"
    if line in mutation.lines or (mutation.kind == "lost brace" and _lines(first) & mutation.lines):
        wrong = mutation.code and mutation.code not in {d.code for d in errors}
        return first.code, f"not {mutation.code}, {told}" if wrong else ""
    if not mutation.certain:
        lines = mutation.text.split("\n")
        # what comes after it, a merge around it, or a block that is used after it and stands before the net
        in_block = any(text.startswith("net N") for text in lines[line:])
        if line > min(mutation.lines) or lines[line - 1].endswith("{") or in_block:
            return first.code, ""
    return first.code, told


def _lines(diagnostic: Diagnostic) -> set[int]:
    return {label.span.line for label in diagnostic.labels}
