"""One net of one file, from text to facts. Every stage is computed when first asked for, and once.

The command line, the Python API and the tests all come through here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from netspec import limits, resources
from netspec.analysis import totals as totals_of
from netspec.analysis.shapes import IrError, Types, infer
from netspec.analysis.totals import Maybe, ModuleTotals, NodeTotals
from netspec.diagnostics import Diagnostic, Diagnostics, SpecError, nearest
from netspec.elaborate.elaborator import Elaborator
from netspec.elaborate.files import Definitions, collect, read_source
from netspec.elaborate.frame import Frame
from netspec.elaborate.symbolic import names_of, texts_of
from netspec.elaborate.values import Definition, Exhausted, Failed
from netspec.ir.dims import Dim, Expr, TooManyTerms
from netspec.ir.network import Network
from netspec.problems.files import BadIr, NotASpec, TooBig, TooNested
from netspec.problems.structure import FiguresTooLarge, NoNets, SizeTooLong, UnknownNet
from netspec.source import SourceFile, Span
from netspec.syntax import ast

if TYPE_CHECKING:
    from netspec.analysis.claims import ClaimChecker
    from netspec.analysis.ranges import Ranges
    from netspec.analysis.receptive import ReceptiveFields
    from netspec.analysis.rows import Row

Symbolic: TypeAlias = bool | str | Collection[str]
_JSON = re.compile(r"\s*\{\s*(?:[\"}]|\Z)")


class Compilation:
    """A net of a source. `settings` are values of its parameters and symbols; `batch` scales computation; figures of
    bytes take `dtype` for float32.

    symbolic: names of parameters and sizes that stay symbols, though they have usual values, and conditions on them;
    True for all sizes."""

    def __init__(
        self,
        source: SourceFile,
        net: str | None = None,
        settings: Mapping[str, Any] | None = None,
        batch: int = 1,
        symbolic: Symbolic = False,
        definitions: Definitions | None = None,
        found: Diagnostics | None = None,
        dtype: str = "float32",
    ) -> None:
        if not isinstance(batch, int) or not 1 <= batch <= limits.BATCH:
            raise ValueError(f"a batch is a whole number of samples from 1 to {limits.BATCH:,}, not {batch!r}")
        self.source = source
        self.name = net
        self.settings = dict(settings or {})
        self.batch = batch
        self.dtype = dtype
        self.symbolic = texts_of(symbolic)
        self._found = found if found is not None else Diagnostics()
        self._definitions = definitions
        self._elaborator: Elaborator | None = None
        self._ir_types: Types = {}  # of IR that was read
        self._undecided = 0  # claims about figures

    # -- stages -------------------------------------------------------------------------------------

    @cached_property
    def definitions(self) -> Definitions:
        return self._definitions or collect(self.source, self._found)

    @cached_property
    def network(self) -> Network | None:
        """The IR, or None where nothing could be made of the text."""
        try:
            network = self._read_ir() if is_json(self.source) else self._elaborate()
            if network is None or totals_of.is_countable(network):
                return network
            self._too_large(network)
        except RecursionError:
            self._found.add(TooNested(file=self.source.name).nowhere(self.source.name))
        except TooManyTerms:
            self._too_long()
        except Exhausted:  # by values outside of the net, which has been told
            pass
        return None

    @cached_property
    def types(self) -> Types:
        """The type of every value, by module."""
        network = self.network
        if network is None:
            return {}
        return self._elaborator.types if self._elaborator else self._ir_types

    @cached_property
    def _totals(self) -> tuple[NodeTotals, ModuleTotals]:
        return self._count(self._held, self.dtype)

    @cached_property
    def _held(self) -> Types:
        """The types of all values, with the element type that figures of bytes take."""
        if self.dtype == "float32":
            return self.types
        return {name: {ref: t.held_as(self.dtype) for ref, t in types.items()} for name, types in self.types.items()}

    def _count(self, types: Types, dtype: str) -> tuple[NodeTotals, ModuleTotals]:
        network = self.network
        if network is None:
            return {}, {}
        try:
            return totals_of.count(network, types, dtype)
        except OverflowError:
            self._too_large(network)
        except TooManyTerms:
            self._too_long()
        return totals_of.unknown(network)

    def _too_large(self, network: Network) -> None:
        problem = FiguresTooLarge(net=network.name, limit=f"{limits.FIGURE_DIGITS:,}")
        self._found.add(problem.nowhere(self.source.name))

    def _too_long(self) -> None:
        if not any(mistake.code == SizeTooLong.code for mistake in self._found):
            self._found.add(SizeTooLong().nowhere(self.source.name))

    @property
    def node_totals(self) -> NodeTotals:
        return self._totals[0]

    @property
    def module_totals(self) -> ModuleTotals:
        return self._totals[1]

    @cached_property
    def totals(self) -> Maybe:
        """Sums over the whole net, for the batch; None where a mistake leaves something unknown."""
        if self.network is None:
            return None
        return self.for_batch(self.module_totals[self.network.root.name])

    def for_batch(self, totals: Maybe) -> Maybe:
        """Totals of one sample as those of the batch: computation and activations grow, weights do not."""
        if totals is None or self.batch == 1:
            return totals
        scaled = totals_of.times(totals, self.batch)
        return scaled.with_weights_of(totals) if scaled else None

    @cached_property
    def peak_activation_bytes(self) -> Dim | None:
        """The most bytes of activations that are alive at once, for the batch."""
        from netspec.analysis.memory import peak_activation_bytes

        try:
            least = {name: found.least for name, found in self.ranges.symbols.items()} if self.ranges else None
            peak = peak_activation_bytes(self.network, self._held, least) if self.network is not None else None
            return None if peak is None else peak * self.batch
        except TooManyTerms:
            return None

    @cached_property
    def ranges(self) -> Ranges | None:
        """The sizes of the net's symbols at which its formulas hold; None where it has none, or is not sound."""
        network = self.network
        sizes = () if network is None else [size for item in network.inputs for size in item.type.shape]
        if network is None or not (self.symbolic or any(isinstance(size, Expr) for size in sizes)) or not self.sound:
            return None
        from netspec.analysis.ranges import ranges

        try:
            found = ranges(network, self.types)
        except TooManyTerms:
            return None
        return found if found.symbols else None

    @cached_property
    def receptive_fields(self) -> ReceptiveFields | None:
        """The receptive fields of all values; None where symbols make them too long."""
        from netspec.analysis.receptive import ReceptiveFields

        try:
            return ReceptiveFields(self.network, self.types) if self.network is not None else None
        except TooManyTerms:
            return None

    @cached_property
    def claim_checker(self) -> ClaimChecker | None:
        """What proves claims about the net; None where nothing is known or it does not come from text."""
        if self.network is None or self._elaborator is None:
            return None
        from netspec.analysis.claims import ClaimChecker  # only where something is claimed

        counted = self._totals if self.dtype == "float32" else self._count(self.types, "float32")
        return ClaimChecker(self._elaborator, self.network, self.types, *counted)

    @property
    def root(self) -> Frame | None:
        """Where the net's own names hold; None where it does not come from text."""
        return self._elaborator.root if self.network is not None and self._elaborator is not None else None

    @cached_property
    def misfits(self) -> tuple[Diagnostic, ...]:
        """What is wrong with the net, whatever its `assert`s say; to be asked for before `diagnostics`."""
        _ = self.network
        return tuple(diagnostic for diagnostic in self._found if diagnostic.severity == "error")

    @cached_property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Everything that is wrong, in the order of the file."""
        if self.network is not None:
            _ = self._totals  # they may be too large to count
        claims = self._elaborator.claims if self._elaborator is not None else []
        checker = self.claim_checker if claims else None
        if checker is not None:
            try:
                checker.check(claims)
                self._undecided = checker.undecided
            except Exhausted:  # which has been told
                pass
            except RecursionError:
                self._found.add(TooNested(file=self.source.name).nowhere(self.source.name))
        return tuple(sorted(self._found, key=_place))

    @cached_property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """What is sound and yet probably not meant, in the order of the file, without what its comments allow."""
        network = self.network
        if network is None or self._elaborator is None:
            return ()
        from netspec.analysis import lints

        sound = self.sound
        try:
            found = lints.warnings(self._elaborator, self.definitions, network, self.types, self.node_totals, sound)
        except TooManyTerms:  # of symbolic sizes, in the text of a warning
            return ()
        return tuple(sorted(found, key=_place))

    def rows(self, depth: int | None = None) -> Iterator[Row]:
        """The rows of a listing, down to a depth. Raises SpecError where they are too long."""
        from netspec.analysis.rows import rows

        if self.network is None:
            return
        try:
            yield from rows(self.network, self.types, self.node_totals, self.module_totals, depth)
        except TooBig as problem:
            raise SpecError((problem.nowhere(self.source.name),)) from None

    @property
    def open_parameters(self) -> tuple[str, ...]:
        """The parameters that are left symbolic."""
        return tuple(self._elaborator.open_parameters) if self.network is not None and self._elaborator else ()

    @property
    def claims(self) -> int:
        """How many claims the file makes about this net."""
        return self._elaborator.claims_made if self._elaborator else 0

    @property
    def undecided_claims(self) -> int:
        """How many of them parameters that are left symbolic leave open."""
        _ = self.diagnostics
        return self._undecided + (self._elaborator.undecided_claims if self._elaborator else 0)

    @property
    def sound(self) -> bool:
        return not any(d.severity == "error" for d in self.diagnostics)

    def span(self, module: str, node: str) -> Span | None:
        """Where a node was written, if the network comes from text."""
        return self._elaborator.spans[module].get(node) if self._elaborator else None

    # -- making ---------------------------------------------------------------------------------------

    def _elaborate(self) -> Network | None:
        definitions = self.definitions
        definition = self.choose(definitions)
        if definition is None:
            return None
        self._elaborator = Elaborator(self._found, self.values(definitions), self.symbolic, definitions.work)
        return self._elaborator.net(definition)

    def choose(self, definitions: Definitions) -> Definition | None:
        """What defines the net: the one that is named, or the only one."""
        nets = net_names(definitions)
        name = self.name
        if name is None:
            if len(nets) != 1:
                if not len(self._found):
                    remedy = (
                        f"choose one of: {', '.join(nets)}"
                        if nets
                        else "add one: `net Name { input x: [3, 32, 32] ... }`"
                    )
                    self._found.add(NoNets(file=self.source.name, remedy=remedy).nowhere(self.source.name))
                return None
            name = nets[0]
        if name not in nets:
            if not len(self._found):
                close = nearest(name, nets)
                remedy = f"did you mean `{close}`?" if close else f"nets: {', '.join(nets) or 'none'}"
                self._found.add(UnknownNet(file=self.source.name, name=name, remedy=remedy).nowhere(self.source.name))
            return None
        self.name = name
        owner = definitions
        item = owner.items[name]
        if isinstance(item, ast.Instance):
            try:
                return Elaborator(self._found, {}, work=definitions.work).instance(owner, item)
            except Failed:
                return None
        return definitions.definition(name)

    def values(self, definitions: Definitions) -> dict[str, Any]:
        """Settings as values: expressions (from the command line) are evaluated where the file's names hold."""
        elaborator = Elaborator(self._found, {}, work=definitions.work)
        frame = Frame(elaborator, definitions, elaborator.nowhere, {}, None, ())
        values: dict[str, Any] = {}
        for name, value in self.settings.items():
            try:
                values[name] = frame.evaluate(value) if hasattr(value, "span") else _plain(value)
            except Failed:
                continue
        return values

    def _read_ir(self) -> Network | None:
        from pydantic import ValidationError

        def refuse(reason: str) -> None:
            self._found.add(BadIr(file=self.source.name, reason=reason).nowhere(self.source.name))

        try:
            network = Network.model_validate_json(self.source.text)
            self._ir_types = infer(network)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            at = ".".join(str(part) for part in first["loc"])
            refuse(f"{at}: {first['msg']}" if at else first["msg"])
            return None
        except IrError as error:
            refuse(str(error))
            return None
        except RecursionError:
            refuse("it is nested too deeply")
            return None
        if self.name is not None and self.name != network.name:
            self._found.add(
                UnknownNet(file=self.source.name, name=self.name, remedy=f"nets: {network.name}").nowhere(
                    self.source.name
                )
            )
            return None
        if self.settings:
            refuse("IR has no parameters to set")
            return None
        self.name = network.name
        return network


def told(nets: Iterable[Compilation]) -> tuple[Diagnostic, ...]:
    """The errors and warnings of nets in the order of their files, those that nets share once."""
    found = Diagnostics()
    for net in nets:
        for diagnostic in (*net.diagnostics, *net.warnings):
            found.add(diagnostic)
    files = {name: index for index, name in enumerate(dict.fromkeys(diagnostic.file for diagnostic in found))}
    return tuple(sorted(found, key=lambda diagnostic: (files[diagnostic.file], _place(diagnostic))))


def _place(diagnostic: Diagnostic) -> tuple[str, int]:
    span = diagnostic.span
    return (span.source.name, span.start) if span else ("", 0)


def _plain(value: Any) -> Any:
    """A value from Python as the language has it: lists are tuples."""
    if isinstance(value, (list, tuple)):
        return tuple(map(_plain, value))
    if isinstance(value, (bool, int, float, str, Expr)):
        return value
    raise TypeError(f"a parameter cannot be {value!r}: use numbers, texts, truth values and lists of them")


def is_json(source: SourceFile) -> bool:
    """Whether a source is IR and not text."""
    return _JSON.match(source.text) is not None


def net_names(definitions: Definitions) -> list[str]:
    """The nets of a file, in its order."""
    return [name for name, item in definitions.items.items() if isinstance(item, (ast.Net, ast.Instance))]


def missing_values(definitions: Definitions, name: str) -> set[str]:
    """The parameters of a net that have no value: with any, it is a pattern for others."""
    item = definitions.items[name]
    if isinstance(item, ast.Net):
        return {p.name.id for p in item.parameters if p.default is None}
    try:
        bound = Elaborator(Diagnostics(), {}).instance(definitions, item) if isinstance(item, ast.Instance) else None
    except (Failed, Exhausted, RecursionError):  # which is told where the net is made
        return set()
    if bound is None:
        return set()
    return {p.name.id for p in bound.parameters if p.default is None} - set(dict(bound.bound))


def find_source(path: str) -> SourceFile:
    """The source of a path, or of a bundled spec's name. Raises SpecError."""
    import os

    if not os.path.exists(path):
        bundled = resources.spec_path(path)
        if bundled is not None:
            return read_source(bundled, os.path.join("specs", path + ".net"))
    return read_source(path)


def compile_source(
    source: SourceFile,
    net: str | None = None,
    settings: Mapping[str, Any] | None = None,
    batch: int = 1,
    symbolic: Symbolic = False,
    dtype: str = "float32",
) -> list[Compilation]:
    """The nets of a source: the chosen one, or all that can be checked."""
    if net is not None or is_json(source):
        return [Compilation(source, net, settings, batch, symbolic, dtype=dtype)]
    found = Diagnostics()
    definitions = collect(source, found)
    names = net_names(definitions)
    if len(names) > limits.NETS:
        reason = f"it has {len(names):,} nets, of which {limits.NETS:,} can be checked at once"
        problem = NotASpec(file=source.name, reason=reason, remedy=f"choose one: `{source.name}:{names[0]}`")
        raise SpecError((problem.nowhere(source.name),))
    given = {*(settings or ()), *names_of(texts_of(symbolic))}
    ready = [name for name in names if missing_values(definitions, name) <= given] or names
    if len(ready) <= 1:
        only = ready[0] if ready else None
        return [Compilation(source, only, settings, batch, symbolic, definitions, found, dtype)]
    mistakes = list(found)
    nets = []
    for name in ready:
        own = Diagnostics()
        for mistake in mistakes:
            own.add(mistake)
        nets.append(Compilation(source, name, settings, batch, symbolic, definitions, own, dtype))
    return nets


def compile_one(
    source: SourceFile,
    net: str | None = None,
    settings: Mapping[str, Any] | None = None,
    batch: int = 1,
    symbolic: Symbolic = False,
) -> Compilation:
    """The chosen net of a source, or the only one that can be checked. Of several it says that one is to be chosen."""
    ready = compile_source(source, net, settings, batch, symbolic)
    return ready[0] if len(ready) == 1 else Compilation(source, net, settings, batch, symbolic)


def split_target(target: str) -> tuple[str, str | None]:
    """`file.net:Net` as file and net. A drive letter or a path's own colon is not a net."""
    path, colon, net = target.rpartition(":")
    if colon and path and net.isidentifier():
        return path, net
    return target, None
