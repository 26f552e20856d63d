"""Elaboration that remembers what led to each node: its call, the names in force, the conditions it stands under.
For emitters that write code as the author wrote the spec; a check needs none of it."""

from __future__ import annotations

from typing import Any, NamedTuple

from netspec.elaborate.builder import ModuleBuilder
from netspec.elaborate.elaborator import Elaborator
from netspec.elaborate.frame import Frame
from netspec.elaborate.loops import only_step
from netspec.elaborate.values import Definition, Instance, Outputs, Static, Value
from netspec.ir.network import RepeatNode
from netspec.ops import find_layer
from netspec.source import Span
from netspec.syntax import ast

Test = tuple[ast.Expr, bool]  # a condition and how it came out


class Site(NamedTuple):
    """A call and the names in force there."""

    call: ast.Call | None
    env: dict[str, Static]


class NodeOrigin(NamedTuple):
    """What made a node. labelled: whether the author named it. tests: the conditions around it, in its module. runs:
    of a repeat, the calls that are all of its iterations, one for each of its runs."""

    unit: Any
    labelled: bool
    env: dict[str, Static]
    tests: tuple[Test, ...]
    runs: tuple[Site, ...] = ()


class Tracer(Elaborator):
    """An elaborator that fills `origins` and `keys`. An `if` without a branch, if labelled, leaves an `identity`."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.origins: dict[tuple[str, str], NodeOrigin] = {}  # by module and node
        self.keys: dict[str, Any] = {}  # the body or unit that a module was made of
        self.definitions: dict[str, Definition] = {}  # the block or net that a module is
        self.envs: dict[str, dict[str, Static]] = {}  # the names in force in a module
        self._units: list[Any] = []  # those that are being elaborated, the innermost last
        self._sites: dict[str, dict[str, Static]] = {}  # the names where a module was last called
        self._came_out: dict[ast.If, tuple[Test, ...]] = {}
        self._bodies: dict[ast.Body, tuple[ModuleBuilder, tuple[Test, ...]]] = {}

    def body(self, body: ast.Body, frame: Frame) -> dict[str, Value]:
        module, tests = self._bodies.pop(body, (None, ()))
        if module is frame.module:
            frame.tests = (*frame.tests, *tests)
        self.envs.setdefault(frame.module.name, frame.env)
        return super().body(body, frame)

    def builder(self, name: str, title: str, parent: ModuleBuilder | None, body: ast.Body | None) -> ModuleBuilder:
        module = super().builder(name, title, parent, body)
        self.keys[module.name] = body if body is not None else self._units[-1]
        return module

    def instantiate(
        self, frame: Frame, block: Definition, arguments: dict[str, Static], inputs: list[Value], span: Span
    ) -> Instance:
        made = super().instantiate(frame, block, arguments, inputs, span)
        self.definitions[made.module] = block
        self._sites[made.module] = dict(frame.env)
        return made

    def add(self, frame: Frame, node: Any, outputs: Outputs, span: Span, label: str | None, again: Any) -> Value:
        value = super().add(frame, node, outputs, span, label, again)
        unit = self._units[-1] if self._units else None
        tests = frame.tests
        if isinstance(unit, ast.If):
            tests = (*tests, *self._came_out.get(unit, ()))
        runs: tuple[Site, ...] = ()
        if isinstance(node, RepeatNode):
            step = only_step(unit.body)  # type: ignore[union-attr]
            call = step.unit if step is not None and isinstance(step.unit, ast.Call) else None
            runs = tuple(
                Site(call if run.module in self.definitions else None, self._sites.get(run.module, {}))
                for run in node.runs
            )
        self.origins[frame.module.name, node.name] = NodeOrigin(unit, label is not None, dict(frame.env), tests, runs)
        return value

    def _step(self, step: ast.Step, frame: Frame, sole: str | None) -> Value:
        self._units.append(step.unit)
        try:
            value = super()._step(step, frame, sole)
            if isinstance(step.unit, ast.If) and step.label is not None:
                label = self.label_text(step.label, frame)
                if frame.module.labels[label].node is None:
                    del frame.module.labels[label]
                    identity = find_layer("identity")
                    assert identity is not None
                    return self.add_layer(frame, identity(), label, [value], None, step.unit.span, label)
            return value
        finally:
            self._units.pop()

    def _branch(self, unit: ast.If, frame: Frame) -> ast.Body | None:
        chosen = super()._branch(unit, frame)
        tests: list[Test] = []
        at: Any = unit
        while isinstance(at, ast.If):
            tests.append((at.test, at.then is chosen))
            if at.then is chosen:
                break
            at = at.otherwise
        self._came_out[unit] = tuple(tests)
        if chosen is not None:
            self._bodies[chosen] = (frame.module, tuple(tests))
        return chosen
