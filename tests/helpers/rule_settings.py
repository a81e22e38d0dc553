"""Settings that rules are stated for, small enough for every allocation to be looked at."""

import numpy as np
from hypothesis import strategies as st

from helpers.programmes import all_allocations
from sklearn_hrc._programme.constraints import are_kept
from sklearn_hrc.rules._rule import Setting

ARMS = np.array(["none", "mail", "call"])


def setting_of(sizes, cost=None, response=None, *, outcomes=None, **changes):
    """A setting with clusters 0, 1, ... and arms in a meant order, unless changes say otherwise."""
    treatments, outcomes = changes.get("treatments", ARMS), outcomes or {}
    nothing = np.zeros((len(sizes), len(treatments)))
    setting = Setting(
        treatments=treatments,
        control=0,
        has_order=True,
        clusters=np.arange(len(sizes)),
        sizes=np.asarray(sizes),
        response=nothing if response is None else response,
        cost=nothing if cost is None else cost,
        outcome_names=list(outcomes),
        mean_outcome=lambda index: list(outcomes.values())[index],
    )
    return setting._replace(**changes)


@st.composite
def worlds(draw):
    """Small whole costs, so that sums are exact, and every allocation."""
    split, n_clusters = draw(st.booleans()), draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sizes = rng.integers(0, 5 if split else 30, n_clusters)
    sizes[0] += not sizes.sum()
    response, cost = rng.integers(-4, 9, (2, n_clusters, 3)).astype(float)
    return response, cost, sizes, all_allocations(sizes, 3, split), split, rng


def assert_same(requirement, every, plain):
    """The constraints hold for exactly the allocations for which a plain condition does."""
    for counts in every:
        assert are_kept(counts, requirement.constraints).all() == plain(counts), counts


def coefficients_of(requirement):
    """Coefficients of all constraints, dense."""
    return requirement.constraints.matrix.toarray()
