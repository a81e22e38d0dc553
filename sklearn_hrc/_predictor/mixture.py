"""Mixture of two models of the same kind, as held-out rows want it.

The links of the mixture are `share * first + (1 - share) * second`, with a share for each
component. Mostly the bases decide: whether what moves people bends is plain long before it is for
effects, and where nothing bends in the one nothing is taken to bend in the other.
"""

import numpy as np

from sklearn_hrc._chunks import chunks
from sklearn_hrc._predictor.encoding import encode
from sklearn_hrc._predictor.losses import LOSSES
from sklearn_hrc._predictor.tasks import INDICATOR

__all__ = ["share_of_first"]

# Prior of the share: the first model by itself, with this precision in units of the information of
# independent rows.
PRECISION = 5.0
N_STEPS, TOLERANCE = 20, 1e-4
# Least curvature, so that rows with a nearly certain outcome count, too.
LEAST_CURVATURE = 1e-4
# Rows whose links are in memory at once.
MIXTURE_ROWS = 8192


def share_of_first(first, second, rows):
    """Return the share of the first model in each component.

    Parameters
    ----------
    first, second : models
        With `links`, one model for each fold.
    rows : TrainingRows
        Rows in folds, some of them held out.

    Returns
    -------
    share : ndarray of shape (n_components,)
        From 0 to 1, and 1 where no row was held out.
    """
    held_out = np.flatnonzero(rows.fold < rows.n_models)
    links = [_held_out_links(model, rows, held_out) for model in (first, second)]
    share = np.ones(len(rows.components.kind))
    for c, kind in enumerate(rows.components.kind):
        used = rows.weights[held_out, c] > 0
        if used.any():
            target, weight = (each[held_out[used], c] for each in (rows.targets, rows.weights))
            share[c] = _share(*(of_model[used, c] for of_model in links), target, weight, kind)
    return share


def _held_out_links(model, rows, held_out):
    """Links of the received arms by the models that did not see the rows."""
    links = np.empty((len(held_out), len(rows.components.kind)))
    for chunk in chunks(len(held_out), MIXTURE_ROWS):
        index = held_out[chunk]
        of_models = model.links(encode(rows.features[index], rows.encoding))
        links[chunk] = of_models[rows.fold[index], np.arange(len(index)), rows.arm[index]]
    return links


def _share(first, second, target, weight, kind):
    """Newton's steps within 0 and 1."""
    loss, difference = LOSSES[kind], first - second
    share = 0.5
    for _ in range(N_STEPS):
        links = second + share * difference
        slope = loss.slope(links, target)
        curvature = np.maximum(loss.curvature(links, target), LEAST_CURVATURE)
        dispersion = 1.0
        if kind != INDICATOR:
            # Pearson's estimate, with a row of dispersion 1 added: few rows may be fitted exactly.
            dispersion = (weight @ (slope**2 / curvature) + 1) / (weight.sum() + 1)
        step = (weight * slope) @ difference / dispersion + PRECISION * (share - 1)
        step /= (weight * curvature) @ difference**2 / dispersion + PRECISION
        before, share = share, np.clip(share - step, 0.0, 1.0)
        if np.abs(share - before) < TOLERANCE:
            break
    # Links of rare outcomes may be so large that nothing can be told.
    return share if np.isfinite(share) else 1.0
