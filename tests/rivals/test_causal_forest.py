"""Causal forests of all arms, and decisions by their effects."""

import pickle
import sys

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

pytest.importorskip("econml")

from sklearn_hrc.rivals._causal_forest import CausalForestPolicy


def experiment(n_samples, seed=0):
    """Two arms whose effects on response and cost are known functions, and a free control."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_samples, 3))
    arm = rng.permutation(np.arange(n_samples) % 3)
    effect = np.column_stack([np.zeros(n_samples), 2.0 * (X[:, 0] > 0), 1.0 + X[:, 1]])
    price = np.column_stack([np.zeros(n_samples), np.ones(n_samples), 2.0 + (X[:, 2] > 0)])
    each = np.arange(n_samples)
    y = 3 * X[:, 2] + effect[each, arm] + 0.5 * rng.normal(size=n_samples)
    cost = price[each, arm] + 0.2 * (arm == 2) * rng.normal(size=n_samples)
    return X, y, effect, price, {"treatment": arm, "cost": cost}


def forest_policy(**parameters):
    defaults = {"n_estimators": 24, "min_samples_leaf": 10, "estimator": LinearRegression()}
    return CausalForestPolicy(random_state=0, **{**defaults, **parameters})


@pytest.fixture(scope="module")
def world():
    return experiment(2400)


@pytest.fixture(scope="module")
def policy(world):
    X, y, _, _, rows = world
    return forest_policy(budget=0.5).fit(X, y, **rows)


def test_planted_effects_are_found(policy):
    X, _, effect, price, _ = experiment(500, seed=1)
    response, cost = policy._scores(X)
    for arm in (1, 2):
        found = response[:, arm] - response[:, 0]
        assert np.corrcoef(found, effect[:, arm])[0, 1] > 0.9
        assert found.mean() == pytest.approx(effect[:, arm].mean(), abs=0.15)
    assert np.corrcoef(cost[:, 2], price[:, 2])[0, 1] > 0.9
    assert response[:, 0].mean() == pytest.approx(3 * X[:, 2].mean(), abs=0.15)


def test_what_is_known_is_not_predicted(policy, world):
    cost = policy._scores(world[0])[1]
    np.testing.assert_array_equal(cost[:, :2], np.tile([0.0, 1.0], (len(cost), 1)))
    X, y, _, _, rows = world
    few = slice(0, 300)
    priced = forest_policy(n_estimators=4, arm_cost=[0.0, 1.5, 2.5])
    priced.fit(X[few], y[few], treatment=rows["treatment"][few])
    np.testing.assert_array_equal(priced._scores(X[:2])[1], [[0.0, 1.5, 2.5]] * 2)
    assert priced._models[1].forest is None


def test_those_who_gain_most_for_their_cost_are_served(policy, world):
    X = world[0]
    arms = policy.set_budget(0.3).predict(X)
    # Arm 1 gives two units for one of cost where the first feature is positive.
    assert np.mean(X[arms == 1, 0] > 0) > 0.95
    assert policy.expected_cost_ == pytest.approx(0.3, abs=0.01)


def test_it_is_the_same_after_pickling_and_for_the_same_seed(policy, world):
    X, y, _, _, rows = world
    again = pickle.loads(pickle.dumps(policy))
    np.testing.assert_array_equal(again._scores(X), policy._scores(X))
    few = {name: values[:200] for name, values in rows.items()}
    first, second = (
        forest_policy(n_estimators=4).fit(X[:200], y[:200], **few)._scores(X) for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


def test_propensities_that_differ_leave_effects_alone():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3000, 2))
    likely = np.where(X[:, 0] > 0, 0.8, 0.2)
    arm = (rng.random(3000) < likely).astype(int)
    y = 4 * X[:, 0] + arm + 0.1 * rng.normal(size=3000)
    # Nothing that the regression knows explains the outcome.
    policy = forest_policy(min_samples_leaf=100, n_estimators=40)
    policy.fit(
        X, y, treatment=arm, cost=1.0 * arm, propensity=np.where(arm == 1, likely, 1 - likely)
    )
    response = policy._scores(X)[0]
    assert np.mean(response[:, 1] - response[:, 0]) == pytest.approx(1.0, abs=0.1)


def test_a_tree_has_so_many_rows_at_most(world):
    X, y, _, _, rows = world
    policy = forest_policy(n_estimators=4, max_rows=120).fit(X, y, **rows)
    assert policy._models[0].forest.n_samples_subsample_ == [120] * 4


def test_without_econml_the_error_names_the_extra(monkeypatch, world):
    X, y, _, _, rows = world
    monkeypatch.setitem(sys.modules, "econml.grf", None)
    with pytest.raises(ImportError, match=r"^CausalForestPolicy requires econml.grf: .*\[econml\]"):
        forest_policy().fit(X, y, **rows)


@pytest.mark.parametrize(
    ("name", "value"), [("n_estimators", 0), ("max_samples", 1.5), ("max_features", 0.0)]
)
def test_bad_parameters_are_named(world, name, value):
    X, y, _, _, rows = world
    with pytest.raises(ValueError, match=f"'{name}' parameter"):
        forest_policy(**{name: value}).fit(X, y, **rows)
