"""A token that the grammar does not take, as a message: what stands there, and what could stand there instead."""

from __future__ import annotations

from lark import Token

from netspec.diagnostics import Diagnostic
from netspec.problems.syntax import UnexpectedToken
from netspec.source import SourceFile, Span
from netspec.syntax.brackets import CLOSED_BY, OPENED_BY
from netspec.syntax.words import FOREIGN, STATEMENTS

# what a reader calls the tokens, for those that are not written as themselves
_WORDS = {
    "NAME": "a name", "INT": "a number", "FLOAT": "a number", "WINDOW": "a window", "STRING": "a string",
    "_NL": "the end of the line", "$END": "the end of the file", "PARAM": "`param`", "COMPARE": "a comparison",
    "PLUS": "`+`", "MINUS": "`-`", "TIMES": "`*`", "POWER": "`**`", "ARROW": "`->`", "EQUAL": "`=`", "COLON": "`:`",
    "COMMA": "`,`", "DOT": "`.`", "PIPE": "`|`", "LBRACE": "`{`", "RBRACE": "`}`", "LSQB": "`[`", "RSQB": "`]`",
    "LPAR": "`(`", "RPAR": "`)`", "CALL": "`(`", "INDEX": "`[`",
}  # fmt: skip
# sets of tokens that readers know as one thing
_GROUPS = (
    ("a layer", {"NAME", "INT", "STRING", "LBRACE", "LSQB", "REPEAT", "FOR", "IF", "REUSE"}),
    ("a value", {"NAME", "INT", "FLOAT", "STRING", "WINDOW", "LPAR", "LSQB", "TRUE", "FALSE", "CONSTANT"}),
    ("a value", {"NAME", "INT", "FLOAT", "STRING", "WINDOW", "LPAR", "LSQB", "TRUE", "FALSE"}),
)
_CHAIN = "each line is a chain of layers: `label: layer arguments -> layer arguments`"


def explain(tokens: list[Token], begin: int, at: int, accepted: set[str], source: SourceFile) -> Diagnostic:
    """The diagnostic for a token that the grammar does not take.

    begin: the token that begins what it stands in. accepted: the kinds of tokens that could stand there.
    """
    return _Mistake(tokens, begin, at, accepted, source).diagnostic()


class _Mistake:
    def __init__(self, tokens: list[Token], begin: int, at: int, accepted: set[str], source: SourceFile) -> None:
        self.source = source
        self.token = tokens[at]
        self.accepted = accepted
        self.at = self.token.start_pos or 0
        self.last = tokens[at - 1] if at else None
        self.statement = _statement(tokens, begin, at)  # the tokens of the layer or statement so far
        self.open: list[Token] = []  # the brackets of the statement that are open here
        for token in self.statement:
            if token.type in CLOSED_BY:
                self.open.append(token)
            elif token.type in OPENED_BY and self.open:
                self.open.pop()

    def diagnostic(self) -> Diagnostic:
        kind = self.token.type
        if kind == "$END":
            at = len(self.source.text.rstrip())
            span = Span(max(at - 1, 0), max(at, 1), self.source)
            found = "end of the file"
        elif self.accepted == {"PIPE"} and self.last is not None and self.last.type == "LBRACE":
            span, found = Span(self.last.start_pos or 0, self.last.end_pos or 0, self.source), "`{`"
        elif kind == "_NL" or self._begins_line():
            end = (self.last.end_pos if self.last else None) or 1
            span, found = Span(end - 1, end, self.source), "end of the line"
        else:
            span = Span(self.at, self.token.end_pos or self.at, self.source)
            found = f"`{self.token}`"
        return UnexpectedToken(found=found, expected=self._expected(), remedy=self._remedy()).at(span)

    def _begins_line(self) -> bool:
        """Whether a line inside brackets ends too early, before the token."""
        if not self._inside_brackets() or self.last is None or self.last is self.open[-1]:
            return False
        return "\n" in self.source.text[self.last.end_pos : self.at]

    def _expected(self) -> str:
        left = set(self.accepted)
        if self.last is not None and "\n" in self.source.text[self.last.end_pos : self.at]:
            left.discard("WHERE")  # which may begin a line, and is rarely what is missing there
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
        first = self.statement[0] if self.statement else self.token
        return (
            self._of_foreign_word()
            or self._of_value()
            or self._of_mark(first)
            or self._of_place(first)
            or STATEMENTS.get(first.type)
            or ("layers stand in a net: `net Name { ... }`" if "NET" in self.accepted else _CHAIN)
        )

    def _of_foreign_word(self) -> str:
        """`def f`, `import torch`: a word that begins a statement elsewhere, before a name."""
        words = [*self.statement[:2], self.token][:2]
        return FOREIGN.get(str(words[0]), "") if len(words) == 2 and words[1].type in ("NAME", "STRING") else ""

    def _of_value(self) -> str:
        """Numbers as others write them, lists, dashes."""
        text, kind, last = self.source.text, self.token.type, self.last
        after = text[self.at + 1 : self.at + 2]
        before = text[self.at - 1 : self.at]
        if kind == "DOT" and after.isdecimal():
            return "a number begins with a digit: `0.5`"
        if kind == "COMMA" and before.isdecimal() and after.isdecimal() and not self._inside_brackets():
            return "arguments are separated by blanks, not commas; a fraction has a point: `0.5`"
        if str(self.token) == "%" and before.isdecimal():
            return "a share is written as a fraction: `0.5`"
        if self._inside_brackets() and "COMMA" in self.accepted and last is not None and last.type not in CLOSED_BY:
            return "values in brackets are separated by commas"
        if last is not None and last.type == "MINUS" and kind in ("NAME", "MINUS"):
            return "an argument is written without dashes: `k=3`"
        return ""

    def _of_mark(self, first: Token) -> str:
        """Marks that stand for something else elsewhere."""
        text, kind, last = self.source.text, self.token.type, self.last
        name = last is not None and last.type == "NAME"
        if kind == "CALL" and last is not None:
            return self._arguments_in_parentheses(str(last))
        if kind == "COMMA" and last is not None and last.type == "AS":
            return "a name is missing after `as`: `return a.state as first, b.state as second`"
        if kind == "COMMA" and not self._inside_brackets():
            if any(token.type == "WITH" for token in self.statement):
                return "values after `with` are separated by blanks"
            return "arguments are separated by blanks, not commas"
        conditions = any(token.type == "WHERE" for token in self.statement)
        if conditions and text.startswith(("=>", "=<"), self.at):
            return f"write `{text[self.at + 1]}=`"
        if text.startswith(("=>", ">>", "|>", "~>"), self.at):
            return "an arrow is written `->`"
        if text.startswith(("/*", "//"), self.at) and len(self.statement) < 2:
            return "a comment begins with `#`"
        if (
            kind == "COLON"
            and first.type in ("REPEAT", "FOR", "IF", "ELSE", "NET", "BLOCK")
            and len(self.statement) > 1
        ):
            return f"a body stands in braces: `{first} ... {{ ... }}`"
        if kind in ("COLON", "EQUAL") and last is not None and last.type == "COLON":
            return "a label is written with one colon: `label: layer`"
        if kind == "COLON" and last is not None and str(last).isidentifier() and not name and len(self.statement) == 1:
            return f'`{last}` is a word of the language; as a label it stands in quotes: `"{last}": ...`'
        if kind == "COLON" and name and first.type not in STATEMENTS:
            return f"an argument is written `{last}=...`; a label begins a layer, on a new line or after `->`"
        if kind == "EQUAL" and any(token.type == "WITH" for token in self.statement):
            return "`with` stands after the arguments: `matmul transpose=true with x`"
        if kind == "EQUAL" and (first.type == "ASSERT" or conditions):
            return "two values are compared with `==`"
        if kind == "EQUAL" and name and len(self.statement) == 1:
            return (
                f"a label is written `{last}: layer`, a value `let {last} = ...`; "
                f"an argument `{last}=...` stands on the line of its layer"
            )
        if str(self.token) == "==" and name:
            if first.type == "LET":
                return f"a value gets its name with one `=`: `let {last} = ...`"
            return f"an argument is written with one `=`: `{last}=...`"
        if kind in ("PLUS", "MINUS", "TIMES", "POWER", "COMPARE") and first.type not in STATEMENTS:
            return "an argument is one number, name, tuple or string: put longer expressions into parentheses" + (
                "; a comment begins with `#`" if str(self.token) == "//" else ""
            )
        return ""

    def _of_place(self, first: Token) -> str:
        """What stands where something else must."""
        kind, last = self.token.type, self.last
        if any(token.type == "WHERE" for token in (*self.statement, self.token)) or (
            first.type == "INPUT" and str(self.token) == "where"
        ):
            return STATEMENTS["WHERE"]
        if kind in ("BLOCK", "NET", "USE") and "NET" not in self.accepted and not self.statement:
            return f"`{self.token}` stands outside of nets and blocks: close the braces before it"
        if kind == "ELSE":
            return STATEMENTS[kind]
        if kind in STATEMENTS and "NAME" in self.accepted and self.statement:
            return f"`{self.token}` is a word of the language: choose another name"
        if kind == "AS" and first.type == "NAME":
            return f"a label stands before its layer: `label: {first}`"
        if kind == "PIPE":
            return "paths stand in the braces of a merge: `add { | ... | ... }`; layers follow one another with `->`"
        if kind == "DOT" and len(self.statement) == 1:
            return "a layer is called by its plain name, without what owns it: `conv 6 k=5`"
        if (
            last is not None
            and last.type == "COLON"
            and len(self.statement) == 2
            and kind in ("INT", "FLOAT", "WINDOW")
        ):
            return f"a layer's arguments follow its name without a colon: `{first} {self.token}`"
        if last is not None and last.type == "EQUAL":
            return f"a value is missing after `{self.statement[-2]}=`" if len(self.statement) > 1 else ""
        if last is not None and last.type in ("ARROW", "PIPE"):
            return f"a layer is missing after `{last}`"
        if kind == "ARROW" and (not self.statement or first.type in ("INPUT", "LET", "ASSERT", "PARAM", "CONSTANT")):
            return "a chain begins with a layer: leave the first `->` out"
        if self.accepted == {"PIPE"}:
            return (
                "each path of a merge begins with `|`: `add { | conv 8 k=1 | identity }`;\n"
                "a group is written without a layer's name: `label: { ... }`"
            )
        if str(self.token) == "elif":
            return "write `else if`"
        if kind in STATEMENTS and first is not self.token and first.type not in STATEMENTS:
            return STATEMENTS[kind]
        return ""

    def _arguments_in_parentheses(self, name: str) -> str:
        """What to write instead of `name(...)`."""
        line = self.source.text[self.at : self.at + 200].split("\n", 1)[0]
        inside, closed, _ = line.partition(")")
        words = inside[1:].replace(",", " ").split() if closed and "(" not in inside[1:] else ["..."]
        if words and all(word.isidentifier() for word in words):
            return f"a layer takes the value that reaches it, without parentheses: `from {words[0]} -> {name}`"
        bare = "".join(f" {word}" for word in words)[:60]
        return f"arguments follow the name without parentheses: `{name}{bare}`"

    def _inside_brackets(self) -> bool:
        return bool(self.open) and self.open[-1].type != "LBRACE"


def _statement(tokens: list[Token], begin: int, at: int) -> list[Token]:
    """The tokens before one, from that which begins its layer or statement."""
    depth = 0
    for index in range(at - 1, -1, -1):
        kind = tokens[index].type
        if kind in OPENED_BY and kind != "RBRACE":
            depth += 1
        elif kind in CLOSED_BY and kind != "LBRACE":
            depth -= 1
        elif depth <= 0 and kind in ("_NL", "ARROW", "PIPE", "LBRACE", "RBRACE") and index < begin:
            return tokens[index + 1 : at]
    return tokens[:at]
