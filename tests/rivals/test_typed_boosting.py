"""Boosted trees by the type of the outcome."""

import numpy as np
import pytest

from sklearn_hrc.rivals import TypedBoostingRegressor

X = np.repeat([[0.0], [1.0]], 200, axis=0)


@pytest.mark.parametrize(
    ("y", "has_occurrence", "has_amount"),
    [
        (np.tile([0.0, 1.0], 200), True, False),
        (np.tile([0.0, 0.0, 3.0, 5.0], 100), True, True),
        (np.tile([-1.0, 2.0], 200), False, True),
        (np.tile([1.0, 2.0], 200), False, True),
        (np.zeros(400), False, True),
        (np.eye(400)[0], False, True),
    ],
    ids=["chance", "amount", "both signs", "no zeros", "zeros", "hardly ever"],
)
def test_parts_of_each_type(y, has_occurrence, has_amount):
    model = TypedBoostingRegressor(max_iter=2, random_state=0).fit(X, y)
    assert (model.occurrence_ is not None, model.amount_ is not None) == (
        has_occurrence,
        has_amount,
    )
    # Within each value of the feature the outcome is spread evenly, but for the last case.
    np.testing.assert_allclose(model.predict([[0.0], [1.0]]), y.mean(), atol=1e-3)


def test_amounts_are_chance_times_mean():
    y = np.r_[np.tile([0.0, 2.0], 100), np.tile([0.0, 0.0, 0.0, 8.0], 50)]
    model = TypedBoostingRegressor(random_state=0).fit(X, y)
    np.testing.assert_allclose(model.predict([[0.0], [1.0]]), [1.0, 2.0], rtol=1e-3)


def test_weights_move_the_mean():
    y = np.tile([0.0, 0.0, 4.0, 8.0], 100)
    weight = np.tile([1.0, 1.0, 3.0, 1.0], 100)
    model = TypedBoostingRegressor(random_state=0).fit(X, y, weight)
    np.testing.assert_allclose(model.predict([[0.0]]), [20 / 6], rtol=1e-3)
