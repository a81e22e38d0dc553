"""Tables of any length: fit to a sample, count all rows, and decide batch by batch."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sklearn_hrc.large._decide_large import decide_large
    from sklearn_hrc.large._fit_large import fit_large

__all__ = ["decide_large", "fit_large"]

# A policy is applied on machines without scikit-learn, which these import.
_MODULES = {"decide_large": "_decide_large", "fit_large": "_fit_large"}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'sklearn_hrc.large' has no attribute {name!r}")
    return getattr(import_module(f"sklearn_hrc.large.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
