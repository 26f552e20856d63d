"""`repeat` and `for`: iterations that come out the same are elaborated once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from netspec.diagnostics import Label
from netspec.elaborate.arguments import bind_block
from netspec.elaborate.builder import ModuleBuilder
from netspec.elaborate.frame import Frame
from netspec.elaborate.values import (
    Definition,
    Failed,
    Instance,
    Labelled,
    LoopIndex,
    Static,
    Value,
    counted,
    describe,
    not_a,
)
from netspec.ir.network import RepeatNode, Run
from netspec.ir.types import TensorType
from netspec.problems.names import NotAValue
from netspec.source import Span
from netspec.syntax import ast

if TYPE_CHECKING:
    from netspec.elaborate.elaborator import Elaborator


def repeat(elaborator: Elaborator, unit: ast.Repeat, frame: Frame, label: str | None, sole: str | None) -> Value:
    """`repeat n as i { ... }`: a scope with numbered iterations."""
    count = frame.evaluate.integer(unit.count)
    if count < 0:
        remedy = "`repeat 0` passes the value on"
        frame.evaluate.fail(
            NotAValue(needed="a whole number from 0", what=describe(count), remedy=remedy), unit.count.span
        )

    def names(number: int) -> tuple[dict[str, Static], LoopIndex | None]:
        if unit.index is None:
            return {}, None
        index = LoopIndex(number, count)
        return {unit.index.id: index}, index

    return _iterate(elaborator, unit, frame, label, sole, count, names)


def loop(elaborator: Elaborator, unit: ast.For, frame: Frame, label: str | None) -> Value:
    """`for x in list { ... }`: labelled, a scope with numbered iterations; else written out where it stands."""
    values = frame.evaluate(unit.values)
    if not isinstance(values, tuple):
        frame.evaluate.fail(not_a("list", values), unit.values.span)

    def names(number: int) -> dict[str, Static]:
        value = values[number]
        if not unit.unpack:
            return {unit.targets[0].id: value}
        if not isinstance(value, tuple) or len(value) != len(unit.targets):
            names = ", ".join(name.id for name in unit.targets)
            frame.evaluate.fail(
                not_a("list", value, f"{counted(len(unit.targets), 'value')} for ({names})"), unit.values.span
            )
        return {name.id: v for name, v in zip(unit.targets, value, strict=True)}

    if label is not None:
        return _iterate(elaborator, unit, frame, label, None, len(values), lambda n: (names(n), None), pinned=True)
    value: Value | None = frame.it
    for number in range(len(values)):
        elaborator.count_node(frame, unit.span)
        inner = frame.inner(frame.module, value, names(number))
        value = next(iter(elaborator.body(unit.body, inner).values()))
    if value is None:
        raise Failed
    return value


def _iterate(
    elaborator: Elaborator,
    unit: ast.Repeat | ast.For,
    frame: Frame,
    label: str | None,
    sole: str | None,
    count: int,
    names: Callable[[int], tuple[dict[str, Static], LoopIndex | None]],
    pinned: bool = False,
) -> Value:
    """A scope with numbered iterations, those that come out the same elaborated once. `names` gives what the loop's
    names stand for in an iteration; `pinned` ones differ in each."""
    scope = _Scope(elaborator, unit, frame, label)
    name = elaborator.node_name(frame, label, sole, "repeat")
    current = start = elaborator.flowing(frame, unit.span)
    number = 0
    while number < count:
        elaborator.count_node(frame, unit.span)
        values, index = names(number)
        outer = frame.inner(frame.module, current, values)
        if number:
            outer.trail = (*frame.trail, Label(unit.span, f"in iteration {number}, counted from 0"))
        own_name = scope.own_name(outer)
        module, result, made_at = scope.iteration(outer, current, own_name is not None)
        if not result.known:
            times = count - number  # one mistake is told once
        elif result == current.type and own_name is None and not pinned:
            times = (index.high if index is not None else count) - number
        else:
            times = 1
        scope.add_run(module, times, own_name)
        current = Value(current.ref, result, current.home, made_at)
        number += times
    if not scope.runs:
        if label is not None:
            frame.module.labels[label] = Labelled(label, start, {}, None, unit.span, None)
        return start
    inputs = [start, *scope.finish()]
    node = RepeatNode.trusted(
        kind="repeat", name=name, runs=tuple(scope.runs), inputs=tuple(frame.module.local(v) for v in inputs)
    )
    return elaborator.add(frame, node, {"": current.type}, unit.span, label, None)


class _Scope:
    """The iterations of one loop: their modules, and the values from outside that any of them uses."""

    def __init__(self, elaborator: Elaborator, unit: ast.Repeat | ast.For, frame: Frame, label: str | None) -> None:
        self.elaborator = elaborator
        self.unit = unit
        self.parent = frame.module
        self.name = label or "repeat"
        self.step = only_step(unit.body)
        self.runs: list[Run] = []
        self._pending: list[tuple[ModuleBuilder, dict[str, Value]]] = []
        self._given: list[Value] = []  # through `with`, where blocks are the iterations
        self._named: set[str] = set()

    def own_name(self, frame: Frame) -> str | None:
        """What stands in place of the iteration's number: the computed label of the step that is all of the body."""
        if self.step is None or not isinstance(self.step.label, ast.String):
            return None
        text = self.elaborator.label_text(self.step.label, frame)
        if text in self._named:
            self.elaborator.report_second(self.step.label, text, self.unit.span, self.unit.span, frame)
        self._named.add(text)
        return text

    def iteration(self, frame: Frame, current: Value, named: bool) -> tuple[str, TensorType, Span]:
        """Elaborate one iteration: its module, the type that it gives, and the place that made it."""
        step = self.step
        if step is not None and (direct := self._direct(step, frame, current)) is not None:
            return direct.module, next(iter(direct.outputs.values())), step.unit.span
        module = self.elaborator.builder(self.name, "", self.parent, self.unit.body)
        inner = frame.inner(module, module.add_input("it", current.type, current.span))
        chain = self.unit.body.statements[0] if self.unit.body.statements else None
        if isinstance(chain, ast.Chain) and step is not None and (step.label is None or named):
            unlabelled = chain.replace(steps=(ast.Step(None, step.unit),))
            outputs = {"": self.elaborator.chain(unlabelled, inner, alone=True, sole="")}
        else:
            outputs = self.elaborator.body(self.unit.body, inner)
        for value in outputs.values():
            module.local(value)  # it may come from outside
        self._pending.append((module, outputs))
        made = next(iter(outputs.values()))
        return module.name, made.type, made.span

    def add_run(self, module: str, times: int, name: str | None) -> None:
        """So many iterations of a module more; a run that goes on stays one."""
        last = self.runs[-1] if self.runs else None
        if last is not None and name is None and last.name is None and last.module == module:
            self.runs.pop()
            times += last.times
        self.runs.append(Run.trusted(module=module, times=times, name=name))

    def finish(self) -> list[Value]:
        """Finish the modules, all with the same inputs, and give the values from outside that these are."""
        shared = {key: value for module, _ in self._pending for key, (_, value) in module.captures.items()}
        for module, outputs in self._pending:
            self.elaborator.finish(module, outputs, list(shared.items()))
        return self._given or list(shared.values())

    def _direct(self, step: ast.Step, frame: Frame, current: Value) -> Instance | None:
        """The block that is all of an iteration, which then takes the iteration's number as its name."""
        call = step.unit
        if not isinstance(call, ast.Call):
            return None
        if call.paths or (step.label is not None and isinstance(step.label, ast.Name)):
            return None
        if call.others and not (isinstance(self.unit, ast.Repeat) and all(map(_is_fixed, call.others))):
            return None  # iterations may be given other values
        callee = self.elaborator.callee(call, frame)
        if not isinstance(callee, Definition):
            return None
        arguments = bind_block(frame, callee, call, frame.evaluate)
        self._given = [frame.evaluate.tensor(expr) for expr in call.others]
        return self.elaborator.instantiate(frame, callee, arguments, [current, *self._given], call.span)


def _is_fixed(expr: ast.Expr) -> bool:
    """Whether an expression is the label of a value, or a member of one, which is the same in all iterations."""
    label = expr.value if isinstance(expr, ast.Member) else expr
    return isinstance(label, ast.Name) and label.id != "it"


def only_step(body: ast.Body) -> ast.Step | None:
    """The step that is all of a body, if it has just one."""
    if len(body.statements) != 1 or not isinstance(body.statements[0], ast.Chain):
        return None
    chain = body.statements[0]
    return chain.steps[0] if len(chain.steps) == 1 and chain.start is None else None
