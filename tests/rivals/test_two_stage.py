"""Two stages: what is predicted, and what is decided by it."""

import numpy as np
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

from sklearn_hrc.datasets import make_coupon_experiment
from sklearn_hrc.rivals import TwoStagePolicy


@pytest.fixture
def lines():
    """Rows whose response and cost are linear in one feature, in each of two arms."""
    x, arm = np.arange(40) / 10.0, np.tile([0, 1], 20)
    return x[:, None], x + arm * (2 - 1.5 * x), {"treatment": arm, "cost": arm * (1 + x)}


def test_a_regression_of_each_arm_finds_lines(lines):
    X, y, rows = lines
    policy = TwoStagePolicy(LinearRegression(), learner="t").fit(X, y, **rows)
    response, cost = policy._scores(X)
    np.testing.assert_allclose(response, np.column_stack([X[:, 0], 2 - X[:, 0] / 2]), atol=1e-9)
    np.testing.assert_allclose(cost, np.column_stack([np.zeros(40), 1 + X[:, 0]]), atol=1e-9)


def test_the_best_are_served_first(lines):
    # The effect 2 - 1.5 x falls and the cost 1 + x rises, so that a budget serves the smallest x.
    X, y, rows = lines
    policy = TwoStagePolicy(LinearRegression(), learner="t", n_folds=None, budget=10.5 / 40)
    arms = policy.fit(X, y, **rows).predict(X)
    # Costs of the first eight are 1.0, 1.1, ..., 1.7: 10.8 in all.
    assert arms.tolist() == [1] * 7 + [0] * 33
    assert policy.expected_cost_ == pytest.approx((7 + 2.1) / 40)
    assert policy.shadow_price_ == pytest.approx(0.95 / 1.7)


def test_without_a_budget_that_binds_nobody_gets_what_harms(lines):
    X, y, rows = lines
    policy = TwoStagePolicy(LinearRegression(), learner="t", budget=100.0).fit(X, y, **rows)
    np.testing.assert_array_equal(policy.predict(X), (X[:, 0] < 4 / 3).astype(int))
    assert policy.shadow_price_ == 0


def test_one_regression_knows_the_arm_by_its_last_feature(lines):
    X, y, rows = lines
    policy = TwoStagePolicy(Ridge(alpha=1e-9)).fit(X, y, **rows)
    columns = np.column_stack([X, rows["treatment"]])
    expected = LinearRegression().fit(columns, y)
    for arm in (0, 1):
        response = expected.predict(np.column_stack([X, np.full(40, arm)]))
        np.testing.assert_allclose(policy._scores(X)[0][:, arm], response, atol=1e-6)


def test_costs_that_are_known_are_not_predicted(lines):
    X, y, rows = lines
    policy = TwoStagePolicy(DummyRegressor(), arm_cost=[0, 3])
    policy.fit(X, y, treatment=rows["treatment"])
    np.testing.assert_array_equal(policy._scores(X[:2])[1], [[0, 3], [0, 3]])


def test_costs_may_have_a_regression_of_their_own(lines):
    X, y, rows = lines
    policy = TwoStagePolicy(LinearRegression(), learner="t", cost_estimator=DummyRegressor())
    policy.fit(X, y, **rows)
    np.testing.assert_allclose(policy._scores(X)[1][:, 1], rows["cost"][1::2].mean())


def test_weights_count_as_repeated_rows(lines):
    X, y, rows = lines
    y = y + np.sin(np.arange(40))
    weight = np.random.default_rng(0).integers(0, 3, 40)
    fits = [
        TwoStagePolicy(make_pipeline(StandardScaler(), LinearRegression()), learner="t"),
        TwoStagePolicy(LinearRegression(), learner="t"),
    ]
    weighted = [policy.fit(X, y, **rows, sample_weight=weight)._scores(X) for policy in fits]
    repeated = {name: np.repeat(values, weight) for name, values in rows.items()}
    fits[1].fit(np.repeat(X, weight, axis=0), np.repeat(y, weight), **repeated)
    for scores in weighted:
        np.testing.assert_allclose(scores, fits[1]._scores(X), atol=1e-9)


def test_a_regression_without_weights_is_refused_where_they_differ(lines):
    X, y, rows = lines
    policy = TwoStagePolicy(KNeighborsRegressor())
    with pytest.raises(ValueError, match="^estimator is expected to take sample_weight in fit"):
        policy.fit(X, y, **rows, sample_weight=np.arange(40.0))


@pytest.mark.parametrize("n_folds", [3, None])
def test_prices_come_from_rows_that_models_have_not_seen(n_folds):
    # Trees that know each row by heart expect of each what it gave, which is noise.
    rng = np.random.default_rng(0)
    X, arm = rng.normal(size=(600, 3)), rng.integers(0, 2, 600)
    cost = arm * (rng.random(600) < 0.3) * 4.0
    response = rng.normal(size=600) + 0.5 * arm
    tree = DecisionTreeRegressor(random_state=0)
    policy = TwoStagePolicy(tree, learner="t", n_folds=n_folds, budget=0.6, random_state=0)
    policy.fit(X, response, treatment=arm, cost=cost)
    new = policy.predict(rng.normal(size=(4000, 3)))
    true_cost = 1.2 * new.mean()
    if n_folds is None:
        assert true_cost > 0.66
    else:
        assert true_cost == pytest.approx(0.6, abs=0.08)


def test_groups_that_keep_an_arm_to_themselves_are_refused(lines):
    X, y, rows = lines
    policy = TwoStagePolicy(LinearRegression(), learner="t", n_folds=2)
    with pytest.raises(ValueError, match="^groups is expected to leave rows of every treatment"):
        policy.fit(X, y, **rows, groups=rows["treatment"])


@pytest.mark.slow
def test_trees_find_effects():
    world = make_coupon_experiment(3000, random_state=0)
    policy = TwoStagePolicy(random_state=0)
    policy.fit(world.data, world.target, treatment=world.treatment, cost=world.cost)
    expected = policy._scores(world.data)[0]
    effect, truth = (Q[:, -1] - Q[:, 0] for Q in (expected, world.expected_response))
    assert np.corrcoef(effect, truth)[0, 1] > 0.3
