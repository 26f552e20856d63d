"""Everything that the documentation shows is so: commands, outputs, specs, Python, generated parts, links."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from doc_pages import PAGES, ROOT, Mismatch, blocks, run_page
from rewrite import COSTS, generated

from netspec import limits
from netspec.elaborate.expressions import FACTS, FUNCTIONS, SHAPE_FACTS
from netspec.elaborate.files import standard_names
from netspec.emit import catalogue
from netspec.ops import FAMILIES, find_layer, layer_names

LINK = re.compile(r"(?<!!)\[[^\]\n]+\]\(([^)\s]+)\)")


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_what_the_page_shows_is_so(name: str, tmp_path: Path) -> None:
    assert run_page(text_of(name), tmp_path) > 0


@pytest.mark.parametrize("name", ["docs/layers.md", "docs/counting.md"])
def test_generated_parts_are_current(name: str) -> None:
    assert text_of(name) == generated(name, text_of(name)), "run `make docs`"


def test_the_cost_table_has_its_place() -> None:
    assert len(COSTS.findall(text_of("docs/counting.md"))) == 1


def test_the_limits_are_those_of_the_code() -> None:
    section = text_of("docs/language.md").split("## Limits")[1]
    told = re.findall(r"^\| .* \| ([\d,]+)( MiB)? \|$", section, flags=re.MULTILINE)
    values = [int(number.replace(",", "")) * (2**20 if unit else 1) for number, unit in told]
    assert values == [value for name, value in vars(limits).items() if name.isupper()]


def test_the_reserved_words_are_those_of_the_grammar() -> None:
    section = text_of("docs/language.md").split("## Reserved words")[1].split(": these cannot")[0]
    grammar = (ROOT / "grammar" / "netspec.lark").read_text(encoding="utf-8")
    assert set(re.findall(r"`(\w+)`", section)) == set(re.findall(r'^[A-Z]+: "([a-z]+)"$', grammar, flags=re.MULTILINE))


def test_the_functions_and_facts_are_told() -> None:
    text = text_of("docs/language.md")
    for name in (*FUNCTIONS, *FACTS, *SHAPE_FACTS):
        assert re.search(rf"`(?:x\.)?{name}`", text), name


def slugs(text: str) -> set[str]:
    """The anchors that GitHub gives a page's headings."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    found: list[str] = []
    for title in re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE):
        slug = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        found.append(slug if slug not in found else f"{slug}-{found.count(slug)}")
    return set(found)


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name: str) -> None:
    broken = []
    for target in LINK.findall(re.sub(r"^```.*?^```$", "", text_of(name), flags=re.MULTILINE | re.DOTALL)):
        if target.startswith("http"):
            continue
        path, _, anchor = target.partition("#")
        file = (ROOT / name).parent / path if path else ROOT / name
        if not file.exists() or (anchor and anchor not in slugs(file.read_text(encoding="utf-8"))):
            broken.append(target)
    assert broken == []


def test_shell_blocks_name_targets_of_the_makefile() -> None:
    made = re.findall(r"^(\w+):", text_of("Makefile"), flags=re.MULTILINE)
    for name in PAGES:
        for block in blocks(text_of(name)):
            for target in re.findall(r"\bmake (\w+)", block.text) if block.language in ("sh", "console") else ():
                assert target in made, f"{name}:{block.line}"


# The runner itself: it must fail where a page is wrong.

SOUND = """
```netspec
# one.net
net One {
  input x: [4]
  dense 3   -> [3]
}
```

```console
$ netspec check one.net --format csv
path,kind,layer,repeat,output,params,macs
dense1,layer,dense 3,1,[3],15,12
total,net,One,1,,15,12
$ netspec check one.net --format json | python -c "import json, sys; print(json.load(sys.stdin)['params'])"
15
$ sed 's/-> .3./-> [5]/' one.net > two.net
$ netspec check two.net
...
1 error
$ echo $?
1
```

```python
>>> import netspec
>>> netspec.load("one.net").params
15
```

```python
assert netspec.load("one.net").macs == 12
```
"""


def test_a_sound_page_runs(tmp_path: Path) -> None:
    assert run_page(SOUND, tmp_path) == 4


@pytest.mark.parametrize(
    ("there", "wrong", "line"),
    [
        ("dense1,layer,dense 3,1,[3],15,12", "dense1,layer,dense 3,1,[3],15,13", 11),  # a figure
        ("total,net,One,1,,15,12\n", "", 11),  # a line less
        ("total,net,One,1,,15,12\n", "total,net,One,1,,15,12\nand more\n", 11),  # a line more
        ("['params'])\"\n15", "['params'])\"\n16", 11),  # after a pipe
        ("1 error\n", "2 errors\n", 11),  # on standard error
        ("$ echo $?\n1", "$ echo $?\n0", 11),  # the exit code
        (".params\n15", ".params\n16", 26),  # a doctest
        ("# one.net\n", "", 11),  # a file that is not there
    ],
)
def test_a_wrong_page_does_not(there: str, wrong: str, line: int, tmp_path: Path) -> None:
    assert there in SOUND
    with pytest.raises(Mismatch, match=rf"^line {line - ('# one' in there)}, "):
        run_page(SOUND.replace(there, wrong, 1), tmp_path)


def test_python_that_fails_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        run_page(SOUND.replace("macs == 12", "macs == 13"), tmp_path)


@pytest.mark.parametrize(
    "spec",
    [
        "net Two {\n  input x: [4]\n  dense 3   -> [4]\n}\n",  # a claim that fails
        "net Two {\n  input x: [4]\n  dens 3\n}\n",  # no such layer
        "block two(n) {\n  dense n n n =\n}\n",  # not netspec
    ],
)
def test_a_wrong_spec_is_noticed(spec: str, tmp_path: Path) -> None:
    with pytest.raises(Mismatch, match="error"):
        run_page(f"```netspec\n{spec}```\n", tmp_path)


# The catalogue behind `netspec layers`


def test_every_family_has_a_title() -> None:
    assert set(catalogue._TITLES) == set(FAMILIES)


@pytest.mark.parametrize("name", layer_names())
def test_every_example_is_shown_at_work(name: str) -> None:
    layer = find_layer(name)
    assert layer is not None
    made = catalogue.example(layer)
    assert made is not None
    assert bool(made.inputs) == (layer.inputs != (0, 0))


@pytest.mark.parametrize("name", layer_names())
def test_every_argument_is_told_in_words(name: str) -> None:
    layer = find_layer(name)
    assert layer is not None
    for argument in catalogue.arguments(layer):
        assert not re.search(r"[A-Z]|Annotated|typing|None|Undefined", argument.meaning), argument
        assert "Undefined" not in argument.default
        assert (argument.default == "required") == layer.model_fields[argument.name].is_required()


@pytest.mark.parametrize("name", standard_names())
def test_every_block_has_a_head_and_a_comment(name: str) -> None:
    block = catalogue.std_block(name)
    assert block.head.startswith(name)
    assert "->" in block.about, "the comment gives the shapes"
    assert f"block {name}" in block.source
