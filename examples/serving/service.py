"""The policy in use, its log and its figures: what all endpoints share."""

import logging
import threading
import uuid
import warnings
from typing import Any, NamedTuple

from errors import RequestError
from prometheus import Figures, sample
from rows import decided
from settings import Settings

from sklearn_hrc.exceptions import BudgetError, BudgetWarning
from sklearn_hrc.serving import DecisionLog, Decisions, PolicyFolderError, ServedPolicy, load

__all__ = ["Service"]

_logger = logging.getLogger("uvicorn.error")


class Answer(NamedTuple):
    """Decisions and their ids."""

    ids: list[str]
    decisions: Decisions


class Service:
    """A policy that is replaced as a whole, in one step.

    Parameters
    ----------
    settings : Settings
        What the service is started with.

    Attributes
    ----------
    policy : ServedPolicy
        In use. An endpoint reads it once, so that its answer is by one policy.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings, self.figures = settings, Figures()
        self.reload_error: str | None = None
        self._lock = threading.Lock()
        self._loads = self._reload_failures = 0
        self.policy = self._loaded()
        if settings.budget is not None:
            self.policy.set_budget(settings.budget)
        self._budget = self._budget_of(settings.budget)
        self.log = (
            DecisionLog(
                settings.log, sync_every=settings.log_every, sync_seconds=settings.log_seconds
            )
            if settings.log
            else None
        )

    def decide(
        self, rows: list[dict[str, Any]], eligible: list[Any] | None, ids: list[str] | None
    ) -> Answer:
        """Decide for rows, count them, and log them."""
        decisions = decided(self.policy, rows, eligible, self.settings.max_rows)
        ids = ids or [uuid.uuid4().hex for _ in rows]
        self.figures.count_arms(decisions.treatment.tolist())
        self._write(ids, rows, decisions)
        return Answer(ids, decisions)

    def budget(self) -> dict[str, Any]:
        """Return the budget in use and what it costs."""
        with self._lock:
            return self._figures_of_budget()

    def set_budget(self, budget: float) -> dict[str, Any]:
        """Use another budget, and return what it costs."""
        with self._lock:
            try:
                warning = _set_budget(self.policy, budget)
            except (BudgetError, ValueError) as error:
                raise RequestError(422, str(error), "budget") from error
            self._budget = budget
            _logger.info("The budget is %r now.", budget)
            return self._figures_of_budget() | {"warning": warning}

    def reload(self) -> dict[str, Any]:
        """Read the folder again; the old policy serves until the new one is whole."""
        with self._lock:
            try:
                policy = self._loaded()
                warning = _set_budget(policy, self._budget)
            except (PolicyFolderError, BudgetError) as error:
                self.reload_error = f"The old policy stays. {error}"
                self._reload_failures += 1
                _logger.error("The folder could not be loaded again: %s", error)
                raise RequestError(409, self.reload_error, "policy") from error
            self.policy, self.reload_error = policy, None
            _logger.info("The policy has version %s now.", policy.policy_version)
            return self._figures_of_budget() | {"warning": warning}

    def sync_log(self) -> None:
        """Synchronise the log, where no decision comes in."""
        if self.log:
            try:
                self.log.sync()
            except OSError as error:
                _logger.error("The log could not be synchronised: %s", error)

    def close(self) -> None:
        """Close the log."""
        if self.log:
            self.log.close()

    def state(self) -> dict[str, Any]:
        """Return what goes wrong behind decisions that go on."""
        log = "off" if self.log is None else self.log.error or "ok"
        return {
            "ready": True,
            "policy_version": self.policy.policy_version,
            "policy": self.reload_error or "ok",
            "log": log,
        }

    def metrics(self) -> str:
        """Return all figures."""
        policy, log = self.policy, self.log
        lost, failing = (log.n_lost, log.error is not None) if log else (0, False)
        lines = self.figures.text()
        for name, kind, about, value in (
            ("budget", "gauge", "Mean budget of the plan in use.", policy.budget),
            ("expected_cost", "gauge", "Expected mean cost.", policy.expected_cost),
            ("shadow_price", "gauge", "Response for one more unit.", policy.shadow_price),
            ("log_lost_total", "counter", "Decisions that could not be logged.", lost),
            ("log_failing", "gauge", "Whether the last write failed.", int(failing)),
            ("reload_failures_total", "counter", "Folders refused.", self._reload_failures),
            ("reload_failing", "gauge", "Last folder refused.", int(bool(self.reload_error))),
        ):
            lines += sample(name, kind, about, value)
        version = policy.policy_version
        lines += sample("policy_info", "gauge", "Policy in use.", 1, policy_version=version)
        return "\n".join(lines) + "\n"

    def _write(self, ids, rows, decisions):
        """Log decisions. Where the log cannot be written, they go on without it."""
        if self.log:
            failed_before = self.log.error is not None
            try:
                self.log.write_many(ids, rows, decisions)
            except OSError as error:
                # One line for a full disk, not one for each decision.
                if not failed_before:
                    _logger.error("Decisions cannot be logged: %s", error)

    def _loaded(self):
        """Load the folder. Each load draws otherwise, also with a seed."""
        settings, self._loads = self.settings, self._loads + 1
        seed = None if settings.seed is None else settings.seed + self._loads - 1
        return load(settings.policy, exploration=settings.exploration, random_state=seed)

    def _budget_of(self, asked: float | None) -> float:
        return self.policy.budget_with_exploration if asked is None else asked

    def _figures_of_budget(self):
        policy = self.policy
        return {
            "budget": policy.budget,
            "asked_budget": self._budget,
            "expected_cost": policy.expected_cost,
            "shadow_price": policy.shadow_price,
            "policy_version": policy.policy_version,
            "budgets": policy.budgets,
        }


def _set_budget(policy: ServedPolicy, budget: float) -> str | None:
    """Set a budget, and return the warning that it is above all plans."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", BudgetWarning)
        policy.set_budget(budget)
    return str(caught[0].message) if caught else None
