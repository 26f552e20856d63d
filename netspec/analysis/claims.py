"""Proving `assert`: claims about shapes, parameters and costs, once these are known."""

from __future__ import annotations

from functools import partial
from typing import Any

from netspec.analysis.shapes import Types
from netspec.analysis.totals import ModuleTotals, NodeTotals, weights_of
from netspec.elaborate.elaborator import Elaborator, PendingClaim
from netspec.elaborate.expressions import Evaluator, FactLookup
from netspec.elaborate.frame import Frame
from netspec.elaborate.values import Failed, NodeRef, Undecided, not_a, show
from netspec.ir.dims import Dim
from netspec.ir.network import LayerNode, Network
from netspec.problems.claims import AssertFails, NotProven
from netspec.syntax import ast


class ClaimChecker:
    """Evaluates the claims of an elaborated net and reports those that do not hold."""

    def __init__(
        self, elaborator: Elaborator, network: Network, types: Types, nodes: NodeTotals, modules: ModuleTotals
    ) -> None:
        self.elaborator = elaborator
        self.network = network
        self.types = types
        self.nodes = nodes
        self.modules = modules
        self.undecided = 0  # claims that parameters left symbolic leave open
        self.peaks: dict[str, Dim] = {}  # by module: each takes time in proportion to the net

    def check(self, claims: list[PendingClaim]) -> None:
        for claim in claims:
            evaluate = Evaluator(claim.frame, self.facts(claim.frame))
            try:
                self._prove(claim.test, evaluate, claim.frame)
            except Failed:
                continue  # reported, or unknown because of another mistake

    def facts(self, frame: Frame) -> FactLookup:
        """The facts that claims in a frame may name."""
        return partial(self._fact, frame)

    def _fact(self, frame: Frame, owner: NodeRef | None, name: str) -> Any:
        if frame.module.name not in self.modules:  # a body that was left at a mistake is no part of the network
            raise Failed
        if owner is None:
            return self._of_totals(frame.module.name, self.modules[frame.module.name], name)
        totals = self.nodes[owner.module][owner.node]
        if owner.iteration is not None:
            inner = self.elaborator.iteration_module(owner)
            return self._of_totals(inner, self.modules[inner], name)
        module = self.elaborator.called_module(owner)
        return self._of_totals(module, totals, name)

    def _of_totals(self, module: str | None, totals: Any, name: str) -> Any:
        if totals is None:
            raise Failed
        if name != "peak_activation_bytes":
            return getattr(totals, name)
        from netspec.analysis.memory import peak_of_module  # rarely claimed

        if module is None:
            return totals.activation_bytes
        if module not in self.peaks:
            self.peaks[module] = peak_of_module(self.network, self.types, module)  # of known types: there are totals
        return self.peaks[module]

    def _prove(self, test: ast.Expr, evaluate: Evaluator, frame: Frame) -> None:
        if isinstance(test, ast.Logic) and test.operator == "and":
            for part in test.operands:  # each conjunct is a claim of its own
                try:
                    self._prove(part, evaluate, frame)
                except Failed:
                    continue
            return
        value = evaluate(test)
        if value is True:
            return
        if isinstance(value, Undecided) and value.symbols & set(self.elaborator.open_parameters):
            self.undecided += 1  # it is about the usual value of a parameter, or about none
            return
        if value is not False and not isinstance(value, Undecided):
            frame.report(not_a("truth", value, "a claim that is true or false"), test.span)
            return
        claim = " ".join(test.span.text.split())
        remedy, notes = "correct the claim, or the net", self._breakdown(test, evaluate)
        values = self._values(test, evaluate)
        if not isinstance(value, Undecided):
            frame.report(
                AssertFails(claim=claim, values=values or "this is false", remedy=remedy, notes=notes), test.span
            )
            return
        from netspec.elaborate.undecided import told  # only on the way to an error

        where, remedy = told(self.elaborator, value)
        if values:
            notes = (*notes, where)
        values, remedy = values or where, f"{remedy}, or claim less"
        frame.report(NotProven(claim=claim, values=values, remedy=remedy, notes=notes), test.span)

    def _values(self, test: ast.Expr, evaluate: Evaluator) -> str:
        """What the sides of a comparison are, where the text does not say it itself."""
        sides = sides_of(test, evaluate)
        return ", ".join(f"{text} is {figure(value)}" for text, value in sides if text and text != figure(value))

    def _breakdown(self, test: ast.Expr, evaluate: Evaluator) -> tuple[str, ...]:
        """For a claim about the parameters of one layer: its weights, one by one."""
        if not isinstance(test, ast.Comparison):
            return ()
        lines: list[str] = []
        for expr in test.operands:
            if not (isinstance(expr, ast.Member) and expr.name in ("params", "trainable_params")):
                continue
            owner = self._owner(expr.value, evaluate)
            node = self._layer_node(owner) if owner else None
            if node is None or owner is None:
                continue
            for name, weight in weights_of(node, self.types[owner.module]).items():
                kind = "" if weight.kind == "trainable" else f", {weight.kind}: not counted"
                shape = "[" + ", ".join(map(str, weight.shape)) + "]"
                lines.append(f"{name or 'itself'} {shape} = {figure(weight.type.elements)}{kind}")
        return ("\n".join(lines),) if lines else ()

    def _owner(self, expr: ast.Expr, evaluate: Evaluator) -> NodeRef | None:
        if isinstance(expr, ast.Name):
            label = evaluate.frame.label(expr.id)
            if label is not None and label[0].node is not None:
                return NodeRef(label[0].value.home.name, label[0].node)
            return None
        value = evaluate(expr)
        return value if isinstance(value, NodeRef) else None

    def _layer_node(self, owner: NodeRef) -> LayerNode | None:
        for node in self.elaborator.modules[owner.module].nodes:
            if node.name == owner.node and isinstance(node, LayerNode):
                return node
        return None


def sides_of(test: ast.Expr, evaluate: Evaluator) -> list[tuple[str, Any]]:
    """What is compared in a claim: the text of each side, none for one that says itself what it is, and its value."""
    told = []
    for expr in _sides(test):
        plain = isinstance(expr, (ast.Number, ast.Boolean, ast.Sequence, ast.String))
        told.append(("" if plain else " ".join(expr.span.text.split()), evaluate.side(expr)))
    return told


def _sides(test: ast.Expr) -> list[ast.Expr]:
    """What is compared in a claim, through `or` and `not`."""
    if isinstance(test, ast.Comparison):
        return list(test.operands)
    if isinstance(test, ast.Negation):
        return _sides(test.value)
    return [side for part in test.operands for side in _sides(part)] if isinstance(test, ast.Logic) else []


def figure(value: Any) -> str:
    """A value in a message."""
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, tuple):
        return "[" + ", ".join(map(str, value)) + "]"
    return show(value)
