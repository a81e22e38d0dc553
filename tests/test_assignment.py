"""Plan and prediction agree on the rows of the fit, whatever the rows look like."""

import itertools
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from sklearn_hrc import ClusterBudgetAllocator
from sklearn_hrc._assignment import (
    Assignment,
    Members,
    arms_of_rows,
    arms_of_units,
    assign,
    assign_whole,
    stand_before,
)
from sklearn_hrc._positions import Units
from sklearn_hrc.goals import LeastCost
from sklearn_hrc.rules import MaxShare, MinShare

pytestmark = pytest.mark.filterwarnings("ignore:budget .* does not bind")

PRICES = {0: 0.0, 1: 0.7, 2: 1.9}


def members_of(cluster, place, block, size):
    cluster, block, size = (np.array(values) for values in (cluster, block, size))
    place = np.array(place, dtype=float)
    units = Units(cluster, place, place, size.astype(float))
    return Members(units, block, size, stand_before(units, block, size))


def test_arms_of_rows_hand_computed():
    assignment = Assignment(
        first=np.array([2, 0]),
        start=np.array([0, 0, 2]),
        cut=np.array([-1.0, 1.0]),
        arm=np.array([1, 0]),
    )
    cluster, place = np.array([0, 1, 1, 1, 1, -1]), np.array([5.0, -2.0, -1.0, 0.9, 1.0, 0.0])
    assert_array_equal(arms_of_rows(cluster, place, assignment, control=1), [2, 0, 1, 1, 0, 1])


def test_units_get_arms_from_the_cheapest():
    # Four units of one block, and an atom of three in a block of its own.
    members = members_of([0] * 5, [0.0, 1.0, 2.0, 3.0, 9.0], [0, 0, 0, 0, 1], [1, 1, 1, 1, 3])
    cost = np.array([[2.0, 0.0, 1.0]])
    counts = np.array([[1, 2, 1], [3, 0, 0]])
    arm = arms_of_units(members, counts, cost)
    assert arm[4] == 0
    order = np.argsort(members.before[:4])
    assert_array_equal(arm[:4][order], [1, 1, 2, 0])
    cuts = assign(members, counts, cost, control=0)
    assert_array_equal(
        arms_of_rows(np.zeros(5, int), np.array([0.0, 1.0, 2.0, 3.0, 9.0]), cuts, 0), arm
    )


def test_a_unit_that_would_be_divided_gets_the_cheaper_arm():
    members = members_of([0] * 3, [0.0, 1.0, 2.0], [0, 0, 0], [0.5, 1.5, 1.0])
    cost = np.array([[0.0, 1.0]])
    for dear in (0.2, 1.0, 2.9, 3.0):
        arm = arms_of_units(members, np.array([[3.0 - dear, dear]]), cost)
        assert members.size[arm == 1].sum() <= dear
    assert arm.all()


def test_whole_clusters_get_the_cheapest_of_their_arms():
    counts = np.array([[0, 2, 2], [0, 0, 0], [4, 0, 0]])
    cost = np.array([[0.0, 2.0, 1.0]] * 3)
    assignment = assign_whole(counts, cost, control=1)
    assert not assignment.is_split.any()
    assert_array_equal(arms_of_rows(np.array([0, 1, 2]), np.zeros(3), assignment, 1), [2, 1, 0])


def realised(allocator, X, weight=None):
    """Mean cost and response of what the rows of the fit are given, by the estimates."""
    cluster = np.searchsorted(allocator.clusters_, X[:, 0])
    arm = np.searchsorted(allocator.treatments_, allocator.predict(X))
    means = (allocator.cost_[cluster, arm], allocator.response_[cluster, arm])
    return [np.average(values, weights=weight) for values in means]


def experiment(rng, covariates, weight=None):
    n_rows = len(covariates)
    label = rng.integers(0, 3, n_rows)
    treatment = np.r_[0, 1, 2, rng.integers(0, 3, n_rows - 3)]
    y = rng.normal(size=n_rows) + treatment * (1 + label)
    X = np.column_stack([label, covariates]).astype(covariates.dtype)
    return X, y, {"treatment": treatment, "sample_weight": weight}


def kinds_of_rows():
    """Shapes of tables that have been trouble: identical rows, categories, sorted, few."""
    rng = np.random.default_rng(0)
    for share in (0.0, 0.3, 0.45, 0.9, 1.0):
        for dtype in (np.float64, np.float32):
            rows = rng.normal(size=(600, 3)).astype(dtype)
            rows[rng.random(600) < share] = 0
            yield f"{share:.0%} identical, {dtype.__name__}", rows, None
    yield "categories", rng.integers(0, 3, (600, 2)).astype(float), None
    yield "several atoms", rng.choice([0.0, 1e-3, 7e6], (600, 1)), None
    yield "sorted", np.sort(rng.normal(size=(600, 1)), axis=0), None
    yield "far units", rng.normal(size=(600, 2)) * [1e-4, 1e9], None
    yield "one row each", rng.normal(size=(9, 1)), None
    yield "weights", rng.normal(size=(600, 2)), rng.exponential(size=600)
    yield "weights of zero", rng.normal(size=(600, 2)), np.r_[np.ones(300), np.zeros(300)]
    yield "weighted atoms", rng.integers(0, 3, (600, 2)).astype(float), rng.exponential(size=600)


@pytest.mark.parametrize(
    ("covariates", "weight"),
    [pytest.param(rows, weight, id=name) for name, rows, weight in kinds_of_rows()],
)
@pytest.mark.parametrize(
    "parameters", [{}, {"rules": [MaxShare(2, 0.2)]}, {"split_clusters": False}], ids=str
)
def test_rows_of_the_fit_get_what_is_planned(covariates, weight, parameters):
    rng = np.random.default_rng(1)
    X, y, rows = experiment(rng, covariates, weight)
    allocator = ClusterBudgetAllocator(
        budget=0.5, arm_cost=PRICES, estimation="raw", random_state=0, **parameters
    ).fit(X, y, **rows)
    for budget in (0.1, 0.5, 0.9, 1.3):
        allocator.set_budget(budget)
        cost, response = realised(allocator, X, weight)
        assert cost == pytest.approx(allocator.expected_cost_, abs=1e-9)
        assert response == pytest.approx(allocator.expected_response_, abs=1e-9)
        assert cost <= budget * (1 + 1e-9)
        alone = np.concatenate([allocator.predict(row[None]) for row in X[:9]])
        assert_array_equal(alone, allocator.predict(X)[:9])


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    sizes=st.lists(st.integers(1, 4), min_size=1, max_size=5),
    budget=st.floats(0.0, 2.0),
)
def test_best_of_all_assignments_of_atoms(seed, sizes, budget):
    """Beside every way of giving arms to masses of identical rows, the plan is the best."""
    rng = np.random.default_rng(seed)
    atom = np.repeat(np.arange(len(sizes)), sizes)
    label = rng.integers(0, 2, len(sizes))[atom]
    X = np.column_stack([label, atom.astype(float)])
    X, atom = np.tile(X, (3, 1)), np.tile(atom, 3)
    treatment = np.repeat([0, 1, 2], len(X) // 3)
    y = rng.normal(size=len(X)) + treatment
    allocator = ClusterBudgetAllocator(budget, arm_cost=PRICES, estimation="raw", random_state=0)
    allocator.fit(X, y, treatment=treatment)
    cluster = np.searchsorted(allocator.clusters_, [X[atom == a, 0][0] for a in range(len(sizes))])
    mass, prices = np.bincount(atom), np.array(list(PRICES.values()))
    best = -np.inf
    for arms in itertools.product(range(3), repeat=len(sizes)):
        if mass @ prices[list(arms)] <= budget * len(X) * (1 + 1e-12):
            best = max(best, mass @ allocator.response_[cluster, list(arms)])
    assert allocator.expected_response_ * len(X) == pytest.approx(best)
    assert realised(allocator, X)[1] == pytest.approx(allocator.expected_response_)


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_neither_order_nor_chunks_matter(share):
    rng = np.random.default_rng(2)
    covariates = rng.normal(size=(900, 2))
    covariates[rng.random(900) < share] = 1.0
    X, y, rows = experiment(rng, covariates)
    treatment = rows["treatment"]

    def fit(*parts):
        allocator = ClusterBudgetAllocator(0.6, arm_cost=PRICES, estimation="raw", random_state=0)
        for part in parts:
            allocator.partial_fit(X[part], y[part], treatment=treatment[part])
        return allocator.predict(X)

    order = rng.permutation(900)
    expected = fit(np.arange(900))
    assert_array_equal(fit(order), expected)
    assert_array_equal(fit(order[:200], order[200:250], order[250:]), expected)
    assert_array_equal(fit(np.argsort(X[:, 1])), expected)


def test_members_with_an_arm_are_like_the_others():
    """Which member gets the dear arm has nothing to do with its covariates."""
    rng = np.random.default_rng(3)
    X, y, rows = experiment(rng, rng.normal(size=(60_000, 3)))
    allocator = ClusterBudgetAllocator(0.6, arm_cost=PRICES, estimation="raw", random_state=0)
    arms = allocator.fit(X, y, **rows).predict(X)
    split = np.flatnonzero((allocator.allocation_ > 0).sum(axis=1) > 1)
    assert len(split)
    for k in split:
        inside = X[:, 0] == allocator.clusters_[k]
        covariates, dear = X[inside, 1:], arms[inside] == arms[inside].max()
        for values in (covariates, covariates**2, covariates * covariates[:, [1, 2, 0]]):
            error = values.std(axis=0) * np.sqrt(1 / dear.sum() + 1 / (~dear).sum())
            gap = np.abs(values[dear].mean(axis=0) - values[~dear].mean(axis=0))
            assert (gap < 5 * error).all()


def test_same_arms_after_pickling():
    rng = np.random.default_rng(4)
    X, y, rows = experiment(rng, rng.normal(size=(500, 2)))
    allocator = ClusterBudgetAllocator(0.6, arm_cost=PRICES, estimation="raw").fit(X, y, **rows)
    again = pickle.loads(pickle.dumps(allocator))
    assert_array_equal(again.predict(X), allocator.predict(X))


@pytest.mark.parametrize("kind", ["few atoms", "rows"])
def test_weighted_rules_and_targets_are_kept(kind):
    rng = np.random.default_rng(5)
    covariates = (
        rng.normal(size=(400, 2)) if kind == "rows" else rng.integers(0, 3, (1000, 2)) * 1.0
    )
    weight = rng.exponential(size=len(covariates))
    X, y, rows = experiment(rng, covariates, weight)
    allocator = ClusterBudgetAllocator(
        0.9, arm_cost=PRICES, estimation="raw", rules=[MinShare(2, 0.1)], random_state=0
    ).fit(X, y, **rows)
    arms = allocator.predict(X)
    assert weight[arms == 2].sum() >= 0.1 * weight.sum() * (1 - 1e-9)
    target = 0.7 * allocator.expected_response_
    allocator.set_params(rules=[], goal=LeastCost(target)).fit(X, y, **rows)
    assert realised(allocator, X, weight)[1] >= target * (1 - 1e-12)
    assert allocator.bound_ <= allocator.expected_cost_ * (1 + 1e-12)
