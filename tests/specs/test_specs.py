"""The bundled specs: sound, at the figures that papers and torchvision publish, with claims that can fail."""

# ruff: noqa: E501  # the tables have one case a line

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch

import netspec
from netspec import resources
from netspec.driver import Compilation, compile_source, find_source, missing_values, net_names
from netspec.elaborate.files import source_from_bytes

# net -> parameters, MACs. From docs and papers, or by hand, not from the specs.
FIGURES: dict[str, tuple[int, int]] = {
    # LeCun et al. 1998: 60,000 trainable parameters; MACs of C1, C3, C5, F6: 117,600 + 150,000 + 48,000 + 10,080
    "lenet5:LeNet5": (60_000, 325_680),
    # Dive into Deep Learning; 28*28*6*25 + 10*10*16*150 + 400*120 + 120*84 + 84*10
    "lenet:LeNet": (61_706, 416_520),
    # Krizhevsky et al. 2012: 105,415,200 + 223,948,800 + 149,520,384 + 112,140,288 + 74,760,192 + dense 58,621,952
    "alexnet:AlexNet2012": (60_965_224, 724_406_816),
    "alexnet:AlexNet": (61_100_840, 714_188_480),
    "vgg:VGG11": (132_863_336, 7_609_090_048),
    "vgg:VGG13": (133_047_848, 11_308_466_176),
    "vgg:VGG16": (138_357_544, 15_470_264_320),
    "vgg:VGG19": (143_667_240, 19_632_062_464),
    "vgg:VGG11BN": (132_868_840, 7_609_090_048),
    "vgg:VGG13BN": (133_053_736, 11_308_466_176),
    "vgg:VGG16BN": (138_365_992, 15_470_264_320),
    "vgg:VGG19BN": (143_678_248, 19_632_062_464),
    "nin:NiN": (966_986, 222_486_528),
    "nin:NiNImageNet": (1_992_166, 762_297_352),
    "googlenet:GoogLeNet2014": (6_998_552, 1_582_671_872),
    "googlenet:GoogLeNet": (6_624_904, 1_498_376_192),
    "googlenet:GoogLeNetAux": (13_004_888, 1_506_748_416),
    "resnet:ResNet18": (11_689_512, 1_814_073_344),
    "resnet:ResNet34": (21_797_672, 3_663_761_408),
    "resnet:ResNet50": (25_557_032, 4_089_184_256),
    "resnet:ResNet101": (44_549_160, 7_801_405_440),
    "resnet:ResNet152": (60_192_808, 11_513_626_624),
    "densenet:DenseNet121": (7_978_856, 2_834_161_664),
    "densenet:DenseNet161": (28_681_000, 7_727_907_072),
    "densenet:DenseNet169": (14_149_480, 3_359_843_328),
    "densenet:DenseNet201": (20_013_928, 4_291_365_888),
    "mobilenet_v2:MobileNetV2": (3_504_872, 300_774_272),
    "squeezenet:SqueezeNet10": (1_248_424, 818_924_576),
    "squeezenet:SqueezeNet11": (1_235_496, 349_151_936),
    "unet:UNet": (31_030_658, 150_428_424_448),
    # 320 + 18,496 + 73,856 + 16,512 + 1,290; 26*26*288 + 11*11*18,432 + 9*73,728 + 16,384 + 1,280
    "mnist_cnn:MnistCNN": (110_474, 3_106_176),
    # 320 + 18,496 + 73,856 + 65,664 + 1,290; 13*13*288 + 36*18,432 + 4*73,728 + 65,536 + 1,280
    "strided_cnn:StridedCNN": (159_626, 1_073_952),
    "edges:Edges": (0, 84),
    "corr2d:Corr2D": (0, 16),
    # "Dive into Deep Learning", one bias per gate in the first net of each: 1027*256 + 256*256 + 256 = 328,704 a gate, and
    # 256*1027 + 1027 = 263,939 of the output; 35 steps of 328,448 products a gate and 262,912 of the output
    "rnn_lm:RNNLM": (592_643, 20_697_600),
    "rnn_lm:RNNLMState": (592_899, 20_697_600),
    "rnn_lm:DeepRNNLM": (724_483, 25_285_120),
    "rnn_lm:BiRNNLM": (1_184_771, 41_395_200),
    "gru_lm:GRULM": (1_250_051, 43_688_960),
    "gru_lm:GRULMState": (1_250_819, 43_688_960),
    "gru_lm:DeepGRULM": (1_645_571, 57_451_520),
    "gru_lm:BiGRULM": (2_500_611, 87_377_920),
    "lstm_lm:LSTMLM": (1_578_755, 55_184_640),
    "lstm_lm:LSTMLMState": (1_579_779, 55_184_640),
    "lstm_lm:DeepLSTMLM": (2_106_115, 73_534_720),
    "lstm_lm:BiLSTMLM": (4_735_491, 165_419_520),
    # 1,000,000 of the embedding, 733,184 + 1,576,960 of the layers, 8,721; 20 steps of 729,088 + 1,572,864 + 8,704
    "tagger:Tagger": (3_318_865, 46_213_120),
    # 2*500*32, 2 LSTMs of 2 layers of 4*(32*64 + 64), 32*500 + 500; 12 and 10 steps of 16,384 and 10 of 16,000
    "seq2seq:Seq2Seq": (82_292, 520_448),
    # Sutskever et al. 2014: "384M parameters of which 64M are pure recurrent connections"
    "seq2seq:Sutskever2014": (384_000_000, 4_320_000_000),
    # 864 + 64 + 9,216 + 64 + 18,432 + 128 + 36,864 + 128 + 524,288 + 256 + 1,290
    "bn_dropout_cnn:BnDropoutCNN": (591_594, 25_003_264),
}

STATIONS: dict[str, dict[str, tuple[int, ...]]] = {
    "lenet5:LeNet5": {"c1": (6, 28, 28), "s2": (6, 14, 14), "c3": (16, 10, 10), "s4": (16, 5, 5), "c5": (120, 1, 1)},
    "alexnet:AlexNet": {"features.0": (64, 55, 55), "features.5": (192, 13, 13), "features.12": (256, 6, 6)},
    "alexnet:AlexNet2012": {"conv1": (96, 55, 55), "conv2": (256, 27, 27), "conv5": (256, 13, 13)},
    "vgg:VGG16": {"features.4": (64, 112, 112), "features.16": (256, 28, 28), "features.30": (512, 7, 7)},
    "vgg:VGG19BN": {"features.6": (64, 112, 112), "features.52": (512, 7, 7)},
    "nin:NiNImageNet": {"nin1": (96, 54, 54), "nin2": (256, 26, 26), "nin3": (384, 12, 12), "nin4": (10, 5, 5)},
    "googlenet:GoogLeNet2014": {"inception3a": (256, 28, 28), "inception4e": (832, 14, 14), "inception5b": (1024, 7, 7)},
    "googlenet:GoogLeNet": {"inception3a": (256, 28, 28), "inception4e": (832, 14, 14), "inception5b": (1024, 7, 7)},
    "resnet:ResNet18": {"conv1": (64, 112, 112), "layer1": (64, 56, 56), "layer4": (512, 7, 7)},
    "resnet:ResNet152": {"layer2": (512, 28, 28), "layer3": (1024, 14, 14), "layer4": (2048, 7, 7)},
    "densenet:DenseNet121": {"features.denseblock1": (256, 56, 56), "features.denseblock4": (1024, 7, 7)},
    "densenet:DenseNet161": {"features.conv0": (96, 112, 112), "features.denseblock4": (2208, 7, 7)},
    "densenet:DenseNet201": {"features.denseblock3": (1792, 14, 14), "features.denseblock4": (1920, 7, 7)},
    "mobilenet_v2:MobileNetV2": {"features.1": (16, 112, 112), "features.7": (64, 14, 14), "features.18": (1280, 7, 7)},
    "squeezenet:SqueezeNet10": {"features.0": (96, 109, 109), "features.2": (96, 54, 54), "features.12": (512, 13, 13)},
    "squeezenet:SqueezeNet11": {"features.0": (64, 111, 111), "features.2": (64, 55, 55), "features.12": (512, 13, 13)},
    "unet:UNet": {"down1": (64, 568, 568), "bottom": (1024, 28, 28), "up4": (512, 52, 52), "up1": (64, 388, 388)},
    "mnist_cnn:MnistCNN": {"pool1": (32, 13, 13), "conv2": (64, 11, 11), "pool3": (128, 1, 1)},
    "strided_cnn:StridedCNN": {"conv1": (32, 13, 13), "conv2": (64, 6, 6), "conv3": (128, 2, 2)},
    "edges:Edges": {"conv1": (1, 6, 7)},
    "corr2d:Corr2D": {"conv1": (1, 2, 2)},
}  # fmt: skip

FIXED = {"lenet5:LeNet5", "edges:Edges", "corr2d:Corr2D"}  # their classes and sizes are the paper's
OWN_SPECS = {net.split(":")[0] for net in FIGURES}
SEQUENCES = ("rnn_lm", "gru_lm", "lstm_lm", "tagger", "seq2seq")
FULLY_SYMBOLIC = ("vgg", "resnet", "nin", "densenet", "mobilenet_v2", "squeezenet")
AT_ANY_SIZE = [net for net in FIGURES if net.startswith(FULLY_SYMBOLIC) or net in (
    "alexnet:AlexNet", "googlenet:GoogLeNet", "googlenet:GoogLeNetAux",
)]  # fmt: skip


def all_nets() -> list[str]:
    """Every net of every bundled spec that can be checked by itself."""
    found = []
    for spec in resources.spec_names():
        definitions = compile_source(find_source(spec))[0].definitions
        found += [f"{spec}:{net}" for net in net_names(definitions) if not missing_values(definitions, net)]
    return found


def check(target: str, symbolic: bool = False, **settings: Any) -> Compilation:
    spec, net = target.split(":")
    return Compilation(find_source(spec), net, settings, symbolic=symbolic)


def test_every_net_has_its_figures_here() -> None:
    missing = [net for net in all_nets() if net not in FIGURES and net.split(":")[0] in OWN_SPECS]
    assert missing == []


@pytest.mark.parametrize("target", all_nets())
def test_checks_clean(target: str) -> None:
    made = check(target)
    assert (made.diagnostics, made.warnings) == ((), ())


@pytest.mark.parametrize("target", FIGURES)
def test_published_figures(target: str) -> None:
    net = netspec.load(target)
    assert (net.params, net.macs) == FIGURES[target]


@pytest.mark.parametrize("target", STATIONS)
def test_shapes_on_the_way(target: str) -> None:
    net = netspec.load(target)
    assert {path: net[path].output for path in STATIONS[target]} == STATIONS[target]


def test_lenet5_has_the_parameters_and_connections_of_the_paper() -> None:
    net = netspec.load("lenet5")
    assert {
        label: (net[label].params, net[label].connections) for label in ("c1", "s2", "c3", "s4", "c5", "f6", "out")
    } == {
        "c1": (156, 122_304),
        "s2": (12, 5_880),
        "c3": (1_516, 151_600),
        "s4": (32, 2_000),
        "c5": (48_120, 48_120),
        "f6": (10_164, 10_164),
        "out": (0, 840),
    }
    assert net.connections == 340_908
    assert net["out"].weights == {"centers": (10, 84)}


@pytest.mark.parametrize("target", [net for net in FIGURES if net not in FIXED and not net.startswith(SEQUENCES)])
def test_other_classes_are_no_false_claim(target: str) -> None:
    made = check(target, classes=7)
    assert made.diagnostics == ()
    first = next(iter(netspec.load(target, classes=7).outputs.values()))
    assert first == ((7, 388, 388) if target == "unet:UNet" else (7,))


@pytest.mark.parametrize("target", [net for net in FIGURES if net.startswith(SEQUENCES)])
def test_other_words_and_lengths_are_no_false_claim(target: str) -> None:
    """Claims hold for every length, and for other numbers of words."""
    assert check(target, symbolic=True).diagnostics == ()
    words = {"tagger:Tagger": "tags", "seq2seq:Sutskever2014": "target_words"}.get(target, "vocab")
    made = check(target, **{words: 50, "T": 6})
    assert made.diagnostics == ()
    assert next(iter(netspec.load(target, **{words: 50, "T": 6}).outputs.values())) == (6, 50)


@pytest.mark.parametrize("target", AT_ANY_SIZE)
def test_other_image_sizes_are_no_false_claim(target: str) -> None:
    assert check(target, H=257, W=320).diagnostics == ()


@pytest.mark.parametrize("target", AT_ANY_SIZE)
def test_claims_hold_at_every_size(target: str) -> None:
    """With symbolic H and W: the shape claims are proven as formulas."""
    made = check(target, symbolic=True)
    assert made.diagnostics == ()
    assert made.totals is not None
    assert made.totals.params == FIGURES[target][0]
    assert {"H", "W"} <= set(re.findall("[A-Z]", str(made.totals.macs)))


def test_outputs_of_the_net_with_auxiliary_classifiers() -> None:
    assert netspec.load("googlenet:GoogLeNetAux").outputs == {"fc": (1000,), "aux1": (1000,), "aux2": (1000,)}


def literal_conv(target: str, image: torch.Tensor) -> list[list[float]]:
    """What the one convolution of a net, whose weights are literal, makes of a one-channel image."""
    (node,) = netspec.load(target).ir.root.nodes
    kernel = torch.tensor(node.layer.weight, dtype=torch.float32)
    return torch.nn.functional.conv2d(image[None, None], kernel[None, None])[0, 0].tolist()


def test_the_textbook_cross_correlation() -> None:
    assert literal_conv("corr2d", torch.arange(9.0).reshape(3, 3)) == [[19, 25], [37, 43]]


def test_the_textbook_edge_detector() -> None:
    image = torch.ones(6, 8)
    image[:, 2:6] = 0
    assert literal_conv("edges", image) == [[0, 1, 0, 0, 0, -1, 0]] * 6


def test_a_resnet_of_ones_own_needs_no_published_figures() -> None:
    text = find_source("resnet").text + "net Tiny = ResNet unit=basic depths=(1, 1, 1, 1) classes=10\n"
    assert netspec.loads(text, net="Tiny").params == 4_910_922


# -- claims can fail ------------------------------------------------------------------------------------

SHAPE = re.compile(r"-> \[([^\]]*)\]")
FIGURE = re.compile(r"(?<=== )[0-9][0-9_]*")


def wrong_claims(text: str) -> list[tuple[str, str, int]]:
    """Copies of a spec with one number of one claim wrong: the text, the code to expect, the line."""
    copies = []
    lines = text.splitlines(keepends=True)
    for at, line in enumerate(lines):
        code = line.split("#")[0]
        edits = []
        for match in SHAPE.finditer(code):
            sizes = match[1].split(", ")
            axis = next((i for i, size in enumerate(sizes) if size != "_"), None)
            if axis is not None:
                sizes[axis] += " + 1"
                edits.append((match.start(1), match.end(1), ", ".join(sizes), "NS401"))
        if "assert" in code:
            edits += [(m.start(), m.end(), f"{int(m[0]) + 1}", "NS402") for m in FIGURE.finditer(code)]
        for start, end, new, expected in edits:
            copies.append(("".join([*lines[:at], line[:start] + new + line[end:], *lines[at + 1 :]]), expected, at + 1))
    return copies


def wrong_cases() -> list[Any]:
    cases = []
    for spec in sorted(OWN_SPECS):
        text = find_source(spec).text
        for number, (copy, expected, line) in enumerate(wrong_claims(text)):
            cases.append(pytest.param(spec, copy, expected, id=f"{spec}-line{line}-{number}"))
    return cases


@pytest.mark.parametrize(("spec", "text", "expected"), wrong_cases())
def test_a_wrong_claim_is_refuted(spec: str, text: str, expected: str) -> None:
    nets = compile_source(source_from_bytes(text.encode(), f"{spec}.net", None))
    found = {diagnostic.code for net in nets for diagnostic in net.diagnostics}
    assert found == {expected}


@pytest.mark.parametrize("spec", sorted(OWN_SPECS))
def test_every_spec_has_a_source_and_claims(spec: str) -> None:
    text = find_source(spec).text
    assert text.startswith("# ")
    assert {expected for _, expected, _ in wrong_claims(text)} == {"NS401", "NS402"}
    assert max(map(len, text.splitlines())) <= 120
    assert Path(find_source(spec).path or "").suffix == ".net"
