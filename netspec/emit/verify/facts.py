"""The static facts against torch: names and shapes of weights, parameters, shapes of every layer, MACs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from netspec.analysis.unrolled import Step, Unrolled
from netspec.driver import Compilation
from netspec.emit.verify.findings import Macs, Stop, Trouble, at_layer, sizes_text
from netspec.emit.verify.inputs import BATCHES
from netspec.emit.verify.sizes import Case
from netspec.emit.verify.stepwise import Held, LayerFailed, Stepwise
from netspec.ir.types import TensorType

if TYPE_CHECKING:
    from torch import Tensor, nn

    from netspec.emit.verify.weights import Drawn


def load(made: Compilation, net: Unrolled, module: nn.Module, drawn: Drawn) -> list[Trouble]:
    """Give a generated module the weights. Where their names, shapes, kinds or order are not the static ones, what
    differs."""
    import torch

    weights = net.tensors()
    names: dict[int, str] = {}  # a tensor of several names goes by the first
    state = module.state_dict(keep_vars=True)
    for name, tensor in state.items():
        names.setdefault(id(tensor), name)
    own = {name: tensor for name, tensor in state.items() if names[id(tensor)] == name}
    for name in [*weights, *own]:
        told = _weight(made, weights.get(name), own.get(name), name)
        if told is not None:
            return [told]
    tensors = drawn.tensors()
    for name, (weight, step) in weights.items():
        if weight.literal is not None and not torch.equal(own[name].detach(), tensors[name]):
            return [at_layer(made, step, "weights", f"the literal numbers of `{name}` are others in torch")]
    if list(own) != in_order(weights):
        first = next(f"`{a}` where `{b}` is meant" for a, b in zip(own, in_order(weights), strict=True) if a != b)
        return [Trouble("weights", f"the weights are in another order in torch: {first}")]
    module.load_state_dict({name: tensors[names[id(tensor)]] for name, tensor in state.items()}, strict=True)
    return []


def _weight(made: Compilation, known: Any, tensor: Tensor | None, name: str) -> Trouble | None:
    """What is wrong with one weight."""
    from torch import nn

    if known is None:
        return Trouble("weights", f"torch has a weight `{name}`, which the net has not")
    weight, step = known
    if tensor is None:
        return at_layer(made, step, "weights", f"torch has no weight `{name}`")
    kind = "buffer" if not isinstance(tensor, nn.Parameter) else "trainable" if tensor.requires_grad else "fixed"
    type = TensorType(tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."))
    if (weight.type, weight.kind) != (type, kind):
        text = f"the weight `{name}` is {weight.kind} {weight.type}, and {kind} {type} in torch"
        return at_layer(made, step, "weights", text)
    return None


def in_order(weights: Mapping[str, Any]) -> list[str]:
    """Names as torch lists them: of each module its own parameters, its own buffers, then the modules in it."""
    places: dict[tuple[str, ...], int] = {}

    def place(*path: str) -> int:
        return places.setdefault(path, len(places))

    def key(name: str) -> list[tuple[int, int]]:
        *groups, _ = name.split(".")
        inside = [(2, place(*groups[: depth + 1])) for depth in range(len(groups))]
        return [*inside, (int(weights[name][0].kind == "buffer"), place(name, ""))]

    return sorted(weights, key=key)


def trained(module: nn.Module) -> int:
    """Elements of trained parameters, shared ones once."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


# -- shapes -----------------------------------------------------------------------------------------------


class ShapeCheck:
    """Compares what each layer gives in torch with what the net says."""

    def __init__(self, made: Compilation) -> None:
        self.made = made
        self.troubles: list[Trouble] = []

    def __call__(self, index: int, step: Step, taken: list[Held], made: list[Held]) -> None:
        if self.troubles:
            return
        types = [_type_of(x) for x in made]
        if types != list(step.outputs):
            self.troubles.append(wrong_shape(self.made, step, types, "torch"))


def wrong_shape(made: Compilation, step: Step, types: Sequence[TensorType], where: str) -> Trouble:
    meant, got = (", ".join(map(str, each)) for each in (step.outputs, types))
    return at_layer(made, step, "shapes", f"`{step.path}` gives {got} in {where}, where {meant} is stated")


def _type_of(x: Held) -> TensorType:
    return TensorType(tuple(x.tensor.shape[x.batched :]), str(x.tensor.dtype).removeprefix("torch."))


# -- MACs -------------------------------------------------------------------------------------------------


@contextmanager
def _countable() -> Iterator[None]:
    """nn.MultiheadAttention written out, so that its products are counted."""
    import torch

    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


def count_macs(module: nn.Module, case: Case) -> list[Macs]:
    """MACs as stated and as torch counts them, for each batch. The module is on the meta device."""
    from torch.utils.flop_counter import FlopCounterMode

    totals = case.made.totals
    assert totals is not None
    found = []
    once = _macs_of_all(case)
    for batch in BATCHES:
        inputs = meta_inputs(case, batch)
        with _countable(), FlopCounterMode(display=False) as counter:  # it counts only where gradients are on
            module(*inputs)
        static = (int(str(totals.macs)) - once) * batch + once
        found.append(Macs(case.sizes, batch, static, counter.get_total_flops() // 2))
    return found


def _macs_of_all(case: Case) -> int:
    """MACs of what is computed of tensors of the net's own alone: torch does so once for all samples."""
    loose: set[int] = set()
    once = 0
    for step in case.net.steps:
        if (step.layer.broadcasts or not step.takes) and loose.issuperset(step.takes):
            loose.update(step.makes)
            once += int(str(step.layer.cost(step.inputs, step.outputs[0]).macs))
    return once


def meta_inputs(case: Case, batch: int) -> list[Tensor]:
    import torch

    assert case.made.network is not None
    types = [item.type for item in case.made.network.inputs]
    return [
        torch.empty((batch, *map(int, map(str, type.shape))), dtype=getattr(torch, type.dtype), device="meta")
        for type in types
    ]


def wrong_macs(case: Case, macs: Macs) -> Trouble:
    """What to say of MACs that differ: the first layer of which they do."""
    text = (
        f"{macs.static:,} MACs are stated{sizes_text(macs.sizes)}, batch {macs.batch}, where torch has {macs.torch:,}"
    )
    for step, static, counted in macs_by_layer(case):
        if static != counted:
            own = f"`{step.path}`, the first layer to differ, states {static:,} for one sample, torch has {counted:,}"
            return at_layer(case.made, step, "MACs", text, (own,))
    return Trouble("MACs", text, details=("no layer differs from torch by itself: the sum is wrong",))


def macs_by_layer(case: Case) -> Iterable[tuple[Step, int, int]]:
    """Each layer with the MACs that it states for one sample, and torch's."""
    from torch.utils.flop_counter import FlopCounterMode

    try:
        stepwise = Stepwise(case.net, device="meta")
        inputs = meta_inputs(case, 1)
        found: list[tuple[Step, int, int]] = []
        with _countable(), FlopCounterMode(display=False) as counter:
            before = 0

            def after(index: int, step: Step, taken: list[Held], made: list[Held]) -> None:
                nonlocal before
                flops = counter.get_total_flops()
                static = step.layer.cost(step.inputs, step.outputs[0]).macs
                found.append((step, int(str(static)), (flops - before) // 2))
                before = flops

            stepwise.run(inputs, after=after)
        return found
    except LayerFailed:
        return []


def failed(case: Case, error: LayerFailed) -> Stop:
    """What to say of a layer that torch cannot run."""
    text = f"torch cannot run `{error.step.path}`{sizes_text(case.sizes)}"
    return Stop(at_layer(case.made, error.step, "torch", text, (f"torch says: {error}",)))
