"""The inputs of a model: what they take, and whether given arrays fit.

A port's axes are sizes as a spec has them: numbers, symbols and formulas. The batch of a net is a symbol as well, so
that one rule binds all: where an axis is a symbol, all inputs that have it agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from netspec.driver import Compilation, is_json
from netspec.emit.onnx.graph import GraphData, Stored
from netspec.emit.onnx.proto import Layout
from netspec.emit.running.refusal import Refused
from netspec.ir.dims import Dim, Expr, parse_dim, substitute, symbol

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, ValueInfoProto

_LONGEST_FORMULA = 200  # characters of a size that is read as one
_SAME_ROWS = {"Cast", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Transpose", "Identity", "Slice"}  # of integers


@dataclass(frozen=True)
class Port:
    """An input. `axes`: with the batch; None for an axis of any size, and altogether where nothing is known."""

    name: str
    dtype: str
    axes: tuple[Dim | None, ...] | None
    batched: bool
    rows: int | None = None  # of the table that its integers choose from
    settable: tuple[str | None, ...] = ()  # by axis of a sample: the symbol that `--set` gives another value

    @property
    def sample(self) -> tuple[Dim | None, ...]:
        """The axes of one sample."""
        axes = self.axes or ()
        return axes[1:] if self.batched else axes

    @property
    def free_batch(self) -> bool:
        """Whether there may be any number of samples."""
        return self.batched and self.axes is not None and not isinstance(self.axes[0], int)

    def __str__(self) -> str:
        """`image is [3, 224, 224] of each sample`."""
        dtype = "" if self.dtype == "float32" else f"{self.dtype} "
        if self.free_batch:
            return f"{self.name} is {dtype}{shape_text(self.sample)} of each sample"
        return f"{self.name} is {dtype}{'of any shape' if self.axes is None else shape_text(self.axes)}"


class Bound(NamedTuple):
    """The size of a symbol, and where it comes from."""

    size: int
    origin: str


class Fitted(NamedTuple):
    """The shape that a given array is taken as."""

    shape: tuple[int, ...]
    added_batch: bool


def shape_text(shape: Iterable[Dim | None]) -> str:
    return "[" + ", ".join("?" if size is None else str(size) for size in shape) + "]"


# -- of a net, and of a model ---------------------------------------------------------------------------


def ports_of_graph(data: GraphData, made: Compilation | None = None) -> list[Port]:
    """The inputs of a net."""
    settable = _settable(made) if made is not None else {}
    layout = Layout(data)
    nodes = [
        (node.op, [x.name if x is not None else "" for x in node.inputs], node.outputs[0].name, node.attributes)
        for node in data.nodes
    ]
    tables = {value.name: value.shape for value, source in data.tensors.items() if isinstance(source, Stored)}
    return [
        Port(
            value.name,
            layout.type_of(value),
            (symbol(str(layout.batch)), *value.shape),
            True,
            _rows(value.name, nodes, tables) if "int" in value.dtype else None,
            settable.get(value.name, ()),
        )
        for value in data.inputs
    ]


def _settable(made: Compilation) -> dict[str, tuple[str | None, ...]]:
    """By input the symbols that its axes have in the spec, such as that of H=224."""
    if is_json(made.source):
        return {}
    free = Compilation(made.source, made.name, made.settings, symbolic=True, definitions=made.definitions)
    if free.network is None or not free.sound:
        return {}
    return {item.name: tuple(map(symbol_of, item.type.shape)) for item in free.network.inputs}


def symbol_of(size: Dim | None) -> str | None:
    """The symbol that a size is, alone."""
    return size.name if isinstance(size, Expr) else None


def ports_of_model(model: ModelProto) -> list[Port]:
    """The inputs that a model must be given. Raises Refused for what is no tensor of numbers."""
    graph = model.graph
    given = {tensor.name for tensor in graph.initializer}
    nodes = _nodes(graph)
    tables = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    return [_port(info, nodes, tables) for info in graph.input if info.name not in given]


def _nodes(graph: GraphProto) -> list[Any]:
    attributes: Any = {"axis": 0}
    out = []
    for node in graph.node:
        found = {a.name: a.i for a in node.attribute if a.name == "axis"} or attributes
        out.append((node.op_type, list(node.input), node.output[0] if node.output else "", found))
    return out


def _port(info: ValueInfoProto, nodes: Sequence[Any], tables: Mapping[str, Sequence[Dim]]) -> Port:
    kind = info.type.WhichOneof("value")
    if kind != "tensor_type":
        what = "nothing" if kind is None else f"a {kind.removesuffix('_type').replace('_', ' ')}"
        raise Refused(f"the input `{info.name}` of the model is {what}: only tensors can be given")
    tensor = info.type.tensor_type
    dtype = _dtype(tensor.elem_type)
    rows = _rows(info.name, nodes, tables) if "int" in dtype else None
    if not tensor.HasField("shape"):
        return Port(info.name, dtype, None, False, rows)
    axes = tuple(_size(axis) for axis in tensor.shape.dim)
    batched = bool(axes) and (not isinstance(axes[0], int) or axes[0] == 1 or len(axes) == 4)
    return Port(info.name, dtype, axes, batched, rows)


def _dtype(code: int) -> str:
    """The element type that a model's number for it stands for."""
    from onnx import TensorProto
    from onnx.helper import tensor_dtype_to_np_dtype

    try:
        dtype = tensor_dtype_to_np_dtype(code)
        return dtype.name if dtype.kind in "biuf" else TensorProto.DataType.Name(code).lower()
    except (KeyError, ValueError, TypeError):
        return "of an unknown type"


def _size(axis: Any) -> Dim | None:
    """The size of a model's axis: some exporters write 0 or -1 for one that is not known."""
    if axis.WhichOneof("value") == "dim_value":
        return int(axis.dim_value) if axis.dim_value > 0 else None
    text = axis.dim_param
    if not text:
        return None
    try:
        return parse_dim(text) if len(text) <= _LONGEST_FORMULA else symbol(text)
    except (ValueError, RecursionError):
        return symbol(text)


def _rows(name: str, nodes: Sequence[Any], tables: Mapping[str, Sequence[Dim]]) -> int | None:
    """Rows of the smallest table that the integers of an input choose from, such as an embedding's."""
    same, found = {name}, []
    for op, inputs, output, attributes in nodes:
        if op in _SAME_ROWS and inputs and inputs[0] in same:
            same.add(output)
        elif op == "Gather" and len(inputs) == 2 and inputs[1] in same and inputs[0] in tables:
            shape, axis = tables[inputs[0]], attributes.get("axis", 0)
            size = shape[axis] if -len(shape) <= axis < len(shape) else None
            if isinstance(size, int) and size > 0:
                found.append(size)
    return min(found, default=None)


# -- whether arrays fit ---------------------------------------------------------------------------------


def fit(port: Port, shape: tuple[int, ...], source: str, known: dict[str, Bound]) -> Fitted:
    """A given array's shape as the input takes it; its symbols go into `known`. Raises Refused."""
    if port.axes is None:
        return Fitted(shape, False)
    axes, added = port.axes, False
    taken = shape
    if len(shape) == len(axes) - 1 and port.batched and (port.free_batch or axes[0] == 1):
        taken, added = (1, *shape), True
    if len(taken) != len(axes) or not _agree(axes, taken):
        raise Refused(f"{port}; {source} has {shape_text(shape)}: {_misfit(port, shape, taken, added)}")
    for size, given in zip(axes, taken, strict=True):
        name = symbol_of(size)
        if name is not None:
            _bind(name, given, source, known, size is axes[0] and port.batched)
    return Fitted(taken, added)


def check_formulas(port: Port, shape: tuple[int, ...], source: str, known: Mapping[str, Bound]) -> None:
    """Whether the axes whose sizes are formulas fit, once all symbols are known. Raises Refused."""
    for axis, (size, given) in enumerate(zip(port.axes or (), shape, strict=False)):
        if size is None or isinstance(size, int):
            continue
        wanted = resolved(size, known)
        if isinstance(wanted, int) and wanted != given:
            raise Refused(f"{port}; {source} has {shape_text(shape)}: axis {axis} is {given}, not {size} = {wanted}")


def resolved(size: Dim, known: Mapping[str, Bound]) -> Dim:
    """A size with the symbols that are known."""
    return substitute(size, {name: bound.size for name, bound in known.items()})


def _bind(name: str, size: int, source: str, known: dict[str, Bound], batch: bool) -> None:
    bound = known.setdefault(name, Bound(size, source))
    if bound.size != size:
        if batch:
            raise Refused(f"{bound.origin} has {_samples(bound.size)} and {source} {size:,}: give as many of each")
        raise Refused(f"`{name}` is {bound.size} in {bound.origin} and {size} in {source}: it is one size")


def _samples(count: int) -> str:
    return f"{count:,} sample" + ("" if count == 1 else "s")


def _agree(axes: Sequence[Dim | None], shape: Sequence[int]) -> bool:
    return all(not isinstance(size, int) or size == given for size, given in zip(axes, shape, strict=True))


def _misfit(port: Port, shape: tuple[int, ...], taken: tuple[int, ...], added: bool) -> str:
    """What is wrong with a shape."""
    axes, sample = port.axes or (), port.sample
    if len(sample) >= 3:
        last = (*sample[1:], sample[0])
        for part in (shape, shape[1:]):
            if len(part) == len(last) and _agree(last, part):
                return "axes look channels-last, transpose it"
    if len(taken) != len(axes):
        without = f", or {len(axes) - 1} without the batch" if port.batched else ""
        return f"it takes {len(axes)} ax{'i' if len(axes) == 1 else 'e'}s{without}"
    wrong = {
        axis: f"axis {axis - added} is {given}, not {size}"
        for axis, (size, given) in enumerate(zip(axes, taken, strict=True))
        if isinstance(size, int) and size != given
    }
    return " and ".join(wrong.values()) + _settings(port, wrong, taken)


def _settings(port: Port, wrong: Iterable[int], taken: Sequence[int]) -> str:
    """The options with which a net takes other sizes, where it does."""
    names = ["", *port.settable]
    found = {names[axis]: taken[axis] for axis in wrong if axis < len(names)}
    if not all(found) or len(found) != len(list(wrong)):
        return ""
    return "; to take it: " + " ".join(f"--set {name}={size}" for name, size in found.items())
