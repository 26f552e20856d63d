"""The network as the author wrote it: a table of modules, each a list of nodes. Pydantic models, to and from JSON.

A value is named by the node that makes it: `conv1`, and `enc.state` for a further output. A module's own
inputs are values too. Nodes stand in an order in which they can run; a module stands after all modules
that it uses; the last module is the net. Types are not part of the IR: `analysis.shapes` derives them.
"""

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from netspec.ir.dims import Expr, Symbol, substitute, symbol, variables_of
from netspec.ir.types import TensorType


class _AnyLayer:
    """Any layer of the catalogue. How it meets JSON is in `ops.json`, which the catalogue's own package holds."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from netspec.ir.layerjson import core_schema  # only when IR meets JSON

        return core_schema()

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> dict[str, Any]:
        from netspec.ir.layerjson import json_schema

        return json_schema()


_set = object.__setattr__  # the models are frozen


class _Model(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, defer_build=True)

    @classmethod
    def trusted(cls, **values: Any) -> Self:
        """The model with all its fields given and known to be right: not validated, which is four times as fast
        as `model_construct`."""
        made = cls.__new__(cls)
        _set(made, "__dict__", values)
        _set(made, "__pydantic_fields_set__", set(values))
        _set(made, "__pydantic_extra__", None)
        _set(made, "__pydantic_private__", None)
        return made


class LayerNode(_Model):
    """One layer. In JSON its arguments stand beside its name: {"layer": "conv", "out": 64, "k": 7}."""

    kind: Literal["layer"] = "layer"
    name: str
    layer: Annotated[Any, _AnyLayer]
    inputs: tuple[str, ...]
    shares: str | None = None  # the node whose weights it uses, all of them; `../` leads to the enclosing module
    ties: dict[str, str] = {}  # weight -> the weight, "node.weight", that it is


class CallNode(_Model):
    """One use of a module."""

    kind: Literal["call"] = "call"
    name: str
    module: str
    inputs: tuple[str, ...]
    shares: str | None = None


class Run(_Model):
    """So many iterations of one module, one after the other."""

    module: str
    times: int = Field(ge=1)
    name: str | None = None  # of a single iteration, in place of its number


class RepeatNode(_Model):
    """Iterations: the first input goes from each to the next, the others are the same for all."""

    kind: Literal["repeat"] = "repeat"
    name: str
    runs: tuple[Run, ...]
    inputs: tuple[str, ...]


Node = Annotated[LayerNode | CallNode | RepeatNode, Field(discriminator="kind")]


class Module(_Model):
    """One block at certain arguments and input types, or the body of a labelled group or a repeat."""

    name: str
    title: str = ""  # as it was called: `basic 64 stride=2`
    inputs: tuple[str, ...]
    nodes: tuple[Node, ...]
    outputs: dict[str, str]  # member -> value; the first is the one that flows on; a single one has the name ""


class Input(_Model):
    name: str
    type: TensorType


class SymbolRange(_Model):
    """What is known of a symbol beyond that it is at least 1: from `low` to `high`, and `remainder` more than a
    multiple of `divisor`."""

    name: str = Field(pattern="^[A-Za-z_][A-Za-z0-9_]*$")
    low: int = Field(default=1, ge=0)
    high: int | None = None
    divisor: int = Field(default=1, ge=1)
    remainder: int = Field(default=0, ge=0)


class Network(_Model):
    """A net with all its modules."""

    FORMAT: ClassVar[str] = "netspec-ir-1"

    format: Literal["netspec-ir-1"] = "netspec-ir-1"
    name: str
    inputs: tuple[Input, ...]
    symbols: tuple[SymbolRange, ...] = ()  # those of which more is known
    modules: tuple[Module, ...]

    @model_validator(mode="after")
    def _know_symbols(self) -> Self:
        """Of IR that was read: sizes of inputs and layers with what is known of their symbols. Raises ValueError."""
        if self.symbols:
            known = {one.name: symbol(one.name, one.low, one.high, one.divisor, one.remainder) for one in self.symbols}
            if len(known) < len(self.symbols):
                raise ValueError("symbols: a name stands twice")
            _set(self, "inputs", tuple(_knowing(one, known) for one in self.inputs))
            _set(self, "modules", tuple(_of_known(one, known) for one in self.modules))
        return self

    @property
    def root(self) -> Module:
        return self.modules[-1]

    def module_table(self) -> dict[str, Module]:
        return {module.name: module for module in self.modules}


def _knowing(one: Input, known: dict[str, Expr]) -> Input:
    shape = tuple(substitute(size, known) for size in one.type.shape)
    if any(size < 1 or any(s.low < 1 for s in variables_of(size)) for size in shape):
        raise ValueError(f"inputs: {one.name} has a size that is below 1")
    return Input.trusted(name=one.name, type=one.type.with_shape(*shape))


def _of_known(module: Module, known: dict[str, Expr]) -> Module:
    """A module whose layers' arguments have what is known of the symbols of parameters."""

    def told(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(map(told, value))
        return substitute(value, known) if isinstance(value, Expr) else value

    nodes = tuple(
        node.model_copy(update={"layer": node.layer.model_copy(update={name: told(v) for name, v in node.layer})})
        if isinstance(node, LayerNode)
        else node
        for node in module.nodes
    )
    return module.model_copy(update={"nodes": nodes})


def symbol_ranges(sizes: Iterable[Any]) -> tuple[SymbolRange, ...]:
    """The symbols in sizes of which more is known than that they are at least 1."""
    found = {one for size in sizes for one in variables_of(size)}
    ranged = sorted(one for one in found if one != Symbol(one.name))
    return tuple(SymbolRange.trusted(**one._asdict()) for one in ranged)


def used_modules(node: LayerNode | CallNode | RepeatNode) -> list[str]:
    """The modules that a node uses."""
    if isinstance(node, CallNode):
        return [node.module]
    return [run.module for run in node.runs] if isinstance(node, RepeatNode) else []


def iterations(node: RepeatNode) -> Iterator[tuple[Run, int]]:
    """Each run of a repeat with the number of its first iteration."""
    number = 0
    for run in node.runs:
        yield run, number
        number += run.times
