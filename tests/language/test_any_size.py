"""`_` in a list that is compared, and `label.output`: in claims, and in conditions about shapes."""

from __future__ import annotations

import pytest

import netspec

NET = """
net A {{
  input image: [3, 32, {width}]
  body: {{ a: conv 8 k=3 -> output: relu }}
  tail: maxpool 2
  assert {claim}
}}
"""


@pytest.mark.parametrize(
    "claim",
    [
        "tail.output == [8, 15, 15]",
        "tail.output == [_, 15, _]",
        "[_, _, _] == tail.shape",
        "tail.output != [_, 14, _]",
        "tail.output != [_, 15]",  # of another rank
        "tail.output in ((1, 2, 3), (8, 15, 15))",
        "body.output.params == 0",  # a layer of that name comes first
        "body.a.output == [_, 30, _] and body.output.output == [8, _, _]",
        "image.output == [3, _, _]",
        "not tail.output == [_, _, 14]",
    ],
)
def test_claims_that_hold(claim: str) -> None:
    assert netspec.loads(NET.format(claim=claim, width=32)).params == 224


@pytest.mark.parametrize(
    ("claim", "told"),
    [
        ("tail.output == [_, 14, _]", "tail.output is [8, 15, 15]"),
        ("tail.output != [_, 15, _]", "tail.output is [8, 15, 15]"),
        ("tail.output == [_, _]", "tail.output is [8, 15, 15]"),
    ],
)
def test_claims_that_do_not(claim: str, told: str) -> None:
    with pytest.raises(netspec.SpecError) as error:
        netspec.loads(NET.format(claim=claim, width=32))
    assert [d.label for d in error.value.diagnostics] == [told]


def test_symbolic_sizes() -> None:
    assert netspec.loads(NET.format(claim="tail.output == [_, 15, (W - 2) // 2]", width="W"))
    with pytest.raises(netspec.SpecError) as error:
        netspec.loads(NET.format(claim="tail.output == [_, _, 15]", width="W"))
    assert [d.code for d in error.value.diagnostics] == ["NS403"]


@pytest.mark.parametrize("claim", ["macs >= 0.5", "2.5 < macs", "macs != 2.5", "min(macs, 1e9) > 0.5"])
def test_fractions_beside_symbolic_figures(claim: str) -> None:
    assert (
        netspec.loads(f"net A {{\n  input x: [3, H, 8]\n  dense 2\n  assert {claim}\n}}\n").macs
        == 6 * 8 * netspec.loads("net A {\n  input x: [H]\n  dense 2\n}\n").inputs["x"][0]
    )


def test_an_index_may_be_called_so() -> None:
    text = "net A {\n  input x: [3, 8]\n  for _ in (3, 3) { dense (8 if it.shape == [_, 8] else 9) }\n}\n"
    assert netspec.loads(text).outputs == {"dense2": (3, 8)}
