"""NS5xx: the structure of a file and of its nets."""

from __future__ import annotations

from netspec.diagnostics import Problem


class Recursion(Problem):
    """A block cannot contain itself, directly or through others: every net is finite. Nor can a `let` or an
    instance of a net stand for itself."""

    code = "NS501"
    title = "`{name}` contains itself"
    label = "{cycle}"
    help = "{remedy}"


class TooDeep(Problem):
    """Blocks call blocks to a bounded depth."""

    code = "NS502"
    title = "blocks are nested more than {limit} deep"
    label = "one call too many"
    help = "flatten the blocks, or use `repeat`"


class TooLarge(Problem):
    """What cannot be closed in one step is written out, up to a bound."""

    code = "NS503"
    title = "the net is too large to write out"
    label = "more than {limit} layers and iterations"
    help = "a `repeat` whose body gives back the type it gets, without using the index in arithmetic, costs nothing"


class WrongInputs(Problem):
    """Every layer takes a certain number of values; paths in braces and `with` bring more than one."""

    code = "NS504"
    title = "`{layer}` takes {needed}, gets {given}"
    label = "{given} here"
    help = "{remedy}"


class NoValue(Problem):
    """A chain starts from the value that reaches it, from a path's start or from `from`."""

    code = "NS505"
    title = "there is no value here to work on"
    label = "{reason}"
    help = "{remedy}"


class NotHere(Problem):
    """Some statements belong to one kind of body."""

    code = "NS506"
    title = "{what} cannot stand here"
    label = "{reason}"
    help = "{remedy}"


class BadUse(Problem):
    """`use "file.net"` brings in another file of the first file's folder."""

    code = "NS507"
    title = 'cannot use "{path}"'
    label = "{reason}"
    help = "{remedy}"


class NoNets(Problem):
    """Only nets can be checked; blocks are checked where a net uses them."""

    code = "NS508"
    title = "{file} has no net to check"
    help = "{remedy}"


class UnknownNet(Problem):
    """A net is chosen by its name after a colon."""

    code = "NS509"
    title = "{file} has no net `{name}`"
    help = "{remedy}"


class ReuseMismatch(Problem):
    """A layer is applied again with the same weights, so its new input must give weights of the same shapes."""

    code = "NS510"
    title = "`{label}` cannot be used again on {shape}"
    label = "{reason}"
    help = "the same weights fit inputs with the same channels; without `reuse` it gets weights of its own"


class TieMismatch(Problem):
    """`tie=label` makes a layer's weight the same tensor as another's, so they have the same shape."""

    code = "NS511"
    title = "the weight of `{label}` does not fit here"
    label = "{reason}"
    help = "only weights of one shape can be one tensor"


class FiguresTooLarge(Problem):
    """Repeats of repeats multiply; the figures of a net have a bounded number of digits."""

    code = "NS512"
    title = "the figures of {net} have more than {limit} digits"
    help = "no network is that large: lower the counts of its repeats"


class SizeTooLong(Problem):
    """A symbolic size is a formula, and may have a bounded number of terms."""

    code = "NS513"
    title = "a size has too many terms"
    label = "more than {limit} terms when written out"
    help = "give symbols values with `--set`, or `H=224` in the input"
