"""The flat listing of layers, for JSON and the Python API: what a row's layer has beyond its totals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from netspec.analysis.receptive import Field, Fields
from netspec.analysis.rows import Call, Row, count_rows, exceeds
from netspec.analysis.totals import weights_of
from netspec.diagnostics import Diagnostic, SpecError
from netspec.driver import Compilation, told
from netspec.emit.diagnostics import brief
from netspec.ir.dims import Dim, TooManyTerms
from netspec.ir.network import LayerNode
from netspec.ir.typejson import dim_to_json
from netspec.limits import DIAGNOSTICS
from netspec.ops.base import Weight
from netspec.problems.files import TooBig
from netspec.source import Span


def layer_rows(made: Compilation) -> Iterator[Row]:
    """The leaf layers in order. Raises SpecError where there are too many to list."""
    network = made.network
    if network is None:
        return
    if exceeds(network):
        problem = TooBig(net=network.name, rows=f"{count_rows(network):,}", depth=2)
        raise SpecError((problem.nowhere(made.source.name),))
    for row in made.rows():
        if row.kind == "layer":
            yield row


def weights(made: Compilation, row: Row) -> dict[str, Weight]:
    """The weights of a row's layer; none where it uses another's or its types are unknown."""
    if not isinstance(row.node, LayerNode) or row.totals is None or row.shared:
        return {}
    return weights_of(row.node, made.types[row.module])


def weight_shapes(made: Compilation, row: Row) -> dict[str, tuple[Dim, ...]]:
    return {name: weight.shape for name, weight in weights(made, row).items()}


def line_of(made: Compilation, row: Row) -> int | None:
    """The line of the checked file in which the row's layer, or the block around it, is called."""
    for call in reversed([*row.calls, Call(row.module, row.node.name)]):
        span = made.span(call.module, call.node)
        if span is not None and span.source is made.source:
            return span.line
    return None


def fields(made: Compilation, row: Row) -> Fields:
    """The receptive fields of a row's output on the net's inputs."""
    table = made.receptive_fields
    try:
        return table.of(row) if table is not None else {}
    except TooManyTerms:  # of symbols
        return {}


def field_of(made: Compilation, row: Row) -> str:
    """A receptive field for people: `7x7 stride 2x2 start -3x-3`."""
    found = fields(made, row)
    return "; ".join(
        (f"{name}: " if len(found) > 1 else "") + _field_text(field) for name, field in found.items() if field.axes
    )


def _field_text(field: Field) -> str:
    size = "x".join(str(axis.size) for axis in field.axes)
    if field.is_whole:
        return f"{size} (all)"
    stride, start = ("x".join(str(getattr(a, part)) for a in field.axes) for part in ("stride", "start"))
    return f"{size} stride {stride} start {start}"


def field_json(made: Compilation, row: Row) -> dict[str, Any] | None:
    """The same in JSON, by input; None where the input has no axes but its first."""
    found = {
        name: {part: [_step(getattr(axis, part)) for axis in field.axes] for part in ("size", "stride", "start")}
        for name, field in fields(made, row).items()
        if field.axes
    }
    return found or None


def _step(value: Any) -> Any:
    return dim_to_json(value) if not hasattr(value, "denominator") or isinstance(value, int) else float(value)


def diagnostics_json(found: tuple[Diagnostic, ...]) -> list[dict[str, Any]]:
    """Diagnostics as JSON objects. Lines and columns count from 1; the end is exclusive."""
    return [
        {
            "code": d.code,
            "severity": d.severity,
            "message": brief(d.title),
            **_place_json(d.file or None, d.span),
            "label": brief(d.label),
            "notes": [brief(note) for note in d.notes],
            "help": brief(d.help),
            "related": [
                {**_place_json(other.span.source.name, other.span), "label": brief(other.text)}
                for other in d.labels
                if not other.primary
            ],
        }
        for d in found
    ]


def _place_json(file: str | None, span: Span | None) -> dict[str, Any]:
    nowhere: tuple[None, None] = (None, None)
    begin = span.source.position(span.start) if span else nowhere
    end = span.source.position(span.end) if span else nowhere
    return {"file": file, "line": begin[0], "column": begin[1], "end_line": end[0], "end_column": end[1]}


def net_json(made: Compilation) -> dict[str, Any]:
    """One net as a JSON object: figures for the batch, bytes of the element type; a layer's per occurrence; formulas as
    strings."""
    network = made.network
    totals = made.totals
    names = (
        "params",
        "trainable_params",
        "active_params",
        "macs",
        "mults",
        "adds",
        "flops",
        "connections",
        "weight_bytes",
        "activation_bytes",
        "kv_cache_per_token",
        "kv_cache_bytes",
    )
    figures = {name: _json(None if totals is None else getattr(totals, name)) for name in names}
    types = made.types[network.root.name] if network is not None else {}
    outputs = network.root.outputs.items() if network is not None else ()
    return {
        "net": made.name,
        "file": made.source.name,
        "batch": made.batch,
        "dtype": made.dtype,
        "inputs": [_value_json(item.name, item.type) for item in (network.inputs if network else ())],
        "outputs": [_value_json(member or ref, types[ref]) for member, ref in outputs if ref in types],
        **figures,
        "peak_activation_bytes": _json(made.peak_activation_bytes),
        "sizes": _sizes_json(made),
        "layers": [_layer_json(made, row) for row in layer_rows(made)],
        "diagnostics": diagnostics_json(told((made,))[:DIAGNOSTICS]),
    }


def _sizes_json(made: Compilation) -> dict[str, Any] | None:
    if made.ranges is None:
        return None
    from netspec.emit.sizes import ranges_json

    return ranges_json(made.ranges)


def _value_json(name: str, type: Any) -> dict[str, Any]:
    shape = [dim_to_json(d) for d in type.shape] if type.known else None
    return {"name": name, "dtype": type.dtype, "shape": shape}


def _layer_json(made: Compilation, row: Row) -> dict[str, Any]:
    totals = made.for_batch(row.totals)
    owned = weights(made, row)
    names = ("params", "active_params", "macs", "mults", "adds", "flops", "connections")
    assert isinstance(row.node, LayerNode)
    return {
        "path": row.path,
        "layer": row.node.layer.layer_name(),
        "repeat": row.repeat,
        "line": line_of(made, row),
        "output": [dim_to_json(d) for d in row.output.shape] if row.output.known else None,
        **{name: _json(None if totals is None else getattr(totals, name)) for name in names},
        "receptive_field": field_json(made, row),
        "weights": {name: [dim_to_json(d) for d in weight.shape] for name, weight in owned.items()},
        "not_trained": [name for name, weight in owned.items() if weight.kind != "trainable"],
    }


def _json(value: Any) -> Any:
    return value if value is None else dim_to_json(value)
