"""Elaboration: from the AST of a net to its modules, with the type of every value.

A block is elaborated once for each distinct combination of arguments and input types, however often it is
used. A repeat is elaborated for its first iteration, and where that gives back the type it got, for all:
later iterations differ only through the index, which remembers over which range the body comes out the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

from netspec import limits
from netspec.diagnostics import Diagnostics, Label, nearest
from netspec.elaborate.arguments import argument_span, bind_block, bind_layer, typed
from netspec.elaborate.builder import ModuleBuilder
from netspec.elaborate.files import Definitions, standard_names
from netspec.elaborate.frame import Frame
from netspec.elaborate.synonyms import SYNONYMS
from netspec.elaborate.values import (
    POISON,
    Definition,
    Exhausted,
    Failed,
    Labelled,
    LoopIndex,
    NodeRef,
    Static,
    Value,
    describe,
    listed,
    not_a,
    show,
)
from netspec.ir.dims import Dim, Expr, symbol
from netspec.ir.network import CallNode, Input, LayerNode, Module, Network, RepeatNode, Run, iterations
from netspec.ir.types import DTYPE_BYTES, UNKNOWN, TensorType
from netspec.ops import layer_names
from netspec.ops.base import Layer, Weight, output_types
from netspec.ops.weights import module_weights
from netspec.diagnostics import Problem
from netspec.problems.claims import ShapeClaimFails
from netspec.problems.names import (
    BadLabel,
    DuplicateName,
    MissingParameter,
    NotALayer,
    NotAValue,
    UnknownDtype,
    UnknownLayer,
    UnknownSetting,
)
from netspec.problems.structure import (
    NotHere,
    NoValue,
    Recursion,
    ReuseMismatch,
    TieMismatch,
    TooDeep,
    TooLarge,
    WrongInputs,
)
from netspec.source import SourceFile, Span
from netspec.syntax import ast

Outputs = dict[str, TensorType]  # member -> type, as a module's outputs


@dataclass(slots=True, eq=False)
class Instance:
    """A block, elaborated at certain arguments and input types."""

    module: str
    outputs: Outputs


@dataclass(slots=True, eq=False)
class BlockCall:
    """How to apply a labelled block again: the same block with the same arguments."""

    block: Definition
    arguments: dict[str, Static]


@dataclass(slots=True, eq=False)
class PendingClaim:
    """An `assert`, to be proven once parameters and costs are known."""

    test: ast.Expr
    frame: Frame


class Elaborator:
    """Elaborates one net."""

    def __init__(self, diagnostics: Diagnostics, settings: Mapping[str, Static], symbolic: bool = False) -> None:
        self.diagnostics = diagnostics
        self.settings = settings
        self.symbolic = symbolic  # leave symbols symbolic that have a usual value
        self.modules: dict[str, Module] = {}
        self.types: dict[str, dict[str, TensorType]] = {}
        self.spans: dict[str, dict[str, Span]] = {}
        self.claims: list[PendingClaim] = []
        self.inputs: list[Input] = []
        self.claims_made = 0
        self.computing: list[str] = []  # `let`s whose values are being computed
        self.nowhere = ModuleBuilder("", "", None, frozenset())
        self._instances: dict[Any, Instance] = {}
        self._module_counts: dict[str, int] = {}
        self._reserved: dict[int, frozenset[str]] = {}
        self._nodes = 0
        self._used_settings: set[str] = set()
        self._cycles: set[frozenset[str]] = set()  # those that have been reported

    # -- nets ---------------------------------------------------------------------------------------

    def net(self, definition: Definition) -> Network | None:
        """The network of a net, or None where a parameter has no value."""
        frame = self._frame(definition, definition.name, (), ((definition, None),), ())
        try:
            frame.env = self._parameters(definition, dict(definition.bound), frame)
        except Failed:
            return None
        net_name = definition.name
        try:
            outputs = self._body(definition.node.body, frame)
        except Exhausted:
            return None
        if definition.claims is not None:
            self._instance_claims(definition.claims, frame)
        self._finish(frame.module, outputs)
        for name in self.settings:
            if name not in self._used_settings:
                close = nearest(name, [*(p.name.id for p in definition.parameters), *self._symbols()])
                known = ", ".join([*(p.name.id for p in definition.parameters), *self._symbols()]) or "none"
                remedy = f"did you mean `{close}`?" if close else f"there are: {known}"
                self.diagnostics.add(UnknownSetting(net=net_name, name=name, remedy=remedy).nowhere("--set"))
        return Network.trusted(format=Network.FORMAT, name=net_name, inputs=tuple(self.inputs), modules=tuple(self.modules.values()))

    def _instance_claims(self, claims: ast.Body, frame: Frame) -> None:
        """The claims of `net A = B x=1 { assert ... }`: about just this net, so not made where settings change it."""
        for statement in claims.statements:
            if not isinstance(statement, ast.Assert):
                problem = NotHere(what="this", reason="an instance can only be claimed about", remedy="keep `assert`s here")
                frame.report(problem, statement.span)
            elif not self.settings and not self.symbolic:
                self._statement(statement, frame)

    def _symbols(self) -> list[str]:
        return sorted({s for i in self.inputs for d in i.type.shape if isinstance(d, Expr) for s in d.symbols})

    def _parameters(self, definition: Definition, given: dict[str, Static], frame: Frame) -> dict[str, Static]:
        """Values for the parameters of the net being checked: settings, bound arguments, defaults."""
        env: dict[str, Static] = {}
        frame.env = env
        sound = True
        for parameter in definition.parameters:
            name = parameter.name.id
            if name in self.settings:
                self._used_settings.add(name)
                env[name] = self.settings[name]
            elif name in given:
                env[name] = given[name]
            elif parameter.default is not None:
                env[name] = frame.evaluate(parameter.default)
            else:
                frame.report(MissingParameter(net=definition.name, name=name), parameter.name.span)
                sound = False
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
        return self._unknown_layer(frame, item.call.name, base, "net")

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
        module = self._builder(definition.name, title, None, definition.node.body)
        values = [module.add_input(name, type, span) for name, type, span in inputs]
        return Frame(self, definition.definitions, module, {}, values[0] if values else None, calls, trail)

    def _instantiate(
        self, frame: Frame, block: Definition, arguments: dict[str, Static], inputs: list[Value], span: Span
    ) -> Instance:
        """The block at these arguments and input types, elaborated now or before."""
        types = tuple(v.type for v in inputs)
        key = (id(block.node), tuple((n, typed(v)) for n, v in arguments.items()), types)
        known = self._instances.get(key)
        if known is not None:
            return known
        for outer, _ in frame.calls:
            if outer.node is block.node:
                cycle = self._new_cycle([b.name for b, _ in frame.calls], block.name)
                if cycle:
                    remedy = "use `repeat` for layers that follow one another"
                    frame.report(Recursion(name=block.name, cycle=" -> ".join(cycle), remedy=remedy), span)
                raise Failed
        if len(frame.calls) >= limits.CALL_DEPTH:
            frame.report(TooDeep(limit=limits.CALL_DEPTH), span)
            raise Failed
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
                inner.env[name] = inner.evaluate(parameter.default)
        outputs = self._body(block.node.body, inner)
        if inner.waiting:
            takes = len(inner.module.inputs)
            problem = WrongInputs(
                layer=block.name, needed=_count(takes, "value"), given=len(inputs),
                remedy="further values come in through `input NAME` in the block",
            )
            frame.report(problem, span)
        self._finish(inner.module, outputs)
        made = Instance(inner.module.name, {member: v.type for member, v in outputs.items()})
        self._instances[key] = made
        return made

    def _builder(self, name: str, title: str, parent: ModuleBuilder | None, body: ast.Body | None) -> ModuleBuilder:
        count = self._module_counts.get(name, 0) + 1
        self._module_counts[name] = count
        unique = name if count == 1 else f"{name}.{count}"
        return ModuleBuilder(unique, title, parent, self._labels_of(body) if body else frozenset())

    def _finish(
        self, module: ModuleBuilder, outputs: dict[str, Value], captures: list[tuple[tuple[str, str], Value]] | None = None
    ) -> None:
        refs = {member: module.local(value) for member, value in outputs.items()}
        self.modules[module.name] = module.finish(refs, captures)
        self.types[module.name] = module.types
        self.spans[module.name] = module.spans

    def _labels_of(self, body: ast.Body) -> frozenset[str]:
        """The labels that a body gives in its own module: automatic names must avoid them."""
        known = self._reserved.get(id(body))
        if known is None:
            found: set[str] = set()
            _collect_labels(body, found)
            known = self._reserved[id(body)] = frozenset(found)
        return known

    # -- bodies and statements ----------------------------------------------------------------------

    def _body(self, body: ast.Body, frame: Frame) -> dict[str, Value]:
        """Elaborate a body; its outputs by member name, the flow's value first."""
        returned: dict[str, Value] | None = None
        for statement in body.statements:
            try:
                if isinstance(statement, ast.Chain):
                    frame.it = self._chain(statement, frame, alone=len(body.statements) == 1)
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
            self._input(statement, frame)
        elif isinstance(statement, ast.Source):
            self._source(statement, frame)

    def _return(self, statement: ast.Return, frame: Frame) -> dict[str, Value]:
        outputs: dict[str, Value] = {}
        for expr in statement.values:
            value = frame.evaluate.tensor(expr)
            name = expr.name if isinstance(expr, ast.Member) else expr.id if isinstance(expr, ast.Name) else "out"
            if name in outputs:
                frame.report(DuplicateName(name=name, remedy="label one of the values differently"), expr.span)
                continue
            outputs[name] = value
        return outputs if len(outputs) > 1 else {"": next(iter(outputs.values()))}

    def _source(self, statement: ast.Source, frame: Frame) -> None:
        """`param` and `constant`: a tensor of its own, beside the flow."""
        layer = frame.callable(statement.call.name.id)
        if not (isinstance(layer, type) and issubclass(layer, Layer)):
            raise LookupError(f"the catalogue lacks `{statement.call.name.id}`")
        made = bind_layer(frame, layer, statement.call, frame.evaluate)
        name = self._label(statement.name, frame, statement.span)
        self._add_layer(frame, made, name, [], statement.call, statement.span, label=statement.name.id)

    def _input(self, statement: ast.Input, frame: Frame) -> None:
        owner = frame.calls[-1][0]
        span = statement.span
        if not frame.outermost or frame.module.nodes:
            what = "`input`"
            frame.report(NotHere(what=what, reason="inputs come first in a net or block", remedy="move it to the top"), span)
            raise Failed
        name = self._label(statement.name, frame, span)
        outermost = len(frame.calls) == 1
        if outermost and owner.is_net:
            if statement.shape is None:
                problem = NoValue(reason="the shape is missing", remedy=f"`input {name}: [3, 224, 224]`, without the batch")
                frame.report(problem, span)
                type: TensorType = UNKNOWN
            else:
                type = self._declared_type(statement, frame)
            self.inputs.append(Input.trusted(name=name, type=type))
        elif not frame.waiting:
            lacking = WrongInputs(
                layer=owner.name, needed=f"a value for its input `{name}`", given="none",
                remedy=f"give it after the arguments: `{owner.name} ... with x`",
            )
            at = frame.calls[-1][1] or span
            self.diagnostics.add(lacking.at(at, Label(span, "this input")))
            type = UNKNOWN
        else:
            type = frame.waiting.pop(0).type
            if statement.shape is not None and type.known:
                self._match_input(statement, type, frame)
        value = frame.module.add_input(name, type, span)
        frame.module.labels[name] = Labelled(name, value, {}, None, span, None)
        if len(frame.module.inputs) == 1:
            frame.it = value
        elif owner.is_net:
            frame.it = None  # which of several inputs flows on is for the net to say

    def _declared_type(self, statement: ast.Input, frame: Frame) -> TensorType:
        """The type of a net's input. Capitalised names that are not defined become symbols."""
        dtype = statement.dtype.id if statement.dtype else "float32"
        if dtype not in DTYPE_BYTES:
            close = nearest(dtype, list(DTYPE_BYTES))
            remedy = f"did you mean `{close}`?" if close else f"types: {', '.join(DTYPE_BYTES)}"
            assert statement.dtype is not None
            frame.report(UnknownDtype(name=dtype, remedy=remedy), statement.dtype.span)
            return UNKNOWN
        sizes: list[Dim] = []
        for size in statement.shape or ():
            if isinstance(size.value, ast.Name) and self._is_symbol(size.value.id, frame):
                sizes.append(self._symbol(size.value, size.usual, frame))
                continue
            value = frame.evaluate.number(size.value)
            self._check_size(value, size.value.span, frame)
            sizes.append(value)
        return TensorType(tuple(sizes), dtype)

    def _check_size(self, value: Any, span: Span, frame: Frame) -> None:
        """Refuse what cannot be the size of an axis. A symbolic size can be where it is above 0 at some size."""
        if isinstance(value, (bool, str, float)) or not isinstance(value, (int, Expr)) or value < 1:
            frame.evaluate.fail(
                NotAValue(
                    needed="a size, a whole number above 0", what=describe(value),
                    remedy="shapes have no batch: an RGB image is `[3, 224, 224]`",
                ),
                span,
            )

    def _is_symbol(self, name: str, frame: Frame) -> bool:
        return name[0].isupper() and name not in frame.env and frame.definitions.owner(name) is None

    def _symbol(self, name: ast.Name, usual: ast.Expr | None, frame: Frame) -> Dim:
        value: Dim
        if name.id in self.settings:
            self._used_settings.add(name.id)
            value = self.settings[name.id]
            self._check_size(value, name.span, frame)
        elif usual is not None and not self.symbolic:
            value = frame.evaluate(usual)
            self._check_size(value, usual.span, frame)
        else:
            value = symbol(name.id)
        frame.env[name.id] = value
        return value

    def _match_input(self, statement: ast.Input, type: TensorType, frame: Frame) -> None:
        """Check a value from outside against the shape that a net or block declares, and bind its symbols."""
        shape = statement.shape or ()
        sound = len(shape) == type.rank
        wanted: list[Any] = []
        for size, actual in zip(shape, type.shape, strict=False):
            if isinstance(size.value, ast.Name) and self._is_symbol(size.value.id, frame):
                frame.env[size.value.id] = actual
                wanted.append(actual)
            else:
                wanted.append(frame.evaluate.number(size.value))
                sound = sound and bool(wanted[-1] == actual)
        if not sound:
            wanted += ["_"] * (len(shape) - len(wanted))
            claimed = "[" + ", ".join(map(str, wanted)) + "]"
            difference = f"`{frame.calls[-1][0].name}` takes {claimed}, gets {type}"
            problem = ShapeClaimFails(actual=type, claimed=claimed, difference=difference, remedy="change what comes in, or the input's shape")
            at = frame.calls[-1][1] or statement.span
            self.diagnostics.add(problem.at(at, Label(statement.span, "declared here")))

    # -- chains and units ---------------------------------------------------------------------------

    def _chain(self, chain: ast.Chain, frame: Frame, alone: bool = False, sole: str | None = None) -> Value:
        """The value at the end of a chain. `sole`: what an unlabelled single call is named."""
        if chain.start is not None:
            frame.it = frame.evaluate.tensor(chain.start)
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

    def _poison_label(self, label: ast.Name | ast.String, frame: Frame, span: Span) -> None:
        if isinstance(label, ast.Name) and label.id not in frame.module.labels:
            value = frame.module.unknown(span)
            frame.module.labels[label.id] = Labelled(label.id, value, {}, None, span, None)

    def _step(self, step: ast.Step, frame: Frame, sole: str | None) -> Value:
        unit = step.unit
        if isinstance(unit, ast.Claim):
            if step.label is not None:
                problem = NotHere(what="a label before a shape", reason="a shape claims, it makes nothing", remedy="label the layer before it")
                frame.report(problem, unit.span)
            return self._claim(unit, frame)
        label = self._label(step.label, frame, unit.span) if step.label is not None else None
        if isinstance(unit, ast.Call):
            if label is not None and unit.paths:
                return self._scope(label, frame, unit.span, lambda inner: self._call(unit, inner, None, None))
            return self._call(unit, frame, label, sole)
        if isinstance(unit, ast.Repeat):
            return self._repeat(unit, frame, label, sole)
        if isinstance(unit, ast.For):
            return self._for(unit, frame, label)
        if isinstance(unit, ast.Reuse):
            return self._reuse(unit, frame, label)
        if isinstance(unit, ast.Group):
            body = unit.body
        else:
            chosen = self._branch(unit, frame)
            if chosen is None:
                value = self._flowing(frame, unit.span)
                if label is not None:
                    frame.module.labels[label] = Labelled(label, value, {}, None, unit.span, None)
                return value
            body = chosen
        if label is not None:
            return self._scope(label, frame, unit.span, lambda inner: self._body(body, inner), body)
        inner = frame.inner(frame.module, frame.it)
        return next(iter(self._body(body, inner).values()))

    def _branch(self, unit: ast.If, frame: Frame) -> ast.Body | None:
        while True:
            if frame.evaluate.truth(unit.test):
                return unit.then
            if not isinstance(unit.otherwise, ast.If):
                return unit.otherwise
            unit = unit.otherwise

    def _claim(self, claim: ast.Claim, frame: Frame) -> Value:
        """Check the shape that flows here. After a wrong claim nothing is known, until a claim states all sizes:
        so one mistake is told once, and what follows is checked all the same."""
        self.claims_made += 1
        value = self._flowing(frame, claim.span)
        wanted: list[Any] = []
        for size in claim.sizes:
            if isinstance(size, ast.Name) and size.id == "_":
                wanted.append(None)
            else:
                wanted.append(frame.evaluate.number(size, "a size or `_`"))
        shape = value.type.shape
        if not value.type.known:
            return value if None in wanted else frame.module.assumed(tuple(wanted), claim.span)
        if len(shape) == len(wanted) and all(w is None or w == s for w, s in zip(wanted, shape, strict=True)):
            return value
        claimed = "[" + ", ".join("_" if w is None else str(w) for w in wanted) + "]"
        if len(shape) != len(wanted):
            difference = f"{_count(len(wanted), 'axis')} claimed, {len(shape)} there"
            at = claim.span
        else:
            axis = next(i for i, (w, s) in enumerate(zip(wanted, shape, strict=True)) if w is not None and w != s)
            difference = f"axis {axis} is {shape[axis]}, not {wanted[axis]}"
            at = claim.sizes[axis].span
        problem = ShapeClaimFails(actual=value.type, claimed=claimed, difference=difference, remedy="correct the claim, or the layers before it")
        frame.report(problem, at, Label(value.span, f"gives {value.type}"))
        return frame.module.unknown(claim.span)

    def _flowing(self, frame: Frame, span: Span) -> Value:
        """The value that reaches this point."""
        if frame.it is None:
            if len(frame.module.inputs) > 1 or not frame.module.inputs:
                names = ", ".join(f"`{n}`" for n in frame.module.inputs)
                remedy = f"begin with `from` and one of {names}" if names else "begin the net with `input image: [3, 224, 224]`"
                frame.report(NoValue(reason="nothing flows to this layer", remedy=remedy), span)
            raise Failed
        return frame.it

    # -- labels and names ---------------------------------------------------------------------------

    def _label(self, label: ast.Name | ast.String, frame: Frame, unit: Span) -> str:
        """The text of a label before `unit`, which no other in its module has."""
        text = self._label_text(label, frame)
        first = frame.module.labels.get(text)
        if first is not None:
            self._report_second(label, text, first.span, unit, frame)
        return text

    def _report_second(self, label: ast.Name | ast.String, text: str, first: Span, unit: Span, frame: Frame) -> NoReturn:
        if first == unit:  # in a loop
            remedy, others = f'put the index into the label: "{text}{{i}}"', []
        else:
            remedy, others = "give one of them another label", [Label(first, f"the first `{text}`")]
        frame.evaluate.fail(DuplicateName(name=text, remedy=remedy), label.span, *others)

    def _label_text(self, at: ast.Name | ast.String, frame: Frame) -> str:
        text = at.id if isinstance(at, ast.Name) else str(frame.evaluate(at))
        if not text.replace("_", "a").isalnum() or not text.isascii() or text in ("it", "_") or len(text) > 200:
            reason = "`it` is the value that flows" if text == "it" else "not a plain name"
            frame.report(BadLabel(name=text[:40], reason=reason), at.span)
            raise Failed
        return text

    def _name(self, frame: Frame, label: str | None, sole: str | None, kind: str) -> str:
        return label if label is not None else sole if sole is not None else frame.module.automatic_name(kind)

    # -- calls --------------------------------------------------------------------------------------

    def _call(self, call: ast.Call, frame: Frame, label: str | None, sole: str | None) -> Value:
        """Apply a layer, block or net."""
        callee = self._callee(call, frame)
        is_layer = isinstance(callee, type)
        taken = callee.inputs if is_layer else (0, None)
        inputs = self._call_inputs(call, frame, taken)
        if is_layer:
            tie = next((a for a in call.arguments if a.name is not None and a.name.id == "tie"), None)
            if tie is not None:
                call = call.replace(arguments=tuple(a for a in call.arguments if a is not tie))
            layer = bind_layer(frame, callee, call, frame.evaluate)
            self._check_arity(frame, call, layer.layer_name(), layer.inputs, len(inputs))
            if layer.transparent and label is None:
                return inputs[0]
            name = self._name(frame, label, sole, layer.layer_name())
            ties = self._tie(frame, layer, inputs, tie) if tie is not None else {}
            return self._add_layer(frame, layer, name, inputs, call, call.span, label, ties=ties)
        arguments = bind_block(frame, callee, call, frame.evaluate)
        made = self._instantiate(frame, callee, arguments, inputs, call.span)
        name = self._name(frame, label, sole, callee.name)
        again = BlockCall(callee, arguments)
        return self._add_call(frame, made, name, inputs, call.span, label, again)

    def _callee(self, call: ast.Call, frame: Frame) -> Any:
        name = call.name.id
        callee = frame.env.get(name)
        if callee is POISON:
            raise Failed
        if isinstance(callee, (Definition, type)):
            return callee
        found = frame.callable(name)
        return found if found is not None else self._unknown_layer(frame, call.name, callee, "layer")

    def _unknown_layer(self, frame: Frame, name: ast.Name, found: Any, needed: Literal["layer", "net"]) -> NoReturn:
        if found is None:
            label = frame.label(name.id)
            found = label[0] if label else frame.constant(name.id)[1]
        if found is not None and found is not POISON:
            remedy = "a value is an argument of a layer" if needed == "layer" else "`net A = B x=1` makes an instance of the net B"
            if isinstance(found, Labelled):
                remedy = f"`from {name.id} -> ...` starts a chain from it"
            frame.report(NotALayer(name=name.id, kind=needed, what=describe(found), remedy=remedy), name.span)
            raise Failed
        if needed == "layer":
            known = [*layer_names(), *standard_names()]
            if not frame.definitions.lacking:
                known += frame.definitions.names
            close = SYNONYMS.get(name.id.lower()) or nearest(name.id, known)
            remedy, kinds = "`netspec layers` lists the built-in layers and blocks", "layer, block or net"
        else:
            known = [n for n in frame.definitions.names if isinstance(frame.definitions.item(n), (ast.Net, ast.Instance))]
            close = nearest(name.id, known) if not frame.definitions.lacking else None
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
                inputs.append(self._chain(path, inner))
        elif taken != (0, 0):
            inputs.append(self._flowing(frame, call.span))
        inputs += [frame.evaluate.tensor(expr) for expr in call.others]
        return inputs

    def _check_arity(self, frame: Frame, call: ast.Call, layer: str, taken: tuple[int, int | None], given: int) -> None:
        least, most = taken
        if least <= given and (most is None or given <= most):
            return
        needed = _count(least, "value") if least == most else f"at least {_count(least, 'value')}"
        if least > 1:
            remedy = f"merge paths, `{layer} {{ | ... | ... }}`, or bring in another value, `{layer} with x`"
        else:
            remedy = "take away the paths or `with`"
        frame.report(WrongInputs(layer=layer, needed=needed, given=given, remedy=remedy), call.span)
        raise Failed

    def _add_layer(
        self, frame: Frame, layer: Layer, name: str, inputs: list[Value], call: ast.Call | None, span: Span,
        label: str | None, shares: str | None = None, ties: dict[str, str] | None = None,
    ) -> Value:  # fmt: skip
        types = [v.type for v in inputs]
        outputs: tuple[TensorType, ...] = (UNKNOWN,)
        if all(t.known for t in types):
            try:
                outputs = output_types(layer, types)
            except Problem as problem:
                self._blame(frame, problem, layer, call, inputs, span)
        module = frame.module
        node = LayerNode.trusted(
            kind="layer", name=name, layer=layer, inputs=tuple(module.local(v) for v in inputs), shares=shares, ties=ties or {}
        )
        members = {str(i): t for i, t in enumerate(outputs)} if len(outputs) > 1 else {"": outputs[0]}
        return self._add(frame, node, members, span, label, layer)

    def _add_call(
        self, frame: Frame, made: Instance, name: str, inputs: list[Value], span: Span, label: str | None,
        again: Any, shares: str | None = None,
    ) -> Value:  # fmt: skip
        node = CallNode.trusted(
            kind="call", name=name, module=made.module, inputs=tuple(frame.module.local(v) for v in inputs), shares=shares
        )
        return self._add(frame, node, made.outputs, span, label, again)

    def _add(self, frame: Frame, node: Any, outputs: Outputs, span: Span, label: str | None, again: Any) -> Value:
        """Add a node; its first output flows on, the others are members."""
        self._count(frame, span)
        refs = [(node.name if i == 0 else f"{node.name}.{member}", type) for i, (member, type) in enumerate(outputs.items())]
        frame.module.add(node, refs, span)
        values = [Value(ref, type, frame.module, span) for ref, type in refs]
        if label is not None:
            members = dict(zip(outputs, values, strict=True)) if len(values) > 1 else {}
            frame.module.labels[label] = Labelled(label, values[0], members, node.name, span, again)
        return values[0]

    def _count(self, frame: Frame, span: Span) -> None:
        """Count one more node or iteration. Raises Exhausted past the limit."""
        self._nodes += 1
        if self._nodes > limits.NODES:
            frame.report(TooLarge(limit=f"{limits.NODES:,}"), span)
            raise Exhausted

    def _blame(
        self, frame: Frame, problem: Problem, layer: Layer, call: ast.Call | None, inputs: list[Value], span: Span
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

    def _scope(
        self, label: str, frame: Frame, span: Span, fill: Callable[[Frame], Any], body: ast.Body | None = None
    ) -> Value:
        """A labelled group, merge or branch: a module of its own."""
        module = self._builder(label, "", frame.module, body)
        it = module.add_input("it", frame.it.type, frame.it.span) if frame.it is not None else None
        result = fill(frame.inner(module, it))
        outputs: dict[str, Value] = result if isinstance(result, dict) else {"": result}
        for value in outputs.values():
            module.local(value)  # it may come from outside
        captures = list(module.captures.items())
        self._finish(module, outputs)
        made = Instance(module.name, {member: v.type for member, v in outputs.items()})
        inputs = ([frame.it] if frame.it is not None else []) + [value for _, (_, value) in captures]
        return self._add_call(frame, made, label, inputs, span, label, None)

    def _repeat(self, unit: ast.Repeat, frame: Frame, label: str | None, sole: str | None) -> Value:
        count = frame.evaluate.integer(unit.count)
        if count < 0:
            remedy = "`repeat 0` passes the value on"
            frame.evaluate.fail(NotAValue(needed="a whole number from 0", what=describe(count), remedy=remedy), unit.count.span)

        def names(number: int) -> tuple[dict[str, Static], LoopIndex | None]:
            if unit.index is None:
                return {}, None
            index = LoopIndex(number, count)
            return {unit.index.id: index}, index

        return self._iterate(unit, frame, label, sole, count, names)

    def _for(self, unit: ast.For, frame: Frame, label: str | None) -> Value:
        values = frame.evaluate(unit.values)
        if not isinstance(values, tuple):
            frame.evaluate.fail(not_a("list", values), unit.values.span)

        def names(number: int) -> dict[str, Static]:
            value = values[number]
            if not unit.unpack:
                return {unit.targets[0].id: value}
            if not isinstance(value, tuple) or len(value) != len(unit.targets):
                names = ", ".join(name.id for name in unit.targets)
                frame.evaluate.fail(not_a("list", value, f"{_count(len(unit.targets), 'value')} for ({names})"), unit.values.span)
            return {name.id: v for name, v in zip(unit.targets, value, strict=True)}

        if label is not None:
            return self._iterate(unit, frame, label, None, len(values), lambda n: (names(n), None), pinned=True)
        value: Value | None = frame.it
        for number in range(len(values)):
            self._count(frame, unit.span)
            inner = frame.inner(frame.module, value, **names(number))
            value = next(iter(self._body(unit.body, inner).values()))
        if value is None:
            raise Failed
        return value

    def _iterate(
        self,
        unit: ast.Repeat | ast.For,
        frame: Frame,
        label: str | None,
        sole: str | None,
        count: int,
        names: Callable[[int], tuple[dict[str, Static], LoopIndex | None]],
        pinned: bool = False,
    ) -> Value:
        """A scope with numbered iterations, those that come out the same elaborated once."""
        name = self._name(frame, label, sole, "repeat")
        current = start = self._flowing(frame, unit.span)
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
                iteration = self._label_text(step.label, outer)
                if iteration in named:
                    self._report_second(step.label, iteration, unit.span, unit.span, outer)
                named.add(iteration)
                if index is not None:
                    index.pin()
            direct = self._direct(step, outer, current)
            made_at = unit.span
            if direct is not None and step is not None:
                module_name, result, made_at = direct.module, next(iter(direct.outputs.values())), step.unit.span
            else:
                module = self._builder(label or "repeat", "", frame.module, unit.body)
                it = module.add_input("it", current.type, current.span)
                inner = outer.inner(module, it)
                if step is not None and (step.label is None or iteration is not None):
                    chain = unit.body.statements[0]
                    assert isinstance(chain, ast.Chain)
                    unlabelled = chain.replace(steps=(ast.Step(None, step.unit),))
                    outputs = {"": self._chain(unlabelled, inner, alone=True, sole="")}
                else:
                    outputs = self._body(unit.body, inner)
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
            self._count(frame, unit.span)
            current = Value(current.ref, result, current.home, made_at)
            number += times
        shared = list(captures.items())
        for module, outputs in pending:
            self._finish(module, outputs, shared)
        if not runs:
            if label is not None:
                frame.module.labels[label] = Labelled(label, start, {}, None, unit.span, None)
            return start
        inputs = [start, *(value for _, value in shared)]
        node = RepeatNode.trusted(
            kind="repeat", name=name, runs=tuple(runs), inputs=tuple(frame.module.local(v) for v in inputs)
        )
        return self._add(frame, node, {"": current.type}, unit.span, label, None)

    def _direct(self, step: ast.Step | None, frame: Frame, current: Value) -> Instance | None:
        """The block that is all of an iteration, which then takes the iteration's number as its name."""
        if step is None or not isinstance(step.unit, ast.Call):
            return None
        call = step.unit
        if call.paths or call.others or (step.label is not None and isinstance(step.label, ast.Name)):
            return None
        callee = self._callee(call, frame)
        if not isinstance(callee, Definition):
            return None
        arguments = bind_block(frame, callee, call, frame.evaluate)
        return self._instantiate(frame, callee, arguments, [current], call.span)

    # -- weights used again -------------------------------------------------------------------------

    def _tie(self, frame: Frame, layer: Layer, inputs: list[Value], tie: ast.Argument) -> dict[str, str]:
        """`tie=label`: the layer's weight is that of the labelled layer."""
        found = frame.label(tie.value.id) if isinstance(tie.value, ast.Name) else None
        if found is None:
            frame.evaluate.tensor(tie.value)  # reports a name that is not defined
        elif not found[0].value.type.known:
            raise Failed
        if found is None or not isinstance(found[0].again, Layer):
            remedy = "`tie` takes the label of a layer that has a weight"
            frame.report(NotALayer(name=tie.value.span.text, kind="layer", what="not the label of a layer", remedy=remedy), tie.value.span)
            raise Failed
        labelled, outwards = found
        types = [v.type for v in inputs]
        if not all(t.known for t in types):
            raise Failed
        theirs, ours = self._first_weights(labelled).get("weight"), layer.weights(types).get("weight")
        if theirs is None or ours is None or theirs.shape != ours.shape:
            mine = f"this layer's weight is {TensorType(ours.shape)}" if ours else "this layer has no weight"
            its = f"its weight is {TensorType(theirs.shape)}" if theirs else "it has no weight"
            frame.evaluate.fail(TieMismatch(label=labelled.name, reason=mine), tie.value.span, Label(labelled.span, its))
        return {"weight": "../" * outwards + f"{labelled.node}.weight"}

    def _module_of(self, labelled: Labelled) -> str:
        """The module that a labelled block call uses."""
        node: CallNode = next(n for n in labelled.value.home.nodes if n.name == labelled.node)
        return node.module

    def _first_weights(self, labelled: Labelled) -> dict[str, Weight]:
        """The weights of a labelled layer, at its own inputs."""
        home = labelled.value.home
        node = next(n for n in home.nodes if n.name == labelled.node)
        weights: dict[str, Weight] = labelled.again.weights([home.types[ref] for ref in node.inputs])
        return weights

    def _reuse(self, unit: ast.Reuse, frame: Frame, label: str | None) -> Value:
        found = frame.label(unit.label.id) if isinstance(unit.label, ast.Name) else None
        if found is None:
            frame.evaluate.tensor(unit.label)  # reports a name that is not defined
            problem = NotALayer(
                name=unit.label.span.text, kind="layer", what="not a label", remedy="`reuse` takes the label of a layer or block"
            )
            frame.report(problem, unit.label.span)
            raise Failed
        labelled, outwards = found
        if not labelled.value.type.known:
            raise Failed
        again = labelled.again
        current = self._flowing(frame, unit.span)
        shares = "../" * outwards + (labelled.node or "")
        name = label if label is not None else frame.module.automatic_name(labelled.name + "_")
        if isinstance(again, Layer):
            value = self._add_layer(frame, again, name, [current], None, unit.span, label, shares)
            if value.type.known:
                self._match_weights(frame, labelled, self._first_weights(labelled), again.weights([current.type]), current, unit)
            return value
        if isinstance(again, BlockCall):
            made = self._instantiate(frame, again.block, again.arguments, [current], unit.span)
            first = self._module_of(labelled)
            if made.module != first and all(t.known for t in made.outputs.values()):
                before, now = (dict(module_weights(name, self.modules, self.types)) for name in (first, made.module))
                self._match_weights(frame, labelled, before, now, current, unit)
            return self._add_call(frame, made, name, [current], unit.span, label, again, shares)
        if labelled.node is None:
            what, remedy = "not the label of a layer or block", "`reuse` takes the label of a layer or block"
        else:
            what, remedy = "a group, merge or loop", "make a `block` of it, and label its use"
        problem = NotALayer(name=labelled.name, kind="layer", what=what, remedy=remedy)
        frame.report(problem, unit.label.span)
        raise Failed

    def _match_weights(
        self, frame: Frame, labelled: Labelled, before: dict[str, Weight], now: dict[str, Weight], current: Value, unit: ast.Reuse
    ) -> None:
        """Report the first weight that a reuse at another input would need in another shape."""
        for name in [*before, *now]:
            first, second = before.get(name), now.get(name)
            if first == second:
                continue
            here = f"here it needs {TensorType(second.shape)}" if second else "here there is none"
            there = f"`{name}` is {TensorType(first.shape)}" if first else f"there is no `{name}`"
            problem = ReuseMismatch(label=labelled.name, shape=current.type, reason=f"{there}, {here}")
            frame.report(problem, unit.span, Label(labelled.span, "first used here"))
            return

    # -- reading what was built ---------------------------------------------------------------------

    def inside(self, owner: NodeRef, name: str) -> NodeRef | list[str]:
        """A node inside a node, by name or iteration number; else the names that there are."""
        module = self.modules[owner.module]
        node = next((n for n in module.nodes if n.name == owner.node), None)
        if isinstance(node, RepeatNode) and owner.iteration is None:
            for run, first in iterations(node):
                if run.name == name or (run.name is None and name.isdecimal() and first <= int(name) < first + run.times):
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


def _collect_labels(body: ast.Body, found: set[str]) -> None:
    for statement in body.statements:
        if isinstance(statement, ast.Chain):
            _collect_chain(statement, found)
        elif isinstance(statement, (ast.Input, ast.Source)):
            found.add(statement.name.id)


def _collect_chain(chain: ast.Chain, found: set[str]) -> None:
    for step in chain.steps:
        if isinstance(step.label, ast.Name):
            found.add(step.label.id)
        elif step.label is None:
            unit: Any = step.unit
            for path in getattr(unit, "paths", ()):
                _collect_chain(path, found)
            if isinstance(unit, (ast.Group, ast.For)):
                _collect_labels(unit.body, found)
            while isinstance(unit, ast.If):
                _collect_labels(unit.then, found)
                unit = unit.otherwise
            if isinstance(unit, ast.Body):
                _collect_labels(unit, found)


def _only_step(body: ast.Body) -> ast.Step | None:
    """The step that is all of a body, if it has just one."""
    if len(body.statements) != 1 or not isinstance(body.statements[0], ast.Chain):
        return None
    chain = body.statements[0]
    return chain.steps[0] if len(chain.steps) == 1 and chain.start is None else None


def _brace(body: ast.Body) -> Span:
    """The place of a body's closing brace."""
    return Span(body.span.end - 1, body.span.end, body.span.source)


def _count(number: int, noun: str) -> str:
    plural = {"axis": "axes"}.get(noun, noun + "s")
    return f"{number} {noun if number == 1 else plural}"


__all__ = ["Elaborator", "PendingClaim", "SourceFile"]
