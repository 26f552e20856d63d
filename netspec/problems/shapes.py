"""NS3xx: layers that do not fit what comes in."""

from __future__ import annotations

from netspec.diagnostics import Problem


class RankMismatch(Problem):
    """A layer got a tensor with a number of axes that it does not take."""

    code = "NS301"
    title = "wrong number of axes: {shape}"
    label = "takes {expected}, gets {shape}"
    help = "{remedy}"


class AxesMismatch(Problem):
    """An argument lists one value per axis, but not as many as the input has axes."""

    code = "NS302"
    title = "`{name}` has {given} values for {axes} axes"
    label = "{given} values, {axes} spatial axes"
    help = "write one number for every axis, or {axes} of them"


class WindowTooLarge(Problem):
    """A convolution or pooling window must fit into its padded input, else no output is left."""

    code = "NS303"
    title = "the window is larger than its padded input"
    label = "{window} over {padded} along the {axis}: {formula} = {result}"
    help = "{remedy}"


class GroupsDoNotDivide(Problem):
    """Groups have equally many channels: those of a convolution, coming in and going out, of a group
    normalisation, of a channel shuffle."""

    code = "NS304"
    title = "{channels} {which} do not split into {groups} groups"
    label = "does not divide {channels}"
    help = "groups: {divisors}"


class ReflectTooFar(Problem):
    """Reflecting takes its values from the input, beside the edge, so it reaches at most size - 1;
    circular padding at most size."""

    code = "NS305"
    title = "`{argument}={mode}` cannot pad {size} by {pad}"
    label = "at most {most} along the {axis}"
    help = "pad by at most {most}, or use {argument}={none} or replicate"


class ConnectionsMismatch(Problem):
    """A table of connections lists, for each output map, the input maps that it sees (LeNet-5, table I)."""

    code = "NS306"
    title = "the connection table does not fit"
    label = "{what}"
    help = "{rule}"


class LiteralMismatch(Problem):
    """Literal numbers must have the shape that the layer needs; leading axes of size 1 may be left out."""

    code = "NS307"
    title = "`{name}` has the wrong shape"
    label = "these numbers are {given}, the layer needs {needed}"
    help = "leading axes of size 1 may be left out"


class OptionsConflict(Problem):
    """Two arguments of a layer exclude each other."""

    code = "NS308"
    title = "`{first}` and `{second}` exclude each other"
    label = "{why}"
    help = "leave one of them out"


class OutputPadTooLarge(Problem):
    """The extra size of a transposed convolution chooses among the inputs sizes that one stride maps to
    the same output, so it is smaller than the stride or the dilation."""

    code = "NS309"
    title = "`output_pad` is too large"
    label = "{given} along the {axis}, must be below max(stride, dilation) = {limit}"
    help = "at most {most}"


class NothingLeft(Problem):
    """Every axis of an output has at least one element."""

    code = "NS310"
    title = "nothing is left of the {axis}"
    label = "{formula} = {result}"
    help = "{remedy}"


class DtypeMismatch(Problem):
    """Most layers compute with floating point numbers; an embedding looks up integers."""

    code = "NS311"
    title = "`{layer}` takes {needed}, gets {dtype}"
    label = "gets {shape}"
    help = "{remedy}"


class AxisOutOfRange(Problem):
    """Axes are those of one sample, without the batch: axis 0 of an image is its channels. Negative
    axes count from the end."""

    code = "NS312"
    title = "`{name}` {axis} is not an axis of {shape}"
    label = "{axes}"
    help = "axes are counted without the batch: axis 0 of [C, H, W] is C"


class AxisTwice(Problem):
    """A list of axes names each axis at most once."""

    code = "NS313"
    title = "axis {axis} is named twice"
    label = "{given} of {shape}"
    help = "name each axis once; -1 is axis {last}"


class PadOverHalf(Problem):
    """A pooling window may lie in the padding by at most half its size, so that it sees some input."""

    code = "NS314"
    title = "the padding is more than half of the window"
    label = "{pad} along the {axis}, the window is {window}"
    help = "at most {most} for a window of {window}, or a `pad` layer before the pool"


class OnlyPadding(Problem):
    """The taps of a dilated window can step over the whole input, so that they read nothing but
    padding. The maximum of nothing is minus infinity."""

    code = "NS315"
    title = "a window of the {axis} sees nothing but padding"
    label = "taps {dilation} apart step over an input of {size}"
    help = "a dilation of at most {size}, or no padding"


class WindowBeyondInput(Problem):
    """A 3-D average pool needs each side of its window to fit into the input without padding (torch)."""

    code = "NS316"
    title = "the window is larger than the input"
    label = "{window} over {size} along the {axis}"
    help = "a window of at most {size}: padding does not count in a 3-D average pool"


class ReshapeMismatch(Problem):
    """Reshaping keeps the number of elements. One entry may be -1: it is computed from the others."""

    code = "NS317"
    title = "{shape} does not reshape to {target}"
    label = "{given} elements, the input has {elements}"
    help = "{remedy}"


class ReshapeEntries(Problem):
    """The sizes of a reshape are at least 1; at most one may be -1, which stands for what is left."""

    code = "NS318"
    title = "{target} is not a shape"
    label = "{what}"
    help = "sizes are 1 or more; one of them may be -1, for what is left"


class PermuteMismatch(Problem):
    """A permutation names every axis of the sample once."""

    code = "NS319"
    title = "{given} is not a permutation of the axes of {shape}"
    label = "{count} of {rank} axes"
    help = "name each of the axes 0 to {last} once, in their new order"


class SliceOutside(Problem):
    """A slice takes the positions from `start` to before `stop`, as in Python, but it must lie inside the
    axis and keep at least one position."""

    code = "NS320"
    title = "the slice does not lie in axis {axis} of {shape}"
    label = "{start} to {stop} of {size}"
    help = "{remedy}"


class SplitMismatch(Problem):
    """A split cuts an axis into a number of equal parts, or into parts of given sizes that fill it."""

    code = "NS321"
    title = "{size} does not split into {parts}"
    label = "{why}"
    help = "{remedy}"


class CropTooLarge(Problem):
    """A crop keeps the middle of each spatial axis, so it is at most as large as its input."""

    code = "NS322"
    title = "cannot crop {shape} to {target}"
    label = "the {axis} is {size}, less than {wanted}"
    help = "at most {size} along the {axis}; `pad` makes it larger"


class BlockDoesNotDivide(Problem):
    """Pixel shuffling moves blocks of r x r pixels into channels or back, so r divides what it shuffles."""

    code = "NS323"
    title = "{what} {size} is not a multiple of {factor}"
    label = "{size} / {factor} is not whole"
    help = "{remedy}"


class ModeNeedsAxes(Problem):
    """Interpolation modes are named after their number of axes: linear 1, bilinear 2, trilinear 3,
    bicubic 2; nearest takes any."""

    code = "NS324"
    title = "`mode={mode}` does not fit {shape}"
    label = "{mode} takes {expected}"
    help = "{remedy}"


class AlignNeedsInterpolation(Problem):
    """`align_corners` says where the corner pixels of an interpolation lie; nearest does not interpolate."""

    code = "NS325"
    title = "`align_corners` says nothing to `mode=nearest`"
    label = "only for linear, bilinear, trilinear and bicubic"
    help = "leave it out, or choose one of these modes"


class ScaleInexact(Problem):
    """The new size is floor(size * scale), computed in floating point. For a symbolic size it is exact
    only where the scale is a fraction over a power of two, such as 0.5, 1.5 or 0.75."""

    code = "NS326"
    title = "floor({size} * {scale}) has no exact formula"
    label = "{scale} is not a fraction over a power of two"
    help = "a scale such as 0.5, 1.5 or 2, or `size=` with the new size"


class ShapesDiffer(Problem):
    """The inputs of an elementwise layer have equal sizes, axis by axis from the last; a size of 1 or a
    missing leading axis is repeated (broadcasting as in numpy)."""

    code = "NS327"
    title = "`{layer}` gets shapes that do not fit: {first} and {second}"
    label = "axis {axis}: {size} is not {expected}"
    help = "{remedy}"


class ConcatMismatch(Problem):
    """Joined tensors have the same number of axes, and equal sizes on all axes but the joined one."""

    code = "NS328"
    title = "`{layer}` gets shapes that do not fit: {first} and {second}"
    label = "{what}"
    help = "{remedy}"


class DtypesDiffer(Problem):
    """The inputs of a merge have one element type."""

    code = "NS329"
    title = "`{layer}` mixes {first} and {second}"
    label = "{second}, the others are {first}"
    help = "all inputs of a merge have the same element type"


class InnerMismatch(Problem):
    """A matrix product sums over the last axis of the first factor and the rows of the second, which are
    its last axis with `transpose=true`."""

    code = "NS330"
    title = "{first} and {second} do not multiply"
    label = "{rows} rows, the first factor has {columns} columns"
    help = "{remedy}"


class OneElement(Problem):
    """The variance of a single element is 0: normalising it leaves nothing but the bias."""

    code = "NS331"
    title = "`{layer}` over one element: {shape}"
    label = "normalises each channel over its {count} position"
    help = "normalise before pooling, or use `layernorm` over the channels"


class HalvesDiffer(Problem):
    """A gated linear unit splits an axis into two equal halves."""

    code = "NS332"
    title = "axis {axis} of {shape} does not halve"
    label = "{why}"
    help = "give it twice the size that should come out"


class BoundsCrossed(Problem):
    """The lower bound of a range is at most the upper one."""

    code = "NS333"
    title = "`low` {low} is above `high` {high}"
    label = "above {high}"
    help = "at most {high}, or a larger `high`"


class ZeroAlpha(Problem):
    """A celu divides by its alpha."""

    code = "NS334"
    title = "`alpha` is 0"
    label = "celu divides by alpha"
    help = "any other number; `relu` is the limit for alpha towards 0"
