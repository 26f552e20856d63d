"""One class, from the modules that it stands for."""

from __future__ import annotations

import ast as py
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from netspec.elaborate.trace import Site
from netspec.emit.torch.drafts import Draft, Given, Leaf, Make, Merger, Times, Unlike, kind_of
from netspec.emit.torch.expressions import attribute, constant, literal, nested, safe_name
from netspec.emit.torch.forward import Forward
from netspec.emit.torch.layout import Call, Code
from netspec.emit.torch.places import CannotWrite, ClassDef, Entry, Place, tests_of
from netspec.ir.network import CallNode, LayerNode, RepeatNode, iterations, used_modules
from netspec.ops.torchrule import NOTHING, Arg, Of, Size, Torch
from netspec.problems.torch import NoTorch
from netspec.syntax import ast

if TYPE_CHECKING:
    from netspec.emit.torch.classes import Classes

_MOST_TIED = 1_000  # iterations that are tied one by one


class Writer:
    """Writes one class from the modules that it stands for."""

    def __init__(self, classes: Classes, places: list[Place]) -> None:
        self.classes = classes
        self.places = places
        self._functions: dict[str, bool] = {}
        self._args: dict[str, list[tuple[Arg, str]] | None] = {}
        self.scopes = [dict(classes.scope(place)) for place in places]
        self.merger = Merger(self.scopes, extras=places[0].module.name != classes.root)

    def write(self) -> ClassDef:
        """The class. Raises Unlike."""
        first = self.places[0]
        items = self._items() if self._is_sequential() else None
        entries: list[Entry] = []
        inputs: list[str] = []
        forward: list[str] = []
        base: Call | None = None
        if items is None:
            base = self._base()
            entries = list(self._entries()) if base is None else []
            inputs, forward = self._forward(entries)
        given, local = self._given()
        made = ClassDef(
            "",
            given,
            entries,
            local,
            inputs,
            forward,
            len(first.module.outputs),
            items,
            self._doc(first),
            self.places,
            base,
        )
        made.sizes = self._sizes()
        return made

    def _base(self) -> Call | None:
        """What all of a module is, without a name of its own: a repeat, a block, or a layer that is a module."""
        if any([node.name for node in place.module.nodes] != [""] for place in self.places):
            return None
        only = self.places[0].module.nodes[0]
        if isinstance(only, LayerNode) and (not only.inputs or self.is_function(only.name)):
            return None
        drafts = [self.draft(place, place.module.nodes[0]) for place in self.places]
        code = self._code("", [draft for draft in drafts if draft is not None])
        if not isinstance(code, Call):
            raise Unlike
        return code

    def signature(self) -> Any:
        """Equal for modules that can be one class."""
        place = self.places[0]
        drafts = tuple(
            (node.name, kind_of(draft) if (draft := self.draft(place, node)) is not None else None)
            for node in place.module.nodes
        )
        return drafts, None if self._is_sequential() else tuple(Forward(self, place).lines()[1])

    def _forward(self, entries: list[Entry]) -> tuple[list[str], list[str]]:
        """Inputs and statements; where there are two kinds of them, a condition tells which."""
        forwards = [Forward(self, place) for place in self.places]
        made = [forward.lines() for forward in forwards]
        kinds = list({tuple(lines): None for _, lines in made})
        if any(inputs != made[0][0] for inputs, _ in made) or len(kinds) > 2:
            raise Unlike
        if len(kinds) == 1:
            is_root = self.places[0].module.name == self.classes.root
            return made[0][0], forwards[0].commented() if is_root else made[0][1]
        text, outcomes = self._telling([tuple(lines) for _, lines in made])
        wanted = made[outcomes.index(True)][1]
        other = made[outcomes.index(False)][1]
        flag = "shortcut" if any(" + " in line for line in wanted) else "direct"
        while any(entry.name == flag for entry in entries):
            flag += "_"
        entries.insert(0, Entry(flag, text))
        return made[0][0], [f"if self.{flag}:", *(f"    {line}" for line in wanted), *other]

    def _telling(self, kinds: Sequence[Any]) -> tuple[str, list[bool]]:
        """A condition of the author's that tells places of two kinds apart, and how it comes out in each. Raises
        Unlike."""
        for wanted in dict.fromkeys(kinds):
            outcomes = [kind == wanted for kind in kinds]
            text = self._condition(outcomes) if not all(outcomes) else None
            if text is not None:
                return text, outcomes
        raise Unlike

    def _condition(self, outcomes: Sequence[bool]) -> str | None:
        """A condition of the author's that has these outcomes, one for each place."""
        known = [tests_of(place) for place in self.places]
        for key, (test, _) in known[0].items():
            if [tests[key][1] if key in tests else None for tests in known] != list(outcomes):
                continue
            wishes = []
            for place in self.places:
                node = next(n for n in place.module.nodes if any(t is test for t, _ in place.origin(n).tests))
                it = node.inputs[0] if node.inputs else None
                wishes.append(self.classes.translated(place, test, place.origin(node).env, it))
            text = self.merger.expression([wish for wish in wishes if wish is not None], outcomes)
            if text is not None:
                return text
        return None

    # -- attributes -------------------------------------------------------------------------------------

    def _is_sequential(self) -> bool:
        for place in self.places:
            names = [node.name for node in place.module.nodes]
            if names != [str(number) for number in range(len(names))] or place.module.name == self.classes.root:
                return False
            if not self.classes.is_chain(place.tracer, place.module.name):
                return False
        return True

    def _items(self) -> list[tuple[str, Code]]:
        """The modules of an nn.Sequential, each with the condition under which it is there."""
        rows = []
        for place in self.places:
            rows.append({id(place.origin(node).unit): node for node in place.module.nodes})
        longest = max(rows, key=len)
        if any(len(row) != len(place.module.nodes) for row, place in zip(rows, self.places, strict=True)):
            raise Unlike
        if any([key for key in longest if key in row] != list(row) for row in rows):
            raise Unlike
        items: list[tuple[str, Code]] = []
        for key in longest:
            there = [key in row for row in rows]
            drafts = [self.draft(place, row[key]) for place, row in zip(self.places, rows, strict=True) if key in row]
            present = [draft for draft in drafts if draft is not None]
            if all(there):
                items.append(("", self.merger.merge(present)))
                continue
            text = self._presence(key, rows, there)
            part = Merger([scope for scope, is_there in zip(self.scopes, there, strict=True) if is_there], extras=False)
            items.append((text, part.merge(present)))
            self.merger.used.update(part.used)
        return items

    def _presence(self, key: int, rows: list[dict[int, Any]], there: list[bool]) -> str:
        """The condition under which a unit is there. Raises Unlike."""
        place, row = next((p, r) for p, r in zip(self.places, rows, strict=True) if key in r)
        wishes = []
        for test, outcome in place.origin(row[key]).tests:
            wish = self.classes.translated(place, test, place.origin(row[key]).env, place.module.inputs[0])
            if wish is not None:
                wishes.append(wish if outcome else py.UnaryOp(py.Not(), wish))
        text = self.merger.expression(wishes, there)
        if text is None:
            raise Unlike
        return text

    def _entries(self) -> Iterator[Entry]:
        names = [[n.name for n in place.module.nodes if not self.is_function(n.name)] for place in self.places]
        if any(other != names[0] for other in names):
            raise Unlike
        for name in names[0]:
            nodes = [place.nodes.get(name) for place in self.places]
            node = nodes[0]
            self.classes.check_name(self.places[0], node)
            if getattr(node, "shares", None) is not None:
                continue
            drafts = [self.draft(place, n) for place, n in zip(self.places, nodes, strict=True)]
            yield Entry(name, self._code(name, [d for d in drafts if d is not None]))
        ties = [list(self._ties(place, place.module.name, "", 0)) for place in self.places]
        if any(other != ties[0] for other in ties):
            raise Unlike
        yield from ties[0]

    def _ties(self, place: Place, module: str, path: str, depth: int) -> Iterator[Entry]:
        """The weights in a module that are those of layers of this class. depth: how far inside the module is."""
        tracer = place.tracer
        for node in tracer.modules[module].nodes:
            own = f"{path}{node.name}"
            for weight, source in getattr(node, "ties", {}).items():
                if source.count("../") == depth:
                    owner, _, tied = source.removeprefix("../" * depth).rpartition(".")
                    target = attribute(node.name) if depth == 0 else f'self.get_submodule("{own}")'
                    layer = getattr(place.nodes.get(owner), "layer", None)
                    drawn = getattr(layer, "init", None) is not None  # what that returns is any module
                    given = f'.get_parameter("{tied}")' if drawn else f".{tied}"
                    yield Entry(f"{target}.{weight}", attribute(owner) + given)
            if isinstance(node, CallNode) and node.module not in tracer.definitions:
                yield from self._ties(place, node.module, f"{own}.", depth + 1)
            elif isinstance(node, RepeatNode):
                for run, first in iterations(node):
                    if run.module in tracer.definitions or not any(self._ties(place, run.module, "", depth + 1)):
                        continue
                    if run.times > _MOST_TIED:
                        problem = NoTorch(count=f"{run.times:,}", most=f"{_MOST_TIED:,}")
                        raise CannotWrite(problem, tracer.spans[module][node.name])
                    for number in range(first, first + run.times):
                        yield from self._ties(place, run.module, f"{own}.{run.name or number}.", depth + 1)

    def _code(self, name: str, drafts: list[Draft]) -> Code:
        if len(drafts) != len(self.places):
            raise Unlike
        if all(kind_of(draft) == kind_of(drafts[0]) for draft in drafts):
            return self.merger.merge(drafts)
        text, outcomes = self._telling([kind_of(draft) for draft in drafts])
        return self.merger.choose(text, drafts, outcomes)

    def is_function(self, name: str) -> bool:
        """Whether a node is applied without an attribute of its own."""
        if name not in self._functions:
            self._functions[name] = self._is_function(name)
        return self._functions[name]

    def _is_function(self, name: str) -> bool:
        for place in self.places:
            node = place.nodes.get(name)
            if node is None:
                continue
            if not isinstance(node, LayerNode) or node.shares is not None:
                return False
            rule = self.rule(place, node)
            if not rule.function or not node.inputs or (place.origin(node).labelled and rule.module):
                return False
        return self.function_args(name) is not None

    def function_args(self, name: str) -> list[tuple[Arg, str]] | None:
        """The arguments of a layer that is a function, if they are numbers; None if they depend on parameters."""
        if name not in self._args:
            self._args[name] = self._function_args(name)
        return self._args[name]

    def _function_args(self, name: str) -> list[tuple[Arg, str]] | None:
        peers = [(place, node) for place in self.places if (node := place.nodes.get(name)) is not None]
        rules = [self.rule(place, node) for place, node in peers]
        out: list[tuple[Arg, str]] = []
        for parts in zip(*(rule.args for rule in rules), strict=False):
            if any(type(part.value) is not type(parts[0].value) or part.value != parts[0].value for part in parts):
                return None
            source = parts[0].source
            if isinstance(source, Of) and rules[0].module:
                wish = self.classes.argument(*peers[0], *source)
                if wish is not None and any(isinstance(node, py.Name) for node in py.walk(wish)):
                    return None
            out.append((parts[0], literal(parts[0].value)))
        return out

    def rule(self, place: Place, node: LayerNode) -> Torch:
        return self.classes.rule(place.tracer, place.module, node)

    def gives_several(self, place: Place, node: RepeatNode) -> bool:
        """Whether the iterations of a repeat give more than what flows on."""
        return any(len(place.tracer.modules[run.module].outputs) > 1 for run in node.runs)

    def outer(self, place: Place, node: Any) -> list[str]:
        """The layers whose weights a node uses besides its own, seen from this module."""
        return list(dict.fromkeys(p for m in used_modules(node) for p in self.classes.outer(place.tracer, m)))

    def draft(self, place: Place, node: Any) -> Draft | None:
        """What a node's attribute is, or None for one that is only a function."""
        if isinstance(node, LayerNode):
            return self._layer(place, node)
        if isinstance(node, CallNode):
            return self._call(place, node.module, self.classes.site(place, node), node)
        return self._repeat(place, node)

    def _layer(self, place: Place, node: LayerNode) -> Draft | None:
        rule = self.rule(place, node)
        if not rule.module:
            return None
        args: list[tuple[str, Any, Draft]] = []
        for arg in rule.args:
            wish: py.expr | None = None
            if isinstance(arg.source, Of):
                wish = self.classes.argument(place, node, arg.source.argument, arg.source.entry)
            elif isinstance(arg.source, Size):
                wish = self.classes.size(place, node.inputs[arg.source.input], arg.source.axis)
            hint = f"{node.name}_{arg.name or 'size'}" if node.name.isidentifier() else arg.name or "size"
            args.append((arg.name, arg.default, Leaf(arg.value, (wish,) if wish is not None else (), safe_name(hint))))
        made = Make(rule.module, args, nested(rule.literal) if rule.literal is not None else "")
        init = node.layer.init if node.layer.drawn else None
        if init is None:
            return made
        words = init if isinstance(init, tuple) else (init,) if isinstance(init, str) else ("constant", init)
        drawn = [("", NOTHING, Leaf(word)) for word in words]
        return Make("initialised" if node.inputs else "drawn", [("", NOTHING, made), *drawn])

    def _call(self, place: Place, module: str, site: Site, node: Any) -> Draft:
        if self.classes.is_inline(place.tracer, module):
            return self._chain(place.inside(module, node))
        made = self.classes.of(place.tracer, module)
        return Make(
            made.name,
            [
                ("" if given.default is NOTHING else given.name, given.default, leaf)
                for given, leaf in self.classes.call(place, module, site, node.inputs)
            ],
        )

    def _chain(self, place: Place) -> Draft:
        """The nodes of a module as nn.Sequential."""
        for node in place.module.nodes:
            self.classes.check_name(place, node)
        drafts = {node.name: self.draft(place, node) for node in place.module.nodes}
        if list(drafts) == [""]:
            only = drafts[""]
            assert only is not None
            return only
        return _sequential({name: draft for name, draft in drafts.items() if draft is not None})

    def _repeat(self, place: Place, node: RepeatNode) -> Draft:
        origin = place.origin(node)
        count = getattr(origin.unit, "count", None)
        total = self.classes.translated(place, count, origin.env, None) if count is not None else None
        drafts: dict[str, Draft] = {}
        for (run, first), site in zip(iterations(node), origin.runs, strict=True):
            wish = None
            if total is not None and first + run.times == sum(r.times for r in node.runs):
                wish = py.BinOp(total, py.Sub(), constant(first)) if first else total
            draft = self._call(place, run.module, site, node)
            if run.name is None:
                draft = Times(draft, Leaf(run.times, (wish,) if wish is not None else (), "times"))
            drafts[run.name or str(len(drafts))] = draft
        return _sequential(drafts)

    # -- the head ---------------------------------------------------------------------------------------

    def _given(self) -> tuple[list[Given], list[tuple[str, str]]]:
        """The parameters of the class, and the values that it computes first."""
        first = self.places[0]
        definition = first.tracer.definitions.get(first.module.name)
        declared: dict[str, Any] = {}
        lets: dict[str, ast.Let] = {}
        if definition is not None:
            declared = {safe_name(p.name.id): p for p in definition.parameters}
            lets = {safe_name(s.name.id): s for s in definition.node.body.statements if isinstance(s, ast.Let)}
        local: dict[str, str] = {}
        needed = dict(self.merger.used)
        queue = list(needed)
        while queue:
            name = queue.pop(0)
            if name not in lets or name in declared:
                continue
            wishes = []
            for place in self.places:
                wish = self.classes.translated(
                    place, lets[name].value, place.tracer.envs[place.module.name], (place.module.inputs or (None,))[0]
                )
                if wish is not None:
                    wishes.append(wish)
            before = set(self.merger.used)
            text = self.merger.expression(wishes, [scope[name] for scope in self.scopes])
            if text is not None and text != name:
                local[name] = text
                queue += [n for n in self.merger.used if n not in before]
        needed = dict(self.merger.used)
        given: list[Given] = []
        sizes = {n: at for n, at in self.classes.size_names(first).items() if n not in declared}
        order: list[str] = [n for n in sizes if n in needed]
        order += [n for n in declared if n in needed]
        order += [n for n in needed if n not in order and n not in local]
        for name in order:
            values = [scope[name] for scope in self.scopes]
            kind = "extra" if name in self.merger.extras else "size" if name in sizes else "value"
            parameter = declared.get(name)
            default: Any = NOTHING
            if first.module.name == self.classes.root:
                default = values[0]
            elif parameter is not None and isinstance(parameter.default, (ast.Number, ast.Boolean)):
                default = parameter.default.value
            elif (
                parameter is not None
                and isinstance(parameter.default, ast.String)
                and len(parameter.default.parts) == 1
            ):
                default = parameter.default.parts[0]
            kinds = _type(values if default is NOTHING else [*values, default])
            given.append(Given(name, kinds, default, kind, values, sizes.get(name, (0, 0))))
        given.sort(key=lambda g: g.default is not NOTHING)
        return given, [(name, local[name]) for name in lets if name in local]

    def _doc(self, place: Place) -> str:
        module = place.module
        is_root = module.name == self.classes.root
        takes = ", ".join(f"{ref} {place.types[ref]}" if is_root else str(place.types[ref]) for ref in module.inputs)
        gives = ", ".join(str(place.types[ref]) for ref in module.outputs.values())
        if is_root:
            return f"{takes} -> {gives}"
        definition = place.tracer.definitions.get(module.name)
        return f"{f'Block `{definition.name}`' if definition else 'A part of its net'}: {takes} -> {gives} at first"

    def _sizes(self) -> dict[tuple[str, int], py.expr]:
        """The sizes of the outputs, as far as the parameters give them."""
        found: dict[tuple[str, int], py.expr] = {}
        for member in self.places[0].module.outputs:
            for axis in range(min(place.types[place.module.outputs[member]].rank for place in self.places)):
                wishes = [
                    w for place in self.places if (w := self.classes.size(place, place.module.outputs[member], axis))
                ]
                values = [place.types[place.module.outputs[member]].shape[axis] for place in self.places]
                check = Merger(self.scopes)
                for wish in wishes:
                    if check.expression([wish], values) is not None:
                        found[member, axis] = wish
                        break
        return found


def _sequential(drafts: dict[str, Draft]) -> Make:
    if list(drafts) == [str(number) for number in range(len(drafts))]:
        return Make("nn.Sequential", [("", NOTHING, draft) for draft in drafts.values()])
    named = Make("OrderedDict", [(name, NOTHING, draft) for name, draft in drafts.items()])
    return Make("nn.Sequential", [("", NOTHING, named)])


def _type(values: list[Any]) -> str:
    """The type of a parameter that has these values."""
    kinds = {_type_of(value) for value in values}
    if len(kinds) == 1:
        return kinds.pop()
    if kinds <= {"int", "float"}:
        return "float"
    return " | ".join(sorted(kinds))


def _type_of(value: Any) -> str:
    if isinstance(value, tuple):
        inner = {_type_of(item) for item in value}
        if len(inner) > 1 and "str" in inner:  # a word and its numbers
            return f"tuple[{', '.join(map(_type_of, value))}]"
        return f"tuple[{' | '.join(sorted(inner)) or 'int'}, ...]"
    return type(value).__name__
