"""A test of whether boosted trees tell the arms of rows that they have not seen."""

import numpy as np
from scipy.stats import norm
from sklearn.ensemble import HistGradientBoostingClassifier

from sklearn_hrc._randomisation import sum_by_unit

__all__ = ["trees_test"]

# Fewer units in a half teach a classifier nothing.
_LEAST_UNITS = 20
# Keeps the ratio of a learnt probability to the share of its arm away from zero.
_SHARE_OF_SHARES = 0.05


def trees_test(X, arm, draw, unit, n_permutations, random_state):
    """Test whether boosted trees that learn on one half of the rows tell the arms of the other.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Features.
    arm : ndarray of shape (n_samples,), int
        Index of the received arm.
    draw : Draw
        From `describe_draw`.
    unit : ndarray of shape (n_samples,), int
        Index of the group that was randomised as one.
    n_permutations : int or None
        How many times whole groups exchange their arms. Permutations make the test exact where
        everybody had the same chances. None is for chances that differ.
    random_state : RandomState
        Draws the halves and permutations, and seeds the trees.

    Returns
    -------
    p_value : float
        P-value of both halves together, 1 where there are too few groups.
    gain : float
        Mean log-likelihood of the arms above that of their shares, on rows that the trees
        have not seen. NaN where there are too few groups.
    """
    n_units = unit.max() + 1
    if n_units < 2 * _LEAST_UNITS:
        return 1.0, np.nan
    first = np.isin(unit, random_state.permutation(n_units)[: n_units // 2])
    p_values, gains = [], np.zeros(len(arm))
    for test in (first, ~first):
        ratio = _learnt_ratios(X, arm, ~test, test, draw.received.shape[1], random_state)
        gains[test] = ratio[np.arange(len(ratio)), arm[test]]
        place = np.unique(unit[test], return_inverse=True)[1]
        if n_permutations is None:
            moment = (draw.received - draw.expected)[test]
            p_values.append(_moment_p_value(ratio, arm[test], moment, place))
        else:
            arms = np.eye(ratio.shape[1])[arm[test]]
            p_values.append(_permutation_p_value(ratio, arms, place, n_permutations, random_state))
    return min(1.0, 2 * min(p_values)), float(gains.mean())


def _learnt_ratios(X, arm, train, test, n_treatments, random_state):
    """Return the logs of learnt probabilities over shares of the arms, (n_test, n_arms)."""
    shares = np.bincount(arm[train], minlength=n_treatments) / train.sum()
    learnt = np.tile(shares, (test.sum(), 1))
    present = np.flatnonzero(shares)
    if len(present) > 1:
        model = HistGradientBoostingClassifier(
            max_iter=20,
            max_leaf_nodes=8,
            max_bins=64,
            early_stopping=False,
            random_state=random_state.randint(2**31 - 1),
        )
        learnt[:, present] = model.fit(X[train], arm[train]).predict_proba(X[test])
    safe = np.where(shares > 0, shares, 1.0)
    ratio = (1 - _SHARE_OF_SHARES) * learnt / safe + _SHARE_OF_SHARES
    return np.log(np.where(shares > 0, ratio, 1.0))


def _permutation_p_value(ratio, arms, place, n_permutations, random_state):
    """Return the exact p-value of the log-likelihood, by whole groups that exchange their arms."""
    size = np.bincount(place)
    ratio = sum_by_unit(ratio, place)
    arms = sum_by_unit(arms, place) / size[:, None]
    observed = (ratio * arms).sum()
    drawn = [
        (ratio * arms[random_state.permutation(len(arms))]).sum() for _ in range(n_permutations)
    ]
    # Equal sums may differ by rounding, since the order of their terms differs.
    reached = np.array(drawn) >= observed - 1e-9 * np.abs(ratio).sum()
    return (1 + reached.sum()) / (1 + n_permutations)


def _moment_p_value(ratio, arm, moment, place):
    """Return the one-sided p-value that the learnt ratios follow the arms by chance only."""
    shares = np.bincount(arm, minlength=ratio.shape[1]) / len(arm)
    ratio = ratio - ratio.mean(axis=0)
    sums = np.bincount(place, weights=(moment * ratio) @ shares)
    squares = (sums**2).sum()
    return float(norm.sf(sums.sum() / np.sqrt(squares))) if squares > 0 else 1.0
