import torch
from torch import Tensor, nn


class RelativeBias(nn.Module):
    """A bias of attention's scores for how far apart two positions are: of [N, T, *] and [N, S, *], [N, heads, T, S].

    Raffel et al. 2020, arXiv:1910.10683, section 2.1. Of the n buckets of a direction the first e = n // 2 hold one
    distance each; bucket b of the others begins where (d / e)^(n - e) >= (max_distance / e)^(b - e), found in integers.
    """

    def __init__(
        self,
        heads: int,
        buckets: int = 32,
        max_distance: int = 128,
        bidirectional: bool = True,
    ) -> None:
        super().__init__()
        self.bidirectional = bidirectional
        self.each = buckets // 2 if bidirectional else buckets
        exact = self.each // 2
        self.starts = list(range(1, exact))  # of each bucket but the first
        distance = exact
        for bucket in range(exact, self.each):
            least = max_distance ** (bucket - exact) * exact ** (self.each - bucket)
            while distance ** (self.each - exact) < least:
                distance += 1
            self.starts.append(distance)
        self.weight = nn.Parameter(torch.randn(buckets, heads))

    def forward(self, x: Tensor, memory: Tensor | None = None) -> Tensor:
        memory = x if memory is None else memory
        place, seen = (torch.arange(y.shape[1], device=y.device) for y in (x, memory))
        behind = place[:, None] - seen
        distance = behind.abs() if self.bidirectional else behind.clamp(min=0)
        starts = torch.tensor(self.starts, device=x.device)
        bucket = torch.bucketize(distance, starts, right=True)
        if self.bidirectional:
            bucket = bucket + self.each * (behind < 0)
        bias = self.weight[bucket].permute(2, 0, 1)
        return bias.expand(x.shape[0], -1, -1, -1)
