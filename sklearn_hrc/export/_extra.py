"""Modules that come with the extra `serving`."""

from importlib import import_module
from typing import Any

__all__ = ["import_extra"]


def import_extra(name: str) -> Any:
    """Return a module of the extra `serving`, or raise an error that says how to install it."""
    try:
        return import_module(name)
    except ImportError as error:
        raise ImportError(
            f'export_policy requires {name}: install it with pip install "sklearn-hrc[serving]".'
        ) from error
