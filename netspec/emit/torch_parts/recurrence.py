import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Recurrence(nn.Module):
    """A recurrent layer as torch.nn has none, step by step: [N, T, in] -> [N, T, out], and what the steps end with.

    `kind`: "rnn_tanh", "rnn_relu", "gru", "gru_before", "lstm". In "gru_before" the reset gate acts before the
    matrix product (Cho et al. 2014). `biases`: vectors per gate, 0 to 2; textbooks have 1. It is called as nn.LSTM and
    nn.GRU with batch_first are, gives what they give, and its weights have their names.
    """

    def __init__(
        self,
        kind: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        biases: int = 1,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
    ) -> None:
        super().__init__()
        self.kind = kind
        self.num_layers = num_layers
        self.dropout = dropout
        self.directions = ["", "_reverse"] if bidirectional else [""]
        self.sizes = [proj_size or hidden_size, hidden_size]  # of the state, the cell
        rows = {"rnn": 1, "gru": 3, "lst": 4}[kind[:3]] * hidden_size
        shapes: dict[str, tuple[int, ...]] = {}
        for layer in range(num_layers):
            for direction in self.directions:
                name = f"l{layer}{direction}"
                shapes[f"weight_ih_{name}"] = (rows, input_size)
                shapes[f"weight_hh_{name}"] = (rows, self.sizes[0])
                for bias in ("ih", "hh")[:biases]:
                    shapes[f"bias_{bias}_{name}"] = (rows,)
                if proj_size:
                    shapes[f"weight_hr_{name}"] = (proj_size, hidden_size)
            input_size = self.sizes[0] * len(self.directions)
        within = hidden_size**-0.5
        for name, shape in shapes.items():
            self.register_parameter(
                name, nn.Parameter(torch.empty(shape).uniform_(-within, within))
            )

    def forward(
        self, x: Tensor, begin: Tensor | tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, Tensor | tuple[Tensor, Tensor]]:
        if begin is None:
            rows = self.num_layers * len(self.directions)
            state, cell = (x.new_zeros(rows, x.shape[0], n) for n in self.sizes)
        else:
            state, cell = (begin, begin) if isinstance(begin, Tensor) else begin
        ends: list[tuple[Tensor, Tensor]] = []
        for layer in range(self.num_layers):
            if layer > 0:
                x = F.dropout(x, self.dropout, self.training)
            sides = []
            for direction in self.directions:
                h, c = state[len(ends)], cell[len(ends)]
                y, h, c = self._run(f"l{layer}{direction}", x, h, c)
                sides.append(y)
                ends.append((h, c))
            x = torch.cat(sides, 2)
        state, cell = (torch.stack(each) for each in zip(*ends, strict=True))
        return x, (state, cell) if self.kind == "lstm" else state

    def _run(
        self, name: str, x: Tensor, h: Tensor, c: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """One layer in one direction over all steps."""
        weights: dict[str, Tensor] = {
            key.removesuffix(f"_{name}"): weight
            for key, weight in self.named_parameters()
            if key.endswith(f"_{name}")
        }
        inputs = F.linear(x, weights["weight_ih"], weights.get("bias_ih")).unbind(1)
        steps = range(len(inputs))
        outputs: list[Tensor] = []
        for step in reversed(steps) if name.endswith("_reverse") else steps:
            h, c = self._step(inputs[step], h, c, weights)
            outputs.append(h)
        if name.endswith("_reverse"):
            outputs.reverse()
        return torch.stack(outputs, 1), h, c

    def _step(
        self, x: Tensor, h: Tensor, c: Tensor, weights: dict[str, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """The next state and cell; x: W_ih x + b_ih."""
        matrix, bias = weights["weight_hh"], weights.get("bias_hh")
        if self.kind == "gru_before":
            size = 2 * h.shape[1]
            own = None if bias is None else bias[:size]
            r, z = (x[:, :size] + F.linear(h, matrix[:size], own)).sigmoid().chunk(2, 1)
            own = None if bias is None else bias[size:]
            n = (x[:, size:] + F.linear(r * h, matrix[size:], own)).tanh()
            return (1 - z) * n + z * h, c
        product = F.linear(h, matrix, bias)
        if self.kind == "rnn_tanh":
            return (x + product).tanh(), c
        if self.kind == "rnn_relu":
            return (x + product).relu(), c
        if self.kind == "gru":
            (xr, xz, xn), (hr, hz, hn) = x.chunk(3, 1), product.chunk(3, 1)
            z = (xz + hz).sigmoid()
            n = (xn + (xr + hr).sigmoid() * hn).tanh()
            return (1 - z) * n + z * h, c
        i, f, g, o = (x + product).chunk(4, 1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        return F.linear(h, weights["weight_hr"]) if "weight_hr" in weights else h, c
