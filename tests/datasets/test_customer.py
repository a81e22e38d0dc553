"""The simulated experiment with customers against its own truth, in both forms."""

import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_hrc.datasets import make_customer_experiment, oracle_budget_curve

KINDS = ["different", "segment", "grid", "margin", "nothing"]
ROW_ARRAYS = ["data", "target", "treatment", "cost", "propensity", "groups"]
TRUTHS = ["expected_response", "expected_orders", "expected_cost"]


def effects(e):
    return e.expected_response[:, 1:] - e.expected_response[:, :1]


def column(e, name):
    return e.data[:, e.feature_names.index(name)]


@pytest.mark.parametrize("kind", KINDS)
def test_shapes_types_and_names(kind):
    e = make_customer_experiment(300, kind=kind, random_state=0)
    n_treatments = {"grid": 13, "nothing": 8}.get(kind, 4)
    assert e.data.shape == (300, 29)
    assert e.target.shape == (300, 2)
    assert e.data.dtype == e.target.dtype == e.cost.dtype == np.float64
    assert e.treatment.shape == e.cost.shape == e.propensity.shape == (300,)
    assert e.treatments.shape == (n_treatments,)
    assert e.treatments[0] == "control"
    assert_array_equal(e.treatments, np.unique(e.treatments))
    assert set(e.treatment) <= set(e.treatments)
    for truth in TRUTHS:
        assert e[truth].shape == (300, n_treatments)
        assert np.isfinite(e[truth]).all()
    assert len(e.feature_names) == len(set(e.feature_names)) == 29
    assert e.target_names == ["margin" if kind == "margin" else "gmv", "orders"]
    assert_array_equal(e.groups, np.arange(300))
    assert np.isfinite(e.data).all()
    assert f":Kind: {kind}" in e.DESCR
    assert ", ".join(e.treatments) in e.DESCR


@pytest.mark.parametrize("kind", KINDS)
def test_what_outcomes_and_costs_are(kind):
    e = make_customer_experiment(5000, kind=kind, random_state=0)
    response, orders = e.target.T
    assert_array_equal(orders, orders.round())
    assert orders.min() == 0
    assert orders.max() >= 3
    assert 0.7 < (orders == 0).mean() < 0.9
    assert_array_equal(response != 0, orders > 0)
    assert e.cost.min() == 0
    assert_array_equal(e.cost[e.treatment == "control"], 0.0)
    assert_array_equal(e.expected_cost[:, 0], 0.0)
    assert e.expected_cost[:, 1:].min() > 0
    # Only a letter is paid without an order; in the last kind, all arms are of its sort.
    posted = (e.treatment != "control") if kind == "nothing" else (e.treatment == "letter")
    assert_array_equal(e.cost[posted] > 0, True)
    assert_array_equal(e.cost[(orders == 0) & ~posted], 0.0)


def test_margins_have_both_signs_and_heavy_tails():
    e = make_customer_experiment(20_000, kind="margin", random_state=0)
    margin = e.target[e.target[:, 1] > 0, 0]
    assert 0.1 < (margin < 0).mean() < 0.5
    z = (margin - margin.mean()) / margin.std()
    assert (z**4).mean() > 15
    assert (e.expected_response < 0).mean() > 0.001
    assert effects(e).min() < 0 < effects(e).max()


@pytest.mark.parametrize("household_size", [1.0, 2.5])
@pytest.mark.parametrize("kind", KINDS)
def test_means_by_arm_agree_with_the_truth(kind, household_size):
    e = make_customer_experiment(60_000, kind=kind, household_size=household_size, random_state=3)
    for observed, truth in [
        (e.target[:, 0], e.expected_response),
        (e.target[:, 1], e.expected_orders),
        (e.cost, e.expected_cost),
    ]:
        for arm, label in enumerate(e.treatments):
            got = e.treatment == label
            # Differences from each row's own truth: the draw of the rows cancels out.
            error = np.bincount(e.groups[got], observed[got] - truth[got, arm])
            bound = 5 * np.sqrt((error**2).sum()) + 1e-9
            assert abs(error.sum()) <= bound, (label, error.sum(), bound)


@pytest.mark.parametrize("kind", ["different", "margin"])
def test_truth_is_that_of_individuals(kind):
    # Rows with almost equal truths: not just overall means.
    e = make_customer_experiment(100_000, kind=kind, random_state=1)
    received = np.arange(100_000), np.searchsorted(e.treatments, e.treatment)
    for observed, truth in [
        (e.target[:, 0], e.expected_response[received]),
        (e.cost, e.expected_cost[received]),
    ]:
        for tenth in np.array_split(np.argsort(truth), 10):
            error = observed[tenth] - truth[tenth]
            assert abs(error.mean()) <= 5 * error.std() / np.sqrt(len(tenth)) + 1e-12


@pytest.mark.parametrize("raw", [False, True])
def test_one_seed_gives_one_experiment(raw):
    if raw:
        pytest.importorskip("pandas")
    first, again, other = (
        make_customer_experiment(100, household_size=2.0, raw=raw, random_state=s)
        for s in (7, 7, 8)
    )
    for name in ROW_ARRAYS + TRUTHS:
        if raw and name == "data":
            assert first.data.equals(again.data)
        else:
            assert_array_equal(np.asarray(first[name]), np.asarray(again[name]))
    assert not np.array_equal(first.expected_response, other.expected_response)


def test_kinds_share_their_customers():
    first, *others = (make_customer_experiment(100, kind=kind, random_state=0) for kind in KINDS)
    for other in others:
        assert_array_equal(first.data, other.data)


@pytest.mark.parametrize("household_size", [1.0, 3.0])
def test_both_forms_hold_the_same_customers(household_size):
    pd = pytest.importorskip("pandas")
    plain, raw = (
        make_customer_experiment(500, household_size=household_size, raw=raw, random_state=0)
        for raw in (False, True)
    )
    for name in [*ROW_ARRAYS[1:], *TRUTHS]:
        assert_array_equal(np.asarray(raw[name]), plain[name])
    assert list(raw.target.columns) == plain.target_names
    assert (raw.treatment.name, raw.cost.name) == ("treatment", "cost")
    assert list(raw.data.columns) == raw.feature_names
    assert raw.data["customer_id"].is_unique
    assert_array_equal(pd.factorize(raw.data["household_id"])[0], plain.groups)

    numbers = [name for name in raw.feature_names if name in plain.feature_names and name != "age"]
    assert len(numbers) == 12
    for name in numbers:
        assert_array_equal(raw.data[name], column(plain, name))
    missing = raw.data["age"].isna()
    assert_array_equal(missing, column(plain, "age_missing") == 1)
    assert_array_equal(raw.data["age"].fillna(raw.data["age"].median()), column(plain, "age"))
    signed_up = pd.to_datetime(raw.data["signup_date"], format="%Y-%m-%d")
    days = (pd.Timestamp("2024-06-30") - signed_up).dt.days
    assert_allclose(days / 365.25, column(plain, "tenure_years"))
    dummies = pd.get_dummies(raw.data[["plan", "country", "channel"]])
    for name in dummies:
        assert_array_equal(dummies[name], column(plain, name) == 1)


def test_features_are_like_those_of_shops():
    e = make_customer_experiment(20_000, random_state=0)
    spend, share = column(e, "spend_30d"), column(e, "discount_share")
    assert_allclose((spend == 0).mean(), 0.35, atol=0.03)
    log_spend = np.log(spend[spend > 0])
    assert 0.8 < log_spend.std() < 1.3
    assert spend.max() > 20 * spend.mean()
    assert_allclose(column(e, "age_missing").mean(), 0.1, atol=0.02)
    assert 0.4 < (share == 0).mean() < 0.8
    assert 0 <= share.min() < share.max() <= 1
    for name, least, most in [
        ("opted_out", 0.02, 0.04),
        ("complained", 0.02, 0.05),
        ("employee", 0.005, 0.015),
        ("newsletter", 0.3, 0.5),
    ]:
        assert least < column(e, name).mean() < most
    orders = column(e, "orders_12m")
    assert orders.var() > 2 * orders.mean()
    premium = column(e, "plan_premium") == 1
    assert spend[premium].mean() > 2 * spend[~premium].mean()
    settled = column(e, "tenure_years") > 1
    assert orders[settled].mean() > 1.5 * orders[~settled].mean()
    for name in ["plan", "country", "channel"]:
        levels = [k for k in e.feature_names if k.startswith(f"{name}_")]
        assert len(levels) == (6 if name == "country" else 4)
        assert_array_equal(sum(column(e, level) for level in levels), 1.0)


def test_noise_matters_for_nothing():
    e = make_customer_experiment(20_000, random_state=0)
    for name in ["noise_normal", "noise_binary", "noise_heavy"]:
        rank = np.argsort(np.argsort(column(e, name)))
        for truth in TRUTHS:
            correlation = np.corrcoef(rank, e[truth][:, -1])[0, 1]
            assert abs(correlation) <= 4 / np.sqrt(20_000)


def test_different_arms_are_best_for_some_and_harm_others():
    e = make_customer_experiment(20_000, kind="different", random_state=0)
    best = np.bincount(e.expected_response.argmax(axis=1), minlength=4) / 20_000
    assert best.min() > 0.1
    assert (effects(e) < -0.1).mean(axis=0).min() > 0.1


def test_segment_is_thin_and_where_three_features_meet():
    e = make_customer_experiment(20_000, kind="segment", random_state=0)
    ratio = np.log(e.expected_orders[:, 1:] / e.expected_orders[:, :1])
    found = ratio[:, :2].min(axis=1) > 1.2
    assert 0.02 < found.mean() < 0.06
    assert_array_equal(
        found,
        (column(e, "spend_30d") == 0)
        & (column(e, "tenure_years") > 2)
        & (column(e, "channel_friend") == 1),
    )
    assert ratio[~found].max() <= 1e-12
    assert ratio[~found].min() > -0.05
    # It pays to find them.
    gain, cost = effects(e)[found, 1], e.expected_cost[found, 2]
    assert gain.mean() > 3 * cost.mean()


def test_grid_is_concave_in_the_level_and_costs_grow():
    e = make_customer_experiment(2000, kind="grid", random_state=0)
    ratio = np.log(e.expected_orders[:, 1:] / e.expected_orders[:, :1]).reshape(2000, 3, 4)
    steps = np.diff(np.abs(ratio), axis=2, prepend=0)
    assert steps.min() >= -1e-12
    assert np.diff(steps, axis=2).max() <= 1e-12
    cost = e.expected_cost.mean(axis=0)[1:].reshape(3, 4)
    assert np.diff(cost, axis=1).min() > 0
    # Each offer moves other people.
    best = e.expected_response.argmax(axis=1)
    assert all(
        (np.arange(1, 5) + 4 * k == best[:, None]).any(axis=1).mean() > 0.1 for k in range(3)
    )


def test_nothing_is_the_same_for_everyone():
    e = make_customer_experiment(5000, kind="nothing", random_state=0)
    for effect in [effects(e), e.expected_orders[:, 1:] - e.expected_orders[:, :1]]:
        assert_allclose(effect, np.broadcast_to(effect[0], effect.shape), rtol=0, atol=1e-9)
    assert_array_equal(e.expected_cost, np.broadcast_to(e.expected_cost[0], (5000, 8)))
    assert e.expected_orders[:, 0].std() > 0.05


def single_arm_over_oracle(e, shares):
    """Gain of the best single arm, given at random, over the oracle's."""
    response, cost = e.expected_response.mean(axis=0), e.expected_cost.mean(axis=0)
    budgets = shares * cost.max()
    given = np.minimum(1.0, budgets[:, None] / cost[1:])
    single = (given * (response[1:] - response[0])).max(axis=1)
    curve = oracle_budget_curve(budgets, e.expected_response, e.expected_cost)
    return single / (curve - response[0])


@pytest.mark.parametrize("kind", KINDS)
def test_targeting_pays_unless_there_is_nothing_to_target(kind):
    e = make_customer_experiment(20_000, kind=kind, random_state=0)
    ratio = single_arm_over_oracle(e, np.array([0.1, 0.2, 0.3, 0.45, 0.6]))
    if kind == "nothing":
        # a mixture of arms at random, the same for everyone, is as good as any policy
        means = e.expected_response.mean(axis=0), e.expected_cost.mean(axis=0)
        budgets = np.linspace(0, 2, 9)
        best = oracle_budget_curve(budgets, e.expected_response, e.expected_cost)
        assert_allclose(best, oracle_budget_curve(budgets, *[mean[None] for mean in means]))
        assert ratio.min() > 0.9
    else:
        assert ratio.max() < 0.65
        assert ratio.min() > 0.1


def test_households_share_country_arm_and_outcomes():
    e = make_customer_experiment(30_000, household_size=2.5, random_state=0)
    first = np.unique(e.groups, return_index=True)[1]
    assert_array_equal(e.groups[first], np.arange(len(first)))
    assert_allclose(30_000 / len(first), 2.5, rtol=0.03)
    assert_array_equal(e.treatment, e.treatment[first][e.groups])
    assert_array_equal(e.propensity, e.propensity[first][e.groups])
    countries = [k for k in e.feature_names if k.startswith("country_")]
    for name in countries:
        assert_array_equal(column(e, name), column(e, name)[first][e.groups])

    pairs = np.flatnonzero(e.groups[1:] == e.groups[:-1])
    spend = np.log1p(column(e, "spend_30d"))
    assert 0.1 < np.corrcoef(spend[pairs], spend[pairs + 1])[0, 1] < 0.6
    received = np.arange(30_000), np.searchsorted(e.treatments, e.treatment)
    rest = e.target[:, 1] - e.expected_orders[received]
    assert np.corrcoef(rest[pairs], rest[pairs + 1])[0, 1] > 4 / np.sqrt(len(pairs))


@pytest.mark.parametrize("shares", [None, [0.7, 0.1, 0.1, 0.1]])
def test_arms_are_assigned_by_their_shares(shares):
    e = make_customer_experiment(40_000, treatment_shares=shares, random_state=1)
    expected = np.full(4, 0.25) if shares is None else np.array(shares)
    counts = np.array([(e.treatment == label).mean() for label in e.treatments])
    assert np.all(np.abs(counts - expected) <= 4 * np.sqrt(expected * (1 - expected) / 40_000))
    assert_allclose(e.propensity, expected[np.searchsorted(e.treatments, e.treatment)])
    # Assignment ignores the individuals.
    coded = np.searchsorted(e.treatments, e.treatment)
    assert abs(np.corrcoef(effects(e)[:, 0], coded)[0, 1]) <= 4 / np.sqrt(40_000)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_one_customer(kind, seed):
    e = make_customer_experiment(1, kind=kind, household_size=3.0, random_state=seed)
    assert e.data.shape == (1, 29)
    assert np.isfinite(e.data).all()


def test_individuals_do_not_depend_on_the_sample():
    # A constant that is estimated on the sample would make a small sample another world.
    e = make_customer_experiment(40_000, random_state=0)
    halves = np.array_split(e.expected_response, 2)
    assert_allclose(halves[0].mean(axis=0), halves[1].mean(axis=0), rtol=0.03)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"n_samples": 0}, "n_samples"),
        ({"kind": "other"}, "kind"),
        ({"household_size": 0.5}, "household_size"),
        ({"household_size": np.nan}, "household_size"),
        ({"raw": "yes"}, "raw"),
        ({"treatment_shares": [0.5, 0.5]}, "one share for each of the 4 treatments"),
        ({"kind": "grid", "treatment_shares": [0.25] * 4}, "each of the 13 treatments"),
        ({"treatment_shares": [0.5, 0.5, 0, 0]}, "treatment_shares must be positive"),
        ({"treatment_shares": [0.3] * 4}, "sum to 1"),
    ],
)
def test_parameters_are_checked(setting, message):
    with pytest.raises(ValueError, match=message):
        make_customer_experiment(**setting)


def test_raw_form_without_pandas(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r'raw=True requires pandas.*"sklearn-hrc\[data\]"'):
        make_customer_experiment(5, raw=True)
    make_customer_experiment(5)


def test_the_module_needs_no_pandas():
    # scikit-learn imports pandas where it is installed: hide it before the first import.
    code = (
        "import sys; sys.modules['pandas'] = None; import sklearn_hrc.datasets as d; "
        "d.make_customer_experiment(5)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
