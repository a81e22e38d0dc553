"""Rules on clusters and conditions on people, against what they say of every allocation."""

import itertools
import warnings
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from helpers.rule_settings import ARMS, assert_same, coefficients_of, setting_of, worlds
from hypothesis import given, settings

from sklearn_hrc._programme.constraints import are_kept, join_constraints
from sklearn_hrc.rules import Forbid, Monotone

thorough = settings(deadline=None, derandomize=True, max_examples=60)
AB = setting_of([2, 2], clusters=np.array(["a", "b"]))


@thorough
@given(worlds())
def test_forbidden_arms(world):
    _, _, sizes, every, _, rng = world
    setting = setting_of(sizes, clusters=np.arange(len(sizes)) * 10)
    taboo = rng.random((len(sizes), 3)) < 0.3
    requirements = [
        Forbid(arm, clusters=(10 * np.flatnonzero(taboo[:, j])).tolist()).requirement(setting)
        for j, arm in enumerate(ARMS)
    ]
    for arm, one in zip(ARMS, requirements):
        assert (one.name, one.easier) == (f"Forbid of {arm}", 0)
        assert np.isnan(one.value)
    joined = join_constraints([one.constraints for one in requirements])
    together = requirements[0]._replace(constraints=joined)
    assert_same(together, every, lambda counts: not counts[taboo].any())


@pytest.mark.parametrize("clusters", ["b", ["b"], ("b",), np.array(["b"])])
@pytest.mark.parametrize("arm", ["call", ["call"], ("call",), np.array(["call"])])
def test_one_label_or_a_list(arm, clusters):
    requirement = Forbid(arm, clusters=clusters).requirement(AB)
    assert coefficients_of(requirement).tolist() == [[0, 0, 0, 0, 0, 1]]


def test_several_arms_in_several_clusters():
    requirement = Forbid(["mail", "call"], clusters=["a", "b"]).requirement(AB)
    assert coefficients_of(requirement).tolist() == [[0, 1, 1, 0, 1, 1]]


@thorough
@given(worlds())
def test_monotone_clusters(world):
    _, _, sizes, every, split, rng = world
    clusters = np.array(["a", "b", "c"])[: len(sizes)]
    order = rng.permutation(len(sizes))[: rng.integers(1, len(sizes) + 1)]
    rule = Monotone(clusters[order].tolist())
    requirement = rule.requirement(setting_of(sizes, clusters=clusters))
    assert (requirement.name, requirement.easier) == ("Monotone", 0)
    assert requirement.constraints.whole.all()
    inhabited = [k for k in order if sizes[k]]

    def keeps(counts):
        if not split:
            steps = [int(counts[k].argmax()) for k in inhabited]
            return steps == sorted(steps)
        tails = [
            [Fraction(int(counts[k, arm:].sum()), int(sizes[k])) for arm in range(3)]
            for k in inhabited
        ]
        return all(
            before <= after
            for one, two in itertools.pairwise(tails)
            for before, after in zip(one, two)
        )

    assert_same(requirement, every, keeps)


def test_monotone_clusters_of_any_size():
    # A third of three million and one, and one individual more or less.
    setting = setting_of([3_000_003, 6_000_006], treatments=ARMS[:2])
    constraints = Monotone([0, 1]).requirement(setting).constraints
    third = np.array([[2_000_002, 1_000_001], [4_000_004, 2_000_002]])
    assert are_kept(third, constraints).all()
    assert not are_kept(third + [[-1, 1], [0, 0]], constraints).all()
    assert not are_kept(third + [[0, 0], [1, -1]], constraints).all()
    assert are_kept(third + [[0, 0], [-1, 1]], constraints).all()


def test_monotone_clusters_named_twice():
    with pytest.raises(ValueError, match=r"Monotone is expected to name every cluster once, got"):
        Monotone(["a", "b", "a"])
    with pytest.raises(ValueError, match=r"Monotone is expected to name every cluster once, got"):
        Monotone(np.array([0, 0]))


@pytest.mark.parametrize("order", [[], ["a"], "a"])
def test_monotone_clusters_without_others(order):
    assert Monotone(order).requirement(AB).constraints.matrix.shape == (0, 6)


def test_steps_need_an_order_of_arms():
    with pytest.raises(ValueError, match="ordered Categorical along with Monotone where"):
        Monotone(["a", "b"]).check(ARMS, [], False)
    with pytest.raises(ValueError, match="ordered Categorical along with Monotone where"):
        Monotone(["a", "b"]).requirement(AB._replace(has_order=False))
    Monotone(["a", "b"]).check(ARMS, [], True)
    Forbid("call", clusters="a").check(ARMS, [], False)


def test_clusters_without_rows_are_warned_of():
    with pytest.warns(UserWarning, match=r"Forbid names clusters that no row.*'z'"):
        requirement = Forbid("mail", clusters=["z", "a"]).requirement(AB)
    assert coefficients_of(requirement).tolist() == [[0, 1, 0, 0, 0, 0]]
    with pytest.warns(UserWarning, match=r"Monotone names clusters that no row.*'z'"):
        requirement = Monotone(["a", "z", "b"]).requirement(AB)
    # As if it were not there.
    expected = Monotone(["a", "b"]).requirement(AB)
    np.testing.assert_array_equal(coefficients_of(requirement), coefficients_of(expected))


def test_lists_of_lists_of_clusters():
    for rule in (Forbid("mail", clusters=[["a"]]), Monotone([["a"], ["b"]])):
        with pytest.raises(ValueError, match=r"is expected to name clusters, got \['a'\]"):
            rule.requirement(AB)


@pytest.mark.parametrize("clusters", [np.array([1, 2, 3]), np.array(["1", "2", "3"])])
def test_labels_of_numpy(clusters):
    setting = setting_of([1, 1, 1], clusters=clusters)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Monotone(list(clusters)).requirement(setting).constraints.limit.size == 4
        forbidden = Forbid(np.array(["mail"]), clusters=clusters[0]).requirement(setting)
    assert coefficients_of(forbidden).ravel().nonzero()[0].tolist() == [1]


def test_unknown_treatments():
    match = r"Forbid is expected to name treatments.*got 'fax'"
    with pytest.raises(ValueError, match=match):
        Forbid(["mail", "fax"], clusters="a").check(ARMS, [], True)
    with pytest.raises(ValueError, match=match):
        Forbid(["mail", "fax"], clusters="a").requirement(AB)


def test_for_whom():
    with pytest.raises(ValueError, match=r"either clusters or where, got neither"):
        Forbid("mail")
    with pytest.raises(ValueError, match=r"either clusters or where, got both"):
        Forbid("mail", clusters="a", where="age < 18")
    for where in (3, ["age < 18"], True):
        with pytest.raises(ValueError, match=r"where of Forbid is expected to be an expression"):
            Forbid("mail", where=where)


def test_rows_of_a_list():
    people = pd.DataFrame({"age": [17, 18, 40], "consent": [True, True, False]})
    minors = Forbid("mail", where="age < 18 or not consent")
    assert minors.is_for_lists
    assert minors.clusters_named == []
    assert minors.rows(people, 3).tolist() == [True, False, True]
    by_function = Forbid("mail", where=lambda X: X["age"] < 18)
    assert by_function.rows(people, 3).tolist() == [True, False, False]
    of_array = Forbid("mail", where=lambda X: X[:, 0] > 17)
    assert of_array.rows(people.to_numpy(), 3).tolist() == [False, True, True]


def test_rows_that_are_none():
    people = pd.DataFrame({"age": [17, 18, 40]})
    with pytest.raises(
        ValueError, match=r"X is expected to be a pandas data frame for where='age < 18'"
    ):
        Forbid("mail", where="age < 18").rows(people.to_numpy(), 3)
    for where in ("age + 1", lambda X: X["age"].to_numpy()[:2] < 18, lambda X: True):
        with pytest.raises(ValueError, match="give True or False for each of the 3 rows, got"):
            Forbid("mail", where=where).rows(people, 3)


def test_words_are_no_numbers_of_clusters():
    setting = setting_of([10])
    message = "^Forbid is expected to name clusters by their labels, such as .*, got "
    label = 0 if setting.clusters.dtype.kind in "US" else "bronze"
    with pytest.raises(ValueError, match=message):
        Forbid("mail", clusters=label).requirement(setting)
    with pytest.raises(TypeError):
        Forbid("mail", "not consent")
