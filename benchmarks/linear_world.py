"""Experiments in which base and effects are linear in many features: the home of regressions.

Features are independent and normal. The outcome is continuous, and arm `j` of `J` has the known
cost `2 j / (J - 1)`. Every feature moves the base, and every feature has an effect, larger for
dearer arms. So no feature says much by itself, nothing bends, and a ridge regression for each arm
has the model that made the data. The coefficients belong to the setting: all samples share them.
"""

import numpy as np
from sklearn.utils import Bunch

WORLD_SEED = 20
# Standard deviations over individuals of the base, and of the effect of the dearest arm.
BASE, EFFECT = 2.0, 1.5


def make_linear_experiment(
    *, n_samples, random_state, n_features=40, n_treatments=3, noise=3.0, effect=EFFECT
):
    """Return an experiment with its truth, in the form of `make_customer_experiment`."""
    world, rng = np.random.default_rng(WORLD_SEED), np.random.default_rng(random_state)
    degree = np.linspace(0, 1, n_treatments)
    base, effects = world.normal(size=n_features), world.normal(size=(n_features, n_treatments))
    X = rng.normal(size=(n_samples, n_features))
    scale = 1 / np.sqrt(n_features)
    response = (BASE * scale * X @ base)[:, None] + effect * scale * degree * (X @ effects)
    # Each further arm adds less.
    response += np.sqrt(degree)
    cost = np.tile(2 * degree, (n_samples, 1))
    treatment = rng.integers(0, n_treatments, n_samples)
    rows = np.arange(n_samples)
    return Bunch(
        data=X,
        treatment=treatment,
        target=(response[rows, treatment] + noise * rng.normal(size=n_samples))[:, None],
        cost=cost[rows, treatment],
        treatments=np.arange(n_treatments),
        expected_response=response,
        expected_cost=cost,
    )
