"""What the distilled student loses against its teacher, and whether it keeps budgets.

    SKLEARN_HRC_DATA=folder python benchmarks/student.py --seeds 2
    python benchmarks/student.py --settings different segment --clusters 64

For every setting and seed the teacher (networks, clusters, allocation) is
fitted on one sample; a student learns its clusters, and both are judged on new
individuals at six budgets between a tenth and four fifths of what the dearest
arm would cost if everyone received it. The measures:

teacher, student
    On simulated rows, the efficiency: the true gain over control, as a share of
    what an oracle that knows every individual gains for the same true spend,
    mean over the budgets. On the e-mail experiment, where the truth is not
    known, the gain in visits per thousand customers on the held-out half by
    Hajek weights, the student's at the spend of its teacher.
ratio
    Student over teacher. One loses 2 % where it is 0.98.
+-
    Its standard error: on simulated rows from the spread over the seeds; on the
    e-mail experiment from the held-out rows, both policies judged by the same
    (of one seed: halves of the same customers overlap).
teacher spends, student spends, to teacher
    Cost on new rows (on simulated rows its true mean) over the budget, and the
    student's over its teacher's: mean over the budgets and seeds, then the largest
    deviation from 1 of any of them. What both share comes from the estimates of
    cost, not from distilling.
same arm
    Share of new rows to which both give the same arm. In a split cluster a
    random projection of the covariates decides, of other covariates in each of
    the two, so that it is below 1 at its best.
fit s
    Seconds to fit the student and the allocator on its clusters.
us a row
    Microseconds to predict a row, in one batch of all new rows: of the student,
    then of the teacher.
"""

import argparse
import sys

import numpy as np
import sklearn
import torch
from quality import BUDGET_SHARES, fit_networks, timed, true_value
from quality_settings import REPORTED
from quality_settings import samples as simulated
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.utils import Bunch
from threadpoolctl import threadpool_limits

from sklearn_hrc import ClusterBudgetAllocator, DistilledAllocator, HiddenClusterer
from sklearn_hrc.datasets import load_hillstrom, oracle_budget_curve
from sklearn_hrc.metrics import policy_value

EMAILS = "e-mails"
SIMULATED = tuple(name for name in REPORTED if not name.startswith("raw"))
HEADER = (
    f"{'':34}{'teacher':>8}{'student':>8}{'ratio':>7}{'+-':>7}{'teacher spends':>16}"
    f"{'student spends':>16}{'to teacher':>16}{'same arm':>10}{'fit s':>7}{'us a row':>14}"
)


def main():
    """Print a table of every setting and number of clusters."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--clusters", type=int, nargs="+", default=[64, 256])
    parser.add_argument(
        "--settings",
        nargs="+",
        default=["coupons, default", "coupons, noisy features", EMAILS],
        help="parts of the names of settings of quality_settings.py, or e-mails",
    )
    options = parser.parse_args()
    settings = [
        name for name in (*SIMULATED, EMAILS) if any(part in name for part in options.settings)
    ]
    sklearn.set_config(enable_metadata_routing=True)
    torch.set_num_threads(1)
    print("$ python", *sys.argv)
    print(HEADER)
    for setting in settings:
        runs = {n_clusters: [] for n_clusters in options.clusters}
        for seed in range(options.seeds):
            with threadpool_limits(1):
                train, test = samples(setting, seed)
                networks, _ = fit_networks(train, seed)
                for n_clusters, measures in runs.items():
                    measures.append(run(networks, n_clusters, train, test, seed))
        for n_clusters, measures in runs.items():
            print_measures(f"{setting}, K = {n_clusters}", measures)


def samples(setting, seed):
    """Rows of fit and new rows of the same population."""
    if setting != EMAILS:
        return simulated(REPORTED[setting], seed)
    emails = load_hillstrom(target="visit", as_frame=False)
    rows = np.arange(len(emails.data))
    halves = train_test_split(rows, test_size=0.5, stratify=emails.treatment, random_state=seed)
    names = ("data", "target", "treatment", "cost", "propensity")
    return [
        Bunch(control=emails.control, **{name: emails[name][half] for name in names})
        for half in halves
    ]


def run(networks, n_clusters, train, test, seed):
    """Fit teacher and student, and measure both on new rows."""
    rows = {"treatment": train.treatment, "cost": train.cost}
    teacher = make_pipeline(
        networks[0],
        FrozenEstimator(networks[1]),
        HiddenClusterer(n_clusters, random_state=seed),
        ClusterBudgetAllocator(control=control_of(train), random_state=seed),
    ).fit(train.data, train.target, **rows)
    student = DistilledAllocator(FrozenEstimator(teacher), random_state=seed)
    _, seconds = timed(lambda: student.fit(train.data, train.target, **rows))
    return {"seconds": seconds, **measure(teacher, student, train, test)}


def control_of(experiment):
    """Label of the arm that means nothing, which comes first in simulated worlds."""
    return experiment.control if "control" in experiment else experiment.treatments[0]


def measure(teacher, student, train, test):
    """Measure both on new rows."""

    def taught(X, budgets):
        return teacher[-1].predict_budgets(teacher[:-1].transform(X), budgets)

    judged = judge_emails if "control" in train else judge_simulated
    seconds = [timed(lambda p=p: p.predict(test.data))[1] for p in (student, teacher)]
    return {
        **judged([taught, student.predict_budgets], train, test),
        "row": 1e6 * np.array(seconds) / len(test.data),
    }


def judge_simulated(policies, train, test):
    """Measures of teacher and student by the truth of new rows."""
    budgets = np.array(BUDGET_SHARES) * train.expected_cost.mean(axis=0).max()
    arms = [policy(test.data, budgets) for policy in policies]
    control = test.expected_response[:, 0].mean()
    values = [[true_value(row, test) for row in given] for given in arms]
    response, spent = np.moveaxis(
        [[[value.response, value.cost] for value in row] for row in values], -1, 0
    )
    oracle = [oracle_budget_curve(s, test.expected_response, test.expected_cost) for s in spent]
    gain = ((response - control) / (oracle - control)).mean(axis=1)
    return compare(gain, gain[1] / gain[0], np.nan, spent / budgets, arms)


def judge_emails(policies, train, test):
    """Measures of teacher and student by the rows of the other half; an e-mail costs 1."""
    budgets = np.array(BUDGET_SHARES)
    arms = [policy(test.data, budgets) for policy in policies]
    spent = [(given != test.control).mean(axis=1) for given in arms]
    tried = policies[1](test.data, np.linspace(0, 1, 501))
    spends = (tried != test.control).mean(axis=1)
    equal = tried[np.abs(spends - spent[0][:, None]).argmin(axis=1)]
    gain, influence = zip(*(hajek_gain(given, test) for given in (arms[0], equal)))
    ratio = gain[1] / gain[0]
    error = np.sqrt(((influence[1] - ratio * influence[0]) ** 2).sum()) / gain[0]
    return compare(1000 * np.array(gain), ratio, error, spent / budgets, arms)


def hajek_gain(arms, test):
    """Mean gain over control of several policies, and the part of each row in its error."""
    means = [policy_mean(row, test) for row in arms]
    control = policy_mean(np.full(len(test.data), test.control), test)
    return tuple(np.mean([mean[k] for mean in means], axis=0) - control[k] for k in range(2))


def policy_mean(arms, test):
    """Hajek mean of the outcome under a policy, and the part of each row in its error."""
    weight = (arms == test.treatment) / test.propensity
    mean = policy_value(
        arms, test.target, treatment=test.treatment, propensity=test.propensity
    ).response
    return mean, weight * (test.target - mean) / weight.sum()


def compare(gain, ratio, error, used, arms):
    """Gather the measures of a run."""
    same = np.mean(arms[0] == arms[1])
    return {"gain": gain, "ratio": ratio, "error": error, "used": used, "same": same}


def print_measures(title, runs):
    """Print a line of means over the seeds, with the worst spends."""
    gain, ratio, used, same, seconds, row = (
        np.array([run[name] for run in runs])
        for name in ("gain", "ratio", "used", "same", "seconds", "row")
    )
    error = np.mean([run["error"] for run in runs])
    if np.isnan(error) and len(runs) > 1:
        error = ratio.std(ddof=1) / np.sqrt(len(runs))
    spends = (used[:, 0], used[:, 1], used[:, 1] / used[:, 0])
    shown = "".join(f"{s.mean():>9.3f} {np.abs(s - 1).max():>6.1%}" for s in spends)
    print(
        f"{title:34}{gain[:, 0].mean():>8.3f}{gain[:, 1].mean():>8.3f}{ratio.mean():>7.3f}"
        f"{error:>7.3f}{shown}{same.mean():>10.1%}{seconds.mean():>7.1f}"
        f"{row[:, 0].mean():>7.2f}{row[:, 1].mean():>7.2f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
