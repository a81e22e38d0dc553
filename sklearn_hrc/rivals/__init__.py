"""Other methods for the same problem, under the same contract.

Each is fitted like a policy of this package and plans for any budget, so that it can be compared
with one, or take its place. All of them decide for each individual by itself.
"""

from sklearn_hrc.rivals._causal_forest import CausalForestPolicy
from sklearn_hrc.rivals._direct_return import DirectReturnPolicy
from sklearn_hrc.rivals._network_policy import NetworkPolicy
from sklearn_hrc.rivals._policy_tree import DoublyRobustPolicyTree
from sklearn_hrc.rivals._two_stage import TwoStagePolicy
from sklearn_hrc.rivals._typed_boosting import TypedBoostingRegressor

__all__ = [
    "CausalForestPolicy",
    "DirectReturnPolicy",
    "DoublyRobustPolicyTree",
    "NetworkPolicy",
    "TwoStagePolicy",
    "TypedBoostingRegressor",
]
