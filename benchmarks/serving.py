"""How fast a policy folder decides, beside the bare runtime, the student and the teacher.

    python benchmarks/serving.py

A policy of the simulated coupon experiment is fitted, distilled and exported. All times are of
one run on one thread, so ratios count:

one row
    Microseconds of `decide_one`, of a bare call of the runtime with a row that is ready, and of
    `predict` of the distilled policy and of its teacher: median, 99th and 99.9th percentile.
eight threads
    The same of `decide_one` where eight threads share one policy.
processor time
    The same of the first three without the time in which a thread waits for a core.
many rows
    Microseconds a row of `decide`, of the bare runtime in the same chunks, and of `predict` of the
    distilled policy.
differ
    Rows of which the folder gives another arm than the distilled policy.
"""

import argparse
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import sklearn
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from sklearn_hrc import (
    ClusterBudgetAllocator,
    DistilledAllocator,
    HiddenClusterer,
    MultiTaskRepresenter,
)
from sklearn_hrc.datasets import make_coupon_experiment
from sklearn_hrc.export import export_policy
from sklearn_hrc.serving import load

# Rows that the bare runtime is given at once, as those of `decide`.
CHUNK = 8_192
PERCENTILES = (50, 99, 99.9)


def main():
    """Fit, export and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=20_000, help="rows of the experiment")
    parser.add_argument("--calls", type=int, default=100_000, help="calls for one row")
    parser.add_argument("--slow-calls", type=int, default=300, help="calls of predict for one row")
    parser.add_argument("--many", type=int, default=1_000_000, help="rows that are decided at once")
    options = parser.parse_args()
    sklearn.set_config(enable_metadata_routing=True)
    print("$ python", *sys.argv)
    with threadpool_limits(1), tempfile.TemporaryDirectory() as folder:
        teacher, student = fit(options.rows)
        rct = make_coupon_experiment(options.rows, random_state=1)
        served = load(export_policy(student, folder, rct.data))
        one_row(served, teacher, student, rct.data, options)
        many_rows(served, student, options.many)


def fit(n_rows):
    """A policy and what is distilled of it."""
    rct = make_coupon_experiment(n_rows, random_state=0)
    rows = {"treatment": rct.treatment, "cost": rct.cost}
    teacher = make_pipeline(
        StandardScaler(),
        MultiTaskRepresenter(random_state=0),
        HiddenClusterer(n_clusters=64, random_state=0),
        ClusterBudgetAllocator(budget=1.2, random_state=0),
    ).fit(rct.data, rct.target, **rows)
    student = DistilledAllocator(FrozenEstimator(teacher), random_state=0)
    return teacher, student.fit(rct.data, rct.target, **rows)


def one_row(served, teacher, student, X, options):
    """Print times of one row at a time."""
    names = [feature.name for feature in served.features]
    rows = [dict(zip(names, row)) for row in X[:1000].tolist()]
    ready = [np.array([row], dtype=np.float64) for row in X[:1000].tolist()]
    run = served._model._session.run
    print(f"\n{'one row, us':34}" + "".join(f"{f'{p} %':>10}" for p in PERCENTILES))
    calls = (
        lambda i: run(["cluster"], {"rows": ready[i % 1000]}),
        lambda i: served.decide_one(rows[i % 1000]),
    )
    for clock, note in ((time.thread_time, ", processor time"), (time.perf_counter, "")):
        bare, decided = (quantiles(call, options.calls, clock) for call in calls)
        print_line(f"runtime alone{note}", bare)
        print_line(f"decide_one{note}", decided)
        print_line(f"eight threads{note}", of_threads(calls[1], options.calls, clock))
    slow = {}
    for name, policy in {"distilled predict": student, "teacher's predict": teacher}.items():
        slow[name] = quantiles(lambda i, p=policy: p.predict(ready[i % 1000]), options.slow_calls)
        print_line(name, slow[name])
    print(f"decide_one: {decided[0] / bare[0]:.2f} times the runtime alone (target 3)")
    for name, times in slow.items():
        print(f"decide_one: {times[0] / decided[0]:.0f} times faster than {name}")


def of_threads(call, n_calls, clock):
    """Quantiles of a call in eight threads at once."""
    with ThreadPoolExecutor(8) as pool:
        parts = pool.map(lambda _: durations(call, n_calls // 8, clock), range(8))
    return np.percentile(np.concatenate(list(parts)), PERCENTILES) * 1e6


def many_rows(served, student, n_rows):
    """Print times of many rows, and how many get another arm."""
    X = make_coupon_experiment(n_rows, random_state=2).data
    run = served._model._session.run

    def bare():
        for start in range(0, n_rows, CHUNK):
            run(["cluster"], {"rows": X[start : start + CHUNK]})

    # Alternating, so that whatever else the machine does slows both.
    pairs = [(seconds(bare), seconds(lambda: served.decide(X))) for _ in range(3)]
    alone, decided = (min(times) for times in zip(*pairs))
    start = time.perf_counter()
    given = student.predict(X)
    predicted = time.perf_counter() - start
    differ = int((served.decide(X).treatment != given).sum())
    print(f"\n{n_rows:,} rows, us a row")
    for name, total in (
        ("runtime alone", alone),
        ("decide", decided),
        ("distilled predict", predicted),
    ):
        print(f"{name:34}{total / n_rows * 1e6:10.2f}")
    print(f"decide: {decided / alone:.2f} times the runtime alone (target 1.3)")
    print(f"differ: {differ} rows (target {n_rows // 100_000})")


def quantiles(call, n_calls, clock=time.perf_counter):
    """Percentiles of a call in microseconds."""
    return np.percentile(durations(call, n_calls, clock), PERCENTILES) * 1e6


def durations(call, n_calls, clock):
    """Seconds of each call."""
    found = np.empty(n_calls)
    for i in range(n_calls):
        start = clock()
        call(i)
        found[i] = clock() - start
    return found


def seconds(call):
    """Seconds of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def print_line(name, times):
    """Print a line of percentiles."""
    print(f"{name:34}" + "".join(f"{value:10.1f}" for value in times))


if __name__ == "__main__":
    main()
