"""`reuse` and `tie`: weights that are used more than once."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from netspec.diagnostics import Label, Problem
from netspec.elaborate.frame import Frame
from netspec.elaborate.values import BlockCall, Failed, Labelled, Value
from netspec.ir.types import TensorType
from netspec.ops.base import Layer, Weight, output_types
from netspec.ops.weights import layer_weights, module_weights, same_weights
from netspec.problems.names import NotALayer
from netspec.problems.structure import ReuseMismatch, TieMismatch
from netspec.syntax import ast

if TYPE_CHECKING:
    from netspec.elaborate.elaborator import Elaborator


def without_tie(call: ast.Call) -> tuple[ast.Call, ast.Argument | None]:
    """A layer's call without its `tie=`, which every layer with a weight takes, and that argument."""
    for argument in call.arguments:
        if argument.name is not None and argument.name.id == "tie":
            return call.replace(arguments=tuple(a for a in call.arguments if a is not argument)), argument
    return call, None


def tie(frame: Frame, layer: Layer, inputs: list[Value], tie: ast.Argument) -> dict[str, str]:
    """`tie=label`: the layer's weight is that of the labelled layer."""
    found = frame.label(tie.value.id) if isinstance(tie.value, ast.Name) else None
    if found is None:
        frame.evaluate.tensor(tie.value)  # reports a name that is not defined
    elif not found[0].value.type.known:
        raise Failed
    if found is None or not isinstance(found[0].again, Layer):
        remedy = "`tie` takes the label of a layer that has a weight"
        frame.report(
            NotALayer(name=tie.value.span.text, kind="layer", what="not the label of a layer", remedy=remedy),
            tie.value.span,
        )
        raise Failed
    labelled, outwards = found
    types = [v.type for v in inputs]
    if not all(t.known for t in types):
        raise Failed
    try:
        output_types(layer, types)
    except Problem:
        return {}  # reported where the layer is added
    theirs, ours = (
        layer_weights(_node_of(labelled), labelled.value.home.types).get("weight"),
        layer.weights(types).get("weight"),
    )
    if theirs is None or ours is None or theirs.shape != ours.shape:
        mine = f"this layer's weight is {TensorType(ours.shape)}" if ours else "this layer has no weight"
        its = f"its weight is {TensorType(theirs.shape)}" if theirs else "it has no weight"
        frame.evaluate.fail(TieMismatch(label=labelled.name, reason=mine), tie.value.span, Label(labelled.span, its))
    return {"weight": "../" * outwards + f"{_owner(_node_of(labelled))}.weight"}


def _owner(node: Any) -> str:
    """The node whose weights a node uses, as its module sees it: itself, or the one that it uses again."""
    owner: str = node.shares or node.name
    return owner


def _node_of(labelled: Labelled) -> Any:
    """The node that a label names."""
    return next(node for node in labelled.value.home.nodes if node.name == labelled.node)


def reuse(elaborator: Elaborator, unit: ast.Reuse, frame: Frame, label: str | None) -> Value:
    """`reuse label`, or `reuse label with x`: the labelled layer or block once more, with the same weights."""
    found = frame.label(unit.label.id) if isinstance(unit.label, ast.Name) else None
    if found is None:
        frame.evaluate.tensor(unit.label)  # reports a name that is not defined
        problem = NotALayer(
            name=unit.label.span.text,
            kind="layer",
            what="not a label",
            remedy="`reuse` takes the label of a layer or block",
        )
        frame.report(problem, unit.label.span)
        raise Failed
    labelled, outwards = found
    if not labelled.value.type.known:
        raise Failed
    again = labelled.again
    inputs = [elaborator.flowing(frame, unit.span), *map(frame.evaluate.tensor, unit.others)]
    first: Any = None if labelled.node is None else _node_of(labelled)
    shares = "../" * outwards + _owner(first) if isinstance(again, (Layer, BlockCall)) else ""
    name = label if label is not None else frame.module.automatic_name(labelled.name + "_")
    if isinstance(again, Layer):
        elaborator.check_arity(frame, again, len(inputs), unit.span, f"reuse {labelled.name}")
        weights = layer_weights(first, labelled.value.home.types)
        value = elaborator.add_layer(frame, again, name, inputs, None, unit.span, label, shares if weights else None)
        if value.type.known:
            _match_weights(frame, labelled, weights, again.weights([v.type for v in inputs]), inputs, unit)
        return value
    if isinstance(again, BlockCall):
        made = elaborator.instantiate(frame, again.block, again.arguments, inputs, unit.span)
        known = all(t.known for t in made.outputs.values())
        if known and not same_weights(first.module, made.module, elaborator.modules, elaborator.types):
            before, now = (
                dict(islice(module_weights(name, elaborator.modules, elaborator.types), 100_000))
                for name in (first.module, made.module)
            )
            _match_weights(frame, labelled, before, now, inputs, unit)
        return elaborator.add_call(frame, made, name, inputs, unit.span, label, again, shares)
    if labelled.node is None:
        what, remedy = "not the label of a layer or block", "`reuse` takes the label of a layer or block"
    else:
        what, remedy = "a group, merge or loop", "make a `block` of it, and label its use"
    problem = NotALayer(name=labelled.name, kind="layer", what=what, remedy=remedy)
    frame.report(problem, unit.label.span)
    raise Failed


def _match_weights(
    frame: Frame,
    labelled: Labelled,
    before: dict[str, Weight],
    now: dict[str, Weight],
    inputs: list[Value],
    unit: ast.Reuse,
) -> None:
    """Report the first weight that a reuse at another input would need in another shape."""
    for name in [*before, *now]:
        first, second = before.get(name), now.get(name)
        if first == second:
            continue
        here = f"here it needs {TensorType(second.shape)}" if second else "here there is none"
        there = f"`{name}` is {TensorType(first.shape)}" if first else f"there is no `{name}`"
        shapes = " with ".join(str(v.type) for v in inputs)
        problem = ReuseMismatch(label=labelled.name, shape=shapes, reason=f"{there}, {here}")
        frame.report(problem, unit.span, Label(labelled.span, "first used here"))
        return
