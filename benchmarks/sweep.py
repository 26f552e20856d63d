"""One check inside a program that tries many variants: ResNet-50 with ever another number of classes.

The peer is what a PyTorch user has: the model built on the meta device and run once under FlopCounterMode.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import netspec

SPEC = str(Path(__file__).resolve().parent.parent / "specs" / "resnet.net") + ":ResNet50"
TARGET_MS = 2.5


def by_netspec(classes: int) -> tuple[int, int]:
    """Parameters and MACs."""
    network = netspec.load(SPEC, classes=classes)
    return network.params, network.macs


def torch_peer() -> Callable[[int], tuple[int, int]]:
    """The same question asked of PyTorch. Raises ImportError where it is not installed."""
    import torch
    from torch import nn
    from torch.utils.flop_counter import FlopCounterMode

    def conv_bn(channels: int, out: int, k: int, stride: int = 1) -> list[nn.Module]:
        return [nn.Conv2d(channels, out, k, stride, padding=k // 2, bias=False), nn.BatchNorm2d(out)]

    class Bottleneck(nn.Module):
        def __init__(self, channels: int, width: int, stride: int) -> None:
            super().__init__()
            out = 4 * width
            self.body = nn.Sequential(
                *conv_bn(channels, width, 1),
                nn.ReLU(),
                *conv_bn(width, width, 3, stride),
                nn.ReLU(),
                *conv_bn(width, out, 1),
            )
            same = stride == 1 and channels == out
            self.shortcut = nn.Identity() if same else nn.Sequential(*conv_bn(channels, out, 1, stride))

        def forward(self, x: Any) -> Any:
            return (self.body(x) + self.shortcut(x)).relu()

    def resnet50(classes: int) -> nn.Module:
        layers = [*conv_bn(3, 64, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
        channels = 64
        for width, depth, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
            for i in range(depth):
                layers.append(Bottleneck(channels, width, stride if i == 0 else 1))
                channels = 4 * width
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))

    def by_torch(classes: int) -> tuple[int, int]:
        with torch.device("meta"), torch.no_grad():
            model = resnet50(classes).eval()
            with FlopCounterMode(display=False) as counter:
                model(torch.empty(1, 3, 224, 224))
        return sum(p.numel() for p in model.parameters()), counter.get_total_flops() // 2

    return by_torch


def milliseconds(ask: Callable[[int], tuple[int, int]], times: int) -> float:
    """Median CPU time of one question, each with a number of classes not asked about before."""
    taken = []
    for classes in range(10, 10 + times):
        start = process_time()
        ask(classes)
        taken.append(process_time() - start)
    return median(taken) * 1e3


if __name__ == "__main__":
    params, macs = by_netspec(1000)
    print(f"ResNet-50: {params:,} parameters, {macs:,} MACs")
    took = milliseconds(by_netspec, 300)
    verdict = "met" if took <= TARGET_MS else "MISSED"
    print(f"netspec.load              {took:8.2f} ms a check   target {TARGET_MS}: {verdict}")
    try:
        by_torch = torch_peer()
    except ImportError:
        print("torch on meta             left out: torch is not installed")
    else:
        if by_torch(1000) != (params, macs):
            raise SystemExit(f"torch counts {by_torch(1000)}, netspec {(params, macs)}")
        peer = milliseconds(by_torch, 15)
        print(f"torch on the meta device  {peer:8.2f} ms a check   {peer / took:.0f} times, same numbers")
