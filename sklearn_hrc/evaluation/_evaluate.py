"""What a policy is worth beside simple rules, by rows that it has not seen."""

import warnings
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils import Bunch, check_random_state

from sklearn_hrc._compat import HasMethods, validate_params
from sklearn_hrc._plain_numbers import numbers_of_table
from sklearn_hrc.evaluation._held_out import decide_held_out, in_numbers
from sklearn_hrc.evaluation._parts import (
    arms_part,
    curve_part,
    effects_part,
    promise_part,
    rules_part,
    value_part,
)
from sklearn_hrc.evaluation._result import Evaluation
from sklearn_hrc.evaluation._rows import check_evaluation
from sklearn_hrc.evaluation._rules_to_beat import best_arm_of_all, rules_to_beat
from sklearn_hrc.evaluation._valuation import Valuation, choose_method
from sklearn_hrc.exceptions import OverlapWarning
from sklearn_hrc.metrics import check_randomisation

__all__ = ["evaluate"]


@validate_params(
    {
        "policy": [HasMethods(["fit"])],
        "y": ["array-like"],
        "treatment": ["array-like"],
        "cost": ["array-like", None],
        "propensity": ["array-like", None],
        "sample_weight": ["array-like", None],
        "groups": ["array-like", None],
        "budget": [Real, None],
        "budgets": ["array-like", None],
        "cv": ["cv_object"],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    },
    prefer_skip_nested_validation=True,
)
def evaluate(
    policy: BaseEstimator,
    X: ArrayLike,
    y: ArrayLike,
    *,
    treatment: ArrayLike,
    cost: ArrayLike | None = None,
    propensity: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    budget: float | None = None,
    budgets: ArrayLike | None = None,
    cv: Any = 5,
    random_state: int | np.random.RandomState | None = None,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> Evaluation:
    """Evaluate a policy on an experiment, beside the simple rules that it has to beat.

    For each fold a clone of the policy is fitted to the other folds and decides the rows of this
    fold, at its budget and at those of a curve. Everything else comes from these
    decisions: what the policy brings and costs, how it differs from three simple rules at equal
    spend, whether people differ in what the arms do to them, and what was promised at fit. The
    rules are chosen on the other folds, too.

    Parameters
    ----------
    policy : estimator
        :class:`~sklearn_hrc.ClusterBudgetAllocator`,
        :class:`~sklearn_hrc.DistilledAllocator`, a pipeline that ends in one, or a search over
        it, fitted or not. The policy is cloned and does not change. A frozen step is not fitted
        anew: it must not have seen these rows.
    X : array-like of shape (n_samples, n_features)
        Features, as `policy` takes them.
    y : array-like of shape (n_samples,) or (n_samples, n_outcomes)
        Observed outcomes. The response is what the policy's `objective` makes of them.
    treatment : array-like of shape (n_samples,)
        Received arm.
    cost : array-like of shape (n_samples,), default=None
        Realised cost of the received arm. Not needed where the policy has `arm_cost`, which
        takes its place.
    propensity : array-like of shape (n_samples,), default=None
        Probability of the received arm, in (0, 1]. The default is the share of its rows.
    sample_weight : array-like of shape (n_samples,), default=None
        Non-negative weights of the rows.
    groups : array-like of shape (n_samples,), default=None
        Labels of rows that belong together, such as a household. They are kept in one fold, and
        errors take the groups, not the rows, for independent.
    budget : float, default=None
        Mean cost per individual. None is the plan of the policy: its own budget, that of
        its last `set_budget`, or what its goal needs.
    budgets : array-like of shape (n_budgets,), default=None
        Budgets of the curve. None is ten equal steps from the cost of control to that of the
        dearest arm.
    cv : int, splitter or iterable, default=5
        Folds, as in :func:`~sklearn_hrc.model_selection.cross_fit_arms`.
    random_state : int, RandomState instance or None, default=None
        Draws the folds of an integer `cv`, and the permutations of the check of the draw.
    n_jobs : int, default=None
        Number of folds that are fitted at the same time. Set `OMP_NUM_THREADS=1` along with it.
    verbose : int, default=0
        If not zero, prints a line for each fold that is done.

    Returns
    -------
    evaluation : Evaluation
        Figures by name, tables and sentences.

    Raises
    ------
    BudgetError
        If a policy cannot keep its budget, or one of `budgets`, on a fold.
    ValueError
        If the rows, `cv` or the parameters of the policy are not as expected. An error of a fit
        has a note that names the fold.

    See Also
    --------
    sklearn_hrc.model_selection.cross_fit_arms : The decisions alone.
    sklearn_hrc.metrics.policy_value : The value of decisions that are given.

    Notes
    -----
    The value is doubly robust where expected outcomes help: by those of the policy, or by ridge
    regressions, whichever has the smallest measured standard error, and by Hajek's weights
    where neither makes it 2 % smaller. Intervals are those of these decisions, at 95 %. They do
    not contain that another sample would have given another policy. They are too short where no arm
    does anything: then decisions follow noise, which policies of different folds share.

    People are said to differ in what an arm does to them by the slope of the effect on the
    effect that was predicted, on held-out rows: 1 if effects differ as predicted, 0
    if predictions are noise. The level is 5 %. Half of it is for all arms together, the arms share
    the other half.

    Examples
    --------
    >>> from sklearn_hrc import ClusterBudgetAllocator
    >>> from sklearn_hrc.datasets import make_coupon_experiment
    >>> from sklearn_hrc.evaluation import evaluate
    >>> e = make_coupon_experiment(4000, n_treatments=3, random_state=0)
    >>> segment = (e.data[:, :2] > [118, 21]) @ [[2], [1]]
    >>> evaluation = evaluate(
    ...     ClusterBudgetAllocator(0.5), segment, e.target,
    ...     treatment=e.treatment, cost=e.cost, random_state=0)
    >>> evaluation.rules.rule.tolist()
    ['best single arm', 'best mix of arms', 'ranking by predicted response']
    >>> low, high = evaluation.response_interval
    >>> low < evaluation.response < high
    True
    """
    given = {
        "treatment": treatment,
        "cost": cost,
        "propensity": propensity,
        "sample_weight": sample_weight,
        "groups": groups,
    }
    setting = check_evaluation(
        policy, X, y, given, budget=budget, budgets=budgets, cv=cv, random_state=random_state
    )
    held_out = decide_held_out(
        *(policy, X, y, {name: values for name, values in given.items() if values is not None}),
        setting.folds,
        budget=budget,
        budgets=setting.budgets,
        n_jobs=n_jobs,
        verbose=verbose,
    )
    features, names = numbers_of_table(X)
    # Arms that nobody received where the policy gives them are told by the overlap, once.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OverlapWarning)
        parts = _judge(setting, held_out, features)
    randomisation = _check_draw(features, names, given, check_random_state(random_state))
    return Evaluation(
        **parts,
        n_individuals=int((setting.experiment.sample_weight > 0).sum()),
        randomisation=randomisation,
    )


def _judge(setting, held_out, features):
    """Return the parts of an evaluation by the rows that judge the held-out decisions."""
    treatments = setting.experiment.treatments
    valuation = Valuation(
        setting.response,
        setting.rows,
        None if setting.prices is not None else setting.experiment.cost,
        setting.prices,
        setting.control,
    )
    labelled, held_out = held_out, in_numbers(held_out, treatments)
    valuation, method, errors = choose_method(
        valuation, held_out.arms, held_out.expected, features, setting.folds
    )
    budget = float(held_out.promises[:, 0].mean())
    grid = np.unique([*setting.budgets, budget])
    rules = rules_to_beat(valuation, held_out, setting.folds, grid)
    value = value_part(valuation, held_out.arms)
    return {
        **value,
        "treatments": treatments,
        "control": treatments.tolist()[setting.control],
        "response_name": setting.response_name,
        "budget": budget,
        "budgets": setting.budgets,
        "arms": labelled.arms,
        "curve_arms": labelled.curve_arms,
        "method": method,
        "standard_errors": errors,
        "outcomes": valuation.outcomes,
        "rules": rules_part(valuation, held_out.arms, rules),
        "curve": curve_part(valuation, held_out, rules, setting.budgets, grid),
        "by_arm": arms_part(valuation, held_out.arms, treatments),
        "effects": effects_part(setting, held_out),
        "promise": promise_part(held_out, value),
        "best_arm": best_arm_of_all(valuation, treatments, budget),
    }


def _check_draw(features, names, given, random_state) -> Bunch | None:
    """Test whether features tell the arm, or return None where they cannot be read."""
    if features is None:
        return None
    check = check_randomisation(
        features,
        given["treatment"],
        propensity=given["propensity"],
        groups=given["groups"],
        random_state=random_state,
    )
    return _named(check, names)


def _named(check, names):
    """Return a check of the draw with names of features in place of x0, x1, ..."""
    feature = np.array([names[int(label[1:])] for label in check.features["feature"]], dtype=object)
    conclusion = check.conclusion.replace(
        f"look at is {check.features['feature'][0]},", f"look at is {feature[0]},"
    )
    features = {**check.features, "feature": feature}
    return Bunch(**{**check, "conclusion": conclusion, "features": features})
