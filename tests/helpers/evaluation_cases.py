"""Small experiments with a policy, for the tests of its value."""

import numpy as np

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
