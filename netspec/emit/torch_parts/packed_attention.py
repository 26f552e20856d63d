import torch
import torch.nn.functional as F
from torch import Tensor, nn


class PackedAttention(nn.Module):
    """Multi-head attention with the weights of nn.MultiheadAttention: [N, T, dim] -> [N, T, dim].

    Over itself, or a memory [N, S, dim]. `causal`: a position sees those up to itself. `mask`: what broadcasts to
    [N, heads, T, S], true for what may be seen, or numbers that are added to the scores.
    """

    def __init__(
        self,
        dim: int,
        heads: int,
        causal: bool = False,
        bias: bool = True,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.heads, self.causal, self.dropout = heads, causal, dropout
        self.in_proj_weight = nn.Parameter(torch.empty(3 * dim, dim))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * dim)) if bias else None
        self.out_proj = nn.Linear(dim, dim, bias)
        nn.init.xavier_uniform_(self.in_proj_weight)
        if bias:
            nn.init.zeros_(self.out_proj.bias)

    def forward(
        self, x: Tensor, memory: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        memory = x if memory is None else memory
        weights = self.in_proj_weight.chunk(3)
        biases = [None] * 3 if self.in_proj_bias is None else self.in_proj_bias.chunk(3)
        q, k, v = (
            F.linear(source, weight, bias)
            .reshape(*source.shape[:2], self.heads, -1)
            .transpose(1, 2)
            for source, weight, bias in zip(
                (x, memory, memory), weights, biases, strict=True
            )
        )
        if self.causal and mask is not None:
            place = torch.arange(x.shape[1], device=x.device)
            visible = place[:, None] >= place
            if mask.dtype == torch.bool:
                mask = mask & visible
            else:
                mask = mask.masked_fill(~visible, -torch.inf)
        dropout = self.dropout if self.training else 0.0
        y = F.scaled_dot_product_attention(
            q,
            k,
            v,
            attn_mask=mask,
            dropout_p=dropout,
            is_causal=self.causal and mask is None,
        )
        out: Tensor = self.out_proj(y.transpose(1, 2).flatten(2))
        return out
