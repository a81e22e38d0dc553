"""Offers of a day, each counted once: at its expected cost, then at its true cost."""

import numpy as np

from sklearn_hrc.serving import _pacer_checks as checks

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
        True cost of all redemptions, also of those whose offer is not known.
    """

    def __init__(self, start: float, end: float, memory: float) -> None:
        self._start, self._end, self._memory = start, end, memory
        self._length = (end - start) / _BUCKETS
        self._latest = start
        self.spent = 0.0
        self._offered = [0.0] * _BUCKETS
        self._unsettled = [0.0] * _BUCKETS
        self._redeemed = [0.0] * _BUCKETS
        self._open: dict[str | int, tuple[float, float]] = {}
        self._seen: dict[str | int, float] = {}
        # Redeemed ids, by the time of the latest decision then.
        self._settled: dict[str | int, float] = {}

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
        is_settled = event_id in self._settled
        if time > self._latest:
            self._latest = time
            for known in (self._seen, self._settled):
                _forget(known, time - self._memory)
        self._seen[event_id] = time
        if is_settled:
            # It was redeemed before its decision was told: it is spent, not expected as well.
            self._settle(event_id)
        elif expected_cost:
            bucket = self.bucket(time)
            self._offered[bucket] += expected_cost
            self._unsettled[bucket] += expected_cost
            self._open[event_id] = time, expected_cost
        return True

    def redeem(self, event_id: str | int, cost: float) -> bool:
        """Count the true cost of an id, and say whether it was new."""
        if event_id in self._settled:
            return False
        time = self._seen.get(event_id)
        offer = self._open.get(event_id)
        if offer is not None:
            time = offer[0]
            self.expire(event_id)
        # Costs are compared with those expected by the time of the offer, where it is known.
        if time is not None:
            self._redeemed[self.bucket(time)] += cost
        self.spent += cost
        self._settle(event_id)
        return True

    def expire(self, event_id: str | int) -> bool:
        """Release the expected cost of an open offer, and say whether there was one."""
        offer = self._open.pop(event_id, None)
        if offer is None:
            return False
        time, expected_cost = offer
        bucket = self.bucket(time)
        # Differences of sums may end below zero by rounding.
        self._unsettled[bucket] = max(self._unsettled[bucket] - expected_cost, 0.0)
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
            "settled": [list(pair) for pair in self._settled.items()],
        }

    def restore(self, state: dict) -> None:
        """Take over what `state` returned, or raise an error of Python for another content."""
        self._latest = self._time(state["latest"])
        self.spent = checks.check_number(state["spent"], "spent", least=0.0)
        for name in ("offered", "unsettled", "redeemed"):
            values = [checks.check_number(value, name, least=0.0) for value in state[name]]
            if len(values) != _BUCKETS:
                raise ValueError(name)
            setattr(self, f"_{name}", values)
        settled = state["settled"] if "settled" in state else _settled_of_old(state)
        for event_id, *_ in (*state["open"], *state["seen"], *settled):
            checks.check_id(event_id)
        self._open = {
            event_id: (self._time(at), checks.check_number(cost, "open", least=0.0))
            for event_id, at, cost in state["open"]
        }
        self._seen = {event_id: self._time(at) for event_id, at in state["seen"]}
        self._settled = {event_id: self._time(at) for event_id, at in settled}

    def bucket(self, time: float) -> int:
        """Return in which bucket a time is."""
        return min(int((time - self._start) / self._length), _BUCKETS - 1)

    def _settle(self, event_id):
        """Remember a redeemed id from now on, behind those that will be forgotten before."""
        self._settled.pop(event_id, None)
        self._settled[event_id] = self._latest

    def _time(self, value):
        """Return a time of the day."""
        return checks.check_number(value, "time", least=self._start, below=self._end)


def _settled_of_old(state):
    """Return ids of a text without `settled` that are not open, as their repeats must not count."""
    still_open = {event_id for event_id, *_ in state["open"]}
    return [[event_id, at] for event_id, at in state["seen"] if event_id not in still_open]


def _forget(known, before):
    """Forget the ids at the front, which came first, as long as they are too old."""
    stale = []
    for event_id, time in known.items():
        if time >= before:
            break
        stale.append(event_id)
    for event_id in stale:
        del known[event_id]
