"""Serve a policy from its folder, with numpy and onnxruntime alone."""

from sklearn_hrc.serving._decision_log import DecisionLog
from sklearn_hrc.serving._decisions import Decision, Decisions
from sklearn_hrc.serving._exceptions import FeatureError, PolicyFolderError
from sklearn_hrc.serving._load import load
from sklearn_hrc.serving._log_records import LoggedDecisions, read_log
from sklearn_hrc.serving._pacer import BudgetPacer
from sklearn_hrc.serving._served_policy import ServedPolicy

__all__ = [
    "BudgetPacer",
    "Decision",
    "DecisionLog",
    "Decisions",
    "FeatureError",
    "LoggedDecisions",
    "PolicyFolderError",
    "ServedPolicy",
    "load",
    "read_log",
]
