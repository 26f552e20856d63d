"""What every layer says of itself: its arguments, its type rule, its weights, its cost, its reach.

A layer is one class. Its name in the language is the class name in lower case; its arguments are
pydantic fields, the first `positional` of which may be given by position. The rules are pure functions
of the input types and never see an unknown one. They raise a `Problem` for a mistake.
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Literal, NamedTuple, TypeAlias

from pydantic import BaseModel, ConfigDict

from netspec.ir.dims import Dim, listening
from netspec.ir.types import TensorType
from netspec.ops.onnxrule import Graph, Value
from netspec.ops.torchrule import Torch
from netspec.problems.shapes import DtypeMismatch, WeightsOfOtherType

Types: TypeAlias = Sequence[TensorType]
Kind: TypeAlias = Literal["float", "int", "mask", "any"]  # of elements; a mask is bool or floating point

_KINDS: dict[Kind, tuple[tuple[str, ...], str]] = {  # the types of each begin so; what a message calls them
    "float": (("float", "bfloat"), "floating point numbers"),
    "int": (("int",), "integers"),
    "mask": (("bool", "float", "bfloat"), "truth values or floating point numbers as a mask"),
    "any": (("",), "anything"),
}


_OTHER_FLOATS = ("float16", "bfloat16", "float64")  # than those of weights where nothing is said


class Weight(NamedTuple):
    """A tensor that a layer owns. Trainable weights are parameters; fixed ones (LeNet-5's RBF centres,
    literal weights) and buffers (running statistics) are not.

    init: how it begins, as torch's module of the layer does. What the argument `init` of layers may be, or

        "fan"             uniform within 1 / sqrt(product of the sizes of all axes but the first)
        ("fan", n)        uniform within 1 / sqrt(n); n may be a tuple, one for each element of the first axis
        "signs"           1 or -1
        ("literal", v)    the numbers v, whose missing leading axes are 1: the spec holds them
    """

    shape: tuple[Dim, ...]
    kind: Literal["trainable", "fixed", "buffer"] = "trainable"
    dtype: str = "float32"
    init: Any = "fan"

    @property
    def type(self) -> TensorType:
        return TensorType(self.shape, self.dtype)

    @property
    def literal(self) -> Any:
        """The numbers that the spec gives it, if it does."""
        return self.init[1] if isinstance(self.init, tuple) and self.init[0] == "literal" else None


class Cost(NamedTuple):
    """Computation for one sample. See docs/counting.md.

    macs: multiply-accumulates of convolutions and matrix products, nothing else.
    mults, adds: scalar multiplications and additions of the textbook layer, bias included.
    other: all other elementwise arithmetic (comparisons, divisions, exponentials, ...).
    connections: LeCun 1998: for each output unit its inputs plus its bias.
    """

    macs: Dim = 0
    mults: Dim = 0
    adds: Dim = 0
    other: Dim = 0
    connections: Dim = 0

    @property
    def flops(self) -> Dim:
        return self.mults + self.adds + self.other


def trained_or_fixed(shape: tuple[Dim, ...], numbers: Any, init: Any) -> Weight:
    """The weight of a layer with the arguments `weight` and `init`."""
    if numbers is not None:
        return Weight(shape, "fixed", init=("literal", numbers))
    return Weight(shape, init="fan" if init is None else init)


FREE = Cost()


class Cache(NamedTuple):
    """What a layer keeps of the positions of a sequence while it makes one after the other, for one sample, in
    elements. See docs/counting.md.

    per_token: what each further position adds. whole: what is kept for the sequence at the length of the input.
    """

    per_token: Dim = 0
    whole: Dim = 0
    dtype: str = "float32"


NO_CACHE = Cache()


class Reach(NamedTuple):
    """Which input positions an output position depends on, per trailing axis: output o depends on inputs
    from `start + stride * o` to `start + stride * o + size - 1`. With a stride written (a, n), start and size
    count n-ths too, rounded down: from `(start + a * o) // n` to `(start + a * o + size - 1) // n`."""

    size: tuple[Dim, ...]
    stride: tuple[Dim | tuple[int, int], ...]
    start: tuple[Dim, ...]


POINT = Reach((), (), ())  # each position depends on the same position alone


def product(sizes: Sequence[Dim]) -> Dim:
    """The product of sizes; 1 for none."""
    result: Dim = 1
    for size in sizes:
        result = result * size
    return result


def whole(input: TensorType) -> Reach:
    """Every output position depends on all positions of the trailing axes."""
    axes = input.shape[1:]
    return Reach(axes, (0,) * len(axes), (0,) * len(axes))


def last_axes(input: TensorType, count: int) -> Reach:
    """Every output position depends on all of the last `count` axes, and on its own place in the others."""
    axes = input.shape[1:]
    own = max(len(axes) - count, 0)
    mixed = len(axes) - own
    return Reach((1,) * own + axes[own:], (1,) * own + (0,) * mixed, (0,) * len(axes))


class Layer(BaseModel):
    """Base of all layers. A subclass that lacks a rule cannot be used."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)

    positional: ClassVar[int] = 0  # how many leading arguments may be given without their name
    inputs: ClassVar[tuple[int, int | None]] = (1, 1)  # least and most number of inputs
    dtypes: ClassVar[Kind] = "float"  # element types of the inputs; see `takes`
    view: ClassVar[bool] = False  # the output is the memory of the input, or of the layer's weight
    transparent: ClassVar[bool] = False  # without a label it leaves no node: the value passes through
    broadcasts: ClassVar[bool] = False  # inputs are repeated to fit one another, from the last axis
    drawn: ClassVar[bool] = False  # whether its argument `init` says how its weight begins
    members: ClassVar[tuple[str, ...]] = ()  # names of the outputs after the first; without them they are numbers
    example: ClassVar[str]  # one line of a spec that uses it

    @classmethod
    def layer_name(cls) -> str:
        """The name in the language."""
        return cls.__name__.lower()

    def takes(self, index: int, count: int) -> Kind:
        """The element types of one of so many inputs, where they are not those of all."""
        return self.dtypes

    @abstractmethod
    def output(self, inputs: Types) -> TensorType | tuple[TensorType, ...]:
        """The output type for these input types; a tuple where a layer has several outputs."""

    @abstractmethod
    def weights(self, inputs: Types) -> dict[str, Weight]:
        """The tensors that the layer owns, by name, in state_dict order."""

    def inactive(self, inputs: Types) -> Dim:
        """Parameters that one position does not use, such as those of the experts that it did not choose."""
        return 0

    @abstractmethod
    def cost(self, inputs: Types, output: TensorType) -> Cost:
        """Computation for one sample; `output` is the (first) output type."""

    def cache(self, inputs: Types) -> Cache:
        """What the layer keeps of each position while a sequence is made one position after the other: nothing, unless
        it looks back at positions that it has already seen."""
        return NO_CACHE

    @abstractmethod
    def reach(self, inputs: Types) -> Reach:
        """Which input positions an output position depends on."""

    @abstractmethod
    def torch(self, inputs: Types) -> Torch:
        """How torch says it: for these input types, but for maps of any height and width."""

    @abstractmethod
    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value | tuple[Value, ...]:
        """How ONNX says it: adds nodes to the graph, and gives its output; a tuple where it has several."""


def _remedy(kind: Kind, dtype: str) -> str:
    """What to do about an input of another type than is taken."""
    if kind == "int":
        return "declare the input as `int64 [...]`"
    if kind == "mask":
        return "declare the input as `bool [...]`: true is what may be seen"
    if dtype == "bool":
        return "a mask is the last input of `attention` with `mask=true`"
    return "an `embedding` turns integers into vectors"


def _check_weights(layer: Layer, inputs: Types, index: int) -> None:
    """Raises WeightsOfOtherType where weights are not of the type of an input of floating point numbers."""
    x = inputs[index]
    for weight in layer.weights(inputs).values():
        if weight.dtype != x.dtype and weight.dtype.startswith(_KINDS["float"][0]):
            raise WeightsOfOtherType(
                f"input {index}", layer=layer.layer_name(), weights=weight.dtype, dtype=x.dtype, shape=x
            )


_outputs: dict[tuple[Layer | TensorType, ...], tuple[TensorType, ...]] = {}  # rules are pure: a sweep asks again
_MOST_KEPT = 50_000


def output_types(layer: Layer, inputs: Types) -> tuple[TensorType, ...]:
    """A layer's output types, always as a tuple. Raises a Problem where the inputs do not fit."""
    key: tuple[Layer | TensorType, ...] = (layer, *inputs)
    known = _outputs.get(key) if not listening() else None
    if known is not None:
        return known
    for index, x in enumerate(inputs):
        kind = layer.takes(index, len(inputs))
        types, needed = _KINDS[kind]
        if not x.dtype.startswith(types):
            raise DtypeMismatch(
                f"input {index}",
                layer=layer.layer_name(),
                needed=needed,
                dtype=x.dtype,
                shape=x,
                remedy=_remedy(kind, x.dtype),
            )
    output = layer.output(inputs)
    for index, x in enumerate(inputs):
        if x.dtype in _OTHER_FLOATS and layer.takes(index, len(inputs)) != "mask":
            _check_weights(layer, inputs, index)
    made = output if isinstance(output, tuple) else (output,)
    if len(_outputs) >= _MOST_KEPT:
        _outputs.clear()
    if not listening():
        _outputs[key] = made
    return made
