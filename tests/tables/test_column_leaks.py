"""Columns from after the treatment are found, and features are not taken for such columns."""

import numpy as np
import pytest

from sklearn_hrc.tables._column_leaks import find_leaks

ROWS = 4000
NAMES = ["sales", "coupon_cost", "coupon"]


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    arm = rng.integers(0, 3, ROWS)
    feature = rng.normal(size=ROWS)
    sales = np.exp(feature + rng.normal(size=ROWS)) * (rng.random(ROWS) < 0.2 + 0.1 * arm)
    return arm, feature, {"sales": sales}


@pytest.mark.parametrize(
    ("name", "make", "reason"),
    [
        ("code", lambda arm, sales, rng: arm * 7.0, "tells the arm in 100 %"),
        ("rebate", lambda arm, sales, rng: np.where(arm == 2, 5.0, 0.0), "tells the arm"),
        ("opened", lambda arm, sales, rng: np.where(arm > 0, 1.0, np.nan), "tells the arm"),
        ("visits", lambda arm, sales, rng: rng.poisson(3 + 0.3 * arm) * 1.0, "differs"),
        ("basket", lambda arm, sales, rng: 3 * sales, "'sales'"),
        ("items", lambda arm, sales, rng: np.ceil(sales / 3), "'sales'"),
    ],
)
def test_what_a_leak_tells(rows, name, make, reason):
    arm, feature, outcomes = rows
    values = make(arm, outcomes["sales"], np.random.default_rng(1))
    # Sales differ between the arms, too, so that what they tell is asked by itself.
    features = {name: values, "feature": feature}
    leaks = find_leaks(features, arm, outcomes, NAMES, one_draw=reason != "'sales'")
    assert list(leaks) == [name]
    assert reason in leaks[name]


@pytest.mark.parametrize(
    ("name", "is_leak"),
    [
        ("sales_total", True),
        ("couponCost", True),
        ("visits_after", True),
        ("Conversion", True),
        ("sales_last_year", False),
        ("sales_30d", False),
        ("avg_sales", False),
        ("country", False),
        ("postcode", False),
    ],
)
def test_names(rows, name, is_leak):
    arm, feature, outcomes = rows
    assert (name in find_leaks({name: feature}, arm, outcomes, NAMES)) == is_leak


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("n_rows", [30, 300])
def test_features_of_a_drawn_arm_are_no_leaks(seed, n_rows):
    rng = np.random.default_rng(seed)
    features = {
        "normal": rng.normal(size=n_rows),
        "heavy": rng.lognormal(0, 2, n_rows),
        "level": rng.integers(0, 4, n_rows) * 1.0,
        "gaps": np.where(rng.random(n_rows) < 0.3, np.nan, rng.normal(size=n_rows)),
        "rare": (rng.random(n_rows) < 0.02) * 1.0,
    }
    arm = rng.choice(3, n_rows, p=[0.9, 0.05, 0.05])
    assert find_leaks(features, arm, {"sales": rng.poisson(1, n_rows) * 1.0}, NAMES) == {}


def test_strata_with_odds_of_their_own_are_no_leaks():
    rng = np.random.default_rng(0)
    stratum = rng.integers(0, 2, ROWS)
    arm = (rng.random(ROWS) < np.where(stratum, 0.9, 0.1)).astype(int)
    given = {"stratum": stratum * 1.0}, arm, {"sales": rng.normal(size=ROWS)}, NAMES
    assert "stratum" in find_leaks(*given)
    assert find_leaks(*given, one_draw=False) == {}


def test_rows_of_a_group_count_once():
    rng = np.random.default_rng(0)
    town = np.repeat(np.arange(40), 100)
    arm, wealth = rng.integers(0, 2, 40)[town], rng.normal(size=40)[town]
    given = {"wealth": wealth}, arm, {"sales": rng.normal(size=ROWS)}, NAMES
    assert "wealth" in find_leaks(*given)
    assert find_leaks(*given, unit=town) == {}
