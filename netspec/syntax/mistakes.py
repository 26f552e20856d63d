"""From Lark's complaint to a message: what stands there, and what could stand there instead."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from lark import Lark, Token, UnexpectedCharacters, UnexpectedInput, UnexpectedToken
from lark.exceptions import LarkError

from netspec.diagnostics import Diagnostic, Label
from netspec.problems.syntax import SyntaxProblem, UnexpectedCharacter
from netspec.problems.syntax import UnexpectedToken as UnexpectedTokenProblem
from netspec.source import SourceFile, Span

# what a reader calls the tokens, for those that are not written as themselves
_WORDS = {
    "NAME": "a name", "INT": "a number", "FLOAT": "a number", "WINDOW": "a window", "STRING": "a string",
    "_NL": "the end of the line", "$END": "the end of the file", "SOURCE": "`param`", "COMPARE": "a comparison",
    "PLUS": "`+`", "MINUS": "`-`", "TIMES": "`*`", "POWER": "`**`", "ARROW": "`->`", "EQUAL": "`=`", "COLON": "`:`",
    "COMMA": "`,`", "DOT": "`.`", "PIPE": "`|`", "LBRACE": "`{`", "RBRACE": "`}`", "LSQB": "`[`", "RSQB": "`]`",
    "LPAR": "`(`", "RPAR": "`)`", "CALL": "`(`", "INDEX": "`[`",
}  # fmt: skip
# sets of tokens that readers know as one thing
_GROUPS = (
    ("a layer", {"NAME", "INT", "STRING", "LBRACE", "LSQB", "REPEAT", "FOR", "IF", "REUSE"}),
    ("a value", {"NAME", "INT", "FLOAT", "STRING", "WINDOW", "LPAR", "LSQB", "TRUE", "FALSE"}),
)
_STATEMENTS = {
    "INPUT": "an input is written `input image: [3, 224, 224]`",
    "SOURCE": "a tensor of its own is written `param pos: [197, 768]`",
    "LET": "a value gets a name by `let width = 64`",
    "USE": '`use "blocks.net"` brings in another file',
    "BLOCK": "a block is written `block unit(out, stride = 1) { ... }`",
    "NET": "a net is written `net Name { ... }`, an instance of one `net Wide = Name width=64`",
    "REPEAT": "a repeat is written `repeat 3 { ... }` or `repeat 3 as i { ... }`",
    "FOR": "a loop is written `for n in (64, 128) { ... }`",
    "IF": "a choice is written `if stride != 1 { ... } else { ... }`",
    "ASSERT": "a claim is written `assert params == 60_000`",
    "FROM": "`from x -> ...` starts a chain from the label x",
    "RETURN": "`return a, b` names the outputs of a block or net",
    "REUSE": "`reuse x` applies the layer labelled x again",
    "ELSE": "`else` follows the `}` of an `if`",
}
_CHAIN = "each line is a chain of layers: `label: layer arguments -> layer arguments`"
_CLOSED_BY = {"LBRACE": "}", "LSQB": "]", "INDEX": "]", "LPAR": ")", "CALL": ")"}
_OPENED = {"RBRACE": "{", "RSQB": "[", "RPAR": "("}
_CHARACTERS = {
    **dict.fromkeys("'\u2018\u2019\u201c\u201d", 'text stands in `"`'),
    **dict.fromkeys("\u2013\u2014\u2212", "write `-`, and `->` for an arrow"),
    "\u2192": "an arrow is written `->`",
    "\u00d7": "write `x` between the sizes of a window, `3x5`, and `*` to multiply",
    "\u2264": "write `<=`", "\u2265": "write `>=`", "\u2260": "write `!=`",
    ";": "a statement ends with its line",
    "!": "write `not`", "&": "write `and`",
    "\\": "a line goes on after `->`, a comma or an operator, inside brackets, and before `->`",
}  # fmt: skip


def explain(error: UnexpectedInput, source: SourceFile, parser: Lark) -> Diagnostic:
    """The diagnostic for an error that Lark raised."""
    if isinstance(error, UnexpectedCharacters):
        return _character(source, error.pos_in_stream or 0)
    assert isinstance(error, UnexpectedToken)
    return _Mistake(error, source, parser).diagnostic()


def _character(source: SourceFile, at: int) -> Diagnostic:
    character = source.text[at]
    end = at + 1
    if character == '"':
        end = source.text.find("\n", at)
        end = len(source.text) if end < 0 else end
        remedy = 'close it with `"` on the same line'
        problem = UnexpectedCharacter(character='`"`', name="a string that does not end", remedy=remedy)
        return problem.at(Span(at, end, source))
    name = unicodedata.name(character, "a control character").lower()
    plain = unicodedata.normalize("NFKC", character)
    if character in _CHARACTERS:
        remedy = _CHARACTERS[character]
    elif plain != character and plain.isascii() and plain.strip():
        remedy = f"write `{plain}`"
    else:
        remedy = "remove it, or put it into a comment"
    shown = f"`{character}`" if character.isprintable() else f"U+{ord(character):04X}"
    return UnexpectedCharacter(character=shown, name=name, remedy=remedy).at(Span(at, end, source))


class _Mistake:
    """A token that the grammar does not take where it stands."""

    def __init__(self, error: UnexpectedToken, source: SourceFile, parser: Lark) -> None:
        self.source = source
        self.token: Token = error.token
        self.accepted = set(error.accepts or error.expected)
        self.at = len(source.text) if self.token.type == "$END" else self.token.start_pos or 0
        before = [t for t in _tokens(parser, source.text[: self.at]) if t.end_pos is None or t.end_pos <= self.at]
        self.open: list[Token] = []  # the brackets that are open here
        for token in before:
            if token.type in _CLOSED_BY:
                self.open.append(token)
            elif token.type in _OPENED and self.open:
                self.open.pop()
        self.last = before[-1] if before else None
        self.statement = _statement(before)  # the tokens of the layer or statement so far

    def diagnostic(self) -> Diagnostic:
        kind = self.token.type
        if kind == "$END":
            at = len(self.source.text.rstrip())
            span = Span(max(at - 1, 0), max(at, 1), self.source)
            found = "end of the file"
        else:
            span = Span(self.at, self.token.end_pos or self.at, self.source)
            found = f"`{self.token}`"
            if kind == "_NL":
                span, found = Span(max(span.start - 1, 0), span.start, self.source), "end of the line"
        remedy = self._remedy()
        labels = []
        if self._is_unclosed():
            bracket = self.open[-1]
            remedy = f"a `{_CLOSED_BY[bracket.type]}` is missing"
            labels.append(Label(Span(bracket.start_pos or 0, bracket.end_pos or 0, self.source), "not closed"))
        problem = UnexpectedTokenProblem(found=found, expected=self._expected(), remedy=remedy)
        return problem.at(span, *labels)

    def _is_unclosed(self) -> bool:
        """Whether a bracket is still open where something begins that cannot stand in it."""
        if not self.open:
            return False
        kind, inner = self.token.type, self.open[-1].type
        if kind in ("$END", "NET", "BLOCK", "USE") or (kind in _OPENED and _CLOSED_BY[inner] != str(self.token)):
            return True
        return inner != "LBRACE" and self.source.text.count("\n", self.last.end_pos if self.last else 0, self.at) > 0

    def _expected(self) -> str:
        left = set(self.accepted)
        names = []
        for name, kinds in _GROUPS:
            if kinds <= left:
                names.append(name)
                left -= kinds
        names += sorted({_WORDS.get(kind) or f"`{kind.lower()}`" for kind in left})
        if not names or len(names) > 6:
            return "not expected here"
        return "expected " + (names[0] if len(names) == 1 else ", ".join(names[:-1]) + " or " + names[-1])

    def _remedy(self) -> str:
        kind, last = self.token.type, self.last
        text = self.source.text
        if kind == "CALL" and last is not None:
            return f"arguments follow the name without parentheses: `{last}{self._bare_arguments()}`"
        if kind == "COLON" and last is not None:
            if last.type == "NAME":
                return f"an argument is written `{last}=...`; a label begins a layer, on a new line or after `->`"
            if last.value.isidentifier():
                return f'`{last}` is a word of the language; as a label it stands in quotes: `"{last}": ...`'
        if kind == "ELSE":
            return _STATEMENTS[kind]
        if kind == "COMMA" and not self._inside_brackets():
            return "arguments are separated by blanks, not commas"
        if kind == "RBRACE" and not self.open:
            return "there is no open `{` to close here"
        if kind == "EQUAL" and text.startswith("=>", self.at):
            return "an arrow is written `->`"
        if kind == "EQUAL" and any(t.type == "WITH" for t in self.statement):
            return "`with` stands after the arguments: `matmul transpose=true with x`"
        if kind == "EQUAL" and last is not None and last.type == "NAME" and len(self.statement) == 1:
            return f"a label is written `{last}: layer`; an argument `{last}=...` stands on the line of its layer"
        if kind == "COMPARE" and str(self.token) == "==" and last is not None and last.type == "NAME":
            return f"an argument is written with one `=`: `{last}=...`"
        if str(self.token) == "//" and (not self.statement or last is None):
            return "a comment begins with `#`"
        if kind in ("PLUS", "MINUS", "TIMES", "POWER", "COMPARE"):
            return "an argument is one number, name, tuple or string: put longer expressions into parentheses"
        if kind in _STATEMENTS and str(self.token).isidentifier() and "NAME" in self.accepted and self.statement:
            return f"`{self.token}` is a word of the language: choose another name"
        if kind == "PIPE" and last is not None and last.type == "LBRACE":
            return "the `{` before the paths of a merge stands on its line: `add {`"
        if last is not None and last.type in ("ARROW", "PIPE"):
            return f"a layer is missing after `{last}`"
        if self.accepted == {"PIPE"}:
            return "each path of a merge begins with `|`: `add { | conv 8 k=1 | identity }`"
        if self.statement and self.statement[0].type in _STATEMENTS:
            return _STATEMENTS[self.statement[0].type]
        if kind in _STATEMENTS:
            return _STATEMENTS[kind]
        if not self.open and "NET" in self.accepted:
            return "layers stand in a net: `net Name { ... }`"
        return _CHAIN

    def _inside_brackets(self) -> bool:
        return bool(self.open) and self.open[-1].type != "LBRACE"

    def _bare_arguments(self) -> str:
        """What stands in parentheses after the token, without these and commas, if they close on this line."""
        line = self.source.text[self.at :].split("\n", 1)[0]
        inside, closed, _ = line.partition(")")
        words = inside[1:].replace(",", " ").split() if closed and "(" not in inside[1:] else ["..."]
        return "".join(f" {word}" for word in words)[:60]


def _tokens(parser: Lark, text: str) -> Iterator[Token]:
    """The tokens of a text, as far as it goes."""
    try:
        yield from parser.lex(text)
    except (LarkError, SyntaxProblem):
        return


def _statement(tokens: list[Token]) -> list[Token]:
    """The last tokens, from the one that begins a layer or a statement."""
    depth = 0
    for index in range(len(tokens) - 1, -1, -1):
        kind = tokens[index].type
        if kind in _OPENED and kind != "RBRACE":
            depth += 1
        elif kind in _CLOSED_BY and kind != "LBRACE":
            depth -= 1
        elif depth <= 0 and kind in ("_NL", "ARROW", "PIPE", "LBRACE", "RBRACE"):
            return tokens[index + 1 :]
    return tokens
