"""Convolutions: `conv` and its transpose `upconv`."""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from netspec.ir.dims import Dim, maximum
from netspec.ir.types import TensorType
from netspec.ops import windows
from netspec.ops.arguments import (
    Count,
    Init,
    Numbers,
    Offsets,
    Padding,
    Width,
    Window,
    literal_shape,
    no_init,
    pad_sides,
    per_axis,
    spatial_axes,
)
from netspec.ops.base import Cost, Layer, Reach, Types, Weight, product, trained_or_fixed
from netspec.ops.channels import split_channels
from netspec.ops.onnxrule import Graph, Value, affine, channelwise, cut, number, pad, window_pads
from netspec.ops.torchrule import Arg, Of, Torch, channels, given, with_literal
from netspec.problems.shapes import (
    ConnectionsMismatch,
    NothingLeft,
    OptionsConflict,
    OutputPadTooLarge,
)


class Conv(Layer):
    """Cross-correlation over the trailing axes: [C, *S] -> [out, *S'].

    S' = (S + pad_before + pad_after - dilation * (k - 1) - 1) // stride + 1, or ceil(S / stride) with
    `pad=same` (Dumoulin & Visin 2016, arXiv:1603.07285, relationship 15). The input's rank decides
    whether it is 1-D, 2-D or 3-D. The weight is [out, C / groups, *k].

    `out`: channels that come out. `k`: the window. `stride`: its step. `pad`: a number, one per axis,
    (before, after) per axis, or `same`. `pad_mode`: what the padding holds. `dilation`: distance between
    the window's elements. `groups`: into which the channels split, each seen by its own outputs. `bias`:
    add a trained number per channel. `connect` gives, for each output map, the input maps that it sees
    (LeCun et al. 1998, table I); the weight is then [number of connections, *k]. `weight` fixes the kernel
    to literal numbers, whose missing leading axes are 1: it is not trained. `flip=true` turns the kernel
    round, which makes it the convolution of mathematics. `init`: how the weight begins, see `dense`.

    Cost: C / groups * product(k) multiplications per output and as many additions (one fewer without bias);
    each multiplication is a MAC.
    """

    positional: ClassVar[int] = 1
    drawn: ClassVar[bool] = True
    example: ClassVar[str] = "conv 64 k=7 stride=2 pad=3"

    out: Width
    k: Window
    stride: Window = 1
    pad: Padding = 0
    pad_mode: Literal["zeros", "reflect", "replicate", "circular"] = "zeros"
    dilation: Window = 1
    groups: Width = 1
    bias: bool = True
    connect: tuple[tuple[Count, ...], ...] | None = None
    weight: Numbers | None = None
    flip: bool = False
    init: Init | None = None

    def output(self, inputs: Types) -> TensorType:
        (x,) = inputs
        axes = spatial_axes(x)
        strides = per_axis(self.stride, axes, "stride")
        kernel = per_axis(self.k, axes, "k")
        dilation = per_axis(self.dilation, axes, "dilation")
        sides = self.sides(x)
        names = windows.AXIS_NAMES[axes]
        if self.pad_mode in ("reflect", "circular"):
            windows.check_mirror("pad", self.pad_mode, x.shape[1:], sides)
        self._check_channels(x.shape[0])
        places = [
            windows.ceil_div(n, s) if self.pad == "same" else windows.slide(n, k, s, p, d, axis=name)
            for n, k, s, p, d, name in zip(x.shape[1:], kernel, strides, sides, dilation, names, strict=True)
        ]
        if self.weight is not None:
            literal_shape(self.weight, self._kernel_shape(x), "weight")
            no_init(self.init)
        return x.with_shape(self.out, *places)

    def sides(self, x: TensorType) -> tuple[tuple[Dim, Dim], ...]:
        """Padding (before, after) along each axis of input x."""
        axes = x.rank - 1
        if self.pad != "same":
            return pad_sides(self.pad, axes)
        return tuple(
            windows.same_sides(n, k, s, d)
            for n, k, s, d in zip(
                x.shape[1:],
                per_axis(self.k, axes, "k"),
                per_axis(self.stride, axes, "stride"),
                per_axis(self.dilation, axes, "dilation"),
                strict=True,
            )
        )

    def weights(self, inputs: Types) -> dict[str, Weight]:
        shape = self._kernel_shape(inputs[0])
        weights = {"weight": trained_or_fixed(shape, self.weight, self.init)}
        if self.bias:
            weights["bias"] = Weight((self.out,), init=("fan", product(shape[1:])))
        if self.connect is not None:  # each output map by the number of connections that it has
            window = product(shape[1:])
            fans = tuple(len(row) * window for row in self.connect)
            if self.weight is None and self.init is None:
                each = tuple(fan for fan, row in zip(fans, self.connect, strict=True) for _ in row)
                weights["weight"] = Weight(shape, init=("fan", each))
            if self.bias:
                weights["bias"] = Weight((self.out,), init=("fan", fans))
        return weights

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        places = product(output.shape[1:])
        outputs = self.out * places
        macs = product(self._kernel_shape(inputs[0])) * places
        if self.bias:
            return Cost(macs, macs, macs, 0, macs + outputs)
        return Cost(macs, macs, macs - outputs, 0, macs)

    def reach(self, inputs: Types) -> Reach:
        axes = inputs[0].rank - 1
        kernel, dilation = per_axis(self.k, axes, "k"), per_axis(self.dilation, axes, "dilation")
        return Reach(
            tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)),
            per_axis(self.stride, axes, "stride"),
            tuple(-before for before, _ in self.sides(inputs[0])),
        )

    def _kernel_shape(self, x: TensorType) -> tuple[Dim, ...]:
        kernel = per_axis(self.k, x.rank - 1, "k")
        if self.connect is not None:
            return (sum(map(len, self.connect)), *kernel)
        return (self.out, x.shape[0] // self.groups, *kernel)

    def _check_channels(self, channels: Dim) -> None:
        split_channels(channels, self.groups, "input channels", self.out)
        split_channels(self.out, self.groups, "output channels", channels)
        if self.connect is None:
            return
        if self.groups != 1:
            raise OptionsConflict(
                "groups", first="connect", second="groups", why="the table already says what each map sees"
            )
        if len(self.connect) != self.out:
            raise ConnectionsMismatch(
                "connect",
                what=f"{len(self.connect)} rows for {self.out} output maps",
                rule=f"the table needs one row for each of the {self.out} maps",
            )
        for row, seen in enumerate(self.connect):
            if not seen or len(set(seen)) != len(seen):
                raise ConnectionsMismatch(
                    "connect",
                    what=f"row {row} is {'empty' if not seen else 'repetitive'}: {seen}",
                    rule="each row lists the input maps that one output map sees, each once",
                )
            if max(seen) >= channels:
                raise ConnectionsMismatch(
                    "connect",
                    what=f"row {row} names map {max(seen)} of {channels}",
                    rule=f"input maps are numbered from 0: the last is {channels - 1}",
                )

    def _pads(self, axes: int) -> bool:
        return self.pad == "same" or any(side for pair in pad_sides(self.pad, axes) for side in pair)

    def torch(self, inputs: Types) -> Torch:
        (x,) = inputs
        axes = x.rank - 1
        moves = any(stride != 1 for stride in per_axis(self.stride, axes, "stride"))
        lacking = (
            self.flip or self.connect is not None or windows.uneven(self.pad, axes) or (self.pad == "same" and moves)
        )
        mode = given("pad_mode", self.pad_mode, "padding_mode", "zeros")
        if lacking and not self._pads(axes):  # F.pad takes no mode but `constant` for no padding
            mode = mode._replace(value="zeros", source=None)
        settings = (
            given("k", self.k),
            given("stride", self.stride, "stride", 1),
            (windows.part_padding if lacking else windows.torch_padding)(self.pad, axes),
            given("dilation", self.dilation, "dilation", 1),
            *([given("groups", self.groups, "groups", 1)] if self.connect is None or self.groups != 1 else ()),
            given("bias", self.bias, "bias", True),
            mode,
            *([given("flip", self.flip, "flip", False)] if lacking else ()),  # of a part, not of nn.Conv2d
        )
        if self.connect is not None:
            table = Arg(self.connect, source=Of("connect"))
            return with_literal(Torch(f"TableConv{axes}d", args=(table, *settings)), self.weight, axes + 1)
        kind = f"PaddedConv{axes}d" if lacking else f"nn.Conv{axes}d"
        args = (channels(x), given("out", self.out), *settings)
        return with_literal(Torch(kind, args=args), self.weight, axes + 2)

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        (x,) = inputs
        kernel = self._kernel(graph, x)
        axes = x.rank - 1
        sides, pads = self.sides(x.type), (0,) * (2 * axes)
        if self.pad_mode == "zeros":
            x, pads = window_pads(graph, x, sides)
        else:
            x = pad(graph, x, sides, self.pad_mode)
        bias = (graph.weight("bias"),) if self.bias else ()
        return graph.node(
            "Conv", x, kernel, *bias,
            shape=self.output([inputs[0].type]).shape,
            kernel_shape=per_axis(self.k, axes, "k"), strides=per_axis(self.stride, axes, "stride"), pads=pads,
            dilations=per_axis(self.dilation, axes, "dilation"), group=self.groups,
        )  # fmt: skip

    def _kernel(self, graph: Graph, x: Value) -> Value:
        """The weight as ONNX has it: [out, C / groups, *k]."""
        kernel = graph.weight("weight")
        if self.flip:
            first = kernel.rank - x.rank + 1
            last = [(axis, -1, size) for axis, size in enumerate(kernel.shape) if axis >= first]
            kernel = cut(graph, kernel, last, step=-1)
        if self.connect is None:
            return kernel
        # zeros, but where the table has a connection
        places = tuple((target, seen) for target, row in enumerate(self.connect) for seen in row)
        shape = (self.out, x.shape[0], *kernel.shape[1:])
        zeros = graph.node("Expand", number(graph, 0.0, kernel), graph.sizes(*shape), shape=shape)
        return graph.node("ScatterND", zeros, graph.numbers(places, "int64"), kernel, shape=shape)


class UpConv(Layer):
    """Transposed convolution, the gradient of a convolution: [C, *S] -> [out, *S'].

    S' = (S - 1) * stride - 2 * pad + dilation * (k - 1) + output_pad + 1 (Dumoulin & Visin 2016,
    arXiv:1603.07285, relationship 14). The weight is [C, out / groups, *k].

    `out`: channels that come out. `k`: the window. `stride`: how far apart the input's elements come to
    lie. `pad`: positions dropped on either side. `output_pad`: positions more at the end. `dilation`:
    distance between the window's elements. `groups`: into which the channels split. `bias`: add a trained
    number per channel. `init`: how the weight begins, see `dense`.

    Cost: out / groups * product(k) multiplications per input element, each a MAC, and as many additions
    (one fewer per output without bias).
    """

    positional: ClassVar[int] = 1
    drawn: ClassVar[bool] = True
    example: ClassVar[str] = "upconv 64 k=2 stride=2"

    out: Width
    k: Window
    stride: Window = 1
    pad: Offsets = 0
    output_pad: Offsets = 0
    dilation: Window = 1
    groups: Width = 1
    bias: bool = True
    init: Init | None = None

    def output(self, inputs: Types) -> TensorType:
        (x,) = inputs
        axes = spatial_axes(x)
        split_channels(x.shape[0], self.groups, "input channels", self.out)
        split_channels(self.out, self.groups, "output channels", x.shape[0])
        sizes = []
        for n, k, s, p, extra, d, axis in zip(
            x.shape[1:], *self._settings(axes), windows.AXIS_NAMES[axes], strict=True
        ):
            if extra >= max(s, d):
                raise OutputPadTooLarge("output_pad", given=extra, axis=axis, limit=max(s, d), most=max(s, d) - 1)
            size = (n - 1) * s - 2 * p + d * (k - 1) + extra + 1
            if size < 1:
                raise NothingLeft(
                    "pad",
                    axis=axis,
                    result=size,
                    remedy="use less padding",
                    formula=f"({n} - 1)*{s} - 2*{p} + {d}*({k} - 1) + {extra} + 1",
                )
            sizes.append(size)
        return x.with_shape(self.out, *sizes)

    def weights(self, inputs: Types) -> dict[str, Weight]:
        x = inputs[0]
        shape = (x.shape[0], self.out // self.groups, *per_axis(self.k, x.rank - 1, "k"))
        kernel = trained_or_fixed(shape, None, self.init)
        bias = Weight((self.out,), init=("fan", product(shape[1:])))
        return {"weight": kernel, "bias": bias} if self.bias else {"weight": kernel}

    def cost(self, inputs: Types, output: TensorType) -> Cost:
        x = inputs[0]
        macs = x.elements * (self.out // self.groups) * product(per_axis(self.k, x.rank - 1, "k"))
        if self.bias:  # each product is added to an output, whose sum begins at the bias
            return Cost(macs, macs, macs, 0, macs + output.elements)
        # or at its first product; a stride beyond the window leaves outputs that get none
        return Cost(macs, macs, maximum(macs - output.elements, 0), 0, macs)

    def reach(self, inputs: Types) -> Reach:
        axes = inputs[0].rank - 1
        size, stride, start = [], [], []
        for k, s, p, _, d in zip(*self._settings(axes), strict=True):
            # output o takes inputs i where i * s - p <= o <= i * s - p + d * (k - 1)
            size.append(d * (k - 1) - s + 2)
            stride.append((1, s))
            start.append(p + s - 1 - d * (k - 1))
        return Reach(tuple(size), tuple(stride), tuple(start))

    def _settings(self, axes: int) -> list[tuple[int, ...]]:
        names = ("k", "stride", "pad", "output_pad", "dilation")
        return [per_axis(getattr(self, name), axes, name) for name in names]

    def torch(self, inputs: Types) -> Torch:
        (x,) = inputs
        args = (
            channels(x),
            given("out", self.out),
            given("k", self.k),
            given("stride", self.stride, "stride", 1),
            given("pad", self.pad, "padding", 0),
            given("output_pad", self.output_pad, "output_padding", 0),
            given("groups", self.groups, "groups", 1),
            given("bias", self.bias, "bias", True),
            given("dilation", self.dilation, "dilation", 1),
        )
        return Torch(f"nn.ConvTranspose{x.rank - 1}d", args=args)

    def onnx(self, graph: Graph, inputs: Sequence[Value]) -> Value:
        (x,) = inputs
        axes = x.rank - 1
        kernel, strides, crops, extras, dilations = self._settings(axes)
        output = self.output([x.type]).shape
        ends = tuple(max(crop - extra, 0) for crop, extra in zip(crops, extras, strict=True))
        beyond = tuple(max(extra - crop, 0) for crop, extra in zip(crops, extras, strict=True))
        # onnxruntime refuses output_padding from the stride on: such positions, and the bias, come later
        late = any(more >= stride for more, stride in zip(beyond, strides, strict=True))
        if not late:
            bias = graph.weight("bias") if self.bias else None
            return self._transposed(graph, x, bias, output, pads=(*crops, *ends), output_padding=beyond)
        whole = [
            (n - 1) * s + d * (k - 1) + 1 for n, k, s, d in zip(x.shape[1:], kernel, strides, dilations, strict=True)
        ]
        y = self._transposed(graph, x, None, (self.out, *whole), pads=(0, 0) * axes)
        y = pad(graph, y, [(0, more) for more in beyond])
        y = cut(graph, y, list(zip(range(1, axes + 1), crops, output[1:], strict=True)))
        return affine(graph, y, None, channelwise(graph, "bias", y) if self.bias else None)

    def _transposed(self, graph: Graph, x: Value, bias: Value | None, shape: Sequence[Dim], **attributes: Any) -> Value:
        kernel, strides, _, _, dilations = self._settings(x.rank - 1)
        return graph.node(
            "ConvTranspose", x, graph.weight("weight"), bias, shape=shape, kernel_shape=kernel, strides=strides,
            dilations=dilations, group=self.groups, **attributes,
        )  # fmt: skip
