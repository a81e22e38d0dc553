"""Moves of units between arms, given to CBC by python-mip."""

import contextlib
import itertools

import numpy as np

__all__ = ["CONSTRAINT_TOLERANCE", "ask_solver"]

# Twice the violation that CBC accepts in a row that is scaled to coefficients of one.
CONSTRAINT_TOLERANCE = 2e-6


def ask_solver(harm, most, cluster, units, rows, start, gap, seconds):
    """Find the moves that do the least harm within some rows.

    Parameters
    ----------
    harm : ndarray of shape (n_moves,)
        Harm of one unit that moves, scaled so that relevant differences are far above CBC's
        smallest improvement of 1e-5.
    most : ndarray of shape (n_moves,), int
        Largest number of units.
    cluster, units : ndarray of shape (n_moves,), int
        Sorted cluster of each move, and the units of that cluster.
    rows : tuple of (sparse array of shape (n_rows, n_moves), ndarray of shape (n_rows,))
        Scaled to coefficients of at most one, and what the moves may add up to.
    start : ndarray of shape (n_moves,) or None
        Moves to start from.
    gap : float
        Difference in harm that counts as none.
    seconds : float
        Time limit.

    Returns
    -------
    moves : ndarray of shape (n_moves,), int64, or None
        To be checked: rows may be broken by half of `CONSTRAINT_TOLERANCE`. None without an answer.
    sure : bool
        Whether the solver came to its end.
    """
    import mip

    change, left = rows
    if np.any(left[np.diff(change.indptr) == 0] < -CONSTRAINT_TOLERANCE):
        return None, True
    with _model_of_cbc(gap) as model:
        moves = [
            model.add_var(var_type=mip.INTEGER, ub=float(limit), obj=value)
            for limit, value in zip(most.tolist(), harm.tolist())
        ]
        for (first, last), limit in zip(itertools.pairwise(change.indptr.tolist()), left.tolist()):
            if last > first:
                terms = [moves[move] for move in change.indices[first:last].tolist()]
                model.add_constr(mip.LinExpr(terms, change.data[first:last].tolist()) <= limit)
        edges = [0, *(np.flatnonzero(np.diff(cluster)) + 1).tolist(), len(moves)]
        for first, last in itertools.pairwise(edges):
            if most[first:last].sum() > units[first]:
                row = mip.LinExpr(moves[first:last], [1.0] * (last - first))
                model.add_constr(row <= float(units[first]))
        if start is not None:
            model.start = list(zip(moves, start.astype(np.float64).tolist()))
        status = model.optimize(max_seconds=seconds)
        sure = status in (mip.OptimizationStatus.OPTIMAL, mip.OptimizationStatus.INFEASIBLE)
        if not model.num_solutions:
            return None, sure
        return np.array([round(move.x) for move in moves], dtype=np.int64), sure


@contextlib.contextmanager
def _model_of_cbc(gap):
    """Empty model of python-mip whose model in CBC is deleted at the end of the block."""
    import mip
    from mip.cbc import cbclib

    # The finaliser of python-mip calls this function, too. A model is a reference cycle, so the
    # garbage collector may run the finaliser at any moment. The first look-up takes cffi's lock. A
    # thread that already holds the lock, because it parses a type, would wait for itself for ever.
    # So the first look-up is here, before there is a model.
    delete = cbclib.Cbc_deleteModel
    model = mip.Model(sense=mip.MINIMIZE, solver_name=mip.CBC)
    try:
        # With one thread CBC has a further worker, whose wake-up may get lost for 10 seconds.
        model.verbose, model.threads, model.seed = 0, 0, 1
        model.max_mip_gap, model.max_mip_gap_abs = 0.0, gap
        # CBC crashes, with the process, when it undoes its preprocessing of some programmes.
        model.preprocess = 0
        yield model
    finally:
        # Without the pointer the finaliser does nothing. Remove the pointer first: an interrupt in
        # between then leaks a model, but does not delete it twice.
        pointer, model.solver._model = model.solver._model, None
        delete(pointer)
