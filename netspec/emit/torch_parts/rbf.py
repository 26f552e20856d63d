import torch
from torch import Tensor, nn


class Rbf(nn.Module):
    """The squared distance to each centre: [N, *, in_features] -> [N, *, out_features].

    LeNet-5's output (LeCun, Bottou, Bengio, Haffner 1998, equation 7). The centers are not trained: they are to be
    set, to bitmaps of -1 and 1 in the paper, and begin as random ones.
    """

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        bitmaps = torch.randint(0, 2, (out_features, in_features)) * 2.0 - 1.0
        self.centers = nn.Parameter(bitmaps, requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        return (x.unsqueeze(-2) - self.centers).square().sum(-1)
