"""A network as a table for people, and the same columns as Markdown and CSV."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from netspec.analysis.rows import Row
from netspec.analysis.totals import Totals
from netspec.driver import Compilation
from netspec.emit.style import number, paint, plural, printable, size_text, width
from netspec.limits import CELL


class Column(NamedTuple):
    title: str
    value: Callable[[Compilation, Row], Any]  # a text, a figure, or None for an unknown figure
    right: bool = True
    total: Callable[[Compilation], Any] | None = None
    about: str = ""


def _figure(name: str) -> tuple[Callable[[Compilation, Row], Any], Callable[[Compilation], Any]]:
    def of_row(made: Compilation, row: Row) -> Any:
        totals = made.for_batch(row.totals)
        return None if totals is None else getattr(totals, name)

    def of_net(made: Compilation) -> Any:
        return None if made.totals is None else getattr(made.totals, name)

    return of_row, of_net


def _column(title: str, name: str, about: str) -> Column:
    of_row, of_net = _figure(name)
    return Column(title, of_row, True, of_net, about)


def _weights(made: Compilation, row: Row) -> str:
    from netspec.emit.listing import weight_shapes

    return ", ".join(f"{name or 'itself'} {list(shape)}" for name, shape in weight_shapes(made, row).items())


def _field(made: Compilation, row: Row) -> str:
    from netspec.emit.listing import field_of

    return field_of(made, row)


def _line(made: Compilation, row: Row) -> str:
    from netspec.emit.listing import line_of

    line = line_of(made, row)
    return "" if line is None else str(line)


COLUMNS: dict[str, Column] = {
    "output": Column("output", lambda made, row: str(row.output), False, None, "shape of the output of one sample"),
    "params": _column("params", "params", "elements of trainable weights, shared ones once"),
    "trainable": _column("trainable", "trainable_params", "the same: fixed weights and buffers are no parameters"),
    "active_params": _column("active", "active_params", "params that one token uses: all but experts not chosen"),
    "macs": _column("MACs", "macs", "multiply-accumulates of convolutions and matrix products"),
    "mults": _column("mults", "mults", "scalar multiplications"),
    "adds": _column("adds", "adds", "scalar additions, bias included"),
    "flops": _column("FLOPs", "flops", "mults, adds and all other elementwise arithmetic"),
    "connections": _column("connections", "connections", "for each output unit its inputs plus its bias (LeCun 1998)"),
    "weight_bytes": _column("weight bytes", "weight_bytes", "all weights, fixed ones and buffers too"),
    "activation_bytes": _column("activation bytes", "activation_bytes", "outputs of all layers"),
    "kv_cache_per_token": _column(
        "KV cache per token", "kv_cache_per_token", "bytes that each further position adds to the keys and values kept"
    ),
    "kv_cache_bytes": _column("KV cache bytes", "kv_cache_bytes", "keys and values kept of the sequence at its length"),
    "weights": Column("weights", _weights, False, None, "names and shapes of the layer's weights"),
    "field": Column("receptive field", _field, False, None, "size, stride and start on the input, per axis"),
    "repeat": Column("repeat", lambda made, row: str(row.repeat), True, None, "how often the row occurs in the net"),
    "path": Column("path", lambda made, row: row.path, False, None, "dotted path, the prefix of its weights' names"),
    "line": Column("line", _line, True, None, "line of the file"),
}
DEFAULT = ("output", "params", "macs")


def table(made: Compilation, columns: Sequence[str] = DEFAULT, depth: int | None = None, color: bool = False,
          terminal: int | None = None) -> str:  # fmt: skip
    """The net as a table with its totals and the conventions under it. `terminal`: cells of width, None for all."""
    network = made.network
    if network is None:
        return ""
    chosen = [COLUMNS[name] for name in columns]
    listed = list(made.rows(depth))
    label_width = min(max((2 * row.depth + len(row.name) for row in listed), default=0), CELL)
    body: list[list[str]] = []
    for item in network.inputs:
        shown = [str(item.type) if column is COLUMNS["output"] else "" for column in chosen]
        body.append([item.name, *shown])
    for row in listed:
        body.append(
            [_layer_cell(row, label_width), *(cell_text(column.value(made, row), short=True) for column in chosen)]
        )
    last = ["total", *(_shortened(column.total(made)) if column.total else "" for column in chosen)]
    return _lay_out([["layer", *(column.title for column in chosen)], *body, last], [False, *(c.right for c in chosen)],
                    color, terminal)  # fmt: skip


def _layer_cell(row: Row, label_width: int) -> str:
    text = "  " * row.depth + row.name
    if row.text or row.times != 1:
        text = text.ljust(label_width)
    count = f"  x {row.times:,}" if row.times != 1 else ""
    return f"{text}{count}  {row.text}".rstrip() if row.text else f"{text}{count}"


def _lay_out(lines: list[list[str]], right: list[bool], color: bool, terminal: int | None) -> str:
    widths = [min(max(width(cell) for cell in column), CELL) for column in zip(*lines, strict=True)]
    if terminal is not None:
        spare = terminal - sum(widths[1:]) - 2 * len(widths[1:])
        widths[0] = max(min(widths[0], spare), 16)
    out: list[str] = []
    for index, cells in enumerate(lines):
        parts = [
            _fit(cell, cells_wide, right[i]) for i, (cell, cells_wide) in enumerate(zip(cells, widths, strict=True))
        ]
        line = "  ".join(parts).rstrip()
        if index in (0, len(lines) - 1):
            line = paint(line, "bold", color)
        if index == len(lines) - 1:
            out.append(paint("-" * (sum(widths) + 2 * len(widths) - 2), "dim", color))
        out.append(line)
        if index == 0:
            out.append(paint("-" * (sum(widths) + 2 * len(widths) - 2), "dim", color))
    return "\n".join(out)


def _fit(text: str, cells: int, right: bool) -> str:
    text = printable(text)
    gap = cells - width(text)
    if gap < 0:
        return text[: cells - 3] + "..."
    return " " * gap + text if right else text + " " * gap


def summary(made: Compilation) -> str:
    """Totals in words, with the conventions by which they were counted."""
    totals: Totals | None = made.totals
    if totals is None:
        return ""
    lines = _formulas(made, totals) if _is_symbolic(made, totals) else _figures(made, totals)
    batch = "one sample" if made.batch == 1 else f"a batch of {made.batch:,} samples"
    lines.append(
        f"Counted for {batch}. A MAC is a multiply-accumulate of a convolution or matrix product; FLOPs are all "
        "arithmetic."
    )
    if made.dtype != "float32":
        lines.append(f"Bytes are of {made.dtype} where the net has float32.")
    nodes = [node for module in made.network.modules for node in module.nodes] if made.network else []
    if any(getattr(node, "shares", None) or getattr(node, "ties", None) for node in nodes):
        lines.append("A shared weight counts once, its computation at every use.")
    if any(node.kind == "repeat" for node in nodes):
        lines.append("Rows inside `x n` show one occurrence.")
    return "\n".join(lines)


def _figures(made: Compilation, totals: Totals) -> list[str]:
    return [
        f"parameters   {number(totals.params)}{_active(totals)}, all weights {size_text(totals.weight_bytes)}",
        f"computation  {number(totals.macs)} MACs, {number(totals.flops)} FLOPs "
        f"({number(totals.mults)} multiplications, {number(totals.adds)} additions, {number(totals.other)} others)",
        f"connections  {number(totals.connections)}",
        f"activations  {size_text(totals.activation_bytes)} of layer outputs; with the inputs, at most "
        f"{size_text(made.peak_activation_bytes)} at once",
        *_cache(totals),
    ]


def _active(totals: Totals) -> str:
    return f", of which {number(totals.active_params)} active for one token" if totals.inactive_params != 0 else ""


def _cache(totals: Totals) -> list[str]:
    """The line of what attention keeps of past positions, where it keeps anything."""
    if totals.kv_cache_bytes == 0:
        return []
    each = f"; each token takes {size_text(totals.kv_cache_per_token)}" if totals.kv_cache_per_token != 0 else ""
    return [f"KV cache     {size_text(totals.kv_cache_bytes)} of keys and values at this length{each}"]


def _is_symbolic(made: Compilation, totals: Totals) -> bool:
    """Whether any figure, or the size of an input, is a formula."""
    inputs = made.network.inputs if made.network else ()
    return any(not isinstance(size, int) for size in (*totals, *(d for i in inputs for d in i.type.shape)))


def _formulas(made: Compilation, totals: Totals) -> list[str]:
    """The same where they are formulas: each by itself, and the sizes at which they hold."""
    from netspec.emit.sizes import ranges_lines, told

    lines = [f"parameters   {number(totals.params)}{_active(totals)}, all weights {size_text(totals.weight_bytes)}"]
    if not all(isinstance(size, int) for size in (totals.params, totals.weight_bytes)):
        lines = [*told("parameters", totals.params), *told("weights", totals.weight_bytes, " bytes")]
        if totals.inactive_params != 0:
            lines += told("active", totals.active_params, " parameters for one token")
    lines += told("MACs", totals.macs) + told("FLOPs", totals.flops)
    lines += told("activations", totals.activation_bytes, " bytes of layer outputs")
    lines += told("at once", made.peak_activation_bytes, " bytes at most, with the inputs")
    if totals.kv_cache_bytes != 0:
        each = f"; each token takes {size_text(totals.kv_cache_per_token)}" if totals.kv_cache_per_token != 0 else ""
        lines += told("KV cache", totals.kv_cache_bytes, f" bytes of keys and values{each}")
    if made.ranges is not None:
        lines += [f"{'' if i else 'sizes':11}  {line}" for i, line in enumerate(ranges_lines(made.ranges))]
    return lines


def overview(nets: Iterable[Compilation], color: bool = False) -> str:
    """One line for each net."""
    lines = [["net", "file", "input", "output", "params", "MACs", ""]]
    for made in nets:
        lines.append(_overview_line(made))
    right = [False, False, False, False, True, True, False]
    widths = [min(max(width(cell) for cell in column), CELL) for column in zip(*lines, strict=True)]
    out = []
    for index, cells in enumerate(lines):
        line = "  ".join(_fit(c, w, r) for c, w, r in zip(cells, widths, right, strict=True)).rstrip()
        out.append(paint(line, "bold", color) if index == 0 else line)
    return "\n".join(out)


def _overview_line(made: Compilation) -> list[str]:
    errors = sum(d.severity == "error" for d in made.diagnostics)
    state = plural(errors, "error") if errors else "ok"
    network = made.network
    if network is None:
        return [made.name or "?", made.source.name, "?", "?", "?", "?", state]
    inputs = ", ".join(str(item.type) for item in network.inputs)
    types = made.types[network.root.name]
    outputs = ", ".join(str(types.get(ref, "?")) for ref in network.root.outputs.values())
    totals = made.totals
    params, macs = (None, None) if totals is None else (totals.params, totals.macs)
    return [network.name, made.source.name, inputs, outputs, _shortened(params), _shortened(macs), state]


def cell_text(value: Any, short: bool = False) -> str:
    """A cell for people: nothing for 0, thousands separated. short: of a long formula the leading term."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, int):
        return "" if value == 0 else number(value)
    return _shortened(value) if short else str(value)


def _shortened(value: Any) -> str:
    """A figure, of a long formula the leading term."""
    if value is None or isinstance(value, (int, str)):
        return value if isinstance(value, str) else number(value)
    from netspec.emit.sizes import short

    return short(value)


def _cells(made: Compilation, columns: Sequence[str], depth: int | None) -> list[list[Any]]:
    """Rows for Markdown and CSV: path, kind, layer and repeat, then the columns; the totals last."""
    network = made.network
    if network is None:
        return []
    chosen = [COLUMNS[name] for name in columns]
    lines: list[list[Any]] = [
        [row.path, row.kind, row.text, row.repeat, *(column.value(made, row) for column in chosen)]
        for row in made.rows(depth)
    ]
    lines.append(["total", "net", network.name, 1, *(column.total(made) if column.total else "" for column in chosen)])
    return lines


_ALWAYS = ("path", "kind", "layer", "repeat")


def markdown(made: Compilation, columns: Sequence[str] = DEFAULT, depth: int | None = None) -> str:
    """The table in Markdown."""
    names = [name for name in columns if name not in _ALWAYS]
    chosen = [COLUMNS[name] for name in names]
    head = ["path", "layer", "repeat", *(column.title for column in chosen)]
    rule = ["---", "---", "---:", *("---:" if column.right else "---" for column in chosen)]
    body = [[cell_text(cell) for cell in (path, *line)] for path, _, *line in _cells(made, names, depth)]
    return "\n".join("| " + " | ".join(_escape(cell) for cell in line) + " |" for line in [head, rule, *body])


def _escape(text: str) -> str:
    return printable(text).replace("|", "\\|")


def comma_separated(made: Compilation, columns: Sequence[str] = DEFAULT, depth: int | None = None) -> str:
    """The table as CSV: figures without separators, formulas as they are, unknown ones empty."""
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = [name for name in columns if name not in _ALWAYS]
    writer.writerow([*_ALWAYS, *names])
    writer.writerows(_cells(made, names, depth))
    return out.getvalue().rstrip("\n")
