"""What a column of a table holds, numbers, dates or categories, and the column as that."""

from typing import Any, NamedTuple

import numpy as np

from sklearn_hrc._warning import warn
from sklearn_hrc.tables._frames import import_extra
from sklearn_hrc.tables._text_values import (
    date_formats,
    day_comes_first,
    is_code,
    is_missing_text,
    number_style,
    read_dates,
    read_numbers,
)

__all__ = ["Kind", "convert", "find_kind", "numbers_of_text", "text_of"]

# A column of text is one of numbers, or dates, if this share of its values are.
_MOST = 0.95
_FEW = 0.05
# A list is refused if more than this share of the given values of a column cannot be read.
_UNREAD = 0.5
# So many texts that counted as missing in the experiment are known by the policy.
_OTHERS = 100
_STYLES = {
    "comma": "have a decimal comma",
    "thousands": "have commas between thousands",
    "unclear": "were read with commas between thousands, so that 1,250 is 1250",
}


class Kind(NamedTuple):
    """What a column holds, and how its text is read.

    Attributes
    ----------
    name : {"number", "date", "category"}
        What it holds.
    style : str
        How numbers are written, from `number_style`.
    day_first : bool
        Whether the day comes first in dates like 03/05/2024.
    others : tuple of str
        Most frequent texts of the experiment that are neither numbers nor dates and counted as
        missing.
    """

    name: str
    style: str = "point"
    day_first: bool = False
    others: tuple[str, ...] = ()


def find_kind(values: Any, label: str) -> tuple[Kind, list[str]]:
    """Find out what a column holds.

    Parameters
    ----------
    values : Series of shape (n_rows,)
        The column.
    label : str
        Its name, for notes and errors.

    Returns
    -------
    kind : Kind
        What it holds.
    notes : list of str
        What was decided where it is not plain, a sentence each.
    """
    kind = {"M": "date", "b": "number", "i": "number", "u": "number", "f": "number"}
    kind["m"] = "number"  # a duration, in days
    dtype = values.dtype
    if _is_period(values):
        return Kind("date"), []
    if getattr(dtype, "ordered", None) is not None:  # a Categorical
        return Kind("category"), []
    if (found := kind.get(getattr(dtype, "kind", "O"))) is not None:
        return Kind(found), []
    codes, texts, raw = text_of(values, label)
    counts = np.bincount(codes[codes >= 0], minlength=len(texts))
    given = np.array([not is_missing_text(text) for text in texts], dtype=bool)
    counts, texts = counts[given], [text for text, is_given in zip(texts, given) if is_given]
    if not len(texts):
        return Kind("number"), []
    if all(isinstance(value, bool | np.bool_) for value in raw):
        return Kind("number"), []
    return _kind_of_text(texts, counts / counts.sum(), label)


def _kind_of_text(texts, share, label):
    style = number_style(texts)
    is_number = np.isfinite(read_numbers(texts, style))
    numbers = share[is_number].sum()
    if numbers >= _MOST and not any(is_code(text) for text in texts):
        notes = [f"Numbers in {label!r} {_STYLES[style]}."] if style in _STYLES else []
        others = _others(texts, is_number, share)
        return Kind("number", style, others=others), notes + _note_of_others(
            others, label, "numbers"
        )
    formats = date_formats(texts)
    if formats:
        kind, notes, dates = _kind_of_dates(texts, formats, label)
        if share[dates].sum() >= _MOST:
            others = _others(texts, dates, share)
            return kind._replace(others=others), notes + _note_of_others(others, label, "dates")
    notes = []
    if _FEW < numbers < _MOST:
        notes.append(
            f"{label!r} holds numbers ({100 * numbers:.0f} %) and text; both were taken as "
            "categories."
        )
    return Kind("category"), notes


def _kind_of_dates(texts, formats, label):
    """Return the kind of a column of dates, notes, and which texts are dates."""
    clear, notes = day_comes_first(texts), []
    day_first = bool(clear)
    if "31/05/2024" in formats and clear is None:
        notes.append(
            f"Dates in {label!r} were read with the month first, which they do not tell; turn them "
            "into dates by pandas.to_datetime(..., dayfirst=True) if the day comes first."
        )
    if len(formats) > 1:
        examples = ", ".join(sorted(formats))
        notes.append(f"Dates in {label!r} are written in several formats, like {examples}.")
    dates = read_dates(import_extra("pandas", "rows_of"), texts, day_first)
    return Kind("date", day_first=day_first), notes, ~np.isnat(dates)


def _others(texts, is_kind, share):
    """Return the most frequent texts that are not of a kind."""
    others = np.flatnonzero(~is_kind)
    order = others[np.argsort(-share[others], kind="stable")]
    return tuple(texts[place] for place in order[:_OTHERS])


def _note_of_others(others, label, kind):
    if not others:
        return []
    return [f"{label!r} holds {kind}; other text, such as {others[0][:40]!r}, counts as missing."]


def convert(values: Any, kind: Kind, label: str) -> Any:
    """Return a column as numbers, dates or text, with missing values where it cannot be read.

    Parameters
    ----------
    values : Series of shape (n_rows,)
        The column, of the experiment or of a list.
    kind : Kind
        What the column held in the experiment.
    label : str
        Its name, for errors.

    Returns
    -------
    converted : Series of shape (n_rows,)
        float64, datetime64 or object.

    Raises
    ------
    ValueError
        If most of the given values are not of the kind of the experiment.
    """
    pandas = import_extra("pandas", "sklearn_hrc.tables")
    dtype_kind = getattr(values.dtype, "kind", "O")
    if getattr(values.dtype, "ordered", None) is not None:
        dtype_kind = "O"
    if kind.name == "date" and _is_period(values):
        return values.dt.to_timestamp()
    if kind.name == "category":
        return _as_categories(pandas, values, dtype_kind, label)
    if kind.name == "number" and dtype_kind in "biuf":
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
        return pandas.Series(np.where(np.isinf(numbers), np.nan, numbers), index=values.index)
    if kind.name == "number" and dtype_kind == "m":
        return values.dt.total_seconds() / 86_400
    if kind.name == "date" and dtype_kind == "M":
        return values.dt.tz_convert(None) if getattr(values.dt, "tz", None) else values
    codes, texts, _ = text_of(values, label)
    if kind.name == "number":
        read = _read_or_truth(texts, kind.style, label)
        missing = np.nan
    else:
        read = read_dates(pandas, texts, kind.day_first)
        missing = np.datetime64("NaT", "us")
    _check_read(codes, pandas.isna(read), texts, kind, label)
    found = np.append(read, missing)[codes]  # code -1 is a missing value
    return pandas.Series(found, index=values.index)


def _is_period(values):
    """Tell whether a column holds periods of pandas, such as months. Their start is their date."""
    return hasattr(getattr(values, "dt", None), "to_timestamp")


def _read_or_truth(texts, style, label):
    truth = {"true": 1.0, "false": 0.0}
    numbers = _read_in_either_style(texts, style, label)
    return np.array([truth.get(text.lower(), value) for text, value in zip(texts, numbers)])


def _read_in_either_style(texts, style, label):
    """Return numbers in the style of the experiment, or in that of the texts if it reads more."""
    numbers = read_numbers(texts, style)
    if not np.isnan(numbers).any() or (own := number_style(texts)) == style:
        return numbers
    others = read_numbers(texts, own)
    if np.isnan(others).sum() >= np.isnan(numbers).sum():
        return numbers
    if own == "unclear":
        numbers = read_numbers(texts, "comma")
    differ = np.isfinite(numbers) & np.isfinite(others) & (numbers != others)
    if differ.any():
        place = int(np.argmax(differ))
        warn(
            f"numbers in column {label!r} are expected to be written as in the experiment, got "
            f"text in another way, so that {texts[place][:40]!r} was read as {others[place]:g} "
            f"and not as {numbers[place]:g}; turn it into numbers if that is wrong."
        )
    return others


def _check_read(codes, unread, texts, kind, label):
    """Refuse a list if most given values of a column are not of the kind of the experiment."""
    known = set(kind.others)
    given = np.array([not is_missing_text(text) and text not in known for text in texts], bool)
    unread = unread & given
    rows, all_rows = (int(np.append(mask, False)[codes].sum()) for mask in (unread, given))
    if rows > _UNREAD * all_rows:
        example = texts[int(np.argmax(unread))][:40]
        raise ValueError(
            f"column {label!r} is expected to hold {kind.name}s, as in the experiment, got "
            f"{example!r} and the like in {rows:,} of {all_rows:,} given values; write them as in "
            "the experiment, or empty them where they are not known."
        )


def _as_categories(pandas, values, dtype_kind, label):
    if dtype_kind == "f":
        # Whole numbers with a gap are floats in pandas; their text must be that of the integers.
        whole = values.dropna()
        if (whole == whole.round()).all():
            values = values.astype("Int64")
    codes, texts, _ = text_of(values, label)
    found = np.array([text or None for text in texts] + [None], dtype=object)
    return pandas.Series(found[codes], index=values.index, dtype=object)


def text_of(values: Any, label: str) -> tuple[np.ndarray, list[str], np.ndarray]:
    """Return the text of a column.

    Parameters
    ----------
    values : Series of shape (n_rows,)
        The column.
    label : str
        Its name, for errors.

    Returns
    -------
    codes : ndarray of shape (n_rows,), int
        Place of each value in the texts, -1 where it is missing.
    texts : list of str
        Different values as text, without spaces around them.
    raw : ndarray of shape (n_texts,), object
        Different values as they are.
    """
    pandas = import_extra("pandas", "sklearn_hrc.tables")
    values = values.astype(object)
    try:
        codes, raw = pandas.factorize(values.to_numpy(), use_na_sentinel=True)
    except TypeError as error:
        found = next(
            type(value).__name__
            for value in values
            if not hasattr(value, "__hash__") or type(value).__hash__ is None
        )
        raise TypeError(
            f"column {label!r} is expected to hold numbers, dates or text, got a {found}; make a "
            "column of each of its parts, or leave it out."
        ) from error
    return codes, [str(value).strip() for value in raw], np.asarray(raw, dtype=object)


def numbers_of_text(values: Any, label: str) -> tuple[np.ndarray, str]:
    """Return the numbers of a column of text, NaN where there is none, and their style."""
    codes, texts, _ = text_of(values, label)
    style = number_style(texts)
    return np.append(read_numbers(texts, style), np.nan)[codes], style
