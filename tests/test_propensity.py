"""Propensities: whether they can be right, and those of strata."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_hrc._propensity import check_inverse_propensity, inverse_propensity
from sklearn_hrc.exceptions import OverlapWarning
from sklearn_hrc.metrics import (
    best_mix,
    budget_curve,
    compare_policies,
    policy_overlap,
    policy_value,
    stratum_propensity,
)

SUM = r"^propensity is expected to be the probability of the arm that the row received"


def unequal(seed=0, n=5000, share=0.9):
    """An experiment that treats 90 % of the rows."""
    rng = np.random.default_rng(seed)
    treatment = (rng.random(n) < share).astype(int)
    return treatment, 1.0 + treatment + rng.normal(size=n)


# Inverse weights


def test_probability_of_treatment_for_everybody_is_a_warning():
    treatment, y = unequal()
    received = np.where(treatment == 1, 0.9, 0.1)
    rows = {"treatment": treatment, "propensity": np.full(5000, 0.9)}
    with pytest.warns(UserWarning, match=SUM + r".*, 5000, got 5\d\d\.\d+ for treatment 0; prob"):
        policy_value(treatment, y, **rows)
    with pytest.warns(UserWarning, match=SUM):
        compare_policies(treatment, 1 - treatment * 0, y, **rows)
    with pytest.warns(UserWarning, match=SUM):
        policy_overlap(treatment, **rows)
    curve = {**rows, "cost": treatment, "control": 0}
    with pytest.warns(UserWarning, match=SUM):
        budget_curve([treatment], y, **curve)
    with pytest.warns(UserWarning, match=SUM):
        best_mix([0.5], y, cv=None, **curve)
    policy_value(treatment, y, treatment=treatment, propensity=received)


@pytest.mark.parametrize("share", [0.6, 0.3, 0.1])
def test_one_share_of_three_arms_for_everybody_is_a_warning(share):
    rng = np.random.default_rng(1)
    arm = rng.choice(3, 3000, p=[0.6, 0.3, 0.1])
    with pytest.warns(UserWarning, match=SUM):
        check_inverse_propensity(arm, np.arange(3), np.full(3000, share), np.ones(3000))


def test_warning_is_issued_once():
    treatment, y = unequal()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        policy_value(treatment, y, treatment=treatment, propensity=np.full(5000, 0.9))
    assert len(caught) == 1
    assert caught[0].filename == __file__


def test_right_propensities_are_no_warning_even_where_some_are_tiny():
    rng = np.random.default_rng(2)
    for _ in range(500):
        n, n_arms = int(rng.choice([8, 30, 100, 500, 2000])), int(rng.integers(2, 5))
        chance = rng.dirichlet(np.full(n_arms, 0.7), size=3) * 0.98 + 0.02 / n_arms
        chance = chance[rng.integers(0, 3, n)]
        arm = (rng.random((n, 1)) > chance.cumsum(axis=1)[:, :-1]).sum(axis=1)
        propensity = chance[np.arange(n), arm]
        check_inverse_propensity(arm, np.arange(n_arms), propensity, rng.uniform(0, 2, n))


def test_rows_that_are_given_one_arm_for_certain_are_no_warning():
    rng = np.random.default_rng(3)
    certain = np.arange(4000) < 2000
    arm = np.where(certain, 0, rng.integers(0, 2, 4000))
    check_inverse_propensity(arm, np.arange(2), np.where(certain, 1.0, 0.5), np.ones(4000))


def test_few_groups_that_were_randomised_as_one_are_no_warning():
    arm = np.repeat([0] * 6 + [1] * 14, 500)  # 20 villages, of which 14 by chance got it
    rows = (arm, np.arange(2), np.full(10_000, 0.5), np.ones(10_000))
    with pytest.warns(UserWarning, match=SUM):
        check_inverse_propensity(*rows)
    check_inverse_propensity(*rows, np.repeat(np.arange(20), 500))


def test_rows_of_weight_zero_do_not_count():
    treatment, _ = unequal()
    propensity = np.where(treatment == 1, 0.9, 0.1)
    more = np.r_[treatment, np.zeros(5000, int)], np.arange(2), np.r_[propensity, [5e-324] * 5000]
    check_inverse_propensity(*more, np.repeat([1.0, 0.0], 5000))


def test_inverse_propensity():
    assert_array_equal(inverse_propensity(np.array([0.5, 0.0]), np.array([2.0, 0.0])), [4, 0])
    with pytest.raises(ValueError, match=r"^propensity is expected to have inverses .* overflow"):
        inverse_propensity(np.array([0.5, 5e-324]), np.ones(2))


# Strata


def test_shares_of_strata_by_hand():
    treatment, strata = ["a", "b", "a", "a", "b", "a"], [1, 1, 2, 2, 2, 2]
    assert_allclose(
        stratum_propensity(treatment, strata), [1 / 2, 1 / 2, 3 / 4, 3 / 4, 1 / 4, 3 / 4]
    )
    weight = [1, 3, 0, 0, 2, 2]
    # The last three of stratum 2 have 0, 2 and 2 of its weight of 4.
    expected = [1 / 4, 3 / 4, 2 / 4, 2 / 4, 2 / 4, 2 / 4]
    assert_allclose(stratum_propensity(treatment, strata, sample_weight=weight), expected)
    # An arm without weight in its stratum has the share of the rows.
    weight = [0, 3, 1, 1, 1, 1]
    assert stratum_propensity(treatment, strata, sample_weight=weight)[0] == 1 / 2


def test_one_stratum_has_the_shares_that_are_the_default():
    treatment, y = unequal(n=300)
    propensity = stratum_propensity(treatment, np.zeros(300))
    arms = np.ones(300, dtype=int)
    given = policy_value(arms, y, treatment=treatment, propensity=propensity)
    assert given == policy_value(arms, y, treatment=treatment)


def test_odds_that_differ_between_strata_bias_shares_of_all_rows_only():
    rng = np.random.default_rng(4)
    site = rng.integers(0, 2, 20_000)
    treatment = (rng.random(20_000) < np.where(site, 0.8, 0.2)).astype(int)
    y = 3.0 * site + treatment + rng.normal(size=20_000)  # worth 1.5 + 1 for everybody
    arms = np.ones(20_000, dtype=int)
    rows = {"arms": arms, "y": y, "treatment": treatment}
    biased = policy_value(**rows)
    value = policy_value(**rows, propensity=stratum_propensity(treatment, site))
    assert biased.response - 2.5 > 20 * biased.response_se
    assert abs(value.response - 2.5) < 4 * value.response_se


def test_arms_that_do_not_occur_in_a_stratum():
    message = r"^strata is .* 1 of 3, with 0\.2 of the rows, .* the first 'z' without 1: nothing"
    with pytest.warns(OverlapWarning, match=message):
        shares = stratum_propensity([0, 1, 0, 1, 0], list("xxyyz"))
    assert_allclose(shares, [0.5, 0.5, 0.5, 0.5, 1])
    with pytest.raises(ValueError, match=r"^strata is expected .* got 5 strata with a single"):
        stratum_propensity([0, 1, 0, 1, 0], [1, 2, 3, 4, 5])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"strata": [1, 2]}, r"^strata is expected to have one entry for each of the 4 rows"),
        ({"strata": [1, np.nan, 1, 1]}, r"^strata is expected to have a label in every row"),
        ({"treatment": [1, 1, 1, 1]}, r"^treatment is expected to have at least two different"),
        ({"sample_weight": [1, -1, 1, 1]}, r"^sample_weight is expected to be non-negative"),
        ({"strata": None}, r"^The 'strata' parameter of stratum_propensity must be"),
    ],
)
def test_bad_input_of_stratum_propensity(change, message):
    with pytest.raises(ValueError, match=message):
        stratum_propensity(**{"treatment": [0, 1, 0, 1], "strata": [0, 0, 1, 1], **change})
