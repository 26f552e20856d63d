"""A net in torch layer by layer: each layer as its own rule `torch` says, in the order of the net written out.

It knows nothing of the classes that `netspec codegen` writes, and so its numbers are a second opinion on them. It also
gives every value on the way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from netspec.analysis.unrolled import Step, Unrolled
from netspec.emit.torch.expressions import literal, nested
from netspec.emit.torch_parts import part, part_names
from netspec.ops.torchrule import Torch, fill

if TYPE_CHECKING:
    from torch import Tensor


class Held(NamedTuple):
    """A value: a tensor, with the batch in front or without it."""

    tensor: Tensor
    batched: bool

    def for_each(self, batch: int) -> Tensor:
        """The tensor with a batch."""
        return self.tensor if self.batched else self.tensor.expand(batch, *self.tensor.shape)


class LayerFailed(Exception):
    """A layer that torch cannot build or run as its rule says."""

    def __init__(self, step: Step, error: Exception) -> None:
        super().__init__(" ".join(f"{type(error).__name__}: {error}".split())[:500])
        self.step = step


Watch = Callable[[int, Step, list[Held], list[Held]], None]
Apply = Callable[..., Any]


class Stepwise:
    """The layers of a net in torch, at inference. `tensors`: the weights by name, which are used and not copied; on the
    meta device none are needed. `wide`: in float64."""

    def __init__(
        self, net: Unrolled, tensors: Mapping[str, Tensor] | None = None, device: str = "cpu", wide: bool = False
    ) -> None:
        import torch
        import torch.nn.functional as F
        from torch import Tensor, nn

        self.net = net
        self.tensors = tensors
        self.device = torch.device(device)
        self.wide = wide
        self.names: dict[str, Any] = {"torch": torch, "Tensor": Tensor, "nn": nn, "F": F}
        self.applied: list[Apply] = []
        for step in net.steps:
            try:
                self.applied.append(self._build(step))
            except Exception as error:
                raise LayerFailed(step, error) from error

    def run(self, inputs: Sequence[Tensor], after: Watch | None = None, before: Watch | None = None) -> list[Tensor]:
        """The outputs for inputs [batch, ...]. `after` and `before` see each layer's number, its inputs and its
        outputs. Raises LayerFailed."""
        batch = inputs[0].shape[0] if inputs else 1
        values = {number: Held(x, True) for number, x in zip(self.net.inputs, inputs, strict=True)}
        uses = Counter(number for step in self.net.steps for number in step.takes)
        uses.update(self.net.outputs)
        for index, step in enumerate(self.net.steps):
            taken = [values[number] for number in step.takes]
            if before is not None:
                before(index, step, taken, [])
            made = self.apply(index, taken, batch)
            if after is not None:
                after(index, step, taken, made)
            values.update(zip(step.makes, made, strict=True))
            uses.subtract(step.takes)
            for number in (*step.takes, *step.makes):
                if uses[number] <= 0:
                    values.pop(number, None)
        return [values[number].for_each(batch) if inputs else values[number].tensor for number in self.net.outputs]

    def apply(self, index: int, taken: Sequence[Held], batch: int) -> list[Held]:
        """A layer's outputs. Raises LayerFailed."""
        step = self.net.steps[index]
        broadcasts = step.layer.broadcasts
        most = max((len(type.shape) for type in step.inputs), default=0)
        try:
            given = [_aligned(x, most) if broadcasts else x.for_each(batch) for x in taken]
            made = self.applied[index](*given)
        except Exception as error:
            raise LayerFailed(step, error) from error
        batched = bool(taken) and (not broadcasts or any(x.batched for x in taken))
        return [Held(tensor, batched) for tensor in (made if isinstance(made, (tuple, list)) else (made,))]

    # -- building -----------------------------------------------------------------------------------------

    def _build(self, step: Step) -> Apply:
        rule = step.layer.torch(step.inputs)
        if not rule.module:
            names = [f"x{place}" for place in range(len(step.inputs))]
            code = self._code(rule, rule.function, names)
            function: Apply = eval(f"lambda {', '.join(names)}: {code}", self.names)
            return function
        with self.device:
            made = eval(self._code(rule, rule.module, ()), self.names)
        if not step.inputs:  # a tensor of its own
            return self._source(step, made)
        module: Apply = made.to(self._dtype).eval() if self.wide else made.eval()
        if rule.call:
            inputs = ", ".join(names := [f"x{place}" for place in range(len(step.inputs))])
            scope = {**self.names, "module": module}
            exec("\n    ".join([f"def applied({inputs}):", *rule.statements("module", names)]), scope)
            module = scope["applied"]
        if self.tensors is not None:
            weights = {name: self._tensor(full) for name, (full, _) in step.weights.items()}
            made.load_state_dict(weights, strict=True, assign=True)
        return module

    def _code(self, rule: Torch, template: str, inputs: Sequence[str]) -> str:
        args = [(arg, literal(arg.value)) for arg in rule.args]
        code = fill(template, inputs, args, nested(rule.literal))
        for name in part_names(code):
            if name not in self.names:
                exec(part(name), self.names)
        return code

    def _source(self, step: Step, made: Any) -> Apply:
        ((full, weight),) = step.weights.values()
        tensor = made.detach() if self.tensors is None else self._tensor(full)
        if tuple(made.shape) != weight.shape:
            raise ValueError(f"{list(made.shape)} where {list(weight.shape)} is meant")
        return lambda: tensor

    def _tensor(self, name: str) -> Tensor:
        assert self.tensors is not None
        tensor = self.tensors[name]
        return tensor.to(self._dtype) if self.wide and tensor.is_floating_point() else tensor

    @property
    def _dtype(self) -> Any:
        import torch

        return torch.float64


def _aligned(x: Held, most: int) -> Tensor:
    """An input of a layer that broadcasts: its missing leading axes stand behind the batch."""
    rank = x.tensor.dim() - x.batched
    missing = most - rank if x.batched else 0
    return x.tensor[(slice(None), *(None,) * missing)] if missing else x.tensor


def widened(inputs: Sequence[Tensor]) -> list[Tensor]:
    """Inputs in float64."""
    return [x.double() if x.is_floating_point() else x for x in inputs]
