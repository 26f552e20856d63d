"""The tests of `netspec run` stand in a folder with the files that they name."""

from __future__ import annotations

from pathlib import Path

import pytest
from run_files import write_arrays, write_images, write_models, write_specs


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    write_specs(folder)
    write_arrays(folder)
    write_images(folder)
    write_models(folder)
    return folder


@pytest.fixture(autouse=True)
def here(run_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(run_folder)
    return run_folder
