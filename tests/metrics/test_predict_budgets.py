"""Arms at several budgets, by policies in any wrapping."""

import numpy as np
import pytest
import sklearn
from helpers.small_policies import WRAPS, distilled_policy, rows_of, segment_policy, segments
from numpy.testing import assert_array_equal
from sklearn.cluster import KMeans
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_hrc import ClusterBudgetAllocator
from sklearn_hrc.datasets import make_coupon_experiment
from sklearn_hrc.metrics import budget_curve, predict_budgets

BUDGETS = [0.3, 0.8]


@pytest.fixture(scope="module")
def coupons():
    return make_coupon_experiment(3000, n_treatments=3, random_state=0)


@pytest.mark.parametrize("wrap", WRAPS)
def test_wrapped_policies_decide_like_the_policy(wrap, coupons):
    policy = segment_policy(coupons)
    expected = policy.predict_budgets(segments(coupons.data), BUDGETS)
    assert_array_equal(predict_budgets(WRAPS[wrap](policy), coupons.data, BUDGETS), expected)
    assert_array_equal(predict_budgets(policy, segments(coupons.data), BUDGETS), expected)


def test_distilled_policy(coupons):
    policy, X = distilled_policy(coupons, 3), np.asarray(coupons.data)
    assert_array_equal(
        predict_budgets(FrozenEstimator(policy), X, BUDGETS), policy.predict_budgets(X, BUDGETS)
    )


def test_search(coupons):
    with sklearn.config_context(enable_metadata_routing=True):
        allocator = ClusterBudgetAllocator(budget=0.5)
        search = GridSearchCV(
            make_pipeline(FunctionTransformer(segments), allocator),
            {"clusterbudgetallocator__estimation": ["raw", "pooled"]},
            cv=2,
        )
        search.fit(np.asarray(coupons.data), coupons.target, **rows_of(coupons))
    arms = predict_budgets(search, np.asarray(coupons.data), BUDGETS)
    assert_array_equal(arms, predict_budgets(search.best_estimator_, coupons.data, BUDGETS))
    curve = budget_curve(arms, coupons.target[:, 0], control=0, **rows_of(coupons))
    assert curve.spend[0] < curve.spend[1]


def test_what_is_no_policy(coupons):
    with pytest.raises(ValueError, match=r"^policy is expected to end in a policy, got a KMeans"):
        predict_budgets(KMeans(), coupons.data, BUDGETS)
    with pytest.raises(ValueError, match=r"^budgets is expected to be one-dimensional"):
        predict_budgets(segment_policy(coupons), coupons.data, [BUDGETS])
    with pytest.raises(NotFittedError):
        predict_budgets(ClusterBudgetAllocator(), coupons.data, BUDGETS)
