"""Standard errors of the estimators of a policy's value, as ratios to Hajek's.

    python benchmarks/estimators.py

One policy for each experiment, which is fitted to nothing: the last arm for those above the
median of the first feature, the control for the others. Doubly robust values use expected
outcomes from ridge regressions, the default of `cross_fit_outcomes`, or from boosted trees. Real
experiments are left out where their data are not at hand. The columns are ratios of standard
errors, and for "cross-fitting s" the seconds that the two models took on one thread.
"""

import sys
import time

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from sklearn_hrc.datasets import fetch_hillstrom, load_thornton_hiv, make_coupon_experiment
from sklearn_hrc.metrics import cross_fit_outcomes, policy_value

TREES = HistGradientBoostingRegressor(
    learning_rate=0.05, max_leaf_nodes=8, min_samples_leaf=50, early_stopping=False
)


def experiments():
    """Yield the name, rows and outcome of each experiment that is at hand."""
    for n_samples in (2_000, 30_000):
        coupons = make_coupon_experiment(n_samples, random_state=1)
        for column, name in enumerate(("sales", "orders")):
            yield f"coupons, {n_samples:,} rows, {name}", coupons, coupons.target[:, column]
    for name, load in (("Hillstrom", fetch_hillstrom), ("Thornton", load_thornton_hiv)):
        try:
            real = load(as_frame=False)
        except OSError as error:
            print(f"{name} is left out: {error}")
            continue
        for column, outcome in enumerate(real.target_names):
            yield f"{name}, {outcome}", real, real.target.reshape(len(real.data), -1)[:, column]


def compare(experiment, y):
    """Return the ratios of standard errors and the seconds of the two models."""
    X, treatments = experiment.data, experiment.treatments
    above = X[:, 0] > np.median(X[:, 0])
    rows = {"treatment": experiment.treatment, "propensity": experiment.propensity}
    arms = np.where(above, treatments[-1], treatments[0])
    errors, seconds = [], []
    for method in ("hajek", "horvitz-thompson"):
        errors.append(policy_value(arms, y, method=method, **rows).response_se)
    for model in (None, TREES):
        start = time.perf_counter()
        outcomes = cross_fit_outcomes(
            X, y, treatment=experiment.treatment, estimator=model, random_state=0
        )
        seconds.append(time.perf_counter() - start)
        value = policy_value(arms, y, method="doubly-robust", outcomes=outcomes, **rows)
        errors.append(value.response_se)
    return np.array(errors[1:]) / errors[0], seconds


def main():
    """Print a line for each experiment and outcome."""
    print("$ python", *sys.argv)
    print(
        f"{'':30} {'Horvitz-':>10} {'doubly robust':>22} {'cross-fitting s':>16}\n"
        f"{'':30} {'Thompson':>10} {'ridge':>11} {'trees':>10} {'ridge':>8} {'trees':>7}"
    )
    with threadpool_limits(1):
        for name, experiment, y in experiments():
            ratios, seconds = compare(experiment, y)
            print(
                f"{name:30} {ratios[0]:>10.2f} {ratios[1]:>11.2f} {ratios[2]:>10.2f} "
                f"{seconds[0]:>8.1f} {seconds[1]:>7.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
