"""The sample depends on the rows alone, however they are divided, ordered and merged."""

import functools
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

pa = pytest.importorskip("pyarrow")
pc = pytest.importorskip("pyarrow.compute")

from sklearn_hrc.exceptions import SharedKeyWarning  # noqa: E402
from sklearn_hrc.large import _sample  # noqa: E402
from sklearn_hrc.large._hashes import row_numbers  # noqa: E402
from sklearn_hrc.large._roles import Roles  # noqa: E402
from sklearn_hrc.large._sample import Sampling  # noqa: E402

ROLES = Roles(["y"], {"treatment": "arm"}, [], ["x"])
SHARES = np.array([0.6, 0.3, 0.08, 0.02])


@pytest.fixture(autouse=True)
def few_spare_rows(monkeypatch):
    """Rows are left out of small tables, too."""
    monkeypatch.setattr(_sample, "LEAST_ROWS", 20)


def rows_of(n_rows, seed=0, shares=SHARES):
    rng = np.random.default_rng(seed)
    arm = np.array(["a", "b", "c", "d"])[rng.choice(4, n_rows, p=shares)]
    return pa.table({"x": np.arange(n_rows), "y": rng.normal(size=n_rows), "arm": arm})


def draw(tables, size=100, seed=0, roles=ROLES):
    """Add tables one after the other."""
    sampling = Sampling(roles, size, seed)
    batches = (batch for table in tables for batch in table.to_batches())
    return sampling.finish(functools.reduce(sampling.add, batches, sampling.start()))


def counts_of(table, name="arm"):
    values, counts = np.unique(table.column(name).to_numpy(), return_counts=True)
    return dict(zip(values.tolist(), counts.tolist()))


def cut(table, bounds):
    bounds = [0, *sorted(bounds), table.num_rows]
    return [table.slice(start, end - start) for start, end in pairwise(bounds)]


@given(data=st.data(), n_rows=st.integers(1, 1500), seed=st.integers(0, 3))
@settings(max_examples=20, deadline=None)
def test_sample_depends_on_neither_parts_nor_order_nor_merges(data, n_rows, seed):
    table = rows_of(n_rows, seed)
    expected = draw([table])
    bounds = data.draw(st.lists(st.integers(0, n_rows), max_size=8))
    parts = data.draw(st.permutations(cut(table, bounds)))
    assert draw(parts).equals(expected)
    sampling = Sampling(ROLES, 100, 0)
    kept = [functools.reduce(sampling.add, part.to_batches(), sampling.start()) for part in parts]
    # What is kept travels as bytes.
    kept = [sampling.load(sampling.dump(each)) for each in kept]
    while len(kept) > 1:
        place = data.draw(st.integers(0, len(kept) - 2))
        kept[place : place + 2] = [sampling.merge(*kept[place : place + 2])]
    assert sampling.finish(kept[0]).equals(expected)


def test_merge_commutes():
    sampling = Sampling(ROLES, 100, 0)
    kept = [
        functools.reduce(sampling.add, part.to_batches(max_chunksize=70), sampling.start())
        for part in cut(rows_of(3000), [900, 1000])
    ]
    first, second, third = kept
    one = sampling.merge(sampling.merge(first, second), third)
    other = sampling.merge(third, sampling.merge(second, first))
    assert sampling.finish(one).equals(sampling.finish(other))


def test_each_arm_has_its_share():
    table = rows_of(3000)
    counts, drawn = counts_of(table), counts_of(draw([table], 300))
    assert drawn == {arm: round(count / 10) for arm, count in counts.items()}


def test_rows_are_those_of_the_table_without_repetition():
    table = rows_of(2000)
    sample = draw([table], 200)
    place = sample.column("x").to_numpy()
    assert len(set(place.tolist())) == len(place)
    assert sample.equals(table.take(pa.array(place)))
    assert sample.schema == table.schema


def test_a_short_table_is_the_sample():
    table = rows_of(150)
    sample = draw([table], 150)
    assert sample.sort_by("x").equals(table)
    assert not sample.equals(table)


def test_few_rows_are_held():
    sampling, most = Sampling(ROLES, 100, 0), 0
    kept = sampling.start()
    for batch in rows_of(20_000).to_batches(max_chunksize=500):
        kept = sampling.add(kept, batch)
        most = max(most, sum(rows.num_rows for rows in kept.rows))
    assert most <= 1.25 * _sample.SPARE * 100 + 5 * _sample.LEAST_ROWS
    assert kept.counts == counts_of(rows_of(20_000))


def test_no_rows_travel_and_merge():
    sampling, table = Sampling(ROLES, 100, 0), rows_of(150)
    (batch,) = table.to_batches()
    nothing = [sampling.start(), sampling.add(sampling.start(), batch.slice(0, 0))]
    nothing = [sampling.load(sampling.dump(kept)) for kept in nothing]
    kept = functools.reduce(sampling.merge, nothing, sampling.start())
    assert sampling.finish(sampling.add(kept, batch)).equals(draw([table]))


def test_a_part_of_a_table_of_known_length_keeps_few_rows():
    table = rows_of(4000, shares=[1, 0, 0, 0])
    (part,) = table.slice(0, 1000).to_batches()
    known, unknown = Sampling(ROLES, 400, 0, 4000), Sampling(ROLES, 400, 0)
    kept = [
        len(sampling.dump(sampling.add(sampling.start(), part))) for sampling in (known, unknown)
    ]
    assert kept[0] < kept[1] / 2
    batches = table.to_batches(max_chunksize=300)
    assert known.finish(functools.reduce(known.add, batches, known.start())).equals(
        draw([table], 400)
    )


def test_every_arm_is_drawn_however_rare_and_late():
    table = rows_of(4000, shares=[0.7, 0.3, 0, 0])
    late = pa.table({"x": [4000], "y": [0.0], "arm": ["z"]})
    for parts in ([table, late], [late, table]):
        assert counts_of(draw(parts, 100))["z"] == 1


def test_an_arm_of_one_file_has_its_share():
    first, second = rows_of(2000, shares=[1, 0, 0, 0]), rows_of(500, shares=[0, 1, 0, 0])
    second = second.set_column(0, "x", pa.array(np.arange(2000, 2500)))
    assert counts_of(draw([first, second], 250)) == {"a": 200, "b": 50}
    assert draw([first, second], 250).equals(draw([second, first], 250))


def test_every_row_is_drawn_as_often():
    table, times = rows_of(200, shares=[0.5, 0.5, 0, 0]), np.zeros(200)
    for seed in range(60):
        times[draw([table], 40, seed).column("x").to_numpy()] += 1
    for arm in ("a", "b"):
        mine = times[table.column("arm").to_numpy(zero_copy_only=False) == arm]
        # The rows of an arm are drawn without replacement, so counts vary less by the share left.
        assert chisquare(mine).statistic / 0.8 < 2 * len(mine)
        assert chisquare(mine).pvalue > 1e-3


def test_seeds_draw_other_rows():
    table = rows_of(2000)
    drawn = [set(draw([table], 100, seed).column("x").to_pylist()) for seed in (0, 1)]
    assert len(drawn[0] & drawn[1]) < 20


def test_rows_of_a_group_and_arm_stay_together(monkeypatch):
    monkeypatch.setattr(_sample, "LEAST_ROWS", 400)
    n_rows = 3000
    group = np.arange(n_rows) // 10
    arm = np.where(group % 3 == 0, "a", "b")
    table = pa.table({"x": np.arange(n_rows), "y": np.zeros(n_rows), "arm": arm, "shop": group})
    roles = ROLES._replace(metadata={"treatment": "arm", "groups": "shop"})
    sample = draw([table], 600, roles=roles)
    assert set(counts_of(sample, "shop").values()) == {10}
    assert counts_of(sample) == {"a": 200, "b": 400}


@pytest.mark.parametrize("seed", range(4))
def test_large_groups_are_drawn_alike_from_any_parts(seed):
    # Few groups vary so much that those below the limit may not fill the sample.
    n_rows = 4000
    group = np.arange(n_rows) // 50
    table = pa.table(
        {"x": np.arange(n_rows), "y": np.zeros(n_rows), "arm": ["a"] * n_rows, "shop": group}
    )
    roles = ROLES._replace(metadata={"treatment": "arm", "groups": "shop"})
    shuffled = table.take(np.random.default_rng(seed).permutation(n_rows))
    parts = cut(shuffled, range(100, n_rows, 100))
    assert draw(parts, 400, seed, roles).equals(draw([table], 400, seed, roles))


def test_key_decides_which_rows_are_drawn():
    table = rows_of(2000)
    roles = ROLES._replace(key=["x"])
    sample = draw([table], 100, roles=roles)
    changed = table.set_column(1, "y", pa.array(np.zeros(2000)))
    np.testing.assert_array_equal(draw([changed], 100, roles=roles).column("x"), sample.column("x"))
    assert not np.array_equal(draw([changed], 100).column("x"), draw([table], 100).column("x"))


def alike():
    x = np.repeat([0, 1, 2, 3], 250)
    return pa.table({"x": x, "y": np.zeros(1000), "arm": ["a"] * 1000})


def test_warns_of_rows_that_are_alike():
    with pytest.warns(UserWarning, match="Rows are expected to differ, got 250 that are alike"):
        sample = draw([alike()], 520)
    # Whole kinds of rows are drawn, as many as fit.
    assert sorted(counts_of(sample, "x").values()) == [250, 250]


def test_a_key_tells_rows_that_are_alike_apart():
    table = alike().append_column("id", pa.array(np.arange(1000)))
    assert draw([table], 500, roles=ROLES._replace(key=["id"])).num_rows == 500


def with_key(key, n_rows=3000):
    """Rows of two arms with a key."""
    return rows_of(n_rows, shares=[0.5, 0.5, 0, 0]).append_column("id", pa.array(key(n_rows)))


KEYED = ROLES._replace(key=["id"])


def mostly_one(n_rows):
    return np.where(np.arange(n_rows) % 10, 7, np.arange(n_rows) + 10)


@pytest.mark.parametrize("seed", range(4))
def test_a_key_that_most_rows_share_is_told_and_takes_no_memory(seed):
    table, sampling = with_key(mostly_one), Sampling(KEYED, 100, seed)
    kept, most = sampling.start(), 0
    for batch in table.to_batches(max_chunksize=100):
        kept = sampling.add(kept, batch)
        most = max(most, sum(rows.num_rows for rows in kept.rows))
    # An arm has one row more than the sample at most, and a quarter comes in before the next cut.
    assert most <= 1.25 * 2 * 101
    message = r"sample is expected to have about 100 rows with many values of \['id'\], got "
    with pytest.warns(SharedKeyWarning, match=message):
        sample = sampling.finish(kept)
    parts = cut(table.take(np.random.default_rng(seed).permutation(3000)), [500, 1700])
    kept = [functools.reduce(sampling.add, part.to_batches(), sampling.start()) for part in parts]
    kept = [sampling.load(sampling.dump(each)) for each in kept]
    with pytest.warns(SharedKeyWarning):
        assert sampling.finish(functools.reduce(sampling.merge, kept)).equals(sample)


def test_rows_of_one_key_are_drawn_by_what_else_they_hold():
    table = with_key(lambda n_rows: np.zeros(n_rows, dtype=int))
    with pytest.warns(SharedKeyWarning, match="got 100 rows, as a value is shared by too many"):
        sample = draw([table], 100, roles=KEYED)
    number = row_numbers(table, KEYED.columns, 0)
    for label, count in counts_of(table).items():
        mine = np.flatnonzero(table.column("arm").to_numpy() == label)
        expected = mine[np.argsort(number[mine])][: round(count / 30)]
        drawn = sample.filter(pc.equal(sample.column("arm"), label))
        assert drawn.column("x").to_pylist() == expected.tolist()


def test_categories_are_drawn_as_text():
    table = rows_of(1000)
    coded = table.set_column(2, "arm", table.column("arm").dictionary_encode())
    assert draw([coded]).equals(draw([table]))


def test_no_rows_are_no_sample():
    with pytest.raises(ValueError, match="data is expected to hold rows, got none"):
        draw([rows_of(5).slice(0, 0)])


def test_refuses_a_row_without_a_key():
    table = rows_of(9).append_column("id", pa.array([*"abcdef", None, "g", None]))
    table = table.append_column("day", pa.array([*range(6), 6, 7, None]))
    message = r"key \['id'\] is expected to hold a value in every row, got none in 2 of these rows"
    with pytest.raises(ValueError, match=message):
        draw([table], roles=ROLES._replace(key=["id"]))
    with pytest.raises(ValueError, match="got none in 1 of these rows, the first of which has 8 "):
        draw([table], roles=ROLES._replace(key=["id", "day"]))
