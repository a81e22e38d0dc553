"""Tasks, their components, and the way back to outcomes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import logit

from sklearn_hrc._predictor.tasks import (
    AMOUNT,
    CONTINUOUS,
    INDICATOR,
    LEAST_SPREAD,
    POSITIVE,
    describe_tasks,
    targets_and_weights,
    to_outcomes,
)

NAN = np.nan


def described(tasks, arm=None, weight=None, **cost):
    """Describe columns of tasks; one arm and equal weights by default."""
    tasks = np.asarray(tasks, dtype=float)
    tasks = tasks[:, None] if tasks.ndim == 1 else tasks
    arm = np.zeros(len(tasks), dtype=int) if arm is None else np.asarray(arm)
    weight = np.ones(len(tasks)) if weight is None else weight
    return describe_tasks(tasks, arm, arm.max() + 1, weight, **cost)


def cv2(values):
    return np.var(values) / np.mean(values) ** 2


def coupons(n_rows=3000, prices=(0.0, 5.0, 10.0), seed=0):
    """Return orders, gmv, cost (face value of redeemed coupons) and arms."""
    rng = np.random.default_rng(seed)
    arm = np.arange(n_rows) % len(prices)
    orders = (rng.random(n_rows) < 0.3).astype(float)
    gmv = orders * rng.lognormal(3, 0.5, n_rows)
    return np.column_stack([orders, gmv, orders * np.array(prices)[arm]]), arm


def test_orders_gmv_and_cost_by_hand():
    # two arms of four rows, the first is free
    tasks = np.array([[1, 8, 0], [0, 0, 0], [1, 2, 0], [0, 0, 0]] * 1, dtype=float)
    tasks = np.vstack([tasks, [[1, 5, 2], [1, 1, 4], [0, 0, 0], [1, 4, 6]]])
    arm = np.repeat([0, 1], 4)
    components = described(tasks, arm, has_cost=True)
    assert_array_equal(components.kind, [INDICATOR, AMOUNT, AMOUNT])
    assert_array_equal(components.indicator, [0, 0, 0])
    assert_array_equal(components.amount, [-1, 1, 2])
    assert_array_equal(components.source, [[0, 1, -1], [0, 1, 2]])
    assert_array_equal(components.low, [0, 0, 0])
    assert_array_equal(components.known_chance, [[NAN, NAN, 0], [NAN, NAN, NAN]])
    assert_array_equal(components.known_amount, [[1, NAN, 0], [1, NAN, NAN]])
    entropy = -(5 / 8 * np.log(5 / 8) + 3 / 8 * np.log(3 / 8))
    assert_allclose(components.location, 0)
    assert_allclose(components.scale, [1, 4, 4])
    assert_allclose(components.upper, [np.inf, np.log(8 / 4), np.log(6 / 4)])
    importance = [0.5 / entropy, 0.5 / cv2([8, 2, 5, 1, 4]), 0.5 / cv2([2, 4, 6])]
    assert_allclose(components.importance, importance)
    weight = np.arange(1.0, 9.0)
    targets, weights = targets_and_weights(tasks, arm, weight, components)
    assert_allclose(targets, tasks / [1, 4, 4])
    assert_allclose(weights, weight[:, None] / 4.5 * np.where(tasks > 0, 1, [1, 0, 0]))


def test_positive_and_continuous_by_hand():
    tasks = np.array([[1.0, -1], [2, 0], [3, 4], [6, 9]])
    components = described(tasks, [0, 0, 1, 1])
    assert_array_equal(components.kind, [POSITIVE, CONTINUOUS])
    assert_allclose(components.location, [0, 3])
    assert_allclose(components.scale, [3, np.std([-1, 0, 4, 9])])
    assert_allclose(components.upper, [np.log(2), np.inf])
    assert_allclose(components.importance, [1 / cv2([1, 2, 3, 6]), 1])
    assert_array_equal(components.known_chance, np.ones((2, 2)))
    assert np.isnan(components.known_amount).all()
    assert_array_equal(components.indicator, [-1, -1])
    targets, weights = targets_and_weights(tasks, np.array([0, 0, 1, 1]), np.ones(4), components)
    assert_allclose(targets[:, 0], tasks[:, 0] / 3)
    assert_allclose([targets[:, 1].mean(), targets[:, 1].std()], [0, 1], atol=1e-15)
    assert_allclose(weights, 1)
    outcomes = to_outcomes(np.log([[[2.0, 1.0]], [[100.0, np.e]]]), components)
    # no more than the largest that was seen
    assert_allclose(outcomes[:, :, 0], [[6, 6], [6, 6]])
    assert_allclose(outcomes[0, :, 1], 3)
    assert_allclose(outcomes[1, :, 1], 3 + np.std([-1, 0, 4, 9]))


@pytest.mark.parametrize(
    ("values", "kinds"),
    [
        ([2, 7, 7, 2, 2], [INDICATOR]),
        ([-1, 1, 1], [INDICATOR]),
        ([0, 1, 2, 3, 0, 1], [INDICATOR, AMOUNT]),
        ([0, 0, 0, 5], [INDICATOR]),
        ([0, 0.5, 0, 5], [INDICATOR, AMOUNT]),
        ([-1, 0, 0, 5], [CONTINUOUS]),
        ([-3, -2, -1], [CONTINUOUS]),
        ([1, 2, 4], [POSITIVE]),
        ([0] * 2 + [1, 2] * 49, [POSITIVE]),
        ([0] * 3 + [1, 2] * 48, [INDICATOR, AMOUNT]),
    ],
)
def test_kinds_of_tasks(values, kinds):
    assert described(values).kind.tolist() == kinds


@pytest.mark.parametrize(("low", "high"), [(2, 7), (-1, 1), (0, 3), (-5, -2)])
def test_two_values_are_a_chance_between_them(low, high):
    components = described([low, high, high, low, high])
    assert components.low[0] == low
    assert_array_equal(components.known_amount, [[high]])
    links = logit(np.array([0.0, 0.25, 1.0]))[:, None, None]
    assert_allclose(to_outcomes(links, components)[:, 0, 0], [low, (3 * low + high) / 4, high])


def test_importance_has_limits():
    rare = np.zeros(10_000)
    rare[0] = 1
    assert described(rare).importance[0] == 0.5 / LEAST_SPREAD
    assert described([5.0, 5.001, 5.002]).importance[0] == 1 / LEAST_SPREAD
    nearly_equal = described([0, 5.0, 5.001, 0])
    assert_allclose(nearly_equal.importance, [0.5 / np.log(2), 0.5 / LEAST_SPREAD])


def test_free_control_and_fixed_prices_are_known():
    tasks, arm = coupons()
    components = described(tasks, arm, has_cost=True)
    assert_array_equal(components.kind, [INDICATOR, AMOUNT])
    assert_array_equal(components.known_amount[:, 2], [0, 5, 10])
    assert_array_equal(components.known_chance[:, 2], [0, NAN, NAN])
    assert_array_equal(components.source, [[0, 1]] * 3)
    links = np.random.default_rng(0).normal(size=(50, 3, 2))
    outcomes = to_outcomes(links, components)
    assert_array_equal(outcomes[:, 0, 2], 0)
    assert_allclose(outcomes[..., 2], outcomes[..., 0] * [0, 5, 10], rtol=1e-15)


def test_tied_indicator_is_learnt_from_whichever_task_has_it():
    tasks, arm = coupons()
    # the cost first: it says nothing of the free arm
    components = describe_tasks(tasks[:, [2, 0, 1]], arm, 3, np.ones(len(arm)))
    assert_array_equal(components.indicator, [0, 0, 0])
    assert_array_equal(components.source[:, 0], [1, 0, 0])
    targets, weights = targets_and_weights(tasks[:, [2, 0, 1]], arm, np.ones(len(arm)), components)
    assert_array_equal(targets[:, 0], tasks[:, 0])
    assert_array_equal(weights[:, 0], 1)


def test_arm_in_which_all_are_positive_has_chance_one():
    rng = np.random.default_rng(0)
    arm = np.arange(400) % 2
    values = rng.lognormal(size=400) * ((rng.random(400) < 0.5) | (arm == 1))
    components = described(values, arm)
    assert_array_equal(components.kind, [INDICATOR, AMOUNT])
    assert_array_equal(components.known_chance, [[NAN], [1]])
    assert_array_equal(components.source, [[0, 0], [-1, 0]])


def test_constant_by_chance_is_not_constant_but_a_cost_is():
    rng = np.random.default_rng(0)
    arm = np.repeat([0, 1], [30, 2000])
    values = np.where(arm == 0, 0.0, rng.random(2030) < 0.05)
    for amounts in (1.0, rng.lognormal(size=2030)):
        outcome = described(values * amounts, arm)
        assert np.isnan(outcome.known_chance).all()
        cost = described(values * amounts, arm, has_cost=True)
        assert_array_equal(to_outcomes(np.zeros((1, 2, len(cost.kind))), cost)[:, 0, 0], 0)
        assert (cost.source[0] == -1).all()


def test_many_equal_rows_are_constant():
    rng = np.random.default_rng(0)
    arm = np.repeat([0, 1], [200, 2000])
    values = np.where(arm == 0, 0.0, rng.random(2200) < 0.05)
    components = described(values, arm)
    assert_array_equal(components.source, [[-1], [0]])
    assert_array_equal(to_outcomes(np.zeros((1, 2, 1)), components), [[[0], [0.5]]])


def test_one_row_is_no_constant():
    components = described([1.0, 2.0, 4.0], [0, 0, 1], has_cost=True)
    assert (components.source == 0).all()


@pytest.mark.parametrize("value", [0.0, 0.1, -3.0, 1e9])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_constant_task_is_exact(value, dtype):
    tasks = np.column_stack([np.full(6, value), [0, 1, 0, 1, 1, 0]])
    arm = np.array([0, 0, 0, 1, 1, 1])
    components = described(tasks, arm)
    links = np.random.default_rng(0).normal(size=(4, 2, len(components.kind))).astype(dtype)
    outcomes = to_outcomes(links, components)
    assert outcomes.dtype == dtype
    assert_array_equal(outcomes[..., 0], np.full((4, 2), dtype(value)))
    targets, weights = targets_and_weights(tasks, arm, np.ones(6), components)
    assert np.isfinite(targets).all()
    assert (weights[:, components.source[0] == 0] == 0).all()


def test_nothing_to_learn():
    arm = np.array([0, 0, 1, 1])
    tasks = np.column_stack([np.zeros(4), arm * 0.3])
    components = described(tasks, arm, has_cost=True)
    assert (components.source == -1).all()
    outcomes = to_outcomes(np.ones((3, 2, len(components.kind))), components)
    assert_array_equal(outcomes, np.broadcast_to([[0, 0], [0, 0.3]], (3, 2, 2)))
    _, weights = targets_and_weights(tasks, arm, np.ones(4), components)
    assert_array_equal(weights, 0)


def test_single_positive_row():
    values = np.zeros(50)
    values[7] = 12.5
    components = described(values, np.arange(50) % 2)
    assert_array_equal(components.kind, [INDICATOR])
    assert_array_equal(components.known_amount, [[12.5], [12.5]])


def test_heavy_tails_do_not_lead_beyond_the_largest():
    values = np.random.default_rng(0).pareto(1.1, 5000)
    values[::2] = 0
    components = described(values)
    assert_allclose(components.scale[1] * np.exp(components.upper[1]), values.max())
    outcomes = to_outcomes(np.array([[[50.0, 80.0]]]), components)
    assert_allclose(outcomes, values.max())


def test_rows_without_an_arm_are_predicted():
    components = describe_tasks(np.array([[1.0], [2.0]]), np.array([0, 0]), 3, np.ones(2))
    assert (components.source == 0).all()


def test_arm_without_rows_has_no_negative_cost():
    # all rows of arm 0 had no weight; the others have fixed prices
    arm = np.array([1, 1, 2, 2])
    components = describe_tasks(arm[:, None] * 0.3, arm, 3, np.ones(4), has_cost=True)
    links = np.full((1, 3, len(components.kind)), -2.0)
    assert (to_outcomes(links, components) >= 0).all()


def swapped(indicator, n_swaps):
    """The same number of ones, `n_swaps` of them elsewhere."""
    other = indicator.copy()
    other[np.flatnonzero(indicator == 1)[:n_swaps]] = 0
    other[np.flatnonzero(indicator == 0)[:n_swaps]] = 1
    return other


@pytest.mark.parametrize("complement", [False, True])
@pytest.mark.parametrize(("n_swaps", "tied"), [(0, True), (5, True), (15, False)])
def test_indicators_are_tied_if_they_differ_in_one_percent(n_swaps, tied, complement):
    # 1000 ones among 10,000: 1 % and 3 % of them differ
    first = np.zeros(10_000)
    first[::10] = 1
    pair = np.column_stack([first, swapped(first, n_swaps)])
    components = described(1 - pair if complement else pair)
    assert len(components.kind) == 2 - tied
    assert_array_equal(components.indicator, [0, 0] if tied else [0, 1])


def test_cancelled_orders_are_tied():
    rng = np.random.default_rng(0)
    orders = (rng.random(20_000) < 0.2).astype(float)
    redeemed = orders * (rng.random(20_000) < 0.995)
    assert_array_equal(described(np.column_stack([orders, redeemed])).indicator, [0, 0])


def test_rare_events_are_not_tied():
    pair = np.zeros((10_000, 2))
    pair[:5, 0] = pair[100:105, 1] = 1
    assert np.mean(pair[:, 0] == pair[:, 1]) == 0.999
    assert_array_equal(described(pair).indicator, [0, 1])


def test_integer_weights_count_like_repeated_rows():
    rng = np.random.default_rng(0)
    tasks, arm = coupons(600)
    tasks = np.column_stack([tasks, rng.lognormal(size=600), rng.normal(2, 3, 600)])
    weight = rng.integers(1, 4, 600)
    rows = np.repeat(np.arange(600), weight)
    weighted, repeated = described(tasks, arm, weight * 1.0), described(tasks[rows], arm[rows])
    for value, other in zip(weighted, repeated):
        assert_allclose(value, other, rtol=1e-12)


def baskets(rates, n_rows=600, seed=0):
    """Return gmv, orders, rates of the gmv and arms."""
    rng = np.random.default_rng(seed)
    arm = np.arange(n_rows) % len(rates)
    orders = (rng.random(n_rows) < 0.4).astype(float)
    gmv = orders * rng.lognormal(3, 0.7, n_rows)
    return gmv, orders, np.array(rates)[arm] * gmv, arm


def test_share_of_the_basket_is_tied_by_hand():
    # the first arm is free, the others pay a fifth and a half
    gmv = np.tile([8.0, 0, 2, 5, 0, 1, 4, 3, 6, 9, 7, 2, 1, 0], 3)
    arm = np.repeat([0, 1, 2], 14)
    tasks = np.column_stack([gmv, gmv * np.array([0, 0.2, 0.5])[arm]])
    components = described(tasks, arm, has_cost=True)
    assert_array_equal(components.kind, [INDICATOR, AMOUNT])
    assert_array_equal(components.indicator, [0, 0])
    assert_array_equal(components.amount, [1, 1])
    assert_array_equal(components.source, [[0, 0]] * 3)
    assert_allclose(components.rate, [[1, 1], [1, 0.2], [1, 0.5]])
    assert_array_equal(components.known_amount, [[NAN, 0], [NAN, NAN], [NAN, NAN]])
    targets, _ = targets_and_weights(tasks, arm, np.ones(42), components)
    assert_allclose(targets[:, 1], gmv / gmv[gmv > 0].mean())
    links = np.random.default_rng(0).normal(size=(50, 3, 2))
    outcomes = to_outcomes(links, components)
    assert_allclose(outcomes[..., 1], outcomes[..., 0] * [0, 0.2, 0.5], rtol=1e-12)
    assert (outcomes[..., 0] > 0).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rounded_discounts_are_tied(dtype):
    rates = (0.0, 0.05, 0.1, 0.2)
    gmv, orders, cost, arm = baskets(rates)
    tasks = np.column_stack([gmv, orders, cost.round(2)])
    components = described(tasks, arm, has_cost=True)
    assert_array_equal(components.kind, [INDICATOR, AMOUNT])
    assert_allclose(components.rate[1:, 2], rates[1:], rtol=5e-3)
    # the rate keeps the mean
    sums = [tasks[arm == 3][:, task].sum() for task in (2, 0)]
    assert_allclose(components.rate[3, 2], sums[0] / sums[1])
    links = np.random.default_rng(0).normal(size=(50, 4, 2)).astype(dtype)
    outcomes = to_outcomes(links, components)
    assert outcomes.dtype == dtype
    expected = outcomes[..., 0] * (components.rate[:, 2] * [0, 1, 1, 1])
    assert_allclose(outcomes[..., 2], expected, rtol=1e-6)


@pytest.mark.parametrize("limit", [30.0, 5.0])
def test_discounts_with_a_limit_are_tied_where_it_is_rarely_met(limit):
    gmv, orders, cost, arm = baskets((0.1, 0.2), 4000)
    limited = np.minimum(cost, limit)
    over = np.sum(cost - limited) / np.sum(cost)
    assert (over < 0.005) == (limit == 30)
    components = described(np.column_stack([gmv, orders, limited]), arm)
    assert (components.amount[2] == components.amount[0]) == (limit == 30)


def test_amounts_of_other_people_or_other_sizes_are_not_tied():
    rng = np.random.default_rng(1)
    gmv, orders, cost, arm = baskets((0.1, 0.2))
    # 5 % of noise
    noisy = cost * rng.uniform(0.9, 1.1, len(cost))
    # the same rate, of those who came back
    back = cost * (rng.random(len(cost)) < 0.5)
    # a fixed fee on top
    fee = cost + orders
    components = described(np.column_stack([gmv, noisy, back, fee]), arm)
    assert_array_equal(components.amount, [2, 3, 4, 5])
    assert_array_equal(components.rate, 1)


def test_few_amounts_are_not_tied():
    gmv, _, cost, arm = baskets((0.1, 0.2), 600)
    counts = np.cumsum(np.where(arm == 0, gmv > 0, 0))
    for n, tied in ((9, False), (10, True)):
        kept = (arm == 1) | (counts <= n)
        components = described(np.column_stack([gmv, cost])[kept], arm[kept])
        assert (components.amount[0] == components.amount[1]) == tied


def test_amount_that_the_other_does_not_have_is_not_tied():
    gmv, _, cost, arm = baskets((0.1, 0.2))
    gmv[arm == 0] = 0.0
    components = described(np.column_stack([gmv, cost]), arm)
    assert components.amount[0] != components.amount[1]


def test_positive_amounts_and_several_followers_are_tied():
    rng = np.random.default_rng(0)
    arm = np.arange(900) % 3
    sales = rng.lognormal(2, 1, 900)
    sales[:9] = 0.0
    rates = np.array([0.5, 1.0, 2.0])
    other = rng.lognormal(2, 1, 900)
    tasks = np.column_stack([other, sales, sales * rates[arm], 0.3 * sales, 7 * other])
    components = described(tasks, arm)
    assert_array_equal(components.kind, [POSITIVE, POSITIVE])
    assert_array_equal(components.amount, [0, 1, 1, 1, 0])
    assert_allclose(components.rate[:, 1:], np.column_stack([[1] * 3, rates, [0.3] * 3, [7] * 3]))
    # zeros of one alone, among rare zeros
    tasks[100:108, 2] = 0.0
    assert_array_equal(described(tasks, arm).amount, [0, 1, 2, 1, 0])
    # values of both signs are never tied
    signed = np.column_stack([other - 5, 2 * other - 10])
    assert_array_equal(described(signed, arm).amount, [0, 1])


def test_weights_count_in_the_rates():
    gmv, _, cost, arm = baskets((0.3, 0.5))
    rng = np.random.default_rng(0)
    tasks = np.column_stack([gmv, np.round(cost, 1)])
    weight = rng.integers(1, 4, 600)
    rows = np.repeat(np.arange(600), weight)
    rates = [described(tasks, arm, 5.0 * weight).rate, described(tasks[rows], arm[rows]).rate]
    assert_allclose(*rates, rtol=1e-12)
    assert not np.array_equal(rates[0], described(tasks, arm).rate)


KINDS = ["chance", "two values", "count", "amount", "positive", "continuous", "constant", "price"]
KINDS += ["share"]  # of the column before


@st.composite
def experiments(draw):
    """Tasks of all kinds, with arms in which they are constant, free or missing."""
    n_arms = draw(st.integers(1, 4))
    sizes = draw(st.lists(st.integers(0, 40), min_size=n_arms, max_size=n_arms).filter(any))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    arm = rng.permutation(np.repeat(np.arange(n_arms), sizes))
    n = len(arm)
    unit = 10.0 ** draw(st.integers(-4, 6))
    positive = rng.random(n) < draw(st.sampled_from([0.02, 0.3, 0.9]))
    columns = []
    for kind in draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=4)):
        if draw(st.booleans()):  # else tied to the others
            positive = rng.random(n) < draw(st.sampled_from([0.02, 0.3, 0.9]))
        values = {
            "share": (1.0 + np.arange(n_arms)[arm]) * (columns[-1] if columns else positive),
            "chance": positive * 1.0,
            "two values": np.where(positive, 7.0, -2.0),
            "count": rng.poisson(0.7, n) * 1.0,
            "amount": positive * rng.lognormal(0, 1, n),
            "positive": rng.lognormal(0, 2, n),
            "continuous": rng.normal(1, 3, n),
            "constant": np.full(n, rng.integers(-1, 2) * 1.0),
            "price": positive * np.arange(n_arms)[arm] * 2.0,
        }[kind]
        for j in range(n_arms):
            if draw(st.integers(0, 3)) == 0:
                values = np.where(arm == j, draw(st.sampled_from([0.0, 3.0])), values)
        columns.append(values * (1.0 if kind in ("chance", "constant") else unit))
    weight = rng.uniform(0.1, 5, n) if draw(st.booleans()) else np.ones(n)
    return np.column_stack(columns), arm, n_arms, weight, draw(st.booleans())


def describe(experiment):
    tasks, arm, n_arms, weight, has_cost = experiment
    return describe_tasks(tasks, arm, n_arms, weight, has_cost=has_cost)


def property_test(function):
    return settings(derandomize=True, deadline=None, max_examples=200)(
        given(experiments())(function)
    )


@property_test
def test_everything_is_finite_and_known_or_predicted(experiment):
    tasks, arm, _, weight, _ = experiment
    components = describe(experiment)
    targets, weights = targets_and_weights(tasks, arm, weight, components)
    for array in (components.location, components.scale, components.importance, targets, weights):
        assert np.isfinite(array).all()
    assert not np.isnan(components.upper).any()
    assert (components.scale >= 0).all()  # zero: without rows
    assert (components.importance > 0).all()
    assert (weights >= 0).all()
    assert (np.diff(components.kind) >= 0).all()
    for known, component in (
        (components.known_chance, components.indicator),
        (components.known_amount, components.amount),
    ):
        for j, task in np.argwhere(np.isnan(known)):
            assert component[task] >= 0
            assert components.source[j, component[task]] >= 0
    for component, sources in enumerate(components.source.T):
        kind = components.kind[component]
        of_task = components.indicator if kind == INDICATOR else components.amount
        assert (of_task[sources[sources >= 0]] == component).all()
        assert (weights[sources[arm] < 0, component] == 0).all()
    # rows that say nothing of a component have no weight, others their own
    said = weights > 0
    expected = np.broadcast_to((weight / weight.mean())[:, None], said.shape)
    assert_allclose(weights[said], expected[said])


@property_test
def test_unit_of_the_weights_does_not_matter(experiment):
    tasks, arm, n_arms, weight, has_cost = experiment
    components = describe(experiment)
    rescaled = describe((tasks, arm, n_arms, 7 * weight, has_cost))
    for value, other in zip(components, rescaled):
        assert_allclose(value, other, rtol=1e-9, atol=1e-12)
    for value, other in zip(
        targets_and_weights(tasks, arm, weight, components),
        targets_and_weights(tasks, arm, 7 * weight, components),
    ):
        assert_allclose(value, other)


@property_test
def test_order_of_rows_does_not_matter(experiment):
    tasks, arm, n_arms, weight, has_cost = experiment
    components = describe(experiment)
    order = np.random.default_rng(0).permutation(len(arm))
    shuffled = describe((tasks[order], arm[order], n_arms, weight[order], has_cost))
    for name, value, other in zip(components._fields, components, shuffled):
        assert_allclose(value, other, rtol=1e-9, atol=1e-9 * np.abs(tasks).max(), err_msg=name)
    targets, weights = targets_and_weights(tasks, arm, weight, components)
    for value, other in zip(
        (targets[order], weights[order]),
        targets_and_weights(tasks[order], arm[order], weight[order], components),
    ):
        assert_allclose(value, other, rtol=1e-12)


@property_test
def test_means_of_the_components_are_means_of_the_tasks(experiment):
    tasks, arm, n_arms, weight, _ = experiment
    components = describe(experiment)
    targets, weights = targets_and_weights(tasks, arm, weight, components)
    links = np.zeros((1, n_arms, len(components.kind)))
    for j, component in np.ndindex(links.shape[1:]):
        rows = (arm == j) & (weights[:, component] > 0)
        if rows.any():
            mean = np.average(targets[rows, component], weights=weight[rows])
            kind = components.kind[component]
            with np.errstate(divide="ignore"):
                links[0, j, component] = (
                    logit(min(mean, 1.0))
                    if kind == INDICATOR
                    else mean
                    if kind == CONTINUOUS
                    else np.log(mean)
                )
    (outcomes,) = to_outcomes(links, components)
    for j in np.unique(arm):
        means = np.average(tasks[arm == j], axis=0, weights=weight[arm == j])
        for task, component in enumerate(components.indicator):
            # a tied indicator is that of the first of its tasks
            learnt = np.isnan(components.known_chance[j, task])
            if learnt and components.source[j, component] != task:
                continue
            slack = 1e-6 * np.abs(tasks[:, task]).max()
            assert_allclose(outcomes[j, task], means[task], rtol=1e-6, atol=slack)


@property_test
def test_outcomes_stay_where_tasks_are(experiment):
    tasks, arm, n_arms, _, _ = experiment
    components = describe(experiment)
    links = np.random.default_rng(0).normal(0, 30, size=(20, n_arms, len(components.kind)))
    for dtype in (np.float64, np.float32):
        outcomes = to_outcomes(links.astype(dtype), components)
        assert outcomes.dtype == dtype
        assert outcomes.shape == (20, n_arms, tasks.shape[1])
        assert np.isfinite(outcomes).all()
        slack = 1e-5 * np.abs(tasks).max()
        for task, values in enumerate(tasks.T):
            predicted = outcomes[:, np.unique(arm), task]
            if values.min() >= 0:
                assert (predicted >= 0).all()
                # a tied amount may be a rate of the largest in another arm
                if (components.rate[:, task] == 1).all():
                    assert (predicted <= values.max() * (1 + 1e-5)).all()
            # with two values in all arms or, where some are constant, in the others
            if len(np.unique(values)) == 2 and components.indicator[task] >= 0:
                assert (predicted >= values.min() - slack).all()
                assert (predicted <= values.max() + slack).all()
