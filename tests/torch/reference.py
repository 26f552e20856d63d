"""A net's numbers by the plainest means: its layers written out, each as the function of torch that it is.

It takes the weights of a generated module and nothing else of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from flat import Step, flat_of
from generated import plain
from torch import Tensor

from netspec.driver import Compilation


def outputs_of(made: Compilation, weights: Mapping[str, Tensor], inputs: Sequence[Tensor]) -> list[Tensor]:
    """The outputs for a batch, once training is over."""
    net = flat_of(made)
    batch = inputs[0].shape[0]
    values = dict(zip(net.inputs, inputs, strict=True))
    for step in net.steps:
        own = {name: weights[plain(path)] for name, (path, _) in step.weights.items()}
        if step.layer.layer_name() == "param":  # the same for every sample
            own[""] = own[""].expand(batch, *own[""].shape)
        x = [values[number] for number in step.takes]
        results = as_list(APPLY[step.layer.layer_name()](step, x, own))
        for number, type, result in zip(step.makes, step.outputs, results, strict=True):
            assert tuple(result.shape[1:]) == type.shape, (step.path, step.layer, tuple(result.shape), type)
            values[number] = result
    return [values[number] for number in net.outputs]


def as_list(result: Tensor | Sequence[Tensor]) -> list[Tensor]:
    return [result] if isinstance(result, Tensor) else list(result)


Apply = Callable[[Step, list[Tensor], dict[str, Tensor]], Any]


def conv(step: Step, x: list[Tensor], w: dict[str, Tensor]) -> Tensor:
    layer: Any = step.layer
    function = F.conv1d if x[0].dim() == 3 else F.conv2d
    return function(x[0], w["weight"], w.get("bias"), layer.stride, layer.pad, layer.dilation, layer.groups)


def pooled(function: Callable[..., Tensor]) -> Apply:
    def apply(step: Step, x: list[Tensor], w: dict[str, Tensor]) -> Tensor:
        layer: Any = step.layer
        return function(x[0], layer.k, layer.stride or layer.k, layer.pad)

    return apply


def joined(function: Callable[[Tensor, Tensor], Tensor]) -> Apply:
    def apply(step: Step, x: list[Tensor], w: dict[str, Tensor]) -> Tensor:
        result = x[0]
        for other in x[1:]:
            result = function(result, other)
        return result

    return apply


APPLY: dict[str, Apply] = {
    "conv": conv,
    "upconv": lambda s, x, w: F.conv_transpose1d(x[0], w["weight"], w["bias"], s.layer.stride),
    "dense": lambda s, x, w: F.linear(x[0], w["weight"], w.get("bias")),
    "rbf": lambda s, x, w: ((x[0][..., None, :] - w["centers"]) ** 2).sum(-1),
    "batchnorm": lambda s, x, w: F.batch_norm(
        x[0], w["running_mean"], w["running_var"], w["weight"], w["bias"], eps=s.layer.eps
    ),
    "groupnorm": lambda s, x, w: F.group_norm(x[0], s.layer.groups, w["weight"], w["bias"], s.layer.eps),
    "prelu": lambda s, x, w: F.prelu(x[0], w["weight"]),
    "relu": lambda s, x, w: F.relu(x[0]),
    "sigmoid": lambda s, x, w: torch.sigmoid(x[0]),
    "dropout": lambda s, x, w: x[0],
    "param": lambda s, x, w: w[""],
    "identity": lambda s, x, w: x[0],
    "flatten": lambda s, x, w: x[0].flatten(1),
    "reshape": lambda s, x, w: x[0].reshape(x[0].shape[0], *s.outputs[0].shape),
    "permute": lambda s, x, w: x[0].permute(0, *(axis + 1 for axis in s.layer.axes)),
    "split": lambda s, x, w: x[0].split([t.shape[0] for t in s.outputs], 1),
    "upsample": lambda s, x, w: x[0].repeat_interleave(2, -1),
    "maxpool": pooled(F.max_pool1d),
    "avgpool": pooled(F.avg_pool1d),
    "concat": lambda s, x, w: torch.cat(x, 1),
    "add": joined(torch.add),
    "mul": joined(torch.mul),
    "max": joined(torch.maximum),
}
