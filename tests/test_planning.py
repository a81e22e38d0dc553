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
from sklearn_hrc.budgets import UncertainBudget
from sklearn_hrc.exceptions import BudgetError, RuleConflictError
from sklearn_hrc.goals import LeastCost, Profit
from sklearn_hrc.planning import plan_list
from sklearn_hrc.rules import (
    Forbid,
    MaxIndividuals,
    MaxShare,
    MaxSpend,
    MinOutcome,
    MinShare,
    Monotone,
)

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


def best_by_milp(policy, X, total, allowed, most=None, household=None):
    """Largest response of individuals, each with one arm that it and its household may get."""
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
    if household is not None:
        # Everybody gets what the first of the household gets.
        first = np.unique(household, return_index=True)[1][household]
        same = kron(eye_array(n_rows).tocsr() - eye_array(n_rows).tocsr()[first], eye_array(n_arms))
        rules.append(LinearConstraint(same, 0, 0))
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
    policy = fit(experiment, rules=[MaxShare("letter", 0.1)])
    rng = np.random.default_rng(0)
    X, allowed = list_of(rng), rng.random((N_LIST, 3)) < 0.6
    allowed[:, ARMS.index("none")] = True
    plan = plan_list(policy, X, total_budget=15.0, eligible=allowed)
    assert (plan.arms == "letter").sum() <= 6
    best = best_by_milp(policy, X, 15.0, allowed, {"letter": 6})
    assert plan.total_response == pytest.approx(best, rel=1e-6)
    wanted = fit(experiment, budget=0.7, rules=[MinShare("letter", 0.5)])
    nobody = {"letter": np.zeros(N_LIST, dtype=bool)}
    with pytest.raises(RuleConflictError, match="MinShare of letter"):
        plan_list(wanted, X, total_budget=90.0, eligible=nobody)


@pytest.mark.parametrize("seed", range(12))
def test_households_get_one_arm(policy, seed):
    rng = np.random.default_rng(seed)
    X, total = list_of(rng), float(rng.uniform(5, 40))
    household = rng.integers(0, rng.integers(10, 50), N_LIST)
    names = np.char.add("house ", household.astype(str))
    allowed = rng.random((N_LIST, 3)) < 0.8
    allowed[:, ARMS.index("none")] = True
    limit, rule = {"mail": 11}, MaxIndividuals("mail", 11)
    plan = plan_list(
        policy, X, total_budget=total, eligible=allowed, same_arm_within=names, rules=[rule]
    )
    given = np.searchsorted(policy.treatments_, plan.arms)
    assert allowed[np.arange(N_LIST), given].all()
    for name in np.unique(names):
        assert len(set(plan.arms[names == name])) == 1
    assert plan.total_cost <= total * (1 + 1e-12)
    assert (plan.arms == "mail").sum() <= 11
    household = np.unique(household, return_inverse=True)[1]
    best = best_by_milp(policy, X, total, allowed, limit, household)
    assert plan.total_response == pytest.approx(best, rel=1e-6, abs=1e-6)
    order = rng.permutation(N_LIST)
    again = plan_list(
        policy,
        X[order],
        total_budget=total,
        eligible=allowed[order],
        same_arm_within=names[order],
        rules=[rule],
    )
    assert_array_equal(again.arms, plan.arms[order])


def test_households_without_rules_and_of_one(policy):
    X = list_of(np.random.default_rng(8), 300)
    alone = plan_list(policy, X, total_budget=70.0)
    same = plan_list(policy, X, total_budget=70.0, same_arm_within=np.arange(300))
    assert_array_equal(same.arms, alone.arms)
    pairs = plan_list(policy, X, total_budget=70.0, same_arm_within=np.arange(300) // 2)
    assert_array_equal(pairs.arms[::2], pairs.arms[1::2])
    assert 70.0 - 2 * 1.1 < pairs.total_cost <= 70.0
    assert pairs.total_response < alone.total_response
    one = plan_list(policy, X, total_budget=100.0, same_arm_within=np.zeros(300, dtype=int))
    assert set(one.arms) == {"mail"}


def test_household_with_an_unknown_member_gets_control(policy):
    X = list_of(np.random.default_rng(9))
    X[0, 0] = 9
    plan = plan_list(policy, X, total_budget=60.0, same_arm_within=np.arange(N_LIST) // 3)
    assert (plan.arms[:3] == "none").all()
    assert (plan.arms[3:] != "none").any()


def test_rules_of_the_list_come_on_top(experiment):
    policy = fit(experiment, rules=[MaxShare("letter", 0.3)])
    X = list_of(np.random.default_rng(10), 200)
    free = plan_list(policy, X, total_budget=100.0)
    assert 50 < (free.arms == "letter").sum() <= 60
    rules = [MaxIndividuals("letter", 13), MaxSpend("mail", total_spend=9.0)]
    ruled = plan_list(policy, X, total_budget=100.0, rules=rules)
    assert (ruled.arms == "letter").sum() == 13
    assert (ruled.arms == "mail").sum() == 30
    young = X[:, 1] < 0
    ruled = plan_list(
        policy, X, total_budget=100.0, rules=[Forbid(["letter", "mail"], where=lambda X: young)]
    )
    assert (ruled.arms[young] == "none").all()
    allowed = np.column_stack([~young, ~young, np.ones(200, dtype=bool)])
    best = best_by_milp(policy, X, 100.0, allowed, {"letter": 60})
    assert ruled.total_response == pytest.approx(best, rel=1e-6)


def test_marketers_sentence(experiment):
    """15 in all, at most 20 % letters, nobody without consent, one offer a household."""
    X, y, treatment = experiment
    frame = pd.DataFrame(X, columns=["segment", "age", "b"])
    policy = ClusterBudgetAllocator(0.3, control="none", arm_cost=PRICES, random_state=0)
    policy.set_params(estimation="raw").fit(frame, y, treatment=treatment)
    rng = np.random.default_rng(11)
    people = pd.DataFrame(list_of(rng), columns=["segment", "age", "b"])
    people = people.assign(consent=rng.random(N_LIST) < 0.7, house=rng.integers(0, 30, N_LIST))
    people.index = [f"id{i}" for i in range(N_LIST)]
    plan = plan_list(
        policy,
        people[["house", "b", "consent", "age", "segment"]],
        total_budget=15.0,
        rules=[MaxShare("letter", 0.2), Forbid(["letter", "mail"], where="not consent")],
        same_arm_within="house",
    )
    table = plan.to_frame().join(people)
    assert (table.treatment[~table.consent] == "none").all()
    assert (table.groupby("house").treatment.nunique() == 1).all()
    assert (table.treatment == "letter").sum() <= 12
    assert plan.total_cost <= 15.0
    no_consent = dict.fromkeys(("mail", "letter"), people.consent)
    by_masks = plan_list(
        policy,
        people,
        total_budget=15.0,
        rules=[MaxShare("letter", 0.2)],
        eligible=no_consent,
        same_arm_within=people.house,
    )
    assert_array_equal(by_masks.arms, plan.arms)


def test_goals_and_uncertain_budgets(experiment):
    X = list_of(np.random.default_rng(12), 300)
    response = fit(experiment).response_
    prices = np.array([PRICES[arm] for arm in ARMS])
    least = plan_list(fit(experiment, None, goal=LeastCost(1.2)), X)
    assert least.total_response >= 360 * (1 - 1e-9)
    assert least.total_budget == least.total_cost
    other = plan_list(fit(experiment), X, total_budget=least.total_cost * (1 - 1e-6))
    assert other.total_response < 360
    profit = plan_list(fit(experiment, None, goal=Profit(0.8)), X)
    best = np.array(ARMS)[(0.8 * response - prices).argmax(axis=1)]
    assert_array_equal(profit.arms, best[X[:, 0].astype(int)])
    budget = UncertainBudget([0.2, 0.4], weights=[3, 1])
    uncertain = plan_list(fit(experiment), X, budget=budget)
    assert uncertain.total_budget == pytest.approx(300 * 0.25)
    assert_array_equal(uncertain.arms, plan_list(fit(experiment), X, budget=0.25).arms)
    assert_array_equal(plan_list(fit(experiment, budget), X).arms, uncertain.arms)


def test_edge_of_the_budget_is_explained(policy):
    X = list_of(np.random.default_rng(13), 500)
    allowed = {"letter": X[:, 1] > 0}
    plan = plan_list(policy, X, total_budget=150.0, eligible=allowed)
    moves = plan.explain(step=5.0)
    for step, side in moves.groupby("step"):
        assert side.cost.sum() == pytest.approx(5.0, rel=1e-6)
        change = {"last": -5.0, "next": 5.0}[step]
        there = plan_list(policy, X, total_budget=150.0 + change, eligible=allowed)
        gained = abs(there.total_response - plan.total_response)
        assert side.response.sum() == pytest.approx(gained, rel=0.2)
    assert not moves[moves.duplicated(["step", "cluster", "source", "target"])].size
    assert plan.explain().step.nunique() == 2
    houses = plan_list(policy, X, total_budget=150.0, same_arm_within=np.arange(500) // 2)
    assert houses.explain(step=60.0).cluster.isna().any()
    with pytest.raises(ValueError, match="^step is expected to be positive"):
        plan.explain(step=0)


def test_what_a_notebook_shows(policy):
    plan = plan_list(policy, list_of(np.random.default_rng(14)), total_budget=20.0)
    assert repr(plan).startswith("ListPlan(60 rows, total_cost=")
    html = plan._repr_html_()
    assert "expected cost" in html
    assert f"{plan.total_response:.4g}" in html
    assert all(arm in html for arm in ARMS)


def test_conflicts_are_told_in_the_figures_of_the_list(policy):
    X = list_of(np.random.default_rng(15), 200)
    with pytest.raises(RuleConflictError) as error:
        plan_list(
            policy,
            X,
            total_budget=1e3,
            rules=[MaxIndividuals("letter", 30), MinShare("letter", 0.2)],
        )
    assert "MaxIndividuals of letter at least 40 or MinShare of letter at most 0.15." in str(
        error.value
    )
    with pytest.raises(RuleConflictError) as error:
        plan_list(policy, X, total_budget=20.0, rules=[MinShare("letter", 0.2)])
    # 40 letters of 1.1; a budget of 20 buys 18.
    assert "total_budget at least 44 or MinShare of letter at most 0.09" in str(error.value)


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


@pytest.mark.parametrize("household", [None, np.arange(N_LIST) // 3], ids=["alone", "households"])
def test_allocation_counts_those_of_a_cluster_who_get_an_arm(policy, household):
    X = list_of(np.random.default_rng(6))
    X[:3, 0] = 9  # no cluster of the policy
    plan = plan_list(policy, X, total_budget=20.0, same_arm_within=household)
    counted = [
        [((X[:, 0] == label) & (plan.arms == arm)).sum() for arm in plan.treatments]
        for label in plan.clusters
    ]
    assert_array_equal(plan.allocation, counted)
    assert plan.allocation.sum() == N_LIST - 3


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
        ({"X": np.empty((0, 3))}, "^X is expected to have at least one row, got none"),
        ({"budget": "much"}, "^budget is expected to be a finite number, got 'much'"),
        ({"rules": MaxShare("mail", 0.1)}, "^rules is expected to be a list of rules"),
        ({"rules": [MaxShare("fax", 0.1)]}, "^MaxShare is expected to name treatments"),
        ({"rules": [MinOutcome("clicks", 0.1)]}, "^MinOutcome is expected to name columns"),
        (
            {"rules": [Forbid("mail", where="a < 1")]},
            "^X is expected to be a pandas data frame for where",
        ),
        (
            {"rules": [Forbid("mail", where=lambda X: X[:, 1])]},
            "^where of Forbid is expected to give True or False for each of the 60 rows, got float",
        ),
        (
            {"rules": [Forbid(ARMS, where=lambda X: X[:, 0] == 1)]},
            "^Forbid of letter . mail . none on the list is expected to leave everybody an arm",
        ),
        ({"rules": [Monotone([0, 1])]}, "^treatment is expected to be an ordered Categorical"),
        ({"same_arm_within": "house"}, "^same_arm_within is expected to name a column of X or"),
        ({"same_arm_within": [1, 2]}, "^same_arm_within is expected to have one entry for each"),
        (
            {"same_arm_within": np.r_[np.nan, np.ones(59)]},
            "^same_arm_within is expected to have a label in every row",
        ),
        (
            {
                "same_arm_within": np.zeros(60, int),
                "eligible": {
                    "none": np.arange(60) < 30,
                    "mail": np.arange(60) >= 30,
                    "letter": np.arange(60) >= 30,
                },
            },
            "^same_arm_within is expected to leave everybody an arm .* household 0",
        ),
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
    with pytest.raises(
        BudgetError,
        match=r"^total_budget is expected to be at least 30, .* for the 60 individuals, got 9",
    ):
        plan_list(policy, list_of(np.random.default_rng(7)), total_budget=9.0)


def test_nullable_masks(policy):
    X = pd.DataFrame(list_of(np.random.default_rng(16)), columns=["segment", "a", "b"])
    young = (X.a < 0).convert_dtypes()
    rule = Forbid(["mail", "letter"], where=lambda X: young)
    by_rule = plan_list(policy, X.to_numpy(), total_budget=20.0, rules=[rule])
    by_mask = plan_list(
        policy, X.to_numpy(), total_budget=20.0, eligible={"mail": ~young, "letter": ~young}
    )
    assert_array_equal(by_rule.arms, by_mask.arms)
    young[3] = pd.NA
    with pytest.raises(ValueError, match="^where of Forbid is expected to give True or False"):
        plan_list(policy, X.to_numpy(), total_budget=20.0, rules=[rule])


def test_masks_are_read_by_index():
    frame = pd.DataFrame(list_of(np.random.default_rng(17)), columns=["segment", "a", "b"])
    mixed = (frame.a < 0).sample(frac=1, random_state=0)
    with pytest.raises(ValueError, match="where of Forbid"):
        Forbid("mail", where=lambda X: mixed).rows(frame, N_LIST)


@pytest.mark.parametrize("where", ["agee < 1", "a < (1", "~b.str.len()"])
def test_expressions_that_fail(where):
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [None, "x"]})
    with pytest.raises(ValueError, match=r"^where of Forbid is expected to be an expression on"):
        Forbid("mail", where=where).rows(frame, 2)


def test_whole_clusters_stay_whole_on_a_list(experiment):
    policy = fit(experiment, split_clusters=False)
    X = list_of(np.random.default_rng(18), 300)
    plan = plan_list(policy, X, total_budget=150.0)
    for cluster in range(4):
        assert len(set(plan.arms[X[:, 0] == cluster])) == 1
    houses = plan_list(policy, X, total_budget=150.0, same_arm_within=np.arange(300) // 2)
    assert_array_equal(houses.arms[::2], houses.arms[1::2])
    assert houses.total_cost <= 150.0


def test_rules_on_clusters_of_a_teacher_are_refused(experiment):
    X, y, treatment = experiment
    allocator = ClusterBudgetAllocator(
        0.3, control="none", arm_cost=PRICES, estimation="pooled", random_state=0
    )
    teacher = make_pipeline(HiddenClusterer(4, outcomes=False, random_state=0), allocator)
    with sklearn.config_context(enable_metadata_routing=True):
        student = DistilledAllocator(teacher, random_state=0).fit(X, y, treatment=treatment)
    rule = Forbid("mail", clusters=1)
    for ask in (
        lambda: plan_list(student, X[:50], rules=[rule]),
        lambda: student.set_rules([rule]),
    ):
        with pytest.raises(ValueError, match="where HiddenClusterer makes the clusters"):
            ask()
    assert (student.set_rules([MaxShare("mail", 0.1)]).predict(X) == "mail").mean() <= 0.1


def test_risk_with_households_and_a_rule(experiment):
    """Cuts are made where units are divided, too."""
    X, y, treatment = experiment
    rng = np.random.default_rng(19)
    cost = np.array([PRICES[arm] for arm in treatment]) * rng.exponential(size=len(X))
    policy = ClusterBudgetAllocator(
        0.3, control="none", estimation="raw", risk="cvar", random_state=0
    ).fit(X, y, treatment=treatment, cost=cost)
    people = list_of(rng, 600)
    rules = [MaxShare("letter", 0.2)]
    houses = np.arange(600) // 2
    plan = plan_list(policy, people, total_budget=240.0, rules=rules, same_arm_within=houses)
    alone = plan_list(policy, people, total_budget=240.0, rules=rules)
    assert plan._solved[1].gap < 1e-3
    assert 0.97 * alone.total_response < plan.total_response <= alone.total_response * (1 + 1e-3)
