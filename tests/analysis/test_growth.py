"""Work does not grow with how often a thing is used: rules are counted, not seconds."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from flat import compiled

from netspec.analysis.receptive import ReceptiveFields
from netspec.analysis.rows import count_rows
from netspec.diagnostics import SpecError
from netspec.driver import Compilation
from netspec.emit.listing import net_json
from netspec.ops.convolution import Conv
from netspec.source import SourceFile

DOUBLING = "block b0 { conv 4 k=3 pad=1 }\n" + "".join(f"block b{i} {{ b{i - 1} -> b{i - 1} }}\n" for i in range(1, 60))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each rule of `conv` is asked."""
    calls: Counter[str] = Counter()
    for rule in ("output", "weights", "cost", "reach"):
        own = getattr(Conv, rule)

        def counted(self: Conv, *inputs: Any, rule: str = rule, own: Any = own) -> Any:
            calls[rule] += 1
            return own(self, *inputs)

        monkeypatch.setattr(Conv, rule, counted)
    return calls


def everything(text: str) -> Compilation:
    made = compiled(text)
    assert made.network is not None
    assert made.totals is not None
    assert made.peak_activation_bytes is not None
    ReceptiveFields(made.network, made.types)
    return made


@pytest.mark.parametrize(
    "body",
    [
        "repeat {n} { conv 4 k=3 pad=1 -> relu }",
        "repeat {n} { repeat {n} { conv 4 k=3 pad=1 } }",
        "repeat {n} as i { if i == 3 { relu } -> conv 4 k=3 pad=1 }",
    ],
)
def test_rules_are_not_asked_more_often_for_more_iterations(asked: Counter[str], body: str):
    counts = []
    for channels, times in ((11, 5), (12, 500), (13, 10**50)):  # other layers each time, for layers are remembered
        asked.clear()
        text = body.replace("{n}", str(times)).replace("conv 4", f"conv {channels}")
        everything(f"net N {{ input x: [{channels}, 16]\n{text} }}")
        counts.append(dict(asked))
    assert counts[0] == counts[1] == counts[2]
    assert max(counts[0].values()) <= 12


def test_blocks_that_double(asked: Counter[str]):
    made = everything(DOUBLING + "net N { input x: [4, 8]\n b59 }")
    assert made.network is not None
    assert made.totals is not None
    assert made.totals.params == 2**59 * (4 * 4 * 3 + 4)
    assert made.totals.macs == 2**59 * 4 * 4 * 3 * 8
    assert made.totals.activation_bytes == 2**59 * 4 * 4 * 8
    assert made.peak_activation_bytes == 2 * 4 * 4 * 8
    assert count_rows(made.network) > 2**59
    assert sum(asked.values()) <= 12
    with pytest.raises(SpecError) as error:
        net_json(made)
    assert [d.code for d in error.value.diagnostics] == ["NS003"]


def test_weights_of_blocks_that_double_are_compared_at_once():
    everything(DOUBLING + "net N { input x: [4, 8]\n a: b59\n pad 1 -> reuse a }")


@pytest.mark.parametrize("line", ["relu", "conv 4 k=3 pad=1", "add { | identity | relu }", "split 2 -> conv 4 k=1"])
def test_many_lines(line: str):
    made = everything("net N { input x: [4, 8]\n" + f"{line}\n" * 5_000 + "}")
    assert made.network is not None
    assert len(made.network.root.nodes) >= 5_000


def test_many_skips():
    """Five thousand values, alive until the end."""
    labels = "".join(f"v{i}: relu\n" for i in range(5_000))
    adds = "".join(f"add with v{i}\n" for i in range(5_000))
    made = everything(f"net N {{ input x: [4, 8]\n{labels}{adds}}}")
    assert made.peak_activation_bytes == 5_001 * 128


def test_formulas_that_grow_are_refused():
    lines = "".join(f"let a{i + 1} = a{i} * a{i}\n" for i in range(30))
    text = f"net N {{ input x: [4, H, W]\nlet a0 = H * W + H + W + 1\n{lines} dense a30 }}"
    made = Compilation(SourceFile("t.net", text, None))
    assert not made.sound
    assert "too many terms" in str(made.diagnostics[0])


def test_figures_of_thousands_of_digits_are_refused():
    body = "conv 4 k=1"
    for _ in range(80):
        body = f"repeat {10**58} {{ {body} }}"
    made = Compilation(SourceFile("t.net", f"net N {{ input x: [4, 8]\n{body} }}", None))
    assert made.totals is None
    assert [d.code for d in made.diagnostics] == ["NS512"]
    assert net_json(made)["layers"] == []
