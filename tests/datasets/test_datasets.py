"""The simulated experiment against its own truth, the oracle against solvers, the readers."""

import itertools
import os
import re
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import linprog

from sklearn_hrc.datasets import (
    _thornton,
    load_hillstrom,
    load_thornton_hiv,
    make_coupon_experiment,
    oracle_budget_curve,
    oracle_policy_value,
)

ROW_ARRAYS = ["data", "target", "treatment", "cost", "propensity"]
TRUTHS = ["expected_response", "expected_orders", "expected_cost"]

real_data = pytest.mark.skipif(
    not os.environ.get("SKLEARN_HRC_DATA"),
    reason="REAL DATA NOT TESTED: SKLEARN_HRC_DATA names no folder",
)


# The simulated experiment


@pytest.mark.parametrize("cost_type", ["face_value", "basket_share"])
def test_shapes_types_and_what_a_cost_is(cost_type):
    e = make_coupon_experiment(
        200, n_treatments=4, n_features=9, cost_type=cost_type, random_state=0
    )
    assert e.data.shape == (200, 9)
    assert e.target.shape == (200, 2)
    assert e.data.dtype == e.target.dtype == e.cost.dtype == np.float64
    assert e.treatment.shape == e.cost.shape == e.propensity.shape == (200,)
    for truth in TRUTHS:
        assert e[truth].shape == (200, 4)
        assert np.isfinite(e[truth]).all()
    assert_array_equal(e.treatments, [0, 5, 10, 15])
    assert e.treatments.dtype == e.treatment.dtype == np.int64
    assert len(e.feature_names) == len(set(e.feature_names)) == 9
    assert e.target_names == ["gmv", "orders"]

    gmv, orders = e.target.T
    assert set(np.unique(orders)) == {0.0, 1.0}
    assert_array_equal(gmv > 0, orders == 1)
    paid = orders * e.treatment if cost_type == "face_value" else gmv * e.treatment / 100
    assert_allclose(e.cost, paid)
    assert_array_equal(e.expected_cost[:, 0], 0.0)


def test_description_names_the_coupons():
    e = make_coupon_experiment(3, n_treatments=3, cost_type="basket_share", random_state=0)
    assert "0, 5, 10 (percent of the basket)" in e.DESCR


def test_one_seed_gives_one_experiment():
    first, again, other = (make_coupon_experiment(100, random_state=s) for s in (7, 7, 8))
    for name in ROW_ARRAYS + TRUTHS:
        assert_array_equal(first[name], again[name])
    assert not np.array_equal(first.data, other.data)


@pytest.mark.parametrize(
    "setting",
    [
        {},
        {"order_rate": 0.03, "basket_noise": 0.2, "amount_effect": 0.15},
        {"cost_type": "basket_share", "n_treatments": 3, "amount_effect": -0.1},
        {"heterogeneity": 0.0, "treatment_shares": [0.4, 0.1, 0.1, 0.2, 0.2]},
        {"feature_noise": 1.0, "n_features": 8},
    ],
)
def test_means_by_arm_agree_with_the_truth(setting):
    e = make_coupon_experiment(60_000, random_state=3, **setting)
    for observed, truth in [
        (e.target[:, 0], e.expected_response),
        (e.target[:, 1], e.expected_orders),
        (e.cost, e.expected_cost),
    ]:
        for arm, label in enumerate(e.treatments):
            got = e.treatment == label
            # Differences from each row's own truth: the draw of the rows cancels out.
            error = observed[got] - truth[got, arm]
            assert abs(error.mean()) <= 4 * error.std() / np.sqrt(got.sum())


def test_expected_basket_is_that_of_one_individual():
    # Rows with almost equal truths: the mean basket given an order, not just overall means.
    e = make_coupon_experiment(150_000, order_rate=0.3, amount_effect=0.2, random_state=0)
    received = np.arange(150_000), np.searchsorted(e.treatments, e.treatment)
    expected = (e.expected_response / e.expected_orders)[received]
    ordered = e.target[:, 1] == 1
    ratio = e.target[ordered, 0] / expected[ordered]
    for tenth in np.array_split(np.argsort(expected[ordered]), 10):
        part = ratio[tenth]
        assert abs(part.mean() - 1) <= 4 * part.std() / np.sqrt(len(part))
    assert_allclose(np.log(ratio).std(), 0.6, rtol=0.01)


@pytest.mark.parametrize("shares", [None, [0.6, 0.1, 0.1, 0.1, 0.1]])
def test_arms_are_assigned_by_their_shares(shares):
    e = make_coupon_experiment(50_000, treatment_shares=shares, random_state=1)
    expected = np.full(5, 0.2) if shares is None else np.array(shares)
    counts = np.array([(e.treatment == label).mean() for label in e.treatments])
    assert np.all(np.abs(counts - expected) <= 4 * np.sqrt(expected * (1 - expected) / 50_000))
    assert_allclose(e.propensity, expected[np.searchsorted(e.treatments, e.treatment)])
    # Assignment ignores the individuals.
    strong = e.expected_response[:, 4] - e.expected_response[:, 0]
    assert abs(np.corrcoef(strong, e.treatment)[0, 1]) <= 4 / np.sqrt(50_000)


@pytest.mark.parametrize("order_rate", [0.005, 0.1, 0.6])
def test_order_rate_is_the_share_of_orders_under_control(order_rate):
    e = make_coupon_experiment(60_000, order_rate=order_rate, random_state=2)
    assert_allclose(e.expected_orders[:, 0].mean(), order_rate, rtol=0.03)


def test_individuals_do_not_depend_on_the_others():
    # A constant that is estimated on the sample would make a small sample another world.
    small, large = (make_coupon_experiment(n, n_features=8, random_state=0) for n in (1, 50_000))
    assert small.data.shape == (1, 8)
    assert_allclose(large.expected_orders[:, 0].mean(), 0.1, rtol=0.03)
    halves = np.array_split(large.expected_response[:, 4], 2)
    assert_allclose(halves[0].mean(), halves[1].mean(), rtol=0.05)


def logit_effects(e):
    logit = np.log(e.expected_orders) - np.log1p(-e.expected_orders)
    return logit[:, 1:] - logit[:, :1]


@pytest.mark.parametrize(("order_effect", "heterogeneity"), [(0.35, 1.5), (0.2, 0.5)])
def test_effects_on_the_logit_have_the_promised_mean_and_spread(order_effect, heterogeneity):
    e = make_coupon_experiment(
        60_000, order_effect=order_effect, heterogeneity=heterogeneity, random_state=0
    )
    effect = logit_effects(e)[:, 0]
    assert_allclose(effect.mean(), order_effect, rtol=0.05)
    assert_allclose(effect.std(), order_effect * heterogeneity, rtol=0.05)


def test_without_heterogeneity_effects_are_equal_and_concave():
    effects = logit_effects(make_coupon_experiment(500, heterogeneity=0.0, random_state=0))
    assert_allclose(effects, np.broadcast_to(effects[0], effects.shape), atol=1e-9)
    steps = np.diff(np.concatenate([[0.0], effects[0]]))
    assert np.all(steps > 0)
    assert np.all(np.diff(steps) < 0)


def test_without_effects_arms_are_alike():
    e = make_coupon_experiment(500, order_effect=0.0, random_state=0)
    assert_allclose(e.expected_response, np.broadcast_to(e.expected_response[:, :1], (500, 5)))


def test_amounts_depend_on_the_arm_only_with_an_amount_effect():
    still, moved = (
        make_coupon_experiment(2000, amount_effect=effect, random_state=0) for effect in (0.0, 0.1)
    )
    basket = still.expected_response / still.expected_orders
    assert_allclose(basket, np.broadcast_to(basket[:, :1], basket.shape))
    growth = np.log(moved.expected_response / moved.expected_orders / basket)[:, 1]
    assert growth.min() >= 0
    assert growth.max() <= 0.2
    assert_allclose(growth.mean(), 0.1, rtol=0.05)
    assert_array_equal(moved.expected_orders, still.expected_orders)


def test_basket_noise_keeps_the_means():
    calm, wild = (
        make_coupon_experiment(3000, order_rate=0.5, basket_noise=sd, random_state=0)
        for sd in (0.0, 1.5)
    )
    for truth in TRUTHS:
        assert_array_equal(calm[truth], wild[truth])
    ordered = calm.target[:, 1] == 1
    assert wild.target[ordered, 0].max() > 3 * calm.target[ordered, 0].max()
    received = np.arange(3000), np.searchsorted(calm.treatments, calm.treatment)
    exact = (calm.expected_response / calm.expected_orders)[received]
    assert_allclose(calm.target[ordered, 0], exact[ordered])


def test_feature_noise_changes_the_features_only():
    clean, noisy = (
        make_coupon_experiment(20_000, feature_noise=sd, random_state=0) for sd in (0.0, 0.5)
    )
    for name in [*TRUTHS, "target", "treatment", "cost", "propensity"]:
        assert_array_equal(clean[name], noisy[name])
    noise = noisy.data - clean.data
    # Half of the standard deviation in the population: that of a sample is not exact where
    # tails are long.
    assert_allclose(noise.std(axis=0), 0.5 * clean.data.std(axis=0), rtol=0.08)


def test_features_are_correlated_skewed_and_partly_irrelevant():
    e = make_coupon_experiment(20_000, random_state=0)
    skewness = (((e.data - e.data.mean(axis=0)) / e.data.std(axis=0)) ** 3).mean(axis=0)
    assert np.all(skewness[:6] > 1)
    assert np.all(np.abs(skewness[6:]) < 0.2)
    correlation = np.corrcoef(np.log(e.data[:, :6]), rowvar=False)
    assert_allclose(correlation[0, 3], 0.36, atol=0.03)
    more = make_coupon_experiment(500, n_features=30, random_state=0)
    assert more.feature_names[:20] == e.feature_names


@pytest.mark.parametrize(
    ("setting", "least"),
    [({}, 1.4), ({"order_rate": 0.01}, 1.6), ({"cost_type": "basket_share"}, 1.5)],
)
def test_targeting_pays(setting, least):
    e = make_coupon_experiment(20_000, random_state=0, **setting)
    response, cost = e.expected_response.mean(axis=0), e.expected_cost.mean(axis=0)
    best = oracle_budget_curve(cost[1:3], e.expected_response, e.expected_cost)
    ratio = (best - response[0]) / (response[1:3] - response[0])
    assert ratio.min() > least
    assert ratio.max() < 4


def test_frames():
    pd = pytest.importorskip("pandas")
    arrays = make_coupon_experiment(50, random_state=0)
    frames = make_coupon_experiment(50, random_state=0, as_frame=True)
    assert isinstance(frames.data, pd.DataFrame)
    assert isinstance(frames.cost, pd.Series)
    assert list(frames.data.columns) == arrays.feature_names
    assert list(frames.target.columns) == ["gmv", "orders"]
    assert (frames.treatment.name, frames.cost.name) == ("treatment", "cost")
    for name in ROW_ARRAYS:
        assert_array_equal(np.asarray(frames[name]), arrays[name])


def test_frames_without_pandas(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r'as_frame=True requires pandas.*"sklearn-hrc\[data\]"'):
        make_coupon_experiment(5, as_frame=True)
    make_coupon_experiment(5)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"n_samples": 0}, "n_samples"),
        ({"n_treatments": 1}, "n_treatments"),
        ({"n_features": 7}, "n_features"),
        ({"order_rate": 1.0}, "order_rate"),
        ({"heterogeneity": -1}, "heterogeneity"),
        ({"basket_noise": np.inf}, "basket_noise"),
        ({"amount_effect": np.nan}, "amount_effect"),
        ({"cost_type": "free"}, "cost_type"),
        ({"treatment_shares": [0.5, 0.5]}, "one share for each of the 5 treatments"),
        ({"treatment_shares": [0.5, 0.5, 0, 0, 0]}, "treatment_shares must be positive"),
        ({"treatment_shares": [0.3] * 5}, "sum to 1"),
    ],
)
def test_parameters_are_checked(setting, message):
    with pytest.raises(ValueError, match=message):
        make_coupon_experiment(**setting)


# The oracle


def random_programme(seed, n_samples, n_treatments, *, ties=False):
    rng = np.random.default_rng(seed)
    response = rng.normal(size=(n_samples, n_treatments))
    cost = rng.exponential(size=(n_samples, n_treatments)) - 0.3
    return (response.round(0), cost.round(0)) if ties else (response, cost)


def linear_programme_value(budget, response, cost):
    n_samples, n_treatments = response.shape
    one_arm = np.kron(np.eye(n_samples), np.ones(n_treatments))
    solution = linprog(
        -response.ravel() / n_samples,
        A_ub=cost.reshape(1, -1) / n_samples,
        b_ub=[budget],
        A_eq=one_arm,
        b_eq=np.ones(n_samples),
    )
    return -solution.fun


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_curve_is_the_linear_programme(seed, ties):
    response, cost = random_programme(seed, 12, 5, ties=ties)
    lowest, highest = cost.min(axis=1).mean(), cost.max(axis=1).mean()
    budgets = np.linspace(lowest + 1e-9, highest + 0.5, 9)
    expected = [linear_programme_value(budget, response, cost) for budget in budgets]
    assert_allclose(oracle_budget_curve(budgets, response, cost), expected, atol=1e-7)


def test_no_assignment_beats_the_curve_and_corners_are_assignments():
    response, cost = random_programme(0, 5, 3)
    values = [
        oracle_policy_value(arms, response, cost) for arms in itertools.product(range(3), repeat=5)
    ]
    spent, reached = np.array([(value.cost, value.response) for value in values]).T
    curve = oracle_budget_curve(spent, response, cost)
    assert np.all(reached <= curve + 1e-12)
    assert np.isclose(reached, curve).sum() >= 3
    best_of_all = response.max(axis=1).mean()
    assert_allclose(oracle_budget_curve(spent.max(), response, cost), best_of_all)


def test_curve_is_concave_monotone_and_keeps_the_shape_of_budgets():
    e = make_coupon_experiment(2000, random_state=0)
    curve = oracle_budget_curve(np.linspace(0, 6, 200), e.expected_response, e.expected_cost)
    steps = np.diff(curve)
    assert np.all(steps >= -1e-12)
    assert np.all(np.diff(steps) <= 1e-9)
    grid = oracle_budget_curve(np.ones((2, 3)), e.expected_response, e.expected_cost)
    assert grid.shape == (2, 3)
    assert oracle_budget_curve(1.0, e.expected_response, e.expected_cost) == grid[0, 0]


def test_curve_starts_at_the_best_of_the_cheapest_arms():
    response, cost = np.array([[1.0, 2.0, 0.0]]), np.array([[0.5, 0.5, 0.5]])
    assert oracle_budget_curve(0.5, response, cost) == 2.0
    # The mean cost of the cheapest arms, in whatever order it was summed, is a legal budget.
    response, cost = random_programme(1, 1001, 4)
    oracle_budget_curve(sum(cost.min(axis=1)) / 1001, response, cost)


@pytest.mark.parametrize("budget", [-0.01, np.nan, -np.inf])
def test_budgets_that_nothing_meets(budget):
    with pytest.raises(ValueError, match=r"budgets is expected to be at least 0, .*cheapest arms"):
        oracle_budget_curve([1.0, budget], [[1.0, 2.0]], [[0.0, 1.0]])


def test_policy_value_by_hand():
    response = [[1.0, 2.0, 4.0], [3.0, 5.0, 5.0]]
    cost = [[0.0, 1.0, 3.0], [0.0, 2.0, 4.0]]
    value = oracle_policy_value([2, 1], response, cost)
    assert (value.response, value.cost) == (4.5, 2.5)
    assert value == oracle_policy_value([20, 10], response, cost, treatments=[0, 10, 20])
    names = ["none", "small", "large"]
    assert value == oracle_policy_value(["large", "small"], response, cost, treatments=names)


@pytest.mark.parametrize(
    ("arms", "treatments", "message"),
    [
        ([0, 3], None, "arms holds 3"),
        ([0, -1], None, "arms holds -1"),
        ([0, 7], [0, 5], "arms holds 7"),
        ([0, 5], [0, 5, 10], "treatments must name the 2 columns"),
        ([0], None, "inconsistent numbers of samples"),
    ],
)
def test_policy_value_errors(arms, treatments, message):
    truth = [[1.0, 2.0], [3.0, 4.0]]
    with pytest.raises(ValueError, match=message):
        oracle_policy_value(arms, truth, truth, treatments=treatments)


def test_expectations_of_different_shapes():
    with pytest.raises(ValueError, match="must have the same shape"):
        oracle_budget_curve([1.0], [[1.0, 2.0]], [[1.0]])


# The readers

READERS = {"hillstrom.csv": load_hillstrom, "thornton_hiv.csv": load_thornton_hiv}
HEADERS = {
    "hillstrom.csv": "recency,history_segment,history,mens,womens,zip_code,newbie,channel,"
    "segment,visit,conversion,spend",
    "thornton_hiv.csv": "rownames,villnum,got,distvct,tinc,any,age,hiv2004",
}
readers = pytest.mark.parametrize(("file_name", "load"), READERS.items())


@pytest.fixture
def no_package(monkeypatch):
    """As if causaldata, from which Thornton's table may come, were not installed."""
    monkeypatch.setitem(sys.modules, "causaldata", None)


@readers
def test_missing_file(file_name, load, tmp_path, monkeypatch, no_package):
    pytest.importorskip("pandas")
    other_way = {
        "hillstrom.csv": "call fetch_hillstrom",
        "thornton_hiv.csv": r'install .* causaldata.* pip install "sklearn-hrc\[data\]"',
    }[file_name]
    sentence = f"environment variable SKLEARN_HRC_DATA, or {other_way}.*; .* no stated licence"
    with pytest.raises(FileNotFoundError, match=f"{file_name} was not found in .*{tmp_path.name}"):
        load(tmp_path)
    monkeypatch.setenv("SKLEARN_HRC_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match=f"{file_name} .*nowhere.*{sentence}"):
        load()
    monkeypatch.delenv("SKLEARN_HRC_DATA")
    with pytest.raises(FileNotFoundError, match=f"any folder, as none was named: .*{sentence}"):
        load()


@readers
def test_other_content_is_refused(file_name, load, tmp_path, monkeypatch):
    pytest.importorskip("pandas")
    path = tmp_path / file_name
    path.write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="is expected to have the columns"):
        load(path)
    header = HEADERS[file_name]
    path.write_text(header + "\n" + ",".join("0" for _ in header.split(",")) + "\n")
    monkeypatch.setenv("SKLEARN_HRC_DATA", str(tmp_path))
    with pytest.raises(ValueError, match="rows, got 1"):
        load()


@readers
def test_other_sums_are_refused(file_name, load, tmp_path):
    pytest.importorskip("pandas")
    n_rows = {"hillstrom.csv": 64_000, "thornton_hiv.csv": 4_820}[file_name]
    header = HEADERS[file_name]
    row = ",".join("0" for _ in header.split(","))
    rows = [row] * n_rows
    (tmp_path / file_name).write_text("\n".join([header, *rows[1:], row[:-1]]) + "\n")
    with pytest.raises(ValueError, match="empty entries, got 1"):
        load(tmp_path)
    if file_name == "thornton_hiv.csv":
        rows[:4079] = ["0,,,0,0,0,0,0"] * 4079
    (tmp_path / file_name).write_text("\n".join([header, *rows]) + "\n")
    with pytest.raises(ValueError, match="The sum of column"):
        load(tmp_path)


@readers
def test_readers_without_pandas(file_name, load, tmp_path, monkeypatch):
    (tmp_path / file_name).touch()
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=rf'{load.__name__} requires .*"sklearn-hrc\[data\]"'):
        load(tmp_path)


@pytest.mark.parametrize("target", ["revenue", ["spend", "revenue"], []])
def test_unknown_targets(target):
    with pytest.raises(ValueError, match="target must be chosen from"):
        load_hillstrom(target=target)


@real_data
def test_hillstrom():
    e = load_hillstrom(mail_price=0.5)
    assert e.data.shape == (64_000, 11)
    assert not any(name.startswith("history_segment") for name in e.data.columns)
    assert set(e.data.dtypes) == {np.dtype(np.float64)}
    assert list(e.target.columns) == ["spend", "visit", "conversion"]
    assert_allclose(e.target.sum(), [67_258.13, 9394, 578])
    assert_array_equal(e.treatments, ["Mens E-Mail", "No E-Mail", "Womens E-Mail"])
    assert e.treatment.value_counts().to_dict() == {
        "Womens E-Mail": 21_387,
        "Mens E-Mail": 21_307,
        "No E-Mail": 21_306,
    }
    assert e.control == "No E-Mail"
    assert_array_equal(e.cost, np.where(e.treatment == e.control, 0.0, 0.5))
    assert_allclose(e.propensity, 1 / 3)
    assert "MineThatData" in e.DESCR


@real_data
def test_hillstrom_targets_and_arrays():
    visit = load_hillstrom(target="visit")
    assert visit.target.name == "visit"
    assert visit.target_names == ["visit"]
    arrays = load_hillstrom(target=["conversion", "visit"], as_frame=False)
    assert arrays.target.shape == (64_000, 2)
    assert type(arrays.data) is type(arrays.cost) is np.ndarray
    assert_array_equal(np.unique(arrays.treatment), arrays.treatments)
    assert arrays.treatment.dtype.kind == "U"


FEW = {  # the second person drew no voucher that is known, and is left out
    "villnum": [1.0, 2.0, 101.0, 101.0, np.nan, 7.0],
    "got": [1.0, 1.0, 0.0, 1.0, 1.0, 0.0],
    "distvct": [2.0, 2.0, 4.0, 1.0, 0.0, 3.0],
    "tinc": [0.5, np.nan, 0.0, 1.0, 2.0, 3.0],
    "any": [1.0, np.nan, 0.0, 1.0, 1.0, 1.0],
    "age": [20.0, 30.0, 40.0, np.nan, 30.0, 50.0],
    "hiv2004": [0.0, 1.0, 1.0, -1.0, 0.0, 0.0],
}


@pytest.fixture
def small_package(monkeypatch):
    """A causaldata whose table of six rows is taken for the published one."""
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(FEW).astype({"distvct": np.float32, "tinc": np.float32})
    dataset = SimpleNamespace(load_pandas=lambda: SimpleNamespace(data=frame))
    monkeypatch.setitem(sys.modules, "causaldata", SimpleNamespace(thornton_hiv=dataset))
    table = _thornton._PACKAGED_TABLE._replace(n_rows=6, n_missing=4, sums={"got": 4, "tinc": 6.5})
    monkeypatch.setattr(_thornton, "_PACKAGED_TABLE", table)
    monkeypatch.delenv("SKLEARN_HRC_DATA", raising=False)
    return frame


def test_table_of_the_package(small_package, monkeypatch, tmp_path):
    monkeypatch.setenv("SKLEARN_HRC_DATA", str(tmp_path))  # a folder without the file
    e = load_thornton_hiv()
    assert set(e.data.dtypes) == {np.dtype(np.float64)}
    assert e.cost.dtype == np.float64
    assert_array_equal(e.treatments, [0, 0.5, 1, 2, 3])
    assert e.control == 0
    assert_array_equal(e.treatment, [0.5, 0, 1, 2, 3])
    assert_array_equal(e.cost, [0.5, 0, 1, 2, 0])
    assert_array_equal(e.groups, [1, 101, 101, -1, 7])
    assert_array_equal(e.data["age"], [20, 40, 35, 30, 50])
    assert_array_equal(e.data["distance"], [2, 4, 1, 2.5, 3])
    assert_array_equal(e.data["second_lottery"], [0, 1, 1, 0, 0])
    assert_allclose(e.propensity, [1 / 3, 1 / 2, 1 / 2, 1 / 3, 1 / 3])


def test_a_file_goes_before_the_package(small_package, tmp_path, monkeypatch):
    (tmp_path / "thornton_hiv.csv").write_text("a,b\n1,2\n")
    monkeypatch.setenv("SKLEARN_HRC_DATA", str(tmp_path))
    with pytest.raises(ValueError, match="thornton_hiv.csv is expected to have the columns"):
        load_thornton_hiv()
    with pytest.raises(FileNotFoundError, match="nowhere"):  # a path is a path
        load_thornton_hiv(tmp_path / "nowhere")


def test_other_content_of_the_package_is_refused(small_package):
    small_package["tinc"] += 0.25
    with pytest.raises(ValueError, match="column tinc in .* package causaldata is expected to be"):
        load_thornton_hiv()


@pytest.fixture(params=["file", "package"])
def thornton(request, monkeypatch):
    """The real table, from both places."""
    if request.param == "package":
        pytest.importorskip("causaldata", reason="REAL DATA NOT TESTED: no causaldata")
        monkeypatch.delenv("SKLEARN_HRC_DATA", raising=False)
    elif not os.environ.get("SKLEARN_HRC_DATA"):
        pytest.skip("REAL DATA NOT TESTED: SKLEARN_HRC_DATA names no folder")
    return load_thornton_hiv()


def test_thornton(thornton):
    e = thornton
    assert e.data.shape == (2834, 5)
    assert np.isfinite(e.data.to_numpy()).all()
    assert set(e.data.dtypes) == {np.dtype(np.float64)}
    assert e.data["distance"].min() > 0
    assert_array_equal(e.data[["hiv_positive", "hiv_indeterminate"]].sum(), [177, 13])
    assert_allclose(e.target["got"].sum(), 1956)
    assert_allclose(e.treatments, [0, 0.32, 0.90, 1.70, 2.59])
    assert_array_equal(np.unique(e.treatment), e.treatments)
    assert_allclose(e.cost.sum(), 2373.550543487072)
    assert e.cost[e.target["got"] == 0].max() == 0.0
    shares = e.target["got"].groupby(e.treatment).mean()
    assert_allclose(shares, [0.339, 0.673, 0.772, 0.863, 0.852], atol=1e-3)
    assert len(e.groups) == 2834
    assert (e.groups == -1).sum() == 4


def test_thornton_propensities_are_shares_within_a_lottery(thornton):
    e = thornton
    second = e.data["second_lottery"] == 1
    assert second.sum() == 992
    for lottery in (second, ~second):
        weights = [(1 / e.propensity[lottery & (e.treatment == arm)]).sum() for arm in e.treatments]
        assert_allclose(weights, lottery.sum())
    assert_allclose(e.propensity[second & (e.treatment == 0)], 0.367, atol=1e-3)


# The page on the data sets


def test_figures_of_the_page(tmp_path, monkeypatch, capsys):
    page = Path(__file__).resolve().parents[2] / "docs" / "datasets.md"
    folder = Path(os.environ.get("SKLEARN_HRC_DATA", ""))
    real_file, gifts = folder / "hillstrom.csv", folder / "charitable.rda"
    if not (page.is_file() and real_file.is_file() and gifts.is_file()):
        pytest.skip("REAL DATA NOT TESTED: no hillstrom.csv, no charitable.rda, or no page")
    pytest.importorskip("rdata")
    (tmp_path / "sklearn_hrc").mkdir()
    shutil.copy(real_file, tmp_path / "sklearn_hrc")
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path))
    blocks = re.findall(r"^```(\w*)\n(.*?)^```", page.read_text(), re.M | re.S)
    names = {}
    for (language, block), (_, printed) in itertools.pairwise([*blocks, ("", "")]):
        if language == "python":
            exec(block, names)
            output = capsys.readouterr().out
            assert not output or output.split() == printed.split()
    assert len(blocks) == 11
