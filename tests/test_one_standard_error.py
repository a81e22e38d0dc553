"""The rule of one standard error, by hand and inside a search."""

import pickle

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV

from sklearn_hrc.model_selection import one_standard_error


def results(values, scores):
    """What a search hands to `refit`, of scores of shape (n_candidates, n_folds)."""
    folds = {f"split{i}_test_score": fold for i, fold in enumerate(np.transpose(scores))}
    mean = {"mean_test_score": np.mean(scores, axis=1)}
    return {"param_k": np.ma.array(values, dtype=object), **mean, **folds}


@pytest.mark.parametrize(
    ("scores", "chosen"),
    [
        # Differences to the last are 1 and 1, without an error: it is better.
        ([[0, 5], [1, 6], [2, 7]], 2),
        # The middle one is worse by -1 and 3: 1 in the mean, with an error of 2.
        ([[0, 0], [3, 4], [2, 7]], 1),
        # The first one is worse by 4 and -3: 0.5 with an error of 3.5.
        ([[-2, 10], [3, 4], [2, 7]], 0),
        # A fit that failed in a fold is out.
        ([[np.nan, 10], [2, 5], [2, 7]], 1),
    ],
)
def test_smallest_within_the_error_of_the_difference(scores, chosen):
    assert one_standard_error("k")(results([2, 8, 32], scores)) == chosen


def test_order_of_the_candidates_does_not_matter():
    assert one_standard_error("k")(results([32, 8, 2], [[2, 7], [3, 4], [0, 0]])) == 1


def test_of_equal_values_the_better_one_is_taken():
    assert one_standard_error("k")(results([8, 8, 32], [[2, 3], [2, 4], [1, 5]])) == 1


def test_candidates_without_the_parameter_are_left_out():
    given = results([2, 8, 8], [[0, 0], [3, 5], [4, 6]])
    given["param_k"] = np.ma.array([2, 8, 0], mask=[False, False, True], dtype=object)
    assert one_standard_error("k")(given) == 1


def test_one_fold_has_no_error():
    assert one_standard_error("k")(results([2, 8], [[1], [2]])) == 1


def test_a_search_refits_the_choice():
    X = np.arange(40.0)[:, None]
    refit = pickle.loads(pickle.dumps(one_standard_error("alpha")))
    search = GridSearchCV(Ridge(), {"alpha": [1e-3, 1e-2, 1e6]}, refit=refit, cv=4)
    search.fit(X, X[:, 0] + np.sin(X[:, 0]))
    assert search.best_params_ == {"alpha": 1e-3}
    assert search.best_estimator_.alpha == 1e-3


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"param_j": [1]}, r"one of \['j'\], got 'k'"),
        ({"param_k": [1]}, "scores of a search with one metric, got results without split0"),
        (
            {**results(["few", 8], [[1, 1], [1, 1]])},
            r"numbers in the grid, got \['few', 8\] for 'k'",
        ),
        (results([2, 8], [[np.nan, 1], [1, np.nan]]), "a candidate with a score for every fold"),
    ],
)
def test_errors_say_what_is_missing(given, message):
    with pytest.raises(ValueError, match=message):
        one_standard_error("k")(given)
