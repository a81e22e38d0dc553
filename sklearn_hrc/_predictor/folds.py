"""Folds of the rows, and networks that are each trained without one fold."""

import numpy as np

from sklearn_hrc._warning import warn

__all__ = [
    "check_arm_sizes",
    "count_folds",
    "deal_folds",
    "resolve_batch_size",
    "resolve_n_networks",
    "train_networks",
]

# A network with fewer rows than this only repeats the other networks.
ROWS_A_NETWORK = 20
# Least number of folds. With fewer networks, two folds would cost early stopping half of the rows.
MIN_FOLDS = 5
LARGE_BATCH_ROWS = 60_000


def train_networks(arrays, folds, n_networks, rng, *, verbose=0, **settings):
    """Train networks side by side, each without its fold.

    Parameters
    ----------
    arrays : tuple of ndarray
        `features, arm, target_and_weight` of all rows, which all networks share.
    folds : ndarray of shape (n_samples,), int
        Fold of each row. Fold `m` says which weights of network `m` are kept.
    n_networks : int
        Number of networks.
    rng : RandomState
        Gives seeds for the order of the rows and for every network.
    verbose : int, default=0
        1 shows a progress bar.
    **settings
        Other arguments of :func:`~sklearn_hrc._predictor.networks.train_side_by_side`.

    Returns
    -------
    networks : list of Network
        Fitted networks.
    history : list of list of dict
        Losses of the epochs of each network.

    Warns
    -----
    UserWarning
        If training was interrupted (Ctrl-C). An interruption in the first epoch is raised.
    """
    # torch and skorch load here, not when the package is imported.
    from sklearn_hrc._predictor.networks import train_side_by_side

    seeds = rng.randint(np.iinfo(np.int32).max, size=1 + n_networks).tolist()
    networks, history, is_interrupted = train_side_by_side(
        *arrays, folds, seeds=seeds, verbose=verbose, **settings
    )
    if is_interrupted:
        warn(
            f"Interrupted in epoch {len(history[0]) + 1} of {settings['max_epochs']}: the "
            "networks are used as they are.",
        )
    return networks, history


def count_folds(n_networks):
    """Return the number of folds: one for each network, at least five."""
    return max(n_networks, MIN_FOLDS)


def check_arm_sizes(arm, n_networks, treatments):
    """Raise where an arm has fewer rows than there are folds.

    Parameters
    ----------
    arm : ndarray of shape (n_samples,), int
        Arm of each row.
    n_networks : int
        Number of networks. Each holds out a fold.
    treatments : ndarray of shape (n_treatments,)
        Labels of the arms.
    """
    n_folds = count_folds(n_networks)
    sizes = np.bincount(arm, minlength=len(treatments))
    if _has_folds(arm, n_folds) and sizes.min() < n_folds:
        raise ValueError(
            f"treatment is expected to have at least {n_folds} rows of every arm, one for each "
            f"fold, got {sizes.min()} of {treatments.tolist()[sizes.argmin()]!r}."
        )


def deal_folds(arm, n_networks, rng, groups=None):
    """Deal shuffled rows to folds, arm by arm, so that each fold has its share of each arm.

    Parameters
    ----------
    arm : ndarray of shape (n_samples,), int
        Arm of each row.
    n_networks : int
        Number of networks. Each holds out a fold.
    rng : RandomState
        Shuffles the rows.
    groups : ndarray of shape (n_samples,), int, default=None
        Groups 0, 1, ... of rows that stay together, such as those of a household. A group is dealt
        as if all its rows had the arm of its first row. With None each row is a group.

    Returns
    -------
    folds : ndarray of shape (n_samples,), int
        Fold of each row. Without groups, sizes differ by at most one. If there are too few
        rows or groups to hold any out, all are in a fold that no network leaves out.
    """
    n_folds = count_folds(n_networks)
    if groups is None:
        groups = np.arange(len(arm))
    first = np.unique(groups, return_index=True)[1]
    order = rng.permutation(len(first))
    # A stable sort by arm keeps the shuffle within arms, so dealing in turn stratifies by arm.
    order = order[np.argsort(arm[first][order], kind="stable")]
    folds = np.empty(len(first), dtype=np.intp)
    folds[order] = np.arange(len(first)) % n_folds
    if not _has_folds(first, n_folds):
        folds[:] = n_networks
    return folds[groups]


def _has_folds(arm, n_folds):
    return len(arm) >= 2 * n_folds


def resolve_n_networks(n_networks, n_rows):
    """Return the number of networks that there are enough rows for."""
    return int(np.clip(n_rows // ROWS_A_NETWORK, 1, n_networks))


def resolve_batch_size(batch_size, n_rows):
    """Return the number of rows in a step."""
    if batch_size != "auto":
        return batch_size
    return 1024 if n_rows >= LARGE_BATCH_ROWS else 512
