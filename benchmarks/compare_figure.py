"""The picture of compare.py: efficiency of all methods in each setting."""

import matplotlib.pyplot as plt
import numpy as np
from compare_methods import HRC, METHODS
from compare_tables import by_setting, standing

MARKERS = "osD^v<>Phx*"


def draw_comparison(runs, file):
    """Draw a row for each setting with a mark for each method, HRC on top of the others.

    Parameters
    ----------
    runs : dict
        As `read_runs` returns it.
    file : Path
        Where the picture is saved.
    """
    table = by_setting(runs)
    settings = list(table)
    figure, ax = plt.subplots(figsize=(9, 1.5 + 0.32 * len(settings)), layout="constrained")
    places = np.arange(len(settings))[::-1]
    for number, name in enumerate(METHODS):
        points = [
            (standing(table[setting], name), place)
            for setting, place in zip(settings, places)
            if name in table[setting]
        ]
        if points:
            ours = name == HRC
            style = {"s": 70, "color": "black", "zorder": 3} if ours else {"s": 26, "alpha": 0.75}
            if not ours:
                style["color"] = plt.get_cmap("tab20")(2 * (number % 10))
            ax.scatter(*np.transpose(points), marker=MARKERS[number], label=name, **style)
    ax.set_yticks(places, settings)
    ax.set_ylim(-0.6, len(settings) - 0.4)
    lowest = min(standing(methods, name) for methods in table.values() for name in methods)
    ax.set_xlim(min(lowest, 0.9) - 0.02, 1.01)
    ax.grid(axis="both", alpha=0.3)
    ax.set_xlabel("Gain as a share of an oracle's gain for the same spend")
    figure.legend(loc="outside right upper", frameon=False)
    figure.savefig(file, dpi=150)
