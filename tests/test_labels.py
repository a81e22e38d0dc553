"""Labels: their order, where they are found, and values of arms that come by label."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_hrc import ClusterBudgetAllocator, HiddenClusterer, MultiTaskRepresenter
from sklearn_hrc._experiment import check_experiment
from sklearn_hrc._labels import (
    common_order,
    find_labels,
    label_order,
    unite_labels,
    unseen_labels,
)
from sklearn_hrc._parameters import resolve_arm_cost, resolve_control
from sklearn_hrc.metrics import policy_value
from sklearn_hrc.rules import MaxShare, Monotone

ARMS = ["none", "mail", "letter"]  # as by price; sorted they are letter, mail, none
PRICES = {"none": 0.0, "mail": 0.1, "letter": 0.8}


def categories(codes, arms=ARMS, ordered=True):
    labels = np.array(arms, dtype=object)[np.asarray(codes)]
    return pd.Series(pd.Categorical(labels, categories=arms, ordered=ordered))


def rows(n=600, seed=0):
    rng = np.random.default_rng(seed)
    cluster, arm = rng.integers(0, 3, n), rng.integers(0, 3, n)
    return cluster[:, None].astype(float), rng.random(n) + 0.2 * arm * cluster, arm


@pytest.mark.parametrize("known", [["b", "c", "a"], [7, -1, 3], [0.5, 2.0, -4.0]])
def test_labels_are_found_in_any_order(known):
    known = np.array(known)
    assert_array_equal(find_labels(known[[2, 0, 0, 1]], known), [2, 0, 0, 1])


def test_labels_that_are_not_there():
    known = np.array([7, -1, 3])
    assert_array_equal(find_labels(np.array([3, 9, -5, 0]), known), [2, -1, -1, -1])
    assert_array_equal(find_labels(np.array(["3"]), known), [-1])
    assert_array_equal(unseen_labels(np.array([9, 3, 0, 9]), known), [0, 9])


@pytest.mark.parametrize(
    ("first", "second", "order"),
    [
        ("abc", "ac", "abc"),
        ("ac", "abc", "abc"),
        ("ba", "ba", "ba"),
        ("ab", "ba", None),
        ("ab", "ac", None),
    ],
)
def test_common_order(first, second, order):
    found = common_order(np.array(list(first)), np.array(list(second)))
    assert found is order if order is None else "".join(found) == order


def test_labels_are_united_in_an_order():
    first, second = np.array(["b"]), np.array(["a", "c"])
    assert unite_labels(first, second).tolist() == ["a", "b", "c"]
    assert unite_labels(first, second, np.array(list("xcab"))).tolist() == ["c", "a", "b"]


@pytest.mark.parametrize(
    "given",
    [
        categories([0, 1, 2]),
        categories([0, 1, 2]).to_frame(),
        pd.Categorical(ARMS, ARMS, ordered=True),
    ],
    ids=lambda given: type(given).__name__,
)
def test_order_of_an_ordered_categorical(given):
    assert label_order(given).tolist() == ARMS


@pytest.mark.parametrize(
    "given", [ARMS, np.array(ARMS), pd.Series(ARMS), categories([0, 1, 2], ordered=False)], ids=repr
)
def test_no_order(given):
    assert label_order(given) is None


def test_treatments_stand_in_the_order_of_categories_that_occur():
    given = {"cost": None, "propensity": None, "sample_weight": None}
    experiment = check_experiment(
        np.zeros(3), treatment=categories([2, 0, 2]), n_samples=3, **given
    )
    assert experiment.treatments.tolist() == ["none", "letter"]
    assert experiment.arm.tolist() == [1, 0, 1]
    assert experiment.order.tolist() == ARMS


def test_prices_by_label():
    arms = np.array(sorted(PRICES))
    for prices in (PRICES, pd.Series(PRICES), pd.Series(PRICES)[::-1]):
        assert_array_equal(resolve_arm_cost(prices, arms), [0.8, 0.1, 0.0])
    assert_array_equal(resolve_arm_cost(pd.Series([5, 0], [5, 0]), np.array([0, 5])), [0, 5])
    assert_array_equal(resolve_arm_cost([0, 5], np.array([0, 5])), [0, 5])
    assert_array_equal(resolve_arm_cost([3.0], np.array(["all"])), [3])


@pytest.mark.parametrize(
    ("prices", "message"),
    [
        ([0.0, 0.1, 0.8], "a dict or a Series by label where treatments are strings"),
        (np.array([0.0, 0.1, 0.8]), "a dict or a Series by label where treatments are strings"),
        (pd.Series([0.0, 0.1, 0.8]), r"got none for \['letter', 'mail', 'none'\] and unknown"),
        ({"none": 0.0, "mail": 0.1}, r"got none for \['letter'\]\.$"),
        ({**PRICES, "fax": 1.0}, r"got unknown \['fax'\]\.$"),
        (pd.Series([0.0, 0.1, 0.8, 1.0], [*ARMS, "mail"]), "arm_cost .* every label once"),
    ],
    ids=str,
)
def test_prices_that_are_of_no_arm(prices, message):
    with pytest.raises(ValueError, match=message):
        resolve_arm_cost(prices, np.array(sorted(PRICES)))


def test_a_series_of_prices_by_position():
    with pytest.raises(ValueError, match=r"got none for \[5, 10\] and unknown \[1, 2\]"):
        resolve_arm_cost(pd.Series([0.0, 1.0, 2.0]), np.array([0, 5, 10]))


def test_control_of_numbers_in_an_order_of_their_own():
    assert resolve_control(None, np.array([0, 10, 5])) == 0
    assert resolve_control(0, np.array([10, 5, 0])) == 2
    with pytest.raises(ValueError, match="control is expected to name the control"):
        resolve_control(None, np.array([10, 5, 0]))


def test_steps_along_clusters_need_an_order():
    X, y, arm = rows()
    policy = ClusterBudgetAllocator(
        0.3, control="none", arm_cost=PRICES, rules=[Monotone([0, 1, 2])], estimation="raw"
    )
    with pytest.raises(ValueError, match="ordered Categorical along with Monotone"):
        policy.fit(X, y, treatment=np.array(ARMS)[arm])
    policy.fit(X, y, treatment=categories(arm))
    assert policy.treatments_.tolist() == ARMS
    assert (np.diff(policy.allocation_ @ [0, 1, 2] / policy.allocation_.sum(axis=1)) >= 0).all()


def test_lists_in_the_order_of_categories():
    X, y, arm = rows()
    fit, rules = {"X": X, "y": y, "treatment": categories(arm)}, [MaxShare("letter", 0.1)]
    one = ClusterBudgetAllocator(
        0.05, control="none", arm_cost=[0, 0.1, 0.8], rules=rules, estimation="raw"
    )
    other = ClusterBudgetAllocator(
        0.05, control="none", arm_cost=PRICES, rules=rules, estimation="raw"
    )
    assert_array_equal(one.fit(**fit).allocation_, other.fit(**fit).allocation_)
    assert_allclose(one.cost_, [[0, 0.1, 0.8]] * 3)


@pytest.mark.parametrize("estimation", ["raw", "pooled"])
def test_further_rows_keep_the_order(estimation):
    X, y, arm = rows()
    treatment, cost = categories(arm), np.array([0, 0.1, 0.8])[arm]
    policy = ClusterBudgetAllocator(0.3, control="none", estimation=estimation, random_state=0)
    whole = policy.fit(X, y, treatment=treatment, cost=cost)
    response, score = whole.response_.copy(), whole.score(X, y, treatment=treatment, cost=cost)
    first = (arm != 1) & (np.arange(600) < 300)
    for further in (treatment[~first], treatment[~first].astype(str)):
        policy.fit(X[first], y[first], treatment=treatment[first], cost=cost[first])
        assert policy.treatments_.tolist() == ["none", "letter"]
        policy.partial_fit(X[~first], y[~first], treatment=further, cost=cost[~first])
        assert policy.treatments_.tolist() == ARMS
        assert_allclose(policy.response_, response)
    plain = treatment.astype(str)
    assert policy.score(X, y, treatment=plain, cost=cost) == pytest.approx(score)


def test_new_arms_need_a_row_of_weight():
    X, y, arm = rows()
    policy = ClusterBudgetAllocator(0.5, estimation="raw").fit(X, y, treatment=arm, cost=arm)
    more = {"treatment": [0, 7, 2], "cost": [0, 7, 2]}
    with pytest.raises(ValueError, match=r"sample_weight is .* got only zero for \[7\]"):
        policy.partial_fit(X[:3], y[:3], sample_weight=[1, 0, 0], **more)
    policy.partial_fit(X[:3], y[:3], sample_weight=[0, 1, 0], **more)
    assert policy.treatments_.tolist() == [0, 1, 2, 7]


@pytest.mark.parametrize("population", [2**53 + 1, 2**63, 10**30])
def test_populations_that_floats_do_not_count(population):
    X, y, arm = rows()
    policy = ClusterBudgetAllocator(0.5, estimation="raw", population=population)
    with pytest.raises(ValueError, match="'population'"):
        policy.fit(X, y, treatment=arm, cost=arm)


@pytest.mark.parametrize(
    ("first", "further"),
    [
        (ARMS, pd.Categorical(ARMS, ARMS[::-1], ordered=True)),
        (ARMS, ["none", "mail", "fax"]),
        (None, pd.Categorical(ARMS, ARMS, ordered=True)),
    ],
)
def test_orders_in_conflict(first, further):
    X, y, arm = rows()
    treatment = np.array(ARMS)[arm] if first is None else categories(arm)
    policy = ClusterBudgetAllocator(0.5, control="none", estimation="raw")
    policy.fit(X, y, treatment=treatment, cost=y)
    before = dict(vars(policy))
    with pytest.raises(ValueError, match="treatment is expected to keep the order of fit"):
        policy.partial_fit(X[:3], y[:3], treatment=further, cost=y[:3])
    assert vars(policy) == before


def test_every_step_takes_the_order():
    X, y, arm = rows()
    fit = {"treatment": categories(arm), "cost": np.array([0, 0.1, 0.8])[arm]}
    representer = MultiTaskRepresenter(
        n_networks=1, max_epochs=1, members=["pooled"], random_state=0
    ).fit(X, y, **fit)
    assert representer.treatments_.tolist() == ARMS
    assert_allclose(representer.predict_outcomes(X)[:, :, 1], [[0, 0.1, 0.8]] * 600, atol=1e-6)
    Z = representer.transform(X)
    Z = HiddenClusterer(3, arm_cost=[0, 0.1, 0.8], random_state=0).fit(Z, y, **fit).transform(Z)
    policy = ClusterBudgetAllocator(0.3, control="none", random_state=0).fit(Z, y, **fit)
    assert_allclose(policy.cost_, [[0, 0.1, 0.8]] * 3, atol=1e-6)


def test_policies_are_valued_alike_in_any_order():
    X, y, arm = rows()
    given, plain = np.array(ARMS)[arm[::-1]], np.array(ARMS)[arm]
    for method in ({}, {"method": "doubly-robust", "X": X, "random_state": 0}):
        one = policy_value(given, y, treatment=plain, **method)
        other = policy_value(given, y, treatment=categories(arm), **method)
        assert_allclose(one.response, other.response)


@pytest.mark.parametrize("label", [2**53, -(2**60) - 1, np.inf])
def test_treatments_that_floats_do_not_keep_apart(label):
    with pytest.raises(ValueError, match="treatment is expected to have labels of at most 90071"):
        ClusterBudgetAllocator().fit([[0], [0]], [0, 1], treatment=[0, label], cost=[0, 1])


def test_clusters_that_floats_do_not_keep_apart():
    X = np.array([[2**60 + 1], [2**60 + 2]])
    policy = ClusterBudgetAllocator(estimation="raw")
    with pytest.raises(
        ValueError, match="X is expected to have labels of at most 9007199254740991"
    ):
        policy.fit(X, [0, 1], treatment=[0, 1], cost=[0, 1])
    largest = X * 0 + 2**53 - 1
    assert policy.fit(largest, [0, 1], treatment=[0, 1], cost=[0, 1]).clusters_ == 2**53 - 1
