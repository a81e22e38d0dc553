"""Clusters whose members lose least by one choice of arms for all of them.

This is k-means with regret in place of the squared distance: a cluster chooses the arms that its
mean member regrets least, and each individual goes where the choices lose it least. Both steps
lower the total regret and a little of the squared distances, the score of `choice_scores`.
"""

import numpy as np
from scipy.sparse import csr_array

from sklearn_hrc._nearest_cluster import highest_score
from sklearn_hrc._regrets import CLOSENESS, choice_scores

__all__ = ["ROWS_A_CENTRE", "regret_centres"]

# Rows for each cluster that are enough to find it, and to draw first centres from.
ROWS_A_CENTRE, ROWS_A_SEED = 500, 100
# Steps at most. Three times as many lower the regret, and change no efficiency by 0.001.
MAX_ITERATIONS = 20
# Centres are enough where all rows together lose less than by this share of the squared lengths.
ROUNDING = 1e-6


def regret_centres(rows, n_clusters, n_treatments, weight, random_state):
    """Find centres.

    Parameters
    ----------
    rows : ndarray of shape (n_samples, n_prices * n_treatments)
        Regrets, of mean square length one.
    n_clusters : int
        Number of clusters.
    n_treatments : int
        Number of arms.
    weight : ndarray of shape (n_samples,)
        Positive weights.
    random_state : RandomState
        Draws the first centres.

    Returns
    -------
    centres : ndarray of shape (n_centres, n_prices * n_treatments)
        Mean regrets of the members before the last step, in the dtype of `rows`. There are fewer
        than `n_clusters` where fewer lose next to nothing.
    """
    weight = weight / weight.sum()
    centres = _first_centres(rows, n_clusters, n_treatments, weight, random_state)
    members = None
    for _ in range(MAX_ITERATIONS):
        before, members = members, highest_score(rows, *choice_scores(centres, n_treatments))
        if before is not None and (before == members).all():
            break
        belongs = csr_array((weight, (members, np.arange(len(rows)))), (len(centres), len(rows)))
        total = belongs.sum(axis=1)
        # A centre that has lost all of its members stays where it is.
        kept = total > 0
        centres[kept] = (belongs @ rows)[kept] / total[kept, None]
    return centres


def _first_centres(rows, n_clusters, n_treatments, weight, random_state):
    """Draw rows in proportion to what they lose by the centres so far, the best of several."""
    if len(rows) > ROWS_A_SEED * n_clusters:
        drawn = random_state.choice(len(rows), ROWS_A_SEED * n_clusters, replace=False)
        rows, weight = rows[drawn], weight[drawn]
    weight = weight / weight.sum()
    square = CLOSENESS * np.einsum("ij,ij->i", rows, rows)[:, None]
    n_trials = 2 + int(np.log(n_clusters))
    loss, chosen = np.ones(len(rows)), []
    least = np.full(len(rows), np.inf)
    while len(chosen) < n_clusters and weight @ loss > ROUNDING * CLOSENESS:
        share = np.cumsum(weight * loss)
        trials = np.searchsorted(share, share[-1] * random_state.random_sample(n_trials))
        slopes, bias = choice_scores(rows[trials], n_treatments)
        losses = np.minimum(least[:, None], square - rows @ slopes - bias)
        best = (weight @ losses).argmin()
        chosen.append(trials[best])
        least = losses[:, best]
        loss = np.maximum(least, 0)  # rounding
    return rows[chosen]
