"""Columns that may know what came after the treatment: by their name, or by what they tell."""

import re
from typing import Any

import numpy as np
from scipy.stats import kruskal, rankdata
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

__all__ = ["find_leaks"]

# A drawn arm cannot be told from a feature. These shares of what is unknown, and this p-value, are
# far from what chance does.
_TELLS_ARM = 0.1
_TELLS_OUTCOME = 0.7
_CHANCE = 1e-6
_ERRORS = 5.0
_MAX_ROWS = 20_000
_LEAVES = 32
_AFTER = {"after", "post", "redeemed", "redemption", "converted", "conversion", "responded"}
_AFTER |= {"outcome", "response", "uplift", "treated", "treatment", "exposed", "assigned"}
_BEFORE = {"before", "pre", "prior", "prev", "previous", "past", "last", "history", "historical"}
_BEFORE |= {"hist", "avg", "average", "mean", "lifetime", "ltv", "baseline", "ago", "recency"}


def find_leaks(
    codes: dict[Any, np.ndarray],
    arm: np.ndarray,
    outcomes: dict[Any, np.ndarray],
    names: list,
    *,
    unit: np.ndarray | None = None,
    one_draw: bool = True,
) -> dict[Any, str]:
    """Find columns that may have been recorded after the treatment.

    Parameters
    ----------
    codes : dict of ndarray of shape (n_rows,)
        Features as numbers, by name; NaN where they are missing.
    arm : ndarray of shape (n_rows,), int
        Received arm.
    outcomes : dict of ndarray of shape (n_rows,)
        Outcomes and cost by name.
    names : list
        Names of the columns of outcomes, cost and treatment.
    unit : ndarray of shape (n_rows,), int, default=None
        Group of each row, whose arm was drawn once.
    one_draw : bool, default=True
        Whether all rows had the same chances of an arm, so that a feature cannot tell it.

    Returns
    -------
    leaks : dict of str
        For each suspect its reason, in words for a note.
    """
    order = np.random.default_rng(0).permutation(len(arm))
    if unit is not None:  # one row of each group
        order = order[np.unique(unit[order], return_index=True)[1]]
        order = np.random.default_rng(0).permutation(order)
    rows = order[:_MAX_ROWS]
    ranks = {name: _standardised_ranks(outcome[rows]) for name, outcome in outcomes.items()}
    leaks = {}
    for name, values in codes.items():
        told = _named_like(str(name), names)
        if told is None and one_draw:
            told = _tells_arm(values[rows], arm[rows]) or _moves_with_arm(values[rows], arm[rows])
        if told is None:
            told = _tells_outcome(values[rows], ranks)
        if told:
            leaks[name] = told
    return leaks


def _words(name):
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name)
    return [word for word in re.split(r"[^a-z0-9]+", spaced.lower()) if word]


def _named_like(name, names):
    """Return why a name speaks of what came after, or None. Words of the past clear it."""
    words = _words(name)
    if set(words) & _BEFORE or any(re.fullmatch(r"\d+[dwmy]?", word) for word in words):
        return None
    for other in names:
        theirs = _words(str(other))
        if theirs and any(
            words[k : k + len(theirs)] == theirs for k in range(len(words) - len(theirs) + 1)
        ):
            return f"it is named like {other!r}"
    after = [word for word in words if word in _AFTER]
    return f"its name says {after[0]!r}" if after else None


def _tells_arm(values, arm):
    """Say whether a column tells the arm of rows that a tree has not seen."""
    half = len(arm) // 2
    if half < 20:
        return None
    tree = DecisionTreeClassifier(max_leaf_nodes=_LEAVES, min_samples_leaf=5, random_state=0)
    tree.fit(values[:half, None], arm[:half])
    right = (tree.predict(values[half:, None]) == arm[half:]).mean()
    largest = np.bincount(arm[:half]).argmax()
    base = (arm[half:] == largest).mean()
    if base == 1:
        return None
    least = max(_TELLS_ARM * (1 - base), _ERRORS * np.sqrt(base * (1 - base) / (len(arm) - half)))
    if right - base < least:
        return None
    return f"it tells the arm in {100 * right:.0f} % of the rows, by chance {100 * base:.0f} %"


def _moves_with_arm(values, arm):
    """Say whether the values differ between arms, as they do if the treatment changed them."""
    given = ~np.isnan(values)
    parts = [values[given & (arm == k)] for k in np.unique(arm)]
    parts = [part for part in parts if len(part) >= 5]
    if len(parts) < 2 or np.ptp(values[given]) == 0:
        return None
    if kruskal(*parts).pvalue >= _CHANCE:
        return None
    return "it differs between the arms, which drawn arms do not"


def _standardised_ranks(outcome):
    """Return ranks of mean 0 and variance 1, or zeros. Zeros and outliers count alike in ranks."""
    ranks = rankdata(outcome)
    spread = ranks.std()
    return (ranks - ranks.mean()) / (spread if spread else 1.0)


def _tells_outcome(values, ranks):
    """Say whether a tree on one column explains most of an outcome's ranks on other rows."""
    half = len(values) // 2
    if half < 50:
        return None
    for name, rank in ranks.items():
        tree = DecisionTreeRegressor(max_leaf_nodes=_LEAVES, min_samples_leaf=5, random_state=0)
        fitted = tree.fit(values[:half, None], rank[:half])
        residual = rank[half:] - fitted.predict(values[half:, None])
        if (residual**2).mean() < (1 - _TELLS_OUTCOME) * rank[half:].var():
            return f"it tells most of {name!r}"
    return None
