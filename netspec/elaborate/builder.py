"""A module while it is being built: its nodes, the types of its values, the names it has used."""

from __future__ import annotations

from typing import Any

from netspec.elaborate.values import Labelled, Value
from netspec.ir.dims import Dim
from netspec.ir.network import Module
from netspec.ir.types import UNKNOWN, TensorType
from netspec.source import Span


class ModuleBuilder:
    """Collects the nodes of one module. `parent` is the module around a labelled group or a repeat's body,
    whose values it may use: they become further inputs (`captures`)."""

    def __init__(self, name: str, title: str, parent: ModuleBuilder | None, reserved: frozenset[str]) -> None:
        self.name = name
        self.title = title
        self.parent = parent
        self.reserved = reserved  # labels that the author gives: automatic names avoid them
        self.inputs: list[str] = []
        self.nodes: list[Any] = []
        self.types: dict[str, TensorType] = {}
        self.spans: dict[str, Span] = {}  # of its nodes, and of what made its inputs
        self.labels: dict[str, Labelled] = {}
        self.captures: dict[tuple[str, str], tuple[str, Value]] = {}
        self._counts: dict[str, int] = {}

    def add_input(self, name: str, type: TensorType, span: Span) -> Value:
        self.inputs.append(name)
        self.types[name] = type
        self.spans[name] = span
        return Value(name, type, self, span)

    def unknown(self, span: Span) -> Value:
        """A value of unknown type, where a mistake leaves nothing else."""
        return self._stand_in(UNKNOWN, span)

    def assumed(self, shape: tuple[Dim, ...], span: Span) -> Value:
        """A value of claimed shape, where a mistake before it left nothing known."""
        return self._stand_in(TensorType(shape), span)

    def _stand_in(self, type: TensorType, span: Span) -> Value:
        name = self.automatic_name("?")
        self.types[name] = type
        return Value(name, type, self, span)

    def automatic_name(self, kind: str) -> str:
        """conv1, conv2, ...: the next that no label or value has; relu6_1, relu6_2, ... after a digit."""
        stem = f"{kind}_" if kind[-1:].isdigit() else kind
        count = self._counts.get(kind, 0) + 1
        while (name := f"{stem}{count}") in self.reserved or name in self.types:
            count += 1
        self._counts[kind] = count
        return name

    def add(self, node: Any, outputs: list[tuple[str, TensorType]], span: Span) -> None:
        """Add a node that makes these values."""
        self.nodes.append(node)
        self.spans[node.name] = span
        for ref, type in outputs:
            self.types[ref] = type

    def local(self, value: Value) -> str:
        """The name of a value in this module; one from an enclosing module comes in as an input."""
        if value.home is self:
            return value.ref
        key = (value.home.name, value.ref)
        if key not in self.captures:
            name = _plain_name(value)
            while name in self.types or name in self.reserved:
                name += "_"
            self.types[name] = value.type
            self.captures[key] = (name, value)
        return self.captures[key][0]

    def find_label(self, name: str) -> tuple[Labelled, int] | None:
        """A label visible here, and how many modules outwards it stands."""
        builder: ModuleBuilder | None = self
        outwards = 0
        while builder is not None:
            if name in builder.labels:
                return builder.labels[name], outwards
            builder, outwards = builder.parent, outwards + 1
        return None

    def finish(self, outputs: dict[str, str], captures: list[tuple[tuple[str, str], Value]] | None = None) -> Module:
        """The module. `captures` is the order of the captured inputs, where several modules share one."""
        if captures is None:
            captures = [(key, value) for key, (_, value) in self.captures.items()]
        inputs = [*self.inputs, *(self.local(value) for _, value in captures)]
        return Module.trusted(
            name=self.name, title=self.title, inputs=tuple(inputs), nodes=tuple(self.nodes), outputs=outputs
        )


def _plain_name(value: Value) -> str:
    """A name without dots for a value from outside: `enc_state` for the member `enc.state`."""
    owner, _, number = value.ref.rpartition(".")
    labelled = value.home.labels.get(owner)
    if labelled is None:
        return value.ref.replace(".", "_") or "value"
    member = next((name for name, other in labelled.members.items() if other.ref == value.ref), number)
    return f"{owner}_{member}"
