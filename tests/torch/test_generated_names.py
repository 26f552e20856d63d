"""Names are data: whatever a spec calls its things, the source is safe and runs, or there is a clear error."""

from __future__ import annotations

import ast
import keyword
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from generated import class_of, compiled_text, inputs_of, output_types, shapes, tensors_of, weights_of

from netspec.api import Network
from netspec.cli import cli
from netspec.diagnostics import SpecError
from netspec.driver import compile_source
from netspec.source import SourceFile

OF_PYTHON = [
    "class", "def", "lambda", "is", "while", "pass", "None", "True", "del", "global", "yield", "raise", "try", "match",
    "case", "type", "print", "range", "int", "list", "super", "len", "dict", "object", "max", "min", "sum", "id",
    "isinstance", "property", "exec", "eval", "__class__", "__init__", "__dict__", "__module__", "__call__",
    "__getattr__", "__import__", "_", "__", "self", "cls",
]  # fmt: skip
OF_TORCH = [
    "train", "forward", "parameters", "buffers", "modules", "children", "training", "half", "float", "double", "to",
    "cpu", "cuda", "apply", "compile", "state_dict", "add_module", "register_buffer", "_parameters", "_modules",
    "_buffers", "zero_grad", "extra_repr", "dump_patches", "T_destination", "call_super_init", "insert", "append",
    "extend", "pop", "keys", "items", "nn", "torch", "F", "Tensor", "math", "OrderedDict", "Conv2d", "Module",
    "Sequential", "Linear",
]  # fmt: skip
OF_THE_GENERATOR = [
    "x", "out", "it", "in_channels", "in_features", "layers", "times", "y", "inputs", "args", "kwargs", "Net", "Unit",
    "weight", "bias", "window_pads", "CenterCrop", "CropBorder", "fixed_weight", "shape", "expand", "_0", "l", "O", "I",
]  # fmt: skip
NAMES = list(dict.fromkeys([*OF_PYTHON, *OF_TORCH, *OF_THE_GENERATOR]))

LABEL = "net Net {{\n  input a: [4, 8, 8]\n  {0}: conv 6 k=3\n  relu\n  conv 4 k=1\n}}\n"
ACTIVATION = "net Net {{\n  input a: [4]\n  {0}: relu\n  dense 3\n  from {0} -> dense 3\n}}\n"
SCOPE = (
    "net Net {{\n  input a: [4, 8]\n  {0}: {{ first: conv 6 k=1 -> relu }}\n"
    "  {0}b: {{ conv 6 k=1 -> add with {0} }}\n}}\n"
)
REPEATED = "net Net {{\n  input a: [4, 8]\n  {0}: repeat 3 {{ conv 4 k=1 -> relu }}\n}}\n"
INPUTS = "net Net {{\n  input {0}: [4]\n  input b: [4]\n  from {0} -> dense 4 -> add with b -> add with {0}\n}}\n"
BLOCK = (
    "block {0}(n) {{ conv n k=1 -> batchnorm -> relu -> conv n k=1 }}\n"
    "net Net {{\n  input a: [4, 8]\n  {0} 4\n  {0} 6\n}}\n"
)
PARAMETER = (
    "block unit({0}, more = 2) {{ conv {0} k=1 -> relu -> conv ({0} * more) k=1 }}\n"
    "net Net {{\n  input a: [4, 8]\n  unit 4\n  unit 6 more=3\n}}\n"
)
OF_NET = "net Net({0} = 6) {{\n  input a: [4, 8]\n  conv {0} k=1 -> relu -> conv {0} k=1\n}}\n"
NET = "net {0} {{\n  input a: [4, 8]\n  conv 6 k=1 -> relu -> conv 3 k=1\n}}\n"
LET = "net Net(n = 3) {{\n  input a: [4, 8]\n  let {0} = n * 2\n  conv {0} k=1 -> relu -> conv {0} k=1\n}}\n"
TENSOR = "net Net {{\n  input a: [4]\n  param {0}: [4]\n  from a -> add with {0} -> dense 3\n}}\n"
OUTPUTS = (
    "block two(n) {{\n  {0}: dense n\n  b: relu\n  return {0}, b\n}}\n"
    "net Net {{\n  input a: [4]\n  u: two 4\n  add with u.b\n  v: add with u\n  return v, u\n}}\n"
)

PLACES = {
    "label": LABEL, "activation": ACTIVATION, "scope": SCOPE, "repeat": REPEATED, "input": INPUTS, "block": BLOCK,
    "parameter": PARAMETER, "parameter of a net": OF_NET, "net": NET, "let": LET, "param": TENSOR, "outputs": OUTPUTS,
}  # fmt: skip

NAMES_OF_LAYERS = ("label", "activation", "scope", "repeat", "param", "outputs", "block")

# Labels as texts: braces hold values, everything else is the name.
TEXTS = ["conv1", "a_b", "0", "007", "1a", "_x", "x", "class", "self", "__class__", "forward"]
NOT_NAMES = [
    "a.b", "a b", "a-b", "", ".", "..", "a.", "'", "a');import os;('", "\\n", "a\\", "x = 1", "#", "weight.data", "é",
    "$", "a\tb", "(", ")", "%s", "\N{ZERO WIDTH SPACE}", "\N{FULLWIDTH LATIN SMALL LETTER A}",
]  # fmt: skip
STRING = 'net Net {{\n  input a: [4, 8]\n  "{0}": conv 6 k=1\n  relu -> conv 3 k=1\n}}\n'


def is_sound(text: str) -> bool:
    """Whether the check has nothing against the net."""
    try:
        (made,) = compile_source(SourceFile("test.net", text, None))
    except SpecError:
        return False
    return made.sound


def is_safe(source: str) -> None:
    """No name of the spec has become anything but a name."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        for field in ("id", "attr", "arg", "name"):
            name = getattr(node, field, None)
            if isinstance(name, str) and not isinstance(node, ast.alias):
                assert name.isidentifier(), name
                assert not keyword.iskeyword(name), name
                assert name.isascii(), name
        assert not isinstance(node, (ast.Import, ast.Global, ast.Nonlocal)) or node in tree.body, ast.dump(node)
    calls = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not calls & {"exec", "eval", "__import__", "getattr", "setattr", "compile", "open", "globals", "vars"}


def works_or_is_refused(text: str, folder: Path) -> bool:
    """Whether there is a module, which then equals the net; a refusal has a code, a place and no traceback."""
    file = folder / "names.net"
    file.write_text(text, encoding="utf-8")
    result = CliRunner().invoke(cli, ["codegen", str(file)])
    if result.exit_code != 0:
        assert result.exit_code == 1, (result.output, result.exception)
        assert result.exception is None or isinstance(result.exception, SystemExit)
        assert "error[NS" in result.output
        assert "Traceback" not in result.output
        return False
    made = compiled_text(text)
    is_safe(result.stdout)
    with torch.device("meta"):
        module = class_of(result.stdout)()
    assert list(tensors_of(module)) == list(weights_of(made))
    assert sum(p.numel() for p in module.parameters()) == Network(made).params
    assert shapes(module(*inputs_of(made, 2, "meta"))) == [t.shape for t in output_types(made)]
    return True


@pytest.mark.parametrize("name", NAMES)
def test_name(name: str, tmp_path: Path) -> None:
    for place, form in PLACES.items():
        text = form.format(name)
        sound = is_sound(text)
        works = works_or_is_refused(text, tmp_path)
        assert sound or not works
        if place not in NAMES_OF_LAYERS:
            assert works == sound, f"{place}: it is not in the state_dict, so it can be written otherwise"


@pytest.mark.parametrize("name", TEXTS)
def test_text_that_is_a_name(name: str, tmp_path: Path) -> None:
    works_or_is_refused(STRING.format(name), tmp_path)


@pytest.mark.parametrize("name", NOT_NAMES)
def test_text_that_is_no_name(name: str, tmp_path: Path) -> None:
    assert not works_or_is_refused(STRING.format(name), tmp_path)
