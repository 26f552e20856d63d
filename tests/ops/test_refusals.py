"""More ways in which a layer does not fit, with symbolic sizes too: the whole text, and at which sizes it would fit."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

import pytest
from layer_calls import refusal, shapes_of

from netspec.diagnostics import Problem
from netspec.ir.dims import doubts, symbol
from netspec.ir.types import TensorType as T
from netspec.ops import find_layer
from netspec.ops.base import output_types

H, W = symbol("H"), symbol("W")

# layer, arguments, inputs; code and title, blame and label, help, notes; what was compared
CASES: list[tuple[str, dict[str, Any], list[T], str]] = [
    (
        "prelu", {"shared": False}, [T(())],
        """
        NS301 wrong number of axes: []
        input 0: takes [C] or [C, *S], gets []
        help: shapes have no batch: an RGB image is [3, H, W]; `reshape` makes axes, `flatten` joins them
        """,
    ),
    (
        "hardtanh", {"low": 2.0, "high": 1.0}, [T((3,))],
        """
        NS333 `low` 2.0 is above `high` 1.0
        low: above 1.0
        help: at most 1.0, or a larger `high`
        """,
    ),
    (
        "rrelu", {"low": 2.0, "high": 1.0}, [T((3,))],
        """
        NS333 `low` 2.0 is above `high` 1.0
        low: above 1.0
        help: at most 1.0, or a larger `high`
        """,
    ),
    (
        "dense", {"out": 1, "weight": (1, -1), "init": "normal"}, [T((2,))],
        """
        NS308 `init` and `weight` exclude each other
        init: these numbers are the weight
        help: leave one of them out
        """,
    ),
    (
        "attention", {"heads": 2}, [T((8,))],
        """
        NS301 wrong number of axes: [8]
        input 0: takes [T, dim], gets [8]
        help: shapes have no batch; `reshape` makes axes, `flatten` joins them
        """,
    ),
    (
        "attention", {"heads": 2}, [T((5, 8)), T((6, 5, 8))],
        """
        NS301 wrong number of axes: [6, 5, 8]
        input 1: takes [S, dim], gets [6, 5, 8]
        help: shapes have no batch; `reshape` makes axes, `flatten` joins them
        """,
    ),
    (
        "attention", {"heads": 2, "causal": True}, [T((5, 8)), T((6, 8))],
        """
        NS308 `causal` and `with` exclude each other
        causal: positions of two sequences are not compared
        help: leave one of them out
        """,
    ),
    (
        "attention", {"heads": 2, "rope": 100}, [T((5, 8)), T((6, 8))],
        """
        NS308 `rope` and `with` exclude each other
        rope: positions of two sequences are not compared
        help: leave one of them out
        """,
    ),
    (
        "attention", {"heads": 2, "packed": True, "kv_heads": 1}, [T((5, 8))],
        """
        NS308 `kv_heads` and `packed` exclude each other
        kv_heads: nn.MultiheadAttention has no such thing
        help: leave one of them out
        """,
    ),
    (
        "attention", {"heads": 2, "packed": True, "head_dim": 4}, [T((5, 8))],
        """
        NS308 `head_dim` and `packed` exclude each other
        head_dim: nn.MultiheadAttention has no such thing
        help: leave one of them out
        """,
    ),
    (
        "attention", {"heads": 2, "packed": True, "rope": 100}, [T((5, 8))],
        """
        NS308 `rope` and `packed` exclude each other
        rope: nn.MultiheadAttention has no such thing
        help: leave one of them out
        """,
    ),
    (
        "attention", {"heads": 2, "packed": True, "qk_norm": True}, [T((5, 8))],
        """
        NS308 `qk_norm` and `packed` exclude each other
        qk_norm: nn.MultiheadAttention has no such thing
        help: leave one of them out
        """,
    ),
    (
        "attention", {"heads": 2, "packed": True, "scale": 0.5}, [T((5, 8))],
        """
        NS308 `scale` and `packed` exclude each other
        scale: nn.MultiheadAttention has no such thing
        help: leave one of them out
        """,
    ),
    (
        "attention", {"heads": 2, "packed": True, "window": 3, "causal": True}, [T((5, 8))],
        """
        NS308 `window` and `packed` exclude each other
        window: nn.MultiheadAttention has no such thing
        help: leave one of them out
        """,
    ),
    (
        "conv", {"out": 1, "k": 2, "weight": (1, -1), "init": "normal"}, [T((1, 8))],
        """
        NS308 `init` and `weight` exclude each other
        init: these numbers are the weight
        help: leave one of them out
        """,
    ),
    (
        "conv", {"out": 2, "k": 2, "connect": ((0,), (0,)), "groups": 2}, [T((2, 8))],
        """
        NS308 `connect` and `groups` exclude each other
        groups: the table already says what each map sees
        help: leave one of them out
        """,
    ),
    (
        "crop", {}, [T((3, 8, 8))],
        """
        NS337 `crop` needs `size`
        None: either of them says what stays
        help: for example `crop 56` or `crop border=4`
        """,
    ),
    (
        "crop", {"size": 2, "border": 1}, [T((3, 8, 8))],
        """
        NS308 `size` and `border` exclude each other
        border: either of them says what stays
        help: leave one of them out
        """,
    ),
    (
        "crop", {"border": (1, 5)}, [T((3, 4, 9))],
        """
        NS322 cannot crop [3, 4, 9] to [2, -1]
        border: the width is 9, less than 11
        help: at most 9 along the width; `pad` makes it larger
        """,
    ),
    (
        "permute", {"axes": (0, 2)}, [T((3, 4))],
        """
        NS312 `axes` 2 is not an axis of [3, 4]
        axes: axes are 0 to 1, or -1 for the last
        help: axes are counted without the batch: axis 0 of [C, H, W] is C
        """,
    ),
    (
        "upconv", {"out": 6, "k": 3, "groups": 4}, [T((4, 8))],
        """
        NS304 6 output channels do not split into 4 groups
        groups: does not divide 6
        help: groups: 1 or 2
        holds where 2 == 0
        """,
    ),
    (
        "groupnorm", {"groups": 2}, [T(())],
        """
        NS301 wrong number of axes: []
        input 0: takes [C] or [C, *S], gets []
        help: shapes have no batch: an RGB image is [3, H, W]; `reshape` makes axes, `flatten` joins them
        """,
    ),
    (
        "groupnorm", {"groups": 3}, [T((3,))],
        """
        NS331 `groupnorm` over one element: [3]
        input 0: normalises each group over its 1 element
        help: normalise before pooling, or use `layernorm` over the channels
        """,
    ),
    (
        "groupnorm", {"groups": 4}, [T((4, 1))],
        """
        NS331 `groupnorm` over one element: [4, 1]
        input 0: normalises each group over its 1 element
        help: normalise before pooling, or use `layernorm` over the channels
        """,
    ),
    (
        "position", {"max_length": 3}, [T((8,))],
        """
        NS301 wrong number of axes: [8]
        input 0: takes [T, dim], gets [8]
        help: shapes have no batch; `reshape` makes axes, `flatten` joins them
        """,
    ),
    (
        "position", {}, [T((5, 8))],
        """
        NS337 `kind=learned` needs `max_length`
        None: a row is trained for each position
        help: for example `position 512`
        """,
    ),
    (
        "position", {"max_length": 5, "kind": "sinusoidal"}, [T((5, 8))],
        """
        NS308 `max_length` and `kind=sinusoidal` exclude each other
        max_length: sines go on for any length
        help: leave one of them out
        """,
    ),
    (
        "position", {"kind": "sinusoidal"}, [T((5, 7))],
        """
        NS336 `kind=sinusoidal` takes pairs, and 7 is odd
        None: 7 features
        help: an even width
        holds where 1 == 0
        """,
    ),
    (
        "relativebias", {"heads": 2}, [T((8,))],
        """
        NS301 wrong number of axes: [8]
        input 0: takes [T, features], gets [8]
        help: shapes have no batch; `reshape` makes axes, `flatten` joins them
        """,
    ),
    (
        "relativebias", {"heads": 2}, [T((5, 8)), T((8,))],
        """
        NS301 wrong number of axes: [8]
        input 1: takes [S, features], gets [8]
        help: shapes have no batch; `reshape` makes axes, `flatten` joins them
        """,
    ),
    (
        "param", {"shape": (2,), "init": "xavier"}, [],
        """
        NS308 `init` and `shape` exclude each other
        init: they look at the inputs and outputs of a matrix
        help: leave one of them out
        """,
    ),
    (
        "instancenorm", {}, [T((4, 1))],
        """
        NS331 `instancenorm` over one element: [4, 1]
        input 0: normalises each channel over its 1 position
        help: normalise before pooling, or use `layernorm` over the channels
        """,
    ),
    (
        "lrn", {"size": 3}, [T(())],
        """
        NS301 wrong number of axes: []
        input 0: takes [C, L] or [C, H, W] or [C, D, H, W], gets []
        help: shapes have no batch: an RGB image is [3, H, W]; `reshape` makes axes, `flatten` joins them
        """,
    ),
    (
        "conv", {"out": 4, "k": 3, "groups": 2}, [T((H, 8))],
        """
        NS304 H input channels do not split into 2 groups
        groups: does not divide H
        help: groups: 1
        holds where H - 2*(H // 2) == 0
        """,
    ),
    (
        "groupnorm", {"groups": 4}, [T((H, 8))],
        """
        NS304 H channels do not split into 4 groups
        groups: does not divide H
        help: groups: 1
        holds where H - 4*(H // 4) == 0
        """,
    ),
    (
        "channelshuffle", {"groups": 4}, [T((H, 8, 8))],
        """
        NS304 H channels do not split into 4 groups
        groups: does not divide H
        help: groups: 1
        holds where H - 4*(H // 4) == 0
        """,
    ),
    (
        "pixelshuffle", {"r": 2}, [T((H, 8, 8))],
        """
        NS323 the number of channels H is not a multiple of 4
        r: H / 4 is not whole
        help: a multiple of r^2 = 4 channels before it
        holds where H - 4*(H // 4) == 0
        """,
    ),
    (
        "pixelunshuffle", {"r": 2}, [T((3, H, 8))],
        """
        NS323 the height H is not a multiple of 2
        r: H / 2 is not whole
        help: an r that divides H, or `crop` or `pad` to a multiple of 2
        holds where H - 2*(H // 2) == 0
        """,
    ),
    (
        "pixelunshuffle", {"r": 2}, [T((3, 8, H))],
        """
        NS323 the width H is not a multiple of 2
        r: H / 2 is not whole
        help: an r that divides H, or `crop` or `pad` to a multiple of 2
        holds where H - 2*(H // 2) == 0
        """,
    ),
    (
        "attention", {"heads": 4}, [T((5, H))],
        """
        NS335 H features do not split into 4 heads
        heads: does not divide H
        help: heads: 1
        holds where H - 4*(H // 4) == 0
        """,
    ),
    (
        "attention", {"heads": 4, "kv_heads": 3}, [T((5, 4*H))],
        """
        NS335 4 heads do not split into 3 kv_heads
        kv_heads: does not divide 4
        help: kv_heads: 1, 2 or 4
        holds where 1 == 0
        """,
    ),
    (
        "attention", {"heads": 2, "rope": 100}, [T((5, 2*H))],
        """
        NS336 `rope` takes pairs, and H is odd
        rope: H elements of a head
        help: another number of heads
        holds where H - 2*(H // 2) == 0
        """,
    ),
    (
        "attention", {"heads": 2, "packed": True}, [T((5, 8)), T((5, H))],
        """
        NS339 the packed weight takes 8 features, the memory has H
        input 1: gets [5, H]
        help: leave out `packed`, or map the memory with `dense 8`
        holds where H == 8
        """,
    ),
    (
        "attention", {"heads": 2, "mask": True}, [T((5, 8)), T((H, 5))],
        """
        NS342 a mask of [H, 5] does not fit scores of [2, 5, 5]
        input 1: 2 heads, 5 that look, 5 that are seen
        help: a mask is [5], [5, 5] or [2, 5, 5]
        """,
    ),
    (
        "position", {"kind": "sinusoidal"}, [T((5, H))],
        """
        NS336 `kind=sinusoidal` takes pairs, and H is odd
        None: H features
        help: an even width
        holds where H - 2*(H // 2) == 0
        """,
    ),
    (
        "split", {"parts": 2}, [T((H, 8))],
        """
        NS321 H does not split into 2 equal parts
        parts: does not divide H
        help: a number that divides H, or a tuple with the size of each part
        holds where H - 2*(H // 2) == 0
        """,
    ),
    (
        "split", {"parts": (1, 2)}, [T((H, 8))],
        """
        NS321 H does not split into parts of 1, 2
        parts: these sum to 3
        help: sizes that sum to H
        holds where H == 3
        """,
    ),
    (
        "glu", {}, [T((H, 8))],
        """
        NS332 axis 0 of [H, 8] does not halve
        input 0: H may be odd
        help: give it twice the size that should come out
        holds where H - 2*(H // 2) == 0
        """,
    ),
    (
        "add", {}, [T((H, 8)), T((W, 8))],
        """
        NS327 `add` gets shapes that do not fit: [H, 8] and [W, 8]
        input 1: axis 0: W is not H
        help: a `conv H k=1` gives this path H channels
        input 0: [H, 8]
        input 1: [W, 8]
                  ^
        holds where W == H
        """,
    ),
    (
        "concat", {"axis": 1}, [T((H, 8)), T((W, 8))],
        """
        NS328 `concat` gets shapes that do not fit: [H, 8] and [W, 8]
        input 1: axis 0: W is not H
        help: only axis 1 may differ: join along another axis, or make the channels equal
        input 0: [H, 8]
        input 1: [W, 8]
                  ^
        holds where W == H
        """,
    ),
    (
        "stack", {}, [T((H, 8)), T((W, 8))],
        """
        NS328 `stack` gets shapes that do not fit: [H, 8] and [W, 8]
        input 1: axis 0: W is not H
        help: stacked inputs have equal shapes; `concat` joins along an axis that they have
        input 0: [H, 8]
        input 1: [W, 8]
                  ^
        holds where W == H
        """,
    ),
    (
        "matmul", {}, [T((3, H)), T((W, 4))],
        """
        NS330 [3, H] and [W, 4] do not multiply
        input 1: W rows, the first factor has H columns
        help: the second factor needs H rows
        input 0: [3, H]
        input 1: [W, 4]
                  ^
        holds where W == H
        """,
    ),
    (
        "matmul", {}, [T((H, 3, 4)), T((W, 4, 3))],
        """
        NS327 `matmul` gets shapes that do not fit: [H, 3, 4] and [W, 4, 3]
        input 1: axis 0: W is not H
        help: the leading axes of both are equal, or 1
        input 0: [H, 3, 4]
        input 1: [W, 4, 3]
                  ^
        holds where W == H
        """,
    ),
    (
        "reshape", {"shape": (2, -1)}, [T((H, 3))],
        """
        NS317 [H, 3] does not reshape to [2, -1]
        shape: a multiple of 2 elements, the input has 3*H
        help: sizes whose product divides 3*H
        holds where H - 2*(H // 2) == 0
        """,
    ),
    (
        "reshape", {"shape": (2, 5)}, [T((H, 3))],
        """
        NS317 [H, 3] does not reshape to [2, 5]
        shape: 10 elements, the input has 3*H
        help: sizes whose product is 3*H
        holds where 3*H == 10
        """,
    ),
    (
        "upconv", {"out": 4, "k": 3, "groups": 2}, [T((H, 8))],
        """
        NS304 H input channels do not split into 2 groups
        groups: does not divide H
        help: groups: 1
        holds where H - 2*(H // 2) == 0
        """,
    ),
    (
        "rnn", {"hidden": 7}, [T((4, 5)), T((H,))],
        """
        NS340 `rnn` begins with a state of [7], and this is [H]
        input 1: needs [7]
        help: the shape follows from `hidden`, `layers` and `bidirectional`
        holds where H == 7
        """,
    ),
    (
        "lstm", {"hidden": 7, "proj": 9}, [T((4, 5))],
        """
        NS308 `proj=9` and `hidden=7` exclude each other
        proj: a projection makes the state smaller: below 7
        help: leave one of them out
        """,
    ),
    (
        "mean", {}, [T((H, 8)), T((W, 8))],
        """
        NS327 `mean` gets shapes that do not fit: [H, 8] and [W, 8]
        input 1: axis 0: W is not H
        help: a `conv H k=1` gives this path H channels
        input 0: [H, 8]
        input 1: [W, 8]
                  ^
        holds where W == H
        """,
    ),
    (
        "relativebias", {"heads": 2, "buckets": 7}, [T((5, 8))],
        """
        NS343 `buckets` is 7, and each direction has half of them
        buckets: 4 or more, an even number
        help: for example `buckets=32`
        """,
    ),
    (
        "experts", {"experts": 2, "hidden": 3, "top": 3}, [T((4, 5))],
        """
        NS344 `experts` cannot choose 3 of 2
        top: more than 2
        help: top: 2 or fewer, or more experts
        """,
    ),
    (
        "globalmaxpool", {}, [T((3,))],
        """
        NS301 wrong number of axes: [3]
        input 0: takes [C, L] or [C, H, W] or [C, D, H, W], gets [3]
        help: shapes have no batch: an RGB image is [3, H, W]; `reshape` makes axes, `flatten` joins them
        """,
    ),
    (
        "embedding", {"vocab": 3, "dim": 4}, [T((3,))],
        """
        NS311 `embedding` takes integers, gets float32
        input 0: gets [3]
        help: declare the input as `int64 [...]`
        """,
    ),
    (
        "batchnorm", {}, [T(())],
        """
        NS301 wrong number of axes: []
        input 0: takes [C] or [C, *S] with up to 3 spatial axes, gets []
        help: shapes have no batch: an RGB image is [3, H, W]; `reshape` makes axes, `flatten` joins them
        """,
    ),
    (
        "layernorm", {"axes": 3}, [T((3, 4))],
        """
        NS301 wrong number of axes: [3, 4]
        axes: takes at least 3 axes, gets [3, 4]
        help: shapes have no batch; `reshape` makes axes, `flatten` joins them
        """,
    ),
    (
        "softmax", {"axis": 2}, [T((3, 4))],
        """
        NS312 `axis` 2 is not an axis of [3, 4]
        axis: axes are 0 to 1, or -1 for the last
        help: axes are counted without the batch: axis 0 of [C, H, W] is C
        """,
    ),
    (
        "flatten", {"start": 3}, [T((3, 4))],
        """
        NS312 `start` 3 is not an axis of [3, 4]
        start: axes are 0 to 1, or -1 for the last
        help: axes are counted without the batch: axis 0 of [C, H, W] is C
        """,
    ),
    (
        "permute", {"axes": (0, 0)}, [T((3, 4))],
        """
        NS319 (0, 0) is not a permutation of the axes of [3, 4]
        axes: 1 of 2 axes
        help: name each of the axes 0 to 1 once, in their new order
        """,
    ),
    (
        "reduce", {"op": "sum", "axes": (0, 0)}, [T((3, 4))],
        """
        NS313 axis 0 is named twice
        axes: (0, 0) of [3, 4]
        help: name each axis once; -1 is axis 1
        """,
    ),
    (
        "reduce", {"op": "sum", "axes": 4}, [T((3, 4))],
        """
        NS312 `axes` 4 is not an axis of [3, 4]
        axes: axes are 0 to 1, or -1 for the last
        help: axes are counted without the batch: axis 0 of [C, H, W] is C
        """,
    ),
    (
        "swiglu", {"hidden": 3}, [T(())],
        """
        NS301 wrong number of axes: []
        input 0: takes [*, features], gets []
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
        "rbf", {"out": 3}, [T(())],
        """
        NS301 wrong number of axes: []
        input 0: takes [*, features], gets []
        help: shapes have no batch; `reshape` makes axes, `flatten` joins them
        """,
    ),
    (
        "scale", {}, [T(())],
        """
        NS301 wrong number of axes: []
        input 0: takes [*, features], gets []
        help: shapes have no batch; `reshape` makes axes, `flatten` joins them
        """,
    ),
    (
        "subsample", {"k": 2}, [T((3,))],
        """
        NS301 wrong number of axes: [3]
        input 0: takes [C, L] or [C, H, W] or [C, D, H, W], gets [3]
        help: shapes have no batch: an RGB image is [3, H, W]; `reshape` makes axes, `flatten` joins them
        """,
    ),
    (
        "dropout", {"per": "channel"}, [T((3,))],
        """
        NS301 wrong number of axes: [3]
        input 0: takes [C, L] or [C, H, W] or [C, D, H, W], gets [3]
        help: shapes have no batch: an RGB image is [3, H, W]; `reshape` makes axes, `flatten` joins them
        """,
    ),
]  # fmt: skip


def test_element_types_that_differ() -> None:
    for name in ("stack", "concat", "add", "matmul"):
        problem = refusal(name, T((3, 3)), T((3, 3), "float16"))
        assert problem.blame == "input 1"
        assert problem.values == {"layer": name, "first": "float32", "second": "float16"}


@pytest.mark.parametrize(
    ("name", "arguments", "wrong"),
    [
        ("conv", {"out": 1, "k": 1}, ("stride", "k", "dilation", "pad")),
        ("upconv", {"out": 1, "k": 1}, ("stride", "k", "dilation", "pad", "output_pad")),
        ("maxpool", {"k": 2}, ("stride", "k", "dilation", "pad")),
        ("avgpool", {"k": 2}, ("stride", "k", "pad")),
        ("adaptiveavgpool", {}, ("size",)),
        ("subsample", {}, ("k",)),
        ("pad", {}, ("sides",)),
        ("crop", {}, ("size", "border")),
        ("upsample", {}, ("scale", "size")),
    ],
)
def test_one_value_for_each_axis(name: str, arguments: dict[str, Any], wrong: tuple[str, ...]) -> None:
    for argument in wrong:
        problem = refusal(name, T((3, 8, 8)), **{**arguments, argument: (1, 1, 1)})
        assert problem.blame == argument
        assert problem.values == {"name": argument, "given": 3, "axes": 2}


def test_what_is_known_already_hides_no_doubt() -> None:
    """A layer's outputs are kept; but where someone listens to its comparisons, they are made again."""
    found = find_layer("maxpool")
    assert found is not None
    made, inputs = found(k=5), [T((3, symbol("L", low=2)))]
    assert output_types(made, inputs) == output_types(made, inputs)
    with doubts() as heard:
        output_types(made, inputs)
    assert [(doubt.kind, str(doubt.left), str(doubt.right)) for doubt in heard] == [(">", "L // 5", "0")]


def text(problem: Problem) -> str:
    lines = [
        f"{problem.code} {problem.fill(problem.title)}",
        f"{problem.blame}: {problem.fill(problem.label)}",
        f"help: {problem.fill(problem.help)}",
        *problem.notes,
    ]
    if problem.compared is not None:
        lines.append("holds where " + " ".join(map(str, problem.compared)))
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("name", "arguments", "inputs", "expected"), CASES, ids=[f"{c[0]} {c[1]} {c[2]}" for c in CASES]
)
def test_text(name: str, arguments: dict[str, Any], inputs: list[T], expected: str) -> None:
    assert text(refusal(name, *inputs, **arguments)) == dedent(expected).strip("\n").rstrip()


# What is near to a refusal.
@pytest.mark.parametrize(
    ("name", "arguments", "shapes", "expected"),
    [
        # two positions, padded by two before: the window's elements are at -2, 1 and 4
        ("maxpool", {"k": 3, "stride": 2, "dilation": 3, "pad": "same"}, [(1, 2)], (1, 1)),
        ("upconv", {"out": 1, "k": 1}, [(1, 1)], (1, 1)),
        ("upconv", {"out": 1, "k": 3, "stride": 2, "output_pad": 1}, [(1, 4)], (1, 3 * 2 + 3 + 1)),
        ("upconv", {"out": 1, "k": 3, "stride": 2, "pad": 1, "dilation": 2}, [(1, 4)], (1, 3 * 2 - 2 + 5)),
        ("matmul", {}, [(2, 3), (3, 4)], (2, 4)),
        ("matmul", {}, [(7, 2, 3), (3, 4)], (7, 2, 4)),
        ("avgpool", {"k": 3}, [(2, 3, 3, 3)], (2, 1, 1, 1)),
        ("param", {"shape": (2, 1), "init": "xavier"}, [], (2, 1)),
        ("relativebias", {"heads": 2, "buckets": 4}, [(5, 8)], (2, 5, 5)),
        ("experts", {"experts": 2, "hidden": 3, "top": 2}, [(4, 5)], (4, 5)),
        ("hardtanh", {"low": 1.0, "high": 1.0}, [(3,)], (3,)),
        ("groupnorm", {"groups": 2}, [(4, 1)], (4, 1)),
        ("instancenorm", {}, [(4, 2)], (4, 2)),
        ("layernorm", {"axes": 2}, [(3, 4)], (3, 4)),
        ("flatten", {"start": 1}, [(3, 4)], (3, 4)),
        ("crop", {"size": 3}, [(3, 3, 3)], (3, 3, 3)),
        ("crop", {"border": 1}, [(3, 3, 3)], (3, 1, 1)),
        ("position", {"max_length": 5}, [(5, 8)], (5, 8)),
        ("lstm", {"hidden": 7, "proj": 6}, [(4, 5)], (4, 6)),
    ],
)
def test_accepted(name: str, arguments: dict[str, Any], shapes: list[Any], expected: tuple[int, ...]) -> None:
    assert shapes_of(name, *shapes, **arguments)[0] == expected
