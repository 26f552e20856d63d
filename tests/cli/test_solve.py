"""`netspec solve`: whole answers, how it ends, and that formulas and single checks agree."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import netspec
from netspec.cli import cli
from netspec.driver import Compilation, find_source, split_target
from netspec.elaborate.expressions import Evaluator
from netspec.emit.solving.search import solve as search
from netspec.source import SourceFile
from netspec.syntax.parser import parse_expression

NET = """
net Net(width = 8, rate = 0.5, kinds = (1, 2)) {
  input image: [3, H=32, W=32]
  stem: conv width k=3 stride=2
  features: { relu -> maxpool 2 -> conv (2 * width) k=3 }
  tail: dropout rate -> globalavgpool -> flatten -> dense (kinds[0] + 9)
  assert width >= 4
}

net Open(width = 8) {
  input image: [3, H, W]
  conv width k=3
  -> conv (2 * width) k=3
}

net Choice(width = 8) {
  input image: [3, 32, 32]
  conv width k=3
  if width > 16 { conv 64 k=3 }
}

net Even {
  input image: [3, H=32, 32]
  maxpool 2 -> conv 4 k=3 stride=2 -> upsample 2
}

net O {
  input image: [3, H=32, 32]
  a: conv 4 k=3 pad=1
  b: maxpool 2 -> upsample 2
  add with a
}

net Deep(depth = 2) {
  input image: [3, 8, 8]
  repeat depth { conv 3 k=1 bias=false }
  assert depth < 9
}

net Branches {
  input image: [3, H=32, W=32] where W % 4 == 0, W >= 8
  if H == 20 { conv 5 k=1 }
  if H > 40 or H < 3 { conv 4 k=1 } else { conv 4 k=1 bias=false }
  if not (H != 12 and W != 12) { relu }
  conv (7 if W <= 16 else 6) k=1
}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.net").write_text(NET, encoding="utf-8")
    Path("broken.net").write_text("net A {\n  input x: [3, H, 8]\n  convv 3\n}\n", encoding="utf-8")


def solve(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(cli, ["solve", *arguments])
    assert result.exit_code == code, result.output
    return result


ANSWERS: list[tuple[str, list[str], int, str]] = [
    (
        "at most",
        ["net.net:Net", "macs <= 1e6", "--over", "H,W"],
        0,
        """
Net  net.net  macs <= 1e6

H = W from 13 to 96 (84 values)

at 12: the window is larger than its padded input (net.net:5)
at 13: macs is 9,088
at 96: macs is 985,336
at 97: macs is 1,055,392
""",
    ),
    (
        "a shape",
        ["net.net:Net", "features.output == [_, 5, _]", "--over", "H"],
        0,
        """
Net  net.net  features.output == [_, 5, _]

H from 29 to 32 (4 values)

at 28: features.output is [16, 4, 5]
at 29: features.output is [16, 5, 5]
at 32: features.output is [16, 5, 5]
at 33: features.output is [16, 6, 5]
""",
    ),
    (
        "a parameter, and the net's own claim",
        ["net.net:Net", "params <= 10_000", "--over", "width"],
        0,
        """
Net  net.net  params <= 10_000

width from 4 to 22 (19 values)

at 3: the claim does not hold: width >= 4 (net.net:7)
at 4: params is 498
at 22: params is 9,822
at 23: params is 10,682
""",
    ),
    (
        "remainders, without end",
        ["net.net:Net", "H % 4 == 1 and stem.output[1] > 9", "--over", "H", "--from", "3"],
        0,
        """
Net  net.net  H % 4 == 1 and stem.output[1] > 9

H from 21 on where H % 4 == 1

at 20: H % 4 is 0, stem.output[1] is 9
at 21: H % 4 is 1, stem.output[1] is 10
""",
    ),
    (
        "two ranges and a value between",
        ["net.net:Net", "H <= 12 or H == 20 or stem.output[1] * 2 > 2000", "--over", "H"],
        0,
        """
Net  net.net  H <= 12 or H == 20 or stem.output[1] * 2 > 2000

H = 20 and H from 2003 on

at 19: stem.output[1] * 2 is 18
at 20: stem.output[1] * 2 is 18
at 21: stem.output[1] * 2 is 20
at 2002: stem.output[1] * 2 is 2,000
at 2003: stem.output[1] * 2 is 2,002
""",
    ),
    (
        "none",
        ["net.net:Net", "macs < 5000", "--over", "H,W"],
        1,
        """
Net  net.net  macs < 5000

no H = W meets it: macs is at least 9,088, at H = W = 13
""",
    ),
    (
        "none of a range",
        ["net.net:Net", "5e5 <= macs", "--over", "H,W", "--to", "30"],
        1,
        """
Net  net.net  5e5 <= macs

no H = W from 1 to 30 meets it: macs is at most 71,296, at H = W = 29
""",
    ),
    (
        "none equal",
        ["net.net:Net", "params == 5000", "--over", "width"],
        1,
        """
Net  net.net  params == 5000

no width meets it: params is 4,810 at width = 15, which is nearest to it
""",
    ),
    (
        "none of both",
        ["net.net:Net", "params >= 5000 and macs <= 1e5", "--over", "width"],
        1,
        """
Net  net.net  params >= 5000 and macs <= 1e5

no width meets it
  params >= 5000: width from 16 on
  macs <= 1e5: width from 4 to 9
""",
    ),
    (
        "no dependence",
        ["net.net:Net", "params <= 1e6", "--over", "H"],
        0,
        """
Net  net.net  params <= 1e6

H from 13 on: the claim does not depend on it

at 12: the window is larger than its padded input (net.net:5)
""",
    ),
    (
        "no dependence, and none",
        ["net.net:Net", "params <= 100", "--over", "H"],
        1,
        """
Net  net.net  params <= 100

no H meets it: params is 1,562 at every H
""",
    ),
    (
        "sizes that do not matter stay open",
        ["net.net:Open", "params <= 1000", "--over", "width"],
        0,
        """
Open  net.net  params <= 1000

width from 1 to 6 (6 values)

at 6: params is 828
at 7: params is 1,092
""",
    ),
    (
        "an if on it",
        ["net.net:Choice", "params <= 10_000", "--over", "width", "--to", "40"],
        0,
        """
Choice  net.net  params <= 10_000

width from 1 to 16 (16 values)

at 16: params is 448
at 17: params is 10,332
""",
    ),
    (
        "no size without an error",
        ["net.net:Net", "params <= 1e6", "--over", "H", "--to", "9"],
        1,
        """
Net  net.net  params <= 1e6

no H from 1 to 9 makes a sound net: at 1 the window is larger than its padded input (net.net:4)
""",
    ),
    (
        "an equation that a layer needs",
        ["net.net:O", "macs <= 100_000", "--over", "H", "--to", "64"],
        0,
        """
O  net.net  macs <= 100_000

H from 2 to 28 where H % 2 == 0 (14 values)

at 2: macs is 6,912
at 28: macs is 96,768
at 29: `add` gets shapes that do not fit: [4, 28, 32] and [4, 29, 32] (net.net:31)

Each value from 1 to 64 was checked by itself:
  `add` gets shapes that do not fit: [4, 2*(H // 2), 32] and [4, H, 32] (net.net:31)
""",
    ),
    (
        "what cannot be left open",
        ["net.net:Deep", "params >= 30", "--over", "depth", "--to", "12"],
        0,
        """
Deep  net.net  params >= 30

depth from 4 to 8 (5 values)

at 3: params is 27
at 4: params is 36
at 8: params is 72
at 9: the claim does not hold: depth < 9 (net.net:37)

Each value from 1 to 12 was checked by itself:
  this needs a whole number (net.net:36)
""",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "code", "text"), [case[1:] for case in ANSWERS], ids=[c[0] for c in ANSWERS])
def test_answers(arguments: list[str], code: int, text: str) -> None:
    result = solve(*arguments, code=code)
    assert result.stdout == text.lstrip("\n")
    assert not result.stderr


# -- mistakes -----------------------------------------------------------------------------------------

MISTAKES: list[tuple[str, list[str], int, str]] = [
    (
        "an unknown name in the claim",
        ["net.net:Net", "mac <= 5e9", "--over", "H"],
        2,
        """
error[NS202]: `mac` is not defined
 --> <claim>:1:1
  |
1 | mac <= 5e9
  | ^^^ not a parameter, `let`, index or label here
  |
  = help: did you mean `macs`?

1 error
""",
    ),
    (
        "a claim that ends",
        ["net.net:Net", "macs <=", "--over", "H"],
        2,
        """
error[NS102]: unexpected end of the file
 --> <claim>:1:7
  |
1 | macs <=
  |       ^ expected a value or `-`
  |
  = help: a claim is what an `assert` may say: `macs <= 600e6`, `features.output == [_, 7, 7]`

1 error
""",
    ),
    (
        "a claim that is a number",
        ["net.net:Net", "stem.macs", "--over", "H"],
        2,
        """
error[NS210]: this needs a claim that is true or false
 --> <claim>:1:1
  |
1 | stem.macs
  | ^^^^^^^^^ this is the number 19440
  |
  = help: a comparison is true or false: `it.channels > 3`

1 error
""",
    ),
    (
        "an unknown size",
        ["net.net:Net", "macs <= 1e6", "--over", "widht"],
        2,
        """
error[NS220]: `Net` has no parameter or symbol `widht` to leave symbolic
  = help: did you mean `width`?

1 error
""",
    ),
    (
        "a parameter that is no whole number",
        ["net.net:Net", "macs <= 1e6", "--over", "rate"],
        2,
        """
error[NS221]: `rate` cannot be left symbolic: it is the number 0.5
 --> net.net:2:20
  |
2 | net Net(width = 8, rate = 0.5, kinds = (1, 2)) {
  |                    ^^^^ is no whole number
  |
  = help: whole numbers can be: `width`

1 error
""",
    ),
    (
        "a spec that is wrong",
        ["broken.net", "macs <= 1e6", "--over", "H", "--to", "3"],
        1,
        """
error[NS201]: there is no layer `convv`
 --> broken.net:3:3
  |
3 |   convv 3
  |   ^^^^^ not a layer, block or net
  |
  = help: did you mean `conv`?

1 error
""",
    ),
    (
        "an unknown setting",
        ["net.net:Net", "macs <= 1e6", "--over", "H", "--set", "widht=3"],
        2,
        """
error[NS217]: `Net` has no parameter or symbol `widht`
  = help: did you mean `width`?

1 error
""",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "code", "text"), [case[1:] for case in MISTAKES], ids=[c[0] for c in MISTAKES])
def test_mistakes(arguments: list[str], code: int, text: str) -> None:
    result = solve(*arguments, code=code)
    assert result.stderr == text
    assert not result.stdout
    document = json.loads(solve(*arguments, "--format", "json", code=code).stdout)
    assert [d["severity"] for d in document["diagnostics"]] == ["error"]
    assert document["claim"] == arguments[1]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["net.net:Net", "macs <= 1"], "give --over NAME: a size of an input such as H, or a parameter of the net"),
        (["net.net:Net", "macs <= 1", "--over", "H W"], "--over takes NAME, or NAME,NAME for names of the same value"),
        (["net.net:Net", "macs <= 1", "--over", "H", "--set", "H=3"], "--set gives H a value"),
        (["net.net:Net", "macs <= 1", "--over", "H", "--from", "9", "--to", "5"], "there is no value of H to look at"),
        (
            ["net.net:Open", "macs <= 1", "--over", "width"],
            "the claim depends on H too, which has no value: give it one, `--set H=224`, or let it change with width",
        ),
    ],
)  # fmt: skip
def test_wrong_use(arguments: list[str], told: str) -> None:
    assert told in " ".join(solve(*arguments, code=2).stderr.split())


# -- JSON and Python ----------------------------------------------------------------------------------


def test_json() -> None:
    found = json.loads(solve("net.net:Net", "H % 4 == 1 and macs >= 1e6", "--over", "H", "--format", "json").stdout)
    assert found["values"] == [{"first": 333, "last": None, "divisor": 4, "remainders": [1]}]
    assert (found["net"], found["file"], found["over"], found["from"], found["to"]) == (
        "Net",
        "net.net",
        ["H"],
        1,
        None,
    )
    assert (found["smallest"], found["largest"], found["count"]) == (333, None, None)
    assert (found["method"], found["why"], found["diagnostics"], found["nearest"]) == ("formulas", None, [], None)
    assert [(end["value"], end["meets"]) for end in found["ends"]] == [(332, False), (333, True)]
    assert found["ends"][1]["sides"] == {"H % 4": 1, "macs": 1_004_560}


def test_json_of_none() -> None:
    found = json.loads(solve("net.net:Choice", "params <= 10", "--over", "width", "--format", "json", code=1).stdout)
    assert (found["values"], found["count"], found["smallest"], found["largest"]) == ([], 0, None, None)
    assert found["nearest"] == {"value": 1, "meets": False, "sides": {"params": 28}, "reason": None}
    # the formulas are those of the net with the second convolution; the 16 values without it are checked one by one
    assert (found["method"], found["why"]) == ("formulas", None)


def test_python() -> None:
    net = netspec.load("net.net", net="Net", H=40)
    found = net.solve("features.output == [_, _, 5]", "W")
    assert found
    assert list(found) == [29, 30, 31, 32]
    assert (found.smallest, found.largest, found.count) == (29, 32, 4)
    assert 30 in found
    assert 33 not in found
    assert repr(found) == "<Net, features.output == [_, _, 5]: W from 29 to 32 (4 values)>"
    assert found.points[1].told == {"features.output": (16, 7, 5)}  # at the height that the net was loaded with
    none = net.solve("macs <= 1", over=("H", "W"))
    assert not none
    assert none.nearest is not None
    assert none.nearest.value == 13
    assert str(none) == "no H = W meets it: macs is at least 9,088, at H = W = 13"
    assert net.solve("macs <= 1e6", "H,W", low=20, high=30).count == 11
    with pytest.raises(ValueError, match="no value of H"):
        net.solve("macs <= 1", "H", low=3, high=2)
    with pytest.raises(netspec.SpecError, match="not defined"):
        net.solve("mcas <= 1", "H")


def test_ir_has_no_names(tmp_path: Path) -> None:
    text = CliRunner().invoke(cli, ["ir", "net.net:Net"]).stdout
    Path("net.json").write_text(text, encoding="utf-8")
    assert "give the .net file" in solve("net.json", "macs <= 1e6", "--over", "H", code=2).stderr


# -- formulas against single checks -------------------------------------------------------------------

CLAIMS = [
    "macs <= {}",
    "flops > {}",
    "peak_activation_bytes <= {}",
    "activation_bytes % 3 == 1 or params == {}",
    "macs / 1e3 + weight_bytes < {}",
    "not (connections >= {} and macs % 2 == 0)",
    "max(adds, mults) < {} <= 2 * flops",
]


def holds(source: SourceFile, net: str | None, settings: dict[str, int], claim: str) -> bool:
    """Whether the net is sound with some numbers and the claim true of it, as an `assert` would say."""
    made = Compilation(source, net, settings)
    test, _ = parse_expression(SourceFile("claim", claim))
    if not made.sound or made.claim_checker is None or made.root is None or test is None:
        return False
    result = Evaluator(made.root, made.claim_checker.facts(made.root))(test)
    assert isinstance(result, bool)
    return result


@pytest.mark.parametrize(
    ("target", "names"),
    [
        ("net.net:Net", ["H"]),
        ("net.net:Net", ["H", "W"]),
        ("net.net:Net", ["width"]),
        ("net.net:Even", ["H"]),
        ("net.net:Branches", ["H"]),
        ("net.net:Branches", ["W"]),
        ("alexnet:AlexNet", ["H", "W"]),
        ("resnet:ResNet18", ["H", "W"]),
        ("googlenet:GoogLeNet", ["W"]),
        ("bert:BERTBase", ["T"]),
        ("densenet:DenseNet121", ["growth"]),
    ],
)
def test_what_is_solved_is_what_checks_say(target: str, names: list[str]) -> None:
    draw = random.Random(f"{target} {names}")
    path, net = split_target(target)
    source = find_source(path)
    for claim in CLAIMS:
        text = claim.format(10 ** draw.randint(4, 10))
        found = search(source, net, {}, text, names)
        assert not found.tried, found.tried
        for at in [draw.randint(1, 30), *(draw.randint(1, 800) for _ in range(4))]:
            assert holds(source, net, dict.fromkeys(names, at), text) == (at in found), (text, at)


@pytest.mark.parametrize(
    "claim",
    [
        "macs <= 1e5 if H > 40 else params < macs",
        "macs <= 1e5 if params > 5 else H == 1",
        "-macs / 1e3 >= -300",
        "macs / 1e3 - params / 7 > 50",
        "macs / -8 + 1e4 <= 0",
        "features.output in ([16, 5, 5], [16, 6, 5])",
        "features.output == [16, 5]",
        "H in (40, 41, 1000) or params == H * 40",
        "not params == 1_562 and H > 3",
        "macs != features.output[1] and stem.output != features.output",
        'macs >= 1e5 and stem.output != "a text"',
    ],
)
def test_claims_of_other_kinds(claim: str) -> None:
    source = find_source("net.net")
    found = search(source, "Net", {}, claim, ["H"])
    assert not found.tried, found.tried
    for at in range(1, 60):
        assert holds(source, "Net", {"H": at}, claim) == (at in found), at


@pytest.mark.parametrize(
    ("claim", "why"),
    [
        ("macs / 3 % 2 == 0", "`%` of a fraction cannot be solved"),
        ("(macs > 1e5) == (H > 33)", "there is no formula that could be solved"),
        ("(macs if H > 20 else params) > 1e4", "there is no formula that could be solved"),
    ],
)
def test_claims_without_a_formula(claim: str, why: str) -> None:
    source = find_source("net.net")
    found = search(source, "Net", {}, claim, ["H"], 1, 50)
    assert found.tried == why
    assert found.looked == (1, 50)
    for at in range(1, 51):
        assert holds(source, "Net", {"H": at}, claim) == (at in found), at


def test_what_comes_nearest_without_a_formula() -> None:
    source = find_source("net.net")
    none = search(source, "Net", {}, "macs / 3 % 2 == 9", ["H"], 1, 50)
    assert str(none).startswith("no H from 1 to 50 meets it: macs / 3 % 2 is 1.33333 at H = 37, which is nearest to it")
    sound = [at for at in range(1, 51) if holds(source, "Net", {"H": at}, "true")]
    assert not any(holds(source, "Net", {"H": at}, "macs / 3 % 2 > 1.34") for at in sound)
    assert search(source, "Net", {}, "macs / 3 % 2 == 9", ["H"], 1, 9).nearest == (
        1, False, (), "the window is larger than its padded input (net.net:4)",
    )  # fmt: skip
    assert str(search(source, "Net", {}, "H != H", ["H"])) == "no H meets it"
    assert search(source, "Net", {}, "stem.output == stem.macs / 3 % 2", ["H"], 13, 20).nearest is None


def test_claims_of_the_net_that_exclude_each_other() -> None:
    Path("never.net").write_text(
        "net A {\n  input x: [3, H=32, 32]\n  conv 4 k=3\n  assert macs > 1e6\n  assert macs < 1e5\n}\n"
    )
    none = search(find_source("never.net"), None, {}, "macs > 10", ["H"])
    assert not none
    assert not none.tried
    assert str(none).startswith("no H makes a sound net: at 1 the window is larger than its padded input (never.net:3)")


def test_a_net_that_is_another_at_most_sizes_is_checked_at_each() -> None:
    Path("other.net").write_text("net A {\n  input x: [3, H=32, 32]\n  if H > 3000 { conv 4 k=3 } else { relu }\n}\n")
    none = search(find_source("other.net"), None, {}, "macs > 10", ["H"])
    assert none.tried == "the net is another where H + 1 <= 3001"
    assert str(none).startswith("no H from 1 to 1024 meets it: macs is at most 0, at H = 1")
    assert search(find_source("other.net"), None, {}, "macs > 10", ["H"], 2990, 3010).smallest == 3001


def test_many_stretches_are_counted() -> None:
    claim = "H in (20, 30, 50) or " + " or ".join(f"{n} <= H <= {n + 9}" for n in range(100, 800, 100))
    found = search(find_source("net.net"), "Net", {}, claim, ["H"])
    assert str(found).splitlines()[0] == (
        "H = 20, 30 and 50, H from 100 to 109, H from 200 to 209, H from 300 to 309, H from 400 to 409, "
        "H from 500 to 509 and 2 more ranges (73 values)"
    )
