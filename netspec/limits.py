"""Bounds that keep every check finite, whatever the spec says. See docs/language.md."""

NESTING = 100  # brackets and braces, one in another
CALL_DEPTH = 64  # blocks calling blocks
NODES = 200_000  # layers and calls written out by unrolling loops that cannot be closed in one step
ROWS = 200_000  # rows of a flat listing
SOURCE_BYTES = 32 * 1024 * 1024  # of one file
INTEGER_DIGITS = 60  # of one number, written or computed
ITEMS = 1_000_000  # of one tuple
TEXT = 10_000  # characters of one text made of others
TERMS = 5_000  # of one symbolic size, written out
FIGURE_DIGITS = 4_000  # of one figure of a net
