import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Subsample2d(nn.Module):
    """The sum of each window, times a coefficient, plus a bias: [N, C, *S] -> [N, C, *(S // kernel_size)].

    LeNet-5's S2 and S4 (LeCun, Bottou, Bengio, Haffner 1998). Coefficients and biases are trained, [C] each.
    """

    def __init__(self, channels: int, kernel_size: int | tuple[int, int]) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        kernels = nn.Conv2d(
            channels, channels, kernel_size, groups=channels
        )  # begins as a depthwise convolution
        self.window = kernels.weight[0].numel()
        self.weight = nn.Parameter(kernels.weight.detach().flatten(1)[:, 0].clone())
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        sums = self.window * F.avg_pool2d(x, self.kernel_size)
        shape = (-1, *(1,) * (x.dim() - 2))
        return self.weight.reshape(shape) * sums + self.bias.reshape(shape)
