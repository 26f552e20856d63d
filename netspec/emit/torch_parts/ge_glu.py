import torch.nn.functional as F
from torch import Tensor, nn


class GeGlu(nn.Module):
    """Gated feed-forward layer with gelu in its tanh form: [N, *, dim] -> [N, *, dim] (Shazeer 2020, arXiv:2002.05202)."""

    def __init__(self, dim: int, hidden: int, bias: bool = False) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(dim, hidden, bias)
        self.up_proj = nn.Linear(dim, hidden, bias)
        self.down_proj = nn.Linear(hidden, dim, bias)

    def forward(self, x: Tensor) -> Tensor:
        gate = F.gelu(self.gate_proj(x), approximate="tanh")
        out: Tensor = self.down_proj(gate * self.up_proj(x))
        return out
