"""NS2xx: names, arguments and values."""

from __future__ import annotations

from netspec.diagnostics import Problem


class UnknownLayer(Problem):
    """A chain is made of layers: built-in ones, blocks of the standard library, and the file's own blocks and
    nets. `netspec layers` lists the first two. Names of other frameworks are known as suggestions, not as
    aliases, so that every spec is written in the same words."""

    code = "NS201"
    about = "A layer that does not exist"
    title = "there is no {kind} `{name}`"
    label = "not a {kinds}"
    help = "{remedy}"
    wrong = """
        net Digits {
          input image: [1, 28, 28]
          flatten
          linear 128 -> relu -> dense 10
        }
        """
    mended = """
        net Digits {
          input image: [1, 28, 28]
          flatten
          dense 128 -> relu -> dense 10
        }
        """


class UnknownName(Problem):
    """A name in a value is a parameter, a `let`, a loop's index, a label, or a block or layer. A `let` of a body and
    a label are known from their line on, in that body and the bodies in it; what a block defines is not seen
    outside it."""

    code = "NS202"
    about = "A name that is not defined"
    title = "`{name}` is not defined"
    label = "not a parameter, `let`, index or label here"
    help = "{remedy}"
    wrong = """
        net Residual {
          input image: [64, 28, 28]
          stem: conv 64 k=3 pad=1
          relu -> conv 64 k=3 pad=1
          add with steam
        }
        """
    mended = """
        net Residual {
          input image: [64, 28, 28]
          stem: conv 64 k=3 pad=1
          relu -> conv 64 k=3 pad=1
          add with stem
        }
        """


class UnknownArgument(Problem):
    """A layer takes the arguments of its own table (`netspec layers NAME`), a block and a net those in its head.
    Each has one name: `k`, `stride` and `pad`, whatever other frameworks call them. An unknown one is an error,
    because leaving it out silently would build another net than the one that is meant."""

    code = "NS203"
    about = "An argument that does not exist"
    title = "`{layer}` has no argument `{name}`"
    label = "not an argument of `{layer}`"
    help = "{remedy}"
    wrong = """
        net Stem {
          input image: [3, 32, 32]
          conv 16 k=3 padding=1 -> relu
        }
        """
    mended = """
        net Stem {
          input image: [3, 32, 32]
          conv 16 k=3 pad=1 -> relu
        }
        """


class RepeatedArgument(Problem):
    """An argument is given once, by position or by name. The first value without a name of `conv` is `out`, so
    that `out=32` gives it again."""

    code = "NS204"
    about = "An argument that is given twice"
    title = "`{name}` is given twice"
    label = "given again"
    help = "keep one of them"
    wrong = """
        net Stem {
          input image: [3, 32, 32]
          conv 16 k=3 out=32 -> relu
        }
        """
    mended = """
        net Stem {
          input image: [3, 32, 32]
          conv 32 k=3 -> relu
        }
        """


class MissingArgument(Problem):
    """An argument without a default must be given. A convolution has no usual number of channels and no usual
    window; its stride of 1 and its padding of 0 are defaults."""

    code = "NS205"
    about = "An argument that is missing"
    title = "`{layer}` needs `{name}`"
    label = "`{name}` is missing"
    help = "for example: `{example}`"
    wrong = """
        net Stem {
          input image: [3, 32, 32]
          conv 16 -> relu
        }
        """
    mended = """
        net Stem {
          input image: [3, 32, 32]
          conv 16 k=3 -> relu
        }
        """


class BadArgument(Problem):
    """An argument has a type and a range of its own: a window is a whole number above 0, a rate of dropout a
    fraction below 1. Nothing is converted, so that 3.0 is no window, and true is not 1."""

    code = "NS206"
    about = "A value that an argument cannot have"
    title = "`{name}` of `{layer}` cannot be {value}"
    label = "must be {needed}"
    help = "{remedy}"
    wrong = """
        net Head {
          input features: [512]
          dropout 50
          dense 10
        }
        """
    mended = """
        net Head {
          input features: [512]
          dropout 0.5
          dense 10
        }
        """


class TooManyArguments(Problem):
    """Only the arguments that a paper's table puts first may be given without their names: the channels of a
    convolution, the window of a pool. A row of bare numbers would have to be looked up by every reader."""

    code = "NS207"
    about = "Too many arguments without a name"
    title = "too many arguments without a name for `{layer}`"
    label = "`{layer}` takes {most} by position"
    help = "{remedy}"
    wrong = """
        net Pooled {
          input maps: [96, 55, 55]
          maxpool 3 2
        }
        """
    mended = """
        net Pooled {
          input maps: [96, 55, 55]
          maxpool 3 stride=2
        }
        """


class DuplicateName(Problem):
    """Within one body a label names one layer, because it is the name of that layer's weights. Within one file
    a `let`, block or net is defined once. A label in a loop gets the index into its text: "conv{i}". The outputs of a
    body have names of their own too: `return a.state, b.state as other`."""

    code = "NS208"
    about = "A name that is defined twice"
    title = "`{name}` is defined twice"
    label = "defined again"
    help = "{remedy}"
    wrong = """
        net Features {
          input image: [3, 32, 32]
          conv1: conv 16 k=3 -> relu
          conv1: conv 32 k=3 -> relu
        }
        """
    mended = """
        net Features {
          input image: [3, 32, 32]
          conv1: conv 16 k=3 -> relu
          conv2: conv 32 k=3 -> relu
        }
        """


class NotALayer(Problem):
    """A step of a chain is a layer, a block or a net. A number is an argument of one, and a label is a value that
    is there already: `from label` starts a chain from it, and `reuse label` applies its layer again."""

    code = "NS209"
    about = "A step that is not a layer"
    title = "`{name}` is not a {kind}"
    label = "this is {what}"
    help = "{remedy}"
    wrong = """
        let hidden = 128

        net Digits {
          input pixels: [784]
          hidden -> relu -> dense 10
        }
        """
    mended = """
        let hidden = 128

        net Digits {
          input pixels: [784]
          dense hidden -> relu -> dense 10
        }
        """


class NotAValue(Problem):
    """Each place needs one kind of value: a tensor after `from` and `with`, a list after `in`, a whole number
    after `repeat`, true or false after `if` and `assert`. There is no conversion between them; a number other
    than 0, for one, is not true."""

    code = "NS210"
    about = "A value of the wrong kind"
    title = "this needs {needed}"
    label = "this is {what}"
    help = "{remedy}"
    wrong = """
        net Funnel {
          input features: [256]
          for width in 128 { dense width -> relu }
          dense 10
        }
        """
    mended = """
        net Funnel {
          input features: [256]
          for width in (128, 64) { dense width -> relu }
          dense 10
        }
        """


class UnknownMember(Problem):
    """A value has the facts of its shape as members: `shape`, `rank`, `channels` (the first size), `elements`,
    `dtype`. A label has also the labels inside its scope and the outputs of its layer, and in an `assert` the
    figures, such as `params`."""

    code = "NS211"
    about = "A member that does not exist"
    title = "`{owner}` has no member `{name}`"
    label = "no such member"
    help = "{remedy}"
    wrong = """
        net Bottleneck {
          input image: [256, 14, 14]
          conv (it.chanels // 4) k=1 -> relu
        }
        """
    mended = """
        net Bottleneck {
          input image: [256, 14, 14]
          conv (it.channels // 4) k=1 -> relu
        }
        """


class BadOperation(Problem):
    """Arithmetic works on numbers and sizes of a bounded length. A size is a whole number at every value of its
    symbols, so that it is divided by `//`, which rounds down, and not by `/`. Nothing is divided by 0."""

    code = "NS212"
    about = "A value that cannot be computed"
    title = "this cannot be computed"
    label = "{reason}"
    help = "{remedy}"
    wrong = """
        net Halved {
          input image: [3, H, W]
          conv 8 k=2 stride=2   -> [8, H / 2, W // 2]
        }
        """
    mended = """
        net Halved {
          input image: [3, H, W]
          conv 8 k=2 stride=2   -> [8, H // 2, W // 2]
        }
        """


class OutOfRange(Problem):
    """The values of a list are numbered from 0, and from the end with -1, as in Python: a list of 3 has the
    numbers 0 to 2."""

    code = "NS213"
    about = "An index outside of its list"
    title = "index {index} is out of range"
    label = "of a list with {count}"
    help = "{rule}"
    wrong = """
        let widths = (64, 128, 256)

        net Funnel {
          input features: [512]
          dense widths[3]
        }
        """
    mended = """
        let widths = (64, 128, 256)

        net Funnel {
          input features: [512]
          dense widths[2]
        }
        """


class UnknownFunction(Problem):
    """Values are computed with a few functions; there are no others and none can be defined. `int` leaves the
    fraction out, so that it is what other languages call floor for all that is counted here."""

    code = "NS214"
    about = "A function that does not exist"
    title = "there is no function `{name}`"
    label = "not a function"
    help = "functions: {known}"
    wrong = """
        net Scaled {
          input image: [3, 32, 32]
          conv floor(1.4 * 24) k=3
        }
        """
    mended = """
        net Scaled {
          input image: [3, 32, 32]
          conv int(1.4 * 24) k=3
        }
        """


class BadLabel(Problem):
    """A label names an attribute of a PyTorch module and the weights in it, so that it is made of ASCII letters,
    digits and `_`. A dot separates the parts of a weight's name, `block.0.weight`: each part is a label of its
    own, on a group."""

    code = "NS215"
    about = "A text that cannot be a label"
    title = "`{name}` cannot be a label"
    label = "{reason}"
    help = "use letters, digits and `_`"
    wrong = """
        net Features {
          input image: [3, 32, 32]
          "features.0": conv 64 k=3
        }
        """
    mended = """
        net Features {
          input image: [3, 32, 32]
          features: { 0: conv 64 k=3 }
        }
        """


class FactsOnlyInAssert(Problem):
    """Parameters and costs are known when the whole net is, and a net that depended on its own figures might have
    none. So they can be claimed, and not used to build it. Shapes are known at every place."""

    code = "NS216"
    about = "A figure outside of `assert`"
    title = "`{name}` can only be used in `assert`"
    label = "not known yet at this place"
    help = "shapes are known everywhere: `x.channels`, `x.shape[0]`"
    wrong = """
        net Mirror {
          input features: [64]
          hidden: dense 32
          relu -> dense hidden.params
        }
        """
    mended = """
        net Mirror {
          input features: [64]
          hidden: dense 32
          relu -> dense hidden.channels
        }
        """


class UnknownSetting(Problem):
    """`--set` gives values to the parameters of a net and to the symbols of its inputs. A name that the net does
    not have would change nothing, and the figures would be taken for those of another net."""

    code = "NS217"
    about = "A setting that the net does not have"
    title = "`{net}` has no parameter or symbol `{name}`"
    help = "{remedy}"
    wrong = """
        $ netspec check example.net --set clases=100
        net Head(classes = 10) {
          input features: [512]
          dense classes
        }
        """
    mended = """
        $ netspec check example.net --set classes=100
        net Head(classes = 10) {
          input features: [512]
          dense classes
        }
        """


class UnknownSymbolic(Problem):
    """`--symbolic NAME` leaves a parameter of the net, or a size of its inputs, symbolic. A name that the net does not
    have would leave nothing so. A file is named before it: `netspec check example.net --symbolic`."""

    code = "NS220"
    about = "A name to leave symbolic that the net does not have"
    title = "`{net}` has no parameter or symbol `{name}` to leave symbolic"
    help = "{remedy}"
    wrong = """
        $ netspec check example.net --symbolic widht
        net Head(width = 64) {
          input features: [512]
          dense width
        }
        """
    mended = """
        $ netspec check example.net --symbolic width
        net Head(width = 64) {
          input features: [512]
          dense width
        }
        """


class NotSymbolic(Problem):
    """A parameter whose usual value is a whole number can be left symbolic: it then stands for every whole number from
    1. Lists, texts, truth values and numbers with a fraction decide which layers there are, or are no sizes."""

    code = "NS221"
    about = "A parameter that cannot be left symbolic"
    title = "`{name}` cannot be left symbolic: it {what}"
    label = "is no whole number"
    help = "{remedy}"
    wrong = """
        $ netspec check example.net --symbolic rate
        net Head(width = 64, rate = 0.5) {
          input features: [512]
          dropout rate -> dense width
        }
        """
    mended = """
        $ netspec check example.net --symbolic width
        net Head(width = 64, rate = 0.5) {
          input features: [512]
          dropout rate -> dense width
        }
        """


class MissingParameter(Problem):
    """A net can be checked when all its parameters have values: from defaults, from `--set`, or from an instance,
    `net Ten = Head classes=10`."""

    code = "NS218"
    about = "A parameter of a net without a value"
    title = "`{net}` needs a value for `{name}`"
    label = "no default"
    help = "give one with `--set {name}=...`, or a default in the file"
    wrong = """
        net Head(classes) {
          input features: [512]
          dense classes
        }
        """
    mended = """
        $ netspec check example.net --set classes=100
        net Head(classes) {
          input features: [512]
          dense classes
        }
        """


class UnknownDtype(Problem):
    """The elements of a tensor have one of a few types: `float32` where none is written, `float16`, `bfloat16`,
    `float64`, `int64`, `int32` and `bool`. They decide which layers fit and how many bytes a value takes."""

    code = "NS219"
    about = "An element type that does not exist"
    title = "there is no element type `{name}`"
    label = "not an element type"
    help = "{remedy}"
    wrong = """
        net Tagger {
          input words: long [T]
          embedding 10_000 100 -> dense 17
        }
        """
    mended = """
        net Tagger {
          input words: int64 [T]
          embedding 10_000 100 -> dense 17
        }
        """
