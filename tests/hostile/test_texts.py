"""Specs that mean harm: an answer or a clear error, within seconds and 500 MB."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from limited import Outcome, netspec, sound

LARGE = 10_000_000
FULL = 190_000  # as much text as a spec may have, nearly
RANDOM = random.Random(1)


def net(*lines: str) -> str:
    return "\n".join(["net N {", "  input x: [8]", *lines, "}", ""])


def of_length(length: int, text: str) -> str:
    return text * (length // len(text))


def doubled(first: str, step: str, use: str, count: int = 60) -> str:
    lets = [f"let a{i + 1} = {step.replace('<>', f'a{i}')}" for i in range(count)]
    return "\n".join([f"let a0 = {first}", *lets, net(use.replace("<>", f"a{count}"))])


def blocks(head: str, call: str, use: str, count: int = 60) -> str:
    made = [f"block b{i + 1}{call.replace('<>', f'b{i}')}" for i in range(count)]
    return "\n".join([head, *made, net(use.replace("<>", f"b{count}"))])


def check(folder: Path, data: bytes, *options: str) -> Outcome:
    (folder / "x.net").write_bytes(data)
    outcome = netspec("check", "x.net", *options, folder=folder)
    assert sound(outcome), (outcome._replace(out=outcome.out[:500]), outcome.err[-2000:])
    return outcome


NO_TEXT = {
    "empty": (b"", "has no net to check"),
    "comments": (b"# a\n" * 10, "has no net to check"),
    "nul": (b"\0" * 10_000, "U+0000"),
    "elf": (b"\x7fELF\x02\x01\x01\x00\xff\xfe", "is not UTF-8"),
    "random": (bytes(RANDOM.randrange(256) for _ in range(100_000)), "is not UTF-8"),
    "latin-1": ("# \xe9\n".encode("latin-1"), "byte 2 is not UTF-8"),
    "utf-16": (net("relu").encode("utf-16"), "byte 0 is not UTF-8"),
    "escapes": (b'net N { input x: [8]\n relu # \x1b[31m\n "\x1b[2J": relu }', "cannot be a label"),
}


@pytest.mark.parametrize("name", NO_TEXT)
def test_what_is_no_spec(name: str, tmp_path: Path) -> None:
    data, told = NO_TEXT[name]
    outcome = check(tmp_path, data)
    assert outcome.code == 1
    assert told in outcome.err


@pytest.mark.parametrize(
    "data",
    [b"\xef\xbb\xbf" + net("relu").encode(), net("relu").replace("\n", "\r\n").encode()],
    ids=["byte order mark", "crlf"],
)
def test_what_editors_add_is_no_mistake(data: bytes, tmp_path: Path) -> None:
    assert check(tmp_path, data).code == 0


def test_old_line_ends_are_told(tmp_path: Path) -> None:
    assert check(tmp_path, net("relu").replace("\n", "\r").encode()).code == 1


LARGE_TEXTS: dict[str, Callable[[int], str]] = {
    "layers": lambda n: net(of_length(n, "relu -> dense 8 bias=false\n")),
    "comment": lambda n: "#" + "a" * n + "\n" + net("relu"),
    "blank lines": lambda n: "\n" * n + net("relu"),
    "string": lambda n: f'let a = "{"b" * n}"\n' + net("relu"),
    "digits": lambda n: f"let a = {'1' * n}\n" + net("relu"),
    "name": lambda n: f"let {'a' * n} = 1\n" + net("relu"),
    "one line": lambda n: "a" * n,
    "words": lambda n: of_length(n, "a "),
    "random": lambda n: "a" + "".join(RANDOM.choices([chr(c) for c in range(32, 127)], k=n)),
    "random lines": lambda n: "a" + "\n".join("".join(RANDOM.choices("abc{}()->:=1 ", k=40)) for _ in range(n // 41)),
    **{text: lambda n, text=text: of_length(n, text) for text in ("{", "(", "[", "}", "->", ":", "|", "- ", '"')},
    **{text: lambda n, text=text: of_length(n, text) for text in ("if ", "repeat 2 {", "net A {\n", "add { | ")},
}


@pytest.mark.parametrize("name", LARGE_TEXTS)
def test_ten_megabytes(name: str, tmp_path: Path) -> None:
    outcome = check(tmp_path, LARGE_TEXTS[name](LARGE).encode())
    assert outcome.code == 1
    assert "too long" in outcome.err


@pytest.mark.parametrize("name", LARGE_TEXTS)
def test_nearly_as_much_text_as_a_spec_may_have(name: str, tmp_path: Path) -> None:
    check(tmp_path, LARGE_TEXTS[name](FULL).encode())


DEEP = {
    "parentheses": f"let a = {'(' * 10_000}1{')' * 10_000}",
    "signs": f"let a = {'- ' * 10_000}1",
    "powers": f"let a = {'2 ** ' * 10_000}1",
    "negations": f"let a = {'not ' * 10_000}true",
    "choices": f"let a = {'1 if true else ' * 10_000}1",
    "members": f"let a = b{'.c' * 10_000}",
    "indexes": f"let a = b{'[0]' * 10_000}",
    "sums": f"let a = {'1 + ' * 10_000}1",
    "comparisons": f"let a = {'1 < ' * 10_000}1",
    "ifs": net("if true {" * 10_000 + "relu" + "}" * 10_000),
    "groups": net("{" * 10_000 + "relu" + "}" * 10_000),
    "else ifs": net("if false { relu }" + " else if false { relu }" * 10_000),
    "lets": "".join(f"let a{i} = a{i + 1}\n" for i in range(5_000)),
    "lists": net("let a = (1,)", *["let a = (a,)"] * 5_000, "dense a"),
    "nets": net("relu") + "net N0 = N\n" + "".join(f"net N{i + 1} = N{i}\n" for i in range(400)),
}


@pytest.mark.parametrize("name", DEEP)
def test_nesting(name: str, tmp_path: Path) -> None:
    text = DEEP[name]
    check(tmp_path, (text if "net" in text else f"{text}\nnet M(k = a) {{ input x: [8]\n dense k }}").encode())


GROWING = {
    "a comment of signs after a brace": "net N {"
    + "#" * 10_000
    + "\n  input x: [8]\n  add {"
    + " #" * 10_000
    + "\n relu\n",
    "a thousand digits": net(f"dense {'9' * 1000}"),
    "a large exponent": net("dropout 1e999999999"),
    "a tower of powers": net("dense (2 ** 10 ** 10)"),
    "powers of fractions": net("dense (2 ** 0.5 ** -1000)"),
    "a long repeat": net("repeat 1_000_000_000 { dense 8 }"),
    "a long repeat with its index": net("repeat 1_000_000_000 as i { dense (8 + i) }"),
    "a repeat that doubles": net("repeat 1_000_000_000 { concat { | identity | identity } }"),
    "a repeat that doubles a symbol": "net N { input x: [H]\n repeat 1_000_000 { concat { | identity | identity } } }",
    "repeats in repeats": net("repeat 1000 { " * 60 + "relu" + " }" * 60),
    "repeats in repeats with indexes": net("repeat 1000 as i { " * 20 + "dense (i + 1)" + " }" * 20),
    "loops in loops": net("for i in range(1000) { " * 20 + "relu" + " }" * 20),
    "loops of lists": net("for i in range(1000000) { let a = range(1000000) }", "relu"),
    "loops over a long text": net("for i in range(100_000) { let a = " + "1 + " * 10_000 + "1 }", "relu"),
    "blocks": blocks("block b0() { relu }", "() { <> -> <> }", "<>"),
    "blocks with arguments": blocks("block b0(n) { dense n }", "(n) { <> (2 * n) -> <> (2 * n + 1) }", "<> 1"),
    "blocks with a mistake": blocks("block b0() { dens 3 }", "() { <> -> <> }", "<>"),
    "lists": doubled("(1, 1)", "(<>, <>)", "dense <>"),
    "lists compared": doubled("(1, 1)", "(<>, <>)", "dense (1 if <> == <> else 2)"),
    "lists claimed": doubled("(1, 1)", "(<>, <>)", "relu\nassert <> == 1"),
    "lists of weights": doubled("(1, 1)", "(<>, <>)", "dense 3 weight=<>"),
    "ranges": net(*(f"let a{i} = range({1_000_000 - i})" for i in range(60)), "relu"),
    "zips": doubled("range(1000000)", "zip(<>, <>)", "dense <>[0]"),
    "enumerations": doubled("range(1000000)", "enumerate(<>)", "dense <>[0]"),
    "texts": doubled('"aa"', '"{<>}{<>}"', '"{<>}": relu'),
    "symbols": "net N { input x: [A, B]\n" + "dense (it.channels * it.channels + A + B + 1)\n" * 20 + "}",
    "divisions": "net N { input x: [3, A, B]\n" + "conv 3 k=3 stride=2 pad=1\n" * 90 + "}",
    "sizes": f"net N {{ input x: [{'2, ' * 100_000}2]\n flatten }}",
    "paths": net("add { " + "| relu " * 50_000 + "}"),
    "parameters": f"net N({', '.join(f'p{i} = 1' for i in range(50_000))}) {{ input x: [8]\n relu }}",
    "labels": net(*(f"l{i}: relu" for i in range(100_000))),
    "nets": "".join(f"net N{i} {{ input x: [8]\n relu }}\n" for i in range(9_000)),
    "itself": 'use "x.net"\n' + net("relu"),
    "a long shape": net(f"relu -> [{'8, ' * 100_000}8]"),
    "a long argument": net(f"dense ({'1, ' * 100_000}1)"),
}


@pytest.mark.parametrize("name", GROWING)
def test_growth(name: str, tmp_path: Path) -> None:
    check(tmp_path, GROWING[name].encode())


LONG = "z" * 100_000
LONG_NAMES = {
    "layer": (net(LONG), "the name is too long"),
    "label": (net(f"{LONG}: conv"), "the name is too long"),
    "text as a label": (net(f'"{LONG}": conv'), "the text has 100,000 characters"),
    "argument": (net(f"relu {LONG}=1"), "the name is too long"),
    "value": (net(f"dense {LONG}"), "the name is too long"),
    "symbol": (f"net N {{ input x: [Z{LONG}]\n conv 3 }}", "the name is too long"),
    "file": (f'use "{LONG}.net"\n' + net("relu"), "cannot use "),
}


@pytest.mark.parametrize("name", LONG_NAMES)
@pytest.mark.parametrize("form", ["text", "concise", "json", "github", "sarif"])
def test_a_long_name_is_told_shortly(name: str, form: str, tmp_path: Path) -> None:
    text, told = LONG_NAMES[name]
    outcome = check(tmp_path, text.encode(), "--diagnostics", form, "--columns", "params")
    shown = outcome.err if form in ("text", "concise") else outcome.out
    assert told in shown.replace("\\u0060", "`")
    assert len(shown) < 10_000


MISTAKES = {
    "layers": net(*(f"l{i}: relux" for i in range(14_000))),
    "layers of all names": net(*(f"xyz{i}q" for i in range(9_000))),
    "names": net(*(f"dense nm{i}" for i in range(9_000))),
    "arguments": net(*(f"dense 3 ab{i}=4" for i in range(9_000))),
    "shapes": net(*("relu -> [3]" for _ in range(15_000))),
    "claims": net(*(f"assert params == {i} + 1" for i in range(7_000))),
    "misspelt names": "".join(f"let nm{i} = 1\n" for i in range(6_000)) + net(*(f"dense mn{i}" for i in range(6_000))),
    "definitions": net("relu") + "let a = 1\n" * 19_000,
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mass_of_mistakes_is_counted(name: str, tmp_path: Path) -> None:
    outcome = check(tmp_path, MISTAKES[name].encode(), "--depth", "0", "--columns", "params")
    assert outcome.code == 1
    assert "\n... and " in outcome.err
    assert outcome.err.count("\nerror[") <= 1000


DEEP_LABELS = net(*(f"{'g' * 99}: {{" for _ in range(95)), *["relu"] * 5_000, "}" * 95)
MANY_ROWS = "block b { for _ in range(100) { relu } }\n" + net("for _ in range(250) { b }")


@pytest.mark.parametrize(("text", "told"), [(DEEP_LABELS, "10,000,000 characters"), (MANY_ROWS, "25,2")])
@pytest.mark.parametrize("form", ["json", "csv", "markdown"])
def test_listings_are_bounded(text: str, told: str, form: str, tmp_path: Path) -> None:
    outcome = check(tmp_path, text.encode(), "--format", form)
    if form == "json" or "characters" in told:
        assert outcome.code == 1
        assert "NS003" in outcome.out + outcome.err
        assert told in outcome.out + outcome.err
