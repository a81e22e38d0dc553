"""The area under the cost curve: by hand, by a plain scan, by what it means."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_hrc.datasets import make_coupon_experiment
from sklearn_hrc.metrics import area_under_cost_curve


def scan(y, score, treated, cost, n_steps):
    """The definition, row by row."""
    ranked = sorted(range(len(y)), key=lambda i: -score[i])
    n_treated, n_control = sum(treated), len(treated) - sum(treated)
    sums = {True: [0.0, 0.0], False: [0.0, 0.0]}

    def increments():
        return [a / n_treated - b / n_control for a, b in zip(sums[True], sums[False])]

    for i in ranked:
        sums[treated[i]][0] += y[i]
        sums[treated[i]][1] += cost[i]
    total_response, total_cost = increments()
    sums, read, step = {True: [0.0, 0.0], False: [0.0, 0.0]}, [], 1
    for place, i in enumerate(ranked):
        sums[treated[i]][0] += y[i]
        sums[treated[i]][1] += cost[i]
        response, spend = increments()
        last = place == len(ranked) - 1
        if last or (step < n_steps and spend >= step * total_cost / n_steps):
            read.append(response)
            step += 1
    return sum(read) / (total_response * (n_steps + 1))


def test_by_hand():
    # Increments after each row: 4/2, 4/2 - 0, 4/2 + 2/2, 3; cost 1/2, 1/2, 1, 1.
    rows = {"treatment": [1, 0, 1, 0], "cost": [1.0, 0.0, 1.0, 0.0], "control": 0}
    y, score = [4.0, 0.0, 2.0, 0.0], [3, 3, 1, 1]
    assert area_under_cost_curve(y, score, n_steps=2, **rows) == pytest.approx((2 + 3) / (3 * 3))
    assert area_under_cost_curve(y, score, n_steps=1, **rows) == pytest.approx(3 / (3 * 2))
    # The worse of the treated first: 1 where half is spent.
    worse = area_under_cost_curve(y, [1, 1, 3, 3], n_steps=2, **rows)
    assert worse == pytest.approx((1 + 3) / (3 * 3))


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n_steps=st.integers(1, 30))
def test_is_the_plain_scan(seed, n_steps):
    rng = np.random.default_rng(seed)
    treated = np.r_[True, False, rng.random(38) < 0.5]
    y, cost = rng.normal(size=40) + 2 * treated, rng.random(40) + 2 * treated
    score = np.round(rng.normal(size=40))  # equal scores stay in their order
    rows = {"treatment": treated, "cost": cost, "control": False, "n_steps": n_steps}
    expected = scan(y.tolist(), score.tolist(), treated.tolist(), cost.tolist(), n_steps)
    assert area_under_cost_curve(y, score, **rows) == pytest.approx(expected)
    # Only the ranking counts, and the units of response and cost do not.
    other = area_under_cost_curve(3 * y, np.exp(score), **{**rows, "cost": 7 * cost})
    assert other == pytest.approx(expected)


def test_random_rankings_have_a_half_and_the_truth_more():
    rng = np.random.default_rng(0)
    e = make_coupon_experiment(40_000, n_treatments=2, random_state=0)
    rows = {"treatment": e.treatment, "cost": e.cost, "control": 0}
    random = [area_under_cost_curve(e.target[:, 0], rng.random(40_000), **rows) for _ in range(40)]
    assert abs(np.mean(random) - 0.5) < 4 * np.std(random) / np.sqrt(40)
    gain = np.diff(e.expected_response, axis=1)[:, 0] / np.diff(e.expected_cost, axis=1)[:, 0]
    best = area_under_cost_curve(e.target[:, 0], gain, **rows)
    assert best > np.max(random)
    assert area_under_cost_curve(e.target[:, 0], -gain, **rows) < np.min(random)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"treatment": [0, 1, 2, 0]}, r"^treatment is expected to have two different labels"),
        ({"control": 5}, r"^control is expected to be one of .* got 5"),
        ({"cost": [0.0, 1.0, 0.0, 1.0]}, r"^cost is expected to be larger under the treatment"),
        ({"y": [1.0, 1.0, 1.0, 1.0]}, r"^y is expected to be larger .* increment of 0; compare"),
        ({"y": [0.0, 2.0, 1.0, 1.0]}, r"^y is expected to be larger .* increment of -1; compare"),
        ({"y": [[1.0, 2.0]] * 4}, r"^y is expected to have one column"),
        ({"return_on_spend": [1.0, np.nan, 1, 1]}, r"^return_on_spend is expected to be finite"),
        ({"return_on_spend": [1.0, 1]}, r"^return_on_spend is expected to have one entry"),
        ({"n_steps": 0}, r"^The 'n_steps' parameter of area_under_cost_curve must be"),
    ],
)
def test_bad_input(change, message):
    rows = {
        "y": [4.0, 0.0, 2.0, 0.0],
        "return_on_spend": [3, 3, 1, 1],
        "treatment": [1, 0, 1, 0],
        "cost": [1.0, 0.0, 1.0, 0.0],
        "control": 0,
    }
    with pytest.raises(ValueError, match=message):
        area_under_cost_curve(**{**rows, **change})
