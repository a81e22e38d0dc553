"""Whether arms can be told from features: levels by simulation, power, what is reported."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import binomtest

from sklearn_hrc._randomisation import describe_draw, features_test, warn_of_dependence
from sklearn_hrc.metrics import check_randomisation
from sklearn_hrc.metrics._trees_test import trees_test


def mixed_features(rng, n, k=6):
    """Half of the columns are numbers with a heavy tail, half are rare indicators."""
    X = np.exp(rng.normal(size=(n, k)))
    X[:, k // 2 :] = X[:, k // 2 :] > 4
    return X


def is_valid(p_values, level):
    """No more small p-values than their level allows, but for chance."""
    hits = int((np.array(p_values) < level).sum())
    return binomtest(hits, len(p_values), level, alternative="greater").pvalue > 1e-3


# The test of features


def test_draw_of_shares_by_hand():
    draw = describe_draw(np.array([0, 1, 1, 1]), 2)
    assert_allclose(draw.received, [[4, 0], [0, 4 / 3], [0, 4 / 3], [0, 4 / 3]])
    assert_allclose(draw.expected, 1)
    assert_allclose(draw.variance, np.tile([3, 1 / 3], (4, 1)))


def test_draw_of_propensities_by_hand():
    draw = describe_draw(np.array([0, 1, 1]), 2, np.array([0.2, 0.4, 1.0]))
    assert_allclose(draw.received, [[5, 0], [0, 2.5], [0, 1]])
    assert_allclose(draw.expected, [[1, 1], [1, 1], [0, 1]])
    assert_allclose(draw.variance, [[4, 1 / 0.8 - 1], [1 / 0.6 - 1, 1.5], [0, 0]])
    # With three arms others may have been as unlikely as for any row.
    draw = describe_draw(np.array([0, 1, 2, 2]), 3, np.array([0.2, 0.4, 0.1, 0.5]))
    assert_allclose(draw.variance[0], [4, 1.5, 9])
    assert_allclose(draw.variance[2], [4, 1.5, 9])


@pytest.mark.slow
@pytest.mark.parametrize("shares", [[0.5, 0.5], [0.6, 0.3, 0.1], [0.02, 0.98]])
def test_features_hold_their_level(shares):
    rng = np.random.default_rng(0)
    together, alone = [], []
    for _ in range(400):
        arm = np.r_[np.arange(len(shares)), rng.choice(len(shares), 600, p=shares)]
        draw = describe_draw(arm, len(shares))
        test = features_test(mixed_features(rng, len(arm)), arm, draw)
        together.append(test.p_value)
        alone.append(test.feature_p_value)
    for level in (0.2, 0.05, 0.01):
        assert is_valid(together, level)
        assert is_valid(np.ravel(alone)[::6], level)


@pytest.mark.slow
@pytest.mark.parametrize("n_arms", [2, 3])
def test_features_hold_their_level_with_propensities(n_arms):
    rng = np.random.default_rng(1)
    p_values, wrong = [], []
    for _ in range(300):
        X = mixed_features(rng, 1000)
        chance = rng.dirichlet(np.full(n_arms, 5.0), size=2)[X[:, 5].astype(int)]
        arm = (rng.random((1000, 1)) > chance.cumsum(axis=1)[:, :-1]).sum(axis=1)
        if len(np.unique(arm)) < n_arms:
            continue
        draw = describe_draw(arm, n_arms, chance[np.arange(1000), arm])
        p_values.append(features_test(X, arm, draw).p_value)
        wrong.append(features_test(X, arm, describe_draw(arm, n_arms)).p_value)
    for level in (0.2, 0.05, 0.01):
        assert is_valid(p_values, level)
    # One feature moves the odds, and shares of all rows do not say so.
    assert np.mean(np.array(wrong) < 0.01) > 0.4


def test_features_hold_their_level_with_groups():
    rng = np.random.default_rng(2)
    grouped, by_rows = [], []
    for _ in range(300):
        village = rng.permutation(np.r_[np.arange(100), rng.integers(0, 100, 900)])
        X = mixed_features(rng, 100)[village] + 0.1 * rng.normal(size=(1000, 6))
        arm = rng.permutation(np.arange(100) % 2)[village]
        draw = describe_draw(arm, 2)
        grouped.append(features_test(X, arm, draw, village).p_value)
        by_rows.append(features_test(X, arm, draw).p_value)
    for level in (0.2, 0.05, 0.01):
        assert is_valid(grouped, level)
    assert not is_valid(by_rows, 0.05)


def test_rare_values_and_constants_are_no_evidence():
    arm = np.r_[0, np.ones(999, dtype=int)]
    X = np.column_stack([np.arange(1000) == 0, np.full(1000, 0.1)]).astype(float)
    test = features_test(X, arm, describe_draw(arm, 2))
    assert test.p_value == 1
    assert_array_equal(test.feature_p_value, [1, 1])
    assert test.difference[0, 0] > 10
    assert test.difference[0, 1] == 0


def test_columns_that_repeat_each_other_are_one():
    rng = np.random.default_rng(3)
    x, arm = rng.normal(size=(500, 1)), rng.integers(0, 2, 500)
    draw = describe_draw(arm, 2)
    twice = features_test(np.hstack([x, -2 * x]), arm, draw)
    assert_allclose(twice.feature_p_value, features_test(x, arm, draw).feature_p_value[[0, 0]])
    assert_allclose(twice.p_value, min(1, 2 * twice.feature_p_value[0]))


def test_more_features_than_are_tested_together():
    rng = np.random.default_rng(4)
    X, arm = rng.normal(size=(400, 250)), rng.integers(0, 2, 400)
    X[:, 17] += arm
    test = features_test(X, arm, describe_draw(arm, 2))
    assert test.p_value < 1e-6
    assert test.feature_p_value.argmin() == 17


# The test by trees


@pytest.mark.slow
def test_trees_hold_their_level():
    rng = np.random.default_rng(5)
    p_values = []
    for seed in range(80):
        X, arm = mixed_features(rng, 200, 2), rng.integers(0, 2, 200)
        draw, unit = describe_draw(arm, 2), np.arange(200)
        state = np.random.RandomState(seed)
        p_values.append(trees_test(X, arm, draw, unit, 99, state)[0])
    for level in (0.2, 0.05):
        assert is_valid(p_values, level)


def test_trees_see_features_that_act_together():
    rng = np.random.default_rng(6)
    X = rng.normal(size=(3000, 4))
    chance = np.where(X[:, 0] * X[:, 1] > 0, 0.7, 0.3)
    arm = (rng.random(3000) < chance).astype(int)
    check = check_randomisation(X, arm, random_state=0)
    assert check.features_p_value > 0.01
    # No permutation reaches what was observed, in the better one of two halves.
    assert check.trees_p_value == pytest.approx(2 / (1 + 999))
    assert check.log_likelihood_gain > 0.02
    by_odds = check_randomisation(X, arm, propensity=np.full(3000, 0.5), random_state=0)
    assert by_odds.trees_p_value < 1e-6
    assert "drawn with these propensities" in by_odds.conclusion
    assert "drawn with the same odds for everybody" in check.conclusion
    # With the chances that there were it was a draw.
    fair = check_randomisation(X, arm, propensity=np.where(arm, chance, 1 - chance), random_state=0)
    assert fair.trees_p_value > 0.01


def test_rows_in_order_of_their_arms_are_halved_at_random():
    arm = np.repeat([0, 1], 100)
    X = arm[:, None] + 0.1 * np.random.default_rng(10).normal(size=(200, 1))
    assert check_randomisation(X, arm, random_state=0).log_likelihood_gain > 0.3


@pytest.mark.parametrize("propensity", [None, 0.5])
def test_trees_learn_nothing_from_rows_of_the_same_group(propensity):
    rng = np.random.default_rng(9)
    group = np.tile(np.arange(60), 20)
    X, arm = rng.normal(size=(60, 2))[group], rng.permutation(np.arange(60) % 2)[group]
    given = {"n_permutations": 99, "random_state": 0}
    if propensity is not None:
        given["propensity"] = np.full(1200, propensity)
    assert check_randomisation(X, arm, groups=group, **given).trees_p_value > 0.1
    assert check_randomisation(X, arm, **given).trees_p_value < 0.05


def test_features_of_the_same_p_value_are_in_order_of_their_differences():
    X = np.column_stack([np.full(30, 0.1), np.arange(30) == 0])
    check = check_randomisation(X, np.r_[0, np.ones(29, dtype=int)], random_state=0)
    assert_array_equal(check.features["p_value"], 1)
    assert_array_equal(check.features["feature"], ["x1", "x0"])


def test_few_rows_teach_trees_nothing():
    check = check_randomisation(np.arange(30.0)[:, None], np.arange(30) % 2, random_state=0)
    assert check.trees_p_value == 1
    assert np.isnan(check.log_likelihood_gain)


# What is reported


def biased_experiment(seed=0, n=2000):
    """Age moves the odds of the last of three arms."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    utility = rng.gumbel(size=(n, 3))
    utility[:, 2] += 0.5 * X[:, 1]
    return X, np.array(["none", "mail", "call"])[utility.argmax(axis=1)]


def test_feature_that_moves_the_odds_comes_first():
    pd = pytest.importorskip("pandas")
    X, treatment = biased_experiment()
    X = pd.DataFrame(X, columns=["spend", "age", "recency", "size"])
    check = check_randomisation(X, treatment, random_state=0)
    assert check.p_value < 1e-4
    table = pd.DataFrame(check.features)
    assert table["feature"][0] == "age"
    assert table["treatment"][0] == "call"
    own = X["age"][treatment == "call"].mean() - X["age"].mean()
    assert table["difference"][0] == pytest.approx(own / X["age"].std(ddof=0))
    assert "the first to look at is age, whose mean under treatment 'call' is +" in check.conclusion


def test_draw_is_a_draw():
    X, treatment = biased_experiment()
    drawn = np.random.default_rng(1).permutation(treatment)
    check = check_randomisation(X, drawn, random_state=0)
    assert check.p_value > 0.01
    assert check.conclusion.startswith("Nothing in the features tells the received arm")
    again = check_randomisation(X, drawn, random_state=0)
    assert again.p_value == check.p_value
    assert again.log_likelihood_gain == check.log_likelihood_gain
    assert check.p_value == min(1, 2 * min(check.features_p_value, check.trees_p_value))


def test_groups_are_kept_together():
    X, treatment = biased_experiment(n=300)
    # Each row comes five times: as groups they count once.
    many, labels = np.repeat(X, 5, axis=0), np.repeat(np.arange(300), 5)
    once = check_randomisation(X, treatment, random_state=0)
    grouped = check_randomisation(many, np.repeat(treatment, 5), groups=labels, random_state=0)
    assert grouped.features_p_value == pytest.approx(once.features_p_value)
    alone = check_randomisation(many, np.repeat(treatment, 5), random_state=0)
    assert alone.features_p_value < once.features_p_value


def test_probability_of_treatment_for_everybody_is_a_warning():
    rng = np.random.default_rng(7)
    treatment = (rng.random(2000) < 0.9).astype(int)
    with pytest.warns(UserWarning, match="^propensity is expected to be the probability of the"):
        check_randomisation(
            rng.normal(size=(2000, 2)), treatment, propensity=np.full(2000, 0.9), random_state=0
        )


# The warning in a fit


def test_warning_names_the_feature():
    X, treatment = biased_experiment(n=5000)
    treatments, arm = np.unique(treatment, return_inverse=True)
    rng = np.random.RandomState(0)
    message = r"^treatment is expected to be random .*, most of all 'age'; pass propensity"
    with pytest.warns(UserWarning, match=message):
        warn_of_dependence(X, arm, treatments, rng, names=["spend", "age", "recency", "size"])
    with pytest.warns(UserWarning, match=r"most of all column 1; check propensity"):
        warn_of_dependence(X, arm, treatments, rng, propensity=np.full(5000, 1 / 3))


def test_no_warning_in_many_experiments():
    rng = np.random.default_rng(8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(300):
            n, n_arms = int(rng.choice([30, 100, 1000])), int(rng.integers(2, 6))
            shares = rng.dirichlet(np.ones(n_arms))
            arm = np.r_[np.arange(n_arms), rng.choice(n_arms, n, p=shares)]
            warn_of_dependence(mixed_features(rng, len(arm)), arm, np.arange(n_arms), rng)
        warn_of_dependence(np.zeros((3, 1)), np.zeros(3, dtype=int), np.arange(1), rng)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X": [["a"]] * 4}, r"could not convert string to float"),
        ({"X": [[np.nan]] * 4}, r"(?i)X contains NaN"),
        ({"treatment": [0, 1]}, r"^treatment is expected to have one entry"),
        ({"treatment": [1] * 4}, r"^treatment is expected to have at least two different"),
        ({"propensity": [0.5, 0.5, 2, 0.5]}, r"^propensity is expected to be in \(0, 1\]"),
        ({"groups": [0, 1]}, r"^groups is expected to have one entry"),
        ({"n_permutations": 10}, r"^The 'n_permutations' parameter of check_randomisation must"),
    ],
)
def test_bad_input(change, message):
    given = {"X": np.arange(4.0)[:, None], "treatment": [0, 1, 0, 1], **change}
    with pytest.raises(ValueError, match=message):
        check_randomisation(**given)
