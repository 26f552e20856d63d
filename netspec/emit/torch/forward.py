"""The statements of a class's `forward`."""

from __future__ import annotations

import keyword
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from netspec.emit.torch.expressions import nested, safe_name
from netspec.emit.torch.layout import WIDTH
from netspec.emit.torch.places import Place
from netspec.ir.network import LayerNode
from netspec.ops.torchrule import aligned, fill

if TYPE_CHECKING:
    from netspec.emit.torch.writer import Writer


class Forward:
    """The statements of a class's `forward`. A value that is used once is written where it is used."""

    def __init__(self, writer: Writer, place: Place) -> None:
        self.writer = writer
        self.place = place
        module = place.module
        self.remaining = Counter(ref for node in module.nodes for ref in node.inputs)
        self.remaining.update(module.outputs.values())
        self.held: dict[str, str] = {}  # the code of a value: a variable, or what is still to be computed
        self.pending: dict[str, set[str]] = {}  # the variables in values that are still to be computed
        self.loose: set[str] = set()  # values without a batch
        self.out: list[str] = []
        self.makes: list[str] = []  # the value that each statement makes
        self.names: set[str] = set()

    def lines(self) -> tuple[list[str], list[str]]:
        """The names of the inputs, and the statements."""
        module = self.place.module
        inputs = [safe_name(name) for name in module.inputs]
        if len(inputs) == 1:
            inputs = ["x"]
        for ref, name in zip(module.inputs, inputs, strict=True):
            self.held[ref] = name
            self.names.add(name)
        for node in module.nodes:
            self._node(node)
        for ref in module.outputs.values():
            if ref in self.pending:
                self._keep(ref)
        self.out.append("return " + ", ".join(self.held[ref] for ref in module.outputs.values()))
        return inputs, self.out

    def commented(self) -> list[str]:
        """The statements, with the shape of what they make where it is another than before."""
        out, last = [], ""
        for line, ref in zip(self.out, [*self.makes, ""], strict=True):
            shape = str(list(self.place.types[ref].shape)) if ref else last
            comment = f"  # {shape}" if shape != last and len(line) + len(shape) + 4 <= WIDTH - 8 else ""
            out.append(line + comment)
            last = shape
        return out

    def _node(self, node: Any) -> None:
        members = [ref for ref in self.place.types if ref.startswith(f"{node.name}.") and ref not in self.held]
        members = [ref for ref in members if self.place.node(ref) is node] if len(members) else []
        refs = [node.name, *members]
        for ref in node.inputs:
            self.remaining[ref] -= 1
        code = self._apply(node)
        if isinstance(node, LayerNode) and not node.inputs:
            self.held[node.name] = code
            self.loose.add(node.name)
            return
        if len(code) > WIDTH - 8 - len("out = ") - 6 and any(ref in self.pending for ref in node.inputs):
            for ref in node.inputs:
                if ref in self.pending:
                    self._keep(ref, node)
            code = self._apply(node)
        used = self._variables(node.inputs)
        for ref in node.inputs:
            self.pending.pop(ref, None)
        if isinstance(node, LayerNode) and node.inputs and all(ref in self.loose for ref in node.inputs):
            self.loose.add(node.name)
        if len(refs) > 1:
            targets = [self._fresh(node, i) for i in range(len(refs))]
            self.out.append(f"{', '.join(targets)} = {code}")
            self.makes.append("")
            self.held.update(zip(refs, targets, strict=True))
            return
        self.held[node.name] = code
        self.pending[node.name] = used
        if self.remaining[node.name] != 1 or self._ends_line(node):
            self._keep(node.name, node)

    def _ends_line(self, node: Any) -> bool:
        """Whether a reader expects a new line after a node: an activation, a block, a repeat, unless it is merged."""
        user = next((n for n in self.place.module.nodes if node.name in n.inputs), None)
        if user is not None and len(user.inputs) > 1:
            return False
        if isinstance(node, LayerNode):
            return ".activation" in type(node.layer).__module__
        return True

    def _apply(self, node: Any) -> str:
        if not isinstance(node, LayerNode):
            return self._module(node, [self.held[ref] for ref in node.inputs])
        codes = self._inputs(node)
        if not node.inputs:
            return f"self.{node.name}"
        if not self.writer.is_function(node.name):
            return self._module(node, codes)
        rule = self.writer.rule(self.place, node)
        args = self.writer.function_args(node.name)
        assert args is not None
        return fill(rule.function, codes, args, nested(rule.literal))

    def _inputs(self, node: LayerNode) -> list[str]:
        rule = self.writer.rule(self.place, node)
        types = [self.place.types[ref] for ref in node.inputs]
        most = max((len(type.shape) for type in types), default=0)
        codes = []
        batch = next((self.held[ref] for ref in node.inputs if ref not in self.loose), None)
        for ref, type in zip(node.inputs, types, strict=True):
            code = self.held[ref]
            if rule.broadcasts:
                code = aligned(code, len(type.shape), most, ref not in self.loose)
            elif ref in self.loose and batch is not None:
                code = f"{code}.expand({batch}.shape[0], {', '.join(['-1'] * len(type.shape))})"
            codes.append(code)
        return codes

    def _module(self, node: Any, codes: list[str]) -> str:
        name = node.name
        shares = getattr(node, "shares", None)
        if shares is not None and not self.place.origin(node).labelled:
            name = shares
        callee = (
            f"self.{name}" if name.isidentifier() and not keyword.iskeyword(name) else f'self.get_submodule("{name}")'
        )
        return f"{callee}({', '.join(codes)})"

    def _variables(self, refs: Sequence[str]) -> set[str]:
        found: set[str] = set()
        for ref in refs:
            found |= self.pending.get(ref, {self.held[ref]})
        return found

    def _keep(self, ref: str, node: Any = None) -> None:
        """Compute a value that is to be computed, into a variable."""
        code, used = self.held[ref], self.pending.pop(ref)
        live = {self.held[r] for r, count in self.remaining.items() if count > 0 and r in self.held and r != ref}
        live |= {name for r, names in self.pending.items() for name in names}
        if node is not None:
            live |= {
                self.held[r] for r in node.inputs if r in self.held and r != ref and self.place.node(ref) is not node
            }
        free = sorted(name for name in used if name not in live and name in self.names)
        name = ("x" if "x" in free else free[0]) if free else self._fresh(self.place.node(ref), 0)
        self.names.add(name)
        self.out.append(f"{name} = {code}")
        self.makes.append(ref)
        self.held[ref] = name

    def _fresh(self, node: Any, number: int) -> str:
        """A variable that is not in use."""
        taken = set(self.held.values()) | {n for names in self.pending.values() for n in names} | self.names
        label = node.name if node is not None and self.place.origin(node).labelled and node.name.isidentifier() else ""
        stems = [s for s in ("x", "out", safe_name(label) if label else "") if s]
        if number or label:
            stems = [s for s in (safe_name(label), "out") if s]
        for stem in stems:
            if stem not in taken:
                self.names.add(stem)
                return stem
        number = 2
        stem = stems[-1] if stems else "out"
        while f"{stem}{number}" in taken:
            number += 1
        self.names.add(f"{stem}{number}")
        return f"{stem}{number}"
