"""Parameters and events of a pacer, checked before anything changes."""

import math
from typing import Any

import numpy as np

__all__ = [
    "check_counter",
    "check_curves",
    "check_day",
    "check_delay",
    "check_id",
    "check_number",
    "check_range",
]


def check_number(
    value: Any,
    name: str,
    *,
    least: float = -math.inf,
    above: float = -math.inf,
    below: float = math.inf,
    finite: bool = True,
) -> float:
    """Return a number as a float, if it is within its bounds."""
    if type(value) is float and least <= value and above < value < below:
        return value
    number = _as_float(value)
    within = least <= number and (above == -math.inf or above < number)
    within = within and (below == math.inf or number < below)
    if not within or (finite and math.isinf(number)):
        bounds = [f"at least {least:.6g}"] * (least > -math.inf)
        bounds += [f"above {above:.6g}"] * (above > -math.inf)
        bounds += [f"before {below:.6g}"] * (below < math.inf)
        kind = "a finite number" if finite else "a number"
        wanted = " and ".join([kind, *bounds])
        raise ValueError(f"{name} is expected to be {wanted}, got {value!r:.60}.")
    return number


def check_counter(counters: Any, name: str, day_start: float) -> float:
    """Return a counter of a pacer that goes on. Its clock alone may be below 0."""
    return check_number(counters[name], name, least=day_start if name == "clock" else 0.0)


def check_day(day_start: Any, day_end: Any) -> tuple[float, float]:
    """Return when the day begins and ends."""
    start = check_number(day_start, "day_start")
    return start, check_number(day_end, "day_end", above=start)


def check_curves(traffic: Any, spend: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return individuals and spend of each part of the day."""
    individuals = _curve(traffic, "traffic")
    costs = individuals if spend is None else _curve(spend, "spend")
    if len(costs) != len(individuals):
        raise ValueError(
            f"spend is expected to have a number for each of the {len(individuals)} parts of "
            f"traffic, got {len(costs)}."
        )
    return individuals, costs


def check_delay(delay: Any) -> np.ndarray | None:
    """Return ages and shares, which do not fall."""
    if delay is None:
        return None
    points = _as_numbers(delay)
    if (
        points is None
        or points.ndim != 2
        or points.shape[1] != 2
        or (np.diff(points[:, 0]) <= 0).any()
        or (np.diff(points[:, 1]) < 0).any()
        or not (points >= 0).all()
        or points[-1, 1] > 1
    ):
        raise ValueError(
            "delay is expected to have pairs of an age that rises and a share from 0 to 1 that "
            f"does not fall, got {delay!r:.60}."
        )
    return points


def check_range(budget_range: Any) -> tuple[float, float]:
    """Return the least and the largest mean budget."""
    try:
        lowest, highest = budget_range
    except (TypeError, ValueError):
        raise ValueError(
            f"budget_range is expected to be two numbers, got {budget_range!r:.60}."
        ) from None
    lowest = check_number(lowest, "budget_range[0]")
    return lowest, check_number(highest, "budget_range[1]", least=lowest, finite=False)


def check_id(event_id: Any) -> None:
    """Refuse an id that JSON would change."""
    if not isinstance(event_id, str | int) or isinstance(event_id, bool):
        raise ValueError(
            f"event_id is expected to be a text or a whole number, got {event_id!r:.60}."
        )


def _curve(values, name):
    curve = _as_numbers(values)
    if curve is None or curve.ndim != 1 or not (curve >= 0).all() or not curve.sum() > 0:
        raise ValueError(
            f"{name} is expected to have a finite number for each part of the day, none below 0 "
            f"and not all 0, got {values!r:.60}."
        )
    return curve


def _as_float(value):
    """Return a number as a float, or NaN for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.nan


def _as_numbers(values):
    """Return finite numbers of a non-empty array, or None."""
    try:
        numbers = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    return numbers if numbers.size and np.isfinite(numbers).all() else None
