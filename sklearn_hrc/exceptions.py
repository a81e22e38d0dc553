"""Classes of errors and warnings, so that callers can tell them apart."""

__all__ = [
    "BudgetError",
    "BudgetWarning",
    "DivergenceError",
    "ExpectedOutcomesWarning",
    "MissingTreatmentWarning",
    "OverlapWarning",
    "RareTreatmentWarning",
    "RuleConflictError",
    "SharedKeyWarning",
]


class BudgetError(ValueError):
    """The budget is below the cost of the cheapest allocation."""


class RuleConflictError(BudgetError):
    """The rules of a campaign, including the budget, cannot be kept together."""


class DivergenceError(ArithmeticError):
    """The training loss of a network became infinite or NaN."""


class BudgetWarning(UserWarning):
    """The budget is above the cost of the best allocation, so it does not bind."""


class MissingTreatmentWarning(UserWarning):
    """No treatment was given, so there is a single arm to allocate."""


class ExpectedOutcomesWarning(UserWarning):
    """Columns taken for expected outcomes are far from the observed outcomes."""


class OverlapWarning(UserWarning):
    """A policy gives an arm to rows of which none received it."""


class RareTreatmentWarning(UserWarning):
    """So few rows received a treatment that its effect is uncertain by more than its size."""


class SharedKeyWarning(UserWarning):
    """So many rows share a key or a group that a random sample of rows cannot be drawn by it."""
