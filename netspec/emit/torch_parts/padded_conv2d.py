import torch.nn.functional as F
from torch import Tensor, nn

from netspec.emit.torch_parts.window_pads import window_pads


class PaddedConv2d(nn.Conv2d):
    """A convolution padded as `nn.Conv2d` cannot: [N, C, *S] -> [N, out_channels, *S'].

    `padding`: see window_pads. `flip`: turn the kernel round, for the convolution of mathematics.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: str | tuple[tuple[int, int], ...] = (),
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        flip: bool = False,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, 0, dilation, groups, bias
        )
        self.sides = padding
        self.mode = "constant" if padding_mode == "zeros" else padding_mode
        self.flip = flip

    def forward(self, input: Tensor) -> Tensor:
        weight = (
            self.weight.flip(tuple(range(2, input.dim()))) if self.flip else self.weight
        )
        x = F.pad(
            input,
            window_pads(
                input, self.sides, self.kernel_size, self.stride, self.dilation
            ),
            self.mode,
        )
        return F.conv2d(
            x, weight, self.bias, self.stride, 0, self.dilation, self.groups
        )
