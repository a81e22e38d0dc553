"""Offers of a day, each counted once: at its expected cost, then at its true cost."""

import numpy as np

__all__ = ["Offers"]

# Parts of the day by which the expected cost of offers is added up, 5 minutes of 24 hours.
_BUCKETS = 288


class Offers:
    """Offers by their ids.

    Parameters
    ----------
    start, end : float
        Of the day.
    memory : float
        For how long after an id's time a repeat of it is known.

    Attributes
    ----------
    spent : float
        True cost of redeemed offers.
    """

    def __init__(self, start: float, end: float, memory: float) -> None:
        self._start, self._length, self._memory = start, (end - start) / _BUCKETS, memory
        self._latest = start
        self.spent = 0.0
        self._offered = [0.0] * _BUCKETS
        self._unsettled = [0.0] * _BUCKETS
        self._redeemed = [0.0] * _BUCKETS
        self._open: dict[str | int, tuple[float, float]] = {}
        self._seen: dict[str | int, float] = {}

    @property
    def offered(self) -> np.ndarray:
        """Expected cost of all offers, of shape (n_buckets,)."""
        return np.array(self._offered)

    @property
    def unsettled(self) -> np.ndarray:
        """Expected cost of the offers neither redeemed nor expired, of shape (n_buckets,)."""
        return np.array(self._unsettled)

    @property
    def redeemed(self) -> np.ndarray:
        """True cost of redeemed offers by the time of the offers, of shape (n_buckets,)."""
        return np.array(self._redeemed)

    def ages(self, now: float) -> np.ndarray:
        """Return how old the offers of each bucket are, of shape (n_buckets,)."""
        middle = self._start + (np.arange(_BUCKETS) + 0.5) * self._length
        return np.maximum(now - middle, 0.0)

    def add(self, event_id: str | int, time: float, expected_cost: float) -> bool:
        """Count a decision, and say whether it was new."""
        oldest = self._latest - self._memory
        if time < oldest or event_id in self._seen or event_id in self._open:
            return False
        if time > self._latest:
            self._latest = time
            self._forget(time - self._memory)
        self._seen[event_id] = time
        if expected_cost:
            bucket = self.bucket(time)
            self._offered[bucket] += expected_cost
            self._unsettled[bucket] += expected_cost
            self._open[event_id] = time, expected_cost
        return True

    def settle(self, event_id: str | int, cost: float) -> bool:
        """Replace the expected cost of an open offer, and say whether there was one."""
        offer = self._open.pop(event_id, None)
        if offer is None:
            return False
        time, expected_cost = offer
        bucket = self.bucket(time)
        # Differences of sums may end below zero by rounding.
        self._unsettled[bucket] = max(self._unsettled[bucket] - expected_cost, 0.0)
        self._redeemed[bucket] += cost
        self.spent += cost
        return True

    def state(self) -> dict:
        """Return all that `restore` needs, of what JSON can hold."""
        return {
            "latest": self._latest,
            "spent": self.spent,
            "offered": self._offered,
            "unsettled": self._unsettled,
            "redeemed": self._redeemed,
            "open": [[event_id, *offer] for event_id, offer in self._open.items()],
            "seen": [list(pair) for pair in self._seen.items()],
        }

    def restore(self, state: dict) -> None:
        """Take over what `state` returned."""
        self._latest, self.spent = float(state["latest"]), float(state["spent"])
        for name in ("offered", "unsettled", "redeemed"):
            values = [float(value) for value in state[name]]
            if len(values) != _BUCKETS or not np.isfinite(values).all():
                raise ValueError(name)
            setattr(self, f"_{name}", values)
        self._open = {event_id: (float(at), float(cost)) for event_id, at, cost in state["open"]}
        self._seen = {event_id: float(at) for event_id, at in state["seen"]}

    def bucket(self, time: float) -> int:
        """Return in which bucket a time is."""
        return min(int((time - self._start) / self._length), _BUCKETS - 1)

    def _forget(self, before):
        """Forget the ids at the front, which came first, as long as they are too old."""
        stale = []
        for event_id, time in self._seen.items():
            if time >= before:
                break
            stale.append(event_id)
        for event_id in stale:
            del self._seen[event_id]
