"""Parameters of a net that are left symbolic: `--symbolic width`."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from click.testing import CliRunner, Result

import netspec
from netspec.cli import cli
from netspec.ir.dims import substitute, symbol

NET = """
net Small(width = 64, depths = (1, 2), rate = 0.5, classes = 10) {
  input image: [3, H=32, W=32]
  conv width k=3 pad=1 bias=false -> batchnorm -> relu   -> [width, H, W]
  conv (2 * width) k=3 pad=1 groups=width                -> [2 * width, H, W]
  globalavgpool -> flatten -> dropout rate
  dense classes
}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("small.net").write_text(NET, encoding="utf-8")
    return tmp_path


def check(*arguments: str, code: int = 0, command: str = "check") -> Result:
    result = CliRunner().invoke(cli, [command, *arguments])
    assert result.exit_code == code, result.output
    return result


def text(expected: str) -> str:
    return "\n" + dedent(expected).strip("\n") + "\n"


def test_figures_are_formulas() -> None:
    net = netspec.load("small.net", symbolic="width")
    width = symbol("width")
    # 27 w + 2 w of the first convolution and its normalisation, 18 w + 2 w of the second, 20 w + 10 of the head
    assert net.params == 69 * width + 10
    assert net.macs == (27 + 18) * 1024 * width + 20 * width
    assert net.outputs == {"dense1": (10,)}
    assert net["conv2"].output == (2 * width, 32, 32)
    assert substitute(net.params, {"width": 64}) == netspec.load("small.net").params


def test_sizes_and_parameters() -> None:
    net = netspec.load("small.net", symbolic=("width", "H"))
    assert net["conv2"].output == (2 * symbol("width"), symbol("H"), 32)
    assert net.inputs == {"image": (3, symbol("H"), 32)}
    every = netspec.load("small.net", symbolic=("*", "classes"))
    assert every.inputs == {"image": (3, symbol("H"), symbol("W"))}
    assert every.outputs == {"dense1": (symbol("classes"),)}
    assert netspec.load("small.net", symbolic=True).outputs == {"dense1": (10,)}


def test_a_parameter_without_a_value() -> None:
    net = netspec.loads("net A(n) { input x: [8]\n dense n }", symbolic="n")
    assert net.params == 9 * symbol("n")


def test_what_cannot_be_left_symbolic() -> None:
    assert check("small.net", "--symbolic", "depths", code=2).stderr == text(
        """
        error[NS221]: `depths` cannot be left symbolic: it is a list of 2 values
         --> small.net:2:23
          |
        2 | net Small(width = 64, depths = (1, 2), rate = 0.5, classes = 10) {
          |                       ^^^^^^ is no whole number
          |
          = help: whole numbers can be: `width`, `classes`

        1 error
        """
    )
    assert "is the number 0.5" in check("small.net", "--symbolic", "rate", code=2).stderr
    assert check("small.net", "--symbolic", "width", "--set", "width=3", code=2).stderr == text(
        """
        error[NS221]: `width` cannot be left symbolic: it has a value from `--set`
          = help: leave out `--set width=...` or `--symbolic width`

        1 error
        """
    )


def test_a_name_that_does_not_exist() -> None:
    assert check("small.net", "--symbolic", "widht", code=2).stderr == text(
        """
        error[NS220]: `Small` has no parameter or symbol `widht` to leave symbolic
          = help: did you mean `width`?

        1 error
        """
    )
    assert "there are: width, depths, rate, classes, H, W" in check("small.net", "--symbolic", "q", code=2).stderr


@pytest.mark.parametrize(
    ("arguments", "inputs", "outputs"),
    [
        (["--symbolic", "small.net"], "[3, H, W]", "[10]"),
        (["small.net", "--symbolic"], "[3, H, W]", "[10]"),
        (["--symbolic", "H", "small.net"], "[3, H, 32]", "[10]"),
        (["small.net", "--symbolic", "classes", "--depth", "2"], "[3, 32, 32]", "[classes]"),
        (["--symbolic", "--symbolic", "classes", "small.net"], "[3, H, W]", "[classes]"),
        (["--symbolic=classes", "--symbolic", "./small.net"], "[3, H, W]", "[classes]"),
        (["--symbolic", "small.net:Small", "--depth", "2"], "[3, H, W]", "[10]"),
        (["--symbolic", "lenet"], "[1, 28, 28]", "[10]"),
    ],
)
def test_the_word_after_the_option(arguments: list[str], inputs: str, outputs: str) -> None:
    lines = check(*arguments).stdout.splitlines()
    assert next(line for line in lines if line.startswith(("image", "input"))).split(maxsplit=1)[1] == inputs
    assert outputs in next(line for line in reversed(lines) if " dense " in line)


def test_conditions_on_a_parameter() -> None:
    Path("heads.net").write_text("net A(dim = 96) {\n  input x: [T=4, dim]\n  attention 8 bias=false\n}\n")
    assert '`--symbolic "dim % 8 == 0"`' in check("heads.net", "--symbolic", "dim", code=1).stderr
    made = check("heads.net", "--symbolic", "dim % 8 == 0", "--columns", "params")
    assert "4*dim*dim" in made.stdout
    assert netspec.load("heads.net", symbolic="16 <= dim <= 64 and dim % 8 == 0").params == 4 * SIXTEENS * SIXTEENS
    two = netspec.load("heads.net", symbolic=("dim <= 64", "dim % 8 == 0", "dim >= 16"))
    assert two.params == 4 * SIXTEENS * SIXTEENS


SIXTEENS = symbol("dim", 16, 64, 8)


@pytest.mark.parametrize(
    ("condition", "code", "told"),
    [
        ("width * 2 >= 64", "NS514", "width does not stand alone"),
        ("width >= 64 or width < 3", "NS514", "this compares no symbol with a number"),
        ("width >= classes", "NS514", "this is about two symbols, width and classes"),
        ("64 > 3", "NS514", "this is about no parameter and no size of an input"),
        ("width == 16", "NS514", "`--set width=16` gives it a value"),
        ("width % 0 == 0", "NS514", "nothing is divided by 0"),
        ("width % 8 == 1 and width % 4 == 0", "NS515", "by those before it, width % 4 is 1"),
        ("64 < width < 60", "NS515", "no size that the others leave meets `64 < width < 60`"),
        ("width >=", "NS102", "expected a value"),
        ("width >= 1.5", "NS210", "the number 1.5"),
    ],
)
def test_what_is_no_condition(condition: str, code: str, told: str) -> None:
    text = check("small.net", "--symbolic", condition, code=2).stderr
    assert text.startswith(f"\nerror[{code}]: ")
    assert " --> --symbolic:1:" in text
    assert told in text


def test_conditions_of_the_command_and_of_the_input_hold_together() -> None:
    text = "net A {\n  input x: [3, H=32] where H % 4 == 0\n  assert H % 12 == 0 and H >= 48\n}"
    assert netspec.loads(text, symbolic="H % 3 == 0 and H > 36").inputs == {"x": (3, symbol("H", 48, None, 12))}
    with pytest.raises(netspec.SpecError, match="H % 4 is 0"):
        netspec.loads(text, symbolic="H % 8 == 1")


def test_conditions_decide_which_layers_there_are() -> None:
    text = "net A(n = 8) {\n  input x: [n]\n  if n > 4 { dense 3 } else { dense 5 }\n}"
    assert netspec.loads(text, symbolic="n >= 5").outputs == {"dense1": (3,)}
    assert netspec.loads(text, symbolic="n < 5").outputs == {"dense1": (5,)}
    with pytest.raises(netspec.SpecError, match="the test is true at some sizes only: n > 4"):
        netspec.loads(text, symbolic="n")


CLAIMS = """
net Claims(width = 8, classes = 10) {
  input image: [3, 4, 4]
  conv width k=1   -> [8, 4, 4]
  flatten          -> [16 * width]
  dense classes    -> [classes]
  assert params == 1_322
  assert params == 1_322 or (width, classes) != (8, 10)
  assert params > 3 * width
}
"""


def test_claims_that_parameters_leave_open() -> None:
    Path("claims.net").write_text(CLAIMS)
    assert "All 6 claims hold." in check("claims.net").stdout
    # the first shape and the first figure are those of width 8; the others hold at any width
    open_width = check("claims.net", "--symbolic", "width")
    assert "4 claims hold at every size; 2 claims depend on what is left symbolic." in open_width.stdout
    assert "5 claims hold at every size; 1 claim depends on what is left symbolic." in (
        check("claims.net", "--symbolic", "classes").stdout
    )


def test_a_claim_that_holds_at_no_width_is_wrong() -> None:
    Path("claims.net").write_text(CLAIMS.replace("params > 3", "params < 3").replace("[16 * width]", "[15 * width]"))
    told = check("claims.net", "--symbolic", "width", code=1).stderr
    assert "error[NS401]: the shape is [16*width], not [15*width]" in told
    Path("claims.net").write_text(CLAIMS.replace("params > 3", "params < 3"))
    assert check("claims.net", "--symbolic", "width", code=1).stderr == text(
        """
        error[NS402]: the claim does not hold: params < 3 * width
         --> claims.net:9:10
          |
        9 |   assert params < 3 * width
          |          ^^^^^^^^^^^^^^^^^^ params is 164*width + 10, 3 * width is 3*width
          |
          = help: correct the claim, or the net

        1 error
        """
    )


def test_published_figures_are_claimed_of_the_usual_values() -> None:
    assert "All 7 claims hold." in check("vgg:VGG16", "--symbolic", "width").stdout
    assert "All 9 claims hold." in check("vgg:VGG16").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("export", "small.net", "-o", "small.onnx", "--symbolic", "width"),
        ("verify", "small.net", "--symbolic", "width"),
    ],
)
def test_what_is_made_needs_numbers(arguments: tuple[str, ...]) -> None:
    command, *rest = arguments
    result = CliRunner().invoke(cli, [command, *rest])
    assert result.exit_code == 1
    assert (
        text(
            """
        error[NS706]: the parameter `width` of `Small` is left symbolic, and needs a value here
          = help: leave out `--symbolic width`, or give it another value: `--set width=64`
        """
        )
        in result.stderr
    )


def test_the_api_needs_numbers() -> None:
    net = netspec.load("small.net", symbolic="width")
    for make in (net.torch_source, net.to_torch, lambda: net.to_onnx("x.onnx"), lambda: list(net.initial_weights())):
        with pytest.raises(netspec.SpecError, match="`width` of `Small` is left symbolic"):
            make()


def test_sizes_can_be_left_symbolic_by_name_in_a_model() -> None:
    onnx = pytest.importorskip("onnx")
    check("lenet5", "-o", "x.onnx", "--symbolic", "H", command="export", code=2)  # it has no such size
    check("small.net", "-o", "small.onnx", "--symbolic", "H", command="export")
    sizes = onnx.load("small.onnx").graph.input[0].type.tensor_type.shape.dim
    assert [size.dim_param or size.dim_value for size in sizes] == ["batch", 3, "H", 32]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("conv 8 k=width", "`k` needs a number: give `width` a value with `--set`"),
        ("conv 8 k=3 stride=(width, 1)", "`stride` needs a number"),
        ("conv 8 k=3 pad=width", "`pad` needs a number"),
        ("conv (width / 2) k=3", "sizes are whole numbers: use // to divide them"),
        ("conv (0 - width) k=3", "-width is too small at every size"),
        ("repeat width { conv 3 k=1 }", "this needs a whole number"),
        ("for i in range(width) { conv 3 k=1 }", "the size width is not a whole number"),
        ("dropout width", "`p` needs a number"),
        ('"a{width}": conv 3 k=1', "this needs a number or a text"),
    ],
)
def test_what_needs_a_number(line: str, told: str) -> None:
    Path("wrong.net").write_text(f"net A(width = 2) {{\n  input image: [3, 32, 32]\n  {line}\n}}\n")
    check("wrong.net", code=0 if "0 - width" not in line and "/ 2" not in line and "dropout" not in line else 1)
    assert told in check("wrong.net", "--symbolic", "width", code=1).stderr


def test_json_has_formulas_as_strings() -> None:
    import json

    made = json.loads(check("small.net", "--symbolic", "width", "--format", "json").stdout)
    assert made["params"] == "69*width + 10"
    assert made["layers"][0]["weights"] == {"weight": ["width", 3, 3, 3]}


@pytest.mark.parametrize("symbolic", ["width", "16 <= width <= 64", "width % 8 == 0"])
def test_ir_with_formulas_comes_back(symbolic: str) -> None:
    from netspec.driver import Compilation, find_source
    from netspec.source import SourceFile

    net = netspec.load("small.net", symbolic=symbolic)
    made = Compilation(SourceFile("<text>", net.ir.model_dump_json()))
    assert made.sound
    assert made.totals is not None
    assert made.totals.params == net.params
    assert find_source("small.net").text == NET
