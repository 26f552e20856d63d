"""NS2xx: names, arguments and values."""

from __future__ import annotations

from netspec.diagnostics import Problem


class UnknownLayer(Problem):
    """A chain is made of layers: built-in ones, blocks of the standard library, and the file's own blocks
    and nets."""

    code = "NS201"
    title = "there is no {kind} `{name}`"
    label = "not a {kinds}"
    help = "{remedy}"


class UnknownName(Problem):
    """A name in a value is a parameter, a `let`, a loop's index, a label, or a block or layer."""

    code = "NS202"
    title = "`{name}` is not defined"
    label = "not a parameter, `let`, index or label here"
    help = "{remedy}"


class UnknownArgument(Problem):
    """A layer takes the arguments of its own table (`netspec layers NAME`), a block those in its head."""

    code = "NS203"
    title = "`{layer}` has no argument `{name}`"
    label = "not an argument of `{layer}`"
    help = "{remedy}"


class RepeatedArgument(Problem):
    """An argument is given once, by position or by name."""

    code = "NS204"
    title = "`{name}` is given twice"
    label = "given again"
    help = "keep one of them"


class MissingArgument(Problem):
    """An argument without a default must be given."""

    code = "NS205"
    title = "`{layer}` needs `{name}`"
    label = "`{name}` is missing"
    help = "for example: `{example}`"


class BadArgument(Problem):
    """An argument has a type and a range of its own."""

    code = "NS206"
    title = "`{name}` of `{layer}` cannot be {value}"
    label = "must be {needed}"
    help = "{remedy}"


class TooManyArguments(Problem):
    """Only the arguments that a paper's table puts first may be given without their names."""

    code = "NS207"
    title = "too many arguments without a name for `{layer}`"
    label = "`{layer}` takes {most} by position"
    help = "{remedy}"


class DuplicateName(Problem):
    """Within one body a label names one layer, and within one file a name is defined once."""

    code = "NS208"
    title = "`{name}` is defined twice"
    label = "defined again"
    help = "{remedy}"


class NotALayer(Problem):
    """Layers, blocks and nets can be called; a value or a label cannot."""

    code = "NS209"
    title = "`{name}` is not a {kind}"
    label = "this is {what}"
    help = "{remedy}"


class NotAValue(Problem):
    """Some places need a tensor (after `from` and `with`), others a number, a tuple, a truth value."""

    code = "NS210"
    title = "this needs {needed}"
    label = "this is {what}"
    help = "{remedy}"


class UnknownMember(Problem):
    """A label has the facts of its layer, the labels inside its scope, and its outputs as members."""

    code = "NS211"
    title = "`{owner}` has no member `{name}`"
    label = "no such member"
    help = "{remedy}"


class BadOperation(Problem):
    """Arithmetic and comparison work on numbers and sizes; `/` and `//` not with zero."""

    code = "NS212"
    title = "this cannot be computed"
    label = "{reason}"
    help = "{remedy}"


class OutOfRange(Problem):
    """Tuples are numbered from 0, and from the end with -1."""

    code = "NS213"
    title = "index {index} is out of range"
    label = "of a list with {count}"
    help = "{rule}"


class UnknownFunction(Problem):
    """Values are computed with a few functions; there are no others and none can be defined."""

    code = "NS214"
    title = "there is no function `{name}`"
    label = "not a function"
    help = "functions: {known}"


class BadLabel(Problem):
    """A label names torch attributes and weights, so it is made of letters, digits and `_`."""

    code = "NS215"
    title = "`{name}` cannot be a label"
    label = "{reason}"
    help = "use letters, digits and `_`"


class FactsOnlyInAssert(Problem):
    """Parameters and costs are known when the whole net is; only `assert` can use them."""

    code = "NS216"
    title = "`{name}` can only be used in `assert`"
    label = "not known yet at this place"
    help = "shapes are known everywhere: `x.channels`, `x.shape[0]`"


class UnknownSetting(Problem):
    """`--set` gives values to the parameters of a net and to the symbols of its inputs."""

    code = "NS217"
    title = "`{net}` has no parameter or symbol `{name}`"
    help = "{remedy}"


class MissingParameter(Problem):
    """A net can be checked when all its parameters have values."""

    code = "NS218"
    title = "`{net}` needs a value for `{name}`"
    label = "no default"
    help = "give one with `--set {name}=...`, or a default in the file"


class UnknownDtype(Problem):
    """The elements of a tensor have one of a few types; `float32` where none is written."""

    code = "NS219"
    title = "there is no element type `{name}`"
    label = "not an element type"
    help = "{remedy}"
