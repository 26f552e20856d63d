"""Weights have the names and shapes of torchvision's state_dict, so that its checkpoints can be loaded."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torchvision_mirrors import VGG, AlexNet, BasicBlock, Bottleneck, GoogLeNet, ResNet
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
}


@pytest.mark.parametrize("target", MODELS)
def test_weights_and_figures_are_torchvisions(target: str) -> None:
    net = netspec.load(target)
    with torch.device("meta"):
        model = MODELS[target]()
    assert state_dict_of(net) == torch_state_dict(model)
    assert net.params == torch_params(model)
    assert (next(iter(net.outputs.values())), net.macs) == torch_run(model, 3, 224, 224)


@pytest.mark.parametrize("target", ["vgg:VGG11", "alexnet:AlexNet", "googlenet:GoogLeNetAux", "resnet:ResNet50"])
def test_macs_at_another_size(target: str) -> None:
    net = netspec.load(target, H=257, W=320)
    with torch.device("meta"):
        model = MODELS[target]()
    assert (next(iter(net.outputs.values())), net.macs) == torch_run(model, 3, 257, 320)


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
    ],
)
def test_well_known_names(target: str, names: str) -> None:
    assert set(names.split()) <= set(state_dict_of(netspec.load(target)))
