"""Random nets over images of any size and over sequences of any length."""

from __future__ import annotations

import random


class _Writer:
    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.blocks: list[str] = []

    def images(self) -> str:
        """A net over [3, H, W], of maps, or with a head of them."""
        channels, lines = 3, []
        for _ in range(self.draw.randint(2, 8)):
            line, channels = self.step(channels)
            lines.append(line)
        head = self.draw.choice(
            [
                "",
                "globalavgpool -> flatten -> dense 5",
                f"adaptiveavgpool {self.draw.randint(1, 4)} -> flatten -> dense 5",
                f"flatten start=1 -> permute (1, 0) -> dense 8 -> attention 2{self.draw.choice([' causal=true', ''])}",
                "flatten start=1 -> reduce mean axes=1",
                "flatten -> softmax",
            ]
        )
        return self.net("image: [3, H, W]", [*lines, head])

    def sequences(self) -> str:
        """A net over [T, 8]."""
        draw, lines = self.draw, []
        for _ in range(draw.randint(1, 5)):
            lines.append(
                draw.choice(
                    [
                        "dense 8",
                        "relu",
                        "attention 2",
                        "attention 4 kv_heads=2 causal=true bias=false",
                        "add { | identity | rmsnorm -> swiglu 12 }",
                        "layernorm",
                        "lstm 8",
                        "gru 4 bidirectional=true layers=2",
                        "position kind=sinusoidal",
                        "concat axis=0 { | identity | dense 8 }",
                        "permute (1, 0) -> conv 8 k=3 stride=2 pad=1 -> permute (1, 0)",
                        "permute (1, 0) -> maxpool 2 ceil=true -> permute (1, 0)",
                        f"a{len(lines)}: dense 8 -> matmul transpose=true with a{len(lines)} -> softmax"
                        f" -> matmul with a{len(lines)}",
                        f"repeat {draw.randint(2, 4)} {{ add {{ | identity | layernorm -> attention 2 }} }}",
                        "slice 0 0 3",
                    ]
                )
            )
        return self.net("text: [T, 8]", lines)

    def net(self, input: str, lines: list[str]) -> str:
        body = "\n".join(f"  {line}" for line in [f"input {input}", *lines] if line)
        return "".join(self.blocks) + f"net Random {{\n{body}\n}}\n"

    def window(self, most: int = 5) -> tuple[str, int]:
        """A window with its dilation, and how far it reaches."""
        k, dilation = self.draw.randint(1, most), self.draw.choice([1, 1, 1, 2])
        return f"k={k}" + (f" dilation={dilation}" if dilation > 1 else ""), dilation * (k - 1) + 1

    def step(self, channels: int) -> tuple[str, int]:
        """A statement, and the channels that it gives."""
        draw = self.draw
        kind = draw.randint(0, 15)
        if kind <= 3:
            window, reach = self.window()
            out, stride, pad = draw.choice([2, 4, 6]), draw.randint(1, 3), draw.randint(0, reach // 2)
            pads = draw.choice([f"pad={pad}", f"pad={pad}", "pad=same", f"pad=(({pad}, {pad + 1}), {pad})"])
            return f"conv {out} {window} stride={stride} {pads} -> relu", out
        if kind <= 5:
            k, stride = draw.randint(1, 4), draw.randint(1, 3)
            ceil = draw.choice(["", " ceil=true"])
            return (
                f"{draw.choice(['maxpool', 'avgpool'])} {k} stride={stride} pad={draw.randint(0, k // 2)}{ceil}",
                channels,
            )
        if kind == 6:
            return f"upsample {draw.choice(['2', '3', '2x3'])}", channels
        if kind == 7:
            stride = draw.randint(1, 3)
            return f"upconv 4 k={draw.randint(stride, 4)} stride={stride} output_pad={draw.randint(0, stride - 1)}", 4
        if kind == 8:
            return f"pad {draw.randint(1, 3)}", channels
        if kind == 9:
            return f"crop {draw.randint(1, 6)}" if draw.random() < 0.2 else "relu", channels
        if kind == 10:  # two ways to half the size, rounded up
            half = ["conv 4 k=3 stride=2 pad=1", "conv 4 k=1 stride=2", "maxpool 2 ceil=true -> conv 4 k=1"]
            half += ["conv 4 k=3 stride=2 pad=same", "conv 4 k=5 stride=2 pad=2"]
            return f"add {{ | {draw.choice(half)} | {draw.choice(half)} }}", 4
        if kind == 11:  # and rounded down
            half = [
                "maxpool 2",
                "avgpool 2 -> relu",
                f"conv {channels} k=2 stride=2",
                f"conv {channels} k=4 stride=2 pad=1",
            ]
            return f"concat {{ | {draw.choice(half)} | {draw.choice(half)} }}", 2 * channels
        if kind == 12:
            window, reach = self.window()
            same = f"conv {channels} {window} pad={reach // 2}" if reach % 2 else f"conv {channels} {window} pad=same"
            return f"repeat {draw.randint(1, 4)} {{ add {{ | identity | {same} -> batchnorm -> relu }} }}", channels
        if kind == 13:
            inner, _ = self.step(channels)
            name = f"unit{len(self.blocks)}"
            self.blocks.append(f"block {name}(n = 2) {{\n  {inner}\n  conv (2 * n) k=1\n}}\n")
            n = draw.randint(1, 3)
            return f"{name} n={n}", 2 * n
        if kind == 14:  # up and down again
            return f"concat {{ | identity | upsample 2 -> conv {channels} k=2 stride=2 }}", 2 * channels
        return "conv 4 k=3 pad=1 -> pixelshuffle 2", 1


def symbolic_net(seed: int) -> str:
    writer = _Writer(seed)
    return writer.sequences() if seed % 4 == 3 else writer.images()
