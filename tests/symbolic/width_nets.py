"""Random nets in two parameters, w and v, of maps [channels, H, W] between statements; channels is a text."""

from __future__ import annotations

import random

HEAD = """block residual(out, k) {
  add {
    | conv out k=k pad=(k // 2) bias=false -> batchnorm
    | if it.channels != out { conv out k=1 }
  }
}

net Random(w = 4, v = 6, classes = 10) {
  input image: [3, H=16, W=12]
  conv w k=3 pad=1
"""


class Writer:
    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.channels = "w"

    def width(self) -> str:
        factor, other = self.draw.randint(1, 4), self.draw.randint(0, 2)
        plain = ["w", "v", "(w * v)", "(v + 3)", "8"]
        return self.draw.choice([*plain, f"({factor} * w)", f"({factor} * w + {other} * v)"])

    def net(self) -> str:
        body = [self.statement() for _ in range(self.draw.randint(2, 7))]
        sequence = "flatten start=1 -> permute (1, 0)"
        ends = [
            "globalavgpool -> flatten -> dense (2 * w + 5) -> relu -> dense classes",
            "adaptiveavgpool 2 -> flatten -> dense v bias=false -> layernorm",
            f"{sequence} -> swiglu (3 * w) -> dense (8 * v) -> attention 4 qk_norm=true",
            f"{sequence} -> dense (8 * w) -> attention v head_dim=w kv_heads=1 -> lstm w layers=2",
            f"{sequence} -> gru (w + v) bidirectional=true steps=last",
            f"{sequence} -> position 4096 -> attention w head_dim=(2 * v) causal=true rope=100",
        ]
        return HEAD + "".join(f"  {line}\n" for line in [*body, self.draw.choice(ends)]) + "}\n"

    def statement(self) -> str:
        draw, before = self.draw, self.channels
        kind = draw.randrange(14)
        if kind < 3:
            self.channels = self.width()
            k, stride = draw.choice([1, 3]), draw.choice([1, 1, 2])
            return f"conv {self.channels} k={k} pad={k // 2} stride={stride} -> relu"
        if kind == 3:
            return f"conv {before} k=3 pad=1 groups=it.channels bias=false -> batchnorm"
        if kind == 4:
            factor = draw.randint(1, 3)
            self.channels = f"({factor} * {before})"
            return f"conv {self.channels} k=3 pad=1 groups={before} -> prelu"
        if kind == 5:
            self.channels = self.width()
            return f"residual {self.channels} {draw.choice([1, 3])}" if draw.random() < 0.5 else self.same()
        if kind == 6:
            other = self.width()
            self.channels = f"({before} + {other})"
            return f"concat {{ | identity | conv {other} k=1 }}"
        if kind == 7:
            return f"repeat {draw.randint(1, 4)} {{ residual {before} 3 -> relu }}"
        if kind == 8:
            again = f"conv (it.channels + w) k=1 -> conv {before} k=1"
            return f"repeat 3 as i {{ conv it.channels k=1 -> if i < 2 {{ {again} }} }}"
        if kind == 9:
            self.channels = f"(2 * {before})"
            parts = f"({before}, {before}, 2 * {before})"
            return f"conv (4 * {before}) k=1 -> split {parts} -> concat {{ | identity | identity }}"
        if kind == 10:
            return f"conv (4 * {before}) k=1 -> pixelshuffle 2 -> maxpool 2"
        if kind == 11:
            self.channels = self.width()
            return f"upconv {self.channels} k=2 stride=2 -> maxpool 2"
        if kind == 12:
            return f"conv (6 * {before}) k=1 -> groupnorm {before} -> channelshuffle 3 -> conv {before} k=1"
        return "scale -> mul { | identity | globalavgpool -> conv it.channels k=1 -> sigmoid }"

    def same(self) -> str:
        out = self.channels
        return f"add {{ | conv {out} k=3 pad=1 | conv {out} k=1 }} -> batchnorm"


def width_net(seed: int) -> str:
    return Writer(seed).net()
