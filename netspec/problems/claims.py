"""NS4xx: claims that do not hold."""

from __future__ import annotations

from netspec.diagnostics import Problem


class ShapeClaimFails(Problem):
    """An arrow to a shape, `-> [6, 28, 28]`, claims the shape of the value at this place. The sizes are those of
    one sample, without the batch; `_` claims nothing about a size. Either the claim is wrong, or a layer before it
    does not do what its author thinks: a convolution without padding makes an image smaller by k - 1."""

    code = "NS401"
    about = "A claimed shape that is another"
    title = "the shape is {actual}, not {claimed}"
    label = "{difference}"
    help = "{remedy}"
    wrong = """
        net LeNet {
          input image: [1, 32, 32]
          conv 6 k=5 -> sigmoid   -> [6, 32, 32]
          maxpool 2
        }
        """
    mended = """
        net LeNet {
          input image: [1, 32, 32]
          conv 6 k=5 -> sigmoid   -> [6, 28, 28]
          maxpool 2
        }
        """


class AssertFails(Problem):
    """`assert` states a fact about the net, such as a figure of its paper or a budget, and the check proves or
    refutes it. Parts that are joined by `and` are claims of their own. Where a claim is about parameters, the note
    lists the weights that were counted."""

    code = "NS402"
    about = "A claim that does not hold"
    title = "the claim does not hold: {claim}"
    label = "{values}"
    help = "{remedy}"
    wrong = """
        net LeNet {
          input image: [1, 32, 32]
          c1: conv 6 k=5
          assert c1.params == 150
        }
        """
    mended = """
        net LeNet {
          input image: [1, 32, 32]
          c1: conv 6 k=5
          assert c1.params == 156
        }
        """


class NotProven(Problem):
    """A size such as H stands for every whole number from 1, and a claim about it must hold at all of them. A
    usual value in the input, `H=32`, or `--set H=32` makes it a claim about that size."""

    code = "NS403"
    about = "A claim that does not hold at every size"
    title = "the claim is not true at every size: {claim}"
    label = "{values}"
    help = "fix the symbol with `--set`, or claim less"
    wrong = """
        net Mobile {
          input image: [3, H, W]
          stem: conv 16 k=3
          assert stem.macs <= 500_000
        }
        """
    mended = """
        net Mobile {
          input image: [3, H=32, W=32]
          stem: conv 16 k=3
          assert stem.macs <= 500_000
        }
        """
