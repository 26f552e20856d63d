"""What one module of a net would be as a class of torch, with its numbers; and how several of them become one class.

A block that is used with other arguments or input types is another module of the IR. Each is drafted by itself, and
the drafts are merged: where all agree the number is written, else an expression in the class's parameters that gives
the right number in every draft. Wishes say which expressions to try, the author's own first.
"""

from __future__ import annotations

import ast as py
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from netspec.emit.torch.expressions import Unknown, literal, names_in, text_of, value_of
from netspec.emit.torch.layout import Call, Choice, Code, Each, flat
from netspec.ops.torchrule import NOTHING, Arg, fill


@dataclass(slots=True)
class Leaf:
    """A value of one draft, and expressions that may stand for it."""

    value: Any
    wishes: tuple[py.expr, ...] = ()
    hint: str = "value"  # what a parameter for it would be called


@dataclass(slots=True)
class Make:
    """name(args): keyword, torch's default and value of each."""

    name: str
    args: list[tuple[str, Any, Draft]] = field(default_factory=list)
    literal: str = ""


@dataclass(slots=True)
class Times:
    """*(item for _ in range(times))"""

    item: Draft
    times: Leaf


Draft: TypeAlias = Leaf | Make | Times


@dataclass(slots=True)
class Given:
    """A parameter of a class that is made."""

    name: str
    type: str
    default: Any  # NOTHING where it has none
    kind: str  # "size": of an input; "value": the block's own; "extra": what nothing else gives
    values: list[Any] = field(default_factory=list)  # of an extra one, by draft
    size: tuple[int, int] = (0, 0)  # which input's size, and of which axis, it is


class Unlike(Exception):
    """Drafts that cannot be one class."""


class Merger:
    """Merges drafts. `scopes` are the values of the names that the class may use, one scope for each draft."""

    def __init__(self, scopes: Sequence[dict[str, Any]], extras: bool = True) -> None:
        self.scopes = scopes
        self.used: dict[str, None] = {}  # names that the code needs, in order
        self.extras: dict[str, list[Any]] = {}
        self._may_add = extras

    def merge(self, drafts: Sequence[Draft]) -> Code:
        """The code of drafts, one for each scope. Raises Unlike."""
        first = drafts[0]
        if isinstance(first, Leaf):
            return self._leaf([draft for draft in drafts if isinstance(draft, Leaf)])
        if isinstance(first, Times):
            same = [draft for draft in drafts if isinstance(draft, Times)]
            if len(same) != len(drafts):
                raise Unlike
            item = self.merge([draft.item for draft in same])
            times = self._leaf([draft.times for draft in same])
            return item if times == "1" else Each(item, times)
        made = [draft for draft in drafts if isinstance(draft, Make)]
        if len(made) != len(drafts) or any(kind_of(draft) != kind_of(first) for draft in made):
            raise Unlike
        args: list[tuple[str, Code]] = []
        for place, (keyword, default, _) in enumerate(first.args):
            parts = [draft.args[place][2] for draft in made]
            code = self.merge(parts)
            if default is not NOTHING and code == literal(default):
                continue
            args.append((keyword, code))
        if "{" in first.name:
            return self._filled(first, args)
        return Call(first.name, args)

    def _filled(self, made: Make, args: list[tuple[str, Code]]) -> str:
        """The text of a constructor that is a template."""
        codes = [(Arg(None, keyword), flat(code)) for keyword, code in args]
        written = {keyword for keyword, _ in args if keyword}
        for keyword, default, value in made.args:
            if keyword and keyword not in written and isinstance(value, Leaf):
                codes.append((Arg(default, keyword, default), literal(value.value)))
        return fill(made.name, (), codes, made.literal)

    def choose(self, test: str, drafts: Sequence[Draft], outcomes: Sequence[bool]) -> Code:
        """The code of drafts that are of two kinds, told apart by a test."""
        parts: list[Code] = []
        for wanted in (True, False):
            chosen = [place for place, outcome in enumerate(outcomes) if outcome is wanted]
            part = Merger([self.scopes[place] for place in chosen], extras=False)
            parts.append(part.merge([drafts[place] for place in chosen]))
            self.used.update(part.used)
        return Choice(test, *parts)

    def expression(self, wishes: Sequence[py.expr], values: Sequence[Any]) -> str | None:
        """The first of the expressions that has these values in all scopes."""
        for wish in wishes:
            if names_in(wish) and all(
                _gives(wish, scope, value) for scope, value in zip(self.scopes, values, strict=True)
            ):
                self.used.update(dict.fromkeys(names_in(wish)))
                return text_of(wish)
        return None

    def _leaf(self, leaves: Sequence[Leaf]) -> str:
        if len(leaves) != len(self.scopes):
            raise Unlike
        values = [leaf.value for leaf in leaves]
        wishes = {py.dump(wish): wish for leaf in leaves for wish in leaf.wishes}
        text = self.expression(list(wishes.values()), values)
        if text is not None:
            return text
        if all(type(value) is type(values[0]) and value == values[0] for value in values):
            return literal(values[0])
        if not self._may_add:
            raise Unlike
        hint, number = leaves[0].hint, 2
        name = hint
        while name in self.extras or any(name in scope for scope in self.scopes):
            name = f"{hint}{number}"
            number += 1
        self.extras[name] = values
        self.used[name] = None
        for scope, value in zip(self.scopes, values, strict=True):
            scope[name] = value
        return name


def _gives(wish: py.expr, scope: dict[str, Any], value: Any) -> bool:
    try:
        found = value_of(wish, scope)
    except (Unknown, ArithmeticError, TypeError, ValueError, LookupError):
        return False
    return type(found) is type(value) and found == value


def kind_of(draft: Draft) -> Any:
    """Equal for drafts that can be merged."""
    if isinstance(draft, Leaf):
        return None
    if isinstance(draft, Times):
        return ("times", kind_of(draft.item))
    return (draft.name, tuple((keyword, kind_of(value)) for keyword, _, value in draft.args))
