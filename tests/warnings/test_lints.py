"""Warnings: where they are told and, above all, where they are not. Their texts are in tests/errors/warnings_*."""

from __future__ import annotations

from inspect import cleandoc
from pathlib import Path

import pytest

import netspec
from netspec import resources
from netspec.analysis.allowed import known_codes
from netspec.analysis.lints_layers import ACTIVATIONS
from netspec.driver import Compilation, compile_source, find_source, told
from netspec.elaborate.files import standard_names
from netspec.ops import find_layer, layer_names
from netspec.problems import warnings
from netspec.source import SourceFile

IMAGE = "input image: [3, 32, 32]\n"


def codes(text: str) -> list[str]:
    """The codes of all that is told about a text, line by line."""
    return [f"{d.code}:{d.span.line if d.span else 0}" for d in told(compile_source(SourceFile("a.net", text)))]


def of_body(body: str, before: str = "") -> list[str]:
    """The codes for the body of a net, without their lines."""
    head = "" if body.startswith("input ") else IMAGE
    return [code.partition(":")[0] for code in codes(f"{before}\nnet Small {{\n{head}{body}\n}}\n")]


# -- what is sound and meant ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", resources.spec_names())
def test_bundled_specs_have_none(name: str) -> None:
    assert told(compile_source(find_source(name))) == ()


@pytest.mark.parametrize("name", standard_names())
def test_library_blocks_have_none(name: str) -> None:
    call = {
        "basic": "basic 16 stride=2",
        "bottleneck": "bottleneck 8 stride=2",
        "dense_layer": "dense_layer 8",
        "depthwise_separable": "depthwise_separable 32 stride=2",
        "double": "double 8",
        "fire": "fire 4 8 8",
        "inception": "inception 8 (4, 8) (2, 4) 4",
        "inverted": "inverted 16 stride=2",
        "nin": "nin 16 k=5 pad=2",
        "preactivation": "preactivation 16 stride=2",
        "squeeze_excite": "squeeze_excite",
        "transition": "transition",
        "decoder": "flatten start=1 -> permute (1, 0) -> decoder 4 64",
        "transformer_encoder": "flatten start=1 -> permute (1, 0) -> transformer_encoder 4",
        "transformer_decoder": (
            "flatten start=1 -> permute (1, 0) -> dense 16 -> memory: gelu\ntransformer_decoder 4 with memory"
        ),
        "encoder": "flatten start=1 -> permute (1, 0) -> encoder 4",
        "patch_embedding": "patch_embedding 64 patch=4",
        "class_token": "flatten start=1 -> permute (1, 0) -> class_token -> dense 4",
    }
    assert of_body(f"conv 16 k=3 pad=1\n{call.get(name, name)}") == []


@pytest.mark.parametrize("name", standard_names())
def test_names_in_the_library_are_used(name: str) -> None:
    """The text of each library file as if it were checked, with a net beside it."""
    path = Path(resources.std_dir()) / f"{name}.net"
    text = path.read_text(encoding="utf-8") + "net N {\n  input x: [8]\n  relu\n}\n"
    assert {d.partition(":")[0] for d in codes(text)} <= {"W101", "W107"}


MEANT = {
    "swin": "conv 96 k=4 stride=4 -> permute (1, 2, 0) -> layernorm -> dense 192 -> gelu -> dense 96",
    "convnext": (
        "conv 16 k=3 pad=1\nadd {\n | identity\n | conv 16 k=7 pad=3 groups=16 -> permute (1, 2, 0) -> layernorm\n"
        "   -> dense 64 -> gelu -> dense 16 -> permute (2, 0, 1)\n}"
    ),
    "vit": (
        "param cls: [1, 64]\nparam pos: [17, 64]\nconv 64 k=8 stride=8 -> flatten start=1 -> permute (1, 0)\n"
        "concat with cls -> add with pos -> dropout 0.1\nlayernorm -> dense 64"
    ),
    "sequence": "input words: int64 [T]\nembedding 100 16 -> dense 32 -> relu -> dense 16",
    "heads": "input x: [12, 64]\nreshape (12, 4, 16) -> permute (1, 0, 2) -> dense 16",
    "pairs": "input x: [N, N, 64]\ndense 32",
    "squeeze and excite": (
        "conv 16 k=1\nmul {\n | identity\n | globalavgpool -> conv 4 k=1 -> relu -> conv 16 k=1 -> sigmoid\n}"
    ),
    "spatial attention": "conv 16 k=1\nmul { | identity | conv 1 k=7 pad=3 -> sigmoid }",
    "bias of a sequence": "input x: [8, 8]\nparam b: [8]\nadd with b",
    "three gates": (
        "conv 8 k=1\nx: relu\nreduce mean 1 keep=true -> columns: sigmoid\n"
        "from x -> reduce mean 2 keep=true -> rows: sigmoid\nfrom x -> mul with rows columns"
    ),
    "mask": "input x: [8, 16, 16]\ninput mask: [1, 16, 16]\nfrom x -> add with mask",
    "gate of an activation": "conv 8 k=1 -> relu\nmul { | identity | sigmoid }",
    "mish": "conv 8 k=1\nmul { | identity | softplus -> tanh }",
    "crelu": "conv 8 k=1\nconcat { | relu | scale -1 -> relu }",
    "softmax both ways": "input x: [8, 8]\nsoftmax axis=0 -> softmax axis=1",
    "pool between": "conv 8 k=1 -> relu -> maxpool 2 -> relu",
    "pre-activation": "repeat 2 { batchnorm -> relu -> conv 3 k=3 pad=1 }",
    "resnet's stem": "conv 64 k=7 stride=2 pad=3 bias=false -> batchnorm -> relu -> maxpool 3 stride=2 pad=1",
    "projection": "conv 8 k=1 stride=2 -> relu",
    "overlapping pools": "input image: [3, 55, 55]\nmaxpool 3 stride=2 -> maxpool 3 stride=2 -> maxpool 3 stride=2",
    "same": "input image: [3, 13, 13]\nconv 8 k=3 stride=2 pad=same -> maxpool 2 pad=same",
    "symbolic": "input image: [3, H, W]\nmaxpool 2",
    "bias of a sequence before batchnorm": "input x: [16, 16]\ndense 16 -> batchnorm",
    "bias that others see": "conv 8 k=1 -> c: identity\nbatchnorm\nadd with c",
    "shared": "c: conv 3 k=1 -> batchnorm\nreuse c -> relu",
    "one of the parts": "parts: split (1, 2)\nfrom parts.1 -> relu",
    "outputs": "a: conv 8 k=1\nfrom image -> b: conv 4 k=1\nreturn a, b",
    "captured": "a: conv 3 k=1\nfrom image -> stage: { conv 3 k=1 -> add with a }",
    "captured in a repeat": "a: conv 3 k=1\nfrom image -> repeat 2 { conv 3 k=1 -> add with a }",
    "tied": "input words: int64 [T]\ne: embedding 100 16\ndense 100 bias=false tie=e",
    "used for its weights": "a: conv 3 k=1\nfrom image -> reuse a",
    "of use in another iteration": 'for i in (1, 2) { "c{i}": conv 3 k=1\nfrom image -> relu }\nadd with c1',
    "a new version": "let n = 4\nlet n = n + 1\nfor x in (n, n) { let x = x + 1\nconv x k=1 }",
    "labels in scopes": "c: conv 3 k=1\ns: { c: conv 3 k=1 }\nrelu: relu",
    "claims use names": "let n = 4\nconv 8 k=1 -> [2 * n, _, _]\nlet m = 9\nassert 1 < m",
    "text uses names": 'for i in (1, 2) { "c{i}": conv 3 k=1 }',
    "shapes decide": "if it.channels == 3 { conv 8 k=1 }\nif it.shape[1] > 99 { maxpool 2 }",
    "indices decide": "repeat 3 as i { if i == 0 { relu } else { tanh }\nconv 3 k=1 }",
    "a symbol in a claim": "input image: [3, H=8, W=8]\nconv 4 k=1 -> [4, H, W]",
    "not needed": "for (_, n) in enumerate((4, 8)) { conv n k=1 }\nlet _spare = 3",
}


@pytest.mark.parametrize("name", MEANT)
def test_nothing_is_told(name: str) -> None:
    assert of_body(MEANT[name]) == []


def test_names_of_a_block_are_used_by_its_parameters() -> None:
    before = cleandoc("""
        let n = 4
        block inner(out, name = "x{out}", kernel = 3) { "{name}": conv out k=kernel pad=(kernel // 2) }
        block outer(layer, between = relu, out = it.channels) { layer out -> between }
    """)
    assert of_body("outer inner\nouter inner out=n", before) == []


def test_a_switch_that_is_a_parameter() -> None:
    text = "net N(bn = false, depth = 1) {\n input x: [8]\n let late = bn and depth > 2\n if late { batchnorm }\n"
    assert codes(text + " repeat depth as i { dense 8\n if i > 0 { relu } }\n}\n") == []


def test_an_index_where_a_parameter_decides_which_iterations_come() -> None:
    text = """
        net N(stride = 2) {
          input x: [8]
          repeat 2 as i {
            dense 8
            if stride == 1 or i == 1 {
              if i == 0 { relu }
            }
          }
        }
    """
    assert codes(text) == []


def test_a_library_is_not_told_of_unused_blocks() -> None:
    assert codes("let n = 3\nblock unit(out) { relu }\n") == ["NS508:0"]


def test_an_unused_name_in_a_file_that_is_used(tmp_path: Path) -> None:
    (tmp_path / "parts.net").write_text("let spare = 3\nblock used() { relu }\nblock unused(n) { relu }\n")
    (tmp_path / "main.net").write_text('use "parts.net"\nnet N {\n  input x: [8]\n  used\n}\n')
    assert told(compile_source(find_source(str(tmp_path / "main.net")))) == ()


# -- what is told -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", sorted(ACTIVATIONS))
def test_an_activation_after_itself(first: str) -> None:
    assert of_body(f"conv 8 k=1\n{first} -> {first}") == ["W204"]


def test_the_activations_are_in_the_catalogue() -> None:
    assert set(layer_names()) >= ACTIVATIONS
    for name in ACTIVATIONS:
        layer = find_layer(name)
        assert layer is not None
        assert layer.__module__.rpartition(".")[2].startswith("activation")


@pytest.mark.parametrize(
    ("size", "layer", "wrong"),
    [
        (13, "maxpool 2", True),
        (12, "maxpool 2", False),
        (13, "maxpool 2 ceil=true", False),
        (13, "maxpool 3 stride=2", False),
        (14, "maxpool 3 stride=2", True),
        (14, "conv 4 k=3 stride=2 pad=1", False),
        (12, "conv 4 k=2 stride=3", False),  # the gap of 1 is by design
        (13, "conv 4 k=2 stride=3", True),
        (15, "conv 4 k=1 stride=4", False),
        (16, "conv 4 k=1 stride=4", False),
        (14, "conv 4 k=2 stride=3 dilation=2", True),
        (8, "conv 4 k=5 stride=4", True),
    ],
)
def test_rows_that_are_left_out(size: int, layer: str, wrong: bool) -> None:
    assert of_body(f"input image: [3, {size}, {size}]\n{layer}") == ["W202"] * wrong


@pytest.mark.parametrize("size", range(3, 20))
@pytest.mark.parametrize(
    "layer", ["maxpool 2", "maxpool 3 stride=2", "avgpool 3 stride=2 pad=1", "conv 4 k=3 stride=2"]
)
def test_the_remedy_for_rows_that_are_left_out_helps(size: int, layer: str) -> None:
    spec = "net N {{\n  input image: [3, {size}, 8, 9]\n  {layer}\n}}\n"
    for warning in told(compile_source(SourceFile("a.net", spec.format(size=size, layer=layer)))):
        option = warning.help.split("`")[1]
        assert codes(spec.format(size=size, layer=f"{layer} {option}")) == []


def test_a_block_is_told_once() -> None:
    before = "block unit(n) { conv n k=3 pad=1 -> batchnorm -> relu }\n"
    text = f"{before}net A {{\n{IMAGE}unit 4\nunit 8\nrepeat 3 {{ unit 8 }}\n}}\nnet B {{\n{IMAGE}unit 16\n}}\n"
    assert codes(text) == ["W203:1"]


def test_a_dense_layer_in_a_chain_of_shortcuts() -> None:
    """Each layer is traced back once, however long the chain is."""
    body = "conv 3 k=1\n" + "add { | identity | dense 32 }\n" * 2_000
    found = of_body(body)
    assert found == ["W201"] * 2_000


def test_names_are_not_told_beside_an_error() -> None:
    text = "let spare = 3\nnet N(n = 2) {\n  input image: [3, 13, 13]\n  maxpool 2\n  conv 8 k=3\n  dens 3\n}\n"
    assert codes(text) == ["W202:4", "NS201:6"]


def test_json_has_no_text_to_warn_of() -> None:
    text = netspec.loads("net N {\n  input image: [3, 13, 13]\n  maxpool 2\n}\n").ir.model_dump_json()
    assert Compilation(SourceFile("a.json", text)).warnings == ()


def test_in_python() -> None:
    net = netspec.loads("net N(n = 2) {\n  input image: [3, 13, 13]\n  maxpool 2\n}\n")
    assert [warning.code for warning in net.warnings] == ["W102", "W202"]


# -- comments that allow ----------------------------------------------------------------------------------

ALLOWING = """\
# allow: W102 the net
net N(n = 2) {
  input image: [3, 13, 13]
  a: maxpool 2  # allow: W202
  from image -> maxpool 2  # allow: W203
  # allow: W202

  # more words

  from image -> b: repeat 1 {
    maxpool 2
    conv 3 k=3 pad=1
      -> batchnorm
  }
  from image
    # allow: W203
    -> conv 3 k=1 -> batchnorm
    -> conv 3 k=1 -> batchnorm
  # allow: W210, W202 the last word
}
"""


def test_what_a_comment_allows() -> None:
    assert codes(ALLOWING) == ["W210:4", "W202:5", "W210:5", "W210:10", "W203:12", "W203:18"]


@pytest.mark.parametrize(
    "comment",
    [
        "# allow: W202",
        "#allow: W202",
        "# allow:W202",
        "# allow: W102,W202",
        "# allow: W102 , W202 both",
        "# allow: W202.",
    ],
)
def test_how_a_comment_is_written(comment: str) -> None:
    assert codes(f"net N {{\n  input image: [3, 13, 13]\n  maxpool 2 {comment}\n}}\n") == []


@pytest.mark.parametrize(
    "comment",
    ["# Allow: W202", "# allow W202", "# see allow: W202", "# we allow: W202", "## allow: W202", "# it is so"],
)
def test_what_is_no_such_comment(comment: str) -> None:
    assert codes(f"net N {{\n  input image: [3, 13, 13]\n  maxpool 2 {comment}\n}}\n") == ["W202:3"]


def test_a_text_is_no_comment() -> None:
    assert codes('net N {\n  input image: [3, 13, 13]\n  for x in ("# allow: W202",) { maxpool 2 }\n}\n') != []


def test_the_codes_of_all_warnings() -> None:
    found = known_codes()
    assert len(found) == len(set(found)) > 18
    assert all(code.startswith(("W1", "W2")) for code in found)
    kinds = [kind for kind in vars(warnings).values() if getattr(kind, "code", None) in found]
    assert {kind.severity for kind in kinds} == {"warning"}


@pytest.mark.parametrize("end", ["", "\n", "\n\n", "  # allow: W202", "\n# allow: W202\n"])
def test_a_comment_at_the_end_of_a_file(end: str) -> None:
    assert codes("net N {\n  input x: [8]\n  relu\n}\n# allow: W202" + end) == []


def test_a_comment_in_a_file_that_is_used(tmp_path: Path) -> None:
    (tmp_path / "parts.net").write_text("block down() {\n  maxpool 2   # allow: W202\n}\n")
    (tmp_path / "main.net").write_text('use "parts.net"\nnet N {\n  input x: [3, 13, 13]\n  down\n}\n')
    assert told(compile_source(find_source(str(tmp_path / "main.net")))) == ()


def test_a_comment_at_the_call_of_a_library_block() -> None:
    assert of_body("input image: [16, 13, 13]\ntransition  # allow: W202 odd") == []
