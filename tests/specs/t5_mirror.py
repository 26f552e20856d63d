"""T5 (Raffel et al. 2020, arXiv:1910.10683) in plain torch, with the names of Hugging Face's weights: a first block has
the bias of relative positions that all blocks of its stack take. Written for these tests, without dropout."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class T5Norm(nn.Module):
    def __init__(self, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        return self.weight * x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6)


class T5Attention(nn.Module):
    def __init__(self, dim: int, heads: int, head_dim: int, with_bias: bool) -> None:
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v = (nn.Linear(dim, heads * head_dim, bias=False) for _ in range(3))
        self.o = nn.Linear(heads * head_dim, dim, bias=False)
        if with_bias:
            self.relative_attention_bias = nn.Embedding(32, heads)

    def bias(self, length: int, causal: bool) -> Tensor:
        """[heads, T, T]: what is added to the scores, in floating point as in the paper."""
        offset = torch.arange(length) - torch.arange(length)[:, None]
        each = 32 if causal else 16
        distance = (-offset).clamp(min=0) if causal else offset.abs()
        steps = torch.log(distance.float() / (each // 2)) / math.log(128 / (each // 2)) * (each - each // 2)
        large = (each // 2 + steps.clamp(min=0).long()).clamp(max=each - 1)
        bucket = torch.where(distance < each // 2, distance, large)
        if not causal:
            bucket = bucket + each * (offset > 0)
        bias: Tensor = self.relative_attention_bias(bucket).permute(2, 0, 1)
        return bias.masked_fill(offset > 0, -torch.inf) if causal else bias

    def forward(self, x: Tensor, memory: Tensor, bias: Tensor | None = None) -> Tensor:
        q, k, v = (
            layer(y).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for layer, y in ((self.q, x), (self.k, memory), (self.v, memory))
        )
        scores = q @ k.mT
        shares = (scores if bias is None else scores + bias).softmax(-1)
        made: Tensor = self.o((shares @ v).transpose(1, 2).flatten(2))
        return made


class Sublayer(nn.Module):
    def __init__(self, dim: int, **inner: nn.Module) -> None:
        super().__init__()
        for name, module in inner.items():
            self.add_module(name, module)
        self.layer_norm = T5Norm(dim)


class DenseReluDense(nn.Module):
    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.wi, self.wo = nn.Linear(dim, hidden, bias=False), nn.Linear(hidden, dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.wo(self.wi(x).relu())
        return made


class T5Block(nn.Module):
    def __init__(self, dim: int, heads: int, head_dim: int, hidden: int, first: bool, decodes: bool) -> None:
        super().__init__()
        self.layer = nn.ModuleList([Sublayer(dim, SelfAttention=T5Attention(dim, heads, head_dim, first))])
        if decodes:
            self.layer.append(Sublayer(dim, EncDecAttention=T5Attention(dim, heads, head_dim, False)))
        self.layer.append(Sublayer(dim, DenseReluDense=DenseReluDense(dim, hidden)))

    def forward(self, x: Tensor, bias: Tensor, memory: Tensor | None) -> Tensor:
        attend, *across, forward = self.layer
        y = attend.layer_norm(x)
        x = x + attend.SelfAttention(y, y, bias)
        for layer in across:
            x = x + layer.EncDecAttention(layer.layer_norm(x), memory)
        return x + forward.DenseReluDense(forward.layer_norm(x))


class T5Stack(nn.Module):
    def __init__(self, layers: int, decodes: bool, dim: int, heads: int, head_dim: int, hidden: int) -> None:
        super().__init__()
        self.decodes = decodes
        self.block = nn.ModuleList(T5Block(dim, heads, head_dim, hidden, i == 0, decodes) for i in range(layers))
        self.final_layer_norm = T5Norm(dim)

    def forward(self, x: Tensor, memory: Tensor | None = None) -> Tensor:
        bias = self.block[0].layer[0].SelfAttention.bias(x.shape[1], self.decodes)
        for block in self.block:
            x = block(x, bias, memory)
        made: Tensor = self.final_layer_norm(x)
        return made


class T5Mirror(nn.Module):
    def __init__(self, layers: int, dim: int, heads: int, head_dim: int, hidden: int, vocab: int) -> None:
        super().__init__()
        self.dim = dim
        self.shared = nn.Embedding(vocab, dim)
        self.encoder = T5Stack(layers, False, dim, heads, head_dim, hidden)
        self.decoder = T5Stack(layers, True, dim, heads, head_dim, hidden)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        memory = self.encoder(self.shared(source))
        return self.decoder(self.shared(target), memory) * self.dim**-0.5 @ self.shared.weight.T
