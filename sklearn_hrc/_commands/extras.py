"""Packages that commands need beside those of the package."""

from sklearn_hrc._extras import import_from_extra

__all__ = ["require"]


def require(command: str, *names: str) -> None:
    """Raise an error that names the extra where a package is missing, before any work is done."""
    for name in names:
        import_from_extra(name, command, "commands")
