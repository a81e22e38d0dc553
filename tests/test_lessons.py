"""Lessons hold the rows that count, and made rows are as many as is said."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_matrix
from sklearn.preprocessing import StandardScaler

from sklearn_hrc import HiddenClusterer
from sklearn_hrc._lessons import (
    further_lessons,
    join_lessons,
    lessons_of,
    n_rows_to_make,
    rows_to_teach,
)


@pytest.mark.parametrize(
    ("n_mixed", "n_rows", "is_default", "expected"),
    [
        (None, 100, True, 400),
        (None, 30_000, True, 10_000),
        (None, 40_001, True, 0),
        (None, 100, False, 0),
        (0, 100, True, 0),
        (7, 50_000, False, 7),
    ],
)
def test_number_of_rows_to_make(n_mixed, n_rows, is_default, expected):
    assert n_rows_to_make(n_mixed, n_rows, is_default=is_default) == expected


def test_rows_without_weight_and_clusters_without_a_cell_teach_nothing():
    X = np.array([[0.0], [1.0], [10.0], [11.0], [30.0]])
    steps = [HiddenClusterer(3, random_state=0, outcomes=False).fit(X)]
    Z = steps[0].transform(X)
    labels = np.unique(Z[:4, 0])
    weight = np.array([1.0, 0.0, 2.0, 3.0, 1.0])
    lessons = lessons_of(10 * X, Z, labels, weight, steps)
    assert_array_equal(lessons.inputs[:, 0], [0, 100, 110])
    assert_array_equal(labels[lessons.codes], Z[[0, 2, 3], 0])
    assert_array_equal(lessons.coordinates[:, 0], [0, 10, 11])
    assert_array_equal(lessons.weight, [1, 2, 3])


def test_further_rows_are_told_by_the_teacher():
    X = np.arange(20.0)[:, None]
    scaler = StandardScaler().fit(X)
    clusterer = HiddenClusterer(4, random_state=0, outcomes=False).fit(scaler.transform(X))
    new = np.array([[2.2], [18.7]])
    lessons = further_lessons(new, [scaler], [clusterer], np.arange(4.0), 0.5)
    assert_allclose(lessons.inputs, scaler.transform(new))
    assert_array_equal(lessons.codes, clusterer.predict(scaler.transform(new)))
    assert_array_equal(lessons.weight, [0.5, 0.5])
    both = join_lessons(lessons, lessons)
    assert_array_equal(both.codes, np.tile(lessons.codes, 2))
    assert join_lessons(lessons._replace(coordinates=None), lessons).coordinates is None


def test_made_rows_come_from_rows_with_weight():
    X = np.column_stack([np.arange(6.0), np.arange(6.0)])
    made = rows_to_teach(X, np.array([0, 1, 1, 0, 1, 1.0]), 500, np.random.RandomState(0))
    assert set(made.ravel()) == {1, 2, 4, 5}


def test_what_has_no_columns_is_not_mixed():
    rng = np.random.RandomState(0)
    weight = np.ones(3)
    assert rows_to_teach(np.eye(3), weight, 0, rng) is None
    assert rows_to_teach(csr_matrix(np.eye(3)), weight, 5, rng) is None
    assert rows_to_teach(["a text", "another", "a third"], weight, 5, rng) is None
