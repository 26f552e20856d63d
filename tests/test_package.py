"""What a user installs: the distributions hold all they must, and netspec works from each kind of install."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Mapping
from email import message_from_bytes
from pathlib import Path

import pytest

import netspec
from netspec import resources

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("torch", "onnx", "onnxruntime", "numpy")

# One worker of pytest-xdist runs them all, and builds once.
pytestmark = pytest.mark.xdist_group("package")

WHERE = """
import json, netspec
from netspec import resources as r
print(json.dumps([netspec.__file__, r.grammar_file(), r.spec_path("lenet5"), r.std_dir(), r.spec_names()]))
"""


def run(*command: str | Path, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a command with this environment's variables, less those that lend it our packages."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "COV_", "VIRTUAL_ENV"))}
    return subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**clean, "PYTHONUTF8": "1", **env},
        capture_output=True,
        encoding="utf-8",
        timeout=600,
    )


def succeed(*command: str | Path, cwd: Path, **env: str) -> str:
    done = run(*command, cwd=cwd, **env)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Environment:
    """A virtual environment with nothing in it but what is installed here."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, with_pip=True, symlinks=sys.platform != "win32")
        scripts = folder / ("Scripts" if sys.platform == "win32" else "bin")
        self.python = scripts / "python"
        self.netspec = scripts / "netspec"

    def install(self, *what: str | Path) -> None:
        pip = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input")
        succeed(self.python, *pip, "-c", ROOT / "constraints.txt", *what, cwd=ROOT)


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel as built from that sdist."""
    folder = tmp_path_factory.mktemp("dist")
    succeed(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    return folder


@pytest.fixture(scope="module")
def wheel(distributions: Path) -> Path:
    (path,) = distributions.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The wheel and its core dependencies in an environment of their own."""
    environment = Environment(tmp_path_factory.mktemp("installed") / "venv")
    environment.install(wheel)
    return environment


@pytest.fixture(scope="module")
def editable(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    environment = Environment(tmp_path_factory.mktemp("editable") / "venv")
    environment.install("--no-deps", "--editable", ROOT)
    return environment


def names_below(folder: Path, pattern: str) -> set[str]:
    found = {path.relative_to(folder).as_posix() for path in folder.rglob(pattern)}
    assert found, f"no {pattern} in {folder}"
    return found


# The distributions


def test_wheel_holds_the_code_and_the_data(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    info = f"netspec-{netspec.__version__}.dist-info"
    wanted = {f"netspec/{name}" for name in names_below(ROOT / "netspec", "*.py")}
    wanted |= {f"netspec/std/{name}" for name in names_below(ROOT / "netspec/std", "*.net")}
    wanted |= {f"netspec/_data/specs/{name}" for name in names_below(ROOT / "specs", "*.net")}
    wanted |= {f"netspec/_data/grammar/{name}" for name in names_below(ROOT / "grammar", "*.lark")}
    wanted |= {"netspec/py.typed", f"{info}/licenses/LICENSE"}
    assert wanted - held == set()
    assert "netspec/_data/grammar/netspec.lark" in held
    assert "netspec/_data/specs/lenet5.net" in held
    assert {name.split("/")[0] for name in held} == {"netspec", info}
    assert not [name for name in held if "__pycache__" in name]


def test_wheel_states_its_licence_and_its_needs(wheel: Path) -> None:
    info = f"netspec-{netspec.__version__}.dist-info"
    with zipfile.ZipFile(wheel) as archive:
        metadata = message_from_bytes(archive.read(f"{info}/METADATA"))
        scripts = archive.read(f"{info}/entry_points.txt").decode()
    assert metadata["Name"] == "netspec"
    assert metadata["Version"] == netspec.__version__
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Requires-Python"] == ">=3.11"
    needs = [need for need in metadata.get_all("Requires-Dist", []) if "extra ==" not in need]
    assert sorted(need.split(">")[0] for need in needs) == ["click", "lark", "pydantic", "rich"]
    assert set(metadata.get_all("Provides-Extra", [])) == {"torch", "onnx", "examples", "mutation", "all", "dev"}
    assert "netspec = netspec.cli:main" in scripts


def test_sdist_holds_what_building_and_testing_need(distributions: Path) -> None:
    (path,) = distributions.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        held = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    wanted = {"pyproject.toml", "constraints.txt", "Makefile", "LICENSE", "CHANGELOG.md", ".ci/run"}
    for folder in ("netspec", "tests", "benchmarks"):
        wanted |= {f"{folder}/{name}" for name in names_below(ROOT / folder, "*.py")}
    wanted |= {f"specs/{name}" for name in names_below(ROOT / "specs", "*.net")}
    wanted |= {f"grammar/{name}" for name in names_below(ROOT / "grammar", "*.lark")}
    assert wanted - held == set()
    assert not [name for name in held if name.startswith((".venv", ".git/", "dist/"))]


# The installs


def test_installed_netspec_checks_a_bundled_spec(installed: Environment, tmp_path: Path) -> None:
    done = run(installed.netspec, "check", "lenet5", cwd=tmp_path, XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "60,000" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("home", ["missing", "a file", "read-only"])
def test_a_home_that_cannot_be_written_is_no_trouble(installed: Environment, tmp_path: Path, home: str) -> None:
    place = tmp_path / "home"
    if home == "a file":
        place.touch()
    elif home == "read-only":
        place.mkdir(mode=stat.S_IRUSR | stat.S_IXUSR)
    homes = {name: str(place) for name in ("HOME", "USERPROFILE", "LOCALAPPDATA")}
    done = run(installed.netspec, "check", "lenet5", cwd=tmp_path, **homes, XDG_CACHE_HOME="")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "60,000" in done.stdout
    assert done.stderr == ""
    assert place.exists() == (home != "missing")


def test_core_install_brings_nothing_heavy(installed: Environment, tmp_path: Path) -> None:
    find = "import importlib.util, json, sys; print(json.dumps([*map(bool, map(importlib.util.find_spec, {}))]))"
    present = json.loads(succeed(installed.python, "-c", find.format(("click", *HEAVY)), cwd=tmp_path))
    assert dict(zip(("click", *HEAVY), present, strict=True)) == {"click": True} | dict.fromkeys(HEAVY, False)


def test_core_install_has_consistent_needs(installed: Environment, tmp_path: Path) -> None:
    succeed(installed.python, "-m", "pip", "check", cwd=tmp_path)


# Where netspec finds its files


def check_resources(listing: str, package: Path, data: Path) -> None:
    """Compare what WHERE printed with the folder of the package and that of the data."""
    module, grammar, lenet5, std, names = json.loads(listing)
    assert Path(module).parent == package
    assert Path(grammar) == data / "grammar" / "netspec.lark"
    assert Path(lenet5) == data / "specs" / "lenet5.net"
    assert Path(std) == package / "std"
    assert names == sorted(path.stem for path in (ROOT / "specs").glob("*.net"))
    for path in (grammar, lenet5):
        assert Path(path).is_file()
    assert any(Path(std).glob("*.net"))


def test_resources_of_a_wheel(installed: Environment, tmp_path: Path) -> None:
    listing = succeed(installed.python, "-c", WHERE, cwd=tmp_path)
    package = Path(json.loads(listing)[0]).parent
    assert ROOT not in package.parents
    check_resources(listing, package, package / "_data")


def test_resources_of_an_editable_install(editable: Environment, tmp_path: Path) -> None:
    check_resources(succeed(editable.python, "-c", WHERE, cwd=tmp_path), ROOT / "netspec", ROOT)


def test_resources_of_a_plain_checkout(tmp_path: Path) -> None:
    listing = succeed(sys.executable, "-c", WHERE, cwd=tmp_path, PYTHONPATH=str(ROOT))
    check_resources(listing, ROOT / "netspec", ROOT)


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../specs/lenet5",
        "lenet5.net",
        "LeNet5",
        "lenet5\n",
        "/lenet5",
        "len\0et5",
        "\uff4cenet5",
        "no_such",
    ],
)
def test_no_spec_has_such_a_name(name: str) -> None:
    assert resources.spec_path(name) is None


# The cache


def set_cache(monkeypatch: pytest.MonkeyPatch, system: str, variables: Mapping[str, str]) -> None:
    monkeypatch.setattr(sys, "platform", system)
    for name in ("HOME", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


class TestCache:
    @pytest.mark.parametrize(
        ("system", "variables", "expected"),
        [
            ("linux", {"HOME": "home"}, "home/.cache/netspec"),
            ("linux", {"HOME": "home", "XDG_CACHE_HOME": "xdg/deep"}, "xdg/deep/netspec"),
            ("darwin", {"HOME": "home", "XDG_CACHE_HOME": "xdg"}, "home/Library/Caches/netspec"),
            ("win32", {"HOME": "home", "LOCALAPPDATA": "local"}, "local/netspec"),
            ("win32", {"HOME": "home"}, None),
            ("linux", {"HOME": "missing"}, None),
            ("linux", {"HOME": "file"}, None),
            ("linux", {"HOME": "home", "XDG_CACHE_HOME": "file"}, None),
        ],
    )
    def test_follows_the_custom_of_the_system(
        self,
        system: str,
        variables: dict[str, str],
        expected: str | None,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        (tmp_path / "home").mkdir()
        (tmp_path / "file").touch()
        set_cache(monkeypatch, system, {name: str(tmp_path / value) for name, value in variables.items()})
        found = resources.cache_dir()
        assert found == (None if expected is None else str(tmp_path / expected))
        assert found is None or os.path.isdir(found)
        assert not (tmp_path / "missing").exists()

    def test_ignores_a_relative_xdg_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        set_cache(monkeypatch, "linux", {"HOME": str(tmp_path), "XDG_CACHE_HOME": "relative"})
        assert resources.cache_dir() == str(tmp_path / ".cache" / "netspec")

    def test_is_private(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        set_cache(monkeypatch, "linux", {"XDG_CACHE_HOME": str(tmp_path)})
        found = resources.cache_dir()
        assert found is not None
        assert stat.S_IMODE(os.stat(found).st_mode) == 0o700

    def test_is_not_one_that_others_may_write_to(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        set_cache(monkeypatch, "linux", {"XDG_CACHE_HOME": str(tmp_path)})
        (tmp_path / "netspec").mkdir()
        (tmp_path / "netspec").chmod(0o777)
        assert resources.cache_dir() is None

    def test_is_none_of_somebody_elses(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        set_cache(monkeypatch, "linux", {"XDG_CACHE_HOME": str(tmp_path)})
        (tmp_path / "netspec").mkdir()
        monkeypatch.setattr(os, "geteuid", lambda: os.stat(tmp_path).st_uid + 1)
        assert resources.cache_dir() is None
