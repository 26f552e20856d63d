"""The graph that layers write themselves into: nodes, constants and weights as plain data, without the onnx package.

`build` makes it from a network: it walks the layers in order and asks each for its rule `onnx`. Names are the spec's
dotted paths: a layer's output has its path, its weights those of its state_dict, and what lies inside of a layer's
decomposition the path and the operator, `gate/Sigmoid`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from math import copysign
from typing import Any

from netspec.analysis.unrolled import Scope, Step, Unrolled
from netspec.diagnostics import Problem
from netspec.ir.dims import Dim, Expr, Op, Symbol
from netspec.ir.network import Network
from netspec.ir.types import TensorType
from netspec.ops.base import Weight
from netspec.ops.onnxrule import Value

BATCH = "batch"


@dataclass(slots=True)
class Node:
    """One operator."""

    name: str
    op: str
    inputs: list[Value | None]
    outputs: list[Value]
    attributes: dict[str, Any]
    scopes: tuple[Scope, ...] = ()
    layer: str = ""  # the layer that it belongs to, by its name in the language


@dataclass(frozen=True, slots=True)
class Stored:
    """A weight by the name that it has in files of weights."""

    name: str
    weight: Weight


@dataclass(frozen=True, slots=True)
class Numbers:
    """A constant: numbers in the order of memory."""

    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Folded:
    """A convolution's weight, or bias, with the batch normalisation that follows it in it: see `folding`."""

    part: str  # "weight" or "bias"
    stored: Stored | None  # None for a bias of zeros
    scale: Source
    shift: Source
    mean: Source
    variance: Source
    eps: float


Source = Stored | Numbers | Folded


@dataclass(slots=True)
class GraphData:
    """A graph with all that is to be written of it."""

    name: str
    opset: int
    inputs: list[Value] = field(default_factory=list)
    outputs: list[Value] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    tensors: dict[Value, Source] = field(default_factory=dict)  # values that are given by numbers
    layers: dict[str, list[Value]] = field(default_factory=dict)  # the outputs of each layer by its path


class LayerMistake(Exception):
    """A layer that cannot be written: what is wrong, and which layer it is."""

    def __init__(self, problem: Problem, step: Step) -> None:
        super().__init__(str(problem))
        self.problem = problem
        self.step = step


class UnboundSymbol(Exception):
    """A symbol that no axis of an input is."""

    def __init__(self, symbol: str) -> None:
        super().__init__(f"the symbol `{symbol}` is no axis of an input")


def build(network: Network, unrolled: Unrolled, opset: int) -> GraphData:
    """The graph of a sound network that is written out. Raises LayerMistake, UnboundSymbol."""
    writer = _Writer(network.name, opset, unrolled)
    for item, number in zip(network.inputs, unrolled.inputs, strict=True):
        writer.add_input(item.name, item.type, number)
    for step in unrolled.steps:
        writer.layer(step)
    members = [member or ref for member, ref in network.root.outputs.items()]
    writer.finish(members)
    return writer.data


class _Writer:
    """Adds to a graph. It is the `Graph` that the layers' rules know."""

    def __init__(self, name: str, opset: int, unrolled: Unrolled) -> None:
        self.opset = opset
        self.data = GraphData(name, opset)
        self.unrolled = unrolled
        self.values: dict[int, Value] = {}
        self.names: set[str] = {""}
        self.node_names: set[str] = {""}
        self.step: Step | None = None
        self.stored: dict[str, Value] = {}
        self.shaped: dict[tuple[str, tuple[Dim, ...]], Value] = {}
        self.constants: dict[tuple[str, tuple[int, ...], tuple[float, ...], tuple[int, ...]], Value] = {}
        self.symbols: dict[str, tuple[Value, int]] = {}  # the input and the axis that a symbol is
        self.computed: dict[Dim | str, Value] = {}

    # -- the net --------------------------------------------------------------------------------------

    def add_input(self, name: str, type: TensorType, number: int) -> None:
        value = Value(self._fresh(name), type)
        self.data.inputs.append(value)
        self.values[number] = value
        for axis, size in enumerate(type.shape):
            if isinstance(size, Expr) and size.name is not None:
                self.symbols.setdefault(size.name, (value, axis))

    def layer(self, step: Step) -> None:
        """Add a layer, whose outputs get its path as their names."""
        self.step = step
        inputs = [self.values[number] for number in step.takes]
        if not step.layer.broadcasts:
            inputs = [self.batched(x) for x in inputs]
        first = len(self.data.nodes)
        try:
            made = step.layer.onnx(self, inputs)
        except Problem as problem:
            raise LayerMistake(problem, step) from None
        outputs = list(made) if isinstance(made, tuple) else [made]
        self.data.layers[step.path] = outputs
        own = {id(value) for node in self.data.nodes[first:] for value in node.outputs}
        for index, (number, value) in enumerate(zip(step.makes, outputs, strict=True)):
            self.values[number] = value
            if id(value) in own:  # else it is its input, or a weight
                self._rename(value, f"{step.path}.{index}" if index else step.path)
        for node in self.data.nodes[first:]:
            if node.outputs[0] is outputs[0]:  # it stands for the layer
                node.name = self._fresh_in(self.node_names, step.path)

    def finish(self, members: Sequence[str]) -> None:
        """Name the net's outputs, which are values of their own."""
        self.step = None
        made = {id(value) for node in self.data.nodes for value in node.outputs}
        for member, number in zip(members, self.unrolled.outputs, strict=True):
            value = self.batched(self.values[number]) if self.data.inputs else self.values[number]
            if id(value) not in made or value in self.data.outputs:
                value = self.node("Identity", value)
            if value.name != member:
                self._rename(value, member)
            self.data.outputs.append(value)

    # -- what rules ask for ---------------------------------------------------------------------------

    def node(
        self,
        op: str,
        *inputs: Value | None,
        shape: Sequence[Dim] | None = None,
        dtype: str = "",
        batched: bool | None = None,
        **attributes: Any,
    ) -> Value:
        given = [x for x in inputs if x is not None]
        if batched is None:
            batched = any(x.batched for x in given)
        sizes = _broadcast(given, batched) if shape is None else tuple(shape)
        value = Value("", TensorType(sizes, dtype or given[0].dtype), batched)
        self._add(op, inputs, [value], attributes)
        return value

    def nodes(
        self,
        op: str,
        *inputs: Value | None,
        shapes: Sequence[Sequence[Dim]],
        dtypes: Sequence[str] = (),
        **attributes: Any,
    ) -> list[Value]:
        first = inputs[0]
        assert first is not None
        types = [TensorType(tuple(shape), dtype or first.dtype) for shape, dtype in zip_longest(shapes, dtypes)]
        values = [Value("", type, first.batched) for type in types]
        self._add(op, inputs, values, attributes)
        return values

    def weight(self, name: str, shape: Sequence[Dim] | None = None) -> Value:
        assert self.step is not None
        full, weight = self.step.weights[name]
        symbols = [size for size in weight.shape if not isinstance(size, int)]
        if symbols:
            from netspec.problems.onnx import SymbolicWeight

            names = sorted({name for size in symbols for name in size.symbols})
            raise SymbolicWeight(
                None, name=full, shape=weight.type, symbols=", ".join(f"`{name}`" for name in names), symbol=names[0]
            )
        sizes = weight.shape if shape is None else tuple(shape)
        if full not in self.stored:
            value = Value(self._fresh(full), TensorType(sizes, weight.dtype), batched=False)
            self.stored[full] = value
            self.data.tensors[value] = Stored(full, weight)
        value = self.stored[full]
        if value.shape == sizes:
            return value
        if (full, sizes) not in self.shaped:
            self.shaped[full, sizes] = self.node("Reshape", value, self.sizes(*sizes), shape=sizes)
        return self.shaped[full, sizes]

    def numbers(self, numbers: Any, dtype: str) -> Value:
        values: list[float] = []
        shape = _flatten(numbers, values)
        negative = tuple(place for place, x in enumerate(values) if x == 0 and copysign(1, x) < 0)  # 0.0 == -0.0
        key = (dtype, shape, tuple(values), negative)
        if key not in self.constants:
            short = "_".join(map(str, values)) if len(values) <= 4 and dtype == "int64" else ""
            value = Value(self._fresh(f"const/{short or dtype}"), TensorType(shape, dtype), batched=False)
            self.constants[key] = value
            self.data.tensors[value] = Numbers(tuple(values))
        return self.constants[key]

    def sizes(self, *sizes: Dim) -> Value:
        if all(isinstance(size, int) for size in sizes):
            return self.numbers(sizes, "int64")
        parts = [self._size(size) for size in sizes]
        return parts[0] if len(parts) == 1 else self.node("Concat", *parts, shape=(len(parts),), axis=0)

    def batch_and(self, *sizes: Dim) -> Value:
        """The number of samples, and sizes: int64 [1 + their number]."""
        if BATCH not in self.computed and self.data.inputs:
            self.computed[BATCH] = self._axis(self.data.inputs[0], 0)
        batch = self.computed.get(BATCH) or self.sizes(1)
        return self.node("Concat", batch, self.sizes(*sizes), shape=(1 + len(sizes),), axis=0) if sizes else batch

    def cast(self, x: Value, dtype: str) -> Value:
        return x if x.dtype == dtype else self.node("Cast", x, dtype=dtype, to=dtype)

    def batched(self, x: Value) -> Value:
        """The value for each sample."""
        if x.batched:
            return x
        return self.node("Expand", x, self.batch_and(*x.shape), shape=x.shape, batched=True)

    # -- sizes that are computed ----------------------------------------------------------------------

    def _size(self, size: Dim) -> Value:
        """A size as int64 [1]."""
        if isinstance(size, int):
            return self.numbers((size,), "int64")
        if size not in self.computed:
            terms = []
            for monomial, factor in size.terms.items():
                parts = [self._atom(atom) for atom, power in monomial for _ in range(power)]
                if factor != 1 or not parts:
                    parts.append(self._size(factor))
                terms.append(self._join("Mul", parts))
            self.computed[size] = self._join("Add", terms)
        return self.computed[size]

    def _join(self, op: str, values: Sequence[Value]) -> Value:
        result = values[0]
        for value in values[1:]:
            result = self.node(op, result, value)
        return result

    def _atom(self, atom: Symbol | Op) -> Value:
        if isinstance(atom, Op):
            left, right = self._size(atom.left), self._size(atom.right)
            if atom.kind == "//":
                if not atom.left >= 0:  # ONNX rounds to 0, the language down: so the remainder goes first
                    left = self.node("Sub", left, self.node("Mod", left, right))
                return self.node("Div", left, right)
            return self.node({"%": "Mod", "min": "Min", "max": "Max"}[atom.kind], left, right)
        if atom.name not in self.computed:
            if atom.name not in self.symbols:
                raise UnboundSymbol(atom.name)
            value, axis = self.symbols[atom.name]
            self.computed[atom.name] = self._axis(value, axis + 1)
        return self.computed[atom.name]

    def _axis(self, x: Value, axis: int) -> Value:
        """The size of an axis, counted with the batch: int64 [1]."""
        step, self.step = self.step, None  # it belongs to no layer
        size = self.node("Shape", x, shape=(1,), dtype="int64", batched=False, start=axis, end=axis + 1)
        self.step = step
        return size

    # -- names ----------------------------------------------------------------------------------------

    def _add(self, op: str, inputs: Iterable[Value | None], outputs: list[Value], attributes: dict[str, Any]) -> None:
        step = self.step
        base = f"{step.path}/{op}" if step else f"shape/{op}"
        name = self._fresh_in(self.node_names, base)
        for value in outputs:
            value.name = self._fresh(base)
        scopes = step.scopes if step else ()
        layer = step.layer.layer_name() if step else ""
        given = list(inputs)
        while given[-1] is None:  # onnxruntime crashes at some last inputs that are empty names
            given.pop()
        self.data.nodes.append(Node(name, op, given, outputs, attributes, scopes, layer))

    def _rename(self, value: Value, name: str) -> None:
        self.names.discard(value.name)
        value.name = self._fresh(name)

    def _fresh(self, name: str) -> str:
        return self._fresh_in(self.names, name)

    def _fresh_in(self, names: set[str], name: str) -> str:
        found, number = name, 1
        while found in names:
            number += 1
            found = f"{name}_{number}"
        names.add(found)
        return found


def _flatten(numbers: Any, values: list[float]) -> tuple[int, ...]:
    """Nested tuples of numbers, appended to a list; their shape."""
    if not isinstance(numbers, tuple):
        values.append(numbers)
        return ()
    inner: tuple[int, ...] = ()
    for item in numbers:
        inner = _flatten(item, values)
    return (len(numbers), *inner)


def _broadcast(values: Sequence[Value], batched: bool) -> tuple[Dim, ...]:
    """The shape, without the batch, to which values broadcast."""
    shapes = [(None, *x.shape) if x.batched else x.shape for x in values]
    rank = max(map(len, shapes))
    result: list[Any] = []
    for axis in range(-rank, 0):
        sizes = [shape[axis] for shape in shapes if -axis <= len(shape)]
        result.append(next((size for size in sizes if size != 1), 1))
    return tuple(result[1:] if batched else result)
