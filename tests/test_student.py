"""The default student tells the highest score, as that of the nearest centre."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.dummy import DummyClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.tree import DecisionTreeClassifier

from sklearn_hrc._lessons import Lessons
from sklearn_hrc._student import coordinate_network, fit_student


def rows(n_rows=1500, n_centres=5, seed=0, dtype=np.float64):
    """Inputs, coordinates that are linear in them, and centres."""
    rng = np.random.RandomState(seed)
    inputs = rng.normal(size=(n_rows, 3)).astype(dtype)
    coordinates = inputs @ rng.normal(size=(3, 2)).astype(dtype)
    return inputs, coordinates, 1.5 * rng.normal(size=(n_centres, 2)).astype(dtype)


def nearest(coordinates, centres):
    return ((coordinates[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)


def scores_of(centres):
    return centres.T, -(centres**2).sum(axis=1) / 2


def fit(inputs, coordinates, centres, weight=None, seed=0):
    weight = np.ones(len(inputs)) if weight is None else weight
    scores = scores_of(centres)
    return coordinate_network(inputs, coordinates, weight, scores, np.random.RandomState(seed))


@pytest.fixture(scope="module")
def network():
    return fit(*rows())


def test_new_rows_get_their_nearest_centre(network):
    inputs, coordinates, centres = rows()
    same = network.predict(inputs) == nearest(coordinates, centres)
    assert same.mean() > 0.97
    # Where it errs, the two centres are nearly as near.
    distance = np.sqrt(((coordinates[:, None] - centres) ** 2).sum(axis=2))
    chosen = distance[np.arange(len(inputs)), network.predict(inputs)]
    assert (chosen - distance.min(axis=1)).max() < 0.3


def test_two_centres_have_one_output():
    inputs, coordinates, centres = rows(n_centres=2)
    network = fit(inputs, coordinates, centres)
    assert network.coefs_[-1].shape[1] == 1
    assert (network.predict(inputs) == nearest(coordinates, centres)).mean() > 0.97


def test_unit_origin_and_idle_directions_make_no_difference(network):
    inputs, coordinates, centres = rows()
    noise = np.random.RandomState(1).normal(size=(len(inputs), 4))
    moved = np.column_stack([100 + 7 * coordinates, 1000 * noise])
    moved_centres = np.column_stack([100 + 7 * centres, np.full((len(centres), 4), 3.0)])
    other = fit(inputs, moved, moved_centres)
    # Axes may be turned, so it is not the same network.
    assert (other.predict(inputs) == nearest(coordinates, centres)).mean() > 0.97
    for mine, others in zip(network.coefs_, other.coefs_):
        assert mine.shape == others.shape


def test_rows_of_large_weight_are_believed():
    inputs = np.repeat([[0.0], [1.0]], 200, axis=0)
    centres = np.array([[-1.0], [1.0]])
    told = np.where(np.arange(400) % 2, centres[1], centres[0])[:, None]  # all contradict
    told += 0.01 * inputs
    weight = np.where(np.arange(400) % 2, 20.0, 1.0)
    assert fit(inputs, told, centres, weight).predict(inputs).mean() == 1
    assert fit(inputs, told, centres, 21 - weight).predict(inputs).mean() == 0


def test_seeds_and_dtypes(network):
    assert_allclose(fit(*rows()).coefs_[0], network.coefs_[0], rtol=0)
    assert not np.allclose(fit(*rows(), seed=1).coefs_[0], network.coefs_[0])
    single = fit(*rows(dtype=np.float32))
    assert {array.dtype for array in single.coefs_ + single.intercepts_} == {np.dtype("float32")}
    assert_array_equal(network.classes_, np.arange(5))


def test_which_student_is_fitted():
    inputs, coordinates, centres = rows(200)
    codes = nearest(coordinates, centres)
    lessons = Lessons(inputs, codes, coordinates, np.ones(200))
    rng = np.random.RandomState(0)
    assert fit_student(None, lessons, scores_of(centres), rng).hidden_layer_sizes == (128, 64)
    by_label = fit_student(None, lessons._replace(coordinates=None), None, rng)
    assert isinstance(by_label, MLPClassifier)
    assert (by_label.predict(inputs) == codes).mean() > 0.9
    given = DecisionTreeClassifier(random_state=0)
    tree = fit_student(given, lessons, scores_of(centres), rng)
    assert tree is not given
    assert_array_equal(tree.predict(inputs), codes)
    one = fit_student(
        None, lessons._replace(codes=np.zeros(200, dtype=int)), scores_of(centres[:1]), rng
    )
    assert isinstance(one, DummyClassifier)
