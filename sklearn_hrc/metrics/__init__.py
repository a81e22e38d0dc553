"""What a policy is worth, from the randomised experiment alone."""

from sklearn_hrc.metrics._budget_curve import best_single_arm, budget_curve
from sklearn_hrc.metrics._policy_value import policy_value

__all__ = ["best_single_arm", "budget_curve", "policy_value"]
