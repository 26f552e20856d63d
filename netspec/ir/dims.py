"""Sizes. A `Dim` is an int, or an integer expression in symbols (`Expr`) in normal form.

An `Expr` is a polynomial with integer coefficients over atoms. An atom is a symbol such as `H`, which
stands for any integer >= 1, or a floor division, remainder, minimum or maximum that does not reduce
further. Sums and products are collected, constants leave floor divisions, and nested floor divisions
join, so that equal sizes written differently compare equal:

    (H // 2) // 2 == H // 4        (H + 6 - 7) // 2 + 1 == (H - 1) // 2 + 1

`==` says whether the normal forms are equal. `<`, `<=`, `>`, `>=` say whether the relation holds for
all values of the symbols, so both `a < b` and `a >= b` may be False: a rule that refuses `a < b`
refuses what is wrong at every size. Arithmetic mixes with ints, and gives an int back where it can.

Written out, an expression may double with every operation. One of more than `limits.TERMS` terms and atoms is
refused with `TooManyTerms`, so that no arithmetic takes long.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import gcd
from typing import NamedTuple, TypeAlias

from netspec import limits


class TooManyTerms(ValueError):
    """An expression that is too long to work with."""

    def __init__(self) -> None:
        super().__init__(f"the size has too many terms: more than {limits.TERMS:,} when written out")


class Op(NamedTuple):
    """An atom that is not a symbol: kind is one of //, %, min, max."""

    kind: str
    left: Expr
    right: Dim

    def __str__(self) -> str:
        if self.kind in ("min", "max"):
            return f"{self.kind}({self.left}, {self.right})"
        left, right = (f"{side}" if _is_plain(side) else f"({side})" for side in (self.left, self.right))
        return f"{left} {self.kind} {right}"


Atom: TypeAlias = str | Op
Monomial: TypeAlias = tuple[tuple[Atom, int], ...]  # ((atom, power), ...), sorted; () is the constant
Terms: TypeAlias = dict[Monomial, int]


def _order(factor: tuple[Atom, int]) -> tuple[int, str, int]:
    atom, power = factor
    return (isinstance(atom, Op), str(atom), -power)


class Expr:
    """A polynomial over atoms with at least one atom. Immutable; made by arithmetic on `symbol(name)`."""

    __slots__ = ("_hash", "_text", "length", "terms")

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.length = len(terms)  # of it written out, in terms and atoms
        for monomial in terms:
            for atom, power in monomial:
                self.length += power * _length(atom)
        if self.length > limits.TERMS:
            raise TooManyTerms
        self._hash: int | None = None
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
        return self + (-other)

    def __rsub__(self, other: int) -> Dim:
        return -self + other

    def __mul__(self, other: Dim) -> Dim:
        terms: Terms = {}
        if len(self.terms) * len(_terms(other)) > limits.TERMS:
            raise TooManyTerms
        for a, f in self.terms.items():
            for b, g in _terms(other).items():
                monomial = _product(a, b)
                terms[monomial] = terms.get(monomial, 0) + f * g
        return _dim(terms)

    __rmul__ = __mul__

    def __floordiv__(self, other: Dim) -> Dim:
        if isinstance(other, Expr):
            return 1 if self == other else _atom(Op("//", self, other))
        if other == 0:
            raise ZeroDivisionError("a size divided by zero")
        if other < 0:
            return (-self) // -other
        whole = {m: f // other for m, f in self.terms.items()}
        rest = _dim({m: f % other for m, f in self.terms.items()})
        return _dim(whole) + _floor(rest, other)

    def __rfloordiv__(self, other: int) -> Dim:
        return 0 if other == 0 else _atom(Op("//", _constant(other), self))

    def __mod__(self, other: Dim) -> Dim:
        if isinstance(other, Expr):
            return 0 if self == other else _atom(Op("%", self, other))
        return self - (self // other) * other

    def __rmod__(self, other: int) -> Dim:
        return 0 if other == 0 else _atom(Op("%", _constant(other), self))

    # -- comparison ---------------------------------------------------------------------------------

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expr) and self.terms == other.terms

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(frozenset(self.terms.items()))
        return self._hash

    def __lt__(self, other: Dim) -> bool:
        high = bounds(self - other)[1]
        return high is not None and high < 0

    def __le__(self, other: Dim) -> bool:
        high = bounds(self - other)[1]
        return high is not None and high <= 0

    def __gt__(self, other: Dim) -> bool:
        low = bounds(self - other)[0]
        return low is not None and low > 0

    def __ge__(self, other: Dim) -> bool:
        low = bounds(self - other)[0]
        return low is not None and low >= 0

    # -- reading ------------------------------------------------------------------------------------

    @property
    def is_atom(self) -> bool:
        """Whether this is one symbol or one operation, alone."""
        if len(self.terms) != 1:
            return False
        ((monomial, factor),) = self.terms.items()
        return factor == 1 and len(monomial) == 1 and monomial[0][1] == 1

    @property
    def atom(self) -> Atom:
        """The only atom of an expression that `is_atom`."""
        return next(iter(self.terms))[0][0]

    @property
    def symbols(self) -> set[str]:
        found: set[str] = set()
        for monomial in self.terms:
            for atom, _ in monomial:
                if isinstance(atom, Op):
                    found |= atom.left.symbols
                    found |= atom.right.symbols if isinstance(atom.right, Expr) else set()
                else:
                    found.add(atom)
        return found

    def __str__(self) -> str:
        if not self._text:
            self._text = self._write()
        return self._text

    def _write(self) -> str:
        text = ""
        for monomial, factor in sorted(self.terms.items(), key=lambda t: _rank(t[0])):
            term = _term_text(monomial, abs(factor))
            if not text and factor < 0:
                text = f"-({term})" if factor == -1 and _is_quotient(monomial) else f"-{term}"
            elif not text:
                text = term
            else:
                text += f" - {term}" if factor < 0 else f" + {term}"
        return text

    __repr__ = __str__

    def __format__(self, spec: str) -> str:
        return format(str(self), spec.replace(",", ""))


Dim: TypeAlias = int | Expr


def symbol(name: str) -> Expr:
    """The size that a name stands for: any integer >= 1."""
    return Expr({((name, 1),): 1})


def maximum(a: Dim, b: Dim) -> Dim:
    return _extreme("max", a, b)


def minimum(a: Dim, b: Dim) -> Dim:
    return _extreme("min", a, b)


def substitute(dim: Dim, values: Mapping[str, Dim]) -> Dim:
    """The size with symbols replaced by values."""
    if isinstance(dim, int):
        return dim
    total: Dim = 0
    for monomial, factor in dim.terms.items():
        term: Dim = factor
        for atom, power in monomial:
            value = _value(atom, values)
            for _ in range(power):
                term = term * value
        total = total + term
    return total


def bounds(dim: Dim) -> tuple[int | None, int | None]:
    """The least and greatest value over all symbols >= 1; None where there is no bound."""
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


def parse_dim(text: str) -> Dim:
    """The size that `str` wrote: ints, symbols, + - * // %, min, max, parentheses. Raises ValueError."""
    from netspec.ir.dimtext import parse  # only when IR comes in as JSON

    return parse(text)


def _value(atom: Atom, values: Mapping[str, Dim]) -> Dim:
    if not isinstance(atom, Op):
        return values.get(atom, symbol(atom))
    left, right = substitute(atom.left, values), substitute(atom.right, values)
    if atom.kind == "//":
        return left // right
    if atom.kind == "%":
        return left % right
    return _extreme(atom.kind, left, right)


def _is_plain(side: Dim) -> bool:
    """Whether a side of a quotient or remainder needs no parentheses: a symbol, a number, a min or a max."""
    if isinstance(side, int):
        return side >= 0
    if not side.is_atom:
        return side.terms.keys() == {()} and side.terms[()] >= 0
    return not (isinstance(side.atom, Op) and side.atom.kind in ("//", "%"))


def _length(atom: Atom) -> int:
    if not isinstance(atom, Op):
        return 1
    return 1 + atom.left.length + (atom.right.length if isinstance(atom.right, Expr) else 1)


def _terms(dim: Dim) -> Terms:
    return dim.terms if isinstance(dim, Expr) else {(): dim}


def _constant(value: int) -> Expr:
    return Expr({(): value})


def _dim(terms: Terms) -> Dim:
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
    return Expr({((op, 1),): 1})


def _product(a: Monomial, b: Monomial) -> Monomial:
    powers: dict[Atom, int] = dict(a)
    for atom, power in b:
        powers[atom] = powers.get(atom, 0) + power
    return tuple(sorted(powers.items(), key=_order))


def _floor(dim: Dim, divisor: int) -> Dim:
    """dim // divisor where every coefficient of dim is in [0, divisor)."""
    if isinstance(dim, int):
        return dim // divisor
    # floor((g*p + c) / (g*m)) = floor((p + c // g) / m)
    common = divisor
    for monomial, factor in dim.terms.items():
        if monomial:
            common = gcd(common, factor)
    if common > 1:
        reduced = _dim({m: f // common for m, f in dim.terms.items()})
        return reduced // (divisor // common) if divisor > common else reduced
    # floor((floor(p / a) + c) / b) = floor((p + a*c) / (a*b))
    inner = [m for m in dim.terms if m]
    if len(inner) == 1 and dim.terms[inner[0]] == 1 and len(inner[0]) == 1:
        atom, power = inner[0][0]
        if power == 1 and isinstance(atom, Op) and atom.kind == "//" and isinstance(atom.right, int):
            return (atom.left + atom.right * dim.terms.get((), 0)) // (atom.right * divisor)
    low, high = bounds(dim)
    if low is not None and high is not None and low // divisor == high // divisor:
        return low // divisor
    return _atom(Op("//", dim, divisor))


def _extreme(kind: str, a: Dim, b: Dim) -> Dim:
    if isinstance(a, int) and isinstance(b, int):
        return max(a, b) if kind == "max" else min(a, b)
    if a == b:
        return a
    larger, smaller = (a, b) if a >= b else (b, a)
    if larger >= smaller:
        return larger if kind == "max" else smaller
    if isinstance(b, Expr) and (isinstance(a, int) or str(b) < str(a)):
        a, b = b, a
    return _atom(Op(kind, a if isinstance(a, Expr) else _constant(a), b))


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
        return 1, None
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


def _rank(monomial: Monomial) -> tuple[int, str]:
    """Highest degree first, then by name; the constant last."""
    return -sum(power for _, power in monomial), " ".join(f"{atom}" for atom, _ in monomial)


def _is_quotient(monomial: Monomial) -> bool:
    """Whether it is one quotient or remainder alone, which a minus sign before it would change: -(H // 2)."""
    atom, power = monomial[0] if len(monomial) == 1 else ("", 0)
    return isinstance(atom, Op) and atom.kind in ("//", "%") and power == 1


def _term_text(monomial: Monomial, factor: int) -> str:
    if not monomial:
        return str(factor)
    parts = [] if factor == 1 else [str(factor)]
    for atom, power in monomial:
        text = str(atom)
        if isinstance(atom, Op) and atom.kind in ("//", "%") and (parts or len(monomial) > 1 or power > 1):
            text = f"({text})"
        parts += [text] * power
    return "*".join(parts)
