"""The catalogue of layers. One class per layer, one file per family; loaded when first named.

A family's classes cost a few milliseconds to define, and a spec uses few families, so the catalogue
knows by name where a layer lives. To add a layer: write its class, add its name here.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module

from netspec.ops.base import Layer

FAMILIES: dict[str, tuple[str, ...]] = {
    "convolution": ("conv", "upconv"),
    "linear": ("dense",),
    "pool": ("maxpool", "avgpool"),
    "globalpool": ("globalavgpool", "globalmaxpool", "adaptiveavgpool", "adaptivemaxpool"),
    "shape": ("flatten", "reshape", "permute", "identity"),
    "layout": ("slice", "split", "pad", "crop"),
    "resample": ("upsample", "pixelshuffle", "pixelunshuffle", "channelshuffle"),
    "norm": ("batchnorm", "layernorm", "rmsnorm"),
    "norm_rare": ("groupnorm", "instancenorm", "lrn"),
    "dropout": ("dropout",),
    "activation": ("relu", "sigmoid", "tanh", "silu", "gelu", "softmax"),
    "activation_hard": (
        "relu6", "leakyrelu", "prelu", "rrelu", "hardtanh", "hardsigmoid", "hardswish",
        "softshrink", "hardshrink", "threshold",
    ),
    "activation_smooth": (
        "elu", "selu", "celu", "mish", "softplus", "softsign", "logsigmoid", "tanhshrink",
        "logsoftmax", "softmin", "glu",
    ),
    "merge": ("add", "mul", "concat"),
    "merge_rare": ("sub", "div", "mean", "max", "min", "stack"),
    "tensor": ("matmul", "reduce", "scale", "embedding"),
    "attention": ("attention",),
    "position": ("position",),
    "relative": ("relativebias",),
    "feedforward": ("swiglu", "geglu"),
    "mixture": ("experts",),
    "recurrent": ("rnn", "gru", "lstm"),
    "source": ("param", "constant"),
    "lenet": ("subsample", "rbf"),
}  # fmt: skip

_FAMILY = {name: family for family, names in FAMILIES.items() for name in names}


def layer_names() -> tuple[str, ...]:
    """All layer names, family by family."""
    return tuple(_FAMILY)


@cache
def find_layer(name: str) -> type[Layer] | None:
    """The class of a layer by its name in the language, or None."""
    family = _FAMILY.get(name)
    if family is None:
        return None
    module = import_module(f"netspec.ops.{family}")
    for candidate in vars(module).values():
        if isinstance(candidate, type) and issubclass(candidate, Layer) and candidate.layer_name() == name:
            return candidate
    raise LookupError(f"the catalogue lists `{name}` in family `{family}`, which has no such class")
