"""Packages that come with an extra, imported when they are asked for."""

from importlib import import_module
from typing import Any

__all__ = ["import_from_extra"]


def import_from_extra(name: str, caller: str, extra: str) -> Any:
    """Return a module, or raise an error that says how to install it.

    Parameters
    ----------
    name : str
        Name of the module.
    caller : str
        What requires it, for the error.
    extra : str
        Extra of this package that brings it.

    Returns
    -------
    module : module
        The module.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise ImportError(
            f'{caller} requires {name}: install it with pip install "sklearn-hrc[{extra}]".'
        ) from error
