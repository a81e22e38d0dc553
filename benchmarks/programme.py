"""The integer programme beside its full model in python-mip, and the budget path.

    python benchmarks/programme.py --seeds 3
    python benchmarks/programme.py --knife-edge 100000

Clusters have lognormal sizes, 400 individuals on average; the response of an arm is
concave in its cost, up to noise, and the budget lies three tenths of the way from the
cheapest to the dearest allocation. The full model is written in the plain way, with
operators and `xsum`, and given to CBC with a gap of 0 and a time limit. Medians over
the seeds; a model that was not proven counts with its time and is marked `>`. For the
largest programme the full model is only built, and ours runs in a process of its own to
take its peak memory. Then the path of the linear relaxation over all budgets for
individuals, beside `np.argsort` of the responses, by row and of all of them.

`--knife-edge` solves small programmes with budgets at or just under the cost of an
allocation and judges the answers by enumeration and exact arithmetic.
"""

import argparse
import collections
import subprocess
import sys
import time
from pathlib import Path

import mip
import numpy as np

from sklearn_hrc._programme.budget_path import path_allocation
from sklearn_hrc._programme.hull import hull_path
from sklearn_hrc._programme.one_budget import solve

SOLVED = ((500, 5), (2000, 10))
BUILT = (10_000, 30)


def main():
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--time-limit", type=float, default=15.0, help="of the full model")
    parser.add_argument("--individuals", type=int, default=1_000_000)
    parser.add_argument("--knife-edge", type=int, metavar="N")
    parser.add_argument("--peak", choices=["split", "whole"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak:
        print(peak_megabytes(options.peak == "split"))
        return
    print("$ python", *sys.argv)
    if options.knife_edge is not None:
        judge_knife_edges(options.knife_edge)
        return
    mip.Model(solver_name=mip.CBC)  # loads the solver
    seeds = range(options.seeds)
    print(f"{'':22} {'ours s':>8} {'proven':>6} {'build s':>8} {'build+CBC s':>12} {'ratio':>7}")
    for shape in SOLVED:
        for split in (False, True):
            compare(shape, split, seeds, options.time_limit)
    for split in (False, True):
        compare(BUILT, split, seeds, None)
    time_path(options.individuals)


def random_programme(n_clusters, n_arms, seed):
    """Responses, costs, sizes and budget."""
    rng = np.random.default_rng(seed)
    sizes = np.maximum(1, np.rint(400 * rng.lognormal(-0.5, 1, n_clusters))).astype(int)
    cost = np.sort(rng.gamma(2, 1, (n_clusters, n_arms)), axis=1)
    cost[:, 0] = 0
    response = rng.gamma(2, 1, (n_clusters, 1)) * np.sqrt(cost) + rng.normal(0, 0.1, cost.shape)
    low, high = (sizes @ f(cost, axis=1) / sizes.sum() for f in (np.min, np.max))
    return response, cost, sizes, low + 0.3 * (high - low)


def compare(shape, split, seeds, time_limit):
    """Print a line for one kind of programme; without a time limit the model is only built."""
    ours, theirs, built, proven, limited = [], [], [], 0, 0
    for seed in seeds:
        programme = random_programme(*shape, seed)
        started = time.perf_counter()
        allocation = solve(*programme, split_clusters=split)
        ours.append(time.perf_counter() - started)
        proven += allocation.status == "optimal"
        started = time.perf_counter()
        model = full_model(*programme, split)
        built.append(time.perf_counter() - started)
        if time_limit is not None:
            status = model.optimize(max_seconds=time_limit)
            limited += status != mip.OptimizationStatus.OPTIMAL
            if model.objective_value > allocation.response * (1 + 1e-6):
                print("   CBC is better:", seed, model.objective_value, allocation.response)
        theirs.append(time.perf_counter() - started)
        del model
    name = f"{shape[0]} x {shape[1]}, {'split' if split else 'whole'}"
    s, b, t = map(np.median, (ours, built, theirs))
    line = f"{name:22} {s:>8.3f} {proven:>3}/{len(seeds):<2} {b:>8.3f}"
    if time_limit is None:
        command = [sys.executable, __file__, "--peak", "split" if split else "whole"]
        peak = subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()
        print(f"{line} {'-':>12} {s / b:>7.2f} of build, peak {peak}", flush=True)
        return
    note = f"   CBC: {limited} of {len(seeds)} not proven" if limited else ""
    print(f"{line} {'>' if limited else ''}{t:>{11 if limited else 12}.3f} {t / s:>7.1f}{note}")


def full_model(response, cost, sizes, budget, split):
    """Model of all cells, as a textbook writes it."""
    model = mip.Model(sense=mip.MAXIMIZE, solver_name=mip.CBC)
    model.verbose, model.threads = 0, 1
    model.max_mip_gap = model.max_mip_gap_abs = 0.0
    cells = [(k, j) for k in range(len(sizes)) for j in range(cost.shape[1])]
    kind = mip.INTEGER if split else mip.BINARY
    x = {cell: model.add_var(var_type=kind) for cell in cells}
    n = [1] * len(sizes) if split else sizes.tolist()
    model.objective = mip.xsum(n[k] * float(response[k, j]) * x[k, j] for k, j in cells)
    limit = budget * int(sizes.sum())
    model += mip.xsum(n[k] * float(cost[k, j]) * x[k, j] for k, j in cells) <= limit
    for k, size in enumerate(sizes.tolist()):
        model += mip.xsum(x[k, j] for j in range(cost.shape[1])) == (size if split else 1)
    return model


def peak_megabytes(split):
    """Peak memory of this process over that of its imports, and with it."""
    programme = random_programme(*BUILT, 0)
    before = peak_of_process()
    solve(*programme, split_clusters=split)
    peak = peak_of_process()
    return f"{peak - before:.0f} MB ({peak:.0f} with the imports)"


def peak_of_process():
    """Peak memory in MB; that of `resource` begins with the peak of the parent process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def time_path(n_individuals, n_arms=5, repeats=5):
    """Print the time of the whole path, of allocations along it and of one solve."""
    rng = np.random.default_rng(0)
    cost = np.sort(rng.gamma(2, 1, (n_individuals, n_arms)), axis=1)
    cost[:, 0] = 0
    response = rng.gamma(2, 1, (n_individuals, 1)) * np.sqrt(cost)
    response += rng.normal(0, 0.3, cost.shape)
    ones = np.ones(n_individuals, dtype=np.int64)
    path = hull_path(response, cost, ones)
    totals = np.linspace(path.cost[0], path.cost[-1], 100)
    tasks = {
        "argsort by row": lambda: np.argsort(response, axis=1),
        "argsort of all": lambda: np.argsort(response, axis=None),
        "whole path": lambda: hull_path(response, cost, ones),
        "100 budgets along it": lambda: path_allocation(path, totals),
    }
    seconds = {name: [] for name in tasks}
    for _ in range(repeats):
        for name, task in tasks.items():
            started = time.perf_counter()
            task()
            seconds[name].append(time.perf_counter() - started)
    print(f"\n{n_individuals:,} individuals x {n_arms} arms, {len(path.slope):,} edges")
    print(f"{'':22} {'s':>8} {'by row':>8} {'of all':>8}")
    best = {name: min(values) for name, values in seconds.items()}
    for name, value in best.items():
        rows, every = (value / best[f"argsort {of}"] for of in ("by row", "of all"))
        print(f"{name:22} {value:>8.3f} {rows:>8.2f} {every:>8.2f}")
    started = time.perf_counter()
    allocation = solve(response, cost, ones, 1.0)
    value = time.perf_counter() - started
    print(f"{'solve, one budget':22} {value:>8.3f}   {allocation.status}, gap {allocation.gap:.0e}")


def judge_knife_edges(n_programmes):
    """Count what is wrong with the answers to small programmes."""
    sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))
    from programmes import EDGES, EPSILONS, judge, knife_edge, random_small_programme

    rng, found = np.random.default_rng(0), collections.Counter()
    for _ in range(n_programmes):
        programme = random_small_programme(rng)
        budget = knife_edge(programme, rng.choice(EPSILONS), rng.choice(EDGES))
        response, cost, sizes, split, _ = programme
        allocation, wrong = judge(response, cost, sizes, budget, split)
        found[wrong or ("optimal" if allocation else "infeasible")] += 1
    for name, count in found.most_common():
        print(f"{name:16} {count:>9,}")
    print(f"{'wrong':16} {n_programmes - found['optimal'] - found['infeasible']:>9,}")


if __name__ == "__main__":
    main()
