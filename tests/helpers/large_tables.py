"""An experiment as a table of Arrow, files of it, and policies that are quick to fit to it."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import sklearn
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_hrc import ClusterBudgetAllocator, HiddenClusterer, MultiTaskRepresenter
from sklearn_hrc._unwrap import unwrap_policy

ROLES = {"outcome": "gmv", "treatment": "coupon", "cost": "paid"}
FEATURES = ["spend", "age"]


def large_table(n_rows=900, seed=0):
    """Rows with two features, three coupons, what was bought and what the coupon cost."""
    rng = np.random.default_rng(seed)
    spend, age = rng.normal(size=n_rows), rng.normal(size=n_rows)
    coupon = rng.permutation(np.arange(n_rows) % 3) * 5
    gmv = 10 + 3 * spend + coupon * (age > 0) + rng.normal(size=n_rows)
    return pa.table(
        {
            "spend": spend,
            "age": age,
            "coupon": coupon,
            "gmv": gmv,
            "paid": np.where(rng.random(n_rows) < 0.5, coupon, 0).astype(float),
        }
    )


def segments(X):
    """Four hand-made segments, and the features."""
    values = np.asarray(X, dtype=float)
    return np.column_stack([2.0 * (values[:, 0] > 0) + (values[:, 1] > 0), values])


def segment_policy(budget=1.0, **params):
    """A policy of hand-made segments, which differs between samples in nothing but sums."""
    return make_pipeline(
        FunctionTransformer(segments),
        ClusterBudgetAllocator(budget=budget, estimation="pooled", random_state=0, **params),
    )


def cluster_policy():
    """A policy of clusters of the features, which depend on the sample, without networks."""
    clusterer = HiddenClusterer(n_clusters=3, outcomes=False, random_state=0)
    return make_pipeline(clusterer, *segment_policy()[1:])


def network_policy():
    """A policy of networks, which are trained for two epochs."""
    networks = MultiTaskRepresenter(
        (4,), n_networks=2, n_components=2, members=(), max_epochs=2, random_state=0
    )
    clusterer = HiddenClusterer(n_clusters=2, random_state=0)
    return make_pipeline(networks, clusterer, ClusterBudgetAllocator(budget=1.0, random_state=0))


def write_parts(folder, table, n_parts, **changed):
    """Write a table as files of a folder; some by name instead of what would be in them."""
    folder.mkdir(exist_ok=True)
    bounds = np.linspace(0, table.num_rows, n_parts + 1).astype(int)
    for place, (start, end) in enumerate(pairwise(bounds)):
        part = table.slice(start, end - start)
        change = changed.get(f"part_{place}", lambda rows: rows)
        pq.write_table(change(part), folder / f"part_{place:02}.parquet")
    return folder


def with_column(table, name, values):
    """Return a table with other values in a column, or with a further column."""
    place = table.schema.get_field_index(name)
    if place < 0:
        return table.append_column(name, pa.array(values))
    return table.set_column(place, name, pa.array(values))


def fit_in_memory(policy, table):
    """Fit to all rows at once."""
    X, y = table.select(FEATURES).to_pandas(), table.column("gmv").to_pandas()
    rows = {name: table.column(ROLES[name]).to_pandas() for name in ("treatment", "cost")}
    with sklearn.config_context(enable_metadata_routing=True):
        return policy.fit(X, y, **rows)


def numbers_of(policy):
    """All numbers that a plan is made of, and the plan."""
    allocator = unwrap_policy(policy)[1]._fitted_allocator
    table = allocator._table
    moments = [part for name in table._fields[2:] for part in getattr(table, name)]
    plan = [allocator.response_, allocator.cost_, allocator.cluster_sizes_, allocator.allocation_]
    return [np.asarray(each) for each in [table.clusters, *moments, *allocator._positions, *plan]]


def assert_same_policy(first, second, *, rtol=0.0):
    """Assert that two policies have the same numbers, to rounding or bit for bit."""
    arms = [unwrap_policy(each)[1]._fitted_allocator.treatments_ for each in (first, second)]
    assert arms[0].tolist() == arms[1].tolist()
    for one, other in zip(numbers_of(first), numbers_of(second), strict=True):
        np.testing.assert_allclose(one, other, rtol=rtol, atol=rtol)


class Reading:
    """A table in batches of 100 rows, which stops when one of them is read."""

    def __init__(self, table, opening=None, batch=None, stop=None):
        self.table, self.at, self.stop, self.opened = table, (opening, batch), stop, 0

    def __call__(self):
        opening, self.opened = self.opened, self.opened + 1

        def batches():
            for place, batch in enumerate(self.table.to_batches(max_chunksize=100)):
                if (opening, place) == self.at:
                    self.stop()
                yield batch

        return pa.RecordBatchReader.from_batches(self.table.schema, batches())
