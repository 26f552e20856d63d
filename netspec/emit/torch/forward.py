"""The statements of a class's `forward`."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from netspec.emit.torch.expressions import attribute, nested, safe_name
from netspec.emit.torch.layout import WIDTH
from netspec.emit.torch.places import Place
from netspec.ir.network import LayerNode, RepeatNode
from netspec.ops.torchrule import Torch, aligned, fill

if TYPE_CHECKING:
    from netspec.emit.torch.writer import Writer

_MOST_TAKEN = 45  # characters of inputs in the line of a call that gives several values


class Forward:
    """The statements of a class's `forward`. A value that is used once is written where it is used."""

    def __init__(self, writer: Writer, place: Place) -> None:
        self.writer = writer
        self.place = place
        module = place.module
        self.remaining = Counter(ref for node in module.nodes for ref in node.inputs)
        self.remaining.update(module.outputs.values())
        self.users: dict[str, Any] = {}  # the first node that takes a value
        self.members: dict[str, list[str]] = {}  # further outputs of a node
        for node in module.nodes:
            for ref in node.inputs:
                self.users.setdefault(ref, node)
        for ref in place.types:
            if ref not in place.nodes and "." in ref and place.node(ref) is not None:
                self.members.setdefault(place.node(ref).name, []).append(ref)
        self.alive: dict[str, None] = {}  # the values that there are and that a later node takes
        self.held: dict[str, str] = {}  # the code of a value: a variable, or what is still to be computed
        self.pending: dict[str, set[str]] = {}  # the variables in values that are still to be computed
        self.loose: set[str] = set()  # values without a batch
        self.layers: dict[str, str] = {}  # layers outside whose weights are used, by path: the names they have here
        self.first_states: dict[tuple[str, str], str] = {}  # variables that hold inputs, by layer and code
        self.out: list[str] = []
        self.makes: list[str] = []  # the value that each statement makes
        self.names: set[str] = set()
        self.labels: set[str] = set()  # the names that are labels: a reader takes them for what the label is
        self.inputs: list[str] = []
        self.batch = ""  # an input, which has the batch

    def lines(self) -> tuple[list[str], list[str]]:
        """The names of the inputs, and the statements."""
        module = self.place.module
        inputs = [safe_name(name) for name in module.inputs]
        if inputs and (len(inputs) == 1 or module.inputs[0] == "it"):
            inputs[0] = "x"
        self.inputs = inputs
        for ref, name in zip(module.inputs, inputs, strict=True):
            self._hold(ref, name)
            self.names.add(name)
        self.batch = inputs[0] if inputs else ""
        for path in self.writer.classes.outer(self.place.tracer, module.name):
            name = safe_name(path.removeprefix("../").rpartition("/")[2])
            self.layers[path] = f"{name}_layer" if name in self.names else name
            self.names.add(self.layers[path])
        for node in module.nodes:
            self._node(node)
        for ref in module.outputs.values():
            if ref in self.pending:
                self._keep(ref)
        self.out.append("return " + ", ".join(self._batched(ref) for ref in module.outputs.values()))
        self._declare()
        declared = [f"{name}: Tensor" for name in inputs]
        return [*declared, *(f"{name}: nn.Module" for name in self.layers.values())], self.out

    def _declare(self) -> None:
        """Give the type of a variable that is returned and begins as what a module gives, whose type is not known."""
        name = self.out[-1].removeprefix("return ")
        first = next((i for i, line in enumerate(self.out) if name in _assigned(line)), None)
        if first is None or name in self.inputs or "," in name:  # of several the types are not asked
            return
        typed = ("torch.", "F.", *(f"{known}." for known in self.inputs), *(f"{known} " for known in self.inputs))
        if self.out[first].startswith(f"{name} = ") and not self.out[first].removeprefix(f"{name} = ").startswith(
            typed
        ):
            self.out[first] = self.out[first].replace(f"{name} = ", f"{name}: Tensor = ", 1)
        elif not self.out[first].startswith(f"{name} = "):
            self.out.insert(first, f"{name}: Tensor")
            self.makes.insert(first, "")

    def commented(self) -> list[str]:
        """The statements, with the shape of what they make where it is another than before."""
        out, last = [], ""
        for line, ref in zip(self.out, [*self.makes, ""], strict=True):
            shape = str(list(self.place.types[ref].shape)) if ref else last
            comment = f"  # {shape}" if shape != last and len(line) + len(shape) + 4 <= WIDTH - 8 else ""
            out.append(line + comment)
            last = shape
        return out

    def _repeat(self, node: RepeatNode) -> None:
        """Iterations that nn.Sequential cannot run: they take values from outside, or give several."""
        for ref in node.inputs:
            if ref in self.pending:
                self._keep(ref)
        self._use(node.inputs)
        flow, *others = [self._batched(ref) for ref in node.inputs]
        others += self._outer(node)
        live = self._live()
        name = flow if flow not in live | set(others) and flow in self.names else self._fresh(node, 0)
        if name != flow:
            self.out.append(f"{name} = {flow}")
        several = "[0]" if self.writer.gives_several(self.place, node) else ""
        self.out.append(f"for layer in {attribute(node.name) if node.name else 'self'}:")
        self.out.append(f"    {name} = layer({', '.join([name, *others])}){several}")
        self.makes += [""] * (len(self.out) - len(self.makes))
        self._hold(node.name, name)

    def _node(self, node: Any) -> None:
        several = isinstance(node, RepeatNode) and self.writer.gives_several(self.place, node)
        if isinstance(node, RepeatNode) and (several or len(node.inputs) > 1 or self.writer.outer(self.place, node)):
            self._repeat(node)
            return
        refs = [node.name, *self.members.get(node.name, ())]
        self._use(node.inputs)
        self._keep_what_is_used_twice(node)
        code = self._apply(node)
        if isinstance(node, LayerNode) and not node.inputs:
            self._hold(node.name, code)
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
        if isinstance(node, LayerNode) and node.layer.broadcasts:
            self.loose |= {node.name} if all(ref in self.loose for ref in node.inputs) else set()
        outputs = self.writer.rule(self.place, node).outputs if isinstance(node, LayerNode) else ()
        if outputs and any(self.remaining[ref] for ref in refs[1:]):
            self._take_apart(node, refs, code)
            return
        if outputs:
            code = fill(outputs[0], [f"{code}[0]"], ())
        elif len(refs) > 1:
            targets = [self._fresh(node, i) for i in range(len(refs))]
            self.out.append(f"{', '.join(targets)} = {code}")
            self.makes.append("")
            for ref, target in zip(refs, targets, strict=True):
                self._hold(ref, target)
            return
        if self.remaining[node.name] == 0:  # its value goes nowhere
            self.out.append(code)
            self.makes.append("")
            return
        self._hold(node.name, code)
        self.pending[node.name] = used
        if self.remaining[node.name] != 1 or self._ends_line(node):
            self._keep(node.name, node)

    def _take_apart(self, node: LayerNode, refs: Sequence[str], code: str) -> None:
        """The outputs of a layer of which more than the first is used, from what its module gives."""
        rule = self.writer.rule(self.place, node)
        targets = [self._fresh(node, i) if self.remaining[ref] else "_" for i, ref in enumerate(refs)]
        self.out.append(f"{fill(rule.targets, targets, ())} = {code}")
        self.makes.append("")
        for ref, target, output in zip(refs, targets, rule.outputs, strict=True):
            made = fill(output, targets, ())
            if made != target and (self.remaining[ref] > 1 or ref in self.place.module.outputs.values()):
                self.out.append(f"{target} = {made}")
                self.makes.append(ref)
                made = target
            self._hold(ref, made)
            if made != target and self.remaining[ref]:
                self.pending[ref] = {target}
            self.labels |= {target} if ref != node.name else set()

    def _ends_line(self, node: Any) -> bool:
        """Whether a reader expects a new line after a node: an activation, a block, a repeat, unless it is merged."""
        if self._is_merged(node):
            return False
        if isinstance(node, LayerNode):
            return ".activation" in type(node.layer).__module__
        return True

    def _is_merged(self, node: Any) -> bool:
        """Whether the first node that takes a node's value takes others too."""
        user = self.users.get(node.name)
        return user is not None and len(user.inputs) > 1

    def _apply(self, node: Any) -> str:
        if not isinstance(node, LayerNode):
            return self._module(node, [*map(self._batched, node.inputs), *self._outer(node)])
        codes = self._inputs(node)
        if not node.inputs:
            return attribute(node.name, "parameter")
        if not self.writer.is_function(node.name):
            return self._module(node, codes)
        rule = self.writer.rule(self.place, node)
        args = self.writer.function_args(node.name)
        assert args is not None
        if "{" in rule.function:
            codes = list(map(_one, codes))
        return fill(rule.function, codes, args, nested(rule.literal))

    def _inputs(self, node: LayerNode) -> list[str]:
        types = [self.place.types[ref] for ref in node.inputs]
        most = max((len(type.shape) for type in types), default=0)
        codes = []
        for ref, type in zip(node.inputs, types, strict=True):
            if node.layer.broadcasts:
                held = self.held[ref] if len(type.shape) == most else _one(self.held[ref])
                codes.append(aligned(held, len(type.shape), most, ref not in self.loose))
            else:
                codes.append(self._batched(ref))
        return codes

    def _batched(self, ref: str) -> str:
        """The code of a value, with a batch."""
        if ref not in self.loose or not self.batch:
            return self.held[ref]
        axes = ", ".join(["-1"] * len(self.place.types[ref].shape))
        return f"{_one(self.held[ref])}.expand({', '.join(filter(None, [f'{self.batch}.shape[0]', axes]))})"

    def _outer(self, node: Any) -> list[str]:
        """The layers that are given to a module, because it uses their weights."""
        return [self._layer(path) for path in self.writer.outer(self.place, node)]

    def _layer(self, path: str) -> str:
        """A layer by its path from here."""
        return self.layers[path[3:]] if path.startswith("../") else attribute(path)

    def _keep_what_is_used_twice(self, node: Any) -> None:
        """Compute inputs that a template mentions more than once."""
        if isinstance(node, LayerNode) and self.writer.is_function(node.name):
            function = self.writer.rule(self.place, node).function
            for place, ref in enumerate(node.inputs):
                if function.count(f"{{{place}}}") > 1 and ref in self.pending:
                    self._keep(ref, node)

    def _module(self, node: Any, codes: list[str]) -> str:
        shares = getattr(node, "shares", None)
        rule: Torch | None = self.writer.rule(self.place, node) if isinstance(node, LayerNode) else None
        own = attribute(node.name) if node.name else "super().forward"
        module = own if shares is None else self._layer(shares)
        if rule is not None and rule.call:
            return rule.applied(module, self._taken(rule, node, codes))
        return f"{module}({', '.join(codes)})"

    def _taken(self, rule: Torch, node: LayerNode, codes: Sequence[str]) -> list[str]:
        """The inputs of a module that has a call of its own; those that do not fit into its line have their own."""
        taken = rule.taken(list(map(_one, codes)))
        if sum(map(len, taken)) <= _MOST_TAKEN:
            return taken
        for place, member in enumerate(node.layer.members[: len(taken) - 1], start=1):
            if not taken[place].isidentifier():
                if (node.name, taken[place]) not in self.first_states:
                    name = self._free([f"first_{member}", f"{safe_name(node.name)}_first_{member}"])
                    self.out.append(f"{name} = {taken[place]}")
                    self.makes.append("")
                    self.first_states[node.name, taken[place]] = name
                taken[place] = self.first_states[node.name, taken[place]]
        return taken

    def _variables(self, refs: Sequence[str]) -> set[str]:
        found: set[str] = set()
        for ref in refs:
            found |= self.pending.get(ref, {self.held[ref]})
        return found

    def _live(self, but: str = "") -> set[str]:
        """The variables that are still needed, by all values but one."""
        held = {self.held[ref] for ref in self.alive if ref != but}
        return held.union(*self.pending.values())

    def _keep(self, ref: str, node: Any = None) -> None:
        """Compute a value that is to be computed, into a variable."""
        code, used = self.held[ref], self.pending.pop(ref)
        live = self._live(ref)
        if node is not None:
            live |= {
                self.held[r] for r in node.inputs if r in self.held and r != ref and self.place.node(ref) is not node
            }
        free = [name for name in ("x", *sorted(used - self.labels)) if name in used - live and name in self.names]
        name = free[0] if free else self._fresh(self.place.node(ref), 0)
        self.names.add(name)
        self.out.append(f"{name} = {code}")
        self.makes.append(ref)
        self._hold(ref, name)

    def _hold(self, ref: str, code: str) -> None:
        self.held[ref] = code
        if self.remaining[ref] > 0:
            self.alive[ref] = None

    def _use(self, refs: Sequence[str]) -> None:
        for ref in refs:
            self.remaining[ref] -= 1
            if self.remaining[ref] <= 0:
                self.alive.pop(ref, None)

    def _fresh(self, node: Any, number: int) -> str:
        """A variable that is not in use."""
        is_labelled = node is not None and self.place.origin(node).labelled and node.name.isidentifier()
        label = safe_name(node.name) if is_labelled else ""
        if number:
            own: tuple[str, ...] = node.layer.members[number - 1 : number] if isinstance(node, LayerNode) else ()
            stems = [*own, *(f"{label}_{name}" for name in own if label), "out"]
        elif label and (self.remaining[node.name] > 1 or self._is_merged(node)):
            stems = [label, "out"]
        else:
            stems = ["x", "out", *([label] if label else [])]
        name = self._free(stems)
        self.labels |= {name} if name == label else set()
        return name

    def _free(self, stems: Sequence[str]) -> str:
        """The first name that is not in use, or the last one with a number."""
        name, number = next((stem for stem in stems if stem not in self.names), stems[-1]), 2
        while name in self.names:
            name, number = f"{stems[-1]}{number}", number + 1
        self.names.add(name)
        return name


def _one(code: str) -> str:
    """An expression as it stays whole beside an operator, before a dot and before an index."""
    is_one = isinstance(ast.parse(code, mode="eval").body, (ast.Name, ast.Attribute, ast.Call, ast.Subscript))
    return code if is_one else f"({code})"


def _assigned(line: str) -> list[str]:
    """The variables that a statement assigns, if that is all it does."""
    names, equal, _ = line.partition(" = ")
    return names.split(", ") if equal and re.fullmatch(r"[\w, ]+", names) else []
