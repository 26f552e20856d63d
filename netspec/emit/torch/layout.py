"""Python code as a tree, and as lines in the layout that formatters agree on: a call that does not fit its line has
an argument a line, with a comma after the last."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from typing import TypeAlias

WIDTH = 88
INDENT = "    "
_LISTS = ("nn.Sequential", "OrderedDict", "super().__init__", "[", "")  # what they hold stands one below the other


@dataclass(slots=True)
class Call:
    """name(args): keyword, or nothing, and value of each. A name `[` makes a list, no name a tuple."""

    name: str
    args: list[tuple[str, Code]] = field(default_factory=list)


@dataclass(slots=True)
class Each:
    """*(item for _ in range(times))"""

    item: Code
    times: str


@dataclass(slots=True)
class Choice:
    """One of two, by a condition."""

    test: str
    then: Code
    otherwise: Code


Code: TypeAlias = str | Call | Each | Choice


def flat(code: Code) -> str:
    """In one line."""
    if isinstance(code, str):
        return code
    if isinstance(code, Each):
        return f"*({flat(code.item)} for _ in range({code.times}))"
    if isinstance(code, Choice):
        return f"{flat(code.then)} if {code.test} else {flat(code.otherwise)}"
    inside = ", ".join(f"{k}={flat(v)}" if k else flat(v) for k, v in code.args)
    return f"[{inside}]" if code.name == "[" else f"{code.name}({inside})"


def lines(prefix: str, code: Code, suffix: str, indent: int) -> list[str]:
    """In as many lines as it needs, each with its indentation."""
    pad = " " * indent
    whole = f"{pad}{prefix}{flat(code)}{suffix}"
    if isinstance(code, str) and len(whole) > WIDTH:
        declared = re.match(r"\w+: [^=]+ = ", code)
        if declared:  # a parameter and its default
            return lines(prefix + declared[0], code[declared.end() :], suffix, indent)
        parsed = _parsed(code)
        return [whole] if parsed is None else lines(prefix, parsed, suffix, indent)
    if len(whole) <= WIDTH or isinstance(code, str):
        return [whole]
    if isinstance(code, Each):
        return [
            f"{pad}{prefix}*(",
            *lines("", code.item, "", indent + 4),
            f"{pad}{INDENT}for _ in range({code.times})",
            f"{pad}){suffix}",
        ]
    if isinstance(code, Choice):
        return [
            f"{pad}{prefix}(",
            *lines("", code.then, "", indent + 4),
            f"{pad}{INDENT}if {code.test}",
            *lines("else ", code.otherwise, "", indent + 4),
            f"{pad}){suffix}",
        ]
    opening, closing = ("[", "]") if code.name == "[" else (f"{code.name}(", ")")
    inside = ", ".join(f"{k}={flat(v)}" if k else flat(v) for k, v in code.args)
    if code.name not in _LISTS and indent + 4 + len(inside) <= WIDTH:
        return [f"{pad}{prefix}{opening}", f"{pad}{INDENT}{inside}", f"{pad}{closing}{suffix}"]
    out = [f"{pad}{prefix}{opening}"]
    for keyword, value in code.args:
        out += lines(f"{keyword}=" if keyword else "", value, ",", indent + 4)
    return [*out, f"{pad}{closing}{suffix}"]


def _parsed(code: str) -> Call | None:
    """A call or a tuple that was written in one piece, as a tree; None for anything else."""
    tree = ast.parse(code, mode="eval").body

    def text(node: ast.expr) -> str:
        return ast.get_source_segment(code, node) or ""

    if isinstance(tree, ast.Call):
        keywords = [(keyword.arg or "", text(keyword.value)) for keyword in tree.keywords]
        return Call(text(tree.func), [*(("", text(argument)) for argument in tree.args), *keywords])
    if isinstance(tree, ast.List) or (isinstance(tree, ast.Tuple) and code.startswith("(")):
        return Call("[" if isinstance(tree, ast.List) else "", [("", text(item)) for item in tree.elts])
    return None
