"""A policy of a table in parts is that of the table, and bad tables are told by their file."""

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

pa = pytest.importorskip("pyarrow")
pytest.importorskip("pandas")

import pyarrow.dataset as ds  # noqa: E402
from helpers.large_tables import (  # noqa: E402
    FEATURES,
    ROLES,
    assert_same_policy,
    cluster_policy,
    fit_in_memory,
    large_table,
    network_policy,
    segment_policy,
    with_column,
    write_parts,
)

from sklearn_hrc import MultiTaskRepresenter  # noqa: E402
from sklearn_hrc.large import fit_large  # noqa: E402
from sklearn_hrc.large._roles import Roles  # noqa: E402
from sklearn_hrc.large._sample import Sampling  # noqa: E402

TABLE = large_table(900)


def fit(data, policy=None, **params):
    params = {**ROLES, "features": FEATURES, "sample": 300, "random_state": 0} | params
    return fit_large(segment_policy() if policy is None else policy, data, **params)


@pytest.fixture(scope="module")
def clustered():
    """A policy whose clusters depend on which rows are in the sample."""
    return fit(TABLE, cluster_policy())


@pytest.mark.parametrize("n_parts", [1, 7, pytest.param(64, marks=pytest.mark.slow)])
def test_files_do_not_matter(n_parts, clustered, tmp_path):
    shuffled = TABLE.take(np.random.default_rng(n_parts).permutation(TABLE.num_rows))
    policy = fit(write_parts(tmp_path / "parts", shuffled, n_parts), cluster_policy())
    assert_same_policy(policy, clustered, rtol=1e-9)
    X = TABLE.select(FEATURES).to_pandas()
    np.testing.assert_array_equal(policy.predict(X), clustered.predict(X))


def test_clusters_are_those_of_the_sample_and_sums_those_of_all_rows(clustered):
    roles = Roles(["gmv"], {"treatment": "coupon", "cost": "paid"}, [], FEATURES)
    seed = int(np.random.RandomState(0).randint(2**31))
    sampling = Sampling(roles, 300, seed)
    sample = sampling.finish(sampling.add(sampling.start(), TABLE.to_batches()[0]))
    assert sample.num_rows == 300
    expected = fit_in_memory(cluster_policy(), sample)
    np.testing.assert_array_equal(clustered[0].cluster_centers_, expected[0].cluster_centers_)
    assert clustered[-1].cluster_sizes_.sum() == 900


@pytest.mark.parametrize("size", [300, 900, 10_000])
def test_result_is_that_of_an_ordinary_fit(size):
    policy = segment_policy()
    expected = fit_in_memory(segment_policy(), TABLE)
    assert_same_policy(fit(TABLE, policy, sample=size), expected, rtol=1e-9)
    assert not hasattr(policy[-1], "clusters_")


def polars():
    return pytest.importorskip("polars")


SOURCES = {
    "dataset": lambda folder: ds.dataset(write_parts(folder, TABLE, 2)),
    "pandas": lambda folder: TABLE.to_pandas(),
    "polars": lambda folder: polars().DataFrame(TABLE),
    "lazy": lambda folder: polars().DataFrame(TABLE).lazy(),
    "reader": lambda folder: lambda: TABLE.to_reader(max_chunksize=500),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_sources(kind, tmp_path):
    assert_same_policy(fit(SOURCES[kind](tmp_path / "files")), fit(TABLE), rtol=1e-9)


LABELS = {
    "text": pa.array(["none", "five", "ten"]),
    "categories": pa.array(["none", "five", "ten"]).dictionary_encode(),
    "small numbers": pa.array([0, 5, 10], pa.int8()),
    "floats": pa.array([0.0, 5.0, 10.0]),
    "truth": pa.array([False, True, True]),
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels_of_arms(kind, tmp_path):
    place = pa.array(TABLE["coupon"].to_numpy() // 5)
    table = TABLE.set_column(2, "coupon", LABELS[kind].take(place))
    control = LABELS[kind][0].as_py()
    params = {"control": control}
    policy = fit(write_parts(tmp_path / "parts", table, 3), segment_policy(**params))
    expected = fit_in_memory(segment_policy(**params), table)
    assert_same_policy(policy, expected, rtol=1e-9)
    assert set(policy[-1].treatments_.tolist()) == set(LABELS[kind].to_pylist())


def test_categories_of_features_are_text_in_every_batch(tmp_path):
    def coded(X):
        # Text is of the dtype object before pandas 3.
        assert [str(of) for of in X.dtypes] in (["str", "float64"], ["object", "float64"])
        return np.column_stack([X["spend"] == "high", X["age"]]).astype(float)

    from sklearn.preprocessing import FunctionTransformer

    high = np.where(TABLE["spend"].to_numpy() > 0, "high", "low")
    table = TABLE.set_column(0, "spend", pa.array(high).dictionary_encode())
    policy = make_pipeline(FunctionTransformer(coded), *segment_policy()[1:])
    policy = fit(write_parts(tmp_path / "parts", table, 3), policy)
    assert policy[-1].cluster_sizes_.tolist() == [(high == "low").sum(), (high == "high").sum()]


def test_a_search_is_a_policy(tmp_path):
    grid = {"clusterbudgetallocator__estimation": ["raw", "pooled"]}
    search = fit(TABLE, GridSearchCV(segment_policy(), grid, cv=2), sample=200)
    best = segment_policy().set_params(**search.best_params_)
    assert_same_policy(search, fit(TABLE, best), rtol=1e-9)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_columns_may_come_in_any_order_and_from_folders(tmp_path):
    pytest.importorskip("skrub")
    table = TABLE.append_column("home", pa.array(np.arange(900) % 3))
    expected = fit(table, cluster_policy(), features=None)
    folders = ds.partitioning(pa.schema([("home", pa.int64())]), flavor="hive")
    ds.write_dataset(table, tmp_path, format="parquet", partitioning=folders)
    by_home = ds.dataset(tmp_path, partitioning="hive")
    for data in (table.select(table.column_names[::-1]), by_home):
        policy = fit(data, cluster_policy(), features=None)
        assert policy.feature_names_in_.tolist() == ["age", "home", "spend"]
        assert_same_policy(policy, expected, rtol=1e-9)


def test_all_other_columns_are_features_but_ids_and_what_is_ignored():
    pytest.importorskip("skrub")
    table = TABLE.append_column("id", pa.array([f"c{i:05}" for i in range(900)]))
    table = table.append_column("ignored", pa.array(np.arange(900.0) % 7))
    with pytest.warns(UserWarning, match="ids were left out: 'id'"):
        policy = fit(table, features=None, ignore="ignored", sample=500)
    assert policy.feature_names_in_.tolist() == ["age", "spend"]
    named = fit(table, features=None, ignore="ignored", key="id")
    assert named.feature_names_in_.tolist() == ["age", "spend"]


def test_groups_and_further_outcomes(tmp_path):
    table = TABLE.append_column("shop", pa.array(np.arange(900) // 3))
    table = table.append_column("orders", pa.array(np.arange(900) % 2 == 0))
    outcome = ["gmv", "orders"]
    policy = fit(write_parts(tmp_path / "parts", table, 4), outcome=outcome, groups="shop")
    assert policy[-1].outcome_names_ == outcome
    assert policy[-1].cluster_sizes_.sum() == 900


def test_networks_are_trained_on_the_sample_and_small_batches_are_no_warning(tmp_path):
    # The last file has a row alone.
    folder = write_parts(tmp_path / "parts", TABLE.slice(0, 899), 2)
    write_parts(tmp_path / "last", TABLE.slice(899), 1)
    files = [*sorted(folder.iterdir()), tmp_path / "last" / "part_00.parquet"]
    parts = fit(files, network_policy())
    assert parts[-1].estimation_ == "outcomes"
    assert_same_policy(parts, fit(TABLE, network_policy()), rtol=1e-6)


def test_a_random_state_draws_the_sample():
    centers = [fit(TABLE, cluster_policy(), random_state=s)[0].cluster_centers_ for s in (0, 0, 1)]
    np.testing.assert_array_equal(centers[0], centers[1])
    assert not np.allclose(centers[0], centers[2])


def test_an_arm_of_the_last_file_alone_is_an_arm(tmp_path):
    coupon = TABLE["coupon"].to_numpy().copy()
    coupon[-60:] = 20
    late = with_column(TABLE, "coupon", coupon)
    policy = fit(write_parts(tmp_path / "parts", late, 5), sample=200)
    assert policy[-1].treatments_.tolist() == [0, 5, 10, 20]
    assert_same_policy(policy, fit_in_memory(segment_policy(), late), rtol=1e-9)


def test_a_file_without_rows_among_others(tmp_path):
    folder = write_parts(tmp_path / "parts", TABLE, 3)
    write_parts(tmp_path / "empty", TABLE.slice(0, 0), 1)
    (tmp_path / "empty" / "part_00.parquet").rename(folder / "empty.parquet")
    assert_same_policy(fit(folder), fit(TABLE), rtol=1e-9)


def bad(name, values):
    """A change of a part of 300 rows."""
    return lambda rows: rows.set_column(rows.schema.get_field_index(name), name, pa.array(values))


GAP = [1.0] * 7 + [None] + [1.0] * 292
HOLE = [1.0] * 7 + [np.nan] + [1.0] * 292
BAD_PARTS = {
    "gap in outcome": (bad("gmv", GAP), "rows 0 to 299: outcome 'gmv' .* got none in 1 of"),
    "NaN in outcome": (bad("gmv", HOLE), "rows 0 to 299: outcome 'gmv' .* has 7 before it"),
    "gap in cost": (bad("paid", GAP), "rows 0 to 299: cost 'paid' is expected to have a number"),
    "gap in arm": (bad("coupon", [None] + [0] * 299), "treatment 'coupon' is expected to hold a l"),
    "another type": (bad("paid", [1] * 300), "is expected to have double in column 'paid', .* got"),
    "no values": (bad("gmv", [None] * 300), "rows 0 to 299: outcome 'gmv' .* got none in 300 of"),
    "no column": (
        lambda rows: rows.drop_columns("gmv"),
        "is expected to have the column 'gmv', as",
    ),
    "NaN in a feature": (bad("age", HOLE), "rows 0 to 299: (?s:.*)NaN"),
}


@pytest.mark.parametrize("case", BAD_PARTS)
def test_errors_name_the_file_and_nothing_is_left_half_done(case, tmp_path):
    change, message = BAD_PARTS[case]
    folder = write_parts(tmp_path / "parts", TABLE, 3, part_2=change)
    policy = cluster_policy()
    with pytest.raises(ValueError, match=rf"part_02\.parquet,? .*{message}"):
        fit(folder, policy, sample=30)
    assert not hasattr(policy[0], "cluster_centers_")
    assert not hasattr(policy[-1], "clusters_")


CALLS = {
    "no rows": (TABLE.slice(0, 0), {}, "data is expected to hold rows, got none"),
    "a name": (TABLE, {"outcome": "gvm"}, "outcome is expected .* got 'gvm'; the nearest name is"),
    "no arm": (TABLE, {"treatment": None}, "treatment is expected to name a column .*, got None"),
    "a feature": (TABLE, {"features": ["agee"]}, "features is expected .* got 'agee'; the nearest"),
    "twice": (
        TABLE,
        {"features": ["age", "age"]},
        "features is expected to name every column once",
    ),
    "sample": (
        TABLE,
        {"sample": 0},
        "sample is expected to be a number of rows, at least 1, got 0",
    ),
    "half a sample": (
        TABLE,
        {"sample": 0.5},
        "sample is expected to be a number of rows, .*, got ",
    ),
    "policy": (
        TABLE,
        {"policy": MultiTaskRepresenter()},
        "policy is expected to end in a policy",
    ),
    "no values": (
        TABLE.append_column("home", pa.nulls(900)),
        {"features": None},
        r"features are expected to hold values, got .*, which has none; .* by ignore=\['home'\]",
    ),
    "state": (TABLE, {"random_state": "x"}, "'x' cannot be used to seed"),
}


@pytest.mark.parametrize("case", CALLS)
def test_refuses(case, tmp_path):
    data, params, message = CALLS[case]
    with pytest.raises(ValueError, match=message):
        fit(data, **params)


def test_a_wrong_call_makes_no_folder(tmp_path):
    for params in ({"outcome": "gvm"}, {"sample": 0}, {"random_state": "x"}):
        with pytest.raises(ValueError, match="gvm|sample|seed"):
            fit(TABLE, checkpoint=tmp_path / "kept", **params)
    assert not (tmp_path / "kept").exists()


def test_data_that_comes_once_is_refused_in_the_second_pass():
    readers = iter([TABLE.to_reader(), TABLE.to_reader(), TABLE.slice(0, 0).to_reader()])
    with pytest.raises(ValueError, match="data is expected to give its rows each time it is read"):
        fit(lambda: next(readers))


def test_other_plans_are_other_policies():
    # What the tests above compare tells policies apart.
    with pytest.raises(AssertionError):
        assert_same_policy(fit(TABLE), fit(TABLE, segment_policy(budget=0.5)), rtol=1e-9)
    with pytest.raises(AssertionError):
        assert_same_policy(fit(TABLE), fit(TABLE.slice(1)), rtol=1e-9)
