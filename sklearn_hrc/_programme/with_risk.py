"""Allocation under linear rules and a convex one, approached by linear cuts from outside.

First the linear relaxation is cut until it keeps the convex rule, then whole counts are
searched within what is left, and what breaks the rule is cut off again.
"""

import time

import numpy as np
from scipy.optimize import brentq

from sklearn_hrc._programme.relaxation import (
    InfeasibleRows,
    dense_row,
    empty_rows,
    join_rows,
    keeps_rows,
    relax_rows,
    relieve_rows,
)
from sklearn_hrc._programme.rounding import round_within
from sklearn_hrc._programme.with_constraints import RowsSolution, search_core, to_core

__all__ = ["CONVEX_GAP", "solve_convex"]

# Most cuts of the relaxation, and most attempts at whole counts.
_CUTS, _ATTEMPTS = 200, 10
# Gap, as a share of what is at stake, that counts as none, and one at which the search may
# end: the errors of the costs are percents, and more digits have cost minutes.
CONVEX_GAP, _ENOUGH = 1e-4, 5e-4
# Excess over the convex rule, as a share of the money moved, that counts as none: in the
# relaxation, where every digit takes twice the cuts; in a conflict that is told in figures;
# and in the end.
_RELAXED, _CONFLICT, _WHOLE = 1e-4, 1e-6, 1e-9


def solve_convex(value, sizes, rows, convex, *, split_clusters=True, time_limit=10.0):
    """Allocate individuals to arms for the largest value within linear rules and a convex one.

    Parameters
    ----------
    value, sizes, rows, split_clusters, time_limit
        As in `solve_rows`.
    convex : object
        A convex rule with a method `cut(counts)`, which returns `(excess, coefficients,
        limit)`: by how much counts break it, and a linear rule `(coefficients *
        counts).sum() <= limit` that holds wherever the convex one does and cuts them off
        if they break it; and an attribute `allowed`, counts from which cuts are made
        if they keep it.

    Returns
    -------
    solution : RowsSolution
        Feasible; `proven` if its value is within 1e-4 of what is at stake of the bound.

    Raises
    ------
    InfeasibleRows
        If no allocation keeps the rules, or none was found in time; with the cuts so far.
    """
    deadline, cuts = time.monotonic() + time_limit, []
    try:
        relaxation = _cut_relaxation(value, sizes, rows, convex, cuts, deadline)
        price, everything = relaxation.price, join_rows([rows, *cuts])
        core, bound = to_core(value, sizes, everything, price, split_clusters, CONVEX_GAP)
        solution = _cut_whole(core, bound, rows, relaxation, convex, cuts, deadline)
    except InfeasibleRows as error:
        if error.reason == "fractions" and cuts:
            # The rule may be out of reach by itself.
            for beside in (rows, empty_rows(value.size)):
                _cut_conflict(sizes, beside, convex, cuts, deadline)
        raise InfeasibleRows(error.reason, cuts) from None
    n_rows = len(rows.limit)
    return solution._replace(price=price[:n_rows], convex_price=float(price[n_rows:].sum()))


def _cut_relaxation(value, sizes, rows, convex, cuts, deadline):
    """Add to the cuts until the linear relaxation keeps the convex rule; that relaxation.

    A cut touches the rule where the way from allowed counts to those of the relaxation
    crosses it (Veinott 1967, doi:10.1287/opre.15.1.147), which takes up to three times fewer of
    them than cuts at the counts themselves. The allowed counts follow halfway.
    """
    allowed, price = convex.allowed, None
    for _ in range(_CUTS):
        relaxation = relax_rows(value, sizes, join_rows([rows, *cuts]), price)
        if not _is_broken(convex, relaxation.counts, _RELAXED) or time.monotonic() > deadline:
            break
        crossing = _crossing(convex, allowed, relaxation.counts)
        allowed = (allowed + crossing) / 2
        cuts.append(_cut_at(convex, crossing))
        # A guess for the new cut too, but where nothing has had a price yet.
        price = np.append(relaxation.price, 0.0) if relaxation.price.any() else None
    # A cut without a relaxation after it has no price yet.
    price = np.zeros(len(rows.limit) + len(cuts))
    price[: len(relaxation.price)] = relaxation.price
    return relaxation._replace(price=price)


def _cut_conflict(sizes, rows, convex, cuts, deadline):
    """Add cuts where the rule is broken the least, so that they say how far it is from holding."""
    population = float(sizes.sum())
    for _ in range(_CUTS):
        relief, counts = relieve_rows(sizes, join_rows(cuts), rows)
        if not 0 < relief < np.inf or time.monotonic() > deadline:
            return
        excess, coefficients, _ = convex.cut(counts)
        if excess - population * relief <= _CONFLICT * np.abs(coefficients * counts).sum():
            return
        cuts.append(_cut_at(convex, counts))


def _cut_whole(core, bound, rows, relaxation, convex, cuts, deadline):
    """Whole counts that keep the convex rule.

    Whole counts near the optimum of the relaxation break the rule by next to nothing, one
    after the other. They lower the bound, and are mended; where linear rules stand in the
    way of that, what an answer breaks is held back from all cuts at once in the next attempt.
    """
    best, margin = _one_arm_for_all(core, rows, convex), 0.0
    best = _mended(core, relaxation.counts, rows, convex, best, deadline)
    for _ in range(_ATTEMPTS):
        closed = best is not None and bound - best.value <= _ENOUGH * core.stake
        if closed or time.monotonic() > deadline:
            break
        held = [part._replace(limit=part.limit - margin) for part in cuts]
        try:
            everything = join_rows([rows, *held])
            found = search_core(core, bound, everything, relaxation.price, deadline)
        except InfeasibleRows:
            if margin == 0:
                break
            margin = 0.0
            continue
        if margin == 0:
            bound = min(bound, found.bound)
        if _is_broken(convex, found.counts, _WHOLE):
            cuts.append(_cut_at(convex, _crossing(convex, convex.allowed, found.counts)))
            best = _mended(core, found.counts, rows, convex, best, deadline)
            margin = margin + 1.5 * convex.cut(found.counts)[0] if best is None else 0.0
        else:
            best = _better(found, best)
            margin = 0.0
    if best is None:
        raise InfeasibleRows("whole" if time.monotonic() < deadline else "time")
    proven = bound - best.value <= core.accepted
    return best._replace(bound=max(bound, best.value), proven=proven)


def _one_arm_for_all(core, rows, convex):
    """The best allowed solution in which everybody gets the same arm; None if there is none."""
    best = None
    for arm in range(core.gain.shape[1]):
        counts = np.zeros(core.gain.shape, dtype=core.per_unit.dtype)
        counts[:, arm] = core.units * core.per_unit[:, 0]
        if convex.cut(counts)[0] <= 0 and keeps_rows(counts, rows).all():
            value = float(core.units @ core.gain[:, arm])
            best = _better(RowsSolution(counts, value, value, None, False), best)
    return best


def _mended(core, counts, rows, convex, best, deadline):
    """The best solution so far, or counts rounded and mended if that is better."""
    rounded = round_within(counts, core.gain, core.units, core.per_unit, convex, deadline)
    if rounded is None or not keeps_rows(rounded * core.per_unit, rows).all():
        return best
    value = float(np.sum(rounded * core.gain))
    return _better(RowsSolution(rounded * core.per_unit, value, value, None, False), best)


def _better(found, best):
    return found if best is None or found.value > best.value else best


def _is_broken(convex, counts, tolerance):
    """Whether counts break the convex rule by more than a share of the money they move."""
    excess, coefficients, _ = convex.cut(counts)
    return excess > tolerance * np.abs(coefficients * counts).sum()


def _cut_at(convex, counts):
    """The linear rule that the convex one demands."""
    _, coefficients, limit = convex.cut(counts)
    return dense_row(coefficients, limit)


def _crossing(convex, allowed, counts):
    """Where the way from allowed counts to others leaves the convex rule.

    From counts that are not allowed themselves, everything is outside: then the end of the way.
    """
    if convex.cut(allowed)[0] >= 0:
        return counts

    def excess(share):
        return convex.cut(allowed + share * (counts - allowed))[0]

    share = brentq(excess, 0.0, 1.0, xtol=1e-6) if excess(1.0) > 0 else 1.0
    return allowed + share * (counts - allowed)
