"""One net: everything that is compared, in order.

The net is written out. With weights that make a difference it is run in torch, layer by layer and as the generated
module, and in onnxruntime, as the exported model and as one that gives every layer's values.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from netspec.analysis.unrolled import Step, Unrolled
from netspec.diagnostics import SpecError
from netspec.driver import Compilation
from netspec.emit.onnx.export import graph_of
from netspec.emit.onnx.graph import GraphData
from netspec.emit.torch.module import build
from netspec.emit.torch.source import generate
from netspec.emit.unrolling import unrolled
from netspec.emit.verify import facts, inputs, layerwise
from netspec.emit.verify.differences import difference, emptiness, is_numeric
from netspec.emit.verify.findings import (
    Findings,
    LayerDifference,
    Options,
    Run,
    Stop,
    Trouble,
    at_layer,
    share,
    sizes_text,
)
from netspec.emit.verify.inputs import Trial
from netspec.emit.verify.memory import refuse_too_large
from netspec.emit.verify.runtime import RuntimeFailed, Session
from netspec.emit.verify.sizes import Case, cases, check_formulas
from netspec.emit.verify.stepwise import LayerFailed, Stepwise, widened
from netspec.emit.verify.weights import Drawn

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor, nn

    Array = np.ndarray[Any, Any]

STAGES = ("weights", "torch", "MACs", "onnxruntime", "numbers", "sensitivity")
_SAME = 1e-5  # of the largest element: the module against its layers one by one, both in torch
_CALIBRATION = Trial(0, 4)
_BY_ITSELF = 0.1  # of the tolerance: errors of layers add up
_MAGNIFIED = 100  # rounding that a deep net magnifies to more than so many tolerances hides everything
_FINEST = 2e-6  # less than rounding in float32 makes of a layer
_SENSITIVE = 10  # a layer that is drawn anew changes the outputs by more than so many tolerances

Tick = Callable[[str], None]


def verify_net(made: Compilation, options: Options, tick: Tick = lambda stage: None) -> Findings:
    """Compare everything about a net. `tick` is told each stage as it begins."""
    begun = time.perf_counter()
    network = made.network  # which names the net
    findings = Findings(made.name or "?", made.source.name)
    try:
        if network is None or not made.sound:
            raise SpecError(made.diagnostics)
        _Proof(made, options, findings, tick).all()
    except Stop as stop:
        findings.troubles += stop.troubles
    except SpecError as error:
        findings.diagnostics = error.diagnostics
        kind = "refused" if made.sound else "spec"
        titles = [d.title for d in error.diagnostics if d.severity == "error"]
        findings.troubles.append(Trouble(kind, titles[0] if titles else "it is not sound"))  # type: ignore[arg-type]
    findings.seconds = time.perf_counter() - begun
    return findings


class _Failure(NamedTuple):
    case: Case
    trial: Trial
    output: str
    text: str
    difference: float  # relative


class _Proof:
    def __init__(self, made: Compilation, options: Options, findings: Findings, tick: Tick) -> None:
        self.made = made
        self.options = options
        self.findings = findings
        self.tick = tick
        self.net: Unrolled = unrolled(made)
        self.cases = cases(made, self.net, options.seed)
        for case in self.cases:
            refuse_too_large(case.made)
        findings.sizes = [case.sizes for case in self.cases if case.sizes]
        network = made.network
        assert network is not None
        self.members = [member or ref for member, ref in network.root.outputs.items()]

    def all(self) -> None:
        import torch

        self.tick("weights")
        self._formulas()
        if any(x.dtype == "bfloat16" for step in self.net.steps for x in (*step.inputs, *step.outputs)):
            text = "onnxruntime computes nothing in bfloat16 on a CPU: there are no numbers to compare"
            raise Stop(Trouble("refused", text))
        try:
            data = self._graph()  # refuses what ONNX cannot say, before anything takes time
        except Stop as stop:  # a rule that is wrong, of which torch may say more
            data, unwritten = None, stop
        self.drawn = Drawn(self.cases[0].net, self.options.seed)
        self.tick("torch")
        with torch.no_grad():
            self._torch()
        self.tick("MACs")
        self._macs()
        self.tick("onnxruntime")
        with torch.no_grad():
            if data is None:
                raise unwritten
            blamed = None if self._differs("shapes", "torch") else self._layers_in_onnx()
            if self._differs("shapes", "torch"):
                return  # the numbers cannot be compared
            self.tick("numbers")
            self._numbers(self._session(data), blamed)
            self.tick("sensitivity")
            if not self.findings.troubles:
                self._sensitivity()

    def _differs(self, *kinds: str) -> bool:
        return any(trouble.kind in kinds for trouble in self.findings.troubles)

    # -- torch ------------------------------------------------------------------------------------------

    def _formulas(self) -> None:
        for case in self.cases:
            self.findings.troubles += check_formulas(self.made, self.net, case)

    def _torch(self) -> None:
        """The layers one by one, and the generated module."""
        self.modules: list[nn.Module] = []
        for number, case in enumerate(self.cases):
            stepwise = self._stepwise(case)
            check = facts.ShapeCheck(case.made)
            given = self._tensors(case, self._trials(case)[0])
            try:
                if number == 0:
                    self.drawn.calibrate(stepwise, self._tensors(case, _CALIBRATION), check)
                outputs = stepwise.run(given, after=check)
            except LayerFailed as error:
                raise Stop(*check.troubles) if check.troubles else facts.failed(case, error) from None
            self.findings.troubles += check.troubles
            if number == 0:
                self.module = self._module(self.made)
                self._load(self.module, case)
            self.modules.append(self._module_for(case, given))
            self.findings.troubles += self._departures(case, outputs, self._run(self.modules[-1], case, given))
        assert self.made.totals is not None
        stated, counted = int(str(self.cases[0].made.totals.params)), facts.trained(self.module)  # type: ignore[union-attr]
        self.findings.params = stated, counted
        if stated != counted:
            text = f"{stated:,} parameters are stated, torch's module has {counted:,}"
            self.findings.troubles.append(Trouble("params", text))

    def _stepwise(self, case: Case) -> Stepwise:
        try:
            return Stepwise(case.net, self.drawn.tensors())
        except LayerFailed as error:
            raise facts.failed(case, error) from None

    def _module(self, made: Compilation) -> nn.Module:
        import torch

        source = generate(made)
        try:
            with torch.random.fork_rng(devices=[]):  # it draws its first weights
                return build(made.name or "net", source).eval()
        except Exception as error:
            raise Stop(Trouble("torch", f"the generated module cannot be built: {_said(error)}")) from error

    def _load(self, module: nn.Module, case: Case) -> None:
        troubles = facts.load(self.made, case.net, module, self.drawn)
        if troubles:
            raise Stop(*troubles)

    def _module_for(self, case: Case, given: Sequence[Tensor]) -> nn.Module:
        """The generated module. It is written at the usual sizes, and where it does not hold at others, anew."""
        if not case.sizes or case is self.cases[0] or self._holds(case, given):
            return self.module
        module = self._module(case.made)
        self._load(module, case)
        self.findings.notes.append(
            f"the generated module holds at its own sizes only: another was made{sizes_text(case.sizes)}"
        )
        return module

    def _holds(self, case: Case, given: Sequence[Tensor]) -> bool:
        """Whether the module may be used at sizes for which it was not written, or has to hold there, because it was
        written for all."""
        try:
            outputs = _as_tuple(self.module(*given))
        except Exception:
            return _is_free(self.made)
        types = [tuple(x.shape) for x in self._stepwise(case).run(given)]
        return _is_free(self.made) or [tuple(x.shape) for x in outputs] == types

    def _run(self, module: nn.Module, case: Case, given: Sequence[Tensor]) -> list[Tensor]:
        try:
            return list(_as_tuple(module(*given)))
        except Exception as error:
            text = f"the generated module cannot be run{sizes_text(case.sizes)}: {_said(error)}"
            raise Stop(Trouble("torch", text)) from error

    def _departures(self, case: Case, expected: Sequence[Tensor], outputs: Sequence[Tensor]) -> list[Trouble]:
        """Where the module does not give what its layers give one by one."""
        found = []
        shapes, others = ([tuple(x.shape) for x in each] for each in (expected, outputs))
        if shapes != others:
            text = f"the generated module gives {others}, its layers one by one {shapes}{sizes_text(case.sizes)}"
            raise Stop(*self.findings.troubles, Trouble("shapes", text))
        for name, one, other in zip(self.members, expected, outputs, strict=True):
            apart = difference(one.numpy(), other.numpy())
            if apart.relative > _SAME:
                text = (
                    f"`{name}` of the generated module differs from that of its layers one by one by "
                    f"{share(apart.relative)} of the largest{sizes_text(case.sizes)}"
                )
                found.append(Trouble("torch", text))
        return found

    def _macs(self) -> None:
        import torch

        for case in self.cases:
            made = self.made if self.modules[self.cases.index(case)] is self.module else case.made
            with torch.device("meta"):
                module = self._module(made)
            try:
                counted = facts.count_macs(module, case)
            except Exception as error:
                text = f"the generated module cannot be run without numbers{sizes_text(case.sizes)}: {_said(error)}"
                self.findings.troubles.append(Trouble("torch", text))
                return
            self.findings.macs += counted
            wrong = next((macs for macs in counted if macs.static != macs.torch), None)
            if wrong is not None:
                self.findings.troubles.append(facts.wrong_macs(case, wrong))
                return

    # -- onnxruntime ------------------------------------------------------------------------------------

    def _graph(self, layers: bool = False) -> GraphData:
        """The graph as it is exported, or with every layer's values. Raises SpecError where ONNX cannot say it."""
        try:
            return graph_of(self.made, self.options.opset, fold=not layers, layers=layers)
        except (SpecError, MemoryError):
            raise
        except Exception as error:
            raise Stop(Trouble("onnx", f"the graph cannot be made: {_said(error)}")) from error

    def _session(self, data: GraphData) -> Session:
        try:
            return Session(data, self.drawn)
        except RuntimeFailed as error:
            raise self._refused(error, self.cases[0], "load") from error

    def _refused(self, error: RuntimeFailed, case: Case, what: str) -> Stop:
        path = error.layer([step.path for step in case.net.steps])
        text = f"onnxruntime cannot {what} the model{sizes_text(case.sizes)}"
        said = f"onnxruntime says: {str(error)[:500]}"
        step = next((step for step in case.net.steps if step.path == path), None)
        return Stop(
            at_layer(case.made, step, "onnx", text, (said,)) if step else Trouble("onnx", text, details=(said,))
        )

    def _layered(self, session: Session, case: Case, trial: Trial) -> layerwise.Layered:
        try:
            return layerwise.Layered(case, session, self.drawn, self._arrays(case, trial))
        except RuntimeFailed as error:
            raise self._refused(error, case, "run") from error

    def _layers_in_onnx(self) -> Trouble | None:
        """Every layer's shape, and at the first sizes its numbers by itself. The layer to blame, if there is one."""
        session = self._session(self._graph(layers=True))
        blamed = None
        for case in self.cases:
            layered = self._layered(session, case, self._trials(case)[0])
            for step in case.net.steps:
                types = layered.types(step)
                if types != list(step.outputs):
                    self.findings.troubles.append(facts.wrong_shape(case.made, step, types, "onnxruntime"))
                    return None
            self.findings.layers = len(case.net.steps)
            if case is self.cases[0]:
                self.findings.by_layer, blamed, _ = self._by_layer(layered)
        return blamed

    def _by_layer(
        self, layered: layerwise.Layered, text: str = ""
    ) -> tuple[list[LayerDifference], Trouble | None, list[str]]:
        """Every layer by itself, what to say of the first that departs, and the layers that chose by rounding."""
        case = layered.case
        found = layerwise.compare(layered, self._stepwise(case))
        bound = max(self.options.tolerance * _BY_ITSELF, _FINEST)
        if all(each.own.relative <= bound for each in found):
            return found, None, []
        departures = layerwise.departures(layered, self._wide(case), found, bound)
        chosen = [case.net.steps[each.place].path for each in departures if each.is_choice]
        departs = next((each for each in departures if each.is_fault(bound)), None)
        if departs is None:
            return found, None, chosen
        step = case.net.steps[departs.place]
        text = (
            text or f"`{step.path}` differs in torch and onnxruntime, though the outputs differ by less than is allowed"
        )
        return found, layerwise.blame(layered, departs, text), chosen

    def _wide(self, case: Case) -> Stepwise:
        return Stepwise(case.net, self.drawn.tensors(), wide=True)

    # -- numbers ----------------------------------------------------------------------------------------

    def _numbers(self, session: Session, blamed: Trouble | None) -> None:
        """The outputs of the generated module and of the exported model. `blamed`: a layer that departs."""
        for case, module in zip(self.cases, self.modules, strict=True):
            seen: list[list[Array]] = [[] for _ in self.members]
            failures: list[_Failure] = []
            for trial in self._trials(case):
                failures += self._compare(session, module, case, trial, seen)
            if failures and blamed is not None:
                blamed = blamed._replace(text=failures[0].text)
            elif failures:
                self._explain(session, module, failures)
            self._is_proven(case, seen)
        if blamed is not None:
            self.findings.troubles.insert(0, blamed)

    def _compare(
        self, session: Session, module: nn.Module, case: Case, trial: Trial, seen: list[list[Array]]
    ) -> list[_Failure]:
        arrays = self._arrays(case, trial)
        try:
            theirs = session.run(arrays)
        except RuntimeFailed as error:
            raise self._refused(error, case, "run") from error
        ours = self._run(module, case, self._tensors(case, trial))
        failures = []
        for number, (name, one, other) in enumerate(zip(self.members, ours, theirs, strict=True)):
            array = one.numpy()
            seen[number].append(array)
            if array.shape != other.shape or array.dtype != other.dtype:
                types = [f"{x.dtype} {list(x.shape)}" for x in (array, other)]
                text = f"`{name}` is {types[0]} in torch, {types[1]} in onnxruntime"
                raise Stop(Trouble("shapes", text + sizes_text(case.sizes)))
            apart = difference(array, other)
            self.findings.runs.append(Run(case.sizes, trial.mean, trial.batch, name, apart))
            if apart.relative > self.options.tolerance and is_numeric(array):
                text = (
                    f"`{name}` differs in torch and onnxruntime by {share(apart.relative)} of the largest element, "
                    f"tolerance {share(self.options.tolerance)}: {trial}{sizes_text(case.sizes)}"
                )
                failures.append(_Failure(case, trial, name, text, apart.relative))
        return failures

    def _explain(self, session: Session, module: nn.Module, failures: Sequence[_Failure]) -> None:
        """Say which layer is to blame, or that it is rounding."""
        first = failures[0]
        layered = self._layered(self._session(self._graph(layers=True)), first.case, first.trial)
        _, blamed, chosen = self._by_layer(layered, first.text)
        if blamed is not None:
            self.findings.troubles.append(blamed)
            return
        if chosen:
            for failure in failures:
                self._excuse(failure, f"{failure.text}; rounding of what `{chosen[0]}` is given changes it as much")
            return
        wide = self._wide(first.case)
        for failure in failures:
            given = self._tensors(failure.case, failure.trial)
            one_by_one = self._stepwise(failure.case).run(given)
            departures = self._departures(failure.case, one_by_one, self._run(module, failure.case, given))
            if departures:  # of the inputs before, one took another branch of a minimum, say
                self.findings.troubles += departures
                return
            if not self._is_rounding(session, module, wide, failure):
                details = ("no layer departs by itself", "in float64 torch gives the same as in float32")
                self.findings.troubles.append(Trouble("numbers", failure.text, details=details))
                return
            text = f"{failure.text}; by rounding, for torch is as far from the same net in float64"
            self._excuse(failure, text, ", and every layer by itself agrees")

    def _excuse(self, failure: _Failure, text: str, note: str = "") -> None:
        """Note a difference by rounding, or say that one proves nothing which is so large that it hides everything."""
        if failure.trial.mean or failure.difference <= _MAGNIFIED * self.options.tolerance:
            self.findings.notes.append(text + note)
        else:
            self.findings.troubles.append(Trouble("not proven", text))

    def _is_rounding(self, session: Session, module: nn.Module, wide: Stepwise, failure: _Failure) -> bool:
        """Whether torch's own outputs are as far from float64 as onnxruntime's."""
        given = self._tensors(failure.case, failure.trial)
        ours = self._run(module, failure.case, given)
        theirs = session.run(self._arrays(failure.case, failure.trial))
        exact = wide.run(widened(given))
        number = self.members.index(failure.output)
        reference = exact[number].numpy()
        of_torch, of_onnx = (difference(reference, x).relative for x in (ours[number].numpy(), theirs[number]))
        return of_onnx <= 5 * of_torch

    def _is_proven(self, case: Case, seen: list[list[Array]]) -> None:
        """Say so where the outputs are such that to compare them proves nothing."""
        reached = _reached(case.net, case.net.inputs)
        for name, number, arrays in zip(self.members, case.net.outputs, seen, strict=True):
            numeric = [x for x in arrays if is_numeric(x)]
            for trial, x in zip(self._trials(case), arrays, strict=True):
                if trial.mean and not is_numeric(x):
                    text = f"`{name}` is no number for inputs of mean {trial.mean}{sizes_text(case.sizes)}"
                    self.findings.notes += [text] if text not in self.findings.notes else []
            if not is_numeric(arrays[0]):
                why = "it is no number"
            else:
                why = emptiness(numeric, number in reached, self.options.tolerance)
            if why:
                worst = max(each.own.relative for each in self.findings.by_layer)
                details = (f"every layer by itself agrees, to {share(worst)} of its largest element",)
                text = f"`{name}` proves nothing{sizes_text(case.sizes)}: {why}"
                self.findings.troubles.append(Trouble("not proven", text, details=details))

    # -- sensitivity ------------------------------------------------------------------------------------

    def _sensitivity(self) -> None:
        """Whether the first, a middle and the last layer with weights change the outputs. What is true of one that does
        not, the comparison of every layer by itself has shown."""
        case = self.cases[0]
        stepwise = self._stepwise(case)
        given = self._tensors(case, self._trials(case)[0])
        expected = [x.numpy().copy() for x in stepwise.run(given)]  # a weight may be an output
        for step in _weighted(case.net):
            before = self.drawn.redraw(step)
            outputs = [x.numpy() for x in stepwise.run(given)]
            change = max(difference(a, b).relative for a, b in zip(expected, outputs, strict=True))
            self.drawn.restore(before)
            if change <= _SENSITIVE * self.options.tolerance:
                self.findings.notes.append(
                    f"not sensitive: other weights in `{step.path}` change the outputs by {share(change)} of the "
                    "largest element only; by itself the layer agrees"
                )

    # -- inputs -----------------------------------------------------------------------------------------

    def _trials(self, case: Case) -> list[Trial]:
        assert case.made.network is not None
        return inputs.trials(case.made.network)

    def _arrays(self, case: Case, trial: Trial) -> list[Array]:
        assert case.made.network is not None
        return inputs.make(case.made.network, case.net, trial, self.options.seed)

    def _tensors(self, case: Case, trial: Trial) -> list[Tensor]:
        import torch

        return [torch.from_numpy(x) for x in self._arrays(case, trial)]


def _weighted(net: Unrolled) -> list[Step]:
    """The first, a middle and the last layer with weights of its own that the outputs depend on."""
    needed = _needed(net)
    found = [
        step
        for step in net.steps
        if needed & set(step.makes)
        and any(w.kind != "buffer" and w.literal is None and w.dtype == "float32" for _, w in step.weights.values())
    ]
    return list({step.path: step for step in (found[0], found[len(found) // 2], found[-1])}.values()) if found else []


def _needed(net: Unrolled) -> set[int]:
    """The values that the outputs depend on."""
    found = set(net.outputs)
    for step in reversed(net.steps):
        if found & set(step.makes):
            found |= set(step.takes)
    return found


def _reached(net: Unrolled, numbers: Sequence[int]) -> set[int]:
    """The values that depend on some."""
    found = set(numbers)
    for step in net.steps:
        if found & set(step.takes):
            found |= set(step.makes)
    return found


def _is_free(made: Compilation) -> bool:
    """Whether a net has symbols without a value of their own, so that its module is written for all sizes."""
    from netspec.emit.verify.sizes import symbols_of

    return bool(symbols_of(Compilation(made.source, made.name, made.settings)))


def _as_tuple(outputs: Any) -> tuple[Tensor, ...]:
    return outputs if isinstance(outputs, tuple) else (outputs,)


def _said(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:500]
