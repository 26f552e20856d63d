"""W1xx and W2xx: specs that are sound and yet probably not meant. W1xx is about names, W2xx about layers.

A comment `# allow: W204` says that it is meant.
"""

from __future__ import annotations

from netspec.diagnostics import Problem

# -- names ----------------------------------------------------------------------------------------------


class UnusedBlock(Problem):
    """A block that no net of its file uses is never checked: what is wrong in it comes out when it is used. A file
    without nets is a library, where nothing is said. A block that is there for other files may be allowed."""

    code = "W101"
    severity = "warning"
    about = "A block that is never used"
    title = "block `{name}` is never used"
    label = "no net of this file uses it"
    help = "use it, or take it out"
    wrong = """
        block unit(out) {
          conv out k=3 pad=1 bias=false -> batchnorm -> relu
        }
        net Small {
          input image: [3, 32, 32]
          conv 16 k=3 pad=1 -> relu
          globalavgpool -> flatten -> dense 10
        }
        """
    mended = """
        block unit(out) {
          conv out k=3 pad=1 bias=false -> batchnorm -> relu
        }
        net Small {
          input image: [3, 32, 32]
          unit 16
          globalavgpool -> flatten -> dense 10
        }
        """


class UnusedParameter(Problem):
    """A parameter that its block or net never mentions changes nothing, whatever it is given: often a layer has a
    number in its place."""

    code = "W102"
    severity = "warning"
    about = "A parameter that is never used"
    title = "parameter `{name}` of `{owner}` is never used"
    label = "nothing in `{owner}` mentions it"
    help = "use it, take it out, or call it `_{name}`"
    wrong = """
        net Small(classes = 10) {
          input x: [64]
          dense 32 -> relu
          dense 10
        }
        """
    mended = """
        net Small(classes = 10) {
          input x: [64]
          dense 32 -> relu
          dense classes
        }
        """


class UnusedLet(Problem):
    """A `let` whose value nothing takes: no layer, no claim, no other value. A second `let` of the same name takes
    the place of the first from its line on."""

    code = "W103"
    severity = "warning"
    about = "A `let` that is never used"
    title = "`{name}` is never used"
    label = "nothing takes this value"
    help = "use it, take it out, or call it `_{name}`"
    wrong = """
        net Small {
          input x: [64]
          let hidden = 32
          dense 16 -> relu
          dense 10
        }
        """
    mended = """
        net Small {
          input x: [64]
          let hidden = 32
          dense hidden -> relu
          dense 10
        }
        """


class UnusedIndex(Problem):
    """A loop gives its name a value in every iteration. `repeat 3 { ... }` needs no name; where a list of tuples is
    taken apart, a name that begins with `_` says that its part is not needed."""

    code = "W104"
    severity = "warning"
    about = "A loop's name that is never used"
    title = "`{name}` is never used in its loop"
    label = "nothing in the loop mentions it"
    help = "{remedy}"
    wrong = """
        net Small {
          input image: [3, 32, 32]
          for (width, stride) in ((16, 1), (32, 2)) {
            conv width k=3 pad=1 -> relu
          }
        }
        """
    mended = """
        net Small {
          input image: [3, 32, 32]
          for (width, stride) in ((16, 1), (32, 2)) {
            conv width k=3 stride=stride pad=1 -> relu
          }
        }
        """


class UnusedTensor(Problem):
    """An `input` that does not flow by itself, a `param` and a `constant` stand beside the flow and come in by their
    names. A trained tensor that nothing takes counts as parameters and learns nothing."""

    code = "W105"
    severity = "warning"
    about = "An input, `param` or `constant` that is never used"
    title = "{kind} `{name}` is never used"
    label = "no layer takes it"
    help = "bring it in by its name, `{example}`, or take it out"
    wrong = """
        net Tokens {
          input words: int64 [16]
          param position: [16, 64]
          embedding 1000 64
          dense 64 -> relu
        }
        """
    mended = """
        net Tokens {
          input words: int64 [16]
          param position: [16, 64]
          embedding 1000 64 -> add with position
          dense 64 -> relu
        }
        """


class HiddenName(Problem):
    """The innermost definition of a name holds. Where a parameter, a `let`, a loop's name or a label is called as one
    outside it, a reader may take the one for the other. A value made of the outer one, `let n = n // 2`, is a new
    version of it and nothing is said."""

    code = "W106"
    severity = "warning"
    about = "A name that hides another"
    title = "`{name}` hides {outer} of the same name"
    label = "from here on {inner}"
    help = "give one of them another name"
    wrong = """
        let width = 64
        block unit(width) {
          dense width -> relu
        }
        net Small {
          input x: [16]
          unit 32
          dense width
        }
        """
    mended = """
        let width = 64
        block unit(out) {
          dense out -> relu
        }
        net Small {
          input x: [16]
          unit 32
          dense width
        }
        """


class ReplacedLayer(Problem):
    """A block or net of a file takes the place of a built-in layer or a library block of its name, in that file. A
    reader who knows the other one is misled."""

    code = "W107"
    severity = "warning"
    about = "A block with the name of a layer"
    title = "{kind} `{name}` replaces {what} of the same name"
    label = "in this file `{name}` is this {kind}"
    help = "give it another name"
    wrong = """
        block relu() {
          leakyrelu 0.1
        }
        net Small {
          input x: [16]
          dense 32 -> relu
        }
        """
    mended = """
        block leaky() {
          leakyrelu 0.1
        }
        net Small {
          input x: [16]
          dense 32 -> leaky
        }
        """


class ConstantCondition(Problem):
    """An `if` chooses when the file is checked. Where its test has nothing in it that could change, neither a
    parameter nor a shape, and comes out the same in every iteration, the other way is never taken."""

    code = "W108"
    severity = "warning"
    about = "An `if` that always goes one way"
    title = "this condition is always {outcome}"
    label = "{outcome}, whatever the parameters are"
    help = "do without the `if`, or make a parameter of what should decide"
    wrong = """
        let normalise = false
        net Small {
          input x: [16]
          dense 32
          if normalise { batchnorm }
          relu
        }
        """
    mended = """
        net Small(normalise = false) {
          input x: [16]
          dense 32
          if normalise { batchnorm }
          relu
        }
        """


class BadAllow(Problem):
    """`# allow: W204` is followed by codes of warnings, with commas between them, and then by a reason if you like. An
    error cannot be allowed: it has to be mended."""

    code = "W109"
    severity = "warning"
    about = "An `# allow:` without the code of a warning"
    title = "{what}"
    label = "{why}"
    help = "{remedy}"
    wrong = """
        net Small {
          input image: [1, 13, 13]
          maxpool 2   # allow: W202, NS202 the last row is dark
        }
        """
    mended = """
        net Small {
          input image: [1, 13, 13]
          maxpool 2   # allow: W202 the last row is dark
        }
        """


# -- layers ---------------------------------------------------------------------------------------------


class DenseOnImage(Problem):
    """`dense` maps the last axis by itself: of an image [C, H, W] each row of pixels, with one matrix for all rows and
    channels. A classifier flattens the image first. On a sequence [T, D] the last axis is the features, as it is of
    an image after `permute`."""

    code = "W201"
    severity = "warning"
    about = "A dense layer on an image"
    title = "`dense` on an image of {shape} sees single rows"
    label = "maps each of {rows} rows of {features} by itself, all with one matrix"
    help = "`flatten` before it makes one vector of all {elements}; `conv {out} k=1` maps the channels of every pixel"
    wrong = """
        net Small {
          input image: [1, 28, 28]
          conv 8 k=5 -> relu -> maxpool 2
          dense 10
        }
        """
    mended = """
        net Small {
          input image: [1, 28, 28]
          conv 8 k=5 -> relu -> maxpool 2
          flatten -> dense 10
        }
        """


class InputLeftOut(Problem):
    """Windows move by the stride, and the last may end before the input does: of floor((n - k) / stride) + 1 windows of
    k none reaches the last (n - k) mod stride positions. A stride larger than its window skips positions by design;
    this is about what is lost beyond that."""

    code = "W202"
    severity = "warning"
    about = "A window that does not reach the end of its input"
    title = "`{layer}` leaves out the end of its input"
    label = "{left}"
    help = "{remedy}"
    wrong = """
        net Small {
          input image: [1, 13, 13]
          maxpool 2
        }
        """
    mended = """
        net Small {
          input image: [1, 13, 13]
          maxpool 2 ceil=true
        }
        """


class CancelledBias(Problem):
    """A batchnorm subtracts the mean of each channel, and with it any constant that the layer before has added: the
    bias has no influence on the output and gets no gradient (Ioffe & Szegedy 2015, section 3.2). The batchnorm's own
    bias takes its place."""

    code = "W203"
    severity = "warning"
    about = "A bias before a batchnorm"
    title = "the bias of this `{layer}` is cancelled by the batchnorm after it"
    label = "adds {count} trained numbers, one to each channel"
    help = "`bias=false`: {count} parameters fewer, and the same net"
    wrong = """
        net Small {
          input image: [3, 32, 32]
          conv 16 k=3 pad=1 -> batchnorm -> relu
        }
        """
    mended = """
        net Small {
          input image: [3, 32, 32]
          conv 16 k=3 pad=1 bias=false -> batchnorm -> relu
        }
        """


class ActivationTwice(Problem):
    """Activations bend what a layer with weights has computed. One directly on another adds no such layer; mostly it
    changes nothing (`relu` on what is not negative), or squeezes the range (`softmax` of `sigmoid`)."""

    code = "W204"
    severity = "warning"
    about = "An activation on an activation"
    title = "`{second}` comes directly after `{first}`"
    label = "{effect}"
    help = "keep one of them, or put a layer between"
    wrong = """
        net Small {
          input x: [64]
          dense 32 -> relu
          dense 10 -> sigmoid -> softmax
        }
        """
    mended = """
        net Small {
          input x: [64]
          dense 32 -> relu
          dense 10 -> softmax
        }
        """


class NoEffect(Problem):
    """The exponentials of one number divided by their sum are 1, and the difference of one number to its mean is 0:
    over a single element these layers give the same whatever comes in."""

    code = "W205"
    severity = "warning"
    about = "A softmax or layernorm over one element"
    title = "`{layer}` over one element is always {value}"
    label = "{shape} has one element to work on"
    help = "{remedy}"
    wrong = """
        net Small {
          input x: [64]
          dense 32 -> relu
          dense 1 -> softmax
        }
        """
    mended = """
        net Small {
          input x: [64]
          dense 32 -> relu
          dense 1 -> sigmoid
        }
        """


class DropoutAtEnd(Problem):
    """Dropout keeps the layer after it from relying on single features. On the output of a net there is no such layer:
    in training some of the answers are 0 at random."""

    code = "W206"
    severity = "warning"
    about = "A dropout on the output of a net"
    title = "a dropout is the last layer of `{net}`"
    label = "in training each output is 0 with probability {p}"
    help = "put it before the last layer that has weights, or take it out"
    wrong = """
        net Small {
          input x: [64]
          dense 32 -> relu
          dense 10 -> dropout 0.5
        }
        """
    mended = """
        net Small {
          input x: [64]
          dense 32 -> relu -> dropout 0.5
          dense 10
        }
        """


class AllRepeated(Problem):
    """Sizes of 1 and missing axes are repeated to fit. Usually one input is as large as the result and the others are
    repeated, a gate [C, 1, 1] over a map [C, H, W]. Where none is, each element of the one meets each of the other:
    an outer sum or product, which is seldom meant."""

    code = "W207"
    severity = "warning"
    about = "A merge that repeats all of its inputs"
    title = "`{layer}` repeats all of its inputs"
    label = "{shapes} give {output}"
    help = "bring one of them to {output}, so that only the others are repeated"
    wrong = """
        net Small {
          input image: [8, 16, 16]
          mul {
            | conv 8 k=1 -> globalavgpool
            | conv 1 k=1 -> sigmoid
          }
        }
        """
    mended = """
        net Small {
          input image: [8, 16, 16]
          mul {
            | conv 8 k=1
            | conv 1 k=1 -> sigmoid
          }
        }
        """


class AmbiguousAxis(Problem):
    """Shapes are compared from the last axis, as in numpy, so a vector [C] meets the columns of a map [C, H, W] and not
    its channels. Where C and W are equal this passes without an error."""

    code = "W208"
    severity = "warning"
    about = "A vector that fits two axes"
    title = "`{layer}` takes {vector} as the last axis of {shape}"
    label = "it fits the channels as well"
    help = "`reshape ({size}, {ones})` makes it one number for each channel, `reshape ({ones}, {size})` for each column"
    wrong = """
        net Small {
          input image: [16, 16, 16]
          mul {
            | identity
            | globalavgpool -> flatten -> dense 16 -> sigmoid
          }
        }
        """
    mended = """
        net Small {
          input image: [16, 16, 16]
          mul {
            | identity
            | globalavgpool -> flatten -> dense 16 -> sigmoid -> reshape (16, 1, 1)
          }
        }
        """


class RepeatedChannel(Problem):
    """A shortcut adds what has the same shape. A map with a single channel is repeated over all channels of the other
    without an error; the shortcut then needs a 1x1 convolution, which gives it as many."""

    code = "W209"
    severity = "warning"
    about = "A single channel added to many"
    title = "`{layer}` adds one channel to each of {channels}"
    label = "repeats {small} to {output}"
    help = "`conv {channels} k=1` gives that path {channels} channels"
    wrong = """
        net Small {
          input image: [1, 28, 28]
          add {
            | conv 8 k=3 pad=1 -> relu
            | identity
          }
        }
        """
    mended = """
        net Small {
          input image: [1, 28, 28]
          add {
            | conv 8 k=3 pad=1 -> relu
            | conv 8 k=1
          }
        }
        """


class LostValue(Problem):
    """What a layer computes flows on to the next, or is named elsewhere. After `from` the value before is left behind;
    where nothing takes it up and it is no output, the layer works in vain, and its weights count among the parameters
    without being trained."""

    code = "W210"
    severity = "warning"
    about = "A value that goes nowhere"
    title = "the output of `{name}` goes nowhere"
    label = "nothing takes {shape}{params}"
    help = "take it up with a label and `from`, `with` or `return`, or take the layer out"
    wrong = """
        net Small {
          input x: [64]
          dense 32
          hidden: relu
          side: dense 8
          from hidden -> out: dense 10
        }
        """
    mended = """
        net Small {
          input x: [64]
          dense 32
          hidden: relu
          side: dense 8
          from hidden -> out: dense 10
          return out, side
        }
        """


class UntrainedRouter(Problem):
    """A mixture of experts weights what its chosen experts make by shares that sum to 1. Of a single one the share is
    always 1, whatever its score is, so that no gradient reaches the router: it chooses as it began. The Switch
    Transformer (Fedus et al. 2021), which chooses one, takes its share of the softmax over all experts."""

    code = "W211"
    severity = "warning"
    about = "A router of experts that cannot learn"
    title = "the router of {experts} experts is never trained: the share of a single chosen one is always 1"
    label = "no gradient reaches `gate`"
    help = "`normalised=false` for its share of all experts, or `top=2`"
    wrong = """
        net Switch {
          input text: [T, 512]
          experts 8 hidden=2048 top=1
        }
        """
    mended = """
        net Switch {
          input text: [T, 512]
          experts 8 hidden=2048 top=1 normalised=false
        }
        """
