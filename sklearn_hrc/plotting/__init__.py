"""Figures of policies; they need `matplotlib`, the extra `plot`."""

from sklearn_hrc.plotting._budget_curve import BudgetCurveDisplay

__all__ = ["BudgetCurveDisplay"]
