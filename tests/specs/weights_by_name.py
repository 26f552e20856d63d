"""Names and shapes of weights, and MACs: of a net, and of the torch module that it should equal."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from netspec.analysis.totals import weights_of
from netspec.api import Network
from netspec.ir.network import CallNode, LayerNode, iterations

Shape = tuple[int, ...]


def state_dict_of(net: Network) -> dict[str, Shape]:
    """Shapes of all weights and buffers by name, every iteration of a repeat for itself."""
    modules = net.ir.module_table()

    def walk(module: str, prefix: str) -> Iterator[tuple[str, Shape]]:
        for node in modules[module].nodes:
            path = ".".join(part for part in (prefix, node.name) if part)
            if isinstance(node, LayerNode):
                for name, weight in weights_of(node, net._made.types[module]).items():
                    yield f"{path}.{name}".removesuffix("."), weight.shape
            elif isinstance(node, CallNode):
                yield from walk(node.module, path)
            else:
                for run, first in iterations(node):
                    for number in range(first, first + run.times):
                        yield from walk(run.module, f"{path}.{run.name or number}")

    return dict(walk(net.ir.root.name, ""))


def torch_state_dict(module: nn.Module) -> dict[str, Shape]:
    return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}


def torch_params(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def torch_run(module: nn.Module, *shape: int) -> tuple[Shape, int]:
    """Shape of the output for one sample of this shape, and MACs. The module must be on the meta device."""
    with FlopCounterMode(display=False) as counter:
        output = module.eval()(torch.empty((1, *shape), device="meta"))
    first = output[0] if isinstance(output, tuple) else output
    return tuple(first.shape[1:]), counter.get_total_flops() // 2
