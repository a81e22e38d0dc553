"""Serve a policy from its folder, with numpy and onnxruntime alone."""

from sklearn_hrc.serving._decisions import Decision, Decisions
from sklearn_hrc.serving._exceptions import FeatureError, PolicyFolderError
from sklearn_hrc.serving._load import load
from sklearn_hrc.serving._served_policy import ServedPolicy

__all__ = ["Decision", "Decisions", "FeatureError", "PolicyFolderError", "ServedPolicy", "load"]
