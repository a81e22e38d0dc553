"""HRC beside its rivals on simulated experiments with known truth.

    python benchmarks/compare.py --seeds 5 --jobs 2 --save figures.json
    python benchmarks/compare.py --read figures.json --figure figures.png

Each method is fitted on one sample of a setting (`compare_settings.py`) and judged on another, at
six budgets between a tenth and four fifths of what the dearest arm would cost for everyone. A
run that was stopped goes on where `--save` ends.

Of each setting:

efficiency
    Gain over control on new individuals as a share of what an oracle gains for the same
    true spend, mean over budgets and seeds. A policy that spends more or less than a budget is
    taken at the budget, between what it really spends.
ratio
    Regret (1 - efficiency) of HRC over that of the rival that is best in the setting, which
    flatters rivals: nobody knows beforehand which one it is.
[low, high]
    90 % interval of HRC's efficiency less that of the best rival, by Student's t over seeds. The
    rival that is best on these seeds is held fixed.
used
    True cost of HRC on the rows of fit over the budget, mean over budgets and seeds.

Of each method over the settings:

ratio
    Mean of the regret of HRC over that of this rival, with a 90 % interval by resampling
    seeds within settings, of the seeds with which both ran. Settings with nothing to target are
    left out.
worse in
    Settings with something to target in which HRC's regret is larger.
overspend, used
    Means over settings and budgets of true cost on the rows of fit above the budget, and of true
    cost over the budget, each of the mean over seeds.
fit s, decide us, MB
    Seconds to fit, microseconds to decide for a row, on one thread, and the growth of resident
    memory while fitting, at the setting with most rows.
"""

import argparse
import importlib
import multiprocessing
import os
import resource
import shlex
import sys
import time
import traceback
from pathlib import Path

import joblib
import numpy as np
import sklearn
from compare_methods import METHODS
from compare_settings import SETTINGS, draw
from compare_tables import print_methods, print_settings, read_runs, write_runs
from quality import BUDGET_SHARES, judge
from threadpoolctl import threadpool_limits

from sklearn_hrc.metrics import predict_budgets

# Loaded before fits are timed.
importlib.import_module("econml.grf")


def main():
    """Run what is missing in the file, and print tables of all that is there."""
    options = parse_options()
    print("$ python", shlex.join(sys.argv))
    runs = read_runs(options.read or ([options.save] if options.save else []))
    if not options.read:
        run_missing(runs, options)
    print_settings(runs)
    print_methods(runs)
    if options.figure:
        from compare_figure import draw_comparison

        draw_comparison(runs, options.figure)


def parse_options():
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    parts = {"nargs": "+", "default": [""], "metavar": "PART"}
    add("--settings", **parts, help="only those whose name contains one of these")
    add("--methods", **parts, help="only those whose name contains one of these")
    add("--seeds", type=int, default=5, help="number of samples of each setting")
    add("--jobs", type=int, default=1, help="processes, each with one thread")
    add("--save", type=Path, help="JSON file of the measures; what is in it is not run again")
    add("--read", type=Path, nargs="+", metavar="FILE", help="show such files; run nothing")
    add("--figure", type=Path, help="file of the picture")
    return parser.parse_args()


def run_missing(runs, options):
    """Run methods on samples that `runs` lacks, {(setting, method, seed): measures}."""
    keys = [
        (setting, method, seed)
        for seed in range(options.seeds)
        for setting in SETTINGS
        if any(part in setting for part in options.settings)
        for method in METHODS
        if any(part in method for part in options.methods)
    ]
    missing = [key for key in keys if key not in runs]
    done = joblib.Parallel(options.jobs, return_as="generator_unordered")(
        joblib.delayed(run_apart)(*key) for key in missing
    )
    for number, (key, measures) in enumerate(done, 1):
        runs[key] = measures
        efficiency = np.mean(measures["efficiency"])
        print(f"{number}/{len(missing)} {' | '.join(map(str, key))}: {efficiency:.3f}", flush=True)
        if options.save:
            write_runs(runs, options.save)


def run_apart(setting, method, seed):
    """Run in a process of its own, whose memory is that of this method alone."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    context = multiprocessing.get_context("fork")
    child = context.Process(target=run_child, args=(sender, setting, method, seed))
    child.start()
    sender.close()
    try:
        measures = receiver.recv()
    except EOFError:
        raise RuntimeError(f"{method} ended without an answer on {setting}, seed {seed}.") from None
    finally:
        child.join()
    if isinstance(measures, str):
        raise RuntimeError(f"{method} failed on {setting}, seed {seed}:\n{measures}")
    return (setting, method, seed), measures


def run_child(sender, setting, method, seed):
    """Send the measures of a method on a sample, or the traceback as text."""
    try:
        sender.send(run(setting, method, seed))
    except Exception:
        sender.send(traceback.format_exc())
    finally:
        sender.close()
        os._exit(0)  # libraries with threads may hang when a forked process ends


def run(setting, method, seed):
    """Fit a method on one sample and judge it on another."""
    import torch

    torch.set_num_threads(1)
    sklearn.set_config(enable_metadata_routing=True)
    with threadpool_limits(1):
        train, test = draw(SETTINGS[setting], seed)
        policy = METHODS[method](train.treatments[0], train.data.shape[1], seed)
        rows = {"treatment": train.treatment, "cost": train.cost}
        if "groups" in train:
            rows["groups"] = train.groups
        before, start = megabytes(), time.perf_counter()
        policy.fit(train.data, train.target, **rows)
        fitted, seconds = megabytes(), time.perf_counter() - start
        budgets = np.array(BUDGET_SHARES) * train.expected_cost.mean(axis=0).max()
        measures = judge(lambda X, at: predict_budgets(policy, X, at), budgets, train, test)
        start = time.perf_counter()
        policy.predict(test.data)
        decide = (time.perf_counter() - start) / len(test.data)
    return {
        **measures,
        "rows": len(train.data),
        "fit s": seconds,
        "decide us": 1e6 * decide,
        "MB": fitted - before,
    }


def megabytes():
    """Largest resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
