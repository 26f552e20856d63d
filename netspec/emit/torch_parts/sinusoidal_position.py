import torch
from torch import Tensor, nn


class SinusoidalPosition(nn.Module):
    """Sines and cosines added for each position: [N, T, dim] -> [N, T, dim].

    Vaswani et al. 2017, arXiv:1706.03762, section 3.5: of t / 10000^(2 i / dim), the sine at place 2 i, the cosine at
    2 i + 1.
    """

    def forward(self, x: Tensor) -> Tensor:
        half = x.shape[-1] // 2
        place = torch.arange(x.shape[1], device=x.device)[:, None]
        rates = 1e4 ** (
            -torch.arange(half, device=x.device, dtype=torch.float32) / half
        )
        angles = place * rates
        return x + torch.stack((angles.sin(), angles.cos()), -1).flatten(1).to(x.dtype)
