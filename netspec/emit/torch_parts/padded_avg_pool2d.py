import torch.nn.functional as F
from torch import Tensor, nn

from netspec.emit.torch_parts.window_pads import window_pads
from netspec.emit.torch_parts.window_starts import window_starts


class PaddedAvgPool2d(nn.Module):
    """The mean of each window, padded as `nn.AvgPool2d` cannot: [N, C, *S] -> [N, C, *S'].

    `padding`: zeros, see window_pads. `count_include_pad`: whether they count in the mean. `ceil_mode`: also windows
    that go over the end, if they do not begin in the padding there.
    """

    def __init__(
        self,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] | None = None,
        padding: str | tuple[tuple[int, int], ...] = (),
        count_include_pad: bool = True,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride = (
            kernel_size,
            kernel_size if stride is None else stride,
        )
        self.padding = padding
        self.count_include_pad = count_include_pad
        self.ceil_mode = ceil_mode

    def forward(self, x: Tensor) -> Tensor:
        pads = window_pads(x, self.padding, self.kernel_size, self.stride)
        y = F.avg_pool2d(
            F.pad(x, pads), self.kernel_size, self.stride, 0, self.ceil_mode
        )
        if not self.count_include_pad:  # by the share of each window that lies inside
            inside = F.pad(x.new_ones(1, 1, *x.shape[2:]), pads)
            y = y / F.avg_pool2d(
                inside, self.kernel_size, self.stride, 0, self.ceil_mode
            )
        return window_starts(y, x, pads, self.stride) if self.ceil_mode else y
