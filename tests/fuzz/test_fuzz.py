"""Random nets of fixed seeds: netspec, torch on meta, ONNX's inference and onnxruntime agree on every one."""

from __future__ import annotations

from random import Random

import pytest
from covering import Coverage, all_arguments, all_pairs, all_values
from growing import Grower, compiled
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from judging import Refusals, judge
from metamorphic import disagreements
from sharing import CORNERS, SHARES, share
from writing import Net, smaller, text_of

from netspec.ops import layer_names

RARE = {("param", "dtype")}  # other types than float32: `tests/onnx` has them


@pytest.mark.parametrize("number", range(SHARES))
@pytest.mark.filterwarnings("ignore::UserWarning")  # torch's
def test_all_judges_agree(number: int) -> None:
    found = share(number)
    assert not found.crashed, found.crashed[0]
    verdicts = [(judge(text_of(net)), net) for net in found.nets]
    wrong = [f"{verdict.status}: {verdict.text}\n{text_of(net)}" for verdict, net in verdicts if not verdict.agrees]
    assert not wrong, "\n\n".join(wrong)
    proven = sum(verdict.status == "OK" for verdict, _ in verdicts)
    assert proven >= len(verdicts) * 0.6, proven


@pytest.mark.parametrize("text", CORNERS)
def test_all_judges_agree_on_corners(text: str) -> None:
    verdict = judge(text)
    assert verdict.status == "OK", verdict.text


@pytest.mark.parametrize("number", range(SHARES))
def test_changes_that_change_nothing(number: int) -> None:
    wrong = [f"{told}\n{text}" for net in share(number).nets for told, text in disagreements(net, number)]
    assert not wrong, "\n\n".join(wrong[:5])


@pytest.mark.parametrize("number", range(SHARES))
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_is_refused_torch_refuses(number: int) -> None:
    refusals = Refusals()
    refusals.ask(share(number).refused, most=10)
    assert not refusals.unexplained()
    assert sum(refusals.asked.values()) > 100


def test_coverage() -> None:
    """Every layer and every argument; most choices; some of all pairs, of which a long run has more."""
    seen = Coverage()
    for number in range(SHARES):
        seen.add(share(number).coverage)
    missing = seen.missing()
    assert missing["layers"] == []
    assert set(missing["arguments"]) <= RARE
    assert len(missing["values"]) < len(all_values()) * 0.15, missing["values"]
    assert len(all_pairs() - set(missing["pairs"])) > 250
    assert len(all_arguments()) > 160
    assert set(seen.layers) == set(layer_names())


@settings(max_examples=12, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False))
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_all_judges_agree_on_what_hypothesis_draws(draw: Random) -> None:
    """The same grammar, from draws that hypothesis makes small where a net fails."""
    grower = Grower(draw)
    text = text_of(grower.net(2))
    assert not grower.crashed
    verdict = judge(text)
    assert verdict.agrees, f"{verdict.status}: {verdict.text}\n{text}"


def test_less_of_a_net_is_less() -> None:
    """What reduces a net never makes it longer, and ends."""
    net: Net = share(0).nets[-1]
    for less in smaller(net):
        assert len(text_of(less)) <= len(text_of(net)) + 20
    assert compiled(net).sound
