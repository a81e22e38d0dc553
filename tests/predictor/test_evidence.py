"""Means and variances of effects that share a covariance, beside dense algebra."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_hrc._predictor import evidence
from sklearn_hrc._predictor.evidence import solve, update_prior
from sklearn_hrc._predictor.prior import (
    Layout,
    Prior,
    effect_variances,
    first_prior,
    hyperprior_share,
    prior_precision,
)

GROUP = np.array([0, 1, 1, 2, 2, 2, 3])
LAYOUT = Layout(GROUP, np.array([False, False, False, False, False, True, False]))


def straight(group):
    """A layout without columns that bend."""
    return Layout(group, np.zeros(len(group), dtype=bool))


def random_pattern(n_arms, rng):
    """A covariance of contrasts of full rank, trace J - 1."""
    contrasts = np.eye(n_arms) - 1 / n_arms
    root = contrasts @ rng.normal(size=(n_arms, n_arms))
    pattern = root @ root.T
    return pattern * (n_arms - 1) / max(np.trace(pattern), 1e-9)


def random_prior(n_arms, rng):
    base, effect = np.exp(rng.normal(-2, 1, 4)), np.exp(rng.normal(-3, 1, 4))
    base[0] = 1e4
    return Prior(base, effect, random_pattern(n_arms, rng), np.exp(rng.normal()))


def problem(n_arms, seed=0, n_rows=300, shares=None, collinear=False, noise=1.0):
    """Information of each arm and right-hand sides, of a regression on random columns."""
    rng = np.random.default_rng(seed)
    columns = rng.normal(size=(n_rows, len(GROUP)))
    columns[:, 0] = 1.0
    if collinear:
        columns[:, 2] = columns[:, 1]
        columns[:, 6] = 0.0
    arm = rng.choice(n_arms, n_rows, p=shares)
    outcome = columns[:, 1] * (1 + 0.5 * arm) + noise * rng.normal(size=n_rows)
    seen = [arm == j for j in range(n_arms)]
    information = np.array([columns[own].T @ columns[own] for own in seen])
    return information, np.array([columns[own].T @ outcome[own] for own in seen]), rng


def dense_precision(information, prior):
    """The precision of all coefficients, arms x columns, written out."""
    n_arms, n_columns = information.shape[:2]
    precision = np.zeros((n_arms, n_columns, n_arms, n_columns))
    for j in range(n_arms):
        precision[j, :, j] += information[j]
    contrasts = np.linalg.pinv(prior.pattern, rcond=1e-9, hermitian=True)
    variances = effect_variances(prior, LAYOUT)
    for k, g in enumerate(GROUP):
        precision[:, k, :, k] += 1 / (n_arms**2 * prior.base[g]) + contrasts / variances[k]
    return precision.reshape(n_arms * n_columns, -1)


def dense_covariance(information, prior):
    n_arms, n_columns = information.shape[:2]
    inverse = np.linalg.inv(dense_precision(information, prior))
    return inverse.reshape(n_arms, n_columns, n_arms, n_columns)


def settled(information, right, prior, layout=LAYOUT, n_updates=100):
    """Means and prior after many updates."""
    theta = np.zeros(right.shape)
    for _ in range(n_updates):
        theta, separated = solve(information, right, prior, layout, theta)
        prior = update_prior(theta, separated, prior, layout)
    return theta, prior


def planted(n_arms, base, effect, pattern, *, n_rows, seed, n_own=30, shares=None, bend=None):
    """Information and right-hand sides where coefficients are drawn from the prior."""
    rng = np.random.default_rng(seed)
    group = np.concatenate([[0], np.repeat(1 + np.arange(len(base)), n_own)])
    n_columns = len(group)
    root = np.linalg.cholesky(pattern + 1e-12 * np.eye(n_arms))
    layout = straight(group)
    variances = np.append(0.02, effect)[group]
    if bend is not None:
        # of each feature the last columns
        layout = Layout(group, np.append(False, np.arange(n_columns - 1) % n_own >= 2))
        variances = variances * np.where(layout.bends, bend, 1.0)
    spread = np.sqrt(variances)
    theta = root @ rng.normal(size=(n_arms, n_columns)) * spread
    theta += np.sqrt(np.append(1.0, base)[group]) * rng.normal(size=n_columns)
    columns = rng.normal(size=(n_rows, n_columns))
    columns[:, 0] = 1.0
    arm = rng.choice(n_arms, n_rows, p=shares)
    outcome = np.einsum("ik,ik->i", columns, theta[arm]) + rng.normal(size=n_rows)
    seen = [arm == j for j in range(n_arms)]
    information = np.array([columns[own].T @ columns[own] for own in seen])
    right = np.array([columns[own].T @ outcome[own] for own in seen])
    return information, right, layout


@pytest.mark.parametrize("n_arms", [1, 2, 3, 6])
def test_first_prior(n_arms):
    prior = first_prior(4, n_arms)
    assert prior.base.shape == prior.effect.shape == (4,)
    assert (prior.effect < prior.base).all()
    assert prior.base[0] > 1e3
    assert_allclose(prior.pattern.sum(axis=0), 0, atol=1e-12)
    assert_allclose(np.trace(prior.pattern), n_arms - 1)


@pytest.mark.parametrize("n_arms", [2, 3, 6])
def test_precision_is_the_inverse_of_the_covariance(n_arms):
    rng = np.random.default_rng(n_arms)
    prior = random_prior(n_arms, rng)
    theta = rng.normal(size=(n_arms, len(GROUP)))
    product = prior_precision(theta, prior, LAYOUT)
    for k, g in enumerate(GROUP):
        covariance = prior.base[g] + effect_variances(prior, LAYOUT)[k] * prior.pattern
        assert_allclose(product[:, k], np.linalg.solve(covariance, theta[:, k]), rtol=1e-6)


def test_precision_by_hand():
    prior = Prior(np.array([0.5]), np.array([0.25]), np.array([[0.5, -0.5], [-0.5, 0.5]]), 1.0)
    # the mean is 2, its variance 0.5, the two deviations are -1 and 1, of variance 0.125:
    # slopes of (2^2 / 0.5 + 1 / 0.125) / 2 in either coefficient
    product = prior_precision(np.array([[1.0], [3.0]]), prior, straight(np.array([0])))
    assert_allclose(product, [[2 / (2 * 0.5) - 4], [2 + 4]])


@pytest.mark.parametrize("n_arms", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("collinear", [False, True])
@pytest.mark.parametrize("n_rows", [5, 300, 20_000])
def test_means_solve_the_dense_system(n_arms, collinear, n_rows):
    shares = np.arange(n_arms, 0, -1.0) ** 2
    information, right, rng = problem(
        n_arms, n_rows=n_rows, shares=shares / shares.sum(), collinear=collinear
    )
    prior = random_prior(n_arms, rng)
    theta, _ = solve(information, right, prior, LAYOUT, np.zeros(right.shape))
    expected = np.linalg.solve(dense_precision(information, prior), right.ravel())
    assert_allclose(theta.ravel(), expected, atol=1e-4 * np.abs(expected).max())


def test_means_solve_the_dense_system_where_arms_are_not_alike():
    # columns of other spreads and correlations in each arm, and an arm without rows
    rng = np.random.default_rng(0)
    root = rng.normal(size=(4, 7, 7)) * np.exp(rng.normal(size=(4, 7, 1)))
    information = 30 * root @ root.swapaxes(1, 2)
    information[2] = 0.0
    right = rng.normal(size=(4, 7))
    right[2] = 0.0
    prior = random_prior(4, rng)
    theta, _ = solve(information, right, prior, LAYOUT, rng.normal(size=(4, 7)))
    expected = np.linalg.solve(dense_precision(information, prior), right.ravel())
    # the preconditioner is far off, and the iterations end at a share of where they started
    assert_allclose(theta.ravel(), expected, atol=1e-2 * np.abs(expected).max())


def test_start_does_not_matter():
    information, right, rng = problem(3)
    prior = random_prior(3, rng)
    starts = [np.zeros((3, 7)), 10 * rng.normal(size=(3, 7))]
    first, second = (solve(information, right, prior, LAYOUT, start)[0] for start in starts)
    assert_allclose(first, second, atol=1e-3)
    # the solution stays what it is
    again = solve(information, right, prior, LAYOUT, first)[0]
    assert_allclose(again, first, atol=1e-4)


def test_contrasts_without_variance_do_not_occur():
    information, right, rng = problem(4)
    direction = np.array([-3.0, -1, 1, 3]) / np.sqrt(20)
    prior = random_prior(4, rng)._replace(pattern=3 * np.outer(direction, direction))
    start = rng.normal(size=(4, 7))
    theta, _ = solve(information, right, prior, LAYOUT, start)
    effects = theta - theta.mean(axis=0)
    assert_allclose(effects, np.outer(direction, direction @ effects), atol=1e-9)
    # and it is the solution among those
    basis = np.column_stack([np.ones(4), direction])
    reduced = np.kron(basis, np.eye(7))
    dense = reduced.T @ dense_precision(information, prior) @ reduced
    expected = reduced @ np.linalg.solve(dense, reduced.T @ right.ravel())
    assert_allclose(theta.ravel(), expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("n_arms", [2, 3, 5])
def test_separated_covariance_is_exact_where_information_is_proportional(n_arms):
    information, right, rng = problem(n_arms)
    shares = rng.dirichlet(np.full(n_arms, 2.0))
    information = shares[:, None, None] * information.sum(axis=0)
    prior = random_prior(n_arms, rng)
    # what the arms have in common is free
    prior = prior._replace(base=np.full(4, 1e6))
    _, separated = solve(information, right, prior, LAYOUT, np.zeros(right.shape))
    exact = dense_covariance(information, prior)
    # covariances times unit vectors are what is used of it
    for j in range(n_arms):
        for k in range(7):
            unit = np.zeros((n_arms, 7))
            unit[j, k] = 1.0
            found = evidence._precondition(unit, separated)
            assert_allclose(found, exact[:, :, j, k], atol=1e-5 * np.abs(exact).max())


def updated(n_arms):
    """A prior before and after an update, with means and the dense covariance before."""
    information, right, rng = problem(n_arms)
    information = np.repeat(information.mean(axis=0)[None], n_arms, axis=0)
    prior = random_prior(n_arms, rng)
    prior = prior._replace(base=np.array([1e6, 50.0, 50.0, 50.0]))
    theta, separated = solve(information, right, prior, LAYOUT, np.zeros(right.shape))
    new = update_prior(theta, separated, prior, LAYOUT)
    return theta, dense_covariance(information, prior), prior, new


@pytest.mark.parametrize("n_arms", [2, 3, 5])
def test_update_by_dense_algebra(n_arms, monkeypatch):
    monkeypatch.setattr(evidence, "IDLE_FEATURES", 1)
    theta, covariance, prior, new = updated(n_arms)
    effects = theta - theta.mean(axis=0)
    contrasts = np.linalg.pinv(prior.pattern, hermitian=True)
    # sizes in units of the variances, and degrees of freedom, of each column
    prior_variances = effect_variances(prior, LAYOUT)
    sizes = [effects[:, k] @ contrasts @ effects[:, k] / prior_variances[k] for k in range(7)]
    left = [np.trace(contrasts @ covariance[:, k, :, k]) / prior_variances[k] for k in range(7)]
    known = n_arms - 1 - np.array(left)
    centre = 2 / np.sum(1 / prior.effect[1:])
    bend = (prior.bend * sizes[5] + evidence.BEND_CENTRE) / (known[5] + evidence.BEND_DEGREES)
    assert_allclose(new.bend, np.clip(bend, *evidence.BEND_RANGE), rtol=1e-3)
    for g in range(1, 4):
        own = np.flatnonzero(g == GROUP)
        size = np.sum(theta.mean(axis=0)[own] ** 2)
        variances = [covariance[:, k, :, k].mean() for k in own]
        degrees = len(own) - sum(variances) / prior.base[g]
        base = (size + evidence.BASE_FLOOR) / (degrees + evidence.BASE_DEGREES)
        size, degrees = (sum(part[k] for k in own) for part in (sizes, known))
        pull = evidence.EFFECT_DEGREES + evidence.CENTRE_DEGREES * 2 / 3
        pull *= hyperprior_share(n_arms)
        expected = (prior.effect[g] * size + pull * centre) / (degrees + pull)
        assert_allclose(new.effect[g], np.clip(expected, *evidence.EFFECT_RANGE), rtol=1e-3)
        # arms are not opposed beforehand
        base = max(np.clip(base, *evidence.BASE_RANGE), new.effect[g] / n_arms)
        assert_allclose(new.base[g], base, rtol=1e-3)
    # the level of all arms stays free
    assert new.base[0] == prior.base[0]


@pytest.mark.parametrize("n_arms", [2, 3, 5])
def test_pattern_by_dense_algebra(n_arms):
    theta, covariance, prior, new = updated(n_arms)
    centring = np.eye(n_arms) - 1 / n_arms
    effects, prior_variances = centring @ theta, effect_variances(prior, LAYOUT)
    # expectation of the effects' second moments, in units of their variances
    pattern = evidence.PATTERN_COLUMNS * (n_arms - 1) * centring
    for k in range(7):
        own = np.outer(effects[:, k], effects[:, k]) + centring @ covariance[:, k, :, k] @ centring
        pattern = pattern + own / prior_variances[k]
    pattern *= (n_arms - 1) / np.trace(pattern)
    assert_allclose(new.pattern, pattern, atol=1e-3)


def test_common_part_is_open_where_an_arm_has_no_rows():
    # exact for two arms and columns that are orthogonal
    information, right = np.zeros((2, 7, 7)), np.zeros((2, 7))
    information[0] = np.diag(np.arange(1.0, 8) * 10)
    right[0] = np.arange(7.0) - 3
    prior = Prior(
        np.array([1e4, 0.2, 0.05, 0.1]),
        np.array([0.02, 0.3, 0.1, 0.01]),
        np.array([[0.5, -0.5], [-0.5, 0.5]]),
        1.0,
    )
    theta, separated = solve(information, right, prior, LAYOUT, np.zeros((2, 7)))
    base = evidence._update_base(theta, separated, prior, GROUP)
    covariance = dense_covariance(information, prior)
    for g in range(1, 4):
        own = np.flatnonzero(g == GROUP)
        degrees = sum(1 - covariance[:, k, :, k].mean() / prior.base[g] for k in own)
        size = np.sum(theta.mean(axis=0)[own] ** 2)
        expected = (size + evidence.BASE_FLOOR) / (degrees + evidence.BASE_DEGREES)
        assert_allclose(base[g], expected, rtol=1e-6)


@pytest.mark.parametrize("shares", [None, [0.6, 0.2, 0.1, 0.1]])
@pytest.mark.parametrize("line", [0.0, 0.9])
def test_planted_variances_are_found(shares, line):
    # arms differ without a pattern, or mostly along a line
    direction = np.array([-3.0, -1, 1, 3]) / np.sqrt(20)
    pattern = (1 - line) * (np.eye(4) - 0.25) + 3 * line * np.outer(direction, direction)
    found = []
    for seed in range(4):
        information, right, layout = planted(
            4, [0.3, 0.05], [0.1, 0.02], pattern, n_rows=4000, seed=seed, shares=shares
        )
        found.append(settled(information, right, first_prior(3, 4), layout, n_updates=40)[1])
    base, effect, pattern_found, _ = (np.mean(parts, axis=0) for parts in zip(*found))
    assert_allclose(base[1:], [0.3, 0.05], rtol=0.3)
    # the ratio; their size is that of the pattern, which leans to none
    assert_allclose(effect[1] / effect[2], 5, rtol=0.35)
    values, vectors = np.linalg.eigh(pattern_found)
    assert_allclose(values.sum(), 3)
    assert_allclose(values[0], 0, atol=1e-9)
    if line:
        assert np.abs(vectors[:, -1] @ direction) > 0.98
        assert values[-1] > 3 * values[-2]
    else:
        assert_allclose(effect[1:], [0.1, 0.02], rtol=0.3)
        assert_allclose(pattern_found, pattern, atol=0.15)


@pytest.mark.parametrize("errors", [1.5, 1.8, 3.0])
def test_a_single_contrast_by_hand(errors):
    # two arms of n rows and variance 1: levels differ by a number of standard errors
    n_rows, group = 200.0, np.array([0])
    information = np.full((2, 1, 1), n_rows)
    difference = errors * np.sqrt(2 / n_rows)
    right = n_rows * np.array([[difference], [0.0]])
    theta, _ = settled(information, right, first_prior(1, 2), straight(group))
    # with v the variance of the contrast, s that of its estimate and p degrees of the prior, the
    # fixed point is v (v / (v + s) + p) = errors^2 s v^2 / (v + s)^2, but for the floor
    pull, own = hyperprior_share(2), 1 / n_rows
    linear = own * (1 + 2 * pull - errors**2)
    root = np.sqrt(linear**2 - 4 * (1 + pull) * pull * own**2) if errors > 1.7 else np.nan
    variance = (root - linear) / (2 * (1 + pull)) if errors > 1.7 else 0.0
    expected = difference * variance / (variance + own)
    assert_allclose(theta[0, 0] - theta[1, 0], expected, atol=0.02 * difference)


def test_few_features_share_no_centre():
    for n_features in (1, 4):
        effect = np.array([0.02, 0.3, 0.1, 0.2, 0.4])[: 1 + n_features]
        centre, pull = evidence._hyperprior(effect)
        assert_array_equal(centre, evidence.EFFECT_FLOOR)
        assert_array_equal(pull, evidence.EFFECT_DEGREES)
    # of five features four have no effect
    centre, pull = evidence._hyperprior(np.array([0.02, 0.3, 0.1, 0.2, 0.4, 0.1]))
    assert_allclose(centre[1:], 1 / (1 / 0.3 + 1 / 0.1 + 1 / 0.2 + 1 / 0.4 + 1 / 0.1))
    assert centre[0] == evidence.EFFECT_FLOOR
    assert_allclose(pull, [1, 1.4, 1.4, 1.4, 1.4, 1.4])


@pytest.mark.parametrize("n_features", [100, 300])
def test_noise_of_many_features_fades(n_features):
    information, right, layout = planted(
        2, [0.0] * n_features, [0.0] * n_features, np.eye(2) - 0.5, n_rows=3000, seed=1, n_own=1
    )
    theta, _ = settled(information, right, first_prior(1 + n_features, 2), layout, n_updates=18)
    effects = (theta - theta.mean(axis=0))[:, 1:]
    plain = [np.linalg.solve(one, own) for one, own in zip(information, right)]
    plain = (plain - np.mean(plain, axis=0))[:, 1:]
    # with this sample least squares say that features tell 0.3 and 0.5 of the noise's spread
    assert np.sqrt(np.sum(effects**2)) < 0.5 * np.sqrt(np.sum(plain**2))


def test_many_small_effects_are_kept(monkeypatch):
    # no feature shows its effects by itself, and all together do
    rng = np.random.default_rng(0)
    n_arms, n_features, n_rows = 3, 60, 3000
    effects = 0.04 * rng.normal(size=(n_arms, n_features))
    effects -= effects.mean(axis=0)
    columns = np.column_stack([np.ones(n_rows), rng.normal(size=(n_rows, n_features))])
    arm = rng.integers(0, n_arms, n_rows)
    outcome = np.einsum("ik,ik->i", columns[:, 1:], effects[arm]) + rng.normal(size=n_rows)
    seen = [arm == j for j in range(n_arms)]
    information = np.array([columns[own].T @ columns[own] for own in seen])
    right = np.array([columns[own].T @ outcome[own] for own in seen])
    layout = straight(np.arange(1 + n_features))
    start = first_prior(1 + n_features, n_arms)

    def error():
        theta, _ = settled(information, right, start, layout, n_updates=18)
        return np.mean(((theta - theta.mean(axis=0))[:, 1:] - effects) ** 2)

    # the best shrinkage of all features alike leaves this share of the effects' variance
    noise = n_arms / n_rows
    best = noise / (noise + 0.04**2) * np.mean(effects**2)
    together = error()
    assert together < 1.45 * best
    # features whose variances share no centre
    monkeypatch.setattr(evidence, "IDLE_FEATURES", n_features)
    assert together < 0.8 * error()


@pytest.mark.parametrize("bend", [0.0, 1.0])
def test_bends_count_as_far_as_effects_bend(bend):
    found = []
    for seed in range(3):
        information, right, layout = planted(
            4, [0.3] * 6, [0.02] * 6, np.eye(4) - 0.25, n_rows=4000, seed=seed, n_own=5,
            bend=bend,
        )  # fmt: skip
        found.append(settled(information, right, first_prior(7, 4), layout, n_updates=40)[1].bend)
    assert_allclose(np.mean(found), bend, atol=0.2)


def test_share_of_hyperpriors():
    assert [hyperprior_share(n_arms) for n_arms in (2, 3, 5, 13)] == [0.25, 0.5, 1.0, 1.0]


def test_effects_of_noise_have_nearly_no_variance():
    information, right, layout = planted(
        4, [0.3, 0.0], [0.0, 0.0], np.eye(4) - 0.25, n_rows=4000, seed=0
    )
    theta, prior = settled(information, right, first_prior(3, 4), layout)
    assert (prior.effect[1:] < 5 * evidence.EFFECT_FLOOR).all()
    assert prior.base[2] < 2e-3
    assert_allclose(prior.base[1], 0.3, rtol=0.4)
    effects = theta - theta.mean(axis=0)
    assert np.abs(effects[:, 1:]).max() < 0.02


def test_updates_make_the_data_more_likely():
    # marginal likelihood, up to a constant: half the log determinant and the fit
    pattern = np.eye(3) - 1 / 3
    information, right, layout = planted(
        3, [0.3, 0.01], [0.05, 0.001], pattern, n_rows=600, seed=1, n_own=8
    )

    def evidence_of(prior):
        n_arms, n_columns = right.shape
        covariance = np.zeros((n_arms, n_columns, n_arms, n_columns))
        for k, g in enumerate(layout.group):
            covariance[:, k, :, k] = prior.base[g] + prior.effect[g] * prior.pattern
        covariance = covariance.reshape(right.size, -1)
        data = np.zeros((n_arms, n_columns, n_arms, n_columns))
        for j in range(n_arms):
            data[j, :, j] = information[j]
        data = data.reshape(right.size, -1)
        scaled = np.eye(right.size) + data @ covariance
        fit = right.ravel() @ covariance @ np.linalg.solve(scaled, right.ravel())
        return 0.5 * fit - 0.5 * np.linalg.slogdet(scaled)[1]

    prior, theta = first_prior(3, 3), np.zeros(right.shape)
    likely = [evidence_of(prior)]
    for _ in range(12):
        theta, separated = solve(information, right, prior, layout, theta)
        prior = update_prior(theta, separated, prior, layout)
        likely.append(evidence_of(prior))
    assert likely[3] > likely[0] + 3
    # weak hyperpriors and the separation cost little
    assert likely[-1] > max(likely) - 0.5
    for other in (prior._replace(base=4 * prior.base), prior._replace(effect=4 * prior.effect)):
        assert evidence_of(other) < likely[-1]
    for other in (prior._replace(base=prior.base / 4), prior._replace(effect=prior.effect / 4)):
        assert evidence_of(other) < likely[-1]


def test_one_arm():
    information, right, _ = problem(1)
    theta, prior = settled(information, right, first_prior(4, 1))
    assert_array_equal(prior.effect, first_prior(4, 1).effect)
    ridge = information[0] + np.diag(1 / prior.base[GROUP])
    assert_allclose(theta[0], np.linalg.solve(ridge, right[0]), atol=1e-4)
    assert prior.base[1] > 10 * prior.base[2]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("bend", [None, 1.0])
def test_arm_without_rows_does_not_do_the_reverse_of_the_others(seed, bend):
    information, right, layout = planted(
        3, [0.3, 0.0], [0.1, 0.0], np.eye(3) - 1 / 3, n_rows=1000, seed=seed, n_own=8, bend=bend
    )
    information[1], right[1] = 0.0, 0.0
    theta, prior = settled(information, right, first_prior(3, 3), layout, n_updates=20)
    least = effect_variances(prior, layout) / 3
    assert (prior.base[layout.group] >= least - 1e-12).all()
    others = theta[[0, 2]].mean(axis=0)[1:]
    assert -0.05 < theta[1, 1:] @ others / (others @ others) < 1.05


def test_no_rows_at_all():
    prior = first_prior(4, 3)
    theta, updated = settled(np.zeros((3, 7, 7)), np.zeros((3, 7)), prior, n_updates=3)
    assert_array_equal(theta, 0)
    for part in updated:
        assert np.isfinite(part).all()


@pytest.mark.parametrize("n_arms", [2, 5])
def test_arms_may_change_places(n_arms):
    information, right, rng = problem(n_arms)
    order = rng.permutation(n_arms)[::-1]
    theta, prior = settled(information, right, first_prior(4, n_arms), n_updates=5)
    other, other_prior = settled(
        information[order], right[order], first_prior(4, n_arms), n_updates=5
    )
    assert_allclose(other, theta[order], atol=1e-4)
    assert_allclose(other_prior.base, prior.base, rtol=1e-3)
    assert_allclose(other_prior.effect, prior.effect, rtol=1e-3)
    assert_allclose(other_prior.pattern, prior.pattern[np.ix_(order, order)], atol=1e-3)


def test_variances_stay_in_their_ranges():
    information, right, _ = problem(3)
    for factor in (0.0, 1e4):
        _, prior = settled(information, factor * right, first_prior(4, 3), n_updates=20)
        for values, bounds in [
            (prior.base[1:], evidence.BASE_RANGE),
            (prior.effect, evidence.EFFECT_RANGE),
            (np.array([prior.bend]), evidence.BEND_RANGE),
        ]:
            assert (values >= bounds[0]).all()
            assert (values <= bounds[1]).all()
