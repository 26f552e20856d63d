"""Where elaboration stands: the module being built, the names in force, the value that flows, and how it got here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from netspec import limits
from netspec.diagnostics import Diagnostic, Label, Problem
from netspec.elaborate.builder import ModuleBuilder
from netspec.elaborate.expressions import Evaluator
from netspec.elaborate.files import Definitions
from netspec.elaborate.values import POISON, Definition, Exhausted, Failed, Labelled, Static, Value
from netspec.ops import find_layer
from netspec.ops.base import Layer
from netspec.problems.names import UnknownLayer
from netspec.source import Span
from netspec.syntax import ast

if TYPE_CHECKING:
    from netspec.elaborate.elaborator import Elaborator
    from netspec.elaborate.trace import Test


def located(problem: Problem, span: Span, trail: tuple[Label, ...], labels: tuple[Label, ...]) -> Diagnostic:
    """A problem at a place, with what led to it: the innermost calls, and the one in the net itself. Inside the
    standard library the mistake is the call's that led into it. `trail` is outermost first."""
    shown = trail if len(trail) <= 4 else (trail[0], *trail[-3:])
    others = [*reversed(shown), *labels]
    diagnostic = problem.at(span)
    if span.source.is_standard:
        calls = [label for label in others[: len(shown)] if not label.span.source.is_standard]
        if calls:
            others = [Label(span, diagnostic.labels[0].text), *(o for o in others if o is not calls[0])]
            diagnostic = diagnostic._replace(labels=(calls[0]._replace(primary=True),))
    return diagnostic._replace(labels=(*diagnostic.labels, *others))


class Frame:
    """One body's surroundings. `calls` are the block calls that led here, outermost first."""

    def __init__(
        self,
        elaborator: Elaborator,
        definitions: Definitions,
        module: ModuleBuilder,
        env: dict[str, Static],
        it: Value | None,
        calls: tuple[tuple[Definition, Span | None], ...],
        trail: tuple[Label, ...] = (),
    ) -> None:
        self.elaborator = elaborator
        self.definitions = definitions
        self.module = module
        self.env = env
        self.it = it
        self.calls = calls
        self.trail = trail  # for messages: the calls and iterations that led here, outermost first
        self.outermost = True  # whether this is the whole body of a block or net, not a part of it
        self.tests: tuple[Test, ...] = ()  # the conditions around this body, in its module
        self.waiting: list[Value] = []  # values given through `with`, for further inputs of a block
        self.evaluate = Evaluator(self)

    def inner(self, module: ModuleBuilder, it: Value | None, names: Mapping[str, Static] | None = None) -> Frame:
        """A frame for a body inside this one."""
        frame = Frame(
            self.elaborator, self.definitions, module, {**self.env, **(names or {})}, it, self.calls, self.trail
        )
        frame.outermost = False
        frame.tests = self.tests if module is self.module else ()
        return frame

    def report(self, problem: Problem, span: Span, *labels: Label, outside: bool = False) -> None:
        """Collect a mistake, with what led to it. Raises Exhausted where there are too many.

        outside: it is about what the call that led here gives, and its place is that call."""
        if len(self.elaborator.diagnostics) >= limits.MISTAKES:
            raise Exhausted
        diagnostic = located(problem, span, self.trail[:-1] if outside else self.trail, labels)
        if problem.compared is not None:
            from netspec.elaborate.undecided import explained  # only on the way to an error

            diagnostic = explained(self.elaborator, diagnostic, problem.compared)
        self.elaborator.diagnostics.add(diagnostic)

    def label(self, name: str) -> tuple[Labelled, int] | None:
        return self.module.find_label(name)

    def visible_labels(self) -> list[str]:
        names: list[str] = []
        module: ModuleBuilder | None = self.module
        while module is not None:
            names += module.labels
            module = module.parent
        return names

    def names(self) -> list[str]:
        """What expressions can name here."""
        return [*self.visible_labels(), *self.env, *self.definitions.names]

    def constant(self, name: str) -> tuple[bool, Static]:
        """Whether the file has a `let` of this name, and its value."""
        if name in self.definitions.broken:
            return True, POISON
        owner = self.definitions.owner(name)
        item = owner.items[name] if owner else None
        if owner is None or not isinstance(item, ast.Let):
            return False, None
        if name not in owner.lets:
            computing = self.elaborator.computing
            if name in computing:
                self.elaborator.report_cycle(computing, name, "a value is computed from others, not from itself", owner)
                raise Failed
            computing.append(name)
            outside = Frame(self.elaborator, owner, self.elaborator.nowhere, {}, None, ())
            try:
                owner.lets[name] = outside.evaluate(item.value)
            except Failed:
                owner.lets[name] = POISON
            finally:
                computing.pop()
        return True, owner.lets[name]

    def callable(self, name: str) -> Definition | type[Layer] | None:
        """What a name calls: the file's blocks and nets, the standard library's blocks, built-in layers."""
        if name in self.definitions.broken:
            raise Failed
        owner = self.definitions.owner(name)
        if owner is not None:
            item = owner.items[name]
            if isinstance(item, ast.Instance):
                return self.elaborator.instance(owner, item)
            return owner.definition(name)
        return find_layer(name) or self.definitions.definition(name)

    def plugin(self, name: ast.Name) -> type[Layer] | None:
        """The layer of another package that a name calls, where it calls nothing else."""
        from netspec.ops.plugins import PluginError, find_plugin

        try:
            return find_plugin(name.id)
        except PluginError as error:
            remedy = "mend the package, or uninstall it"
            self.report(
                UnknownLayer(
                    kind="layer", kinds="layer, block or net", name=name.id, remedy=remedy, notes=(str(error),)
                ),
                name.span,
            )
            raise Failed from None
