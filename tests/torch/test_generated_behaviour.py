"""Generated modules do what torch's own modules do, and what the spec says: shared weights, modes, literal numbers."""

from __future__ import annotations

import copy
import inspect
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from generated import (
    DIFFERENT,
    as_tuple,
    class_of,
    compiled,
    compiled_text,
    each,
    inputs_of,
    meta,
    module_of,
    output_types,
    plain,
    real,
    shapes,
    source_of,
)
from test_generated_text import SHARING
from torch import Tensor, nn
from torchvision_mirrors import BasicBlock, Bottleneck, DenseNet, GoogLeNet, MobileNetV2, ResNet, SqueezeNet
from weights_by_name import state_dict_of

import netspec
from netspec.api import Network
from netspec.driver import Compilation, find_source
from netspec.emit.torch.source import generate

MIRRORS: dict[str, Callable[[], nn.Module]] = {
    "resnet:ResNet18": lambda: ResNet(BasicBlock, (2, 2, 2, 2)),
    "resnet:ResNet50": lambda: ResNet(Bottleneck, (3, 4, 6, 3)),
    "mobilenet_v2:MobileNetV2": MobileNetV2,
    "googlenet:GoogLeNetAux": lambda: GoogLeNet(aux=True),
    "densenet:DenseNet121": lambda: DenseNet(32, (6, 12, 24, 16)),
    "squeezenet:SqueezeNet11": lambda: SqueezeNet("1.1"),
}
RANDOM = ("mobilenet_v2:MobileNetV2", "googlenet:GoogLeNetAux", "squeezenet:SqueezeNet11")  # they have dropout
SMALL = ["lenet:LeNet", "lenet5:LeNet5", "bn_dropout_cnn:BnDropoutCNN", "mnist_cnn:MnistCNN", "edges:Edges"]
SMALL_TEXTS = {
    "sharing": SHARING,
    "units": """
net Units {
  input x: [8, 10, 10]
  repeat 2 { basic 8 }
  basic 16 stride=2
  inverted 16 expand=2
  squeeze_excite 4
  upsample 2 -> crop 7 -> globalavgpool -> flatten -> dense 3
}
""",
    "tokens": """
net Tokens {
  input words: int64 [6]
  embedding 20 8
  param pos: [6, 8]
  q: add with pos
  matmul transpose=true with q -> softmax -> dense 4
}
""",
    "experts": """
net Experts {
  input words: [6, 8]
  experts 4 hidden=10 top=2 -> layernorm
  experts 3 hidden=5 top=1 normalised=false bias=true -> dense 4
}
""",
    "inputs": """
net Two {
  input a: [4]
  input b: [4]
  from a -> d: dense 4
  e: mul with b
  relu
  return e, d
}
""",
}


# -- torchvision's checkpoints ------------------------------------------------------------------------------


def settled(module: nn.Module) -> nn.Module:
    """Statistics and biases that are not those of the beginning."""
    for name, tensor in module.state_dict().items():
        if "running" in name or name.endswith("bias"):
            tensor.copy_(torch.rand_like(tensor) * 0.5 + 0.75)
    return module


@each(list(MIRRORS))
def test_the_same_numbers_as_torchvision(target: str) -> None:
    torch.manual_seed(0)
    mirror = settled(MIRRORS[target]())
    module = meta(target)
    module.load_state_dict({name: t.clone() for name, t in mirror.state_dict().items()}, strict=True, assign=True)
    x = torch.rand(2, 3, 64, 48)
    with torch.no_grad():
        for a, b in zip(as_tuple(module.eval()(x)), as_tuple(mirror.eval()(x)), strict=True):
            torch.testing.assert_close(a, b)
        if target not in RANDOM:
            torch.testing.assert_close(module.train()(x), mirror.train()(x))
            torch.testing.assert_close(dict(module.named_buffers()), dict(mirror.named_buffers()))


# -- the parameters of a net are those of its class ---------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "settings"),
    [
        ("lenet:LeNet", {"classes": 5}),
        ("resnet:ResNet18", {"classes": 10}),
        ("resnet:ResNet50", {"classes": 10, "depths": (1, 2, 2, 1)}),
        ("unet:UNet", {"channels": 3, "classes": 4}),
        ("nin:NiN", {"classes": 3}),
        ("nin:NiNImageNet", {"classes": 3, "channels": 2}),
    ],
    ids=str,
)
def test_parameters_of_the_class(target: str, settings: dict[str, Any]) -> None:
    module = meta(target, **settings)
    with torch.device("meta"):
        other = class_of(source_of(target, **settings))()
    assert described(module) == described(other)
    assert sum(p.numel() for p in module.parameters()) == netspec.load(target, **settings).params


@each(DIFFERENT)
def test_any_value_of_any_parameter(target: str) -> None:
    """What the class takes, it takes as the net does."""
    parameters = inspect.signature(type(meta(target)).__init__).parameters
    for name, parameter in list(parameters.items())[1:]:
        for value in others(parameter.default):
            made = Compilation(find_source(target.split(":")[0]), target.split(":")[1], {name: value})
            if made.diagnostics and divided(target):  # 15 features do not split into 4 heads
                continue
            assert made.network is not None
            with torch.device("meta"):
                expected = class_of(generate(made))()
            module = meta(target, **{name: value})
            assert described(module) == described(expected), (name, value)
            x = inputs_of(made, 2, "meta")
            assert shapes(module.eval()(*x)) == [t.shape for t in output_types(made)], (name, value)


def divided(target: str) -> bool:
    """Whether some of a net's parameters divide others."""
    return target.split(":")[0] in ("bert", "gpt2", "llama", "mistral", "mixtral", "transformer", "vit")


def others(value: Any) -> list[Any]:
    """Other values of a parameter, near and far."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [1, value + 3]
    if isinstance(value, float):
        return [value * 2]
    return [(*value[:-1], value[-1] + 2), (1,) * len(value)]


def described(module: nn.Module) -> tuple[Any, Any]:
    """Its weights, and every module in it with its settings."""
    return (
        [(name, tuple(t.shape)) for name, t in module.state_dict().items()],
        [(path, type(inner).__name__, inner.extra_repr()) for path, inner in module.named_modules()],
    )


# -- what torch does with modules ---------------------------------------------------------------------------

NETS: dict[str, Callable[[], tuple[nn.Module, list[Tensor]]]] = {
    **{target: lambda target=target: (real(target), inputs_of(compiled(target), 3)) for target in SMALL},  # type: ignore[misc]
    **{
        name: lambda text=text: (module_of(compiled_text(text)), inputs_of(compiled_text(text), 3))  # type: ignore[misc]
        for name, text in SMALL_TEXTS.items()
    },
}
every = pytest.mark.parametrize("name", NETS)


def same(a: Any, b: Any) -> None:
    for one, other in zip(as_tuple(a), as_tuple(b), strict=True):
        torch.testing.assert_close(one, other)


@every
@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_compile(name: str, backend: str) -> None:
    module, inputs = NETS[name]()
    module.eval()
    torch._dynamo.reset()
    same(torch.compile(module, fullgraph=True, backend=backend)(*inputs), module(*inputs))


@every
def test_export_with_any_batch(name: str) -> None:
    module, inputs = NETS[name]()
    module.eval()
    batch = torch.export.Dim("batch", min=2, max=64)
    program = torch.export.export(module, tuple(inputs), dynamic_shapes=tuple({0: batch} for _ in inputs))
    more = [torch.cat([x, x[:2]]) for x in inputs]
    same(program.module()(*more), module(*more))


@every
def test_functional_call(name: str) -> None:
    module, inputs = NETS[name]()
    module.eval()
    other = {key: tensor * 2 for key, tensor in module.named_parameters()}
    result = torch.func.functional_call(module, other, tuple(inputs))
    twice = copy.deepcopy(module)
    with torch.no_grad():
        for tensor in twice.parameters():
            tensor *= 2
    same(result, twice(*inputs))


@every
def test_save_and_load(name: str) -> None:
    module, inputs = NETS[name]()
    buffer = io.BytesIO()
    torch.save(module.state_dict(), buffer)
    buffer.seek(0)
    other, _ = NETS[name]()
    with torch.no_grad():
        for tensor in other.parameters():
            tensor.zero_()
    other.load_state_dict(torch.load(buffer, weights_only=True), strict=True)
    same(module.eval()(*inputs), other.eval()(*inputs))


@every
def test_a_copy_shares_nothing(name: str) -> None:
    module, inputs = NETS[name]()
    other = copy.deepcopy(module)
    same(module.eval()(*inputs), other.eval()(*inputs))
    assert not {t.data_ptr() for t in module.state_dict().values()} & {
        t.data_ptr() for t in other.state_dict().values()
    }
    assert len(list(other.parameters())) == len(list(module.parameters()))


@pytest.mark.parametrize("name", [name for name in NETS if name != "edges:Edges"])
def test_a_step_of_training_lowers_the_loss(name: str) -> None:
    module, inputs = NETS[name]()
    module.eval()  # so that both losses are of one function
    parameters = [p for p in module.parameters() if p.requires_grad]
    targets = [torch.zeros_like(result) for result in as_tuple(module(*inputs))]

    def loss() -> Tensor:
        results = as_tuple(module(*inputs))
        return torch.stack([F.mse_loss(r.float(), t) for r, t in zip(results, targets, strict=True)]).sum()

    before = loss()
    before.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in parameters)
    length = sum(float(p.grad.square().sum()) for p in parameters if p.grad is not None)
    torch.optim.SGD(parameters, lr=0.01 * float(before.detach()) / length).step()
    assert loss() < before


@every
def test_the_meta_device(name: str) -> None:
    source_inputs = NETS[name]()[1]
    made = compiled(name) if ":" in name else compiled_text(SMALL_TEXTS[name])
    module = module_of(made, "meta")
    result = module(*(x.to("meta") for x in source_inputs))
    assert all(tensor.is_meta for tensor in (*as_tuple(result), *module.state_dict().values()))


# -- weights that are one -------------------------------------------------------------------------------------


def test_tied_and_shared_weights_are_one_tensor() -> None:
    module: Any = module_of(compiled_text(SHARING))
    assert module.out.weight is module.table.weight
    calls: list[Tensor] = []
    module.cell.register_forward_hook(lambda *_: calls.append(module.cell.weight))
    module(torch.arange(24).reshape(2, 12))
    assert len(calls) == 3
    assert sum(p.numel() for p in module.parameters()) == 800 + 192 + 272
    module.load_state_dict(module.state_dict(), strict=True)
    assert module.out.weight is module.table.weight


def test_the_state_dict_has_a_shared_weight_once() -> None:
    """As the listing has it: a layer used again has no weights of its own, a tied one has its name."""
    made = compiled_text(SHARING)
    assert sorted(module_of(made).state_dict()) == sorted(map(plain, state_dict_of(Network(made))))


def test_functional_call_leaves_the_module_as_it_was() -> None:
    made = compiled_text(SHARING)
    module = module_of(made)
    before = {name: id(parameter) for name, parameter in module.named_parameters()}
    torch.func.functional_call(module, {k: p * 2 for k, p in module.named_parameters()}, tuple(inputs_of(made, 2)))
    assert {name: id(parameter) for name, parameter in module.named_parameters()} == before


def test_a_shared_layer_learns_from_every_use() -> None:
    text = "net Two {\n  input x: [4]\n  a: dense 4 bias=false\n  relu\n  reuse a\n}\n"
    module: Any = module_of(compiled_text(text))
    x = torch.rand(2, 4)
    module(x).sum().backward()
    weight = module.a.weight.detach().clone().requires_grad_()
    F.linear(F.relu(F.linear(x, weight)), weight).sum().backward()
    torch.testing.assert_close(module.a.weight.grad, weight.grad)


def test_a_shared_block_is_one_module() -> None:
    text = """
block unit(n) { conv n k=1 -> relu -> conv n k=1 }
net Blocks {
  input x: [4, 6]
  u: unit 4
  again: { reuse u }
  repeat 2 { reuse u }
}
"""
    made = compiled_text(text)
    module = module_of(made)
    convs = {id(inner) for inner in module.modules() if isinstance(inner, nn.Conv1d)}
    assert len(convs) == 2
    assert sum(p.numel() for p in module.parameters()) == made.totals.params  # type: ignore[union-attr]
    x = torch.rand(2, 4, 6)
    expected = x
    first, second = (module.get_submodule(path) for path in ("u.conv1", "u.conv2"))
    for _ in range(4):
        expected = second(F.relu(first(expected)))
    torch.testing.assert_close(module(x), expected)


def test_a_layer_is_used_again_with_other_values() -> None:
    """Torch's own modules, called as the spec calls them."""
    text = """
net Again {
  input a: [5, 4]
  input b: [3, 4]
  from a -> enc: lstm 4
  from b -> on: reuse enc with enc.state enc.cell
  look: attention 2 packed=true
  reuse look with enc
  return it as seen, on.state, enc.state as first
}
"""
    made = compiled_text(text)
    module = module_of(made).eval()
    torch.manual_seed(1)
    lstm, attention = nn.LSTM(4, 4, batch_first=True), nn.MultiheadAttention(4, 2, batch_first=True)
    state = {f"enc.{name}": tensor for name, tensor in lstm.state_dict().items()}
    state |= {f"look.{name}": tensor for name, tensor in attention.state_dict().items()}
    module.load_state_dict(state)
    a, b = torch.randn(2, 5, 4), torch.randn(2, 3, 4)
    enc, (first, cell) = lstm(a)
    on, (last, _) = lstm(b, (first, cell))
    looked, _ = attention(on, on, on)
    seen, _ = attention(looked, enc, enc)
    for one, other in zip(module(a, b), (seen, last[0], first[0]), strict=True):
        torch.testing.assert_close(one, other)


def test_members_come_into_groups_and_repeats() -> None:
    text = """
net Members {
  input x: [5, 4]
  enc: lstm 4
  repeat 2 { reuse enc with enc.state enc.cell }
  g: { from enc.cell -> add with enc.state }
}
"""
    module = module_of(compiled_text(text)).eval()
    x = torch.randn(2, 5, 4)
    _, (state, cell) = module.get_submodule("enc")(x)
    torch.testing.assert_close(module(x), (state + cell)[0])


def test_a_layer_is_used_again_in_a_repeat() -> None:
    text = "net Again {\n  input x: [4]\n  cell: dense 4\n  repeat 3 { reuse cell -> relu }\n}\n"
    module: Any = module_of(compiled_text(text))
    x = torch.rand(2, 4)
    expected = module.cell(x)
    for _ in range(3):
        expected = F.relu(module.cell(expected))
    torch.testing.assert_close(module(x), expected)
    assert list(module.state_dict()) == ["cell.weight", "cell.bias"]


def test_a_repeat_uses_a_value_from_outside() -> None:
    text = "net Skip {\n  input x: [4]\n  skip: dense 4\n  layers: repeat 3 { dense 4 -> add with skip }\n}\n"
    module: Any = module_of(compiled_text(text))
    x = torch.rand(2, 4)
    expected = skip = module.skip(x)
    for number in range(3):
        expected = module.get_submodule(f"layers.{number}.dense1")(expected) + skip
    torch.testing.assert_close(module(x), expected)


def test_a_chain_of_ties() -> None:
    text = """
net Chain {
  input x: [4]
  a: dense 4 -> relu
  b: dense 4 tie=a -> relu
  c: dense 4 bias=false tie=b
}
"""
    module: Any = module_of(compiled_text(text))
    assert module.a.weight is module.b.weight is module.c.weight
    assert module.a.bias is not module.b.bias
    assert [name for name, _ in module.named_parameters()] == ["a.weight", "a.bias", "b.bias"]


def test_a_tie_across_groups() -> None:
    text = """
net Groups {
  input words: int64 [5]
  table: embedding 30 8
  body: { dense 8 -> head: { out: dense 30 bias=false tie=table } }
}
"""
    module: Any = module_of(compiled_text(text))
    assert module.get_parameter("body.head.out.weight") is module.table.weight
    assert sum(p.numel() for p in module.parameters()) == 30 * 8 + 8 * 8 + 8


# -- numbers by hand --------------------------------------------------------------------------------------------


def test_cross_correlation_of_the_book() -> None:
    module = real("corr2d:Corr2D")
    x = torch.arange(9.0).reshape(1, 1, 3, 3)
    assert module(x).tolist() == [[[[19, 25], [37, 43]]]]
    image, kernel = np.arange(9.0).reshape(3, 3), np.arange(4.0).reshape(2, 2)
    by_hand = [[(image[i : i + 2, j : j + 2] * kernel).sum() for j in range(2)] for i in range(2)]
    assert module(x)[0, 0].tolist() == by_hand


def test_the_edge_detector() -> None:
    module = real("edges:Edges")
    image = torch.ones(1, 1, 6, 8)
    image[..., 2:6] = 0
    assert module(image).tolist() == [[[[0, 1, 0, 0, 0, -1, 0]] * 6]]


@pytest.mark.parametrize("target", ["edges:Edges", "corr2d:Corr2D"])
def test_literal_weights_are_not_trained_and_are_kept(target: str) -> None:
    module = real(target)
    assert [p.requires_grad for p in module.parameters()] == [False] * len(list(module.parameters()))
    assert list(module.state_dict()) == ["conv1.weight"]
    assert not module(inputs_of(compiled(target), 2)[0]).requires_grad


def test_c3_of_lenet5_is_a_dense_convolution_with_holes() -> None:
    module: Any = real("lenet5:LeNet5")
    table = compiled("lenet5:LeNet5").definitions.lets["table"]
    assert [len(row) for row in table] == [3] * 6 + [4] * 9 + [6]
    weight = torch.zeros(16, 6, 5, 5)
    kernels = iter(module.c3.weight.detach())
    for number, row in enumerate(table):
        for seen in row:
            weight[number, seen] = next(kernels)
    x = torch.rand(3, 6, 14, 14)
    torch.testing.assert_close(module.c3(x), F.conv2d(x, weight, module.c3.bias), rtol=1e-4, atol=1e-5)


def test_s2_and_the_output_of_lenet5() -> None:
    module: Any = real("lenet5:LeNet5")
    x = torch.rand(2, 6, 28, 28)
    sums = x.numpy().reshape(2, 6, 14, 2, 14, 2).sum((3, 5))
    weight, bias = (p.detach().numpy().reshape(6, 1, 1) for p in (module.s2.weight, module.s2.bias))
    np.testing.assert_allclose(module.s2(x).detach().numpy(), weight * sums + bias, rtol=1e-5)
    y = torch.rand(2, 84)
    centers = module.out.centers.detach().numpy()
    assert set(centers.flatten()) == {-1.0, 1.0}
    by_hand = [[((row - center) ** 2).sum() for center in centers] for row in y.numpy()]
    np.testing.assert_allclose(module.out(y).numpy(), by_hand, rtol=1e-5)


def test_lenet_by_hand() -> None:
    """The whole of a small net, from its state_dict, with no module of torch."""
    module = real("lenet:LeNet").eval()
    w = {name: tensor.detach() for name, tensor in module.state_dict().items()}
    x = torch.rand(2, 1, 28, 28)
    y = torch.sigmoid(F.conv2d(x, w["conv1.weight"], w["conv1.bias"], padding=2))
    y = torch.sigmoid(F.conv2d(F.avg_pool2d(y, 2), w["conv2.weight"], w["conv2.bias"]))
    y = F.avg_pool2d(y, 2).flatten(1)
    for name in ("fc1", "fc2", "fc3"):
        y = y @ w[f"{name}.weight"].T + w[f"{name}.bias"]
        y = torch.sigmoid(y) if name != "fc3" else y
    torch.testing.assert_close(module(x), y)


# -- training and afterwards -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "factor", "kept"),
    [
        ("dropout 0.25", 1.0, 1 / 0.75),
        ("dropout 0.25 mode=upscale_in_train", 1.0, 1 / 0.75),
        ("dropout 0.25 mode=downscale_in_infer", 0.75, 1.0),
    ],
)
@pytest.mark.parametrize("per", ["element", "channel"])
def test_dropout(layer: str, factor: float, kept: float, per: str) -> None:
    text = f"net Drop {{\n  input x: [64, 8, 8]\n  {layer} per={per}\n}}\n"
    module = module_of(compiled_text(text))
    x = torch.ones(16, 64, 8, 8)
    torch.testing.assert_close(module.eval()(x), x * factor)
    torch.manual_seed(3)
    result = module.train()(x)
    assert set(result.unique().tolist()) == {0.0, torch.tensor(kept).item()}
    assert 0.2 < (result == 0).float().mean() < 0.3
    whole = (result.flatten(2) == result[..., :1, :1].flatten(2)).all(-1)
    assert whole.all() == (per == "channel")
    torch.testing.assert_close(result.mean(), torch.tensor(factor), rtol=0.1, atol=0.0)


def test_batchnorm() -> None:
    text = "net Norm {\n  input x: [3, 4]\n  bn: batchnorm eps=0.01 momentum=0.25\n}\n"
    module: Any = module_of(compiled_text(text))
    x = torch.rand(8, 3, 4) * 3 + 1
    mean, var = x.mean((0, 2)), x.var((0, 2), unbiased=False)
    torch.testing.assert_close(module.eval()(x), x / (1 + 0.01) ** 0.5)
    expected = (x - mean.reshape(3, 1)) / (var.reshape(3, 1) + 0.01).sqrt()
    torch.testing.assert_close(module.train()(x), expected)
    torch.testing.assert_close(module.bn.running_mean, 0.25 * mean)
    torch.testing.assert_close(module.bn.running_var, 0.75 + 0.25 * x.var((0, 2)))
    assert module.bn.num_batches_tracked == 1


def test_the_two_modes_of_a_net_differ() -> None:
    module = real("bn_dropout_cnn:BnDropoutCNN")
    (x,) = inputs_of(compiled("bn_dropout_cnn:BnDropoutCNN"), 4)
    torch.testing.assert_close(module.eval()(x), module.eval()(x))
    assert not torch.allclose(module.train()(x), module.train()(x))


# -- the ways to a module ------------------------------------------------------------------------------------------


def test_to_torch_is_the_source_executed() -> None:
    net = netspec.load("resnet:ResNet18", classes=10)
    with torch.device("meta"):
        module = net.to_torch()
        other = class_of(net.torch_source())()
    assert described(module) == described(other)
    assert type(module).__name__ == "ResNet18"
    assert net.torch_source() == source_of("resnet:ResNet18", classes=10)


def test_one_source_makes_modules_of_their_own() -> None:
    net = netspec.load("lenet")
    a, b = net.to_torch(), net.to_torch()
    assert not {id(p) for p in a.parameters()} & {id(p) for p in b.parameters()}
    assert not torch.equal(a.get_parameter("conv1.weight"), b.get_parameter("conv1.weight"))


@each(["resnet:ResNet18", "unet:UNet"])
def test_it_starts_as_torch_starts(target: str) -> None:
    """Convolutions, the layers of most weights, are initialised by torch itself."""
    module = meta(target)
    kinds = {type(inner) for inner in module.modules() if list(inner.parameters(recurse=False))}
    assert {kind.__module__.split(".")[0] for kind in kinds} == {"torch"}
