"""Risk and rules of the allocator, and its tables."""

import pickle

import numpy as np
import pytest
from helpers.segment_policies import fitted, segment_experiment, spend
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from sklearn_hrc import ClusterBudgetAllocator, DistilledAllocator
from sklearn_hrc.budgets import UncertainBudget
from sklearn_hrc.exceptions import BudgetError, RuleConflictError
from sklearn_hrc.goals import LeastCost, Profit
from sklearn_hrc.rules import (
    Forbid,
    MaxIndividuals,
    MaxShare,
    MaxSpend,
    MinOutcome,
    MinReturn,
    MinShare,
    Monotone,
)

pytestmark = pytest.mark.filterwarnings("ignore:budget .* does not bind")

SMALL_STEP = 1e-9


@pytest.fixture(scope="module")
def experiment():
    return segment_experiment()


def test_nothing_is_asked_for_by_default(experiment):
    plain = fitted(experiment)
    assert plain.status_ == "optimal"
    assert plain.mip_gap_ == 0
    assert plain.bound_ == pytest.approx(plain.expected_response_)
    assert plain.rules == ()
    idle = fitted(experiment, rules=[MinShare(0, 0.0), MaxShare(0, 1), MaxShare(5, 1)])
    np.testing.assert_array_equal(idle.allocation_.sum(axis=1), plain.cluster_sizes_)
    assert idle.expected_response_ == pytest.approx(plain.expected_response_, rel=1e-7)
    assert idle.shadow_price_ == pytest.approx(plain.shadow_price_, rel=1e-6)


@pytest.mark.parametrize("split", [True, False])
def test_every_rule_is_kept(experiment, split):
    allocator = fitted(
        experiment,
        split_clusters=split,
        rules=[
            MinShare(10, 0.1),
            MaxShare(5, 0.3),
            MaxSpend(10, 0.3),
            MaxSpend([5, 10], total_spend=3590),
            MaxIndividuals(5, 1700),
            Forbid([5, 10], clusters=3),
            Forbid(10, clusters=7),
            Monotone([0, 1, 2]),
            MinOutcome(1, 7.2),
            MinReturn(0.01),
        ],
    )
    share = allocator.allocation_.sum(axis=0) / allocator.cluster_sizes_.sum()
    assert share[2] >= 0.1
    assert share[1] <= 0.3
    assert spend(allocator) <= 0.6 * (1 + SMALL_STEP)
    assert spend(allocator, 2) <= 0.3 * (1 + SMALL_STEP)
    assert 6000 * spend(allocator, [1, 2]) <= 3590 * (1 + SMALL_STEP)
    assert allocator.allocation_[:, 1].sum() <= 1700
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
    for rule in (
        MaxShare(5, 0.5),
        MaxSpend(5, 0.05),
        MinShare(10, 0.1),
        MaxIndividuals(5, 3000),
        MaxSpend(5, total_spend=300),
    ):
        ruled = fitted(experiment, rules=[rule])
        assert ruled.expected_response_ < free.expected_response_
        assert ruled.status_ == "optimal"


def test_a_mean_and_a_total_are_the_same(experiment):
    for one, other in (
        (MaxShare(5, 0.5), MaxIndividuals(5, 3000)),
        (MaxSpend(5, 0.05), MaxSpend(5, total_spend=300)),
    ):
        of_mean, of_total = (fitted(experiment, rules=[rule]) for rule in (one, other))
        np.testing.assert_array_equal(of_mean.allocation_, of_total.allocation_)


def test_several_arms_in_a_rule_count_together(experiment):
    free, together = fitted(experiment), fitted(experiment, rules=[MaxShare([5, 10], 0.3)])
    assert (free.allocation_.sum(axis=0)[1:] / 6000).sum() > 0.3
    # All that is allowed is used, and more than one of the arms.
    assert together.allocation_[:, 1:].sum() == 1800
    each = fitted(experiment, rules=[MaxShare(5, 0.3), MaxShare(10, 0.3)])
    assert each.allocation_[:, 1:].sum() > 1800
    dear = fitted(experiment, budget=9.0, rules=[MaxSpend([5, 10], 0.4)])
    assert spend(dear, [1, 2]) == pytest.approx(0.4, rel=1e-3)
    assert spend(dear, [1, 2]) <= 0.4 * (1 + SMALL_STEP)


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


@pytest.mark.parametrize(
    "parameters", [{}, {"rules": [MaxShare(10, 0.2)]}, {"risk": "chance"}], ids=str
)
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


def ruled(*rules, **parameters):
    return {"rules": list(rules), **parameters}


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        (ruled(MinShare(7, 0.1)), ValueError, "MinShare is expected to name treatments"),
        (ruled(MaxShare([5, 7], 0.1)), ValueError, "MaxShare is expected to name .*, got 7"),
        (ruled(MinOutcome("z", 1.0)), ValueError, "MinOutcome is expected to name columns"),
        (ruled(MinOutcome(2, 1.0)), ValueError, "MinOutcome is expected to name columns"),
        (ruled(Forbid(7, clusters=3)), ValueError, "Forbid is expected to name treatments"),
        (ruled(Forbid(5, where="age < 18")), ValueError, "rules of an allocator .* plan_list"),
        ({"rules": MaxShare(5, 0.1)}, ValueError, "rules is expected to be a list of rules"),
        ({"budget": [0.5, 0.6]}, ValueError, "budget is expected .* an UncertainBudget of several"),
        ({"goal": "profit"}, ValueError, "'goal'"),
        ({"goal": LeastCost(9.0)}, BudgetError, "target_response is expected to be at most"),
        ({"budget": -0.1, "risk": "cvar"}, BudgetError, "budget is expected to be at least"),
        (
            ruled(MinShare(0, 0.6), MinShare(5, 0.6)),
            RuleConflictError,
            "MinShare of 0.*MinShare of 5",
        ),
        (ruled(Forbid([0, 5, 10], clusters=3)), RuleConflictError, "no allocation keeps it"),
        (
            ruled(MinShare(10, 0.5), budget=0.1),
            RuleConflictError,
            r"budget \(0.1\), MinShare of 10 \(0.5\).*budget at least 1.*MinShare of 10 at most",
        ),
        (
            ruled(MaxIndividuals(10, 300), MinShare(10, 0.2), budget=9.0),
            RuleConflictError,
            r"MaxIndividuals of 10 \(300\), MinShare of 10 \(0.2\).* it takes "
            r"MaxIndividuals of 10 at least 1200 or MinShare of 10 at most 0.05\.",
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
    allocator = fitted(experiment, rules=[MinShare(10, 0.2)])
    kept = allocator.allocation_
    with pytest.raises(RuleConflictError, match="MinShare of 10"):
        allocator.set_budget(0.01)
    assert allocator.allocation_ is kept
    assert allocator.budget_ == 0.6


def test_a_conflict_of_totals_is_told_in_totals():
    """Everybody costs 2 with an arm: 60 are enough for 30 of the 50 that are wanted."""
    segment, mail = np.repeat([0, 1], 40), np.tile([0, 1], 40)
    rules = [MaxSpend(1, total_spend=60), MinShare(1, 0.5)]
    allocator = ClusterBudgetAllocator(2, arm_cost=[0, 2], population=100, rules=rules)
    with pytest.raises(RuleConflictError) as error:
        allocator.fit(segment[:, None], 1.0 + segment * mail, treatment=mail)
    assert str(error.value) == (
        "MaxSpend of 1 (60), MinShare of 1 (0.5) are expected to be kept by some allocation, but "
        "are in conflict: it takes MaxSpend of 1 at least 100 or MinShare of 1 at most 0.3."
    )


def test_score_and_prediction_go_by_the_rules(experiment):
    X, y, rows = experiment
    allocator = fitted(experiment, rules=[MinShare(5, 0.4)], risk="chance")
    assert np.isfinite(allocator.score(X, y, **rows))
    assert clone(allocator).get_params()["rules"] == [MinShare(5, 0.4)]
    again = pickle.loads(pickle.dumps(allocator))
    np.testing.assert_array_equal(again.predict(X), allocator.predict(X))
    richer = again.set_budget(0.7).allocation_
    np.testing.assert_array_equal(richer.sum(axis=1), again.cluster_sizes_)


def test_cluster_without_rows_is_named(experiment):
    with pytest.warns(UserWarning, match="Forbid names clusters that no row is in"):
        fitted(experiment, rules=[Forbid(10, clusters=99)])


def test_served_policy_keeps_the_rules(experiment):
    X, y, rows = experiment
    features = X + np.random.default_rng(1).normal(0, 0.05, X.shape)
    teacher = make_pipeline(
        ClusterBudgetAllocator(0.6, estimation="raw", rules=[MaxShare(10, 0.1)], random_state=0)
    )
    served = DistilledAllocator(teacher, random_state=0).fit(
        np.column_stack([X, features]), y, **rows
    )
    allocation = served.allocator_.allocation_
    assert allocation[:, 2].sum() <= 0.1 * allocation.sum()


@pytest.mark.parametrize(
    "parameters",
    [
        {"budget": UncertainBudget([0.3, 0.6]), "risk": "cvar"},
        {"budget": UncertainBudget([0.3, 0.6]), "risk": "chance"},
        ruled(MinShare(10, 0.4), budget=None, goal=Profit(12.0), risk="robust"),
        {"budget": None, "goal": LeastCost(0.2), "risk": "cvar"},
        {"budget": 0.0},
    ],
    ids=str,
)
def test_the_plan_in_use_is_explained(experiment, parameters):
    allocator = fitted(experiment, **parameters)
    moves = allocator.explain_budget()
    assert (moves.cost > 0).all()
    # The share alone makes that plan spend what it spends.
    assert moves.empty == isinstance(parameters.get("goal"), Profit)
    assert set(moves.step) <= {"last", "next"}


@pytest.mark.parametrize(
    "parameters",
    [{}, ruled(MaxShare(10, 0.2)), {"risk": "chance"}, {"goal": Profit(30.0)}],
    ids=str,
)
def test_a_budget_that_is_not_in_use_is_explained(experiment, parameters):
    allocator = fitted(experiment, **parameters)
    mine = allocator.explain_budget(step=0.02)
    moves = allocator.explain_budget(0.3, step=0.02)
    assert allocator.budget_ == 0.6
    assert allocator.explain_budget(step=0.02).equals(mine)
    assert not moves.equals(mine)
    assert moves.equals(allocator.set_budget(0.3).explain_budget(step=0.02))
    assert set(moves.step) == {"last", "next"}


@pytest.mark.parametrize("risk", ["mean", "cvar"])
def test_rules_that_are_hard_to_search_have_an_answer(risk):
    """Everybody may have the same arm, whatever the order of the clusters."""
    rng = np.random.default_rng(0)
    segment, coupon = rng.integers(0, 40, 8000), rng.choice([0, 5, 10], 8000)
    order = (rng.random(8000) < 0.1 + 0.006 * segment + 0.0005 * segment * coupon).astype(float)
    allocator = ClusterBudgetAllocator(
        budget=1.0, risk=risk, rules=[Monotone(list(range(40)))], time_limit=0.5
    )
    allocator.fit(segment[:, None], order, treatment=coupon, cost=coupon * order)
    later = np.cumsum((allocator.allocation_ / allocator.cluster_sizes_[:, None])[:, ::-1], axis=1)
    assert (np.diff(later, axis=0) >= -SMALL_STEP).all()
    assert allocator.mip_gap_ >= 0
