"""What was run: people, arms, outcome, cost and dates."""

import numpy as np

from sklearn_hrc.report._columns import dates_in
from sklearn_hrc.report._numbers import count
from sklearn_hrc.report._rules import rules_kept

__all__ = ["arms_tried", "facts"]


def facts(policy, evaluation, plan, rows, words):
    """Return what was run, as pairs of a name and a text.

    Parameters
    ----------
    policy : ClusterBudgetAllocator
        The fitted allocator of the policy.
    evaluation, plan, rows : Evaluation, ListPlan and Rows, each may be None
        As given to the report.
    words : Wording
        What things are called.

    Returns
    -------
    pairs : list of tuple of str
        In the order of the page.
    """
    n_rows = _number_of_rows(policy, evaluation, rows)
    labels = policy.treatments_.tolist()
    is_listed = evaluation is not None or rows is not None
    tried = count(len(labels)) if is_listed else ", ".join(f"“{words.arm(one)}”" for one in labels)
    pairs = [
        (f"{words.people} in the experiment", count(n_rows)),
        ("options (arms) tried", tried),
        ("compared with", f"“{words.arm(policy.control_)}”"),
        ("to be raised", words.response),
        ("budget", _budget(policy, evaluation, plan, words)),
    ]
    if plan is not None:
        pairs.append((f"{words.people} on the list", count(len(plan.arms))))
    if kept := rules_kept(policy, plan, words):
        pairs.append(("kept beside the budget", "; ".join(kept)))
    for name, first, last in dates_in(rows):
        pairs.append((words.column(name), f"{first} to {last}"))
    return pairs


def _number_of_rows(policy, evaluation, rows):
    if rows is not None:
        return len(rows.X)
    return policy.cluster_sizes_.sum() if evaluation is None else evaluation.n_individuals


def _budget(policy, evaluation, plan, words):
    """Say the budget per person, and that of the list where it is another one."""
    budget = policy.budget_ if evaluation is None else evaluation.budget
    own = f"{words.of_cost(budget)} per {words.person}"
    if plan is None:
        return own
    listed = f"{words.of_cost(plan.total_budget / len(plan.arms))} per {words.person}"
    if listed == own:
        return own
    if evaluation is None:
        return f"{own} for the policy, {listed} for the list"
    return f"{own} for what was checked (all figures per {words.person}), {listed} for the list"


def arms_tried(policy, evaluation, rows, words):
    """Return the arms with what each would bring and cost if everybody got it.

    Parameters
    ----------
    policy : ClusterBudgetAllocator
        The fitted allocator of the policy.
    evaluation, rows : Evaluation and Rows, each may be None
        As given to the report.
    words : Wording
        What things are called.

    Returns
    -------
    heads : list of str
        Names of the columns.
    table : list of list of str
        A row for each arm; none where neither is given.
    """
    if evaluation is None and rows is None:
        return [], []
    heads = ["option"] + [f"{words.people} who got it"] * (rows is not None)
    table = []
    for place, label in enumerate(policy.treatments_.tolist()):
        row = [words.arm(label)]
        if rows is not None:
            row.append(count((np.asarray(rows.metadata["treatment"]) == label).sum()))
        table.append(row + _means(evaluation, place, words))
    if evaluation is not None:
        heads += [f"{words.response} if everybody got it", f"{words.cost} if everybody got it"]
    return heads, table


def _means(evaluation, place, words):
    if evaluation is None:
        return []
    arms = evaluation.by_arm
    return [
        words.of_response(arms.response[place], arms.response_se[place]),
        words.of_cost(arms.cost[place], arms.cost_se[place]),
    ]
