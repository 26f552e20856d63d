"""Packages that only some of netspec needs, and that may not be installed."""

from __future__ import annotations

from importlib import import_module

import click


class MissingExtra(click.ClickException, ImportError):
    """A package is not installed that only some of netspec needs. Its text says how to install it."""

    exit_code = 2


def require(extra: str, *modules: str) -> None:
    """Import modules, which `pip install 'netspec[extra]'` provides. Raises MissingExtra where one cannot be."""
    for module in modules:
        try:
            import_module(module)
        except ImportError:
            name = module.partition(".")[0]
            raise MissingExtra(f"this needs {name}, which is not installed: pip install 'netspec[{extra}]'") from None
