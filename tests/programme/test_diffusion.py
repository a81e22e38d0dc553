"""Rounding of very many clusters, whose totals stay where they are."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.sparse import csr_array

from sklearn_hrc._programme import with_constraints
from sklearn_hrc._programme.constraints import are_kept, at_least, at_most, join_constraints
from sklearn_hrc._programme.diffusion import diffuse, largest_take
from sklearn_hrc._programme.with_constraints import solve_constrained


def test_by_hand():
    # Four clusters of a unit: every other one gets the second arm.
    shares = np.full((4, 2), 0.5)
    taken = csr_array(np.tile([0.0, 1.0], 4)[None])
    counts = diffuse(shares, np.ones(4, dtype=np.int64), taken)
    assert_array_equal(counts.sum(axis=1), 1)
    assert counts[:, 1].sum() == 2
    assert_array_equal(diffuse(np.array([[0.3, 0.7]]), np.array([10]), taken[:, :2]), [[3, 7]])
    assert_array_equal(largest_take(3 * taken), [3])


@pytest.mark.parametrize("seed", range(10))
def test_totals_stay(seed):
    rng = np.random.default_rng(seed)
    n_clusters, n_arms = 3000, 4
    shares = rng.dirichlet(np.full(n_arms, 0.3), n_clusters)
    units = rng.integers(0, 4, n_clusters)
    taken = csr_array(rng.normal(size=(3, n_clusters * n_arms)))
    counts = diffuse(shares, units, taken)
    assert_array_equal(counts.sum(axis=1), units)
    assert (counts >= 0).all()
    off = taken @ (counts - shares * units[:, None]).ravel()
    assert (np.abs(off) <= 4 * largest_take(taken)).all()


def test_a_start_when_the_solver_has_no_time(monkeypatch):
    rng = np.random.default_rng(0)
    sizes = rng.integers(1, 4, 4000)
    cost = np.sort(rng.gamma(2, 1, (4000, 3)), axis=1)
    value = cost**0.7 * rng.gamma(2, 1, (4000, 1))
    last = np.zeros(cost.shape)
    last[:, 2] = 1.0
    population = sizes.sum()
    demanded = [
        at_most("budget", float(cost.mean()), cost, population),
        at_least("share", 0.3, last, population, whole=True),
    ]
    constraints = join_constraints([one.constraints for one in demanded])
    monkeypatch.setattr(with_constraints, "ask_solver", lambda *_, **__: (None, False))
    solution = solve_constrained(value, sizes, constraints, split_clusters=np.ones_like(sizes))
    assert are_kept(solution.counts, constraints).all()
    assert ((solution.counts > 0).sum(axis=1) == 1).all()
    stake = sizes @ np.ptp(value, axis=1)
    assert 0 <= solution.bound - solution.value < 2e-3 * stake
