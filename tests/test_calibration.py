"""Calibration on the link scale, on links whose truth is known."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.linear_model import GammaRegressor, PoissonRegressor
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler

from sklearn_hrc import MultiTaskRepresenter
from sklearn_hrc._predictor.calibration import SLOPES, calibrate, fit_calibration
from sklearn_hrc._predictor.tasks import AMOUNT, CONTINUOUS, INDICATOR, POSITIVE, Components
from sklearn_hrc.datasets import make_coupon_experiment

KINDS = [INDICATOR, AMOUNT, POSITIVE, CONTINUOUS]
N_ROWS, N_ARMS = 40_000, 3
# What the arms have in common moves the first and the last against each other,
# what is particular to an arm is the middle one against them.
COMMON = np.array([1, 0, -1]) / np.sqrt(2)
OWN = np.array([1, -2, 1]) / np.sqrt(6)
SIZES = {"base": 0.7, "common": 0.8, "own": 0.5}


def components_of(kind, n_arms=N_ARMS, known=()):
    """Components of which some (arm, component) are known."""
    source = np.zeros((n_arms, len(kind)), dtype=int)
    for place in known:
        source[place] = -1
    fields = dict.fromkeys(Components._fields)
    return Components(**{**fields, "kind": np.asarray(kind), "source": source})


def draw(links, kind, rng):
    """Targets whose expectation has these links."""
    if kind == INDICATOR:
        return (rng.random(links.shape) < expit(links)).astype(float)
    if kind == AMOUNT:
        return np.exp(links) * rng.gamma(3.0, 1 / 3, links.shape)
    if kind == POSITIVE:
        return rng.poisson(np.exp(links)).astype(float)
    return links + rng.normal(size=links.shape)


def fit(
    links, arm, targets, kind, weights=None, sample_weight=None, n_chunks=1, known=(), mean=None
):
    """Calibrate; links have an axis for components, targets of one kind may do without.

    The networks agree, but where their `mean` is given.
    """
    mean = links if mean is None else mean
    if links.ndim == 2:
        links, mean, targets = links[..., None], mean[..., None], targets[:, None]
    kind = np.atleast_1d(kind)
    weights = np.ones(targets.shape) if weights is None else weights
    sample_weight = np.ones(len(arm)) if sample_weight is None else sample_weight
    components = components_of(kind, links.shape[1], known)
    chunks = zip(np.array_split(links, n_chunks), np.array_split(mean, n_chunks))
    return fit_calibration(chunks, arm, targets, weights, sample_weight, components)


def draw_part(part, rng, n_rows=N_ROWS):
    """Base, common or own effect of random size, the same distribution at every call."""
    shape = {"base": np.ones(N_ARMS), "common": COMMON, "own": OWN}[part]
    return SIZES[part] * rng.normal(size=(n_rows, 1)) * shape


def experiment(kind, seed=0, n_rows=N_ROWS, parts=tuple(SIZES)):
    """Return true links of one component, arms, targets of the received arm and a generator."""
    rng = np.random.default_rng(seed)
    links = [-0.3, 0.0, 0.3] + sum(draw_part(part, rng, n_rows) for part in parts)
    arm = rng.integers(0, N_ARMS, n_rows)
    return links, arm, draw(links[np.arange(n_rows), arm], kind, rng), rng


def received_columns(links, arm, weight):
    """Base, common and own effect of the received arms, less their means, by another way."""
    base = links.mean(axis=1, keepdims=True)
    effect = links - base
    effect = effect - np.average(effect, axis=0, weights=weight)
    common = np.empty(effect.shape)
    for c in range(links.shape[2]):
        scaled = np.sqrt(weight)[:, None] * effect[..., c]
        u, size, vt = np.linalg.svd(scaled, full_matrices=False)
        common[..., c] = size[0] * np.outer(u[:, 0], vt[0]) / np.sqrt(weight)[:, None]
    base = np.broadcast_to(base - np.average(base, axis=0, weights=weight), links.shape)
    rows = np.arange(len(arm))
    return [column[rows, arm] for column in (base, common, effect - common)]


def assert_same_calibration(one, other, **tolerance):
    """Compare all fields, the direction up to its sign."""
    for name, value in one._asdict().items():
        values = [value, getattr(other, name)]
        if name == "direction":
            values = [np.einsum("jc,kc->jkc", x, x) for x in values]
        assert_allclose(*values, **tolerance)


def small(seed=0, n_rows=300):
    """Links of all kinds that are half right, arms, targets, weights."""
    rng = np.random.default_rng(seed)
    links = 0.5 * rng.normal(size=(n_rows, N_ARMS, 4)) + 0.5 * rng.normal(size=(n_rows, 1, 4))
    arm = rng.integers(0, N_ARMS, n_rows)
    truth = 0.4 + 0.5 * links[np.arange(n_rows), arm]
    targets = np.column_stack([draw(truth[:, kind], kind, rng) for kind in KINDS])
    weights = rng.integers(0, 3, (n_rows, 4)).astype(float)
    return links, arm, targets, weights, rng.integers(1, 4, n_rows).astype(float)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [0, 1])
def test_right_links_are_kept(kind, seed):
    # also what is particular to an arm
    links, arm, targets, _ = experiment(kind, seed)
    calibration = fit(links, arm, targets, kind)
    for slope, tolerance in zip(calibration.slopes, (0.06, 0.1, 0.15)):
        assert_allclose(slope, 1, atol=tolerance)
    assert_allclose(np.abs(COMMON @ calibration.direction), 1, atol=1e-3)
    assert_allclose(calibration.level[:, 0], links.mean(axis=0), atol=0.05)
    assert_allclose(calibrate(links[..., None], calibration)[..., 0], links, atol=0.4)


@pytest.mark.parametrize("kind", KINDS)
def test_effects_that_are_noise_vanish(kind):
    links, arm, _, rng = experiment(kind)
    truth = np.broadcast_to(links.mean(axis=1, keepdims=True), links.shape)
    targets = draw(truth[np.arange(N_ROWS), arm], kind, rng)
    calibration = fit(links, arm, targets, kind)
    assert_allclose(calibration.slopes[0], 1, atol=0.06)
    assert_allclose(calibration.slopes[1:], 0, atol=0.08)
    # neither the arms' levels, which the links have 0.3 apart, are believed
    assert_allclose(calibration.level[:, 0], 0, atol=0.05)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("part", SIZES)
def test_overfitted_links_are_halved(kind, part):
    links, arm, targets, rng = experiment(kind)
    # as much noise as there is truth
    calibration = fit(links + draw_part(part, rng), arm, targets, kind)
    # logistic and log links of a noisy predictor: exact for the latter, nearly so for the former
    expected = [[0.5] if part == other else [1] for other in SIZES]
    assert_allclose(calibration.slopes, expected, atol=0.12)
    assert_allclose(calibration.slopes[list(SIZES).index(part)], 0.5, atol=0.07)


def parts_of(links):
    """Base, common and own effect of links of one component, less their means."""
    links = links - links.mean(axis=0)
    base = np.outer(links.mean(axis=1), np.ones(N_ARMS))
    return base, np.outer(links @ COMMON, COMMON), np.outer(links @ OWN, OWN)


@pytest.mark.parametrize("kind", KINDS)
def test_mean_that_varies_less_is_stretched(kind):
    links, arm, targets, _ = experiment(kind)
    base, common, own = parts_of(links)
    # where the networks differ they cancel; and their mean stands elsewhere
    mean = 0.9 * base + 0.75 * common + 0.8 * own + [5.0, -3.0, 4.0]
    calibration = fit(links, arm, targets, kind, mean=mean)
    for slope, share, tolerance in zip(calibration.slopes, (0.9, 0.75, 0.8), (0.06, 0.1, 0.15)):
        assert_allclose(share * slope, 1, atol=tolerance)
    assert_allclose(calibration.level[:, 0], links.mean(axis=0), atol=0.05)
    # as if the mean was any one network
    calibrated = calibrate(mean[..., None], calibration)
    expected = calibrate(links[..., None], fit(links, arm, targets, kind))
    assert_allclose(calibrated, expected, atol=0.02)


def test_stretch_is_the_root_of_the_ratio_of_variances():
    links, arm, targets, weights, sample_weight = small()
    rng = np.random.default_rng(3)
    mean = links + 0.3 * rng.normal(size=links.shape)
    arguments = (arm, targets, KINDS, weights, sample_weight)
    alone, together = fit(links, *arguments), fit(links, *arguments, mean=mean)
    variances = []
    for values in (links, mean):
        base = values.mean(axis=1)
        effect = values - base[:, None]
        common = np.einsum("ijc,jc->ic", effect, alone.direction)
        own = effect - common[:, None] * alone.direction
        parts = (base[:, None], common[:, None], own)
        deviations = [part - np.average(part, axis=0, weights=sample_weight) for part in parts]
        squares = [np.square(part).sum(axis=1) for part in deviations]
        variances.append([np.average(part, axis=0, weights=sample_weight) for part in squares])
    stretch = np.sqrt(np.divide(*variances))
    assert (np.abs(stretch - 1) > 0.02).any()
    assert_allclose(together.slopes, alone.slopes * stretch)
    for n_chunks in (3, 300):
        chunked = fit(links, *arguments, n_chunks=n_chunks, mean=mean)
        assert_same_calibration(together, chunked, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_noise_of_the_mean_is_not_blown_up(kind):
    links, arm, targets, _ = experiment(kind, n_rows=2000)
    base, common, own = parts_of(links)
    calibration = fit(links, arm, targets, kind, mean=base + common + 1e-3 * own)
    assert_array_equal(calibration.slopes[2], SLOPES[1])
    # a part that it does not have at all is not stretched
    alone = fit(links, arm, targets, kind)
    calibration = fit(links, arm, targets, kind, mean=np.zeros(links.shape))
    assert_array_equal(calibration.slopes, alone.slopes)


@pytest.mark.parametrize("kind", KINDS)
def test_noise_of_single_arms_is_told_from_common_effects(kind):
    truth, arm, targets, rng = experiment(kind, parts=["base", "common"])
    noise = 0.2 * rng.normal(size=truth.shape)
    links = truth + noise - noise.mean(axis=1, keepdims=True)
    calibration = fit(links, arm, targets, kind)
    base, common, own = calibration.slopes
    assert_allclose(base, 1, atol=0.06)
    # of the common effect a part is noise as well
    assert_allclose(common, 0.8**2 / (0.8**2 + 0.2**2), atol=0.06)
    assert_allclose(own, 0, atol=0.15)

    def error(other):
        return np.mean(np.square(other - truth))

    # the best that a single slope could do, and that with the true levels and base
    base = truth.mean(axis=1, keepdims=True) + truth.mean(axis=0) - truth.mean()
    effect = links - base
    slope = np.sum(effect * (truth - base)) / np.sum(np.square(effect))
    calibrated = calibrate(links[..., None], calibration)[..., 0]
    assert error(calibrated) < 0.6 * error(base + slope * effect)
    assert error(calibrated) < 0.6 * error(links)


@pytest.mark.parametrize("kind", KINDS)
def test_two_arms_have_no_own_effect(kind):
    links, arm, targets, _ = experiment(kind)
    links, targets, arm = links[arm > 0, 1:], targets[arm > 0], arm[arm > 0] - 1
    calibration = fit(links, arm, targets, kind)
    base, common, own = calibration.slopes
    assert_allclose(base, 1, atol=0.06)
    assert_allclose(common, 1, atol=0.1)
    assert_allclose(own, 1)
    # all of the effect is common
    deviation = links.mean(axis=1) - links.mean()
    effect = links[:, 0] - links[:, 1]
    effect = np.outer(effect - effect.mean(), [0.5, -0.5])
    expected = calibration.level[:, 0] + base * deviation[:, None] + common * effect
    for slope in (0.0, own[0], 5.0):
        calibration.slopes[2] = slope
        assert_allclose(calibrate(links[..., None], calibration)[..., 0], expected, atol=1e-12)


def test_slopes_are_those_of_the_penalised_objective():
    links, arm, targets, weights, sample_weight = small()
    calibration = fit(links, arm, targets, KINDS, weights, sample_weight)
    losses = [
        lambda link, y: np.logaddexp(0, link) - y * link,
        lambda link, y: y * np.exp(-link) + link,
        lambda link, y: np.exp(link) - y * link,
        lambda link, y: 0.5 * (y - link) ** 2,
    ]
    means = np.average(links, axis=0, weights=sample_weight)
    assert_allclose(calibration.base_mean, means.mean(axis=0))
    assert_allclose(calibration.effect_mean, means - means.mean(axis=0))
    columns = received_columns(links, arm, sample_weight)
    for component, loss in enumerate(losses):
        start = np.array([*means[:, component], 1, 1, 1])

        def objective(c, component=component, loss=loss, start=start):
            link = c[arm] + sum(
                slope * column[:, component] for slope, column in zip(c[3:], columns)
            )
            fit = weights[:, component] @ loss(link, targets[:, component])
            return fit + 0.5 * np.sum((c - start) ** 2)

        found = minimize(objective, start, method="BFGS", options={"gtol": 1e-4}).x
        assert (found[3:] > SLOPES[0]).all()
        assert (found[3:] < SLOPES[1]).all()
        fitted = [*calibration.level[:, component], *calibration.slopes[:, component]]
        assert_allclose(fitted, found, atol=1e-4)


@pytest.mark.parametrize(
    ("kind", "model"), [(AMOUNT, GammaRegressor), (POSITIVE, PoissonRegressor)]
)
def test_many_rows_agree_with_scikit_learn(kind, model):
    links, arm, targets, rng = experiment(kind, n_rows=8000)
    links = links + 0.3 * rng.normal(size=links.shape)
    calibration = fit(links, arm, targets, kind)
    columns = received_columns(links[..., None], arm, np.ones(len(arm)))
    design = np.column_stack([np.eye(N_ARMS)[arm], *columns])
    fitted = model(alpha=1e-9, fit_intercept=False, tol=1e-8, max_iter=1000).fit(design, targets)
    found = [*calibration.level[:, 0], *calibration.slopes[:, 0]]
    assert_allclose(found, fitted.coef_, atol=4e-3)


def test_known_arms_take_no_part_in_the_base():
    links, arm, targets, weights, sample_weight = small()
    weights[arm == 0, 1:] = 0
    known = [(0, 1), (0, 2), (0, 3)]
    other = links.copy()
    other[:, 0, 1:] = 7 * np.random.default_rng(1).normal(size=(300, 3))
    first, second = (
        fit(x, arm, targets, KINDS, weights, sample_weight, known=known) for x in (links, other)
    )
    assert_array_equal(first.share, np.array([[2, 0, 0, 0], [2, 3, 3, 3], [2, 3, 3, 3]]) / 6)
    assert_array_equal(first.direction[0, 1:], 0)
    assert_allclose(first.slopes, second.slopes)
    assert_allclose(calibrate(links, first)[:, 1:], calibrate(other, second)[:, 1:])
    # and it is a fit to the two other arms alone
    alone = fit(
        links[:, 1:, 1:][arm > 0], arm[arm > 0] - 1, targets[arm > 0, 1:], KINDS[1:],
        weights[arm > 0, 1:], sample_weight[arm > 0],
    )  # fmt: skip
    assert_allclose(first.slopes[:, 1:], alone.slopes, atol=0.01)
    assert_allclose(np.abs(first.direction[1:, 1:]), np.sqrt(0.5))


def test_component_without_rows_is_left_alone():
    links, arm, targets, weights, sample_weight = small()
    weights[:, [0, 2]] = 0
    # what is known in all arms has no base
    known = [(0, 2), (1, 2), (2, 2)]
    calibration = fit(links, arm, targets, KINDS, weights, sample_weight, known=known)
    assert_array_equal(calibration.slopes[:, [0, 2]], 1)
    assert_array_equal(calibration.share[:, 2], 0)
    assert_array_equal(calibration.direction[:, 2], 0)
    calibrated = calibrate(links, calibration)
    assert_allclose(calibrated[..., [0, 2]], links[..., [0, 2]], atol=1e-12)
    assert not np.allclose(calibrated[..., [1, 3]], links[..., [1, 3]], atol=0.1)


def test_arm_without_rows_keeps_its_level():
    links, arm, targets, weights, sample_weight = small()
    weights[arm == 2] = 0
    calibration = fit(links, arm, targets, KINDS, weights, sample_weight)
    means = np.average(links[:, 2], axis=0, weights=sample_weight)
    assert_allclose(calibration.level[2], means)


def test_chunks_do_not_matter():
    arguments = small()[:3] + (KINDS,) + small()[3:]
    whole = fit(*arguments)
    for n_chunks in (2, 7, 300):
        chunked = fit(*arguments, n_chunks=n_chunks)
        assert_same_calibration(whole, chunked, rtol=1e-7, atol=1e-9)


def test_weights_count_like_repeated_rows():
    links, arm, targets, weights, _ = small()
    weight = np.random.default_rng(1).integers(1, 4, len(arm))
    rows = np.repeat(np.arange(len(arm)), weight)
    weighted = fit(links, arm, targets, KINDS, weights * weight[:, None], weight * 1.0)
    repeated = fit(links[rows], arm[rows], targets[rows], KINDS, weights[rows])
    assert_same_calibration(weighted, repeated, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_slopes_are_clipped(kind):
    links, arm, targets, _ = experiment(kind, n_rows=5000)
    timid, turned = (fit(factor * links, arm, targets, kind) for factor in (0.3, -1))
    assert_array_equal(timid.slopes, SLOPES[1])
    assert_array_equal(turned.slopes, SLOPES[0])


@pytest.mark.parametrize("kind", KINDS)
def test_means_of_the_arms_are_kept_also_where_slopes_are_clipped(kind):
    links, arm, targets, _ = experiment(kind)
    mean = {INDICATOR: expit, CONTINUOUS: np.asarray}.get(kind, np.exp)
    for factor in (1.0, 0.3, -1.0):
        calibration = fit(factor * links, arm, targets, kind)
        calibrated = mean(calibrate(factor * links[..., None], calibration)[..., 0])
        for j in range(N_ARMS):
            observed, predicted = targets[arm == j], calibrated[arm == j, j]
            if kind == AMOUNT:  # where the gamma deviance is least
                assert_allclose(np.mean(observed / predicted), 1, atol=0.05)
            else:
                assert_allclose(predicted.mean(), observed.mean(), rtol=0.05, atol=0.05)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("factor", [2, 8, 12])
def test_wild_links_are_tamed(kind, factor):
    links, arm, targets, _ = experiment(kind, n_rows=5000)
    calibration = fit(factor * links, arm, targets, kind)
    for slope, tolerance in zip(calibration.slopes, (0.15, 0.25, 0.4)):
        assert_allclose(factor * slope, 1, atol=tolerance)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shift", [-8, 8])
def test_links_that_are_far_off_are_brought_back(kind, shift):
    links, arm, targets, _ = experiment(kind, n_rows=5000)
    calibration = fit(links + shift, arm, targets, kind)
    assert_allclose(calibration.level[:, 0], links.mean(axis=0), atol=0.15)


@pytest.mark.parametrize("kind", KINDS)
def test_links_that_say_nothing_leave_the_means(kind):
    links, arm, targets, _ = experiment(kind, n_rows=5000)
    calibration = fit(np.zeros(links.shape), arm, targets, kind)
    mean = {INDICATOR: expit, CONTINUOUS: np.asarray}.get(kind, np.exp)
    observed = [targets[arm == j].mean() for j in range(N_ARMS)]
    assert_allclose(mean(calibration.level[:, 0]), observed, atol=0.01)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_and_input_are_kept(dtype):
    links, *others = small()
    calibration = fit(links, others[0], others[1], KINDS, *others[2:])
    given = links.astype(dtype)
    calibrated = calibrate(given, calibration)
    assert calibrated.dtype == dtype
    assert_array_equal(given, links.astype(dtype))
    assert_allclose(calibrated, calibrate(links, calibration), rtol=1e-3, atol=1e-5)


def representer_of(n_samples, seed, world=None, **parameters):
    """Return a fitted representer of five networks and the scaler of its features."""
    sample = make_coupon_experiment(n_samples, random_state=seed, **(world or {}))
    scaler = StandardScaler().fit(sample.data)
    representer = MultiTaskRepresenter(n_networks=5, random_state=0, **parameters).fit(
        scaler.transform(sample.data), sample.target, treatment=sample.treatment, cost=sample.cost
    )
    assert_array_equal(representer._components.kind, [INDICATOR, AMOUNT])
    return representer, scaler


def spread_of_amounts(seed, world):
    """Standard deviations of the calibrated base, common and own effect of log amounts."""
    representer, scaler = representer_of(10_000, seed, world)
    X = scaler.transform(make_coupon_experiment(10_000, random_state=99, **world).data)
    links = representer._links(representer._hidden(X)).mean(axis=0)
    amount = calibrate(links, representer._calibration)[..., 1]
    base = amount.mean(axis=1)
    effect = amount - base[:, None]
    effect = effect - effect.mean(axis=0)
    common = effect @ representer._calibration.direction[:, 1]
    own = effect - np.outer(common, representer._calibration.direction[:, 1])
    return base.std(), common.std() / np.sqrt(5), own.std()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_effects_on_amounts_are_believed_where_there_are_some(seed):
    # where amounts have no effects, not even along the largest direction of the noise
    base, common, own = spread_of_amounts(seed, {})
    assert base > 0.3
    assert common < 0.1 * base
    assert own < 0.1 * base
    # quiet baskets of many orders: with the default noise half of the effect is noise
    world = {"amount_effect": 0.4, "order_rate": 0.4, "basket_noise": 0.2}
    _, common, own = spread_of_amounts(seed, world)
    assert common > 0.1
    assert own < 0.3 * common


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_overfitted_networks_predict_better_with_calibration(seed):
    # few rows, wide layers, long steps
    representer, scaler = representer_of(2000, seed, hidden_layer_sizes=(256, 128), lr=2e-2)
    assert representer._calibration.slopes[0][0] < 0.8
    fresh = make_coupon_experiment(20_000, random_state=99)
    arm = np.searchsorted(representer.treatments_, fresh.treatment)
    X, losses = scaler.transform(fresh.data), []
    for calibration in (representer._calibration, None):
        representer._calibration = calibration
        chance = representer.predict_outcomes(X)[np.arange(len(X)), arm, 1]
        losses.append(log_loss(fresh.target[:, 1], chance))
    assert losses[0] < losses[1] - 0.003
