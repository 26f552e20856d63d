"""What small texts mean: the shapes that come out, and the names of the layers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from reading import net, output, paths, problems

import netspec

UNIT = "block unit(out, k = 3, act = relu) { conv out k=k pad=(k // 2) -> act }"

# body, definitions before the net; the output of an image [3, 8, 8]
OUTPUTS: list[tuple[str, str, tuple[int, ...]]] = [
    # chains
    ("conv 4 k=3", "", (4, 6, 6)),
    ("conv 4 k=3 -> conv 5 k=3", "", (5, 4, 4)),
    ("conv 4 k=3\nconv 5 k=3", "", (5, 4, 4)),
    ("conv 4 k=3 -> [4, 6, 6] -> conv 5 k=3 -> [5, _, 4]", "", (5, 4, 4)),
    ("[_, _, _]", "", (3, 8, 8)),
    ("flatten -> [3 * 8 * 8]", "", (192,)),
    # from
    ("a: conv 4 k=3\nb: conv 5 k=3\nfrom a -> conv 6 k=3", "", (6, 4, 4)),
    ("conv 4 k=3\nfrom image", "", (3, 8, 8)),
    ("a: conv 4 k=3\nfrom image\nconcat with image", "", (6, 8, 8)),
    # merges
    ("add { | identity | conv 3 k=1 }", "", (3, 8, 8)),
    ("concat { | identity | conv 5 k=1 | conv 2 k=1 }", "", (10, 8, 8)),
    ("concat { | conv 5 k=1 } with image", "", None),
    ("concat with image", "", (6, 8, 8)),
    ("a: conv 2 k=1\nb: conv 4 k=1\nconcat with a image", "", (9, 8, 8)),
    ("stack axis=0 { | identity | identity }", "", (2, 3, 8, 8)),
    ("mul { | identity | globalavgpool -> sigmoid }", "", (3, 8, 8)),
    ("add { | conv 3 k=1 | conv 3 k=1 }", "", (3, 8, 8)),
    ("concat {\n| { conv 4 k=1\n relu }\n| from image -> conv 5 k=1\n}", "", (9, 8, 8)),
    ("concat { | concat { | identity | identity } | identity }", "", (9, 8, 8)),
    # groups
    ("{ conv 4 k=3\n relu }", "", (4, 6, 6)),
    ("d: { maxpool 2 -> conv 4 k=3 } -> conv 2 k=1\nfrom d", "", (4, 2, 2)),
    ("{ }", "", (3, 8, 8)),
    # repeats and loops
    ("repeat 3 { conv 3 k=3 }", "", (3, 2, 2)),
    ("repeat 0 { conv 4 k=3 }", "", (3, 8, 8)),
    ("repeat 2 as i { conv (4 + i) k=1 }", "", (5, 8, 8)),
    ("repeat 2 { repeat 2 { conv 3 k=2 } }", "", (3, 4, 4)),
    ("repeat 1_000_000 { conv 3 k=3 pad=1 }", "", (3, 8, 8)),
    ("for n in (4, 5, 6) { conv n k=2 }", "", (6, 5, 5)),
    ("for n in () { conv n k=2 }", "", (3, 8, 8)),
    ("for (n, k) in ((4, 3), (5, 2)) { conv n k=k }", "", (5, 5, 5)),
    ("for (i, n) in enumerate((4, 5)) { conv (n + i) k=1 }", "", (6, 8, 8)),
    ("for i in range(3) { concat with image }", "", (12, 8, 8)),
    ("layers: for n in (4, 5) { conv n k=1 }", "", (5, 8, 8)),
    # choices
    ("if it.channels == 3 { conv 4 k=1 } else { conv 5 k=1 }", "", (4, 8, 8)),
    ("if it.channels != 3 { conv 4 k=1 } else { conv 5 k=1 }", "", (5, 8, 8)),
    ("if it.rank == 1 { conv 4 k=1 } else if it.rank == 3 { conv 5 k=1 } else { conv 6 k=1 }", "", (5, 8, 8)),
    ("if it.rank == 1 { conv 4 k=1 }", "", (3, 8, 8)),
    ("if it.shape[1] > 4 and not it.channels == 1 { maxpool 2 }", "", (3, 4, 4)),
    # blocks
    ("unit 4", UNIT, (4, 8, 8)),
    ("unit 4 5", UNIT, (4, 8, 8)),
    ("unit 4 k=5 act=sigmoid", UNIT, (4, 8, 8)),
    ("unit k=5 out=4", UNIT, (4, 8, 8)),
    ("unit act=u2 4", UNIT + "\nblock u2 { conv 7 k=3 }", (7, 6, 6)),
    ("twice unit", UNIT + "\nblock twice(f) { f 4 -> f 5 }", (5, 8, 8)),
    ("twice conv", "block twice(f) { f 4 k=1 -> f 5 k=1 }", (5, 8, 8)),
    ("wide", "block wide(out = it.channels * 2) { conv out k=1 }", (6, 8, 8)),
    ("pair (4, 5)", "block pair(widths) { for n in widths { conv n k=1 } }", (5, 8, 8)),
    ("pair", "let widths = (4, 5)\nblock pair(w = widths) { conv w[0] k=1 -> conv w[-1] k=1 }", (5, 8, 8)),
    ("sized n=4", "block sized(n, m = n + 1) { conv m k=1 }", (5, 8, 8)),
    ("same", "block same { }", (3, 8, 8)),
    # blocks with further inputs
    ("a: conv 5 k=1\njoin with image", "block join { input skip\n concat with skip }", (8, 8, 8)),
    ("maxpool 2\njoin with image",
     "block join { input skip: [C, H, W]\n conv C k=1 -> upsample 2 }", (3, 8, 8)),
    # let in bodies
    ("let n = it.channels + 1\nconv n k=1", "", (4, 8, 8)),
    ("let n = 4\nconv n k=1\nlet n = n + it.channels\nconv n k=1", "", (8, 8, 8)),
    ("{ let n = 9 }\nconv n k=1", "let n = 4", (4, 8, 8)),
    # tensors of their own
    ("param p: [3, 1, 1]\nadd with p", "", (3, 8, 8)),
    ("constant mean: [[[0.5]], [[0.5]], [[0.5]]]\nsub with mean", "", (3, 8, 8)),
    ("param p: [5]\nfrom p", "", (5,)),
    # nets as layers
    ("Inner", "net Inner { input image: [3, 8, 8]\n conv 4 k=3 }", (4, 6, 6)),
    ("Inner 5", "net Inner(n = 4) { input image: [3, H, W]\n conv n k=3 }", (5, 6, 6)),
    ("Five", "net Inner(n) { input image: [3, H, W]\n conv n k=3 }\nnet Five = Inner 5", (5, 6, 6)),
    ("Six",
     "net Inner(n, m) { input x: [C, H, W]\n conv (n + m) k=1 }\nnet Five = Inner m=5\nnet Six = Five n=1",
     (6, 8, 8)),
    ("a: conv 4 k=1\nTwo with image",
     "net Two { input a: [4, H, W]\n input b: [3, H, W]\n from a -> concat with b }",
     (7, 8, 8)),
    # several outputs
    ("p: parts\nfrom p.a", "block parts { a: conv 4 k=1\n b: conv 5 k=1\n return b, a }", (4, 8, 8)),
    ("p: parts", "block parts { a: conv 4 k=1\n b: conv 5 k=1\n return b, a }", (5, 8, 8)),
    ("p: parts\nconcat with p.a", "block parts { a: conv 4 k=1\n b: conv 5 k=1\n return b, a }", (9, 8, 8)),
    ("s: split (1, 2) axis=0\nfrom s.1", "", None),
    ("one", "block one { a: conv 4 k=1\n b: conv 5 k=1\n return a }", (4, 8, 8)),
    # facts of shapes
    ("conv it.channels k=1 -> conv (it.shape[1] // 2) k=1", "", (4, 8, 8)),
    ("conv (image.rank + 1) k=1", "", (4, 8, 8)),
    ("c: conv 4 k=3\nflatten -> dense (c.elements // 2)", "", (72,)),
    # using weights again
    ("c: conv 3 k=3 pad=1\nreuse c\nreuse c", "", (3, 8, 8)),
    ("u: unit 3\nreuse u", UNIT, (3, 8, 8)),
]  # fmt: skip
OUTPUTS = [case for case in OUTPUTS if case[2] is not None]


@pytest.mark.parametrize(("body", "before", "shape"), OUTPUTS, ids=[c[0][:60] for c in OUTPUTS])
def test_output(body: str, before: str, shape: tuple[int, ...]) -> None:
    assert output(body, before) == shape


# body, definitions before; the paths of the layers
PATHS: list[tuple[str, str, str]] = [
    # automatic names count by kind, and leave out those that are taken
    ("conv 4 k=1 -> relu -> conv 4 k=1 -> relu", "", "conv1 relu1 conv2 relu2"),
    ("conv2: conv 4 k=1 -> conv 4 k=1 -> conv 4 k=1", "", "conv2 conv1 conv3"),
    ("conv 4 k=1 -> conv1: conv 4 k=1", "", "conv2 conv1"),
    ('conv 4 k=1 -> "conv1": conv 4 k=1', "", "conv2 conv1"),
    # labels
    ("c: conv 4 k=1 -> r: relu", "", "c r"),
    ("0: conv 4 k=1 -> 1: relu", "", "0 1"),
    ('"conv{1 + 1}": conv 4 k=1', "", "conv2"),
    ('"repeat": conv 4 k=1', "", "repeat"),
    ('for i in range(2) { "c{i}": conv 3 k=1 }', "", "c0 c1"),
    # unlabelled groups, merges and paths add nothing, labelled ones are scopes
    ("{ conv 4 k=1 -> relu }", "", "conv1 relu1"),
    ("{ { c: conv 4 k=1 } }", "", "c"),
    ("g: { conv 4 k=1 -> relu }", "", "g.conv1 g.relu1"),
    ("g: { h: { conv 4 k=1 } }", "", "g.h.conv1"),
    ("add { | conv 3 k=1 | identity }", "", "conv1 add1"),
    ("add { | a: conv 3 k=1 | b: conv 3 k=1 }", "", "a b add1"),
    ("m: add { | a: conv 3 k=1 | identity }", "", "m.a m.add1"),
    ("s: if it.channels == 3 { 0: conv 4 k=1 }", "", "s.0"),
    ("s: if it.channels == 4 { 0: conv 4 k=1 }\nrelu", "", "relu1"),
    ("if it.channels == 3 { conv 4 k=1 } else { relu }", "", "conv1"),
    ("s: identity", "", "s"),
    ("identity -> relu", "", "relu1"),
    # repeats: iterations are numbered; alike ones are one row, with the first one's number
    ("layers: repeat 2 { conv 3 k=1 -> relu }", "", "layers.0.conv1 layers.0.relu1"),
    ("layers: repeat 2 { conv 3 k=3 -> relu }", "",
     "layers.0.conv1 layers.0.relu1 layers.1.conv1 layers.1.relu1"),
    ("repeat 2 { c: conv 3 k=3 }", "", "repeat1.0.c repeat1.1.c"),
    ("repeat 1 { conv 3 k=1 }\nrepeat 1 { conv 3 k=1 }", "", "repeat1.0 repeat2.0"),
    # what is all of an iteration takes its number
    ("layers: repeat 2 { conv 3 k=3 }", "", "layers.0 layers.1"),
    ("layers: repeat 2 as i { conv (3 + i) k=1 }", "", "layers.0 layers.1"),
    ("layers: repeat 2 { unit 3 k=1 }", UNIT, "layers.0.conv1 layers.0.relu1"),
    ("layers: repeat 2 { u: unit 3 k=1 }", UNIT, "layers.0.u.conv1 layers.0.u.relu1"),
    ("layers: repeat 2 as i { unit (3 + i) }", UNIT,
     "layers.0.conv1 layers.0.relu1 layers.1.conv1 layers.1.relu1"),
    ("layers: repeat 2 { join with image }", "block join() { input by\n add with by -> conv 3 k=1 }",
     "layers.0.add1 layers.0.conv1"),
    ('layers: repeat 2 as i { "conv{i + 1}": conv 3 k=1 }', "", "layers.conv1 layers.conv2"),
    ('layers: repeat 2 as i { "unit{i + 1}": unit 3 k=1 }', UNIT,
     "layers.unit1.conv1 layers.unit1.relu1 layers.unit2.conv1 layers.unit2.relu1"),
    ('unit1: relu\nlayers: repeat 1 as i { "unit{i + 1}": relu }', "", "unit1 layers.unit1"),
    ("a: repeat 2 as i { b: repeat 2 as j { conv (3 + i + j) k=1 } }", "",
     "a.0.b.0 a.0.b.1 a.1.b.0 a.1.b.1"),
    ("a: repeat 2 { repeat 2 { conv 3 k=2 } }", "", "a.0.0 a.0.1 a.1.0 a.1.1"),
    # loops: an unlabelled one stands for its body written out
    ("for n in (4, 5) { conv n k=1 -> relu }", "", "conv1 relu1 conv2 relu2"),
    ("layers: for n in (4, 5) { conv n k=1 -> relu }", "",
     "layers.0.conv1 layers.0.relu1 layers.1.conv1 layers.1.relu1"),
    # blocks
    ("unit 3", UNIT, "unit1.conv1 unit1.relu1"),
    ("u: unit 3 -> unit 3", UNIT, "u.conv1 u.relu1 unit1.conv1 unit1.relu1"),
    ("stage", UNIT + "\nblock stage { a: unit 3 -> unit 3 act=sigmoid }",
     "stage1.a.conv1 stage1.a.relu1 stage1.unit1.conv1 stage1.unit1.sigmoid1"),
    ("m: Inner", "net Inner { input image: [3, H, W]\n c: conv 4 k=3 }", "m.c"),
    # weights used again
    ("c: conv 3 k=1 -> reuse c -> again: reuse c", "", "c c_1 again"),
    ("param pos: [3, 8, 8]\nadd with pos", "", "pos add1"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "before", "expected"), PATHS, ids=[c[0][:60] for c in PATHS])
def test_paths(body: str, before: str, expected: str) -> None:
    assert paths(body, before) == expected.split()


# A text means the same as another one.
SAME = [
    ("conv 4 k=3 -> relu", "conv 4 k=3\n-> relu"),
    ("conv 4 k=3 -> relu", "conv 4 k=3 ->\n\n  relu"),
    ("conv 4 k=3 -> relu", "conv 4 k=3 # -> dense 3\n# all the line\n\n  # and one more\n  -> relu # end"),
    ("conv 4 k=3 -> relu", "conv 4 k=3 -> relu\t\r\n\r\n"),
    ("conv 4 k=3", "conv 4 k = 3"),
    ("conv 4 k=3x3", "conv (\n4\n) k=(\n3,\n3\n)"),
    ("conv 4 k=3x3", "conv 4 k=[3, 3]"),
    ("conv 4 k=3", "conv 4 k=3 stride=1 pad=0 bias=true"),
    ("conv 4 k=3", "conv k=3 4"),
    ("conv 7 k=3", "conv (3 +\n4) k=3"),
    ("conv 7 k=3", "let n = 3 +\n  4\nconv n k=3"),
    ("add { | conv 3 k=1 | relu }", "add {\n  | conv 3 k=1\n\n  # the shortcut\n  | relu\n}"),
    ("if it.rank == 3 { relu } else { tanh }", "if it.rank == 3 {\n  relu\n}\nelse {\n  tanh\n}"),
    ("if it.rank == 3 { relu }", "if it.rank == 3\n  and it.channels == 3\n  or false { relu }"),
    ("relu -> [3, 8, 8]", "relu -> [\n3,\n8,\n8,\n]"),
    ("repeat 2 { conv 3 k=1 -> relu }", "repeat 2 {\n\n  conv 3 k=1\n\n  relu\n\n}"),
    ("repeat 2 { relu }", "repeat 1 + 1 { relu }"),
    ("conv 4 k=1 -> conv 5 k=1", "for n in (4, 5,) { conv n k=1 }"),
    ("relu", "relu # ünïcödé 网络"),
    ("a: relu -> b: tanh -> add with a", "a: relu -> b: tanh -> add with (a if 2 > 1 else b)"),
]


@pytest.mark.parametrize(("one", "other"), SAME, ids=[c[1][:40] for c in SAME])
def test_means_the_same(one: str, other: str) -> None:
    assert net(one).ir == net(other).ir


def test_a_whole_file_with_comments_windows_line_ends_and_a_mark_at_its_start(tmp_path: Path) -> None:
    plain = "net N {\n  input image: [3, 8, 8]\n  conv 4 k=3\n    -> relu\n}\n"
    odd = "\ufeff# a net\r\n\r\n" + plain.replace("\n", "  # here too\r\n") + "# the end"
    (tmp_path / "odd.net").write_bytes(odd.encode("utf-8"))
    assert netspec.load(tmp_path / "odd.net").ir == netspec.loads(plain).ir


NAMES = (
    "inputs network format iffy blocks letter user node android order inner asset assertion "
    "parameter constants returned fromage without repeats reused truely falsey _ _x x_ e6 x5 "
)


@pytest.mark.parametrize("name", NAMES.split())
def test_names_may_begin_as_words_of_the_language_do(name: str) -> None:
    before = f"let {name} = 4\nblock b{name}({name}) {{ conv {name} k=1 }}"
    assert output(f"b{name} {name}={name}", before) == (4, 8, 8)
    if name != "_":
        assert paths(f"{name}: conv {name} k=1", before) == [name]


WORDS = (
    "use let block net input assert param constant return from with repeat as for in if else "
    "reuse or and not true false "
)


@pytest.mark.parametrize("word", WORDS.split())
def test_words_of_the_language_are_no_names(word: str) -> None:
    assert problems("relu", f"let {word} = 4") == ["NS102"]
    assert paths(f'"{word}": relu') == [word]


# -- values from outside ------------------------------------------------------------------------------

FAMILY = """
net Base(width, depth = 2) {
  input image: [3, H=8, W]
  repeat depth { conv width k=1 }
}
net Wide = Base width=16
net Deep = Wide depth=3
"""


@pytest.mark.parametrize(
    ("name", "settings", "params", "shape"),
    [
        ("Base", {"width": 4}, 16 + 20, (4, 8, "W")),
        ("Wide", {}, 64 + 272, (16, 8, "W")),
        ("Wide", {"depth": 1}, 64, (16, 8, "W")),
        ("Wide", {"width": 4}, 16 + 20, (4, 8, "W")),  # what is set from outside wins
        ("Deep", {}, 64 + 2 * 272, (16, 8, "W")),
        ("Deep", {"W": 10}, 64 + 2 * 272, (16, 8, 10)),
        ("Deep", {"H": 4, "W": 10}, 64 + 2 * 272, (16, 4, 10)),
    ],
)
def test_settings(name: str, settings: dict[str, int], params: int, shape: tuple[Any, ...]) -> None:
    found = netspec.loads(FAMILY, name, **settings)
    (output,) = found.outputs.values()
    assert (found.params, tuple(d if isinstance(d, int) else str(d) for d in output)) == (params, shape)


def test_a_usual_value_can_be_left_out() -> None:
    found = netspec.loads(FAMILY, "Wide", symbolic=True)
    assert [str(d) for d in found.inputs["image"]] == ["3", "H", "W"]


def test_a_symbol_is_one_size_wherever_it_stands() -> None:
    body = "input a: [C, H, W]\ninput b: [C, H, W]\nfrom a -> add with b -> [C, H, W]"
    assert [str(d) for d in output(body)] == ["C", "H", "W"]
    assert output(body, C=3, H=4, W=5) == (3, 4, 5)


def test_a_defined_name_is_no_symbol() -> None:
    assert output("input a: [Width, 2]\nrelu", "let Width = 5") == (5, 2)
    assert netspec.loads("net N(C = 4) { input a: [C, 2]\n relu }").inputs["a"] == (4, 2)


# -- files --------------------------------------------------------------------------------------------


def test_a_file_uses_others_of_its_folder(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts/units.net").write_text('use "sizes.net"\nblock unit(out = width) { conv out k=1 }\n')
    (tmp_path / "parts/sizes.net").write_text("let width = 6\nlet other = 7\n")
    (tmp_path / "a.net").write_text(
        'use "parts/units.net"\nuse "parts/sizes.net"\nnet N { input x: [3, 2, 2]\n unit -> unit other }\n'
    )
    found = netspec.load(tmp_path / "a.net")
    assert [layer.output for layer in found.layers] == [(6, 2, 2), (7, 2, 2)]


def test_own_definitions_hide_those_of_used_files_and_of_the_standard_library(tmp_path: Path) -> None:
    (tmp_path / "units.net").write_text("block unit { conv 5 k=1 }\nblock basic(n) { conv n k=1 }\n")
    (tmp_path / "a.net").write_text(
        'use "units.net"\nblock unit { conv 6 k=1 }\nnet N { input x: [3, 2, 2]\n unit -> basic 7 }\n'
    )
    assert [layer.output for layer in netspec.load(tmp_path / "a.net").layers] == [(6, 2, 2), (7, 2, 2)]


def test_a_block_sees_the_names_of_its_own_file(tmp_path: Path) -> None:
    (tmp_path / "units.net").write_text("let n = 5\nblock unit { conv n k=1 }\n")
    (tmp_path / "a.net").write_text('use "units.net"\nlet n = 9\nnet N { input x: [3, 2, 2]\n unit }\n')
    assert [layer.output for layer in netspec.load(tmp_path / "a.net").layers] == [(5, 2, 2)]


# -- claims -------------------------------------------------------------------------------------------

CLAIMS = [
    "c: conv 4 k=3\nassert c.params == 112 and c.channels == 4 and c.shape == (4, 6, 6)",
    "c: conv 4 k=3\nassert params == c.params and macs == c.macs",
    "assert params == 112\nconv 4 k=3",
    "g: { c: conv 4 k=3 }\nassert g.params == 112 and g.c.params == 112",
    "l: repeat 2 { c: conv 3 k=1 }\nassert l.params == 24 and l.0.params == 12 and l.1.c.params == 12",
    'l: repeat 2 as i { "c{i}": conv 3 k=1 }\nassert l.c0.params == 12 and l.c1.params == 12',
    "l: repeat 2 { conv 3 k=1 }\nassert l.0.params == 12 and l.1.params == 12",
    "r: relu\nassert r.params == 0",
    "conv 4 k=3\nassert it.channels == 4",
    "c: conv 4 k=3\nreuse_me: conv 4 k=1 -> reuse reuse_me\nassert params == 112 + 20",
    "u: unit 4\nassert u.conv1.params == 112 and u.params == 112",
    "unit 4\nassert params <= 10e3 and params > 100 or false",
    "repeat 3 as i { conv 3 k=1 -> if i == 0 { [3, 8, 8] } else { [_, 8, 8] } }",
    "assert weight_bytes == 4 * params\nconv 4 k=3",
]


@pytest.mark.parametrize("body", CLAIMS, ids=[c[:50] for c in CLAIMS])
def test_claims_that_hold(body: str) -> None:
    assert problems(body, UNIT) == []


@pytest.mark.parametrize("body", [c for c in CLAIMS if "==" in c and "if" not in c], ids=lambda c: c[:50])
def test_claims_that_do_not(body: str) -> None:
    assert set(problems(body.replace("==", "!="), UNIT)) == {"NS402"}


# -- weights that are used again ----------------------------------------------------------------------


def test_a_shared_weight_counts_once_and_works_each_time() -> None:
    found = net("c: conv 3 k=3 pad=1 -> relu -> reuse c -> reuse c")
    once = net("c: conv 3 k=3 pad=1")
    assert (found.params, found.macs) == (once.params, 3 * once.macs)
    assert [bool(layer.weights) for layer in found.layers] == [True, False, False, False]


def test_weights_of_an_enclosing_scope_can_be_used() -> None:
    found = net("c: conv 3 k=1\ng: { conv 3 k=3 pad=1 -> reuse c }\nrepeat 2 { reuse c -> relu }")
    assert found.params == net("conv 3 k=1 -> conv 3 k=3 pad=1").params
    assert found.macs == net("conv 3 k=1 -> conv 3 k=3 pad=1 -> conv 3 k=1 -> conv 3 k=1 -> conv 3 k=1").macs


def test_a_tied_weight_counts_once() -> None:
    body = "input tokens: int64 [5]\nemb: embedding 100 16\ndense 16 -> dense 100 tie=emb bias=false"
    found = net(body)
    assert found.params == 100 * 16 + 16 * 16 + 16
    assert found.macs == 5 * 16 * 16 + 5 * 16 * 100


def test_a_block_can_be_used_again_where_its_weights_fit() -> None:
    found = net("u: unit 3 -> maxpool 2 -> reuse u", UNIT)
    assert found.params == 84
    assert found.macs == 81 * 64 + 81 * 16


def test_what_takes_values_is_used_again_with_values() -> None:
    found = net(
        "input a: [S, 8]\ninput b: [T, 8]\nfrom a -> c: attention 2\nfrom b -> d: reuse c with a\nreuse d with b"
    )
    assert found.params == 4 * (8 * 8 + 8)
    assert str(found.macs) == str(net("input a: [S, 8]\ninput b: [T, 8]\n" + THREE).macs)
    state = "e: lstm 8 -> reuse e with e.state e.cell -> r: relu -> reuse r"
    assert net("input a: [S, 8]\n" + state).params == 4 * (8 * 8 + 8 * 8 + 2 * 8)
    assert paths("input a: [S, 8]\n" + state) == ["e", "e_1", "r", "r_1"]


THREE = "from a -> attention 2\nfrom b -> attention 2 with a\nattention 2 with b"


def test_a_layer_that_is_used_again_is_the_first_ones() -> None:
    """Whichever use the label names, also from inside a group and for a tie."""
    found = net("input x: [8]\na: dense 8 -> b: reuse a\ng: { reuse b -> d: dense 8 tie=b }\nreuse b")
    nodes = {(module.name, node.name): node for module in found.ir.modules for node in module.nodes}
    assert {place: node.shares for place, node in nodes.items() if getattr(node, "shares", None)} == {
        ("N", "b"): "a", ("N", "b_1"): "a", ("g", "b_1"): "../a"
    }  # fmt: skip
    assert nodes["g", "d"].ties == {"weight": "../a.weight"}  # type: ignore[union-attr]
    assert found.params == 8 * 8 + 8 + 8


def test_names_of_outputs() -> None:
    cells = "input x: [S, 8]\na: gru 8 -> b: gru 8"
    assert list(net(f"{cells}\nreturn b, a.state, b.state as last").outputs) == ["b", "state", "last"]
    assert list(net(f"{cells}\nreturn it as out").outputs) == ["out"]
    assert list(net(f"{cells}\nreturn a").outputs) == ["a"]
    block = "block two() { a: conv 4 k=1\n b: conv 5 k=1\n return a as left, b as right }"
    assert output("t: two\nconcat with t.left t.right", block) == (13, 8, 8)
    assert output("t: one\nconcat with t.out", "block one() { a: conv 4 k=1\n return a as out }") == (8, 8, 8)
