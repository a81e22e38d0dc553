"""A partially pooled additive model: generalised linear in the columns of the encoding.

Each arm has a coefficient for each column. A prior that is learnt from the data (`evidence.py`)
draws the coefficients of a column together. So all rows teach what moves people alike under all
arms, and a difference between arms counts as far as the data support it. There is a model for each
fold, with a prior of its own: a prior that is learnt from all rows would know the held-out rows.

Where nothing bends, columns by which effects may bend are noise. So the model is also fitted to the
values of the features alone, and held-out rows say how much of either to take (`mixture.py`).

All models go over the rows together. A pass adds up slopes and Gram matrices of every
fold, in chunks. A model uses the sums over the folds that it sees.
"""

from typing import NamedTuple

import numpy as np

from sklearn_hrc._chunks import chunks
from sklearn_hrc._predictor.encoding import bending_columns, encode, straight_columns
from sklearn_hrc._predictor.evidence import solve, update_prior
from sklearn_hrc._predictor.losses import LOSSES
from sklearn_hrc._predictor.mixture import share_of_first
from sklearn_hrc._predictor.prior import Layout, first_prior
from sklearn_hrc._predictor.tasks import CONTINUOUS, INDICATOR

__all__ = ["PooledModel", "fit_pooled"]

# Passes over the rows, each a Newton step, and updates of the prior in each pass.
N_PASSES, N_UPDATES = 6, 3
# Passes that renew the Gram matrices, which change little later.
GRAM_PASSES = 4
# Largest change of the links in a step, in the root mean square.
LONGEST_STEP = 1.5
# Least curvature, so that rows with a nearly certain outcome count, too.
LEAST_CURVATURE = 1e-4
# Least distance of an indicator's mean from 0 and 1 where links start.
LEAST_CHANCE = 1e-4
CHUNK_ROWS = 8192


class PooledModel(NamedTuple):
    """Fitted models, one for each fold.

    Attributes
    ----------
    coefficients : ndarray of shape (n_models, n_components, n_treatments, 1 + n_columns)
        Coefficients, zero in arms that do not teach a component.
    """

    coefficients: np.ndarray

    def prior(self):
        """Return prior means of one for the weights: effects are shrunk already."""
        return 1.0, 1.0

    def links(self, columns):
        """Return links of shape (n_models, n_samples, n_treatments, n_components)."""
        coefficients = self.coefficients.astype(columns.dtype, copy=False)
        flat = columns @ coefficients.reshape(-1, columns.shape[1]).T
        n_models, n_components, n_treatments, _ = coefficients.shape
        return flat.reshape(-1, n_models, n_components, n_treatments).transpose(1, 0, 3, 2)


class _Sums(NamedTuple):
    """Sums of one pass over the rows.

    Attributes
    ----------
    slope : ndarray of shape (n_models, n_components, n_treatments, n_columns)
        Slope of the loss of the rows that a model sees.
    gram : ndarray of shape (n_folds, n_components, n_treatments, n_columns, n_columns)
        Curvature of the loss of the rows of a fold.
    misfit, mass : ndarray of shape (n_models, n_components)
        Sums of Pearson's statistic and of the weights.
    """

    slope: np.ndarray
    gram: np.ndarray
    misfit: np.ndarray
    mass: np.ndarray


@np.errstate(over="ignore", invalid="ignore")
def fit_pooled(rows):
    """Fit the models.

    Parameters
    ----------
    rows : TrainingRows
        Rows in folds.

    Returns
    -------
    model : PooledModel
        One model for each fold.

    Raises
    ------
    LinAlgError
        If a sum or a step is not finite.
    """
    bent = PooledModel(_fit(rows, np.ones(len(rows.encoding.group), dtype=bool)))
    straight_only = straight_columns(rows.encoding)
    if straight_only.all():
        return bent
    try:
        straight = PooledModel(_fit(rows, straight_only))
    except np.linalg.LinAlgError:
        return bent
    share = share_of_first(bent, straight, rows)[:, None, None]
    return PooledModel(share * bent.coefficients + (1 - share) * straight.coefficients)


def _fit(rows, used):
    """Fit coefficients of some of the columns; those of the others are zero."""
    kind, group = rows.components.kind, rows.encoding.group[used]
    layout = Layout(group, bending_columns(rows.encoding)[used])
    learnt = rows.components.source.T >= 0
    theta = np.zeros((rows.n_models, len(kind), learnt.shape[1], len(group)))
    theta[..., 0] = np.where(learnt, _first_links(rows)[..., None], 0.0)
    n_groups = group.max() + 1
    priors = {
        (m, c): first_prior(n_groups, learnt[c].sum())
        for m in range(rows.n_models)
        for c in np.flatnonzero(learnt.any(axis=1))
    }
    slices = list(_slices(rows))
    gram = None
    for n_pass in range(N_PASSES):
        sums = _add_up(rows, used, theta, slices, gram if n_pass >= GRAM_PASSES else None)
        gram = sums.gram
        for (m, c), prior in priors.items():
            arms = np.flatnonzero(learnt[c])
            theta[m, c, arms], priors[m, c] = _step(
                theta[m, c, arms], prior, sums, (m, c, arms), layout, kind[c]
            )
    coefficients = np.zeros((*theta.shape[:3], len(used)))
    coefficients[..., used] = theta
    return coefficients


def _first_links(rows):
    """Link of each component's mean in the rows of each model, 0 where there are none."""
    links = np.zeros((rows.n_models, len(rows.components.kind)))
    for m, c in np.ndindex(links.shape):
        kind, weight = rows.components.kind[c], rows.weights[:, c] * (rows.fold != m)
        if weight.sum() > 0:
            mean = np.average(rows.targets[:, c], weights=weight)
            if kind == INDICATOR:
                mean = np.clip(mean, LEAST_CHANCE, 1 - LEAST_CHANCE)
            if kind == CONTINUOUS or mean > 0:
                links[m, c] = LOSSES[kind].link_of_mean(mean)
    return links


def _slices(rows):
    """Rows of one arm and one fold at a time, in chunks."""
    # All rows of a slice add to the same entries of the sums.
    order = np.lexsort((rows.fold, rows.arm))
    key = rows.arm[order] * (rows.n_models + rows.fold.max() + 1) + rows.fold[order]
    for part in np.split(order, np.flatnonzero(np.diff(key)) + 1):
        for chunk in chunks(len(part), CHUNK_ROWS):
            index = part[chunk]
            yield rows.arm[index[0]], rows.fold[index[0]], index


def _add_up(rows, used_columns, theta, slices, gram):
    """Go over the rows once, and add up Gram matrices unless `gram` has them."""
    n_models, n_components, n_treatments, n_columns = theta.shape
    slope = np.zeros_like(theta)
    misfit, mass = np.zeros((2, n_models, n_components))
    renew = gram is None
    if renew:
        n_folds = max(n_models, rows.fold.max() + 1)
        gram = np.zeros((n_folds, n_components, n_treatments, n_columns, n_columns))
    for j, fold, index in slices:
        columns = encode(rows.features[index], rows.encoding)[:, used_columns].astype(np.float64)
        sees = np.arange(n_models) != fold
        for c, kind in enumerate(rows.components.kind):
            weight = rows.weights[index, c]
            used = np.flatnonzero(weight > 0)
            if not len(used):
                continue
            seen, weight = columns[used], weight[used]
            links = seen @ theta[:, c, j].T
            target = rows.targets[index[used], c]
            slopes = LOSSES[kind].slope(links, target[:, None]) * weight[:, None]
            curvature = np.maximum(LOSSES[kind].curvature(links, target), LEAST_CURVATURE)
            slope[:, c, j] += (slopes * sees).T @ seen
            misfit[:, c] += sees * (slopes**2 / curvature / weight[:, None]).sum(axis=0)
            mass[:, c] += sees * weight.sum()
            if renew:
                # All models share the mean curvature, so one matrix a fold is added up.
                gram[fold, c, j] += (seen * (weight * curvature.mean(axis=1))[:, None]).T @ seen
    return _Sums(slope, gram, misfit, mass)


def _step(theta, prior, sums, place, layout, kind):
    """One Newton step of a model for a component, and updates of its prior."""
    m, c, arms = place
    gram = sums.gram[:, c, arms]
    information = gram.sum(axis=0) - gram[m]
    # Pearson's estimate of the dispersion, with one row of dispersion 1 added: few rows may be
    # fitted exactly.
    dispersion = 1.0 if kind == INDICATOR else (sums.misfit[m, c] + 1) / (sums.mass[m, c] + 1)
    mass = np.maximum(information[:, 0, 0].sum(), np.finfo(float).tiny)
    right = np.matmul(information, theta[..., None])[..., 0] - sums.slope[m, c, arms]
    if not np.isfinite([information.sum(), right.sum(), dispersion]).all():
        raise np.linalg.LinAlgError("A sum of the pooled model is no number.")
    new = theta
    for _ in range(N_UPDATES):
        new, separated = solve(information / dispersion, right / dispersion, prior, layout, new)
        prior = update_prior(new, separated, prior, layout)
    step = new - theta
    square = np.einsum("jk,jkl,jl", step, information, step) / mass
    length = np.sqrt(np.maximum(square, 0.0))  # rounding makes a small one negative
    if not np.isfinite(length):
        raise np.linalg.LinAlgError("A step of the pooled model is no number.")
    return theta + step * LONGEST_STEP / max(length, LONGEST_STEP), prior
