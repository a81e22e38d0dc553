"""First step for raw tables: the columns of the experiment, as numbers, dates and text."""

from collections.abc import Hashable, Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from sklearn_hrc._experiment import restore_on_error
from sklearn_hrc._notebook import NotebookMixin
from sklearn_hrc._warning import warn
from sklearn_hrc.tables._column_ids import looks_like_id
from sklearn_hrc.tables._column_kinds import Kind, convert, find_kind
from sklearn_hrc.tables._frames import as_frame, import_extra
from sklearn_hrc.tables._named_columns import as_names, missing_column, missing_features

__all__ = ["TableCleaner", "look_at_columns"]


def look_at_columns(frame: Any, keep: Sequence[Hashable]) -> tuple[dict, dict, list[str]]:
    """Find out what the columns of features hold, and which look like ids.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        Features.
    keep : sequence of labels
        Columns that are kept though they look like ids.

    Returns
    -------
    kinds : dict of Kind
        What each kept column holds.
    ids : dict of str
        Why each of the other columns looks like an id.
    notes : list of str
        What was decided where it is not plain, a sentence each.
    """
    kinds, ids, notes = {}, {}, []
    for name in frame.columns:
        kind, told = find_kind(frame[name], name)
        reason = None if name in keep else looks_like_id(frame[name], kind, str(name))
        if reason:
            ids[name] = reason
        else:
            kinds[name] = kind
            notes += told
    return kinds, ids, notes


class TableCleaner(NotebookMixin, TransformerMixin, BaseEstimator):
    """Bring a raw table into shape: numbers, dates and text in the columns of the fit.

    Numbers and dates that stand in text are read. A list may have a decimal comma where the
    experiment had a decimal point. A period, such as a month, becomes its first
    day. Columns that look like ids are left out. `transform` takes a table with further columns,
    in another order, from another library. Nothing is imputed or encoded; that is for the next
    steps.

    Parameters
    ----------
    keep : str or sequence of labels, default=()
        Columns that are kept though they look like ids.

    Attributes
    ----------
    kinds_ : dict
        For each column that is kept, what it holds ("number", "date" or "category") and how
        its text is read.
    left_out_ : dict
        For each column that is left out the reason.
    notes_ : list of str
        What was decided where it is not plain, a sentence each.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns.

    See Also
    --------
    make_policy : A policy that begins with this step.

    Examples
    --------
    >>> from sklearn_hrc.tables import TableCleaner
    >>> table = {"price": ["12,50", "8,00", None], "since": ["31.05.2024", "2024-06-01", "?"]}
    >>> cleaner = TableCleaner().fit(table)
    >>> cleaner.transform(table)
       price      since
    0   12.5 2024-05-31
    1    8.0 2024-06-01
    2    NaN        NaT
    >>> cleaner.notes_[0]
    "Numbers in 'price' have a decimal comma."
    """

    def __init__(self, *, keep: str | Sequence[Hashable] = ()) -> None:
        self.keep = keep

    @restore_on_error
    def fit(self, X: Any, y: Any = None) -> Self:
        """Find out what the columns hold.

        Parameters
        ----------
        X : frame of shape (n_samples, n_features)
            A pandas, Polars or Arrow table, dict of columns or matrix.
        y : Any, default=None
            Not used.

        Returns
        -------
        self : TableCleaner
            Fitted estimator.
        """
        frame = as_frame(X, "X")
        if not len(frame):
            raise ValueError("X is expected to have at least one row, got none.")
        keep = as_names(self.keep, "keep")
        for name in keep:
            if name not in frame.columns:
                raise missing_column(name, frame.columns, "keep")
        kinds, self.left_out_, self.notes_ = look_at_columns(frame, keep)
        if not kinds:
            raise ValueError("X is expected to have a column of features, got none but ids.")
        if self.left_out_:
            names = ", ".join(repr(name) for name in self.left_out_)
            warn(f"{names} look like ids and are left out; name them in keep if they are features.")
        # Plain dicts, which any format that stores estimators can hold.
        self.kinds_ = {name: kind._asdict() for name, kind in kinds.items()}
        self.n_features_in_ = frame.shape[1]
        self.feature_names_in_ = np.array(list(frame.columns), dtype=object)
        return self

    def transform(self, X: Any) -> Any:
        """Return the columns that are kept, in the order of `fit`.

        Parameters
        ----------
        X : frame of shape (n_samples, n_columns)
            Table with these columns, and further ones.

        Returns
        -------
        frame : DataFrame of shape (n_samples, n_kept)
            Numbers as float64, dates, and text as objects.

        Raises
        ------
        ValueError
            If a column is missing, or if more than half of the given values of a column are not
            numbers or dates as in `fit`. Fewer such values count as missing.

        Warns
        -----
        UserWarning
            If numbers in text are written in another way than in `fit`, and a number such as 1.250
            reads differently in both.
        """
        check_is_fitted(self)
        frame = as_frame(X, "X")
        if missing := [name for name in self.kinds_ if name not in frame.columns]:
            raise missing_features(missing, frame.columns)
        pandas = import_extra("pandas", "TableCleaner")
        return pandas.DataFrame(
            {
                str(name): convert(frame[name], Kind(**kind), str(name))
                for name, kind in self.kinds_.items()
            },
            index=frame.index,
        )

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the columns that are kept.

        Parameters
        ----------
        input_features : Any, default=None
            Not used.

        Returns
        -------
        names : ndarray of shape (n_kept,)
            Names as text.
        """
        check_is_fitted(self)
        return np.array([str(name) for name in self.kinds_], dtype=object)

    def __sklearn_tags__(self) -> Tags:
        """Say that missing values and text are allowed."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags
