"""The allocator on any segments: estimates, budgets, prediction, bad input."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from sklearn_hrc import ClusterBudgetAllocator
from sklearn_hrc._cells.estimates import COMMON_VARIANCE, OWN_VARIANCE
from sklearn_hrc._metadata import REQUESTS
from sklearn_hrc.exceptions import (
    BudgetError,
    ExpectedOutcomesWarning,
    MissingTreatmentWarning,
)

pytestmark = pytest.mark.filterwarnings("ignore:budget .* does not bind")


def segments(n_rows=3000, n_clusters=6, n_treatments=3, seed=0):
    """Rows of a segmented experiment with zero-inflated outcomes and redeemed costs."""
    rng = np.random.default_rng(seed)
    cluster = rng.integers(0, n_clusters, n_rows)
    arm = rng.integers(0, n_treatments, n_rows)
    rate = 0.2 + 0.5 * rng.random((n_clusters, n_treatments))
    order = rng.random(n_rows) < rate[cluster, arm]
    y = order * rng.lognormal(1.0, 0.5, n_rows)
    covariates = rng.normal(size=(n_rows, 3))
    Z = np.column_stack([cluster, covariates])
    return Z, y, {"treatment": 5 * arm, "cost": 5.0 * arm * order}


def assert_same_state(estimator, before):
    """Hold the very same attributes as before."""
    assert vars(estimator).keys() == before.keys()
    assert all(value is before[name] for name, value in vars(estimator).items())


@pytest.fixture
def fitted():
    Z, y, rows = segments()
    allocator = ClusterBudgetAllocator(budget=1.0, estimation="pooled", random_state=0)
    return allocator.fit(Z, y, **rows), Z, y, rows


def test_raw_cells_are_the_means_of_the_rows():
    Z, y, rows = segments()
    allocator = ClusterBudgetAllocator(budget=1.0, estimation="raw").fit(Z[:, :1], y, **rows)
    for k in range(6):
        for j, label in enumerate([0, 5, 10]):
            cell = (Z[:, 0] == k) & (rows["treatment"] == label)
            assert_allclose(allocator.response_[k, j], y[cell].mean())
            assert_allclose(allocator.cost_[k, j], rows["cost"][cell].mean())
            expected = y[cell].std(ddof=1) / np.sqrt(cell.sum())
            assert_allclose(allocator.response_se_[k, j], expected, rtol=0.05)
    assert_array_equal(allocator.cost_se_[:, 0], 0)
    assert_array_equal(allocator.cluster_sizes_, np.bincount(Z[:, 0].astype(int)))


def test_attributes_agree_with_each_other(fitted):
    allocator, Z, _, _ = fitted
    counts = allocator.allocation_
    assert counts.dtype == np.int64
    assert_array_equal(counts.sum(axis=1), allocator.cluster_sizes_)
    assert allocator.cluster_sizes_.sum() == len(Z)
    assert_allclose(allocator.expected_cost_, (counts * allocator.cost_).sum() / len(Z))
    assert_allclose(allocator.expected_response_, (counts * allocator.response_).sum() / len(Z))
    assert allocator.expected_cost_ <= allocator.budget_ * (1 + 1e-12)
    assert_array_equal(allocator.treatments_, [0, 5, 10])
    assert allocator.control_ == 0


def test_set_budget_equals_another_fit_and_keeps_the_parameter(fitted):
    allocator, Z, y, rows = fitted
    other = clone(allocator).set_params(budget=2.0).fit(Z, y, **rows)
    allocator.set_budget(2.0)
    assert allocator.budget == 1.0
    assert allocator.budget_ == 2.0
    for name in ("allocation_", "expected_response_", "expected_cost_", "shadow_price_"):
        assert_array_equal(getattr(allocator, name), getattr(other, name))


def test_budget_curve_equals_set_budget(fitted):
    allocator = fitted[0]
    before = allocator.allocation_.copy()
    budgets = [0.1, 0.7, 1.0, 3.0, 10.0]
    curve = allocator.budget_curve(budgets)
    assert_array_equal(allocator.allocation_, before)
    for i, budget in enumerate(budgets):
        allocator.set_budget(budget)
        assert curve.response[i] == allocator.expected_response_
        assert curve.cost[i] == allocator.expected_cost_
        assert curve.shadow_price[i] == allocator.shadow_price_
    assert (np.diff(curve.response) >= 0).all()
    assert (curve.cost <= np.array(budgets) * (1 + 1e-12)).all()
    assert curve.shadow_price[-1] == 0
    assert (curve.response_se > 0).all()


@pytest.mark.parametrize("budget", [float("nan"), float("inf"), "1", None, 10**400])
def test_bad_budgets_change_nothing(fitted, budget):
    allocator = fitted[0]
    before = dict(vars(allocator))
    with pytest.raises(ValueError, match="budget is expected to be a finite number"):
        allocator.set_budget(budget)
    assert_same_state(allocator, before)


def test_budget_below_the_cheapest_plan_names_it():
    Z, y, rows = segments()
    rows["cost"] = rows["cost"] + 0.25
    allocator = ClusterBudgetAllocator(budget=0.1, estimation="raw")
    with pytest.raises(BudgetError, match="budget.*at least 0.2.*cheapest.*got 0.1"):
        allocator.fit(Z[:, :1], y, **rows)
    assert not hasattr(allocator, "treatments_")


def test_default_budget_is_what_the_experiment_spent():
    Z, y, rows = segments()
    allocator = ClusterBudgetAllocator().fit(Z[:, :1], y, **rows)
    assert_allclose(allocator.budget_, rows["cost"].mean())
    weight = np.random.default_rng(1).random(len(y))
    allocator.fit(Z[:, :1], y, sample_weight=weight, **rows)
    assert_allclose(allocator.budget_, np.average(rows["cost"], weights=weight))


def test_population_turns_means_into_counts(fitted):
    allocator, Z, y, rows = fitted
    allocator.set_params(population=7_000_001).fit(Z, y, **rows)
    assert allocator.allocation_.sum() == 7_000_001
    assert_allclose(
        allocator.cluster_sizes_ / 7_000_001, np.bincount(Z[:, 0].astype(int)) / 3000, atol=1e-6
    )


def test_predicted_spend_follows_the_budget(fitted):
    allocator, Z, _, _ = fitted
    for budget in (0.5, 1.0, 2.0):
        arms = allocator.set_budget(budget).predict(Z)
        code = np.searchsorted(allocator.treatments_, arms)
        expected = allocator.cost_[Z[:, 0].astype(int), code].mean()
        assert abs(expected - allocator.expected_cost_) < 0.03 * budget


def test_same_arm_alone_in_a_batch_and_after_pickling(fitted):
    allocator, Z, _, _ = fitted
    arms = allocator.predict(Z)
    assert_array_equal(
        arms, [allocator.predict(row[None])[0] for row in Z[:200]] + list(arms[200:])
    )
    assert_array_equal(arms[::-1], allocator.predict(Z[::-1]))
    assert_array_equal(arms, pickle.loads(pickle.dumps(allocator)).predict(Z))


def test_rows_of_a_label_alone_are_one_unit():
    Z, y, rows = segments()
    allocator = ClusterBudgetAllocator(budget=0.8).fit(Z[:, :1], y, **rows)
    assert allocator.estimation_ == "pooled"
    whole = ClusterBudgetAllocator(budget=0.8, split_clusters=False).fit(Z[:, :1], y, **rows)
    assert_array_equal(allocator.allocation_, whole.allocation_)
    assert ((allocator.allocation_ > 0).sum(axis=1) == 1).all()


def test_segments_of_a_population_are_split_by_number():
    Z, y, rows = segments()
    allocator = ClusterBudgetAllocator(budget=0.8, population=3000).fit(Z[:, :1], y, **rows)
    split = np.flatnonzero((allocator.allocation_ > 0).sum(axis=1) > 1)
    assert len(split)  # the plan is split ...
    for k in split:  # ... and all rows of the cluster get the cheapest of its arms
        arms = np.unique(allocator.predict([[k]] * 10))
        chosen = allocator.treatments_[allocator.allocation_[k] > 0]
        cost = allocator.cost_[k][allocator.allocation_[k] > 0]
        assert_array_equal(arms, chosen[np.argmin(cost)])


def test_whole_clusters():
    Z, y, rows = segments()
    allocator = ClusterBudgetAllocator(budget=0.8, split_clusters=False).fit(Z[:, :1], y, **rows)
    assert_array_equal((allocator.allocation_ > 0).sum(axis=1), 1)
    assert allocator.expected_cost_ <= 0.8


def test_unknown_clusters_get_the_control(fitted):
    allocator = fitted[0].set_budget(100.0)
    assert_array_equal(allocator.predict([[99.0, 0, 0, 0], [-1.5, 0, 0, 0]]), [0, 0])


def test_one_pass_equals_partial_fits_with_new_clusters_and_arms():
    Z, y, rows = segments()
    whole = ClusterBudgetAllocator(budget=1.0, estimation="pooled", random_state=0)
    parts = clone(whole)
    whole.fit(Z, y, **rows)
    order = np.lexsort([rows["treatment"] > 5, Z[:, 0]])  # clusters and arms come one by one
    order = np.r_[order[rows["treatment"][order] <= 5], order[rows["treatment"][order] > 5]]
    for part in np.array_split(order, 4):
        parts.partial_fit(Z[part], y[part], **{name: v[part] for name, v in rows.items()})
    for name in ("response_", "cost_", "response_se_", "cost_se_", "expected_response_"):
        assert_allclose(getattr(parts, name), getattr(whole, name), rtol=1e-9, atol=1e-12)
    assert_array_equal(parts.allocation_, whole.allocation_)
    assert_array_equal(parts.treatments_, whole.treatments_)


def test_arm_cost_takes_the_place_of_cost(fitted):
    _, Z, y, rows = fitted
    by_label = ClusterBudgetAllocator(
        1.0, arm_cost={10: 2.0, 0: 0.0, 5: 1.0}, estimation="raw", random_state=0
    )
    by_order = ClusterBudgetAllocator(
        1.0, arm_cost=[0.0, 1.0, 2.0], estimation="raw", random_state=0
    )
    by_label.fit(Z, y, **rows)
    by_order.fit(Z, y, treatment=rows["treatment"])
    for allocator in (by_label, by_order):
        assert_array_equal(allocator.cost_, np.tile([0.0, 1.0, 2.0], (6, 1)))
        assert_array_equal(allocator.cost_se_, 0)
    assert_array_equal(by_label.allocation_, by_order.allocation_)
    assert by_order.score(Z, y, treatment=rows["treatment"]) == by_label.score(Z, y, **rows)


def test_objective_weighs_outcomes(fitted):
    _, Z, y, rows = fitted
    pd = pytest.importorskip("pandas")
    both = pd.DataFrame({"gmv": y, "orders": 1.0 * (y > 0)})

    def fit(objective):
        allocator = ClusterBudgetAllocator(1.0, objective=objective, estimation="raw")
        return allocator.fit(Z, both, **rows).response_

    gmv, orders = fit(None), fit("orders")
    assert_allclose(fit(0), gmv)
    assert_allclose(fit(-1), orders)
    assert_allclose(fit(["gmv", "orders"]), gmv + orders)
    assert_allclose(fit({"gmv": 0.5, 1: 2.0}), 0.5 * gmv + 2 * orders)
    with pytest.raises(ValueError, match="objective.*profit"):
        fit("profit")


def test_score_matches_outcomes_by_name_and_leaves_the_state(fitted):
    _, Z, y, rows = fitted
    pd = pytest.importorskip("pandas")
    both = pd.DataFrame({"gmv": y, "orders": 1.0 * (y > 0)})
    allocator = ClusterBudgetAllocator(1.0, estimation="pooled", random_state=0)
    allocator.fit(Z, both, **rows)
    before = allocator.allocation_.copy()
    score = allocator.score(Z, both, **rows)
    assert score == allocator.score(Z, both[["orders", "gmv"]], **rows)
    assert score == allocator.score(Z, both.to_numpy(), **rows)
    assert score > 0
    assert_array_equal(allocator.allocation_, before)
    with pytest.raises(ValueError, match="y is expected to have the columns"):
        allocator.score(Z, both.rename(columns={"gmv": "sales"}), **rows)


def test_string_labels_need_a_control(fitted):
    _, Z, y, rows = fitted
    names = np.array(["none", "five", "ten"])[rows["treatment"] // 5]
    allocator = ClusterBudgetAllocator(1.0, estimation="raw")
    with pytest.raises(ValueError, match="control is expected"):
        allocator.fit(Z, y, treatment=names, cost=rows["cost"])
    allocator.set_params(control="none").fit(Z, y, treatment=names, cost=rows["cost"])
    assert set(allocator.predict(Z)) <= set(names)
    assert allocator.control_ == "none"
    with pytest.raises(ValueError, match="control is expected to be one of"):
        allocator.set_params(control="zero").fit(Z, y, treatment=names, cost=rows["cost"])


def test_covariates_are_not_taken_for_expected_outcomes_in_silence(fitted):
    _, Z, y, rows = fitted
    with pytest.raises(ValueError, match="6 columns of expected outcomes.*got 3.*pooled"):
        ClusterBudgetAllocator(1.0).fit(Z, y, **rows)
    wide = np.hstack([Z, 100 + Z[:, 1:]])
    with pytest.warns(ExpectedOutcomesWarning, match="estimation='pooled'"):
        ClusterBudgetAllocator(1.0).fit(wide, y, **rows)


def disagreeing():
    """Label, deviations of three networks from what six segments expect, and that."""
    Z, y, rows = segments()
    rng = np.random.default_rng(3)
    k, arm = Z[:, 0].astype(int), rows["treatment"] // 5
    sums = np.zeros((2, 6, 3))
    np.add.at(sums, (slice(None), k, arm), np.stack([y, rows["cost"]]))
    expected = np.moveaxis(sums, 0, -1) / np.histogram2d(k, arm, (6, 3))[0][..., None]
    deviations = rng.normal(size=(3, 6, 3, 2)) * np.array([0.3, 0.2])
    deviations[:, :, 0, 1] = 0  # a free control
    deviations -= deviations.mean(axis=0)
    columns = [block.reshape(6, 6)[k] for block in (*deviations, expected)]
    return np.hstack([Z, *columns]), y, rows, deviations


def test_errors_come_from_the_disagreement_of_networks():
    Z, y, rows, deviations = disagreeing()
    allocator = ClusterBudgetAllocator(budget=1.0, random_state=0).fit(Z, y, **rows)
    between = deviations.var(axis=0, ddof=1)
    shared = np.diagonal(allocator._estimates.shared, axis1=1, axis2=2)
    variance = (COMMON_VARIANCE + OWN_VARIANCE) * between + shared
    assert_allclose(allocator.response_se_**2, variance[..., 0])
    assert_allclose(allocator.cost_se_**2, variance[..., 1], atol=1e-12)
    assert_array_equal(allocator.cost_se_[:, 0], 0.0)
    curve = allocator.budget_curve([1.0])
    covariance = allocator._estimates.total_covariance(allocator.allocation_ / len(Z))
    assert_allclose(curve.response_se**2, covariance[0, 0])
    # Without deviations, or where columns are other covariates, residuals tell.
    others = [np.delete(Z, np.s_[4:22], axis=1), Z + np.arange(28) * (np.arange(28) == 5)]
    same = [clone(allocator).fit(other, y, **rows) for other in others]
    assert_array_equal(same[0].response_se_, same[1].response_se_)
    assert_array_equal(same[0].response_, allocator.response_)
    assert (np.ptp(same[0].response_se_, axis=0) == 0).all()


def test_networks_are_those_of_the_first_rows():
    Z, y, rows, _ = disagreeing()
    whole = ClusterBudgetAllocator(budget=1.0, random_state=0).fit(Z, y, **rows)
    parts = clone(whole)
    for part in np.array_split(np.arange(len(Z)), 3):
        parts.partial_fit(Z[part], y[part], **{name: v[part] for name, v in rows.items()})
    assert_allclose(parts.response_se_, whole.response_se_, rtol=1e-9)
    single = clone(whole).fit(Z.astype(np.float32), y, **rows)
    assert_allclose(single.response_se_, whole.response_se_, rtol=1e-4)


def test_one_arm_is_legal_and_said():
    Z, y, _ = segments()
    with pytest.warns(MissingTreatmentWarning):
        allocator = ClusterBudgetAllocator().fit(Z[:, :1], y)
    assert_array_equal(allocator.predict(Z[:5, :1]), 0)
    assert allocator.score(Z[:, :1], y) == 0
    assert allocator.budget_ == 0


BAD_ROWS = {
    "treatment is expected where cost": {"treatment": None},
    "cost .* or arm_cost": {"cost": None},
    "cost is expected to be finite": {"cost": np.r_[np.nan, np.zeros(2999)]},
    "cost is .* finite, got NaN or infinity": {"cost": np.r_[np.inf, np.zeros(2999)]},
    "cost is expected to have one entry": {"cost": np.zeros(5)},
    "treatment is expected to have one entry": {"treatment": [0, 1]},
    "treatment is expected to have at least two": {"treatment": np.zeros(3000)},
    "treatment .* 1 missing": {"treatment": np.r_[np.nan, np.arange(2999) % 2]},
    "propensity is expected to be in": {"propensity": np.full(3000, 1.5)},
    "propensity is expected to be finite": {"propensity": np.full(3000, np.nan)},
    "sample_weight is expected to be non-negative": {"sample_weight": np.full(3000, -1.0)},
    "sample_weight is expected to be positive in some rows .*10": {
        "sample_weight": np.where(segments()[2]["treatment"] == 10, 0.0, 1.0)
    },
    "sample_weight is expected to have a positive total": {"sample_weight": np.zeros(3000)},
}


@pytest.mark.parametrize("message", BAD_ROWS)
def test_bad_rows_leave_a_fitted_allocator_as_it_was(fitted, message):
    allocator, Z, y, rows = fitted
    before = dict(vars(allocator))
    changes = BAD_ROWS[message]
    only_in_fit = (
        "at least two" in message or "some rows" in message or next(iter(changes.values())) is None
    )
    for method in ("fit",) if only_in_fit else ("fit", "partial_fit", "score"):
        with pytest.raises(ValueError, match=message):
            getattr(allocator, method)(Z, y, **(rows | changes))
        assert_same_state(allocator, before)


def test_score_says_what_is_missing(fitted):
    allocator, Z, y, rows = fitted
    with pytest.raises(ValueError, match="enable_metadata_routing"):
        allocator.score(Z, y, cost=rows["cost"])
    with pytest.raises(ValueError, match="cost is expected in held-out rows"):
        allocator.score(Z, y, treatment=rows["treatment"])
    with pytest.raises(ValueError, match="labels seen in fit"):
        allocator.score(Z, y, treatment=rows["treatment"] + 1, cost=rows["cost"])
    few = rows["treatment"] < 10
    with pytest.raises(
        ValueError, match=r"every arm of fit in held-out rows, got no rows of \[.*10"
    ):
        allocator.score(Z[few], y[few], treatment=rows["treatment"][few], cost=rows["cost"][few])


def test_arm_cost_errors(fitted):
    _, Z, y, rows = fitted
    for arm_cost in ([0.0, 1.0], {0: 0, 5: 1, 15: 2}, [0.0, 1.0, np.nan], {0: 0, 5: 1, 10: "x"}):
        with pytest.raises(ValueError, match="arm_cost is expected"):
            ClusterBudgetAllocator(1.0, arm_cost=arm_cost, estimation="raw").fit(Z, y, **rows)


def test_labels_beyond_float32_and_strings_are_refused(fitted):
    _, Z, y, rows = fitted
    Z = Z.astype(np.float32)
    Z[0, 0] = 2**24 + 2
    with pytest.raises(ValueError, match="X is expected to have labels of at most 16777215"):
        ClusterBudgetAllocator(1.0, estimation="raw").fit(Z, y, **rows)
    names = np.array([["a"], ["b"]] * 1500)
    with pytest.raises(ValueError, match="OrdinalEncoder"):
        ClusterBudgetAllocator(1.0).fit(names, y, **rows)


def test_propensity_reweights_cells_but_not_sizes():
    rng = np.random.default_rng(0)
    Z = rng.integers(0, 2, 20_000)[:, None]
    x = rng.random(20_000)  # outcome and propensity depend on it
    probability = 0.2 + 0.6 * x
    arm = (rng.random(20_000) < probability).astype(int)
    received = np.where(arm == 1, probability, 1 - probability)
    allocator = ClusterBudgetAllocator(1.0, estimation="raw")
    allocator.fit(Z, x, treatment=arm, cost=arm, propensity=received)
    assert_allclose(allocator.response_, 0.5, atol=0.02)
    assert_array_equal(allocator.cluster_sizes_, np.bincount(Z[:, 0]))


@pytest.mark.parametrize(
    "objective", [[], {}, {"y": "x"}, {"y": None}, {"y": np.nan}, [["y"]], ["y", "z"], 1, -2]
)
def test_objective_errors(fitted, objective):
    _, Z, y, rows = fitted
    with pytest.raises(ValueError, match="objective is expected"):
        ClusterBudgetAllocator(1.0, objective=objective, estimation="raw").fit(Z, y, **rows)


def test_tiny_chunks_split_clusters_like_one_fit():
    Z, y, rows = segments()
    # a yes or no hardly tells rows apart, though the two rows of a chunk may differ
    Z = np.column_stack([Z[:, 0], Z[:, 1] > 0])
    whole = ClusterBudgetAllocator(1.0, estimation="pooled", random_state=0)
    chunked = clone(whole)
    whole.fit(Z, y, **rows)
    for start, stop in [(0, 100), *((i, i + 2) for i in range(100, 140, 2)), (140, 3000)]:
        chunk = {name: values[start:stop] for name, values in rows.items()}
        chunked.partial_fit(Z[start:stop], y[start:stop], **chunk)
    assert_array_equal(chunked.allocation_, whole.allocation_)
    assert_array_equal(chunked.predict(Z), whole.predict(Z))


def test_partial_fit_refuses_another_type_of_labels_or_estimation(fitted):
    allocator, Z, y, rows = fitted
    strings = rows | {"treatment": rows["treatment"].astype(str)}
    with pytest.raises(ValueError, match=r"type seen in fit, \[0, 5, 10\], got \['0', '10', '5'\]"):
        allocator.partial_fit(Z, y, **strings)
    named = ClusterBudgetAllocator(1.0, control="0", estimation="pooled").fit(Z, y, **strings)
    with pytest.raises(ValueError, match="type seen in fit"):
        named.partial_fit(Z, y, **rows)
    allocator.set_params(estimation="raw")
    before = dict(vars(allocator))
    with pytest.raises(ValueError, match="estimation is expected to stay 'pooled'"):
        allocator.partial_fit(Z, y, **rows)
    assert_same_state(allocator, before)


def test_partial_fit_requests_the_rows():
    requests = ClusterBudgetAllocator().get_metadata_routing().partial_fit.requests
    assert requests == dict.fromkeys(REQUESTS, True)


def test_expected_outcomes_warning_points_at_the_caller(fitted):
    _, Z, y, rows = fitted
    doubtful = np.column_stack([Z, np.zeros((len(Z), 6))])
    with pytest.warns(ExpectedOutcomesWarning) as caught:
        ClusterBudgetAllocator(1.0).fit(doubtful, y, **rows)
    assert {warning.filename for warning in caught} == {__file__}
