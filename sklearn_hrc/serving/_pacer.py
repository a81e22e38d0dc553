"""A total budget that is kept over a day of uncertain traffic."""

import math
from threading import Lock
from typing import Any

from sklearn_hrc.serving import _pacer_checks as checks
from sklearn_hrc.serving._day_plan import DayPlan
from sklearn_hrc.serving._offers import Offers
from sklearn_hrc.serving._pacer_text import one_sentence, read_state, text_of
from sklearn_hrc.serving._pacing import budget_at, pending_and_ratio

__all__ = ["BudgetPacer"]

_COUNTERS = ("individuals", "clock", "given", "allowed", "expected", "scale")


class BudgetPacer:
    """Says which mean budget keeps a day's total budget.

    The mean budget is what is left of the total, divided by the individuals that are still
    expected. What is left takes off the true cost of redeemed offers and the expected cost of
    offers that may still be redeemed. The expected individuals and costs are corrected by what
    the day has shown so far. Threads may share a pacer.

    Parameters
    ----------
    total_budget : float
        Total cost of the offers of the day, above 0.
    day_start, day_end : float
        When the day begins and ends, in any unit of time.
    traffic : array-like of shape (n_parts,)
        Individuals that are expected in each of the equal parts of the day, such as the means of
        past days.
    spend : array-like of shape (n_parts,), default=None
        Cost of each part at one plan, in any unit, such as the means of past days. It says when
        individuals are dearer than at other times. None: they are alike all day.
    delay : array-like of shape (n_points, 2), default=None
        Ages of offers, rising, and the share of their final cost that has come by then, between
        which the share is linear. None: not known. Then an offer counts in full until it is
        redeemed or expired, and costs are not corrected.
    budget_range : tuple of float, default=(0.0, inf)
        Least and largest mean budget, such as `policy.budget_range`.
    memory : float, default=None
        For how long a repeated decision or redemption is known by its id, in the unit of time.
        None: a tenth of the day.

    References
    ----------
    .. [1] S. Balseiro, H. Lu and V. Mirrokni, "The best of many worlds: dual mirror descent for
       online allocation problems", 2020. https://arxiv.org/abs/2011.10124
    .. [2] S. Balseiro, R. Kumar, V. Mirrokni, B. Sivan and D. Wang, "Robust budget pacing with a
       single sample", 2023. https://arxiv.org/abs/2302.02006

    Examples
    --------
    A day of 24 hours with 100 individuals an hour has 1,200 to spend.

    >>> from sklearn_hrc.serving import BudgetPacer
    >>> pacer = BudgetPacer(1200.0, 0.0, 24.0, [100] * 24)
    >>> pacer.budget(0.0)
    0.5
    >>> pacer.decided("a", 0.5, 300.0), pacer.decided("a", 0.5, 300.0)
    (True, False)
    >>> pacer.pending(1.0), pacer.redeemed("a", 280.0), pacer.spent
    (300.0, True, 280.0)
    >>> restarted = BudgetPacer.from_json(pacer.to_json())
    >>> restarted.budget(1.0) == pacer.budget(1.0)
    True
    """

    def __init__(
        self,
        total_budget: float,
        day_start: float,
        day_end: float,
        traffic: Any,
        *,
        spend: Any = None,
        delay: Any = None,
        budget_range: tuple[float, float] = (0.0, math.inf),
        memory: float | None = None,
    ) -> None:
        # Estimates are drawn towards the plan by the largest total since the first decision. A
        # total that falls must not leave them to the few costs that have been seen.
        self._total = self._scale = checks.check_number(total_budget, "total_budget", above=0.0)
        start, end = checks.check_day(day_start, day_end)
        self._plan = DayPlan(start, end, *checks.check_curves(traffic, spend))
        self._delay = checks.check_delay(delay)
        self._range = checks.check_range(budget_range)
        memory = (end - start) / 10 if memory is None else memory
        self._memory = checks.check_number(memory, "memory", least=0.0)
        self._offers = Offers(start, end, self._memory)
        self._individuals, self._clock = 0.0, start
        # What the mean budgets of past decisions allowed, and what these decisions cost.
        self._given, self._allowed, self._expected = 0.0, 0.0, 0.0
        self._lock = Lock()

    @property
    def total_budget(self) -> float:
        """Total cost of the offers of the day, as it was last set."""
        return self._total

    @property
    def spent(self) -> float:
        """True cost of what was redeemed, also of offers that are not known."""
        return self._offers.spent

    def decided(self, event_id: str | int, time: float, expected_cost: float) -> bool:
        """Count a decision, also one for control.

        Parameters
        ----------
        event_id : str or int
            Of the decision. Each counts once.
        time : float
            When it was made.
        expected_cost : float
            Of the arm for this individual. With 0 there is nothing to redeem.

        Returns
        -------
        counted : bool
            False, and nothing changes, if the id is known or if the time is further back than
            `memory` before that of the latest decision.

        Raises
        ------
        ValueError
            If the time is not within the day, or the cost is negative or not finite.
        """
        checks.check_id(event_id)
        time = checks.check_number(time, "time", least=self._plan.start, below=self._plan.end)
        expected_cost = checks.check_number(expected_cost, "expected_cost", least=0.0)
        with self._lock:
            if not self._offers.add(event_id, time, expected_cost):
                return False
            self._individuals += 1
            if self._given:
                self._allowed += self._given * self._plan.dearness(time)
                self._expected += expected_cost
            return True

    def redeemed(self, event_id: str | int, cost: float) -> bool:
        """Count a true cost, also after the day's end, in place of the expected cost of an offer.

        Parameters
        ----------
        event_id : str or int
            Of the decision. An id that is not known, is expired or had no expected cost counts too.
        cost : float
            True cost, 0 or more.

        Returns
        -------
        counted : bool
            False, and nothing changes, if the id was redeemed before. This is known until a
            decision is later by `memory` than the latest one was then.

        Raises
        ------
        ValueError
            If the cost is negative or not finite.
        """
        checks.check_id(event_id)
        cost = checks.check_number(cost, "cost", least=0.0)
        with self._lock:
            return self._offers.redeem(event_id, cost)

    def expired(self, event_id: str | int) -> bool:
        """Release the expected cost of an offer that nobody is expected to redeem any more.

        Parameters
        ----------
        event_id : str or int
            Of the decision.

        Returns
        -------
        counted : bool
            False, and nothing changes, if there is no open offer of this id.
        """
        checks.check_id(event_id)
        with self._lock:
            return self._offers.expire(event_id)

    def set_total(self, total_budget: float) -> None:
        """Change the total budget of the day; what is spent or pending counts against it.

        Parameters
        ----------
        total_budget : float
            Total cost of the offers of the whole day, above 0. If it is spent already, `budget`
            returns the least of `budget_range`.

        Raises
        ------
        ValueError
            If the total is not finite or not above 0. The old one stays.
        """
        total = checks.check_number(total_budget, "total_budget", above=0.0)
        with self._lock:
            self._total, self._scale = total, max(total, self._scale if self._individuals else 0.0)

    def pending(self, time: float) -> float:
        """Return the cost that the offers made so far are expected to bring from now on.

        Parameters
        ----------
        time : float
            Now, or later.

        Returns
        -------
        cost : float
            Expected cost, corrected by what redeemed offers cost.
        """
        time = checks.check_number(time, "time")
        with self._lock:
            now = max(time, self._clock)
            return pending_and_ratio(self._offers, now, self._delay, self._scale)[0]

    def budget(self, time: float) -> float:
        """Return the mean budget per individual for the next decisions.

        Parameters
        ----------
        time : float
            Now. A time before that of an earlier call counts as that of the earlier call.

        Returns
        -------
        budget : float
            For `policy.set_budget`, within `budget_range`. From the day's end on the least one.
        """
        time = checks.check_number(time, "time")
        with self._lock:
            self._clock = min(max(self._clock, time), self._plan.end)
            of_day = self._plan, self._offers, self._individuals, (self._expected, self._allowed)
            found = budget_at(self._clock, *of_day, self._delay, self._total, self._scale)
            self._given = min(max(found, self._range[0]), self._range[1])
            return self._given

    def to_json(self) -> str:
        """Return all that the pacer knows.

        Returns
        -------
        text : str
            For `from_json`.
        """
        with self._lock:
            settings = {
                "total_budget": self._total,
                "day_start": self._plan.start,
                "day_end": self._plan.end,
                "traffic": self._plan.traffic,
                "spend": self._plan.spend,
                "delay": self._delay,
                "budget_range": self._range,
                "memory": self._memory,
            }
            counters = {name: getattr(self, f"_{name}") for name in _COUNTERS}
            return text_of(settings, counters, self._offers.state())

    @classmethod
    def from_json(cls, text: str) -> "BudgetPacer":
        """Return a pacer that goes on as the one whose `to_json` wrote the text.

        Events since then are to be told again. Those that the text knows count no second time, if
        they are no older than `memory` before its latest decision.

        Parameters
        ----------
        text : str
            From `to_json`.

        Returns
        -------
        pacer : BudgetPacer
            As it was then.

        Raises
        ------
        ValueError
            If the text is not as `to_json` wrote it.
        """
        with one_sentence():
            settings, counters, offers = read_state(text)
            pacer = cls(**settings)
            for name in _COUNTERS:
                setattr(pacer, f"_{name}", checks.check_counter(counters, name, pacer._plan.start))
            pacer._offers.restore(offers)
        return pacer
