"""What the budget buys, as a picture: the curve of the policy beside simple rules."""

from typing import NamedTuple

import numpy as np

from sklearn_hrc.report._decision import REACH, rule_in_words
from sklearn_hrc.report._numbers import amount
from sklearn_hrc.report._svg import COLOURS, drawing, figure_axes, figure_svg

__all__ = ["Curve", "curve_of_evaluation", "curve_of_policy"]

_DASHES = {"rule-0": (0, (5, 2)), "rule-1": (0, (1.5, 1.5)), "rule-2": (0, (6, 2, 1.5, 2))}
_STEPS = 10
# A spend that differs by less than this share of its size between budgets makes no curve.
_LEAST_RANGE = 1e-9


class Curve(NamedTuple):
    """A picture of what budgets buy, and what its parts are.

    Attributes
    ----------
    svg : str
        An SVG element.
    up, across : str
        What the axes show.
    legend : list of tuple of str
        Colour and words of each line.
    """

    svg: str
    up: str
    across: str
    legend: list[tuple[str, str]]


def curve_of_evaluation(evaluation, words):
    """Draw what budgets bought on held-out rows, beside the simple rules.

    Parameters
    ----------
    evaluation : Evaluation
        With the curve.
    words : Wording
        What things are called.

    Returns
    -------
    curve : Curve or None
        None where all budgets spend the same.
    """
    curve = evaluation.curve
    names = list(dict.fromkeys(curve.rule))
    lines = [_line(curve, name) for name in names]
    if np.ptp(lines[0][0]) <= _LEAST_RANGE * np.abs(lines[0][0]).max():
        return None
    colours = ["policy", *list(_DASHES)[: len(names) - 1]]
    point = evaluation.spend, evaluation.gain
    svg = _picture(lines, colours, point, f"{words.response} gained at each spending")
    control = words.arm(evaluation.control)
    legend = [("policy", "this policy; the band is its 95 % interval")]
    legend += [(colour, rule_in_words(name, words)) for colour, name in zip(colours[1:], names[1:])]
    return Curve(
        svg,
        f"{words.response} per {words.person}, more than “{control}” for everybody",
        f"{words.cost} per {words.person}, more than “{control}”",
        [*legend, ("dot", "the policy at its budget")],
    )


def curve_of_policy(allocator, words):
    """Draw what the policy expects budgets to buy, where nothing was held back to check it.

    Parameters
    ----------
    allocator : ClusterBudgetAllocator
        Fitted.
    words : Wording
        What things are called.

    Returns
    -------
    curve : Curve or None
        None where arms cost nothing.
    """
    low, high = _budgets(allocator)
    if not high > low:
        return None
    found = allocator.budget_curve(np.linspace(low, high, _STEPS + 1))
    reach = REACH * found.response_se
    line = found.cost, found.response, found.response - reach, found.response + reach
    here = allocator.budget_curve([np.clip(allocator.budget_, low, high)])
    point = here.cost[0], here.response[0]
    svg = _picture([line], ["policy"], point, f"{words.response} expected at each spending")
    return Curve(
        svg,
        f"{words.response} per {words.person}, as the policy expects it",
        f"{words.cost} per {words.person}",
        [
            ("policy", "this policy; the band is its 95 % interval"),
            ("dot", "the policy at its budget"),
        ],
    )


def _budgets(allocator):
    """Return the least mean cost of a plan, and the largest that an arm for everybody has."""
    sizes = allocator.cluster_sizes_ / allocator.cluster_sizes_.sum()
    control = allocator.treatments_.tolist().index(allocator.control_)
    means = sizes @ allocator.cost_
    return float(means[control]), float(means.max())


def _line(curve, name):
    """Return spend, gain and the ends of its interval of a rule, by rising spend."""
    mine = np.flatnonzero(curve.rule == name)
    mine = mine[np.argsort(curve.spend[mine], kind="stable")]
    return tuple(curve[key][mine] for key in ("spend", "gain", "gain_low", "gain_high"))


def _picture(lines, colours, point, description):
    """Draw lines; the first one is the policy, with a band and a point."""
    with drawing():
        figure, axes = figure_axes(3.1)
        spend, gain, low, high = lines[0]
        axes.fill_between(spend, low, high, color=COLOURS["policy"], alpha=0.18, lw=0)
        for (x, y, *_), name in reversed(list(zip(lines, colours))):
            axes.plot(x, y, color=COLOURS[name], lw=2, ls=_DASHES.get(name, "-"))
        axes.plot(*point, "o", color=COLOURS["policy"], ms=9)
        axes.grid(color=COLOURS["grid"], lw=0.6)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(_few_ticks())
            axis.set_major_formatter(_plain)
        ends = (
            f"{amount(gain[0])} at {amount(spend[0])} to {amount(gain[-1])} at {amount(spend[-1])}"
        )
        return figure_svg(figure, "curve", f"{description}: {ends}")


def _few_ticks():
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(5, steps=[1, 2, 2.5, 5, 10])


def _plain(value, _):
    text = f"{abs(value):,.10g}"
    return f"\N{MINUS SIGN}{text}" if value < 0 and text != "0" else text
