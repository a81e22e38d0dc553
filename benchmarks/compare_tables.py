"""Tables of what compare.py measures, with intervals by resampling seeds."""

import json

import numpy as np
from compare_methods import HRC, METHODS
from compare_settings import SETTINGS
from quality_settings import has_nothing_to_target
from scipy.stats import t as student

N_RESAMPLES, LEVEL = 2000, 0.9
# A regret below is no regret: ratios to it would say nothing.
NO_REGRET = 1e-3
# What is compared: efficiencies between what a policy really spends, at the budgets.
MEASURE, OWN_SPEND = "at equal spend", "efficiency"


def read_runs(files):
    """Read files of earlier runs, {(setting, method, seed): measures}; the last file counts."""
    rows = [row for file in files if file.exists() for row in json.loads(file.read_text())]
    return {(setting, method, seed): measures for setting, method, seed, measures in rows}


def write_runs(runs, file):
    """Write a line for each run, with five decimals, sorted, so that versions can be compared."""
    lines = [
        json.dumps([*key, {name: np.round(value, 5).tolist() for name, value in measures.items()}])
        for key, measures in sorted(runs.items())
    ]
    file.write_text("[\n" + ",\n".join(lines) + "\n]\n")


def by_setting(runs, key=MEASURE):
    """Efficiency of each method with the seeds of HRC, {setting: {method: (n_seeds,)}}.

    It is NaN for a seed with which a method has not run.
    """
    table = {}
    for setting in SETTINGS:
        seeds = sorted(seed for s, name, seed in runs if (s, name) == (setting, HRC))
        methods = {
            name: np.array([efficiency(runs.get((setting, name, seed)), key) for seed in seeds])
            for name in METHODS
        }
        table[setting] = {name: of for name, of in methods.items() if np.isfinite(of).any()}
    return {setting: methods for setting, methods in table.items() if len(methods) > 1}


def efficiency(run, key):
    """Mean over budgets."""
    return np.nan if run is None else np.mean(run[key])


def regret(means):
    """Regret of mean efficiencies, at least next to nothing."""
    return np.maximum(1 - np.asarray(means), NO_REGRET)


def pair(methods, name):
    """Efficiency of HRC and of a rival with the seeds that both ran with."""
    both = np.isfinite(methods[name])
    return methods[HRC][both], methods[name][both]


def standing(methods, name):
    """Mean of HRC less its mean lead over a method with the seeds that both ran with.

    It is the mean of the method where this ran with all seeds. Seeds differ more than methods, so
    means over other seeds would not stand beside each other.
    """
    return methods[HRC].mean() - np.subtract(*pair(methods, name)).mean()


def best_rival(methods):
    """Name of the rival that is best beside HRC."""
    return max((name for name in methods if name != HRC), key=lambda name: standing(methods, name))


def interval(center, draws, n_seeds):
    """Interval of a mean over settings, from resampled values of it.

    Resamples of few seeds vary too little, by the factor sqrt((n - 1) / n).
    """
    tail = 50 * (1 - LEVEL)
    spread = np.sqrt(n_seeds / max(n_seeds - 1, 1)) * (draws - draws.mean())
    return center + np.percentile(spread, [tail, 100 - tail])


def t_interval(values):
    """Student's interval of the mean of one setting; NaN with one seed."""
    if len(values) < 2:
        return np.nan, np.nan
    error = values.std(ddof=1) / np.sqrt(len(values))
    return values.mean() + student.ppf([0.5 - LEVEL / 2, 0.5 + LEVEL / 2], len(values) - 1) * error


def ratios_to(rival, table):
    """Regret ratios of settings with something to target, (n_settings,), and their interval.

    The rival None is the best one of each setting. The interval is that of the mean, by resampling
    seeds within settings.
    """
    rng = np.random.default_rng(0)
    ratios, resamples, n_seeds = [], [], []
    for setting, methods in table.items():
        name = best_rival(methods) if rival is None else rival
        if name in methods and name != HRC and not has_nothing_to_target(setting):
            both = pair(methods, name)
            ratios.append(np.divide(*(regret(x.mean()) for x in both)))
            n_seeds.append(len(both[0]))
            drawn = rng.integers(n_seeds[-1], size=(N_RESAMPLES, n_seeds[-1]))
            resamples.append(np.divide(*(regret(x[drawn].mean(axis=1)) for x in both)))
    if not ratios:
        return np.array([]), (np.nan, np.nan)
    ratios = np.array(ratios)
    return ratios, interval(ratios.mean(), np.mean(resamples, axis=0), min(n_seeds))


def print_settings(runs):
    """Print HRC beside the best rival of each setting."""
    table = by_setting(runs)
    print(
        f"\n{'':30} {'seeds':>5} {'HRC':>6} {'best rival':>32} {'ratio':>6} {'difference':>23} "
        f"{'used':>5}"
    )
    for setting, methods in table.items():
        name = best_rival(methods)
        ours, theirs = pair(methods, name)
        low, high = t_interval(ours - theirs)
        ends = f"[{low:+.3f}, {high:+.3f}]" if len(ours) > 1 else ""
        ratio = regret(ours.mean()) / regret(theirs.mean())
        print(
            f"{setting:30} {len(ours):>5} {ours.mean():>6.3f} {name:>26} {theirs.mean():.3f} "
            f"{ratio:>6.2f} {(ours - theirs).mean():>+6.3f} {ends:16} "
            f"{used_budget(runs, setting, HRC).mean():>5.0%}"
        )
    for key, words in {MEASURE: "at equal spend", OWN_SPEND: "at each policy's own spend"}.items():
        ratios, (low, high) = ratios_to(None, by_setting(runs, key))
        if len(ratios):
            print(
                f"Mean ratio to the best rival of each setting, {words}: {ratios.mean():.2f} "
                f"[{low:.2f}, {high:.2f}], largest {ratios.max():.2f}, {len(ratios)} settings."
            )


def print_methods(runs):
    """Print what each method is like over all settings."""
    table = by_setting(runs)
    largest = max(runs.values(), key=lambda run: run["rows"])["rows"] if runs else 0
    print(
        f"\n{'':26} {'efficiency':>10} {'ratio':>18} {'worse in':>8} {'overspend':>9} {'used':>6} "
        f"{'fit s':>7} {'decide us':>9} {'MB':>6}   ({largest:,} rows)"
    )
    for name in METHODS:
        if any(name in methods for methods in table.values()):
            print(method_line(name, runs, table, largest))


def method_line(name, runs, table, largest):
    """Line of a method: over settings, and at the number of rows that is largest."""
    settings = {setting: methods for setting, methods in table.items() if name in methods}
    mean = np.mean([standing(methods, name) for methods in settings.values()])
    ratios, (low, high) = ratios_to(name, table)
    ratio = f"{ratios.mean():>5.2f} [{low:.2f}, {high:.2f}]" if len(ratios) else ""
    used = np.array([used_budget(runs, setting, name) for setting in settings])
    # Runs beside other work are kept without times.
    timed = [run for key, run in runs.items() if key[1] == name and "fit s" in run]
    large = [run for run in timed if run["rows"] == largest]
    speed = [
        f"{np.mean([run[key] for run in large]):{form}}" if large else ""
        for key, form in (("fit s", ".1f"), ("decide us", ".1f"), ("MB", ".0f"))
    ]
    return (
        f"{name:26} {mean:>10.3f} {ratio:>18} {np.sum(ratios > 1):>8} "
        f"{np.maximum(used - 1, 0).mean():>9.1%} {used.mean():>6.1%} "
        f"{speed[0]:>7} {speed[1]:>9} {speed[2]:>6}"
    )


def used_budget(runs, setting, method):
    """Cost over budget at each budget, mean over seeds, (n_budgets,)."""
    return np.mean([run["used"] for k, run in runs.items() if k[:2] == (setting, method)], axis=0)
