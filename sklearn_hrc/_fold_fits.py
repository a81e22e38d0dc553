"""Fits to the training part of a fold, and what the policy says of the test part."""

import time

import sklearn
from sklearn.utils import _safe_indexing

from sklearn_hrc._policy import PolicyMixin
from sklearn_hrc._unwrap import transform_through, unwrap_policy

__all__ = ["ask_fold"]


def ask_fold(policy, X, y, given, fold, number, ask, *, caller, verbose):
    """Fit a policy without the test part of a fold, and ask it about that part.

    Parameters
    ----------
    policy : estimator
        A clone, which is fitted.
    X, y : array-like
        All rows.
    given : dict
        Arrays with an entry for each row that `fit` gets, by name.
    fold : tuple of ndarray
        Training and test part.
    number : int
        Of the fold, for errors.
    ask : callable
        Called with the last step and the test part as the steps before transform it.
    caller : str
        Function that errors and messages name.
    verbose : int
        1 says when it is done.

    Returns
    -------
    answer : Any
        Of `ask`.
    """
    started = time.perf_counter()
    train, test = fold
    rows = {name: _safe_indexing(values, train) for name, values in given.items()}
    try:
        # Routing passes treatment and cost to all steps of a pipeline.
        with sklearn.config_context(enable_metadata_routing=True):
            policy.fit(_safe_indexing(X, train), _safe_indexing(y, train), **rows)
        steps, last = unwrap_policy(policy, PolicyMixin)
        answer = ask(last, transform_through(steps, _safe_indexing(X, test)))
    except Exception as error:
        error.add_note(f"This was fold {number} of cv (counted from 0) in {caller}.")
        raise
    if verbose:
        seconds = time.perf_counter() - started
        # A worker process would keep the line until it ends.
        print(f"{caller}: fold {number}, {len(test)} rows decided, {seconds:.1f} s", flush=True)
    return answer
