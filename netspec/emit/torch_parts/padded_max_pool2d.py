import torch
import torch.nn.functional as F
from torch import Tensor, nn

from netspec.emit.torch_parts.window_pads import window_pads
from netspec.emit.torch_parts.window_starts import window_starts


class PaddedMaxPool2d(nn.Module):
    """The largest element of each window, padded as `nn.MaxPool2d` cannot: [N, C, *S] -> [N, C, *S'].

    `padding`: see window_pads; it is never the maximum. `ceil_mode`: also windows that go over the end, if they do
    not begin in the padding there.
    """

    def __init__(
        self,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] | None = None,
        padding: str | tuple[tuple[int, int], ...] = (),
        dilation: int | tuple[int, int] = 1,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size, self.stride = (
            kernel_size,
            kernel_size if stride is None else stride,
        )
        self.padding, self.dilation = padding, dilation
        self.ceil_mode = ceil_mode

    def forward(self, x: Tensor) -> Tensor:
        pads = window_pads(
            x, self.padding, self.kernel_size, self.stride, self.dilation
        )
        padded = F.pad(x, pads, value=-torch.inf)
        y = F.max_pool2d(
            padded, self.kernel_size, self.stride, 0, self.dilation, self.ceil_mode
        )
        return window_starts(y, x, pads, self.stride) if self.ceil_mode else y
