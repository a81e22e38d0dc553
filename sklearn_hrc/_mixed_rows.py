"""Rows whose values come from several rows of a table."""

from typing import Any

import numpy as np

from sklearn_hrc._tables import is_pandas

__all__ = ["mixed_rows"]


def mixed_rows(X: Any, n_rows: int, rng: np.random.RandomState, *, kept: float = 0.0) -> Any:
    """Return rows whose values come from rows of `X`, each column in an order of its own.

    Whole features are mixed, so a category or a date stays what it is.

    Parameters
    ----------
    X : DataFrame, Table or ndarray of shape (n_samples, n_features)
        Rows. A frame may be of pandas, Polars or Arrow.
    n_rows : int
        Number of rows to make.
    rng : RandomState
        Draws the rows from which values come.
    kept : float, default=0.0
        Share of values that a made row takes from one and the same row of `X`. With 0 no row of
        `X` is shown.

    Returns
    -------
    mixed : of the kind of `X`, with `n_rows` rows
        Made rows.
    """
    n_samples, n_features = X.shape
    places = [rng.randint(n_samples, size=n_rows) for _ in range(n_features)]
    if kept > 0:
        own = rng.randint(n_samples, size=n_rows)
        places = [np.where(rng.random_sample(n_rows) < kept, own, place) for place in places]
    if is_pandas(X):
        return type(X)({name: X[name].iloc[place].array for name, place in zip(X.columns, places)})
    if hasattr(X, "column_names"):  # Arrow
        return X.from_pydict({name: X[name].take(at) for name, at in zip(X.column_names, places)})
    if hasattr(X, "columns"):  # Polars
        return type(X)({name: X[name][place] for name, place in zip(X.columns, places)})
    return np.column_stack([X[place, column] for column, place in enumerate(places)])
