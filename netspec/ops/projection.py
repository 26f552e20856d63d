"""Dense maps of the last axis inside of a larger layer, shared by attention and feed-forward layers."""

from __future__ import annotations

from netspec.ir.dims import Dim
from netspec.ops.base import Weight
from netspec.ops.onnxrule import Graph, Value, affine, transpose


def projection(name: str, width: Dim, out: Dim, bias: bool) -> dict[str, Weight]:
    """The weights of a dense map, as those of torch's nn.Linear under a name."""
    weights = {f"{name}.weight": Weight((out, width))}
    if bias:
        weights[f"{name}.bias"] = Weight((out,), init=("fan", width))
    return weights


def project(graph: Graph, x: Value, name: str, out: Dim, bias: bool) -> Value:
    """The dense map of that name: [*, out]."""
    added = graph.weight(f"{name}.bias") if bias else None
    return mapped(graph, x, graph.weight(f"{name}.weight"), added, out)


def mapped(graph: Graph, x: Value, weight: Value, bias: Value | None, out: Dim) -> Value:
    """x times a matrix [out, width], plus a bias: [*, out]."""
    y = graph.node("MatMul", x, transpose(graph, weight, (1, 0)), shape=(*x.shape[:-1], out))
    return affine(graph, y, None, bias)
