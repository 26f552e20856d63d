"""The Python API: nets as objects with their facts."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from netspec.diagnostics import Diagnostic, SpecError
from netspec.driver import Compilation, Symbolic, compile_one, find_source, split_target
from netspec.elaborate.files import source_from_bytes
from netspec.ir.dims import Dim
from netspec.ir.network import Network as NetworkIr

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

    from netspec.analysis.ranges import SizeRange
    from netspec.emit.solving.search import Solution


class Facts:
    """What a net, a group of layers or a layer has and does. Computation is for the batch (one sample by default)."""

    def __init__(self, totals: Any) -> None:
        self._totals = totals

    @property
    def params(self) -> Dim:
        """Elements of trainable weights; a shared weight counts once, fixed weights and buffers do not."""
        return self._totals.params  # type: ignore[no-any-return]

    @property
    def trainable_params(self) -> Dim:
        """The same as `params`."""
        return self._totals.params  # type: ignore[no-any-return]

    @property
    def active_params(self) -> Dim:
        """Those of `params` that one token uses: all but the weights of experts that it does not choose."""
        return self._totals.active_params  # type: ignore[no-any-return]

    @property
    def macs(self) -> Dim:
        """Multiply-accumulates of convolutions and matrix products."""
        return self._totals.macs  # type: ignore[no-any-return]

    @property
    def mults(self) -> Dim:
        """Scalar multiplications."""
        return self._totals.mults  # type: ignore[no-any-return]

    @property
    def adds(self) -> Dim:
        """Scalar additions, those of biases included."""
        return self._totals.adds  # type: ignore[no-any-return]

    @property
    def flops(self) -> Dim:
        """Multiplications, additions and all other elementwise arithmetic."""
        return self._totals.flops  # type: ignore[no-any-return]

    @property
    def connections(self) -> Dim:
        """For each output unit its inputs plus its bias (LeCun et al. 1998)."""
        return self._totals.connections  # type: ignore[no-any-return]

    @property
    def weight_bytes(self) -> Dim:
        """Bytes of all weights, fixed ones and buffers too."""
        return self._totals.weight_bytes  # type: ignore[no-any-return]

    @property
    def activation_bytes(self) -> Dim:
        """Bytes of the outputs of all layers."""
        return self._totals.activation_bytes  # type: ignore[no-any-return]

    @property
    def kv_cache_per_token(self) -> Dim:
        """Bytes that each further position adds to the keys and values that attention keeps, token by token."""
        return self._totals.kv_cache_per_token  # type: ignore[no-any-return]

    @property
    def kv_cache_bytes(self) -> Dim:
        """Bytes of those keys and values for the sequence at its length; with a window, of its positions at most."""
        return self._totals.kv_cache_bytes  # type: ignore[no-any-return]


class Layer(Facts):
    """One layer, group or repeat of a net. Figures of a layer are those of one occurrence."""

    def __init__(self, made: Compilation, row: Any) -> None:
        super().__init__(made.for_batch(row.totals))
        self._made = made
        self._row = row

    @property
    def path(self) -> str:
        """Dotted path: the prefix of its weights' names."""
        return self._row.path  # type: ignore[no-any-return]

    @property
    def text(self) -> str:
        """As it would be written: `conv 64 k=7 stride=2 pad=3`."""
        return self._row.text  # type: ignore[no-any-return]

    @property
    def repeat(self) -> int:
        """How often it occurs in the net."""
        return self._row.repeat  # type: ignore[no-any-return]

    @property
    def output(self) -> tuple[Dim, ...]:
        """Shape of the output of one sample."""
        return self._row.output.shape  # type: ignore[no-any-return]

    @property
    def dtype(self) -> str:
        """Element type of the output."""
        return self._row.output.dtype  # type: ignore[no-any-return]

    @property
    def line(self) -> int | None:
        """Line of the file in which it, or the block around it, is called."""
        from netspec.emit.listing import line_of

        return line_of(self._made, self._row)

    @property
    def weights(self) -> dict[str, tuple[Dim, ...]]:
        """Shapes of its own weights by name, in state_dict order; buffers and fixed weights too."""
        from netspec.emit.listing import weight_shapes

        return weight_shapes(self._made, self._row)

    @property
    def receptive_field(self) -> dict[str, Any] | None:
        """By input: size, stride and start along each axis after the first."""
        from netspec.emit.listing import field_json

        return field_json(self._made, self._row)

    def __repr__(self) -> str:
        return f"<{self.path}: {self.text} -> {list(self.output)}>"


class Network(Facts):
    """A checked net: `net.params`, `net["c1"].output`, `net.layers`, `print(net.summary())`."""

    def __init__(self, made: Compilation) -> None:
        super().__init__(made.totals)
        self._made = made

    @property
    def name(self) -> str:
        return self._made.name or ""

    @property
    def ir(self) -> NetworkIr:
        """The intermediate representation, a pydantic model."""
        network = self._made.network
        assert network is not None  # a net with errors never becomes a Network
        return network

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """What is sound and yet probably not meant, without what `# allow:` comments silence."""
        return self._made.warnings

    @property
    def inputs(self) -> dict[str, tuple[Dim, ...]]:
        """Shapes of the inputs of one sample, by name."""
        return {item.name: item.type.shape for item in self.ir.inputs}

    @property
    def outputs(self) -> dict[str, tuple[Dim, ...]]:
        """Shapes of the outputs of one sample; a single one goes by its layer's name."""
        types = self._made.types[self.ir.root.name]
        return {member or ref: types[ref].shape for member, ref in self.ir.root.outputs.items()}

    @property
    def peak_activation_bytes(self) -> Dim | None:
        """The most bytes of activations alive at once, inputs included; None where the formula would be too long."""
        return self._made.peak_activation_bytes

    @property
    def sizes(self) -> dict[str, SizeRange]:
        """The range of each symbol of the net in which its formulas hold; empty where it has none."""
        return dict(self._made.ranges.symbols) if self._made.ranges is not None else {}

    @cached_property
    def layers(self) -> list[Layer]:
        """The layers in order; those of alike iterations once, with their `repeat`. Raises SpecError beyond 20,000."""
        from netspec.emit.listing import layer_rows

        return [Layer(self._made, row) for row in layer_rows(self._made)]

    def __getitem__(self, path: str) -> Layer:
        """The layer, group or repeat at a dotted path. Raises KeyError."""
        if path not in self._by_path:
            from netspec.diagnostics import nearest

            close = nearest(path, list(self._by_path))
            raise KeyError(f"{self.name} has no {path!r}" + (f"; did you mean {close!r}?" if close else ""))
        return self._by_path[path]

    @cached_property
    def _by_path(self) -> dict[str, Layer]:
        found: dict[str, Layer] = {}
        for row in self._made.rows():
            found.setdefault(row.path, Layer(self._made, row))
        return found

    def summary(self, depth: int | None = None) -> str:
        """The table that `netspec check` prints."""
        from netspec.emit.table import DEFAULT, summary, table

        return f"{self.name}\n\n{table(self._made, DEFAULT, depth)}\n\n{summary(self._made)}"

    def to_dict(self) -> dict[str, Any]:
        """What `netspec check --format json` prints."""
        from netspec.emit.listing import net_json

        return net_json(self._made)

    def torch_source(self) -> str:
        """What `netspec codegen` prints: the source of a torch module that is exactly this net. Raises SpecError where
        there is something that torch cannot say."""
        from netspec.emit.torch.source import generate

        return generate(self._made)

    def to_torch(self) -> nn.Module:
        """That source, executed: the module, with torch's default initialisation. Its state_dict has the dotted paths
        of the spec. Raises ImportError where torch is not installed, and SpecError as `torch_source`."""
        from netspec.emit.torch.module import build

        return build(self.name, self.torch_source())

    def initial_weights(self, seed: int = 0) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
        """All weights by name, drawn as the torch module would begin with them, one after the other. Raises ImportError
        where numpy is not installed."""
        from netspec.emit.onnx.memory import arrays_of

        return arrays_of(self._made, seed)

    def to_onnx(
        self,
        path: str | os.PathLike[str],
        weights: str | os.PathLike[str] | Mapping[str, Any] | None = None,
        *,
        seed: int = 0,
        opset: int = 23,
        dtype: Literal["float32", "float16", "bfloat16"] = "float32",
        fold: bool = True,
        external_data: bool = False,
    ) -> None:
        """What `netspec export` writes: an ONNX model, whole or not at all.

        weights: a file, or arrays by name, a state_dict's tensors too; `initial_weights` of the seed unless given.
        fold: batch normalisations into the convolutions before them. external_data: put the weights into `path`.data,
        which is always done beyond 2 GB. Raises SpecError where the weights do not fit or there is something that ONNX
        cannot say, OSError where the file cannot be written, ImportError where onnx is not installed.
        """
        from netspec.emit.onnx.memory import save

        save(self._made, os.fspath(path), weights, seed, opset, dtype, fold, external_data)

    def run(
        self, inputs: Any, weights: str | os.PathLike[str] | Mapping[str, Any] | None = None, *, seed: int = 0
    ) -> dict[str, np.ndarray[Any, Any]]:
        """The outputs in onnxruntime, by name.

        inputs: arrays by name, or that of a sole input, with the batch as axis 0; without it one is a single sample.
        weights: as of `to_onnx`. Raises SpecError where the weights do not fit, ValueError where the inputs do not,
        ImportError where onnxruntime is not installed.
        """
        from netspec.emit.onnx.memory import tensors_of_any
        from netspec.emit.running.loading import outputs_of

        with tensors_of_any(self._made, weights, seed) as tensors:
            return outputs_of(self._made, inputs, tensors)

    def solve(
        self, claim: str, over: str | Sequence[str], *, low: int | None = None, high: int | None = None
    ) -> Solution:
        """What `netspec solve` prints: the sizes or values of a parameter at which a claim holds, exactly.

        claim: what an `assert` may say, `"macs <= 600e6"`. over: the name of a size of an input, or of a parameter;
        several names, `"H,W"` or `("H", "W")`, take the same value. low, high: where to look; from 1 on unless given.
        What this net was loaded with holds for all other names. Raises SpecError where the claim or a name is wrong,
        ValueError where there is nothing to look at or another size has no value.
        """
        from netspec.emit.solving.search import solve

        names = [name.strip() for name in over.split(",")] if isinstance(over, str) else list(over)
        return solve(self._made.source, self._made.name, self._made.settings, claim, names, low, high)

    def _repr_html_(self) -> str:
        from netspec.emit.html import html

        return html(self._made)

    def __repr__(self) -> str:
        inputs = ", ".join(f"{name} {list(shape)}" for name, shape in self.inputs.items())
        outputs = ", ".join(str(list(shape)) for shape in self.outputs.values())
        return f"<{self.name}: {inputs} -> {outputs}, {self.params:,} params>"


def load(
    path: str | os.PathLike[str], /, net: str | None = None, batch: int = 1, symbolic: Symbolic = False, **params: Any
) -> Network:
    """The checked net of a .net file, of IR in JSON, or of a bundled spec by name.

    path: `file.net`, `file.net:Net`, `resnet:ResNet50`. net: which net, where the file has several.
    params: values of the net's parameters and symbols. symbolic: the name of one that stays symbolic, or a condition
    on it, `"width % 8 == 0"`, or several; True for all sizes of the inputs. batch: samples for which computation,
    activations and the KV cache are counted, from 1 to 10**9. Raises SpecError with every mistake of the file.
    """
    text = os.fspath(path)
    chosen = net
    if not os.path.exists(text):
        text, named = split_target(text)
        chosen = net or named
    return _network(compile_one(find_source(text), chosen, params, batch, symbolic))


def loads(text: str, /, net: str | None = None, batch: int = 1, symbolic: Symbolic = False, **params: Any) -> Network:
    """The same for the text of a .net file."""
    source = source_from_bytes(text.encode("utf-8", "surrogatepass"), "<text>", None)
    return _network(compile_one(source, net, params, batch, symbolic))


def _network(made: Compilation) -> Network:
    if not made.sound:
        raise SpecError(made.diagnostics)
    return Network(made)
