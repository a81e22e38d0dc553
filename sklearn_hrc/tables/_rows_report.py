"""What was read from a table: figures, and the same as text and as HTML."""

import textwrap
from html import escape
from typing import Any, NamedTuple

import numpy as np

from sklearn_hrc._html import Table, number, tables_html

__all__ = ["Reading", "reading_html", "reading_text"]

# Below these numbers of rows an arm says little. They are rules of thumb.
FEW_FOR_MEANS = 100
FEW_FOR_PEOPLE = 1000
# A difference is found with a chance of 80 % by a test of level 5 % if it is this many errors.
_ERRORS = 2.8
_WIDTH = 88
_LABEL = 32
_MOST = 12
_STYLE = """<style>
.sk-global.hrc-rows {max-width: 60em}
.sk-global.hrc-rows div.hrc-summary {overflow-x: auto; padding-left: 0}
.sk-global.hrc-rows ul {margin: .3em 0; padding-left: 1.4em; max-width: 48em}
.sk-global.hrc-rows :is(li, p) {margin: .2em 0; overflow-wrap: anywhere}
.sk-global.hrc-rows :is(td, th[scope=col]) {white-space: nowrap}
.sk-global.hrc-rows th[scope=row] {overflow-wrap: anywhere; min-width: 12em; max-width: 24em}
</style>"""


class Reading(NamedTuple):
    """Figures of the rows that were read.

    Attributes
    ----------
    n_rows : int
        Number of rows.
    arms : list of tuple
        Label, rows, mean cost (or None), and the smallest difference of the first outcome from
        the largest arm that these rows can tell (None for that arm).
    outcomes : list of tuple
        Name, mean, share of zeros, least and largest value.
    kinds : dict of int
        Number of features by what they hold.
    missing : list of tuple
        Column and share of missing values, most first.
    randomisation : str
        A sentence.
    notes : list of str
        What was decided, a sentence each.
    """

    n_rows: int
    arms: list[tuple]
    outcomes: list[tuple]
    kinds: dict[str, int]
    missing: list[tuple]
    randomisation: str
    notes: list[str]


def smallest_differences(outcome, arm, n_arms, unit):
    """Return for each arm what difference from the largest arm can be told, in the mean.

    Parameters
    ----------
    outcome : ndarray of shape (n_rows,)
        First outcome.
    arm : ndarray of shape (n_rows,), int
        Received arm.
    n_arms : int
        Number of arms.
    unit : ndarray of shape (n_rows,), int, or None
        Group of each row, whose rows count as one.

    Returns
    -------
    differences : list of float or None
        None for the largest arm; NaN for an arm with one row.
    """
    variance = np.full(n_arms, np.nan)
    count = np.bincount(arm, minlength=n_arms)
    for k in range(n_arms):
        mine = arm == k
        independent = count[k] if unit is None else len(np.unique(unit[mine]))
        if independent > 1:
            variance[k] = outcome[mine].var(ddof=1) / independent
    largest = int(count.argmax())
    return [
        None if k == largest else float(_ERRORS * np.sqrt(variance[k] + variance[largest]))
        for k in range(n_arms)
    ]


def verdicts(reading: Reading) -> list[str]:
    """Say what is enough and what is not."""
    told = []
    for label, rows, *_ in reading.arms:
        if rows < FEW_FOR_MEANS:
            told.append(
                f"Arm {label!r} has {rows:,} {'row' if rows == 1 else 'rows'}, too few to learn "
                "what it does; add rows, or leave the arm out."
            )
        elif rows < FEW_FOR_PEOPLE:
            told.append(
                f"Arm {label!r} has {rows:,} rows, enough for its mean; whom it suits can hardly "
                "be learnt."
            )
    if not told:
        told.append(
            f"Every arm has {FEW_FOR_PEOPLE:,} rows or more, so that differences between people "
            "can be looked for."
        )
    return told


def _arm_table(reading):
    has_cost = any(cost is not None for _, _, cost, _ in reading.arms)
    heads = ["arm", "rows", "share"] + ["mean cost"] * has_cost + ["detectable"]
    rows = []
    for label, count, cost, least in reading.arms:
        cells = [str(label), f"{count:,}", f"{100 * count / reading.n_rows:.1f} %"]
        cells += [number(cost)] if has_cost else []
        found = "" if least is None else "unknown" if np.isnan(least) else number(least)
        rows.append((*cells, found))
    return Table(rows, tuple(heads))


def _outcome_table(reading):
    rows = [
        (str(name), number(mean), f"{100 * zeros:.1f} %", number(least), number(most))
        for name, mean, zeros, least, most in reading.outcomes
    ]
    return Table(rows, ("outcome or cost", "mean", "zeros", "least", "largest"))


def _missing_table(reading):
    rows = [(str(name), f"{100 * share:.1f} %") for name, share in reading.missing[:_MOST]]
    if len(reading.missing) > _MOST:
        rows.append((f"{len(reading.missing) - _MOST} further columns", "less"))
    return Table(rows, ("feature", "missing"))


def _heading(reading):
    total = sum(reading.kinds.values())
    several = {"number": "numbers", "date": "dates", "category": "categories"}
    parts = [
        f"{count} {name if count == 1 else several[name]}"
        for name, count in reading.kinds.items()
        if count
    ]
    features = "feature" if total == 1 else "features"
    return f"{reading.n_rows:,} rows, {total} {features} ({', '.join(parts)})"


def _explanation(reading):
    """Say what the last column of the table of arms means."""
    largest = next(label for label, *_, least in reading.arms if least is None)
    return (
        f"'Detectable' is the smallest difference in mean {reading.outcomes[0][0]} from arm "
        f"{largest!r} that these rows show with a chance of 80 %."
    )


def _tables(reading):
    tables = [_arm_table(reading), _outcome_table(reading)]
    return tables + ([_missing_table(reading)] if reading.missing else [])


def _lists(reading):
    lists = [
        ("Randomisation", [reading.randomisation]),
        ("Is it enough", [*verdicts(reading), _explanation(reading)]),
        ("Notes", reading.notes),
    ]
    return [(head, items) for head, items in lists if items]


def reading_text(reading: Reading) -> str:
    """Return what was read as text for a terminal."""
    parts = [_heading(reading), *map(_table_text, _tables(reading))]
    for head, items in _lists(reading):
        lines = [
            textwrap.fill(
                item, _WIDTH, initial_indent="- ", subsequent_indent="  ", break_on_hyphens=False
            )
            for item in items
        ]
        parts.append("\n".join([f"{head}:", *lines]))
    return "\n\n".join(parts)


def _table_text(table):
    """Align the cells of a table; long labels are cut in the middle."""
    rows = [[_cut(cell) for cell in row] for row in (table.heads, *table.rows)]
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = [
        "  ".join(
            [row[0].ljust(widths[0])] + [c.rjust(w) for c, w in zip(row[1:], widths[1:])]
        ).rstrip()
        for row in rows
    ]
    return "\n".join(lines)


def _cut(text):
    text = " ".join(text.split())
    half = _LABEL // 2
    return text if len(text) <= _LABEL else f"{text[: half - 1]}...{text[-(half - 2) :]}"


def reading_html(reading: Reading) -> str:
    """Return what was read as HTML for a notebook, whatever characters the names hold."""
    lists = []
    for head, items in _lists(reading):
        told = "".join(f"<li>{escape(item)}</li>" for item in items)
        lists.append(f"<p><b>{escape(head)}</b></p><ul>{told}</ul>")
    return (
        f'{_STYLE}<div class="sk-global hrc-rows"><p>{escape(_heading(reading))}</p>'
        f"{tables_html(_tables(reading))}{''.join(lists)}</div>"
    )


def summarise(values: Any) -> tuple[float, float, float, float]:
    """Return mean, share of zeros, least and largest value of an outcome."""
    return tuple(
        float(figure)
        for figure in (values.mean(), (values == 0).mean(), values.min(), values.max())
    )  # type: ignore[return-value]
