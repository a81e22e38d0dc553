"""Other packages on the problem of quality.py: simulated experiments with known truth.

    python benchmarks/packages.py --seeds 2

causalml, econml, scikit-uplift and maq, each in the form that a careful user would
reach (`package_policies.py`), beside the default pipeline and two-stage rivals.
Everything is fitted on one sample and judged on another at six budgets, as there. A
package that is not installed is named and left out; all can be installed beside
this one:

    pip install -c constraints.txt causalml econml scikit-uplift
    pip install "git+https://github.com/grf-labs/maq.git#subdirectory=python-package"

The columns:

efficiency
    The policy's true gain over control on new individuals, as a share of what
    an oracle gains for the same true spend, mean over budgets and seeds.
+-
    Half of the range of the efficiency over the seeds.
equal spend
    Efficiency at true spends that equal the budgets, interpolated.
used
    True mean cost on the rows of fit as a share of the budget.
violation, worst
    By how much that exceeds the budget, positive part: of the mean over budgets
    and seeds, and at the worst budget and seed.
fit s
    Seconds to fit on one thread; of our networks with every method that uses them.
decide s
    With --serve: seconds to decide so many rows at one budget, also one thread.
"""

import argparse
import functools
import importlib.util
import json
import logging
import sys
import warnings
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import sklearn
import torch
from package_policies import ON_NETWORKS, POLICIES
from quality import BUDGET_SHARES, COMPARED, World, fit_networks, judge, timed
from quality_settings import COUPONS
from threadpoolctl import threadpool_limits

from sklearn_hrc.datasets import make_coupon_experiment
from sklearn_hrc.exceptions import BudgetWarning

OURS = ("HRC, K = 64", "HRC, K = 256", "its predictions, individually")
RIVALS = ("rival: two-stage, boosting", "rival: two-stage, typed boosting")
PACKAGES = {
    "causalml": "causalml",
    "econml": "econml",
    "sklift": "scikit-uplift",
    "maq": "maq",
    "lightgbm": "lightgbm",
}


def main():
    """Print versions, and a table for each setting."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, help="instead of each setting's own number")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument(
        "--settings", nargs="+", choices=COUPONS, default=["default", "noisy features"]
    )
    parser.add_argument(
        "--methods", nargs="+", default=[""], help="only those whose name contains one of these"
    )
    parser.add_argument("--serve", type=int, help="time decisions for so many rows, first seed")
    parser.add_argument("--output", type=Path, help="JSON file of the raw measures")
    options = parser.parse_args()
    sklearn.set_config(enable_metadata_routing=True)
    torch.set_num_threads(1)
    # LightGBM was fitted without names of features and says so at each prediction.
    warnings.filterwarnings("ignore", message="X does not have valid feature names")
    warnings.simplefilter("ignore", BudgetWarning)
    logging.getLogger("causalml").setLevel(logging.ERROR)
    print("$ python", *sys.argv)
    methods = installed_methods(options.methods)
    measures = {}
    for setting in options.settings:
        parameters = COUPONS[setting] | ({"n_samples": options.rows} if options.rows else {})
        print(f"\n{setting}, {parameters['n_samples']:,} rows, {options.seeds} seeds")
        with threadpool_limits(1):
            worlds = [
                make_world(parameters, options.first_seed + seed) for seed in range(options.seeds)
            ]
            measures[setting] = run_setting(methods, worlds, parameters, options.serve)
        if options.output:
            options.output.write_text(json.dumps(measures, indent=1))


def installed_methods(parts):
    """Methods whose package is there, {name: method}; print versions and what is missing."""
    for module, package in PACKAGES.items():
        try:
            found = version(package) if importlib.util.find_spec(module) else "not installed"
        except PackageNotFoundError:
            found = "of unknown version"
        print(f"{package} {found}")
    methods = {name: COMPARED[name] for name in OURS + RIVALS}
    for name, (module, fit) in POLICIES.items():
        if importlib.util.find_spec("lightgbm") and importlib.util.find_spec(module):
            methods[name] = functools.partial(timed, fit)
    return {name: method for name, method in methods.items() if any(part in name for part in parts)}


def make_world(parameters, seed):
    """Make the sample of fit, its sample of judgement and its budgets."""
    train, test = (
        make_coupon_experiment(random_state=seed + 1000 * part, **parameters) for part in range(2)
    )
    budgets = np.array(BUDGET_SHARES) * train.expected_cost.mean(axis=0).max()
    networks = functools.cache(functools.partial(fit_networks, train, seed))
    return World(train, seed, networks), test, budgets


def run_setting(methods, worlds, parameters, n_served):
    """Fit, judge and print one method after the other; return {method: runs of the seeds}."""
    measures = {}
    print(
        f"{'':32} {'efficiency':>10} {'+-':>6} {'equal spend':>11} {'used':>6} "
        f"{'violation':>9} {'worst':>6} {'fit s':>6} {'decide s':>8}"
    )
    for name, method in methods.items():
        runs, deciding = [], np.nan
        for world, test, budgets in worlds:
            decide, seconds = fit_method(name, method, world)
            runs.append({**judge(decide, budgets, world.train, test), "seconds": seconds})
            if n_served and len(runs) == 1:
                deciding = seconds_to_decide(decide, budgets[2:3], parameters, n_served)
        print_row(name, runs, deciding)
        measures[name] = runs
    return measures


def fit_method(name, method, world):
    """Return the policy and the seconds of fit, with those of the networks it uses."""
    trained = world.networks()[1] if name in ON_NETWORKS else 0.0
    decide, seconds = method(world)
    return decide, trained + seconds


def seconds_to_decide(decide, budgets, parameters, n_rows):
    """Time the decision of many rows at one budget, after one that needs preparations."""
    X = make_coupon_experiment(random_state=2000, **parameters | {"n_samples": n_rows}).data
    list(decide(X[:1000], budgets))
    return timed(lambda: list(decide(X, budgets)))[1]


def print_row(name, runs, deciding):
    """Print the measures of one method, means over the seeds."""
    efficiency, equal, used, seconds = (
        np.array([run[key] for run in runs])
        for key in ("efficiency", "at equal spend", "used", "seconds")
    )
    by_seed = efficiency.mean(axis=1)
    print(
        f"{name:32} {efficiency.mean():>10.3f} {np.ptp(by_seed) / 2:>6.3f} {equal.mean():>11.3f} "
        f"{used.mean():>6.1%} {max(used.mean() - 1, 0):>9.1%} {max(used.max() - 1, 0):>6.1%} "
        f"{seconds.mean():>6.1f} {deciding:>8.1f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
