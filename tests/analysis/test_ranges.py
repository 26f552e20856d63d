"""The sizes at which formulas hold, against checks at numbers: at the reported sizes and one beyond."""

from __future__ import annotations

import random
from typing import Any

import pytest

from netspec import loads, resources
from netspec.analysis.lints_layers import LayerLints
from netspec.analysis.ranges import Ranges, layers
from netspec.driver import Compilation, compile_source, find_source
from netspec.elaborate import declarations
from netspec.emit.sizes import ranges_lines
from netspec.ir.decide import Condition
from netspec.ir.dims import Expr, symbol, value
from netspec.source import SourceFile


def compiled(text: str, net: str | None = None, symbolic: bool = False, **sizes: int) -> Compilation:
    return Compilation(SourceFile("test.net", text), net, sizes, symbolic=symbolic)


def ranges_of(text: str) -> Ranges:
    made = compiled(text, symbolic=True)
    assert made.sound, made.diagnostics
    assert made.ranges is not None
    return made.ranges


def holds(condition: Condition | None, size: int) -> bool:
    return condition is not None and size % condition.divisor in condition.remainders


def first_that_fails(made: Compilation) -> str:
    """The path of the first layer that refuses what comes in."""
    assert made.network is not None
    return next(
        place.path
        for place, inputs, output in layers(made.network, made.types)
        if not output.known and all(x.known for x in inputs)
    )


def symbolic_specs() -> list[Any]:
    found = []
    for name in resources.spec_names():
        for made in compile_source(find_source(name), symbolic=True):
            network = made.network
            if network and any(isinstance(d, Expr) for item in network.inputs for d in item.type.shape):
                found.append(pytest.param(name, made.name, id=f"{name}:{made.name}"))
    return found


@pytest.mark.parametrize(("spec", "net"), symbolic_specs())
def test_a_spec_fits_at_its_smallest_and_largest_sizes_and_not_beyond(spec: str, net: str) -> None:
    source = find_source(spec)
    made = Compilation(source, net, symbolic=True)
    assert made.sound
    assert made.network is not None
    assert made.ranges is not None
    assert not made.ranges.joint
    smallest = {r.name: r.least for r in made.ranges.symbols.values()}
    assert Compilation(source, net, smallest).sound
    for r in made.ranges.symbols.values():
        declared = next(s for i in made.network.inputs for n in i.type.shape if isinstance(n, Expr)
                        for s in n.variables if s.name == r.name)  # fmt: skip
        assert r.fits == Condition(r.name, declared.divisor, (declared.remainder,))
        for size, limit in ((r.least - 1, r.least_by), (None if r.most is None else r.most + 1, r.most_by)):
            if limit is None:
                assert size in (declared.low - 1, None if declared.high is None else declared.high + 1)
                continue
            assert size is not None
            beyond = Compilation(source, net, {**smallest, r.name: size})
            assert not beyond.sound
            assert first_that_fails(beyond) == limit.place.path
        if r.most is not None:
            assert Compilation(source, net, {**smallest, r.name: r.most}).sound


@pytest.mark.parametrize(
    ("spec", "net", "least", "layer", "reason"),
    [
        ("alexnet", "AlexNet", 63, "features.12", "would see 2 rows of 3"),
        ("vgg", "VGG11", 32, "features.20", "would see 1 row of 2"),
        ("densenet", "DenseNet121", 29, "features.transition3.pool", "would see 1 row of 2"),
        ("squeezenet", "SqueezeNet11", 17, "features.8", "would see 1 row of 3"),
        ("googlenet", "GoogLeNet", 15, "maxpool3", "would see 1 row of 3"),
    ],
)
def test_the_smallest_images_of_known_networks(spec: str, net: str, least: int, layer: str, reason: str) -> None:
    # torchvision's alexnet, vgg11, ... take images of these sizes, and not of one row less
    made = Compilation(find_source(spec), net, symbolic=True)
    assert made.ranges is not None
    found = made.ranges.symbols["H"]
    assert found.least == least
    assert found.least_by is not None
    assert (found.least_by.place.path, found.least_by.reason) == (layer, reason)


def test_positions_bound_a_sequence_from_above() -> None:
    made = Compilation(find_source("bert"), "BERT", symbolic=True)
    assert made.ranges is not None
    found = made.ranges.symbols["T"]
    assert (found.least, found.most, found.least_by) == (1, 512, None)
    assert str(found.most_by) == "embeddings.position_embeddings has 512 rows"


def test_a_residual_network_takes_images_of_any_size_and_drops_nothing() -> None:
    made = Compilation(find_source("resnet"), "ResNet50", symbolic=True)
    assert made.ranges is not None
    assert all(r.least == 1 and r.most is None for r in made.ranges.symbols.values())
    assert made.ranges.slides
    assert not made.ranges.drops


@pytest.mark.parametrize(
    ("body", "least", "reason"),
    [
        ("conv 4 k=7", 7, "conv1 would see 6 positions of 7"),
        ("conv 4 k=7 pad=2", 3, "conv1 would see 6 positions of 7"),
        ("conv 4 k=3 dilation=4", 9, "conv1 would see 8 positions of 3 (dilated to 9)"),
        ("conv 4 k=9 pad=4 pad_mode=reflect", 5, "conv1 would pad 4 by 4 along the length"),
        ("maxpool 3 ceil=true", 1, None),
        ("upsample 0.25", 4, "upsample1 would have nothing left of the length"),
        ("slice 1 5 -3", 9, "slice1 would take 5 to 5 of 8"),
        ("crop 6", 6, "crop1 would take 6 of 5 along the length"),
        ("instancenorm", 2, "instancenorm1 would see one element"),
        ("maxpool 2 dilation=3 pad=1 stride=1", 3, "maxpool1 would see nothing but padding"),
        ("conv 4 k=3 -> maxpool 2 -> conv 4 k=3", 8, "conv2 would see 2 positions of 3"),
        ("repeat 3 { conv 4 k=3 -> maxpool 2 }", 22, "repeat1.2.maxpool1 would see 1 position of 2"),
    ],
)
def test_the_smallest_size_and_what_decides_it(body: str, least: int, reason: str | None) -> None:
    found = ranges_of(f"net A {{ input x: [4, L]\n {body} }}").symbols["L"]
    assert found.least == least
    assert (None if found.least_by is None else str(found.least_by)) == reason


def test_a_condition_on_two_sizes_stays_a_formula() -> None:
    found = ranges_of("""
        net Patches {
          input image: [3, H, W]
          conv 8 k=16 stride=16 -> reshape (8, -1) -> permute (1, 0) -> position 196
        }
        """)
    assert [joint.condition for joint in found.joint] == ["(H // 16)*(W // 16) <= 196"]
    assert found.symbols["H"].least == found.symbols["W"].least == 16


def test_a_square_of_a_size_is_solved() -> None:
    found = ranges_of("""
        net Patches {
          input image: [3, S, S]
          conv 8 k=16 stride=16 -> reshape (8, -1) -> permute (1, 0) -> position 196
        }
        """)
    assert (found.symbols["S"].least, found.symbols["S"].most) == (16, 239)  # 14 * 14 patches


def test_a_symbol_in_two_inputs_has_one_range() -> None:
    found = ranges_of("""
        net Two {
          input a: [4, L]
          input b: [4, L]
          from a -> conv 4 k=3 pad=1 -> a2: maxpool 5 pad=2 stride=1
          from b -> conv 4 k=11 pad=5 pad_mode=circular -> add with a2
        }
        """)
    assert found.symbols["L"].least == 5
    assert str(found.symbols["L"].least_by) == "conv2 would pad 4 by 5 along the length"


# -- what windows leave out -------------------------------------------------------------------------------------


def dropped(made: Compilation) -> bool:
    """Whether there is a warning about input that no window reads, whatever comments allow."""
    assert made.network is not None
    assert made._elaborator is not None
    lints = LayerLints(made.network, made.types, made.node_totals, made._elaborator.spans)
    return any(warning.code == "W202" for warning in lints.run(True))


@pytest.mark.parametrize(
    ("spec", "net", "whole"),
    [
        ("vgg", "VGG11", "H % 32 == 0"),
        ("alexnet", "AlexNet", "H % 32 in (0, 1, 31)"),
        ("densenet", "DenseNet121", "H % 32 in (0, 29, 30, 31)"),
        ("squeezenet", "SqueezeNet10", "H % 2 == 1"),
        ("nin", "NiNImageNet", "H % 32 == 3"),
        ("googlenet", "GoogLeNet", "H % 1 == 0"),
    ],
)
def test_nothing_is_dropped_just_where_no_warning_says_so(spec: str, net: str, whole: str) -> None:
    source = find_source(spec)
    made = Compilation(source, net, symbolic=True)
    assert made.ranges is not None
    found = made.ranges.symbols["H"]
    assert str(found.whole) == whole
    good = next(n for n in range(200, 300) if holds(found.whole, n))
    for size in range(found.least, found.least + 40):
        at = Compilation(source, net, {"H": size, "W": good})
        assert dropped(at) == (not holds(found.whole, size)), size


def test_a_stride_larger_than_its_window_drops_by_design() -> None:
    found = ranges_of("net A { input x: [4, L]\n conv 4 k=1 stride=2 }")
    assert not found.drops
    found = ranges_of("net A { input x: [4, L]\n subsample 3 }")
    assert [drop.unless for drop in found.drops] == ["L % 3 == 0"]


def declared(spec: str, net: str, monkeypatch: pytest.MonkeyPatch, *bounds: Any) -> Ranges:
    """The ranges of a spec whose symbols are declared with bounds."""
    monkeypatch.setattr(declarations, "symbol", lambda name: symbol(name, *bounds))
    made = Compilation(find_source(spec), net, symbolic=True)
    assert made.ranges is not None
    return made.ranges


def test_what_is_declared_bounds_what_layers_need(monkeypatch: pytest.MonkeyPatch) -> None:
    found = declared("vgg", "VGG11", monkeypatch, 64, 512, 32)
    assert ranges_lines(found) == [
        "64 <= H <= 512, H % 32 == 0 (declared), 64 <= W <= 512, W % 32 == 0 (declared)",
        "nothing is dropped at any size",
    ]
    found = declared("alexnet", "AlexNet", monkeypatch, 1, None, 16, 12)
    assert ranges_lines(found)[:2] == [
        "H >= 76, H % 16 == 12 (features.12 would see 2 rows of 3), W >= 76, W % 16 == 12",
        "features.2 drops some of the height at most sizes",
    ]
    found = declared("bert", "BERT", monkeypatch, 100, 1000)
    assert ranges_lines(found) == ["100 <= T <= 512 (declared; embeddings.position_embeddings has 512 rows)"]


def test_many_large_strides_take_no_time() -> None:
    steps = "\n".join(f"from x -> a{i}: maxpool {4000 - i} stride={4000 - i}" for i in range(40))
    found = ranges_of(f"net A {{ input x: [4, L]\n{steps}\n return a1, a39 }}")
    assert found.symbols["L"].least == 4000
    assert found.symbols["L"].whole is None
    assert {drop.unless for drop in found.drops} >= {"L % 4000 == 0", "L % 3999 == 0", None}


# -- against numbers --------------------------------------------------------------------------------------------

PIECES = [
    "conv 4 k={k} stride={s} pad={p} dilation={d}", "conv 4 k={k} pad={p} pad_mode=reflect",
    "conv 4 k={k} pad={p} pad_mode=circular stride={s}", "maxpool {k} stride={s}", "maxpool {k} stride={s} ceil=true",
    "maxpool {k} pad={h} dilation={d} stride={s}", "avgpool {k} pad={h} stride={s} ceil=true", "upsample 2",
    "upsample 0.5", "slice 1 {p} -{s}", "pad {p}", "crop {k}", "instancenorm", "conv 4 k={k} pad=same",
    "maxpool {k} stride={s} pad=same", "adaptiveavgpool {k}", "upconv 4 k={k} stride={s} pad={p}",
    "permute (1, 0) -> position {most} -> permute (1, 0)", "add { | maxpool {k} stride=1 pad=same | identity }",
]  # fmt: skip


def random_chain(seed: int) -> str:
    draw = random.Random(seed)
    steps = []
    for _ in range(draw.randint(1, 5)):
        k = draw.randint(1, 7)
        sizes = {"k": k, "s": draw.randint(1, 4), "p": draw.randint(0, 3), "d": draw.randint(1, 3), "h": k // 2,
                 "most": draw.randint(5, 40)}  # fmt: skip
        piece = draw.choice(PIECES)
        for name, size in sizes.items():
            piece = piece.replace(f"{{{name}}}", str(size))
        steps.append(piece)
    return "net Chain {\n input x: [4, L]\n" + "\n".join(steps) + "\n}\n"


@pytest.mark.parametrize("seed", range(60))
def test_random_chains_fit_just_within_their_range(seed: int) -> None:
    text = random_chain(seed)
    made = compiled(text, symbolic=True)
    if not made.sound:  # at no size, or at some that symbols cannot say
        return
    assert made.ranges is not None
    found = made.ranges.symbols["L"]
    assert not made.ranges.joint
    peak = made.peak_activation_bytes
    assert peak is not None
    assert made.totals is not None
    for size in range(1, 90):
        at = compiled(text, L=size)
        if size == found.least - 1 or (found.most is not None and size == found.most + 1):
            assert not at.sound, (text, size)
        if not (found.least <= size <= (found.most or size) and holds(found.fits, size)):
            continue
        assert at.sound, (text, size, at.diagnostics)
        assert at.totals is not None
        assert [value(total, {"L": size}) for total in made.totals] == list(at.totals), (text, size)
        assert value(peak, {"L": size}) == at.peak_activation_bytes, (text, size)


def test_ir_without_its_text_has_the_same_range() -> None:
    text = "net A {\n input x: [4, L]\n conv 4 k=7\n}\n"
    ir = loads(text).ir.model_dump_json()
    made = Compilation(SourceFile("a.json", ir))
    assert made.ranges is not None
    assert made.ranges.symbols["L"].least == 7


def test_a_net_of_numbers_has_no_ranges() -> None:
    assert compiled("net A { input x: [4, 9]\n conv 4 k=3 }").ranges is None
    assert compiled("net A { input x: [4, L]\n conv 4 k=3 groups=3 }").ranges is None  # nor has a wrong one
