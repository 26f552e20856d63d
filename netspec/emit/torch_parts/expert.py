from torch import Tensor, nn


class Expert(nn.Module):
    """Gated feed-forward layer, one of a mixture: [count, dim] -> [count, dim]."""

    def __init__(
        self, dim: int, hidden: int, activation: str = "silu", bias: bool = False
    ) -> None:
        super().__init__()
        self.w1 = nn.Linear(dim, hidden, bias)
        self.w2 = nn.Linear(hidden, dim, bias)
        self.w3 = nn.Linear(dim, hidden, bias)
        self.activation = nn.SiLU() if activation == "silu" else nn.GELU("tanh")

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.w2(self.activation(self.w1(x)) * self.w3(x))
        return out
