"""The tensors of a file as the weights of a net: by name, never by order.

Everything that does not fit is told at once. Required are all weights but those whose numbers the spec has, and
`num_batches_tracked`; where the file has these too, they must fit, and the file's numbers count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

import click

from netspec.analysis.unrolled import Step
from netspec.diagnostics import Diagnostic, Problem, SpecError, nearest
from netspec.driver import Compilation
from netspec.emit.style import plural
from netspec.emit.unrolling import mistake_of, tensors_of
from netspec.emit.weights import renames
from netspec.emit.weights.elements import FLOATS, INTEGERS, Entry
from netspec.emit.weights.files import error_of, open_weights
from netspec.emit.weights.initial import Initial, initial
from netspec.ops.base import Weight
from netspec.problems.weights import (
    MissingTensor,
    OtherPrefix,
    RenamedToOne,
    TensorDtype,
    TensorShape,
    UnexpectedTensor,
)

if TYPE_CHECKING:
    import numpy as np

_LISTED = 20  # tensors in one message
_REMEDIES = 30  # layers for which a likely name is looked for


class Source(Protocol):
    """Where tensors come from, such as an open file."""

    path: str
    entries: dict[str, Entry]

    def chunks(self, name: str) -> Iterator[np.ndarray[Any, Any]]:
        """The elements of a tensor in order, as flat arrays."""
        ...

    def close(self) -> None: ...


class Matched:
    """The numbers of a net's weights: of a file, and of the spec where the file need not have them."""

    def __init__(self, file: Source, names: Mapping[str, str], others: Initial) -> None:
        self.file = file
        self.names = names  # of tensors in the file, by the names that they have in the net
        self.others = others

    def chunks(self, name: str) -> Iterator[np.ndarray[Any, Any]]:
        """The elements in order, as flat arrays. Raises SpecError where the file cannot be read on."""
        held = self.names.get(name)
        return self.others.chunks(name) if held is None else self.file.chunks(held)

    def close(self) -> None:
        self.file.close()


def weights_for(made: Compilation, path: str | None, rules: Sequence[str] = (), seed: int = 0) -> Initial | Matched:
    """The numbers of a net's weights: of a file, with `--rename` rules, or where there is none drawn from a seed.

    Raises SpecError with all that does not fit, and UsageError.
    """
    if path is not None:
        return match_file(made, path, rules)
    if rules:
        raise click.UsageError("--rename renames the tensors of a file: give --weights FILE")
    return initial(made, seed)


def match_file(made: Compilation, path: str, rules: Sequence[str] = ()) -> Matched:
    """The tensors of a file as the weights of a net. Raises SpecError and UsageError."""
    parsed = renames.parse(rules)
    file = open_weights(path)
    try:
        return match(made, file, parsed)
    except BaseException:
        file.close()
        raise


def match(made: Compilation, file: Source, rules: Sequence[renames.Rename] = ()) -> Matched:
    """Tensors as the weights of a net. Raises SpecError with all that does not fit."""
    needed = tensors_of(made)
    found = _Match(made, file, needed, rules)
    if found.mistakes:
        raise SpecError(tuple(found.mistakes))
    others = {name: weight for name, (weight, _) in needed.items() if name not in found.names}
    return Matched(file, found.names, Initial(others, 0))


class _Match:
    """Compares a file with what a net needs. `names`: of the tensors in the file, by those of the net."""

    def __init__(
        self,
        made: Compilation,
        file: Source,
        needed: Mapping[str, tuple[Weight, Step]],
        rules: Sequence[renames.Rename],
    ) -> None:
        self.made = made
        self.file = file
        self.needed = needed
        self.mistakes: list[Diagnostic] = []
        self.at_places: dict[object, tuple[Problem, Step, list[str]]] = {}
        self.suggested: set[str] = set()
        with renames.timed():
            self.names = self._renamed(rules)
        self._other_prefix()
        remedies = self._remedies()
        for name, (weight, step) in needed.items():
            if name in self.names:
                self._compare(name, file.entries[self.names[name]])
            elif not self._is_optional(name):
                remedy = remedies.get(_layer(name), "")
                problem = MissingTensor(None, file=file.path, name=name, shape=weight.type, remedy=remedy)
                self._at(problem, step, f"nor `{name}` {weight.type}")
        self._tell()
        self._unexpected()

    def _renamed(self, rules: Sequence[renames.Rename]) -> dict[str, str]:
        """The file's tensors by their new names. One whose name becomes empty is left out."""
        found: dict[str, str] = {}
        for held in self.file.entries:
            name = renames.renamed(held, rules)
            if name and found.setdefault(name, held) != held:
                self._nowhere(
                    RenamedToOne(
                        file=self.file.path,
                        first=found[name],
                        second=held,
                        name=name,
                        remedy="a name that becomes empty is left out: `^` and `$` stand for the ends of a name",
                    )
                )
        return found

    # -- names ----------------------------------------------------------------------------------------

    def _other_prefix(self) -> None:
        """Where many names differ in how they begin, tell it once, and go on as if it were mended."""
        surplus = {name for name in self.names if name not in self.needed}
        fitting = self.names.keys() - surplus
        lacking = {name for name in self.needed if name not in self.names and not self._is_optional(name)}
        more = Counter(head for name in surplus for head, tail in _splits(name) if tail in lacking)
        fewer = Counter(head for name in lacking for head, tail in _splits(name) if tail in surplus)
        for counts, is_more in ((more, True), (fewer, False)):
            head, count = max(counts.items(), key=lambda item: (item[1], item[0]), default=("", 0))
            spoilt = any(name.startswith(head) for name in fitting) if is_more else bool(fitting)
            if 2 * count > len(lacking) and not spoilt:
                self._tell_prefix(head, is_more)
                return

    def _tell_prefix(self, head: str, is_more: bool) -> None:
        self._nowhere(
            OtherPrefix(
                file=self.file.path,
                how=f"begin with `{head}`, which those of the weights of `{self.made.name}` do not"
                if is_more
                else f"lack the `{head}` with which those of the weights of `{self.made.name}` begin",
                rename=renames.rule(f"^{renames.escaped(head)}", "") if is_more else renames.rule("^", head),
            )
        )
        for name in list(self.names):
            other = (name.removeprefix(head) if name.startswith(head) else name) if is_more else head + name
            if other != name and other in self.needed and other not in self.names:
                self.names[other] = self.names.pop(name)

    def _remedies(self) -> dict[str, str]:
        """By layers that the file lacks: which of its own is probably meant, the one with the most similar name that
        has tensors of the same names and shapes."""
        lacking: dict[str, dict[str, tuple[int, ...]]] = {}
        for name, (weight, _) in self.needed.items():
            if name not in self.names and not self._is_optional(name):
                lacking.setdefault(_layer(name), {})[_own(name)] = sizes(weight)
        surplus: dict[str, dict[str, tuple[int, ...]]] = {}
        for name, held in self.names.items():
            if name not in self.needed:
                surplus.setdefault(_layer(name), {})[_own(name)] = self.file.entries[held].shape
        found: dict[str, str] = {}
        for layer, tensors in islice(lacking.items(), _REMEDIES if surplus else 0):
            alike = [other for other, owned in surplus.items() if tensors.items() <= owned.items()]
            close = alike[0] if len(alike) == 1 else nearest(layer, alike)
            if close is not None:
                self.suggested.update(close + own for own in surplus.pop(close))
                found[layer] = _did_you_mean(close, layer, next(iter(tensors)))
                continue
            own, shape = next(iter(tensors.items()))
            inside = nearest(own, (other for other, size in surplus.get(layer, {}).items() if size == shape))
            if inside is not None:
                self.suggested.add(layer + inside)
                found[layer] = _did_you_mean(layer + inside, layer + own)
        return found

    def _is_optional(self, name: str) -> bool:
        """Whether a file need not have a tensor."""
        return name.rpartition(".")[2] == "num_batches_tracked" or self.needed[name][0].literal is not None

    def _unexpected(self) -> None:
        surplus = [name for name in self.names if name not in self.needed and name not in self.suggested]
        if not surplus:
            return
        listed = [f"`{name}` {self.file.entries[self.names[name]]}" for name in surplus]
        one = len(surplus) == 1
        self._nowhere(
            UnexpectedTensor(
                notes=() if one else tuple(_shortened(listed)),
                file=self.file.path,
                what=f"a tensor {listed[0]}" if one else plural(len(surplus), "tensor"),
                net=self.made.name,
                rename=renames.rule(_pattern(surplus), ""),
            )
        )

    # -- shapes and types -----------------------------------------------------------------------------

    def _compare(self, name: str, entry: Entry) -> None:
        weight, step = self.needed[name]
        shape = sizes(weight)
        shown = Entry(entry.shape, "float32")
        if entry.shape != shape:
            needed = Entry(shape, "float32")
            remedy = _axes_remedy(entry.shape, shape)
            problem: Problem = TensorShape(
                None, file=self.file.path, name=name, given=shown, shape=needed, remedy=remedy
            )
            self._at(problem, step, f"`{name}` is {shown}, not {needed}")
        elif entry.dtype not in (FLOATS if "float" in weight.dtype else INTEGERS):
            whole = "float" not in weight.dtype
            remedy = "" if whole else "scale and convert it to float32 in the file" if "int" in entry.dtype else ""
            problem = TensorDtype(
                None,
                file=self.file.path,
                name=name,
                given=entry.dtype,
                needed="integers" if whole else "floating point numbers",
                remedy=remedy,
            )
            self._at(problem, step, f"`{name}` is {entry.dtype}")

    # -- telling --------------------------------------------------------------------------------------

    def _at(self, problem: Problem, step: Step, note: str) -> None:
        """Note a mistake. The first about a layer of the spec is told, the others are notes of it."""
        span = self.made.span(step.module, step.node.name)
        place = (type(problem), (span.source.name, span.start, span.end) if span else step.path)
        known = self.at_places.setdefault(place, (problem, step, []))
        if known[0] is not problem:
            known[2].append(note)
        elif span is None:
            known[2].append(problem.fill(problem.label))

    def _tell(self) -> None:
        for problem, step, notes in self.at_places.values():
            problem.notes = tuple(_shortened(notes))
            self.mistakes.append(mistake_of(self.made, problem, step))

    def _nowhere(self, problem: Problem) -> None:
        self.mistakes += error_of(problem, self.file.path).diagnostics


def sizes(weight: Weight) -> tuple[int, ...]:
    return tuple(int(str(size)) for size in weight.shape)


def _layer(name: str) -> str:
    """The path of a tensor's layer, with its dot; of one that is called as its layer is, its own name without it."""
    return name[: name.rfind(".") + 1] or name


def _own(name: str) -> str:
    """The layer's name for a tensor."""
    return name.removeprefix(_layer(name))


def _did_you_mean(close: str, wanted: str, own: str = "") -> str:
    """The remedy for a layer or tensor that has another name. `own`: a tensor of the layer."""
    end = "" if close.endswith(".") else "$"
    return f"did you mean `{close}{own}`? `{renames.rule(f'^{renames.escaped(close)}{end}', wanted)}`"


def _splits(name: str) -> Iterator[tuple[str, str]]:
    """A name as a beginning, with its dot, and the rest: in every way."""
    at = name.find(".")
    while at >= 0:
        yield name[: at + 1], name[at + 1 :]
        at = name.find(".", at + 1)


def _pattern(names: Sequence[str]) -> str:
    """A regular expression that finds the names by how they begin, up to a dot; or the first name alone."""
    start, last = min(names), max(names)
    while not last.startswith(start):
        start = start[:-1]
    start = start[: start.rfind(".") + 1]
    return f"^{renames.escaped(start)}.*" if start and len(names) > 1 else f"^{renames.escaped(names[0])}$"


def _shortened(listed: Sequence[str]) -> list[str]:
    more = len(listed) - _LISTED
    return [*listed[:_LISTED], *([f"and {more:,} more"] if more > 0 else [])]


def _axes_remedy(given: tuple[int, ...], shape: tuple[int, ...]) -> str:
    """What may have become of the axes."""
    if len(shape) == 2 and given == shape[::-1]:
        return "it is the transposed matrix: transpose it in the file"
    if len(shape) > 2 and (*given[:-3:-1], *given[:-2]) == shape:
        order = ", ".join(map(str, (len(shape) - 1, len(shape) - 2, *range(len(shape) - 2))))
        return f"its axes are in TensorFlow's order: `transpose({order})` in the file"
    if len(shape) > 2 and sorted(given) == sorted(shape):
        return "it has the same sizes in another order: transpose it in the file"
    if [size for size in given if size != 1] == [size for size in shape if size != 1]:
        return "it differs in axes of size 1: reshape it in the file"
    return ""
