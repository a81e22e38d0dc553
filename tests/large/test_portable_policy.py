"""A policy as bytes tells the clusters and outcomes of the policy, with numpy and onnxruntime."""

import functools
import subprocess
import sys

import numpy as np
import pytest
import sklearn
from helpers.small_experiments import small_experiment
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PowerTransformer, StandardScaler

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("pandas")
pytest.importorskip("pyarrow")

import pandas as pd
import pyarrow as pa
from helpers.served_policies import table_policy, table_rows

from sklearn_hrc import (
    ClusterBudgetAllocator,
    DistilledAllocator,
    HiddenClusterer,
    MultiTaskRepresenter,
)
from sklearn_hrc._unwrap import transform_through, unwrap_policy
from sklearn_hrc.datasets import make_coupon_experiment, make_customer_experiment
from sklearn_hrc.large._portable_arrays import PortableBytesError, to_bytes
from sklearn_hrc.large._portable_policy import dump_policy, load_policy
from sklearn_hrc.serving import FeatureError
from sklearn_hrc.tables import make_policy

RAW, Y, ROWS = small_experiment()
# H gives each task its share, so a cost that depends on nothing would be rounding of float32.
ROWS["cost"] = ROWS["cost"] * np.exp(RAW[:, 0])
RAW = RAW * [1, 20, 0.01, 1000] + [0, 50, 0, 1e5]
NEW = small_experiment(900, seed=3)[0] * [1, 20, 0.01, 1000] + [0, 50, 0, 1e5]


@functools.cache
def representer():
    """A representer of scaled features, quick to fit."""
    representer = MultiTaskRepresenter(n_networks=2, max_epochs=2, random_state=0)
    return FrozenEstimator(representer.fit(StandardScaler().fit_transform(RAW), Y, **ROWS))


def fit(*preprocessing, X=RAW, metric="regret", step=None):
    clusterer = HiddenClusterer(n_clusters=4, metric=metric, random_state=0)
    allocator = ClusterBudgetAllocator(budget=0.5, random_state=0)
    with sklearn.config_context(enable_metadata_routing=True):
        policy = make_pipeline(*preprocessing, step or representer(), clusterer, allocator)
        return policy.fit(X, Y, **ROWS)


def distil(policy, X=RAW):
    student = DistilledAllocator(FrozenEstimator(policy), student=LogisticRegression())
    return student.fit(X, Y, **ROWS)


@pytest.fixture(scope="module")
def scaled():
    return fit(StandardScaler())


@pytest.fixture(scope="module")
def distilled(scaled):
    return distil(scaled)


@pytest.fixture(scope="module")
def portable(scaled):
    return load_policy(dump_policy(scaled, RAW[:1]))


def columns_of(X):
    if hasattr(X, "columns"):
        return {name: X[name].to_numpy() for name in X.columns}
    return {f"x{place}": column for place, column in enumerate(X.T)}


def matrix_of(policy, X):
    """What the allocator of a policy is given, and what tells members of a cluster apart."""
    steps, last = unwrap_policy(policy)
    if isinstance(last, ClusterBudgetAllocator):
        Z = transform_through(steps, X)
        return Z, Z[:, 1:]
    features = transform_through([*steps, *last._preprocessing], X)
    teacher = unwrap_policy(last.teacher_)[0][len(last._preprocessing) :]
    inputs = np.asarray(features)
    served = last._labels[last.student_.predict(inputs)]
    return np.column_stack([served, transform_through(teacher, features)[:, 1:]]), inputs


def assert_as_policy(found, expected, most_others=0):
    """Assert that two results of `matrix_of` agree but for rounding."""
    (Z, told_apart), (of_policy, by_policy) = found, expected
    assert Z.dtype == of_policy.dtype
    assert (Z[:, 0] != of_policy[:, 0]).sum() <= most_others
    for one, other in ((Z[:, 1:], of_policy[:, 1:]), (told_apart, by_policy)):
        size = np.abs(other).max(axis=0)
        size[size == 0] = 1  # the cost of a free arm
        assert_allclose(one / size, other / size, rtol=0, atol=1e-5)


def assert_same_on(policy, X, new, **limits):
    found = load_policy(dump_policy(policy, X)).matrix(columns_of(new))
    assert_as_policy(found, matrix_of(policy, new), **limits)


@pytest.mark.parametrize("metric", ["regret", "decision", "effects", "euclidean"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_each_metric_and_type_is_that_of_the_policy(metric, dtype):
    X, new = RAW.astype(dtype), NEW.astype(dtype)
    policy = fit(StandardScaler(), X=X, metric=metric)
    assert policy[2].metric_ == metric
    assert_same_on(policy, X, new)


def test_preprocessing_and_student_are_those_of_the_policy(scaled, distilled):
    assert_same_on(scaled, RAW, NEW)
    assert_same_on(distilled, RAW, NEW)
    inputs = load_policy(dump_policy(distilled, RAW)).matrix(columns_of(NEW))[1]
    assert_allclose(inputs, scaled[0].transform(NEW))


def test_names_come_from_the_frame_of_a_policy_without_preprocessing():
    X = pd.DataFrame(RAW, columns=["a", "b", "c", "d"])
    plain = MultiTaskRepresenter(n_networks=1, members=(), max_epochs=1, random_state=0)
    policy = fit(X=X, step=plain)
    assert load_policy(dump_policy(policy, X)).features == ["a", "b", "c", "d"]
    assert_same_on(policy, X, X)


def test_rows_alone_in_a_batch_of_arrow_and_none_at_all(portable):
    Z, told_apart = portable.matrix(columns_of(NEW))
    batch = pa.RecordBatch.from_pydict({"other": NEW[:, 0], **columns_of(NEW)})
    assert_array_equal(portable.matrix(batch)[0], Z)
    alone = portable.matrix(columns_of(NEW[5:6]))
    assert_allclose(alone[0][0], Z[5], rtol=1e-9)
    for found in (portable.matrix(batch.slice(0, 0)), portable.matrix(columns_of(NEW[:0]))):
        assert found[0].shape == (0, Z.shape[1])
        assert found[1].shape == (0, told_apart.shape[1])


def test_a_missing_feature_and_a_gap_are_named(portable):
    columns = columns_of(NEW)
    with pytest.raises(FeatureError, match="'x3'"):
        portable.matrix({name: columns[name] for name in ("x0", "x1", "x2")})
    columns["x1"] = np.where(np.arange(len(NEW)) == 17, np.nan, columns["x1"])
    with pytest.raises(FeatureError, match="Row 17: 'x1'"):
        portable.matrix(columns)


def test_gaps_are_filled_where_the_policy_fills_them():
    X, new = RAW.copy(), NEW.copy()
    X[::9, 1] = new[::7, 2] = np.nan
    assert_same_on(fit(SimpleImputer(), StandardScaler(), X=X), X, new)


def test_what_preprocessing_makes_infinite_is_refused():
    X = (RAW * [1, 1, 1e-18, 1]).astype(np.float32)
    policy = load_policy(dump_policy(fit(StandardScaler(), X=X), X))
    columns = columns_of(NEW)
    columns["x2"][4] = 1e28
    with pytest.raises(ValueError, match="finite numbers after preprocessing, got .* in row 4;"):
        policy.matrix(columns)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: fit(PowerTransformer()), "preprocessing that a graph can hold"),
        (
            lambda: make_pipeline(
                HiddenClusterer(n_clusters=2, outcomes=False, random_state=0),
                ClusterBudgetAllocator(budget=0.5, estimation="pooled", random_state=0),
            ).fit(RAW, Y, **ROWS),
            "got HiddenClusterer; fit",
        ),
    ],
)
def test_a_policy_that_cannot_travel_is_refused(wrong, message):
    with sklearn.config_context(enable_metadata_routing=True):
        policy = wrong()
    with pytest.raises(TypeError, match=f"policy is expected to have .*{message}"):
        dump_policy(policy, RAW)


def test_bytes_that_are_no_policy_are_refused(scaled, portable):
    with pytest.raises(PortableBytesError, match="dump_policy, got bytes of a list"):
        load_policy(to_bytes([1]))
    with pytest.raises(PortableBytesError, match="got others"):
        load_policy(dump_policy(scaled, RAW)[:-1])
    with pytest.raises(PortableBytesError, match="a graph that onnxruntime can load"):
        load_policy(to_bytes(portable._parts._replace(graph=b"no graph")))


SUMS = """
import sys
for name in ("sklearn", "torch", "skorch", "mip", "pandas", "onnx", "tqdm"):
    sys.modules[name] = None
import numpy as np
from sklearn_hrc._cells.table import summarise
from sklearn_hrc._experiment import check_experiment
from sklearn_hrc._positions import positions_of_rows
from sklearn_hrc.large._portable_arrays import to_bytes
from sklearn_hrc.large._portable_policy import load_policy

policy = load_policy(open("policy", "rb").read())
rows = dict(np.load("rows.npz"))
given = {name: rows.pop(name) for name in ("treatment", "cost")}
y, direction = rows.pop("y"), rows.pop("direction")
Z, told_apart = policy.matrix(rows)
experiment = check_experiment(y, **given, propensity=None, sample_weight=None, n_samples=len(Z))
columns = policy._parts.representation.columns
table = summarise(Z, experiment, "outcomes", columns=columns)
positions = positions_of_rows(Z[:, 0], told_apart, experiment.sample_weight, direction)
open("sums", "wb").write(to_bytes((table, positions)))
"""


def test_sums_are_made_without_scikit_learn_torch_pandas_or_solver(scaled, tmp_path):
    from sklearn_hrc.large._portable_arrays import from_bytes

    allocator = scaled[-1]
    (tmp_path / "policy").write_bytes(dump_policy(scaled, RAW))
    np.savez(tmp_path / "rows.npz", y=Y, direction=allocator._direction, **ROWS, **columns_of(RAW))
    done = subprocess.run(
        [sys.executable, "-c", SUMS], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    table, positions = from_bytes((tmp_path / "sums").read_bytes())
    assert_allclose(table.cells.mean, allocator._table.cells.mean, atol=1e-9)
    assert_array_equal(table.members.count, allocator._table.members.count)
    assert_allclose(positions.low, allocator._positions.low, atol=1e-9)


@pytest.mark.slow
def test_a_table_with_gaps_dates_and_new_categories_is_that_of_the_policy():
    policy, X = table_policy()
    new = table_rows(3_000, seed=5)
    new.loc[::7, "country"] = "never seen"
    new.loc[::11, "age"] = np.nan
    portable = load_policy(dump_policy(policy, X))
    found = portable.matrix(columns_of(new))
    assert_as_policy(found, matrix_of(policy, new))
    assert_array_equal(portable.matrix(pa.RecordBatch.from_pandas(new))[0], found[0])


def large_policies():
    """Policies of both simulated families and of a raw table, and rows of 50,000 individuals."""
    coupon = {"n_treatments": 3, "order_rate": 0.3}
    yield StandardScaler(), make_coupon_experiment, coupon
    yield StandardScaler(), make_customer_experiment, {}
    yield None, make_customer_experiment, {"raw": True}


@pytest.mark.slow
@pytest.mark.parametrize("place", range(3))
def test_clusters_of_many_rows_are_those_of_the_policy_but_for_rounding(place):
    scaler, make, params = list(large_policies())[place]
    rct, further = (make(n, random_state=n, **params) for n in (6_000, 50_000))
    X, new = rct.data, further.data
    if hasattr(X, "columns"):
        X, new = (rows.drop(columns=["customer_id", "household_id"]) for rows in (X, new))
    control = None if make is make_coupon_experiment else "control"
    with sklearn.config_context(enable_metadata_routing=True):
        if scaler is None:
            policy = make_policy(control=control, budget=1.0, random_state=0)
            policy.set_params(represent__max_epochs=2)
        else:
            policy = make_pipeline(
                scaler,
                MultiTaskRepresenter(max_epochs=2, random_state=0),
                HiddenClusterer(random_state=0),
                ClusterBudgetAllocator(budget=1.0, control=control, random_state=0),
            )
        policy.fit(X, rct.target, treatment=rct.treatment, cost=rct.cost)
    assert_same_on(policy, X[:100], new, most_others=len(new) // 20_000)
