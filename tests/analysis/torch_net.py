"""A flat net in torch: each layer as the function of torch that it is. For tests of whole nets only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from flat import Flat, Step

Tensor = torch.Tensor
CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
UPCONV = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
POINTWISE = ("relu", "sigmoid", "tanh", "batchnorm", "dropout", "prelu", "identity", "scale", "lrn", "gelu")


def run(net: Flat, inputs: Sequence[Tensor], weight: Callable[[str, Any], Tensor]) -> dict[int, Tensor]:
    """Every value of the net for one sample. `weight` gives the tensor of a path and a shape."""
    values = dict(zip(net.inputs, inputs, strict=True))
    for step in net.steps:
        results = apply(step, [values[v] for v in step.takes], weight)
        for number, type, result in zip(step.makes, step.outputs, results, strict=True):
            assert tuple(result.shape) == type.shape, (step.path, step.layer, tuple(result.shape), type)
            values[number] = result
    return values


def apply(step: Step, x: list[Tensor], weight: Callable[[str, Any], Tensor]) -> tuple[Tensor, ...]:
    """The outputs of one layer. Activations pass their input on, and a maximum is a sum: what a unit depends on
    and what is multiplied stays the same, and no gradient is lost."""
    layer: Any = step.layer
    name = layer.layer_name()
    w = {key: weight(path, spec.shape) for key, (path, spec) in step.weights.items() if spec.kind != "buffer"}
    if name in ("param", "constant"):
        return (w[""],)
    first = x[0]
    if name in POINTWISE:
        return (first + 0,)
    if name == "conv":
        axes = first.dim() - 1
        padded = F.pad(first, [n for pair in reversed(layer.sides(step.inputs[0])) for n in pair])
        kernel = w["weight"].reshape(step.outputs[0].shape[0], -1, *w["weight"].shape[2:])
        made = CONV[axes](padded[None], kernel, w.get("bias"), layer.stride, 0, layer.dilation, layer.groups)
        return (made[0],)
    if name == "upconv":
        axes = first.dim() - 1
        arguments = (layer.stride, layer.pad, layer.output_pad, layer.groups, layer.dilation)
        return (UPCONV[axes](first[None], w["weight"], w.get("bias"), *arguments)[0],)
    if name in ("maxpool", "avgpool", "subsample"):
        return (windows(step, first),)
    if name == "dense":
        return (F.linear(first, w["weight"], w.get("bias")),)
    if name == "rbf":
        return (((first[..., None, :] - w["centers"]) ** 2).sum(-1),)
    if name in ("globalavgpool", "globalmaxpool"):
        return (first.mean(tuple(range(1, first.dim())), keepdim=True),)
    if name in ("adaptiveavgpool", "adaptivemaxpool"):
        size = (layer.size,) * (first.dim() - 1) if isinstance(layer.size, int) else layer.size
        pool = {1: F.adaptive_avg_pool1d, 2: F.adaptive_avg_pool2d, 3: F.adaptive_avg_pool3d}[first.dim() - 1]
        return (pool(first[None], size)[0],)
    if name == "upsample":
        size = tuple(step.outputs[0].shape[1:])
        options = {} if layer.mode == "nearest" else {"align_corners": layer.align_corners}
        return (F.interpolate(first[None], size, mode=layer.mode, **options)[0],)
    if name in ("groupnorm", "instancenorm", "layernorm", "softmax"):
        # each depends on all that is normalised together; a sum keeps every gradient above 0
        axes = {"layernorm": (-1,), "softmax": (-1,)}.get(name, tuple(range(1, first.dim())))
        return (first + first.sum(axes, keepdim=True),)
    if name in ("flatten", "reshape"):
        return (first.reshape(step.outputs[0].shape),)
    if name == "permute":
        return (first.permute(layer.axes),)
    if name == "split":
        return tuple(first.split([t.shape[layer.axis] for t in step.outputs], layer.axis))
    if name == "slice":
        axis, start, stop = layer.range(step.inputs[0])
        cut = [slice(None)] * first.dim()
        cut[axis] = slice(start, stop, layer.step)
        return (first[tuple(cut)],)
    if name == "crop":
        ranges = [slice(start, start + size) for start, size in layer.kept(step.inputs[0])]
        return (first[(slice(None), *ranges)],)
    if name == "pad":
        sides = layer.sides if isinstance(layer.sides, tuple) else (layer.sides,) * (first.dim() - 1)
        pairs = [s if isinstance(s, tuple) else (s, s) for s in sides]
        return (F.pad(first, [n for pair in reversed(pairs) for n in pair]),)
    if name == "pixelshuffle":
        return (F.pixel_shuffle(first, layer.r),)
    if name == "pixelunshuffle":
        return (F.pixel_unshuffle(first, layer.r),)
    if name == "concat":
        return (torch.cat(x, layer.axis),)
    if name == "stack":
        return (torch.stack(x, layer.axis),)
    if name in ("add", "mul", "max", "mean"):
        total = x[0]
        for other in x[1:]:
            total = total + other
        return (total,)
    if name == "matmul":
        return (x[0] @ (x[1].transpose(-1, -2) if layer.transpose else x[1]),)
    raise NotImplementedError(name)


def windows(step: Step, x: Tensor) -> Tensor:
    """The sum over each window of a pool."""
    layer: Any = step.layer
    axes = x.dim() - 1
    if layer.layer_name() == "subsample":
        kernel = (layer.k,) * axes if isinstance(layer.k, int) else layer.k
        strides, dilation, sides = kernel, (1,) * axes, ((0, 0),) * axes
    else:
        kernel, strides, dilation = layer.settings(axes)
        sides = layer.sides(step.inputs[0])
    pairs = []
    for n, k, s, d, (before, _), places in zip(
        x.shape[1:], kernel, strides, dilation, sides, step.outputs[0].shape[1:], strict=True
    ):
        need = (places - 1) * s + d * (k - 1) + 1 - n - before  # what `ceil` adds, or drops where it is below 0
        pairs.append((before, need))
    padded = F.pad(x, [n for pair in reversed(pairs) for n in pair])
    ones = torch.ones((x.shape[0], 1, *kernel), dtype=x.dtype, device=x.device)
    return CONV[axes](padded[None], ones, None, strides, 0, dilation, x.shape[0])[0]
