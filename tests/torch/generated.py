"""Nets and what is generated of them, each made once; and what a net says of itself, layer by layer."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import torch
from flat import Flat, Step, flat_of
from torch import Tensor, nn

from netspec import resources
from netspec.driver import Compilation, compile_source, find_source, missing_values, net_names
from netspec.emit.torch.source import generate
from netspec.ir.types import TensorType
from netspec.ops.base import Weight
from netspec.source import SourceFile

DTYPES = {"float32": torch.float32, "int64": torch.int64}


def bundled() -> list[str]:
    """Every net of every bundled spec that can be checked by itself."""
    found = []
    for spec in resources.spec_names():
        definitions = compile_source(find_source(spec))[0].definitions
        found += [f"{spec}:{net}" for net in net_names(definitions) if not missing_values(definitions, net)]
    return found


BUNDLED = bundled()
# Without those that differ from others in their depth only.
DEEPER = ("34", "101", "152", "161", "169", "201", "13", "16", "19", "13BN", "16BN", "19BN")
DIFFERENT = [target for target in BUNDLED if not target.endswith(DEEPER)]


def each(targets: list[str]) -> Any:
    """A test for each of some bundled nets. Those of one net run in one process, which generates it once."""
    params = [pytest.param(target, marks=pytest.mark.xdist_group(target), id=target) for target in targets]
    return pytest.mark.parametrize("target", params)


@cache
def compiled(target: str, **settings: Any) -> Compilation:
    """A bundled net."""
    spec, net = target.split(":")
    return sound(Compilation(find_source(spec), net, settings))


def compiled_text(text: str, **settings: Any) -> Compilation:
    return sound(Compilation(SourceFile("test.net", text, None), None, settings))


def sound(made: Compilation) -> Compilation:
    assert made.sound, [str(d) for d in made.diagnostics]
    return made


@cache
def source_of(target: str, **settings: Any) -> str:
    return generate(compiled(target, **settings))


def module_of(made: Compilation, device: str = "cpu") -> nn.Module:
    """The module of a net, at weights that are the same in every run."""
    torch.manual_seed(0)
    with torch.device(device):
        module: nn.Module = class_of(generate(made))()
    return module


def class_of(source: str, name: str | None = None) -> Any:
    """A class of generated source, by default its last."""
    namespace: dict[str, Any] = {"__name__": "generated"}
    exec(compile(source, "<generated>", "exec"), namespace)
    return namespace[name or classes_in(source)[-1]]


def classes_in(source: str) -> list[str]:
    return [node.name for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]


def meta(target: str, *args: Any, **kwargs: Any) -> nn.Module:
    """A bundled net's module, without numbers; further arguments are those of its class."""
    with torch.device("meta"):
        module: nn.Module = class_of(source_of(target))(*args, **kwargs)
    return module


def real(target: str) -> nn.Module:
    """A bundled net's module with numbers, the same in every run."""
    torch.manual_seed(0)
    module: nn.Module = class_of(source_of(target))()
    return module


def inputs_of(made: Compilation, batch: int, device: str = "cpu") -> list[Tensor]:
    """Inputs of a net: from 0 to 1, or whole numbers below 10."""
    assert made.network is not None
    torch.manual_seed(1)
    found = []
    for item in made.network.inputs:
        shape = (batch, *map(int, item.type.shape))
        dtype = DTYPES[item.type.dtype]
        found.append(
            torch.rand(shape, device=device, dtype=dtype)
            if dtype.is_floating_point
            else torch.randint(0, 10, shape, device=device, dtype=dtype)
        )
    return found


def output_types(made: Compilation) -> list[TensorType]:
    network = made.network
    assert network is not None
    return [made.types[network.root.name][ref] for ref in network.root.outputs.values()]


def shapes(result: Any) -> list[tuple[int, ...]]:
    """Shapes of what a module returns, without the batch."""
    return [tuple(tensor.shape[1:]) for tensor in as_tuple(result)]


def as_tuple(result: Any) -> tuple[Tensor, ...]:
    return result if isinstance(result, tuple) else (result,)


def plain(path: str) -> str:
    """A path without the empty names of layers that are an iteration, or a weight, themselves."""
    return ".".join(part for part in path.split(".") if part)


@cache
def steps_of(made: Compilation) -> dict[str, Step]:
    """Every layer of a net by path, every iteration for itself."""
    flat: Flat = flat_of(made)
    return {plain(step.path): step for step in flat.steps}


@cache
def weights_of(made: Compilation) -> dict[str, Weight]:
    """Every weight of a net by name, in the order of the listing; shared ones once, by the name of the first."""
    found: dict[str, Weight] = {}
    for step in steps_of(made).values():
        for path, weight in step.weights.values():
            found.setdefault(plain(path), weight)
    return found


def tensors_of(module: nn.Module) -> dict[str, Tensor]:
    """The state_dict, a tensor of several names only by the first."""
    found: dict[str, Tensor] = {}
    seen: set[int] = set()
    for name, tensor in module.state_dict(keep_vars=True).items():
        if id(tensor) not in seen:
            seen.add(id(tensor))
            found[name] = tensor
    return found


def leaves_of(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Modules without modules in them, by path."""
    return ((path, inner) for path, inner in module.named_modules() if path and not list(inner.children()))
