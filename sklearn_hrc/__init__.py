"""Budgeted treatment allocation from a randomised experiment, as scikit-learn estimators.

Hidden Representation Clustering (HRC, arXiv:2506.00959): a multi-task network
represents individuals, clusters of the representation share a treatment arm,
an integer programme chooses the arms within a budget, and one classifier
serves the result.
"""

from sklearn_hrc._allocator import ClusterBudgetAllocator
from sklearn_hrc._clusterer import HiddenClusterer
from sklearn_hrc._distiller import DistilledAllocator
from sklearn_hrc._representer import MultiTaskRepresenter
from sklearn_hrc._version import __version__

__all__ = [
    "ClusterBudgetAllocator",
    "DistilledAllocator",
    "HiddenClusterer",
    "MultiTaskRepresenter",
    "__version__",
]
