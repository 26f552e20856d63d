from torch import Tensor


def window_pads(
    x: Tensor,
    padding: str | tuple[tuple[int, int], ...],
    kernel_size: int | tuple[int, ...],
    stride: int | tuple[int, ...],
    dilation: int | tuple[int, ...] = 1,
) -> list[int]:
    """Padding of x [N, C, *S] for `F.pad`, which begins with the last axis.

    `padding`: (before, after) for each axis, () for none, or "same", which makes S to ceil(S / stride) and puts the
    odd position after.
    """
    if isinstance(padding, tuple):
        return [side for pair in reversed(padding) for side in pair]
    pads: list[int] = []
    settings = [
        v if isinstance(v, tuple) else (v,) * (x.dim() - 2)
        for v in (kernel_size, stride, dilation)
    ]
    for n, k, s, d in zip(x.shape[2:], *settings, strict=True):
        total = max(((n + s - 1) // s - 1) * s + d * (k - 1) + 1 - n, 0)
        pads = [total // 2, total - total // 2, *pads]
    return pads
