"""Pickles of tensors, read without Python's unpickler: nothing that a pickle names is imported or called.

A pickle is a program for a small stack machine (Python's `pickletools` describes its instructions). What follows knows
the instructions that tensors in dictionaries need, and the names: each stands for one of a few functions here, that
make plain descriptions. Any other name is refused.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from typing import Any, NamedTuple

from netspec.emit.weights.elements import MOST_AXES
from netspec.emit.weights.files import Damaged, Refused

_MOST_STEPS = 4_000_000  # instructions; a tensor takes some thirty
_MARK = object()


class Storage(NamedTuple):
    """A piece of memory that tensors lie in: the member of the archive that has it."""

    key: str
    dtype: str
    elements: int


class Tensor(NamedTuple):
    """A tensor: its first element in the storage, and the distance of elements along each axis, in elements."""

    storage: Storage
    dtype: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Name(NamedTuple):
    """A name of a package that stands for something known."""

    name: str


def load(data: bytes) -> Any:
    """What a pickle holds: dictionaries, lists, numbers, texts and Tensors. Raises Damaged, Refused."""
    machine = _Machine()
    try:
        for step, (opcode, arg, _) in enumerate(pickletools.genops(data)):
            if step == _MOST_STEPS:
                raise Damaged(f"its pickle has more than {_MOST_STEPS:,} instructions", "")
            if opcode.name == "STOP":
                return machine.pop()
            machine.step(opcode.name, arg)
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, UnicodeError) as error:
        raise Damaged("its pickle is damaged") from error
    raise Damaged("its pickle has no end")


class _Machine:
    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def step(self, name: str, arg: Any) -> None:
        """Carry out an instruction. Raises Damaged, Refused, or what wrong operands raise."""
        if name in _PUSHED:
            self.stack.append(arg)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name]())
        elif name in _STEPS:
            _STEPS[name](self, arg)
        elif name not in _IGNORED:
            raise Damaged(f"its pickle has the instruction {name}, which tensors do not need", "")

    def pop(self) -> Any:
        value = self.stack.pop()
        if value is _MARK:
            raise ValueError(value)
        return value

    def to_mark(self) -> list[Any]:
        """What stands on the stack since the last mark."""
        at = len(self.stack) - 1
        while self.stack[at] is not _MARK:
            at -= 1
            if at < 0:
                raise IndexError(at)
        values = self.stack[at + 1 :]
        del self.stack[at:]
        return values

    def tuple_of(self, count: int) -> None:
        values = tuple(self.pop() for _ in range(count))
        self.stack.append(values[::-1])

    def put(self, index: int) -> None:
        self.memo[index] = self.stack[-1]

    def set_items(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, dict):
            raise TypeError(target)
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not isinstance(key, str) and key is not None and not _is_size(abs(key)):  # large ones take time
                raise TypeError(key)
            target[key] = value

    def dictionary(self) -> None:
        items = self.to_mark()
        self.stack.append({})
        self.set_items(items)

    def forget(self, _: Any) -> None:
        """What is not on the stack any more is gone."""

    def append(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, list):
            raise TypeError(target)
        target.extend(values)

    def call(self) -> None:
        """A name and its arguments become what the name makes of them."""
        arguments, function = self.pop(), self.pop()
        if not isinstance(function, _Name) or not isinstance(arguments, tuple) or function.name not in _CALLS:
            raise TypeError(function)
        self.stack.append(_CALLS[function.name](*arguments))

    def build(self) -> None:
        """The attributes of a dictionary or tensor, which are not needed."""
        self.pop()
        if not isinstance(self.stack[-1], (dict, Tensor)):
            raise TypeError(self.stack[-1])

    def named(self) -> None:
        attribute, module = self.pop(), self.pop()
        if not isinstance(module, str) or not isinstance(attribute, str):
            raise TypeError(attribute)
        self.stack.append(known(f"{module}.{attribute}"))

    def storage(self) -> None:
        """A storage: ("storage", its type, its key, where it was, how many elements it has)."""
        word, kind, key, _, elements = self.pop()
        if word != "storage" or not isinstance(kind, _Name) or not isinstance(key, str) or not _is_size(elements):
            raise TypeError(word)
        dtype = STORAGES.get(kind.name)
        if dtype is None:
            raise TypeError(kind)
        self.stack.append(Storage(key, dtype, elements))


# -- names ----------------------------------------------------------------------------------------------

STORAGES = {
    "DoubleStorage": "float64", "FloatStorage": "float32", "HalfStorage": "float16", "BFloat16Storage": "bfloat16",
    "LongStorage": "int64", "IntStorage": "int32", "ShortStorage": "int16", "CharStorage": "int8",
    "ByteStorage": "uint8", "BoolStorage": "bool",
    "ComplexDoubleStorage": "complex128", "ComplexFloatStorage": "complex64",
    "QInt8Storage": "qint8", "QUInt8Storage": "quint8", "QInt32Storage": "qint32",
    "UntypedStorage": "uint8", "storage.UntypedStorage": "uint8", "storage.TypedStorage": "uint8",
}  # fmt: skip
STORAGES = {f"torch.{name}": dtype for name, dtype in STORAGES.items()}
DTYPES = {
    f"torch.{name}": name
    for name in (
        "float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint64", "uint32", "uint16",
        "uint8", "bool", "complex128", "complex64", "complex32", "float8_e5m2", "float8_e4m3fn", "float8_e5m2fnuz",
        "float8_e4m3fnuz", "float8_e8m0fnu",
    )
}  # fmt: skip
_TYPES = ("torch.Tensor", "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer")


def known(name: str) -> _Name:
    """A name that tensors need. Raises Refused for any other."""
    plain = "torch." + name.removeprefix("torch.cuda.") if name.startswith("torch.cuda.") else name
    if plain not in STORAGES and plain not in DTYPES and plain not in _CALLS and plain not in _TYPES:
        raise Refused(name)
    return _Name(plain)


def _is_size(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**63


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> Tensor:
    if not isinstance(storage, Storage):
        raise TypeError(storage)
    return _placed(storage, storage.dtype, offset, shape, strides)


def _typed_tensor(
    storage: Any, offset: Any, shape: Any, strides: Any, _grad: Any, _hooks: Any, dtype: Any, *_: Any
) -> Tensor:
    """A tensor whose element type is not its storage's, which is of bytes."""
    if not isinstance(storage, Storage) or not isinstance(dtype, _Name):
        raise TypeError(storage)
    return _placed(storage, DTYPES[dtype.name], offset, shape, strides)


def _placed(storage: Storage, dtype: str, offset: Any, shape: Any, strides: Any) -> Tensor:
    for sizes in (shape, strides, (offset,)):
        if not isinstance(sizes, tuple) or len(sizes) > MOST_AXES or not all(map(_is_size, sizes)):
            raise TypeError(sizes)
    if len(shape) != len(strides):
        raise ValueError(strides)
    return Tensor(storage, dtype, offset, shape, strides)


def _parameter(tensor: Any, *_: Any) -> Tensor:
    if not isinstance(tensor, Tensor):
        raise TypeError(tensor)
    return tensor


def _of_type(function: Any, _type: Any, arguments: Any, *_: Any) -> Tensor:
    """A tensor with attributes of its own."""
    if not isinstance(function, _Name) or not isinstance(arguments, tuple) or function.name not in _TENSORS:
        raise TypeError(function)
    return _TENSORS[function.name](*arguments)


def _dictionary() -> dict[Any, Any]:
    return {}


def _size(sizes: Any) -> tuple[Any, ...]:
    if not isinstance(sizes, tuple):
        raise TypeError(sizes)
    return sizes


_TENSORS: dict[str, Callable[..., Tensor]] = {
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor_v3": _typed_tensor,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
}
_CALLS: dict[str, Callable[..., Any]] = {
    "collections.OrderedDict": _dictionary,
    "torch.Size": _size,
    "torch._tensor._rebuild_from_type_v2": _of_type,
    **_TENSORS,
}


# -- instructions ---------------------------------------------------------------------------------------

_IGNORED = {"PROTO", "FRAME"}
_PUSHED = {
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT",
    "STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8",
    "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8",
}  # fmt: skip
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "MARK": lambda: _MARK,
}
_STEPS: dict[str, Callable[[_Machine, Any], None]] = {
    "GLOBAL": lambda machine, arg: machine.stack.append(known(arg.replace(" ", ".", 1))),
    "STACK_GLOBAL": lambda machine, _: machine.named(),
    "BINPERSID": lambda machine, _: machine.storage(),
    "REDUCE": lambda machine, _: machine.call(),
    "NEWOBJ": lambda machine, _: machine.call(),
    "BUILD": lambda machine, _: machine.build(),
    "PUT": lambda machine, arg: machine.put(arg),
    "BINPUT": lambda machine, arg: machine.put(arg),
    "LONG_BINPUT": lambda machine, arg: machine.put(arg),
    "MEMOIZE": lambda machine, _: machine.put(len(machine.memo)),
    "GET": lambda machine, arg: machine.stack.append(machine.memo[arg]),
    "BINGET": lambda machine, arg: machine.stack.append(machine.memo[arg]),
    "LONG_BINGET": lambda machine, arg: machine.stack.append(machine.memo[arg]),
    "TUPLE": lambda machine, _: machine.stack.append(tuple(machine.to_mark())),
    "TUPLE1": lambda machine, _: machine.tuple_of(1),
    "TUPLE2": lambda machine, _: machine.tuple_of(2),
    "TUPLE3": lambda machine, _: machine.tuple_of(3),
    "LIST": lambda machine, _: machine.stack.append(machine.to_mark()),
    "DICT": lambda machine, _: machine.dictionary(),
    "SETITEM": lambda machine, _: machine.set_items([machine.pop(), machine.pop()][::-1]),
    "SETITEMS": lambda machine, _: machine.set_items(machine.to_mark()),
    "APPEND": lambda machine, _: machine.append([machine.pop()]),
    "APPENDS": lambda machine, _: machine.append(machine.to_mark()),
    "POP": lambda machine, _: machine.forget(machine.stack.pop()),
    "POP_MARK": lambda machine, _: machine.forget(machine.to_mark()),
    "DUP": lambda machine, _: machine.stack.append(machine.stack[-1]),
}
