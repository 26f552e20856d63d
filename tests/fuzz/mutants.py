"""Mistakes put into netspec's rules on purpose, in memory: the source of a module is changed as it is imported.

    python tests/fuzz/mutants.py          # which of them the share of the tests tells from the truth

The share is grown by netspec as it is. Then a process is forked for each mutant, in which netspec is imported anew with
its mistake, and judges nets of the layers concerned until one disagrees: it is killed.
"""

from __future__ import annotations

import builtins
import importlib.abc
import importlib.util
import io
import json
import os
import sys
import tomllib
import warnings
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parents[1]))
MOST = 150  # nets that judge a mutant


class Mutant(NamedTuple):
    name: str
    file: str  # below netspec/
    layers: tuple[str, ...]
    before: str
    after: str

    @property
    def module(self) -> str:
        return "netspec." + self.file.removesuffix(".py").replace("/", ".")


def mutants() -> list[Mutant]:
    found = []
    for path in sorted((HERE / "mutants").glob("*.toml")):
        for name, data in tomllib.loads(path.read_text()).items():
            found.append(Mutant(name, data["file"], tuple(data["layers"]), data["before"], data["after"]))
    return found


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module with its mistake. Text that is read as data, as parts of torch source are, is changed too."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant
        self.path = HERE.parents[1] / "netspec" / mutant.file
        self.source = self.path.read_text().replace(mutant.before, mutant.after)

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        if fullname != self.mutant.module:
            return None
        return importlib.util.spec_from_loader(fullname, self, origin=str(self.path))

    def exec_module(self, module: ModuleType) -> None:
        module.__file__ = str(self.path)
        exec(compile(self.source, str(self.path), "exec"), module.__dict__)


def _change(mutant: Mutant) -> None:
    changed = _Changed(mutant)
    sys.meta_path.insert(0, changed)
    if "torch_parts" in mutant.file:
        opened = builtins.open

        def changed_open(file: Any, *args: Any, **kwargs: Any) -> Any:
            own = isinstance(file, (str, Path)) and Path(file) == changed.path
            return io.StringIO(changed.source) if own else opened(file, *args, **kwargs)

        builtins.open = changed_open


def texts_for(mutant: Mutant, nets: Sequence[str], most: int | None = None) -> list[str]:
    """Nets that use a layer, the shortest first."""
    found = [text for text in nets if any(f"{layer} " in f"{text} ".replace("\n", " ") for layer in mutant.layers)]
    return sorted(found, key=len)[:most]


def _killed(nets: Sequence[str], refused: Sequence[str]) -> str:
    """What tells a mutant from the truth; empty where nothing does. netspec is imported here."""
    from growing import compiled
    from judging import judge

    for text in nets:
        verdict = judge(text)
        if not verdict.agrees and "# refused" not in text:
            return f"{verdict.status}: {verdict.text[:200]}\n{text}"
    for text in (*refused, *(text for text in nets if "# refused" in text)):
        try:
            if not compiled(text).sound:
                continue
        except Exception as error:
            return f"crash: {error}\n{text}"
        verdict = judge(text)
        if not verdict.agrees:
            return f"{verdict.status}: {verdict.text[:200]}\n{text}"
    return ""


def _in_a_child(mutant: Mutant, nets: Sequence[str], refused: Sequence[str]) -> str:
    """`_killed` in a process of its own, which has imported nothing of netspec yet."""
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(out)
            _change(mutant)
            told = _killed(nets, refused)
        except BaseException as error:
            told = f"crash: {type(error).__name__}: {error}"
        os.write(into, told.encode()[:60_000])
        os._exit(0)
    os.close(into)
    with open(out, "rb") as told_in:
        told = told_in.read().decode()
    _, status = os.waitpid(child, 0)
    return told or ("died" if status else "")


def run(nets: Sequence[str], refused: Sequence[str], names: Sequence[str] = ()) -> dict[str, str]:
    """What kills each mutant. netspec must not have been imported."""
    assert "netspec" not in sys.modules
    warnings.simplefilter("ignore")
    import onnx
    import onnxruntime
    import torch.utils.flop_counter

    assert onnx, onnxruntime
    torch.set_num_threads(1)
    found = {}
    for mutant in mutants():
        if not names or mutant.name in names:
            found[mutant.name] = _in_a_child(mutant, texts_for(mutant, nets, MOST), texts_for(mutant, refused))
    return found


def main() -> None:
    """Reads the nets from the standard input as JSON, and prints what kills each mutant."""
    given = json.load(sys.stdin)
    print(json.dumps(run(given["nets"], given["refused"], sys.argv[1:])))


if __name__ == "__main__":
    main()
