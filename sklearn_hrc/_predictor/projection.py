"""Principal axes of hidden layers and combined links, from their moments.

What the networks hide says who is alike. What all members together expect, on the
link scale, says it too, and says more of what the networks do not know: clusters of the
hidden layers alone lose of the decisions that the members could make one by one. So
both stand side by side, with equal shares of the variance.

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
        Axes, the largest variance first; orthonormal in the units of the columns.
    variance_ratio : ndarray of shape (n_components,)
        Share of the whole variance along each.
    """

    mean: np.ndarray
    axes: np.ndarray
    variance_ratio: np.ndarray


# Columns that vary less than this beside their size do not vary.
ROUNDING = 1e-6


def fit_projection(moments, n_components, n_links=0):
    """Find the leading principal axes.

    Parameters
    ----------
    moments : Moments of one group
        All rows, with the second moments of all pairs of columns.
    n_components : int
        Number of axes.
    n_links : int, default=0
        So many of the last columns are links. Each of them has the same variance, and
        all of them together that of the other columns.

    Returns
    -------
    projection : Projection
        Axes.
    """
    covariance = moments.scatter[0] / moments.weight[0]
    unit = _units(covariance, moments.mean[0], n_links)
    variance, axes = np.linalg.eigh(unit[:, None] * covariance * unit)
    # The sign of an axis is arbitrary: its largest entry is made positive.
    axes *= np.sign(axes[np.argmax(np.abs(axes), axis=0), np.arange(len(axes))])
    variance = np.maximum(variance[::-1], 0)  # rounding makes some of them negative
    total, leading = variance.sum(), variance[:n_components]
    ratio = leading / total if total > 0 else np.zeros_like(leading)
    axes = unit[:, None] * axes[:, ::-1][:, :n_components]
    return Projection(moments.mean[0], axes, ratio)


def project(values, projection):
    """Return the components of rows, in the dtype of `values`."""
    mean, axes = (array.astype(values.dtype) for array in projection[:2])
    return (values - mean) @ axes


def _units(covariance, mean, n_links):
    """What the columns are multiplied with."""
    unit = np.ones(len(covariance))
    if n_links == 0:
        return unit
    variance = np.diagonal(covariance)
    hidden, links = np.split(variance, [len(variance) - n_links])
    varies = links > np.square(ROUNDING * mean[len(hidden) :])
    size = hidden.sum() / max(varies.sum(), 1) if hidden.sum() > 0 else 1.0
    unit[len(hidden) :] = np.sqrt(np.divide(size, links, out=np.zeros(n_links), where=varies))
    return unit
