"""Values of policies: by hand, by other formulae, by their symmetries, against the truth."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_allclose, assert_array_equal
from scipy.integrate import quad
from scipy.stats import norm
from sklearn.linear_model import LinearRegression

from sklearn_hrc.datasets import make_coupon_experiment, oracle_policy_value
from sklearn_hrc.metrics import best_single_arm, budget_curve, policy_value
from sklearn_hrc.metrics._curves import area_under_curve

METHODS = ["hajek", "horvitz-thompson"]
# Random policies of few rows: now and then nobody received an arm that one of them gives.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn_hrc.exceptions.OverlapWarning")


@pytest.fixture
def rows():
    """Four rows whose policy matches in the first and the last two."""
    return {
        "arms": ["b", "b", "a", "a"],
        "y": [3.0, 5.0, 1.0, 2.0],
        "treatment": ["b", "a", "a", "a"],
        "propensity": [0.5, 0.5, 0.25, 0.75],
        "cost": [2.0, 9.0, 1.0, 0.0],
        "sample_weight": [1.0, 4.0, 1.0, 3.0],
    }


def random_rows(rng, n=60, n_arms=3):
    """An experiment with arms, weights and propensities that differ between rows."""
    treatment = np.r_[np.arange(n_arms), rng.integers(0, n_arms, n - n_arms)]
    return {
        "y": rng.normal(size=n),
        "treatment": treatment,
        "cost": treatment * rng.uniform(0.5, 1.5, n),
        "propensity": rng.uniform(0.2, 0.9, n),
        "sample_weight": rng.uniform(0.1, 3.0, n),
    }


def permuted(rows, order):
    return {name: np.asarray(values)[..., order] for name, values in rows.items()}


# By hand


def test_hajek_by_hand(rows):
    # w = 1/0.5, 0, 1/0.25, 3/0.75 = 2, 0, 4, 4
    value = policy_value(**rows)
    assert value.response == pytest.approx((2 * 3 + 4 * 1 + 4 * 2) / 10)
    assert value.cost == pytest.approx((2 * 2 + 4 * 1 + 4 * 0) / 10)
    # Three rows match, which share one mean.
    errors = [2 * (3 - 1.8), 4 * (1 - 1.8), 4 * (2 - 1.8)]
    assert value.response_se == pytest.approx(np.sqrt(np.square(errors).sum() * 3 / 2) / 10)
    errors = [2 * (2 - 0.8), 4 * (1 - 0.8), 4 * (0 - 0.8)]
    assert value.cost_se == pytest.approx(np.sqrt(np.square(errors).sum() * 3 / 2) / 10)
    assert value.effective_sample_size == pytest.approx(10**2 / (2**2 + 4**2 + 4**2))


def test_horvitz_thompson_by_hand(rows):
    value = policy_value(**rows, method="horvitz-thompson")
    assert value.response == pytest.approx(18 / 9)  # the total weight is 9
    assert value.cost == pytest.approx(8 / 9)
    # Each row stands for y / propensity or 0, with its sample weight.
    terms, weights = np.array([6.0, 0.0, 4.0, 8 / 3]), np.array([1.0, 4.0, 1.0, 3.0])
    errors = weights * (terms - 2.0) / 9
    assert value.response_se == pytest.approx(np.sqrt(np.square(errors).sum() * 4 / 3))
    assert value.effective_sample_size == policy_value(**rows).effective_sample_size


def test_horvitz_thompson_error_without_weights_is_that_of_a_mean(rows):
    del rows["sample_weight"]
    value = policy_value(**rows, method="horvitz-thompson")
    terms = np.array([3 / 0.5, 0, 1 / 0.25, 2 / 0.75])
    assert value.response == pytest.approx(terms.mean())
    assert value.response_se == pytest.approx(terms.std(ddof=1) / 2)


def test_propensity_is_the_weighted_share_by_default(rows):
    del rows["propensity"]
    value = policy_value(**rows)
    shares = [1 / 9, 8 / 9, 8 / 9, 8 / 9]
    assert value == policy_value(**rows, propensity=shares)
    assert value.response == pytest.approx((9 * 3 + 9 / 8 * 1 + 27 / 8 * 2) / (9 + 36 / 8))


def test_what_is_not_given_is_not_returned(rows):
    del rows["cost"]
    value = policy_value(**rows)
    assert value.cost is None
    assert value.cost_se is None
    assert isinstance(value.response, float)


def test_several_outcomes_are_those_one_by_one(rows):
    columns = np.column_stack([rows["y"], [0.0, 1.0, 1.0, 0.0]])
    for method in METHODS:
        both = policy_value(**{**rows, "y": columns}, method=method)
        assert both.response.shape == both.response_se.shape == (2,)
        for j in range(2):
            single = policy_value(**{**rows, "y": columns[:, j]}, method=method)
            assert both.response[j] == pytest.approx(single.response)
            assert both.response_se[j] == pytest.approx(single.response_se)
            assert both.cost == single.cost


def test_budget_curve_by_hand():
    y, treatment = [1.0, 3.0, 2.0, 8.0], [0, 0, 1, 1]
    rows = {"treatment": treatment, "cost": [0.0, 0.0, 1.0, 3.0], "control": 0}
    curve = budget_curve([[0, 0, 0, 0], [0, 0, 1, 0], [1, 1, 1, 1]], y, **rows)
    # The second matches in rows 0 to 2, each of weight 2.
    assert_allclose(curve.spend, [0, 1 / 3, 2])
    assert_allclose(curve.gain, [0, 2 - 2, 5 - 2])
    base = np.array([-1, 1, 0, 0]) / 2
    own = np.array([[1 - 2, 3 - 2, 2 - 2, 0], [0, 0, -3 * 1.5, 3 * 1.5]]) / 3
    variance = ((own - base) ** 2).sum(axis=1)
    # Three rows match the second or the control, four the third.
    assert_allclose(curve.gain_se, [0, *np.sqrt(variance * [3 / 2, 4 / 3])])
    assert curve.max_spend == 2
    # Nothing up to 1/3, then a line to (2, 3).
    assert curve.area == pytest.approx((2 - 1 / 3) * 3 / 2 / 2)


def test_best_single_arm_by_hand():
    y, treatment = [0.0, 0.0, 2.0, 2.0, 3.0, 3.0, -1.0, -1.0], [0, 0, 1, 1, 2, 2, 3, 3]
    cost = [0.0, 0.0, 1.0, 1.0, 4.0, 4.0, 0.5, 0.5]
    best = best_single_arm(
        [0.0, 0.5, 1.0, 2.0, 4.0, 9.0], y, treatment=treatment, cost=cost, control=0
    )
    assert_allclose(best.gain, [0, 1, 2, 2, 3, 3])
    assert_array_equal(best.treatment[1:], [1, 1, 1, 2, 2])


def test_best_single_arm_gives_a_free_arm_to_everyone():
    best = best_single_arm(
        [0.0], [0.0, 5.0, 1.0], treatment=["no", "mail", "call"], cost=[0, 0, 1], control="no"
    )
    assert (best.gain[0], best.treatment[0]) == (5.0, "mail")


# By another formula


def test_hajek_is_weighted_least_squares_on_a_constant():
    rng = np.random.default_rng(0)
    rows = random_rows(rng)
    arms = rng.integers(0, 3, 60)
    value = policy_value(arms, **rows)
    match = arms == rows["treatment"]
    weight = rows["sample_weight"] / rows["propensity"] * match
    nothing = np.zeros((60, 1))
    assert value.response == pytest.approx(
        LinearRegression().fit(nothing, rows["y"], sample_weight=weight).intercept_
    )
    # Its error is the sandwich of that regression, with the factor for one coefficient.
    residual = rows["y"] - value.response
    meat, bread = (weight**2 * residual**2).sum(), 1 / weight.sum()
    factor = match.sum() / (match.sum() - 1)
    assert value.response_se == pytest.approx(np.sqrt(bread * meat * bread * factor))


def test_gain_over_control_is_a_coefficient_of_least_squares():
    # All of one arm against control: a regression on the arm, by row.
    rng = np.random.default_rng(1)
    rows = random_rows(rng, n_arms=2)
    curve = budget_curve([np.ones(60, dtype=int)], control=0, **rows)
    design = np.column_stack([np.ones(60), rows["treatment"]])
    weight = rows["sample_weight"] / rows["propensity"]
    bread = np.linalg.inv(design.T @ (weight[:, None] * design))
    coefficient = bread @ design.T @ (weight * rows["y"])
    scores = design * (weight * (rows["y"] - design @ coefficient))[:, None]
    covariance = bread @ scores.T @ scores @ bread
    assert_allclose(curve.gain, coefficient[1])
    assert_allclose(curve.gain_se, np.sqrt(covariance[1, 1] * 60 / 59))


@pytest.mark.parametrize("method", METHODS)
def test_standard_error_is_that_of_the_bootstrap(method):
    rng = np.random.default_rng(2)
    rows = {"arms": rng.integers(0, 3, 400), **random_rows(rng, n=400)}
    value = policy_value(**rows, method=method)
    again = [
        policy_value(**permuted(rows, rng.integers(0, 400, 400)), method=method) for _ in range(500)
    ]
    for name in ("response", "cost"):
        spread = np.std([draw[name] for draw in again])
        assert value[f"{name}_se"] == pytest.approx(spread, rel=0.12)


def test_error_of_the_gain_is_that_of_the_bootstrap():
    rng = np.random.default_rng(3)
    rows = {"arms": rng.integers(0, 3, (1, 400)), **random_rows(rng, n=400)}
    curve = budget_curve(**rows, control=0)
    again = [
        budget_curve(**permuted(rows, rng.integers(0, 400, 400)), control=0) for _ in range(500)
    ]
    for name in ("gain", "spend"):
        spread = np.std([draw[name][0] for draw in again])
        assert curve[f"{name}_se"][0] == pytest.approx(spread, rel=0.12)


def test_horvitz_thompson_is_unbiased_over_all_assignments():
    response = np.array([[1, 4], [0, 2], [5, 5], [2, 7]])
    chance = [Fraction(1, 2), Fraction(1, 3), Fraction(3, 4), Fraction(1, 5)]  # of arm 1
    arms = np.array([1, 0, 1, 0])
    mean, total = 0.0, 0.0
    for treatment in itertools.product([0, 1], repeat=4):
        received = [p if t else 1 - p for t, p in zip(treatment, chance)]
        probability = float(np.prod(received))
        total += probability
        if len(set(treatment)) == 1 or not (arms == treatment).any():
            # One arm is no experiment, and no match no estimate: by hand.
            match = arms == np.array(treatment)
            own = response[range(4), treatment] * match / np.array(received, dtype=float)
            mean += probability * own.mean()
            continue
        mean += probability * (
            policy_value(
                arms,
                response[range(4), treatment],
                treatment=treatment,
                propensity=[float(p) for p in received],
                method="horvitz-thompson",
            ).response
        )
    assert total == pytest.approx(1)
    assert mean == pytest.approx(response[range(4), arms].mean())


@pytest.mark.parametrize("method", METHODS)
def test_intervals_cover_at_their_level(method):
    rng = np.random.default_rng(4)
    covered, n, repeats = 0, 500, 1000
    for _ in range(repeats):
        x = rng.normal(size=n)
        chance = 0.3 + 0.4 * (x > 0)
        treatment = (rng.random(n) < chance).astype(int)
        y = 5 + x + treatment * (1 + x) + rng.normal(size=n)
        value = policy_value(
            (x > 0.3).astype(int),
            y,
            treatment=treatment,
            propensity=np.where(treatment, chance, 1 - chance),
            method=method,
        )
        # E[(1 + x) [x > 0.3]] is the tail plus the density of the normal.
        truth = 5 + norm.sf(0.3) + norm.pdf(0.3)
        covered += abs(value.response - truth) < norm.ppf(0.95) * value.response_se
    # Three binomial errors around 90 %.
    assert abs(covered / repeats - 0.9) < 3 * np.sqrt(0.9 * 0.1 / repeats)


@settings(max_examples=60, deadline=None)
@given(
    points=st.lists(st.tuples(st.floats(0.01, 10), st.floats(-5, 5)), min_size=1, max_size=6),
    max_spend=st.floats(0.1, 12),
)
def test_area_is_the_integral_of_the_curve(points, max_spend):
    knots = dict(points)  # one gain for each spend
    spend = np.array(sorted(knots))
    gain = np.array([knots[x] for x in spend])

    def curve(x):
        return np.interp(x, np.r_[0, spend], np.r_[0, gain])

    pieces = np.unique(np.clip(np.r_[0, spend, max_spend], 0, max_spend))
    expected = sum(quad(curve, a, b)[0] for a, b in itertools.pairwise(pieces)) / max_spend
    assert area_under_curve(spend, gain, max_spend) == pytest.approx(expected, abs=1e-9)


# Symmetries


seeds = st.integers(0, 2**32 - 1)
quick = settings(max_examples=40, deadline=None)


def case(seed):
    rng = np.random.default_rng(seed)
    return {"arms": rng.integers(0, 3, 60), **random_rows(rng)}


def assert_same(value, other, **tolerance):
    assert value.keys() == other.keys()
    for name in value:
        if value[name] is None:
            assert other[name] is None, name
            continue
        assert_allclose(value[name], other[name], err_msg=name, **{"rtol": 1e-7, **tolerance})


@quick
@given(seed=seeds, shift=st.floats(-100, 100))
def test_hajek_moves_with_a_shift(seed, shift):
    rows = case(seed)
    value = policy_value(**rows)
    moved = policy_value(**{**rows, "y": rows["y"] + shift})
    assert moved.response == pytest.approx(value.response + shift, abs=1e-9)
    assert moved.response_se == pytest.approx(value.response_se, abs=1e-9)


@pytest.mark.parametrize("method", METHODS)
@quick
@given(seed=seeds, scale=st.floats(-100, 100))
def test_values_scale_with_the_outcome(method, seed, scale):
    rows = case(seed)
    value = policy_value(**rows, method=method)
    scaled = policy_value(**{**rows, "y": scale * rows["y"]}, method=method)
    assert scaled.response == pytest.approx(scale * value.response, abs=1e-9)
    assert scaled.response_se == pytest.approx(abs(scale) * value.response_se, abs=1e-9)


@pytest.mark.parametrize("method", METHODS)
@quick
@given(seed=seeds)
def test_order_of_rows_does_not_matter(method, seed):
    rows = case(seed)
    order = np.random.default_rng(seed).permutation(60)
    assert_same(
        policy_value(**rows, method=method), policy_value(**permuted(rows, order), method=method)
    )


@pytest.mark.parametrize("method", METHODS)
@quick
@given(seed=seeds, scale=st.floats(1e-3, 1e3))
def test_scale_of_weights_does_not_matter(method, seed, scale):
    rows = case(seed)
    scaled = {**rows, "sample_weight": scale * rows["sample_weight"]}
    assert_same(policy_value(**rows, method=method), policy_value(**scaled, method=method))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("propensity", [True, False])
@quick
@given(seed=seeds)
def test_rows_of_weight_zero_do_not_count(method, propensity, seed):
    rows = case(seed)
    kept = np.random.default_rng(seed).random(60) < 0.7
    kept[:3] = True  # a row of every arm
    rows["arms"][:3] = rows["treatment"][:3]
    rows["sample_weight"] *= kept
    if not propensity:
        del rows["propensity"]
    assert_same(
        policy_value(**rows, method=method), policy_value(**permuted(rows, kept), method=method)
    )


def test_arm_whose_rows_all_have_weight_zero():
    rows = {"treatment": [0, 0, 1, 2], "cost": [0, 0, 1, 2], "sample_weight": [1, 1, 1, 0]}
    y = [1.0, 3.0, 4.0, 9.0]
    assert policy_value([0, 0, 0, 0], y, **rows).response == 2
    curve = budget_curve([[1, 1, 1, 1]], y, **rows, control=0)
    assert (curve.gain[0], curve.max_spend, curve.area) == (2, 1, 1)
    assert best_single_arm([5.0], y, **rows, control=0).treatment[0] == 1
    with pytest.raises(ValueError, match=r"^arms is expected to agree with treatment"):
        policy_value([2, 2, 2, 2], y, **rows)
    with pytest.raises(ValueError, match=r"^control is expected to be one of .* got 2\.$"):
        budget_curve([[1, 1, 1, 1]], y, **rows, control=2)


@pytest.mark.parametrize("method", METHODS)
def test_constant_outcome_where_every_row_matches_has_no_error(method):
    value = policy_value(
        [0, 1, 1],
        [2.0, 2.0, 2.0],
        treatment=[0, 1, 1],
        propensity=[1.0, 1.0, 1.0],
        sample_weight=[1.0, 5.0, 0.2],
        method=method,
    )
    assert value.response == pytest.approx(2)
    assert value.response_se == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("method", METHODS)
@quick
@given(seed=seeds, arm=st.integers(0, 2))
def test_constant_policy_gets_the_mean_of_its_arm(method, seed, arm):
    rows = case(seed)
    del rows["propensity"]
    value = policy_value(**{**rows, "arms": np.full(60, arm)}, method=method)
    own = rows["treatment"] == arm
    for name, column in (("response", "y"), ("cost", "cost")):
        mean = np.average(rows[column][own], weights=rows["sample_weight"][own])
        assert value[name] == pytest.approx(mean)


def test_tiny_weights_have_an_effective_sample_size():
    weight = np.full(4, 1e-200)
    value = policy_value([0, 1, 0, 1], np.arange(4.0), treatment=[0, 1, 0, 1], sample_weight=weight)
    assert value.effective_sample_size == pytest.approx(4)


@quick
@given(seed=seeds)
def test_gain_is_a_difference_of_values(seed):
    rows = case(seed)
    arms = rows.pop("arms")
    curve = budget_curve([arms], control=1, **rows)
    value, base = policy_value(arms, **rows), policy_value(np.ones(60, dtype=int), **rows)
    assert curve.gain[0] == pytest.approx(value.response - base.response)
    assert curve.spend[0] == pytest.approx(value.cost - base.cost)


@quick
@given(seed=seeds, shift=st.floats(-50, 50))
def test_curve_does_not_move_with_outcome_or_cost(seed, shift):
    rows = case(seed)
    rows["arms"] = np.stack([rows["arms"], rows["treatment"], np.full(60, 2)])
    moved = {**rows, "y": rows["y"] + shift, "cost": rows["cost"] - shift}
    assert_same(budget_curve(**rows, control=0), budget_curve(**moved, control=0), atol=1e-8)


@quick
@given(seed=seeds)
def test_area_does_not_depend_on_the_order_of_budgets(seed):
    rng = np.random.default_rng(seed)
    rows = {**random_rows(rng), "arms": rng.integers(0, 3, (5, 60))}
    order = rng.permutation(5)
    curve = budget_curve(**rows, control=0)
    other = budget_curve(**{**rows, "arms": rows["arms"][order]}, control=0)
    for name in ("spend", "gain", "spend_se", "gain_se"):
        assert_array_equal(curve[name][order], other[name])
    assert other.area == pytest.approx(curve.area)


@quick
@given(seed=seeds)
def test_labels_do_not_matter(seed):
    rows = case(seed)
    named = np.array(["no", "call", "mail"])  # in another order when sorted
    other = {**rows, "arms": named[rows["arms"]], "treatment": named[rows["treatment"]]}
    assert_same(policy_value(**rows), policy_value(**other))
    objects = {**other, "treatment": other["treatment"].astype(object)}
    assert_same(policy_value(**rows), policy_value(**objects))


@quick
@given(seed=seeds, spend=hnp.arrays(float, 7, elements=st.floats(0, 5)))
def test_best_single_arm_is_the_upper_hull_of_nothing_worse(seed, spend):
    rows = case(seed)
    del rows["arms"]
    best = best_single_arm(np.sort(spend), **rows, control=0)
    assert (best.gain >= 0).all()  # control is one of the arms
    assert (np.diff(best.gain) >= -1e-12).all()
    everyone = budget_curve(np.repeat([[0], [1], [2]], 60, axis=1), **rows, control=0)
    at_max = best_single_arm([max(everyone.spend)], **rows, control=0)
    assert at_max.gain[0] == pytest.approx(everyone.gain.max())


# Simple curves have a simple area


@pytest.mark.parametrize(
    ("spend", "gain", "max_spend", "area"),
    [
        ([2.0], [6.0], 2.0, 3.0),  # a triangle
        ([1.0], [6.0], 4.0, (3 + 18) / 4),  # flat after the last point
        ([1.0, 2.0], [1.0, 0.0], 2.0, 0.5),  # a tent
        ([4.0], [4.0], 2.0, 1.0),  # cut off at the end of the range
        ([1.0, 1.0], [2.0, 4.0], 1.0, 1.5),  # the mean where spends coincide
        ([-1.0, 0.0, 1.0], [4.0, 9.0, 2.0], 1.0, 5.5),  # the best of what costs nothing
        ([0.0], [9.0], 1.0, 9.0),
        ([-1.0, 1.0], [-3.0, 2.0], 1.0, 1.0),  # nobody has to save
        ([1.0], [2.0], 0.0, 0.0),  # nothing to spend
        ([1.0], [2.0], -1.0, 0.0),
    ],
)
def test_area_in_closed_form(spend, gain, max_spend, area):
    assert area_under_curve(np.array(spend), np.array(gain), max_spend) == pytest.approx(area)


# Against the truth


@pytest.fixture(scope="module")
def coupons():
    return make_coupon_experiment(
        30_000, treatment_shares=[0.4, 0.1, 0.2, 0.2, 0.1], amount_effect=0.1, random_state=0
    )


def targeted(experiment):
    """A policy that is neither constant nor random."""
    return np.where(experiment.data[:, 0] > 1, 20, np.where(experiment.data[:, 1] > 1, 5, 0))


@pytest.mark.parametrize("method", METHODS)
def test_values_are_near_the_truth(method, coupons):
    arms = targeted(coupons)
    truth = oracle_policy_value(
        arms, coupons.expected_response, coupons.expected_cost, treatments=coupons.treatments
    )
    value = policy_value(
        arms,
        coupons.target[:, 0],
        treatment=coupons.treatment,
        propensity=coupons.propensity,
        cost=coupons.cost,
        method=method,
    )
    assert abs(value.response - truth.response) < 3.5 * value.response_se
    assert abs(value.cost - truth.cost) < 3.5 * value.cost_se
    # An error that says nothing would pass the above.
    assert value.response_se < 0.1 * truth.response
    assert value.cost_se < 0.1 * truth.cost


def test_curve_is_near_the_truth(coupons):
    arms = np.stack([targeted(coupons), np.full(30_000, 10), np.zeros(30_000, dtype=int)])
    curve = budget_curve(
        arms,
        coupons.target[:, 0],
        treatment=coupons.treatment,
        cost=coupons.cost,
        control=0,
        propensity=coupons.propensity,
    )
    expected = coupons.expected_response, coupons.expected_cost
    truth = [oracle_policy_value(row, *expected, treatments=coupons.treatments) for row in arms]
    for i in range(2):
        gain, spend = truth[i].response - truth[2].response, truth[i].cost - truth[2].cost
        assert abs(curve.gain[i] - gain) < 3.5 * curve.gain_se[i]
        assert abs(curve.spend[i] - spend) < 3.5 * curve.spend_se[i]
    assert curve.gain[2] == curve.gain_se[2] == curve.spend[2] == 0


@pytest.mark.slow
def test_errors_are_those_of_repeated_experiments():
    gains, errors, truths = [], [], []
    for seed in range(200):
        experiment = make_coupon_experiment(3000, n_treatments=3, random_state=seed)
        arms = np.stack([np.minimum(targeted(experiment), 10), np.zeros(3000, dtype=int)])
        rows = {"treatment": experiment.treatment, "cost": experiment.cost, "control": 0}
        curve = budget_curve(
            arms, experiment.target[:, 0], propensity=experiment.propensity, **rows
        )
        expected = experiment.expected_response, experiment.expected_cost
        value = [
            oracle_policy_value(row, *expected, treatments=experiment.treatments).response
            for row in arms
        ]
        gains.append(curve.gain[0])
        errors.append(curve.gain_se[0])
        truths.append(value[0] - value[1])
    gains, errors, truth = np.array(gains), np.array(errors), np.mean(truths)
    assert np.std(gains) == pytest.approx(errors.mean(), rel=0.15)
    assert abs(gains.mean() - truth) < 3.5 * np.std(gains) / np.sqrt(200)
    covered = (np.abs(gains - truth) < norm.ppf(0.95) * errors).mean()
    assert abs(covered - 0.9) < 3.5 * np.sqrt(0.9 * 0.1 / 200)


# Bad input

WRONG_VALUES = [
    ({"arms": ["b", "c", "a", "a"]}, r"^arms is expected to hold labels of .* got \['c'\]"),
    ({"arms": ["a", "b", "b", "b"]}, r"^arms is expected to agree with treatment in some rows"),
    ({"arms": [["a", "b"]] * 4}, r"^arms is expected to be one-dimensional"),
    ({"arms": {"a", "b"}}, r"^arms is expected to be an array with an entry for each row, got a"),
    ({"arms": [], "y": [], "treatment": []}, r"^y is expected to have at least one row, got none"),
    ({"arms": ["a", None, "b", "b"]}, r"^arms is expected to have a label in every row"),
    (
        {"arms": np.array(["a", 1.5, "b", "b"], dtype=object)},
        r"^arms is expected to hold labels of one sortable type, got float, str",
    ),
    ({"y": [1.0, 2.0]}, r"^y is expected to have one entry"),
    ({"y": [1.0, 2.0, np.nan, 3.0]}, r"y is expected to be finite"),
    ({"y": list("abcd")}, r"^y is expected to be numeric"),
    ({"treatment": ["a", "b"]}, r"^treatment is expected to have one entry"),
    ({"treatment": ["a"] * 4}, r"^treatment is expected to have at least two"),
    ({"cost": [0.0, np.inf, 0.0, 0.0]}, r"cost is expected to be finite"),
    ({"cost": [[0.0, 1.0]] * 4}, r"^cost is expected to be one-dimensional"),
    ({"propensity": [0.5, 0.5, 0.0, 0.5]}, r"^propensity is expected to be in \(0, 1\]"),
    ({"propensity": [0.5, 0.5, 1.1, 0.5]}, r"^propensity is expected to be in \(0, 1\]"),
    ({"propensity": [5e-324] * 4}, r"propensity is expected to have .* (large|overflow)"),
    ({"y": [1e307] * 4}, r"^y is expected to have a finite sum"),
    ({"cost": [1e307] * 4}, r"^cost is expected to have a finite sum"),
    ({"sample_weight": [1e308] * 4}, r"^sample_weight is expected to have a finite sum"),
    ({"sample_weight": [1, 1, -1, 1]}, r"^sample_weight is expected to be non-negative"),
    ({"sample_weight": [0, 0, 0, 0]}, r"^sample_weight is expected to have a positive total"),
    ({"method": "ipw"}, r"^The 'method' parameter of policy_value must be"),
    ({"arms": 3}, r"^The 'arms' parameter of policy_value must be"),
    ({"y": None}, r"^The 'y' parameter of policy_value must be"),
]


@pytest.mark.parametrize(("change", "message"), WRONG_VALUES)
def test_bad_input_of_policy_value(change, message, rows):
    with pytest.raises(ValueError, match=message) as caught:
        policy_value(**{**rows, **change})
    assert "np." not in str(caught.value)


WRONG_CURVES = [
    ({"arms": ["a", "b", "a", "b"]}, r"^arms is expected to have the shape \(n_budgets"),
    ({"arms": np.empty((0, 4), dtype=str)}, r"^arms is expected to have the shape .* \(0, 4\)"),
    ({"arms": [["a", "b", "a"]]}, r"^arms is expected to have one entry"),
    ({"arms": [["a", "b", "a", "z"]]}, r"^arms is expected to hold labels of .* got \['z'\]"),
    ({"arms": [["a", "b", "b", "b"]]}, r"^arms is expected to agree with treatment"),
    ({"y": [[1.0, 2.0]] * 4}, r"^y is expected to have one column, got 2"),
    ({"control": "z"}, r"^control is expected to be one of .*\['a', 'b'\], got 'z'"),
    ({"control": None}, r"^control is expected to be one of .* got None"),
    ({"control": 0}, r"^control is expected to be one of .* got 0"),
    ({"cost": None}, r"^cost is expected to be given, .* or arm_cost, .* got neither"),
    ({"y": {1.0, 2.0}}, r"^y is expected to be an array with an entry for each row, got a set"),
]


@pytest.mark.parametrize(("change", "message"), WRONG_CURVES)
def test_bad_input_of_budget_curve(change, message, rows):
    rows["arms"] = [rows["arms"]]
    with pytest.raises(ValueError, match=message):
        budget_curve(**{"control": "a", **rows, **change})


@pytest.mark.parametrize(
    ("spend", "message"),
    [
        ([[1.0]], r"^spend is expected to be one-dimensional"),
        ([np.nan], r"(?i)spend contains NaN"),
        (1.0, r"^The 'spend' parameter of best_single_arm must be"),
    ],
)
def test_bad_spend(spend, message, rows):
    del rows["arms"]
    with pytest.raises(ValueError, match=message):
        best_single_arm(spend, **rows, control="a")


def test_strings_are_not_taken_for_numbers():
    treatment = 5 * (np.arange(100) % 20)
    for arms, received in ((treatment.astype(str), treatment), (treatment, treatment.astype(str))):
        with pytest.raises(ValueError, match="arms is expected to hold labels of treatment"):
            policy_value(arms, np.ones(100), treatment=received)
