"""A randomised experiment of a few rows, quick to train on."""

import numpy as np


def small_experiment(n_samples=240, seed=0):
    """Return X, y of two tasks (one binary), and treatment and cost of three arms.

    Arm 0 is free; the others cost what their redemption costs.
    """
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_samples, 4))
    treatment = rng.permutation(np.arange(n_samples) % 3)
    amount = X[:, 0] + treatment * X[:, 1] + rng.normal(size=n_samples)
    bought = (rng.random(n_samples) < 1 / (1 + np.exp(-X[:, 2]))).astype(float)
    cost = np.where(treatment == 0, 0.0, treatment + rng.random(n_samples))
    y = np.column_stack([10 + 5 * amount, bought])
    return X, y, {"treatment": treatment, "cost": cost}


def assert_same_state(estimator, before):
    """Assert that the attributes of an estimator are the very objects of `before`."""
    assert vars(estimator).keys() == before.keys()
    assert all(vars(estimator)[name] is value for name, value in before.items())
