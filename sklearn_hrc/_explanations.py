"""Plans as tables: who gets what, and what the edge of a budget buys."""

import numpy as np

from sklearn_hrc._programme.hull import hull_path
from sklearn_hrc._programme.relaxation import InfeasibleRows, dense_row, join_rows, relax_rows

__all__ = ["marginal_moves", "plan_table"]

# Individuals that a relaxation moves by rounding alone.
_NOBODY = 1e-6


def plan_table(allocator):
    """Return who gets what; see `ClusterBudgetAllocator.allocation_table`."""
    campaign, counts = allocator._in_use.campaign, allocator.allocation_
    path = hull_path(campaign.value, campaign.cost, campaign.sizes)
    marginal = np.full(counts.shape, np.nan)
    marginal[path.cluster, path.target] = path.slope
    cluster, arm = np.nonzero(counts)
    cells = cluster, arm
    return _frame(
        {
            "cluster": allocator.clusters_[cluster],
            "size": allocator.cluster_sizes_[cluster],
            "treatment": allocator.treatments_[arm],
            "individuals": counts[cells],
            "response": allocator.response_[cells],
            "response_se": allocator.response_se_[cells],
            "cost": allocator.cost_[cells],
            "cost_se": allocator.cost_se_[cells],
            "marginal_return": marginal[cells],
        }
    )


def marginal_moves(allocator, campaign, counts, rule, step):
    """Return what changes from a step below a budget to it, and to a step above it.

    Parameters
    ----------
    allocator : ClusterBudgetAllocator
        Fitted.
    campaign : Campaign
        What the allocation was made of.
    counts : ndarray of shape (n_clusters, n_arms)
        Allocation of the budget.
    rule : BudgetRisk
        How the allocation keeps the budget; its reserve is kept as it is.
    step : float
        Per individual.

    Returns
    -------
    moves : DataFrame
        See `ClusterBudgetAllocator.explain_budget`.
    """
    here = _relaxed(campaign, counts, rule, 0.0)
    moves = []
    for name, shift in (("last", -step), ("next", step)):
        there = _relaxed(campaign, counts, rule, shift)
        if there is not None and here is not None:
            fewer, more = (there, here) if shift < 0 else (here, there)
            moves += [(name, *move) for move in _moves(fewer, more)]
    names = [move[0] for move in moves]
    cluster, source, target = np.array([move[1:4] for move in moves], dtype=int).reshape(-1, 3).T
    individuals = np.array([move[4] for move in moves], dtype=float)

    def change(values):
        return individuals * (values[cluster, target] - values[cluster, source])

    response, cost = change(campaign.response), change(campaign.cost)
    return _frame(
        {
            "step": names,
            "cluster": allocator.clusters_[cluster],
            "source": allocator.treatments_[source],
            "target": allocator.treatments_[target],
            "individuals": individuals,
            "response": response,
            "cost": cost,
            "marginal_return": np.divide(
                response, cost, out=np.full(len(cost), np.nan), where=cost != 0
            ),
        }
    )


def _relaxed(campaign, counts, rule, shift):
    """Counts of the linear relaxation where the budget is shifted; None where there are none."""
    _, coefficients, limit = rule.cut(counts)
    rows = [dense_row(coefficients, limit + shift * campaign.sizes.sum())]
    rows += [other.rows for other in campaign.rules]
    try:
        return relax_rows(campaign.value, campaign.sizes, join_rows(rows)).counts
    except InfeasibleRows:
        return None


def _moves(fewer, more):
    """Moves (cluster, source, target, individuals) that lead from some counts to others."""
    change = more - fewer
    for cluster in np.flatnonzero(np.abs(change).max(axis=1) > _NOBODY):
        gone = {arm: -n for arm, n in enumerate(change[cluster].tolist()) if n < -_NOBODY}
        come = {arm: n for arm, n in enumerate(change[cluster].tolist()) if n > _NOBODY}
        for target, wanted in come.items():
            for source, left in gone.items():
                moved = min(wanted, left)
                if moved > _NOBODY:
                    yield cluster, source, target, moved
                    wanted, gone[source] = wanted - moved, left - moved


def _frame(columns):
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError(
            "Tables need pandas: install it, or sklearn-hrc with the extra 'plot'."
        ) from error
    return pd.DataFrame(columns)
