"""What a policy is worth, from the randomised experiment alone."""

from sklearn_hrc.metrics._best_rules import best_mix, best_single_arm
from sklearn_hrc.metrics._budget_curve import budget_curve
from sklearn_hrc.metrics._check_randomisation import check_randomisation
from sklearn_hrc.metrics._comparisons import compare_budget_curves, compare_policies
from sklearn_hrc.metrics._cost_curve import area_under_cost_curve
from sklearn_hrc.metrics._cross_fit import cross_fit_outcomes
from sklearn_hrc.metrics._overlap import policy_overlap
from sklearn_hrc.metrics._policy_value import policy_value
from sklearn_hrc.metrics._predict_budgets import predict_budgets
from sklearn_hrc.metrics._stratum_propensity import stratum_propensity

__all__ = [
    "area_under_cost_curve",
    "best_mix",
    "best_single_arm",
    "budget_curve",
    "check_randomisation",
    "compare_budget_curves",
    "compare_policies",
    "cross_fit_outcomes",
    "policy_overlap",
    "policy_value",
    "predict_budgets",
    "stratum_propensity",
]
