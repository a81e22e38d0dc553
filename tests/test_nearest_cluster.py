"""The nearest centre, as k-means finds it."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.cluster import KMeans

from sklearn_hrc._columns import Columns
from sklearn_hrc._nearest_cluster import Clustering, cluster_of


def nearest_centre(rows, centres):
    """Return the cluster of rows that are a hidden representation alone."""
    columns = Columns(rows.shape[1])
    return cluster_of(rows, Clustering("euclidean", columns, None, None, None, None, centres))


def test_nearest_by_hand_and_the_first_of_several():
    centres = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 2.0]])
    rows = np.array([[1.0, 0.9], [3.0, 0.5], [2.0, 0.0], [0.0, 1.0], [2.0, 2.0]])
    assert nearest_centre(rows, centres).tolist() == [0, 1, 0, 0, 2]


def test_no_rows():
    assert nearest_centre(np.empty((0, 2)), np.ones((3, 2))).shape == (0,)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nearest_is_that_of_k_means_also_in_the_middle(dtype):
    rng = np.random.default_rng(0)
    rows = (rng.normal(size=(3_000, 6)) + 50).astype(dtype)
    kmeans = KMeans(12, n_init=1, max_iter=3, random_state=0).fit(rows)
    centres = kmeans.cluster_centers_
    pairs = rng.integers(0, 12, (2, 3_000))
    middle = ((centres[pairs[0]] + centres[pairs[1]]) / 2).astype(dtype)
    assert_array_equal(nearest_centre(rows, centres), kmeans.predict(rows))
    # a library of another build may round one or two of these otherwise
    found = nearest_centre(middle, centres) != kmeans.predict(middle)
    assert found.sum() <= 30
