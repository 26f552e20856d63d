"""A net layer by layer in torch and onnxruntime: which layer is the first to depart, and which of the two does.

Every layer is compared twice: its value after all layers before it, and by itself, torch's rule applied to the inputs
that the layer has in onnxruntime. Only the second tells which layer is to blame, since a difference grows and shrinks
on its way. In float64 the same rule says whether it is a matter of rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from netspec.analysis.rows import layer_text
from netspec.analysis.unrolled import Step
from netspec.emit.onnx.graph import GraphData
from netspec.emit.verify.differences import NO_DIFFERENCE, difference
from netspec.emit.verify.findings import Difference, LayerDifference, Trouble, at_layer, share
from netspec.emit.verify.runtime import Session, array_of
from netspec.emit.verify.sizes import Case
from netspec.emit.verify.stepwise import Held, Stepwise
from netspec.emit.verify.weights import Drawn
from netspec.ir.types import TensorType
from netspec.ops.base import Kind
from netspec.ops.onnxrule import Value

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_ROUNDING = 10  # departs by so many times as much as torch in float32 does
_SHAKEN, _TIMES = 1e-6, 4  # inputs off by as much as rounding makes of them, as a share of the largest element


class Layered:
    """A model that gives every layer's values, run on some inputs."""

    def __init__(self, case: Case, session: Session, drawn: Drawn, inputs: Sequence[Array]) -> None:
        self.case = case
        self.data: GraphData = session.data
        self.inputs = inputs
        self.values: dict[int, Held] = {}  # by their numbers in the net
        self._found = session.all_values(inputs)
        self._arrays = drawn.arrays
        for number, value in zip(case.net.inputs, self.data.inputs, strict=True):
            self._hold(number, value)
        for step in case.net.steps:
            for number, value in zip(step.makes, self.data.layers[step.path], strict=True):
                self._hold(number, value)

    def _hold(self, number: int, value: Value) -> None:
        import torch

        array = array_of(value, self._found, self.data, self._arrays)
        if array is not None:
            self.values[number] = Held(torch.from_numpy(array), value.batched)

    def types(self, step: Step) -> list[TensorType]:
        """What onnxruntime gives for a layer."""
        found = []
        for number in step.makes:
            held = self.values[number]
            shape = tuple(held.tensor.shape[held.batched :])
            found.append(TensorType(shape, str(held.tensor.dtype).removeprefix("torch.")))
        return found


class Departure(NamedTuple):
    """A layer by itself, as far as torch and onnxruntime are apart, each is from float64, and float64 is from itself
    for inputs that are off by rounding."""

    place: int  # of the layer
    own: Difference
    torch: float
    onnx: float
    shaken: float

    def is_fault(self, bound: float) -> bool:
        """Whether onnxruntime departs, and not by rounding. A rule of torch's that is wrong is so in float64, too."""
        return not self.is_choice and self.onnx > max(bound, _ROUNDING * self.torch)

    @property
    def is_choice(self) -> bool:
        """Whether rounding of the inputs explains it: a layer like `experts` chooses between two that are equal."""
        return self.onnx <= _ROUNDING * self.shaken


def compare(layered: Layered, stepwise: Stepwise) -> list[LayerDifference]:
    """Every layer of a net, in torch and onnxruntime."""
    import torch

    found: list[LayerDifference] = []
    batch = len(layered.inputs[0]) if layered.inputs else 1

    def after(index: int, step: Step, taken: list[Held], made: list[Held]) -> None:
        own = _by_itself(layered, stepwise, index, batch)
        whole = _worst([_apart(a, layered.values[n], batch) for a, n in zip(made, step.makes, strict=True)])
        found.append(LayerDifference(step.path, layer_text(step.layer), whole, own))

    with torch.no_grad():
        stepwise.run([torch.from_numpy(x) for x in layered.inputs], after=after)
    return found


def _by_itself(layered: Layered, stepwise: Stepwise, index: int, batch: int) -> Difference:
    step = stepwise.net.steps[index]
    taken = [layered.values[number] for number in step.takes]
    if not all(_is_finite(x, step.layer.takes(place, len(taken))) for place, x in enumerate(taken)):
        return NO_DIFFERENCE  # what becomes of NaN and infinity is no matter of a layer's rule
    made = stepwise.apply(index, taken, batch)
    return _worst([_apart(a, layered.values[n], batch) for a, n in zip(made, step.makes, strict=True)])


def _is_finite(x: Held, kind: Kind) -> bool:
    """Whether an input of a layer holds numbers only. In a mask, -inf hides."""
    return kind == "mask" or not x.tensor.is_floating_point() or bool(x.tensor.isfinite().all())


def _apart(one: Held, other: Held, batch: int) -> Difference:
    if one.batched != other.batched:
        one, other = (Held(x.for_each(batch), True) for x in (one, other))
    if one.tensor.shape != other.tensor.shape:
        return Difference(float("inf"), float("inf"), 0.0, 0.0)
    return difference(one.tensor.detach().numpy(), other.tensor.detach().numpy())


def _worst(differences: Sequence[Difference]) -> Difference:
    return max(differences, key=lambda each: each.relative)


def departures(layered: Layered, wide: Stepwise, found: Sequence[LayerDifference], bound: float) -> list[Departure]:
    """The layers that depart by themselves by more than a bound. `wide`: in float64."""
    return [
        _with_float64(layered, wide, place, each.own) for place, each in enumerate(found) if each.own.relative > bound
    ]


def _with_float64(layered: Layered, wide: Stepwise, index: int, own: Difference) -> Departure:
    import torch

    step = wide.net.steps[index]
    batch = len(layered.inputs[0]) if layered.inputs else 1
    narrow = Stepwise(wide.net._replace(steps=(step,)), wide.tensors)
    taken = [layered.values[number] for number in step.takes]
    with torch.no_grad():
        exact = wide.apply(index, [_widened(x) for x in taken], batch)
        ours = narrow.apply(0, taken, batch)
        shaken = [wide.apply(index, [_shaken(_widened(x), seed) for x in taken], batch) for seed in range(_TIMES)]
    theirs = [layered.values[number] for number in step.makes]
    of_torch, of_onnx, *of_shaken = (
        _worst([_apart(a, b, batch) for a, b in zip(exact, each, strict=True)]).relative
        for each in (ours, theirs, *shaken)
    )
    return Departure(index, own, of_torch, of_onnx, max(of_shaken))


def _widened(x: Held) -> Held:
    return Held(x.tensor.double(), x.batched) if x.tensor.is_floating_point() else x


def _shaken(x: Held, seed: int) -> Held:
    import torch

    if not x.tensor.is_floating_point():
        return x
    drawn = torch.randn(x.tensor.shape, dtype=x.tensor.dtype, generator=torch.Generator().manual_seed(seed))
    largest = x.tensor.abs().max().nan_to_num(posinf=0.0)
    return Held(x.tensor + _SHAKEN * (largest if largest > 0 else 1.0) * drawn, x.batched)


def blame(layered: Layered, departs: Departure, text: str) -> Trouble:
    """What to say of the first layer that departs."""
    step, own = layered.case.net.steps[departs.place], departs.own
    given = "given the inputs that it has in onnxruntime" if step.takes else "as it is"
    details = [
        f"the first layer that departs is `{step.path}`, {layer_text(step.layer)}:",
        f"{given}, torch's largest value is {own.scale:.6g}, onnxruntime's {own.other_scale:.6g};",
        f"they differ by at most {own.largest:.3g}, {share(own.relative)} of the largest, at {list(own.at)};",
        f"from the same in float64 torch is {share(departs.torch)} away, onnxruntime {share(departs.onnx)}:",
        "it is not rounding, the layer's rules for torch and ONNX say different things",
    ]
    return at_layer(layered.case.made, step, "numbers", text, details)
