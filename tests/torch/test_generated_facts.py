"""What the check says of a net holds for its module: weights, shapes, MACs."""

from __future__ import annotations

import ast
from typing import Any

import pytest
from generated import (
    BUNDLED,
    DIFFERENT,
    as_tuple,
    compiled,
    compiled_text,
    each,
    inputs_of,
    leaves_of,
    meta,
    module_of,
    output_types,
    plain,
    shapes,
    source_of,
    steps_of,
    tensors_of,
    weights_of,
)
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from weights_by_name import state_dict_of, torch_params, torch_state_dict

from netspec.api import Network
from netspec.driver import Compilation, find_source

SIZES = [(257, 320), (231, 238)]
FIXED = ("alexnet:AlexNet2012", "googlenet:GoogLeNet2014")  # their files have nets of any size too
AT_ANY_SIZE = [target for target in DIFFERENT if "H=" in compiled(target).source.text and target not in FIXED]

STANDARD = [  # block, channels
    "basic 64", "basic 128 stride=2", "bottleneck 64", "bottleneck 128 stride=2 groups=32 base_width=4",
    "dense_layer 32", "depthwise_separable 48", "depthwise_separable 48 stride=2", "double 24", "double 24 pad=0",
    "fire 16 24 40", "inception 64 (96, 128) (16, 32) 32", "inverted 64", "inverted 24 stride=2",
    "inverted 64 expand=1", "nin 96 k=3", "preactivation 64", "preactivation 128 stride=2", "squeeze_excite",
    "squeeze_excite 24", "transition", "transition 48",
]  # fmt: skip

VARIANTS: list[tuple[str, dict[str, Any]]] = [
    ("resnet:ResNet18", {"classes": 10}),
    ("resnet:ResNet18", {"depths": (1, 2, 1, 3)}),
    ("resnet:ResNet50", {"H": 64, "W": 96}),
    ("densenet:DenseNet121", {"growth": 12, "depths": (2, 3)}),
    ("mobilenet_v2:MobileNetV2", {"width": 0.35}),
    ("mobilenet_v2:MobileNetV2", {"width": 1.4, "classes": 7}),
    ("unet:UNet", {"H": 188, "W": 220, "channels": 3}),
    ("vgg:VGG11", {"bn": True}),
    ("lenet:LeNet", {"classes": 5}),
    ("nin:NiNImageNet", {"channels": 3}),
    ("googlenet:GoogLeNetAux", {"classes": 3}),
]


def check(made: Compilation, module: nn.Module) -> None:
    """The module, on the meta device, has the weights, shapes and MACs of the net."""
    net = Network(made)
    assert list(torch_state_dict(module).items()) == list(state_dict_of(net).items())
    assert torch_params(module) == sum(w.type.elements for w in weights_of(made).values() if w.kind != "buffer")
    assert sum(p.numel() for p in module.parameters() if p.requires_grad) == net.params
    for batch in (1, 3):
        with FlopCounterMode(display=False) as counter:
            result = module.eval()(*inputs_of(made, batch, "meta"))
        assert shapes(result) == [t.shape for t in output_types(made)]
        assert {t.shape[0] for t in as_tuple(result)} == {batch}
        assert counter.get_total_flops() == 2 * batch * int(net.macs)


@each(BUNDLED)
def test_weights_shapes_and_macs(target: str) -> None:
    check(compiled(target), meta(target))


@pytest.mark.parametrize("block", STANDARD)
def test_blocks_of_the_standard_library(block: str) -> None:
    made = compiled_text(f"net Use {{\n  input x: [64, 20, 21]\n  unit: {block}\n}}\n")
    check(made, module_of(made, "meta"))


@pytest.mark.parametrize(("target", "settings"), VARIANTS, ids=str)
def test_at_other_parameters(target: str, settings: dict[str, Any]) -> None:
    made = compiled(target, **settings)
    check(made, module_of(made, "meta"))


@each(DIFFERENT)
def test_which_weights_are_trained(target: str) -> None:
    module, weights = meta(target), weights_of(compiled(target))
    assert set(tensors_of(module)) == set(weights)
    trained = {name for name, parameter in module.named_parameters() if parameter.requires_grad}
    fixed = {name for name, parameter in module.named_parameters() if not parameter.requires_grad}
    kept = {name for name, _ in module.named_buffers()} & set(weights)
    assert {
        name: "trainable" if name in trained else "fixed" if name in fixed else "buffer" if name in kept else "?"
        for name in weights
    } == {name: weight.kind for name, weight in weights.items()}


@each(DIFFERENT)
def test_every_layer_gives_its_shape(target: str) -> None:
    made, module = compiled(target), meta(target)
    steps = steps_of(made)
    groups = Network(made)._by_path
    seen: dict[str, list[tuple[int, ...]]] = {}

    def watch(path: str, inner: nn.Module) -> None:
        def hook(_: nn.Module, __: Any, result: Any) -> None:
            seen.setdefault(path, []).append(tuple(as_tuple(result)[0].shape[1:]))  # nn.LSTM has a tuple in its tuple

        inner.register_forward_hook(hook)

    for path, inner in module.named_modules():
        if path in steps or path in groups:
            watch(path, inner)
    module.eval()(*inputs_of(made, 2, "meta"))
    expected = {path: step.outputs[0].shape if (step := steps.get(path)) else groups[path].output for path in seen}
    assert {path: set(shapes) for path, shapes in seen.items()} == {path: {shape} for path, shape in expected.items()}
    owners = {  # a `param` is no module, a `reuse` none of its own
        path
        for path, step in steps.items()
        if any(plain(name).startswith(f"{path}.") for name, _ in step.weights.values())
    }
    assert owners <= set(seen)


@each(DIFFERENT)
def test_every_module_is_a_layer_of_the_net(target: str) -> None:
    steps = steps_of(compiled(target))
    others = {
        path: type(inner).__name__
        for path, inner in leaves_of(meta(target))
        if path not in steps and not any(path.startswith(f"{step}.") for step in steps)  # a part of an attention
    }
    assert set(others.values()) <= {"Identity"}, others


def allowed(target: str, **sizes: int) -> dict[str, int]:
    """Sizes, or the next ones that the conditions of the net's input allow."""
    spec, net = target.split(":")
    network = Compilation(find_source(spec), net, symbolic=True).network
    assert network is not None
    ranges = {one.name: one for one in network.symbols}
    return {
        name: size + (ranges[name].remainder - size) % ranges[name].divisor if name in ranges else size
        for name, size in sizes.items()
    }


@each(AT_ANY_SIZE)
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_one_module_for_all_sizes(target: str, height: int, width: int) -> None:
    made, module = compiled(target, **allowed(target, H=height, W=width)), meta(target)
    with FlopCounterMode(display=False) as counter:
        result = module.eval()(*inputs_of(made, 2, "meta"))
    assert shapes(result) == [t.shape for t in output_types(made)]
    assert counter.get_total_flops() == 2 * 2 * int(Network(made).macs)


@each(AT_ANY_SIZE)
def test_the_usual_size_is_not_in_the_code(target: str) -> None:
    """Another size of the image gives the same file, but for what it says of shapes."""
    a, b = source_of(target), source_of(target, **allowed(target, H=256, W=288))
    assert code_of(a) == code_of(b)


def code_of(source: str) -> str:
    """The code alone: comments and documentation say what shapes are at the usual size."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
    return ast.unparse(tree)
