import torch
from torch import Tensor, nn


class ChannelScale(nn.Module):
    """A trained factor for each channel, and with `bias` a trained number added: [N, *] -> [N, *].

    The channels are axis 1 of maps with two or more spatial axes, [N, C, H, W], else the last, [N, T, C]. `init`: what
    the factors begin as.
    """

    def __init__(self, channels: int, init: float = 1.0, bias: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), init))
        self.bias = nn.Parameter(torch.zeros(channels)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        shape = (-1, *(1,) * (x.dim() - 2 if x.dim() > 3 else 0))
        y = x * self.weight.reshape(shape)
        return y if self.bias is None else y + self.bias.reshape(shape)
