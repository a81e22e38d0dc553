"""Rows and policies that measures refuse, and what they say of them."""

import numpy as np
import pytest
from helpers.evaluation_cases import four_rows

from sklearn_hrc.exceptions import OverlapWarning
from sklearn_hrc.metrics import budget_curve, compare_policies, policy_value


@pytest.fixture
def rows():
    """Four rows whose policy matches in the first and the last two."""
    rows = four_rows()
    del rows["method"], rows["outcomes"]
    return rows


WRONG_VALUES = [
    ({"arms": ["b", "c", "a", "a"]}, r"^arms is expected to hold labels of .* got \['c'\]"),
    ({"arms": ["a", "b", "b", "b"]}, r"^arms is expected to agree with treatment in some rows"),
    ({"arms": [["a", "b"]] * 4}, r"^arms is expected to be one-dimensional"),
    ({"arms": {"a", "b"}}, r"^arms is expected to be an array with an entry for each row, got a"),
    ({"arms": [], "y": [], "treatment": []}, r"^y is expected to have at least one row, got none"),
    ({"arms": ["a", None, "b", "b"]}, r"^arms is expected to have a label in every row"),
    (
        {"arms": np.array(["a", 1.5, "b", "b"], dtype=object)},
        r"^arms is expected to hold labels of one sortable type, got float, str",
    ),
    ({"y": [1.0, 2.0]}, r"^y is expected to have one entry"),
    ({"y": [1.0, 2.0, np.nan, 3.0]}, r"y is expected to be finite"),
    ({"y": list("abcd")}, r"^y is expected to be numeric"),
    ({"treatment": ["a", "b"]}, r"^treatment is expected to have one entry"),
    ({"treatment": ["a"] * 4}, r"^treatment is expected to have at least two"),
    ({"cost": [0.0, np.inf, 0.0, 0.0]}, r"cost is expected to be finite"),
    ({"cost": [[0.0, 1.0]] * 4}, r"^cost is expected to be one-dimensional"),
    ({"propensity": [0.5, 0.5, 0.0, 0.5]}, r"^propensity is expected to be in \(0, 1\]"),
    ({"propensity": [0.5, 0.5, 1.1, 0.5]}, r"^propensity is expected to be in \(0, 1\]"),
    ({"propensity": [5e-324] * 4}, r"propensity is expected to have .* (large|overflow)"),
    ({"y": [1e307] * 4}, r"^y is expected to have a finite sum"),
    ({"cost": [1e307] * 4}, r"^cost is expected to have a finite sum"),
    ({"sample_weight": [1e308] * 4}, r"^sample_weight is expected to have a finite sum"),
    ({"sample_weight": [1, 1, -1, 1]}, r"^sample_weight is expected to be non-negative"),
    ({"sample_weight": [0, 0, 0, 0]}, r"^sample_weight is expected to have a positive total"),
    ({"method": "ipw"}, r"^The 'method' parameter of policy_value must be"),
    ({"arms": 3}, r"^The 'arms' parameter of policy_value must be"),
    ({"y": None}, r"^The 'y' parameter of policy_value must be"),
]


@pytest.mark.parametrize(("change", "message"), WRONG_VALUES)
def test_bad_input_of_policy_value(change, message, rows):
    with pytest.raises(ValueError, match=message) as caught:
        policy_value(**{**rows, **change})
    assert "np." not in str(caught.value)


WRONG_CURVES = [
    ({"arms": ["a", "b", "a", "b"]}, r"^arms is expected to have the shape \(n_budgets"),
    ({"arms": np.empty((0, 4), dtype=str)}, r"^arms is expected to have the shape .* \(0, 4\)"),
    ({"arms": [["a", "b", "a"]]}, r"^arms is expected to have one entry"),
    ({"arms": [["a", "b", "a", "z"]]}, r"^arms is expected to hold labels of .* got \['z'\]"),
    ({"arms": [["a", "b", "b", "b"]]}, r"^arms is expected to agree with treatment"),
    ({"y": [[1.0, 2.0]] * 4}, r"^y is expected to have one column, got 2"),
    ({"control": "z"}, r"^control is expected to be one of .*\['a', 'b'\], got 'z'"),
    ({"control": None}, r"^control is expected to be one of .* got None"),
    ({"control": 0}, r"^control is expected to be one of .* got 0"),
    ({"cost": None}, r"^cost is expected to be given, .* or arm_cost, .* got neither"),
    ({"y": {1.0, 2.0}}, r"^y is expected to be an array with an entry for each row, got a set"),
]


@pytest.mark.parametrize(("change", "message"), WRONG_CURVES)
def test_bad_input_of_budget_curve(change, message, rows):
    rows["arms"] = [rows["arms"]]
    with pytest.raises(ValueError, match=message):
        budget_curve(**{"control": "a", **rows, **change})


def test_strings_are_not_taken_for_numbers():
    treatment = 5 * (np.arange(100) % 20)
    for arms, received in ((treatment.astype(str), treatment), (treatment, treatment.astype(str))):
        with pytest.raises(ValueError, match="arms is expected to hold labels of treatment"):
            policy_value(arms, np.ones(100), treatment=received)


WRONG_ESTIMATION = [
    ({"outcomes": None}, r"^method='doubly-robust' is expected with either X.* got neither"),
    ({"X": np.eye(4)}, r"^method='doubly-robust' is expected with either X.* got both"),
    ({"method": "hajek"}, r"^outcomes is expected to be None unless .* method='hajek'"),
    (
        {"method": "hajek", "outcomes": None, "X": np.eye(4)},
        r"^X is expected to be None unless method is 'doubly-robust'",
    ),
    ({"outcomes": np.zeros((4, 2))}, r"^outcomes is expected .* \(4, 2, 2\), got \(4, 2\)"),
    ({"outcomes": np.zeros((3, 2, 2))}, r"^outcomes is expected .* got \(3, 2, 2\)"),
    ({"outcomes": np.full((4, 2, 2), np.nan)}, r"^outcomes is expected to be finite"),
    ({"outcomes": None, "X": np.eye(3)}, r"^X is expected to have one row .* 4 rows, got 3"),
    (
        {"outcomes": None, "X": np.eye(4), "sample_weight": [0, 1, 1, 1]},
        r"^treatment is expected to have at least two rows of positive .*, got 0 of 'b'\.$",
    ),
    ({"groups": [1, 2, 3]}, r"^groups is expected to have one entry"),
    ({"groups": [1, 1, 1, 1]}, r"^groups is expected to have at least two different"),
    ({"groups": [1, np.nan, 2, 2]}, r"^groups is expected to have a label in every row"),
    ({"interval": "exact"}, r"^The 'interval' parameter of policy_value must be"),
    ({"confidence": 1.0}, r"^The 'confidence' parameter of policy_value must be"),
    ({"n_resamples": 1}, r"^The 'n_resamples' parameter of policy_value must be"),
]


@pytest.mark.parametrize(("change", "message"), WRONG_ESTIMATION)
def test_bad_input_of_the_estimation(change, message):
    with pytest.raises(ValueError, match=message) as caught:
        policy_value(**{**four_rows(), **change})
    assert "np." not in str(caught.value)


def test_arm_that_nobody_received_is_named():
    arms, treatment = ["a", "a", "a", "a", "b", "b"], ["a", "a", "b", "b", "a", "a"]
    message = r"^arms gives \['b'\] to 0\.33 of the rows, and none of these received it"
    with pytest.warns(OverlapWarning, match=message):
        policy_value(arms, [1.0, 1, 9, 9, 1, 1], treatment=treatment)
    with pytest.warns(OverlapWarning, match="^other_arms gives"):
        compare_policies(["a"] * 6, arms, np.arange(6.0), treatment=treatment)
