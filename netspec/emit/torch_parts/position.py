import torch
from torch import Tensor, nn


class Position(nn.Module):
    """A trained vector added for each position: [N, T, dim] -> [N, T, dim], T up to max_length."""

    def __init__(self, max_length: int, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(0.02 * torch.randn(max_length, dim))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.weight[: x.shape[1]]
