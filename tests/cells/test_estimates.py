"""Estimates of cells: values by hand, invariances, planted truth."""

import numpy as np
import pytest
from helpers.cell_worlds import draw, rows, shares, table
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_hrc._cells.estimates import (
    COMMON_VARIANCE,
    OWN_VARIANCE,
    CellEstimates,
    estimate_cells,
    with_disagreement,
)
from sklearn_hrc._columns import Columns
from sklearn_hrc._experiment import take_rows

MODES = ("raw", "pooled", "outcomes")


def estimates_of(labels, experiment, estimation, covariates=None, objective=(1.0,), **options):
    """Estimate from rows; outcomes are expected to be one and cost two for all."""
    expected = None
    if estimation == "outcomes":
        n_tasks = len(objective) + 1
        covariates = np.ones((len(labels), len(experiment.treatments) * n_tasks))
        covariates[:, n_tasks - 1 :: n_tasks] = 2.0
        expected = covariates[:, :n_tasks]
        options["columns"] = Columns(0, 0, len(experiment.treatments), n_tasks)
    cells = table(labels, experiment, covariates, estimation=estimation, expected=expected)
    return estimate_cells(cells, np.array(objective), estimation, **options)


def test_raw_by_hand():
    experiment = rows([1.0, 3.0, 8.0, 2.0, 2.0], [0, 0, 1, 0, 1], [0.0, 0.0, 4.0, 0.0, 1.0])
    estimates = estimates_of([0, 0, 0, 1, 2], experiment, "raw")
    # The cells (1, 1) and (2, 0) have no rows: the mean of their arm.
    assert_allclose(estimates.mean[..., 0], [[2, 8], [2, 5], [2, 2]])
    assert_allclose(estimates.mean[..., 1], [[0, 4], [0, 2.5], [0, 1]])
    assert_allclose(estimates.own[2, 0], [[1, 0], [0, 0]])  # variance of 1, 3, 2
    assert_allclose(estimates.own[1, 1], [[18, 9], [9, 4.5]])
    assert_array_equal(estimates.shared, np.zeros((2, 2, 2)))
    assert_array_equal(estimates.standard_error()[:, 0, 1], [0, 0, 0])


def test_objective_combines_outcomes():
    rng = np.random.default_rng(0)
    y, arm, labels = rng.normal(size=(300, 2)), rng.integers(0, 3, 300), rng.integers(0, 5, 300)
    both, covariates = rows(y, arm, rng.random(300)), rng.normal(size=(300, 2))
    one = both._replace(outcomes=(2 * y[:, 0] - y[:, 1])[:, None])
    for estimation in ("raw", "pooled"):
        combined = estimates_of(labels, both, estimation, covariates, objective=(2.0, -1.0))
        for actual, expected in zip(combined, estimates_of(labels, one, estimation, covariates)):
            assert_allclose(actual, expected, atol=1e-12)


def test_expected_outcomes_by_hand():
    # Expected in the order of columns: arm 0 (response, cost), arm 1; a leading covariate.
    covariates = np.array([[9.0, 1, 0, 2, 1], [9, 3, 0, 4, 3], [9, 5, 0, 6, 5]])
    experiment = rows([2.0, 4.5, 6.0], [0, 1, 1], [0.0, 3.0, 9.0])
    expected = np.array([[1.0, 0], [4, 3], [6, 5]])
    cells = table([0, 0, 1], experiment, covariates, expected=expected)
    columns = Columns(1, 0, 2, 2)
    estimates = estimate_cells(cells, np.ones(1), "outcomes", columns=columns)
    assert_allclose(estimates.mean, [[[2, 0], [3, 2]], [[5, 0], [6, 5]]])
    # Off by 1 in arm 0, by 0.25 and 2 in arm 1, where chance does more in the response.
    assert_allclose(estimates.shared[0, 0, 0], 1.0)
    assert_allclose(estimates.shared[1, 1, 1], 4.0)
    prices = np.array([0.5, 7.0])
    priced = estimate_cells(cells, np.ones(1), "outcomes", arm_cost=prices, columns=columns)
    assert_array_equal(priced.mean[..., 1], [[0.5, 7]] * 2)
    assert_array_equal(priced.standard_error()[..., 1], np.zeros((2, 2)))
    assert_allclose(priced.own[..., 0, 0], estimates.own[..., 0, 0])


def test_expected_outcomes_without_cost():
    covariates = np.array([[1.0, 2.0], [3.0, 4.0]])
    experiment = rows([1.0, 4.0], [0, 1])
    expected = np.array([[1.0, 0.0], [4.0, 0.0]])
    cells = table([0, 0], experiment, covariates, expected=expected)
    estimates = estimate_cells(cells, np.ones(1), "outcomes", columns=Columns(0, 0, 2, 1))
    assert_allclose(estimates.mean, [[[2, 0], [3, 0]]])


def disagreeing(deviations, objective=(1.0,), **options):
    """Two clusters of one row an arm; two networks deviate from 3 and 1 by +-deviations."""
    labels, arm = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    expected = np.tile([3.0, 1.0], (4, 1))
    blocks = np.repeat(np.array(deviations), 2, axis=0)
    covariates = np.hstack([blocks, -blocks, np.tile(expected, (1, 2))])
    experiment = rows([2.0, 5.0, 4.0, 2.0], arm, [0.5, 2.0, 1.5, 0.5])
    cells = table(labels, experiment, covariates, expected=expected)
    estimates = [
        estimate_cells(cells, np.array(objective), "outcomes", columns=columns, **options)
        for columns in (Columns(8, 0, 2, 2), Columns(0, 2, 2, 2))
    ]
    assert estimates[0].factors.shape == (2, 2, 2, 0)
    return estimates


def test_disagreement_by_hand():
    # Response and cost of arm 0, then of arm 1; arm 0 is known in the second cluster.
    deviations = [[0.2, 0.1, 0.4, 0.0], [0.0, 0.0, 0.6, -0.2]]
    before, estimates = disagreeing(deviations)
    assert_array_equal(estimates.mean, before.mean)
    assert_array_equal(estimates.shared, before.shared)
    theta = np.reshape(deviations, (2, 2, 2))
    own, common = OWN_VARIANCE, COMMON_VARIANCE
    # The variance between two networks at +-theta is 2 theta squared.
    assert_allclose(estimates.own[0, 0], own * np.array([[0.08, 0.04], [0.04, 0.02]]))
    assert_allclose(estimates.own[1, 1], own * np.array([[0.72, -0.24], [-0.24, 0.08]]))
    assert_allclose(estimates.factors[..., 0], np.sqrt(common) * theta)
    assert_allclose(estimates.factors[..., 1], -np.sqrt(common) * theta)
    variance = (own + common) * 2 * theta**2 + np.diagonal(before.shared, axis1=1, axis2=2)
    assert_allclose(estimates.standard_error() ** 2, variance)
    # Of everyone in arm 1, half a cluster each: 0.5, -0.1 in the mean of response and cost.
    total = estimates.total_covariance(np.array([[0.0, 0.5], [0.0, 0.5]]))
    mean = np.array([0.5, -0.1])
    expected = (
        before.shared[1] + 2 * common * np.outer(mean, mean) + estimates.own[:, 1].sum(axis=0) / 4
    )
    assert_allclose(total, expected)


@pytest.mark.parametrize(("n_networks", "growth"), [(2, 1.0), (5, 1.0), (20, 2.0)])
def test_variance_grows_with_the_root_of_the_number_of_folds(n_networks, growth):
    deviations = np.random.default_rng(0).normal(size=(3, 2, 2, n_networks))
    deviations -= deviations.mean(axis=-1, keepdims=True)
    mean = np.zeros((3, 2, 2))
    before = CellEstimates(mean, np.zeros((2, 2, 2)), None, np.zeros((3, 2, 2, 0)))
    estimates = with_disagreement(before, deviations)
    variance = growth * (COMMON_VARIANCE + OWN_VARIANCE) * deviations.var(axis=-1, ddof=1)
    assert_allclose(estimates.standard_error() ** 2, variance)


def test_disagreement_with_prices():
    before, estimates = disagreeing([[0.2, 0.1, 0.4, 0.3]] * 2, arm_cost=np.array([0.0, 1.0]))
    for each in (before, estimates):
        assert_array_equal(each.standard_error()[..., 1], 0.0)
        assert_array_equal(each.total_covariance(np.full((2, 2), 0.25))[1], 0.0)
    assert_array_equal(estimates.factors[:, :, 1], 0.0)
    assert (estimates.factors[:, :, 0] != 0).all()


def test_without_disagreement_only_levels_err():
    _, estimates = disagreeing(np.zeros((2, 4)))
    variance = np.diagonal(estimates.shared, axis1=1, axis2=2)
    assert_allclose(estimates.standard_error() ** 2, np.tile(variance, (2, 1, 1)))


def test_total_error_is_that_of_dense_covariances():
    rng = np.random.default_rng(1)
    n_clusters, n_arms, n_factors = 5, 3, 4
    root = rng.normal(size=(n_clusters + 1, n_arms, 2, 2))
    *own, shared = root @ np.swapaxes(root, -1, -2)
    factors = rng.normal(size=(n_clusters, n_arms, 2, n_factors))
    estimates = CellEstimates(np.zeros((n_clusters, n_arms, 2)), shared, np.array(own), factors)
    dense = np.einsum("kjaf,lmbf->kjalmb", factors, factors)
    for k, j in np.ndindex(n_clusters, n_arms):
        dense[k, j, :, k, j, :] += own[k][j]
        for other in range(n_clusters):
            dense[k, j, :, other, j, :] += shared[j]
    share = rng.dirichlet(np.ones(n_clusters * n_arms)).reshape(n_clusters, n_arms)
    total = np.einsum("kj,kjalmb,lm->ab", share, dense, share)
    assert_allclose(estimates.total_covariance(share), total, rtol=1e-12)
    variance = np.einsum("kjakja->kja", dense)
    assert_allclose(estimates.standard_error() ** 2, variance, rtol=1e-12)


@st.composite
def experiments(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_rows, n_arms = draw(st.integers(1, 80)), draw(st.integers(1, 4))
    labels = rng.integers(0, draw(st.integers(1, 8)), n_rows)
    arm = np.r_[np.arange(n_arms), rng.integers(0, n_arms, n_rows)][:n_rows]
    experiment = rows(
        rng.lognormal(size=n_rows) * rng.integers(0, 2, n_rows),
        arm,
        arm * rng.integers(0, 2, n_rows),
        propensity=rng.uniform(0.1, 1, n_rows) if draw(st.booleans()) else None,
    )
    return labels, experiment, rng.normal(size=(n_rows, draw(st.integers(0, 2)))), rng


def assert_same(actual, expected, scale=(1.0, 1.0)):
    scale = np.array(scale)
    for name, unit in (("mean", scale), ("shared", scale[:, None] * scale), ("own", None)):
        unit = scale[:, None] * scale if unit is None else unit
        one, other = getattr(actual, name) / unit, getattr(expected, name)
        assert_allclose(one, other, rtol=1e-6, atol=1e-8, err_msg=name)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(experiments(), st.sampled_from(MODES))
def test_labels_do_not_matter(world, estimation):
    labels, experiment, covariates, rng = world
    expected = estimates_of(labels, experiment, estimation, covariates)
    clusters, order = np.unique(labels), rng.permutation(len(np.unique(labels)))
    renamed = order[np.searchsorted(clusters, labels)]
    arms = rng.permutation(len(experiment.treatments))
    rearranged = experiment._replace(arm=arms[experiment.arm])
    actual = estimates_of(renamed, rearranged, estimation, covariates)
    same = CellEstimates(
        *(
            values[arms] if name == "shared" else values[order][:, arms]
            for name, values in actual._asdict().items()
        )
    )
    assert_same(same, expected)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(experiments(), st.sampled_from(MODES[:2]), st.floats(1e-6, 1e6), st.floats(1e-6, 1e6))
def test_units_do_not_matter(world, estimation, response, cost):
    labels, experiment, covariates, _ = world
    expected = estimates_of(labels, experiment, estimation, covariates)
    other = experiment._replace(
        outcomes=response * experiment.outcomes, cost=cost * experiment.cost
    )
    actual = estimates_of(labels, other, estimation, covariates)
    assert_same(actual, expected, (response, cost))


@settings(max_examples=30, deadline=None, derandomize=True)
@given(experiments(), st.sampled_from(MODES[:2]), st.sampled_from([-100.0, 1.0, 1e4]))
def test_a_constant_shifts_means_only(world, estimation, constant):
    labels, experiment, covariates, _ = world
    expected = estimates_of(labels, experiment, estimation, covariates)
    other = experiment._replace(outcomes=experiment.outcomes + constant)
    actual = estimates_of(labels, other, estimation, covariates)
    assert_same(actual._replace(mean=actual.mean - [constant, 0.0]), expected)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(experiments(), st.sampled_from(MODES))
def test_rows_without_weight_change_nothing(world, estimation):
    labels, experiment, covariates, rng = world
    expected = estimates_of(labels, experiment, estimation, covariates)
    again = np.r_[np.arange(len(labels)), rng.integers(0, len(labels), 20)]
    more = take_rows(experiment, again)
    more.sample_weight[len(labels) :] = 0.0
    more.outcomes[len(labels) :] = 1e3
    assert_same(estimates_of(labels[again], more, estimation, covariates[again]), expected)


def poor_experiments():
    """What leaves nothing to estimate variances from."""
    rng = np.random.default_rng(0)
    y, arm, cost = rng.lognormal(size=24), np.tile([0, 1, 2], 8), np.tile([0.0, 1.0, 0.0], 8)
    yield "one row", [0], rows([3.0], [0], [1.0])
    yield "one row an arm", [0, 0, 0], rows(y[:3], [0, 1, 2], cost[:3])
    yield "one row a cell", np.repeat(np.arange(8), 3), rows(y, arm, cost)
    yield "cells without rows", np.arange(24), rows(y, arm, cost)
    yield "one cluster", np.zeros(24), rows(y, arm, cost)
    yield "one arm", np.repeat(np.arange(8), 3), rows(y, np.zeros(24), cost)
    yield "all constant", np.repeat(np.arange(2), 12), rows(np.full(24, 0.1), arm, np.full(24, 0.3))
    yield "all zero", np.repeat(np.arange(2), 12), rows(np.zeros(24), arm, np.zeros(24))
    yield "huge offset", np.repeat(np.arange(2), 12), rows(1e15 + y, arm, 1e15 + cost)
    yield "huge", np.repeat(np.arange(2), 12), rows(1e60 * y, arm, 1e60 * cost)
    yield "tiny", np.repeat(np.arange(2), 12), rows(1e-60 * y, arm, 1e-60 * cost)
    weight = np.where(arm == 2, 0.0, rng.random(24))
    yield "an arm without weight", np.repeat(np.arange(2), 12), rows(y, arm, cost, weight=weight)
    spread = 10.0 ** rng.uniform(-12, 12, 24)
    yield "extreme weights", np.repeat(np.arange(2), 12), rows(y, arm, cost, weight=spread)


@pytest.mark.parametrize("estimation", MODES)
@pytest.mark.parametrize("case", list(poor_experiments()), ids=lambda case: case[0])
def test_always_finite(case, estimation):
    name, labels, experiment = case
    covariates = np.random.default_rng(1).normal(size=(len(labels), 2))
    estimates = estimates_of(labels, experiment, estimation, covariates)
    for array in (*estimates, estimates.standard_error()):
        assert np.isfinite(array).all()
    assert (
        np.linalg.eigvalsh(estimates.own / max(np.abs(estimates.own).max(), 1e-300)) > -1e-9
    ).all()
    if "row" in name and name != "one row":
        assert (estimates.standard_error()[..., 0] > 0).all()


def test_a_free_control_is_known():
    for estimation in ("raw", "pooled"):
        estimates, truth, _ = draw(0, "zeros", n_rows=200, n_clusters=40).estimate(estimation)
        assert_array_equal(estimates.mean[:, 0, 1], truth[:, 0, 1])
        assert_array_equal(estimates.standard_error()[:, 0, 1], 0.0)


def z_scores(errors, deviations):
    """Root mean square over cells, by response and cost; the free control left out."""
    errors, deviations = np.concatenate(errors), np.concatenate(deviations)
    seen = deviations > 0
    z = np.divide(errors, deviations, out=np.zeros_like(errors), where=seen)
    return np.sqrt((z**2).sum(axis=(0, 1)) / seen.sum(axis=(0, 1)))


@pytest.mark.slow
@pytest.mark.parametrize("n_covariates", [0, 5])
@pytest.mark.parametrize("propensities", [False, True])
@pytest.mark.parametrize("kind", ["gaussian", "zeros"])
def test_errors_cover_planted_means(kind, propensities, n_covariates):
    options = {"propensities": propensities, "n_covariates": n_covariates}
    for estimation in ("raw", "pooled"):
        errors, deviations, totals = [], [], []
        for seed in range(20):
            estimates, truth, share = draw(seed, kind, **options).estimate(estimation)
            errors.append(estimates.mean - truth)
            deviations.append(estimates.standard_error())
            for arm in range(1, truth.shape[1]):
                allotted = share[:, None] * (np.arange(truth.shape[1]) == arm)
                gap = np.einsum("kj,kja->a", allotted, errors[-1])
                totals.append(gap / np.sqrt(np.diag(estimates.total_covariance(allotted))))
        # Heavy tails make the errors of the largest means somewhat too small.
        most = 1.2 if kind == "gaussian" else 1.4
        z = z_scores(errors, deviations)
        assert ((z > 0.85) & (z < most)).all(), z
        z = np.sqrt(np.mean(np.square(totals), axis=0))
        assert ((z > 0.75) & (z < 1.35)).all(), z


@pytest.mark.parametrize("kind", ["gaussian", "zeros"])
@pytest.mark.parametrize("n_rows", [1500, 6000])
def test_pooled_is_nearer_the_truth_than_cells_and_arms_alone(kind, n_rows):
    squares = []
    for seed in range(20):
        world = draw(seed, kind, n_rows=n_rows)
        pooled, truth, share = world.estimate("pooled")
        raw, *_ = world.estimate("raw")
        arm = np.einsum("k,kja->ja", share, truth)  # even the true means of the arms
        gaps = [
            means - truth for means in (pooled.mean, raw.mean, np.broadcast_to(arm, truth.shape))
        ]
        squares.append([np.einsum("k,kja->a", share, gap**2) for gap in gaps])
    pooled, raw, arms = np.mean(squares, axis=0)
    assert (pooled < 0.9 * raw).all()
    assert (pooled < 0.95 * arms).all()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["gaussian", "zeros"])
@pytest.mark.parametrize("planted", [(0.5, 0, 0), (0, 0.3, 0), (0, 0, 0.3), (0.2, 0.2, 0.2)])
def test_errors_cover_planted_bias_of_expected_outcomes(kind, planted):
    errors, deviations = [], []
    for seed in range(30):
        world, rng = draw(seed, kind), np.random.default_rng(1000 + seed)
        n_clusters, n_arms = world.mean.shape[:2]
        sizes = ((1, n_arms, 2), (n_clusters, 1, 2), (n_clusters, n_arms, 2))
        bias = sum(part * rng.normal(size=size) for part, size in zip(planted, sizes))
        expected = world.mean.copy()
        expected[:, 1:] += (bias * world.mean.mean(axis=(0, 1)))[:, 1:]
        cluster = world.labels.astype(int)
        world = world._replace(covariates=expected.reshape(n_clusters, -1)[cluster])
        cells = world.table("outcomes", expected[cluster, world.experiment.arm])
        columns = Columns(0, 0, n_arms, 2)
        estimates = estimate_cells(cells, np.ones(1), "outcomes", columns=columns)
        assert_allclose(estimates.mean, expected[cells.clusters.astype(int)])
        assert_allclose(shares(cells).sum(), 1.0)
        errors.append(estimates.mean[:, 1:] - world.mean[cells.clusters.astype(int)][:, 1:])
        deviations.append(estimates.standard_error()[:, 1:])
    z = z_scores(errors, deviations)
    assert ((z > 0.7) & (z < 1.2)).all(), z
