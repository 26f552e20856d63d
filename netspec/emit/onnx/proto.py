"""A graph as the bytes of an ONNX model, written tensor by tensor: memory stays near that of the largest tensor.

The onnx package makes every message but two: the graph that holds the tensors, and the tensors, are framed here, so
that no message with all the numbers is ever made. A message is its fields one after another; a field that is a message
or bytes is a tag, a length and that many bytes (https://protobuf.dev/programming-guides/encoding).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from itertools import chain, count
from typing import TYPE_CHECKING, Any, BinaryIO

from netspec.emit.onnx.folding import folded
from netspec.emit.onnx.graph import BATCH, Folded, GraphData, Node, Numbers, Source, Stored
from netspec.emit.weights.elements import Tensors
from netspec.ir.dims import Dim, Expr
from netspec.ir.types import DTYPE_BYTES, TensorType
from netspec.ops import onnxrule
from netspec.ops.onnxrule import Value

if TYPE_CHECKING:
    import numpy as np
    from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto

IR_VERSION = 10
LARGEST = 2**31 - 2**20  # bytes of one file, and of one message of protobuf
_ALIGNED = 4096  # offsets of external data, so that they can be mapped
_INLINE = 1024  # bytes of a tensor that stays in the model
_CHUNK = 1 << 22  # elements that are converted at once

# Tags: (number of the field << 3) | 2
_MODEL_GRAPH, _GRAPH_INITIALIZER, _TENSOR_RAW_DATA = b"\x3a", b"\x2a", b"\x4a"

_CODES = {"float32": 1, "int32": 6, "int64": 7, "bool": 9, "float16": 10, "float64": 11, "bfloat16": 16}  # of ONNX


class OutOfRange(ValueError):
    """A weight has a number that float16 has not."""

    def __init__(self, name: str, number: float) -> None:
        super().__init__(f"`{name}` has the number {number:,.0f}, and float16 has none above 65,504")


class Layout:
    """A graph and how its tensors are laid out."""

    def __init__(self, data: GraphData, dtype: str = "float32") -> None:
        self.data = data
        self.dtype = dtype
        used = {id(x) for node in data.nodes for x in node.inputs if x is not None} | {id(x) for x in data.outputs}
        self.tensors = {value: source for value, source in data.tensors.items() if id(value) in used}
        sizes = [size for value in data.inputs for size in value.shape]
        taken = {name for size in sizes if isinstance(size, Expr) for name in size.symbols}
        names = chain((BATCH,), (f"{BATCH}_{number}" for number in count(2)))
        self.batch = next(name for name in names if name not in taken) if data.inputs else 1

    def type_of(self, value: Value) -> str:
        """The element type as it is written."""
        return self.dtype if value.dtype == "float32" else value.dtype

    def bytes_of(self, value: Value) -> int:
        count = value.type.elements
        assert isinstance(count, int)  # a tensor with numbers has no symbol in its shape
        return count * DTYPE_BYTES[self.type_of(value)]

    @property
    def total(self) -> int:
        """Bytes of all tensors."""
        return sum(map(self.bytes_of, self.tensors))

    def data_of(self, value: Value, tensors: Tensors) -> Iterator[bytes | memoryview]:
        """The bytes of a tensor, little-endian, in pieces."""
        import numpy as np

        written = _numpy_type(self.type_of(value))
        for chunk in _chunks(self.tensors[value], value.type, tensors):
            for at in range(0, len(chunk), _CHUNK):
                part = chunk[at : at + _CHUNK]
                with np.errstate(over="ignore"):
                    piece = np.ascontiguousarray(part, written)
                if self.type_of(value) == "float16" and not isinstance(self.tensors[value], Numbers):
                    _check_range(value.name, part, piece)
                yield piece.view(np.uint8).data


def write(layout: Layout, tensors: Tensors, file: BinaryIO, metadata: Mapping[str, str]) -> None:
    """Write a model of at most `LARGEST` bytes, its tensors in it."""
    graph = _graph(layout).SerializeToString()
    heads = {value: _tensor(layout, value).SerializeToString() for value in layout.tensors}
    size = len(graph)
    for value, head in heads.items():
        inside = _tensor_bytes(head, layout.bytes_of(value))
        size += 1 + len(_varint(inside)) + inside
    file.write(_model(layout, metadata).SerializeToString())
    file.write(_MODEL_GRAPH + _varint(size) + graph)
    for value, head in heads.items():
        count = layout.bytes_of(value)
        file.write(_GRAPH_INITIALIZER + _varint(_tensor_bytes(head, count)) + head)
        file.write(_TENSOR_RAW_DATA + _varint(count))
        file.writelines(layout.data_of(value, tensors))


def write_external(
    layout: Layout, tensors: Tensors, file: BinaryIO, data: BinaryIO, location: str, metadata: Mapping[str, str]
) -> None:
    """Write a model and, in a file of their own, its tensors. `location`: that file's name, as the model has it."""
    graph, offset = _graph(layout), 0
    for value in layout.tensors:
        tensor, count = _tensor(layout, value), layout.bytes_of(value)
        if count <= _INLINE:
            tensor.raw_data = b"".join(layout.data_of(value, tensors))
        else:
            gap = -offset % _ALIGNED
            data.write(bytes(gap))
            offset += gap
            tensor.data_location = tensor.EXTERNAL
            for key, entry in (("location", location), ("offset", offset), ("length", count)):
                tensor.external_data.add(key=key, value=str(entry))
            data.writelines(layout.data_of(value, tensors))
            offset += count
        graph.initializer.append(tensor)
    model = _model(layout, metadata)
    model.graph.CopyFrom(graph)
    file.write(model.SerializeToString())


def _tensor_bytes(head: bytes, count: int) -> int:
    """Bytes of a tensor's message."""
    return len(head) + 1 + len(_varint(count)) + count


def _varint(number: int) -> bytes:
    """A number as protobuf writes lengths: seven bits to a byte, the lowest first."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


# -- messages -------------------------------------------------------------------------------------------


def _model(layout: Layout, metadata: Mapping[str, str]) -> ModelProto:
    from onnx import ModelProto

    version = import_module("netspec").__version__
    model = ModelProto(ir_version=IR_VERSION, producer_name="netspec", producer_version=version)
    model.opset_import.add(domain="", version=layout.data.opset)
    for key, entry in metadata.items():
        model.metadata_props.add(key=key, value=entry)
    return model


def _graph(layout: Layout) -> GraphProto:
    """The graph without its tensors."""
    from onnx import GraphProto

    data = layout.data
    graph = GraphProto(name=data.name)
    graph.node.extend(_node(layout, node) for node in data.nodes)
    graph.input.extend(_value_info(layout, value) for value in data.inputs)
    graph.output.extend(_value_info(layout, value) for value in data.outputs)
    outputs = {id(value) for value in data.outputs}
    graph.value_info.extend(
        _value_info(layout, value) for node in data.nodes for value in node.outputs if id(value) not in outputs
    )
    return graph


def _node(layout: Layout, node: Node) -> NodeProto:
    from onnx import NodeProto
    from onnx.helper import make_attribute

    proto = NodeProto(name=node.name, op_type=node.op)
    proto.input.extend("" if x is None else x.name for x in node.inputs)
    proto.output.extend(x.name for x in node.outputs)
    for key, value in sorted(node.attributes.items()):
        if key == "to":
            value = _CODES[layout.dtype if value == "float32" else value]
        proto.attribute.append(make_attribute(key, value))
    if node.scopes:
        # what viewers fold groups by, as torch's exporter writes it
        layer = node.name.split("/")[0]
        groups = [scope for scope in node.scopes if scope.path != layer]
        names = [*(scope.path for scope in groups), layer, node.op]
        kinds = [*(scope.title.split(" ")[0] for scope in groups), node.layer, node.op]
        namespace = "/".join(f"{name}: {kind}" for name, kind in zip(names, kinds, strict=True))
        for key, text in (
            ("namespace", namespace),
            ("pkg.torch.onnx.class_hierarchy", repr(kinds)),
            ("pkg.torch.onnx.name_scopes", repr(names)),
        ):
            proto.metadata_props.add(key=key, value=text)
    return proto


def _value_info(layout: Layout, value: Value) -> ValueInfoProto:
    from onnx import ValueInfoProto

    info = ValueInfoProto(name=value.name)
    tensor = info.type.tensor_type
    tensor.elem_type = _CODES[layout.type_of(value)]
    tensor.shape.SetInParent()  # also of a scalar
    sizes: list[Dim | str] = [*((layout.batch,) if value.batched else ()), *value.shape]
    sizes = [layout.batch if size == onnxrule.BATCH else size for size in sizes]
    for size in sizes:
        axis = tensor.shape.dim.add()
        if isinstance(size, int):
            axis.dim_value = size
        elif size != onnxrule.COUNTED:
            axis.dim_param = str(size)
    return info


def _tensor(layout: Layout, value: Value) -> TensorProto:
    """A tensor without its numbers."""
    from onnx import TensorProto

    sizes = [size for size in value.shape if isinstance(size, int)]
    return TensorProto(name=value.name, dims=sizes, data_type=_CODES[layout.type_of(value)])


# -- numbers --------------------------------------------------------------------------------------------


def _chunks(source: Source, type: TensorType, tensors: Tensors) -> Iterator[np.ndarray[Any, Any]]:
    import numpy as np

    if isinstance(source, Stored):
        yield from tensors.chunks(source.name)
    elif isinstance(source, Numbers):
        yield np.array(source.values, np.int64 if type.dtype == "int64" else np.float64)
    else:
        parts = [np.float64(0.0) if part is None else _array(part, tensors) for part in _parts(source)]
        yield folded(source, type.shape[0], *parts)


def _check_range(name: str, numbers: Any, written: Any) -> None:
    """Raises OutOfRange where a number of a weight became infinite."""
    import numpy as np

    if np.isinf(written).any() and np.isfinite(numbers).all():
        raise OutOfRange(name, float(np.abs(numbers).max()))


def _parts(source: Folded) -> tuple[Source | None, ...]:
    return source.stored, source.scale, source.shift, source.mean, source.variance


def _array(source: Source, tensors: Tensors) -> Any:
    """All numbers of a tensor, flat."""
    import numpy as np

    chunks = list(_chunks(source, TensorType(()), tensors))
    return chunks[0] if len(chunks) == 1 else np.concatenate(chunks)


def _numpy_type(dtype: str) -> Any:
    import numpy as np

    if dtype == "bfloat16":
        from ml_dtypes import bfloat16

        return np.dtype(bfloat16)
    return np.dtype(dtype).newbyteorder("<")
