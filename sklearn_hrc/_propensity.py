"""Check that propensities can be the probabilities of the received arms."""

import numpy as np

from sklearn_hrc._warning import warn

__all__ = ["check_inverse_propensity", "inverse_propensity", "warn_of_propensity"]

# A warning needs both a deviation of so many standard errors and one of so large a share.
_ERRORS_OFF = 6.0
_SHARE_OFF = 0.1


def inverse_propensity(propensity, sample_weight):
    """Return `sample_weight / propensity`, 0 for rows of weight zero.

    Parameters
    ----------
    propensity : ndarray of shape (n_samples,)
        Probability of the received arm.
    sample_weight : ndarray of shape (n_samples,)
        Non-negative weights.

    Returns
    -------
    inverse : ndarray of shape (n_samples,)
        Finite weights with a finite sum.
    """
    inverse = np.zeros_like(sample_weight)
    with np.errstate(over="ignore"):
        # The share of an arm whose rows all have weight zero is zero, too.
        np.divide(sample_weight, propensity, out=inverse, where=sample_weight > 0)
        overflows = not np.isfinite(inverse.sum())
    if overflows:
        raise ValueError(
            "propensity is expected to have inverses that can be summed, got values down to "
            f"{propensity[sample_weight > 0].min():g}; the inverses overflow."
        )
    return inverse


def check_inverse_propensity(arm, treatments, propensity, sample_weight, unit=None):
    """Warn where propensities cannot be the probabilities of the received arms.

    Over the rows of any one arm, the inverse probabilities sum to about the number of all rows.
    They do not if somebody gave the probability of the treatment for treated and controls alike.

    Parameters
    ----------
    arm : ndarray of shape (n_samples,), int
        Index of the received arm.
    treatments : ndarray of shape (n_treatments,)
        Sorted labels.
    propensity : ndarray of shape (n_samples,) or None
        Probability of the received arm. With None nothing is checked.
    sample_weight : ndarray of shape (n_samples,)
        Non-negative weights.
    unit : ndarray of shape (n_samples,), int, default=None
        Index of the group that was randomised as one. With None each row is a group.
    """
    if propensity is None:
        return
    rows = sample_weight > 0
    arm, propensity, sample_weight = arm[rows], propensity[rows], sample_weight[rows]
    unit = None if unit is None else unit[rows]
    inverse = inverse_propensity(propensity, sample_weight)
    # A row that did not get an arm does not tell how small its chance of this arm was. With two
    # arms the chance is one less that of the other arm. With more it may be the smallest there is.
    other = 1.0 - propensity if len(treatments) == 2 else np.full(len(arm), propensity.min())
    worst = max(
        (*_how_far_off(arm == j, propensity, other, inverse, sample_weight, unit), j)
        for j in range(len(treatments))
    )
    errors_off, got, expected, j = worst
    if errors_off > _ERRORS_OFF:
        warn(
            "propensity is expected to be the probability of the arm that the row received, whose "
            "inverse sums over the rows of an arm to about the total weight of those that could "
            f"get it, {expected:.6g}, got {got:.6g} for treatment {treatments.tolist()[j]!r}; "
            "probably the probability of one arm was given for the rows of all arms, or some "
            "rows could never get this arm."
        )


def warn_of_propensity(experiment, unit):
    """Call `check_inverse_propensity` with the checked rows of an experiment."""
    check_inverse_propensity(
        experiment.arm,
        experiment.treatments,
        experiment.propensity,
        experiment.sample_weight,
        unit,
    )


def _how_far_off(received, propensity, other, inverse, sample_weight, unit):
    """Return the deviation of an arm in standard errors, its sum and the expected sum.

    The deviation is 0 if it is a small share, or if the arm has no rows.
    """
    # A row that got another arm for certain could not get this one.
    possible = np.where(received | (propensity < 1), sample_weight, 0.0)
    got, expected = inverse[received].sum(), possible.sum()
    if not got > 0 or abs(got - expected) <= _SHARE_OFF * expected:
        return 0.0, got, expected
    terms = (np.where(received, inverse, 0.0) - possible) / expected
    chance = np.where(received, propensity, np.where(propensity < 1, other, 1.0))
    by_chance = ((possible / expected) ** 2 * (1.0 / chance - 1.0)).sum()
    if unit is not None:
        terms = np.bincount(unit, weights=terms)
    variance = max(np.square(terms).sum(), by_chance)
    return abs(got / expected - 1) / np.sqrt(variance), got, expected
