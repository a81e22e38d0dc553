"""Plans for lists of people, beside an independent formulation on individuals."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import eye_array, kron
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_hrc import ClusterBudgetAllocator, DistilledAllocator, HiddenClusterer
from sklearn_hrc.exceptions import BudgetError, RuleConflictError
from sklearn_hrc.planning import plan_list

PRICES = {"none": 0.0, "mail": 0.3, "letter": 1.1}
ARMS = sorted(PRICES)
N_LIST = 60


@pytest.fixture(scope="module")
def experiment():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.integers(0, 4, 3000), rng.normal(size=(3000, 2))])
    treatment = rng.choice(ARMS, 3000)
    lift = {"none": 0.0, "mail": 0.5, "letter": 1.0}
    y = rng.normal(size=3000) + [lift[t] for t in treatment] * (1 + X[:, 0])
    return X, y, treatment


def fit(experiment, budget=0.3, **parameters):
    X, y, treatment = experiment
    policy = ClusterBudgetAllocator(
        budget, control="none", arm_cost=PRICES, estimation="raw", random_state=0, **parameters
    )
    return policy.fit(X, y, treatment=treatment)


@pytest.fixture(scope="module")
def policy(experiment):
    return fit(experiment)


def list_of(rng, n_rows=N_LIST):
    return np.column_stack(
        [rng.choice(4, n_rows, p=[0.1, 0.2, 0.3, 0.4]), rng.normal(size=(n_rows, 2))]
    )


def best_by_milp(policy, X, total, allowed, most=None):
    """Largest response of individuals, each with one arm that it may get."""
    response = policy.response_[X[:, 0].astype(int)]
    cost = np.array([PRICES[arm] for arm in policy.treatments_])
    n_rows, n_arms = response.shape
    rules = [
        LinearConstraint(kron(eye_array(n_rows), np.ones((1, n_arms))), 1, 1),
        LinearConstraint(np.tile(cost, n_rows)[None], -np.inf, total),
    ]
    for arm, limit in (most or {}).items():
        rules.append(
            LinearConstraint(np.tile(policy.treatments_ == arm, n_rows)[None] * 1.0, 0, limit)
        )
    bounds = Bounds(0, allowed.ravel().astype(float))
    found = milp(
        -response.ravel(), constraints=rules, bounds=bounds, integrality=np.ones(response.size)
    )
    return -found.fun


@pytest.mark.parametrize("seed", range(12))
def test_best_of_all_assignments_of_individuals(policy, seed):
    rng = np.random.default_rng(seed)
    X, total = list_of(rng), float(rng.uniform(0, 40))
    allowed = rng.random((N_LIST, 3)) < 0.7
    allowed[:, ARMS.index("none")] = True
    plan = plan_list(policy, X, total_budget=total, eligible=allowed)
    given = np.searchsorted(policy.treatments_, plan.arms)
    assert allowed[np.arange(N_LIST), given].all()
    assert plan.total_cost == pytest.approx(sum(PRICES[arm] for arm in plan.arms))
    assert plan.total_cost <= total * (1 + 1e-12)
    assert plan.total_response == pytest.approx(best_by_milp(policy, X, total, allowed), abs=1e-6)
    assert_allclose(plan.response, policy.response_[X[:, 0].astype(int), given])


def test_rules_hold_on_the_list(experiment):
    policy = fit(experiment, max_share={"letter": 0.1})
    rng = np.random.default_rng(0)
    X, allowed = list_of(rng), rng.random((N_LIST, 3)) < 0.6
    allowed[:, ARMS.index("none")] = True
    plan = plan_list(policy, X, total_budget=15.0, eligible=allowed)
    assert (plan.arms == "letter").sum() <= 6
    best = best_by_milp(policy, X, 15.0, allowed, {"letter": 6})
    assert plan.total_response == pytest.approx(best, rel=1e-6)
    wanted = fit(experiment, budget=0.7, min_share={"letter": 0.5})
    nobody = {"letter": np.zeros(N_LIST, dtype=bool)}
    with pytest.raises(RuleConflictError, match="min_share of letter"):
        plan_list(wanted, X, total_budget=90.0, eligible=nobody)


def test_order_of_rows_does_not_matter(policy):
    rng = np.random.default_rng(1)
    X, order = list_of(rng, 500), rng.permutation(500)
    plan = plan_list(policy, X, total_budget=120.0)
    assert_array_equal(plan_list(policy, X[order], total_budget=120.0).arms, plan.arms[order])


def test_budgets_and_what_is_expected(policy):
    X = list_of(np.random.default_rng(2), 400)
    by_mean, by_total = plan_list(policy, X, budget=0.3), plan_list(policy, X, total_budget=120.0)
    assert_array_equal(by_mean.arms, by_total.arms)
    assert_array_equal(plan_list(policy, X).arms, by_total.arms)
    share = np.zeros(policy.response_.shape)
    cells = X[:, 0].astype(int), np.searchsorted(policy.treatments_, by_total.arms)
    np.add.at(share, cells, 1.0)
    covariance = policy._estimates.total_covariance(share)
    assert by_total.total_response_se == pytest.approx(np.sqrt(covariance[0, 0]))
    assert by_total.total_cost_se == 0
    assert by_total.shadow_price > 0
    idle = plan_list(policy, X, total_budget=1e6)
    assert idle.shadow_price == 0
    assert idle.status == "optimal"


def test_risk_keeps_a_reserve_on_the_list(experiment):
    X, y, treatment = experiment
    rng = np.random.default_rng(3)
    cost = np.array([PRICES[arm] for arm in treatment]) * rng.exponential(size=len(X))
    plans = []
    for risk in ("mean", "cvar"):
        policy = ClusterBudgetAllocator(
            0.3, control="none", estimation="raw", risk=risk, random_state=0
        ).fit(X, y, treatment=treatment, cost=cost)
        plans.append(
            plan_list(policy, X[:300], total_budget=90.0, eligible={"mail": X[:300, 1] > 0})
        )
    assert plans[1].total_cost + 1.5 * plans[1].total_cost_se < 90.0
    assert plans[1].total_cost < plans[0].total_cost <= 90.0
    assert not (plans[1].arms[X[:300, 1] <= 0] == "mail").any()


def test_tables(policy):
    frame = pd.DataFrame(list_of(np.random.default_rng(4)), index=[f"id{i}" for i in range(N_LIST)])
    plan = plan_list(policy, frame.to_numpy(), total_budget=20.0)
    assert plan.index is None
    table = plan.to_frame()
    assert table.cost.sum() == pytest.approx(plan.total_cost)
    summary = plan.summary()
    assert summary.index.tolist() == [*ARMS, "total"]
    assert summary.loc["total", "individuals"] == N_LIST == summary.individuals[:-1].sum()
    assert summary.loc["total", "response"] == pytest.approx(plan.total_response)
    assert summary.share[:-1].sum() == pytest.approx(1)


def test_pipelines_students_and_frozen_policies(experiment):
    X, y, treatment = experiment
    frame = pd.DataFrame(X[:, 1:], columns=["a", "b"], index=np.arange(len(X)) + 7)
    allocator = ClusterBudgetAllocator(
        0.3, control="none", arm_cost=PRICES, estimation="pooled", random_state=0
    )
    pipeline = make_pipeline(
        StandardScaler(), HiddenClusterer(4, outcomes=False, random_state=0), allocator
    )
    with sklearn.config_context(enable_metadata_routing=True):
        pipeline.fit(frame, y, treatment=treatment)
        student = DistilledAllocator(pipeline, random_state=0).fit(frame, y, treatment=treatment)
    for policy in (pipeline, student, FrozenEstimator(pipeline)):
        plan = plan_list(policy, frame[:200], total_budget=33.0)
        assert plan.total_cost <= 33.0
        assert plan.to_frame().index.tolist() == frame.index[:200].tolist()


def test_unknown_clusters_get_control(policy):
    X = list_of(np.random.default_rng(5))
    X[:5, 0] = 9
    plan = plan_list(policy, X, total_budget=20.0)
    assert (plan.arms[:5] == "none").all()
    assert plan.total_cost <= 20.0
    assert np.isfinite(plan.response).all()
    alone = plan_list(policy, X[:5], total_budget=20.0)
    assert (alone.arms == "none").all()
    forbidden = {"none": np.arange(N_LIST) != 2}
    with pytest.raises(ValueError, match="eligible is expected to allow control, none, .* row 2"):
        plan_list(policy, X, eligible=forbidden)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"budget": 1.0, "total_budget": 5.0}, "^budget is expected to be None"),
        ({"total_budget": np.nan}, "^total_budget is expected to be a finite number"),
        ({"eligible": np.ones((3, 3), bool)}, r"^eligible is expected to have the shape \(60, 3\)"),
        ({"eligible": np.ones((60, 3))}, "^eligible is expected to hold True and False"),
        ({"eligible": {"leter": np.ones(60, bool)}}, r"^eligible is expected to name .*'leter'"),
        ({"eligible": np.zeros((60, 3), bool)}, "^eligible is expected to allow .* 60 rows"),
        ({"policy": StandardScaler()}, "^policy is expected to end in a policy"),
    ],
)
def test_bad_input(policy, given, message):
    X = list_of(np.random.default_rng(6))
    with pytest.raises(ValueError, match=message):
        plan_list(**({"policy": policy, "X": X} | given))


def test_a_total_below_the_cheapest_plan(experiment):
    X, y, treatment = experiment
    prices = {"none": 0.5, "mail": 0.8, "letter": 1.1}
    policy = ClusterBudgetAllocator(0.8, control="none", arm_cost=prices, estimation="raw")
    policy.fit(X, y, treatment=treatment)
    with pytest.raises(BudgetError, match=r"at least 30, .* for the 60 rows of the list, got 9"):
        plan_list(policy, list_of(np.random.default_rng(7)), total_budget=9.0)
