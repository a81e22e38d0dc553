"""Warnings point at the line of the user, however deep they arise."""

import warnings

import numpy as np
import pytest
import sklearn
from sklearn.pipeline import make_pipeline

from sklearn_hrc import ClusterBudgetAllocator, HiddenClusterer, MultiTaskRepresenter


def fit_without_treatment():
    ClusterBudgetAllocator().fit([[0.0], [1.0]], [0.0, 1.0])


def fit_a_pipeline():
    rng = np.random.default_rng(0)
    rows = {"treatment": np.tile([0, 1], 100), "cost": np.zeros(200)}
    policy = make_pipeline(
        MultiTaskRepresenter(max_epochs=1, random_state=0),
        HiddenClusterer(2, random_state=0),
        ClusterBudgetAllocator(budget=0.0, random_state=0),
    )
    with sklearn.config_context(enable_metadata_routing=True):
        policy.fit(rng.normal(size=(200, 2)), rng.normal(size=200), **rows)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (fit_without_treatment, "No treatment was given"),
        (fit_a_pipeline, "Nothing is learnt of cost"),
    ],
)
def test_warning_points_at_this_file(call, text):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    found = [warning for warning in caught if text in str(warning.message)]
    assert [warning.filename for warning in found] == [__file__]
