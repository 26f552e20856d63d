"""Warnings about names, from the text of one file alone: what is never used, what hides what, what replaces what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from netspec.diagnostics import Diagnostic, Label, Problem
from netspec.elaborate.files import Definitions, standard_names
from netspec.ops import layer_names
from netspec.source import Span
from netspec.syntax import ast

Kind = Literal["parameter", "let", "index", "size"]
Outcomes = Mapping[ast.If, set[bool]]  # how the test of each `if` came out

_OUTER = {"parameter": "a parameter", "let": "a `let`", "index": "the name of a loop", "size": "a size of an input"}
_INNER = {
    "parameter": "`{name}` is this parameter",
    "let": "`{name}` is this value",
    "index": "`{name}` is the name of this loop",
    "label": "`from {name}` is the output of this layer",
}


class _Name:
    """What a name stands for in a body: a parameter, a `let`, a loop's name, a size of an input."""

    __slots__ = ("body", "choices", "depends", "kind", "remedy", "span", "used")

    def __init__(self, kind: Kind, span: Span, depends: bool, body: int, choices: int, remedy: str) -> None:
        self.kind = kind
        self.span = span
        self.depends = depends  # on a parameter or a shape
        self.body = body  # how deep it stands
        self.choices = choices  # around it, that depend on a parameter or a shape
        self.remedy = remedy
        self.used = False


class NameLints:
    """The warnings about one file. `found`: those that do not depend on how its nets are elaborated."""

    def __init__(self, definitions: Definitions, items: Iterable[ast.Item]) -> None:
        self.definitions = definitions
        self.found: list[Diagnostic] = []
        self._mentioned: set[str] = set()  # of the file's names, those that others mention
        self._closed: list[ast.If] = []  # those whose test depends on no parameter and no shape
        items = tuple(items)
        for item in items:
            if isinstance(item, (ast.Block, ast.Net)):
                _Walk(self, item)
            elif isinstance(item, ast.Let):
                self._mentioned.update(name for name in names_of(item.value) if name != item.name.id)
            elif isinstance(item, ast.Instance):
                self._mentioned.add(item.call.name.id)
                self._mentioned.update(names_of(*(a.value for a in item.call.arguments)))
                claims = item.claims.statements if item.claims else ()
                self._mentioned.update(names_of(*(s.test for s in claims if isinstance(s, ast.Assert))))
        for item in items:
            if not isinstance(item, (ast.Use, ast.Broken)):
                self._item(item)

    def constant_conditions(self, outcomes: Outcomes) -> Iterator[Diagnostic]:
        """The tests that cannot change and came out the same always."""
        for choice in self._closed:
            found = outcomes.get(choice, ())
            if len(found) == 1:
                outcome = "true" if True in found else "false"
                from netspec.problems.warnings import ConstantCondition

                yield ConstantCondition(outcome=outcome).at(choice.test.span)

    def tell(self, problem: Problem, span: Span, *others: Label) -> None:
        self.found.append(problem.at(span, *others))

    def mention(self, name: str) -> None:
        self._mentioned.add(name)

    def _item(self, item: ast.Let | ast.Block | ast.Net | ast.Instance) -> None:
        name, is_let = item.name.id, isinstance(item, ast.Let)
        unused = isinstance(item, (ast.Let, ast.Block)) and name not in self._mentioned and not name.startswith("_")
        replaced = (
            "the built-in layer" if name in layer_names() else "the library's block" if name in standard_names() else ""
        )
        if not unused and not replaced:
            return
        from netspec.problems.warnings import ReplacedLayer, UnusedBlock, UnusedLet

        if unused:
            self.tell(UnusedLet(name=name) if is_let else UnusedBlock(name=name), item.name.span)
        if replaced and not is_let:
            kind = "block" if isinstance(item, ast.Block) else "net"
            self.tell(ReplacedLayer(name=name, what=replaced, kind=kind), item.name.span)


class _Walk:
    """One block or net, statement by statement, with the names in force."""

    def __init__(self, file: NameLints, item: ast.Block | ast.Net) -> None:
        self.file = file
        self.item = item
        self.names: dict[str, _Name] = {}
        self.seen: set[str] = set()  # all names that are mentioned
        self.tensors: list[tuple[str, ast.Name]] = []  # inputs, params and constants
        self.choices = 0  # around, that depend on a parameter or a shape
        self.depth = 0
        self.undo: list[tuple[str, _Name | None]] = []  # what the names of inner bodies have hidden
        for parameter in item.parameters:
            if parameter.default is not None:
                self.depends(parameter.default)
            self.bind("parameter", parameter.name, True, parameter.default)
        self.body(item.body)
        for name in self.names.values():
            self.unused(name)
        flows = isinstance(item, ast.Net) and sum(kind == "input" for kind, _ in self.tensors) == 1
        for kind, tensor in self.tensors:
            if tensor.id not in self.seen and not tensor.id.startswith("_") and not (kind == "input" and flows):
                example = f"from {tensor.id} -> ..." if kind == "input" else f"add with {tensor.id}"
                from netspec.problems.warnings import UnusedTensor

                file.tell(UnusedTensor(kind=kind, name=tensor.id, example=example), tensor.span)

    # -- names ----------------------------------------------------------------------------------------

    def mention(self, name: str, called: bool = False) -> bool:
        """Note that a name is used; whether it depends on a parameter or a shape."""
        self.seen.add(name)
        known = self.names.get(name)
        if known is not None:
            known.used = True
        if (known is None or called) and name != self.item.name.id:
            self.file.mention(name)
        if known is not None:
            return known.depends or known.choices < self.choices
        return not isinstance(self.file.definitions.item(name), ast.Let)

    def depends(self, *values: ast.Expr | None) -> bool:
        """Note the names in values; whether one of them depends on a parameter or a shape."""
        found = [self.mention(name) for name in names_of(*values)]
        return any(found)

    def bind(self, kind: Kind, name: ast.Name, depends: bool, value: ast.Expr | None = None, remedy: str = "") -> None:
        """Give a name its meaning until the end of the body. A value made of the name's last one is a new version."""
        before = self.names.get(name.id)
        if not (before is not None and before.kind == kind == "let" and before.body == self.depth):
            self.hides(kind, name, value)
        self.undo.append((name.id, before))
        self.names[name.id] = _Name(kind, name.span, depends, self.depth, self.choices, remedy)

    def hides(self, kind: str, name: ast.Name, value: ast.Expr | None = None) -> None:
        """Warn where a name has another meaning outside."""
        known, definitions = self.names.get(name.id), self.file.definitions
        owner = definitions.owner(name.id)
        if known is not None:
            outer, span = _OUTER[known.kind], known.span
        elif owner is not None and isinstance(owner.items[name.id], ast.Let):
            outer, span = "the file's `let`", owner.places[name.id]
        else:
            return
        if name.id.startswith("_") or name.id in names_of(value):
            return
        from netspec.problems.warnings import HiddenName

        problem = HiddenName(name=name.id, outer=outer, inner=_INNER[kind].format(name=name.id))
        self.file.tell(problem, name.span, Label(span, f"the `{name.id}` that it hides"))

    def unused(self, name: _Name) -> None:
        """Warn of a name that goes out of force without having been used."""
        text = name.span.text
        if name.used or text.startswith("_"):
            return
        from netspec.problems.warnings import UnusedIndex, UnusedLet, UnusedParameter

        if name.kind == "parameter":
            self.file.tell(UnusedParameter(name=text, owner=self.item.name.id), name.span)
        elif name.kind == "let":
            self.file.tell(UnusedLet(name=text), name.span)
        elif name.kind == "index":
            self.file.tell(UnusedIndex(name=text, remedy=name.remedy), name.span)

    # -- statements -----------------------------------------------------------------------------------

    def body(self, body: ast.Body, loop: ast.Repeat | ast.For | None = None, depends: bool = False) -> None:
        """A body, with the names that its loop gives to it."""
        begin = len(self.undo)
        self.depth += 1
        if isinstance(loop, ast.Repeat) and loop.index is not None:
            self.bind("index", loop.index, depends, None, f"`repeat` needs no name: leave out `as {loop.index.id}`")
        for name in loop.targets if isinstance(loop, ast.For) else ():
            self.bind("index", name, depends, None, f"use it, or call it `_{name.id}`")
        for statement in body.statements:
            self.statement(statement)
        for statement in body.statements:
            if isinstance(statement, ast.Assert):  # proven at the end, with the values of then
                self.depends(statement.test)
        self.depth -= 1
        while len(self.undo) > begin:
            text, before = self.undo.pop()
            self.unused(self.names.pop(text))
            if before is not None:
                self.names[text] = before

    def statement(self, statement: ast.Statement) -> None:
        if isinstance(statement, ast.Chain):
            self.chain(statement)
        elif isinstance(statement, ast.Let):
            self.bind("let", statement.name, self.depends(statement.value), statement.value)
        elif isinstance(statement, ast.Assert):
            self.depends(statement.test)
        elif isinstance(statement, ast.Return):
            self.depends(*(returned.value for returned in statement.values))
        elif isinstance(statement, ast.Input):
            self.tensors.append(("input", statement.name))
            self.hides("label", statement.name)
            for size in statement.shape or ():
                self.size(size)
            self.depends(*statement.conditions)
        elif isinstance(statement, ast.Source):
            self.tensors.append((statement.call.name.id, statement.name))
            self.hides("label", statement.name)
            self.depends(*(a.value for a in statement.call.arguments))

    def size(self, size: ast.Size) -> None:
        self.depends(size.usual)
        value = size.value
        if isinstance(value, ast.Name) and value.id[0].isupper() and not self.is_known(value.id):
            self.bind("size", value, True)
        else:
            self.depends(value)

    def is_known(self, name: str) -> bool:
        return name in self.names or self.file.definitions.owner(name) is not None

    def chain(self, chain: ast.Chain) -> None:
        self.depends(chain.start)
        for step in chain.steps:
            if isinstance(step.label, ast.String):
                self.depends(step.label)
            self.unit(step.unit)
            if isinstance(step.label, ast.Name):
                self.hides("label", step.label)

    def unit(self, unit: ast.Unit) -> None:
        if isinstance(unit, ast.Call):
            self.mention(unit.name.id, called=True)
            self.depends(*(a.value for a in unit.arguments), *unit.others)
            for path in unit.paths:
                self.chain(path)
        elif isinstance(unit, ast.Group):
            self.body(unit.body)
        elif isinstance(unit, ast.Repeat):
            self.body(unit.body, unit, self.depends(unit.count))
        elif isinstance(unit, ast.For):
            self.body(unit.body, unit, self.depends(unit.values))
        elif isinstance(unit, ast.If):
            self.choice(unit)
        elif isinstance(unit, ast.Reuse):
            self.depends(unit.label, *unit.others)
        elif isinstance(unit, ast.Claim):
            self.depends(*unit.sizes)

    def choice(self, unit: ast.If) -> None:
        """An `if` with its branches. Which iterations come into a branch depends on its test, so what loops vary may
        depend on a parameter there."""
        before = self.choices
        rest: ast.If | ast.Body | None = unit
        while isinstance(rest, ast.If):
            depends = self.depends(rest.test)
            if not depends:
                self.file._closed.append(rest)
            self.choices += depends
            self.body(rest.then)
            rest = rest.otherwise
        if rest is not None:
            self.body(rest)
        self.choices = before


_PARTS: dict[type, tuple[str, ...]] = {
    ast.Member: ("value",),
    ast.Index: ("value", "index"),
    ast.Slice: ("value", "start", "stop"),
    ast.Minus: ("value",),
    ast.Negation: ("value",),
    ast.Conditional: ("test", "then", "otherwise"),
}
_LISTS: dict[type, str] = {
    ast.String: "parts",
    ast.Sequence: "items",
    ast.Function: "arguments",
    ast.Arithmetic: "operands",
    ast.Comparison: "operands",
    ast.Logic: "operands",
}


def names_of(*values: ast.Expr | None) -> Iterator[str]:
    """The names in values."""
    todo: list[ast.Expr | str | None] = list(values)
    while todo:
        value = todo.pop()
        if isinstance(value, ast.Name):
            yield value.id
        elif type(value) in _LISTS:
            todo += getattr(value, _LISTS[type(value)])
        elif type(value) in _PARTS:
            todo += [getattr(value, part) for part in _PARTS[type(value)]]
