"""Allocation under linear constraints and a convex one, by linear cuts from outside.

First the linear relaxation is cut until it keeps the convex constraint. Then whole counts are
searched within the cuts. Counts that break the convex constraint are cut off again.
"""

import time

import numpy as np
from scipy.optimize import brentq

from sklearn_hrc._programme.constraints import (
    are_kept,
    dense_constraint,
    join_constraints,
    no_constraints,
)
from sklearn_hrc._programme.relaxation import Infeasible, relax, relieve
from sklearn_hrc._programme.rounding import round_within
from sklearn_hrc._programme.solution import Solution
from sklearn_hrc._programme.with_constraints import search_core, to_core

__all__ = ["CONVEX_GAP", "solve_convex"]

# Largest numbers of cuts of the relaxation, and of attempts at whole counts.
_CUTS, _ATTEMPTS = 200, 10
# Gap, as a share of what is at stake, that counts as none, and gap at which the search may
# end. The errors of the costs are percents, and more digits have cost minutes.
CONVEX_GAP, _ENOUGH = 1e-4, 5e-4
# Tolerances of the convex constraint, as a share of the money moved: in the relaxation (loose, as
# each digit doubles the cuts), in the figures of a conflict, and in the final plan.
_RELAXED, _CONFLICT, _WHOLE = 1e-4, 1e-6, 1e-9


def solve_convex(value, sizes, constraints, convex, *, split_clusters=True, time_limit=10.0):
    """Allocate individuals to arms under linear constraints and a convex one.

    Parameters
    ----------
    value, sizes, constraints, split_clusters, time_limit
        As in `solve_constrained`.
    convex : object
        Convex constraint with a method `cut(counts)`, which returns `(excess, coefficients,
        limit)`. The excess is by how much counts break the constraint. The linear constraint
        `(coefficients * counts).sum() <= limit` holds wherever the convex one holds, and cuts
        off counts that break it. The attribute `allowed` has counts from which cuts are made
        if these counts keep the convex constraint.

    Returns
    -------
    solution : Solution
        Feasible solution of the largest value that was found. It is `proven` if its distance
        from the bound is at most 1e-4 of what is at stake.

    Raises
    ------
    Infeasible
        If no allocation keeps the constraints, or none was found in time. The error has the cuts
        so far.
    """
    deadline, cuts = time.monotonic() + time_limit, []
    try:
        relaxation = _cut_relaxation(value, sizes, constraints, convex, cuts, deadline)
        price, everything = relaxation.price, join_constraints([constraints, *cuts])
        core, bound = to_core(value, sizes, everything, price, split_clusters, CONVEX_GAP)
        solution = _cut_whole(core, bound, constraints, relaxation, convex, cuts, deadline)
    except Infeasible as error:
        if error.reason == "fractions" and cuts:
            # The convex constraint may be infeasible by itself.
            for beside in (constraints, no_constraints(value.size)):
                _cut_conflict(sizes, beside, convex, cuts, deadline)
        raise Infeasible(error.reason, cuts) from None
    n_constraints = len(constraints.limit)
    return solution._replace(
        price=price[:n_constraints], convex_price=float(price[n_constraints:].sum())
    )


def _cut_relaxation(value, sizes, constraints, convex, cuts, deadline):
    """Add cuts until the linear relaxation keeps the convex constraint, and return the relaxation.

    A cut touches the convex constraint where the line from allowed counts to those of the
    relaxation crosses it (Veinott 1967, doi:10.1287/opre.15.1.147). That takes up to three times
    fewer cuts than cuts at the counts of the relaxation. The allowed counts follow halfway.
    """
    allowed, price = convex.allowed, None
    for _ in range(_CUTS):
        relaxation = relax(value, sizes, join_constraints([constraints, *cuts]), price)
        if not _is_broken(convex, relaxation.counts, _RELAXED) or time.monotonic() > deadline:
            break
        crossing = _crossing(convex, allowed, relaxation.counts)
        allowed = (allowed + crossing) / 2
        cuts.append(_cut_at(convex, crossing))
        # Guess a price of zero for the new cut, unless no constraint has a price yet.
        price = np.append(relaxation.price, 0.0) if relaxation.price.any() else None
    # A cut without a relaxation after it has no price yet.
    price = np.zeros(len(constraints.limit) + len(cuts))
    price[: len(relaxation.price)] = relaxation.price
    return relaxation._replace(price=price)


def _cut_conflict(sizes, constraints, convex, cuts, deadline):
    """Add cuts where the constraint is broken least, so that they tell its least violation."""
    population = float(sizes.sum())
    for _ in range(_CUTS):
        relief, counts = relieve(sizes, join_constraints(cuts), constraints)
        if not 0 < relief < np.inf or time.monotonic() > deadline:
            return
        excess, coefficients, _ = convex.cut(counts)
        if excess - population * relief <= _CONFLICT * np.abs(coefficients * counts).sum():
            return
        cuts.append(_cut_at(convex, counts))


def _cut_whole(core, bound, constraints, relaxation, convex, cuts, deadline):
    """Find whole counts that keep the convex constraint.

    One after the other, whole counts near the optimum of the relaxation break the constraint by
    next to nothing. They lower the bound, and are repaired. If linear constraints prevent the
    repair, the next attempt tightens all cuts by the violation.
    """
    best, margin = _one_arm_for_all(core, constraints, convex), 0.0
    best = _mended(core, relaxation.counts, constraints, convex, best, deadline)
    for _ in range(_ATTEMPTS):
        closed = best is not None and bound - best.value <= _ENOUGH * core.stake
        if closed or time.monotonic() > deadline:
            break
        held = [part._replace(limit=part.limit - margin) for part in cuts]
        try:
            everything = join_constraints([constraints, *held])
            found = search_core(core, bound, everything, relaxation.price, deadline)
        except Infeasible:
            if margin == 0:
                break
            margin = 0.0
            continue
        if margin == 0:
            bound = min(bound, found.bound)
        if _is_broken(convex, found.counts, _WHOLE):
            cuts.append(_cut_at(convex, _crossing(convex, convex.allowed, found.counts)))
            best = _mended(core, found.counts, constraints, convex, best, deadline)
            margin = margin + 1.5 * convex.cut(found.counts)[0] if best is None else 0.0
        else:
            best = _better(found, best)
            margin = 0.0
    if best is None:
        raise Infeasible("whole" if time.monotonic() < deadline else "time")
    proven = bound - best.value <= core.accepted
    return best._replace(bound=max(bound, best.value), proven=proven)


def _one_arm_for_all(core, constraints, convex):
    """Best allowed solution in which everybody gets the same arm, or None."""
    best = None
    for arm in range(core.gain.shape[1]):
        counts = np.zeros(core.gain.shape, dtype=core.per_unit.dtype)
        counts[:, arm] = core.units * core.per_unit[:, 0]
        if convex.cut(counts)[0] <= 0 and are_kept(counts, constraints).all():
            value = float(core.units @ core.gain[:, arm])
            best = _better(Solution(counts, value, value, None, False), best)
    return best


def _mended(core, counts, constraints, convex, best, deadline):
    """Best solution so far, or rounded and repaired counts if these are better."""
    rounded = round_within(counts, core.gain, core.units, core.per_unit, convex, deadline)
    if rounded is None or not are_kept(rounded * core.per_unit, constraints).all():
        return best
    value = float(np.sum(rounded * core.gain))
    return _better(Solution(rounded * core.per_unit, value, value, None, False), best)


def _better(found, best):
    return found if best is None or found.value > best.value else best


def _is_broken(convex, counts, tolerance):
    """Whether counts break the convex constraint by more than a share of the money they move."""
    excess, coefficients, _ = convex.cut(counts)
    return excess > tolerance * np.abs(coefficients * counts).sum()


def _cut_at(convex, counts):
    """Linear constraint that touches the convex constraint at counts or cuts them off."""
    _, coefficients, limit = convex.cut(counts)
    return dense_constraint(coefficients, limit)


def _crossing(convex, allowed, counts):
    """Point where the line from allowed counts to other counts leaves the convex constraint.

    If the allowed counts break the constraint themselves, the point is the end of the line.
    """
    if convex.cut(allowed)[0] >= 0:
        return counts

    def excess(share):
        return convex.cut(allowed + share * (counts - allowed))[0]

    share = brentq(excess, 0.0, 1.0, xtol=1e-6) if excess(1.0) > 0 else 1.0
    return allowed + share * (counts - allowed)
