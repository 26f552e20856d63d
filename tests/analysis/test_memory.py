"""Peak memory against a simulation that writes the net out and goes through it layer by layer."""

from __future__ import annotations

import itertools
import random

import pytest
from flat import Flat, compiled, flat_of
from random_nets import random_net

from netspec.analysis.memory import peak_of_module


def simulated(net: Flat) -> int:
    """The most bytes alive at once: sizes of buffers whose last use is still to come."""
    buffer: dict[int, int | None] = {value: value for value in net.inputs}  # value -> whose memory it is
    last = dict.fromkeys(net.inputs, -1)
    for number, step in enumerate(net.steps):
        for value in step.takes:
            if buffer[value] is not None:
                last[buffer[value]] = number
        for value in step.makes:
            if step.layer.view:
                buffer[value] = buffer[step.takes[0]] if step.takes else None
            else:
                buffer[value] = value
                last[value] = number
    for value in net.outputs:
        if buffer[value] is not None:
            last[buffer[value]] = len(net.steps)
    size = {value: int(net.types[value].bytes) for value in last}
    alive = set(net.inputs)
    peak = sum(size[value] for value in alive)
    for number, step in enumerate(net.steps):
        alive = {value for value in alive if last[value] >= number}
        alive |= {value for value in step.makes if buffer[value] == value}
        peak = max(peak, sum(size[value] for value in alive))
    return peak


@pytest.mark.parametrize("seed", range(100))
def test_random_nets(seed: int):
    made = compiled(random_net(seed))
    assert made.peak_activation_bytes == simulated(flat_of(made))


@pytest.mark.parametrize(
    ("text", "peak"),
    [
        # LeNet's shape: an input and the layer that takes it
        ("input x: [10]\nrelu", 80),
        # views are their input's memory, so that the second `relu` has 40 + 40
        ("input x: [10]\nflatten\nv: identity\nrelu", 80),
        # an input that nothing takes is there at the start only
        ("input x: [10]\ninput y: [100]\nfrom x -> relu", 440),
        # an output lives to the end, and so does what it is a view of
        ("input x: [10]\na: dense 100\nb: dense 10\nreturn b, x", 480),
        ("input x: [10]\na: relu -> flatten\nb: relu -> relu\nreturn b, a", 120),
        # a parameter is a weight, not an activation
        ("input x: [10]\nparam p: [10]\nfrom x -> add with p", 80),
        # a part of `split` that nobody takes ends at once
        ("input x: [10]\ns: split 5\nrelu -> relu", 80),
    ],
)
def test_by_hand(text: str, peak: int):
    made = compiled("net N {\n" + text + "\n}")
    assert made.peak_activation_bytes == peak == simulated(flat_of(made))


def test_an_output_that_its_caller_drops_ends_within_the_call():
    text = """
block two { a: dense 1000
  b: dense 10
  c: dense 2000 -> dense 10
  return c, a }
net N { input x: [10]
  two }
"""
    made = compiled(text)  # `dense 2000` beside its input: a, which nobody wants, has ended
    assert made.peak_activation_bytes == simulated(flat_of(made)) == 8_040


def test_the_same_value_given_twice_ends_at_its_last_use():
    text = """
block both { input b
  dense 10
  add with b
  dense 100 -> dense 10 }
net N { input x: [10]
  r: relu
  both with r }
"""
    made = compiled(text)
    assert made.peak_activation_bytes == simulated(flat_of(made))


@pytest.mark.parametrize("times", [3, 4, 10**9, 10**50])
def test_repeats_are_closed(times: int):
    text = f"""
net N {{ input x: [10]
  skip: relu
  repeat {times} as i {{ dense 50 -> dense 10 -> add with skip }} }}
"""
    # skip, and in an iteration 200 of the wide layer and 40 of a value on either side of it
    assert compiled(text).peak_activation_bytes == 280


def test_a_module_by_itself():
    made = compiled("net N { input x: [10]\n g: { dense 100 -> dense 10 }\n dense 1000 }")
    assert made.network is not None
    assert peak_of_module(made.network, made.types, "g") == 440
    assert made.peak_activation_bytes == 4040


def test_symbols():
    made = compiled("net N { input x: [4, H]\n conv 8 k=3 pad=1 -> relu -> conv 4 k=1 }")
    assert str(made.peak_activation_bytes) == "64*H"


def test_cases_are_bounded():
    """Blocks that call one another in ever new ways of which value ends where."""
    names = [f"a{i}" for i in range(20)]
    inputs = "\n".join(f"input {name}" for name in names)
    blocks = [f"block b0 {{ {inputs}\n add with {' '.join(names)} }}"]
    for level in range(1, 40):
        turned = [*names[level % 20 :], *names[: level % 20]]
        first = [name if i % 2 else turned[1] for i, name in enumerate(turned)]
        calls = f"b{level - 1} with {' '.join(first)}\n b{level - 1} with {' '.join(turned)}"
        blocks.append(f"block b{level} {{ {inputs}\n {calls} }}")
    values = "\n".join(f"x{i}: relu" for i in range(20))
    net = f"net N {{ input x: [10]\n {values}\n b39 with {' '.join(f'x{i}' for i in range(20))} }}"
    made = compiled("\n".join([*blocks, net]))
    assert made.peak_activation_bytes == 22 * 40


def vectors(seed: int) -> str:
    """A net of vectors of random lengths: blocks with several inputs and outputs, which may be each other."""
    draw = random.Random(seed)
    count = itertools.count()
    blocks: list[tuple[str, int, list[str]]] = []

    def body(values: list[str], length: int, depth: int) -> list[str]:
        lines = []
        for _ in range(length):
            some = " ".join(draw.choices(values, k=draw.randint(1, 2)))
            label = f"v{next(count)}"
            kind = draw.choice(["dense", "dense", "view", "join", "split", "call", "call", "repeat", "group"])
            if kind == "dense" or (kind in ("repeat", "group") and not depth):
                lines.append(f"{label}: dense {draw.randint(1, 40)}")
            elif kind == "view":
                lines.append(f"{label}: {draw.choice(['identity', 'flatten'])}")
            elif kind == "join":
                lines.append(f"{label}: concat with {some}")
            elif kind == "split":
                lines.append(f"dense 12 -> {label}: split {draw.choice([2, 3])}")
                values.append(f"{label}.1")
            elif kind == "call" and blocks:
                name, inputs, members = draw.choice(blocks)
                given = " ".join(draw.choices(values, k=inputs))
                lines.append(f"{label}: {name}" + (f" with {given}" if inputs else ""))
                values += [f"{label}.{member}" for member in members[1:]]
            elif kind == "group":
                inside = "\n".join(body([*values], draw.randint(1, 3), depth - 1))
                lines.append(f"{label}: {{\n{inside}\n}}")
            elif kind == "repeat":
                inside = "\n".join(body([*values], draw.randint(1, 3), depth - 1))
                end = draw.choice(["dense 7", "dense 7", f"from {values[0]} -> dense 7 -> identity"])
                first = draw.choice(["", f"if i == {draw.randint(0, 3)} {{ dense 30 }}\n"])
                times = draw.randint(1, 6)
                lines.append(f"dense 7 -> {label}: repeat {times} as i {{\n{first}{inside}\n{end}\n}}")
            else:
                continue
            values.append(label)
            if draw.random() < 0.2:
                lines.append(f"from {draw.choice(values)} -> identity")
        return lines or ["dense 5"]

    text = ""
    for _ in range(draw.randint(0, 4)):
        name, inputs = f"block{next(count)}", draw.randint(0, 3)
        values = [f"i{n}" for n in range(inputs)]
        lines = ["v: dense 4", *body([*values, "v"], draw.randint(1, 5), 1)]
        names = [line.partition(":")[0] for line in lines if line[0] == "v"] + values
        outputs = draw.sample(names, k=min(len(names), draw.randint(1, 3)))
        heads = [f"input {value}" for value in values]
        text += f"block {name} {{\n" + "\n".join([*heads, *lines, f"return {', '.join(outputs)}"]) + "\n}\n"
        blocks.append((name, inputs, outputs if len(outputs) > 1 else outputs[:1]))
    inputs = [f"x{n}" for n in range(draw.randint(1, 3))]
    heads = [f"input {name}: [{draw.randint(1, 60)}]" for name in inputs] + ["param p: [9]", "from x0 -> identity"]
    lines = body([*inputs, "p"], draw.randint(3, 9), 2)
    return text + "net N {\n" + "\n".join([*heads, *lines]) + "\n}\n"


@pytest.mark.parametrize("seed", range(200))
def test_random_vectors(seed: int):
    made = compiled(vectors(seed))
    net = flat_of(made)
    assert made.peak_activation_bytes == simulated(net)
    made_of_layers = sum(int(t.bytes) for step in net.steps if not step.layer.view for t in step.outputs)
    assert made.totals is not None
    assert made.totals.activation_bytes == made_of_layers
