"""NS5xx: the structure of a file and of its nets."""

from __future__ import annotations

from netspec import limits
from netspec.diagnostics import Problem


class Recursion(Problem):
    """A block cannot contain itself, directly or through others, since its net would have no end; nor can a `let`
    or an instance of a net stand for itself. Layers that follow one another are a `repeat`, which can depend on
    its index."""

    code = "NS501"
    about = "A block, `let` or net that contains itself"
    title = "`{name}` contains itself"
    label = "{cycle}"
    help = "{remedy}"
    wrong = """
        block tower(out) {
          conv out k=3 pad=1 -> relu
          tower out
        }

        net Tall {
          input image: [64, 28, 28]
          tower 64
        }
        """
    mended = """
        block tower(out) {
          repeat 4 { conv out k=3 pad=1 -> relu }
        }

        net Tall {
          input image: [64, 28, 28]
          tower 64
        }
        """


class TooDeep(Problem):
    """Blocks call blocks to a depth of 64, which keeps every message about a layer short enough to read. What is
    meant by such a tower is mostly a `repeat`."""

    code = "NS502"
    about = "Blocks that call blocks too deeply"
    title = "blocks are nested more than {limit} deep"
    label = "one call too many"
    help = "flatten the blocks, or use `repeat`"
    wrong = """
        # 64 times: block level<i> { level<i + 1> }
        block level64 { dense 8 }

        net Deep {
          input features: [16]
          level0
        }
        """
    mended = """
        # 60 times: block level<i> { level<i + 1> }
        block level60 { dense 8 }

        net Deep {
          input features: [16]
          level0
        }
        """


class TooLarge(Problem):
    """A `repeat` whose iterations come out alike is closed in one step, however often it repeats. What differs in
    each iteration is written out, and so is every `for`, up to 20,000 layers, calls and iterations, which keeps
    every check quick."""

    code = "NS503"
    about = "A net that is too large to write out"
    title = "the net is too large to write out"
    label = "more than {limit}"
    help = "a `repeat` whose body gives back the type it gets, without using the index in arithmetic, costs nothing"
    wrong = """
        net Large {
          input features: [8]
          for _ in range(600) {
            for _ in range(600) { dense 8 }
          }
        }
        """
    mended = """
        net Large {
          input features: [8]
          repeat 600 {
            repeat 600 { dense 8 }
          }
        }
        """


class WrongInputs(Problem):
    """Every layer takes a certain number of values. One flows to it; paths in braces and `with` bring more, for
    the layers that merge and for blocks and nets with several inputs."""

    code = "NS504"
    about = "A layer with too few or too many values"
    title = "`{layer}` takes {needed}, gets {given}"
    label = "{given} here"
    help = "{remedy}"
    wrong = """
        net Residual {
          input image: [64, 28, 28]
          conv 64 k=3 pad=1
          add -> relu
        }
        """
    mended = """
        net Residual {
          input image: [64, 28, 28]
          conv 64 k=3 pad=1
          add with image -> relu
        }
        """


class NoValue(Problem):
    """A chain starts from the value that reaches it, from the start of its path, or from `from`. A net with one
    input begins with that; a net with several says with `from` which of them flows where, as no order among them
    is obvious."""

    code = "NS505"
    about = "A layer to which nothing flows"
    title = "there is no value here to work on"
    label = "{reason}"
    help = "{remedy}"
    wrong = """
        net Siamese {
          input left: [64]
          input right: [64]
          concat with right -> dense 2
        }
        """
    mended = """
        net Siamese {
          input left: [64]
          input right: [64]
          from left -> concat with right -> dense 2
        }
        """


class NotHere(Problem):
    """Some statements belong to one place: inputs to the top of a net or block, where the reader looks for them,
    and a label to what makes a value, which a claimed shape does not."""

    code = "NS506"
    about = "A statement in the wrong place"
    title = "{what} cannot stand here"
    label = "{reason}"
    help = "{remedy}"
    wrong = """
        net Head {
          input features: [512]
          dense 10 -> logits: [10]
        }
        """
    mended = """
        net Head {
          input features: [512]
          logits: dense 10   -> [10]
        }
        """


class BadUse(Problem):
    """`use "file.net"` brings in what another file defines. The path starts from the folder of the file that says
    it, and may not leave the folder of the file that is checked, so that a spec of unknown origin reads nothing
    else. Two files do not use each other."""

    code = "NS507"
    about = "A file that cannot be used"
    title = 'cannot use "{path}"'
    label = "{reason}"
    help = "{remedy}"
    wrong = """
        use "../blocks.net"

        net Small {
          input image: [3, 32, 32]
          unit 16
        }
        # file: blocks.net
        block unit(out) { conv out k=3 pad=1 -> relu }
        """
    mended = """
        use "blocks.net"

        net Small {
          input image: [3, 32, 32]
          unit 16
        }
        # file: blocks.net
        block unit(out) { conv out k=3 pad=1 -> relu }
        """


class NoNets(Problem):
    """Only a net can be checked, because it says what comes in. A block is checked where a net uses it, with the
    arguments and shapes of that use. A file of blocks alone is a library, for others to `use`."""

    code = "NS508"
    about = "A file without a net to check"
    title = "{file} has no net to check"
    help = "{remedy}"
    wrong = """
        block unit(out) {
          conv out k=3 pad=1 -> relu
        }
        """
    mended = """
        block unit(out) {
          conv out k=3 pad=1 -> relu
        }

        net Small {
          input image: [3, 32, 32]
          unit 16
        }
        """


class UnknownNet(Problem):
    """A net is chosen by its name after a colon, of a file or of a bundled spec. Without one, all nets of the file
    are checked."""

    code = "NS509"
    about = "A net that the file does not have"
    title = "{file} has no net `{name}`"
    help = "{remedy}"
    wrong = """
        $ netspec check example.net:Lenet
        net LeNet {
          input image: [1, 28, 28]
          conv 6 k=5 pad=2 -> sigmoid
        }
        """
    mended = """
        $ netspec check example.net:LeNet
        net LeNet {
          input image: [1, 28, 28]
          conv 6 k=5 pad=2 -> sigmoid
        }
        """


class ReuseMismatch(Problem):
    """`reuse label` applies a layer or block again, with the same weights, so that its new input must give weights
    of the same shapes. Those of a convolution depend on its input channels, and not on height and width."""

    code = "NS510"
    about = "A layer used again on what does not fit its weights"
    title = "`{label}` cannot be used again on {shape}"
    label = "{reason}"
    help = "the same weights fit inputs with the same channels; without `reuse` it gets weights of its own"
    wrong = """
        net Twice {
          input image: [8, 28, 28]
          step: conv 16 k=3 pad=1 -> relu
          reuse step
        }
        """
    mended = """
        net Twice {
          input image: [8, 28, 28]
          step: conv 8 k=3 pad=1 -> relu
          reuse step
        }
        """


class TieMismatch(Problem):
    """`tie=label` makes a layer's weight the same tensor as another's, so that both have one shape. Language
    models tie their last layer to the embedding (Press and Wolf, 2017): a table [vocabulary, width] is the weight
    of a `dense vocabulary` on that width."""

    code = "NS511"
    about = "A tied weight of another shape"
    title = "the weight of `{label}` does not fit here"
    label = "{reason}"
    help = "only weights of one shape can be one tensor"
    wrong = """
        net Words {
          input words: int64 [T]
          table: embedding 1000 64
          dense 32 -> tanh
          dense 1000 bias=false tie=table
        }
        """
    mended = """
        net Words {
          input words: int64 [T]
          table: embedding 1000 64
          dense 64 -> tanh
          dense 1000 bias=false tie=table
        }
        """


class FiguresTooLarge(Problem):
    """Repeats of repeats multiply, and cost nothing to check. Their parameters and costs are numbers of any
    length, which could take long to compute, and so have at most 4,000 digits."""

    code = "NS512"
    about = "Figures that are too large"
    title = "the figures of {net} have more than {limit} digits"
    help = "no network is that large: lower the counts of its repeats"
    wrong = """
        net Large {
          input features: [8]
          # 70 times: repeat 10 ** 59 {
          dense 8
          # 70 times: }
        }
        """
    mended = """
        net Large {
          input features: [8]
          # 70 times: repeat 10 {
          dense 8
          # 70 times: }
        }
        """


class SizeTooLong(Problem):
    """A symbolic size is a formula. Where layers cannot be simplified it grows with each of them, and multiplying
    axes multiplies the terms. Beyond 5,000, or 200 in a quotient, nobody reads it, and computing with it takes long;
    numbers have no such bound."""

    code = "NS513"
    about = "A symbolic size that is too long"
    title = "a size has too many terms"
    label = f"more than {limits.TERMS:,} terms when written out, or {limits.QUOTIENT} in a quotient"
    help = "give symbols values with `--set`, or `H=224` in the input"
    wrong = """
        net Zoom {
          input image: [3, H, W]
          repeat 10 { maxpool 3 stride=2 pad=1 -> upsample 3 }
        }
        """
    mended = """
        net Zoom {
          input image: [3, H=64, W=64]
          repeat 10 { maxpool 3 stride=2 pad=1 -> upsample 3 }
        }
        """


class BadCondition(Problem):
    """`where` after an input's shape says what a symbol of that shape may be: a range, `H >= 64` or `64 <= H <= 1024`,
    or a remainder, `H % 32 == 0`. Each condition is about one symbol, with numbers on the other sides; several are
    separated by commas. The net is then checked for all sizes that meet them, and refuses others. `--symbolic "width >=
    16 and width % 8 == 0"` says the same of a parameter or size that it leaves open."""

    code = "NS514"
    about = "A condition that is neither a range nor a remainder"
    title = "this is no condition on a size"
    label = "{reason}"
    help = "{remedy}"
    wrong = """
        net Thumb {
          input image: [3, H=64, W=64] where H * 2 >= 64
          conv 8 k=1
        }
        """
    mended = """
        net Thumb {
          input image: [3, H=64, W=64] where H >= 32
          conv 8 k=1
        }
        """


class NoSizes(Problem):
    """The conditions on a symbol are met by at least one size together. `H % 32 == 0` leaves 32, 64, 96 and so on, and
    `H <= 20` none of these."""

    code = "NS515"
    about = "Conditions that no size meets"
    title = "no {name} meets its conditions"
    label = "no size that the others leave meets `{condition}`"
    help = "{remedy}"
    wrong = """
        net Thumb {
          input image: [3, H, W] where H % 32 == 0, H <= 20
          conv 8 k=1
        }
        """
    mended = """
        net Thumb {
          input image: [3, H, W] where H % 32 == 0, H <= 256
          conv 8 k=1
        }
        """
