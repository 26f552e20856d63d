"""What was found out about nets: as a table with the disagreements below, and as JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from netspec.emit.style import number, paint, plural, printable, width
from netspec.emit.verify.findings import Difference, Findings, LayerDifference, Options, Run, Trouble, share, sizes_text

FORMAT = "netspec-verify-1"
_HEAD = ("net", "file", "shapes", "params", "MACs", "numbers", "")
_RIGHT = (False, False, True, True, True, True, False)
_LAYER_HEAD = ("layer", "", "largest", "difference", "by itself")
_LAYER_RIGHT = (False, False, True, True, True)


def table(found: Sequence[Findings], options: Options, color: bool = False) -> str:
    """A line for each net, then everything that is to be said of it, then what the figures mean."""
    lines = [_line(each) for each in found]
    out = ["\n".join(_aligned([_HEAD, *lines], _RIGHT, color, found))]
    if options.layers:
        out += [_layers(each) for each in found if each.by_layer]
    out += [text for text in (_told(each, color) for each in found) if text]
    out.append(_meaning(found, options))
    return "\n\n".join(out)


def _line(found: Findings) -> tuple[str, ...]:
    wrong = {trouble.kind for trouble in found.troubles}
    worst = found.worst

    def cell(kind: str, text: str) -> str:
        return "differ" if kind in wrong else text

    return (
        printable(found.net),
        printable(found.file),
        cell("shapes", plural(found.layers, "layer") if found.layers else "-"),
        cell("params", number(found.params[0]) if found.params and "weights" not in wrong else "-"),
        cell("MACs", number(found.macs[0].static) if found.macs else "-"),
        "-" if worst is None else share(worst.difference.relative),
        found.status,
    )


def _aligned(
    lines: Sequence[Sequence[str]], right: Sequence[bool], color: bool, found: Sequence[Findings] = ()
) -> list[str]:
    widths = [max(map(width, column)) for column in zip(*lines, strict=True)]
    out = []
    for index, cells in enumerate(lines):
        padded = [
            " " * (wide - width(cell)) + cell if is_right else cell + " " * (wide - width(cell))
            for cell, wide, is_right in zip(cells, widths, right, strict=True)
        ]
        if index == 0:
            out.append(paint("  ".join(padded).rstrip(), "bold", color))
            continue
        if found:
            padded[-1] = paint(cells[-1], "green" if found[index - 1].agree else "bold red", color)
        out.append("  ".join(padded).rstrip())
    return out


def _told(found: Findings, color: bool) -> str:
    name = paint(printable(found.net), "bold", color)
    out = []
    for trouble in () if found.diagnostics else found.troubles:  # diagnostics are told by themselves
        out.append(f"{name}: {printable(trouble.text)}")
        place = f"{trouble.place}  " if trouble.place else ""
        for index, line in enumerate(trouble.details):
            out.append(f"  {printable(place + line if index == 0 else line)}")
    if found.sizes:
        every = "; ".join(sizes_text(sizes).removeprefix(" at ") for sizes in found.sizes)
        out.append(f"{name}: compared at {every}; the MACs are those at the first")
    out += [f"{name}: note: {printable(note)}" for note in found.notes]
    return "\n".join(out)


def _layers(found: Findings) -> str:
    lines = [_LAYER_HEAD, *(_layer_line(each) for each in found.by_layer)]
    return f"{printable(found.net)}, layer by layer\n" + "\n".join(_aligned(lines, _LAYER_RIGHT, False))


def _layer_line(each: LayerDifference) -> tuple[str, ...]:
    whole = each.whole
    return (
        printable(each.layer),
        printable(each.text),
        f"{whole.scale:.4g}",
        share(whole.relative),
        share(each.own.relative),
    )


def _meaning(found: Sequence[Findings], options: Options) -> str:
    agree = sum(each.agree for each in found)
    if agree == len(found):
        lead = f"All {plural(agree, 'net')} agree." if agree > 1 else "The net agrees."
        if not agree:
            lead = "There is no net."
    else:
        lead = f"{agree:,} of {plural(len(found), 'net')} agree{'s' if agree == 1 else ''}."
    return (
        f"{lead} Compared: what is stated, torch and onnxruntime. `numbers` is the largest difference of an output\n"
        "as a share of its largest element, of batches of 1 and 3 and inputs of mean 0, 10 and 100;\n"
        f"{options.tolerance:g} is allowed."
    )


# -- JSON -------------------------------------------------------------------------------------------------


def document(found: Sequence[Findings], options: Options) -> dict[str, Any]:
    """Everything, for programs: docs/verify.md says what it holds."""
    return {
        "format": FORMAT,
        "agree": all(each.agree for each in found),
        "tolerance": options.tolerance,
        "seed": options.seed,
        "opset": options.opset,
        "nets": [_net(each, options) for each in found],
    }


def _net(found: Findings, options: Options) -> dict[str, Any]:
    worst = found.worst
    return {
        "net": found.net,
        "file": found.file,
        "status": found.status,
        "agree": found.agree,
        "seconds": round(found.seconds, 3),
        "layers": found.layers,
        "sizes": found.sizes,
        "params": None if found.params is None else {"static": found.params[0], "torch": found.params[1]},
        "macs": [
            {"sizes": each.sizes, "batch": each.batch, "static": each.static, "torch": each.torch}
            for each in found.macs
        ],
        "numbers": None
        if worst is None
        else {
            "largest": _finite(max(run.difference.largest for run in found.runs)),
            "relative": _finite(worst.difference.relative),
            "by_itself": _finite(max((each.own.relative for each in found.by_layer), default=0.0)),
            "runs": [_run(run) for run in found.runs],
        },
        "by_layer": [_layer(each) for each in found.by_layer if options.layers],
        "troubles": [_trouble(trouble) for trouble in found.troubles],
        "notes": found.notes,
    }


def _run(run: Run) -> dict[str, Any]:
    head = {"sizes": run.sizes, "mean": run.mean, "batch": run.batch, "output": run.output}
    return {**head, **_difference(run.difference)}


def _layer(each: LayerDifference) -> dict[str, Any]:
    return {
        "layer": each.layer,
        "text": each.text,
        "whole": _difference(each.whole),
        "own": _difference(each.own),
    }


def _difference(difference: Difference) -> dict[str, Any]:
    return {
        "largest": _finite(difference.largest),
        "relative": _finite(difference.relative),
        "torch": difference.scale,
        "onnxruntime": difference.other_scale,
    }


def _trouble(trouble: Trouble) -> dict[str, Any]:
    return {
        "kind": trouble.kind,
        "text": trouble.text,
        "layer": trouble.layer or None,
        "place": trouble.place or None,
        "details": list(trouble.details),
    }


def _finite(value: float) -> float | None:
    """JSON has no infinity: null."""
    return value if math.isfinite(value) else None
