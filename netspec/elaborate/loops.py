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
from netspec.problems.names import NotAValue
from netspec.syntax import ast

if TYPE_CHECKING:
    from netspec.elaborate.elaborator import Elaborator


def repeat(elaborator: Elaborator, unit: ast.Repeat, frame: Frame, label: str | None, sole: str | None) -> Value:
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
        inner = frame.inner(frame.module, value, **names(number))
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
    """A scope with numbered iterations, those that come out the same elaborated once."""
    name = elaborator.node_name(frame, label, sole, "repeat")
    current = start = elaborator.flowing(frame, unit.span)
    step = _only_step(unit.body)
    runs: list[Run] = []
    pending: list[tuple[ModuleBuilder, dict[str, Value]]] = []
    captures: dict[tuple[str, str], Value] = {}
    named: set[str] = set()
    number = 0
    while number < count:
        values, index = names(number)
        outer = frame.inner(frame.module, current, **values)
        if number:
            outer.trail = (*frame.trail, Label(unit.span, f"in iteration {number}, counted from 0"))
        iteration: str | None = None
        if step is not None and isinstance(step.label, ast.String):
            iteration = elaborator.label_text(step.label, outer)
            if iteration in named:
                elaborator.report_second(step.label, iteration, unit.span, unit.span, outer)
            named.add(iteration)
            if index is not None:
                index.pin()
        direct = _direct(elaborator, step, outer, current)
        made_at = unit.span
        if direct is not None and step is not None:
            module_name, result, made_at = direct.module, next(iter(direct.outputs.values())), step.unit.span
        else:
            module = elaborator.builder(label or "repeat", "", frame.module, unit.body)
            it = module.add_input("it", current.type, current.span)
            inner = outer.inner(module, it)
            if step is not None and (step.label is None or iteration is not None):
                chain = unit.body.statements[0]
                assert isinstance(chain, ast.Chain)
                unlabelled = chain.replace(steps=(ast.Step(None, step.unit),))
                outputs = {"": elaborator.chain(unlabelled, inner, alone=True, sole="")}
            else:
                outputs = elaborator.body(unit.body, inner)
            for value in outputs.values():
                module.local(value)  # it may come from outside
            for key, (_, value) in module.captures.items():
                captures[key] = value
            pending.append((module, outputs))
            made = next(iter(outputs.values()))
            module_name, result, made_at = module.name, made.type, made.span
        times = 1
        if iteration is None and result == current.type and not pinned and result.known:
            times = (index.high if index is not None else count) - number
        elif not result.known:
            times = count - number  # one mistake is told once
        if runs and iteration is None and runs[-1].name is None and runs[-1].module == module_name:
            times_before = runs.pop().times
            runs.append(Run.trusted(module=module_name, times=times_before + times, name=None))
        else:
            runs.append(Run.trusted(module=module_name, times=times, name=iteration))
        elaborator.count_node(frame, unit.span)
        current = Value(current.ref, result, current.home, made_at)
        number += times
    shared = list(captures.items())
    for module, outputs in pending:
        elaborator.finish(module, outputs, shared)
    if not runs:
        if label is not None:
            frame.module.labels[label] = Labelled(label, start, {}, None, unit.span, None)
        return start
    inputs = [start, *(value for _, value in shared)]
    node = RepeatNode.trusted(
        kind="repeat", name=name, runs=tuple(runs), inputs=tuple(frame.module.local(v) for v in inputs)
    )
    return elaborator.add(frame, node, {"": current.type}, unit.span, label, None)


def _direct(elaborator: Elaborator, step: ast.Step | None, frame: Frame, current: Value) -> Instance | None:
    """The block that is all of an iteration, which then takes the iteration's number as its name."""
    if step is None or not isinstance(step.unit, ast.Call):
        return None
    call = step.unit
    if call.paths or call.others or (step.label is not None and isinstance(step.label, ast.Name)):
        return None
    callee = elaborator.callee(call, frame)
    if not isinstance(callee, Definition):
        return None
    arguments = bind_block(frame, callee, call, frame.evaluate)
    return elaborator.instantiate(frame, callee, arguments, [current], call.span)


def _only_step(body: ast.Body) -> ast.Step | None:
    """The step that is all of a body, if it has just one."""
    if len(body.statements) != 1 or not isinstance(body.statements[0], ast.Chain):
        return None
    chain = body.statements[0]
    return chain.steps[0] if len(chain.steps) == 1 and chain.start is None else None
