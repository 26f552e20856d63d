"""The share of nets that every test run judges tells mistakes in the rules from the truth."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from mutants import HERE, mutants
from sharing import CORNERS, SHARES, refusal_text, share
from writing import text_of

MUTANTS = mutants()
REGRESSIONS = [path.read_text() for path in sorted((HERE.parent / "regressions").glob("*.net"))]
GROUPS = 3


def test_mutants_are_as_they_say() -> None:
    assert len(MUTANTS) >= 30
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    for mutant in MUTANTS:
        source = (HERE.parents[1] / "netspec" / mutant.file).read_text()
        assert source.count(mutant.before) == 1, mutant.name
        assert mutant.before != mutant.after


@pytest.mark.parametrize("group", range(GROUPS))
def test_the_share_kills_every_mutant(group: int) -> None:
    shares = [share(number) for number in range(SHARES)]
    nets = [text_of(net) for each in shares for net in each.nets] + [*CORNERS, *REGRESSIONS]
    refused = list(dict.fromkeys(refusal_text(one) for each in shares for one in each.refused))
    names = [mutant.name for mutant in MUTANTS[group::GROUPS]]
    program = Path(__file__).parent / "mutants.py"
    given = json.dumps({"nets": nets, "refused": refused})
    done = subprocess.run([sys.executable, program, *names], input=given, capture_output=True, text=True, check=True)
    told: dict[str, str] = json.loads(done.stdout)
    assert set(told) == set(names)
    alive = [name for name, by in told.items() if not by]
    assert not alive
