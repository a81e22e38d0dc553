"""What is planned for a day: how many individuals come when, and when they are dear."""

import numpy as np

__all__ = ["DayPlan"]


class DayPlan:
    """Expected individuals and spend of equal parts of a day.

    Parameters
    ----------
    start, end : float
        Of the day.
    traffic : ndarray of shape (n_parts,)
        Individuals.
    spend : ndarray of shape (n_parts,)
        Their cost at one plan, in any unit.

    Attributes
    ----------
    individuals : float
        Of the day.
    """

    def __init__(self, start: float, end: float, traffic: np.ndarray, spend: np.ndarray) -> None:
        self.start, self.end, self.traffic, self.spend = start, end, traffic, spend
        self.individuals = float(traffic.sum())
        of_traffic, of_spend = traffic / self.individuals, spend / spend.sum()
        dear = np.divide(of_spend, of_traffic, out=np.ones(len(traffic)), where=of_traffic > 0)
        self._dear = dear.tolist()
        self._place_of_unit = len(traffic) / (end - start)

    def dearness(self, time: float) -> float:
        """Return the cost of individuals at a time as a multiple of that of all, at one plan."""
        return self._dear[min(int((time - self.start) * self._place_of_unit), len(self._dear) - 1)]

    def passed(self, time: float) -> tuple[float, float]:
        """Return which share of the traffic and of the spend is planned until a time."""
        place = (time - self.start) * self._place_of_unit
        return _share_until(place, self.traffic), _share_until(place, self.spend)


def _share_until(place, curve):
    upto = np.concatenate([[0.0], np.cumsum(curve)])
    return float(np.interp(place, np.arange(len(upto)), upto) / upto[-1])
