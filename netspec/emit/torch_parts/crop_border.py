from torch import Tensor, nn


class CropBorder(nn.Module):
    """Without a border: [N, C, *S] -> [N, C, *(S - 2 * border)]."""

    def __init__(self, border: int | tuple[int, ...]) -> None:
        super().__init__()
        self.border = border

    def forward(self, x: Tensor) -> Tensor:
        borders = (
            self.border
            if isinstance(self.border, tuple)
            else (self.border,) * (x.dim() - 2)
        )
        for axis, border in enumerate(borders, start=2):
            x = x.narrow(axis, border, x.shape[axis] - 2 * border)
        return x
