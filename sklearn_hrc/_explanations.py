"""Plans as tables: who gets what, and what the edge of a budget buys."""

import numpy as np

from sklearn_hrc._programme.blocks import RiskOfBlocks, constraints_in_blocks
from sklearn_hrc._programme.constraints import dense_constraint, join_constraints
from sklearn_hrc._programme.hull import hull_path
from sklearn_hrc._programme.relaxation import Infeasible, relax

__all__ = ["frame_of", "marginal_moves", "plan_table"]

# Individuals that a relaxation moves by rounding alone.
_NOBODY = 1e-6


def plan_table(allocator):
    """Return who gets what. See `ClusterBudgetAllocator.allocation_table`."""
    campaign, counts = allocator._in_use.campaign, allocator.allocation_
    path = hull_path(campaign.value, campaign.cost, campaign.sizes)
    marginal = np.full(counts.shape, np.nan)
    marginal[path.cluster, path.target] = path.slope
    cluster, arm = np.nonzero(counts)
    cells = cluster, arm
    return frame_of(
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


def marginal_moves(campaign, blocks, counts, rule, step, clusters, treatments):
    """Return what changes from a step below a budget to it, and to a step above it.

    Parameters
    ----------
    campaign : Campaign
        What the allocation was made of.
    blocks : Blocks
        Cells that individuals move in.
    counts : ndarray of shape (n_blocks, n_arms)
        Allocation of the budget.
    rule : BudgetRisk
        How the allocation keeps the budget. Its reserve is kept as it is.
    step : float
        Per individual.
    clusters : ndarray of shape (n_clusters,)
        Labels. The last one is that of blocks in no single cluster.
    treatments : ndarray of shape (n_arms,)
        Labels.

    Returns
    -------
    moves : DataFrame
        See `ClusterBudgetAllocator.explain_budget`.
    """
    here = _relaxed(campaign, blocks, counts, rule, 0.0)
    moves = []
    for name, shift in (("last", -step), ("next", step)):
        there = _relaxed(campaign, blocks, counts, rule, shift)
        if there is not None and here is not None:
            fewer, more = (there, here) if shift < 0 else (here, there)
            moves += [(name, *move) for move in _moves(fewer, more)]
    block, source, target = np.array([move[1:4] for move in moves], dtype=int).reshape(-1, 3).T
    individuals = np.array([move[4] for move in moves], dtype=float)

    def change(values):
        values = blocks.spread(values)
        return individuals * (values[block, target] - values[block, source])

    frame = frame_of(
        {
            "step": [move[0] for move in moves],
            "cluster": clusters[blocks.cluster[block]],
            "source": treatments[source],
            "target": treatments[target],
            "individuals": individuals,
            "response": change(campaign.response),
            "cost": change(campaign.cost),
        }
    )
    keys = ["step", "cluster", "source", "target"]
    frame = frame.groupby(keys, sort=False, dropna=False, as_index=False).sum()
    frame["marginal_return"] = (frame.response / frame.cost).where(frame.cost != 0)
    return frame


def _relaxed(campaign, blocks, counts, rule, shift):
    """Counts of the linear relaxation where the budget is shifted; None where there are none."""
    _, coefficients, limit = RiskOfBlocks(rule, blocks).cut(counts)
    constraints = [dense_constraint(coefficients, limit + shift * campaign.sizes.sum())]
    constraints += [
        constraints_in_blocks(one.constraints, blocks, len(campaign.sizes))
        for one in campaign.requirements
    ]
    try:
        relaxed = relax(blocks.spread(campaign.value), blocks.sizes, join_constraints(constraints))
    except Infeasible:
        return None
    return blocks.meant(relaxed.counts)


def _moves(fewer, more):
    """Moves (block, source, target, individuals) that lead from some counts to others."""
    change = more - fewer
    for block in np.flatnonzero(np.abs(change).max(axis=1) > _NOBODY):
        gone = {arm: -n for arm, n in enumerate(change[block].tolist()) if n < -_NOBODY}
        come = {arm: n for arm, n in enumerate(change[block].tolist()) if n > _NOBODY}
        for target, wanted in come.items():
            for source, left in gone.items():
                moved = min(wanted, left)
                if moved > _NOBODY:
                    yield block, source, target, moved
                    wanted, gone[source] = wanted - moved, left - moved


def frame_of(columns, index=None):
    """Return a data frame, or say that pandas is missing."""
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError(
            "Tables need pandas: install it, or sklearn-hrc with the extra 'plot'."
        ) from error
    return pd.DataFrame(columns, index=index)
