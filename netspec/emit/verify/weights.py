"""Weights with which a comparison proves something.

A net with its first weights hides mistakes: its outputs may be next to 0, its normalisations do next to nothing. So
matrices are drawn as He et al. 2015 (arXiv:1502.01852) do, which keeps the scale of values, biases are small and not 0,
normalisations scale by 0.5 to 1.5, and running statistics are those of a normal batch, and then a little off. Literal
weights stay as the spec has them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any
from zlib import crc32

from netspec.analysis.unrolled import Step, Unrolled
from netspec.emit.weights.initial import Initial
from netspec.ops.arguments import per_axis
from netspec.ops.base import Weight

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from netspec.emit.verify.stepwise import Held, Stepwise, Watch

    Array = np.ndarray[Any, Any]

_MATRICES = ("conv", "dense", "upconv")
_RECURRENT = ("rnn", "gru", "lstm")
_LARGE = 8.0
_STATISTICS = {"running_mean", "running_var"}


class Drawn:
    """The weights of a net, drawn from a seed: each tensor has a stream of its own. In memory, and the same memory for
    torch and onnxruntime."""

    def __init__(self, net: Unrolled, seed: int) -> None:
        self.seed = seed
        self.weights = net.tensors()
        self.arrays: dict[str, Array] = {name: self._draw(name) for name in self.weights}

    def chunks(self, name: str) -> Iterator[Array]:
        """What the writer of ONNX models asks for."""
        yield self.arrays[name].reshape(-1)

    def tensors(self) -> dict[str, Tensor]:
        """The weights as torch has them."""
        import torch

        return {
            name: torch.from_numpy(array).to(getattr(torch, self.weights[name][0].dtype))
            for name, array in self.arrays.items()
        }

    def redraw(self, step: Step) -> dict[str, Array]:
        """Draw the trained weights of a layer anew, in place; what they were before."""
        before = {}
        for name, weight in step.weights.values():
            if weight.kind != "buffer" and weight.literal is None and "float" in weight.dtype:
                before[name] = self.arrays[name].copy()
                self.arrays[name][...] = self._draw(name, again=True)
        return before

    def restore(self, before: Mapping[str, Array]) -> None:
        for name, array in before.items():
            self.arrays[name][...] = array

    def calibrate(self, stepwise: Stepwise, inputs: Sequence[Tensor], watch: Watch) -> None:
        """Layer by layer, set running statistics to those of a batch, a little off, and scale matrices from which
        values come that are much larger or smaller than 1. `watch` sees each layer."""
        known: set[str] = set()

        def before(index: int, step: Step, taken: list[Held], made: list[Held]) -> None:
            if set(step.weights) >= _STATISTICS and step.weights["running_mean"][0] not in known:
                mean, variance = step.weights["running_mean"][0], step.weights["running_var"][0]
                values = taken[0].for_each(1).double()
                self._settle(mean, variance, values.transpose(0, 1).flatten(1).numpy())

        def after(index: int, step: Step, taken: list[Held], made: list[Held]) -> None:
            names = {name for name, weight in step.weights.values() if weight.literal is None}
            if step.layer.layer_name() in _MATRICES and len(names) == len(step.weights) and not names & known:
                deviation = float(made[0].tensor.double().std(correction=0))
                if deviation > _LARGE or 0 < deviation < 1 / _LARGE:
                    for name in names:  # the layer is linear in its weights
                        self.arrays[name] /= deviation
                    made[0] = made[0]._replace(tensor=made[0].tensor / deviation)
            known.update(names)
            watch(index, step, taken, made)

        stepwise.run(inputs, after=after, before=before)

    def _settle(self, mean: str, variance: str, values: Array) -> None:
        """The statistics of values [channels, n], a little off."""
        if values.shape[:1] != self.arrays[mean].shape:
            return
        of_each = values.var(1)
        of_each += of_each.mean() * 0.01 + 1e-6  # a channel may be dead
        self.arrays[mean][...] = values.mean(1) + 0.1 * of_each**0.5 * self._stream(mean).standard_normal(len(values))
        self.arrays[variance][...] = of_each * self._stream(variance).uniform(0.8, 1.25, len(values))

    def _stream(self, name: str, again: bool = False) -> np.random.Generator:
        import numpy as np

        return np.random.default_rng([self.seed, crc32(name.encode()), again])

    def _draw(self, name: str, again: bool = False) -> Array:
        import numpy as np

        weight, step = self.weights[name]
        key = next(key for key, (full, _) in step.weights.items() if full == name)
        shape = tuple(int(str(size)) for size in weight.shape)
        stream = self._stream(name, again)
        if weight.literal is not None or weight.kind == "buffer" or "float" not in weight.dtype:
            pieces = list(Initial({name: weight}, self.seed).chunks(name))
            return np.array(np.concatenate(pieces).reshape(shape))
        if weight.init == "signs":
            return (stream.integers(0, 2, shape) * 2 - 1).astype(np.float32)
        wide = np.float64 if weight.dtype == "float64" else np.float32
        return np.asarray(_numbers(stream, key, weight, step, shape), wide)


def _numbers(stream: np.random.Generator, key: str, weight: Weight, step: Step, shape: tuple[int, ...]) -> Any:
    """Numbers that suit what a weight is for."""
    import numpy as np

    kind = step.layer.layer_name()
    if kind in _RECURRENT:  # so that the state neither dies out nor grows from step to step
        share = 0.3 if len(shape) < 2 else 0.7 / shape[1] ** 0.5 if "_hh_" in key else 1 / shape[1] ** 0.5
        return np.float32(share) * stream.standard_normal(shape, np.float32)
    constant = weight.init if isinstance(weight.init, (int, float)) else None
    if key.endswith("bias") or constant == 0:
        return 0.1 * stream.standard_normal(shape, np.float32)
    if kind == "embedding":
        return stream.standard_normal(shape, np.float32)
    if kind in ("param", "position"):
        return 0.5 * stream.standard_normal(shape, np.float32)
    if len(shape) < 2 or (constant is not None and kind not in _MATRICES):
        return stream.uniform(0.5, 1.5, shape)  # a scale
    deviation = np.sqrt(2 / _inputs_of_one(weight, step, shape)).astype(np.float32)
    return deviation * stream.standard_normal(shape, np.float32)


def _inputs_of_one(weight: Weight, step: Step, shape: tuple[int, ...]) -> Any:
    """How many products are summed for an output: a number, or one for each element of the first axis."""
    import numpy as np

    layer: Any = step.layer
    if layer.layer_name() == "upconv":
        strides = per_axis(layer.stride, len(shape) - 2, "stride")
        return np.float64(max(shape[0] // layer.groups * prod(shape[2:]) / prod(strides), 1))
    fans = weight.init[1] if isinstance(weight.init, tuple) and weight.init[0] == "fan" else prod(shape[1:])
    if isinstance(fans, tuple):
        return np.array(fans, np.float64).reshape(-1, *(1,) * (len(shape) - 1))
    return np.float64(max(fans, 1))
