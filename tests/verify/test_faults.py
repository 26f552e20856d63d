"""A proof is worth what it would find: rules are changed, and the layer that departs is named, with its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner
from verifying import agrees, told, verified

from netspec.cli import cli
from netspec.emit.verify import proof
from netspec.ir.types import TensorType
from netspec.ops import find_layer
from netspec.ops.base import Cost, Weight
from netspec.ops.torchrule import Arg, Torch

pytestmark = pytest.mark.usefixtures("forgetful")

NET = """
net Faulty {
  input image: [4, 12, 10]
  first: conv 8 k=3 pad=((0, 2), (0, 2)) -> batchnorm -> relu
  pool: avgpool 3 stride=2 pad=1
  second: conv 8 k=1 -> gate: gelu
  third: conv 8 k=1 -> leakyrelu 0.2
  flatten -> mid: dense 16 -> square: dense 16 -> softsign
  out: dense 5
}
"""
Edit = Callable[[dict[str, Any]], None]


class Meddler:
    """A graph that changes the attributes, or the inputs, of one operator on the way."""

    def __init__(self, graph: Any, op: str, attributes: dict[str, Any], order: tuple[int, ...] = ()) -> None:
        self._graph, self._op, self._attributes, self._order = graph, op, attributes, order

    def __getattr__(self, name: str) -> Any:
        return getattr(self._graph, name)

    def node(self, op: str, *inputs: Any, **attributes: Any) -> Any:
        if op == self._op:
            attributes.update(self._attributes)
            if self._order:
                inputs = tuple(inputs[place] for place in self._order)
        return self._graph.node(op, *inputs, **attributes)


def meddle(patch: pytest.MonkeyPatch, layer: str, op: str, order: tuple[int, ...] = (), **attributes: Any) -> None:
    """Let the ONNX rule of a layer write something else."""
    kind: Any = find_layer(layer)
    rule = kind.onnx

    def changed(self: Any, graph: Any, inputs: Any) -> Any:
        return rule(self, Meddler(graph, op, attributes, order), inputs)

    patch.setattr(kind, "onnx", changed)


def say(patch: pytest.MonkeyPatch, layer: str, rule: str, change: Callable[[Any], Any]) -> None:
    """Let a rule of a layer say something else."""
    kind: Any = find_layer(layer)
    before = getattr(kind, rule)
    patch.setattr(kind, rule, lambda self, *args: change(before(self, *args)))


def test_without_a_fault() -> None:
    found = agrees(verified(NET))
    assert found.layers == 13
    assert found.notes == []


# -- ONNX -------------------------------------------------------------------------------------------------

ONNX_FAULTS: dict[str, tuple[str, str, tuple[int, ...], dict[str, Any], str, str]] = {
    "begins and ends swapped": ("conv", "Conv", (), {"pads": (2, 2, 0, 0)}, "first", "5:10"),
    "padding is not counted": ("avgpool", "AveragePool", (), {"count_include_pad": 0}, "pool", "6:9"),
    "the other gelu": ("gelu", "Gelu", (), {"approximate": "tanh"}, "gate", "7:31"),
    "another slope": ("leakyrelu", "LeakyRelu", (), {"alpha": 0.21}, "leakyrelu1", "8:24"),
    "a matrix turned round": ("dense", "Gemm", (), {"transB": 0}, "square", "9:39"),
    "scale and shift swapped": ("batchnorm", "BatchNormalization", (0, 2, 1, 3, 4), {}, "batchnorm1", "5:45"),
    "another epsilon": ("batchnorm", "BatchNormalization", (), {"epsilon": 1e-2}, "batchnorm1", "5:45"),
}


@pytest.mark.parametrize("fault", ONNX_FAULTS)
def test_onnx(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    layer, op, order, attributes, path, place = ONNX_FAULTS[fault]
    if fault == "a matrix turned round":  # of the others the shape would be wrong, too
        kind: Any = find_layer("dense")
        rule = kind.onnx
        monkeypatch.setattr(
            kind,
            "onnx",
            lambda self, graph, inputs: rule(
                self, Meddler(graph, op, attributes) if inputs[0].shape == (self.out,) else graph, inputs
            ),
        )
    elif fault == "begins and ends swapped":
        kind = find_layer("conv")
        rule = kind.onnx
        monkeypatch.setattr(
            kind,
            "onnx",
            lambda self, graph, inputs: rule(self, Meddler(graph, op, attributes) if self.k == 3 else graph, inputs),
        )
    else:
        meddle(monkeypatch, layer, op, order, **attributes)
    found = verified(f"\n{NET}")
    assert found.status == "numbers differ", told(found)
    (trouble,) = found.troubles
    assert (trouble.layer, trouble.place) == (path, f"test.net:{place}"), told(found)
    assert f"the first layer that departs is `{path}`, {layer}" in told(found)
    assert "it is not rounding" in told(found)


def test_an_operator_that_there_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    kind: Any = find_layer("leakyrelu")
    monkeypatch.setattr(kind, "onnx", lambda self, graph, inputs: graph.node("LeakyRelut", *inputs))
    found = verified(NET)
    assert found.status == "onnx fails"
    assert "onnxruntime says:" in told(found)
    assert "LeakyRelut" in told(found)


def test_another_shape_in_onnx(monkeypatch: pytest.MonkeyPatch) -> None:
    """A layer whose neighbours do not mind."""
    kind: Any = find_layer("softsign")

    def halved(self: Any, graph: Any, inputs: Any) -> Any:
        return graph.node("ReduceMean", *inputs, graph.numbers((2,), "int64"), shape=(3, 1), keepdims=1)

    monkeypatch.setattr(kind, "onnx", halved)
    found = verified("net N {\n input x: [3, 4]\n dense 4 -> s: softsign -> reduce mean axes=1\n}")
    assert found.status == "shapes differ"
    assert "`s` gives [3, 1] in onnxruntime, where [3, 4] is stated" in told(found)
    assert found.troubles[0].place == "test.net:3:16"


# -- torch ------------------------------------------------------------------------------------------------


def test_another_torch_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    say(monkeypatch, "leakyrelu", "torch", lambda rule: Torch("nn.LeakyReLU", args=(Arg(0.3),)))
    found = verified(NET)
    assert found.status == "numbers differ"
    assert found.troubles[0].layer == "leakyrelu1"
    assert "it is not rounding" in told(found)


def test_a_torch_rule_that_cannot_run(monkeypatch: pytest.MonkeyPatch) -> None:
    say(monkeypatch, "gelu", "torch", lambda rule: Torch("nn.Gelu"))
    found = verified(NET)
    assert found.status == "torch fails"
    assert found.troubles[0].layer == "gate"
    assert "torch says: AttributeError" in told(found)


def test_source_that_is_not_its_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    generate = proof.generate
    monkeypatch.setattr(proof, "generate", lambda made: generate(made).replace("F.relu(", "F.silu("))
    found = verified(NET)
    assert found.status == "torch fails"
    assert "`out` of the generated module differs from that of its layers one by one" in told(found)


def test_source_that_is_not_its_layers_far_from_0(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not taken for rounding, although the layers one by one are as far from onnxruntime as the source is."""
    generate = proof.generate
    monkeypatch.setattr(proof, "generate", lambda made: generate(made).replace("F.relu(x)", "F.relu(x.clamp(max=5))"))
    found = verified("net Faulty {\n  input image: [4, 12]\n  relu\n}\n")
    assert found.status == "torch fails"
    assert "`relu1` of the generated module differs from that of its layers one by one" in told(found)


def test_no_number_of_large_inputs() -> None:
    """onnxruntime makes numbers of NaN in a sigmoid, which is not compared."""
    found = verified("""
        net Large {
          input x: [4, 12]
          threshold 5 0
          repeat 8 { mul { | identity | identity } }
          sub { | identity | identity }
          add with x
          gru 3
        }
        """)
    assert agrees(found)
    assert found.notes[0] == "`gru1` is no number for inputs of mean 10"


def test_experts_of_one_score() -> None:
    """Of inputs that are 0 all experts have one score, and torch chooses another than onnxruntime."""
    found = verified("net Tied {\n  input x: [1]\n  softshrink 9 -> experts 4 hidden=1 top=1 bias=true\n}\n")
    assert found.status == "not proven"
    assert "rounding of what `experts1` is given changes it as much" in told(found)


def test_source_with_weights_of_other_names(monkeypatch: pytest.MonkeyPatch) -> None:
    generate = proof.generate
    monkeypatch.setattr(proof, "generate", lambda made: generate(made).replace("self.mid", "self.middle"))
    found = verified(NET)
    assert found.status == "weights differ"
    assert "torch has no weight `mid.weight`" in told(found)
    assert found.troubles[0].place == "test.net:8:19"


def test_source_with_weights_in_another_order(monkeypatch: pytest.MonkeyPatch) -> None:
    generate = proof.generate

    def swapped(made: Any) -> str:
        lines = generate(made).splitlines()
        at = next(i for i, line in enumerate(lines) if "self.square = " in line)
        lines[at - 1], lines[at] = lines[at], lines[at - 1]
        return "\n".join(lines)

    monkeypatch.setattr(proof, "generate", swapped)
    found = verified(NET)
    assert "the weights are in another order in torch: `square.weight` where `mid.weight` is meant" in told(found)


def test_source_that_is_no_python(monkeypatch: pytest.MonkeyPatch) -> None:
    generate = proof.generate
    monkeypatch.setattr(proof, "generate", lambda made: generate(made) + "\n  oops(")
    found = verified(NET)
    assert found.status == "torch fails"
    assert "the generated module cannot be built" in told(found)


# -- what is stated ---------------------------------------------------------------------------------------


def test_macs(monkeypatch: pytest.MonkeyPatch) -> None:
    say(monkeypatch, "dense", "cost", lambda cost: cost._replace(macs=cost.macs * 2))
    found = verified(NET)
    assert found.status == "MACs differ"
    assert found.troubles[0].layer == "mid"
    assert "`mid`, the first layer to differ, states 7,680 for one sample, torch has 3,840" in told(found)
    assert found.macs[0].static != found.macs[0].torch
    assert found.runs  # which agree


def test_macs_that_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    say(monkeypatch, "relu", "cost", lambda cost: Cost(macs=1))
    found = verified(NET)
    assert (found.status, found.troubles[0].layer) == ("MACs differ", "relu1")


def wider(output: TensorType) -> TensorType:
    return output.with_shape(*output.shape[:-1], output.shape[-1] + 1)


def test_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    say(monkeypatch, "avgpool", "output", wider)
    found = verified("net N {\n input x: [4, 12, 10]\n conv 4 k=1\n pool: avgpool 2\n globalavgpool\n}")
    assert found.status == "shapes differ"
    assert found.troubles[0].layer == "pool"
    assert found.troubles[0].place == "test.net:4:8"
    assert "`pool` gives [4, 6, 5] in torch, where [4, 6, 6] is stated" in told(found)


def test_shapes_that_break_what_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    say(monkeypatch, "avgpool", "output", wider)
    found = verified(NET)
    assert not found.agree
    assert found.troubles[0].layer == "pool", told(found)


def test_dtypes(monkeypatch: pytest.MonkeyPatch) -> None:
    say(monkeypatch, "relu", "output", lambda output: TensorType(output.shape, "float64"))
    found = verified("net N {\n input x: [4, 12]\n dense 3\n r: relu\n}")
    assert found.status == "shapes differ"
    assert "`r` gives [4, 3] in torch, where float64 [4, 3] is stated" in told(found)


def test_shapes_of_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    say(monkeypatch, "layernorm", "weights", lambda weights: {"weight": weights["weight"]})
    found = verified("net N {\n input x: [4, 12]\n dense 3\n n: layernorm\n}")
    assert not found.agree
    assert found.troubles[0].layer == "n"
    assert "n.bias" in told(found) or "Missing key" in told(found)


def test_kinds_of_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    say(monkeypatch, "dense", "weights", lambda w: {**w, "bias": Weight(w["bias"].shape, "fixed", init=0.0)})
    found = verified(NET)
    assert "the weight `mid.bias` is fixed [16], and trainable [16] in torch" in told(found)


def test_a_formula(monkeypatch: pytest.MonkeyPatch) -> None:
    """A size that is right where it is a number, and wrong as a formula."""
    say(monkeypatch, "maxpool", "output", lambda o: o if isinstance(o.shape[-1], int) else wider(o))
    found = verified("net N {\n input x: [3, H, W]\n conv 4 k=3 -> pool: maxpool 2\n globalavgpool\n}")
    assert found.status == "shapes differ"
    assert found.troubles[0].layer == "pool"
    assert "the formula [4, H // 2 - 1, W // 2] of `pool` gives [4, 1, 2] at H=4, W=4, where the net" in told(found)


# -- what proves nothing ----------------------------------------------------------------------------------


def test_no_scale() -> None:
    found = verified("net N { input x: [3, 4]\n dense 2\n scale by=0.0 }")
    assert found.status == "not proven"
    assert "proves nothing: its largest element is 0.0e+00" in told(found)
    assert "every layer by itself agrees" in told(found)


def test_the_same_for_all_inputs() -> None:
    found = verified("net N { input x: [3, 4]\n dense 4 -> softmax -> total: reduce sum axes=(0, 1) }")
    assert found.status == "not proven"
    assert "`total` proves nothing: it is nearly the same for all of the inputs: 3" in told(found)


HIDDEN = "net N {\n input x: [3, 4]\n a: dense 8 -> s: scale by=0.000001\n from x -> dense 8 -> add with s\n}"


def test_a_fault_that_the_output_hides(monkeypatch: pytest.MonkeyPatch) -> None:
    meddle(monkeypatch, "leakyrelu", "LeakyRelu", alpha=0.5)
    found = verified(HIDDEN.replace("dense 8 -> s", "dense 8 -> leakyrelu -> s"))
    assert found.status == "numbers differ"
    assert found.troubles[0].layer == "leakyrelu1"
    assert "though the outputs differ by less than is allowed" in told(found)


def test_a_layer_that_the_output_hides() -> None:
    (note,) = agrees(verified(HIDDEN)).notes
    assert note.startswith("not sensitive: other weights in `a` change the outputs by ")
    assert note.endswith("by itself the layer agrees")


def test_a_tolerance() -> None:
    assert verified(NET, tolerance=1e-9).status != "OK"
    assert verified(NET, tolerance=1e-2).agree


def test_rounding_is_blamed_on_nobody() -> None:
    found = verified(NET, tolerance=1e-9)
    assert {trouble.kind for trouble in found.troubles} == {"not proven"}, told(found)
    assert "torch is as far from the same net in float64" in told(found)


# -- the command ------------------------------------------------------------------------------------------


def test_the_text_of_a_disagreement(monkeypatch: pytest.MonkeyPatch) -> None:
    meddle(monkeypatch, "leakyrelu", "LeakyRelu", alpha=0.21)
    text = "net Small {\n  input x: [4, 8]\n  dense 8 -> slope: leakyrelu 0.2\n  dense 3\n}\n"
    result = CliRunner().invoke(cli, ["verify", "-"], input=text)
    assert result.exit_code == 1
    first, *_ = result.stdout.split("\n\n")[1].splitlines()
    assert first.startswith("Small: `dense2` differs in torch and onnxruntime by ")
    assert "<stdin>:3:21  | dense 8 -> slope: leakyrelu 0.2\n" in result.stdout
    assert "the first layer that departs is `slope`, leakyrelu 0.2" in result.stdout
    assert "0 of 1 net agree." in result.stdout


def test_a_type_without_numbers() -> None:
    found = verified("net Brain {\n  input x: bfloat16 [3]\n  relu\n}\n")
    assert found.status == "refused"
    assert "onnxruntime computes nothing in bfloat16 on a CPU: there are no numbers to compare" in told(found)
