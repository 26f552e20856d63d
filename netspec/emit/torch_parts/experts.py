import torch
from torch import Tensor, nn

from netspec.emit.torch_parts.expert import Expert


class Experts(nn.Module):
    """Sparse mixture of gated feed-forward layers: [N, *, dim] -> [N, *, dim] (Shazeer et al. 2017, arXiv:1701.06538).

    Each position uses the `top` experts that score highest, weighted by the softmax over their scores, as in Mixtral
    (Jiang et al. 2024, arXiv:2401.04088), or, not `normalised`, over the scores of all.
    """

    def __init__(
        self,
        dim: int,
        experts: int,
        hidden: int,
        top: int,
        normalised: bool = True,
        activation: str = "silu",
        bias: bool = False,
    ) -> None:
        super().__init__()
        self.top, self.normalised = top, normalised
        self.gate = nn.Linear(dim, experts, bias=False)
        self.experts = nn.ModuleList(
            Expert(dim, hidden, activation, bias) for _ in range(experts)
        )

    def forward(self, x: Tensor) -> Tensor:
        scores = self.gate(x)
        if self.normalised:
            values, chosen = scores.topk(self.top)
            shares = values.softmax(-1)
        else:
            shares, chosen = scores.softmax(-1).topk(self.top)
        if torch.compiler.is_compiling():  # a graph is the same for all choices
            spread = shares.new_zeros(scores.shape).scatter(-1, chosen, shares)
            return self.sum_of_all(x, spread)
        return self.sum_of_chosen(x, shares, chosen)

    def sum_of_all(self, x: Tensor, shares: Tensor) -> Tensor:
        """Every expert on every position, times its share [N, *, experts]."""
        out = torch.zeros_like(x)
        for f, share in zip(self.experts, shares.unbind(-1), strict=True):
            out = out + share.unsqueeze(-1) * f(x)
        return out

    def sum_of_chosen(self, x: Tensor, shares: Tensor, chosen: Tensor) -> Tensor:
        """Each expert on the positions that chose it; shares and chosen: [N, *, top]."""
        order = chosen.flatten().argsort(stable=True)  # expert by expert
        rows = x.flatten(0, -2)[order // self.top]
        parts = torch.split(rows, self.loads(chosen))
        made = torch.cat([f(part) for f, part in zip(self.experts, parts, strict=True)])
        made = made[order.argsort()].view(*chosen.shape, -1)
        return (shares.unsqueeze(-1) * made).sum(-2)

    def loads(self, chosen: Tensor) -> list[int]:
        """How many choices fall on each expert; on the meta device, which has no numbers, an even share."""
        count = len(self.experts)
        if chosen.is_meta:
            return [(chosen.numel() + i) // count for i in range(count)]
        loads: list[int] = chosen.flatten().bincount(minlength=count).tolist()
        return loads
