"""What the policy brings more than simple rules, as a table and as a picture."""

import textwrap
from typing import NamedTuple

from sklearn_hrc.report._decision import rule_in_words
from sklearn_hrc.report._svg import COLOURS, drawing, figure_axes, figure_svg, plain_text

__all__ = ["Comparison", "comparisons", "value_picture"]

# Letters of a line, and inches of a row with two lines.
_LETTERS, _ROW = 44, 0.9


class Comparison(NamedTuple):
    """What the policy brings more than something else at equal spending.

    Attributes
    ----------
    name : str
        The other.
    difference, error, low, high : float
        Per person, with standard error and interval.
    table : tuple of str
        Difference, interval, and the difference for all, as text.
    """

    name: str
    difference: float
    error: float
    low: float
    high: float
    table: tuple[str, str, str]


def comparisons(evaluation, words):
    """Compare the policy with control for everybody and with each simple rule.

    Parameters
    ----------
    evaluation : Evaluation
        The value on held-out rows.
    words : Wording
        What things are called.

    Returns
    -------
    comparisons : list of Comparison
        Control first.
    """
    e, rules = evaluation, evaluation.rules
    name = f"“{words.arm(e.control)}” for everybody"
    found = [_comparison(name, e.gain, e.gain_se, *e.gain_interval, e, words)]
    for place, rule in enumerate(rules.rule):
        figures = [float(rules[f"difference{end}"][place]) for end in ("", "_se", "_low", "_high")]
        found.append(_comparison(rule_in_words(rule, words), *figures, e, words))
    return found


def _comparison(name, difference, error, low, high, evaluation, words):
    n = evaluation.n_individuals
    table = (
        words.of_response(difference, error, sign=True),
        words.range_of_response((low, high), error, sign=True),
        words.of_response(n * difference, n * error, sign=True),
    )
    return Comparison(name, difference, error, low, high, table)


def value_picture(comparisons):
    """Draw the differences with their intervals, and where there is none.

    Parameters
    ----------
    comparisons : list of Comparison
        A row for each.

    Returns
    -------
    svg : str
        An SVG element.
    """
    with drawing():
        figure, axes = figure_axes(0.5 + _ROW * len(comparisons))
        for row, one in enumerate(comparisons):
            _draw_row(axes, row, one)
        axes.set_ylim(len(comparisons) - 0.6, -0.8)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.xaxis.set_major_locator(_few_ticks())
        axes.xaxis.set_major_formatter(_with_sign)
        told = "; ".join(f"than {one.name}: {one.table[0]} ({one.table[1]})" for one in comparisons)
        return figure_svg(figure, "value", f"The policy brings more: {told}")


def _draw_row(axes, row, one):
    """Draw a difference with its interval, the place of no difference, and a name above."""
    colour = COLOURS["policy" if one.low > 0 else "rule-0" if one.high < 0 else "muted"]
    axes.plot([one.low, one.high], [row, row], color=colour, lw=2.5, solid_capstyle="butt")
    axes.plot([one.difference], [row], "o", color=colour, ms=8)
    ends = [row - 0.22, row + 0.2]
    axes.plot([0, 0], ends, color=COLOURS["ink"], lw=1.2, ls=(0, (3, 2)), zorder=0)
    name = textwrap.wrap(f"than {one.name}", _LETTERS, max_lines=2, placeholder=" …")
    transform = axes.get_yaxis_transform()
    plain_text(axes, 0, row - 0.27, "\n".join(name), transform=transform, va="bottom")


def _few_ticks():
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(5, steps=[1, 2, 5, 10])


def _with_sign(value, _):
    text = f"{abs(value):,.10g}"
    return "0" if text == "0" else f"\N{MINUS SIGN}{text}" if value < 0 else f"+{text}"
