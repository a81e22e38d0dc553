"""Slopes of held-out outcomes on expected effects."""

import numpy as np
import pytest
from helpers.small_experiments import small_experiment
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_hrc import MultiTaskRepresenter
from sklearn_hrc._predictor.slopes import EffectSlopes, describe_slopes, effect_slopes

N_ARMS = 3


def rows(seed=0, n_rows=6000, slope=1.0):
    """Expected bases and effects, outcomes with `slope` times these effects, arms, weights."""
    rng = np.random.default_rng(seed)
    arm = rng.integers(0, N_ARMS, n_rows)
    base = rng.normal(size=(n_rows, 1))
    effect = 0.5 * rng.normal(size=(n_rows, 1)) + 0.3 * base + 0.2 * arm[:, None]
    level = np.array([0.0, 1.0, 5.0])[arm, None]
    outcomes = level + 0.7 * base + slope * effect + rng.normal(size=(n_rows, 1))
    return base, effect, outcomes, arm, rng.uniform(0.5, 2, n_rows)


def slopes_of(base, effect, outcomes, arm, weight, groups=None):
    return effect_slopes(base, effect, outcomes, arm, weight, groups, N_ARMS)


def sandwich(base, effect, outcome, weight):
    """Slope of the effect and its HC0 error by the textbook's regression on all three."""
    design = np.column_stack([np.ones(len(base)), base, effect])
    inverse = np.linalg.inv(design.T @ (weight[:, None] * design))
    coefficients = inverse @ design.T @ (weight * outcome)
    scores = design * (weight * (outcome - design @ coefficients))[:, None]
    return coefficients[2], np.sqrt((inverse @ scores.T @ scores @ inverse)[2, 2])


def test_slope_and_error_are_those_of_a_regression():
    base, effect, outcomes, arm, weight = rows(n_rows=300)
    slopes = slopes_of(base, effect, outcomes, arm, weight)
    for j in range(N_ARMS):
        own = arm == j
        found = sandwich(base[own, 0], effect[own, 0], outcomes[own, 0], weight[own])
        assert_allclose((slopes.slope[j, 0], slopes.error[j, 0]), found, rtol=1e-9)
    # over all arms: a level and a slope of the base for each of them
    arms = np.eye(N_ARMS)[arm]
    design = np.hstack([arms, arms * base, effect])
    root = np.sqrt(weight)[:, None]
    fitted = np.linalg.lstsq(root * design, root * outcomes, rcond=None)[0]
    assert_allclose(slopes.overall_slope, fitted[-1])


@pytest.mark.parametrize("slope", [1.0, 0.5, 0.0, -1.0])
def test_planted_slopes_are_found(slope):
    slopes = slopes_of(*rows(slope=slope))
    assert_allclose(slopes.slope, slope, atol=0.2)
    assert_allclose(slopes.overall_slope, slope, atol=0.1)
    assert (slopes.overall_error < slopes.error).all()


def test_errors_are_the_spread_of_slopes():
    found = [slopes_of(*rows(seed, n_rows=600)) for seed in range(200)]
    spread = np.std([slopes.overall_slope[0] for slopes in found])
    assert_allclose(np.mean([slopes.overall_error[0] for slopes in found]), spread, rtol=0.15)


def test_repeated_rows_are_no_news_in_groups():
    base, effect, outcomes, arm, weight = rows(n_rows=500)
    twice = [np.repeat(values, 2, axis=0) for values in (base, effect, outcomes, arm, weight)]
    once = slopes_of(base, effect, outcomes, arm, weight)
    grouped = slopes_of(*twice, groups=np.repeat(np.arange(500), 2))
    for one, other in zip(once, grouped):
        assert_allclose(one, other)
    assert_allclose(slopes_of(*twice).error, once.error / np.sqrt(2))


def test_arms_that_do_the_same_for_everybody_have_no_slope():
    base, effect, outcomes, arm, weight = rows(n_rows=500)
    effect[arm == 1] = 3.0
    slopes = slopes_of(base, effect, outcomes, arm, weight)
    assert_array_equal(np.isnan(slopes.slope[:, 0]), [False, True, False])
    assert np.isfinite(slopes.overall_slope).all()
    # an effect that is a multiple of the base is no difference beside it
    slopes = slopes_of(base, 2 * base, outcomes, arm, weight)
    assert np.isnan(slopes.slope).all()
    assert np.isnan(slopes.overall_slope).all()
    # and so it is with an arm without held-out rows
    own = arm != 2
    slopes = slopes_of(*[values[own] for values in rows(n_rows=500)])
    assert np.isnan(slopes.slope[2, 0])


def test_sentences():
    nothing = np.full((2, 3), np.nan)
    slopes = EffectSlopes(nothing, nothing, np.array([0.9, 0.3, np.nan]), np.array([0.1, 0.2, 1.0]))
    sentences = describe_slopes(slopes, ["gmv", "orders", "cost"])
    assert sentences[0].startswith("gmv: held-out rows bear out")
    assert "slope 0.90 +- 0.10" in sentences[0]
    assert sentences[1].startswith("orders: held-out rows do not bear out")
    assert sentences[2] == "cost: the arms are expected to do the same for everybody."


def test_representer_has_slopes_and_sentences():
    X, y, arrays = small_experiment()
    model = MultiTaskRepresenter(n_networks=2, max_epochs=3, random_state=0).fit(X, y, **arrays)
    assert model.effect_slopes_.slope.shape == model.effect_slopes_.error.shape == (3, 3)
    assert model.effect_slopes_.overall_slope.shape == (3,)
    # the free arm's cost is known
    assert len(model.describe_effects()) == 3
    assert model.describe_effects()[0] in model._repr_html_()
    few, y, arrays = small_experiment(9)
    model.fit(few, y, **arrays)
    assert model.effect_slopes_ is None
    assert model.describe_effects() == []
