"""Principal axes of the concatenated hidden layers, from their moments.

scikit-learn's PCA takes no sample weights and wants all rows at once; the
moments are weighted and added up in chunks.
"""

from typing import NamedTuple

import numpy as np

__all__ = ["Projection", "fit_projection", "project"]


class Projection(NamedTuple):
    """Leading principal axes.

    Attributes
    ----------
    mean : ndarray of shape (n_columns,)
        Weighted mean.
    axes : ndarray of shape (n_columns, n_components)
        Orthonormal axes, the largest variance first.
    variance_ratio : ndarray of shape (n_components,)
        Share of the whole variance along each.
    """

    mean: np.ndarray
    axes: np.ndarray
    variance_ratio: np.ndarray


def fit_projection(moments, n_components):
    """Find the leading principal axes.

    Parameters
    ----------
    moments : Moments of one group
        All rows, with the second moments of all pairs of columns.
    n_components : int
        Number of axes.

    Returns
    -------
    projection : Projection
        Axes.
    """
    variance, axes = np.linalg.eigh(moments.scatter[0] / moments.weight[0])
    # The sign of an axis is arbitrary: its largest entry is made positive.
    axes *= np.sign(axes[np.argmax(np.abs(axes), axis=0), np.arange(len(axes))])
    variance = np.maximum(variance[::-1], 0)  # rounding makes some of them negative
    total, leading = variance.sum(), variance[:n_components]
    ratio = leading / total if total > 0 else np.zeros_like(leading)
    return Projection(moments.mean[0], axes[:, ::-1][:, :n_components], ratio)


def project(values, projection):
    """Return the components of rows, in the dtype of `values`."""
    mean, axes = (array.astype(values.dtype) for array in projection[:2])
    return (values - mean) @ axes
