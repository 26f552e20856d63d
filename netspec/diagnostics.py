"""What netspec has to say about a spec, as data. `emit.diagnostics` prints it.

A `Problem` is one way in which a spec can be wrong: a class with a stable code and the texts of its
title, label and help. The texts are templates, filled with the values that the place of the mistake
gives (plain classes, because a check imports all of them and a dataclass takes half a millisecond).
The docstring is the explanation, and two small specs show the mistake and its remedy (`emit.explain`
says how they are written). A rule raises a problem without knowing where it is; the phase that
called the rule turns it into a `Diagnostic` with places.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice
from typing import Any, ClassVar, Literal, NamedTuple

from netspec import limits
from netspec.source import Span

Severity = Literal["error", "warning"]
_LONGEST_NAME = 100  # that may be a misspelling


class Label(NamedTuple):
    """A remark at a place; the primary one is where the mistake is."""

    span: Span
    text: str
    primary: bool = False


class Diagnostic(NamedTuple):
    """One mistake, told once."""

    code: str
    severity: Severity
    title: str
    labels: tuple[Label, ...] = ()
    notes: tuple[str, ...] = ()
    help: str = ""
    origin: str = ""  # the file, where there is no place in it

    @property
    def span(self) -> Span | None:
        """The place of the mistake itself."""
        for label in self.labels:
            if label.primary:
                return label.span
        return None

    @property
    def label(self) -> str:
        """The remark at that place."""
        return next((label.text for label in self.labels if label.primary), "")

    @property
    def file(self) -> str:
        """The name of the file that it is about, or nothing."""
        return self.span.source.name if self.span else self.origin


class Problem(Exception):
    """One kind of mistake. Raised by rules, which say what is wrong and name the argument to blame.

    blame: the name of an argument, "input 0", "input 1", ... for what comes in, or None for the layer.
    compared: two sizes and the comparison, such as `==`, that is not known to hold: where it does at some values of
    their symbols, the message says at which.
    """

    code: ClassVar[str]
    about: ClassVar[str]  # the mistake in general words
    severity: ClassVar[Severity] = "error"
    title: ClassVar[str]
    label: ClassVar[str] = ""
    help: ClassVar[str] = ""
    sight: ClassVar[str] = ""  # of a layer: what it would see at a size that does not fit it
    wrong: ClassVar[str]  # a spec with this mistake alone
    mended: ClassVar[str]

    def __init__(
        self,
        blame: str | None = None,
        *,
        notes: tuple[str, ...] = (),
        compared: tuple[Any, str, Any] | None = None,
        **values: object,
    ) -> None:
        super().__init__(self.title)
        self.blame = blame
        self.compared = compared
        self.notes = notes
        self.values = values

    def fill(self, template: str) -> str:
        """The template with this problem's values in it."""
        return template.format_map(self.values) if self.values else template

    def at(self, span: Span, *others: Label, origin: str = "") -> Diagnostic:
        """This problem at a place."""
        primary = Label(span, self.fill(self.label), primary=True)
        return self.nowhere(origin)._replace(labels=(primary, *others))

    def nowhere(self, origin: str) -> Diagnostic:
        """This problem where there is no text to point at, such as a file that cannot be read."""
        return Diagnostic(self.code, self.severity, self.fill(self.title), (), self.notes, self.fill(self.help), origin)

    def __str__(self) -> str:
        return self.fill(self.title)


class Diagnostics:
    """Collects diagnostics; a mistake at the same place is kept once."""

    def __init__(self) -> None:
        self._seen: dict[tuple[object, ...], Diagnostic] = {}

    def add(self, diagnostic: Diagnostic) -> None:
        span = diagnostic.span
        place = (span.source.name, span.start, span.end) if span else (diagnostic.origin, diagnostic.title)
        self._seen.setdefault((diagnostic.code, *place), diagnostic)

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(self._seen.values())

    def __len__(self) -> int:
        return len(self._seen)

    @property
    def full(self) -> bool:
        """Whether there are as many as are told: for more of them no remedy is looked for."""
        return len(self) >= limits.DIAGNOSTICS

    def any_in(self, start: int, last: Span) -> bool:
        """Whether something is wrong between an offset and the end of a span."""
        spans = [d.span for d in self if d.span is not None]
        return any(span.source == last.source and start <= span.start < last.end for span in spans)

    def nearest(self, word: str, known: Iterable[str]) -> str | None:
        """`nearest`, where a remedy is looked for: with so many mistakes there is another reason for them."""
        return None if len(self) >= limits.SUGGESTIONS else nearest(word, known)


class SpecError(Exception):
    """A spec is wrong. `diagnostics` holds every mistake that was found; str() shows them in full."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        super().__init__(diagnostics)
        self.diagnostics = diagnostics

    def __str__(self) -> str:
        from netspec.emit.diagnostics import render  # only when someone reads it

        more = len(self.diagnostics) - limits.DIAGNOSTICS
        told = [render(diagnostic) for diagnostic in self.diagnostics[: limits.DIAGNOSTICS]]
        return "\n".join(["", *told, *([f"... and {more:,} more"] if more > 0 else [])])


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` is probably a misspelling of, or None."""
    size = len(word)
    if size > _LONGEST_NAME:
        return None
    alike = (name for name in known if 3 * size <= 7 * len(name) <= 17 * size)  # others are too long or too short
    return _nearest(word, tuple(islice(alike, limits.SUGGESTED_FROM)))


@lru_cache(maxsize=256)
def _nearest(word: str, known: tuple[str, ...]) -> str | None:
    from difflib import get_close_matches  # only on the way to an error

    written = {name.lower(): name for name in known}
    matches = get_close_matches(word.lower(), list(written), n=1, cutoff=0.6)
    return written[matches[0]] if matches else None
