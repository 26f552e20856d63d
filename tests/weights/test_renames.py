"""`--rename REGEX=TEXT`."""

from __future__ import annotations

import re

import click
import pytest

from netspec.emit.weights.renames import escaped, parse, renamed, rule


@pytest.mark.parametrize(
    ("rules", "name", "becomes"),
    [
        ([], "a.b", "a.b"),
        ([r"^module\.="], "module.fc.weight", "fc.weight"),
        ([r"^module\.="], "fc.module.weight", "fc.module.weight"),
        (["^=encoder."], "fc.weight", "encoder.fc.weight"),
        (["gamma$=weight", "beta$=bias"], "norm.beta", "norm.bias"),
        (["a=b", "b=c"], "a", "c"),  # one after another
        ([r"layer(\d)\.(\d+)=stage\2.\1"], "layer1.12.w", "stage12.1.w"),
        ([r"(?P<n>\d+)=<\g<n>>"], "a.10", "a.<10>"),
        ([r"^aux.*="], "aux1.fc.weight", ""),  # left out
        (["a=b=c"], "a", "b=c"),  # the first = divides
        ([r"a\=b=c"], "a=b", "c"),
        (["(?=b)=x"], "ab", "axb"),
        (["(?<=a)b=x"], "ab", "ax"),
        (["(?P<q>a)(?P=q)=x"], "aa", "x"),
        (["(module.)?=", "x=y"], "module.x", "y"),
        (["(a)+=x"], "aaa", "x"),
        ([r"[(a+)]+="], "(a)b", "b"),
    ],
)
def test_names(rules: list[str], name: str, becomes: str) -> None:
    assert renamed(name, parse(rules)) == becomes


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("module", "--rename takes REGEX=TEXT, not 'module'"),
        (r"module\=", r"--rename takes REGEX=TEXT, not 'module\\='"),
        ("=x", "--rename takes REGEX=TEXT: '=x' has no REGEX; '^=x' begins every name"),
        ("(a=b", "--rename: missing ), unterminated subpattern\n  (a=b\n  ^"),
        ("a**=b", "--rename: multiple repeat\n  a**=b\n    ^"),
        ("[=]=b", "--rename: unterminated character set\n  [=]=b\n  ^"),  # write [\\=]
        ("[z-a]=b", "--rename: bad character range z-a\n  [z-a]=b\n   ^"),
        (r"(a)=\2", "--rename: invalid group reference 2\n" + r"  (a)=\2" + "\n       ^"),
        (r"a=\g<b>", "--rename: unknown group name 'b'\n" + r"  a=\g<b>" + "\n    ^"),
        (r"a=b\q", "--rename: bad escape \\q\n" + r"  a=b\q" + "\n     ^"),
        ("a{99999999999999999}=b", "--rename: it is too large\n  a{99999999999999999}=b\n  ^"),
        ("a" * 1001 + "=b", "--rename has a regular expression of more than 1,000 characters"),
    ],
)
def test_wrong_rules(given: str, said: str) -> None:
    with pytest.raises(click.UsageError) as raised:
        parse([given])
    assert raised.value.message == said


@pytest.mark.parametrize(
    ("regex", "place"), [("(a+)+", 4), ("(a|a)*", 5), ("((a+))+b", 6), ("(a*b){2,}", 5), (r"((?:\w+)\.)*", 11)]
)
def test_repeats_that_may_take_for_ever(regex: str, place: int) -> None:
    with pytest.raises(click.UsageError) as raised:
        parse([f"{regex}=x"])
    assert raised.value.message == (
        "--rename: this repeats a group that has repeats or alternatives, which can take for ever\n"
        f"  {regex}=x\n  {' ' * place}^"
    )


def test_names_do_not_grow_without_bound() -> None:
    rules = parse(["(.+)=\\1\\1"] * 60)
    with pytest.raises(click.UsageError, match="makes a name of more than 1,000 characters"):
        renamed("abc", rules)


@pytest.mark.parametrize("name", ["a.b", "a=b", "a'b", "$(a)", "a\\b", "(a|b)*[c]^", "größe"])
def test_rules_that_are_proposed(name: str) -> None:
    """Any name can be found by a rule, and a shell gives it on as it is."""
    import shlex

    option, given = shlex.split(rule(f"^{escaped(name)}$", "x"))
    assert option == "--rename"
    assert renamed(name, parse([given])) == "x"
    assert re.fullmatch(escaped(name), name)
