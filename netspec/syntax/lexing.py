"""The tokens of a text with mistakes: characters that no spec contains are told, and mended where it is plain
what was meant, so that the rest can be parsed."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any

from lark import Token, UnexpectedCharacters

from netspec.diagnostics import Diagnostic
from netspec.problems.syntax import UnexpectedCharacter
from netspec.source import SourceFile, Span
from netspec.syntax.layout import ODD

if TYPE_CHECKING:
    from netspec.syntax.parser import Parser

_LINE_ENDS = re.compile(r"[ \t\r;]*(?:#|\n|\Z)")
# odd characters that begin a line before what ends or goes on with the line before it
_BEFORE_GOING_ON = re.compile(r"[^A-Za-z0-9_\s\"|{}()\[\]:=,.<>*/%+#-]++(?=[ \t]*+[|})\]])")
_WORD_TOKENS = ("NAME", "INT", "FLOAT", "WINDOW")
_QUOTES = {
    "'": "'",
    "`": "`",
    "\u2018": "\u2019",
    "\u2019": "\u2019",
    "\u201c": "\u201d",
    "\u201d": "\u201d",
    "\u201e": "\u201c",
}
# a character, the token that it is meant for, the remedy
_MEANT = {
    **dict.fromkeys("\u2013\u2014\u2212\u2010", ("MINUS", "-", "write `-`, and `->` for an arrow")),
    "\u2192": ("ARROW", "->", "an arrow is written `->`"),
    "\u00d7": ("TIMES", "*", "write `x` between the sizes of a window, `3x5`, and `*` to multiply"),
    "\u00f7": ("TIMES", "//", "write `//` for whole numbers, `/` for others"),
    "\u2264": ("COMPARE", "<=", "write `<=`"),
    "\u2265": ("COMPARE", ">=", "write `>=`"),
    "\u2260": ("COMPARE", "!=", "write `!=`"),
    ";": ("_NL", "\n", "a statement ends with its line"),
    "!": ("NOT", "not", "write `not`"),
    "&": ("AND", "and", "write `and`"),
}
_REMEDIES = {
    "\\": "a line goes on after `->`, a comma or an operator, inside brackets, and before `->`",
    "@": "a layer is written with its name and its arguments",
    "^": "a power is written `**`",
    "?": "a size that a shape does not claim is written `_`",
}
# letters of other scripts that look like Latin ones
_LOOK_ALIKES = dict(
    zip(
        "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0501\u051b\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425"
        "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03bf\u03bd\u03b1\u0131",
        "aeopcyxijsdqABEKMHOPCTXABEZHIKMNOPTYXovai",
        strict=True,
    )
)


class Lexing:
    """`tokens` as the lexer makes them, before line ends are laid out, and the `mistakes` among them."""

    def __init__(self, parser: Parser, source: SourceFile, most: int) -> None:
        self.source = source
        self.text = source.text
        self.tokens: list[Token] = []
        self.mistakes: list[Diagnostic] = []
        self._parser = parser
        parser.layout.raw = True
        try:
            at = 0
            while at < len(self.text) and len(self.mistakes) < most:
                at = self._lex(at)
        finally:
            parser.layout.raw = False
        end = len(self.text)
        self.tokens.append(_token("$END", "", end, end))

    def _lex(self, at: int) -> int:
        """Tokens from an offset on, up to the first odd character; where to go on after it."""
        interactive: Any = self._parser.lark.parse_interactive(self.text[at:] if at else self.text, start="file")
        try:
            for token in interactive.lexer_thread.lex(interactive.parser_state):
                token.start_pos += at
                token.end_pos += at
                self.tokens.append(token)
        except UnexpectedCharacters as error:
            return self._mend(at + error.pos_in_stream)  # type: ignore[operator]
        return len(self.text)

    def _mend(self, at: int) -> int:
        """Tell the odd character at an offset; where to go on lexing."""
        character = self.text[at]
        if character == '"':
            return self._endless_string(at)
        begins = bool(self.tokens) and self.tokens[-1].type == "_NL" and self.tokens[-1].end_pos == at
        leading = _BEFORE_GOING_ON.match(self.text, at) if begins else None
        if leading:
            self.tokens.pop()  # what follows makes no new line
            self._tell(at, leading.end(), _REMEDIES.get(character, "remove it, or put it into a comment"))
            return leading.end()
        if character in _QUOTES:
            return self._quoted(at, _QUOTES[character])
        if character in _MEANT and not self._is_window_sign(at):
            return self._meant(at)
        if character.isalnum() or self._is_window_sign(at):
            return self._word(at)
        end = at + 1
        while end < len(self.text) and not (self.text[end].isspace() or self.text[end].isascii()):
            end += 1
        if character == "\\" and self.text[end : end + 1] == "\n":  # the line goes on, as is meant
            self._tell(at, end, _REMEDIES[character])
            return end + 1
        self._tell(at, end, _REMEDIES.get(character, "remove it, or put it into a comment"))
        self.tokens.append(_token(ODD, self.text[at:end], at, end))
        return end

    def _is_window_sign(self, at: int) -> bool:
        """Whether a multiplication sign stands between the digits of a window."""
        before, after = self.text[at - 1 : at], self.text[at + 1 : at + 2]
        return self.text[at] == "\u00d7" and before.isdecimal() and after.isdecimal()

    def _endless_string(self, at: int) -> int:
        end = self.text.find("\n", at)
        end = len(self.text) if end < 0 else end
        remedy = 'close it with `"` on the same line'
        problem = UnexpectedCharacter(character='`"`', name="a string that does not end", remedy=remedy)
        self.mistakes.append(problem.at(Span(at, end, self.source)))
        self.tokens.append(_token(ODD, self.text[at:end], at, end))
        return end

    def _quoted(self, at: int, closing: str) -> int:
        """Text in other quotes than `"`."""
        self._tell(at, at + 1, 'text stands in `"`')
        line = self.text.find("\n", at)
        line = len(self.text) if line < 0 else line
        close = self.text.find(closing, at + 1, line)
        end = line if close < 0 else close + 1
        inside = self.text[at + 1 : close]
        if close < 0 or '"' in inside or "{" in inside:
            self.tokens.append(_token(ODD, self.text[at:end], at, end))
        else:
            self.tokens.append(_token("STRING", f'"{inside}"', at, end))
        return end

    def _meant(self, at: int) -> int:
        character = self.text[at]
        kind, written, remedy = _MEANT[character]
        end = at + 1
        if kind == "MINUS" and self.text[end : end + 1] == ">":
            kind, written, end = "ARROW", "->", end + 1
        elif self.text[end : end + 1] == character and kind == "AND":
            end += 1
        self._tell(at, end, remedy)
        if kind != "_NL" or not _LINE_ENDS.match(self.text, end):
            self.tokens.append(_token(kind, written, at, end))
        return end

    def _word(self, at: int) -> int:
        """A word with letters or digits of other scripts."""
        begin, end = at, at + 1
        while self.tokens and self.tokens[-1].end_pos == begin and self.tokens[-1].type in _WORD_TOKENS:
            begin = self.tokens.pop().start_pos or 0
        while end < len(self.text) and (self.text[end].isalnum() or self.text[end] == "_"):
            end += 1
        word = self.text[begin:end]
        mended = "".join(map(_plain, word))
        odd_end = at + 1
        while odd_end < end and not self.text[odd_end].isascii():
            odd_end += 1
        if len(mended) == len(word) and mended.isascii():
            self._tell(at, odd_end, f"write `{mended}`")
            self.text = self.text[:begin] + mended + self.text[end:]
            return begin
        self._tell(at, odd_end, "names are made of the letters a to z, digits and `_`")
        self.tokens.append(_token(ODD, word, begin, end))
        return end

    def _tell(self, at: int, end: int, remedy: str) -> None:
        character = self.text[at]
        name = unicodedata.name(character, "a control character").lower()
        shown = (
            f"`{self.text[at:end]}`"
            if self.text[at:end].isprintable() and end - at <= 20
            else f"U+{ord(character):04X}"
        )
        problem = UnexpectedCharacter(character=shown, name=name, remedy=remedy)
        self.mistakes.append(problem.at(Span(at, end, self.source)))


def _plain(character: str) -> str:
    """The ASCII character that another looks like, or itself."""
    if character == "\u00d7":
        return "x"
    return _LOOK_ALIKES.get(character) or unicodedata.normalize("NFKC", character)


def _token(kind: str, text: str, start: int, end: int) -> Token:
    return Token(kind, text, start_pos=start, end_pos=end)
