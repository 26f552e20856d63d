"""Nets as data that is written as text: what the generator grows, what is reduced, mutated and written anew.

A body is a tuple of statements. Arguments are Python values; text is written from them in one place, so that the
same net can be written in another layout, with other names, or a part of it inside a block.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from netspec.ops import find_layer


@dataclass(frozen=True)
class Call:
    """`label: name arguments with others { | path }`, from another value if `source` names one."""

    name: str
    arguments: tuple[tuple[str, Any], ...] = ()
    label: str = ""
    others: tuple[str, ...] = ()
    paths: tuple[Body, ...] = ()
    source: str = ""
    again: bool = False  # `reuse name`


@dataclass(frozen=True)
class Declared:
    """`param name: [sizes]` or `constant name: [numbers]`."""

    word: str
    name: str
    value: Any
    arguments: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Group:
    label: str
    body: Body


@dataclass(frozen=True)
class Repeat:
    label: str
    count: int
    body: Body


Statement: TypeAlias = Call | Declared | Group | Repeat
Body: TypeAlias = tuple[Statement, ...]


@dataclass(frozen=True)
class Entry:
    """An input. A size is a number, or a symbol, with its usual value or without: `H=7`, `W`."""

    name: str
    sizes: tuple[int | str, ...]
    dtype: str = "float32"


@dataclass(frozen=True)
class Net:
    inputs: tuple[Entry, ...]
    body: Body
    returns: tuple[str, ...] = ()
    blocks: tuple[tuple[str, Body], ...] = ()
    name: str = field(default="N", compare=False)


def value_text(value: Any) -> str:
    """A value as the language writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return f"({', '.join(map(value_text, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, float):
        whole = repr(value)
        return whole if "e" not in whole or "." in whole else whole.replace("e", ".0e")
    return str(value)


def arguments_text(name: str, arguments: tuple[tuple[str, Any], ...]) -> str:
    layer = find_layer(name)
    first = list(layer.model_fields)[: layer.positional] if layer else []
    given, written = dict(arguments), []
    by_place = True
    for argument in first:
        if argument in given and by_place:
            written.append(value_text(given.pop(argument)))
        else:
            by_place = False
    return "".join(f" {text}" for text in [*written, *(f"{k}={value_text(v)}" for k, v in given.items())])


def lines_of(body: Body, depth: int = 1) -> Iterator[str]:
    """A body, one statement a line."""
    indent = "  " * depth
    for statement in body:
        if isinstance(statement, Declared):
            if statement.word == "param":
                value = f"[{', '.join(map(str, statement.value))}]"
            else:
                value = value_text(statement.value).replace("(", "[").replace(",)", ")").replace(")", "]")
            more = "".join(f" {k}={value_text(v)}" for k, v in statement.arguments)
            yield f"{indent}{statement.word} {statement.name}: {value}{more}"
            continue
        label = f"{statement.label}: " if statement.label else ""
        if isinstance(statement, Call):
            start = f"from {statement.source} -> " if statement.source else ""
            word = "reuse " if statement.again else ""
            call = f"{word}{statement.name}{arguments_text(statement.name, statement.arguments)}"
            others = f" with {' '.join(statement.others)}" if statement.others else ""
            if not statement.paths:
                yield f"{indent}{start}{label}{call}{others}"
                continue
            yield f"{indent}{start}{label}{call}{others} {{"
            for path in statement.paths:
                inner = list(lines_of(path, depth + 2)) if path else [f"{indent}    identity"]
                if len(inner) == 1:
                    yield f"{indent}  | {inner[0].strip()}"
                else:
                    yield from (f"{indent}  | {{", *inner, f"{indent}    }}")
            yield f"{indent}}}"
        else:
            head = f"repeat {statement.count} {{" if isinstance(statement, Repeat) else "{"
            yield f"{indent}{label}{head}"
            yield from lines_of(statement.body, depth + 1) if statement.body else [f"{indent}  identity"]
            yield f"{indent}}}"


def text_of(net: Net) -> str:
    lines = []
    for name, body in net.blocks:
        lines += [f"block {name}() {{", *lines_of(body), "}"]
    lines.append(f"net {net.name} {{")
    for entry in net.inputs:
        dtype = "" if entry.dtype == "float32" else f"{entry.dtype} "
        lines.append(f"  input {entry.name}: {dtype}[{', '.join(map(str, entry.sizes))}]")
    if len(net.inputs) > 1:  # a chain begins at the last input
        lines.append(f"  from {net.inputs[0].name} -> identity")
    lines += lines_of(net.body)
    if net.returns:
        lines.append(f"  return {', '.join(net.returns)}")
    return "\n".join([*lines, "}", ""])


def smaller(net: Net) -> Iterator[Net]:
    """Nets with something less: a statement, an argument, a path, an input, a level of nesting."""
    for returned in range(len(net.returns)):
        yield replace(net, returns=net.returns[:returned] + net.returns[returned + 1 :])
    for body in _smaller_body(net.body):
        yield replace(net, body=body)
    for place, (name, body) in enumerate(net.blocks):
        yield replace(net, blocks=net.blocks[:place] + net.blocks[place + 1 :])
        for less in _smaller_body(body):
            yield replace(net, blocks=(*net.blocks[:place], (name, less), *net.blocks[place + 1 :]))
    for place in range(1, len(net.inputs)):
        yield replace(net, inputs=net.inputs[:place] + net.inputs[place + 1 :])
    for place, entry in enumerate(net.inputs):
        for axis, size in enumerate(entry.sizes):
            if isinstance(size, int) and size > 1:
                for less in {1, 2, size // 2, size - 1}:
                    if 0 < less < size:
                        sizes = (*entry.sizes[:axis], less, *entry.sizes[axis + 1 :])
                        inputs = (*net.inputs[:place], replace(entry, sizes=sizes), *net.inputs[place + 1 :])
                        yield replace(net, inputs=inputs)


def _smaller_body(body: Body) -> Iterator[Body]:
    half = len(body) // 2
    if half > 1:
        yield body[:half]
        yield body[half:]
    for place, statement in enumerate(body):
        before, after = body[:place], body[place + 1 :]
        yield (*before, *after)
        if isinstance(statement, (Group, Repeat)):
            yield (*before, *statement.body, *after)
            if isinstance(statement, Repeat) and statement.count > 1:
                yield (*before, replace(statement, count=statement.count - 1), *after)
            for inner in _smaller_body(statement.body):
                yield (*before, replace(statement, body=inner), *after)
        elif isinstance(statement, Call):
            for argument in range(len(statement.arguments)):
                less = statement.arguments[:argument] + statement.arguments[argument + 1 :]
                yield (*before, replace(statement, arguments=less), *after)
            for at, path in enumerate(statement.paths):
                yield (*before, *path, *after)
                for inner in _smaller_body(path):
                    paths = (*statement.paths[:at], inner, *statement.paths[at + 1 :])
                    yield (*before, replace(statement, paths=paths), *after)
