"""NS0xx: files and limits."""

from __future__ import annotations

from netspec.diagnostics import Problem


class CannotRead(Problem):
    """A spec is a file that exists and may be read."""

    code = "NS001"
    title = "cannot read {file}: {reason}"
    help = "{remedy}"


class NotASpec(Problem):
    """A spec is text in UTF-8 of a bounded length."""

    code = "NS005"
    title = "{file} is not a spec: {reason}"
    help = "{remedy}"


class BadIr(Problem):
    """IR in JSON follows the schema that `netspec ir --schema` prints, and uses what is defined before."""

    code = "NS002"
    title = "{file} is not valid netspec IR: {reason}"
    help = "`netspec ir FILE` writes it, `netspec ir --schema` describes it"


class TooBig(Problem):
    """A listing of single layers has a bounded length, whatever the size of the net."""

    code = "NS003"
    title = "`{net}` has too many layers to list: {rows}"
    help = "list less with `--depth {depth}`"


class TooNested(Problem):
    """Everything that a spec nests has a bounded depth."""

    code = "NS004"
    title = "{file} is nested too deeply"
    help = "break long expressions and deep bodies into `let`s and `block`s"
