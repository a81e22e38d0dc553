"""HRC and its rivals as estimators, each made for the rows that it is fitted to.

A rival has the settings that its class has by default. `two-stage` stands in with three learners,
since which one is best depends on the world.
"""

from individual import ridge_regression
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_hrc import ClusterBudgetAllocator, HiddenClusterer, MultiTaskRepresenter
from sklearn_hrc.rivals import (
    CausalForestPolicy,
    DirectReturnPolicy,
    DoublyRobustPolicyTree,
    NetworkPolicy,
    TwoStagePolicy,
)

HRC, BEST_MIX = "HRC", "best mix"


def hrc(control, n_features, seed):
    """The README's pipeline."""
    return make_pipeline(
        StandardScaler(),
        MultiTaskRepresenter(random_state=seed),
        HiddenClusterer(n_clusters=64, random_state=seed),
        ClusterBudgetAllocator(control=control, random_state=seed),
    )


def rival(make, **parameters):
    """Make a rival with parameters of its own."""
    return lambda control, n_features, seed: make(control=control, random_state=seed, **parameters)


def squared_error(control, n_features, seed):
    """Two stages with one boosted regression of all arms, the last feature, as categories."""
    trees = HistGradientBoostingRegressor(categorical_features=[n_features], random_state=seed)
    return TwoStagePolicy(trees, control=control, random_state=seed)


def ridge(control, n_features, seed):
    """Two stages with a ridge regression of each arm."""
    return TwoStagePolicy(ridge_regression(), learner="t", control=control, random_state=seed)


def best_mix(control, n_features, seed):
    """Everybody gets one of two arms by lot, since all are expected to be alike."""
    # Means of folds differ a little, so that by their prices all would get one arm or the other.
    mean = {"estimator": DummyRegressor(), "learner": "t", "n_folds": None}
    return TwoStagePolicy(**mean, control=control, random_state=seed)


METHODS = {
    HRC: hrc,
    "two-stage, typed boosting": rival(TwoStagePolicy),
    "two-stage, boosting": squared_error,
    "two-stage, ridge": ridge,
    "two-stage, network": rival(NetworkPolicy, loss="prediction"),
    "causal forest": rival(CausalForestPolicy),
    "direct return": rival(DirectReturnPolicy),
    "policy learning": rival(NetworkPolicy, loss="policy_learning"),
    "maximum entropy": rival(NetworkPolicy, loss="maximum_entropy"),
    "primal": rival(NetworkPolicy, loss="primal"),
    "policy tree": rival(DoublyRobustPolicyTree),
}
