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
    help = "{remedy}"
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


class ConditionFails(Problem):
    """What an input says after `where` holds of every size that comes in: of its usual value, of `--set H=256`, and of
    the size that another net or block gives it, which must meet the condition at all values of the symbols there."""

    code = "NS404"
    about = "A size that does not meet a condition of its input"
    title = "{name} is {size}, which does not meet `{condition}`"
    label = "{shown}"
    help = "{remedy}"
    wrong = """
        net Halves {
          input image: [3, H=225, W=224] where H % 32 == 0, W % 32 == 0
          conv 8 k=1
        }
        """
    mended = """
        net Halves {
          input image: [3, H=224, W=224] where H % 32 == 0, W % 32 == 0
          conv 8 k=1
        }
        """


class NotDecided(Problem):
    """`if`, `a if b else c`, `and` and `or` choose when a net is checked, so the test must come out the same at all
    sizes that the net is for. `H % 2 == 0` does not where H is left open: the net would be another one at odd
    sizes. A condition of the input, `where H % 2 == 0`, or a value for H decides it; of a parameter that `--symbolic`
    leaves open, `--symbolic "width > 32"` does."""

    code = "NS405"
    about = "A test that is true at some sizes and false at others"
    title = "the test is true at some sizes only: {test}"
    label = "{sides}"
    help = "{remedy}"
    wrong = """
        net Halves {
          input image: [3, H, W]
          if H % 2 == 0 { maxpool 2 } else { conv 3 k=2 stride=2 }
        }
        """
    mended = """
        net Halves {
          input image: [3, H, W] where H % 2 == 0
          if H % 2 == 0 { maxpool 2 } else { conv 3 k=2 stride=2 }
        }
        """
