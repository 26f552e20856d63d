"""What `netspec check` says of symbolic sizes: the sizes that fit, and formulas that can be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from netspec import load, loads
from netspec.cli import cli
from netspec.emit.sizes import lines, short
from netspec.ir.dims import maximum, symbol

H, W = symbol("H"), symbol("W")


def checked(tmp_path: Path, text: str, *options: str) -> str:
    path = tmp_path / "net.net"
    path.write_text(text)
    result = CliRunner().invoke(cli, ["check", str(path), *options])
    assert result.exit_code == 0, result.output
    return result.output


def sizes_of(output: str) -> list[str]:
    """The lines about sizes, without their label."""
    found = output.splitlines()
    first = next(i for i, line in enumerate(found) if line.startswith("sizes "))
    last = next(i for i, line in enumerate(found) if line.startswith("Counted "))
    return [line[13:] for line in found[first:last]]


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("alexnet:AlexNet", [
            "H >= 63 (features.12 would see 2 rows of 3), W >= 63",
            "nothing is dropped where H % 32 in (0, 1, 31) and W % 32 in (0, 1, 31);",
            "else features.0, features.2, features.5 and features.12 drop some",
        ]),
        ("vgg:VGG16", [
            "H >= 32 (features.30 would see 1 row of 2), W >= 32",
            "nothing is dropped where H % 32 == 0 and W % 32 == 0;",
            "else features.4, features.9, features.16 and 2 others drop some",
        ]),
        ("resnet:ResNet18", ["any H and W", "nothing is dropped at any size"]),
        ("gpt2:GPT2Small", ["T <= 1024 (wpe has 1024 rows)"]),
        ("seq2seq:Seq2Seq", ["any S and T"]),
    ],
)  # fmt: skip
def test_the_sizes_of_bundled_specs(target: str, told: list[str]) -> None:
    result = CliRunner().invoke(cli, ["check", target, "--symbolic", "--depth", "0"])
    assert result.exit_code == 0
    assert sizes_of(result.output) == told


@pytest.mark.parametrize(
    ("net", "told"),
    [
        ("net A { input x: [4, L]\n conv 4 k=7\n}", ["L >= 7 (conv1 would see 6 positions of 7)"]),
        ("net A { input x: [L, 8]\n position 12 -> slice 0 3 -2\n}",
         ["6 <= L <= 12 (slice1 would take 3 to 3 of 5; position1 has 12 rows)"]),
        ("net A { input x: [L, 8]\n position 4 -> slice 0 3\n}",
         ["only L == 4 (slice1 would take 3 to 3 of 3; position1 has 4 rows)"]),
        ("net A { input x: [3, H, W]\n conv 8 k=16 stride=16 -> reshape (8, -1) -> permute (1, 0) -> position 196\n}",
         ["H >= 16 (conv1 would see 15 rows of 16), W >= 16, (H // 16)*(W // 16) <= 196 (position1)",
          "nothing is dropped where H % 16 == 0 and W % 16 == 0;", "else conv1 drops some"]),
        ("net A { input x: [4, H, 8]\n conv 4 k=2 stride=2 -> relu\n}",
         ["H >= 2 (conv1 would see 1 row of 2)", "nothing is dropped where H % 2 == 0;", "else conv1 drops some"]),
    ],
)  # fmt: skip
def test_the_sizes_of_small_nets(tmp_path: Path, net: str, told: list[str]) -> None:
    assert sizes_of(checked(tmp_path, net)) == told


def test_numbers_have_no_line_about_sizes() -> None:
    assert "\nsizes " not in CliRunner().invoke(cli, ["check", "lenet"]).output


def test_sizes_in_json(tmp_path: Path) -> None:
    net = "net A { input x: [L, 8]\n position 12 -> permute (1, 0) -> conv 8 k=3 stride=2\n}"
    found = json.loads(checked(tmp_path, net, "--format", "json"))
    assert found["sizes"] == {
        "symbols": {
            "L": {
                "least": 3,
                "most": 12,
                "least_by": {"layer": "conv1", "reason": "would see 2 positions of 3"},
                "most_by": {"layer": "position1", "reason": "has 12 rows"},
                "fits": True,
                "nothing_dropped": "L % 2 == 1",
            }
        },
        "conditions": [],
        "drops": [{"layer": "conv1", "axis": "length", "unless": "L % 2 == 1"}],
    }
    assert json.loads(checked(tmp_path, net, "--set", "L=9", "--format", "json"))["sizes"] is None


def test_sizes_in_python() -> None:
    net = load("alexnet:AlexNet", symbolic=True)
    assert (net.sizes["H"].least, net.sizes["H"].most) == (63, None)
    assert str(net.sizes["H"].least_by) == "features.12 would see 2 rows of 3"
    assert str(net.sizes["W"].whole) == "W % 32 in (0, 1, 31)"
    assert load("alexnet:AlexNet").sizes == {}
    assert "H &gt;= 63" in net._repr_html_()


def test_a_size_one_below_is_an_error_as_before(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["check", "alexnet:AlexNet", "--set", "H=62"])
    assert result.exit_code == 1


def test_a_long_formula_in_a_table_is_its_leading_term() -> None:
    assert short(H * 3) == "3*H"
    assert short(9408 * ((H + 1) // 2) * ((W + 1) // 2) + 512_000) == "9408*((H + 1) // 2)*((W + 1) // 2) + ..."
    assert short(maximum(9408 * ((H + 1) // 2) * ((W + 1) // 2), 512_000)) == (
        "max(9408*((H + 1) // 2)*((W + 1) // 2), ...)"
    )


def test_a_long_formula_in_lines() -> None:
    whole = 9408 * ((H + 1) // 2) * ((W + 1) // 2) + 147_456 * ((H + 3) // 4) * ((W + 3) // 4) - 17 * H - 512_000
    assert lines(whole) == [
        "147456*((H + 3) // 4)*((W + 3) // 4)",
        "+ 9408*((H + 1) // 2)*((W + 1) // 2)",
        "- 17*H",
        "- 512000",
    ]
    assert lines(H * W + 1) == ["H*W + 1"]
    assert lines(maximum(whole, 600 * H * W)) == [
        "max(",
        "  147456*((H + 3) // 4)*((W + 3) // 4)",
        "  + 9408*((H + 1) // 2)*((W + 1) // 2)",
        "  - 17*H",
        "  - 512000,",
        "  600*H*W",
        ")",
    ]


def test_the_summary_breaks_formulas_and_shortens_cells() -> None:
    result = CliRunner().invoke(cli, ["check", "resnet:ResNet18", "--symbolic", "--depth", "0"])
    assert "\ntotal " in result.output
    total = next(line for line in result.output.splitlines() if line.startswith("total "))
    assert total.endswith("147456*((H + 3) // 4)*((W + 3) // 4) + ...")
    assert "MACs         147456*((H + 3) // 4)*((W + 3) // 4)\n             + 2097152*" in result.output
    assert max(map(len, result.output.splitlines())) <= 150


def test_markdown_and_csv_have_whole_formulas(tmp_path: Path) -> None:
    net = "net A { input x: [3, H, W]\n conv 8 k=3 stride=2 -> conv 8 k=3 stride=2 -> conv 4 k=1\n}"
    whole = str(loads(net).macs)
    assert len(whole) > 60
    for form in ("markdown", "csv"):
        assert whole in checked(tmp_path, net, "--format", form)
    assert whole not in checked(tmp_path, net).split("MACs  ")[0]
