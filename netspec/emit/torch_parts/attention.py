import torch
import torch.nn.functional as F
from torch import Tensor, nn

from netspec.emit.torch_parts.rotated import rotated


class Attention(nn.Module):
    """Multi-head attention: [N, T, dim] -> [N, T, dim], over itself or a memory [N, S, memory_dim].

    Vaswani et al. 2017, arXiv:1706.03762. `kv_heads`: heads of keys and values, which groups of heads share. `causal`:
    a position sees those up to itself, with `window` the last so many of them. `rope`: base of the angles of rotated;
    `rope_scaling`: its scaling. `qk_norm`: queries and keys are divided by their root mean square, in each head.
    `scale`: of the scores, 1 / sqrt(head_dim) unless given. `mask`: what broadcasts to [N, heads, T, S], true for what
    may be seen, or numbers that are added to the scores.
    """

    def __init__(
        self,
        dim: int,
        heads: int,
        kv_heads: int | None = None,
        head_dim: int | None = None,
        memory_dim: int | None = None,
        causal: bool = False,
        bias: bool = True,
        dropout: float = 0.0,
        rope: float = 0,
        rope_scaling: float | tuple[str, float, float, float, float] = 1,
        qk_norm: bool = False,
        window: int = 0,
        scale: float | None = None,
    ) -> None:
        super().__init__()
        width = dim // heads if head_dim is None else head_dim
        memory_dim = dim if memory_dim is None else memory_dim
        self.heads = heads
        self.kv_heads = heads if kv_heads is None else kv_heads
        self.causal, self.dropout, self.window = causal, dropout, window
        self.rope, self.rope_scaling, self.scale = rope, rope_scaling, scale
        self.q_proj = nn.Linear(dim, self.heads * width, bias)
        self.k_proj = nn.Linear(memory_dim, self.kv_heads * width, bias)
        self.v_proj = nn.Linear(memory_dim, self.kv_heads * width, bias)
        self.o_proj = nn.Linear(self.heads * width, dim, bias)
        self.q_norm = nn.RMSNorm(width, eps=1e-6) if qk_norm else nn.Identity()
        self.k_norm = nn.RMSNorm(width, eps=1e-6) if qk_norm else nn.Identity()

    def forward(
        self, x: Tensor, memory: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        memory = x if memory is None else memory
        q = self.q_proj(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        k = self.k_proj(memory).unflatten(-1, (self.kv_heads, -1)).transpose(1, 2)
        v = self.v_proj(memory).unflatten(-1, (self.kv_heads, -1)).transpose(1, 2)
        q, k = self.q_norm(q), self.k_norm(k)
        if self.rope:
            q, k = (rotated(y, self.rope, self.rope_scaling) for y in (q, k))
        if self.window or (self.causal and mask is not None):
            place = torch.arange(x.shape[1], device=x.device)
            age = place[:, None] - place
            visible = age >= 0
            if self.window:
                visible = visible & (age < self.window)
            if mask is None:
                mask = visible
            elif mask.dtype == torch.bool:
                mask = mask & visible
            else:
                mask = mask.masked_fill(~visible, -torch.inf)
        y = F.scaled_dot_product_attention(
            q,
            k,
            v,
            attn_mask=mask,
            dropout_p=self.dropout if self.training else 0.0,
            is_causal=self.causal and mask is None,
            scale=self.scale,
            enable_gqa=self.kv_heads != self.heads,
        )
        out: Tensor = self.o_proj(y.transpose(1, 2).flatten(2))
        return out
