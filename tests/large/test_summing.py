"""Sums of batches are those of one fit to all rows, in any order."""

import functools

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier

pa = pytest.importorskip("pyarrow")
pytest.importorskip("pandas")

from helpers.large_tables import (  # noqa: E402
    FEATURES,
    assert_same_policy,
    cluster_policy,
    fit_in_memory,
    large_table,
    segment_policy,
)

from sklearn_hrc import DistilledAllocator  # noqa: E402
from sklearn_hrc.large._roles import Roles  # noqa: E402
from sklearn_hrc.large._rows import features_of  # noqa: E402
from sklearn_hrc.large._summing import Summing, adopt_sums  # noqa: E402

TABLE = large_table(700)
COLUMNS = Roles(["gmv"], {"treatment": "coupon", "cost": "paid"}, [], FEATURES)


def summed(policy, batches, roles=COLUMNS):
    """Sum batches one after the other."""
    summing = Summing(roles, policy)
    return adopt_sums(
        policy, summing.finish(functools.reduce(summing.add, batches, summing.start()))
    )


def batches_of(table, size=100):
    return table.combine_chunks().to_batches(max_chunksize=size)


@pytest.mark.parametrize("budget", [1.0, None], ids=str)
def test_sums_are_those_of_one_fit(budget):
    expected = fit_in_memory(segment_policy(budget), TABLE)
    policy = fit_in_memory(segment_policy(budget), TABLE.slice(0, 60))
    assert policy[-1].cluster_sizes_.sum() == 60
    assert_same_policy(summed(policy, batches_of(TABLE)), expected, rtol=1e-9)


def test_sums_are_those_of_a_fit_and_a_partial_fit():
    expected = fit_in_memory(segment_policy(), TABLE.slice(0, 300))
    rest = TABLE.slice(300)
    expected[-1].partial_fit(
        expected[0].transform(rest.select(FEATURES).to_pandas()),
        rest.column("gmv").to_pandas(),
        treatment=rest.column("coupon").to_pandas(),
        cost=rest.column("paid").to_pandas(),
    )
    policy = fit_in_memory(segment_policy(), TABLE.slice(0, 60))
    assert_same_policy(summed(policy, batches_of(TABLE)), expected, rtol=1e-9)


def test_merges_in_any_order():
    policy = fit_in_memory(segment_policy(), TABLE.slice(0, 60))
    expected = fit_in_memory(segment_policy(), TABLE)
    summing = Summing(COLUMNS, policy)
    sums = [summing.add(summing.start(), batch) for batch in batches_of(TABLE, 150)]
    rng = np.random.default_rng(0)
    while len(sums) > 1:
        first, second = (sums.pop(rng.integers(len(sums))) for _ in range(2))
        sums.append(summing.merge(first, second))
    assert summing.merge(sums[0], summing.start()) is sums[0]
    assert_same_policy(adopt_sums(policy, summing.finish(sums[0])), expected, rtol=1e-9)


def test_weights_and_propensities_count():
    rng = np.random.default_rng(1)
    weight, chance = rng.integers(0, 3, TABLE.num_rows), rng.uniform(0.2, 0.5, TABLE.num_rows)
    table = TABLE.append_column("weight", pa.array(weight)).append_column("p", pa.array(chance))
    roles = COLUMNS._replace(
        metadata=COLUMNS.metadata | {"sample_weight": "weight", "propensity": "p"}
    )
    policy = summed(fit_in_memory(segment_policy(), TABLE), batches_of(table, 90), roles)
    cells = policy[-1]._table.cells
    cluster = (2 * (table["spend"].to_numpy() > 0) + (table["age"].to_numpy() > 0)).astype(int)
    cell = 3 * cluster + table["coupon"].to_numpy() // 5
    np.testing.assert_allclose(cells.weight, np.bincount(cell, weight / chance))
    mean = np.bincount(cell, weight / chance * table["gmv"].to_numpy()) / cells.weight
    np.testing.assert_allclose(cells.mean[:, 0], mean)
    assert policy[-1].cluster_sizes_.sum() == (weight > 0).sum()


def test_a_student_is_counted_by_its_own_clusters():
    student = DecisionTreeClassifier(max_depth=2, random_state=0)
    policy = DistilledAllocator(cluster_policy(), student=student, random_state=0)
    policy = summed(fit_in_memory(policy, TABLE.slice(0, 200)), batches_of(TABLE))
    X = features_of(TABLE, FEATURES)
    cluster = policy.student_.predict(X.to_numpy())
    cell = np.searchsorted(np.unique(cluster), cluster) * 3 + TABLE["coupon"].to_numpy() // 5
    cells = policy.allocator_._table.cells
    np.testing.assert_array_equal(cells.count, np.bincount(cell))
    np.testing.assert_allclose(
        cells.mean[:, 0], np.bincount(cell, TABLE["gmv"].to_numpy()) / np.bincount(cell)
    )
    assert policy.allocator_.cluster_sizes_.sum() == TABLE.num_rows
    arms = policy.predict(X)
    allotted = policy.allocator_.allocation_.sum(axis=0)
    assert [int((arms == arm).sum()) for arm in policy.treatments_] == allotted.tolist()


def test_a_student_of_all_rows_is_that_of_one_fit():
    student = DecisionTreeClassifier(max_depth=2, random_state=0)
    policy = DistilledAllocator(segment_policy(), student=student, random_state=0)
    expected = fit_in_memory(policy, TABLE)
    again = fit_in_memory(
        DistilledAllocator(segment_policy(), student=student, random_state=0), TABLE
    )
    assert_same_policy(summed(again, batches_of(TABLE)), expected, rtol=1e-9)


def test_no_rows_in_the_second_pass_are_refused():
    policy = fit_in_memory(segment_policy(), TABLE)
    with pytest.raises(ValueError, match="data is expected to give its rows each time it is read"):
        summed(policy, batches_of(TABLE.slice(0, 0)))
    assert policy[-1].cluster_sizes_.sum() == TABLE.num_rows
