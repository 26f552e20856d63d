import torch
import torch.nn.functional as F
from torch import Tensor, nn

from netspec.emit.torch_parts.window_pads import window_pads


class TableConv2d(nn.Module):
    """A convolution whose maps see some input maps each: [N, C, *S] -> [N, len(table), *S'].

    LeCun, Bottou, Bengio, Haffner 1998, table I. `table`: for each output map the input maps that it sees. The weight
    has a kernel for each such connection. `padding`: see window_pads. `flip`: turn the kernels round.
    """

    seen: Tensor
    target: Tensor

    def __init__(
        self,
        table: tuple[tuple[int, ...], ...],
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: str | tuple[tuple[int, int], ...] = (),
        dilation: int | tuple[int, int] = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        flip: bool = False,
    ) -> None:
        super().__init__()
        connections = sum(map(len, table))
        kernels = nn.Conv2d(connections, connections, kernel_size, groups=connections)
        self.kernel_size, self.stride, self.dilation = (
            kernels.kernel_size,
            stride,
            dilation,
        )
        self.sides = padding
        self.mode = "constant" if padding_mode == "zeros" else padding_mode
        self.flip = flip
        self.maps = len(table)
        seen = torch.tensor([seen for row in table for seen in row])
        target = torch.tensor([target for target, row in enumerate(table) for _ in row])
        self.register_buffer("seen", seen, persistent=False)
        self.register_buffer("target", target, persistent=False)
        # begins as nn.Conv2d does, within 1 / sqrt(inputs of an output)
        share = torch.tensor([len(row) for row in table]) ** -0.5
        within = share * kernels.weight[0].numel() ** -0.5
        weight = kernels.weight.detach().squeeze(1)
        self.weight = nn.Parameter(
            weight * share[target].reshape(-1, *(1,) * (weight.dim() - 1))
        )
        self.bias = (
            nn.Parameter((2 * torch.rand(len(table)) - 1) * within) if bias else None
        )

    def forward(self, x: Tensor) -> Tensor:
        weight = (
            self.weight.flip(tuple(range(1, self.weight.dim())))
            if self.flip
            else self.weight
        )
        x = F.pad(
            x,
            window_pads(x, self.sides, self.kernel_size, self.stride, self.dilation),
            self.mode,
        )
        x = x.index_select(1, self.seen)
        y = F.conv2d(
            x, weight.unsqueeze(1), None, self.stride, 0, self.dilation, len(weight)
        )
        maps = y.new_zeros(y.shape[0], self.maps, *y.shape[2:]).index_add(
            1, self.target, y
        )
        return (
            maps
            if self.bias is None
            else maps + self.bias.reshape(-1, *(1,) * (y.dim() - 2))
        )
