"""The canonical layout of a spec, from text to text. docs/formatting.md has the rules.

Works on the lexer's tokens, which keep the author's spelling, and on the comments between them. Only three
things of the author's layout count: blank lines, where a line ends, and columns that were set out with blanks.
Every decision depends on what stays the same when the result is printed again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple, TypeAlias

from netspec.syntax.parser import tokens

WIDTH = 120
_INDENT = 2
_GAP = 3  # blanks before a claim and before a comment
_LONG = 40  # a bracket wider than this is opened where a line is too long

_OPEN = frozenset({"LPAR", "CALL", "LSQB", "INDEX", "LBRACE"})
_CLOSE = frozenset({"RPAR", "RSQB", "RBRACE"})
_NO_GAP_AFTER = frozenset({"LPAR", "CALL", "LSQB", "INDEX", "DOT"})
_NO_GAP_BEFORE = frozenset({"RPAR", "RSQB", "COMMA", "CALL", "INDEX", "COLON"})
_VALUE_ENDS = frozenset({"NAME", "INT", "FLOAT", "WINDOW", "STRING", "TRUE", "FALSE", "RPAR", "RSQB"})
_CALLS = frozenset({"NAME", "NET", "PARAM", "CONSTANT"})  # what begins a step whose rest is arguments
_JOINTS = frozenset({"ARROW", "AND", "OR", "WHERE"})  # a long statement is broken before these
_COLUMNS = {  # before which tokens a statement of a kind may have columns; None: before all
    "LET": frozenset({"EQUAL"}),
    "ASSERT": frozenset({"AND", "OR"}),
    "NET": None,
}


class NotFaithful(Exception):
    """The printer has changed more than the layout."""


class _Comment(NamedTuple):
    text: str
    blank: bool  # a blank line stands before it


class _Leaf:
    """A token, and what stands between it and the one before."""

    __slots__ = ("blank", "broke", "comments", "forced", "gap", "kind", "remark", "starts", "text", "unary", "wide")

    def __init__(self, kind: str, text: str) -> None:
        self.kind = kind
        self.text = text
        self.starts = False  # a statement
        self.broke = False  # a line ends before it
        self.blank = False  # a blank line stands before it
        self.wide = False  # two blanks or more stand before it
        self.forced = False  # a comment stands before it
        self.comments: list[_Comment] = []  # on lines of their own before it
        self.remark = ""  # a comment after it on its line
        self.gap = True  # whether a blank is printed before it
        self.unary = False


class _Bracket:
    """A pair of brackets and what is in it: statements or paths in braces, else one part."""

    __slots__ = ("_hang", "broken", "calling", "close", "first", "hanging", "parameters", "parts", "width")

    def __init__(self, first: _Leaf) -> None:
        self.first = first
        self.close = first
        self.parts: list[list[_Item]] = []
        self.parameters = False  # of a block or net
        self.calling: bool | None = None  # whether arguments are being read; None where a step begins
        self.broken = False
        self.hanging = False  # a broken one whose lines are aligned under its first item
        self.width = 0  # in one line, with the gap before it
        self._hang: tuple[int, int] | None = None

    @property
    def is_brace(self) -> bool:
        return self.first.kind == "LBRACE"

    def add(self, item: _Item, leaf: _Leaf) -> None:
        if not self.parts or leaf.starts or leaf.kind == "PIPE":
            self.parts.append([])
        self.parts[-1].append(item)

    def end(self, close: _Leaf) -> None:
        """Note the closing bracket, and decide how to print what is now complete."""
        self.close = close
        items = [item for part in self.parts for item in part]
        leaves = [_first(item) for item in items]
        nested = any(isinstance(item, _Bracket) and item.broken for item in items)
        self.width = _width(self.first) + sum(map(_width, items)) + _width(close)
        if self.is_brace:
            statements = len(self.parts) > 1 and leaves[0].kind != "PIPE"
            commented = close.forced or any(leaf.forced for leaf in leaves)
            self.broken = nested or statements or commented or (bool(leaves) and leaves[0].broke)
        else:
            self.broken = nested or close.forced or any(leaf.broke for leaf in leaves)
            self.hanging = bool(leaves) and not leaves[0].broke

    def hang(self) -> tuple[int, int]:
        """Of a hanging bracket, from its own column: how far it reaches, and where it ends."""
        if self._hang is None:
            reach = at = 1
            for item in self.parts[0]:
                leaf = _first(item)
                if leaf.broke and at > 1:
                    at = 1
                gap = at > 1 and leaf.gap
                if isinstance(item, _Leaf) or not item.broken:
                    at += _width(item) - (leaf.gap and not gap)
                elif item.hanging:
                    far, end = item.hang()
                    reach = max(reach, at + gap + far)
                    at += gap + end
                else:
                    reach = max(reach, at + gap + 1)
                    at = 2
                reach = max(reach, at)
            at = 2 if self.close.forced else at + 1
            self._hang = max(reach, at), at
        return self._hang


_Item: TypeAlias = "_Leaf | _Bracket"


def _first(item: _Item) -> _Leaf:
    return item if isinstance(item, _Leaf) else item.first


def _width(item: _Item) -> int:
    """In one line, with the gap before it."""
    return item.gap + len(item.text) if isinstance(item, _Leaf) else item.width


def printed(text: str) -> str:
    """The canonical layout of a text that is free of syntax errors. Raises NotFaithful."""
    leaves = _leaves(text)
    out = _Printer().file(_nested(leaves))
    if _content(_leaves(out)) != _content(leaves):
        raise NotFaithful("the formatted text would not mean the same")
    return out


def _content(leaves: Sequence[_Leaf]) -> list[tuple[str, ...]]:
    """What must not change: from equal tokens the parser makes equal trees."""
    return [
        (leaf.kind, leaf.text, str(leaf.starts), leaf.remark, *(comment.text for comment in leaf.comments))
        for leaf in leaves
    ]


# -- reading ------------------------------------------------------------------------------------------


def _leaves(text: str) -> list[_Leaf]:
    """The tokens of a text, with what is between them. The last one is empty, and stands for the end."""
    out: list[_Leaf] = []
    at, starts = 0, False
    for token in tokens(text):
        if token.type == "_NL":
            starts = True
            continue
        leaf = _Leaf(token.type, token.value)
        begin = token.start_pos or 0
        _between(text[at:begin], out, leaf)
        leaf.starts, starts = starts, False
        at = begin + len(leaf.text)
    _between(text[at:], out, _Leaf("", ""))
    for before, dot, after in zip(out, out[1:], out[2:], strict=False):
        if before.kind == after.kind == "INT" and dot.kind == "DOT":
            dot.unary = True  # `x.0 .1`: without the blank there is a real number
    return out


def _between(space: str, out: list[_Leaf], leaf: _Leaf) -> None:
    """Note what stands between the last leaf and this one, which is added."""
    if "\n" not in space and "#" not in space:
        leaf.wide = len(space) > 1
        leaf.broke = not out
        out.append(leaf)
        return
    first, *lines = space.split("\n") if out else ("", *space.split("\n"))
    if first.strip():
        out[-1].remark = _comment(first.strip())
    blank = False
    for line in lines[:-1] if leaf.kind else lines:
        comment = line.strip()
        if comment:
            leaf.comments.append(_Comment(_comment(comment), blank))
        blank = not comment
    leaf.blank = blank
    leaf.broke = True
    leaf.forced = bool(leaf.comments or first.strip())
    out.append(leaf)


def _comment(text: str) -> str:
    """A comment with a blank after its `#`."""
    return text if len(text) == 1 or text[1] in " \t#!" else f"# {text[1:]}"


def _nested(leaves: Sequence[_Leaf]) -> _Bracket:
    """The leaves as a tree of brackets, in braces that are not printed; sets the gaps."""
    root = _Bracket(_Leaf("LBRACE", ""))
    open_brackets = [root]
    last, before = root.first, root.first
    for leaf in leaves[:-1]:
        inside = open_brackets[-1]
        leaf.gap = _gap(last, leaf, inside)
        if leaf.kind in _OPEN:
            bracket = _Bracket(leaf)
            bracket.parameters = leaf.kind == "CALL" and before.kind in ("BLOCK", "NET")
            inside.add(bracket, leaf)
            open_brackets.append(bracket)
        elif leaf.kind in _CLOSE:
            inside.end(leaf)
            open_brackets.pop()
        else:
            inside.add(leaf, leaf)
        last, before = leaf, last
    root.close = leaves[-1]
    return root


def _gap(last: _Leaf, leaf: _Leaf, inside: _Bracket) -> bool:
    """Whether a blank stands between two tokens."""
    if inside.is_brace:
        if leaf.starts or last.kind in ("ARROW", "PIPE", "LBRACE", "COLON"):
            inside.calling = None
        if inside.calling is None:
            inside.calling = leaf.kind in _CALLS
    if leaf.kind == "MINUS":
        leaf.unary = last.kind not in _VALUE_ENDS or (inside.is_brace and bool(inside.calling))
    if leaf.kind == "EQUAL":
        statement = inside.parts[-1] if inside.is_brace and inside.parts else []
        defines = len(statement) == 2 and _first(statement[0]).kind in ("LET", "NET")
        return defines or inside.parameters
    if last.kind == "EQUAL":
        return last.gap
    if leaf.kind == "DOT":
        return leaf.unary
    if last.kind == "MINUS":
        return not last.unary
    if last.kind == "COLON":
        return inside.first.kind != "INDEX"
    if last.kind == "LBRACE" and leaf.kind == "RBRACE":
        return False
    return last.kind not in _NO_GAP_AFTER and leaf.kind not in _NO_GAP_BEFORE


# -- printing -----------------------------------------------------------------------------------------


class _Line:
    """A line of the result. Claim and remark are put into columns once all lines are known."""

    __slots__ = ("claim", "indent", "kind", "parts", "remark", "stops", "width")

    def __init__(self, indent: int) -> None:
        self.indent = indent
        self.parts: list[str] = []
        self.width = indent
        self.kind = ""  # of the statement that it begins, where it may have columns
        self.stops: list[tuple[int, int, bool]] = []  # part, column, whether the author set it out
        self.claim = ""
        self.remark = ""

    def add(self, text: str) -> None:
        self.parts.append(text)
        self.width += len(text)

    @property
    def is_blank(self) -> bool:
        return not self.parts

    @property
    def text(self) -> str:
        return " " * self.indent + "".join((*self.parts, self.claim, self.remark)) if self.parts else ""


class _Atom:
    """A stretch of a statement or list in which lines end only inside brackets."""

    __slots__ = ("broke", "first", "forced", "items", "width")

    def __init__(self, item: _Item) -> None:
        self.items = [item]
        self.first = _first(item)
        self.broke = self.first.broke
        self.forced = self.first.forced
        self.width = 0  # of its first line, with what hangs under that

    @property
    def is_broken(self) -> bool:
        return any(isinstance(item, _Bracket) and item.broken for item in self.items)

    @property
    def is_claim(self) -> bool:
        return [_first(item).kind for item in self.items] == ["ARROW", "LSQB"] and not self.is_broken


class _Printer:
    def __init__(self) -> None:
        self.lines: list[_Line] = []
        self.line = _Line(0)
        self.base = 0  # where the line's text begins: what it opens is indented from there

    def file(self, root: _Bracket) -> str:
        lines: list[_Line] = []
        after_block = False
        for part in (*root.parts, None):
            leaf = _first(part[0]) if part else root.close
            self.lines = []
            self._lead(leaf, 0, first=not lines)
            above = len(self.lines)
            if part:
                self._statement(part, 0)
            is_block = leaf.kind in ("BLOCK", "NET") and len(self.lines) > above + 1
            blanks = [line.is_blank for line in self.lines[: above + 1]]
            if lines and blanks and ((after_block and not blanks[0]) or (is_block and not any(blanks))):
                lines.append(_Line(0))
            lines += self.lines
            after_block = is_block
        _align(lines)
        return "".join(line.text.rstrip() + "\n" for line in lines)

    # -- bodies -------------------------------------------------------------------------------------

    def _body(self, brace: _Bracket, indent: int) -> None:
        for index, part in enumerate(brace.parts):
            self._lead(_first(part[0]), indent, first=index == 0)
            self._statement(part, indent)
        brace.close.blank = False
        self._lead(brace.close, indent, first=not brace.parts)

    def _lead(self, leaf: _Leaf, indent: int, first: bool) -> None:
        """The comments and blank lines before what a leaf begins; none where a body begins."""
        for index, comment in enumerate(leaf.comments):
            if comment.blank and not (first and index == 0):
                self._newline(0)
            self._newline(indent)
            self.line.add(comment.text)
        if leaf.blank and leaf.kind and not (first and not leaf.comments):
            self._newline(0)

    def _statement(self, items: Sequence[_Item], indent: int) -> None:
        self._newline(indent)
        leaf = _first(items[0])
        after = indent + _INDENT
        if leaf.kind == "PIPE":
            self._items(items[:1])
            self.base = after
            items = items[1:]
            if _first(items[0]).forced:
                self._break(_first(items[0]), after)
        elif leaf.kind in _COLUMNS:
            self.line.kind = leaf.kind
        self._fill(_atoms(items), after)

    def _fill(self, atoms: Sequence[_Atom], after: int) -> None:
        """A statement in one line if it fits, else broken at joints, first of all where the author did.

        What stands before, between and after brackets that are broken fits by itself or not.
        """
        keeps = any(atom.forced for atom in atoms)
        for index, atom in enumerate(atoms):
            _settle(atom, self.base if index == 0 else after)
        claim = atoms[-1] if len(atoms) > 1 and atoms[-1].is_claim else None
        if claim:
            claim.width += _GAP - 1
        for stretch in _stretches(atoms):
            begins = stretch[0] is atoms[0]
            if stretch[0].forced:
                self._break(stretch[0].first, self.base if stretch[0].first.kind == "ELSE" else after)
                begins = True
            fits = self.line.width + sum(atom.width for atom in stretch) <= WIDTH
            for atom in stretch:
                too_far = self.line.width + atom.width > WIDTH
                if not begins and (too_far or (atom.broke and (keeps or not fits))):
                    self._break(atom.first, after)
                    begins = True
                if atom is claim and not begins:
                    self.line.claim = " " * (_GAP - 1) + _flat(atom.items)
                    self.line.remark = _last(atom.items[-1]).remark
                else:
                    self._items(atom.items, _COLUMNS.get(self.line.kind, frozenset()))
                begins = False

    # -- brackets -----------------------------------------------------------------------------------

    def _items(self, items: Iterable[_Item], columns: frozenset[str] | None = frozenset()) -> None:
        for item in items:
            leaf = _first(item)
            if leaf.gap and self.line.parts and (columns is None or leaf.kind in columns):
                self.line.stops.append((len(self.line.parts), self.line.width, leaf.wide))
            if isinstance(item, _Leaf):
                self._leaf(item)
            elif item.broken:
                self._broken(item)
            else:
                self.line.add(_flat((item,)) if self.line.parts else _flat((item,)).lstrip())
                self.line.remark = item.close.remark

    def _broken(self, bracket: _Bracket) -> None:
        base = self.base
        self._leaf(bracket.first)
        if bracket.is_brace:
            self._body(bracket, base + _INDENT)
            self._newline(base)
        elif bracket.hanging:
            self._hanging(bracket)
        else:
            self._opened(bracket, base + _INDENT)
            self._newline(base)
        self._leaf(bracket.close)
        self.base = base

    def _hanging(self, bracket: _Bracket) -> None:
        column = self.line.width
        (items,) = bracket.parts
        for index, item in enumerate(items):
            leaf = _first(item)
            if index and leaf.broke:
                self._break(leaf, column)
            self._items((item,))
            self.base = column
        if bracket.close.forced:
            self._break(bracket.close, column)

    def _opened(self, bracket: _Bracket, indent: int) -> None:
        for index, atom in enumerate(_atoms(bracket.parts[0]) if bracket.parts else ()):
            _settle(atom, indent)
            if index == 0 or atom.broke or self.line.width + atom.width > WIDTH:
                self._break(atom.first, indent)
            self._items(atom.items)
        self._comments(bracket.close, indent)

    # -- lines --------------------------------------------------------------------------------------

    def _newline(self, indent: int) -> None:
        self.line = _Line(indent)
        self.lines.append(self.line)
        self.base = indent

    def _break(self, leaf: _Leaf, indent: int) -> None:
        """Go on in a new line, after the comments before a leaf."""
        self._comments(leaf, indent)
        self._newline(indent)

    def _comments(self, leaf: _Leaf, indent: int) -> None:
        for comment in leaf.comments:
            self._newline(indent)
            self.line.add(comment.text)

    def _leaf(self, leaf: _Leaf) -> None:
        self.line.add(f" {leaf.text}" if leaf.gap and self.line.parts else leaf.text)
        self.line.remark = leaf.remark


def _atoms(items: Sequence[_Item]) -> list[_Atom]:
    """Items split where a line may end: before joints, after commas, and where the author ended one."""
    atoms: list[_Atom] = []
    last = ""
    for item in items:
        leaf = _first(item)
        joins = "ELSE" in (leaf.kind, last) or leaf.kind == "LBRACE" or (last in _JOINTS and len(atoms[-1].items) == 1)
        if not atoms or leaf.forced or leaf.kind in _JOINTS or last == "COMMA" or (leaf.broke and not joins):
            atoms.append(_Atom(item))
        else:
            atoms[-1].items.append(item)
            atoms[-1].broke |= leaf.broke and last in _JOINTS
        last = leaf.kind
    if atoms:
        atoms[0].forced = False  # its comments have been printed
    return atoms


def _stretches(atoms: Sequence[_Atom]) -> Iterator[list[_Atom]]:
    """Atoms up to one that is broken, or one before which a line must end."""
    stretch: list[_Atom] = []
    for atom in atoms:
        if stretch and (atom.forced or stretch[-1].is_broken):
            yield stretch
            stretch = []
        stretch.append(atom)
    if stretch:
        yield stretch


def _settle(atom: _Atom, indent: int) -> None:
    """Break the brackets of an atom that does not fit a line of its own; braces of one step all or none."""
    brackets = [item for item in atom.items if isinstance(item, _Bracket) and item.parts]
    braces = [bracket for bracket in brackets if bracket.is_brace]
    if any(brace.broken for brace in braces) or not _fits(atom, indent):
        for brace in braces:
            brace.broken = True
    if not _fits(atom, indent):
        for bracket in brackets:
            if bracket.broken or bracket.width > _LONG:
                bracket.broken, bracket.hanging = True, False
    atom.width = _extents(atom)[0]


def _fits(atom: _Atom, indent: int) -> bool:
    return indent + max(_extents(atom)) <= WIDTH


def _extents(atom: _Atom) -> list[int]:
    """How far each line goes that begins in the atom's own text: the first from the atom's column."""
    lines = [0]
    at = 0
    for item in atom.items:
        if isinstance(item, _Leaf) or not item.broken:
            at += _width(item)
        elif item.hanging:
            far, end = item.hang()
            lines[-1] = max(lines[-1], at + item.first.gap + far)
            at += item.first.gap + end
        else:
            lines[-1] = max(lines[-1], at + item.first.gap + 1)
            lines.append(0)
            at = 1
        lines[-1] = max(lines[-1], at)
    return lines


def _last(item: _Item) -> _Leaf:
    return item if isinstance(item, _Leaf) else item.close


def _flat(items: Iterable[_Item]) -> str:
    """Items in one line, with the gap before the first."""
    out: list[str] = []
    _flatten(items, out)
    return "".join(out)


def _flatten(items: Iterable[_Item], out: list[str]) -> None:
    for item in items:
        leaf = _first(item)
        out.append(f" {leaf.text}" if leaf.gap else leaf.text)
        if isinstance(item, _Bracket):
            for part in item.parts:
                _flatten(part, out)
            out.append(f" {item.close.text}" if item.close.gap else item.close.text)


# -- columns ------------------------------------------------------------------------------------------


def _align(lines: Sequence[_Line]) -> None:
    """Put what the author set out, claims and remarks into columns.

    Claims share a column up to the next blank line, remarks up to a line of another indentation too.
    """
    for _, rows in groupby(lines, key=lambda line: (line.kind, line.indent)):
        _align_stops(list(rows))
    for _, paragraph in groupby(lines, key=lambda line: line.is_blank):
        claims = [line for line in paragraph if line.claim]
        for line, blanks in zip(claims, _padding([(row.width, len(row.claim)) for row in claims]), strict=True):
            line.claim = " " * blanks + line.claim
            line.width += len(line.claim)
    for _, neighbours in groupby(lines, key=lambda line: (line.is_blank, line.indent)):
        remarks = [line for line in neighbours if line.remark]
        sizes = [(row.width, len(row.remark) + _GAP) for row in remarks]
        for line, blanks in zip(remarks, _padding(sizes), strict=True):
            line.remark = " " * (blanks + _GAP) + line.remark


def _padding(sizes: Sequence[tuple[int, int]]) -> Iterator[int]:
    """Blanks after texts of some widths, so that what follows, of other widths, is in a column; or less."""
    column = max((width for width, _ in sizes), default=0)
    for width, following in sizes:
        yield max(min(column, WIDTH - following) - width, 0)


def _align_stops(rows: Sequence[_Line]) -> None:
    """Complete each column that the author set out with blanks in at least one row."""
    shifts = dict.fromkeys(rows, 0)
    index = 0
    while rows := [row for row in rows if len(row.stops) > index]:
        if any(row.stops[index][2] for row in rows):
            column = max(row.stops[index][1] + shifts[row] for row in rows)
            for row in rows:
                part, at, _ = row.stops[index]
                blanks = column - at - shifts[row]
                if row.width + blanks <= WIDTH:
                    row.parts[part] = " " * blanks + row.parts[part]
                    row.width += blanks
                    shifts[row] += blanks
        index += 1
