"""What is used again for inputs with other axes has no torch module, and is refused at its place."""

from __future__ import annotations

import pytest
from generated import compiled_text

from netspec.diagnostics import SpecError
from netspec.emit.torch.source import generate

LAYER = """net Twice {
  input image: [16, 8, 8]
  norm: batchnorm
  flatten start=1
  reuse norm
}
"""
BLOCKS = """net Twice {
  input image: [16, 8, 8]
  first: outer
  flatten start=1
  reuse first
}
block outer() { inner -> relu }
block inner() { batchnorm -> relu }
"""


def test_a_layer() -> None:
    with pytest.raises(SpecError) as refused:
        generate(compiled_text(LAYER))
    assert (
        str(refused.value).strip()
        == """\
error[NS604]: `batchnorm` is another module in torch for [16, 64] than for [16, 8, 8]
 --> test.net:5:3
  |
5 |   reuse norm
  |   ^^^^^^^^^^ gets [16, 64]
  |
  = help: `reshape` before it to the axes of [16, 8, 8], or write the layer anew, with weights of its own"""
    )


def test_a_layer_in_a_block_in_a_block() -> None:
    with pytest.raises(SpecError) as refused:
        generate(compiled_text(BLOCKS))
    (problem,) = refused.value.diagnostics
    assert problem.code == "NS604"
    assert problem.title == "`batchnorm` is another module in torch for [16, 64] than for [16, 8, 8]"
    assert problem.span.line == 5


def test_other_sizes_of_as_many_axes() -> None:
    assert generate(compiled_text(BLOCKS.replace("flatten start=1", "maxpool 2"))).count("nn.BatchNorm2d") == 1
