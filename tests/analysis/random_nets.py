"""Random nets of every construct of the language. Values are [4, 12] between statements."""

from __future__ import annotations

import random

LAYERS = [
    "conv 4 k=3 pad=1", "conv 4 k=1 bias=false", "conv 4 k=3 pad=1 groups=2", "relu", "batchnorm", "sigmoid",
    "dense 12", "avgpool 3 stride=1 pad=1", "flatten -> reshape (4, 12)", "groupnorm 2", "prelu",
    "conv 8 k=3 pad=1 -> relu -> conv 4 k=1", "split 2 -> conv 4 k=1", "permute (1, 0) -> permute (1, 0)",
    "conv 16 k=1 -> flatten -> reshape (16, 12) -> maxpool 2 -> upconv 4 k=2 stride=2", "dropout",
    "maxpool 2 -> upsample 2", "rbf 12", f"conv 4 k=1 weight=[{', '.join(['[[1], [2], [0], [1]]'] * 4)}]",
]  # fmt: skip


class Writer:
    """Writes one net. Labels that a statement may refer to are those made before it, in scopes that are open."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.counter = 0
        self.blocks: list[tuple[str, bool]] = []  # name, whether it has two outputs

    def fresh(self, kind: str) -> str:
        self.counter += 1
        return f"{kind}{self.counter}"

    def net(self) -> str:
        blocks = []
        for _ in range(self.draw.randint(0, 3)):
            name, two = self.fresh("block"), self.draw.random() < 0.4
            body = self.statements([], 2, self.draw.randint(1, 3))
            if two:
                returned = self.draw.choice([("a", "it"), ("it", "a"), ("a", "b")])
                body = ["a: conv 4 k=1", *body, "b: flatten -> reshape (4, 12)", f"return {', '.join(returned)}"]
                body = [line.replace("b: flatten ->", "flatten -> b:") for line in body]
            # blocks are written before they are known, so that none calls itself
            blocks.append(f"block {name}(n = 2) {{\n" + "\n".join(body) + "\n}\n")
            self.blocks.append((name, two))
        head = ["input x: [4, 12]"]
        labels = ["x"]
        if self.draw.random() < 0.4:
            head += ["input y: [4, 12]", "from x -> relu"]
            labels.append("y")
        if self.draw.random() < 0.3:
            head.append("param p: [4, 12]")
            labels.append("p")
        body = self.statements(labels, 3, self.draw.randint(2, 6))
        end = [] if self.draw.random() < 0.6 or len(labels) < 2 else [f"return {labels[-1]}, {labels[0]}"]
        return "".join(blocks) + "net Random {\n" + "\n".join([*head, *body, *end]) + "\n}\n"

    def statements(self, labels: list[str], depth: int, count: int) -> list[str]:
        return [self.statement(labels, depth) for _ in range(count)]

    def statement(self, labels: list[str], depth: int) -> str:
        """One statement; new labels are added to `labels`."""
        draw = self.draw
        kind = draw.choice(
            ["layer"] * 4 + ["label"] * 3 + ["with", "from", "merge", "block", "block", "reuse", "tie", "split"]
            + ["group", "repeat", "repeat", "repeats", "names", "if", "named"] * (depth > 0)
        )  # fmt: skip
        inner = lambda: "\n".join(self.statements(list(labels), depth - 1, draw.randint(1, 3)))  # noqa: E731
        if kind == "label":
            name = self.fresh("v")
            text = f"{name}: {draw.choice([*LAYERS, 'identity']).split(' -> ')[0]}"
            rest = next(line for line in [*LAYERS, "identity"] if line.split(" -> ")[0] == text.split(": ")[1])
            whole = rest.split(" -> ")[1:]
            if whole:  # the label is not [4, 12]: nobody uses it
                return " -> ".join([text, *whole])
            labels.append(name)
            return text
        if kind == "with" and labels:
            return f"{draw.choice(['add', 'mul', 'max'])} with {draw.choice(labels)}"
        if kind == "from" and labels:
            return f"from {draw.choice(labels)} -> {draw.choice(LAYERS)}"
        if kind == "merge":
            paths = " ".join(f"| {draw.choice([*LAYERS, 'identity'])}" for _ in range(draw.randint(2, 3)))
            merge = draw.choice(["add", "mul", "concat"])
            return f"{merge} {{ {paths} }}" + (" -> conv 4 k=1" if merge == "concat" else "")
        if kind == "block" and self.blocks:
            name, two = draw.choice(self.blocks)
            label = self.fresh("c")
            labels.append(label)
            if two:
                member = draw.choice(["a", "it", "b"])
                return f"{label}: {name} n={draw.randint(1, 2)}" + (f"\nadd with {label}" if member == "a" else "")
            return f"{label}: {name} n={draw.randint(1, 2)}"
        if kind == "reuse":
            shared, again = self.fresh("r"), self.fresh("r")
            layer = draw.choice(["conv 4 k=3 pad=1", "batchnorm", *(n for n, _ in self.blocks)])
            labels += [shared, again]
            middle = draw.choice(["relu", f"repeat 3 {{ relu -> reuse {shared} }}", f"w{shared}: {{ reuse {shared} }}"])
            return f"{shared}: {layer}\n{middle}\n{again}: reuse {shared}"
        if kind == "tie":
            first = self.fresh("t")
            return f"{first}: conv 4 k=3 pad=1\nconv 4 k=3 pad=1 bias=false tie={first}"
        if kind == "split":
            name = self.fresh("s")
            return f"{name}: split 2\nconcat {{ | conv 2 k=1 | from {name}.1 -> relu }}"
        if kind == "group":
            name = self.fresh("g")
            text = f"{name}: {{\n{inner()}\n}}"
            labels.append(name)
            return text
        if kind == "repeat":
            label = f"{self.fresh('q')}: " if draw.random() < 0.5 else ""
            return f"{label}repeat {draw.choice([1, 2, 3, 4, 5, 7])} {{\n{inner()}\n}}"
        if kind == "repeats":
            test = draw.choice(["i == 0", "i < 2", "i % 2 == 0", "i == 3"])
            return f"repeat {draw.choice([2, 4, 5, 6])} as i {{\nif {test} {{ {draw.choice(LAYERS)} }}\n{inner()}\n}}"
        if kind == "names":
            return f'repeat 3 as i {{ "n{{i + 1}}": {draw.choice(["conv 4 k=1", *(n for n, _ in self.blocks)])} }}'
        if kind == "if":
            return f"if it.channels == 4 {{\n{inner()}\n}}"
        return draw.choice(LAYERS)


def random_net(seed: int) -> str:
    return Writer(seed).net()
