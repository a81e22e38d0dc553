"""Rows with one response and one cost, by hand."""

import numpy as np

from sklearn_hrc._experiment import check_experiment
from sklearn_hrc.rivals._rows import experiment_rows, observed_totals

Y = np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0], [4.0, 40.0]])
TREATMENT = [0, 1, 1, 1]


def make_rows(objective=(1.0, 0.5), arm_cost=None, **given):
    experiment = check_experiment(
        Y,
        treatment=TREATMENT,
        cost=[0.0, 1.0, 1.0, 2.0],
        propensity=given.get("propensity"),
        sample_weight=given.get("sample_weight"),
        n_samples=4,
    )
    return experiment_rows(np.zeros((4, 1)), experiment, np.array(objective), arm_cost, 0)


def test_response_is_the_weighted_sum_of_outcomes():
    rows = make_rows()
    assert rows.response.tolist() == [6.0, 12.0, 18.0, 24.0]
    assert rows.n_arms == 2


def test_what_an_arm_always_gives_is_known():
    np.testing.assert_array_equal(make_rows().constants, [[6.0, np.nan], [0.0, np.nan]])


def test_a_response_that_is_the_same_by_chance_is_not_known():
    # Three buyers of ten elsewhere: two rows without one say little, thirteen say it.
    buys = np.repeat([0.0, 1.0], [7, 3])
    for n_rows, known in ((2, np.nan), (13, 0.0)):
        y, treatment = np.append(buys, np.zeros(n_rows)), np.repeat([0, 1], [10, n_rows])
        cost = np.append(buys, np.zeros(n_rows))
        given = {"treatment": treatment, "cost": cost, "propensity": None, "sample_weight": None}
        experiment = check_experiment(y, **given, n_samples=len(y))
        rows = experiment_rows(np.zeros((len(y), 1)), experiment, np.array([1.0]), None, 0)
        np.testing.assert_array_equal(rows.constants, [[np.nan, known], [np.nan, 0.0]])


def test_prices_take_the_place_of_costs():
    rows = make_rows(arm_cost=np.array([0.0, 1.5]))
    assert rows.cost.tolist() == [0.0, 1.5, 1.5, 1.5]
    assert rows.constants[1].tolist() == [0.0, 1.5]


def test_rows_of_an_arm_stand_for_all_rows():
    assert make_rows().inverse.tolist() == [4.0, 4 / 3, 4 / 3, 4 / 3]
    rows = make_rows(propensity=[0.5, 0.25, 0.5, 0.5])
    np.testing.assert_allclose(rows.inverse, [4.0, 2.0, 1.0, 1.0])


def test_rows_of_weight_zero_count_for_nothing():
    rows = make_rows(sample_weight=[1, 1, 1, 0])
    assert rows.inverse[3] == 0
    assert rows.constants[1].tolist() == [0.0, 1.0]
    np.testing.assert_allclose(rows.weight, [4 / 3, 4 / 3, 4 / 3, 0])


def test_observed_totals_add_up_to_the_mean_of_an_arm():
    rows = make_rows()
    totals = observed_totals(rows.response, rows)
    assert totals[:, 0].tolist() == [24.0, 0.0, 0.0, 0.0]
    np.testing.assert_allclose(totals.sum(axis=0) / 4, [6.0, 18.0])
