"""The Python API: nets as objects."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import netspec
from netspec.cli import cli

TEXT = """
net Small(classes = 10) {
  input image: [3, H=32, W=32]
  c1: conv 16 k=3 pad=1
  body: repeat 4 { conv 16 k=3 pad=1 -> bn: batchnorm -> relu }
  globalavgpool -> flatten
  fc: dense classes
}
"""


@pytest.fixture
def small() -> netspec.Network:
    return netspec.loads(TEXT)


def test_a_net_from_a_file_a_bundled_name_and_a_text(tmp_path: Path) -> None:
    path = tmp_path / "small.net"
    path.write_text(TEXT, encoding="utf-8")
    assert netspec.load(path).params == netspec.load(str(path)).params == netspec.loads(TEXT).params
    assert netspec.load(f"{path}:Small").name == "Small"
    assert netspec.load("lenet5").params == 60_000
    assert netspec.load("resnet:ResNet50").params == netspec.load("resnet", "ResNet50").params == 25_557_032


def test_facts_of_the_net(small: netspec.Network) -> None:
    assert small.name == "Small"
    assert small.params == small.trainable_params == 448 + 4 * (16 * 16 * 9 + 16 + 32) + 170
    assert small.macs == 32 * 32 * 16 * 9 * (3 + 4 * 16) + 160
    assert small.inputs == {"image": (3, 32, 32)}
    assert small.outputs == {"fc": (10,)}
    assert small.weight_bytes == 4 * (small.params + 4 * 32) + 4 * 8  # running statistics and a counter
    assert small.peak_activation_bytes >= 2 * 16 * 32 * 32 * 4
    assert small.flops >= small.mults + small.adds
    assert small.connections > small.macs
    assert [warning.code for warning in small.warnings] == ["W203"]


def test_facts_of_a_layer(small: netspec.Network) -> None:
    c1 = small["c1"]
    assert (c1.path, c1.text, c1.repeat, c1.line) == ("c1", "conv 16 k=3 pad=1", 1, 4)
    assert (c1.output, c1.dtype) == ((16, 32, 32), "float32")
    assert c1.params == 448
    assert c1.weights == {"weight": (16, 3, 3, 3), "bias": (16,)}
    assert c1.receptive_field == {"image": {"size": [3, 3], "stride": [1, 1], "start": [-1, -1]}}
    assert repr(c1) == "<c1: conv 16 k=3 pad=1 -> [16, 32, 32]>"


def test_groups_and_repeats_by_path(small: netspec.Network) -> None:
    assert small["body"].params == 4 * (16 * 16 * 9 + 16 + 32)
    assert small["body.0.bn"].repeat == 4
    assert list(small["body.0.bn"].weights) == [
        "weight",
        "bias",
        "running_mean",
        "running_var",
        "num_batches_tracked",
    ]


def test_layers_in_order(small: netspec.Network) -> None:
    assert [layer.path for layer in small.layers] == [
        "c1", "body.0.conv1", "body.0.bn", "body.0.relu1", "globalavgpool1", "flatten1", "fc",
    ]  # fmt: skip
    assert sum(layer.params * layer.repeat for layer in small.layers) == small.params


def test_a_path_that_does_not_exist(small: netspec.Network) -> None:
    with pytest.raises(KeyError, match=r"Small has no 'body.0.bm'; did you mean 'body.0.bn'\?"):
        small["body.0.bm"]
    with pytest.raises(KeyError) as caught:
        small["quux"]
    assert caught.value.args == ("Small has no 'quux'",)


def test_parameters_and_symbols() -> None:
    assert netspec.loads(TEXT, classes=7).outputs == {"fc": (7,)}
    assert netspec.loads(TEXT, H=64, W=16)["c1"].output == (16, 64, 16)
    family = "net F(widths) { input x: [3]\n for n in widths { dense n } }"
    assert netspec.loads(family, widths=[4, 5]).outputs == {"dense2": (5,)}
    with pytest.raises(TypeError, match=r"cannot be \{1\}"):
        netspec.loads(TEXT, classes={1})


def test_batch(small: netspec.Network) -> None:
    ten = netspec.loads(TEXT, batch=10)
    assert (ten.macs, ten.params) == (10 * small.macs, small.params)
    assert ten["c1"].macs == 10 * small["c1"].macs
    assert ten.activation_bytes == 10 * small.activation_bytes
    assert "Counted for a batch of 10 samples." in ten.summary()
    assert f"{10 * small.macs:,}</th>" in ten._repr_html_()


@pytest.mark.parametrize("batch", [0, -1, 10**9 + 1, 2.5, "8", None])
def test_a_batch_is_a_number_of_samples(batch: Any) -> None:
    with pytest.raises(ValueError, match=f"from 1 to 1,000,000,000, not {re.escape(repr(batch))}"):
        netspec.loads(TEXT, batch=batch)
    assert netspec.loads(TEXT, batch=10**9).to_dict()["batch"] == 10**9


def test_symbolic_sizes() -> None:
    found = netspec.loads(TEXT, symbolic=True)
    assert [str(d) for d in found["c1"].output] == ["16", "H", "W"]
    assert str(found["c1"].macs) == "432*H*W"


def test_one_net_of_several() -> None:
    text = TEXT + "net Tiny = Small classes=2\nnet Needs(n) { input x: [n]\n relu }\n"
    assert netspec.loads(text, "Tiny").outputs == {"fc": (2,)}
    assert netspec.loads(text, net="Needs", n=3).inputs == {"x": (3,)}
    with pytest.raises(netspec.SpecError, match="choose one of: Small, Tiny, Needs"):
        netspec.loads(text)
    with pytest.raises(netspec.SpecError, match="did you mean `Tiny`"):
        netspec.loads(text, "Tinny")


def test_a_wrong_spec_raises_all_its_mistakes() -> None:
    with pytest.raises(netspec.SpecError) as caught:
        netspec.loads(TEXT.replace("conv 16", "convv 16").replace("classes\n", "clases\n"))
    assert [d.code for d in caught.value.diagnostics] == ["NS201", "NS201", "NS202"]
    assert (
        str(caught.value)
        == """
error[NS201]: there is no layer `convv`
 --> <text>:4:7
  |
4 |   c1: convv 16 k=3 pad=1
  |       ^^^^^ not a layer, block or net
  |
  = help: did you mean `conv`?
error[NS201]: there is no layer `convv`
 --> <text>:5:20
  |
5 |   body: repeat 4 { convv 16 k=3 pad=1 -> bn: batchnorm -> relu }
  |                    ^^^^^ not a layer, block or net
  |
  = help: did you mean `conv`?
error[NS202]: `clases` is not defined
 --> <text>:7:13
  |
7 |   fc: dense clases
  |             ^^^^^^ not a parameter, `let`, index or label here
  |
  = help: did you mean `classes`?"""
    )


def test_a_file_that_does_not_exist() -> None:
    with pytest.raises(netspec.SpecError, match=r"cannot read none\.net"):
        netspec.load("none.net")


def test_summary_and_dict(small: netspec.Network) -> None:
    assert small.summary().startswith("Small\n\nlayer ")
    assert "total" in small.summary()
    assert len(small.summary(depth=0)) < len(small.summary())
    assert small.to_dict()["params"] == small.params
    assert repr(small) == f"<Small: image [3, 32, 32] -> [10], {small.params:,} params>"


def test_html_escapes_what_comes_from_the_spec() -> None:
    page = netspec.loads('net N { input x: [3, 4, 4]\n upsample 2 mode="nearest" }')._repr_html_()
    assert page.count("<table>") == page.count("</table>") == 1
    text = TEXT.replace("conv 16 k=3 pad=1\n", 'conv 16 k=3 pad=1 pad_mode="<script>"\n')
    with pytest.raises(netspec.SpecError):
        netspec.loads(text)
    hostile = netspec.loads('block b(note) { relu }\nnet N { input x: [3]\n b "<script>alert(1)</script>&" }')
    page = hostile._repr_html_()
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&amp;" in page


def test_html_of_a_long_net_ends_with_dots() -> None:
    page = netspec.loads("net N { input x: [3]\n for i in range(2500) { dense 3 } }")._repr_html_()
    assert "<code>dense2000</code>" in page
    assert "<code>dense2001</code>" not in page
    assert "<tr><td>...</td></tr>" in page
    assert "30,000</th>" in page  # 2500 * (3 * 3 + 3)


def test_ir_goes_to_json_and_back(small: netspec.Network) -> None:
    assert netspec.loads(small.ir.model_dump_json()).params == small.params


def test_nets_do_not_influence_each_other() -> None:
    first = netspec.loads(TEXT)
    before = first.params
    netspec.loads(TEXT, classes=1000)
    assert netspec.loads(TEXT).params == before == first.params


def test_the_package_says_what_it_has() -> None:
    assert {"load", "loads", "Network", "SpecError", "__version__"} <= set(dir(netspec))


# ONNX

FOLDS = "net Folds {\n  input image: [3, 8, 8]\n  conv 4 k=3 -> batchnorm -> relu -> flatten -> fc: dense 5\n}\n"


def test_to_onnx_writes_what_export_writes(tmp_path: Path) -> None:
    spec = tmp_path / "folds.net"
    spec.write_text(FOLDS)
    done = CliRunner().invoke(cli, ["export", str(spec), "-o", str(tmp_path / "a.onnx"), "--seed", "3"])
    assert done.exit_code == 0
    net = netspec.load(spec)
    net.to_onnx(tmp_path / "b.onnx", seed=3)
    net.to_onnx(tmp_path / "c.onnx", weights=dict(net.initial_weights(3)))
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "c.onnx").read_bytes()


def test_to_onnx_takes_a_state_dict(tmp_path: Path) -> None:
    import onnxruntime
    import torch

    net = netspec.loads(FOLDS)
    module = net.to_torch().eval()
    net.to_onnx(tmp_path / "a.onnx", weights=module.state_dict())
    session = onnxruntime.InferenceSession(tmp_path / "a.onnx", providers=["CPUExecutionProvider"])
    x = torch.randn(2, 3, 8, 8, generator=torch.manual_seed(0))
    (ours,) = session.run(None, {"image": x.numpy()})
    torch.testing.assert_close(torch.from_numpy(ours), module(x).detach(), rtol=1e-4, atol=1e-5)


def test_weights_that_do_not_fit_are_all_told(tmp_path: Path) -> None:
    net = netspec.loads(FOLDS)
    weights = dict(net.initial_weights())
    weights["fc.weight"] = weights["fc.weight"].T
    del weights["fc.bias"]
    with pytest.raises(netspec.SpecError) as told:
        net.to_onnx(tmp_path / "a.onnx", weights=weights)
    assert [each.title for each in told.value.diagnostics] == [
        "`fc.weight` is [144, 5] in the state_dict, not [5, 144]",
        "the state_dict has no tensor `fc.bias`",
    ]
    assert list(tmp_path.iterdir()) == []


def test_run_gives_outputs_by_name() -> None:
    import numpy as np

    net = netspec.loads("net Twice {\n  input x: [3]\n  dense 2 bias=false weight=[[1, 0, 0], [0, 2, 0]]\n}\n")
    assert net.run(np.array([[1, 2, 3], [4, 5, 6]], np.float32))["dense1"].tolist() == [[1, 4], [4, 10]]
    with pytest.raises(ValueError, match=r"x is \[3\]"):
        net.run(np.zeros((1, 4), np.float32))
