"""What fuzzing found once. Each net says in its first line what was wrong; all judges agree on it now, or it is refused
with the code that its second line names."""

from __future__ import annotations

from pathlib import Path

import pytest
from growing import compiled
from judging import judge

NETS = sorted(Path(__file__).parent.glob("*.net"))


@pytest.mark.parametrize("path", NETS, ids=lambda path: path.stem)
def test_regression(path: Path) -> None:
    text = path.read_text()
    first, second, *_ = text.splitlines()
    assert first.startswith("# ")
    if second.startswith("# refused: "):
        codes = [d.code for d in compiled(text).diagnostics]
        assert codes == [second.removeprefix("# refused: ")]
    else:
        verdict = judge(text)
        assert verdict.status == "OK", verdict.text
