"""Tables and summaries of what quality.py measures.

Measures are {setting: {method: runs}}, with a run for each seed. The columns of the
table of a setting are those of quality.py. Those of the summary of a family:

settings
    Number of settings in which the method ran.
mean ratio, worst ratio
    Mean and largest regret ratio of a setting: regret over that of the best
    rival of the setting. Without settings where there is nothing to target: there
    the best mixture of arms, a rival, has next to no regret.
equal spend
    Mean of the same ratio with efficiencies at equal true spends.
violation
    The largest violation of a setting.
overspend
    Mean of the violations of the settings, zeros included.
least used
    The least utilisation of a setting.
most lost
    The largest loss of efficiency in a setting against the predictions of the
    default pipeline, used for each individual without clusters.
to best mix
    Where there is nothing to target: efficiency less that of the best mixture of
    arms, the least of any setting.
"""

import json

import numpy as np
from quality_settings import family_of, has_nothing_to_target

# Names of methods that have a part in what is printed.
DEFAULTS = "HRC, K = 64"
CLUSTERED = (DEFAULTS, "HRC, K = 256")
OWN_PREDICTIONS = "its predictions, individually"
BOOSTING = "rival: two-stage, boosting"
BEST_MIX = "rival: best mix"
# A regret below is no regret: ratios to it would say nothing.
NO_REGRET = 1e-6


def read_measures(files):
    """Read and merge files of earlier runs; of the same setting, method and seed, the last."""
    merged = {}
    for file in files:
        for setting, methods in json.loads(file.read_text()).items():
            for name, runs in methods.items():
                by_seed = merged.setdefault(setting, {}).setdefault(name, {})
                by_seed.update({run["seed"]: run for run in runs})
    return {
        setting: {name: [runs[seed] for seed in sorted(runs)] for name, runs in methods.items()}
        for setting, methods in merged.items()
    }


def mean_over_seeds(measures, key):
    """Mean over seeds (and budgets) of each method, {method: mean}."""
    return {name: np.mean([run[key] for run in runs]) for name, runs in measures.items()}


def regret_ratios(measures, key="efficiency"):
    """Regret of each method over that of the best rival, {method: ratio}."""
    efficiency = mean_over_seeds(measures, key)
    rivals = [value for name, value in efficiency.items() if name.startswith("rival")]
    least = max(1 - max(rivals), NO_REGRET) if rivals else np.nan
    return {name: (1 - value) / least for name, value in efficiency.items()}


def print_setting(title, measures):
    """Print the measures of each method in one setting."""
    efficiency, used, seconds = (
        mean_over_seeds(measures, key) for key in ("efficiency", "used", "seconds")
    )
    ratios, equal = regret_ratios(measures), regret_ratios(measures, "at equal spend")
    print_title(title, measures)
    print(
        f"{'':33} {'efficiency':>10} {'+-':>6} {'violation':>9} {'used':>6} {'regret ratio':>12} "
        f"{'equal spend':>11} {'fit s':>7}"
    )
    for name, runs in measures.items():
        by_seed = np.mean([run["efficiency"] for run in runs], axis=1)
        spread = by_seed.std(ddof=min(1, len(runs) - 1))
        print(
            f"{name:33} {efficiency[name]:>10.3f} {spread:>6.3f} {max(used[name] - 1, 0):>9.1%} "
            f"{used[name]:>6.1%} {ratios[name]:>12.2f} {equal[name]:>11.2f} {seconds[name]:>7.1f}",
            flush=True,
        )
    if DEFAULTS in measures and BOOSTING in measures:
        ratio = seconds[DEFAULTS] / seconds[BOOSTING]
        print(f"Fit of the default pipeline: {ratio:.1f} times that of boosting.")


def print_title(title, measures):
    """Print the setting, its rows and seeds, and whether the methods differ in these."""
    seen = {
        tuple((run["seed"], run["rows"]) for run in runs): name for name, runs in measures.items()
    }
    seeds, rows = zip(*next(iter(seen)))
    print(f"\n{title}: {max(rows):,} rows of fit, seeds {', '.join(map(str, seeds))}")
    if len(seen) > 1:
        print("Not all methods ran with the same seeds: their means cannot be compared.")


def print_summaries(measures):
    """Print a summary of each family."""
    for family in ("coupon", "customer", "raw", "linear"):
        settings = {name: runs for name, runs in measures.items() if family_of(name) == family}
        if settings:
            print(f"\nSummary of the {family} family, settings: {len(settings)}")
            print_summary(settings)


def print_summary(settings):
    """Print for each method its means and extremes over the settings of a family."""
    columns = summary_columns(settings)
    print(
        f"{'':33} {'settings':>8} {'mean ratio':>10} {'worst ratio':>11} {'equal spend':>11} "
        f"{'violation':>9} {'overspend':>9} {'least used':>10} {'most lost':>9} {'to best mix':>11}"
    )
    for name in dict.fromkeys(name for methods in settings.values() for name in methods):
        ratio, equal, used, lost, to_mix = (
            [column[name] for column in by_setting.values() if name in column]
            for by_setting in columns.values()
        )
        violations = np.maximum(np.subtract(used, 1), 0)
        line = (
            f"{name:33} {len(used):>8} {of(np.mean, ratio):>10.2f} {of(max, ratio):>11.2f} "
            f"{of(np.mean, equal):>11.2f} {max(violations):>9.1%} {np.mean(violations):>9.1%} "
            f"{min(used):>10.1%} {of(max, lost):>9.3f} {of(min, to_mix):>11.3f}"
        )
        print(line.replace("nan", "  -"))
    print_extremes(columns)


def summary_columns(settings):
    """What a summary is of, {column: {setting: {method: value}}}."""
    efficiency = {name: mean_over_seeds(runs, "efficiency") for name, runs in settings.items()}
    targeted = {name: runs for name, runs in settings.items() if not has_nothing_to_target(name)}
    return {
        "ratio": {name: regret_ratios(runs) for name, runs in targeted.items()},
        "equal": {name: regret_ratios(runs, "at equal spend") for name, runs in targeted.items()},
        "used": {name: mean_over_seeds(runs, "used") for name, runs in settings.items()},
        "lost": {name: less(-1, values, OWN_PREDICTIONS) for name, values in efficiency.items()},
        "to mix": {
            name: less(1, efficiency[name], BEST_MIX) for name in settings if name not in targeted
        },
    }


def less(sign, efficiency, reference):
    """Efficiency of each method less that of the reference, with a sign; none without it."""
    if reference not in efficiency:
        return {}
    # Zero is added to a negative zero, which would be printed with its sign.
    return {
        name: sign * (value - efficiency[reference]) + 0.0 for name, value in efficiency.items()
    }


def of(statistic, values):
    """Statistic of the settings to which it applies, NaN if there are none."""
    return statistic(values) if values else np.nan


def print_extremes(columns):
    """Print in which settings the clusters do worst."""
    extremes = (
        ("ratio", "the largest ratio is", ".2f"),
        ("used", "the most used is", ".1%"),
        ("lost", "the most lost to individual predictions is", ".3f"),
    )
    for method in CLUSTERED:
        told = []
        for column, words, form in extremes:
            values = {name: row[method] for name, row in columns[column].items() if method in row}
            # Without rivals there are no ratios.
            if values and not np.isnan(list(values.values())).any():
                worst = max(values, key=values.get)
                told.append(f"{words} {values[worst]:{form}} ({worst})")
        if told:
            print(f"{method}:", *told, sep="\n    ")
