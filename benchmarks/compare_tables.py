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


def read_runs(files):
    """Read files of earlier runs, {(setting, method, seed): measures}; the last file counts."""
    rows = [row for file in files if file.exists() for row in json.loads(file.read_text())]
    return {(setting, method, seed): measures for setting, method, seed, measures in rows}


def by_setting(runs):
    """Efficiency of all methods that ran with the same seeds, {setting: {method: (n_seeds,)}}."""
    table = {}
    for setting in SETTINGS:
        methods = [name for name in METHODS if any(key[:2] == (setting, name) for key in runs)]
        seeds = [{key[2] for key in runs if key[:2] == (setting, name)} for name in methods]
        common = sorted(set.intersection(*seeds)) if seeds else []
        if common and HRC in methods and len(methods) > 1:
            table[setting] = {
                name: np.array(
                    [np.mean(runs[setting, name, seed]["efficiency"]) for seed in common]
                )
                for name in methods
            }
    return table


def regret(efficiency):
    """Regret of mean efficiencies, at least next to nothing."""
    return np.maximum(1 - np.asarray(efficiency), NO_REGRET)


def best_rival(methods):
    """Name of the rival that is best by its mean over seeds."""
    return max((name for name in methods if name != HRC), key=lambda name: methods[name].mean())


def resampled(n_seeds, rng):
    """Seeds drawn with replacement, (N_RESAMPLES, n_seeds)."""
    return rng.integers(n_seeds, size=(N_RESAMPLES, n_seeds))


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


def ratios_to(rival, table, draws):
    """Regret ratios to a rival (None is the best one of each setting), and resampled ones.

    Returns (n_settings,) and (n_settings, N_RESAMPLES), of settings with something to target.
    """
    ratios, resamples = [], []
    for setting, methods in table.items():
        name = best_rival(methods) if rival is None else rival
        if name in methods and not has_nothing_to_target(setting):
            ours, theirs = methods[HRC], methods[name]
            ratios.append(regret(ours.mean()) / regret(theirs.mean()))
            rows = draws[setting]
            of_rows = regret(ours[rows].mean(axis=1)), regret(theirs[rows].mean(axis=1))
            resamples.append(of_rows[0] / of_rows[1])
    return np.array(ratios), np.array(resamples)


def draw_seeds(table):
    """Resampled seeds of each setting."""
    rng = np.random.default_rng(0)
    return {setting: resampled(len(methods[HRC]), rng) for setting, methods in table.items()}


def print_settings(runs):
    """Print HRC beside the best rival of each setting."""
    table = by_setting(runs)
    draws = draw_seeds(table)
    print(f"\n{'':30} {'seeds':>5} {'HRC':>6} {'best rival':>32} {'ratio':>6} {'difference':>18}")
    for setting, methods in table.items():
        name = best_rival(methods)
        ours, theirs = methods[HRC], methods[name]
        low, high = t_interval(ours - theirs)
        ratio = regret(ours.mean()) / regret(theirs.mean())
        print(
            f"{setting:30} {len(ours):>5} {ours.mean():>6.3f} {name:>26} {theirs.mean():.3f} "
            f"{ratio:>6.2f} {(ours - theirs).mean():>+7.3f} [{low:+.3f}, {high:+.3f}]"
        )
    ratios, resamples = ratios_to(None, table, draws)
    if len(ratios):
        low, high = interval(ratios.mean(), resamples.mean(axis=0), fewest_seeds(table))
        print(
            f"\nMean ratio to the best rival of each setting: {ratios.mean():.2f} "
            f"[{low:.2f}, {high:.2f}], largest {ratios.max():.2f}, {len(ratios)} settings."
        )


def print_methods(runs):
    """Print what each rival is like over all settings."""
    table = by_setting(runs)
    draws = draw_seeds(table)
    largest = max(runs.values(), key=lambda run: run["rows"])["rows"] if runs else 0
    print(
        f"\n{'':26} {'efficiency':>10} {'ratio':>18} {'worse in':>8} {'overspend':>9} {'used':>6} "
        f"{'fit s':>7} {'decide us':>9} {'MB':>6}   ({largest:,} rows)"
    )
    for name in METHODS:
        settings = [setting for setting, methods in table.items() if name in methods]
        if not settings:
            continue
        efficiency = np.mean([table[setting][name].mean() for setting in settings])
        worse = sum(
            table[s][HRC].mean() < table[s][name].mean()
            for s in settings
            if not has_nothing_to_target(s)
        )
        used = np.array([used_budget(runs, setting, name) for setting in settings])
        over = np.maximum(used - 1, 0).mean()
        ratios, resamples = ratios_to(name, table, draws)
        ratio = f"{'':18}"
        if name != HRC and len(ratios):
            low, high = interval(ratios.mean(), resamples.mean(axis=0), fewest_seeds(table))
            ratio = f"{ratios.mean():>5.2f} [{low:.2f}, {high:.2f}]"
        speed = [
            np.mean(
                [run[key] for k, run in runs.items() if k[1] == name and run["rows"] == largest]
            )
            for key in ("fit s", "decide us", "MB")
        ]
        print(
            f"{name:26} {efficiency:>10.3f} {ratio:>18} {worse:>8} {over:>9.1%} "
            f"{np.mean(used):>6.1%} {speed[0]:>7.1f} {speed[1]:>9.1f} {speed[2]:>6.0f}"
        )


def used_budget(runs, setting, method):
    """Cost over budget at each budget, mean over seeds, (n_budgets,)."""
    return np.mean([run["used"] for k, run in runs.items() if k[:2] == (setting, method)], axis=0)


def fewest_seeds(table):
    """Least number of seeds of a setting."""
    return min(len(methods[HRC]) for methods in table.values())
