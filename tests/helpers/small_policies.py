"""Policies of hand-made segments, quick to fit, and what else figures are tested with."""

import sys

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeClassifier

from sklearn_hrc import ClusterBudgetAllocator, DistilledAllocator

# Ways to wrap a policy of segments so that it takes the features.
WRAPS = {
    "pipeline": lambda policy: make_pipeline(FunctionTransformer(segments), policy),
    "frozen": lambda policy: FrozenEstimator(make_pipeline(FunctionTransformer(segments), policy)),
    "frozen step": lambda policy: make_pipeline(
        FunctionTransformer(segments), FrozenEstimator(policy)
    ),
}
NEEDS_EXTRA = r' requires .*pip install "sklearn-hrc\[plot\]"'


def segments(X):
    """Four hand-made segments, by past spend and recency."""
    X = np.asarray(X)
    return 2.0 * (X[:, [0]] > 118) + (X[:, [1]] > 21)


def rows_of(experiment):
    """Treatment and cost of a coupon experiment, as keywords."""
    return {"treatment": experiment.treatment, "cost": experiment.cost}


def segment_policy(experiment, **params):
    """Fit an allocator of segments."""
    policy = ClusterBudgetAllocator(**{"budget": 0.5, "random_state": 0, **params})
    return policy.fit(segments(experiment.data), experiment.target, **rows_of(experiment))


def distilled_policy(experiment, max_depth):
    """Distil a policy of segments into a small tree."""
    teacher = make_pipeline(FunctionTransformer(segments), ClusterBudgetAllocator(budget=0.5))
    student = DecisionTreeClassifier(max_depth=max_depth, random_state=0)
    policy = DistilledAllocator(teacher, student=student, random_state=0)
    return policy.fit(np.asarray(experiment.data), experiment.target, **rows_of(experiment))


def hide_matplotlib(monkeypatch):
    """Let imports of matplotlib fail."""
    for name in ("matplotlib", "matplotlib.pyplot"):
        monkeypatch.setitem(sys.modules, name, None)
