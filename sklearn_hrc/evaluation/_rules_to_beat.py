"""Simple rules that a policy has to beat, each chosen on other rows than those that judge it."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from sklearn.utils import _safe_indexing

from sklearn_hrc.metrics import best_mix, best_single_arm, policy_value

__all__ = ["BEST_MIX", "BestArm", "RuleToBeat", "beat", "best_arm_of_all", "rules_to_beat"]

BEST_MIX = "best mix of arms"
# Points of a curve whose spends differ by less than this share of its range have no slope.
_LEAST_STEP = 0.01


class RuleToBeat(NamedTuple):
    """A rule at several budgets, and what it gains and spends there.

    Attributes
    ----------
    name : str
        What the rule is called.
    chances : callable
        Gives the probability of each arm for each row, (n_samples, n_treatments), at the place
        of a budget.
    points : list of Bunch
        Difference to control for everybody at each budget, from `Valuation.above_control`.
    """

    name: str
    chances: Callable[[int], np.ndarray]
    points: list


class BestArm(NamedTuple):
    """The arm that all rows together would choose, and the share that the budget pays for."""

    treatment: object
    share: float


def rules_to_beat(valuation, held_out, folds, budgets):
    """Choose three rules on the training part of each fold, for the rows of its test part.

    Parameters
    ----------
    valuation : Valuation
        The rows, and how rules are judged.
    held_out : HeldOut
        Folds of the rows and expected responses.
    folds : list of (ndarray, ndarray)
        Training and test parts.
    budgets : ndarray of shape (n_budgets,)
        Mean costs per individual, in rising order.

    Returns
    -------
    rules : list of RuleToBeat
        The best single arm, the best mix of arms, and the ranking by predicted response: the arm
        and the share of the first rule, but for those of whom most is expected under this arm.
    """
    chosen = [_choose(valuation, train, budgets) for train, _ in folds]
    single, mix = (np.stack(shares, axis=1) for shares in zip(*chosen))
    fold = held_out.fold
    predicted, weight = held_out.expected[..., 0], valuation.rows["sample_weight"]

    def ranked(point):
        return _ranked(single[point], valuation.control, predicted, weight, fold)

    chances = {
        "best single arm": lambda point: single[point, fold],
        BEST_MIX: lambda point: mix[point, fold],
        "ranking by predicted response": ranked,
    }
    return [
        RuleToBeat(
            name, rule, [valuation.above_control(rule(point)) for point in range(len(budgets))]
        )
        for name, rule in chances.items()
    ]


def best_arm_of_all(valuation, treatments, budget):
    """Return the best single arm at a budget by all rows, which is advice and no estimate."""
    rows = np.arange(len(valuation.response))
    best = best_single_arm(**_chosen_on(valuation, rows, np.array([budget])))
    arm = int(best.treatment[0])
    return BestArm(treatments.tolist()[arm], float(best.shares[0, arm]))


def beat(valuation, given, rule):
    """Compare a policy with a rule at the spend of the policy.

    Between two budgets of the rule a coin is tossed for each individual, so that the rule spends
    what the policy spends. Beyond its largest spend the rule has no use for more money.

    Parameters
    ----------
    valuation : Valuation
        How both are judged.
    given : ndarray of shape (n_samples,)
        Arms of the policy.
    rule : RuleToBeat
        The rule.

    Returns
    -------
    difference, error : float
        The response of the policy less that of the rule, and its standard error.
    """
    spend = valuation.above_control(given).cost
    spends, gains, places = _knots(rule.points)
    after = int(np.searchsorted(spends, spend))
    if after in (0, len(spends)):
        other, price = rule.chances(places[min(after, len(spends) - 1)]), 0.0
    else:
        step = spends[after] - spends[after - 1]
        share = (spend - spends[after - 1]) / step
        price = (gains[after] - gains[after - 1]) / step
        before, beyond = (rule.chances(place) for place in places[after - 1 : after + 1])
        other = (1 - share) * before + share * beyond
    difference, error = valuation.compare_net(given, other, price)
    return float(difference), float(error)


def _choose(valuation, train, budgets):
    """Return the shares of the arms at each budget by some rows, of the single arm and the mix."""
    given = _chosen_on(valuation, train, budgets)
    return best_single_arm(**given).shares, best_mix(**given, cv=None).shares


def _chosen_on(valuation, index, budgets):
    """Return what `best_single_arm` takes, by name, to choose on some of the rows."""
    names = ("treatment", "propensity", "sample_weight")
    rows = {name: valuation.rows[name] for name in names}
    rows = {**rows, "y": valuation.response, "cost": valuation.cost}
    given = {
        name: None if values is None else _safe_indexing(values, index)
        for name, values in rows.items()
    }
    given["arm_cost"] = valuation.arm_cost
    nobody = np.full(len(index), valuation.control)
    base = policy_value(nobody, **given).cost
    # A budget may be below what control costs on these rows.
    return {**given, "spend": np.maximum(budgets - base, 0.0), "control": valuation.control}


def _ranked(shares, control, predicted, weight, fold):
    """Give the arm of each fold to its share of those of whom most is expected under it.

    Parameters
    ----------
    shares : ndarray of shape (n_folds, n_treatments)
        Shares of an arm and of control, by the rows of the other folds.
    control : int
        Index of control.
    predicted : ndarray of shape (n_samples, n_treatments)
        Expected response.
    weight, fold : ndarray of shape (n_samples,)
        Weight and fold of each row.

    Returns
    -------
    chances : ndarray of shape (n_samples, n_treatments)
        Probabilities, which are between 0 and 1 for those who are alike at the limit.
    """
    chances = np.zeros(predicted.shape)
    others = np.delete(np.arange(shares.shape[1]), control)
    for number, own in enumerate(shares):
        rows = np.flatnonzero(fold == number)
        arm = others[own[others].argmax()]
        share = _first(predicted[rows, arm], own[arm], weight[rows])
        chances[rows, arm] = share
        chances[rows, control] = 1.0 - share
    return chances


def _first(score, share, weight):
    """Return the chance of each row to be among the share with the highest scores."""
    level, place = np.unique(-score, return_inverse=True)
    size = np.bincount(place, weight, len(level))
    above = np.cumsum(size) - size
    left = share * size.sum() - above
    safe = np.where(size > 0, size, 1.0)
    return np.where(size > 0, np.clip(left / safe, 0.0, 1.0), 0.0)[place]


def _knots(points):
    """Return the spends and gains of a rule in rising order, and their places among its points.

    Points that spend almost the same as the one before are left out, since the line between the
    two has no slope to speak of.
    """
    spend = np.array([point.cost for point in points])
    order = np.argsort(spend, kind="stable")
    least = _LEAST_STEP * (spend.max() - spend.min())
    kept = [order[0]]
    for place in order[1:]:
        if spend[place] - spend[kept[-1]] > least:
            kept.append(place)
    places = [int(place) for place in kept]
    return spend[places], np.array([points[place].response for place in places]), places
