"""Principal axes of hidden layers and combined links, from their moments.

The hidden layers of the networks say which individuals are alike. The combined links of all members
say so, too, and know what the networks do not. With clusters of the hidden layers alone decisions
are worse than those for each individual. So hidden layers and combined links stand side by side,
with equal shares of the variance.

scikit-learn's PCA takes no sample weights and needs all rows at once. The
moments here are weighted and added up in chunks.
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
        Axes, the largest variance first, orthonormal in the units of the columns.
    variance_ratio : ndarray of shape (n_components,)
        Share of the whole variance along each axis.
    """

    mean: np.ndarray
    axes: np.ndarray
    variance_ratio: np.ndarray


# Columns whose spread is less than this share of their size count as constant.
ROUNDING = 1e-6


def fit_projection(moments, n_components, n_links=0):
    """Find the leading principal axes.

    Parameters
    ----------
    moments : Moments of one group
        Moments of all rows, with the second moments of all pairs of columns.
    n_components : int
        Number of axes.
    n_links : int, default=0
        Number of last columns that are links. Each link gets the same variance, and
        all links together get that of the other columns.

    Returns
    -------
    projection : Projection
        Axes.
    """
    covariance = moments.scatter[0] / moments.weight[0]
    unit = _units(covariance, moments.mean[0], n_links)
    variance, axes = np.linalg.eigh(unit[:, None] * covariance * unit)
    # The sign of an axis is arbitrary, so its largest entry is made positive.
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
    """Factors that give the columns their shares of the variance."""
    unit = np.ones(len(covariance))
    if n_links == 0:
        return unit
    variance = np.diagonal(covariance)
    hidden, links = np.split(variance, [len(variance) - n_links])
    varies = links > np.square(ROUNDING * mean[len(hidden) :])
    size = hidden.sum() / max(varies.sum(), 1) if hidden.sum() > 0 else 1.0
    unit[len(hidden) :] = np.sqrt(np.divide(size, links, out=np.zeros(n_links), where=varies))
    return unit
