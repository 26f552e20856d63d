"""A repeat that looks at its index is the same as its iterations written out, whatever it asks."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from reading import net

COMPARE = ["==", "!=", "<", "<=", ">", ">="]


@st.composite
def _test(draw: st.DrawFn, depth: int = 2) -> str:
    """A condition on the index i."""
    if depth and draw(st.booleans()):
        left, right = draw(_test(depth - 1)), draw(_test(depth - 1))
        return f"({left} {draw(st.sampled_from(['and', 'or']))} {right})"
    number = draw(st.one_of(st.integers(-2, 9), st.sampled_from([0.5, 2.5, 6.0])))
    written = str(number) if number >= 0 else f"({number})"
    kind = draw(st.integers(0, 6))
    operator = draw(st.sampled_from(COMPARE))
    if kind == 0:
        return f"{written} {operator} i"
    if kind == 1:
        return f"i % 3 {operator} {written}"
    if kind == 2:
        return f"i in (1, 4, {written})"
    if kind == 3:
        return f"{draw(st.integers(0, 4))} <= i {operator} {written}"
    if kind == 4:
        return f"not i {operator} {written}"
    if kind == 5:
        return f"(2 if i {operator} {written} else 1) == 2"
    return f"i {operator} {written}"


BLOCK = """
block unit(wide) {
  conv (6 if wide else 4) k=1 -> if wide { relu } else { tanh -> sigmoid }
  conv 3 k=1
}
"""
BODIES = [
    "if {test} {{ conv 3 k=1 -> relu }} else {{ conv 3 k=1 bias=false }}",
    "unit ({test})",
    "let wide = {test}\nconv (5 if wide else 3) k=1\nconv 3 k=1",
    "add {{ | conv 3 k=(3 if {test} else 1) pad=(1 if {test} else 0) | identity }}",
    "conv (4 if {test} else 3) k=1",  # the type changes from one to the next
    "repeat 2 as j {{ if j == 0 or {test} {{ conv 3 k=1 }} }}",
]


@settings(deadline=None, max_examples=150)
@given(test=_test(), count=st.integers(0, 8), body=st.sampled_from(BODIES))
def test_a_repeat_is_its_iterations(test: str, count: int, body: str) -> None:
    inner = body.format(test=test)
    numbers = ", ".join(map(str, range(count)))
    listed = f"({numbers},)" if count else "()"
    repeat = net(f"l: repeat {count} as i {{\n{inner}\n}}\nrelu", BLOCK)
    loop = net(f"l: for i in {listed} {{\n{inner}\n}}\nrelu", BLOCK)
    unlabelled = net(f"for i in {listed} {{\n{inner}\n}}\nrelu", BLOCK)
    for other in (loop, unlabelled):
        assert (repeat.params, repeat.macs, repeat.flops) == (other.params, other.macs, other.flops)
        assert repeat.activation_bytes == other.activation_bytes
        assert list(repeat.outputs.values()) == list(other.outputs.values())
    assert unrolled(repeat) == unrolled(loop)


def unrolled(found: Any) -> list[tuple[str, tuple[int, ...]]]:
    """Every layer's text and output, once for each time it occurs, in no order."""
    listed = [(layer.text, layer.output) for layer in found.layers for _ in range(layer.repeat)]
    return sorted(listed, key=str)
