"""What agrees: bundled nets, random ones, symbolic ones; and the command."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from random_nets import random_net
from verifying import agrees, bundled, told, verified

from netspec.cli import cli
from netspec.driver import Compilation, find_source
from netspec.emit.unrolling import unrolled
from netspec.emit.verify import memory, proof
from netspec.emit.verify.weights import Drawn

SMALL: list[tuple[str, dict[str, Any]]] = [
    ("lenet:LeNet", {}),
    ("lenet5:LeNet5", {}),
    ("bn_dropout_cnn:BnDropoutCNN", {}),
    ("corr2d:Corr2D", {}),
    ("edges:Edges", {}),
    ("mnist_cnn:MnistCNN", {}),
    ("strided_cnn:StridedCNN", {}),
    ("nin:NiN", {}),
    ("resnet:ResNet18", {"H": 64, "W": 48}),
    ("mobilenet_v2:MobileNetV2", {"H": 64, "W": 64}),
    ("squeezenet:SqueezeNet11", {"H": 64, "W": 64}),
]

TEXTS = {
    "several inputs and outputs": """
net Several {
  input words: int64 [6]
  input image: [3, 8, 8]
  from words -> embedding 20 8 -> e: layernorm
  from image -> conv 8 k=3 pad=1 -> silu -> globalavgpool -> flatten -> g: dense 8
  from e -> mul with g -> dense 4 -> softmax
  return it, g, e
}
""",
    "a weight, an input and an alias as outputs": """
net Aliases {
  input x: [3, 4]
  param p: [3, 4]
  constant c: [[1, 2, 3, 4]]
  from x -> a: add with p -> mul with c
  b: dropout
  return a, p, x, b
}
""",
    "shared and tied weights": """
net Shared {
  input x: [8, 12]
  a: conv 8 k=3 pad=1
  n: batchnorm -> relu
  repeat 2 { reuse a -> reuse n -> relu }
  conv 8 k=3 pad=1 bias=false tie=a
  add with x -> upconv 4 k=2 stride=2
}
""",
    "masks": """
net Masked {
  input words: int64 [T]
  input image: [S, 12]
  input padding: bool [T]
  input seen: bool [T, S]
  from words -> embedding 20 16
  a: attention 4 causal=true mask=true with padding
  b: attention 4 kv_heads=2 mask=true with image seen
  bias: relativebias 4 buckets=8 max_distance=20
  from b -> c: attention 4 causal=true window=2 scale=1 mask=true with bias
  from c -> attention 4 packed=true mask=true with padding
}
""",
    "recurrent layers": """
net Recurrent {
  input x: [T, 6]
  input h: [6]
  param c: [6]
  from x -> body: repeat 2 { gru 6 bidirectional=true -> dense 6 }
  first: lstm 6 with h c
  second: lstm 6 bias=one with first.state first.cell
  low: rnn 5 layers=2 activation=relu bias=false
  from second -> deep: gru 5 layers=2 reset=before steps=last with low.state
  return deep, low, second.cell, deep.state
}
""",
    "repeated blocks that take values": """
block gate(n) {
  input by
  mul { | dense n | from by -> dense n -> sigmoid }
}
net Gates {
  input x: [4]
  input a: [3]
  input b: [5]
  from b -> parts: split (2, 3)
  from x -> same: repeat 2 { gate 4 with a }
  member: repeat 2 as i { "gate_{i}": gate 4 with parts.1 }
  other: repeat 3 as i { gate 4 with (a if i == 0 else b) }
  itself: repeat 2 { gate 4 with it }
  each: for by in (a, b) { gate 4 with by }
  group: {
    widths: repeat 2 as i { gate (4 + i) with a }
    dense 4 -> inner: repeat 2 { gate 4 with same }
  }
}
""",
    "layers and blocks used again with other values": """
block gate(n) {
  input by
  mul { | dense n | from by -> sigmoid } -> made: relu
  return made, by
}
net Again {
  input a: [S, 6]
  input b: [T, 6]
  from a -> enc: lstm 6
  from b -> on: reuse enc with enc.state enc.cell
  three: repeat 3 { reuse enc with enc.state on.cell }
  small: gru 6 layers=2 bias=one
  from a -> low: reuse small with small.state
  from a -> self: attention 2 kv_heads=1
  cross: reuse self with three
  reuse cross with on
  joined: concat axis=0 with a
  reuse joined with b
  from enc.state -> first: gate 6 with on.state
  repeat 2 { reuse first with enc.cell }
  last: reuse first with enc.cell
  return last, enc.state, on.state as on, low.state as low, cross as a, last.by as by
}
""",
    "an output with a name": """
block unit(n) {
  dense n -> r: relu
  return r as out
}
net Named {
  input a: [4]
  u: unit 4
  g: { dense 4 -> r: tanh
       return r as inner }
  w: reuse u
  from u.out -> add with w.out g.inner
  return it as total
}
""",
    "recurrent layers in a repeat": """
net Stacked {
  input words: int64 [T]
  embedding 30 8
  layers: repeat 3 { lstm 8 }
  again: gru 8
  reuse again
  last: repeat 2 { add { | identity | rnn 8 bias=one } }
}
""",
    "norms": """
net Norms {
  input x: [8, 6, 5]
  conv 8 k=1 -> instancenorm -> groupnorm 4 -> lrn 5 -> scale bias=true -> rmsnorm axes=2
  maxpool 3 stride=2 pad=same ceil=true
}
""",
}


@pytest.mark.parametrize(("target", "settings"), SMALL, ids=lambda value: value if isinstance(value, str) else "")
def test_bundled(target: str, settings: dict[str, Any]) -> None:
    found = agrees(bundled(target, **settings))
    assert found.params is not None
    assert found.params[0] == found.params[1]
    assert [macs.batch for macs in found.macs] == [1, 3]
    assert {(run.mean, run.batch) for run in found.runs} == {(mean, batch) for mean in (0, 10, 100) for batch in (1, 3)}
    assert all(each.own.relative < 1e-5 for each in found.by_layer)


@pytest.mark.parametrize("text", TEXTS)
def test_text(text: str) -> None:
    agrees(verified(TEXTS[text]))


# Where squares of squares leave no number, nothing is proven.
NO_NUMBER = {1, 7}


@pytest.mark.parametrize("seed", [seed for seed in range(22) if seed not in NO_NUMBER])
def test_random(seed: int) -> None:
    agrees(verified(random_net(seed)))


# -- symbolic nets ----------------------------------------------------------------------------------------


def test_symbols_without_values() -> None:
    found = agrees(
        verified(
            "net Free { input x: [3, H, W]\n conv 8 k=3 stride=2 pad=same -> batchnorm\n"
            " maxpool 2 stride=1 pad=same -> avgpool 3\n upsample 2 -> globalavgpool -> flatten -> dense 5 }"
        )
    )
    assert found.sizes[0] == {"H": 5, "W": 5}  # the smallest: rounded up 3, of which the average pool takes all
    assert len(found.sizes) == len({tuple(sizes.items()) for sizes in found.sizes}) == 5
    assert all(5 <= size <= 53 for sizes in found.sizes for size in sizes.values())
    assert [(macs.sizes, macs.batch) for macs in found.macs] == [(s, b) for s in found.sizes for b in (1, 3)]


def test_symbols_with_values() -> None:
    text = "net N { input x: [3, H=20, W=24]\n conv 4 k=3 -> relu -> avgpool 2 }"
    assert agrees(verified(text)).sizes == []
    assert agrees(verified(text, symbolic=True)).sizes[0] == {"H": 20, "W": 24}
    assert agrees(verified(text, symbolic=True, settings={"H": 9})).sizes[0] == {"W": 24}


def only_at_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a generated module refuse sizes for which it was not made."""
    generate = proof.generate

    def written(made: Compilation) -> str:
        concrete = Compilation(made.source, made.name, made.settings).network
        assert concrete is not None
        size = concrete.inputs[0].type.shape[-1]
        head = "def forward(self, x: Tensor) -> Tensor:\n"
        return generate(made).replace(head, f"{head}        assert str(x.shape[-1]) == '{size}'\n")

    monkeypatch.setattr(proof, "generate", written)


def test_a_module_that_holds_at_its_own_size_only(monkeypatch: pytest.MonkeyPatch) -> None:
    only_at_its_size(monkeypatch)
    found = agrees(verified("net N { input x: [3, H=8]\n conv 4 k=1 -> relu }", symbolic=True))
    assert found.sizes[:2] == [{"H": 8}, {"H": 1}]  # the usual one, and the smallest
    assert found.notes == [
        f"the generated module holds at its own sizes only: another was made at H={sizes['H']}"
        for sizes in found.sizes[1:]
    ]


def test_a_module_that_has_to_hold_at_all_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    only_at_its_size(monkeypatch)
    found = verified("net N { input x: [3, H]\n conv 4 k=1 -> relu }")
    assert found.status == "torch fails"
    assert "the generated module cannot be run at H=1: AssertionError" in told(found)


def test_a_length() -> None:
    found = agrees(
        verified(
            "net Tokens { input t: int64 [T]\n embedding 50 16 -> layernorm\n q: dense 16\n"
            " matmul transpose=true with q -> softmax -> matmul with q -> dense 50 }"
        )
    )
    assert [run.mean for run in found.runs] == [None] * 10
    assert len(found.sizes) == 5


def test_sizes_of_which_something_is_declared() -> None:
    text = "net N { input x: [3, H] where H % 8 == 4, 20 <= H < 100\n conv 4 k=3 -> globalavgpool -> flatten }"
    sizes = [sizes["H"] for sizes in agrees(verified(text)).sizes]
    assert sizes[0] == 20
    assert len(set(sizes)) == 5
    assert set(sizes) <= {20, 28, 36, 44, 52, 60, 68}


def test_a_weight_of_a_symbolic_shape() -> None:
    found = verified("net N { input x: [3, H]\n flatten -> dense 4 }")
    assert found.status == "refused"
    assert [d.code for d in found.diagnostics] == ["NS702"]


# -- nets that are too large ------------------------------------------------------------------------------


def test_too_large_for_a_model() -> None:
    found = verified("net Big(n = 1_000_000_000) { input x: [3, 4]\n dense n }")
    assert found.status == "refused"
    assert "its weights are 18.6 GiB" in told(found)
    assert "verify it smaller: --set n=..." in told(found)


def test_too_large_for_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available", lambda: 1000)
    found = bundled("lenet:LeNet")
    assert found.status == "refused"
    assert "of memory, of which 1000 bytes are free" in told(found)
    assert "--set classes=..." in told(found)


def test_memory_that_is_free() -> None:
    assert memory.available() is None or memory.available() > 0  # type: ignore[operator]


# -- weights ----------------------------------------------------------------------------------------------


def drawn(text: str, seed: int = 0) -> Drawn:
    from netspec.source import SourceFile

    return Drawn(unrolled(Compilation(SourceFile("test.net", text))), seed)


def test_weights_that_make_a_difference() -> None:
    made = drawn(
        "net N { input x: [16, 9, 9]\n c: conv 64 k=3 -> b: batchnorm\n u: upconv 32 k=2 stride=2\n r: rbf 5 }"
    ).arrays
    assert made["c.weight"].std() == pytest.approx((2 / (16 * 9)) ** 0.5, rel=0.05)
    assert made["u.weight"].std() == pytest.approx((2 / 64) ** 0.5, rel=0.05)
    assert 0.05 < made["c.bias"].std() < 0.2
    assert 0.5 <= made["b.weight"].min() < made["b.weight"].max() <= 1.5
    assert set(np.unique(made["r.centers"])) == {-1.0, 1.0}


def test_each_weight_has_a_stream_of_its_own() -> None:
    one = drawn("net N { input x: [4]\n a: dense 4 -> b: dense 4 }").arrays
    other = drawn("net N { input x: [4]\n b: dense 4 }").arrays
    assert not np.array_equal(one["a.weight"], one["b.weight"])
    assert np.array_equal(one["b.weight"], other["b.weight"])
    assert not np.array_equal(one["b.weight"], drawn("net N { input x: [4]\n b: dense 4 }", 1).arrays["b.weight"])


# -- the command ------------------------------------------------------------------------------------------

SPEC = "net One { input x: [4]\n a: dense 3 }\nnet Two { input x: [4]\n dense 2 -> sigmoid }\n"


def run(*args: str, text: str | None = None) -> Result:
    return CliRunner().invoke(cli, ["verify", *args], input=text)


def test_table() -> None:
    result = run("-", text=SPEC)
    assert result.exit_code == 0, result.output
    head, one, two, *_ = result.stdout.splitlines()
    assert head.split() == ["net", "file", "shapes", "params", "MACs", "numbers"]
    assert one.split()[:6] == ["One", "<stdin>", "1", "layer", "15", "12"]
    assert two.split()[-1] == "OK"
    assert "All 2 nets agree." in result.stdout
    assert result.stderr == ""


def test_one_net_of_a_file() -> None:
    result = run("--", "-:Two", text=SPEC)
    assert result.exit_code == 0
    assert "One" not in result.stdout
    assert "The net agrees." in result.stdout


def test_layers() -> None:
    result = run("--layers", "--", "-:Two", text=SPEC)
    assert "Two, layer by layer\nlayer" in result.stdout
    assert "\nsigmoid1  sigmoid" in result.stdout


def test_the_same_twice() -> None:
    one, two = (json.loads(run("-", "--format", "json", text=SPEC).stdout) for _ in range(2))
    for document in (one, two):
        for net in document["nets"]:
            net.pop("seconds")
    assert one == two
    other = json.loads(run("-", "--format", "json", "--seed", "7", text=SPEC).stdout)
    assert other["nets"][0]["numbers"]["runs"] != one["nets"][0]["numbers"]["runs"]


def test_json() -> None:
    result = run("--format", "json", "--layers", "--", "-:Two", text=SPEC)
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    (net,) = document.pop("nets")
    assert document == {"format": "netspec-verify-1", "agree": True, "tolerance": 1e-4, "seed": 0, "opset": 23}
    assert set(net) == {
        "net", "file", "status", "agree", "seconds", "layers", "sizes", "params", "macs", "numbers", "by_layer",
        "troubles", "notes",
    }  # fmt: skip
    assert (net["net"], net["status"], net["agree"], net["layers"]) == ("Two", "OK", True, 2)
    assert net["params"] == {"static": 10, "torch": 10}
    assert net["macs"][1] == {"sizes": {}, "batch": 3, "static": 24, "torch": 24}
    assert set(net["numbers"]) == {"largest", "relative", "by_itself", "runs"}
    assert set(net["numbers"]["runs"][0]) == {
        "sizes", "mean", "batch", "output", "largest", "relative", "torch", "onnxruntime",
    }  # fmt: skip
    assert [each["layer"] for each in net["by_layer"]] == ["dense1", "sigmoid1"]
    assert set(net["by_layer"][0]["own"]) == {"largest", "relative", "torch", "onnxruntime"}


def test_json_of_a_trouble() -> None:
    result = run("-", "--format", "json", text="net Zero { input x: [4]\n scale by=0.0 }")
    assert result.exit_code == 1
    (net,) = json.loads(result.stdout)["nets"]
    (trouble,) = net["troubles"]
    assert net["status"] == trouble["kind"] == "not proven"
    assert set(trouble) == {"kind", "text", "layer", "place", "details"}


def test_unsound() -> None:
    result = run("-", text="net Bad { input x: [4]\n conv 3 k=3 }")
    assert result.exit_code == 1
    assert "unsound" in result.stdout
    assert "error[NS" in result.stderr


@pytest.mark.parametrize(
    "args", [[], ["nothing.net"], ["lenet:Nope"], ["lenet", "--tolerance", "2"], ["lenet", "--set", "H"]], ids=str
)
def test_used_wrongly(args: list[str]) -> None:
    assert run(*args).exit_code == 2


def test_ir(tmp_path: Path) -> None:
    ir = CliRunner().invoke(cli, ["ir", "lenet"]).stdout
    (tmp_path / "lenet.json").write_text(ir)
    result = run(str(tmp_path / "lenet.json"))
    assert result.exit_code == 2
    assert "is IR: torch source is written from a .net file" in result.stderr


@pytest.mark.parametrize("module", ["torch", "onnxruntime"])
def test_without_a_package(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    result = run("-", text=SPEC)
    assert result.exit_code == 2
    assert f"this needs {module}, which is not installed: pip install 'netspec[" in result.stderr


def test_a_folder(tmp_path: Path) -> None:
    (tmp_path / "spec.net").write_text(SPEC)
    assert run(str(tmp_path)).exit_code == 0
    assert find_source(str(tmp_path / "spec.net")).text == SPEC
