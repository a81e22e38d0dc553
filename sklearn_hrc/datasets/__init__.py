"""Simulated experiments with known truth, and readers of three published experiments."""

from sklearn_hrc.datasets._coupon import make_coupon_experiment
from sklearn_hrc.datasets._customer import make_customer_experiment
from sklearn_hrc.datasets._hillstrom import fetch_hillstrom, load_hillstrom
from sklearn_hrc.datasets._karlan_list import fetch_karlan_list
from sklearn_hrc.datasets._oracle import oracle_budget_curve, oracle_policy_value
from sklearn_hrc.datasets._thornton import load_thornton_hiv

__all__ = [
    "fetch_hillstrom",
    "fetch_karlan_list",
    "load_hillstrom",
    "load_thornton_hiv",
    "make_coupon_experiment",
    "make_customer_experiment",
    "oracle_budget_curve",
    "oracle_policy_value",
]
