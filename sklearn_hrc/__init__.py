"""Budgeted treatment allocation from a randomised experiment, as scikit-learn estimators.

Hidden Representation Clustering (HRC, arXiv:2506.00959): a multi-task network
represents individuals and what is expected of them, clusters share a treatment
arm, an integer programme chooses the arms within a budget, and one classifier
serves the result.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sklearn_hrc._version import __version__

if TYPE_CHECKING:
    from sklearn_hrc._allocator import ClusterBudgetAllocator
    from sklearn_hrc._clusterer import HiddenClusterer
    from sklearn_hrc._distiller import DistilledAllocator
    from sklearn_hrc._representer import MultiTaskRepresenter

__all__ = [
    "ClusterBudgetAllocator",
    "DistilledAllocator",
    "HiddenClusterer",
    "MultiTaskRepresenter",
    "__version__",
]

# Estimators are imported when they are asked for: a server needs none of them, nor scikit-learn.
_MODULES = {
    "ClusterBudgetAllocator": "sklearn_hrc._allocator",
    "DistilledAllocator": "sklearn_hrc._distiller",
    "HiddenClusterer": "sklearn_hrc._clusterer",
    "MultiTaskRepresenter": "sklearn_hrc._representer",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'sklearn_hrc' has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
