"""From the arguments of a call to a layer, or to the parameters of a block."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import PydanticUndefined

from netspec.diagnostics import Label
from netspec.elaborate.expressions import Evaluator
from netspec.elaborate.synonyms import ARGUMENT_SYNONYMS
from netspec.elaborate.values import (
    Definition,
    Failed,
    Labelled,
    LoopIndex,
    NodeRef,
    Static,
    Value,
    not_a,
    show,
)
from netspec.ir.dims import listening
from netspec.ops import find_layer
from netspec.ops.base import Layer
from netspec.problems.names import (
    BadArgument,
    MissingArgument,
    RepeatedArgument,
    TooManyArguments,
    UnknownArgument,
)
from netspec.source import Span
from netspec.syntax import ast

if TYPE_CHECKING:
    from netspec.elaborate.frame import Frame


class Signature(NamedTuple):
    """What a layer takes."""

    names: tuple[str, ...]
    positional: int
    words: dict[str, frozenset[str]]  # the bare words that an option allows
    required: tuple[str, ...]


@cache
def signature(layer: type[Layer]) -> Signature:
    fields = layer.model_fields
    words = {name: frozenset(_words(field.annotation)) for name, field in fields.items()}
    required = tuple(name for name, field in fields.items() if field.default is PydanticUndefined)
    return Signature(tuple(fields), layer.positional, words, required)


def _words(annotation: Any) -> list[str]:
    if get_origin(annotation) is Literal:
        return [value for value in get_args(annotation) if isinstance(value, str)]
    return [word for part in get_args(annotation) for word in _words(part)]


def typed(value: Static) -> Static:
    """A key that tells 1 from True and 1.0, which Python takes for equal."""
    if isinstance(value, tuple):
        return tuple(map(typed, value))
    return (value.__class__, value)


_layers: dict[Any, Layer] = {}  # layers by class and arguments: they are immutable
_constant_calls: dict[tuple[ast.Call, type[Layer]], Layer] = {}  # those of calls that are the same everywhere
_MOST_KEPT = 20_000


def bind_layer(frame: Frame, layer: type[Layer], call: ast.Call, evaluate: Evaluator) -> Layer:
    """The layer with its arguments. Raises Failed; every wrong argument is reported."""
    known = _constant_calls.get((call, layer))
    if known is not None:
        return known
    name, wanted = layer.layer_name(), signature(layer)
    values: dict[str, Static] = {}
    sound = True
    for argument, target in _targets(frame, call, name, wanted.names, wanted.positional):
        if target is None:
            sound = False
            continue
        try:
            values[target] = _static(evaluate, argument.value, wanted.words[target])
        except Failed:
            sound = False
            values[target] = None
    if not sound:
        raise Failed
    for required in wanted.required:
        if required not in values:
            evaluate.fail(MissingArgument(layer=name, name=required, example=layer.example), call.name.span)
    key = (layer, *((k, typed(v)) for k, v in values.items()))
    made = _layers.get(key) if not listening() else None
    if made is None:
        try:
            made = layer(**values)
        except ValidationError as error:
            _report_invalid(frame, layer, call, values, error)
            raise Failed from None
        if not listening():
            _keep(_layers, key, made)
    if all(isinstance(a.value, (ast.Number, ast.Boolean)) for a in call.arguments):
        _keep(_constant_calls, (call, layer), made)
    return made


def _keep(cache: dict[Any, Layer], key: Any, layer: Layer) -> None:
    if len(cache) >= _MOST_KEPT:
        cache.clear()
    cache[key] = layer


def bind_block(frame: Frame, block: Definition, call: ast.Call, evaluate: Evaluator) -> dict[str, Static]:
    """The values given for a block's parameters, without defaults. Raises Failed."""
    names = tuple(p.name.id for p in block.parameters)
    values: dict[str, Static] = dict(block.bound)
    given: dict[str, Static] = {}
    sound = True
    for argument, target in _targets(frame, call, block.name, names, len(names)):
        if target is None:
            sound = False
            continue
        try:
            given[target] = _static(evaluate, argument.value)
        except Failed:
            sound = False
            given[target] = None
    if not sound:
        raise Failed
    values.update(given)
    for parameter in block.parameters:
        if parameter.default is None and parameter.name.id not in values:
            example = " ".join([block.name, *(f"{p.name.id}=..." for p in block.parameters if p.default is None)])
            evaluate.fail(MissingArgument(layer=block.name, name=parameter.name.id, example=example), call.name.span)
    return values


def argument_span(call: ast.Call, layer: type[Layer], name: str) -> Span | None:
    """The place of an argument's value in a call, or None where the default holds."""
    wanted = signature(layer)
    for argument, target in _aimed(call, wanted.names, wanted.positional):
        if target == name:
            return argument.value.span
    return None


def _aimed(call: ast.Call, names: tuple[str, ...], positional: int) -> Iterator[tuple[ast.Argument, str | None]]:
    """Each argument with the name that it is for; None for one too many without a name."""
    position = 0
    for argument in call.arguments:
        if argument.name is not None:
            yield argument, argument.name.id
        else:
            yield argument, names[position] if position < positional else None
            position += 1


def _targets(
    frame: Frame, call: ast.Call, layer: str, names: tuple[str, ...], positional: int
) -> Iterator[tuple[ast.Argument, str | None]]:
    """Each argument with the parameter that it is for, or None after a report."""
    first: dict[str, ast.Argument] = {}
    surplus = False
    for argument, name in _aimed(call, names, positional):
        if name is None:
            if not surplus:  # told once for a call
                surplus = True
                frame.report(_too_many(layer, names, positional, argument), argument.value.span)
        elif name not in names:
            assert argument.name is not None
            close = ARGUMENT_SYNONYMS.get(name.lower())
            close = close if close in names else frame.elaborator.diagnostics.nearest(name, names)
            known = f"arguments: {', '.join(names)}" if names else f"`{layer}` takes no arguments"
            remedy = f"did you mean `{close}`?" if close else known
            frame.report(UnknownArgument(layer=layer, name=name, remedy=remedy), argument.name.span)
            name = None
        elif name in first:
            frame.report(RepeatedArgument(name=name), argument.span, Label(first[name].span, "given here first"))
            name = None
        else:
            first[name] = argument
        yield argument, name


def _too_many(layer: str, names: tuple[str, ...], positional: int, argument: ast.Argument) -> TooManyArguments:
    most = f"{positional} value{'s' if positional != 1 else ''}" if positional else "no values"
    named = names[positional:]
    written = argument.value.id if isinstance(argument.value, ast.Name) else ""
    if written in named:
        remedy = f"an argument is given with `=`: `{written}=...`"
    elif find_layer(written):
        remedy = f"a layer follows another by an arrow: `-> {written}`"
    elif named:
        remedy = f"give it by name, such as `{named[0]}={argument.value.span.text[:40]}`; names: {', '.join(named)}"
    else:
        remedy = f"arguments: {', '.join(names)}" if names else f"`{layer}` takes no arguments"
    return TooManyArguments(layer=layer, most=most, remedy=remedy)


def _static(evaluate: Evaluator, expr: ast.Expr, words: Collection[str] = ()) -> Static:
    value = evaluate.option(expr, words)
    if isinstance(value, (Labelled, Value, NodeRef)):
        evaluate.fail(not_a("number", value, "a value; tensors come in through `with`"), expr.span)
    return value.pin() if isinstance(value, LoopIndex) else value


def _report_invalid(
    frame: Frame, layer: type[Layer], call: ast.Call, values: dict[str, Any], error: ValidationError
) -> None:
    from netspec.elaborate.meanings import needed  # only on the way to an error

    told: set[str] = set()
    for mistake in error.errors():
        name = str(mistake["loc"][0]) if mistake["loc"] else ""
        if name in told or name not in values:
            continue
        told.add(name)
        text, remedy = needed(layer, name, values[name], mistake)
        problem = BadArgument(layer=layer.layer_name(), name=name, value=show(values[name]), needed=text, remedy=remedy)
        frame.report(problem, argument_span(call, layer, name) or call.name.span)
