"""The catalogue as a whole: no layer lacks a rule, a formula, a counting rule or an example."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import subprocess
import sys

import pytest

import netspec.ops
from netspec.ops import FAMILIES, find_layer, layer_names
from netspec.ops.base import Layer
from netspec.problems import shapes

RULES = ("output", "weights", "cost", "reach", "torch")


def test_every_layer_class_is_in_the_catalogue():
    defined = {}
    for info in pkgutil.iter_modules(netspec.ops.__path__):
        module = importlib.import_module(f"netspec.ops.{info.name}")
        for value in vars(module).values():
            own = inspect.isclass(value) and value.__module__ == module.__name__
            if own and issubclass(value, Layer) and value is not Layer and not value.__name__.startswith("_"):
                defined[value.layer_name()] = info.name
    assert defined == {name: family for family, names in FAMILIES.items() for name in names}


def test_names_are_unique():
    assert len(set(layer_names())) == sum(map(len, FAMILIES.values()))


@pytest.mark.parametrize("name", layer_names())
def test_layer_is_complete(name: str):
    cls = find_layer(name)
    assert cls is not None
    assert cls.layer_name() == name
    assert not inspect.isabstract(cls)
    for rule in RULES:
        assert getattr(cls, rule) is not getattr(Layer, rule), rule

    doc = inspect.getdoc(cls) or ""
    first = doc.split("\n")[0]
    assert "->" in first, "the first line gives the shapes"
    assert "[" in first or "-> shape" in first
    assert len([line for line in doc.split("\n") if line.startswith("Cost: ")]) == 1
    assert doc.rstrip().endswith(".")
    assert doc.split("Cost: ")[1].count(".\n\n") == 0, "the counting rule is the last paragraph"

    assert cls.example.split()[0] == name
    assert "\n" not in cls.example
    assert 0 <= cls.positional <= len(cls.model_fields)
    least, most = cls.inputs
    assert least >= 0
    assert most is None or most >= least


@pytest.mark.parametrize("name", layer_names())
def test_arguments_without_default_come_by_position(name: str):
    """What must be given comes first, and by position; some is named all the same, such as a convolution's window."""
    cls = find_layer(name)
    assert cls is not None
    required = [field for field, info in cls.model_fields.items() if info.is_required()]
    named = {"conv": ["out", "k"], "upconv": ["out", "k"], "experts": ["experts", "hidden", "top"]}
    if name in named:
        assert required == named[name]
    else:
        assert required == list(cls.model_fields)[: len(required)]
        assert len(required) <= cls.positional


@pytest.mark.parametrize("name", layer_names())
def test_docstring_names_every_argument(name: str):
    cls = find_layer(name)
    assert cls is not None
    doc = inspect.getdoc(cls) or ""
    missing = [field for field in cls.model_fields if f"`{field}" not in doc and f" {field} " not in doc]
    assert missing == []


def test_unknown_layer():
    assert find_layer("kernel") is None


def test_problem_codes_are_unique_and_explained():
    problems = [p for p in vars(shapes).values() if inspect.isclass(p) and p.__module__ == shapes.__name__]
    codes = [p.code for p in problems]
    assert codes == [f"NS{number}" for number in range(301, 301 + len(problems))]
    for problem in problems:
        assert problem.__doc__
        assert problem.title
        assert problem.label
        assert problem.help


def test_importing_all_layers_imports_no_heavy_library():
    code = (
        "import sys; from netspec.ops import find_layer, layer_names; [find_layer(n) for n in layer_names()];"
        "print(sorted({'torch', 'numpy', 'onnx', 'onnxruntime', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
