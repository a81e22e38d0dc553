"""Small experiments with a policy, for the tests of its value."""

import numpy as np
from numpy.testing import assert_allclose

METHODS = ["hajek", "horvitz-thompson", "doubly-robust"]


def random_case(seed, n=60, method="doubly-robust"):
    """Rows, a policy and expected outcomes that have little to do with them."""
    rng = np.random.default_rng(seed)
    treatment = np.r_[0, 1, 2, rng.integers(0, 3, n - 3)]
    rows = {
        "arms": np.r_[treatment[:3], rng.integers(0, 3, n - 3)],
        "y": rng.normal(size=n),
        "treatment": treatment,
        "cost": treatment * rng.uniform(0.5, 1.5, n),
        "propensity": rng.uniform(0.2, 0.9, n),
        "sample_weight": rng.uniform(0.1, 3.0, n),
        "groups": rng.integers(0, 12, n),
        "method": method,
    }
    if method == "doubly-robust":
        rows["outcomes"] = rng.normal(size=(n, 3, 2))
    return rows


def take(rows, index):
    """Select rows of everything that has them."""
    return {
        name: value if name in ("method", "control") else np.asarray(value)[index]
        for name, value in rows.items()
    }


def four_rows():
    """Four rows whose policy matches in the first and the last two."""
    return {
        "arms": ["b", "b", "a", "a"],
        "y": [3.0, 5.0, 1.0, 2.0],
        "treatment": ["b", "a", "a", "a"],
        "propensity": [0.5, 0.5, 0.25, 0.75],
        "cost": [2.0, 9.0, 1.0, 0.0],
        "sample_weight": [1.0, 4.0, 1.0, 3.0],
        "method": "doubly-robust",
        # Expected response and cost of arm a, then of arm b.
        "outcomes": [
            [[0, 0], [2, 1]],
            [[0, 0], [4, 3]],
            [[2, 1], [0, 0]],
            [[1, 2], [0, 0]],
        ],
    }


def random_rows(rng, n=60, n_arms=3):
    """An experiment with arms, weights and propensities that differ between rows."""
    treatment = np.r_[np.arange(n_arms), rng.integers(0, n_arms, n - n_arms)]
    return {
        "y": rng.normal(size=n),
        "treatment": treatment,
        "cost": treatment * rng.uniform(0.5, 1.5, n),
        "propensity": rng.uniform(0.2, 0.9, n),
        "sample_weight": rng.uniform(0.1, 3.0, n),
    }


def random_policy(seed):
    """Random rows and a policy that has nothing to do with them."""
    rng = np.random.default_rng(seed)
    return {"arms": rng.integers(0, 3, 60), **random_rows(rng)}


def permuted(rows, order):
    """Rows in another order, of values whose last axis is that of rows."""
    return {name: np.asarray(values)[..., order] for name, values in rows.items()}


def curve_case(seed, method="hajek", n=80):
    """Rows, and a policy at four budgets that gives arms to more and more of them."""
    rows = random_case(seed, n=n, method=method)
    rng = np.random.default_rng(seed)
    arms = (rng.random((4, n)) < [[0.2], [0.4], [0.6], [0.9]]) * rng.integers(1, 3, n)
    arms[:, :3] = [0, 1, 2]
    return {**rows, "arms": arms, "control": 0}


def targeted(experiment):
    """A policy that is neither constant nor random."""
    return np.where(experiment.data[:, 0] > 1, 20, np.where(experiment.data[:, 1] > 1, 5, 0))


def assert_same(value, other, **tolerance):
    """Two results of a measure have the same names and numbers."""
    assert value.keys() == other.keys()
    for name in value:
        if value[name] is None:
            assert other[name] is None, name
            continue
        assert_allclose(value[name], other[name], err_msg=name, **{"rtol": 1e-7, **tolerance})
