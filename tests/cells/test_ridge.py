"""Ridge regressions from moments, against scikit-learn's on the rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.linear_model import Ridge

from sklearn_hrc._cells import ridge
from sklearn_hrc._cells.moments import add, empty, merge
from sklearn_hrc._cells.ridge import regression_predictions


def moments(covariates, tasks, weight, arm=None, n_arms=1):
    """Statistics of the arms."""
    columns = np.hstack([covariates, tasks])
    arm = np.zeros(len(columns), dtype=int) if arm is None else arm
    return add(empty(n_arms, columns.shape[1]), arm, columns, weight)


def rows(seed, n_rows=80, n_covariates=4, noise=1.0):
    rng = np.random.default_rng(seed)
    covariates = rng.normal(size=(n_rows, n_covariates)) * 10.0 ** rng.integers(-3, 4, n_covariates)
    slopes = rng.normal(size=(n_covariates, 2)) / covariates.std(axis=0)[:, None]
    tasks = 5 + covariates @ slopes + noise * rng.normal(size=(n_rows, 2))
    return covariates, tasks, rng


def scaled(covariates, weight):
    mean = np.average(covariates, axis=0, weights=weight)
    return mean, np.sqrt(np.average((covariates - mean) ** 2, axis=0, weights=weight))


@pytest.mark.parametrize("penalty", [1e-4, 0.3, 10.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_equals_ridge_on_rows(monkeypatch, penalty, weighted):
    covariates, tasks, rng = rows(0)
    weight = rng.uniform(0.2, 3, len(tasks)) if weighted else np.ones(len(tasks))
    monkeypatch.setattr(ridge, "PENALTIES", np.array([penalty]))
    points = covariates[:6].reshape(6, 1, -1)
    (prediction,) = regression_predictions(moments(covariates, tasks, weight), [points])
    mean, spread = scaled(covariates, weight)
    # Moments are means, scikit-learn's are sums.
    model = Ridge(alpha=penalty * weight.sum()).fit((covariates - mean) / spread, tasks, weight)
    assert_allclose(prediction[:, 0], model.predict((covariates[:6] - mean) / spread), rtol=1e-8)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.integers(12, 60), st.integers(1, 15), st.floats(0.01, 10))
def test_penalty_is_that_of_generalised_cross_validation(seed, n_rows, n_covariates, noise):
    covariates, tasks, _ = rows(seed, n_rows, n_covariates, noise)
    weight = np.ones(n_rows)
    mean, spread = scaled(covariates, weight)
    standard = (covariates - mean) / spread
    (prediction,) = regression_predictions(
        moments(covariates, tasks, weight), [covariates[:, None]]
    )
    for task in range(2):
        scores, fits = [], []
        for penalty in ridge.PENALTIES:
            fits.append(Ridge(alpha=penalty * n_rows).fit(standard, tasks[:, task]))
            gram = standard.T @ standard
            degrees = 1 + np.trace(
                np.linalg.solve(gram + penalty * n_rows * np.eye(len(gram)), gram)
            )
            error = np.mean((tasks[:, task] - fits[-1].predict(standard)) ** 2)
            allowed = degrees <= (1 - ridge.LEAST_FREE) * n_rows + 1e-9
            scores.append(error / (1 - degrees / n_rows) ** 2 if allowed else np.inf)
        best = fits[int(np.argmin(scores))]
        assert_allclose(prediction[:, 0, task], best.predict(standard), rtol=1e-6, atol=1e-6)


def test_arms_are_regressed_apart_and_points_kept_apart():
    covariates, tasks, rng = rows(1)
    arm = rng.integers(0, 2, len(tasks))
    both = moments(covariates, tasks, np.ones(len(tasks)), arm, 2)
    points = [rng.normal(size=(3, 2, 4)), rng.normal(size=(3, 2, 4))]
    predictions = regression_predictions(both, points)
    for j in range(2):
        alone = moments(covariates[arm == j], tasks[arm == j], np.ones((arm == j).sum()))
        for point, prediction in zip(points, predictions):
            (expected,) = regression_predictions(alone, [point[:, j : j + 1]])
            assert_allclose(prediction[:, j], expected[:, 0], rtol=1e-10)


def test_without_covariates_the_mean():
    _, tasks, _ = rows(2)
    arms = moments(np.empty((len(tasks), 0)), tasks, np.ones(len(tasks)))
    (prediction,) = regression_predictions(arms, [np.empty((3, 1, 0))])
    assert_allclose(prediction, np.broadcast_to(tasks.mean(axis=0), (3, 1, 2)))


@pytest.mark.parametrize("n_rows", [1, 2, 5, 15])
def test_fewer_rows_than_covariates_are_not_interpolated(n_rows):
    # Interpolating noise would predict far outside the range of the rows.
    outside = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        covariates, tasks = rng.normal(size=(n_rows, 30)), rng.normal(size=(n_rows, 2))
        points = rng.normal(size=(50, 1, 30))
        arms = moments(covariates, tasks, np.ones(n_rows))
        (prediction,) = regression_predictions(arms, [points])
        assert np.isfinite(prediction).all()
        outside.append(np.square(prediction[:, 0] - tasks.mean(axis=0)).mean())
    assert np.mean(outside) < 1.5


def test_constant_and_repeated_covariates():
    covariates, tasks, _ = rows(3)
    twice = np.hstack([covariates, np.full((len(tasks), 1), 1e9), covariates[:, :1]])
    weight = np.ones(len(tasks))
    (prediction,) = regression_predictions(moments(twice, tasks, weight), [twice[:, None]])
    residual = tasks - prediction[:, 0]
    assert (residual.var(axis=0) < 1.3).all()


def test_arm_without_rows_is_finite():
    covariates, tasks, _ = rows(4)
    arms = moments(covariates, tasks, np.ones(len(tasks)), np.zeros(len(tasks), dtype=int), 2)
    (prediction,) = regression_predictions(arms, [np.ones((2, 2, 4))])
    assert np.isfinite(prediction).all()


@pytest.mark.parametrize("constant", [0.1, 1.0, 3.3, 1e6 + 0.1])
def test_a_covariate_that_is_constant_in_an_arm_has_no_slope(constant):
    rng = np.random.default_rng(0)
    covariates, tasks = np.full((90, 1), constant), rng.normal(size=(90, 2))
    arm = np.arange(90) % 2
    # What merging leaves of its spread must not count, nor where it varies in another arm.
    covariates[arm == 1] = rng.normal(size=(45, 1))
    weight = rng.exponential(size=90)
    parts = [
        moments(covariates[i], tasks[i], weight[i], arm[i], 2)
        for i in np.split(np.arange(90), [20, 50])
    ]
    merged = merge(merge(parts[0], parts[1]), parts[2])
    whole = moments(covariates, tasks, weight, arm, 2)
    points = np.full((3, 2, 1), 5.0 + constant)
    for statistics in (merged, whole):
        (predicted,) = regression_predictions(statistics, [points])
        mean = np.average(tasks[arm == 0], axis=0, weights=weight[arm == 0])
        assert_allclose(predicted[:, 0], np.tile(mean, (3, 1)))
