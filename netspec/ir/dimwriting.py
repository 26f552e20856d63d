"""Writes a size as text, which `dimtext` reads: the leading term first, factored where two terms differ by a number."""

from __future__ import annotations

from functools import lru_cache
from math import gcd, prod

from netspec.ir.dims import Atom, Dim, Expr, Monomial, Op, Symbol, Terms, bare, monomial_product, operands, value

_LARGE = 1 << 24  # the size at which terms are compared
_OFFSET = 8  # by how much at most a side of a product is smaller than its symbol's quotient


def formula(size: Expr) -> str:
    """`9408*((H + 1) // 2)*((W + 1) // 2) + 512000`."""
    return " ".join(summands(size))


def summands(size: Expr) -> list[str]:
    """The terms of a formula, those that grow most first: `9408*((H + 1) // 2)*((W + 1) // 2)`, `+ 512000`."""
    return list(_written(frozenset(size.terms.items())))


@lru_cache(maxsize=10_000)  # many layers have one size, and one cost
def _written(size: frozenset[tuple[Monomial, int]]) -> list[str]:
    terms = _named(dict(size))
    if len(terms) == 2 and () in terms:  # c*a + c*b is c*(a + b)
        rest, factor = terms[()], next(f for m, f in terms.items() if m)
        if abs(factor) > 1 and rest % factor == 0:
            (monomial,) = (m for m in terms if m)
            if len(monomial) == 1 and monomial[0][1] == 1:
                return [f"{factor}*({_sum({monomial: 1, (): rest // factor})})"]
    products, rest_terms = _products(terms)
    return _summands(rest_terms, products)


def operation(op: Op) -> str:
    """`(H + 1) // 2`, `max(H, W)`."""
    if op.kind in ("min", "max"):
        return f"{op.kind}({', '.join(map(str, operands(op.kind, (op.left, op.right))))})"
    left, right = (f"{side}" if _is_plain(side) else f"({side})" for side in (op.left, op.right))
    return f"{left} {op.kind} {right}"


def _is_plain(side: Dim) -> bool:
    """Whether a side of a quotient or remainder needs no parentheses: a symbol, a number, a min or a max."""
    text = str(side)
    return text.isalnum() or (text.startswith(("min(", "max(")) and _closes(text)) or text.isidentifier()


def _closes(text: str) -> bool:
    """Whether the first bracket closes at the end of the text."""
    depth = 0
    for place, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if sign == ")" and depth == 0:
            return place == len(text) - 1
    return False


def _named(terms: Terms) -> Terms:
    """Terms in which the quotients that stand for symbols with a divisor are written by these: 16*(H // 16) is H."""
    if not any(_base(atom) for monomial in terms for atom, _ in monomial):
        return terms
    left, named = dict(terms), dict[Monomial, int]()
    while left:
        monomial = min(left, key=lambda m: (-sum(power for _, power in m), str(m)))
        factor = left[monomial]
        key: Monomial = ()  # what is written
        made: Terms = {(): 1}  # the same, multiplied out again
        bases = [base for atom, power in monomial for base in [_base(atom)] * power if base is not None]
        shares = _shares(factor, bases, alone=len(monomial) == 1 and monomial[0][1] == 1)
        for atom, power in monomial:
            for _ in range(power):
                base = _base(atom)
                if base is None:
                    key = monomial_product(key, ((atom, 1),))
                    made = _times(made, {((atom, 1),): 1})
                    continue
                share = shares.pop(0)
                factor //= share
                rest = base.divisor // share
                key = monomial_product(key, ((base if rest == 1 else Op("//", bare(base), rest), 1),))
                made = _times(made, {((atom, 1),): share, (): base.remainder // rest})
        named[key] = named.get(key, 0) + factor
        for term, count in made.items():
            left[term] = left.get(term, 0) - factor * count
            if not left[term]:
                del left[term]
    return {m: f for m, f in named.items() if f}


def _shares(factor: int, bases: list[Symbol], *, alone: bool) -> list[int]:
    """By which part of a term's factor each of its quotients grows: 16*(H // 32) is H // 2. In products they all become
    symbols, or the factor goes into them without rest, or it stays: 512*(H // 32)*(W // 32)."""
    if alone and bases:
        return [gcd(factor, bases[0].divisor)]
    whole = prod(base.divisor for base in bases)
    if factor % whole == 0:
        return [base.divisor for base in bases]
    root = round(abs(factor) ** (1 / len(bases))) if bases and abs(factor) < 1 << 40 else 0
    if root and root ** len(bases) == abs(factor) and all(base.divisor % root == 0 for base in bases):
        return [root] * len(bases)
    return [1] * len(bases)


def _base(atom: Atom) -> Symbol | None:
    """The symbol that a quotient stands for."""
    if not isinstance(atom, Op) or atom.kind != "//" or len(atom.left.terms) != 1:
        return None
    ((monomial, factor),) = atom.left.terms.items()
    if factor != 1 or len(monomial) != 1 or monomial[0][1] != 1:
        return None
    base = monomial[0][0]
    return base if isinstance(base, Symbol) and 1 < base.divisor == atom.right else None


def _times(a: Terms, b: Terms) -> Terms:
    made: Terms = {}
    for one, f in a.items():
        for other, g in b.items():
            if f and g:
                key = monomial_product(one, other)
                made[key] = made.get(key, 0) + f * g
    return made


def _products(terms: Terms) -> tuple[list[tuple[int, Monomial, str]], Terms]:
    """c*(A + a)*(B + b) of terms c*A*B + c*b*A + c*a*B + c*a*b, and what is left."""
    left = dict(terms)
    found: list[tuple[int, Monomial, str]] = []
    for monomial in sorted(terms, key=lambda m: _rank(m, terms[m])):
        atoms = [atom for atom, power in monomial for _ in range(power)]
        if len(atoms) != 2 or monomial not in left:
            continue
        one, other = (((atom, 1),) for atom in atoms)
        factor, by_one, by_other = left[monomial], left.get(one, 0), left.get(other, 0)
        if atoms[0] == atoms[1] or not by_one or not by_other:
            continue
        if by_one % factor or by_other % factor:
            # windows without padding: 22*A*B - 40*A - 40*B + 80 is 20*(A - 2)*(B - 2) + 2*A*B
            factor = _shared(factor, by_one, by_other)
            if not factor:
                continue
        a, b = by_other // factor, by_one // factor
        for key, count in ((monomial, factor), (one, by_one), (other, by_other), ((), factor * a * b)):
            left[key] = left.get(key, 0) - count
            if not left[key]:
                del left[key]
        text = "*".join(f"({_sum({term: 1, (): number})})" for term, number in ((one, a), (other, b)))
        found.append((factor, monomial, text if abs(factor) == 1 else f"{abs(factor)}*{text}"))
    return found, left


def _shared(factor: int, one: int, other: int) -> int:
    """The part of a factor, nearly all of it, that makes a product of terms of the other sign, c*(A - a)*(B - b); 0 for
    none."""
    for times in range(1, _OFFSET + 1):
        part, rest = divmod(-one, times)
        nearly = part * factor > 0 and 9 * abs(factor) <= 10 * abs(part) <= 10 * abs(factor)
        if rest == 0 and nearly and other % part == 0:
            return part if 0 < -other // part <= _OFFSET else 0
    return 0


def _sum(terms: Terms) -> str:
    return " ".join(_summands(terms, []))


def _summands(terms: Terms, products: list[tuple[int, Monomial, str]]) -> list[str]:
    """Terms with their signs, those that grow most first."""
    parts = [(_rank(m, f), f < 0, _term(m, abs(f)), m) for m, f in terms.items()]
    parts += [(_rank(m, f), f < 0, text, ()) for f, m, text in products]
    found: list[str] = []
    for _, negative, term, monomial in sorted(parts, key=lambda part: (part[0], part[1], part[2])):
        if not found and negative:
            found.append(f"-({term})" if _is_quotient(monomial) and term == str(monomial[0][0]) else f"-{term}")
        elif not found:
            found.append(term)
        else:
            found.append(f"- {term}" if negative else f"+ {term}")
    return found


def _rank(monomial: Monomial, factor: int) -> tuple[int, int]:
    """Highest degree first, then what is largest at large sizes; the constant last."""
    size = abs(factor)
    for atom, power in monomial:
        size *= abs(_atom_at_large(atom)) ** power
    return -sum(power for _, power in monomial), -size


@lru_cache(maxsize=10_000)
def _atom_at_large(atom: Atom) -> int:
    one = Expr({((atom, 1),): 1})
    return value(one, dict.fromkeys(one.symbols, _LARGE))


def _is_quotient(monomial: Monomial) -> bool:
    """Whether it is one quotient or remainder alone, which a minus sign before it would change: -(H // 2)."""
    atom, power = monomial[0] if len(monomial) == 1 else (None, 0)
    return isinstance(atom, Op) and atom.kind in ("//", "%") and power == 1


def _term(monomial: Monomial, factor: int) -> str:
    if not monomial:
        return str(factor)
    parts = [] if factor == 1 else [str(factor)]
    for atom, power in monomial:
        text = str(atom)
        if isinstance(atom, Op) and atom.kind in ("//", "%") and (parts or len(monomial) > 1 or power > 1):
            text = f"({text})"
        parts += [text] * power
    return "*".join(parts)
