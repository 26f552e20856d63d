"""NS1xx: text that is not netspec."""

from __future__ import annotations

from netspec.diagnostics import Problem


class SyntaxProblem(Exception):
    """A problem at a place of the text being parsed: offsets of its start and end."""

    def __init__(self, problem: Problem, start: int, end: int) -> None:
        super().__init__(str(problem))
        self.problem = problem
        self.start = start
        self.end = end


class UnexpectedCharacter(Problem):
    """A character that no spec contains outside strings and comments."""

    code = "NS101"
    title = "unexpected character {character}"
    label = "{name}"
    help = "{remedy}"


class UnexpectedToken(Problem):
    """The text does not follow the grammar at this place."""

    code = "NS102"
    title = "unexpected {found}"
    label = "{expected}"
    help = "{remedy}"


class NestedTooDeep(Problem):
    """Brackets may stand one in another to a depth that no readable spec reaches."""

    code = "NS103"
    title = "brackets are nested too deeply"
    label = "more than {limit} open brackets"
    help = "name the inner part: a `block` for layers, a `let` for values"


class NumberTooLong(Problem):
    """Numbers have a bounded length."""

    code = "NS104"
    title = "the number is too long"
    label = "{digits} digits, at most {limit}"
    help = "no size, count or weight of a network needs so many"


class NumberTouchesName(Problem):
    """A number ends where something else begins: a blank, a bracket or an operator, but no letter."""

    code = "NS106"
    title = "`{text}` is neither a number nor a name"
    label = "names begin with a letter or `_`"
    help = "{remedy}"


class BadString(Problem):
    """A string may hold values in braces, each an expression: "layer{i + 1}"."""

    code = "NS105"
    title = "the string has a bad value in braces"
    label = "{reason}"
    help = 'write an expression between braces: "layer{{i + 1}}"'
