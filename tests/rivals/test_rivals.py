"""scikit-learn's common checks of all rivals, and the contract that they share."""

import pickle

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_hrc import planning
from sklearn_hrc.datasets import make_coupon_experiment
from sklearn_hrc.exceptions import BudgetError
from sklearn_hrc.metrics import predict_budgets
from sklearn_hrc.model_selection import cross_fit_arms
from sklearn_hrc.plotting import BudgetCurveDisplay
from sklearn_hrc.rivals import (
    CausalForestPolicy,
    DirectReturnPolicy,
    DoublyRobustPolicyTree,
    NetworkPolicy,
    TwoStagePolicy,
    TypedBoostingRegressor,
)

pytest.importorskip("econml")

QUICK = {"max_epochs": 2, "n_networks": 2, "random_state": 0}
RIVALS = [
    TwoStagePolicy(Ridge(), random_state=0),
    DoublyRobustPolicyTree(
        estimator=Ridge(),
        learner="t",
        n_folds=2,
        n_bins=8,
        min_samples_leaf=10,
        depth=1,
        random_state=0,
    ),
    CausalForestPolicy(n_estimators=4, estimator=Ridge(), random_state=0),
    NetworkPolicy(**QUICK, decision_epochs=1),
    DirectReturnPolicy(**QUICK),
]


# The checks give no treatment, and policies say so each time.
@pytest.mark.filterwarnings("ignore::sklearn_hrc.exceptions.MissingTreatmentWarning")
@parametrize_with_checks([RIVALS[0], TypedBoostingRegressor(max_iter=5, random_state=0)])
def test_common_checks(estimator, check):
    check(estimator)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn_hrc.exceptions.MissingTreatmentWarning")
@parametrize_with_checks(RIVALS[1:])
def test_common_checks_of_the_slower_ones(estimator, check):
    check(estimator)


@pytest.fixture
def routing():
    """Treatment and cost reach the last step of a pipeline, and scores."""
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.fixture(scope="module")
def world():
    return make_coupon_experiment(800, random_state=0)


@pytest.fixture(scope="module")
def rows(world):
    return {"treatment": world.treatment, "cost": world.cost}


@pytest.fixture(scope="module", params=RIVALS, ids=lambda rival: type(rival).__name__)
def rival(request, world, rows):
    return clone(request.param).fit(world.data, world.target, **rows)


def test_budgets_are_kept_on_the_rows_of_fit_and_buy_more_and_more(rival):
    budgets = np.linspace(rival.budget_curve([10.0]).cost[0] / 10, 10.0, 12)
    curve = rival.budget_curve(budgets)
    assert np.all(curve.cost <= budgets + 1e-9)
    assert np.all(np.diff(curve.cost) >= 0)
    assert np.all(np.diff(curve.shadow_price) <= 1e-9)


def test_without_money_everybody_gets_the_control(rival, world):
    policy = pickle.loads(pickle.dumps(rival)).set_budget(0.0)
    assert set(policy.predict(world.data)) == {0}
    assert policy.expected_cost_ == 0.0
    with pytest.raises(BudgetError, match=r"^budget is expected to be at least 0, .*, got -0.001"):
        policy.set_budget(-0.001)


def test_budgets_at_once_are_those_set_one_by_one(rival, world):
    policy = pickle.loads(pickle.dumps(rival))
    arms = policy.predict_budgets(world.data, [0.3, 0.9])
    assert not np.array_equal(*arms)
    for budget, of_budget in zip([0.3, 0.9], arms):
        np.testing.assert_array_equal(policy.set_budget(budget).predict(world.data), of_budget)
        assert policy.budget_ == budget
        assert policy.expected_cost_ == policy.budget_curve([budget]).cost[0]
    assert policy.predict_budgets(world.data, []).shape == (0, len(world.data))


def test_a_row_gets_the_same_arm_alone_and_in_any_company(rival, world):
    arms = rival.predict(world.data)
    order = np.random.default_rng(0).permutation(len(arms))[:40]
    np.testing.assert_array_equal(rival.predict(world.data[order]), arms[order])
    assert [rival.predict(world.data[[row]])[0] for row in order] == arms[order].tolist()


def test_by_default_it_spends_what_the_experiment_spent(rival, world):
    assert rival.budget_ == pytest.approx(world.cost.mean())
    assert rival.control_ == world.treatments[0]


def test_a_budget_below_the_cheapest_plan_is_refused(rival, world):
    policy = pickle.loads(pickle.dumps(rival))
    before = policy.budget_
    with pytest.raises(BudgetError, match=r"^budget is expected to be at least .*, got -1"):
        policy.set_budget(-1.0)
    assert policy.budget_ == before
    with pytest.raises(ValueError, match="^budgets is expected to be a finite number"):
        policy.budget_curve([np.nan])


def test_a_budget_that_is_no_number_is_refused_and_changes_nothing(rival, world):
    before = rival.budget_
    for budget in ("a", None, [1], np.nan):
        with pytest.raises(ValueError, match="budget is expected to be a finite number, got"):
            rival.set_budget(budget)
    assert rival.budget_ == before


def test_changed_parameters_are_refused(rival, world):
    policy = pickle.loads(pickle.dumps(rival)).set_params(objective=1)
    for call in (
        lambda: policy.set_budget(1.0),
        lambda: policy.budget_curve([1.0]),
        lambda: policy.predict_budgets(world.data, [1.0]),
    ):
        with pytest.raises(ValueError, match="^objective is expected to be as in fit"):
            call()


def test_a_failed_fit_changes_nothing(rival, world, rows):
    policy = pickle.loads(pickle.dumps(rival))
    arms = policy.predict(world.data)
    with pytest.raises(ValueError, match="^cost"):
        policy.fit(world.data, world.target, treatment=world.treatment, cost=rows["cost"][:-1])
    np.testing.assert_array_equal(policy.predict(world.data), arms)


@pytest.mark.usefixtures("routing")
def test_tools_for_policies_take_rivals(rival, world, rows):
    pytest.importorskip("matplotlib")
    policy = make_pipeline(StandardScaler(), clone(rival))
    arms = cross_fit_arms(policy, world.data, world.target, budgets=[0.5], cv=2, **rows)
    assert set(arms[0]) <= set(world.treatments)
    policy.fit(world.data, world.target, **rows)
    assert predict_budgets(policy, world.data, [0.5, 1.0]).shape == (2, len(world.data))
    display = BudgetCurveDisplay.from_estimator(policy, world.data, world.target, **rows)
    assert len(display.gain) > 1
    assert policy.score(world.data, world.target, **rows) > 0


def test_tools_for_clusters_say_what_they_need(rival, world):
    expected = "^policy is expected to end in a policy of clusters, got a "
    with pytest.raises(ValueError, match=expected):
        planning.plan_list(rival, world.data, budget=1.0)


@pytest.mark.usefixtures("routing")
def test_a_search_tries_parameters(world, rows):
    search = GridSearchCV(
        TwoStagePolicy(Ridge(), learner="t", random_state=0),
        {"estimator__alpha": [1.0, 1e6]},
        cv=2,
    )
    search.fit(world.data, world.target, **rows)
    assert search.best_params_ == {"estimator__alpha": 1.0}


@pytest.mark.parametrize("rival", RIVALS, ids=lambda rival: type(rival).__name__)
def test_rows_of_a_group_stay_together(rival, world, rows):
    # Every row is there twice: only if both are held out together, nothing is learnt from a twin.
    twice = {name: np.repeat(values, 2) for name, values in rows.items()}
    data, target = np.repeat(world.data, 2, axis=0), np.repeat(world.target, 2, axis=0)
    given = clone(rival).fit(data, target, **twice, groups=np.repeat(np.arange(800), 2))
    without = clone(rival).fit(data, target, **twice)
    assert given.budget_curve([0.5]).shadow_price != without.budget_curve([0.5]).shadow_price


@pytest.mark.parametrize(
    ("parameter", "value"),
    [("budget", "much"), ("budget", np.nan), ("control", 7), ("objective", "x"), ("arm_cost", [1])],
)
@pytest.mark.parametrize("rival", RIVALS, ids=lambda rival: type(rival).__name__)
def test_bad_parameters_are_named(rival, parameter, value, world, rows):
    policy = clone(rival).set_params(**{parameter: value})
    with pytest.raises(ValueError, match=f"^{parameter} is expected"):
        policy.fit(world.data, world.target, **rows)
