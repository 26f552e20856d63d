"""Write anew what is generated in docs/: layers.md, diagnostics.md, the table of costs, the outputs of commands.

`make docs` runs this. Read the diff as a user would: the tests only say whether pages and program agree.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from doc_pages import PAGES, ROOT, rewrite_page

from netspec.cli import cli
from netspec.emit import catalogue, explain

COSTS = re.compile(r"(?<=<!-- costs: `make docs` writes this table -->\n).*?(?=<!-- end of costs -->)", re.DOTALL)


def generated(name: str, text: str) -> str:
    """A page's text with its generated parts anew."""
    if name == "docs/layers.md":
        return catalogue.document()
    if name == "docs/diagnostics.md":
        return explain.document(cli)
    return COSTS.sub(lambda _: catalogue.cost_table() + "\n", text)


def main() -> None:
    for name in PAGES:
        path = ROOT / name
        text = generated(name, path.read_text(encoding="utf-8"))
        with tempfile.TemporaryDirectory() as folder:
            path.write_text(rewrite_page(text, Path(folder)), encoding="utf-8")


if __name__ == "__main__":
    main()
