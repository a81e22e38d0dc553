"""Lifts and spends of `ab_test.py`, and its table."""

import json

import numpy as np

OUTCOMES = ("orders", "gmv")
PAPER = {"orders": 0.53, "gmv": 0.65}
CURRENT, OURS = "current rule", "HRC"


def judge(given, weeks):
    """Return spends of all policies, {name: measures}, and lifts of pairs of them, a list.

    `given` has the rows, their arms, and the spend and money of each day of each policy.
    """
    spends = {}
    for name, (_, _, spend) in given.items():
        total, money = spend.sum(axis=0)
        spends[name] = {"all": total / money, "worst day": (spend[:, 0] / spend[:, 1]).max()}
    rivals = [name for name in given if name not in (CURRENT, OURS)]
    pairs = [(name, CURRENT) for name in [*rivals, OURS]] + [(OURS, name) for name in rivals]
    lifts = [
        {"policy": name, "base": base, "outcome": outcome}
        | lift(given[name][:2], given[base][:2], weeks, outcome)
        for name, base in pairs
        for outcome in OUTCOMES
    ]
    return {"spends": spends, "lifts": lifts}


def lift(ours, theirs, weeks, outcome):
    """Lift in truth and in the test, from the rows and arms of two policies."""
    values = [weeks.drawn[outcome][given] for given in (ours, theirs)]
    ratio, half = ratio_of_means(*values)
    new, old = (true_mean(given, weeks, outcome) for given in (ours, theirs))
    return {"true": new / old - 1, "test": ratio - 1, "half": half}


def ratio_of_means(values, base):
    """Ratio of the means, and half of its 95 % interval by the delta method."""
    ratio = values.mean() / base.mean()
    relative = [one.var(ddof=1) / len(one) / one.mean() ** 2 for one in (values, base)]
    return ratio, 1.96 * ratio * np.sqrt(sum(relative))


def true_mean(given, weeks, outcome):
    """Expected mean outcome: the gain of own customers, added to the control of all customers."""
    expected = weeks.expected[outcome]
    gain = expected[given] - expected[given[0], 0]
    return expected[weeks.day > 0, 0].mean() + gain.mean()


def read_runs(files):
    """Read and merge files of earlier runs, {setting: runs}; of the same seed, the last."""
    merged = {}
    for file in files:
        for setting, runs in json.loads(file.read_text()).items():
            merged.setdefault(setting, {}).update({run["seed"]: run for run in runs})
    return {setting: [runs[seed] for seed in sorted(runs)] for setting, runs in merged.items()}


def print_setting(setting, runs):
    """Print the table of a setting."""
    seconds = np.mean([run["seconds"] for run in runs])
    print(f"\n{setting}, {len(runs)} seeds, {seconds:.0f} s each")
    heads = f"{'true':>6}{'+-':>5}{'test':>6}{'half':>5}{'>0':>4}{'<0':>4}"
    print(f"{'':18}{'orders, %':^30}{'GMV, %':^30}{'spend, %':>11}")
    print(f"{'':18}{heads}{heads}{'all':>6}{'worst':>6}")
    print_line(CURRENT, f"{'':60}", spend_cells(runs, CURRENT))
    lifts = [lift for run in runs for lift in run["lifts"]]
    for base in dict.fromkeys(lift["base"] for lift in lifts):
        mine = [lift for lift in lifts if lift["base"] == base]
        for name in dict.fromkeys(lift["policy"] for lift in mine):
            cells = [
                lift_cells([one for one in mine if (one["policy"], one["outcome"]) == (name, key)])
                for key in OUTCOMES
            ]
            if base == CURRENT:
                print_line(name, "".join(cells), spend_cells(runs, name))
            else:
                print_line(f"- {base}", "".join(cells), "")
        if base == CURRENT:
            theirs = "".join(f"{PAPER[key]:>+18.2f}{'':12}" for key in OUTCOMES)
            print_line("theirs*", theirs, "")
            print("HRC against:")


def print_line(name, lifts, spend):
    """Print a line of the table."""
    print(f"{name:18}{lifts}{spend}".rstrip())


def spend_cells(runs, name):
    """Cells of the spend of a policy."""
    shares = [[run["spends"][name][key] for run in runs] for key in ("all", "worst day")]
    return "".join(f"{100 * np.mean(share):>6.0f}" for share in shares)


def lift_cells(lifts):
    """Cells of one outcome of a pair of policies."""
    keys = ("true", "test", "half")
    true, test, half = (100 * np.array([lift[key] for lift in lifts]) for key in keys)
    error = true.std(ddof=1) / np.sqrt(len(true)) if len(true) > 1 else np.nan
    above, below = (100 * np.mean(sign * test > half) for sign in (1, -1))
    return (
        f"{true.mean():>+6.1f}{error:>5.1f}{test.mean():>+6.1f}{half.mean():>5.1f}"
        f"{above:>4.0f}{below:>4.0f}"
    )
