import torch
from torch import Tensor


def rotated(
    x: Tensor,
    base: float,
    scaling: float | tuple[str, float, float, float, float] = 1,
) -> Tensor:
    """Rotary position embedding of x [N, heads, T, width], element i with element i + width / 2.

    Su et al. 2021, arXiv:2104.09864. Position t turns the pair i by the angle t * base ** (-2 i / width). `scaling`:
    positions are divided by it; or ("llama3", factor, low, high, length): only for pairs that turn fewer than `low`
    times in `length` positions, not for those that turn more than `high` times, between in part.
    """
    half = x.shape[-1] // 2
    rates = base ** (-torch.arange(half, device=x.device, dtype=torch.float32) / half)
    if isinstance(scaling, tuple):
        _, factor, low, high, length = scaling
        turns = length * rates / (2 * torch.pi)
        kept = ((turns - low) / (high - low)).clamp(0, 1)
        rates = rates * (kept + (1 - kept) / factor)
    else:
        rates = rates / scaling
    angles = torch.arange(x.shape[-2], device=x.device)[:, None] * rates
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)
