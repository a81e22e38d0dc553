"""Figures of policies, which need `matplotlib`, the extra `plot`."""

from sklearn_hrc.plotting._allocation import AllocationDisplay
from sklearn_hrc.plotting._budget_curve import BudgetCurveDisplay
from sklearn_hrc.plotting._calibration import CalibrationDisplay
from sklearn_hrc.plotting._cluster_profile import ClusterProfileDisplay
from sklearn_hrc.plotting._training_history import TrainingHistoryDisplay

__all__ = [
    "AllocationDisplay",
    "BudgetCurveDisplay",
    "CalibrationDisplay",
    "ClusterProfileDisplay",
    "TrainingHistoryDisplay",
]
