"""Which values of a size or parameter meet a claim.

The net is elaborated once with the size left open, and the claim is solved as an inequality of formulas
(`analysis.conditions`). What is open cannot always stay so: an `if` may ask for it, a layer may need a number. Then
each value of a range is checked by itself. Values at which the layers do not fit, or the net's own claims do not hold,
are none that meet it. At the ends of what was found, on both sides, the net is checked at the number itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from typing import Any, NamedTuple

from netspec import limits
from netspec.analysis.claims import sides_of
from netspec.analysis.conditions import Conditions, Share, gap, is_number
from netspec.analysis.solving import at_least_zero, zero
from netspec.analysis.values import Range, Stretch, Values
from netspec.diagnostics import Diagnostic, SpecError
from netspec.driver import Compilation, compile_one, is_json
from netspec.elaborate.expressions import Evaluator
from netspec.elaborate.files import Definitions
from netspec.elaborate.frame import Frame
from netspec.elaborate.values import Failed, Work, not_a
from netspec.ir.decide import Undecided, earliest
from netspec.ir.dims import Dim, Doubt, Symbol, TooManyTerms, common_remainder, doubts, symbol, variables_of
from netspec.problems.names import BadArgument, BadOperation, NotAValue, NotSymbolic, OutOfRange, UnknownSymbolic
from netspec.problems.structure import FiguresTooLarge, SizeTooLong, TooLarge
from netspec.problems.syntax import UnexpectedToken
from netspec.source import SourceFile, Span
from netspec.syntax import ast
from netspec.syntax.parser import parse_expression

CLAIM = "<claim>"  # the name of its text in messages
OVER = "--over"
_OF_VALUES = {
    problem.code
    for problem in (BadArgument, NotAValue, BadOperation, OutOfRange, TooLarge, FiguresTooLarge, SizeTooLong)
}
_TRIED = 1024  # values that are checked where there is no formula, or before layers fit
_ENDS = 8  # stretches whose ends are checked


class Point(NamedTuple):
    """What the net is like at one value."""

    value: int
    meets: bool
    sides: tuple[tuple[str, Any], ...] = ()  # what is compared in the claim: its text, none for a number, and its value
    reason: str = ""  # why the net is not sound there

    @property
    def told(self) -> dict[str, Any]:
        """The value of each side that does not say it itself: `{"macs": 1234}`."""
        return {text: value for text, value in self.sides if text}


class Solution:
    """The values of a size or parameter that meet a claim: `72 in found`, `found.largest`, `print(found)`.

    It is true where there are any, and iterates over them, the smallest first.
    """

    def __init__(
        self,
        made: Compilation,
        claim: str,
        names: tuple[str, ...],
        values: Values,
        looked: Range,
        tried: str = "",
        points: Sequence[Point] = (),
        nearest: Point | None = None,
        relation: str = "",
        parts: Mapping[str, Values] | None = None,
        depends: bool = True,
    ) -> None:
        self._values = values
        self._made = made
        self.claim = claim
        self.names = names  # which all take the same value
        self.looked = looked  # the range that was looked at; None where it has no end
        self.tried = tried  # why each value was checked by itself; nothing where formulas were solved
        self.points = list(points)  # what was checked at the ends of the stretches
        self.nearest = nearest  # where none meets the claim: the value at which it is missed by least
        self.relation = relation  # of a claim with one comparison: ==, <=, ...
        self.parts = dict(parts or {})  # where none meets all that `and` joins: what meets each
        self.depends = depends  # whether the claim depends on the size at all

    @property
    def stretches(self) -> list[Stretch]:
        """The values, in as few stretches as it takes."""
        return self._values.stretches()

    @property
    def smallest(self) -> int | None:
        """The smallest value; None where there is none."""
        return self._values.first if self._values else None

    @property
    def largest(self) -> int | None:
        """The largest value; None where there is none, or no end."""
        return self._values.last if self._values else None

    @property
    def count(self) -> int | None:
        """How many values there are; None where there is no end."""
        return self._values.size

    @property
    def symbol(self) -> Symbol:
        return self._values.symbol

    @property
    def net(self) -> str:
        return self._made.name or ""

    @property
    def file(self) -> str:
        return self._made.source.name

    def to_dict(self) -> dict[str, Any]:
        """What `netspec solve --format json` prints."""
        from netspec.emit.solving.telling import to_json

        return to_json(self)

    def __contains__(self, number: int) -> bool:
        return number in self._values

    def __iter__(self) -> Iterator[int]:
        return self._values.upward()

    def __bool__(self) -> bool:
        return bool(self._values)

    def __str__(self) -> str:
        from netspec.emit.solving.telling import text

        return text(self)

    def __repr__(self) -> str:
        from netspec.emit.solving.telling import headline

        return f"<{self.net}, {self.claim}: {headline(self)}>"


class WrongUse(ValueError):
    """What is asked for cannot be: a range without values, a size beside it that has no value."""


def solve(
    source: SourceFile,
    net: str | None,
    settings: Mapping[str, Any],
    claim: str,
    names: Sequence[str],
    low: int | None = None,
    high: int | None = None,
) -> Solution:
    """The values that meet a claim, of `names`, which all take the same value.

    low, high: where to look; from 1 on unless given. Raises SpecError where the spec, the claim or a name is wrong, and
    WrongUse.
    """
    test, mistakes = parse_expression(SourceFile(CLAIM, claim))
    if test is None:
        usage = "a claim is what an `assert` may say: `macs <= 600e6`, `features.output == [_, 7, 7]`"
        raise SpecError(tuple(d._replace(help=usage) if d.code == UnexpectedToken.code else d for d in mistakes))
    if is_json(source):
        raise WrongUse("IR has no sizes or parameters that could be changed: give the .net file")
    given = {name: value for name, value in settings.items() if name not in names}
    return _Search(source, net, given, test, tuple(dict.fromkeys(names)), low, high).solution()


class _Search:
    """One question. `one` is what is open, `open` the net with it, `points` the net at values that were checked."""

    def __init__(
        self,
        source: SourceFile,
        net: str | None,
        settings: Mapping[str, Any],
        test: ast.Expr,
        names: tuple[str, ...],
        low: int | None,
        high: int | None,
    ) -> None:
        self.source, self.settings, self.test, self.names = source, settings, test, names
        self.points: dict[int, Point] = {}
        self.mistakes: tuple[Diagnostic, ...] = ()  # of the claim, at a value
        self.definitions: Definitions | None = None  # of a source without mistakes, read once
        self.high = high
        self.doubts: list[Doubt] = []  # what was compared without knowing, to make `open`
        self.open = self._elaborated(compile_one(source, net, settings, symbolic=frozenset(names)))
        self.net = self.open.name
        self.one = self._opened(low)

    def solution(self) -> Solution:
        if not self.open.misfits:
            self.definitions = self.open.definitions
        claim = _words(self.test.span)
        relation = self.test.operators[0] if self._is_plain() else ""  # type: ignore[union-attr]
        try:
            values, more = self._solved()
            tried, looked = "", (self.one.low, self.one.high)
        except (Undecided, TooManyTerms) as error:
            tried = str(error) or "there is no formula that could be solved"
            values, looked, more = self._tried()
        ends = self._ends(values, looked)
        points = [self.points[at] for at in ends if at in self.points]
        return Solution(self.open, claim, self.names, values, looked, tried, points, relation=relation, **more)

    def _is_plain(self) -> bool:
        """Whether the claim is one comparison."""
        return isinstance(self.test, ast.Comparison) and len(self.test.operands) == 2

    # -- what is open ---------------------------------------------------------------------------------

    def _opened(self, low: int | None) -> Symbol:
        """The symbol that is open, in the range where to look. Raises where there is none."""
        made, root = self.open, self.open.root
        if made.misfits:
            wrong = [d for d in made.diagnostics if d.code in (UnknownSymbolic.code, NotSymbolic.code)]
            if wrong:
                raise SpecError(tuple(d._replace(origin=OVER) if d.span is None else d for d in wrong))
        if made.network is None or root is None or any(not _may_depend(d.code) for d in made.misfits):
            raise SpecError(made.diagnostics)
        found = [variable for name in self.names for variable in _variables(root.env.get(name))]
        if len(found) != len(self.names):  # a mistake in the head of the net
            raise SpecError(made.diagnostics)
        highs = [bound for bound in (self.high, *(one.high for one in found)) if bound is not None]
        lows = [one.low for one in found] if low is None else [low, *(one.low for one in found)]
        try:
            divisor, remainder = reduce(common_remainder, [(one.divisor, one.remainder) for one in found])
            one = symbol(self.names[0], max(lows), min(highs, default=None), divisor, remainder)
        except ValueError:
            raise WrongUse(f"there is no value of {' and '.join(self.names)} to look at") from None
        if one.variables != set(found):
            self.open = self._elaborated(self._made(one))
        (variable,) = one.variables
        return variable

    def _elaborated(self, made: Compilation) -> Compilation:
        """The net, and a note of what was compared without knowing: another answer may make it another net."""
        with doubts() as self.doubts:
            _ = made.network
        return made

    def _made(self, value: Any) -> Compilation:
        """The net at a value."""
        if self.definitions is not None:
            self.definitions.work = Work()
        settings = {**self.settings, **dict.fromkeys(self.names, value)}
        return Compilation(self.source, self.net, settings, definitions=self.definitions)

    # -- the net at a value ---------------------------------------------------------------------------

    def _point(self, at: int) -> Point:
        """Whether the net is sound at a value and meets the claim there."""
        if at not in self.points:
            self.points[at] = self._checked(at)
        return self.points[at]

    def _checked(self, at: int) -> Point:
        made = self._made(at)
        checker, root = made.claim_checker, made.root
        if not made.sound or checker is None or root is None:
            return Point(at, False, (), _wrong(made.diagnostics))
        evaluate = Evaluator(root, checker.facts(root))
        try:
            sides = tuple(sides_of(self.test, evaluate))
            self._check_others(tuple(side for _, side in sides))
            meets = evaluate(self.test)
            if not isinstance(meets, bool):
                evaluate.fail(not_a("truth", meets, "a claim that is true or false"), self.test.span)
            return Point(at, meets, sides)
        except Failed:
            wrong = tuple(d for d in checker.elaborator.diagnostics if d.file == CLAIM)
            self.mistakes = self.mistakes or wrong
            return Point(at, False, (), _wrong(wrong) if wrong else "what the claim is about is not known")

    # -- with formulas --------------------------------------------------------------------------------

    def _solved(self) -> tuple[Values, dict[str, Any]]:
        """The values that formulas give, confirmed at their ends, and what else there is to tell. Raises Undecided."""
        made, checker, root = self.open, self.open.claim_checker, self.open.root
        if made.misfits or checker is None or root is None:
            raise Undecided(_wrong(made.misfits))
        before = len(checker.elaborator.diagnostics)

        def conditions(frame: Frame) -> Conditions:
            return Conditions(frame, checker.facts(frame), self.one)

        asked = conditions(root)
        try:
            own = Values.all(self.one)
            for claim in checker.elaborator.claims:
                own = own & conditions(claim.frame).values(claim.test)
            sides = tuple(side for _, side in sides_of(self.test, asked))
            self._check_others(sides)
            values = asked.values(self.test)
        except Failed:
            told = list(checker.elaborator.diagnostics)[before:]
            if any(d.file == CLAIM and not _may_depend(d.code) for d in told):
                raise SpecError(tuple(told)) from None
            raise Undecided(_wrong(told)) from None
        known, others = self._known()
        domain = own & known | Values.of(self.one, [(p.value, p.value) for p in others if not p.reason])
        values = values & own & known | Values.of(self.one, [(p.value, p.value) for p in others if p.meets])
        if not domain:
            return values, {"nearest": self._point(self.one.low)}
        for at in self._ends(values, (self.one.low, self.one.high)):
            if self._point(at).meets != (at in values):
                raise Undecided(f"at {at} the net is another than its formulas say")
        more: dict[str, Any] = {"depends": bool(_variables(sides))}
        if not values:
            more["nearest"] = self._nearest(domain, asked) if more["depends"] else self._point(domain.first)
            if isinstance(self.test, ast.Logic) and self.test.operator == "and":
                parts = [domain & asked.values(part) for part in self.test.operands]
                more["parts"] = dict(zip([_words(part.span) for part in self.test.operands], parts, strict=True))
        return values, more

    def _check_others(self, sides: tuple[Any, ...]) -> None:
        """Raises where the claim depends on another size that has no value."""
        others = {variable.name for variable in _variables(sides)} - {self.one.name}
        if others:
            first = min(others)
            both = [*self.names, first]
            raise WrongUse(
                f"the claim depends on {first} too, which has no value: give it one, `--set {first}=224`, or let it "
                f"change with {self.names[0]}, `--over {','.join(both)}`"
            )

    def _known(self) -> tuple[Values, list[Point]]:
        """The values at which the formulas hold, and the net at the others, which are few. Raises Undecided."""
        within = known = Values.all(self.one)
        for doubt in self.doubts:
            gap = doubt.left - doubt.right
            if self.one not in _variables(gap):
                continue
            known = known & (at_least_zero(gap - 1, self.one) if doubt.kind == ">" else ~zero(gap, self.one))
            if _too_many(within & ~known):
                within = within & self._range()
            if _too_many(within & ~known):
                raise Undecided(
                    f"the net is another where {doubt.left} {'<=' if doubt.kind == '>' else '=='} {doubt.right}"
                )
        points = [self._point(at) for at in (within & ~known).upward()]
        if not known and self.mistakes and all(point.reason for point in points):
            raise SpecError(self.mistakes)
        return within & known, points

    def _range(self) -> Values:
        """All values but those that are larger than any that layers take."""
        found = self.open.ranges.symbols.get(self.one.name) if self.open.ranges is not None else None
        return Values.of(self.one, [(self.one.low, found.most if found is not None else None)])

    def _ends(self, values: Values, looked: Range) -> list[int]:
        """The first and last value of each stretch, and those beside them."""
        ends: set[int] = set()
        for stretch in values.stretches()[:_ENDS]:
            ends.add(stretch.first)
            ends.add(stretch.first - self.one.divisor)
            if stretch.last is not None:
                ends.add(stretch.last)
                ends.add(stretch.last + self.one.divisor)
        return sorted(at for at in ends if looked[0] <= at and (looked[1] is None or at <= looked[1]))

    def _nearest(self, domain: Values, asked: Conditions) -> Point | None:
        """Where a comparison that no value meets is missed by least; None for a claim of another kind."""
        if not self._is_plain() or not domain:
            return None
        relation = self.test.operators[0]  # type: ignore[union-attr]
        left, right = (side for _, side in sides_of(self.test, asked))
        if not is_number(left) or not is_number(right) or relation in ("!=", "in"):
            return None
        if relation in (">", ">="):
            left, right = right, left
        gaps: list[Dim] = [gap(left, right, strictly=relation in ("<", ">"))]
        if relation == "==":
            gaps.append(gap(right, left))

        def within(miss: int) -> Values:
            found = domain
            for size in gaps:
                found = found & at_least_zero(size + miss, self.one)
            return found

        miss = earliest(lambda miss: bool(within(miss)), 1, 10**limits.INTEGER_DIGITS)
        return self._point(within(miss).first) if miss is not None else None

    # -- without --------------------------------------------------------------------------------------

    def _tried(self) -> tuple[Values, Range, dict[str, Any]]:
        """The values of a range that meet the claim, each checked by itself."""
        low, high = self.one.low, self.one.high
        if high is None or (self.high is None and high >= low + _TRIED):
            high = low + _TRIED - 1
        ranges: list[Range] = []
        sound: list[Point] = []
        for at in range(low, high + 1, self.one.divisor):
            point = self._point(at)
            if point.meets:
                ranges.append((at, at))
            if not point.reason:
                sound.append(point)
            elif self.mistakes and not sound:
                raise SpecError(self.mistakes)
        one = self.one._replace(high=high)
        found = Values.of(one, ranges)
        more: dict[str, Any] = {}
        if not sound:
            more["nearest"] = self.points[low]
        elif not found and self._is_plain():
            missed = [(miss, point) for point in sound if (miss := self._miss(point)) is not None]
            more["nearest"] = min(missed, key=lambda pair: (pair[0], pair[1].value))[1] if missed else None
        return found, (low, high), more

    def _miss(self, point: Point) -> Any:
        """By how much a comparison of numbers is missed."""
        left, right = (side for _, side in point.sides)
        relation = self.test.operators[0]  # type: ignore[union-attr]
        if not all(isinstance(side, (int, float)) for side in (left, right)) or relation in ("!=", "in"):
            return None
        return abs(left - right)


def _may_depend(code: str) -> bool:
    """Whether a mistake may be one at some sizes only: of shapes, claims and values, not of names."""
    return code.startswith(("NS3", "NS4")) or code in _OF_VALUES


def _too_many(values: Values) -> bool:
    """Whether values are too many to check each."""
    return values.size is None or values.size > _TRIED


def _variables(value: Any) -> set[Symbol]:
    """The symbols in a size, or in a list with some."""
    if isinstance(value, tuple):
        return {variable for item in value for variable in _variables(item)}
    return variables_of(value.size if isinstance(value, Share) else value)


def _words(span: Span) -> str:
    """A text of the file or the claim in one line."""
    return " ".join(span.text.split())


def _place(span: Span) -> str:
    return f" ({span.source.name}:{span.line})"


def _wrong(diagnostics: Sequence[Diagnostic]) -> str:
    """The first error, in a line."""
    for diagnostic in diagnostics:
        if diagnostic.severity == "error":
            if diagnostic.file == CLAIM:
                return f"{diagnostic.title}, {diagnostic.label}" if diagnostic.label else diagnostic.title
            return diagnostic.title + (_place(diagnostic.span) if diagnostic.span else "")
    return "what the claim is about is not known"
