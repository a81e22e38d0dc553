"""Tasks, the components that members learn of tasks, and the way back.

A task is an outcome or the cost. Its expectation is taken apart into components with
losses of their own, a chance and an amount:

    expectation = (1 - chance) * low + chance * amount.

The chance of a task that is often zero, or has two values, is an *indicator*
(logistic loss). The *amount* of such a task, given that it is positive, has the gamma deviance.
If zeros are rare, the amount is learnt as it is: *positive* (quasi-Poisson) or, with
negative values, *continuous* (squared error). A chance or an amount may be the same for everybody
in an arm, as in a free control or at a fixed price. Then it is known there, and the arm teaches
nothing of it. An amount may be a fixed rate of another amount in each arm, as a discount is of the
basket. Then it is predicted as that rate of the other amount.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import expit

from sklearn_hrc._predictor.constants import constants_of_arms

__all__ = [
    "AMOUNT",
    "CONTINUOUS",
    "INDICATOR",
    "POSITIVE",
    "Components",
    "describe_tasks",
    "targets_and_weights",
    "to_outcomes",
]

# Kinds of components, in the order in which they stand.
INDICATOR, AMOUNT, POSITIVE, CONTINUOUS = range(4)

# A non-negative task with more zeros than this is a chance and an amount.
ZERO_SHARE = 0.02
# Indicators are tied if they differ in at most this share of their rarer value. An
# order is a redemption, but for a few orders that were cancelled.
TIED_SHARE = 0.01
# Amounts are tied by a rate in each arm if the rate misses at most this share of
# their sum. Discounts are rounded, and some have a limit.
TIED_AMOUNT_SHARE = 0.01
# An arm with fewer amounts does not show that there is a rate.
TIED_AMOUNT_ROWS = 10
# Least entropy of an indicator, and least squared coefficient of variation of an amount.
# Otherwise components of few or nearly equal values would dominate the loss.
LEAST_SPREAD = 0.05


class Components(NamedTuple):
    """Description of the components that are learnt, and of how tasks follow from them.

    Attributes
    ----------
    kind : ndarray of shape (n_components,), int
        INDICATOR, AMOUNT, POSITIVE or CONTINUOUS, ascending.
    location, scale : ndarray of shape (n_components,)
        On its own scale an amount is `scale * exp(link)`, and a continuous
        component is `location + scale * link`.
    upper : ndarray of shape (n_components,)
        Largest link, so that no expected amount is above the largest that was seen.
    importance : ndarray of shape (n_components,)
        Weight in the loss.
    source : ndarray of shape (n_treatments, n_components), int
        Task that a component is learnt from in each arm, or -1 if it is known.
    low : ndarray of shape (n_tasks,)
        Value of a task where its indicator is 0.
    indicator, amount : ndarray of shape (n_tasks,), int
        Component of the chance and of the amount, or -1 if there is none to learn.
    rate : ndarray of shape (n_treatments, n_tasks)
        Factor from the component to the task's amount. It is 1 unless the amount is tied
        to that of another task.
    known_chance, known_amount : ndarray of shape (n_treatments, n_tasks)
        Known values, NaN where a component predicts them.
    """

    kind: np.ndarray
    location: np.ndarray
    scale: np.ndarray
    upper: np.ndarray
    importance: np.ndarray
    source: np.ndarray
    low: np.ndarray
    indicator: np.ndarray
    amount: np.ndarray
    rate: np.ndarray
    known_chance: np.ndarray
    known_amount: np.ndarray


def describe_tasks(tasks, arm, n_treatments, sample_weight, *, has_cost=False):
    """Find the components of the tasks.

    Parameters
    ----------
    tasks : ndarray of shape (n_samples, n_tasks)
        Outcomes and cost.
    arm : ndarray of shape (n_samples,), int
        Arm of each row.
    n_treatments : int
        Number of arms.
    sample_weight : ndarray of shape (n_samples,)
        Positive weights.
    has_cost : bool, default=False
        Whether the last task is the cost. A cost that is constant in an arm is known, even
        from few rows. An outcome could be constant in few rows by chance.

    Returns
    -------
    components : Components
        Description of the tasks.
    """
    n_tasks = tasks.shape[1]
    parts = [
        _take_apart(values, arm, n_treatments, is_cost=has_cost and task == n_tasks - 1)
        for task, values in enumerate(tasks.T)
    ]
    low, kinds, known_chance, known_amount = zip(*parts)
    known_chance, known_amount = np.array(known_chance).T, np.array(known_amount).T
    low = np.array(low)
    groups = _tie_indicators(tasks > low, arm, known_chance)
    leader, rate = _tie_amounts(tasks, arm, sample_weight, kinds, groups, known_amount)
    described = [(INDICATOR, members) for members in groups]
    followers = [np.flatnonzero(leader == task).tolist() for task in range(n_tasks)]
    described += sorted((kinds[members[0]], members) for members in followers if members)
    indicator, amount = np.full(n_tasks, -1), np.full(n_tasks, -1)
    source, measures = [], []
    for component, (kind, members) in enumerate(described):
        (indicator if kind == INDICATOR else amount)[members] = component
        known = known_chance if kind == INDICATOR else known_amount
        source.append(_source(known, members))
        values, rows = _rows_of(tasks, arm, source[-1], kind, low)
        measures.append(_measure(values, sample_weight[rows], kind))
    location, scale, upper, importance = np.array(measures).T
    kind = np.array([kind for kind, _ in described])
    return Components(
        kind,
        location,
        scale,
        upper,
        importance,
        np.array(source).T,
        low,
        indicator,
        amount,
        rate,
        known_chance,
        known_amount,
    )


def targets_and_weights(tasks, arm, sample_weight, components):
    """Return the targets of the losses, and the weight of each row in the losses.

    Parameters
    ----------
    tasks : ndarray of shape (n_samples, n_tasks)
        Outcomes and cost.
    arm : ndarray of shape (n_samples,), int
        Arm of each row.
    sample_weight : ndarray of shape (n_samples,)
        Positive weights.
    components : Components
        Description of the tasks.

    Returns
    -------
    targets : ndarray of shape (n_samples, n_components)
        0 or 1 for an indicator, amounts in units of `scale`, standardised
        continuous values.
    weights : ndarray of shape (n_samples, n_components)
        Weights with a mean of one over the rows, so that the learning rate
        does not depend on their unit. Zero where the row does not teach the
        component. They do not include `importance`.
    """
    n_components = len(components.kind)
    targets = np.zeros((len(tasks), n_components))
    weights = np.zeros((len(tasks), n_components))
    relative = sample_weight / sample_weight.mean()
    for component, (kind, location, scale) in enumerate(
        zip(components.kind, components.location, components.scale)
    ):
        source = components.source[:, component]
        values, rows = _rows_of(tasks, arm, source, kind, components.low)
        targets[rows, component] = (values - location) / scale
        weights[rows, component] = relative[rows]
    return targets, weights


def to_outcomes(links, components):
    """Return expected outcomes, in the tasks' units.

    Parameters
    ----------
    links : ndarray of shape (n_samples, n_treatments, n_components)
        Predictions on the link scale.
    components : Components
        Description of the tasks.

    Returns
    -------
    outcomes : ndarray of shape (n_samples, n_treatments, n_tasks)
        Expected outcomes, in the dtype of `links`.
    """
    means = _means(links, components)
    chance = _filled(components.known_chance, means, components.indicator)
    amount = _filled(components.known_amount, means, components.amount, components.rate)
    low = components.low.astype(links.dtype)
    return (1 - chance) * low + chance * amount


def _means(links, components):
    """Expectation of every component, on its own scale."""
    means = np.empty_like(links)
    location, scale, upper = (
        array.astype(links.dtype)
        for array in (components.location, components.scale, components.upper)
    )
    for component, kind in enumerate(components.kind):
        link = links[..., component]
        if kind == INDICATOR:
            means[..., component] = expit(link)
        elif kind == CONTINUOUS:
            means[..., component] = location[component] + scale[component] * link
        else:
            link = np.minimum(link, upper[component])
            means[..., component] = scale[component] * np.exp(link)
    return means


def _filled(known, means, component, rate=1.0):
    """Known values, and predictions times a rate where nothing is known."""
    known, rate = known.astype(means.dtype), np.asarray(rate, dtype=means.dtype)
    return np.where(np.isnan(known), rate * means[..., component], known)


def _take_apart(values, arm, n_treatments, *, is_cost):
    """Return low, kind of the amount (None if known), known chances and amounts of a task."""
    constant = constants_of_arms(values, arm, n_treatments, is_cost=is_cost)
    rest = np.isnan(constant)
    learnt = values[rest[arm]]
    chance, amount = np.where(rest, np.nan, 1.0), constant.copy()
    if not len(learnt):
        return 0.0, CONTINUOUS, chance, amount
    low, high = learnt.min(), learnt.max()
    if low < high and ((learnt == low) | (learnt == high)).all():
        amount[rest] = high
        return low, None, chance, amount
    if low < 0 or np.mean(learnt == 0) <= ZERO_SHARE:
        chance[:] = 1.0
        return 0.0, CONTINUOUS if low < 0 else POSITIVE, chance, amount
    chance[constant == 0] = 0.0
    indicator = np.where(rest[arm], values > 0, np.nan)
    chance[rest] = constants_of_arms(indicator, arm, n_treatments, is_cost=is_cost)[rest]
    given = np.where(rest[arm] & (values > 0), values, np.nan)
    amount[rest] = constants_of_arms(given, arm, n_treatments, is_cost=is_cost)[rest]
    return 0.0, AMOUNT if np.isnan(amount).any() else None, chance, amount


def _tie_indicators(indicators, arm, known_chance):
    """Group tasks whose indicators agree in the arms where both are to be learnt."""
    groups = []
    for task in np.flatnonzero(np.isnan(known_chance).any(axis=0)):
        for members in groups:
            first = members[0]
            shared = np.isnan(known_chance[:, first]) & np.isnan(known_chance[:, task])
            pair = indicators[shared[arm]][:, [first, task]]
            rarer = min(pair.sum(), pair.size - pair.sum()) / 2
            if len(pair) and (pair[:, 0] != pair[:, 1]).sum() <= TIED_SHARE * rarer:
                members.append(task)
                break
        else:
            groups.append([task])
    return groups


def _tie_amounts(tasks, arm, weight, kinds, indicators, known_amount):
    """Return the task that each task's amount is a rate of, and the rate in each arm.

    An amount that is not a rate of an earlier task's amount follows itself, at rate 1. A task
    without an amount to learn has -1.
    """
    leader = np.array([-1 if kind is None else task for task, kind in enumerate(kinds)])
    rate = np.ones(known_amount.shape)
    chance = {task: members[0] for members in indicators for task in members}
    for task, kind in enumerate(kinds):
        for first in np.unique(leader[:task][leader[:task] >= 0]):
            # Amounts with different chances are amounts of different people.
            alike = kinds[first] == kind and chance.get(first) == chance.get(task)
            if not alike or kind == CONTINUOUS:
                continue
            pair = [first, task]
            # Skip rows where one amount alone is positive, as in an order that was cancelled.
            rows = (tasks[:, pair] > 0).all(axis=1) if kind == AMOUNT else np.full(len(arm), True)
            rates = _rates(tasks[rows][:, pair], arm[rows], weight[rows], known_amount[:, pair])
            if rates is not None:
                leader[task], rate[:, task] = first, rates
                break
    return leader, rate


def _rates(pair, arm, weight, known):
    """Rate of the second amount to the first in each arm, or None if a rate is not fixed."""
    rates = np.ones(len(known))
    for j in np.flatnonzero(np.isnan(known[:, 1])):
        first, second = pair[arm == j].T
        if not np.isnan(known[j, 0]) or len(first) < TIED_AMOUNT_ROWS:
            return None
        total = weight[arm == j] @ second
        rates[j] = total / (weight[arm == j] @ first)
        missed = weight[arm == j] @ np.abs(second - rates[j] * first)
        if missed > TIED_AMOUNT_SHARE * total:
            return None
    return rates


def _source(known, members):
    """First member that is to be learnt in each arm, or -1."""
    learnt = np.isnan(known[:, members])
    return np.where(learnt.any(axis=1), np.asarray(members)[learnt.argmax(axis=1)], -1)


def _rows_of(tasks, arm, source, kind, low):
    """Values of a component and the rows that have them."""
    task = source[arm]
    rows = np.flatnonzero(task >= 0)
    task = task[rows]
    values = tasks[rows, task]
    if kind == INDICATOR:
        return (values > low[task]).astype(np.float64), rows
    if kind == AMOUNT:
        positive = values > 0
        return values[positive], rows[positive]
    return values, rows


def _measure(values, weight, kind):
    """Return location, scale, upper and importance of a component."""
    if not len(values):
        return 0.0, 0.0, 0.0, 1.0  # a scale of 0 gives 0, whatever the link
    mean = np.average(values, weights=weight)
    if kind == INDICATOR:
        entropy = -(mean * np.log(mean) + (1 - mean) * np.log1p(-mean)) if 0 < mean < 1 else 0.0
        return 0.0, 1.0, np.inf, 0.5 / max(entropy, LEAST_SPREAD)
    variance = np.average((values - mean) ** 2, weights=weight)
    if kind == CONTINUOUS:
        return mean, np.sqrt(variance) if variance > 0 else 1.0, np.inf, 1.0
    share = 0.5 if kind == AMOUNT else 1.0
    upper = np.log(values.max() / mean) if mean > 0 else np.inf
    return 0.0, mean, upper, share / max(variance / mean**2, LEAST_SPREAD)
