"""What the rules of layers share: windows, paddings, axes, literal numbers, code, and layers of other packages."""
# ruff: noqa: E501  # tables

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from layer_calls import layer, types

from netspec.diagnostics import Problem
from netspec.ir.dims import Dim, symbol
from netspec.ir.types import TensorType as T
from netspec.ops import arguments, find_layer, plugins, torchrule, windows
from netspec.ops.base import FREE, POINT, Cost, Layer, Reach, Types, Weight, last_axes, product, trained_or_fixed, whole
from netspec.ops.channels import divisors, split_channels
from netspec.ops.torchrule import Arg, Of, Size, Torch, fill

H = symbol("H")


@pytest.mark.parametrize(
    ("a", "b", "text"),
    [
        (12, 0, "1, 2, 3, 4, 6 or 12"), (12, 18, "1, 2, 3 or 6"), (7, 0, "1 or 7"), (1, 0, "1"), (30, 0, "1, 2, 3, 5, 6, 10, 15 or 30"),
        (36, 0, "1, 2, 3, 4, 6, 9, 12, ..., 36"), (8192, 0, "1, 2, 4, 8, 16, 32, 64, ..., 8192"), (0, 4097, "1, 17 or 241"), (0, 4096, "1, 2, 4, 8, 16, 32, 64, ..., 4096"),
        (H, 4, "1"), (4, H, "1"),
    ],
)  # fmt: skip
def test_divisors(a: Dim, b: Dim, text: str) -> None:
    assert divisors(a, b) == text


def test_split_channels() -> None:
    assert split_channels(12, 3) == 4
    assert split_channels(6 * H, 3) == 2 * H
    with pytest.raises(Problem) as caught:
        split_channels(12, 5, "output channels", 8)
    assert caught.value.values == {"channels": 12, "groups": 5, "which": "output channels", "divisors": "1, 2 or 4"}
    assert (caught.value.blame, caught.value.compared) == ("groups", (2, "==", 0))


def test_ceil_div() -> None:
    assert [windows.ceil_div(n, 3) for n in range(1, 8)] == [1, 1, 1, 2, 2, 2, 3]
    assert str(windows.ceil_div(H, 2)) == "(H + 1) // 2"


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "dilation", "sides"),
    [
        (5, 3, 1, 1, (1, 1)), (5, 4, 1, 1, (1, 2)), (5, 3, 2, 1, (1, 1)), (4, 3, 2, 1, (0, 1)), (5, 3, 1, 2, (2, 2)), (5, 1, 3, 1, (0, 0)),
        (7, 2, 3, 1, (0, 1)), (9, 4, 2, 3, (4, 5)),
    ],
)  # fmt: skip
def test_same_sides(size: int, kernel: int, stride: int, dilation: int, sides: tuple[int, int]) -> None:
    assert windows.same_sides(size, kernel, stride, dilation) == sides


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "sides", "dilation", "ceil", "places"),
    [
        (8, 3, 1, (0, 0), 1, False, 6), (8, 3, 2, (0, 0), 1, False, 3), (8, 3, 2, (1, 1), 1, False, 4), (8, 3, 2, (0, 0), 1, True, 4),
        (8, 3, 1, (0, 0), 2, False, 4), (8, 3, 3, (2, 0), 1, False, 3), (3, 3, 5, (0, 0), 1, False, 1), (1, 1, 1, (0, 0), 1, False, 1),
        # no window begins beyond the input and its left padding
        (5, 2, 3, (1, 1), 1, True, 2), (6, 1, 4, (0, 0), 1, True, 2), (4, 2, 5, (1, 1), 1, True, 1), (2, 3, 2, (0, 0), 1, True, 1),
    ],
)  # fmt: skip
def test_slide(
    size: int, kernel: int, stride: int, sides: tuple[Dim, Dim], dilation: int, ceil: bool, places: int
) -> None:
    assert windows.slide(size, kernel, stride, sides, dilation, axis="length", ceil=ceil) == places


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "sides", "dilation", "ceil", "told"),
    [
        (2, 3, 1, (0, 0), 1, False, {"window": 3, "padded": 2, "unit": "rows", "formula": "(2 - 3) // 1 + 1", "result": 0,
                                     "remedy": "a window of at most 2, or padding of 1 more in all along the height"}),
        (1, 6, 2, (1, 1), 1, False, {"window": 6, "padded": 3, "unit": "rows", "formula": "(1 + 2*1 - 6) // 2 + 1", "result": -1,
                                     "remedy": "a window of at most 3, or padding of 3 more in all along the height"}),
        (1, 6, 2, (0, 0), 1, False, {"window": 6, "padded": 1, "unit": "row", "formula": "(1 - 6) // 2 + 1", "result": -2,
                                     "remedy": "a window of at most 1, or padding of 5 more in all along the height"}),
        (3, 3, 1, (0, 1), 2, False, {"window": "3 (dilated to 5)", "padded": 4, "unit": "rows", "formula": "(3 + 0 + 1 - 5) // 1 + 1", "result": 0,
                                     "remedy": "a window of at most 2, or padding of 1 more in all along the height"}),
        (1, 6, 3, (0, 0), 1, True, {"window": 6, "padded": 1, "unit": "row", "formula": "ceil((1 - 6) / 3) + 1", "result": 0,
                                    "remedy": "a window of at most 3, or padding of 3 more in all along the height"}),
    ],
)  # fmt: skip
def test_windows_that_are_too_large(
    size: int, kernel: int, stride: int, sides: tuple[Dim, Dim], dilation: int, ceil: bool, told: dict[str, Any]
) -> None:
    with pytest.raises(Problem) as caught:
        windows.slide(size, kernel, stride, sides, dilation, axis="height", ceil=ceil)
    assert caught.value.values == {**told, "axis": "height"}
    assert caught.value.blame == "k"


def test_paddings_for_torch() -> None:
    said = Of("pad")
    assert windows.torch_padding("same", 2) == Arg("same", "padding", 0, said)
    assert windows.torch_padding(1, 2) == Arg(1, "padding", 0, said)
    assert windows.torch_padding((1, 2), 2) == Arg((1, 2), "padding", 0, said)
    assert windows.torch_padding(((1, 1), 2), 2) == Arg((1, 2), "padding", 0, None)
    assert windows.torch_padding((2, 2), 2) == Arg(2, "padding", 0, None)
    assert windows.part_padding("same", 2) == Arg("same", "padding", ((0, 0), (0, 0)), said)
    assert windows.part_padding(1, 2) == Arg(((1, 1), (1, 1)), "padding", ((0, 0), (0, 0)), None)
    assert windows.part_padding(((0, 1), (2, 2)), 2) == Arg(((0, 1), (2, 2)), "padding", ((0, 0), (0, 0)), said)
    assert [windows.uneven(pad, 2) for pad in ("same", 1, (1, 2), ((1, 1), 2), ((1, 0), 2))] == [*[False] * 4, True]


def test_mirrored_padding() -> None:
    windows.check_mirror("sides", "reflect", (3, 4), ((2, 2), (3, 0)))
    windows.check_mirror("sides", "circular", (3,), ((3, 3),))
    for mode, size, pads, most in (("reflect", 3, (2, 3), 2), ("reflect", 3, (3, 0), 2), ("circular", 3, (0, 4), 3)):
        with pytest.raises(Problem) as caught:
            windows.check_mirror("sides", mode, (9, size), ((0, 0), pads))
        assert caught.value.blame == "sides"
        assert caught.value.values == {
            "argument": "mode", "none": "constant", "mode": mode, "pad": max(pads), "size": size, "axis": "width", "most": most,
        }  # fmt: skip
    with pytest.raises(Problem) as caught:
        windows.check_mirror("pad", "reflect", (3,), ((3, 3),))
    assert [caught.value.values[key] for key in ("argument", "none", "axis")] == ["pad_mode", "zeros", "length"]


# -- axes and literal numbers ------------------------------------------------------------------------------


def test_axes() -> None:
    x = T((3, 4, 5))
    assert [arguments.axis_index(axis, x) for axis in (0, 2, -1, -3)] == [0, 2, 2, 0]
    assert [arguments.axis_index(axis, x, extra=1) for axis in (3, -1, -4)] == [3, 3, 0]
    for given, shape, axes in (
        (3, (3, 4, 5), "axes are 0 to 2, or -1 for the last"), (-2, (3,), "the only axis is 0"), (0, (), "it has no axes"),
    ):  # fmt: skip
        with pytest.raises(Problem) as caught:
            arguments.axis_index(given, T(shape), "start")
        assert caught.value.values == {"name": "start", "axis": given, "shape": T(shape), "axes": axes}
        assert caught.value.blame == "start"
    with pytest.raises(Problem) as caught:
        arguments.axis_index(5, x, extra=1)
    assert caught.value.blame == "axis"


def test_spatial_axes() -> None:
    assert [arguments.spatial_axes(T((1,) * rank)) for rank in (2, 3, 4)] == [1, 2, 3]
    assert arguments.spatial_axes(T((1, 2)), least=1, most=1) == 1
    for rank, limits, forms in (
        (1, {}, "[C, L] or [C, H, W] or [C, D, H, W]"), (5, {}, "[C, L] or [C, H, W] or [C, D, H, W]"),
        (2, {"least": 2}, "[C, H, W] or [C, D, H, W]"), (4, {"most": 2}, "[C, L] or [C, H, W]"),
    ):  # fmt: skip
        with pytest.raises(Problem) as caught:
            arguments.spatial_axes(T((1,) * rank), **limits)
        assert caught.value.values["expected"] == forms


def test_one_value_per_axis() -> None:
    assert arguments.per_axis(3, 2, "k") == (3, 3)
    assert arguments.per_axis((3, 4), 2, "k") == (3, 4)
    assert arguments.pad_sides(1, 2) == ((1, 1), (1, 1))
    assert arguments.pad_sides(((0, 1), 2), 2) == ((0, 1), (2, 2))
    with pytest.raises(Problem) as caught:
        arguments.pad_sides((1, 2, 3), 2)
    assert (caught.value.blame, caught.value.values) == ("pad", {"name": "pad", "given": 3, "axes": 2})
    with pytest.raises(Problem) as caught:
        arguments.pad_sides((1, 2, 3), 2, "sides")
    assert (caught.value.blame, caught.value.values["name"]) == ("sides", "sides")


def test_shapes_of_literal_numbers() -> None:
    assert [arguments.shape(value) for value in (1, 2.5, (1, 2), [[1, 2, 3]], (((1,),), ((2,),)))] == [
        (), (), (2,), (1, 3), (2, 1, 1),
    ]  # fmt: skip
    for value, why in (
        (True, "True is not a number"), ("1", "'1' is not a number"), (float("inf"), "inf is not a finite number"),
        ((), "a list of numbers is empty"), (((1, 2), (3,)), "rows differ in length"), ((1, (2,)), "rows differ in length"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=rf"^{why}$"):
            arguments.shape(value)
    arguments.literal_shape((1, -1), (1, 1, 2), "weight")
    arguments.literal_shape(((1, -1),), (1, 2), "weight")
    for value, needed in (((1, -1), (2, 2)), (((1, -1),), (2,)), ((1, -1), (1, 3))):
        with pytest.raises(Problem) as caught:
            arguments.literal_shape(value, needed, "weight")
        given = list(arguments.shape(value))
        assert caught.value.values == {"name": "weight", "given": given, "needed": list(needed)}
        assert caught.value.blame == "weight"


@pytest.mark.parametrize(
    ("name", "given", "why"),
    [
        ("dense", {"out": 1, "init": ("xavier", 2.0)}, "`xavier` takes no number"),
        ("dense", {"out": 1, "init": ("normal", 2.0, 3.0)}, "write `normal`, or with its deviation `(normal, 0.02)`"),
        ("dense", {"out": 1, "init": ("uniform", 2.0)}, "write `uniform`, from 0 to 1, or with its bounds `(uniform, -0.1, 0.1)`"),
        ("attention", {"heads": 1, "rope": 1e4, "rope_scaling": ("llama3", 8, 4.0, 4.0, 8192)}, "`low` is below `high`: 4 is not below 4"),
        ("constant", {"value": ((1, 2), (3,))}, "rows differ in length"),
        ("dense", {"out": 1 - H}, "a whole number"),
        ("dense", {"out": "H"}, "a whole number"),
    ],
)  # fmt: skip
def test_why_arguments_are_refused(name: str, given: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=r"validation error") as caught:
        layer(name, **given)
    assert why in str(caught.value)


def test_arguments_that_are_accepted() -> None:
    layer("dense", out=H)
    layer("dense", out=1, init=("normal", 0.5))
    layer("dense", out=1, init=("uniform", -1.0, 1.0))
    layer("dense", out=1, init="uniform")
    layer("attention", heads=1, rope=1e4, rope_scaling=("llama3", 8, 1.0, 4.0, 8192))
    kinds = [arguments.init_kind(init) for init in ("normal", ("uniform", 0.0, 1.0), 0.5, None)]
    assert kinds == ["normal", "uniform", None, None]
    assert layer("dense", out=H + 1).model_dump_json(exclude_defaults=True) == '{"out":"H + 1"}'
    assert layer("reshape", shape=(H, -1)).model_dump_json() == '{"shape":["H",-1]}'
    found = find_layer("dense")
    assert found is not None
    assert found.model_validate_json('{"out": "H + 1"}').out == H + 1  # type: ignore[attr-defined]


# -- costs, weights and reach ----------------------------------------------------------------------------------


def test_base() -> None:
    assert product([]) == 1
    assert product([2, 3, H]) == 6 * H
    assert Cost(1, 2, 3, 4, 5).flops == 9
    assert Cost(0, 0, 0, 0, 0) == FREE
    assert whole(T((3, 4, 5))) == Reach((4, 5), (0, 0), (0, 0))
    assert last_axes(T((3, 4, 5)), 1) == Reach((1, 5), (1, 0), (0, 0))
    assert last_axes(T((3, 4, 5)), 3) == last_axes(T((3, 4, 5)), 2) == whole(T((3, 4, 5)))
    assert last_axes(T((3,)), 1) == POINT
    assert trained_or_fixed((2,), None, None) == Weight((2,), "trainable", "float32", "fan")
    assert trained_or_fixed((2,), None, 0.0) == Weight((2,), init=0.0)
    assert trained_or_fixed((2,), (1, 2), None) == Weight((2,), "fixed", init=("literal", (1, 2)))
    assert Weight((2,), init=("literal", (1, 2))).literal == (1, 2)
    assert [Weight((2,), init=init).literal for init in (("normal", 1), "fan", 1.0)] == [None, None, None]
    assert Weight((2,), dtype="int64").type == T((2,), "int64")


# -- code --------------------------------------------------------------------------------------------------------


def test_code() -> None:
    assert [torchrule.dim(axis) for axis in (0, 2, -1)] == [1, 3, -1]
    assert [torchrule.alike(value) for value in ((2, 2), (2, 3), 2, "same", ((1, 1), (1, 1)))] == [2, (2, 3), 2, "same", (1, 1)]  # fmt: skip
    assert torchrule.given("k", (3, 3), "kernel", (1, 1)) == Arg(3, "kernel", 1, None)
    assert torchrule.given("k", 3, "kernel", 1) == Arg(3, "kernel", 1, Of("k"))
    assert torchrule.channels(T((3, 4))) == Arg(3, "", torchrule.NOTHING, Size(0, 0))
    assert torchrule.features_in(T((3, 4))) == Arg(4, "", torchrule.NOTHING, Size(0, 1))
    assert torchrule.literal((1, (2, 3))) == (1.0, (2.0, 3.0))
    assert torchrule.literal((1, 2), 2) == (((1.0, 2.0),),)
    assert type(torchrule.literal(1)) is float
    assert torchrule.with_literal(Torch("nn.Linear"), None, 2) == Torch("nn.Linear")
    fixed = torchrule.with_literal(Torch("nn.Linear", args=(Arg(2),)), (1, -1), 3)
    assert fixed == Torch("fixed_weight(nn.Linear({args}), {literal})", args=(Arg(2),), literal=(((1.0, -1.0),),))
    assert [torchrule.aligned("x", *ranks) for ranks in ((2, 4), (3, 3), (0, 1))] == ["x[:, None, None]", "x", "x[:, None]"]  # fmt: skip
    assert torchrule.aligned("x", 2, 4, batched=False) == "x"


def test_filled_in() -> None:
    args = [(Arg(3), "3"), (Arg(1, "stride", 1), "1"), (Arg(2, "pad", 0), "2")]
    assert fill("F.conv", ["x", "w"], args) == "F.conv(x, w, 3, pad=2)"
    assert fill("F.conv", [], []) == "F.conv()"
    assert fill("{0} + {1} * {pad} - {literal}", ["x", "y"], args, "[1.0]") == "x + y * 2 - [1.0]"
    assert fill("cat([{inputs}], {args})", ["x", "y"], args) == "cat([x, y], 3, pad=2)"
    assert fill("cat([{inputs}], {args})", ["x", "y"], [(Arg(1, "stride", 1), "1")]) == "cat([x, y])"


def test_calls_of_modules() -> None:
    rule = Torch(
        "nn.RNN", call="{module}({0}, {1})", given=("{0}", "{0}.unsqueeze(0).contiguous()"), targets="{0}, {1}",
        outputs=("{0}", "{1}.squeeze(0)"),
    )  # fmt: skip
    assert rule.taken(["x", "h"]) == ["x", "h.unsqueeze(0).contiguous()"]
    assert rule.taken(["x", "h.squeeze(0)"]) == ["x", "h"]  # as another layer gave it
    turned = rule._replace(given=("{0}", "{0}.transpose(0, 1).contiguous()"))
    assert turned.taken(["x", "h.transpose(0, 1)"]) == ["x", "h"]
    assert rule.applied("self.rnn", ["x", "h"]) == "self.rnn(x, h)"
    assert rule.statements("self.rnn", ["x", "h"]) == [
        "made0, made1 = self.rnn(x, h.unsqueeze(0).contiguous())", "return made0, made1.squeeze(0)",
    ]  # fmt: skip
    assert rule._replace(targets="").statements("m", ["x", "h"]) == ["return m(x, h.unsqueeze(0).contiguous())"]
    assert Torch("nn.ReLU").statements("m", ["x", "y"]) == ["return m(x, y)"]


# -- layers of other packages --------------------------------------------------------------------------------------


class Shift(Layer):
    """A layer of another package."""

    example: ClassVar[str] = "shift"

    def output(self, inputs: Types) -> T:
        return inputs[0]

    def weights(self, inputs: Types) -> dict[str, Weight]:
        return {}

    def cost(self, inputs: Types, output: T) -> Cost:
        return FREE

    def reach(self, inputs: Types) -> Reach:
        return POINT

    def torch(self, inputs: Types) -> Torch:
        return Torch("Shift")

    def onnx(self, graph: Any, inputs: Any) -> Any:
        return inputs[0]


class Lacking(Layer):
    """One that lacks most."""

    def output(self, inputs: Types) -> T:
        return inputs[0]


def entry(name: str, value: Any, package: str = "tiny") -> Any:
    def load() -> Any:
        if isinstance(value, Exception):
            raise value
        return value

    return SimpleNamespace(
        name=name, load=load, value=f"{package}:it", module=package, dist=SimpleNamespace(name=package, version="1.0")
    )


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    entries: list[Any] = []
    monkeypatch.setattr(plugins, "_known", {})
    monkeypatch.setattr(plugins, "_entry_points", lambda: tuple(entries))
    return entries


def test_an_installed_layer(installed: list[Any]) -> None:
    assert plugins.find_plugin("shift") is None
    installed += [entry("other", KeyError(), "large"), entry("shift", Shift)]
    assert plugins.find_plugin("shift") is Shift
    installed.clear()
    assert plugins.find_plugin("shift") is Shift  # kept
    assert plugins.part_folders() == [str(sys.modules[__name__].__file__).replace("test_helpers.py", "torch_parts")]


def test_a_registered_layer(installed: list[Any]) -> None:
    assert plugins.part_folders() == []
    assert plugins.register(Shift) is Shift
    assert plugins.find_plugin("shift") is Shift
    with pytest.raises(plugins.PluginError) as caught:
        plugins.register(Lacking)
    assert str(caught.value) == (
        "the class `Lacking` cannot be a layer: its class lacks `cost`, `onnx`, `reach`, `torch`, `weights`, `example`"
    )
    with pytest.raises(plugins.PluginError, match=r"^the class `Conv` cannot be a layer: `conv` is netspec's own"):
        plugins.register(find_layer("conv"))  # type: ignore[type-var]


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ([entry("shift", Shift, "b"), entry("shift", Shift, "a")], "the packages a 1.0 and b 1.0 both have a layer `shift`"),
        ([entry("shift", KeyError("x"))], "the layer `shift` of the package tiny 1.0 (tiny:it) cannot be used: KeyError: 'x'"),
        ([entry("shift", ValueError("no"))], "the layer `shift` of the package tiny 1.0 (tiny:it) cannot be used: no"),
        ([entry("shift", 7)], "the layer `shift` of the package tiny 1.0 (tiny:it) cannot be used: it is no subclass of netspec.ops.base.Layer"),
        ([entry("shift", Problem)], "the layer `shift` of the package tiny 1.0 (tiny:it) cannot be used: it is no subclass of netspec.ops.base.Layer"),
        ([entry("shift", Shift), entry("relu", Shift)], "the layer `shift` of the package tiny 1.0 (tiny:it) cannot be used: `relu` is netspec's own, which cannot be replaced"),
        ([entry("shift", Shift), entry("basic", Shift)], "the layer `shift` of the package tiny 1.0 (tiny:it) cannot be used: `basic` is netspec's own, which cannot be replaced"),
        ([entry("shift", Lacking)], "the layer `shift` of the package tiny 1.0 (tiny:it) cannot be used: its class lacks `cost`, `onnx`, `reach`, `torch`, `weights`, `example`"),
    ],
)  # fmt: skip
def test_a_layer_that_cannot_be_used(installed: list[Any], entries: list[Any], why: str) -> None:
    installed += entries
    with pytest.raises(plugins.PluginError) as caught:
        plugins.find_plugin("shift")
    assert str(caught.value) == why


def test_a_layer_of_another_name(installed: list[Any]) -> None:
    installed.append(entry("shiff", Shift))
    with pytest.raises(plugins.PluginError, match=r"its class `Shift` is the layer `shift`$"):
        plugins.find_plugin("shiff")


def test_a_package_without_a_distribution(installed: list[Any]) -> None:
    loose = entry("shift", ValueError("no"))
    loose.dist = None
    installed.append(loose)
    with pytest.raises(plugins.PluginError, match=r"of the package tiny \(tiny:it\) cannot be used: no$"):
        plugins.find_plugin("shift")


def test_only_names_of_the_catalogue_are_found() -> None:
    assert find_layer("shift") is None
    assert find_layer("Conv") is None
    assert layer("conv", out=2, k=3).output(types((1, 5))) == T((2, 3))
