from torch import Tensor, nn


class CenterCrop(nn.Module):
    """The middle of the spatial axes: [N, C, *S] -> [N, C, *size], from (S - size) // 2 on."""

    def __init__(self, size: int | tuple[int, ...]) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        sizes = (
            self.size if isinstance(self.size, tuple) else (self.size,) * (x.dim() - 2)
        )
        for axis, size in enumerate(sizes, start=2):
            x = x.narrow(axis, (x.shape[axis] - size) // 2, size)
        return x
