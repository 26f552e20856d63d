"""Options of the test run."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--rewrite-errors",
        action="store_true",
        help="write the .err files of tests/errors anew: read the diff as a user would",
    )
    parser.addoption(
        "--rewrite-golden",
        action="store_true",
        help="write the files of tests/torch/golden anew: read the diff as a user would",
    )
