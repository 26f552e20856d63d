"""What fuzzing found once. Each net says in its first line what was wrong; all judges agree on it now, or it is refused
with the code that its second line names, by the check or by codegen."""

from __future__ import annotations

from pathlib import Path

import pytest
from growing import compiled
from judging import judge

from netspec.diagnostics import SpecError
from netspec.emit.torch.source import generate

NETS = sorted(Path(__file__).parent.glob("*.net"))


@pytest.mark.parametrize("path", NETS, ids=lambda path: path.stem)
def test_regression(path: Path) -> None:
    text = path.read_text()
    first, second, *_ = text.splitlines()
    assert first.startswith("# ")
    if second.startswith("# refused: "):
        assert refusals(text) == [second.removeprefix("# refused: ")]
    else:
        verdict = judge(text)
        assert verdict.status == "OK", verdict.text


def refusals(text: str) -> list[str]:
    made = compiled(text)
    if made.sound:
        with pytest.raises(SpecError) as refused:
            generate(made)
        return [d.code for d in refused.value.diagnostics]
    return [d.code for d in made.diagnostics]
