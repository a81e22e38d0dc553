"""How many rows the next experiment needs, by simulation."""

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from sklearn_hrc._compat import HasMethods, Interval, StrOptions, validate_params
from sklearn_hrc.design._assumed import assumed_world
from sklearn_hrc.design._held_back import random_part
from sklearn_hrc.design._pilot import pilot_world
from sklearn_hrc.design._plans import BEST_MIX, BEST_SINGLE_ARM, best_arm
from sklearn_hrc.design._result import ROUNDING, ExperimentDesign
from sklearn_hrc.design._simulation import Trial, simulate
from sklearn_hrc.design._sizes import check_arm_shares, check_rows, default_rows
from sklearn_hrc.evaluation._parts import Arrays

__all__ = ["design_experiment"]


@validate_params(
    {
        "policy": [HasMethods(["fit"]), None],
        "rule": [StrOptions({BEST_SINGLE_ARM, BEST_MIX})],
        "cv": [Interval(Integral, 2, None, closed="left"), None],
        "n_simulations": [Interval(Integral, 10, None, closed="left")],
        "draw_effects": ["boolean"],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def design_experiment(
    policy: BaseEstimator | None = None,
    X: ArrayLike | None = None,
    y: ArrayLike | None = None,
    *,
    treatment: ArrayLike | None = None,
    cost: ArrayLike | dict[Any, float] | None = None,
    propensity: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    effects: ArrayLike | None = None,
    sizes: ArrayLike | None = None,
    noise: Any = None,
    zeros: Any = None,
    control: Any = None,
    budget: float | None = None,
    arm_shares: ArrayLike | dict[Any, float] | None = None,
    rows: ArrayLike | None = None,
    rule: str = BEST_SINGLE_ARM,
    cv: int | None = None,
    n_simulations: int = 300,
    draw_effects: bool = False,
    random_state: int | np.random.RandomState | None = None,
) -> ExperimentDesign:
    """Find how many rows an experiment needs to show that targeting pays.

    Experiments of several sizes are simulated. On each, cells are estimated, a plan for the budget
    is made, and rows that the plan has not seen compare it with the best single arm at equal
    spend. The power of a size is the share of experiments in which the 95 % interval of this
    difference is above zero. What is true comes from a pilot or is assumed.

    Parameters
    ----------
    policy : estimator, default=None
        Policy that was fitted to a pilot. Its clusters, shrunken estimates and prices are used.
    X, y : array-like, default=None
        Features and outcomes of the pilot, as in `fit` of the policy.
    treatment : array-like of shape (n_samples,), default=None
        Received arm of each row of the pilot.
    cost : array-like or dict, default=None
        With a pilot: realised cost of each row. With `effects`: mean cost of each arm, by label
        or of shape (n_treatments,), or of each cell, of shape (n_segments, n_treatments).
    propensity, sample_weight : array-like of shape (n_samples,), default=None
        Rows of the pilot, as in `fit`.
    groups : array-like of shape (n_samples,), default=None
        Labels of rows of the pilot that belong together, such as a household. Rows that are alike
        count for less, see Notes.
    effects : array-like or DataFrame of shape (n_segments, n_treatments), default=None
        Without a pilot: assumed mean response of each arm in each segment, control included.
        The columns of a data frame name the arms, else they are 0, 1, ...
    sizes : array-like of shape (n_segments,), default=None
        Sizes of the segments, in any unit. None: they are equal.
    noise : float, array-like or "chance", default=None
        Standard deviation of the response of an individual, for all, each arm or each cell. It
        counts zeros. "chance" is for responses of 0 and 1.
    zeros : float or array-like, default=None
        Share of individuals whose response is zero. The others follow a gamma distribution. None:
        responses are normal.
    control : label, default=None
        Control among the arms of `effects`. None is the first of rising numbers.
    budget : float, default=None
        Mean cost per individual. None is that of the policy's plan.
    arm_shares : array-like of shape (n_treatments,) or dict, default=None
        Chances of the arms in the next experiment. None: they are equal.
    rows : array-like of shape (n_sizes,), default=None
        Numbers of rows to try. None is six numbers around that which would do if nothing had to
        be learnt, up to 500,000.
    rule : {"best single arm", "best mix of arms"}, default="best single arm"
        What the policy has to beat. Both are for random individuals.
    cv : int, default=None
        Number of folds that judge the policy, 5 in :func:`~sklearn_hrc.evaluation.evaluate`. None
        learns from one half of the rows and judges on the other.
    n_simulations : int, default=300
        Experiments of each size, at least 10.
    draw_effects : bool, default=False
        Draw the truth of each simulated experiment from the estimates of the pilot and their
        errors. Power and gain then contain what the pilot does not know, but the possible gain is
        too large where clusters hardly differ, see Notes. False takes the estimates for true.
    random_state : int, RandomState instance or None, default=None
        Draws the experiments.

    Returns
    -------
    design : ExperimentDesign
        Tables and sentences.

    Raises
    ------
    BudgetError
        If the budget is below the cost of the cheapest plan.
    ValueError
        If the parameters are not as expected, or the rows of the pilot do not fit the policy.

    See Also
    --------
    sklearn_hrc.evaluation.evaluate : What an experiment says of a policy.

    Notes
    -----
    Raw means of a pilot spread more than the truth, so what looks best there is partly luck. The
    truth is simulated around shrunken estimates: those of the allocator, and where it has
    `estimation="raw"`, those that it would have with "pooled". No drawn cost is negative unless an
    estimate is. In simulated pilots of 3,000 rows, six segments and three arms, the mean possible
    gain by the shrunken estimates was 0.034 where 0.036 was true, and 0.022 where there was none.
    By drawn truth it was 0.067 and 0.058, by raw means 0.098 and 0.084.

    Outcomes of a pilot are drawn with replacement from the residuals of the cell, with their zeros
    and their tail. A cell of fewer than 30 rows has those of its arm.

    Simulated cells are estimated from the labels of clusters alone, as
    :class:`~sklearn_hrc.ClusterBudgetAllocator` does with `estimation="pooled"`. Clusters are those
    of the pilot. Plans keep the budget, and neither rules, risk nor goals. A cluster that the
    budget splits is divided by the toss of a coin. Values are Hajek's.

    With `groups`, rows count by the design effect: the variance of sums over the rows of a group
    with the same arm, as a multiple of that of independent rows. Groups of the next experiment
    are taken to be like those of the pilot, and to receive their arms in the same way.

    Examples
    --------
    >>> from sklearn_hrc.design import design_experiment
    >>> design = design_experiment(
    ...     effects=[[1.0, 1.0], [1.0, 1.4]], sizes=[0.5, 0.5], noise=2.0, cost=[0.0, 1.0],
    ...     budget=0.5, n_simulations=20, random_state=0)
    >>> round(design.possible_gain, 3)
    0.1
    >>> design.best_arm.treatment, design.best_arm.share
    (1, 0.5)
    """
    random_state = check_random_state(random_state)
    pilot = {
        "treatment": treatment,
        "propensity": propensity,
        "sample_weight": sample_weight,
        "groups": groups,
    }
    assumed = {"sizes": sizes, "noise": noise, "zeros": zeros, "control": control}
    _check_source(policy, effects, {"X": X, "y": y, **pilot}, assumed)
    if policy is None:
        world = assumed_world(effects, cost=cost, budget=budget, **assumed)
    else:
        world = pilot_world(policy, X, y, {**pilot, "cost": cost}, budget)
    arm_shares = check_arm_shares(arm_shares, world.treatments)
    if rows is None:
        rows = default_rows(world, arm_shares, rule, cv is None)
    rows = check_rows(rows, arm_shares, world.design_effect)
    draw_effects = bool(draw_effects and world.from_pilot)
    independent = np.floor(rows / world.design_effect).astype(np.int64)
    trial = Trial(independent, arm_shares, rule, cv, draw_effects)
    rng = np.random.default_rng(random_state.randint(2**31 - 1, size=4))
    found = simulate(world, trial, n_simulations, rng)
    return _result(world, trial, rows, found)


def _check_source(policy, effects, pilot, assumed):
    """Raise unless there is a pilot or there are assumed effects, and nothing of the other."""
    if (policy is None) == (effects is None):
        got = "neither" if policy is None else "both"
        raise ValueError(
            f"policy of a pilot is expected, or effects that are assumed, one of them, got {got}."
        )
    source, other = ("effects", pilot) if policy is None else ("policy", assumed)
    given = [name for name, value in other.items() if value is not None]
    if given:
        raise ValueError(
            f"{given[0]} is expected to be None where {source} is given; leave it out."
        )
    needed = {"noise": assumed["noise"]} if policy is None else {k: pilot[k] for k in ("X", "y")}
    missing = [name for name, value in needed.items() if value is None]
    if missing:
        raise ValueError(f"{missing[0]} is expected where {source} is given, got None.")


def _result(world, trial, rows, found):
    """Return what simulated experiments found, as figures by number of rows."""
    n_simulations = len(found.told)
    # Two experiments more of each kind keep an error from being zero.
    near = (found.told.sum(axis=0) + 2) / (n_simulations + 4)
    by_rows = Arrays(
        rows=rows,
        power=found.told.mean(axis=0),
        power_se=np.sqrt(near * (1 - near) / n_simulations),
        gain=found.gain.mean(axis=0),
        gain_se=found.gain.std(axis=0, ddof=1) / np.sqrt(n_simulations),
        width=np.nanmean(found.width, axis=0),
        cost=found.cost.mean(axis=0),
        overspend=np.maximum(found.cost - world.budget, 0.0).mean(axis=0),
    )
    possible = float(found.possible.mean())
    return ExperimentDesign(
        by_rows=by_rows,
        possible_gain=possible,
        nothing_to_target=possible <= ROUNDING * float(np.abs(world.estimates.mean[..., 0]).max()),
        treatments=world.treatments,
        control=world.treatments.tolist()[world.control],
        arm_shares=trial.arm_shares,
        budget=world.budget,
        rule=trial.rule,
        best_arm=best_arm(world),
        n_clusters=len(world.sizes),
        n_simulations=n_simulations,
        cv=trial.n_folds,
        from_pilot=world.from_pilot,
        draw_effects=trial.draw_effects,
        design_effect=world.design_effect,
        left_out=world.left_out,
        random_part=random_part(world, trial.arm_shares),
    )
