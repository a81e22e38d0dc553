"""Combination of members, on links whose truth is known."""

import numpy as np
import pytest
from helpers.training_rows import KINDS, components_of, draw, rows_of
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler

from sklearn_hrc import MultiTaskRepresenter
from sklearn_hrc._predictor import stack as module
from sklearn_hrc._predictor import weights as fitting
from sklearn_hrc._predictor.encoding import Encoding, encode
from sklearn_hrc._predictor.lending import no_lending
from sklearn_hrc._predictor.losses import LOSSES
from sklearn_hrc._predictor.prior import hyperprior_share
from sklearn_hrc._predictor.stack import (
    LARGEST_STRETCH,
    Stack,
    combine,
    default_stack,
    fit_stack,
)
from sklearn_hrc._predictor.tasks import AMOUNT, CONTINUOUS, INDICATOR
from sklearn_hrc._predictor.weights import LEVEL_FLOOR, LEVEL_RANGE
from sklearn_hrc.datasets import make_coupon_experiment

N_ROWS, N_ARMS = 40_000, 3
SIZES = {"base": 0.7, "effect": 0.6}
LEVELS = np.array([-0.3, 0.0, 0.3])


@pytest.fixture(autouse=True)
def first_layer_alone(monkeypatch):
    """The second layer has tests of its own."""

    def none(base, effect, level, share, rows, held_out):
        return no_lending(*share.shape)

    monkeypatch.setattr(module, "fit_lending", none)


class Given:
    """A member of two models, whose links stand in the features.

    Features are the fold, then the links of the model that did not see a row, and of the mean.
    """

    def __init__(self, first, shape):
        self.first, self.shape = first, shape

    def prior(self):
        """The first member leads."""
        return 1.0, float(self.first == 0)

    def links(self, columns):
        fold, place = columns[:, 1].astype(int), np.arange(len(columns))
        n_links = self.shape[0] * self.shape[1]
        own, mean = (
            columns[:, start : start + n_links].reshape(-1, *self.shape)
            for start in (2 + self.first, 2 + self.first + n_links)
        )
        links = np.empty((2, *own.shape), dtype=columns.dtype)
        links[fold, place] = own
        links[1 - fold, place] = 2 * mean - own
        return links


def some(n_members):
    """Members of which the first leads."""
    return [Given(first, (1, 1)) for first in range(n_members)]


def given(links, means):
    """Members and the features in which their links stand, and the encoding that keeps them."""
    fold = np.arange(len(links[0])) % 2
    blocks = [part.reshape(len(fold), -1) for pair in zip(links, means) for part in pair]
    features = np.column_stack([fold, *blocks])
    n_columns = features.shape[1]
    encoding = Encoding(
        [None] * n_columns, np.full(n_columns, np.nan), 4, np.zeros(n_columns),
        np.ones(n_columns), np.arange(1 + n_columns),
    )  # fmt: skip
    shape = links[0].shape[1:]
    width = 2 * shape[0] * shape[1]
    return [Given(width * i, shape) for i in range(len(links))], features, encoding


def fit_both(links, arm, targets, kind, *, means=None, **changes):
    """Fit a stack to links of members (a list, or of one), whose models agree but for `means`.

    Links have an axis for components, those of one kind may do without.
    """
    links = links if isinstance(links, list) else [links]
    means = links if means is None else means if isinstance(means, list) else [means]
    links, means = ([x if x.ndim == 3 else x[..., None] for x in part] for part in (links, means))
    members, features, encoding = given(links, means)
    rows = rows_of(
        features, arm, targets, kind, encoding=encoding, n_arms=links[0].shape[1], **changes
    )
    return fit_stack(members, rows)


def fit(*arguments, **changes):
    return fit_both(*arguments, **changes)[0]


def draw_part(part, rng, n_rows=N_ROWS):
    """Base or effect of random size, the same distribution at every call."""
    if part == "base":
        return SIZES[part] * rng.normal(size=(n_rows, 1)) * np.ones(N_ARMS)
    effect = rng.normal(size=(n_rows, N_ARMS))
    return SIZES[part] * (effect - effect.mean(axis=1, keepdims=True))


def experiment(kind, seed=0, n_rows=N_ROWS, parts=tuple(SIZES)):
    """Return true links of one component, arms, targets of the received arm and a generator."""
    rng = np.random.default_rng(seed)
    links = LEVELS + sum(draw_part(part, rng, n_rows) for part in parts)
    arm = rng.integers(0, N_ARMS, n_rows)
    return links, arm, draw(links[np.arange(n_rows), arm], kind, rng), rng


def small(seed=0, n_rows=300):
    """Links of all kinds that are half right, arms, targets, weights."""
    rng = np.random.default_rng(seed)
    links = 0.5 * rng.normal(size=(n_rows, N_ARMS, 4)) + 0.5 * rng.normal(size=(n_rows, 1, 4))
    arm = rng.integers(0, N_ARMS, n_rows)
    truth = 0.4 + 0.5 * links[np.arange(n_rows), arm]
    targets = np.column_stack([draw(truth[:, kind], kind, rng) for kind in KINDS])
    weights = rng.integers(0, 3, (n_rows, 4)).astype(float)
    return links, arm, targets, weights, rng.integers(1, 4, n_rows).astype(float)


def combined(links, stack):
    links = links if isinstance(links, list) else [links]
    return combine([x if x.ndim == 3 else x[..., None] for x in links], stack)[..., 0]


def assert_same_stack(one, other, **tolerance):
    for value, another in zip(one[:4], other[:4]):
        assert_allclose(value, another, **tolerance)


def test_combine_by_hand():
    stack = Stack(
        level=np.array([[1.0, 0], [2, 0], [3, 5]]),
        base_weight=np.array([[0.5, 1], [2, 0]]),
        effect_weight=np.array([[1.0, 3], [0, 1]]),
        share=np.array([[1 / 2, 0], [1 / 2, 0], [0, 1]]),
        lending=no_lending(3, 2),
    )
    first = np.array([[[2.0, 9], [4, 9], [7, 2]]])
    second = np.array([[[1.0, 9], [3, 9], [8, 4]]])
    # component 0: bases 3 and 2, effects (-1, 1, 4) and (-1, 1, 6)
    # component 1: bases 2 and 4, effects (7, 7, 0) and (5, 5, 0)
    # an arm that teaches nothing of a component has the mean of the others
    expected = [[[1 + 1.5 + 4 - 1, 5 + 2], [2 + 1.5 + 4 + 1, 5 + 2], [(5.5 + 8.5) / 2, 5 + 2]]]
    assert_allclose(combine([first, second], stack), expected)
    # further axes
    both = [np.stack([x, x + 1]) for x in (first, second)]
    assert_allclose(combine(both, stack)[0], expected)
    assert combine(both, stack).shape == (2, 1, 3, 2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_and_input_are_kept(dtype):
    links, *others = small()
    stack = fit(links, others[0], others[1], KINDS, weights=others[2])
    own = links.astype(dtype)
    found = combine([own], stack)
    assert found.dtype == dtype
    assert_array_equal(own, links.astype(dtype))
    assert_allclose(found, combine([links], stack), rtol=1e-3, atol=1e-5)


def test_default_stack():
    source = np.array([[0, -1], [0, 1], [0, 1]])
    first, second = np.random.default_rng(0).normal(size=(2, 5, 3, 2))
    assert_allclose(combine([first], default_stack(some(1), source))[:, 1:], first[:, 1:])
    found = combine([first, second], default_stack(some(2), source))
    base = [
        np.stack([x[..., 0].mean(axis=1), x[:, 1:, 1].mean(axis=1)], axis=1)[:, None]
        for x in (first, second)
    ]
    # the mean of the bases, the first one's effects
    expected = (base[0] + base[1]) / 2 + first - base[0]
    assert_allclose(found[..., 0], expected[..., 0])
    assert_allclose(found[:, 1:, 1], expected[:, 1:, 1])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [0, 1])
def test_right_links_are_kept(kind, seed):
    links, arm, targets, _ = experiment(kind, seed)
    stack = fit(links, arm, targets, kind)
    assert_allclose(stack.base_weight, 1, atol=0.06)
    assert_allclose(stack.effect_weight, 1, atol=0.1)
    assert_allclose(combined(links, stack).mean(axis=0), LEVELS, atol=0.05)
    assert_allclose(combined(links, stack), links, atol=0.4)


@pytest.mark.parametrize("kind", KINDS)
def test_effects_that_are_noise_vanish(kind):
    links, arm, _, rng = experiment(kind)
    truth = np.broadcast_to(links.mean(axis=1, keepdims=True), links.shape)
    targets = draw(truth[np.arange(N_ROWS), arm], kind, rng)
    stack = fit(links, arm, targets, kind)
    assert_allclose(stack.base_weight, 1, atol=0.06)
    assert_allclose(stack.effect_weight, 0, atol=0.08)
    # neither the arms' levels, which the links have 0.3 apart, are believed
    assert_allclose(combined(links, stack).mean(axis=0), 0, atol=0.05)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("part", SIZES)
def test_overfitted_links_are_halved(kind, part):
    links, arm, targets, rng = experiment(kind)
    # as much noise as there is truth; exact for log links, nearly so for logistic ones
    stack = fit(links + draw_part(part, rng), arm, targets, kind)
    for name, weight in zip(SIZES, stack[1:3]):
        assert_allclose(weight, 0.5 if part == name else 1, atol=0.1)


@pytest.mark.parametrize("kind", KINDS)
def test_members_that_know_different_parts_are_combined(kind):
    links, arm, targets, rng = experiment(kind)
    base = np.broadcast_to(links.mean(axis=1, keepdims=True), links.shape)
    first = LEVELS + draw_part("base", rng) + links - base
    second = base + draw_part("effect", rng)
    stack = fit([first, second], arm, targets, kind)
    assert_allclose(stack.base_weight[:, 0], [0, 1], atol=0.06)
    assert_allclose(stack.effect_weight[:, 0], [1, 0], atol=0.1)
    stack = fit([second, first], arm, targets, kind)
    assert_allclose(stack.base_weight[:, 0], [1, 0], atol=0.06)
    assert_allclose(stack.effect_weight[:, 0], [0, 1], atol=0.1)


@pytest.mark.parametrize("kind", KINDS)
def test_noise_beside_a_member_that_is_right_gets_nothing(kind):
    links, arm, targets, rng = experiment(kind)
    noise = sum(draw_part(part, rng) for part in SIZES)
    for place in (0, 1):
        members = [links, noise] if place == 1 else [noise, links]
        stack = fit(members, arm, targets, kind)
        for weight in stack[1:3]:
            assert_allclose(weight[place, 0], 0, atol=0.06)
            assert_allclose(weight[1 - place, 0], 1, atol=0.1)


def test_members_alike_share_as_the_prior_says():
    links, arm, targets, _ = experiment(CONTINUOUS, n_rows=4000)
    stack = fit([links / 2, links / 2], arm, targets, CONTINUOUS)
    # bases alike, effects one apart
    assert_allclose(stack.base_weight[0], stack.base_weight[1])
    assert_allclose(stack.effect_weight[0] - stack.effect_weight[1], 1, atol=1e-6)
    assert_allclose(stack.effect_weight.sum(), 2, atol=0.2)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_rows", [30, 5000])
def test_weights_are_not_negative(kind, n_rows):
    links, arm, targets, _ = experiment(kind, n_rows=n_rows)
    for members in (-links, [-links, links], [links, -0.5 * links], [-links, -2 * links]):
        stack = fit(members, arm, targets, kind)
        assert (stack.base_weight >= 0).all()
        assert (stack.effect_weight >= 0).all()
    if n_rows > 30:
        assert_array_equal(stack.base_weight, 0)
        assert_array_equal(stack.effect_weight, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_few_rows_leave_the_prior(kind):
    links, arm, targets, _ = experiment(kind, n_rows=4)
    stack = fit([links, -links], arm, targets, kind)
    assert_allclose(stack.effect_weight[:, 0], [1, 0], atol=0.3)
    assert_allclose(stack.base_weight[:, 0].sum(), 1, atol=0.7)


def regressors_of(members, arm, c, sample_weight):
    """Centred bases and received effects of members, (n_rows, 4), and mean effects by member."""
    bases, effects, effect_means = [], [], []
    for member in members:
        base = member[..., c].mean(axis=1)
        effect = member[..., c] - base[:, None]
        effect_means.append(np.average(effect, axis=0, weights=sample_weight))
        bases.append(base - np.average(base, weights=sample_weight))
        effects.append((effect - effect_means[-1])[np.arange(len(arm)), arm])
    return np.array(bases + effects).T, effect_means


def dispersion_of(kind, received, target, weight):
    """Dispersion of the held-out rows, drawn towards 1 as by one further row."""
    if kind == INDICATOR:
        return 1.0
    loss = LOSSES[kind]
    misfit = loss.slope(received, target) ** 2 / loss.curvature(received, target)
    return (weight @ misfit + 1) / (weight.sum() + 1)


@pytest.mark.parametrize("kind", KINDS)
def test_weights_are_the_least_of_the_penalised_objective(kind, monkeypatch):
    # the variance of the levels is held, the dispersion is what it is in the end
    spread = 0.05
    monkeypatch.setattr(fitting, "LEVEL_VARIANCE", spread)
    monkeypatch.setattr(fitting, "_level_variance", lambda level, information, spread: spread)
    links, arm, targets, weights, sample_weight = small()
    rng = np.random.default_rng(8)
    members = [links, rng.normal(size=links.shape) - 0.2 * links]
    stack, alone = fit_both(
        members, arm, targets, KINDS, weights=weights, sample_weight=sample_weight
    )
    assert_same_stack(stack, alone, rtol=1e-12)
    c = KINDS.index(kind)
    columns, effect_means = regressors_of(members, arm, c, sample_weight)
    received = combine(members, stack)[np.arange(len(arm)), arm, c]
    dispersion = dispersion_of(kind, received, targets[:, c], weights[:, c])

    def objective(x):
        link = x[arm] + columns @ x[3:]
        deviation = x[:3] - x[:3].mean() - effect_means[0]
        prior = deviation @ deviation / spread + np.square(x[3:5] - 0.5).sum()
        prior += module.EFFECT_PRECISION * np.square(x[5:] - [1, 0]).sum()
        return weights[:, c] @ LOSSES[kind].loss(link, targets[:, c]) / dispersion + 0.5 * prior

    bounds = [(None, None)] * 3 + [(0, None)] * 4
    start = np.zeros(7)
    options = {"ftol": 1e-14, "gtol": 1e-8, "maxiter": 1000}
    found = minimize(objective, start, method="L-BFGS-B", bounds=bounds, options=options).x
    assert_allclose(
        np.append(stack.base_weight[:, c], stack.effect_weight[:, c]), found[3:], atol=1e-3
    )
    assert_allclose(received, found[arm] + columns @ found[3:], atol=2e-3)
    # some bound holds in some kind, and some weight is free in all
    assert (found[3:] > 0.1).any()


def parts_of(links):
    """Base and effect of links of one component, less their means."""
    links = links - links.mean(axis=0)
    base = np.outer(links.mean(axis=1), np.ones(N_ARMS))
    return base, links - base


@pytest.mark.parametrize("kind", KINDS)
def test_mean_that_varies_less_is_stretched(kind):
    links, arm, targets, _ = experiment(kind)
    base, effect = parts_of(links)
    # where the models differ they cancel; and their mean stands elsewhere
    mean = 0.9 * base + 0.75 * effect + [5.0, -3.0, 4.0]
    stack, alone = fit_both(links, arm, targets, kind, means=mean)
    assert_allclose(0.9 * stack.base_weight, 1, atol=0.06)
    assert_allclose(0.75 * stack.effect_weight, 1, atol=0.1)
    # as if the mean was any one model
    expected = combined(links, fit(links, arm, targets, kind))
    assert_allclose(combined(mean, stack), expected, atol=0.02)
    assert_allclose(combined(links, alone), expected, atol=1e-6)


def test_stretch_is_the_root_of_the_ratio_of_variances():
    links, arm, targets, weights, sample_weight = small()
    rng = np.random.default_rng(3)
    mean = 0.8 * links + 0.3 * rng.normal(size=links.shape)
    changes = {"weights": weights, "sample_weight": sample_weight}
    stack, alone = fit_both(links, arm, targets, KINDS, means=mean, **changes)
    variances = []
    for values in (links, mean):
        base = values.mean(axis=1)
        parts = base[:, None], values - base[:, None]
        deviations = [part - np.average(part, axis=0, weights=sample_weight) for part in parts]
        squares = [np.square(part).sum(axis=1) for part in deviations]
        variances.append([np.average(part, axis=0, weights=sample_weight) for part in squares])
    stretch = np.clip(np.sqrt(np.divide(*variances)), 1, LARGEST_STRETCH)
    assert (stretch > 1.01).any()
    assert_allclose(stack.base_weight[0], alone.base_weight[0] * stretch[0])
    assert_allclose(stack.effect_weight[0], alone.effect_weight[0] * stretch[1])


@pytest.mark.parametrize("kind", KINDS)
def test_noise_of_the_mean_is_not_blown_up(kind):
    links, arm, targets, _ = experiment(kind, n_rows=2000)
    base, effect = parts_of(links)
    stack, alone = fit_both(links, arm, targets, kind, means=base + 1e-3 * effect)
    assert_allclose(stack.effect_weight, LARGEST_STRETCH * alone.effect_weight)
    # a mean that varies more is not pressed together, and what it does not have at all is left
    for mean in (3 * links, np.zeros(links.shape), base + 1e-6 * effect):
        stack, alone = fit_both(links, arm, targets, kind, means=mean)
        assert_array_equal(stack.effect_weight, alone.effect_weight)
        assert_array_equal(stack.base_weight, alone.base_weight)


def levels_by_hand(outcome_means, prior_means, error):
    """Fixed point of the variance of the levels, and the levels less their mean."""
    deviation = outcome_means - outcome_means.mean()
    surprise = deviation - prior_means
    pull = hyperprior_share(len(surprise))
    variance = 0.02
    for _ in range(10_000):
        shrinkage = variance / (variance + error)
        size = shrinkage**2 * (surprise @ surprise) + pull * LEVEL_FLOOR
        variance = np.clip(size / ((len(surprise) - 1) * shrinkage + pull), *LEVEL_RANGE)
    return prior_means + variance / (variance + error) * surprise


@pytest.mark.parametrize("surprise", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("n_own", [10, 1000])
def test_levels_are_drawn_to_those_of_the_leading_member(surprise, n_own):
    # links that are the same for everybody, and as many rows of each arm
    rng = np.random.default_rng(0)
    arm = np.arange(3 * n_own) % 3
    noise = rng.normal(size=len(arm))
    targets = 7 + LEVELS[arm] + surprise * np.array([1, -2, 1])[arm] + noise
    leading = np.broadcast_to(5 + LEVELS, (len(arm), 3))
    other = np.broadcast_to([9.0, 0, 1], (len(arm), 3))
    levels = combined([leading, other], fit([leading, other], arm, targets, CONTINUOUS))[0]
    means = np.array([targets[arm == j].mean() for j in range(3)])
    misfit = np.sum((targets - levels[arm]) ** 2)
    error = (misfit + 1) / (len(arm) + 1) / n_own
    assert_allclose(levels.mean(), means.mean(), atol=1e-3)
    assert_allclose(levels - levels.mean(), levels_by_hand(means, LEVELS, error), atol=2e-3)
    # believed where there is a surprise, not where chance explains it
    share = np.linalg.norm(levels - levels.mean() - LEVELS)
    share /= np.linalg.norm(means - means.mean() - LEVELS)
    assert share < 1
    if surprise == 1:
        assert share > 0.8


def test_known_arms_take_no_part():
    links, arm, targets, weights, sample_weight = small()
    weights[arm == 0, 1:] = 0
    known = [(0, 1), (0, 2), (0, 3)]
    other = links.copy()
    other[:, 0, 1:] = 7 * np.random.default_rng(1).normal(size=(300, 3))
    changes = {"weights": weights, "sample_weight": sample_weight}
    first, second = (fit(x, arm, targets, KINDS, known=known, **changes) for x in (links, other))
    assert_array_equal(first.share, np.array([[2, 0, 0, 0], [2, 3, 3, 3], [2, 3, 3, 3]]) / 6)
    assert_allclose(first.base_weight, second.base_weight)
    assert_allclose(first.effect_weight, second.effect_weight)
    assert_allclose(combine([links], first)[:, 1:], combine([other], second)[:, 1:])
    # and it is a fit to the two other arms alone, but for the rows that the parts are counted from
    own = arm > 0
    alone = fit(
        links[own][:, 1:, 1:], arm[own] - 1, targets[own, 1:], KINDS[1:], weights=weights[own, 1:],
        sample_weight=sample_weight[own],
    )  # fmt: skip
    assert_allclose(first.base_weight[:, 1:], alone.base_weight, atol=0.01)
    assert_allclose(first.effect_weight[:, 1:], alone.effect_weight, atol=0.02)


@pytest.mark.parametrize("n_members", [1, 2])
def test_component_without_rows_has_the_prior(n_members):
    links, arm, targets, weights, _ = small()
    weights[:, :] = 0
    members = [links, 1 + np.random.default_rng(1).normal(size=links.shape)][:n_members]
    stack = fit(members, arm, targets, KINDS, weights=weights)
    expected = combine(members, default_stack(some(n_members), np.zeros((3, 4), dtype=int)))
    assert_allclose(combine(members, stack), expected, atol=1e-6)


def test_component_that_is_known_everywhere_has_nothing():
    links, arm, targets, weights, _ = small()
    weights[:, 2] = 0
    known = [(0, 2), (1, 2), (2, 2)]
    stack = fit(links, arm, targets, KINDS, weights=weights, known=known)
    for part in stack[:4]:
        assert_array_equal(part[..., 2], 0)
        assert (part[..., [0, 1, 3]] != 0).all()


def test_component_that_one_arm_teaches():
    links, arm, targets, weights, _ = small()
    weights[arm != 1] = 0
    known = [(j, c) for j in (0, 2) for c in range(4)]
    stack = fit([links, -links], arm, targets, KINDS, weights=weights, known=known)
    assert_allclose(stack.effect_weight, [[1] * 4, [0] * 4])
    # a straight line through its rows, but for the prior
    design = np.column_stack([np.ones(300), links[:, 1, 3]])
    root = np.sqrt(weights[:, 3])
    slope = np.linalg.lstsq(design * root[:, None], targets[:, 3] * root, rcond=None)[0][1]
    assert_allclose(stack.base_weight[0, 3] - stack.base_weight[1, 3], slope, atol=0.05)


def test_arm_without_rows_keeps_the_leading_members_level():
    rng = np.random.default_rng(0)
    arm = np.arange(3000) % 2
    leading = 0.5 * rng.normal(size=(3000, 3)) + [0.1, -0.2, 0.7]
    targets = leading[np.arange(3000), arm] + 4 + rng.normal(size=3000)
    stack = fit([leading, rng.normal(size=(3000, 3))], arm, targets, CONTINUOUS)
    levels = combined([leading, np.zeros((3000, 3))], stack).mean(axis=0)
    assert_allclose(levels - levels.mean(), [-0.1, -0.4, 0.5], atol=0.06)
    assert_allclose(levels.mean(), 4.2, atol=0.1)


@pytest.mark.parametrize("n_own", [1, 2, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_few_rows_that_are_met_exactly_are_no_proof(n_own, kind):
    # each level could meet its rows
    links, arm, targets, _ = experiment(kind, n_rows=200)
    weights = np.zeros((200, 1))
    for j in range(n_own):
        weights[np.flatnonzero(arm == j)[0]] = 1
    targets = np.where(targets == 0, 1.0, targets)
    stack = fit([links, -links], arm, targets, kind, weights=weights)
    for weight, prior in zip(stack[1:3], ([0.5, 0.5], [1, 0])):
        assert_allclose(weight[:, 0], prior, atol=0.6)
    levels = combined([links, -links], stack).mean(axis=0)
    assert np.ptp(levels - LEVELS) < 1


@pytest.mark.parametrize("n_rows", [1, 8191, 8193])
def test_chunks_do_not_matter(n_rows, monkeypatch):
    links, *others = small(n_rows=n_rows)
    changes = {"weights": others[2] + 0.5, "sample_weight": others[3]}
    members, means = [links, links[::-1]], [0.9 * links, 0.8 * links[::-1]]
    arguments = (members, others[0], others[1], KINDS)
    whole = fit(*arguments, means=means, **changes)
    monkeypatch.setattr(module, "STACK_ROWS", max(1, n_rows // 7))
    chunked = fit(*arguments, means=means, **changes)
    assert_same_stack(whole, chunked, rtol=1e-6, atol=1e-7)


def test_rows_that_no_model_leaves_out_take_no_part():
    links, arm, targets, weights, sample_weight = small()
    fold = np.where(np.arange(300) < 200, np.arange(300) % 2, 2)
    changes = {"weights": weights, "sample_weight": sample_weight}
    first = fit(links, arm, targets, KINDS, fold=fold, **changes)
    changes = {name: value[:200] for name, value in changes.items()}
    second = fit(links[:200], arm[:200], targets[:200], KINDS, **changes)
    assert_same_stack(first, second, rtol=1e-9)


def test_weights_count_like_repeated_rows():
    links, arm, targets, weights, _ = small()
    weight = np.random.default_rng(1).integers(1, 4, len(arm))
    index = np.repeat(np.arange(len(arm)), weight)
    other = np.random.default_rng(2).normal(size=links.shape)
    weighted = fit(
        [links, other], arm, targets, KINDS, weights=weights * weight[:, None],
        sample_weight=weight * 1.0,
    )  # fmt: skip
    repeated = fit(
        [links[index], other[index]], arm[index], targets[index], KINDS, weights=weights[index]
    )
    assert_same_stack(weighted, repeated, rtol=1e-5, atol=1e-6)


def test_unit_of_sample_weight_does_not_matter():
    links, arm, targets, weights, sample_weight = small()
    one, other = (
        fit(links, arm, targets, KINDS, weights=weights, sample_weight=factor * sample_weight)
        for factor in (1, 1e-3)
    )
    assert_same_stack(one, other, rtol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_means_of_the_arms_are_kept(kind):
    links, arm, targets, _ = experiment(kind)
    mean = {INDICATOR: expit, CONTINUOUS: np.asarray}.get(kind, np.exp)
    for factor in (1.0, 0.3, -1.0):
        stack = fit(factor * links, arm, targets, kind)
        found = mean(combined(factor * links, stack))
        for j in range(N_ARMS):
            observed, predicted = targets[arm == j], found[arm == j, j]
            if kind == AMOUNT:  # where the gamma deviance is least
                assert_allclose(np.mean(observed / predicted), 1, atol=0.05)
            else:
                assert_allclose(predicted.mean(), observed.mean(), rtol=0.05, atol=0.05)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("factor", [0.3, 2, 8, 12, 300])
def test_wild_and_timid_links_are_tamed(kind, factor):
    links, arm, targets, _ = experiment(kind, n_rows=5000)
    stack = fit(factor * links, arm, targets, kind)
    assert_allclose(factor * stack.base_weight, 1, atol=0.15)
    assert_allclose(factor * stack.effect_weight, 1, atol=0.25)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shift", [-8, 8, 500])
def test_links_that_are_far_off_are_brought_back(kind, shift):
    links, arm, targets, _ = experiment(kind, n_rows=5000)
    stack = fit(links + shift, arm, targets, kind)
    assert_allclose(combined(links + shift, stack).mean(axis=0), LEVELS, atol=0.15)


@pytest.mark.parametrize("kind", KINDS)
def test_links_that_say_nothing_leave_the_means(kind):
    links, arm, targets, _ = experiment(kind, n_rows=5000)
    stack = fit(np.zeros(links.shape), arm, targets, kind)
    mean = {INDICATOR: expit, CONTINUOUS: np.asarray}.get(kind, np.exp)
    observed = [targets[arm == j].mean() for j in range(N_ARMS)]
    assert_allclose(mean(stack.level[:, 0]), observed, atol=0.03)


def test_outcome_without_noise():
    # the dispersion goes to zero
    links, arm, _, rng = experiment(CONTINUOUS)
    targets = 2 * links[np.arange(N_ROWS), arm]
    members = [links, rng.normal(size=links.shape)]
    stack = fit(members, arm, targets, CONTINUOUS)
    assert_allclose(combined(members, stack), 2 * links, atol=0.01)


def test_rows_alike():
    links = np.full((60, 3), 0.4)
    arm = np.arange(60) % 3
    stack = fit([links, links], arm, np.ones(60), INDICATOR)
    found = combined([links, links], stack)
    assert_array_equal(found, found[[0] * 60])
    # nobody has a chance of one for sure
    assert 0.9 < expit(found[0, 0]) < 1


def test_components_are_those_of_the_rows():
    # the helper of these tests says what the representer would
    components = components_of(KINDS, 3, [(0, 1)])
    assert_array_equal(components.source, [[0, -1, 0, 0], [0] * 4, [0] * 4])


def representer_of(n_samples, seed, world=None, **parameters):
    """Return a fitted representer of five networks alone and the scaler of its features."""
    sample = make_coupon_experiment(n_samples, random_state=seed, **(world or {}))
    scaler = StandardScaler().fit(sample.data)
    representer = MultiTaskRepresenter(n_networks=5, random_state=0, members=(), **parameters).fit(
        scaler.transform(sample.data), sample.target, treatment=sample.treatment, cost=sample.cost
    )
    assert_array_equal(representer._predictor.components.kind, [INDICATOR, AMOUNT])
    return representer, scaler


def spread_of_amounts(seed, world):
    """Standard deviations of the combined base and effect of log amounts."""
    representer, scaler = representer_of(10_000, seed, world)
    X = scaler.transform(make_coupon_experiment(10_000, random_state=99, **world).data)
    predictor = representer._predictor
    links = predictor.networks.links(encode(X, representer._encoding)).mean(axis=0)
    amount = combine([links], predictor.stack)[..., 1]
    base = amount.mean(axis=1)
    effect = amount - base[:, None]
    return base.std(), (effect - effect.mean(axis=0)).std()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_effects_on_amounts_are_believed_where_there_are_some(seed):
    base, effect = spread_of_amounts(seed, {})
    assert base > 0.3
    assert effect < 0.1 * base
    # quiet baskets of many orders: with the default noise half of the effect is noise
    world = {"amount_effect": 0.4, "order_rate": 0.4, "basket_noise": 0.2}
    assert spread_of_amounts(seed, world)[1] > 0.1


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_overfitted_networks_predict_better_with_the_stack(seed):
    # few rows, wide layers, long steps
    representer, scaler = representer_of(2000, seed, hidden_layer_sizes=(256, 128), lr=2e-2)
    predictor = representer._predictor
    assert predictor.stack.base_weight[0, 0] < 0.9
    fresh = make_coupon_experiment(20_000, random_state=99)
    arm = np.searchsorted(representer.treatments_, fresh.treatment)
    X, losses = scaler.transform(fresh.data), []
    for stack in (predictor.stack, default_stack(some(1), predictor.components.source)):
        representer._predictor = predictor._replace(stack=stack)
        chance = representer.predict_outcomes(X)[np.arange(len(X)), arm, 1]
        losses.append(log_loss(fresh.target[:, 1], chance))
    assert losses[0] < losses[1] - 0.003
