"""Coordinates that decide: directions of effects by hand, and their regression on H."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import r2_score

from sklearn_hrc import _decision_coordinates
from sklearn_hrc._cells import ridge
from sklearn_hrc._decision_coordinates import (
    EffectScale,
    decision_directions,
    fit_decision_map,
    fit_effect_scale,
    map_hidden,
)

RNG = np.random.default_rng(0)
# 50 individuals, 3 arms
RESPONSE, COST = RNG.normal(size=(2, 50, 3)) + np.array([[[5.0]], [[2.0]]])
WEIGHT = RNG.uniform(0.2, 3, 50)
HIDDEN = RNG.normal(size=(400, 3)) * [3.0, 1.0, 0.5] + [1.0, 0.0, -2.0]
FRESH = RNG.normal(size=(400, 3)) * [3.0, 1.0, 0.5] + [1.0, 0.0, -2.0]
ONES = np.ones(len(HIDDEN))


def directions(response, cost, weight=WEIGHT):
    return decision_directions(response, cost, fit_effect_scale(response, cost, weight))


def linear(hidden):
    return hidden @ np.array([[1.0, -0.5], [0.0, 2.0], [1.0, 1.0]]) + [1.0, -3.0]


def piecewise_linear(hidden):
    return np.column_stack([np.abs(hidden[:, 0] - 1), np.maximum(hidden[:, 1], 0.3)])


def fit_map(hidden=HIDDEN, targets=None, weight=ONES, seed=0):
    targets = piecewise_linear(hidden) if targets is None else targets
    return fit_decision_map(hidden, targets, weight, np.random.RandomState(seed))


@pytest.mark.parametrize("weight", [[1.0, 1.0], [3.0, 1.0]])
def test_directions_of_two_individuals_by_hand(weight):
    response, cost = np.array([[0.0, 2.0], [6.0, 2.0]]), np.array([[1.0, 2.0], [7.0, 7.0]])
    scale = fit_effect_scale(response, cost, np.array(weight))
    # mean sizes of the effects: 1 and 2 on response, 0.5 and 0 on cost
    units = np.average([[1.0, 0.5], [2.0, 0.0]], axis=0, weights=weight)
    assert_allclose(scale.units, units)
    effects = [[-1 / units[0], 1 / units[0], -0.5 / units[1], 0.5 / units[1]]]
    effects = np.array([*effects, [2 / units[0], -2 / units[0], 0, 0]])
    lengths = np.sqrt((effects**2).sum(axis=1))
    assert_allclose(scale.size, np.average(lengths, weights=weight))
    found, size = decision_directions(response, cost, scale)
    assert_allclose(size, lengths + 0.02 * scale.size)
    assert_allclose(found, effects / size[:, None])


def test_directions_are_shorter_than_one():
    found, size = directions(RESPONSE, COST)
    assert found.shape == (50, 6)
    length = np.linalg.norm(found, axis=1)
    assert length.max() < 1
    assert np.median(length) > 0.95
    assert (size > 0).all()


def test_effects_of_a_fiftieth_of_the_mean_size_have_half_the_length():
    effect = np.array([0.0, 1e-3, 0.2, 10.0, 1e6]) / np.sqrt(2)
    response = 7 + np.column_stack([effect, -effect])
    scale = EffectScale(np.ones(2), 10.0)
    found, size = decision_directions(response, np.zeros_like(response), scale)
    length = np.linalg.norm(found, axis=1)
    assert_allclose(length, [0, 1e-3 / 0.201, 0.5, 10 / 10.2, 1], rtol=1e-6)
    assert_allclose(size, np.sqrt(2) * effect + 0.2)


def test_units_of_response_and_cost_do_not_matter():
    expected = directions(RESPONSE, COST)
    for found, same in zip(directions(1000 * RESPONSE, 0.01 * COST), expected):
        assert_allclose(found, same, rtol=1e-9, atol=1e-12)


def test_constants_of_an_individual_do_not_matter():
    constant = RNG.normal(size=(2, 50, 1))
    expected = directions(RESPONSE, COST)
    for found, same in zip(directions(RESPONSE + constant[0], COST + constant[1]), expected):
        assert_allclose(found, same, rtol=1e-9, atol=1e-12)


def test_order_of_arms_is_that_of_the_directions():
    order = [2, 0, 1]
    expected, expected_size = directions(RESPONSE, COST)
    found, size = directions(RESPONSE[:, order], COST[:, order])
    assert_allclose(found, expected[:, [2, 0, 1, 5, 3, 4]], atol=1e-12)
    assert_allclose(size, expected_size)


def test_weights_equal_repeated_rows_in_the_scale():
    times = 1 + np.arange(50) % 3
    expected = fit_effect_scale(
        np.repeat(RESPONSE, times, axis=0), np.repeat(COST, times, axis=0), np.ones(times.sum())
    )
    scale = fit_effect_scale(RESPONSE, COST, times.astype(float))
    assert_allclose(scale.units, expected.units)
    assert_allclose(scale.size, expected.size)


def test_unit_is_zero_where_arms_do_not_differ():
    same = np.repeat(COST[:, :1], 3, axis=1)
    scale = fit_effect_scale(RESPONSE, same, WEIGHT)
    assert scale.units[0] > 0
    assert scale.units[1] == 0
    found, _ = decision_directions(RESPONSE, same, scale)
    assert_array_equal(found[:, 3:], 0)
    assert_allclose(found, directions(RESPONSE, 0 * COST)[0])
    assert_array_equal(fit_effect_scale(same, same, WEIGHT).units, 0)
    assert fit_effect_scale(same, same, WEIGHT).size == 0
    assert fit_effect_scale(0 * COST, 0 * COST, WEIGHT).size == 0


def test_rounding_of_float32_is_no_effect():
    noise = RNG.integers(-1, 2, COST.shape)
    value = np.repeat(COST[:, :1], 3, axis=1).astype(np.float32)
    noisy = np.where(noise > 0, np.nextafter(value, np.float32(np.inf)), value)
    assert len(np.unique(noisy[0])) <= 2
    assert (noisy.min(axis=1) < noisy.max(axis=1)).any()
    response = RESPONSE.astype(np.float32)
    scale = fit_effect_scale(response, noisy, WEIGHT)
    assert scale.units[1] == 0
    # an effect of a thousandth is none of rounding
    assert fit_effect_scale(response, value * [1, 1, np.float32(1.001)], WEIGHT).units[1] > 0


def test_directions_of_float32():
    expected, _ = directions(RESPONSE, COST)
    found, _ = directions(RESPONSE.astype(np.float32), COST.astype(np.float32))
    assert found.dtype == np.float32
    assert expected.dtype == np.float64
    assert_allclose(found, expected, atol=1e-5)


RECOVERS = pytest.mark.parametrize(("truth", "least"), [(linear, 0.99), (piecewise_linear, 0.95)])


def with_noise(targets):
    return targets + 0.1 * np.random.default_rng(1).normal(size=targets.shape)


@RECOVERS
def test_map_recovers_functions_of_hidden(truth, least):
    mapped = map_hidden(HIDDEN, fit_map(targets=with_noise(truth(HIDDEN))))
    assert r2_score(truth(HIDDEN), mapped) > least


# A random feature that bends at the edge of the rows is zero in nearly all of them; with a
# penalty in units of its own spread its slope is huge, and a fresh row beyond goes astray.
@RECOVERS
def test_map_recovers_functions_of_hidden_on_fresh_rows(truth, least):
    mapped = map_hidden(FRESH, fit_map(targets=with_noise(truth(HIDDEN))))
    assert r2_score(truth(FRESH), mapped) > least


def test_map_of_nothing_to_learn_is_the_mean():
    targets = np.tile([0.3, -0.2], (len(HIDDEN), 1))
    assert_allclose(map_hidden(FRESH, fit_map(targets=targets)), targets, atol=1e-9)


def repeats():
    """A weighted map, and that of repeated rows."""
    times = 1 + np.arange(len(HIDDEN)) % 3
    repeated = fit_map(np.repeat(HIDDEN, times, axis=0), weight=np.ones(times.sum()))
    return fit_map(weight=times * 1.0), repeated


def test_weights_of_rows_equal_repeated_rows(monkeypatch):
    # repeated rows count as more, so that the penalties may differ
    weighted, repeated = repeats()
    assert_allclose(map_hidden(HIDDEN, weighted), map_hidden(HIDDEN, repeated), atol=0.1)
    monkeypatch.setattr(ridge, "PENALTIES", np.array([1e-2]))
    weighted, repeated = repeats()
    for one, other in zip(weighted, repeated):
        assert_allclose(one, other, rtol=1e-6, atol=1e-8)


def test_unit_of_weights_does_not_matter():
    weight = 1.0 + np.arange(len(HIDDEN)) % 3
    found = map_hidden(FRESH, fit_map(weight=1e-3 * weight))
    assert_allclose(found, map_hidden(FRESH, fit_map(weight=weight)), atol=1e-5)


@pytest.mark.parametrize("heavy", [0, 1])
def test_map_fits_the_rows_that_weigh_most(heavy):
    odd = np.arange(len(HIDDEN)) % 2
    targets = np.where(odd[:, None] == 1, linear(HIDDEN), -linear(HIDDEN))
    rows = odd == heavy
    mapped = map_hidden(HIDDEN, fit_map(targets=targets, weight=np.where(rows, 1.0, 1e-6)))
    assert r2_score(targets[rows], mapped[rows]) > 0.99


def test_chunks_do_not_matter(monkeypatch):
    expected = fit_map()
    mapped = map_hidden(FRESH, expected)
    monkeypatch.setattr(_decision_coordinates, "MAP_ROWS", 37)
    assert_allclose(map_hidden(FRESH, expected), mapped, atol=1e-9)
    assert_allclose(map_hidden(FRESH, fit_map()), mapped, atol=1e-6)


def test_map_is_reproducible_and_random():
    for one, other in zip(fit_map(seed=3), fit_map(seed=3)):
        assert_array_equal(one, other)
    assert not np.allclose(fit_map(seed=3).weights, fit_map(seed=4).weights)


def test_map_of_float32():
    expected = map_hidden(FRESH, fit_map())
    fitted = fit_map(HIDDEN.astype(np.float32), piecewise_linear(HIDDEN).astype(np.float32))
    found = map_hidden(FRESH.astype(np.float32), fitted)
    assert found.dtype == np.float32
    assert expected.dtype == np.float64
    assert_allclose(found, expected, atol=1e-2)
    assert map_hidden(FRESH, fitted).dtype == np.float64
    assert_allclose(map_hidden(FRESH, fitted), expected, atol=1e-2)


def test_shift_and_scale_of_hidden_do_not_matter():
    expected = map_hidden(FRESH, fit_map())
    moved = fit_map(1e-3 * HIDDEN + 5, piecewise_linear(HIDDEN))
    assert_allclose(map_hidden(1e-3 * FRESH + 5, moved), expected, atol=1e-3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("value", [0.0, 0.1, -1e3, 1e-12])
def test_constant_columns_of_hidden_do_no_harm(value, dtype):
    constant = HIDDEN.copy()
    constant[:, 1] = value
    targets = np.tanh(linear(HIDDEN))
    mapped = map_hidden(constant.astype(dtype), fit_map(constant.astype(dtype), targets))
    assert np.isfinite(mapped).all()
    assert r2_score(targets[:, 0], mapped[:, 0]) > 0.9
    constant[:] = value
    mapped = map_hidden(constant.astype(dtype), fit_map(constant.astype(dtype), targets))
    assert_allclose(mapped, np.tile(targets.mean(axis=0), (len(mapped), 1)), atol=1e-3)


FINITE = st.floats(-1e6, 1e6) | st.just(0.0)
SHAPES = st.tuples(st.just(2), st.integers(1, 8), st.integers(2, 4))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(SHAPES.flatmap(lambda shape: arrays(np.float64, shape, elements=FINITE)), st.data())
def test_directions_are_finite(outcomes, data):
    weight = data.draw(arrays(np.float64, outcomes.shape[1], elements=st.floats(0.01, 100)))
    scale = fit_effect_scale(*outcomes, weight)
    assert np.isfinite([*scale.units, scale.size]).all()
    assert (scale.size > 0) == (scale.units > 0).any()
    if scale.size > 0:
        found, size = decision_directions(*outcomes, scale)
        assert np.isfinite(found).all()
        assert np.linalg.norm(found, axis=1).max() < 1
        assert (size > 0).all()


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    st.tuples(st.integers(1, 12), st.integers(1, 4)).flatmap(
        lambda shape: arrays(np.float64, shape, elements=FINITE)
    ),
    st.data(),
)
def test_mapped_rows_are_finite(hidden, data):
    n_rows = len(hidden)
    targets = data.draw(arrays(np.float64, (n_rows, 2), elements=st.floats(-1, 1)))
    weight = data.draw(arrays(np.float64, n_rows, elements=st.floats(0.01, 100)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_decision_coordinates, "N_FEATURES", 16)
        fitted = fit_map(hidden, targets, weight)
        assert all(np.isfinite(array).all() for array in fitted)
        assert np.isfinite(map_hidden(hidden, fitted)).all()


def test_tiny_constant_hidden_columns_in_float32():
    hidden = np.full((50, 2), 1e-30, dtype=np.float32)
    directions = np.random.default_rng(0).normal(size=(50, 4))
    fitted = fit_decision_map(hidden, directions, np.full(50, 0.3), np.random.RandomState(0))
    assert np.isfinite(map_hidden(hidden, fitted)).all()
