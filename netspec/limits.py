"""Bounds that keep every check finite, whatever the spec says. See docs/language.md."""

NESTING = 100  # brackets and braces, one in another
CALL_DEPTH = 64  # blocks calling blocks
NODES = 200_000  # layers and calls written out by unrolling loops that cannot be closed in one step
BODY_TEXT = 20_000_000  # characters of bodies, each time that they are elaborated
ROWS = 200_000  # rows of a flat listing
LAYERS = 50_000  # of a net that is written out, repeats too
SOURCE_BYTES = 32 * 1024 * 1024  # of one file
SPEC_TEXT = 1_500_000  # characters of one spec
NETS = 500  # of one file, checked at once
INTEGER_DIGITS = 60  # of one number, written or computed
ITEMS = 1_000_000  # of all lists that are made, those in others each time
TEXT = 10_000  # characters of one text made of others
SYNTAX_MISTAKES = 50  # told of one file
TERMS = 5_000  # of one symbolic size, written out
FIGURE_DIGITS = 4_000  # of one figure of a net
BATCH = 10**9  # samples for which figures are counted
DIAGNOSTICS = 1_000  # told by one command
MISTAKES = 50_000  # after which a check ends
CONSTANT = 4_000_000  # numbers of one constant of an ONNX graph that are not weights
SUGGESTED_FROM = 500  # names among which a misspelt one is looked for
