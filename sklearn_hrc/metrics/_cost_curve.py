"""Area under the cost curve of a ranking, for one treatment against control."""

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sklearn_hrc._compat import Interval, validate_params
from sklearn_hrc._experiment import check_experiment, check_row_values
from sklearn_hrc._parameters import resolve_arm_cost
from sklearn_hrc.metrics._checks import (
    check_cost_sources,
    check_one_outcome,
    count_rows,
    place_of_control,
)

__all__ = ["area_under_cost_curve"]


@validate_params(
    {
        "y": ["array-like"],
        "return_on_spend": ["array-like"],
        "treatment": ["array-like"],
        "cost": ["array-like", None],
        "arm_cost": ["array-like", dict, None],
        "control": "no_validation",
        "n_steps": [Interval(Integral, 1, None, closed="left")],
    },
    prefer_skip_nested_validation=True,
)
def area_under_cost_curve(
    y: ArrayLike,
    return_on_spend: ArrayLike,
    *,
    treatment: ArrayLike,
    cost: ArrayLike | None = None,
    control: Any,
    arm_cost: ArrayLike | dict[Any, float] | None = None,
    n_steps: int = 20,
) -> float:
    """Score a ranking of individuals as the literature on budgeted treatments does (AUCC).

    Individuals are ranked by their predicted return on spend, the best first. One after the
    other they add to the incremental response and cost of the treatment: the sum over the
    treated divided by the number of all the treated, less the same of the controls. The
    increment of the response is read where the increment of the cost first reaches each of
    `n_steps` equal steps to its total, and once at the end. The score is the sum of these
    readings, divided by `n_steps + 1` and by the total increment of the response. A random
    ranking has 0.5, a better one more.

    This score is here for comparisons with published figures. It knows one treatment and no
    policy, and is noisy where responses are rare. To compare policies use
    :func:`budget_curve`.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Observed response.
    return_on_spend : array-like of shape (n_samples,)
        Predicted incremental response of the treatment over its predicted incremental
        cost, or any score that ranks alike. Rows of equal scores stay in their order.
    treatment : array-like of shape (n_samples,)
        Received arm, one of two, drawn with the same chances for everybody.
    cost : array-like of shape (n_samples,), default=None
        Realised cost of the received arm. Needed without `arm_cost`.
    control : label
        The arm that is no treatment.
    arm_cost : dict or array-like of shape (2,), default=None
        Known price of each arm, in place of `cost`: by label, or in the order of
        the treatments where they are numbers.
    n_steps : int, default=20
        Number of steps. Published figures for Criteo's data have 200.

    Returns
    -------
    score : float
        The area, as a share of a rectangle.

    Raises
    ------
    ValueError
        If there are not two arms, or the treatment costs no more, or brings no more,
        than the control.

    See Also
    --------
    budget_curve : Gain against spend of policies with any number of arms.

    References
    ----------
    Zhou et al. (2023), Direct heterogeneous causal learning for resource allocation
    problems in marketing, `arXiv:2211.15728 <https://arxiv.org/abs/2211.15728>`_; steps
    and divisors as in the code of `arXiv:2407.13664 <https://arxiv.org/abs/2407.13664>`_.

    Examples
    --------
    >>> from sklearn_hrc.metrics import area_under_cost_curve
    >>> area_under_cost_curve(
    ...     [4.0, 0.0, 2.0, 0.0], [3, 3, 1, 1], treatment=[1, 0, 1, 0],
    ...     cost=[1.0, 0.0, 1.0, 0.0], control=0, n_steps=2)
    0.5555555555555556
    """
    n_samples = count_rows(y, "y")
    check_cost_sources(cost, arm_cost, needs_cost=True)
    experiment = check_experiment(
        y, treatment=treatment, cost=cost, propensity=None, sample_weight=None, n_samples=n_samples
    )
    score = check_row_values(return_on_spend, "return_on_spend", n_samples)
    treated = _check_treated(experiment, control)
    if arm_cost is not None:
        ordered = experiment.order is not None
        price = resolve_arm_cost(arm_cost, experiment.treatments, ordered=ordered)
        experiment = experiment._replace(cost=price[experiment.arm])
    order = np.argsort(-score, kind="stable")
    # The row of a treated individual adds to the increments, that of a control subtracts.
    share = np.where(treated, 1 / treated.sum(), -1 / (~treated).sum())[order]
    response = np.cumsum(share * experiment.outcomes[order, 0])
    spend = np.cumsum(share * experiment.cost[order])
    if not spend[-1] > 0:
        raise ValueError(
            "cost is expected to be larger under the treatment than under control, got an "
            f"increment of {spend[-1]:g}."
        )
    # Divided by a loss, a better ranking would have the smaller score.
    if not response[-1] > 0:
        raise ValueError(
            "y is expected to be larger under the treatment than under control, got an increment "
            f"of {response[-1]:g}; compare policies of such an arm by budget_curve."
        )
    read = response[_first_reached(spend, n_steps)].sum() + response[-1]
    return float(read / (response[-1] * (n_steps + 1)))


def _first_reached(spend, n_steps):
    """Return the rows where the cost first reaches each step but the last, one row a step."""
    rows, first = [], 0
    for step in range(1, n_steps):
        reached = spend[first:-1] >= step * spend[-1] / n_steps
        if not reached.any():
            break
        rows.append(first + int(np.argmax(reached)))
        first = rows[-1] + 1
    return rows


def _check_treated(experiment, control):
    """Return which rows are treated, of two arms."""
    check_one_outcome(experiment)
    labels = experiment.treatments.tolist()
    if len(labels) != 2:
        raise ValueError(f"treatment is expected to have two different labels, got {labels}.")
    return experiment.arm != place_of_control(control, labels)
