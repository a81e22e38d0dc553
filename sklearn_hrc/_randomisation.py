"""Test whether features tell the arm, and the warning of a fit."""

from typing import NamedTuple

import numpy as np
from scipy.stats import chi2, norm, rankdata

from sklearn_hrc._warning import warn

__all__ = [
    "Dependence",
    "Draw",
    "describe_draw",
    "features_test",
    "sum_by_unit",
    "warn_of_dependence",
]

# Largest number of features in a joint test, since the matrix of their moments is costly.
_MOST_JOINT_FEATURES = 200
# Eigenvalues below this share of the largest count as zero.
_RANK_TOLERANCE = 1e-9
# A sum is not normal if fewer rows have the arm and a rare value.
_LEAST_EXPECTED = 10
# P-value below which `fit` warns. Chance does not reach it in thousands of experiments.
_ALARM = 1e-8
# Largest number of entries that a fit tests, and the least number of rows.
_MOST_NUMBERS, _LEAST_ROWS = 1_000_000, 2000


class Draw(NamedTuple):
    """Draw of the arms, as far as propensities tell, in arrays (n_samples, n_treatments).

    Attributes
    ----------
    received : ndarray
        1 over the propensity of the received arm, 0 for other arms.
    expected : ndarray
        Expectation of `received`: 1, or 0 where another arm was certain.
    variance : ndarray
        Variance of `received`, or an upper bound where the probability is not known.
    """

    received: np.ndarray
    expected: np.ndarray
    variance: np.ndarray


class Dependence(NamedTuple):
    """Result of the test whether features tell the arm.

    Attributes
    ----------
    p_value : float
        P-value of all features together.
    feature_p_value : ndarray of shape (n_features,)
        P-value of each feature by itself.
    difference : ndarray of shape (n_treatments, n_features)
        Mean under each arm less the mean of all rows, in standard deviations.
    """

    p_value: float
    feature_p_value: np.ndarray
    difference: np.ndarray


def describe_draw(arm, n_treatments, propensity=None):
    """Return the draw of the arms with these probabilities.

    Parameters
    ----------
    arm : ndarray of shape (n_samples,), int
        Index of the received arm. Every arm occurs.
    n_treatments : int
        Number of arms.
    propensity : ndarray of shape (n_samples,), default=None
        Probability of the received arm. None stands for the share of its rows.

    Returns
    -------
    draw : Draw
        Input of `features_test` and `trees_test`.
    """
    own = np.eye(n_treatments, dtype=bool)[arm]
    if propensity is None:
        chance = np.tile(own.mean(axis=0), (len(arm), 1))
    elif n_treatments == 2:
        chance = np.where(own, propensity[:, None], 1.0 - propensity[:, None])
    else:
        # The chances of the other arms are unknown. The smallest chance of any row bounds the
        # variance from above.
        least = np.where(own, propensity[:, None], 1.0).min(axis=0)
        chance = np.where(own, propensity[:, None], least)
        chance[(propensity == 1)[:, None] & ~own] = 0.0
    possible = chance > 0
    inverse = np.where(possible, 1.0 / np.where(possible, chance, 1.0), 0.0)
    return Draw(np.where(own, inverse, 0.0), possible.astype(float), inverse - possible)


def features_test(X, arm, draw, unit=None):
    """Test whether ranks of the features have the same mean under every arm.

    The moments `(received - expected) * rank` have the expectation 0. Their sums, arm by arm, are
    compared with the variance that they have in such a draw. The level is divided among the arms,
    and between the joint test and the tests of single features.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Finite features.
    arm : ndarray of shape (n_samples,), int
        Index of the received arm.
    draw : Draw
        From `describe_draw`.
    unit : ndarray of shape (n_samples,), int, default=None
        Index of the group that was randomised as one. With None each row is a group. Rows
        of a group with different arms were not randomised as one.

    Returns
    -------
    dependence : Dependence
        P-values and differences. Features with too rare values are left out.
    """
    ranks = _standardised(rankdata(X, axis=0))
    n_arms, n_features = draw.received.shape[1], X.shape[1]
    if unit is not None:
        unit = np.unique(unit * n_arms + arm, return_inverse=True)[1]
    # With two arms one test is enough: the second arm has the opposite deviations.
    tested = range(1, n_arms) if n_arms == 2 else range(n_arms)
    joint, single = [1.0], np.ones((n_arms, n_features))
    for j in tested:
        total = (draw.received[:, j] - draw.expected[:, j]) @ ranks
        parts = sum_by_unit(np.sqrt(draw.variance[:, j, None]) * ranks, unit)
        variance = (parts**2).sum(axis=0)
        # The effective number of rows, times the smallest chance to get the arm or not to get it,
        # is the expected number of rare rows. Too few of them make no normal sum.
        count = variance**2 / np.maximum((parts**4).sum(axis=0), np.finfo(float).tiny)
        odds = draw.variance[draw.variance[:, j] > 0, j]
        kept = count >= _LEAST_EXPECTED * (1.0 + np.r_[odds, 1.0 / odds, 1.0].max())
        single[j, kept] = 2 * norm.sf(np.abs(total[kept]) / np.sqrt(variance[kept]))
        if 0 < kept.sum() <= _MOST_JOINT_FEATURES:
            joint.append(_joint_p_value(total[kept], parts[:, kept]))
    feature_p_value = np.minimum(single.min(axis=0) * len(tested), 1.0)
    p_value = 2 * min(feature_p_value.min() * n_features, min(joint) * len(tested))
    weight = draw.received / draw.received.sum(axis=0)
    difference = weight.T @ _standardised(X)
    return Dependence(min(float(p_value), 1.0), feature_p_value, difference)


def warn_of_dependence(X, arm, treatments, rng, *, propensity=None, unit=None, names=None):
    """Warn if the features tell the arms better than any random draw explains.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Finite features.
    arm : ndarray of shape (n_samples,), int
        Index of the received arm.
    treatments : ndarray of shape (n_treatments,)
        Labels, each received by some row.
    rng : RandomState
        Draws the rows that are tested in a large table.
    propensity : ndarray of shape (n_samples,), default=None
        Probability of the received arm.
    unit : ndarray of shape (n_samples,), int, default=None
        Index of the group that was randomised as one.
    names : sequence of str, default=None
        Names of the features. With None they are numbered.
    """
    if len(treatments) < 2 or not X.shape[1]:
        return
    most = max(_MOST_NUMBERS // X.shape[1], _LEAST_ROWS)
    if len(X) > most:
        drawn = rng.choice(len(X), most, replace=False)
        X, arm = X[drawn], arm[drawn]
        propensity, unit = (
            None if values is None else values[drawn] for values in (propensity, unit)
        )
        # A rare arm may be missing among the drawn rows.
        present, arm = np.unique(arm, return_inverse=True)
        treatments = treatments[present]
    dependence = features_test(X, arm, describe_draw(arm, len(treatments), propensity), unit)
    if dependence.p_value < _ALARM:
        best = int(np.argmin(dependence.feature_p_value))
        name = f"column {best}" if names is None else repr(names[best])
        against = "the shares of the arms" if propensity is None else "propensity"
        remedy = (
            "pass propensity, the probability of the received arm"
            if propensity is None
            else ("check propensity")
        )
        warn(
            "treatment is expected to be random given the features, with the probabilities of "
            f"{against}, but the features tell the arms, most of all {name}; {remedy}, and see "
            "sklearn_hrc.metrics.check_randomisation."
        )


def _standardised(columns):
    """Centre columns and divide them by their deviation. Constant columns become 0."""
    centred = columns - columns.mean(axis=0)
    deviation = np.sqrt(np.mean(centred**2, axis=0))
    # The rounding of a constant must not count as a deviation.
    varies = deviation > 1e-12 * np.abs(columns).max(axis=0, initial=0.0)
    return np.where(varies, centred / np.where(varies, deviation, 1.0), 0.0)


def sum_by_unit(columns, unit):
    """Return the sums of columns over the rows of each group, or the columns without groups."""
    if unit is None:
        return columns
    return np.column_stack([np.bincount(unit, weights=column) for column in columns.T])


def _joint_p_value(total, parts):
    """P-value of the sums of several moments, whose covariance is that of the parts."""
    values, vectors = np.linalg.eigh(parts.T @ parts)
    kept = values > _RANK_TOLERANCE * values.max()
    statistic = ((vectors[:, kept].T @ total) ** 2 / values[kept]).sum()
    return float(chi2.sf(statistic, kept.sum()))
