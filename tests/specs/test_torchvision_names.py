"""Weights have the names and shapes of torchvision's state_dict, so that its checkpoints can be loaded."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torchvision_mirrors import (
    VGG,
    AlexNet,
    BasicBlock,
    Bottleneck,
    DenseNet,
    GoogLeNet,
    MobileNetV2,
    ResNet,
    SqueezeNet,
)
from weights_by_name import state_dict_of, torch_params, torch_run, torch_state_dict

import netspec

MODELS: dict[str, Callable[[], nn.Module]] = {
    "alexnet:AlexNet": AlexNet,
    "vgg:VGG11": lambda: VGG(11),
    "vgg:VGG13": lambda: VGG(13),
    "vgg:VGG16": lambda: VGG(16),
    "vgg:VGG19": lambda: VGG(19),
    "vgg:VGG11BN": lambda: VGG(11, bn=True),
    "vgg:VGG13BN": lambda: VGG(13, bn=True),
    "vgg:VGG16BN": lambda: VGG(16, bn=True),
    "vgg:VGG19BN": lambda: VGG(19, bn=True),
    "googlenet:GoogLeNet": GoogLeNet,
    "googlenet:GoogLeNetAux": lambda: GoogLeNet(aux=True),
    "resnet:ResNet18": lambda: ResNet(BasicBlock, (2, 2, 2, 2)),
    "resnet:ResNet34": lambda: ResNet(BasicBlock, (3, 4, 6, 3)),
    "resnet:ResNet50": lambda: ResNet(Bottleneck, (3, 4, 6, 3)),
    "resnet:ResNet101": lambda: ResNet(Bottleneck, (3, 4, 23, 3)),
    "resnet:ResNet152": lambda: ResNet(Bottleneck, (3, 8, 36, 3)),
    "densenet:DenseNet121": lambda: DenseNet(32, (6, 12, 24, 16)),
    "densenet:DenseNet161": lambda: DenseNet(48, (6, 12, 36, 24), first=96),
    "densenet:DenseNet169": lambda: DenseNet(32, (6, 12, 32, 32)),
    "densenet:DenseNet201": lambda: DenseNet(32, (6, 12, 48, 32)),
    "mobilenet_v2:MobileNetV2": MobileNetV2,
    "squeezenet:SqueezeNet10": lambda: SqueezeNet("1.0"),
    "squeezenet:SqueezeNet11": lambda: SqueezeNet("1.1"),
}

AT_OTHER_SIZES = [
    "vgg:VGG11", "alexnet:AlexNet", "googlenet:GoogLeNetAux", "resnet:ResNet50", "densenet:DenseNet121",
    "mobilenet_v2:MobileNetV2", "squeezenet:SqueezeNet10", "squeezenet:SqueezeNet11",
]  # fmt: skip


@pytest.mark.parametrize("target", MODELS)
def test_weights_and_figures_are_torchvisions(target: str) -> None:
    net = netspec.load(target)
    with torch.device("meta"):
        model = MODELS[target]()
    assert state_dict_of(net) == torch_state_dict(model)
    assert net.params == torch_params(model)
    assert (next(iter(net.outputs.values())), net.macs) == torch_run(model, 3, 224, 224)


@pytest.mark.parametrize("target", AT_OTHER_SIZES)
@pytest.mark.parametrize(("height", "width"), [(257, 320), (231, 238)])
def test_macs_at_another_size(target: str, height: int, width: int) -> None:
    net = netspec.load(target, H=height, W=width)
    with torch.device("meta"):
        model = MODELS[target]()
    assert (next(iter(net.outputs.values())), net.macs) == torch_run(model, 3, height, width)


# 0.35 and 0.75 round up to keep 90 %; 1.4 has a last layer of its own
@pytest.mark.parametrize("width", [0.1, 0.25, 0.35, 0.5, 0.75, 1.0, 1.1, 1.3, 1.4, 2])
def test_mobilenet_of_another_width(width: float) -> None:
    net = netspec.load("mobilenet_v2", width=width)
    with torch.device("meta"):
        model = MobileNetV2(width)
    assert state_dict_of(net) == torch_state_dict(model)
    assert (next(iter(net.outputs.values())), net.macs) == torch_run(model, 3, 224, 224)


@pytest.mark.parametrize(
    ("target", "names"),
    [  # as they are in the published checkpoints
        ("alexnet:AlexNet", "features.0.weight features.10.bias classifier.1.weight classifier.6.bias"),
        ("vgg:VGG16", "features.0.weight features.28.weight classifier.0.weight classifier.6.weight"),
        ("vgg:VGG16BN", "features.1.running_mean features.40.weight features.41.num_batches_tracked"),
        (
            "googlenet:GoogLeNet",
            "conv1.conv.weight inception3a.branch1.bn.weight inception5b.branch4.1.conv.weight",
        ),
        ("googlenet:GoogLeNetAux", "aux1.conv.conv.weight aux2.fc2.bias fc.weight"),
        ("resnet:ResNet18", "conv1.weight layer2.0.downsample.0.weight layer4.1.bn2.running_var fc.bias"),
        ("resnet:ResNet152", "layer1.0.downsample.1.weight layer3.35.conv3.weight"),
        (
            "densenet:DenseNet121",
            "features.conv0.weight features.denseblock1.denselayer1.norm1.weight features.transition3.conv.weight "
            "features.denseblock4.denselayer16.conv2.weight features.norm5.bias classifier.weight",
        ),
        (
            "mobilenet_v2:MobileNetV2",
            "features.0.0.weight features.1.conv.0.0.weight features.1.conv.1.weight features.17.conv.3.bias "
            "features.18.1.running_var classifier.1.weight",
        ),
        ("squeezenet:SqueezeNet10", "features.3.squeeze.weight features.12.expand3x3.bias classifier.1.weight"),
        ("squeezenet:SqueezeNet11", "features.0.weight features.6.expand1x1.weight classifier.1.bias"),
    ],
)
def test_well_known_names(target: str, names: str) -> None:
    assert set(names.split()) <= set(state_dict_of(netspec.load(target)))
