"""Elaboration: from the AST of a net to its modules, with the type of every value.

A block is elaborated once for each distinct combination of arguments and input types, however often it is
used. A repeat is elaborated for its first iteration, and where that gives back the type it got, for all:
later iterations differ only through the index, which remembers over which range the body comes out the same.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from netspec import limits
from netspec.diagnostics import Diagnostics, Label, Problem
from netspec.elaborate import declarations, loops, sharing
from netspec.elaborate.arguments import argument_span, bind_block, bind_layer, typed
from netspec.elaborate.builder import ModuleBuilder
from netspec.elaborate.files import Definitions, standard_names
from netspec.elaborate.frame import Frame
from netspec.elaborate.labels import collect_labels
from netspec.elaborate.symbolic import check_names, leaves_open, left_open
from netspec.elaborate.symbolic import read as read_open
from netspec.elaborate.synonyms import SYNONYMS
from netspec.elaborate.values import (
    POISON,
    BlockCall,
    Definition,
    Exhausted,
    Failed,
    Instance,
    Labelled,
    NodeRef,
    Outputs,
    Static,
    Value,
    Work,
    counted,
    describe,
    listed,
    show,
)
from netspec.ir.dims import Dim, Expr, TooManyTerms, unheard
from netspec.ir.network import CallNode, Input, LayerNode, Module, Network, RepeatNode, iterations, symbol_ranges
from netspec.ir.types import UNKNOWN, TensorType
from netspec.ops import layer_names
from netspec.ops.base import Layer, output_types
from netspec.problems.claims import ShapeClaimFails
from netspec.problems.names import (
    BadLabel,
    BadOperation,
    DuplicateName,
    MissingParameter,
    NotALayer,
    UnknownLayer,
    UnknownSetting,
)
from netspec.problems.structure import (
    NotHere,
    NoValue,
    Recursion,
    SizeTooLong,
    TooDeep,
    TooLarge,
    WrongInputs,
)
from netspec.source import Span
from netspec.syntax import ast, words

if TYPE_CHECKING:
    from netspec.elaborate.conditions import Condition


@dataclass(slots=True, eq=False)
class PendingClaim:
    """An `assert`, to be proven once parameters and costs are known."""

    test: ast.Expr
    frame: Frame


class Elaborator:
    """Elaborates one net."""

    def __init__(
        self,
        diagnostics: Diagnostics,
        settings: Mapping[str, Static],
        symbolic: Collection[str] = (),
        work: Work | None = None,
    ) -> None:
        self.diagnostics = diagnostics
        self.work = work or Work()
        self.settings = settings
        self.symbolic = symbolic  # what is to be left open, as texts
        self.leave_open: dict[str, list[Condition]] = {}  # parameters and sizes, with what is said of them
        self.open_parameters: list[str] = []  # those that are
        self.modules: dict[str, Module] = {}
        self.types: dict[str, dict[str, TensorType]] = {}
        self.spans: dict[str, dict[str, Span]] = {}
        self.claims: list[PendingClaim] = []
        self.inputs: list[Input] = []
        self.declared: dict[str, ast.Input] = {}  # by the names of the symbols that the net's inputs declare
        self.claims_made = 0
        self.undecided_claims = 0  # of shapes, which parameters left symbolic leave open
        self.root: Frame | None = None  # that of the net itself
        self.outcomes: dict[ast.If, set[bool]] = {}  # how the test of each `if` came out
        self.computing: list[str] = []  # `let`s whose values are being computed
        self.nowhere = ModuleBuilder("", "", None, frozenset())
        self._instances: dict[Any, Instance] = {}
        self._module_counts: dict[str, int] = {}
        self._reserved: dict[ast.Body, frozenset[str]] = {}
        self.used_settings: set[str] = set()
        self._cycles: set[frozenset[str]] = set()  # those that have been reported

    # -- nets ---------------------------------------------------------------------------------------

    def net(self, definition: Definition) -> Network | None:
        """The network of a net, or None where a parameter has no value."""
        frame = self.root = self._frame(definition, definition.name, (), ((definition, None),), ())
        try:
            self.leave_open = read_open(self.symbolic, frame)
            frame.env = self._parameters(definition, dict(definition.bound), frame)
        except Failed:
            return None
        net_name = definition.name
        try:
            outputs = self.body(definition.node.body, frame)
        except Exhausted:
            return None
        if definition.claims is not None:
            self._instance_claims(definition.claims, frame)
        self.finish(frame.module, outputs)
        for name in self.settings:
            if name not in self.used_settings:
                close = self.diagnostics.nearest(name, [*(p.name.id for p in definition.parameters), *self._symbols()])
                known = ", ".join([*(p.name.id for p in definition.parameters), *self._symbols()]) or "none"
                remedy = f"did you mean `{close}`?" if close else f"there are: {known}"
                self.diagnostics.add(UnknownSetting(net=net_name, name=name, remedy=remedy).nowhere("--set"))
        check_names(self, definition)
        return Network.trusted(
            format=Network.FORMAT,
            name=net_name,
            inputs=tuple(self.inputs),
            symbols=symbol_ranges([*self._input_sizes(), *(frame.env[name] for name in self.open_parameters)]),
            modules=tuple(self.modules.values()),
        )

    def _instance_claims(self, claims: ast.Body, frame: Frame) -> None:
        """The claims of `net A = B x=1 { assert ... }`: about just this net, so not made where settings change it."""
        for statement in claims.statements:
            if not isinstance(statement, ast.Assert):
                problem = NotHere(
                    what="this", reason="an instance can only be claimed about", remedy="keep `assert`s here"
                )
                frame.report(problem, statement.span)
            elif not self.settings and not self.symbolic:
                self._statement(statement, frame)

    def _symbols(self) -> list[str]:
        return sorted({s for d in self._input_sizes() if isinstance(d, Expr) for s in d.symbols})

    def _input_sizes(self) -> list[Dim]:
        return [size for one in self.inputs for size in one.type.shape]

    def _parameters(self, definition: Definition, given: dict[str, Static], frame: Frame) -> dict[str, Static]:
        """Values for the parameters of the net being checked: settings, bound arguments, defaults."""
        env: dict[str, Static] = {}
        frame.env = env
        sound = True
        for parameter in definition.parameters:
            name = parameter.name.id
            if name in self.settings:
                self.used_settings.add(name)
                env[name] = self.settings[name]
            elif name in given:
                env[name] = given[name]
            elif parameter.default is not None:
                env[name] = frame.evaluate(parameter.default)
            elif name not in self.leave_open:
                frame.report(MissingParameter(net=definition.name, name=name), parameter.name.span)
                sound = False
            if name in self.leave_open and name not in self.settings:
                env[name] = left_open(self, parameter.name, env.get(name, 1), frame)
        if not sound:
            raise Failed
        return env

    def instance(self, owner: Definitions, item: ast.Instance) -> Definition | None:
        """The definition that `net A = B x=1` stands for: B with x bound."""
        if item.name.id in self.computing:
            self.report_cycle(self.computing, item.name.id, "a net is an instance of another net", owner)
        frame = Frame(self, owner, self.nowhere, {}, None, ())
        self.computing.append(item.name.id)
        try:
            base = frame.callable(item.call.name.id)
            if isinstance(base, Definition) and base.is_net:
                values = bind_block_partial(frame, base, item.call)
                node = base.node.replace(name=item.name)
                return Definition(node, base.definitions, tuple(values.items()), item.claims)
        finally:
            self.computing.pop()
        return self.unknown_layer(frame, item.call.name, base, "net")

    def _new_cycle(self, path: list[str], name: str) -> list[str]:
        """What leads from `name`, which stands in `path`, back to it; nothing where that has been reported."""
        cycle = path[path.index(name) :]
        if frozenset(cycle) in self._cycles:
            return []
        self._cycles.add(frozenset(cycle))
        return [*cycle, name]

    def report_cycle(self, path: list[str], name: str, remedy: str, owner: Definitions) -> NoReturn:
        """Report that a definition needs itself, at the first one of the cycle in the file."""
        cycle = self._new_cycle(path, name)[:-1]
        if cycle:
            at = cycle.index(min(cycle, key=lambda n: owner.places[n].start))
            turned = [*cycle[at:], *cycle[: at + 1]]
            problem = Recursion(name=turned[0], cycle=" -> ".join(turned), remedy=remedy)
            self.diagnostics.add(problem.at(owner.places[turned[0]]))
        raise Failed

    # -- blocks -------------------------------------------------------------------------------------

    def _frame(
        self,
        definition: Definition,
        title: str,
        inputs: Iterable[tuple[str, TensorType, Span]],
        calls: tuple[tuple[Definition, Span | None], ...],
        trail: tuple[Label, ...],
    ) -> Frame:
        module = self.builder(definition.name, title, None, definition.node.body)
        values = [module.add_input(name, type, span) for name, type, span in inputs]
        return Frame(self, definition.definitions, module, {}, values[0] if values else None, calls, trail)

    def instantiate(
        self, frame: Frame, block: Definition, arguments: dict[str, Static], inputs: list[Value], span: Span
    ) -> Instance:
        """The block at these arguments and input types, elaborated now or before."""
        types = tuple(v.type for v in inputs)
        key = (block.node.body, tuple((n, typed(v)) for n, v in arguments.items()), types)
        known = unheard(lambda: self._instances.get(key))
        if known is not None:
            return known
        for outer, _ in frame.calls:
            if outer.node.body is block.node.body:
                cycle = self._new_cycle([b.name for b, _ in frame.calls], outer.name)
                if cycle:
                    if block.name != outer.name:  # an instance of it
                        cycle.insert(-1, block.name)
                    remedy = "use `repeat` for layers that follow one another"
                    frame.report(Recursion(name=outer.name, cycle=" -> ".join(cycle), remedy=remedy), span)
                raise Failed
        if len(frame.calls) >= limits.CALL_DEPTH:
            frame.report(TooDeep(limit=limits.CALL_DEPTH), span)
            raise Failed
        self.count_node(frame, span)
        title = _title(block, arguments)
        calls = (*frame.calls, (block, span))
        trail = (*frame.trail, Label(span, f"in `{block.name}`, used here"))
        if block.is_net:
            inner = self._frame(block, title, (), calls, trail)
            inner.waiting = list(inputs)
        else:
            values = [("it", inputs[0].type, inputs[0].span)] if inputs else ()
            inner = self._frame(block, title, values, calls, trail)
            inner.waiting = inputs[1:]
        for parameter in block.parameters:
            name = parameter.name.id
            if name in arguments:
                inner.env[name] = arguments[name]
            elif parameter.default is not None:
                self.count_text(frame, parameter.default.span)
                inner.env[name] = inner.evaluate(parameter.default)
        outputs = self.body(block.node.body, inner)
        if inner.waiting:
            takes = len(inner.module.inputs)
            problem = WrongInputs(
                layer=block.name,
                needed=counted(takes, "value"),
                given=len(inputs),
                remedy="further values come in through `input NAME` in the block",
            )
            frame.report(problem, span)
        if len(inner.module.inputs) != len(inputs):
            raise Failed  # reported above, or at an `input` of the block
        self.finish(inner.module, outputs)
        made = Instance(inner.module.name, {member: v.type for member, v in outputs.items()})
        unheard(lambda: self._instances.setdefault(key, made))
        return made

    def builder(self, name: str, title: str, parent: ModuleBuilder | None, body: ast.Body | None) -> ModuleBuilder:
        """A module to build, under a name that no other has."""
        count = self._module_counts.get(name, 0) + 1
        self._module_counts[name] = count
        unique = name if count == 1 else f"{name}.{count}"
        return ModuleBuilder(unique, title, parent, self._labels_of(body) if body else frozenset())

    def finish(
        self,
        module: ModuleBuilder,
        outputs: dict[str, Value],
        captures: list[tuple[tuple[str, str], Value]] | None = None,
    ) -> None:
        """Put a module into the table; `captures` as in `ModuleBuilder.finish`."""
        refs = {member: module.local(value) for member, value in outputs.items()}
        self.modules[module.name] = module.finish(refs, captures)
        self.types[module.name] = module.types
        self.spans[module.name] = module.spans

    def _labels_of(self, body: ast.Body) -> frozenset[str]:
        """The labels that a body gives in its own module: automatic names must avoid them."""
        known = self._reserved.get(body)
        if known is None:
            found: set[str] = set()
            collect_labels(body, found)
            known = self._reserved[body] = frozenset(found)
        return known

    # -- bodies and statements ----------------------------------------------------------------------

    def body(self, body: ast.Body, frame: Frame) -> dict[str, Value]:
        """Elaborate a body; its outputs by member name, the flow's value first."""
        self.count_text(frame, body.span)
        returned: dict[str, Value] | None = None
        for statement in body.statements:
            try:
                if isinstance(statement, ast.Chain):
                    frame.it = self.chain(statement, frame, alone=len(body.statements) == 1)
                elif isinstance(statement, ast.Return):
                    returned = self._return(statement, frame)
                else:
                    self._statement(statement, frame)
            except Failed:
                if isinstance(statement, ast.Let):
                    frame.env[statement.name.id] = POISON
                elif isinstance(statement, (ast.Input, ast.Source)):
                    self._poison_label(statement.name, frame, statement.span)
                    if frame.it is None and isinstance(statement, ast.Input):
                        frame.it = frame.module.unknown(statement.span)
        if returned is not None:
            return returned
        if frame.it is None:
            if not frame.waiting and not self.inputs and frame.module.parent is None and frame.calls[-1][0].is_net:
                reason, remedy = "the net has no input", "begin with `input image: [3, 224, 224]`"
            else:
                reason, remedy = "nothing flows here", "add a layer"
            frame.report(NoValue(reason=reason, remedy=remedy), _brace(body))
            return {"": frame.module.unknown(body.span)}
        return {"": frame.it}

    def _statement(self, statement: ast.Statement, frame: Frame) -> None:
        if isinstance(statement, ast.Let):
            frame.env[statement.name.id] = frame.evaluate(statement.value)
        elif isinstance(statement, ast.Assert):
            self.claims.append(PendingClaim(statement.test, frame))
            test = statement.test
            self.claims_made += len(test.operands) if isinstance(test, ast.Logic) and test.operator == "and" else 1
        elif isinstance(statement, ast.Input):
            declarations.declare_input(self, statement, frame)
        elif isinstance(statement, ast.Source):
            self._source(statement, frame)
        elif isinstance(statement, ast.Broken):
            self._lose(statement, frame)

    def _return(self, statement: ast.Return, frame: Frame) -> dict[str, Value]:
        outputs: dict[str, Value] = {}
        for expr, given in ((returned.value, returned.name) for returned in statement.values):
            value = frame.evaluate.tensor(expr)
            if given is not None:
                name = self.label_text(given, frame)
            else:
                name = expr.name if isinstance(expr, ast.Member) else expr.id if isinstance(expr, ast.Name) else "out"
            if name in outputs:
                own = (
                    f"{expr.value.span.text}_{expr.name}".replace(".", "_") if isinstance(expr, ast.Member) else "other"
                )
                remedy = f"give this output another name: `{expr.span.text} as {own}`"
                frame.report(DuplicateName(name=name, remedy=remedy), given.span if given is not None else expr.span)
                continue
            outputs[name] = value
        if len(statement.values) > 1 or statement.values[0].name is not None:
            return outputs
        return {"": next(iter(outputs.values()))}

    def _source(self, statement: ast.Source, frame: Frame) -> None:
        """`param` and `constant`: a tensor of its own, beside the flow."""
        layer = frame.callable(statement.call.name.id)
        assert isinstance(layer, type)
        assert issubclass(layer, Layer)  # its name is a keyword: nothing else has it
        made = bind_layer(frame, layer, statement.call, frame.evaluate)
        name = self.label(statement.name, frame, statement.span)
        self.add_layer(frame, made, name, [], statement.call, statement.span, label=statement.name.id)

    # -- chains and units ---------------------------------------------------------------------------

    def chain(self, chain: ast.Chain, frame: Frame, alone: bool = False, sole: str | None = None) -> Value:
        """The value at the end of a chain. `sole`: what an unlabelled single call is named."""
        if chain.start is not None:
            try:
                frame.it = frame.evaluate.tensor(chain.start)
            except Failed:
                frame.it = frame.module.unknown(chain.start.span)
        single = alone and len(chain.steps) == 1
        for step in chain.steps:
            try:
                frame.it = self._step(step, frame, sole if single else None)
            except Failed:
                span = step.unit.span
                frame.it = frame.module.unknown(span)
                if step.label is not None:
                    self._poison_label(step.label, frame, span)
        if frame.it is None:
            raise Failed
        return frame.it

    def _lose(self, broken: ast.Broken, frame: Frame) -> None:
        """Let what text with a mistake defines be unknown, and tell the mistakes inside its braces."""
        inner = frame.inner(frame.module, frame.module.unknown(broken.span), dict.fromkeys(broken.mentioned, POISON))
        if isinstance(broken.inside, ast.Body):
            self.body(broken.inside, inner)
        else:
            for path in broken.inside or ():
                self.chain(path, inner)
                inner.it = frame.module.unknown(broken.span)
        if broken.keyword == "input":  # symbols of its shape
            for name in broken.mentioned:
                if name[0].isupper() and name not in frame.env and frame.definitions.owner(name) is None:
                    frame.env[name] = POISON
        for name in broken.names:
            if broken.keyword == "let":
                frame.env[name] = POISON
            elif name not in frame.module.labels and len(name) <= limits.NAME:  # else that has been told
                self._poison_label(ast.Name(name, broken.span), frame, broken.span)

    def _poison_label(self, label: ast.Name | ast.String, frame: Frame, span: Span) -> None:
        """Let a label stand for an unknown value, where a mistake leaves nothing else."""
        try:
            text = self.label_text(label, frame)
        except Failed:
            return
        if text not in frame.module.labels:
            frame.module.labels[text] = Labelled(text, frame.module.unknown(span), {}, None, span, None)

    def _step(self, step: ast.Step, frame: Frame, sole: str | None) -> Value:
        unit = step.unit
        if isinstance(unit, ast.Claim):
            if step.label is not None:
                problem = NotHere(
                    what="a label before a shape",
                    reason="a shape claims, it makes nothing",
                    remedy="label the layer before it",
                )
                frame.report(problem, unit.span)
            return self._claim(unit, frame)
        if isinstance(unit, ast.Broken):
            self._lose(unit, frame)
            raise Failed
        label = self.label(step.label, frame, unit.span) if step.label is not None else None
        if isinstance(unit, ast.Call):
            if label is not None and unit.paths:
                return self.scope(label, frame, unit.span, lambda inner: self._call(unit, inner, None, None))
            return self._call(unit, frame, label, sole)
        if isinstance(unit, ast.Repeat):
            return loops.repeat(self, unit, frame, label, sole)
        if isinstance(unit, ast.For):
            return loops.loop(self, unit, frame, label)
        if isinstance(unit, ast.Reuse):
            return sharing.reuse(self, unit, frame, label)
        if isinstance(unit, ast.Group):
            body = unit.body
        else:
            chosen = self._branch(unit, frame)
            if chosen is None:
                value = self.flowing(frame, unit.span)
                if label is not None:
                    frame.module.labels[label] = Labelled(label, value, {}, None, unit.span, None)
                return value
            body = chosen
        if label is not None:
            return self.scope(label, frame, unit.span, lambda inner: self.body(body, inner), body)
        inner = frame.inner(frame.module, frame.it)
        return next(iter(self.body(body, inner).values()))

    def _branch(self, unit: ast.If, frame: Frame) -> ast.Body | None:
        while True:
            outcome = frame.evaluate.truth(unit.test)
            self.outcomes.setdefault(unit, set()).add(outcome)
            if outcome:
                return unit.then
            if not isinstance(unit.otherwise, ast.If):
                return unit.otherwise
            unit = unit.otherwise

    def _claim(self, claim: ast.Claim, frame: Frame) -> Value:
        """Check the shape that flows here. After a wrong claim nothing is known, until a claim states all sizes:
        so one mistake is told once, and what follows is checked all the same."""
        self.claims_made += 1
        value = self.flowing(frame, claim.span)
        wanted: list[Any] = []
        for size in claim.sizes:
            if isinstance(size, ast.Name) and size.id == "_":
                wanted.append(None)
            else:
                wanted.append(frame.evaluate.number(size, "a size or `_`"))
        shape = value.type.shape
        if not value.type.known:
            stated = all(isinstance(w, (int, Expr)) and not isinstance(w, bool) and not w < 1 for w in wanted)
            return frame.module.assumed(tuple(wanted), claim.span) if stated else value
        if len(shape) == len(wanted) and all(w is None or w == s for w, s in zip(wanted, shape, strict=True)):
            return value
        if self.open_parameters and leaves_open(self, wanted, shape):
            self.undecided_claims += 1
            return value
        claimed = "[" + ", ".join("_" if w is None else str(w) for w in wanted) + "]"
        compared: tuple[Any, str, Any] | None = None
        if len(shape) != len(wanted):
            difference = f"{counted(len(wanted), 'axis')} claimed, {len(shape)} there"
            at = claim.span
        else:
            axis = next(i for i, (w, s) in enumerate(zip(wanted, shape, strict=True)) if w is not None and w != s)
            difference = f"axis {axis} is {shape[axis]}, not {wanted[axis]}"
            at = claim.sizes[axis].span
            compared = (shape[axis], "==", wanted[axis])
        problem = ShapeClaimFails(
            actual=value.type,
            claimed=claimed,
            difference=difference,
            remedy="correct the claim, or the layers before it",
            compared=compared,
        )
        frame.report(problem, at, Label(value.span, f"gives {value.type}"))
        return frame.module.unknown(claim.span)

    def flowing(self, frame: Frame, span: Span) -> Value:
        """The value that reaches this point."""
        if frame.it is None:
            if len(frame.module.inputs) > 1 or not frame.module.inputs:
                names = ", ".join(f"`{n}`" for n in frame.module.inputs)
                remedy = (
                    f"begin with `from` and one of {names}"
                    if names
                    else "begin the net with `input image: [3, 224, 224]`"
                )
                frame.report(NoValue(reason="nothing flows to this layer", remedy=remedy), span)
            raise Failed
        return frame.it

    # -- labels and names ---------------------------------------------------------------------------

    def label(self, label: ast.Name | ast.String, frame: Frame, unit: Span) -> str:
        """The text of a label before `unit`, which no other in its module has."""
        text = self.label_text(label, frame)
        first = frame.module.labels.get(text)
        if first is not None:
            self.report_second(label, text, first.span, unit, frame)
        automatic = frame.module.spans.get(text)
        if automatic is not None:
            problem = DuplicateName(name=text, remedy="give the layer before a label of its own")
            frame.evaluate.fail(problem, label.span, Label(automatic, f"this layer is called `{text}`"))
        return text

    def report_second(self, label: ast.Name | ast.String, text: str, first: Span, unit: Span, frame: Frame) -> NoReturn:
        """Report a label that another has; in a loop it is the same one."""
        if first == unit:  # in a loop
            remedy, others = f'put the index into the label: "{text}{{i}}"', []
        else:
            remedy, others = "give one of them another label", [Label(first, f"the first `{text}`")]
        frame.evaluate.fail(DuplicateName(name=text, remedy=remedy), label.span, *others)

    def label_text(self, at: ast.Name | ast.String, frame: Frame) -> str:
        """The text of a label, which must be a plain name."""
        text = at.id if isinstance(at, ast.Name) else str(frame.evaluate(at))
        if not text.replace("_", "a").isalnum() or not text.isascii() or text in ("it", "_") or len(text) > limits.NAME:
            reason = "`it` is the value that flows" if text == "it" else "not a plain name"
            frame.report(BadLabel(name=text[:40], reason=reason), at.span)
            raise Failed
        return text

    def node_name(self, frame: Frame, label: str | None, sole: str | None, kind: str) -> str:
        """What a node is called: its label, or what is all of a body, or the next automatic name."""
        return label if label is not None else sole if sole is not None else frame.module.automatic_name(kind)

    # -- calls --------------------------------------------------------------------------------------

    def _call(self, call: ast.Call, frame: Frame, label: str | None, sole: str | None) -> Value:
        """Apply a layer, block or net."""
        callee = self.callee(call, frame)
        is_layer = isinstance(callee, type)
        taken = callee.inputs if is_layer else (0, None)
        inputs = self._call_inputs(call, frame, taken)
        if is_layer:
            call, tie = sharing.without_tie(call)
            layer = bind_layer(frame, callee, call, frame.evaluate)
            self.check_arity(frame, layer, len(inputs), call.span, layer.layer_name(), call.paths)
            if layer.transparent and label is None:
                return inputs[0]
            name = self.node_name(frame, label, sole, layer.layer_name())
            ties = sharing.tie(frame, layer, inputs, tie) if tie is not None else {}
            return self.add_layer(frame, layer, name, inputs, call, call.span, label, ties=ties)
        arguments = bind_block(frame, callee, call, frame.evaluate)
        made = self.instantiate(frame, callee, arguments, inputs, call.span)
        name = self.node_name(frame, label, sole, callee.name)
        again = BlockCall(callee, arguments)
        return self.add_call(frame, made, name, inputs, call.span, label, again)

    def callee(self, call: ast.Call, frame: Frame) -> Any:
        """What a call calls: a layer class, or the definition of a block or net."""
        name = call.name.id
        callee = frame.env.get(name)
        if callee is POISON:
            raise Failed
        if isinstance(callee, (Definition, type)):
            return callee
        found = frame.callable(name) or frame.plugin(call.name)
        return found if found is not None else self.unknown_layer(frame, call.name, callee, "layer")

    def unknown_layer(self, frame: Frame, name: ast.Name, found: Any, needed: Literal["layer", "net"]) -> NoReturn:
        """Report a name that is called and is no layer; `found` is what else it stands for."""
        if found is None:
            label = frame.label(name.id)
            found = label[0] if label else frame.constant(name.id)[1]
        if found is not None and found is not POISON:
            remedy = (
                "a value is an argument of a layer"
                if needed == "layer"
                else "`net A = B x=1` makes an instance of the net B"
            )
            if isinstance(found, Labelled):
                remedy = f"`from {name.id} -> ...` starts a chain from it"
            frame.report(NotALayer(name=name.id, kind=needed, what=describe(found), remedy=remedy), name.span)
            raise Failed
        if needed == "layer":
            known = [*layer_names(), *standard_names()]
            if not frame.definitions.lacking:
                known += frame.definitions.names
            close = SYNONYMS.get(name.id.lower()) or self.diagnostics.nearest(name.id, known)
            remedy, kinds = "`netspec layers` lists the built-in layers and blocks", "layer, block or net"
            if name.id in words.FOREIGN:
                close, remedy = None, words.FOREIGN[name.id]
        else:
            known = [
                n for n in frame.definitions.names if isinstance(frame.definitions.item(n), (ast.Net, ast.Instance))
            ]
            close = self.diagnostics.nearest(name.id, known) if not frame.definitions.lacking else None
            remedy, kinds = f"nets: {listed(known)}", "net"
        if close is None and frame.definitions.lacking:
            raise Failed  # it may stand in the file that could not be used
        remedy = f"did you mean `{close}`?" if close else remedy
        frame.report(UnknownLayer(kind=needed, kinds=kinds, name=name.id, remedy=remedy), name.span)
        raise Failed

    def _call_inputs(self, call: ast.Call, frame: Frame, taken: tuple[int, int | None]) -> list[Value]:
        inputs: list[Value] = []
        if call.paths:
            start = frame.it
            for path in call.paths:
                inner = frame.inner(frame.module, start)
                inputs.append(self.chain(path, inner))
        elif taken != (0, 0):
            inputs.append(self.flowing(frame, call.span))
        inputs += [frame.evaluate.tensor(expr) for expr in call.others]
        return inputs

    def check_arity(
        self, frame: Frame, layer: Layer, given: int, span: Span, written: str, paths: Sequence[ast.Chain] = ()
    ) -> None:
        """Report a number of inputs that a layer does not take; `written` is how it is called."""
        least, most = layer.inputs
        if least <= given and (most is None or given <= most):
            return
        if paths and self.diagnostics.any_in(paths[0].span.start, paths[-1].span):
            raise Failed  # a bracket that is not closed took in the next path, say
        again = written.startswith("reuse ")
        needed = counted(least, "value") if least == most else f"at least {counted(least, 'value')}"
        if most is not None and least < most:
            needed = f"{least} to {counted(most, 'value')}"
        if least > 1:
            merging = "" if again else f"merge paths, `{written} {{ | ... | ... }}`, or "
            remedy = f"{merging}bring in another value, `{written} with x`"
        else:
            remedy = "take away `with`" if again else "take away the paths or `with`"
        frame.report(WrongInputs(layer=layer.layer_name(), needed=needed, given=given, remedy=remedy), span)
        raise Failed

    def add_layer(
        self, frame: Frame, layer: Layer, name: str, inputs: list[Value], call: ast.Call | None, span: Span,
        label: str | None, shares: str | None = None, ties: dict[str, str] | None = None,
    ) -> Value:  # fmt: skip
        types = [v.type for v in inputs]
        outputs: tuple[TensorType, ...] = (UNKNOWN,)
        if all(t.known for t in types):
            try:
                outputs = self.bounded(output_types(layer, types), frame, span)
            except Problem as problem:
                self._blame(frame, problem, layer, call, inputs, span)
            except TooManyTerms:
                frame.report(SizeTooLong(), span)
        module = frame.module
        node = LayerNode.trusted(
            kind="layer",
            name=name,
            layer=layer,
            inputs=tuple([module.local(v) for v in inputs]),
            shares=shares,
            ties=ties or {},
        )
        members = {str(i): t for i, t in enumerate(outputs)} if len(outputs) > 1 else {"": outputs[0]}
        return self.add(frame, node, members, span, label, layer)

    def bounded(self, types: tuple[TensorType, ...], frame: Frame, span: Span) -> tuple[TensorType, ...]:
        """The types, or an unknown one where one is too large to compute with."""
        for type in types:
            reason = type.excess
            if reason:
                frame.report(BadOperation(reason=reason, remedy="no tensor is that large"), span)
                return (UNKNOWN,)
        return types

    def add_call(
        self, frame: Frame, made: Instance, name: str, inputs: list[Value], span: Span, label: str | None,
        again: Any, shares: str | None = None,
    ) -> Value:  # fmt: skip
        node = CallNode.trusted(
            kind="call",
            name=name,
            module=made.module,
            inputs=tuple(frame.module.local(v) for v in inputs),
            shares=shares,
        )
        return self.add(frame, node, made.outputs, span, label, again)

    def add(self, frame: Frame, node: Any, outputs: Outputs, span: Span, label: str | None, again: Any) -> Value:
        """Add a node; its first output flows on, the others are members, which a layer may give names."""
        self.count_node(frame, span)
        module, main = frame.module, node.name
        refs = [(f"{main}.{member}", type) for member, type in outputs.items()]
        refs[0] = (main, refs[0][1])
        module.add(node, refs, span)
        value = Value(main, refs[0][1], module, span)
        if label is not None:
            members: dict[str, Value] = {}
            if "" not in outputs:
                names = node.layer.members if isinstance(node, LayerNode) else ()
                values = [Value(ref, type, module, span) for ref, type in refs]
                members = dict(zip(names, values[1:], strict=True) if names else zip(outputs, values, strict=True))
            module.labels[label] = Labelled(label, value, members, main, span, again)
        return value

    def count_node(self, frame: Frame, span: Span) -> None:
        """Count one more node or iteration. Raises Exhausted past the limit."""
        self.work.nodes += 1
        if self.work.nodes > limits.NODES:
            self._exhaust(frame, span, f"{limits.NODES:,} layers and iterations")

    def count_text(self, frame: Frame, span: Span) -> None:
        """Count the text of a body once more. Raises Exhausted past the limit."""
        self.work.text += span.end - span.start
        if self.work.text > limits.BODY_TEXT:
            self._exhaust(frame, span, f"{limits.BODY_TEXT:,} characters, each time that they are gone through")

    def count_items(self, frame: Frame, values: tuple[Static, ...], span: Span) -> None:
        """Count the values of a list, and of those in it. Raises Exhausted past the limit."""
        self.work.items += len(values)
        if self.work.items > limits.ITEMS:
            self._exhaust(frame, span, f"{limits.ITEMS:,} values of lists")
        for value in values:
            if isinstance(value, tuple):
                self.count_items(frame, value, span)

    def _exhaust(self, frame: Frame, span: Span, limit: str) -> NoReturn:
        frame.report(TooLarge(limit=limit), span)
        raise Exhausted

    def _blame(
        self,
        frame: Frame,
        problem: Problem,
        layer: Layer,
        call: ast.Call | None,
        inputs: list[Value],
        span: Span,
    ) -> None:
        """Report a rule's problem at the argument that it blames, with where the inputs came from."""
        at = span
        origins = [Label(v.span, f"gives {v.type}") for v in inputs]
        if problem.blame is not None and problem.blame.startswith("input "):
            if call is not None:
                at = call.name.span
        elif problem.blame is not None and call is not None:
            at = argument_span(call, type(layer), problem.blame) or call.name.span
        frame.report(problem, at, *origins)

    # -- scopes, repeats, loops ---------------------------------------------------------------------

    def scope(
        self, label: str, frame: Frame, span: Span, fill: Callable[[Frame], Any], body: ast.Body | None = None
    ) -> Value:
        """A labelled group, merge or branch: a module of its own."""
        module = self.builder(label, "", frame.module, body)
        it = module.add_input("it", frame.it.type, frame.it.span) if frame.it is not None else None
        result = fill(frame.inner(module, it))
        outputs: dict[str, Value] = result if isinstance(result, dict) else {"": result}
        for value in outputs.values():
            module.local(value)  # it may come from outside
        captures = list(module.captures.items())
        self.finish(module, outputs)
        made = Instance(module.name, {member: v.type for member, v in outputs.items()})
        inputs = ([frame.it] if frame.it is not None else []) + [value for _, (_, value) in captures]
        return self.add_call(frame, made, label, inputs, span, label, None)

    # -- reading what was built ---------------------------------------------------------------------

    def inside(self, owner: NodeRef, name: str) -> NodeRef | list[str]:
        """A node inside a node, by name or iteration number; else the names that there are."""
        module = self.modules[owner.module]
        node = next((n for n in module.nodes if n.name == owner.node), None)
        if isinstance(node, RepeatNode) and owner.iteration is None:
            for run, first in iterations(node):
                if run.name == name or (
                    run.name is None and name.isdecimal() and first <= int(name) < first + run.times
                ):
                    inner = self.modules[run.module]
                    nameless = [n for n in inner.nodes if n.name == ""]
                    if nameless:
                        return NodeRef(run.module, "")
                    return NodeRef(owner.module, owner.node, int(name) if run.name is None else first)
            return [str(first) if run.name is None else run.name for run, first in iterations(node)][:50]
        target = self.iteration_module(owner) if isinstance(node, RepeatNode) else self.called_module(owner)
        if target is None:
            return []
        names = [n.name for n in self.modules[target].nodes]
        return NodeRef(target, name) if name in names else names

    def called_module(self, owner: NodeRef) -> str | None:
        """The module that a node calls, or None for a layer or a repeat."""
        node = next((n for n in self.modules[owner.module].nodes if n.name == owner.node), None)
        return node.module if isinstance(node, CallNode) else None

    def iteration_module(self, owner: NodeRef) -> str:
        """The module of one iteration of a repeat."""
        node = next(n for n in self.modules[owner.module].nodes if n.name == owner.node)
        assert isinstance(node, RepeatNode)
        return next(r.module for r, first in iterations(node) if first <= (owner.iteration or 0) < first + r.times)


def bind_block_partial(frame: Frame, base: Definition, call: ast.Call) -> dict[str, Static]:
    """Arguments of `net A = B ...`: those that are missing may come later."""
    optional = Definition(
        base.node.replace(parameters=tuple(p.replace(default=p.default or p.name) for p in base.parameters)),
        base.definitions,
        base.bound,
    )
    return bind_block(frame, optional, call, frame.evaluate)


def _title(block: Definition, arguments: dict[str, Static]) -> str:
    """A block's call with the values of its arguments: `bottleneck 128 stride=2`."""
    words = [block.name]
    for parameter in block.parameters:
        name = parameter.name.id
        if name in arguments and arguments[name] != getattr(parameter.default, "value", None):
            value = show(arguments[name])
            words.append(value if parameter.default is None else f"{name}={value}")
    return " ".join(words)


def _brace(body: ast.Body) -> Span:
    """The place of a body's closing brace."""
    return Span(body.span.end - 1, body.span.end, body.span.source)
