"""Returns on cost that are learnt directly."""

import pickle

import numpy as np
import pytest

from sklearn_hrc.exceptions import MissingTreatmentWarning
from sklearn_hrc.rivals._direct_return import DirectReturnPolicy

QUICK = {"n_networks": 2, "max_epochs": 3, "random_state": 0}


def planted(n_rows, n_arms, seed=0):
    """Arms at random costs, whose steps return what is planted.

    Returns features, response, arm, cost and the return of each step.
    """
    rng = np.random.default_rng(seed)
    X, arm = rng.normal(size=(n_rows, 3)), np.arange(n_rows) % n_arms
    first = 0.1 + 0.8 / (1 + np.exp(-2 * X[:, 0]))
    returns = np.column_stack([first / (1 + step) for step in range(n_arms - 1)])
    steps = (1 + 0.5 * X[:, [1]] ** 2) * np.ones(n_arms - 1)
    received = arm[:, None] > np.arange(n_arms - 1)
    cost = (steps * received).sum(axis=1) * rng.gamma(4.0, 0.25, n_rows)
    gain = (steps * returns * received).sum(axis=1)
    return X, X[:, 2] + gain + 0.3 * rng.normal(size=n_rows), arm, cost, returns


@pytest.fixture(scope="module")
def experiment():
    """Three arms, 900 rows."""
    return planted(900, 3)[:4]


@pytest.fixture(scope="module")
def policy(experiment):
    return fit(experiment, **QUICK)


def fit(experiment, **parameters):
    X, y, arm, cost = experiment
    return DirectReturnPolicy(**parameters).fit(X, y, treatment=arm, cost=cost)


def returns_of(policy, X):
    return policy._returns(X, np.ones((len(policy._networks), len(X))))


def test_learns_planted_returns():
    X, *seen, returns = planted(6000, 2)
    policy = fit((X, *seen), n_networks=1, max_epochs=15, random_state=0)
    given = returns_of(policy, X)[:, 0]
    assert np.corrcoef(given, returns[:, 0])[0, 1] > 0.9
    assert np.abs(given - returns[:, 0]).mean() < 0.1


@pytest.mark.slow
def test_learns_planted_returns_of_several_steps():
    X, *seen, returns = planted(100_000, 3)
    policy = fit((X, *seen), n_networks=2, random_state=0)
    given = returns_of(policy, X)
    for step in range(2):
        assert np.corrcoef(given[:, step], returns[:, step])[0, 1] > 0.95
        assert np.abs(given - returns)[:, step].mean() < 0.05


def test_units_of_response_and_cost_make_no_difference():
    X, y, arm, cost, _ = planted(900, 3)
    one, two = (fit((X, a * y, arm, b * cost), **QUICK) for a, b in ((1, 1), (64, 1 / 16)))
    np.testing.assert_allclose(returns_of(two, X), 1024 * returns_of(one, X), rtol=1e-4)


def test_gives_the_dearest_arm_whose_steps_return_the_price(policy, experiment):
    X = experiment[0]
    policy.set_budget(0.5)
    returns, price = returns_of(policy, X), policy.shadow_price_
    assert len(policy.steps_) > 2
    falls = (np.diff(returns, axis=1) < 0).all(axis=1)
    n_steps = (returns[falls] >= price).sum(axis=1)
    agrees = policy.predict(X)[falls] == policy.steps_[n_steps]
    assert falls.mean() > 0.5
    assert agrees.mean() > 0.99


def test_plans_keep_budgets(policy):
    curve = policy.budget_curve([0.3, 0.6, 1.2])
    assert (curve.cost <= curve.budget + 1e-9).all()
    assert curve.cost[1] > 0.9 * 0.6


def test_arms_off_the_hull_are_given_to_nobody():
    X, y, arm, cost, _ = planted(900, 3)
    # What was the first step costs more than the second one, and gives less.
    cost = np.where(arm == 1, 3 * cost.max(), cost)
    policy = fit((X, y, arm, cost), **QUICK)
    np.testing.assert_array_equal(policy.steps_, [0, 2])
    arms = policy.predict_budgets(X, [0.2, 1.0, 1e6])
    assert set(arms.ravel()) == {0, 2}
    assert set(arms[2]) == {2}


def test_control_for_all_where_no_step_pays():
    X, y, arm, cost, _ = planted(300, 2)
    policy = fit((X, y - 9 * arm, arm, cost), **QUICK)
    assert set(policy.set_budget(1e6).predict(X)) == {0}


def test_rows_of_weight_zero_do_not_count(experiment):
    X, y, arm, cost = experiment
    weight = (np.arange(len(y)) % 7 > 0) * 1.0
    one, two = (
        DirectReturnPolicy(**QUICK).fit(
            X, given, treatment=arm, cost=cost, sample_weight=weight, propensity=np.ones(900) / 3
        )
        for given in (y, np.where(weight > 0, y, 40.0))
    )
    np.testing.assert_array_equal(returns_of(one, X), returns_of(two, X))


def test_one_arm_is_given_to_all():
    X = np.random.default_rng(0).normal(size=(30, 2))
    with pytest.warns(MissingTreatmentWarning):
        policy = DirectReturnPolicy(**QUICK).fit(X, X[:, 0])
    assert set(policy.predict(X)) == {policy.control_}


def test_a_given_bound_holds(experiment):
    policy = fit(experiment, return_bound=0.25, **QUICK)
    assert policy.return_bound_ == 0.25
    assert returns_of(policy, experiment[0]).max() < 0.25


def test_a_row_alone_is_decided_as_in_a_batch_and_after_pickling(policy, experiment):
    X = experiment[0]
    arms = policy.predict(X)
    alone = np.concatenate([policy.predict(X[[i]]) for i in range(20)])
    np.testing.assert_array_equal(alone, arms[:20])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(policy)).predict(X), arms)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"hidden_layer_sizes": (0,)}, "hidden_layer_sizes is expected to hold positive"),
        ({"return_bound": 0.0}, "return_bound"),
        ({"n_networks": 0}, "n_networks"),
    ],
)
def test_bad_parameters_are_named(experiment, parameters, message):
    with pytest.raises(ValueError, match=message):
        fit(experiment, **QUICK | parameters)
