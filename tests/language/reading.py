"""Short ways to say what a text means."""

from __future__ import annotations

from typing import Any

import netspec
from netspec.diagnostics import Diagnostics
from netspec.elaborate.elaborator import Elaborator
from netspec.elaborate.files import collect
from netspec.elaborate.frame import Frame
from netspec.source import SourceFile
from netspec.syntax.parser import parse_expression


def net(body: str, before: str = "", **params: Any) -> netspec.Network:
    """The net with this body, on an image [3, 8, 8] where the body declares no input."""
    head = "" if body.startswith("input ") else "input image: [3, 8, 8]\n"
    return netspec.loads(f"{before}\nnet N {{\n{head}{body}\n}}\n", net="N", **params)


def output(body: str, before: str = "", **params: Any) -> tuple[Any, ...]:
    """The shape of its only output."""
    (shape,) = net(body, before, **params).outputs.values()
    return shape


def paths(body: str, before: str = "", **params: Any) -> list[str]:
    """The dotted paths of its layers, in order."""
    return [layer.path for layer in net(body, before, **params).layers]


def value(expression: str) -> Any:
    """What an expression stands for, without names."""
    found = Diagnostics()
    elaborator = Elaborator(found, {})
    frame = Frame(elaborator, collect(SourceFile("<text>", ""), found), elaborator.nowhere, {}, None, ())
    expr, mistakes = parse_expression(SourceFile("<expression>", expression))
    assert expr is not None, mistakes
    return frame.evaluate(expr)


def problems(body: str, before: str = "", **params: Any) -> list[str]:
    """The codes of its errors."""
    try:
        net(body, before, **params)
    except netspec.SpecError as error:
        return [d.code for d in error.diagnostics]
    return []
