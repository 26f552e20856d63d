"""Every way in which a layer does not fit: the whole text that its problem gives."""

from __future__ import annotations

import inspect
from textwrap import dedent
from typing import Any

import pytest
from layer_calls import refusal, shape_of

from netspec.diagnostics import Problem
from netspec.ir.dims import symbol
from netspec.ir.types import TensorType as T
from netspec.problems import shapes

H, W = symbol("H"), symbol("W")

# layer, arguments, inputs; code and title, blame and label, help, notes
CASES: list[tuple[str, dict[str, Any], list[T], str]] = [
    (
        "conv", {"out": 4, "k": 3}, [T((784,))],
        """
        NS301 wrong number of axes: [784]
        input 0: takes [C, L] or [C, H, W] or [C, D, H, W], gets [784]
        help: shapes have no batch: an RGB image is [3, H, W]; `reshape` makes axes, `flatten` joins them
        """,
    ),
    (
        "maxpool", {"k": (2, 2, 2)}, [T((3, 8, 8))],
        """
        NS302 `k` has 3 values for 2 axes
        k: 3 values, 2 spatial axes
        help: write one number for every axis, or 2 of them
        """,
    ),
    (
        "maxpool", {"k": 5}, [T((16, 3, 3))],
        """
        NS303 the window is larger than its padded input
        k: 5 over 3 along the height: (3 - 5) // 5 + 1 = 0
        help: a window of at most 3, or padding of 2 more in all along the height
        """,
    ),
    (
        "maxpool", {"k": 5, "stride": 2, "ceil": True}, [T((16, 2, 8))],
        """
        NS303 the window is larger than its padded input
        k: 5 over 2 along the height: ceil((2 - 5) / 2) + 1 = 0
        help: a window of at most 3, or padding of 2 more in all along the height
        """,
    ),
    (
        "maxpool", {"k": 2, "dilation": 5}, [T((16, 3))],
        """
        NS303 the window is larger than its padded input
        k: 2 (dilated to 6) over 3 along the length: (3 - 6) // 2 + 1 = -1
        help: a window of at most 1, or padding of 3 more in all along the length
        """,
    ),
    (
        "groupnorm", {"groups": 32}, [T((48, 8, 8))],
        """
        NS304 48 channels do not split into 32 groups
        groups: does not divide 48
        help: groups: 1, 2, 3, 4, 6, 8, 12, ..., 48
        """,
    ),
    (
        "pad", {"sides": 3, "mode": "reflect"}, [T((1, 3, 5))],
        """
        NS305 `mode=reflect` cannot pad 3 by 3
        sides: at most 2 along the height
        help: pad by at most 2, or use mode=constant or replicate
        """,
    ),
    (
        "conv", {"out": 1, "k": 9, "pad": 4, "pad_mode": "circular"}, [T((1, 3, 5))],
        """
        NS305 `pad_mode=circular` cannot pad 3 by 4
        pad: at most 3 along the height
        help: pad by at most 3, or use pad_mode=zeros or replicate
        """,
    ),
    (
        "conv", {"out": 2, "k": 3, "connect": ((0,), (1, 3))}, [T((3, 5, 5))],
        """
        NS306 the connection table does not fit
        connect: row 1 names map 3 of 3
        help: input maps are numbered from 0: the last is 2
        """,
    ),
    (
        "dense", {"out": 1, "weight": (1, 2, 3)}, [T((2,))],
        """
        NS307 `weight` has the wrong shape
        weight: these numbers are [3], the layer needs [1, 2]
        help: leading axes of size 1 may be left out
        """,
    ),
    (
        "upsample", {"scale": 2, "size": 4}, [T((3, 5, 5))],
        """
        NS308 `scale` and `size` exclude each other
        size: each says how large the output is
        help: leave one of them out
        """,
    ),
    (
        "upconv", {"out": 4, "k": 3, "stride": 2, "output_pad": 2}, [T((3, 5, 5))],
        """
        NS309 `output_pad` is too large
        output_pad: 2 along the height, must be below max(stride, dilation) = 2
        help: at most 1
        """,
    ),
    (
        "upsample", {"scale": 0.1}, [T((3, 5, 5))],
        """
        NS310 nothing is left of the height
        scale: floor(5 * 0.1) = 0
        help: a larger scale
        """,
    ),
    (
        "conv", {"out": 4, "k": 3}, [T((3, 5, 5), "int64")],
        """
        NS311 `conv` takes floating point numbers, gets int64
        input 0: gets int64 [3, 5, 5]
        help: an `embedding` turns integers into vectors
        """,
    ),
    (
        "embedding", {"vocab": 10, "dim": 3}, [T((7,))],
        """
        NS311 `embedding` takes integers, gets float32
        input 0: gets [7]
        help: declare the input as `int64 [...]`
        """,
    ),
    (
        "concat", {"axis": 3}, [T((3, 4, 4)), T((3, 4, 4))],
        """
        NS312 `axis` 3 is not an axis of [3, 4, 4]
        axis: axes are 0 to 2, or -1 for the last
        help: axes are counted without the batch: axis 0 of [C, H, W] is C
        """,
    ),
    (
        "flatten", {"start": 1}, [T((10,))],
        """
        NS312 `start` 1 is not an axis of [10]
        start: the only axis is 0
        help: axes are counted without the batch: axis 0 of [C, H, W] is C
        """,
    ),
    (
        "stack", {"axis": -3}, [T((10,)), T((10,))],
        """
        NS312 `axis` -3 is not an axis of [10]
        axis: axes are 0 to 1, or -1 for the last
        help: axes are counted without the batch: axis 0 of [C, H, W] is C
        """,
    ),
    (
        "reduce", {"op": "mean", "axes": (1, -2)}, [T((3, 4, 5))],
        """
        NS313 axis 1 is named twice
        axes: (1, -2) of [3, 4, 5]
        help: name each axis once; -1 is axis 2
        """,
    ),
    (
        "maxpool", {"k": 3, "pad": 2}, [T((3, 8, 8))],
        """
        NS314 the padding is more than half of the window
        pad: 2 along the height, the window is 3
        help: at most 1 for a window of 3, or a `pad` layer before the pool
        """,
    ),
    (
        "maxpool", {"k": 2, "dilation": 3, "pad": 1}, [T((3, 2, 8))],
        """
        NS315 a window of the height sees nothing but padding
        dilation: taps 3 apart step over an input of 2
        help: a dilation of at most 2, or no padding
        """,
    ),
    (
        "avgpool", {"k": 3, "pad": 1}, [T((3, 2, 8, 8))],
        """
        NS316 the window is larger than the input
        k: 3 over 2 along the depth
        help: a window of at most 2: padding does not count in a 3-D average pool
        """,
    ),
    (
        "reshape", {"shape": (16, 5, 5)}, [T((16, 4, 4))],
        """
        NS317 [16, 4, 4] does not reshape to [16, 5, 5]
        shape: 400 elements, the input has 256
        help: sizes whose product is 256
        """,
    ),
    (
        "reshape", {"shape": (3, -1)}, [T((16, 4, 4))],
        """
        NS317 [16, 4, 4] does not reshape to [3, -1]
        shape: a multiple of 3 elements, the input has 256
        help: sizes whose product divides 256
        """,
    ),
    (
        "reshape", {"shape": (2, -1)}, [T((3, H, W))],
        """
        NS317 [3, H, W] does not reshape to [2, -1]
        shape: a multiple of 2 elements, the input has 3*H*W
        help: sizes whose product divides 3*H*W
        """,
    ),
    (
        "reshape", {"shape": (-1, -1)}, [T((16, 4, 4))],
        """
        NS318 [-1, -1] is not a shape
        shape: more than one -1
        help: sizes are 1 or more; one of them may be -1, for what is left
        """,
    ),
    (
        "reshape", {"shape": (0, 4)}, [T((16, 4, 4))],
        """
        NS318 [0, 4] is not a shape
        shape: a size below 1
        help: sizes are 1 or more; one of them may be -1, for what is left
        """,
    ),
    (
        "permute", {"axes": (1, 0)}, [T((16, 4, 4))],
        """
        NS319 (1, 0) is not a permutation of the axes of [16, 4, 4]
        axes: 2 of 3 axes
        help: name each of the axes 0 to 2 once, in their new order
        """,
    ),
    (
        "slice", {"axis": 0, "start": 2, "stop": 20}, [T((16, 4, 4))],
        """
        NS320 the slice does not lie in axis 0 of [16, 4, 4]
        stop: 2 to 20 of 16
        help: positions are 0 to 15; `stop` is at most 16
        """,
    ),
    (
        "slice", {"axis": 0, "start": 5, "stop": 2}, [T((16, 4, 4))],
        """
        NS320 the slice does not lie in axis 0 of [16, 4, 4]
        stop: 5 to 2 of 16
        help: `stop` must be after `start`: 5 to 2 keeps nothing
        """,
    ),
    (
        "slice", {"axis": 1, "start": -7}, [T((16, 4, 4))],
        """
        NS320 the slice does not lie in axis 1 of [16, 4, 4]
        start: -3 to 4 of 4
        help: positions are 0 to 3; `stop` is at most 4
        """,
    ),
    (
        "slice", {"axis": 1, "start": 9}, [T((16, 4, 4))],
        """
        NS320 the slice does not lie in axis 1 of [16, 4, 4]
        start: 9 to 4 of 4
        help: positions are 0 to 3; `stop` is at most 4
        """,
    ),
    (
        "split", {"parts": 3}, [T((16, 4, 4))],
        """
        NS321 16 does not split into 3 equal parts
        parts: does not divide 16
        help: a number that divides 16, or a tuple with the size of each part
        """,
    ),
    (
        "split", {"parts": (4, 8)}, [T((16, 4, 4))],
        """
        NS321 16 does not split into parts of 4, 8
        parts: these sum to 12
        help: sizes that sum to 16
        """,
    ),
    (
        "crop", {"size": 56}, [T((16, 28, 64))],
        """
        NS322 cannot crop [16, 28, 64] to [56, 56]
        size: the height is 28, less than 56
        help: at most 28 along the height; `pad` makes it larger
        """,
    ),
    (
        "pixelshuffle", {"r": 3}, [T((16, 28, 64))],
        """
        NS323 the number of channels 16 is not a multiple of 9
        r: 16 / 9 is not whole
        help: a multiple of r^2 = 9 channels before it
        """,
    ),
    (
        "pixelunshuffle", {"r": 3}, [T((16, 28, 64))],
        """
        NS323 the height 28 is not a multiple of 3
        r: 28 / 3 is not whole
        help: an r that divides 28, or `crop` or `pad` to a multiple of 3
        """,
    ),
    (
        "upsample", {"mode": "bilinear"}, [T((16, 28))],
        """
        NS324 `mode=bilinear` does not fit [16, 28]
        mode: bilinear takes [C, H, W]
        help: mode=linear fits, and nearest always does
        """,
    ),
    (
        "upsample", {"align_corners": True}, [T((16, 28))],
        """
        NS325 `align_corners` says nothing to `mode=nearest`
        align_corners: only for linear, bilinear, trilinear and bicubic
        help: leave it out, or choose one of these modes
        """,
    ),
    (
        "upsample", {"scale": 0.7}, [T((16, H))],
        """
        NS326 floor(H * 0.7) has no exact formula
        scale: 0.7 is not a fraction over a power of two
        help: a scale such as 0.5, 1.5 or 2, or `size=` with the new size
        """,
    ),
    (
        "add", {}, [T((64, 28, 28)), T((64, 56, 56))],
        """
        NS327 `add` gets shapes that do not fit: [64, 28, 28] and [64, 56, 56]
        input 1: axis 1: 56 is not 28
        help: the same strides and pads on both paths, or `crop`, `pad` or `upsample` on one of them
        input 0: [64, 28, 28]
        input 1: [64, 56, 56]
                      ^^
        """,
    ),
    (
        "add", {}, [T((64, 28, 28)), T((128, 28, 28))],
        """
        NS327 `add` gets shapes that do not fit: [64, 28, 28] and [128, 28, 28]
        input 1: axis 0: 128 is not 64
        help: a `conv 64 k=1` gives this path 64 channels
        input 0: [64, 28, 28]
        input 1: [128, 28, 28]
                  ^^^
        """,
    ),
    (
        "add", {}, [T((5, 10)), T((5, 10)), T((5, 12))],
        """
        NS327 `add` gets shapes that do not fit: [5, 10] and [5, 12]
        input 2: axis 1: 12 is not 10
        help: the same strides and pads on both paths, or `crop`, `pad` or `upsample` on one of them
        input 0: [5, 10]
        input 1: [5, 10]
        input 2: [5, 12]
                     ^^
        """,
    ),
    (
        "mul", {}, [T((64, 28, 28)), T((64,))],
        """
        NS327 `mul` gets shapes that do not fit: [64, 28, 28] and [64]
        input 1: axis 0: 64 is not 28
        help: shapes are compared from the last axis: `reshape (64, 1, 1)` lines [64] up with axis 0
        input 0: [64, 28, 28]
        input 1: [64]
                  ^^
        """,
    ),
    (
        "mul", {}, [T((64,)), T((10,))],
        """
        NS327 `mul` gets shapes that do not fit: [64] and [10]
        input 1: axis 0: 10 is not 64
        help: a `dense 64` gives this path 64 features
        input 0: [64]
        input 1: [10]
                  ^^
        """,
    ),
    (
        "add", {}, [T((3, H, W)), T((3, W, H))],
        """
        NS327 `add` gets shapes that do not fit: [3, H, W] and [3, W, H]
        input 1: axis 1: W is not H
        help: the same strides and pads on both paths, or `crop`, `pad` or `upsample` on one of them
        input 0: [3, H, W]
        input 1: [3, W, H]
                     ^
        """,
    ),
    (
        "concat", {}, [T((64, 28, 28)), T((64, 56, 56))],
        """
        NS328 `concat` gets shapes that do not fit: [64, 28, 28] and [64, 56, 56]
        input 1: axis 1: 56 is not 28
        help: only axis 0 may differ; `crop`, `pad` or `upsample` makes the others equal
        input 0: [64, 28, 28]
        input 1: [64, 56, 56]
                      ^^
        """,
    ),
    (
        "concat", {}, [T((64, 28, 28)), T((64, 28))],
        """
        NS328 `concat` gets shapes that do not fit: [64, 28, 28] and [64, 28]
        input 1: 2 axes, input 0 has 3
        help: `reshape` gives all inputs the same number of axes
        input 0: [64, 28, 28]
        input 1: [64, 28]
                  ^^^^^^
        """,
    ),
    (
        "concat", {"axis": 1}, [T((64, 28, 28)), T((32, 28, 28))],
        """
        NS328 `concat` gets shapes that do not fit: [64, 28, 28] and [32, 28, 28]
        input 1: axis 0: 32 is not 64
        help: only axis 1 may differ: join along another axis, or make the channels equal
        input 0: [64, 28, 28]
        input 1: [32, 28, 28]
                  ^^
        """,
    ),
    (
        "stack", {}, [T((8,)), T((9,))],
        """
        NS328 `stack` gets shapes that do not fit: [8] and [9]
        input 1: axis 0: 9 is not 8
        help: stacked inputs have equal shapes; `concat` joins along an axis that they have
        input 0: [8]
        input 1: [9]
                  ^
        """,
    ),
    (
        "add", {}, [T((8,)), T((8,), "float16")],
        """
        NS329 `add` mixes float32 and float16
        input 1: float16, the others are float32
        help: all inputs of a merge have the same element type
        """,
    ),
    (
        "matmul", {}, [T((8, 64)), T((8, 64))],
        """
        NS330 [8, 64] and [8, 64] do not multiply
        input 1: 8 rows, the first factor has 64 columns
        help: `transpose=true` makes them fit
        input 0: [8, 64]
        input 1: [8, 64]
                  ^
        """,
    ),
    (
        "matmul", {}, [T((8, 64)), T((10, 60))],
        """
        NS330 [8, 64] and [10, 60] do not multiply
        input 1: 10 rows, the first factor has 64 columns
        help: the second factor needs 64 rows
        input 0: [8, 64]
        input 1: [10, 60]
                  ^^
        """,
    ),
    (
        "matmul", {}, [T((2, 8, 64)), T((3, 64, 8))],
        """
        NS327 `matmul` gets shapes that do not fit: [2, 8, 64] and [3, 64, 8]
        input 1: axis 0: 3 is not 2
        help: the leading axes of both are equal, or 1
        input 0: [2, 8, 64]
        input 1: [3, 64, 8]
                  ^
        """,
    ),
    (
        "matmul", {}, [T((64,)), T((64, 8))],
        """
        NS301 wrong number of axes: [64]
        input 0: takes [*, rows, columns], gets [64]
        help: shapes have no batch; `reshape` makes axes, `flatten` joins them
        """,
    ),
    (
        "instancenorm", {}, [T((64, 1, 1))],
        """
        NS331 `instancenorm` over one element: [64, 1, 1]
        input 0: normalises each channel over its 1 position
        help: normalise before pooling, or use `layernorm` over the channels
        """,
    ),
    (
        "glu", {}, [T((7, 4))],
        """
        NS332 axis 0 of [7, 4] does not halve
        input 0: 7 is odd
        help: give it twice the size that should come out
        """,
    ),
    (
        "hardtanh", {"low": 2.0, "high": 1.0}, [T((7, 4))],
        """
        NS333 `low` 2.0 is above `high` 1.0
        low: above 1.0
        help: at most 1.0, or a larger `high`
        """,
    ),
    (
        "celu", {"alpha": 0.0}, [T((7, 4))],
        """
        NS334 `alpha` is 0
        alpha: celu divides by alpha
        help: any other number; `relu` is the limit for alpha towards 0
        """,
    ),
    (
        "layernorm", {"axes": 3}, [T((7, 4))],
        """
        NS301 wrong number of axes: [7, 4]
        axes: takes at least 3 axes, gets [7, 4]
        help: shapes have no batch; `reshape` makes axes, `flatten` joins them
        """,
    ),
    (
        "batchnorm", {}, [T((7, 4, 1, 2, 3))],
        """
        NS301 wrong number of axes: [7, 4, 1, 2, 3]
        input 0: takes [C] or [C, *S] with up to 3 spatial axes, gets [7, 4, 1, 2, 3]
        help: shapes have no batch: an RGB image is [3, H, W]; `reshape` makes axes, `flatten` joins them
        """,
    ),
    (
        "conv", {"out": 4, "k": 3, "groups": 3}, [T((4, 8, 8))],
        """
        NS304 4 input channels do not split into 3 groups
        groups: does not divide 4
        help: groups: 1, 2 or 4
        """,
    ),
    (
        "conv", {"out": 6, "k": 3, "groups": 4}, [T((4, 8, 8))],
        """
        NS304 6 output channels do not split into 4 groups
        groups: does not divide 6
        help: groups: 1 or 2
        """,
    ),
    (
        "conv", {"out": 2, "k": 3, "connect": ((0,),)}, [T((3, 5, 5))],
        """
        NS306 the connection table does not fit
        connect: 1 rows for 2 output maps
        help: the table needs one row for each of the 2 maps
        """,
    ),
    (
        "conv", {"out": 2, "k": 3, "groups": 3, "connect": ((0,), (1,))}, [T((3, 5, 5))],
        """
        NS304 2 output channels do not split into 3 groups
        groups: does not divide 2
        help: groups: 1
        """,
    ),
    (
        "conv", {"out": 2, "k": 3, "connect": ((0,), ())}, [T((3, 5, 5))],
        """
        NS306 the connection table does not fit
        connect: row 1 is empty: ()
        help: each row lists the input maps that one output map sees, each once
        """,
    ),
    (
        "upconv", {"out": 2, "k": 1, "pad": 2}, [T((3, 4, 9))],
        """
        NS310 nothing is left of the height
        pad: (4 - 1)*1 - 2*2 + 1*(1 - 1) + 0 + 1 = 0
        help: use less padding
        """,
    ),
    (
        "reshape", {"shape": (16, 4, 5)}, [T((16, 4, 4))],
        """
        NS317 [16, 4, 4] does not reshape to [16, 4, 5]
        shape: 320 elements, the input has 256
        help: `reshape (16, 4, -1)` fits: -1 stands for 4
        """,
    ),
    (
        "avgpool", {"k": (3, 4), "stride": 2, "pad": ((0, 1), 0)}, [T((3, 1, 9))],
        """
        NS303 the window is larger than its padded input
        k: 3 over 2 along the height: (1 + 0 + 1 - 3) // 2 + 1 = 0
        help: a window of at most 2, or padding of 1 more in all along the height
        """,
    ),
    (
        "glu", {}, [T((H, 4))],
        """
        NS332 axis 0 of [H, 4] does not halve
        input 0: H may be odd
        help: give it twice the size that should come out
        """,
    ),
    (
        "add", {}, [T((3, 4, 5)), T((9, 3))],
        """
        NS327 `add` gets shapes that do not fit: [3, 4, 5] and [9, 3]
        input 1: axis 0: 9 is not 4
        help: shapes are compared from the last axis; `reshape` adds axes of size 1
        input 0: [3, 4, 5]
        input 1: [9, 3]
                  ^
        """,
    ),
    (
        "conv", {"out": 2, "k": 3}, [T((3, 1, W))],
        """
        NS303 the window is larger than its padded input
        k: 3 over 1 along the height: (1 - 3) // 1 + 1 = -1
        help: a window of at most 1, or padding of 2 more in all along the height
        """,
    ),
    (
        "scale", {"by": 2.0, "bias": True}, [T((7, 4))],
        """
        NS308 `by` and `bias` exclude each other
        bias: multiplying by a number trains nothing
        help: leave one of them out
        """,
    ),
    (
        "pad", {"sides": 1, "mode": "reflect", "value": 2.0}, [T((7, 4))],
        """
        NS308 `value` and `mode` exclude each other
        value: mode=reflect takes its values from the input
        help: leave one of them out
        """,
    ),
    (
        "experts", {"experts": 4, "hidden": 7, "top": 8}, [T((4, 5))],
        """
        NS344 `experts` cannot choose 8 of 4
        top: more than 4
        help: top: 4 or fewer, or more experts
        """,
    ),
    (
        "dense", {"out": 7}, [T((4, 5), "float16")],
        """
        NS345 `dense` has float32 weights, gets float16
        input 0: gets float16 [4, 5]
        help: leave out `float16`; `--dtype` of `netspec check` and `netspec export` says it of the whole net
        """,
    ),
    (
        "gru", {"hidden": 7, "layers": 2}, [T((4, 5)), T((7,))],
        """
        NS340 `gru` begins with a state of [2, 7], and this is [7]
        input 1: needs [2, 7]
        help: the shape follows from `hidden`, `layers` and `bidirectional`
        """,
    ),
    (
        "lstm", {"hidden": 7, "proj": 3}, [T((4, 5)), T((3,)), T((3,))],
        """
        NS340 `lstm` begins with a cell of [7], and this is [3]
        input 2: needs [7]
        help: the shape follows from `hidden`, `layers` and `bidirectional`
        """,
    ),
    (
        "lstm", {"hidden": 7}, [T((4, 5)), T((7,))],
        """
        NS341 `lstm` begins with a state and no cell
        input 1: needs both or none
        help: bring in both, the state first: `with enc.state enc.cell`
        """,
    ),
    (
        "lstm", {"hidden": 7, "proj": 7}, [T((4, 5))],
        """
        NS308 `proj=7` and `hidden=7` exclude each other
        proj: a projection makes the state smaller: below 7
        help: leave one of them out
        """,
    ),
    (
        "rnn", {"hidden": 7, "dropout": 0.5}, [T((4, 5))],
        """
        NS308 `dropout` and `layers=1` exclude each other
        dropout: dropout acts between layers, and there is one
        help: leave one of them out
        """,
    ),
    (
        "rnn", {"hidden": 7}, [T((3, 4, 5))],
        """
        NS301 wrong number of axes: [3, 4, 5]
        input 0: takes [T, features], gets [3, 4, 5]
        help: shapes have no batch; `reshape` makes axes, `flatten` joins them
        """,
    ),
    (
        "dense", {"out": 3}, [T(())],
        """
        NS301 wrong number of axes: []
        input 0: takes [*, features], gets []
        help: shapes have no batch; `reshape` makes axes, `flatten` joins them
        """,
    ),
    (
        "attention", {"heads": 12}, [T((symbol("T"), 512))],
        """
        NS335 512 features do not split into 12 heads
        heads: does not divide 512
        help: heads: 1, 2, 4, 8, 16, 32, 64, ..., 512
        """,
    ),
    (
        "attention", {"heads": 8, "kv_heads": 3}, [T((7, 512))],
        """
        NS335 8 heads do not split into 3 kv_heads
        kv_heads: does not divide 8
        help: kv_heads: 1, 2, 4 or 8
        """,
    ),
    (
        "attention", {"heads": 4, "rope": 1e4}, [T((7, 60))],
        """
        NS336 `rope` takes pairs, and 15 is odd
        rope: 15 elements of a head
        help: another number of heads
        """,
    ),
    (
        "attention", {"heads": 8, "rope_scaling": 4}, [T((7, 64))],
        """
        NS337 `rope_scaling` needs `rope`
        rope_scaling: it is about the angles of rotary positions
        help: for example `rope=10_000`
        """,
    ),
    (
        "attention", {"heads": 8, "window": 4}, [T((7, 64))],
        """
        NS337 `window` needs `causal=true`
        window: the window ends at the position itself
        help: for example `causal=true`
        """,
    ),
    (
        "position", {"max_length": 196}, [T((197, 768))],
        """
        NS338 197 positions, and a table of 196
        max_length: [197, 768] needs 197
        help: max_length: 197 or more
        """,
    ),
    (
        "attention", {"heads": 8, "packed": True}, [T((7, 64)), T((5, 48))],
        """
        NS339 the packed weight takes 64 features, the memory has 48
        input 1: gets [5, 48]
        help: leave out `packed`, or map the memory with `dense 64`
        """,
    ),
    (
        "attention", {"heads": 8, "mask": True}, [T((7, 64)), T((5, 64)), T((7, 7), "bool")],
        """
        NS342 a mask of bool [7, 7] does not fit scores of [8, 7, 5]
        input 2: 8 heads, 7 that look, 5 that are seen
        help: a mask is [5], [7, 5] or [8, 7, 5]
        """,
    ),
    (
        "attention", {"heads": 8, "mask": True}, [T((7, 64)), T((2, 7, 7))],
        """
        NS342 a mask of [2, 7, 7] does not fit scores of [8, 7, 7]
        input 1: 8 heads, 7 that look, 7 that are seen
        help: a mask is [7], [7, 7] or [8, 7, 7]
        """,
    ),
    (
        "attention", {"heads": 8, "mask": True}, [T((7, 64)), T((7,), "int64")],
        """
        NS311 `attention` takes truth values or floating point numbers as a mask, gets int64
        input 1: gets int64 [7]
        help: declare the input as `bool [...]`: true is what may be seen
        """,
    ),
    (
        "attention", {"heads": 8}, [T((7, 64)), T((7,), "bool")],
        """
        NS311 `attention` takes floating point numbers, gets bool
        input 1: gets bool [7]
        help: a mask is the last input of `attention` with `mask=true`
        """,
    ),
    (
        "attention", {"heads": 8}, [T((7, 64)), T((7,))],
        """
        NS301 wrong number of axes: [7]
        input 1: takes [S, dim], gets [7]
        help: a memory is a sequence of vectors; a mask comes with `mask=true`
        """,
    ),
    (
        "attention", {"heads": 8, "mask": True}, [T((7, 64))],
        """
        NS337 `mask=true` needs `with`
        mask: the mask is the last input
        help: for example `attention 8 mask=true with seen`
        """,
    ),
    (
        "attention", {"heads": 8}, [T((7, 64)), T((5, 64)), T((5, 7))],
        """
        NS337 `with` needs `mask=true`
        input 2: the third input is a mask
        help: for example `attention 8 mask=true with memory seen`
        """,
    ),
    (
        "attention", {"heads": 8, "mask": True}, [T((7, 64)), T((7,), "float16")],
        """
        NS329 `attention` mixes float32 and float16
        input 1: float16, the others are float32
        help: all inputs of a merge have the same element type
        """,
    ),
    (
        "relativebias", {"heads": 8, "buckets": 31}, [T((7, 64))],
        """
        NS343 `buckets` is 31, and each direction has half of them
        buckets: 4 or more, an even number
        help: for example `buckets=32`
        """,
    ),
    (
        "relativebias", {"heads": 8, "buckets": 1, "bidirectional": False}, [T((7, 64))],
        """
        NS343 `buckets` is 1, and half of them are for one distance each
        buckets: 2 or more
        help: for example `buckets=32`
        """,
    ),
    (
        "relativebias", {"heads": 8, "max_distance": 8}, [T((7, 64))],
        """
        NS343 `max_distance` is 8, and 32 buckets hold the distances below 8 one by one
        max_distance: 9 or more
        help: for example `max_distance=64`
        """,
    ),
]  # fmt: skip


def text(problem: Problem) -> str:
    lines = [
        f"{problem.code} {problem.fill(problem.title)}",
        f"{problem.blame}: {problem.fill(problem.label)}",
        f"help: {problem.fill(problem.help)}",
        *problem.notes,
    ]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("name", "arguments", "inputs", "expected"), CASES, ids=[f"{c[0]} {c[1]} {c[2]}" for c in CASES]
)
def test_text(name: str, arguments: dict[str, Any], inputs: list[T], expected: str):
    assert text(refusal(name, *inputs, **arguments)) == dedent(expected).strip("\n").rstrip()


def test_every_shape_problem_has_a_case():
    problems = [p for p in vars(shapes).values() if inspect.isclass(p) and p.__module__ == shapes.__name__]
    assert {expected.split()[0] for *_, expected in CASES} == {problem.code for problem in problems}


def test_blame_is_an_argument_or_an_input():
    for name, arguments, inputs, _ in CASES:
        blame = refusal(name, *inputs, **arguments).blame
        assert blame is not None
        kind, _, index = blame.partition(" ")
        if kind == "input":
            assert int(index) < len(inputs)
        else:
            assert blame in arguments


# What a help proposes is accepted.
@pytest.mark.parametrize(
    ("name", "shape", "wrong", "proposed"),
    [
        ("maxpool", (16, 3, 3), {"k": 5}, {"k": 3}),
        ("maxpool", (16, 2, 8), {"k": 5, "stride": 2, "ceil": True}, {"k": 3, "stride": 2, "ceil": True}),
        ("conv", (3, 2), {"out": 4, "k": 5}, {"out": 4, "k": 5, "pad": ((0, 3),)}),
        ("conv", (3, 4), {"out": 4, "k": 3, "dilation": 2}, {"out": 4, "k": 2, "dilation": 2}),
        ("conv", (4, 8, 8), {"out": 6, "k": 3, "groups": 4}, {"out": 6, "k": 3, "groups": 2}),
        (
            "upconv",
            (3, 5),
            {"out": 4, "k": 3, "stride": 2, "output_pad": 2},
            {"out": 4, "k": 3, "output_pad": 0},
        ),
        ("reshape", (16, 4, 4), {"shape": (16, 4, 5)}, {"shape": (16, 4, -1)}),
        ("crop", (16, 28, 64), {"size": 56}, {"size": 28}),
        ("upsample", (16, 28), {"mode": "bilinear"}, {"mode": "linear"}),
        ("pad", (1, 3), {"sides": 3, "mode": "reflect"}, {"sides": 2, "mode": "reflect"}),
        ("maxpool", (3, 2, 8), {"k": 2, "dilation": 3, "pad": 1}, {"k": 2, "dilation": 2, "pad": 1}),
    ],
)
def test_the_remedy_works(name: str, shape: Any, wrong: dict[str, Any], proposed: dict[str, Any]):
    refusal(name, T(shape), **wrong)
    shape_of(name, shape, **proposed)
