"""Time and memory of `fit_large` and `decide_large` by the number of rows.

    python benchmarks/scale.py
    python benchmarks/scale.py --rows 100000 1000000 10000000 --sample 100000

Tables of random rows (30 features in float32, 5 arms, response, orders and cost) are written to
Parquet files of up to 1,000,000 rows. For each size a process of its own fits the README's
pipeline, with few epochs since training does not depend on the size, and decides for all rows.
Before that, parts of the work are timed beside a reference, in one process.

first pass, second pass, decide
    Microseconds a row: of drawing the sample, of summing all rows, and of writing their arms.
    What depends on the sample alone (networks, clusters, student) is in neither.
exponent
    Slope of log time on log rows, from the first size to the last. 1 is linear.
peak
    Largest resident memory of the process in GB, all libraries in it, torch among them.
sums / BLAS
    Time to sum rows of [cluster | H | D | Q], over that of the product of these columns with
    themselves, which reads them once, too.
decide / student
    Time of a row in `decide_large` by a folder for serving, over that of the graph alone.
merge
    Sums of 1,000,000,000 rows, made of parts that are merged: seconds for all parts, and whether
    the sizes of clusters are exact.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

FEATURES, FILE_ROWS, EPOCHS = 30, 1_000_000, 5
COLUMNS = {"outcome": ["gmv", "orders"], "treatment": "coupon", "cost": "paid"}
MERGED_ROWS, PART_ROWS = 1_000_000_000, 1_000_000


def write_table(folder, n_rows, seed=0):
    """Write files of random rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(seed)
    for start in range(0, n_rows, FILE_ROWS):
        n = min(FILE_ROWS, n_rows - start)
        X = rng.standard_normal((n, FEATURES), dtype=np.float32)
        arm = rng.integers(0, 5, n)
        effect = 0.2 * arm * (X[:, 1] > 0)
        order = rng.random(n) < 1 / (1 + np.exp(2 - X[:, 0] - effect))
        columns = {f"x{k:02}": X[:, k] for k in range(FEATURES)}
        columns |= {"customer": np.arange(start, start + n), "coupon": 5 * arm}
        columns |= {"gmv": order * rng.gamma(2.0, 10.0, n), "orders": order.astype(float)}
        columns["paid"] = order * 5.0 * arm
        pq.write_table(pa.table(columns), folder / f"rows-{start:012}.parquet")


def run_child(folder, n_rows, sample, seed):
    """Fit and decide in this process, and print the seconds of the parts and the peak."""
    import resource

    import sklearn
    import torch
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from sklearn_hrc import ClusterBudgetAllocator, HiddenClusterer, MultiTaskRepresenter
    from sklearn_hrc.large import _fit_large, decide_large, fit_large

    sklearn.set_config(enable_metadata_routing=True)
    torch.set_num_threads(1)
    seconds, run_pass = [], _fit_large.run_pass

    def timed_pass(*given, **more):
        start = time.perf_counter()
        result = run_pass(*given, **more)
        seconds.append(time.perf_counter() - start)
        return result

    _fit_large.run_pass = timed_pass
    policy = make_pipeline(
        StandardScaler(),
        MultiTaskRepresenter(max_epochs=EPOCHS, random_state=seed),
        HiddenClusterer(n_clusters=64, random_state=seed),
        ClusterBudgetAllocator(budget=1.0, random_state=seed),
    )
    names = [f"x{k:02}" for k in range(FEATURES)]
    policy = fit_large(
        policy, folder, **COLUMNS, features=names, key="customer", sample=sample, random_state=seed
    )
    start = time.perf_counter()
    counts = decide_large(policy, folder, Path(folder).with_name("arms"), keep="customer")
    seconds.append(time.perf_counter() - start)
    if sum(counts.values()) != n_rows or policy[-1].cluster_sizes_.sum() != n_rows:
        raise ValueError(f"expected {n_rows} rows, got {counts}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(*seconds, peak)


def measure_sizes(sizes, sample, seed):
    """Print a line for each size, and the exponents."""
    print(f"{'rows':>12} {'first pass':>11} {'second pass':>12} {'decide':>9} {'peak GB':>9}")
    found = []
    for n_rows in sizes:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / "rows"
            folder.mkdir()
            write_table(folder, n_rows)
            child = [sys.executable, __file__, "--child", folder, "--rows", n_rows]
            child += ["--sample", sample, "--seed", seed]
            run = subprocess.run(map(str, child), capture_output=True, text=True, check=True)
        *seconds, peak = map(float, run.stdout.split())
        found.append(np.array(seconds) / n_rows * 1e6)
        first, second, decide = found[-1]
        print(f"{n_rows:12,} {first:11.2f} {second:12.2f} {decide:9.2f} {peak:9.2f}", flush=True)
    if len(sizes) > 1:
        slopes = 1 + np.log(found[-1] / found[0]) / np.log(sizes[-1] / sizes[0])
        print(f"{'exponent':>12} {slopes[0]:11.3f} {slopes[1]:12.3f} {slopes[2]:9.3f}")


def measure_sums(n_rows=200_000, n_clusters=64):
    """Print the time of sums over that of a product of the same columns."""
    from sklearn_hrc._cells.table import summarise
    from sklearn_hrc._columns import Columns
    from sklearn_hrc._experiment import Experiment

    rng = np.random.default_rng(0)
    layout = Columns(32, 5, 5, 3)
    Z = rng.standard_normal((n_rows, 1 + layout.n_columns), dtype=np.float32)
    Z[:, 0] = rng.integers(0, n_clusters, n_rows)
    arm, outcomes = rng.integers(0, 5, n_rows), Z[:, -15:-12].astype(float)
    experiment = Experiment(
        outcomes[:, :2], ["gmv", "orders"], arm, np.arange(5), outcomes[:, 2], None, np.ones(n_rows)
    )

    def product():
        return sum(rows.T @ rows for rows in np.array_split(Z, max(n_rows // 16_384, 1)))

    sums = best_of(lambda: summarise(Z, experiment, "outcomes", columns=layout))
    print(f"sums / BLAS: {sums / best_of(product):.2f} ({sums / n_rows * 1e6:.2f} us a row)")


def measure_merge(n_clusters=64, n_arms=5):
    """Print how long parts of many rows take to be merged, and whether counts are exact."""
    from sklearn_hrc._cells.table import merge_tables, table_of_rows
    from sklearn_hrc._experiment import Experiment

    rng = np.random.default_rng(0)
    n = 20_000
    cluster, arm = rng.integers(0, n_clusters, n), rng.integers(0, n_arms, n)
    experiment = Experiment(
        rng.random((n, 2)),
        ["gmv", "orders"],
        arm,
        np.arange(n_arms),
        rng.random(n),
        None,
        np.full(n, 1.0),
    )
    part = table_of_rows(
        cluster,
        rng.random((n, 122)),
        experiment,
        spent=experiment.cost,
        expected=rng.random((n, 3)),
    )
    grown, start = part, time.perf_counter()
    for _ in range(MERGED_ROWS // PART_ROWS - 1):
        grown = merge_tables(grown, part)
    seconds = time.perf_counter() - start
    parts = MERGED_ROWS // PART_ROWS
    exact = np.array_equal(grown.members.count, parts * part.members.count)
    drift = np.abs(grown.cells.mean / part.cells.mean - 1).max()
    print(
        f"merge: {parts:,} parts in {seconds:.1f} s, counts {'exact' if exact else 'WRONG'}, "
        f"means off by {drift:.0e} at most"
    )


def measure_decisions(n_rows=200_000):
    """Print the time of a row in `decide_large` by a folder, over that of its graph alone."""
    import pyarrow.parquet as pq
    import sklearn
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from sklearn_hrc import ClusterBudgetAllocator, DistilledAllocator, HiddenClusterer
    from sklearn_hrc.export import export_policy
    from sklearn_hrc.large import decide_large
    from sklearn_hrc.serving import load

    sklearn.set_config(enable_metadata_routing=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "rows"
        folder.mkdir()
        write_table(folder, n_rows)
        frame = pq.read_table(folder).to_pandas()
        X = frame[[name for name in frame if name.startswith("x")]]
        clusterer = HiddenClusterer(n_clusters=64, outcomes=False, random_state=0)
        allocator = ClusterBudgetAllocator(budget=1.0, estimation="pooled", random_state=0)
        teacher = make_pipeline(StandardScaler(), clusterer, allocator)
        few = slice(0, 20_000)
        policy = DistilledAllocator(teacher, random_state=0).fit(
            X[few], frame["gmv"][few], treatment=frame["coupon"][few], cost=frame["paid"][few]
        )
        export_policy(policy, Path(scratch) / "policy", X[few])
        served = load(Path(scratch) / "policy")
        rows = np.ascontiguousarray(X.to_numpy(np.float64))
        bare = best_of(lambda: served._model.clusters(rows))
        whole = best_of(lambda: decide_large(served, folder, Path(scratch) / "arms"))
    print(f"decide / student: {whole / bare:.2f} ({whole / n_rows * 1e6:.2f} us a row)")


def best_of(function, repeats=3):
    """Least seconds of a few runs."""
    function()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def main():
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000, 10_000_000])
    parser.add_argument("--sample", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--child", help="folder: measure this one and print, for this script itself"
    )
    given = parser.parse_args()
    if given.child:
        run_child(given.child, given.rows[0], given.sample, given.seed)
        return
    measure_sums()
    measure_merge()
    measure_decisions()
    measure_sizes(given.rows, given.sample, given.seed)


if __name__ == "__main__":
    main()
