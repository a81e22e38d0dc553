"""Parameters that were changed after a fit: taken up by the next plan, or refused."""

import joblib
import numpy as np

__all__ = ["FIT_PARAMETERS", "PLAN_PARAMETERS", "check_unchanged", "fingerprints"]

# What cells were estimated with: only a fit can change it.
FIT_PARAMETERS = ("control", "objective", "arm_cost", "estimation", "population", "random_state")
# What a plan is made with, beside the budget.
PLAN_PARAMETERS = (
    "split_clusters",
    "risk",
    "risk_level",
    "goal",
    "rules",
    "time_limit",
)


def fingerprints(allocator, names):
    """Return what tells whether parameters are as they were, also where one was changed in place.

    Parameters
    ----------
    allocator : ClusterBudgetAllocator
        Its parameters.
    names : tuple of str
        Which of them.

    Returns
    -------
    prints : dict of str
        By name.
    """
    return {name: _fingerprint(getattr(allocator, name)) for name in names}


def check_unchanged(allocator, before):
    """Refuse parameters of the fit that are others now.

    Parameters
    ----------
    allocator : ClusterBudgetAllocator
        Fitted.
    before : dict of str
        Fingerprints at the fit.
    """
    now = fingerprints(allocator, tuple(before))
    changed = [name for name in before if now[name] != before[name]]
    if changed:
        raise ValueError(
            f"{', '.join(changed)} is expected to be as in fit, since cells were estimated with "
            "it, got another value: call fit again."
        )


def _fingerprint(value):
    if isinstance(value, list | tuple):
        # A hash of all tells an object that is there twice from two equal ones.
        return [_fingerprint(part) for part in value]
    # The state of a generator moves on with every draw.
    return "generator" if isinstance(value, np.random.RandomState) else joblib.hash(value)
