"""Which shares of random individuals get which arms at a spend."""

import numpy as np

from sklearn_hrc._experiment import take_rows
from sklearn_hrc.metrics._curves import arm_means
from sklearn_hrc.metrics._evaluation_rows import evaluation_rows
from sklearn_hrc.metrics._folds import check_folds

__all__ = ["arm_points", "cross_fit_shares", "mix_shares", "single_arm_shares"]


def single_arm_shares(points, spend, control):
    """Choose the best arm at each spend, for as many individuals as the spend pays for.

    Parameters
    ----------
    points : ndarray of shape (n_arms, 2)
        Gain and spend of each arm for everyone, above those of control.
    spend : ndarray of shape (n_points,)
        Spends, not negative.
    control : int
        Index of the arm that the other individuals get.

    Returns
    -------
    shares : ndarray of shape (n_points, n_arms)
        Shares of the arms, which sum to 1.
    best : ndarray of shape (n_points,), int
        Index of the chosen arm.
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
    """Choose the best shares of the arms at each spend.

    Two arms are enough for it: the best mixes are the upper hull of the points of the arms.

    Parameters
    ----------
    points : ndarray of shape (n_arms, 2)
        Gain and spend of each arm for everyone, above those of control.
    spend : ndarray of shape (n_points,)
        Spends, not negative.

    Returns
    -------
    shares : ndarray of shape (n_points, n_arms)
        Shares of the arms, which sum to 1 and cost no more than the spend.
    """
    gain, cost = points.T
    # Of each pair of arms the spend must pay for the first arm for everyone. The second arm
    # gets the share that the rest of the spend pays for.
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


def arm_points(rows):
    """Return what each arm brings and costs if everyone gets it.

    The first result holds gain and spend above those of control, of each arm in `rows.arms`,
    (n_arms, 2). The second is the mean cost of control.
    """
    means = arm_means(rows)
    base = means[np.searchsorted(rows.arms, rows.control)]
    return means - base, float(base[1])


def cross_fit_shares(choose, spend_of, rows, cv, random_state):
    """Choose shares for the rows of each fold on the rows of the other folds.

    Parameters
    ----------
    choose : callable
        Gives shares for the points of the arms and spends.
    spend_of : callable
        Gives the spends for a mean cost of control.
    rows : EvaluationRows
        As in `realised_curve`, all of positive weight.
    cv : int, splitter or iterable
        As in `cross_fit_outcomes`.
    random_state : RandomState
        Draws the folds.

    Returns
    -------
    given : ndarray of shape (n_points, n_samples, n_treatments)
        Probabilities of the arms for each row.
    """
    experiment, arms = rows.experiment, rows.arms
    present = experiment._replace(
        arm=np.searchsorted(arms, experiment.arm), treatments=experiment.treatments[arms]
    )
    given = None
    for train, test in check_folds(cv, present, rows.unit, random_state):
        # The expected outcomes of the other folds may have seen this fold. So weights alone
        # choose, whatever the method.
        others = evaluation_rows(
            take_rows(experiment, train),
            rows.values[train],
            price=rows.price,
            control=rows.control,
        )
        points, control_cost = arm_points(others)
        shares = choose(points, spend_of(control_cost))
        if given is None:
            given = np.zeros((len(shares), len(rows.values), len(experiment.treatments)))
        given[:, test[:, None], arms] = shares[:, None, :]
    return given
