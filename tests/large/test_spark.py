"""Spark for real: the same policy and arms as on one machine, also if workers are killed."""

import os
import re
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.large_tables import FEATURES, ROLES, large_table, with_column
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

pytest.importorskip("pyspark")
pytest.importorskip("pyarrow")

import pyarrow as pa
from pyspark.errors import PythonException
from pyspark.sql import SparkSession, functions

from sklearn_hrc import (
    ClusterBudgetAllocator,
    DistilledAllocator,
    HiddenClusterer,
    MultiTaskRepresenter,
)
from sklearn_hrc.large import decide_large, fit_large
from sklearn_hrc.large._rows import features_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::FutureWarning:pyspark"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
TABLE = large_table(3000).append_column("customer", pa.array(np.arange(3000)))
GIVEN = {**ROLES, "features": FEATURES, "sample": 1500, "random_state": 0}
# Executors find this package, and the helpers of these tests, wherever the session was started.
PATHS = os.pathsep.join([str(Path(__file__).parents[1]), *filter(None, sys.path)])


def start_session(master):
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["PYTHONPATH"] = PATHS
    builder = SparkSession.builder.master(master).config("spark.ui.enabled", "false")
    settings = {"spark.sql.shuffle.partitions": "4", "spark.driver.host": "127.0.0.1"}
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    return session


@pytest.fixture(scope="module")
def session_of():
    """Sessions by their master. A process has one at a time, whatever the order of the tests."""
    running = {}

    def get(master):
        if master not in running:
            for old in list(running):
                running.pop(old).stop()
            running[master] = start_session(master)
        return running[master]

    yield get
    for session in running.values():
        session.stop()


@pytest.fixture
def spark(session_of):
    return session_of("local[2,4]")


@pytest.fixture
def cluster(session_of):
    """Executors are processes of their own here."""
    return session_of("local-cluster[2,1,1024]")


def network_policy():
    return make_pipeline(
        StandardScaler(),
        MultiTaskRepresenter(
            (8,), n_networks=2, n_components=4, members=("pooled",), max_epochs=2, random_state=0
        ),
        HiddenClusterer(n_clusters=6, random_state=0),
        ClusterBudgetAllocator(budget=1.0, random_state=0),
    )


@pytest.fixture(scope="module")
def here():
    return fit_large(network_policy(), TABLE, **GIVEN)


def frame_of(spark, table=TABLE, partitions=7):
    return spark.createDataFrame(table).repartition(partitions)


def arms_of(frame):
    found = frame.toArrow().sort_by("customer")
    return found.column("treatment").to_numpy()


@pytest.mark.parametrize("partitions", [1, 7, 64])
def test_policy_and_arms_are_those_of_one_machine(spark, here, partitions):
    frame = frame_of(spark, partitions=partitions)
    there = fit_large(network_policy(), frame, **GIVEN)
    np.testing.assert_allclose(there[-1].response_, here[-1].response_, rtol=1e-6)
    np.testing.assert_array_equal(there[-1].allocation_, here[-1].allocation_)
    expected = here.predict(TABLE.select(FEATURES).to_pandas())
    assert (arms_of(decide_large(there, frame, keep="customer")) == expected).mean() > 0.999


def test_distilled_policy(spark):
    policy = DistilledAllocator(network_policy(), random_state=0)
    here = fit_large(policy, TABLE, **GIVEN)
    frame = frame_of(spark)
    there = fit_large(policy, frame, **GIVEN)
    np.testing.assert_array_equal(there.allocator_.allocation_, here.allocator_.allocation_)
    expected = here.predict(TABLE.select(FEATURES).to_pandas())
    assert (arms_of(decide_large(there, frame, keep="customer")) == expected).mean() > 0.999


def test_budget_of_now_decides(spark, here):
    here[-1].set_budget(0.2)
    try:
        expected = here.predict(TABLE.select(FEATURES).to_pandas())
        found = arms_of(decide_large(here, frame_of(spark), keep="customer"))
    finally:
        here[-1].set_budget(1.0)
    assert (found == expected).mean() > 0.999


def test_text_as_arms(spark):
    words = np.array(["none", "", "", "", "", "5 off", "", "", "", "", "10 off"], dtype=object)
    table = with_column(TABLE, "coupon", words[TABLE.column("coupon").to_numpy()])
    policy = network_policy().set_params(clusterbudgetallocator__control="none")
    frame = frame_of(spark, table)
    there = fit_large(policy, frame, **GIVEN)
    assert set(arms_of(decide_large(there, frame, keep="customer"))) <= {"none", "5 off", "10 off"}


@pytest.mark.parametrize(
    ("column", "row", "value", "told"),
    [
        ("paid", 2900, None, r"^partition \d+: cost 'paid' is expected to have a number in every"),
        ("coupon", 17, None, r"^partition \d+: treatment 'coupon' is expected to hold a label"),
        ("gmv", 5, np.nan, r"^partition \d+: outcome 'gmv' is expected to have a number in every"),
    ],
)
def test_gap_in_one_partition_is_one_sentence(spark, column, row, value, told):
    values = TABLE.column(column).to_pylist()
    values[row] = value
    with pytest.raises(ValueError, match=told):
        fit_large(network_policy(), frame_of(spark, with_column(TABLE, column, values)), **GIVEN)


def test_gap_in_a_row_to_decide_ends_in_one_sentence(spark, here):
    ages = TABLE.column("age").to_pylist()
    ages[17] = np.nan
    arms = decide_large(here, frame_of(spark, with_column(TABLE, "age", ages)), keep="customer")
    with pytest.raises(PythonException) as caught:
        arms.toArrow()
    told = str(caught.value).strip()
    assert re.search(r"\nValueError: partition \d+: Row \d+: 'age' is expected to be .*\.$", told)
    # An error of a cause would be told before.
    assert told.count("Error: ") == 1


def test_column_without_values_is_said_before_rows_are_read(spark):
    frame = frame_of(spark).withColumn("home", functions.lit(None))
    with pytest.raises(ValueError, match=r"^features are expected to hold values, got \['home'\]"):
        fit_large(network_policy(), frame, **{**GIVEN, "features": None})


def test_unknown_column_is_said_before_anything_runs(spark):
    with pytest.raises(ValueError, match="the nearest name is 'coupon'"):
        fit_large(network_policy(), frame_of(spark), **{**GIVEN, "treatment": "cupon"})


def test_empty_partitions_and_empty_table(spark, here):
    few = frame_of(spark).filter("customer < 1500").repartition(3)
    whole = few.union(frame_of(spark).filter("customer >= 1500")).union(few.filter("customer < 0"))
    there = fit_large(network_policy(), whole, **GIVEN)
    np.testing.assert_array_equal(there[-1].allocation_, here[-1].allocation_)
    with pytest.raises(ValueError, match="data is expected to hold rows, got none"):
        fit_large(network_policy(), frame_of(spark).filter("customer < 0"), **GIVEN)


def test_output_is_not_for_spark(spark, here, tmp_path):
    with pytest.raises(ValueError, match="output is expected to be None"):
        decide_large(here, frame_of(spark), tmp_path / "arms")


def killing(marker, parent):
    """A function of batches whose process, or the parent of it, dies the first time."""

    def kill(batches):
        for batch in batches:
            if not os.path.exists(marker):
                Path(marker).touch()
                os.kill(os.getppid() if parent else os.getpid(), signal.SIGKILL)
            yield batch

    return kill


def test_worker_that_is_killed_changes_nothing(spark, here, tmp_path):
    frame = frame_of(spark)
    marker = str(tmp_path / "killed")
    mortal = frame.mapInArrow(killing(marker, parent=False), frame.schema)
    there = fit_large(network_policy(), mortal, **GIVEN)
    assert os.path.exists(marker)
    np.testing.assert_array_equal(there[-1].allocation_, here[-1].allocation_)


def test_decimals_and_whole_numbers_of_32_bits_are_numbers(spark, here):
    table = with_column(TABLE, "coupon", TABLE.column("coupon").cast(pa.int32()))
    ages = pa.array(np.round(TABLE.column("age").to_numpy(), 2)).cast(pa.decimal128(9, 2))
    table = with_column(table, "age", ages)
    there = fit_large(network_policy(), frame_of(spark, table), **GIVEN)
    assert there[-1].treatments_.dtype == np.int32
    found = arms_of(decide_large(there, frame_of(spark, table), keep="customer"))
    np.testing.assert_array_equal(found, there.predict(features_of(table, FEATURES)))


def test_a_dot_in_the_name_of_a_column_is_refused(spark):
    table = TABLE.rename_columns({"age": "my.age"})
    with pytest.raises(ValueError, match="without dots and backticks in their names, .* 'my.age'"):
        fit_large(
            network_policy(), frame_of(spark, table), **{**GIVEN, "features": ["spend", "my.age"]}
        )


def test_executor_that_is_killed_changes_nothing(cluster, here, tmp_path):
    frame = frame_of(cluster)
    marker = str(tmp_path / "killed")
    mortal = frame.mapInArrow(killing(marker, parent=True), frame.schema)
    there = fit_large(network_policy(), mortal, **GIVEN)
    assert os.path.exists(marker)
    np.testing.assert_array_equal(there[-1].allocation_, here[-1].allocation_)
