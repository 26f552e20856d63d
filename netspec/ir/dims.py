"""Sizes. A `Dim` is an int, or an integer expression in symbols (`Expr`) in normal form.

An `Expr` is a polynomial with integer coefficients over atoms. An atom is a symbol such as `H`, which
stands for any integer in its range, from 1 on unless it is declared otherwise, or a floor division, remainder,
minimum or maximum that does not reduce further. Sums and products are collected, constants leave floor
divisions, and nested floor divisions join, so that equal sizes written differently have one form:

    (H // 2) // 2 == H // 4        (H + 6 - 7) // 2 + 1 == (H - 1) // 2 + 1

`==` says whether two sizes are equal at all values of the symbols. Equal forms are; unlike ones, such as
(H + 1) // 2 and H - H // 2, are compared for each remainder of the symbols (`decide`), which decides all that
floor divisions by numbers make. `<`, `<=`, `>`, `>=` say whether the relation holds for all values of the
symbols, so both `a < b` and `a >= b` may be False: a rule that refuses `a < b` refuses what is wrong at every
size. Arithmetic mixes with ints, and gives an int back where it can.

Of a symbol that is declared to be 12 more than a multiple of 16 the atom is its quotient by 16: H is
16*(H // 16) + 12, and H // 2 is 8*(H // 16) + 6. Written, these are H and H // 2 again.

Written out, an expression may double with every operation. One of more than `limits.TERMS` terms and atoms is
refused with `TooManyTerms`, so that no arithmetic takes long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from math import ceil, floor, gcd
from typing import Literal, NamedTuple, TypeAlias, TypeVar
from zlib import crc32

from netspec import limits

_Found = TypeVar("_Found")


class TooManyTerms(ValueError):
    """An expression that is too long to work with."""

    def __init__(self) -> None:
        most = f"more than {limits.TERMS:,}, or {limits.QUOTIENT} in a quotient"
        super().__init__(f"the size has too many terms: {most}, when written out")


class Symbol(NamedTuple):
    """A size that is left open: from `low` to `high`, and `remainder` more than a multiple of `divisor`."""

    name: str
    low: int = 1
    high: int | None = None
    divisor: int = 1
    remainder: int = 0

    def __str__(self) -> str:
        return self.name


class Op:
    """An atom that is not a symbol: kind is one of //, %, min, max. Immutable."""

    __slots__ = ("_hash", "_text", "kind", "left", "length", "right")

    def __init__(self, kind: str, left: Expr, right: Dim) -> None:
        self.kind = kind
        self.left = left
        self.right = right
        self.length = 1 + left.length + (right.length if isinstance(right, Expr) else 1)
        if kind in ("//", "%") and self.length > limits.QUOTIENT:  # one in another, each asks for all that are in it
            raise TooManyTerms
        self._hash = 0  # kept, as the text is, for all that is made of it asks for them
        self._text = ""

    def __eq__(self, other: object) -> bool:
        """Whether the forms are equal; sizes whose values are may differ in it."""
        return self is other or (
            isinstance(other, Op)
            and self.kind == other.kind
            and self.left.terms == other.left.terms
            and _terms(self.right) == _terms(other.right)
        )

    def __hash__(self) -> int:
        if not self._hash:
            self._hash = hash((self.kind, self.left, self.right))
        return self._hash

    def __str__(self) -> str:
        if not self._text:
            from netspec.ir.dimwriting import operation  # nothing is written where all sizes are numbers

            self._text = operation(self)
        return self._text

    __repr__ = __str__


Atom: TypeAlias = Symbol | Op
Monomial: TypeAlias = tuple[tuple[Atom, int], ...]  # ((atom, power), ...), sorted; () is the constant
Terms: TypeAlias = dict[Monomial, int]


def _order(factor: tuple[Atom, int]) -> tuple[int, str, int]:
    atom, power = factor
    return (isinstance(atom, Op), str(atom), -power)


class Expr:
    """A polynomial over atoms with at least one atom. Immutable; made by arithmetic on `symbol(name)`."""

    __slots__ = ("_hash", "_probes", "_text", "length", "terms")
    length: int

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        length = len(terms)  # of it written out, in terms and atoms
        for monomial in terms:
            for atom, power in monomial:
                length += power * (atom.length if isinstance(atom, Op) else 1)
        if length > limits.TERMS:
            raise TooManyTerms
        self.length = length
        self._hash: int | None = None
        self._probes: tuple[int, ...] = ()
        self._text = ""  # kept, for that of an atom is needed to order those around it

    # -- arithmetic ---------------------------------------------------------------------------------

    def __add__(self, other: Dim) -> Dim:
        terms = dict(self.terms)
        for monomial, factor in _terms(other).items():
            terms[monomial] = terms.get(monomial, 0) + factor
        return _dim(terms)

    __radd__ = __add__

    def __neg__(self) -> Dim:
        return _dim({m: -f for m, f in self.terms.items()})

    def __sub__(self, other: Dim) -> Dim:
        terms = dict(self.terms)
        for monomial, factor in _terms(other).items():
            terms[monomial] = terms.get(monomial, 0) - factor
        return _dim(terms)

    def __rsub__(self, other: int) -> Dim:
        terms = {m: -f for m, f in self.terms.items()}
        terms[()] = terms.get((), 0) + other
        return _dim(terms)

    def __mul__(self, other: Dim) -> Dim:
        terms: Terms = {}
        if len(self.terms) * len(_terms(other)) > limits.TERMS:
            raise TooManyTerms
        for a, f in self.terms.items():
            for b, g in _terms(other).items():
                monomial = monomial_product(a, b)
                terms[monomial] = terms.get(monomial, 0) + f * g
        return _dim(terms)

    __rmul__ = __mul__

    def __floordiv__(self, other: Dim) -> Dim:
        if isinstance(other, Expr):
            exact = _exact(self, other)
            return exact if exact is not None else _atom(Op("//", self, other))
        if other == 0:
            raise ZeroDivisionError("a size divided by zero")
        if other < 0:
            return (-self) // -other
        rest = {m: _nearest_rest(f, other) if m else f % other for m, f in self.terms.items()}
        whole = {m: (f - rest[m]) // other for m, f in self.terms.items()}
        return _dim(whole) + _floor(_dim(rest), other)

    def __rfloordiv__(self, other: int) -> Dim:
        return 0 if other == 0 else _atom(Op("//", _constant(other), self))

    def __mod__(self, other: Dim) -> Dim:
        if isinstance(other, Expr):
            return 0 if _exact(self, other) is not None else _atom(Op("%", self, other))
        return self - (self // other) * other

    def __rmod__(self, other: int) -> Dim:
        return 0 if other == 0 else _atom(Op("%", _constant(other), self))

    # -- comparison ---------------------------------------------------------------------------------

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Expr):
            if self.terms == other.terms:
                return True
            equal = self.probes() == other.probes()
        elif isinstance(other, int):
            equal = all(value == other for value in self.probes())
        else:
            return False
        if equal:
            from netspec.ir.decide import vanishes  # only where two forms agree at all probes

            equal = vanishes(self - other)
        if not equal and _open is not None:
            _open.append(Doubt("!=", self, other))
        return equal

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(_probe(self, 0))  # as an int's that it may be equal to
        return self._hash

    def __lt__(self, other: Dim) -> bool:
        return _holds(self, _whole(other, ceil) - 1)

    def __le__(self, other: Dim) -> bool:
        return _holds(self, _whole(other, floor))

    def __gt__(self, other: Dim) -> bool:
        return _holds(_whole(other, floor) + 1, self)

    def __ge__(self, other: Dim) -> bool:
        return _holds(_whole(other, ceil), self)

    def probes(self) -> tuple[int, ...]:
        """The values at a few sizes: where they differ, so do two expressions."""
        if not self._probes:
            self._probes = tuple([_probe(self, place) for place in range(_PROBES)])
        return self._probes

    # -- reading ------------------------------------------------------------------------------------

    @property
    def name(self) -> str | None:
        """The name of the symbol that this is, alone."""
        variables = self.variables
        if len(variables) != 1:
            return None
        (variable,) = variables
        return variable.name if self.terms == _of_symbol(variable).terms else None

    @property
    def symbols(self) -> set[str]:
        """The names of the symbols in it."""
        return {variable.name for variable in self.variables}

    @property
    def variables(self) -> set[Symbol]:
        """The symbols in it."""
        found: set[Symbol] = set()
        for monomial in self.terms:
            for atom, _ in monomial:
                if isinstance(atom, Op):
                    found |= atom.left.variables | variables_of(atom.right)
                else:
                    found.add(atom)
        return found

    def __str__(self) -> str:
        if not self._text:
            from netspec.ir.dimwriting import formula  # nothing is written where all sizes are numbers

            self._text = formula(self)
        return self._text

    __repr__ = __str__

    def __format__(self, spec: str) -> str:
        return format(str(self), spec.replace(",", ""))


Dim: TypeAlias = int | Expr


def symbol(name: str, low: int = 1, high: int | None = None, divisor: int = 1, remainder: int = 0) -> Expr:
    """The size that a name stands for: any integer from `low` to `high`, `remainder` more than a multiple of `divisor`.

    Raises ValueError where there is none."""
    return _of_symbol(ranged(name, low, high, divisor, remainder))


def ranged(name: str, low: int, high: int | None, divisor: int, remainder: int) -> Symbol:
    """A symbol, from its least value to its greatest. Raises ValueError where it has none."""
    remainder %= divisor
    low += (remainder - low) % divisor
    if high is not None:
        high -= (high - remainder) % divisor
        if high < low:
            raise ValueError(f"{name} has no values")
    return Symbol(name, low, high, divisor, remainder)


def common_remainder(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    """The divisor and remainder of the numbers that have two remainders, each given behind its divisor. Raises
    ValueError where there are none."""
    (divisor, remainder), (other, wanted) = a, b
    shared = gcd(divisor, other)
    if (wanted - remainder) % shared:
        raise ValueError(f"no number has the remainders {remainder} by {divisor} and {wanted} by {other}")
    other //= shared
    steps = (wanted - remainder) // shared * pow(divisor // shared, -1, other) % other
    return divisor * other, remainder + divisor * steps


def bare(symbol: Symbol) -> Expr:
    """A symbol as an atom, whatever it is a multiple of."""
    return Expr({((symbol, 1),): 1})


def _of_symbol(symbol: Symbol) -> Expr:
    if symbol.divisor == 1:
        return bare(symbol)
    terms: Terms = {((Op("//", bare(symbol), symbol.divisor), 1),): symbol.divisor}
    return Expr(terms | {(): symbol.remainder} if symbol.remainder else terms)


def variables_of(size: Dim) -> set[Symbol]:
    """The symbols in a size."""
    return size.variables if isinstance(size, Expr) else set()


def total(sizes: Iterable[Dim]) -> Dim:
    """The sum of sizes."""
    number = 0
    terms: Terms = {}
    for size in sizes:
        if isinstance(size, int):
            number += size
        else:
            for monomial, factor in size.terms.items():
                terms[monomial] = terms.get(monomial, 0) + factor
    if not terms:
        return number
    terms[()] = terms.get((), 0) + number
    return _dim(terms)


def maximum(*sizes: Dim) -> Dim:
    return _extreme("max", sizes)


def minimum(*sizes: Dim) -> Dim:
    return _extreme("min", sizes)


def substitute(dim: Dim, values: Mapping[str, Dim]) -> Dim:
    """The size with symbols replaced by values."""
    return rebuilt(dim, lambda atom: _value(atom, values))


def rebuilt(dim: Dim, replaced: Callable[[Atom], Dim]) -> Dim:
    """The size with each atom replaced."""
    if isinstance(dim, int):
        return dim
    total: Dim = 0
    for monomial, factor in dim.terms.items():
        term: Dim = factor
        for atom, power in monomial:
            value = replaced(atom)
            for _ in range(power):
                term = term * value
        total = total + term
    return total


def bounds(dim: Dim) -> tuple[int | None, int | None]:
    """The least and greatest value over all values of the symbols, or beyond; None where none is known."""
    if isinstance(dim, int):
        return dim, dim
    low: int | None = 0
    high: int | None = 0
    for monomial, factor in dim.terms.items():
        least, most = _monomial_bounds(monomial)
        if factor < 0:
            least, most = most, least
        low = None if low is None or least is None else low + factor * least
        high = None if high is None or most is None else high + factor * most
    return low, high


def parse_dim(text: str, symbols: Mapping[str, Expr] | None = None) -> Dim:
    """The size that `str` wrote: ints, symbols, + - * // %, min, max, parentheses. Raises ValueError.

    symbols: those of which more is known than that they are at least 1."""
    from netspec.ir.dimtext import parse  # only when IR comes in as JSON

    return parse(text, symbols)


class Doubt(NamedTuple):
    """A comparison that was answered with no, although there may be sizes at which the answer is yes.

    What follows from the answer holds where `left` is greater than `right`, or where the two differ."""

    kind: Literal[">", "!="]
    left: Dim
    right: Dim


_open: list[Doubt] | None = None  # filled while someone listens


@contextmanager
def doubts() -> Iterator[list[Doubt]]:
    """What is compared with no as the answer: the conditions under which a rule's result for symbols is right."""
    global _open
    outer, _open = _open, []
    try:
        yield _open
    finally:
        _open = outer


def _whole(bound: float | Dim, rounded: Callable[[float], int]) -> Dim:
    """What a size is compared with; of a claim's 1e9 the whole number that says the same."""
    return rounded(bound) if isinstance(bound, float) else bound


def listening() -> bool:
    """Whether doubts are noted: then nothing that was computed before may stand for a comparison."""
    return _open is not None


def doubt(kind: Literal[">", "!="], left: Dim, right: Dim) -> None:
    """Note, while someone listens, that a comparison is supposed to hold."""
    if _open is not None:
        _open.append(Doubt(kind, left, right))


def unheard(look: Callable[[], _Found]) -> _Found:
    """What a table has for a key with sizes: that it compares the key with others is no doubt."""
    global _open
    outer, _open = _open, None
    try:
        return look()
    finally:
        _open = outer


def _holds(small: Dim, large: Dim) -> bool:
    holds = _at_most(small, large)
    if not holds and _open is not None:
        _open.append(Doubt(">", small, large))
    return holds


def _at_most(small: Dim, large: Dim) -> bool:
    """Whether one size is at most another at all values of their symbols, as far as is known."""
    if any(a > b for a, b in zip(_probes(small), _probes(large), strict=True)):
        return False
    difference = large - small
    low, _ = bounds(difference)
    if low is not None or isinstance(difference, int):
        return low is not None and low >= 0
    if all(f < 0 for f in difference.terms.values()):
        return False
    from netspec.ir.decide import never_negative  # where terms have different signs, which is rare

    return never_negative(difference)


def _probes(size: Dim) -> tuple[int, ...]:
    return (size,) * _PROBES if isinstance(size, int) else size.probes()


_PROBES = 4
_SPREAD = (1_000_003, 9_973, 613, 1)  # of the sizes at each probe


def _probe(size: Expr, place: int) -> int:
    """The value of an expression at one of the sizes at which it is tried."""

    return _evaluate(size, lambda symbol: _probed(symbol, place))


@lru_cache(maxsize=1000)
def _probed(symbol: Symbol, place: int) -> int:
    span = _SPREAD[place] if symbol.high is None else min(_SPREAD[place], symbol.high - symbol.low + 1)
    return symbol.low + crc32(symbol.name.encode()) // (place + 1) % span


def value(size: Dim, values: Mapping[str, int]) -> int:
    """The value of a size at values of all its symbols. What is divided by 0 is 0."""
    return size if isinstance(size, int) else _evaluate(size, lambda symbol: values[symbol.name])


def _evaluate(size: Expr, size_of: Callable[[Symbol], int]) -> int:
    total = 0
    for monomial, factor in size.terms.items():
        for atom, power in monomial:
            if not isinstance(atom, Op):
                factor *= size_of(atom) ** power
                continue
            left = _evaluate(atom.left, size_of)
            right = atom.right if isinstance(atom.right, int) else _evaluate(atom.right, size_of)
            if atom.kind in ("min", "max"):
                factor *= (min(left, right) if atom.kind == "min" else max(left, right)) ** power
            elif right == 0:
                factor = 0
            else:
                factor *= (left // right if atom.kind == "//" else left % right) ** power
        total += factor
    return total


def _value(atom: Atom, values: Mapping[str, Dim]) -> Dim:
    if not isinstance(atom, Op):
        return values.get(atom.name, bare(atom))
    return combined(atom.kind, substitute(atom.left, values), substitute(atom.right, values))


def combined(kind: str, left: Dim, right: Dim) -> Dim:
    """What an `Op` of a kind stands for."""
    if kind == "//":
        return left // right
    if kind == "%":
        return left % right
    return _extreme(kind, (left, right))


def _terms(dim: Dim) -> Terms:
    return dim.terms if isinstance(dim, Expr) else {(): dim}


def _constant(value: int) -> Expr:
    return Expr({(): value})


def _dim(terms: Terms) -> Dim:
    if 0 in terms.values():
        terms = {m: f for m, f in terms.items() if f}
    if not terms:
        return 0
    if len(terms) == 1 and () in terms:
        return terms[()]
    return Expr(terms)


def _atom(op: Op) -> Dim:
    low, high = _atom_bounds(op)
    if low is not None and low == high:  # such as 1 // (H + 1)
        return low
    if len(_known) >= _MOST_KNOWN:
        _known.clear()
    return Expr({((_known.setdefault(op, op), 1),): 1})


_known: dict[Op, Op] = {}  # one of those that are equal, for its text and hash are kept with it
_MOST_KNOWN = 10_000


def _monomial_order(monomial: Monomial) -> list[tuple[int, str, int]]:
    return [_order(factor) for factor in monomial]


def monomial_product(a: Monomial, b: Monomial) -> Monomial:
    """Two products as one, whose atoms are in order."""
    if not a or not b:
        return a or b
    powers: dict[Atom, int] = dict(a)
    for atom, power in b:
        powers[atom] = powers.get(atom, 0) + power
    return tuple(sorted(powers.items(), key=_order))


def _exact(size: Expr, divisor: Expr) -> Dim | None:
    """The quotient by a size that is never 0, where nothing remains: of 4*A*B + 8*B by 2*B it is 2*A + 4."""
    if not (divisor > 0 or divisor < 0):
        return None
    if size == divisor:
        return 1
    first = max(divisor.terms, key=_degree)
    quotient: Dim = 0
    rest: Dim = size
    for _ in range(len(size.terms)):
        if isinstance(rest, int):
            break
        largest = max(rest.terms, key=_degree)
        powers = dict(largest)
        for atom, power in first:
            powers[atom] = powers.get(atom, 0) - power
        if min(powers.values()) < 0 or rest.terms[largest] % divisor.terms[first]:
            return None
        left = tuple((atom, power) for atom, power in powers.items() if power)
        part = _dim({left: rest.terms[largest] // divisor.terms[first]})
        quotient, rest = quotient + part, rest - part * divisor
    return quotient if rest == 0 else None


def _degree(monomial: Monomial) -> tuple[int, list[tuple[int, str, int]]]:
    return sum(power for _, power in monomial), _monomial_order(monomial)


def _nearest_rest(factor: int, divisor: int) -> int:
    """The number nearest to 0 that differs from a factor by a multiple of a divisor; of two the positive one."""
    rest = factor % divisor
    return rest - divisor if 2 * rest > divisor else rest


def _floor(dim: Dim, divisor: int) -> Dim:
    """dim // divisor where no coefficient of dim reaches the divisor, and its constant is from 0 to below it."""
    if isinstance(dim, int):
        return dim // divisor
    if dim.terms[min((m for m in dim.terms if m), key=_monomial_order)] < 0:
        # floor((c - p) / m) = -floor((p - c + m - 1) / m): the first coefficient is positive
        return -((-dim + (divisor - 1)) // divisor)
    # floor((g*p + c) / (g*m)) = floor((p + c // g) / m)
    common = divisor
    for monomial, factor in dim.terms.items():
        if monomial:
            common = gcd(common, factor)
    if common > 1:
        reduced = _dim({m: f // common for m, f in dim.terms.items()})
        return reduced // (divisor // common) if divisor > common else reduced
    # floor((floor(p / a) + c) / b) = floor((p + a*c) / (a*b))
    constant = dim.terms.get((), 0)
    inner = [m for m in dim.terms if m]
    if len(inner) == 1 and dim.terms[inner[0]] == 1 and len(inner[0]) == 1:
        atom, power = inner[0][0]
        if power == 1 and isinstance(atom, Op) and atom.kind == "//" and isinstance(atom.right, int):
            return (atom.left + atom.right * constant) // (atom.right * divisor)
    low, high = bounds(dim)
    if low is not None and high is not None and low // divisor == high // divisor:
        return low // divisor
    return _atom(Op("//", dim, divisor))


def _extreme(kind: str, sizes: Iterable[Dim]) -> Dim:
    """The largest or smallest of sizes: those that cannot be, because another is at all values, are left out."""
    kept: list[Dim] = []
    for size in dict.fromkeys(operands(kind, sizes)):
        if any(_wins(kind, other, size) for other in kept):
            continue
        kept = [other for other in kept if not _wins(kind, size, other)]
        kept.append(size)
    if len(kept) == 1:
        return kept[0]
    kept.sort(key=lambda size: (isinstance(size, int), str(size)))
    result = kept.pop()
    while kept:
        size = kept.pop()
        result = _atom(Op(kind, size if isinstance(size, Expr) else _constant(size), result))
    return result


def operands(kind: str, sizes: Iterable[Dim]) -> list[Dim]:
    """Sizes, with those of a maximum or minimum among them in its place."""
    found: list[Dim] = []
    for size in sizes:
        inner = next(iter(size.terms))[0][0] if isinstance(size, Expr) and _is_atom(size) else None
        if isinstance(inner, Op) and inner.kind == kind:
            found += operands(kind, (inner.left, inner.right))
        else:
            found.append(size)
    return found


def _is_atom(size: Expr) -> bool:
    (monomial, factor), *more = size.terms.items()
    return not more and factor == 1 and len(monomial) == 1 and monomial[0][1] == 1


def _wins(kind: str, a: Dim, b: Dim) -> bool:
    return _at_most(b, a) if kind == "max" else _at_most(a, b)


def _monomial_bounds(monomial: Monomial) -> tuple[int | None, int | None]:
    low: int = 1
    high: int | None = 1
    for atom, power in monomial:
        least, most = _atom_bounds(atom)
        if least is None or least < 0:
            return None, None
        low *= least**power
        high = None if high is None or most is None else high * most**power
    return low, high


def _atom_bounds(atom: Atom) -> tuple[int | None, int | None]:
    if not isinstance(atom, Op):
        return atom.low, atom.high
    left, right = bounds(atom.left), bounds(atom.right)
    if atom.kind == "//" and right[0] is not None and right[0] > 0:
        most_right = right[1]
        if left[0] is None:
            low = None
        elif left[0] >= 0:
            low = 0 if most_right is None else left[0] // most_right
        else:
            low = left[0] // right[0]
        return low, None if left[1] is None else max(left[1] // right[0], 0)
    if atom.kind == "%" and right[0] is not None and right[0] > 0:
        return 0, None if right[1] is None else right[1] - 1
    if atom.kind in ("min", "max"):
        pick = min if atom.kind == "min" else max
        lows = [b for b in (left[0], right[0]) if b is not None]
        highs = [b for b in (left[1], right[1]) if b is not None]
        low_known = len(lows) == 2 or (atom.kind == "max" and lows)
        high_known = len(highs) == 2 or (atom.kind == "min" and highs)
        return (pick(lows) if low_known else None, pick(highs) if high_known else None)
    return None, None
