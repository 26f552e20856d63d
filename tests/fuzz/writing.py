"""Nets as data that is written as text: what the generator grows, what is reduced, mutated and written anew.

A body is a tuple of statements. Arguments are Python values; text is written from them in one place, so that the
same net can be written in another layout, with other names, or a part of it inside a block.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, TypeAlias

from netspec.ops import find_layer


@dataclass(frozen=True)
class Written:
    """A value and how it is written: `(2 * 3)`, the name of a parameter, `3x5`, `"bilinear"`."""

    text: str
    value: Any


Arguments: TypeAlias = tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Call:
    """`label: name arguments with others { | path }`, from another value if `source` names one."""

    name: str
    arguments: Arguments = ()
    label: str = ""
    others: tuple[str, ...] = ()
    paths: tuple[Body, ...] = ()
    source: str = ""
    again: bool = False  # `reuse name`
    tie: str = ""


@dataclass(frozen=True)
class Declared:
    """`param name: [sizes]` or `constant name: [numbers]`."""

    word: str
    name: str
    value: Any
    arguments: Arguments = ()


@dataclass(frozen=True)
class Group:
    label: str
    body: Body


@dataclass(frozen=True)
class Repeat:
    label: str
    count: Any
    body: Body
    index: str = ""


@dataclass(frozen=True)
class For:
    """`for target in values { body }`"""

    label: str
    target: str
    values: str
    body: Body


@dataclass(frozen=True)
class If:
    """`if test { body } else { otherwise }`"""

    label: str
    test: str
    body: Body
    otherwise: Body | None = None


@dataclass(frozen=True)
class Let:
    name: str
    text: str


@dataclass(frozen=True)
class Claim:
    """`[4, _, 8]`, of the value so far."""

    text: str


@dataclass(frozen=True)
class Assert:
    text: str


Statement: TypeAlias = Call | Declared | Group | Repeat | For | If | Let | Claim | Assert
Body: TypeAlias = tuple[Statement, ...]


@dataclass(frozen=True)
class Entry:
    """An input. A size is a number, or a symbol, with its usual value or without, `H=7`, `W`, or another name."""

    name: str
    sizes: tuple[int | str, ...]
    dtype: str = "float32"
    conditions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Block:
    """`inputs`: what stands after the word. A parameter is a name and its default, or None."""

    name: str
    body: Body
    parameters: tuple[tuple[str, str | None], ...] = ()
    inputs: tuple[str, ...] = ()
    returns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Net:
    inputs: tuple[Entry, ...]
    body: Body
    returns: tuple[str, ...] = ()
    blocks: tuple[Block, ...] = ()
    parameters: tuple[tuple[str, str | None], ...] = ()
    lets: tuple[Let, ...] = ()  # of the file
    style: int = 0  # of the layout: 0 is one statement a line
    name: str = field(default="N", compare=False)


def bodies_of(statement: Statement) -> tuple[Body, ...]:
    """The bodies inside a statement."""
    if isinstance(statement, Call):
        return statement.paths
    if isinstance(statement, If):
        return (statement.body,) if statement.otherwise is None else (statement.body, statement.otherwise)
    return (statement.body,) if isinstance(statement, (Group, Repeat, For)) else ()


def calls(body: Body) -> Iterator[Call]:
    """All calls in a body and in the bodies inside it."""
    for statement in body:
        if isinstance(statement, Call):
            yield statement
        for inside in bodies_of(statement):
            yield from calls(inside)


def with_bodies(statement: Any, bodies: tuple[Body, ...]) -> Any:
    if not bodies:
        return statement
    if isinstance(statement, Call):
        return replace(statement, paths=bodies)
    if isinstance(statement, If) and len(bodies) > 1:
        return replace(statement, body=bodies[0], otherwise=bodies[1])
    return replace(statement, body=bodies[0])


# -- text -----------------------------------------------------------------------------------------------


def value_text(value: Any) -> str:
    """A value as the language writes it."""
    if isinstance(value, Written):
        return value.text
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return f"({', '.join(map(value_text, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, float):
        whole = repr(value)
        return whole if "e" not in whole or "." in whole else whole.replace("e", ".0e")
    return str(value)


def arguments_text(name: str, arguments: Arguments) -> str:
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


COMMENTS = ("# as published", "# { [ ( -> |", "#", '# "', "# \u00e9\u4e2d\U0001f600 \\n", "# assert params == 0")


class _Layout:
    """What may be written in more than one way. Without a draw it is one statement a line."""

    def __init__(self, style: int) -> None:
        self.draw = Random(f"layout {style}") if style else None

    def __call__(self, chance: float) -> bool:
        return self.draw is not None and self.draw.random() < chance

    def end(self) -> str:
        """What may follow code on a line."""
        return f"   {self.draw.choice(COMMENTS)}" if self.draw and self(0.06) else ""

    def between(self) -> list[str]:
        """Lines that may stand between statements."""
        if self.draw is None or not self(0.1):
            return []
        return [self.draw.choice(["", "", "  " + self.draw.choice(COMMENTS), "\t"])]


def lines_of(body: Body, depth: int = 1, layout: _Layout | None = None) -> Iterator[str]:
    """A body, one statement a line, or as its layout has it."""
    layout = layout or _Layout(0)
    indent = "  " * depth
    lines: list[str] = []
    open_chain = False  # whether the last line is a chain that may go on
    for statement in body:
        written = list(_statement_lines(statement, depth, layout))
        chained = isinstance(statement, (Call, Claim, Group, Repeat, For, If))
        begins = isinstance(statement, Call) and statement.source
        if open_chain and chained and not begins and layout(0.5):
            if layout(0.3):
                lines.append(f"{indent}  -> {written[0].strip()}")
            else:
                lines[-1] += f" -> {written[0].strip()}"
        else:
            if lines and (end := layout.end()):
                lines[-1] += end
            lines += layout.between()
            lines.append(written[0])
        lines += written[1:]
        open_chain = chained
    yield from lines


def _statement_lines(statement: Statement, depth: int, layout: _Layout) -> Iterator[str]:
    indent = "  " * depth
    if isinstance(statement, Let):
        yield f"{indent}let {statement.name} = {statement.text}"
    elif isinstance(statement, Assert):
        yield f"{indent}assert {statement.text}"
    elif isinstance(statement, Claim):
        yield f"{indent}{statement.text}"
    elif isinstance(statement, Declared):
        if statement.word == "param":
            value = f"[{', '.join(map(str, statement.value))}]"
        else:
            value = value_text(statement.value).replace("(", "[").replace(",)", ")").replace(")", "]")
        more = "".join(f" {k}={value_text(v)}" for k, v in statement.arguments)
        yield f"{indent}{statement.word} {statement.name}: {value}{more}"
    elif isinstance(statement, Call):
        yield from _call_lines(statement, depth, layout)
    else:
        label = f"{statement.label}: " if statement.label else ""
        if isinstance(statement, Repeat):
            head = f"repeat {value_text(statement.count)}" + (f" as {statement.index}" if statement.index else "") + " "
        elif isinstance(statement, For):
            head = f"for {statement.target} in {statement.values} "
        elif isinstance(statement, If):
            head = f"if {statement.test} "
        else:
            head = ""
        yield from _braced(f"{indent}{label}{head}", statement.body, depth, layout)
        if isinstance(statement, If) and statement.otherwise is not None:
            otherwise = statement.otherwise
            if len(otherwise) == 1 and isinstance(otherwise[0], If) and not otherwise[0].label:
                first, *rest = _statement_lines(otherwise[0], depth, layout)
                yield from (f"{indent}else {first.strip()}", *rest)
            else:
                yield from _braced(f"{indent}else ", otherwise, depth, layout)


def _braced(head: str, body: Body, depth: int, layout: _Layout) -> Iterator[str]:
    inner = list(lines_of(body, depth + 1, layout)) if body else ["  " * (depth + 1) + "identity"]
    if len(inner) == 1 and "#" not in inner[0] and layout(0.6):
        yield f"{head}{{ {inner[0].strip()} }}"
    else:
        yield from (f"{head}{{", *inner, "  " * depth + "}")


def _call_lines(call: Call, depth: int, layout: _Layout) -> Iterator[str]:
    indent = "  " * depth
    label = f"{call.label}: " if call.label else ""
    start = f"from {call.source} -> " if call.source else ""
    word = "reuse " if call.again else ""
    tie = f" tie={call.tie}" if call.tie else ""
    written = f"{word}{call.name}{arguments_text(call.name, call.arguments)}{tie}"
    others = f" with {' '.join(call.others)}" if call.others else ""
    if not call.paths:
        yield f"{indent}{start}{label}{written}{others}"
        return
    yield f"{indent}{start}{label}{written}{others} {{"
    for path in call.paths:
        inner = list(lines_of(path, depth + 3, layout)) if path else [f"{indent}    identity"]
        if len(inner) == 1 and _is_chain(path):
            yield f"{indent}  | {inner[0].strip()}"
        else:
            yield from (f"{indent}  | {{", *inner, f"{indent}    }}")
    yield f"{indent}}}"


def _is_chain(path: Body) -> bool:
    return all(isinstance(statement, (Call, Claim, Group, Repeat, For, If)) for statement in path)


def parameters_text(parameters: tuple[tuple[str, str | None], ...]) -> str:
    return ", ".join(name if default is None else f"{name} = {default}" for name, default in parameters)


def blocks_text(net: Net) -> str:
    """What stands before a net in its file."""
    layout = _Layout(net.style)
    lines = [f"let {let.name} = {let.text}" for let in net.lets]
    for block in net.blocks:
        lines.append(f"block {block.name}({parameters_text(block.parameters)}) {{")
        lines += [f"  input {entry}" for entry in block.inputs]
        lines += lines_of(block.body, 1, layout)
        if block.returns:
            lines.append(f"  return {', '.join(block.returns)}")
        lines.append("}")
    return "\n".join([*lines, ""]) if lines else ""


def text_of(net: Net) -> str:
    layout = _Layout(net.style)
    parameters = f"({parameters_text(net.parameters)})" if net.parameters else ""
    lines = [f"net {net.name}{parameters} {{"]
    for entry in net.inputs:
        dtype = "" if entry.dtype == "float32" else f"{entry.dtype} "
        where = f" where {', '.join(entry.conditions)}" if entry.conditions else ""
        lines.append(f"  input {entry.name}: {dtype}[{', '.join(map(str, entry.sizes))}]{where}")
    if len(net.inputs) > 1:  # a chain begins at the last input
        lines.append(f"  from {net.inputs[0].name} -> identity")
    lines += lines_of(net.body, 1, layout)
    if net.returns:
        lines.append(f"  return {', '.join(net.returns)}")
    return blocks_text(net) + "\n".join([*lines, "}", ""])


# -- less -----------------------------------------------------------------------------------------------


def smaller(net: Net) -> Iterator[Net]:
    """Nets with something less: a statement, an argument, a path, an input, a level of nesting."""
    if net.style:
        yield replace(net, style=0)
    for returned in range(len(net.returns)):
        yield replace(net, returns=net.returns[:returned] + net.returns[returned + 1 :])
    for body in _smaller_body(net.body):
        yield replace(net, body=body)
    for place, block in enumerate(net.blocks):
        before, after = net.blocks[:place], net.blocks[place + 1 :]
        yield replace(net, blocks=before + after)
        for less in _smaller_body(block.body):
            yield replace(net, blocks=(*before, replace(block, body=less), *after))
        for at in range(len(block.parameters)):
            parameters = block.parameters[:at] + block.parameters[at + 1 :]
            yield replace(net, blocks=(*before, replace(block, parameters=parameters), *after))
        for at in range(len(block.returns)):
            returns = block.returns[:at] + block.returns[at + 1 :]
            yield replace(net, blocks=(*before, replace(block, returns=returns), *after))
    for place in range(len(net.lets)):
        yield replace(net, lets=net.lets[:place] + net.lets[place + 1 :])
    for place in range(len(net.parameters)):
        yield replace(net, parameters=net.parameters[:place] + net.parameters[place + 1 :])
    for place in range(1, len(net.inputs)):
        yield replace(net, inputs=net.inputs[:place] + net.inputs[place + 1 :])
    for place, entry in enumerate(net.inputs):
        before_it, after_it = net.inputs[:place], net.inputs[place + 1 :]
        for at in range(len(entry.conditions)):
            conditions = entry.conditions[:at] + entry.conditions[at + 1 :]
            yield replace(net, inputs=(*before_it, replace(entry, conditions=conditions), *after_it))
        for axis, size in enumerate(entry.sizes):
            if isinstance(size, int) and size > 1:
                for number in sorted({1, 2, size // 2, size - 1}):
                    if 0 < number < size:
                        sizes = (*entry.sizes[:axis], number, *entry.sizes[axis + 1 :])
                        yield replace(net, inputs=(*before_it, replace(entry, sizes=sizes), *after_it))


def _smaller_body(body: Body) -> Iterator[Body]:
    half = len(body) // 2
    if half > 1:
        yield body[:half]
        yield body[half:]
    for place, statement in enumerate(body):
        before, after = body[:place], body[place + 1 :]
        yield (*before, *after)
        for inside in bodies_of(statement):
            yield (*before, *inside, *after)
        for less in _smaller_statement(statement):
            yield (*before, less, *after)


def _smaller_statement(statement: Statement) -> Iterator[Statement]:
    bodies = bodies_of(statement)
    for at, inside in enumerate(bodies):
        for inner in _smaller_body(inside):
            yield with_bodies(statement, (*bodies[:at], inner, *bodies[at + 1 :]))
    if isinstance(statement, Repeat) and isinstance(statement.count, int) and statement.count > 1:
        yield replace(statement, count=statement.count - 1)
    if isinstance(statement, If) and statement.otherwise is not None:
        yield replace(statement, otherwise=None)
    if isinstance(statement, Call):
        if statement.tie:
            yield replace(statement, tie="")
        for at, (key, value) in enumerate(statement.arguments):
            before, after = statement.arguments[:at], statement.arguments[at + 1 :]
            yield replace(statement, arguments=(*before, *after))
            if isinstance(value, Written) and not isinstance(value.value, str):
                yield replace(statement, arguments=(*before, (key, value.value), *after))
