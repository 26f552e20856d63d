"""Nets with one mistake are told where it is; broken texts are told, in little time and memory."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from growing import compiled
from judging import judge
from mutating import Mutation, almost_valid
from sharing import SHARES, share

KILOBYTES = 500_000


def mutations(number: int) -> list[Mutation]:
    draw = random.Random(number)
    found = [almost_valid(net, draw) for net in share(number).nets for _ in range(4)]
    return [mutation for mutation in found if mutation is not None]


def misplaced(mutation: Mutation) -> str:
    """What is wrong with what is said of a net with a mistake."""
    errors = [d for d in compiled(mutation.text).diagnostics if d.severity == "error"]
    if not errors:
        return "it is taken" if mutation.certain else ""
    first = min(errors, key=lambda d: d.span.start if d.span else 0)
    line = first.span.line if first.span else 0
    if line == mutation.line:
        return ""
    if not mutation.certain:
        lines = mutation.text.split("\n")
        # what comes after it, a merge around it, or a block that is used after it and stands before the net
        if line > mutation.line or lines[line - 1].endswith("{") or "net N {" in lines[line:]:
            return ""
    return f"line {line}: {first.title}"


@pytest.mark.parametrize("number", range(SHARES))
def test_a_mistake_is_told_at_its_place(number: int) -> None:
    found = mutations(number)
    assert len(found) > 80
    wrong = [f"{m.kind}, line {m.line}: {told}\n{m.text}" for m in found if (told := misplaced(m))]
    assert not wrong, "\n\n".join(wrong[:6])


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_is_still_taken_is_sound() -> None:
    """Where a changed number is taken, all judges agree on the net that it makes."""
    taken = [m for m in mutations(0) if not m.certain and compiled(m.text).sound][:15]
    assert len(taken) >= 10
    verdicts = [(judge(m.text), m.text) for m in taken]
    wrong = [f"{verdict.status}: {verdict.text}\n{text}" for verdict, text in verdicts if not verdict.agrees]
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.parametrize("seed", [1, 2])
def test_broken_texts_are_told(seed: int) -> None:
    program = Path(__file__).parent / "breaking.py"
    done = subprocess.run([sys.executable, program, str(seed), "500"], capture_output=True, text=True, check=True)
    given = json.loads(done.stdout)
    assert not given["found"], "\n\n".join("\n".join(each) for each in given["found"][:3])
    assert given["kilobytes"] < KILOBYTES
