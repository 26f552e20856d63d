"""NS1xx: text that is not netspec."""

from __future__ import annotations

from netspec.diagnostics import Problem


class SyntaxProblem(Exception):
    """A problem at a place of the text being parsed: offsets of its start and end."""

    def __init__(self, problem: Problem, start: int, end: int) -> None:
        super().__init__(str(problem))
        self.problem = problem
        self.start = start
        self.end = end


class UnexpectedCharacter(Problem):
    """Outside of texts and comments a spec is made of ASCII letters, digits and a few signs. Characters that look
    alike, such as typographic dashes and quotes, come in with text that is copied from a document, and are refused
    rather than guessed."""

    code = "NS101"
    about = "A character that no spec contains"
    title = "unexpected character {character}"
    label = "{name}"
    help = "{remedy}"
    wrong = """
        net Digits {
          input image: [1, 28, 28]
          conv 6 k=5 –> relu
        }
        """
    mended = """
        net Digits {
          input image: [1, 28, 28]
          conv 6 k=5 -> relu
        }
        """


class UnexpectedToken(Problem):
    """The text is not netspec at this place. A statement is a chain of layers, `label: layer arguments -> layer
    arguments`; an argument is a number, name, list or text, or `name=value`, and longer expressions stand in
    parentheses."""

    code = "NS102"
    about = "Text that does not follow the grammar"
    title = "unexpected {found}"
    label = "{expected}"
    help = "{remedy}"
    wrong = """
        net Digits {
          input image: [1, 28, 28]
          conv(6, k=5)
        }
        """
    mended = """
        net Digits {
          input image: [1, 28, 28]
          conv 6 k=5
        }
        """


class NestedTooDeep(Problem):
    """Brackets and braces stand one in another to a depth of 100, which no text reaches that a person writes or
    reads. A `block` for layers and a `let` for values take the inner part out."""

    code = "NS103"
    about = "Brackets that are nested too deeply"
    title = "brackets are nested too deeply"
    label = "more than {limit} open brackets"
    help = "name the inner part: a `block` for layers, a `let` for values"
    wrong = """
        net Deep {
          input features: [16]
          # 101 times: {
          dense 10
          # 101 times: }
        }
        """
    mended = """
        net Deep {
          input features: [16]
          # 9 times: {
          dense 10
          # 9 times: }
        }
        """


class NumberTooLong(Problem):
    """A number has at most 60 digits, written or computed, so that arithmetic stays quick. The largest networks
    have some 10 ** 12 parameters."""

    code = "NS104"
    about = "A number that is too long"
    title = "the number is too long"
    label = "{digits} digits, at most {limit}"
    help = "no size, count or weight of a network needs so many"
    wrong = """
        net Wide {
          input features: [16]
          dense 1000000000000000000000000000000000000000000000000000000000000000
        }
        """
    mended = """
        net Wide {
          input features: [16]
          dense 1000000000000000000000000000000000000000000000
        }
        """


class NumberTouchesName(Problem):
    """A number ends at a blank, a bracket or an operator, and names begin with a letter or `_`. Without this rule
    `6k=5` would be read as `6 k=5`, and a digit too many or too few in a name would go unseen. A window may be
    written `3x5`."""

    code = "NS106"
    about = "A name that begins with a digit"
    title = "`{text}` is neither a number nor a name"
    label = "names begin with a letter or `_`"
    help = "{remedy}"
    wrong = """
        net Digits {
          input image: [1, 28, 28]
          conv 6k=5 -> relu
        }
        """
    mended = """
        net Digits {
          input image: [1, 28, 28]
          conv 6 k=5 -> relu
        }
        """


class BadString(Problem):
    """A text may hold values in braces, each an expression: "layer{i + 1}" is `layer1` in iteration 0. A brace of
    its own has no meaning in a label, which a text mostly is."""

    code = "NS105"
    about = "A bad value in the braces of a text"
    title = "the string has a bad value in braces"
    label = "{reason}"
    help = 'write an expression between braces: "layer{{i + 1}}"'
    wrong = """
        net Towers {
          input features: [64]
          for i in range(3) { "fc{i": dense 64 }
        }
        """
    mended = """
        net Towers {
          input features: [64]
          for i in range(3) { "fc{i}": dense 64 }
        }
        """


class NotClosed(Problem):
    """Every bracket that is opened is closed. Where braces do not match, the indentation tells which one is
    missing: a body ends before a line that is not indented deeper than the line that opened it."""

    code = "NS107"
    about = "A bracket that is not closed"
    title = "`{bracket}` is not closed"
    label = "a `{closing}` is missing"
    help = "{remedy}"
    wrong = """
        net Digits {
          input image: [1, 28, 28
          conv 6 k=5 -> relu
        }
        """
    mended = """
        net Digits {
          input image: [1, 28, 28]
          conv 6 k=5 -> relu
        }
        """


class NothingToClose(Problem):
    """A closing bracket closes the last one that is open, so that there is one for each that was opened and no
    more. Often a line was taken out, and its brace stayed."""

    code = "NS108"
    about = "A bracket that closes nothing"
    title = "`{bracket}` closes nothing"
    label = "there is no open `{opening}` here"
    help = "remove it, or open what it closes"
    wrong = """
        net Digits {
          input image: [1, 28, 28]
          conv 6 k=5 -> relu
          }
        }
        """
    mended = """
        net Digits {
          input image: [1, 28, 28]
          conv 6 k=5 -> relu
        }
        """


class BraceMissing(Problem):
    """The body of a block, net, repeat, loop, choice, group or merge stands in braces, the first of them on the
    line of its head. The end of a line ends a statement, so that a brace in the next line would begin another,
    which is a group."""

    code = "NS109"
    about = "A body without its braces"
    title = "`{{` is missing"
    label = "the body of {what} begins with `{{` on this line"
    help = "{remedy}"
    wrong = """
        net Tower {
          input features: [64]
          repeat 3
          {
            dense 64 -> relu
          }
        }
        """
    mended = """
        net Tower {
          input features: [64]
          repeat 3 {
            dense 64 -> relu
          }
        }
        """


class WrongBracket(Problem):
    """A bracket is closed by one of its own kind: `(` by `)`, `[` by `]`, `{` by `}`."""

    code = "NS110"
    about = "A bracket that is closed by another kind"
    title = "`{bracket}` is closed by `{given}`"
    label = "should be `{closing}`"
    help = "write `{closing}`"
    wrong = """
        let widths = (64, 128]

        net Funnel {
          input features: [256]
          for width in widths { dense width -> relu }
        }
        """
    mended = """
        let widths = (64, 128)

        net Funnel {
          input features: [256]
          for width in widths { dense width -> relu }
        }
        """


class NameTooLong(Problem):
    """A name has at most 100 characters, so that the tables and messages that repeat it stay readable, and small."""

    code = "NS111"
    about = "A name that is too long"
    title = "the name is too long"
    label = "{length:,} characters, at most {limit}"
    help = "give it a shorter name"
    wrong = """
        net Small {
          input features: [16]
          the_first_of_the_fully_connected_layers_after_the_last_convolution_of_the_third_stage_and_its_pooling: relu
        }
        """
    mended = """
        net Small {
          input features: [16]
          first: relu
        }
        """


class HiddenCharacter(Problem):
    """Some characters are not shown but change what is: control characters, which command a terminal, separators of
    lines, after which a comment only seems to end, and those that turn the direction of writing, by which a line looks
    like another one (Boucher and Anderson 2021, "Trojan Source"). They are mistakes in comments and texts too, so that
    what a person reads is what is checked."""

    code = "NS112"
    about = "A character that is not shown"
    title = "the text has a character that is not shown: {character}"
    label = "{name}"
    help = "remove it: with it the text looks other than it is"
    wrong = """
        net Small {
          input features: [16]
          dense 10   # \u202eone for each digit
        }
        """
    mended = """
        net Small {
          input features: [16]
          dense 10   # one for each digit
        }
        """
