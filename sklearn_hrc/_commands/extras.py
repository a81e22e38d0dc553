"""Packages that commands need beside those of the package."""

from importlib import import_module

__all__ = ["require"]


def require(command: str, *names: str) -> None:
    """Raise an error that names the extra where a package is missing, before any work is done."""
    for name in names:
        try:
            import_module(name)
        except ImportError as error:
            raise ImportError(
                f'{command} requires {name}: install it with pip install "sklearn-hrc[commands]".'
            ) from error
