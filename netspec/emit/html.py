"""A net as an HTML table, for notebooks."""

from __future__ import annotations

from html import escape

from netspec.driver import Compilation
from netspec.emit.table import COLUMNS, DEFAULT, cell_text, summary

_MOST_ROWS = 2000


def html(made: Compilation) -> str:
    """The table of `netspec check` for a sound net. Everything from the spec is escaped."""
    network = made.network
    assert network is not None
    chosen = [COLUMNS[name] for name in DEFAULT]
    out = [f"<b>{escape(network.name)}</b><table><thead><tr><th style='text-align:left'>layer</th>"]
    out += [f"<th style='text-align:right'>{escape(column.title)}</th>" for column in chosen]
    out.append("</tr></thead><tbody>")
    for count, row in enumerate(made.rows()):
        if count == _MOST_ROWS:
            out.append("<tr><td>...</td></tr>")
            break
        times = f" &times; {row.times:,}" if row.times != 1 else ""
        name = f"<code>{escape(row.name)}</code>{times} {escape(row.text)}"
        out.append(f"<tr><td style='text-align:left;padding-left:{row.depth + 0.5:.1f}em'>{name}</td>")
        out += [
            f"<td style='text-align:right'>{escape(cell_text(column.value(made, row), short=True))}</td>"
            for column in chosen
        ]
        out.append("</tr>")
    totals = made.totals
    figures = (
        ["", cell_text(totals.params, short=True), cell_text(totals.macs, short=True)]
        if totals is not None
        else ["", "?", "?"]
    )
    out.append("<tr><th style='text-align:left'>total</th>")
    out += [f"<th style='text-align:right'>{escape(figure)}</th>" for figure in figures]
    out.append(f"</tr></tbody></table><pre>{escape(summary(made))}</pre>")
    return "".join(out)
