"""NS4xx: claims that do not hold."""

from __future__ import annotations

from netspec.diagnostics import Problem


class ShapeClaimFails(Problem):
    """`-> [6, 28, 28]` claims the shape of the value at this place; `_` claims nothing of a dimension."""

    code = "NS401"
    title = "the shape is {actual}, not {claimed}"
    label = "{difference}"
    help = "{remedy}"


class AssertFails(Problem):
    """`assert` states a fact about the net, which the check proves or refutes."""

    code = "NS402"
    title = "the claim does not hold: {claim}"
    label = "{values}"
    help = "{remedy}"


class NotProven(Problem):
    """A claim about symbolic sizes must hold at every size."""

    code = "NS403"
    title = "the claim is not true at every size: {claim}"
    label = "{values}"
    help = "fix the symbol with `--set`, or claim less"
