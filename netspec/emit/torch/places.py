"""What classes are made of: the modules of elaborations, and the parts of a class."""

from __future__ import annotations

import ast as py
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from netspec.diagnostics import Problem, SpecError
from netspec.elaborate.trace import NodeOrigin, Tracer
from netspec.emit.torch.drafts import Given
from netspec.emit.torch.layout import Call, Code
from netspec.ir.network import Module
from netspec.ir.types import TensorType
from netspec.source import Span
from netspec.syntax import ast


@dataclass(slots=True)
class Entry:
    """An attribute of a class: `self.name = code`."""

    name: str
    code: Code


@dataclass(slots=True)
class ClassDef:
    """A class of the generated file."""

    name: str
    given: list[Given]
    entries: list[Entry]
    locals: list[tuple[str, str]]  # name and expression of values computed first
    inputs: list[str]
    forward: list[str]
    outputs: int
    items: list[tuple[str, Code]] | None  # of a class that is an nn.Sequential, each with the condition for it
    doc: str
    places: list[Place]
    base: Call | None = None  # what it is besides: a module without a name of its own, with its arguments
    sizes: dict[tuple[str, int], py.expr] = field(default_factory=dict)  # of its outputs, by member and axis


@dataclass(eq=False)
class Place:
    """A module of one elaboration, where its code is written: in a class of its own, or inside of another's."""

    tracer: Tracer
    module: Module
    up: tuple[Place, Any] | None = None  # where it is called, and the node that calls it

    @property
    def types(self) -> dict[str, TensorType]:
        return self.tracer.types[self.module.name]

    @property
    def root(self) -> Place:
        return self.up[0].root if self.up else self

    def origin(self, node: Any) -> NodeOrigin:
        return self.tracer.origins[self.module.name, node.name]

    def node(self, ref: str) -> Any:
        """The node that makes a value, or None for an input."""
        return self.nodes.get(ref) or self.nodes.get(ref.split(".")[0])

    @cached_property
    def nodes(self) -> dict[str, Any]:
        """The nodes of the module by name."""
        return {node.name: node for node in self.module.nodes}

    def inside(self, module: str, node: Any) -> Place:
        return Place(self.tracer, self.tracer.modules[module], (self, node))


class CannotWrite(SpecError):
    """Something of a spec that has no torch source, told as a mistake of it is."""

    def __init__(self, problem: Problem, span: Span) -> None:
        super().__init__((problem.at(span),))


def tests_of(place: Place) -> dict[int, tuple[ast.Expr, bool]]:
    """The conditions that nodes of a module stand under, and how they came out."""
    return {id(t): (t, out) for node in place.module.nodes for t, out in place.origin(node).tests}
