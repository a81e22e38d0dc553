"""Which shares of random individuals get which arms at a spend."""

import numpy as np

from sklearn_hrc._experiment import take_rows
from sklearn_hrc.metrics._curves import arms_with_weight
from sklearn_hrc.metrics._folds import check_folds
from sklearn_hrc.metrics._weighting import estimate, evaluation_rows, policy_terms

__all__ = ["arm_points", "cross_fit_shares", "mix_shares", "single_arm_shares"]


def single_arm_shares(points, spend, control):
    """Choose the best arm at each spend, for as many individuals as the spend pays for.

    Parameters
    ----------
    points : ndarray of shape (n_arms, 2)
        Gain and spend of each arm for everyone, above those of control.
    spend : ndarray of shape (n_points,)
        Not negative.
    control : int
        Index of the arm that the others get.

    Returns
    -------
    shares : ndarray of shape (n_points, n_arms)
        They sum to 1.
    best : ndarray of shape (n_points,), int
        The chosen arm.
    """
    paid = points[:, 1] > 0
    ratio = spend[:, None] / np.where(paid, points[:, 1], 1.0)
    share = np.where(paid, np.minimum(ratio, 1.0), 1.0)
    best = (share * points[:, 0]).argmax(axis=1)
    place = np.arange(len(spend))
    shares = np.zeros((len(spend), len(points)))
    shares[place, control] = 1.0 - share[place, best]
    shares[place, best] += share[place, best]
    return shares, best


def mix_shares(points, spend):
    """Choose the best shares of the arms at each spend; two arms are enough for it.

    Parameters
    ----------
    points : ndarray of shape (n_arms, 2)
        Gain and spend of each arm for everyone, above those of control.
    spend : ndarray of shape (n_points,)
        Not negative.

    Returns
    -------
    shares : ndarray of shape (n_points, n_arms)
        They sum to 1, and spend no more than they may.
    """
    gain, cost = points.T
    # Of each pair the first is affordable for all; the second gets what the rest of it pays for.
    step = cost[None, :] - cost[:, None]
    left = (spend[:, None] - cost)[:, :, None]
    share = np.where(step > 0, np.clip(left / np.where(step > 0, step, 1.0), 0.0, 1.0), 0.0)
    value = (1 - share) * gain[:, None] + share * gain[None, :]
    value = np.where(left >= 0, value, -np.inf)
    first, second = np.divmod(value.reshape(len(spend), -1).argmax(axis=1), len(points))
    place = np.arange(len(spend))
    shares = np.zeros((len(spend), len(points)))
    shares[place, first] = 1.0 - share[place, first, second]
    shares[place, second] += share[place, first, second]
    return shares


def arm_points(rows, control):
    """Return what every arm would bring and cost for everyone.

    Parameters
    ----------
    rows : EvaluationRows
        With the columns response and cost, or a price.
    control : int
        Index of the control.

    Returns
    -------
    points : ndarray of shape (n_arms, 2)
        Gain and spend above those of control, of the arms with rows of positive weight.
    control_cost : float
        Mean cost of control.
    """
    everyone = [np.full(len(rows.values), arm) for arm in arms_with_weight(rows.experiment)]
    means = np.array([estimate(policy_terms(given, rows)) for given in everyone])
    base = means[arms_with_weight(rows.experiment).tolist().index(control)]
    return means - base, float(base[1])


def cross_fit_shares(choose, spend_of, rows, control, cv, random_state):
    """Choose shares for the rows of each fold on the other rows.

    Parameters
    ----------
    choose : callable
        Gives shares for the points of the arms and spends.
    spend_of : callable
        Gives the spends for a mean cost of control.
    rows : EvaluationRows
        All of positive weight.
    control : int
        Index of the control.
    cv : int, splitter or iterable
        As in `cross_fit_outcomes`.
    random_state : RandomState
        Draws the folds.

    Returns
    -------
    given : ndarray of shape (n_points, n_samples, n_treatments)
        Probabilities of the arms for each row.
    """
    experiment = rows.experiment
    arms = arms_with_weight(experiment)
    present = experiment._replace(
        arm=np.searchsorted(arms, experiment.arm), treatments=experiment.treatments[arms]
    )
    given = None
    for train, test in check_folds(cv, present, rows.unit, random_state):
        # Expected outcomes may know the rows of this fold: weights alone choose.
        others = evaluation_rows(take_rows(experiment, train), rows.values[train], price=rows.price)
        points, control_cost = arm_points(others, control)
        shares = choose(points, spend_of(control_cost))
        if given is None:
            given = np.zeros((len(shares), len(rows.values), len(experiment.treatments)))
        given[:, test[:, None], arms] = shares[:, None, :]
    return given
