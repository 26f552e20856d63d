"""Four judges of a sound net: what netspec states; the generated torch module and torch's rule of every layer, on meta
and with numbers; ONNX's own strict inference; onnxruntime. And, of a layer that netspec refuses, what torch says."""

from __future__ import annotations

import gc
import re
import sys
import traceback
from collections import Counter
from collections.abc import Sequence
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

import torch

TESTS = Path(__file__).parents[1]
sys.path += [str(TESTS / folder) for folder in ("analysis", "onnx", "ops", "torch", "verify")]

from growing import Refused, layer_of  # noqa: E402
from onnx_nets import check, model_of  # noqa: E402

from netspec.analysis.unrolled import Step, Unrolled  # noqa: E402
from netspec.diagnostics import Problem, SpecError  # noqa: E402
from netspec.driver import Compilation  # noqa: E402
from netspec.emit.torch.module import build  # noqa: E402
from netspec.emit.torch.source import generate  # noqa: E402
from netspec.emit.unrolling import unrolled  # noqa: E402
from netspec.emit.verify import facts  # noqa: E402
from netspec.emit.verify.findings import Options, Run  # noqa: E402
from netspec.emit.verify.proof import verify_net  # noqa: E402
from netspec.emit.verify.sizes import cases  # noqa: E402
from netspec.emit.verify.stepwise import LayerFailed, Stepwise  # noqa: E402
from netspec.ir.types import TensorType  # noqa: E402
from netspec.ops.base import output_types  # noqa: E402
from netspec.source import SourceFile  # noqa: E402

torch.set_num_threads(1)

UNPROVEN = ("not proven", "refused")  # no disagreement


# What netspec refuses although torch would go on, by code. docs/testing.md tells them.
STRICTER = {
    "NS301": "a layer takes the ranks that its shapes state; torch takes the batch or an axis for another",
    "NS302": "one number for each axis: torch repeats a single one in a tuple",
    "NS307": "numbers of a weight for another shape: in torch they are the weight",
    "NS308": "an option that would have no effect",
    "NS311": "numbers of another kind: torch converts them",
    "NS312": "an axis of a single number",
    "NS314": "padding of more than half the window: torch refuses it too, but not where the pads are made before",
    "NS315": "windows that hold nothing but padding: torch gives -inf",
    "NS321": "parts of one size: torch makes the last one smaller",
    "NS329": "element types are not mixed: ONNX has no such operators",
    "NS331": "a norm of single elements, of which nothing is left; torch refuses it for one sample",
    "NS335": "an option that needs another to have an effect",
    "NS336": "a window without `causal` would have no effect",
    "NS337": "an option that needs another to have an effect",
    "NS338": "a table of one position: torch repeats it",
    "NS340": "states of one row: torch repeats it",
    "NS341": "an LSTM begins with both states or none",
    "NS342": "a mask whose last axis is 1: torch repeats it",
    "NS343": "buckets that hold no distance",
}
_LARGEST = re.compile(r"torch's largest value is (\S+), onnxruntime's (\S+);")
_APART = re.compile(r"they differ by at most (\S+),")
# Weights and inputs are about 1. Values less than the first are what is left of a difference, perhaps by rounding;
# values that are apart by less than the second may be so by onnxruntime's rounding, of its sigmoid for one.
_SMALL, _CLOSE = 1e-3, 2e-5
_FAR, _FAR_CLOSE = 5e-3, 1e-4  # of the largest element, and in all, for inputs of mean 10 and 100
_ADDED = 0.05  # likewise, where every layer by itself agrees, such as x / tanhshrink(x)
_INFINITE = "by inf of the largest element"  # of a quotient by 0, the sign of which is lost
# Statistics of a batch are not there for one sample of one position: `batchnorm track=false`.
_NO_ROW = "IndexError: index out of range in self"  # of a table, where `pad` brings in a number
_ONE_SAMPLE = "Expected more than 1 value per channel when training"


class Verdict(NamedTuple):
    """`status`: OK, one of UNPROVEN, or what disagrees, of which `text` tells."""

    status: str
    text: str = ""

    @property
    def agrees(self) -> bool:
        return self.status == "OK" or self.status in UNPROVEN


def settled() -> None:
    """What is in memory by now stays: `netspec verify` collects garbage after each net."""
    gc.collect()
    gc.freeze()


def judge(text: str, *, numbers: bool = True) -> Verdict:
    """All judges of a text that netspec takes."""
    made = Compilation(SourceFile("random.net", text))
    try:
        if not made.sound or made.network is None:
            return Verdict("unsound", "\n".join(map(str, made.diagnostics)))
        net = unrolled(made)
        for case in cases(made, net, 1):
            told = on_meta(case)
            if told:
                return Verdict("meta", told)
        if numbers:
            found = verify_net(made, Options(seed=1))
            lines = [line for t in found.troubles for line in (t.text, t.place, *t.details)]
            lines += [d.title for d in found.diagnostics]
            if found.status == "numbers differ" and all(
                t.kind == "not proven" or is_noise("\n".join((t.text, *t.details)), found.runs) for t in found.troubles
            ):
                return Verdict("not proven", "\n".join(lines))
            if (
                found.status == "refused"
                and made.totals is not None
                and not any(case.sizes for case in cases(made, net, 1))
            ):
                told = by_torch_alone(made, net)
                return Verdict("torch alone", told) if told else Verdict("refused", "\n".join(lines))
            if _ONE_SAMPLE in "\n".join(lines) or _NO_ROW in "\n".join(lines):
                return Verdict("not proven", "\n".join(lines))
            if found.status != "OK":
                return Verdict(found.status, "\n".join(lines))
        check(model_of(made))
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        return Verdict(
            "crash", f"{type(error).__name__}: {str(error)[:500]} ({Path(last.filename).name}:{last.lineno})"
        )
    return Verdict("OK")


def by_torch_alone(made: Compilation, net: Unrolled) -> str:
    """What differs in the weights and MACs of the generated module, of a net that ONNX cannot say."""
    try:
        source = generate(made)
    except SpecError:
        return ""  # torch cannot say it either
    with torch.device("meta"):
        module = build(made.name or "net", source).eval()
    stated = {name: tuple(weight.shape) for name, (weight, _) in net.tensors().items()}
    state = module.state_dict(keep_vars=True)
    given = {name: tuple(x.shape) for name, x in state.items() if name in stated or x.requires_grad}
    names: dict[int, str] = {}
    for name, x in state.items():
        names.setdefault(id(x), name)
    given = {name: shape for name, shape in given.items() if names[id(state[name])] == name}
    if given != stated:
        return f"weights {stated} are stated, torch has {given}"
    for case in cases(made, net, 1):
        for macs in facts.count_macs(module, case):
            if macs.static != macs.torch:
                return facts.wrong_macs(case, macs).text
    return ""


def is_noise(told: str, runs: Sequence[Run]) -> bool:
    """Whether a layer that departs does so by so little that rounding explains it, or outputs are no numbers. Far from
    0 onnxruntime's sigmoid is off by more, what is a difference of large numbers is lost, and squares overflow."""
    far = "inputs of mean 10" in told  # or 100
    if "no layer departs by itself" in told:
        by_little = all(
            run.difference.largest < _CLOSE or run.difference.relative < _ADDED for run in runs if not run.mean
        )
        return far or by_little or _INFINITE in told
    values, apart = _LARGEST.search(told), _APART.search(told)
    if values is None or apart is None:
        return False
    largest, difference = max(map(float, values.groups())), float(apart[1])
    return (
        largest < _SMALL
        or difference < _CLOSE
        or (far and (difference < _FAR_CLOSE or difference < _FAR * largest or difference == inf))
    )


def on_meta(case: Any) -> str:
    """What torch says on the meta device of the shapes of the layers. `netspec verify` counts the MACs there."""
    shapes = facts.ShapeCheck(case.made)
    try:
        with torch.no_grad():
            Stepwise(case.net, device="meta").run(facts.meta_inputs(case, 2), after=shapes)
    except LayerFailed as error:
        return f"torch cannot run `{error.step.path}` on meta: {error}"
    return "\n".join(f"{t.text}\n{t.place}" for t in shapes.troubles)


# -- refusals -------------------------------------------------------------------------------------------


def torch_accepts(refused: Refused) -> str | None:
    """What torch makes of a layer that netspec refused; None where it refuses it too, or netspec has no way to ask."""
    try:
        layer = layer_of(refused.name, refused.arguments)
        inputs = [TensorType(tuple(s if isinstance(s, int) else 7 for s in x.shape), x.dtype) for x in refused.inputs]
    except ValueError:
        return None  # an argument that the layer never takes
    try:
        output_types(layer, inputs)
        return None  # it was refused for another reason than its shapes
    except Problem as problem:
        if problem.code != refused.code:
            return None  # for a symbol, which torch gets as a number
    numbers = tuple(range(len(inputs)))
    step: Any = Step("layer", layer, numbers, (99,), tuple(inputs), (), {}, (), "", None)  # type: ignore[arg-type]
    tensors = [_tensor(x) for x in inputs]
    try:
        with torch.no_grad():
            made = Stepwise(Unrolled(numbers, (99,), (step,))).apply(0, _held(tensors), 2)
    except Exception:
        return None
    shapes = [list(held.tensor.shape[1:]) for held in made]
    if any(0 in shape for shape in shapes):
        return None
    return f"{refused.name} {dict(refused.arguments)} of {', '.join(map(str, inputs))}: torch gives {shapes}"


def _tensor(x: TensorType) -> torch.Tensor:
    shape = (2, *x.shape)
    if x.dtype == "bool":
        return torch.ones(shape, dtype=torch.bool)
    return torch.zeros(shape, dtype=getattr(torch, x.dtype)) if "int" in x.dtype else torch.randn(shape)


def _held(tensors: Sequence[torch.Tensor]) -> list[Any]:
    from netspec.emit.verify.stepwise import Held

    return [Held(tensor, True) for tensor in tensors]


class Refusals:
    """What torch takes and netspec does not, by layer and code."""

    def __init__(self) -> None:
        self.asked: Counter[tuple[str, str]] = Counter()
        self.taken: dict[tuple[str, str], str] = {}

    def ask(self, refused: Sequence[Refused], most: int = 40) -> None:
        for each in refused:
            key = (each.name, each.code)
            if self.asked[key] < most and key not in self.taken:
                self.asked[key] += 1
                told = torch_accepts(each)
                if told is not None:
                    self.taken[key] = told

    def unexplained(self) -> dict[tuple[str, str], str]:
        """Those that are not meant."""
        return {key: text for key, text in self.taken.items() if key[1] not in STRICTER}
