"""Orders and baskets of three coupons in eight segments, and policies fitted to them."""

import numpy as np

from sklearn_hrc import ClusterBudgetAllocator

N_SEGMENTS = 8


def segment_experiment():
    """Segments, outcomes and rows; the coupon is paid with the order."""
    rng = np.random.default_rng(0)
    n_rows = 6000
    segment, coupon = rng.integers(0, N_SEGMENTS, n_rows), rng.choice([0, 5, 10], n_rows)
    chance = 0.1 + 0.02 * segment + (0.02 + 0.02 * (segment % 4)) * (coupon / 5) ** 0.7
    order = (rng.random(n_rows) < chance).astype(float)
    y = np.column_stack([order, order * rng.gamma(2, 20, n_rows)])
    rows = {"treatment": coupon, "cost": coupon * order}
    return segment[:, None].astype(float), y, rows


def fitted(experiment, budget=0.6, **parameters):
    X, y, rows = experiment
    # Counts in a population: rows of a segment are alike, and would get one arm.
    allocator = ClusterBudgetAllocator(budget, population=len(X), random_state=0, **parameters)
    return allocator.fit(X, y, **rows)


def spend(allocator, arm=slice(None)):
    """Mean spend per individual, in all or on an arm."""
    shares = allocator.allocation_ / allocator.cluster_sizes_.sum()
    return np.sum((shares * allocator.cost_)[:, arm])
