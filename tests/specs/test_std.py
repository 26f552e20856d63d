"""The blocks of the standard library against torch, and whole nets of published figures made of them."""

# specs may be 120 wide

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest
import torch
from torch import nn
from torchvision_mirrors import (
    BasicBlock,
    Bottleneck,
    DenseLayer,
    Fire,
    InvertedResidual,
    SqueezeExcitation,
    Transition,
)
from weights_by_name import state_dict_of, torch_params, torch_run, torch_state_dict

import netspec
from netspec.driver import compile_source
from netspec.elaborate.files import source_from_bytes, standard_names


def use(block: str, channels: int, size: str = "H=20, W=21") -> str:
    return f"net Use {{\n  input x: [{channels}, {size}]\n  unit: {block}\n}}\n"


# -- with torchvision's names ----------------------------------------------------------------------------


class Named(NamedTuple):
    block: str
    channels: int
    mirror: Callable[[], nn.Module]


NAMED = [
    Named("basic 64", 64, lambda: BasicBlock(64, 64)),
    Named("basic 128 stride=2", 64, lambda: BasicBlock(64, 128, 2)),
    Named("basic 128", 64, lambda: BasicBlock(64, 128)),
    Named("bottleneck 64", 256, lambda: Bottleneck(256, 64)),
    Named("bottleneck 64", 64, lambda: Bottleneck(64, 64)),
    Named("bottleneck 128 stride=2", 256, lambda: Bottleneck(256, 128, 2)),
    Named("bottleneck 128 stride=2 groups=32 base_width=4", 256, lambda: Bottleneck(256, 128, 2, 32, 4)),
    Named("bottleneck 64 base_width=128", 256, lambda: Bottleneck(256, 64, base=128)),
    Named("inverted 16 expand=1", 32, lambda: InvertedResidual(32, 16, 1, 1)),
    Named("inverted 24 stride=2", 16, lambda: InvertedResidual(16, 24, 2, 6)),
    Named("inverted 24", 24, lambda: InvertedResidual(24, 24, 1, 6)),
    Named("squeeze_excite", 64, lambda: SqueezeExcitation(64, 4)),
    Named("squeeze_excite 24", 96, lambda: SqueezeExcitation(96, 24)),
    Named("dense_layer 32", 64, lambda: DenseLayer(64, 32)),
    Named("transition", 256, lambda: Transition(256, 128)),
    Named("transition 100", 256, lambda: Transition(256, 100)),
    Named("fire 16 64 64", 96, lambda: Fire(96, 16, 64, 64)),
]


@pytest.mark.parametrize("case", NAMED, ids=lambda case: case.block)
def test_named_as_in_torchvision(case: Named) -> None:
    net = netspec.loads(use(case.block, case.channels))
    with torch.device("meta"):
        mirror = case.mirror()
    assert state_dict_of(net) == {f"unit.{name}": shape for name, shape in torch_state_dict(mirror).items()}
    assert net.params == torch_params(mirror)
    assert (net["unit"].output, net.macs) == torch_run(mirror, case.channels, 20, 21)


# -- with names of their own: weights in the order in which they stand -------------------------------------


class Branches(nn.Module):
    """Paths side by side, joined along the channels."""

    def __init__(self, *paths: nn.Module) -> None:
        super().__init__()
        self.paths = nn.ModuleList(paths)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([path(x) for path in self.paths], 1)


class Residual(nn.Module):
    def __init__(self, before: nn.Module, path: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.before, self.path, self.shortcut = before, path, shortcut

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.before(x)
        return self.path(x) + self.shortcut(x)


def conv_relu(channels: int, out: int, k: int, **kwargs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, out, k, **kwargs), nn.ReLU())


def conv(channels: int, out: int, k: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(channels, out, k, stride, k // 2, groups=groups, bias=False)


def inception() -> nn.Module:
    return Branches(
        conv_relu(192, 64, 1),
        nn.Sequential(conv_relu(192, 96, 1), conv_relu(96, 128, 3, padding=1)),
        nn.Sequential(conv_relu(192, 16, 1), conv_relu(16, 32, 5, padding=2)),
        nn.Sequential(nn.MaxPool2d(3, 1, 1), conv_relu(192, 32, 1)),
    )


def preactivation(channels: int, out: int, stride: int) -> nn.Module:
    before = nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU())
    path = nn.Sequential(conv(channels, out, 3, stride), nn.BatchNorm2d(out), nn.ReLU(), conv(out, out, 3))
    if stride != 1 or channels != out:
        return Residual(before, path, conv(channels, out, 1, stride))
    return Residual(nn.Identity(), nn.Sequential(before, path), nn.Identity())


def separable(channels: int, out: int, stride: int, k: int) -> nn.Module:
    return nn.Sequential(
        conv(channels, channels, k, stride, channels), nn.BatchNorm2d(channels), nn.ReLU(),
        conv(channels, out, 1), nn.BatchNorm2d(out), nn.ReLU(),
    )  # fmt: skip


def normalised_double() -> nn.Module:
    return nn.Sequential(conv(3, 64, 3), nn.BatchNorm2d(64), nn.ReLU(), conv(64, 64, 3), nn.BatchNorm2d(64), nn.ReLU())


OWN = [
    Named("inception 64 (96, 128) (16, 32) 32", 192, inception),
    Named(
        "nin 96 k=11 stride=4", 3,
        lambda: nn.Sequential(conv_relu(3, 96, 11, stride=4), conv_relu(96, 96, 1), conv_relu(96, 96, 1)),
    ),
    Named(
        "nin 192 k=5 pad=2 widths=(160, 96)", 3,
        lambda: nn.Sequential(conv_relu(3, 192, 5, padding=2), conv_relu(192, 160, 1), conv_relu(160, 96, 1)),
    ),
    Named("preactivation 64", 64, lambda: preactivation(64, 64, 1)),
    Named("preactivation 128 stride=2", 64, lambda: preactivation(64, 128, 2)),
    Named("depthwise_separable 64", 32, lambda: separable(32, 64, 1, 3)),
    Named("depthwise_separable 128 stride=2 k=5", 64, lambda: separable(64, 128, 2, 5)),
    Named("double 64 pad=0", 1, lambda: nn.Sequential(conv_relu(1, 64, 3), conv_relu(64, 64, 3))),
    Named("double 64 norm=batchnorm bias=false", 3, normalised_double),
]  # fmt: skip


@pytest.mark.parametrize("case", OWN, ids=lambda case: case.block)
def test_weights_and_figures(case: Named) -> None:
    net = netspec.loads(use(case.block, case.channels))
    with torch.device("meta"):
        mirror = case.mirror()
    assert list(state_dict_of(net).values()) == list(torch_state_dict(mirror).values())
    assert net.params == torch_params(mirror)
    assert (net["unit"].output, net.macs) == torch_run(mirror, case.channels, 20, 21)


@pytest.mark.parametrize(
    ("block", "channels", "output"),
    [
        ("basic 128 stride=2", 64, "[128, (H + 1) // 2, (W + 1) // 2]"),
        ("bottleneck 64", 64, "[256, H, W]"),
        ("preactivation 128 stride=2", 64, "[128, (H + 1) // 2, (W + 1) // 2]"),
        ("inverted 24 stride=2", 16, "[24, (H + 1) // 2, (W + 1) // 2]"),
        ("squeeze_excite", 64, "[64, H, W]"),
        ("inception 64 (96, 128) (16, 32) 32", 192, "[256, H, W]"),
        ("nin 96 k=5 pad=2", 3, "[96, H, W]"),
        ("dense_layer 32", 64, "[96, H, W]"),
        ("transition", 256, "[128, H // 2, W // 2]"),
        ("depthwise_separable 64 stride=2", 32, "[64, (H + 1) // 2, (W + 1) // 2]"),
        ("fire 16 64 64", 96, "[128, H, W]"),
        ("double 64", 3, "[64, H, W]"),
        ("double 64 pad=0", 3, "[64, H - 4, W - 4]"),
    ],
)
def test_output_at_every_size(block: str, channels: int, output: str) -> None:
    """The comment of each block says what comes out: for any height and width, as a claim."""
    text = use(f"{block} -> {output}", channels, "H, W")
    (made,) = compile_source(source_from_bytes(text.encode(), "use.net", None))
    assert (made.diagnostics, made.warnings) == ((), ())


def test_every_block_is_tested() -> None:
    tested = {case.block.split()[0] for case in (*NAMED, *OWN)}
    assert tested >= STD_OF_CNNS
    assert set(standard_names()) >= STD_OF_CNNS


STD_OF_CNNS = {
    "basic", "bottleneck", "dense_layer", "depthwise_separable", "double", "fire", "inception", "inverted", "nin",
    "preactivation", "squeeze_excite", "transition",
}  # fmt: skip


# -- whole nets of published figures -----------------------------------------------------------------------

MOBILENET_V1 = """
net MobileNetV1 {
  input image: [3, 224, 224]
  conv 32 k=3 stride=2 pad=1 bias=false -> batchnorm -> relu
  for (out, stride) in ( (64,1), (128,2), (128,1), (256,2), (256,1), (512,2), (512,1), (512,1), (512,1), (512,1),
                         (512,1), (1024,2), (1024,1) ) {
    depthwise_separable out stride=stride
  }
  globalavgpool -> flatten -> dense 1000
}
"""

RESNEXT = """
net Grouped(groups, base_width) {
  input image: [3, H=224, W=224]
  conv1: conv 64 k=7 stride=2 pad=3 bias=false -> bn1: batchnorm -> relu -> maxpool 3 stride=2 pad=1
  for (stage, depth) in enumerate((3, 4, 6, 3)) {
    "layer{stage + 1}": repeat depth as i {
      bottleneck (64 * 2 ** stage) stride=(2 if i == 0 and stage > 0 else 1) groups=groups base_width=base_width
    }
  }
  globalavgpool -> flatten -> fc: dense 1000
}
net ResNeXt50  = Grouped groups=32 base_width=4
net WideResNet = Grouped groups=1 base_width=128
"""

SE_RESNET = """
block se_bottleneck(width, stride = 1) {
  add {
    | conv1: conv width k=1 bias=false -> bn1: batchnorm -> relu
      -> conv2: conv width k=3 stride=stride pad=1 bias=false -> bn2: batchnorm -> relu
      -> conv3: conv (4 * width) k=1 bias=false -> bn3: batchnorm -> se: squeeze_excite
    | downsample: if stride != 1 or it.channels != 4 * width {
        0: conv (4 * width) k=1 stride=stride bias=false
        1: batchnorm
      }
  }
  relu
}
net SEResNet50 {
  input image: [3, 224, 224]
  conv1: conv 64 k=7 stride=2 pad=3 bias=false -> bn1: batchnorm -> relu -> maxpool 3 stride=2 pad=1
  for (stage, depth) in enumerate((3, 4, 6, 3)) {
    "layer{stage + 1}": repeat depth as i { se_bottleneck (64 * 2 ** stage) stride=(2 if i == 0 and stage > 0 else 1) }
  }
  globalavgpool -> flatten -> fc: dense 1000
}
"""


@pytest.mark.parametrize(
    ("text", "net", "params"),
    [
        (MOBILENET_V1, "MobileNetV1", 4_231_976),  # as timm's and Keras' MobileNet 1.0: 4.23 M trainable
        (RESNEXT, "ResNeXt50", 25_028_904),  # torchvision's resnext50_32x4d
        (RESNEXT, "WideResNet", 68_883_240),  # torchvision's wide_resnet50_2
        (SE_RESNET, "SEResNet50", 28_088_024),  # timm's seresnet50
    ],
)
def test_published_figures_of_nets_made_of_blocks(text: str, net: str, params: int) -> None:
    made = netspec.loads(text, net=net)
    assert made.warnings == ()
    assert made.params == params
