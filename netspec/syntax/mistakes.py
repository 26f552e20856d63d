"""From Lark's complaint to a message: what stands there, and what could stand there instead."""

from __future__ import annotations

import unicodedata

from lark import Lark, Token, UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from netspec.diagnostics import Diagnostic
from netspec.problems.syntax import UnexpectedCharacter
from netspec.problems.syntax import UnexpectedToken as UnexpectedTokenProblem
from netspec.source import SourceFile, Span

# what a reader calls the tokens, for those that are not written as themselves
_WORDS = {
    "NAME": "a name",
    "INT": "a number",
    "FLOAT": "a number",
    "WINDOW": "a window",
    "STRING": "a string",
    "_NL": "the end of the line",
    "$END": "the end of the file",
}
_WRITTEN = {
    "ARROW": "->", "EQUAL": "=", "COLON": ":", "COMMA": ",", "DOT": ".", "PIPE": "|", "LBRACE": "{", "RBRACE": "}",
    "LSQB": "[", "RSQB": "]", "LPAR": "(", "RPAR": ")", "CALL": "(", "INDEX": "[",
}  # fmt: skip


def explain(error: UnexpectedInput, source: SourceFile, parser: Lark) -> Diagnostic:
    """The diagnostic for an error that Lark raised."""
    if isinstance(error, UnexpectedCharacters):
        return _character(source, error.pos_in_stream or 0)
    assert isinstance(error, UnexpectedToken)
    return _token(error, source)


def _character(source: SourceFile, at: int) -> Diagnostic:
    character = source.text[at]
    end = at + 1
    if character == '"':
        end = source.text.find("\n", at)
        end = len(source.text) if end < 0 else end
        problem = UnexpectedCharacter(character='`"`', name="a string that does not end", remedy='close it with `"` on the same line')
        return problem.at(Span(at, end, source))
    name = unicodedata.name(character, "a control character").lower()
    plain = unicodedata.normalize("NFKC", character)
    remedy = f"write `{plain}`" if plain != character and plain.isascii() and plain.strip() else "remove it, or put it into a comment"
    shown = f"`{character}`" if character.isprintable() else f"U+{ord(character):04X}"
    return UnexpectedCharacter(character=shown, name=name, remedy=remedy).at(Span(at, end, source))


def _token(error: UnexpectedToken, source: SourceFile) -> Diagnostic:
    token = error.token
    accepted = set(error.accepts or error.expected)
    kind = token.type
    if kind == "$END":
        at = len(source.text.rstrip())
        span = Span(max(at - 1, 0), max(at, 1), source)
    else:
        span = Span(token.start_pos or 0, token.end_pos or 0, source)
        if kind == "_NL":
            span = Span(max(span.start - 1, 0), span.start, source)
    found = _WORDS.get(kind, f"`{token}`") if kind in ("_NL", "$END") else f"`{token}`"
    return UnexpectedTokenProblem(found=found, expected=_expected(accepted), remedy=_remedy(token, accepted, error)).at(span)


def _expected(accepted: set[str]) -> str:
    names = []
    for kind in sorted(accepted):
        name = _WORDS.get(kind) or (f"`{_WRITTEN[kind]}`" if kind in _WRITTEN else None)
        if name and name not in names:
            names.append(name)
    if not names or len(names) > 5:
        return "not here"
    return "expected " + (names[0] if len(names) == 1 else ", ".join(names[:-1]) + " or " + names[-1])


def _remedy(token: Token, accepted: set[str], error: UnexpectedToken) -> str:
    kind, history = token.type, list(error.token_history or ())
    before = history[-1] if history else None
    if kind == "CALL":
        return f"arguments follow the name without parentheses: `{before} 6 k=5`"
    if kind == "COLON" and before is not None and before.type == "NAME":
        return f"arguments are written with `=`: `{before}=...`; a label stands at the start of a layer"
    if kind == "COMMA":
        return "arguments are separated by spaces, not commas"
    if kind == "$END" and "RBRACE" in accepted:
        return "a `}` is missing"
    if kind == "$END" and accepted & {"RPAR", "RSQB"}:
        return "a closing bracket is missing"
    if kind == "RBRACE":
        return "there is no open `{` to close here" if "RBRACE" not in accepted else "remove it"
    if kind in ("PLUS", "MINUS", "TIMES", "POWER", "COMPARE"):
        return "an argument is one number, name, tuple or string: put longer expressions into parentheses"
    if kind.isupper() and str(token).isidentifier() and "NAME" in accepted:
        return f"`{token}` is a word of the language: choose another name"
    if kind == "EQUAL":
        return "`name=value` gives an argument; `name: layer` labels a layer"
    return "each line is a chain of layers: `label: layer arguments -> layer arguments`"
