"""The text of generated files: the same at every run, clean to tools, one class a block, nothing but torch."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from generated import BUNDLED, DIFFERENT, classes_in, compiled, compiled_text, each, meta, source_of
from test_generated_facts import STANDARD

from netspec.emit.torch.source import generate

GOLDEN = Path(__file__).parent / "golden"
SHOWN = {
    "lenet5:LeNet5": "lenet5",
    "resnet:ResNet18": "resnet18",
    "resnet:ResNet50": "resnet50",
    "googlenet:GoogLeNet": "googlenet",
    "mobilenet_v2:MobileNetV2": "mobilenet_v2",
    "unet:UNet": "unet",
    "densenet:DenseNet121": "densenet121",
    "seq2seq:Seq2Seq": "seq2seq",
}

# Shared weights, tied weights, a tensor of its own, two outputs.
SHARING = """
net Sharing(width = 16) {
  input words: int64 [12]
  table: embedding 50 width
  param pos: [12, width]
  from table -> add with pos
  cell: dense width -> relu
  reuse cell -> relu
  again: reuse cell
  out: dense 50 bias=false tie=table
  return out, again
}
"""

EVERY_TEXT = {
    "sharing": SHARING,
    **{
        f"std_{number}": f"net Use {{\n  input x: [64, 20, 21]\n  unit: {block}\n}}\n"
        for number, block in enumerate(STANDARD)
    },
}

# The blocks that nets use, in the order in which their classes stand.
CLASSES: dict[str, list[str]] = {
    "googlenet:GoogLeNet2014": ["Inception"],
    "googlenet:GoogLeNet": ["ConvBn", "InceptionBn"],
    "googlenet:GoogLeNetAux": ["ConvBn", "InceptionBn", "Auxiliary"],
    "nin:NiN": ["Nin"],
    "nin:NiNImageNet": ["Nin"],
    "resnet:ResNet18": ["Basic"],
    "resnet:ResNet34": ["Basic"],
    "resnet:ResNet50": ["Bottleneck"],
    "resnet:ResNet101": ["Bottleneck"],
    "resnet:ResNet152": ["Bottleneck"],
    "densenet:DenseNet121": ["DenseLayer", "Transition"],
    "densenet:DenseNet161": ["DenseLayer", "Transition"],
    "densenet:DenseNet169": ["DenseLayer", "Transition"],
    "densenet:DenseNet201": ["DenseLayer", "Transition"],
    "mobilenet_v2:MobileNetV2": ["ConvBn", "Wide", "Inverted"],
    "squeezenet:SqueezeNet10": ["Fire"],
    "squeezenet:SqueezeNet11": ["Fire"],
    "unet:UNet": ["CropBorder", "Double", "Up"],
    **{
        f"{spec}:{net}": classes
        for spec, nets, classes in (
            (
                "bert",
                ("BERT", "BERTBase", "BERTLarge"),
                ["Embeddings", "PackedAttention", "Pooler", "Position", "TransformerEncoder"],
            ),
            (
                "gpt2",
                ("GPT2", "GPT2Small", "GPT2Medium", "GPT2Large", "GPT2XL"),
                ["PackedAttention", "Position", "Unit"],
            ),
            (
                "llama",
                ("Llama", "Llama2_7B", "Llama3_8B", "Llama3_70B", "Llama405B"),
                ["Attention", "Decoder", "SwiGlu"],
            ),
            ("llama", ("Llama3_2_1B",), ["Attention", "Decoder", "Model", "SwiGlu"]),
            ("mistral", ("Mistral7B",), ["Attention", "Decoder", "SwiGlu"]),
            ("mixtral", ("Mixtral8x7B",), ["Attention", "Expert", "Experts", "SparseDecoder"]),
            (
                "t5",
                ("T5", "T5Small", "T5Base", "T5Large", "T5_3B", "T5_11B"),
                [
                    "Attention",
                    "Block",
                    "Block2",
                    "CrossAttention",
                    "Decoder",
                    "Encoder",
                    "Feedforward",
                    "Layer",
                    "Layer2",
                    "RelativeBias",
                    "SelfAttention",
                ],
            ),
            (
                "transformer",
                ("Transformer", "TransformerBase", "TransformerBig"),
                ["PackedAttention", "SinusoidalPosition", "TransformerDecoder", "TransformerEncoder"],
            ),
            (
                "vit",
                ("ViT", "ViT_B16", "ViT_B32", "ViT_L16", "ViT_L32"),
                ["Encoder", "EncoderBlock", "PackedAttention"],
            ),
        )
        for net in nets
    },
    # no blocks, but parts of torch_parts
    "lenet5:LeNet5": ["Subsample2d", "TableConv2d", "Rbf"],
    "bn_dropout_cnn:BnDropoutCNN": ["DownscaleDropout"],
    "rnn_lm:RNNLM": ["Recurrence"],
    "gru_lm:GRULM": ["Recurrence"],
    "lstm_lm:LSTMLM": ["Recurrence"],
}

GENERATE = """
import sys
from netspec.driver import Compilation, find_source
from netspec.emit.torch.source import generate
for target in sys.argv[1:]:
    spec, net = target.split(":")
    print(generate(Compilation(find_source(spec), net)))
print([name for name in ("torch", "numpy", "onnx") if name in sys.modules])
"""


def test_golden_sharing(request: pytest.FixtureRequest) -> None:
    compare(generate(compiled_text(SHARING)), "sharing", request)


@each(list(SHOWN))
def test_golden(target: str, request: pytest.FixtureRequest) -> None:
    compare(source_of(target), SHOWN[target], request)


def compare(source: str, name: str, request: pytest.FixtureRequest) -> None:
    file = GOLDEN / f"{name}.py"
    if request.config.getoption("--rewrite-golden"):
        GOLDEN.mkdir(exist_ok=True)
        file.write_text(source, encoding="utf-8")
    assert source == file.read_text(encoding="utf-8")


def test_no_golden_is_left_over() -> None:
    assert {file.stem for file in GOLDEN.glob("*.py")} == {"sharing", *SHOWN.values()}


# -- the same at every run --------------------------------------------------------------------------------


@each(DIFFERENT)
def test_the_same_again(target: str) -> None:
    source = source_of(target)
    assert generate(compiled.__wrapped__(target)) == source


@pytest.mark.parametrize("seed", ["1", "2"])
def test_the_same_in_another_process_without_torch(seed: str, tmp_path: Path) -> None:
    targets = ["lenet5:LeNet5", "resnet:ResNet50", "googlenet:GoogLeNetAux", "mobilenet_v2:MobileNetV2", "unet:UNet"]
    done = subprocess.run(
        [sys.executable, "-c", GENERATE, *targets],
        cwd=tmp_path, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, encoding="utf-8",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    *_, heavy = done.stdout.splitlines()
    assert heavy == "[]", "`generate` needs no torch"
    assert done.stdout == "".join(f"{source_of(target)}\n" for target in targets) + "[]\n"


def test_an_import_of_torch_would_be_noticed(tmp_path: Path) -> None:
    """The test above can fail."""
    program = "import torch\n" + GENERATE
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, encoding="utf-8")
    assert "torch" in done.stdout.splitlines()[-1]


# -- clean to tools ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All generated files."""
    made: Path = tmp_path_factory.mktemp("generated")
    for target in BUNDLED:
        (made / f"{target.replace(':', '_')}.py").write_text(source_of(target), encoding="utf-8")
    for name, text in EVERY_TEXT.items():
        (made / f"{name}.py").write_text(generate(compiled_text(text)), encoding="utf-8")
    return made


def tool(folder: Path, *command: str) -> str:
    """What a tool says of the folder, or nothing where it is content."""
    done = subprocess.run([sys.executable, "-m", *command, "."], cwd=folder, capture_output=True, encoding="utf-8")
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.xdist_group("tools")
def test_ruff_would_format_it_so(folder: Path) -> None:
    assert tool(folder, "ruff", "format", "--isolated", "--no-cache", "--diff") == ""


@pytest.mark.xdist_group("tools")
@pytest.mark.parametrize("rules", ["F,E4,E7,E9,W,I", "B,C4,PIE,UP,SIM"])
def test_ruff_has_nothing_to_say(folder: Path, rules: str) -> None:
    command = ["ruff", "check", "--isolated", "--no-cache", "--target-version", "py311", "--select", rules]
    assert tool(folder, *command) == ""


@pytest.mark.xdist_group("tools")
def test_mypy_has_nothing_to_say(folder: Path, request: pytest.FixtureRequest) -> None:
    cache = request.config.cache
    assert cache is not None
    kept = cache.mkdir("mypy_generated")  # mypy reads torch anew without it
    assert tool(folder, "mypy", "--strict", "--config-file=", f"--cache-dir={kept}") == ""


# -- what is in it ----------------------------------------------------------------------------------------


@each(BUNDLED)
def test_it_needs_torch_alone(target: str) -> None:
    source = source_of(target)
    tree = ast.parse(source)
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert imported <= {"torch", "torch.nn.functional", "math", "collections"}
    assert "netspec" not in source.split('"""', 2)[2], "only the first line says where it is from"


@each(BUNDLED)
def test_one_class_for_a_block(target: str) -> None:
    own = target.split(":")[1]
    assert sorted(classes_in(source_of(target))) == sorted([*CLASSES.get(target, []), own])
    assert classes_in(source_of(target))[-1] == own


@pytest.mark.parametrize("target", CLASSES)
def test_a_class_is_used_as_often_as_its_block(target: str) -> None:
    """Each class of the file is one class of the module, and all of them are used."""
    used = {type(inner).__name__ for inner in meta(target).modules()}
    assert set(CLASSES[target]) <= used


@each(BUNDLED)
def test_no_name_stands_for_nothing(target: str) -> None:
    """What __init__ takes and sets is used."""
    for made in ast.parse(source_of(target)).body:
        if not isinstance(made, ast.ClassDef):
            continue
        functions = [item for item in made.body if isinstance(item, ast.FunctionDef)]
        for function in functions:
            given = {arg.arg for arg in function.args.args} - {"self"}
            read = {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
            assert given <= read, (made.name, function.name)
        attributes = re.findall(r"^        self\.(\w+) = ", ast.unparse(made), re.MULTILINE)
        assert len(attributes) == len(set(attributes)), made.name
        after = "\n".join(ast.unparse(function) for function in functions if function.name != "__init__")
        read_attributes = set(re.findall(r"self\.(\w+)(?! = )\b", after))
        if len(functions) > 1:
            assert set(attributes) <= read_attributes | {"maps"}, (made.name, set(attributes) - read_attributes)


@each(BUNDLED)
def test_the_file_says_what_it_is(target: str) -> None:
    spec, net = target.split(":")
    source = source_of(target)
    assert source.startswith(f'"""{net}: generated by netspec from {spec}.net."""\n')
    assert source.endswith("\n")
    assert not source.endswith("\n\n")
    assert source.isascii()
    totals = compiled(target).totals
    assert totals is not None
    assert f"{totals.params:,} parameters" in source
