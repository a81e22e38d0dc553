"""Weights of one component: a generalised linear model with levels and bounds.

The link of a row is the level of its arm plus weights times columns. Weights are not negative and
have a normal prior. Levels are drawn towards prior levels. The variance of this prior is learnt
from the distances between levels and prior levels (empirical Bayes). Each Newton step eliminates
the levels and solves non-negative least squares for the weights.
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_factor, cho_solve, cholesky, solve_triangular
from scipy.optimize import nnls

from sklearn_hrc._predictor.losses import LOSSES
from sklearn_hrc._predictor.prior import hyperprior_share
from sklearn_hrc._predictor.tasks import CONTINUOUS, INDICATOR

__all__ = ["Problem", "fit_weights"]

# Start and range of the variance of the levels, and the value that its weak prior pulls it to.
LEVEL_VARIANCE, LEVEL_RANGE, LEVEL_FLOOR = 0.02, (1e-6, 5.0), 2e-4
# The level that all arms share is free.
FREE = 1e-4
MAX_STEPS, MAX_HALVINGS, LONGEST_STEP, TOLERANCE = 50, 20, 2.0, 1e-7
LEAST_CURVATURE = 1e-4
# Least distance of the mean from 0, and of an indicator's mean from 1, where links start.
LEAST_CHANCE = 1e-4


class Problem(NamedTuple):
    """Rows and priors that the weights of one component are fitted to.

    Attributes
    ----------
    columns : ndarray of shape (n_samples, n_weights)
        Bases of the members, then effects, less their means.
    arm : ndarray of shape (n_samples,), int
        Place of the received arm among the arms that teach the component.
    target, weight : ndarray of shape (n_samples,)
        Targets and weights of the loss.
    kind : int
        Kind of the component.
    mean, precision : ndarray of shape (n_weights,)
        Prior of the weights.
    level : ndarray of shape (n_arms,)
        Prior mean of the levels. What the levels share is free.
    """

    columns: np.ndarray
    arm: np.ndarray
    target: np.ndarray
    weight: np.ndarray
    kind: int
    mean: np.ndarray
    precision: np.ndarray
    level: np.ndarray


@np.errstate(over="ignore", invalid="ignore")
def fit_weights(problem):
    """Return the most likely levels and weights.

    Parameters
    ----------
    problem : Problem
        Rows and priors.

    Returns
    -------
    level : ndarray of shape (n_arms,)
        Levels of the arms.
    weights : ndarray of shape (n_weights,)
        Weights, none of them negative. Without rows levels and weights are those of the prior.
    """
    if not len(problem.target):
        return problem.level, problem.mean
    loss = LOSSES[problem.kind]
    n_arms, spread = len(problem.level), LEVEL_VARIANCE
    level = np.full(n_arms, _first_level(problem))
    start = np.concatenate([level + problem.level - problem.level.mean(), problem.mean])
    tame = np.concatenate([level, 0 * problem.mean])
    if not _objective(start, problem, spread, 1.0) <= _objective(tame, problem, spread, 1.0):
        # Some member is far off, so levels start alike and weights start at zero.
        start = tame
    for _ in range(MAX_STEPS):
        links = _links(start, problem)
        slope, curvature = loss.slope(links, problem.target), loss.curvature(links, problem.target)
        curvature = np.maximum(curvature, LEAST_CURVATURE)
        dispersion = 1.0
        if problem.kind != INDICATOR:
            # Pearson's estimate, with a row of dispersion 1 added: few rows may be fitted exactly.
            misfit = problem.weight @ (slope**2 / curvature)
            dispersion = (misfit + 1) / (problem.weight.sum() + 1)
        step, level_information = _newton(start, slope, curvature, problem, spread, dispersion)
        step = _shortened(start, step, problem, spread, dispersion)
        start = start + step
        spread = _level_variance(start[:n_arms] - problem.level, level_information, spread)
        if np.abs(step).max() < TOLERANCE:
            break
    return start[:n_arms], start[n_arms:]


def _first_level(problem):
    """Link of the mean."""
    mean = np.average(problem.target, weights=problem.weight)
    if problem.kind == INDICATOR:
        mean = np.clip(mean, LEAST_CHANCE, 1 - LEAST_CHANCE)
    elif problem.kind != CONTINUOUS:
        mean = max(mean, LEAST_CHANCE)
    return LOSSES[problem.kind].link_of_mean(mean)


def _links(coefficients, problem):
    n_arms = len(problem.level)
    return coefficients[problem.arm] + problem.columns @ coefficients[n_arms:]


def _level_precision(n_arms, spread):
    """Precision of the levels. Deviations have the variance `spread`, and their mean is free."""
    # The eigenvalue of the mean is FREE, and that of deviations is 1 / spread.
    return np.eye(n_arms) / spread + (FREE - 1 / spread) / n_arms


def _objective(coefficients, problem, spread, dispersion):
    """Loss in units of the dispersion, plus the negative log priors."""
    n_arms = len(problem.level)
    loss = LOSSES[problem.kind].loss(_links(coefficients, problem), problem.target)
    level = coefficients[:n_arms] - problem.level
    weights = coefficients[n_arms:] - problem.mean
    prior = level @ _level_precision(n_arms, spread) @ level + problem.precision @ weights**2
    return problem.weight @ loss / dispersion + 0.5 * prior


def _newton(start, slope, curvature, problem, spread, dispersion):
    """Return a Newton step to non-negative weights, and the information on the levels."""
    n_arms = len(problem.level)
    weight = problem.weight / dispersion
    mass = weight * curvature
    weighted = problem.columns * mass[:, None]
    level_data = np.bincount(problem.arm, mass, n_arms)
    level_hessian = np.diag(level_data) + _level_precision(n_arms, spread)
    cross = np.array([np.bincount(problem.arm, column, n_arms) for column in weighted.T]).T
    hessian = problem.columns.T @ weighted + np.diag(problem.precision)
    # Working responses of a weighted least squares problem, less their part of the prior.
    working = mass * _links(start, problem) - weight * slope
    right = np.bincount(problem.arm, working, n_arms)
    right = right + _level_precision(n_arms, spread) @ problem.level
    # Levels have no bounds, so a Schur complement eliminates them. With its Cholesky factor the
    # problem of the weights is non-negative least squares.
    factor = cho_factor(level_hessian)
    reduced = hessian - cross.T @ cho_solve(factor, cross)
    target = problem.columns.T @ working + problem.precision * problem.mean
    target = target - cross.T @ cho_solve(factor, right)
    lower = cholesky(reduced, lower=True)
    weights = nnls(lower.T, solve_triangular(lower, target, lower=True))[0]
    level = cho_solve(factor, right - cross @ weights)
    return np.concatenate([level, weights]) - start, level_data


def _shortened(start, step, problem, spread, dispersion):
    """Halve a step until the objective gets no worse, or return a step of zero."""
    best = _objective(start, problem, spread, dispersion)
    step = step * (LONGEST_STEP / max(np.abs(step).max(), LONGEST_STEP))
    for _ in range(MAX_HALVINGS):
        if _objective(start + step, problem, spread, dispersion) <= best:
            return step
        step = step / 2
    return np.zeros_like(step)


def _level_variance(level, information, spread):
    """MacKay's step for the variance of the levels, under a weak prior that it is small."""
    n_arms = len(level)
    if n_arms == 1:
        return spread
    posterior = np.linalg.inv(np.diag(information) + _level_precision(n_arms, spread))
    centring = np.eye(n_arms) - 1 / n_arms
    # Degrees of freedom of the deviations that the rows determine.
    degrees = n_arms - 1 - np.trace(centring @ posterior @ centring) / spread
    deviation = level - level.mean()
    pull = hyperprior_share(n_arms)
    variance = (deviation @ deviation + pull * LEVEL_FLOOR) / (max(degrees, 0.0) + pull)
    return np.clip(variance, *LEVEL_RANGE)
