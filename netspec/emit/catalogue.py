"""`netspec layers`: the layers and the standard library's blocks, as a list, one by one, and as a page."""

from __future__ import annotations

import os
import re
import sys
from inspect import getdoc
from textwrap import fill
from typing import NamedTuple

import click
from pydantic_core import PydanticUndefined

from netspec import resources
from netspec.diagnostics import nearest
from netspec.driver import Compilation
from netspec.elaborate.files import source_from_bytes, standard_names
from netspec.elaborate.synonyms import SYNONYMS
from netspec.elaborate.values import show as written
from netspec.emit.style import paint, printable, terminal_width, wants_color, width
from netspec.ir.network import LayerNode
from netspec.ops import FAMILIES, find_layer, layer_names
from netspec.ops.base import Layer

_TITLES = {
    "convolution": "Convolutions",
    "linear": "Dense layers",
    "pool": "Pools",
    "globalpool": "Pools",
    "shape": "Shape",
    "layout": "Cutting and padding",
    "resample": "Resolution",
    "norm": "Normalisation",
    "norm_rare": "Normalisation",
    "dropout": "Regularisation",
    "activation": "Activations",
    "activation_hard": "Activations",
    "activation_smooth": "Activations",
    "merge": "Merges",
    "merge_rare": "Merges",
    "tensor": "Algebra",
    "recurrent": "Recurrent layers",
    "attention": "Transformers",
    "position": "Transformers",
    "relative": "Transformers",
    "feedforward": "Transformers",
    "mixture": "Transformers",
    "source": "Tensors of their own",
    "lenet": "LeNet-5",
}
_STD = "Blocks of the standard library"
_SYMBOLIC = ("[C, H, W]", "[T, D]")  # inputs on which an example may be shown, the first that fits
_WEIGHTS = 16  # that an example lists
_CONCRETE = ("[8]", "[8, 8, 8]", "[64, 56, 56]", "[T, 4096]")  # for what needs numbers: groups, halves, merges


class Argument(NamedTuple):
    name: str
    by: str  # "position" or "name"
    meaning: str
    default: str  # "required", "" for none, else as it would be written


class Example(NamedTuple):
    """What a layer's example makes of an input."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    weights: tuple[str, ...]  # `weight [64, C, 7, 7]`, with `(fixed)` or `(buffer)` where it is not trained


class Block(NamedTuple):
    """A block of the standard library."""

    name: str
    head: str  # `basic(out, stride = 1)`
    about: str  # the comment above it, as one text
    source: str


# -- the commands ---------------------------------------------------------------------------------------


def show(name: str | None, markdown: bool) -> int:
    """Print what `netspec layers` was asked for; the exit code. Raises UsageError for an unknown name."""
    if name is None:
        click.echo(document() if markdown else listing(terminal_width(sys.stdout)), nl=not markdown)
        return 0
    layer = find_layer(name)
    if layer is None and name not in standard_names():
        layer = _plugin(name)
    if layer is None and name not in standard_names():
        close = SYNONYMS.get(name.lower()) or nearest(name, [*layer_names(), *standard_names()])
        remedy = f"did you mean `{close}`?" if close else "`netspec layers` lists them all"
        raise click.UsageError(f"there is no layer or block `{printable(name)}`; {remedy}")
    text = layer_markdown(layer) if layer is not None else block_markdown(std_block(name))
    if markdown:
        click.echo(text)
    elif layer is not None and wants_color("auto", sys.stdout):
        _render(text)
    else:
        click.echo(layer_text(layer) if layer is not None else std_block(name).source)
    return 0


def _plugin(name: str) -> type[Layer] | None:
    """The layer of another package. Raises UsageError for one that cannot be used."""
    from netspec.ops.plugins import PluginError, find_plugin

    try:
        return find_plugin(name)
    except PluginError as error:
        raise click.UsageError(str(error)) from None


def listing(cells: int | None = None) -> str:
    """All layers and blocks, a line for each. `cells`: the width to which lines are cut, None for none."""
    bold = wants_color("auto", sys.stdout)
    groups = {title: [(x.example, summary(x)) for x in layers] for title, layers in families().items()}
    groups[_STD] = [(block.head, _first_sentence(block.about)) for block in map(std_block, standard_names())]
    lines: list[str] = []
    for title, rows in groups.items():
        wide = max(width(left) for left, _ in rows)
        lines += ["", paint(title, "bold", bold)]
        lines += [_cut(f"  {left.ljust(wide)}  {right}", cells) for left, right in rows]
    return "\n".join([*lines[1:], "", "`netspec layers NAME` explains a layer and prints a block."])


def document() -> str:
    """docs/layers.md."""
    titles = [*families(), _STD]
    lines = [
        "# Layers",
        "",
        "<!-- Written by `netspec layers --markdown` from the catalogue (netspec/ops) and the standard",
        "     library (netspec/std). Change those, then run `make docs`. -->",
        "",
        "Every layer of the language, with its arguments, an example and what it costs. Shapes are those",
        "of one sample, channels first; `*` stands for any axes, `*S` for the spatial ones.",
        "`netspec layers NAME` prints the same for one layer; [counting.md](counting.md) explains the costs.",
        "",
    ]
    for title in titles:
        names = standard_names() if title == _STD else [layer.layer_name() for layer in families()[title]]
        links = ", ".join(f"[{name}](#{name})" for name in names)
        lines.append(f"- {title}: {links}")
    for title, layers in families().items():
        lines += ["", f"## {title}"]
        for layer in layers:
            lines += ["", layer_markdown(layer)]
    lines += [
        "",
        f"## {_STD}",
        "",
        "Written in the language itself, and called as a layer is, without an import. A block of the same",
        "name in a file takes the place of the library's.",
    ]
    for name in standard_names():
        lines += ["", block_markdown(std_block(name))]
    return "\n".join(lines) + "\n"


def cost_table() -> str:
    """The counting rule of every layer, as a Markdown table for docs/counting.md."""
    lines = ["| layer | cost for one sample |", "|---|---|"]
    for layer in (layer for layers in families().values() for layer in layers):
        rule = _escape(cost_rule(layer)).replace("|", "\\|")
        lines.append(f"| `{layer.layer_name()}` | {rule.rstrip('.')} |")
    return "\n".join(lines)


# -- what there is --------------------------------------------------------------------------------------


def families() -> dict[str, list[type[Layer]]]:
    """The layers by the title under which they are shown."""
    found: dict[str, list[type[Layer]]] = {}
    for family, names in FAMILIES.items():
        title = _TITLES.get(family) or family.replace("_", " ").capitalize()
        found.setdefault(title, []).extend(layer for name in names if (layer := find_layer(name)) is not None)
    return found


def summary(layer: type[Layer]) -> str:
    """The first line of a layer's docstring: what it does to which shape."""
    return _paragraphs(layer)[0].split("\n")[0].rstrip(".")


def cost_rule(layer: type[Layer]) -> str:
    """What its docstring says after `Cost:`, which is the last paragraph."""
    return " ".join(_paragraphs(layer)[-1].removeprefix("Cost: ").split())


def arguments(layer: type[Layer]) -> list[Argument]:
    from netspec.elaborate.meanings import field_annotations, meaning

    found = []
    for position, (name, annotation) in enumerate(field_annotations(layer).items()):
        default = layer.model_fields[name].default
        text = "required" if default is PydanticUndefined else "" if default is None else written(default)
        if isinstance(default, str):
            text = default  # a word that is written bare
        by = "position" if position < layer.positional else "name"
        found.append(Argument(name, by, meaning(annotation), text))
    return found


def inputs_text(layer: type[Layer]) -> str:
    least, most = layer.inputs
    count = f"{least}" if least == most else f"{least} or more" if most is None else f"{least} to {most}"
    kinds = {"float": "floating point", "int": "integers", "mask": "bool or floating point", "any": "any element type"}
    others = "" if layer.takes is Layer.takes else ", a mask also bool"
    return count if most == 0 else f"{count}, {kinds[layer.dtypes]}{others}"


def example(layer: type[Layer]) -> Example | None:
    """What the layer's example does to the first of some inputs that it takes."""
    first = _paragraphs(layer)[0]
    given = ("int64 [T]",) if "int64" in first else _SYMBOLIC
    if "[*, " in first:
        given = given[::-1]
    for input in (*given, *_CONCRETE):
        keys = "  input keys: [S, D]\n" if layer.example.endswith("with keys") else ""
        start = "from x -> " if layer.inputs != (0, 0) else ""
        label = "here: " if layer.transparent else ""  # without one it leaves no node
        text = f"net Example {{\n  input x: {input}\n{keys}  {start}{label}{layer.example}\n}}\n"
        made = Compilation(source_from_bytes(text.encode(), "<example>", None))
        if made.sound and made.network is not None:
            return _example(made, layer)
    return None


def _example(made: Compilation, layer: type[Layer]) -> Example:
    from netspec.analysis.totals import weights_of

    network = made.network
    assert network is not None
    root, types = network.root, made.types[network.root.name]
    node = next(n for n in reversed(root.nodes) if isinstance(n, LayerNode) and type(n.layer) is layer)
    weights = []
    for name, weight in weights_of(node, types).items():
        kind = "" if weight.kind == "trainable" else f" ({weight.kind})"
        weights.append(f"{name or 'itself'} {weight.type}{kind}")
    if len(weights) > _WEIGHTS:
        weights[4:-1] = ["..."]
    outputs = [ref for ref in types if ref == node.name or ref.startswith(node.name + ".")]
    inputs = [str(types[ref]) for ref in root.inputs] if node.inputs else []
    return Example(tuple(inputs), tuple(str(types[ref]) for ref in outputs), tuple(weights))


def std_block(name: str) -> Block:
    """A block of the standard library, from its file: the comment above, the head, the text."""
    with open(os.path.join(resources.std_dir(), name + ".net"), encoding="utf-8") as file:
        source = file.read().rstrip("\n")
    comment = []
    for line in source.split("\n"):
        if not line.startswith("#"):
            break
        comment.append(line.removeprefix("#").strip())
    head = re.search(rf"^block\s+({re.escape(name)}\b[^{{]*)\{{", source, re.MULTILINE)
    return Block(name, " ".join(head[1].split()) if head else name, " ".join(comment), source)


# -- one layer ------------------------------------------------------------------------------------------


def layer_text(layer: type[Layer]) -> str:
    """Everything about a layer, as plain text."""
    name = layer.layer_name()
    lines = [_fill(f"{name}: {_paragraphs(layer)[0]}")]
    for paragraph in _paragraphs(layer)[1:]:
        lines += ["", _fill(paragraph)]
    table = arguments(layer)
    lines += ["", "Arguments" if table else "No arguments"]
    columns = [(a.name, f"by {a.by}", _default(a), a.meaning) for a in table]
    widths = [max(map(width, column)) for column in zip(*columns, strict=True)]
    for cells in columns:
        lines.append("  " + "  ".join(c.ljust(w) for c, w in zip(cells, widths, strict=True)).rstrip())
    lines += ["", f"Inputs   {inputs_text(layer)}"]
    if layer.members:
        lines += [f"Members  {', '.join(layer.members)}"]
    lines += [f"Example  {layer.example}"]
    made = example(layer)
    if made is not None:
        lines.append(f"         {_flow(made)}")
        lines.append(f"Weights  {', '.join(made.weights) or 'none'}")
    return "\n".join(lines)


def layer_markdown(layer: type[Layer]) -> str:
    """The same as a section of docs/layers.md."""
    lines = [f"### {layer.layer_name()}"]
    for paragraph in _paragraphs(layer):
        lines += ["", _escape(_fill(paragraph))]
    table = arguments(layer)
    if table:
        lines += ["", "| argument | given by | default | |", "|---|---|---|---|"]
        for a in table:
            default = a.default if a.default in ("", "required") else f"`{a.default}`"
            lines.append(f"| `{a.name}` | {a.by} | {default} | {a.meaning} |")
    made = example(layer)
    line = f"Inputs: {inputs_text(layer)}. "
    if layer.members:
        line += f"Further outputs: {', '.join(f'`{name}`' for name in layer.members)}. "
    line += f"Example: `{layer.example}`"
    if made is not None:
        weights = ", ".join(f"`{weight}`" for weight in made.weights)
        line += f": `{_flow(made)}`, " + (f"weights {weights}" if weights else "no weights")
    return "\n".join([*lines, "", line + "."])


def block_markdown(block: Block) -> str:
    code = f"```netspec\n{_without_comment(block.source)}\n```"
    return f"### {block.name}\n\n{_escape(_fill(block.about))}\n\n{code}"


def _default(argument: Argument) -> str:
    return argument.default if argument.default in ("", "required") else f"default {argument.default}"


def _flow(made: Example) -> str:
    return (", ".join(made.inputs) + " -> " if made.inputs else "-> ") + ", ".join(made.outputs)


def _render(text: str) -> None:
    """Markdown on a terminal."""
    from rich.console import Console
    from rich.markdown import Markdown

    Console(highlight=False, markup=False, emoji=False).print(Markdown(text))


# -- texts ----------------------------------------------------------------------------------------------


def _paragraphs(layer: type[Layer]) -> list[str]:
    return (getdoc(layer) or "").split("\n\n")


def _escape(text: str) -> str:
    """Prose for Markdown: `*` and `<` outside backquotes are themselves."""
    parts = text.split("`")
    for i in range(0, len(parts), 2):
        parts[i] = re.sub(r"([*<\\])", r"\\\1", parts[i])
    return "`".join(parts)


def _fill(paragraph: str) -> str:
    return fill(" ".join(paragraph.split()), 100, break_long_words=False, break_on_hyphens=False)


def _without_comment(source: str) -> str:
    lines = source.split("\n")
    while lines and lines[0].startswith("#"):
        lines.pop(0)
    return "\n".join(lines)


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=[a-z)])[.:] (?=[A-Z\[`])|: (?=[a-z])", text, maxsplit=1)[0].rstrip(".")


def _cut(line: str, cells: int | None) -> str:
    return line if cells is None or width(line) <= cells else line[: cells - 3] + "..."
