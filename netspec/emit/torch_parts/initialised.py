from torch import nn

from netspec.emit.torch_parts.drawn import drawn


def initialised(layer: nn.Module, kind: str, *numbers: float) -> nn.Module:
    """The layer with other first values of its weight; see drawn."""
    drawn(layer.get_parameter("weight"), kind, *numbers)
    return layer
