"""What policies decide, expect and promise for rows that they have not seen."""

import warnings
from typing import NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.utils.parallel import Parallel, delayed

from sklearn_hrc._columns import take_apart
from sklearn_hrc._fold_fits import ask_fold
from sklearn_hrc._labels import find_labels
from sklearn_hrc._unwrap import unwrap_policy
from sklearn_hrc.exceptions import BudgetWarning

__all__ = ["HeldOut", "budget_in_use", "decide_held_out", "in_numbers"]


class HeldOut(NamedTuple):
    """Decisions and expectations of policies that were fitted to the other folds.

    Attributes
    ----------
    fold : ndarray of shape (n_samples,), int
        Fold of each row.
    arms : ndarray of shape (n_samples,)
        Treatment labels by the plan of the policy.
    curve_arms : ndarray of shape (n_budgets, n_samples)
        Treatment labels at each budget.
    expected : ndarray of shape (n_samples, n_treatments, 2), float64
        Expected response and cost of each row under every arm.
    promises : ndarray of shape (n_folds, 3)
        Budget, expected response and expected cost of each policy, per individual.
    """

    fold: np.ndarray
    arms: np.ndarray
    curve_arms: np.ndarray
    expected: np.ndarray
    promises: np.ndarray


def budget_in_use(policy):
    """Return the budget that `set_budget` gave a policy, or None."""
    _, last = unwrap_policy(policy, name="policy")
    allocator = getattr(last, "_fitted_allocator", None)
    plan = vars(allocator).get("_in_use") if allocator is not None else None
    return None if plan is None else plan.given


def decide_held_out(policy, X, y, given, folds, *, budget, budgets, n_jobs, verbose):
    """Fit a policy to the other folds of each fold, and ask it about the rows of the fold.

    Parameters
    ----------
    policy : estimator
        As in `evaluate`.
    X, y : array-like
        As in `evaluate`.
    given : dict
        Arrays with an entry for each row that `fit` gets, by name.
    folds : list of (ndarray, ndarray)
        Training and test parts, which hold out every row once.
    budget : float or None
        Budget of the plan. None is that of the policy.
    budgets : ndarray of shape (n_budgets,)
        Budgets of the curve. A policy whose cheapest plan costs more plans for that cost.
    n_jobs, verbose : int
        As in `evaluate`.

    Returns
    -------
    held_out : HeldOut
        Entries in the order of the rows.
    """
    used = budget_in_use(policy) if budget is None else None
    answers = Parallel(n_jobs=n_jobs)(
        delayed(_ask_fold)(clone(policy), X, y, given, fold, number, budget, used, budgets, verbose)
        for number, fold in enumerate(folds)
    )
    order = np.argsort(np.concatenate([test for _, test in folds]))
    number = [np.full(len(test), k) for k, (_, test) in enumerate(folds)]
    arms = np.concatenate([answer[0] for answer in answers], axis=1)[:, order]
    return HeldOut(
        np.concatenate(number)[order],
        arms[0],
        arms[1:],
        np.concatenate([answer[1] for answer in answers])[order],
        np.array([answer[2] for answer in answers]),
    )


def in_numbers(held_out, treatments):
    """Return the same decisions with the places of arms among the treatments as labels."""
    curve = [find_labels(arms, treatments) for arms in held_out.curve_arms]
    own = find_labels(held_out.arms, treatments)
    return held_out._replace(arms=own, curve_arms=np.array(curve))


def _ask_fold(policy, X, y, given, fold, number, budget, used, budgets, verbose):
    """Return arms, expectations and promise of the policy that has not seen a fold."""

    def ask(last, Z):
        if used is not None:
            last.set_budget(used)
        return _answers(last, Z, budget, budgets)

    with warnings.catch_warnings():
        # That a budget does not bind is said once, of all folds.
        warnings.simplefilter("ignore", BudgetWarning)
        how = {"caller": "evaluate", "verbose": verbose}
        return ask_fold(policy, X, y, given, fold, number, ask, **how)


def _answers(last, Z, budget, budgets):
    """Return arms at all budgets, expectations and promise of the last step of a policy."""
    allocator = last._fitted_allocator
    budgets = np.maximum(budgets, allocator._cheapest_budget())
    if budget is None:
        arms = np.concatenate([[last.predict(Z)], last.predict_budgets(Z, budgets)])
        promise = allocator.budget_, allocator.expected_response_, allocator.expected_cost_
    else:
        arms = last.predict_budgets(Z, [budget, *budgets])
        plan = allocator.budget_curve([budget])
        promise = budget, plan.response[0], plan.cost[0]
    return arms, _expected(last, allocator, last._check_X(Z)), promise


def _expected(last, allocator, Z):
    """Return expected response and cost of each row under every arm, (n_samples, n_arms, 2)."""
    if allocator is last and allocator.estimation_ == "outcomes":
        tasks = take_apart(Z[:, 1:], allocator._columns)[2].astype(np.float64)
        response = tasks[..., : len(allocator._objective)] @ allocator._objective
        price = allocator._arm_cost
        cost = tasks[..., -1] if price is None else np.broadcast_to(price, response.shape)
        return np.stack([response, cost], axis=-1)
    # Nothing is expected of a single individual but what is expected of its cluster.
    cells = np.stack([allocator.response_, allocator.cost_], axis=-1)
    average = np.tensordot(allocator.cluster_sizes_ / allocator.cluster_sizes_.sum(), cells, 1)
    # The last row serves clusters that the fit never saw, whose index is -1.
    return np.concatenate([cells, average[None]])[last._locate(Z)[0]]
