from torch import Tensor


def window_starts(
    y: Tensor, x: Tensor, pads: list[int], stride: int | tuple[int, ...]
) -> Tensor:
    """Of the windows y over x, padded by `pads` as `F.pad` takes them, those that do not begin in the padding after."""
    axes = x.dim() - 2
    strides = stride if isinstance(stride, tuple) else (stride,) * axes
    for axis, before, s in zip(range(2, axes + 2), pads[-2::-2], strides, strict=True):
        y = y.narrow(axis, 0, min(y.shape[axis], (x.shape[axis] + before + s - 1) // s))
    return y
