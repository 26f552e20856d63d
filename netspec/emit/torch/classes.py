"""The modules of a net as classes of torch: which become a class of their own, and what expressions their sizes and
arguments have there."""

from __future__ import annotations

import ast as py
import keyword
from collections.abc import Iterator, Sequence
from typing import Any

from netspec.elaborate.trace import Site, Tracer
from netspec.elaborate.values import Definition
from netspec.emit.torch.drafts import Given, Leaf, Unlike
from netspec.emit.torch.expressions import class_name, constant, names_in, net_class, safe_name, substitute, translate
from netspec.emit.torch.places import CannotWrite, ClassDef, Place
from netspec.emit.torch.reserved import RESERVED
from netspec.emit.torch.writer import Writer
from netspec.emit.torch_parts import part_names
from netspec.ir.network import CallNode, LayerNode, Module, RepeatNode, used_modules
from netspec.ops.torchrule import Torch
from netspec.problems.torch import TorchName
from netspec.syntax import ast

_PLAIN = (bool, int, float, str)

_RECURRENT = ("rnn", "gru", "lstm")


class Classes:
    """The classes of a net. `tracers`: its elaboration, and others at other values of its parameters, which the
    classes of the first must fit as well."""

    def __init__(self, tracers: Sequence[Tracer], root: str, constants: dict[str, Any], free: frozenset[str]) -> None:
        self.free = free  # parameters of the net that its class takes
        self.tracers = tracers
        self.root = root  # the module of the net itself, in all of them
        self.constants = constants
        self.made: list[ClassDef] = []
        self._of: dict[tuple[Tracer, str], ClassDef] = {}
        self._groups: dict[Any, list[Place]] = {}
        self._taken: set[str] = set()
        self._visited: set[Any] = set()
        self._running: dict[tuple[Tracer, str], bool] = {}
        self._sizes: dict[tuple[Tracer, str, str, int], py.expr | None] = {}
        self._outer: dict[tuple[Tracer, str], list[str]] = {}
        self._rules: dict[int, Torch] = {}  # by node, all of which the elaborations keep
        self._scopes: dict[tuple[Tracer, str], dict[str, Any]] = {}
        for tracer in tracers:
            for name in self._reached(tracer, root):
                if not self.is_inline(tracer, name):
                    self._groups.setdefault(self._key(tracer, name), []).append(Place(tracer, tracer.modules[name]))

    def build(self) -> ClassDef:
        """Make all classes; the net's own is the last."""
        self._visit(self._key(self.tracers[0], self.root))
        return self._of[self.tracers[0], self.root]

    # -- which modules are classes --------------------------------------------------------------------

    def _reached(self, tracer: Tracer, root: str) -> list[str]:
        found: dict[str, None] = {}

        def walk(name: str) -> None:
            if name in found:
                return
            found[name] = None
            for inner in _called(tracer.modules[name]):
                walk(inner)

        walk(root)
        return list(found)

    def _key(self, tracer: Tracer, name: str) -> Any:
        """Equal for modules that should be one class."""
        definition = tracer.definitions.get(name)
        env = tracer.envs.get(name, {})
        if definition is None:
            return (tracer.keys[name], None)
        fixed = tuple(id(getattr(v, "node", v)) for v in env.values() if isinstance(v, Definition | type))
        return (tracer.keys[name], fixed)

    def is_inline(self, tracer: Tracer, name: str) -> bool:
        """Whether a module is written where it is used, as nn.Sequential."""
        known = self._running.get((tracer, name))
        if known is None:
            known = name not in tracer.definitions and name != self.root and self.is_chain(tracer, name)
            self._running[tracer, name] = known
        return known

    def is_chain(self, tracer: Tracer, name: str) -> bool:
        """Whether the nodes of a module follow one another, each a module that takes and gives one value."""
        module = tracer.modules[name]
        if len(module.inputs) != 1 or len(module.outputs) != 1 or not module.nodes or self.outer(tracer, name):
            return False
        if not _are_keys([node.name for node in module.nodes]):
            return False
        before = module.inputs[0]
        for node in module.nodes:
            if node.inputs != (before,) or getattr(node, "shares", None) or getattr(node, "ties", None):
                return False
            if isinstance(node, LayerNode):
                rule = self.rule(tracer, module, node)
                if not rule.module or rule.call:
                    return False
            if any(len(tracer.modules[m].outputs) != 1 or self.outer(tracer, m) for m in used_modules(node)):
                return False
            before = node.name
        return next(iter(module.outputs.values())) == before

    def outer(self, tracer: Tracer, name: str) -> list[str]:
        """The layers outside of a module whose weights it uses, seen from the module around it."""
        known = self._outer.get((tracer, name))
        if known is None:
            found: dict[str, None] = {}
            for node in tracer.modules[name].nodes:
                paths = [path for inner in used_modules(node) for path in self.outer(tracer, inner)]
                shares = getattr(node, "shares", None)
                if shares is not None:
                    paths.append(shares)
                found.update(dict.fromkeys(path[3:] for path in paths if path.startswith("../")))
            known = self._outer[tracer, name] = list(found)
        return known

    def rule(self, tracer: Tracer, module: Module, node: LayerNode) -> Torch:
        """How torch says a layer."""
        known = self._rules.get(id(node))
        if known is None:
            types = tracer.types[module.name]
            known = self._rules[id(node)] = node.layer.torch([types[ref] for ref in node.inputs])
        return known

    def _visit(self, key: Any) -> None:
        if key in self._visited:
            return
        self._visited.add(key)
        places = self._groups[key]
        for place in places:
            for name in self._reached(place.tracer, place.module.name)[1:]:
                if not self.is_inline(place.tracer, name):
                    self._visit(self._key(place.tracer, name))
        for group, made in self._alike(places):
            made.name = self._name(group[0])
            self.made.append(made)
            for place in group:
                self._of[place.tracer, place.module.name] = made

    def _alike(self, places: list[Place]) -> Iterator[tuple[list[Place], ClassDef]]:
        """The classes of places: one if possible. A net's own is not divided. Raises Unlike."""
        try:
            yield places, Writer(self, places).write()
        except Unlike:
            if places[0].module.name == self.root:
                raise
            groups: dict[Any, list[Place]] = {}
            for place in places:
                groups.setdefault(Writer(self, [place]).signature(), []).append(place)
            for group in groups.values():
                yield group, Writer(self, group).write()

    def _name(self, place: Place) -> str:
        definition = place.tracer.definitions.get(place.module.name)
        is_root = place.module.name == self.root
        stem = self.root if is_root else definition.name if definition else place.module.name.split(".")[0]
        name = net_class(stem) if is_root else class_name(stem)
        if definition and not is_root and name in self._labels():
            name += "Block"
        number = 2
        unique = name
        while unique in self._taken or part_names(f"{unique}()") or (not is_root and unique == net_class(self.root)):
            unique = f"{name}{number}"
            number += 1
        self._taken.add(unique)
        return unique

    def _labels(self) -> set[str]:
        """The names of classes that are called by a label of the net: blocks leave them to these."""
        modules = ((place.tracer, place.module.name) for group in self._groups.values() for place in group)
        return {class_name(m.split(".")[0]) for tracer, m in modules if m != self.root and m not in tracer.definitions}

    def of(self, tracer: Tracer, module: str) -> ClassDef:
        return self._of[tracer, module]

    def check_name(self, place: Place, node: Any) -> None:
        """Refuse a name that modules of torch have for something else. Raises CannotWrite."""
        if node.name in RESERVED or node.name.startswith("__"):
            raise CannotWrite(TorchName(name=node.name), place.tracer.spans[place.module.name][node.name])

    # -- sizes ------------------------------------------------------------------------------------------

    def size(self, place: Place, ref: str, axis: int) -> py.expr | None:
        """An expression for the size of a value's axis, in the names of the class around the place."""
        while (before := self._passed(place, ref, axis)) is not None:
            ref = before
        if place.up is not None:
            return self._size(place, ref, axis)
        key = (place.tracer, place.module.name, ref, axis)
        if key not in self._sizes:
            self._sizes[key] = self._size(place, ref, axis)
        return self._sizes[key]

    def _passed(self, place: Place, ref: str, axis: int) -> str | None:
        """The input of a node that has the same size as its output, if it is not the node that gives the size."""
        node = place.node(ref)
        if ref in place.module.inputs or not isinstance(node, (LayerNode, RepeatNode)):
            return None
        shape = place.types[ref].shape
        if isinstance(node, LayerNode) and axis in _own_axes(node.layer, len(shape)):
            return None
        for before in node.inputs if isinstance(node, LayerNode) else node.inputs[:1]:
            other = place.types[before].shape
            if len(other) == len(shape) and other[axis] == shape[axis]:
                return before
        return None

    def _size(self, place: Place, ref: str, axis: int) -> py.expr | None:
        if ref in place.module.inputs:
            index = place.module.inputs.index(ref)
            if place.up is not None:
                return self.size(place.up[0], place.up[1].inputs[index], axis)
            return self._input_size(place, ref, index, axis)
        node = place.node(ref)
        if isinstance(node, LayerNode):
            return self._layer_size(place, node, ref, axis)
        if isinstance(node, CallNode):
            if self.is_inline(place.tracer, node.module):
                inner = place.inside(node.module, node)
                return self.size(inner, next(iter(inner.module.outputs.values())), axis)
            made = self.of(place.tracer, node.module)
            arguments = self.call(place, node.module, self.site(place, node), node.inputs)
            return self._class_size(made, arguments, ref[len(node.name) + 1 :], axis)
        last = node.runs[-1].module
        if self.is_inline(place.tracer, last):
            return None
        arguments = self.call(place, last, place.origin(node).runs[-1], node.inputs)
        others = [(given, leaf) for given, leaf in arguments if given.kind != "size"]
        return self._class_size(self.of(place.tracer, last), others, "", axis)

    def _class_size(self, made: ClassDef, args: list[tuple[Given, Leaf]], member: str, axis: int) -> py.expr | None:
        found = made.sizes.get((member, axis))
        if found is None:
            return None
        values = {given.name: leaf.wishes[0] if leaf.wishes else constant(leaf.value) for given, leaf in args}
        names = {node.id for node in py.walk(found) if isinstance(node, py.Name)}
        if not names <= set(values):
            return None
        return substitute(found, values)

    def _input_size(self, place: Place, ref: str, index: int, axis: int) -> py.expr | None:
        definition = place.tracer.definitions.get(place.module.name)
        if definition is not None and definition.is_net:
            for statement in definition.node.body.statements:
                if isinstance(statement, ast.Input) and statement.name.id == ref and statement.shape:
                    size = statement.shape[axis]
                    if size.usual is None:
                        return self.translated(place, size.value, place.tracer.envs[place.module.name], None)
            return None
        names = [name for name, at in self.size_names(place).items() if at == (index, axis)]
        return py.Name(names[0], py.Load()) if names else None

    def _layer_size(self, place: Place, node: LayerNode, ref: str, axis: int) -> py.expr | None:
        if axis not in _own_axes(node.layer, len(place.types[ref].shape)):
            return None
        name = node.layer.layer_name()
        if name in _RECURRENT:
            layer: Any = node.layer
            own = "proj" if getattr(layer, "proj", None) and ref != f"{node.name}.2" else "hidden"
            size = self.argument(place, node, own)
            both = layer.bidirectional and ref == node.name
            return py.BinOp(constant(2), py.Mult(), size) if both and size is not None else size
        if name != "concat":
            return self.argument(place, node, "dim" if name == "embedding" else "out")
        total: py.expr | None = None
        for ref in node.inputs:
            part = self.size(place, ref, axis) or constant(place.types[ref].shape[axis])
            total = part if total is None else py.BinOp(total, py.Add(), part)
        return total

    # -- arguments --------------------------------------------------------------------------------------

    def argument(self, place: Place, node: LayerNode, name: str, entry: int | None = None) -> py.expr | None:
        """The author's expression for an argument of a layer."""
        origin = place.origin(node)
        if not isinstance(origin.unit, ast.Call):
            return None
        fields = list(type(node.layer).model_fields)
        written = _written(origin.unit, fields).get(name)
        if written is None:
            return None
        if entry is not None:
            if not isinstance(written, ast.Sequence):
                return None
            written = written.items[entry]
        return self.translated(place, written, origin.env, node.inputs[0] if node.inputs else None)

    def translated(self, place: Place, expr: ast.Expr, env: dict[str, Any], it: str | None) -> py.expr | None:
        scope = self.scope(place.root)

        def names(name: str) -> py.expr | None:
            safe = safe_name(name)
            value = env.get(name)
            if safe in scope and type(scope[safe]) is type(value) and scope[safe] == value:
                return py.Name(safe, py.Load())
            if name not in env and isinstance(self.constants.get(name), _PLAIN):
                return constant(self.constants[name])
            return None

        def sizes(member: ast.Member) -> py.expr | None:
            if member.name != "channels" or not isinstance(member.value, ast.Name):
                return None
            ref = it if member.value.id == "it" else member.value.id
            if ref is None or ref not in place.types or not place.types[ref].shape:
                return None
            return self.size(place, ref, 0)

        return translate(expr, names, sizes)

    def scope(self, root: Place) -> dict[str, Any]:
        """The values of the names that the class of a place may use."""
        known = self._scopes.get((root.tracer, root.module.name))
        if known is not None:
            return known
        env = root.tracer.envs.get(root.module.name, {})
        definition = root.tracer.definitions.get(root.module.name)
        names = list(env)
        if definition is not None:
            is_root = root.module.name == self.root
            names = [p.name.id for p in definition.parameters if not is_root or p.name.id in self.free]
        scope = {safe_name(name): env[name] for name in names if name in env and _is_plain(env[name])}
        self._scopes[root.tracer, root.module.name] = scope
        self._add_sizes(root, scope)
        for let in definition.node.body.statements if definition is not None else ():
            if isinstance(let, ast.Let) and _is_plain(env.get(let.name.id)):
                it = root.module.inputs[0] if root.module.inputs else None
                if self.translated(root, let.value, env, it) is not None:
                    scope[safe_name(let.name.id)] = env[let.name.id]
        return scope

    def size_names(self, root: Place) -> dict[str, tuple[int, int]]:
        """What the sizes of a class's inputs are called: by name the input and its axis."""
        found: dict[str, tuple[int, int]] = {}
        if root.module.name == self.root:
            return found
        for number, ref in enumerate(root.module.inputs):
            stem = safe_name(ref) if number else "in"
            rank = len(root.types[ref].shape)
            if rank > 1:
                found.setdefault(f"{stem}_channels", (number, 0))
            if rank in (1, 2) or rank > 3:
                found.setdefault(f"{stem}_features", (number, rank - 1))
        return found

    def _add_sizes(self, root: Place, scope: dict[str, Any]) -> None:
        for name, (number, axis) in self.size_names(root).items():
            scope.setdefault(name, root.types[root.module.inputs[number]].shape[axis])

    def site(self, place: Place, node: CallNode) -> Site:
        origin = place.origin(node)
        return Site(origin.unit if isinstance(origin.unit, ast.Call) else None, origin.env)

    def call(self, place: Place, module: str, site: Site, inputs: Sequence[str]) -> list[tuple[Given, Leaf]]:
        """The arguments of a class for one of its modules."""
        made = self.of(place.tracer, module)
        target = Place(place.tracer, place.tracer.modules[module])
        values = self.scope(target)
        definition = place.tracer.definitions.get(module)
        written: dict[str, ast.Expr] = {}
        if site.call is not None and definition is not None:
            written = _written(
                site.call, [p.name.id for p in definition.parameters if p.name.id not in dict(definition.bound)]
            )
        out: list[tuple[Given, Leaf]] = []
        for given in made.given:
            wishes: list[py.expr | None] = []
            value = given.values[self._number(made, target)] if given.kind == "extra" else values[given.name]
            if given.kind == "size":
                number, axis = given.size
                wishes.append(self.size(place, inputs[number], axis))
            elif definition is not None:
                expr = next((e for name, e in written.items() if safe_name(name) == given.name), None)
                if expr is not None:
                    wishes.append(self.translated(place, expr, site.env, inputs[0] if inputs else None))
                else:
                    wishes.append(self._default(definition, target, given.name, out))
            else:
                wishes.append(py.Name(given.name, py.Load()))
            out.append((given, Leaf(value, tuple(w for w in wishes if w is not None), given.name)))
        return out

    def _default(
        self, definition: Definition, target: Place, name: str, before: list[tuple[Given, Leaf]]
    ) -> py.expr | None:
        """The default of a block's parameter, in the names of the caller, where it depends on other parameters."""
        parameter = next((p for p in definition.parameters if safe_name(p.name.id) == name), None)
        if parameter is None or parameter.default is None:
            return None
        env = target.tracer.envs[target.module.name]
        found = self.translated(target, parameter.default, env, (target.module.inputs or (None,))[0])
        values = {given.name: leaf.wishes[0] if leaf.wishes else constant(leaf.value) for given, leaf in before}
        if found is None or not set(names_in(found)) <= set(values):
            return None
        return substitute(found, values)

    def _number(self, made: ClassDef, target: Place) -> int:
        return next(
            i for i, p in enumerate(made.places) if p.tracer is target.tracer and p.module.name == target.module.name
        )


def _called(module: Module) -> Iterator[str]:
    for node in module.nodes:
        yield from used_modules(node)


def _own_axes(layer: Any, rank: int) -> tuple[int, ...]:
    """The axes whose size a layer gives itself."""
    name = layer.layer_name()
    if name in ("conv", "upconv"):
        return (0,)
    if name in ("dense", "rbf", "embedding", *_RECURRENT):
        return (rank - 1,)
    return (layer.axis % rank,) if name == "concat" else ()


def _is_plain(value: Any) -> bool:
    return isinstance(value, _PLAIN) or (isinstance(value, tuple) and all(map(_is_plain, value)))


def _written(call: ast.Call, names: list[str]) -> dict[str, ast.Expr]:
    """The arguments of a call by name."""
    found: dict[str, ast.Expr] = {}
    position = 0
    for argument in call.arguments:
        if argument.name is not None:
            found[argument.name.id] = argument.value
        elif position < len(names):
            found[names[position]] = argument.value
            position += 1
    return found


def _are_keys(names: list[str]) -> bool:
    """Whether nn.Sequential can have modules of these names."""
    numbered = names == [str(number) for number in range(len(names))]
    return numbered or names == [""] or all(name.isidentifier() and not keyword.iskeyword(name) for name in names)
