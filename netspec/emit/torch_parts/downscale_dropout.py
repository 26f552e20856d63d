import torch
from torch import Tensor, nn


class DownscaleDropout(nn.Module):
    """Dropout as first published: in training elements are set to 0, later all are multiplied by 1 - p.

    Hinton et al. 2012, arXiv:1207.0580. `per_channel`: whole maps of [N, C, *S].
    """

    def __init__(self, p: float, per_channel: bool = False) -> None:
        super().__init__()
        self.p = p
        self.per_channel = per_channel

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x * (1 - self.p)
        shape = (*x.shape[:2], *(1,) * (x.dim() - 2)) if self.per_channel else x.shape
        return x * (torch.rand(shape, device=x.device) >= self.p)
