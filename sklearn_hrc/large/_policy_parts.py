"""What a fitted policy is made of, as plain arrays and bytes."""

from typing import Any, NamedTuple

import numpy as np

from sklearn_hrc._nearest_cluster import Clustering
from sklearn_hrc._predictor.representation import Representation

__all__ = ["PolicyParts"]


class PolicyParts(NamedTuple):
    """All that turns features into `[cluster | H | D | Q]`.

    Attributes
    ----------
    graph : bytes
        Preprocessing as a graph of ONNX. Input "rows", float64. Outputs "matrix", and "cluster" if
        a student tells the clusters.
    features : list of dict
        Names, kinds and categories, as in the manifest of a policy for serving.
    dtype : str
        Type of the matrix that the representer was given.
    representation : Representation
        From the matrix to `[H | D | Q]`.
    clustering : Clustering or None
        From `[H | D | Q]` to clusters. None: a student tells them.
    labels : ndarray of shape (n_clusters,) or None
        Cluster of each class of the student.
    """

    graph: bytes
    features: list[dict[str, Any]]
    dtype: str
    representation: Representation
    clustering: Clustering | None
    labels: np.ndarray | None
