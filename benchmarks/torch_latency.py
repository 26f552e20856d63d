"""Latency of the modules that netspec generates, against the same networks written by hand in plain torch.nn.

The networks by hand are those of tests/specs/torchvision_mirrors.py. Each pair has the same weights and must give the
same numbers. They run in turns, and change places every turn, so that a change in the machine's speed meets both.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import netspec

ROOT = Path(__file__).resolve().parent.parent
TARGET = 1.02
TURNS = {1: 60, 8: 20}  # by batch


def networks() -> dict[str, tuple[str, Callable[[], Any]]]:
    """The spec of each network, and what makes it by hand."""
    sys.path.insert(0, str(ROOT / "tests" / "specs"))
    import torchvision_mirrors as mirrors

    return {
        "ResNet-50": ("resnet:ResNet50", lambda: mirrors.ResNet(mirrors.Bottleneck, (3, 4, 6, 3))),
        "GoogLeNet": ("googlenet:GoogLeNet", mirrors.GoogLeNet),
        "MobileNetV2": ("mobilenet_v2:MobileNetV2", mirrors.MobileNetV2),
    }


def first(output: Any) -> Any:
    """The class scores, where auxiliary heads would come with them."""
    return output[0] if isinstance(output, tuple) else output


def seconds(model: Any, images: Any) -> float:
    start = perf_counter()
    model(images)
    return perf_counter() - start


def compare(name: str, generated: Any, by_hand: Any, batch: int) -> None:
    import torch

    images = torch.randn(batch, 3, 224, 224)
    if not torch.equal(first(generated(images)), first(by_hand(images))):
        raise SystemExit(f"{name}: the two give different numbers")
    times: dict[Any, list[float]] = {generated: [], by_hand: []}
    for turn in range(TURNS[batch]):
        for model in (generated, by_hand) if turn % 2 else (by_hand, generated):
            times[model].append(seconds(model, images))
    ratio = median(ours / theirs for ours, theirs in zip(times[generated], times[by_hand], strict=True))
    verdict = "met" if ratio <= TARGET else "MISSED"
    print(
        f"{name:12} batch {batch}   generated {median(times[generated]) * 1e3:7.1f} ms   "
        f"by hand {median(times[by_hand]) * 1e3:7.1f} ms   ratio {ratio:.3f}   target {TARGET}: {verdict}",
        flush=True,
    )


def main() -> None:
    try:
        import torch
    except ImportError:
        print("left out: torch is not installed")
        return
    torch.manual_seed(0)
    print(f"Eager, {torch.get_num_threads()} threads; medians of turns, and of their ratios")
    with torch.inference_mode():
        for name, (spec, make) in networks().items():
            generated, by_hand = netspec.load(spec).to_torch().eval(), make().eval()
            by_hand.load_state_dict(generated.state_dict())
            for batch in TURNS:
                compare(name, generated, by_hand, batch)


if __name__ == "__main__":
    main()
