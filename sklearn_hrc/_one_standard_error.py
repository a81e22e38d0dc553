"""The simplest candidate of a search that held-out rows cannot tell from the best one."""

import functools
from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any

import numpy as np

__all__ = ["one_standard_error"]


def one_standard_error(parameter: str) -> Callable[[Mapping[str, Any]], int]:
    """Make a `refit` for a search that takes the smallest value of a parameter that is good enough.

    Scores of policies are noisy. Often several candidates cannot be told apart, and the best one
    owes its place to luck. This rule takes the smallest value of a parameter whose mean score
    falls short of the best one by at most one standard error.

    The standard error is that of the mean *difference* to the best candidate over the folds. All
    candidates are scored on the same folds, so most of the noise of their scores is common to
    them, and the spread of the scores themselves would let too much pass.

    Parameters
    ----------
    parameter : str
        Name of the parameter, as in the grid. Its values are compared by size, and smaller is
        simpler. Candidates without it are left out. Of several candidates with the same value the
        one with the best score is taken.

    Returns
    -------
    refit : callable
        For `refit` of :class:`~sklearn.model_selection.GridSearchCV` or another search of
        scikit-learn. It takes `cv_results_` and returns the index of the chosen candidate.

    Raises
    ------
    ValueError
        If the search has no such parameter, or no candidate has a score for every fold. It is
        raised by the search.

    References
    ----------
    .. [1] Breiman, Friedman, Olshen and Stone (1984), Classification and Regression Trees,
       section 3.4.3. doi:10.1201/9781315139470

    Examples
    --------
    >>> from sklearn_hrc.model_selection import one_standard_error
    >>> refit = one_standard_error("n_clusters")
    >>> refit({
    ...     "param_n_clusters": [2, 8, 32], "mean_test_score": [1.0, 1.9, 2.0],
    ...     "split0_test_score": [0.0, 1.1, 1.0], "split1_test_score": [2.0, 2.7, 3.0]})
    1
    """
    return functools.partial(_choose, parameter)


def _choose(parameter, results):
    """Index of the candidate of a search with the smallest value of a parameter, see above."""
    name = f"param_{parameter}"
    if name not in results:
        searched = sorted(key.removeprefix("param_") for key in results if key.startswith("param_"))
        raise ValueError(
            f"parameter of one_standard_error is expected to be searched, one of {searched}, got "
            f"{parameter!r}."
        )
    values = np.ma.array(results[name], dtype=object)
    has_value = ~np.ma.getmaskarray(values)
    if not all(isinstance(value, Real) for value in values[has_value]):
        raise ValueError(
            f"parameter of one_standard_error is expected to have numbers in the grid, got "
            f"{values[has_value].tolist()} for {parameter!r}."
        )
    # Parts of a grid may not have the parameter: these candidates are no simpler than others.
    scores = np.where(has_value[:, None], _fold_scores(results), np.nan)
    mean = scores.mean(axis=1)
    if np.isnan(mean).all():
        raise ValueError(
            "one_standard_error expects a candidate with a score for every fold, got none: see the "
            "errors of the fits, and cv_results_."
        )
    difference = scores[np.nanargmax(mean)] - scores
    n_folds = scores.shape[1]
    error = difference.std(axis=1, ddof=1) / np.sqrt(n_folds) if n_folds > 1 else 0.0
    good = np.flatnonzero(difference.mean(axis=1) <= error)
    least = min(values[good])
    smallest = good[[value == least for value in values[good]]]
    return int(smallest[mean[smallest].argmax()])


def _fold_scores(results):
    """Scores of all candidates on all folds, (n_candidates, n_folds)."""
    names = []
    while (name := f"split{len(names)}_test_score") in results:
        names.append(name)
    if not names:
        raise ValueError(
            "one_standard_error expects the scores of a search with one metric, got results "
            f"without split0_test_score: {sorted(results)}."
        )
    return np.column_stack([results[name] for name in names])
