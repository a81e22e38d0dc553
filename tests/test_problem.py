"""Risk, rules, targets and uncertain budgets of the allocator, and its tables."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from sklearn_hrc import ClusterBudgetAllocator, DistilledAllocator
from sklearn_hrc.exceptions import BudgetError, RuleConflictError

pytestmark = pytest.mark.filterwarnings("ignore:budget .* does not bind")

N_SEGMENTS = 8
SMALL_STEP = 1e-9


@pytest.fixture(scope="module")
def experiment():
    """Orders and baskets of three coupons in eight segments; the coupon is paid with the order."""
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


def test_nothing_is_asked_for_by_default(experiment):
    plain = fitted(experiment)
    assert plain.status_ == "optimal"
    assert plain.mip_gap_ == 0
    assert plain.bound_ == pytest.approx(plain.expected_response_)
    idle = fitted(experiment, min_share={0: 0.0}, max_share=[1, 1, np.nan])
    np.testing.assert_array_equal(idle.allocation_.sum(axis=1), plain.cluster_sizes_)
    assert idle.expected_response_ == pytest.approx(plain.expected_response_, rel=1e-7)
    assert idle.shadow_price_ == pytest.approx(plain.shadow_price_, rel=1e-6)


@pytest.mark.parametrize("split", [True, False])
def test_every_rule_is_kept(experiment, split):
    allocator = fitted(
        experiment,
        split_clusters=split,
        min_share={10: 0.1},
        max_share={5: 0.3},
        max_arm_spend={10: 0.3},
        forbidden_arms={3: [5, 10], 7: 10},
        monotone_clusters=[0, 1, 2],
        min_outcomes={1: 7.2},
        min_return=0.01,
    )
    share = allocator.allocation_.sum(axis=0) / allocator.cluster_sizes_.sum()
    assert share[2] >= 0.1
    assert share[1] <= 0.3
    assert spend(allocator) <= 0.6 * (1 + SMALL_STEP)
    assert spend(allocator, 2) <= 0.3 * (1 + SMALL_STEP)
    assert not allocator.allocation_[3, 1:].any()
    assert not allocator.allocation_[7, 2]
    later = np.cumsum((allocator.allocation_ / allocator.cluster_sizes_[:, None])[:3, ::-1], axis=1)
    assert (np.diff(later, axis=0) >= -SMALL_STEP).all()
    baskets = fitted(experiment, objective=1).response_
    shares = allocator.allocation_ / allocator.cluster_sizes_.sum()
    assert np.sum(shares * baskets) >= 7.2 * (1 - SMALL_STEP)
    gain = allocator.expected_response_ - np.sum(shares.sum(axis=1) * allocator.response_[:, 0])
    assert gain >= 0.01 * allocator.expected_cost_ * (1 - SMALL_STEP)
    assert allocator.expected_response_ < fitted(experiment).expected_response_


def test_a_binding_rule_costs_response(experiment):
    free = fitted(experiment)
    for rule in ({"max_share": {5: 0.5}}, {"max_arm_spend": {5: 0.05}}, {"min_share": {10: 0.1}}):
        ruled = fitted(experiment, **rule)
        assert ruled.expected_response_ < free.expected_response_
        assert ruled.status_ == "optimal"


def test_reserve_grows_smoothly_with_the_level(experiment):
    levels = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999)
    used = [fitted(experiment, risk="chance", risk_level=level) for level in levels]
    cost = np.array([allocator.expected_cost_ for allocator in used])
    assert cost[0] == pytest.approx(0.6, rel=1e-3)
    assert (np.diff(cost) < 0).all()
    assert np.diff(cost).min() > -0.05
    assert all(allocator.allocation_[:, 1:].any() for allocator in used)
    mean = fitted(experiment)
    for risk in ("chance", "cvar", "robust"):
        allocator = fitted(experiment, risk=risk)
        assert 0.4 < allocator.expected_cost_ < mean.expected_cost_
        assert allocator.shadow_price_ > 0


def test_reserve_is_that_of_the_reported_errors(experiment):
    allocator = fitted(experiment, risk="chance", risk_level=0.9)
    curve = allocator.budget_curve([0.6])
    assert curve.cost[0] + 1.2815515655 * curve.cost_se[0] == pytest.approx(0.6, rel=2e-3)
    assert curve.cost[0] + 1.2815515655 * curve.cost_se[0] <= 0.6 * (1 + SMALL_STEP)


@pytest.mark.parametrize("rules", [{}, {"min_share": {5: 0.2}}])
def test_target_is_reached_at_the_lowest_cost(experiment, rules):
    budgeted = fitted(experiment, **rules)
    target = budgeted.expected_response_
    allocator = fitted(experiment, budget=None, target_response=target, **rules)
    assert allocator.expected_response_ >= target * (1 - SMALL_STEP)
    assert allocator.expected_cost_ <= budgeted.expected_cost_ * (1 + SMALL_STEP)
    assert allocator.budget_ == allocator.expected_cost_
    assert allocator.bound_ == pytest.approx(allocator.expected_cost_)
    assert allocator.shadow_price_ == pytest.approx(budgeted.shadow_price_, rel=0.1)


def test_money_decides_without_a_budget(experiment):
    allocator = fitted(experiment, budget=None, response_value=12.0)
    worth = 12.0 * allocator.response_ - allocator.cost_
    np.testing.assert_array_equal(allocator.allocation_.argmax(axis=1), worth.argmax(axis=1))
    assert allocator.shadow_price_ == 0
    assert allocator.budget_ == allocator.expected_cost_
    within = fitted(experiment, budget=0.1, response_value=12.0)
    assert within.expected_cost_ <= 0.1
    ruled = fitted(experiment, budget=None, response_value=12.0, min_share={10: 0.7})
    assert ruled.allocation_[:, 2].sum() >= 0.7 * ruled.allocation_.sum()


def test_several_budgets(experiment):
    budgets, chances = [0.3, 0.6, 0.9], [1, 2, 1]
    now = fitted(experiment, budgets, budget_weight=chances)
    later = fitted(experiment, budgets, budget_weight=chances, budget_timing="wait-and-see")
    single = fitted(experiment, 0.6)
    np.testing.assert_array_equal(now.allocation_, single.allocation_)
    assert now.budget_ == pytest.approx(0.6)
    assert later.budget_allocations_.shape == (3, N_SEGMENTS, 3)
    for budget, allocation in zip(budgets, later.budget_allocations_):
        expected = fitted(experiment, budget)
        np.testing.assert_array_equal(allocation, expected.allocation_)
        np.testing.assert_array_equal(later.set_budget(budget).allocation_, allocation)
    # An allocation that is made now and keeps the mean only may exceed the smaller budgets.
    assert now.value_of_knowing_budget_ <= 0
    sure = fitted(experiment, budgets, risk="robust", risk_level=0.5)
    assert sure.expected_cost_ < 0.3
    assert sure.value_of_knowing_budget_ > 0


def test_path_is_above_every_plan_and_exact_at_its_corners(experiment):
    allocator = fitted(experiment)
    path = allocator.budget_path([0.2, 0.6])
    for budget, share in zip((0.2, 0.6), path.share):
        shares = share * allocator.cluster_sizes_[:, None] / allocator.cluster_sizes_.sum()
        assert np.sum(shares * allocator.cost_) == pytest.approx(budget)
        value = np.interp(budget, path.budget, path.objective)
        assert np.sum(shares * allocator.response_) == pytest.approx(value)
        assert 0 <= value - allocator.set_budget(budget).expected_response_ < 1e-4
    corner = len(path.budget) // 2
    allocator.set_budget(path.budget[corner] * (1 + 1e-12))
    assert allocator.expected_response_ == pytest.approx(path.objective[corner])
    assert (np.diff(path.shadow_price) <= 0).all()
    with pytest.raises(BudgetError, match="budgets"):
        allocator.budget_path([-1.0])


def test_table_adds_up(experiment):
    allocator = fitted(experiment)
    table = allocator.allocation_table()
    assert table.individuals.sum() == allocator.cluster_sizes_.sum()
    population = allocator.cluster_sizes_.sum()
    for name in ("response", "cost"):
        total = (table.individuals * table[name]).sum() / population
        assert total == pytest.approx(getattr(allocator, f"expected_{name}_"))
    # But for a few that use up the last of the budget, nobody gets an arm whose last step returns
    # less than the shadow price.
    worse = table[table.marginal_return < allocator.shadow_price_ * (1 - 1e-9)]
    assert worse.individuals.sum() <= 5


@pytest.mark.parametrize("parameters", [{}, {"max_share": {10: 0.2}}, {"risk": "chance"}])
def test_edge_of_the_budget_is_explained(experiment, parameters):
    allocator = fitted(experiment, **parameters)
    moves = allocator.explain_budget(step=0.02)
    assert set(moves.step) == {"last", "next"}
    population = allocator.cluster_sizes_.sum()
    for _, side in moves.groupby("step"):
        assert side.response.sum() > 0
        if not parameters:
            assert side.cost.sum() / population == pytest.approx(0.02, rel=1e-6)
            returns = side.response / side.cost
            assert returns.to_numpy() == pytest.approx(side.marginal_return.to_numpy())
    last, following = (moves[moves.step == name] for name in ("last", "next"))
    rates = [side.response.sum() / side.cost.sum() for side in (last, following)]
    assert rates[0] >= rates[1] * (1 - 1e-6)
    with pytest.raises(ValueError, match="step is expected to be positive"):
        allocator.explain_budget(step=0.0)


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"min_share": {7: 0.1}}, ValueError, "min_share is expected to name treatments"),
        ({"max_share": [1.0, 1.0]}, ValueError, "max_share is expected to have 3 entries"),
        ({"max_share": [0.0, 2.0, 1.0]}, ValueError, "shares from 0 to 1"),
        ({"min_outcomes": {"z": 1.0}}, ValueError, "min_outcomes is expected to name columns"),
        ({"min_outcomes": {0: np.nan}}, ValueError, "min_outcomes is expected to be a finite"),
        ({"min_return": np.inf}, ValueError, "min_return is expected to be a finite"),
        ({"budget": [0.5, np.nan]}, ValueError, "budget is expected to be finite"),
        ({"budget": [0.5, 0.6], "budget_weight": [1]}, ValueError, "budget_weight"),
        ({"budget": [0.5, 0.6], "budget_weight": [1, -1]}, ValueError, "budget_weight"),
        ({"monotone_clusters": [0, 0]}, ValueError, "name every cluster once"),
        ({"target_response": np.nan}, ValueError, "target_response is expected to be a finite"),
        ({"target_response": 9.0}, BudgetError, "target_response is expected to be at most"),
        ({"budget": -0.1, "risk": "cvar"}, BudgetError, "budget is expected to be at least"),
        ({"min_share": {0: 0.6, 5: 0.6}}, RuleConflictError, "min_share of 0.*min_share of 5"),
        ({"forbidden_arms": {3: [0, 5, 10]}}, RuleConflictError, "no allocation keeps it"),
        (
            {"budget": 0.1, "min_share": {10: 0.5}},
            RuleConflictError,
            r"budget \(0.1\), min_share of 10 \(0.5\).*budget at least 1.*min_share of 10 at most",
        ),
    ],
)
def test_bad_parameters_leave_the_estimator_alone(experiment, parameters, error, message):
    allocator = fitted(experiment)
    state = {name: value for name, value in vars(allocator).items() if name.endswith("_")}
    allocator.set_params(**parameters)
    with pytest.raises(error, match=message):
        allocator.fit(experiment[0], experiment[1], **experiment[2])
    for name, value in state.items():
        assert getattr(allocator, name) is value


def test_budget_that_breaks_the_rules_changes_nothing(experiment):
    allocator = fitted(experiment, min_share={10: 0.2})
    kept = allocator.allocation_
    with pytest.raises(RuleConflictError, match="min_share of 10"):
        allocator.set_budget(0.01)
    assert allocator.allocation_ is kept
    assert allocator.budget_ == 0.6


def test_score_and_prediction_go_by_the_rules(experiment):
    X, y, rows = experiment
    allocator = fitted(experiment, min_share={5: 0.4}, risk="chance")
    assert np.isfinite(allocator.score(X, y, **rows))
    assert clone(allocator).get_params()["min_share"] == {5: 0.4}
    again = pickle.loads(pickle.dumps(allocator))
    np.testing.assert_array_equal(again.predict(X), allocator.predict(X))
    richer = again.set_budget(0.7).allocation_
    np.testing.assert_array_equal(richer.sum(axis=1), again.cluster_sizes_)


def test_cluster_without_rows_is_named(experiment):
    with pytest.warns(UserWarning, match="forbidden_arms names clusters that no row is in"):
        fitted(experiment, forbidden_arms={99: 10})


def test_served_policy_keeps_the_rules(experiment):
    X, y, rows = experiment
    features = X + np.random.default_rng(1).normal(0, 0.05, X.shape)
    teacher = make_pipeline(
        ClusterBudgetAllocator(0.6, estimation="raw", max_share={10: 0.1}, random_state=0)
    )
    served = DistilledAllocator(teacher, random_state=0).fit(
        np.column_stack([X, features]), y, **rows
    )
    allocation = served.allocator_.allocation_
    assert allocation[:, 2].sum() <= 0.1 * allocation.sum()


def test_known_prices_need_no_reserve(experiment):
    X, y, rows = experiment
    prices = {0: 0.0, 5: 5.0, 10: 10.0}

    def spent(**parameters):
        parameters |= {"population": len(X), "random_state": 0}
        allocator = ClusterBudgetAllocator(arm_cost=prices, **parameters)
        return allocator.fit(X, y, **rows).expected_cost_

    # A budget of 2 or more is there with probability 9 / 10.
    budgets = list(range(1, 11))
    assert spent(budget=budgets, risk="chance") == pytest.approx(2.0)
    assert spent(budget=[2, 3], risk="chance", risk_level=0.5) == pytest.approx(3.0)
    assert spent(budget=2, risk="robust") == pytest.approx(2.0)
    assert spent(budget=[1, 3], budget_weight=[0, 1], risk="robust") == pytest.approx(3.0)


def test_a_single_plan_that_holds_is_found(experiment):
    plan = fitted(experiment, budget=99.0, min_share={10: 1.0})
    curve = plan.budget_curve([99.0])
    cost, error = curve.cost[0], curve.cost_se[0]
    # Its only allocation is within the budget with probability .894.
    allocator = fitted(
        experiment,
        budget=[cost + 0.8 * error, cost + 5 * error],
        risk="chance",
        risk_level=0.85,
        min_share={10: 1.0},
    )
    assert allocator.expected_cost_ == pytest.approx(cost)


def test_an_earlier_fit_leaves_nothing_behind(experiment):
    X, y, rows = experiment
    allocator = fitted(experiment, [0.3, 0.6])
    assert allocator.budget_scenarios_.tolist() == [0.3, 0.6]
    allocator.set_params(budget=0.5).fit(X, y, **rows)
    for name in ("budget_scenarios_", "budget_allocations_", "value_of_knowing_budget_"):
        assert not hasattr(allocator, name)


@pytest.mark.parametrize(
    "parameters",
    [
        {"budget": [0.3, 0.6], "risk": "cvar"},
        {"budget": [0.3, 0.6], "risk": "chance"},
        {"budget": None, "response_value": 12.0, "min_share": {10: 0.4}, "risk": "robust"},
        {"budget": None, "target_response": 0.2, "risk": "cvar"},
        {"budget": 0.0},
    ],
)
def test_the_plan_in_use_is_explained(experiment, parameters):
    allocator = fitted(experiment, **parameters)
    moves = allocator.explain_budget()
    assert (moves.cost > 0).all()
    # The share alone makes that plan spend what it spends.
    assert moves.empty == ("response_value" in parameters)
    assert set(moves.step) <= {"last", "next"}


@pytest.mark.parametrize("risk", ["mean", "cvar"])
def test_rules_that_are_hard_to_search_have_an_answer(risk):
    """Everybody may have the same arm, whatever the order of the clusters."""
    rng = np.random.default_rng(0)
    segment, coupon = rng.integers(0, 40, 8000), rng.choice([0, 5, 10], 8000)
    order = (rng.random(8000) < 0.1 + 0.006 * segment + 0.0005 * segment * coupon).astype(float)
    allocator = ClusterBudgetAllocator(
        budget=1.0, risk=risk, monotone_clusters=list(range(40)), time_limit=0.5
    )
    allocator.fit(segment[:, None], order, treatment=coupon, cost=coupon * order)
    later = np.cumsum((allocator.allocation_ / allocator.cluster_sizes_[:, None])[:, ::-1], axis=1)
    assert (np.diff(later, axis=0) >= -SMALL_STEP).all()
    assert allocator.mip_gap_ >= 0
