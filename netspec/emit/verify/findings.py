"""What `netspec verify` finds out about a net, as plain data: figures, what does not agree, and what is to be known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from netspec.analysis.rows import layer_text
from netspec.analysis.unrolled import Step
from netspec.diagnostics import Diagnostic
from netspec.driver import Compilation

Kind = Literal["shapes", "weights", "params", "MACs", "numbers", "torch", "onnx", "not proven", "refused", "spec"]


class Options(NamedTuple):
    """How nets are verified."""

    seed: int = 0
    opset: int = 23
    layers: bool = False
    tolerance: float = 1e-4


class Trouble(NamedTuple):
    """Something that does not agree, or that nothing could be said of. `layer`: the path of the layer to blame."""

    kind: Kind
    text: str
    layer: str = ""
    place: str = ""  # file:line:column
    details: tuple[str, ...] = ()


class Difference(NamedTuple):
    """How far two tensors are apart. `relative`: as a share of the first one's largest element."""

    largest: float
    relative: float
    scale: float  # of the first
    other_scale: float
    at: tuple[int, ...] = ()  # where it is largest, with the batch


class Run(NamedTuple):
    """Outputs of torch and onnxruntime, compared."""

    sizes: dict[str, int]
    mean: int | None  # of the inputs; None where all are integers
    batch: int
    output: str
    difference: Difference


class LayerDifference(NamedTuple):
    """A value of a layer in torch and onnxruntime: `whole` after all layers before it, each in its own library;
    `own` where torch gets the inputs that the layer has in onnxruntime."""

    layer: str
    text: str
    whole: Difference
    own: Difference


class Macs(NamedTuple):
    sizes: dict[str, int]
    batch: int
    static: int
    torch: int


@dataclass
class Findings:
    """Everything about one net."""

    net: str
    file: str
    layers: int = 0  # of which the shapes agree
    params: tuple[int, int] | None = None  # static, torch's
    macs: list[Macs] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    by_layer: list[LayerDifference] = field(default_factory=list)
    sizes: list[dict[str, int]] = field(default_factory=list)  # values of the symbols
    troubles: list[Trouble] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    diagnostics: tuple[Diagnostic, ...] = ()
    seconds: float = 0.0

    @property
    def status(self) -> str:
        """`OK`, or the first thing that is wrong, disagreements before what is not proven."""
        kinds = [trouble.kind for trouble in self.troubles]
        wrong = [kind for kind in kinds if kind not in ("not proven", "refused", "spec")]
        if wrong:
            return f"{wrong[0]} {'differ' if wrong[0] not in ('torch', 'onnx') else 'fails'}"
        return {"spec": "unsound", "refused": "refused"}.get(kinds[0], kinds[0]) if kinds else "OK"

    @property
    def agree(self) -> bool:
        return not self.troubles

    @property
    def worst(self) -> Run | None:
        """The run with the largest relative difference."""
        return max(self.runs, key=lambda run: run.difference.relative, default=None)


class Stop(Exception):
    """A net about which nothing more can be found out."""

    def __init__(self, *troubles: Trouble) -> None:
        super().__init__(troubles[0].text)
        self.troubles = troubles


def at_layer(made: Compilation, step: Step, kind: Kind, text: str, details: Iterable[str] = ()) -> Trouble:
    """A trouble with a layer, and where the layer stands in the spec."""
    span = made.span(step.module, step.node.name)
    if span is None:
        return Trouble(kind, text, step.path, "", (f"layer: {layer_text(step.layer)}", *details))
    line, column = span.source.position(span.start)
    source = span.source.line(line).strip()
    return Trouble(kind, text, step.path, f"{span.source.name}:{line}:{column}", (f"| {source}", *details))


def share(value: float) -> str:
    """A relative difference for people."""
    return "0" if value == 0 else f"{value:.1e}"


def sizes_text(sizes: dict[str, int]) -> str:
    """` at H=32, W=33`; nothing for none."""
    return f" at {', '.join(f'{name}={value}' for name, value in sizes.items())}" if sizes else ""
