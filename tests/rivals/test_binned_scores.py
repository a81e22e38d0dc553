"""Bins of features, and sums up to thresholds."""

import numpy as np

from sklearn_hrc.rivals._binned_scores import bin_scores, pair_sums, single_sums


def test_thresholds_are_halfway_between_values():
    ones = np.ones((6, 1))
    X = np.array([[1.0], [4.0], [4.0], [2.0], [8.0], [8.0]])
    binned = bin_scores(X, ones, ones, 4)
    np.testing.assert_array_equal(binned.cuts[0], [1.5, 3.0, 6.0])
    np.testing.assert_array_equal(binned.codes[:, 0], [0, 2, 2, 1, 3, 3])
    # Of more values than bins, those nearest above the quantiles: half of the rows is up to 4.
    np.testing.assert_array_equal(bin_scores(X, ones, ones, 2).cuts[0], [6.0])
    many = np.arange(1000.0)[:, None]
    cuts = bin_scores(many, many, many, 4).cuts[0]
    np.testing.assert_array_equal(cuts, [249.5, 499.5, 749.5])


def test_sums_of_pairs_by_hand():
    codes = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.uint8)
    sums = pair_sums(codes, np.array([[1.0], [10.0], [100.0], [1000.0]]), 2)
    np.testing.assert_array_equal(sums[0, 0, 1], [[1, 11], [101, 1111]])
    np.testing.assert_array_equal(sums[0, 1, 0], [[1, 101], [11, 1111]])
    np.testing.assert_array_equal(sums[0, 0, 0], [[11, 11], [11, 1111]])
    np.testing.assert_array_equal(
        single_sums(codes, np.array([[1.0], [10.0], [100.0], [1000.0]]))[0],
        [[11, 1111], [101, 1111]],
    )
