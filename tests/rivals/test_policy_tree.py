"""A tree of arms under a budget."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from sklearn_hrc.rivals._policy_tree import DoublyRobustPolicyTree
from sklearn_hrc.rivals._tree_search import arms_of_tree


def planted(n_samples, seed, noise):
    """Arms 1 and 2 cost 1 and 2. Who gains by which is a tree of three features, others lose."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_samples, 5))
    arm = rng.permutation(np.arange(n_samples) % 3)
    best = np.where(X[:, 1] <= 0.0, X[:, 2] > -0.5, 2 * (X[:, 3] > 0.5))
    effect = np.where(arm == 0, 0.0, np.where(arm == best, 5.0, -2.0))
    y = X[:, 0] + effect + noise * rng.normal(size=n_samples)
    return X, y, best, {"treatment": arm, "cost": arm.astype(float)}


def tree_policy(**parameters):
    return DoublyRobustPolicyTree(
        estimator=LinearRegression(), learner="t", random_state=0, **{"depth": 2, **parameters}
    )


@pytest.fixture(scope="module")
def world():
    return planted(3000, 0, noise=1.0)


@pytest.fixture(scope="module")
def policy(world):
    X, y, _, rows = world
    return tree_policy(budget=10.0).fit(X, y, **rows)


def test_a_planted_tree_is_found(policy, world):
    X, _, best, _ = world
    assert np.mean(policy.set_budget(10.0).predict(X) == best) > 0.95
    tree = policy._path.trees[-1]
    assert tree.feature.tolist() == [1, 2, -1, -1, 3, -1, -1]
    assert tree.arm.tolist() == [-1, -1, 0, 1, -1, 0, 2]
    np.testing.assert_allclose(tree.threshold[[0, 1, 4]], [0.0, -0.5, 0.5], atol=0.1)
    assert policy.shadow_price_ == 0


def test_a_small_budget_buys_the_arm_with_more_for_its_price(policy, world):
    # Where arm 1 is best, its five units cost one, those of arm 2 two.
    X, _, best, _ = world
    arms = policy.set_budget(0.3).predict(X)
    assert np.mean(arms[arms > 0] == 1) > 0.9
    assert np.mean(best[arms == 1] == 1) > 0.97
    assert policy.shadow_price_ == pytest.approx(5, rel=0.1)


@pytest.mark.parametrize("budget", [0.0, 0.05, 0.37, 0.6, 0.85, 3.0])
def test_what_is_expected_is_what_the_scores_of_the_plan_say(policy, world, budget):
    X = world[0]
    spent = policy.set_budget(budget).predict(X).mean()
    # Prices are known, and a share of rows is drawn by their places.
    assert policy.expected_cost_ <= budget
    assert spent == pytest.approx(policy.expected_cost_, abs=0.02)
    if policy.shadow_price_ > 0:
        assert policy.expected_cost_ > budget - 1e-3


def test_the_plan_mixes_two_neighbours(policy, world):
    X = world[0]
    _, response, cost = policy._path
    pair = slice(k := int(np.diff(cost).argmax()), k + 2)
    arms = policy.set_budget(cost[pair].mean()).predict(X)
    lower, upper = (arms_of_tree(tree, X) for tree in policy._path.trees[pair])
    assert np.all((arms == lower) | (arms == upper))
    assert np.mean((arms == upper)[lower != upper]) == pytest.approx(0.5, abs=0.03)
    assert policy.expected_response_ == pytest.approx(response[pair].mean(), rel=1e-2)


def test_the_rule_is_text(policy):
    names = ["income", "age", "visits", "years", "zone"]
    text = policy.set_budget(10.0).rule_text(names).split("\n")
    assert text[0] == "100 % of all:"
    assert [line.strip().split(" ")[0] for line in text[1:]] == [
        *("age", "visits", "0", "visits", "1"),
        *("age", "years", "0", "years", "2"),
    ]
    mixed = policy.set_budget(policy._path.cost[:2].mean()).rule_text().split("\n")
    shares = [float(line.split(" ")[0]) for line in mixed if line.endswith("of all:")]
    np.testing.assert_allclose(shares, [50, 50], atol=0.2)
    assert any(line.startswith(("x1 <= ", "x2 <= ")) for line in mixed)


def test_names_of_columns_are_in_the_rule(world):
    pd = pytest.importorskip("pandas")
    X, y, _, rows = world
    frame = pd.DataFrame(X, columns=list("abcde"))
    policy = tree_policy(budget=10.0, depth=1).fit(frame, y, **rows)
    assert policy.rule_text().split("\n")[1][:5] in ("b <= ", "c <= ", "d <= ")


def test_rows_without_weight_make_no_difference(world):
    X, y, _, rows = world
    weight = np.append(np.ones(600), np.zeros(50))
    few = {name: values[:650] for name, values in rows.items()}
    spoilt = y[:650] + 1e3 * (weight == 0)
    kept = {name: values[:600] for name, values in rows.items()}
    first = tree_policy(n_folds=2).fit(X[:650], spoilt, **few, sample_weight=weight)
    second = tree_policy(n_folds=2).fit(X[:600], y[:600], **kept)
    # The folds are dealt anew, so that scores differ a little.
    assert first._path.trees[-1].feature[0] == second._path.trees[-1].feature[0] == 1
    assert first.expected_response_ == pytest.approx(second.expected_response_, rel=0.2)


def test_more_features_than_pairs_are_searched_for(world):
    X, y, best, rows = world
    noise = np.random.default_rng(1).normal(size=(1500, 60))
    policy = tree_policy(budget=10.0, n_bins=8)
    wide = np.column_stack([noise, X[:1500]])
    policy.fit(wide, y[:1500], **{name: values[:1500] for name, values in rows.items()})
    assert np.mean(policy.predict(wide) == best[:1500]) > 0.9


@pytest.mark.parametrize(
    ("name", "value"), [("depth", 0), ("min_samples_leaf", 0), ("n_bins", 257), ("n_folds", 1)]
)
def test_bad_parameters_are_named(world, name, value):
    X, y, _, rows = world
    with pytest.raises(ValueError, match=f"'{name}' parameter"):
        tree_policy(**{name: value}).fit(X, y, **rows)


@pytest.mark.slow
def test_boosted_trees_serve_as_well():
    X, y, best, rows = planted(6000, 1, noise=2.0)
    policy = DoublyRobustPolicyTree(budget=10.0, random_state=0).fit(X, y, **rows)
    assert np.mean(policy.predict(X) == best) > 0.9
