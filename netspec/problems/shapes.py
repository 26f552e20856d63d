"""NS3xx: layers that do not fit what comes in."""

from __future__ import annotations

from netspec.diagnostics import Problem


class RankMismatch(Problem):
    """Each layer takes tensors of certain forms: a convolution [C, L], [C, H, W] or [C, D, H, W], that is channels
    and one to three spatial axes. Shapes are those of one sample, so that there is no axis for the batch."""

    code = "NS301"
    about = "A tensor with the wrong number of axes"
    title = "wrong number of axes: {shape}"
    label = "takes {expected}, gets {shape}"
    help = "{remedy}"
    wrong = """
        net Digits {
          input pixels: [784]
          conv 6 k=5 -> relu
        }
        """
    mended = """
        net Digits {
          input pixels: [1, 28, 28]
          conv 6 k=5 -> relu
        }
        """


class AxesMismatch(Problem):
    """A window, stride or padding is one number for every spatial axis, or one per axis: `k=3x5` is 3 in height
    and 5 in width. The number of spatial axes comes from the input, all of whose axes but the first are
    spatial."""

    code = "NS302"
    about = "A value per axis, for another number of axes"
    title = "`{name}` has {given} values for {axes} axes"
    label = "{given} values, {axes} spatial axes"
    help = "write one number for every axis, or {axes} of them"
    wrong = """
        net Audio {
          input signal: [1, 16_000]
          conv 32 k=3x3 -> relu
        }
        """
    mended = """
        net Audio {
          input signal: [1, 16_000]
          conv 32 k=3 -> relu
        }
        """


class WindowTooLarge(Problem):
    """A window of a convolution or pool must fit into its padded input, else no output is left. Along each axis the
    output has the size (Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016)

    `(size + padding - dilation * (k - 1) - 1) // stride + 1`

    Often the layer that is told is sound, and one pool too many stands before it."""

    code = "NS303"
    about = "A window larger than its padded input"
    title = "the window is larger than its padded input"
    label = "{window} over {padded} along the {axis}: {formula} = {result}"
    help = "{remedy}"
    sight = "would see {padded} {unit} of {window}"
    wrong = """
        net Shrinking {
          input image: [3, 30, 30]
          repeat 4 { conv 16 k=3 -> relu -> maxpool 2 }
        }
        """
    mended = """
        net Shrinking {
          input image: [3, 30, 30]
          repeat 3 { conv 16 k=3 -> relu -> maxpool 2 }
        }
        """


class GroupsDoNotDivide(Problem):
    """Groups have equally many channels. Those of a convolution divide the channels that come in and those that go
    out, since each group is a convolution of its own; those of a group normalisation or a channel shuffle divide
    the channels that come in."""

    code = "NS304"
    about = "Channels that do not split into groups"
    title = "{channels} {which} do not split into {groups} groups"
    label = "does not divide {channels}"
    help = "groups: {divisors}"
    wrong = """
        net Normed {
          input image: [48, 28, 28]
          groupnorm 32 -> relu
        }
        """
    mended = """
        net Normed {
          input image: [48, 28, 28]
          groupnorm 16 -> relu
        }
        """


class ReflectTooFar(Problem):
    """Padding by reflection takes its values from the input, beginning beside the edge, so that it reaches at most
    size - 1 far. Circular padding goes once around, and reaches at most size. Zeros and copies of the edge have no
    such bound."""

    code = "NS305"
    about = "A padding that reaches beyond what it copies"
    title = "`{argument}={mode}` cannot pad {size} by {pad}"
    label = "at most {most} along the {axis}"
    help = "pad by at most {most}, or use {argument}={none} or replicate"
    sight = "would pad {size} by {pad} along the {axis}"
    wrong = """
        net Patches {
          input patch: [3, 4, 4]
          conv 16 k=9 pad=4 pad_mode=reflect
        }
        """
    mended = """
        net Patches {
          input patch: [3, 4, 4]
          conv 16 k=9 pad=4 pad_mode=replicate
        }
        """


class ConnectionsMismatch(Problem):
    """A table of connections has a row for each output map, with the numbers of the input maps that it sees, from
    0. It breaks the symmetry between maps and saves weights, as in layer C3 of LeNet-5 (LeCun, Bottou, Bengio and
    Haffner, 1998, table I)."""

    code = "NS306"
    about = "A connection table that does not fit"
    title = "the connection table does not fit"
    label = "{what}"
    help = "{rule}"
    wrong = """
        let table = ((0, 1), (1, 2), (2, 3))

        net Sparse {
          input maps: [3, 14, 14]
          conv 3 k=5 connect=table
        }
        """
    mended = """
        let table = ((0, 1), (1, 2), (2, 0))

        net Sparse {
          input maps: [3, 14, 14]
          conv 3 k=5 connect=table
        }
        """


class LiteralMismatch(Problem):
    """Weights that are written into the spec have the shape that the layer would train: [out, in / groups, *k] for
    a convolution, [out, in] for `dense`. Leading axes of size 1 may be left out, so that a filter from one channel
    to one can be written as it is drawn."""

    code = "NS307"
    about = "Given weights of the wrong shape"
    title = "`{name}` has the wrong shape"
    label = "these numbers are {given}, the layer needs {needed}"
    help = "leading axes of size 1 may be left out"
    wrong = """
        let sobel = [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]

        net Edges {
          input image: [3, 32, 32]
          conv 1 k=3 bias=false weight=sobel
        }
        """
    mended = """
        let sobel = [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]

        net Edges {
          input image: [1, 32, 32]
          conv 1 k=3 bias=false weight=sobel
        }
        """


class OptionsConflict(Problem):
    """Two arguments that say the same in two ways could contradict each other, so that only one of them may be
    given."""

    code = "NS308"
    about = "Arguments that exclude each other"
    title = "`{first}` and `{second}` exclude each other"
    label = "{why}"
    help = "leave one of them out"
    wrong = """
        net Enlarged {
          input image: [3, 14, 14]
          upsample 2 size=28
        }
        """
    mended = """
        net Enlarged {
          input image: [3, 14, 14]
          upsample 2
        }
        """


class OutputPadTooLarge(Problem):
    """A convolution with a stride maps several sizes to one, so that a transposed convolution has several sizes to
    choose from. `output_pad` is how much its output is larger than the smallest of them:

    `(size - 1) * stride - padding + dilation * (k - 1) + 1 + output_pad`

    It is below the stride or the dilation, since a larger output would be that of a larger input."""

    code = "NS309"
    about = "An `output_pad` that is too large"
    title = "`output_pad` is too large"
    label = "{given} along the {axis}, must be below max(stride, dilation) = {limit}"
    help = "at most {most}"
    wrong = """
        net Decoder {
          input code: [32, 7, 7]
          upconv 16 k=3 stride=2 output_pad=2
        }
        """
    mended = """
        net Decoder {
          input code: [32, 7, 7]
          upconv 16 k=3 stride=2 output_pad=1
        }
        """


class NothingLeft(Problem):
    """Every axis of an output has at least one element. A size that is scaled is rounded down, so that a small
    scale leaves nothing of a small axis."""

    code = "NS310"
    about = "An axis of which nothing is left"
    title = "nothing is left of the {axis}"
    label = "{formula} = {result}"
    help = "{remedy}"
    sight = "would have nothing left of the {axis}"
    wrong = """
        net Thumbnail {
          input image: [3, 8, 8]
          upsample 0.1
        }
        """
    mended = """
        net Thumbnail {
          input image: [3, 8, 8]
          upsample 0.5
        }
        """


class DtypeMismatch(Problem):
    """Most layers compute with floating point numbers. An embedding looks up the rows of a table by their numbers,
    and takes integers: `int64` or `int32` in the input. A mask of attention holds truth values, `bool`, or floating
    point numbers, and is its last input, with `mask=true`."""

    code = "NS311"
    about = "Elements of the wrong type"
    title = "`{layer}` takes {needed}, gets {dtype}"
    label = "gets {shape}"
    help = "{remedy}"
    wrong = """
        net Tagger {
          input words: [T]
          embedding 10_000 100 -> dense 17
        }
        """
    mended = """
        net Tagger {
          input words: int64 [T]
          embedding 10_000 100 -> dense 17
        }
        """


class AxisOutOfRange(Problem):
    """Axes are those of one sample, without the batch: axis 0 of an image [C, H, W] is its channels, where PyTorch
    counts the batch as 0 and the channels as 1. Negative axes count from the end, in both."""

    code = "NS312"
    about = "An axis that the tensor does not have"
    title = "`{name}` {axis} is not an axis of {shape}"
    label = "{axes}"
    help = "axes are counted without the batch: axis 0 of [C, H, W] is C"
    wrong = """
        net Classifier {
          input features: [64]
          dense 10 -> softmax axis=1
        }
        """
    mended = """
        net Classifier {
          input features: [64]
          dense 10 -> softmax axis=0
        }
        """


class AxisTwice(Problem):
    """A list of axes names each axis at most once. A negative number counts from the end, and may name an axis
    that stands in the list already."""

    code = "NS313"
    about = "An axis that is named twice"
    title = "axis {axis} is named twice"
    label = "{given} of {shape}"
    help = "name each axis once; -1 is axis {last}"
    wrong = """
        net Pooled {
          input maps: [512, 7, 7]
          reduce mean axes=(1, -2)
        }
        """
    mended = """
        net Pooled {
          input maps: [512, 7, 7]
          reduce mean axes=(1, -1)
        }
        """


class PadOverHalf(Problem):
    """A pool's window may lie in the padding by at most half of its size, so that each window sees some of the
    input. PyTorch has the same rule."""

    code = "NS314"
    about = "A padding of more than half of the window"
    title = "the padding is more than half of the window"
    label = "{pad} along the {axis}, the window is {window}"
    help = "at most {most} for a window of {window}, or a `pad` layer before the pool"
    wrong = """
        net Stem {
          input image: [64, 56, 56]
          maxpool 3 pad=2 stride=2
        }
        """
    mended = """
        net Stem {
          input image: [64, 56, 56]
          maxpool 3 pad=1 stride=2
        }
        """


class OnlyPadding(Problem):
    """The taps of a dilated window are `dilation` apart, and can step over a small input, so that they read
    nothing but padding. The maximum of nothing is minus infinity, which spoils all that follows."""

    code = "NS315"
    about = "A window that sees nothing but padding"
    title = "a window of the {axis} sees nothing but padding"
    label = "taps {dilation} apart step over an input of {size}"
    help = "a dilation of at most {size}, or no padding"
    sight = "would see nothing but padding"
    wrong = """
        net Context {
          input map: [8, 2, 16]
          maxpool 2 stride=1 dilation=3 pad=1
        }
        """
    mended = """
        net Context {
          input map: [8, 2, 16]
          maxpool 2 stride=1 dilation=2 pad=1
        }
        """


class WindowBeyondInput(Problem):
    """In a 3-D average pool each side of the window must fit into the input without its padding. This is a rule of
    PyTorch, whose other pools have no such bound."""

    code = "NS316"
    about = "A window larger than its input, in a 3-D average pool"
    title = "the window is larger than the input"
    label = "{window} over {size} along the {axis}"
    help = "a window of at most {size}: padding does not count in a 3-D average pool"
    sight = "would see {size} of {window} along the {axis}"
    wrong = """
        net Video {
          input clip: [16, 2, 28, 28]
          avgpool 3 stride=1 pad=1
        }
        """
    mended = """
        net Video {
          input clip: [16, 2, 28, 28]
          avgpool 1x3x3 stride=1 pad=(0, 1, 1)
        }
        """


class ReshapeMismatch(Problem):
    """Reshaping gives the elements of a tensor another form, in their order, and keeps their number: the product
    of the sizes. One entry may be -1, and is computed from the others."""

    code = "NS317"
    about = "A reshape that changes the number of elements"
    title = "{shape} does not reshape to {target}"
    label = "{given} elements, the input has {elements}"
    help = "{remedy}"
    wrong = """
        net Patches {
          input maps: [768, 14, 14]
          reshape (768, 197)
        }
        """
    mended = """
        net Patches {
          input maps: [768, 14, 14]
          reshape (768, 196)
        }
        """


class ReshapeEntries(Problem):
    """The sizes that a reshape gives are at least 1. One of them may be -1, which stands for what is left; of two
    nobody could tell how large each is."""

    code = "NS318"
    about = "A list of sizes that is no shape"
    title = "{target} is not a shape"
    label = "{what}"
    help = "sizes are 1 or more; one of them may be -1, for what is left"
    wrong = """
        net Patches {
          input maps: [768, 14, 14]
          reshape (-1, -1)
        }
        """
    mended = """
        net Patches {
          input maps: [768, 14, 14]
          reshape (768, -1)
        }
        """


class PermuteMismatch(Problem):
    """A permutation names every axis of the sample once, in the new order. The batch is not an axis here: what
    PyTorch calls `permute(0, 2, 3, 1)` is `permute (1, 2, 0)`."""

    code = "NS319"
    about = "A list of axes that is no permutation"
    title = "{given} is not a permutation of the axes of {shape}"
    label = "{count} of {rank} axes"
    help = "name each of the axes 0 to {last} once, in their new order"
    wrong = """
        net Tokens {
          input maps: [768, 14, 14]
          permute (1, 2)
        }
        """
    mended = """
        net Tokens {
          input maps: [768, 14, 14]
          permute (1, 2, 0)
        }
        """


class SliceOutside(Problem):
    """A slice takes the positions from `start` to before `stop`, as in Python, where negative ones count from the
    end. Other than in Python it must lie inside of the axis and keep at least one position, so that its size is
    what it says."""

    code = "NS320"
    about = "A slice outside of its axis"
    title = "the slice does not lie in axis {axis} of {shape}"
    label = "{start} to {stop} of {size}"
    help = "{remedy}"
    sight = "would take {start} to {stop} of {size}"
    wrong = """
        net Tokens {
          input tokens: [197, 768]
          slice 0 1 200
        }
        """
    mended = """
        net Tokens {
          input tokens: [197, 768]
          slice 0 1 197
        }
        """


class SplitMismatch(Problem):
    """A split cuts an axis into a number of equal parts, or into parts of given sizes. Together the parts are the
    whole axis, so that no element is lost."""

    code = "NS321"
    about = "A split that does not fill its axis"
    title = "{size} does not split into {parts}"
    label = "{why}"
    help = "{remedy}"
    wrong = """
        net Shuffled {
          input image: [58, 28, 28]
          split (28, 28) -> conv 58 k=1
        }
        """
    mended = """
        net Shuffled {
          input image: [58, 28, 28]
          split (29, 29) -> conv 58 k=1
        }
        """


class CropTooLarge(Problem):
    """A crop keeps the middle of each spatial axis, as the skip connections of U-Net do (Ronneberger, Fischer and
    Brox, 2015), so that it is at most as large as its input."""

    code = "NS322"
    about = "A crop larger than its input"
    title = "cannot crop {shape} to {target}"
    label = "the {axis} is {size}, less than {wanted}"
    help = "at most {size} along the {axis}; `pad` makes it larger"
    sight = "would take {wanted} of {size} along the {axis}"
    wrong = """
        net Skip {
          input maps: [64, 56, 56]
          crop 64
        }
        """
    mended = """
        net Skip {
          input maps: [64, 56, 56]
          crop 48
        }
        """


class BlockDoesNotDivide(Problem):
    """Pixel shuffling makes one channel of r * r channels, r times as high and wide (Shi et al., 2016), so that the
    number of channels is a multiple of r * r. The way back needs a height and a width that r divides."""

    code = "NS323"
    about = "A size that is not a multiple of a block"
    title = "{what} {size} is not a multiple of {factor}"
    label = "{size} / {factor} is not whole"
    help = "{remedy}"
    wrong = """
        net Superresolution {
          input image: [3, 32, 32]
          conv 9 k=3 pad=1 -> pixelshuffle 2
        }
        """
    mended = """
        net Superresolution {
          input image: [3, 32, 32]
          conv 12 k=3 pad=1 -> pixelshuffle 2
        }
        """


class ModeNeedsAxes(Problem):
    """Modes of interpolation are named after their number of axes: `linear` is for 1, `bilinear` and `bicubic` for
    2, `trilinear` for 3. `nearest` takes any."""

    code = "NS324"
    about = "An interpolation for another number of axes"
    title = "`mode={mode}` does not fit {shape}"
    label = "{mode} takes {expected}"
    help = "{remedy}"
    wrong = """
        net Louder {
          input signal: [1, 8_000]
          upsample 2 mode=bilinear
        }
        """
    mended = """
        net Louder {
          input signal: [1, 8_000]
          upsample 2 mode=linear
        }
        """


class AlignNeedsInterpolation(Problem):
    """`align_corners` says whether the corner pixels of input and output lie on one another, between which an
    interpolation takes its values. `nearest`, the default, copies the nearest pixel and does not interpolate."""

    code = "NS325"
    about = "`align_corners` without interpolation"
    title = "`align_corners` says nothing to `mode=nearest`"
    label = "only for linear, bilinear, trilinear and bicubic"
    help = "leave it out, or choose one of these modes"
    wrong = """
        net Enlarged {
          input image: [3, 14, 14]
          upsample 2 align_corners=true
        }
        """
    mended = """
        net Enlarged {
          input image: [3, 14, 14]
          upsample 2 mode=bilinear align_corners=true
        }
        """


class ScaleInexact(Problem):
    """The new size is floor(size * scale), computed in floating point. For a symbolic size this is a formula where
    the scale is a fraction over a power of two, such as 0.5, 1.5 or 0.75; any other scale is rounded in a way that
    no formula follows."""

    code = "NS326"
    about = "A scale without an exact formula"
    title = "floor({size} * {scale}) has no exact formula"
    label = "{scale} is not a fraction over a power of two"
    help = "a scale such as 0.5, 1.5 or 2, or `size=` with the new size"
    wrong = """
        net Shrunk {
          input image: [3, H, W]
          upsample 0.3
        }
        """
    mended = """
        net Shrunk {
          input image: [3, H, W]
          upsample 0.25
        }
        """


class ShapesDiffer(Problem):
    """The inputs of `add`, `mul` and their like have equal sizes, axis by axis from the last; a size of 1 or a
    missing leading axis is repeated, as in numpy. In a residual unit (He et al., 2016) both paths change channels
    and resolution alike, which takes a convolution on the short one where the long one changes them."""

    code = "NS327"
    about = "Shapes that do not fit an elementwise layer"
    title = "`{layer}` gets shapes that do not fit: {first} and {second}"
    label = "axis {axis}: {size} is not {expected}"
    help = "{remedy}"
    wrong = """
        net Residual {
          input image: [64, 56, 56]
          add {
            | conv 128 k=3 pad=1
            | identity
          }
        }
        """
    mended = """
        net Residual {
          input image: [64, 56, 56]
          add {
            | conv 128 k=3 pad=1
            | conv 128 k=1
          }
        }
        """


class ConcatMismatch(Problem):
    """`concat` joins tensors along one axis, the channels if it is not told another, and all other sizes are
    equal. `stack` makes a new axis and needs equal shapes. In the units of GoogLeNet (Szegedy et al., 2015) each
    path has stride 1 and a padding of (k - 1) / 2, which keeps height and width."""

    code = "NS328"
    about = "Shapes that cannot be joined"
    title = "`{layer}` gets shapes that do not fit: {first} and {second}"
    label = "{what}"
    help = "{remedy}"
    wrong = """
        net Inception {
          input image: [64, 28, 28]
          concat {
            | conv 32 k=3 pad=1
            | conv 16 k=5 pad=1
          }
        }
        """
    mended = """
        net Inception {
          input image: [64, 28, 28]
          concat {
            | conv 32 k=3 pad=1
            | conv 16 k=5 pad=2
          }
        }
        """


class DtypesDiffer(Problem):
    """The inputs of a merge have one element type. Nothing is converted on the way, so that the bytes and the
    arithmetic are what the text says."""

    code = "NS329"
    about = "A merge of several element types"
    title = "`{layer}` mixes {first} and {second}"
    label = "{second}, the others are {first}"
    help = "all inputs of a merge have the same element type"
    wrong = """
        net Masked {
          input image: [3, 32, 32]
          input mask: bool [1, 32, 32]
          from image -> concat with mask
        }
        """
    mended = """
        net Masked {
          input image: [3, 32, 32]
          input mask: [1, 32, 32]
          from image -> concat with mask
        }
        """


class InnerMismatch(Problem):
    """A matrix product [*, M, K] x [*, K, N] sums over K: the columns of the first factor and the rows of the
    second. With `transpose=true` the second factor is given as [*, N, K]: so attention compares queries with keys,
    which have one width (Vaswani et al., 2017)."""

    code = "NS330"
    about = "Factors that do not multiply"
    title = "{first} and {second} do not multiply"
    label = "{rows} rows, the first factor has {columns} columns"
    help = "{remedy}"
    wrong = """
        net Scores {
          input tokens: [10, 64]
          keys: dense 16
          from tokens -> dense 32
          matmul transpose=true with keys
        }
        """
    mended = """
        net Scores {
          input tokens: [10, 64]
          keys: dense 32
          from tokens -> dense 32
          matmul transpose=true with keys
        }
        """


class OneElement(Problem):
    """A normalisation subtracts the mean of what it sees and divides by the deviation. A single element is its own
    mean, so that nothing is left of it but the bias."""

    code = "NS331"
    about = "A normalisation over a single element"
    title = "`{layer}` over one element: {shape}"
    label = "normalises each {part} over its {count} {element}"
    help = "normalise before pooling, or use `layernorm` over the channels"
    sight = "would see one element"
    wrong = """
        net Styled {
          input maps: [64, 8, 8]
          globalavgpool -> instancenorm
        }
        """
    mended = """
        net Styled {
          input maps: [64, 8, 8]
          instancenorm -> globalavgpool
        }
        """


class HalvesDiffer(Problem):
    """A gated linear unit splits an axis into two equal halves a and b, and gives a * sigmoid(b) (Dauphin et al.,
    2017). So it needs twice the size that it gives."""

    code = "NS332"
    about = "An axis that does not halve"
    title = "axis {axis} of {shape} does not halve"
    label = "{why}"
    help = "give it twice the size that should come out"
    wrong = """
        net Gated {
          input features: [64]
          dense 33 -> glu
        }
        """
    mended = """
        net Gated {
          input features: [64]
          dense 66 -> glu
        }
        """


class BoundsCrossed(Problem):
    """Values below `low` become `low`, those above `high` become `high`. With the bounds crossed it would depend
    on their order what comes out."""

    code = "NS333"
    about = "A lower bound above the upper one"
    title = "`low` {low} is above `high` {high}"
    label = "above {high}"
    help = "at most {high}, or a larger `high`"
    wrong = """
        net Mobile {
          input image: [3, 32, 32]
          conv 16 k=3 -> hardtanh low=6.0 high=0.0
        }
        """
    mended = """
        net Mobile {
          input image: [3, 32, 32]
          conv 16 k=3 -> hardtanh low=0.0 high=6.0
        }
        """


class ZeroAlpha(Problem):
    """`celu(x) = max(0, x) + min(0, alpha * (exp(x / alpha) - 1))` divides by its alpha (Barron, 2017). Towards an
    alpha of 0 it becomes a relu."""

    code = "NS334"
    about = "A celu with an alpha of 0"
    title = "`alpha` is 0"
    label = "celu divides by alpha"
    help = "any other number; `relu` is the limit for alpha towards 0"
    wrong = """
        net Smooth {
          input features: [64]
          dense 32 -> celu alpha=0.0
        }
        """
    mended = """
        net Smooth {
          input features: [64]
          dense 32 -> celu alpha=0.5
        }
        """


class HeadsDoNotDivide(Problem):
    """Attention cuts its features into heads of one width, so that their number divides the features, unless
    `head_dim` says how wide a head is. With fewer heads of keys and values, each is shared by equally many heads."""

    code = "NS335"
    about = "Features or heads that do not split evenly"
    title = "{size} {what} do not split into {parts} {argument}"
    label = "does not divide {size}"
    help = "{argument}: {divisors}"
    wrong = """
        net Encoder {
          input text: [T, 512]
          attention 12
        }
        """
    mended = """
        net Encoder {
          input text: [T, 512]
          attention 8
        }
        """


class NotEven(Problem):
    """Positions as angles come in pairs, of a sine and a cosine or of two elements that are turned together, so that
    there is an even number of elements: of a head for the rotary embedding of attention (Su et al. 2021), of a
    vector for sinusoidal positions (Vaswani et al. 2017)."""

    code = "NS336"
    about = "An odd number where elements come in pairs"
    title = "`{what}` takes pairs, and {size} is odd"
    label = "{size} {of}"
    help = "{remedy}"
    wrong = """
        net Encoder {
          input text: [T, 60]
          attention 4 rope=10_000
        }
        """
    mended = """
        net Encoder {
          input text: [T, 64]
          attention 4 rope=10_000
        }
        """


class OptionMissing(Problem):
    """Some arguments mean something beside others only: a window of attention ends at the position that looks, which
    is causal attention, and positions that are learned need to know how many there are."""

    code = "NS337"
    about = "An argument that needs another one"
    title = "`{given}` needs `{missing}`"
    label = "{why}"
    help = "for example `{example}`"
    wrong = """
        net Long {
          input text: [T, 512]
          attention 8 window=4096
        }
        """
    mended = """
        net Long {
          input text: [T, 512]
          attention 8 causal=true window=4096
        }
        """


class TooManyPositions(Problem):
    """Positions that are learned are the rows of a table, one for each, so that a sequence may not be longer than the
    table."""

    code = "NS338"
    about = "A sequence longer than its table of positions"
    title = "{length} positions, and a table of {most}"
    label = "{shape} needs {length}"
    help = "max_length: {length} or more"
    sight = "has {most} rows"
    wrong = """
        net Encoder {
          input patches: [197, 768]
          position 196
        }
        """
    mended = """
        net Encoder {
          input patches: [197, 768]
          position 197
        }
        """


class PackedMemory(Problem):
    """`packed=true` keeps the weights of queries, keys and values in one matrix, [3 * dim, dim], so that all three are
    made of vectors of one width. Weights of their own allow a memory of another width."""

    code = "NS339"
    about = "A memory of another width than a packed weight takes"
    title = "the packed weight takes {dim} features, the memory has {width}"
    label = "gets {memory}"
    help = "leave out `packed`, or map the memory with `dense {dim}`"
    wrong = """
        net Reader {
          input text: [T, 512]
          input image: [S, 768]
          from text -> attention 8 packed=true with image
        }
        """
    mended = """
        net Reader {
          input text: [T, 512]
          input image: [S, 768]
          from text -> attention 8 with image
        }
        """


class WrongState(Problem):
    """A recurrent layer may begin with a state, and an `lstm` with a cell too, which come through `with`. They have the
    shapes of those that the layer ends with: [hidden], or [layers * directions, hidden] where it has several layers
    or directions, in torch's order, forward before backward."""

    code = "NS340"
    about = "A recurrent layer that begins with a state of another shape"
    title = "`{layer}` begins with a {member} of {needed}, and this is {shape}"
    label = "needs {needed}"
    help = "the shape follows from `hidden`, `layers` and `bidirectional`"
    wrong = """
        net Translate {
          input source: [S, 32]
          input target: [T, 32]
          from source -> enc: gru 64 layers=2
          from target -> gru 64 with enc.state
        }
        """
    mended = """
        net Translate {
          input source: [S, 32]
          input target: [T, 32]
          from source -> enc: gru 64 layers=2
          from target -> gru 64 layers=2 with enc.state
        }
        """


class LoneState(Problem):
    """An `lstm` hands two tensors from step to step: its state and its cell. Where it begins with one that is given,
    the other has to be given too."""

    code = "NS341"
    about = "An lstm that begins with a state and no cell"
    title = "`{layer}` begins with a state and no cell"
    label = "needs both or none"
    help = "bring in both, the state first: `with enc.state enc.cell`"
    wrong = """
        net Translate {
          input source: [S, 32]
          input target: [T, 32]
          from source -> enc: lstm 64
          from target -> lstm 64 with enc.state
        }
        """
    mended = """
        net Translate {
          input source: [S, 32]
          input target: [T, 32]
          from source -> enc: lstm 64
          from target -> lstm 64 with enc.state enc.cell
        }
        """


class MaskMismatch(Problem):
    """A mask of attention says for each head which of S positions each of T may see, or what is added to their scores,
    so that it is broadcast to [heads, T, S]. Leading axes may be missing or 1, where all heads or all positions that
    look have the same; the last one is S."""

    code = "NS342"
    about = "A mask that does not fit the scores of attention"
    title = "a mask of {mask} does not fit scores of {scores}"
    label = "{heads} heads, {length} that look, {seen} that are seen"
    help = "a mask is [{seen}], [{length}, {seen}] or [{heads}, {length}, {seen}]"
    wrong = """
        net Encoder {
          input text: [T, 512]
          input seen: bool [S]
          from text -> attention 8 mask=true with seen
        }
        """
    mended = """
        net Encoder {
          input text: [T, 512]
          input seen: bool [T]
          from text -> attention 8 mask=true with seen
        }
        """


class BucketsDoNotFit(Problem):
    """Buckets of distances (Raffel et al. 2020, section 2.1): those of one direction are in half for one distance each,
    and the others, which hold more and more, reach to `max_distance`, so that this is beyond the first half. In both
    directions each has half of the buckets."""

    code = "NS343"
    about = "Buckets of distances that do not come out"
    title = "`{name}` is {value}, and {rule}"
    label = "{needed}"
    help = "for example `{example}`"
    wrong = """
        net Bias {
          input text: [T, 512]
          relativebias 8 buckets=31
        }
        """
    mended = """
        net Bias {
          input text: [T, 512]
          relativebias 8 buckets=32
        }
        """


class TooFewExperts(Problem):
    """Each position of a mixture uses the `top` experts that score highest, and so there are at least as many. With as
    many as there are the mixture is dense: every position uses all."""

    code = "NS344"
    about = "A mixture that is to use more experts than it has"
    title = "`experts` cannot choose {top} of {experts}"
    label = "more than {experts}"
    help = "top: {experts} or fewer, or more experts"
    wrong = """
        net Sparse {
          input text: [T, 512]
          experts 4 hidden=1024 top=8
        }
        """
    mended = """
        net Sparse {
          input text: [T, 512]
          experts 8 hidden=1024 top=4
        }
        """


class WeightsOfOtherType(Problem):
    """The weights of layers are float32, as in torch's modules, and neither torch nor ONNX multiplies them with
    elements of another type. A net in half precision is written in float32, and `netspec check --dtype bfloat16`
    counts its bytes as such, `netspec export --dtype float16` writes it so, `net.to(torch.bfloat16)` converts the
    module."""

    code = "NS345"
    about = "Weights of another type than the input"
    title = "`{layer}` has {weights} weights, gets {dtype}"
    label = "gets {shape}"
    help = "leave out `{dtype}`; `--dtype` of `netspec check` and `netspec export` says it of the whole net"
    wrong = """
        net Half {
          input image: float16 [3, 32, 32]
          conv 8 k=3
        }
        """
    mended = """
        net Half {
          input image: [3, 32, 32]
          conv 8 k=3
        }
        """
