"""Rules that a plan keeps beside the budget, in words."""

from sklearn_hrc.report._numbers import amount, count, per_cent
from sklearn_hrc.report._wording import clean
from sklearn_hrc.rules import (
    Forbid,
    MaxIndividuals,
    MaxShare,
    MaxSpend,
    MinOutcome,
    MinReturn,
    MinShare,
    Monotone,
)
from sklearn_hrc.rules._rule import as_list, check_rules

__all__ = ["rules_kept"]


def rules_kept(policy, plan, words):
    """Return the rules of the policy and of the list, a text each.

    Parameters
    ----------
    policy : ClusterBudgetAllocator
        The fitted allocator of the policy.
    plan : ListPlan or None
        A plan for a list. It keeps the rules of the policy, too.
    words : Wording
        What things are called.

    Returns
    -------
    texts : list of str
        In the order of the rules.
    """
    rules = check_rules(policy.rules) if plan is None else plan.rules
    return [_WORDS.get(type(rule), _other)(rule, words) for rule in rules]


def _arms(rule, words):
    return " or ".join(f"“{words.arm(label)}”" for label in as_list(rule.arm))


def _share(limit):
    def said(rule, words):
        return f"{limit} {per_cent(rule.share)} get {_arms(rule, words)}"

    return said


def _max_individuals(rule, words):
    return f"at most {count(rule.individuals)} {words.people} get {_arms(rule, words)}"


def _max_spend(rule, words):
    if rule.total_spend is not None:
        limit = f"{words.of_cost(rule.total_spend)} in all"
    else:
        limit = f"{words.of_cost(rule.spend)} per {words.person}"
    return f"{words.cost} of at most {limit} for {_arms(rule, words)}"


def _min_return(rule, words):
    unit = words.of_cost(1.0) if words.cost_unit else f"unit of {words.cost}"
    return f"at least {words.of_response(rule.minimum)} more {words.response} for each {unit}"


def _min_outcome(rule, words):
    return f"{clean(rule.outcome)} of at least {amount(rule.mean)} per {words.person}"


def _forbid(rule, words):
    if rule.where is None:
        who = f"in {', '.join(clean(label) for label in as_list(rule.clusters))}"
    else:
        who = f"with {clean(rule.where)}" if isinstance(rule.where, str) else "who is ruled out"
    return f"nobody {who} gets {_arms(rule, words)}"


def _monotone(rule, words):
    order = ", ".join(clean(label) for label in rule.clusters)
    return f"options never step down along {order}"


def _other(rule, words):
    return clean(rule)


_WORDS = {
    MaxShare: _share("at most"),
    MinShare: _share("at least"),
    MaxIndividuals: _max_individuals,
    MaxSpend: _max_spend,
    MinReturn: _min_return,
    MinOutcome: _min_outcome,
    Forbid: _forbid,
    Monotone: _monotone,
}
