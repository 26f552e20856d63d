"""Recurrent layers in onnxruntime: the traps between torch and ONNX, and what ONNX cannot say."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from generated import module_of
from onnx import helper
from onnx_nets import Given, check, close, compiled, model_of, naive, run, session
from torch import Tensor, nn

from netspec.diagnostics import SpecError
from netspec.emit.onnx import export

STEPS, INPUTS, HIDDEN = 9, 5, 7
TYPES: dict[str, type[nn.RNNBase]] = {"RNN": nn.RNN, "GRU": nn.GRU, "LSTM": nn.LSTM}
ORDERS = {"RNN": [0], "GRU": [1, 0, 2], "LSTM": [0, 3, 1, 2]}


def torch_module(op: str) -> nn.RNNBase:
    """Torch's module with weights of which each shows."""
    torch.manual_seed(0)
    module = TYPES[op](INPUTS, HIDDEN, batch_first=True)
    for parameter in module.parameters():
        nn.init.normal_(parameter, 0.0, 0.5)
    return module


def rows(tensor: Tensor, order: list[int]) -> Any:
    return torch.cat([tensor.detach().chunk(len(order))[gate] for gate in order])[None].numpy()


def by_hand(op: str, module: nn.RNNBase, x: Tensor, *, order: list[int] | None = None, fold: bool = False, **more: Any):
    """What onnxruntime gives of a node that one writes from torch's weights."""
    order = ORDERS[op] if order is None else order
    own, recurrent = (rows(bias, order) for bias in (module.bias_ih_l0, module.bias_hh_l0))
    both = [own + recurrent, 0 * recurrent] if fold else [own, recurrent]
    if op == "GRU":
        more = {"linear_before_reset": 1, **more}
    model = naive(
        [helper.make_node(op, ["x", "w", "r", "b"], ["y"], hidden_size=HIDDEN, **more)],
        {"x": (STEPS, 2, INPUTS)},
        ["y"],
        w=rows(module.weight_ih_l0, order),
        r=rows(module.weight_hh_l0, order),
        b=np.concatenate(both, 1),
    )
    (y,) = run(model, x.transpose(0, 1).contiguous())
    return y[:, 0].transpose(1, 0, 2)


def share(one: Any, other: Any) -> float:
    return float(np.abs(one - other).max() / np.abs(other).max())


@pytest.mark.parametrize(
    ("op", "wrong", "least"),
    [
        ("LSTM", {"order": [0, 1, 2, 3]}, 0.1),  # torch's order of rows
        ("GRU", {"order": [0, 1, 2]}, 0.1),
        ("GRU", {"linear_before_reset": 0}, 0.05),  # which ONNX has where nothing is said
        ("GRU", {"fold": True}, 0.05),  # one bias in place of two
    ],
)
def test_a_node_by_hand_falls_into_the_trap_and_ours_does_not(op: str, wrong: dict[str, Any], least: float):
    module = torch_module(op)
    x = torch.randn(2, STEPS, INPUTS)
    expected = module(x)[0].detach().numpy()
    assert share(by_hand(op, module, x, **wrong), expected) > least
    assert share(by_hand(op, module, x), expected) < 1e-5
    made = compiled(f"net N {{\n  input x: [{STEPS}, {INPUTS}]\n  layer: {op.lower()} {HIDDEN}\n}}\n")
    (y,) = run(model_of(made, Given(module.state_dict(), "layer.")), x)
    close([y], [expected], 1e-5)


def test_the_other_reset_is_the_other_attribute():
    module = torch_module("GRU")
    x = torch.randn(2, STEPS, INPUTS)
    made = compiled(f"net N {{\n  input x: [{STEPS}, {INPUTS}]\n  layer: gru {HIDDEN} reset=before\n}}\n")
    (y,) = run(model_of(made, Given(module.state_dict(), "layer.")), x)
    close([y], [by_hand("GRU", module, x, linear_before_reset=0)], 1e-5)


TRANSLATOR = """
    net Translator {
      input source: int64 [S]
      input target: int64 [T]
      from source -> embedding 20 6
      enc: lstm 7 layers=2 bidirectional=true dropout=0.5
      from target -> embedding 20 6
      dec: lstm 7 layers=2 bidirectional=true with enc.state enc.cell
      last: gru 5 steps=last bias=one reset=before
      return dec, dec.cell, last, last.state
    }
    """


def test_states_go_from_layer_to_layer_at_any_length():
    made = compiled(dedent(TRANSLATOR))
    module = module_of(made).eval()
    model = model_of(made, Given(module.state_dict()))
    check(model)
    assert [node.op_type for node in model.graph.node].count("LSTM") == 4
    loaded = session(model)
    for batch, source, target in ((1, 5, 3), (4, 1, 8)):
        inputs = [torch.randint(0, 20, (batch, length)) for length in (source, target)]
        with torch.no_grad():
            close(run(loaded, *inputs), module(*inputs), 1e-5)


def test_no_axis_is_named_but_by_symbols_and_the_batch():
    model = model_of(compiled(dedent(TRANSLATOR)))
    named = {d.dim_param for v in model.graph.value_info for d in v.type.tensor_type.shape.dim if d.dim_param}
    assert named == {"batch", "S", "T"}


def test_both_directions_have_the_activation():
    made = compiled("net N {\n  input x: [T, 5]\n  rnn 7 activation=relu bidirectional=true\n}\n")
    (node,) = (node for node in model_of(made).graph.node if node.op_type == "RNN")
    (given,) = (a for a in node.attribute if a.name == "activations")
    assert onnx.helper.get_attribute_value(given) == [b"Relu", b"Relu"]


def test_a_projection_is_refused():
    made = compiled("net Speech {\n  input frames: [T, 40]\n  layer: lstm 800 proj=512\n}\n")
    with pytest.raises(SpecError) as error:
        export.graph_of(made, export.OPSET)
    (told,) = error.value.diagnostics
    assert (told.code, told.title) == ("NS705", "ONNX has no LSTM with a projection")
    assert [label.text for label in told.labels] == ["`proj=512` has no operator"]
    assert told.help == "leave `proj` out, or use the net in torch"


def test_used_again_with_states_and_named_outputs():
    text = dedent("""
        net Again {
          input a: [S, 5]
          input b: [T, 5]
          from a -> enc: lstm 6
          from b -> dec: reuse enc with enc.state enc.cell
          return dec, enc.state, dec.state as last, dec.cell
        }
    """)
    made = compiled(text)
    module = module_of(made).eval()
    model = model_of(made, Given(module.state_dict()))
    check(model)
    assert [output.name for output in model.graph.output] == ["dec", "state", "last", "cell"]
    weights = [tensor.name for tensor in model.graph.initializer if tensor.name.startswith("enc.weight")]
    assert len(weights) == 2  # which are there once
    for a, b in ((7, 3), (2, 9)):
        given = torch.randn(3, a, 5), torch.randn(3, b, 5)
        close(run(model, *given), [tensor.detach() for tensor in module(*given)])
