"""Numbers as people read them: thousands separators, and no more digits than are known."""

import numpy as np

__all__ = ["NO_BREAK", "amount", "count", "interval", "per_cent"]

MINUS = "\N{MINUS SIGN}"
NO_BREAK = "\N{NO-BREAK SPACE}"
# Signs of money that stand before the amount.
_BEFORE = ("$", "£", "¥")
_MOST_DIGITS = 8
_DIGITS = 3
# An error below this share of the value is rounding.
_ROUNDING = 1e-6


def amount(value, error=None, unit="", *, sign=False):
    """Write an amount with two digits of its error, three digits in all, and all whole digits.

    Parameters
    ----------
    value : float
        The amount.
    error : float, default=None
        Its standard error.
    unit : str, default=""
        Unit, such as a sign of money.
    sign : bool, default=False
        Whether a plus is written, too.

    Returns
    -------
    text : str
        The amount; "unknown" if it is not finite.

    Examples
    --------
    >>> from sklearn_hrc.report._numbers import amount
    >>> amount(1234.5678, 20), amount(0.34567, 0.02, "EUR"), amount(12, unit="$")
    ('1,235', '0.346\\xa0EUR', '$12.00')
    """
    if not np.isfinite(value):
        return "unknown"
    return _written(value, _decimals(abs(value), error, unit), error, unit, sign)


def interval(ends, error=None, unit="", *, sign=False):
    """Write the two ends of an interval, with as many decimals each."""
    if not np.isfinite(ends).all():
        return "unknown"
    digits = _decimals(np.abs(ends).max(), error, unit)
    return " to ".join(_written(end, digits, error, unit, sign) for end in ends)


def _written(value, digits, error, unit, sign):
    text = f"{abs(value):,.{digits}f}"
    if "." in text and not unit and not _has_error(error, abs(value)):
        text = text.rstrip("0").rstrip(".")
    text = f"{unit}{text}" if unit in _BEFORE else f"{text}{NO_BREAK}{unit}" if unit else text
    if not any(digit in text for digit in "123456789"):
        return text
    return f"{MINUS}{text}" if value < 0 else f"+{text}" if sign else text


def count(number):
    """Write a number of people, whole."""
    return f"{round(float(number)):,}"


def per_cent(share):
    """Write a share as per cent. A little is not written as nothing, nor almost all as all."""
    share = round(float(share), 12)
    text = f"{100 * share:.0f}"
    if share > 0 and text == "0":
        text = "under 1"
    if share < 1 and text == "100":
        text = "over 99"
    return f"{text}{NO_BREAK}%"


def _has_error(error, size):
    if error is None or not np.isfinite(error):
        return False
    return error > _ROUNDING * size and error > 0


def _decimals(size, error, unit):
    """Return how many decimals to write."""
    by_size = _DIGITS - 1 - np.floor(np.log10(size)) if size > 0 else 0.0
    digits = by_size
    if _has_error(error, size):
        by_error = 1 - np.floor(np.log10(error))
        # Of a value near zero the error alone says how much is known.
        digits = min(by_error, max(by_size, 0)) if size > error else by_error
    elif unit and np.isclose(size, round(size, 2), rtol=_ROUNDING, atol=0):
        digits = min(digits, 2)
    # Money has two decimals or none.
    if unit and digits == 1:
        digits = 2
    return int(np.clip(digits, 0, _MOST_DIGITS))
