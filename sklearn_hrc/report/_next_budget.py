"""What the next tenth of the budget would buy, in sentences."""

import numpy as np

from sklearn_hrc.report._numbers import count

__all__ = ["next_tenth"]

_SHARE = 0.1
_MOST_MOVES = 3


def next_tenth(allocator, plan, words):
    """Say what a tenth more and a tenth less of the budget would change.

    Parameters
    ----------
    allocator : ClusterBudgetAllocator
        The allocator of the policy.
    plan : ListPlan or None
        A plan for a list; without it figures are those of the policy, per person.
    words : Wording
        What things are called.

    Returns
    -------
    sentences : list of str
        Empty where the budget is nothing.
    """
    budget = allocator.budget_ if plan is None else plan.total_budget
    step = _SHARE * abs(budget)
    if not step > 0:
        return []
    people = 1 if plan is not None else allocator.cluster_sizes_.sum()
    moves = allocator.explain_budget(step=step) if plan is None else plan.explain(step)
    said = _more(moves[moves["step"] == "next"], people, step, plan is None, words)
    return said + _less(moves[moves["step"] == "last"], people, step, plan is None, words)


def _more(moves, people, step, is_mean, words):
    """Say what more would buy, and for whom."""
    whom = f" per {words.person}" if is_mean else ""
    if not len(moves) or not moves["response"].sum() > 0:
        return [
            f"Nothing, as far as the policy can tell: 10 % more ({words.of_cost(step)}{whom}) "
            "would not change who gets what."
        ]
    response, cost = moves["response"].sum() / people, moves["cost"].sum() / people
    each = ""
    if cost > 0:
        unit = words.of_cost(1.0) if words.cost_unit else f"unit of {words.cost}"
        each = f", that is {words.of_response(response / cost)} for each {unit}"
    said = [
        f"10 % more ({words.of_cost(step)}{whom}) is expected to bring "
        f"{words.of_response(response)} more {words.response}{whom}, for "
        f"{words.of_cost(cost)} more {words.cost}{each}."
    ]
    return said + _who_moves(moves, is_mean, words)


def _less(moves, people, step, is_mean, words):
    """Say what less would lose."""
    whom = f" per {words.person}" if is_mean else ""
    if not len(moves):
        return []
    lost = moves["response"].sum() / people
    return [
        f"10 % less ({words.of_cost(step)}{whom}) is expected to lose {words.of_response(lost)} "
        f"{words.response}{whom}."
    ]


def _who_moves(moves, is_mean, words):
    """Say which arms would be exchanged, the largest moves first."""
    pairs = moves.groupby(["source", "target"], sort=False)["individuals"].sum()
    order = np.argsort(-pairs.to_numpy(), kind="stable")[:_MOST_MOVES]
    where = f" among the {words.people} of the experiment" if is_mean else ""
    parts = [
        f"{count(pairs.iloc[place])} get “{words.arm(pairs.index[place][1])}” in place of "
        f"“{words.arm(pairs.index[place][0])}”"
        for place in order
    ]
    return [f"With it, about {'; '.join(parts)}{where}."]
