"""`where` of an input: which sizes it lets in, what is known of the others, and what tests of open sizes are."""

from __future__ import annotations

import random
from typing import Any

import pytest
from reading import output, problems

from netspec.driver import Compilation
from netspec.ir.dims import Dim, Expr, value
from netspec.ir.network import Network
from netspec.source import SourceFile


def made(text: str, symbolic: bool = True, net: str | None = None, **settings: Any) -> Compilation:
    return Compilation(SourceFile("a.net", text), net, settings, symbolic=symbolic)


def codes(compilation: Compilation) -> list[str]:
    return [d.code for d in compilation.diagnostics]


def sizes_of(where: str) -> list[int]:
    """The sizes up to 200 that a net takes, found by setting each."""
    text = f"net N {{ input x: [H] where {where}\n dense 1 }}"
    return [size for size in range(1, 201) if not codes(made(text, H=size))]


@pytest.mark.parametrize(
    ("where", "meant"),
    [
        ("H >= 64", lambda h: h >= 64),
        ("H > 64", lambda h: h > 64),
        ("H <= 64", lambda h: h <= 64),
        ("H < 64", lambda h: h < 64),
        ("64 <= H", lambda h: h >= 64),
        ("64 > H", lambda h: h < 64),
        ("8 <= H < 64", lambda h: 8 <= h < 64),
        ("64 > H >= 8", lambda h: 8 <= h < 64),
        ("H % 32 == 0", lambda h: h % 32 == 0),
        ("H % 16 == 12", lambda h: h % 16 == 12),
        ("12 == H % 16", lambda h: h % 16 == 12),
        ("H % 4 == 3, H % 6 == 1", lambda h: h % 12 == 7),
        ("H % 4 == 3, H >= 4, H % 3 == 0, H <= 100, H >= 2", lambda h: h % 12 == 3 and 4 <= h <= 100),
        ("H >= -5, H <= 10 ** 9", lambda h: True),
        ("H >= 2 * 8 + 1", lambda h: h >= 17),
        ("1 <= H % 1 + 1", None),
    ],
)
def test_sizes(where: str, meant: Any):
    if meant is None:
        assert codes(made(f"net N {{ input x: [H] where {where}\n dense 1 }}")) == ["NS514"]
        return
    expected = [h for h in range(1, 201) if meant(h)]
    assert expected
    assert sizes_of(where) == expected
    network = made(f"net N {{ input x: [H] where {where}\n dense 1 }}").network
    assert network is not None
    (size,) = network.inputs[0].type.shape
    assert isinstance(size, Expr)
    (symbol,) = size.variables
    assert symbol.low == expected[0]
    assert symbol.divisor == (expected[1] - expected[0])


def test_numbers_may_be_parameters_and_values():
    text = "let least = 8\nnet N(k = 4) { input x: [H] where H % (2 * k) == 0, H >= least\n dense 1 }"
    assert codes(made(text, H=8)) == []
    assert codes(made(text, H=12)) == ["NS404"]
    assert codes(made(text, H=12, k=2)) == []
    assert [w.code for w in made(text).warnings] == []


def test_where_may_begin_a_line_and_is_a_name_elsewhere():
    body = "input x: [3, H=8, W=8]\n  where H % 8 == 0,\n    W >= 4\nwhere: conv 2 k=1\nfrom where -> relu"
    assert output(body) == (2, 8, 8)
    assert problems(body, H=12) == ["NS404"]
    assert output("input x: [3, 8, 8]   # an image\n# of some kind\n\nwhere: conv 2 k=1") == (2, 8, 8)
    assert output("conv 3 k=1\nwhere 4", "block where(n) { conv n k=1 }") == (4, 8, 8)
    assert output("input x:   # sizes\n [\n3, H=8, W=8\n] where\nH % 8 ==\n0\nconv 2 k=1") == (2, 8, 8)
    assert output("input where: [WHERE=4] where WHERE >= 2\nfrom where -> dense WHERE") == (4,)


def test_values_through_python_meet_them():
    body = "input x: [3, H=64, W=64] where H % 32 == 0, W >= 48\nconv 4 k=1"
    assert output(body) == (4, 64, 64)
    assert output(body, H=96, W=50) == (4, 96, 50)
    assert problems(body, H=80) == ["NS404"]
    assert problems(body, H=80, W=20) == ["NS404", "NS404"]


def test_nothing_is_dropped_where_all_sizes_are_divided():
    text = """net N {
      input image: [3, H, W] where H % 8 == 0, W % 8 == 0
      repeat 3 { conv 3 k=3 pad=1 -> maxpool 2 -> [3, it.shape[1], it.shape[2]] }
      upsample 8   -> [3, H, W]
      add with image
      assert macs == 81 * (H * W + H * W // 4 + H * W // 16)
    }"""
    assert codes(made(text)) == []
    assert len(codes(made(text.replace("H % 8", "H % 4")))) > 0


def test_conditions_on_inputs_of_nets_and_blocks_are_proven():
    def found(where: str, **settings: Any) -> list[str]:
        inner = "net Inner { input x: [3, X, Y] where X % 4 == 0, Y >= 10\n relu }\n"
        outer = "net Outer { input x: [3, H, W] where " + where + "\n maxpool 2 -> Inner }"
        return codes(made(inner + outer, net="Outer", **settings))

    assert found("H % 8 == 0, W >= 20") == []
    assert found("H % 8 == 1, W >= 20") == []
    assert found("H % 8 == 2, W >= 20") == ["NS404"]
    assert found("H % 8 == 0, W >= 19") == ["NS404"]
    assert found("H % 4 == 0, W >= 20") == ["NS404"]
    assert found("H % 4 == 0, W >= 20", H=16) == []
    block = "block even() { input by: [N] where N % 2 == 0\n add with by }\n"
    for size, codes_of_it in (("8", []), ("7", ["NS404"]), ("K", ["NS404"])):
        assert codes(made(f"{block} net Sums {{ input x: [{size}]\n even with x }}")) == codes_of_it


@pytest.mark.parametrize(
    ("test", "outcome"),
    [
        ("H == H", True), ("H // 2 * 2 == H", None), ("H % 2 == 3", False), ("H == H + 1", False),
        ("H >= 1", True), ("H >= 2", None), ("H < 1", False), ("H <= 0.5", False), ("H > 0.5", True),
        ("H != 3", None), ("not H == 3", None), ("H != H", False), ("H == 2.5", False),
        ("H == W", None), ("H < W", None), ("H + W > 1", True), ("2 * H == 2 * W + 1", False),
        ("H in (1, 2)", None), ("H in (H, 2)", True), ("H in (0, -1)", False), ("2 in (H, 3)", None),
        ("(H, 3) == (H, 3)", True), ("(H, 3) == (W, 4)", False), ("(H, 3) == (W, 3)", None), ("(H,) == (H, 3)", False),
        ("H == W or true", True), ("H == W or false", None), ("H == W and false", False), ("H == W and true", None),
        ("H == 3 or H != 3", True), ("H == 3 and H != 3", False), ("H * W == 6 or (H, W) != (2, 3)", True),
        ("H * W == 7 or (H, W) != (2, 3)", None), ("not (H * W != 6 and (H, W) == (2, 3))", True),
        ("1 <= H <= 0", False), ("1 <= H < H + 1", True), ("2 <= H < H + 1", None),
        ("D % 4 == 0", True), ("D % 8 == 0", None), ("D % 4 == 1", False), ("D >= 4", True), ("D <= 40", True),
        ("D == 6", False), ("D // 2 % 2 == 0", True), ("D == 41", False), ("image.shape[1:] == (H, W, D)", True),
    ],
)  # fmt: skip
def test_what_a_test_of_open_sizes_is(test: str, outcome: bool | None):
    """True or false at all sizes, or an error; a claim that is not true at all sizes is one too."""
    head = "net N { input image: [3, H, W, D] where D % 4 == 0, D <= 40\n"
    chosen = made(f"{head} if {test} {{ conv 1 k=1 }} else {{ conv 2 k=1 }} }}")
    found = codes(chosen)
    assert ("NS405" in found) == (outcome is None), found
    if outcome is not None:
        root = chosen.types[chosen.network.root.name] if chosen.network else {}
        assert any(type.shape[0] == (1 if outcome else 2) for type in root.values())
    claimed = codes(made(f"{head} relu\n assert not not ({test}) }}"))
    assert claimed == {True: [], False: ["NS402"], None: ["NS403"]}[outcome]


RANGES = ("H % 32 == 0", "H % 16 == 12", "H >= 64", "64 <= H <= 300", "H % 3 == 1, H <= 500", "H % 6 == 2, H > 40")
LAYERS = (
    "conv 4 k=3 stride=2 pad=1 -> maxpool 2 -> upsample 3",
    "avgpool 3 stride=2 pad=1 ceil=true -> conv 4 k=5 pad=2",
    "conv 2 k=1 -> adaptiveavgpool 3",
    "upconv 3 k=2 stride=2 -> crop 9",
)


@pytest.mark.parametrize("where", RANGES)
@pytest.mark.parametrize("layers", LAYERS)
def test_formulas_are_the_numbers_at_sizes_that_meet_the_conditions(where: str, layers: str):
    """Shapes and costs with symbols, at sizes in range, are those of the check at these sizes; also through JSON."""
    text = f"net N {{ input image: [3, H, W] where {where}, W >= 8\n {layers} }}"
    formulas = made(text)
    assert formulas.network is not None
    again = made(formulas.network.model_dump_json())
    assert again.network == formulas.network
    assert again.network.model_dump_json() == formulas.network.model_dump_json()
    assert again.types == formulas.types
    shape = formulas.network.inputs[0].type.shape
    assert isinstance(shape[1], Expr)
    (h,) = shape[1].variables
    draw = random.Random(where + layers)
    for _ in range(5):
        at = {
            "H": h.low + h.divisor * draw.randrange(((h.high or 900) - h.low) // h.divisor + 1),
            "W": draw.randint(8, 99),
        }
        numbers = made(text, **at)
        assert codes(numbers) == codes(formulas) == []
        for compilation in (formulas, again):
            assert at_sizes(compilation, at) == at_sizes(numbers, at)


def at_sizes(compilation: Compilation, at: dict[str, int]) -> tuple[list[list[int]], list[int]]:
    """All shapes, and the totals."""

    def number(size: Dim) -> int:
        return value(size, at)

    shapes = [list(map(number, type.shape)) for types in compilation.types.values() for type in types.values()]
    assert compilation.totals is not None
    return shapes, [number(figure) for figure in compilation.totals]


def test_ir_that_contradicts_itself():
    text = made("net N { input x: [3, H] where H % 4 == 2, H <= 99\n relu }").network
    assert isinstance(text, Network)
    json = text.model_dump_json()
    assert '"symbols":[{"name":"H","low":2,"high":98,"divisor":4,"remainder":2}]' in json
    for old, new in (
        ('"high":98', '"high":1'),
        ('"low":2', '"low":-2'),
        ('"divisor":4', '"divisor":0'),
        ('"symbols":[', '"symbols":[{"name":"H"},'),
        ('"name":"H"', '"name":"H W"'),
        ('[3,"H"]', '[3,"H - 98"]'),
    ):
        assert old in json
        assert codes(made(json.replace(old, new))) == ["NS002"], new
