import torch.nn.functional as F
from torch import Tensor, nn


class SwiGlu(nn.Module):
    """Gated feed-forward layer with silu: [N, *, dim] -> [N, *, dim] (Shazeer 2020, arXiv:2002.05202)."""

    def __init__(self, dim: int, hidden: int, bias: bool = False) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(dim, hidden, bias)
        self.up_proj = nn.Linear(dim, hidden, bias)
        self.down_proj = nn.Linear(hidden, dim, bias)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))
        return out
