"""The traps between torch, ONNX and onnxruntime, one test each.

Each shows numbers that a person can check, or torch's, and that what one would write first gives others or fails. So each
test is known to be able to fail.
"""

# ruff: noqa: E501  # texts of nets

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
import torch.nn.functional as F
from layer_calls import layer
from onnx import helper
from onnx_nets import Given, compiled, inferred, model_of, naive, one_layer, run, shape_of

from netspec.ir.types import TensorType
from netspec.problems.shapes import SplitMismatch


def apply(name: str, x: Any, weights: dict[str, Any] | None = None, **arguments: Any) -> np.ndarray:
    """A layer of one input, as it is written: x has the batch."""
    x = torch.as_tensor(x, dtype=torch.float32)
    made = one_layer(layer(name, **arguments), [TensorType(tuple(x.shape[1:]))])
    state = {key: torch.as_tensor(value, dtype=torch.float32) for key, value in (weights or {}).items()}
    (y,) = run(model_of(made, Given(state, "layer.")), x)
    return y


def by_hand(op: str, x: Any, *tensors: Any, **attributes: Any) -> np.ndarray:
    """One operator as one would write it first. `tensors`: its further inputs, None to leave one out."""
    x = np.asarray(x, np.float32)
    given = {f"t{place}": np.asarray(t) for place, t in enumerate(tensors) if t is not None}
    names = ["" if t is None else f"t{place}" for place, t in enumerate(tensors)]
    node = helper.make_node(op, ["x", *names], ["y"], **attributes)
    (y,) = run(naive([node], {"x": x.shape}, ["y"], **given), x)
    return y


def same(ours: Any, theirs: Any, tolerance: float = 1e-5) -> bool:
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape
    return bool(np.abs(ours - theirs).max() <= tolerance * max(np.abs(theirs).max(), 1e-3))


def f32(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


REFUSED = (onnxruntime.capi.onnxruntime_pybind11_state.Fail, onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument,
           onnxruntime.capi.onnxruntime_pybind11_state.RuntimeException)  # fmt: skip

ROW = np.arange(1.0, 6.0).reshape(1, 1, 5)  # 1 2 3 4 5
IMAGE = torch.randn(2, 3, 9, 8, generator=torch.Generator().manual_seed(0))


# -- windows ------------------------------------------------------------------------------------------


def test_average_pool_counts_its_padding():
    ours = apply("avgpool", ROW, k=3, stride=2, pad=1)
    assert same(ours, [[[1, 3, 3]]])  # (0 + 1 + 2) / 3, (2 + 3 + 4) / 3, (4 + 5 + 0) / 3
    first = by_hand("AveragePool", ROW, kernel_shape=[3], strides=[2], pads=[1, 1])
    assert same(first, [[[1.5, 3, 4.5]]])


def test_average_pool_counts_what_is_padding_but_not_what_is_beyond_it():
    """With `ceil` the last window reaches beyond the padding: 5, one zero that counts, and one place that does not."""
    x = ROW[..., :4]
    ours = apply("avgpool", x, k=3, stride=2, pad=1, ceil=True)
    assert same(ours, F.avg_pool1d(torch.tensor(x, dtype=torch.float32), 3, 2, 1, True))
    assert same(ours, [[[1, 3, 2]]])  # 4 and a zero
    # more padding in place of `ceil` counts all of it
    first = by_hand("AveragePool", x, kernel_shape=[3], strides=[2], pads=[1, 2], count_include_pad=1)
    assert same(first, [[[1, 3, 4 / 3]]])


def test_ceil_pools_begin_no_window_beyond_the_input():
    """k=2 stride=3 pad=1 of 4 positions: a third window would begin at 5."""
    x = ROW[..., :4]
    ours = apply("maxpool", x, k=2, stride=3, pad=1, ceil=True)
    assert same(ours, [[[1, 4]]])
    first = onnx.shape_inference.infer_shapes(ceil_pool(x.shape, 21))
    assert shape_of(first.graph.output[0]) == [1, 1, 3]  # before opset 22
    first = onnx.shape_inference.infer_shapes(ceil_pool(x.shape, 22))
    assert shape_of(first.graph.output[0]) == [1, 1, 2]


def ceil_pool(shape: Any, opset: int) -> onnx.ModelProto:
    node = helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=[2], strides=[3], pads=[1, 1], ceil_mode=1)
    model = naive([node], {"x": shape}, ["y"])
    model.opset_import[0].version = opset
    return model


def test_zeros_around_a_max_pool_are_never_the_maximum():
    x = -ROW
    for arguments in ({"pad": 1}, {"pad": ((0, 1),), "ceil": True}, {"pad": "same"}):
        ours = apply("maxpool", x, k=3, stride=2, **arguments)
        assert (ours < 0).all(), arguments
    assert same(apply("maxpool", x, k=3, stride=2, pad=1), [[[-1, -2, -4]]])
    padded = np.pad(x, [(0, 0), (0, 0), (1, 1)])
    assert same(by_hand("MaxPool", padded, kernel_shape=[3], strides=[2]), [[[0, -2, 0]]])


def test_adaptive_pool_to_a_size_that_does_not_divide():
    """5 positions in 3 windows: 0 to 2, 1 to 4, 3 to 5."""
    ours = apply("adaptiveavgpool", ROW, size=3)
    assert same(ours, [[[1.5, 3, 4.5]]])
    assert same(apply("adaptivemaxpool", ROW, size=3), [[[2, 4, 5]]])
    # no window of one size and one stride gives 3 outputs and these numbers
    for k in range(1, 5):
        for stride in range(1, 5):
            if (5 - k) // stride + 1 == 3:
                assert not same(by_hand("AveragePool", ROW, kernel_shape=[k], strides=[stride]), ours)


def test_same_padding_with_stride_is_before_and_after():
    """8 positions, k=3, stride=2: one zero, and it is after."""
    x = np.arange(8.0).reshape(1, 1, 8)
    kernel = np.ones((1, 1, 3), np.float32)
    ours = apply("conv", x, {"weight": kernel}, out=1, k=3, stride=2, pad="same", bias=False)
    assert same(ours, [[[0 + 1 + 2, 2 + 3 + 4, 4 + 5 + 6, 6 + 7]]])
    first = by_hand("Conv", x, kernel, strides=[2], pads=[1, 1])
    assert same(first, [[[0 + 1, 1 + 2 + 3, 3 + 4 + 5, 5 + 6 + 7]]])  # of the same shape


def test_same_padding_with_dilation_is_written_out():
    """onnxruntime's auto_pad is refused for a convolution, and leaves the dilation out for a pool."""
    x, kernel = np.arange(8.0).reshape(1, 1, 8), np.ones((1, 1, 3), np.float32)
    ours = apply("conv", x, {"weight": kernel}, out=1, k=3, pad="same", dilation=2, bias=False)
    assert same(ours, [[[0 + 2, 1 + 3, 0 + 2 + 4, 1 + 3 + 5, 2 + 4 + 6, 3 + 5 + 7, 4 + 6, 5 + 7]]])
    with pytest.raises(REFUSED, match="Dilation not supported for AutoPadType"):
        by_hand("Conv", x, kernel, dilations=[2], auto_pad="SAME_UPPER")
    ours = apply("maxpool", x, k=3, stride=1, dilation=2, pad="same")
    assert same(ours, [[[2, 3, 4, 5, 6, 7, 6, 7]]])
    first = by_hand("MaxPool", x, kernel_shape=[3], strides=[1], dilations=[2], auto_pad="SAME_UPPER")
    assert same(first, [[[3, 4, 5, 6, 7, 6]]])


def test_pads_are_all_begins_then_all_ends():
    ours = apply("pad", np.ones((1, 1, 2, 2)), sides=((0, 1), (2, 0)))
    assert ours.tolist() == [[[[0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 0, 0]]]]
    # in the order of F.pad, from the last axis, and in pairs
    first = by_hand("Pad", np.ones((1, 1, 2, 2)), np.array([0, 0, 0, 0, 2, 0, 0, 1]))
    assert first.tolist() != ours.tolist()


def test_transposed_convolution_with_more_output_than_stride():
    """output_pad may reach the dilation in torch. onnxruntime takes it below the stride only."""
    x, kernel = torch.arange(1.0, 4.0).reshape(1, 1, 3), torch.tensor([[[1.0, 10.0]]])
    ours = apply("upconv", x, {"weight": kernel, "bias": [0.5]}, out=1, k=2, dilation=3, output_pad=2)
    assert same(ours, F.conv_transpose1d(x, kernel, torch.tensor([0.5]), dilation=3, output_padding=2))
    assert same(ours, [[[1.5, 2.5, 3.5, 10.5, 20.5, 30.5, 0.5, 0.5]]])
    with pytest.raises(REFUSED):
        by_hand("ConvTranspose", x, kernel.numpy(), dilations=[3], output_padding=[2])


def test_transposed_convolution_adds_its_output_pad_at_the_end():
    x, kernel = torch.arange(1.0, 4.0).reshape(1, 1, 3), torch.tensor([[[1.0, 10.0, 100.0]]])
    ours = apply("upconv", x, {"weight": kernel}, out=1, k=3, stride=2, pad=1, output_pad=1, bias=False)
    assert same(ours, [[[10, 102, 20, 203, 30, 300]]])
    # which is no zero at the end
    first = by_hand("ConvTranspose", x, kernel.numpy(), strides=[2], pads=[1, 1])
    assert same(first, [[[10, 102, 20, 203, 30]]])


# -- norms ---------------------------------------------------------------------------------------------


def test_batch_norm_has_its_own_eps_and_statistics():
    weights = {"weight": [2.0], "bias": [1.0], "running_mean": [3.0], "running_var": [0.001]}
    x = torch.tensor([[[3.0, 3.1]]])
    ours = apply("batchnorm", x, {**weights, "num_batches_tracked": 0}, eps=1e-3)
    assert same(ours, [[[1, 1 + 2 * 0.1 / 0.002**0.5]]])
    first = by_hand("BatchNormalization", x, *(f32(*weights[key]) for key in weights))  # ONNX's eps: 1e-5
    assert not same(first, ours, 1e-2)
    normed = apply("batchnorm", x, {key: weights[key] for key in ("weight", "bias")}, track=False, eps=1e-3)
    assert same(normed, F.batch_norm(x, None, None, torch.tensor([2.0]), torch.tensor([1.0]), True, eps=1e-3))


def test_group_norm_keeps_its_accuracy_far_from_0():
    x = torch.randn(2, 32, 28, 28, generator=torch.Generator().manual_seed(0)) + 100
    exact = F.group_norm(x.double(), 8).numpy()
    ours = apply("groupnorm", x, {"weight": torch.ones(32), "bias": torch.zeros(32)}, groups=8)
    first = by_hand("GroupNormalization", x, np.ones(32, np.float32), np.zeros(32, np.float32), num_groups=8)
    assert np.abs(ours - exact).max() < 2e-4
    assert np.abs(first - exact).max() > 1e-3


def test_layer_norm_is_over_the_last_axes():
    weights = {"weight": torch.ones(9, 8), "bias": torch.zeros(9, 8)}
    ours = apply("layernorm", IMAGE, weights, axes=2)
    assert same(ours, F.layer_norm(IMAGE, (9, 8)))
    first = by_hand("LayerNormalization", IMAGE, np.ones(8, np.float32))  # the last axis alone
    assert not same(first, ours, 1e-2)


def test_rms_norm_has_its_own_eps():
    x = torch.full((1, 4), 1e-3)
    ours = apply("rmsnorm", x, {"weight": torch.ones(4)})
    assert same(ours, [[0.5**0.5] * 4])  # mean square 1e-6, eps 1e-6
    first = by_hand("RMSNormalization", x, np.ones(4, np.float32))  # ONNX's eps: 1e-5
    assert same(first, [[11**-0.5] * 4])


@pytest.mark.parametrize(("shape", "size"), [((6, 9), 3), ((6, 4, 5), 4), ((6, 3, 4, 5), 5)])
def test_lrn_of_any_rank_and_size(shape: tuple[int, ...], size: int):
    x = torch.randn(2, *shape, generator=torch.Generator().manual_seed(0))
    ours = apply("lrn", x, size=size, alpha=0.5, k=2.0)
    assert same(ours, F.local_response_norm(x, size, 0.5, 0.75, 2.0))
    with pytest.raises(REFUSED):
        by_hand("LRN", x, size=size, alpha=0.5, bias=2.0)


def test_lrn_divides_alpha_by_its_size():
    """As torch does. AlexNet's alpha is not divided."""
    x = np.ones((1, 1, 1, 1))
    assert same(apply("lrn", x, size=5, alpha=5.0, beta=1.0), [[[[0.5]]]])  # 1 / (1 + 5 / 5)
    assert same(by_hand("LRN", x, size=5, alpha=25.0, beta=1.0), [[[[1 / 6]]]])


# -- elements --------------------------------------------------------------------------------------------


def test_gelu_by_erf_and_by_tanh():
    x = torch.linspace(-4, 4, 101).reshape(1, 101)
    exact, fast = apply("gelu", x), apply("gelu", x, approx="tanh")
    assert same(exact, F.gelu(x))
    assert same(fast, F.gelu(x, approximate="tanh"))
    assert 4e-4 < np.abs(exact - fast).max() < 5e-4


def test_hard_sigmoid_has_the_slope_of_torch():
    x = f32(-3, -1, 0, 1, 3).reshape(1, 5)
    assert same(apply("hardsigmoid", x), [[0, 1 / 3, 0.5, 2 / 3, 1]])
    assert same(by_hand("HardSigmoid", x), [[0, 0.3, 0.5, 0.7, 1]])


def test_prelu_has_a_slope_for_each_channel():
    x = -np.ones((1, 2, 1, 2))
    ours = apply("prelu", x, {"weight": [0.1, 0.2]}, shared=False)
    assert same(ours, [[[[-0.1, -0.1]], [[-0.2, -0.2]]]])
    # a slope [C] broadcasts to the last axis, silently where it has as many positions
    assert same(by_hand("PRelu", x, f32(0.1, 0.2)), [[[[-0.1, -0.2]], [[-0.1, -0.2]]]])


def test_celu_of_a_negative_alpha():
    x = f32(-1, 1).reshape(1, 2)
    ours = apply("celu", x, alpha=-2.0)
    assert same(ours, F.celu(torch.tensor(x), -2.0))
    assert same(ours, [[-2 * (np.e**0.5 - 1), 1]])


def test_softplus_is_its_input_above_the_threshold():
    x = f32(0.5, 2).reshape(1, 2)
    ours = apply("softplus", x, threshold=1.0)
    assert same(ours, [[np.log1p(np.exp(0.5)), 2]])
    assert not same(by_hand("Softplus", x), ours, 1e-2)


def test_dropout_scales_in_inference_where_it_does_not_in_training():
    x = f32(1, 2).reshape(1, 2)
    assert same(apply("dropout", x, p=0.25, mode="downscale_in_infer"), [[0.75, 1.5]])
    assert same(apply("dropout", x, p=0.25), [[1, 2]])
    assert same(by_hand("Dropout", x, np.float32(0.25)), [[1, 2]])


# -- shapes ------------------------------------------------------------------------------------------------


def test_pixel_shuffle_has_the_channels_outermost():
    x = np.arange(8.0).reshape(1, 8, 1, 1)
    ours = apply("pixelshuffle", x, r=2)
    assert ours.tolist() == [[[[0, 1], [2, 3]], [[4, 5], [6, 7]]]]
    first = by_hand("DepthToSpace", x, blocksize=2)  # ONNX's mode: DCR
    assert first.tolist() == [[[[0, 2], [4, 6]], [[1, 3], [5, 7]]]]


def test_pixel_unshuffle_has_the_channels_outermost():
    x = np.arange(8.0).reshape(1, 2, 2, 2)
    assert apply("pixelunshuffle", x, r=2).ravel().tolist() == [0, 1, 2, 3, 4, 5, 6, 7]
    assert by_hand("SpaceToDepth", x, blocksize=2).ravel().tolist() == [0, 4, 1, 5, 2, 6, 3, 7]


def resized(x: Any, sizes: Any, **attributes: Any) -> np.ndarray:
    return by_hand("Resize", x, None, None, np.array([*np.shape(x)[:2], *sizes]), **attributes)


def test_nearest_takes_the_position_below():
    x = np.arange(4.0).reshape(1, 1, 4)
    assert same(apply("upsample", x, size=3), [[[0, 1, 2]]])  # floor(i * 4 / 3)
    assert same(resized(x, [3], mode="nearest"), [[[0, 1, 3]]])  # ONNX's half_pixel and round_prefer_floor


def test_linear_is_between_the_middles():
    x = f32(0, 4).reshape(1, 1, 2)
    assert same(apply("upsample", x, mode="linear"), [[[0, 1, 3, 4]]])
    assert same(apply("upsample", x, mode="linear", align_corners=True), [[[0, 4 / 3, 8 / 3, 4]]])
    first = resized(x, [4], mode="linear", coordinate_transformation_mode="asymmetric")
    assert same(first, [[[0, 2, 4, 4]]])


def test_linear_to_one_position():
    """Torch takes the middle of the input, and PyTorch's name in ONNX, pytorch_half_pixel, the first position."""
    x = f32(1, 2, 6).reshape(1, 1, 3)
    ours = apply("upsample", x, size=1, mode="linear")
    assert same(ours, F.interpolate(torch.tensor(x), 1, mode="linear"))
    assert same(ours, [[[2]]])
    assert same(resized(x, [1], mode="linear", coordinate_transformation_mode="pytorch_half_pixel"), [[[1]]])


def test_bicubic_has_torchs_coefficient():
    ours = apply("upsample", IMAGE, mode="bicubic")
    assert same(ours, F.interpolate(IMAGE, scale_factor=2, mode="bicubic"))
    other = resized(IMAGE, [18, 16], mode="cubic", cubic_coeff_a=-0.5)
    assert not same(other, ours, 1e-2)


def test_ten_times_seven_tenths_is_seven():
    """Scales are float32 in ONNX, whose own inference and onnxruntime round the product in other ways."""
    x = np.arange(10.0).reshape(1, 1, 10)
    ours = apply("upsample", x, scale=0.7)
    assert same(ours, F.interpolate(torch.tensor(x, dtype=torch.float32), scale_factor=0.7))
    assert same(ours, [[[0, 1, 2, 4, 5, 7, 8]]])
    node = helper.make_node("Resize", ["x", "", "t"], ["y"], mode="nearest")
    first = onnx.shape_inference.infer_shapes(naive([node], {"x": [1, 1, 10]}, ["y"], t=f32(1, 1, 0.7)))
    assert shape_of(first.graph.output[0]) == [1, 1, 6]
    x = np.zeros((1, 1, 90))
    assert apply("upsample", x, scale=0.7).shape == (1, 1, 62)  # 62.99999999999999, as torch has it
    assert by_hand("Resize", x, None, f32(1, 1, 0.7), mode="nearest").shape == (1, 1, 63)


def test_a_broken_scale_steps_by_itself():
    """Torch steps by 1 / scale; ONNX, told the size, by the quotient of the sizes."""
    x = np.arange(7.0).reshape(1, 1, 7)
    ours = apply("upsample", x, scale=1.5, mode="linear")
    assert same(ours, F.interpolate(torch.tensor(x, dtype=torch.float32), scale_factor=1.5, mode="linear"))
    assert not same(resized(x, [10], mode="linear"), ours, 1e-3)


def test_flatten_keeps_the_batch():
    made = compiled("net Flat {\n  input x: [3, 4, 4]\n  flatten\n}\n")
    model = model_of(made)
    assert shape_of(model.graph.output[0]) == ["batch", 48]
    assert shape_of(inferred(model).graph.output[0]) == ["batch", 48]
    node = helper.make_node("Reshape", ["x", "t"], ["y"])
    first = naive([node], {"x": ["batch", 3, 4, 4]}, ["y"], t=np.array([-1, 48]))
    assert shape_of(inferred(first).graph.output[0])[0] != "batch"


def test_flatten_from_a_later_axis():
    """ONNX's Flatten gives two axes always."""
    x = np.zeros((2, 3, 4, 5))
    assert apply("flatten", x, start=1).shape == (2, 3, 20)
    assert by_hand("Flatten", x, axis=2).shape == (6, 20)


def test_dense_of_more_axes():
    x, weight = torch.randn(2, 3, 4), torch.randn(5, 4)
    ours = apply("dense", x, {"weight": weight}, out=5, bias=False)
    assert same(ours, x @ weight.T)
    with pytest.raises(REFUSED):
        by_hand("Gemm", x, weight.numpy(), transB=1)


def test_split_has_the_parts_that_are_asked_for():
    made = one_layer(layer("split", parts=3), [TensorType((6, 2))])
    x = np.arange(12.0, dtype=np.float32).reshape(1, 6, 2)
    assert [part.shape for part in run(model_of(made), x)] == [(1, 2, 2)] * 3
    # torch.chunk(5 of 4) has three parts; 5 in 4 parts are refused, where ONNX's num_outputs takes them
    assert [len(part) for part in torch.arange(5).chunk(4)] == [2, 2, 1]
    with pytest.raises(SplitMismatch):
        one_layer(layer("split", parts=4), [TensorType((5,))])
    node = helper.make_node("Split", ["x"], ["a", "b", "c"], axis=1, num_outputs=3)
    uneven = run(naive([node], {"x": [1, 5]}, ["a", "b", "c"]), np.zeros((1, 5)))
    assert [part.shape[1] for part in uneven] == [2, 2, 1]


# -- names and headers ----------------------------------------------------------------------------------------


def test_nodes_have_names_of_their_own():
    made = compiled("net Twice {\n  input x: [4]\n  e: dense 4\n  repeat 3 { softsign -> reuse e }\n  add with x\n}\n")
    model = model_of(made)
    names = [node.name for node in model.graph.node]
    values = [value for node in model.graph.node for value in node.output]
    assert len(set(names)) == len(names) == len(set(values)) == 8
    assert [tensor.name for tensor in model.graph.initializer] == ["e.weight", "e.bias"]
    nodes = [helper.make_node("Relu", ["x"], ["h"], name="n"), helper.make_node("Neg", ["h"], ["y"], name="n")]
    with pytest.raises(REFUSED, match="two nodes with same node name"):
        run(naive(nodes, {"x": [1, 4]}, ["y"]), np.zeros((1, 4)))


def test_the_header_is_one_that_onnxruntime_takes():
    made = compiled("net Small {\n  input x: [4]\n  relu\n}\n")
    model = model_of(made)
    assert (model.ir_version, [(item.domain, item.version) for item in model.opset_import]) == (10, [("", 23)])
    newest = helper.make_model(model.graph)  # what the onnx package writes by itself
    assert (newest.ir_version, newest.opset_import[0].version) > (13, 26)
    with pytest.raises(REFUSED):
        run(newest, np.zeros((1, 4)))
