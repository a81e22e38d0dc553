"""Write a distilled policy as a folder that decides without this package's estimators."""

from sklearn_hrc.export._export_policy import export_policy

__all__ = ["export_policy"]
