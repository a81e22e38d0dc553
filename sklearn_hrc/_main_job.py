"""The main job: from the rows of an experiment to a policy that keeps its budget.

`python -m sklearn_hrc` simulates a coupon experiment; `--data` reads a real
one. Half of the rows fit and tune the policy, the other half judge it.
"""

import argparse
import tempfile
import time

import numpy as np
import sklearn
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedGroupKFold,
    StratifiedKFold,
    train_test_split,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_hrc import ClusterBudgetAllocator, HiddenClusterer, MultiTaskRepresenter
from sklearn_hrc._commands.command_line import PROGRAM, list_of_commands
from sklearn_hrc._extras import import_from_extra
from sklearn_hrc._version import __version__
from sklearn_hrc.datasets import (
    fetch_hillstrom,
    load_thornton_hiv,
    make_coupon_experiment,
)
from sklearn_hrc.metrics import best_single_arm, policy_value
from sklearn_hrc.plotting import BudgetCurveDisplay

N_FOLDS = 3
N_CLUSTERS = (4, 16, 64, 256)
# A cluster that is smaller than this in a training fold tells nothing.
ROWS_A_CLUSTER = 50
BUDGET_SHARES = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0)


def main(arguments=None):
    """Run the main job and return the fitted search.

    Parameters
    ----------
    arguments : list of str, default=None
        Command line; by default that of the process.

    Returns
    -------
    search : GridSearchCV
        Fitted on the training half.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    started = time.perf_counter()
    try:
        for name in ("pandas", "matplotlib"):
            import_from_extra(name, PROGRAM, "plot")
        experiment = _LOADERS[options.data](options)
    except (ImportError, OSError, ValueError) as error:
        parser.error(str(error))
    print(
        f"{options.data}: {len(experiment.data):,} individuals, "
        f"{experiment.data.shape[1]} features, arms {_labels(experiment.treatment)};\n"
        f"the response is '{experiment.target.name}'."
    )
    train, test = _halves(experiment, options.random_state)
    train_groups, test_groups = (half.pop("groups") for half in (train, test))
    with sklearn.config_context(enable_metadata_routing=True):
        print(
            "Tuning the number of clusters and fitting the policy on half of the rows;\n"
            f"the networks are trained {N_FOLDS} times for the folds and once for all.",
            flush=True,
        )
        search = _search(train, train_groups, experiment.control, options.random_state)
        print(f"Best number of clusters: {search.best_params_['hiddenclusterer__n_clusters']}.\n")
        _print_budgets(search, test, test_groups, experiment)
        display = BudgetCurveDisplay.from_estimator(
            search, **test, groups=test_groups, name="HRC policy"
        )
    display.figure_.savefig(options.output, dpi=150, bbox_inches="tight")
    print(f"\nBudget curve: {options.output} ({time.perf_counter() - started:.0f} s in all).")
    return search


def _parser():
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description=__doc__,
        epilog=list_of_commands(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"sklearn-hrc {__version__}")
    parser.add_argument(
        "--data",
        choices=sorted(_LOADERS),
        default="coupons",
        help="the experiment: coupons is simulated; the files of the others are read from the "
        "folder in SKLEARN_HRC_DATA, else hillstrom is downloaded and thornton is taken from the "
        "package causaldata",
    )
    parser.add_argument("--rows", type=int, default=30_000, help="simulated rows")
    parser.add_argument("--output", default="budget_curve.png", help="where the picture goes")
    parser.add_argument(
        "--random-state",
        type=int,
        default=0,
        help="seed of every draw; the same seed gives the same policy (default: 0)",
    )
    return parser


def _coupons(options):
    experiment = make_coupon_experiment(
        options.rows, as_frame=True, random_state=options.random_state
    )
    experiment.update(target=experiment.target["gmv"], control=0)
    return experiment


def _hillstrom(options):
    return fetch_hillstrom(target="visit")


def _thornton(options):
    experiment = load_thornton_hiv()
    experiment.update(target=experiment.target["got"], control=0.0)
    return experiment


_LOADERS = {"coupons": _coupons, "hillstrom": _hillstrom, "thornton": _thornton}


def _labels(treatment):
    return ", ".join(str(label) for label in np.unique(treatment))


def _halves(experiment, random_state):
    """Training and test rows as keyword arguments of `fit` and `score`, and their groups."""
    rows, groups = np.arange(len(experiment.data)), experiment.get("groups")
    if groups is None:
        halves = train_test_split(
            rows, test_size=0.5, stratify=experiment.treatment, random_state=random_state
        )
    else:
        halves = _folds(2, experiment.treatment, groups, random_state)[0]
    return [
        {
            "X": experiment.data.iloc[half],
            "y": experiment.target.iloc[half],
            "treatment": experiment.treatment.iloc[half],
            "cost": experiment.cost.iloc[half],
            "propensity": experiment.propensity[half],
            "groups": None if groups is None else np.asarray(groups)[half],
        }
        for half in halves
    ]


def _folds(n_folds, treatment, groups, random_state):
    """Folds with their share of every arm; rows of a group stay together."""
    folds = StratifiedKFold if groups is None else StratifiedGroupKFold
    arm = np.unique(treatment, return_inverse=True)[1]  # labels may be decimals
    folds = folds(n_folds, shuffle=True, random_state=random_state)
    return list(folds.split(arm, arm, groups))


def _search(train, groups, control, random_state):
    """Fit the policy for each number of clusters, on folds that share the networks."""
    splits = _folds(N_FOLDS, train["treatment"], groups, random_state)
    n_clusters = [k for k in N_CLUSTERS if k * ROWS_A_CLUSTER <= len(splits[0][0])]
    with tempfile.TemporaryDirectory() as cache:
        # The cache trains the networks once a fold, not once a candidate.
        policy = make_pipeline(
            StandardScaler(),
            MultiTaskRepresenter(random_state=random_state, verbose=1),
            HiddenClusterer(random_state=random_state),
            ClusterBudgetAllocator(control=control, random_state=random_state),
            memory=cache,
        )
        grid = {"hiddenclusterer__n_clusters": n_clusters}
        search = GridSearchCV(policy, grid, cv=splits).fit(**train)
    search.best_estimator_.set_params(memory=None)
    return search


def _print_budgets(search, test, groups, experiment):
    """Print what budgets buy on the test half, beside the best single arm."""
    rows = {name: test[name] for name in ("treatment", "cost", "propensity")}
    policy = search.best_estimator_
    treatments = policy[-1].treatments_
    values = [
        policy_value(np.full(len(test["y"]), label), test["y"], groups=groups, **rows)
        for label in treatments
    ]
    control = values[list(treatments).index(experiment.control)]
    largest = max(value.cost for value in values)
    budgets = control.cost + np.array(BUDGET_SHARES) * (largest - control.cost)
    arms = policy[-1].predict_budgets(policy[:-1].transform(test["X"]), budgets)
    print("What budgets buy on the other half, per individual;")
    print(f"with {experiment.control} for everybody the response is {_interval(control)}:\n")
    print(_line("", "", "response with", "best single arm", "% of individuals by arm"))
    print(
        _line("budget", "spend", "95 % interval", "at that spend", _columns(treatments, treatments))
    )
    for budget, given in zip(budgets, arms):
        value = policy_value(given, test["y"], groups=groups, **rows)
        single = best_single_arm(
            [max(value.cost - control.cost, 0.0)],
            test["y"],
            control=experiment.control,
            **rows,
        )
        shares = [f"{100 * (given == label).mean():.0f}" for label in treatments]
        rival = f"{control.response + single.gain[0]:.3f}"
        spend = f"{value.cost:.3f}"
        columns = _columns(shares, treatments)
        print(_line(f"{budget:.3f}", spend, _interval(value), rival, columns))


def _interval(value):
    low, high = value.response_interval
    return f"{value.response:.3f} ({low:.3f}-{high:.3f})"


def _line(budget, spend, response, rival, shares):
    return f"{budget:>7} {spend:>7} {response:>19} {rival:>15}   {shares}"


def _columns(values, treatments):
    """Align values under the labels of the treatments."""
    return " ".join(
        f"{value!s:>{max(4, len(str(label)))}}" for value, label in zip(values, treatments)
    )
