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
from mutating import MAKERS, Mutation, Mutator, almost_valid, misplaced
from sharing import SHARES, share

KILOBYTES = 500_000


def mutations(number: int) -> list[Mutation]:
    draw = random.Random(number)
    found = [almost_valid(net, draw) for net in share(number).nets for _ in range(4)]
    return [mutation for mutation in found if mutation is not None]


@pytest.mark.parametrize("number", range(SHARES))
def test_a_mistake_is_told_at_its_place(number: int) -> None:
    found = mutations(number)
    assert len(found) > 100
    wrong = [f"{m.kind}, line {sorted(m.lines)}: {told}\n{m.text}" for m in found if (told := misplaced(m)[1])]
    assert not wrong, "\n\n".join(wrong[:6])


def test_every_kind_of_mistake_is_made() -> None:
    """Each kind finds its place in some net, and none but those that may be sound is sound."""
    draw = random.Random(1)
    nets = [net for number in range(SHARES) for net in share(number).nets]
    for maker in MAKERS:
        found = [m for net in nets[::-1] if (m := getattr(Mutator(net, draw), maker)()) is not None][:3]
        assert found, maker
        assert all(not compiled(m.text).sound for m in found if m.certain and not m.code.startswith("W")), maker


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_is_still_taken_is_sound() -> None:
    """Where a changed number is taken, all judges agree on the net that it makes."""
    draw = random.Random(2)
    made = [Mutator(net, draw).another_number() for number in (0, 1) for net in share(number).nets * 2]
    taken = [m for m in made if m is not None and compiled(m.text).sound][:15]
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
