"""Numbers and dates that stand in text: found and read."""

import re

import numpy as np

__all__ = [
    "MISSING",
    "date_formats",
    "day_comes_first",
    "is_code",
    "is_missing_text",
    "number_style",
    "read_dates",
    "read_numbers",
]

# Texts that stand for a missing value, in small letters.
MISSING = {"", "-", "--", "?", ".", "na", "n/a", "#n/a", "nan", "none", "null", "<na>", "nat"}
_POINT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_COMMA = re.compile(r"[+-]?(\d+|\d{1,3}(\.\d{3})+),\d+")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
_POINTS = re.compile(r"[+-]?\d{1,3}(\.\d{3})+")
_TIME = r"([T ,].*)?"
# Year, month and day have one order only; a point is written where the day comes first.
_DATES = {
    "2024-05-31": re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}" + _TIME),
    "31.05.2024": re.compile(r"\d{1,2}\.\d{1,2}\.(\d{4}|\d{2})" + _TIME),
    "31/05/2024": re.compile(r"(\d{1,2})[-/](\d{1,2})[-/](\d{4}|\d{2})" + _TIME),
    "31 May 2024": re.compile(
        r"(\d{1,2}\.?[ -][A-Za-z]{3,9}\.?,?[ -]\d{4}|[A-Za-z]{3,9}\.? \d{1,2},? \d{4})" + _TIME
    ),
}


def is_missing_text(text: str) -> bool:
    """Tell whether a text stands for a missing value."""
    return text.lower() in MISSING


def is_code(text: str) -> bool:
    """Tell whether digits begin with a nought, as those of ids and postcodes do."""
    return len(text) > 1 and text[0] == "0" and text.isdigit()


def number_style(texts: list[str]) -> str:
    """Return how numbers are written.

    Parameters
    ----------
    texts : list of str
        Different values of a column.

    Returns
    -------
    style : {"point", "comma", "thousands", "unclear"}
        "point" for 12.50, "comma" for 12,50, "thousands" for 1,250.50. "unclear" where every
        comma stands before three digits, 1,250, which "thousands" and "comma" read differently.
    """
    with_comma = [text for text in texts if "," in text]
    comma = [text for text in with_comma if _COMMA.fullmatch(text)]
    thousands = [text for text in with_comma if _THOUSANDS.fullmatch(text)]
    only_comma, only_thousands = set(comma) - set(thousands), set(thousands) - set(comma)
    if not comma and not thousands:
        return "point"
    if not only_comma and not only_thousands:
        return "unclear"
    return "comma" if len(only_comma) >= len(only_thousands) else "thousands"


def read_numbers(texts: list[str], style: str) -> np.ndarray:
    """Return numbers in a style, NaN where a text is no number."""
    return np.array([_read_number(text, style) for text in texts], dtype=np.float64)


def _read_number(text, style):
    if style == "comma":
        if _COMMA.fullmatch(text) or _POINTS.fullmatch(text):
            return float(text.replace(".", "").replace(",", "."))
    elif style in ("thousands", "unclear") and _THOUSANDS.fullmatch(text):
        return float(text.replace(",", ""))
    return float(text) if _POINT.fullmatch(text) else np.nan


def date_formats(texts: list[str]) -> set[str]:
    """Return the formats in which dates are written, each as an example."""
    return {example for text in texts for example in [_format_of(text)] if example}


def day_comes_first(texts: list[str]) -> bool | None:
    """Tell whether the day comes first in dates like 03/05/2024, or None where both may be."""
    parts = [_DATES["31/05/2024"].fullmatch(text) for text in texts]
    first = max((int(found[1]) for found in parts if found), default=0)
    second = max((int(found[2]) for found in parts if found), default=0)
    if (first > 12) == (second > 12):
        return None
    return first > 12


def read_dates(pandas, texts: list[str], day_first: bool) -> np.ndarray:
    """Return dates in UTC as datetime64, NaT where a text is no date.

    Parameters
    ----------
    pandas : module
        The module pandas.
    texts : list of str
        Dates, in several formats if need be.
    day_first : bool
        Whether the day comes first in dates like 03/05/2024.

    Returns
    -------
    dates : ndarray of shape (n_texts,), datetime64[us]
        Without time zone.
    """
    formats = np.array([_format_of(text) or "" for text in texts], dtype=object)
    dates = np.full(len(texts), np.datetime64("NaT", "us"))
    for example in _DATES:
        mine = np.flatnonzero(formats == example)
        if not len(mine):
            continue
        # Each format is read by itself, since dayfirst=True turns 2024-05-03 around, too.
        read = pandas.to_datetime(
            pandas.Series([texts[place] for place in mine], dtype=object),
            format="mixed",
            dayfirst=example == "31.05.2024" or (example == "31/05/2024" and day_first),
            errors="coerce",
            utc=True,
        )
        dates[mine] = read.dt.tz_localize(None).to_numpy().astype("datetime64[us]")
    return dates


def _format_of(text):
    return next((example for example, form in _DATES.items() if form.fullmatch(text)), None)
