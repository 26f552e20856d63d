"""U-Net against torch and against the paper, at its own size and at others."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn
from weights_by_name import state_dict_of, torch_params, torch_run, torch_state_dict

import netspec
from netspec.driver import Compilation, find_source
from netspec.ir.dims import value


def double(channels: int, out: int) -> nn.Module:
    return nn.Sequential(nn.Conv2d(channels, out, 3), nn.ReLU(), nn.Conv2d(out, out, 3), nn.ReLU())


class Up(nn.Module):
    def __init__(self, out: int) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(2 * out, out, 2, 2)
        self.convs = double(2 * out, out)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        x = self.up(x)
        top, left = (skip.shape[2] - x.shape[2]) // 2, (skip.shape[3] - x.shape[3]) // 2
        middle = skip[:, :, top : top + x.shape[2], left : left + x.shape[3]]
        return self.convs(torch.cat([x, middle], 1))


class UNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        widths = [1, 64, 128, 256, 512, 1024]
        self.down = nn.ModuleList(double(before, out) for before, out in pairwise(widths))
        self.up = nn.ModuleList(Up(out) for out in (512, 256, 128, 64))
        self.out = nn.Conv2d(64, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.down[0](x)
        skips = []
        for down in list(self.down)[1:]:
            skips.append(x)
            x = down(nn.functional.max_pool2d(x, 2))
        for up, skip in zip(self.up, reversed(skips), strict=True):
            x = up(x, skip)
        return self.out(x)


@pytest.mark.parametrize(("height", "width"), [(572, 572), (444, 892), (188, 204)])
def test_weights_and_figures(height: int, width: int) -> None:
    net = netspec.load("unet", H=height, W=width)
    with torch.device("meta"):
        mirror = UNet()
    assert list(state_dict_of(net).values()) == list(torch_state_dict(mirror).values())
    assert net.params == torch_params(mirror)
    assert (net.outputs["out"], net.macs) == torch_run(mirror, 1, height, width)
    assert net.outputs["out"] == (2, height - 184, width - 184)


def test_it_has_the_23_convolutions_of_the_paper() -> None:
    weights = [name for name in state_dict_of(netspec.load("unet")) if name.endswith(".weight")]
    assert len(weights) == 23


def test_the_crops_of_figure_1() -> None:
    net = netspec.load("unet")
    sizes = [net[f"up{level}.crop1"].output[1:] for level in (4, 3, 2, 1)]
    assert sizes == [(56, 56), (104, 104), (200, 200), (392, 392)]


@pytest.mark.parametrize(("height", "width"), [(512, 572), (572, 570)])
def test_a_tile_that_does_not_halve_is_refused(height: int, width: int) -> None:
    made = Compilation(find_source("unet"), "UNet", {"H": height, "W": width})
    assert [diagnostic.code for diagnostic in made.diagnostics] == ["NS404"]


def test_all_tiles_that_halve_are_proven_at_once() -> None:
    made = Compilation(find_source("unet"), "UNet", symbolic=True)
    assert (made.diagnostics, made.warnings) == ((), ())
    assert made.totals is not None
    for height, width in ((572, 572), (188, 204), (444, 892)):
        known = netspec.load("unet", H=height, W=width)
        assert value(made.totals.macs, {"H": height, "W": width}) == known.macs


def test_more_channels_and_classes_are_no_false_claim() -> None:
    made = Compilation(find_source("unet"), "UNet", {"channels": 3, "classes": 21})
    assert (made.diagnostics, made.warnings) == ((), ())
    assert made.totals is not None
    assert made.totals.params == 31_030_658 + 2 * 9 * 64 + 19 * 65
