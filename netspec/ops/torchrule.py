"""How a layer is said in torch: what its rule `torch` gives, as plain data, and how that becomes text.

`Torch.module` makes a module, `Torch.function` applies the layer in `forward`; a layer has one of them or
both. Each is either a dotted name, which is called with the arguments (a function: with its inputs, then
the arguments), or a template, which has braces:

    {0}, {1}, ...  the inputs          {args}     all arguments, as in a call
    {inputs}       all of them         {literal}  the literal numbers, as nested lists
    {name}         the value of the argument of that name, also where it is torch's default

Torch's tensors have the batch in front, and so the rules expect them. A name without a dot in a module is
a part, a class or function of `netspec.emit.torch_parts`, which the generated file must hold.

A module that is not applied to its inputs alone, or gives other than the layer's outputs, says so. `call` is a template
with {module} for it and {0}, {1}, ... for the inputs, each as `given` makes it of its code, {0}. `targets` is one of
what its value is taken apart into, and `outputs` has one for each output of the layer, made of these; without targets
its value is the layer's output. With the call `{module}({0})`, the targets `{0}, ({1}, {2})` and the outputs `{0}`,
`{1}[0]`, `{2}[0]` it is written
`x, (state, _) = self.lstm1(x)`, and then `x` and `state[0]` are used; where nothing but the first output is used, it is
`self.lstm1(x)[0]`.

A layer without inputs (`param`, `constant`) has a module that is a tensor: it is assigned to an attribute
under the layer's own name (`self.pos = nn.Parameter(...)`), which is the layer's value. It has no batch. A
layer that `broadcasts` takes it so where another input has the batch; any other needs it expanded:
`self.pos.expand(x.shape[0], -1, -1)`. Inputs of a layer that `broadcasts` must be `aligned`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from netspec.ir.types import TensorType
from netspec.ops.arguments import shape


class _Nothing:
    """Equal to no value."""


NOTHING = _Nothing()


class Of(NamedTuple):
    """The value of the layer's argument, as the author wrote it; with `entry`, one entry of a tuple."""

    argument: str
    entry: int | None = None


class Size(NamedTuple):
    """The size of an axis of an input, both counted from 0, the axis without the batch."""

    input: int
    axis: int


Source = Of | Size | None


class Arg(NamedTuple):
    """An argument of a call.

    value: as torch gets it: int, float, bool, str, or a tuple of these.
    name: the keyword; empty by position.
    default: torch's: an argument equal to it is not written.
    source: what the value is, unchanged; None where it is computed otherwise.
    """

    value: Any
    name: str = ""
    default: Any = NOTHING
    source: Source = None


class Torch(NamedTuple):
    """A layer in torch; see above. `literal`: numbers for {literal}, as nested tuples."""

    module: str = ""
    function: str = ""
    args: tuple[Arg, ...] = ()
    literal: Any = None
    call: str = ""
    given: tuple[str, ...] = ()
    targets: str = ""
    outputs: tuple[str, ...] = ()

    def taken(self, inputs: Sequence[str]) -> list[str]:
        """The code of each input as the call takes it."""
        codes = [fill(how, (code,), ()) for how, code in zip(self.given, inputs, strict=True)]
        for away, back in ((".squeeze(0)", ".unsqueeze(0)"), (".transpose(0, 1)", ".transpose(0, 1)")):
            codes = [code.replace(f"{away}{back}.contiguous()", "") for code in codes]  # as another layer gave it
        return codes

    def applied(self, module: str, taken: Sequence[str]) -> str:
        """The code of a module's call."""
        return fill(self.call.replace("{module}", module), taken, ())

    def statements(self, module: str, inputs: Sequence[str]) -> list[str]:
        """The body of a function that gives all outputs of the layer, for code that nobody reads."""
        if not self.call:
            return [f"return {module}({', '.join(inputs)})"]
        if not self.targets:
            return [f"return {self.applied(module, self.taken(inputs))}"]
        names = [f"made{place}" for place in range(len(re.findall(r"\{\d+\}", self.targets)))]
        outputs = ", ".join(fill(output, names, ()) for output in self.outputs)
        return [f"{fill(self.targets, names, ())} = {self.applied(module, self.taken(inputs))}", f"return {outputs}"]


def dim(axis: int) -> int:
    """An axis of a sample, as torch counts it behind the batch."""
    return axis + 1 if axis >= 0 else axis


def alike(values: Any) -> Any:
    """One number where all of a tuple agree."""
    return values[0] if isinstance(values, tuple) and len(set(values)) == 1 else values


def given(argument: str, value: Any, name: str = "", default: Any = NOTHING) -> Arg:
    """A layer's argument that torch has too; of one per axis that all agree, one."""
    one = alike(value)
    return Arg(one, name, alike(default), Of(argument) if one == value else None)


def channels(x: TensorType) -> Arg:
    """The channels of an input, by position."""
    return Arg(x.shape[0], source=Size(0, 0))


def features_in(x: TensorType) -> Arg:
    """The size of an input's last axis, by position."""
    return Arg(x.shape[-1], source=Size(0, x.rank - 1))


def literal(value: Any, missing: int = 0) -> Any:
    """Literal numbers as floats, in `missing` more leading axes of size 1."""
    if missing:
        return (literal(value, missing - 1),)
    return float(value) if isinstance(value, (int, float)) else tuple(literal(item) for item in value)


def with_literal(rule: Torch, weight: Any, rank: int) -> Torch:
    """The rule of a layer whose weight, of `rank` axes, is fixed to literal numbers, if it is."""
    if weight is None:
        return rule
    numbers = literal(weight, rank - len(shape(weight)))
    return rule._replace(module=f"fixed_weight({rule.module}({{args}}), {{literal}})", literal=numbers)


def fill(text: str, inputs: Sequence[str], args: Sequence[tuple[Arg, str]], literal: str = "") -> str:
    """The code of a module or function: `args` are its arguments, each with its code."""
    written = [f"{arg.name}={code}" if arg.name else code for arg, code in args if arg.value != arg.default]
    if "{" not in text:
        return f"{text}({', '.join([*inputs, *written])})"
    values = {
        "args": ", ".join(written),
        "inputs": ", ".join(inputs),
        "literal": literal,
        **{arg.name: code for arg, code in args},
        **{str(place): code for place, code in enumerate(inputs)},
    }
    if not written:
        text = text.replace(", {args}", "")
    return re.sub(r"\{(\w+)\}", lambda match: values[match[1]], text)


def aligned(code: str, rank: int, most: int, batched: bool = True) -> str:
    """An input of a layer that broadcasts: its missing leading axes, of `most`, stand behind the batch."""
    return f"{code}[:{', None' * (most - rank)}]" if batched and rank < most else code
