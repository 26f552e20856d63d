"""Recurrent layers: `rnn`, `gru`, `lstm`. The ONNX side is in `recurrentonnx`."""

from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal, NamedTuple, TypeAlias

from netspec.ir.dims import Dim
from netspec.ir.types import TensorType
from netspec.ops.arguments import Rate, Stacked, Width, wrong_rank
from netspec.ops.base import Cost, Layer, Reach, Types, Weight, last_axes
from netspec.ops.merge import one_dtype
from netspec.ops.onnxrule import Graph, Value
from netspec.ops.recurrentonnx import Recurrence, recurrence
from netspec.ops.torchrule import Arg, Torch, features_in, given
from netspec.problems.shapes import LoneState, OptionsConflict, WrongState

Bias: TypeAlias = Literal["two", "one", False]


class Part(NamedTuple):
    """One layer in one direction."""

    name: str  # what its weights end with: "l0", "l0_reverse"
    inputs: Dim  # features that it takes


class _Recurrent(Layer):
    """What recurrent layers share: the sequence is axis 0, the features are axis 1."""

    positional: ClassVar[int] = 1
    inputs: ClassVar[tuple[int, int | None]] = (1, 2)
    members: ClassVar[tuple[str, ...]] = ("state",)
    gates: ClassVar[int]  # blocks of rows in the weights
    operations: ClassVar[tuple[int, int, int]]  # mults, adds, others of one unit beside the products

    hidden: Width
    layers: Stacked = 1
    bidirectional: bool = False
    dropout: Rate = 0.0
    bias: Bias = "two"
    steps: Literal["all", "last"] = "all"

    # -- sizes ------------------------------------------------------------------------------------------

    @property
    def directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def features(self) -> Dim:
        """What one direction gives at a step: the size of the state."""
        return self.hidden

    @property
    def biases(self) -> int:
        return {"two": 2, "one": 1, False: 0}[self.bias]

    def parts(self, x: TensorType) -> Iterator[Part]:
        """The layers in their directions, in the order of the weights and of the states."""
        for number in range(self.layers):
            inputs = x.shape[1] if number == 0 else self.features * self.directions
            for suffix in ("", "_reverse")[: self.directions]:
                yield Part(f"l{number}{suffix}", inputs)

    def state_shapes(self) -> list[tuple[Dim, ...]]:
        """The shapes of the states, one for each member."""
        rows = self.layers * self.directions
        sizes = (self.features, self.hidden)[: len(self.members)]
        return [(size,) if rows == 1 else (rows, size) for size in sizes]

    # -- rules ------------------------------------------------------------------------------------------

    def output(self, inputs: Types) -> tuple[TensorType, ...]:
        x, *states = inputs
        if x.rank != 2:
            raise wrong_rank(x, "[T, features]")
        if self.dropout and self.layers == 1:
            why = "dropout acts between layers, and there is one"
            raise OptionsConflict("dropout", first="dropout", second="layers=1", why=why)
        one_dtype(self, inputs)
        if states and len(states) != len(self.members):
            raise LoneState("input 1", layer=self.layer_name())
        shapes = self.state_shapes()
        for place, (state, shape, member) in enumerate(zip(states, shapes, self.members, strict=False), start=1):
            if state.shape != shape:
                axis = next((i for i, (a, b) in enumerate(zip(state.shape, shape, strict=False)) if a != b), None)
                raise WrongState(
                    f"input {place}", layer=self.layer_name(), member=member, shape=state, needed=TensorType(shape),
                    compared=None if axis is None else (state.shape[axis], "==", shape[axis]),
                )  # fmt: skip
        features = self.features * self.directions
        first = x.with_shape(x.shape[0], features) if self.steps == "all" else x.with_shape(features)
        return (first, *(x.with_shape(*shape) for shape in shapes))

    def weights(self, inputs: Types) -> dict[str, Weight]:
        rows = self.gates * self.hidden
        init = ("fan", self.hidden)
        found = {}
        for part in self.parts(inputs[0]):
            found[f"weight_ih_{part.name}"] = Weight((rows, part.inputs), init=init)
            found[f"weight_hh_{part.name}"] = Weight((rows, self.features), init=init)
            for bias in ("ih", "hh")[: self.biases]:
                found[f"bias_{bias}_{part.name}"] = Weight((rows,), init=init)
            found.update(self.more_weights(part))
        return found

    def more_weights(self, part: Part) -> dict[str, Weight]:
        """Weights of one layer in one direction beside those that all kinds have."""
        return {}

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        x = inputs[0]
        total = Cost()
        for part in self.parts(x):
            each = self.cost_of_step(part)
            total = Cost(*(before + more * x.shape[0] for before, more in zip(total, each, strict=True)))
        return total

    def cost_of_step(self, part: Part) -> Cost:
        """Of one layer in one direction at one step."""
        rows = self.gates * self.hidden
        macs = rows * (part.inputs + self.features)
        mults, adds, other = (count * self.hidden for count in self.operations)
        return Cost(macs, macs + mults, macs - rows + rows * self.biases + adds, other, macs + rows * self.biases)

    def reach(self, inputs: Types) -> Reach:
        return last_axes(inputs[0], 1)

    # -- torch ------------------------------------------------------------------------------------------

    def torch(self, inputs: Types) -> Torch:
        kind, nonlinearity = self.torch_kind()
        own = self.bias == "one" or kind.startswith("gru_before")  # what torch.nn lacks
        args = [features_in(inputs[0]), given("hidden", self.hidden), given("layers", self.layers, "num_layers", 1)]
        if own:
            args.insert(0, Arg(kind))
            args.append(Arg(self.biases, "biases", 1))
        else:
            args += [
                Arg(nonlinearity, "nonlinearity", "tanh"),
                Arg(bool(self.bias), "bias", True),
                Arg(True, "batch_first"),
            ]
        args.append(given("dropout", self.dropout, "dropout", 0.0))
        args.append(given("bidirectional", self.bidirectional, "bidirectional", False))
        args += self.more_args()
        module = "Recurrence" if own else f"nn.{self.layer_name().upper()}"
        single = self.layers * self.directions == 1
        begin = [f"{{{place}}}" for place in range(1, len(inputs))]
        begins = f", {begin[0]}" if len(begin) == 1 else f", ({', '.join(begin)})" if begin else ""
        in_front = "{0}.unsqueeze(0).contiguous()" if single else "{0}.transpose(0, 1).contiguous()"
        ends = [f"{{{i + 1}}}" for i in range(len(self.members))]
        return Torch(
            module,
            args=tuple(args),
            call=f"{{module}}({{0}}{begins})",
            given=("{0}", *[in_front] * len(begin)),
            targets="{0}, " + (ends[0] if len(ends) == 1 else f"({', '.join(ends)})"),
            outputs=(
                "{0}" if self.steps == "all" else "{0}[:, -1]",
                *(f"{end}.squeeze(0)" if single else f"{end}.transpose(0, 1)" for end in ends),
            ),
        )

    def torch_kind(self) -> tuple[str, str]:
        """What the part calls this kind of layer, and the nonlinearity of torch's RNN."""
        return self.layer_name(), "tanh"

    def more_args(self) -> list[Arg]:
        """Arguments of torch's module that other kinds do not have."""
        return []

    # -- ONNX -------------------------------------------------------------------------------------------

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> tuple[Value, ...]:
        return recurrence(graph, inputs, self.onnx_form(inputs[0]))

    def onnx_form(self, x: Value) -> Recurrence:
        """What ONNX's operator is told."""
        return Recurrence(
            op=self.layer_name().upper(),
            hidden=self.hidden,
            layers=self.layers,
            directions=self.directions,
            biases=self.biases,
            states=len(self.members),
            order=(0,),
            attributes={},
            last=self.steps == "last",
        )


class RNN(_Recurrent):
    """A recurrent layer: [T, features] -> [T, hidden], h_t = tanh(W x_t + U h_(t-1) + b), of J. L. Elman, "Finding
    Structure in Time", 1990.

    `hidden`: units. `layers`: so many, one on the other. `bidirectional`: each layer also reads the sequence from its
    end, with weights of its own, and gives both side by side: [T, 2 * hidden]. `dropout`: the share of the features
    between layers that is zeroed in training. `bias`: `two`, as torch has them, one beside each matrix; `one`, as
    textbooks have it; or `false`. `steps`: `last` gives the last step alone, [hidden]; of a layer in both directions
    that is torch's `out[:, -1]`, where the backward half has read a single step. `activation`: `tanh` or `relu`.

    `state` is a further output, what the steps end with: [hidden], or [layers * directions, hidden] of several, in
    torch's order, forward before backward. `with` gives the state to begin with, of the same shape; it is 0 otherwise.

    Cost: per step, layer and direction hidden * (inputs + hidden) MACs, each a multiplication; one addition fewer per
    unit, and one more for each bias; 5 others per unit for tanh, 1 for relu.
    """

    gates: ClassVar[int] = 1
    operations: ClassVar[tuple[int, int, int]] = (0, 0, 5)
    example: ClassVar[str] = "rnn 256"

    activation: Literal["tanh", "relu"] = "tanh"

    def cost_of_step(self, part: Part) -> Cost:
        cost = super().cost_of_step(part)
        return cost if self.activation == "tanh" else cost._replace(other=self.hidden)

    def torch_kind(self) -> tuple[str, str]:
        return f"rnn_{self.activation}", self.activation

    def onnx_form(self, x: Value) -> Recurrence:
        form = super().onnx_form(x)
        if self.activation == "tanh":
            return form
        return form._replace(attributes={"activations": ["Relu"] * self.directions})


class GRU(_Recurrent):
    """Gated recurrent units: [T, features] -> [T, hidden], of Cho et al. 2014 (arXiv:1406.1078).

    r = sigmoid(W_r x + U_r h), z = sigmoid(W_z x + U_z h), n = tanh(W_n x + r * (U_n h)), and the state becomes
    (1 - z) * n + z * h, each product with its bias. `reset`: `after`, as torch, multiplies by r after the product;
    `before`, as the paper, before it: n = tanh(W_n x + U_n (r * h)). They are different functions of the same weights,
    and with `after` the two biases of n are not one.

    `hidden`: units. `layers`, `bidirectional`, `dropout`, `bias`, `steps`, the output `state` and the state to begin
    with: as those of `rnn`.

    Cost: per step, layer and direction 3 * hidden * (inputs + hidden) MACs, each a multiplication; one addition fewer
    per unit and gate, and one more for each bias; 3 multiplications, 2 additions and 13 others (two sigmoids, a tanh)
    per unit for the gates.
    """

    gates: ClassVar[int] = 3
    operations: ClassVar[tuple[int, int, int]] = (3, 2, 13)
    example: ClassVar[str] = "gru 256"

    reset: Literal["after", "before"] = "after"

    def torch_kind(self) -> tuple[str, str]:
        return "gru" if self.reset == "after" else "gru_before", "tanh"

    def onnx_form(self, x: Value) -> Recurrence:
        attributes = {"linear_before_reset": int(self.reset == "after")}
        return super().onnx_form(x)._replace(order=(1, 0, 2), attributes=attributes)


class LSTM(_Recurrent):
    """Long short-term memory: [T, features] -> [T, hidden], of Hochreiter & Schmidhuber 1997, with the forget gate of
    Gers et al. 2000.

    i, f, o = sigmoid(W x + U h), g = tanh(W x + U h), each with weights and biases of its own; the cell becomes
    f * c + i * g, and the state o * tanh(c).

    `hidden`: units. `layers`, `bidirectional`, `dropout`, `bias`, `steps`, the output `state`: as those of `rnn`.
    `proj`: the state is multiplied by a matrix [proj, hidden] and has so many features, of Sak et al. 2014
    (arXiv:1402.1128): [T, proj]. `cell` is a third output, of the shape that `state` has without `proj`. `with` gives
    the state and the cell to begin with, both or none.

    Cost: per step, layer and direction 4 * hidden * (inputs + hidden) MACs, each a multiplication; one addition fewer
    per unit and gate, and one more for each bias; 3 multiplications, 1 addition and 22 others (three sigmoids, two
    tanh) per unit for the gates. With `proj`, 4 * hidden * (inputs + proj) + proj * hidden MACs.
    """

    inputs: ClassVar[tuple[int, int | None]] = (1, 3)
    members: ClassVar[tuple[str, ...]] = ("state", "cell")
    gates: ClassVar[int] = 4
    operations: ClassVar[tuple[int, int, int]] = (3, 1, 22)
    example: ClassVar[str] = "lstm 256 layers=2 bidirectional=true"

    proj: Width | None = None

    @property
    def features(self) -> Dim:
        return self.hidden if self.proj is None else self.proj

    def output(self, inputs: Types) -> tuple[TensorType, ...]:
        if self.proj is not None and self.proj >= self.hidden:
            why = f"a projection makes the state smaller: below {self.hidden}"
            raise OptionsConflict("proj", first=f"proj={self.proj}", second=f"hidden={self.hidden}", why=why)
        return super().output(inputs)

    def more_weights(self, part: Part) -> dict[str, Weight]:
        if self.proj is None:
            return {}
        return {f"weight_hr_{part.name}": Weight((self.proj, self.hidden), init=("fan", self.hidden))}

    def cost_of_step(self, part: Part) -> Cost:
        cost = super().cost_of_step(part)
        if self.proj is None:
            return cost
        macs = self.proj * self.hidden
        more = Cost(macs, macs, macs - self.proj, 0, macs)
        return Cost(*(one + other for one, other in zip(cost, more, strict=True)))

    def more_args(self) -> list[Arg]:
        return [given("proj", self.proj, "proj_size")] if self.proj is not None else []

    def onnx_form(self, x: Value) -> Recurrence:
        if self.proj is not None:
            from netspec.problems.onnx import NoProjection

            raise NoProjection("proj", proj=self.proj)
        return super().onnx_form(x)._replace(order=(0, 3, 1, 2))
