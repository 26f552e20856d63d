"""One edit to a sound spec, the kind that a slip of the hand makes: the first error is on the line of the edit.

`python -m tests.errors.test_mutations SEED COUNT` from the project's root prints those that are not.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import NamedTuple

from netspec.diagnostics import Diagnostic
from netspec.driver import compile_source
from netspec.source import SourceFile
from netspec.syntax.parser import tokens

SPECS = sorted((Path(__file__).parents[2] / "specs").glob("*.net"))
SEED = 1


class Mutation(NamedTuple):
    edit: str
    spec: str
    line: int
    text: str


def words(text: str) -> list[tuple[int, int]]:
    """Where the tokens of a text begin and end."""
    return [(token.start_pos or 0, token.end_pos or 0) for token in tokens(text) if token.type != "_NL"]


def misspell(word: str, rng: random.Random) -> str:
    at = rng.randrange(len(word))
    slip = rng.choice(("forget", "turn", "double", "mistype"))
    if slip == "forget" and len(word) > 1:
        return word[:at] + word[at + 1 :]
    if slip == "turn" and at + 1 < len(word):
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if slip == "double":
        return word[:at] + word[at] + word[at:]
    return word[:at] + rng.choice("abcdefghijklmnopqrstuvwxyz") + word[at + 1 :]


def mutate(spec: Path, rng: random.Random) -> Mutation | None:
    """A spec with one token dropped, swapped with the next, doubled or misspelt; None where that cannot be done."""
    text = spec.read_text(encoding="utf-8")
    places = words(text)
    index = rng.randrange(len(places) - 1)
    (start, end), (start2, end2) = places[index : index + 2]
    word, line = text[start:end], text.count("\n", 0, start) + 1
    edit = rng.choice(("drop", "swap", "duplicate", "misspell"))
    if edit == "drop":
        mutated = text[:start] + text[end:]
    elif edit == "duplicate":
        mutated = f"{text[:end]} {word}{text[end:]}"
    elif edit == "swap" and "\n" not in text[end:start2]:
        mutated = text[:start] + text[start2:end2] + text[end:start2] + word + text[end2:]
    elif edit == "misspell" and word.isidentifier():
        mutated = text[:start] + misspell(word, rng) + text[end:]
    else:
        return None
    return Mutation(edit, spec.name, line, mutated) if mutated != text else None


def first_error(mutation: Mutation) -> Diagnostic | None:
    nets = compile_source(SourceFile(mutation.spec, mutation.text))
    errors = [d for net in nets for d in net.diagnostics if d.severity == "error"]
    return min(errors, key=lambda d: d.span.start if d.span else 0, default=None)


def wrong_ones(seed: int, count: int) -> list[tuple[Mutation, Diagnostic]]:
    """The first `count` mutations that are no longer sound, with their first errors."""
    rng = random.Random(seed)
    found: list[tuple[Mutation, Diagnostic]] = []
    while len(found) < count:
        mutation = mutate(rng.choice(SPECS), rng)
        error = first_error(mutation) if mutation else None
        if mutation and error:
            found.append((mutation, error))
    return found


def elsewhere(found: list[tuple[Mutation, Diagnostic]]) -> list[str]:
    """Those whose first error is not on the line of the edit."""
    out = []
    for mutation, error in found:
        line = error.span.line if error.span else 0
        if line != mutation.line:
            written = mutation.text.split("\n")[mutation.line - 1]
            out.append(f"{mutation.spec}:{mutation.line}: {mutation.edit}: {written}\n  line {line}: {error.title}")
    return out


def test_the_first_error_is_on_the_line_of_the_edit() -> None:
    found = wrong_ones(SEED, 300)
    assert len({mutation.text for mutation, _ in found}) > 290
    missed = elsewhere(found[:100])
    assert len(missed) <= 5, "\n".join(missed)
    missed = elsewhere(found)
    assert len(missed) <= 15, "\n".join(missed)


if __name__ == "__main__":
    missed = elsewhere(wrong_ones(int(sys.argv[1]), int(sys.argv[2])))
    print("\n".join([*missed, f"{len(missed)} of {sys.argv[2]}"]))
