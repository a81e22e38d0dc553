"""What policy.json says of a policy: its arms, features, cells and plans."""

import numpy as np

from sklearn_hrc._version import __version__
from sklearn_hrc.serving._files import FORMAT, FORMAT_VERSION, digest
from sklearn_hrc.serving._manifest import version_of

__all__ = ["features_of", "manifest_of", "signed"]

_N_BUDGETS = 101


def manifest_of(distilled, traced, gaps, budgets):
    """Return the content of policy.json.

    Parameters
    ----------
    distilled : DistilledAllocator
        Fitted.
    traced : Traced
        Its graph.
    gaps : ndarray of shape (n_features,), bool
        Which features may be missing.
    budgets : array-like of shape (n_budgets,) or None
        Mean budgets of the plans. None: from the cheapest plan to the dearest.

    Returns
    -------
    content : dict
        Of what JSON can hold, without checksums.
    """
    allocator = distilled.allocator_
    # What the student tells is a place among the teacher's clusters; some it may never tell.
    cell = allocator._cluster_index(distilled._labels)
    plans, in_use = _plans(allocator, budgets)
    population = allocator.cluster_sizes_.sum()
    shares = np.where(cell >= 0, allocator.cluster_sizes_[cell] / population, 0.0)
    campaign = allocator._in_use.campaign
    counts = np.asarray(allocator._table.arms.weight, dtype=np.float64).reshape(
        -1, len(allocator.treatments_)
    )
    return {
        "format": FORMAT,
        "format_version": list(FORMAT_VERSION),
        "package_version": __version__,
        "treatments": allocator.treatments_.tolist(),
        "control": int(allocator._control),
        "propensity": (counts.sum(axis=0) / counts.sum()).tolist(),
        "features": features_of(traced, gaps),
        "outcomes": [str(name) for name in allocator.outcome_names_],
        "clusters": distilled._labels.tolist(),
        "cluster_shares": shares.tolist(),
        **{
            name: _with_mean(values, cell, population, allocator).tolist()
            for name, values in {
                "value": campaign.value,
                "response": allocator.response_,
                "response_se": allocator.response_se_,
                "cost": campaign.cost,
                "cost_se": allocator.cost_se_,
            }.items()
        },
        "split_rule": "members of a split cluster are cut along the output place of the graph",
        "plans": [_plan(*plan, cell, allocator) for plan in plans],
        "plan_in_use": in_use,
    }


def signed(content, files):
    """Return the content with the checksums of the other files and a version that follows."""
    content = {**content, "sha256": {name: digest(file) for name, file in files.items()}}
    return {**content, "policy_version": version_of(content)}


def features_of(traced, gaps):
    """Return names, kinds and categories of the features, as JSON can hold them."""
    features = []
    for place, name in enumerate(traced.names):
        vocabulary = traced.vocabularies.get(place)
        missing = None if vocabulary is None else vocabulary.missing
        is_category = vocabulary is not None
        features.append(
            {
                "name": name,
                "kind": traced.kinds[name],
                "gaps": bool(missing is not None if is_category else gaps[place]),
                "categories": list(map(list, vocabulary.codes.items())) if is_category else [],
                "unknown": vocabulary.unknown if is_category else None,
                "missing": missing,
                "as_text": vocabulary.as_text if is_category else False,
            }
        )
    return features


def _with_mean(values, cell, population, allocator):
    """Figures by the student's clusters; the mean of all where there is no such cell."""
    mean = allocator.cluster_sizes_ @ values / population
    of_cells = np.where((cell >= 0)[:, None], values[cell], mean)
    # JSON has no NaN. An error that is not known is null.
    return np.where(np.isfinite(of_cells), of_cells.astype(object), None)


def _plans(allocator, budgets):
    """Plans by rising budget, with what they are made of, and which one is in use."""
    use = allocator._in_use
    found = {use.budget: (use.budget, use.plan, use.assignment)}
    for budget in _budgets(allocator) if budgets is None else np.ravel(budgets).tolist():
        if budget not in found:
            plan = allocator._plan(budget)
            found[budget] = (budget, plan, allocator._assignment_of(plan))
    ordered = [found[budget] for budget in sorted(found)]
    return ordered, sorted(found).index(use.budget)


def _budgets(allocator):
    """Equal steps of the budget from the cheapest plan to the one that needs no more."""
    cheapest = allocator._cheapest_budget()
    dearest = float(allocator.budget_curve([allocator.cost_.max()]).cost[0])
    return np.linspace(cheapest, max(cheapest, dearest), _N_BUDGETS).tolist()


def _plan(budget, plan, assignment, cell, allocator):
    cuts, population = [], allocator._in_use.population
    for cluster, place in enumerate(cell):
        if place >= 0:
            mine = slice(*assignment.start[place : place + 2])
            pairs = zip(assignment.cut[mine].tolist(), assignment.arm[mine].tolist())
            cuts += [[cluster, cut, arm] for cut, arm in pairs]
    return {
        "budget": float(budget),
        "cost": float(plan.cost / population),
        "response": float(plan.response / population),
        "shadow_price": float(plan.shadow_price),
        "arm_shares": (plan.counts.sum(axis=0) / plan.counts.sum()).tolist(),
        "first": np.where(cell >= 0, assignment.first[cell], allocator._control).tolist(),
        "cuts": cuts,
    }
